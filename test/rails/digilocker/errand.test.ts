import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { RailErrand, RailSession } from '../../../src/rails/rail.ts'
import {
  CANARY,
  error,
  html,
  issuedBody,
  item,
  json,
  LICENCE_URI,
  NOW,
  need,
  PAN_URI,
  rig,
  type Stage,
  summary,
  tokenBody,
  travel,
  Upstream,
  xml,
} from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
beforeEach(() => upstream.reset())
afterAll(() => upstream.close())

const PULL = { DRVLC: 'org-transport', PANCR: 'org-pan' }
const pullLicence: RailErrand = { kind: 'pull', doctype: 'DRVLC', fields: { dlno: 'XX00 20000000000' } }
const askAgain = (...doctypes: string[]): RailErrand => ({ kind: 'ask-again', doctypes })

/** A journey in which the licence was agreed to as a type and is in no locker yet. */
async function withoutLicence(stage: Stage = {}): Promise<RailSession> {
  upstream.on('token', json({ ...tokenBody, scope: `files.issueddocs issued/${PAN_URI} file.partners/DRVLC` }))
  upstream.on('issued', json({ items: [item(PAN_URI, ['application/xml'])] }))
  const { identity } = await travel(upstream, { needs: [need('DRVLC')], settings: { pull: PULL }, ...stage })
  if (!identity.session) throw new Error('no session was kept')
  upstream.requests.length = 0
  return JSON.parse(JSON.stringify(identity.session)) as RailSession
}

async function run(session: RailSession, errand: RailErrand, stage: Stage = { settings: { pull: PULL } }) {
  await using rail = rig(upstream, stage).rail
  return summary(await rail.run(session, errand))
}

describe('a session is kept only while more can come of it — digilocker-api.md §6.4', () => {
  const kept = async (stage: Stage) => (await travel(upstream, stage)).identity.session !== undefined

  it.each([
    ['everything was had', xml('PANCR'), false],
    ['a repository was down', html(530), true],
    ['a document was not granted', error(403, 'insufficient_scope'), false],
    ['a forgery was served', xml('FORGED'), false],
  ])('%s', async (_case, answer, expected) => {
    upstream.on('xml', answer)
    expect(await kept({ needs: [need('PANCR')] })).toBe(expected)
    expect(upstream.count('revoke')).toBe(expected ? 0 : 1)
  })

  it('a document is not in the locker, and is pulled here', async () => {
    await withoutLicence()
    expect(upstream.count('revoke')).toBe(0)
  })

  it('a document is not in the locker, and is not pulled here: given back', async () => {
    await expect(withoutLicence({ settings: {} })).rejects.toThrow('no session was kept')
    expect(upstream.count('revoke')).toBe(1)
  })

  it('ends with the upstream’s consent', async () => {
    expect((await withoutLicence()).endsAt).toBe(NOW + 30 * 86_400)
  })
})

