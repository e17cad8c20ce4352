import { DECLARATION } from '../../fixtures.ts'
import { pan, swap, toCases } from '../case.ts'
import type { World } from '../world.ts'

/** Bytes put in the place of the person's first name. */
const inName =
  (...bytes: number[]) =>
  ({ pan: text }: World) => {
    const document = Buffer.from(swap(text, 'MEERA', '~'))
    const at = document.indexOf('~')
    return Buffer.concat([document.subarray(0, at), Buffer.from(bytes), document.subarray(at + 1)])
  }
const declared = (declaration: string) => pan(DECLARATION, declaration)
const utf16 = (text: string, swapped: boolean) => {
  const little = Buffer.from(`\uFEFF${swap(text, 'UTF-8', 'UTF-16')}`, 'utf16le')
  return swapped ? little.swap16() : little
}

/** security.md XM-1: other bytes than plain UTF-8, and declarations that promise other bytes. */
export const encodingCases = toCases('encoding', [
  ['UTF-16, little end first', 'bytes.utf8', ({ pan }) => utf16(pan, false)],
  ['UTF-16, big end first', 'bytes.utf8', ({ pan }) => utf16(pan, true)],
  ['UTF-16 without a mark', 'bytes.well-formed', ({ pan }) => Buffer.from(pan, 'utf16le')],
  ['a Latin-1 letter', 'bytes.utf8', inName(0xe9)],
  ['a slash in two bytes (overlong)', 'bytes.utf8', inName(0xc0, 0xaf)],
  ['a < in two bytes (overlong)', 'bytes.utf8', inName(0xc0, 0xbc)],
  ['NUL in two bytes (overlong)', 'bytes.utf8', inName(0xc0, 0x80)],
  ['an overlong form of three bytes', 'bytes.utf8', inName(0xe0, 0x80, 0xaf)],
  ['half a surrogate pair', 'bytes.utf8', inName(0xed, 0xa0, 0x80)],
  ['a surrogate pair in six bytes (CESU-8)', 'bytes.utf8', inName(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
  ['a code point beyond Unicode', 'bytes.utf8', inName(0xf4, 0x90, 0x80, 0x80)],
  ['a character broken off', 'bytes.utf8', inName(0xe0, 0xa4)],
  ['a continuation byte alone', 'bytes.utf8', inName(0x80)],
  ['the byte FF', 'bytes.utf8', inName(0xff)],
  [
    'a character broken off at the very end',
    'bytes.utf8',
    ({ pan }) => Buffer.concat([Buffer.from(pan), Buffer.from([0xe0])]),
  ],
  ['two byte order marks', 'bytes.utf8', ({ pan }) => `\uFEFF\uFEFF${pan}`],
  ['NUL in a value', 'bytes.characters', inName(0)],
  ['NUL in text', 'bytes.characters', pan('<CertificateData>', '<CertificateData>\0')],
  ['NUL after the root', 'bytes.well-formed', ({ pan }) => `${pan}\0`],
  ['a bell in a value', 'bytes.characters', inName(7)],
  ['an escape character in text', 'bytes.characters', pan('<CertificateData>', '<CertificateData>\x1b')],
  ['a form feed in a comment', 'bytes.characters', pan('<IssuedTo>', '<!--\f--><IssuedTo>')],
  ['a form feed in CDATA', 'bytes.characters', pan('<CertificateData>', '<CertificateData><![CDATA[\f]]>')],
  ['a form feed for white space in a tag', 'bytes.well-formed', pan('<PAN ', '<PAN\f')],
  ['U+FFFE in a value', 'bytes.characters', inName(0xef, 0xbf, 0xbe)],
  ['U+FFFF in text', 'bytes.characters', pan('<CertificateData>', '<CertificateData>\uFFFF')],
  ['a byte order mark in a tag', 'bytes.subset', pan('<PAN ', '<PAN\uFEFF ')],
  ['a byte order mark between elements', 'signature.digest', pan('<IssuedTo>', '\uFEFF<IssuedTo>')],
  ['a Latin-1 label', 'bytes.declaration', pan('UTF-8', 'ISO-8859-1')],
  ['a Windows label', 'bytes.declaration', pan('UTF-8', 'windows-1252')],
  ['a UTF-16 label over UTF-8', 'bytes.declaration', pan('UTF-8', 'UTF-16')],
  ['a UTF-7 label', 'bytes.declaration', pan('UTF-8', 'UTF-7')],
  ['a label that only looks like UTF-8', 'bytes.declaration', pan('UTF-8', 'UTF8')],
  ['an empty label', 'bytes.declaration', pan('UTF-8', '')],
  ['XML 1.1', 'bytes.declaration', pan('1.0', '1.1')],
  ['XML 2.0', 'bytes.declaration', pan('1.0', '2.0')],
  ['no version', 'bytes.declaration', pan(' version="1.0"', '')],
  ['the encoding before the version', 'bytes.declaration', declared('<?xml encoding="UTF-8" version="1.0"?>')],
  ['an unknown word in the declaration', 'bytes.declaration', declared('<?xml version="1.0" encoding="UTF-8" x="y"?>')],
  ['the word version in upper case', 'bytes.declaration', pan('version', 'Version')],
  ['the word encoding in upper case', 'bytes.declaration', pan('encoding', 'ENCODING')],
  ['the word standalone in upper case', 'bytes.declaration', pan('standalone', 'STANDALONE')],
  ['standalone with a word in upper case', 'bytes.declaration', pan('"yes"', '"YES"')],
  ['standalone with another word', 'bytes.declaration', pan('"yes"', '"maybe"')],
  ['a declaration without quotes', 'bytes.declaration', pan('"1.0"', '1.0')],
  ['a declaration that does not end', 'bytes.declaration', ({ pan }) => swap(pan, '?>', ' >')],
  ['a declaration after white space', 'bytes.instruction', ({ pan }) => `\n${pan}`],
  ['a declaration after a comment', 'bytes.instruction', ({ pan }) => `<!-- x -->${pan}`],
  ['a declaration that breaks off, and nothing else', 'bytes.declaration', () => '<?xml version="1.0"?x'],
  ['two declarations', 'bytes.instruction', ({ pan }) => DECLARATION + pan],
  ['a declaration inside the root', 'bytes.instruction', pan('<IssuedTo>', '<?xml version="1.0"?><IssuedTo>')],
  ['an upper-case declaration', 'bytes.instruction', pan('<?xml', '<?XML')],
  ['nothing at all', 'bytes.well-formed', () => ''],
  ['white space alone', 'bytes.well-formed', () => ' \n'],
  ['a declaration alone', 'bytes.well-formed', () => DECLARATION],
  ['JSON', 'bytes.well-formed', () => '{"name":"EVE"}'],
  ['a ZIP', 'bytes.well-formed', () => 'PK\x03\x04'],
  ['a PDF', 'bytes.well-formed', () => '%PDF-1.7\n'],
  ['4 MB of zeros', 'bytes.well-formed', () => Buffer.alloc(4_000_000)],
  ['4 MB of <', 'bytes.well-formed', () => Buffer.alloc(4_000_000, '<')],
])
