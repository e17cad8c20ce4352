import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Citizen, Page } from '../support/citizen.ts'
import { freshPostgresUrl } from '../support/databases.ts'
import {
  type Example,
  type ExampleStage,
  follow,
  newCitizen,
  openExampleStage,
  root,
  shown,
  signIn,
  signInUpTo,
  startExample,
} from './kit.ts'

/** What one example does, beside what all do. */
interface WebApp {
  readonly name: string
  /** from its first page to ours */
  readonly begin: (citizen: Citizen, home: Page) => Promise<Page>
  readonly callback: string
  /** the library looks at `iss` in the answer (RFC 9207); its mix-up defence is another where it does not */
  readonly checksIssuer: boolean
  /** what it says to a person who does not share */
  readonly refusal: RegExp
  readonly signOut: 'app' | 'issuer'
}

const bySignInLink = (citizen: Citizen, home: Page) => follow(citizen, home, 'Sign in')

const webApps: readonly WebApp[] = [
  {
    name: 'openid-client',
    begin: bySignInLink,
    callback: '/callback',
    checksIssuer: true,
    refusal: /not signed in: access_denied/,
    signOut: 'issuer',
  },
  {
    name: 'passport-openidconnect',
    begin: bySignInLink,
    callback: '/callback',
    checksIssuer: false,
    refusal: /not signed in/,
    signOut: 'issuer',
  },
  {
    name: 'express-openid-connect',
    begin: bySignInLink,
    callback: '/callback',
    checksIssuer: true,
    refusal: /not signed in: access_denied/,
    signOut: 'issuer',
  },
  {
    name: 'auth-core',
    begin: async (citizen, home) => citizen.submit(await bySignInLink(citizen, home), /Dwar/),
    callback: '/auth/callback/dwar',
    checksIssuer: true,
    refusal: /sign in/i,
    signOut: 'app',
  },
  {
    name: 'mod_auth_openidc',
    begin: bySignInLink,
    callback: '/signed-in/callback',
    checksIssuer: true,
    refusal: /Invalid Request/,
    signOut: 'issuer',
  },
]

const makeUrl = freshPostgresUrl()
let stage: ExampleStage
beforeAll(async () => {
  stage = await openExampleStage(await makeUrl())
})
afterAll(() => stage?.close())

const isHere = (app: WebApp) => app.name !== 'mod_auth_openidc' || HAS_APACHE
const HAS_APACHE = hasApache()
if (!HAS_APACHE) console.info('Apache with mod_auth_openidc is not here: its example is left out')

