import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import type { ConsentStore } from '../privacy/consent.ts'
import type { ClientPolicy } from './clients.ts'
import { readClaimsRequest } from './request.ts'

const { Check, base } = interactionPolicy

/**
 * When a person is asked: the engine's own rules, and once more whenever the request is not the one she agreed to.
 * The engine compares claims by top-level name only, so a wider `verified_claims` would slip through (oidc-provider.md §3).
 */
export function createPolicy(consents: Pick<ConsentStore, 'findByGrant'>) {
  const policy = base()
  const changed = new Check(
    'request_changed',
    'the request differs from the one that was consented to',
    'consent_required',
    async (ctx: KoaContextWithOIDC) => {
      const grantId = ctx.oidc.grant?.jti
      if (!grantId) return Check.NO_NEED_TO_PROMPT
      const consent = await consents.findByGrant(grantId)
      const agreed = consent?.requestDigest === requestOf(ctx).digest
      return agreed ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
    },
  )
  policy.get('consent')?.checks.add(changed)
  return policy
}

/** The claims request of an authorization request that the engine has accepted. */
function requestOf(ctx: KoaContextWithOIDC) {
  const policy = ctx.oidc.client?.dwar as ClientPolicy | undefined
  return readClaimsRequest(
    [...ctx.oidc.requestParamOIDCScopes],
    ctx.oidc.params?.claims as string | undefined,
    policy?.optional ?? [],
  )
}
