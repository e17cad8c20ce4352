// A whole relying app in one file: sign in, see what came back, refresh, sign out.
// It knows an issuer, an id and a secret, and nothing else.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import * as openid from 'openid-client'

const { CLIENT_ID = '', CLIENT_SECRET = '', ISSUER = 'http://localhost:4000', PORT = '3000' } = process.env
const origin = `http://localhost:${PORT}`
const scope = 'openid profile driving_licence offline_access'

/** Name and birth date, with the proof that they come from a signed driving licence. */
const claims = {
  userinfo: {
    verified_claims: {
      verification: {
        trust_framework: { value: 'in_digilocker' },
        evidence: [{ type: { value: 'document' }, document_details: { type: { value: 'driving_permit' } } }],
      },
      claims: { name: { essential: true }, birthdate: { essential: true } },
    },
  },
}

// Plain http is for an issuer on this machine only.
const execute = ISSUER.startsWith('http:') ? [openid.allowInsecureRequests] : []
const secret = openid.ClientSecretBasic(CLIENT_SECRET)
const issuer = await openid.discovery(new URL(ISSUER), CLIENT_ID, undefined, secret, { execute })

/** What each browser has, by its cookie. A real app has a session store. */
const sessions = new Map()

/** A new id at every change of who somebody is, so that nobody can prepare a session for another. */
function startSession(response, session) {
  const id = randomUUID()
  sessions.set(id, session)
  response.setHeader('set-cookie', `session=${id}; HttpOnly; SameSite=Lax; Path=/`)
}

/** Takes the session out: whoever goes on starts another. */
function endSession(request) {
  const [, id] = /(?:^|; )session=([\w-]+)/.exec(request.headers.cookie ?? '') ?? []
  const session = sessions.get(id) ?? {}
  sessions.delete(id)
  return session
}

async function signIn(_request, response) {
  const checks = {
    pkceCodeVerifier: openid.randomPKCECodeVerifier(),
    expectedState: openid.randomState(),
    expectedNonce: openid.randomNonce(),
  }
  startSession(response, { checks })
  const to = openid.buildAuthorizationUrl(issuer, {
    redirect_uri: `${origin}/callback`,
    scope,
    claims: JSON.stringify(claims),
    prompt: 'consent', // or there is no refresh token
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  redirect(response, to.href)
}

/** Checks state, issuer, code and ID token, then asks who it is. */
async function callback(request, response) {
  const { checks } = endSession(request)
  // Without checks of this browser's own, any answer would do.
  if (!checks) throw Object.assign(new Error('no sign-in was begun in this browser'), { code: 'no_sign_in' })
  const tokens = await openid.authorizationCodeGrant(issuer, new URL(request.url, origin), checks)
  const person = await openid.fetchUserInfo(issuer, tokens.access_token, tokens.claims().sub)
  startSession(response, { person, idToken: tokens.id_token, refreshToken: tokens.refresh_token })
  redirect(response, '/')
}

/** The refresh token is another each time: keep the new one. */
async function refresh(request, response) {
  const session = endSession(request)
  const tokens = await openid.refreshTokenGrant(issuer, session.refreshToken ?? '')
  const person = await openid.fetchUserInfo(issuer, tokens.access_token, tokens.claims().sub)
  startSession(response, {
    ...session,
    person,
    refreshToken: tokens.refresh_token,
    refreshed: new Date().toISOString(),
  })
  redirect(response, '/')
}

async function signOut(request, response) {
  const { idToken = '' } = endSession(request)
  const to = openid.buildEndSessionUrl(issuer, { id_token_hint: idToken, post_logout_redirect_uri: `${origin}/` })
  redirect(response, to.href)
}

async function home(request, response) {
  const session = endSession(request)
  if (!session.person) return show(response, 200, '<a href="/login">Sign in</a>')
  startSession(response, session)
  const button = (action, text) => `<form method="post" action="${action}"><button>${text}</button></form>`
  const person = escapeHtml(JSON.stringify(session.person, null, 2))
  const when = session.refreshed ? `<p>refreshed at ${session.refreshed}</p>` : ''
  show(response, 200, `<pre>${person}</pre>${when}${button('/refresh', 'Refresh')}${button('/logout', 'Sign out')}`)
}

const escapeHtml = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
const redirect = (response, location) => response.writeHead(303, { location }).end()
const show = (response, status, html) =>
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(html)

const routes = {
  'GET /': home,
  'GET /login': signIn,
  'GET /callback': callback,
  'POST /refresh': refresh,
  'POST /logout': signOut,
}

createServer(async (request, response) => {
  const route = routes[`${request.method} ${request.url.split('?')[0]}`]
  if (!route) return show(response, 404, 'There is nothing here.')
  try {
    await route(request, response)
  } catch (error) {
    // Somebody who says no comes back too, with `access_denied`.
    show(response, 400, `not signed in: ${escapeHtml(String(error.error ?? error.code))} <a href="/">Back</a>`)
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`Open ${origin}`))
