import { randomBytes } from 'node:crypto'
import type { PendingSignIn, SignedIn } from './sign-in.ts'

/** What the shop remembers of one browser. The browser itself holds only a random cookie. */
export interface Session {
  pending?: PendingSignIn | undefined
  signedIn?: SignedIn | undefined
}

const COOKIE = 'shop_session'
const LIMIT = 1000

/** Sessions in memory, the oldest forgotten first: a demo needs no more. */
export class Sessions {
  readonly #sessions = new Map<string, Session>()

  find(cookieHeader: string | undefined): Session | undefined {
    return this.#sessions.get(readCookie(cookieHeader) ?? '')
  }

  /** A fresh id at every beginning and every sign-in, so that a planted cookie is worth nothing. @returns its Set-Cookie */
  start(session: Session, cookieHeader: string | undefined): string {
    this.end(cookieHeader)
    const id = randomBytes(32).toString('base64url')
    this.#sessions.set(id, session)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > LIMIT && oldest !== undefined) this.#sessions.delete(oldest)
    return `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Lax`
  }

  /** @returns a Set-Cookie that makes the browser forget */
  end(cookieHeader: string | undefined): string {
    this.#sessions.delete(readCookie(cookieHeader) ?? '')
    return `${COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`
  }
}

function readCookie(header = ''): string | undefined {
  const pairs = header.split(';').map((pair) => pair.trim().split('='))
  return pairs.find(([name]) => name === COOKIE)?.[1]
}
