import type { CheckId } from '../../../../src/documents/checks.ts'
import { DS, forge, PAN, referenceOf, transforms } from '../../fixtures.ts'
import { type HostileCase, swap } from '../case.ts'
import { signatureIn, type World } from '../world.ts'

/** What all verifiers anywhere have taken for an id. */
export const ID_ATTRIBUTES = ['Id', 'ID', 'id', 'xml:id'] as const
type IdAttribute = (typeof ID_ATTRIBUTES)[number]
const RELATIONS = ['another id', 'the same id', 'no id'] as const
type Relation = (typeof RELATIONS)[number]

interface Pieces {
  /** what was signed, without its signature */
  readonly original: string
  readonly signature: string
  /** what the attacker wants read */
  readonly forged: string
}

/**
 * The eight classic forms (Somorovsky and others, "On Breaking SAML", 2012), in the words of our documents: the first two
 * forge the root, the others an element in it. `put` places a child last in its parent.
 */
const FORMS: readonly (readonly [string, 'root' | 'part', (pieces: Pieces) => string])[] = [
  ['XSW1, the original inside the signature', 'root', (p) => put(p.forged, put(p.signature, p.original))],
  ['XSW2, the original beside the signature', 'root', (p) => put(p.forged, p.original + p.signature)],
  ['XSW3, the forgery before the original', 'part', (p) => rooted(p.forged + signed(p))],
  ['XSW4, the forgery around the original', 'part', (p) => rooted(put(p.forged, signed(p)))],
  [
    'XSW5, the forgery with the signature, the original last',
    'part',
    (p) => rooted(put(p.forged, p.signature) + p.original),
  ],
  [
    'XSW6, the original inside the signature of the forgery',
    'part',
    (p) => rooted(put(p.forged, put(p.signature, p.original))),
  ],
  ['XSW7, the forgery in an extension', 'part', (p) => rooted(`<Extensions>${p.forged}</Extensions>${signed(p)}`)],
  [
    'XSW8, the original in an Object of the signature',
    'part',
    (p) => rooted(put(p.forged, put(p.signature, `<Object>${p.original}</Object>`))),
  ],
]

/** Our documents sign the whole: the same eight forms with `URI=""`, where the signature stays last in the root. */
const WHOLE: readonly (readonly [string, CheckId, (pieces: Pieces) => string])[] = [
  ['XSW1, the original inside the signature', 'shape.children', (p) => put(p.forged, put(p.signature, p.original))],
  ['XSW2, the original beside the signature', 'signature.digest', (p) => put(p.forged, p.original + p.signature)],
  ['XSW3, the forgery before the original', 'shape.place', (p) => rooted(p.forged + signed(p))],
  ['XSW4, the forgery around the original', 'shape.place', (p) => put(p.forged, signed(p))],
  ['XSW5, the original after the signature', 'shape.place', (p) => put(put(p.forged, p.signature), p.original)],
  [
    'XSW6, the original inside SignedInfo',
    'shape.children',
    (p) => put(p.forged, swap(p.signature, '<SignedInfo>', `<SignedInfo>${p.original}`)),
  ],
  [
    'XSW7, the original in an extension',
    'signature.digest',
    (p) => put(p.forged, `<Extensions>${p.original}</Extensions>${p.signature}`),
  ],
  [
    'XSW8, the original in an Object of the signature',
    'shape.children',
    (p) => put(p.forged, put(p.signature, `<Object>${p.original}</Object>`)),
  ],
]

/** security.md XM-6. Every signature here is genuine: the trusted signer made it over what it names. */
export const wrappingCases: readonly HostileCase[] = [
  ...FORMS.flatMap(([form, target, arrange]) =>
    ID_ATTRIBUTES.flatMap((attribute) =>
      RELATIONS.map((relation) => ({
        name: `wrapping: ${form}; ${attribute}, the forgery has ${relation}`,
        check: checkOf(form, attribute, relation, target),
        make: (world: World) =>
          arrange(target === 'root' ? rootPieces(world, attribute, relation) : partPieces(world, attribute, relation)),
      })),
    ),
  ),
  ...WHOLE.map(([form, check, arrange]) => ({
    name: `wrapping: ${form}; the whole document is signed`,
    check,
    make: ({ signer }: World) =>
      arrange({ original: PAN, signature: signatureIn(forge(PAN, signer)), forged: forgery(PAN) }),
  })),
]

/** `xml:id` is refused as soon as it is met: where the forgery has none, a signature in the wrong place may come first. */
function checkOf(form: string, attribute: IdAttribute, relation: Relation, target: 'root' | 'part'): CheckId {
  const signatureFirst = relation === 'no id' && /^XSW[568]/.test(form)
  if (attribute === 'xml:id' && !signatureFirst) return 'bytes.subset'
  if (target === 'part') return 'shape.place'
  return form.startsWith('XSW1') ? 'shape.children' : 'shape.reference'
}

const ISSUED_TO = /<IssuedTo>.*<\/IssuedTo>/s.exec(PAN)?.[0] ?? ''

const forgery = (original: string) => swap(original, 'MEERA  EXAMPLE', 'EVE FORGED')

function rootPieces(world: World, attribute: IdAttribute, relation: Relation): Pieces {
  return pieces(world, (id) => identified(PAN, attribute, id), relation)
}

function partPieces(world: World, attribute: IdAttribute, relation: Relation): Pieces {
  return pieces(world, (id) => identified(ISSUED_TO, attribute, id), relation)
}

function pieces({ signer }: World, make: (id: string | undefined) => string, relation: Relation): Pieces {
  const original = make('signed')
  const references = (digest: string) => referenceOf(digest, transforms(`${DS}enveloped-signature`), ' URI="#signed"')
  const signature = signatureIn(forge(original, signer, { references }))
  const id = { 'another id': 'forged', 'the same id': 'signed', 'no id': undefined }[relation]
  return { original, signature, forged: forgery(make(id)) }
}

/** Canonical order: plain attributes by name, capitals first; those of a namespace last. */
function identified(element: string, attribute: IdAttribute, id: string | undefined): string {
  if (id === undefined) return element
  const written = ` ${attribute}="${id}"`
  return attribute === 'xml:id'
    ? element.replace(/^<\w+[^>]*/, (tag) => tag + written)
    : element.replace(/^<\w+/, (tag) => tag + written)
}

const put = (parent: string, child: string) => parent.replace(/<\/\w+>$/, (end) => child + end)
const signed = ({ original, signature }: Pieces) => put(original, signature)
const rooted = (children: string) => `<Certificate>${children}</Certificate>`
