import { createHash, timingSafeEqual } from 'node:crypto'
import { dayFirst } from './dates.ts'
import { DEVICE_GRANT, redeemDevice } from './device.ts'
import { formOf, json, refuse, type SimRequest, type SimResponse } from './http.ts'
import { makeIdTokenKey, signIdToken } from './id-token.ts'
import type { Quirks } from './rules.ts'
import { type Grant, newUuid, randomHex, type SimulatorClient, type World } from './world.ts'

/**
 * POST /public/oauth2/{1,2}/token. Codes are single-use and live 30 seconds; a client with openid must use version 2,
 * any other version 1.
 * @see digilocker-api.md §6
 */
export async function token(request: SimRequest, world: World, quirks: Quirks): Promise<SimResponse> {
  const form = formOf(request)
  if (form === undefined) return refuse(400, 'invalid_request', 'The body must be a form.')
  const client = authenticate(request, form, world)
  if (client === undefined) return refuse(400, 'invalid_client', 'The client id or secret is wrong.')
  const oidc = request.params.version === '2'
  if (client.openid !== oidc) return wrongVersion(client)
  if (form.get('grant_type') === 'refresh_token' && !oidc) return refresh(form, client, world, quirks)
  if (form.get('grant_type') === DEVICE_GRANT && !oidc) {
    const granted = redeemDevice(form, client, world)
    if (granted === undefined) return refuse(400, 'invalid_grant', 'The device code or the one-time code is not valid.')
    return oauthResponse(granted, world, quirks)
  }
  if (form.get('grant_type') !== 'authorization_code') {
    return refuse(400, 'invalid_grant_type', 'The grant type is not supported.')
  }
  const grant = redeem(form, client, world)
  if (grant === undefined) return refuse(400, 'invalid_grant', 'The authorization code is not valid for this client.')
  return oidc ? oidcResponse(grant, world, quirks) : oauthResponse(grant, world, quirks)
}

/** POST /public/oauth2/1/revoke: ends the whole grant (digilocker-api.md §6.4). */
export function revoke(request: SimRequest, world: World): SimResponse {
  const form = formOf(request)
  if (form === undefined) return refuse(400, 'invalid_request', 'The body must be a form.')
  const client = authenticate(request, form, world)
  if (client === undefined) return refuse(400, 'invalid_client', 'The client id or secret is wrong.')
  const given = form.get('token') ?? ''
  const grant = world.findByAccessToken(given) ?? world.findByRefreshToken(given)
  if (grant?.client !== client) return refuse(400, 'invalid_token', 'There is no such token.')
  grant.revoked = true
  return json(200, {})
}

/** Form or HTTP Basic, never both (RFC 6749 §2.3). */
function authenticate(request: SimRequest, form: URLSearchParams, world: World): SimulatorClient | undefined {
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (basic !== undefined && form.has('client_secret')) return undefined
  const [id, secret] = basic ? splitBasic(basic) : [form.get('client_id') ?? '', form.get('client_secret') ?? '']
  if (basic && form.has('client_id') && form.get('client_id') !== id) return undefined
  const client = world.clients.get(id)
  return client && sameText(client.clientSecret, secret) ? client : undefined
}

function splitBasic(encoded: string): [string, string] {
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
}

function wrongVersion(client: SimulatorClient): SimResponse {
  const advice = client.openid
    ? 'openid is enabled for this client: disable it in the scopes section to use this version.'
    : 'openid is not enabled for this client.'
  return refuse(400, 'invalid_grant_type', `The grant type is not supported here; ${advice}`)
}

/** A failed exchange burns the code: whoever held it may not have been the client. */
function redeem(form: URLSearchParams, client: SimulatorClient, world: World): Grant | undefined {
  const entry = world.redeemCode(form.get('code') ?? '')
  if (entry?.grant.client !== client) return undefined
  if (form.get('redirect_uri') !== entry.redirectUri) return undefined
  const verifier = form.get('code_verifier') ?? ''
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return undefined
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return sameText(challenge, entry.codeChallenge) ? entry.grant : undefined
}

function refresh(form: URLSearchParams, client: SimulatorClient, world: World, quirks: Quirks): SimResponse {
  const given = form.get('refresh_token') ?? ''
  const grant = world.findByRefreshToken(given)
  if (grant?.client !== client) return refuse(400, 'invalid_grant', 'The refresh token is not valid for this client.')
  if (quirks.take('refresh-without-rotation', { persona: grant.persona.id })) {
    const { refresh_token: _kept, ...rest } = profileResponse(grant, world, quirks)
    return json(200, rest)
  }
  world.retireRefreshToken(given)
  return oauthResponse(grant, world, quirks)
}

