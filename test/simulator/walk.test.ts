import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { hasProgram } from '../documents/pdf/cms.ts'
import { bareEnvironment } from '../support/environment.ts'
import { testPki } from '../support/pki.ts'

const SCRIPT = path.resolve(import.meta.dirname, '../../src/simulator/walk.sh')
const isHere = ['curl', 'openssl'].every((program) => hasProgram(program, program === 'curl' ? '--version' : 'version'))
const HAS_XMLSEC = hasProgram('xmlsec1', '--version')

/** A program that is not ours, with curl and openssl alone. */
describe('an outsider with a shell', () => {
  let simulator: Simulator
  beforeAll(async () => {
    simulator = await startSimulator({ pki: await testPki() })
    if (!isHere) console.info('curl or openssl is not here: the walk of an outsider is left out')
    if (!HAS_XMLSEC) console.info('xmlsec1 is not here: the digest of a tampered document is left out')
  }, 120_000)
  afterAll(() => simulator.close())

  const walk = async (args: string[], wrong = '') => {
    const env = { ...bareEnvironment, WRONG: wrong }
    const run = promisify(execFile)('sh', [SCRIPT, simulator.url.origin, ...args], { env })
    return run.then(
      ({ stdout }) => stdout.trim().split('\n').at(-1),
      (error: { stderr: string }) => error.stderr.trim().split('\n').at(-1),
    )
  }
  const whenHere = (expected: string) => (isHere ? expected : expect.anything())

  it.each([['asha'], ['bala', 'PANCR'], ['mohan', 'RVCER'], ['kavya', 'SSCER']])(
    'walks from authorize to a verified document: %s %s',
    async (...args) => {
      expect(await walk(args.filter(Boolean))).toEqual(whenHere('OK'))
    },
    120_000,
  )

  it.each([
    ['hmac-wrong', 'FAILED: the hmac header is missing or wrong'],
    ['hmac-missing', 'FAILED: the hmac header is missing or wrong'],
    ['unsigned-xml', 'FAILED: the document has no signature'],
    ['repository-530-json', 'FAILED: the document was refused'],
    ['authorize-error-page', 'FAILED: no code came back'],
    ['no-such-quirk', 'FAILED: the sign-in was refused'],
    ...(HAS_XMLSEC ? [['tampered-xml', 'FAILED: the document was changed after it was signed']] : []),
  ])(
    'finds out what is wrong: %s',
    async (wrong, said) => {
      expect(await walk(['asha'], wrong)).toEqual(isHere ? expect.stringContaining(said ?? '') : expect.anything())
    },
    120_000,
  )
})
