import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPostgres } from '../support/databases.ts'
import { openStage, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

const open = freshPostgres()
const OFFICIAL = path.resolve(import.meta.dirname, '../../../shared/reference/ida')
const SCHEMA_FOLDERS = ['schema', 'schema_final_2024-10-01']

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }
type ClaimsParameter = Partial<Record<'id_token' | 'userinfo', JsonObject>>
type Told = { readonly id_token: Json | undefined; readonly userinfo: Json | undefined }

/** What the official examples get from asha; files that are not named here are held to the general rules alone. */
const ANSWERS: Readonly<Record<string, 'answered' | 'omitted' | 'refused'>> = {
  'claims.json': 'answered',
  'essential.json': 'answered',
  'userinfo.json': 'answered',
  'verification.json': 'answered',
  'verification_document.json': 'answered',
  'verification_with_attachments.json': 'answered',
  'verification_withderived.json': 'answered',
  'verification_withderived2.json': 'answered',
  'id_token.json': 'answered',
  'id_token_id_document.json': 'answered',
  'simple_id_token.json': 'omitted', // family_name alone: no document has it
  'verification_aml.json': 'omitted', // another trust framework
  'verification_aml_with_attachments.json': 'omitted',
  'verification_claims_different_trust_frameworks.json': 'omitted',
  'verification_max_age.json': 'omitted',
  'verification_spid_document_biometric.json': 'omitted',
  'verification_deeper.json': 'omitted', // another check method
  'verification_electronic_signature.json': 'omitted', // another kind of evidence
  'verification_claims_by_trust_frameworks.json': 'refused', // an array
  'verification_claims_by_trust_frameworks_same_claims.json': 'refused',
  'verification_claims_trust_frameworks_evidence.json': 'refused',
}

