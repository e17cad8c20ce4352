import { type AdapterFactory, errors } from 'oidc-provider'
import { StoreError } from '../errors.ts'

/**
 * The engine's storage with our refusal of bad input in the engine's own words: what a request carries and the store
 * cannot hold is `invalid_request` (RFC 6749 §5.2), not a failure of ours.
 */
export function withEngineErrors(factory: AdapterFactory): AdapterFactory {
  return (model) => {
    const adapter = factory(model)
    return {
      upsert: (...given) => translated(adapter.upsert(...given)),
      find: (...given) => translated(adapter.find(...given)),
      findByUid: (...given) => translated(adapter.findByUid(...given)),
      findByUserCode: (...given) => translated(adapter.findByUserCode(...given)),
      consume: (...given) => translated(adapter.consume(...given)),
      destroy: (...given) => translated(adapter.destroy(...given)),
      revokeByGrantId: (...given) => translated(adapter.revokeByGrantId(...given)),
    }
  }
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'STORE_INPUT_REFUSED') throw error
    throw Object.assign(new errors.InvalidRequest('a parameter holds a character that is not allowed'), {
      cause: error,
    })
  }
}
