import { beforeAll, describe, expect, it } from 'vitest'
import { spentUntil } from '../../support/spent.ts'
import { makePdf, signPdf } from './fixtures.ts'
import { altered, cmsBy, makeWorld, outcome, TRUSTED, unsigned, untrusted, type World } from './support.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const FAKE = '<< /Type /Sig >>'
const MIB = 1024 * 1024
const filled = (unit: string, bytes = 15 * MIB - 100) =>
  Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(bytes, unit, 'latin1')])

describe('verifyPdf — limits', () => {
  it('reads as many objects as allowed and no more', async () => {
    const file = await world.signed()
    const maxObjects = file.toString('latin1').split('endobj').length - 1
    expect(outcome(await world.verify(file, { maxObjects }))).toEqual(TRUSTED)
    expect((await world.verify(file, { maxObjects: maxObjects - 1 })).reasons).toContain('too_many_objects')
    expect((await world.verify(file, { maxObjects: maxObjects - 1 })).verdict).toBe('pdf_altered_after_signing')
    expect(outcome(await world.verify(file, { maxObjects: 2 }))).toEqual(unsigned('too_many_objects', 'no_signature'))
  })

  it('reads as many values as allowed and no more', async () => {
    const file = makePdf({ 7: `[${'0 '.repeat(5000)}]` })
    expect(outcome(await world.verify(file, { maxValues: 5200 }))).toEqual(unsigned('no_signature'))
    expect(outcome(await world.verify(file, { maxValues: 5000 }))).toEqual(unsigned('too_many_objects', 'no_signature'))
  })

  it('judges eight signatures and not nine', async () => {
    const eight = await world.verify(makePdf({ 7: `[${FAKE.repeat(8)}]` }))
    expect(outcome(eight)).toEqual(altered('contents_missing'))
    const nine = await world.verify(makePdf({ 7: `[${FAKE.repeat(9)}]` }))
    expect(outcome(nine)).toEqual(untrusted('too_many_signatures'))
    expect(nine).toMatchObject({ signatureCount: 9, signatures: [] })
  })

  it('reads sixteen certificates and not seventeen', async () => {
    const certificates = (count: number) => Array.from({ length: count }, () => world.signer.certificateDer)
    const options = { room: 64 * 1024 }
    expect(outcome(await world.verify(await world.signed({ certificates: certificates(16) }, options)))).toEqual(
      TRUSTED,
    )
    const many = await world.signed({ certificates: certificates(17) }, options)
    expect(outcome(await world.verify(many))).toEqual(untrusted('too_many_certificates'))
  })

  it('reads 256 KiB of Contents and no more', async () => {
    const room = 256 * 1024
    expect(outcome(await world.verify(await world.signed({}, { room })))).toEqual(TRUSTED)
    expect(outcome(await world.verify(await world.signed({}, { room: room + 1 })))).toEqual(
      untrusted('contents_too_large'),
    )
  })
})

describe('verifyPdf — hostile bytes', () => {
  it.each([
    ['opens arrays without end', '['],
    ['opens dictionaries without end', '<<'],
    ['nests dictionaries without end', '<</a'],
    ['opens strings without end', '('],
    ['opens a hex string without end', '<0'],
    ['closes what it never opened', '>>])}'],
    ['is one long word', 'x'],
    ['is one long number', '7'],
    ['is all references', '1 0 R '],
    ['is all numbers', '1 '],
    ['is all names', '/A'],
    ['is all comments', '%\n'],
    ['is one long comment', '%'],
    ['is all streams', '<</Length 9 0 R>>stream\n'],
    ['is all ended streams', '<</Length 9 0 R>>stream\nendstream '],
    ['is all small dictionaries in one array', '<</Type/X>>'],
    ['is all lengths that are never found', '1234567890 0 obj   '],
    ['is all white space', ' '],
    ['is all zeros', '\0'],
  ])('gives a verdict on 15 MiB that %s, in bounded time', async (_how, unit) => {
    const { result, ms } = await spentUntil(() => world.verify(filled(unit)))
    expect(result.verdict).toBe('pdf_unsigned')
    // Generous: these take 10 to 400 ms; what grows with the square takes minutes.
    expect(ms).toBeLessThan(5000)
  })

  it('calls a file unreadable that ends within an object, and altered where a signature was seen', async () => {
    expect(outcome(await world.verify(Buffer.from('%PDF-1.7\n1 0 obj << /A (')))).toEqual(
      unsigned('unreadable', 'no_signature'),
    )
    const file = await world.signed()
    const cut = await world.verify(Buffer.concat([file, Buffer.from('<<')]))
    expect(outcome(cut)).toEqual(altered('unreadable', 'update_after_signing'))
  })

  it('survives 10 MiB of which one signature covers all', async () => {
    const base = makePdf({ 5: `<< /Length 9000000 >>\nstream\n${'x'.repeat(9_000_000)}\nendstream` })
    expect(outcome(await world.verify(await signPdf(base, cmsBy(world.signer))))).toEqual(TRUSTED)
  })
})
