import { beforeAll, describe, expect, it } from 'vitest'
import { basicConstraints, extendedKeyUsage, KEY_USAGE, keyUsage, POLICY } from '../../../src/simulator/certificate.ts'
import { fingerprintOf, secondsOf } from '../fixtures.ts'
import {
  anchorOf,
  ask,
  authorityExtensions,
  type CertificateOptions,
  type Chain,
  COMMON_NAME,
  certificatesOf,
  derOf,
  keysFor,
  type Made,
  makeCertificate,
  makeChain,
  makeLeaf,
  NOW,
  named,
  pinOf,
  rawExtension,
  refusedBy,
  SUBJECT_RULE,
  signerExtensions,
  trustIn,
} from './support.ts'

let good: Chain
beforeAll(async () => {
  good = await makeChain()
})

/** A signer known by subject only, under the root of this path. */
const trusting = (root: Made, more: object = {}) =>
  trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(root)], ...more })
const accept = (chain: Chain, certificates = certificatesOf(chain)) =>
  trusting(chain.root).acceptSigner(ask(certificates))

describe('a path to an anchor — RFC 5280 §6.1; security.md XM-10, XM-11', () => {
  it('is found whatever the order of the certificates', async () => {
    const { leaf, subCa, ca, root } = good
    const orders = [
      [leaf, root, ca, subCa], // as NeGD's signer put them
      [leaf, subCa, ca, root],
      [root, ca, subCa, leaf],
      [subCa, leaf, root, ca],
    ]
    for (const order of orders) {
      const accepted = await accept(
        good,
        order.map(({ der }) => der),
      )
      expect(accepted.chain.map(({ fingerprint }) => fingerprint)).toEqual(
        [leaf, subCa, ca, root].map(({ fingerprint }) => fingerprint),
      )
      expect(accepted).toMatchObject({
        fingerprint: leaf.fingerprint,
        name: COMMON_NAME,
        basis: 'path',
        timeBasis: 'fetch',
        judgedAt: NOW,
        expired: false,
        revocation: 'unchecked',
      })
      expect(fingerprintOf(accepted.key.export({ type: 'spki', format: 'der' }))).toBe(leaf.spki)
    }
  })

  it('is found when the document carries the signer alone and the operator the rest', async () => {
    const { leaf, subCa, ca, root } = good
    const trust = trustIn(
      { subjects: [SUBJECT_RULE], anchors: [anchorOf(root)] },
      { certificates: [root, ca, subCa].map(({ der }) => der) },
    )
    expect((await trust.acceptSigner(ask([leaf.der]))).chain.length).toBe(4)
  })

  it('is found with the certificates that a trust file carries', async () => {
    const { leaf, subCa, ca, root } = good
    const record = { fingerprint: root.fingerprint, name: 'Sample root', certificatePem: root.pem }
    const trust = trustIn({ subjects: [SUBJECT_RULE], anchors: [record], intermediates: [subCa.pem, ca.pem] })
    expect((await trust.acceptSigner(ask([leaf.der]))).chain.at(-1)?.fingerprint).toBe(root.fingerprint)
  })

  it('is found under either of two roots', async () => {
    const second = await makeChain({
      root: { name: named('Second root'), keys: keysFor('second root') },
      leaf: { keys: keysFor('second leaf') },
    })
    const trust = trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(good.root), anchorOf(second.root)] })
    for (const chain of [good, second]) {
      const { chain: path } = await trust.acceptSigner(ask(certificatesOf(chain)))
      expect(path.at(-1)?.fingerprint).toBe(chain.root.fingerprint)
    }
  })

  it('is found past forged certificates with the names of the genuine ones', async () => {
    const forged = await makeChain({ subCa: { keys: keysFor('forger') }, ca: { keys: keysFor('forger') } })
    const certificates = [forged.subCa, forged.ca, good.leaf, good.root, good.ca, good.subCa].map(({ der }) => der)
    expect((await accept(good, certificates)).chain.map(({ fingerprint }) => fingerprint)).toContain(
      good.subCa.fingerprint,
    )
  })

  it('is found without key identifiers, by name and signature alone', async () => {
    const bare = { keyIdentifiers: false }
    const chain = await makeChain({ root: bare, ca: bare, subCa: bare, leaf: bare })
    expect((await accept(chain)).chain.length).toBe(4)
  })

  it('is found when authorities write a name in another letter case or spacing', async () => {
    const chain = await makeChain({ leaf: { issuer: good.subCa, issuerName: named(' SAMPLE  sub-ca') } })
    expect(
      (
        await accept(
          good,
          [chain.leaf, ...[good.subCa, good.ca, good.root]].map(({ der }) => der),
        )
      ).basis,
    ).toBe('path')
  })

  const authority = (...extensions: Buffer[]): CertificateOptions => ({ extensions })
  const critical = derOf(rawExtension('1.3.6.1.4.1.99999.1', Buffer.from([5, 0]), true))
  const constraints = derOf(rawExtension('2.5.29.30', Buffer.from([0x30, 0]), true))
  const usage = keyUsage(KEY_USAGE.certificateSign | KEY_USAGE.crlSign)
  const bad: readonly [string, Parameters<typeof makeChain>[0], Parameters<typeof refusedBy>[0]][] = [
    ['a CA has ended', { ca: { notAfter: '2026-11-22T23:59:59Z' } }, 'chain.time'],
    ['a sub-CA has not begun', { subCa: { notBefore: '2026-11-23T00:00:01Z' } }, 'chain.time'],
    ['the root has ended', { root: { notAfter: '2026-11-22T23:59:59Z' } }, 'chain.time'],
    ['a CA is none by its constraints', { subCa: authority(basicConstraints(false), usage) }, 'chain.authority'],
    ['a CA has no constraints at all', { subCa: authority(usage) }, 'chain.authority'],
    [
      'a CA may not sign certificates',
      { ca: authority(basicConstraints(true, 1), keyUsage(KEY_USAGE.crlSign)) },
      'chain.authority',
    ],
    ['a CA does not say what its key is for', { ca: authority(basicConstraints(true, 1)) }, 'chain.authority'],
    ['a CA is for servers only', { subCa: { more: [extendedKeyUsage(['1.3.6.1.5.5.7.3.1'])] } }, 'chain.authority'],
    ['a CA allows no CA below it', { ca: { extensions: authorityExtensions(0) } }, 'chain.length'],
    ['a CA has a key of 1024 bits', { ca: { keys: keysFor('small', 1024) } }, 'chain.key'],
    ['a root has a key of 1024 bits', { root: { keys: keysFor('small', 1024) } }, 'chain.key'],
    ['a CA has a key with exponent 3', { subCa: { keys: keysFor('three', 2048, 3) } }, 'chain.key'],
    ['the signer was signed with SHA-1', { leaf: { hash: 'SHA-1' } }, 'chain.signature'],
    ['a CA was signed with SHA-1', { ca: { hash: 'SHA-1' } }, 'chain.signature'],
    ['the signer has an unknown critical extension', { leaf: { more: [critical] } }, 'chain.critical'],
    ['a CA has an unknown critical extension', { ca: { more: [critical] } }, 'chain.critical'],
    [
      'a CA has policy constraints that we would have to process',
      {
        ca: { more: [derOf(rawExtension('2.5.29.36', Buffer.from([0x30, 3, 0x80, 1, 0]), true))] },
      },
      'chain.critical',
    ],
    ['a CA has name constraints', { ca: { more: [constraints] } }, 'chain.names'],
  ]
  it.each(bad)('is refused when %s', async (_case, but, check) => {
    await expect(accept(await makeChain(but))).rejects.toEqual(refusedBy(check))
  })

  it('lets an unknown extension pass that is not critical', async () => {
    const harmless = derOf(rawExtension('1.3.6.1.4.1.99999.1', Buffer.from([5, 0]), false))
    expect((await accept(await makeChain({ ca: { more: [harmless] } }))).basis).toBe('path')
  })

  it('accepts certificates signed with SHA-384', async () => {
    expect((await accept(await makeChain({ ca: { hash: 'SHA-384' } }))).basis).toBe('path')
  })

  it('is judged to the second', async () => {
    const chain = await makeChain({ subCa: { notAfter: '2026-11-23T00:00:00Z' } })
    const trust = trusting(chain.root)
    expect((await trust.acceptSigner(ask(certificatesOf(chain)))).basis).toBe('path')
    await expect(trust.acceptSigner(ask(certificatesOf(chain), { fetchedAt: NOW + 1 }))).rejects.toEqual(
      refusedBy('chain.time'),
    )
  })

  it('holds at most five certificates', async () => {
    const path = async (authorities: number) => {
      const made: Made[] = [
        await makeCertificate({ name: named('Deep 0'), keys: keysFor('root'), extensions: authorityExtensions() }),
      ]
      for (let depth = 1; depth < authorities; depth += 1) {
        made.push(
          await makeCertificate({
            name: named(`Deep ${depth}`),
            keys: keysFor('CA'),
            issuer: made.at(-1),
            extensions: authorityExtensions(),
          }),
        )
      }
      return [...made, await makeLeaf({ issuer: made.at(-1) })]
    }
    const ders = (made: Made[]) => made.map(({ der }) => der)
    const five = await path(4)
    expect((await trusting(five[0] as Made).acceptSigner(ask(ders(five)))).chain.length).toBe(5)
    const six = await path(5)
    await expect(trusting(six[0] as Made).acceptSigner(ask(ders(six)))).rejects.toEqual(refusedBy('chain.length'))
    const seven = await path(6)
    await expect(trusting(seven[0] as Made).acceptSigner(ask(ders(seven)))).rejects.toEqual(refusedBy('chain.path'))
  })

  it('does not run through a document signer', async () => {
    const other = await makeLeaf({
      issuer: good.subCa,
      name: named('DS OTHER', 'OTHER COMPANY'),
      keys: keysFor('other'),
    })
    const below = await makeLeaf({ issuer: other })
    const certificates = [below, other, good.subCa, good.ca, good.root].map(({ der }) => der)
    await expect(accept(good, certificates)).rejects.toEqual(refusedBy('chain.authority'))
  })

  it('is not made by a signature that does not hold', async () => {
    const changed = Uint8Array.from(good.leaf.der)
    const at = Buffer.from(changed).indexOf('SAMPLE CORPORATION')
    changed.set(Buffer.from('SIMPLE CORPORATION'), at)
    const rule = { ...SUBJECT_RULE, organization: 'SIMPLE CORPORATION' }
    const trust = trusting(good.root, { subjects: [rule] })
    const others = certificatesOf(good).slice(1)
    await expect(trust.acceptSigner(ask([changed, ...others]))).rejects.toEqual(refusedBy('chain.signature'))
  })

  it('is not made by a signer who signed itself', async () => {
    const leaf = await makeLeaf({})
    await expect(accept(good, [leaf.der, good.root.der, good.ca.der, good.subCa.der])).rejects.toEqual(
      refusedBy('chain.path'),
    )
  })

  it('is not made without the certificates between', async () => {
    await expect(accept(good, [good.leaf.der, good.ca.der, good.root.der])).rejects.toEqual(refusedBy('chain.path'))
  })

  it('does not end in a root that the document brought', async () => {
    const stranger = await makeChain({ root: { keys: keysFor('forger') } })
    await expect(accept(good, certificatesOf(stranger))).rejects.toEqual(refusedBy('chain.path'))
    // with ours beside it, the name leads to ours, and ours did not sign
    const bare = await makeChain({ root: { keys: keysFor('forger') }, ca: { keyIdentifiers: false } })
    await expect(accept(good, [...certificatesOf(bare), good.root.der])).rejects.toEqual(refusedBy('chain.signature'))
  })

  it('does not go in circles', async () => {
    const one = { name: named('One'), keys: keysFor('CA') }
    const two = { name: named('Two'), keys: keysFor('sub-CA') }
    const first = await makeCertificate({ ...one, extensions: authorityExtensions() })
    const second = await makeCertificate({ ...two, issuer: first, extensions: authorityExtensions() })
    const again = await makeCertificate({ ...one, issuer: second, extensions: authorityExtensions() })
    const leaf = await makeLeaf({ issuer: second })
    await expect(
      accept(
        good,
        [leaf, second, again, first].map(({ der }) => der),
      ),
    ).rejects.toEqual(refusedBy('chain.path'))
  })

  it('does not pass the same certificate twice', async () => {
    const root = await makeCertificate({ name: named('R'), keys: keysFor('root'), extensions: authorityExtensions() })
    const ca = await makeCertificate({
      name: named('X'),
      keys: keysFor('CA'),
      issuer: root,
      extensions: authorityExtensions(),
    })
    // the root's key once more, vouched for by the CA below it: leaf → X → Y → X → R would chain
    const loop = await makeCertificate({
      name: named('R'),
      keys: keysFor('root'),
      issuer: ca,
      extensions: authorityExtensions(),
    })
    const leaf = await makeLeaf({ issuer: ca })
    const accepted = await trusting(root).acceptSigner(ask([leaf, loop, ca, root].map(({ der }) => der)))
    expect(accepted.chain.map(({ fingerprint }) => fingerprint)).toEqual(
      [leaf, ca, root].map((made) => made.fingerprint),
    )
  })

  it('is not made by a signature whose certificate points to another key', async () => {
    const leaf = await makeLeaf({ issuer: good.subCa, authorityKeys: keysFor('forger') })
    await expect(
      accept(
        good,
        [leaf, good.subCa, good.ca, good.root].map(({ der }) => der),
      ),
    ).rejects.toEqual(refusedBy('chain.path'))
  })

  it.each([
    ['constraints that do not parse', '2.5.29.19', [4, 1, 0]],
    ['a key usage of another type', '2.5.29.15', [4, 1, 0xff]],
    ['a path length beyond all measure', '2.5.29.19', [0x30, 0x0e, 1, 1, 0xff, 2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
  ])('does not use an authority with %s', async (_case, id, value) => {
    const usual = id === '2.5.29.19' ? [usage] : [basicConstraints(true, 1)]
    const ca = { extensions: [...usual, derOf(rawExtension(id, Buffer.from(value), true))] }
    await expect(accept(await makeChain({ ca }))).rejects.toEqual(refusedBy('chain.path'))
  })

  it('is given up within the time of a test when hostile certificates all sign one another', async () => {
    const web = await Promise.all(
      [...Array(24).keys()].map(() =>
        makeCertificate({
          name: named('Web'),
          keys: keysFor('CA'),
          extensions: authorityExtensions(),
          keyIdentifiers: false,
        }),
      ),
    )
    const leaf = await makeLeaf({ issuer: web[0], keyIdentifiers: false })
    await expect(
      accept(
        good,
        [leaf, ...web].map(({ der }) => der),
      ),
    ).rejects.toEqual(refusedBy('chain.path'))
  })
})

