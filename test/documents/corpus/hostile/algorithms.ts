import { createHash, createHmac, sign, X509Certificate } from 'node:crypto'
import { PROFILES } from '../../../../src/documents/profiles.ts'
import {
  DS,
  digestOf,
  EXCLUSIVE,
  forge,
  INCLUSIVE,
  LICENCE,
  PAN,
  RSA_SHA1,
  RSA_SHA256,
  referenceOf,
  transforms,
} from '../../fixtures.ts'
import { type Row, swap, toCases } from '../case.ts'
import { signatureIn, type World } from '../world.ts'

const ENVELOPED = `${DS}enveloped-signature`
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const XPATH = 'http://www.w3.org/TR/1999/REC-xpath-19991116'
const XSLT = 'http://www.w3.org/TR/1999/REC-xslt-19991116'
const FILTER2 = 'http://www.w3.org/2002/06/xmldsig-filter2'

const transformed = (name: string, ...algorithms: string[]): Row => [
  name,
  'algorithm.transforms',
  ({ signer }) => forge(PAN, signer, { references: (d) => referenceOf(d, transforms(...algorithms)) }),
]
/** A Transform with content, signed as it stands. */
const parametrised = (name: string, check: Row[1], algorithm: string, content: string): Row => [
  name,
  check,
  ({ signer }) =>
    forge(PAN, signer, {
      references: (d) =>
        referenceOf(
          d,
          `<Transforms><Transform Algorithm="${ENVELOPED}"></Transform><Transform Algorithm="${algorithm}">${content}</Transform></Transforms>`,
        ),
    }),
]
const method = (name: string, uri: string): Row => [
  `${name} as signature method`,
  'algorithm.signature',
  ({ signer }) => forge(PAN, signer, { method: uri }),
]
const digest = (name: string, uri: string, hash: string): Row => [
  `${name} as digest method`,
  'algorithm.digest',
  ({ signer }) =>
    forge(PAN, signer, {
      references: (d) => `<Reference URI="">${transforms(ENVELOPED)}${digestOf(sameLength(hash, d), uri)}</Reference>`,
    }),
]
const canonicalization = (name: string, uri: string): Row => [
  `${name} as canonicalisation of SignedInfo`,
  'algorithm.canonicalization',
  ({ signer }) => forge(PAN, signer, { canonicalization: uri }),
]
/** An HMAC over SignedInfo under bytes that everybody has. */
const hmac = (name: string, key: (world: World) => string | Buffer, hash = 'sha1'): Row => [
  `an HMAC keyed with ${name}`,
  'algorithm.signature',
  (world) => {
    const text = forge(PAN, world.signer, { method: hash === 'sha1' ? `${DS}hmac-sha1` : `${MORE}hmac-sha256` })
    const value = createHmac(hash, key(world)).update(signedInfoOf(text)).digest('base64')
    return swap(text, /<SignatureValue>[^<]*/, `<SignatureValue>${value}`)
  },
]

