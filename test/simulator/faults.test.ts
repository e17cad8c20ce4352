import { createHmac, createPublicKey, type JsonWebKey, verify, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PERSONAS } from '../../src/simulator/personas.ts'
import { QUIRKS, type QuirkName } from '../../src/simulator/quirks.ts'
import type { FaultRule, Rule } from '../../src/simulator/rules.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { testPki } from '../support/pki.ts'
import { judgeByXmlCrypto } from './support/judges.ts'
import * as walk from './support/walk.ts'

const NOW = Date.parse('2026-11-24T06:30:00Z') / 1000
let simulator: Simulator

beforeAll(async () => {
  simulator = await startSimulator({
    pki: await testPki(new Date(NOW * 1000)),
    clients: [walk.PLAIN, walk.OIDC],
    now: () => NOW,
  })
})
beforeEach(() => simulator.reset())
afterAll(() => simulator.close())

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

/** Logs in, sets the rules, and fetches the driving licence. */
async function licenceUnder(rules: Rule[]) {
  const token = await walk.login(simulator)
  simulator.setFaults(rules)
  const reply = await walk.get(simulator, walk.xmlPath(walk.uriOf(token.scope, 'DRVLC')), token.access_token)
  return { token, reply, body: await bytesOf(reply) }
}

const underQuirk = (quirk: QuirkName) => licenceUnder([{ quirk }])
const judge = (body: Buffer, pem = simulator.pki.signer.certificatePem) => judgeByXmlCrypto(body, pem)
const leafOf = (body: Buffer) =>
  new X509Certificate(Buffer.from(/<X509Certificate>([^<]+)/.exec(body.toString())?.[1] ?? '', 'base64'))

