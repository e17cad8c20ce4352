import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { DocumentError } from '../../../src/errors.ts'
import {
  AADHAAR_URI,
  type Answerer,
  BOTH,
  CANARY,
  CLIENT,
  error,
  failureOf,
  hmacOf,
  html,
  item,
  json,
  LICENCE_URI,
  need,
  PAN_URI,
  pdf,
  type Stage,
  summary,
  travel,
  Upstream,
  xml,
} from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
beforeEach(() => {
  upstream.reset()
  listed(item(LICENCE_URI, ['application/pdf']), item(PAN_URI, BOTH))
})
afterAll(() => upstream.close())

const listed = (...items: unknown[]): void => {
  upstream.on('issued', json({ items, resource: '' }))
}
const outcomes = async (stage: Stage): Promise<string[]> => summary((await travel(upstream, stage)).identity.documents)
const licence = (stage: Stage = {}) => outcomes({ needs: [need('DRVLC')], ...stage })
const served = (answer: Answerer) => upstream.on('file', answer)

describe('a document that is PDF only — digilocker-api.md §10.3', () => {
  it.each([
    ['signed by somebody whom we believe', pdf('SIGNED'), 'pdf-only DRVLC trusted'],
    ['unsigned', pdf('nothing'), 'pdf-only DRVLC unsigned'],
    ['changed after it was signed', pdf('FORGED'), 'refused DRVLC DOC_DIGEST_MISMATCH'],
  ])('is fetched, and gives no field: %s', async (_case, answer, line) => {
    served(answer)
    const { identity } = await travel(upstream, { needs: [need('DRVLC')] })
    expect(summary(identity.documents)).toEqual([line])
    expect(identity.documents[0]).not.toHaveProperty('fields')
    expect(upstream.last('file')).toMatchObject({
      path: `/public/oauth2/1/file/${LICENCE_URI}`,
      headers: { accept: 'application/pdf', authorization: `Bearer ${CANARY.accessToken}` },
    })
    expect(upstream.count('file')).toBe(1)
  })

  it('is fetched once for two needs', async () => {
    expect(await outcomes({ needs: [need('DRVLC'), need('DRVLC', 'PANCR')] })).toEqual([
      'pdf-only DRVLC trusted',
      'verified PANCR',
    ])
    expect(upstream.count('file')).toBe(1)
  })

  it('is fetched for a need that nothing else served', async () => {
    upstream.on('xml', error(530, 'repository_service_unresponsive'))
    expect(await outcomes({ needs: [need('DRVLC', 'PANCR')] })).toEqual([
      'pdf-only DRVLC trusted',
      'absent PANCR unavailable RAIL_UNAVAILABLE',
    ])
  })

  it('is not fetched where its need met a forgery', async () => {
    upstream.on('xml', { ...xml('FORGED') })
    expect(await outcomes({ needs: [need('DRVLC', 'PANCR')] })).toEqual([
      'pdf-only DRVLC',
      'refused PANCR DOC_SIGNATURE_INVALID',
    ])
    expect(upstream.count('file')).toBe(0)
  })

  it('is not fetched when the operator does not want it', async () => {
    expect(await licence({ settings: { verifyPdf: false } })).toEqual(['pdf-only DRVLC'])
    expect(upstream.count('file')).toBe(0)
  })

  it.each([['application/json'], ['image/jpeg']])('is not fetched where the list has no PDF: %s', async (mime) => {
    listed(item(LICENCE_URI, [mime]))
    expect(await licence()).toEqual(['pdf-only DRVLC'])
    expect(upstream.count('file')).toBe(0)
  })

  it('is never fetched of Aadhaar, whatever the list and its own endpoint say', async () => {
    listed(item(AADHAAR_URI, ['application/pdf']))
    upstream.on('eaadhaar', error(530, 'repository_service_unresponsive'))
    expect(await outcomes({ needs: [need('ADHAR')] })).toEqual(['absent ADHAR unavailable RAIL_UNAVAILABLE'])
    expect(upstream.count('file')).toBe(0)
  })

  it.each(['application/pdf', 'application/octet-stream', 'image/png', ''])(
    'is known by its first bytes, whatever the type says: %j',
    async (type) => {
      served({ headers: { 'content-type': type }, body: '%PDF-1.4 SIGNED' })
      expect(await licence()).toEqual(['pdf-only DRVLC trusted'])
    },
  )

  it('keeps no session open, since nothing more can come of it', async () => {
    expect((await travel(upstream, { needs: [need('DRVLC')] })).identity).not.toHaveProperty('session')
    expect(upstream.count('revoke')).toBe(1)
  })

  it('leaves no byte of itself, nor its URI', async () => {
    served(pdf(`SIGNED ${CANARY.pan}`))
    const text = JSON.stringify(await travel(upstream, { needs: [need('DRVLC')] }))
    expect([CANARY.pan, CANARY.name, LICENCE_URI, '%PDF'].filter((one) => text.includes(one))).toEqual([CANARY.name])
    expect(text.split(CANARY.name)).toHaveLength(2) // the profile that DigiLocker asserts, and nothing of the file
  })
})

