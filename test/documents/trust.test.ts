import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseTrust, readTrust, TrustStore } from '../../src/documents/trust/trust.ts'
import { makePki, spkiFingerprint } from '../../src/simulator/pki.ts'
import { secondsOf } from './fixtures.ts'

const FINGERPRINT = 'ab'.repeat(32)
const signer = {
  fingerprint: FINGERPRINT,
  spki: 'cd'.repeat(32),
  name: 'DS SAMPLE',
  notAfter: '2027-01-01T00:00:00.000Z',
  rail: 'digilocker',
  reason: 'test',
}
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dwar-trust-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
const invalid = (...words: string[]) =>
  expect.objectContaining({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(new RegExp(words.join('.*'), 's')),
  })

describe('trust files', () => {
  it('lays what the simulator publishes over what is shipped', async () => {
    const pki = await makePki({ rootBits: 2048 })
    const { fingerprint, commonName, certificatePem, certificateDer } = pki.signer
    const spki = spkiFingerprint(certificateDer)
    const published = {
      signers: [{ fingerprint, spki, name: commonName, certificatePem, notAfter: '2027-01-01T00:00:00.000Z' }],
      anchors: [pki.root.pem],
      intermediates: [pki.ca.pem, pki.subCa.pem],
      idToken: { issuer: 'https://simulator.example', jwks: { keys: [] } },
    }
    const trust = readTrust([file('simulator.json', published)])
    expect(trust.findSigner(fingerprint, 'digilocker', secondsOf('2026-12-31T00:00:00Z'))).toMatchObject({ spki })
    expect(trust.signers.length).toBe(readTrust().signers.length + 1)
    expect(trust.anchors.at(-1)).toMatchObject({
      fingerprint: sha256(pki.root.der),
      name: expect.stringMatching('Test CCA'),
    })
    expect(trust.intermediates.slice(-2).map(({ name }) => name)).toContain('Simulator CA')
  })

  it('reads a fingerprint as openssl prints it', () => {
    const printed = FINGERPRINT.toUpperCase().match(/../g)?.join(':')
    const trust = new TrustStore([parseTrust({ signers: [{ ...signer, fingerprint: printed }] }, 'test')])
    expect(trust.findSigner(FINGERPRINT, 'digilocker', 0)).toBeDefined()
  })

  it('lets the last file win, so that an operator can end a pin', () => {
    const ended = { signers: [{ ...signer, notAcceptedAfter: '2026-01-01T00:00:00Z' }] }
    const trust = readTrust([file('first.json', { signers: [signer] }), file('last.json', ended)])
    expect(trust.findSigner(FINGERPRINT, 'digilocker', secondsOf('2026-01-01T00:00:01Z'))).toBeUndefined()
  })

  it.each([
    ['no signers', {}, ['signers']],
    ['a short fingerprint', { signers: [{ ...signer, fingerprint: 'abcd' }] }, ['signers.0.fingerprint']],
    ['a pin with an empty reason', { signers: [{ ...signer, reason: '' }] }, ['signers.0.reason']],
    ['a pin with an empty rail', { signers: [{ ...signer, rail: '' }] }, ['signers.0.rail']],
    ['an anchor that is no certificate', { signers: [], anchors: ['-----BEGIN CERTIFICATE-----'] }, ['anchors.0']],
    [
      'a date without a time',
      { signers: [{ ...signer, notAcceptedAfter: '2026-01-01' }] },
      ['signers.0.notAcceptedAfter'],
    ],
    [
      'every fault at once',
      { signers: [{ ...signer, name: '', notAfter: 'soon' }] },
      ['signers.0.name', 'signers.0.notAfter'],
    ],
    ['no JSON', '{', ['cannot be read as JSON']],
  ])('refuses %s and names the file', (name, content, words) => {
    expect(() => readTrust([file(`${name}.json`, content)])).toThrow(invalid(`${name}.json`, ...words))
  })

  it('refuses a file that is not there', () => {
    expect(() => readTrust([join(folder, 'absent.json')])).toThrow(invalid('absent.json'))
  })
})