describe('quirks of signed documents', () => {
  it('unsigned-xml: there is no signature', async () => {
    const { body } = await underQuirk('unsigned-xml')
    expect(body.toString()).toMatch(/^<\?xml[^>]*>\n<Certificate .*<\/Certificate>$/)
    expect(body.toString()).not.toContain('Signature')
  })

  it('tampered-xml: the signature no longer holds, while hmac does', async () => {
    const { body, reply } = await underQuirk('tampered-xml')
    expect(body.toString()).toContain('name="Somebody Else"')
    expect(judge(body)).toBeUndefined()
    const hmac = createHmac('sha256', walk.PLAIN.clientSecret).update(body).digest('base64')
    expect(reply.headers.get('hmac')).toBe(hmac)
  })

  it('wrong-signer: holds under its own certificate, which has the right names and another root', async () => {
    const { body } = await underQuirk('wrong-signer')
    const leaf = leafOf(body)
    expect(judge(body, leaf.toString())).toBeDefined()
    expect(leaf.subject).toBe(new X509Certificate(simulator.pki.signer.certificateDer).subject)
    expect(leaf.verify(new X509Certificate(simulator.pki.subCa.der).publicKey)).toBe(false)
  })

  it('other-company-signer: holds, chains to the same root, and is not the signer to trust', async () => {
    const { body } = await underQuirk('other-company-signer')
    const leaf = leafOf(body)
    expect(judge(body, leaf.toString())).toBeDefined()
    expect(leaf.verify(new X509Certificate(simulator.pki.subCa.der).publicKey)).toBe(true)
    const trusted = simulator.trust.signers.map(({ name }) => name)
    expect(leaf.subject).toContain('SOME OTHER COMPANY')
    expect(trusted.some((name) => leaf.subject.includes(`CN=${name}`))).toBe(false)
  })

  it('expired-signer: holds under a listed signer whose certificate ended', async () => {
    const { body } = await underQuirk('expired-signer')
    const former = simulator.trust.signers[1]
    expect(judge(body, former?.certificatePem)).toBeDefined()
    expect(Date.parse(former?.notAfter ?? '') / 1000).toBeLessThan(NOW)
    expect(leafOf(body).validToDate.toISOString()).toBe(former?.notAfter)
  })

  it('negd-chain and rsa-sha256: hold, with four certificates, with the newer algorithm', async () => {
    const old = await underQuirk('negd-chain')
    expect(old.body.toString().match(/<X509Certificate>/g)).toHaveLength(4)
    expect(judge(old.body)).toBeDefined()
    const newer = await underQuirk('rsa-sha256')
    expect(newer.body.toString()).toContain('xmldsig-more#rsa-sha256')
    expect(judge(newer.body)).toBeDefined()
  })

  it('second-signature and doctype-declared: show what they say', async () => {
    const second = await underQuirk('second-signature')
    expect(second.body.toString().match(/<Signature /g)).toHaveLength(2)
    const declared = await underQuirk('doctype-declared')
    expect(declared.body.toString()).toContain('\n<!DOCTYPE Certificate>\n<Certificate ')
  })

  it('other-doctype: a genuine document of another type', async () => {
    const { body } = await underQuirk('other-doctype')
    expect(judge(body)).toBeDefined()
    expect(body.toString()).not.toContain('type="DRVLC"')
  })

  it('twelve-digit-uid: e-Aadhaar is not masked, and the digits are nobody’s', async () => {
    const token = await walk.login(simulator)
    simulator.setFaults([{ quirk: 'twelve-digit-uid' }])
    const body = await bytesOf(await walk.get(simulator, walk.EAADHAAR, token.access_token))
    expect(body.toString()).toMatch(/ uid="0\d{11}"/)
    expect(judge(body)).toBeDefined()
  })

  it('hmac-wrong and hmac-missing: the header is there and wrong, or not there', async () => {
    const wrong = await underQuirk('hmac-wrong')
    const right = createHmac('sha256', walk.PLAIN.clientSecret).update(wrong.body).digest('base64')
    expect(wrong.reply.headers.get('hmac')).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    expect(wrong.reply.headers.get('hmac')).not.toBe(right)
    expect((await underQuirk('hmac-missing')).reply.headers.has('hmac')).toBe(false)
  })

  it('pdf-only, xml-as-text and file-as-octet-stream: other types, or none', async () => {
    expect((await underQuirk('pdf-only')).reply.status).toBe(404)
    const { reply, token } = await underQuirk('xml-as-text')
    expect(reply.headers.get('content-type')).toBe('text/plain')
    simulator.setFaults([{ quirk: 'file-as-octet-stream' }])
    const file = await walk.get(simulator, walk.filePath(walk.uriOf(token.scope, 'DRVLC')), token.access_token)
    expect(file.headers.get('content-type')).toBe('application/octet-stream')
  })
})

