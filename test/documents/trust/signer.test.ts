import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  basicConstraints,
  certificatePolicies,
  extendedKeyUsage,
  KEY_USAGE,
  keyUsage,
  POLICY,
} from '../../../src/simulator/certificate.ts'
import { secondsOf } from '../fixtures.ts'
import {
  anchorOf,
  ask,
  type CertificateOptions,
  type Chain,
  COMMON_NAME,
  certificatesOf,
  keysFor,
  type Made,
  makeCertificate,
  makeChain,
  makeLeaf,
  NOW,
  named,
  ORGANIZATION,
  pinOf,
  RAIL,
  refusedBy,
  SIGNER_USAGE,
  SUBJECT_RULE,
  signerExtensions,
  trustIn,
} from './support.ts'

let good: Chain
beforeAll(async () => {
  good = await makeChain()
})
const above = () => [good.root, good.ca, good.subCa].map(({ der }) => der)
const bySubject = (more: object = {}) =>
  trustIn({ subjects: [{ ...SUBJECT_RULE, ...more }], anchors: [anchorOf(good.root)] })
const leafUnder = (options: CertificateOptions) => makeLeaf({ issuer: good.subCa, ...options })
const pinning = (made: Made, more: object = {}) => trustIn({ signers: [pinOf(made, more)] })

describe('a signer named by its subject — security.md XM-12', () => {
  const subjects: readonly [string, CertificateOptions['name'], Parameters<typeof refusedBy>[0]][] = [
    ['of another company with a valid path', named('DS OTHER COMPANY 1', 'OTHER COMPANY'), 'signer.known'],
    ['with another number in its name', named('DS SAMPLE CORPORATION 2', ORGANIZATION), 'signer.subject'],
    ['of a company that sounds the same', named(COMMON_NAME, `${ORGANIZATION} LIMITED`), 'signer.subject'],
    ['in another letter case', named(COMMON_NAME, 'Sample Corporation'), 'signer.subject'],
    ['with a space at the end', named(`${COMMON_NAME} `, ORGANIZATION), 'signer.subject'],
    ['with a look-alike letter', named(COMMON_NAME, 'SAMPLE CORPORATIОN'), 'signer.subject'],
    [
      'whose organization hides in its common name',
      named(`${COMMON_NAME}, O=${ORGANIZATION}`, 'OTHER'),
      'signer.known',
    ],
    ['with a NUL after the name', named(`${COMMON_NAME}\0`, ORGANIZATION), 'signer.subject'],
    ['with two organizations', [...named(COMMON_NAME, ORGANIZATION), ['O', 'OTHER COMPANY']], 'signer.subject'],
    ['with two common names', [...named(COMMON_NAME, ORGANIZATION), ['CN', 'DS OTHER']], 'signer.subject'],
    ['without an organization', [['CN', COMMON_NAME]], 'signer.subject'],
    [
      'in a string kind of many readings',
      [
        ['O', ORGANIZATION, 'teletex'],
        ['CN', COMMON_NAME],
      ],
      'signer.subject',
    ],
  ]
  it.each(subjects)('is not one %s', async (_case, name, check) => {
    const leaf = await leafUnder({ name: name ?? [] })
    await expect(bySubject().acceptSigner(ask([leaf.der, ...above()]))).rejects.toEqual(refusedBy(check))
  })

  it('is not one under another root', async () => {
    const elsewhere = await makeChain({ root: { name: named('Other root'), keys: keysFor('other root') } })
    await expect(bySubject().acceptSigner(ask([...certificatesOf(elsewhere), good.root.der]))).rejects.toEqual(
      refusedBy('chain.path'),
    )
  })

  it('is issued by the authority that the rule names, where it names one', async () => {
    const question = ask(certificatesOf(good))
    expect((await bySubject({ issuer: 'Sample sub-CA' }).acceptSigner(question)).basis).toBe('path')
    await expect(bySubject({ issuer: 'Sample CA' }).acceptSigner(question)).rejects.toEqual(refusedBy('signer.subject'))
  })

  it('counts on its own rail only', async () => {
    const question = ask(certificatesOf(good), { rail: 'uidai-offline' })
    await expect(bySubject().acceptSigner(question)).rejects.toEqual(refusedBy('signer.known'))
  })

  it('does not count while the rule is switched off', async () => {
    await expect(bySubject({ use: 'never' }).acceptSigner(ask(certificatesOf(good)))).rejects.toEqual(
      refusedBy('signer.known'),
    )
  })

  it('counts no longer than the rule says', async () => {
    const trust = bySubject({ notAcceptedAfter: '2026-11-22T00:00:00Z' })
    await expect(trust.acceptSigner(ask(certificatesOf(good)))).rejects.toEqual(refusedBy('signer.ended'))
  })

  it('is refused when two are named', async () => {
    const second = await leafUnder({ keys: keysFor('second leaf') })
    await expect(bySubject().acceptSigner(ask([second.der, ...certificatesOf(good)]))).rejects.toEqual(
      refusedBy('signer.one'),
    )
  })

  it('may stand twice', async () => {
    expect((await bySubject().acceptSigner(ask([good.leaf.der, ...certificatesOf(good)]))).basis).toBe('path')
  })
})

