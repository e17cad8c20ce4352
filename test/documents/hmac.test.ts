import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkTransportHmac } from '../../src/documents/hmac.ts'
import { refusedWith } from './fixtures.ts'

const BODY = Buffer.from([0xef, 0xbb, 0xbf, 0x3c, 0x61, 0x2f, 0x3e, 0x0d, 0x0a, 0xff])
const hmacOf = (secret: string, body: Uint8Array = BODY) => createHmac('sha256', secret).update(body).digest()
const right = hmacOf('current').toString('base64')

describe('hmac header — digilocker-api.md §10.6', () => {
  it('matches the vector of RFC 4231 §4.3', () => {
    const hex = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
    const header = Buffer.from(hex, 'hex').toString('base64')
    expect(checkTransportHmac(Buffer.from('what do ya want for nothing?'), header, ['Jefe'], 'require')).toBe('matched')
  })

  it.each(['require', 'verify-if-present'] as const)(
    'accepts the current and the previous secret under %s',
    (policy) => {
      const secrets = ['current', 'previous']
      expect(checkTransportHmac(BODY, right, secrets, policy)).toBe('matched')
      expect(checkTransportHmac(BODY, hmacOf('previous').toString('base64'), secrets, policy)).toBe('matched')
    },
  )

  it('takes the secret as UTF-8', () => {
    expect(checkTransportHmac(BODY, hmacOf('रहस्य').toString('base64'), ['रहस्य'], 'require')).toBe('matched')
  })

  it.each([
    ['of another secret', hmacOf('other').toString('base64')],
    ['of another body', hmacOf('current', Buffer.from('other')).toString('base64')],
    ['of the body decoded as text', hmacOf('current', Buffer.from(BODY.toString('utf8'))).toString('base64')],
    ['in hex', hmacOf('current').toString('hex')],
    ['in base64url', right.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')],
    ['without padding', right.replace('=', '')],
    ['cut short', right.slice(0, 40)],
    ['with something after it', `${right}AAAA`],
    ['that is empty', ''],
  ])('refuses one %s', (_case, header) => {
    for (const policy of ['require', 'verify-if-present'] as const) {
      expect(() => checkTransportHmac(BODY, header, ['current'], policy)).toThrow(refusedWith('DOC_HMAC_MISMATCH'))
    }
  })

  it('refuses every header when no secret is configured', () => {
    expect(() => checkTransportHmac(BODY, right, [], 'require')).toThrow(refusedWith('DOC_HMAC_MISMATCH'))
  })

  it('refuses a missing header only when it is required', () => {
    expect(() => checkTransportHmac(BODY, undefined, ['current'], 'require')).toThrow(refusedWith('DOC_HMAC_MISSING'))
    expect(checkTransportHmac(BODY, undefined, ['current'], 'verify-if-present')).toBe('absent')
  })

  it('looks at nothing when switched off', () => {
    expect(checkTransportHmac(BODY, 'wrong', ['current'], 'off')).toBe('unchecked')
  })
})
