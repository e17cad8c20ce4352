import { beforeAll, describe, expect, it } from 'vitest'
import { assertDoctype, extract, extractPhoto } from '../../src/documents/extract.ts'
import { PROFILES } from '../../src/documents/profiles.ts'
import { type VerifiedDocument, verifyDocument } from '../../src/documents/verify.ts'
import { testPki } from '../support/pki.ts'
import { AADHAAR, forge, kyc, LICENCE, PAN, type Pki, refusedWith, secondsOf, trusting, utf8 } from './fixtures.ts'

// Here documents are signed and verified first; how each doctype is read stands in `doctypes/`.
const NOW = secondsOf('2026-11-23T00:00:00Z')
let pki: Pki

beforeAll(async () => {
  pki = await testPki(new Date(NOW * 1000))
}, 120_000)

const verified = async (content: string): Promise<VerifiedDocument> => {
  const options = { profile: PROFILES.digilocker, trust: trusting([pki.signer]), at: NOW }
  return verifyDocument(utf8(forge(content, pki.signer)), options)
}
const lookAlike = Object.freeze({}) as VerifiedDocument

describe('extract — documents-and-signatures.md §1', () => {
  it.each([
    ['a licence', LICENCE, { doctype: 'DRVLC', number: 'KA0120100001234', birthdate: '1988-06-05' }],
    ['a PAN', PAN, { doctype: 'PANCR', number: 'ABCPE1234F', name: 'MEERA EXAMPLE' }],
    ['an e-Aadhaar', AADHAAR, { doctype: 'ADHAR', lastFour: '1234', localName: 'किरण नमूना' }],
    ['an e-Aadhaar with KycRes as its root', kyc(), { doctype: 'ADHAR', lastFour: '1234' }],
  ])('reads %s that was verified', async (_case, content, fields) => {
    expect(extract(await verified(content))).toMatchObject(fields)
  })

  it('gives the characters as they were signed beside what they mean', async () => {
    const { original } = extract(await verified(PAN))
    expect(original).toMatchObject({ name: 'MEERA  EXAMPLE', birthdate: '29-02-1992', gender: 'FEMALE' })
  })

  it('gives plain data that survives being sealed and opened', async () => {
    const fields = extract(await verified(LICENCE))
    expect(JSON.parse(JSON.stringify(fields))).toEqual(fields)
  })

  it('refuses a look-alike of a verified document', () => {
    expect(() => extract(lookAlike)).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
    expect(() => extractPhoto(lookAlike)).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
    expect(() => assertDoctype(lookAlike, 'PANCR')).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
  })

  it('gives the photograph only to who asks for it', async () => {
    const document = await verified(AADHAAR.replace('/9j/AAAA', '/9j/4AAQSkZJRg=='))
    expect(JSON.stringify(extract(document))).not.toContain('/9j/')
    expect(extractPhoto(document)).toMatchObject({ mediaType: 'image/jpeg' })
  })
})

describe('assertDoctype — security.md XM-14', () => {
  it.each([
    ['DRVLC', LICENCE],
    ['drvlc', LICENCE],
    ['ADHAR', AADHAAR],
    ['ADHAR', kyc()],
  ])('accepts a %s where one was asked for', async (doctype, content) => {
    const document = await verified(content)
    expect(() => assertDoctype(document, doctype)).not.toThrow()
  })

  it.each([
    ['a licence', 'PANCR', LICENCE],
    ['a PAN', 'ADHAR', PAN],
    ['an e-Aadhaar', 'DRVLC', AADHAAR],
  ])('refuses %s where a %s was asked for', async (_case, doctype, content) => {
    const document = await verified(content)
    expect(() => assertDoctype(document, doctype)).toThrow(refusedWith('DOC_TYPE_MISMATCH'))
  })
})
