import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Configuration } from 'oidc-provider'
import { AltName, Certificate, type GeneralName } from 'pkijs'
import { readName } from '../documents/trust/name.ts'
import { isListed, toBlockList } from '../limits/networks.ts'
import { parseDistinguishedName } from './distinguished-name.ts'

/** How a reverse proxy hands over the certificate that a client showed it in TLS. */
export interface ClientCertificateSettings {
  /** lower case */
  readonly header: string
  /** `pem` URL-encoded PEM, as nginx has it in `$ssl_client_escaped_cert`; `rfc9440` a byte sequence of DER */
  readonly format: 'pem' | 'rfc9440'
  /** header that says `SUCCESS` when the proxy verified the chain: without it nobody is known by a name in a certificate */
  readonly verifiedHeader: string | undefined
  /** addresses and networks of the proxy; from anybody else the headers mean nothing */
  readonly proxies: readonly string[]
}

type MutualTls = NonNullable<NonNullable<Configuration['features']>['mTLS']>

/**
 * Client authentication by certificate and tokens bound to one (RFC 8705).
 * The feature stays on without settings, and then no certificate is ever seen: a client that was registered to have its
 * tokens bound gets none, rather than unbound ones.
 */
export function toMutualTls(settings: ClientCertificateSettings | undefined): MutualTls {
  const proxies = settings && toBlockList(settings.proxies)
  const header = (request: IncomingMessage, name: string | undefined): string | undefined =>
    name !== undefined && proxies && isListed(proxies, request.socket.remoteAddress)
      ? soleValue(request, name)
      : undefined
  const certificate = (request: IncomingMessage): X509Certificate | undefined => {
    const value = header(request, settings?.header)
    return value && settings ? parseCertificate(value, settings.format) : undefined
  }
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: settings !== undefined,
    tlsClientAuth: settings?.verifiedHeader !== undefined,
    getCertificate: (ctx) => certificate(ctx.req),
    certificateAuthorized: (ctx) => header(ctx.req, settings?.verifiedHeader) === 'SUCCESS',
    certificateSubjectMatches: (ctx, property, expected) => {
      const shown = certificate(ctx.req)
      return shown !== undefined && subjectMatches(shown, property, expected)
    },
  }
}

/** Methods that the settings allow for, to be announced and registered. */
export function certificateAuthMethods(
  settings: ClientCertificateSettings | undefined,
): ('tls_client_auth' | 'self_signed_tls_client_auth')[] {
  if (!settings) return []
  return settings.verifiedHeader === undefined
    ? ['self_signed_tls_client_auth']
    : ['tls_client_auth', 'self_signed_tls_client_auth']
}

/** A header that came twice is nobody's word: one of the two may have passed the proxy by. */
function soleValue({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  const values = rawHeaders.filter((_value, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
  return values.length === 1 ? values[0] : undefined
}

/** What does not parse is no certificate. The header comes from our own proxy, so there is nobody to explain it to. */
function parseCertificate(value: string, format: ClientCertificateSettings['format']): X509Certificate | undefined {
  try {
    return new X509Certificate(format === 'pem' ? decodeURIComponent(value) : fromByteSequence(value))
  } catch {
    return undefined
  }
}

/** RFC 9440 §2.1 with RFC 8941 §3.3.5: base64 between colons. */
function fromByteSequence(value: string): Buffer {
  const base64 = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value.trim())?.[1]
  return Buffer.from(base64 ?? '', 'base64')
}

/** Which of the names the certificate must carry, as registered; exact, no wildcards (RFC 8705 §2.1.2). */
function subjectMatches({ raw }: X509Certificate, property: string, expected: string): boolean {
  const certificate = Certificate.fromBER(new Uint8Array(raw))
  if (property === 'tls_client_auth_subject_dn') {
    const wanted = parseDistinguishedName(expected)
    return wanted !== undefined && wanted === readName(certificate.subject).comparable
  }
  const kind = ALTERNATIVE_NAMES[property]
  return kind !== undefined && alternativeNames(certificate).some((name) => kind(name) === expected)
}

/** `type` of GeneralName (RFC 5280 §4.2.1.6). */
const ALTERNATIVE_NAMES: Readonly<Record<string, (name: GeneralName) => string | undefined>> = {
  tls_client_auth_san_email: ({ type, value }) => (type === 1 ? String(value) : undefined),
  tls_client_auth_san_dns: ({ type, value }) => (type === 2 ? String(value) : undefined),
  tls_client_auth_san_uri: ({ type, value }) => (type === 6 ? String(value) : undefined),
  tls_client_auth_san_ip: ({ type, value }) => (type === 7 ? toAddress(value) : undefined),
}

const SUBJECT_ALT_NAME = '2.5.29.17'

function alternativeNames(certificate: Certificate): readonly GeneralName[] {
  const extension = certificate.extensions?.find(({ extnID }) => extnID === SUBJECT_ALT_NAME)
  if (!extension) return []
  return AltName.fromBER(new Uint8Array(extension.extnValue.valueBlock.valueHexView)).altNames
}

function toAddress(value: unknown): string | undefined {
  const bytes = (value as { valueBlock?: { valueHexView?: Uint8Array } }).valueBlock?.valueHexView
  if (bytes?.length === 4) return bytes.join('.')
  if (bytes?.length !== 16) return undefined
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  )
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
