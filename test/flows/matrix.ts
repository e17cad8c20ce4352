import type { ErrorCode } from '../../src/errors.ts'
import type { QuirkName } from '../../src/simulator/quirks.ts'

/** What a login comes to when DigiLocker behaves in this way. */
export interface MatrixRow {
  readonly persona: string
  /** the document that it concerns; absent: the whole journey */
  readonly doctype?: string
  /** of the relying app, beside `openid` */
  readonly scope?: string
  /** a quirk without which this one cannot be seen */
  readonly beside?: QuirkName
  readonly decision?: 'Deny'
  /** the partner has openid enabled: version 2 of the token endpoint, id_token keys configured */
  readonly openid?: true
  readonly outcome: /** the login goes on; `missing`: what the consent page says of the document */
    | { readonly page: 'consent'; readonly missing?: string }
    | { readonly page: 'refusal'; readonly code: ErrorCode }
    /** DigiLocker's own error page: she comes back by herself, to our start page */
    | { readonly page: 'upstream' }
}

const goesOn = { page: 'consent' } as const
const without = (missing: string) => ({ page: 'consent', missing }) as const
const ends = (code: ErrorCode) => ({ page: 'refusal', code }) as const
const ofAll = (outcome: MatrixRow['outcome']): MatrixRow => ({ persona: 'asha', outcome })
const ofLicence = (outcome: MatrixRow['outcome']): MatrixRow => ({ persona: 'asha', doctype: 'DRVLC', outcome })
const ofPdf = (outcome: MatrixRow['outcome']): MatrixRow => ({ ...ofLicence(outcome), beside: 'pdf-only' })
const ofAadhaar = (persona: string, outcome: MatrixRow['outcome']): MatrixRow => ({
  persona,
  doctype: 'ADHAR',
  scope: 'aadhaar',
  outcome,
})

