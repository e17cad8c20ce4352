import { isIP, isIPv4 } from 'node:net'
import { z } from 'zod'
import { Secret } from './secrets.ts'

/** How values are spelled in the environment. No message quotes what was given. */

export const flag = z
  .enum(['true', 'false', '1', '0', 'yes', 'no'])
  .transform((value) => ['true', '1', 'yes'].includes(value))
export const list = z.string().transform((value) => value.split(/[\s,]+/).filter(Boolean))
export const pairs = list.transform((items, context) => {
  const read = items.map((item) => /^([^=]+)=(.+)$/.exec(item))
  if (read.some((pair) => pair === null)) context.addIssue('must be name=value pairs')
  return Object.fromEntries(read.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']))
})
export const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value))
export const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max)
export const originUrl = z.string().transform((value, context) => {
  const url = URL.parse(value)
  if (!url || !/^https?:$/.test(url.protocol)) context.addIssue('must be an http(s) URL')
  else if (url.pathname !== '/' || url.search || url.hash || url.username)
    context.addIssue('must be an origin: no path, query, fragment or user')
  else return url
  return z.NEVER
})
export const httpUrl = z.string().transform((value, context) => {
  const url = URL.parse(value)
  if (url && /^https?:$/.test(url.protocol)) return url
  context.addIssue('must be an http(s) URL')
  return z.NEVER
})

/** `name=number` pairs out of these names; what is left out keeps its default. */
export const numbers = <Name extends string>(names: readonly Name[]) =>
  pairs.transform((given, context) => {
    for (const [name, value] of Object.entries(given)) {
      if (!(names as readonly string[]).includes(name)) context.addIssue(`must name only ${names.join(', ')}`)
      else if (!/^\d+(\.\d+)?$/.test(value)) context.addIssue(`must give ${name} a number`)
    }
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Number(value)])) as Partial<
      Record<Name, number>
    >
  })

/** The name of an HTTP header, in lower case. */
export const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]+$/, 'must be the name of an HTTP header')
  .transform((name) => name.toLowerCase())

/** IP addresses and networks in CIDR form. */
export const addresses = list.transform((items, context) => {
  if (!items.every(isNetwork)) context.addIssue('must be IP addresses or networks such as 10.0.0.0/24')
  return items
})

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  if (isIP(address) === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128))
}
