import type { PullField } from '../rail.ts'

interface Field extends PullField {
  /** what the office can have meant, after blanks at the ends are gone and letters are capitals */
  readonly form: RegExp
}

/**
 * What each issuer wants to know before it gives a document: names as seen in requests of others (digilocker-api.md §11).
 * Forms are wide on purpose: a wrong number is the office's to refuse, garbage is ours.
 */
const FIELDS: Readonly<Record<string, readonly Field[]>> = {
  DRVLC: [{ name: 'dlno', maxLength: 20, form: /^[A-Z]{2}[A-Z0-9 /-]{6,18}$/ }],
  PANCR: [
    { name: 'panno', maxLength: 10, form: /^[A-Z]{5}\d{4}[A-Z]$/ },
    { name: 'PANFullName', maxLength: 85, form: /^[A-Z][A-Z .'’-]{0,84}$/ },
  ],
  RVCER: [
    { name: 'reg_no', maxLength: 15, form: /^[A-Z0-9 -]{4,15}$/ },
    { name: 'chasis_no', maxLength: 25, form: /^[A-Z0-9]{5,25}$/ },
  ],
}

/** Document types that have fields here, and so can be switched on. */
export const PULLABLE: readonly string[] = Object.keys(FIELDS)

export const pullFields = (doctype: string): readonly PullField[] | undefined =>
  Object.hasOwn(FIELDS, doctype) ? FIELDS[doctype]?.map(({ name, maxLength }) => ({ name, maxLength })) : undefined

/** @returns undefined when a field is missing, too long, or cannot be what it should be */
export function readPullFields(
  doctype: string,
  typed: Readonly<Record<string, unknown>>,
): Record<string, string> | undefined {
  const read: Record<string, string> = {}
  for (const { name, maxLength, form } of FIELDS[doctype] ?? []) {
    const value = typed[name]
    const text = typeof value === 'string' ? value.trim().replace(/\s+/g, ' ').toUpperCase() : ''
    if (text.length > maxLength || !form.test(text)) return undefined
    read[name] = text
  }
  return read
}
