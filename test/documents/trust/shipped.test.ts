import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseTrust, readTrust, TrustStore } from '../../../src/documents/trust/trust.ts'
import { spkiFingerprint } from '../../../src/simulator/pki.ts'
import { fingerprintOf, secondsOf } from '../fixtures.ts'
import { refusedBy } from './support.ts'

const TODAY = secondsOf('2026-11-23T00:00:00Z')
const shipped = readTrust()
const signerNamed = (name: string) => shipped.signers.find((signer) => signer.name === name)

describe('the shipped trust — documents-and-signatures.md §2.2, §3.1, §5.4', () => {
  it('has no DigiLocker signer that is accepted today, for the last one known has ended', () => {
    const ofRail = shipped.signers.filter(({ rail }) => rail === 'digilocker')
    expect(ofRail.map(({ name }) => name)).toEqual([
      'DS NATIONAL E-GOVERNANCE DIVISION 1',
      'DS NATIONAL E-GOVERNANCE DIVISION',
    ])
    expect(ofRail.filter(({ fingerprint }) => shipped.findSigner(fingerprint, 'digilocker', TODAY))).toEqual([])
  })

  it('accepts the last NeGD signer to the second of its end', () => {
    const { fingerprint = '' } = signerNamed('DS NATIONAL E-GOVERNANCE DIVISION 1') ?? {}
    const end = secondsOf('2026-02-11T07:57:28Z')
    expect(shipped.findSigner(fingerprint, 'digilocker', end)).toBeDefined()
    expect(shipped.findSigner(fingerprint, 'digilocker', end + 1)).toBeUndefined()
  })

  it('tolerates only the UIDAI key of 2021 past its end, and not without end', () => {
    const tolerated = shipped.signers.filter(({ notAcceptedAfter }) => notAcceptedAfter !== undefined)
    expect(tolerated.map(({ serial, rail }) => [serial, rail])).toEqual([['53995A33', 'uidai-offline']])
    expect(tolerated[0]?.notAcceptedAfter).toBe(secondsOf('2027-02-27T00:27:11Z'))
  })

  it('knows five offline signers of UIDAI, two of them by one name', () => {
    const names = shipped.signers.filter(({ rail }) => rail === 'uidai-offline').map(({ name }) => name.toUpperCase())
    expect(names.length).toBe(5)
    expect(new Set(names).size).toBe(4)
  })

  it('names Digital India Corporation and does not believe it', () => {
    expect(shipped.subjects.map(({ id, use }) => [id, use])).toEqual([['digital-india-corporation', 'never']])
  })

  it('names the special purpose root only to keep it out', () => {
    expect(shipped.anchors.filter(({ use }) => use === 'anchor').map(({ name }) => name)).toEqual(['CCA India 2022'])
    expect(shipped.anchors.find(({ name }) => name.endsWith('SPL'))?.use).toBe('never')
  })

  it('carries no certificate, only fingerprints', () => {
    expect([...shipped.anchors, ...shipped.intermediates].filter(({ der }) => der !== undefined)).toEqual([])
  })

  it('gives a reason for each line', () => {
    for (const line of [...shipped.signers, ...shipped.subjects, ...shipped.anchors, ...shipped.intermediates]) {
      expect(line.reason?.length ?? 0).toBeGreaterThan(20)
    }
  })
})

const samples = new URL('../../../../shared/samples/certificates/', import.meta.url)
const found = existsSync(samples) ? publicCertificates(samples) : undefined

describe('the public certificates, where they are at hand', () => {
  const whenAtHand = (title: string, test: (all: ReadonlyMap<string, X509Certificate>) => void | Promise<void>) =>
    it(title, async () => {
      if (found) return test(found)
      console.info(`left out, no public certificates beside this checkout: ${title}`)
      expect(existsSync(samples)).toBe(false) // and for no other reason
    })

  whenAtHand('have the shipped fingerprints, keys, names, numbers and dates', (all) => {
    const lines = [...shipped.signers, ...shipped.anchors, ...shipped.intermediates]
    expect(lines.length).toBe(14)
    for (const line of lines) {
      const certificate = all.get(line.fingerprint)
      expect(certificate?.subject).toContain(`CN=${line.name}`)
      expect(certificate && spkiFingerprint(certificate.raw)).toBe(line.spki)
      expect(certificate && certificate.validToDate.getTime() / 1000).toBe(line.notAfter)
    }
    for (const { fingerprint, serial, notBefore } of shipped.signers) {
      expect(all.get(fingerprint)?.serialNumber).toBe(serial)
      expect((all.get(fingerprint)?.validFromDate.getTime() ?? 0) / 1000).toBe(notBefore)
    }
  })

  const NEGD_1 = 'DS NATIONAL E-GOVERNANCE DIVISION 1'
  const NEGD = 'DS NATIONAL E-GOVERNANCE DIVISION'
  const chains: readonly [string, string, readonly string[]][] = [
    [
      NEGD_1,
      '2025-06-01T00:00:00Z',
      [NEGD_1, 'SafeScrypt sub-CA for Document Signer 2022', 'SafeScrypt CA 2022', 'CCA India 2022'],
    ],
    [
      NEGD,
      '2022-06-01T00:00:00Z',
      [NEGD, 'SafeScrypt sub-CA for RCAI Class 2 2014', 'SafeScrypt CA 2014', 'CCA India 2014'],
    ],
  ]
  for (const [name, past, expected] of chains) {
    whenAtHand(`${name} has a path to its root on ${past}, and is refused today because it ended`, async (all) => {
      // As a rule for the path alone would be, so that nothing rests on the pin standing by itself.
      const strict = new TrustStore([
        shipped.snapshot.parts[0] ?? parseTrust({ signers: [] }, 'test'),
        parseTrust({ signers: [{ ...asFile(signerNamed(name)), path: 'required' }] }, 'test'),
      ])
      const ask = (fetchedAt: number) => ({
        certificates: [...all.values()].map(({ raw }) => raw).filter((raw) => isOfChain(raw, expected)),
        rail: 'digilocker',
        timePolicy: 'fetch' as const,
        fetchedAt,
      })
      const accepted = await strict.acceptSigner(ask(secondsOf(past)))
      expect(accepted.chain.map((link) => link.name)).toEqual(expected)
      expect(accepted).toMatchObject({ basis: 'pin', expired: false, revocation: 'unchecked' })
      await expect(strict.acceptSigner(ask(TODAY))).rejects.toEqual(refusedBy('signer.ended'))
      await expect(shipped.acceptSigner(ask(TODAY))).rejects.toEqual(refusedBy('signer.ended'))
    })
  }
})

function isOfChain(raw: Buffer, names: readonly string[]): boolean {
  const commonName = /^CN=(.*)$/m.exec(new X509Certificate(raw).subject)?.[1] ?? ''
  return names.includes(commonName)
}

function asFile(signer: ReturnType<typeof signerNamed>): object {
  return { ...signer, notAfter: new Date((signer?.notAfter ?? 0) * 1000).toISOString(), notBefore: undefined }
}

function publicCertificates(folder: URL): ReadonlyMap<string, X509Certificate> {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pem'))
    .map((name) => new X509Certificate(readFileSync(new URL(name, folder))))
  return new Map(all.map((certificate) => [fingerprintOf(certificate.raw), certificate]))
}
