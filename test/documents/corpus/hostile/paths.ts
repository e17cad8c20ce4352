import { createHash } from 'node:crypto'
import type { CheckId } from '../../../../src/documents/checks.ts'
import type { TrustStore } from '../../../../src/documents/trust/trust.ts'
import {
  basicConstraints,
  extendedKeyUsage,
  KEY_USAGE,
  keyUsage,
  POLICY,
} from '../../../../src/simulator/certificate.ts'
import {
  anchorOf,
  authorityExtensions,
  type CertificateOptions,
  type Chain,
  COMMON_NAME,
  certificatesOf,
  derOf,
  keysFor,
  type Made,
  makeChain,
  makeCrl,
  makeLeaf,
  named,
  pinOf,
  rawExtension,
  SIGNER_USAGE,
  SUBJECT_RULE,
  signerExtensions,
  trustIn,
} from '../../trust/support.ts'

/** A path that is wrong in one thing, and what the document and the operator make of it. */
export interface Arranged {
  readonly chain: Chain
  /** certificates in KeyInfo, if not all of the path in the order of NeGD */
  readonly carried?: readonly Uint8Array[]
  /** if not: the subject is known, the root an anchor */
  readonly trust?: TrustStore
}
export type Arrangements = ReadonlyMap<string, Arranged>

const authority = (...extensions: Buffer[]): CertificateOptions => ({ extensions })
const mayIssue = keyUsage(KEY_USAGE.certificateSign | KEY_USAGE.crlSign)
const unknownCritical = derOf(rawExtension('1.3.6.1.4.1.99999.1', Buffer.from([5, 0]), true))
const nameConstraints = derOf(rawExtension('2.5.29.30', Buffer.from([0x30, 0]), true))
/** pathLenConstraint of nine bytes */
const endlessPath = derOf(
  rawExtension('2.5.29.19', Buffer.from([0x30, 14, 1, 1, 0xff, 2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]), true),
)
export const ENDED = '2026-11-22T23:59:59Z'
const FUTURE = '2026-11-23T00:00:01Z'

export const knownBySubject = (root: Made, more: object = {}, lists: Uint8Array[] = []) =>
  trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(root)], ...more }, { lists })
/** Pinned, and must have a path as well. */
const pinnedWithPath = ({ leaf, root }: Chain) =>
  trustIn({ signers: [pinOf(leaf, { path: 'required' })], anchors: [anchorOf(root)] })
const pinnedAlone = ({ leaf }: Chain, more: object = {}) => trustIn({ signers: [pinOf(leaf, more)] })

type But = Parameters<typeof makeChain>[0]
const wrong = (but: But) => async (): Promise<Arranged> => ({ chain: await makeChain(but) })
const pinned =
  (but: But, more: object = {}) =>
  async (): Promise<Arranged> => {
    const chain = await makeChain(but)
    return { chain, trust: pinnedAlone(chain, more) }
  }
const pathed = (but: But) => async (): Promise<Arranged> => {
  const chain = await makeChain(but)
  return { chain, trust: pinnedWithPath(chain) }
}

