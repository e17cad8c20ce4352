import type { Clock } from '../../clock.ts'
import type { DocumentFields, VehicleClass } from '../document.ts'
import { todayInIndia } from './age.ts'
import { type Answer, type AnswerReason, no, unknown, yes } from './answer.ts'

export type VehicleUse = NonNullable<VehicleClass['use']>

export interface LicenceQuestion {
  /** abbreviation of the class of vehicle, in any case: `LMV`, `MCWG` */
  readonly vehicleClass: string
  /** asked only where it matters; a licence may be good for one use and not the other */
  readonly use?: VehicleUse | undefined
}

interface Endorsement {
  readonly name: string
  readonly use: VehicleUse | undefined
  readonly issuedOn: string | undefined
}

/**
 * Whether a driving licence is in force today in India with a class of vehicle endorsed on it. It tells what the licence
 * says, not what the law lets its holder drive besides: no class stands for another. The last day counts as valid.
 *
 * A plastic card has one validity for transport and one for the rest, the XML has a single date and does not say whose
 * it is (documents-and-signatures.md §1.5). It is read for transport only where every class on the licence is for
 * transport; else a non-transport date, up to twenty years away, would prolong the five years of Motor Vehicles Act
 * 1988 s.14(2)(a).
 */
export function answerLicence(fields: DocumentFields, question: LicenceQuestion, clock: Clock): Answer {
  if (fields.doctype !== 'DRVLC') return unknown('document.other_type')
  const today = todayInIndia(clock)
  const all = (fields.vehicleClasses ?? []).map(toEndorsement)
  const [refused, asked] = endorsed(all, question, today)
  if (refused) return refused
  const inForce = checkForce(fields, today)
  if (inForce.answer !== 'yes') return inForce
  const everywhereTransport = all.every(({ use }) => use === 'transport')
  const transportOnly = asked.every(({ use }) => use === 'transport')
  return transportOnly && !everywhereTransport ? unknown('licence.transport_validity_not_stated') : yes()
}

/** Whether a driving licence is in force today in India, for whatever is endorsed on it. The last day counts as valid. */
export function answerLicenceInForce(fields: DocumentFields, clock: Clock): Answer {
  return fields.doctype === 'DRVLC' ? checkForce(fields, todayInIndia(clock)) : unknown('document.other_type')
}

/** Either the answer that ends it, or the endorsements that fit the question. */
function endorsed(
  all: readonly Endorsement[],
  question: LicenceQuestion,
  today: string,
): [Answer | undefined, readonly Endorsement[]] {
  const wanted = toEndorsement({ abbreviation: question.vehicleClass, use: question.use })
  const ofClass = all.filter(({ name }) => name === wanted.name)
  const ofUse = ofClass.filter(({ use }) => wanted.use === undefined || use === wanted.use)
  const issued = ofUse.filter(({ issuedOn }) => issuedOn === undefined || issuedOn <= today)
  if (ofClass.length === 0) return [no('licence.class_not_endorsed'), []]
  if (ofUse.length === 0) {
    const silent = ofClass.some(({ use }) => use === undefined)
    return [silent ? unknown('licence.use_not_stated') : no('licence.use_not_endorsed'), []]
  }
  return issued.length === 0 ? [no('licence.class_not_yet_issued'), []] : [undefined, issued]
}

/** What makes it no goes before what makes it unknown: an expired licence is expired whatever else is missing. */
function checkForce(fields: DocumentFields, today: string): Answer {
  const from = fields.validFrom ?? fields.issuedOn
  const refusals: AnswerReason[] = []
  if (fields.status === 'inactive') refusals.push('document.status_inactive')
  if (from !== undefined && from > today) refusals.push('licence.not_yet_valid')
  if (fields.expiresOn !== undefined && fields.expiresOn < today) refusals.push('licence.expired')
  if (refusals.length > 0) return no(...refusals)

  const gaps: AnswerReason[] = []
  if (fields.status === undefined) gaps.push('document.status_missing')
  if (from === undefined) gaps.push('licence.start_missing')
  if (fields.expiresOn === undefined) gaps.push('licence.expiry_missing')
  return gaps.length > 0 ? unknown(...gaps) : yes()
}

const USES = new Map<string, VehicleUse>([
  ['NT', 'non-transport'],
  ['TR', 'transport'],
])

/** Some states write the use into the abbreviation: `LMV-NT`, `LMV-TR`. */
function toEndorsement(vehicleClass: VehicleClass): Endorsement {
  const written = vehicleClass.abbreviation.toUpperCase().replace(/[\s.]/g, '')
  const [, name = written, suffix = ''] = /^([^-]+)-(NT|TR)$/.exec(written) ?? []
  return { name, use: vehicleClass.use ?? USES.get(suffix), issuedOn: vehicleClass.issuedOn }
}
