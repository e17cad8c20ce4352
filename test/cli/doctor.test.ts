import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toAppNeeds } from '../../src/admin/app-needs.ts'
import type { ClientView } from '../../src/admin/clients.ts'
import { askStore, type DoctorParts, describeFindings, examine } from '../../src/cli/doctor.ts'
import { operate } from '../../src/cli/operate.ts'
import { readConfig } from '../../src/config/config.ts'
import { createLog } from '../../src/log.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { registration, UPSTREAM } from '../support/stage.ts'

const NOW = () => Math.floor(Date.now() / 1000)

describe('dwar doctor', () => {
  let simulator: Simulator
  let good: Record<string, string>

  beforeAll(async () => {
    simulator = await startSimulator({
      rootBits: 2048,
      clients: [
        {
          ...UPSTREAM,
          redirectUris: ['http://localhost:4000/callback/digilocker'],
          scopes: ['files.issueddocs', 'userdetails'],
          openid: false,
          doctypes: ['ADHAR', 'PANCR', 'DRVLC'],
        },
      ],
    })
    good = {
      DWAR_ENV: 'test',
      DWAR_ISSUER: 'http://localhost:4000',
      DWAR_VAULT_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
      DWAR_INDEX_SECRET: 'i'.repeat(40),
      DWAR_COOKIE_KEYS: 'c'.repeat(40),
      DIGILOCKER_BASE_URL: simulator.url.origin,
      DIGILOCKER_CLIENT_ID: UPSTREAM.clientId,
      DIGILOCKER_CLIENT_SECRET: UPSTREAM.clientSecret,
    }
  })
  afterAll(() => simulator.close())

  const look = async (env: Record<string, string> = {}, parts: Partial<DoctorParts> = {}) => {
    const findings = await examine(readConfig({ ...good, ...env }), {
      clock: NOW,
      credentials: { previousKept: false, changedAt: undefined },
      probe: true,
      ...parts,
    })
    return findings.filter(({ severity, code }) => severity !== 'fine' && code !== 'signer')
  }

  it('finds nothing wrong with settings that fit, and says what it looked at', async () => {
    expect(await look()).toEqual([])
    const all = await examine(readConfig(good), { clock: NOW, credentials: undefined, probe: true })
    expect(all.map(({ code }) => code)).toEqual(
      expect.arrayContaining([
        'redirect-uri',
        'scopes',
        'doctypes',
        'secret',
        'reachable',
        'clock',
        'authorize',
        'credentials',
      ]),
    )
  })

  it.each([
    [
      'an unregistered redirect URI',
      { DWAR_ISSUER: 'http://localhost:4999' },
      'authorize',
      'redirect URI is not registered',
    ],
    ['an unknown client id', { DIGILOCKER_CLIENT_ID: 'NOBODY' }, 'authorize', 'client id is unknown'],
    ['a scope that is not ticked', { DIGILOCKER_SCOPES: 'files.issueddocs email' }, 'authorize', 'scope is not ticked'],
    [
      'a document type that is not approved',
      { DIGILOCKER_DOCTYPES: 'ADHAR,PANCR,DRVLC,RVCER' },
      'authorize',
      'not approved',
    ],
    [
      'a wrong secret',
      { DIGILOCKER_CLIENT_SECRET: 'another-secret-of-mine' },
      'credentials',
      'does not know this id and secret',
    ],
    ['the wrong token version', { DIGILOCKER_TOKEN_VERSION: '2' }, 'token-version', 'the other version'],
    [
      'openid with version 1',
      { DIGILOCKER_SCOPES: 'openid files.issueddocs', DIGILOCKER_TOKEN_VERSION: '1' },
      'token-version',
      'openid is asked for',
    ],
    [
      'a digest in another form than DigiLocker takes',
      { DIGILOCKER_META_DIGEST: 'keyed-base64' },
      'meta',
      'digest as hex',
    ],
    [
      'a wrong secret without a person',
      { DIGILOCKER_CLIENT_SECRET: 'another-secret-of-mine' },
      'meta',
      'secret is wrong',
    ],
    ['a client id that meta APIs do not know', { DIGILOCKER_CLIENT_ID: 'NOBODY' }, 'meta', 'not know this client id'],
    [
      'a pull from no issuer',
      { DIGILOCKER_PULL: 'DRVLC=999999' },
      'pull',
      'DRVLC is pulled from 999999, which is no issuer',
    ],
    ['a pull from the wrong issuer', { DIGILOCKER_PULL: 'DRVLC=001891' }, 'pull', '001891 has no DRVLC'],
    ['no issued list', { DIGILOCKER_SCOPES: 'userdetails' }, 'scopes', 'files.issueddocs is not asked for'],
    ['a document that our claims need', { DIGILOCKER_DOCTYPES: 'ADHAR,PANCR' }, 'doctypes', 'not approved: DRVLC'],
    ['a pull that is not approved', { DIGILOCKER_PULL: 'RVCER=1' }, 'pull', 'RVCER is pulled but not approved'],
    ['unchecked id_tokens', { DIGILOCKER_TOKEN_VERSION: '2' }, 'id-token', 'tls-only'],
    ['an hmac that nobody looks at', { DIGILOCKER_HMAC: 'off' }, 'hmac', 'not looked at'],
    ['a port where nobody listens', { DIGILOCKER_BASE_URL: 'http://127.0.0.1:1' }, 'reachable', 'ECONNREFUSED'],
    ['a setting that cannot be', { DIGILOCKER_BREAKER: 'threshold=9' }, 'settings', 'breaker.threshold'],
    [
      'a proxy that anybody can pretend to be',
      { DWAR_BEHIND_PROXY: 'true' },
      'proxies',
      'may say from where they call',
    ],
    ['https that nobody speaks', { DWAR_ISSUER: 'https://id.example.in' }, 'proxies', 'no proxy is known of'],
  ])('explains %s', async (_case, env, code, says) => {
    const findings = await look(env)
    expect(findings).toContainEqual(expect.objectContaining({ code, says: expect.stringContaining(says) }))
    expect(findings.every(({ next }) => (next ?? '').length > 10)).toBe(true)
  })

  it('has nothing to say of proxies that are named', async () => {
    const findings = await look({
      DWAR_ISSUER: 'https://id.example.in',
      DWAR_BEHIND_PROXY: 'true',
      DWAR_TRUSTED_PROXIES: '10.0.0.0/24',
    })
    expect(findings.filter(({ code }) => code === 'proxies')).toEqual([])
  })

  it('says that what is pulled can be had', async () => {
    const findings = await examine(readConfig({ ...good, DIGILOCKER_PULL: 'DRVLC=002202,PANCR=001891' }), {
      clock: NOW,
      credentials: undefined,
      probe: true,
    })
    expect(findings.filter(({ code }) => code === 'pull')).toEqual([
      expect.objectContaining({ severity: 'fine', says: 'DRVLC is had from 002202' }),
      expect.objectContaining({ severity: 'fine', says: 'PANCR is had from 001891' }),
    ])
  })

  it('tells a wrong secret from meta APIs that are away, and from a clock that is off', async () => {
    const metaOf = async (parts: Partial<DoctorParts> = {}) =>
      (await look({}, parts)).find(({ code }) => code === 'meta')
    simulator.setFaults([{ endpoint: 'issuers', status: 530 }])
    expect(await metaOf()).toMatchObject({ severity: 'warning', says: expect.stringContaining('not answered') })
    simulator.clearFaults()
    expect(await metaOf({ clock: () => NOW() + 3600 })).toMatchObject({
      severity: 'fault',
      says: expect.stringContaining('our time'),
    })
    expect(await metaOf()).toBeUndefined()
  })

  it.each([
    ['hex', []],
    ['base64', [{ quirk: 'meta-digest-base64' as const }]],
    ['keyed-hex', [{ quirk: 'meta-digest-keyed' as const }]],
    ['keyed-base64', [{ quirk: 'meta-digest-keyed' as const }, { quirk: 'meta-digest-base64' as const }]],
  ])('finds out that DigiLocker takes the digest as %s', async (digest, rules) => {
    simulator.setFaults(rules)
    const before = await look({ DIGILOCKER_META_DIGEST: digest === 'hex' ? 'base64' : 'hex' })
    expect(before).toEqual([expect.objectContaining({ code: 'meta', next: `Set DIGILOCKER_META_DIGEST=${digest}.` })])
    expect(await look({ DIGILOCKER_META_DIGEST: digest })).toEqual([])
    simulator.clearFaults()
  })

  it.each([
    [40, 'warning'],
    [-400, 'fault'],
  ])('says that this machine’s clock is %i seconds off: a %s', async (seconds, severity) => {
    const findings = await look({}, { clock: () => NOW() + seconds })
    expect(findings).toContainEqual(expect.objectContaining({ code: 'clock', severity }))
  })

  it('says when a rotation has lasted too long, and when there is no secret at all', async () => {
    const changedAt = new Date((NOW() - 8 * 86_400) * 1000).toISOString()
    expect(await look({}, { credentials: { previousKept: true, changedAt } })).toEqual([
      expect.objectContaining({ code: 'secret', severity: 'warning' }),
    ])
    const without = await look({ DIGILOCKER_CLIENT_SECRET: '' }, { credentials: undefined, probe: false })
    expect(without).toContainEqual(expect.objectContaining({ code: 'secret', severity: 'fault' }))
  })

  it('says that DigiLocker itself fails', async () => {
    const server = createServer((_request, response) => response.writeHead(530).end('<html>'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const findings = await look({ DIGILOCKER_BASE_URL: `http://127.0.0.1:${port}` })
    server.close()
    expect(findings).toContainEqual(expect.objectContaining({ code: 'authorize', severity: 'fault' }))
  })

  it('never prints the secret', async () => {
    const findings = await look({ DIGILOCKER_CLIENT_SECRET: 'another-secret-of-mine', DIGILOCKER_TOKEN_VERSION: '2' })
    expect(describeFindings(findings) + JSON.stringify(findings)).not.toContain('another-secret')
  })

  it('says that no signer of today is trusted: nobody publishes it', async () => {
    const findings = await examine(readConfig(good), { clock: NOW, credentials: undefined, probe: false })
    expect(findings).toContainEqual(expect.objectContaining({ code: 'signer', severity: 'fault' }))
  })
})

describe('dwar doctor and the registered apps', () => {
  const env = () => ({
    DWAR_ENV: 'test',
    DWAR_ISSUER: 'http://localhost:4000',
    DWAR_VAULT_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
    DWAR_INDEX_SECRET: 'i'.repeat(40),
    DWAR_COOKIE_KEYS: 'c'.repeat(40),
    DIGILOCKER_BASE_URL: 'http://127.0.0.1:1',
    DIGILOCKER_CLIENT_ID: UPSTREAM.clientId,
  })
  const view = (purpose: Record<string, string>, scope: string): ClientView => ({
    client_id: 'c_1',
    metadata: { scope, dwar: { purpose } },
    has_secret: true,
    created_at: 0,
    updated_at: 0,
  })
  const look = async (views: readonly ClientView[], more: Record<string, string> = {}) => {
    const findings = await examine(readConfig({ ...env(), ...more }), {
      clock: NOW,
      credentials: undefined,
      probe: false,
      apps: views.map(toAppNeeds),
    })
    return findings.filter(({ code }) => code.startsWith('app'))
  }

  it('is content with an app whose purpose and scopes fit', async () => {
    const app = view({ en: 'Age-check (18+), for scooters!' }, 'openid profile phone driving_licence')
    expect(await look([app])).toEqual([expect.objectContaining({ code: 'apps', severity: 'fine' })])
  })

  it.each([
    ['no English purpose', { hi: 'आयु' }, 'openid', {}, 'fault', 'app-purpose', 'no purpose that DigiLocker takes'],
    ['words that are lost', { en: 'Check आयु for you' }, 'openid', {}, 'warning', 'app-purpose', '“Check for you”'],
    [
      'a scope whose document is not approved',
      { en: 'To rent' },
      'openid driving_licence',
      { DIGILOCKER_DOCTYPES: 'ADHAR,PANCR' },
      'warning',
      'app-scopes',
      'driving_licence, which comes from DRVLC',
    ],
  ])('names an app with %s', async (_case, purpose, scope, more, severity, code, says) => {
    expect(await look([view(purpose as Record<string, string>, scope)], more as Record<string, string>)).toEqual([
      expect.objectContaining({ severity, code, says: expect.stringContaining(says) }),
    ])
  })

  it('says nothing of a claim that an account can answer too, or another document', async () => {
    const app = view({ en: 'To rent' }, 'openid profile age_over_18')
    expect(await look([app], { DIGILOCKER_DOCTYPES: 'DRVLC' })).toEqual([expect.objectContaining({ severity: 'fine' })])
  })

  it('says that the database could not be opened, and then looks at no app', async () => {
    const config = readConfig({ ...env(), DWAR_DATABASE_URL: 'postgres://127.0.0.1:1/nobody' })
    const stored = await askStore(config)
    expect(stored).toEqual({ credentials: undefined, apps: 'unreachable' })
    const findings = await examine(config, { clock: NOW, probe: false, ...stored })
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'apps',
        severity: 'warning',
        says: expect.stringContaining('could not be opened'),
      }),
    )
  })

  it('reads them from a real database, with and without credentials in it', { timeout: 240_000 }, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dwar-doctor-'))
    const on = (more: Record<string, string> = {}) =>
      readConfig({ ...env(), DWAR_DATABASE_URL: `pglite:${path.join(folder, 'db')}`, ...more })
    await operate(on(), createLog('silent'), 'client add', { registration, id: 'c_real' })
    expect(await askStore(on())).toMatchObject({
      credentials: undefined,
      apps: [{ id: 'c_real', purpose: registration.dwar.purpose.en }],
    })
    const withSecret = await askStore(on({ DIGILOCKER_CLIENT_SECRET: UPSTREAM.clientSecret }))
    expect(withSecret).toMatchObject({ credentials: { previousKept: false }, apps: [{ id: 'c_real' }] })
    expect(JSON.stringify(withSecret)).not.toContain(UPSTREAM.clientSecret)
    await rm(folder, { recursive: true })
  })
})
