import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hidesAadhaarNumber } from '../../../src/documents/aadhaar-number.ts'
import { readFields } from '../../../src/documents/doctypes/fields.ts'
import type { DocumentFields } from '../../../src/documents/document.ts'
import { DocumentError } from '../../../src/errors.ts'
import { refusedWith } from '../fixtures.ts'
import { DOCUMENTS, fieldsOf, LICENCE, type Node, node, parsed, print, SECRETS, withAttributes } from './fixtures.ts'

const documents = Object.entries(DOCUMENTS)

/** Every string that leaves, at any depth, keys included. */
function stringsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.entries(value).flatMap(([key, member]) => [key, ...stringsOf(member)])
}

/** An oracle of its own: the digits of a text without anything that may stand between or around them. */
const digitsOf = (text: string) =>
  [...text.normalize('NFKC')]
    .map((character) => (/[०-९]/.test(character) ? String((character.codePointAt(0) ?? 0) - 0x0966) : character))
    .join('')
    .replace(/\D/g, '')

/** The fields, or nothing when the document was refused; any other error is a fault of ours and goes through. */
function readOrRefused(document: Node): DocumentFields | undefined {
  try {
    return readFields(parsed(document))
  } catch (error) {
    if (error instanceof DocumentError) return undefined
    throw error
  }
}

/** Places where a document may hold text: each attribute of each element, and the inside of each element. */
function placesIn(document: Node): ((value: string) => Node)[] {
  const inAttributes = Object.keys(document.attributes)
    .filter((key) => key !== 'xmlns')
    .map((key) => (value: string) => ({ ...document, attributes: { ...document.attributes, [key]: value } }))
  const inText = (value: string) => ({ ...document, children: [value, ...document.children] })
  const below = document.children.flatMap((child, index) =>
    typeof child === 'string'
      ? []
      : placesIn(child).map((put) => (value: string) => ({
          ...document,
          children: document.children.with(index, put(value)),
        })),
  )
  return [...inAttributes, inText, ...below]
}

const NUMBERS = ['234123412346', '999941057058', '2341234123412341'] as const

/** Ways to write a number so that a person still reads it. */
const WRITINGS: readonly ((number: string) => string)[] = [
  (number) => number,
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1 '),
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1-'),
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1  '),
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1\n'),
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1 - '),
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1\u2013'),
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1\u200b'),
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1.'),
  (number) => number.replace(/(\d{4})(?=\d)/g, '$1/'),
  (number) => number.replace(/\d/g, (digit) => String.fromCodePoint(0x0966 + Number(digit))),
  (number) => number.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
]

/** What may stand around it; a digit beside a digit would make another number. */
const AROUND: readonly (readonly [string, string])[] = [
  ['', ''],
  [' ', ' '],
  ['UID', 'X'],
  ['Aadhaar: ', '.'],
  ['No 12 ', ' 560001'],
  ['7-', '-7'],
  ['Sample ', '/2019'],
]

