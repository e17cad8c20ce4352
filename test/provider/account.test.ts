import type { KoaContextWithOIDC } from 'oidc-provider'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ConsentStore, ConsentWithValues } from '../../src/privacy/consent.ts'
import { createFindAccount, valuesPlace } from '../../src/provider/account.ts'
import { parseKeyRing } from '../../src/vault/key-ring.ts'
import { createVault } from '../../src/vault/sealed-vault.ts'
import { memoryStore } from '../vault/memory-store.ts'

const ME = 'acct_me'
const verification = { trust_framework: 'in_digilocker' }
const stored = { verification, claims: { name: 'Asha Verma', birthdate: '1992-03-14' } }
const asked = { verification: { trust_framework: null }, claims: { name: null, birthdate: null } }
const item = (claim: string, shared: boolean) => ({ claim, shared, required: false, source: 'DRVLC' })

/** Values and ledger that came apart: what is sealed tells more than the consent says. */
describe('what leaves for a token — Identity Assurance 1.0 §6, design.md §3.8', () => {
  const vault = createVault(parseKeyRing(`k:${Buffer.alloc(32, 1).toString('base64')}`), memoryStore())
  let consent: ConsentWithValues

  beforeEach(async () => {
    const values = JSON.stringify({ claims: {}, verified: { userinfo: stored } })
    consent = {
      id: '0190a000-0000-7000-8000-000000000001',
      accountId: ME,
      clientId: 'c',
      grantId: 'g',
      rail: 'digilocker',
      purpose: 'p',
      notice: 'n',
      locale: 'en',
      items: [item('verified_claims.name', true), item('verified_claims.birthdate', false)],
      evidence: [],
      requestDigest: '',
      givenAt: 1_790_000_000,
      retainUntil: 1_800_000_000,
      sealedValues: await vault.seal(`account:${ME}`, valuesPlace('0190a000-0000-7000-8000-000000000001'), values),
    }
  })

  async function claimsOf(accountId: string) {
    const consents = { findByGrant: async () => consent } as unknown as ConsentStore
    const accounts = { find: async (id: string) => ({ id }), findByKey: async () => undefined }
    const find = createFindAccount(accounts, consents, vault)
    const token = { grantId: 'g' } as unknown as Parameters<typeof find>[2]
    const account = await find({} as KoaContextWithOIDC, accountId, token)
    return account?.claims('userinfo', 'openid', { verified_claims: asked } as never, [])
  }

  it('is never a claim with proof that she did not agree to, though it lies sealed with the others', async () => {
    expect(await claimsOf(ME)).toEqual({
      sub: ME,
      verified_claims: { verification, claims: { name: 'Asha Verma' } },
    })
  })

  it('is nothing of a consent that another account gave', async () => {
    expect(await claimsOf('acct_other')).toBeUndefined()
  })
})