/** security.md XM-7, XM-8: what is not named in the profile is refused before any key is used, signed or not. */
export const algorithmCases = toCases('algorithms', [
  transformed('no transform'),
  transformed('C14N alone', INCLUSIVE),
  transformed('C14N before the enveloped transform', INCLUSIVE, ENVELOPED),
  transformed('the enveloped transform twice', ENVELOPED, ENVELOPED),
  transformed('two C14Ns', ENVELOPED, INCLUSIVE, EXCLUSIVE),
  transformed('the same C14N twice', ENVELOPED, EXCLUSIVE, EXCLUSIVE),
  transformed('C14N with comments', ENVELOPED, `${INCLUSIVE}#WithComments`),
  transformed('exclusive C14N with comments', ENVELOPED, `${EXCLUSIVE}WithComments`),
  transformed('C14N 1.1', ENVELOPED, 'http://www.w3.org/2006/12/xml-c14n11'),
  transformed('an XPath transform', ENVELOPED, XPATH),
  transformed('an XPath transform before the enveloped one', XPATH, ENVELOPED),
  transformed('an XPath filter', ENVELOPED, FILTER2),
  transformed('an XSLT transform', ENVELOPED, XSLT),
  transformed('a base64 transform', ENVELOPED, `${DS}base64`),
  transformed('a transform of no name', ENVELOPED, ''),
  transformed('an unknown transform', ENVELOPED, 'urn:x'),
  transformed('a transform named like a property of every object', ENVELOPED, 'toString'),
  transformed('the enveloped transform in another case', `${DS}Enveloped-Signature`),
  transformed('300 enveloped transforms', ...Array<string>(300).fill(ENVELOPED)),
  transformed('300 C14Ns', ENVELOPED, ...Array<string>(300).fill(EXCLUSIVE)),
  parametrised(
    'an XPath that hides the person',
    'algorithm.parameters',
    XPATH,
    '<XPath>not(ancestor-or-self::IssuedTo)</XPath>',
  ),
  parametrised(
    'an XSLT that makes a constant',
    'algorithm.parameters',
    XSLT,
    '<stylesheet xmlns="http://www.w3.org/1999/XSL/Transform" version="1.0"></stylesheet>',
  ),
  parametrised(
    'a prefix list',
    'algorithm.parameters',
    EXCLUSIVE,
    `<InclusiveNamespaces xmlns="${EXCLUSIVE}" PrefixList="x"></InclusiveNamespaces>`,
  ),
  parametrised('text in a Transform', 'algorithm.parameters', EXCLUSIVE, 'x'),
  [
    'a comment in a Transform',
    'shape.plain',
    ({ pan: text }) => swap(text, /<Transform [^>]*\/>/, (tag) => `${tag.slice(0, -2)}><!-- x --></Transform>`),
  ],
  [
    'a truncated HMAC',
    'algorithm.parameters',
    ({ pan: text }) =>
      swap(
        text,
        /<SignatureMethod [^>]*\/>/,
        (tag) => `${tag.slice(0, -2)}><HMACOutputLength>1</HMACOutputLength></SignatureMethod>`,
      ),
  ],
  [
    'a prefix list for SignedInfo',
    'algorithm.parameters',
    ({ pan: text }) =>
      swap(
        text,
        /<CanonicalizationMethod [^>]*\/>/,
        (tag) =>
          `${tag.slice(0, -2)}><InclusiveNamespaces xmlns="${EXCLUSIVE}" PrefixList="x"/></CanonicalizationMethod>`,
      ),
  ],
  method('hmac-sha1', `${DS}hmac-sha1`),
  method('hmac-sha256', `${MORE}hmac-sha256`),
  method('dsa-sha1', `${DS}dsa-sha1`),
  method('dsa-sha256', 'http://www.w3.org/2009/xmldsig11#dsa-sha256'),
  method('ecdsa-sha256', `${MORE}ecdsa-sha256`),
  method('rsa-md5', `${MORE}rsa-md5`),
  method('rsa-ripemd160', `${MORE}rsa-ripemd160`),
  method('rsa-sha512', `${MORE}rsa-sha512`),
  method('RSA-PSS', 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1'),
  method('"none"', 'none'),
  method('nothing', ''),
  method('a look-alike with a space', `${RSA_SHA256} `),
  method('a look-alike in capitals', RSA_SHA256.toUpperCase()),
  method('a property of every object', 'constructor'),
  hmac('the certificate in PEM', ({ signer }) => signer.certificatePem),
  hmac('the certificate in DER', ({ signer }) => signer.certificateDer),
  hmac('the key in SPKI', ({ signer }) => spkiOf(signer.certificateDer)),
  hmac(
    'the key in PEM, by SHA-256',
    ({ signer }) => new X509Certificate(signer.certificateDer).publicKey.export({ type: 'spki', format: 'pem' }),
    'sha256',
  ),
  hmac('nothing', () => ''),
  digest('SHA-1', `${DS}sha1`, 'sha1'),
  digest('MD5', `${MORE}md5`, 'md5'),
  digest('SHA-512', 'http://www.w3.org/2001/04/xmlenc#sha512', 'sha512'),
  digest('nothing', '', 'sha256'),
  digest('a property of every object', 'constructor', 'sha256'),
  canonicalization('C14N with comments', `${INCLUSIVE}#WithComments`),
  canonicalization('exclusive C14N with comments', `${EXCLUSIVE}WithComments`),
  canonicalization('C14N 1.1', 'http://www.w3.org/2006/12/xml-c14n11'),
  canonicalization('a transform that is no canonicalisation', ENVELOPED),
  canonicalization('XSLT', XSLT),
  canonicalization('nothing', ''),
  [
    'a SHA-256 signature called rsa-sha1',
    'signature.value',
    ({ signer }) => forge(PAN, signer, { method: RSA_SHA1, hash: 'sha256' }),
  ],
  [
    'a SHA-1 signature called rsa-sha256',
    'signature.value',
    ({ signer }) => forge(PAN, signer, { method: RSA_SHA256, hash: 'sha1' }),
  ],
  ['an MD5 signature called rsa-sha1', 'signature.value', ({ signer }) => forge(PAN, signer, { hash: 'md5' })],
  ['inclusive C14N of SignedInfo called exclusive', 'signature.value', relabelled],
  ['rsa-sha1 under the modern profile', 'algorithm.signature', ({ pan: text }) => text, { profile: PROFILES.modern }],
  [
    'exclusive C14N under the offline profile',
    'algorithm.canonicalization',
    exclusiveOffline,
    { profile: PROFILES.uidaiOffline, trust: ({ offlineTrust }) => offlineTrust },
  ],
  ['a signature value of zeros', 'signature.value', valued(() => Buffer.alloc(256))],
  ['a signature value of one', 'signature.value', valued(() => Buffer.concat([Buffer.alloc(255), Buffer.from([1])]))],
  ['a signature value as long as the modulus, all ones', 'signature.value', valued(() => Buffer.alloc(256, 0xff))],
  ['a signature value of one byte', 'signature.value', valued(() => Buffer.from([1]))],
  ['a zero before the signature value', 'signature.value', valued((value) => Buffer.concat([Buffer.alloc(1), value]))],
  ['a zero after the signature value', 'signature.value', valued((value) => Buffer.concat([value, Buffer.alloc(1)]))],
  ['the signature value backwards', 'signature.value', valued((value) => Buffer.from(value).reverse())],
  [
    'the signature of another document',
    'signature.digest',
    ({ pan: text, signer }) => swap(text, signatureIn(text), signatureIn(forge(LICENCE, signer))),
  ],
  ['SignedInfo of another document', 'signature.value', otherSignedInfo],
  ['SignedInfo signed by another key', 'signature.value', signedByOther],
])

const spkiOf = (der: Buffer) => new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' })

/** The digest under its own name, brought to the length of SHA-256 so that its name alone can refuse it. */
function sameLength(hash: string, sha256: string): string {
  if (hash === 'sha256') return sha256
  return Buffer.concat([createHash(hash).update(PAN).digest(), Buffer.alloc(32)])
    .subarray(0, 32)
    .toString('base64')
}

function signedInfoOf(text: string): string {
  const [, inner = ''] = /<SignedInfo>(.*)<\/SignedInfo>/s.exec(text) ?? []
  return `<SignedInfo xmlns="${DS}">${inner}</SignedInfo>`
}

function relabelled({ signer }: World): string {
  return swap(forge(PAN, signer, { canonicalization: INCLUSIVE }), INCLUSIVE, EXCLUSIVE)
}

function exclusiveOffline({ offlineKyc }: World): string {
  return swap(offlineKyc, INCLUSIVE, EXCLUSIVE)
}

function valued(change: (value: Buffer) => Buffer) {
  return ({ pan: text }: World) =>
    swap(text, /<SignatureValue>[^<]*/, (element) => {
      const value = Buffer.from(element.slice('<SignatureValue>'.length), 'base64')
      return `<SignatureValue>${change(value).toString('base64')}`
    })
}

function otherSignedInfo({ pan: text, signer }: World): string {
  const other = /<SignedInfo>.*<\/SignedInfo>/s.exec(forge(LICENCE, signer))?.[0] ?? ''
  return swap(text, /<SignedInfo>.*<\/SignedInfo>/s, other)
}

function signedByOther({ signer, other }: World): string {
  const text = forge(PAN, signer)
  const value = sign('sha1', Buffer.from(signedInfoOf(text)), other.privateKey).toString('base64')
  return swap(text, /<SignatureValue>[^<]*/, `<SignatureValue>${value}`)
}
