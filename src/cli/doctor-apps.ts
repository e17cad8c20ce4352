import type { AppNeeds } from '../admin/app-needs.ts'
import { narrowed } from '../rails/digilocker/authorize.ts'
import type { DigiLockerSettings } from '../rails/digilocker/settings.ts'
import { type Finding, fault, fine, warning } from './finding.ts'

/** Looks at every registered app: what DigiLocker would show of its purpose, and whether its claims can ever be answered. */
export function examineApps(apps: readonly AppNeeds[], settings: DigiLockerSettings): Finding[] {
  const findings = apps.flatMap((app) => [...purpose(app), ...claims(app, settings)])
  return findings.length > 0 ? findings : [fine('apps', `${apps.length} registered app(s): purposes and scopes fit`)]
}

/** DigiLocker takes Latin letters, digits, space and underscore (digilocker-api.md §4). */
function purpose({ id, purpose: given }: AppNeeds): Finding[] {
  const shown = narrowed(given)
  if (shown === undefined)
    return [
      fault(
        'app-purpose',
        `${id} has no purpose that DigiLocker takes: every login fails`,
        'Register it anew with an English --purpose.',
      ),
    ]
  if (lettersOf(shown) >= lettersOf(given)) return []
  return [
    warning(
      'app-purpose',
      `of the purpose of ${id} DigiLocker shows only “${shown}”`,
      'Write its English purpose in Latin letters, digits and spaces.',
    ),
  ]
}

/** Punctuation is no loss; a word in another script is. */
const lettersOf = (text: string): number => text.match(/\p{L}|\p{N}/gu)?.length ?? 0

function claims({ id, claims: wanted }: AppNeeds, { approvedDoctypes }: DigiLockerSettings): Finding[] {
  const never = wanted.filter(({ anyOf }) => !anyOf.some((doctype) => approvedDoctypes.includes(doctype)))
  const byScope = Map.groupBy(never, ({ scope }) => scope)
  return [...byScope].map(([scope, rows]) =>
    warning(
      'app-scopes',
      `${id} may ask for ${scope}, which comes from ${[...new Set(rows.flatMap(({ anyOf }) => anyOf))].join(' or ')}: not approved`,
      'Have the document type approved and add it to DIGILOCKER_DOCTYPES, or take the scope from the app.',
    ),
  )
}
