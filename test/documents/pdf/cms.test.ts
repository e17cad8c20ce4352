import * as asn1js from 'asn1js'
import type * as pkijs from 'pkijs'
import { beforeAll, describe, expect, it } from 'vitest'
import * as cms from './cms.ts'
import { makePdf, type SigningOptions, signPdf } from './fixtures.ts'
import { altered, cmsBy, makeWorld, outcome, selfMade, TRUSTED, untrusted, type World } from './support.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
type Attributes = pkijs.Attribute[]
const CADES: SigningOptions = { subFilter: 'ETSI.CAdES.detached' }
const sign = async (options: cms.CmsOptions, signing?: SigningOptions) =>
  outcome(await world.verify(await world.signed(options, signing)))
/** Signs, then changes the bytes of the CMS. */
const signThen = async (change: (der: Buffer) => Buffer) =>
  outcome(await world.verify(await signPdf(makePdf(), (covered) => change(cms.makeCms(world.signer, covered)))))
const without = (type: string) => (usual: Attributes) => usual.filter((one) => one.type !== type)
const withExtra = (extra: pkijs.Attribute) => (usual: Attributes) => [...usual, extra]

describe('verifyPdf — SubFilter', () => {
  it.each([
    ['adbe.pkcs7.sha1', 'subfilter_sha1'],
    ['adbe.x509.rsa_sha1', 'subfilter_unsupported'],
    ['ADBE.PKCS7.DETACHED', 'subfilter_unsupported'],
  ])('believes nobody by %s', async (subFilter, reason) => {
    expect(await sign({}, { subFilter })).toEqual(untrusted(reason))
  })
  it('believes nobody without one', async () => {
    const dictionary = (range: string, contents: string) => `<< /ByteRange ${range} /Contents ${contents} >>`
    expect(await sign({}, { dictionary })).toEqual(untrusted('subfilter_unsupported'))
  })
})

describe('verifyPdf — signed attributes (RFC 5652 §5.3, §11)', () => {
  const digestTwice = (usual: Attributes) => [
    ...usual,
    cms.attribute(cms.OID.messageDigest, cms.octets(Buffer.alloc(32))),
  ]
  const digestOfTwoValues = (usual: Attributes) =>
    usual.map((one) =>
      one.type === cms.OID.messageDigest ? cms.attribute(one.type, ...one.values, cms.octets(Buffer.alloc(32))) : one,
    )
  const digestAsText = (usual: Attributes) => [
    ...without(cms.OID.messageDigest)(usual),
    cms.attribute(cms.OID.messageDigest, new asn1js.Utf8String({ value: 'x' })),
  ]
  const otherType = (usual: Attributes) => [
    ...without(cms.OID.contentType)(usual),
    cms.attribute(cms.OID.contentType, new asn1js.ObjectIdentifier({ value: '1.2.840.113549.1.7.5' })),
  ]
  it.each([
    ['no signed attributes', () => [], 'signed_attributes_missing'],
    ['no content type', without(cms.OID.contentType), 'signed_attributes_malformed'],
    ['another content type', otherType, 'content_type_wrong'],
    ['no message digest', without(cms.OID.messageDigest), 'signed_attributes_malformed'],
    ['two message digests', digestTwice, 'signed_attributes_malformed'],
    ['a message digest of two values', digestOfTwoValues, 'signed_attributes_malformed'],
    ['a message digest that is text', digestAsText, 'signed_attributes_malformed'],
    [
      'a signing-certificate-v2 by no digest',
      withExtra(cms.signingCertificateV2By(new asn1js.Null())),
      'signed_attributes_malformed',
    ],
    [
      'a signing-certificate-v2 that is none',
      withExtra(cms.attribute(cms.OID.signingCertificateV2, new asn1js.Null())),
      'signed_attributes_malformed',
    ],
  ] as [string, (usual: Attributes) => Attributes, string][])(
    'refuses a CMS with %s',
    async (_what, attributes, reason) => {
      expect(await sign({ attributes })).toEqual(altered(reason))
    },
  )

  it('takes the time of signing for a claim, and does without', async () => {
    const verdict = await world.verify(await world.signed({ attributes: without(cms.OID.signingTime) }))
    expect(outcome(verdict)).toEqual(TRUSTED)
    expect(verdict.signatures[0]).not.toHaveProperty('signingTime')
  })
})

