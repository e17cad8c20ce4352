import { createHash, createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { AppError, KeyError } from '../../errors.ts'
import type { SigningAlg } from '../stores.ts'
import { algorithms, signingAlgs } from './algorithms.ts'
import { type KeyHolder, publicOnly } from './key-holder.ts'
import { openPrivateKey } from './sealed-holder.ts'

interface FileKey {
  readonly kid: string
  readonly alg: SigningAlg
  readonly key: KeyObject
}

/**
 * Keys of the operator's own making in a file: a JWK Set (RFC 7517 §5) or PEM blocks one after the other, oldest first.
 * A key that is appended becomes the next one of its algorithm. The file is read anew whenever a key is wanted from it.
 * @throws AppError CONFIG_INVALID: others may read it, it cannot be read, or an algorithm has no key
 */
export function createFileHolder(path: string): KeyHolder {
  const first = readKeyFile(path)
  for (const alg of signingAlgs)
    if (!first.some((one) => one.alg === alg)) throw fault(`the file holds no key for ${alg}`)
  return {
    kind: 'file',
    async make(alg, current) {
      const fitting = readKeyFile(path).filter((one) => one.alg === alg)
      // After the one that signs; an older one must not come back.
      const found = fitting[fitting.findIndex(({ kid }) => kid === current) + 1]
      return found && { kid: found.kid, publicJwk: publicJwkOf(found.key), sealedPrivateJwk: undefined }
    },
    async open({ kid, alg }) {
      const found = readKeyFile(path).find((one) => one.kid === kid)
      if (!found) throw new KeyError('KEY_HOLDER_UNAVAILABLE', 'the key file does not hold this key')
      return openPrivateKey(alg, found.key)
    },
  }
}

function readKeyFile(path: string): FileKey[] {
  const text = readPrivately(path)
  const keys = text.trimStart().startsWith('{') ? readJwks(text) : readPem(text)
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) throw fault('two keys have the same kid')
  return keys
}

/** Whoever can read the file can be us: only its owner, and a group where the platform needs one, may. */
function readPrivately(path: string): string {
  try {
    if ((statSync(path).mode & 0o027) === 0) return readFileSync(path, 'utf8')
  } catch (cause) {
    throw fault('the file cannot be read', cause)
  }
  throw fault('others than its owner and group may read the file, or the group may write it: chmod 600')
}

function readJwks(content: string): FileKey[] {
  try {
    const { keys } = JSON.parse(content) as { keys: JsonWebKey[] }
    return keys.map((jwk) =>
      toFileKey(createPrivateKey({ key: jwk, format: 'jwk' }), typeof jwk.kid === 'string' ? jwk.kid : undefined),
    )
  } catch (cause) {
    throw cause instanceof AppError ? cause : fault('the file is no JWK Set of private keys', cause)
  }
}

function readPem(text: string): FileKey[] {
  try {
    const blocks = text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []
    return blocks.map((block) => toFileKey(createPrivateKey(block)))
  } catch (cause) {
    throw cause instanceof AppError ? cause : fault('the file holds something else than private keys in PEM', cause)
  }
}

function toFileKey(key: KeyObject, kid?: string | undefined): FileKey {
  const jwk = publicJwkOf(key)
  const alg = signingAlgs.find((one) => algorithms[one].fits(jwk))
  if (!alg) throw fault('a key is neither RSA nor on the curves P-256 or Ed25519')
  if (alg === 'RS256' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
    throw fault('an RSA key is shorter than 2048 bits (RFC 7518 §3.3)')
  return { kid: kid ?? thumbprint(jwk), alg, key }
}

const publicJwkOf = (key: KeyObject): JsonWebKey => publicOnly(createPublicKey(key).export({ format: 'jwk' }))

/** RFC 7638 §3: the required members in the order of their names. */
export function thumbprint(jwk: JsonWebKey): string {
  const required = Object.entries(publicOnly(jwk)).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(required)))
    .digest('base64url')
}

const fault = (message: string, cause?: unknown) =>
  new AppError('CONFIG_INVALID', `DWAR_SIGNING_KEY_FILE: ${message}`, { cause })
