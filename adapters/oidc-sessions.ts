import { isDeepStrictEqual } from 'node:util'
import Provider, { type Adapter, type AdapterPayload } from 'oidc-provider'
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
import { revokeGrant } from './oidc-revocation.ts'
import { END_SESSION, FIND_SESSION, FIND_SESSION_BY_UID } from './oidc-session-sql.ts'
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
    const from = notes?.sessionRenamed ?? hash
    const key = from.toString('hex')
    const authorizations = payload.authorizations ?? {}
    const { changed, removed } = compare(notes?.sessionBases.get(key) ?? {}, authorizations)
    notes?.sessionsByUid.clear()
    const session: PendingSession = {
      hash,
      from,
      payload: await this.#sealState(withoutBearer(payload)),
      uid: payload.uid ?? null,
      accountId: payload.accountId ?? null,
      expiresAt: expiryOf(this.#parts, payload, expiresIn),
      changed,
      removed,
      made: this.#parts.database.newId(),
      standing: notes?.sessionsFound.get(key) ?? null,
      anew: Provider.ctx?.oidc?.result?.login !== undefined,
      deliveries: this.#toDeliveries(notes?.pendingLogouts.splice(0) ?? []),
      empty: payload.accountId === undefined && payload.state === undefined,
    }
    if (notes?.writes) {
      notes.writes.session = session
      return
    }
    notes?.sessionBases.set(key, structuredClone(authorizations))
    await storeSession(this.#parts.database, session)
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const hash = hashId(id)
    const [row] = await send<{ payload: string }>(this.#parts, FIND_SESSION, [hash, expiryFloor(this.#parts)])
    if (!row) return undefined
    const base: AdapterPayload = JSON.parse(row.payload)
    this.#parts.memo()?.sessionsFound.set(hash.toString('hex'), base.uid)
    this.#parts.memo()?.sessionBases.set(hash.toString('hex'), { ...base.authorizations })
    return { ...(await this.#openState(JSON.parse(row.payload))), jti: id }
  }

  /** Without `jti` and `state`: what is found by uid is looked at, never saved. */
  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const known = this.#parts.memo()?.sessionsByUid
    if (known?.has(uid)) return parse(known.get(uid))
    const [row] = await send<{ payload: string }>(this.#parts, FIND_SESSION_BY_UID, [uid, expiryFloor(this.#parts)])
    known?.set(uid, row?.payload)
    return parse(row?.payload)
  }

  /** A new id is given by the statement that stores the session under it: the engine's two steps would leave a gap between. */
  async destroy(id: string): Promise<void> {
    const notes = this.#parts.memo()
    const hash = hashId(id)
    if (notes && isRenaming(id)) {
      notes.sessionRenamed = hash
      return
    }
    notes?.sessionsByUid.clear()
    notes?.pendingLogouts.splice(0)
    delete notes?.writes?.session
    const { database, clock } = this.#parts
    const uid = notes?.sessionsFound.get(hash.toString('hex')) ?? null
    const values = [hash, uid, database.newId(), clock(), clock() + TOLD_FOR]
    const ended = await send<{ grant_id: string }>(this.#parts, END_SESSION, values)
    // Of an app that joined since this request read the session; the others have been revoked by the engine.
    for (const { grant_id: grantId } of ended) await revokeGrant(this.#parts, grantId)
  }

  #toDeliveries(told: readonly LogoutNotice[]): string {
    const { database, clock } = this.#parts
    return JSON.stringify(
      told.map(({ clientId, accountId, sid }) => ({
        id: database.newId(),
        client_id: clientId,
        account_id: accountId,
        sid: sid ?? null,
        due_at: clock(),
        ends_at: clock() + TOLD_FOR,
      })),
    )
  }

  /**
   * `state` is what the sign-out page waits with: its form's one-time secret and the relying app's own `state`. It is no
   * part of what is merged in SQL, so it need not stand there in clear. Bound to the session, whose id may change under it.
   */
  async #sealState(payload: Payload): Promise<Payload> {
    if (payload.state === undefined) return payload
    const text = JSON.stringify(payload.state)
    refuseNullBytes([text])
    const sealed = await this.#parts.vault.seal('system', statePlace(payload.uid), text)
    return { ...payload, state: { sealed: sealed.toString('base64') } }
  }

  /** One that the release before has sealed, to the id, is not there: her sign-out page asks once more. */
  async #openState(payload: Payload): Promise<Payload> {
    const { state, ...rest } = payload
    if (!isSealed(state)) return rest
    const text = await this.#parts.vault.open('system', statePlace(payload.uid), Buffer.from(state.sealed, 'base64'))
    return { ...rest, state: JSON.parse(text.toString('utf8')) }
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

/** The engine destroys the former id of a session just before it stores that under a new one. */
const isRenaming = (id: string): boolean => {
  const session = Provider.ctx?.oidc?.session as { oldId?: string } | undefined
  return session?.oldId === id
}

/** What this request changed since it read the session. Unread, every entry counts as changed. */
function compare(base: Payload, now: Payload): { changed: Payload; removed: string[] } {
  const changed = Object.entries(now).filter(([clientId, entry]) => !isDeepStrictEqual(base[clientId], entry))
  const removed = Object.keys(base).filter((clientId) => !(clientId in now))
  return { changed: Object.fromEntries(changed), removed }
}

const statePlace = (uid: unknown) => ({ table: 'oidc_model', column: 'payload.state', row: `Session:${uid}` })

const isSealed = (state: unknown): state is { sealed: string } =>
  state instanceof Object && 'sealed' in state && typeof state.sealed === 'string'

function parse(text: string | undefined): AdapterPayload | undefined {
  if (text === undefined) return undefined
  const { state: _sealed, ...payload }: AdapterPayload = JSON.parse(text)
  return payload
}
