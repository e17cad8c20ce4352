import { spawnSync } from 'node:child_process'
import { createHash, randomBytes, sign, verify, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DOMParser } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'
import { PROFILES } from '../src/documents/profiles.ts'
import { parseTrust, TrustStore } from '../src/documents/trust/trust.ts'
import { verifyDocument } from '../src/documents/verify.ts'
import { createVerifierPool, type VerifierPool } from '../src/documents/workers/pool.ts'
import { lockerOf } from '../src/simulator/documents.ts'
import { PERSONAS } from '../src/simulator/personas.ts'
import { makePki, type Signer } from '../src/simulator/pki.ts'
import { signXml } from '../src/simulator/signed-xml.ts'
import type { XmlElement } from '../src/simulator/xml.ts'
import type { Candidate } from './measure.ts'

export interface VerificationCase {
  readonly title: string
  readonly floor: Candidate
  /** the strict path alone: what the budget is for */
  readonly strict: Candidate
  /** both verifiers, as every document is verified unless an operator says otherwise */
  readonly both: Candidate
  /** `xml-crypto` as its README shows it */
  readonly engine: Candidate
  /** CPU microseconds of `libxmlsec1`, key preset; nothing where the command is not installed */
  readonly xmlsec1: (seconds: number) => number | undefined
}

/** Bytes of the photograph in an e-Aadhaar of some 30 KB; the simulator's own is a thumbnail. */
const PHOTO_BYTES = 20_000

/** Two documents as DigiLocker serves them, and beside each the least that anyone must do: one digest, one RSA check. */
export async function verificationCases(): Promise<VerificationCase[]> {
  const { signer } = await makePki({ rootBits: 2048 })
  const at = Math.floor(Date.now() / 1000)
  const trust = trusting(signer)
  const content = { 'driving licence': documentOf('DRVLC', at), 'e-Aadhaar': withPhoto(documentOf('ADHAR', at)) }
  return Object.entries(content).map(([name, xml]) => {
    const bytes = signXml(xml, signer)
    const ours = (crossCheck: boolean) => () =>
      verifyDocument(bytes, { profile: PROFILES.digilocker, trust, at, crossCheck })
    return {
      title: `${name}, ${(bytes.length / 1000).toFixed(1)} KB`,
      floor: floorOf(name, bytes, signer),
      strict: { name: `${name}: strict`, run: ours(false) },
      both: { name: `${name}: both`, run: ours(true) },
      engine: { name: `${name}: engine`, run: () => verifyWithEngine(bytes.toString('utf8'), signer) },
      xmlsec1: (seconds) => measureXmlsec1(bytes, signer, seconds),
    }
  })
}

const trusting = (signer: Signer) => new TrustStore([parseTrust({ signers: [pinOf(signer)] }, 'benchmark')])

function floorOf(name: string, bytes: Uint8Array, { privateKey, certificateDer }: Signer): Candidate {
  const signedInfo = randomBytes(563)
  const signature = sign('sha1', signedInfo, privateKey)
  const key = new X509Certificate(certificateDer).publicKey
  return {
    name: `${name}: floor`,
    run: () => {
      createHash('sha256').update(bytes).digest()
      if (!verify('sha1', signedInfo, key, signature)) throw new Error('the floor does not hold')
    },
  }
}

function verifyWithEngine(text: string, { certificatePem }: Signer): void {
  const signature = new DOMParser()
    .parseFromString(text, 'text/xml')
    .getElementsByTagNameNS('http://www.w3.org/2000/09/xmldsig#', 'Signature')
    .item(0)
  const signed = new SignedXml({ publicCert: certificatePem, getCertFromKeyInfo: () => null })
  signed.loadSignature(signature as unknown as Node)
  if (!signed.checkSignature(text)) throw new Error('the engine refuses it')
}

