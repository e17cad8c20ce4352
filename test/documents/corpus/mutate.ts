import { C14N, ENVELOPED, EXCLUSIVE_C14N, XMLDSIG } from '../../../src/documents/profiles.ts'
import type { Random } from './random.ts'

/** Texts here are Latin-1: one character a byte, so that every cut and every flip is one of bytes. */
type Mutation = (text: string, random: Random, others: readonly string[]) => string

export interface Mutant {
  readonly bytes: Buffer
  /** what was done, in order, so that a find can be understood */
  readonly steps: readonly string[]
}

/** How many changes pile up in one mutant at most. */
const MOST_STEPS = 5

/**
 * One mutant of a document. Half of them suffer only changes that mean nothing where they hit well: they get deep into
 * the verifier, and many are accepted. The others suffer anything.
 * @param others documents from which pieces are borrowed
 */
export function mutate(original: Uint8Array, random: Random, others: readonly string[]): Mutant {
  let text = Buffer.from(original).toString('latin1')
  const names = random.chance(0.5) ? GENTLE_NAMES : ALL_NAMES
  const steps: string[] = []
  do {
    const name = random.pick(names)
    text = MUTATIONS[name]?.(text, random, others) ?? text
    steps.push(name)
  } while (steps.length < MOST_STEPS && random.chance(0.45))
  return { bytes: Buffer.from(text, 'latin1'), steps }
}

export const toBytesText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const utf8 = (text: string) => toBytesText(Buffer.from(text, 'utf8'))

/** Bytes that mean something to a parser somewhere. */
const TELLING = [...'<>&"\'/=!?-[]:; \t\n\r\0#x', '\x0b', '\x7f', '\x80', '\xc0', '\xef', '\xff'] as const
const SNIPPETS = [
  '<!-- x -->',
  '<!---->',
  '<!--',
  '-->',
  '<![CDATA[x]]>',
  '<![CDATA[]]>',
  '<![CDATA[',
  ']]>',
  '<?x y?>',
  '<?xml version="1.0"?>',
  '<x/>',
  '<x>',
  '</x>',
  '<x y="z"/>',
  '<Person name="EVE"/>',
  '<Signature/>',
  '<SignedInfo/>',
  '<DigestValue/>',
  '<Object/>',
  `<Signature xmlns="${XMLDSIG}"/>`,
  '<x:y/>',
  '<x:y xmlns:x="urn:x"/>',
  '<!DOCTYPE x>',
  '<!doctype x>',
  '<!ENTITY x "y">',
  '&amp;',
  '&lt;',
  '&gt;',
  '&quot;',
  '&apos;',
  '&#13;',
  '&#10;',
  '&#9;',
  '&#x20;',
  '&#65;',
  '&#0;',
  '&#xFFFE;',
  '&#x1F600;',
  '&x;',
  '&',
  '&#',
  ';',
  ' x="y"',
  " x='y'",
  ' name="EVE"',
  ' xmlns="urn:x"',
  ' xmlns=""',
  ' xmlns:x="urn:x"',
  ` xmlns:ds="${XMLDSIG}"`,
  ' xml:id="x"',
  ' xml:space="preserve"',
  ' Id="x"',
  ' xmlns:xml="http://www.w3.org/XML/1998/namespace"',
  ' xmlnsx="y"',
  ' xmlns:xmlns="urn:x"',
  ' x:y="z" xmlns:x="urn:x"',
  'EVE',
  ' ',
  '\n',
  '\r',
  '\r\n',
  '\t',
  '=',
  '"',
  "'",
  '/',
  '/>',
  '>',
  '<',
  ...['\uFEFF', '\u0085', '\u00a0', '\u2028', '\uFFFE', '\uFFFD', 'é', 'क', '😀'].map(utf8),
] as const
const IDENTIFIERS = [
  C14N,
  `${C14N}#WithComments`,
  EXCLUSIVE_C14N,
  `${EXCLUSIVE_C14N}WithComments`,
  ENVELOPED,
  `${XMLDSIG}rsa-sha1`,
  `${XMLDSIG}sha1`,
  `${XMLDSIG}hmac-sha1`,
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmlenc#sha256',
  'http://www.w3.org/TR/1999/REC-xpath-19991116',
  '',
] as const
const NAMESPACES = ['urn:x', 'urn:y', '', XMLDSIG, 'http://www.w3.org/XML/1998/namespace'] as const
const PREFIXES = ['', 'x', 'y', 'ds', 'xml', 'xmlns'] as const