describe('quirks of the journey and of JSON', () => {
  it.each<[QuirkName, 'allow' | 'deny', Record<string, string | null>]>([
    ['deny-without-state', 'deny', { error: 'access_denied', state: null }],
    ['user-loggedout', 'allow', { error: 'user_loggedout', error_description: 'user', code: null }],
  ])('%s', async (quirk, decision, expected) => {
    simulator.setFaults([{ quirk }])
    const { searchParams } = await walk.walkToCallback(simulator, { decision })
    for (const [name, value] of Object.entries(expected)) expect(searchParams.get(name)).toBe(value)
  })

  it.each(['allow', 'deny'] as const)('wrong-state: comes back with another state on %s', async (decision) => {
    simulator.setFaults([{ quirk: 'wrong-state' }])
    const state = (await walk.walkToCallback(simulator, { decision })).searchParams.get('state')
    expect(state).toBeTruthy()
    expect(state).not.toBe(walk.STATE)
  })

  it.each<[QuirkName, string, string]>([
    ['consent-valid-till-number', 'consent_valid_till', 'number'],
    ['consent-valid-till-string', 'consent_valid_till', 'string'],
    ['consent-valid-till-missing', 'consent_valid_till', 'undefined'],
    ['numbers-as-strings', 'expires_in', 'string'],
  ])('%s: %s is a %s', async (quirk, member, type) => {
    simulator.setFaults([{ quirk }])
    for (const client of [walk.PLAIN, walk.OIDC]) {
      expect(typeof (await walk.login(simulator, { client }))[member]).toBe(type)
    }
  })

  it('name-empty: in the token and in user details', async () => {
    simulator.setFaults([{ quirk: 'name-empty' }])
    const token = await walk.login(simulator)
    const user = (await (await walk.get(simulator, walk.USER, token.access_token)).json()) as { name: string }
    expect([token.name, user.name]).toEqual(['', ''])
  })

  it('refresh-without-rotation: no new refresh token, and the old one stays good', async () => {
    const token = await walk.login(simulator)
    simulator.setFaults([{ quirk: 'refresh-without-rotation' }])
    for (const _try of [1, 2]) {
      const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token.refresh_token ?? '' })
      form.set('client_id', walk.PLAIN.clientId)
      form.set('client_secret', walk.PLAIN.clientSecret)
      const reply = await walk.post(simulator, '/public/oauth2/1/token', form)
      expect(reply.status).toBe(200)
      expect(await reply.json()).not.toHaveProperty('refresh_token')
    }
  })

  it('id-token-missing, -wrong-key and -wrong-audience', async () => {
    const under = async (quirk: QuirkName) => {
      simulator.setFaults([{ quirk }])
      return (await walk.login(simulator, { client: walk.OIDC })).id_token
    }
    expect(await under('id-token-missing')).toBeUndefined()
    const [header, payload, signature = ''] = (await under('id-token-wrong-key'))?.split('.') ?? []
    const key = createPublicKey({ key: simulator.trust.idToken.jwks.keys[0] as JsonWebKey, format: 'jwk' })
    const signed = Buffer.from(`${header}.${payload}`)
    expect(verify('sha256', signed, key, Buffer.from(signature, 'base64url'))).toBe(false)
    const claims = Buffer.from((await under('id-token-wrong-audience'))?.split('.')[1] ?? '', 'base64url')
    expect(JSON.parse(claims.toString())).toMatchObject({ aud: 'ANOTHERCLIENT' })
  })

  it.each<[QuirkName, Record<string, unknown>]>([
    ['mime-string', { mime: 'application/xml' }],
    ['mime-array', { mime: ['application/pdf', 'application/xml'] }],
    ['mime-upper-case', { mime: ['APPLICATION/PDF', 'APPLICATION/XML'] }],
    ['pdf-only', { mime: ['application/pdf'] }],
    ['date-slashes', { date: '02/11/2019' }],
    ['date-hyphens', { date: '02-11-2019' }],
  ])('%s in the issued list', async (quirk, expected) => {
    const token = await walk.login(simulator, { documents: ['PANCR'] })
    simulator.setFaults([{ quirk }])
    const list = await (await walk.get(simulator, walk.ISSUED, token.access_token)).json()
    expect(list).toMatchObject({ items: [expected] })
  })

  it('items-missing: the list is an empty object', async () => {
    const token = await walk.login(simulator)
    simulator.setFaults([{ quirk: 'items-missing' }])
    expect(await (await walk.get(simulator, walk.ISSUED, token.access_token)).json()).toEqual({})
  })
})