describe('anchors — documents-and-signatures.md §3.1, §3.5', () => {
  const END = '2026-06-01T00:00:00Z'
  const under = (use: string, notAfter?: string) =>
    trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(good.root, { use, notAfter })] })

  it('of history count up to their end, for what is judged then', async () => {
    const trust = under('historic', END)
    const question = (iso: string) => ask(certificatesOf(good), { fetchedAt: secondsOf(iso) })
    expect((await trust.acceptSigner(question(END))).basis).toBe('path')
    await expect(trust.acceptSigner(question('2026-06-01T00:00:01Z'))).rejects.toEqual(refusedBy('chain.anchor'))
  })

  it('of history that name no end end with their certificate', async () => {
    const chain = await makeChain({ root: { notAfter: END } })
    const trust = trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(chain.root, { use: 'historic' })] })
    await expect(trust.acceptSigner(ask(certificatesOf(chain)))).rejects.toEqual(refusedBy('chain.anchor'))
  })

  it('of history serve documents that state a time of signing before the end', async () => {
    const trust = under('historic', END)
    const signedAt = secondsOf('2026-05-01T00:00:00Z')
    const question = ask(certificatesOf(good), { timePolicy: 'signed', signedAt })
    expect(await trust.acceptSigner(question)).toMatchObject({ judgedAt: signedAt, timeBasis: 'signed' })
  })

  it('with an end set by the operator end there', async () => {
    await expect(under('anchor', END).acceptSigner(ask(certificatesOf(good)))).rejects.toEqual(
      refusedBy('chain.anchor'),
    )
  })

  it('named never are refused by name', async () => {
    await expect(under('never').acceptSigner(ask(certificatesOf(good)))).rejects.toEqual(refusedBy('chain.anchor'))
  })

  it('do not help over an authority named never', async () => {
    const trust = trusting(good.root, {
      intermediates: [{ fingerprint: good.ca.fingerprint, name: 'Sample CA', use: 'never' }],
    })
    await expect(trust.acceptSigner(ask(certificatesOf(good)))).rejects.toEqual(refusedBy('chain.anchor'))
  })

  it('are no intermediates: what only completes ends no path', async () => {
    const trust = trustIn({ subjects: [SUBJECT_RULE] }, { certificates: [good.root.der] })
    await expect(trust.acceptSigner(ask(certificatesOf(good)))).rejects.toEqual(refusedBy('chain.path'))
  })
})

