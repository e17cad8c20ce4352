import { PROFILES } from '../../../../src/documents/profiles.ts'
import { certificates, forge, PAN } from '../../fixtures.ts'
import { pan, swap, toCases } from '../case.ts'
import type { World } from '../world.ts'

const { limits, certificates: certificateLimit, base64Length } = PROFILES.digilocker
/** of the signature that `forge` makes with one certificate */
const SIGNATURE_ELEMENTS = 13
const elementsIn = (text: string) => text.match(/<\w/g)?.length ?? 0

/** A signed document which has as many of a thing as the limit allows, and `over` more. */
export const AT_LIMIT: Readonly<Record<string, (world: World, over: number) => string>> = {
  'bytes.depth': ({ signer }, over) => {
    // The root and CertificateData are the first two.
    const count = limits.depth - 2 + over
    return forge(inData('<a>'.repeat(count) + '</a>'.repeat(count)), signer)
  },
  'bytes.elements': ({ signer }, over) => {
    const count = limits.elements - elementsIn(PAN) - SIGNATURE_ELEMENTS + over
    return forge(inData('<a></a>'.repeat(count)), signer)
  },
  'bytes.attributes': ({ signer }, over) => {
    const names = Array.from({ length: limits.attributes + over }, (_, i) => `a${String(i).padStart(3, '0')}="${i}"`)
    return forge(inData(`<a ${names.join(' ')}></a>`), signer)
  },
  'bytes.attribute-length': ({ signer }, over) =>
    forge(inData(`<a b="${'x'.repeat(limits.attributeLength + over)}"></a>`), signer),
  'bytes.namespaces': ({ signer }, over) => {
    // The signature declares one.
    const names = Array.from({ length: limits.namespaces - 1 + over }, (_, i) => `xmlns:n${100 + i}="urn:${i}"`)
    return forge(inData(`<a ${names.join(' ')}></a>`), signer)
  },
  'bytes.text-length': ({ signer }, over) => forge(inData('x'.repeat(limits.textLength + over)), signer),
  'bytes.rewrites': ({ signer }, over) => forge(inData('&amp;'.repeat(limits.rewrites + over)), signer),
  comment: ({ pan: text }, over) =>
    swap(text, '<IssuedTo>', `<!--${'x'.repeat(limits.attributeLength + over)}--><IssuedTo>`),
  'bytes.size': ({ pan: text }, over) => text + ' '.repeat(limits.bytes - text.length + over),
  'shape.certificates': ({ signer, pki }, over) =>
    forge(PAN, signer, {
      keyInfo: certificates(signer.certificateDer, ...Array<Buffer>(certificateLimit - 1 + over).fill(pki.root.der)),
    }),
  'shape.base64': ({ pan: text }, over) => {
    const length = /<SignatureValue>([^<]*)/.exec(text)?.[1]?.length ?? 0
    return swap(text, '<SignatureValue>', `<SignatureValue>${' '.repeat(base64Length - length + over)}`)
  },
}

/** security.md XM-3: one step over each limit. */
export const limitCases = toCases('limits', [
  ['a byte too many', 'bytes.size', over('bytes.size')],
  ['an element too deep', 'bytes.depth', over('bytes.depth')],
  ['an element too many', 'bytes.elements', over('bytes.elements')],
  ['an attribute too many', 'bytes.attributes', over('bytes.attributes')],
  ['an attribute a character too long', 'bytes.attribute-length', over('bytes.attribute-length')],
  ['a namespace too many', 'bytes.namespaces', over('bytes.namespaces')],
  ['a text a character too long', 'bytes.text-length', over('bytes.text-length')],
  ['a place too many where the canonical form differs', 'bytes.rewrites', over('bytes.rewrites')],
  ['a comment a character too long', 'bytes.text-length', over('comment')],
  ['a certificate too many', 'shape.certificates', over('shape.certificates')],
  ['a base64 field a character too long', 'shape.base64', over('shape.base64')],
  [
    'text too long, in pieces around comments',
    'bytes.text-length',
    ({ signer }) =>
      forge(inData(`${'x'.repeat(limits.textLength / 2)}<!-- -->${'x'.repeat(limits.textLength / 2 + 1)}`), signer),
  ],
  [
    'text too long, as CDATA',
    'bytes.text-length',
    ({ signer }) => forge(inData(`<![CDATA[${'x'.repeat(limits.textLength + 1)}]]>`), signer),
  ],
  ['a subject name too long', 'bytes.size', pan('<X509SubjectName>', `<X509SubjectName>${'x'.repeat(limits.bytes)}`)],
  [
    '100,000 elements inside each other',
    'bytes.depth',
    pan('<CertificateData>', `<CertificateData>${'<a>'.repeat(100_000)}`),
  ],
  [
    'a million empty elements',
    'bytes.elements',
    pan('<CertificateData>', `<CertificateData>${'<a/>'.repeat(1_000_000)}`),
  ],
  [
    '100,000 attributes',
    'bytes.attributes',
    pan('<PAN ', `<PAN ${Array.from({ length: 100_000 }, (_, i) => `a${i}=""`).join(' ')} `),
  ],
  ['a name of 4 MB', 'bytes.subset', pan('<CertificateData>', `<CertificateData><${'a'.repeat(4_000_000)}`)],
  ['an attribute of 4 MB', 'bytes.attribute-length', pan('<PAN ', `<PAN x="${'a'.repeat(4_000_000)}" `)],
  [
    'a comment of 4 MB that does not end',
    'bytes.text-length',
    pan('<CertificateData>', `<CertificateData><!--${'a'.repeat(4_000_000)}`),
  ],
  [
    'half a million ampersands',
    'bytes.well-formed',
    pan('<CertificateData>', `<CertificateData>${'&'.repeat(500_000)}`),
  ],
  [
    'half a million references',
    'bytes.rewrites',
    pan('<CertificateData>', `<CertificateData>${'&#65;'.repeat(500_000)}`),
  ],
  [
    'a million comment starts',
    'bytes.well-formed',
    pan('<CertificateData>', `<CertificateData>${'<!--'.repeat(1_000_000)}`),
  ],
  [
    'a million CDATA starts',
    'bytes.rewrites',
    pan('<CertificateData>', `<CertificateData>${'<![CDATA['.repeat(500_000)}`),
  ],
])

function over(check: string) {
  return (world: World) => {
    const make = AT_LIMIT[check]
    if (!make) throw new Error(`no document at the limit of ${check}`)
    return make(world, 1)
  }
}

function inData(content: string): string {
  return swap(PAN, '<PAN ', `${content}<PAN `)
}
