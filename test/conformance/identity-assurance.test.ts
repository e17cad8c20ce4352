import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPostgres } from '../support/databases.ts'
import {
  checkedByOfficialSchemas,
  LEFT_OUT,
  officialExamples,
  officialSchemasAreHere,
  officialValidators,
} from '../support/official-schemas.ts'
import { addRelyingApp, insecure, makeKey, type RelyingApp, signRequest } from '../support/relying-app.ts'
import { logIn, openStage, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

const open = freshPostgres()

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }
type ClaimsParameter = Partial<Record<'id_token' | 'userinfo', JsonObject>>
type Told = { readonly id_token: Json | undefined; readonly userinfo: Json | undefined }

/**
 * What the official examples get from asha, who has everything: the claims told, and the type of the document where it
 * was asked for; nothing where a condition is not met. Our documents have full names, so `given_name` and `family_name`
 * are left out everywhere.
 */
const ANSWERS: Readonly<Record<string, { readonly told: readonly string[]; readonly document?: string } | 'nothing'>> =
  {
    'claims.json': { told: ['birthdate'] },
    'essential.json': { told: ['birthdate'] },
    'userinfo.json': { told: ['birthdate'] },
    'verification.json': { told: ['birthdate'] },
    'verification_document.json': { told: ['birthdate'], document: 'idcard' },
    'verification_with_attachments.json': { told: ['birthdate'] },
    'verification_withderived.json': { told: ['birthdate'], document: 'idcard' },
    'verification_withderived2.json': { told: ['birthdate'], document: 'idcard' },
    'id_token.json': { told: ['birthdate'], document: 'idcard' },
    'id_token_id_document.json': { told: ['birthdate'], document: 'idcard' },
    'simple_id_token.json': 'nothing', // family_name alone: no document has it
    'verification_aml.json': 'nothing', // another trust framework
    'verification_aml_with_attachments.json': 'nothing',
    'verification_claims_different_trust_frameworks.json': 'nothing',
    'verification_max_age.json': 'nothing',
    'verification_spid_document_biometric.json': 'nothing',
    'verification_deeper.json': 'nothing', // another check method
    'verification_electronic_signature.json': 'nothing', // another kind of evidence
    'verification_claims_by_trust_frameworks.json': 'nothing', // an array, of two other frameworks
    'verification_claims_by_trust_frameworks_same_claims.json': 'nothing',
    'verification_claims_trust_frameworks_evidence.json': 'nothing',
  }

