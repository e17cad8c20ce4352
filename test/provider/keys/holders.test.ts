import { execFile, execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, compactVerify, importJWK } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { signingAlgs } from '../../../src/provider/keys/algorithms.ts'
import { createFileHolder } from '../../../src/provider/keys/file-holder.ts'
import { type KeyHolder, probe, thumbprint } from '../../../src/provider/keys/key-holder.ts'
import { createKeySet } from '../../../src/provider/keys/key-set.ts'
import { createSealedHolder } from '../../../src/provider/keys/sealed-holder.ts'
import { createTransitHolder } from '../../../src/provider/keys/transit-holder.ts'
import type { SigningAlg, SigningKeyStore, StoredSigningKey } from '../../../src/provider/stores.ts'
import { parseKeyRing } from '../../../src/vault/key-ring.ts'
import { createVault } from '../../../src/vault/sealed-vault.ts'
import { bareEnvironment } from '../../support/environment.ts'
import { startTransit, type Transit } from '../../support/transit.ts'
import { memoryStore } from '../../vault/memory-store.ts'

const run = promisify(execFile)
const folder = mkdtempSync(path.join(tmpdir(), 'dwar-holders-'))
afterAll(() => rmSync(folder, { recursive: true }))

const NEW_KEYS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  EdDSA: () => generateKeyPairSync('ed25519').privateKey,
}
const newPem = (alg: SigningAlg) => String(NEW_KEYS[alg]().export({ type: 'pkcs8', format: 'pem' }))

let files = 0
function keyFile(content: string, mode = 0o600): string {
  files += 1
  const file = path.join(folder, `keys-${files}`)
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}
const allPem = () => signingAlgs.map(newPem).join('')

let transit: Transit
beforeAll(async () => {
  transit = await startTransit()
})
afterAll(() => transit.close())
beforeEach(() => {
  transit.fault = undefined
})

const transitHolder = (more: Partial<Parameters<typeof createTransitHolder>[0]> = {}) =>
  createTransitHolder({
    url: transit.url,
    mount: 'transit',
    prefix: 'dwar',
    timeoutMs: 20_000,
    token: () => transit.token,
    ...more,
  })

const HOLDERS: Record<string, () => KeyHolder> = {
  sealed: () =>
    createSealedHolder(createVault(parseKeyRing(`k:${Buffer.alloc(32, 1).toString('base64')}`), memoryStore())),
  file: () => createFileHolder(keyFile(allPem())),
  transit: () => transitHolder(),
}

async function made(holder: KeyHolder, alg: SigningAlg): Promise<StoredSigningKey> {
  const key = await holder.make(alg, [])
  if (!key) throw new Error('no key')
  return {
    ...key,
    alg,
    state: 'current',
    holder: holder.kind,
    createdAt: 0,
    dueAt: undefined,
    activatedAt: 0,
    retiredAt: undefined,
    endsAt: undefined,
  }
}

describe.each(Object.keys(HOLDERS))('Key holder: %s', (kind) => {
  it.each(signingAlgs)('signs %s as a JWS wants it, by the word of jose (RFC 7515 §5.2)', async (alg) => {
    const holder = (HOLDERS[kind] as () => KeyHolder)()
    const key = await made(holder, alg)
    const { publicJwk, sign } = await holder.open(key)
    const head = Buffer.from(JSON.stringify({ alg })).toString('base64url')
    const text = `${head}.${Buffer.from('{"a":1}').toString('base64url')}`
    const signature = Buffer.from(await sign(Buffer.from(text))).toString('base64url')
    await compactVerify(`${text}.${signature}`, await importJWK(publicJwk as never, alg))
    expect(publicJwk).toEqual(key.publicJwk)
    expect(Object.keys(publicJwk).toSorted().join()).toMatch(/^(e,kty,n|crv,kty,x,y|crv,kty,x)$/)
  })
})

/** What the engine is given of one key. */
const keySetOf = (holder: KeyHolder, key: StoredSigningKey, onFault: (error: unknown) => void = () => undefined) =>
  createKeySet({
    store: { list: async () => [key] } as unknown as SigningKeyStore,
    holders: { [holder.kind]: holder },
    clock: () => 0,
    warn: (_kid, error) => onFault(error),
  })

