import { describe, expect, it } from 'vitest'
import { digiLockerSettings, endpointUrl, pathOf } from '../../../src/rails/digilocker/settings.ts'

const idToken = { issuers: [], nonce: false }

describe('DigiLocker settings — digilocker-api.md §14', () => {
  it('stands on the current production host and paths', () => {
    const settings = digiLockerSettings()
    expect(settings.baseUrl.href).toBe('https://digilocker.meripehchaan.gov.in/')
    expect(
      ['authorize', 'token', 'user', 'issued', 'eAadhaar'].map((name) => pathOf(name as 'user', settings)),
    ).toEqual([
      '/public/oauth2/1/authorize',
      '/public/oauth2/1/token',
      '/public/oauth2/1/user',
      '/public/oauth2/2/files/issued',
      '/public/oauth2/3/xml/eaadhaar',
    ])
  })

  it('takes version 2 of the token endpoint for a client with openid, unless told', () => {
    expect(digiLockerSettings({ scopes: ['openid'] }).tokenVersion).toBe(2)
    expect(digiLockerSettings({ scopes: ['openid'], tokenVersion: 1 }).tokenVersion).toBe(1)
  })

  it.each([
    ['plain http', { baseUrl: new URL('http://up.test') }, 'baseUrl must be https'],
    ['plain http for the browser', { browserBaseUrl: new URL('http://up.test') }, 'browserBaseUrl must be https'],
    ['a secret in the address', { baseUrl: new URL('https://a:b@up.test') }, 'bare address'],
    ['a path that leaves the host', { paths: { user: '//evil.test/user' } }, 'paths.user'],
    ['a path with a query', { paths: { user: '/user?x=1' } }, 'paths.user'],
    ['an xml path without its uri', { paths: { xml: '/xml' } }, 'paths.xml'],
    ['dropping PKCE', { droppedParameters: ['code_challenge'] }, 'code_challenge is fixed'],
    ['setting state', { extraParameters: { state: 'oidc_flow' } }, 'state is fixed'],
    ['an empty key set', { idToken: { ...idToken, keys: { mode: 'keys' as const, jwks: { keys: [] } } } }, 'no key'],
    [
      'keys over http',
      { idToken: { ...idToken, keys: { mode: 'jwks-uri' as const, url: new URL('http://k.test') } } },
      'https',
    ],
    ['no body cap', { bodyCaps: { json: 0, document: 1, file: 1 } }, 'bodyCaps.json'],
  ])('refuses %s', (_case, given, named) => {
    expect(() => digiLockerSettings(given)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(named) }),
    )
  })

  it.each(['http://localhost:4000', 'http://127.0.0.1:4000', 'http://[::1]:4000'])(
    'takes %s as this very machine',
    (url) => {
      expect(digiLockerSettings({ baseUrl: new URL(url) }).baseUrl.origin).toBe(url)
    },
  )

  it('takes another machine over http only when allowed', () => {
    expect(digiLockerSettings({ baseUrl: new URL('http://simulator:4000'), allowHttp: true }).allowHttp).toBe(true)
    expect(() => digiLockerSettings({ baseUrl: new URL('http://127.0.0.1.evil.test') })).toThrow()
  })

  it.each([
    ['a slash', 'in.gov.x-DRVLC-a/../../user', '/public/oauth2/1/xml/in.gov.x-DRVLC-a%2F..%2F..%2Fuser'],
    ['a query', 'in.gov.x-DRVLC-a?b#c', '/public/oauth2/1/xml/in.gov.x-DRVLC-a%3Fb%23c'],
    ['a replacement pattern', "in.gov.x-DRVLC-$'$&", "/public/oauth2/1/xml/in.gov.x-DRVLC-%24'%24%26"],
  ])('keeps a document URI in its one path segment: %s', (_case, uri, path) => {
    const url = endpointUrl('xml', digiLockerSettings(), uri)
    expect(url.href).toBe(`https://digilocker.meripehchaan.gov.in${path}`)
  })
})
