import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One place where a check could be taken away, and the file without it. */
export interface Site {
  /** below the root of the tree */
  readonly file: string
  readonly line: number
  /** the check it is for, or the words of the line */
  readonly what: string
  readonly without: string
}

const FILES = [
  'src/documents/{strict,xmldsig}/*.ts',
  'src/documents/trust/{accept-signer,answer-cache,certificate,crl,name,path,path-rules,revocation,signer-checks,signer-lines}.ts',
  'src/documents/{agreement,second-opinion,signing-time,verify,xml}.ts',
]

/** Every guard of the verification of XML: throws, limits, rules in tables, and each part of a condition with several. */
export function findSites(root: string): Site[] {
  const files = globSync(FILES, { cwd: root })
  return files.sort().flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [...edits(text)].map(({ index, length, replacement }) => ({
      file,
      line: text.slice(0, index).split('\n').length,
      what: nameOf(text, index),
      without: text.slice(0, index) + replacement + text.slice(index + length),
    }))
  })
}

interface Edit {
  readonly index: number
  readonly length: number
  readonly replacement: string
}

function* edits(text: string): Generator<Edit> {
  // The reason is still made, and nobody hears of it. A line of a comment throws nothing.
  for (const { index, 0: found } of text.matchAll(/(?<!\*.*)\bthrow (?!error\b)/g)) {
    yield { index, length: found.length, replacement: 'void ' }
  }
  for (const { index, 0: found } of text.matchAll(/this\.#within\((?=\D)/g)) {
    yield { index, length: found.length, replacement: '((..._ignored: unknown[]) => undefined)(' }
  }
  for (const { index, 0: found } of text.matchAll(/(?<!readonly )\bholds:(?= \(|\s\w+ }|\s\w+,)/g)) {
    yield { index, length: found.length, replacement: 'holds: () => true, taken:' }
  }
  for (const { index, 0: found } of text.matchAll(
    /(?<=\bif \()[^\n]*(?=\) throw )|(?<=const (?:fits|noncharacter|control) =)[^\n]*/g,
  )) {
    yield* parts(found, index)
  }
}

/** Each operand of the outermost `||`s or `&&`s of a condition, taken out with its operator. */
function* parts(condition: string, index: number): Generator<Edit> {
  for (const operator of [' || ', ' && ']) {
    const operands = splitOutside(condition, operator)
    if (operands.length < 2) continue
    for (const taken of operands.keys()) {
      const left = operands.filter((_, i) => i !== taken).join(operator)
      yield { index, length: condition.length, replacement: left }
    }
    return
  }
}

function splitOutside(text: string, operator: string): string[] {
  const found: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if ('([{'.includes(text[i] ?? '')) depth++
    if (')]}'.includes(text[i] ?? '')) depth--
    if (depth === 0 && text.startsWith(operator, i)) {
      found.push(text.slice(start, i))
      start = i + operator.length
    }
  }
  return [...found, text.slice(start)]
}

function nameOf(text: string, index: number): string {
  const start = text.lastIndexOf('\n', index) + 1
  const line = text.slice(start, text.indexOf('\n', index)).trim()
  return /'((?:bytes|shape|algorithm|signer|chain|signature|agreement)\.[\w-]+)'/.exec(line)?.[1] ?? line.slice(0, 60)
}
