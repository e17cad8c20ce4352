import { PROFILES } from '../../../../src/documents/profiles.ts'
import { certificates, forge, PAN, RSA_SHA256, type SignedParts, trusting } from '../../fixtures.ts'
import { COMMON_NAME, certificatesOf } from '../../trust/support.ts'
import { type HostileCase, type Row, swap, toCases } from '../case.ts'
import { NOW, OFFLINE_KYC, signOffline, type World } from '../world.ts'
import { type Arranged, type Arrangements, ENDED, knownBySubject, PATHS } from './paths.ts'

/** security.md XM-10 to XM-13. Every document here is signed, and the signature holds, under the key of its certificate. */
export const signerCases: readonly HostileCase[] = [
  ...PATHS.map(([name, check]) => {
    const find = ({ signers }: World) => arrangedAs(signers, `${name} ${check}`)
    return {
      name: `signer: ${name}`,
      check,
      make: (world: World) => documentOf(find(world)),
      trust: (world: World) => trustOf(find(world)),
    }
  }),
  ...toCases('signer', [
    ['another company under the same root', 'signer.known', ({ other }) => forge(PAN, other)],
    ['another company, with the genuine certificate after its own', 'signature.value', besides('first')],
    ['another company, with the genuine certificate before its own', 'signature.value', besides('last')],
    ['a stranger with the name of the signer', 'signer.known', ({ stranger }) => forge(PAN, stranger)],
    [
      'the root instead of the signer',
      'signer.known',
      ({ signer, pki }) => forge(PAN, signer, { keyInfo: certificates(pki.root.der) }),
    ],
    ['a byte after the certificate', 'signer.known', carrying((der) => Buffer.concat([der, Buffer.alloc(1)]))],
    ['a byte of the certificate changed', 'signer.known', carrying(changedInside)],
    ['the certificate cut short', 'signer.known', carrying((der) => der.subarray(0, -1))],
    [
      'the certificate as PEM in base64',
      'signer.known',
      carrying((_der, { signer }) => Buffer.from(signer.certificatePem)),
    ],
    [
      'the fingerprint in the place of the certificate',
      'signer.known',
      carrying((_der, { signer }) => Buffer.from(signer.fingerprint, 'hex')),
    ],
    [
      'a signer of 1024 bits whom we know',
      'signer.key',
      ({ small }) => forge(PAN, small),
      { trust: ({ small }) => trusting([small]) },
    ],
    ['a signer of another rail', 'signer.known', ({ pan }) => pan, { trust: ({ offlineTrust }) => offlineTrust }],
    [
      'a signer of DigiLocker under the offline profile',
      'signer.known',
      ({ offlineKyc }) => offlineKyc,
      { profile: PROFILES.uidaiOffline },
    ],
    ['nobody trusted', 'signer.known', ({ pan }) => pan, { trust: () => trusting([]) }],
    ['the day after the certificate’s end', 'signer.ended', ({ pan }) => pan, { at: NOW + 901 * 86_400 }],
    ['the day before the certificate’s begin', 'signer.begun', ({ pan }) => pan, { at: NOW - 31 * 86_400 }],
    [
      'offline e-KYC said to be signed before the certificate began',
      'signer.begun',
      ({ signer }) => signOffline(swap(OFFLINE_KYC, '12342026', '12342020'), signer),
      { profile: PROFILES.uidaiOffline, trust: ({ offlineTrust }) => offlineTrust },
    ],
    [
      'offline e-KYC said to be signed in time, asked for after the pin’s end',
      'signer.ended',
      ({ offlineKyc }) => offlineKyc,
      {
        profile: PROFILES.uidaiOffline,
        trust: ({ signer }) => trusting([signer], { rail: 'uidai-offline', notAcceptedAfter: ENDED }),
      },
    ],
  ] satisfies readonly Row[]),
]

export function arrangedAs(signers: Arrangements, key: string): Arranged {
  const arranged = signers.get(key)
  if (!arranged) throw new Error(`no such signer: ${key}`)
  return arranged
}

/** rsa-sha256, so that no rule about the weak method can be the one that refuses. */
export function documentOf({ chain, carried = certificatesOf(chain) }: Arranged): string {
  const parts: SignedParts = {
    method: RSA_SHA256,
    hash: 'sha256',
    keyInfo: certificates(...carried.map((der) => Buffer.from(der))),
  }
  const { der, fingerprint, pem, keys } = chain.leaf
  const certificateDer = Buffer.from(der)
  return forge(
    PAN,
    {
      certificateDer,
      certificatePem: pem,
      fingerprint,
      privateKey: keys.privateKey,
      commonName: COMMON_NAME,
      issuerAndSerialNumber: Buffer.alloc(0), // for CMS alone
      chain: [certificateDer],
    },
    parts,
  )
}

export const trustOf = ({ chain, trust = knownBySubject(chain.root) }: Arranged) => trust

function besides(genuine: 'first' | 'last') {
  return ({ signer, other }: World) => {
    const ders =
      genuine === 'first'
        ? [signer.certificateDer, other.certificateDer]
        : [other.certificateDer, signer.certificateDer]
    return forge(PAN, other, { keyInfo: certificates(...ders) })
  }
}

function carrying(change: (der: Buffer, world: World) => Buffer) {
  return (world: World) =>
    forge(PAN, world.signer, { keyInfo: certificates(change(world.signer.certificateDer, world)) })
}

/** In the signature over it, so that all of it still parses. */
function changedInside(der: Buffer): Buffer {
  const changed = Buffer.from(der)
  changed[changed.length - 9] = (changed.at(-9) ?? 0) ^ 1
  return changed
}
