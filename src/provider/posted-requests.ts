import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Place, Vault } from '../vault/vault.ts'
import { MINUTE } from './lifetimes.ts'

export interface PostedRequestStore {
  /** @param endsAt epoch seconds */
  put(handle: string, sealed: Uint8Array, endsAt: number): Promise<void>
  /** Gives it away, once, and not after its end. @param now epoch seconds */
  take(handle: string, now: number): Promise<Uint8Array | undefined>
}

export interface PostedRequestParts {
  readonly store: PostedRequestStore
  readonly vault: Pick<Vault, 'seal' | 'open'>
  readonly clock: Clock
}

/**
 * Requests that came in a form, kept for the moment until the browser comes for them by GET with a handle. What an app
 * posts it may have posted to keep it out of addresses: `login_hint`, `id_token_hint` and `claims` can name a person.
 * @see OpenID Connect Core §3.1.2.1; OpenID Connect RP-Initiated Logout §2
 */
export function createPostedRequests({ store, vault, clock }: PostedRequestParts) {
  return {
    /** @returns an opaque handle, good once and for a minute */
    async keep(request: string): Promise<string> {
      const handle = randomBytes(32).toString('base64url')
      await store.put(handle, await vault.seal('system', placeOf(handle), request), clock() + MINUTE)
      return handle
    },
    /** @returns what was kept; undefined when it was served already, is too old, or never was */
    async take(handle: string): Promise<string | undefined> {
      const sealed = await store.take(handle, clock())
      return sealed && (await vault.open('system', placeOf(handle), sealed)).toString('utf8')
    },
  }
}

export type PostedRequests = ReturnType<typeof createPostedRequests>

const placeOf = (handle: string): Place => ({
  table: 'posted_request',
  column: 'sealed',
  row: createHash('sha256').update(handle).digest('hex'),
})
