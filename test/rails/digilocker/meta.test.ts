import { createHash, createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGuard } from '../../../src/rails/digilocker/guard.ts'
import { createSend } from '../../../src/rails/digilocker/http.ts'
import { createMetaClient } from '../../../src/rails/digilocker/meta.ts'
import { digiLockerSettings, type GivenSettings, type MetaDigest } from '../../../src/rails/digilocker/settings.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { PLAIN } from '../../simulator/support/walk.ts'
import { testPki } from '../../support/pki.ts'

const NOW = Math.floor(Date.parse('2026-11-24T06:30:00Z') / 1000)
const credentials = { clientId: PLAIN.clientId, clientSecret: PLAIN.clientSecret }
const agent = new Agent()

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ pki: await testPki(new Date(NOW * 1000)), clients: [PLAIN], now: () => NOW })
})
beforeEach(() => simulator.reset())
afterAll(async () => {
  await agent.close()
  await simulator.close()
})

function meta(given: GivenSettings = {}, now = NOW) {
  const settings = digiLockerSettings({ baseUrl: simulator.url, ...given })
  const guard = createGuard(settings, () => undefined)
  const clock = () => now
  const randomBytes = (size: number) => new Uint8Array(size)
  return createMetaClient(settings, createSend(settings, { dispatcher: agent, clock, randomBytes, guard }), clock)
}

describe('meta APIs of DigiLocker — digilocker-api.md §11', () => {
  it('give issuers, their documents, what they want to know, and counts', async () => {
    const client = meta()
    const issuers = await client.issuers(credentials)
    expect(issuers).toMatchObject({
      kind: 'answered',
      value: expect.arrayContaining([expect.objectContaining({ orgId: '002202' })]),
    })
    expect(await client.doctypes('002202', credentials)).toEqual({ kind: 'answered', value: ['DRVLC', 'RVCER'] })
    const parameters = { kind: 'answered', value: ['panno', 'PANFullName'] }
    expect(await client.parameters('001891', 'PANCR', credentials)).toEqual(parameters)
    simulator.setFaults([{ quirk: 'parameters-array' }])
    expect(await client.parameters('001891', 'PANCR', credentials)).toEqual(parameters)
    expect(await client.statistics(credentials)).toMatchObject({ kind: 'answered', value: { users: '20' } })
  })

  it.each([
    ['another secret', {}, { ...credentials, clientSecret: 'another' }, NOW, 'digest'],
    ['another form of digest', { metaDigest: 'base64' as const }, credentials, NOW, 'digest'],
    ['an unknown client', {}, { ...credentials, clientId: 'NOBODY' }, NOW, 'client-id'],
    ['a clock that is half an hour off', {}, credentials, NOW + 1801, 'time'],
  ])('say what is wrong with %s', async (_case, given, who, now, fault) => {
    expect(await meta(given, now).issuers(who)).toEqual({ kind: 'refused', fault })
  })

  it('say which org id or doctype there is not', async () => {
    expect(await meta().doctypes('999999', credentials)).toEqual({ kind: 'refused', fault: 'org-id' })
    expect(await meta().parameters('001891', 'DRVLC', credentials)).toEqual({ kind: 'refused', fault: 'doctype' })
  })

  it.each([
    [530, 'RAIL_UNAVAILABLE'],
    [500, 'RAIL_UNAVAILABLE'],
    [429, 'RAIL_UNAVAILABLE'],
  ])('that fail with %i are %s, asked once', async (status, code) => {
    simulator.setFaults([{ endpoint: 'issuers', status }])
    await expect(meta().issuers(credentials)).rejects.toMatchObject({ code })
    expect(simulator.requestCounts().issuers).toBe(1)
  })

  it('that answer with a page or with nothing readable are refused without quoting it', async () => {
    simulator.setFaults([{ endpoint: 'issuers', status: 200, body: 'html' }])
    await expect(meta().issuers(credentials)).rejects.toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
    simulator.setFaults([{ endpoint: 'issuers', status: 404, body: 'html' }])
    await expect(meta().issuers(credentials)).rejects.toMatchObject({
      code: 'RAIL_UNAVAILABLE',
      message: 'issuers: the upstream answered 404',
    })
  })

  it('take their paths from the settings', async () => {
    const client = meta({ paths: { statistics: '/public/oauth2/1/pull/issuers' } })
    await expect(client.statistics(credentials)).rejects.toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
    expect(simulator.requestCounts()).toEqual({ issuers: 1 })
  })
})

describe('what goes over the wire, seen from the other side', () => {
  const signed = (orgId = '') => `${PLAIN.clientId}${orgId}${NOW}`
  const plain = (encoding: 'hex' | 'base64') =>
    createHash('sha256')
      .update(PLAIN.clientSecret + signed())
      .digest(encoding)
  const keyed = (encoding: 'hex' | 'base64') =>
    createHmac('sha256', PLAIN.clientSecret).update(signed()).digest(encoding)

  it.each<[MetaDigest, string]>([
    ['hex', plain('hex')],
    ['base64', plain('base64')],
    ['keyed-hex', keyed('hex')],
    ['keyed-base64', keyed('base64')],
  ])('%s: the form, the time in seconds and never the secret', async (metaDigest, digest) => {
    const bodies: string[] = []
    const server = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (chunk: string) => bodies.push(chunk))
      request.on('end', () => response.end('{"issuers":[]}'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const baseUrl = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await meta({ baseUrl, metaDigest }).issuers(credentials)
    server.closeAllConnections()
    server.close()
    expect(Object.fromEntries(new URLSearchParams(bodies.join('')))).toEqual({
      clientid: PLAIN.clientId,
      ts: String(NOW),
      hmac: digest,
    })
    expect(bodies.join('')).not.toContain(PLAIN.clientSecret)
  })
})
