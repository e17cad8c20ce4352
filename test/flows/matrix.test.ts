import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { getPersona } from '../../src/simulator/personas.ts'
import { QUIRKS, type QuirkName } from '../../src/simulator/quirks.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { refusals } from '../../src/web/refusals.ts'
import { toText } from '../../src/web/render.ts'
import { Citizen, type Page } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { newSecrets, openStage, pinOf, REDIRECT_URI, type Stage, sharedPki, UPSTREAM } from '../support/stage.ts'
import { MATRIX, type MatrixRow } from './matrix.ts'

const english = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../views/locales/en.json'), 'utf8'),
) as Record<string, string>
const text = (key: string) => toText(english[key] ?? `no text ${key}`)
const rows = Object.entries(MATRIX) as [QuirkName, MatrixRow][]

/** One failing row must not pause the upstream for the next. */
const SETTINGS = { DIGILOCKER_BREAKER: 'calls=1000,threshold=0.99' }
/** A minute would be long for a test. Nothing else is hurried: how busy the machine is must not decide a row. */
const HURRIED: Partial<Record<QuirkName, string>> = { 'token-slow': 'token=2', 'document-slow': 'document=2' }
const OIDC_SCOPES = ['openid', 'files.issueddocs', 'userdetails', 'picture', 'email']

