/** Whether a value is what it should be. */
export type Check = (value: unknown) => boolean

/** Members by name; a `?` at the end says that it may be left out. Whatever is not named here is a spelling mistake. */
export interface Shape {
  readonly [member: string]: Check | Shape
}

export const text: Check = (value) => typeof value === 'string' && value.length <= 300

export const matching =
  (form: RegExp): Check =>
  (value) =>
    typeof value === 'string' && form.test(value)

export const digits = (count: number): Check => matching(new RegExp(`^\\d{${count}}$`))

export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check)
}

export function shaped(shape: Shape): Check {
  return (value) => faultsOf(value, shape, '').length === 0
}

export function isFlag(value: unknown): boolean {
  return typeof value === 'boolean'
}

/** Every member that is wrong, missing or not known, by its place. */
export function faultsOf(value: unknown, shape: Shape, at: string): string[] {
  if (!isRecord(value)) return [`${at}: expected members`]
  const known = new Map(Object.entries(shape).map(([name, check]) => [name.replace('?', ''), { name, check }]))
  const strange = Object.keys(value).filter((name) => !known.has(name))
  const wrong = [...known].flatMap(([member, { name, check }]) => {
    const given = value[member]
    if (given === undefined) return name.endsWith('?') ? [] : [`${at}.${member} is missing`]
    if (typeof check !== 'function') return faultsOf(given, check, `${at}.${member}`)
    return check(given) ? [] : [`${at}.${member} is not valid`]
  })
  return [...strange.map((name) => `${at}.${name} is not known`), ...wrong]
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
