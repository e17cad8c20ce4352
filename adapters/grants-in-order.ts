import type { Database } from './database.ts'

/**
 * Grants to be ended together, locked one after the other by id: a person who takes her consents back and an operator who
 * removes the app take the same ones, each by an index of its own.
 */
export const grantsInOrder = (database: Database) =>
  database.db().selectFrom('oidc_grant').select('id').orderBy('id').forUpdate()
