import type { Rail } from './rail.ts'

/** The rails that this deployment offers, by the id that stands in `/callback/<id>`. */
export function createRails(rails: readonly Rail[]): ReadonlyMap<string, Rail> {
  return new Map(rails.map((rail) => [rail.id, rail]))
}