/** The command repeats in one process; what the process costs by itself is taken off. */
function measureXmlsec1(bytes: Uint8Array, { certificatePem }: Signer, seconds: number): number | undefined {
  if (spawnSync('xmlsec1', ['--version']).status !== 0) return undefined
  const folder = mkdtempSync(path.join(tmpdir(), 'dwar-bench-'))
  try {
    const [xml, pem] = [path.join(folder, 'document.xml'), path.join(folder, 'signer.pem')]
    writeFileSync(xml, bytes)
    writeFileSync(pem, certificatePem)
    const times = Math.max(200, Math.round(seconds * 1500))
    const cpu = (repeat: number) =>
      cpuOf('xmlsec1', [
        '--verify',
        '--enabled-key-data',
        'rsa',
        '--repeat',
        String(repeat),
        '--pubkey-cert-pem',
        pem,
        xml,
      ])
    const once = cpu(1)
    return (cpu(times + 1) - once) / times
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** User and system microseconds of a command, as bash tells them. */
function cpuOf(command: string, args: readonly string[]): number {
  const script = 'TIMEFORMAT="%U %S"; time "$0" "$@" >/dev/null 2>&1'
  const { stderr, status } = spawnSync('bash', ['-c', script, command, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} refuses it`)
  const [user = Number.NaN, system = Number.NaN] = stderr.trim().split(' ').map(Number)
  return (user + system) * 1e6
}

export interface HostileResult {
  readonly title: string
  /** wall time until it was refused, in a thread of the pool */
  readonly milliseconds: number
  readonly check: string
}

const BYTES = PROFILES.digilocker.limits.bytes - 16_384
const fill = (unit: string) => unit.repeat(Math.floor(BYTES / unit.length))
const HOSTILE: Readonly<Record<string, string>> = {
  'one text': fill('a'),
  references: fill('&#65;'),
  'raw >': fill('>'),
  'empty elements': fill('<a/>'),
  'open elements': fill('<a>'),
  'attributes to sort': fill(`<a ${Array.from({ length: 60 }, (_, i) => `z${99 - i}=""`).join(' ')}/>`),
  'one attribute of tabs': `<a b="${fill('\t')}"/>`,
  comments: fill('<!---->'),
  'one comment': `<!--${fill('x')}-->`,
  namespaces: fill('<a xmlns:b="c"/>'),
  'one name': `<${fill('a')}/>`,
}

/** Five megabytes each, with a genuine signature at their end, so that nothing is refused before it is read. */
export async function measureHostile(): Promise<HostileResult[]> {
  const { signer } = await makePki({ rootBits: 2048 })
  const at = Math.floor(Date.now() / 1000)
  const genuine = signXml(documentOf('DRVLC', at), signer).toString('utf8')
  const pool = createVerifierPool({ trust: trusting(signer), threads: 1 })
  try {
    await refuse(pool, Buffer.from('<a/>'), at) // the thread reads its own code first
    const results: HostileResult[] = []
    for (const [title, content] of Object.entries(HOSTILE)) {
      const bytes = Buffer.from(genuine.replace('<IssuedTo>', () => `${content}<IssuedTo>`))
      results.push({ title, ...(await refuse(pool, bytes, at)) })
    }
    return results
  } finally {
    await pool.close()
  }
}

async function refuse(pool: VerifierPool, bytes: Uint8Array, at: number) {
  const began = performance.now()
  const check = await pool.verify({ bytes, profile: 'digilocker', at, crossCheck: true }).then(
    () => 'ACCEPTED',
    (error: { check?: string; code?: string }) => error.check ?? error.code ?? 'unknown',
  )
  return { milliseconds: performance.now() - began, check }
}

function documentOf(doctype: string, at: number): XmlElement {
  const persona = PERSONAS.find(({ id }) => id === 'asha')
  const xml = persona && lockerOf(persona, at).find((document) => document.doctype === doctype)?.xml
  if (!xml) throw new Error(`the simulator has no ${doctype} to sign`)
  return xml
}

function withPhoto(xml: XmlElement): XmlElement {
  if (xml.name === 'Pht') return { ...xml, children: [randomBytes(PHOTO_BYTES).toString('base64')] }
  return { ...xml, children: xml.children.map((child) => (typeof child === 'string' ? child : withPhoto(child))) }
}

const pinOf = ({ fingerprint, commonName }: Signer) => ({
  fingerprint,
  name: commonName,
  notAfter: '2040-01-01T00:00:00Z',
})