/** OpenID Connect for Identity Assurance 1.0, by whole logins of a person who has everything. */
describe('OpenID Identity Assurance 1.0', () => {
  let stage: Stage
  let config: client.Configuration

  beforeAll(async () => {
    stage = await openStage(await open())
    const { client_id, client_secret } = await stage.addClient({
      scope: 'openid driving_licence_valid drives_lmv drives_mcwg',
    })
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
      expect([place, Array.isArray(answer)]).toEqual([place, Array.isArray(wanted)])
      for (const one of [answer].flat()) expectAdvertised(one as JsonObject)
      checkedByOfficialSchemas({ verified_claims: answer })
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
    ])('IDA §5.7: answers, or leaves out: %s', async (_case, verified_claims, expected) => {
      const asked = { userinfo: { verified_claims } }
      const told = await tell(asked)
      expect(told).toEqual({ id_token: undefined, userinfo: expected })
      expectSound(asked, told)
    })

    it('IDA §5.3: delivers where it was asked for and nowhere else', async () => {
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

    it('IDA §8: announces what it has, and nothing of what it has not', () => {
      const metadata = config.serverMetadata() as unknown as Record<string, unknown>
      expect(metadata).toMatchObject({
        claims_parameter_supported: true,
        verified_claims_supported: true,
        trust_frameworks_supported: ['in_digilocker'],
        evidence_supported: ['document'],
        documents_supported: ['idcard', 'driving_permit', 'pan_card'],
        documents_check_methods_supported: ['vcrypt'],
        claim_types_supported: ['normal'],
      })
      expect(metadata.claims_in_verified_claims_supported).toEqual(expect.arrayContaining(['name', 'birthdate']))
      for (const absent of ['electronic_records_supported', 'attachments_supported', 'digest_algorithms_supported'])
        expect(metadata).not.toHaveProperty(absent)
    })

    it('IDA §5.4: tells no number of a document that was not asked for by name', async () => {
      for (const document_details of [{}, { type: null }, { type: null, issuer: {} }] as Json[]) {
        const asked = {
          userinfo: { verified_claims: withEvidence([{ type: { value: 'document' }, document_details }]) },
        }
        expect(JSON.stringify(await tell(asked))).not.toMatch(/document_number|MP0020120000000|ZZAPV0000A/)
      }
    })

    it('IDA §5.7.3: leaves out what the person keeps to herself, when the app can do without it', async () => {
      const asked = { userinfo: { verified_claims: withClaims({ name: null, birthdate: { essential: false } }) } }
      const told = await tell(asked, { keep: ['verified_claims.birthdate'] })
      expect(told.userinfo).toEqual({ verification: trusted, claims: { name: asha.name } })
    })

    it('IDA §5.7.2: never makes a date of birth of a year alone', async () => {
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

    it('IDA §5.7.2: tells nothing of documents that are PDF only, and the login goes on', async () => {
      expect(await tell({ userinfo: { verified_claims: plain } }, { persona: 'dev' })).toEqual({
        id_token: undefined,
        userinfo: undefined,
      })
    })

    it.each(['userinfo', 'id_token'])(
      'IDA §5.7.6: refuses what breaks the syntax, and names the place: %s',
      async (place) => {
        const { error, description } = await refusal({
          [place]: { verified_claims: [plain, { ...plain, claims: {} }] },
        })
        expect([error, description]).toEqual([
          'invalid_request',
          expect.stringContaining(`/${place}/verified_claims/1/claims`),
        ])
      },
    )

    it('IDA §5.7.6: refuses it in a pushed request too', async () => {
      const { parameters } = await ask({ userinfo: { verified_claims: [{ claims: null }] } })
      await expect(client.buildAuthorizationUrlWithPAR(config, parameters)).rejects.toMatchObject({
        error: 'invalid_request',
        error_description: expect.stringContaining('/userinfo/verified_claims/0/verification is missing'),
      })
    })
  })

  describe('several requests in an array — Identity Assurance 1.0 §5.6', () => {
    const from = (type: string, claims: JsonObject, details: JsonObject = {}) => ({
      verification: {
        trust_framework: null,
        evidence: [{ type: { value: 'document' }, document_details: { type: { value: type }, ...details } }],
      },
      claims,
    })
    const told = (type: string, claims: JsonObject) => ({
      verification: {
        trust_framework: 'in_digilocker',
        evidence: [{ type: 'document', document_details: { type } }],
      },
      claims,
    })

    it.each(['id_token', 'userinfo'] as const)(
      'IDA §5.6: answers each of an array by its own document: %s',
      async (place) => {
        const asked = {
          [place]: {
            verified_claims: [
              from('driving_permit', { name: null, drives_lmv: null }),
              from('passport', { name: null }),
              from('pan_card', { name: null, '::dwar_pan_active': null, shoe_size: { essential: true } }),
            ],
          },
        }
        const answer = await tell(asked)
        expect(answer[place]).toEqual([
          told('driving_permit', { name: 'Asha Verma', drives_lmv: true }),
          told('pan_card', { name: 'ASHA VERMA', '::dwar_pan_active': true }),
        ])
        expectSound(asked, answer)
      },
    )

    it('IDA §5.6: answers one of several, and one alone, by an array', async () => {
      const one = from('driving_permit', { name: null })
      const answered = [told('driving_permit', { name: 'Asha Verma' })]
      expect((await tell({ userinfo: { verified_claims: [one] } })).userinfo).toEqual(answered)
      expect((await tell({ userinfo: { verified_claims: [from('passport', { name: null }), one] } })).userinfo).toEqual(
        answered,
      )
      expect((await tell({ userinfo: { verified_claims: [from('passport', { name: null })] } })).userinfo).toBe(
        undefined,
      )
    })

    it('IDA §5.6: takes an array by a pushed request too', async () => {
      const { verifier, parameters } = await ask({
        userinfo: { verified_claims: [from('driving_permit', { name: null })] },
      })
      const citizen = new Citizen(REDIRECT_URI)
      const start = await citizen.get(await client.buildAuthorizationUrlWithPAR(config, parameters))
      const consent = await signInAtDigiLocker(citizen, start, 'asha')
      const { url } = await citizen.submit(consent, /^share$/)
      const tokens = await client.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier })
      const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')
      expect(userinfo.verified_claims).toEqual([told('driving_permit', { name: 'Asha Verma' })])
    })

    it.each([true, false])(
      'IDA §5.6: takes an array by a signed request too, in the object form as well (pushed, %s)',
      async (pushed) => {
        const key = await makeKey('ES256', { use: 'sig' })
        const app = await addRelyingApp(stage, { jwks: { keys: [key.jwk] } })
        for (const claims of [[from('driving_permit', { name: null })], from('driving_permit', { name: null })]) {
          const { verifier, parameters } = await app.request()
          parameters.set('scope', 'openid')
          parameters.set('claims', JSON.stringify({ id_token: { verified_claims: claims } }))
          const request = await signRequest(app, stage.issuer, key.privateKey, parameters)
          const direct = new URLSearchParams({ client_id: app.client.client_id, request })
          const sent = pushed ? await push(app, direct) : direct
          const back = await logIn(app.authorizeUrl(sent))
          const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
          const tokens = await oauth.processAuthorizationCodeResponse(
            app.as,
            app.client,
            await app.exchange(callback, verifier),
            { expectedNonce: parameters.get('nonce') ?? '' },
          )
          const one = told('driving_permit', { name: 'Asha Verma' })
          expect(oauth.getValidatedIdTokenClaims(tokens)?.verified_claims).toEqual(Array.isArray(claims) ? [one] : one)
        }
      },
    )

    async function push(app: RelyingApp, parameters: URLSearchParams): Promise<URLSearchParams> {
      const response = await oauth.pushedAuthorizationRequest(app.as, app.client, app.auth, parameters, insecure)
      const { request_uri } = await oauth.processPushedAuthorizationResponse(app.as, app.client, response)
      return new URLSearchParams({ client_id: app.client.client_id, request_uri })
    }

    it('IDA §5.6: asks the person once for what several entries ask of one document, and apart for each document', async () => {
      const choice = { essential: false }
      const verified_claims = [
        from('driving_permit', { name: choice }),
        from('driving_permit', { name: choice, birthdate: choice }),
        from('pan_card', { name: choice }),
      ]
      const { parameters } = await ask({ id_token: { verified_claims }, userinfo: { verified_claims } })
      const citizen = new Citizen(REDIRECT_URI)
      const start = await citizen.get(client.buildAuthorizationUrl(config, parameters))
      const consent = await signInAtDigiLocker(citizen, start, 'asha')
      expect(consent.forms.flatMap(({ checkboxes }) => checkboxes.map(({ value }) => value))).toEqual([
        'verified_claims.name.DRVLC',
        'verified_claims.birthdate',
        'verified_claims.name.PANCR',
      ])
    })

    it('IDA §5.6: asks her again when an entry is added or one asks for more, and not otherwise', async () => {
      const citizen = new Citizen(REDIRECT_URI)
      const name = from('driving_permit', { name: null })
      const first = await ask({ userinfo: { verified_claims: [name] } })
      const { prompt: _fresh, ...asked } = first.parameters
      await logIn(client.buildAuthorizationUrl(config, asked), { citizen })
      const silently = async (verified_claims: Json) => {
        const claims = JSON.stringify({ userinfo: { verified_claims } })
        const { url } = await citizen.get(client.buildAuthorizationUrl(config, { ...asked, claims, prompt: 'none' }))
        return url.searchParams.get('error') ?? 'signed in'
      }
      expect(await silently([{ claims: name.claims, verification: name.verification }])).toBe('signed in')
      expect(await silently([name, from('pan_card', { name: null })])).toBe('consent_required')
      expect(await silently([from('driving_permit', { name: null, birthdate: null })])).toBe('consent_required')
      expect(await silently([from('driving_permit', { name: null }, { document_number: null })])).toBe(
        'consent_required',
      )
      expect(await silently(name)).toBe('consent_required')
    })

    it('IDA §5.6: keeps apart what she agreed to of each document', async () => {
      const choice = { essential: false }
      const verified_claims = [from('driving_permit', { name: choice }), from('pan_card', { name: choice })]
      const answer = await tell({ userinfo: { verified_claims } }, { keep: ['verified_claims.name.DRVLC'] })
      expect(answer.userinfo).toEqual([told('pan_card', { name: 'ASHA VERMA' })])
    })
  })

  describe('answers by name — Advanced Syntax for Claims 1.0 (draft)', () => {
    it('announces what it has predefined, and that apps define none', () => {
      const metadata = config.serverMetadata() as unknown as Record<string, unknown>
      expect(metadata.transformed_claims_max_count).toBe(0)
      expect(metadata.transformed_claims_functions_supported).toEqual(['years_ago', 'gte', 'eq'])
      const names = Object.keys(metadata.transformed_claims_predefined as object).map((name) => `::${name}`)
      expect(metadata.transformed_claims_predefined).toMatchObject({
        age_18_or_over: { claim: 'birthdate', fn: ['years_ago', ['gte', 18]] },
      })
      expect(metadata.claims_supported).toEqual(expect.arrayContaining(names))
      expect(metadata.claims_in_verified_claims_supported).toEqual(expect.arrayContaining(names))
    })

    /** all that is told beside the protocol's own claims */
    async function toldFlat(claims: object, persona: string, scope = 'openid') {
      const { verifier, parameters } = await ask({ userinfo: claims })
      const url = client.buildAuthorizationUrl(config, { ...parameters, scope })
      const tokens = await client.authorizationCodeGrant(config, await logIn(url, { persona }), {
        pkceCodeVerifier: verifier,
      })
      const { sub, ...told } = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')
      return told
    }
    const needed = { essential: true }

    it('answers beside other claims, without the field behind the answer', async () => {
      const asked = {
        '::age_18_or_over': needed,
        '::age_60_or_over': needed,
        '::dwar_licence_class_lmv': needed,
        '::dwar_pan_active': needed,
        '::never_defined': needed,
        ':my_own': needed,
      }
      expect(await toldFlat(asked, 'asha')).toEqual({
        '::age_18_or_over': true,
        '::age_60_or_over': false,
        '::dwar_licence_class_lmv': true,
        '::dwar_pan_active': true,
      })
    })

    it('gives no answer of a year alone, nor of what DigiLocker merely says', async () => {
      expect(await toldFlat({ '::age_18_or_over': needed, age_over_18: needed }, 'george')).toEqual({})
    })

    it('answers by scope too', async () => {
      const scope = 'openid driving_licence_valid drives_lmv drives_mcwg'
      expect(await toldFlat({}, 'asha', scope)).toEqual({
        driving_licence_valid: true,
        drives_lmv: true,
        drives_mcwg: true,
      })
    })
  })

  describe('the working group’s own examples and schemas', () => {
    const examples = officialExamples('request')

    const whenThere = (rule: string, check: () => unknown) => {
      if (officialSchemasAreHere) it(rule, async () => void (await check()))
    }

    it('are all in our table, or are left out and said to be', () => {
      if (!officialSchemasAreHere) console.info(LEFT_OUT)
      expect(officialSchemasAreHere ? [...examples.keys()].toSorted() : []).toEqual(
        officialSchemasAreHere ? Object.keys(ANSWERS).toSorted() : [],
      )
    })

    it.each([...examples])('%s', async (name, example) => {
      const asked = example as ClaimsParameter
      const errorsBefore = serverErrors()
      const told = await tell(asked)
      expectSound(asked, told)
      expect(summaryOf(told)).toEqual(ANSWERS[name])
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
        claims: Object.fromEntries(
          (config.serverMetadata().claims_in_verified_claims_supported as string[]).map((claim) => [claim, null]),
        ),
      }
      for (const persona of ['asha', 'bala', 'charu', 'meenakshi', 'george', 'esha']) {
        const asked = { userinfo: { verified_claims: everything }, id_token: { verified_claims: everything } }
        const told = await tell(asked, { persona })
        expectSound(asked, told)
        expect([persona, told.userinfo === undefined]).toEqual([persona, false])
      }
    })

    whenThere('would refuse a stray member, and a year for a date', () => {
      const good = { verification: { trust_framework: 'in_digilocker' }, claims: { name: 'A' } }
      for (const validate of officialValidators('verified_claims', 'strict')) {
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

    whenThere('find the official responses valid by the same measure, so it is no stricter than the group’s', () => {
      const refused = [...officialExamples('response')].filter(
        ([, response]) => !officialValidators('verified_claims', 'lax').some((validate) => validate(response)),
      )
      expect(refused.map(([name]) => name)).toEqual([])
    })

    const serverErrors = () => stage.logs().split('"level":50').length
  })
})

function summaryOf({ id_token, userinfo }: Told): (typeof ANSWERS)[string] {
  const told = userinfo ?? id_token
  if (!isObject(told ?? null)) return 'nothing'
  const { verification, claims } = told as { verification: JsonObject; claims: JsonObject }
  const [evidence] = (verification.evidence ?? []) as { document_details?: { type?: string } }[]
  const document = evidence?.document_details?.type
  return { told: Object.keys(claims), ...(document !== undefined && { document }) }
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
