import type { PostalAddress } from '../document.ts'
import type { XmlElement } from '../xml.ts'
import type { AddressParts, DocumentAddress } from './groups.ts'
import { compact, type Draft, type Noted } from './noted.ts'
import { textOf, wordOf } from './values.ts'

/** Each part under its names in a certificate, an e-Aadhaar and an offline e-KYC; `co` and `careof` name a relative. */
const PARTS = {
  house: ['house'],
  street: ['street'],
  line1: ['line1'],
  line2: ['line2'],
  landmark: ['landmark', 'lm'],
  locality: ['locality', 'loc'],
  vtc: ['vtc'],
  postOffice: ['po'],
  subDistrict: ['subdist'],
  district: ['district', 'dist'],
  state: ['state'],
  pin: ['pin', 'pc'],
  country: ['country'],
} as const satisfies Record<keyof AddressParts, readonly string[]>

type PartNotes = { readonly [Part in keyof AddressParts]: Noted<string> | undefined }

/** An older offline e-KYC writes a census code for these; a code is no place (documents-and-signatures.md §5.2). */
const CODED = new Set(['state', 'subDistrict', 'district'])

const USES = new Map([
  ['PERMANENT', 'permanent'],
  ['PRESENT', 'present'],
] as const)

/** The addresses of a person in their order: `Address`, once or twice, and the `Address2` of some licences. */
export function readAddresses(elements: readonly XmlElement[]): readonly Draft<DocumentAddress>[] {
  return elements.flatMap((element) => {
    const parts = readParts(element)
    const postal = toPostalAddress(parts)
    return postal ? [{ use: wordOf(element, 'type', USES), postal, parts }] : []
  })
}

/** The address in one element, ready for an envelope. */
export function readPostalAddress(element: XmlElement | undefined): PostalAddress | undefined {
  return element && toPostalAddress(readParts(element))
}

const PREFERENCE = ['present', 'permanent', undefined]

/**
 * OpenID Connect wants the address where the person can be reached, so present goes before permanent, and permanent
 * before one that does not say.
 */
export function addressToReachAt(elements: readonly XmlElement[]): PostalAddress | undefined {
  const ranked = elements.flatMap((element) => {
    const postal = readPostalAddress(element)
    return postal ? [{ rank: PREFERENCE.indexOf(wordOf(element, 'type', USES)?.value), postal }] : []
  })
  return ranked.sort((a, b) => a.rank - b.rank)[0]?.postal
}

function readParts(element: XmlElement): PartNotes {
  const parts = Object.entries(PARTS).map(([part, names]) => {
    const found = names.map((name) => textOf(element, name)).find((note) => note !== undefined)
    return [part, found && CODED.has(part) && /^\d+$/.test(found.value) ? undefined : found] as const
  })
  return Object.fromEntries(parts)
}

/** In the words of OpenID Connect Core §5.1.1, or nothing when the document leaves all but the country blank. */
function toPostalAddress(parts: PartNotes): PostalAddress | undefined {
  const { house, line1, line2, landmark, vtc, postOffice, subDistrict, district } = parts
  const street = distinct([house, parts.street, line1, line2, landmark, parts.locality])
  // From the smallest place to the district; the first is the locality.
  const places = distinct([vtc, postOffice, subDistrict, district])
  const [locality] = places
  const [region, postalCode, country] = [parts.state?.value, parts.pin?.value, parts.country?.value]
  if (street.length === 0 && locality === undefined && region === undefined && postalCode === undefined)
    return undefined
  const lines = [...street, ...places, distinct([parts.state, parts.pin]).join(' '), country]
  return compact<PostalAddress>({
    formatted: lines.filter(Boolean).join('\n'),
    street_address: street.length > 0 ? street.join('\n') : undefined,
    locality,
    region,
    postal_code: postalCode,
    country,
  })
}

/** Issuers repeat themselves (village, post office and district of one name): once is enough. */
function distinct(notes: readonly (Noted<string> | undefined)[]): string[] {
  const values = notes.flatMap((note) => note?.value ?? [])
  return [...new Map(values.map((value) => [value.toLowerCase(), value])).values()]
}
