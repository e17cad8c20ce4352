import { describe, expect, it } from 'vitest'
import { answerLicence } from '../../../src/documents/answers/licence.ts'
import { answerPanActive, panHolder } from '../../../src/documents/answers/pan.ts'
import type { DocumentFields } from '../../../src/documents/document.ts'
import { secondsOf } from '../fixtures.ts'

const LICENCE: DocumentFields = {
  doctype: 'DRVLC',
  documentIssuer: {},
  status: 'active',
  validFrom: '2010-02-01',
  expiresOn: '2026-11-23',
  vehicleClasses: [
    { abbreviation: 'LMV', use: 'non-transport', issuedOn: '2010-02-01' },
    { abbreviation: 'MCWG', use: 'non-transport' },
  ],
}
const transport = { abbreviation: 'TRANS', use: 'transport' } as const
const LAST_SECOND = secondsOf('2026-11-23T18:29:59Z')
const yes = { answer: 'yes', reasons: [] }
const no = (...reasons: string[]) => ({ answer: 'no', reasons })
const unknown = (...reasons: string[]) => ({ answer: 'unknown', reasons })

describe('a class of vehicle on a licence today — documents-and-signatures.md §1.5', () => {
  it.each<[string, Partial<DocumentFields>, string, ReturnType<typeof unknown>]>([
    ['a class that is endorsed', {}, 'LMV', yes],
    ['a class in another case', {}, 'm.c.w.g', yes],
    ['a class that is not', {}, 'HMV', no('licence.class_not_endorsed')],
    ['no class at all', { vehicleClasses: undefined }, 'LMV', no('licence.class_not_endorsed')],
    ['an end yesterday', { expiresOn: '2026-11-22' }, 'LMV', no('licence.expired')],
    ['a start tomorrow', { validFrom: '2026-11-24' }, 'LMV', no('licence.not_yet_valid')],
    ['a start today', { validFrom: '2026-11-23' }, 'LMV', yes],
    ['no start but an issue date', { validFrom: undefined, issuedOn: '2010-02-01' }, 'LMV', yes],
    ['no start', { validFrom: undefined }, 'LMV', unknown('licence.start_missing')],
    ['no end', { expiresOn: undefined }, 'LMV', unknown('licence.expiry_missing')],
    ['no status', { status: undefined }, 'LMV', unknown('document.status_missing')],
    ['a status that is not active', { status: 'inactive' }, 'LMV', no('document.status_inactive')],
    ['an end yesterday and no status', { expiresOn: '2026-11-22', status: undefined }, 'LMV', no('licence.expired')],
    [
      'a class issued tomorrow',
      { vehicleClasses: [{ abbreviation: 'LMV', issuedOn: '2026-11-24' }] },
      'LMV',
      no('licence.class_not_yet_issued'),
    ],
    ['another document', { doctype: 'PANCR' }, 'LMV', unknown('document.other_type')],
  ])('is told for %s', (_case, change, vehicleClass, answer) => {
    expect(answerLicence({ ...LICENCE, ...change }, { vehicleClass }, () => LAST_SECOND)).toEqual(answer)
  })

  it('ends at midnight in India after the last day', () => {
    expect(answerLicence(LICENCE, { vehicleClass: 'LMV' }, () => LAST_SECOND + 1)).toEqual(no('licence.expired'))
  })

  it.each<
    [string, DocumentFields['vehicleClasses'], string, 'transport' | 'non-transport', ReturnType<typeof unknown>]
  >([
    ['the use that is endorsed', LICENCE.vehicleClasses, 'LMV', 'non-transport', yes],
    ['the other use', LICENCE.vehicleClasses, 'LMV', 'transport', no('licence.use_not_endorsed')],
    ['a use not stated', [{ abbreviation: 'LMV' }], 'LMV', 'transport', unknown('licence.use_not_stated')],
    ['a use in the abbreviation', [{ abbreviation: 'LMV-TR' }], 'LMV', 'transport', yes],
    ['a use in the question', [{ abbreviation: 'LMV-TR' }], 'LMV-NT', 'transport', yes],
    ['transport alone', [transport], 'TRANS', 'transport', yes],
    [
      'transport beside non-transport, of which the date may be',
      [{ abbreviation: 'LMV', use: 'non-transport' }, transport],
      'TRANS',
      'transport',
      unknown('licence.transport_validity_not_stated'),
    ],
    [
      'non-transport beside transport',
      [{ abbreviation: 'LMV', use: 'non-transport' }, transport],
      'LMV',
      'non-transport',
      yes,
    ],
  ])('is told by use: %s', (_case, vehicleClasses, vehicleClass, use, answer) => {
    expect(answerLicence({ ...LICENCE, vehicleClasses }, { vehicleClass, use }, () => LAST_SECOND)).toEqual(answer)
  })
})

describe('a PAN', () => {
  it.each<[string, Parameters<typeof answerPanActive>[0], ReturnType<typeof unknown>]>([
    ['active', { doctype: 'PANCR', status: 'active' }, yes],
    ['inactive', { doctype: 'PANCR', status: 'inactive' }, no('document.status_inactive')],
    ['without status', { doctype: 'PANCR' }, unknown('document.status_missing')],
    ['another document', { doctype: 'DRVLC', status: 'active' }, unknown('document.other_type')],
  ])('is told active or not: %s', (_case, fields, answer) => {
    expect(answerPanActive(fields)).toEqual(answer)
  })

  it.each([
    ['P', 'individual'],
    ['C', 'company'],
    ['H', 'hindu-undivided-family'],
    ['F', 'firm'],
    ['A', 'association-of-persons'],
    ['B', 'body-of-individuals'],
    ['T', 'trust'],
    ['L', 'local-authority'],
    ['J', 'artificial-juridical-person'],
    ['G', 'government'],
  ])('with the fourth letter %s has a holder that is: %s', (letter, holder) => {
    expect(panHolder({ doctype: 'PANCR', number: `ABC${letter}E1234F` })).toEqual({ holder, reasons: [] })
  })

  it.each<[string, Parameters<typeof panHolder>[0], string]>([
    ['an unknown letter', { doctype: 'PANCR', number: 'ABCXE1234F' }, 'pan.holder_letter_unknown'],
    ['no number', { doctype: 'PANCR' }, 'pan.number_missing'],
    ['another document', { doctype: 'DRVLC', number: 'ABCPE1234F' }, 'document.other_type'],
    [
      'an individual that is an organisation',
      { doctype: 'PANCR', number: 'ABCPE1234F', organization: 'Example Mills' },
      'pan.holder_contradicted',
    ],
    [
      'a company with a gender',
      { doctype: 'PANCR', number: 'ABCCE1234F', gender: 'female' },
      'pan.holder_contradicted',
    ],
  ])('has no holder type with %s', (_case, fields, reason) => {
    expect(panHolder(fields)).toEqual({ reasons: [reason] })
  })
})
