/**
 * Prints the documents that follow from code: `node docs/generate.ts` writes them, a test refuses them when stale.
 * `npm exec -- node docs/generate.ts` runs it under the right Node on any machine.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { readConfig, variables } from '../src/config/config.ts'
import { ConfigError, type Env } from '../src/config/env.ts'
import type { ErrorCode } from '../src/errors.ts'
import { QUIRKS, type QuirkName } from '../src/simulator/quirks.ts'
import { type Refusal, refusals } from '../src/web/refusals.ts'
import { MATRIX, type MatrixRow } from '../test/flows/matrix.ts'

const root = path.resolve(import.meta.dirname, '..')

/** Every generated file, by its path from the root of the repository. */
export function generate(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', configurationPage()],
    ['docs/errors.md', errorsPage()],
    ['docs/upstream.md', upstreamPage()],
    ['.env.example', envExample()],
  ])
}

interface Setting {
  readonly name: string
  readonly why: string
  readonly values: string
  /** what counts when it is left out */
  readonly standard: string | undefined
  readonly required: boolean
}

type Type = z.core.$ZodType

const settings: readonly Setting[] = Object.entries(variables.shape).map(([name, schema]) => {
  const { inner, standard, required } = unwrap(schema)
  return { name, why: schema.description ?? '', values: valuesOf(inner), standard, required }
})

/** Takes off `default` and `optional`, and says what they meant. */
function unwrap(schema: Type): { inner: Type; standard: string | undefined; required: boolean } {
  if (schema instanceof z.ZodDefault)
    return { inner: schema.def.innerType, standard: shown(schema.def.defaultValue), required: false }
  if (schema instanceof z.ZodOptional) return { inner: schema.def.innerType, standard: undefined, required: false }
  return { inner: schema, standard: undefined, required: true }
}

function shown(value: unknown): string | undefined {
  if (value instanceof URL) return value.origin
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return shown(Object.entries(value).map(([name, one]) => `${name}=${String(one)}`))
  const text = Array.isArray(value) ? value.join(',') : String(value)
  return text === '' ? undefined : text
}

function valuesOf(schema: Type): string {
  if (schema instanceof z.ZodPipe) return valuesOf(schema.in)
  if (schema instanceof z.ZodEnum) return schema.options.map((option) => code(String(option))).join(' ')
  return schema instanceof z.ZodNumber ? `${schema.minValue} to ${schema.maxValue}` : ''
}

function configurationPage(): string {
  const rows = settings.map(({ name, why, values, standard, required }) => [
    code(name),
    required ? '**required**' : standard === undefined ? '' : code(standard),
    values,
    why,
  ])
  return page(
    'Configuration',
    `Dwar reads its settings from the environment, from the file named by \`dwar --env-file\`, and from \`.env.<DWAR_ENV>\` and
\`.env\` in the working folder, in this order; what comes first wins. Every fault is named at once, at start, and no fault quotes a
value. An unknown variable that begins with \`DWAR_\` or \`DIGILOCKER_\` is a fault too. Lists are separated by commas.
Going from DigiLocker’s sandbox to production changes values here and nothing else.`,
    table(['variable', 'default', 'values', 'what for'], rows),
    `## What deployments refuse

Shown as the program says it, from a configuration that does everything wrong.

**\`DWAR_ENV=sandbox\`**

${faultsOf('sandbox')
  .map((fault) => `- ${fault}`)
  .join('\n')}

**\`DWAR_ENV=production\`** refuses the same and also

${faultsOf('production')
  .filter((fault) => !faultsOf('sandbox').includes(fault))
  .map((fault) => `- ${fault}`)
  .join('\n')}`,
    `## Making secrets

\`\`\`sh
echo "DWAR_VAULT_KEYS=k1:$(openssl rand -base64 32)"
echo "DWAR_INDEX_SECRET=$(openssl rand -base64 32)"
echo "DWAR_COOKIE_KEYS=$(openssl rand -hex 32)"
\`\`\``,
  )
}