/** Every quirk of the simulator, with a person whom it fits. */
export const MATRIX: Readonly<Record<QuirkName, MatrixRow>> = {
  'deny-without-state': { ...ofAll(ends('RAIL_DENIED')), decision: 'Deny' },
  'wrong-state': ofAll(ends('RAIL_STATE_MISMATCH')),
  'user-loggedout': ofAll(ends('RAIL_LOGGED_OUT')),
  'consent-valid-till-number': ofAll(goesOn),
  'consent-valid-till-string': ofAll(goesOn),
  'consent-valid-till-missing': ofAll(goesOn),
  'numbers-as-strings': ofAll(goesOn),
  'refresh-without-rotation': ofAll(goesOn),
  'name-empty': ofAll(goesOn),
  'id-token-missing': { ...ofAll(goesOn), openid: true },
  'id-token-wrong-key': { ...ofAll(ends('RAIL_RESPONSE_INVALID')), openid: true },
  'id-token-wrong-audience': { ...ofAll(ends('RAIL_RESPONSE_INVALID')), openid: true },
  'mime-string': ofAll(goesOn),
  'mime-array': ofAll(goesOn),
  'mime-upper-case': ofAll(goesOn),
  'date-slashes': ofAll(goesOn),
  'date-hyphens': ofAll(goesOn),
  'items-missing': ofAll(goesOn),
  'pdf-only': ofLicence(without('pdf-trusted')),
  'hmac-wrong': ofLicence(ends('DOC_HMAC_MISMATCH')),
  'hmac-missing': ofLicence(goesOn),
  'xml-as-text': ofLicence(goesOn),
  'file-as-octet-stream': ofPdf(without('pdf-trusted')),
  'pdf-unsigned': ofPdf(without('pdf-unsigned')),
  'pdf-tampered': ofPdf(ends('DOC_DIGEST_MISMATCH')),
  'pdf-appended-bytes': ofPdf(ends('DOC_DIGEST_MISMATCH')),
  'pdf-wrong-signer': ofPdf(without('pdf-not-trusted')),
  'pdf-expired-signer': ofPdf(ends('DOC_SIGNER_EXPIRED')),
  'unsigned-xml': ofLicence(ends('DOC_UNSIGNED')),
  'tampered-xml': ofLicence(ends('DOC_DIGEST_MISMATCH')),
  'second-signature': ofLicence(ends('DOC_SIGNATURE_SHAPE')),
  'doctype-declared': ofLicence(ends('DOC_DOCTYPE')),
  'wrong-signer': ofLicence(ends('DOC_SIGNER_UNTRUSTED')),
  'other-company-signer': ofLicence(ends('DOC_SIGNER_UNTRUSTED')),
  'expired-signer': ofLicence(ends('DOC_SIGNER_EXPIRED')),
  'negd-chain': ofLicence(goesOn),
  'rsa-sha256': ofLicence(goesOn),
  'other-doctype': ofLicence(ends('DOC_TYPE_MISMATCH')),
  'twelve-digit-uid': ofAadhaar('asha', ends('DOC_AADHAAR_NUMBER')),
  'scope-partners': ofAll(goesOn),
  'scope-without-documents': ofAll(without('not-granted')),
  'refresh-token-missing': ofAll(goesOn),
  'eaadhaar-flag-wrong': { persona: 'bala', scope: 'aadhaar', outcome: without('aadhaar-not-linked') },
  'eaadhaar-forbidden': ofAadhaar('asha', without('not-granted')),
  'aadhaar-not-available': ofAadhaar('omar', without('aadhaar-not-available')),
  'other-digilockerid': ofAll(ends('RAIL_RESPONSE_INVALID')),
  // these reach endpoints that a login does not call
  'folder-id-string': ofAll(goesOn),
  'apaar-not-available': ofAll(goesOn),
  'meta-digest-base64': ofAll(goesOn),
  'meta-digest-keyed': ofAll(goesOn),
  'parameters-array': ofAll(goesOn),
  'pull-pending': { persona: 'gurpreet', doctype: 'DRVLC', outcome: without('not-in-locker') },
  'pull-not-found': { persona: 'gurpreet', doctype: 'DRVLC', outcome: without('not-in-locker') },
  'callback-code-and-error': ofAll(ends('RAIL_RESPONSE_INVALID')),
  'callback-parameters-twice': ofAll(ends('RAIL_STATE_MISSING')),
  'script-in-description': { ...ofAll(ends('RAIL_DENIED')), decision: 'Deny' },
  'authorize-error-page': ofAll({ page: 'upstream' }),
  'token-500': ofAll(ends('RAIL_UNAVAILABLE')),
  'token-530-html': ofAll(ends('RAIL_UNAVAILABLE')),
  'token-429': ofAll(ends('RAIL_RATE_LIMITED')),
  'token-html-200': ofAll(ends('RAIL_UNAVAILABLE')),
  'token-cut': ofAll(ends('RAIL_UNAVAILABLE')),
  'token-slow': ofAll(ends('RAIL_TIMEOUT')),
  'user-530': ofAll(ends('RAIL_UNAVAILABLE')),
  'user-html-200': ofAll(ends('RAIL_UNAVAILABLE')),
  'user-redirect': ofAll(ends('RAIL_UNAVAILABLE')),
  'user-endless': ofAll(ends('RAIL_RESPONSE_INVALID')),
  'user-cut': ofAll(ends('RAIL_UNAVAILABLE')),
  'issued-530': ofAll(goesOn),
  'issued-530-html': ofAll(goesOn),
  'issued-html-200': ofAll(goesOn),
  'issued-endless': ofAll(ends('RAIL_RESPONSE_INVALID')),
  'revoke-530': ofAll(goesOn),
  'repository-530-json': ofLicence(without('unavailable')),
  'repository-530-html': ofLicence(without('unavailable')),
  'repository-530-empty': ofLicence(without('unavailable')),
  'repository-503': ofLicence(without('unavailable')),
  'document-429': ofLicence(without('unavailable')),
  'document-429-retry-after': ofLicence(without('unavailable')),
  'document-404': ofLicence(without('not-in-locker')),
  'document-slow': ofLicence(without('unavailable')),
  'document-cut': ofLicence(without('unavailable')),
  'document-redirect': ofLicence(without('unavailable')),
  'document-endless': ofLicence(ends('DOC_TOO_LARGE')),
  'document-gzip-bomb': ofLicence(without('unavailable')),
  'document-html-200': ofLicence(without('unavailable')),
}
