import { parentPort, workerData } from 'node:worker_threads'
import { DocumentError } from '../../errors.ts'
import { assertDoctype, extract } from '../extract.ts'
import { type PdfFinding, toFinding } from '../pdf/finding.ts'
import { verifyPdf } from '../pdf/verify-pdf.ts'
import { PROFILES } from '../profiles.ts'
import { type TrustSnapshot, TrustStore } from '../trust/trust.ts'
import { describeVerification, verifyDocument } from '../verify.ts'
import type { FromThread, Job, PdfJob, Refusal, ToThread, VerifiedFields } from './messages.ts'

/** The thread in which untrusted bytes are read. It has no network, no database and no secret; one job at a time. */
if (!parentPort) throw new Error('thread.ts runs as a worker thread')
const port = parentPort
let trust = TrustStore.from(workerData as TrustSnapshot)

port.on('message', (message: ToThread) => {
  if ('trust' in message) trust = TrustStore.from(message.trust)
  else void answer(message.job).then((reply) => port.postMessage(reply satisfies FromThread))
})
port.postMessage({ ready: true } satisfies FromThread)

async function answer(job: Job | PdfJob): Promise<FromThread> {
  try {
    return { answer: 'pdf' in job ? await judge(job) : await verify(job) }
  } catch (error) {
    return { refused: toRefusal(error) }
  }
}

async function verify({ bytes, profile, at, crossCheck, doctype }: Job): Promise<VerifiedFields> {
  const document = await verifyDocument(bytes, { profile: PROFILES[profile], trust, at, crossCheck })
  if (doctype !== undefined) assertDoctype(document, doctype)
  return { fields: extract(document), verification: describeVerification(document) }
}

/** Names of signers and all else that a verdict tells stay here. */
async function judge({ pdf, profile, at }: PdfJob): Promise<PdfFinding> {
  return toFinding(await verifyPdf(pdf, { rail: PROFILES[profile].rail, trust, at }))
}

/** An exception of the verifier's own is a refusal too; its text may quote the document and stays here. */
function toRefusal(error: unknown): Refusal {
  if (!(error instanceof DocumentError)) return { code: 'DOC_VERIFIER_FAILED', message: 'reading the fields failed' }
  return { code: error.code, message: error.message, check: error.check }
}
