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

describe('parameters of its own that an app may send to DigiLocker — digilocker-api.md §§4 and 14', () => {
  const read = (upstream: unknown) =>
    clientRegistration.safeParse({
      client_name: 'Shop',
      redirect_uris: ['https://shop.example/cb'],
      dwar: { purpose: { en: 'To rent a scooter' }, upstream },
    }).success

  it.each([
    [{}],
    [{ add: { acr: 'pan' }, drop: ['service_name'] }],
    [
      {
        add: { acr: 'pan aadhaar', amr: 'ndlemail mobile', pla: 'Y', plsignup: 'Y', ulsignup: 'Y', dl_flow: 'signup' },
      },
    ],
    [{ add: { purpose: 'kyc', prompt: 'login' }, service_name: 'Scooters of Pune' }],
    [{ drop: ['purpose', 'req_doctype', 'scope', 'consent_valid_till'] }],
  ])('may be %j', (upstream) => expect(read(upstream)).toBe(true))

  it.each([
    ...['response_type', 'client_id', 'redirect_uri', 'state', 'code_challenge', 'code_challenge_method', 'nonce'],
    ...[
      'verified_mobile',
      'login_hint',
      'req_doctype',
      'consent_valid_till',
      'scope',
      'service_name',
      'anything',
      '__proto__',
    ],
  ])('may not set %s', (name) => expect(read(JSON.parse(`{ "add": { "${name}": "Y" } }`))).toBe(false))

  it.each([
    ...['response_type', 'client_id', 'redirect_uri', 'state', 'code_challenge', 'code_challenge_method', 'nonce'],
    ...['prompt', 'anything'],
  ])('may not drop %s', (name) => expect(read({ drop: [name] })).toBe(false))

  it.each([
    [{ add: { acr: 'voter' } }],
    [{ add: { acr: 'pan,aadhaar' } }],
    [{ add: { acr: 'pan ' } }],
    [{ add: { acr: '' } }],
    [{ add: { purpose: 'Age-check' } }],
    [{ add: { purpose: ' _ ' } }],
    [{ add: { prompt: 'none' } }],
    [{ add: { pla: 'y' } }],
    [{ add: ['acr'] }],
    [{ service_name: 'दुकान' }],
    [{ service_name: 'A\r\nB' }],
    [{ service_name: 'A'.repeat(101) }],
    [{ drop: ['service_name'], service_name: 'Shop' }],
    [{ drop: ['acr'], add: { acr: 'pan' } }],
    [{ remove: ['acr'] }],
    ['acr=pan'],
  ])('may not be %j', (upstream) => expect(read(upstream)).toBe(false))
})
