import { describe, expect, it } from 'vitest'
import {
  answerVerifiedRequest,
  chooseEvidence,
  type DocumentAsEvidence,
  releaseStored,
  type VerifiedClaims,
} from '../../../src/provider/identity-assurance/answer.ts'
import { readVerifiedRequests, verifiableNames } from '../../../src/provider/identity-assurance/asked.ts'
import { faultInVerifiedRequest, isShallow } from '../../../src/provider/identity-assurance/syntax.ts'
import { checkedByOfficialSchemas } from '../../support/official-schemas.ts'

const verifiedAt = Date.UTC(2026, 10, 23, 10) / 1000
const verification = {
  profile: 'digilocker',
  signerFingerprint: 'ab'.repeat(32),
  signerName: 'DS TEST',
  signerBasis: 'pin',
  chain: [],
  revocation: 'unchecked',
  canonicalization: 'exclusive',
  judgedAt: verifiedAt,
  crossChecked: true,
  reasons: [],
  signatureAlgorithm: 'rsa-sha1',
  digestAlgorithm: 'sha256',
  timeBasis: 'fetch',
  verifiedAt,
} as const
const licence: DocumentAsEvidence = {
  doctype: 'DRVLC',
  verification,
  fields: {
    doctype: 'DRVLC',
    number: 'MH1220190012345',
    name: 'ASHA DEVI',
    birthdate: '1990-04-05',
    issuedOn: '2019-01-02',
    expiresOn: '2039-01-01',
    documentIssuer: { id: 'in.gov.transport', name: 'Transport Department' },
  },
}
const aadhaar: DocumentAsEvidence = {
  doctype: 'ADHAR',
  verification,
  fields: {
    doctype: 'ADHAR',
    lastFour: '1234',
    name: 'Asha Devi',
    birthdate: '1990-04-05',
    gender: 'female',
    documentIssuer: { name: 'UIDAI' },
  },
}

function answer(
  request: unknown,
  documents = [licence, aadhaar],
  now = verifiedAt + 60,
  approved?: string[],
): VerifiedClaims | undefined {
  expect(faultInVerifiedRequest(request)).toBeUndefined()
  const read = readVerifiedRequests(request)?.entries[0]
  const context = { judgement: { clock: () => now }, organization: 'id.example.in', process: 'p1', now }
  const chosen = read && chooseEvidence(read, documents, context)
  if (!read || !chosen) return undefined
  const names = new Set(approved ?? verifiableNames(read))
  const told = answerVerifiedRequest(read, chosen.evidence, (name) => names.has(name), context)
  if (told) checkedByOfficialSchemas({ verified_claims: told })
  return told
}

const evidenceOf = (details: Record<string, unknown>) => [{ type: { value: 'document' }, ...details }]

