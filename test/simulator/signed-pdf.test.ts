import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyPdf } from '../../src/documents/pdf/verify-pdf.ts'
import { parseTrust, TrustStore } from '../../src/documents/trust/trust.ts'
import { lockerOf } from '../../src/simulator/documents.ts'
import type { PdfPage } from '../../src/simulator/pdf.ts'
import { PERSONAS } from '../../src/simulator/personas.ts'
import type { QuirkName } from '../../src/simulator/quirks.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { hasProgram } from '../documents/pdf/cms.ts'
import { testPki } from '../support/pki.ts'
import * as walk from './support/walk.ts'

const NOW = Date.parse('2026-11-24T06:30:00Z') / 1000
let simulator: Simulator
let trust: TrustStore
let folder: string

beforeAll(async () => {
  simulator = await startSimulator({ pki: await testPki(new Date(NOW * 1000)), clients: [walk.PLAIN], now: () => NOW })
  trust = new TrustStore([parseTrust(simulator.trust, 'simulator')])
  folder = mkdtempSync(join(tmpdir(), 'dwar-simulated-pdf-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await simulator.close()
})

/** The licence of somebody whose documents are PDF only, over HTTP. */
async function servedUnder(...quirks: QuirkName[]): Promise<Buffer> {
  simulator.reset()
  const token = await walk.login(simulator, { persona: 'dev' })
  simulator.setFaults(quirks.map((quirk) => ({ quirk })))
  const reply = await walk.get(simulator, walk.filePath(walk.uriOf(token.scope, 'DRVLC')), token.access_token)
  expect(reply.status).toBe(200)
  return Buffer.from(await reply.arrayBuffer())
}

const judgedByUs = async (file: Buffer) => {
  const { verdict, reasons } = await verifyPdf(file, { rail: 'digilocker', trust, at: NOW })
  return [verdict, ...reasons]
}

function leftOut(program: string): undefined {
  console.info(`${program} is not here: its judgement of simulated PDFs is left out`)
}

/** Range and CMS taken out by nothing but the text of the dictionary, and judged by OpenSSL up to the simulator's root. */
function judgedByOpenssl(file: Buffer): boolean | undefined {
  if (!hasProgram('openssl', 'version')) return leftOut('openssl')
  const text = file.toString('latin1')
  const [, a = 0, b = 0, c = 0] = /\/ByteRange \[0 (\d+) (\d+) (\d+) *\]/.exec(text)?.map(Number) ?? []
  const place = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const covered = place('covered', Buffer.concat([file.subarray(0, a), file.subarray(b, b + c)]))
  const cms = place('cms', Buffer.from(text.slice(a + 1, b - 1), 'hex'))
  const root = place('root.pem', simulator.pki.root.pem)
  const inputs = ['-inform', 'DER', '-in', cms, '-content', covered, '-CAfile', root]
  const how = ['-binary', '-purpose', 'any', '-attime', String(NOW), '-out', join(folder, 'out')]
  return spawnSync('openssl', ['cms', '-verify', ...inputs, ...how]).status === 0
}

function judgedByPdfsig(file: Buffer): readonly string[] | undefined {
  if (!hasProgram('pdfsig', '-v')) return leftOut('pdfsig')
  const path = join(folder, 'file.pdf')
  writeFileSync(path, file)
  const { stdout } = spawnSync('pdfsig', ['-nocert', path], {
    encoding: 'utf8',
    env: { ...process.env, HOME: folder },
  })
  return [...stdout.matchAll(/(?:Signature Validation: (.*)\.|((?:Not total|Total) document signed))/g)].map(
    ([, validity, coverage]) => validity ?? coverage ?? '',
  )
}

const VALID = ['Total document signed', 'Signature is Valid']

describe('PDFs that the simulator serves — documents-and-signatures.md §4', () => {
  it.each<[string, QuirkName[], string[], boolean, string[]]>([
    ['as it is', [], ['pdf_signed_trusted'], true, VALID],
    [
      'tampered with',
      ['pdf-tampered'],
      ['pdf_altered_after_signing', 'digest_mismatch'],
      false,
      ['Total document signed', 'Digest Mismatch'],
    ],
    [
      'with an update behind it',
      ['pdf-appended-bytes'],
      ['pdf_altered_after_signing', 'update_after_signing'],
      true, // of the bytes that the range names, which are not all: what forgers live on
      ['Not total document signed', 'Signature is Valid'],
    ],
    [
      'of a wrong signer',
      ['pdf-wrong-signer'],
      ['pdf_signed_untrusted_signer', 'signer.known'],
      false,
      VALID, // asked about no certificate
    ],
    [
      'of a signer who has ended',
      ['pdf-expired-signer'],
      ['pdf_signed_untrusted_signer', 'signer.ended'],
      false,
      VALID,
    ],
  ])('are judged alike, %s: by us, openssl and pdfsig', async (_what, quirks, ours, openssl, pdfsig) => {
    const file = await servedUnder(...quirks)
    expect(await judgedByUs(file)).toEqual(ours)
    expect(judgedByOpenssl(file) ?? openssl).toBe(openssl)
    expect(judgedByPdfsig(file) ?? pdfsig).toEqual(pdfsig)
  })

  it('have no signature at all with pdf-unsigned', async () => {
    const file = await servedUnder('pdf-unsigned')
    expect(await judgedByUs(file)).toEqual(['pdf_unsigned', 'no_signature'])
    expect(judgedByPdfsig(file) ?? []).toEqual([])
  })

  it('carry the chain, the time of signing, and a signature that is seen', async () => {
    const file = await servedUnder()
    const { signatures } = await verifyPdf(file, { rail: 'digilocker', trust, at: NOW })
    expect(signatures).toMatchObject([
      {
        subFilter: 'adbe.pkcs7.detached',
        digestAlgorithm: 'sha256',
        signingTime: { claimed: NOW, proven: false },
        signer: { name: 'DS DIGILOCKER SIMULATOR 1', chain: { length: 4 } },
      },
    ])
    const text = file.toString('latin1')
    expect(text).toContain("/M (D:20261124120000+05'30')")
    expect(text).toContain('(Digitally signed by) Tj')
  })

  it('show what the document says, in Latin letters that a program reads', async () => {
    if (!hasProgram('pdftotext', '-v')) return leftOut('pdftotext')
    const path = join(folder, 'shown.pdf')
    writeFileSync(path, await servedUnder())
    const text = execFileSync('pdftotext', ['-layout', path, '-'], { encoding: 'utf8' })
    for (const line of [/Licence number +RJ0020180000000/, /Name +Dev Rathore/, /SIMULATED, NOT REAL/])
      expect(text).toMatch(line)
  })
})

const pages = PERSONAS.flatMap((persona) =>
  lockerOf(persona, NOW).flatMap(({ doctype, pdf }) => (pdf ? [{ id: persona.id, doctype, pdf }] : [])),
)

describe('pages of the people that come along', () => {
  it.each(pages)('fit on one page and need no other letters: $doctype of $id', ({ pdf }) => {
    expect(
      Object.values(pdf as PdfPage)
        .flat(2)
        .join(''),
    ).toMatch(/^[\x20-\x7e]+$/)
    expect(pdf.rows.length).toBeLessThanOrEqual(18)
  })
})