describe('faults of endpoints — digilocker-api.md §12', () => {
  it.each<[Partial<FaultRule>, string, string]>([
    [{ status: 401 }, 'application/json', 'invalid_token'],
    [{ status: 403 }, 'application/json', 'insufficient_scope'],
    [{ status: 404, error: 'aadhaar_not_available' }, 'application/json', 'aadhaar_not_available'],
    [{ status: 429, retryAfterSeconds: 7 }, 'application/json', 'too_many_requests'],
    [{ status: 500, body: 'html' }, 'text/html; charset=utf-8', 'unexpected_error'],
    [{ status: 530 }, 'application/json', 'repository_service_unresponsive'],
    [{ status: 530, body: 'html' }, 'text/html; charset=utf-8', 'repository_service_unresponsive'],
  ])('answers %o', async (fault, type, error) => {
    const { reply, body } = await licenceUnder([{ endpoint: 'xml', ...fault }])
    expect([reply.status, reply.headers.get('content-type')]).toEqual([fault.status, type])
    expect(body.toString()).toContain(error)
    expect(reply.headers.get('retry-after')).toBe(fault.retryAfterSeconds ? String(fault.retryAfterSeconds) : null)
  })

  it('answers with an empty body', async () => {
    const { reply, body } = await licenceUnder([{ endpoint: 'xml', status: 530, body: 'empty' }])
    expect([reply.status, body.length]).toEqual([530, 0])
  })

  it('is slow, and then serves as usual', async () => {
    const token = await walk.login(simulator)
    simulator.setFaults([{ endpoint: 'user', delayMs: 60_000 }])
    const path = new URL(walk.USER, simulator.url)
    const headers = { authorization: `Bearer ${token.access_token}` }
    await expect(fetch(path, { headers, signal: AbortSignal.timeout(50) })).rejects.toThrow('timeout')
    simulator.setFaults([{ endpoint: 'user', delayMs: 1 }])
    expect((await fetch(path, { headers })).status).toBe(200)
  })

  it('holds for the next requests only, when told how many', async () => {
    const token = await walk.login(simulator)
    simulator.setFaults([{ endpoint: 'user', status: 500, times: 2 }])
    const statuses = []
    for (const _try of [1, 2, 3]) statuses.push((await walk.get(simulator, walk.USER, token.access_token)).status)
    expect(statuses).toEqual([500, 500, 200])
  })

  it('holds for one persona or one doctype only, when told which', async () => {
    const token = await walk.login(simulator)
    simulator.setFaults([
      { endpoint: 'xml', status: 530, doctype: 'PANCR' },
      { endpoint: 'user', status: 530, persona: 'bala' },
    ])
    const status = async (path: string) => (await walk.get(simulator, path, token.access_token)).status
    expect(await status(walk.xmlPath(walk.uriOf(token.scope, 'PANCR')))).toBe(530)
    expect(await status(walk.xmlPath(walk.uriOf(token.scope, 'DRVLC')))).toBe(200)
    expect(await status(walk.USER)).toBe(200)
    const bala = await walk.login(simulator, { persona: 'bala' })
    expect((await walk.get(simulator, walk.USER, bala.access_token)).status).toBe(530)
  })

  it('reaches the token endpoint by persona and tells refresh from exchange', async () => {
    simulator.setFaults([{ endpoint: 'token', persona: 'bala', status: 500 }])
    await walk.login(simulator)
    await expect(walk.login(simulator, { persona: 'bala' })).rejects.toThrow('500')
    simulator.setFaults([{ endpoint: 'refresh', status: 500 }])
    await walk.login(simulator)
  })

  it('shows a page where a person looks', async () => {
    simulator.setFaults([{ endpoint: 'authorize', status: 500 }])
    const reply = await new walk.Browser().open(walk.authorizeUrl(simulator))
    expect([reply.status, reply.headers.get('content-type')]).toEqual([500, 'text/html; charset=utf-8'])
  })

  it('ends with clearFaults', async () => {
    simulator.setFaults([{ endpoint: 'authorize', status: 500 }])
    simulator.clearFaults()
    expect((await new walk.Browser().open(walk.authorizeUrl(simulator))).status).toBe(303)
  })
})

