import type { XmlElement } from '../xml.ts'
import { readCertificate } from './certificate.ts'
import type { Examination, ExaminationResult, Institution, Performance, Subject } from './groups.ts'
import { type Draft, type DraftFields, dispensable } from './noted.ts'
import { childOf, childrenOf, dateOf, textOf, toQuantity, writtenOf, yearOf } from './values.ts'

/**
 * Reads the marksheet of class X (`SSCER`) or XII (`HSCER`). Which of marks, grades and grade points a board fills in
 * differs, and what it does not use is there but empty (documents-and-signatures.md §1.5).
 */
export function readMarksheet(root: XmlElement, doctype: string): DraftFields {
  const data = childOf(root, 'CertificateData')
  return { ...readCertificate(root, doctype), examination: readExamination(root, data) }
}

function readExamination(root: XmlElement, data: XmlElement | undefined): Draft<Examination> {
  const examination = childOf(data, 'Examination')
  const performance = childOf(data, 'Performance')
  return {
    name: textOf(examination, 'name'),
    month: writtenOf(examination, 'month', toMonth),
    year: yearOf(examination, 'year'),
    centreCode: dispensable(textOf(examination, 'centerCode')),
    admitCardId: dispensable(textOf(examination, 'admitCardId')),
    board: readInstitution(childOf(root, 'IssuedBy', 'Organization')),
    school: readInstitution(childOf(data, 'School')),
    performance: readPerformance(performance),
    subjects: childrenOf(childOf(performance, 'Subjects'), 'Subject').map(readSubject),
  }
}

function readInstitution(element: XmlElement | undefined): Draft<Institution> {
  return { name: textOf(element, 'name'), code: dispensable(textOf(element, 'code')) }
}

function readPerformance(performance: XmlElement | undefined): Draft<Performance> {
  return {
    result: writtenOf(performance, 'result', (word) => RESULTS.get(word.toUpperCase())),
    total: marksOf(performance, 'marksTotal'),
    maximum: marksOf(performance, 'marksMax'),
    percentage: writtenOf(performance, 'percentage', (written) => toQuantity(written.replace(/ ?%$/, ''))),
    cgpa: marksOf(performance, 'cgpa'),
    cgpaMaximum: marksOf(performance, 'cgpaMax'),
    grade: textOf(performance, 'grade'),
    declaredOn: dateOf(performance, 'resultDate'),
    updatedOn: dateOf(performance, 'updateDate'),
  }
}

function readSubject(subject: XmlElement): Draft<Subject> {
  return {
    name: textOf(subject, 'name'),
    code: dispensable(textOf(subject, 'code')),
    theory: marksOf(subject, 'marksTheory'),
    theoryMaximum: marksOf(subject, 'marksMaxTheory'),
    practical: marksOf(subject, 'marksPractical'),
    practicalMaximum: marksOf(subject, 'marksMaxPractical'),
    total: marksOf(subject, 'marksTotal'),
    maximum: marksOf(subject, 'marksMax'),
    gradePoint: marksOf(subject, 'gp'),
    gradePointMaximum: marksOf(subject, 'gpMax'),
    grade: textOf(subject, 'grade'),
  }
}

/** Marks with a sign for grace or failure (`033F`, `35*`) stay as written: a bare number would say something else. */
const marksOf = (element: XmlElement | undefined, name: string) => writtenOf(element, name, toQuantity)

const RESULTS = new Map<string, ExaminationResult>([
  ['PASS', 'pass'],
  ['PASSED', 'pass'],
  ['P', 'pass'],
  ['FAIL', 'fail'],
  ['FAILED', 'fail'],
  ['F', 'fail'],
  ['COMPARTMENT', 'compartment'],
  ['COMPTT', 'compartment'],
  ['COMP', 'compartment'],
  ['ABSENT', 'absent'],
  ['AB', 'absent'],
])

const MONTHS = ['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY'].concat([
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
])

function toMonth(written: string): number | undefined {
  if (/^(?:0?[1-9]|1[0-2])$/.test(written)) return Number(written)
  const word = written.toUpperCase()
  const index = MONTHS.findIndex((month) => word === month || word === month.slice(0, 3))
  return index === -1 ? undefined : index + 1
}
