#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseEnv } from 'node:util'
import { Command, Option } from 'commander'
import type { OperationName } from './admin/operations.ts'
import { duration, wholeNumber } from './cli/arguments.ts'
import { type ClientOptions, toRegistration } from './cli/registration.ts'
import type { TrustSources, VerifyCommand } from './cli/verify.ts'
import { systemClock } from './clock.ts'
import { type Config, readConfig } from './config/config.ts'
import { type Env, withEnvFiles } from './config/env.ts'
import { AppError } from './errors.ts'
import { createLog, type Log } from './log.ts'

/** The process: the only place that reads `process.env` and `process.argv`, and the only one that exits. */
const program = new Command('dwar')
  .description('One OpenID Connect issuer in front of DigiLocker.')
  .version('0.1.0')
  .option('--env-file <file>', 'read settings from this file too; what the process was given wins')

program
  .command('serve')
  .description('run the issuer')
  .option('--workers <number>', 'processes that serve, on PostgreSQL; in place of DWAR_WORKERS')
  .action(async ({ workers }: { workers?: string }) => {
    const { config, log } = prepare(workers === undefined ? {} : { DWAR_WORKERS: workers })
    const { isWorker, serveAsWorker, startWorkers } = await import('./cli/workers.ts')
    // One that only looks after workers loads nothing of what they are made of.
    const start = async () => (await import('./cli/serve.ts')).serve(config, log, { asWorker: isWorker })
    await runUntilSignal(() => {
      if (isWorker) return serveAsWorker(start).catch(endQuietly)
      return config.workers > 1 ? startWorkers(config, log) : start()
    })
  })

program
  .command('demo')
  .description('run everything on this machine: issuer, embedded database, DigiLocker simulator, demo shop')
  .option('--port <number>', 'first of four ports in a row', wholeNumber, 4000)
  .option('--data <folder>', 'where the demo keeps its database', 'data/demo')
  .action(async ({ port, data }: { port: number; data: string }) => {
    refuseInProduction('the demo')
    const { startDemo } = await import('./demo/demo.ts')
    const folder = path.resolve(data)
    await runUntilSignal(() => startDemo({ firstPort: port, folder, env: readEnv(), say: console.error }))
  })

program
  .command('simulator')
  .description('run the DigiLocker simulator alone; --help shows its own options')
  // the simulator is a program of its own and reads its options itself
  .allowUnknownOption()
  .allowExcessArguments()
  .helpOption(false)
  .action(async (_options: unknown, command: Command) => {
    refuseInProduction('the simulator')
    const { runSimulator, UsageError } = await import('./simulator/program.ts')
    const simulator = await runSimulator(command.args, readEnv(), console.error).catch((error: unknown) => {
      if (error instanceof UsageError) throw new AppError('CONFIG_INVALID', error.message)
      throw error
    })
    if (simulator) await runUntilSignal(async () => ({ stop: () => simulator.close() }))
  })

program
  .command('migrate')
  .description('bring the database to this version; run it from one place, before the new version starts')
  .action(async () => {
    const { config } = prepare()
    const [{ openDatabase }, { migrate }] = await Promise.all([
      import('../adapters/database.ts'),
      import('../adapters/migrator.ts'),
    ])
    await using database = await openDatabase(config.database)
    const done = await migrate(database)
    console.log(done.length > 0 ? `Applied: ${done.join(', ')}` : 'Nothing to apply.')
  })

const client = program.command('client').description('relying apps')
client
  .command('add')
  .description('register a relying app; it works at once, and its secret is shown this once')
  .option('--name <text>', 'name that people see')
  .option('--redirect-uri <uri...>', 'where people return to')
  .option('--purpose <text>', 'why it asks, in English')
  .option('--purpose-hi <text>', 'why it asks, in Hindi')
  .option('--post-logout-redirect-uri <uri...>', 'where people return to after signing out')
  .option('--scope <scopes>', 'scopes it may ask for, in quotes', 'openid profile')
  .option('--optional <claims>', 'claims a person may leave out, comma-separated')
  .option('--retention-days <days>', 'how long shared values are kept for delivery', wholeNumber, 30)
  .addOption(
    new Option('--auth <method>', 'how it authenticates')
      .choices(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'self_signed_tls_client_auth', 'none'])
      .default('client_secret_basic'),
  )
  .addOption(
    new Option('--alg <alg>', 'signing algorithm of its ID tokens; RS256 when left out, under fapi2 ES256').choices([
      'RS256',
      'ES256',
      'EdDSA',
    ]),
  )
  .option('--jwks <file>', 'its public keys, for private_key_jwt')
  .option('--native', 'a mobile or desktop app')
  .addOption(
    new Option('--profile <name>', 'standard; fapi2; or legacy, which does not require PKCE (old apps only)')
      .choices(['standard', 'fapi2', 'legacy'])
      .default('standard'),
  )
  .option('--grace-seconds <n>', 'for how long it may repeat a refresh whose answer was lost, up to 30', wholeNumber)
  .option('--dpop', 'bind its tokens to a key of its own (RFC 9449)')
  .option('--backchannel-logout-uri <uri>', 'where it is told that a person signed out')
  .option('--initiate-login-uri <uri>', 'where others may send people to begin a sign-in')
  .option(
    '--upstream-add <name=value...>',
    'parameters of its own for DigiLocker: acr, amr, purpose, pla, dl_flow, prompt, …',
  )
  .option('--upstream-drop <name...>', 'parameters that DigiLocker is not sent for it')
  .option('--upstream-service-name <text>', 'service name that DigiLocker shows for it')
  .option('--from-file <file>', 'registration as JSON, with every field there is; given instead of the other options')
  .option('--id <id>', 'client id; made up when left out')
  .action(async (options: ClientOptions) => {
    const { id, fromFile } = options
    const registration = fromFile ? readJson(fromFile) : toRegistration(options, readJson)
    const added = (await run('client add', { registration, ...(id && { id }) })) as { warnings?: string[] }
    print(added)
    // On stderr too, where a person sees it and the JSON on stdout stays JSON.
    for (const warning of added.warnings ?? []) console.error(`Warning: ${warning}`)
  })
