import { dayFirst } from './dates.ts'
import type { PdfPage } from './pdf.ts'
import type { Licence, Marksheet, Pan, Persona, Vehicle } from './persona.ts'

type Rows = PdfPage['rows']

/** What an office prints of a PAN. */
export function panRows(persona: Persona, pan: Pan): Rows {
  return [
    ['Permanent Account Number', pan.number],
    ['Name', (pan.name ?? persona.name).toUpperCase()],
    ['Date of birth', dayFirst(persona.birthdate)],
    ['Verified on', pan.verifiedOn],
  ]
}

export function licenceRows(persona: Persona, licence: Licence): Rows {
  return [
    ['Licence number', licence.number],
    ['Name', licence.name ?? persona.name],
    ['Son, daughter or wife of', persona.relative],
    ['Date of birth', dayFirst(persona.birthdate)],
    ['Address', addressLine(persona)],
    ['Issued by', licence.office],
    ['Issued on', dayFirst(licence.issuedOn)],
    ['Valid until', dayFirst(licence.expiresOn)],
    ...licence.classes.map(
      ({ abbreviation, description }, index) =>
        [index === 0 ? 'Classes of vehicles' : '', `${abbreviation}: ${description}`] as const,
    ),
  ]
}

export function registrationRows(persona: Persona, vehicle: Vehicle): Rows {
  return [
    ['Registration number', vehicle.number],
    ['Owner', persona.name],
    ['Address', addressLine(persona)],
    ['Vehicle', `${vehicle.make} ${vehicle.model}, ${vehicle.colour}`],
    ['Class', vehicle.class],
    ['Fuel', vehicle.fuel],
    ['Chassis and engine', `${vehicle.chassis}, ${vehicle.engine}`],
    ['Registered by', vehicle.office],
    ['Registered on', dayFirst(vehicle.registeredOn)],
    ['Fit until', dayFirst(vehicle.fitUntil)],
  ]
}

export function marksheetRows(persona: Persona, sheet: Marksheet): Rows {
  return [
    ['Roll number', sheet.number],
    ['Name', persona.name],
    ['School', sheet.school],
    ['Examination', `${sheet.examination}, ${sheet.month} ${sheet.year}`],
    ...sheet.subjects.map(
      ({ name, code, marks, max, grade }) =>
        [`${name} (${code})`, `${marks} of ${max}${grade && `, grade ${grade}`}`] as const,
    ),
    ['Result', sheet.result],
  ]
}

function addressLine({ address }: Persona): string {
  const { house, street, locality, vtc, district, state, pin } = address
  const parts = [house, street, locality, vtc, district, `${state} ${pin}`]
  return [...new Set(parts.filter(Boolean))].join(', ')
}
