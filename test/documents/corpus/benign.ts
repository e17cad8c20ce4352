import { createHash, sign } from 'node:crypto'
import { PROFILES } from '../../../src/documents/profiles.ts'
import { signXml } from '../../../src/simulator/signed-xml.ts'
import {
  AADHAAR,
  certificates,
  DECLARATION,
  DS,
  EXCLUSIVE,
  forge,
  INCLUSIVE,
  LICENCE,
  PAN,
  RSA_SHA1,
  RSA_SHA256,
  referenceOf,
  type Signer,
  transforms,
} from '../fixtures.ts'
import { type BenignCase, type Circumstances, swap } from './case.ts'
import { AT_LIMIT } from './hostile/limits.ts'
import { VALID } from './hostile/paths.ts'
import { arrangedAs, documentOf, trustOf } from './hostile/signers.ts'
import { OFFLINE_KYC, type World } from './world.ts'

type Make = BenignCase['make']
type Row = readonly [
  name: string,
  make: Make,
  sameAs?: Make | undefined,
  more?: Circumstances & Pick<BenignCase, 'certificate'>,
]

const ENVELOPED = `${DS}enveloped-signature`
const OFFLINE: Circumstances = { profile: PROFILES.uidaiOffline, trust: ({ offlineTrust }) => offlineTrust }
const panText: Make = ({ pan }) => pan
const offlineText: Make = ({ offlineKyc }) => offlineKyc

const edited =
  (from: string | RegExp, to: string | ((match: string) => string)): Make =>
  ({ pan: text }) =>
    swap(text, from, to)
/** Content that is signed in canonical form and written otherwise; the plain form is the canonical one. */
const written = (name: string, canonical: string, as: string): Row => [
  name,
  ({ signer }) => swap(forge(inData(canonical), signer), canonical, as),
  ({ signer }) => forge(inData(canonical), signer),
]
const transformed = (name: string, canonicalization: string, ...algorithms: string[]): Row => [
  name,
  ({ signer }) =>
    forge(PAN, signer, { canonicalization, references: (d) => referenceOf(d, transforms(ENVELOPED, ...algorithms)) }),
]
/** The same, but the content declares a namespace that it does not use, so that the kinds of C14N differ. */
const declaring = (name: string, digested: string, ...algorithms: string[]): Row => [
  name,
  ({ signer }) => {
    const signed = forge(digested, signer, { references: (d) => referenceOf(d, transforms(ENVELOPED, ...algorithms)) })
    return digested === PAN ? swap(signed, '<IssuedTo>', '<IssuedTo xmlns:x="urn:x">') : signed
  },
]
const carrying = (name: string, keyInfo: (world: World) => string): Row => [
  name,
  (world) => forge(PAN, world.signer, { keyInfo: keyInfo(world) }),
]
const atLimit = (check: string, what: string): Row => {
  const make = (world: World) => AT_LIMIT[check]?.(world, 0) ?? ''
  return [`as much as is allowed: ${what}`, make, make]
}

const VALID_NAMES = Object.keys(VALID)

