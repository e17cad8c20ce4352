import { randomBytes } from 'node:crypto'
import type { Provider } from 'oidc-provider'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { AdminError } from '../errors.ts'
import {
  type ClientRegistration,
  clientRegistration,
  clientSecretPlace,
  previousSecretPlace,
} from '../provider/clients.ts'
import { faultsInRegistration, type RegistrationTerms, warningsOf, withDefaults } from '../provider/registration.ts'
import type { ClientStore, StoredClient } from '../provider/stores.ts'
import type { Vault } from '../vault/vault.ts'

/** A client as an operator may see it: never its secret. */
export interface ClientView {
  readonly client_id: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly has_secret: boolean
  /** until then the secret before works too; epoch seconds */
  readonly previous_secret_ends_at?: number
  /** epoch seconds */
  readonly created_at: number
  readonly updated_at: number
}

/** The secret is told once, here, and is unreadable afterwards. */
export interface ClientWithSecret extends ClientView {
  readonly client_secret?: string
  /** plain sentences about what was registered and is better avoided */
  readonly warnings?: readonly string[]
}

export interface ClientAdminParts {
  readonly clients: ClientStore
  readonly vault: Vault
  readonly clock: Clock
  readonly terms: RegistrationTerms
  /** asks the engine whether it would accept the metadata; its faults otherwise surface at a client's first request */
  readonly validate: (metadata: Record<string, unknown>) => Promise<void>
}

/** Client registration for operators: what the command line, the console and the management API all call. */
export function createClientAdmin(parts: ClientAdminParts) {
  const { clients, vault, clock } = parts

  /** @throws AdminError CLIENT_INVALID naming every fault */
  async function add(input: unknown, chosenId?: string): Promise<ClientWithSecret> {
    const registration = readRegistration(input, parts.terms)
    const id = chosenId ?? `c_${randomBytes(9).toString('base64url')}`
    if (await clients.find(id)) throw new AdminError('CLIENT_INVALID', 'a client with this id exists already')
    const secret = usesSecret(registration) ? newSecret() : undefined
    const metadata = toMetadata(id, registration)
    await refuseWhatTheEngineRefuses(metadata, secret)
    const stored = await seal({ id, metadata, createdAt: clock(), updatedAt: clock() }, secret)
    await clients.put(stored, { body: { type: 'client.added' }, clientId: id })
    const warnings = warningsOf(registration)
    return {
      ...toView(stored),
      ...(secret && { client_secret: secret }),
      ...(warnings.length > 0 && { warnings }),
    }
  }

  async function list(): Promise<ClientView[]> {
    return (await clients.list()).map(toView)
  }

  /** @throws AdminError CLIENT_UNKNOWN */
  async function show(id: string): Promise<ClientView> {
    return toView(await get(id))
  }

  /**
   * Replaces the secret. The old one goes on working for `overlapSeconds`, by default not at all: it then stops within a
   * second everywhere. The one before that stops in any case: two work at a time.
   * @throws AdminError CLIENT_UNKNOWN, CLIENT_INVALID
   */
  async function rotateSecret(id: string, overlapSeconds = 0): Promise<ClientWithSecret> {
    const client = await get(id)
    if (!client.sealedSecret) throw new AdminError('CLIENT_INVALID', 'this client authenticates without a secret')
    if (overlapSeconds < 0 || overlapSeconds > MAX_OVERLAP_SECONDS)
      throw new AdminError('CLIENT_INVALID', 'the overlap of two secrets is 30 days at most')
    const secret = newSecret()
    const previousSecret = await keepFor(overlapSeconds, id, client.sealedSecret)
    const stored = await seal({ ...client, previousSecret, updatedAt: clock() }, secret)
    await clients.put(stored, { body: { type: 'client.secret_rotated' }, clientId: id })
    return { ...toView(stored), client_secret: secret }
  }

  async function keepFor(seconds: number, id: string, sealed: Uint8Array): Promise<StoredClient['previousSecret']> {
    if (seconds === 0) return undefined
    const secret = await vault.open('system', clientSecretPlace(id), sealed)
    return { sealed: await vault.seal('system', previousSecretPlace(id), secret), endsAt: clock() + seconds }
  }

  /** Removes the client and revokes everything it holds. @throws AdminError CLIENT_UNKNOWN */
  async function remove(id: string): Promise<void> {
    const removed = await clients.remove(id, { body: { type: 'client.removed' }, clientId: id })
    if (!removed) throw unknownClient()
  }

  async function get(id: string): Promise<StoredClient> {
    const client = await clients.find(id)
    if (!client) throw unknownClient()
    return client
  }

  async function seal(client: Omit<StoredClient, 'sealedSecret'>, secret: string | undefined): Promise<StoredClient> {
    return {
      ...client,
      sealedSecret: secret === undefined ? undefined : await vault.seal('system', clientSecretPlace(client.id), secret),
    }
  }

  async function refuseWhatTheEngineRefuses(
    metadata: Record<string, unknown>,
    secret: string | undefined,
  ): Promise<void> {
    try {
      await parts.validate({ ...metadata, ...(secret && { client_secret: secret }) })
    } catch (cause) {
      const reason =
        cause instanceof Error && 'error_description' in cause
          ? String(cause.error_description)
          : 'the engine refuses it'
      throw new AdminError('CLIENT_INVALID', reason, { cause })
    }
  }

  return { add, list, show, rotateSecret, remove }
}

export type ClientAdmin = ReturnType<typeof createClientAdmin>

export const validateWith = (currentProvider: () => Provider) => async (metadata: Record<string, unknown>) => {
  await currentProvider().Client.validate(metadata as Parameters<Provider['Client']['validate']>[0])
}

function readRegistration(input: unknown, terms: RegistrationTerms): ClientRegistration {
  const read = clientRegistration.safeParse(input)
  if (!read.success) throw new AdminError('CLIENT_INVALID', z.prettifyError(read.error))
  const faults = faultsInRegistration(read.data, terms)
  if (faults.length > 0) throw new AdminError('CLIENT_INVALID', faults.join('\n'))
  return read.data
}

/** In one key order, always: the engine caches a client by the text of its metadata (oidc-provider.md §3). */
function toMetadata(id: string, registration: ClientRegistration): Record<string, unknown> {
  const { jwks, ...rest } = withDefaults(registration)
  const grantTypes = registration.scope.split(' ').includes('offline_access')
    ? ['authorization_code', 'refresh_token']
    : ['authorization_code']
  const metadata = { client_id: id, ...rest, ...(jwks && { jwks }), grant_types: grantTypes, response_types: ['code'] }
  const given = Object.entries(metadata).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function toView(client: StoredClient): ClientView {
  return {
    client_id: client.id,
    metadata: client.metadata,
    has_secret: client.sealedSecret !== undefined,
    ...(client.previousSecret && { previous_secret_ends_at: client.previousSecret.endsAt }),
    created_at: client.createdAt,
    updated_at: client.updatedAt,
  }
}

const usesSecret = (registration: ClientRegistration): boolean =>
  registration.token_endpoint_auth_method.startsWith('client_secret_')

const MAX_OVERLAP_SECONDS = 30 * 86_400

/** 256 bits: long enough that nobody guesses it and no slow hash is needed. */
const newSecret = (): string => randomBytes(32).toString('base64url')

const unknownClient = (): AdminError => new AdminError('CLIENT_UNKNOWN', 'there is no client with this id')
