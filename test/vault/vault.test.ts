import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodeContext } from '../../src/vault/cipher.ts'
import { type KeyRing, parseKeyRing } from '../../src/vault/key-ring.ts'
import { createVault } from '../../src/vault/sealed-vault.ts'
import type { Owner, Place } from '../../src/vault/vault.ts'
import { memoryStore } from './memory-store.ts'

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const ring = (...entries: [string, number][]) =>
  parseKeyRing(entries.map(([id, byte]) => `${id}:${key(byte)}`).join(','))
const place: Place = { table: 'client', column: 'sealed_secret', row: 'shop' }
const owner: Owner = 'account:1'
const CANARY = 'canary plaintext'

describe('Vault — security.md §7', () => {
  let now = 0
  let store = memoryStore()
  const open = (keyRing: KeyRing = ring(['k1', 1])) => createVault(keyRing, store, { clock: () => now })
  beforeEach(() => {
    now = 1_800_000_000
    store = memoryStore()
  })

  it('opens what it sealed: text, bytes and nothing at all', async () => {
    const vault = open()
    for (const value of [CANARY, 'नमस्ते', '', randomBytes(5000)]) {
      expect(await vault.open(owner, place, await vault.seal(owner, place, value))).toEqual(
        Buffer.from(value as string),
      )
    }
  })

  it('gives the same value another seal each time', async () => {
    const vault = open()
    const sealed = await Promise.all(Array.from({ length: 2000 }, () => vault.seal(owner, place, CANARY)))
    expect(new Set(sealed.map((each) => each.subarray(17, 29).toString('hex'))).size).toBe(2000)
    expect(sealed[0]?.includes(CANARY)).toBe(false)
  })

  it.each([
    ['row', owner, { ...place, row: 'shop2' }],
    ['column', owner, { ...place, column: 'metadata' }],
    ['table', owner, { ...place, table: 'rail_credential' }],
    ['row by a shifted border', owner, { ...place, column: 'sealed_secrets', row: 'hop' }],
    ['owner', 'account:2', place],
    ['owner, to the system', 'system', place],
  ] as const)('does not open a value that was moved to another %s', async (_what, otherOwner, otherPlace) => {
    const vault = open()
    const sealed = await vault.seal(owner, place, CANARY)
    await vault.seal(otherOwner, otherPlace, 'this owner has a key too')
    await expect(vault.open(otherOwner, otherPlace, sealed)).rejects.toMatchObject({ code: 'VAULT_SEAL_BROKEN' })
  })

  it.each([
    ['the version', 0, 'VAULT_SEAL_BROKEN'],
    ['the data key id', 5, 'VAULT_KEY_UNKNOWN'],
    ['the nonce', 17, 'VAULT_SEAL_BROKEN'],
    ['the ciphertext', 29, 'VAULT_SEAL_BROKEN'],
    ['the tag', -1, 'VAULT_SEAL_BROKEN'],
  ])('refuses one flipped bit in %s', async (_field, at, code) => {
    const vault = open()
    const sealed = await vault.seal(owner, place, CANARY)
    const index = at < 0 ? sealed.length + at : at
    sealed[index] = (sealed[index] ?? 0) ^ 1
    await expect(vault.open(owner, place, sealed)).rejects.toMatchObject({ code })
  })

  it('refuses a record cut at any length, a short tag included', async () => {
    const vault = open()
    const sealed = await vault.seal(owner, place, CANARY)
    for (let length = 0; length < sealed.length; length += 1) {
      await expect(vault.open(owner, place, sealed.subarray(0, length))).rejects.toMatchObject({
        code: 'VAULT_SEAL_BROKEN',
      })
    }
  })

  it('does not open under a key ring with another key of the same id', async () => {
    const sealed = await open().seal(owner, place, CANARY)
    await expect(open(ring(['k1', 2])).open(owner, place, sealed)).rejects.toMatchObject({ code: 'VAULT_SEAL_BROKEN' })
  })

  it('says which key-encryption key is missing', async () => {
    const sealed = await open().seal(owner, place, CANARY)
    const attempt = open(ring(['k2', 1])).open(owner, place, sealed)
    await expect(attempt).rejects.toMatchObject({ code: 'VAULT_KEY_UNKNOWN', message: expect.stringContaining('k1') })
  })

  it('does not accept a data key that was given to another owner in the store', async () => {
    const sealed = await open().seal(owner, place, CANARY)
    for (const [id, wrapped] of store.keys) store.keys.set(id, { ...wrapped, owner: 'account:2' })
    await expect(open().open('account:2', place, sealed)).rejects.toMatchObject({ code: 'VAULT_SEAL_BROKEN' })
  })

  it('puts neither plaintext nor keys into its errors or itself', async () => {
    const vault = open()
    const sealed = await vault.seal(owner, place, CANARY)
    const failed = await vault.open(owner, { ...place, row: 'x' }, sealed).catch((error: unknown) => error)
    const text = inspect([failed, vault], { depth: 10, showHidden: true })
    for (const secret of [CANARY, key(1), Buffer.alloc(32, 1).toString('hex')]) expect(text).not.toContain(secret)
  })

  it('reads a data key once a minute, and once for many who ask at once', async () => {
    const sealed = await open().seal(owner, place, CANARY)
    const vault = open()
    store.reads = 0
    await Promise.all(Array.from({ length: 10 }, () => vault.open(owner, place, sealed)))
    expect(store.reads).toBe(1)
    now += 59
    await vault.open(owner, place, sealed)
    await vault.seal(owner, place, CANARY) // known by its id, it is known by its owner
    expect(store.reads).toBe(1)
    now += 1
    await vault.open(owner, place, sealed)
    expect(store.reads).toBe(2)
  })

  it('opens with a key that was drawn for its owner once that is kept, without reading it', async () => {
    const vault = open()
    const drawn = await vault.draw(owner)
    const sealed = drawn.seal(place, CANARY)
    await expect(vault.open(owner, place, sealed)).rejects.toMatchObject({ code: 'VAULT_KEY_UNKNOWN' })
    drawn.keep()
    store.reads = 0
    expect((await vault.open(owner, place, sealed)).toString()).toBe(CANARY)
    await vault.destroyOwner(owner)
    await expect(vault.open(owner, place, sealed)).rejects.toMatchObject({ code: 'VAULT_KEY_UNKNOWN' })
    expect(store.reads).toBe(1)
  })

  it('reads again after a read that failed', async () => {
    const sealed = await open().seal(owner, place, CANARY)
    const vault = open()
    const kept = new Map(store.keys)
    store.keys.clear()
    await expect(vault.open(owner, place, sealed)).rejects.toMatchObject({ code: 'VAULT_KEY_UNKNOWN' })
    for (const [id, wrapped] of kept) store.keys.set(id, wrapped)
    expect((await vault.open(owner, place, sealed)).toString()).toBe(CANARY)
  })

  it('holds a thousand data keys at most', async () => {
    const vault = open()
    for (let n = 0; n <= 1000; n += 1) await vault.seal(`account:${n}`, place, 'x')
    store.reads = 0
    await vault.seal('account:1000', place, 'x')
    expect(store.reads).toBe(0)
    await vault.seal('account:0', place, 'x')
    expect(store.reads).toBe(1)
  })

  describe('destroyOwner', () => {
    it('makes every value of the owner unreadable, at once here, and spares the others', async () => {
      const vault = open()
      const gone = await vault.seal(owner, place, CANARY)
      const other = await vault.seal('account:12', place, CANARY)
      await vault.open(owner, place, gone)
      await vault.destroyOwner(owner)
      await expect(vault.open(owner, place, gone)).rejects.toMatchObject({ code: 'VAULT_KEY_UNKNOWN' })
      expect((await vault.open('account:12', place, other)).toString()).toBe(CANARY)
      const anew = await vault.seal(owner, place, 'a new life')
      expect((await vault.open(owner, place, anew)).toString()).toBe('a new life')
      await expect(vault.open(owner, place, gone)).rejects.toMatchObject({ code: 'VAULT_KEY_UNKNOWN' })
    })

    it('is known to other instances within a minute', async () => {
      const [here, there] = [open(), open()]
      const sealed = await here.seal(owner, place, CANARY)
      await there.open(owner, place, sealed)
      await here.destroyOwner(owner)
      now += 60
      await expect(there.open(owner, place, sealed)).rejects.toMatchObject({ code: 'VAULT_KEY_UNKNOWN' })
    })
  })

  describe('rotate', () => {
    const sealMany = async (count: number) => {
      const vault = open()
      const sealed = new Map<Owner, Buffer>()
      for (let n = 0; n < count; n += 1)
        sealed.set(`account:${n}`, await vault.seal(`account:${n}`, place, `value ${n}`))
      return sealed
    }

    it('wraps every data key anew, so that the old key can go and every value still opens', async () => {
      const sealed = await sealMany(250)
      expect(await open(ring(['k2', 2], ['k1', 1])).rotate()).toBe(250)
      const vault = open(ring(['k2', 2]))
      for (const [who, value] of sealed) expect((await vault.open(who, place, value)).toString()).toMatch(/^value \d+$/)
      expect(await vault.rotate()).toBe(0)
    })

    it('goes on where it was interrupted', async () => {
      const sealed = await sealMany(150)
      const rewrap = store.rewrap.bind(store)
      let left = 70
      store.rewrap = async (...args) => {
        if (left === 0) throw new Error('power cut')
        left -= 1
        return rewrap(...args)
      }
      const both = ring(['k2', 2], ['k1', 1])
      await expect(open(both).rotate()).rejects.toThrow('power cut')
      store.rewrap = rewrap
      const halfway = open(both)
      for (const [who, value] of sealed) await halfway.open(who, place, value)
      expect(await open(both).rotate()).toBe(80)
    })

    it('lets others read and write all the while', async () => {
      const sealed = await sealMany(120)
      const both = ring(['k2', 2], ['k1', 1])
      const reads = async () => {
        for (const [who, value] of sealed) {
          const fresh = open(both) // nothing cached: each read unwraps
          expect((await fresh.open(who, place, value)).toString()).toMatch(/^value/)
          await fresh.open(who, place, await fresh.seal(who, place, 'written meanwhile'))
        }
      }
      const [count] = await Promise.all([open(both).rotate(), reads(), reads()])
      expect(count).toBe(120)
    })

    it('does each key once when two processes rotate', async () => {
      await sealMany(120)
      const both = ring(['k2', 2], ['k1', 1])
      const counts = await Promise.all([open(both).rotate(), open(both).rotate()])
      expect(counts.reduce((a, b) => a + b)).toBe(120)
    })

    it('does not call it done while another process that rotates has more to do, and may end before', async () => {
      await sealMany(250)
      const both = ring(['k2', 2], ['k1', 1])
      const rewrap = store.rewrap.bind(store)
      let batches = 0
      const others = {
        ...store,
        rewrap,
        listNotUnder: async (kekId: string, limit: number) => {
          batches += 1
          if (batches > 1) throw new Error('power cut')
          return store.listNotUnder(kekId, limit)
        },
      }
      store.rewrap = async (...args) => {
        store.rewrap = rewrap
        await expect(createVault(both, others).rotate()).rejects.toThrow('power cut')
        return rewrap(...args)
      }
      expect(await open(both).rotate()).toBe(150)
      expect(await store.listNotUnder('k2', 1)).toEqual([])
    })

    it('stops at a data key whose wrapping key is gone, and says so', async () => {
      await sealMany(1)
      await expect(open(ring(['k2', 2])).rotate()).rejects.toMatchObject({ code: 'VAULT_KEY_UNKNOWN' })
    })
  })
})

