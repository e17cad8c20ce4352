import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCommands, root } from './kit.ts'

const home = path.join(root, 'examples')
const names = readdirSync(home, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
const read = (...at: string[]) => readFileSync(path.join(root, ...at), 'utf8')
const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> }

/** Packages that a library of the example brings: `npm install` does, and so does ours. */
const BROUGHT_ALONG = ['jwt-decode']

describe('examples/README.md', () => {
  it('has a row for each example, and a link to its page', () => {
    const linked = [...read('examples', 'README.md').matchAll(/\]\(([\w-]+)\/README\.md\)/g)].map(([, name]) => name)
    expect(linked.toSorted()).toEqual(names.toSorted())
  })
})

describe.each(names)('examples/%s', (name) => {
  const text = read('examples', name, 'README.md')
  const scripts = readdirSync(path.join(home, name)).filter((file) => file.endsWith('.mjs'))

  it('is explained on one screen, with links to files that are there', () => {
    expect(text.split('\n').length).toBeLessThan(42)
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target)
    expect(links.filter((target) => !/^https?:/.test(target) && !existsSync(path.join(home, name, target)))).toEqual([])
  })

  it('is registered, installed and started by three commands, and opened at the address that is registered', async () => {
    const { register, folder, installs, start } = await readCommands(name)
    expect(folder).toBe(`examples/${name}`)
    expect(installs).toBe(scripts.length > 0)
    expect(start).toContain('CLIENT_ID=...')
    expect(start.includes('CLIENT_SECRET=...')).toBe(!register.includes('--auth none'))
    const [, redirectUri = ''] = /--redirect-uri (\S+)/.exec(register) ?? []
    const { origin } = new URL(redirectUri)
    if (!register.includes('--native')) expect(text).toContain(`Open <${origin}>`)
  })

  if (scripts.length === 0) return // a configuration of Apache imports nothing

  it('imports nothing of ours', () => {
    for (const file of scripts) expect(importsOf(name, file).filter((target) => /^[./]/.test(target))).toEqual([])
  })

  it('names the packages that it imports, in the exact versions that are tested here', () => {
    const { dependencies } = JSON.parse(read('examples', name, 'package.json')) as {
      dependencies: Record<string, string>
    }
    const imported = scripts.flatMap((file) => importsOf(name, file)).filter((target) => !isBuiltin(target))
    expect(Object.keys(dependencies).toSorted()).toEqual([...new Set(imported)].toSorted())
    for (const [dependency, version] of Object.entries(dependencies)) {
      const installed = JSON.parse(read('node_modules', dependency, 'package.json')) as { version: string }
      expect([dependency, version]).toEqual([dependency, installed.version])
      if (!BROUGHT_ALONG.includes(dependency)) expect(devDependencies[dependency]).toBe(version)
    }
  })
})

function importsOf(name: string, file: string): string[] {
  const source = read('examples', name, file)
  const found = source.matchAll(/^import [^']*'([^']+)'|import\.meta\.resolve\('([^']+)'\)/gm)
  return [...found].map(([, imported, resolved]) => imported ?? resolved ?? '')
}
