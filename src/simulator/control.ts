import { X509Certificate } from 'node:crypto'
import type { Certificate } from './certificate.ts'
import { json, refuse, type SimRequest, type SimResponse } from './http.ts'
import { type Signer, spkiFingerprint } from './pki.ts'
import { QUIRKS } from './quirks.ts'
import { parseRules, RuleError } from './rules.ts'
import { writeScenario } from './scenario.ts'
import type { World } from './world.ts'

/** A certificate as trust files name it. */
export interface TrustedCertificate {
  /** SHA-256 of the certificate (DER), lower-case hex */
  readonly fingerprint: string
  /** SHA-256 of its SubjectPublicKeyInfo (DER), lower-case hex */
  readonly spki: string
  readonly name: string
  readonly certificatePem: string
  /** ISO 8601 */
  readonly notAfter: string
  /** why it stands in the file */
  readonly reason: string
}

export interface TrustedSigner extends TrustedCertificate {
  /** the upstream whose documents it signs */
  readonly rail: 'digilocker'
}

/** What an operator configures to trust this simulator: signers to pin, the root, what lies between, id_token keys. */
export interface Trust {
  readonly signers: readonly TrustedSigner[]
  readonly anchors: readonly TrustedCertificate[]
  readonly intermediates: readonly TrustedCertificate[]
  readonly idToken: { readonly issuer: string; readonly jwks: { readonly keys: readonly object[] } }
}

/** The trust material of a simulator. The second signer is a former one whose certificate has expired. */
export function trustOf(world: World): Trust {
  const { pki, formerSigner, idTokenIssuer, idTokenKey } = world
  return {
    signers: [pki.signer, formerSigner].map(toTrustedSigner),
    anchors: [toTrusted(pki.root)],
    intermediates: [pki.ca, pki.subCa].map(toTrusted),
    idToken: { issuer: idTokenIssuer, jwks: { keys: [idTokenKey.jwk] } },
  }
}

type Handler = (request: SimRequest, world: World) => SimResponse

const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /control/trust': (_request, world) => json(200, trustOf(world)),
  'GET /control/personas': (_request, world) => json(200, { personas: personasOf(world) }),
  'GET /control/quirks': () => json(200, { quirks: QUIRKS }),
  'GET /control/faults': (_request, world) => json(200, { rules: world.rules.current() }),
  'PUT /control/faults': putRules,
  'DELETE /control/faults': (_request, world) => {
    world.script.change([])
    return json(200, { rules: [] })
  },
  'GET /control/requests': (_request, world) => json(200, world.requests()),
  'GET /control/scenario': (_request, world) => ({
    status: 200,
    headers: { 'content-type': 'application/yaml', 'cache-control': 'no-store' },
    body: recordingOf(world),
  }),
  'POST /control/reset': (_request, world) => {
    world.reset()
    return json(200, {})
  },
}

/** Answers one request to the control port, which serves this machine only: other Host names are refused (DNS rebinding). */
export function answerControl(request: SimRequest, world: World): SimResponse {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '')
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(host)) return refuse(421, 'invalid_request', 'Unknown host.')
  // a page elsewhere can send a form here without asking, but not JSON and not this header
  if (request.headers['sec-fetch-site'] === 'cross-site') return refuse(403, 'invalid_request', 'Not from a page.')
  const handle = ROUTES[`${request.method} ${request.path}`]
  return handle ? handle(request, world) : refuse(404, 'not_found', `Known: ${Object.keys(ROUTES).join(', ')}`)
}

/** Body `{ "rules": [ … ] }`; replaces all rules in force. */
function putRules(request: SimRequest, world: World): SimResponse {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return refuse(415, 'invalid_request', 'The body must be application/json.')
  }
  try {
    const rules = parseRules(JSON.parse(request.body.toString('utf8')), world.people)
    world.script.change(rules)
    return json(200, { rules })
  } catch (error) {
    if (error instanceof RuleError || error instanceof SyntaxError) {
      return refuse(400, 'invalid_request', error.message)
    }
    throw error
  }
}

/** What happened since the start or the last reset, as a scenario that plays it again. No token, no secret, no name. */
export function recordingOf(world: World): string {
  return writeScenario({ people: [], clients: [...world.clients.values()], ...world.script.played() })
}

function personasOf(world: World) {
  return world.people.map((persona) => ({
    id: persona.id,
    name: persona.name,
    pin: persona.pin,
    story: persona.story,
    documents: world.locker(persona).map(({ uri, doctype, mime }) => ({ uri, doctype, mime })),
  }))
}

const REASON = 'made by a DigiLocker simulator at its start; good for nothing real'

function toTrusted({ der, pem }: Pick<Certificate, 'der' | 'pem'>): TrustedCertificate {
  const certificate = new X509Certificate(der)
  return {
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    spki: spkiFingerprint(der),
    name: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject,
    certificatePem: pem,
    notAfter: certificate.validToDate.toISOString(),
    reason: REASON,
  }
}

function toTrustedSigner({ certificateDer: der, certificatePem: pem }: Signer): TrustedSigner {
  return { ...toTrusted({ der, pem }), rail: 'digilocker' }
}
