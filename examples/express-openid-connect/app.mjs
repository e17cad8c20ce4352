// An Express app where one middleware does it all: /login, /callback and /logout come with it.
import { randomBytes } from 'node:crypto'
import express from 'express'
import openid from 'express-openid-connect'

const { CLIENT_ID = '', CLIENT_SECRET = '', ISSUER = 'http://localhost:4000', PORT = '3000' } = process.env
const origin = `http://localhost:${PORT}`

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

const app = express()
app.use(
  openid.auth({
    issuerBaseURL: ISSUER,
    baseURL: origin,
    clientID: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    clientAuthMethod: 'client_secret_basic',
    secret: randomBytes(32).toString('hex'), // seals the session cookie; a real app keeps one
    authorizationParams: { response_type: 'code', scope: 'openid profile', claims: JSON.stringify(claims) },
    authRequired: false,
    idpLogout: true, // signs out at the issuer too
  }),
)

app.get('/', async ({ oidc }, response) => {
  response.set('cache-control', 'no-store')
  if (!oidc.isAuthenticated()) return response.send('<a href="/login">Sign in</a>')
  const person = escapeHtml(JSON.stringify(await oidc.fetchUserInfo(), null, 2))
  return response.send(`<pre>${person}</pre><form action="/logout"><button>Sign out</button></form>`)
})

// Somebody who says no comes back too, with `access_denied`.
app.use((error, _request, response, _next) => {
  response.status(400).send(`not signed in: ${escapeHtml(String(error.error ?? error.name))} <a href="/">Back</a>`)
})

const escapeHtml = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

app.listen(Number(PORT), '127.0.0.1', () => console.log(`Open ${origin}`))