/** OpenID Connect for Identity Assurance 1.0, by whole logins of a person who has everything. */
describe('OpenID Identity Assurance 1.0', () => {
  let stage: Stage
  let config: client.Configuration

  beforeAll(async () => {
    stage = await openStage(await open())
    const { client_id, client_secret } = await stage.addClient()
    const options = { execute: [client.allowInsecureRequests] }
    config = await client.discovery(stage.issuer, client_id, client_secret, undefined, options)
  })
  afterAll(() => stage.close())

  async function ask(claims: unknown) {
    const verifier = client.randomPKCECodeVerifier()
    const parameters = {
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      prompt: 'login',
      claims: JSON.stringify(claims),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    return { verifier, parameters }
  }

  /** A login in which the person shares all that is on offer, but what `keep` names. */
  async function tell(claims: unknown, options: { persona?: string; keep?: readonly string[] } = {}): Promise<Told> {
    const { verifier, parameters } = await ask(claims)
    const citizen = new Citizen(REDIRECT_URI)
    const start = await citizen.get(client.buildAuthorizationUrl(config, parameters))
    expect(start.status).toBe(200)
    const consent = await signInAtDigiLocker(citizen, start, options.persona ?? 'asha')
    expect(consent.status).toBe(200)
    const boxes = consent.forms.flatMap(({ checkboxes }) => checkboxes)
    const ticked = boxes.filter(({ value }) => !options.keep?.includes(value))
    const { url } = await citizen.submit(
      consent,
      /^share$/,
      ticked.map(({ name, value }) => [name, value] as const),
    )
    const tokens = await client.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier })
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')
    return {
      id_token: tokens.claims()?.verified_claims as Json | undefined,
      userinfo: userinfo.verified_claims as Json | undefined,
    }
  }

  /** What the relying app is told when its request is refused. */
  async function refusal(claims: unknown): Promise<{ error: string | null; description: string | null }> {
    const { parameters } = await ask(claims)
    const { url } = await new Citizen(REDIRECT_URI).get(client.buildAuthorizationUrl(config, parameters))
    return { error: url.searchParams.get('error'), description: url.searchParams.get('error_description') }
  }

  /** The rules that hold for every answer, whatever was asked. */
  function expectSound(asked: ClaimsParameter, told: Told): void {
    for (const place of ['id_token', 'userinfo'] as const) {
      const answer = told[place]
      if (answer === undefined) continue
      const wanted = asked[place]?.verified_claims
      expect([place, wanted === undefined]).toEqual([place, false])
      expectOnlyWhatWasAsked(wanted ?? null, answer, place)
      expectAdvertised(answer as JsonObject)
    }
  }

  /** Nothing goes out that the metadata does not announce (the suite's own last check). */
  function expectAdvertised(answer: JsonObject): void {
    const metadata = config.serverMetadata() as unknown as Record<string, string[]>
    const { verification, claims } = answer as { verification: JsonObject; claims: JsonObject }
    expect(metadata.trust_frameworks_supported).toContain(verification.trust_framework)
    expect(metadata.claims_in_verified_claims_supported).toEqual(expect.arrayContaining(Object.keys(claims)))
    for (const evidence of (verification.evidence ?? []) as JsonObject[]) {
      expect(metadata.evidence_supported).toContain(evidence.type)
      const { document_details: details, check_details: checks } = evidence as {
        document_details?: JsonObject
        check_details?: JsonObject[]
      }
      if (details) expect(metadata.documents_supported).toContain(details.type)
      for (const check of checks ?? []) expect(metadata.documents_check_methods_supported).toContain(check.check_method)
    }
  }

  describe('our own cases', () => {
    const plain = { verification: { trust_framework: null }, claims: { name: null, birthdate: null } }
    const asha = { name: 'Asha Verma', birthdate: '1992-03-14' }
    const trusted = { trust_framework: 'in_digilocker' }
    const withClaims = (claims: JsonObject) => ({ verification: { trust_framework: null }, claims })
    const withEvidence = (evidence: JsonObject[], claims: JsonObject = { name: null }) => ({
      verification: { trust_framework: null, evidence },
      claims,
    })

    it.each<[string, JsonObject, Json | undefined]>([
      ['null members', plain, { verification: trusted, claims: asha }],
      ['empty objects', withClaims({ name: {}, birthdate: {} }), { verification: trusted, claims: asha }],
      [
        '{"essential":false}',
        withClaims({ name: { essential: false } }),
        { verification: trusted, claims: { name: asha.name } },
      ],
      [
        'an unknown claim, which is left out',
        withClaims({ name: null, shoe_size: null }),
        { verification: trusted, claims: { name: asha.name } },
      ],
      [
        'an unknown essential claim, which is left out without an error',
        withClaims({ name: null, shoe_size: { essential: true } }),
        { verification: trusted, claims: { name: asha.name } },
      ],
      [
        'a claim with special characters in its name',
        withClaims({ name: null, '%"\\<é>☃': null, __proto__x: null, constructor: null }),
        { verification: trusted, claims: { name: asha.name } },
      ],
      ['unknown claims alone', withClaims({ shoe_size: null }), undefined],
      [
        'a claim of the value that she has',
        withClaims({ birthdate: { value: '1992-03-14' } }),
        { verification: trusted, claims: { birthdate: '1992-03-14' } },
      ],
      [
        'a claim of one of several values',
        withClaims({ gender: { values: ['male', 'female'] } }),
        { verification: trusted, claims: { gender: 'female' } },
      ],
      [
        'a claim of another value beside one that is met',
        withClaims({ name: null, birthdate: { value: '1990-01-01' } }),
        { verification: trusted, claims: { name: asha.name } },
      ],
      ['a claim of another value alone', withClaims({ name: { value: 'Somebody Else' } }), undefined],
      [
        'our trust framework by name',
        { verification: { trust_framework: { value: 'in_digilocker' } }, claims: { name: null } },
        { verification: trusted, claims: { name: asha.name } },
      ],
      [
        'another trust framework',
        { verification: { trust_framework: { value: 'eidas' } }, claims: { name: null } },
        undefined,
      ],
      [
        'one of several frameworks, ours not among them',
        { verification: { trust_framework: { values: ['gold', 'silver'] } }, claims: { name: null } },
        undefined,
      ],
      [
        'a verification of today',
        { verification: { trust_framework: null, time: { max_age: 86_400 } }, claims: { name: null } },
        {
          verification: { ...trusted, time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) },
          claims: { name: asha.name },
        },
      ],
      [
        'an answer instead of a date',
        withClaims({ age_over_18: null }),
        { verification: trusted, claims: { age_over_18: true } },
      ],
      [
        'a driving licence by its type',
        withEvidence([{ type: { value: 'document' }, document_details: { type: { value: 'driving_permit' } } }]),
        {
          verification: { ...trusted, evidence: [{ type: 'document', document_details: { type: 'driving_permit' } }] },
          claims: { name: asha.name },
        },
      ],
      [
        'the number of the licence, when it is named',
        withEvidence([
          {
            type: { value: 'document' },
            document_details: { type: { value: 'driving_permit' }, document_number: null },
          },
        ]),
        {
          verification: {
            ...trusted,
            evidence: [
              { type: 'document', document_details: { type: 'driving_permit', document_number: 'MP0020120000000' } },
            ],
          },
          claims: { name: asha.name },
        },
      ],
      [
        'how it was checked',
        withEvidence([
          {
            type: { value: 'document' },
            check_details: [{ check_method: { value: 'vcrypt' } }],
            document_details: { type: null },
          },
        ]),
        {
          verification: {
            ...trusted,
            evidence: [
              {
                type: 'document',
                check_details: [{ check_method: 'vcrypt' }],
                document_details: { type: expect.any(String) },
              },
            ],
          },
          claims: { name: asha.name },
        },
      ],
      [
        'a check that we do not make',
        withEvidence([{ type: { value: 'document' }, check_details: [{ check_method: { value: 'pipp' } }] }]),
        undefined,
      ],
      [
        'a document that we do not know',
        withEvidence([{ type: { value: 'document' }, document_details: { type: { value: 'passport' } } }]),
        undefined,
      ],
      ['another kind of evidence', withEvidence([{ type: { value: 'vouch' } }]), undefined],
      [
        'either of two kinds of evidence',
        withEvidence([{ type: { value: 'vouch' } }, { type: { value: 'document' } }]),
        { verification: { ...trusted, evidence: [{ type: 'document' }] }, claims: { name: asha.name } },
      ],
    ])('answers, or leaves out: %s', async (_case, verified_claims, expected) => {
      const asked = { userinfo: { verified_claims } }
      const told = await tell(asked)
      expect(told).toEqual({ id_token: undefined, userinfo: expected })
      expectSound(asked, told)
    })

    it('delivers where it was asked for and nowhere else', async () => {
      const name = withClaims({ name: null })
      const birthdate = withClaims({ birthdate: null })
      expect(await tell({ id_token: { verified_claims: name } })).toEqual({
        id_token: { verification: trusted, claims: { name: asha.name } },
        userinfo: undefined,
      })
      expect(await tell({ id_token: { verified_claims: name }, userinfo: { verified_claims: birthdate } })).toEqual({
        id_token: { verification: trusted, claims: { name: asha.name } },
        userinfo: { verification: trusted, claims: { birthdate: asha.birthdate } },
      })
    })

    it('tells no number of a document that was not asked for by name', async () => {
      for (const document_details of [null, {}, { type: null }, { type: null, issuer: null }] as Json[]) {
        const asked = {
          userinfo: { verified_claims: withEvidence([{ type: { value: 'document' }, document_details }]) },
        }
        expect(JSON.stringify(await tell(asked))).not.toMatch(/document_number|MP0020120000000|ZZAPV0000A/)
      }
    })

    it('leaves out what the person keeps to herself, when the app can do without it', async () => {
      const asked = { userinfo: { verified_claims: withClaims({ name: null, birthdate: { essential: false } }) } }
      const told = await tell(asked, { keep: ['verified_claims.birthdate'] })
      expect(told.userinfo).toEqual({ verification: trusted, claims: { name: asha.name } })
    })

    it('never makes a date of birth of a year alone', async () => {
      const id = withEvidence([{ type: { value: 'document' }, document_details: { type: { value: 'idcard' } } }], {
        name: null,
        birthdate: null,
        age_over_18: null,
      })
      const told = (await tell({ userinfo: { verified_claims: id } }, { persona: 'george' })).userinfo as {
        claims: JsonObject
      }
      expect(told.claims).toEqual({ name: "George D'Souza" })
    })

    it('tells nothing of documents that are PDF only, and the login goes on', async () => {
      expect(await tell({ userinfo: { verified_claims: plain } }, { persona: 'dev' })).toEqual({
        id_token: undefined,
        userinfo: undefined,
      })
    })

    it.each(['userinfo', 'id_token'])(
      'refuses several requests in an array, and names the place: %s',
      async (place) => {
        const { error, description } = await refusal({ [place]: { verified_claims: [plain, plain] } })
        expect([error, description]).toEqual([
          'invalid_request',
          expect.stringContaining(`claims.${place}.verified_claims`),
        ])
      },
    )

    it('refuses an array in a pushed request too', async () => {
      const { parameters } = await ask({ userinfo: { verified_claims: [plain] } })
      await expect(client.buildAuthorizationUrlWithPAR(config, parameters)).rejects.toMatchObject({
        error: 'invalid_request',
        error_description: expect.stringContaining('claims.userinfo.verified_claims'),
      })
    })
  })

  describe('the working group’s own examples and schemas', () => {
    const folder = path.join(OFFICIAL, 'examples/request')
    const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []

    const whenThere = (rule: string, check: () => unknown) => {
      if (files.length > 0) it(rule, async () => void (await check()))
    }

    it('are there, or are left out and said to be', () => {
      if (files.length === 0)
        console.info('identity assurance: the official examples and schemas are not here; left out')
      for (const name of files.length > 0 ? Object.keys(ANSWERS) : []) expect(files).toContain(name)
    })

    it.each(files.map((name) => [name]))('%s', async (name) => {
      const asked = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as ClaimsParameter
      const errorsBefore = serverErrors()
      const place = (['userinfo', 'id_token'] as const).find((one) => Array.isArray(asked[one]?.verified_claims))
      if (place) {
        expect(await refusal(asked)).toEqual({
          error: 'invalid_request',
          description: expect.stringContaining(`claims.${place}.verified_claims`),
        })
        expect(ANSWERS[name] ?? 'refused').toBe('refused')
      } else {
        const told = await tell(asked)
        expectSound(asked, told)
        for (const validate of strictValidators()) expectValid(validate, told)
        const outcome = (told.userinfo ?? told.id_token) ? 'answered' : 'omitted'
        expect(ANSWERS[name] ?? outcome).toBe(outcome)
      }
      expect(serverErrors()).toBe(errorsBefore)
    })

    whenThere('find our own answers valid too, with everything that we can tell', async () => {
      const everything = {
        verification: {
          trust_framework: null,
          time: null,
          verification_process: null,
          evidence: [
            {
              type: { value: 'document' },
              check_details: [{ check_method: null, organization: null, time: null }],
              document_details: {
                type: null,
                document_number: null,
                date_of_issuance: null,
                date_of_expiry: null,
                issuer: { name: null, country: null, country_code: null },
              },
            },
          ],
        },
        claims: { name: null, birthdate: null, gender: null, address: null, age_over_18: null },
      }
      for (const persona of ['asha', 'bala', 'charu', 'meenakshi', 'george', 'esha']) {
        const asked = { userinfo: { verified_claims: everything }, id_token: { verified_claims: everything } }
        const told = await tell(asked, { persona })
        expectSound(asked, told)
        expect([persona, told.userinfo === undefined]).toEqual([persona, false])
        for (const validate of strictValidators()) expectValid(validate, told)
      }
    })

    whenThere('would refuse a stray member, and a year for a date', () => {
      const good = { verification: { trust_framework: 'in_digilocker' }, claims: { name: 'A' } }
      for (const validate of strictValidators()) {
        expect(validate({ verified_claims: good })).toBe(true)
        expect(validate({ verified_claims: { ...good, claims: { shoe_size: 3 } } })).toBe(false)
        expect(validate({ verified_claims: { ...good, claims: { birthdate: '1951' } } })).toBe(false)
        expect(
          validate({
            verified_claims: {
              ...good,
              verification: { ...good.verification, evidence: [{ type: 'document', stray: 1 }] },
            },
          }),
        ).toBe(false)
      }
    })

    const serverErrors = () => stage.logs().split('"level":50').length
  })
})

