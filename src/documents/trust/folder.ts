import { hash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { AppError } from '../../errors.ts'
import { readCertificate } from './certificate.ts'
import { type ParsedCrl, readCrl } from './crl.ts'
import { decodeBareBase64, decodePem } from './encoding.ts'

/** What an operator's folder holds. Plain data, so that threads can be given it without reading long lists anew. */
export interface TrustFolder {
  /** DER; they complete paths */
  readonly certificates: readonly Uint8Array[]
  readonly lists: readonly ParsedCrl[]
}

export const EMPTY_FOLDER: TrustFolder = Object.freeze({ certificates: [], lists: [] })

/** As the Indian authorities publish them; other files (notes, checksums) are left alone. */
const EXTENSIONS = new Set(['.pem', '.cer', '.crt', '.der', '.b64', '.crl'])
/** some hundred thousand entries of a list */
const MAX_FILE_BYTES = 8 * 1024 * 1024

/**
 * Reads a folder of certificates and revocation lists in PEM, DER or bare base64. Sub-folders are not entered.
 * @param known lists of an earlier reading: the same bytes are not parsed again
 * @throws AppError CONFIG_INVALID naming the file that is neither
 */
export function readFolder(folder: string, known: readonly ParsedCrl[] = []): TrustFolder {
  const byFingerprint = new Map(known.map((list) => [list.fingerprint, list]))
  const toList = (der: Uint8Array) => byFingerprint.get(hash('sha256', der, 'hex')) ?? readCrl(der)
  const found = listFolder(folder).map((path) => readOne(path, toList))
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

type ToList = (der: Uint8Array) => ParsedCrl | undefined

function readOne(path: string, toList: ToList): TrustFolder {
  const bytes = readBytes(path)
  const text = bytes.toString('latin1')
  const armoured = [...decodePem(text, 'CERTIFICATE'), ...decodePem(text, 'X509 CRL')]
  const all = armoured.length > 0 ? armoured : [decodeBareBase64(text) ?? Uint8Array.from(bytes)]
  const certificates = all.filter(readCertificate)
  const lists = all.filter((der) => !certificates.includes(der)).flatMap((der) => toList(der) ?? [])
  if (certificates.length + lists.length === all.length) return { certificates, lists }
  throw new AppError('CONFIG_INVALID', `trust folder: ${path} holds what is neither certificate nor revocation list`)
}

function readBytes(path: string): Buffer {
  try {
    if (statSync(path).size <= MAX_FILE_BYTES) return readFileSync(path)
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `trust folder: ${path} cannot be read`, { cause })
  }
  throw new AppError('CONFIG_INVALID', `trust folder: ${path} is too big`)
}
