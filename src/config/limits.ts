import { z } from 'zod'
import { wholeNumber } from './forms.ts'

/** Settings of the rate limits. Spread into the one table of `config.ts`. */
export const limitVariables = {
  DWAR_RATE_LIMITS: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Limits of requests per address and per client. `off` only where something before us does it.'),
  DWAR_RATE_BROWSERS: wholeNumber(1, 1_000_000)
    .default(3000)
    .describe(
      'Requests a minute by one address (of IPv6: one /64) to one page of the sign-in. High on purpose: behind one address of an Indian mobile network are thousands of people. A sign-in takes about two to a page. Its pages and `/account` may be looked at four times as often.',
    ),
  DWAR_RATE_PROGRAMS: wholeNumber(1, 1_000_000)
    .default(12_000)
    .describe('Requests a minute by one address to one of `/token`, `/par`, `/introspect`, `/revoke`, `/userinfo`.'),
  DWAR_RATE_CLIENT: wholeNumber(1, 1_000_000)
    .default(6000)
    .describe('Requests a minute by one client that has shown who it is, to one of the same.'),
  DWAR_RATE_FAILURES: wholeNumber(1, 100_000)
    .default(20)
    .describe(
      'Failing client authentications a minute from one address for one client; ten times that for one address. While over, the right secret is refused from there too.',
    ),
} satisfies Record<string, z.ZodType>

const shape = z.object(limitVariables)

export interface LimitConfig {
  readonly browsers: number
  readonly programs: number
  readonly perClient: number
  readonly failures: number
}

export function toLimitConfig(read: z.infer<typeof shape>): LimitConfig | undefined {
  if (read.DWAR_RATE_LIMITS === 'off') return undefined
  return {
    browsers: read.DWAR_RATE_BROWSERS,
    programs: read.DWAR_RATE_PROGRAMS,
    perClient: read.DWAR_RATE_CLIENT,
    failures: read.DWAR_RATE_FAILURES,
  }
}
