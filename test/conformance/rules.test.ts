import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const home = import.meta.dirname
const read = (file: string) => readFileSync(path.join(home, file), 'utf8')

interface Row {
  readonly section: string
  readonly rule: string
  /** the file of the test; undefined when the row gives a reason instead */
  readonly file: string | undefined
  readonly reason: string
}

const rows: readonly Row[] = read('README.md')
  .split('\n')
  .flatMap((line) => {
    const [, section = '', rule = '', where = ''] = /^\| (.*?) \| (.*) \| (.*) \|$/.exec(line) ?? []
    const [, file] = /^\[[^\]]+\]\(([^)]+)\)$/.exec(where) ?? []
    return rule !== '' && section !== '§' && !section.startsWith('-') ? [{ section, rule, file, reason: where }] : []
  })

/** Tests of the folder whose title begins with the section that they hold. */
const titled = readdirSync(home)
  .filter((file) => file.endsWith('.test.ts') && file !== 'rules.test.ts')
  .flatMap((file) =>
    [...read(file).matchAll(/'((?:(?:[A-Z][\w ]*)?§|Appendix )[^':\n]*): ([^'\n]*)'/g)].map(
      ([, section = '', rule = '']) => ({ file, section, rule }),
    ),
  )

/** A title may say whose section it is; the table says so in its heading. */
const numberOf = (section: string): string => section.split(/[ §]/).at(-1) ?? ''

describe('test/conformance/README.md', () => {
  it('names tests that are there', () => {
    expect(rows.length).toBeGreaterThan(370)
    const missing = rows.filter(({ file, rule }) => {
      if (file === undefined) return false
      const source = read(file)
      return ![`'${rule}'`, `: ${rule}'`].some((title) => source.includes(title))
    })
    expect(missing).toEqual([])
  })

  it('leaves out no test that begins with a section', () => {
    expect(titled.length).toBeGreaterThan(220)
    const named = new Set(rows.map(({ file, section, rule }) => `${file} ${numberOf(section)} ${rule}`))
    const wanted = titled.map(({ file, section, rule }) => `${file} ${numberOf(section)} ${rule}`)
    expect(wanted.filter((row) => !named.has(row))).toEqual([])
  })

  it('gives a reason where it names no test', () => {
    const bare = rows.filter(({ file, reason }) => file === undefined && !/^– .{8}/.test(reason))
    expect(bare).toEqual([])
  })
})
