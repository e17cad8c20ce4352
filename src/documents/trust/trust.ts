import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { AppError } from '../../errors.ts'

/** A signer whose very certificate is accepted for a rail. Times are epoch seconds. */
export interface SignerPin {
  /** SHA-256 of the certificate (DER), lower-case hex */
  readonly fingerprint: string
  /** SHA-256 of its SubjectPublicKeyInfo (DER), lower-case hex */
  readonly spki?: string | undefined
  readonly name: string
  readonly rail: string
  readonly notAfter: number
  /** last moment at which the pin counts, past the certificate's own end or before it; without it `notAfter` is the last */
  readonly notAcceptedAfter?: number | undefined
  /** why this line is here */
  readonly reason: string
}

/** A certificate above signers, recorded for chain building. It never makes a signer acceptable. */
export interface AuthorityRecord {
  readonly fingerprint: string
  readonly spki?: string | undefined
  readonly name: string
  readonly notAfter?: number | undefined
  /** anchors only: `historic` needs proof of an earlier time, `never` is named so that nobody adds it */
  readonly use?: 'anchor' | 'historic' | 'never' | undefined
  readonly reason?: string | undefined
}

const sha256Hex = z
  .string()
  .transform((text) => text.replaceAll(':', '').toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex'))
const instant = z.iso.datetime({ offset: true }).transform((text) => Math.floor(Date.parse(text) / 1000))
const signer = z.object({
  fingerprint: sha256Hex,
  spki: sha256Hex.optional(),
  name: z.string().min(1),
  rail: z.string().min(1).default('digilocker'),
  notAfter: instant,
  notAcceptedAfter: instant.optional(),
  reason: z.string().min(1).default('given without a reason'),
})
const authorityRecord = z.object({
  fingerprint: sha256Hex,
  spki: sha256Hex.optional(),
  name: z.string().min(1),
  notAfter: instant.optional(),
  use: z.enum(['anchor', 'historic', 'never']).optional(),
  reason: z.string().optional(),
})
const pem = z.string().transform((text, context): AuthorityRecord => {
  try {
    return toRecord(new X509Certificate(text))
  } catch {
    // The parser's message says no more than this one.
    context.addIssue({ code: 'custom', message: 'not a certificate in PEM' })
    return z.NEVER
  }
})
/** A record of ours, or the certificate itself, as the simulator publishes it. */
const authority = z.union([pem, authorityRecord])
const trustData = z.object({
  signers: z.array(signer),
  anchors: z.array(authority).default([]),
  intermediates: z.array(authority).default([]),
})

export type TrustData = z.output<typeof trustData>

/** Whom we believe, as data. Immutable: to change trust, read the files anew and swap the store. */
export class TrustStore {
  readonly #signers: ReadonlyMap<string, SignerPin>
  readonly anchors: readonly AuthorityRecord[]
  readonly intermediates: readonly AuthorityRecord[]

  /** Later data wins over earlier data for the same certificate, so an operator can end a shipped pin. */
  constructor(parts: readonly TrustData[]) {
    const all = parts.flatMap(({ signers }) => signers)
    this.#signers = new Map(all.map((pin) => [pin.fingerprint, Object.freeze(pin)]))
    this.anchors = lastOfEach(parts.flatMap(({ anchors }) => anchors))
    this.intermediates = lastOfEach(parts.flatMap(({ intermediates }) => intermediates))
    Object.freeze(this)
  }

  get signers(): readonly SignerPin[] {
    return [...this.#signers.values()]
  }

  /**
   * The pin of exactly this certificate, if the rail accepts it then. Names, chains and keys alone never match: anybody
   * can buy a certificate under the same root, and UIDAI has used one name for two keys.
   * @param fingerprint SHA-256 of the certificate (DER), lower-case hex
   * @param at epoch seconds
   * @see documents-and-signatures.md §3.5, §3.6; security.md XM-12
   */
  findSigner(fingerprint: string, rail: string, at: number): SignerPin | undefined {
    const pin = this.#signers.get(fingerprint)
    if (!pin || pin.rail !== rail) return undefined
    return at <= (pin.notAcceptedAfter ?? pin.notAfter) ? pin : undefined
  }
}

function toRecord(certificate: X509Certificate): AuthorityRecord {
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
  return {
    fingerprint: sha256(certificate.raw),
    spki: sha256(certificate.publicKey.export({ type: 'spki', format: 'der' })),
    name: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject,
    notAfter: Math.floor(certificate.validToDate.getTime() / 1000),
  }
}

const lastOfEach = (records: readonly AuthorityRecord[]): readonly AuthorityRecord[] =>
  Object.freeze([...new Map(records.map((record) => [record.fingerprint, Object.freeze(record)])).values()])

const SHIPPED = new URL('./signers.json', import.meta.url)

/**
 * The pins shipped with this version, with the operator's files laid over them in order.
 * @param files paths of JSON files `{ signers: [...], anchors?: [...], intermediates?: [...] }`. A signer needs its
 *   fingerprint, name and `notAfter`; `rail` is `digilocker` if not said; an authority may be a PEM certificate; unknown
 *   members are ignored. So what the simulator's control port publishes can be used as it is
 * @throws AppError CONFIG_INVALID naming the file and every member at fault
 */
export function readTrust(files: readonly string[] = []): TrustStore {
  return new TrustStore([SHIPPED, ...files].map(readFile))
}

/**
 * Checks trust data that came from anywhere (a file, the simulator's control port).
 * @param source named in the error, so that the operator knows where to look
 * @throws AppError CONFIG_INVALID
 */
export function parseTrust(data: unknown, source: string): TrustData {
  const parsed = trustData.safeParse(data)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new AppError('CONFIG_INVALID', `trust file ${source}: ${faults.join('; ')}`)
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
