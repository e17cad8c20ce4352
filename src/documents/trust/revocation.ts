import { KEY_USAGE, type ParsedCertificate } from './certificate.ts'
import { isSignedWith, type ParsedCrl } from './crl.ts'
import { issuersOf } from './path.ts'
import { hasUsage } from './path-rules.ts'

export type RevocationStatus = 'good' | 'revoked' | 'unknown'

/**
 * What the operator's revocation lists say. A list counts when the key that signed the certificate signed it too.
 * Fresh and whole, it can say good; stale or partial, it can still say revoked, for nothing makes a revoked certificate
 * good again. The date of the revocation is not asked: the time of signing that a document states is signed with the
 * very key that is in doubt.
 * @see RFC 5280 §5, §6.3; security.md XM-13
 */
export class RevocationLists {
  readonly lists: readonly ParsedCrl[]
  readonly #maxAgeSeconds: number
  /** a signature holds under one key only, so one entry for each list is enough */
  readonly #keyOf = new WeakMap<ParsedCrl, string>()

  constructor(lists: readonly ParsedCrl[], maxAgeSeconds: number) {
    this.lists = lists
    this.#maxAgeSeconds = maxAgeSeconds
  }

  /** @param at epoch seconds: now, not when the document was signed */
  statusOf(certificate: ParsedCertificate, issuer: ParsedCertificate, at: number): RevocationStatus {
    const lists = this.lists.filter((list) => this.#isOf(list, issuer))
    if (lists.some(({ revoked }) => revoked.has(certificate.serial))) return 'revoked'
    return lists.some((list) => list.isWhole && this.isFresh(list, at)) ? 'good' : 'unknown'
  }

  /**
   * True when a list names the signer or an authority above it. For a pinned signer without a path: its issuers are found
   * by what they signed, wherever they lead.
   */
  hasRevokedAbove(signer: ParsedCertificate, pool: readonly ParsedCertificate[], at: number): boolean {
    const seen = new Set<ParsedCertificate>()
    const hasRevoked = (certificate: ParsedCertificate): boolean => {
      if (this.lists.length === 0 || seen.has(certificate)) return false
      seen.add(certificate)
      const issuers = issuersOf(certificate, pool)
      return issuers.some((issuer) => this.statusOf(certificate, issuer, at) === 'revoked' || hasRevoked(issuer))
    }
    return hasRevoked(signer)
  }

  isFresh(list: ParsedCrl, at: number): boolean {
    return list.thisUpdate <= at && at <= this.endOf(list)
  }

  /** Last second at which the list is fresh: its own word, or the operator's limit if that is sooner. */
  endOf({ thisUpdate, nextUpdate }: ParsedCrl): number {
    return Math.min(nextUpdate ?? thisUpdate, thisUpdate + this.#maxAgeSeconds)
  }

  #isOf(list: ParsedCrl, issuer: ParsedCertificate): boolean {
    if (list.issuer.comparable !== issuer.subject.comparable || !hasUsage(issuer, KEY_USAGE.crlSign)) return false
    const known = this.#keyOf.get(list)
    if (known !== undefined) return known === issuer.spki
    const holds = isSignedWith(list, issuer.x509.publicKey)
    if (holds) this.#keyOf.set(list, issuer.spki)
    return holds
  }
}
