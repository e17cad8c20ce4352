import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judge, type Outcome } from '../../test/documents/corpus/judge.ts'
import { type Mutant, mutate, toBytesText } from '../../test/documents/corpus/mutate.ts'
import { faultOf, makeOriginals, type Original } from '../../test/documents/corpus/originals.ts'
import { Random } from '../../test/documents/corpus/random.ts'
import { makeWorld } from '../../test/documents/corpus/world.ts'
import { type Options, readOptions, USAGE } from './options.ts'
import { plainXmlCryptoAccepts } from './plain-xml-crypto.ts'
import { Tally } from './tally.ts'
import { startXmlsec, type Xmlsec } from './xmlsec.ts'

const print = (text: string) => process.stdout.write(`${text}\n`)
const MOST_FINDS = 50
const PROGRESS_EVERY = 5_000

/** Verifiers of other people, asked about signature and digest alone. */
interface Others {
  readonly xmlsec: Xmlsec | undefined
  /** PEM of the one signer */
  readonly certificate: string
}

/** What was seen so far. */
class Findings {
  readonly checks = new Tally()
  readonly others = new Tally()
  readonly finds = new Tally()
  accepted = 0
  refused = 0
  changed = 0
  sampled = 0
}

/**
 * Mutates valid documents and looks for three things that must never be: content other than what was signed, a refusal
 * without a check, and a document that we accept and another verifier refuses.
 * @returns how many such finds there were
 */
async function main(options: Options): Promise<number> {
  const world = await makeWorld()
  const originals = await makeOriginals(world)
  const texts = originals.map(({ bytes }) => toBytesText(bytes))
  const { certificatePem: certificate } = world.signer
  await using xmlsec = await startXmlsec(certificate)
  print(`seed ${options.seed}, ${options.mutants} mutants of ${originals.length} documents`)
  if (!xmlsec) print('no C compiler or no libxmlsec1 headers: xmlsec is not asked')
  const random = new Random(options.seed)
  const found = new Findings()
  const start = performance.now()
  for (let i = 1; i <= options.mutants; i++) {
    const original = random.pick(originals)
    const mutant = mutate(original.bytes, random, texts)
    const finds = await examine(mutant, original, { xmlsec, certificate }, options, found)
    for (const find of finds) await keep(find, i, mutant, original, options, found)
    if (i % PROGRESS_EVERY === 0) print(progress(i, start, found))
  }
  report(found, options)
  return found.finds.rows.reduce((sum, [, count]) => sum + count, 0)
}

/** The names of what is wrong with how one mutant was judged. */
async function examine(
  mutant: Mutant,
  original: Original,
  others: Others,
  { sample }: Options,
  found: Findings,
): Promise<string[]> {
  const outcome = await judge(mutant.bytes, { ...original.question, crossCheck: false })
  const fault = faultOf(outcome, original)
  if (outcome.verdict === 'refused') {
    found.refused++
    found.checks.add(outcome.check ?? 'none')
    if (found.refused % sample === 0) await countOthers(mutant, outcome, others, found)
    return fault ? [fault] : []
  }
  found.accepted++
  if (!mutant.bytes.equals(original.bytes)) found.changed++
  const refusals = await refusalsOf(mutant, original, others)
  return [...(fault ? [fault] : []), ...refusals]
}

/** Who refuses what we accept. */
async function refusalsOf(
  { bytes }: Mutant,
  { question }: Original,
  { xmlsec, certificate }: Others,
): Promise<string[]> {
  const [byXmlsec, both] = await Promise.all([xmlsec?.accepts(bytes), judge(bytes, question)])
  return [
    ...(byXmlsec === false ? ['refused by xmlsec'] : []),
    ...(plainXmlCryptoAccepts(bytes, certificate) ? [] : ['refused by plain xml-crypto']),
    ...(both.verdict === 'refused' ? [`refused by our second reader: ${both.check}`] : []),
  ]
}

/** Of what we refuse, others accept some: they have no profile. It is no fault, and worth a number. */
async function countOthers(
  { bytes }: Mutant,
  outcome: Outcome,
  { xmlsec, certificate }: Others,
  found: Findings,
): Promise<void> {
  found.sampled++
  const check = outcome.verdict === 'refused' ? outcome.check : undefined
  if (await xmlsec?.accepts(bytes)) found.others.add(`${check}: xmlsec accepts`)
  if (plainXmlCryptoAccepts(bytes, certificate)) found.others.add(`${check}: plain xml-crypto accepts`)
}

let folder: string | undefined

async function keep(
  find: string,
  i: number,
  mutant: Mutant,
  original: Original,
  { out }: Options,
  found: Findings,
): Promise<void> {
  found.finds.add(find)
  if (found.finds.of(find) > MOST_FINDS) return
  folder ??= out ?? (await mkdtemp(join(tmpdir(), 'fuzz-')))
  await mkdir(folder, { recursive: true })
  const name = join(folder, `${i}-${find.replace(/\W+/g, '-')}`)
  await writeFile(`${name}.xml`, mutant.bytes)
  await writeFile(`${name}.original.xml`, original.bytes)
  print(`FOUND ${find}: mutant ${i} of "${original.name}" by ${mutant.steps.join(', ')}; ${name}.xml`)
}

function progress(i: number, start: number, { accepted, refused, finds }: Findings): string {
  const seconds = (performance.now() - start) / 1000
  const total = finds.rows.reduce((sum, [, count]) => sum + count, 0)
  return `${i}: ${accepted} accepted, ${refused} refused, ${total} finds, ${(i / seconds).toFixed(0)}/s`
}

function report(found: Findings, { seed, sample }: Options): void {
  const { accepted, changed, refused, sampled, checks, others, finds } = found
  print(`\nseed ${seed}: ${accepted} accepted (${changed} of them not byte for byte the original), ${refused} refused`)
  print(`\nrefused by\n${table(checks)}`)
  print(`\nof those refused one in ${sample}, ${sampled} in all, was put to the others\n${table(others)}`)
  print(`\nfinds\n${table(finds)}`)
}

const table = (tally: Tally) =>
  tally.rows.map(([name, count]) => `${String(count).padStart(8)}  ${name}`).join('\n') || '       0'

if (import.meta.main) {
  const options = readOptions(process.argv.slice(2))
  if (options.help) print(USAGE)
  else process.exitCode = (await main(options)) === 0 ? 0 : 1
}
