import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DoctorParts, describeFindings, examine } from '../../src/cli/doctor.ts'
import { readConfig } from '../../src/config/config.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { UPSTREAM } from '../support/stage.ts'

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
    ['no issued list', { DIGILOCKER_SCOPES: 'userdetails' }, 'scopes', 'files.issueddocs is not asked for'],
    ['a document that our claims need', { DIGILOCKER_DOCTYPES: 'ADHAR,PANCR' }, 'doctypes', 'not approved: DRVLC'],
    ['a pull that is not approved', { DIGILOCKER_PULL: 'RVCER=1' }, 'pull', 'RVCER is pulled but not approved'],
    ['unchecked id_tokens', { DIGILOCKER_TOKEN_VERSION: '2' }, 'id-token', 'tls-only'],
    ['an hmac that nobody looks at', { DIGILOCKER_HMAC: 'off' }, 'hmac', 'not looked at'],
    ['a port where nobody listens', { DIGILOCKER_BASE_URL: 'http://127.0.0.1:1' }, 'reachable', 'ECONNREFUSED'],
    ['a setting that cannot be', { DIGILOCKER_BREAKER: 'threshold=9' }, 'settings', 'breaker.threshold'],
  ])('explains %s', async (_case, env, code, says) => {
    const findings = await look(env)
    expect(findings).toContainEqual(expect.objectContaining({ code, says: expect.stringContaining(says) }))
    expect(findings.every(({ next }) => (next ?? '').length > 10)).toBe(true)
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