describe('the certificate of a signer — documents-and-signatures.md §3.5', () => {
  const usual = signerExtensions()
  const without = (index: number) => usual.filter((_extension, at) => at !== index)
  const bad: readonly [string, CertificateOptions, Parameters<typeof refusedBy>[0]][] = [
    ['without any policy', { extensions: without(0) }, 'signer.policy'],
    ['with the policies of its authorities only', { extensions: signerExtensions([POLICY.indiaPki]) }, 'signer.policy'],
    [
      'with a longer policy that starts alike',
      { extensions: signerExtensions([`${POLICY.documentSigner}.1`]) },
      'signer.policy',
    ],
    ['without a key usage', { extensions: without(3) }, 'signer.usage'],
    ['for encryption only', { extensions: [...without(3), keyUsage(0x20)] }, 'signer.usage'],
    [
      'that is an authority',
      { extensions: [certificatePolicies([POLICY.documentSigner]), basicConstraints(true), SIGNER_USAGE] },
      'signer.usage',
    ],
    ['for servers only', { extensions: [...without(2), extendedKeyUsage(['1.3.6.1.5.5.7.3.1'])] }, 'signer.usage'],
    ['with a key of 1024 bits', { keys: keysFor('small', 1024) }, 'signer.key'],
    ['with exponent 3', { keys: keysFor('three', 2048, 3) }, 'signer.key'],
    ['that has not begun', { notBefore: '2026-11-23T00:00:01Z' }, 'signer.begun'],
    ['that has ended', { notAfter: '2026-11-22T23:59:59Z' }, 'signer.ended'],
  ]
  it.each(bad)('is not one %s', async (_case, options, check) => {
    const leaf = await leafUnder(options)
    await expect(bySubject().acceptSigner(ask([leaf.der, ...above()]))).rejects.toEqual(refusedBy(check))
  })

  it('may be for non-repudiation alone, and need not list purposes or say that it is no authority', async () => {
    const leaf = await leafUnder({
      extensions: [certificatePolicies([POLICY.documentSigner]), keyUsage(KEY_USAGE.nonRepudiation)],
    })
    expect((await bySubject().acceptSigner(ask([leaf.der, ...above()]))).basis).toBe('path')
  })

  it.each([
    ['with a byte behind it', (der: Uint8Array) => Buffer.concat([der, Buffer.alloc(1)])],
    ['cut short', (der: Uint8Array) => der.subarray(0, -1)],
    [
      'in PEM',
      (der: Uint8Array) =>
        Buffer.from(`-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----`),
    ],
    ['that is empty', () => new Uint8Array()],
  ])('is not one %s, pinned or not', async (_case, spoil) => {
    const spoilt = spoil(good.leaf.der)
    for (const trust of [bySubject(), pinning(good.leaf)]) {
      await expect(trust.acceptSigner(ask([spoilt, ...above()]))).rejects.toEqual(refusedBy('signer.known'))
    }
  })

  it('does not say an extension twice', async () => {
    const leaf = await leafUnder({ more: [certificatePolicies([POLICY.documentSigner])] })
    await expect(bySubject().acceptSigner(ask([leaf.der, ...above()]))).rejects.toEqual(refusedBy('signer.known'))
  })

  it('is found among junk', async () => {
    const junk = [new Uint8Array([0x30, 0x80]), Buffer.from('no certificate'), new Uint8Array()]
    expect((await bySubject().acceptSigner(ask([...junk, ...certificatesOf(good)]))).basis).toBe('path')
  })
})

