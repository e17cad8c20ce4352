import { isDeepStrictEqual } from 'node:util'
import Provider, { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import type { LogoutNotice } from '../src/provider/stores.ts'
import { TOLD_FOR } from './logout-store.ts'
import {
  expiryFloor,
  expiryOf,
  hashId,
  type OidcAdapterParts,
  type Payload,
  send,
  withoutBearer,
} from './oidc-parts.ts'
import {
  DESTROY_SESSION,
  DESTROY_SESSION_TELLING,
  FIND_SESSION,
  FIND_SESSION_BY_UID,
  SESSION_OF_UID,
} from './oidc-sql.ts'
import { refuseNullBytes } from './statement-guard.ts'
import { type PendingSession, storeSession } from './token-batch.ts'

/**
 * Browser sessions. Two requests of one browser each read the session, change it and write it whole, so what each of
 * them changed in `authorizations` is merged in SQL.
 */
export class SessionAdapter implements Adapter {
  readonly #parts: OidcAdapterParts

  constructor(parts: OidcAdapterParts) {
    this.#parts = parts
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const hash = hashId(id)
    const notes = this.#parts.memo()
    if (notes?.sessionLost && !(await this.#mayFollow(payload))) return
    const authorizations = payload.authorizations ?? {}
    const { changed, removed } = compare(notes?.sessionBases.get(hash.toString('hex')) ?? {}, authorizations)
    notes?.sessionsByUid.clear()
    const session: PendingSession = {
      hash,
      payload: await this.#sealState(hash, withoutBearer(payload)),
      uid: payload.uid ?? null,
      accountId: payload.accountId ?? null,
      expiresAt: expiryOf(this.#parts, payload, expiresIn),
      changed,
      removed,
      made: this.#parts.database.newId(),
      standing: notes?.sessionsFound.has(hash.toString('hex')) ?? false,
    }
    notes?.sessionBases.set(hash.toString('hex'), structuredClone(authorizations))
    if (notes?.writes) notes.writes.session = session
    else await storeSession(this.#parts.database, session)
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const hash = hashId(id)
    const [row] = await send<{ payload: string }>(this.#parts, FIND_SESSION, [hash, expiryFloor(this.#parts)])
    if (!row) return undefined
    const base: AdapterPayload = JSON.parse(row.payload)
    this.#parts.memo()?.sessionsFound.set(hash.toString('hex'), base.uid)
    this.#parts.memo()?.sessionBases.set(hash.toString('hex'), { ...base.authorizations })
    return { ...(await this.#openState(hash, JSON.parse(row.payload))), jti: id }
  }

  /** Without `jti` and `state`: what is found by uid is looked at, never saved. */
  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const known = this.#parts.memo()?.sessionsByUid
    if (known?.has(uid)) return parse(known.get(uid))
    const [row] = await send<{ payload: string }>(this.#parts, FIND_SESSION_BY_UID, [uid, expiryFloor(this.#parts)])
    known?.set(uid, row?.payload)
    return parse(row?.payload)
  }

  async destroy(id: string): Promise<void> {
    const notes = this.#parts.memo()
    notes?.sessionsByUid.clear()
    delete notes?.writes?.session
    const told = notes?.pendingLogouts.splice(0) ?? []
    const hash = hashId(id)
    if (await this.#end(hash, told)) return
    const uid = notes?.sessionsFound.get(hash.toString('hex'))
    if (!notes || uid === undefined) return
    if (!isSignOut()) notes.sessionLost = true
    else await this.#endUnderNewId(uid, told)
  }

  /** @returns false when another request has ended it */
  async #end(hash: Buffer, told: readonly LogoutNotice[]): Promise<boolean> {
    const gone =
      told.length === 0
        ? await send(this.#parts, DESTROY_SESSION, [hash])
        : await send(this.#parts, DESTROY_SESSION_TELLING, [hash, this.#toDeliveries(told), ...this.#day()])
    return gone.length > 0
  }

  /** Signed out is signed out, though another request gave the session a new id meanwhile. */
  async #endUnderNewId(uid: string, told: readonly LogoutNotice[]): Promise<void> {
    const [other] = await send<{ id: Buffer }>(this.#parts, SESSION_OF_UID, [uid])
    if (other) await this.#end(other.id, told)
  }

  /**
   * Whether a session may be stored under a new id though another request has ended it under the old one: where that gave
   * it a new id as well, or where somebody signs in now. What was signed out of altogether does not come back by going on
   * with an earlier consent, nor by a sign-out of one app.
   * @throws errors.SessionNotFound to an app that waits for a code
   */
  async #mayFollow({ uid }: AdapterPayload): Promise<boolean> {
    const { route, result } = Provider.ctx?.oidc ?? {}
    if (result?.login || (uid !== undefined && (await this.findByUid(uid)))) return true
    if (route?.startsWith('end_session')) return false
    throw new errors.SessionNotFound('the session has ended meanwhile')
  }

  #toDeliveries(told: readonly LogoutNotice[]): string {
    return JSON.stringify(
      told.map(({ clientId, accountId, sid }) => ({
        id: this.#parts.database.newId(),
        client_id: clientId,
        account_id: accountId,
        sid: sid ?? null,
      })),
    )
  }

  /** From now, and for how long an app is tried. */
  #day(): [number, number] {
    const now = this.#parts.clock()
    return [now, now + TOLD_FOR]
  }

  /**
   * `state` is what the sign-out page waits with: its form's one-time secret and the relying app's own `state`. It is no
   * part of what is merged in SQL, so it need not stand there in clear.
   */
  async #sealState(hash: Buffer, payload: Payload): Promise<Payload> {
    if (payload.state === undefined) return payload
    const text = JSON.stringify(payload.state)
    refuseNullBytes([text])
    const sealed = await this.#parts.vault.seal('system', statePlace(hash), text)
    return { ...payload, state: sealed.toString('base64') }
  }

  async #openState(hash: Buffer, payload: Payload): Promise<Payload> {
    if (typeof payload.state !== 'string') return payload
    const text = await this.#parts.vault.open('system', statePlace(hash), Buffer.from(payload.state, 'base64'))
    return { ...payload, state: JSON.parse(text.toString('utf8')) }
  }

  async consume(): Promise<never> {
    throw new TypeError('a Session is not consumed')
  }

  async findByUserCode(): Promise<never> {
    throw new TypeError('a Session is not found by user code')
  }

  async revokeByGrantId(): Promise<never> {
    throw new TypeError('a Session is not revoked by grant')
  }
}

/** Of everything: signed out of one app the session goes on under a new id. */
const isSignOut = () => {
  const { route, params } = Provider.ctx?.oidc ?? {}
  return route === 'end_session_confirm' && Boolean(params?.logout)
}

/** What this request changed since it read the session. Unread, every entry counts as changed. */
function compare(base: Payload, now: Payload): { changed: Payload; removed: string[] } {
  const changed = Object.entries(now).filter(([clientId, entry]) => !isDeepStrictEqual(base[clientId], entry))
  const removed = Object.keys(base).filter((clientId) => !(clientId in now))
  return { changed: Object.fromEntries(changed), removed }
}

const statePlace = (hash: Buffer) => ({
  table: 'oidc_model',
  column: 'payload.state',
  row: `Session:${hash.toString('hex')}`,
})

function parse(text: string | undefined): AdapterPayload | undefined {
  if (text === undefined) return undefined
  const { state: _sealed, ...payload }: AdapterPayload = JSON.parse(text)
  return payload
}
