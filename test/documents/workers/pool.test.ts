import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../../src/documents/workers/messages.ts'
import { createVerifierPool, type PoolOptions, type VerifierPool } from '../../../src/documents/workers/pool.ts'
import { makePdf } from '../../../src/simulator/pdf.ts'
import { signPdf } from '../../../src/simulator/signed-pdf.ts'
import { signXml } from '../../../src/simulator/signed-xml.ts'
import { testPki } from '../../support/pki.ts'
import { LICENCE, PAN, type Pki, refusedWith, secondsOf, trusting, utf8 } from '../fixtures.ts'

const NOW = secondsOf('2026-11-23T00:00:00Z')
let pki: Pki
let pool: VerifierPool

beforeAll(async () => {
  pki = await testPki(new Date(NOW * 1000))
  pool = makePool()
}, 120_000)
afterAll(() => pool.close())

const makePool = (options: Partial<PoolOptions> = {}) =>
  createVerifierPool({ trust: trusting([pki.signer]), threads: 1, ...options })
const job = (bytes: Uint8Array, more: Partial<Job> = {}): Job => ({
  bytes,
  profile: 'digilocker',
  at: NOW,
  crossCheck: true,
  ...more,
})
const signed = (content = PAN) => signXml(content, pki.signer)
/** Genuine, and as many attributes as may be: each is an object in the trees of both verifiers, and takes its time. */
const big = (elements = 1_900) =>
  signed(PAN.replace('<IssuedBy>', `<d>${`<e ${ATTRIBUTES}></e>`.repeat(elements)}</d><IssuedBy>`))
const ATTRIBUTES = Array.from({ length: 60 }, (_, i) => `a${10 + i}="x"`).join(' ')
describe('documents verified in threads', () => {
  it('come back as fields and a record, both plain data', async () => {
    const { fields, verification } = await pool.verify(job(signed()))
    expect(fields).toMatchObject({ doctype: 'PANCR', name: 'MEERA EXAMPLE' })
    expect(verification).toMatchObject({ profile: 'digilocker', crossChecked: true })
  })

  it('cost no thread before the first one comes', async () => {
    let threads = 0
    const count = () => {
      threads += 1
    }
    process.on('worker', count)
    const fresh = makePool({ threads: 2 })
    expect(threads).toBe(0)
    await fresh.verify(job(signed()))
    expect(threads).toBe(1)
    process.off('worker', count)
    await fresh.close()
  })

  it('are refused with the code and the check that refused them', async () => {
    const tampered = utf8(signed().toString().replace('MEERA', 'SITA'))
    await expect(pool.verify(job(tampered))).rejects.toMatchObject({
      code: 'DOC_DIGEST_MISMATCH',
      check: 'signature.digest',
    })
  })

  it('are refused when they are of another type than was asked for', async () => {
    await expect(pool.verify(job(signed(), { doctype: 'DRVLC' }))).rejects.toThrow(refusedWith('DOC_TYPE_MISMATCH'))
  })

  it('leave the caller its bytes', async () => {
    const bytes = signed()
    const before = Buffer.from(bytes)
    await pool.verify(job(bytes))
    expect(bytes.equals(before)).toBe(true)
  })

  it('do not stop the event loop', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    // Some more where the machine gives us little of its time.
    for (let done = 0; done < 200 && turns <= 5; done += 10)
      await Promise.all(Array.from({ length: 10 }, () => pool.verify(job(signed(LICENCE)))))
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
  })

  it('are all answered, however many come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => pool.verify(job(signed()))))
    expect(answers).toHaveLength(40)
    expect(pool.state()).toEqual({ threads: 1, busy: 0, queued: 0 })
  })

  it('follow a change of trust', async () => {
    await using mine = disposable(makePool())
    await mine.pool.verify(job(signed()))
    mine.pool.useTrust(trusting([]))
    await expect(mine.pool.verify(job(signed()))).rejects.toThrow(refusedWith('DOC_SIGNER_UNTRUSTED'))
    mine.pool.useTrust(trusting([pki.signer]))
    await expect(mine.pool.verify(job(signed()))).resolves.toBeDefined()
  })
})

const PAGE = { title: 'Driving License', issuer: 'An office', rows: [['Name', 'Dev Rathore']] } as const
const pdfJob = (pdf: Uint8Array) => ({ pdf, profile: 'digilocker', at: NOW }) as const
/** As big as we read, and all of it lengths of streams, which are looked up in a table of all of them. */
const costly = () =>
  Buffer.concat([
    Buffer.from('%PDF-1.7\n<< /Length 1 0 R >> stream\n endstream '),
    Buffer.alloc(15_000_000, '1 0 obj 1 endobj '),
  ])