export const PATHS: readonly (readonly [string, CheckId, () => Promise<Arranged>])[] = [
  ['a signer that has ended', 'signer.ended', wrong({ leaf: { notAfter: ENDED } })],
  ['a pinned signer that has ended', 'signer.ended', pinned({ leaf: { notAfter: ENDED } }, { notAfter: ENDED })],
  [
    'a pinned signer whose tolerance has ended',
    'signer.ended',
    pinned({ leaf: { notAfter: '2026-02-11T00:00:00Z' } }, { notAcceptedAfter: ENDED }),
  ],
  ['a pinned signer distrusted before its end', 'signer.ended', pinned({}, { notAcceptedAfter: ENDED })],
  ['a signer that has not begun', 'signer.begun', wrong({ leaf: { notBefore: FUTURE } })],
  ['a pinned signer whose end is no date', 'signer.known', undatedSigner],
  ['a pinned signer that has not begun', 'signer.begun', pinned({ leaf: { notBefore: FUTURE } })],
  ['a sub-CA that has ended', 'chain.time', wrong({ subCa: { notAfter: ENDED } })],
  ['a CA that has not begun', 'chain.time', wrong({ ca: { notBefore: FUTURE } })],
  ['a root that has ended', 'chain.time', wrong({ root: { notAfter: ENDED } })],
  ['a sub-CA that is no CA', 'chain.authority', wrong({ subCa: authority(basicConstraints(false), mayIssue) })],
  ['a sub-CA without constraints', 'chain.authority', wrong({ subCa: authority(mayIssue) })],
  [
    'a CA that may not sign certificates',
    'chain.authority',
    wrong({ ca: authority(basicConstraints(true, 1), keyUsage(KEY_USAGE.crlSign)) }),
  ],
  ['a CA that allows no CA below it', 'chain.length', wrong({ ca: { extensions: authorityExtensions(0) } })],
  [
    'the same CA under a pin that asks for a path',
    'chain.length',
    pathed({ ca: { extensions: authorityExtensions(0) } }),
  ],
  ['a CA with a key of 1024 bits', 'chain.key', wrong({ ca: { keys: keysFor('small', 1024) } })],
  ['a sub-CA with exponent 3', 'chain.key', wrong({ subCa: { keys: keysFor('three', 2048, 3) } })],
  ['a signer certified with SHA-1', 'chain.signature', wrong({ leaf: { hash: 'SHA-1' } })],
  ['a CA certified with SHA-1', 'chain.signature', wrong({ ca: { hash: 'SHA-1' } })],
  ['an unknown critical extension', 'chain.critical', wrong({ leaf: { more: [unknownCritical] } })],
  ['name constraints', 'chain.names', wrong({ ca: { more: [nameConstraints] } })],
  ['a signer that signed itself', 'chain.path', selfSigned],
  ['a signer under another root of the same name', 'chain.path', otherRoot],
  ['a sub-CA left out', 'chain.path', missingAuthority],
  ['a signer in the place of a CA', 'chain.authority', throughSigner],
  ['an anchor that counts no more', 'chain.anchor', endedAnchor],
  ['a path through an authority that trust names never', 'chain.anchor', distrusted],
  ['a subject changed after it was certified', 'chain.signature', changedSubject],
  ['another subscriber of the same authority', 'signer.known', otherSubscriber],
  [
    'a look-alike organisation',
    'signer.subject',
    wrong({ leaf: { name: named(COMMON_NAME, 'SAMPLE CORPORATION LIMITED') } }),
  ],
  [
    'the next number in the common name',
    'signer.subject',
    wrong({ leaf: { name: named('DS SAMPLE CORPORATION 2', 'SAMPLE CORPORATION') } }),
  ],
  [
    'the right organisation in small letters',
    'signer.subject',
    wrong({ leaf: { name: named(COMMON_NAME, 'Sample Corporation') } }),
  ],
  [
    'two organisations',
    'signer.subject',
    wrong({ leaf: { name: [...named(COMMON_NAME, 'SAMPLE CORPORATION'), ['O', 'EVE']] } }),
  ],
  ['two signers whom we know', 'signer.one', twoSigners],
  [
    'a certificate without the document-signer policy',
    'signer.policy',
    wrong({ leaf: { extensions: signerExtensions([POLICY.class2]) } }),
  ],
  [
    'no such policy under a pin that asks for a path',
    'signer.policy',
    pathed({ leaf: { extensions: signerExtensions([POLICY.class3]) } }),
  ],
  [
    'a certificate for servers',
    'signer.usage',
    wrong({ leaf: { extensions: [basicConstraints(false), extendedKeyUsage(['1.3.6.1.5.5.7.3.1']), SIGNER_USAGE] } }),
  ],
  [
    'a certificate that may not sign',
    'signer.usage',
    wrong({ leaf: { extensions: [basicConstraints(false), keyUsage(KEY_USAGE.crlSign)] } }),
  ],
  ['a pinned authority', 'signer.usage', pinned({ leaf: { extensions: authorityExtensions() } })],
  [
    'a pinned authority that may sign documents, too',
    'signer.usage',
    pinned({ leaf: { extensions: [basicConstraints(true), SIGNER_USAGE] } }),
  ],
  ['an extension that stands twice', 'signer.known', wrong({ leaf: { more: [SIGNER_USAGE] } })],
  [
    'an extension that does not parse',
    'signer.known',
    wrong({ leaf: { extensions: [SIGNER_USAGE, derOf(rawExtension('2.5.29.32', Buffer.from([5, 0]), false))] } }),
  ],
  ['a path length beyond measure', 'chain.path', wrong({ ca: { extensions: [endlessPath, mayIssue] } })],
  ['a signer with a key of 1024 bits', 'signer.key', wrong({ leaf: { keys: keysFor('small leaf', 1024) } })],
  ['a pinned signer with a key of 1024 bits', 'signer.key', pinned({ leaf: { keys: keysFor('small leaf', 1024) } })],
  ['a pinned signer with exponent 3', 'signer.key', pinned({ leaf: { keys: keysFor('three leaf', 2048, 3) } })],
  ['a pinned certificate with another key than its pin says', 'signer.key', pinned({}, { spki: 'ab'.repeat(32) })],
  ['a revoked signer', 'signer.revoked', revoked('leaf', 'subCa')],
  ['a revoked sub-CA', 'signer.revoked', revoked('subCa', 'ca')],
  ['no revocation list where one is demanded', 'chain.crl', async () => crlDemanded(() => [])],
  [
    'a revocation list that is stale',
    'chain.crl',
    async () => crlDemanded((chain) => lists(chain, { nextUpdate: ENDED })),
  ],
  [
    'a revocation list that another key signed',
    'chain.crl',
    async () => crlDemanded((chain) => lists(chain, { signedBy: keysFor('stranger') })),
  ],
]

