import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import { type CheckResult, type Inspection, inspect } from '../documents/inspect.ts'
import { PROFILES, type ProfileName } from '../documents/profiles.ts'
import { type TrustStatusRow, trustStatus } from '../documents/trust/status.ts'
import { readTrust, type TrustStore } from '../documents/trust/trust.ts'
import { AppError } from '../errors.ts'

export interface VerifyCommand {
  readonly profile?: string | undefined
  readonly json?: boolean | undefined
  /** also print the fields that would be read: personal data, for the eyes of whoever holds the file */
  readonly fields?: boolean | undefined
  /** ISO 8601: judge signers as of then */
  readonly at?: string | undefined
}

export interface TrustSources {
  readonly files: readonly string[]
  readonly folder: string | undefined
}

const MAX_FILE_BYTES = 32 * 1024 * 1024

/**
 * Verifies a document that somebody downloaded.
 * @returns what to print, and whether the document can be relied on
 * @throws AppError CONFIG_INVALID for a file, profile or time that cannot be used
 */
export async function verifyFile(
  file: string,
  { profile, json, fields, at }: VerifyCommand,
  sources: TrustSources,
  clock: Clock,
): Promise<{ text: string; trusted: boolean }> {
  const result = await inspect(readDocument(file), {
    trust: readTrust(sources.files, sources.folder),
    at: at === undefined ? clock() : toSeconds(at),
    profile: profile === undefined ? undefined : toProfile(profile),
  })
  const shown = fields ? result : withoutFields(result)
  return {
    text: json ? JSON.stringify(shown, null, 2) : describeInspection(shown),
    trusted: result.verdict === 'verified' || result.verdict === 'pdf_signed_trusted',
  }
}

/** How every line of trust stands, as a table; `urgent` when one in force ends soon or is over. */
export function describeTrust(trust: TrustStore, clock: Clock): { text: string; rows: readonly TrustStatusRow[] } {
  const rows = trustStatus(trust, clock())
  const lines = rows.map(({ state, daysLeft, kind, rail, name, fingerprint }) =>
    [
      state.padEnd(9),
      daysLeft === undefined ? ''.padStart(6) : String(daysLeft).padStart(6),
      kind.padEnd(12),
      (rail ?? '').padEnd(13),
      (fingerprint ?? '').slice(0, 16).padEnd(16),
      name,
    ].join('  '),
  )
  const head = ['state    ', '  days', 'kind        ', 'rail         ', 'SHA-256         ', 'name'].join('  ')
  return { rows, text: [head, ...lines].join('\n') }
}

function readDocument(file: string): Buffer {
  try {
    if (statSync(file).size > MAX_FILE_BYTES)
      throw new AppError('CONFIG_INVALID', `${file} is larger than any document`)
    return readFileSync(file)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('CONFIG_INVALID', `${file} cannot be read`, { cause: error })
  }
}

function toSeconds(iso: string): number {
  const time = Date.parse(iso)
  if (Number.isNaN(time)) throw new AppError('CONFIG_INVALID', `${iso} is not a time (write 2026-01-31T12:00:00+05:30)`)
  return Math.floor(time / 1000)
}

/** A profile by its name as in results (`uidai-offline`). */
function toProfile(id: string): ProfileName {
  const names = Object.keys(PROFILES) as ProfileName[]
  const name = names.find((one) => PROFILES[one].id === id)
  const known = names.map((one) => PROFILES[one].id).join(', ')
  if (!name) throw new AppError('CONFIG_INVALID', `no profile ${id}; there are ${known}`)
  return name
}

function withoutFields(result: Inspection): Inspection {
  if (result.kind === 'pdf') return result
  const { fields, ...rest } = result
  return rest
}

const MARKS: Readonly<Record<CheckResult, string>> = {
  held: '  ok      ',
  failed: '  FAILED  ',
  'not reached': '  -       ',
  unneeded: '  unneeded',
}

function describeInspection(result: Inspection): string {
  if (result.kind === 'pdf') return describePdf(result)
  const { verdict, profile, checks, verification, refusal, fields } = result
  const why = refusal && `refused by ${refusal.check ?? 'the fields'} (${refusal.code}): ${refusal.message}`
  return [
    `${verdict.toUpperCase()}  profile ${profile}`,
    ...(why ? [why] : []),
    '',
    'A document is refused unless:',
    ...checks.map(({ check, result: state, unless }) => `${MARKS[state]} ${check.padEnd(28)} ${unless}`),
    ...(verification ? ['', 'Verification', indent(verification)] : []),
    ...(fields ? ['', 'Fields', indent(fields)] : []),
  ].join('\n')
}

function describePdf({ verdict, pdf }: Extract<Inspection, { kind: 'pdf' }>): string {
  const note = 'No fields are ever taken from a PDF.'
  return [verdict.toUpperCase(), ...pdf.reasons.map((reason) => `  because ${reason}`), '', indent(pdf), '', note].join(
    '\n',
  )
}

const indent = (value: unknown) => JSON.stringify(value, null, 2).replace(/^/gm, '  ')