describe('a pinned signer — documents-and-signatures.md §3.5, §3.6', () => {
  it('is that very certificate, alone or in company', async () => {
    const accepted = await pinning(good.leaf).acceptSigner(ask([good.leaf.der]))
    expect(accepted).toMatchObject({ basis: 'pin', name: 'Pinned signer', expired: false, revocation: 'unchecked' })
    expect(accepted.chain).toEqual([
      { fingerprint: good.leaf.fingerprint, name: COMMON_NAME, notAfter: secondsOf('2030-01-01T00:00:00Z') },
    ])
    expect(Object.isFrozen(accepted)).toBe(true)
  })

  it.each([
    ['a renewal with its key', { keys: keysFor('leaf') }],
    ['another certificate with its name', { keys: keysFor('forger') }],
  ])('is not %s', async (_case, options) => {
    const other = await leafUnder(options)
    await expect(pinning(good.leaf).acceptSigner(ask([other.der, ...above()]))).rejects.toEqual(
      refusedBy('signer.known'),
    )
  })

  it('needs no policy of document signers: the operator has looked at it', async () => {
    const leaf = await leafUnder({ extensions: signerExtensions([POLICY.class2]) })
    expect((await pinning(leaf).acceptSigner(ask([leaf.der]))).basis).toBe('pin')
  })

  it('is not found on another rail', async () => {
    await expect(pinning(good.leaf, { rail: 'uidai-offline' }).acceptSigner(ask([good.leaf.der]))).rejects.toEqual(
      refusedBy('signer.known'),
    )
  })

  it('is refused beside another pinned one', async () => {
    const second = await leafUnder({ keys: keysFor('second leaf') })
    const trust = trustIn({ signers: [pinOf(good.leaf), pinOf(second)] })
    await expect(trust.acceptSigner(ask([good.leaf.der, second.der]))).rejects.toEqual(refusedBy('signer.one'))
  })

  it.each([
    ['another key than its line says', { spki: 'ab'.repeat(32) }, {}, 'signer.key'],
    ['a weak key', {}, { keys: keysFor('small', 1024) }, 'signer.key'],
    ['no right to sign', {}, { extensions: [keyUsage(0x20)] }, 'signer.usage'],
  ] as const)('is refused with %s', async (_case, line, options, check) => {
    const leaf = await leafUnder(options)
    await expect(pinning(leaf, line).acceptSigner(ask([leaf.der]))).rejects.toEqual(refusedBy(check))
  })

  const END = '2026-06-01T00:00:00Z'
  const ended = () => leafUnder({ notAfter: END })
  it.each([
    ['ends with its certificate where no tolerance is given', {}, END, false],
    ['ends with its line where that is sooner', { notAfter: '2026-05-01T00:00:00Z' }, '2026-05-01T00:00:00Z', false],
    [
      'ends before its certificate where the operator says so',
      { notAcceptedAfter: '2026-05-01T00:00:00Z' },
      '2026-05-01T00:00:00Z',
      false,
    ],
    [
      'is tolerated past its end up to the bound, and said to be expired',
      { notAcceptedAfter: '2026-08-01T00:00:00Z' },
      '2026-08-01T00:00:00Z',
      true,
    ],
  ])('%s', async (_case, line, last, expired) => {
    const leaf = await ended()
    const trust = pinning(leaf, line)
    const question = (seconds: number) => ask([leaf.der], { fetchedAt: seconds })
    expect(await trust.acceptSigner(question(secondsOf(last)))).toMatchObject({ expired })
    await expect(trust.acceptSigner(question(secondsOf(last) + 1))).rejects.toEqual(refusedBy('signer.ended'))
  })

  it('is nobody before its certificate begins', async () => {
    const begin = secondsOf('2024-01-01T00:00:00Z')
    const trust = pinning(good.leaf)
    expect((await trust.acceptSigner(ask([good.leaf.der], { fetchedAt: begin }))).basis).toBe('pin')
    await expect(trust.acceptSigner(ask([good.leaf.der], { fetchedAt: begin - 1 }))).rejects.toEqual(
      refusedBy('signer.begun'),
    )
  })

  describe('judged at the time of signing', () => {
    const signed = (der: Uint8Array, signedAt: number | undefined, fetchedAt = NOW) =>
      ask([der], { timePolicy: 'signed', signedAt, fetchedAt })

    it('is judged then, and the answer says so', async () => {
      const signedAt = secondsOf('2025-02-01T00:00:00Z')
      expect(await pinning(good.leaf).acceptSigner(signed(good.leaf.der, signedAt))).toMatchObject({
        timeBasis: 'signed',
        judgedAt: signedAt,
        expired: false,
      })
    })

    it('may have ended before it signed, within its pin', async () => {
      const leaf = await ended()
      const trust = pinning(leaf, { notAcceptedAfter: '2027-06-01T00:00:00Z' })
      expect(await trust.acceptSigner(signed(leaf.der, secondsOf('2026-10-01T00:00:00Z')))).toMatchObject({
        expired: true,
      })
    })

    it('is refused once its pin is over, however early the content says that it was signed', async () => {
      const leaf = await ended()
      const trust = pinning(leaf, { notAcceptedAfter: '2026-08-01T00:00:00Z' })
      const early = secondsOf('2025-01-01T00:00:00Z')
      expect((await trust.acceptSigner(signed(leaf.der, early, secondsOf('2026-08-01T00:00:00Z')))).expired).toBe(false)
      await expect(trust.acceptSigner(signed(leaf.der, early))).rejects.toEqual(refusedBy('signer.ended'))
    })

    it.each([
      ['no time at all', undefined, 'signature.time'],
      ['more than five minutes ahead', NOW + 301, 'signature.time'],
      ['before the certificate began', secondsOf('2023-12-31T23:59:59Z'), 'signer.begun'],
    ] as const)('is refused with %s', async (_case, signedAt, check) => {
      await expect(pinning(good.leaf).acceptSigner(signed(good.leaf.der, signedAt))).rejects.toEqual(refusedBy(check))
    })

    it('is refused when it signed past its bound, by however little', async () => {
      const trust = pinning(good.leaf, { notAcceptedAfter: '2026-11-23T00:00:00Z' })
      expect((await trust.acceptSigner(signed(good.leaf.der, NOW))).judgedAt).toBe(NOW)
      await expect(trust.acceptSigner(signed(good.leaf.der, NOW + 1))).rejects.toEqual(refusedBy('signer.ended'))
    })

    it('may be five minutes ahead, for clocks differ', async () => {
      expect((await pinning(good.leaf).acceptSigner(signed(good.leaf.der, NOW + 300))).judgedAt).toBe(NOW + 300)
    })
  })
})

