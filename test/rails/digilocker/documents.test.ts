import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { DocumentError } from '../../../src/errors.ts'
import {
  AADHAAR_URI,
  BOTH,
  believe,
  CANARY,
  CLIENT,
  document,
  error,
  failureOf,
  hmacOf,
  html,
  issuedBody,
  item,
  json,
  LICENCE_URI,
  need,
  PAN_URI,
  type Stage,
  summary,
  tokenBody,
  travel,
  Upstream,
  userBody,
  xml,
} from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
beforeEach(() => upstream.reset())
afterAll(() => upstream.close())

const outcomes = async (stage: Stage): Promise<string[]> => summary((await travel(upstream, stage)).identity.documents)
const granted = (scope: string): void => {
  upstream.on('token', json({ ...tokenBody, scope }))
}
const listed = (...items: unknown[]): void => {
  upstream.on('issued', json({ items, resource: '' }))
}
const fetched = (): string[] =>
  upstream.requests.filter(({ endpoint }) => endpoint === 'xml' || endpoint === 'eaadhaar').map(({ path }) => path)

describe('which documents are fetched — digilocker-api.md §5 and §10', () => {
  it('fetches the one that is needed, and no other that was granted', async () => {
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['verified PANCR'])
    expect(fetched()).toEqual([`/public/oauth2/1/xml/${PAN_URI}`])
  })

  it('asks for neither list nor documents when none is needed', async () => {
    expect(await outcomes({ needs: [] })).toEqual([])
    expect(upstream.requests.map(({ endpoint }) => endpoint)).toEqual(['token', 'user', 'revoke'])
  })

  it('stops at the first alternative that verifies', async () => {
    expect(await outcomes({ needs: [need('DRVLC', 'PANCR', 'ADHAR')] })).toEqual(['verified DRVLC'])
    expect(fetched()).toHaveLength(1)
  })

  it('fetches a document that serves two needs once', async () => {
    const needs = [need('PANCR'), need('PANCR', 'DRVLC'), need('DRVLC')]
    expect(await outcomes({ needs })).toEqual(['verified PANCR', 'verified DRVLC'])
    expect(fetched()).toHaveLength(2)
  })

  it('reads e-Aadhaar from its own endpoint, although the list calls it a PDF', async () => {
    expect(await outcomes({ needs: [need('ADHAR')] })).toEqual(['verified ADHAR'])
    expect(fetched()).toEqual(['/public/oauth2/3/xml/eaadhaar'])
  })

  it.each([1, 2] as const)('reads e-Aadhaar from path version %i when configured', async (eAadhaarVersion) => {
    await travel(upstream, { needs: [need('ADHAR')], settings: { eAadhaarVersion } })
    expect(fetched()).toEqual([`/public/oauth2/${eAadhaarVersion}/xml/eaadhaar`])
  })

  it('never asks for the PDF of a document that has XML, nor of e-Aadhaar', async () => {
    await travel(upstream, { needs: [need('ADHAR'), need('PANCR'), need('DRVLC')] })
    expect(upstream.requests.filter(({ path }) => path.includes('/file/'))).toEqual([])
  })

  it('takes the next alternative when the first was not granted', async () => {
    granted(`files.issueddocs issued/${PAN_URI}`)
    expect(await outcomes({ needs: [need('DRVLC', 'PANCR')] })).toEqual(['absent DRVLC not-granted', 'verified PANCR'])
    expect(fetched()).toHaveLength(1)
  })

  it('takes nothing that the person unticked, although the list shows it', async () => {
    granted(`files.issueddocs issued/${PAN_URI}`)
    expect(await outcomes({ needs: [need('DRVLC')] })).toEqual(['absent DRVLC not-granted'])
    expect(fetched()).toEqual([])
  })

  it('takes nothing when nothing was ticked, and spares the list', async () => {
    granted('userdetails files.issueddocs')
    expect(await outcomes({ needs: [need('DRVLC', 'PANCR'), need('ADHAR')] })).toEqual([
      'absent DRVLC not-granted',
      'absent PANCR not-granted',
      'absent ADHAR not-granted',
    ])
    expect(upstream.count('issued') + fetched().length).toBe(0)
  })

  it('says that an agreed document is not in the locker yet', async () => {
    granted('picture userdetails file.partners/DRVLC files.issueddocs')
    listed(item(PAN_URI, BOTH))
    expect(await outcomes({ needs: [need('DRVLC')] })).toEqual(['absent DRVLC not-in-locker'])
  })

  it('takes a consent to the type for each listed document of it', async () => {
    granted('openid files.issueddocs partners.PANCR')
    expect(await outcomes({ needs: [need('PANCR'), need('DRVLC')] })).toEqual([
      'verified PANCR',
      'absent DRVLC not-granted',
    ])
  })

  it('leaves consent to the upstream when it states no scope at all', async () => {
    upstream.on('token', json({ ...tokenBody, scope: undefined }))
    listed(item(PAN_URI, BOTH), item(AADHAAR_URI, ['application/pdf']))
    upstream.on('eaadhaar', error(403, 'insufficient_scope'))
    const needs = [need('PANCR'), need('DRVLC'), need('ADHAR')]
    expect(await outcomes({ needs })).toEqual([
      'verified PANCR',
      'absent DRVLC not-in-locker',
      'absent ADHAR not-granted',
    ])
  })

  it('tries a granted document that the list leaves out', async () => {
    listed()
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['verified PANCR'])
  })

  it('keeps a document number with hyphens and slashes in one segment', async () => {
    const uri = 'in.gov.transport-DRVLC-AB-01/2000-77'
    granted(`issued/${uri}`)
    await travel(upstream, { needs: [need('DRVLC')] })
    expect(fetched()).toEqual(['/public/oauth2/1/xml/in.gov.transport-DRVLC-AB-01%2F2000-77'])
  })

  it('prefers, of several of one type, the first that has XML', async () => {
    const [pdf, first, second] = ['A', 'B', 'C'].map((id) => `in.gov.transport-RVCER-${id}`)
    granted(`issued/${pdf} issued/${first} issued/${second}`)
    listed(item(pdf ?? '', ['application/pdf']), item(first ?? '', BOTH), item(second ?? '', BOTH))
    upstream.on('xml', xml('RVCER'))
    expect(await outcomes({ needs: [need('RVCER')] })).toEqual(['verified RVCER'])
    expect(fetched()).toEqual([`/public/oauth2/1/xml/${first}`])
  })

  it('says that Aadhaar is not linked when the account says so and none was granted', async () => {
    granted(`issued/${PAN_URI}`)
    upstream.on('user', json({ ...userBody, eaadhaar: 'N' }))
    expect(await outcomes({ needs: [need('ADHAR')] })).toEqual(['absent ADHAR aadhaar-not-linked'])
    expect(fetched()).toEqual([])
  })
})

