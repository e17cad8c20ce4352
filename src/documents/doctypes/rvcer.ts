import type { XmlElement } from '../xml.ts'
import { readCertificate } from './certificate.ts'
import type { Insurance, Registration, Vehicle } from './groups.ts'
import { type Draft, type DraftFields, dispensable } from './noted.ts'
import { childOf, dateOf, noted, quantityOf, spelledEitherWay, textOf, toIsoDate } from './values.ts'

/** Reads a registration certificate, under the schema's spellings `chasisNo` and `financer` (documents-and-signatures.md §1.5). */
export function readRvcer(root: XmlElement): DraftFields {
  const registration = childOf(root, 'CertificateData', 'VehicleRegistration')
  return {
    ...readCertificate(root, 'RVCER'),
    vehicle: readVehicle(childOf(registration, 'Vehicle')),
    registration: readRegistration(registration),
    insurance: readInsurance(childOf(registration, 'Insurance')),
  }
}

function readVehicle(vehicle: XmlElement | undefined): Draft<Vehicle> {
  return {
    class: textOf(vehicle, 'class'),
    make: textOf(vehicle, 'make'),
    model: textOf(vehicle, 'model'),
    engineNumber: dispensable(textOf(vehicle, 'engineNo')),
    chassisNumber: dispensable(spelledEitherWay(vehicle, 'chasisNo', 'chassisNo')),
    fuel: textOf(vehicle, 'fuelDesc'),
    colour: textOf(vehicle, 'color'),
    manufactured: noted(vehicle, 'mfgDate', toDayMonthOrYear),
    seats: quantityOf(vehicle, 'seatCapacity'),
    sleepers: quantityOf(vehicle, 'sleeperCapacity'),
    standing: quantityOf(vehicle, 'standingCapacity'),
    unladenWeight: quantityOf(vehicle, 'unladenWeight'),
    cubicCapacity: quantityOf(vehicle, 'cubicCapacity'),
    cylinders: quantityOf(vehicle, 'cylinder'),
    wheelbase: quantityOf(vehicle, 'wheelbase'),
    fitUntil: dateOf(vehicle, 'fitTill'),
  }
}

function readRegistration(registration: XmlElement | undefined): Draft<Registration> {
  return {
    statusSince: dateOf(registration, 'statusDate'),
    financedBy: spelledEitherWay(registration, 'financer', 'financier'),
    emissionNorms: textOf(registration, 'normsDesc'),
  }
}

function readInsurance(insurance: XmlElement | undefined): Draft<Insurance> {
  return {
    company: textOf(insurance, 'companyName'),
    policyNumber: dispensable(textOf(insurance, 'policyNo')),
    validUntil: dateOf(insurance, 'validTill'),
  }
}

/** A registration often knows only the month in which the vehicle was made. */
function toDayMonthOrYear(written: string): string | undefined {
  if (/^(?:19|20)\d{2}$/.test(written)) return written
  const [, month, year] = /^(0[1-9]|1[0-2])[-/.]((?:19|20)\d{2})$/.exec(written) ?? []
  return year === undefined ? toIsoDate(written) : `${year}-${month}`
}
