import { beforeAll, describe, expect, it } from 'vitest'
import { assertDoctype, extract } from '../../src/documents/extract.ts'
import { PROFILES } from '../../src/documents/profiles.ts'
import { verifyDocument } from '../../src/documents/verify.ts'
import { lockerOf } from '../../src/simulator/documents.ts'
import { PERSONAS } from '../../src/simulator/personas.ts'
import { signXml } from '../../src/simulator/signed-xml.ts'
import { testPki } from '../support/pki.ts'
import { type Pki, secondsOf, trusting } from './fixtures.ts'

const NOW = secondsOf('2026-11-23T00:00:00Z')
const served = PERSONAS.flatMap((persona) =>
  lockerOf(persona, NOW).flatMap(({ doctype, xml }) => (xml ? [{ persona: persona.id, doctype, xml }] : [])),
)
let pki: Pki

beforeAll(async () => {
  pki = await testPki(new Date(NOW * 1000))
})

describe('what the simulator serves', () => {
  it.each(served)('verifies and reads: $doctype of $persona', async ({ doctype, xml }) => {
    const trust = trusting([pki.signer])
    const document = await verifyDocument(signXml(xml, pki.signer), { profile: PROFILES.digilocker, trust, at: NOW })
    assertDoctype(document, doctype)
    const fields = extract(document)
    expect(fields).toMatchObject({ doctype, name: expect.any(String), documentIssuer: { name: expect.any(String) } })
    expect(Object.values(fields)).not.toContain(undefined)
  })
})