describe('Key file', () => {
  it.each([
    ['others may read', allPem(), 0o604],
    ['its group may write', allPem(), 0o620],
    ['lacks an algorithm', newPem('RS256') + newPem('ES256'), 0o600],
    ['holds no keys', 'hello', 0o600],
    ['is no JWK Set', '{"keys":[{"kty":"EC"}]}', 0o600],
    [
      'holds a short RSA key',
      allPem() +
        String(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' })),
      0o600,
    ],
  ])('is refused when it %s', (_case, content, mode) => {
    const file = keyFile(content, mode)
    expect(() => createFileHolder(file)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  it('may be read by a group: platforms hand it over so', () => {
    expect(createFileHolder(keyFile(allPem(), 0o640)).kind).toBe('file')
  })

  it('gives the key after the one that signs, and never one before it', async () => {
    const pem = allPem()
    const file = keyFile(pem)
    const holder = createFileHolder(file)
    const first = await holder.make('ES256', [])
    expect(await holder.make('ES256', [first?.kid ?? ''])).toBeUndefined()
    writeFileSync(file, pem + newPem('ES256'))
    const second = await holder.make('ES256', [first?.kid ?? ''])
    expect(second?.kid).not.toBe(first?.kid)
    expect(await holder.make('ES256', [second?.kid ?? ''])).toBeUndefined()
  })

  it('is a JWK Set too, whose kids stand', async () => {
    const keys = signingAlgs.map((alg) => ({ ...NEW_KEYS[alg]().export({ format: 'jwk' }), kid: `mine-${alg}` }))
    const holder = createFileHolder(keyFile(JSON.stringify({ keys })))
    expect(await holder.make('EdDSA', [])).toMatchObject({ kid: 'mine-EdDSA' })
  })

  it('gives no key that was used before, whoever held the keys meanwhile', async () => {
    const file = keyFile(allPem())
    const holder = createFileHolder(file)
    const first = await holder.make('ES256', [])
    expect(await holder.make('ES256', [first?.kid ?? '', 'of-another-holder'])).toBeUndefined()
  })

  const refusal = (text: string) =>
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(text) })

  it('says that it is not there, or is no file', () => {
    expect(() => createFileHolder(path.join(folder, 'nowhere'))).toThrow(refusal('there is no such file'))
    expect(() => createFileHolder(folder)).toThrow(refusal('no file'))
  })

  it('is no pipe, which would be waited for for ever', async () => {
    const pipe = path.join(folder, 'pipe')
    execFileSync('mkfifo', ['-m', '600', pipe])
    // In a process of its own, which can be ended should it wait.
    const script = `import { createFileHolder } from '${new URL('../../../src/provider/keys/file-holder.ts', import.meta.url)}'
      try { createFileHolder(process.argv[1]) } catch ({ code, message }) { console.log(JSON.stringify({ code, message })) }`
    const args = ['--input-type=module', '--eval', script, pipe]
    const { stdout } = await run(process.execPath, args, { env: bareEnvironment, timeout: 30_000 })
    expect(JSON.parse(stdout)).toEqual(refusal('no file'))
  })

  it('may be a link, as platforms hand it over, and is judged by what it leads to', () => {
    const linkTo = (target: string) => {
      const link = `${target}.link`
      symlinkSync(target, link)
      return link
    }
    expect(createFileHolder(linkTo(keyFile(allPem()))).kind).toBe('file')
    const open = linkTo(keyFile(allPem(), 0o604))
    expect(() => createFileHolder(open)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  it('is read up to the last whole key while another one is being appended', async () => {
    const pem = allPem()
    const file = keyFile(pem)
    const holder = createFileHolder(file)
    const first = await made(holder, 'ES256')
    const next = newPem('ES256')
    writeFileSync(file, pem + next.slice(0, 80))
    expect(await holder.make('ES256', [first.kid])).toBeUndefined()
    expect((await holder.open(first)).publicJwk).toEqual(first.publicJwk)
    writeFileSync(file, pem + next)
    expect(await holder.make('ES256', [first.kid])).toBeDefined()
  })

  it('that is gone, or half written, does not let its keys sign, and they stay published', async () => {
    const keys = signingAlgs.map((alg) => ({ ...NEW_KEYS[alg]().export({ format: 'jwk' }), kid: `own-${alg}` }))
    const text = JSON.stringify({ keys })
    const file = keyFile(text)
    const holder = createFileHolder(file)
    const key = await made(holder, 'ES256')
    const load = async () => {
      const [held] = await keySetOf(holder, key).load()
      const signed = Promise.resolve(held?.sign(Buffer.from('x')))
      return { kid: held?.kid, signed: await signed.catch((error: { code: string }) => error.code) }
    }
    expect((await load()).signed).toBeInstanceOf(Uint8Array)
    writeFileSync(file, text.slice(0, 50))
    expect(await load()).toEqual({ kid: 'own-ES256', signed: 'KEY_HOLDER_UNAVAILABLE' })
    rmSync(file)
    expect(await load()).toEqual({ kid: 'own-ES256', signed: 'KEY_HOLDER_UNAVAILABLE' })
  })

  it('does not sign with another key that took the kid of one we publish', async () => {
    const of = () =>
      JSON.stringify({
        keys: signingAlgs.map((alg) => ({ ...NEW_KEYS[alg]().export({ format: 'jwk' }), kid: `own-${alg}` })),
      })
    const file = keyFile(of())
    const holder = createFileHolder(file)
    const key = await made(holder, 'ES256')
    writeFileSync(file, of())
    const faults: unknown[] = []
    const [held] = await keySetOf(holder, key, (error) => void faults.push(error)).load()
    expect(faults).toEqual([expect.objectContaining({ code: 'KEY_HOLDER_UNAVAILABLE' })])
    expect((await held?.keyObject())?.export({ format: 'jwk' })).toMatchObject(key.publicJwk as object)
    await expect(held?.sign(Buffer.from('x'))).rejects.toMatchObject({ code: 'KEY_HOLDER_UNAVAILABLE' })
  })

  it.each(signingAlgs)('names a %s key without a kid by its thumbprint (RFC 7638 §3)', async (alg) => {
    const jwk = NEW_KEYS[alg]().export({ format: 'jwk' })
    expect(thumbprint(jwk)).toBe(await calculateJwkThumbprint(jwk as never))
  })
})

describe('Key management service', () => {
  it('never has its private halves asked for, nor an exportable key made', async () => {
    transit.calls.length = 0
    const holder = transitHolder()
    const key = await made(holder, 'ES256')
    await (await holder.open(key)).sign(Buffer.from('x'))
    expect(key.sealedPrivateJwk).toBeUndefined()
    expect(transit.calls).toEqual([
      `POST /v1/transit/keys/dwar-${key.kid}`,
      `GET /v1/transit/keys/dwar-${key.kid}`,
      `POST /v1/transit/sign/dwar-${key.kid}/sha2-256`,
    ])
  })

  it.each([
    ['is gone', { kind: 'gone', path: /./ }],
    ['is sealed', { kind: 'sealed', path: /./ }],
    ['refuses us', { kind: 'forbidden', path: /./ }],
    ['signs with another key than it shows', { kind: 'other-key', path: /sign/ }],
  ] as const)('is KEY_HOLDER_UNAVAILABLE when it %s', async (_case, fault) => {
    const holder = transitHolder()
    const key = await made(holder, 'ES256')
    transit.fault = fault
    const outcome = holder.open(key).then((opened) => probe('ES256', opened))
    await expect(outcome).rejects.toMatchObject({ code: 'KEY_HOLDER_UNAVAILABLE' })
  })

  it('is asked once more when the connection breaks, and not when it refuses', async () => {
    const holder = transitHolder()
    const { sign } = await holder.open(await made(holder, 'ES256'))
    for (const [kind, calls] of [
      ['gone', 2],
      ['sealed', 2],
      ['forbidden', 1],
    ] as const) {
      transit.calls.length = 0
      transit.fault = { kind, path: /sign/ }
      await expect(sign(Buffer.from('x'))).rejects.toMatchObject({ code: 'KEY_HOLDER_UNAVAILABLE' })
      expect([kind, transit.calls.length]).toEqual([kind, calls])
    }
  })

  it('never has its token in an error', async () => {
    const holder = transitHolder({ token: () => 'a-token-that-is-wrong' })
    const error = await holder.make('ES256', []).catch((caught: unknown) => caught)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('a-token-that-is-wrong')
  })
})
