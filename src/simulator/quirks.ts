import type { Endpoint, FaultRule } from './rules.ts'

/**
 * Every way in which the simulator can be told to behave oddly, by name. Each was seen upstream, is documented, or is
 * what an attacker would try (digilocker-api.md §16; documents-and-signatures.md §§2.3 and 7).
 */
export const QUIRKS = {
  'deny-without-state': 'A refusal by the citizen comes back without state.',
  'wrong-state': 'The redirect back carries another state than was sent.',
  'user-loggedout': 'Consent ends in error=user_loggedout, as after a logout.',
  'consent-valid-till-number': 'consent_valid_till is a JSON number.',
  'consent-valid-till-string': 'consent_valid_till is a numeric string.',
  'consent-valid-till-missing': 'consent_valid_till is left out.',
  'numbers-as-strings': 'expires_in is a numeric string.',
  'refresh-without-rotation': 'A refresh returns no new refresh token and the old one stays good.',
  'name-empty': 'The name in the token response and in user details is empty.',
  'id-token-missing': 'The OIDC token response has no id_token.',
  'id-token-wrong-key': 'The id_token is signed by a key that is not DigiLocker’s.',
  'id-token-wrong-audience': 'The id_token is meant for another client.',
  'mime-string': 'mime in the issued list is one string.',
  'mime-array': 'mime in the issued list is an array (the default).',
  'mime-upper-case': 'mime types in the issued list are in upper case.',
  'date-slashes': 'date in the issued list is DD/MM/YYYY.',
  'date-hyphens': 'date in the issued list is DD-MM-YYYY.',
  'items-missing': 'The issued list has no items member.',
  'pdf-only': 'The document is listed and served as PDF only.',
  'hmac-wrong': 'The hmac header was made with another secret.',
  'hmac-missing': 'There is no hmac header.',
  'xml-as-text': 'XML comes as text/plain.',
  'file-as-octet-stream': 'Files come as application/octet-stream.',
  'unsigned-xml': 'The document has no signature.',
  'tampered-xml': 'A name was changed after signing.',
  'second-signature': 'The signature stands there twice.',
  'doctype-declared': 'The document declares a DOCTYPE.',
  'wrong-signer': 'The document is signed under a home-made root that copies every name.',
  'other-company-signer': 'The document is signed by another company’s signer under the genuine root.',
  'expired-signer': 'The document is signed by a former signer whose certificate has expired.',
  'negd-chain': 'KeyInfo carries leaf, root, CA, sub-CA, as until February 2026.',
  'rsa-sha256': 'The document is signed with rsa-sha256.',
  'other-doctype': 'A genuine document of another type is served at this address.',
  'twelve-digit-uid': 'e-Aadhaar carries twelve digits where the masked number belongs.',
  'scope-partners': 'The granted scope names types (partners.PANCR) instead of documents.',
  'scope-without-documents': 'The granted scope names no document: nothing was ticked.',
  'refresh-token-missing': 'The token response has no refresh token.',
  'eaadhaar-flag-wrong': 'eaadhaar is Y although Aadhaar is not linked.',
  'eaadhaar-forbidden': 'The e-Aadhaar endpoint says insufficient_scope.',
  'aadhaar-not-available': 'The e-Aadhaar endpoint says aadhaar_not_available, although eaadhaar is Y.',
  'other-digilockerid': 'User details name another account than the token response.',
  'pull-pending': 'The office of a document to be pulled looks by hand: it is in the list the next time that is read.',
  'folder-id-string': 'Ids of folders in the uploaded list are text.',
  'apaar-not-available': 'The APAAR endpoint says apaar_not_available, although an id is linked.',
  'meta-digest-base64': 'Meta APIs want their digest in base64.',
  'meta-digest-keyed': 'Meta APIs want HMAC-SHA256 under the secret instead of a plain digest.',
  'parameters-array': 'The search parameters come as a bare array.',
  'pull-not-found': 'The office of a document to be pulled has none that fits.',
  'callback-code-and-error': 'The redirect back carries both a code and an error.',
  'callback-parameters-twice': 'The redirect back carries each parameter twice.',
  'script-in-description': 'error_description of the redirect back holds a script.',
  'authorize-error-page': 'Authorize ends on DigiLocker’s own error page; the app never hears of it.',
  'token-500': 'The token endpoint fails.',
  'token-530-html': 'The token endpoint answers 530 with a page.',
  'token-429': 'The token endpoint answers 429.',
  'user-530': 'User details answer 530.',
  'user-html-200': 'User details answer with a page and status 200.',
  'user-redirect': 'User details answer with a redirect.',
  'user-endless': 'User details never end.',
  'issued-530': 'The issued list answers 530.',
  'issued-530-html': 'The issued list answers 530 with a page.',
  'revoke-530': 'Tokens cannot be given back.',
  'repository-530-json': 'The office of a document does not answer: 530 with JSON.',
  'repository-530-html': 'The office of a document does not answer: 530 with a page.',
  'repository-530-empty': 'The office of a document does not answer: 530 with nothing.',
  'repository-503': 'The office of a document is out of service: 503.',
  'document-429': 'A document answers 429.',
  'document-429-retry-after': 'A document answers 429 and asks for two seconds of patience.',
  'document-404': 'A document is gone: 404.',
  'document-slow': 'A document comes after a minute.',
  'document-cut': 'The connection breaks in the middle of a document.',
  'document-redirect': 'A document answers with a redirect.',
  'document-endless': 'A document never ends.',
  'document-gzip-bomb': 'A document is a small gzip that becomes 64 MiB.',
  'document-html-200': 'A document is a page with status 200.',
} as const satisfies Record<string, string>

