import { generateKeyPairSync } from 'node:crypto'
import { FlattenedSign, flattenedVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { algorithms, signingAlgs } from '../../../src/provider/keys/algorithms.ts'

const PAIRS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
}

describe.each(signingAlgs)('%s', (alg) => {
  const { privateKey, publicKey } = PAIRS[alg]

  async function verifyWithJose(signature: Uint8Array, data: string) {
    const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
    const jws = { protected: header, payload: data, signature: Buffer.from(signature).toString('base64url') }
    return flattenedVerify(jws, publicKey)
  }

  const signed = (data: string) =>
    algorithms[alg].signer(privateKey)(
      Buffer.from(`${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${data}`),
    )

  it('signs what jose verifies, also where a number of the signature is short (RFC 7518 §3.4, one in 256)', async () => {
    const count = alg === 'RS256' ? 20 : 2000
    for (let at = 0; at < count; at += 1) {
      const data = Buffer.from(`payload ${at}`).toString('base64url')
      const { payload } = await verifyWithJose(await signed(data), data)
      expect(Buffer.from(payload).toString()).toBe(`payload ${at}`)
    }
  })

  it('verifies what jose signs, and nothing else', async () => {
    const { signature } = await new FlattenedSign(Buffer.from('something')).setProtectedHeader({ alg }).sign(privateKey)
    const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
    const data = (text: string) => Buffer.from(`${header}.${Buffer.from(text).toString('base64url')}`)
    const bytes = Buffer.from(signature, 'base64url')
    expect(algorithms[alg].verify(publicKey, data('something'), bytes)).toBe(true)
    expect(algorithms[alg].verify(publicKey, data('anything'), bytes)).toBe(false)
  })
})
