import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../adapters/database.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { addRelyingApp } from '../support/relying-app.ts'
import { newSecrets, openStage, type Stage } from '../support/stage.ts'
import { startTransit, type Transit } from '../support/transit.ts'

const LEAD = 6
const pem = () =>
  String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }))
const allPem = () =>
  [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('ed25519')]
    .map(({ privateKey }) => String(privateKey.export({ type: 'pkcs8', format: 'pem' })))
    .join('') + pem()

describeOnEachDatabase('Signing keys that change hands', (open) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dwar-hands-'))
  const keyFile = path.join(folder, 'keys.pem')
  let database: Database
  let transit: Transit
  let stage: Stage | undefined
  let secrets: Record<string, string>
  let offset: number

  beforeAll(async () => {
    transit = await startTransit()
    writeFileSync(path.join(folder, 'token'), transit.token)
    return async () => {
      await transit.close()
      rmSync(folder, { recursive: true })
    }
  })
  afterEach(async () => {
    await stage?.close()
    stage = undefined
  })

  async function begin(): Promise<void> {
    database = await open()
    secrets = newSecrets()
    offset = 0
    writeFileSync(keyFile, allPem(), { mode: 0o600 })
  }

  /** The issuer, started with these settings in place of those before. */
  async function start(holder: string, change: Record<string, string> = {}): Promise<Stage> {
    await stage?.close()
    stage = await openStage(database, {
      secrets: { ...secrets, ...change },
      clock: () => Math.floor(Date.now() / 1000) + offset,
      env: {
        DWAR_KEY_HOLDER: holder,
        DWAR_KEY_LEAD_SECONDS: String(LEAD),
        DWAR_SIGNING_KEY_FILE: keyFile,
        DWAR_TRANSIT_URL: transit.url.href,
        DWAR_TRANSIT_TOKEN_FILE: path.join(folder, 'token'),
      },
    })
    return stage
  }

  async function rotate({ app }: Stage): Promise<void> {
    await app.keys.turn()
    offset += LEAD + 1
    await app.keys.rotate({ alg: 'ES256' })
  }

  async function idToken(on: Stage): Promise<string> {
    const app = await addRelyingApp(on, { id_token_signed_response_alg: 'ES256' })
    const { callback, verifier } = await app.authorized()
    return ((await (await app.exchange(callback, verifier)).json()) as { id_token: string }).id_token
  }

  const current = async (on: Stage) =>
    (await on.app.keys.list()).find(({ alg, state }) => alg === 'ES256' && state === 'current')

  /** All of them verify by what is published, and nothing else than public halves is. */
  async function expectPublished(on: Stage, tokens: readonly string[]): Promise<void> {
    const at = new URL('/jwks', on.issuer)
    const jwks = createRemoteJWKSet(at)
    for (const token of tokens) await jwtVerify(token, jwks)
    const { keys } = (await (await fetch(at)).json()) as { keys: Record<string, unknown>[] }
    for (const key of keys)
      expect(
        Object.keys(key).filter((name) => !['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use'].includes(name)),
      ).toEqual([])
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length)
  }

  it('go from a file to a key management service and back; what each has signed still verifies', async () => {
    await begin()
    const filed = await start('file')
    const tokens = [await idToken(filed)]
    const served = await start('transit')
    await rotate(served)
    expect(await current(served)).toMatchObject({ holder: 'transit' })
    tokens.push(await idToken(served))
    await expectPublished(served, tokens)
    const back = await start('file')
    await rotate(back) // the next one was made by the service already
    await expect(rotate(back)).rejects.toMatchObject({ code: 'REQUEST_INVALID' }) // the file’s only key has signed before
    appendFileSync(keyFile, pem())
    await rotate(back)
    expect(await current(back)).toMatchObject({ holder: 'file' })
    tokens.push(await idToken(back))
    await expectPublished(back, tokens)
    expect(new Set(tokens.map((token) => decodeProtectedHeader(token).kid)).size).toBe(3)
  })

  it('do not come back from the file once they were withdrawn', async () => {
    await begin()
    const filed = await start('file')
    const stolen = decodeProtectedHeader(await idToken(filed)).kid
    const served = await start('transit')
    await served.app.keys.turn()
    offset += LEAD + 1
    await served.app.keys.rotate({ alg: 'ES256', now: true })
    const back = await start('file')
    await rotate(back) // the next one was made by the service already
    await back.app.keys.turn()
    expect(await current(back)).toMatchObject({ holder: 'transit' })
    expect((await back.app.keys.list()).map(({ kid }) => kid)).not.toContain(stolen)
  })

  it('go on signing, and what they signed verifies, when the vault’s key was changed and the old one is gone', async () => {
    await begin()
    const [first = '', second = ''] = [newSecrets(), newSecrets()].map(({ DWAR_VAULT_KEYS }) =>
      DWAR_VAULT_KEYS?.slice(3),
    )
    const ring = (...keys: string[]) => ({ DWAR_VAULT_KEYS: keys.join(',') })
    const before = await start('sealed', ring(`k1:${first}`))
    const tokens = [await idToken(before)]
    const during = await start('sealed', ring(`k2:${second}`, `k1:${first}`))
    expect(await during.app.rotateVault()).toBeGreaterThan(0)
    const after = await start('sealed', ring(`k2:${second}`))
    tokens.push(await idToken(after))
    await expectPublished(after, tokens)
    expect(new Set(tokens.map((token) => decodeProtectedHeader(token).kid)).size).toBe(1)
    await rotate(after)
    tokens.push(await idToken(after))
    await expectPublished(after, tokens)
  })
})
