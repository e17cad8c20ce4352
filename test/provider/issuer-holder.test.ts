import type { Provider } from 'oidc-provider'
import { describe, expect, it } from 'vitest'
import { createIssuerHolder } from '../../src/provider/issuer-holder.ts'

/** Stands for an engine: the holder calls nothing of it but its callback. */
const engine = (name: string) => ({ name, callback: () => async () => undefined }) as unknown as Provider
const nameOf = (provider: Provider) => (provider as unknown as { name: string }).name

describe('The engine of now', () => {
  async function open() {
    const state = {
      now: 1000,
      version: 1,
      down: false,
      looks: 0,
      built: 0,
      said: 0,
      before: async () => undefined as unknown,
    }
    const holder = await createIssuerHolder({
      build: () => {
        state.built += 1
        return engine(`engine ${state.built}`)
      },
      loadKeys: async () => [],
      version: async () => {
        state.looks += 1
        await state.before()
        if (state.down) throw new Error('down')
        return state.version
      },
      clock: () => state.now,
      onStale: () => {
        state.said += 1
      },
    })
    state.looks = 0
    return { holder, state }
  }

  it('is built anew within a second of a change, by one look however many ask', async () => {
    const { holder, state } = await open()
    state.version = 2
    await Promise.all(Array.from({ length: 50 }, () => holder.refresh()))
    expect([state.looks, nameOf(holder.provider)]).toEqual([1, 'engine 2'])
    state.version = 3
    await holder.refresh()
    expect(nameOf(holder.provider)).toBe('engine 2')
    state.now += 1
    await holder.refresh()
    expect([state.looks, nameOf(holder.provider)]).toEqual([2, 'engine 3'])
  })

  it('makes whoever comes during a look wait for it: nobody signs with what an idle hour ago was current', async () => {
    const { holder, state } = await open()
    state.version = 2
    let release: () => void = () => undefined
    state.before = () =>
      new Promise<void>((resolve) => {
        release = resolve
      })
    const first = holder.refresh()
    const seen = holder.refresh().then(() => nameOf(holder.provider))
    await new Promise((resolve) => setImmediate(resolve))
    release()
    await first
    expect(await seen).toBe('engine 2')
  })

  it('stays as it is while the keys cannot be read, says so once, and keeps nobody waiting', async () => {
    const { holder, state } = await open()
    state.down = true
    await holder.refresh()
    expect([holder.stale, nameOf(holder.provider), state.said]).toEqual([true, 'engine 1', 1])
    state.before = () => new Promise(() => undefined)
    state.now += 1
    await holder.refresh()
    expect([nameOf(holder.provider), state.said]).toEqual(['engine 1', 1])
  })

  it('reads the keys at the next look when this very process has changed them', async () => {
    const { holder, state } = await open()
    await holder.refresh()
    holder.expire()
    await holder.refresh()
    expect([nameOf(holder.provider), state.built]).toEqual(['engine 2', 2])
  })
})
