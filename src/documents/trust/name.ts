import { PrintableString, Utf8String } from 'asn1js'
import type { AttributeTypeAndValue, RelativeDistinguishedNames } from 'pkijs'

const COMMON_NAME = '2.5.4.3'
const ORGANIZATION = '2.5.4.10'

/** A distinguished name, read for comparing. */
export interface Name {
  /** equal for equal names: types and values in order, case and inner white space levelled (RFC 5280 §7.1) */
  readonly comparable: string
  /** exact values; a name may hold several, and a rule that wants one wants exactly one */
  readonly commonNames: readonly string[]
  readonly organizations: readonly string[]
  readonly text: string
}

export function readName({ typesAndValues }: RelativeDistinguishedNames): Name {
  const valuesOf = (type: string) => typesAndValues.filter((part) => part.type === type).map(textOf)
  const commonNames = valuesOf(COMMON_NAME)
  const text = typesAndValues.map((part) => `${part.type}=${textOf(part)}`).join(', ')
  return {
    comparable: JSON.stringify(typesAndValues.map((part) => [part.type, levelled(textOf(part))])),
    commonNames,
    organizations: valuesOf(ORGANIZATION),
    text: commonNames[0] ?? text,
  }
}

/**
 * The two string kinds of RFC 5280 §4.1.2.4 are taken at their word. The older ones have readings that differ between
 * programs (Teletex above all), so they keep a mark of their kind: they still chain, and match no rule.
 */
function textOf({ value }: AttributeTypeAndValue): string {
  if (value instanceof PrintableString || value instanceof Utf8String) return value.valueBlock.value
  return `${value.constructor.name}:${Buffer.from(value.valueBeforeDecodeView).toString('hex')}`
}

/** Case and inner white space as names are compared (RFC 5280 §7.1). */
export const levelled = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase()
