import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../adapters/database.ts'
import { Citizen } from '../support/citizen.ts'
import { freshPostgres } from '../support/databases.ts'
import { openStage, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

/** A grant that is taken back between the engine's look at it and the statement that would store the code. */
describe('a consent that is withdrawn in the very moment of the return', () => {
  const open = freshPostgres()
  let stage: Stage
  let before: (() => Promise<unknown>) | undefined

  beforeAll(async () => {
    const database = await open()
    const hot: Database['hot'] = async (name, text, values) => {
      if (name === 'request_store') await before?.()
      return database.hot(name, text, values)
    }
    const slowed = new Proxy(database, {
      get: (target, key) => {
        if (key === 'hot') return hot
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    stage = await openStage(slowed)
  })
  afterAll(() => stage.close())

  it('ends on a page that says so, and issues no code', async () => {
    const { client_id } = await stage.addClient()
    const authorize = new URL('/authorize', stage.issuer)
    authorize.search = new URLSearchParams({
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid profile',
      code_challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString()
    const citizen = new Citizen(REDIRECT_URI)
    const consent = await signInAtDigiLocker(citizen, await citizen.get(authorize), 'asha')
    before = () => stage.database.db().deleteFrom('oidc_grant').execute()
    const page = await citizen.submit(consent, /^share$/)
    before = undefined
    expect(page.url.searchParams.has('code')).toBe(false)
    expect(page.status).toBe(400)
    expect(page.html).toContain('role="alert"')
    const codes = stage.database.db().selectFrom('oidc_model').select('model').where('model', '=', 'AuthorizationCode')
    expect(await codes.execute()).toEqual([])
    const events = await stage.app.events.history({ clientId: client_id })
    expect(events.map(({ body }) => body.type)).not.toContain('code.issued')
  })
})