describe('a signer known by its key', () => {
  const byKey = (more: object = {}) =>
    trustIn({
      keys: [{ spki: good.leaf.spki, name: 'Known key', rail: RAIL, reason: 'test', ...more }],
      anchors: [anchorOf(good.root)],
    })

  it('is accepted under a renewed certificate, whatever its subject', async () => {
    const renewed = await leafUnder({ name: named('DS RENAMED', 'RENAMED'), notAfter: '2031-01-01T00:00:00Z' })
    expect(await byKey().acceptSigner(ask([renewed.der, ...above()]))).toMatchObject({
      basis: 'pin',
      name: 'Known key',
      fingerprint: renewed.fingerprint,
    })
  })

  it('is not accepted under a certificate that nobody vouches for, since anybody can write one about a known key', async () => {
    const homemade = await makeCertificate({
      name: named(COMMON_NAME, ORGANIZATION),
      issuer: { ...good.subCa, keys: keysFor('forger') },
      extensions: signerExtensions(),
      keyIdentifiers: false,
    })
    await expect(byKey().acceptSigner(ask([homemade.der, ...above()]))).rejects.toEqual(refusedBy('chain.signature'))
  })

  it.each([
    ['a renewed certificate that has ended', { notAfter: '2026-11-01T00:00:00Z' }, {}, 'signer.ended'],
    ['a line that has ended', {}, { notAcceptedAfter: '2026-11-01T00:00:00Z' }, 'signer.ended'],
    ['a certificate without the policy', { extensions: signerExtensions([POLICY.class2]) }, {}, 'signer.policy'],
    ['another key', { keys: keysFor('forger') }, {}, 'signer.known'],
    ['another rail', {}, { rail: 'uidai-offline' }, 'signer.known'],
  ] as const)('is not accepted with %s', async (_case, options, line, check) => {
    const leaf = await leafUnder(options)
    await expect(byKey(line).acceptSigner(ask([leaf.der, ...above()]))).rejects.toEqual(refusedBy(check))
  })

  it('is not tolerated past the end of its certificate by a later end of the line', async () => {
    const leaf = await leafUnder({ notAfter: '2026-11-01T00:00:00Z' })
    const trust = byKey({ notAcceptedAfter: '2028-01-01T00:00:00Z' })
    await expect(trust.acceptSigner(ask([leaf.der, ...above()]))).rejects.toEqual(refusedBy('signer.ended'))
  })
})

describe('certificates that were tampered with', () => {
  it('are refused by a check, whichever byte was changed', async () => {
    const trust = bySubject()
    const ders = certificatesOf(good)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 3 }), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, where, change) => {
        const hostile = ders.map((der) => Uint8Array.from(der))
        const der = hostile[which] ?? new Uint8Array()
        der[where % der.length] = (der[where % der.length] ?? 0) ^ change
        await expect(trust.acceptSigner(ask(hostile))).rejects.toMatchObject({
          name: 'DocumentError',
          check: expect.stringMatching(/^(signer|chain)\./),
        })
      }),
      { numRuns: 200, seed: 5280 },
    )
  })
})
