import type { VehicleClass } from '../document.ts'
import type { XmlElement } from '../xml.ts'
import { readCertificate } from './certificate.ts'
import type { Draft, DraftFields } from './noted.ts'
import { childOf, childrenOf, dateOf, textOf, wordOf } from './values.ts'

const USES = new Map([
  ['T', 'transport'],
  ['NT', 'non-transport'],
] as const)

/**
 * Reads a driving licence. Real ones nest `Categories/Category`; the published schema puts the attributes of one category
 * on `DrivingLicense` itself (documents-and-signatures.md §1.5). Both are read, the flat one only where it stands alone.
 */
export function readDrvlc(root: XmlElement): DraftFields {
  const licence = childOf(root, 'CertificateData', 'DrivingLicense')
  const nested = [...childrenOf(childOf(licence, 'Categories'), 'Category'), ...childrenOf(licence, 'Category')]
  const classes = nested.flatMap(toVehicleClass)
  const flat = licence ? toVehicleClass(licence) : []
  return { ...readCertificate(root, 'DRVLC'), vehicleClasses: classes.length > 0 ? classes : flat }
}

function toVehicleClass(element: XmlElement): Draft<VehicleClass>[] {
  const abbreviation = textOf(element, 'abbreviation')
  if (abbreviation === undefined) return []
  return [
    {
      abbreviation,
      description: textOf(element, 'description'),
      issuedOn: dateOf(element, 'issueDate'),
      endorsedOn: dateOf(element, 'endorseDate'),
      use: wordOf(element, 'code', USES),
    },
  ]
}
