import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { openDatabase } from '../../adapters/database.ts'
import { Citizen, type Page } from '../support/citizen.ts'
import { bareEnvironment } from '../support/environment.ts'
import { freePort } from '../support/ports.ts'
import { newSecrets, openStage, type Stage, signInAtDigiLocker, UPSTREAM } from '../support/stage.ts'

export const root = path.resolve(import.meta.dirname, '../..')
const run = promisify(execFile)

/** A running issuer, and a file of settings by which the command line reaches it: as the demo's `data/demo/demo.env`. */
export interface ExampleStage {
  readonly stage: Stage
  readonly envFile: string
  close(): Promise<void>
}

export async function openExampleStage(databaseUrl: string): Promise<ExampleStage> {
  const secrets = newSecrets()
  const database = await openDatabase({ url: databaseUrl })
  const stage = await openStage(database, { secrets })
  const folder = await mkdtemp(path.join(tmpdir(), 'dwar-examples-'))
  const [envFile, trustFile] = [path.join(folder, 'stage.env'), path.join(folder, 'trust.json')]
  await writeFile(trustFile, JSON.stringify(stage.simulator.trust))
  const settings = {
    ...secrets,
    DWAR_ENV: 'test',
    DWAR_ISSUER: stage.issuer.origin,
    DWAR_DATABASE_URL: databaseUrl,
    DWAR_TRUST_FILES: trustFile,
    DIGILOCKER_BASE_URL: stage.simulator.url.origin,
    DIGILOCKER_CLIENT_ID: UPSTREAM.clientId,
    DIGILOCKER_CLIENT_SECRET: UPSTREAM.clientSecret,
  }
  await writeFile(
    envFile,
    Object.entries(settings)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  )
  return {
    stage,
    envFile,
    async close() {
      await stage.close()
      await database.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** An example as its README has it: registered and started by the commands that stand there. */
export interface Example {
  /** where its README says to open it; for a command-line app, the address it prints */
  readonly url: string
  readonly child: ChildProcess
  /** everything that it printed */
  readonly output: () => string
  close(): Promise<void>
}

export interface Commands {
  /** `npm run dwar -- … client add …`, to be run in the root */
  readonly register: string
  /** the last command of the last block, to be run in `folder` */
  readonly start: string
  readonly folder: string
  readonly installs: boolean
}

/** The commands of `examples/<name>/README.md`. @throws Error where the page does not have them in the usual order */
export async function readCommands(name: string): Promise<Commands> {
  const text = await readFile(path.join(root, 'examples', name, 'README.md'), 'utf8')
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block.trim())
  const [register = ''] = blocks
  const [cd = '', ...rest] = blocks.at(-1)?.split('\n') ?? []
  if (!register.startsWith('npm run dwar -- --env-file data/demo/demo.env client add')) throw new Error('no client add')
  return {
    register,
    folder: cd.replace(/^cd /, ''),
    installs: rest[0] === 'npm install',
    start: rest.filter((line) => line !== 'npm install').join('\n'),
  }
}

export interface ExampleClient {
  readonly client_id: string
  readonly client_secret?: string
}

/** Commands of a README, with this test's issuer, settings and port in place of the demo's. */
function localize(command: string, { stage, envFile }: ExampleStage, port: number): string {
  return command
    .replaceAll('data/demo/demo.env', envFile)
    .replaceAll('http://localhost:4000', stage.issuer.origin)
    .replaceAll('localhost:3000', `localhost:${port}`)
    .replaceAll('PORT=3000', `PORT=${port}`)
}

/** What a person's terminal has; Node is the one that runs the tests, wherever the machine has another. */
const terminal = {
  ...bareEnvironment,
  PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
  HOME: process.env.HOME,
}

/** Runs the first command of the README. */
export async function registerExample(name: string, stage: ExampleStage, port: number): Promise<ExampleClient> {
  const { register } = await readCommands(name)
  const { stdout } = await run('sh', ['-c', localize(register, stage, port)], { cwd: root, env: terminal })
  return JSON.parse(stdout.slice(stdout.indexOf('{'))) as ExampleClient
}

/**
 * Does what the README says: registers, and starts the example as a process of its own. `npm install` is left out,
 * because the same packages lie in the root.
 * @param options a client that was registered before; a folder where a copy of the example lies that others may read
 */
export async function startExample(
  name: string,
  stage: ExampleStage,
  options: { readonly client?: ExampleClient; readonly folder?: string | undefined } = {},
): Promise<Example> {
  const commands = await readCommands(name)
  const port = await freePort()
  const client = options.client ?? (await registerExample(name, stage, port))
  const start = localize(commands.start, stage, port)
    .replace('CLIENT_ID=...', `CLIENT_ID=${client.client_id}`)
    .replace('CLIENT_SECRET=...', `CLIENT_SECRET=${client.client_secret}`)
  const logFile = path.join(path.dirname(stage.envFile), `${name}-${port}.log`)
  const log = await open(logFile, 'a')
  const child = spawn('sh', ['-c', start.replace(/(.*)$/, 'exec env $1')], {
    cwd: options.folder ?? path.join(root, commands.folder),
    env: { ...terminal, ISSUER: stage.stage.issuer.origin, PORT: String(port) },
    // A file, because Apache opens /dev/stderr, and what Node calls a pipe is a socket.
    stdio: ['ignore', log.fd, log.fd],
  })
  await log.close()
  const output = () => readFileSync(logFile, 'utf8')
  const ended = once(child, 'exit')
  return {
    url: await untilItRuns(output, child, port),
    child,
    output,
    async close() {
      child.kill()
      await ended
    },
  }
}

/** Waits for the line `Open …`, or, of a program that prints none, for the port to be served. */
async function untilItRuns(output: () => string, child: ChildProcess, port: number): Promise<string> {
  const home = `http://localhost:${port}`
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the example has ended: ${output()}`)
    const [, told] = /^Open (\S+)$/m.exec(output()) ?? []
    if (told) return told
    if (await answers(home)) return home
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { redirect: 'manual' })).status < 500
  } catch {
    return false // not yet
  }
}

/** A person who follows links with this text and submits forms; nobody but the app and us is visited. */
export const newCitizen = (): Citizen => new Citizen('https://nowhere.example')

/** Follows the link whose text matches. */
export function follow(citizen: Citizen, page: Page, text: string): Promise<Page> {
  const link = [...page.html.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].find(([, , shown]) => shown === text)
  if (!link) throw new Error(`no link ${text} on ${page.url}:\n${page.html.slice(0, 1000)}`)
  return citizen.get(new URL(link[1] ?? '', page.url))
}

/** From our start page through DigiLocker to the app, sharing what it needs. */
export async function signIn(citizen: Citizen, start: Page, decision = /^share$/): Promise<Page> {
  return citizen.submit(await signInAtDigiLocker(citizen, start, 'asha'), decision)
}

/**
 * A sign-in of which the last step is left to the caller: the answer that the app would get.
 * @param stopAt the app's redirect URI
 * @param begun our page, or any address of ours, where this person's sign-in stands
 */
export async function signInUpTo(
  person: Citizen,
  stopAt: string | ((url: URL) => boolean),
  begun: URL,
): Promise<{ citizen: Citizen; answer: URL }> {
  const halting = Object.assign(new Citizen(stopAt), { jar: person.jar })
  const done = await signIn(halting, await halting.get(begun))
  return { citizen: person, answer: done.url }
}

/** What the page shows as JSON. */
export function shown(page: Page): Record<string, unknown> {
  const [, json = ''] = /<pre>([\s\S]*?)<\/pre>/.exec(page.html) ?? []
  const text = json.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)))
  return JSON.parse(text) as Record<string, unknown>
}
