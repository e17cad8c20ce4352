import { createPrivateKey, createPublicKey } from 'node:crypto'
import { makePki, makePkiKeys, type Pki, type PkiKeys } from '../../src/simulator/pki.ts'

/** Makes a PKI's keys once for a whole test run: RSA keys take long. Its processes find them in the environment. */
export async function preparePkiKeys(): Promise<void> {
  const keys = await makePkiKeys(2048)
  process.env.TEST_PKI_KEYS = JSON.stringify(
    keys.map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' })),
  )
}

/**
 * A PKI with the run's keys, if this is a test run: two of them differ by their certificates alone. Whoever needs a stranger
 * takes `makePki`.
 */
export function testPki(now?: Date): Promise<Pki> {
  const given = process.env.TEST_PKI_KEYS
  const keys = given === undefined ? undefined : (JSON.parse(given) as string[]).map(readKeys)
  return makePki({ rootBits: 2048, ...(keys && { keys: keys as unknown as PkiKeys }), ...(now && { now }) })
}

const readKeys = (pem: string) => ({ privateKey: createPrivateKey(pem), publicKey: createPublicKey(pem) })
