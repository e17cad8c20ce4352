import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readIdTokenKeys } from '../../../src/rails/digilocker/key-file.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'dwar-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwk = publicKey.export({ format: 'jwk' })

function file(content: unknown): string {
  const at = path.join(folder, 'keys.json')
  writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content))
  return at
}

describe('keys of the id_token, as an operator names them', () => {
  it('are none for tls-only', () => {
    expect(readIdTokenKeys('tls-only')).toEqual({ mode: 'tls-only' })
  })

  it('are at an address', () => {
    const url = new URL('https://keys.example.in/jwks')
    expect(readIdTokenKeys(url.href)).toEqual({ mode: 'jwks-uri', url })
  })

  it('are in a file', () => {
    const keys = [{ ...jwk, kid: 'one', use: 'sig', alg: 'RS256' }]
    expect(readIdTokenKeys(file({ keys }))).toEqual({ mode: 'keys', jwks: { keys } })
  })

  it.each<[string, unknown]>([
    ['a private key', { keys: [privateKey.export({ format: 'jwk' })] }],
    ['a shared key', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }],
    ['a key on a curve', { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] }],
    ['no key', { keys: [] }],
    ['one key without a set', jwk],
    ['other than JSON', '-----BEGIN PUBLIC KEY-----'],
  ])('are not taken from a file with %s', (_case, content) => {
    const failure = expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('DIGILOCKER_ID_TOKEN_KEYS'),
    })
    expect(() => readIdTokenKeys(file(content))).toThrow(failure)
  })

  it('are not taken from a file that is not there', () => {
    expect(() => readIdTokenKeys(path.join(folder, 'absent.json'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})
