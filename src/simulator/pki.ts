import { createHash, generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import {
  basicConstraints,
  type Certificate,
  certificatePolicies,
  type DistinguishedName,
  emailAlternativeName,
  extendedKeyUsage,
  issueCertificate,
  KEY_USAGE,
  type KeyPair,
  keyUsage,
  POLICY,
} from './certificate.ts'

const generateRsa = promisify(generateKeyPair)
const DAY_MS = 86_400_000

/** E-mail protection, Microsoft document signing, Adobe authentic documents: what every document signer carries. */
const SIGNER_USAGES = ['1.3.6.1.5.5.7.3.4', '1.3.6.1.4.1.311.10.3.12', '1.2.840.113583.1.1.5']

/** A document signer and its private key: everything that `signXml` and `signPdf` need. */
export interface Signer {
  readonly certificateDer: Buffer
  readonly certificatePem: string
  /** SHA-256 of the certificate (DER), lower-case hex */
  readonly fingerprint: string
  readonly privateKey: KeyObject
  readonly commonName: string
  /** DER: how a signature names the certificate */
  readonly issuerAndSerialNumber: Buffer
  /** DER: leaf, sub-CA, CA, root */
  readonly chain: Buffer[]
}

export interface SignerOptions {
  readonly commonName?: string
  readonly organization?: string
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** default 2048 */
  readonly keyBits?: number
}

export interface Pki {
  readonly root: Certificate
  readonly ca: Certificate
  readonly subCa: Certificate
  /** the signer in use */
  readonly signer: Signer
  /** Makes another document signer under the same sub-CA, as every company can buy one. */
  issueSigner(options?: SignerOptions): Promise<Signer>
}

export type PkiKeys = readonly [root: KeyPair, ca: KeyPair, subCa: KeyPair, signer: KeyPair]

export interface PkiOptions {
  readonly rootBits?: 2048 | 4096
  readonly keys?: PkiKeys
  readonly now?: Date
}

interface Authority {
  readonly certificate: Certificate
  readonly name: DistinguishedName
  readonly keys: KeyPair
}

interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/**
 * A test PKI of the shape that signs DigiLocker documents: root → CA (pathlen 1) → sub-CA (pathlen 0) → document signer.
 * Keys live in memory only.
 * @param options.rootBits 4096 as in reality (default); tests take 2048 to start faster
 * @param options.keys of root, CA, sub-CA and signer, in place of new ones: they take long to make
 * @param options.now the instant around which validity periods are laid; default the system clock
 * @see documents-and-signatures.md §3.3 and §7
 */
export async function makePki(options: PkiOptions = {}): Promise<Pki> {
  const now = options.now ?? new Date()
  const [rootKeys, caKeys, subCaKeys, signerKeys] = options.keys ?? (await makePkiKeys(options.rootBits))
  const root = issueAuthority(undefined, rootKeys, rootName(now), period(now, 1400, 5800))
  const ca = issueAuthority(root, caKeys, CA_NAME, period(now, 1300, 2300), 1)
  const subCa = issueAuthority(ca, subCaKeys, SUB_CA_NAME, period(now, 1200, 2200), 0)
  const above = [subCa, ca, root].map(({ certificate }) => certificate.der)
  const issueSigner = async (wanted: SignerOptions = {}) =>
    issueDocumentSigner(subCa, above, await makeKeys(wanted.keyBits ?? 2048), { ...period(now, 30, 900), ...wanted })
  return {
    root: root.certificate,
    ca: ca.certificate,
    subCa: subCa.certificate,
    signer: issueDocumentSigner(subCa, above, signerKeys, period(now, 30, 900)),
    issueSigner,
  }
}

/** SHA-256 of the certificate's SubjectPublicKeyInfo (DER), lower-case hex: survives a renewal that keeps the key. */
export function spkiFingerprint(certificateDer: Buffer): string {
  const { publicKey } = new X509Certificate(certificateDer)
  return sha256Hex(publicKey.export({ type: 'spki', format: 'der' }))
}

/** Keys of root, CA, sub-CA and signer. */
export function makePkiKeys(rootBits: 2048 | 4096 = 4096): Promise<PkiKeys> {
  return Promise.all([makeKeys(rootBits), makeKeys(2048), makeKeys(2048), makeKeys(2048)])
}

function makeKeys(modulusLength: number): Promise<KeyPair> {
  return generateRsa('rsa', { modulusLength, publicExponent: 65_537 })
}

const rootName = (now: Date): DistinguishedName => [
  ['C', 'IN'],
  ['O', 'Simulated India PKI'],
  ['CN', `Test CCA ${now.getUTCFullYear()}`],
]
const CA_NAME: DistinguishedName = [
  ['C', 'IN'],
  ['O', 'Simulator Trust Services Limited'],
  ['OU', 'Certifying Authority'],
  ['postalCode', '560001'],
  ['ST', 'Karnataka'],
  ['street', 'No.1, Invented Road, Bengaluru'],
  ['houseIdentifier', 'First Floor, Sample Towers'],
  ['CN', 'Simulator CA'],
]
const SUB_CA_NAME: DistinguishedName = [
  ['C', 'IN'],
  ['O', 'Simulator Trust Services Limited'],
  ['OU', 'Sub-CA'],
  ['CN', 'Simulator sub-CA for Document Signer'],
]
const signerName = (organization: string, commonName: string): DistinguishedName => [
  ['C', 'IN'],
  ['O', organization],
  ['OU', organization],
  ['postalCode', '110003'],
  ['ST', 'Delhi'],
  ['street', 'INVENTED NIKETAN,SAMPLE COMPLEX,NEW DELHI'],
  ['houseIdentifier', '0 SAMPLE COMPLEX'],
  ['CN', commonName],
]

function issueAuthority(
  issuer: Authority | undefined,
  keys: KeyPair,
  name: DistinguishedName,
  validity: Validity,
  pathLength?: number,
): Authority {
  const extensions = [
    ...(issuer ? [certificatePolicies([POLICY.indiaPki])] : []),
    basicConstraints(true, pathLength),
    keyUsage(KEY_USAGE.certificateSign | KEY_USAGE.crlSign),
  ]
  const body = { subject: name, publicKey: keys.publicKey, ...validity, extensions }
  return { certificate: issueCertificate(body, issuer ?? { name, keys }), name, keys }
}

function issueDocumentSigner(
  subCa: Authority,
  above: Buffer[],
  keys: KeyPair,
  wanted: SignerOptions & Validity,
): Signer {
  const commonName = wanted.commonName ?? 'DS DIGILOCKER SIMULATOR 1'
  const extensions = [
    certificatePolicies([POLICY.class3, POLICY.class2, POLICY.documentSigner]),
    basicConstraints(false),
    extendedKeyUsage(SIGNER_USAGES),
    emailAlternativeName('signer@digilocker.example'),
    keyUsage(KEY_USAGE.signature | KEY_USAGE.nonRepudiation),
  ]
  const subject = signerName(wanted.organization ?? 'DIGILOCKER SIMULATOR', commonName)
  const { notBefore, notAfter } = wanted
  const made = issueCertificate({ subject, publicKey: keys.publicKey, notBefore, notAfter, extensions }, subCa)
  return {
    certificateDer: made.der,
    certificatePem: made.pem,
    fingerprint: sha256Hex(made.der),
    privateKey: keys.privateKey,
    commonName,
    issuerAndSerialNumber: made.issuerAndSerialNumber,
    chain: [made.der, ...above],
  }
}

/** Certificates carry whole seconds. */
function period(now: Date, daysBefore: number, daysAfter: number): Validity {
  const base = Math.floor(now.getTime() / 1000) * 1000
  return { notBefore: new Date(base - daysBefore * DAY_MS), notAfter: new Date(base + daysAfter * DAY_MS) }
}

const sha256Hex = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
