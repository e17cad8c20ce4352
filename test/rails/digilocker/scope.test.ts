import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocumentUri } from '../../../src/rails/digilocker/issued.ts'
import { covers, mentions, parseGrant } from '../../../src/rails/digilocker/scope.ts'

const PAN = 'in.gov.pan-PANCR-AAAAA0000A'

describe('granted scope — digilocker-api.md §5', () => {
  it.each([
    ['production, a document in the locker', `files.issueddocs issued/${PAN} userdetails picture`, true],
    ['production, to be pulled', 'picture userdetails file.partners/PANCR files.issueddocs', true],
    ['the official sample', 'openid files.issueddocs partners.PANCR partners.DRVLC', true],
    ['odd blanks', `  issued/${PAN}\t userdetails`, true],
    ['a type in lower case', 'partners.pancr', true],
    ['nothing ticked', 'files.issueddocs userdetails', false],
    ['another type', 'issued/in.gov.transport-DRVLC-X1 file.partners/RVCER', false],
    ['a token that only holds the name', `xissued/${PAN} PANCR issued/PANCR partnersPANCR`, false],
    ['nothing', '', false],
  ])('reads %s', (_case, scope, agreed) => {
    expect(mentions(parseGrant(scope), 'PANCR')).toBe(agreed)
  })

  it('covers the very document that was ticked, and no other of its type', () => {
    const grant = parseGrant(`issued/${PAN}`)
    expect(covers(grant, { uri: PAN, doctype: 'PANCR' })).toBe(true)
    expect(covers(grant, { uri: `${PAN}0`, doctype: 'PANCR' })).toBe(false)
  })

  it('covers any document of a type that was agreed to as such', () => {
    expect(covers(parseGrant('partners.PANCR'), { uri: PAN, doctype: 'PANCR' })).toBe(true)
    expect(covers(parseGrant('partners.PANCR'), { uri: 'a-DRVLC-1', doctype: 'DRVLC' })).toBe(false)
  })

  it('knows no answer from no scope, and a no from an empty one', () => {
    const document = { uri: PAN, doctype: 'PANCR' }
    expect(covers(parseGrant(undefined), document)).toBe(true)
    expect(covers(parseGrant(''), document)).toBe(false)
  })

  it('grants the same whatever the order of tokens', () => {
    const tokens = [`issued/${PAN}`, 'file.partners/DRVLC', 'partners.RVCER', 'userdetails', 'picture']
    const sorted = (scope: string): unknown => {
      const { stated, documents, doctypes } = parseGrant(scope)
      return [stated, documents, [...doctypes].sort()]
    }
    fc.assert(
      fc.property(fc.shuffledSubarray(tokens, { minLength: tokens.length }), (shuffled) => {
        expect(sorted(shuffled.join(' '))).toEqual(sorted(tokens.join(' ')))
      }),
    )
  })
})

describe('document URI — documents-and-signatures.md §1.2', () => {
  it.each([
    ['in.gov.transport-DRVLC-AB-01/2000-77', 'DRVLC'],
    ['in.gov.uidai-ADHAR-0123456789abcdef0123456789abcdef', 'ADHAR'],
    ['in.gov.income_tax-pancr-A', 'PANCR'],
  ])('splits %s on its first two hyphens', (uri, doctype) => {
    expect(parseDocumentUri(uri)).toEqual({ uri, doctype })
  })

  it.each([
    '',
    '-',
    '--',
    'a-B',
    'a-B-',
    '-PANCR-x',
    'a--x',
    'a b-PANCR-x',
    '../x-PANCR-x',
    'a-PANCR-x\r\ny',
    `a-PANCR-${'x'.repeat(512)}`,
  ])('refuses %j', (uri) => {
    expect(parseDocumentUri(uri)).toBeUndefined()
  })
})
