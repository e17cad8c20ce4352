import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Served, serve } from '../../src/cli/serve.ts'
import { readConfig } from '../../src/config/config.ts'
import { createLog } from '../../src/log.ts'
import { fourFreePorts } from '../support/ports.ts'
import { sampleOf, scrape } from '../support/scrape.ts'
import { newSecrets } from '../support/stage.ts'

let folder: string
let served: Served | undefined
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'dwar-serve-'))
})
afterEach(async () => {
  await served?.stop()
  served = undefined
  rmSync(folder, { recursive: true })
})

const configWith = (more: Record<string, string>) =>
  readConfig({
    ...newSecrets(),
    DWAR_ENV: 'test',
    DWAR_ISSUER: 'http://localhost:4000',
    DWAR_PORT: '0',
    DWAR_DATABASE_URL: `pglite:${path.join(folder, 'data')}`,
    DIGILOCKER_CLIENT_ID: 'TESTPARTNER',
    ...more,
  })
const log = createLog('silent')

describe('serving', () => {
  it('puts metrics on a port of their own, with the trust that ships', async () => {
    const port = await fourFreePorts()
    const env = { DWAR_METRICS_PORT: '0', DWAR_PORT: String(port), DWAR_ISSUER: `http://localhost:${port}` }
    served = await serve(configWith(env), log)
    const text = await scrape(served.metricsPort ?? 0)
    expect(sampleOf(text, 'dwar_verifier_threads')).toBe(1)
    expect(text).toMatch(/dwar_trust_lines\{kind="signer",state="\w[\w-]*"\} [1-9]/)
    expect(text).toContain('process_resident_memory_bytes')
    const onIssuer = await fetch(`http://localhost:${served.port}/metrics`)
    expect(onIssuer.status).toBe(404)
  }, 120_000)

  it('serves none unless it is told a port', async () => {
    served = await serve(configWith({}), log)
    expect(served.metricsPort).toBeUndefined()
  }, 120_000)

  it('starts nothing when the port of the metrics is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', () => resolve()))
    const port = String((other.address() as AddressInfo).port)
    const secrets = newSecrets()
    await expect(serve(configWith({ ...secrets, DWAR_METRICS_PORT: port }), log)).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    })
    // What it had opened is closed again: the embedded database, which has one user, can be opened.
    served = await serve(configWith(secrets), log)
    other.close()
  }, 120_000)
})
