import { type AppNeeds, toAppNeeds } from '../admin/app-needs.ts'
import type { ClientView } from '../admin/clients.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../errors.ts'
import { createLog } from '../log.ts'
import { toDigiLockerSettings } from '../rail-settings.ts'
import type { DigiLockerSettings } from '../rails/digilocker/settings.ts'
import { examineApps } from './doctor-apps.ts'
import { examineSettings } from './doctor-settings.ts'
import { examineUpstream } from './doctor-upstream.ts'
import { type Finding, fault, warning } from './finding.ts'
import { operateAll } from './operate.ts'

export interface DoctorParts {
  readonly clock: Clock
  /** what is stored of the credentials; undefined when the store could not be asked */
  readonly credentials: { readonly previousKept: boolean; readonly changedAt: string | undefined } | undefined
  /** registered apps; undefined when they were not asked for, `unreachable` when the database could not say */
  readonly apps?: readonly AppNeeds[] | 'unreachable' | undefined
  /** also ask the token endpoint with a code that nobody has, and for the list of issuers: tells a wrong secret, and spends nothing */
  readonly probe: boolean
}

/** Looks at an operator's DigiLocker settings, here and over there, and explains what is wrong with them. */
export async function examine(config: Config, parts: DoctorParts): Promise<Finding[]> {
  const settings = readSettings(config)
  if ('code' in settings) return [settings]
  const here = [...examineSettings(config, settings, parts), ...apps(settings, parts)]
  return [...here, ...(await examineUpstream(config, settings, parts))]
}

function readSettings(config: Config): DigiLockerSettings | Finding {
  try {
    return toDigiLockerSettings(config)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return fault('settings', error.message, 'Correct the variable; docs/configuration.md has each with its form.')
  }
}

function apps(settings: DigiLockerSettings, { apps: registered }: DoctorParts): Finding[] {
  if (registered === undefined) return []
  if (registered !== 'unreachable') return examineApps(registered, settings)
  const next = 'Run it where DWAR_DATABASE_URL can be reached, or with --offline.'
  return [warning('apps', 'registered apps were not looked at: the database could not be opened', next)]
}

/** What is stored, through the running server or the database, where either can be asked. */
export async function askStore(config: Config): Promise<Pick<DoctorParts, 'credentials' | 'apps'>> {
  const ask = (...calls: Parameters<typeof operateAll>[2]) => operateAll(config, createLog('silent'), calls)
  const toApps = (clients: unknown) => (clients as readonly ClientView[]).map(toAppNeeds)
  const show = ['credentials show', { rail: 'digilocker' }] as const
  try {
    const [clients, credentials] = await ask(['client list'], show)
    return { credentials: credentials as DoctorParts['credentials'], apps: toApps(clients) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.code !== 'RAIL_MISCONFIGURED') return { credentials: undefined, apps: 'unreachable' }
    const [clients] = await ask(['client list']) // there are no credentials yet
    return { credentials: undefined, apps: toApps(clients) }
  }
}

/** For people; the worst first. */
export function describeFindings(findings: readonly Finding[]): string {
  const order = ['fault', 'warning', 'fine']
  const sorted = findings.toSorted((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity))
  return sorted
    .map(
      ({ code, severity, says, next }) =>
        `${severity.padEnd(8)} ${code.padEnd(14)} ${says}${next ? `\n${' '.repeat(24)}→ ${next}` : ''}`,
    )
    .join('\n')
}
