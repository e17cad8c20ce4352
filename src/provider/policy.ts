import { interactionPolicy, type KoaContextWithOIDC, type Provider } from 'oidc-provider'
import type { Clock } from '../clock.ts'
import type { Consent, ConsentStore } from '../privacy/consent.ts'
import { isAcrGoodEnough, readAcrRequest, toldAcr } from './assurance-levels.ts'
import type { ClientPolicy } from './clients.ts'
import { type ClaimsRequest, maxVerificationAge, readClaimsRequest } from './request.ts'

const { Check, base } = interactionPolicy

/**
 * When a person is asked: the engine's own rules, and once more whenever the request is not the one she agreed to.
 * The engine compares claims by top-level name only, so a wider `verified_claims` would slip through (oidc-provider.md §3).
 */
export function createPolicy(consents: Pick<ConsentStore, 'findByGrant'>, clock: Clock) {
  const policy = base()
  const changed = new Check(
    'request_changed',
    'the request differs from the one that was consented to',
    'consent_required',
    async (ctx: KoaContextWithOIDC) => {
      const grantId = ctx.oidc.grant?.jti
      if (!grantId) return Check.NO_NEED_TO_PROMPT
      const consent = await consents.findByGrant(grantId)
      const request = requestOf(ctx)
      const agreed = consent?.requestDigest === request.digest && isFreshEnough(consent, request, clock())
      return agreed ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
    },
  )
  policy.get('consent')?.checks.add(changed)
  // Before the engine’s own, of which the first to fail says what an app with `prompt=none` is told; after `login_prompt` and `no_session`.
  policy.get('login')?.checks.add(acrMissed, 2)
  return policy
}

/** The engine's own check does not see an essential `acr` beside `acr_values` (`assurance-levels.ts`). */
const acrMissed = new Check(
  'acr_missed',
  'the required acr could not be obtained',
  'unmet_authentication_requirements',
  ({ oidc }: KoaContextWithOIDC) => {
    const asked = acrAskedOf(oidc)
    return isAcrGoodEnough(toldAcr(oidc.session?.acr, asked), asked) ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
  },
)

const acrAskedOf = ({ params }: Pick<KoaContextWithOIDC['oidc'], 'params'>) =>
  readAcrRequest(params?.acr_values as string | undefined, params?.claims as string | undefined)

/**
 * Lets the engine see and tell the level that was asked for where the session's own holds it: whoever showed two documents
 * has shown one. By itself the engine compares letter by letter, and would send her to DigiLocker again for less.
 */
export function tellAskedAcr(provider: Provider): void {
  Object.defineProperty(provider.OIDCContext.prototype, 'acr', {
    configurable: true,
    get(this: KoaContextWithOIDC['oidc']) {
      return toldAcr(this.session?.acr, acrAskedOf(this))
    },
  })
}

/** A session answers silently only while its verification is as young as the request wants it (Identity Assurance §5.5.2). */
function isFreshEnough({ evidence }: Pick<Consent, 'evidence'>, request: ClaimsRequest, now: number): boolean {
  const limit = maxVerificationAge(request) ?? Number.POSITIVE_INFINITY
  return evidence.every(({ verifiedAt }) => now - verifiedAt <= limit)
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
