import { describe, expect, it } from 'vitest'
import { agreedContent } from '../../src/documents/agreement.ts'
import { PROFILES } from '../../src/documents/profiles.ts'
import { parseXml } from '../../src/documents/xml.ts'
import { utf8 } from './fixtures.ts'

const CANONICAL = '<a b="1"><c>x</c><c>y</c></a>'
const seen = (content: string, canonical = CANONICAL) => ({
  canonical,
  content: parseXml(content, PROFILES.digilocker.limits),
})
const agreed = (second: ReturnType<typeof seen>) => agreedContent(utf8(CANONICAL), second)

describe('two verifiers that accept', () => {
  it('agree on content, however it was written', () => {
    const content = agreed(seen(`<a b='1'><c>x</c><c><![CDATA[y]]></c></a>`))
    expect(content).toMatchObject({ name: 'a', children: [{ text: 'x' }, { text: 'y' }] })
  })

  it('are not believed when they digested other bytes, by however little', () => {
    const other = seen(CANONICAL, CANONICAL.replace('b="1"', 'b="1" '))
    expect(() => agreed(other)).toThrow(expect.objectContaining({ check: 'agreement.canonical' }))
  })

  it.each([
    ['a text', '<a b="1"><c>x</c><c>z</c></a>'],
    ['an attribute', '<a b="2"><c>x</c><c>y</c></a>'],
    ['an attribute more', '<a b="1" d="2"><c>x</c><c>y</c></a>'],
    ['an attribute of another name', '<a d="1"><c>x</c><c>y</c></a>'],
    ['an element fewer', '<a b="1"><c>x</c></a>'],
    ['an element more', '<a b="1"><c>x</c><c>y</c><c></c></a>'],
    ['the order', '<a b="1"><c>y</c><c>x</c></a>'],
    ['a name', '<a b="1"><c>x</c><d>y</d></a>'],
    ['a namespace', '<a b="1" xmlns="urn:x"><c>x</c><c>y</c></a>'],
  ])('are not believed when they read another thing: %s', (_what, content) => {
    expect(() => agreed(seen(content))).toThrow(expect.objectContaining({ check: 'agreement.values' }))
  })
})
