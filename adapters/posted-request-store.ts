import type { PostedRequestStore } from '../src/provider/posted-requests.ts'
import type { Database } from './database.ts'
import { hashId } from './oidc-parts.ts'

const PUT = `insert into posted_request (id, sealed, ends_at) values ($1, $2, to_timestamp($3))`
/** Of several that come with one handle, one gets it. */
const TAKE = `delete from posted_request where id = $1 and ends_at > to_timestamp($2) returning sealed`

export function createPostedRequestStore(database: Database): PostedRequestStore {
  return {
    async put(handle, sealed, endsAt) {
      await database.hot('posted_request_put', PUT, [hashId(handle), Buffer.from(sealed), endsAt])
    },
    async take(handle, now) {
      const [row] = await database.hot<{ sealed: Buffer }>('posted_request_take', TAKE, [hashId(handle), now])
      return row?.sealed
    },
  }
}