describe('verified_claims — OpenID Identity Assurance 1.0 §6', () => {
  it('returns what was asked and nothing more', () => {
    expect(answer({ verification: { trust_framework: null }, claims: { name: null } })).toEqual({
      verification: { trust_framework: 'in_digilocker' },
      claims: { name: 'Asha Devi' },
    })
  })

  it('returns evidence with the members asked for', () => {
    const evidence = evidenceOf({
      check_details: [{ check_method: null }],
      document_details: { type: { value: 'driving_permit' }, date_of_expiry: null, issuer: { name: null } },
    })
    expect(
      answer({ verification: { trust_framework: null, time: null, evidence }, claims: { birthdate: null } }),
    ).toEqual({
      verification: {
        trust_framework: 'in_digilocker',
        time: '2026-11-23T10:00:00Z',
        evidence: [
          {
            type: 'document',
            check_details: [{ check_method: 'vcrypt' }],
            document_details: {
              type: 'driving_permit',
              date_of_expiry: '2039-01-01',
              issuer: { name: 'Transport Department' },
            },
          },
        ],
      },
      claims: { birthdate: '1990-04-05' },
    })
  })

  it.each<[string, object]>([
    ['another trust framework', { trust_framework: { value: 'eidas' } }],
    ['none of the listed frameworks', { trust_framework: { values: ['eidas', 'nist'] } }],
    ['an assurance level we do not state', { trust_framework: null, assurance_level: { value: 'high' } }],
    [
      'a document type that is not there',
      { trust_framework: null, evidence: evidenceOf({ document_details: { type: { value: 'passport' } } }) },
    ],
    [
      'a check method we do not use',
      { trust_framework: null, evidence: evidenceOf({ check_details: [{ check_method: { value: 'pipp' } }] }) },
    ],
    [
      'check methods we do not use',
      {
        trust_framework: null,
        evidence: evidenceOf({ check_details: [{ check_method: { values: ['vpip', 'pipp'] } }] }),
      },
    ],
    ['a verification that must be younger', { trust_framework: null, time: { max_age: 30 } }],
    ['evidence of another kind', { trust_framework: null, evidence: [{ type: { value: 'vouch' } }] }],
  ])('omits everything, without an error, when the request insists on %s', (_case, conditions) => {
    expect(answer({ verification: conditions, claims: { name: null } })).toBeUndefined()
  })

  it.each<[string, object]>([
    ['a listed framework', { trust_framework: { values: ['eidas', 'in_digilocker'] } }],
    ['a young enough verification', { trust_framework: null, time: { max_age: 61 } }],
    [
      'one of two kinds of evidence',
      { trust_framework: null, evidence: [{ type: { value: 'vouch' } }, { type: { value: 'document' } }] },
    ],
    [
      'the check method we use',
      { trust_framework: null, evidence: evidenceOf({ check_details: [{ check_method: { value: 'vcrypt' } }] }) },
    ],
  ])('answers when it insists on %s', (_case, conditions) => {
    expect(answer({ verification: conditions, claims: { name: null } })?.claims).toEqual({ name: 'Asha Devi' })
  })

  it('omits a claim whose value does not match, and keeps the others', () => {
    const request = {
      verification: { trust_framework: null },
      claims: { name: { value: 'Somebody Else' }, birthdate: null },
    }
    expect(answer(request)?.claims).toEqual({ birthdate: '1990-04-05' })
    expect(answer({ ...request, claims: { name: { value: 'Somebody Else' } } })).toBeUndefined()
  })

  it('omits claims it does not know, essential or not, special characters included', () => {
    const claims = { name: null, 'x-unknown': null, shoe_size: { essential: true }, 'ä/"§': null }
    expect(answer({ verification: { trust_framework: null }, claims })?.claims).toEqual({ name: 'Asha Devi' })
  })

  it('releases a document number only when it is asked for by name and agreed to', () => {
    const named = {
      verification: {
        trust_framework: null,
        evidence: evidenceOf({ document_details: { type: { value: 'driving_permit' }, document_number: null } }),
      },
      claims: { name: null },
    }
    const details = (given: VerifiedClaims | undefined) =>
      (given?.verification.evidence as { document_details: object }[] | undefined)?.[0]?.document_details
    expect(details(answer(named))).toEqual({ type: 'driving_permit', document_number: 'MH1220190012345' })
    expect(details(answer(named, [licence], verifiedAt, ['name']))).toEqual({ type: 'driving_permit' })
    const anything = {
      ...named,
      verification: { trust_framework: null, evidence: evidenceOf({ document_details: {} }) },
    }
    expect(JSON.stringify(answer(anything, [licence]))).not.toContain('MH1220190012345')
  })

  it('leaves out what the person did not agree to', () => {
    const request = { verification: { trust_framework: null }, claims: { name: null, birthdate: null } }
    expect(answer(request, [licence], verifiedAt, ['birthdate'])?.claims).toEqual({ birthdate: '1990-04-05' })
    expect(answer(request, [licence], verifiedAt, [])).toBeUndefined()
  })

  it('tells of a container only what is named in it, and nothing of one whose required member is not', () => {
    const told = (document_details: object) =>
      answer({
        verification: { trust_framework: null, evidence: evidenceOf({ document_details }) },
        claims: { name: null },
      })?.verification.evidence
    expect(told({ type: null, issuer: {} })).toEqual([{ type: 'document', document_details: { type: 'idcard' } }])
    expect(told({ document_number: null })).toEqual([{ type: 'document' }])
    expect(told({})).toEqual([{ type: 'document' }])
  })

  it('takes entries of evidence and of check_details as alternatives, and together as the template (§5.4)', () => {
    const checks = [
      { check_method: { value: 'pipp' } },
      { check_method: { value: 'vcrypt' } },
      { check_method: null, time: null },
    ]
    const evidence = [
      { type: { value: 'vouch' } },
      ...evidenceOf({ check_details: checks }),
      ...evidenceOf({ document_details: { type: null } }),
    ]
    expect(answer({ verification: { trust_framework: null, evidence }, claims: { name: null } })?.verification).toEqual(
      {
        trust_framework: 'in_digilocker',
        evidence: [
          {
            type: 'document',
            check_details: [{ check_method: 'vcrypt', time: '2026-11-23T10:00:00Z' }],
            document_details: { type: 'idcard' },
          },
        ],
      },
    )
  })

  it('omits what it does not have, asked as essential or not, when no value is insisted on (§5.7.2)', () => {
    const verification = {
      trust_framework: null,
      assurance_level: { essential: true },
      assurance_process: { policy: null },
      attachments: null,
      evidence: evidenceOf({
        attachments: null,
        derived_claims: null,
        document_details: { type: null, serial_number: null },
      }),
    }
    expect(answer({ verification, claims: { name: null } })?.verification).toEqual({
      trust_framework: 'in_digilocker',
      evidence: [{ type: 'document', document_details: { type: 'idcard' } }],
    })
  })

  it('counts the age of a day from its last second, in India (§5.5.2)', () => {
    const endOfDay = Date.UTC(2019, 0, 2, 18, 29, 59) / 1000
    const issuedAtMost = (max_age: number) =>
      answer(
        {
          verification: {
            trust_framework: null,
            evidence: evidenceOf({ document_details: { type: null, date_of_issuance: { max_age } } }),
          },
          claims: { name: null },
        },
        [licence],
        endOfDay + 100,
      )
    expect(issuedAtMost(100)).toBeDefined()
    expect(issuedAtMost(99)).toBeUndefined()
  })

  it('answers with the document that meets the conditions, not with the first', () => {
    const evidence = evidenceOf({ document_details: { type: null, date_of_expiry: null } })
    const named = { verification: { trust_framework: null, evidence }, claims: { name: { value: 'ASHA DEVI' } } }
    expect(answer(named)?.verification.evidence).toEqual([
      { type: 'document', document_details: { type: 'driving_permit', date_of_expiry: '2039-01-01' } },
    ])
  })

  it('tells the dates of a document only where she agreed to them', () => {
    const evidence = evidenceOf({ document_details: { type: { value: 'driving_permit' }, date_of_expiry: null } })
    const request = { verification: { trust_framework: null, evidence }, claims: { name: null } }
    expect(JSON.stringify(answer(request, [licence], verifiedAt, ['name']))).not.toContain('2039')
  })

  it('answers by name without the field behind the answer', () => {
    const claims = { '::age_18_or_over': null, '::age_60_or_over': null, '::dwar_unknown': null, ':own': null }
    expect(answer({ verification: { trust_framework: null }, claims })?.claims).toEqual({
      '::age_18_or_over': true,
      '::age_60_or_over': false,
    })
  })

  it.each<[string, unknown, string]>([
    ['an empty array', [], ''],
    ['a string', 'x', ''],
    ['no verification', { claims: { name: null } }, '/verification'],
    ['no trust framework', { verification: {}, claims: { name: null } }, '/verification/trust_framework'],
    ['no claims', { verification: { trust_framework: null } }, '/claims'],
    ['empty claims', { verification: { trust_framework: null }, claims: {} }, '/claims'],
    ['a claim that is a number', { verification: { trust_framework: null }, claims: { name: 5 } }, '/claims/name'],
    [
      'a claim with an odd name',
      { verification: { trust_framework: null }, claims: { 'a/b~c"': 5 } },
      '/claims/a~1b~0c?',
    ],
    [
      'a framework that is no string',
      { verification: { trust_framework: { value: 5 } }, claims: { name: null } },
      '/verification/trust_framework/value',
    ],
    [
      'no values',
      { verification: { trust_framework: { values: [] } }, claims: { name: null } },
      '/verification/trust_framework/values',
    ],
    [
      'an age that is no number',
      { verification: { trust_framework: null, time: { max_age: '5' } }, claims: { name: null } },
      '/verification/time/max_age',
    ],
    [
      'an essential that is no boolean',
      { verification: { trust_framework: null }, claims: { name: { essential: 'yes' } } },
      '/claims/name/essential',
    ],
    [
      'evidence that is no array',
      { verification: { trust_framework: null, evidence: {} }, claims: { name: null } },
      '/verification/evidence',
    ],
    [
      'evidence without a type',
      { verification: { trust_framework: null, evidence: [{}] }, claims: { name: null } },
      '/verification/evidence/0/type',
    ],
    [
      'evidence of several types at once',
      {
        verification: { trust_framework: null, evidence: [{ type: { values: ['document'] } }] },
        claims: { name: null },
      },
      '/verification/evidence/0/type/values',
    ],
    [
      'document details that are null',
      {
        verification: { trust_framework: null, evidence: evidenceOf({ document_details: null }) },
        claims: { name: null },
      },
      '/verification/evidence/0/document_details',
    ],
    [
      'the second of an array',
      [
        { verification: { trust_framework: null }, claims: { name: null } },
        { verification: { trust_framework: null } },
      ],
      '/1/claims',
    ],
  ])('names the place of the fault for %s', (_case, request, at) => {
    expect(faultInVerifiedRequest(request)?.at).toBe(at)
  })

  it('refuses a request deeper or longer than any sound one', () => {
    let deep: unknown = null
    for (let level = 0; level < 20_000; level++) deep = { x: deep }
    const entry = { verification: { trust_framework: null }, claims: { name: null } }
    expect([isShallow(deep), isShallow({ userinfo: { verified_claims: entry } })]).toEqual([false, true])
    expect(faultInVerifiedRequest(new Array(17).fill(entry))?.is).toMatch(/at most 16/)
    expect(faultInVerifiedRequest(new Array(16).fill(entry))).toBeUndefined()
  })
})

