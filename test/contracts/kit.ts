import { randomBytes, randomUUID } from 'node:crypto'
import type { Adapter } from 'oidc-provider'
import type { Database, DatabaseOptions } from '../../adapters/database.ts'
import { createDecisionStore } from '../../adapters/decision-store.ts'
import { createOidcAdapter } from '../../adapters/oidc-adapter.ts'
import { createRequestMemo } from '../../adapters/request-memo.ts'
import { createStorage, type Storage } from '../../adapters/storage.ts'
import type { Consent } from '../../src/privacy/consent.ts'
import type { EventType } from '../../src/privacy/event.ts'
import type {
  Acceptance,
  DecisionStore,
  NewSigningKey,
  RailAttempt,
  SettledAttempt,
  SigningAlg,
  StoredClient,
} from '../../src/provider/stores.ts'
import { parseKeyRing } from '../../src/vault/key-ring.ts'
import { createVault } from '../../src/vault/sealed-vault.ts'
import type { Vault } from '../../src/vault/vault.ts'
import type { OpenDatabase } from '../support/databases.ts'

/** 2027-01-15T08:00:00Z */
export const NOW = 1_800_000_000

export interface Kit {
  readonly database: Database
  readonly storage: Storage
  readonly vault: Vault
  readonly decisions: DecisionStore
  readonly adapter: (model: string) => Adapter
  /** statements since the last call */
  statements(): string[]
  /** what runs inside shares what it reads, as in one request of the engine */
  inRequest<T>(work: () => Promise<T>): Promise<T>
  travelTo(now: number): void
  eventTypes(): Promise<EventType[]>
}

/** Everything over one fresh database, with a frozen clock. */
export async function openKit(open: OpenDatabase, options: Omit<DatabaseOptions, 'url'> = {}): Promise<Kit> {
  let sent: string[] = []
  const database = await open({ ...options, onStatement: (text) => sent.push(text) })
  return assembleKit(database, () => {
    const statements = sent
    sent = []
    return statements
  })
}

export function assembleKit(database: Database, statements: () => string[] = () => []): Kit {
  let now = NOW
  let request: object | undefined
  const clock = () => now
  const memo = createRequestMemo(() => request)
  const storage = createStorage(database, clock, memo)
  const vault = createVault(parseKeyRing(`test:${Buffer.alloc(32, 7).toString('base64')}`), storage.dataKeys, { clock })
  const parts = { database, vault, clock, memo, clients: storage.clientCache, clockToleranceSeconds: 15 }
  const adapter = createOidcAdapter(parts)
  return {
    database,
    storage,
    vault,
    decisions: createDecisionStore(parts),
    adapter,
    statements,
    async inRequest(work) {
      request = {}
      try {
        return await work()
      } finally {
        request = undefined
      }
    },
    travelTo: (to) => {
      now = to
    },
    eventTypes: async () => (await storage.events.history({})).map((event) => event.body.type),
  }
}

/** 43 characters, 256 bits: as the engine makes them. */
export const newBearer = () => randomBytes(32).toString('base64url')

/** A grant for a family to hang on. */
export async function makeGrant(kit: Kit, grantId = newBearer()): Promise<string> {
  const payload = { accountId: 'acct-1', clientId: 'shop', iat: NOW, exp: NOW + 1000, jti: grantId, kind: 'Grant' }
  await kit.adapter('Grant').upsert(grantId, payload, 1000)
  return grantId
}

export async function makeToken(kit: Kit, model: string, grantId: string, more: object = {}): Promise<string> {
  const id = newBearer()
  const payload = {
    accountId: 'acct-1',
    clientId: 'shop',
    grantId,
    scope: 'openid',
    iat: NOW,
    exp: NOW + 600,
    jti: id,
    kind: model,
  }
  await kit.adapter(model).upsert(id, { ...payload, ...more }, 600)
  return id
}

export function aConsent(grantId: string, more: Partial<Consent> = {}): Consent {
  return {
    id: randomUUID(),
    accountId: 'acct-1',
    clientId: 'shop',
    grantId,
    rail: 'digilocker',
    purpose: 'sign-in',
    notice: 'v1',
    locale: 'en',
    items: [{ claim: 'name', required: true, shared: true, source: 'ADHAR' }],
    evidence: [],
    requestDigest: 'ab'.repeat(32),
    givenAt: NOW,
    retainUntil: NOW + 500,
    ...more,
  }
}

