import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { authorizeUrl } from '../support/outage.ts'
import { openStage, REDIRECT_URI, type Stage, sharedPki, signInAtDigiLocker, UPSTREAM } from '../support/stage.ts'

/** Production is another DigiLocker, and a stricter one: nothing of ours but the environment may have to change. */
describe('from one DigiLocker to another', () => {
  const open = freshPGlite()
  let folder: string
  const stages: Stage[] = []

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'dwar-second-'))
  })
  afterAll(async () => {
    for (const stage of stages) {
      await stage.close()
      await stage.simulator.close()
    }
    await rm(folder, { recursive: true })
  })

  const logIn = async (stage: Stage) => {
    stages.push(stage)
    const url = authorizeUrl(stage, (await stage.addClient()).client_id)
    url.searchParams.set('scope', 'openid driving_licence')
    const citizen = new Citizen(REDIRECT_URI)
    const consent = await signInAtDigiLocker(citizen, await citizen.get(url), 'asha')
    expect(consent.html).toContain('MP0020120000000')
    return (await citizen.submit(consent, /^share$/)).url.searchParams.has('code')
  }

  it('works with the lenient one: plain OAuth, every scope and document', async () => {
    expect(await logIn(await openStage(await open()))).toBe(true)
  }, 120_000)

  it('works with the strict one, by configuration alone', async () => {
    const secret = 'the-secret-of-production'
    const scopes = ['openid', 'files.issueddocs', 'userdetails']
    const simulator = await startSimulator({
      pki: await sharedPki(),
      idTokenIssuer: 'https://digilocker.production.example',
      clients: [
        {
          clientId: UPSTREAM.clientId,
          clientSecret: secret,
          redirectUris: [],
          scopes,
          openid: true,
          doctypes: ['DRVLC'],
        },
      ],
    })
    const keys = path.join(folder, 'keys.json')
    await writeFile(keys, JSON.stringify(simulator.trust.idToken.jwks))
    const strict = {
      DIGILOCKER_CLIENT_SECRET: secret,
      DIGILOCKER_SCOPES: scopes.join(' '),
      DIGILOCKER_DOCTYPES: 'DRVLC',
      DIGILOCKER_HMAC: 'require',
      DIGILOCKER_ID_TOKEN_ISSUERS: 'https://digilocker.production.example',
      DIGILOCKER_ID_TOKEN_KEYS: keys,
    }
    expect(await logIn(await openStage(await open(), { simulator, env: strict }))).toBe(true)
  }, 120_000)

  it('does not work with the settings of the lenient one: the strict one is strict', async () => {
    const simulator = await startSimulator({
      pki: await sharedPki(),
      clients: [{ ...UPSTREAM, redirectUris: [], scopes: ['files.issueddocs'], openid: true, doctypes: ['DRVLC'] }],
    })
    const stage = await openStage(await open(), { simulator, env: { DIGILOCKER_DOCTYPES: 'DRVLC' } })
    stages.push(stage)
    const url = authorizeUrl(stage, (await stage.addClient()).client_id)
    const citizen = new Citizen(REDIRECT_URI)
    const page = await signInAtDigiLocker(citizen, await citizen.get(url), 'asha')
    expect(page.html).toContain('RAIL_MISCONFIGURED')
  }, 120_000)
})
