import { z } from 'zod'
import type { UpstreamOverrides } from '../rail.ts'

/** digilocker-api.md §4: what purpose and service name may be made of. */
const PLAIN = /^(?=.*[A-Za-z0-9])[A-Za-z0-9 _]{1,100}$/
const listOf = (words: readonly string[]) => new RegExp(`^(${words.join('|')})( (${words.join('|')}))*$`)
const YES = /^Y$/

/**
 * Parameters of the authorize request that one app may have different, each with the values that are documented or seen
 * (digilocker-api.md §4). Whatever is not here is ours alone: PKCE, state, redirect URI and client id, on which the
 * security of the journey hangs; `verified_mobile` and `login_hint`, which are about a person and no app; `req_doctype` and
 * `consent_valid_till`, which follow from the request.
 */
const ADDABLE = {
  purpose: PLAIN,
  dl_flow: /^(signup|signin)$/,
  acr: listOf(['pan', 'aadhaar', 'driving_licence', 'mobile', 'digilocker']),
  amr: listOf([
    ...['driving_licence', 'aadhaar', 'pan', 'ndlemail', 'mobile'],
    ...['apaar', 'apaar_only', 'apaar_others', 'username', 'all'],
  ]),
  pla: YES,
  plsignup: YES,
  ulsignup: YES,
  prompt: /^(login|login_mobile)$/,
} as const satisfies Record<string, RegExp>

/** `prompt` stays: it carries the app's own request for a new sign-in, which must not be lost on the way. */
const DROPPABLE = [
  ...['purpose', 'service_name', 'scope', 'req_doctype', 'consent_valid_till'],
  ...['dl_flow', 'acr', 'amr', 'pla', 'plsignup', 'ulsignup'],
] as const

const addable = z.strictObject(
  Object.fromEntries(
    Object.entries(ADDABLE).map(([name, form]) => [name, z.string().regex(form, 'not a documented value').optional()]),
  ),
)

/** `dwar.upstream` of a registration: how the authorize request of this app differs. */
export const upstreamOverrides = z
  .strictObject({
    add: addable.default({}),
    drop: z.array(z.enum(DROPPABLE)).max(DROPPABLE.length).default([]),
    /** shown by DigiLocker instead of ours */
    service_name: z.string().regex(PLAIN, 'letters, digits, space and underscore only').optional(),
  })
  .refine(
    ({ add, drop, service_name }) =>
      drop.every((name) => !(name in add) && !(name === 'service_name' && service_name !== undefined)),
    'one parameter is both set and dropped',
  )

/** What was registered, once more: a row of the database is no proof of what stands in it. @returns undefined for what never passed */
export function readOverrides(given: UpstreamOverrides | undefined):
  | {
      readonly set: Readonly<Record<string, string>>
      readonly drop: readonly string[]
    }
  | undefined {
  const parsed = upstreamOverrides.safeParse(given ?? {})
  if (!parsed.success) return undefined
  const { add, drop, service_name } = parsed.data
  const set = Object.entries({ ...add, service_name }).filter(([, value]) => typeof value === 'string')
  return { set: Object.fromEntries(set) as Record<string, string>, drop }
}