function expectValid(validate: ValidateFunction, told: Told): void {
  for (const answer of [told.id_token, told.userinfo]) {
    if (answer === undefined) continue
    const valid = validate({ verified_claims: answer })
    expect([
      valid,
      validate.errors?.map(({ instancePath, message, params }) => [instancePath, message, params]),
    ]).toEqual([true, undefined])
  }
}

/** Every member of an answer was asked for; below a `null`, an empty object or a condition everything was. */
function expectOnlyWhatWasAsked(asked: Json, told: Json, at: string): void {
  if (Array.isArray(told)) {
    for (const entry of told) {
      const filters = Array.isArray(asked) ? asked : []
      const fits = filters.some((filter) => isSubset(filter, entry))
      expect([at, fits]).toEqual([at, true])
    }
    return
  }
  expect([at, isSubset(asked, told)]).toEqual([at, true])
}

function isSubset(asked: Json, told: Json): boolean {
  if (Array.isArray(told))
    return Array.isArray(asked) && told.every((entry) => asked.some((filter) => isSubset(filter, entry)))
  if (!isObject(told) || !isObject(asked) || Object.keys(asked).every((name) => CONDITIONS.has(name))) return true
  return Object.entries(told).every(([name, member]) => name in asked && isSubset(asked[name] ?? null, member))
}

