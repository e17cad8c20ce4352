import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { acrValues, readAcrRequest } from './assurance-levels.ts'
import { toCarried } from './identity-assurance/asked.ts'
import { faultInVerifiedRequest, isShallow } from './identity-assurance/syntax.ts'

type Places = Partial<Record<'id_token' | 'userinfo', Record<string, unknown> | null | undefined>>

/**
 * Checks the `claims` parameter, wherever it came from, and writes the array form of `verified_claims` so that the
 * engine carries it. The engine calls this at every endpoint that takes the parameter and again when it resumes.
 * @throws InvalidRequest naming the place as a JSON pointer (RFC 6901) into the parameter;
 * UnmetAuthenticationRequirements for a required `acr` that no login of ours can have
 */
export function assertClaims(ctx: KoaContextWithOIDC, claims: Places): void {
  if (!isShallow(claims)) refuse('/', 'is nested too deep')
  const carried = { ...claims }
  for (const place of ['id_token', 'userinfo'] as const) {
    const members = claims[place]
    if (!members) continue
    for (const [name, member] of Object.entries(members)) checkMember(place, name, member)
    if (Array.isArray(members.verified_claims))
      carried[place] = { ...members, verified_claims: toCarried(members.verified_claims) }
  }
  const acr = readAcrRequest(undefined, JSON.stringify(claims))
  if (acr.essential && !acr.values.some((value) => acrValues.includes(value)))
    throw new errors.UnmetAuthenticationRequirements('none of the required acr values is supported')
  if (ctx.oidc.params) ctx.oidc.params.claims = JSON.stringify(carried)
}

function checkMember(place: keyof Places, name: string, member: unknown): void {
  if (name === 'verified_claims') {
    const fault = faultInVerifiedRequest(member)
    if (fault) refuse(`/${place}/verified_claims${fault.at}`, fault.is)
  } else if (member !== null && (typeof member !== 'object' || Array.isArray(member)))
    refuse(`/${place}`, 'must have members that are null or objects')
  // Nobody has another: the engine would ask for one sign-in after the other (Core §5.5.1, §8).
  if (name === 'sub' && typeof askedValue(member) !== 'string') refuse(`/${place}/sub/value`, 'must be a string')
}

const askedValue = (member: unknown): unknown => (member as { value?: unknown } | null)?.value ?? ''

function refuse(pointer: string, is: string): never {
  throw new errors.InvalidRequest(`the claims parameter at ${pointer} ${is}`)
}
