// An Express app with Passport: sign in, see what came back, sign out.
import { randomBytes } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import OpenIDConnectStrategy from 'passport-openidconnect'

const { CLIENT_ID = '', CLIENT_SECRET = '', ISSUER = 'http://localhost:4000', PORT = '3000' } = process.env
const origin = `http://localhost:${PORT}`
// This library reads no metadata by itself.
const issuer = await (await fetch(`${ISSUER}/.well-known/openid-configuration`)).json()

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

passport.use(
  new OpenIDConnectStrategy(
    {
      issuer: issuer.issuer,
      authorizationURL: issuer.authorization_endpoint,
      tokenURL: issuer.token_endpoint,
      userInfoURL: issuer.userinfo_endpoint,
      clientID: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      callbackURL: `${origin}/callback`,
      scope: ['profile'], // the library adds openid
      claims,
      nonce: true, // what protects the code in place of PKCE, which this library does not know (RFC 9700 §2.1.1)
      skipUserProfile: false,
    },
    // Nine arguments are how this library is asked for all it has; the claims are in `_json`.
    (_issuer, told, _profile, _context, idToken, _accessToken, _refreshToken, _params, done) =>
      done(null, { person: told._json, idToken }),
  ),
)
// A real app looks its own user up by `sub` and keeps that.
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }))
app.use(passport.session()) // gives the session a new id at sign-in

app.get('/', ({ user }, response) => {
  response.set('cache-control', 'no-store')
  if (!user) return response.send('<a href="/login">Sign in</a>')
  const person = escapeHtml(JSON.stringify(user.person, null, 2))
  return response.send(`<pre>${person}</pre><form method="post" action="/logout"><button>Sign out</button></form>`)
})
app.get('/login', passport.authenticate('openidconnect'))
app.get('/callback', passport.authenticate('openidconnect', { successRedirect: '/', failureRedirect: '/refused' }))
app.get('/refused', (_request, response) => response.status(400).send('not signed in <a href="/">Back</a>'))
app.post('/logout', (request, response, next) => {
  const hint = request.user?.idToken ?? ''
  const query = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: `${origin}/` })
  request.logout((error) => (error ? next(error) : response.redirect(303, `${issuer.end_session_endpoint}?${query}`)))
})
app.use((error, _request, response, _next) => {
  response.status(400).send(`not signed in: ${escapeHtml(String(error.code ?? error.name))} <a href="/">Back</a>`)
})

const escapeHtml = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

app.listen(Number(PORT), '127.0.0.1', () => console.log(`Open ${origin}`))