function oauthResponse(grant: Grant, world: World, quirks: Quirks): SimResponse {
  const profile = profileResponse(grant, world, quirks)
  if (quirks.take('refresh-token-missing', { persona: grant.persona.id })) return json(200, profile)
  return json(200, { ...profile, refresh_token: world.issueRefreshToken(grant) })
}

/** Version 1 carries the profile (digilocker-api.md §6.3). */
function profileResponse(grant: Grant, world: World, quirks: Quirks): Record<string, unknown> {
  const { persona } = grant
  return {
    ...commonResponse(grant, world, quirks, 'string'),
    digilockerid: persona.digilockerId,
    name: quirks.take('name-empty', { persona: persona.id }) ? '' : persona.name,
    dob: dayFirst(persona.birthdate, ''),
    gender: persona.gender,
    eaadhaar: eAadhaarFlag(grant, quirks),
    new_account: 'N',
    reference_key: randomHex(32),
    ...(persona.mobile === undefined ? {} : { mobile: persona.mobile }),
    purpose: grant.purpose,
  }
}

/** `Y` says that the account is linked with Aadhaar, and nothing of whether its data can be had. */
export const eAadhaarFlag = ({ persona }: Grant, quirks: Quirks): 'Y' | 'N' =>
  persona.aadhaar || quirks.take('eaadhaar-flag-wrong', { persona: persona.id }) ? 'Y' : 'N'

/** Version 2 carries an id_token, and neither the profile nor a refresh token. */
async function oidcResponse(grant: Grant, world: World, quirks: Quirks): Promise<SimResponse> {
  const about = { persona: grant.persona.id }
  const common = commonResponse(grant, world, quirks, 'number')
  if (quirks.take('id-token-missing', about)) return json(200, common)
  const key = quirks.take('id-token-wrong-key', about) ? await makeIdTokenKey() : world.idTokenKey
  const audience = quirks.take('id-token-wrong-audience', about) ? 'ANOTHERCLIENT' : grant.client.clientId
  return json(200, { ...common, id_token: signIdToken(idTokenClaims(grant, audience, world), key) })
}

function commonResponse(grant: Grant, world: World, quirks: Quirks, tillForm: 'number' | 'string') {
  const about = { persona: grant.persona.id }
  const { token: accessToken, expiresIn } = world.issueAccessToken(grant)
  return {
    access_token: accessToken,
    expires_in: quirks.take('numbers-as-strings', about) ? String(expiresIn) : expiresIn,
    token_type: 'Bearer',
    scope: grant.scopes.join(' '),
    ...consentTill(grant, quirks, tillForm),
  }
}

function consentTill(
  grant: Grant,
  quirks: Quirks,
  form: 'number' | 'string',
): { consent_valid_till?: number | string } {
  const about = { persona: grant.persona.id }
  const till = grant.consentValidTill
  if (quirks.take('consent-valid-till-missing', about)) return {}
  if (quirks.take('consent-valid-till-number', about)) return { consent_valid_till: till }
  if (quirks.take('consent-valid-till-string', about)) return { consent_valid_till: String(till) }
  return { consent_valid_till: form === 'number' ? till : String(till) }
}

/** digilocker-api.md §7. Verified numbers appear only for what `acr` asked for. */
function idTokenClaims({ persona, acr, authenticatedAt }: Grant, audience: string, world: World) {
  const { pan, licence, aadhaar } = persona
  return {
    iss: world.idTokenIssuer,
    sub: persona.username,
    aud: audience,
    iat: world.now(),
    auth_time: authenticatedAt,
    given_name: persona.name,
    preferred_username: persona.username,
    email: persona.email ?? '',
    birthdate: dayFirst(persona.birthdate, '/'), // digilocker-api.md §7
    phone_number: persona.mobile ?? '',
    jti: newUuid(),
    user_sso_id: persona.ssoId,
    ...(pan && acr.includes('pan') ? { pan_number: pan.number } : {}),
    ...(licence && acr.includes('driving_licence') ? { driving_licence: licence.number } : {}),
    ...(aadhaar && acr.includes('aadhaar') ? { masked_aadhaar: `xxxxxxx${aadhaar.lastFour}` } : {}),
  }
}

export function sameText(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
