import type { AssertedProfile } from '../rail.ts'

/** What an upstream answer may say about the person, in the words of the wire. */
export interface WireProfile {
  readonly name?: string | undefined
  readonly birthdate?: string | undefined
  readonly gender?: string | undefined
  readonly phone?: string | undefined
  readonly email?: string | undefined
}

/** Turns the wire's forms into ours. What is empty, impossible or unreadable is left out: never guessed, never a refusal. */
export function toProfile(wire: WireProfile): AssertedProfile {
  return {
    name: toName(wire.name),
    birthdate: toBirthdate(wire.birthdate),
    gender: toGender(wire.gender),
    phoneNumber: toPhoneNumber(wire.phone),
    email: toEmail(wire.email),
  }
}

/** The first profile that knows a member wins. Members that nobody knows are absent. */
export function mergeProfiles(profiles: readonly AssertedProfile[]): AssertedProfile {
  const known = profiles.map((profile) => Object.entries(profile).filter(([, value]) => value !== undefined))
  return Object.fromEntries(known.toReversed().flat())
}

const DAY_FIRST = /^(\d{2})([/-]?)(\d{2})\2(\d{4})(?:[ T]\d{2}:\d{2}(?::\d{2})?)?$/
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[ T]\d{2}:\d{2}.{0,20})?$/

/**
 * Reads a date of birth in any form that DigiLocker was seen to send, always day first.
 * A bare year is dropped: a day must not be made up.
 * @returns YYYY-MM-DD, or undefined for what is no date
 * @see digilocker-api.md §9: `DDMMYYYY`, `DD/MM/YYYY`, `DD-MM-YYYY`, `YYYY-MM-DD`; a time may follow (documents-and-signatures.md §1.4)
 */
export function toBirthdate(text: string | undefined): string | undefined {
  const dayFirst = DAY_FIRST.exec(text ?? '')
  if (dayFirst) return realDate(dayFirst[4], dayFirst[3], dayFirst[1])
  const iso = ISO.exec(text ?? '')
  return iso ? realDate(iso[1], iso[2], iso[3]) : undefined
}

function realDate(year = '', month = '', day = ''): string | undefined {
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  const text = `${year}-${month}-${day}`
  return Number(year) >= 1850 && date.toISOString().startsWith(text) ? text : undefined
}

const GENDERS: Readonly<Record<string, AssertedProfile['gender']>> = {
  f: 'female',
  female: 'female',
  m: 'male',
  male: 'male',
  t: 'transgender',
  transgender: 'transgender',
}

function toGender(text: string | undefined): AssertedProfile['gender'] {
  const word = text?.trim().toLowerCase() ?? ''
  return Object.hasOwn(GENDERS, word) ? GENDERS[word] : undefined
}

/** DigiLocker sends the ten digits of an Indian mobile number; a country or trunk prefix is tolerated. */
function toPhoneNumber(text: string | undefined): string | undefined {
  const digits = /^(?:\+?91|0)?([6-9]\d{9})$/.exec(text?.replace(/[\s-]/g, '') ?? '')
  return digits ? `+91${digits[1]}` : undefined
}

function toName(text: string | undefined): string | undefined {
  const name = text?.normalize('NFC').replace(/\s+/g, ' ').trim()
  return name && name.length <= 200 && !/\p{Cc}/u.test(name) ? name : undefined
}

function toEmail(text: string | undefined): string | undefined {
  const email = text?.trim()
  return email && email.length <= 254 && /^[^\s@<>]+@[^\s@<>]+$/.test(email) ? email : undefined
}
