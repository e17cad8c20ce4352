import { readFileSync } from 'node:fs'
import path from 'node:path'
import { homePage, refusedPage, resultPage } from './pages.ts'
import type { Session, Sessions } from './sessions.ts'
import { nameOf, type OfferId, type SignedIn, type SignIn } from './sign-in.ts'

export interface Request {
  readonly method: string
  readonly url: URL
  readonly cookie: string | undefined
}

export interface Answer {
  readonly status: number
  /** media type, when not a page */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export type Shop = (request: Request) => Promise<Answer>

interface Parts {
  readonly signIn: SignIn
  readonly sessions: Sessions
  readonly issuer: string
}

type Handler = (visit: { request: Request; session: Session }, parts: Parts) => Answer | Promise<Answer>

const routes: Readonly<Record<string, Handler>> = {
  'GET /': ({ session }, { issuer }) => page(homePage(issuer, session.signedIn !== undefined)),
  'GET /shop.css': () => asset('shop.css', 'text/css; charset=utf-8'),
  'GET /shop.svg': () => asset('shop.svg', 'image/svg+xml; charset=utf-8'),
  'POST /sign-in/basic': begin('basic'),
  'POST /sign-in/licence': begin('licence'),
  'POST /sign-in/proof': begin('proof'),
  'GET /callback': finish,
  'GET /me': whenSignedIn((signedIn) => page(resultPage(signedIn))),
  'POST /refresh': whenSignedIn(async (signedIn, session, { signIn }) => {
    session.signedIn = await signIn.refresh(signedIn)
    return redirect('/me')
  }),
  'POST /replay': whenSignedIn(async (signedIn, _session, { signIn }) =>
    page(resultPage(signedIn, await signIn.replay(signedIn))),
  ),
  'POST /sign-out': signOut,
}

/** The shop's pages. Forms are safe from other sites by the cookie's `SameSite=Lax`: a foreign POST comes without it. */
export function createShop(parts: Parts): Shop {
  return async (request) => {
    const handler = routes[`${request.method} ${request.url.pathname}`]
    if (!handler) return page(refusedPage('no such page'), 404)
    const session = parts.sessions.find(request.cookie) ?? {}
    try {
      return await handler({ request, session }, parts)
    } catch (error) {
      return page(refusedPage(nameOf(error)), 502) // the protocol's word for it; details may hold tokens
    }
  }
}

function begin(offer: OfferId): Handler {
  return async ({ request, session }, { signIn, sessions }) => {
    const { url, pending } = await signIn.begin(offer)
    const cookie = sessions.start({ ...session, pending }, request.cookie)
    return redirect(url.href, { 'set-cookie': cookie })
  }
}

/** Where the issuer sends the person back: with a code, or with an error that counts only with our own state. */
async function finish({ request, session }: Parameters<Handler>[0], { signIn, sessions }: Parts): Promise<Answer> {
  const { pending } = session
  if (!pending) return page(refusedPage('no sign-in was begun in this browser'), 400)
  session.pending = undefined // once, whatever comes of it
  try {
    const signedIn = await signIn.finish(request.url, pending)
    return redirect('/me', { 'set-cookie': sessions.start({ signedIn }, request.cookie) })
  } catch (error) {
    return page(refusedPage(nameOf(error)), 400) // declined or not in order: the person is told which
  }
}

async function signOut({ request, session }: Parameters<Handler>[0], { signIn, sessions }: Parts): Promise<Answer> {
  const forget = { 'set-cookie': sessions.end(request.cookie) }
  if (!session.signedIn) return redirect('/', forget)
  return redirect((await signIn.signOutUrl(session.signedIn)).href, forget)
}

function whenSignedIn(then: (signedIn: SignedIn, session: Session, parts: Parts) => Answer | Promise<Answer>): Handler {
  return ({ session }, parts) => (session.signedIn ? then(session.signedIn, session, parts) : redirect('/'))
}

function page(body: string, status = 200): Answer {
  return { status, body }
}

function redirect(location: string, headers: Record<string, string> = {}): Answer {
  return { status: 303, headers: { location, ...headers } }
}

function asset(name: string, type: string): Answer {
  return { status: 200, type, body: readFileSync(path.join(import.meta.dirname, name)) }
}
