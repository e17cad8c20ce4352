import { expect, it } from 'vitest'
import type { TrustStatusRow } from '../../src/documents/trust/status.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { createWorkerMetrics } from '../../src/metrics/workers.ts'
import { listen } from '../../src/server.ts'
import { sampleOf, scrape } from '../support/scrape.ts'

it('adds up what each worker counts, shows once what all see, and goes on without one that is silent', async () => {
  const row: TrustStatusRow = { kind: 'signer', name: 'Office', fingerprint: 'ab', state: 'ok', daysLeft: 90 }
  const workers = [1, 2].map((busy) => {
    const metrics = createMetrics({
      verifier: () => ({ threads: 1, busy, queued: 0 }),
      trust: () => [row],
      process: false,
    })
    metrics.watchKeys(() => [{ alg: 'RS256', ageSeconds: 100 * busy }])
    metrics.noteLimited('token', 'client')
    metrics.notePause('digilocker', { paused: true })
    metrics.noteVerdict({ profile: 'digilocker', outcome: 'verified', seconds: 0.004 })
    return metrics
  })
  const joined = createWorkerMetrics(async () => [...(await Promise.all(workers.map(({ read }) => read()))), undefined])
  joined.noteExit()
  const listening = await listen(joined.handle, { host: '127.0.0.1', port: 0 })
  const text = await scrape(listening.port)
  await listening.close(0)
  expect({
    workers: sampleOf(text, 'dwar_workers'),
    exits: sampleOf(text, 'dwar_worker_exits_total'),
    limited: sampleOf(text, 'dwar_rate_limited_total', { route: 'token' }),
    verified: sampleOf(text, 'dwar_document_seconds_count', { outcome: 'verified' }),
    busy: sampleOf(text, 'dwar_verifier_busy'),
    lines: sampleOf(text, 'dwar_trust_lines'),
    daysLeft: sampleOf(text, 'dwar_trust_days_left'),
    paused: sampleOf(text, 'dwar_upstream_paused'),
    keyAge: sampleOf(text, 'dwar_signing_key_age_seconds'),
  }).toEqual({
    workers: 2,
    exits: 1,
    limited: 2,
    verified: 2,
    busy: 3,
    lines: 1,
    daysLeft: 90,
    paused: 1,
    keyAge: 200,
  })
})
