import { describe, expect, it } from 'vitest'
import { derWithoutPadding } from '../../../src/documents/pdf/der.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const refusedFor = (reason: string) => expect.objectContaining({ name: 'PdfFault', reason })
/** A sequence of sequences, short enough for one byte of length each. */
const nested = (levels: number) =>
  hex(
    Array.from({ length: levels }, (_, level) => level * 2).reduce(
      (inner, length) => `30${length.toString(16).padStart(2, '0')}${inner}`,
      '',
    ),
  )

// asn1js takes most of these, so the whole pipeline cannot show that they are refused here.
describe('derWithoutPadding — X.690 §10', () => {
  it.each([
    ['an empty sequence', '3000', '3000'],
    ['zeros after it', '3000 000000', '3000'],
    ['a length of one byte more', `308180 ${'0500'.repeat(64)}`, `308180${'0500'.repeat(64)}`],
  ])('hands on the value alone: %s', (_what, given, value) => {
    expect(Buffer.from(derWithoutPadding(hex(given))).toString('hex')).toBe(value)
  })

  it('takes nesting as deep as any CMS and no deeper', () => {
    expect(derWithoutPadding(nested(32))).toHaveLength(64)
    expect(() => derWithoutPadding(nested(33))).toThrow(refusedFor('cms_malformed'))
  })

  it.each([
    ['nothing', '', 'cms_malformed'],
    ['a tag alone', '30', 'cms_malformed'],
    ['a set', '3100', 'cms_malformed'],
    ['half an element within', '300105', 'cms_malformed'],
    ['a part that is longer than the whole', '3003 0402 01', 'cms_malformed'],
    ['a part that reaches into the padding', '3003 040300 0000', 'cms_malformed'],
    ['an end-of-contents within', '3002 0000', 'cms_malformed'],
    ['a tag of several bytes', '3003 1f8100', 'cms_malformed'],
    ['a length of five bytes', '30850000000002 0500', 'cms_malformed'],
    ['an open end', '3080 0500 0000', 'cms_not_der'],
    ['an open end within', '3006 a080 0500 0000', 'cms_not_der'],
    ['a long length for a short value', '308102 0500', 'cms_not_der'],
    ['a wasted byte of length', `30820080 ${'0500'.repeat(64)}`, 'cms_not_der'],
    ['a string in parts', '3004 2402 0400', 'cms_not_der'],
    ['another value after it', '3000 0500', 'cms_trailing_bytes'],
  ])('refuses %s', (_what, given, reason) => {
    expect(() => derWithoutPadding(hex(given))).toThrow(refusedFor(reason))
  })
})