const CONDITIONS = new Set(['essential', 'value', 'values', 'max_age', 'purpose'])

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

let validators: ValidateFunction[] | undefined

/** The schemas, strict: no member that they do not name. Formats are off, as the group's own examples break them. */
function strictValidators(): ValidateFunction[] {
  validators ??= SCHEMA_FOLDERS.map((name) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
    for (const file of ['claims_schema.json', 'verified_claims.json', 'verified_claims_request.json']) {
      const schema = JSON.parse(readFileSync(path.join(OFFICIAL, name, file), 'utf8')) as JsonObject
      ajv.addSchema(strict(declareOurs(schema), false) as object)
    }
    const validate = ajv.getSchema('https://bitbucket.org/openid/ekyc-ida/raw/master/schema/verified_claims.json')
    if (!validate) throw new Error('the schema of verified_claims did not load')
    return validate
  })
  return validators
}

/** The specification leaves the names of claims open; the schema lists the standard ones, to which ours is added. */
function declareOurs(schema: JsonObject): JsonObject {
  const claims = (schema.$defs as Record<string, { properties?: JsonObject }> | undefined)?.claims_type
  if (claims?.properties) claims.properties.age_over_18 = { type: 'boolean' }
  return schema
}

/** The working group's second test: `unevaluatedProperties: false` wherever `properties` stand, but not in if, then, else. */
function strict(schema: Json, isBranch: boolean): Json {
  if (Array.isArray(schema)) return schema.map((one) => strict(one, false))
  if (!isObject(schema)) return schema
  const inner = Object.entries(schema).map(([name, member]) => [
    name,
    strict(member, ['if', 'then', 'else'].includes(name)),
  ])
  const open = isObject(schema.properties ?? null) && !isBranch && !('$id' in schema) && schema.type === 'object'
  return { ...Object.fromEntries(inner), ...(open && { unevaluatedProperties: false }) }
}
