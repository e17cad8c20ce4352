import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { AppError, KeyError } from '../../errors.ts'
import type { SigningAlg } from '../stores.ts'
import { algorithms, signingAlgs } from './algorithms.ts'
import { type KeyHolder, publicOnly, thumbprint } from './key-holder.ts'
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
    async make(alg, used) {
      const fitting = readKeyFile(path).filter((one) => one.alg === alg)
      // After the last one that was ours: an older one must not come back, whoever has held the keys meanwhile.
      const found = fitting[fitting.findLastIndex(({ kid }) => used.includes(kid)) + 1]
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
  const { isFile, mode, text } = readOnce(path)
  if (!isFile) throw fault('that is no file')
  if ((mode & 0o027) !== 0)
    throw fault('others than its owner and group may read the file, or the group may write it: chmod 600')
  return text
}

/** What is judged is what is read, should the path lead elsewhere a moment later. A link is followed: platforms hand files over so. */
function readOnce(path: string): { isFile: boolean; mode: number; text: string } {
  try {
    // A pipe would have us wait until somebody writes to it.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = fstatSync(file)
      const isFile = stats.isFile()
      return { isFile, mode: stats.mode, text: isFile ? readFileSync(file, 'utf8') : '' }
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    throw fault(whyNot(cause), cause)
  }
}

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'the file may not be read by this process',
}
const whyNot = (cause: unknown): string => {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return WHY_NOT[code] ?? `the file cannot be read${code && ` (${code})`}`
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

const fault = (message: string, cause?: unknown) =>
  new AppError('CONFIG_INVALID', `DWAR_SIGNING_KEY_FILE: ${message}`, { cause })
