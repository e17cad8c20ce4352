import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/**
 * The working group's own JSON schemas of OpenID Identity Assurance, as a judge of everything we tell. They are not ours
 * to ship: where they are not beside this repository they are left out, and the tests that need them say so.
 */
const OFFICIAL = path.resolve(import.meta.dirname, '../../../shared/reference/ida')
const FOLDERS = ['schema', 'schema_final_2024-10-01']

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }
type Strength = 'strict' | 'lax'
type Kind = 'verified_claims' | 'verified_claims_request'

export const officialSchemasAreHere = existsSync(path.join(OFFICIAL, 'schema/verified_claims.json'))
export const LEFT_OUT = 'the official schemas and examples of Identity Assurance are not here: left out'

/** The claims of ours that the specification has no name for; the schema lists the standard ones. */
const OUR_CLAIMS = [
  'age_over_18',
  'driving_licence_valid',
  'drives_lmv',
  'drives_mcwg',
  '::age_18_or_over',
  '::age_21_or_over',
  '::age_60_or_over',
  '::dwar_licence_valid',
  '::dwar_licence_class_lmv',
  '::dwar_licence_class_mcwg',
  '::dwar_pan_active',
]

const made = new Map<string, ValidateFunction[]>()

/**
 * Validators of both editions, the final one and the one in work. Strict is the working group's second test: no member
 * that the schemas do not name. Formats are off, as the group's own examples break them.
 */
export function officialValidators(kind: Kind, strength: Strength): ValidateFunction[] {
  const known = made.get(`${kind} ${strength}`)
  if (known) return known
  const validators = FOLDERS.map((folder) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
    for (const file of ['claims_schema.json', 'verified_claims.json', 'verified_claims_request.json']) {
      const schema = JSON.parse(readFileSync(path.join(OFFICIAL, folder, file), 'utf8')) as JsonObject
      ajv.addSchema((strength === 'strict' ? closed(withOurs(schema), false) : schema) as object)
    }
    const validate = ajv.getSchema(`https://bitbucket.org/openid/ekyc-ida/raw/master/schema/${kind}.json`)
    if (!validate) throw new Error(`the schema ${kind} did not load`)
    return validate
  })
  made.set(`${kind} ${strength}`, validators)
  return validators
}

/** @throws where a strict schema refuses what an app was told (an ID token's claims, or an answer of userinfo) */
export function checkedByOfficialSchemas<T extends object>(told: T): T {
  if (!officialSchemasAreHere || !('verified_claims' in told)) return told
  for (const validate of officialValidators('verified_claims', 'strict'))
    if (!validate({ verified_claims: told.verified_claims }))
      throw new Error(`what we told breaks the official schemas: ${JSON.stringify(validate.errors)}`)
  return told
}

/** The group's examples by file name; none where they are not here. */
export function officialExamples(of: 'request' | 'response'): ReadonlyMap<string, JsonObject> {
  if (!officialSchemasAreHere) return new Map()
  const folder = path.join(OFFICIAL, 'examples', of)
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return new Map(names.map((name) => [name, JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as JsonObject]))
}

function withOurs(schema: JsonObject): JsonObject {
  const claims = (schema.$defs as Record<string, { properties?: JsonObject }> | undefined)?.claims_type
  for (const claim of OUR_CLAIMS) if (claims?.properties) claims.properties[claim] = { type: 'boolean' }
  return schema
}

/** `unevaluatedProperties: false` wherever `properties` stand, but not in if, then, else. */
function closed(schema: Json, isBranch: boolean): Json {
  if (Array.isArray(schema)) return schema.map((one) => closed(one, false))
  if (!isObject(schema)) return schema
  const inner = Object.entries(schema).map(([name, member]) => [
    name,
    closed(member, ['if', 'then', 'else'].includes(name)),
  ])
  const open = isObject(schema.properties ?? null) && !isBranch && !('$id' in schema) && schema.type === 'object'
  return { ...Object.fromEntries(inner), ...(open && { unevaluatedProperties: false }) }
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