const DOCUMENT = ['xml', 'file', 'eaadhaar'] as const

/** Quirks that are whole answers of an endpoint. */
export const NAMED_FAULTS = {
  'authorize-error-page': { endpoints: ['authorize', 'consent'], fault: { status: 400, error: 'invalid_request' } },
  'token-500': { endpoints: ['token'], fault: { status: 500 } },
  'token-530-html': { endpoints: ['token'], fault: { status: 530, body: 'html' } },
  'token-429': { endpoints: ['token'], fault: { status: 429 } },
  'user-530': { endpoints: ['user'], fault: { status: 530 } },
  'user-html-200': { endpoints: ['user'], fault: { status: 200, body: 'html' } },
  'user-redirect': { endpoints: ['user'], fault: { wire: 'redirect' } },
  'user-endless': { endpoints: ['user'], fault: { wire: 'endless' } },
  'issued-530': { endpoints: ['issued'], fault: { status: 530 } },
  'issued-530-html': { endpoints: ['issued'], fault: { status: 530, body: 'html' } },
  'revoke-530': { endpoints: ['revoke'], fault: { status: 530 } },
  'repository-530-json': { endpoints: DOCUMENT, fault: { status: 530 } },
  'repository-530-html': { endpoints: DOCUMENT, fault: { status: 530, body: 'html' } },
  'repository-530-empty': { endpoints: DOCUMENT, fault: { status: 530, body: 'empty' } },
  'repository-503': { endpoints: DOCUMENT, fault: { status: 503 } },
  'document-429': { endpoints: DOCUMENT, fault: { status: 429 } },
  'document-429-retry-after': { endpoints: DOCUMENT, fault: { status: 429, retryAfterSeconds: 2 } },
  'document-404': { endpoints: DOCUMENT, fault: { status: 404 } },
  'document-slow': { endpoints: DOCUMENT, fault: { delayMs: 60_000 } },
  'document-cut': { endpoints: DOCUMENT, fault: { wire: 'cut' } },
  'document-redirect': { endpoints: DOCUMENT, fault: { wire: 'redirect' } },
  'document-endless': { endpoints: DOCUMENT, fault: { wire: 'endless' } },
  'document-gzip-bomb': { endpoints: DOCUMENT, fault: { wire: 'gzip-bomb' } },
  'document-html-200': { endpoints: DOCUMENT, fault: { status: 200, body: 'html' } },
} as const satisfies Partial<Record<QuirkName, NamedFaultRow>>

export interface NamedFaultRow {
  readonly endpoints: readonly Endpoint[]
  readonly fault: Omit<FaultRule, 'endpoint'>
}

export type NamedFault = keyof typeof NAMED_FAULTS

export type QuirkName = keyof typeof QUIRKS

export const isQuirkName = (name: unknown): name is QuirkName => typeof name === 'string' && Object.hasOwn(QUIRKS, name)
