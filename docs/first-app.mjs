// A whole relying app in one file: sign in with any OpenID Connect issuer and print what came back.
// It knows an issuer, an id and a secret, and nothing else. Run it with
//   CLIENT_ID=... CLIENT_SECRET=... node docs/first-app.mjs
import { createServer } from 'node:http'
import * as openid from 'openid-client'

const { CLIENT_ID = '', CLIENT_SECRET = '', ISSUER = 'http://localhost:4000', PORT = '3000' } = process.env
const origin = `http://localhost:${PORT}`
const scope = 'openid profile driving_licence'

// Plain http is for an issuer on this machine only; take the `execute` line out for a real one.
const issuer = await openid.discovery(new URL(ISSUER), CLIENT_ID, undefined, openid.ClientSecretBasic(CLIENT_SECRET), {
  execute: [openid.allowInsecureRequests],
})

/** One visitor at a time: a real app keeps these in the visitor's session. */
let checks = { pkceCodeVerifier: '', expectedState: '', expectedNonce: '' }

async function begin() {
  checks = {
    pkceCodeVerifier: openid.randomPKCECodeVerifier(),
    expectedState: openid.randomState(),
    expectedNonce: openid.randomNonce(),
  }
  return openid.buildAuthorizationUrl(issuer, {
    redirect_uri: `${origin}/callback`,
    scope,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
}

/** Checks state, issuer, code and ID token, then asks who it is. */
async function finish(callback) {
  const tokens = await openid.authorizationCodeGrant(issuer, callback, checks)
  return openid.fetchUserInfo(issuer, tokens.access_token, tokens.claims().sub)
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, origin)
  try {
    if (url.pathname === '/') return response.writeHead(303, { location: (await begin()).href }).end()
    if (url.pathname !== '/callback') return response.writeHead(404).end()
    const person = await finish(url)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(person, null, 2))
  } catch (error) {
    // Somebody who says no comes back too, with `access_denied`.
    response.writeHead(400, { 'content-type': 'text/plain' }).end(`not signed in: ${error.error ?? error.code}\n`)
  }
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Open ${origin}`))
