import type { TrustStore } from '../../../src/documents/trust/trust.ts'
import { makePki, type Pki, type Signer } from '../../../src/simulator/pki.ts'
import { signXml } from '../../../src/simulator/signed-xml.ts'
import { testPki } from '../../support/pki.ts'
import { AADHAAR, certificates, forge, INCLUSIVE, LICENCE, PAN, secondsOf, trusting } from '../fixtures.ts'
import { type Arrangements, arrangeSigners } from './hostile/paths.ts'

export const NOW = secondsOf('2026-11-23T00:00:00Z')

/** Canonical content of an offline e-KYC (documents-and-signatures.md §5.2), the person invented. */
export const OFFLINE_KYC =
  '<OfflinePaperlessKyc referenceId="123420261101101112000"><UidData>' +
  `<Poi dob="09-10-1991" e="${'0e'.repeat(32)}" gender="F" m="${'0f'.repeat(32)}" name="Leela Fictitious"></Poi>` +
  '<Poa careof="C/O Nobody" country="India" dist="Sampleabad" house="7" landmark="" loc="Ward 9" pc="500001" po="Exampur" state="Telangana" street="Side Street" subdist="" vtc="Exampur"></Poa>' +
  `<Pht>${'/9j/4AAQ'.repeat(40)}</Pht></UidData></OfflinePaperlessKyc>`

/** Everything that cases are made of: keys are made once a run, documents from them. */
export interface World {
  readonly pki: Pki
  readonly signer: Signer
  /** another subscriber of the same authority, as every company can be */
  readonly other: Signer
  readonly small: Signer
  /** of another PKI whose names are all the same */
  readonly stranger: Signer
  readonly signers: Arrangements
  readonly trust: TrustStore
  /** the same signer on the rail of offline e-KYC */
  readonly offlineTrust: TrustStore
  /** signed documents, as they come */
  readonly pan: string
  readonly licence: string
  readonly aadhaar: string
  readonly offlineKyc: string
}

export async function makeWorld(): Promise<World> {
  const pki = await testPki(new Date(NOW * 1000))
  const other = await pki.issueSigner({ commonName: 'DS OTHER COMPANY', organization: 'OTHER COMPANY' })
  const small = await pki.issueSigner({ keyBits: 1024 })
  const elsewhere = await makePki({ rootBits: 2048, now: new Date(NOW * 1000) })
  const { signer } = pki
  return {
    pki,
    signer,
    other,
    small,
    stranger: elsewhere.signer,
    signers: await arrangeSigners(),
    trust: trusting([signer]),
    offlineTrust: trusting([signer], { rail: 'uidai-offline' }),
    pan: signXml(PAN, signer).toString(),
    licence: signXml(LICENCE, signer, { chain: 'neGD' }).toString(),
    aadhaar: signXml(AADHAAR, signer).toString(),
    offlineKyc: signOffline(OFFLINE_KYC, signer),
  }
}

/** Signs as UIDAI does (profile P-OKY): inclusive C14N, the leaf alone, base64 in lines that end in an escaped CR. */
export function signOffline(content: string, signer: Signer): string {
  const plain = forge(content, signer, { canonicalization: INCLUSIVE, keyInfo: certificates(signer.certificateDer) })
  return plain.replace(
    /(<(?:SignatureValue|X509Certificate)>)([^<]+)/g,
    (_all, tag: string, base64: string) => tag + base64.replace(/.{76}/g, '$&&#13;\n'),
  )
}

/** The signature that `forge` puts into a document, alone. */
export function signatureIn(document: string): string {
  const [signature] = /<(?:\w+:)?Signature[ >].*<\/(?:\w+:)?Signature>/s.exec(document) ?? []
  if (signature === undefined) throw new Error('no signature')
  return signature
}
