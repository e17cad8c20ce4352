import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasProgram, opensslCms } from './cms.ts'
import { makePdf, overwrite, type SigningOptions, signPdf, stream, updatePdf } from './fixtures.ts'
import { altered, cmsBy, makeWorld, outcome, TRUSTED, untrusted, type World } from './support.ts'

let world: World
let folder: string
beforeAll(async () => {
  world = await makeWorld()
  folder = mkdtempSync(join(tmpdir(), 'dwar-pdfsig-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const HAS_OPENSSL = hasProgram('openssl', 'version')
const HAS_PDFSIG = hasProgram('pdfsig', '-v')
const leftOut = (program: string, what: string) => console.info(`${program} is not here: ${what} left out`)

/** CAdES in openssl means signing-certificate-v2 (`-cades`); PSS is asked of the key. */
const MADE_BY_OPENSSL: readonly [string, readonly string[], SigningOptions, object][] = [
  ['RSA with SHA-256', ['-md', 'sha256'], {}, TRUSTED],
  ['RSA with SHA-512', ['-md', 'sha512'], {}, TRUSTED],
  ['RSA-PSS', ['-md', 'sha256', '-keyopt', 'rsa_padding_mode:pss'], {}, TRUSTED],
  ['a key identifier', ['-md', 'sha384', '-keyid'], {}, TRUSTED],
  ['CAdES', ['-md', 'sha256', '-cades'], { subFilter: 'ETSI.CAdES.detached' }, TRUSTED],
  [
    'CAdES without its certificate hash',
    ['-md', 'sha256'],
    { subFilter: 'ETSI.CAdES.detached' },
    untrusted('signing_certificate_missing'),
  ],
  ['SHA-1', ['-md', 'sha1'], {}, untrusted('digest_sha1')],
  ['no signed attributes', ['-md', 'sha256', '-noattr'], {}, altered('signed_attributes_missing')],
  ['no certificate', ['-md', 'sha256', '-nocerts'], {}, untrusted('signer_certificate_missing')],
  ['its content within', ['-md', 'sha256', '-nodetach'], { room: 20_000 }, altered('cms_not_detached')],
]

describe('verifyPdf — CMS made by openssl', () => {
  it.each(MADE_BY_OPENSSL)('judges a signature with %s as if made by us', async (what, extra, options, expected) => {
    if (!HAS_OPENSSL) return leftOut('openssl', what)
    const file = await signPdf(makePdf(), (covered) => opensslCms(world.signer, covered, ...extra), options)
    expect(outcome(await world.verify(file))).toEqual(expected)
  })
})

type Judged = readonly [validity: string, coverage: string]

/** What pdfsig says of each signature. Chains are left out (`-nocert`): it knows other roots than we do. */
function pdfsig(file: Buffer): readonly Judged[] {
  const path = join(folder, 'file.pdf')
  writeFileSync(path, file)
  const text = runPdfsig(path)
  const validities = text.matchAll(/Signature Validation: (.*)\./g)
  const coverages = [...text.matchAll(/(Total document signed|Not total document signed)/g)]
  return Array.from(validities, ([, validity], index) => [validity ?? '', coverages[index]?.[1] ?? ''])
}

/** It looks for a certificate store at home, where none of ours shall be; and exits with an error for a bad signature. */
function runPdfsig(path: string): string {
  try {
    return execFileSync('pdfsig', ['-nocert', path], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, HOME: folder },
    })
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout ?? '')
  }
}

const VALID = 'Signature is Valid'
const ALL = 'Total document signed'
const PART = 'Not total document signed'
const second: SigningOptions = { numbers: [12, 13], fields: '11 0 R' }

describe('verifyPdf — beside pdfsig (poppler)', () => {
  const cases: readonly [string, () => Promise<Buffer>, readonly Judged[], string][] = [
    ['one signature', () => world.signed(), [[VALID, ALL]], 'pdf_signed_trusted'],
    [
      'CRLF line ends',
      () => signPdf(makePdf({}, { eol: '\r\n' }), cmsBy(world.signer), { layout: { eol: '\r\n' } }),
      [[VALID, ALL]],
      'pdf_signed_trusted',
    ],
    [
      'an update before signing',
      () => signPdf(updatePdf(makePdf(), { 4: stream('BT ET') }), cmsBy(world.signer)),
      [[VALID, ALL]],
      'pdf_signed_trusted',
    ],
    [
      'two signatures',
      async () => signPdf(await world.signed(), cmsBy(world.signer), second),
      [
        [VALID, PART],
        [VALID, ALL],
      ],
      'pdf_signed_trusted',
    ],
    [
      'a stranger as signer',
      () => signPdf(makePdf(), cmsBy(world.stranger)),
      [[VALID, ALL]],
      'pdf_signed_untrusted_signer',
    ],
    [
      'a changed byte',
      async () => overwrite(await world.signed(), '(Specimen)', '(Sbecimen)'),
      [['Digest Mismatch', ALL]],
      'pdf_altered_after_signing',
    ],
    [
      'an update after signing',
      async () => updatePdf(await world.signed(), { 4: stream('BT (x) Tj ET') }),
      [[VALID, PART]],
      'pdf_altered_after_signing',
    ],
    ['no signature', async () => makePdf(), [], 'pdf_unsigned'],
  ]
  it.each(cases)('sees the same in a file with %s', async (what, make, theirs, ours) => {
    const file = await make()
    expect((await world.verify(file)).verdict).toBe(ours)
    if (!HAS_PDFSIG) return leftOut('pdfsig', what)
    expect(pdfsig(file)).toEqual(theirs)
  })
})