/** Asks the reader itself what it refuses, so that this page cannot promise more than the program does. */
function faultsOf(environment: 'sandbox' | 'production'): readonly string[] {
  const marked = 'changeme-changeme-changeme-changeme'
  const everythingWrong: Env = {
    DWAR_ENV: environment,
    DWAR_ISSUER: 'http://id.example.in',
    DWAR_DATABASE_URL: 'pglite:data/dwar',
    DWAR_VAULT_KEYS: marked,
    DWAR_INDEX_SECRET: marked,
    DWAR_COOKIE_KEYS: marked,
    DIGILOCKER_BASE_URL: 'http://localhost:4002',
    DIGILOCKER_CLIENT_ID: 'DWARDEMO',
    DIGILOCKER_CLIENT_SECRET: marked,
    DIGILOCKER_HMAC: 'off',
  }
  try {
    readConfig(everythingWrong)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  throw new Error(`${environment} refuses nothing`)
}

function envExample(): string {
  const entries = settings.map(({ name, why, values, standard, required }) => {
    const comments = [
      ...wrap(why.replaceAll('`', '')),
      ...(values ? wrap(`Values: ${values.replaceAll('`', '')}`) : []),
    ]
    const line = required ? `${name}=` : `# ${name}=${standard ?? ''}`
    return [...comments.map((comment) => `# ${comment}`), line].join('\n')
  })
  return `# Settings of Dwar. Copy to .env, or to .env.<DWAR_ENV>, and fill in what is not commented out.
# Made by docs/generate.ts from src/config/config.ts; docs/configuration.md says more.

${entries.join('\n\n')}
`
}

const groups: readonly (readonly [title: string, about: string, codes: RegExp])[] = [
  ['The journey to DigiLocker and back', '', /^RAIL_/],
  [
    'Documents that could not be trusted',
    'Nothing is read from such a document and the login ends. Where the page has no “try again”, the same document would fail again.',
    /^DOC_/,
  ],
  [
    'Our own pages and requests',
    '',
    /^(INTERACTION|CSRF|REQUEST|REDIRECT|HOST|NOT_FOUND|METHOD|RATE|CONSENT|ACR|ACCOUNT|CLIENT)/,
  ],
  [
    'Things behind us',
    'People see these only when something of ours is broken; some are met by operators alone, on the command line.',
    /^(STORE|VAULT|KEY|CONFIG|PORT|UNEXPECTED)/,
  ],
]

function errorsPage(): string {
  const texts = JSON.parse(readFileSync(path.join(root, 'views/locales/en.json'), 'utf8')) as Record<string, string>
  const codes = Object.keys(refusals) as ErrorCode[]
  const left = codes.filter((one) => !groups.some(([, , belongs]) => belongs.test(one)))
  if (left.length > 0) throw new Error(`no group for ${left.join(', ')}`)
  const sections = groups.map(([title, about, belongs]) => {
    const rows = codes.filter((one) => belongs.test(one)).map((one) => errorRow(one, texts))
    const head = ['code', 'page', 'app receives', 'try again', 'whose move', 'what happened', 'what to do']
    return [`## ${title}`, about, table(head, rows)].filter(Boolean).join('\n\n')
  })
  return page(
    'Errors',
    `Every refusal has a stable code. A person sees a page with what happened, what to do next, the code and an **incident
id**; the log line of the refusal carries the same id. When she goes back to the relying app, it receives the standard
error below at its redirect URI, with \`state\` and \`iss\`, and the code in \`error_description\`. A refusal at our consent
screen and a cancelled sign-in are \`access_denied\`, without a code of ours.

*Page* is the HTTP status of the page. *Whose move* is the operator’s where the line is logged at level \`error\`.
Endpoints called by programs (\`/token\`, \`/userinfo\`, \`/par\`, \`/introspect\`, \`/revoke\`) answer with the errors of their
specifications (RFC 6749 §5.2, RFC 6750 §3.1, RFC 9126 §2.3), as every certified client library knows them.`,
    ...sections,
  )
}

function errorRow(one: ErrorCode, texts: Readonly<Record<string, string>>): string[] {
  const { status, oauth, retry, severity }: Refusal = refusals[one]
  return [
    code(one),
    String(status),
    code(oauth),
    retry ? 'yes' : 'no',
    severity === 'user' ? 'the person’s' : 'the operator’s',
    texts[`refusal.${one}.happened`] ?? '',
    texts[`refusal.${one}.next`] ?? '',
  ]
}

/** What the matrix test asserts, as a table. */
function upstreamPage(): string {
  const texts = JSON.parse(readFileSync(path.join(root, 'views/locales/en.json'), 'utf8')) as Record<string, string>
  const rows = Object.entries(QUIRKS).map(([name, meaning]) => {
    const row: MatrixRow = MATRIX[name as QuirkName]
    const to = [row.doctype, row.beside && `with ${code(row.beside)}`].filter(Boolean).join(' ')
    return [code(name), meaning, to, ...outcomeOf(row, texts)]
  })
  return page(
    'When DigiLocker behaves oddly',
    `Every quirk and fault that the simulator can play, and what a login comes to. \`test/flows/matrix.test.ts\` walks each row
through a whole login over HTTP and asserts the code, the sentence, the next step, the event and that no personal datum is in a
log. Where the login goes on without a document, the consent page says why and what can be done; the rest can be shared.`,
    table(['quirk', 'DigiLocker does this', 'to', 'the login', 'code or reason', 'the person reads', 'and may'], rows),
  )
}

function outcomeOf({ outcome }: MatrixRow, texts: Readonly<Record<string, string>>): string[] {
  if (outcome.page === 'upstream')
    return [
      'stays at DigiLocker',
      '',
      'DigiLocker’s own error page.',
      'Go back: our page is still there, and a second try works.',
    ]
  if (outcome.page === 'refusal') {
    const { code: one } = outcome
    return ['ends', code(one), texts[`refusal.${one}.happened`] ?? '', texts[`refusal.${one}.next`] ?? '']
  }
  const { missing } = outcome
  if (missing === undefined) return ['goes on', '', '', '']
  return [
    'goes on without it',
    code(missing),
    texts[`missing.${missing}`] ?? '',
    texts[`missing.${missing}.next`] ?? '',
  ]
}

function page(title: string, ...parts: readonly string[]): string {
  return [`# ${title}`, '*Made by `docs/generate.ts`; do not edit.*', ...parts].join('\n\n').concat('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

function wrap(text: string, width = 110): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last.length + word.length < width) lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

if (import.meta.main) for (const [file, text] of generate()) writeFileSync(path.join(root, file), text)
