import { describe, expect, it } from 'vitest'
import { trustStatus } from '../../../src/documents/trust/status.ts'
import { readTrust } from '../../../src/documents/trust/trust.ts'
import { secondsOf } from '../fixtures.ts'
import { anchorOf, makeChain, makeCrl, NOW, pinOf, SUBJECT_RULE, trustIn } from './support.ts'

const DAY = 86_400
const chain = await makeChain()
const stateOf = (line: object, at: number) => trustStatus(trustIn({ signers: [pinOf(chain.leaf, line)] }), at)[0]

describe('the status of trust', () => {
  const end = secondsOf('2027-06-01T00:00:00Z')
  const line = { notBefore: '2025-01-01T00:00:00Z', notAfter: '2027-06-01T00:00:00Z' }
  it.each([
    ['not-yet', line, secondsOf('2024-12-31T23:59:59Z'), end],
    ['ok', line, secondsOf('2025-01-01T00:00:00Z'), end],
    ['ok', line, end - 60 * DAY - 1, end],
    ['ends-soon', line, end - 60 * DAY, end],
    ['ends-soon', line, end, end],
    ['ended', line, end + 1, end],
    ['ends-soon', { ...line, notAcceptedAfter: '2028-06-01T00:00:00Z' }, end, end],
    ['tolerated', { ...line, notAcceptedAfter: '2028-06-01T00:00:00Z' }, end + 1, secondsOf('2028-06-01T00:00:00Z')],
    [
      'ended',
      { ...line, notAcceptedAfter: '2028-06-01T00:00:00Z' },
      secondsOf('2028-06-01T00:00:01Z'),
      secondsOf('2028-06-01T00:00:00Z'),
    ],
    ['ended', { ...line, notAcceptedAfter: '2026-06-01T00:00:00Z' }, NOW, secondsOf('2026-06-01T00:00:00Z')],
  ])('says %s of a signer', (state, of, at, ends) => {
    expect(stateOf(of, at)).toMatchObject({ kind: 'signer', state, ends, daysLeft: Math.floor((ends - at) / DAY) })
  })

  it('has a row for every line, file and list', async () => {
    const store = trustIn(
      {
        signers: [pinOf(chain.leaf)],
        keys: [{ spki: chain.leaf.spki, name: 'Known key', notAcceptedAfter: '2026-12-01T00:00:00Z' }],
        subjects: [SUBJECT_RULE, { ...SUBJECT_RULE, id: 'off', use: 'never' }],
        anchors: [
          anchorOf(chain.root, { notAfter: '2032-01-01T00:00:00Z' }),
          { fingerprint: 'ab'.repeat(32), name: 'Bad root', use: 'never' },
        ],
        intermediates: [{ fingerprint: chain.ca.fingerprint, name: 'Recorded CA', notAfter: '2026-01-01T00:00:00Z' }],
      },
      {
        certificates: [chain.ca.der, chain.subCa.der],
        lists: [
          await makeCrl({ issuer: chain.subCa }),
          await makeCrl({ issuer: chain.ca, nextUpdate: '2026-11-24T00:00:00Z' }),
        ],
      },
    )
    expect(trustStatus(store, NOW).map(({ kind, name, state }) => [kind, name, state])).toEqual([
      ['signer', 'Pinned signer', 'ok'],
      ['key', 'Known key', 'ends-soon'],
      ['subject', 'sample', 'ok'],
      ['subject', 'off', 'never'],
      ['anchor', 'Sample root', 'ok'],
      ['anchor', 'Bad root', 'never'],
      ['intermediate', 'Recorded CA', 'ended'],
      ['intermediate', 'Sample sub-CA', 'ok'],
      ['crl', 'Sample sub-CA', 'ok'],
      ['crl', 'Sample CA', 'ends-soon'],
    ])
  })

  it('says of the shipped trust what an operator should know today', () => {
    const rows = trustStatus(readTrust(), secondsOf('2026-11-23T00:00:00Z'))
    expect(rows.filter(({ kind }) => kind === 'signer').map(({ rail, state }) => `${rail} ${state}`)).toEqual([
      'digilocker ended',
      'digilocker ended',
      'uidai-offline ended',
      'uidai-offline ended',
      'uidai-offline tolerated',
      'uidai-offline ended',
      'uidai-offline ok',
    ])
  })
})
