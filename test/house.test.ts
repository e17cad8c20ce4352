import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The house plan: which room may import which. A room not named may be imported by nobody else.
 * Left is the room, right what it may know; every room may know itself and the open files of `src/`.
 */
const MAY_KNOW: Readonly<Record<string, readonly string[]>> = {
  'src/main.ts': ['src/cli', 'src/config', 'src/demo', 'src/documents', 'src/simulator', 'src/admin', 'adapters'],
  'src/rail-settings.ts': ['src/config', 'src/rails'],
  'src/assembly': [
    'src/rail-settings.ts',
    'src/admin',
    'src/config',
    'src/documents',
    'src/metrics',
    'src/provider',
    'src/rails',
    'src/vault',
    'adapters',
  ],
  'src/app.ts': [
    'src/assembly',
    'src/admin',
    'src/config',
    'src/documents',
    'src/jobs',
    'src/limits',
    'src/metrics',
    'src/privacy',
    'src/provider',
    'src/rails',
    'src/vault',
    'src/web',
    'adapters',
  ],
  'src/cli': [
    'src/app.ts',
    'src/rail-settings.ts',
    'src/rails',
    'src/admin',
    'src/config',
    'src/documents',
    'src/metrics',
    'adapters',
  ],
  'src/demo': ['src/demo/relying-app', 'src/admin', 'src/app.ts', 'src/cli', 'src/config', 'src/simulator'],
  'src/demo/relying-app': [],
  'src/config': [],
  'src/web': ['src/limits', 'src/provider', 'src/rails', 'src/documents', 'src/privacy', 'src/vault'],
  'src/admin': ['src/provider', 'src/rails', 'src/privacy', 'src/vault'],
  'src/metrics': ['src/documents', 'src/rails'],
  'src/jobs': ['src/limits', 'src/provider', 'src/privacy', 'src/vault'],
  'src/provider': ['src/limits', 'src/rails', 'src/documents', 'src/privacy', 'src/vault'],
  'src/rails': ['src/documents'],
  'src/documents': [],
  'src/limits': [],
  'src/privacy': [],
  'src/vault': [],
  'src/simulator': [],
  adapters: ['src/limits', 'src/vault', 'src/privacy', 'src/provider', 'src/rails', 'migrations'],
  migrations: [],
}

/** Open to every room: types and small facts, importing nothing of ours beyond each other. */
const OPEN = [
  'src/errors.ts',
  'src/clock.ts',
  'src/transaction.ts',
  'src/log.ts',
  'src/server.ts',
  'src/config/secrets.ts',
]
/** Rooms that stand for other programs: not even the open files. */
const STRANGERS = ['src/simulator', 'src/demo/relying-app', 'migrations']

const root = path.resolve(import.meta.dirname, '..')
const files = ['src', 'adapters', 'migrations']
  .flatMap((folder) => filesBelow(folder))
  .filter((file) => file.endsWith('.ts'))

