import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { readCallback } from '../../../src/rails/digilocker/callback.ts'
import { CANARY, failureOf, REQUEST, rig, Upstream } from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
beforeEach(() => upstream.reset())
afterAll(() => upstream.close())

const issuers = ['https://api.digitallocker.gov.in']

describe('DigiLocker callback — RFC 6749 §4.1.2, digilocker-api.md §4.1', () => {
  it('returns the code', () => {
    expect(readCallback(new URLSearchParams('code=c1&state=s'), issuers)).toBe('c1')
  })

  it('takes an iss that is DigiLocker’s — RFC 9207 §2.4', () => {
    expect(readCallback(new URLSearchParams({ code: 'c1', iss: issuers[0] ?? '' }), issuers)).toBe('c1')
  })

  it.each([
    ['nothing at all', '', 'RAIL_RESPONSE_INVALID'],
    ['no code', 'state=s', 'RAIL_RESPONSE_INVALID'],
    ['an empty code', 'code=&state=s', 'RAIL_RESPONSE_INVALID'],
    ['a code with a blank', 'code=a%20b', 'RAIL_RESPONSE_INVALID'],
    ['a code with a line break', 'code=a%0d%0ab', 'RAIL_RESPONSE_INVALID'],
    ['a code without end', `code=${'a'.repeat(1025)}`, 'RAIL_RESPONSE_INVALID'],
    ['two codes', 'code=a&code=b', 'RAIL_RESPONSE_INVALID'],
    ['the same code twice', 'code=a&code=a', 'RAIL_RESPONSE_INVALID'],
    ['two states', 'code=a&state=s&state=t', 'RAIL_RESPONSE_INVALID'],
    ['two errors', 'error=access_denied&error=access_denied', 'RAIL_RESPONSE_INVALID'],
    ['both code and error', 'code=a&error=access_denied', 'RAIL_RESPONSE_INVALID'],
    ['another issuer', 'code=a&iss=https%3A%2F%2Fevil.test', 'RAIL_RESPONSE_INVALID'],
    ['a refusal under another issuer', 'error=access_denied&iss=https%3A%2F%2Fevil.test', 'RAIL_RESPONSE_INVALID'],
    ['a refusal by the citizen', 'error=access_denied&state=s', 'RAIL_DENIED'],
    ['a refusal without state', 'error=access_denied', 'RAIL_DENIED'],
    ['a logout', 'error=user_loggedout&error_description=user', 'RAIL_LOGGED_OUT'],
    ['an unapproved scope', 'error=invalid_scope', 'RAIL_MISCONFIGURED'],
    ['an unapproved age programme', 'error=invalid_scope_avs', 'RAIL_MISCONFIGURED'],
    ['an unknown client', 'error=invalid_client_id', 'RAIL_MISCONFIGURED'],
    ['another redirect URI', 'error=redirect_uri_mismatch', 'RAIL_MISCONFIGURED'],
    ['a request it did not take', 'error=invalid_request', 'RAIL_MISCONFIGURED'],
    ['a client without the right', 'error=unauthorized_client', 'RAIL_MISCONFIGURED'],
    ['an upstream that is down', 'error=temporarily_unavailable', 'RAIL_UNAVAILABLE'],
    ['an upstream fault', 'error=server_error', 'RAIL_UNAVAILABLE'],
    ['an unknown error', 'error=%3Cscript%3E', 'RAIL_RESPONSE_INVALID'],
    ['an empty error', 'error=', 'RAIL_RESPONSE_INVALID'],
    ['an error named like a method', 'error=toString', 'RAIL_RESPONSE_INVALID'],
  ])('refuses %s', (_case, query, code) => {
    expect(() => readCallback(new URLSearchParams(query), issuers)).toThrow(expect.objectContaining({ code }))
  })

  it.each([
    `error=access_denied&error_description=${CANARY.name}`,
    `error=${CANARY.pan}`,
    `code=a&code=${CANARY.pan}`,
    `code=${CANARY.pan}%20&state=${REQUEST.correlation}`,
  ])('never echoes what the redirect says: %s', async (query) => {
    const { message } = await failureOf(upstream, { query })
    expect(message).not.toMatch(/Kanari|CANRY|state-of-ours/)
  })

  it.each(['error=access_denied', 'code=a&error=access_denied', 'code=a&code=b', ''])(
    'sends nothing upstream for %j',
    async (query) => {
      await failureOf(upstream, { query })
      expect(upstream.requests).toEqual([])
    },
  )

  it('refuses a state that it did not make', async () => {
    const { rail } = rig(upstream)
    const advance = rail.advance({ something: 'else' }, { query: new URLSearchParams('code=c1') })
    await expect(advance).rejects.toThrow(expect.objectContaining({ code: 'RAIL_STATE_MISSING' }))
  })
})