describe('verifyPdf — signing-certificate (RFC 5035)', () => {
  const certificate = () => world.signer.certificateDer
  const other = () => world.stranger.certificateDer
  it.each([
    ['version 2 with SHA-256', () => cms.signingCertificateV2(certificate()), TRUSTED, 'matched'],
    ['version 2 with SHA-512', () => cms.signingCertificateV2(certificate(), 'sha512'), TRUSTED, 'matched'],
    ['version 1', () => cms.signingCertificateV1(certificate()), TRUSTED, 'matched'],
    [
      'version 2 of another',
      () => cms.signingCertificateV2(other()),
      untrusted('signing_certificate_mismatch'),
      'mismatched',
    ],
    [
      'version 1 of another',
      () => cms.signingCertificateV1(other()),
      untrusted('signing_certificate_mismatch'),
      'mismatched',
    ],
  ] as const)('compares it where it is signed: %s', async (_what, extra, expected, comparison) => {
    const verdict = await world.verify(await world.signed({ attributes: withExtra(extra()) }))
    expect(outcome(verdict)).toEqual(expected)
    expect(verdict.signatures[0]?.signingCertificate).toBe(comparison)
  })

  it('demands version 2 of CAdES: version 1 rests on SHA-1', async () => {
    expect(await sign({}, CADES)).toEqual(untrusted('signing_certificate_missing'))
    const attributes = withExtra(cms.signingCertificateV1(certificate()))
    expect(await sign({ attributes }, CADES)).toEqual(untrusted('signing_certificate_missing'))
  })
})

describe('verifyPdf — algorithms', () => {
  const PSS_SHA256 = { ...cms.PSS, saltLength: 32 }
  it.each([
    ['SHA-1', { digest: 'sha1' }, untrusted('digest_sha1')],
    ['MD5', { digest: 'md5' }, untrusted('digest_unsupported')],
    [
      'a signature that names another digest',
      { digest: 'sha512', signatureAlgorithm: cms.algorithm(cms.OID.sha256WithRsa) },
      untrusted('signature_algorithm_unsupported'),
    ],
    [
      'an unknown signature algorithm',
      { signatureAlgorithm: cms.algorithm('1.2.840.10040.4.3') },
      untrusted('signature_algorithm_unsupported'),
    ],
    [
      'ECDSA said of an RSA key',
      { signatureAlgorithm: cms.algorithm(cms.OID.ecdsaSha256) },
      untrusted('signature_algorithm_unsupported'),
    ],
    [
      'PSS without parameters',
      { signatureAlgorithm: cms.algorithm(cms.OID.pss), padding: PSS_SHA256 },
      untrusted('signature_algorithm_unsupported'),
    ],
    [
      'PSS with another digest',
      { signatureAlgorithm: cms.pssAlgorithm('sha384', 32), padding: PSS_SHA256 },
      untrusted('signature_algorithm_unsupported'),
    ],
    [
      'PSS with another mask',
      { signatureAlgorithm: cms.pssAlgorithm('sha256', 32, 'sha1'), padding: PSS_SHA256 },
      untrusted('signature_algorithm_unsupported'),
    ],
    ['PSS said of PKCS #1', { signatureAlgorithm: cms.pssAlgorithm('sha256', 32) }, altered('signature_invalid')],
    [
      'PSS with another salt length',
      { signatureAlgorithm: cms.pssAlgorithm('sha256', 20), padding: PSS_SHA256 },
      altered('signature_invalid'),
    ],
  ] as [string, cms.CmsOptions, object][])('believes nobody by %s', async (_what, options, expected) => {
    expect(await sign(options)).toEqual(expected)
  })

  it('calls a changed file changed even where only SHA-1 says so', async () => {
    const file = await world.signed({ digest: 'sha1' })
    file[200] = (file[200] ?? 0) ^ 1
    expect((await world.verify(file)).reasons).toContain('digest_mismatch')
  })

  it('takes no curve but P-256 and P-384', async () => {
    const make = cmsBy(selfMade('secp256k1'), { signatureAlgorithm: cms.algorithm(cms.OID.ecdsaSha256) })
    expect(outcome(await world.verify(await signPdf(makePdf(), make)))).toEqual(
      untrusted('signature_algorithm_unsupported'),
    )
  })

  it('verifies PSS by a key that is for PSS alone, and refuses PKCS #1 by it', async () => {
    const signer = selfMade('rsa-pss')
    const pss = cmsBy(signer, { signatureAlgorithm: cms.pssAlgorithm('sha256', 32), padding: { saltLength: 32 } })
    expect(outcome(await world.verify(await signPdf(makePdf(), pss)))).toEqual(untrusted('signer.known'))
    const said = cmsBy(signer, { padding: { saltLength: 32 } })
    expect(outcome(await world.verify(await signPdf(makePdf(), said)))).toEqual(
      untrusted('signature_algorithm_unsupported'),
    )
  })
})

