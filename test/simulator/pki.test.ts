import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { makePki, type Pki, spkiFingerprint } from '../../src/simulator/pki.ts'

const NOW = new Date('2026-11-24T06:30:00Z')
let pki: Pki

beforeAll(async () => {
  pki = await makePki({ rootBits: 2048, now: NOW })
})

/** The extension's value in hex, found by its identifier: enough to see what stands in it without an ASN.1 parser of ours. */
const holds = (der: Buffer, hex: string) => der.toString('hex').includes(hex)

describe('simulated India PKI — documents-and-signatures.md §3.3', () => {
  it('links leaf, sub-CA, CA and root by name and by signature', () => {
    const chain = pki.signer.chain.map((der) => new X509Certificate(der))
    expect(chain).toHaveLength(4)
    for (const [index, certificate] of chain.entries()) {
      const issuer = chain[index + 1] ?? certificate
      expect(certificate.checkIssued(issuer)).toBe(true)
      expect(certificate.verify(issuer.publicKey)).toBe(true)
    }
    expect(chain.map((certificate) => certificate.ca)).toEqual([false, true, true, true])
  })

  it('gives the CA a path length of one and the sub-CA of zero', () => {
    expect(holds(pki.ca.der, '30060101ff020101')).toBe(true)
    expect(holds(pki.subCa.der, '30060101ff020100')).toBe(true)
  })

  it.each([
    ['organisational document signer', '06066082 64640a01'],
    ['class 3', '060660826464 0203'],
    ['class 2', '060660826464 0202'],
  ])('asserts the policy %s on the leaf only', (_name, spaced) => {
    const oid = spaced.replaceAll(' ', '')
    const above = [pki.subCa, pki.ca, pki.root]
    expect([holds(pki.signer.certificateDer, oid), ...above.map(({ der }) => holds(der, oid))]).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  it('lists the three usages of a document signer and digitalSignature with nonRepudiation', () => {
    const leaf = new X509Certificate(pki.signer.certificateDer)
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.4', '1.3.6.1.4.1.311.10.3.12', '1.2.840.113583.1.1.5'])
    expect(holds(leaf.raw, '0603551d0f0101ff0404030206c0')).toBe(true)
  })

  it('uses key identifiers of eight bytes, and the leaf names its issuer by one', () => {
    const own = /0603551d0e040a0408(4[0-9a-f]{15})/.exec(pki.subCa.der.toString('hex'))?.[1]
    expect(own).toBeDefined()
    expect(holds(pki.signer.certificateDer, `0603551d23040c300a8008${own}`)).toBe(true)
  })

  it('is valid around the instant that it was made for', () => {
    const leaf = new X509Certificate(pki.signer.certificateDer)
    expect(leaf.validFromDate.getTime()).toBeLessThan(NOW.getTime())
    expect(leaf.validToDate.getTime()).toBeGreaterThan(NOW.getTime() + 365 * 86_400_000)
  })

  it('issues another signer with the names, times and key size asked for', async () => {
    const notAfter = new Date('2026-11-23T00:00:00Z')
    const other = await pki.issueSigner({ commonName: 'DS OTHER 7', organization: 'OTHER PVT. LTD. & CO', notAfter })
    const certificate = new X509Certificate(other.certificateDer)
    expect(certificate.subject).toContain('CN=DS OTHER 7')
    expect(certificate.subject).toContain('O=OTHER PVT. LTD. & CO')
    expect(certificate.validToDate).toEqual(notAfter)
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
    expect(other.fingerprint).not.toBe(pki.signer.fingerprint)
    expect(spkiFingerprint(other.certificateDer)).not.toBe(spkiFingerprint(pki.signer.certificateDer))
  })

  it('never makes the same keys twice', async () => {
    const other = await makePki({ rootBits: 2048, now: NOW })
    expect(other.root.pem).not.toBe(pki.root.pem)
    expect(new X509Certificate(other.signer.certificateDer).verify(new X509Certificate(pki.subCa.der).publicKey)).toBe(
      false,
    )
  })
})