describe('Context encoding', () => {
  it('gives no two lists the same bytes', () => {
    const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['a', 'b', 'c'], [], ['']]
    expect(new Set(lists.map((list) => encodeContext(...list).toString('hex'))).size).toBe(lists.length)
  })
})

describe('Key ring', () => {
  it('wraps with the first key and unwraps with all', async () => {
    const context = Buffer.from('c')
    const old = await ring(['k1', 1]).wrap(Buffer.from('data key'), context)
    const both = ring(['k2', 2], ['k1', 1])
    expect(both.currentId).toBe('k2')
    expect((await both.unwrap('k1', old, context)).toString()).toBe('data key')
    await expect(both.unwrap('k2', old, context)).rejects.toMatchObject({ code: 'VAULT_SEAL_BROKEN' })
    for (let length = 0; length < old.length; length += 1) {
      await expect(both.unwrap('k1', old.subarray(0, length), context)).rejects.toMatchObject({
        code: 'VAULT_SEAL_BROKEN',
      })
    }
    await expect(both.unwrap('k1', old, Buffer.from('d'))).rejects.toMatchObject({ code: 'VAULT_SEAL_BROKEN' })
  })

  it.each([
    ['nothing', '', /entry 1 is not id:key/],
    ['no id', `:${key(1)}`, /entry 1 has no usable id/],
    ['an id with a space', `a b:${key(1)}`, /entry 1 has no usable id/],
    ['no key', 'k1:', /entry 1 holds 0 bytes/],
    ['a short key', `k1:${Buffer.alloc(31, 1).toString('base64')}`, /entry 1 holds 31 bytes/],
    ['a long key', `k1:${Buffer.alloc(33, 1).toString('base64')}`, /entry 1 holds 33 bytes/],
    ['hexadecimal', `k1:${'zz'.repeat(32)}!`, /entry 1 does not hold base64/],
    ['a fault in the second', `k1:${key(1)},k2`, /entry 2 is not id:key/],
    ['one id twice', `k1:${key(1)},k1:${key(2)}`, /entry 2 repeats the id/],
    ['one key twice', `k1:${key(1)},k2:${key(1)}`, /entry 2 repeats the key/],
  ])('refuses %s, without telling the key', (_case, text, message) => {
    const failure = () => parseKeyRing(text)
    expect(failure).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    )
    expect(failure).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/[A-Za-z0-9+/]{20}/) }))
  })
})