describe('issued list — digilocker-api.md §10.1', () => {
  it.each([
    ['a string', 'application/xml'],
    ['an array', ['application/json', 'application/xml', 'application/pdf']],
    ['upper case', ['application/PDF', 'APPLICATION/XML']],
    ['several in one string', 'application/pdf, application/xml'],
    ['empty', ''],
    ['an empty array', []],
    ['null', null],
    ['missing', undefined],
    ['a number', 7],
  ])('fetches XML when mime is %s', async (_case, mime) => {
    listed(item(PAN_URI, mime))
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['verified PANCR'])
  })

  it.each([
    ['an array', ['application/pdf']],
    ['a string in upper case', 'application/PDF'],
  ])('gives no fields for a document that is PDF only: mime is %s', async (_case, mime) => {
    listed(item(PAN_URI, mime))
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['pdf-only PANCR trusted'])
    expect(fetched()).toEqual([])
  })

  it('goes on from a PDF to the next alternative, and spends no call on it', async () => {
    listed(item(LICENCE_URI, ['application/pdf']), item(PAN_URI, BOTH))
    expect(await outcomes({ needs: [need('DRVLC', 'PANCR')] })).toEqual(['pdf-only DRVLC', 'verified PANCR'])
    expect(upstream.count('file')).toBe(0)
  })

  it.each([
    ['missing items', {}],
    ['null items', { items: null }],
    ['no items', { items: [] }],
    ['items that cannot be read', { items: [null, 7, 'x', {}, { uri: 9 }, { uri: 'nothing' }, { uri: '-PANCR-' }] }],
  ])('takes an empty locker as one: %s', async (_case, body) => {
    granted('partners.PANCR')
    upstream.on('issued', json(body))
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['absent PANCR not-in-locker'])
  })

  it('leaves out only the item that it cannot read', async () => {
    upstream.on('issued', json({ items: [null, ...issuedBody.items] }))
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['verified PANCR'])
  })

  it.each([
    ['a 401', error(401, 'invalid_token'), 'RAIL_UNAUTHORIZED'],
    ['a 403', error(403, 'insufficient_scope'), 'RAIL_FORBIDDEN'],
    ['a 404', error(404, 'invalid_id'), 'RAIL_NOT_FOUND'],
    ['items that are no list', json({ items: 'none' }), 'RAIL_RESPONSE_INVALID'],
  ])('refuses %s', async (_case, answer, code) => {
    upstream.on('issued', answer)
    expect(await failureOf(upstream, { needs: [need('PANCR')] })).toMatchObject({ name: 'RailError', code })
  })
})

