import { describe, expect, it } from 'vitest'
import { scanPdf } from '../../../src/documents/pdf/scan.ts'
import { PDF_LIMITS } from '../../../src/documents/pdf/verdict.ts'

const scan = (text: string) => scanPdf(Buffer.from(`%PDF-1.7\n${text}`, 'latin1'), PDF_LIMITS)
const FAKE = '<< /Type /Sig >>'

describe('scanPdf — PDF syntax (ISO 32000-1 §7.2, §7.3)', () => {
  it('reads nesting as deep as any writer makes it and no deeper', () => {
    const arrays = (levels: number) => `${'['.repeat(levels)}${FAKE}${']'.repeat(levels)}`
    expect(scan(arrays(63))).toMatchObject({ fault: undefined, signatures: [{}] })
    expect(scan(arrays(64))).toMatchObject({ fault: 'unreadable', signatures: [] })
  })

  it.each([
    ['a key that is no name', '<< 5 /Type >> 1'],
    ['a value missing at the end of a dictionary', '<< /Type >> 1'],
    ['an array closed as a dictionary', '[ 1 >> 1'],
    ['a dictionary closed as an array', '<< /A 1 ] 1'],
    ['a stream without an end', '<< /Length 5 >> stream\nabcde'],
    ['a string without an end', '(abc'],
  ])('stops at %s', (_what, text) => {
    expect(scan(`${text} ${FAKE}`).fault).toBe('unreadable')
  })

  it('stops at a hex string without an end', () => {
    expect(scan('1 <ab').fault).toBe('unreadable')
  })

  it.each([
    ['a delimiter that opens nothing, between objects', `>> ] ) } ${FAKE}`],
    ['a word that is far too long', `${'x'.repeat(5000)} ${FAKE}`],
    ['a name that is far too long', `<< /${'x'.repeat(5000)} 1 >> ${FAKE}`],
    ['an escaped bracket in a string', `(\\( \\\\) ${FAKE}`],
    ['balanced brackets in a string', `(( ( ) )) ${FAKE}`],
    ['a keyword against a delimiter', `1 0 obj${FAKE}endobj`],
    ['a generation that is none', `[1 2 3 4 0R 5 0 Rx 6 -1 R] ${FAKE}`],
    ['a stream whose line ends in CR alone', `<< /Length 3 >> stream\rabcendstream ${FAKE}`],
    ['a stream whose data begin like its end', `<< /Length 9 >>\nstream\nendstream\nendstream ${FAKE}`],
  ])('reads on behind %s', (_what, text) => {
    expect(scan(text)).toMatchObject({ fault: undefined, signatures: [{}] })
  })

  it('takes the length of a stream from the last object of that number, as an update would have it', () => {
    const twice = '8 0 obj 2 endobj 8 0 obj 16 endobj'
    expect(scan(`7 0 obj << /Length 8 0 R >> stream\n${FAKE}\nendstream ${twice}`).signatures).toHaveLength(0)
  })
})
