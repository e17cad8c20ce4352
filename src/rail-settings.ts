import type { Config } from './config/config.ts'
import { readIdTokenKeys } from './rails/digilocker/key-file.ts'
import { type DigiLockerSettings, digiLockerSettings, type GivenSettings } from './rails/digilocker/settings.ts'

const DAY = 86_400
const VERSIONS = { '1': 1, '2': 2, '3': 3 } as const

/**
 * The settings of a rail from the configuration: one mapping, for the issuer and for `dwar doctor`.
 * @throws AppError CONFIG_INVALID, naming every fault at once
 */
export function toDigiLockerSettings({ digilocker: given, environment }: Config): DigiLockerSettings {
  const { tokenVersion, issuedVersion, eAadhaarVersion, consentDays, timeouts } = given
  const settings: { [Name in keyof GivenSettings]: GivenSettings[Name] | undefined } = {
    baseUrl: given.baseUrl,
    browserBaseUrl: given.browserBaseUrl,
    allowHttp: environment !== 'production' && environment !== 'sandbox',
    paths: given.paths,
    authorizeVersion: VERSIONS[given.authorizeVersion],
    tokenVersion: tokenVersion && VERSIONS[tokenVersion],
    issuedVersion: issuedVersion && VERSIONS[issuedVersion],
    eAadhaarVersion: eAadhaarVersion && VERSIONS[eAadhaarVersion],
    clientAuth: given.clientAuth,
    scopes: given.scopes,
    extraParameters: given.extraParameters,
    droppedParameters: given.dropParameters,
    approvedDoctypes: given.doctypes,
    consentSeconds: consentDays && consentDays * DAY,
    hmacPolicy: given.hmacPolicy,
    metaDigest: given.metaDigest,
    idToken: { issuers: given.idTokenIssuers, keys: readIdTokenKeys(given.idTokenKeys), nonce: given.idTokenNonce },
    timeoutsMs: Object.fromEntries(Object.entries(timeouts).map(([name, seconds]) => [name, seconds * 1000])),
    bodyCaps: given.bodyCaps,
    retry: given.retry,
    concurrency: given.concurrency,
    breaker: given.breaker,
    verifyPdf: given.verifyPdf,
    revokeAfterFetch: given.revokeAfterFetch,
    pull: given.pull,
  }
  const there = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  return digiLockerSettings(there as GivenSettings, given.profile)
}
