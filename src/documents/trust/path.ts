import type { CheckId } from '../checks.ts'
import type { ParsedCertificate } from './certificate.ts'
import { MAX_PATH, PATH_RULES, type Path, type PathContext } from './path-rules.ts'

/** A path that every rule allows, or the check under which the best one fails. */
export type PathResult = { readonly path: Path } | { readonly failed: CheckId }

/** Certificates looked at in one search. An honest one takes four; a hostile KeyInfo could make millions. */
const MAX_STEPS = 200

/**
 * Looks for a path from a signer to an anchor. Order counts for nothing: an issuer is found by its name and key
 * identifier and proven by the signature. Paths are tried until one keeps all rules; if none does, the one that came
 * furthest tells why, so that a forged certificate beside the genuine ones cannot choose the reason.
 * @param pool certificates that may complete, from wherever
 * @see RFC 5280 §6.1; security.md XM-10, XM-11
 */
export function findPath(
  signer: ParsedCertificate,
  pool: readonly ParsedCertificate[],
  context: PathContext,
): PathResult {
  const search = new Search(pool, context)
  for (const path of search.from([signer])) {
    const failed = PATH_RULES.findIndex(({ holds }) => !holds(path, context))
    if (failed === -1) return { path }
    search.furthest = Math.max(search.furthest, failed)
  }
  return { failed: PATH_RULES[search.furthest]?.check ?? (search.sawForgery ? 'chain.signature' : 'chain.path') }
}

/** The certificates in the pool whose key signed this one. */
export function issuersOf(certificate: ParsedCertificate, pool: readonly ParsedCertificate[]): ParsedCertificate[] {
  return pool.filter((issuer) => isNamedIssuer(certificate, issuer) && isSignedBy(certificate, issuer))
}

class Search {
  furthest = -1
  /** somebody has the issuer's name and did not sign */
  sawForgery = false
  #steps = 0
  readonly #pool: readonly ParsedCertificate[]
  readonly #anchors: PathContext['anchors']

  constructor(pool: readonly ParsedCertificate[], { anchors }: PathContext) {
    this.#pool = pool
    this.#anchors = anchors
  }

  /** One longer than allowed is found and judged, so that its refusal can say so. */
  *from(path: Path): Generator<Path> {
    const last = path.at(-1)
    if (!last || path.length > MAX_PATH) return
    for (const issuer of this.#pool) {
      if (path.includes(issuer) || !isNamedIssuer(last, issuer)) continue
      this.#steps += 1
      if (this.#steps > MAX_STEPS) return
      if (!isSignedBy(last, issuer)) {
        this.sawForgery = true
        continue
      }
      const longer: Path = [...path, issuer]
      if (this.#anchors.has(issuer.fingerprint)) yield longer
      else yield* this.from(longer)
    }
  }
}

/** Names must chain; key identifiers, where both say one, must agree (RFC 5280 §4.2.1.1). */
function isNamedIssuer(certificate: ParsedCertificate, issuer: ParsedCertificate): boolean {
  if (certificate.issuer.comparable !== issuer.subject.comparable) return false
  const { authorityKeyId } = certificate
  return authorityKeyId === undefined || issuer.subjectKeyId === undefined || authorityKeyId === issuer.subjectKeyId
}

function isSignedBy(certificate: ParsedCertificate, issuer: ParsedCertificate): boolean {
  try {
    return certificate.x509.verify(issuer.x509.publicKey)
  } catch {
    // A key that cannot verify such a signature did not make it.
    return false
  }
}
