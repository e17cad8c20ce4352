import type { Account as EngineAccount, FindAccount } from 'oidc-provider'
import type { ConsentStore, GrantedConsent } from '../privacy/consent.ts'
import type { KeyedHasher } from '../vault/keyed-hash.ts'
import type { Vault } from '../vault/vault.ts'
import { releaseStored } from './identity-assurance/answer.ts'
import { readVerifiedRequests } from './identity-assurance/asked.ts'
import { PREFIX, type ReleasedValues } from './interactions/offer.ts'
import type { AccountStore } from './stores.ts'

/** By what an account is found: a keyed hash of the upstream's stable subject, 32 bytes. */
export const accountKey = (hash: KeyedHasher, { rail, subject }: { rail: string; subject: string }): Buffer =>
  hash('account', `${rail}:${subject}`)

export const valuesPlace = (consentId: string) => ({ table: 'consent_value', column: 'sealed', row: consentId })

/**
 * The engine's view of a person: her account, and the claims she agreed to share under the grant in hand.
 * Without a token (at `/authorize`) only her existence matters; claims are read when a token asks for them.
 */
export function createFindAccount(accounts: AccountStore, consents: ConsentStore, vault: Vault): FindAccount {
  return async (ctx, accountId, token): Promise<EngineAccount | undefined> => {
    const grantId = token && 'grantId' in token ? token.grantId : undefined
    if (grantId === undefined) {
      // What her session was granted is asked for next, and read together with her account.
      const granted = ctx.oidc.session?.grantIdFor(String(ctx.oidc.params?.client_id))
      if (granted !== undefined) await consents.findByGrant(granted)
      const account = await accounts.find(accountId)
      return account && { accountId, claims: async () => ({ sub: accountId }) }
    }
    const consent = await consents.findByGrant(grantId)
    if (consent?.accountId !== accountId) return undefined
    return {
      accountId,
      claims: async (use, _scope, asked) => {
        const { claims, verified } = await openValues(consent, vault)
        const stored = use === 'id_token' ? verified.id_token : verified.userinfo
        const request = stored && readVerifiedRequests(asked?.verified_claims)
        const answer = request && releaseStored(request, stored, hasAgreed(consent), consent.givenAt)
        return { sub: accountId, ...claims, ...(answer && { verified_claims: answer }) }
      },
    }
  }
}

const hasAgreed = ({ items }: Pick<GrantedConsent, 'items'>) => {
  const shared = items.filter((item) => item.shared).map((item) => item.claim)
  return (claim: string) => shared.some((name) => `${name}.`.startsWith(`${PREFIX}${claim}.`))
}

/** Past their retention the values are gone, and a token still tells who, but nothing about her. */
export async function openValues(consent: GrantedConsent, vault: Vault): Promise<ReleasedValues> {
  if (!consent.sealedValues) return { claims: {}, verified: {} }
  const opened = await vault.open(`account:${consent.accountId}`, valuesPlace(consent.id), consent.sealedValues)
  return JSON.parse(opened.toString('utf8')) as ReleasedValues
}
