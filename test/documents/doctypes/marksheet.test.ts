import { describe, expect, it } from 'vitest'
import { CLASS_TEN, CLASS_TWELVE, edited, fieldsOf, node, withAttributes } from './fixtures.ts'

const examinationWith = (element: string, attributes: Record<string, string>) =>
  fieldsOf(withAttributes(CLASS_TEN, element, attributes)).examination

describe('marksheet — documents-and-signatures.md §1.5', () => {
  it('gives the examination, the board, the school, the performance and every subject', () => {
    expect(fieldsOf(CLASS_TEN).examination).toStrictEqual({
      name: 'Secondary School Examination 2019',
      month: { written: 'MARCH', value: 3 },
      year: 2019,
      centreCode: '0812',
      admitCardId: 'RS876512',
      board: { name: 'Central Board of Examples', code: 'CBX' },
      school: { name: 'SAMPLE PUBLIC SCHOOL', code: '08765' },
      performance: {
        result: { written: 'PASS', value: 'pass' },
        total: { written: '431', value: 431 },
        maximum: { written: '500', value: 500 },
        percentage: { written: '86.20', value: 86.2 },
        declaredOn: '2019-05-06',
      },
      subjects: [
        {
          name: 'ENGLISH',
          code: '184',
          theory: { written: '069', value: 69 },
          theoryMaximum: { written: '80', value: 80 },
          total: { written: '089', value: 89 },
          maximum: { written: '100', value: 100 },
          grade: 'A2',
        },
        {
          name: 'SCIENCE',
          code: '086',
          theory: { written: 'AB' },
          theoryMaximum: { written: '80', value: 80 },
          practical: { written: '20', value: 20 },
          total: { written: '033F' },
          gradePoint: { written: '9.0', value: 9 },
          gradePointMaximum: { written: '10', value: 10 },
        },
      ],
    })
  })

  it('gives the same of class XII', () => {
    expect(fieldsOf(CLASS_TWELVE)).toMatchObject({
      doctype: 'HSCER',
      name: 'ROHAN SPECIMEN',
      birthdate: '2003-10-09',
      examination: { month: { written: '03', value: 3 }, subjects: [{ name: 'ENGLISH' }, { name: 'SCIENCE' }] },
    })
  })

  it.each([
    ['3', 3],
    ['12', 12],
    ['Mar', 3],
    ['may', 5],
    ['SEPTEMBER', 9],
    ['MARCH/APRIL', undefined],
    ['MA', undefined],
    ['13', undefined],
    ['0', undefined],
  ])('reads the month %j as %s and keeps the word', (month, value) => {
    const expected = value === undefined ? { written: month } : { written: month, value }
    expect(examinationWith('Examination', { month })?.month).toStrictEqual(expected)
  })

  it.each([
    ['2019', 2019],
    ['2018-19', undefined],
    ['19', undefined],
    [' ', undefined],
  ])('reads the year %j as %s', (year, value) => {
    expect(examinationWith('Examination', { year })?.year).toBe(value)
  })

  it.each([
    ['PASS', 'pass'],
    ['Passed', 'pass'],
    ['p', 'pass'],
    ['FAIL', 'fail'],
    ['COMPTT', 'compartment'],
    ['Absent', 'absent'],
    ['PASS IN 4 SUBJECTS', undefined],
    ['QUALIFIED BY GRACE', undefined],
  ])('reads the result %j as %s and keeps the word', (result, value) => {
    const expected = value === undefined ? { written: result } : { written: result, value }
    expect(examinationWith('Performance', { result })?.performance?.result).toStrictEqual(expected)
  })

  it.each([
    ['86.20%', 86.2],
    ['86.2 %', 86.2],
    ['86', 86],
    ['First', undefined],
  ])('reads the percentage %j as %s', (percentage, value) => {
    expect(examinationWith('Performance', { percentage })?.performance?.percentage?.value).toBe(value)
  })

  it('tells marks of nothing from no marks', () => {
    const subjects = examinationWith('Subject', { marksTheory: '000', marksTotal: ' ' })?.subjects
    expect(subjects?.[0]?.theory).toEqual({ written: '000', value: 0 })
    expect(subjects?.[0]).not.toHaveProperty('total')
  })

  it('gives grade points where a board gives no marks', () => {
    const performance = examinationWith('Performance', { marksTotal: '', cgpa: '9.4', cgpaMax: '10', grade: 'A1' })
    expect(performance?.performance).toMatchObject({ cgpa: { value: 9.4 }, cgpaMaximum: { value: 10 }, grade: 'A1' })
    expect(performance?.performance).not.toHaveProperty('total')
  })

  it('leaves out a subject of which all is blank, and counts on', () => {
    const document = edited(CLASS_TEN, 'Subject', (subject) =>
      subject.attributes.name === 'ENGLISH' ? node('Subject', { name: ' ', code: '', marksTotal: ' ' }) : subject,
    )
    const fields = fieldsOf(document)
    expect(fields.examination?.subjects?.map(({ name }) => name)).toEqual(['SCIENCE'])
    expect(fields.original).toMatchObject({ 'examination.subjects.0.name': 'SCIENCE' })
  })

  it('gives the board alone when the sheet has no data', () => {
    const document = edited(CLASS_TEN, 'CertificateData', () => undefined)
    expect(fieldsOf(document).examination).toEqual({ board: { name: 'Central Board of Examples', code: 'CBX' } })
  })

  it.each([
    ['Examination', 'admitCardId', 'examination.admitCardId'],
    ['Examination', 'centerCode', 'examination.centreCode'],
    ['School', 'code', 'examination.school.code'],
    ['Performance', 'marksTotal', 'examination.performance.total'],
  ])('withholds what looks like an Aadhaar number in %s %s, and says so', (element, attribute, path) => {
    const fields = fieldsOf(withAttributes(CLASS_TEN, element, { [attribute]: '234123412346' }))
    expect(fields.withheld).toEqual([path])
    expect(JSON.stringify(fields)).not.toContain('234123412346')
  })
})