describe('finding a signer — documents-and-signatures.md §3.5, §3.6', () => {
  const trust = new TrustStore([parseTrust({ signers: [signer] }, 'test')])
  it.each([
    ['its last second', FINGERPRINT, 'digilocker', '2027-01-01T00:00:00Z', true],
    ['the second after', FINGERPRINT, 'digilocker', '2027-01-01T00:00:01Z', false],
    ['another rail', FINGERPRINT, 'aadhaar-offline', '2026-01-01T00:00:00Z', false],
    ['its key instead of its certificate', 'cd'.repeat(32), 'digilocker', '2026-01-01T00:00:00Z', false],
  ])('by %s', (_case, fingerprint, rail, at, found) => {
    expect(trust.findSigner(fingerprint, rail, secondsOf(at)) !== undefined).toBe(found)
  })

  it('never finds an anchor or an intermediate', () => {
    const shipped = readTrust()
    for (const { fingerprint } of [...shipped.anchors, ...shipped.intermediates]) {
      expect(shipped.findSigner(fingerprint, 'digilocker', secondsOf('2024-01-01T00:00:00Z'))).toBeUndefined()
    }
  })
})

describe('the shipped pins — documents-and-signatures.md §2.2, §3.1', () => {
  const shipped = readTrust()
  const negd1 = shipped.signers.find(({ name }) => name.endsWith('DIVISION 1'))
  const negd = shipped.signers.find(({ name }) => name.endsWith('DIVISION'))

  it('accept what the last NeGD signer signed until a kept KYC has lapsed, and no longer', () => {
    const isAccepted = (iso: string) =>
      shipped.findSigner(negd1?.fingerprint ?? '', 'digilocker', secondsOf(iso)) !== undefined
    expect(isAccepted('2026-11-23T00:00:00Z')).toBe(true)
    expect(isAccepted('2027-02-12T00:00:00Z')).toBe(false)
  })

  it('accept nothing of the signer before it today', () => {
    expect(shipped.findSigner(negd?.fingerprint ?? '', 'digilocker', secondsOf('2026-11-23T00:00:00Z'))).toBeUndefined()
  })

  it('name the special purpose root only to keep it out', () => {
    expect(shipped.anchors.filter(({ use }) => use === 'anchor').map(({ name }) => name)).toEqual(['CCA India 2022'])
    expect(shipped.anchors.find(({ name }) => name.endsWith('SPL'))?.use).toBe('never')
  })

  it('carry a reason each', () => {
    for (const record of [...shipped.signers, ...shipped.anchors, ...shipped.intermediates]) {
      expect(record.reason?.length ?? 0).toBeGreaterThan(20)
    }
  })

  it('are those of the public certificates, where these are at hand', (context) => {
    const samples = new URL('../../../shared/samples/certificates/', import.meta.url)
    if (!existsSync(samples)) {
      context.annotate('left out: no folder of public certificates beside this checkout, so pins were not compared')
      return
    }
    const found = new Map(publicCertificates(samples).map((certificate) => [sha256(certificate.raw), certificate]))
    const records = [...shipped.signers, ...shipped.anchors, ...shipped.intermediates]
    expect(records.length).toBe(9)
    for (const record of records) {
      const certificate = found.get(record.fingerprint)
      expect(certificate?.subject).toContain(`CN=${record.name}`)
      expect(certificate && sha256(certificate.publicKey.export({ type: 'spki', format: 'der' }))).toBe(record.spki)
      expect(certificate && certificate.validToDate.getTime() / 1000).toBe(record.notAfter)
    }
  })
})

function publicCertificates(folder: URL): X509Certificate[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pem'))
    .map((name) => new X509Certificate(readFileSync(new URL(name, folder))))
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
