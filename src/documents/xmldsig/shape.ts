import { DocumentError } from '../../errors.ts'
import { type DigestMethod, ENVELOPED, type Profile, type SignatureMethod, XMLDSIG } from '../profiles.ts'
import { withDescendants, type XmlElement } from '../xml.ts'

/** The one signature of a document, of exactly the shape its profile allows. Nothing in it is proven yet. */
export interface SignatureShape {
  readonly element: XmlElement
  readonly signatureMethod: SignatureMethod
  readonly digestMethod: DigestMethod
  /** DER as found in KeyInfo, in any order: candidates only, anybody can put any certificate there */
  readonly certificates: readonly Buffer[]
}

/** These occur once, inside the signature; elsewhere they could make the engine look at another place than we do. */
const ONLY_IN_SIGNATURE = new Set(['Signature', 'SignedInfo', 'SignatureValue', 'DigestValue'])
const KEY_INFO_PARTS = new Set(['X509SubjectName', 'X509Certificate'])
const SHA256_BASE64_LENGTH = 44

/**
 * Finds the signature and checks everything about it that needs no key: place, cardinality, children, algorithms. Under
 * the enveloped transform all of Signature but SignedInfo is unsigned, so nothing may hide there.
 * @throws DocumentError DOC_UNSIGNED, DOC_SIGNATURE_SHAPE, DOC_ALGORITHM
 * @see XMLDSig 1.1 §4; security.md XM-4, XM-5, XM-7, XM-8; documents-and-signatures.md §2.1
 */
export function readSignature(root: XmlElement, profile: Profile): SignatureShape {
  const element = soleSignature(root)
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
  if (reference.attributes.get('URI') !== '') throw shape('the Reference is not to the whole document')
  checkTransforms(transforms, profile)
  if (!profile.canonicalizations.includes(algorithmOf(canonicalization))) throw algorithm('canonicalisation')
  base64Of(signatureValue, profile)
  if (base64Of(digestValue, profile).length !== SHA256_BASE64_LENGTH) throw shape('the digest has another length')
  return {
    element,
    signatureMethod: allowed(profile.signatureMethods, algorithmOf(signatureMethod), 'signature'),
    digestMethod: allowed(profile.digestMethods, algorithmOf(digestMethod), 'digest'),
    certificates: readCertificates(keyInfo, profile),
  }
}

function soleSignature(root: XmlElement): XmlElement {
  const found = [...withDescendants(root)].filter(({ local }) => ONLY_IN_SIGNATURE.has(local))
  const signature = found.find(({ local }) => local === 'Signature')
  if (!signature) throw new DocumentError('DOC_UNSIGNED', 'the document carries no signature')
  const names = new Set(found.map(({ local }) => local))
  if (names.size < found.length) throw shape('a Signature, or a part that only one may have, stands twice')
  if (signature.uri !== XMLDSIG) throw shape('the Signature is in another namespace')
  if (root.children.at(-1) !== signature) throw shape('the Signature is not the last child of the root')
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
  if (!fits) throw shape(`${element.local} has other children than the profile names`)
  return children as unknown as { [K in keyof Names]: XmlElement }
}

/** The children of an element that holds no text, comment or CDATA beside them: all of that would be unsigned space. */
function onlyChildren(element: XmlElement, attributes: readonly string[] = []): readonly XmlElement[] {
  checkAttributes(element, attributes)
  if (!element.plain || isText(element)) throw shape(`${element.local} holds more than elements`)
  return element.children
}

/** White space as XML knows it; anything else, a no-break space too, is text. */
const isText = (element: XmlElement) => /[^ \t\r\n]/.test(element.text)

function checkAttributes(element: XmlElement, names: readonly string[]): void {
  const fits = element.attributes.size === names.length && names.every((name) => element.attributes.has(name))
  if (!fits) throw shape(`${element.local} has other attributes than the profile names`)
}

const isDs = (element: XmlElement, local: string | undefined) => element.uri === XMLDSIG && element.local === local

function checkTransforms(transforms: XmlElement, profile: Profile): void {
  const children = onlyChildren(transforms)
  if (!children.every((child) => isDs(child, 'Transform'))) throw shape('Transforms holds something else')
  const [first, second, ...more] = children.map(algorithmOf)
  if (first !== ENVELOPED) throw algorithm('first transform')
  if (second !== undefined && !profile.contentTransforms.includes(second)) throw algorithm('second transform')
  if (more.length > 0) throw algorithm('third transform')
}

/** The Algorithm of an element that holds nothing else: parameters (prefix lists, HMAC lengths, XPath) are refused. */
function algorithmOf(element: XmlElement): string {
  checkAttributes(element, ['Algorithm'])
  if (!element.plain || element.children.length > 0 || isText(element)) {
    throw algorithm(`${element.local} with parameters`)
  }
  return element.attributes.get('Algorithm') ?? ''
}

function allowed<T>(table: Readonly<Record<string, T>>, identifier: string, what: string): T {
  const value = Object.hasOwn(table, identifier) ? table[identifier] : undefined
  if (value === undefined) throw algorithm(what)
  return value
}

/** Base64 of a leaf element, white space (and the carriage returns that UIDAI's tools leave) taken out. */
function base64Of(element: XmlElement, profile: Profile): string {
  checkAttributes(element, [])
  if (!element.plain || element.children.length > 0) throw shape(`${element.local} is not plain text`)
  if (element.text.length > profile.base64Length) throw shape(`${element.local} is too long`)
  const value = element.text.replace(/[ \t\r\n]/g, '')
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value) || value === '') {
    throw shape(`${element.local} is not base64`)
  }
  return value
}

/** X509Data only: a KeyValue, KeyName or RetrievalMethod would name a key by the sender's word alone (XM-10). */
function readCertificates(keyInfo: XmlElement, profile: Profile): Buffer[] {
  const parts = childrenNamed(keyInfo, new Set(['X509Data'])).flatMap((data) => childrenNamed(data, KEY_INFO_PARTS))
  for (const part of parts) {
    checkAttributes(part, [])
    if (!part.plain || part.children.length > 0) throw shape(`${part.local} is not plain text`)
  }
  const certificates = parts.filter(({ local }) => local === 'X509Certificate')
  if (certificates.length > profile.certificates) throw shape('more certificates than a chain has')
  return certificates.map((certificate) => Buffer.from(base64Of(certificate, profile), 'base64'))
}

function childrenNamed(element: XmlElement, names: ReadonlySet<string>): readonly XmlElement[] {
  const children = onlyChildren(element)
  const fits = children.every((child) => child.uri === XMLDSIG && names.has(child.local))
  if (!fits) throw shape(`${element.local} holds something other than certificates`)
  return children
}

const shape = (message: string) => new DocumentError('DOC_SIGNATURE_SHAPE', message)
const algorithm = (what: string) => new DocumentError('DOC_ALGORITHM', `${what}: outside the profile`)
