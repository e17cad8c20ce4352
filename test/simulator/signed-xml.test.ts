import { createHash, verify, X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Pki } from '../../src/simulator/pki.ts'
import { canonicalSignedInfo, type SignXmlOptions, signXml } from '../../src/simulator/signed-xml.ts'
import { element, toCanonical } from '../../src/simulator/xml.ts'
import { testPki } from '../support/pki.ts'
import { hasXmlsec1, judgeByXmlCrypto, judgeByXmlsec1 } from './support/judges.ts'

let pki: Pki
beforeAll(async () => {
  pki = await testPki()
})

const person = element('Person', { uid: '', name: 'A & "B" <C>\t\u0906\u0936\u093E', dob: '01-02-1990' })
const tree = element(
  'Certificate',
  { language: '99', name: 'Driving License', type: 'DRVLC' },
  element('IssuedTo', {}, person),
  element('CertificateData', {}, 'one & two > 1 \u092A\u0924\u093E'),
)
const sample = (options?: SignXmlOptions) => signXml(tree, pki.signer, options)
const signedInfoOf = (bytes: Buffer) => /<SignedInfo>[\s\S]*<\/SignedInfo>/.exec(bytes.toString())?.[0] ?? ''

describe('signXml — profile P-DL, documents-and-signatures.md §2.1', () => {
  it('makes a canonical SignedInfo of exactly 563 bytes', () => {
    expect(canonicalSignedInfo(signedInfoOf(sample()))).toHaveLength(563)
  })

  it('signs SignedInfo with rsa-sha1 over its white space', () => {
    const bytes = sample()
    const value = Buffer.from(/<SignatureValue>([^<]+)</.exec(bytes.toString())?.[1] ?? '', 'base64')
    const key = new X509Certificate(pki.signer.certificateDer).publicKey
    const canonical = canonicalSignedInfo(signedInfoOf(bytes))
    expect(verify('sha1', Buffer.from(canonical), key, value)).toBe(true)
    expect(verify('sha256', Buffer.from(canonical), key, value)).toBe(false)
    expect(verify('sha1', Buffer.from(canonical.replace(/>\s+</g, '><')), key, value)).toBe(false)
  })

  it('digests the inclusive C14N of the document without its signature', () => {
    const expected = createHash('sha256').update(toCanonical(tree)).digest('base64')
    expect(sample().toString()).toContain(`<DigestValue>${expected}</DigestValue>`)
  })

  it('writes the declaration, no line breaks in base64, and the signature as the last child', () => {
    const text = sample().toString()
    expect(text.startsWith('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Certificate ')).toBe(true)
    expect(text.endsWith('</KeyInfo></Signature></Certificate>')).toBe(true)
    expect(/<(SignatureValue|X509Certificate)>[^<]*\s/.test(text)).toBe(false)
  })

  it.each<[string, SignXmlOptions]>([
    ['leaf only', {}],
    ['the NeGD chain', { chain: 'neGD' }],
    ['rsa-sha256', { signatureMethod: 'rsa-sha256' }],
    ['no white space', { whitespace: false }],
  ])('verifies with xml-crypto: %s', (_name, options) => {
    const signed = judgeByXmlCrypto(sample(options), pki.signer.certificatePem)
    expect(signed).toBe(toCanonical(tree))
  })

  it('verifies when the root was given as canonical text, which is kept as it is', () => {
    const text = '<Certificate a="1" b="&amp;"><Photo></Photo></Certificate>'
    const bytes = signXml(text, pki.signer)
    expect(bytes.toString()).toContain('<Certificate a="1" b="&amp;"><Photo></Photo><Signature ')
    expect(judgeByXmlCrypto(bytes, pki.signer.certificatePem)).toBe(text)
  })

  it.each([
    ['a changed attribute', /DRVLC/, 'PANCR'],
    ['white space added to the content', /<IssuedTo>/, ' <IssuedTo>'],
    ['white space taken from SignedInfo', /\n {4}<SignatureMethod/, '<SignatureMethod'],
  ])('no longer verifies after %s', (_name, what, instead) => {
    const changed = Buffer.from(sample().toString().replace(what, instead))
    expect(judgeByXmlCrypto(changed, pki.signer.certificatePem)).toBeUndefined()
  })

  it.each([
    ['CRLF line ends', /\n/g, '\r\n'],
    ['another attribute order', 'language="99" name="Driving License"', 'name="Driving License" language="99"'],
    ['a comment', '<IssuedTo>', '<IssuedTo><!-- seen -->'],
  ])('still verifies after %s, as genuine documents do', (_name, what, instead) => {
    const changed = Buffer.from(sample().toString().replace(what, instead))
    expect(judgeByXmlCrypto(changed, pki.signer.certificatePem)).toBe(toCanonical(tree))
  })

  it('does not verify with the certificate of another signer', async () => {
    const other = await pki.issueSigner()
    expect(judgeByXmlCrypto(sample(), other.certificatePem)).toBeUndefined()
  })

  it('puts certificates in the order of their era', () => {
    const certificates = (bytes: Buffer) =>
      [...bytes.toString().matchAll(/<X509Certificate>([^<]+)</g)].map(([, text]) => Buffer.from(text ?? '', 'base64'))
    expect(certificates(sample())).toEqual([pki.signer.certificateDer])
    const era = [pki.signer.certificateDer, pki.root.der, pki.ca.der, pki.subCa.der]
    expect(certificates(sample({ chain: 'neGD' }))).toEqual(era)
  })

  it('refuses a root without a closing tag', () => {
    expect(() => signXml('<Certificate/>', pki.signer)).toThrow('closing tag')
  })

  it(
    hasXmlsec1
      ? 'verifies with xmlsec1, and no longer after a change'
      : 'is judged by xml-crypto alone: xmlsec1 is not installed on this machine',
    () => {
      const judge = hasXmlsec1
        ? judgeByXmlsec1
        : (bytes: Buffer, pem: string) => judgeByXmlCrypto(bytes, pem) !== undefined
      const changed = Buffer.from(sample().toString().replace('DRVLC', 'PANCR'))
      expect(judge(sample(), pki.signer.certificatePem)).toBe(true)
      expect(judge(sample({ chain: 'neGD' }), pki.signer.certificatePem)).toBe(true)
      expect(judge(changed, pki.signer.certificatePem)).toBe(false)
    },
  )
})
