import type { KeyKeeper, RotateRequest } from '../provider/keys/keeper.ts'
import type { RailCredentials } from '../rails/rail.ts'
import type { ClientAdmin } from './clients.ts'
import type { RailCredentialAdmin } from './rail-credentials.ts'

/** What an operator can do, by name: the same over the command line and over a running server's control socket. */
export interface Operations {
  'client add': (input: { readonly registration: unknown; readonly id?: string }) => Promise<unknown>
  'client list': () => Promise<unknown>
  'client show': (input: { readonly id: string }) => Promise<unknown>
  'client rotate-secret': (input: { readonly id: string; readonly overlapSeconds?: number }) => Promise<unknown>
  'client remove': (input: { readonly id: string }) => Promise<unknown>
  'credentials set': (input: RailCredentials & { readonly rail: string }) => Promise<unknown>
  'credentials show': (input: { readonly rail: string }) => Promise<unknown>
  'credentials drop-previous': (input: { readonly rail: string }) => Promise<unknown>
  'keys list': () => Promise<unknown>
  'keys rotate': (input: RotateRequest) => Promise<unknown>
  'vault rotate': () => Promise<unknown>
}

export type OperationName = keyof Operations

export function createOperations(parts: {
  clients: ClientAdmin
  railCredentials: RailCredentialAdmin
  keys: Pick<KeyKeeper, 'list' | 'rotate'>
  rotateVault: () => Promise<number>
}): Operations {
  const { clients, railCredentials, keys, rotateVault } = parts
  return {
    'client add': ({ registration, id }) => clients.add(registration, id),
    'client list': () => clients.list(),
    'client show': ({ id }) => clients.show(id),
    'client rotate-secret': ({ id, overlapSeconds }) => clients.rotateSecret(id, overlapSeconds),
    'client remove': async ({ id }) => {
      await clients.remove(id)
      return { removed: id }
    },
    'credentials set': async ({ rail, ...credentials }) => {
      await railCredentials.set(rail, credentials)
      return railCredentials.show(rail)
    },
    'credentials show': ({ rail }) => railCredentials.show(rail),
    'credentials drop-previous': async ({ rail }) => {
      await railCredentials.dropPrevious(rail)
      return railCredentials.show(rail)
    },
    'keys list': () => keys.list(),
    'keys rotate': (input) => keys.rotate(input),
    'vault rotate': async () => ({ rewrapped: await rotateVault() }),
  }
}
