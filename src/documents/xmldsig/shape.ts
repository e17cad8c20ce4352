import { type CheckId, refusal } from '../checks.ts'
import {
  type DigestMethod,
  ENVELOPED,
  EXCLUSIVE_C14N,
  type Profile,
  type SignatureMethod,
  XMLDSIG,
} from '../profiles.ts'
import type { C14nMode } from '../strict/namespaces.ts'
import { withDescendants, type XmlElement } from '../xml.ts'

/** The one signature of a document, of exactly the shape its profile allows. Nothing in it is proven yet. */
export interface SignatureShape {
  readonly element: XmlElement
  /** of SignedInfo */
  readonly canonicalization: C14nMode
  /** of the content: inclusive where no transform names one (XMLDSig 1.1 §4.4.3.2) */
  readonly contentCanonicalization: C14nMode
  readonly signatureMethod: SignatureMethod
  readonly digestMethod: DigestMethod
  readonly signatureValue: Buffer
  readonly digestValue: Buffer
  /** DER as found in KeyInfo, in any order: candidates only, anybody can put any certificate there */
  readonly certificates: readonly Buffer[]
}

/** These occur once, inside the signature; elsewhere they could make the engine look at another place than we do. */
const ONLY_IN_SIGNATURE = new Set(['Signature', 'SignedInfo', 'SignatureValue', 'DigestValue'])
const KEY_INFO_PARTS = new Set(['X509SubjectName', 'X509Certificate'])
const SHA256_LENGTH = 32
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Checks everything about a signature that needs no key: children, attributes, algorithms. Under the enveloped transform
 * all of Signature but SignedInfo is unsigned, so nothing may hide there.
 * @param element the only Signature of the document (`soleSignature`, or the strict scanner, saw to that)
 * @throws DocumentError shape.*, algorithm.*
 * @see XMLDSig 1.1 §4; security.md XM-4, XM-5, XM-7, XM-8; documents-and-signatures.md §2.1
 */
export function readSignature(element: XmlElement, profile: Profile): SignatureShape {
  if (!isDs(element, 'Signature')) throw refusal('shape.namespace')
  const [signedInfo, signatureValue, keyInfo] = partsOf(element, [], 'SignedInfo', 'SignatureValue', 'KeyInfo')
  const [canonicalization, signatureMethod, reference] = partsOf(
    signedInfo,
    [],
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  )
  const [transforms, digestMethod, digestValue] = partsOf(
    reference,
    ['URI'],
    'Transforms',
    'DigestMethod',
    'DigestValue',
  )
  if (reference.attributes.get('URI') !== '') throw refusal('shape.reference')
  const contentCanonicalization = readTransforms(transforms, profile)
  if (!profile.canonicalizations.includes(algorithmOf(canonicalization))) throw refusal('algorithm.canonicalization')
  const digest = bytesOf(digestValue, profile)
  if (digest.length !== SHA256_LENGTH) throw refusal('shape.digest-length')
  return {
    element,
    canonicalization: isExclusive(algorithmOf(canonicalization)) ? 'exclusive' : 'inclusive',
    contentCanonicalization,
    signatureMethod: allowed(profile.signatureMethods, algorithmOf(signatureMethod), 'algorithm.signature'),
    digestMethod: allowed(profile.digestMethods, algorithmOf(digestMethod), 'algorithm.digest'),
    signatureValue: bytesOf(signatureValue, profile),
    digestValue: digest,
    certificates: readCertificates(keyInfo, profile),
  }
}

/**
 * The one signature of a document that was read as a tree, the last child of its root.
 * @throws DocumentError shape.signed, shape.one-signature, shape.place
 */
export function soleSignature(root: XmlElement): XmlElement {
  const found = [...withDescendants(root)].filter(({ local }) => ONLY_IN_SIGNATURE.has(local))
  const signature = found.find(({ local }) => local === 'Signature')
  if (!signature) throw refusal('shape.signed')
  const names = new Set(found.map(({ local }) => local))
  if (names.size < found.length) throw refusal('shape.one-signature')
  if (root.children.at(-1) !== signature) throw refusal('shape.place')
  return signature
}

/** The children by name, in this order and no others; only white space between them. */
function partsOf<const Names extends readonly string[]>(
  element: XmlElement,
  attributes: readonly string[],
  ...names: Names
): { [K in keyof Names]: XmlElement } {
  const children = onlyChildren(element, attributes)
  const fits = children.length === names.length && children.every((child, i) => isDs(child, names[i]))
  if (!fits) throw refusal('shape.children', `${element.local} has other children than the profile names`)
  return children as unknown as { [K in keyof Names]: XmlElement }
}

