import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyPdf } from '../../../src/documents/pdf/verify-pdf.ts'
import type { AcceptedSigner } from '../../../src/documents/trust/signer.ts'
import { refusedWith } from '../fixtures.ts'
import * as cms from './cms.ts'
import { makePdf, type SigningOptions, signPdf, stream, updatePdf } from './fixtures.ts'
import { AT, cmsBy, makeWorld, outcome, selfMade, TRUSTED, unsigned, untrusted, type World } from './support.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const CADES: SigningOptions = { subFilter: 'ETSI.CAdES.detached' }

describe('verifyPdf — a signed PDF as it should be', () => {
  it('trusts adbe.pkcs7.detached by a pinned signer and says how it knows', async () => {
    const file = await world.signed()
    const a = file.indexOf('/Contents <') + 10
    const b = file.indexOf('>', a) + 1
    expect(await world.verify(file)).toEqual({
      verdict: 'pdf_signed_trusted',
      reasons: [],
      signatureCount: 1,
      documentTimestamps: 0,
      encrypted: false,
      timeBasis: 'fetch',
      judgedAt: AT,
      signatures: [
        {
          subFilter: 'adbe.pkcs7.detached',
          reasons: [],
          coverage: { byteRange: [0, a, b, file.length - b], wholeFile: true },
          digestAlgorithm: 'sha256',
          signatureAlgorithm: 'rsa-pkcs1-sha256',
          signer: expect.objectContaining({
            fingerprint: world.signer.fingerprint,
            name: world.signer.commonName,
            accepted: true,
            basis: 'pin',
            expired: false,
          }),
          signingTime: { claimed: Date.parse('2026-11-20T10:00:00Z') / 1000, proven: false },
          signingCertificate: 'absent',
          certification: false,
        },
      ],
    })
  })

  it('trusts ETSI.CAdES.detached with a matching signing-certificate-v2', async () => {
    const attributes = (usual: Parameters<NonNullable<cms.CmsOptions['attributes']>>[0]) => [
      ...usual,
      cms.signingCertificateV2(world.signer.certificateDer),
    ]
    const verdict = await world.verify(await world.signed({ attributes }, CADES))
    expect(outcome(verdict)).toEqual(TRUSTED)
    expect(verdict.signatures[0]).toMatchObject({ subFilter: 'ETSI.CAdES.detached', signingCertificate: 'matched' })
  })

  it.each(['sha256', 'sha384', 'sha512'] as const)('trusts RSA PKCS #1 v1.5 with %s', async (digest) => {
    const verdict = await world.verify(await world.signed({ digest }))
    expect(outcome(verdict)).toEqual(TRUSTED)
    expect(verdict.signatures[0]?.signatureAlgorithm).toBe(`rsa-pkcs1-${digest}`)
  })

  it('trusts a signature algorithm that names its digest too', async () => {
    const signatureAlgorithm = cms.algorithm(cms.OID.sha256WithRsa)
    expect(outcome(await world.verify(await world.signed({ signatureAlgorithm })))).toEqual(TRUSTED)
  })

  it('trusts RSA-PSS with one digest for message and mask', async () => {
    const signatureAlgorithm = cms.pssAlgorithm('sha256', 32)
    const file = await world.signed({ signatureAlgorithm, padding: { ...cms.PSS, saltLength: 32 } })
    const verdict = await world.verify(file)
    expect(outcome(verdict)).toEqual(TRUSTED)
    expect(verdict.signatures[0]?.signatureAlgorithm).toBe('rsa-pss-sha256')
  })

  it.each([
    ['P-256', 'sha256', cms.OID.ecdsaSha256],
    ['P-384', 'sha384', cms.OID.ecdsaSha384],
  ] as const)('verifies ECDSA on %s and leaves to trust whether such a key is believed', async (curve, digest, oid) => {
    const signer = selfMade(curve)
    const make = cmsBy(signer, { digest, signatureAlgorithm: cms.algorithm(oid) })
    const file = await signPdf(makePdf(), make)
    expect(outcome(await world.verify(file))).toEqual(untrusted('signer.known'))
    const verdict = await verifyPdf(file, { rail: 'digilocker', trust: pinning(signer.certificateDer), at: AT })
    expect(outcome(verdict)).toEqual(TRUSTED)
    expect(verdict.signatures[0]?.signatureAlgorithm).toBe(`ecdsa-${digest}`)
  })

  it('finds the signer by key identifier as well', async () => {
    expect(outcome(await world.verify(await world.signed({ byKeyId: true })))).toEqual(TRUSTED)
  })

  it.each([
    ['leaf first', (chain: Buffer[]) => chain],
    ['root first', (chain: Buffer[]) => chain.toReversed()],
    ['the leaf twice', (chain: Buffer[]) => [...chain, ...chain.slice(0, 1)]],
  ])('takes the certificates in any order: %s', async (_order, arrange) => {
    expect(outcome(await world.verify(await world.signed({ certificates: arrange(world.signer.chain) })))).toEqual(
      TRUSTED,
    )
  })

  it.each([
    ['CRLF line ends', () => makePdf({}, { eol: '\r\n' }), { layout: { eol: '\r\n' } }],
    ['CR line ends', () => makePdf({}, { eol: '\r' }), { layout: { eol: '\r' } }],
    ['binary streams', () => makePdf({ 5: stream(`\x00\xff>>endobj<<(\x80`) }), {}],
    [
      'objects in the order of a linearized file',
      () => makePdf({}, { order: [3, 4, 1, 2] }),
      { layout: { order: [11, 1, 10] } },
    ],
    ['an update before signing', () => updatePdf(makePdf(), { 4: stream('BT ET') }), {}],
    ['comments between the entries', () => makePdf(), { dictionary: withComments }],
    ['names spelled with #', () => makePdf(), { dictionary: withEscapes }],
    ['no Type, which is optional', () => makePdf(), { dictionary: withoutType }],
    ['a signature next to an empty field', () => makePdf({ 7: '<< /FT /Sig /T (empty) >>' }), { fields: '7 0 R' }],
  ] as readonly [string, () => Buffer, SigningOptions][])('trusts a file with %s', async (_what, base, options) => {
    expect(outcome(await world.verify(await signPdf(base(), cmsBy(world.signer), options)))).toEqual(TRUSTED)
  })

  it('trusts an encrypted file, whose signature is readable without the password, and says that it is encrypted', async () => {
    const security = '<< /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O (\\(\x80\x01\\\\) /U <00ff> >>'
    const base = makePdf({ 6: security }, { trailer: '/Encrypt 6 0 R /ID [<00> <00>]' })
    const verdict = await world.verify(
      await signPdf(base, cmsBy(world.signer), { layout: { trailer: '/Encrypt 6 0 R' } }),
    )
    expect(verdict).toMatchObject({ ...TRUSTED, encrypted: true })
  })

  it('says that a file is encrypted where only a cross-reference stream says so', async () => {
    const base = makePdf({ 8: stream('x', ' /Type /XRef /Encrypt 6 0 R') })
    expect(await world.verify(base)).toMatchObject({ verdict: 'pdf_unsigned', encrypted: true })
  })

  it('records a certification signature and applies none of its permissions', async () => {
    const dictionary = (range: string, contents: string) =>
      `<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /ByteRange ${range} /Contents ${contents} /Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /P 2 >> >>] >>`
    const file = await world.signed({}, { dictionary })
    expect(await world.verify(file)).toMatchObject({ ...TRUSTED, signatures: [{ certification: true }] })
    const updated = await world.verify(updatePdf(file, { 4: stream('BT ET') }))
    expect(updated.verdict).toBe('pdf_altered_after_signing')
  })
})

