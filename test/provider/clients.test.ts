import { describe, expect, it } from 'vitest'
import { clientRegistration, faultInRedirectUri, purposeIn, registeredDomain } from '../../src/provider/clients.ts'

describe('redirect URIs of a registration — RFC 6749 §3.1.2, RFC 8252 §7, security.md OP-2', () => {
  it.each([
    'https://app.example.in/cb',
    'https://app.example.in',
    'https://app.example.in:8443/cb?tenant=1',
    'https://xn--e1afmkfd.example/cb',
    'https://app.example.in/a..b/cb',
  ])('accepts %s of a web app', (uri) => expect(faultInRedirectUri(uri, 'web', false)).toBeUndefined())

  it.each([
    'http://app.example.in/cb',
    'http://localhost/cb',
    'http://127.0.0.1/cb',
    'https://app.example.in/cb#x',
    'https://app.example.in/cb#',
    'https://user@app.example.in/cb',
    'https://user:pw@app.example.in/cb',
    'https://app.example.in@evil.example/cb',
    'https://*.example.in/cb',
    'https://app.example.in/*',
    'https://app.example.in/../cb',
    'https://app.example.in/a/../cb',
    'https://app.example.in/a/./cb',
    'https://app.example.in/%2e%2e/cb',
    'https://app.example.in/%2E%2e/cb',
    'https://app.example.in/..',
    'https://app.example.in\\@evil.example/cb',
    'https://app.example.in/\tcb',
    'https://app.example.in/\ncb',
    'https://app.example.in/ cb',
    ' https://app.example.in/cb',
    'https://app.example.in/cb\u0000',
    '//app.example.in/cb',
    '/cb',
    'cb',
    '',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'com.example.app:/cb',
    'ftp://app.example.in/cb',
    'urn:ietf:wg:oauth:2.0:oob',
  ])('refuses %j of a web app', (uri) => expect(faultInRedirectUri(uri, 'web', false)).toBeDefined())

  it.each([
    ['https://app.example.in/cb', true],
    ['http://127.0.0.1/cb', true],
    ['http://127.0.0.1:51004/cb', true],
    ['http://[::1]/cb', true],
    ['com.example.app:/cb', true],
    ['http://localhost/cb', false],
    ['http://app.example.in/cb', false],
    ['myapp:/cb', false],
    ['javascript:alert(1)', false],
  ])('a native app may use %s: %s', (uri, allowed) =>
    expect(faultInRedirectUri(uri, 'native', false) === undefined).toBe(allowed),
  )

  it('lets a web app use http on this machine only where the issuer itself does', () => {
    expect(faultInRedirectUri('http://localhost:4001/callback', 'web', true)).toBeUndefined()
    expect(faultInRedirectUri('http://app.example.in/callback', 'web', true)).toBeDefined()
  })
})

describe('a client registration', () => {
  const good = { client_name: 'Shop', redirect_uris: ['https://a.example/cb'], dwar: { purpose: { en: 'To rent' } } }

  it.each<[string, object]>([
    ['a name with direction overrides', { client_name: 'ko\u202Enab' }],
    ['a name with control characters', { client_name: 'a\u0000b' }],
    ['no purpose', { dwar: {} }],
    ['a purpose in Hindi alone', { dwar: { purpose: { hi: 'किराये के लिए' } } }],
    ['an unknown claim as optional', { dwar: { purpose: { en: 'To rent' }, optional: ['shoe_size'] } }],
    ['a member it does not know', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['unlimited retention', { dwar: { purpose: { en: 'To rent' }, retentionDays: 4000 } }],
  ])('refuses %s', (_case, change) => expect(clientRegistration.safeParse({ ...good, ...change }).success).toBe(false))

  it('keeps a name in an Indian script', () =>
    expect(clientRegistration.parse({ ...good, client_name: 'चक्र स्कूटर' }).client_name).toBe('चक्र स्कूटर'))

  it('shows the purpose in the person’s language, else in English', () => {
    const policy = clientRegistration.parse({ ...good, dwar: { purpose: { en: 'To rent', hi: 'किराये के लिए' } } }).dwar
    expect([purposeIn(policy, 'hi'), purposeIn(policy, 'hi-IN'), purposeIn(policy, 'ta')]).toEqual([
      'किराये के लिए',
      'किराये के लिए',
      'To rent',
    ])
    expect(registeredDomain(['https://shop.example:8443/cb'])).toBe('shop.example:8443')
  })
})
