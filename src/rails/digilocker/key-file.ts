import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { AppError } from '../../errors.ts'
import type { IdTokenKeys } from './settings.ts'

/** RSA keys with nothing private in them (RFC 7518 §6.3.2): a file that holds `d` was not meant for us. */
const publicKey = z.looseObject({ kty: z.literal('RSA'), n: z.string(), e: z.string() }).refine((key) => !('d' in key))
const keySet = z.object({ keys: z.array(publicKey).min(1) })

/**
 * Where the keys of DigiLocker's id_token come from, as an operator writes it.
 * @param text `tls-only`, the address of a JWK Set, or the path of a file that holds one
 * @throws AppError CONFIG_INVALID for a file that cannot be read or holds other than public RSA keys
 * @see RFC 7517 §5; OpenID Connect Core §3.1.3.7 point 6
 */
export function readIdTokenKeys(text: string): IdTokenKeys {
  if (text === 'tls-only') return { mode: 'tls-only' }
  const url = /^https?:/.test(text) ? URL.parse(text) : null
  if (url) return { mode: 'jwks-uri', url }
  const parsed = keySet.safeParse(readJson(text))
  if (!parsed.success) throw fault('the file must be a JWK Set of public RSA keys')
  return { mode: 'keys', jwks: parsed.data }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw fault('the file cannot be read as JSON', cause)
  }
}

const fault = (message: string, cause?: unknown) =>
  new AppError('CONFIG_INVALID', `DIGILOCKER_ID_TOKEN_KEYS: ${message}`, { cause })
