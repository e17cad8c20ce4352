import { describe, expect, it } from 'vitest'
import { type Sharing, toApps } from '../../src/privacy/sharing.ts'

const NOW = 1_800_000_000

const sharing = (more: Partial<Sharing> = {}): Sharing => ({
  consentId: crypto.randomUUID(),
  clientId: 'shop',
  items: [
    { claim: 'name', required: true, shared: true, source: 'ADHAR' },
    { claim: 'address', required: false, shared: false, source: 'ADHAR' },
  ],
  givenAt: NOW,
  retainUntil: NOW + 500,
  active: true,
  ...more,
})

describe('what a person shares, by app — DPDP Act 2023 §11', () => {
  it('tells what was shared and leaves out what was not, over all that is active', () => {
    const pan = { claim: 'pan_number', required: true, shared: true, source: 'PANCR' }
    const newer = sharing({ items: [pan], givenAt: NOW + 50, retainUntil: NOW + 900 })
    expect(toApps([newer, sharing(), sharing({ active: false, givenAt: NOW - 999 })])).toEqual([
      {
        clientId: 'shop',
        active: true,
        claims: ['pan_number', 'name'],
        since: NOW,
        until: NOW + 900,
        ending: undefined,
        copiedAt: undefined,
      },
    ])
  })

  it.each([
    ['withdrawn', 'withdrawn'],
    ['reuse', 'copied'],
    ['client', 'signed-out'],
    ['logout', 'signed-out'],
    ['other', 'ended'],
  ] as const)('tells of the last consent that it ended by %s', (reason, told) => {
    const [app] = toApps([sharing({ active: false, ending: { reason, at: NOW + 9 } }), sharing({ active: false })])
    expect(app).toMatchObject({ active: false, ending: { reason: told, at: NOW + 9 } })
  })

  it('tells that its time was over where nothing else ended it', () => {
    expect(toApps([sharing({ active: false })])).toMatchObject([{ ending: { reason: 'over', at: NOW + 500 } }])
  })

  it('still tells of a token that came back when she has signed in again', () => {
    const copied = sharing({ active: false, ending: { reason: 'reuse', at: NOW + 9 } })
    expect(toApps([sharing(), copied])).toMatchObject([{ active: true, copiedAt: NOW + 9 }])
  })

  it('puts apps first that can still ask', () => {
    const apps = toApps([sharing({ clientId: 'gone', active: false }), sharing({ clientId: 'shop' })])
    expect(apps.map(({ clientId }) => clientId)).toEqual(['shop', 'gone'])
  })
})
