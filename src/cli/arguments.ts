import { AppError } from '../errors.ts'

/** @throws AppError CONFIG_INVALID */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new AppError('CONFIG_INVALID', `${text} is not a whole number.`)
  return value
}

/** `90m`, `24h`, `7d`, in seconds. @throws AppError CONFIG_INVALID */
export function duration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit]
  if (!seconds) throw new AppError('CONFIG_INVALID', `${text} is not a time such as 90m, 24h or 7d.`)
  return Number(count) * seconds
}
