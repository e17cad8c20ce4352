import { createHash, createHmac, createPublicKey, generateKeyPairSync, sign as signBytesWith } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { SignedXml } from 'xml-crypto'
import { extract } from '../../src/documents/extract.ts'
import { PROFILES } from '../../src/documents/profiles.ts'
import { contentOf, describeVerification, type VerifiedDocument, verifyDocument } from '../../src/documents/verify.ts'
import { parseXml } from '../../src/documents/xml.ts'
import { verifyXmlSignature } from '../../src/documents/xmldsig/engine.ts'
import { issueCertificate } from '../../src/simulator/certificate.ts'
import { makePki, spkiFingerprint } from '../../src/simulator/pki.ts'
import { signXml } from '../../src/simulator/signed-xml.ts'
import { testPki } from '../support/pki.ts'
import {
  AADHAAR,
  certificates,
  DECLARATION,
  DS,
  digestOf,
  EXCLUSIVE,
  fingerprintOf,
  forge,
  INCLUSIVE,
  LICENCE,
  PAN,
  type PinOptions,
  type Pki,
  RSA_SHA256,
  referenceOf,
  refusedWith,
  type Signer,
  secondsOf,
  transforms,
  trusting,
  utf8,
} from './fixtures.ts'

const NOW = secondsOf('2026-11-23T00:00:00Z')
// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=Sample, without its private key
const EC_CERTIFICATE =
  'MIIBdTCCARygAwIBAgITKjU8GP6sdIhwliJSbnXLJ0va8DAKBggqhkjOPQQDAjARMQ8wDQYDVQQDDAZTYW1wbGUwHhcNMjYxMTIzMjIzNDE5Wh' +
  'cNNDAwODAxMjIzNDE5WjARMQ8wDQYDVQQDDAZTYW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATH16NBxcTq0IhMDGnzA8wNGxAeabHn' +
  'fZMAg5p9amT1WcdaUWu03kSJM6aR2rJoa/lZcXW/rTSNOXKgjLZ2skd5o1MwUTAdBgNVHQ4EFgQUBcWxrbBU8bM2sJ0DeCg8mYhPbJEwHwYDVR' +
  '0jBBgwFoAUBcWxrbBU8bM2sJ0DeCg8mYhPbJEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA+b/WiaZE4w56Q/IFIjx3Eo+9y' +
  'ww5UgCvx3Mu1gUE5FQIgbUcag8wLqhIUaP0HtIBhRelEqPO3++Xw1Q4JPPMUwj0='
const ENVELOPED = `${DS}enveloped-signature`
let pki: Pki
let genuine: string

beforeAll(async () => {
  pki = await testPki(new Date(NOW * 1000))
  genuine = signXml(PAN, pki.signer).toString('utf8')
}, 120_000)

const verifyBytes = (bytes: Uint8Array, trust = trusting([pki.signer]), at = NOW) =>
  verifyDocument(bytes, { profile: PROFILES.digilocker, trust, at })
const verify = (text: string) => verifyBytes(utf8(text))
const refusing = (text: string, code: string) => expect(verify(text)).rejects.toThrow(refusedWith(code))
/** What a reader of the document would see. */
const nameIn = async (text: string) => extract(await verify(text)).name

