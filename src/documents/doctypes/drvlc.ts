import type { DocumentFields, VehicleClass } from '../document.ts'
import type { XmlElement } from '../xml.ts'
import { readCertificate } from './certificate.ts'
import { attribute, childOf, childrenOf, dateOf } from './values.ts'

/**
 * Reads a driving licence. Real ones nest `Categories/Category`; the published schema puts the attributes of one category
 * on `DrivingLicense` itself (documents-and-signatures.md §1.5). Both are read.
 */
export function readDrvlc(root: XmlElement): DocumentFields {
  const licence = childOf(root, 'CertificateData', 'DrivingLicense')
  const nested = childrenOf(childOf(licence, 'Categories'), 'Category')
  const written = [...nested, ...childrenOf(licence, 'Category'), ...(licence ? [licence] : [])]
  const classes = written.flatMap(toVehicleClass)
  return { ...readCertificate(root, 'DRVLC'), vehicleClasses: classes.length > 0 ? classes : undefined }
}

function toVehicleClass(element: XmlElement): VehicleClass[] {
  const abbreviation = attribute(element, 'abbreviation')
  if (abbreviation === undefined) return []
  const description = attribute(element, 'description')
  const issuedOn = dateOf(element, 'issueDate')
  return [{ abbreviation, ...(description ? { description } : {}), ...(issuedOn ? { issuedOn } : {}) }]
}
