import { isQuirkName, QUIRKS, type QuirkName } from './quirks.ts'

/** Names of the endpoints that faults can be set on and that the request log counts. */
export const ENDPOINTS = [
  'authorize',
  'signin',
  'consent',
  'logout',
  'token',
  'refresh',
  'revoke',
  'user',
  'issued',
  'xml',
  'file',
  'eaadhaar',
  'pull',
  'uploaded',
  'upload',
  'apaar',
  'issuers',
  'doctypes',
  'parameters',
  'statistics',
  'device',
] as const
export type Endpoint = (typeof ENDPOINTS)[number]

/** Whom and what a rule is about; absent members match everything. */
export interface Reach {
  readonly persona?: string
  readonly doctype?: string
  /** good for this many matching requests; absent: until removed */
  readonly times?: number
}

export interface QuirkRule extends Reach {
  readonly quirk: QuirkName
}

/** Answers a named endpoint with a status, or slowly, or both. */
export interface FaultRule extends Reach {
  readonly endpoint: Endpoint
  /** absent: the request is served as usual, after the delay */
  readonly status?: number
  /** default `json` */
  readonly body?: 'json' | 'html' | 'empty'
  /** the `error` member; default what the endpoint documents for this status */
  readonly error?: string
  readonly retryAfterSeconds?: number
  readonly delayMs?: number
  /** what happens to the answer on its way */
  readonly wire?: 'cut' | 'endless' | 'gzip-bomb' | 'redirect'
}

export type Rule = QuirkRule | FaultRule

export interface About {
  readonly persona?: string | undefined
  readonly doctype?: string | undefined
}

/** The one question about odd behaviour. */
export interface Quirks {
  /** Whether the quirk holds here and now; counts as one use. */
  take(quirk: QuirkName, about?: About): boolean
}

/** Those in force for everybody, and those that a person or this one journey brings along. */
export function withOwn(rules: Rules, own: readonly QuirkRule[]): Quirks {
  if (own.length === 0) return rules
  return {
    take: (quirk, about = {}) =>
      own.some((rule) => rule.quirk === quirk && reaches(rule, about)) || rules.take(quirk, about),
  }
}

/** Odd behaviour from names written by a person: `a, b` or `a:DRVLC`. @throws RuleError */
export function parseQuirkNames(text: string): QuirkRule[] {
  const names = text.split(/[\s,]+/).filter(Boolean)
  return names.map((name) => toQuirkRule(name.split(':', 1)[0] ?? '', name.split(':')[1]))
}

/** @throws RuleError when there is no such quirk */
export function toQuirkRule(quirk: string, doctype: string | undefined): QuirkRule {
  if (!isQuirkName(quirk)) throw new RuleError('there is no such quirk')
  return doctype === undefined ? { quirk } : { quirk, doctype }
}

/** The odd behaviour in force. Rules with `times` are used up one matching request at a time. */
export class Rules {
  #rules: { rule: Rule; left: number }[] = []

  replace(rules: readonly Rule[]): void {
    this.#rules = rules.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }))
  }

  current(): Rule[] {
    return this.#rules.filter(({ left }) => left > 0).map(({ rule }) => rule)
  }

  /** Whether the quirk holds here and now; counts as one use. */
  take(quirk: QuirkName, about: About = {}): boolean {
    return this.#use((rule) => 'quirk' in rule && rule.quirk === quirk, about) !== undefined
  }

  /** The fault set on an endpoint, if any; counts as one use. */
  takeFault(endpoint: Endpoint, about: About = {}): FaultRule | undefined {
    const rule = this.#use((candidate) => 'endpoint' in candidate && candidate.endpoint === endpoint, about)
    return rule && 'endpoint' in rule ? rule : undefined
  }

  #use(fits: (rule: Rule) => boolean, about: About): Rule | undefined {
    const found = this.#rules.find(({ rule, left }) => left > 0 && fits(rule) && reaches(rule, about))
    if (found) found.left -= 1
    return found?.rule
  }
}

export class RuleError extends Error {}

/**
 * Rules from what came over the control port.
 * @throws RuleError naming the member that is wrong
 */
export function parseRules(value: unknown, people: readonly { readonly id: string }[]): Rule[] {
  const list = isRecord(value) ? value.rules : undefined
  if (!Array.isArray(list)) throw new RuleError('expected { "rules": [ … ] }')
  return list.map((item: unknown, index) => {
    if (!isRecord(item)) throw new RuleError(`rules[${index}] is not an object`)
    const checks = 'quirk' in item ? QUIRK_MEMBERS : FAULT_MEMBERS
    for (const [member, given] of Object.entries(item)) {
      const check = checks[member]
      if (check === undefined) throw new RuleError(`rules[${index}].${member} is not known`)
      if (member === 'persona' && !people.some(({ id }) => id === given))
        throw new RuleError(`rules[${index}].persona is nobody`)
      if (!check(given)) throw new RuleError(`rules[${index}].${member} is not valid${hintFor(member)}`)
    }
    if (!('quirk' in item) && !('endpoint' in item)) throw new RuleError(`rules[${index}] names no quirk or endpoint`)
    return item as unknown as Rule
  })
}

type Check = (value: unknown) => boolean
const wholeNumber =
  (min: number, max: number): Check =>
  (value) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max
const oneOf =
  (values: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && values.includes(value)

const REACH_MEMBERS: Record<string, Check> = {
  persona: (value) => typeof value === 'string',
  doctype: (value) => typeof value === 'string' && /^[A-Z]{3,8}$/.test(value),
  times: wholeNumber(1, 1_000_000),
}
const QUIRK_MEMBERS: Record<string, Check> = { ...REACH_MEMBERS, quirk: isQuirkName }
const FAULT_MEMBERS: Record<string, Check> = {
  ...REACH_MEMBERS,
  endpoint: oneOf(ENDPOINTS),
  status: wholeNumber(200, 599),
  body: oneOf(['json', 'html', 'empty']),
  error: (value) => typeof value === 'string' && /^[a-z_]{1,64}$/.test(value),
  retryAfterSeconds: wholeNumber(0, 86_400),
  delayMs: wholeNumber(0, 600_000),
  wire: oneOf(['cut', 'endless', 'gzip-bomb', 'redirect']),
}

function hintFor(member: string): string {
  if (member === 'quirk') return `; known: ${Object.keys(QUIRKS).join(', ')}`
  return member === 'endpoint' ? `; known: ${ENDPOINTS.join(', ')}` : ''
}

function reaches(rule: Reach, about: About): boolean {
  const personaFits = rule.persona === undefined || rule.persona === about.persona
  return personaFits && (rule.doctype === undefined || rule.doctype === about.doctype)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