/** The children of an element that holds no text, comment or CDATA beside them: all of that would be unsigned space. */
function onlyChildren(element: XmlElement, attributes: readonly string[] = []): readonly XmlElement[] {
  checkAttributes(element, attributes)
  if (!element.plain || isText(element)) throw refusal('shape.plain', `${element.local} holds more than elements`)
  return element.children
}

/** White space as XML knows it; anything else, a no-break space too, is text. */
const isText = (element: XmlElement) => /[^ \t\r\n]/.test(element.text)

function checkAttributes(element: XmlElement, names: readonly string[]): void {
  const fits = element.attributes.size === names.length && names.every((name) => element.attributes.has(name))
  if (!fits) throw refusal('shape.attributes', `${element.local} has other attributes than the profile names`)
}

const isDs = (element: XmlElement, local: string | undefined) => element.uri === XMLDSIG && element.local === local

function readTransforms(transforms: XmlElement, profile: Profile): C14nMode {
  const children = onlyChildren(transforms)
  if (!children.every((child) => isDs(child, 'Transform')))
    throw refusal('shape.children', 'Transforms holds other things')
  const [first, second, ...more] = children.map(algorithmOf)
  if (first !== ENVELOPED) throw refusal('algorithm.transforms', 'the first transform is not the enveloped signature')
  if (more.length > 0) throw refusal('algorithm.transforms', 'a third transform')
  if (second === undefined) return 'inclusive'
  if (!profile.contentTransforms.includes(second)) throw refusal('algorithm.transforms', 'the second transform')
  return isExclusive(second) ? 'exclusive' : 'inclusive'
}

const isExclusive = (identifier: string) => identifier === EXCLUSIVE_C14N

/** The Algorithm of an element that holds nothing else: parameters (prefix lists, HMAC lengths, XPath) are refused. */
function algorithmOf(element: XmlElement): string {
  checkAttributes(element, ['Algorithm'])
  if (!element.plain || element.children.length > 0 || isText(element)) {
    throw refusal('algorithm.parameters', `${element.local} with parameters`)
  }
  return element.attributes.get('Algorithm') ?? ''
}

function allowed<T>(table: Readonly<Record<string, T>>, identifier: string, check: CheckId): T {
  const value = Object.hasOwn(table, identifier) ? table[identifier] : undefined
  if (value === undefined) throw refusal(check)
  return value
}

/** Bytes of a leaf element's base64, white space (and the carriage returns that UIDAI's tools leave) taken out. */
function bytesOf(element: XmlElement, profile: Profile): Buffer {
  checkAttributes(element, [])
  const { text, local } = element
  if (!element.plain || element.children.length > 0) throw refusal('shape.plain', `${local} is not plain text`)
  if (text.length > profile.base64Length) throw refusal('shape.base64', `${local} is too long`)
  const bytes = Buffer.from(text, 'base64')
  // Almost all are one unbroken line of canonical base64, and the way back proves it.
  if (bytes.length > 0 && bytes.toString('base64') === text) return bytes
  const value = text.replace(/[ \t\r\n]/g, '')
  if (value.length % 4 !== 0 || !BASE64.test(value)) throw refusal('shape.base64', `${local} is not base64`)
  return Buffer.from(value, 'base64')
}

/** X509Data only: a KeyValue, KeyName or RetrievalMethod would name a key by the sender's word alone (XM-10). */
function readCertificates(keyInfo: XmlElement, profile: Profile): Buffer[] {
  const parts = childrenNamed(keyInfo, new Set(['X509Data'])).flatMap((data) => childrenNamed(data, KEY_INFO_PARTS))
  for (const part of parts) {
    checkAttributes(part, [])
    if (!part.plain || part.children.length > 0) throw refusal('shape.plain', `${part.local} is not plain text`)
  }
  const certificates = parts.filter(({ local }) => local === 'X509Certificate')
  if (certificates.length > profile.certificates) throw refusal('shape.certificates')
  return certificates.map((certificate) => bytesOf(certificate, profile))
}

function childrenNamed(element: XmlElement, names: ReadonlySet<string>): readonly XmlElement[] {
  const children = onlyChildren(element)
  const fits = children.every((child) => child.uri === XMLDSIG && names.has(child.local))
  if (!fits) throw refusal('shape.children', `${element.local} holds something other than certificates`)
  return children
}