describe('a document of the DigiLocker profile', () => {
  it.each([
    ['as it comes, leaf certificate only', () => genuine],
    ['with the whole chain, root before sub-CA', () => signXml(PAN, pki.signer, { chain: 'neGD' }).toString()],
    ['with rsa-sha256', () => signXml(PAN, pki.signer, { signatureMethod: 'rsa-sha256' }).toString()],
    ['signed without white space in SignedInfo', () => signXml(PAN, pki.signer, { whitespace: false }).toString()],
    ['with inclusive C14N of SignedInfo', () => forge(PAN, pki.signer, { canonicalization: INCLUSIVE })],
    [
      'with one C14N transform after the enveloped one',
      () => forge(PAN, pki.signer, { references: (d) => referenceOf(d, transforms(ENVELOPED, EXCLUSIVE)) }),
    ],
    ['with CRLF line ends', () => genuine.replaceAll('\n', '\r\n')],
    ['with a byte order mark', () => `\uFEFF${genuine}`],
    ['with no XML declaration', () => genuine.replace(DECLARATION, '')],
    ['with a lower-case encoding name', () => genuine.replace('encoding="UTF-8"', "encoding='utf-8'")],
    [
      'with attributes in another order',
      () => genuine.replace(' issueDate=""', '').replace(' type=', ' issueDate="" type='),
    ],
    ['with a comment beside values', () => genuine.replace('<IssuedTo>', '<!-- hello --><IssuedTo>')],
    ['with character references', () => genuine.replace('MEERA', '&#77;E&#x45;RA')],
    ['with CDATA for text', () => signedWithText('<![CDATA[a&b]]>', 'a&amp;b')],
    ['with collapsed empty elements', () => genuine.replace('<Photo format=""></Photo>', '<Photo format=""/>')],
    ['with a prefix for the signature', () => prefixed(genuine)],
    ['with escaped carriage returns in base64', () => wrapBase64(genuine, '&#13;\n')],
    ['with line feeds in base64', () => wrapBase64(genuine, '\n')],
    ['with an attacker certificate before the signer', () => withCertificates(pki.root.der, pki.signer.certificateDer)],
    ['with the signer named twice', () => withCertificates(pki.signer.certificateDer, pki.signer.certificateDer)],
    [
      'with something that is no certificate beside',
      () => withCertificates(Buffer.from('junk'), pki.signer.certificateDer),
    ],
  ])('verifies %s', async (_case, make) => {
    expect(await nameIn(make())).toBe('MEERA EXAMPLE')
  })

  it.each([
    ['licence', LICENCE],
    ['e-Aadhaar', AADHAAR],
  ])('verifies a %s', async (_case, content) => {
    await expect(verifyBytes(signXml(content, pki.signer))).resolves.toBeDefined()
  })

  it('reads a value that a comment was put into as one value', async () => {
    const content = PAN.replace('<PAN ', '<Remark>AB</Remark><PAN ')
    const commented = signXml(content, pki.signer).toString().replace('<Remark>AB', '<Remark>A<!-- x -->B')
    const data = contentOf(await verify(commented)).children.find(({ name }) => name === 'CertificateData')
    expect(data?.children[0]?.text).toBe('AB')
  })

  it('says how it was verified, and that rsa-sha1 is weak', async () => {
    expect(describeVerification(await verify(genuine))).toEqual({
      profile: 'digilocker',
      signerFingerprint: pki.signer.fingerprint,
      signerName: pki.signer.commonName,
      signerBasis: 'pin',
      chain: [{ fingerprint: pki.signer.fingerprint, name: pki.signer.commonName, notAfter: expect.any(Number) }],
      revocation: 'unchecked',
      signatureAlgorithm: 'rsa-sha1',
      digestAlgorithm: 'sha256',
      canonicalization: 'exclusive',
      weakAlgorithm: 'rsa-sha1',
      timeBasis: 'fetch',
      judgedAt: NOW,
      crossChecked: true,
      reasons: ['signer-pinned', 'path-not-built', 'revocation-unchecked', 'weak-signature-method'],
      verifiedAt: NOW,
    })
  })

  it('does not call rsa-sha256 weak', async () => {
    const document = await verifyBytes(signXml(PAN, pki.signer, { signatureMethod: 'rsa-sha256' }))
    expect(describeVerification(document)).toMatchObject({ signatureAlgorithm: 'rsa-sha256' })
    expect(describeVerification(document)).not.toHaveProperty('weakAlgorithm')
  })

  it('cannot be had by casting, copying or rebuilding', async () => {
    const copy = { ...(await verify(genuine)) } as VerifiedDocument
    for (const forged of [copy, {} as VerifiedDocument, Object.create(await verify(genuine)) as VerifiedDocument]) {
      expect(() => extract(forged)).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
      expect(() => describeVerification(forged)).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
    }
  })
})

describe('what goes wrong in the verifier itself', () => {
  it('is a refusal, and its cause stays inside', async () => {
    const broken = { acceptSigner: () => Promise.reject(new TypeError('of the verifier')) }
    const verdict = verifyDocument(utf8(genuine), { profile: PROFILES.digilocker, trust: broken, at: NOW })
    await expect(verdict).rejects.toThrow(refusedWith('DOC_VERIFIER_FAILED'))
    await expect(verdict).rejects.not.toThrow(/of the verifier/)
  })

  it('is not got round: nobody else makes a verified document', async () => {
    const made = Object.freeze({}) as VerifiedDocument
    expect(() => contentOf(made)).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
    expect(() => describeVerification(made)).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
    const genuineOne = await verify(genuine)
    const copies = [{ ...genuineOne }, Object.create(genuineOne), structuredClone(genuineOne)] as VerifiedDocument[]
    for (const copy of copies) expect(() => contentOf(copy)).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
    expect(genuineOne.constructor).toBe(Object)
    expect(Reflect.ownKeys(genuineOne)).toEqual([])
  })
})

describe('changed content — XMLDSig 1.1 §3.2.1', () => {
  it.each<[string, (text: string) => string, string]>([
    ['another name', (t) => t.replace('MEERA', 'SITA'), 'DOC_DIGEST_MISMATCH'],
    ['content pretty-printed', (t) => t.replace('<IssuedTo>', '\n  <IssuedTo>'), 'DOC_DIGEST_MISMATCH'],
    ['an attribute more', (t) => t.replace('<Person ', '<Person age="5" '), 'DOC_DIGEST_MISMATCH'],
    ['an element more', (t) => t.replace('<CertificateData>', '<Extra/><CertificateData>'), 'DOC_DIGEST_MISMATCH'],
    ['an element less', (t) => t.replace('<Photo format=""></Photo>', ''), 'DOC_DIGEST_MISMATCH'],
    ['white space of SignedInfo stripped', (t) => t.replace(/\n +</g, '<'), 'DOC_SIGNATURE_INVALID'],
    ['white space of SignedInfo added', (t) => t.replace('<DigestMethod', ' <DigestMethod'), 'DOC_SIGNATURE_INVALID'],
    [
      'another signature value',
      (t) => t.replace(/<SignatureValue>..../, '<SignatureValue>AAAA'),
      'DOC_SIGNATURE_INVALID',
    ],
    ['an attribute that C14N drops', (t) => t.replace('<Person ', '<Person xmlnsx="5" '), 'DOC_VERIFIERS_DISAGREE'],
    [
      'a default namespace put on the root',
      (t) => t.replace('<Certificate ', '<Certificate xmlns="urn:x" '),
      'DOC_MALFORMED',
    ],
    ['a namespace put on a child', (t) => t.replace('<IssuedTo>', '<IssuedTo xmlns="urn:x">'), 'DOC_DIGEST_MISMATCH'],
    [
      'another root',
      (t) => t.replace('<Certificate ', '<Envelope ').replace('</Certificate>', '</Envelope>'),
      'DOC_MALFORMED',
    ],
  ])('refuses %s', async (_case, change, code) => {
    expect(change(genuine)).not.toBe(genuine)
    await refusing(change(genuine), code)
  })
})

