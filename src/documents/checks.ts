import { DocumentError, type ErrorCode } from '../errors.ts'

/** What one check proves, and the code under which it refuses. */
interface Check {
  readonly code: ErrorCode
  /** completes the sentence "a document is refused unless …" */
  readonly unless: string
}

/**
 * Every check of an XML document, in the order in which they run: bytes, shape, algorithms, signer, signature,
 * agreement. Ids are stable: events, `dwar verify` and tests name them.
 * @see documents-and-signatures.md §2.4; security.md §5
 */
export const CHECKS = {
  'bytes.size': { code: 'DOC_TOO_LARGE', unless: 'it is no bigger than the profile allows' },
  'bytes.utf8': { code: 'DOC_ENCODING', unless: 'it is UTF-8 throughout, with at most one byte order mark' },
  'bytes.characters': { code: 'DOC_ENCODING', unless: 'it holds only characters that XML 1.0 allows' },
  'bytes.declaration': { code: 'DOC_ENCODING', unless: 'it declares XML 1.0 and UTF-8, or nothing' },
  'bytes.doctype': { code: 'DOC_DOCTYPE', unless: 'it has no DOCTYPE' },
  'bytes.instruction': { code: 'DOC_MALFORMED', unless: 'it has no processing instruction' },
  'bytes.well-formed': { code: 'DOC_MALFORMED', unless: 'it is well-formed XML with namespaces' },
  'bytes.subset': { code: 'DOC_MALFORMED', unless: 'it keeps to the small part of XML that such documents use' },
  'bytes.depth': { code: 'DOC_TOO_LARGE', unless: 'its elements are not nested too deep' },
  'bytes.elements': { code: 'DOC_TOO_LARGE', unless: 'it does not have too many elements' },
  'bytes.attributes': { code: 'DOC_TOO_LARGE', unless: 'no element has too many attributes' },
  'bytes.attribute-length': { code: 'DOC_TOO_LARGE', unless: 'no attribute is too long' },
  'bytes.namespaces': { code: 'DOC_TOO_LARGE', unless: 'it does not declare too many namespaces' },
  'bytes.text-length': { code: 'DOC_TOO_LARGE', unless: 'no text is too long' },
  'bytes.rewrites': { code: 'DOC_TOO_LARGE', unless: 'its canonical form differs from it in not too many places' },
  'shape.root': { code: 'DOC_MALFORMED', unless: 'its root element is one of the profile' },
  'shape.signed': { code: 'DOC_UNSIGNED', unless: 'it has a Signature' },
  'shape.one-signature': {
    code: 'DOC_SIGNATURE_SHAPE',
    unless: 'Signature and the parts that only one may have stand once',
  },
  'shape.namespace': { code: 'DOC_SIGNATURE_SHAPE', unless: 'the Signature is in the XMLDSig namespace' },
  'shape.place': { code: 'DOC_SIGNATURE_SHAPE', unless: 'the Signature is the last child of the root' },
  'shape.children': { code: 'DOC_SIGNATURE_SHAPE', unless: 'each part of the Signature has exactly its children' },
  'shape.attributes': { code: 'DOC_SIGNATURE_SHAPE', unless: 'each part of the Signature has exactly its attributes' },
  'shape.plain': { code: 'DOC_SIGNATURE_SHAPE', unless: 'no text, comment or CDATA hides in the Signature' },
  'shape.reference': { code: 'DOC_SIGNATURE_SHAPE', unless: 'the one Reference is to the whole document' },
  'shape.base64': { code: 'DOC_SIGNATURE_SHAPE', unless: 'values of the Signature are base64 of bounded length' },
  'shape.digest-length': { code: 'DOC_SIGNATURE_SHAPE', unless: 'the digest is as long as its algorithm makes it' },
  'shape.certificates': { code: 'DOC_SIGNATURE_SHAPE', unless: 'it carries no more certificates than a chain has' },
  'algorithm.transforms': { code: 'DOC_ALGORITHM', unless: 'its transforms are those of the profile' },
  'algorithm.canonicalization': { code: 'DOC_ALGORITHM', unless: 'its canonicalisation is one of the profile' },
  'algorithm.signature': { code: 'DOC_ALGORITHM', unless: 'its signature method is one of the profile' },
  'algorithm.digest': { code: 'DOC_ALGORITHM', unless: 'its digest method is one of the profile' },
  'algorithm.parameters': { code: 'DOC_ALGORITHM', unless: 'no algorithm has parameters' },
  'signature.time': { code: 'DOC_SIGNER_EXPIRED', unless: 'the time of signing that the content states is plausible' },
  'signer.known': { code: 'DOC_SIGNER_UNTRUSTED', unless: 'a certificate in KeyInfo is of a signer whom we trust' },
  'signer.one': { code: 'DOC_SIGNER_UNTRUSTED', unless: 'exactly one such signer is named' },
  'signer.begun': { code: 'DOC_SIGNER_EXPIRED', unless: 'the signer’s certificate had begun' },
  'signer.ended': { code: 'DOC_SIGNER_EXPIRED', unless: 'the signer’s certificate had not ended, tolerance included' },
  'signer.key': {
    code: 'DOC_SIGNER_UNTRUSTED',
    unless: 'the signer’s key is RSA of at least 2048 bits, and the pinned one',
  },
  'signer.usage': { code: 'DOC_SIGNER_UNTRUSTED', unless: 'the certificate is for signing and no authority' },
  'signer.policy': { code: 'DOC_SIGNER_UNTRUSTED', unless: 'the certificate has the document-signer policy' },
  'signer.subject': { code: 'DOC_SIGNER_UNTRUSTED', unless: 'the subject is exactly the one that trust names' },
  'chain.path': { code: 'DOC_CHAIN_INVALID', unless: 'a path leads to an anchor' },
  'chain.anchor': { code: 'DOC_CHAIN_INVALID', unless: 'the anchor is trusted at that time' },
  'chain.time': { code: 'DOC_CHAIN_INVALID', unless: 'every authority of the path is within its validity' },
  'chain.authority': { code: 'DOC_CHAIN_INVALID', unless: 'every issuer is an authority that may sign certificates' },
  'chain.length': { code: 'DOC_CHAIN_INVALID', unless: 'the path is no longer than its authorities allow' },
  'chain.signature': {
    code: 'DOC_CHAIN_INVALID',
    unless: 'every certificate is signed by the next, not with SHA-1 or MD5',
  },
  'chain.key': { code: 'DOC_CHAIN_INVALID', unless: 'every key of the path is RSA of at least 2048 bits' },
  'chain.critical': { code: 'DOC_CHAIN_INVALID', unless: 'every critical extension is understood' },
  'chain.names': { code: 'DOC_CHAIN_INVALID', unless: 'name constraints are kept' },
  'chain.crl': {
    code: 'DOC_SIGNER_REVOKED',
    unless: 'the revocation list that policy demands is there, fresh and genuine',
  },
  'signer.revoked': { code: 'DOC_SIGNER_REVOKED', unless: 'no certificate of the path is revoked' },
  'signature.value': { code: 'DOC_SIGNATURE_INVALID', unless: 'SignedInfo was signed with the signer’s key' },
  'signature.digest': { code: 'DOC_DIGEST_MISMATCH', unless: 'the content is what was signed' },
  'agreement.verdict': { code: 'DOC_VERIFIERS_DISAGREE', unless: 'two independent verifiers give the same verdict' },
  'agreement.canonical': { code: 'DOC_VERIFIERS_DISAGREE', unless: 'both digested the same bytes' },
  'agreement.values': { code: 'DOC_VERIFIERS_DISAGREE', unless: 'two independent readers see the same content' },
  'limit.time': { code: 'DOC_VERIFIER_LIMIT', unless: 'it is verified within its time' },
  'limit.memory': { code: 'DOC_VERIFIER_LIMIT', unless: 'it is verified within its memory' },
} as const satisfies Record<string, Check>

export type CheckId = keyof typeof CHECKS

/**
 * A refusal by a named check.
 * @param message for logs: names the rule, quotes nothing of the document
 */
export function refusal(check: CheckId, message: string = CHECKS[check].unless, cause?: unknown): DocumentError {
  return new DocumentError(CHECKS[check].code, message, { check, ...(cause === undefined ? {} : { cause }) })
}
