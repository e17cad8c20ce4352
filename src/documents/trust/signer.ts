import type { KeyObject } from 'node:crypto'

/** Which clock judges a signer's certificate (documents-and-signatures.md §3.6). */
export type TimePolicy =
  /** the moment at which we fetched the document over TLS: the signature carries no time */
  | 'fetch'
  /** the time of signing that the signed content states; a pinned signer may have ended before it, within its pin */
  | 'signed'

/** A question to trust: which of these certificates, if any, belongs to a signer whom this rail believes? */
export interface SignerQuestion {
  /** DER as found in the document, in any order: candidates only, anybody can put any certificate there */
  readonly certificates: readonly Uint8Array[]
  readonly rail: string
  readonly timePolicy: TimePolicy
  /** epoch seconds */
  readonly fetchedAt: number
  /** epoch seconds; needed where the policy is `signed` */
  readonly signedAt?: number | undefined
}

/** One certificate of a path, as evidence. */
export interface ChainLink {
  /** SHA-256 of the certificate (DER), lower-case hex */
  readonly fingerprint: string
  /** common name, or the whole subject where it has none */
  readonly name: string
  /** epoch seconds */
  readonly notAfter: number
}

/** A signer that trust accepts, with all that is worth writing down about why. */
export interface AcceptedSigner {
  readonly key: KeyObject
  /** SHA-256 of the certificate (DER), lower-case hex */
  readonly fingerprint: string
  readonly name: string
  /** `pin`: this very certificate or key is named; `path`: its subject is named and a valid path leads to an anchor */
  readonly basis: 'pin' | 'path'
  /** from the signer up to the anchor; the signer alone where no path could be built */
  readonly chain: readonly ChainLink[]
  readonly timeBasis: TimePolicy
  /** epoch seconds: the moment at which validity was judged */
  readonly judgedAt: number
  /** the certificate had ended by then and the pin tolerated it */
  readonly expired: boolean
  /** `good`: a fresh list of every issuer on the path says nothing against it; `unchecked`: no list was at hand */
  readonly revocation: 'good' | 'unchecked'
}
