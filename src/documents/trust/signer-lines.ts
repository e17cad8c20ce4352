import { refusal } from '../checks.ts'
import { type ParsedCertificate, readCertificate } from './certificate.ts'
import type { KeyPin, SignerPin, SubjectRule } from './data.ts'

/** The line of trust data that names a signer. */
export type SignerLine =
  | ({ readonly by: 'certificate' } & SignerPin)
  | ({ readonly by: 'key' } & KeyPin)
  | ({ readonly by: 'subject' } & SubjectRule)

/** A certificate as it came, and its fingerprint (SHA-256 of the DER, lower-case hex). */
export interface Candidate {
  readonly der: Uint8Array
  readonly fingerprint: string
}

export interface NamedSigner {
  readonly line: SignerLine
  readonly certificate: ParsedCertificate
}

/** Whom trust names, found by certificate, by key, or by subject. Later lines win over earlier ones for the same signer. */
export class SignerLines {
  readonly signers: readonly SignerPin[]
  readonly keys: readonly KeyPin[]
  readonly subjects: readonly SubjectRule[]
  readonly #byFingerprint: ReadonlyMap<string, SignerPin>
  readonly #bySpki: ReadonlyMap<string, KeyPin>
  readonly #subjectsOf: ReadonlyMap<string, readonly SubjectRule[]>
  readonly #railsThatRead: ReadonlySet<string>

  constructor(signers: readonly SignerPin[], keys: readonly KeyPin[], subjects: readonly SubjectRule[]) {
    this.#byFingerprint = new Map(signers.map((pin) => [`${pin.rail} ${pin.fingerprint}`, Object.freeze(pin)]))
    this.#bySpki = new Map(keys.map((pin) => [`${pin.rail} ${pin.spki}`, Object.freeze(pin)]))
    this.signers = [...this.#byFingerprint.values()]
    this.keys = [...this.#bySpki.values()]
    this.subjects = [...new Map(subjects.map((rule) => [rule.id, Object.freeze(rule)])).values()]
    const inForce = this.subjects.filter(({ use }) => use === 'always')
    this.#subjectsOf = Map.groupBy(inForce, (rule) => rule.rail)
    this.#railsThatRead = new Set([...this.keys, ...inForce].map((line) => line.rail))
  }

  findPin(fingerprint: string, rail: string): SignerPin | undefined {
    return this.#byFingerprint.get(`${rail} ${fingerprint}`)
  }

  /**
   * The one signer among the candidates. Where a rail knows certificates only, no other candidate is even parsed.
   * @throws DocumentError by `signer.known`, `signer.one`, `signer.subject`
   */
  getOne(candidates: readonly Candidate[], rail: string): NamedSigner {
    const found = candidates.flatMap((candidate) => this.#find(candidate, rail) ?? [])
    const [only, ...more] = found
    if (more.length > 0) throw refusal('signer.one')
    if (only) return only
    throw this.#isNearMiss(candidates, rail) ? refusal('signer.subject') : refusal('signer.known')
  }

  #find({ der, fingerprint }: Candidate, rail: string): NamedSigner | undefined {
    const pin = this.findPin(fingerprint, rail)
    if (!pin && !this.#railsThatRead.has(rail)) return undefined
    const certificate = readCertificate(der)
    const line = pin ? ({ by: 'certificate', ...pin } as const) : certificate && this.#findLine(certificate, rail)
    return certificate && line && { line, certificate }
  }

  #findLine(certificate: ParsedCertificate, rail: string): SignerLine | undefined {
    const key = this.#bySpki.get(`${rail} ${certificate.spki}`)
    if (key) return { by: 'key', ...key }
    const rule = this.#subjectsOf.get(rail)?.find((candidate) => fits(candidate, certificate))
    return rule && { by: 'subject', ...rule }
  }

  /** Half a match is worth its own reason: a look-alike, a new number in the common name, another issuer. */
  #isNearMiss(candidates: readonly Candidate[], rail: string): boolean {
    const rules = this.#subjectsOf.get(rail) ?? []
    if (rules.length === 0) return false
    const subjects = candidates.flatMap(({ der }) => readCertificate(der)?.subject ?? [])
    return subjects.some(({ organizations, commonNames }) =>
      rules.some(
        (rule) =>
          organizations.includes(rule.organization) || commonNames.some((name) => rule.commonNames.includes(name)),
      ),
    )
  }
}

/** To the letter, and each part once: a subject with two organizations is a question, not an answer. */
function fits(rule: SubjectRule, { subject, issuer }: ParsedCertificate): boolean {
  const [organization, ...moreOrganizations] = subject.organizations
  const [commonName, ...moreNames] = subject.commonNames
  if (moreOrganizations.length > 0 || moreNames.length > 0 || commonName === undefined) return false
  const isIssuedRight =
    rule.issuer === undefined || (issuer.commonNames.length === 1 && issuer.commonNames[0] === rule.issuer)
  return organization === rule.organization && rule.commonNames.includes(commonName) && isIssuedRight
}
