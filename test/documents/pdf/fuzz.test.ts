import { beforeAll, describe, expect, it } from 'vitest'
import type { PdfVerdict } from '../../../src/documents/pdf/verdict.ts'
import { DocumentError } from '../../../src/errors.ts'
import { signPdf as signAsSimulator } from '../../../src/simulator/signed-pdf.ts'
import { spentUntil } from '../../support/spent.ts'
import { signPdf } from './fixtures.ts'
import { AT, cmsBy, makeWorld, TRUSTED, type World } from './support.ts'

let world: World
let one: Buffer
let two: Buffer
let simulated: Buffer
beforeAll(async () => {
  world = await makeWorld()
  one = await world.signed({}, { room: 2048 })
  two = await signPdf(one, cmsBy(world.signer), { room: 2048, numbers: [12, 13], fields: '11 0 R' })
  const page = { title: 'Driving License', issuer: 'An office', rows: [['Name', 'Dev Rathore']] } as const
  simulated = signAsSimulator(page, world.signer, AT)
})

interface Mutation {
  readonly name: string
  readonly file: Buffer
}

/** Same numbers on every machine, so that a finding can be found again (mulberry32). */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const TOKENS = ['<<', '>>', '[', ']', '(', ')', '<', '>', '%', '/', 'null', 'stream', 'endobj', '\0', '0', '#42', ' R']

function mutate(file: Buffer, pick: (below: number) => number): Mutation {
  const at = pick(file.length)
  const splice = (name: string, drop: number, put: Buffer): Mutation => ({
    name: `${name} at ${at}`,
    file: Buffer.concat([file.subarray(0, at), put, file.subarray(at + drop)]),
  })
  const old = file[at] ?? 0
  switch (pick(7)) {
    case 0:
      return splice('flip a bit', 1, Buffer.of(old ^ (1 << pick(8))))
    case 1:
      return splice('another byte', 1, Buffer.of((old + 1 + pick(255)) % 256))
    case 2:
      return splice('insert a token', 0, Buffer.from(TOKENS[pick(TOKENS.length)] ?? '', 'latin1'))
    case 3:
      return splice('delete some', 1 + pick(40), Buffer.alloc(0))
    case 4:
      return splice('repeat some', 0, file.subarray(at, at + 1 + pick(400)))
    case 5:
      return splice('overwrite with a token', 1, Buffer.from(TOKENS[pick(TOKENS.length)] ?? '', 'latin1'))
    default:
      return { name: `cut at ${at}`, file: file.subarray(0, at) }
  }
}

/** Whether the bytes that signatures cover are still the same: if so, only a gap changed, and there hex may be respelled. */
function coversTheSame(original: Buffer, gaps: readonly (readonly [number, number])[], mutated: Buffer): boolean {
  if (original.length !== mutated.length) return false
  let from = 0
  for (const [start, end] of gaps) {
    if (!original.subarray(from, start).equals(mutated.subarray(from, start))) return false
    from = end
  }
  return original.subarray(from).equals(mutated.subarray(from))
}

const gapsOf = ({ signatures }: PdfVerdict) =>
  signatures.map(({ coverage }) => [coverage?.byteRange[1] ?? 0, coverage?.byteRange[2] ?? 0] as const)

async function survey(original: Buffer, seed: number, rounds: number) {
  const gaps = gapsOf(await world.verify(original))
  const pick = numbersFrom(seed)
  const wrong: string[] = []
  let slowestMs = 0
  for (let round = 0; round < rounds; round += 1) {
    const { name, file } = mutate(original, pick)
    const { result: verdict, ms } = await spentUntil(() => verdictOf(file))
    slowestMs = Math.max(slowestMs, ms)
    if (verdict === 'pdf_signed_trusted' && !coversTheSame(original, gaps, file)) wrong.push(name)
  }
  return { wrong, slowestMs }
}

/** Nothing may be thrown but the one refusal of what is no PDF any more. */
async function verdictOf(file: Buffer): Promise<string> {
  try {
    return (await world.verify(file)).verdict
  } catch (error) {
    if (error instanceof DocumentError && error.code === 'DOC_MALFORMED') return error.code
    throw error
  }
}

describe('verifyPdf — five thousand seeded mutations', () => {
  it('starts from files that are trusted', async () => {
    expect(await world.verify(one)).toMatchObject(TRUSTED)
    expect(await world.verify(two)).toMatchObject(TRUSTED)
    expect(await world.verify(simulated)).toMatchObject(TRUSTED)
  })

  it.each([
    ['one signature', () => one, 20_261_124, 2000],
    ['two signatures', () => two, 7, 1000],
    ['the signature of the simulator', () => simulated, 20_261_128, 2000],
  ] as const)(
    'trusts no file with %s of which a covered byte changed, and never crashes or stalls',
    async (_what, file, seed, rounds) => {
      const { wrong, slowestMs } = await survey(file(), seed, rounds)
      expect(wrong).toEqual([])
      expect(slowestMs).toBeLessThan(1000)
    },
  )

  it('trusts no mutation that stands in the CMS within the signed attributes or the signature', async () => {
    const text = one.toString('latin1')
    const digest = text.indexOf(Buffer.from('06092a864886f70d010904', 'latin1').toString('latin1'))
    expect(digest).toBeGreaterThan(0)
    for (let at = digest + 30; at < digest + 90; at += 1) {
      const changed = Buffer.from(one)
      changed.write(text[at] === 'f' ? '0' : 'f', at, 'latin1')
      expect((await world.verify(changed)).verdict).not.toBe('pdf_signed_trusted')
    }
  })
})
