import { createHash, sign, X509Certificate } from 'node:crypto'
import type { Signer } from './pki.ts'
import { escapeText, toCanonical, toWire, type XmlElement } from './xml.ts'

const XMLDSIG = 'http://www.w3.org/2000/09/xmldsig#'
const ALGORITHMS = {
  'rsa-sha1': { uri: `${XMLDSIG}rsa-sha1`, hash: 'sha1' },
  'rsa-sha256': { uri: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', hash: 'sha256' },
} as const

export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

export interface SignXmlOptions {
  /** which certificates KeyInfo carries: the signer's alone (since 2026), or leaf, root, CA, sub-CA in that order (NeGD era) */
  readonly chain?: 'leaf' | 'neGD'
  readonly signatureMethod?: 'rsa-sha1' | 'rsa-sha256'
  /** false leaves out the white space that DigiLocker's SignedInfo holds */
  readonly whitespace?: boolean
}

/**
 * Signs a document the way DigiLocker does (profile P-DL): enveloped signature as the last child, exclusive C14N of
 * SignedInfo, rsa-sha1, one Reference to the whole document with a SHA-256 digest over its inclusive C14N.
 * @param root a tree, written with collapsed empty elements and unsorted attributes as issuers do; or a string that is
 *   already canonical XML (no declaration, attributes sorted, empty elements expanded), which is kept as it is
 * @returns UTF-8 bytes
 * @throws Error when a string does not end with the closing tag of its root
 * @see documents-and-signatures.md §2.1; XMLDSig 1.0 §4
 */
export function signXml(root: string | XmlElement, signer: Signer, options: SignXmlOptions = {}): Buffer {
  const canonical = typeof root === 'string' ? root : toCanonical(root)
  const wire = typeof root === 'string' ? root : toWire(root)
  const method = ALGORITHMS[options.signatureMethod ?? 'rsa-sha1']
  const digest = createHash('sha256').update(canonical, 'utf8').digest('base64')
  const signedInfo = signedInfoOf(digest, method.uri, options.whitespace ?? true)
  const value = sign(method.hash, Buffer.from(canonicalSignedInfo(signedInfo)), signer.privateKey).toString('base64')
  const keyInfo = keyInfoOf(signer, options.chain ?? 'leaf')
  const signature = `<Signature xmlns="${XMLDSIG}">${signedInfo}<SignatureValue>${value}</SignatureValue>${keyInfo}</Signature>`
  return Buffer.from(XML_DECLARATION + appendChild(wire, signature), 'utf8')
}

/** SignedInfo as it stands on the wire. The white space is part of what is signed (documents-and-signatures.md §2.1). */
function signedInfoOf(digest: string, methodUri: string, whitespace: boolean): string {
  const [beforeMethod, beforeReference] = whitespace ? ['\n    ', '\n  '] : ['', '']
  return (
    '<SignedInfo><CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>' +
    `${beforeMethod}<SignatureMethod Algorithm="${methodUri}"/>` +
    `${beforeReference}<Reference URI=""><Transforms><Transform Algorithm="${XMLDSIG}enveloped-signature"/></Transforms>` +
    '<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>' +
    `<DigestValue>${digest}</DigestValue></Reference></SignedInfo>`
  )
}

/** Exclusive C14N of the template above: the namespace it uses is declared on it, empty elements are expanded. */
export function canonicalSignedInfo(signedInfo: string): string {
  return signedInfo
    .replace('<SignedInfo>', `<SignedInfo xmlns="${XMLDSIG}">`)
    .replace(/<(\w+)( Algorithm="[^"]*")\/>/g, '<$1$2></$1>')
}

function keyInfoOf(signer: Signer, chain: 'leaf' | 'neGD'): string {
  const [leaf, subCa, ca, root] = signer.chain
  const order = chain === 'neGD' ? [leaf, root, ca, subCa] : [leaf]
  const pairs = order.flatMap((der) => (der === undefined ? [] : [certificatePair(der)]))
  return `<KeyInfo><X509Data>${pairs.join('')}</X509Data></KeyInfo>`
}

function certificatePair(der: Buffer): string {
  const name = escapeText(new X509Certificate(der).subject.split('\n').reverse().join(','))
  return `<X509SubjectName>${name}</X509SubjectName><X509Certificate>${der.toString('base64')}</X509Certificate>`
}

function appendChild(wire: string, child: string): string {
  const name = /^<([^\s/>]+)/.exec(wire)?.[1]
  const end = `</${name}>`
  if (name === undefined || !wire.endsWith(end)) throw new Error('the root must be one element with a closing tag')
  return wire.slice(0, -end.length) + child + end
}