describe('signature shape — security.md XM-4, XM-5, XM-7', () => {
  const person = '<Person name="EVE"/>'
  const second = `<Signature xmlns="${DS}"/>`
  it.each<[string, (text: string) => string, string]>([
    ['no signature', (t) => t.replace(/<Signature .*<\/Signature>/s, ''), 'DOC_UNSIGNED'],
    ['a second Signature', (t) => t.replace('<IssuedTo>', `${second}<IssuedTo>`), 'DOC_SIGNATURE_SHAPE'],
    [
      'a second Signature of another namespace',
      (t) => t.replace('<IssuedTo>', '<Signature/><IssuedTo>'),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['the Signature moved to the front', (t) => moveSignature(t, /(<Certificate [^>]*>)/), 'DOC_SIGNATURE_SHAPE'],
    ['the Signature moved into a child', (t) => moveSignature(t, /(<CertificateData>)/), 'DOC_SIGNATURE_SHAPE'],
    ['an element after the Signature', (t) => t.replace('</Signature>', '</Signature><Extra/>'), 'DOC_SIGNATURE_SHAPE'],
    ['a look-alike namespace', (t) => t.replaceAll(DS, 'http://www.w3.org/2000/09/xmldsig'), 'DOC_SIGNATURE_SHAPE'],
    [
      'a look-alike namespace on Signature alone',
      (t) =>
        t
          .replace(`<Signature xmlns="${DS}">`, '<Signature xmlns="urn:x">')
          .replace(/<(SignedInfo|SignatureValue|KeyInfo)>/g, `<$1 xmlns="${DS}">`),
      'DOC_SIGNATURE_SHAPE',
    ],
    [
      'a Person in an Object',
      (t) => t.replace('</Signature>', `<Object>${person}</Object></Signature>`),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['a Person in KeyInfo', (t) => t.replace('<KeyInfo>', `<KeyInfo>${person}`), 'DOC_SIGNATURE_SHAPE'],
    ['a Person in X509Data', (t) => t.replace('<X509Data>', `<X509Data>${person}`), 'DOC_SIGNATURE_SHAPE'],
    [
      'a Person in a subject name',
      (t) => t.replace('<X509SubjectName>', `<X509SubjectName>${person}`),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['text in KeyInfo', (t) => t.replace('<KeyInfo>', '<KeyInfo>EVE'), 'DOC_SIGNATURE_SHAPE'],
    ['text in Signature', (t) => t.replace('<KeyInfo>', 'EVE<KeyInfo>'), 'DOC_SIGNATURE_SHAPE'],
    ['a no-break space in Signature', (t) => t.replace('<KeyInfo>', '\u00A0<KeyInfo>'), 'DOC_SIGNATURE_SHAPE'],
    ['an attribute on Signature', (t) => t.replace('<Signature ', '<Signature Id="s" '), 'DOC_SIGNATURE_SHAPE'],
    ['an attribute on KeyInfo', (t) => t.replace('<KeyInfo>', '<KeyInfo Id="k">'), 'DOC_SIGNATURE_SHAPE'],
    ['an attribute on X509Data', (t) => t.replace('<X509Data>', '<X509Data Id="k">'), 'DOC_SIGNATURE_SHAPE'],
    [
      'an attribute on a certificate',
      (t) => t.replace('<X509Certificate>', '<X509Certificate Id="k">'),
      'DOC_SIGNATURE_SHAPE',
    ],
    [
      'an attribute on SignatureValue',
      (t) => t.replace('<SignatureValue>', '<SignatureValue Id="k">'),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['a KeyValue', (t) => t.replace('<KeyInfo>', '<KeyInfo><KeyValue/>'), 'DOC_SIGNATURE_SHAPE'],
    ['a RetrievalMethod', (t) => t.replace('<KeyInfo>', '<KeyInfo><RetrievalMethod URI=""/>'), 'DOC_SIGNATURE_SHAPE'],
    ['no KeyInfo', (t) => t.replace(/<KeyInfo>.*<\/KeyInfo>/s, ''), 'DOC_SIGNATURE_SHAPE'],
    ['no SignatureValue', (t) => t.replace(/<SignatureValue>.*<\/SignatureValue>/s, ''), 'DOC_SIGNATURE_SHAPE'],
    ['two SignatureValues', (t) => t.replace(/(<SignatureValue>.*<\/SignatureValue>)/s, '$1$1'), 'DOC_SIGNATURE_SHAPE'],
    ['two SignedInfos', (t) => t.replace(/(<SignedInfo>.*<\/SignedInfo>)/s, '$1$1'), 'DOC_SIGNATURE_SHAPE'],
    ['a SignedInfo in the content', (t) => t.replace('<IssuedTo>', '<SignedInfo/><IssuedTo>'), 'DOC_SIGNATURE_SHAPE'],
    ['two DigestValues', (t) => t.replace(/(<DigestValue>.*<\/DigestValue>)/s, '$1$1'), 'DOC_SIGNATURE_SHAPE'],
    ['a comment in DigestValue', (t) => t.replace('<DigestValue>', '<DigestValue><!-- x -->'), 'DOC_SIGNATURE_SHAPE'],
    ['CDATA in DigestValue', (t) => t.replace('<DigestValue>', '<DigestValue><![CDATA[]]>'), 'DOC_SIGNATURE_SHAPE'],
    ['an element in DigestValue', (t) => t.replace('<DigestValue>', '<DigestValue><x/>'), 'DOC_SIGNATURE_SHAPE'],
    ['a digest of another length', (t) => t.replace('<DigestValue>', '<DigestValue>AAAA'), 'DOC_SIGNATURE_SHAPE'],
    [
      'a comment in SignatureValue',
      (t) => t.replace('<SignatureValue>', '<SignatureValue><!-- x -->'),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['no base64 in SignatureValue', (t) => t.replace('<SignatureValue>', '<SignatureValue>*'), 'DOC_SIGNATURE_SHAPE'],
    ['an empty SignatureValue', (t) => t.replace(/<SignatureValue>[^<]*/, '<SignatureValue>'), 'DOC_SIGNATURE_SHAPE'],
    [
      'a comment in a certificate',
      (t) => t.replace('<X509Certificate>', '<X509Certificate><!-- x -->'),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['a comment in SignedInfo', (t) => t.replace('<SignedInfo>', '<SignedInfo><!-- x -->'), 'DOC_SIGNATURE_SHAPE'],
    ['a comment in Transforms', (t) => t.replace('<Transforms>', '<Transforms><!-- x -->'), 'DOC_SIGNATURE_SHAPE'],
    ['a comment in KeyInfo', (t) => t.replace('<KeyInfo>', '<KeyInfo><!-- x -->'), 'DOC_SIGNATURE_SHAPE'],
    [
      'a comment in Transform',
      (t) => t.replace(/(<Transform [^>]*)\/>/, '$1><!-- x --></Transform>'),
      'DOC_SIGNATURE_SHAPE',
    ],
  ])('refuses %s', async (_case, change, code) => {
    expect(change(genuine)).not.toBe(genuine)
    await refusing(change(genuine), code)
  })

  it.each<[string, (digest: string) => string, string]>([
    ['a Reference to an id', (d) => referenceOf(d, undefined, ' URI="#x"'), 'DOC_SIGNATURE_SHAPE'],
    [
      'a Reference to the web',
      (d) => referenceOf(d, undefined, ' URI="http://canary.example/"'),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['a Reference with an XPointer', (d) => referenceOf(d, undefined, ' URI="#xpointer(/)"'), 'DOC_SIGNATURE_SHAPE'],
    ['a Reference without URI', (d) => referenceOf(d, undefined, ''), 'DOC_SIGNATURE_SHAPE'],
    [
      'a Reference with a Type',
      (d) => referenceOf(d, undefined, ` Type="${DS}Manifest" URI=""`),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['no Reference', () => '', 'DOC_SIGNATURE_SHAPE'],
    ['two References', (d) => referenceOf(d) + referenceOf(d), 'DOC_SIGNATURE_SHAPE'],
    ['no Transforms', (d) => referenceOf(d, ''), 'DOC_SIGNATURE_SHAPE'],
    [
      'something else in Transforms',
      (d) => referenceOf(d, '<Transforms><Other></Other></Transforms>'),
      'DOC_SIGNATURE_SHAPE',
    ],
    ['Transforms with an attribute', (d) => referenceOf(d, '<Transforms Id="x"></Transforms>'), 'DOC_SIGNATURE_SHAPE'],
    ['empty Transforms', (d) => referenceOf(d, transforms()), 'DOC_ALGORITHM'],
    ['C14N alone', (d) => referenceOf(d, transforms(INCLUSIVE)), 'DOC_ALGORITHM'],
    ['C14N before the enveloped transform', (d) => referenceOf(d, transforms(INCLUSIVE, ENVELOPED)), 'DOC_ALGORITHM'],
    ['the enveloped transform twice', (d) => referenceOf(d, transforms(ENVELOPED, ENVELOPED)), 'DOC_ALGORITHM'],
    ['C14N twice', (d) => referenceOf(d, transforms(ENVELOPED, INCLUSIVE, EXCLUSIVE)), 'DOC_ALGORITHM'],
    ['C14N with comments', (d) => referenceOf(d, transforms(ENVELOPED, `${INCLUSIVE}#WithComments`)), 'DOC_ALGORITHM'],
    [
      'an XPath transform',
      (d) => referenceOf(d, transforms(ENVELOPED, 'http://www.w3.org/TR/1999/REC-xpath-19991116')),
      'DOC_ALGORITHM',
    ],
    [
      'an XSLT transform',
      (d) => referenceOf(d, transforms(ENVELOPED, 'http://www.w3.org/TR/1999/REC-xslt-19991116')),
      'DOC_ALGORITHM',
    ],
    ['a base64 transform', (d) => referenceOf(d, transforms(ENVELOPED, `${DS}base64`)), 'DOC_ALGORITHM'],
    ['300 transforms', (d) => referenceOf(d, transforms(...Array<string>(300).fill(ENVELOPED))), 'DOC_ALGORITHM'],
    [
      'a prefix list',
      (d) =>
        referenceOf(
          d,
          `<Transforms><Transform Algorithm="${ENVELOPED}"><InclusiveNamespaces></InclusiveNamespaces></Transform></Transforms>`,
        ),
      'DOC_ALGORITHM',
    ],
    [
      'a SHA-1 digest',
      (d) => `<Reference URI="">${transforms(ENVELOPED)}${digestOf(d, `${DS}sha1`)}</Reference>`,
      'DOC_ALGORITHM',
    ],
    [
      'a digest named like a property of every object',
      (d) => `<Reference URI="">${transforms(ENVELOPED)}${digestOf(d, 'constructor')}</Reference>`,
      'DOC_ALGORITHM',
    ],
  ])('refuses %s though it is signed', async (_case, references, code) => {
    await refusing(forge(PAN, pki.signer, { references }), code)
  })
})

describe('algorithms — security.md XM-8', () => {
  it.each([
    ['hmac-sha1', `${DS}hmac-sha1`],
    ['hmac-sha256', 'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256'],
    ['dsa-sha1', `${DS}dsa-sha1`],
    ['rsa-md5', 'http://www.w3.org/2001/04/xmldsig-more#rsa-md5'],
    ['rsa-sha512', 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512'],
    ['rsa-pss', 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1'],
    ['nothing', ''],
    ['a look-alike', `${RSA_SHA256} `],
  ])('refuses %s as signature method', async (_case, method) => {
    await refusing(forge(PAN, pki.signer, { method }), 'DOC_ALGORITHM')
  })

  it('refuses an HMAC keyed with the public certificate', async () => {
    const text = forge(PAN, pki.signer, { method: `${DS}hmac-sha1` })
    const signedInfo = /<SignedInfo>(.*)<\/SignedInfo>/s.exec(text)?.[1]
    const value = createHmac('sha1', pki.signer.certificatePem)
      .update(`<SignedInfo xmlns="${DS}">${signedInfo}</SignedInfo>`)
      .digest('base64')
    await refusing(text.replace(/<SignatureValue>[^<]*/, `<SignatureValue>${value}`), 'DOC_ALGORITHM')
  })

  it('refuses a truncation parameter in the signature method', async () => {
    const text = genuine.replace(
      /(<SignatureMethod [^>]*)\/>/,
      '$1><HMACOutputLength>1</HMACOutputLength></SignatureMethod>',
    )
    await refusing(text, 'DOC_ALGORITHM')
  })

  it.each([`${EXCLUSIVE}WithComments`, `${INCLUSIVE}#WithComments`, 'http://www.w3.org/2006/12/xml-c14n11', ''])(
    'refuses %s as canonicalisation of SignedInfo',
    async (canonicalization) => {
      await refusing(forge(PAN, pki.signer, { canonicalization }), 'DOC_ALGORITHM')
    },
  )

  it('refuses a rsa-sha256 signature that claims to be rsa-sha1', async () => {
    await refusing(forge(PAN, pki.signer, { hash: 'sha256' }), 'DOC_SIGNATURE_INVALID')
  })
})

describe('signer — security.md XM-10, XM-12; documents-and-signatures.md §3.5', () => {
  const refuseSigner = (text: string, trust = trusting([pki.signer]), at = NOW) =>
    expect(verifyBytes(utf8(text), trust, at)).rejects.toThrow(refusedWith('DOC_SIGNER_UNTRUSTED'))

  it('refuses another company under the same root, and one with the signer name', async () => {
    const other = await pki.issueSigner({ commonName: 'DS OTHER COMPANY', organization: 'OTHER COMPANY' })
    const lookAlike = await pki.issueSigner({ commonName: pki.signer.commonName })
    await refuseSigner(signXml(PAN, other).toString())
    await refuseSigner(signXml(PAN, lookAlike, { chain: 'neGD' }).toString())
  })

  it('refuses an unknown root', async () => {
    const elsewhere = await makePki({ rootBits: 2048, now: new Date(NOW * 1000) })
    await refuseSigner(signXml(PAN, elsewhere.signer, { chain: 'neGD' }).toString())
  }, 120_000)

  it('refuses a forgery that only carries the genuine certificate beside its own', async () => {
    const attacker = await pki.issueSigner()
    for (const ders of [
      [pki.signer.certificateDer, attacker.certificateDer],
      [attacker.certificateDer, pki.signer.certificateDer],
    ]) {
      await refusing(forge(PAN, attacker, { keyInfo: certificates(...ders) }), 'DOC_SIGNATURE_INVALID')
    }
  })

  it('refuses a certificate with bytes appended', async () => {
    await refuseSigner(withCertificates(Buffer.concat([pki.signer.certificateDer, Buffer.from([0])])))
  })

  it('refuses no certificate at all', async () => {
    await refuseSigner(forge(PAN, pki.signer, { keyInfo: '<X509Data></X509Data>' }))
  })

  it('refuses a pin of another rail', async () => {
    await refuseSigner(genuine, trusting([pki.signer], { rail: 'aadhaar-offline' }))
  })

  it('refuses a certificate whose key is not the one pinned', async () => {
    await refuseSigner(genuine, trusting([pki.signer], { spki: '00'.repeat(32) }))
    const trust = trusting([pki.signer], { spki: spkiFingerprint(pki.signer.certificateDer) })
    await expect(verifyBytes(utf8(genuine), trust)).resolves.toBeDefined()
  })

  it('refuses two pinned signers in one document', async () => {
    const next = await pki.issueSigner({ commonName: 'DS DIGILOCKER SIMULATOR 2' })
    const keyInfo = certificates(pki.signer.certificateDer, next.certificateDer)
    await refuseSigner(forge(PAN, pki.signer, { keyInfo }), trusting([pki.signer, next]))
  })

  it('accepts several pinned signers at once, one in each document', async () => {
    const next = await pki.issueSigner({ commonName: 'DS DIGILOCKER SIMULATOR 2' })
    const trust = trusting([pki.signer, next])
    for (const signer of [pki.signer, next]) {
      const verification = describeVerification(await verifyBytes(signXml(PAN, signer), trust))
      expect(verification.signerFingerprint).toBe(signer.fingerprint)
    }
  })

  it('refuses an RSA key under 2048 bits even when pinned', async () => {
    const weak = await pki.issueSigner({ keyBits: 1024 })
    await refuseSigner(signXml(PAN, weak).toString(), trusting([weak]))
  })

  it.each<[string, () => Buffer]>([
    ['an RSA key with exponent 3', () => certificateWithExponent3()],
    ['an elliptic-curve key', () => Buffer.from(EC_CERTIFICATE, 'base64')],
  ])('refuses %s even when pinned', async (_case, make) => {
    const certificateDer = make()
    const odd = { ...pki.signer, certificateDer, fingerprint: fingerprintOf(certificateDer) }
    await refuseSigner(forge(PAN, odd), trusting([odd]), secondsOf('2030-01-01T00:00:00Z'))
  })

  describe('in time — §3.6', () => {
    const period = { notBefore: new Date('2024-01-01T00:00:00Z'), notAfter: new Date('2026-02-11T00:00:00Z') }
    const pin = { notAfter: '2026-02-11T00:00:00Z' }
    const grace = { ...pin, notAcceptedAfter: '2027-02-11T00:00:00Z' }
    let signer: Signer
    let text: string
    beforeAll(async () => {
      signer = await pki.issueSigner(period)
      text = signXml(PAN, signer).toString()
    })
    const verifyAt = (iso: string, options: PinOptions) =>
      verifyBytes(utf8(text), trusting([signer], options), secondsOf(iso))

    it.each([
      ['the first second', '2024-01-01T00:00:00Z', pin, undefined],
      ['the last second', '2026-02-11T00:00:00Z', pin, undefined],
      ['the first second of the grace', '2026-02-11T00:00:01Z', grace, true],
      ['the last second of the grace', '2027-02-11T00:00:00Z', grace, true],
    ])('accepts it in %s and says whether it had expired', async (_case, at, options, expired) => {
      expect(describeVerification(await verifyAt(at, options)).signerExpired).toBe(expired)
    })

    it.each([
      ['before it begins', '2023-12-31T23:59:59Z', pin],
      ['after it ends without a grace', '2026-02-11T00:00:01Z', pin],
      ['after it ends though the pin claims more', '2026-02-11T00:00:01Z', { notAfter: '2030-01-01T00:00:00Z' }],
      ['after the grace', '2027-02-11T00:00:01Z', grace],
      ['after its pin was ended early', '2025-06-01T00:00:01Z', { ...pin, notAcceptedAfter: '2025-06-01T00:00:00Z' }],
    ])('refuses it %s', async (_case, at, options) => {
      await expect(verifyAt(at, options)).rejects.toThrow(refusedWith('DOC_SIGNER_EXPIRED'))
    })
  })
})

describe('signature wrapping — security.md XM-6', () => {
  const forged = PAN.replace('MEERA  EXAMPLE', 'EVE')
  const genuineContent = () => genuine.replace(DECLARATION, '')
  const signatureOf = (t: string) => /<Signature .*<\/Signature>/s.exec(t)?.[0] ?? ''
  const unsignedPart = () => genuineContent().replace(signatureOf(genuine), '')
  const inRoot = (content: string) => forged.replace(/<\/Certificate>$/, `${content}</Certificate>`)
  const withIn = (where: string, content: string) => signatureOf(genuine).replace(where, `${content}${where}`)

  it.each<[string, () => string]>([
    [
      'XSW1: the original inside the signature of the forged root',
      () => inRoot(withIn('</Signature>', unsignedPart())),
    ],
    ['XSW2: the original before a detached signature', () => inRoot(unsignedPart() + signatureOf(genuine))],
    ['XSW3: the forged one as a sibling before', () => genuineContent().replace('<IssuedBy>', `${forged}<IssuedBy>`)],
    ['XSW4: the signed original wrapped by the forged one', () => inRoot(genuineContent())],
    ['XSW5: the original after the signature', () => inRoot(signatureOf(genuine) + unsignedPart())],
    ['XSW6: the original inside KeyInfo', () => inRoot(withIn('</KeyInfo>', unsignedPart()))],
    [
      'XSW7: the forged one in an extension',
      () => genuineContent().replace('<IssuedBy>', `<Extensions>${forged}</Extensions><IssuedBy>`),
    ],
    ['XSW8: the original in an Object', () => inRoot(withIn('</Signature>', `<Object>${unsignedPart()}</Object>`))],
    ['a second document after the first', () => genuineContent() + forged],
  ])('never reads the forged value — %s', async (_case, make) => {
    for (const id of ['', ' Id="x"', ' ID="x"', ' id="x"', ' xml:id="x"']) {
      const text = make().replace('<Certificate ', `<Certificate${id} `)
      expect(text).toContain('EVE')
      await expect(nameIn(text)).rejects.toThrow(expect.objectContaining({ name: 'DocumentError' }))
    }
  })
})

describe('bytes — security.md XM-1, XM-2', () => {
  const latin = () => Buffer.from(genuine.replace('MEERA', 'MÉERA'), 'latin1')
  it.each<[string, () => Uint8Array, string]>([
    ['invalid UTF-8', () => latin(), 'DOC_ENCODING'],
    ['overlong UTF-8', () => Buffer.concat([utf8(genuine), Buffer.from([0xc0, 0x80])]), 'DOC_ENCODING'],
    ['UTF-16 with a mark', () => Buffer.from(`\uFEFF${genuine}`, 'utf16le'), 'DOC_ENCODING'],
    ['UTF-16 without a mark', () => Buffer.from(genuine, 'utf16le'), 'DOC_MALFORMED'],
    ['a Latin-1 label', () => utf8(genuine.replace('UTF-8', 'ISO-8859-1')), 'DOC_ENCODING'],
    ['XML 1.1', () => utf8(genuine.replace('version="1.0"', 'version="1.1"')), 'DOC_ENCODING'],
    ['NUL', () => utf8(genuine.replace('MEERA', 'ME\0RA')), 'DOC_ENCODING'],
    ['a control character', () => utf8(genuine.replace('MEERA', 'ME\u0001RA')), 'DOC_ENCODING'],
    ['a control character by reference', () => utf8(genuine.replace('MEERA', 'ME&#1;RA')), 'DOC_ENCODING'],
    ['two byte order marks', () => utf8(`\uFEFF\uFEFF${genuine}`), 'DOC_ENCODING'],
    ['nothing', () => utf8(''), 'DOC_MALFORMED'],
    ['something that is not XML', () => utf8('{"error":"invalid_uri"}'), 'DOC_MALFORMED'],
  ])('refuses %s', async (_case, make, code) => {
    await expect(verifyBytes(make())).rejects.toThrow(refusedWith(code))
  })

  it.each<[string, (text: string) => string, string]>([
    ['a DOCTYPE', (t) => t.replace('<Certificate', '<!DOCTYPE Certificate><Certificate'), 'DOC_DOCTYPE'],
    [
      'an entity bomb',
      (t) =>
        t
          .replace('<Certificate', '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><Certificate')
          .replace('MEERA', '&b;'),
      'DOC_DOCTYPE',
    ],
    ['a DOCTYPE after the root', (t) => `${t}<!DOCTYPE x>`, 'DOC_DOCTYPE'],
    ['a DOCTYPE in lower case', (t) => t.replace('<Certificate', '<!doctype x><Certificate'), 'DOC_MALFORMED'],
    ['an undeclared entity', (t) => t.replace('MEERA', '&nbsp;'), 'DOC_MALFORMED'],
    ['an instruction before the root', (t) => t.replace('<Certificate', '<?x y?><Certificate'), 'DOC_MALFORMED'],
    ['an instruction after the root', (t) => `${t}<?x y?>`, 'DOC_MALFORMED'],
    ['a bare ampersand', (t) => t.replace('MEERA', 'M & A'), 'DOC_MALFORMED'],
    ['an attribute without quotes', (t) => t.replace('language="99"', 'language=99'), 'DOC_MALFORMED'],
    ['a duplicate attribute', (t) => t.replace('<Person ', '<Person name="EVE" '), 'DOC_MALFORMED'],
    [
      'a duplicate attribute by namespace',
      (t) => t.replace('<Person ', '<Person xmlns:a="urn:x" xmlns:b="urn:x" a:n="1" b:n="2" '),
      'DOC_MALFORMED',
    ],
    ['an undeclared prefix', (t) => t.replace('<Person ', '<Person a:n="1" '), 'DOC_MALFORMED'],
    ['text after the root', (t) => `${t}EVE`, 'DOC_MALFORMED'],
    ['text before the root', (t) => t.replace('<Certificate', 'EVE<Certificate'), 'DOC_MALFORMED'],
    ['two roots', (t) => `${t}<Certificate/>`, 'DOC_MALFORMED'],
    ['an open element', (t) => t.replace('</Certificate>', ''), 'DOC_MALFORMED'],
    ['a less-than sign in a value', (t) => t.replace('MEERA', '<'), 'DOC_MALFORMED'],
  ])('refuses %s', async (_case, change, code) => {
    expect(change(genuine)).not.toBe(genuine)
    await refusing(change(genuine), code)
  })

  it('refuses text that was turned into a processing instruction, though the engine alone would accept it', async () => {
    const content = PAN.replace('<Photo format=""></Photo>', '<Photo format="">abc</Photo>')
    const text = signXml(content, pki.signer).toString().replace('>abc<', '><?x abc?><')
    const engine = new SignedXml({ publicCert: pki.signer.certificatePem, getCertFromKeyInfo: () => null })
    engine.loadSignature(/<Signature .*<\/Signature>/s.exec(text)?.[0] ?? '')
    expect(engine.checkSignature(text)).toBe(true)
    await refusing(text, 'DOC_MALFORMED')
  })

  it('says nothing of the document in its refusals', async () => {
    for (const text of [
      genuine.replace('<Person ', '<Person name="EVE" '),
      genuine.replace('MEERA', 'SITA'),
      '<EVE></MEERA>',
    ]) {
      const error = await verify(text).catch((thrown: unknown) => thrown)
      expect(`${error} ${String((error as Error).cause)}`).not.toMatch(/MEERA|SITA|EVE|EXAMPLE/)
    }
  })
})

describe('limits — security.md XM-3', () => {
  const { limits, certificates: maxCertificates, base64Length } = PROFILES.digilocker
  const repeat = (text: string, times: number) => text.repeat(times)
  const padded = (extra: string) => PAN.replace('<IssuedBy>', `${extra}<IssuedBy>`)
  const elementsInPan = PAN.match(/<\w/g)?.length ?? 0
  const inSignature = 10 + 3
  const nested = (depth: number) => repeat('<d>', depth) + repeat('</d>', depth)
  const attributes = (count: number) =>
    `<d${[...Array(count).keys()].map((i) => ` a${String(i).padStart(3, '0')}=""`).join('')}></d>`
  const namespaces = (count: number) =>
    `<d${[...Array(count).keys()].map((i) => ` xmlns:a${String(i).padStart(3, '0')}="urn:x"`).join('')}></d>`
  const sign = (content: string) => forge(content, pki.signer)

  it.each<[string, (more: number) => string]>([
    ['depth', (more) => sign(padded(nested(limits.depth - 1 + more)))],
    ['elements', (more) => sign(padded(repeat('<d></d>', limits.elements - elementsInPan - inSignature + more)))],
    ['attributes', (more) => sign(padded(attributes(limits.attributes + more)))],
    ['namespace declarations', (more) => sign(padded(namespaces(limits.namespaces - 1 + more)))],
    ['attribute length', (more) => sign(padded(`<d a="${repeat('a', limits.attributeLength + more)}"></d>`))],
    ['text length', (more) => sign(padded(`<d>${repeat('a', limits.textLength + more)}</d>`))],
    ['bytes', (more) => sign(padded('')).padEnd(limits.bytes + more, '\n')],
  ])(
    'accepts a document at its limit of %s and refuses one step over it',
    async (_case, make) => {
      await expect(verify(make(0))).resolves.toBeDefined()
      await refusing(make(1), 'DOC_TOO_LARGE')
    },
    120_000,
  )

  it('accepts as many certificates as a chain may have and refuses one more', async () => {
    const fill = (count: number) =>
      withCertificates(pki.signer.certificateDer, ...Array<Buffer>(count).fill(pki.root.der))
    await expect(verify(fill(maxCertificates - 1))).resolves.toBeDefined()
    await refusing(fill(maxCertificates), 'DOC_SIGNATURE_SHAPE')
  })

  it('refuses base64 that is longer than any certificate', async () => {
    await refusing(withCertificates(pki.signer.certificateDer, Buffer.alloc(base64Length)), 'DOC_SIGNATURE_SHAPE')
  })
})

describe('the engine behind the shape check', () => {
  const verifyBehind = (text: string) => {
    const parsed = parseXml(text, PROFILES.digilocker.limits)
    const element = parsed.children.at(-1) ?? parsed
    return verifyXmlSignature(text, { element }, createPublicKey(pki.signer.certificatePem), PROFILES.digilocker)
  }
  const sha1Of = (content: string) => createHash('sha1').update(content).digest('base64')

  it('knows no second reference', () => {
    const references = (digest: string) => referenceOf(digest) + referenceOf(digest)
    expect(() => verifyBehind(forge(PAN, pki.signer, { references }))).toThrow(refusedWith('DOC_SIGNATURE_SHAPE'))
  })

  it('knows no algorithm outside the profile', () => {
    const references = () =>
      `<Reference URI="">${transforms(ENVELOPED)}${digestOf(sha1Of(PAN), `${DS}sha1`)}</Reference>`
    expect(() => verifyBehind(forge(PAN, pki.signer, { references }))).toThrow(refusedWith('DOC_SIGNATURE_INVALID'))
  })

  it('gives out nothing when two references are signed', () => {
    const references = (d: string) => referenceOf(d) + referenceOf(d)
    expect(() => verifyBehind(forge(PAN, pki.signer, { references }))).toThrow(refusedWith('DOC_SIGNATURE_SHAPE'))
    expect(verifyBehind(forge(PAN, pki.signer))).toBe(PAN)
  })
})

function certificateWithExponent3(): Buffer {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
  const period = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2035-01-01T00:00:00Z') }
  const name = [['CN', 'Sample']] as const
  return issueCertificate({ subject: name, publicKey: keys.publicKey, extensions: [], ...period }, { name, keys }).der
}

function withCertificates(...ders: Buffer[]): string {
  return forge(PAN, pki.signer, { keyInfo: certificates(...ders) })
}

function signedWithText(written: string, canonical: string): string {
  const content = PAN.replace('<Photo format="">', `<Photo format="">${canonical}`)
  return signXml(content, pki.signer).toString().replace(`>${canonical}<`, `>${written}<`)
}

function wrapBase64(text: string, lineEnd: string): string {
  return text.replace(/<(SignatureValue|X509Certificate)>([^<]*)/g, (_all, name: string, value: string) => {
    return `<${name}>${value.replace(/.{76}/g, `$&${lineEnd}`)}`
  })
}

function moveSignature(text: string, after: RegExp): string {
  const signature = /<Signature .*<\/Signature>/s.exec(text)?.[0] ?? ''
  return text.replace(signature, '').replace(after, (found) => found + signature)
}

/** The same signature with a prefix: its canonical form differs, so it is signed anew. */
function prefixed(text: string): string {
  const [signature = ''] = /<Signature .*<\/Signature>/s.exec(text) ?? []
  const renamed = signature.replace(/<(\/?)(\w)/g, '<$1ds:$2').replace('xmlns=', 'xmlns:ds=')
  return text.replace(signature, resign(renamed))
}

function resign(signature: string): string {
  const signedInfo = /<ds:SignedInfo>.*<\/ds:SignedInfo>/s.exec(signature)?.[0] ?? ''
  const canonical = signedInfo
    .replace('<ds:SignedInfo>', `<ds:SignedInfo xmlns:ds="${DS}">`)
    .replace(/<(ds:\w+)( Algorithm="[^"]*")\/>/g, '<$1$2></$1>')
  const value = signBytes(canonical)
  return signature.replace(/<ds:SignatureValue>[^<]*/, `<ds:SignatureValue>${value}`)
}

const signBytes = (text: string) => signBytesWith('sha1', Buffer.from(text), pki.signer.privateKey).toString('base64')
