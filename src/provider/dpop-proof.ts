import { decodeJwt } from 'jose'
import { errors } from 'oidc-provider'
import { MINUTE } from './lifetimes.ts'

/**
 * Refuses a proof that is dated more than a minute ahead; the engine by itself takes one of five. One made for next week
 * would otherwise be a key to carry about (RFC 9449 §11.1 leaves the number to us, FAPI 2.0 Security Profile §5.3.2.1-13
 * sets it).
 * @param proof the header as it came; nothing of it is believed here
 * @param now epoch seconds
 * @throws InvalidDpopProof
 */
export function assertProofDate(proof: string, now: number): void {
  const iat = issuedAt(proof)
  if (iat !== undefined && iat > now + MINUTE) throw new errors.InvalidDpopProof('DPoP proof iat is too far ahead')
}

function issuedAt(proof: string): number | undefined {
  try {
    return decodeJwt(proof).iat
  } catch {
    // What cannot be read is refused by the engine, which says what is wrong with it.
    return undefined
  }
}
