import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

const instructions = read('Dockerfile')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line.trim()))
  .map((line) => line.trim().split(/\s+/))
const lastStage = instructions.slice(instructions.findLastIndex(([word]) => word === 'FROM'))
const argumentsOf = (word: string) => lastStage.filter(([first]) => first === word).map((line) => line.slice(1))
const command = (): string[] => JSON.parse(argumentsOf('CMD').at(-1)?.join(' ') ?? '[]')
const copied = argumentsOf('COPY')
  .filter((line) => !line[0]?.startsWith('--from'))
  .flatMap((line) => line.slice(0, -1))
const ignoreRules = read('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

/** Ours, of the last rule that names the file or a folder above it. Patterns other than `*` are plain paths here. */
function isIgnored(file: string): boolean {
  let ignored = false
  for (const rule of ignoreRules) {
    const pattern = rule.replace('!', '')
    if (pattern === '*' || file === pattern || file.startsWith(`${pattern}/`)) ignored = !rule.startsWith('!')
  }
  return ignored
}

const inImage = (file: string): boolean =>
  !isIgnored(file) && copied.some((entry) => file === entry || file.startsWith(`${entry}/`))

/** What `node src/main.ts serve` loads: every file reached from main.ts by imports that are not put off. */
const loaded = reach('src/main.ts')

describe('Dockerfile', () => {
  it('copies only what exists and .dockerignore lets through', () => {
    const sources = instructions.filter(([word, first]) => word === 'COPY' && !first?.startsWith('--from'))
    const files = sources.flatMap((line) => line.slice(1, -1))
    expect(files).toContain('package-lock.json')
    expect(files.filter((file) => !existsSync(path.join(root, file)))).toEqual([])
    expect(files.filter(isIgnored)).toEqual([])
  })

  it('keeps out whatever is not named: settings, data, history, tests, the node_modules of this machine', () => {
    for (const file of [
      '.env',
      '.env.production',
      'data/demo/demo.env',
      '.git/config',
      'test/house.test.ts',
      'node_modules/x',
    ])
      expect(isIgnored(file), file).toBe(true)
  })

  it('holds every file that the issuer loads, and every migration and view', () => {
    expect(loaded.files.length).toBeGreaterThan(60)
    const others = [...filesBelow('migrations'), ...filesBelow('views')]
    expect([...loaded.files, ...others].filter((file) => !inImage(file))).toEqual([])
  })

  it('leaves simulator and demo out; main.ts alone knows them, and only when asked to', () => {
    const programs = [...filesBelow('src/simulator'), ...filesBelow('src/demo')]
    expect(programs.filter(inImage)).toEqual([])
    expect(loaded.files.filter((file) => programs.includes(file))).toEqual([])
    const main = read('src/main.ts')
    for (const program of ['./demo/demo.ts', './simulator/program.ts'])
      expect(main).toContain(`await import('${program}')`)
  })

  it('installs every package that the issuer loads: none of them is for development', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    expect(loaded.packages).toContain('oidc-provider')
    expect(loaded.packages.filter((name) => !(name in dependencies))).toEqual([])
  })

  it('runs as another user than root, in production, node itself being process 1', () => {
    expect(argumentsOf('USER')).toEqual([['node']])
    expect(lastStage.findIndex(([word]) => word === 'USER')).toBeGreaterThan(
      lastStage.findLastIndex(([word]) => word === 'COPY'),
    )
    expect(argumentsOf('ENV').flat()).toEqual(expect.arrayContaining(['NODE_ENV=production', 'DWAR_ENV=production']))
    expect(command()).toEqual(['node', expect.stringMatching(/^--max-semi-space-size=\d+$/), 'src/main.ts', 'serve'])
  })

  it('makes the compile cache as the user and with the flags that will read it, and leaves it to nobody to write', () => {
    const [flags, [user = '']] = [command().slice(1, -1), argumentsOf('USER').flat()]
    const [folder] = argumentsOf('ENV')
      .flat()
      .flatMap((entry) => entry.match(/^NODE_COMPILE_CACHE=\/app\/(.+)$/)?.[1] ?? [])
    const steps = argumentsOf('RUN').map((line) => line.join(' ').split(' && '))
    expect(steps).toEqual([
      [
        `install -d -o ${user} ${folder}`,
        `setpriv --reuid=${user} --regid=${user} --clear-groups node ${flags.join(' ')} --version`,
        expect.stringMatching(
          `^setpriv --reuid=${user} --regid=${user} --clear-groups node --max-semi-space-size=8 -e "`,
        ),
        `chown -R root:root ${folder}`,
        `chmod -R a+rX,a-w ${folder}`,
      ],
    ])
    const order = ['ENV', 'COPY', 'RUN', 'USER'].map((step) => lastStage.findLastIndex(([word]) => word === step))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })

  it('asks for its health where no Host header and no database is needed', () => {
    const [check] = argumentsOf('HEALTHCHECK')
    expect(check?.join(' ')).toContain('/health/live')
  })

  it('runs no install script and brings no second Node', () => {
    const [install] = instructions.filter(([word]) => word === 'RUN').map((line) => line.join(' '))
    expect(install).toMatch(
      /npm ci --omit=dev --ignore-scripts .* rm -rf node_modules\/node-linux-\* node_modules\/\.bin\/node$/,
    )
  })
})

function reach(start: string): { files: string[]; packages: string[] } {
  const files = new Set([start])
  const packages = new Set<string>()
  for (const file of files)
    for (const specifier of importsOf(file))
      if (specifier.startsWith('.')) files.add(path.posix.join(path.posix.dirname(file), specifier))
      else if (!specifier.startsWith('node:') && !builtinModules.includes(specifier)) packages.add(packageOf(specifier))
  return { files: [...files], packages: [...packages] }
}

/** Static imports, and dynamic ones except those of main.ts's own programs; types are not loaded. */
function importsOf(file: string): string[] {
  const code = read(file).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const fixed = [...code.matchAll(/^(?:import|export) (?!type\b)(?:[^'"]*? from )?'([^']+)'/gm)]
  const late = [...code.matchAll(/\bimport\('([^']+)'\)/g)]
  return [...fixed, ...late]
    .map((match) => match[1] ?? '')
    .filter((specifier) => !(file === 'src/main.ts' && /^\.\/(demo|simulator)\//.test(specifier)))
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(root, folder)).flatMap((name) => {
    const below = `${folder}/${name}`
    return statSync(path.join(root, below)).isDirectory() ? filesBelow(below) : [below]
  })
}
