import { beforeAll, describe, expect, it } from 'vitest'
import { AnswerCache, periodAround } from '../../../src/documents/trust/answer-cache.ts'
import { TrustStore } from '../../../src/documents/trust/trust.ts'
import { secondsOf } from '../fixtures.ts'
import {
  anchorOf,
  ask,
  type Chain,
  certificatesOf,
  makeCertificate,
  makeChain,
  makeCrl,
  NOW,
  named,
  pinOf,
  refusedBy,
  SUBJECT_RULE,
  trustIn,
} from './support.ts'

let chain: Chain
beforeAll(async () => {
  chain = await makeChain()
})
const always = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }

describe('accepted answers', () => {
  it('are kept, and told apart by moment only', async () => {
    const trust = trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(chain.root)] })
    const first = await trust.acceptSigner(ask(certificatesOf(chain)))
    const second = await trust.acceptSigner(ask(certificatesOf(chain), { fetchedAt: NOW + 60 }))
    expect(second).toEqual({ ...first, judgedAt: NOW + 60 })
    expect(second.chain).toBe(first.chain)
    expect(trust.cachedAnswers).toBe(1)
  })

  it('do not outlive a certificate, an anchor, a pin or a list, though time may also run backwards', async () => {
    const end = secondsOf('2026-12-01T00:00:00Z')
    const endIso = '2026-12-01T00:00:00Z'
    const leafEnds = await makeChain({ leaf: { notAfter: endIso } })
    const caEnds = await makeChain({ ca: { notAfter: endIso } })
    const lists = await Promise.all(
      [chain.root, chain.ca, chain.subCa].map((issuer) => makeCrl({ issuer, nextUpdate: endIso })),
    )
    const bySubject = (of: Chain, more: object = {}, folder: object = {}) =>
      trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(of.root, more)], revocation: 'if-present' }, folder)
    const cases = [
      [leafEnds, bySubject(leafEnds), 'signer.ended'],
      [caEnds, bySubject(caEnds), 'chain.time'],
      [chain, bySubject(chain, { notAfter: endIso }), 'chain.anchor'],
      [chain, trustIn({ signers: [pinOf(chain.leaf, { notAcceptedAfter: endIso })] }), 'signer.ended'],
      [
        chain,
        trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(chain.root)], revocation: 'required' }, { lists }),
        'chain.crl',
      ],
    ] as const
    for (const [of, trust, check] of cases) {
      const at = (fetchedAt: number) => trust.acceptSigner(ask(certificatesOf(of), { fetchedAt }))
      await at(NOW)
      await at(end)
      await expect(at(end + 1)).rejects.toEqual(refusedBy(check))
      await at(NOW)
      await expect(at(end + 1)).rejects.toEqual(refusedBy(check))
      await expect(at(secondsOf('2020-01-01T00:00:00Z'))).rejects.toBeDefined()
    }
  })

  it('say that a signer has expired from the second on', async () => {
    const leaf = (await makeChain({ leaf: { notAfter: '2026-12-01T00:00:00Z' } })).leaf
    const trust = trustIn({ signers: [pinOf(leaf, { notAcceptedAfter: '2027-12-01T00:00:00Z' })] })
    const end = secondsOf('2026-12-01T00:00:00Z')
    expect((await trust.acceptSigner(ask([leaf.der], { fetchedAt: end }))).expired).toBe(false)
    expect((await trust.acceptSigner(ask([leaf.der], { fetchedAt: end + 1 }))).expired).toBe(true)
    expect((await trust.acceptSigner(ask([leaf.der], { fetchedAt: end }))).expired).toBe(false)
  })

  it('for one rail, or one way to judge time, are none for another', async () => {
    const trust = trustIn({ signers: [pinOf(chain.leaf)] })
    await trust.acceptSigner(ask([chain.leaf.der]))
    await expect(trust.acceptSigner(ask([chain.leaf.der], { rail: 'uidai-offline' }))).rejects.toEqual(
      refusedBy('signer.known'),
    )
    const signed = await trust.acceptSigner(ask([chain.leaf.der], { timePolicy: 'signed', signedAt: NOW - 10 }))
    expect(signed).toMatchObject({ timeBasis: 'signed', judgedAt: NOW - 10 })
    await expect(
      trust.acceptSigner(ask([chain.leaf.der], { timePolicy: 'signed', signedAt: NOW + 301 })),
    ).rejects.toEqual(refusedBy('signature.time'))
  })

  it('do not hide a second signer who comes along', async () => {
    const second = (await makeChain({ leaf: { serial: 77 } })).leaf
    const trust = trustIn({ signers: [pinOf(chain.leaf), pinOf(second)] })
    await trust.acceptSigner(ask([chain.leaf.der]))
    await expect(trust.acceptSigner(ask([chain.leaf.der, second.der]))).rejects.toEqual(refusedBy('signer.one'))
  })

  it('are bounded, and endless company does not push out the signer in use', async () => {
    const cache = new AnswerCache<number>(3)
    cache.set('in use', 1, always, always)
    for (let n = 0; n < 100; n += 1) {
      cache.set(`once ${n}`, n, always, always)
      expect(cache.find('in use', NOW, NOW)).toBe(1)
    }
    expect(cache.size).toBe(3)
    expect(cache.find('once 0', NOW, NOW)).toBeUndefined()
  })

  it('hold between two edges, the first included', () => {
    expect(periodAround(15, [10, 20, 30, 5])).toEqual({ from: 10, until: 20 })
    expect(periodAround(20, [10, 20, 30])).toEqual({ from: 20, until: 30 })
    expect(periodAround(1, [])).toEqual(always)
    const cache = new AnswerCache<number>(1)
    cache.set('k', 1, { from: 10, until: 20 }, { from: 100, until: 200 })
    expect([9, 10, 19, 20].map((judged) => cache.find('k', judged, 150))).toEqual([undefined, 1, 1, undefined])
    expect([99, 100, 199, 200].map((asked) => cache.find('k', 15, asked))).toEqual([undefined, 1, 1, undefined])
  })

  it('are not kept for a refusal', async () => {
    const trust = trustIn({})
    const stranger = await makeCertificate({ name: named('Stranger') })
    await expect(trust.acceptSigner(ask([stranger.der]))).rejects.toEqual(refusedBy('signer.known'))
    expect(trust.cachedAnswers).toBe(0)
  })
})

describe('a snapshot of trust', () => {
  it('makes the same store in another thread', async () => {
    const lists = await Promise.all([chain.root, chain.ca, chain.subCa].map((issuer) => makeCrl({ issuer })))
    const record = { fingerprint: chain.root.fingerprint, name: 'Sample root', certificatePem: chain.root.pem }
    const store = trustIn(
      { subjects: [SUBJECT_RULE], anchors: [record], revocation: 'required', crlMaxAgeDays: 30 },
      { certificates: [chain.ca.der, chain.subCa.der], lists },
    )
    const copy = TrustStore.from(structuredClone(store.snapshot))
    const question = ask([chain.leaf.der])
    const [here, there] = [await store.acceptSigner(question), await copy.acceptSigner(question)]
    expect({ ...there, key: undefined }).toEqual({ ...here, key: undefined })
    expect(there).toMatchObject({ revocation: 'good', basis: 'path' })
    expect(copy.snapshot).toEqual(store.snapshot)
  })
})
