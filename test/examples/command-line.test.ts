import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshPostgresUrl } from '../support/databases.ts'
import {
  type Example,
  type ExampleClient,
  type ExampleStage,
  newCitizen,
  openExampleStage,
  registerExample,
  signIn,
  signInUpTo,
  startExample,
} from './kit.ts'

const makeUrl = freshPostgresUrl()

describe('examples/oauth4webapi', () => {
  let stage: ExampleStage
  let client: ExampleClient
  beforeAll(async () => {
    stage = await openExampleStage(await makeUrl())
    client = await registerExample('oauth4webapi', stage, 0)
  })
  afterAll(() => stage?.close())

  /** Its port is another each time. */
  const atTheApp = ({ pathname }: URL) => pathname === '/callback'
  const start = () => startExample('oauth4webapi', stage, { client })

  /** It ends by itself, with a code that scripts can go by. */
  async function ended({ child, output }: Example): Promise<{ code: number | null; last: string }> {
    if (child.exitCode === null) await once(child, 'exit')
    return { code: child.exitCode, last: output().replace(/^Open .*\n/m, '') }
  }

  it('prints who signed in, and ends', async () => {
    const example = await start()
    const citizen = newCitizen()
    const page = await signIn(citizen, await citizen.get(example.url))
    expect([page.status, page.url.hostname, page.html]).toEqual([200, '127.0.0.1', 'You can close this window.\n'])
    const { code, last } = await ended(example)
    expect(code).toBe(0)
    expect(JSON.parse(last)).toMatchObject({
      age_over_18: true,
      verified_claims: { verification: { trust_framework: 'in_digilocker' }, claims: { name: 'Asha Verma' } },
    })
  })

  it('shares one request with the browser: what it asks for stands in no address (RFC 9126)', async () => {
    const example = await start()
    expect([...new URL(example.url).searchParams.keys()]).toEqual(['client_id', 'request_uri'])
    await example.close()
  })

  it('hears of a no, and ends with 1', async () => {
    const example = await start()
    const citizen = newCitizen()
    await signIn(citizen, await citizen.get(example.url), /^refuse$/)
    expect(await ended(example)).toEqual({ code: 1, last: 'not signed in: access_denied\n' })
  })

  it('refuses an answer of another state or issuer, and goes on waiting for the right one', async () => {
    const example = await start()
    const citizen = newCitizen()
    const { answer } = await signInUpTo(citizen, atTheApp, new URL(example.url))
    for (const [name, value] of [
      ['state', 'of-somebody-else'],
      ['iss', 'https://evil.example'],
    ] as const) {
      const forged = new URL(answer)
      forged.searchParams.set(name, value)
      expect((await citizen.get(forged)).status).toBe(400)
    }
    expect(example.child.exitCode).toBeNull()
    expect((await citizen.get(answer)).status).toBe(200)
    expect((await ended(example)).code).toBe(0)
  })

  it('refuses another code, and ends with 1', async () => {
    const example = await start()
    const citizen = newCitizen()
    const { answer } = await signInUpTo(citizen, atTheApp, new URL(example.url))
    answer.searchParams.set('code', 'made-up')
    await citizen.get(answer)
    expect(await ended(example)).toEqual({ code: 1, last: 'not signed in: invalid_grant\n' })
  })
})
