import { signDetached } from './cms.ts'
import { indianTime } from './dates.ts'
import { FONTS, fill, literal, OBJECT, type PdfPage, pageObjects, streamObject, write, writePdf } from './pdf.ts'
import type { Signer } from './pki.ts'

/** Bytes of room for the CMS: four certificates, of which the root is big, take some 6 KiB. */
const ROOM = 10 * 1024
const HOLE = `<${'0'.repeat(ROOM * 2)}>`
const RANGE_HERE = '[0 ########## ########## ##########]'

const SIGNATURE = OBJECT.next
const FIELD = SIGNATURE + 1
const APPEARANCE = SIGNATURE + 2
const BOX = { x: 319, y: 68, width: 220, height: 62 } as const
const GREEN = '0.13 0.45 0.24'

/**
 * The page with a signature over the whole file but the hole that holds it, visible on the page: `adbe.pkcs7.detached`,
 * with its chain and the time of signing, as Indian government PDFs have it.
 * @param at epoch seconds: the time of signing, by the signer's own word
 * @see ISO 32000-1 §12.7.4.5, §12.8; documents-and-signatures.md §4
 */
export function signPdf(page: PdfPage, signer: Signer, at: number): Buffer {
  const file = writePdf([
    ...pageObjects(page, {
      catalog: ` /AcroForm << /SigFlags 3 /Fields [${FIELD} 0 R] >>`,
      annotations: ` /Annots [${FIELD} 0 R]`,
    }),
    signatureDictionary(signer, at),
    signatureField(),
    appearance(signer, at),
  ])
  const start = file.indexOf(HOLE, 0, 'latin1')
  const end = start + HOLE.length
  const range = `[0 ${start} ${end} ${file.length - end}]`.padEnd(RANGE_HERE.length)
  file.write(range, file.indexOf(RANGE_HERE, 0, 'latin1'), 'latin1')
  const cms = signDetached(Buffer.concat([file.subarray(0, start), file.subarray(end)]), signer, at)
  if (cms.length > ROOM) throw new RangeError('the signature is bigger than its room')
  file.write(cms.toString('hex'), start + 1, 'latin1')
  return file
}

function signatureDictionary({ commonName }: Signer, at: number): string {
  const [day = '', clock = ''] = indianTime(at).split('T')
  const time = `(D:${day.replaceAll('-', '')}${clock.slice(0, 8).replaceAll(':', '')}+05'30')`
  const about = `/Name ${literal(commonName)} /M ${time} /Reason (Issued through the DigiLocker simulator) /Location (India)`
  const how = '/Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached'
  return `<< ${how} ${about} /ByteRange ${RANGE_HERE} /Contents ${HOLE} >>`
}

/** Printed with the page, and locked (ISO 32000-1 §12.5.3). */
function signatureField(): string {
  const { x, y, width, height } = BOX
  const place = `/Rect [${x} ${y} ${x + width} ${y + height}] /P ${OBJECT.page} 0 R /F 132`
  return `<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signature1) ${place} /V ${SIGNATURE} 0 R /AP << /N ${APPEARANCE} 0 R >> >>`
}

function appearance({ commonName }: Signer, at: number): string {
  const { width, height } = BOX
  const [day, clock] = indianTime(at).split('T')
  const drawn = [
    fill('0.93 0.97 0.94', 0, 0, width, height),
    fill(GREEN, 0, 0, 4, height),
    write('Digitally signed by', [14, 43], 'F1', 8, GREEN),
    write(commonName, [14, 28], 'F2', 10),
    write(`${day} ${clock?.slice(0, 8)} IST`, [14, 13], 'F1', 8),
  ].join('\n')
  const form = `/Type /XObject /Subtype /Form /BBox [0 0 ${width} ${height}] /Resources ${FONTS} `
  return streamObject(drawn, form)
}
