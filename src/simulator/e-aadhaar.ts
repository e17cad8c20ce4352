import { createHash } from 'node:crypto'
import { dayFirst, indianTime } from './dates.ts'
import type { Aadhaar, Persona } from './persona.ts'
import { PORTRAIT_JPEG_BASE64 } from './portrait.ts'
import { element, type XmlElement } from './xml.ts'

const KYC_AGE_SECONDS = 18 * 86_400
const YEAR_SECONDS = 365 * 86_400

/** documents-and-signatures.md §1.6: a bare root, then KycRes. */
export function eAadhaar(persona: Persona, aadhaar: Aadhaar, at: number): XmlElement {
  const issuedAt = at - KYC_AGE_SECONDS
  const stamp = indianTime(issuedAt).replace(/\D/g, '').slice(0, 14)
  const kycRes = {
    code: hex32(`code:${persona.id}`),
    ret: 'Y',
    ts: `${indianTime(issuedAt)}+05:30`,
    ttl: indianTime(issuedAt + YEAR_SECONDS).slice(0, 19),
    txn: `UKC:${persona.digilockerId.replaceAll('-', '')}${stamp}`,
  }
  const token = createHash('sha256').update(`tkn:${persona.id}`).digest('hex')
  return element(
    'Certificate',
    {},
    element(
      'CertificateData',
      {},
      element('KycRes', kycRes, uidData(persona, aadhaar, `01000000${token}`.slice(0, 72))),
    ),
  )
}

function uidData(persona: Persona, aadhaar: Aadhaar, tkn: string): XmlElement {
  const dob = aadhaar.yearOnly ? persona.birthdate.slice(0, 4) : dayFirst(persona.birthdate)
  return element(
    'UidData',
    { tkn, uid: `xxxxxxxx${aadhaar.lastFour}` },
    element('Poi', { dob, gender: persona.gender, name: persona.name }),
    element('Poa', aadhaarAddress(persona)),
    element('LData', localData(aadhaar)),
    element('Pht', {}, PORTRAIT_JPEG_BASE64),
  )
}

/** Attributes that have no value are left out of Poa, as observed. */
function aadhaarAddress({ relative, address }: Persona): Record<string, string> {
  const all = {
    co: `C/O ${relative}`,
    country: 'India',
    dist: address.district,
    house: address.house,
    lm: address.landmark,
    loc: address.locality,
    pc: address.pin,
    po: address.postOffice,
    state: address.state,
    street: address.street,
    subdist: address.subdistrict,
    vtc: address.vtc,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))
}

/** `country` is a single space in every capture. People without a local script have the block in name only. */
function localData({ local }: Aadhaar): Record<string, string> {
  if (local === undefined) return { lang: '23' }
  const { code, name, careOf, house, street, locality, vtc, district, state } = local
  return { co: careOf, country: ' ', dist: district, house, lang: code, loc: locality, name, state, street, vtc }
}

export const hex32 = (seed: string): string => createHash('sha256').update(seed).digest('hex').slice(0, 32)
