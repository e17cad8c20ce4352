import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { AppError } from '../../errors.ts'
import { type ParsedCertificate, readCertificate } from './certificate.ts'
import { type ParsedCrl, readCrl } from './crl.ts'
import { decodeBareBase64, decodePem } from './encoding.ts'

/** What an operator's folder holds: certificates that complete paths, and revocation lists. DER. */
export interface TrustFolder {
  readonly certificates: readonly Uint8Array[]
  readonly lists: readonly Uint8Array[]
}

export const EMPTY_FOLDER: TrustFolder = Object.freeze({ certificates: [], lists: [] })

/** As the Indian authorities publish them; other files (notes, checksums) are left alone. */
const EXTENSIONS = new Set(['.pem', '.cer', '.crt', '.der', '.b64', '.crl'])
const MAX_FILE_BYTES = 32 * 1024 * 1024

/**
 * Reads a folder of certificates and revocation lists in PEM, DER or bare base64. Sub-folders are not entered.
 * @throws AppError CONFIG_INVALID naming the file that is neither
 */
export function readFolder(folder: string): TrustFolder {
  const found = listFolder(folder).map(readOne)
  return {
    certificates: found.flatMap(({ certificates }) => certificates),
    lists: found.flatMap(({ lists }) => lists),
  }
}

/** Paths of the files that count, sorted. @throws AppError CONFIG_INVALID */
export function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && EXTENSIONS.has(extname(entry.name).toLowerCase()))
      .map(({ name }) => join(folder, name))
      .sort()
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `trust folder ${folder}: cannot be read`, { cause })
  }
}

/**
 * Parses what a folder held.
 * @throws AppError CONFIG_INVALID
 */
export function parseFolder({ certificates, lists }: TrustFolder): {
  certificates: ParsedCertificate[]
  lists: ParsedCrl[]
} {
  return { certificates: certificates.map(certain(readCertificate)), lists: lists.map(certain(readCrl)) }
}

const certain =
  <T>(read: (der: Uint8Array) => T | undefined) =>
  (der: Uint8Array): T => {
    const value = read(der)
    if (value === undefined) throw new AppError('CONFIG_INVALID', 'trust: neither certificate nor revocation list')
    return value
  }

function readOne(path: string): TrustFolder {
  const bytes = readBytes(path)
  const text = bytes.toString('latin1')
  const armoured = { certificates: decodePem(text, 'CERTIFICATE'), lists: decodePem(text, 'X509 CRL') }
  const found =
    armoured.certificates.length + armoured.lists.length > 0 ? armoured : sort(decodeBareBase64(text) ?? bytes)
  const isSound = found.certificates.every(readCertificate) && found.lists.every(readCrl)
  if (isSound && found.certificates.length + found.lists.length > 0) return found
  throw new AppError('CONFIG_INVALID', `trust folder: ${path} holds neither certificate nor revocation list`)
}

function sort(der: Uint8Array): TrustFolder {
  if (readCertificate(der)) return { certificates: [Uint8Array.from(der)], lists: [] }
  return { certificates: [], lists: readCrl(der) ? [Uint8Array.from(der)] : [] }
}

function readBytes(path: string): Buffer {
  try {
    if (statSync(path).size <= MAX_FILE_BYTES) return readFileSync(path)
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `trust folder: ${path} cannot be read`, { cause })
  }
  throw new AppError('CONFIG_INVALID', `trust folder: ${path} is too big`)
}