/** What is read of a consent for an answer under its grant. */
export const grantedPart = ({ id, accountId, items, evidence, requestDigest, givenAt }: Consent) => ({
  id,
  accountId,
  items,
  evidence,
  requestDigest,
  givenAt,
})

export function aKey(kid: string, alg: SigningAlg, more: Partial<NewSigningKey> = {}): NewSigningKey {
  return {
    kid,
    alg,
    state: 'next',
    holder: 'sealed',
    publicJwk: undefined,
    sealedPrivateJwk: Buffer.from('s'),
    createdAt: NOW,
    ...more,
  }
}

export function aClient(id: string, more: Partial<StoredClient> = {}): StoredClient {
  return {
    id,
    metadata: { redirect_uris: ['https://shop.test/cb'], client_name: 'Shop' },
    sealedSecret: undefined,
    createdAt: NOW,
    updatedAt: NOW,
    ...more,
  }
}

/** A consent as a decision writes it. */
export async function insertConsent(
  { database }: Kit | { database: Database },
  consent: Consent,
  sealedValues: Buffer,
) {
  const { id, accountId, clientId, grantId, items, evidence, requestDigest, givenAt, retainUntil, ...same } = consent
  const retain_until = new Date(retainUntil * 1000)
  await database
    .db()
    .insertInto('consent')
    .values({
      ...same,
      id,
      account_id: accountId,
      client_id: clientId,
      grant_id: grantId,
      items: JSON.stringify(items),
      evidence: JSON.stringify(evidence),
      request_digest: requestDigest,
      given_at: new Date(givenAt * 1000),
      retain_until,
    })
    .execute()
  await database
    .db()
    .insertInto('consent_value')
    .values({ consent_id: id, sealed: sealedValues, retain_until })
    .execute()
}

export async function insertAccount({ database }: Kit, id: string, key: Uint8Array): Promise<void> {
  const row = { id, account_key: Buffer.from(key), created_at: new Date(NOW * 1000) }
  await database.db().insertInto('account').values(row).execute()
}

/** An interaction that is not over. */
export async function makeInteraction(kit: Kit, uid: string = newBearer(), more: object = {}): Promise<string> {
  const payload = { params: { client_id: 'shop' }, exp: NOW + 900, jti: uid, kind: 'Interaction', ...more }
  await kit.adapter('Interaction').upsert(uid, payload, 900)
  return uid
}

/** A journey that somebody came back from. */
export async function makeReturn(
  kit: Kit,
  sessionOf: (attemptId: string) => Promise<SettledAttempt['session']> = async () => undefined,
): Promise<RailAttempt> {
  const attempt = anAttempt({ id: kit.database.newId(), interactionUid: await makeInteraction(kit) })
  await kit.storage.attempts.open(attempt, { body: { type: 'client.changed' } })
  const sealedOutcome = Buffer.from('outcome')
  const session = await sessionOf(attempt.id)
  await kit.storage.attempts.settle(
    attempt.id,
    { sealedOutcome, expiresAt: NOW + 1200, accountKey: undefined, session },
    [],
  )
  return { ...attempt, usedAt: undefined, sealedOutcome }
}

/** Her yes to what came of a journey. */
export function anAcceptance(
  { id: attemptId, interactionUid }: RailAttempt,
  more: Partial<Acceptance> = {},
): Acceptance {
  const grantId = newBearer()
  const account = more.account ?? { id: 'acct-1', key: Buffer.alloc(32, 1), dataKey: undefined }
  const result = { login: { accountId: account.id } }
  return {
    interaction: { id: interactionUid, payload: { result, exp: NOW + 900, jti: interactionUid }, expiresIn: 900 },
    attemptId,
    account,
    grant: { id: grantId, payload: { accountId: account.id, clientId: 'shop', exp: NOW + 900 }, expiresIn: 900 },
    consent: aConsent(grantId, { accountId: account.id }),
    sealedValues: Buffer.from('values'),
    keepSessionUntil: undefined,
    event: { body: { type: 'client.changed' }, interactionUid },
    ...more,
  }
}

type NewAttempt = Omit<RailAttempt, 'usedAt' | 'sealedOutcome'> & { stateHash: Uint8Array; browserHash: Uint8Array }

export function anAttempt(more: Partial<NewAttempt> = {}): NewAttempt {
  return {
    id: randomUUID(),
    rail: 'digilocker',
    interactionUid: 'interaction-1',
    clientId: 'shop',
    sealedState: Buffer.from('sealed state'),
    expiresAt: NOW + 600,
    stateHash: randomBytes(32),
    browserHash: Buffer.alloc(32, 1),
    ...more,
  }
}
