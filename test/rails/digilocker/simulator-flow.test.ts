import { createHmac } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { assertDoctype, extract } from '../../../src/documents/extract.ts'
import { toFinding } from '../../../src/documents/pdf/finding.ts'
import { verifyPdf } from '../../../src/documents/pdf/verify-pdf.ts'
import { PROFILES } from '../../../src/documents/profiles.ts'
import { parseTrust, TrustStore } from '../../../src/documents/trust/trust.ts'
import { describeVerification, verifyDocument } from '../../../src/documents/verify.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import { createDigiLockerRail, type DigiLockerDeps, type DigiLockerRail } from '../../../src/rails/digilocker/rail.ts'
import { type DigiLockerSettings, digiLockerSettings } from '../../../src/rails/digilocker/settings.ts'
import type { RailIdentity, RailRequest } from '../../../src/rails/rail.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import type { SimulatorClient } from '../../../src/simulator/world.ts'
import { Browser, checkboxes, hidden, signIn } from '../../simulator/support/walk.ts'
import { testPki } from '../../support/pki.ts'
import { need, summary } from './upstream.ts'

const NOW = Math.floor(Date.parse('2026-11-23T00:00:00Z') / 1000)
const RETURN = new URL('https://op.test/callback/digilocker')
const scopes = ['files.issueddocs', 'userdetails', 'picture']
const PLAIN: SimulatorClient = {
  clientId: 'PLAINAPP',
  clientSecret: 'plain-test-secret',
  redirectUris: [RETURN.href],
  scopes,
  openid: false,
}
const OIDC: SimulatorClient = { ...PLAIN, clientId: 'OIDCAPP', scopes: ['openid', ...scopes], openid: true }

let simulator: Simulator
let trust: TrustStore

beforeAll(async () => {
  simulator = await startSimulator({ clients: [PLAIN, OIDC], pki: await testPki(new Date(NOW * 1000)), now: () => NOW })
  trust = new TrustStore([parseTrust(simulator.trust, 'simulator')])
})
beforeEach(() => simulator.reset())
afterAll(() => simulator.close())

const verify: DigiLockerDeps['verify'] = async (bytes, doctype) => {
  const document = await verifyDocument(bytes, { profile: PROFILES.digilocker, trust, at: NOW })
  assertDoctype(document, doctype)
  return { fields: extract(document), verification: describeVerification(document) }
}

interface Walk {
  readonly client?: SimulatorClient
  readonly settings?: Partial<DigiLockerSettings>
  readonly persona?: string
  readonly needs?: RailRequest['needs']
  readonly decision?: 'allow' | 'deny'
  /** leaves only documents of these types ticked */
  readonly tick?: readonly string[]
}

const warnings: ErrorCode[] = []

function railFor({ client = PLAIN, settings = {} }: Walk): DigiLockerRail {
  const all = { baseUrl: simulator.url, approvedDoctypes: ['ADHAR', 'PANCR', 'DRVLC'], hmacPolicy: 'require' as const }
  return createDigiLockerRail(digiLockerSettings({ ...all, tokenVersion: client.openid ? 2 : 1, ...settings }), {
    credentials: async () => ({ clientId: client.clientId, clientSecret: client.clientSecret }),
    verify,
    verifyPdf: async (bytes) => toFinding(await verifyPdf(bytes, { rail: 'digilocker', trust, at: NOW })),
    keyedHash: (purpose, value) => createHmac('sha256', purpose).update(value).digest('hex'),
    clock: () => NOW,
    sleep: async () => undefined,
    warn: (code) => warnings.push(code),
  })
}

/** A citizen's whole journey, with a browser and without a line of ours on the upstream side. */
async function walk(steps: Walk): Promise<RailIdentity> {
  await using rail = railFor(steps)
  const begun = await rail.begin({
    correlation: 'correlation-of-the-simulator-walk',
    returnTo: RETURN,
    needs: steps.needs ?? [],
    purpose: 'Age check',
    serviceName: 'Demo shop',
    freshLogin: true,
  })
  if (begun.kind !== 'redirect') throw new Error('no redirect')
  const callback = await consent(begun.url, steps)
  expect(callback.origin + callback.pathname).toBe(RETURN.href)
  const done = await rail.advance(begun.state, { query: callback.searchParams })
  if (done.kind !== 'done') throw new Error('not done')
  return done.identity
}