describe('an Aadhaar number — documents-and-signatures.md §6', () => {
  it('never leaves, in whatever attribute or text of whatever document it stands and however it is written', () => {
    const places = documents.flatMap(([, document]) => placesIn(document))
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.constantFrom(...NUMBERS),
        fc.constantFrom(...WRITINGS),
        fc.constantFrom(...AROUND),
        (put, number, write, [before, after]) => {
          const fields = readOrRefused(put(before + write(number) + after))
          for (const text of stringsOf(fields)) expect(digitsOf(text)).not.toContain(number)
        },
      ),
      { numRuns: 1_500 },
    )
  })

  it.each(documents)('never leaves %s, place by place', (_name, document) => {
    for (const put of placesIn(document))
      for (const text of stringsOf(readOrRefused(put('234123412346'))))
        expect(digitsOf(text)).not.toContain('234123412346')
  })

  it.each([
    ['as the number', 'Certificate', { number: '234123412346' }],
    ['as a virtual ID', 'Certificate', { number: '2341234123412341' }],
    ['in a name', 'Person', { name: 'Arjun 2341-2341-2346' }],
    ['in a name, in Devanagari digits', 'Person', { name: '२३४१२३४१२३४६' }],
    ['in a name, in the digits of Urdu', 'Person', { name: '۲۳۴۱۲۳۴۱۲۳۴۶' }],
    ['in a name, in the digits of Santali', 'Person', { name: '᱒᱓᱔᱑᱒᱓᱔᱑᱒᱓᱔᱖' }],
    ['in an address', 'Address', { line1: '2341 2341 2346' }],
    ['in an address, behind a house number', 'Address', { line1: '12 2341 2341 2346' }],
    ['in an address, before a PIN code', 'Address', { line1: '234123412346 560001' }],
    ['in an address, by one invisible space', 'Address', { line1: '234123\u200b412346' }],
    ['in an address, split by long dashes', 'Address', { line1: '2341\u20132341\u20132346' }],
    ['on three lines of one name', 'Person', { name: '2341\n2341\n2346' }],
    ['on three lines of a word that we only take for inactive', 'Certificate', { status: '2341\n2341\n2346' }],
    ['in a vehicle class', 'Category', { description: '234123412346' }],
    ['of the issuer', 'Organization', { name: '234123412346' }],
    ['as the code of the issuer', 'Organization', { code: '234123412346' }],
    ['in the title', 'Certificate', { name: '234123412346' }],
    ['as the place of issue', 'Certificate', { issuedAt: '234123412346' }],
  ])('has the document refused %s', (_case, element, attributes) => {
    expect(() => fieldsOf(withAttributes(LICENCE, element, attributes))).toThrow(refusedWith('DOC_AADHAAR_NUMBER'))
  })

  it('is found in a number as well as in text, at any depth', () => {
    expect(hidesAadhaarNumber({ vehicle: [{ seats: 234123412346 }] })).toBe(true)
    expect(hidesAadhaarNumber({ vehicle: [{ seats: 234123412345 }] })).toBe(false)
  })

  it.each([
    ['twelve digits with a wrong check digit', '234123412345'],
    ['twelve digits that begin with 1', '123412341234'],
    ['thirteen digits', '2341234123465'],
    ['a licence number', 'KA0120100001234'],
    ['a licence number in parts', 'KA-01-2010-0001234'],
    ['three years in a row that begin with 1', '1988 2010 2020'],
  ])('is not taken for %s', (_case, number) => {
    expect(fieldsOf(withAttributes(LICENCE, 'Certificate', { number })).number).toBe(number)
  })
})

describe('values that never leave — documents-and-signatures.md §6', () => {
  it('stand in the documents of this test', () => {
    const all = documents.map(([, document]) => print(document)).join('')
    for (const secret of SECRETS) expect(all).toContain(secret)
  })

  it.each(documents)('are not read from %s', (_name, document) => {
    const strings = stringsOf(fieldsOf(document))
    for (const secret of SECRETS) expect(strings.filter((text) => text.includes(secret))).toEqual([])
  })

  const PRIVATE = new Set([
    ...['uid', 'title', 'swd', 'swdIndicator', 'motherName', 'fatherName', 'relationWithHof', 'maritalStatus'],
    ...['religion', 'category', 'disabilityStatus', 'phone', 'email', 'age', 'tin'],
    ...['tkn', 'txn', 'ttl', 'm', 'e', 'co', 'careof', 'format', 'father', 'caste'],
  ])

  it.each(documents)('are not read from %s whatever they are', (_name, document) => {
    const marker = 'Zqx Secret 7'
    const marked = (element: Node): Node =>
      node(
        element.name,
        Object.fromEntries(
          Object.entries(element.attributes).map(([key, value]) => [
            key,
            PRIVATE.has(key) && !(element.name === 'UidData' && key === 'uid') ? marker : value,
          ]),
        ),
        ...element.children.map((child) => (typeof child === 'string' ? marker : marked(child))),
        ...(element.name === 'Photo' || element.name === 'Pht' ? [] : [marker]),
      )
    expect(print(marked(document))).toContain(marker)
    expect(stringsOf(fieldsOf(marked(document))).filter((text) => text.includes(marker))).toEqual([])
  })
})

describe('the original characters', () => {
  const at = (fields: DocumentFields, path: string) =>
    path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], fields)

  it.each(documents)('of %s stand in the document and belong to a value that was read', (_name, document) => {
    const fields = fieldsOf(document)
    const written = new Set(attributesOf(document))
    for (const [path, text] of Object.entries(fields.original ?? {})) {
      expect(written).toContain(text)
      expect(at(fields, path), path).toBeDefined()
    }
  })

  it.each(documents)('and the values of %s cannot be changed', (_name, document) => {
    const check = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      expect(Object.isFrozen(value)).toBe(true)
      Object.values(value).forEach(check)
    }
    check(fieldsOf(document))
  })

  function attributesOf(element: Node): string[] {
    const below = element.children.flatMap((child) => (typeof child === 'string' ? [] : attributesOf(child)))
    return [...Object.values(element.attributes), ...below]
  }
})