describe('pulling a document — digilocker-api.md §11', () => {
  it('asks its issuer once, with consent, and reads what it put there', async () => {
    const session = await withoutLicence()
    expect(await run(session, pullLicence)).toEqual(['verified DRVLC'])
    expect(upstream.requests.map(({ endpoint }) => endpoint)).toEqual(['pull', 'xml'])
    const { form, headers } = upstream.last('pull')
    expect(Object.fromEntries(form)).toEqual({
      orgid: 'org-transport',
      doctype: 'DRVLC',
      consent: 'Y',
      dlno: 'XX00 20000000000',
    })
    expect(headers.authorization).toBe(`Bearer ${CANARY.accessToken}`)
  })

  it.each([
    ['waits for a hand', error(400, 'pull_response_pending'), 'absent DRVLC pull-pending'],
    ['found none', error(404, 'record_not_found'), 'absent DRVLC pull-not-found'],
    ['needs a linked Aadhaar', error(400, 'aadhaar_not_linked'), 'absent DRVLC aadhaar-not-linked'],
    ['may not', error(403, 'insufficient_scope'), 'absent DRVLC not-granted'],
    [
      'is misconfigured there',
      error(500, 'repository_service_configerror'),
      'absent DRVLC unavailable RAIL_UNAVAILABLE',
    ],
    ['is unknown there', error(400, 'invalid_orgid'), 'absent DRVLC unavailable RAIL_MISCONFIGURED'],
    ['answers with a page', html(200), 'absent DRVLC unavailable RAIL_UNAVAILABLE'],
    ['names no document', json({}), 'absent DRVLC unavailable RAIL_RESPONSE_INVALID'],
  ])('is told when its issuer %s', async (_case, answer, line) => {
    const session = await withoutLicence()
    upstream.on('pull', answer)
    expect(await run(session, pullLicence)).toEqual([line])
    expect(upstream.count('pull')).toBe(1)
  })

  it('looks into the list again when the document was there all along', async () => {
    const session = await withoutLicence()
    upstream.on('pull', error(400, 'uri_exists'))
    upstream.on('issued', json({ items: [item(LICENCE_URI, ['application/xml'])] }))
    expect(await run(session, pullLicence)).toEqual(['verified DRVLC'])
    expect(upstream.requests.map(({ endpoint }) => endpoint)).toEqual(['pull', 'issued', 'xml'])
  })

  it('refuses another document than the one that was asked for', async () => {
    const session = await withoutLicence()
    upstream.on('pull', json({ uri: PAN_URI }))
    await expect(run(session, pullLicence)).rejects.toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
    expect(upstream.count('xml')).toBe(0)
  })

  it('does not take a forged document for what its office gave', async () => {
    const session = await withoutLicence()
    upstream.on('xml', xml('FORGED'))
    expect(await run(session, pullLicence)).toEqual(['refused DRVLC DOC_SIGNATURE_INVALID'])
  })

  it.each([
    ['the operator does not pull', pullLicence, {}],
    ['the journey did not ask for', { kind: 'pull', doctype: 'PANCR', fields: {} } as const, { pull: PULL }],
    ['the journey did not ask for, asked again', askAgain('PANCR'), { pull: PULL }],
  ])('fetches nothing that %s', async (_case, errand, settings) => {
    const session = await withoutLicence()
    await expect(run(session, errand, { settings })).rejects.toMatchObject({ code: 'RAIL_FORBIDDEN' })
    expect(upstream.requests).toEqual([])
  })

  it('says that the token is good no longer', async () => {
    const session = await withoutLicence()
    upstream.on('pull', error(401, 'invalid_token'))
    await expect(run(session, pullLicence)).rejects.toMatchObject({ code: 'RAIL_UNAUTHORIZED' })
  })
})

describe('asking again for a document whose office did not answer', () => {
  async function withOfficeDown(): Promise<RailSession> {
    upstream.on('xml', html(530))
    const { identity } = await travel(upstream, { needs: [need('PANCR')] })
    upstream.reset()
    return identity.session as RailSession
  }

  it('does not read the list a second time', async () => {
    expect(await run(await withOfficeDown(), askAgain('PANCR'))).toEqual(['verified PANCR'])
    expect(upstream.requests.map(({ endpoint }) => endpoint)).toEqual(['xml'])
  })

  it('reads the list again where it knows nothing of the document, which may have come meanwhile', async () => {
    const session = await withoutLicence()
    upstream.on('issued', json(issuedBody))
    expect(await run(session, askAgain('DRVLC'))).toEqual(['verified DRVLC'])
    expect(upstream.requests.map(({ endpoint }) => endpoint)).toEqual(['issued', 'xml'])
  })

  it('refuses a session that this rail did not make', async () => {
    const session = { ...(await withOfficeDown()), memory: {} }
    await expect(run(session, askAgain('PANCR'))).rejects.toMatchObject({ code: 'RAIL_STATE_MISSING' })
  })
})

