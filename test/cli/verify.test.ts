import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeTrust, type VerifyCommand, verifyFile } from '../../src/cli/verify.ts'
import { CHECKS } from '../../src/documents/checks.ts'
import type { Inspection } from '../../src/documents/inspect.ts'
import { readTrust } from '../../src/documents/trust/trust.ts'
import type { Pki } from '../../src/simulator/pki.ts'
import { signXml } from '../../src/simulator/signed-xml.ts'
import { PAN, secondsOf } from '../documents/fixtures.ts'
import { bareEnvironment } from '../support/environment.ts'
import { testPki } from '../support/pki.ts'

const NOW = secondsOf('2026-11-23T00:00:00Z')
let folder: string
let pki: Pki
let trustFile: string

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'dwar-verify-'))
  pki = await testPki(new Date(NOW * 1000))
  trustFile = put('trust.json', JSON.stringify({ signers: [pinOf(pki)] }))
})
afterAll(() => rmSync(folder, { recursive: true }))

const pinOf = ({ signer }: Pki) => ({
  fingerprint: signer.fingerprint,
  name: signer.commonName,
  notAfter: '2040-01-01T00:00:00Z',
  reason: 'test',
})

function put(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name)
  writeFileSync(file, content)
  return file
}

const verify = (file: string, options: VerifyCommand = {}) =>
  verifyFile(file, options, { files: [trustFile], folder: undefined }, () => NOW)

async function verifyJson(file: string, options: VerifyCommand = {}): Promise<Extract<Inspection, { kind: 'xml' }>> {
  return JSON.parse((await verify(file, { ...options, json: true })).text)
}

describe('dwar verify', () => {
  it('says that a genuine document is, and tells every check', async () => {
    const file = put('pan.xml', signXml(PAN, pki.signer))
    const { text, trusted } = await verify(file)
    expect(trusted).toBe(true)
    expect(text).toMatch(/^VERIFIED {2}profile digilocker\n/)
    for (const check of Object.keys(CHECKS)) expect(text).toContain(check)
    expect(text).toMatch(/unneeded\s+chain\.path/)
    expect(text).toMatch(/ok\s+agreement\.values/)
  })

  it('names the check that refused a changed one, and what came before and after', async () => {
    const file = put('changed.xml', signXml(PAN, pki.signer).toString().replace('MEERA', 'SITA'))
    const { checks, refusal, verdict } = await verifyJson(file)
    expect(verdict).toBe('refused')
    expect(refusal).toMatchObject({ code: 'DOC_DIGEST_MISMATCH', check: 'signature.digest' })
    const results = Object.fromEntries(checks.map(({ check, result }) => [check, result]))
    expect(results).toMatchObject({
      'signature.value': 'held',
      'signature.digest': 'failed',
      'agreement.verdict': 'not reached',
    })
    expect((await verify(file)).trusted).toBe(false)
  })

  it('prints no field unless it is asked to', async () => {
    const file = put('fields.xml', signXml(PAN, pki.signer))
    expect((await verify(file)).text).not.toMatch(/MEERA|ABCPE1234F/)
    expect((await verify(file, { json: true })).text).not.toMatch(/MEERA|ABCPE1234F/)
    expect((await verify(file, { fields: true })).text).toContain('MEERA EXAMPLE')
  })

  it('knows the profile by the root, and takes another when told', async () => {
    const file = put('offline.xml', '<OfflinePaperlessKyc referenceId="1"></OfflinePaperlessKyc>')
    expect(await verifyJson(file)).toMatchObject({ profile: 'uidai-offline', refusal: { check: 'shape.signed' } })
    expect(await verifyJson(file, { profile: 'modern' })).toMatchObject({
      profile: 'modern',
      refusal: { check: 'shape.root' },
    })
    const weak = put('weak.xml', signXml(PAN, pki.signer))
    expect(await verifyJson(weak, { profile: 'modern' })).toMatchObject({ refusal: { check: 'algorithm.signature' } })
  })

  it('judges the signer as of the time it is given', async () => {
    const file = put('early.xml', signXml(PAN, pki.signer))
    expect(await verifyJson(file, { at: '2001-01-01T00:00:00Z' })).toMatchObject({ refusal: { check: 'signer.begun' } })
  })

  it('gives a PDF a verdict and no field', async () => {
    const { text, trusted } = await verify(put('plain.pdf', '%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n'))
    expect(text).toMatch(/^PDF_UNSIGNED\n/)
    expect(trusted).toBe(false)
  })

  it.each([
    ['a file that is not there', 'nowhere.xml', {}],
    ['a profile that does not exist', 'pan.xml', { profile: 'nothing' }],
    ['a time that is none', 'pan.xml', { at: 'yesterday' }],
  ])('refuses %s with one clear sentence', async (_case, name, options) => {
    await expect(verify(path.join(folder, name), options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('runs from the shell without any setting, and its exit code tells', () => {
    const main = path.resolve(import.meta.dirname, '../../src/main.ts')
    const run = (file: string) =>
      execFileSync(process.execPath, [main, 'verify', file, '--json'], {
        cwd: folder,
        encoding: 'utf8',
        env: { DWAR_TRUST_FILES: trustFile, ...bareEnvironment },
      })
    const genuine = put('shell.xml', signXml(PAN, pki.signer))
    expect(JSON.parse(run(genuine))).toMatchObject({ verdict: 'verified' })
    expect(() => run(put('bad.xml', '<a/>'))).toThrow(expect.objectContaining({ status: 1 }))
  })
})

describe('dwar trust status', () => {
  it('shows every line of trust with the days it has left', () => {
    const { rows, text } = describeTrust(readTrust([trustFile]), () => NOW)
    expect(rows.length).toBeGreaterThan(10)
    expect(text.split('\n')).toHaveLength(rows.length + 1)
    expect(text).toMatch(/^ended .*DS NATIONAL E-GOVERNANCE DIVISION 1$/m)
    expect(text).toMatch(/^ok .*DS DIGILOCKER SIMULATOR 1$/m)
  })
})