describe('a PDF that cannot be had is as if not looked at — the login goes on', () => {
  const throwing = (code: 'DOC_VERIFIER_BUSY' | 'DOC_VERIFIER_FAILED' | 'DOC_VERIFIER_LIMIT') => ({
    deps: {
      verifyPdf: (): never => {
        throw new DocumentError(code, 'ours')
      },
    },
  })

  it.each([
    ['its office is down', error(530, 'repository_service_unresponsive'), 'pdf-only DRVLC RAIL_UNAVAILABLE'],
    ['a gateway speaks', html(200), 'pdf-only DRVLC RAIL_UNAVAILABLE'],
    ['there are too many calls', { status: 429 }, 'pdf-only DRVLC RAIL_RATE_LIMITED'],
    [
      'it is a picture',
      { headers: { 'content-type': 'image/jpeg' }, body: '\xff\xd8' },
      'pdf-only DRVLC RAIL_RESPONSE_INVALID',
    ],
    ['there is nothing in it', { body: '' }, 'pdf-only DRVLC RAIL_RESPONSE_INVALID'],
    ['it begins late', { body: ' %PDF-1.7 SIGNED' }, 'pdf-only DRVLC RAIL_RESPONSE_INVALID'],
    ['it is gone', error(404, 'invalid_uri'), 'absent DRVLC not-in-locker'],
    ['it was not agreed to', error(403, 'insufficient_scope'), 'absent DRVLC not-granted'],
  ])('because %s', async (_case, answer, line) => {
    served(answer)
    expect(await licence()).toEqual([line])
  })

  it.each(['DOC_VERIFIER_BUSY', 'DOC_VERIFIER_FAILED'] as const)('because we could not judge it: %s', async (code) => {
    expect(await licence(throwing(code))).toEqual([`pdf-only DRVLC ${code}`])
  })

  it('but one that takes too much to judge is refused', async () => {
    expect(await licence(throwing('DOC_VERIFIER_LIMIT'))).toEqual(['refused DRVLC DOC_VERIFIER_LIMIT'])
  })

  it('but a lost token ends the journey', async () => {
    served(error(401, 'invalid_token'))
    expect(await failureOf(upstream, { needs: [need('DRVLC')] })).toMatchObject({ code: 'RAIL_UNAUTHORIZED' })
  })

  it('and a fault of ours is no word about the document', async () => {
    const verifyPdf = (): never => {
      throw new TypeError('a bug')
    }
    expect(await failureOf(upstream, { needs: [need('DRVLC')], deps: { verifyPdf } })).toBeInstanceOf(TypeError)
  })
})

describe('what protects XML on its way protects a PDF', () => {
  const body = '%PDF-1.7 SIGNED'
  it.each([
    ['require', 'right', hmacOf(body, CLIENT.clientSecret), 'pdf-only DRVLC trusted'],
    ['require', 'wrong', hmacOf(body, 'another'), 'refused DRVLC DOC_HMAC_MISMATCH'],
    ['require', 'missing', undefined, 'refused DRVLC DOC_HMAC_MISSING'],
    ['verify-if-present', 'wrong', hmacOf(body, 'another'), 'refused DRVLC DOC_HMAC_MISMATCH'],
    ['verify-if-present', 'missing', undefined, 'pdf-only DRVLC trusted'],
  ] as const)('hmac under %s: %s', async (hmacPolicy, _case, hmac, line) => {
    served({ headers: hmac === undefined ? {} : { hmac }, body })
    expect(await licence({ settings: { hmacPolicy } })).toEqual([line])
  })

  it('refuses one over the cap while it comes, unread', async () => {
    let given = 0
    served((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/pdf' })
      const more = (): void => {
        given += 1
        if (!response.destroyed) response.write(Buffer.alloc(1000, '%PDF-'), () => setImmediate(more))
      }
      more()
      return undefined
    })
    const settings = { bodyCaps: { json: 100_000, document: 100, file: 5000 } }
    const seen: string[] = []
    const verifyPdf = (): never => {
      seen.push('read')
      throw new Error('nobody may read it')
    }
    expect(await licence({ settings, deps: { verifyPdf } })).toEqual(['refused DRVLC DOC_TOO_LARGE'])
    expect(seen).toEqual([])
    expect(given).toBeGreaterThan(4)
  })

  it('takes one bigger than any XML may be', async () => {
    served({ body: `%PDF-1.7 SIGNED${' '.repeat(6 * 1024 * 1024)}` })
    expect(await licence()).toEqual(['pdf-only DRVLC trusted'])
  })
})