/** Signers whom nothing is wrong with. */
export const VALID = {
  'known by subject, with a valid path': wrong({}),
  'pinned, with a valid path that the pin asks for': pathed({}),
  'known by subject, with revocation lists demanded and fresh': () => crlDemanded((chain) => lists(chain, {})),
  'pinned, without the document-signer policy': pinned({ leaf: { extensions: signerExtensions([POLICY.class2]) } }),
  'pinned, ended, within the tolerance of its pin': pinned(
    { leaf: { notAfter: '2026-02-11T00:00:00Z' } },
    { notAcceptedAfter: '2026-12-31T00:00:00Z' },
  ),
} as const satisfies Record<string, () => Promise<Arranged>>

/** Made before the cases are, since certificates take promises. */
export async function arrangeSigners(): Promise<Arrangements> {
  const arranged = new Map<string, Arranged>()
  for (const [name, arrange] of Object.entries(VALID)) arranged.set(name, await arrange())
  for (const [name, check, arrange] of PATHS) arranged.set(`${name} ${check}`, await arrange())
  return arranged
}

async function selfSigned(): Promise<Arranged> {
  const good = await makeChain()
  const leaf = await makeLeaf({})
  return { chain: { ...good, leaf } }
}

async function otherRoot(): Promise<Arranged> {
  const other = await makeChain({ root: { keys: keysFor('second root') } })
  return { chain: other, trust: knownBySubject((await makeChain()).root) }
}

async function missingAuthority(): Promise<Arranged> {
  const chain = await makeChain()
  return { chain, carried: [chain.leaf, chain.ca, chain.root].map(({ der }) => der) }
}

async function throughSigner(): Promise<Arranged> {
  const good = await makeChain()
  const between = await makeLeaf({
    issuer: good.subCa,
    name: named('DS OTHER', 'OTHER COMPANY'),
    keys: keysFor('other'),
  })
  const leaf = await makeLeaf({ issuer: between })
  const chain = { ...good, leaf }
  return { chain, carried: [leaf, between, good.subCa, good.ca, good.root].map(({ der }) => der) }
}

async function endedAnchor(): Promise<Arranged> {
  const chain = await makeChain()
  const anchor = anchorOf(chain.root, { notAfter: ENDED })
  return { chain, trust: knownBySubject(chain.root, { anchors: [anchor] }) }
}

async function distrusted(): Promise<Arranged> {
  const chain = await makeChain()
  const never = { fingerprint: chain.subCa.fingerprint, name: 'sub-CA', use: 'never' }
  return { chain, trust: knownBySubject(chain.root, { intermediates: [never] }) }
}

async function changedSubject(): Promise<Arranged> {
  const good = await makeChain({ leaf: { name: named(COMMON_NAME, 'SIMPLE CORPORATION') } })
  const der = Buffer.from(good.leaf.der)
  der.set(Buffer.from('SAMPLE CORPORATION'), der.indexOf('SIMPLE CORPORATION'))
  const [, ...above] = certificatesOf(good)
  return { chain: good, carried: [der, ...above] }
}

/** Everything is before a date that is none, and after it. */
async function undatedSigner(): Promise<Arranged> {
  const chain = await makeChain()
  const der = Buffer.from(chain.leaf.der)
  der.set(Buffer.from('300101990000Z'), der.indexOf('300101000000Z'))
  const fingerprint = createHash('sha256').update(der).digest('hex')
  const leaf = { ...chain.leaf, der, fingerprint }
  return { chain: { ...chain, leaf }, carried: [der], trust: pinnedAlone({ ...chain, leaf }) }
}

async function otherSubscriber(): Promise<Arranged> {
  return { chain: await makeChain({ leaf: { name: named('DS OTHER COMPANY', 'OTHER COMPANY') } }) }
}

async function twoSigners(): Promise<Arranged> {
  const chain = await makeChain()
  const second = await makeLeaf({ issuer: chain.subCa, keys: keysFor('second leaf') })
  return { chain, carried: [...certificatesOf(chain), second.der] }
}

function revoked(who: 'leaf' | 'subCa', by: 'subCa' | 'ca') {
  return async (): Promise<Arranged> => {
    const chain = await makeChain()
    const list = await makeCrl({ issuer: chain[by], revoked: [chain[who]] })
    return { chain, trust: knownBySubject(chain.root, {}, [list]) }
  }
}

async function crlDemanded(given: (chain: Chain) => readonly Promise<Uint8Array>[]): Promise<Arranged> {
  const chain = await makeChain()
  return { chain, trust: knownBySubject(chain.root, { revocation: 'required' }, await Promise.all(given(chain))) }
}

const lists = ({ root, ca, subCa }: Chain, wrongIn: object) =>
  [root, ca].map((issuer) => makeCrl({ issuer })).concat(makeCrl({ issuer: subCa, ...wrongIn }))
