import type { KoaContextWithOIDC } from 'oidc-provider'
import { describe, expect, it } from 'vitest'
import { sessionTtl } from '../../src/provider/refresh-lifetime.ts'

const NOW = 1_800_000_000
const [HOUR, DAY] = [3600, 86_400]

describe('how long a session lives on after a use — security.md BR-1', () => {
  it.each([
    ['an hour', 0, HOUR],
    ['an hour, an hour before its day is over', DAY - HOUR, HOUR],
    ['what is left of its day', DAY - 60, 60],
    ['no longer, when its day is over', DAY, 1],
  ])('is %s', (_case, age, seconds) => {
    const ttl = sessionTtl(() => NOW + age)
    expect(ttl({} as KoaContextWithOIDC, { loginTs: NOW })).toBe(seconds)
  })

  it('is an hour where nobody has signed in yet', () => {
    expect(sessionTtl(() => NOW)({} as KoaContextWithOIDC, {})).toBe(HOUR)
  })
})
