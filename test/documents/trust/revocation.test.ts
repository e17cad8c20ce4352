import { beforeAll, describe, expect, it } from 'vitest'
import { basicConstraints, KEY_USAGE, keyUsage } from '../../../src/simulator/certificate.ts'
import { secondsOf } from '../fixtures.ts'
import {
  anchorOf,
  ask,
  type Chain,
  type CrlOptions,
  certificatesOf,
  keysFor,
  makeChain,
  makeCrl,
  NOW,
  pinOf,
  rawExtension,
  refusedBy,
  SUBJECT_RULE,
  trustIn,
} from './support.ts'

let chain: Chain
beforeAll(async () => {
  chain = await makeChain()
})

type Lists = readonly CrlOptions[]
const clean = (): Lists => [{ issuer: chain.root }, { issuer: chain.ca }, { issuer: chain.subCa }]
const trusting = async (lists: Lists, more: object = {}) =>
  trustIn(
    { subjects: [SUBJECT_RULE], anchors: [anchorOf(chain.root)], ...more },
    { lists: await Promise.all(lists.map(makeCrl)) },
  )
const required = { revocation: 'required' }
const question = (more: object = {}) => ask(certificatesOf(chain), more)

describe('revocation lists of the operator — RFC 5280 §6.3; security.md XM-13', () => {
  it('are not asked for unless policy does, and the answer says that nothing was checked', async () => {
    expect((await (await trusting([])).acceptSigner(question())).revocation).toBe('unchecked')
    await expect((await trusting([], required)).acceptSigner(question())).rejects.toEqual(refusedBy('chain.crl'))
  })

  it('say good when each authority of the path has a fresh one', async () => {
    expect((await (await trusting(clean(), required)).acceptSigner(question())).revocation).toBe('good')
  })

  it('do not say good while one authority has none', async () => {
    const lists = clean().slice(0, 2)
    expect((await (await trusting(lists)).acceptSigner(question())).revocation).toBe('unchecked')
    await expect((await trusting(lists, required)).acceptSigner(question())).rejects.toEqual(refusedBy('chain.crl'))
  })

  it.each([
    ['the signer', (): CrlOptions => ({ issuer: chain.subCa, revoked: [chain.leaf] })],
    ['the sub-CA', (): CrlOptions => ({ issuer: chain.ca, revoked: [chain.subCa] })],
    ['the CA', (): CrlOptions => ({ issuer: chain.root, revoked: [chain.ca] })],
  ])('revoke %s', async (_case, list) => {
    for (const policy of [{}, required]) {
      await expect((await trusting([list(), ...clean()], policy)).acceptSigner(question())).rejects.toEqual(
        refusedBy('signer.revoked'),
      )
    }
  })

  it('do not revoke what has the same number under another authority', async () => {
    const trust = await trusting([{ issuer: chain.ca, revoked: [chain.leaf] }, ...clean()])
    expect((await trust.acceptSigner(question())).revocation).toBe('good')
  })

  it.each([
    ['was revoked after the time of signing that the document states', '2026-06-01T00:00:00Z'],
    ['is to be revoked on a day to come', '2027-06-01T00:00:00Z'],
  ])('refuse a signer that %s: that time is stated with the key in doubt', async (_case, revokedAt) => {
    const trust = await trusting([{ issuer: chain.subCa, revoked: [chain.leaf], revokedAt }])
    const signed = question({ timePolicy: 'signed', signedAt: secondsOf('2026-01-01T00:00:00Z') })
    await expect(trust.acceptSigner(signed)).rejects.toEqual(refusedBy('signer.revoked'))
  })

  const useless: readonly [string, () => CrlOptions][] = [
    ['is stale', () => ({ issuer: chain.subCa, nextUpdate: '2026-11-22T23:59:59Z' })],
    ['is of a time to come', () => ({ issuer: chain.subCa, thisUpdate: '2026-11-23T00:00:01Z' })],
    ['does not say when the next one comes', () => ({ issuer: chain.subCa, nextUpdate: undefined })],
    ['was signed by somebody else', () => ({ issuer: chain.subCa, signedBy: keysFor('forger') })],
    ['was signed with SHA-1', () => ({ issuer: chain.subCa, hash: 'SHA-1' })],
    ['is of another authority', () => ({ issuer: { ...chain.subCa, name: chain.ca.name } })],
    [
      'is a delta',
      () => ({ issuer: chain.subCa, extensions: [rawExtension('2.5.29.27', Buffer.from([2, 1, 1]), true)] }),
    ],
    [
      'covers a part only',
      () => ({
        issuer: chain.subCa,
        extensions: [rawExtension('2.5.29.28', Buffer.from([0x30, 3, 0x81, 1, 0xff]), true)],
      }),
    ],
  ]
  it.each(useless)('do not say good with one that %s', async (_case, list) => {
    const lists = [...clean().slice(0, 2), list()]
    expect((await (await trusting(lists)).acceptSigner(question())).revocation).toBe('unchecked')
    await expect((await trusting(lists, required)).acceptSigner(question())).rejects.toEqual(refusedBy('chain.crl'))
  })

  it.each([
    ['signed by somebody else', () => ({ signedBy: keysFor('forger') })],
    ['signed with SHA-1', () => ({ hash: 'SHA-1' as const })],
  ])('revoke nothing when %s', async (_case, more) => {
    const trust = await trusting([{ issuer: chain.subCa, revoked: [chain.leaf], ...more() }])
    expect((await trust.acceptSigner(question())).revocation).toBe('unchecked')
  })

  it.each([
    ['stale', { nextUpdate: '2026-11-22T00:00:00Z' }],
    ['a delta', { extensions: [rawExtension('2.5.29.27', Buffer.from([2, 1, 1]), true)] }],
  ])('revoke also when %s, for nothing makes a revoked certificate good again', async (_case, more) => {
    const trust = await trusting([...clean(), { issuer: chain.subCa, revoked: [chain.leaf], ...more }])
    await expect(trust.acceptSigner(question())).rejects.toEqual(refusedBy('signer.revoked'))
  })

  it('that put another authority into an entry say nothing about its number, neither good nor revoked', async () => {
    const indirect: CrlOptions = {
      issuer: chain.subCa,
      revoked: [chain.leaf],
      entryExtensions: [rawExtension('2.5.29.29', Buffer.from([0x30, 0]), true)],
    }
    const trust = await trusting([...clean().slice(0, 2), indirect])
    expect((await trust.acceptSigner(question())).revocation).toBe('unchecked')
  })

  it('revoke for whatever reason, also on hold', async () => {
    const onHold = [rawExtension('2.5.29.21', Buffer.from([0x0a, 1, 6]), false)]
    const trust = await trusting([{ issuer: chain.subCa, revoked: [chain.leaf], entryExtensions: onHold }])
    await expect(trust.acceptSigner(question())).rejects.toEqual(refusedBy('signer.revoked'))
  })

  it('are fresh no longer than the operator allows', async () => {
    const twoDays = { ...required, crlMaxAgeDays: 2 }
    const lists: Lists = clean().map((list) => ({ ...list, thisUpdate: '2026-11-21T00:00:00Z' }))
    const trust = await trusting(lists, twoDays)
    expect((await trust.acceptSigner(question())).revocation).toBe('good')
    await expect(trust.acceptSigner(question({ fetchedAt: NOW + 1 }))).rejects.toEqual(refusedBy('chain.crl'))
  })

  it('are fresh today, not on the day of signing', async () => {
    const signed = question({ timePolicy: 'signed', signedAt: secondsOf('2026-01-01T00:00:00Z') })
    expect((await (await trusting(clean(), required)).acceptSigner(signed)).revocation).toBe('good')
  })

  it('do not count from an authority that may not sign lists', async () => {
    const silent = await makeChain({
      subCa: { extensions: [basicConstraints(true, 0), keyUsage(KEY_USAGE.certificateSign)] },
    })
    const lists = await Promise.all([silent.root, silent.ca, silent.subCa].map((issuer) => makeCrl({ issuer })))
    const trust = trustIn({ subjects: [SUBJECT_RULE], anchors: [anchorOf(silent.root)] }, { lists })
    expect((await trust.acceptSigner(ask(certificatesOf(silent)))).revocation).toBe('unchecked')
  })

  it('of one key say nothing under another key with the same name, also once they have been used', async () => {
    const namesake = await makeChain({
      root: { serial: 1 },
      subCa: { keys: keysFor('second sub-CA') },
      leaf: { serial: chain.leaf.serial, keys: keysFor('second leaf') },
    })
    const trust = trustIn(
      { subjects: [SUBJECT_RULE], anchors: [anchorOf(chain.root), anchorOf(namesake.root)] },
      { lists: [await makeCrl({ issuer: chain.subCa, revoked: [chain.leaf] })] },
    )
    await expect(trust.acceptSigner(question())).rejects.toEqual(refusedBy('signer.revoked'))
    expect((await trust.acceptSigner(ask(certificatesOf(namesake)))).revocation).toBe('unchecked')
  })

  it('do not revoke a path for an older certificate of its CA that lies beside it', async () => {
    const older = await makeChain()
    const trust = trustIn(
      { subjects: [SUBJECT_RULE], anchors: [anchorOf(chain.root)] },
      {
        certificates: [chain.root, chain.ca, chain.subCa].map(({ der }) => der),
        lists: [await makeCrl({ issuer: chain.root, revoked: [older.ca] })],
      },
    )
    expect((await trust.acceptSigner(ask([older.ca.der, chain.leaf.der]))).chain.length).toBe(4)
  })

  describe('and a pinned signer', () => {
    const pinned = async (lists: Lists, more: object = {}) =>
      trustIn(
        { signers: [pinOf(chain.leaf)], ...more },
        { certificates: [chain.subCa.der, chain.ca.der], lists: await Promise.all(lists.map(makeCrl)) },
      )

    it.each([
      ['its own certificate', (): CrlOptions => ({ issuer: chain.subCa, revoked: [chain.leaf] })],
      ['its issuer', (): CrlOptions => ({ issuer: chain.ca, revoked: [chain.subCa] })],
    ])('revoke %s even where no path to an anchor is known', async (_case, list) => {
      await expect((await pinned([list()])).acceptSigner(ask([chain.leaf.der]))).rejects.toEqual(
        refusedBy('signer.revoked'),
      )
    })

    it('leave it unchecked without a path, and refuse it where policy demands lists', async () => {
      const lists: Lists = [{ issuer: chain.ca }, { issuer: chain.subCa }]
      expect((await (await pinned(lists)).acceptSigner(ask([chain.leaf.der]))).revocation).toBe('unchecked')
      await expect((await pinned(lists, required)).acceptSigner(ask([chain.leaf.der]))).rejects.toEqual(
        refusedBy('chain.crl'),
      )
    })
  })
})