const rows: readonly Row[] = [
  ['as it comes', panText],
  [
    'a licence with the whole chain in the order of NeGD',
    ({ licence }) => licence,
    ({ signer }) => forge(LICENCE, signer),
  ],
  ['an e-Aadhaar', ({ aadhaar }) => aadhaar, ({ signer }) => forge(AADHAAR, signer)],
  [
    'an e-Aadhaar with KycRes as its root',
    ({ signer }) => signXml(kycRes(), signer),
    ({ signer }) => forge(kycRes(), signer),
  ],
  ['rsa-sha256', ({ signer }) => signXml(PAN, signer, { signatureMethod: 'rsa-sha256' })],
  [
    'rsa-sha256 under the modern profile',
    ({ signer }) => signXml(PAN, signer, { signatureMethod: 'rsa-sha256' }),
    undefined,
    { profile: PROFILES.modern },
  ],
  ['SignedInfo without white space', ({ signer }) => signXml(PAN, signer, { whitespace: false })],
  transformed('exclusive C14N of SignedInfo', EXCLUSIVE),
  transformed('inclusive C14N of SignedInfo', INCLUSIVE),
  transformed('inclusive C14N named for the content', EXCLUSIVE, INCLUSIVE),
  transformed('exclusive C14N named for the content', EXCLUSIVE, EXCLUSIVE),
  transformed('inclusive C14N for both', INCLUSIVE, INCLUSIVE),
  transformed('exclusive C14N for the content, inclusive for SignedInfo', INCLUSIVE, EXCLUSIVE),
  declaring(
    'a namespace declared and not used, kept by inclusive C14N',
    swap(PAN, '<IssuedTo>', '<IssuedTo xmlns:x="urn:x">'),
  ),
  declaring('a namespace declared and not used, dropped by exclusive C14N', PAN, EXCLUSIVE),
  ['a prefix for the signature', ({ signer }) => prefixed(signer, 'signature')],
  ['a prefix for the signature, declared on the root', ({ signer }) => prefixed(signer, 'root')],
  ['the declaration of the signature’s namespace repeated below', edited('<KeyInfo>', `<KeyInfo xmlns="${DS}">`)],
  ['the namespace of KeyInfo under a prefix', keyInfoPrefixed],
  ['CRLF at every line end', ({ pan }) => pan.replaceAll('\n', '\r\n')],
  ['CR at every line end', ({ pan }) => pan.replaceAll('\n', '\r')],
  ['a byte order mark', ({ pan }) => `\uFEFF${pan}`],
  ['no declaration', edited(DECLARATION, '')],
  ['a declaration of the version alone', edited(DECLARATION, '<?xml version="1.0"?>')],
  ['a declaration in single quotes', edited(DECLARATION, "<?xml version='1.0' encoding='utf-8'?>")],
  [
    'a declaration with much white space',
    edited(DECLARATION, '<?xml\n version = "1.0"\tencoding = "Utf-8" standalone = "no" ?>\n'),
  ],
  ['attributes in another order', reordered],
  ['single quotes', ({ pan }) => pan.replaceAll('"', "'")],
  [
    'white space inside tags',
    ({ pan }) =>
      pan.replace('<PAN num=', '<PAN\n\t num = ').replace('</PAN>', '</PAN\n>').replace('<IssuedTo>', '<IssuedTo  >'),
  ],
  ['white space before the end of an empty tag', edited('<Photo format=""></Photo>', '<Photo format="" />')],
  ['all empty elements collapsed', ({ pan }) => pan.replace(/<(\w+)([^<>]*)><\/\1>/g, '<$1$2/>')],
  ['all empty elements of the signature expanded', ({ pan }) => pan.replace(/<(\w+)([^<>]*)\/>/g, '<$1$2></$1>')],
  ['comments between elements', ({ pan }) => pan.replaceAll('<Issued', '<!-- - <x> & --><Issued')],
  ['a comment before the root', edited('<Certificate ', '<!-- x -->\n<Certificate ')],
  ['a comment and white space after the root', ({ pan }) => `${pan}\n\n<!-- x -->\n`],
  [
    'a comment before and after the signature',
    ({ pan }) => pan.replace('<Signature ', '<!-- x --><Signature ').replace('</Signature>', '</Signature><!-- x -->'),
  ],
  written('a comment inside text', '<a>JOHN</a>', '<a>JO<!-- SMITH -->HN</a>'),
  written('an empty comment inside text', '<a>JOHN</a>', '<a><!---->JOHN<!----></a>'),
  written('CDATA', '<a>x &amp; &lt;y&gt;</a>', '<a><![CDATA[x & <y>]]></a>'),
  written('CDATA in pieces, with what looks like its end', '<a>x]]&gt;y</a>', '<a><![CDATA[x]]]]><![CDATA[>y]]></a>'),
  written('an empty CDATA section', '<a>x</a>', '<a><![CDATA[]]>x<![CDATA[]]></a>'),
  written('CDATA with line ends of DOS', '<a>x\ny</a>', '<a><![CDATA[x\r\ny]]></a>'),
  written('decimal and hexadecimal references to letters', '<a b="AB">CD</a>', '<a b="&#65;&#x42;">&#067;&#x0044;</a>'),
  written('references to letters outside ASCII', '<a b="क">😀</a>', '<a b="&#2325;">&#x1F600;</a>'),
  written('references to quotes', '<a b="x&quot;y">"</a>', "<a b='x&quot;y'>&quot;</a>"),
  written('a quote in the other quotes', '<a b="x&quot;y\'">z</a>', "<a b='x\"y&apos;'>z</a>"),
  written('references to white space in a value', '<a b="x&#x9;&#xA;&#xD;y"></a>', '<a b="x&#9;&#10;&#13;y"/>'),
  written('white space in a value as it stands', '<a b="x   y"></a>', '<a b="x\t\n y"/>'),
  written('a line end of DOS in a value', '<a b="x y"></a>', '<a b="x\r\ny"/>'),
  written('references to carriage returns in text', '<a>x&#xD;\ny</a>', '<a>x&#13;\r\ny</a>'),
  written('> as it stands in text and in a value', '<a b="x>y">x&gt;y</a>', '<a b="x>y">x>y</a>'),
  written('> by reference in a value', '<a b="x>y"></a>', '<a b="x&gt;y"></a>'),
  written('] and ]] in text', '<a>x]y]]z</a>', '<a>x]y]]&#122;</a>'),
  written('] and > with a letter between', '<a>x]y&gt;z</a>', '<a>x]y>z</a>'),
  written(
    'characters that end like U+FFFE',
    '<a>\u2FFE\u{1F7FE}</a>',
    '<a><!-- \u2FFE\u{1F7FE}\uFFFD -->\u2FFE\u{1F7FE}</a>',
  ),
  written('white space between elements, kept', '<a>\n  <b></b>\n</a>', '<a>\r\n  <b/>\r\n</a>'),
  written('text in Devanagari, Tamil and Urdu', '<a b="किरण">தமிழ் اردو</a>', "<a b='किरण'>தமிழ் اردو</a>"),
  written('text beyond the Basic Multilingual Plane', '<a b="😀">𑀓𠀀</a>', '<a   b="😀">𑀓𠀀</a>'),
  written('U+FFFD, U+FEFF and U+F8FF in text', '<a>\uFFFD\uFEFF\uF8FF</a>', '<a >\uFFFD\uFEFF\uF8FF</a>'),
  written('text of 300 kB', `<a>${'/9j/4AAQ'.repeat(37_500)}</a>`, `<a >${'/9j/4AAQ'.repeat(37_500)}</a>`),
  written('attributes of a namespace', '<a xmlns:x="urn:x" b="1" x:b="2"></a>', '<a x:b="2" b="1" xmlns:x="urn:x"/>'),
  written(
    'attributes of two namespaces, sorted by their names and not by prefix',
    '<a xmlns:p="urn:z" xmlns:q="urn:a" q:b="1" p:b="2"></a>',
    '<a p:b="2" q:b="1" xmlns:q="urn:a" xmlns:p="urn:z"/>',
  ),
  written(
    'a default namespace for a part, and none below it',
    '<a xmlns="urn:x"><b xmlns=""></b></a>',
    '<a xmlns="urn:x"><b xmlns=""/></a>',
  ),
  written(
    'a default namespace that is declared again',
    '<a xmlns="urn:x"><b></b></a>',
    '<a xmlns="urn:x"><b xmlns="urn:x"/></a>',
  ),
  written(
    'a prefix that means another thing below',
    '<x:a xmlns:x="urn:x"><x:b xmlns:x="urn:y"></x:b></x:a>',
    '<x:a xmlns:x="urn:x"><x:b xmlns:x="urn:y"/></x:a>',
  ),
  written(
    'a prefix declared twice alike',
    '<x:a xmlns:x="urn:x"><x:b></x:b></x:a>',
    '<x:a xmlns:x="urn:x"><x:b xmlns:x="urn:x"/></x:a>',
  ),
  ['&#13; at line ends of base64', wrapped('&#13;\n')],
  ['line feeds in base64', wrapped('\n')],
  ['tabs and spaces in base64', wrapped('\t ')],
  ['line ends of DOS in base64', wrapped('\r\n')],
  carrying('the leaf alone', ({ signer }) => certificates(signer.certificateDer)),
  carrying('the chain, leaf first', ({ signer }) => certificates(...signer.chain)),
  carrying('the chain, root first', ({ signer }) => certificates(...signer.chain.toReversed())),
  carrying('an X509Data for each certificate', ({ signer }) => signer.chain.map((der) => certificates(der)).join('')),
  carrying('the leaf twice', ({ signer }) => certificates(signer.certificateDer, signer.certificateDer)),
  carrying('a stranger’s certificate beside it', ({ signer, stranger }) =>
    certificates(stranger.certificateDer, signer.certificateDer),
  ),
  carrying('what is no certificate beside it', ({ signer }) =>
    certificates(Buffer.from('junk'), signer.certificateDer),
  ),
  carrying('a subject name that is anything', ({ signer }) =>
    certificates(signer.certificateDer).replace(
      '<X509Data>',
      '<X509Data><X509SubjectName>CN=ANYBODY, O=&amp;</X509SubjectName>',
    ),
  ),
  ['white space between the parts of KeyInfo', edited('<X509Data>', '\n  <X509Data>\n    ')],
  ...VALID_NAMES.map(signedUnder),
  ['offline e-KYC as UIDAI signs it', offlineText, offlineText, OFFLINE],
  [
    'offline e-KYC without the escaped carriage returns',
    ({ offlineKyc }) => offlineKyc.replaceAll('&#13;', ''),
    offlineText,
    OFFLINE,
  ],
  [
    'offline e-KYC with line ends of DOS',
    ({ offlineKyc }) => offlineKyc.replaceAll('\n', '\r\n'),
    offlineText,
    OFFLINE,
  ],
  [
    'offline e-KYC with base64 in one line',
    ({ offlineKyc }) => offlineKyc.replaceAll('&#13;\n', ''),
    offlineText,
    OFFLINE,
  ],
  [
    'offline e-KYC by rsa-sha256',
    ({ signer }) => forge(OFFLINE_KYC, signer, { canonicalization: INCLUSIVE, method: RSA_SHA256, hash: 'sha256' }),
    offlineText,
    OFFLINE,
  ],
  atLimit('bytes.size', '5 MiB'),
  atLimit('bytes.depth', '40 elements inside each other'),
  atLimit('bytes.elements', '2,000 elements'),
  atLimit('bytes.attributes', '64 attributes'),
  atLimit('bytes.attribute-length', '20,000 characters of an attribute'),
  atLimit('bytes.namespaces', '32 namespaces'),
  atLimit('bytes.text-length', '4 MiB of text'),
  atLimit('comment', '20,000 characters of a comment'),
  atLimit('bytes.rewrites', '20,000 references'),
  atLimit('shape.certificates', '8 certificates'),
  atLimit('shape.base64', '20,000 characters of base64'),
]

