import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { freshPGlite } from '../support/databases.ts'
import { authorizeUrl, openWire, play, type Try, type Wire } from '../support/outage.ts'
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
        DIGILOCKER_BREAKER: 'calls=6,threshold=0.5,pauseMs=2000',
        DIGILOCKER_TIMEOUTS: 'token=0.5',
      },
    })
    authorize = authorizeUrl(stage, (await stage.addClient()).client_id)
  }, 120_000)
  afterAll(async () => {
    await stage.close()
    await wire.close()
    await stage.simulator.close()
  })

  it.each(['killed', 'hung'] as const)(
    '%s: refuses at once, says so before, and recovers by itself',
    async (state) => {
      const counted = (within: readonly Try[], outcome: Try['outcome']) =>
        within.filter((one) => one.outcome === outcome).length
      const recovered = ({ scene, outcome }: Try) => scene === 2 && outcome === 'consent'
      const atMost = { forMs: 60_000 }
      const scenes = [
        { ...atMost, state: 'up', until: (within: readonly Try[]) => counted(within, 'consent') >= 3 },
        {
          ...atMost,
          state,
          until: (within: readonly Try[]) =>
            within.some(({ outcome, banner }) => outcome === 'refused at once' && banner),
        },
        { ...atMost, state: 'up', until: (within: readonly Try[]) => within.some(recovered) },
      ] as const
      const tries = await play(stage, wire, authorize, { seats: 4, scenes })
      const failed = tries.filter(({ outcome }) => outcome !== 'consent')
      const atOnce = failed.filter(({ outcome }) => outcome === 'refused at once')
      expect(atOnce.some(({ banner }) => banner)).toBe(true)
      expect(new Set(atOnce.map(({ code }) => code))).toEqual(new Set(['RAIL_UNAVAILABLE']))
      expect(failed.every(({ code }) => code === 'RAIL_UNAVAILABLE' || code === 'RAIL_TIMEOUT')).toBe(true)
      expect(tries.some(recovered)).toBe(true)
      expect(stage.logs()).toContain('upstream paused')
      expect(stage.logs()).toContain('upstream asked again')
    },
    240_000,
  )
})
