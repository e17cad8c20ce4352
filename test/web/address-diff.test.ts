import { describe, expect, it } from 'vitest'
import { compareAddresses } from '../../src/web/address-diff.ts'
import { spent } from '../support/spent.ts'

const REGISTERED = ['https://shop.example/callback', 'http://localhost:3000/cb']

describe('an address beside the registered ones', () => {
  it.each([
    ['https://shop.example/callback/', 'slash', 30],
    ['https://shop.example/Callback', 'case', 22],
    ['http://shop.example/callback', 'scheme', 5],
    ['https://shop.example:8443/callback', 'port', 21],
    ['https://evil.example/callback', 'host', 9],
    ['https://shop.example/callback?next=1', 'query', 30],
    ['https://shop.example/other', 'path', 22],
    ['http://localhost:3001/cb', 'port', 21],
    ['nonsense', 'path', 1],
  ])('%s: %s, from character %i', (sent, hint, at) => {
    expect(compareAddresses(sent, REGISTERED)).toMatchObject({ hint, at })
  })

  it('splits both where they part, and puts the nearest first', () => {
    expect(compareAddresses('http://localhost:3000/c', REGISTERED)).toEqual({
      sent: { same: 'http://localhost:3000/c', rest: '' },
      registered: [
        { same: 'http://localhost:3000/c', rest: 'b' },
        { same: 'http', rest: 's://shop.example/callback' },
      ],
      more: 0,
      at: 24,
      hint: 'path',
    })
  })

  it('shows no value of a query or fragment and no user', () => {
    const shown = JSON.stringify(
      compareAddresses('https://me:hunter2@shop.example/callback?code=s3cret&x=1#token=s3cret', REGISTERED),
    )
    expect(shown).not.toMatch(/hunter2|s3cret/)
    expect(shown).toContain('?code=…&x=…#token=…')
  })

  it('says nothing of a place when the two differ only in what is not shown', () => {
    const { at, hint } = compareAddresses('https://shop.example/a?x=1', ['https://shop.example/a?x=2'])
    expect({ at, hint }).toEqual({ at: undefined, hint: 'query' })
  })

  it('spells out what cannot be seen, and keeps it short', () => {
    const { sent } = compareAddresses(`https://shop.example/\u202Ekcab\u0000${'x'.repeat(5000)}`, REGISTERED)
    expect(sent.same + sent.rest).toContain('\\u{202e}kcab\\u{0}')
    expect((sent.same + sent.rest).length).toBe(160)
  })

  it('takes no time for an address made to take it (security.md SE-7)', () => {
    for (const part of ['?', '&', '#', '?a', '=?', '@', '\u202E']) {
      const hostile = `https://shop.example/${part.repeat(14_000)}`
      expect(spent(() => compareAddresses(hostile, REGISTERED)).ms).toBeLessThan(60)
    }
  })

  it('lists five at most, and none for an app that has none', () => {
    const many = Array.from({ length: 9 }, (_, at) => `https://shop.example/${at}`)
    expect(compareAddresses('https://shop.example/x', many)).toMatchObject({ more: 4 })
    expect(compareAddresses('https://shop.example/x', many).registered).toHaveLength(5)
    expect(compareAddresses('https://shop.example/x', [])).toMatchObject({ hint: 'none-registered', registered: [] })
  })
})
