import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const SOURCE = fileURLToPath(new URL('./xmlsec.c', import.meta.url))

/** A running `xmlsec.c`. */
export interface Xmlsec {
  accepts(bytes: Uint8Array): Promise<boolean>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Compiles and starts the judge.
 * @param certificate PEM of the one signer whose key counts
 * @returns nothing where there is no compiler or no libxmlsec1 to build against
 */
export async function startXmlsec(certificate: string): Promise<Xmlsec | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-xmlsec-'))
  const program = join(folder, 'xmlsec')
  try {
    const { stdout } = await run('xmlsec1-config', ['--cflags', '--libs'])
    await run('cc', ['-O2', '-o', program, SOURCE, ...stdout.split(/\s+/).filter(Boolean)])
  } catch {
    // Nothing to build with: the caller says that this verifier was not asked.
    await rm(folder, { recursive: true })
    return undefined
  }
  await writeFile(join(folder, 'signer.pem'), certificate)
  return new Judge(spawn(program, [join(folder, 'signer.pem')], { stdio: 'pipe' }), folder)
}

const ACCEPTED = '1'.charCodeAt(0)

class Judge implements Xmlsec {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #folder: string
  #answer = Promise.withResolvers<number>()

  constructor(process: ChildProcessWithoutNullStreams, folder: string) {
    this.#process = process
    this.#folder = folder
    process.stdout.on('data', (bytes: Buffer) => this.#answer.resolve(bytes[0] ?? 0))
    process.on('exit', () => this.#answer.reject(new Error('the judge broke down')))
  }

  async accepts(bytes: Uint8Array): Promise<boolean> {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    this.#answer = Promise.withResolvers()
    this.#process.stdin.write(Buffer.concat([length, bytes]))
    return (await this.#answer.promise) === ACCEPTED
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#answer.promise.catch(() => undefined)
    const ended = once(this.#process, 'exit')
    this.#process.stdin.end()
    await ended
    await rm(this.#folder, { recursive: true })
  }
}
