import { PROFILES } from '../../../../src/documents/profiles.ts'
import { forge, PAN } from '../../fixtures.ts'
import { type Circumstances, pan, type Row, swap, toCases } from '../case.ts'
import { OFFLINE_KYC, signOffline, type World } from '../world.ts'

type Doctype = 'pan' | 'licence' | 'aadhaar' | 'offlineKyc'
const OFFLINE: Circumstances = { profile: PROFILES.uidaiOffline, trust: ({ offlineTrust }) => offlineTrust }

/** One character of one value of a genuine document. */
const tampered = (doctype: Doctype, what: string, from: string, to: string): Row => [
  `another ${what} in the ${doctype}`,
  'signature.digest',
  ({ [doctype]: text }) => swap(text, from, to),
  doctype === 'offlineKyc' ? OFFLINE : {},
]
const signedAt = (name: string, referenceId: string): Row => [
  name,
  'signature.time',
  ({ signer }) => signOffline(swap(OFFLINE_KYC, /referenceId="\d+"/, `referenceId="${referenceId}"`), signer),
  OFFLINE,
]
const digest = 'signature.digest'

/** Content that is not what was signed, though only a little. */
export const contentCases = toCases('content', [
  tampered('pan', 'name', 'MEERA', 'MEERB'),
  tampered('pan', 'birth date', '29-02-1992', '29-02-1982'),
  tampered('pan', 'number', 'num="ABCPE1234F"', 'num="ABCPE1234G"'),
  tampered('pan', 'status', 'status="A"', 'status="B"'),
  tampered('pan', 'gender', 'FEMALE', 'MALE'),
  tampered('licence', 'name', 'Arjun', 'Ajrun'),
  tampered('licence', 'expiry date', '31-12-2040', '31-12-2041'),
  tampered('licence', 'vehicle class', 'MCWG', 'TRANS'),
  tampered('licence', 'status', 'status="Active"', 'status="active"'),
  tampered('licence', 'photograph', 'L2ltYWdl', 'L2ltYWdm'),
  tampered('licence', 'address', '560001', '560002'),
  tampered('aadhaar', 'name', 'Kiran', 'Karan'),
  tampered('aadhaar', 'last digit', 'xxxxxxxx1234', 'xxxxxxxx1235'),
  tampered('aadhaar', 'birth date', '07-08-1979', '07-08-1997'),
  tampered('aadhaar', 'local name', 'किरण', 'करण'),
  tampered('aadhaar', 'photograph', '/9j/AAAA', '/9j/AAAB'),
  tampered('offlineKyc', 'name', 'Leela', 'Leila'),
  tampered('offlineKyc', 'mobile hash', 'm="0f', 'm="1f'),
  tampered('offlineKyc', 'time of signing', '101112000', '101113000'),
  ['an attribute more', digest, pan('<Person ', '<Person age="5" ')],
  ['an attribute less', digest, pan(' gender="FEMALE"', '')],
  ['an element more', digest, pan('<CertificateData>', '<Extra/><CertificateData>')],
  ['an element less', digest, pan('<Photo format=""></Photo>', '')],
  ['an element twice', digest, ({ licence }) => swap(licence, /<Category [^>]*><\/Category>/, (one) => one + one)],
  [
    'two elements in another order',
    digest,
    ({ licence }) =>
      swap(licence, /(<Category [^>]*><\/Category>)(<Category [^>]*><\/Category>)/, (both) =>
        both.replace(/(.*\/Category>)(<.*)/, '$2$1'),
      ),
  ],
  ['a person inside a person', digest, pan('<Photo ', '<Person name="EVE"/><Photo ')],
  ['a second person before the first', digest, pan('<Person ', '<Person name="EVE"/><Person ')],
  ['a second person after the first', digest, pan('</Person>', '</Person><Person name="EVE"/>')],
  [
    'the values of two attributes exchanged',
    digest,
    pan('dob="29-02-1992" gender="FEMALE"', 'dob="FEMALE" gender="29-02-1992"'),
  ],
  ['an attribute in another case', digest, pan('name="MEERA', 'Name="MEERA')],
  ['an element in another case', digest, ({ pan: text }) => text.replaceAll('Person', 'person')],
  ['a space less in a value', digest, pan('MEERA  EXAMPLE', 'MEERA EXAMPLE')],
  ['a space for nothing', digest, pan('issueDate=""', 'issueDate=" "')],
  ['nothing for a space', digest, pan('prevNumber=" "', 'prevNumber=""')],
  ['pretty-printed', digest, ({ pan: text }) => text.replace(/><(?=Issued|Person|CertificateData)/g, '>\n  <')],
  ['a line feed at the end of the content', digest, pan('<Signature ', '\n<Signature ')],
  ['a line feed after the signature', digest, pan('</Signature>', '</Signature>\n')],
  ['a character reference to a carriage return', digest, pan('<IssuedTo>', '&#13;<IssuedTo>')],
  ['a tab by reference where a tab is white space', digest, pan('MEERA  EXAMPLE', 'MEERA &#9;EXAMPLE')],
  ['a letter composed where it was not', digest, ({ aadhaar }) => swap(aadhaar, 'Sampleabad', 'Samp\u006c\u0301eabad')],
  ['a Cyrillic letter for a Latin one', digest, pan('MEERA', 'M\u0415ERA')],
  ['a zero-width joiner in a name', digest, pan('MEERA', 'MEE\u200dRA')],
  [
    'CDATA around text and a letter more',
    digest,
    ({ licence }) => swap(licence, '>L2ltYWdl<', '><![CDATA[L2ltYWdlx]]><'),
  ],
  ['a comment in the place of text', digest, ({ licence }) => swap(licence, '>L2ltYWdl<', '><!--L2ltYWdl--><')],
  [
    'a digest changed in one bit',
    'signature.value',
    pan(/<DigestValue>./, (start) => start.slice(0, -1) + (start.endsWith('A') ? 'B' : 'A')),
  ],
  [
    'a signature value changed in one bit',
    'signature.value',
    pan(/<SignatureValue>./, (start) => start.slice(0, -1) + (start.endsWith('A') ? 'B' : 'A')),
  ],
  ['the digest of a forgery', 'signature.value', redigested],
  ['the white space of SignedInfo stripped', 'signature.value', pan(/\n +<SignatureMethod/, '<SignatureMethod')],
  [
    'the white space of SignedInfo turned into tabs',
    'signature.value',
    pan('\n    <SignatureMethod', '\n\t<SignatureMethod'),
  ],
  ['white space in SignedInfo added', 'signature.value', pan('<DigestMethod', ' <DigestMethod')],
  ['white space in a signed Transforms added', 'signature.value', pan('<Transforms>', '<Transforms>\n')],
  ['SignedInfo pretty-printed', 'signature.value', pan('</Reference>', '\n</Reference>')],
  ['white space in a signed DigestValue', 'signature.value', pan('</DigestValue>', '\n</DigestValue>')],
  ['a prefix for the signature, where it was signed without', 'signature.value', prefixed],
  ['an offline e-KYC under the DigiLocker profile', 'shape.root', ({ offlineKyc }) => offlineKyc],
  ['a licence under the offline profile', 'shape.root', ({ licence }) => licence, OFFLINE],
  ['an e-Aadhaar under the offline profile', 'shape.root', ({ aadhaar }) => aadhaar, OFFLINE],
  [
    'an e-Aadhaar under the modern profile',
    'algorithm.signature',
    ({ aadhaar }) => aadhaar,
    { profile: PROFILES.modern },
  ],
  [
    'an unknown doctype with a forged name',
    digest,
    ({ signer }) => swap(forge(PAN.replace('type="PANCR"', 'type="XXXXX"'), signer), 'MEERA', 'EVE'),
  ],
  // XML 1.0 knows neither as a line end; the parser of xml-crypto reads both as one, as XML 1.1 does.
  ...['\u2028', '\u0085'].map(
    (character): Row => [
      `U+${character.charCodeAt(0).toString(16).padStart(4, '0')}, of which the verifiers think differently`,
      'agreement.verdict',
      ({ signer }) => forge(swap(PAN, '<PAN ', `<a>${character}</a><PAN `), signer),
      { strictCheck: 'none' },
    ],
  ),
  signedAt('a time of signing with a day that the calendar lacks', '123420260230101112000'),
  signedAt('a time of signing with a thirteenth month', '123420261301101112000'),
  signedAt('a time of signing with a 25th hour', '123420261101251112000'),
  signedAt('a time of signing to come', '123420261124101112000'),
  signedAt('a time of signing without milliseconds', '123420261101101112'),
  signedAt('a time of signing that is no number', 'abcd20261101101112000x'),
  [
    'no time of signing',
    'signature.time',
    ({ signer }) => signOffline(swap(OFFLINE_KYC, / referenceId="\d+"/, ''), signer),
    OFFLINE,
  ],
])

/** The attacker can make the digest fit; the signature over it then does not. */
function redigested({ signer }: World): string {
  const evil = swap(PAN, 'MEERA', 'SITAA')
  const forged = forge(evil, signer)
  const genuineValue = /<SignatureValue>[^<]*/.exec(forge(PAN, signer))?.[0] ?? ''
  return swap(forged, /<SignatureValue>[^<]*/, genuineValue)
}

function prefixed({ pan: text }: World): string {
  const from = text.indexOf('<Signature')
  const to = text.indexOf('</Certificate>')
  const signature = text.slice(from, to).replace(/<(\/?)(\w+)/g, '<$1ds:$2')
  return text.slice(0, from) + swap(signature, 'xmlns=', 'xmlns:ds=') + text.slice(to)
}
