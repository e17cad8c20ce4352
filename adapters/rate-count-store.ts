import type { CountStore } from '../src/limits/limiter.ts'
import type { Database } from './database.ts'

/** Adds and reads in one: what comes back is everybody's. In the order of the keys, so that two instances cannot deadlock. */
const ADD = `insert into rate_count as r (key, ends_at, hits)
  select c.key, to_timestamp(c.ends_at), c.hits
  from jsonb_to_recordset($1::jsonb) as c(key text, ends_at double precision, hits bigint) order by c.key, c.ends_at
  on conflict (key, ends_at) do update set hits = r.hits + excluded.hits
  returning r.key, extract(epoch from r.ends_at)::float8 as ends, r.hits`

export function createRateCountStore(database: Database): CountStore {
  return {
    async add(counts) {
      if (counts.length === 0) return []
      const rows = JSON.stringify(counts.map(({ key, endsAt, hits }) => ({ key, ends_at: endsAt, hits })))
      const added = await database.hot<{ key: string; ends: number; hits: string }>('rate_count_add', ADD, [rows])
      const totals = new Map(added.map(({ key, ends, hits }) => [`${key} ${ends}`, Number(hits)]))
      return counts.map(({ key, endsAt, hits }) => totals.get(`${key} ${endsAt}`) ?? hits)
    },

    async removeEnded(before) {
      await database
        .db()
        .deleteFrom('rate_count')
        .where('ends_at', '<', new Date(before * 1000))
        .execute()
    },
  }
}
