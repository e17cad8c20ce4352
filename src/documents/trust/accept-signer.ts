import { hash } from 'node:crypto'
import { refusal } from '../checks.ts'
import { AnswerCache, periodAround } from './answer-cache.ts'
import { type ParsedCertificate, readCertificate } from './certificate.ts'
import type { AuthorityRecord } from './data.ts'
import { findPath, type PathResult } from './path.ts'
import type { Path } from './path-rules.ts'
import type { RevocationLists } from './revocation.ts'
import type { AcceptedSigner, ChainLink, SignerQuestion } from './signer.ts'
import { checkSigner, checkValidity, lastMomentOf, needsPath, toJudgedAt } from './signer-checks.ts'
import type { Candidate, NamedSigner, SignerLines } from './signer-lines.ts'

/** All that a judgement rests on. Immutable. */
export interface TrustBasis {
  readonly lines: SignerLines
  readonly anchors: ReadonlyMap<string, AuthorityRecord>
  readonly distrusted: ReadonlySet<string>
  /** certificates that the operator gave: they complete paths */
  readonly certificates: readonly ParsedCertificate[]
  readonly revocation: RevocationLists
  readonly isRevocationRequired: boolean
}

/** Answers that differ in nothing but their moment are one answer. */
type Answer = Omit<AcceptedSigner, 'judgedAt'>

/** Far more signers than there are, far fewer than would weigh. */
const CACHED_ANSWERS = 256

/** Judges signers under one basis, and remembers whom it accepted for as long as nothing about that can change. */
export class SignerJudge {
  readonly #basis: TrustBasis
  readonly #answers = new AnswerCache<Answer>(CACHED_ANSWERS)
  readonly #edges: readonly number[]

  constructor(basis: TrustBasis) {
    this.#basis = basis
    this.#edges = edgesOf(basis)
  }

  get cachedAnswers(): number {
    return this.#answers.size
  }

  /** @throws DocumentError by the checks `signer.*`, `chain.*`, `signature.time` */
  accept(question: SignerQuestion): AcceptedSigner {
    const judgedAt = toJudgedAt(question)
    const fingerprints = question.certificates.map((der) => hash('sha256', der, 'hex'))
    // The whole set is the key: what stands beside a signer may name a second one, or complete a path.
    const key = `${question.rail} ${question.timePolicy} ${fingerprints.join(' ')}`
    const known = this.#answers.find(key, judgedAt, question.fetchedAt)
    const answer = known ?? this.#judge(question, toCandidates(question.certificates, fingerprints), judgedAt, key)
    return Object.freeze({ ...answer, judgedAt })
  }

  #judge(question: SignerQuestion, candidates: readonly Candidate[], judgedAt: number, key: string): Answer {
    const signer = this.#basis.lines.getOne(candidates, question.rail)
    checkSigner(signer)
    const expired = checkValidity(signer, judgedAt, question.fetchedAt)
    const pool = this.#poolOf(candidates)
    const path = this.#pathOf(signer, pool, judgedAt)
    // How fresh a list is, like how long a pin counts, is a matter of today, not of the day of signing.
    const revocation = this.#checkRevocation(signer.certificate, path, pool, question.fetchedAt)
    const { certificate, line } = signer
    const answer: Answer = {
      key: certificate.x509.publicKey,
      fingerprint: certificate.fingerprint,
      name: line.by === 'subject' ? certificate.subject.text : line.name,
      basis: line.by === 'subject' ? 'path' : 'pin',
      chain: Object.freeze((path ?? [certificate]).map(toLink)),
      timeBasis: question.timePolicy,
      expired,
      revocation,
    }
    const edges = [...this.#edges, ...pool.flatMap(edgesOfCertificate), lastMomentOf(signer) + 1]
    this.#answers.set(key, answer, periodAround(judgedAt, edges), periodAround(question.fetchedAt, edges))
    return answer
  }

  /** Where no path is asked for, one is still looked for: it is evidence, and its authorities may be revoked. */
  #pathOf(signer: NamedSigner, pool: readonly ParsedCertificate[], judgedAt: number): Path | undefined {
    const { anchors, distrusted } = this.#basis
    const result: PathResult = findPath(signer.certificate, pool, { at: judgedAt, anchors, distrusted })
    if ('path' in result) return result.path
    if (needsPath(signer.line)) throw refusal(result.failed)
    return undefined
  }

  #checkRevocation(
    signer: ParsedCertificate,
    path: Path | undefined,
    pool: readonly ParsedCertificate[],
    askedAt: number,
  ): AcceptedSigner['revocation'] {
    const { revocation, isRevocationRequired } = this.#basis
    if (revocation.hasRevokedAbove(signer, path ?? pool, askedAt)) throw refusal('signer.revoked')
    const isGood = path !== undefined && isGoodThroughout(path, revocation, askedAt)
    if (isRevocationRequired && !isGood) throw refusal('chain.crl')
    return isGood ? 'good' : 'unchecked'
  }

  #poolOf(candidates: readonly Candidate[]): readonly ParsedCertificate[] {
    const own = new Set(this.#basis.certificates.map(({ fingerprint }) => fingerprint))
    const others = candidates.filter(({ fingerprint }) => !own.has(fingerprint))
    // Ours first: a path through what the operator vouched for is found before one through what a stranger sent.
    return [...this.#basis.certificates, ...others.flatMap(({ der }) => readCertificate(der) ?? [])]
  }
}

/** Every certificate below the anchor must be on a fresh list's good side; anchors are ended by taking them out of trust. */
function isGoodThroughout(path: Path, revocation: RevocationLists, askedAt: number): boolean {
  return path.slice(0, -1).every((certificate, index) => {
    const issuer = path[index + 1]
    return issuer !== undefined && revocation.statusOf(certificate, issuer, askedAt) === 'good'
  })
}

/** A certificate that stands twice is one candidate. */
function toCandidates(certificates: readonly Uint8Array[], fingerprints: readonly string[]): readonly Candidate[] {
  const all = certificates.map((der, index) => ({ der, fingerprint: fingerprints[index] ?? '' }))
  return [...new Map(all.map((candidate) => [candidate.fingerprint, candidate])).values()]
}

const toLink = ({ fingerprint, subject, notAfter }: ParsedCertificate): ChainLink =>
  Object.freeze({ fingerprint, name: subject.text, notAfter })

/** Every second at which something that the basis says begins or is over. */
function edgesOf({ anchors, certificates, revocation }: TrustBasis): number[] {
  return [
    ...certificates.flatMap(edgesOfCertificate),
    ...[...anchors.values()].flatMap(({ notAfter }) => (notAfter === undefined ? [] : [notAfter + 1])),
    ...revocation.lists.flatMap((list) => [list.thisUpdate, revocation.endOf(list) + 1]),
  ]
}

const edgesOfCertificate = ({ notBefore, notAfter }: ParsedCertificate) => [notBefore, notAfter + 1]