describe('a pin that demands a path', () => {
  const strict = (leaf: Made, more: object = {}) =>
    trustIn({ signers: [pinOf(leaf, { path: 'required', ...more })], anchors: [anchorOf(good.root)] })

  it('is satisfied by one', async () => {
    const accepted = await strict(good.leaf).acceptSigner(ask(certificatesOf(good)))
    expect(accepted).toMatchObject({ basis: 'pin', name: 'Pinned signer' })
    expect(accepted.chain.length).toBe(4)
  })

  it('is refused without one, by the reason of the path', async () => {
    await expect(strict(good.leaf).acceptSigner(ask([good.leaf.der]))).rejects.toEqual(refusedBy('chain.path'))
  })

  it('asks for the policy of document signers as well', async () => {
    const leaf = await makeLeaf({ issuer: good.subCa, extensions: signerExtensions([POLICY.class2]) })
    await expect(strict(leaf).acceptSigner(ask([leaf.der, ...certificatesOf(good)]))).rejects.toEqual(
      refusedBy('signer.policy'),
    )
  })

  it('without the demand stands alone, and shows the path where there is one', async () => {
    const trust = trustIn({ signers: [pinOf(good.leaf)], anchors: [anchorOf(good.root)] })
    expect((await trust.acceptSigner(ask([good.leaf.der]))).chain.length).toBe(1)
    expect((await trust.acceptSigner(ask(certificatesOf(good)))).chain.length).toBe(4)
  })
})