describe('what was stored, released under the request in hand', () => {
  const stored: VerifiedClaims = {
    verification: { trust_framework: 'in_digilocker' },
    claims: { name: 'Asha Devi', birthdate: '1990-04-05' },
  }
  const entry = (claims: object, verification: object = { trust_framework: null }) => ({ verification, claims })
  const release = (request: unknown, answers: VerifiedClaims | VerifiedClaims[], agreed = ['name', 'birthdate']) => {
    const read = readVerifiedRequests(request)
    return read && releaseStored(read, answers, (claim) => agreed.includes(claim), verifiedAt)
  }

  it('leaves as it was agreed to', () => {
    expect(release(entry({ name: null, birthdate: null }), stored)).toEqual(stored)
    expect(release([entry({ name: null, birthdate: null })], [stored])).toEqual([stored])
  })

  it.each<[string, unknown, string[] | undefined, object | undefined]>([
    ['a claim that is not asked for', entry({ name: null }), undefined, { name: 'Asha Devi' }],
    ['a claim that was not agreed to', entry({ name: null, birthdate: null }), ['name'], { name: 'Asha Devi' }],
    [
      'a claim of another value',
      entry({ name: { value: 'X' }, birthdate: null }),
      undefined,
      { birthdate: '1990-04-05' },
    ],
    ['all of another framework', entry({ name: null }, { trust_framework: { value: 'eidas' } }), undefined, undefined],
    ['all that nobody agreed to', entry({ name: null }), [], undefined],
  ])('drops %s', (_case, request, agreed, claims) => {
    expect(release(request, stored, agreed)).toEqual(claims && { ...stored, claims })
  })

  it('drops a verification that tells more than is asked for', () => {
    const more = { ...stored, verification: { ...stored.verification, time: '2026-11-23T10:00:00Z' } }
    expect(release(entry({ name: null }), more)).toBeUndefined()
  })
})
