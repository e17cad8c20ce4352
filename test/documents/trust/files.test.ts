import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseTrust, readTrust, TrustStore } from '../../../src/documents/trust/trust.ts'
import { makePki, spkiFingerprint } from '../../../src/simulator/pki.ts'
import { fingerprintOf, secondsOf } from '../fixtures.ts'
import { makeCertificate, named } from './support.ts'

const FINGERPRINT = 'ab'.repeat(32)
const signer = {
  fingerprint: FINGERPRINT,
  spki: 'cd'.repeat(32),
  name: 'DS SAMPLE',
  notAfter: '2027-01-01T00:00:00.000Z',
  rail: 'digilocker',
  reason: 'test',
}
const OTHER_PEM = (await makeCertificate({ name: named('Other') })).pem
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
      fingerprint: fingerprintOf(pki.root.der),
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
      'a certificate under the fingerprint of another',
      { signers: [], anchors: [{ fingerprint: FINGERPRINT, name: 'Root', certificatePem: OTHER_PEM }] },
      ['anchors.0'],
    ],
    [
      'a subject without names',
      { signers: [], subjects: [{ id: 'x', organization: 'O', commonNames: [] }] },
      ['subjects.0'],
    ],
    ['an unknown policy', { signers: [], revocation: 'sometimes' }, ['revocation']],
    ['two certificates as one anchor', { signers: [], anchors: [OTHER_PEM + OTHER_PEM] }, ['anchors.0']],
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