client
  .command('list')
  .description('all relying apps')
  .action(async () => print(await run('client list')))
client
  .command('show <id>')
  .description('one relying app')
  .action(async (id: string) => print(await run('client show', { id })))
client
  .command('rotate-secret <id>')
  .description('replace its secret; the new one is shown this once')
  .option('--overlap <time>', 'how long the old one works too, such as 90m, 24h or 7d', duration, 0)
  .action(async (id: string, { overlap }: { overlap: number }) =>
    print(await run('client rotate-secret', { id, overlapSeconds: overlap })),
  )
client
  .command('remove <id>')
  .description('remove it and revoke all it holds')
  .action(async (id: string) => print(await run('client remove', { id })))

program
  .command('conformance-clients')
  .description('register the clients that the OpenID Foundation’s test plans need, and print each plan’s configuration')
  .requiredOption('--suite <url>', 'base address of the suite, e.g. https://www.certification.openid.net')
  .requiredOption('--alias <name>', 'alias of your runs; each plan gets its own, beginning with this')
  .option('--plan <name...>', 'only these: basic, config, formpost, logout, backchannel, fapi2-dpop, fapi2-mtls …')
  .option('--replace', 'put new clients in place of those of an earlier call')
  .action(async (options: { suite: string; alias: string; plan?: string[]; replace?: boolean }) => {
    refuseInProduction('conformance-clients')
    const { config } = prepare()
    const { prepareConformance } = await import('./cli/conformance.ts')
    print(
      await prepareConformance(
        {
          suite: new URL(options.suite),
          alias: options.alias,
          issuer: config.issuer,
          plans: options.plan ?? [],
          replace: options.replace ?? false,
          mutualTls: config.clientCertificates !== undefined,
          clock: systemClock,
        },
        run,
      ),
    )
  })

const credentials = program.command('credentials').description('what DigiLocker knows us by; a change needs no restart')
credentials
  .command('set')
  .description(
    'take new ones; the secret comes from a file or from standard input, and the old one is kept as previous',
  )
  .requiredOption('--client-id <id>', 'client id of the partner portal')
  .option('--secret-file <file>', 'a file that holds the client secret; standard input when left out')
  .action(async ({ clientId, secretFile }: { clientId: string; secretFile?: string }) => {
    // never an argument: those can be read by everybody on the machine
    const clientSecret = readFileSync(secretFile ?? 0, 'utf8').trim()
    if (clientSecret === '') throw new AppError('CONFIG_INVALID', 'The secret is empty.')
    print(await run('credentials set', { rail: 'digilocker', clientId, clientSecret }))
  })
credentials
  .command('show')
  .description('the client id, and whether a previous secret still counts; never a secret')
  .action(async () => print(await run('credentials show', { rail: 'digilocker' })))
credentials
  .command('drop-previous')
  .description('end a rotation: hmac headers made with the previous secret are refused from now on')
  .action(async () => print(await run('credentials drop-previous', { rail: 'digilocker' })))

const keys = program.command('keys').description('the keys that sign our tokens')
keys
  .command('list')
  .description('every key with its state and times')
  .action(async () => print(await run('keys list')))
keys
  .command('rotate')
  .description('let the next key sign: at once where it has been published for long enough, else as soon as it has')
  .option('--alg <alg>', 'only this algorithm: RS256, ES256 or EdDSA')
  .option('--now', 'emergency: withdraw the current key at once; whoever holds a token of it has to sign in again')
  .action(async (options: { alg?: string; now?: boolean }) => print(await run('keys rotate', options)))

