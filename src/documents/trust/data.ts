import { z } from 'zod'
import { AppError } from '../../errors.ts'
import { readCertificate } from './certificate.ts'
import { decodePem } from './encoding.ts'

/** A signer whose very certificate is accepted for a rail. Times are epoch seconds. */
export interface SignerPin {
  /** SHA-256 of the certificate (DER), lower-case hex */
  readonly fingerprint: string
  /** SHA-256 of its SubjectPublicKeyInfo (DER), lower-case hex */
  readonly spki?: string | undefined
  readonly name: string
  /** of the certificate, hex, for people who look for it */
  readonly serial?: string | undefined
  readonly rail: string
  readonly notBefore?: number | undefined
  readonly notAfter: number
  /** last moment at which the pin counts, past the certificate's own end or before it; without it `notAfter` is the last */
  readonly notAcceptedAfter?: number | undefined
  /** `required`: the certificate must also have a valid path to an anchor, and the policy of a document signer */
  readonly path?: 'required' | undefined
  /** why this line is here */
  readonly reason: string
}

/**
 * A signer known by its key, so that a renewed certificate needs no new line. Such a certificate always needs a valid
 * path: its dates are worth nothing while nobody vouches for them, since anybody can write a known key into a new one.
 */
export interface KeyPin {
  /** SHA-256 of the SubjectPublicKeyInfo (DER), lower-case hex */
  readonly spki: string
  readonly name: string
  readonly rail: string
  readonly notAcceptedAfter?: number | undefined
  readonly reason: string
}

/** A signer known by its exact subject, under a valid path to an anchor. */
export interface SubjectRule {
  /** a later file replaces the rule of the same id */
  readonly id: string
  readonly rail: string
  /** the one organization (O) of the subject, to the letter */
  readonly organization: string
  /** the one common name (CN) of the subject is one of these, to the letter */
  readonly commonNames: readonly string[]
  /** common name of the authority that issued it, to the letter */
  readonly issuer?: string | undefined
  /** `never`: written down, not in force */
  readonly use: 'always' | 'never'
  readonly notAcceptedAfter?: number | undefined
  readonly reason: string
}

/** A certificate above signers. It never makes a signer acceptable by itself. */
export interface AuthorityRecord {
  readonly fingerprint: string
  readonly spki?: string | undefined
  readonly name: string
  readonly notAfter?: number | undefined
  /** `historic` counts up to its end only; `never` is named so that nobody adds it, and breaks every path through it */
  readonly use?: 'anchor' | 'historic' | 'never' | undefined
  readonly reason?: string | undefined
  /** DER, where the file carries the certificate itself */
  readonly der?: Uint8Array | undefined
}

const sha256Hex = z
  .string()
  .transform((text) => text.replaceAll(':', '').toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex'))
const instant = z.iso.datetime({ offset: true }).transform((text) => Math.floor(Date.parse(text) / 1000))
const text = z.string().min(1)
const rail = text.default('digilocker')
const reason = text.default('given without a reason')

const signer = z.object({
  fingerprint: sha256Hex,
  spki: sha256Hex.optional(),
  name: text,
  serial: z.string().optional(),
  rail,
  notBefore: instant.optional(),
  notAfter: instant,
  notAcceptedAfter: instant.optional(),
  path: z.literal('required').optional(),
  reason,
})
const key = z.object({ spki: sha256Hex, name: text, rail, notAcceptedAfter: instant.optional(), reason })
const subject = z.object({
  id: text,
  rail,
  organization: text,
  commonNames: z.array(text).min(1),
  issuer: text.optional(),
  use: z.enum(['always', 'never']).default('always'),
  notAcceptedAfter: instant.optional(),
  reason,
})
const pem = z.string().transform((armoured, context): AuthorityRecord => {
  const [der, ...more] = decodePem(armoured, 'CERTIFICATE')
  const certificate = der && more.length === 0 ? readCertificate(der) : undefined
  if (certificate) {
    const { fingerprint, spki, subject, notAfter } = certificate
    return { fingerprint, spki, name: subject.text, notAfter, der: certificate.der }
  }
  context.addIssue({ code: 'custom', message: 'not a certificate in PEM' })
  return z.NEVER
})
const authorityRecord = z
  .object({
    fingerprint: sha256Hex,
    spki: sha256Hex.optional(),
    name: text,
    notAfter: instant.optional(),
    use: z.enum(['anchor', 'historic', 'never']).optional(),
    reason: z.string().optional(),
    certificatePem: pem.optional(),
  })
  .transform(({ certificatePem, ...record }, context): AuthorityRecord => {
    if (certificatePem === undefined) return record
    if (certificatePem.fingerprint !== record.fingerprint) {
      context.addIssue({ code: 'custom', message: 'the fingerprint is of another certificate', path: ['fingerprint'] })
    }
    return { ...record, der: certificatePem.der }
  })
/** A record of ours, or the certificate itself, as the simulator publishes it. */
const authority = z.union([pem, authorityRecord])
const trustData = z.object({
  signers: z.array(signer),
  keys: z.array(key).default([]),
  subjects: z.array(subject).default([]),
  anchors: z.array(authority).default([]),
  intermediates: z.array(authority).default([]),
  revocation: z.enum(['if-present', 'required']).optional(),
  crlMaxAgeDays: z.number().positive().max(3660).optional(),
})

export type TrustData = z.output<typeof trustData>

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
