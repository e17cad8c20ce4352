import { createHash, randomBytes, sign, verify, X509Certificate } from 'node:crypto'
import { PROFILES } from '../src/documents/profiles.ts'
import { parseTrust, TrustStore } from '../src/documents/trust/trust.ts'
import { verifyDocument } from '../src/documents/verify.ts'
import { lockerOf } from '../src/simulator/documents.ts'
import { PERSONAS } from '../src/simulator/personas.ts'
import { makePki, type Signer } from '../src/simulator/pki.ts'
import { signXml } from '../src/simulator/signed-xml.ts'
import type { XmlElement } from '../src/simulator/xml.ts'
import type { Candidate } from './measure.ts'

export interface VerificationCase {
  readonly title: string
  readonly floor: Candidate
  readonly ours: Candidate
}

/** Bytes of the photograph in an e-Aadhaar of some 30 KB; the simulator's own is a thumbnail. */
const PHOTO_BYTES = 20_000

/** Two documents as DigiLocker serves them, and beside each the least that anyone must do: one digest, one RSA check. */
export async function verificationCases(): Promise<VerificationCase[]> {
  const { signer } = await makePki({ rootBits: 2048 })
  const now = Math.floor(Date.now() / 1000)
  const trust = new TrustStore([parseTrust({ signers: [pinOf(signer)] }, 'benchmark')])
  const content = { 'driving licence': documentOf('DRVLC', now), 'e-Aadhaar': withPhoto(documentOf('ADHAR', now)) }
  return Object.entries(content).map(([name, xml]) => {
    const bytes = signXml(xml, signer)
    return {
      title: `${name}, ${(bytes.length / 1000).toFixed(1)} KB`,
      floor: floorOf(name, bytes, signer),
      ours: {
        name: `${name}: ours`,
        run: () => verifyDocument(bytes, { profile: PROFILES.digilocker, trust, at: now }),
      },
    }
  })
}

function floorOf(name: string, bytes: Uint8Array, { privateKey, certificateDer }: Signer): Candidate {
  const signedInfo = randomBytes(600)
  const signature = sign('sha1', signedInfo, privateKey)
  const key = new X509Certificate(certificateDer).publicKey
  return {
    name: `${name}: floor`,
    run: () => {
      createHash('sha256').update(bytes).digest()
      if (!verify('sha1', signedInfo, key, signature)) throw new Error('the floor does not hold')
    },
  }
}

function documentOf(doctype: string, at: number): XmlElement {
  const persona = PERSONAS.find(({ id }) => id === 'asha')
  const xml = persona && lockerOf(persona, at).find((document) => document.doctype === doctype)?.xml
  if (!xml) throw new Error(`the simulator has no ${doctype} to sign`)
  return xml
}

function withPhoto(xml: XmlElement): XmlElement {
  if (xml.name === 'Pht') return { ...xml, children: [randomBytes(PHOTO_BYTES).toString('base64')] }
  return { ...xml, children: xml.children.map((child) => (typeof child === 'string' ? child : withPhoto(child))) }
}

const pinOf = ({ fingerprint, commonName }: Signer) => ({
  fingerprint,
  name: commonName,
  notAfter: '2040-01-01T00:00:00Z',
})
