import { DocumentError } from '../../errors.ts'
import type { XmlElement } from '../xml.ts'
import { readAddresses, readPostalAddress } from './address.ts'
import type { LocalCopy } from './groups.ts'
import type { Draft, DraftFields, Noted } from './noted.ts'
import {
  attribute,
  birthdateOf,
  childOf,
  childrenOf,
  dateOf,
  genderOf,
  invalid,
  noted,
  textOf,
  toEpochSeconds,
  toIsoDate,
} from './values.ts'

/** Neither form has an IssuedBy: the content is UIDAI's by definition of its root, whoever signed the XML. */
const UIDAI = { id: 'in.gov.uidai', name: 'Unique Identification Authority of India' } as const

/** The KYC answer, under a `Certificate` with or without attributes, or as the root itself. */
export function findKyc(root: XmlElement): XmlElement | undefined {
  return root.name === 'KycRes' ? root : childOf(root, 'CertificateData', 'KycRes')
}

export const isOfflineKyc = (root: XmlElement) => root.name === 'OfflinePaperlessKyc'

/**
 * Reads an e-Aadhaar or an offline e-KYC file. Left unread on purpose: `tkn` (a lasting pseudonym), `txn`, `code`, the
 * hashes `m` and `e` (ten digits are soon tried), photograph, and `co` and `careof`, which name a relative
 * (documents-and-signatures.md §1.6, §5.2, §6).
 * @throws DocumentError DOC_AADHAAR_NUMBER when the uid is not masked; DOC_FIELDS_INVALID
 */
export function readAdhar(root: XmlElement): DraftFields {
  return isOfflineKyc(root) ? readOfflineKyc(root) : readKyc(root)
}

function readKyc(root: XmlElement): DraftFields {
  const kyc = findKyc(root)
  if (!kyc) throw invalid('an e-Aadhaar without KycRes')
  if ((attribute(kyc, 'ret') ?? 'Y').toUpperCase() !== 'Y') throw invalid('UIDAI answered that the KYC failed')
  const data = childOf(kyc, 'UidData')
  return {
    ...readHolder(data),
    lastFour: noted(data, 'uid', lastFourOf),
    // When UIDAI vouched for the data: up to a year before the fetch, for DigiLocker serves a kept answer.
    verifiedOn: dateOf(kyc, 'ts'),
    verifiedAt: toEpochSeconds(attribute(kyc, 'ts') ?? ''),
  }
}

function readOfflineKyc(root: XmlElement): DraftFields {
  const { lastFour, verifiedOn, verifiedAt } = readReference(attribute(root, 'referenceId') ?? '')
  return { ...readHolder(childOf(root, 'UidData')), lastFour, verifiedOn, verifiedAt }
}

function readHolder(data: XmlElement | undefined): DraftFields {
  const poi = childOf(data, 'Poi')
  const poa = childOf(data, 'Poa')
  const local = readLocalCopy(data)
  return {
    doctype: 'ADHAR',
    name: textOf(poi, 'name'),
    localName: local?.name,
    birthdate: birthdateOf(poi),
    gender: genderOf(poi),
    address: readPostalAddress(poa),
    addresses: readAddresses(poa ? [poa] : []),
    local,
    documentIssuer: UIDAI,
  }
}

function lastFourOf(uid: string): string {
  if (/^x{8}\d{4}$/i.test(uid)) return uid.slice(-4)
  // Any twelve digits, right check digit or not: this attribute is where the number itself would stand.
  if (/^\d{12}$/.test(uid.replace(/\D/g, ''))) throw new DocumentError('DOC_AADHAAR_NUMBER', 'the uid is not masked')
  throw invalid('the uid is not masked in the known way')
}

/**
 * The reference: the last four digits, then the Indian time of making as yyyyMMddHHmmssSSS. It is taken apart and not
 * noted, since in clear it tells one file of one person from all others (documents-and-signatures.md §5.2, §6).
 */
function readReference(reference: string) {
  const [, lastFour, year, month, day, hour, minute, second] =
    /^(\d{4})(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})\d{3}$/.exec(reference) ?? []
  if (lastFour === undefined) throw invalid('the referenceId is not four digits and a time')
  const written = `${year}-${month}-${day} ${hour}:${minute}:${second}`
  const verifiedAt = toEpochSeconds(written)
  if (verifiedAt === undefined) throw invalid('the referenceId names no moment')
  return { lastFour, verifiedOn: toIsoDate(written), verifiedAt }
}

/** Codes that were seen with a name in that script; others are not documented (documents-and-signatures.md §1.6). */
const LANGUAGES = new Map([
  [6, 'hi'],
  [7, 'kn'],
  [13, 'mr'],
])

type LocalDraft = Exclude<Draft<LocalCopy>, Noted<LocalCopy>>

/** The first copy that says something. */
function readLocalCopy(data: XmlElement | undefined): LocalDraft | undefined {
  return childrenOf(data, 'LData')
    .map((copy) => ({
      language: noted(copy, 'lang', (code) => (/^\d{1,2}$/.test(code) ? LANGUAGES.get(Number(code)) : undefined)),
      name: textOf(copy, 'name'),
      address: readPostalAddress(copy),
    }))
    .find(({ name, address }) => name !== undefined || address !== undefined)
}