describe('an issued list that cannot be had now costs the login nothing — digilocker-api.md §10.1', () => {
  it.each([
    ['a 429', { status: 429 }],
    ['a 530', error(530, 'partner_service_unresponsive')],
    ['a 530 with a page', html(530)],
    ['a page', html(200)],
  ])('goes by the granted scope after %s', async (_case, answer) => {
    upstream.on('issued', answer)
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['verified PANCR'])
  })

  it('does not say that a type agreed to is not in the locker, when it cannot know', async () => {
    granted('files.issueddocs partners.PANCR')
    upstream.on('issued', html(530))
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['absent PANCR unavailable'])
  })
})

describe('one document’s failure is its own — digilocker-api.md §12', () => {
  it.each([
    ['a 400', error(400, 'uri_missing'), 'absent PANCR unavailable RAIL_RESPONSE_INVALID'],
    ['a 403', error(403, 'insufficient_scope'), 'absent PANCR not-granted'],
    ['a 403 from a gateway', html(403), 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    ['a 404', error(404, 'invalid_uri'), 'absent PANCR not-in-locker'],
    ['a 404 from a gateway', html(404), 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    ['a 429', { status: 429 }, 'absent PANCR unavailable RAIL_RATE_LIMITED'],
    ['a 500', error(500, 'unexpected_error'), 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    ['a 503', error(503, 'repository_service_inactive'), 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    ['a 530 with JSON', error(530, 'repository_service_unresponsive'), 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    ['a 530 with a page', html(530), 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    ['a 530 without body', { status: 530 }, 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    ['a page', html(200), 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    [
      'a PDF',
      { headers: { 'content-type': 'application/pdf' }, body: '%PDF-' },
      'absent PANCR unavailable RAIL_RESPONSE_INVALID',
    ],
    ['a part of it (206)', { ...xml('PANCR'), status: 206 }, 'absent PANCR unavailable RAIL_UNAVAILABLE'],
    ['JSON', json({}), 'absent PANCR unavailable RAIL_RESPONSE_INVALID'],
  ])('reports %s and keeps the login and the other document', async (_case, answer, line) => {
    upstream.on('xml', (request) => (request.path.includes('PANCR') ? answer : xml('DRVLC')))
    expect(await outcomes({ needs: [need('PANCR'), need('DRVLC')] })).toEqual([line, 'verified DRVLC'])
  })

  it.each([
    ['no linked Aadhaar', error(404, 'aadhaar_not_linked'), 'absent ADHAR aadhaar-not-linked'],
    ['an Aadhaar that needs eKYC anew', error(404, 'aadhaar_not_available'), 'absent ADHAR aadhaar-not-available'],
    ['no consent', error(403, 'insufficient_scope'), 'absent ADHAR not-granted'],
    ['an issuer that is down', error(530, 'unexpected_error'), 'absent ADHAR unavailable RAIL_UNAVAILABLE'],
  ])('reports e-Aadhaar with %s, although the account says eaadhaar=Y', async (_case, answer, line) => {
    upstream.on('eaadhaar', answer)
    expect(await outcomes({ needs: [need('ADHAR')] })).toEqual([line])
  })

  it('goes on from an absent document to the next alternative', async () => {
    upstream.on('eaadhaar', error(404, 'aadhaar_not_linked'))
    expect(await outcomes({ needs: [need('ADHAR', 'PANCR')] })).toEqual([
      'absent ADHAR aadhaar-not-linked',
      'verified PANCR',
    ])
  })

  it('ends the journey when the upstream took the token back meanwhile', async () => {
    upstream.on('xml', error(401, 'invalid_token'))
    expect(await failureOf(upstream, { needs: [need('PANCR')] })).toMatchObject({ code: 'RAIL_UNAUTHORIZED' })
  })

  it.each(['application/xml; charset=utf-8', 'text/xml', 'text/plain', 'application/octet-stream', 'TEXT/PLAIN'])(
    'takes XML that comes as %s',
    async (type) => {
      upstream.on('xml', xml('PANCR', type))
      expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['verified PANCR'])
    },
  )
})

describe('documents that cannot be trusted', () => {
  it('keeps the refusal, and takes no other document in its place', async () => {
    upstream.on('xml', xml('FORGED'))
    expect(await outcomes({ needs: [need('PANCR', 'DRVLC')] })).toEqual(['refused PANCR DOC_SIGNATURE_INVALID'])
    expect(fetched()).toHaveLength(1)
  })

  it('refuses a genuine document of another type', async () => {
    upstream.on('xml', xml('DRVLC'))
    expect(await outcomes({ needs: [need('PANCR')] })).toEqual(['refused PANCR DOC_TYPE_MISMATCH'])
  })

  it('passes on the code of the documents room, also of an asynchronous one', async () => {
    const verify = async (): Promise<never> => {
      throw new DocumentError('DOC_SIGNER_UNTRUSTED', 'no pin')
    }
    expect(await outcomes({ needs: [need('PANCR')], deps: { verify } })).toEqual(['refused PANCR DOC_SIGNER_UNTRUSTED'])
  })

  it('does not take a fault of ours for a bad document', async () => {
    const verify = (): never => {
      throw new TypeError('a bug')
    }
    expect(await failureOf(upstream, { needs: [need('PANCR')], deps: { verify } })).toBeInstanceOf(TypeError)
    expect(upstream.count('revoke')).toBe(1)
  })

  it('refuses a document over the cap, unread', async () => {
    const seen: string[] = []
    const verify = (bytes: Uint8Array, doctype: string) => {
      seen.push(doctype)
      return believe(bytes, doctype)
    }
    upstream.on('xml', { headers: { 'content-type': 'application/xml' }, body: 'x'.repeat(2001) })
    const settings = { bodyCaps: { json: 100_000, document: 2000, file: 2000 } }
    expect(await outcomes({ needs: [need('PANCR')], settings, deps: { verify } })).toEqual([
      'refused PANCR DOC_TOO_LARGE',
    ])
    expect(seen).toEqual([])
  })
})

describe('hmac header — digilocker-api.md §10.6', () => {
  const body = document('PANCR')
  const served = (headers: Record<string, string>): void => {
    upstream.on('xml', xml('PANCR', 'application/xml', headers))
  }
  const right = hmacOf(body, CLIENT.clientSecret)
  const wrong = hmacOf(body, 'another secret')

  it.each([
    ['require', 'right', right, 'verified PANCR'],
    ['require', 'wrong', wrong, 'refused PANCR DOC_HMAC_MISMATCH'],
    ['require', 'missing', undefined, 'refused PANCR DOC_HMAC_MISSING'],
    ['verify-if-present', 'right', right, 'verified PANCR'],
    ['verify-if-present', 'wrong', wrong, 'refused PANCR DOC_HMAC_MISMATCH'],
    ['verify-if-present', 'empty', '', 'refused PANCR DOC_HMAC_MISMATCH'],
    ['verify-if-present', 'missing', undefined, 'verified PANCR'],
    ['off', 'wrong', wrong, 'verified PANCR'],
  ] as const)('under %s, a %s header', async (hmacPolicy, _case, hmac, line) => {
    served(hmac === undefined ? {} : { hmac })
    expect(await outcomes({ needs: [need('PANCR')], settings: { hmacPolicy } })).toEqual([line])
  })

  it('takes the previous secret while a rotation is under way, and only then', async () => {
    served({ hmac: hmacOf(body, 'the one before') })
    const settings = { hmacPolicy: 'require' as const }
    const rotating = { credentials: async () => ({ ...CLIENT, previousClientSecret: 'the one before' }) }
    expect(await outcomes({ needs: [need('PANCR')], settings, deps: rotating })).toEqual(['verified PANCR'])
    expect(await outcomes({ needs: [need('PANCR')], settings })).toEqual(['refused PANCR DOC_HMAC_MISMATCH'])
  })

  it('covers e-Aadhaar too', async () => {
    upstream.on('eaadhaar', xml('ADHAR', 'text/plain', { hmac: wrong }))
    expect(await outcomes({ needs: [need('ADHAR')] })).toEqual(['refused ADHAR DOC_HMAC_MISMATCH'])
  })

  it('is checked over the bytes as received, also where they are no text', async () => {
    const bytes = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(body), Buffer.from([0xff, 0x0d, 0x0a])])
    const hmac = hmacOf(bytes, CLIENT.clientSecret)
    upstream.on('xml', { headers: { 'content-type': 'text/plain; charset=utf-16', hmac }, body: bytes })
    expect(await outcomes({ needs: [need('PANCR')], settings: { hmacPolicy: 'require' } })).toEqual(['verified PANCR'])
  })
})

describe('what leaves the rail', () => {
  it('is plain JSON, with HMACs in place of URI and bytes', async () => {
    const needs = [need('PANCR'), need('RVCER')]
    const { identity } = await travel(upstream, { needs })
    expect(JSON.parse(JSON.stringify(identity))).toEqual(identity)
    expect(identity.documents[0]).toMatchObject({
      uriHmac: expect.stringMatching(/^[0-9a-f]{64}$/),
      bytesHmac: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const text = JSON.stringify(identity)
    expect(
      [CANARY.pan, CANARY.accessToken, CANARY.refreshToken, CANARY.clientSecret, '<Certificate'].filter((one) =>
        text.includes(one),
      ),
    ).toEqual([])
  })

  it('hashes the very URI and the very bytes, one key each', async () => {
    const hashed: unknown[] = []
    const keyedHash = (purpose: string, value: string | Uint8Array): string => {
      hashed.push([purpose, Buffer.from(value as string).toString()])
      return 'h'
    }
    await travel(upstream, { needs: [need('PANCR')], deps: { keyedHash } })
    expect(hashed).toEqual([
      ['document-uri', PAN_URI],
      ['document-bytes', document('PANCR')],
    ])
  })
})
