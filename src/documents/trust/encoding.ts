/** DER of every PEM block with this label (RFC 7468 §2); text around the blocks is explanation and not read. */
export function decodePem(text: string, label: 'CERTIFICATE' | 'X509 CRL'): Uint8Array[] {
  const blocks = text.matchAll(new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, 'g'))
  return [...blocks].map(([, body = '']) => fromBase64(body))
}

/** DER of a text that is nothing but base64, as the Indian authorities publish some of their certificates. */
export function decodeBareBase64(text: string): Uint8Array | undefined {
  const body = text.trim()
  return /^[A-Za-z0-9+/\s]+={0,2}$/.test(body) ? fromBase64(body) : undefined
}

const fromBase64 = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'base64'))
