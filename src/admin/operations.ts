import type { ClientAdmin } from './clients.ts'

/** What an operator can do, by name: the same over the command line and over a running server's control socket. */
export interface Operations {
  'client add': (input: { readonly registration: unknown; readonly id?: string }) => Promise<unknown>
  'client list': () => Promise<unknown>
  'client show': (input: { readonly id: string }) => Promise<unknown>
  'client rotate-secret': (input: { readonly id: string }) => Promise<unknown>
  'client remove': (input: { readonly id: string }) => Promise<unknown>
  'vault rotate': () => Promise<unknown>
}

export type OperationName = keyof Operations

export function createOperations(parts: { clients: ClientAdmin; rotateVault: () => Promise<number> }): Operations {
  const { clients, rotateVault } = parts
  return {
    'client add': ({ registration, id }) => clients.add(registration, id),
    'client list': () => clients.list(),
    'client show': ({ id }) => clients.show(id),
    'client rotate-secret': ({ id }) => clients.rotateSecret(id),
    'client remove': async ({ id }) => {
      await clients.remove(id)
      return { removed: id }
    },
    'vault rotate': async () => ({ rewrapped: await rotateVault() }),
  }
}
