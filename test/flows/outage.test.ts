import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { freshPGlite } from '../support/databases.ts'
import { authorizeUrl, openWire, play, type Wire } from '../support/outage.ts'
import { openStage, type Stage, sharedPki, UPSTREAM } from '../support/stage.ts'

describe('a DigiLocker that goes away under load', () => {
  const open = freshPGlite()
  let stage: Stage
  let wire: Wire
  let authorize: URL

  beforeAll(async () => {
    const scopes = ['files.issueddocs', 'userdetails']
    const simulator = await startSimulator({
      pki: await sharedPki(),
      clients: [{ ...UPSTREAM, redirectUris: [], scopes, openid: false }],
    })
    wire = await openWire(simulator.url)
    stage = await openStage(await open(), {
      simulator,
      env: {
        DIGILOCKER_BASE_URL: wire.url.origin,
        DIGILOCKER_BROWSER_BASE_URL: simulator.url.origin,
        DIGILOCKER_BREAKER: 'calls=6,threshold=0.5,pauseMs=1000',
        DIGILOCKER_TIMEOUTS: 'token=1',
      },
    })
    authorize = authorizeUrl(stage, (await stage.addClient()).client_id)
  }, 60_000)
  afterAll(async () => {
    await stage.close()
    await wire.close()
    await stage.simulator.close()
  })

  it.each(['killed', 'hung'] as const)(
    '%s: refuses at once, says so before, and recovers by itself',
    async (state) => {
      const scenes = [
        { state: 'up', forMs: 1000 },
        { state, forMs: 4000 },
        { state: 'up', forMs: 4000 },
      ] as const
      const tries = await play(stage, wire, authorize, { seats: 4, scenes })
      const failed = tries.filter(({ outcome }) => outcome !== 'consent')
      expect(tries[0]?.outcome).toBe('consent')
      expect(tries.at(-1)?.outcome).toBe('consent')
      const atOnce = failed.filter(({ outcome }) => outcome === 'refused at once')
      expect(atOnce.length).toBeGreaterThan(failed.length / 2)
      expect(new Set(atOnce.map(({ code }) => code))).toEqual(new Set(['RAIL_UNAVAILABLE']))
      expect(atOnce.some(({ banner }) => banner)).toBe(true)
      expect(stage.logs()).toContain('upstream paused')
      expect(stage.logs()).toContain('upstream asked again')
    },
    60_000,
  )
})
