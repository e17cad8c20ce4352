import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Two cores run the tests. */
const AT_ONCE = 2

/** What to ask of `xmlsec1`: whether the signature holds under this very key. Chains and shapes are not its matter here. */
export interface Asked {
  readonly name: string
  readonly bytes: Uint8Array
  /** PEM */
  readonly certificate: string
}

export async function hasXmlsec1(): Promise<boolean> {
  try {
    await run('xmlsec1', ['--version'])
    return true
  } catch {
    // Not there, or not to be run: either way it can say nothing.
    return false
  }
}

/** The names of those that `xmlsec1` accepts. It stops at the first file that it refuses, so each has its own process. */
export async function acceptedByXmlsec1(questions: readonly Asked[]): Promise<Set<string>> {
  const folder = await mkdtemp(join(tmpdir(), 'xmlsec1-'))
  const accepted = new Set<string>()
  const waiting = questions.entries()
  const work = async () => {
    for (const [index, question] of waiting) {
      if (await isAccepted(question, join(folder, String(index)))) accepted.add(question.name)
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return accepted
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function isAccepted({ bytes, certificate }: Asked, path: string): Promise<boolean> {
  await Promise.all([writeFile(`${path}.xml`, bytes), writeFile(`${path}.pem`, certificate)])
  // Without key data from the document, the key that we name is the only one; `empty` is URI="".
  const options = ['--enabled-key-data', 'rsa', '--enabled-reference-uris', 'empty', '--pubkey-cert-pem', `${path}.pem`]
  try {
    await run('xmlsec1', ['--verify', ...options, `${path}.xml`])
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 1) return false
    throw error
  }
}
