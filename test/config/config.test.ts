import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { ConfigError, type Env } from '../../src/config/env.ts'
import { Secret } from '../../src/config/secrets.ts'

const good: Env = {
  DWAR_ENV: 'production',
  DWAR_ISSUER: 'https://id.example.in',
  DWAR_DATABASE_URL: 'postgres://dwar@db/dwar',
  DWAR_VAULT_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  DWAR_INDEX_SECRET: randomBytes(32).toString('hex'),
  DWAR_COOKIE_KEYS: randomBytes(32).toString('hex'),
  DWAR_CONTACT: 'dpo@example.in',
  DIGILOCKER_CLIENT_ID: 'ABCDEFGH',
  DIGILOCKER_CLIENT_SECRET: randomBytes(20).toString('hex'),
}

const faultsOf = (env: Env): readonly string[] => {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

describe('configuration', () => {
  it('reads a complete production environment', () => {
    expect(readConfig(good)).toMatchObject({
      environment: 'production',
      port: 4000,
      digilocker: { profile: 'current', hmacPolicy: 'verify-if-present' },
    })
  })

  it('names every fault at once', () => {
    const faults = faultsOf({
      DWAR_ENV: 'production',
      DWAR_ISSUER: 'http://id.example.in/path',
      DWAR_PORT: '99999',
      DIGILOCKER_HMAC: 'maybe',
    })
    for (const name of [
      'DWAR_ISSUER',
      'DWAR_PORT',
      'DIGILOCKER_HMAC',
      'DWAR_VAULT_KEYS',
      'DWAR_INDEX_SECRET',
      'DWAR_COOKIE_KEYS',
      'DIGILOCKER_CLIENT_ID',
    ])
      expect(
        faults.some((fault) => fault.startsWith(name)),
        name,
      ).toBe(true)
  })

  it.each<[string, Env, string]>([
    ['an http issuer', { DWAR_ISSUER: 'http://id.example.in' }, 'DWAR_ISSUER must be https here'],
    [
      'the embedded database',
      { DWAR_DATABASE_URL: 'pglite:data' },
      'DWAR_DATABASE_URL must name a PostgreSQL server here',
    ],
    ['an http upstream', { DIGILOCKER_BASE_URL: 'http://dl.example' }, 'DIGILOCKER_BASE_URL must be https'],
    [
      'the simulator by address',
      { DIGILOCKER_BASE_URL: 'https://localhost:4002' },
      'DIGILOCKER_BASE_URL names a simulator',
    ],
    ['the simulator by client', { DIGILOCKER_CLIENT_ID: 'DWARDEMO' }, 'DIGILOCKER_CLIENT_ID is the simulator'],
    [
      'a demo secret',
      { DIGILOCKER_CLIENT_SECRET: 'demo-upstream-secret' },
      'DIGILOCKER_CLIENT_SECRET looks like a default',
    ],
    ['a short cookie key', { DWAR_COOKIE_KEYS: 'short' }, 'DWAR_COOKIE_KEYS must have at least 32'],
    ['a short index secret', { DWAR_INDEX_SECRET: 'short' }, 'DWAR_INDEX_SECRET must have at least 32'],
    ['unchecked transport', { DIGILOCKER_HMAC: 'off' }, 'DIGILOCKER_HMAC must not be off'],
    ['nobody to ask', { DWAR_CONTACT: '' }, 'DWAR_CONTACT is missing'],
    ['a missing key', { DWAR_VAULT_KEYS: undefined }, 'DWAR_VAULT_KEYS is missing'],
    ['a misspelt setting', { DWAR_ISUER: 'x' }, 'DWAR_ISUER is not a setting of Dwar'],
  ])('production refuses %s', (_case, change, fault) => {
    expect(faultsOf({ ...good, ...change }).filter((one) => one.startsWith(fault))).toHaveLength(1)
  })

  it('needs configuration alone to go from sandbox to production', () => {
    const sandbox = readConfig({ ...good, DWAR_ENV: 'sandbox', DIGILOCKER_BASE_URL: 'https://sandbox.example' })
    const production = readConfig(good)
    expect(Object.keys(sandbox)).toEqual(Object.keys(production))
    expect(sandbox.digilocker.baseUrl?.origin).toBe('https://sandbox.example')
    expect(production.digilocker.baseUrl).toBeUndefined()
  })

  it.each([
    ['DIGILOCKER_TIMEOUTS', 'token=15,nothing=3', 'must name only connect, token, user'],
    ['DIGILOCKER_TIMEOUTS', 'token=soon', 'must give token a number'],
    ['DIGILOCKER_CLIENT_AUTH', 'token=magic', 'must give token one of post, basic, none'],
    ['DIGILOCKER_CLIENT_AUTH', 'user=post', 'must name only token, refresh, revoke'],
    ['DIGILOCKER_PATHS', '/public', 'must be name=value pairs'],
    ['DIGILOCKER_BREAKER', 'calls', 'must be name=value pairs'],
  ])('names variable and member of a table that is wrong: %s=%s', (name, value, fault) => {
    expect(faultsOf({ ...good, [name]: value })).toEqual([expect.stringContaining(`${name} ${fault}`)])
  })

  it('believes addresses that proxies write only where there are proxies', () => {
    const behind = { ...good, DWAR_BEHIND_PROXY: 'true', DWAR_TRUSTED_PROXIES: '10.0.0.0/24, ::1' }
    expect(readConfig(behind)).toMatchObject({ behindProxy: true, trustedProxies: ['10.0.0.0/24', '::1'] })
    expect(faultsOf({ ...behind, DWAR_BEHIND_PROXY: 'false' })).toEqual([
      'DWAR_TRUSTED_PROXIES does nothing without DWAR_BEHIND_PROXY',
    ])
    expect(faultsOf({ ...behind, DWAR_TRUSTED_PROXIES: 'proxy.example' })).toEqual([
      expect.stringContaining('must be IP addresses or networks'),
    ])
  })

  it('takes certificates of clients from a listed proxy only (RFC 8705 §6.5)', () => {
    const header = { DWAR_CLIENT_CERTIFICATE_HEADER: 'X-Client-Cert' }
    expect(faultsOf({ ...good, ...header })).toEqual([
      expect.stringContaining('DWAR_CLIENT_CERTIFICATE_PROXIES is missing'),
    ])
    const proxies = { ...header, DWAR_CLIENT_CERTIFICATE_PROXIES: '10.0.0.0/24 ::1' }
    expect(readConfig({ ...good, ...proxies }).clientCertificates).toEqual({
      header: 'x-client-cert',
      format: 'pem',
      verifiedHeader: undefined,
      proxies: ['10.0.0.0/24', '::1'],
    })
    for (const network of ['proxy.example', '10.0.0.0/33', '1.2.3', '::1/129', '10.0.0.1/8/8'])
      expect(faultsOf({ ...good, ...header, DWAR_CLIENT_CERTIFICATE_PROXIES: network })).toEqual([
        expect.stringContaining('must be IP addresses or networks'),
      ])
    expect(faultsOf({ ...good, DWAR_MTLS_ISSUER: 'https://mtls.example.in' })).toEqual([
      expect.stringContaining('does nothing without DWAR_CLIENT_CERTIFICATE_HEADER'),
    ])
    expect(faultsOf({ ...good, ...proxies, DWAR_MTLS_ISSUER: 'http://mtls.example.in' })).toEqual([
      'DWAR_MTLS_ISSUER must be https here',
    ])
  })

  it('never prints a secret, in faults or in the configuration itself', () => {
    const config = readConfig(good)
    const secrets = [good.DWAR_VAULT_KEYS, good.DWAR_INDEX_SECRET, good.DWAR_COOKIE_KEYS, good.DIGILOCKER_CLIENT_SECRET]
    const printed = [
      inspect(config, { depth: 9 }),
      JSON.stringify(config),
      `${config.vaultKeys}`,
      ...faultsOf({ ...good, DWAR_PORT: 'x' }),
    ].join()
    for (const secret of secrets) expect(printed).not.toContain(secret)
    expect(new Secret('tell').reveal()).toBe('tell')
  })
})