describe('verifyPdf — the CMS in Contents', () => {
  it.each([
    ['zeros', () => Buffer.alloc(0), 'cms_malformed'],
    ['text', () => Buffer.from('not a CMS'), 'cms_malformed'],
    ['an empty sequence', () => Buffer.from('3000', 'hex'), 'cms_malformed'],
    ['a sequence longer than Contents', () => Buffer.from('3084ffffffff', 'hex'), 'cms_malformed'],
    ['a length of eight bytes', () => Buffer.from('30880000000000000001', 'hex'), 'cms_malformed'],
    ['a nested part longer than what is around it', () => Buffer.from('30030210ff', 'hex'), 'cms_malformed'],
    ['a thousand levels', () => nest(1000), 'cms_malformed'],
    ['a SignedData by another name', (der: Buffer) => renamed(der), 'cms_malformed'],
    ['half of it', (der: Buffer) => der.subarray(0, der.length / 2), 'cms_malformed'],
  ] as [string, (der: Buffer) => Buffer, string][])('refuses Contents with %s', async (_what, change, reason) => {
    expect(await signThen(change)).toEqual(altered(reason))
  })

  it.each([
    [
      'an open end (BER)',
      (der: Buffer) => Buffer.concat([Buffer.from('3080', 'hex'), der.subarray(4), Buffer.alloc(2)]),
    ],
    ['a length with a wasted byte', (der: Buffer) => Buffer.concat([Buffer.from('308300', 'hex'), der.subarray(2)])],
    ['a string in parts', () => Buffer.from('3004240204 00'.replace(' ', ''), 'hex')],
  ])('reads no CMS with %s', async (_what, change) => {
    expect(await signThen(change)).toEqual(untrusted('cms_not_der'))
  })

  it('refuses anything but zeros after the CMS', async () => {
    expect(await signThen((der) => Buffer.concat([der, Buffer.alloc(50), Buffer.of(1)]))).toEqual(
      altered('cms_trailing_bytes'),
    )
  })

  it('refuses a changed signature and changed signed attributes', async () => {
    const flip = (at: (der: Buffer) => number) => (der: Buffer) => {
      const changed = Buffer.from(der)
      changed[at(der)] = (changed[at(der)] ?? 0) ^ 1
      return changed
    }
    expect(await signThen(flip((der) => der.length - 1))).toEqual(altered('signature_invalid'))
    // A digit of the time of signing: well-formed, and signed.
    expect(await signThen(flip((der) => der.indexOf('261120100000Z') + 3))).toEqual(altered('signature_invalid'))
  })

  it.each([
    ['content of its own', { content: Buffer.from('x') }, altered('cms_not_detached')],
    ['another content type', { contentType: '1.2.840.113549.1.9.16.1.4' }, altered('content_type_wrong')],
    ['no signer', { signers: 0 }, altered('cms_signer_count')],
    ['two signers', { signers: 2 }, altered('cms_signer_count')],
    ['no certificate', { certificates: [] }, untrusted('signer_certificate_missing')],
  ] as [string, cms.CmsOptions, object][])('refuses a CMS with %s', async (_what, options, expected) => {
    expect(await sign(options)).toEqual(expected)
  })

  it('believes nobody whose certificate is not in the CMS, and nobody whom two certificates fit', async () => {
    const certificates = [world.stranger.certificateDer]
    expect(await sign({ certificates })).toEqual(untrusted('signer_certificate_missing'))
    const [one, two] = [selfMade('P-256'), selfMade('P-256')]
    const options = {
      certificates: [one.certificateDer, two.certificateDer],
      signatureAlgorithm: cms.algorithm(cms.OID.ecdsaSha256),
    }
    const file = await signPdf(makePdf(), cmsBy(one, options))
    expect(outcome(await world.verify(file))).toEqual(untrusted('signer_certificate_ambiguous'))
  })

  it('believes nobody whose key cannot be read', async () => {
    const signer = selfMade('P-256')
    const certificateDer = Buffer.from(signer.certificateDer)
    const ecPublicKey = Buffer.from('06072a8648ce3d0201', 'hex')
    certificateDer[certificateDer.indexOf(ecPublicKey) + ecPublicKey.length - 1] = 0x7f
    const make = cmsBy({ ...signer, certificateDer }, { signatureAlgorithm: cms.algorithm(cms.OID.ecdsaSha256) })
    expect(outcome(await world.verify(await signPdf(makePdf(), make)))).toEqual(
      untrusted('signer_certificate_malformed'),
    )
  })

  it('refuses a signature by another key than that of the certificate it names', async () => {
    const impostor = { certificateDer: world.signer.certificateDer, privateKey: world.stranger.privateKey }
    expect(outcome(await world.verify(await signPdf(makePdf(), cmsBy(impostor))))).toEqual(altered('signature_invalid'))
  })
})

/** ContentInfo says envelopedData (…7.3); all else is as it was. */
function renamed(der: Buffer): Buffer {
  const oid = Buffer.from('06092a864886f70d010702', 'hex')
  const changed = Buffer.from(der)
  changed[der.indexOf(oid) + oid.length - 1] = 3
  return changed
}

function nest(levels: number): Buffer {
  let der = Buffer.alloc(0)
  for (let level = 0; level < levels; level += 1) {
    const { length } = der
    const header = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
    der = Buffer.concat([Buffer.from([0x30, ...header]), der])
  }
  return der
}
