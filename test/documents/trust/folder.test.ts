import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readFolder } from '../../../src/documents/trust/folder.ts'
import { readTrust } from '../../../src/documents/trust/trust.ts'
import { fingerprintOf } from '../fixtures.ts'
import { anchorOf, ask, type Chain, makeChain, makeCrl, NOW, refusedBy, SUBJECT_RULE } from './support.ts'

let chain: Chain
let list: Uint8Array
let folder: string
beforeAll(async () => {
  chain = await makeChain()
  list = await makeCrl({ issuer: chain.subCa, revoked: [chain.leaf] })
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dwar-trust-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const put = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content)
const base64 = (der: Uint8Array) =>
  (
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\r\n')
const invalid = (name: string) =>
  expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(name) })

describe('the folder of an operator', () => {
  it('holds certificates in PEM, DER and bare base64, many to a file, and lists', () => {
    put('root.cer', base64(chain.root.der)) // bare, with CRLF: as cca.gov.in publishes them
    put('both.pem', `The two CAs.\n${chain.ca.pem.replaceAll('\n', '\r\n')}\n# and\n${chain.subCa.pem}`)
    put('LEAF.DER', chain.leaf.der)
    put('list.crl', list)
    put('list.pem', `-----BEGIN X509 CRL-----\n${base64(list)}\n-----END X509 CRL-----\n`)
    const found = readFolder(folder)
    expect(new Set(found.certificates.map((der) => fingerprintOf(Buffer.from(der))))).toEqual(
      new Set(Object.values(chain).map(({ fingerprint }) => fingerprint)),
    )
    expect(found.lists.map(({ fingerprint }) => fingerprint)).toEqual(Array(2).fill(fingerprintOf(Buffer.from(list))))
  })

  it('is not asked to parse the same list twice', () => {
    put('list.crl', list)
    const before = readTrust([], folder)
    expect(readTrust([], folder, before).revocation.lists[0]).toBe(before.revocation.lists[0])
    expect(readTrust([], folder).revocation.lists[0]).not.toBe(before.revocation.lists[0])
  })

  it('may hold lists as long as big authorities write them', async () => {
    const revoked = Array.from({ length: 4000 }, (_entry, serial) => ({ ...chain.leaf, serial: serial + 1 }))
    put('long.crl', await makeCrl({ issuer: chain.subCa, revoked }))
    expect(readFolder(folder).lists[0]?.revoked.size).toBe(4000)
  })

  it('is refused with a file beyond all measure', () => {
    put('huge.crl', new Uint8Array(8 * 1024 * 1024 + 1))
    expect(() => readFolder(folder)).toThrow(invalid('too big'))
  })

  it('leaves notes and sub-folders alone', () => {
    put('README.md', 'where these came from')
    put('.hidden', 'x')
    mkdirSync(join(folder, 'old.pem'))
    expect(readFolder(folder)).toEqual({ certificates: [], lists: [] })
  })

  it.each([
    ['junk.pem', 'nothing'],
    ['empty.cer', ''],
    ['half.der', new Uint8Array([0x30, 0x82, 0x01])],
    ['broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
  ])('is refused with %s, by name', (name, content) => {
    put('good.pem', chain.root.pem)
    put(name, content)
    expect(() => readFolder(folder)).toThrow(invalid(name))
    expect(() => readTrust([], folder)).toThrow(invalid(name))
  })

  it('is refused with one good and one broken certificate in a file', () => {
    put('two.pem', `${chain.root.pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`)
    expect(() => readFolder(folder)).toThrow(invalid('two.pem'))
  })

  it('is refused when it is not there', () => {
    expect(() => readFolder(join(folder, 'absent'))).toThrow(invalid('absent'))
  })

  it('completes paths and revokes, and makes nobody an anchor', async () => {
    const file = join(folder, 'operator.json')
    const write = (anchors: readonly object[]) =>
      put('operator.json', JSON.stringify({ signers: [], subjects: [SUBJECT_RULE], anchors }))
    put('all.pem', chain.root.pem + chain.ca.pem + chain.subCa.pem)
    write([])
    await expect(readTrust([file], folder).acceptSigner(ask([chain.leaf.der]))).rejects.toEqual(refusedBy('chain.path'))
    write([anchorOf(chain.root)])
    const accepted = await readTrust([file], folder).acceptSigner(ask([chain.leaf.der]))
    expect(accepted).toMatchObject({ basis: 'path', judgedAt: NOW })
    put('list.crl', list)
    await expect(readTrust([file], folder).acceptSigner(ask([chain.leaf.der]))).rejects.toEqual(
      refusedBy('signer.revoked'),
    )
  })
})
