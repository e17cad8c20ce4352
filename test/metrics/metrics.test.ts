import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TrustStatusRow } from '../../src/documents/trust/status.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { type Listening, listen } from '../../src/server.ts'
import { sampleOf, scrape } from '../support/scrape.ts'

let metrics: Metrics
let listening: Listening
let rows: TrustStatusRow[]
let pool = { threads: 1, busy: 0, queued: 0 }
beforeEach(async () => {
  rows = []
  metrics = createMetrics({ verifier: () => pool, trust: () => rows, process: false })
  listening = await listen((request, response) => metrics.handle(request, response), { host: '127.0.0.1', port: 0 })
})
afterEach(() => listening.close(0))
const at = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${listening.port}${path}`, init)
const read = async (name: string, labels: Record<string, string> = {}) =>
  sampleOf(await scrape(listening.port), name, labels)

describe('metrics', () => {
  it('count verdicts by what became of them and why', async () => {
    metrics.noteVerdict({ profile: 'digilocker', outcome: 'verified', seconds: 0.004 })
    metrics.noteVerdict({ profile: 'digilocker', outcome: 'verified', seconds: 0.3 })
    const refused = { profile: 'digilocker', outcome: 'refused', code: 'DOC_DIGEST_MISMATCH' } as const
    metrics.noteVerdict({ ...refused, check: 'signature.digest', seconds: 0.001 })
    expect(await read('dwar_documents_total', { profile: 'digilocker', outcome: 'verified' })).toBe(2)
    expect(
      await read('dwar_documents_total', {
        outcome: 'refused',
        code: 'DOC_DIGEST_MISMATCH',
        check: 'signature.digest',
      }),
    ).toBe(1)
    expect(await read('dwar_document_seconds_count', { outcome: 'verified' })).toBe(2)
    expect(await read('dwar_document_seconds_bucket', { outcome: 'verified', le: '0.005' })).toBe(1)
    expect(await read('dwar_verifiers_disagree_total')).toBe(0)
  })

  it('count PDFs apart, by what their signature was worth', async () => {
    metrics.noteVerdict({ profile: 'pdf', outcome: 'trusted', seconds: 0.004 })
    metrics.noteVerdict({ profile: 'pdf', outcome: 'not-trusted', check: 'digest_sha1', seconds: 0.004 })
    expect(await read('dwar_documents_total', { profile: 'pdf', outcome: 'trusted' })).toBe(1)
    expect(await read('dwar_documents_total', { profile: 'pdf', outcome: 'not-trusted', check: 'digest_sha1' })).toBe(1)
    expect(await read('dwar_documents_total', { outcome: 'verified' })).toBeUndefined()
  })

  it('count a disagreement apart, from 0 on', async () => {
    expect(await read('dwar_verifiers_disagree_total')).toBe(0)
    metrics.noteVerdict({
      profile: 'digilocker',
      outcome: 'refused',
      code: 'DOC_VERIFIERS_DISAGREE',
      check: 'agreement.content',
      seconds: 0.01,
    })
    expect(await read('dwar_verifiers_disagree_total')).toBe(1)
  })

  it('count calls to an upstream, and tell when it is left alone', async () => {
    metrics.noteCall('digilocker', { operation: 'user', outcome: 'answered', status: 503 })
    metrics.noteCall('digilocker', { operation: 'user', outcome: 'not-sent' })
    expect(await read('dwar_upstream_calls_total', { operation: 'user', outcome: 'answered', status: '503' })).toBe(1)
    expect(await read('dwar_upstream_calls_total', { outcome: 'not-sent', status: '' })).toBe(1)
    metrics.notePause('digilocker', { repository: 'in.gov.pan', paused: true })
    metrics.notePause('digilocker', { paused: true })
    metrics.notePause('digilocker', { paused: false })
    expect(await read('dwar_upstream_paused', { rail: 'digilocker', repository: 'in.gov.pan' })).toBe(1)
    expect(await read('dwar_upstream_paused', { rail: 'digilocker', repository: '' })).toBe(0)
  })

  it('show the threads as they are at each scrape', async () => {
    expect(await read('dwar_verifier_busy')).toBe(0)
    pool = { threads: 2, busy: 1, queued: 7 }
    expect(await read('dwar_verifier_threads')).toBe(2)
    expect(await read('dwar_verifier_busy')).toBe(1)
    expect(await read('dwar_verifier_queued')).toBe(7)
  })

  it('show the days that each line of trust has left, and forget lines that are gone', async () => {
    const soon = { kind: 'signer', name: 'A "quoted" signer', fingerprint: 'ab12', rail: 'digilocker' } as const
    rows = [
      { ...soon, ends: 1, daysLeft: 12, state: 'ends-soon' },
      { kind: 'anchor', name: 'A root', fingerprint: 'cd34', ends: 2, daysLeft: 900, state: 'ok' },
      { kind: 'signer', name: 'Of the past', fingerprint: 'ef56', ends: 0, daysLeft: -800, state: 'ended' },
      { kind: 'subject', name: 'a-rule', state: 'ok' },
    ]
    expect(await read('dwar_trust_days_left', { fingerprint: 'ab12' })).toBe(12)
    expect(await read('dwar_trust_days_left', { fingerprint: 'cd34' })).toBe(900)
    expect(await read('dwar_trust_days_left', { fingerprint: 'ef56' })).toBeUndefined()
    expect(await read('dwar_trust_lines', { kind: 'signer', state: 'ends-soon' })).toBe(1)
    expect(await read('dwar_trust_lines', { kind: 'signer', state: 'ended' })).toBe(1)
    rows = rows.slice(1)
    expect(await read('dwar_trust_days_left', { fingerprint: 'ab12' })).toBeUndefined()
    expect(await read('dwar_trust_lines', { kind: 'signer', state: 'ends-soon' })).toBeUndefined()
  })

  it('are in the text format that scrapers ask for, and nothing else is here', async () => {
    const answer = await at('/metrics')
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect((await at('/')).status).toBe(404)
    expect((await at('/metrics', { method: 'POST' })).status).toBe(405)
  })

  it('fail as a whole when a source does: half a truth would look like one', async () => {
    rows = undefined as unknown as TrustStatusRow[]
    expect((await at('/metrics')).status).toBe(500)
  })
})
