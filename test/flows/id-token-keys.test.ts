import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeIdTokenKey } from '../../src/simulator/id-token.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { Citizen } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { openStage, REDIRECT_URI, sharedPki, signInAtDigiLocker, UPSTREAM } from '../support/stage.ts'

/** A partner with `openid` ticked gets an id_token; whose signature counts is the operator's to say. */
describeOnEachDatabase('DigiLocker’s id_token under configured keys', (open) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dwar-keys-'))
  const scopes = ['openid', 'files.issueddocs', 'userdetails', 'picture', 'email']
  let simulator: Simulator
  beforeAll(async () => {
    simulator = await startSimulator({
      pki: await sharedPki(),
      clients: [{ ...UPSTREAM, redirectUris: [], scopes, openid: true }],
    })
  })
  afterAll(async () => {
    await simulator.close()
    rmSync(folder, { recursive: true })
  })

  /** @returns the page on which the person stands after DigiLocker, and what was logged until then */
  async function signIn(jwks: unknown, keys = path.join(folder, 'keys.json')) {
    writeFileSync(path.join(folder, 'keys.json'), JSON.stringify(jwks))
    const env = { DIGILOCKER_TOKEN_VERSION: '2', DIGILOCKER_SCOPES: scopes.join(' '), DIGILOCKER_ID_TOKEN_KEYS: keys }
    const stage = await openStage(await open(), { simulator, env })
    try {
      const { client_id, client_secret } = await stage.addClient()
      const config = await client.discovery(stage.issuer, client_id, client_secret, undefined, {
        execute: [client.allowInsecureRequests],
      })
      const start = client.buildAuthorizationUrl(config, {
        redirect_uri: REDIRECT_URI,
        scope: 'openid profile',
        code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
        code_challenge_method: 'S256',
      })
      const citizen = new Citizen(REDIRECT_URI)
      const page = await signInAtDigiLocker(citizen, await citizen.get(start), 'asha')
      return { html: page.html, logs: stage.logs() }
    } finally {
      await stage.close()
    }
  }

  it('is believed under the key that signed it', async () => {
    const { html, logs } = await signIn(simulator.trust.idToken.jwks)
    expect(html).toMatch(/name="share"|value="share"/)
    expect(logs).not.toContain('id_token signatures are not checked')
  })

  it('is refused under any other key', async () => {
    const { html } = await signIn({ keys: [(await makeIdTokenKey()).jwk] })
    expect(html).toContain('RAIL_RESPONSE_INVALID')
  })

  it('is told at start to be unchecked where it is', async () => {
    const { html, logs } = await signIn({}, 'tls-only')
    expect(html).toMatch(/name="share"|value="share"/)
    expect(logs).toContain('id_token signatures are not checked')
  })
})
