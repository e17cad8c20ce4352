import { createHash } from 'node:crypto'
import { makePdf } from './pdf.ts'
import type { Persona } from './persona.ts'
import { PORTRAIT_JPEG_BASE64 } from './portrait.ts'

/** A file that a citizen put into her locker herself: nobody vouches for it. */
export interface UploadedFile {
  /** folders and name, `Health/blood test.pdf` */
  readonly path: string
  readonly mime: string
  readonly bytes: Buffer
  /** epoch seconds */
  readonly changedAt: number
}

const NAME = '[A-Za-z0-9][A-Za-z0-9 ._()-]{0,99}'
export const FOLDER_NAME = new RegExp(`^${NAME}$`)
export const FILE_NAME = new RegExp(`^${NAME}\\.[A-Za-z]{3,4}$`)
/** What may stand in the YAML of people. */
export const UPLOAD_PATH = new RegExp(`^(${NAME}/){0,5}${NAME}\\.(jpg|jpeg|png|pdf)$`)

/** What may be uploaded, with the bytes that such a file begins with (digilocker-api.md §10.8). */
export const KINDS: Readonly<Record<string, { readonly mime: string; readonly magic: string }>> = {
  jpg: { mime: 'image/jpeg', magic: 'ffd8ff' },
  jpeg: { mime: 'image/jpeg', magic: 'ffd8ff' },
  png: { mime: 'image/png', magic: '89504e470d0a1a0a' },
  pdf: { mime: 'application/pdf', magic: '255044462d' },
}
export const endingOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1).toLowerCase()

/** One grey dot. */
const PNG_BASE64 = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2LfV3gAAAABJRU5ErkJggg=='
const LISTED_AT = 1_572_652_800 // 2 November 2019
const SHELF_BYTES = 64 * 1024 * 1024

/** Files that came in over the upload endpoint, the newest 64 MiB of them: a shelf in memory. */
export class Shelf {
  #files: { owner: string; file: UploadedFile }[] = []

  /** A file of the same path takes the place of the older one. */
  put(owner: string, file: UploadedFile): void {
    this.#files = this.#files.filter((one) => one.owner !== owner || one.file.path !== file.path)
    this.#files.push({ owner, file })
    while (this.#bytes() > SHELF_BYTES) this.#files.shift()
  }

  of(owner: string): UploadedFile[] {
    return this.#files.filter((one) => one.owner === owner).map(({ file }) => file)
  }

  clear(): void {
    this.#files = []
  }

  #bytes(): number {
    return this.#files.reduce((sum, { file }) => sum + file.bytes.length, 0)
  }
}

/** What a persona has brought along. */
export function broughtAlong(persona: Persona): UploadedFile[] {
  return (persona.uploads ?? []).map((path) => {
    const mime = KINDS[endingOf(path)]?.mime ?? ''
    return { path, mime, bytes: madeUp(mime, path), changedAt: LISTED_AT }
  })
}

function madeUp(mime: string, path: string): Buffer {
  if (mime === 'application/pdf') return makePdf({ title: path, issuer: 'Uploaded by nobody', rows: [] })
  return Buffer.from(mime === 'image/png' ? PNG_BASE64 : PORTRAIT_JPEG_BASE64, 'base64')
}

/** Every folder that a file lies in, outermost first: `Health`, `Health/2024`. */
export const foldersOf = (files: readonly UploadedFile[]): string[] => [
  ...new Set(
    files.flatMap(({ path }) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_name, at, all) => all.slice(0, at + 1).join('/')),
    ),
  ),
]

export const folderOf = (path: string): string => path.split('/').slice(0, -1).join('/')

/** Folder ids are numbers; the same folder has the same one in every run. */
export const folderId = (owner: string, folder: string): number =>
  createHash('sha256').update(`folder:${owner}:${folder}`).digest().readUInt32BE(0)

/** As observed: self-uploaded files have a URI too, and are of type OTHER. */
export const uploadUri = (owner: string, path: string): string =>
  `in.gov.digilocker-OTHER-${createHash('sha256').update(`upload:${owner}:${path}`).digest('hex').slice(0, 32)}`