describe('the control port', () => {
  const control = (path: string, init?: RequestInit) => fetch(new URL(path, simulator.controlUrl), init)
  const put = (value: unknown) =>
    control('/control/faults', {
      method: 'PUT',
      body: JSON.stringify(value),
      headers: { 'content-type': 'application/json' },
    })

  it('hands out what to trust', async () => {
    const trust = (await (await control('/control/trust')).json()) as Simulator['trust']
    expect(trust).toEqual(JSON.parse(JSON.stringify(simulator.trust)))
    expect(trust.signers[0]).toMatchObject({
      fingerprint: simulator.pki.signer.fingerprint,
      name: 'DS DIGILOCKER SIMULATOR 1',
    })
    expect(trust.anchors).toMatchObject([{ certificatePem: simulator.pki.root.pem }])
    expect(JSON.stringify(trust)).not.toMatch(/PRIVATE|"d":/)
  })

  it('lists personas with their PINs, and every quirk', async () => {
    const { personas } = (await (await control('/control/personas')).json()) as {
      personas: { id: string; pin: string }[]
    }
    expect(personas.map(({ id }) => id)).toEqual(PERSONAS.map(({ id }) => id))
    const { quirks } = (await (await control('/control/quirks')).json()) as { quirks: object }
    expect(Object.keys(quirks)).toEqual(Object.keys(QUIRKS))
  })

  it('sets, shows and removes faults', async () => {
    const rules = [
      { quirk: 'hmac-missing', persona: 'asha', times: 1 },
      { endpoint: 'xml', status: 530 },
    ]
    expect((await put({ rules })).status).toBe(200)
    expect(await (await control('/control/faults')).json()).toEqual({ rules })
    expect((await control('/control/faults', { method: 'DELETE' })).status).toBe(200)
    expect(await (await control('/control/faults')).json()).toEqual({ rules: [] })
  })

  it.each<[string, unknown]>([
    ['an unknown quirk', { rules: [{ quirk: 'nope' }] }],
    ['an unknown endpoint', { rules: [{ endpoint: 'nope', status: 500 }] }],
    ['an unknown persona', { rules: [{ quirk: 'hmac-wrong', persona: 'zorro' }] }],
    ['an unknown member', { rules: [{ endpoint: 'xml', colour: 'red' }] }],
    ['a status that is none', { rules: [{ endpoint: 'xml', status: 42 }] }],
    ['a rule about nothing', { rules: [{ times: 1 }] }],
    ['no list', { quirks: ['hmac-wrong'] }],
    ['no object', 'hmac-wrong'],
  ])('refuses %s and keeps what was in force', async (_case, value) => {
    simulator.setFaults([{ quirk: 'hmac-missing' }])
    expect((await put(value)).status).toBe(400)
    expect(await (await control('/control/faults')).json()).toEqual({ rules: [{ quirk: 'hmac-missing' }] })
  })

  it('counts requests by name and logs no value', async () => {
    const token = await walk.login(simulator)
    await walk.get(simulator, walk.xmlPath(walk.uriOf(token.scope, 'PANCR')), token.access_token)
    await walk.get(simulator, walk.EAADHAAR, token.access_token)
    const requests = await (await control('/control/requests')).json()
    expect(requests).toMatchObject({ counts: { authorize: 1, signin: 2, consent: 2, token: 1, xml: 1, eaadhaar: 1 } })
    const text = JSON.stringify(requests)
    expect(text).toContain('"doctype":"PANCR"')
    expect(text).not.toMatch(/[0-9a-f]{32}|ZZAPV|Asha|asha/)
  })

  it('forgets everything on reset', async () => {
    const token = await walk.login(simulator)
    simulator.setFaults([{ quirk: 'hmac-missing' }])
    expect((await control('/control/reset', { method: 'POST' })).status).toBe(200)
    expect(await (await control('/control/requests')).json()).toEqual({ counts: {}, log: [] })
    expect(await (await control('/control/faults')).json()).toEqual({ rules: [] })
    expect((await walk.get(simulator, walk.USER, token.access_token)).status).toBe(401)
  })

  it('does not answer on the public port', async () => {
    for (const path of ['/control/trust', '/control/personas', '/control/faults']) {
      expect((await fetch(new URL(path, simulator.url))).status).toBe(404)
    }
  })

  it('refuses a body that a page elsewhere could send', async () => {
    const init = { method: 'PUT', body: '{"rules":[]}', headers: { 'content-type': 'text/plain' } }
    expect((await control('/control/faults', init)).status).toBe(415)
    const crossSite = { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } }
    expect((await control('/control/reset', crossSite)).status).toBe(403)
  })
})