describe('renewing and giving back tokens — digilocker-api.md §6.4', () => {
  const tokens = { accessToken: CANARY.accessToken, refreshToken: CANARY.refreshToken, expiresAt: NOW + 10 }

  it('takes the new refresh token, by Basic on version 1 of the endpoint', async () => {
    await using rail = rig(upstream, { settings: { tokenVersion: 2 } }).rail
    expect(await rail.refresh(tokens)).toEqual({
      accessToken: 'renewed-access',
      refreshToken: 'renewed-refresh',
      expiresAt: NOW + 3600,
    })
    const { form, headers, path } = upstream.last('refresh')
    expect([path, form.get('refresh_token'), form.has('client_secret')]).toEqual([
      '/public/oauth2/1/token',
      CANARY.refreshToken,
      false,
    ])
    expect(headers.authorization).toMatch(/^Basic /)
  })

  it('keeps the old refresh token where none comes back', async () => {
    upstream.on('refresh', json({ access_token: 'renewed-access' }))
    await using rail = rig(upstream).rail
    expect(await rail.refresh(tokens)).toMatchObject({ refreshToken: CANARY.refreshToken })
  })

  it.each([
    ['invalid_grant', error(400, 'invalid_grant'), 'RAIL_UNAUTHORIZED'],
    ['invalid_client', error(400, 'invalid_client'), 'RAIL_MISCONFIGURED'],
    ['a 530', html(530), 'RAIL_UNAVAILABLE'],
  ])('sends a refresh once, and says what %s means', async (_case, answer, code) => {
    upstream.on('refresh', answer)
    await using rail = rig(upstream).rail
    await expect(rail.refresh(tokens)).rejects.toMatchObject({ code })
    expect(upstream.count('refresh')).toBe(1)
  })

  it('asks nobody without a refresh token', async () => {
    await using rail = rig(upstream).rail
    const { accessToken, expiresAt } = tokens
    await expect(rail.refresh({ accessToken, expiresAt })).rejects.toMatchObject({ code: 'RAIL_UNAUTHORIZED' })
    expect(upstream.requests).toEqual([])
  })

  it('gives back by the refresh token', async () => {
    await using rail = rig(upstream).rail
    await rail.giveBack(tokens)
    expect(upstream.last('revoke').form.get('token')).toBe(CANARY.refreshToken)
  })
})

describe('what a person types for a pull', () => {
  it.each([
    ['DRVLC', { dlno: ' mh12  20110012345 ' }, { dlno: 'MH12 20110012345' }],
    [
      'PANCR',
      { panno: 'aaaaa0000a', PANFullName: 'Asha d’Souza' },
      { panno: 'AAAAA0000A', PANFullName: 'ASHA D’SOUZA' },
    ],
    [
      'RVCER',
      { reg_no: 'KA 01 AB 0000', chasis_no: 'mat00000000000001' },
      { reg_no: 'KA 01 AB 0000', chasis_no: 'MAT00000000000001' },
    ],
  ])('is brought into the form of its office: %s', async (doctype, typed, read) => {
    await using rail = rig(upstream).rail
    expect(rail.readPullFields(doctype, typed)).toEqual(read)
  })

  it.each([
    ['DRVLC', {}],
    ['DRVLC', { dlno: ['MH1220110012345', 'x'] }],
    ['DRVLC', { dlno: 'MH12&consent=N' }],
    ['DRVLC', { dlno: `MH${'1'.repeat(30)}` }],
    ['PANCR', { panno: 'AAAAA0000A' }],
    ['PANCR', { panno: 'AAAAA0000', PANFullName: 'ASHA' }],
    ['PANCR', { panno: 'AAAAA0000A', PANFullName: '<b>' }],
    ['RVCER', { reg_no: 'KA01', chasis_no: '12' }],
  ])('is refused where it cannot be right: %s %j', async (doctype, typed) => {
    await using rail = rig(upstream).rail
    expect(rail.readPullFields(doctype, typed)).toBeUndefined()
  })

  it('is asked for documents that the operator pulls, and no others', async () => {
    await using rail = rig(upstream, { settings: { pull: { DRVLC: 'x' } } }).rail
    expect(rail.pullFields('DRVLC')).toEqual([{ name: 'dlno', maxLength: 20 }])
    expect([rail.pullFields('PANCR'), rail.pullFields('constructor')]).toEqual([undefined, undefined])
  })

  it.each([{ XYZAB: 'x' }, { DRVLC: '' }, { DRVLC: 'a b' }])('is not configured as %j', (pull) => {
    expect(() => rig(upstream, { settings: { pull } as never })).toThrow(/pull\./)
  })
})
