import { describe, expect, it } from 'vitest'
import { isAgeAtLeast } from '../../src/documents/answers/age.ts'
import {
  answerVerifiedRequest,
  chooseEvidence,
  type DocumentAsEvidence,
  faultInVerifiedRequest,
  readVerifiedRequest,
  type VerifiedClaims,
  verifiableClaims,
} from '../../src/provider/verified-claims.ts'

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
  const read = readVerifiedRequest(request)
  const evidence = read && chooseEvidence(read, documents)
  if (!read || !evidence) return undefined
  return answerVerifiedRequest(read, evidence, new Set(approved ?? verifiableClaims(read)), {
    judgement: { today: '2026-11-23', isAgeAtLeast },
    organization: 'id.example.in',
    process: 'p1',
    now,
  })
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
      'one of two check methods we do not use',
      {
        trust_framework: null,
        evidence: evidenceOf({
          check_details: [{ check_method: { value: 'vcrypt' } }, { check_method: { value: 'pipp' } }],
        }),
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

  it.each<[string, unknown, string]>([
    ['an array', [], 'verified_claims must be a single object'],
    ['a string', 'x', 'verified_claims must be an object'],
    ['no verification', { claims: { name: null } }, 'verified_claims.verification is missing'],
    [
      'no trust framework',
      { verification: {}, claims: { name: null } },
      'verified_claims.verification.trust_framework is missing',
    ],
    ['no claims', { verification: { trust_framework: null } }, 'verified_claims.claims is missing'],
    ['empty claims', { verification: { trust_framework: null }, claims: {} }, 'verified_claims.claims is missing'],
    [
      'a claim that is a number',
      { verification: { trust_framework: null }, claims: { name: 5 } },
      'verified_claims.claims.name must be',
    ],
    [
      'evidence without a type',
      { verification: { trust_framework: null, evidence: [{}] }, claims: { name: null } },
      'verified_claims.verification.evidence',
    ],
  ])('names the place of the fault for %s', (_case, request, fault) => {
    expect(faultInVerifiedRequest(request)).toContain(fault)
  })
})
