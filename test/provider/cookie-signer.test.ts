import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { createCookieSigner } from '../../src/provider/cookie-signer.ts'

/** Where `cookies`, which Koa and the engine use, has it from. */
const { resolve } = createRequire(createRequire(import.meta.url).resolve('koa'))
const Keygrip = createRequire(resolve('cookies'))('keygrip') as new (
  keys: readonly string[],
) => ReturnType<typeof createCookieSigner>

const DATA = '_session=BP3hEhT0fZAQxHkJ'

describe('signatures of the engine’s cookies', () => {
  const ours = createCookieSigner(['new', 'old'])
  const theirs = new Keygrip(['new', 'old'])

  it('are those of keygrip, so that cookies of the release before stay good', () => {
    for (let one = 0; one < 200; one += 1) expect(ours.sign(`${DATA}${one}`)).toBe(theirs.sign(`${DATA}${one}`))
  })

  it.each([
    ['signed with the key of now', createCookieSigner(['new']).sign(DATA), 0],
    ['signed with a former key', createCookieSigner(['old']).sign(DATA), 1],
    ['signed with a key that is ours no more', createCookieSigner(['older']).sign(DATA), -1],
    ['signed for something else', ours.sign(`${DATA}x`), -1],
    ['changed in its last letter', `${ours.sign(DATA).slice(0, -1)}*`, -1],
    ['shortened', ours.sign(DATA).slice(0, -1), -1],
    ['lengthened', `${ours.sign(DATA)}A`, -1],
    ['with padding, as base64 has it', `${ours.sign(DATA)}=`, -1],
    ['empty', '', -1],
    ['of as many letters and more bytes', 'é'.repeat(ours.sign(DATA).length), -1],
  ])('know one that is %s', (_case, signature, expected) => {
    expect(ours.index(DATA, signature)).toBe(expected)
    expect(ours.verify(DATA, signature)).toBe(expected >= 0)
    expect(theirs.index(DATA, signature)).toBe(expected)
  })

  it('cannot be made without a key', () => {
    expect(() => createCookieSigner([])).toThrow(TypeError)
  })
})