describe.each(webApps.filter(isHere))('examples/$name', (app) => {
  let example: Example
  let folder: string | undefined

  beforeAll(async () => {
    folder = app.name === 'mod_auth_openidc' ? await copyForAll(app.name) : undefined
    example = await startExample(app.name, stage, { folder })
  })
  afterAll(async () => {
    await example?.close()
    if (folder) await rm(folder, { recursive: true })
  })

  const begin = async (citizen: Citizen) => app.begin(citizen, await citizen.get(example.url))

  it('shows who signed in, with verified claims', async () => {
    const citizen = newCitizen()
    const page = await signIn(citizen, await begin(citizen))
    expect(page.status).toBe(200)
    expect(claimsOn(app, page)).toMatchObject({
      name: 'Asha Verma',
      verified_claims: { claims: { name: 'Asha Verma', birthdate: '1992-03-14' } },
    })
  })

  it('hears of a no', async () => {
    const citizen = newCitizen()
    const page = await signIn(citizen, await begin(citizen), /^refuse$/)
    expect(page.url.origin).toBe(example.url)
    expect(page.html).toMatch(app.refusal)
    expect(page.html).not.toContain('Asha')
  })

  it.each<[string, (answer: URL) => void]>([
    ['another state', (answer) => answer.searchParams.set('state', 'of-somebody-else')],
    ['no state', (answer) => answer.searchParams.delete('state')],
    ['another code', (answer) => answer.searchParams.set('code', 'made-up')],
  ])('refuses an answer with %s', async (_case, tamper) => {
    const { citizen, answer } = await answered()
    tamper(answer)
    await expectNotSignedIn(citizen, await citizen.get(answer))
  })

  if (app.checksIssuer)
    it('refuses an answer of another issuer', async () => {
      const { citizen, answer } = await answered()
      answer.searchParams.set('iss', 'https://evil.example')
      await expectNotSignedIn(citizen, await citizen.get(answer))
    })

  it('refuses the answer to another browser', async () => {
    const { answer } = await answered()
    const stranger = newCitizen()
    await expectNotSignedIn(stranger, await stranger.get(answer))
  })

  it(`signs out, at the ${app.signOut}`, async () => {
    const citizen = newCitizen()
    let page = await signIn(citizen, await begin(citizen))
    page = await pressSignOut(citizen, page)
    if (app.signOut === 'issuer') {
      expect(page.url.origin).toBe(stage.stage.issuer.origin)
      page = await citizen.submit(page, /^yes$/)
    }
    expect(page.url.origin).toBe(example.url)
    expect((await citizen.get(example.url)).html).toContain('Sign in')
    const again = await begin(citizen)
    // Still signed in at the issuer, she is let in again without a question.
    const asked = again.url.origin === stage.stage.issuer.origin
    expect(asked).toBe(app.signOut === 'issuer')
  })

  if (app.name === 'openid-client')
    it('refreshes, time and again', async () => {
      const citizen = newCitizen()
      let page = await signIn(citizen, await begin(citizen))
      expect(page.html).not.toContain('refreshed at')
      for (const _time of [1, 2]) page = await citizen.submit(page, /^Refresh$/)
      expect(page.html).toContain('refreshed at')
      expect(shown(page)).toMatchObject({ name: 'Asha Verma', driving_licence_status: 'active' })
    })

  /** A sign-in whose answer has not reached the app, and the browser that it is for. */
  async function answered() {
    const citizen = newCitizen()
    const { url } = await begin(citizen)
    return signInUpTo(citizen, `${example.url}${app.callback}`, url)
  }

  async function expectNotSignedIn(citizen: Citizen, page: Page) {
    expect(page.html).not.toContain('Asha')
    expect((await citizen.get(example.url)).html).toContain('Sign in')
    if (app.name !== 'mod_auth_openidc') return
    // Its first page is for everybody. The one behind it sends to the issuer whoever is not signed in.
    const before = citizen.visited.length
    await citizen.get(`${example.url}/signed-in/`)
    expect(citizen.visited.slice(before).map((url) => url.origin)).toContain(stage.stage.issuer.origin)
  }
})

async function pressSignOut(citizen: Citizen, page: Page): Promise<Page> {
  const text = 'Sign out'
  if (!page.html.includes(`>${text}</a>`)) return citizen.submit(page, /^Sign out$/)
  const asked = await follow(citizen, page, text)
  // Auth.js asks once more, itself.
  return asked.url.pathname === '/auth/signout' ? citizen.submit(asked, /sign out/i) : asked
}

/** Apache's page is lines of text, the others' is JSON. */
function claimsOn({ name }: WebApp, page: Page): Record<string, unknown> {
  if (name !== 'mod_auth_openidc') return shown(page)
  const lines = [...page.html.matchAll(/^(\w+) +(\S.*)$/gm)]
  const claims = Object.fromEntries(lines.map(([, claim, value = '']) => [claim, value.replaceAll('&quot;', '"')]))
  return { ...claims, verified_claims: JSON.parse(claims.verified_claims ?? 'null') as unknown }
}

/** Apache, when root starts it, reads pages as another user, who may not look into a private checkout. */
async function copyForAll(name: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dwar-apache-'))
  await cp(path.join(root, 'examples', name), folder, { recursive: true })
  execFileSync('chmod', ['-R', 'a+rX', folder])
  return folder
}

function hasApache(): boolean {
  try {
    execFileSync('/usr/sbin/apache2', ['-v'], { stdio: 'ignore' })
    execFileSync('ls', ['/usr/lib/apache2/modules/mod_auth_openidc.so'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
