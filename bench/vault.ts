import { randomBytes } from 'node:crypto'
import { parseKeyRing } from '../src/vault/key-ring.ts'
import { createVault } from '../src/vault/sealed-vault.ts'
import { memoryStore } from '../test/vault/memory-store.ts'
import type { Candidate } from './measure.ts'

const VALUE_BYTES = 2000

/** Sealing and opening a value the size of a token, with the data key in the cache, as it is in use. */
export async function vaultCases(): Promise<{ readonly seal: Candidate; readonly open: Candidate }> {
  const vault = createVault(parseKeyRing(`bench:${randomBytes(32).toString('base64')}`), memoryStore())
  const place = { table: 'bench', column: 'value', row: '1' }
  const value = randomBytes(VALUE_BYTES)
  const sealed = await vault.seal('account:bench', place, value)
  return {
    seal: { name: 'seal', run: () => vault.seal('account:bench', place, value) },
    open: { name: 'open', run: () => vault.open('account:bench', place, sealed) },
  }
}
