import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { bareEnvironment } from '../support/environment.ts'
import { newSecrets, openStage, REDIRECT_URI, registration, type Stage, UPSTREAM } from '../support/stage.ts'

const UPSTREAM_OF_SHOP = { add: { acr: 'pan', pla: 'Y' }, drop: ['req_doctype'], service_name: 'Scooters of Pune' }

describe('an app whose requests to DigiLocker differ', () => {
  const open = freshPGlite()
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage(await open())
  })
  afterAll(() => stage.close())

  /** What the browser is sent to DigiLocker with, and what DigiLocker says to that. */
  async function sent(upstream?: object) {
    const dwar = { ...registration.dwar, ...(upstream && { upstream }) }
    const { client_id } = await stage.addClient({ dwar })
    const authorize = new URL('/authorize', stage.issuer)
    authorize.search = new URLSearchParams({
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid driving_licence',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }).toString()
    const citizen = new Citizen(REDIRECT_URI)
    const page = await citizen.submit(await citizen.get(authorize), /continue/i)
    const address = citizen.visited.find(({ pathname }) => pathname.endsWith('/oauth2/1/authorize'))
    return { page, query: address?.searchParams ?? new URLSearchParams() }
  }

  it('sends its own parameters, and DigiLocker shows its service name', async () => {
    const { page, query } = await sent(UPSTREAM_OF_SHOP)
    expect(Object.fromEntries(query)).toMatchObject({ acr: 'pan', pla: 'Y', service_name: 'Scooters of Pune' })
    expect(query.has('req_doctype')).toBe(false)
    expect(page.html).toContain('Scooters of Pune')
  })

  it('changes nothing for the others', async () => {
    const { page, query } = await sent()
    expect([query.get('service_name'), query.get('req_doctype'), query.has('acr')]).toEqual(['Dwar', 'DRVLC', false])
    expect(page.html).toContain('Sign in')
  })

  it('is refused with a parameter that is ours alone', async () => {
    const dwar = { ...registration.dwar, upstream: { add: { state: 'fixed' } } }
    await expect(stage.addClient({ dwar })).rejects.toMatchObject({ code: 'CLIENT_INVALID' })
  })

  it('is registered with `dwar client add`', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dwar-upstream-'))
    const env = {
      ...newSecrets(),
      ...bareEnvironment,
      DWAR_ENV: 'test',
      DWAR_ISSUER: 'http://localhost:4000',
      DWAR_DATABASE_URL: `pglite:${path.join(folder, 'db')}`,
      DIGILOCKER_BASE_URL: 'http://127.0.0.1:1',
      DIGILOCKER_CLIENT_ID: UPSTREAM.clientId,
    }
    const add = (...options: string[]) =>
      promisify(execFile)(
        process.execPath,
        [
          'src/main.ts',
          'client',
          'add',
          '--name',
          'Shop',
          '--redirect-uri',
          REDIRECT_URI,
          '--purpose',
          'To rent',
          ...options,
        ],
        { env },
      )
    const { stdout } = await add(
      ...['--upstream-add', 'acr=pan', 'pla=Y', '--upstream-drop', 'req_doctype'],
      ...['--upstream-service-name', 'Scooters of Pune'],
    )
    expect((JSON.parse(stdout) as { metadata: { dwar: object } }).metadata.dwar).toMatchObject({
      upstream: UPSTREAM_OF_SHOP,
    })
    await expect(add('--upstream-add', 'state=fixed')).rejects.toMatchObject({
      stderr: expect.stringContaining('CLIENT_INVALID'),
    })
    await rm(folder, { recursive: true })
  })
})
