import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { variables } from '../../src/config/config.ts'
import { claimRows, companions } from '../../src/provider/claims.ts'
import { registrableScopes } from '../../src/provider/clients.ts'
import { refusals } from '../../src/web/refusals.ts'

const root = path.resolve(import.meta.dirname, '../..')
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}
const names = ['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CONTRIBUTING.md', 'test/README.md'].concat(
  readdirSync(path.join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? `docs/${name}` : [])),
)
const documents = names.map((name) => [name, readFileSync(path.join(root, name), 'utf8')] as const)

describe.each(documents)('%s', (name, text) => {
  it('links to files that are there', () => {
    const links = [
      ...text.matchAll(/(?:\]\(|src=")([^)#"]+)(?:#[^)]*)?[)"]/g),
      ...text.matchAll(/`(test\/[\w/.-]+\.ts)`/g),
    ]
    const files = links.map(([whole, target = '']) => (whole.startsWith('`') ? target : relative(name, target)))
    const missing = files.filter((file) => !/^(https?|mailto):/.test(file) && !existsSync(path.join(root, file)))
    expect(missing).toEqual([])
  })

  it('names settings and codes that exist', () => {
    const settings = [...text.matchAll(/\b(?:DWAR|DIGILOCKER)_[A-Z_]*[A-Z]\b/g)].map(([setting]) => setting)
    expect(settings.filter((setting) => !(setting in variables.shape))).toEqual([])
    const codes = [...text.matchAll(/\b(?:RAIL|DOC|INTERACTION|CSRF|REQUEST|HOST|STORE|VAULT|CLIENT)_[A-Z_]*[A-Z]\b/g)]
    const ofApps = ['CLIENT_ID', 'CLIENT_SECRET']
    expect(codes.map(([code]) => code).filter((code) => !(code in refusals) && !ofApps.includes(code))).toEqual([])
  })

  const commands = commandsOf(text)
  if (commands.length === 0) return

  it('shows only commands, options and files that exist', async () => {
    for (const command of commands) await checkCommand(command)
  }, 120_000)
})

describe('README.md', () => {
  const [, text] = documents[0] ?? ['', '']

  it('has the two commands first, each alone in its block', () => {
    expect(shellBlocks(text).slice(0, 2)).toEqual(['npm start\n', 'npm test\n'])
  })

  it('tells of every scope and every claim', () => {
    const [, table = ''] = /### What you can ask for\n\n([\s\S]*?)\n\n/.exec(text) ?? []
    for (const scope of registrableScopes) expect(table).toContain(`\`${scope}\``)
    for (const { claim, scope } of claimRows) {
      const short = claim.replace(`${scope}_`, '_')
      expect(table.includes(`\`${claim}\``) || table.includes(`\`${short}\``), claim).toBe(true)
    }
    expect(Object.keys(companions)).toEqual(['phone_number', 'email'])
  })
})

function relative(from: string, target: string): string {
  return /^\w+:/.test(target) ? target : path.posix.join(path.posix.dirname(from), target)
}

function shellBlocks(text: string): string[] {
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block)
}

/** Lines of shell blocks, and what is shown inline as a command of ours. */
function commandsOf(text: string): string[] {
  const lines = shellBlocks(text).flatMap((block) => block.replace(/\\\n\s*/g, ' ').split('\n'))
  const prose = text.replace(/```[\s\S]*?```/g, '')
  const inline = [...prose.matchAll(/`((?:dwar|npm|node|docker) [^`]+)`/g)].map(([, command = '']) => command)
  return [...lines, ...inline.flatMap(eachAlternative)]
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter(Boolean)
}

/** `dwar client list|show` is two commands. */
function eachAlternative(command: string): string[] {
  const choice = command.split(' ').find((word) => /^[\w-]+(\|[\w-]+)+$/.test(word))
  return choice ? choice.split('|').map((word) => command.replace(choice, word)) : [command]
}

async function checkCommand(command: string): Promise<void> {
  const [program = '', ...words] = command.split(' ').filter((word) => !/^[A-Z_]+=\S*$/.test(word))
  if (program === 'npm') return checkNpm(words, command)
  if (program === 'dwar') return checkDwar(words, command)
  if (program === 'docker') {
    const at = words.indexOf('src/main.ts')
    return at < 0 ? undefined : checkDwar(words.slice(at + 1), command)
  }
  if (program === 'node') return checkNode(words, command)
  expect(['cp', 'echo'], command).toContain(program)
}

async function checkNpm([verb = '', ...rest]: readonly string[], command: string): Promise<void> {
  if (verb === 'ci' || verb === 'install') return
  if (verb === 'exec') {
    expect(rest.slice(0, 2), command).toEqual(['--', 'node'])
    return checkNode(rest.slice(2), command)
  }
  const [script = '', ...given] = verb === 'run' ? rest : [verb, ...rest]
  expect(Object.keys(scripts), command).toContain(script)
  const ours = /^node src\/main\.ts ?(.*)$/.exec(scripts[script] ?? '')
  if (ours) await checkDwar([...(ours[1] ?? '').split(' ').filter(Boolean), ...given.slice(1)], command)
}

async function checkNode([file = '', ...rest]: readonly string[], command: string): Promise<void> {
  expect(existsSync(path.join(root, file)), command).toBe(true)
  if (file === 'src/main.ts') await checkDwar(rest, command)
}

/** Follows the words through the program's own help, command by command, and looks every option up on the way. */
async function checkDwar(words: readonly string[], command: string): Promise<void> {
  let at: string[] = []
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? ''
    if (word.startsWith('<')) continue // a place to fill in
    const help = await helpOf(at)
    if (word.startsWith('--')) {
      expect(help, command).toMatch(new RegExp(`^  (-\\w, )?${word}( |$)`, 'm'))
      if (new RegExp(`^  (-\\w, )?${word} <`, 'm').test(help)) i = endOfValue(words, i + 1)
    } else if (/^Commands:/m.test(help)) {
      expect(help, command).toMatch(new RegExp(`^Commands:[\\s\\S]*^  ${word}( |$)`, 'm'))
      at = [...at, word]
    }
  }
}

/** The last word of an option's value, which may stand in quotes. */
function endOfValue(words: readonly string[], start: number): number {
  if (!words[start]?.startsWith('"') || /^".*"$/.test(words[start])) return start
  const end = words.findIndex((word, i) => i > start && word.endsWith('"'))
  return end < 0 ? start : end
}

const helps = new Map<string, Promise<string>>()

function helpOf(at: readonly string[]): Promise<string> {
  const key = at.join(' ')
  const kept = helps.get(key)
  if (kept) return kept
  const asked = promisify(execFile)(process.execPath, ['src/main.ts', ...at, '--help'], { cwd: root })
  const help = asked.then(({ stdout }) => stdout)
  helps.set(key, help)
  return help
}