/** security.md XM-15, documents-and-signatures.md §2.3: variety that means nothing is no reason to refuse. */
export const BENIGN: readonly BenignCase[] = rows.map(([name, make, sameAs = panText, more]) => ({
  name,
  make,
  sameAs,
  ...more,
}))

const inData = (content: string) => swap(PAN, '<PAN ', `${content}<PAN `)
const kycRes = () => AADHAAR.replace(/<\/?Certificate(?:Data)?>/g, '')

function reordered({ pan }: World): string {
  return pan.replace(
    /<(Certificate|Person|Organization|PAN)((?: \w+="[^"]*")+)/g,
    (_tag, name: string, attributes: string) => {
      const backwards = attributes
        .match(/ \w+="[^"]*"/g)
        ?.toReversed()
        .join('')
      return `<${name}${backwards}`
    },
  )
}

function wrapped(lineEnd: string): Make {
  return ({ pan }) =>
    pan.replace(
      /(<(?:SignatureValue|X509Certificate)>)([^<]+)/g,
      (_all, tag: string, base64: string) => tag + base64.replace(/.{76}/g, `$&${lineEnd}`),
    )
}

function keyInfoPrefixed({ pan }: World): string {
  return pan.replace(/<KeyInfo>.*<\/KeyInfo>/s, (keyInfo) =>
    keyInfo.replace(/<(\/?)(\w+)/g, '<$1d:$2').replace('<d:KeyInfo', `<d:KeyInfo xmlns:d="${DS}"`),
  )
}

/** Signed with a prefix throughout, as many libraries do. */
function prefixed(signer: Signer, declaredOn: 'signature' | 'root'): string {
  const declaration = ` xmlns:ds="${DS}"`
  const content = declaredOn === 'root' ? swap(PAN, '<Certificate', `<Certificate${declaration}`) : PAN
  const digest = createHash('sha256').update(content).digest('base64')
  const inner =
    `<CanonicalizationMethod Algorithm="${EXCLUSIVE}"></CanonicalizationMethod>` +
    `<SignatureMethod Algorithm="${RSA_SHA1}"></SignatureMethod>${referenceOf(digest)}`
  const withPrefix = (text: string) => text.replace(/<(\/?)(\w+)/g, '<$1ds:$2')
  const signedInfo = withPrefix(`<SignedInfo>${inner}</SignedInfo>`)
  const value = sign(
    'sha1',
    Buffer.from(swap(signedInfo, '<ds:SignedInfo', `<ds:SignedInfo${declaration}`)),
    signer.privateKey,
  )
  const rest = `<SignatureValue>${value.toString('base64')}</SignatureValue><KeyInfo>${certificates(signer.certificateDer)}</KeyInfo>`
  const signature = `<ds:Signature${declaredOn === 'root' ? '' : declaration}>${signedInfo}${withPrefix(rest)}</ds:Signature>`
  return DECLARATION + content.replace(/<\/\w+>$/, (end) => signature + end)
}

function signedUnder(name: string): Row {
  const find = ({ signers }: World) => arrangedAs(signers, name)
  return [
    `a signer ${name}`,
    (world) => documentOf(find(world)),
    undefined,
    { trust: (world) => trustOf(find(world)), certificate: (world) => find(world).chain.leaf.pem },
  ]
}
