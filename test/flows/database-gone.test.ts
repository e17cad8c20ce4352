import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import { Citizen } from '../support/citizen.ts'
import { freshPostgresUrl } from '../support/databases.ts'
import { execute } from '../support/postgres.ts'
import { openStage, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

const freshUrl = freshPostgresUrl()

describe('the database goes away in the middle of a login', () => {
  let stage: Stage
  let database: Database
  let name: string
  let authorize: URL

  beforeAll(async () => {
    const url = await freshUrl()
    name = new URL(url.replace(/^postgres:\/\/[^/]*/, 'postgres://x')).pathname.slice(1).split('?')[0] ?? ''
    database = await openDatabase({ url })
    stage = await openStage(database)
    const { client_id } = await stage.addClient()
    authorize = new URL('/authorize', stage.issuer)
    authorize.search = new URLSearchParams({
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid pan',
      state: 'rp-state',
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
    }).toString()
  })
  afterAll(async () => {
    await stage.close()
    await database.close()
  })

  const allow = (yes: boolean) =>
    execute(inject('postgresUrl'), `alter database ${name} with allow_connections ${yes}`).then(() =>
      yes
        ? undefined
        : execute(
            inject('postgresUrl'),
            `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
          ),
    )

  it('says so with a code and an incident id, crashes nothing, and goes on where it stood when it is back', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const consent = await signInAtDigiLocker(citizen, await citizen.get(authorize), 'asha')
    await allow(false)
    const failed = await citizen.submit(consent, /^share$/)
    expect(failed.status).toBe(503)
    expect(failed.html).toContain('STORE_UNAVAILABLE')
    expect(failed.html).toMatch(/DW-[0-9A-Z]{4}-[0-9A-Z]{4}/)
    expect((await fetch(new URL('/health/ready', stage.issuer))).status).toBe(503)
    expect((await fetch(new URL('/health/live', stage.issuer))).status).toBe(200)
    const token = await fetch(new URL('/token', stage.issuer), {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('nobody:nothing')}` },
      body: new URLSearchParams({ grant_type: 'authorization_code', code: 'x', redirect_uri: REDIRECT_URI }),
    })
    expect(token.status).toBeGreaterThanOrEqual(500)
    expect(await token.json()).toMatchObject({
      error: expect.stringMatching(/^(server_error|temporarily_unavailable)$/),
    })
    await allow(true)
    expect((await fetch(new URL('/health/ready', stage.issuer))).status).toBe(200)
    const done = await citizen.submit(await citizen.get(consent.url), /^share$/)
    expect(done.url.searchParams.get('code')).toBeTruthy()
    expect(done.url.searchParams.get('state')).toBe('rp-state')
  })
})
