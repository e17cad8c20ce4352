// A command-line app: opens no port to the world, holds no secret, prints who signed in. Every step of the protocol is
// one visible call (RFC 8252, RFC 9126, RFC 7636).
import { once } from 'node:events'
import { createServer } from 'node:http'
import * as oauth from 'oauth4webapi'

const { CLIENT_ID = '', ISSUER = 'http://localhost:4000' } = process.env

/** Whether she is an adult and nothing else, and her name as it stands in a signed driving licence. */
const claims = {
  userinfo: {
    age_over_18: { essential: true },
    verified_claims: {
      verification: {
        trust_framework: { value: 'in_digilocker' },
        evidence: [{ type: { value: 'document' }, document_details: { type: { value: 'driving_permit' } } }],
      },
      claims: { name: { essential: true } },
    },
  },
}

// Plain http is for an issuer on this machine only.
const options = { [oauth.allowInsecureRequests]: ISSUER.startsWith('http:') }
const issuer = new URL(ISSUER)
const client = { client_id: CLIENT_ID }
const nobody = oauth.None() // an app that everybody can download keeps no secret

const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))

// Any free port: for an address of this machine the issuer does not compare it.
const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
const redirectUri = `http://127.0.0.1:${server.address().port}/callback`

const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
const verifier = oauth.generateRandomCodeVerifier()
const request = {
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'openid',
  claims: JSON.stringify(claims),
  state,
  nonce,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
}
const pushed = await oauth.pushedAuthorizationRequest(as, client, nobody, new URLSearchParams(request), options)
const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, pushed)

const open = new URL(as.authorization_endpoint)
open.search = new URLSearchParams({ client_id: CLIENT_ID, request_uri })
console.log(`Open ${open}`)

try {
  console.log(JSON.stringify(await whoIs(await answerOfIssuer()), null, 2))
} catch (error) {
  console.log(`not signed in: ${error.error ?? error.code}`)
  process.exitCode = 1
} finally {
  server.close()
  server.closeAllConnections()
}

/** Waits for the browser to come back. Any page can send a browser here, so a wrong state is answered and not believed. */
function answerOfIssuer() {
  return new Promise((resolve, reject) => {
    server.on('request', (request, response) => {
      const url = new URL(request.url, redirectUri)
      const say = (status, text) => response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`)
      if (url.pathname !== '/callback') return say(404, 'There is nothing here.')
      try {
        const answer = oauth.validateAuthResponse(as, client, url, state)
        say(200, 'You can close this window.')
        resolve(answer)
      } catch (error) {
        say(400, 'This is not the answer to our question.')
        if (error instanceof oauth.AuthorizationResponseError) reject(error) // ours, and it says no
      }
    })
  })
}

async function whoIs(answer) {
  const { authorizationCodeGrantRequest, processAuthorizationCodeResponse } = oauth
  const given = await authorizationCodeGrantRequest(as, client, nobody, answer, redirectUri, verifier, options)
  const tokens = await processAuthorizationCodeResponse(as, client, given, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, given, options)
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  const told = await oauth.userInfoRequest(as, client, tokens.access_token, options)
  const person = await oauth.processUserInfoResponse(as, client, sub, told)
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client, nobody, tokens.access_token, options), // asked once, needed no more
  )
  return person
}