describe('verifyPdf — several signatures', () => {
  const second: SigningOptions = { numbers: [12, 13], fields: '11 0 R' }

  it('trusts two that both hold, are both believed, the second over all', async () => {
    const verdict = await world.verify(await signPdf(await world.signed(), cmsBy(world.signer), second))
    expect(outcome(verdict)).toEqual(TRUSTED)
    expect(verdict.signatures.map(({ coverage }) => coverage?.wholeFile)).toEqual([false, true])
  })

  it.each([
    ['first', () => [world.stranger, world.signer] as const],
    ['second', () => [world.signer, world.stranger] as const],
  ])('believes no file of which a stranger made the %s', async (_which, signers) => {
    const [one, two] = signers()
    const file = await signPdf(await signPdf(makePdf(), cmsBy(one)), cmsBy(two), second)
    expect(outcome(await world.verify(file))).toEqual(untrusted('signer.known'))
  })
})

describe('verifyPdf — whom to believe', () => {
  it('believes no stranger, not even one under the same root, and describes them without accepting', async () => {
    const verdict = await world.verify(
      await signPdf(makePdf(), cmsBy(world.stranger, { certificates: world.stranger.chain })),
    )
    expect(outcome(verdict)).toEqual(untrusted('signer.known'))
    const { fingerprint, commonName } = world.stranger
    expect(verdict.signatures[0]?.signer).toEqual({ fingerprint, name: commonName, accepted: false, chain: [] })
  })

  it('believes nobody by a certificate in the bag that did not sign', async () => {
    const certificates = [world.signer.certificateDer, world.stranger.certificateDer]
    const verdict = await world.verify(await signPdf(makePdf(), cmsBy(world.stranger, { certificates })))
    expect(outcome(verdict)).toEqual(untrusted('signer_mismatch'))
    expect(verdict.signatures[0]?.signer).toMatchObject({ fingerprint: world.stranger.fingerprint, accepted: false })
  })

  it('asks trust about the time of the fetch, never about the time that the signature claims', async () => {
    const file = await world.signed()
    const late = AT + 3650 * 86_400
    const verdict = await verifyPdf(file, { rail: 'digilocker', trust: world.trust, at: late })
    expect(outcome(verdict)).toEqual(untrusted('signer.ended'))
  })

  it('believes a signer only on the rail that names them', async () => {
    const verdict = await verifyPdf(await world.signed(), { rail: 'aadhaar-offline', trust: world.trust, at: AT })
    expect(outcome(verdict)).toEqual(untrusted('signer.known'))
  })

  it('believes nobody when trust cannot answer', async () => {
    const trust = { acceptSigner: () => Promise.reject(new Error('down')) }
    const verdict = await verifyPdf(await world.signed(), { rail: 'digilocker', trust, at: AT })
    expect(outcome(verdict)).toEqual(untrusted('signer_undecided'))
  })

  it('cleans and shortens the name that a stranger gave themselves', async () => {
    const odd = selfMade('P-256', `\u001b[31mRED\u202e${'x'.repeat(900)}`)
    const make = cmsBy(odd, { signatureAlgorithm: cms.algorithm(cms.OID.ecdsaSha256) })
    const { signatures } = await world.verify(await signPdf(makePdf(), make))
    expect(signatures[0]?.signer?.name).toMatch(/^[^\p{C}]{1,200}$/u)
  })
})

