import { Buffer } from 'node:buffer'

/** The body of an indirect object, by its number. */
export type Objects = Readonly<Record<number, string>>

export interface Layout {
  readonly eol?: string
  /** entries put into the trailer beside Size, Root and Prev */
  readonly trailer?: string
  /** the numbers of objects in the order in which they stand in the file */
  readonly order?: readonly number[]
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const CONTENT = 'BT /F1 12 Tf 72 720 Td (Specimen) Tj ET'

export const stream = (data: string, entries = '') =>
  `<< /Length ${data.length}${entries} >>\nstream\n${data}\nendstream`

/** One page; the comment after the header is binary, as real writers put it. */
export function makePdf(more: Objects = {}, layout: Layout = {}): Buffer {
  const objects: Objects = {
    1: '<< /Type /Catalog /Pages 2 0 R >>',
    2: '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    3: '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << >> >>',
    4: stream(CONTENT),
    ...more,
  }
  const eol = layout.eol ?? '\n'
  return append(latin1(`%PDF-1.7${eol}%\xe2\xe3\xcf\xd3${eol}`), objects, layout)
}

/** An incremental update: new and changed objects, a cross-reference section and a trailer after the old end. */
export function updatePdf(base: Buffer, objects: Objects, layout: Layout = {}): Buffer {
  return append(base, objects, layout)
}

function append(base: Buffer, objects: Objects, layout: Layout): Buffer {
  const eol = layout.eol ?? '\n'
  const numbers = layout.order ?? Object.keys(objects).map(Number)
  let text = ''
  const offsets = new Map<number, number>()
  for (const number of numbers) {
    offsets.set(number, base.length + text.length)
    text += `${number} 0 obj${eol}${objects[number]?.replaceAll('\n', eol)}${eol}endobj${eol}`
  }
  const previous = /startxref\s+(\d+)\s+%%EOF\s*$/.exec(base.toString('latin1'))?.[1]
  const size = Math.max(sizeOf(base), ...numbers.map((number) => number + 1))
  const prev = previous === undefined ? '' : ` /Prev ${previous}`
  const xref = `xref${eol}${previous === undefined ? `0 1${eol}0000000000 65535 f${pad(eol)}` : ''}${sections(offsets, eol)}`
  const trailer = `trailer${eol}<< /Size ${size} /Root 1 0 R${prev} ${layout.trailer ?? ''} >>${eol}`
  const end = `startxref${eol}${base.length + text.length}${eol}%%EOF${eol}`
  return Buffer.concat([base, latin1(text + xref + trailer + end)])
}

const pad = (eol: string) => (eol.length === 2 ? eol : ` ${eol}`)
const sections = (offsets: ReadonlyMap<number, number>, eol: string) =>
  [...offsets]
    .toSorted(([one], [other]) => one - other)
    .map(([number, offset]) => `${number} 1${eol}${String(offset).padStart(10, '0')} 00000 n${pad(eol)}`)
    .join('')
const sizeOf = (base: Buffer) =>
  Math.max(0, ...Array.from(base.toString('latin1').matchAll(/\/Size (\d+)/g), ([, size]) => Number(size)))

export type Numbers = readonly [number, number, number, number]

export interface SigningOptions {
  readonly subFilter?: string
  /** size of Contents in bytes; the rest is padded with zeros */
  readonly room?: number
  /** entries of the signature dictionary, with the two that matter spelled by these */
  readonly dictionary?: (byteRange: string, contents: string) => string
  /** the ByteRange to write and to sign; given is the right one */
  readonly byteRange?: (right: Numbers) => Numbers
  /** how it is spelled */
  readonly spell?: (numbers: Numbers) => string
  /** the string of hex digits, delimiters included; of the same length as given */
  readonly hex?: (right: string) => string
  /** objects that stand in the same update */
  readonly more?: Objects
  readonly layout?: Layout
  /** numbers of the signature and its field, default 10 and 11 */
  readonly numbers?: readonly [number, number]
  /** fields that the form already has */
  readonly fields?: string
}

/** Makes the CMS for what the ByteRange covers. */
export type CmsMaker = (covered: Buffer) => Promise<Buffer> | Buffer

const RANGE_WIDTH = 60
const RANGE_HERE = `[${'#'.repeat(RANGE_WIDTH - 2)}]`

/** Signs as real signers do: an update with the signature, its field and the form, then the two holes are filled. */
export async function signPdf(base: Buffer, makeCms: CmsMaker, options: SigningOptions = {}): Promise<Buffer> {
  const hole = `<${'0'.repeat((options.room ?? 8192) * 2)}>`
  const [signature, field] = options.numbers ?? [10, 11]
  const subFilter = options.subFilter ?? 'adbe.pkcs7.detached'
  const dictionary =
    options.dictionary ??
    ((byteRange: string, contents: string) =>
      `<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /${subFilter} /ByteRange ${byteRange}\n/Contents ${contents} >>`)
  const objects: Objects = {
    [signature]: dictionary(RANGE_HERE, hole),
    [field]: `<< /Type /Annot /Subtype /Widget /FT /Sig /T (S${field}) /V ${signature} 0 R /F 132 /Rect [0 0 0 0] /P 3 0 R >>`,
    1: `<< /Type /Catalog /Pages 2 0 R /AcroForm << /SigFlags 3 /Fields [${options.fields ?? ''} ${field} 0 R] >> >>`,
    ...options.more,
  }
  const unsigned = updatePdf(base, objects, options.layout)
  return fill(unsigned, base.length, hole, makeCms, options)
}

async function fill(
  unsigned: Buffer,
  from: number,
  hole: string,
  makeCms: CmsMaker,
  { byteRange, spell, hex }: SigningOptions,
): Promise<Buffer> {
  const file = Buffer.from(unsigned)
  const a = file.indexOf(hole, from, 'latin1')
  const b = a + hole.length
  const right: Numbers = [0, a, b, file.length - b]
  const numbers = byteRange?.(right) ?? right
  const spelled = (spell ?? ((n: Numbers) => `[${n.join(' ')}]`))(numbers).padEnd(RANGE_WIDTH)
  const rangeAt = file.indexOf(RANGE_HERE, from, 'latin1')
  if (rangeAt >= 0) file.write(spelled, rangeAt, 'latin1')
  const cms = await makeCms(coveredBy(file, numbers))
  const digits = cms.toString('hex').padEnd(hole.length - 2, '0')
  if (digits.length > hole.length - 2) throw new Error('the CMS does not fit')
  file.write(hex?.(`<${digits}>`) ?? `<${digits}>`, a, 'latin1')
  return file
}

export const coveredBy = (file: Buffer, [start, a, b, c]: Numbers) =>
  Buffer.concat([file.subarray(start, start + a), file.subarray(b, b + c)])

/** Overwrites the first place of `from` with text of the same length, as an attacker does who keeps offsets intact. */
export function overwrite(file: Buffer, from: string, to: string): Buffer {
  const at = file.indexOf(from, 0, 'latin1')
  if (at < 0 || from.length !== to.length) throw new Error('nothing to overwrite')
  const changed = Buffer.from(file)
  changed.write(to, at, 'latin1')
  return changed
}
