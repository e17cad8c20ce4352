import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { DocumentFields } from '../../src/documents/document.ts'
import { extract } from '../../src/documents/extract.ts'
import { PROFILES } from '../../src/documents/profiles.ts'
import { verifyDocument } from '../../src/documents/verify.ts'
import { DocumentError } from '../../src/errors.ts'
import { signXml } from '../../src/simulator/signed-xml.ts'
import { testPki } from '../support/pki.ts'
import { AADHAAR, LICENCE, PAN, type Pki, secondsOf, trusting } from './fixtures.ts'

const NOW = secondsOf('2026-11-23T00:00:00Z')
let pki: Pki
let documents: Buffer[]

beforeAll(async () => {
  pki = await testPki(new Date(NOW * 1000))
  documents = [PAN, LICENCE, AADHAAR].map((content) => signXml(content, pki.signer))
}, 120_000)

/** The fields, or that the document was refused; any other error is a fault of ours and goes through. */
async function outcome(bytes: Uint8Array): Promise<DocumentFields | 'refused'> {
  try {
    const trust = trusting([pki.signer])
    return extract(await verifyDocument(bytes, { profile: PROFILES.digilocker, trust, at: NOW }))
  } catch (error) {
    if (error instanceof DocumentError) return 'refused'
    throw error
  }
}

async function expectSameOrRefused(original: Buffer, changed: Uint8Array): Promise<void> {
  const result = await outcome(changed)
  if (result !== 'refused') expect(result).toStrictEqual(await outcome(original))
}

describe('a tampered document', () => {
  const place = fc.record({ document: fc.nat(2), at: fc.nat() })
  const pick = ({ document, at }: { document: number; at: number }) => {
    const original = documents[document] ?? Buffer.alloc(0)
    return { original, index: at % original.length }
  }

  it('is refused or says the same, whichever byte is changed to whichever', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (where, flip) => {
        const { original, index } = pick(where)
        const changed = Buffer.from(original)
        changed[index] = (changed[index] ?? 0) ^ flip
        await expectSameOrRefused(original, changed)
      }),
      { numRuns: 400 },
    )
  })

  it('is refused or says the same, whatever markup is put in or cut out anywhere', async () => {
    const markup = fc.constantFrom(
      '<!-- x -->',
      '<?x y?>',
      '<![CDATA[x]]>',
      '<x/>',
      ' ',
      '\n',
      '&#13;',
      '&amp;',
      ' name="EVE"',
      'x',
    )
    await fc.assert(
      fc.asyncProperty(place, markup, fc.nat(3), async (where, inserted, cut) => {
        const { original, index } = pick(where)
        const changed = Buffer.concat([
          original.subarray(0, index),
          Buffer.from(inserted),
          original.subarray(index + cut),
        ])
        await expectSameOrRefused(original, changed)
      }),
      { numRuns: 400 },
    )
  })
})
