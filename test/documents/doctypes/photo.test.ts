import { describe, expect, it } from 'vitest'
import { readPhoto } from '../../../src/documents/doctypes/photo.ts'
import { refusedWith } from '../fixtures.ts'
import { AADHAAR, BIRTH, ENTITY, edited, KYC, LICENCE, type Node, OFFLINE, parsed } from './fixtures.ts'

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
const photoOf = (document: Node) => readPhoto(parsed(document))
const picturing = (text: string) => edited(LICENCE, 'Photo', (photo) => ({ ...photo, children: [text] }))

describe('photograph — documents-and-signatures.md §1.3, §1.6, §5.2', () => {
  it.each([
    ['a licence', LICENCE],
    ['a birth certificate', BIRTH],
    ['an e-Aadhaar', AADHAAR],
    ['an e-Aadhaar with KycRes as its root', KYC],
    ['an offline e-KYC', OFFLINE],
  ])('is read from %s', (_case, document) => {
    const photo = photoOf(document)
    expect(photo?.mediaType).toBe('image/jpeg')
    expect(Buffer.from(photo?.bytes ?? []).toString('base64')).toBe('/9j/4AAQSkZJRg==')
  })

  it.each([
    ['image/jpeg', 'ffd8ffe000104a46'],
    ['image/jp2', '0000000c6a5020200d0a870a00000014'],
    ['image/j2c', 'ff4fff51002f0000'],
    ['image/png', '89504e470d0a1a0a0000000d'],
  ])('is known for %s by its first bytes, whatever the document calls it', (mediaType, hex) => {
    expect(photoOf(picturing(base64(hex)))?.mediaType).toBe(mediaType)
  })

  it('is read through the line ends of base64', () => {
    expect(photoOf(picturing('/9j/4AAQ\r\n SkZJRg==\n'))?.bytes).toHaveLength(10)
  })

  it.each([
    ['blank', picturing(' \n')],
    ['not there', edited(LICENCE, 'Photo', () => undefined)],
    ['of an organisation', ENTITY],
  ])('is nothing when it is %s', (_case, document) => {
    expect(photoOf(document)).toBeUndefined()
  })

  it.each([
    ['SVG', picturing(base64('3c737667'))],
    ['HTML behind a comment of an image', picturing(base64('3c21ffd8ff'))],
    ['GIF', picturing(base64('474946383961'))],
    ['PDF', picturing(base64('255044462d'))],
    ['half a PNG signature', picturing(base64('89504e470d0a'))],
    ['not base64', picturing('/9j/4AAQ*kZJRg==')],
    ['base64 cut short', picturing('/9j/4AA')],
    ['base64 of URLs', picturing('_9j_4AAQSkZJRg==')],
    ['two photographs', edited(LICENCE, 'Person', (p) => ({ ...p, children: [...p.children, ...p.children] }))],
  ])('is refused when it is %s', (_case, document) => {
    expect(() => photoOf(document)).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })
})
