import { createPublicKey, type KeyObject } from 'node:crypto'
import { ExternalSigningKey } from 'oidc-provider'
import type { Clock } from '../../clock.ts'
import { KeyError } from '../../errors.ts'
import type { KeyHolderKind, SigningKeyStore, StoredSigningKey } from '../stores.ts'
import type { Sign } from './algorithms.ts'
import { inOrder, signsSince } from './keeper.ts'
import { type KeyHolder, type OpenKey, probe, thumbprint } from './key-holder.ts'

export interface KeySetParts {
  readonly store: SigningKeyStore
  readonly holders: Readonly<Partial<Record<KeyHolderKind, KeyHolder>>>
  readonly clock: Clock
  /** a key that could not be opened or does not sign */
  readonly warn: (kid: string, error: unknown) => void
}

/** Our signing keys as the engine takes them, and how they are. */
export interface KeySet {
  /** in the order that the engine wants: of each algorithm the key that signs first (oidc-provider.md §3, "Key order") */
  load(): Promise<ExternalSigningKey[]>
  /** @throws KeyError KEY_HOLDER_UNAVAILABLE while what was signed last failed and signing still does */
  check(): Promise<void>
  /** of the current keys, as last loaded */
  ages(): readonly { readonly alg: string; readonly ageSeconds: number }[]
}

export function createKeySet(parts: KeySetParts): KeySet {
  let current: readonly StoredSigningKey[] = []
  let held: readonly HeldKey[] = []
  let checking: Promise<void> | undefined

  const load = async () => {
    const stored = (await parts.store.list()).toSorted(inOrder)
    held = await Promise.all(stored.map(hold))
    current = stored.filter(({ state }) => state === 'current')
    return [...held]
  }

  /** One that cannot be opened is published all the same; whoever would sign with it is told why not. */
  async function hold(key: StoredSigningKey): Promise<HeldKey> {
    try {
      const opened = await open(key)
      if (key.state === 'current') await probe(key.alg, opened)
      return new HeldKey(key, opened)
    } catch (error) {
      parts.warn(key.kid, error)
      const { publicJwk } = key
      if (!publicJwk) throw error
      // Opened anew at each use, until it works: the service may have been away just now.
      const sign: Sign = async (data) => {
        const opened = await open(key)
        await probe(key.alg, opened)
        return opened.sign(data)
      }
      const broken = new HeldKey(key, { publicJwk, sign })
      broken.failing = key.state === 'current'
      return broken
    }
  }

  async function open(key: StoredSigningKey): Promise<OpenKey> {
    const holder = parts.holders[key.holder]
    if (!holder) throw new KeyError('KEY_HOLDER_UNAVAILABLE', `keys of the kind ${key.holder} are not configured here`)
    const opened = await holder.open(key)
    // A kid means one key for good: whoever keeps our keys would not look again.
    if (key.publicJwk && thumbprint(key.publicJwk) !== thumbprint(opened.publicJwk))
      throw new KeyError('KEY_HOLDER_UNAVAILABLE', 'the holder has another key under this kid')
    return opened
  }

  async function signAgain(): Promise<void> {
    for (const key of held) if (key.failing) await key.sign(Buffer.from('is anybody there?'))
  }

  return {
    load,
    // One try for all who ask meanwhile: a service that is away is not helped by a crowd.
    check() {
      checking ??= signAgain().finally(() => {
        checking = undefined
      })
      return checking
    },
    ages: () => current.map((key) => ({ alg: key.alg, ageSeconds: parts.clock() - signsSince(key) })),
  }
}

/** A key that the engine signs with through its hook: the private half may be anywhere. */
class HeldKey extends ExternalSigningKey {
  failing = false
  readonly #publicKey: KeyObject
  readonly #sign: Sign

  constructor({ kid, alg }: StoredSigningKey, { publicJwk, sign }: OpenKey) {
    super()
    Object.assign(this, { kid, alg })
    this.#publicKey = createPublicKey({ key: publicJwk, format: 'jwk' })
    this.#sign = sign
  }

  override keyObject(): KeyObject {
    return this.#publicKey
  }

  /** @throws KeyError KEY_HOLDER_UNAVAILABLE, whatever went wrong */
  override async sign(data: Uint8Array): Promise<Uint8Array> {
    try {
      const signature = await this.#sign(data)
      this.failing = false
      return signature
    } catch (cause) {
      this.failing = true
      if (cause instanceof KeyError) throw cause
      throw new KeyError('KEY_HOLDER_UNAVAILABLE', 'the key cannot sign', { cause })
    }
  }
}
