import { checkNoAadhaarNumber, hidesAadhaarNumber } from '../aadhaar-number.ts'
import type { DocumentFields } from '../document.ts'

/** A value, with the characters it was read from. */
export class Noted<T> {
  readonly value: T
  /** nothing where the value says it itself, or where the source must not be kept */
  readonly written: string | undefined
  /** left out, not refused, when it looks like an Aadhaar number */
  readonly dispensable: boolean

  constructor(value: T, written?: string, dispensable = false) {
    this.value = value
    this.written = written
    this.dispensable = dispensable
  }
}

/**
 * Marks a number of the issuer's own making. One in ten of those with twelve or sixteen digits has the check digit of an
 * Aadhaar number by chance; without them the document still says what it is for, so it is not refused for their sake.
 */
export function dispensable<T>(noted: Noted<T> | undefined): Noted<T> | undefined {
  return noted && new Noted(noted.value, noted.written, true)
}

/** What a doctype hands over: its fields, any value of which may be noted, or absent, or a group of nothing. */
export type Draft<T> =
  | Noted<NonNullable<T>>
  | (T extends readonly (infer Member)[]
      ? readonly Draft<Member>[]
      : T extends object
        ? { readonly [Key in keyof T]: Draft<T[Key]> | undefined }
        : T)

export type DraftFields = Omit<
  { readonly [Key in keyof DocumentFields]: Draft<DocumentFields[Key]> | undefined },
  'original' | 'withheld'
>

/**
 * Makes plain data of a draft. The one door out of the room: every value passes the Aadhaar check here, together with the
 * characters it was read from.
 * @throws DocumentError DOC_AADHAAR_NUMBER
 */
export function settle(draft: DraftFields): DocumentFields {
  const original: Record<string, string> = {}
  const withheld: string[] = []

  function settleNote({ value, written, dispensable }: Noted<unknown>, path: string): unknown {
    // As a person reads it: a line end within one attribute is but a space.
    const said = [value, written?.replace(/\s+/g, ' ')]
    if (dispensable && hidesAadhaarNumber(said)) {
      withheld.push(path)
      return undefined
    }
    checkNoAadhaarNumber(said)
    if (written !== undefined) original[path] = written
    return typeof value === 'object' && value !== null ? Object.freeze(value) : value
  }

  function settleNode(node: unknown, path: string): unknown {
    if (node instanceof Noted) return settleNote(node, path)
    if (Array.isArray(node)) {
      const members = node.filter((member) => !isBlank(member))
      return Object.freeze(members.map((member, index) => settleNode(member, join(path, index))))
    }
    if (typeof node === 'object' && node !== null) {
      const members = Object.entries(node).filter(([, member]) => !isBlank(member))
      return compact(Object.fromEntries(members.map(([key, member]) => [key, settleNode(member, join(path, key))])))
    }
    checkNoAadhaarNumber(node)
    return node
  }

  const fields = settleNode(draft, '') as DocumentFields
  return compact<DocumentFields>({
    ...fields,
    documentIssuer: fields.documentIssuer ?? Object.freeze({}),
    original: Object.freeze(original),
    withheld: withheld.length > 0 ? Object.freeze(withheld) : undefined,
  })
}

const join = (path: string, key: string | number) => (path === '' ? String(key) : `${path}.${key}`)

/** Nothing was read: no value, and no group or list that holds one. */
function isBlank(node: unknown): boolean {
  if (node === undefined) return true
  return typeof node === 'object' && node !== null && !(node instanceof Noted) && Object.values(node).every(isBlank)
}

/** A frozen copy without the members that have no value. */
export function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.freeze(Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))) as T
}