const TAG = /<[^<>]*>/g
const START_TAG = /<[A-Za-z][^<>]*>/g
const ATTRIBUTE = /\s[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*')/g
const TEXT = /(?<=>)[^<>]+(?=<)/g
const EMPTY_PAIR = /<([\w:]+)([^<>]*[^/<>]|)><\/\1>/g
const EMPTY_TAG = /<([\w:]+)([^<>]*?)\s*\/>/g
/** An element of no element's parent: enough to cut, copy and move. */
const SMALL_ELEMENT = /<([\w:]+)(?:\s[^<>]*)?>[^<>]*<\/\1>|<[\w:]+(?:\s[^<>]*)?\/>/g
const BASE64 = /(?<=<(?:\w+:)?(?:SignatureValue|X509Certificate|DigestValue)>)[^<]+/g

/** Applies a change to one of the places that fit, if there is any. */
const at =
  (pattern: RegExp, change: (found: string, random: Random) => string): Mutation =>
  (text, random) => {
    const found = [...text.matchAll(pattern)]
    if (found.length === 0) return text
    const { index, 0: piece } = random.pick(found)
    return text.slice(0, index) + change(piece, random) + text.slice(index + piece.length)
  }

/** Puts something in, anywhere in the piece. */
function putIn(piece: string, what: string, random: Random): string {
  const place = random.below(piece.length + 1)
  return piece.slice(0, place) + what + piece.slice(place)
}

function span(text: string, random: Random): readonly [number, number] {
  const start = random.below(text.length)
  const longest = random.pick([1, 4, 16, 64, 400])
  return [start, Math.min(text.length, start + 1 + random.below(longest))]
}

const byteMutations: Readonly<Record<string, Mutation>> = {
  'flip a bit': (text, random) => {
    const [start] = span(text, random)
    const flipped = String.fromCharCode(text.charCodeAt(start) ^ (1 << random.below(8)))
    return text.slice(0, start) + flipped + text.slice(start + 1)
  },
  'set a byte': (text, random) => {
    const [start] = span(text, random)
    return text.slice(0, start) + random.pick(TELLING) + text.slice(start + 1)
  },
  'insert a byte': (text, random) => putIn(text, random.pick(TELLING), random),
  'insert any byte': (text, random) => putIn(text, String.fromCharCode(random.below(256)), random),
  'delete a span': (text, random) => {
    const [start, end] = span(text, random)
    return text.slice(0, start) + text.slice(end)
  },
  'repeat a span': (text, random) => {
    const [start, end] = span(text, random)
    return text.slice(0, end) + text.slice(start)
  },
  'exchange two spans': (text, random) => {
    const [[a, b], [c, d]] = [span(text, random), span(text, random)].sort((one, other) => one[0] - other[0]) as [
      readonly [number, number],
      readonly [number, number],
    ]
    if (b > c) return text
    return text.slice(0, a) + text.slice(c, d) + text.slice(b, c) + text.slice(a, b) + text.slice(d)
  },
  'move a span': (text, random) => {
    const [start, end] = span(text, random)
    return putIn(text.slice(0, start) + text.slice(end), text.slice(start, end), random)
  },
  'borrow a span': (text, random, others) => {
    const other = random.pick(others)
    const [start, end] = span(other, random)
    return putIn(text, other.slice(start, end), random)
  },
  truncate: (text, random) => text.slice(0, random.below(text.length)),
}

const structuralMutations: Readonly<Record<string, Mutation>> = {
  'insert a snippet': (text, random) => putIn(text, random.pick(SNIPPETS), random),
  'insert a snippet beside a tag': at(TAG, (tag, random) =>
    random.chance(0.5) ? tag + random.pick(SNIPPETS) : random.pick(SNIPPETS) + tag,
  ),
  'insert a snippet into a tag': at(START_TAG, (tag, random) =>
    tag.replace(/(\/?>)$/, `${random.pick(SNIPPETS).replaceAll('$', '')}$1`),
  ),
  'delete a tag': at(TAG, () => ''),
  'repeat a tag': at(TAG, (tag) => tag + tag),
  'delete an element': at(SMALL_ELEMENT, () => ''),
  'repeat an element': at(SMALL_ELEMENT, (element) => element + element),
  'move an element': (text, random) => {
    const elements = [...text.matchAll(SMALL_ELEMENT)]
    const tags = [...text.matchAll(TAG)]
    if (elements.length === 0 || tags.length === 0) return text
    const { index, 0: element } = random.pick(elements)
    const without = text.slice(0, index) + text.slice(index + element.length)
    const place = Math.min(random.pick(tags).index, without.length)
    return without.slice(0, place) + element + without.slice(place)
  },
  'borrow an element': (text, random, others) => {
    const [element = ''] = random.pick([...random.pick(others).matchAll(SMALL_ELEMENT)])
    return at(TAG, (tag) => element + tag)(text, random, others)
  },
  'delete an attribute': at(ATTRIBUTE, () => ''),
  'repeat an attribute': at(ATTRIBUTE, (attribute) => attribute + attribute),
  'change a value': at(ATTRIBUTE, (attribute, random) =>
    attribute.replace(/(["']).*/s, (value) => putIn(value, random.pick(SNIPPETS), random)),
  ),
  'change text': at(TEXT, (text, random) => putIn(text, random.pick(SNIPPETS), random)),
  'change the case of a name': at(TAG, (tag, random) =>
    tag.replace(/\w+/, (name) => (random.chance(0.5) ? name.toUpperCase() : name.toLowerCase())),
  ),
  'put a name under a prefix': at(TAG, (tag, random) =>
    tag.replace(/\w/, `${random.pick(['x', 'ds', 'xml', 'xmlns'])}:$&`),
  ),
  'name another algorithm': at(/(?<=Algorithm=["'])[^"']*/g, (_uri, random) => random.pick(IDENTIFIERS)),
  'name another namespace': at(/(?<=xmlns(?::\w+)?=["'])[^"']*/g, (_uri, random) => random.pick(NAMESPACES)),
  'change base64': at(BASE64, (base64, random) =>
    putIn(base64, random.pick(['A', '=', '*', '<x/>', '<!-- -->', '&#65;', '\x80']), random),
  ),
  'exchange two values': (text, random) => {
    const values = [...text.matchAll(/(?<==")[^"<]*(?=")/g)]
    if (values.length < 2) return text
    const [one, other] = [random.pick(values), random.pick(values)].sort((a, b) => a.index - b.index) as [
      RegExpExecArray,
      RegExpExecArray,
    ]
    if (one.index === other.index) return text
    const between = text.slice(one.index + one[0].length, other.index)
    return text.slice(0, one.index) + other[0] + between + one[0] + text.slice(other.index + other[0].length)
  },
}

/** What XML lets a sender do without a change of meaning, if it is done where it should be. */
const gentleMutations: Readonly<Record<string, Mutation>> = {
  'comment beside a tag': at(TAG, (tag, random) => (random.chance(0.5) ? `${tag}<!-- x -->` : `<!-- <y> & -->${tag}`)),
  'comment in text': at(TEXT, (text, random) => putIn(text, '<!-- x -->', random)),
  'CDATA around text': at(TEXT, (text, random) => {
    const start = random.below(text.length)
    return `${text.slice(0, start)}<![CDATA[${text.slice(start)}]]>`
  }),
  'reference for a letter of text': at(TEXT, toReference),
  'reference for a letter of a value': at(ATTRIBUTE, (attribute, random) => {
    const [, before = '', value = '', quote = ''] = /^(.*?["'])(.*)(["'])$/s.exec(attribute) ?? []
    return before + toReference(value, random) + quote
  }),
  'the other quotes': at(ATTRIBUTE, (attribute) =>
    attribute.includes("'") ? attribute.replaceAll("'", '"') : attribute.replaceAll('"', "'"),
  ),
  'attributes in another order': at(START_TAG, (tag, random) => {
    const attributes = tag.match(ATTRIBUTE) ?? []
    if (attributes.length < 2) return tag
    const start = tag.indexOf(attributes[0] ?? '')
    const end = tag.lastIndexOf(attributes.at(-1) ?? '') + (attributes.at(-1) ?? '').length
    const turn = 1 + random.below(attributes.length - 1)
    return tag.slice(0, start) + [...attributes.slice(turn), ...attributes.slice(0, turn)].join('') + tag.slice(end)
  }),
  'white space in a tag': at(START_TAG, (tag, random) =>
    random.chance(0.5) ? tag.replace(/(\/?>)$/, `${space(random)}$1`) : tag.replace(/\s/, space(random)),
  ),
  'white space around =': at(ATTRIBUTE, (attribute, random) =>
    attribute.replace('=', `${space(random)}=${space(random)}`),
  ),
  'white space in an end tag': at(/<\/[\w:]+>/g, (tag, random) => tag.replace('>', `${space(random)}>`)),
  'white space for a space of a value': at(ATTRIBUTE, (attribute, random) =>
    attribute.replace(/(?<=["'].*) /, random.pick(['\t', '\n', '\r', '\r\n', '&#32;'])),
  ),
  'an empty element collapsed': at(EMPTY_PAIR, (pair) => pair.replace(/><\/[^>]*>$/, '/>')),
  'an empty element expanded': at(EMPTY_TAG, (tag) => tag.replace(/<([\w:]+)(.*?)\s*\/>/s, '<$1$2></$1>')),
  'a line end of DOS': at(/(?<!\r)\n/g, () => '\r\n'),
  'a line end of an old Mac': at(/(?<!\r)\n/g, () => '\r'),
  'white space in base64': at(BASE64, (base64, random) =>
    putIn(base64, random.pick(['\n', ' ', '\t', '\r\n', '&#13;\n', '&#xD;', '&#10;']), random),
  ),
  'a namespace declared': at(START_TAG, (tag, random) => {
    const prefix = random.pick(PREFIXES)
    return tag.replace(/(?=\/?>$)/, ` xmlns${prefix && `:${prefix}`}="${random.pick(NAMESPACES)}"`)
  }),
  'a namespace declared again': at(
    /\sxmlns(?::\w+)?=(?:"[^"]*"|'[^']*')(?=[^<>]*>)[^<>]*><[\w:]+/g,
    (piece) => piece + (/\sxmlns\S*/.exec(piece)?.[0].replace(/\/?>.*/s, '') ?? ''),
  ),
  'white space between parts of KeyInfo': at(
    /<\/?(?:\w+:)?(?:X509Data|KeyInfo|Signature|X509Certificate)[ >]/g,
    (tag, random) => space(random) + tag,
  ),
  'a certificate twice': at(/<((?:\w+:)?X509Certificate)>[^<]*<\/\1>/g, (element) => element + element),
  'a certificate that is none': at(
    /<((?:\w+:)?)X509Certificate>/g,
    (tag) => `${tag}AAAA${tag.replace('<', '</')}${tag}`,
  ),
  'another subject name': at(/(?<=<(?:\w+:)?X509SubjectName>)[^<]*/g, (name, random) => putIn(name, 'CN=X', random)),
  'the declaration changed': (text, random) =>
    text.replace(
      /^<\?xml[^>]*\?>\s*/,
      random.pick([
        '',
        '<?xml version="1.0"?>',
        "<?xml version='1.0' encoding='utf-8'?>\n",
        '<?xml  version="1.0"  standalone="no" ?>',
      ]),
    ),
  'a byte order mark': (text) => utf8('\uFEFF') + text,
  'something after the root': (text, random) => text + random.pick(['\n', ' ', '<!-- x -->', '\r\n<!-- -->\n']),
  '> for its reference': at(/&gt;/g, () => '>'),
  nothing: (text) => text,
}

const MUTATIONS: Readonly<Record<string, Mutation>> = { ...byteMutations, ...structuralMutations, ...gentleMutations }
const GENTLE_NAMES = Object.keys(gentleMutations)
const ALL_NAMES = Object.keys(MUTATIONS)

const space = (random: Random) => random.pick([' ', '  ', '\n', '\t', '\r\n', '\r'])

/** One ASCII character by number, where there is one that is not part of a reference already. */
function toReference(text: string, random: Random): string {
  const place = random.below(text.length)
  const code = text.charCodeAt(place)
  if (Number.isNaN(code) || code >= 0x80 || text.includes('&')) return text
  const reference = random.chance(0.5) ? `&#${code};` : `&#x${code.toString(16)};`
  return text.slice(0, place) + reference + text.slice(place + 1)
}
