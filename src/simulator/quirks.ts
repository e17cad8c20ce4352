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
} as const satisfies Record<string, string>

export type QuirkName = keyof typeof QUIRKS

export const isQuirkName = (name: unknown): name is QuirkName => typeof name === 'string' && Object.hasOwn(QUIRKS, name)
