import type { StoredUpstreamSession, UpstreamSessionStore } from '../src/provider/stores.ts'
import type { Database } from './database.ts'

const COLUMNS = `id, rail, sealed, generation,
  extract(epoch from access_ends_at)::float8 as access_ends, extract(epoch from ends_at)::float8 as ends`

const FIND = `select ${COLUMNS} from upstream_session where id = $1 and ends_at > to_timestamp($2)`

const LEASE = `update upstream_session set lease_until = to_timestamp($4)
  where id = $1 and generation = $2 and (lease_until is null or lease_until <= to_timestamp($3)) returning id`

const REPLACE = `update upstream_session
  set sealed = $3, access_ends_at = to_timestamp($4), generation = generation + 1, lease_until = null
  where id = $1 and generation = $2`

/** Ended by time, or left over by a grant that is gone. Taken for a while, so that one worker at a time gives it back. */
const TAKE_ENDED = `update upstream_session set lease_until = to_timestamp($2) where id in (
    select id from upstream_session
    where (ends_at <= to_timestamp($1)
        or (grant_id is not null and not exists (select 1 from oidc_grant where oidc_grant.id = grant_id)))
      and (lease_until is null or lease_until <= to_timestamp($1))
    order by ends_at limit $3 for update skip locked
  ) returning ${COLUMNS}`

export function createUpstreamSessionStore(database: Database): UpstreamSessionStore {
  return {
    async find(id, now) {
      const [row] = await database.hot<Row>('upstream_find', FIND, [id, now])
      return row && toSession(row)
    },

    async lease(id, generation, now, until) {
      return (await database.hot('upstream_lease', LEASE, [id, generation, now, until])).length > 0
    },

    async release(id, generation) {
      const text = 'update upstream_session set lease_until = null where id = $1 and generation = $2'
      await database.hot('upstream_release', text, [id, generation])
    },

    async replace(id, generation, { sealed, accessEndsAt }) {
      await database.hot('upstream_replace', REPLACE, [id, generation, Buffer.from(sealed), accessEndsAt])
    },

    async end(id, now) {
      const text = 'update upstream_session set ends_at = to_timestamp($2) where id = $1 and ends_at > to_timestamp($2)'
      await database.hot('upstream_end', text, [id, now])
    },

    async takeEnded(now, until, limit) {
      return (await database.hot<Row>('upstream_take_ended', TAKE_ENDED, [now, until, limit])).map(toSession)
    },

    async remove(id) {
      await database.hot('upstream_remove', 'delete from upstream_session where id = $1', [id])
    },
  }
}

interface Row {
  id: string
  rail: string
  sealed: Buffer
  generation: number
  access_ends: number
  ends: number
}

const toSession = (row: Row): StoredUpstreamSession => ({
  id: row.id,
  rail: row.rail,
  sealed: row.sealed,
  generation: row.generation,
  accessEndsAt: row.access_ends,
  endsAt: row.ends,
})
