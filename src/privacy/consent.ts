/** One thing a person was asked to share, and what she chose. Names only; values stand sealed beside it. */
export interface ConsentItem {
  /** the claim's name, or `verified_claims.<name>` */
  readonly claim: string
  readonly required: boolean
  readonly shared: boolean
  /** doctype the value came from, or `account` for what DigiLocker asserted without a signed document */
  readonly source: string
}

/** How a document was verified, kept to defend the check later without the document (documents-and-signatures.md §6). */
export interface DocumentEvidence {
  readonly rail: string
  readonly doctype: string
  readonly documentIssuer: string
  readonly profile: string
  /** SHA-256 of the signer's certificate, lower-case hex */
  readonly signerFingerprint: string
  readonly signerName: string
  readonly weakAlgorithm?: string | undefined
  readonly timeBasis: 'fetch' | 'signed'
  /** epoch seconds */
  readonly verifiedAt: number
  /** the rest of the verification record, so that the check can be defended years later without the document */
  readonly verification: Readonly<Record<string, unknown>>
  /** HMACs under a key of ours, hex: of the document's URI and of its bytes */
  readonly uriHmac: string
  readonly bytesHmac: string
}

export interface Consent {
  /** UUIDv7 text */
  readonly id: string
  readonly accountId: string
  readonly clientId: string
  readonly grantId: string
  readonly rail: string
  readonly purpose: string
  /** notice version, and the language it was shown in */
  readonly notice: string
  readonly locale: string
  readonly items: readonly ConsentItem[]
  readonly evidence: readonly DocumentEvidence[]
  /** SHA-256 hex of the normalised request that was agreed to */
  readonly requestDigest: string
  /** epoch seconds */
  readonly givenAt: number
  readonly retainUntil: number
}

/** A consent with its claim values, still sealed under the account's key. Values are gone after `retainUntil`. */
export interface ConsentWithValues extends Consent {
  readonly sealedValues: Uint8Array | undefined
}

/** What every answer under a grant needs of its consent. */
export type GrantedConsent = Pick<
  ConsentWithValues,
  'id' | 'accountId' | 'items' | 'evidence' | 'requestDigest' | 'givenAt' | 'sealedValues'
>

export interface ConsentStore {
  findByGrant(grantId: string): Promise<GrantedConsent | undefined>
  /** The newest consent of this person at this client whose grant lives and whose values are still there, if any. */
  findLive(accountId: string, clientId: string, now: number): Promise<ConsentWithValues | undefined>
  /** Deletes up to `limit` sealed values past `now` (epoch seconds) with an event each; returns how many. */
  deleteExpiredValues(now: number, limit: number): Promise<number>
}