describe('a whole login with every quirk and fault of DigiLocker — digilocker-api.md §16', () => {
  const open = freshPGlite()
  const secrets = newSecrets()
  let stage: Stage
  let oidcStage: Stage
  let folder: string
  let clientId: string
  let oidcClientId: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'dwar-matrix-'))
    stage = await openStage(await open(), { env: SETTINGS, secrets })
    const simulator = await startSimulator({
      pki: await sharedPki(),
      clients: [{ ...UPSTREAM, redirectUris: [], scopes: OIDC_SCOPES, openid: true }],
    })
    const keys = path.join(folder, 'keys.json')
    await writeFile(keys, JSON.stringify(simulator.trust.idToken.jwks))
    const oidc = { DIGILOCKER_SCOPES: OIDC_SCOPES.join(' '), DIGILOCKER_ID_TOKEN_KEYS: keys }
    oidcStage = await openStage(await open(), { env: { ...SETTINGS, ...oidc }, simulator })
    clientId = (await stage.addClient()).client_id
    oidcClientId = (await oidcStage.addClient()).client_id
  }, 120_000)
  afterEach(() => {
    stage.simulator.reset()
    oidcStage.simulator.reset()
  })
  afterAll(async () => {
    await stage.close()
    await oidcStage.close()
    await oidcStage.simulator.close()
    await rm(folder, { recursive: true })
  })

  it('is tried for every quirk that there is', () => {
    expect(Object.keys(MATRIX).toSorted()).toEqual(Object.keys(QUIRKS).toSorted())
  })

  it.each(rows)('%s', { timeout: 120_000 }, async (quirk, row) => {
    if (row.openid) return expectOutcome(oidcStage, oidcClientId, quirk, row)
    const timeouts = HURRIED[quirk]
    if (timeouts === undefined) return expectOutcome(stage, clientId, quirk, row)
    const env = { ...SETTINGS, DIGILOCKER_TIMEOUTS: timeouts }
    const hurried = await openStage(stage.database, { env, secrets, simulator: stage.simulator })
    await expectOutcome(hurried, clientId, quirk, row).finally(hurried.close)
  })

  async function expectOutcome(on: Stage, client: string, quirk: QuirkName, row: MatrixRow): Promise<void> {
    const { page, citizen, uid } = await walk(on, client, quirk, row)
    if (row.outcome.page === 'upstream') return expectUpstreamPage(on, page, citizen, uid)
    if (row.outcome.page === 'refusal') await expectRefusal(on, row.outcome.code, page, citizen, uid)
    else await expectConsent(on, row, row.outcome.missing, page, uid)
    expectNoLeak(on, row.persona)
  }

  async function walk(on: Stage, client: string, quirk: QuirkName, row: MatrixRow) {
    const citizen = new Citizen(REDIRECT_URI)
    const start = await citizen.get(authorization(on, client, row.scope ?? 'profile driving_licence'))
    const uid = start.url.pathname.split('/')[2] ?? ''
    if (row.outcome.page === 'upstream') on.simulator.setFaults([{ quirk }])
    const signIn = await citizen.submit(start, /continue/i)
    if (signIn.url.origin === on.simulator.url.origin && signIn.status >= 400) return { page: signIn, citizen, uid }
    const names = row.beside ? [quirk, row.beside] : [quirk]
    const wrong = names.map((name) => (row.doctype ? `${name}:${row.doctype}` : name)).join(', ')
    const consent = await citizen.submit(signIn, /Sign in/, [
      ['persona', row.persona],
      ['pin', pinOf(signIn, row.persona)],
      ['wrong', wrong],
    ])
    return { page: await citizen.submit(consent, new RegExp(`^${row.decision ?? 'Allow'}$`)), citizen, uid }
  }

  /** The public code, the sentence, the next step, the event, and the way back to the app with the code. */
  async function expectRefusal(on: Stage, code: keyof typeof refusals, page: Page, citizen: Citizen, uid: string) {
    expect(page.html).toContain(code)
    expect(page.status).toBe(refusals[code].status)
    expect(page.html).toContain(text(`refusal.${code}.happened`))
    expect(page.html).toContain(text(`refusal.${code}.next`))
    expect(page.html).not.toContain('<script')
    expect(await codesOf(on, uid)).toContain(code)
    // a return that belongs to no journey of this browser shows no way to an app that it cannot know
    if (!page.forms.some(({ action }) => action.pathname.endsWith('/return'))) return
    const back = await citizen.submit(page, /return|back/i)
    expect(back.url.href).toMatch(new RegExp(`^${REDIRECT_URI}`))
    expect(back.url.searchParams.get('error')).toBe(refusals[code].oauth)
    expect(back.url.searchParams.get('error_description')).toMatch(/RAIL_|DOC_|cancelled/)
  }

  async function expectConsent(on: Stage, row: MatrixRow, missing: string | undefined, page: Page, uid: string) {
    expect(page.url.pathname).toBe(`/interaction/${uid}`)
    expect(page.status).toBe(200)
    expect(page.html).toContain('value="share"')
    const events = await on.app.events.history({ interactionUid: uid })
    const absent = events.flatMap(({ body }) => (body.type === 'document.absent' ? [body.reason] : []))
    expect([...new Set(absent)]).toEqual(missing === undefined ? [] : [missing])
    if (missing === undefined) return expect(page.html).not.toContain(text('consent.missing.title'))
    expect(page.html).toContain(text(`missing.${missing}`))
    expect(page.html).toContain(text(`missing.${missing}.next`))
    expect(row.outcome.page).toBe('consent')
  }

  /** Nobody comes back: our start page is still there, and a second try works. */
  async function expectUpstreamPage(on: Stage, page: Page, citizen: Citizen, uid: string) {
    expect(page.url.origin).toBe(on.simulator.url.origin)
    on.simulator.reset()
    const again = await citizen.get(new URL(`/interaction/${uid}`, on.issuer))
    expect(again.status).toBe(200)
    expect((await citizen.submit(again, /continue/i)).html).toContain('Sign in')
  }

  async function codesOf(on: Stage, uid: string): Promise<string[]> {
    const own = await on.app.events.history({ interactionUid: uid })
    const strangers = await on.app.events.history({ type: 'rail.refused' })
    const codes = [...own, ...strangers].flatMap(({ body }) => ('code' in body ? [body.code] : []))
    return [...codes, ...[...on.logs().matchAll(/"code":"([A-Z_]+)"/g)].map((match) => match[1] ?? '')]
  }

  function expectNoLeak(on: Stage, id: string): void {
    const { name, digilockerId, pan, licence, mobile } = getPersona(id)
    const secrets = [name, digilockerId, pan?.number, licence?.number, mobile, UPSTREAM.clientSecret, '<script']
    expect(secrets.filter((secret) => secret && on.logs().includes(secret))).toEqual([])
  }
})

function authorization(on: Stage, client: string, scope: string): URL {
  const url = new URL('/authorize', on.issuer)
  url.search = new URLSearchParams({
    client_id: client,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: `openid ${scope}`,
    state: 'state-of-the-app',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  }).toString()
  return url
}
