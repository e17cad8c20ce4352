import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { WebError } from '../errors.ts'

export interface Asset {
  readonly body: Buffer
  /** media type with charset */
  readonly type: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Assets {
  /** The address of an asset, changing with its content. @throws WebError UNEXPECTED for an unknown name */
  url(name: string): string
  /** What to answer for a request path, if it is an asset of ours. */
  find(requestPath: string): Asset | undefined
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
}

/** A year, and never asked again: the name changes when the content does (RFC 8246). */
const headers = {
  'cache-control': 'public, max-age=31536000, immutable',
  'x-content-type-options': 'nosniff',
  // an SVG opened by itself is a document: it may do nothing
  'content-security-policy': "default-src 'none'",
}

/**
 * Reads the assets of a folder once, into memory.
 * @param base path prefix with slashes at both ends
 * @throws WebError CONFIG_INVALID for a file of a kind that we do not serve
 */
export function readAssets(folder: string, base = '/assets/'): Assets {
  const urls = new Map<string, string>()
  const assets = new Map<string, Asset>()
  for (const name of readdirSync(folder)) {
    const { ext, name: stem } = path.parse(name)
    const type = types[ext]
    if (!type) throw new WebError('CONFIG_INVALID', `asset of an unknown kind: ${name}`)
    const body = readFileSync(path.join(folder, name))
    const url = `${base}${stem}.${createHash('sha256').update(body).digest('hex').slice(0, 12)}${ext}`
    urls.set(name, url)
    assets.set(url, { body, type, headers })
  }
  return {
    url: (name) => urls.get(name) ?? unknownAsset(name),
    find: (requestPath) => assets.get(requestPath),
  }
}

function unknownAsset(name: string): never {
  throw new WebError('UNEXPECTED', `no such asset: ${name}`)
}
