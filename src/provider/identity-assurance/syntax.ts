import { ARRAY_FORM } from './asked.ts'
import { isObject, type JsonObject } from './json.ts'

/** Where a request breaks the specification, and how. */
export interface Fault {
  /** JSON pointer (RFC 6901), relative to the `verified_claims` member */
  readonly at: string
  readonly is: string
}

/** Checks one member; says nothing when it is sound. */
type Rule = (node: unknown, at: string) => Fault | undefined

/** More would be an attack on our patience: no person reads a consent screen of that length. */
const MAX_ENTRIES = 16
const MAX_DEPTH = 16

const member: Rule = (node, at) => {
  if (node === null) return undefined
  if (!isObject(node)) return { at, is: 'must be null or an object' }
  if ('essential' in node && typeof node.essential !== 'boolean')
    return { at: `${at}/essential`, is: 'must be true or false' }
  if ('values' in node && !(Array.isArray(node.values) && node.values.length > 0))
    return { at: `${at}/values`, is: 'must be an array that is not empty' }
  if ('max_age' in node && !(typeof node.max_age === 'number' && node.max_age >= 0))
    return { at: `${at}/max_age`, is: 'must be a number of seconds' }
  return undefined
}

/** A member whose values are strings wherever the specification lets them be limited. */
const text: Rule = (node, at) => {
  const fault = member(node, at)
  if (fault || !isObject(node)) return fault
  if ('value' in node && typeof node.value !== 'string') return { at: `${at}/value`, is: 'must be a string' }
  const odd = Array.isArray(node.values) ? node.values.findIndex((value) => typeof value !== 'string') : -1
  return odd >= 0 ? { at: `${at}/values/${odd}`, is: 'must be a string' } : undefined
}

/** Identity Assurance 1.0 §5.4: the type of evidence is given by `value`, and `values` shall not be used. */
const evidenceType: Rule = (node, at) => {
  if (!isObject(node)) return { at, is: 'must be an object with a value' }
  if ('values' in node) return { at: `${at}/values`, is: 'shall not be used here' }
  return typeof node.value === 'string' ? text(node, at) : { at: `${at}/value`, is: 'must be a string' }
}

const object =
  (members: Readonly<Record<string, Rule>>, required: readonly string[] = []): Rule =>
  (node, at) => {
    if (!isObject(node)) return { at, is: 'must be an object' }
    const missing = required.find((name) => !(name in node))
    if (missing !== undefined) return { at: `${at}/${missing}`, is: 'is missing' }
    for (const [name, rule] of Object.entries(members)) {
      const fault = Object.hasOwn(node, name) ? rule(node[name], `${at}/${name}`) : undefined
      if (fault) return fault
    }
    return undefined
  }

const list =
  (rule: Rule): Rule =>
  (node, at) => {
    if (!Array.isArray(node) || node.length === 0) return { at, is: 'must be an array that is not empty' }
    if (node.length > MAX_ENTRIES) return { at, is: `must have at most ${MAX_ENTRIES} entries` }
    for (const [index, entry] of node.entries()) {
      const fault = rule(entry, `${at}/${index}`)
      if (fault) return fault
    }
    return undefined
  }

const claims: Rule = (node, at) => {
  if (node === null) return undefined
  if (!isObject(node) || Object.keys(node).length === 0) return { at, is: 'must be an object that is not empty' }
  for (const [name, value] of Object.entries(node)) {
    const fault = member(value, `${at}/${token(name)}`)
    if (fault) return fault
  }
  return undefined
}

/** Members that the specification leaves open are not looked at, and never answered. */
const entry = object(
  {
    verification: object(
      {
        trust_framework: text,
        assurance_level: text,
        assurance_process: object({ policy: text, procedure: text }),
        time: member,
        verification_process: member,
        evidence: list(
          object(
            {
              type: evidenceType,
              attachments: member,
              derived_claims: claims,
              check_details: list(object({ check_method: text, organization: text, check_id: text, time: member })),
              document_details: object({
                type: text,
                document_number: member,
                serial_number: member,
                date_of_issuance: member,
                date_of_expiry: member,
                issuer: object({ name: member, country: member, country_code: member }),
              }),
            },
            ['type'],
          ),
        ),
      },
      ['trust_framework'],
    ),
    claims,
  },
  ['verification', 'claims'],
)

/**
 * Names the first place where a `verified_claims` request breaks the syntax, or nothing when it is sound. That we cannot
 * meet what it asks is no fault: it is answered by less, or by nothing (Identity Assurance 1.0 §5.7.4).
 * @param node the object or array, or our own writing of the array ({@link ARRAY_FORM})
 * @see OpenID Connect for Identity Assurance 1.0 §§5.3–5.6
 */
export function faultInVerifiedRequest(node: unknown): Fault | undefined {
  const array = Array.isArray(node) ? node : isObject(node) && ARRAY_FORM in node ? node[ARRAY_FORM] : undefined
  return array === undefined ? entry(node, '') : list(entry)(array, '')
}

/** Whether a value is nested no deeper than any member that the specification knows: what goes on to be walked must be. */
export function isShallow(node: unknown, levels = MAX_DEPTH): boolean {
  if (typeof node !== 'object' || node === null) return true
  return levels > 0 && Object.values(node as JsonObject).every((member) => isShallow(member, levels - 1))
}

/** A name as a JSON pointer has it, in the characters that an error description may hold (RFC 6749 §4.1.2.1). */
const token = (name: string): string =>
  name
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')
    .replace(/[^\w:.~-]/g, '?')
    .slice(0, 60)
