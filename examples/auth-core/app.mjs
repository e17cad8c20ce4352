// Auth.js without a framework. The object `config` is what Next.js, SvelteKit or Express adapters of Auth.js take too.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { Auth } from '@auth/core'

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

const config = {
  basePath: '/auth',
  secret: randomBytes(32).toString('hex'), // seals the session cookie; a real app keeps one
  trustHost: true, // the bridge below fixes the host
  providers: [
    {
      id: 'dwar', // part of the redirect URI: /auth/callback/dwar
      name: 'Dwar',
      type: 'oidc',
      issuer: ISSUER,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      authorization: { params: { scope: 'openid profile', claims } },
      checks: ['pkce', 'state', 'nonce'],
      idToken: false, // the claims are at userinfo
      profile: (person) => ({ id: person.sub, name: person.name }),
    },
  ],
  callbacks: {
    // What the app wants to know later goes into the sealed cookie, and from there to the session.
    jwt: ({ token, profile }) => (profile ? { ...token, person: profile } : token),
    session: ({ session, token }) => ({ ...session, person: token.person }),
  },
}

/** @returns the session of whoever asks, or nothing */
async function sessionOf(request) {
  const asked = new Request(`${origin}/auth/session`, { headers: { cookie: request.headers.cookie ?? '' } })
  return (await Auth(asked, config)).json()
}

async function home(request, response) {
  const session = await sessionOf(request)
  const html = session
    ? `<pre>${escapeHtml(JSON.stringify(session.person, null, 2))}</pre><a href="/auth/signout">Sign out</a>`
    : '<a href="/auth/signin">Sign in</a>'
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(html)
}

/** From Node's request to the web's, and back. */
async function bridge(request, response) {
  const hasBody = request.method === 'POST'
  const asked = new Request(new URL(request.url, origin), {
    method: request.method,
    headers: request.headers,
    ...(hasBody && { body: Readable.toWeb(request), duplex: 'half' }),
  })
  const answer = await Auth(asked, config)
  const cookies = answer.headers.getSetCookie()
  response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'set-cookie': cookies })
  response.end(Buffer.from(await answer.arrayBuffer()))
}

const escapeHtml = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

createServer(async (request, response) => {
  if (request.url === '/') return home(request, response)
  if (request.url.startsWith('/auth/')) return bridge(request, response)
  return response.writeHead(404).end()
}).listen(Number(PORT), '127.0.0.1', () => console.log(`Open ${origin}`))
