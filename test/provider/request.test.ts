import { describe, expect, it } from 'vitest'
import { documentNeeds, readClaimsRequest, requestedNames } from '../../src/provider/request.ts'

const read = (scopes: string, claims?: object, optional: string[] = []) =>
  readClaimsRequest(scopes.split(' '), claims && JSON.stringify(claims), optional)
const needs = (scopes: string, claims?: object) =>
  documentNeeds(read(scopes, claims)).map(({ anyOf }) => anyOf.join('|'))

describe('a claims request', () => {
  it('asks for the claims of its scopes and of the claims parameter, in one order', () => {
    expect(read('openid pan age_over_18', { id_token: { name: null } }).claims.map(({ claim }) => claim)).toEqual([
      'name',
      'age_over_18',
      'pan_number',
      'pan_name',
      'pan_birthdate',
      'pan_status',
    ])
  })

  it('needs what a scope brings, unless registered as optional; a claim by parameter only when essential', () => {
    const required = (...given: Parameters<typeof read>) =>
      read(...given)
        .claims.filter((claim) => claim.required)
        .map(({ claim }) => claim)
    expect(required('openid profile', undefined, ['gender'])).toEqual(['name', 'birthdate'])
    expect(required('openid', { userinfo: { name: null, birthdate: { essential: true } } })).toEqual(['birthdate'])
  })

  it('fetches only the documents that the request needs', () => {
    expect(needs('openid driving_licence')).toEqual(['DRVLC'])
    expect(needs('openid phone email')).toEqual([])
    expect(needs('openid')).toEqual([])
    expect(needs('openid pan driving_licence profile')).toEqual(['DRVLC', 'PANCR'])
    expect(needs('openid age_over_18')).toEqual(['ADHAR|PANCR|DRVLC'])
  })

  it('asks for a document of a kind that can answer verified_claims', () => {
    const evidence = [{ type: { value: 'document' }, document_details: { type: { value: 'driving_permit' } } }]
    const claims = {
      userinfo: { verified_claims: { verification: { trust_framework: null, evidence }, claims: { name: null } } },
    }
    expect(needs('openid', claims)).toEqual(['DRVLC'])
    expect(requestedNames(read('openid phone', claims))).toEqual(['phone_number', 'verified_claims.name'])
  })

  it('has one digest however it is spelt, and another when anything is added', () => {
    const nested = (claims: object) => ({
      userinfo: { verified_claims: { verification: { trust_framework: null }, claims } },
    })
    const digest = (claims: object) => read('openid profile', nested(claims)).digest
    expect(digest({ name: null, birthdate: null })).toBe(digest({ birthdate: null, name: null }))
    expect(digest({ name: null })).not.toBe(digest({ name: null, birthdate: null }))
    expect(read('profile openid').digest).toBe(read('openid profile offline_access').digest)
  })
})
