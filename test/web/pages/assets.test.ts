import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAssets } from '../../../src/web/assets.ts'

describe('assets', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'dwar-assets-'))
    writeFileSync(path.join(folder, 'a.css'), 'body{}')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('serves a file under a name that changes with its content, for a year', () => {
    const before = readAssets(folder)
    const url = before.url('a.css')
    expect(url).toMatch(/^\/assets\/a\.[0-9a-f]{12}\.css$/)
    expect(before.find(url)).toMatchObject({
      type: 'text/css; charset=utf-8',
      headers: { 'cache-control': expect.stringContaining('immutable') },
    })
    writeFileSync(path.join(folder, 'a.css'), 'body{color:red}')
    expect(readAssets(folder).url('a.css')).not.toBe(url)
  })

  it.each(['/assets/a.css', '/assets/../locales/en.json', '/assets/__proto__', ''])(
    'serves nothing at %s',
    (requestPath) => {
      expect(readAssets(folder).find(requestPath)).toBeUndefined()
    },
  )

  it('refuses a name that is not there', () => {
    expect(() => readAssets(folder).url('b.css')).toThrow(expect.objectContaining({ code: 'UNEXPECTED' }))
  })

  it('refuses a folder with a script in it', () => {
    writeFileSync(path.join(folder, 'a.js'), '')
    expect(() => readAssets(folder)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
