import { createHmac } from 'node:crypto'
import { json, refuse, type SimRequest, type SimResponse } from './http.ts'
import { grantOf, INSUFFICIENT_SCOPE, INVALID_TOKEN } from './resources.ts'
import type { Quirks } from './rules.ts'
import {
  endingOf,
  FILE_NAME,
  FOLDER_NAME,
  folderId,
  folderOf,
  foldersOf,
  KINDS,
  type UploadedFile,
  uploadUri,
} from './shelf.ts'
import { sameText } from './token.ts'
import type { Grant, World } from './world.ts'

/** 10 MiB: the documents say 10 MB and nothing closer */
export const UPLOAD_BYTES = 10 * 1024 * 1024
const SCOPE = 'files.uploadeddocs'
const DEEPEST = 5
/** What a client may say of the bytes. `image/pdf` is the official specification's own. */
const CONTENT_TYPES = [
  'image/jpeg',
  'image/jpg',
  'image/png',
  'image/pdf',
  'application/pdf',
  'application/octet-stream',
]

/** GET /public/oauth2/1/files[/{id}]: one folder, the root where no id is given (digilocker-api.md §10.2). */
export function uploaded(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const grant = grantOf(request, world)
  if (grant === undefined) return INVALID_TOKEN
  if (!grant.scopes.includes(SCOPE)) return INSUFFICIENT_SCOPE
  const { id: owner } = grant.persona
  const files = world.uploads(grant.persona)
  const folders = foldersOf(files)
  const wanted = request.params.id ?? ''
  const folder = wanted === '' ? '' : folders.find((path) => String(folderId(owner, path)) === wanted)
  if (folder === undefined) return refuse(404, 'invalid_id', 'There is no such folder.')
  const idOf = (path: string) => {
    const id = folderId(owner, path)
    return quirks.take('folder-id-string', { persona: owner }) ? String(id) : id
  }
  const inside = (path: string) => folderOf(path) === folder
  const parent = folder === '' ? '' : String(folderId(owner, folder))
  return json(200, {
    directory: `/${folder}`,
    items: [
      ...folders.filter(inside).map((path) => folderItem(path, idOf(path), parent)),
      ...files.filter(({ path }) => inside(path)).map((file) => fileItem(file, owner, parent)),
    ],
  })
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

function folderItem(path: string, id: number | string, parent: string) {
  const empty = { size: '', date: '', mime: '', uri: '', description: '', issuer: '' }
  return { name: lastOf(path), type: 'dir', id, ...empty, parent }
}

function fileItem({ path, mime, bytes, changedAt }: UploadedFile, owner: string, parent: string) {
  return {
    name: lastOf(path),
    type: 'file',
    id: '',
    size: String(bytes.length),
    date: `${new Date(changedAt * 1000).toISOString().slice(0, 19)}Z`,
    parent,
    mime,
    uri: uploadUri(owner, path),
    description: '',
    issuer: '',
  }
}

export const TOO_LARGE = refuse(400, 'invalid_filesize', 'The file is larger than 10 MB.')

/**
 * POST /public/oauth2/1/file/upload: the bytes as they are, headers `Content-Type`, `path` (folders and name) and `hmac`.
 * @see digilocker-api.md §10.8
 */
export function upload(request: SimRequest, world: World): SimResponse {
  const grant = grantOf(request, world)
  if (grant === undefined) return INVALID_TOKEN
  if (!grant.scopes.includes(SCOPE)) return INSUFFICIENT_SCOPE
  const fault = UPLOAD_RULES.find(([, , isWrong]) => isWrong(toUpload(request), grant))
  if (fault) return refuse(400, fault[0], fault[1])
  const { path, body } = toUpload(request)
  const mime = KINDS[endingOf(path)]?.mime ?? ''
  world.upload(grant.persona, { path, mime, bytes: body, changedAt: world.now() })
  return json(200, { path, size: String(body.length) })
}

interface Upload {
  readonly path: string
  readonly contentType: string
  readonly hmac: string
  readonly body: Buffer
}

function toUpload({ headers, body }: SimRequest): Upload {
  const contentType = (headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase()
  return { path: headers.path ?? '', contentType, hmac: headers.hmac ?? '', body }
}

type Rule = readonly [error: string, description: string, isWrong: (upload: Upload, grant: Grant) => boolean]

/** In the order in which they are looked at; the first that is broken is answered. */
const UPLOAD_RULES: readonly Rule[] = [
  ['path_missing', 'The path header is missing.', ({ path }) => path === ''],
  ['contenttype_missing', 'The Content-Type header is missing.', ({ contentType }) => contentType === ''],
  ['hmac_missing', 'The hmac header is missing.', ({ hmac }) => hmac === ''],
  ['filename_missing', 'The path names no file.', ({ path }) => path.endsWith('/')],
  ['file_data_missing', 'The body is empty.', ({ body }) => body.length === 0],
  ['invalid_path', 'The path is not valid.', ({ path }) => !isPath(folderOf(path))],
  ['invalid_filename', 'The name of the file is not valid.', ({ path }) => !FILE_NAME.test(lastOf(path))],
  ['invalid_filetype', 'JPG, JPEG, PNG and PDF are taken.', ({ path, contentType }) => !isKind(path, contentType)],
  ['invalid_filesize', 'The file is larger than 10 MB.', ({ body }) => body.length > UPLOAD_BYTES],
  ['hmac_mismatch', 'The hmac is not that of this file.', ({ hmac, body }, grant) => !isHmacOf(body, hmac, grant)],
  ['mimetype_mismatch', 'The file is not of the type that it is said to be.', (given) => !isWhatItSays(given)],
]

function isPath(folder: string): boolean {
  const names = folder === '' ? [] : folder.split('/')
  return names.length <= DEEPEST && names.every((name) => FOLDER_NAME.test(name))
}

const isKind = (path: string, contentType: string): boolean =>
  Object.hasOwn(KINDS, endingOf(path)) && CONTENT_TYPES.includes(contentType)

/** base64(HMAC-SHA256(client secret, bytes)), as in §10.6 */
function isHmacOf(body: Buffer, hmac: string, { client }: Grant): boolean {
  return sameText(createHmac('sha256', client.clientSecret).update(body).digest('base64'), hmac)
}

function isWhatItSays({ path, contentType, body }: Upload): boolean {
  const kind = KINDS[endingOf(path)]
  if (kind === undefined || body.subarray(0, 8).toString('hex').startsWith(kind.magic) === false) return false
  const said = { 'image/jpg': 'image/jpeg', 'image/pdf': 'application/pdf' }[contentType] ?? contentType
  return said === 'application/octet-stream' || said === kind.mime
}
