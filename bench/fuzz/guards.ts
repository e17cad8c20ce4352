import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { makeWorld } from '../../test/documents/corpus/world.ts'
import { firstChanged, freeze } from './guard-cases.ts'
import { findSites, type Site } from './guard-sites.ts'

const run = promisify(execFile)
const print = (text: string) => process.stdout.write(`${text}\n`)
const ROOT = resolve(import.meta.dirname, '../..')
const COPIED = [
  'src',
  'test',
  'bench',
  'adapters',
  'migrations',
  'views',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
]
/** a guard that is gone may let a loop run for ever: that shows, too */
const TIMEOUT_MS = 90_000

/**
 * Takes away one guard after the other, in a copy of the tree, and looks whether the corpus notices, or else a test.
 * @param pattern only files whose path holds this
 * @returns how many guards nothing misses
 */
async function main(pattern: string): Promise<number> {
  const copy = await mkdtemp(join(tmpdir(), 'guards-'))
  try {
    for (const name of COPIED) await cp(join(ROOT, name), join(copy, name), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    await freeze(await makeWorld(), join(copy, 'corpus.bin'))
    const failing = await failingTest(copy)
    if (failing) throw new Error(`nothing is to be learnt from a tree that fails already: ${failing}`)
    const sites = findSites(copy).filter(({ file }) => file.includes(pattern))
    print(`${sites.length} guards\n\n| guard | where | missed by |\n|---|---|---|`)
    let unmissed = 0
    for (const site of sites) {
      const missedBy = await without(site, copy)
      if (missedBy === undefined) unmissed++
      print(
        `| ${site.what.replaceAll('|', '\\|')} | ${site.file.replace('src/documents/', '')}:${site.line} | ${missedBy ?? '**nobody**'} |`,
      )
    }
    print(`\n${sites.length - unmissed} of ${sites.length} guards are missed when they are gone`)
    return unmissed
  } finally {
    await rm(copy, { recursive: true })
  }
}

/** Which document shows that the guard is gone. */
async function without({ file, without }: Site, copy: string): Promise<string | undefined> {
  const path = join(copy, file)
  const whole = await readFile(path, 'utf8')
  await writeFile(path, without)
  try {
    const arguments_ = [join(copy, 'bench/fuzz/guards.ts'), '--judge', join(copy, 'corpus.bin')]
    const { stdout } = await run(process.execPath, arguments_, { timeout: TIMEOUT_MS, cwd: copy })
    return stdout.trim() || (await failingTest(copy))
  } catch (error) {
    const { killed } = error as { killed?: boolean }
    return killed ? 'the clock: it never ends' : 'the verifier does not even load'
  } finally {
    await writeFile(path, whole)
  }
}

/** Not everything can be brought about by a document: the first of the other tests that fails. */
async function failingTest(copy: string): Promise<string | undefined> {
  const report = join(copy, 'report.json')
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs')
  const options = ['--reporter=json', `--outputFile=${report}`, '--exclude=test/documents/corpus/**']
  try {
    await run(process.execPath, [vitest, 'run', 'test/documents', ...options], { cwd: copy })
    return undefined
  } catch {
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as { testResults: readonly TestFile[] }
    const failed = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .find(({ status }) => status === 'failed')
    return failed ? `test: ${failed.fullName}` : 'a test file does not even load'
  }
}

interface TestFile {
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
}

if (import.meta.main) {
  const [command = '', file = ''] = process.argv.slice(2)
  if (command === '--judge') print((await firstChanged(file)) ?? '')
  else process.exitCode = (await main(command)) === 0 ? 0 : 1
}
