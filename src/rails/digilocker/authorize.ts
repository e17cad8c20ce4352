import { createHash } from 'node:crypto'
import { z } from 'zod'
import { RailError } from '../../errors.ts'
import type { RailRequest, RailState } from '../rail.ts'
import { readOverrides } from './overrides.ts'
import { type DigiLockerSettings, endpointUrl } from './settings.ts'

/** What must be known again at the callback. Plain JSON; the caller seals it. */
const remembered = z.object({
  codeVerifier: z.string(),
  redirectUri: z.string(),
  needs: z.array(z.object({ anyOf: z.array(z.string()) })),
  nonce: z.string().optional(),
})
export type Remembered = z.output<typeof remembered>

/** @throws RailError RAIL_STATE_MISSING when this is no state of this rail */
export function readRemembered(state: RailState): Remembered {
  const parsed = remembered.safeParse(state)
  if (!parsed.success) throw new RailError('RAIL_STATE_MISSING', 'the state was not made by this rail')
  return parsed.data
}

/** 256 bits as base64url: 43 characters, the length RFC 7636 §4.1 recommends for a verifier. */
export const randomText = (randomBytes: (size: number) => Uint8Array): string =>
  Buffer.from(randomBytes(32)).toString('base64url')

/**
 * The address that sends the browser to DigiLocker. What an app has different counts over what the partner has, and what the
 * partner drops stays dropped: its portal refuses it.
 * @throws RailError RAIL_MISCONFIGURED when `purpose` or `service_name` has no character that DigiLocker takes,
 *   or the app's own parameters are not ones that an app may set
 * @see digilocker-api.md §4; RFC 7636 §4.3
 */
export function authorizeUrl(
  request: RailRequest,
  keep: Remembered,
  clientId: string,
  settings: DigiLockerSettings,
  now: number,
): URL {
  const own = readOverrides(request.overrides)
  if (own === undefined) throw new RailError('RAIL_MISCONFIGURED', 'the parameters of this app are not ones it may set')
  const all = { ...optionalParameters(request, settings, now), ...settings.extraParameters, ...own.set }
  const dropped = [...settings.droppedParameters, ...own.drop]
  const url = endpointUrl('authorize', settings)
  url.search = new URLSearchParams({
    ...Object.fromEntries(Object.entries(all).filter(([name]) => !dropped.includes(name))),
    response_type: 'code',
    client_id: clientId,
    redirect_uri: keep.redirectUri,
    state: request.correlation,
    code_challenge: createHash('sha256').update(keep.codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(keep.nonce && { nonce: keep.nonce }),
  }).toString()
  return url
}

function optionalParameters(request: RailRequest, settings: DigiLockerSettings, now: number): Record<string, string> {
  const doctypes = wantedDoctypes(request, settings)
  const scopes = wantedScopes(request, settings)
  return {
    purpose: plain(request.purpose, 'purpose'),
    service_name: plain(request.serviceName, 'service_name'),
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(doctypes.length > 0 && { req_doctype: doctypes.join(',') }),
    ...(settings.consentSeconds !== undefined && { consent_valid_till: String(now + settings.consentSeconds) }),
    ...(request.freshLogin && { prompt: 'login' }),
  }
}

/**
 * Where no document is needed DigiLocker shall offer none: nobody is asked for more than the purpose takes (DPDP Act 2023
 * §6(1)). Sending no scope at all would ask for every one that is ticked in the portal (digilocker-api.md §4).
 */
function wantedScopes({ needs }: RailRequest, { scopes }: DigiLockerSettings): readonly string[] {
  const withoutFiles = scopes.filter((scope) => !scope.startsWith('files.'))
  return needs.length === 0 && withoutFiles.length > 0 ? withoutFiles : scopes
}

/** Narrows DigiLocker's consent screen to what this request needs; an unapproved doctype would be refused there. */
function wantedDoctypes({ needs }: RailRequest, { approvedDoctypes }: DigiLockerSettings): string[] {
  const wanted = new Set(needs.flatMap(({ anyOf }) => anyOf))
  return [...wanted].filter((doctype) => approvedDoctypes.includes(doctype))
}

function plain(text: string, name: string): string {
  const kept = narrowed(text)
  if (kept === undefined) throw new RailError('RAIL_MISCONFIGURED', `${name} has no letter that DigiLocker takes`)
  return kept
}

/**
 * DigiLocker takes letters, digits, space and underscore here, and nothing else (digilocker-api.md §4).
 * @returns undefined when nothing readable is left
 */
export function narrowed(text: string): string | undefined {
  const unaccented = text.normalize('NFKD').replace(/\p{M}/gu, '')
  const kept = unaccented
    .replace(/[^A-Za-z0-9 _]+/g, ' ')
    .replace(/ +/g, ' ')
    .trim()
  return /[A-Za-z0-9]/.test(kept) ? kept : undefined
}