describe('verifyPdf — no signature', () => {
  it.each([
    ['no form', () => makePdf()],
    ['an empty signature field', () => makePdf({ 7: '<< /FT /Sig /T (empty) >>' })],
    ['a signature only in a string', () => makePdf({ 7: `(${FAKE})` })],
    ['a signature only in a comment', () => makePdf({ 7: `null %${FAKE}` })],
    ['a signature only in a stream', () => makePdf({ 7: stream(FAKE) })],
    ['a signed PDF as an attachment', () => makePdf({ 7: stream(`${FAKE} endstream endobj ${FAKE}`) })],
    [
      'a signed PDF as an attachment whose length stands elsewhere',
      () => makePdf({ 7: `<< /Length 8 0 R >>\nstream\n${ATTACHED}\nendstream`, 8: String(ATTACHED.length) }),
    ],
  ])('calls a file with %s unsigned', async (_what, file) => {
    expect(outcome(await world.verify(file()))).toEqual(unsigned('no_signature'))
  })

  it('records a document timestamp and takes it for no signature', async () => {
    const stamped = await world.signed({}, { dictionary: timestamp })
    expect(await world.verify(stamped)).toMatchObject({ ...unsigned('no_signature'), documentTimestamps: 1 })
  })
})

describe('verifyPdf — files that get no verdict', () => {
  it.each([
    ['nothing', ''],
    ['XML', '<Certificate/>'],
    ['a PDF that begins late', '\n%PDF-1.7\n'],
  ])('refuses %s as no PDF', async (_what, text) => {
    await expect(world.verify(Buffer.from(text))).rejects.toEqual(refusedWith('DOC_MALFORMED'))
  })

  it('refuses a file above the limit and takes one at the limit', async () => {
    const file = await world.signed()
    expect((await world.verify(file, { maxBytes: file.length })).verdict).toBe('pdf_signed_trusted')
    await expect(world.verify(file, { maxBytes: file.length - 1 })).rejects.toEqual(refusedWith('DOC_TOO_LARGE'))
  })
})

const FAKE = '<< /Type /Sig /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] /Contents <00> >>'
const ATTACHED = `${FAKE} endstream endobj ${FAKE}`

function withComments(range: string, contents: string): string {
  return `<< /Type%x>>\n/Sig /Filter/Adobe.PPKLite/SubFilter %<<\n/adbe.pkcs7.detached /ByteRange %[9 9]\n ${range} /Contents%<00>\n${contents}>>`
}
function withEscapes(range: string, contents: string): string {
  return `<< /T#79pe /S#69g /SubFilter /adbe.pkcs7#2edetached /Byte#52ange ${range} /#43ontents ${contents} >>`
}
function withoutType(range: string, contents: string): string {
  return `<< /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /ByteRange ${range} /Contents ${contents} >>`
}
function timestamp(range: string, contents: string): string {
  return `<< /Type /DocTimeStamp /SubFilter /ETSI.RFC3161 /ByteRange ${range} /Contents ${contents} >>`
}

/** Believes exactly one certificate, whatever its key: for kinds of key that the shipped trust does not take. */
function pinning(der: Buffer) {
  const certificate = new X509Certificate(der)
  const accepted: AcceptedSigner = {
    key: certificate.publicKey,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    name: 'pinned',
    basis: 'pin',
    chain: [],
    timeBasis: 'fetch',
    judgedAt: AT,
    expired: false,
    revocation: 'unchecked',
  }
  return { acceptSigner: async () => accepted }
}
