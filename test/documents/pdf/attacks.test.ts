import { deflateSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { makePdf, type Numbers, overwrite, type SigningOptions, signPdf, stream, updatePdf } from './fixtures.ts'
import { altered, cmsBy, makeWorld, outcome, TRUSTED, untrusted, type World } from './support.ts'

let world: World
let file: Buffer
beforeAll(async () => {
  world = await makeWorld()
  file = await world.signed()
})

// In these the believed signer signed exactly what the ByteRange says: only the rule named can refuse.
describe('verifyPdf — ByteRange and Contents (ISO 32000-1 §12.8.1, security.md PD-1)', () => {
  const shift = (a: number, b: number, c: number) => (right: Numbers) =>
    [0, right[1] + a, right[2] + b, right[3] + c] as const
  const cases: readonly [string, SigningOptions, string][] = [
    ['begins after the first byte', { byteRange: ([, a, b, c]) => [1, a - 1, b, c] }, 'byte_range_start'],
    ['has nothing before the gap', { byteRange: ([, , b, c]) => [0, 0, b, c] }, 'byte_range_order'],
    ['has nothing after the gap', { byteRange: ([, a, b]) => [0, a, b, 0] }, 'byte_range_order'],
    ['has no gap', { byteRange: ([, a, , c]) => [0, a, a, c] }, 'byte_range_order'],
    ['descends', { byteRange: ([, a, , c]) => [0, a, 10, c] }, 'byte_range_order'],
    ['overlaps itself', { byteRange: ([, a, , c]) => [0, a, a - 5, c] }, 'byte_range_order'],
    ['ends after the file', { byteRange: shift(0, 0, 1) }, 'byte_range_bounds'],
    ['ends before its own dictionary', { byteRange: ([, a, b]) => [0, a, b, 1] }, 'byte_range_bounds'],
    ['leaves out a byte before Contents', { byteRange: shift(-1, 0, 0) }, 'byte_range_gap'],
    ['leaves out a byte after Contents', { byteRange: shift(0, 1, -1) }, 'byte_range_gap'],
    ['covers the opening delimiter of Contents', { byteRange: shift(1, 0, 0) }, 'byte_range_gap'],
    ['covers the closing delimiter of Contents', { byteRange: shift(0, -1, 1) }, 'byte_range_gap'],
    ['is missing', { dictionary: (_, contents) => `<< /Type /Sig /Contents ${contents} >>` }, 'byte_range_missing'],
    ['is null', { spell: () => 'null' }, 'byte_range_missing'],
    ['is indirect', { spell: () => '14 0 R' }, 'byte_range_indirect'],
    ['is a name', { spell: () => '/All' }, 'byte_range_malformed'],
    ['is empty', { spell: () => '[]' }, 'byte_range_malformed'],
    ['has three numbers', { spell: (n) => `[${n.slice(0, 3).join(' ')}]` }, 'byte_range_malformed'],
    ['has six numbers', { spell: (n) => `[${n.join(' ')} 0 0]` }, 'byte_range_malformed'],
    ['has a negative number', { spell: ([, a, b, c]) => `[-0 ${a} ${b} ${c}]` }, 'byte_range_malformed'],
    ['has a signed number', { spell: ([, a, b, c]) => `[0 +${a} ${b} ${c}]` }, 'byte_range_malformed'],
    ['has a fraction', { spell: ([, a, b, c]) => `[0 ${a}.0 ${b} ${c}]` }, 'byte_range_malformed'],
    ['has a reference for a number', { spell: ([, a, b]) => `[0 ${a} ${b} 14 0 R]` }, 'byte_range_malformed'],
    ['has a number beyond all files', { spell: ([, a, b]) => `[0 ${a} ${b} 99999999999]` }, 'byte_range_malformed'],
    ['has words among its numbers', { spell: (n) => `[${n.join(' ')} x]` }, 'byte_range_malformed'],
  ]
  it.each(cases)('refuses a ByteRange that %s', async (_how, options, reason) => {
    expect(outcome(await world.verify(await world.signed({}, options)))).toEqual(altered(reason))
  })

  const contents: readonly [string, SigningOptions, string][] = [
    ['missing', { dictionary: (r, c) => `<< /Type /Sig /ByteRange ${r} /Cert ${c} >>` }, 'contents_missing'],
    [
      'null',
      { dictionary: (r, c) => `<< /Type /Sig /ByteRange ${r} /Contents null /Cert ${c} >>` },
      'contents_missing',
    ],
    ['indirect', { dictionary: (r, c) => `<< /ByteRange ${r} /Contents 14 0 R /Cert ${c} >>` }, 'contents_indirect'],
    ['a plain string', { hex: (h) => `(${h.slice(1, -1)})` }, 'contents_malformed'],
    ['hex with white space', { hex: (h) => `${h.slice(0, 90)}  ${h.slice(92)}` }, 'contents_malformed'],
    ['hex with other characters', { hex: (h) => `${h.slice(0, -3)}zz>` }, 'contents_malformed'],
    ['hex with half a byte', { hex: (h) => `${h.slice(0, -2)}> ` }, 'byte_range_gap'],
    ['empty', { hex: (h) => `<>${' '.repeat(h.length - 2)}` }, 'byte_range_gap'],
    ['another string than the gap', { dictionary: wrapped }, 'byte_range_gap'],
  ]
  it.each(contents)('refuses Contents that are %s', async (_how, options, reason) => {
    expect(outcome(await world.verify(await world.signed({}, options)))).toEqual(altered(reason))
  })

  it('refuses an odd number of hex digits in the very gap', async () => {
    const odd: SigningOptions = { hex: (h) => `${h.slice(0, -2)}> `, byteRange: shift(0, -1, 1) }
    expect(outcome(await world.verify(await world.signed({}, odd)))).toEqual(altered('contents_malformed'))
  })

  it('refuses empty Contents in the very gap', async () => {
    const empty: SigningOptions = {
      hex: (h) => `<>${' '.repeat(h.length - 2)}`,
      byteRange: ([, a, b, c]) => [0, a, a + 2, c + b - a - 2],
    }
    expect(outcome(await world.verify(await world.signed({}, empty)))).toEqual(altered('contents_malformed'))
  })

  it.each([
    [
      'Contents',
      (r: string, c: string) => `<< /SubFilter /adbe.pkcs7.detached /ByteRange ${r} /Contents <00> /Contents ${c} >>`,
    ],
    [
      'ByteRange',
      (r: string, c: string) =>
        `<< /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] /ByteRange ${r} /Contents ${c} >>`,
    ],
    [
      'an escaped ByteRange',
      (r: string, c: string) =>
        `<< /SubFilter /adbe.pkcs7.detached /Byte#52ange [0 1 2 3] /ByteRange ${r} /Contents ${c} >>`,
    ],
    [
      'SubFilter',
      (r: string, c: string) =>
        `<< /SubFilter /adbe.pkcs7.sha1 /SubFilter /adbe.pkcs7.detached /ByteRange ${r} /Contents ${c} >>`,
    ],
  ])('refuses a signature with %s twice', async (_key, dictionary) => {
    expect(outcome(await world.verify(await world.signed({}, { dictionary })))).toEqual(altered('duplicate_key'))
  })
})

describe('verifyPdf — a file changed after signing', () => {
  it('refuses a changed byte anywhere before and after the signature', async () => {
    const changed = overwrite(file, '(Specimen)', '(Sbecimen)')
    expect(outcome(await world.verify(changed))).toEqual(altered('digest_mismatch'))
    expect(outcome(await world.verify(overwrite(file, '/SigFlags 3', '/SigFlags 2')))).toEqual(
      altered('digest_mismatch'),
    )
  })

  it('refuses the signature of another file', async () => {
    const other = await signPdf(makePdf({ 4: stream('BT (Another) Tj ET') }), () => Buffer.alloc(0))
    const hex = file
      .subarray(file.indexOf('/Contents <') + 11, file.indexOf('>', file.indexOf('/Contents <')))
      .toString()
    const at = other.indexOf('/Contents <') + 11
    other.write(hex, at)
    expect(outcome(await world.verify(other))).toEqual(altered('digest_mismatch'))
  })

  it.each([
    ['a line end', '\n'],
    ['a space', ' '],
    ['a zero', '\0'],
    ['a comment', '%%EOF\n'],
    ['another PDF', makePdf().toString('latin1')],
    ['an unfinished string', '(never closed'],
  ])('refuses %s after the end', async (_what, tail) => {
    const verdict = await world.verify(Buffer.concat([file, Buffer.from(tail, 'latin1')]))
    expect(verdict.verdict).toBe('pdf_altered_after_signing')
    expect(verdict.reasons).toContain('update_after_signing')
  })

  it.each([
    ['replaces the page (incremental saving)', { 4: stream('BT (Forged) Tj ET') }],
    ['replaces the catalog and shows other pages (shadow: replace)', { 1: '<< /Type /Catalog /Pages 20 0 R >>' }],
    ['takes the cover off hidden content (shadow: hide)', { 5: 'null' }],
    ['brings a font of its own', { 6: '<< /Type /Font /Subtype /Type1 /BaseFont /Other >>' }],
    ['takes the signature out of its field', { 11: '<< /FT /Sig /T (S11) >>' }],
    ['puts something else in the place of the signature', { 10: 'null' }],
    [
      'hides a second form in an object stream',
      { 20: objectStream('1 0 << /Type /Catalog /AcroForm << /Fields [] >> >>') },
    ],
  ])('refuses an update that %s', async (_what, objects) => {
    expect(outcome(await world.verify(updatePdf(file, objects)))).toEqual(altered('update_after_signing'))
  })

  it('refuses a signature without ByteRange in an update (universal forgery)', async () => {
    const forged = updatePdf(file, { 10: '<< /Type /Sig /SubFilter /adbe.pkcs7.detached /Contents <3000> >>' })
    expect(outcome(await world.verify(forged))).toEqual(altered('update_after_signing', 'byte_range_missing'))
  })

  it('refuses the same forgery with escaped names, comments and no Type', async () => {
    const forged = updatePdf(file, { 10: '<</Sub#46ilter%x\n/adbe.pkcs7.detached/#43ontents<3000>>>' })
    expect(outcome(await world.verify(forged))).toEqual(altered('update_after_signing', 'byte_range_missing'))
  })

  it('refuses signed bytes moved to the end with forged ones in the gap (signature wrapping)', async () => {
    const [, a, b, c] = await byteRangeOf(file)
    const spelled = `[0 ${a} ${b} ${c}]`
    const forged = Buffer.from('\n>> endobj\n4 0 obj << /Length 0 >> stream\n\nendstream endobj\n', 'latin1')
    const moved = Buffer.concat([file.subarray(0, b), forged, file.subarray(b)])
    const to = `[0 ${a} ${b + forged.length} ${c}]`.padEnd(spelled.length)
    const outcomes = outcome(await world.verify(overwrite(moved, spelled.padEnd(to.length), to)))
    expect(outcomes.reasons).toContain('byte_range_gap')
    expect(outcomes.verdict).toBe('pdf_altered_after_signing')
  })

  it('refuses a document timestamp after the signature: we do not verify it, and it is an update', async () => {
    const dictionary = (range: string, contents: string) =>
      `<< /Type /DocTimeStamp /SubFilter /ETSI.RFC3161 /ByteRange ${range} /Contents ${contents} >>`
    const stamped = await signPdf(file, cmsBy(world.signer), { dictionary, numbers: [12, 13], fields: '11 0 R' })
    const verdict = await world.verify(stamped)
    expect(outcome(verdict)).toEqual(altered('update_after_signing'))
    expect(verdict.documentTimestamps).toBe(1)
  })
})

describe('verifyPdf — several signatures, attacked', () => {
  const second: SigningOptions = { numbers: [12, 13], fields: '11 0 R' }

  it('lets no stranger sign an update over a believed signature', async () => {
    const forged = await signPdf(file, cmsBy(world.stranger), { ...second, more: { 4: stream('BT (Forged) Tj ET') } })
    expect(outcome(await world.verify(forged))).toEqual(untrusted('signer.known'))
  })

  it('refuses an update after the second signature, and one that made the first untrue', async () => {
    const both = await signPdf(file, cmsBy(world.signer), second)
    expect(outcome(await world.verify(both))).toEqual(TRUSTED)
    expect(outcome(await world.verify(updatePdf(both, { 4: stream('BT ET') })))).toEqual(
      altered('update_after_signing'),
    )
    const broken = overwrite(both, '(Specimen)', '(Sbecimen)')
    expect(outcome(await world.verify(broken))).toEqual(altered('digest_mismatch'))
  })

  it('refuses a second signature over a file whose first one was broken already', async () => {
    const broken = overwrite(file, '(Specimen)', '(Sbecimen)')
    const both = await signPdf(broken, cmsBy(world.signer), second)
    expect(outcome(await world.verify(both))).toEqual(altered('digest_mismatch'))
  })

  it('refuses signatures that stand within what the other covers', async () => {
    const both = await signPdf(file, cmsBy(world.signer), second)
    const [, a, b, c] = await byteRangeOf(file)
    // The first one is said to reach over the second, up to the end.
    const longer = `[0 ${a} ${b} ${both.length - b}]`
    const verdict = await world.verify(overwrite(both, `[0 ${a} ${b} ${c}]`.padEnd(longer.length), longer))
    expect(verdict.verdict).toBe('pdf_altered_after_signing')
    expect(verdict.reasons).toContain('byte_range_overlap')
  })
})

describe('verifyPdf — what only looks like a signature', () => {
  const FAKE = '<< /Type /Sig /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] /Contents <00> >>'
  it.each([
    ['a string', { 7: `(${FAKE})` }],
    ['a string with odd brackets', { 7: `(\\) ${FAKE} \\()` }],
    ['a hex string', { 7: '<3C3C202F547970652F5369673E3E>' }],
    ['a comment', { 7: `null % ${FAKE}` }],
    ['a stream', { 7: stream(`${FAKE} endobj 8 0 obj ${FAKE}`) }],
    [
      'a stream with its length elsewhere',
      { 7: `<< /Length 8 0 R >>\nstream\nendstream ${FAKE}\nendstream`, 8: String(FAKE.length + 10) },
    ],
    ['a field', { 7: '<< /FT /Sig /Type /Annot /Contents (Sig) >>' }],
    ['a seed value', { 7: '<< /Type /SV /SubFilter [/adbe.pkcs7.detached] >>' }],
  ])('is not led astray by one in %s', async (_where, objects) => {
    const genuine = await signPdf(makePdf(objects), cmsBy(world.signer))
    expect(outcome(await world.verify(genuine))).toEqual(TRUSTED)
  })

  it('counts a signature behind a stream that claims a wrong length', async () => {
    const objects = { 7: `<< /Length 99999 >>\nstream\nx\nendstream`, 8: FAKE }
    const verdict = await world.verify(makePdf(objects))
    expect(verdict.signatureCount).toBe(1)
  })

  it('counts a signature that stands in its field itself, or deep in an array', async () => {
    expect((await world.verify(makePdf({ 7: `<< /FT /Sig /V ${FAKE} >>` }))).signatureCount).toBe(1)
    expect((await world.verify(makePdf({ 7: `[[[ ${FAKE} ]]]` }))).signatureCount).toBe(1)
  })
})

/** The real CMS in another entry, and Contents that anybody could write. */
function wrapped(range: string, contents: string): string {
  return `<< /SubFilter /adbe.pkcs7.detached /ByteRange ${range} /Cert ${contents} /Contents <${'00'.repeat(64)}> >>`
}

function objectStream(content: string): string {
  return stream(deflateSync(content).toString('latin1'), ' /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode')
}

async function byteRangeOf(pdf: Buffer): Promise<Numbers> {
  const range = (await world.verify(pdf)).signatures[0]?.coverage?.byteRange
  if (!range) throw new Error('no ByteRange')
  return range
}
