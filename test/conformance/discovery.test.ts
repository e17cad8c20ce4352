import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, useScene } from './party.ts'

describe('OpenID Connect Discovery 1.0 and RFC 8414', () => {
  const scene = useScene()
  let metadata: Answer
  beforeAll(async () => {
    metadata = await scene.send('/.well-known/openid-configuration')
  })

  it('§3: every required member is there', () => {
    expect(metadata.body).toMatchObject({
      issuer: scene.stage.issuer.origin,
      authorization_endpoint: expect.any(String),
      token_endpoint: expect.any(String),
      userinfo_endpoint: expect.any(String),
      jwks_uri: expect.any(String),
      scopes_supported: expect.arrayContaining(['openid']),
      response_types_supported: ['code'],
      subject_types_supported: expect.arrayContaining(['pairwise']),
      id_token_signing_alg_values_supported: expect.arrayContaining(['RS256']),
      claims_supported: expect.arrayContaining(['sub', 'name']),
    })
  })

  it('§3: every endpoint that is named is there, and ours', async () => {
    const named = Object.entries(metadata.body).filter(([name]) => /(_endpoint|_uri)$/.test(name))
    expect(named.length).toBeGreaterThan(6)
    for (const [name, url] of named) {
      expect([name, new URL(String(url)).origin]).toEqual([name, scene.stage.issuer.origin])
      const answers = ['GET', 'POST'].map((method) => scene.send(new URL(String(url)).pathname, { method }))
      const statuses = (await Promise.all(answers)).map(({ status }) => status)
      expect([name, statuses.some((status) => status !== 404 && status < 500)]).toEqual([name, true])
    }
  })

  it('§3: no algorithm is offered that needs a shared secret or none', () => {
    const algorithms = Object.entries(metadata.body).filter(([name]) => name.includes('signing_alg_values'))
    expect(algorithms.flatMap(([, values]) => values as string[]).filter((alg) => /^(HS|none)/.test(alg))).toEqual([])
  })

  it('§4.2: the answer is JSON, and says how long it may be kept', () => {
    expect(metadata.status).toBe(200)
    expect(metadata.headers.get('content-type')).toMatch(/^application\/json/)
    expect(metadata.headers.get('cache-control')).toBe('public, max-age=300')
  })

  it('RFC 8414 §3: the same stands where OAuth looks for it', async () => {
    const { status, body } = await scene.send('/.well-known/oauth-authorization-server')
    expect([status, body]).toEqual([200, metadata.body])
  })

  it('Core §10.1: keys have different ids, name their use, and have no private part', async () => {
    const { body } = await scene.send('/jwks')
    const keys = body.keys as Record<string, unknown>[]
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length)
    for (const key of keys) {
      expect(key).toMatchObject({ kty: expect.any(String), kid: expect.any(String), use: 'sig' })
      expect(
        Object.keys(key).filter((member) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].includes(member)),
      ).toEqual([])
    }
  })
})
