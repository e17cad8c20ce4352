import { hash, type KeyObject, verify } from 'node:crypto'
import { refusal } from '../checks.ts'
import type { Profile } from '../profiles.ts'
import { readSignature, type SignatureShape } from '../xmldsig/shape.ts'
import { openBytes } from './bytes.ts'
import { readCanonical } from './canonical-reader.ts'
import { type Place, type Scan, scanDocument } from './scanner.ts'
import { canonicalSignedInfo } from './signed-info.ts'

const HASHES = { 'rsa-sha1': 'sha1', 'rsa-sha256': 'sha256' } as const
const latin1 = new TextDecoder('latin1')

/** A document read strictly: its shape is that of the profile, its signature is not checked yet. */
export interface StrictReading {
  /** canonical bytes of the content: what the digest must be over */
  readonly content: Uint8Array
  /** canonical bytes of SignedInfo: what the signature must be over */
  readonly signedInfo: Uint8Array
  readonly shape: SignatureShape
  readonly elements: number
}

/**
 * Everything that needs no key: bytes, one strict pass that writes the canonical form, shape, algorithms.
 * @throws DocumentError bytes.*, shape.*, algorithm.*
 */
export function readStrictly(bytes: Uint8Array, profile: Profile): StrictReading {
  const { limits } = profile
  const opened = openBytes(bytes, limits)
  const scan = scanDocument(opened, limits, 'inclusive')
  checkRoot(scan, profile)
  const { signature } = scan
  if (!signature) throw refusal('shape.signed')
  const shape = readSignature(readCanonical(signature, scan.signatureScope), profile)
  // The two kinds of C14N differ in namespace declarations only; which one is meant is known only now.
  const again = shape.contentCanonicalization === 'exclusive' && scan.contentHasNamespaces
  return {
    content: again ? scanDocument(opened, limits, 'exclusive').content : scan.content,
    // There is one: `readSignature` refuses a signature without, and the scan a second one anywhere.
    signedInfo: canonicalSignedInfo(opened, scan, scan.signedInfo as Place, limits, shape.canonicalization),
    shape,
    elements: scan.elements,
  }
}

/**
 * Checks the signature over SignedInfo and the digest that it names.
 * @param key of a signer who is trusted already
 * @throws DocumentError signature.value, signature.digest
 * @see XMLDSig 1.1 §3.2
 */
export function checkStrictly({ content, signedInfo, shape }: StrictReading, key: KeyObject): void {
  if (!verify(HASHES[shape.signatureMethod], signedInfo, key, shape.signatureValue)) throw refusal('signature.value')
  if (!hash(shape.digestMethod, content, 'buffer').equals(shape.digestValue)) throw refusal('signature.digest')
}

/** The root's name has no prefix, and nothing declares a default namespace for it. */
function checkRoot({ content }: Scan, { roots }: Profile): void {
  const start = latin1.decode(content.subarray(1, 64))
  const name = /^[^ >]*/.exec(start)?.[0] ?? ''
  if (!roots.includes(name) || start.slice(name.length).startsWith(' xmlns=')) throw refusal('shape.root')
}
