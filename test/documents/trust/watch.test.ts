import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TrustStore } from '../../../src/documents/trust/trust.ts'
import { type TrustWatch, watchTrust } from '../../../src/documents/trust/watch.ts'
import type { AppError } from '../../../src/errors.ts'
import { type Chain, makeChain, makeCrl, pinOf } from './support.ts'

let chain: Chain
let folder: string
let file: string
let changes: TrustStore[]
let faults: AppError[]
let ticks: { look: () => void; everyMs: number; stopped: boolean }[]
let watch: TrustWatch
beforeAll(async () => {
  chain = await makeChain()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dwar-watch-'))
  file = join(folder, 'trust.json')
  ;[changes, faults, ticks] = [[], [], []]
  write([])
  watch = watchTrust({
    files: [file],
    folder,
    everyMs: 30_000,
    onChange: (store) => changes.push(store),
    onFault: (fault) => faults.push(fault),
    repeat: (look, everyMs) => {
      const tick = { look, everyMs, stopped: false }
      ticks.push(tick)
      return () => {
        tick.stopped = true
      }
    },
  })
})
afterEach(() => {
  watch.close()
  rmSync(folder, { recursive: true })
})
const write = (signers: readonly object[]) => writeFileSync(file, JSON.stringify({ signers }))
const tick = () => ticks[0]?.look()
const pins = () => watch.current.signers.map(({ name }) => name)

describe('trust that follows its files', () => {
  it('stays as it is while nothing changes', () => {
    const before = watch.current
    tick()
    tick()
    expect(watch.current).toBe(before)
    expect([changes, faults]).toEqual([[], []])
    expect(ticks[0]?.everyMs).toBe(30_000)
  })

  it('takes in a new signer, once', () => {
    const before = watch.current
    write([pinOf(chain.leaf)])
    tick()
    tick()
    expect(pins()).toContain('Pinned signer')
    expect(changes).toEqual([watch.current])
    expect(before.signers.some(({ name }) => name === 'Pinned signer')).toBe(false)
  })

  it('keeps the old set when a file is bad, says so once, and takes the mended one', () => {
    write([pinOf(chain.leaf)])
    tick()
    const sound = watch.current
    writeFileSync(file, '{ "signers": [')
    tick()
    tick()
    expect(watch.current).toBe(sound)
    expect(faults.map(({ code }) => code)).toEqual(['CONFIG_INVALID'])
    write([pinOf(chain.leaf, { name: 'Mended' })])
    tick()
    expect(pins()).toContain('Mended')
  })

  it('keeps the old set when a file goes away', () => {
    const sound = watch.current
    renameSync(file, `${file}.gone`)
    tick()
    expect(watch.current).toBe(sound)
    expect(faults.length).toBe(1)
    renameSync(`${file}.gone`, file)
    tick()
    expect(changes.length).toBe(1)
  })

  it('notices a change of the same length', () => {
    write([pinOf(chain.leaf, { name: 'Name one' })])
    tick()
    write([pinOf(chain.leaf, { name: 'Name two' })])
    utimesSync(file, new Date(), new Date(Date.now() + 5000))
    tick()
    expect(pins()).toContain('Name two')
  })

  it('notices what comes into the folder and what leaves it', async () => {
    const crl = join(folder, 'list.crl')
    writeFileSync(crl, await makeCrl({ issuer: chain.subCa }))
    tick()
    expect(watch.current.revocation.lists.length).toBe(1)
    rmSync(crl)
    tick()
    expect(watch.current.revocation.lists.length).toBe(0)
  })

  it('keeps the old set when the folder holds junk', () => {
    writeFileSync(join(folder, 'junk.pem'), 'junk')
    tick()
    expect([changes.length, faults.length]).toEqual([0, 1])
  })

  it('stops when closed', () => {
    watch.close()
    expect(ticks[0]?.stopped).toBe(true)
  })

  it('does not start from a bad set', () => {
    writeFileSync(file, '{')
    expect(() =>
      watchTrust({ files: [file], everyMs: 1000, onChange: () => undefined, onFault: () => undefined }),
    ).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  it('looks by itself with a timer of its own', async () => {
    const { promise, resolve } = Promise.withResolvers<TrustStore>()
    const own = watchTrust({ files: [file], everyMs: 10, onChange: resolve, onFault: () => undefined })
    write([pinOf(chain.leaf)])
    expect((await promise).signers.some(({ name }) => name === 'Pinned signer')).toBe(true)
    own.close()
  })
})
