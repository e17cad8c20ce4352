import { createHash } from 'node:crypto'
import { parse } from 'yaml'
import type { Persona } from '../persona.ts'
import { isQuirkName } from '../quirks.ts'
import { digits, faultsOf, isFlag, isRecord, listOf, matching, type Shape, shaped, text } from '../shape.ts'
import { UPLOAD_PATH } from '../shelf.ts'

export class PeopleError extends Error {}

const date = matching(/^\d{4}-\d{2}-\d{2}$/)
const doctypes = listOf(matching(/^[A-Z]{3,8}$/))

const ADDRESS: Shape = {
  house: text,
  street: text,
  landmark: text,
  locality: text,
  vtc: text,
  postOffice: text,
  subdistrict: text,
  district: text,
  state: text,
  pin: digits(6),
}
const LOCAL: Shape = {
  code: digits(2),
  tag: matching(/^[a-z]{2,3}$/),
  name: text,
  careOf: text,
  house: text,
  street: text,
  locality: text,
  vtc: text,
  district: text,
  state: text,
}
const CLASS: Shape = { code: matching(/^N?T$/), abbreviation: text, description: text, issuedOn: date }
const VEHICLE: Shape = {
  number: text,
  office: text,
  registeredOn: date,
  fitUntil: date,
  class: text,
  make: text,
  model: text,
  fuel: text,
  colour: text,
  chassis: text,
  engine: text,
  seats: text,
  financer: text,
  insurer: text,
}
const SUBJECT: Shape = { name: text, code: text, marks: text, max: text, grade: text }
const MARKSHEET: Shape = {
  doctype: matching(/^(SSCER|HSCER)$/),
  number: text,
  board: text,
  boardId: matching(/^[a-z.]{3,64}$/),
  school: text,
  examination: text,
  month: text,
  year: Number.isInteger,
  result: text,
  subjects: listOf(shaped(SUBJECT)),
}
const APAAR: Shape = {
  id: digits(12),
  createdOn: date,
  universities: listOf(
    shaped({
      name: text,
      orgId: digits(6),
      courses: listOf(shaped({ name: text, subjects: listOf(text) })),
    }),
  ),
}
const PERSON: Shape = {
  id: matching(/^[a-z][a-z0-9-]{0,31}$/),
  story: text,
  pin: digits(6),
  'digilockerId?': matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  'username?': text,
  'ssoId?': text,
  name: text,
  relative: text,
  birthdate: date,
  gender: matching(/^[FMT]$/),
  'mobile?': digits(10),
  'email?': text,
  address: ADDRESS,
  'aadhaar?': { lastFour: digits(4), 'yearOnly?': isFlag, 'local?': LOCAL },
  'pan?': { number: text, verifiedOn: matching(/^\d{2}-\d{2}-\d{4} \d{2}:\d{2}:\d{2}$/), 'name?': text },
  'licence?': {
    number: text,
    office: text,
    'name?': text,
    issuedOn: date,
    expiresOn: date,
    status: text,
    classes: listOf(shaped(CLASS)),
  },
  'vehicles?': listOf(shaped(VEHICLE)),
  'marksheets?': listOf(shaped(MARKSHEET)),
  'pdfOnly?': doctypes,
  'notInLocker?': doctypes,
  'apaar?': APAAR,
  'uploads?': listOf(matching(UPLOAD_PATH)),
  'quirks?': listOf((value) => isQuirkName(value) || shaped({ quirk: isQuirkName, 'doctype?': text })(value)),
}

/**
 * People from YAML.
 * @throws PeopleError naming every person and member that is wrong
 */
export function readPeople(yaml: string): Persona[] {
  return toPeople(parse(yaml))
}

/** The same from what stands in another file. @throws PeopleError */
export function toPeople(given: unknown): Persona[] {
  if (!Array.isArray(given)) throw new PeopleError('people: expected a list of persons')
  const faults = given.flatMap((person, index) => faultsOf(person, PERSON, nameOf(person, index)))
  const ids = given.map(nameOf)
  faults.push(...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id}: there are two of this id`))
  if (faults.length > 0) throw new PeopleError(`people: ${faults.join('; ')}`)
  return given.map((person) => completed(person as Given))
}

type Given = Omit<Persona, 'digilockerId' | 'username' | 'ssoId' | 'quirks'> &
  Partial<Persona> & { quirks?: readonly (string | { quirk: string; doctype?: string })[] }

/** The same id makes the same account, in every run. */
function completed({ quirks, ...given }: Given): Persona {
  const hex = createHash('sha256').update(`person:${given.id}`).digest('hex')
  const uuid = (from: number) => `${hex.slice(from, from + 8)}-0000-4000-8000-${hex.slice(from + 8, from + 20)}`
  return {
    digilockerId: uuid(0),
    username: given.name
      .toLowerCase()
      .replace(/[^a-z]+/g, '.')
      .slice(0, 30),
    ssoId: `DL-${uuid(24)}`,
    ...given,
    ...(quirks && { quirks: quirks.map((one) => (typeof one === 'string' ? { quirk: one } : one)) }),
  }
}

const nameOf = (person: unknown, index: number): string =>
  isRecord(person) && typeof person.id === 'string' ? person.id : `person ${index + 1}`
