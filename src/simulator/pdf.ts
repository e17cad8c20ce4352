import { createHash } from 'node:crypto'

/** What is printed on a document: facts of an invented person, and nothing that a machine could read. */
export interface PdfPage {
  readonly title: string
  readonly issuer: string
  readonly rows: readonly (readonly [label: string, value: string])[]
}

/** Objects by number, from 1, as they stand between `obj` and `endobj`. Text is Latin-1. */
export type PdfObjects = readonly string[]

const WIDTH = 595
const HEIGHT = 842
const LEFT = 56
const VALUE = 220
const ROW = 26
const LINE = 14
/** a line of Helvetica 11 from `VALUE` to the right margin, also where all are capitals */
const CHARACTERS = 44

const NAVY = '0.11 0.20 0.39'
const GREY = '0.45 0.47 0.52'
const INK = '0.13 0.14 0.17'
const RULE = '0.88 0.89 0.92'
const RED = '0.70 0.13 0.13'

/** The fonts that every reader has (ISO 32000-1 §9.6.2.2): nothing is embedded, so text is Latin. */
export const FONTS =
  '<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> ' +
  '/F2 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >> >> >>'

/** Numbers of the objects that a signature adds to or refers to. */
export const OBJECT = { catalog: 1, page: 3, content: 4, information: 5, next: 6 } as const

/** One page, unsigned, as some issuers serve it. */
export function makePdf(page: PdfPage): Buffer {
  return writePdf(pageObjects(page))
}

/**
 * @param signature what a signed document has besides: entries of the catalog, and annotations of the page
 * @see ISO 32000-1 §7.7
 */
export function pageObjects(page: PdfPage, signature = { catalog: '', annotations: '' }): PdfObjects {
  const box = `/MediaBox [0 0 ${WIDTH} ${HEIGHT}] /Resources ${FONTS}`
  return [
    `<< /Type /Catalog /Pages 2 0 R /Lang (en-IN)${signature.catalog} >>`,
    `<< /Type /Pages /Kids [${OBJECT.page} 0 R] /Count 1 >>`,
    `<< /Type /Page /Parent 2 0 R ${box} /Contents ${OBJECT.content} 0 R${signature.annotations} >>`,
    streamObject(drawPage(page)),
    `<< /Title ${literal(page.title)} /Producer (DigiLocker simulator) >>`,
  ]
}

/** A file of these objects, in one revision (ISO 32000-1 §7.5). */
export function writePdf(objects: PdfObjects): Buffer {
  // Bytes above 127 in a comment tell programs that carry the file about that it is no text (§7.5.2).
  let text = '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'
  const offsets = objects.map((object, index) => {
    const offset = text.length
    text += `${index + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const table = offsets.map((offset) => `${entry(offset)} 00000 n \n`).join('')
  const size = objects.length + 1
  const id = createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 32)
  const known = `/Size ${size} /Root ${OBJECT.catalog} 0 R /Info ${OBJECT.information} 0 R /ID [<${id}> <${id}>]`
  const trailer = `trailer\n<< ${known} >>\nstartxref\n${text.length}\n%%EOF\n`
  return Buffer.from(`${text}xref\n0 ${size}\n0000000000 65535 f \n${table}${trailer}`, 'latin1')
}

/** The file with an update behind it that shows another page: what anybody can do to a PDF (ISO 32000-1 §7.5.6). */
export function updatePage(file: Buffer, page: PdfPage): Buffer {
  const text = file.toString('latin1')
  const before = /startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1] ?? '0'
  const size = /\/Size (\d+)/.exec(text)?.[1] ?? '0'
  const object = `${OBJECT.content} 0 obj\n${streamObject(drawPage(page))}\nendobj\n`
  const table = `xref\n${OBJECT.content} 1\n${entry(text.length)} 00000 n \n`
  const trailer = `trailer\n<< /Size ${size} /Root ${OBJECT.catalog} 0 R /Prev ${before} >>\n`
  const end = `startxref\n${text.length + object.length}\n%%EOF\n`
  return Buffer.concat([file, Buffer.from(object + table + trailer + end, 'latin1')])
}

const entry = (offset: number) => String(offset).padStart(10, '0')

export const streamObject = (content: string, entries = '') =>
  `<< ${entries}/Length ${content.length} >>\nstream\n${content}\nendstream`

/** A literal string; what the fonts cannot show becomes a question mark. */
export function literal(text: string): string {
  const shown = Array.from(text, (one) => (/[\x20-\x7e\xa1-\xff]/.test(one) ? one : '?')).join('')
  return `(${shown.replace(/[\\()]/g, '\\$&')})`
}

/** @param at from the lower left corner */
export function write(text: string, at: readonly [x: number, y: number], font: 'F1' | 'F2', size: number, color = INK) {
  return `BT /${font} ${size} Tf ${color} rg ${at[0]} ${at[1]} Td ${literal(text)} Tj ET`
}

export const fill = (color: string, x: number, y: number, width: number, height: number) =>
  `${color} rg ${x} ${y} ${width} ${height} re f`

function drawPage({ title, issuer, rows }: PdfPage): string {
  return [...drawHead(title, issuer), ...drawRows(rows), ...drawFoot()].join('\n')
}

function drawHead(title: string, issuer: string): string[] {
  return [
    fill(NAVY, 0, HEIGHT - 84, WIDTH, 84),
    write(issuer, [LEFT, HEIGHT - 45], 'F2', 15, '1 1 1'),
    write('DigiLocker simulator', [LEFT, HEIGHT - 64], 'F1', 10, '0.80 0.84 0.92'),
    fill(RED, WIDTH - 176, HEIGHT - 84, 176, 22),
    write('SIMULATED, NOT REAL', [WIDTH - 163, HEIGHT - 77], 'F2', 12, '1 1 1'),
    write(title, [LEFT, HEIGHT - 126], 'F2', 21, NAVY),
    write('Specimen: invented for tests, good for nothing real.', [LEFT, HEIGHT - 145], 'F1', 10, RED),
  ]
}

function drawRows(rows: PdfPage['rows']): string[] {
  let top = HEIGHT - 178
  return rows.flatMap(([label, value]) => {
    const lines = wrap(value)
    const height = ROW + (lines.length - 1) * LINE
    const baseline = top - 17
    top -= height
    return [
      rule(top),
      write(label, [LEFT, baseline], 'F1', 10, GREY),
      ...lines.map((line, number) => write(line, [VALUE, baseline - number * LINE], 'F1', 11)),
    ]
  })
}

function drawFoot(): string[] {
  return [
    rule(48),
    write('Made by a DigiLocker simulator. Person, number and issuer do not exist.', [LEFT, 32], 'F1', 8, GREY),
  ]
}

const rule = (y: number) => fill(RULE, LEFT, y, WIDTH - 2 * LEFT, 0.75)

function wrap(value: string): string[] {
  const lines = ['']
  for (const word of value.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trim()
    if (longer.length <= CHARACTERS) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}
