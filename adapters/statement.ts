/**
 * A statement of the hot path. Each carries its guarantee in one statement and runs prepared
 * under its name; ids are SHA-256 of the bearer value throughout. `$floor` is now less the clock tolerance: a row
 * counts as gone only when the engine could no longer accept it (oidc-provider.md §2).
 */
export interface Statement {
  readonly name: string
  readonly text: string
}

export const statement = (name: string, text: string): Statement => ({ name, text })

export const alive = (table: string, floor: string) =>
  `(${table}.expires_at is null or ${table}.expires_at > to_timestamp(${floor}))`