describe('PDFs judged in threads', () => {
  it('come back as a finding that holds nothing of the document', async () => {
    const finding = await pool.verifyPdf(pdfJob(signPdf(PAGE, pki.signer, NOW)))
    expect(finding).toEqual({ verdict: 'trusted', signer: pki.signer.fingerprint })
    expect(await pool.verifyPdf(pdfJob(makePdf(PAGE)))).toEqual({ verdict: 'unsigned' })
  })

  it('are refused with the code and the reason that refused them', async () => {
    const file = signPdf(PAGE, pki.signer, NOW)
    file.write('Ben', file.indexOf('Dev Rathore'))
    await expect(pool.verifyPdf(pdfJob(file))).rejects.toMatchObject({
      code: 'DOC_DIGEST_MISMATCH',
      check: 'digest_mismatch',
    })
    await expect(pool.verifyPdf(pdfJob(Buffer.from('no PDF')))).rejects.toThrow(refusedWith('DOC_MALFORMED'))
  })

  it('follow a change of trust', async () => {
    await using mine = disposable(makePool())
    mine.pool.useTrust(trusting([]))
    await expect(mine.pool.verifyPdf(pdfJob(signPdf(PAGE, pki.signer, NOW)))).resolves.toEqual({
      verdict: 'not-trusted',
      check: 'signer.known',
    })
  })

  it('share the threads with XML, each answered in kind', async () => {
    const file = signPdf(PAGE, pki.signer, NOW)
    const answers = await Promise.all([
      pool.verify(job(signed())),
      pool.verifyPdf(pdfJob(file)),
      pool.verify(job(signed())),
    ])
    expect(answers).toMatchObject([{ fields: {} }, { verdict: 'trusted' }, { fields: {} }])
  })

  it.each([
    ['time', { timeoutMs: 150 }],
    ['memory', { memoryMiB: 32, timeoutMs: 60_000 }],
  ])(
    'are ended in their %s, and the next one is judged all the same',
    async (limit, options) => {
      await using mine = disposable(makePool(options))
      const refused = { code: 'DOC_VERIFIER_LIMIT', check: `limit.${limit}` }
      await expect(mine.pool.verifyPdf(pdfJob(costly()))).rejects.toMatchObject(refused)
      expect(await mine.pool.verifyPdf(pdfJob(makePdf(PAGE)))).toEqual({ verdict: 'unsigned' })
    },
    120_000,
  )
})

describe('a document that costs too much', () => {
  it('is ended in its time, and the next one is verified all the same', async () => {
    // Some five times what the next one takes in a new thread, a fifth of what this one would.
    await using mine = disposable(makePool({ timeoutMs: 400 }))
    await expect(mine.pool.verify(job(big()))).rejects.toMatchObject({
      code: 'DOC_VERIFIER_LIMIT',
      check: 'limit.time',
    })
    await expect(mine.pool.verify(job(signed(), { crossCheck: false }))).resolves.toBeDefined()
  })

  it('is not what is blamed when the machine is busy: time is the processor’s, not the clock’s', async () => {
    const begun = performance.now()
    {
      await using alone = disposable(makePool({ threads: 1, timeoutMs: 60_000 }))
      await alone.pool.verify(job(big(1_000)))
    }
    // Of six on two cores each takes three times as long by the clock; two threads that share one core hinder each other.
    const timeoutMs = 1.5 * (performance.now() - begun)
    await using many = disposable(makePool({ threads: 6, timeoutMs }))
    const all = Array.from({ length: 6 }, () => many.pool.verify(job(big(1_000))))
    for (const one of await Promise.all(all)) expect(one).toBeDefined()
  }, 120_000)

  it('is ended in its memory, and the next one is verified all the same', async () => {
    // More than a thread needs to start with, less than it needs for a document as big as the profile allows.
    await using mine = disposable(makePool({ memoryMiB: 32, timeoutMs: 60_000 }))
    await expect(mine.pool.verify(job(big()))).rejects.toMatchObject({
      code: 'DOC_VERIFIER_LIMIT',
      check: 'limit.memory',
    })
    await expect(mine.pool.verify(job(signed(), { crossCheck: false }))).resolves.toBeDefined()
  }, 120_000)

  it('is not read a second time once it is refused', async () => {
    await using mine = disposable(makePool({ memoryMiB: 32, timeoutMs: 60_000 }))
    const changed = utf8(big().toString().replace('MEERA', 'SITA'))
    await expect(mine.pool.verify(job(changed))).rejects.toMatchObject({ check: 'signature.digest' })
  }, 120_000)

  it('is turned away when too many wait already', async () => {
    await using mine = disposable(makePool({ queue: 2 }))
    const all = await Promise.allSettled(Array.from({ length: 4 }, () => mine.pool.verify(job(signed()))))
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
    expect(all.at(-1)).toMatchObject({ reason: { code: 'DOC_VERIFIER_BUSY' } })
  })
})

describe('a pool that is closed', () => {
  it('answers everybody who waits, and nobody after', async () => {
    const closing = makePool()
    const waiting = Promise.allSettled([closing.verify(job(signed())), closing.verify(job(signed()))])
    await closing.close()
    const failed = { status: 'rejected', reason: { code: 'DOC_VERIFIER_FAILED' } }
    expect(await waiting).toMatchObject([failed, failed])
    await expect(closing.verify(job(signed()))).rejects.toThrow(refusedWith('DOC_VERIFIER_FAILED'))
  })
})

const disposable = (made: VerifierPool) => ({ pool: made, [Symbol.asyncDispose]: () => made.close() })