program
  .command('vault')
  .description('the vault')
  .command('rotate')
  .description('wrap every data key under the first key of DWAR_VAULT_KEYS, while the issuer runs')
  .action(async () => print(await run('vault rotate')))

program
  .command('doctor')
  .description('look at the DigiLocker settings, here and over there, and explain what is wrong with them')
  .option(
    '--probe',
    'also try the secret, with a code that nobody has and the list of issuers; look up what is pulled; spends nothing',
  )
  .option('--offline', 'do not ask the database about credentials and registered apps')
  .option('--json', 'print findings as JSON')
  .action(async ({ probe = false, offline, json }: { probe?: boolean; offline?: boolean; json?: boolean }) => {
    const config = readConfig(readEnv())
    const { askStore, describeFindings, examine } = await import('./cli/doctor.ts')
    const stored = offline ? { credentials: undefined } : await askStore(config)
    const findings = await examine(config, { clock: systemClock, probe, ...stored })
    console.log(json ? JSON.stringify(findings, null, 2) : describeFindings(findings))
    if (findings.some(({ severity }) => severity === 'fault')) process.exitCode = 1
  })

program
  .command('verify <file>')
  .description('say whether a downloaded document (XML or PDF) is genuine, check by check; nothing is stored')
  .option('--profile <name>', 'digilocker, uidai-offline or modern; guessed from the root element when left out')
  .option('--at <time>', 'judge the signer as of then (ISO 8601)')
  .option('--fields', 'also print what would be read from it: personal data, on your screen')
  .option('--json', 'print a machine-readable record')
  .action(async (file: string, options: VerifyCommand) => {
    const { verifyFile } = await import('./cli/verify.ts')
    const { text, trusted } = await verifyFile(file, options, trustSources(), systemClock)
    console.log(text)
    if (!trusted) process.exitCode = 1
  })

program
  .command('trust')
  .description('whom we believe')
  .command('status')
  .description('every signer, anchor, intermediate and revocation list, and how long each still counts')
  .option('--json', 'print rows as JSON')
  .action(async ({ json }: { json?: boolean }) => {
    const [{ describeTrust }, { readTrust }] = await Promise.all([
      import('./cli/verify.ts'),
      import('./documents/trust/trust.ts'),
    ])
    const { files, folder } = trustSources()
    const { text, rows } = describeTrust(readTrust(files, folder), systemClock)
    console.log(json ? JSON.stringify(rows, null, 2) : text)
    if (rows.some(({ state }) => state === 'ends-soon'))
      console.error('Something ends within 60 days: see "ends-soon".')
  })

try {
  await program.parseAsync()
} catch (error) {
  fail(error)
}

/** Operations print their own result, so the log keeps to what goes wrong. */
async function run(name: OperationName, input?: unknown): Promise<unknown> {
  const { config } = prepare()
  const { operate } = await import('./cli/operate.ts')
  return operate(config, createLog('error'), name, input)
}

/** @param given settings of the command line, which win */
function prepare(given: Env = {}): { config: Config; log: Log } {
  const config = readConfig({ ...readEnv(), ...given })
  return { config, log: createLog(config.logLevel) }
}

/** Where trust is read from, without the settings that only a running issuer needs. */
function trustSources(): TrustSources {
  const { DWAR_TRUST_FILES: files = '', DWAR_TRUST_FOLDER: folder } = readEnv()
  const named = files.split(',').map((file) => file.trim())
  return { files: named.filter(Boolean), folder: folder || undefined }
}

/**
 * Stops in good order on SIGTERM or SIGINT. One that comes while it starts is heeded as soon as it has: process 1 of a
 * container gets no signal that nobody listens for, and what a dying process has started lives on for a while.
 */
async function runUntilSignal(start: () => Promise<{ stop(): Promise<void> }>): Promise<void> {
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
  })
  const running = await start()
  void told.then(() => running.stop()).then(() => process.exit(0), fail)
}

function readEnv(): Env {
  const { envFile } = program.opts<{ envFile?: string }>()
  const given = envFile === undefined ? process.env : { ...parseEnv(readFileSync(envFile, 'utf8')), ...process.env }
  return withEnvFiles(given, process.cwd())
}

/** A declaration, since this file acts before its last line is read. */
function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}

function refuseInProduction(what: string): void {
  const env = readEnv()
  if (env.DWAR_ENV === 'production' || env.NODE_ENV === 'production')
    throw new AppError('CONFIG_INVALID', `${what} does not run in production.`)
}

function print(result: unknown): void {
  console.log(JSON.stringify(result, null, 2))
}

/** A worker's refusal to start is printed by the process that started it, which was told. */
function endQuietly(error: unknown): never {
  if (error instanceof AppError) process.exit(1)
  throw error
}

/** One clear sentence for what we know; a stack only for what we do not. */
function fail(error: unknown): never {
  if (error instanceof AppError) console.error(`${error.message}\n(${error.code})`)
  else console.error(error)
  process.exit(1)
}
