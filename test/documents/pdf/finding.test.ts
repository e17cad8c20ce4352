import { beforeAll, describe, expect, it } from 'vitest'
import { toFinding } from '../../../src/documents/pdf/finding.ts'
import { PDF_REASONS, type PdfReason, type PdfVerdict } from '../../../src/documents/pdf/verdict.ts'
import { verifyPdf } from '../../../src/documents/pdf/verify-pdf.ts'
import { refusedWith, trusting } from '../fixtures.ts'
import { makePdf, overwrite, signPdf, updatePdf } from './fixtures.ts'
import { AT, cmsBy, makeWorld, type World } from './support.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const findingOf = async (file: Uint8Array) => toFinding(await world.verify(file))

/** A verdict with nothing but reasons, which are all that decides. */
const verdictWith = (verdict: PdfVerdict['verdict'], ...reasons: PdfReason[]): PdfVerdict => ({
  verdict,
  reasons,
  signatures: [],
  signatureCount: 1,
  documentTimestamps: 0,
  encrypted: false,
  timeBasis: 'fetch',
  judgedAt: AT,
})

describe('what a login may know of a PDF — documents-and-signatures.md §4', () => {
  it('is the signer where all holds, and no name, field or text', async () => {
    expect(await findingOf(await world.signed())).toEqual({ verdict: 'trusted', signer: world.signer.fingerprint })
  })

  it('is that it is unsigned', async () => {
    expect(await findingOf(makePdf())).toEqual({ verdict: 'unsigned' })
  })

  it.each([
    ['a SHA-1', async () => world.signed({ digest: 'sha1' }), 'digest_sha1'],
    ['a signer of whom we never heard', async () => signPdf(makePdf(), cmsBy(world.stranger)), 'signer.known'],
    ['a subfilter of old', async () => world.signed({}, { subFilter: 'adbe.pkcs7.sha1' }), 'subfilter_sha1'],
    [
      'an end that we cannot read, and no signature before it',
      async () => Buffer.from('%PDF-1.7\n<< (x'),
      'unreadable',
    ],
  ])('is that we do not judge %s, which is no proof against it', async (_what, make, check) => {
    expect(await findingOf(await make())).toEqual({ verdict: 'not-trusted', check })
  })

  it.each([
    ['a changed byte', async () => overwrite(await world.signed(), '(Specimen)', '(Sbecimen)'), 'DOC_DIGEST_MISMATCH'],
    ['an update after signing', async () => updatePdf(await world.signed(), { 4: 'null' }), 'DOC_DIGEST_MISMATCH'],
    ['a byte after the end', async () => Buffer.concat([await world.signed(), Buffer.of(10)]), 'DOC_DIGEST_MISMATCH'],
    [
      'a range that begins late',
      () => world.signed({}, { byteRange: ([, a, b, c]) => [1, a, b, c] }),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['a signature without Contents', async () => makePdf({ 7: '<< /Type /Sig >>' }), 'DOC_SIGNATURE_SHAPE'],
  ] as const)('refuses %s', async (_what, make, code) => {
    await expect(make().then(findingOf)).rejects.toEqual(refusedWith(code))
  })

  it('refuses a signer who has ended under the code that XML is refused under', async () => {
    const signer = await world.pki.issueSigner({ notAfter: new Date((AT - 86_400) * 1000) })
    const file = await signPdf(makePdf(), cmsBy(signer))
    const verdict = await verifyPdf(file, { rail: 'digilocker', trust: trusting([signer]), at: AT })
    expect(() => toFinding(verdict)).toThrow(
      expect.objectContaining({ code: 'DOC_SIGNER_EXPIRED', check: 'signer.ended' }),
    )
  })

  it('names the reason that refuses, not one that merely stands beside it', () => {
    const verdict = verdictWith('pdf_altered_after_signing', 'digest_sha1', 'signature_invalid')
    expect(() => toFinding(verdict)).toThrow(
      expect.objectContaining({ code: 'DOC_SIGNATURE_INVALID', check: 'signature_invalid' }),
    )
  })

  it('refuses a check of trust that it has never heard of', () => {
    const verdict = verdictWith('pdf_signed_untrusted_signer', 'signer.of-tomorrow')
    expect(() => toFinding(verdict)).toThrow(refusedWith('DOC_SIGNER_UNTRUSTED'))
  })

  const altered = (Object.keys(PDF_REASONS) as (keyof typeof PDF_REASONS)[]).filter(
    (reason) => PDF_REASONS[reason].verdict === 'pdf_altered_after_signing',
  )
  it.each(altered)('lets no altered PDF pass: %s', (reason) => {
    expect(() => toFinding(verdictWith('pdf_altered_after_signing', reason))).toThrow(/refused/)
  })
})
