import { DECLARATION } from '../../fixtures.ts'
import { pan, swap, toCases } from '../case.ts'

const prolog = (text: string) => pan(DECLARATION, DECLARATION + text)
const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('')

/** security.md XM-2: a document type is refused before anything could read it; so is what works without one. */
export const doctypeCases = toCases('document type', [
  ['a DOCTYPE', 'bytes.doctype', prolog('<!DOCTYPE Certificate>')],
  ['with an internal subset', 'bytes.doctype', prolog('<!DOCTYPE Certificate [<!ELEMENT Certificate ANY>]>')],
  ['with an external subset', 'bytes.doctype', prolog('<!DOCTYPE Certificate SYSTEM "http://canary.example/x.dtd">')],
  ['with a public identifier', 'bytes.doctype', prolog('<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "x">')],
  [
    'an entity that reads a file',
    'bytes.doctype',
    ({ pan }) =>
      swap(
        swap(pan, DECLARATION, '<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/hostname">]>'),
        '<CertificateData>',
        '<CertificateData>&x;',
      ),
  ],
  ['entities of entities', 'bytes.doctype', prolog(`<!DOCTYPE c [<!ENTITY l0 "ha">${laughs}]>`)],
  ['one long entity', 'bytes.doctype', prolog(`<!DOCTYPE c [<!ENTITY a "${'a'.repeat(100_000)}">]>`)],
  ['a parameter entity', 'bytes.doctype', prolog('<!DOCTYPE c [<!ENTITY % p SYSTEM "http://canary.example/">%p;]>')],
  ['a default attribute', 'bytes.doctype', prolog('<!DOCTYPE c [<!ATTLIST Person admin CDATA "yes">]>')],
  ['an attribute that it makes an id', 'bytes.doctype', prolog('<!DOCTYPE c [<!ATTLIST Person name ID #IMPLIED>]>')],
  ['a namespace by default', 'bytes.doctype', prolog('<!DOCTYPE c [<!ATTLIST Person xmlns CDATA #FIXED "urn:x">]>')],
  ['after the root', 'bytes.doctype', ({ pan }) => `${pan}<!DOCTYPE Certificate>`],
  ['before the declaration', 'bytes.doctype', ({ pan }) => `<!DOCTYPE Certificate>${pan}`],
  ['inside the root', 'bytes.doctype', pan('<IssuedTo>', '<!DOCTYPE x><IssuedTo>')],
  ['inside a comment', 'bytes.doctype', prolog('<!-- <!DOCTYPE x> -->')],
  ['inside CDATA', 'bytes.doctype', pan('<CertificateData>', '<CertificateData><![CDATA[<!DOCTYPE x>]]>')],
  ['in lower case', 'bytes.well-formed', prolog('<!doctype Certificate>')],
  ['in mixed case', 'bytes.well-formed', prolog('<!DocType Certificate>')],
  ['broken by a space', 'bytes.well-formed', prolog('<! DOCTYPE Certificate>')],
  ['an ENTITY without a DOCTYPE', 'bytes.well-formed', prolog('<!ENTITY x "y">')],
  ['an ENTITY inside the root', 'bytes.well-formed', pan('<IssuedTo>', '<!ENTITY x "y"><IssuedTo>')],
  ['a conditional section', 'bytes.well-formed', pan('<IssuedTo>', '<![INCLUDE[<x/>]]><IssuedTo>')],
  ['a stylesheet', 'bytes.instruction', prolog('<?xml-stylesheet href="http://canary.example/x.xsl"?>')],
  ['an instruction beside a value', 'bytes.instruction', pan('<IssuedTo>', '<?php phpinfo(); ?><IssuedTo>')],
  ['an instruction after the root', 'bytes.instruction', ({ pan }) => `${pan}<?x?>`],
  ['an instruction in the signature', 'bytes.instruction', pan('<SignedInfo>', '<SignedInfo><?x?>')],
  [
    'an instruction in the place of text, which C14N of xml-crypto prints as if it were that text',
    'bytes.instruction',
    ({ licence }) => swap(licence, '>L2ltYWdl<', '><?a L2ltYWdl?><'),
  ],
])