describe('the house', () => {
  it('has no import that points backwards', () => {
    expect(files.length).toBeGreaterThan(60)
    expect(files.flatMap(breaches)).toEqual([])
  })

  it('lets Kysely and pg live in adapters and migrations only', () => {
    const users = files.filter((file) => /from '(kysely|pg|@electric-sql)/.test(read(file)))
    expect(users.filter((file) => !/^(adapters|migrations)\//.test(file))).toEqual([])
  })

  it('reads process.env in main.ts alone, and in the simulator’s own', () => {
    const readers = files.filter((file) => /process\.env\b/.test(withoutComments(read(file))))
    expect(readers.filter((file) => !['src/main.ts', 'src/simulator/main.ts'].includes(file))).toEqual([])
  })

  it('asks the clock that it was given: no rule calls Date.now()', () => {
    const callers = files.filter((file) => /Date\.now\(\)/.test(withoutComments(read(file))))
    expect(callers.filter((file) => !['src/clock.ts'].includes(file) && !file.startsWith('src/simulator/'))).toEqual([])
  })

  it('has a README in every room of more than one file', () => {
    const rooms = [...new Set(files.map((file) => path.dirname(file)))].filter(
      (room) =>
        room.split('/').length <= 2 && room !== 'src' && files.filter((file) => path.dirname(file) === room).length > 1,
    )
    expect(rooms.filter((room) => !readdirSync(path.join(root, room)).includes('README.md'))).toEqual([])
  })

  it('builds no index that keeps others from writing meanwhile, in migrations after 0025', () => {
    const later = files.filter((file) => (/^migrations\/(\d{4})-/.exec(file)?.[1] ?? '') > '0025')
    expect(later.length).toBeGreaterThan(0)
    expect(later.flatMap((file) => lockingIndexes(read(file)).map((fault) => `${file}: ${fault}`))).toEqual([])
  })

  it.each([
    ['create index if not exists i on event (at)', ['i is not built concurrently']],
    ['create unique index i on oidc_model (id)', ['i is not built concurrently']],
    [
      'CREATE INDEX CONCURRENTLY IF NOT EXISTS i\n ON public."event" (at)',
      ['i may be left over from a build that was broken off'],
    ],
    ['drop index concurrently if exists i; create index concurrently i on event (at)', []],
    ['create table if not exists t (id uuid); create index if not exists i on t (id)', []],
  ])('would find one: %s', (text, faults) => {
    expect(lockingIndexes(text)).toEqual(faults)
  })

  it('never reads the folder of references', () => {
    expect(files.filter((file) => /\.\.\/shared/.test(read(file)))).toEqual([])
  })
})

/** Indexes on tables that this very migration does not make (migrations/README.md). */
function lockingIndexes(text: string): string[] {
  const made = [...text.matchAll(/create\s+table\s+(?:if\s+not\s+exists\s+)?(?:\w+\.)?"?(\w+)/gi)].map(
    ([, table]) => table,
  )
  const indexes = text.matchAll(
    /create\s+(?:unique\s+)?index\s+(concurrently\s+)?(?:if\s+not\s+exists\s+)?"?(\w+)"?\s+on\s+(?:\w+\.)?"?(\w+)/gi,
  )
  return [...indexes].flatMap(([, concurrently, index, table]) => {
    if (made.includes(table)) return []
    if (!concurrently) return [`${index} is not built concurrently`]
    const dropped = new RegExp(`drop\\s+index\\s+concurrently\\s+if\\s+exists\\s+"?${index}\\b`, 'i')
    return dropped.test(text) ? [] : [`${index} may be left over from a build that was broken off`]
  })
}

function breaches(file: string): string[] {
  const from = roomOf(file)
  if (OPEN.includes(file)) return []
  if (!from) return [`${file} is in no room of the plan`]
  const allowed = [from, ...(MAY_KNOW[from] ?? []), ...(STRANGERS.includes(from) ? [] : OPEN)]
  return importsOf(file)
    .filter((target) => !allowed.some((room) => target === room || (!room.endsWith('.ts') && roomOf(target) === room)))
    .map((target) => `${file} imports ${target}`)
}

/** The most particular room of the plan that holds the file. */
function roomOf(file: string): string | undefined {
  if (OPEN.includes(file)) return file
  return Object.keys(MAY_KNOW)
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .toSorted((a, b) => b.length - a.length)[0]
}

function importsOf(file: string): string[] {
  if (OPEN.includes(file)) return []
  const specifiers = [...read(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '')
  return specifiers
    .map((specifier) => path.posix.join(path.posix.dirname(file), specifier))
    .filter((target) => target.endsWith('.ts'))
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(root, folder)).flatMap((name) => {
    const below = `${folder}/${name}`
    return statSync(path.join(root, below)).isDirectory() ? filesBelow(below) : [below]
  })
}
