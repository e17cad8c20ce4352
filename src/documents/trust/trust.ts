import { readFileSync } from 'node:fs'
import { AppError } from '../../errors.ts'
import { SignerJudge } from './accept-signer.ts'
import { type ParsedCertificate, readCertificate } from './certificate.ts'
import {
  type AuthorityRecord,
  type KeyPin,
  parseTrust,
  type SignerPin,
  type SubjectRule,
  type TrustData,
} from './data.ts'
import { EMPTY_FOLDER, readFolder, type TrustFolder } from './folder.ts'
import { RevocationLists } from './revocation.ts'
import type { AcceptedSigner, SignerQuestion } from './signer.ts'
import { SignerLines } from './signer-lines.ts'

export { type AuthorityRecord, parseTrust, type SignerPin, type TrustData } from './data.ts'

/** All of a store as plain data: it can be sent to a worker thread and makes the same store there. */
export interface TrustSnapshot {
  readonly parts: readonly TrustData[]
  readonly folder: TrustFolder
}

const DAY_SECONDS = 86_400
/** where no file says anything: a list's own `nextUpdate` bounds it */
const UNLIMITED_DAYS = 3660

/** Whom we believe, as data. Immutable: to change trust, read the files anew and swap the store. */
export class TrustStore {
  readonly anchors: readonly AuthorityRecord[]
  readonly intermediates: readonly AuthorityRecord[]
  /** of the operator's folder and files: they complete paths */
  readonly certificates: readonly ParsedCertificate[]
  readonly revocation: RevocationLists
  readonly #snapshot: TrustSnapshot
  readonly #lines: SignerLines
  readonly #judge: SignerJudge

  /**
   * Later data wins over earlier data for the same signer or authority, so an operator can end a shipped pin.
   * @param folder certificates that complete paths, and revocation lists
   */
  constructor(parts: readonly TrustData[], folder: TrustFolder = EMPTY_FOLDER) {
    this.#snapshot = Object.freeze({ parts, folder })
    this.#lines = new SignerLines(
      parts.flatMap(({ signers }) => signers),
      parts.flatMap(({ keys }) => keys),
      parts.flatMap(({ subjects }) => subjects),
    )
    this.anchors = lastOfEach(parts.flatMap(({ anchors }) => anchors))
    this.intermediates = lastOfEach(parts.flatMap(({ intermediates }) => intermediates))
    const maxAgeDays = parts.findLast(({ crlMaxAgeDays }) => crlMaxAgeDays !== undefined)?.crlMaxAgeDays
    this.revocation = new RevocationLists(folder.lists, (maxAgeDays ?? UNLIMITED_DAYS) * DAY_SECONDS)
    const authorities = [...this.anchors, ...this.intermediates]
    const carried = authorities.flatMap(({ der }) => der ?? [])
    const parsed = [...folder.certificates, ...carried].flatMap((der) => readCertificate(der) ?? [])
    const byFingerprint = new Map(parsed.map((certificate) => [certificate.fingerprint, certificate]))
    this.certificates = Object.freeze([...byFingerprint.values()])
    this.#judge = new SignerJudge({
      lines: this.#lines,
      anchors: new Map(this.anchors.map((record) => [record.fingerprint, record])),
      distrusted: new Set(authorities.filter(({ use }) => use === 'never').map(({ fingerprint }) => fingerprint)),
      certificates: this.certificates,
      revocation: this.revocation,
      isRevocationRequired: parts.findLast(({ revocation }) => revocation !== undefined)?.revocation === 'required',
    })
    Object.freeze(this)
  }

  get signers(): readonly SignerPin[] {
    return this.#lines.signers
  }

  get keys(): readonly KeyPin[] {
    return this.#lines.keys
  }

  get subjects(): readonly SubjectRule[] {
    return this.#lines.subjects
  }

  /** accepted answers kept at this moment; bounded */
  get cachedAnswers(): number {
    return this.#judge.cachedAnswers
  }

  /** Structured-clonable. `TrustStore.from` makes an equal store of it, in any thread. */
  get snapshot(): TrustSnapshot {
    return this.#snapshot
  }

  static from({ parts, folder }: TrustSnapshot): TrustStore {
    return new TrustStore(parts, folder)
  }

  /**
   * Says whose signature this would be, if it holds: the one certificate among many of a signer whom the rail believes.
   * Nothing is fetched, whatever addresses a certificate names.
   * @throws DocumentError by `signer.known`, `signer.one`, `signer.subject`, `signer.begun`, `signer.ended`,
   *   `signer.key`, `signer.usage`, `signer.policy`, `signer.revoked`, `chain.*`, `signature.time`
   * @see documents-and-signatures.md §3.5, §3.6; security.md XM-10 to XM-13; RFC 5280 §6
   */
  async acceptSigner(question: SignerQuestion): Promise<AcceptedSigner> {
    return this.#judge.accept(question)
  }

  /**
   * The pin of exactly this certificate, if the rail accepts it then. Says nothing of paths, keys and revocation:
   * `acceptSigner` is the whole judgement.
   * @param fingerprint SHA-256 of the certificate (DER), lower-case hex
   * @param at epoch seconds
   * @see documents-and-signatures.md §3.5, §3.6; security.md XM-12
   */
  findSigner(fingerprint: string, rail: string, at: number): SignerPin | undefined {
    const pin = this.#lines.findPin(fingerprint, rail)
    return pin && at <= (pin.notAcceptedAfter ?? pin.notAfter) ? pin : undefined
  }
}

const lastOfEach = (records: readonly AuthorityRecord[]): readonly AuthorityRecord[] =>
  Object.freeze([...new Map(records.map((record) => [record.fingerprint, Object.freeze(record)])).values()])

const SHIPPED = new URL('./signers.json', import.meta.url)

/**
 * The trust shipped with this version, with the operator's files laid over it in order.
 * @param files paths of JSON files `{ signers: [...], keys?, subjects?, anchors?, intermediates?, revocation?,
 *   crlMaxAgeDays? }`. A signer needs its fingerprint, name and `notAfter`; `rail` is `digilocker` if not said; an
 *   authority may be a PEM certificate; unknown members are ignored. So what the simulator's control port publishes can
 *   be used as it is
 * @param folder of certificates that complete paths, and of revocation lists
 * @param before an earlier store: its revocation lists are not parsed again where they stayed the same
 * @throws AppError CONFIG_INVALID naming the file and every member at fault
 */
export function readTrust(files: readonly string[] = [], folder?: string, before?: TrustStore): TrustStore {
  const parts = [SHIPPED, ...files].map(readFile)
  return new TrustStore(parts, folder === undefined ? EMPTY_FOLDER : readFolder(folder, before?.revocation.lists))
}

function readFile(file: string | URL): TrustData {
  return parseTrust(readJson(file), String(file))
}

function readJson(file: string | URL): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `trust file ${file}: cannot be read as JSON`, { cause })
  }
}
