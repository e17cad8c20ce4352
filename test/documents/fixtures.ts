import { createHash, sign } from 'node:crypto'
import { expect } from 'vitest'
import { parseTrust, TrustStore } from '../../src/documents/trust/trust.ts'
import type { Pki, Signer } from '../../src/simulator/pki.ts'

export const DS = 'http://www.w3.org/2000/09/xmldsig#'
export const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'
export const INCLUSIVE = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'
export const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256'
export const RSA_SHA1 = `${DS}rsa-sha1`
export const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
export const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

/** Content in canonical form (attributes sorted, empty elements expanded), people invented. */
export const PAN =
  '<Certificate issueDate="" issuedAt="Digilocker" language="99" name="PAN Verification Record" number="ABCPE1234F" prevNumber=" " status="A" type="PANCR">' +
  '<IssuedBy><Organization code="" name="Income Tax Department" tin="" type="CG" uid=""></Organization></IssuedBy>' +
  '<IssuedTo><Person dob="29-02-1992" gender="FEMALE" name="MEERA  EXAMPLE" phone="9000000000" religion="" swd="NOT FOR YOU" uid="234123412346"><Photo format=""></Photo></Person></IssuedTo>' +
  '<CertificateData><PAN num="ABCPE1234F" verifiedOn="03-04-2024 10:11:12"></PAN></CertificateData></Certificate>'

export const LICENCE =
  '<Certificate expiryDate="31-12-2040" issueDate="01-02-2010" name="Driving License" number="KA0120100001234" status="Active" type="DRVLC" validFromDate="01/02/2010">' +
  '<IssuedBy><Organization code="KA" name="Transport Department" type="SG"></Organization></IssuedBy>' +
  '<IssuedTo><Person dob="05-06-1988" gender="M" name="Arjun Sample" swd="Parent Sample" swdIndicator="S">' +
  '<Address country="IN" district="Mysuru" line1="1 Permanent Road" pin="570001" state="Karnataka" type="permanent"></Address>' +
  '<Address country="IN" district="Bengaluru" line1="2 Present Road" pin="560001" state="Karnataka" type="present"></Address>' +
  '<Photo format="jpg">L2ltYWdl</Photo></Person></IssuedTo>' +
  '<CertificateData><DrivingLicense><Categories>' +
  '<Category abbreviation="LMV" code="NT" description="Light Motor Vehicle" issueDate="01-02-2010"></Category>' +
  '<Category abbreviation="MCWG" code="NT" description="" issueDate=" "></Category>' +
  '</Categories></DrivingLicense></CertificateData></Certificate>'

export const kyc = (uid = 'xxxxxxxx1234', dob = '07-08-1979') =>
  '<KycRes code="0123456789abcdef0123456789abcdef" ret="Y" ts="2026-11-01T23:45:00.123+05:30" ttl="2027-11-01T23:45:00" txn="UKC:0">' +
  `<UidData tkn="01002345" uid="${uid}"><Poi dob="${dob}" gender="T" name="Kiran Specimen"></Poi>` +
  '<Poa co="C/O Relative" country="India" dist="Sampleabad" house="12" lm="Near Tank" loc="Ward 3" pc="500001" po="Exampur" state="Telangana" street="Main Street" subdist="" vtc="Exampur"></Poa>' +
  '<LData country=" " lang="06" name="किरण नमूना"></LData><Pht>/9j/AAAA</Pht></UidData></KycRes>'

export const AADHAAR = `<Certificate><CertificateData>${kyc()}</CertificateData></Certificate>`

export interface SignedParts {
  readonly canonicalization?: string
  readonly method?: string
  readonly hash?: string
  /** what stands in Reference before the digest */
  readonly reference?: (digest: string) => string
  readonly references?: (digest: string) => string
  readonly keyInfo?: string
  /** what stands in Signature after KeyInfo */
  readonly after?: string
  readonly prefix?: string
}

export const transforms = (...algorithms: string[]) =>
  `<Transforms>${algorithms.map((uri) => `<Transform Algorithm="${uri}"></Transform>`).join('')}</Transforms>`
export const digestOf = (digest: string, method = SHA256) =>
  `<DigestMethod Algorithm="${method}"></DigestMethod><DigestValue>${digest}</DigestValue>`
export const referenceOf = (digest: string, inner = transforms(`${DS}enveloped-signature`), attributes = ' URI=""') =>
  `<Reference${attributes}>${inner}${digestOf(digest)}</Reference>`

/** Signs canonical content with a SignedInfo of our choice, so that even forbidden shapes carry a signature that holds. */
export function forge(content: string, signer: Signer, parts: SignedParts = {}): string {
  const hash = parts.hash ?? 'sha1'
  const digest = createHash('sha256').update(content).digest('base64')
  const references = parts.references ?? referenceOf
  const inner =
    `<CanonicalizationMethod Algorithm="${parts.canonicalization ?? EXCLUSIVE}"></CanonicalizationMethod>` +
    `<SignatureMethod Algorithm="${parts.method ?? RSA_SHA1}"></SignatureMethod>${references(digest)}`
  const value = sign(hash, Buffer.from(`<SignedInfo xmlns="${DS}">${inner}</SignedInfo>`), signer.privateKey)
  const keyInfo = parts.keyInfo ?? certificates(signer.certificateDer)
  const signature =
    `<Signature xmlns="${DS}"><SignedInfo>${inner}</SignedInfo><SignatureValue>${value.toString('base64')}</SignatureValue>` +
    `<KeyInfo>${keyInfo}</KeyInfo>${parts.after ?? ''}</Signature>`
  return DECLARATION + content.replace(/<\/\w+>$/, (end) => signature + end)
}

export const certificates = (...ders: Buffer[]) =>
  `<X509Data>${ders.map((der) => `<X509Certificate>${der.toString('base64')}</X509Certificate>`).join('')}</X509Data>`

export interface PinOptions {
  readonly notAfter?: string
  readonly notAcceptedAfter?: string
  readonly rail?: string
  readonly spki?: string
}

export function trusting(signers: readonly Signer[], options: PinOptions = {}): TrustStore {
  const pins = signers.map(({ fingerprint, commonName }) => ({
    fingerprint,
    name: commonName,
    notAfter: '2040-01-01T00:00:00Z',
    rail: 'digilocker',
    reason: 'test',
    ...options,
  }))
  return new TrustStore([parseTrust({ signers: pins }, 'test')])
}

export const secondsOf = (iso: string) => Date.parse(iso) / 1000
export const utf8 = (text: string) => Buffer.from(text, 'utf8')
export const refusedWith = (code: string) => expect.objectContaining({ name: 'DocumentError', code })
export const fingerprintOf = (der: Buffer) => createHash('sha256').update(der).digest('hex')
export type { Pki, Signer }