async function consent(start: URL, { persona = 'asha', decision = 'allow', tick }: Walk): Promise<URL> {
  const browser = new Browser()
  const signInAt = next(await browser.open(start), start)
  const consentAt = next(await signIn(browser, signInAt, { persona }), signInAt)
  const page = await (await browser.open(consentAt)).text()
  const form = new URLSearchParams({ flow: hidden(page, 'flow'), decision })
  for (const value of checkboxes(page))
    if (tick?.some((doctype) => value.startsWith(doctype)) ?? true) form.append('document', value)
  return next(await browser.post(consentAt, form), consentAt)
}

const next = (response: Response, base: URL): URL => new URL(response.headers.get('location') ?? '/nowhere', base)
const codeOf = async (steps: Walk): Promise<unknown> => walk(steps).catch(({ code }: { code?: unknown }) => code)
const all = [need('ADHAR'), need('PANCR'), need('DRVLC')]

describe('a journey through the simulator', () => {
  it('brings verified fields of every wanted document, and ends the upstream grant', async () => {
    const identity = await walk({ needs: all })
    expect(summary(identity.documents)).toEqual(['verified ADHAR', 'verified PANCR', 'verified DRVLC'])
    expect(identity).toMatchObject({
      rail: 'digilocker',
      subject: '3f0c8a52-6b1e-4d57-9a40-0000000000a1',
      asserted: {
        name: 'Asha Verma',
        birthdate: '1992-03-14',
        gender: 'female',
        phoneNumber: '+919000000001',
        email: 'asha.verma@example.in',
      },
      consentEndsAt: expect.any(Number),
    })
    expect(identity).not.toHaveProperty('session')
    expect(identity.documents[0]).toMatchObject({
      fields: { name: 'Asha Verma', birthdate: '1992-03-14', lastFour: '1234' },
    })
    expect(simulator.requestCounts()).toMatchObject({ token: 1, user: 1, issued: 1, xml: 2, eaadhaar: 1, revoke: 1 })
  })

  it('finds the same account through an openid client, whose id_token holds under the published keys', async () => {
    const { issuer, jwks } = simulator.trust.idToken as { issuer: string; jwks: JSONWebKeySet }
    const idToken = { issuers: [issuer], keys: { mode: 'keys' as const, jwks }, nonce: false }
    const identity = await walk({ client: OIDC, needs: [need('PANCR')], settings: { idToken } })
    expect(identity.subject).toBe('3f0c8a52-6b1e-4d57-9a40-0000000000a1')
    expect(summary(identity.documents)).toEqual(['verified PANCR'])
  })

  it.each(['id-token-wrong-key', 'id-token-wrong-audience'] as const)(
    'refuses an id_token with quirk %s',
    async (quirk) => {
      const { issuer, jwks } = simulator.trust.idToken as { issuer: string; jwks: JSONWebKeySet }
      simulator.setFaults([{ quirk }])
      const idToken = { issuers: [issuer], keys: { mode: 'keys' as const, jwks }, nonce: false }
      expect(await codeOf({ client: OIDC, settings: { idToken } })).toBe('RAIL_RESPONSE_INVALID')
    },
  )

  it('fetches nothing that is not needed', async () => {
    await walk({ needs: [need('DRVLC', 'ADHAR')] })
    expect(simulator.requestCounts()).toMatchObject({ xml: 1 })
    expect(simulator.requestCounts().eaadhaar ?? 0).toBe(0)
  })

  it('respects what the citizen unticked', async () => {
    const identity = await walk({ needs: all, tick: ['PANCR'] })
    expect(summary(identity.documents)).toEqual([
      'absent ADHAR not-granted',
      'verified PANCR',
      'absent DRVLC not-granted',
    ])
  })

  it.each([
    ['an unlinked Aadhaar', 'bala', [need('ADHAR', 'PANCR')], ['absent ADHAR aadhaar-not-linked', 'verified PANCR']],
    ['a licence as PDF only', 'dev', [need('DRVLC')], ['pdf-only DRVLC trusted']],
    ['an empty place in the locker', 'esha', [need('PANCR')], ['absent PANCR not-in-locker']],
    ['a year of birth alone', 'george', [need('ADHAR')], ['verified ADHAR']],
  ])('reports %s', async (_case, persona, needs, lines) => {
    expect(summary((await walk({ persona, needs })).documents)).toEqual(lines)
  })

  it('takes a refusal as one', async () => {
    expect(await codeOf({ decision: 'deny' })).toBe('RAIL_DENIED')
    simulator.setFaults([{ quirk: 'user-loggedout' }])
    expect(await codeOf({})).toBe('RAIL_LOGGED_OUT')
  })

  it('takes the wrong token version for what it is: a setting', async () => {
    expect(await codeOf({ client: OIDC, settings: { tokenVersion: 1 } })).toBe('RAIL_MISCONFIGURED')
  })

  it.each([
    'consent-valid-till-number',
    'consent-valid-till-string',
    'consent-valid-till-missing',
    'numbers-as-strings',
    'name-empty',
    'mime-string',
    'mime-upper-case',
    'date-slashes',
    'date-hyphens',
    'items-missing',
    'xml-as-text',
  ] as const)('bears quirk %s', async (quirk) => {
    simulator.setFaults([{ quirk }])
    const identity = await walk({ needs: all })
    expect(identity.documents.map(({ kind }) => kind)).toEqual(['verified', 'verified', 'verified'])
  })

  it('bears an openid client’s answer without id_token', async () => {
    simulator.setFaults([{ quirk: 'id-token-missing' }])
    expect((await walk({ client: OIDC })).subject).toBe('3f0c8a52-6b1e-4d57-9a40-0000000000a1')
  })

  it.each([
    ['unsigned-xml', 'DOC_UNSIGNED'],
    ['tampered-xml', 'DOC_DIGEST_MISMATCH'],
    ['doctype-declared', 'DOC_DOCTYPE'],
    ['wrong-signer', 'DOC_SIGNER_UNTRUSTED'],
    ['other-doctype', 'DOC_TYPE_MISMATCH'],
    ['hmac-wrong', 'DOC_HMAC_MISMATCH'],
    ['hmac-missing', 'DOC_HMAC_MISSING'],
  ] as const)('refuses a document with quirk %s, and keeps the other', async (quirk, code) => {
    simulator.setFaults([{ quirk, doctype: 'PANCR' }])
    const identity = await walk({ needs: [need('PANCR', 'DRVLC'), need('ADHAR')] })
    expect(summary(identity.documents)).toEqual([`refused PANCR ${code}`, 'verified ADHAR'])
  })

  it.each([
    ['pdf-unsigned', 'pdf-only DRVLC unsigned'],
    ['pdf-tampered', 'refused DRVLC DOC_DIGEST_MISMATCH'],
    ['pdf-appended-bytes', 'refused DRVLC DOC_DIGEST_MISMATCH'],
    ['pdf-wrong-signer', 'pdf-only DRVLC not-trusted'],
    ['pdf-expired-signer', 'refused DRVLC DOC_SIGNER_EXPIRED'],
    ['file-as-octet-stream', 'pdf-only DRVLC trusted'],
    ['hmac-wrong', 'refused DRVLC DOC_HMAC_MISMATCH'],
  ] as const)('judges a PDF with quirk %s', async (quirk, line) => {
    simulator.setFaults([{ quirk, doctype: 'DRVLC' }])
    expect(summary((await walk({ persona: 'dev', needs: [need('DRVLC')] })).documents)).toEqual([line])
  })

  it.each(['json', 'html', 'empty'] as const)('bears an issuer that is down (530, %s)', async (body) => {
    simulator.setFaults([{ endpoint: 'xml', status: 530, body, doctype: 'DRVLC' }])
    const identity = await walk({ needs: [need('DRVLC', 'PANCR')] })
    expect(summary(identity.documents)).toEqual(['absent DRVLC unavailable RAIL_UNAVAILABLE', 'verified PANCR'])
  })

  it('keeps the login when the tokens cannot be given back', async () => {
    warnings.length = 0
    simulator.setFaults([{ endpoint: 'revoke', status: 500 }])
    expect((await walk({})).rail).toBe('digilocker')
    expect(warnings).toEqual(['RAIL_UNAVAILABLE'])
  })
})
