import { describe, expect, it } from 'vitest'
import { readConfig } from '../src/config/config.ts'
import { toDigiLockerSettings } from '../src/rail-settings.ts'
import { endpointUrl } from '../src/rails/digilocker/settings.ts'

const base = {
  DWAR_ENV: 'production',
  DWAR_ISSUER: 'https://id.example.in',
  DWAR_DATABASE_URL: 'postgres://db/dwar',
  DWAR_VAULT_KEYS: 'k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  DWAR_INDEX_SECRET: 'i'.repeat(40),
  DWAR_COOKIE_KEYS: 'c'.repeat(40),
  DWAR_CONTACT: 'privacy@example.in',
  DIGILOCKER_CLIENT_ID: 'ABCDEFGH',
}
const settings = (env: Record<string, string> = {}) => toDigiLockerSettings(readConfig({ ...base, ...env }))

describe('settings of the DigiLocker rail from the environment — digilocker-api.md §14', () => {
  it('are version 2.4 on the current host by default', () => {
    expect(endpointUrl('issued', settings()).href).toBe(
      'https://digilocker.meripehchaan.gov.in/public/oauth2/2/files/issued',
    )
    expect(settings()).toMatchObject({ tokenVersion: 1, eAadhaarVersion: 3, droppedParameters: [], pull: {} })
  })

  it('are version 1 on its older host with the classic profile', () => {
    const classic = settings({ DIGILOCKER_PROFILE: 'classic' })
    expect(endpointUrl('issued', classic).href).toBe('https://api.digitallocker.gov.in/public/oauth2/1/files/issued')
    expect(endpointUrl('eAadhaar', classic).pathname).toBe('/public/oauth2/2/xml/eaadhaar')
    expect(classic.droppedParameters).toEqual(['purpose', 'service_name', 'prompt'])
  })

  it('let each setting win over the profile', () => {
    const mixed = settings({
      DIGILOCKER_PROFILE: 'classic',
      DIGILOCKER_BASE_URL: 'https://beta.example.in',
      DIGILOCKER_EAADHAAR_VERSION: '1',
      DIGILOCKER_DROP_PARAMETERS: 'service_name',
    })
    expect(endpointUrl('eAadhaar', mixed).href).toBe('https://beta.example.in/public/oauth2/1/xml/eaadhaar')
    expect(mixed.droppedParameters).toEqual(['service_name'])
  })

  it.each([
    [
      'DIGILOCKER_TIMEOUTS',
      'document=60,connect=2.5',
      { timeoutsMs: { document: 60_000, connect: 2500, token: 15_000 } },
    ],
    ['DIGILOCKER_BODY_CAPS', 'json=2048', { bodyCaps: { json: 2048, document: 5_242_880, file: 15_728_640 } }],
    ['DIGILOCKER_RETRY', 'share=0,delayMs=50', { retry: { share: 0, delayMs: 50, burst: 10 } }],
    ['DIGILOCKER_BREAKER', 'calls=4,threshold=0.9', { breaker: { calls: 4, threshold: 0.9, pauseMs: 10_000 } }],
    ['DIGILOCKER_CONCURRENCY', 'calls=8', { concurrency: { calls: 8, waiting: 256 } }],
    ['DIGILOCKER_CLIENT_AUTH', 'token=basic', { clientAuth: { token: 'basic', refresh: 'basic', revoke: 'basic' } }],
    ['DIGILOCKER_EXTRA_PARAMETERS', 'pla=Y,acr=aadhaar', { extraParameters: { pla: 'Y', acr: 'aadhaar' } }],
    ['DIGILOCKER_PATHS', 'issued=/v9/issued', { paths: { issued: '/v9/issued' } }],
    ['DIGILOCKER_SCOPES', 'openid userdetails', { tokenVersion: 2 }],
    ['DIGILOCKER_CONSENT_DAYS', '30', { consentSeconds: 2_592_000 }],
    ['DIGILOCKER_META_DIGEST', 'keyed-base64', { metaDigest: 'keyed-base64' }],
    ['DIGILOCKER_PULL', 'DRVLC=002202', { pull: { DRVLC: '002202' } }],
    ['DIGILOCKER_REVOKE_AFTER_FETCH', 'false', { revokeAfterFetch: false }],
    ['DIGILOCKER_VERIFY_PDF', 'false', { verifyPdf: false }],
  ])('read %s=%s, and keep the defaults of the rest', (name, value, expected) => {
    expect(settings({ [name]: value })).toMatchObject(expected)
  })

  it.each([
    ['DIGILOCKER_EXTRA_PARAMETERS', 'state=fixed', 'authorize parameter state is fixed'],
    ['DIGILOCKER_DROP_PARAMETERS', 'code_challenge', 'authorize parameter code_challenge is fixed'],
    ['DIGILOCKER_PATHS', 'issued=//evil.example/x', 'paths.issued must start with one "/"'],
    ['DIGILOCKER_PATHS', 'nothing=/x', 'paths names no endpoint of ours'],
    ['DIGILOCKER_PATHS', 'file=/1/file', 'paths.file must hold {uri} as a segment'],
    ['DIGILOCKER_BASE_URL', 'http://digilocker.example', 'baseUrl must be https'],
    ['DIGILOCKER_BREAKER', 'threshold=1', 'breaker.threshold must be between 0 and 1'],
    ['DIGILOCKER_RETRY', 'share=3', 'retry.share must be from 0 to 1'],
    ['DIGILOCKER_CONCURRENCY', 'calls=0', 'concurrency.calls must be a positive whole number'],
    ['DIGILOCKER_PULL', 'ADHAR=1', 'pull.ADHAR is not a document that can be pulled'],
  ])('refuse %s=%s', (name, value, fault) => {
    expect(() =>
      settings({ DWAR_ENV: 'test', [name]: value, ...(fault.startsWith('baseUrl') && { DWAR_ENV: 'sandbox' }) }),
    ).toThrow(fault)
  })
})
