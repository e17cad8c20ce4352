import { endOfIndianDay } from './dates.ts'
import { formOf, json, refuse, type SimRequest, type SimResponse } from './http.ts'
import type { Grant, SimulatorClient, World } from './world.ts'

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const DEVICE_SECONDS = 600
const CONSENT_DAYS = 30
const WRONG_CODES_ALLOWED = 5

/** A device that waits for the one-time code that DigiLocker sent to its owner. */
export interface Device {
  readonly grant: Grant
  readonly oneTimeCode: string
  wrong: number
}

/**
 * POST /public/oauth2/1/code: form `client_id`, `response_type=device_code` and `dl_username` or `dl_mobile`. Of the old
 * official specification; version 2.4 does not list it (digilocker-api.md §11). The one-time code is the person's PIN.
 */
export function deviceCode(request: SimRequest, world: World): SimResponse {
  const form = formOf(request)
  const client = world.clients.get(form?.get('client_id') ?? '')
  if (form === undefined || client === undefined)
    return refuse(401, 'invalid_client_id', 'The client id is missing or not registered.')
  if (form.get('response_type') !== 'device_code')
    return refuse(400, 'invalid_response_type', 'The response_type must be device_code.')
  const mobile = form.get('dl_mobile')
  const found = world.people.filter((one) =>
    mobile === null ? one.username === form.get('dl_username') : one.mobile === mobile,
  )
  const [persona, another] = found
  if (persona === undefined)
    return mobile === null
      ? refuse(400, 'invalid_username', 'There is no such user.')
      : refuse(400, 'invalid_mobile', 'There is no account with this mobile number.')
  if (another !== undefined) return refuse(400, 'multiple_mobile_accounts', 'Several accounts have this number.')
  const code = world.issueDeviceCode(
    { grant: grantFor(persona, client, world), oneTimeCode: persona.pin, wrong: 0 },
    DEVICE_SECONDS,
  )
  return json(200, {
    device_code: code,
    dl_masked_mobile: (persona.mobile ?? '').replace(/^\d{6}/, hidden),
    dl_masked_email: (persona.email ?? '').replace(/^[^@]+/, hidden),
    expires_in: DEVICE_SECONDS,
  })
}

/** There is no consent page in this flow: all that the client may ask for is granted. */
function grantFor(persona: Grant['persona'], client: SimulatorClient, world: World): Grant {
  return {
    client,
    persona,
    scopes: [...client.scopes, ...world.locker(persona).map(({ uri }) => `issued/${uri}`)],
    purpose: '',
    acr: [],
    authenticatedAt: world.now(),
    consentValidTill: endOfIndianDay(world.now(), CONSENT_DAYS),
    quirks: [],
    revoked: false,
  }
}

/** Single use; a wrong one-time code may be typed again, five times in all. */
export function redeemDevice(form: URLSearchParams, client: SimulatorClient, world: World): Grant | undefined {
  const code = form.get('device_code') ?? ''
  const device = world.findDevice(code)
  if (device?.grant.client !== client) return undefined
  if (form.get('dl_otp') === device.oneTimeCode) return world.takeDevice(code)?.grant
  device.wrong += 1
  if (device.wrong >= WRONG_CODES_ALLOWED) world.takeDevice(code)
  return undefined
}

const hidden = (text: string): string => 'x'.repeat(text.length)
