import { certificates, DS, forge, PAN, referenceOf, SHA256, transforms } from '../../fixtures.ts'
import { pan, type Row, swap, toCases } from '../case.ts'
import { signatureIn, type World } from '../world.ts'

const ENVELOPED = `${DS}enveloped-signature`
const evil = '<Certificate><IssuedTo><Person name="EVE"></Person></IssuedTo></Certificate>'
const whole = /<Signature .*<\/Signature>/s
const inKeyInfo = (text: string) => pan('<KeyInfo>', `<KeyInfo>${text}`)
const inX509Data = (text: string) => pan('<X509Data>', `<X509Data>${text}`)
const within = (element: string, text: string) => pan(`<${element}>`, `<${element}>${text}`)
const attributed = (element: string): Row => [
  `an attribute on ${element}`,
  'shape.attributes',
  pan(new RegExp(`<${element}(?=[ />])`), `<${element} Id="x"`),
]
/** Signed so, by a signer whom we trust. */
const signedReference = (name: string, check: Row[1], references: (digest: string) => string): Row => [
  name,
  check,
  ({ signer }) => forge(PAN, signer, { references }),
]
const uri = (attributes: string) => (digest: string) => referenceOf(digest, undefined, attributes)

/** security.md XM-4, XM-5: everything in Signature but SignedInfo is unsigned, so nothing may hide there. */
export const shapeCases = toCases('shape', [
  ['no signature', 'shape.signed', pan(whole, '')],
  ['a signature in a comment', 'shape.signed', pan(whole, (signature) => `<!--${signature}-->`)],
  ['a signature in CDATA', 'shape.signed', pan(whole, (signature) => `<![CDATA[${signature}]]>`)],
  ['a signature that is only called so at first', 'shape.signed', renamed],
  ['the signature twice', 'shape.one-signature', pan(whole, (signature) => signature + signature)],
  ['a second signature, of another signer, after the first', 'shape.one-signature', withOther(false)],
  ['a second signature, of another signer, before the first', 'shape.one-signature', withOther(true)],
  ['a second signature inside content', 'shape.place', pan('<IssuedTo>', `<IssuedTo><Signature xmlns="${DS}"/>`)],
  [
    'a second signature inside the first',
    'shape.one-signature',
    pan('</KeyInfo>', `<Signature xmlns="${DS}"/></KeyInfo>`),
  ],
  [
    'a decoy in no namespace before the signature',
    'shape.one-signature',
    pan('<Signature ', '<Signature/><Signature '),
  ],
  [
    'a decoy in another namespace after the signature',
    'shape.one-signature',
    pan('</Signature>', '</Signature><Signature xmlns="urn:x"/>'),
  ],
  ['a decoy under a prefix', 'shape.one-signature', pan('</Signature>', '</Signature><x:Signature xmlns:x="urn:x"/>')],
  [
    'a decoy under a prefix of the right namespace',
    'shape.one-signature',
    pan('<Signature ', `<x:Signature xmlns:x="${DS}"/><Signature `),
  ],
  ['the signature first in the root', 'shape.place', ({ pan: text }) => moved(text, /<Certificate [^>]*>/)],
  ['the signature in a child', 'shape.place', ({ pan: text }) => moved(text, /<CertificateData>/)],
  ['the signature as the root', 'shape.place', ({ pan: text }) => signatureIn(text)],
  ['the document inside the signature', 'shape.place', ({ pan: text }) => enveloping(text)],
  ['an element after the signature', 'shape.place', pan('</Signature>', '</Signature><Extra/>')],
  ['another root', 'shape.root', renamedRoot('Envelope')],
  ['the root in another case', 'shape.root', renamedRoot('certificate')],
  ['a root that begins like ours', 'shape.root', renamedRoot('Certificates')],
  ['an offline e-KYC root under the DigiLocker profile', 'shape.root', renamedRoot('OfflinePaperlessKyc')],
  ['a person in an Object', 'shape.children', pan('</Signature>', `<Object>${evil}</Object></Signature>`)],
  ['an Object with a Manifest', 'shape.children', pan('</Signature>', `<Object><Manifest/></Object></Signature>`)],
  ['an Object before SignedInfo', 'shape.children', pan('<SignedInfo>', '<Object/><SignedInfo>')],
  ['a person in KeyInfo', 'shape.children', inKeyInfo(evil)],
  ['a person in X509Data', 'shape.children', inX509Data(evil)],
  ['a person in a subject name', 'shape.plain', within('X509SubjectName', evil)],
  ['a person in a certificate', 'shape.plain', within('X509Certificate', evil)],
  ['a person in SignatureValue', 'shape.plain', within('SignatureValue', evil)],
  ['a person in DigestValue', 'shape.plain', within('DigestValue', evil)],
  ['a person in SignedInfo', 'shape.children', within('SignedInfo', evil)],
  ['a person in Transforms', 'shape.children', within('Transforms', evil)],
  ['a KeyValue', 'shape.children', inKeyInfo('<KeyValue><RSAKeyValue/></KeyValue>')],
  ['a KeyName', 'shape.children', inKeyInfo('<KeyName>root</KeyName>')],
  ['a RetrievalMethod', 'shape.children', inKeyInfo('<RetrievalMethod URI="http://canary.example/key"/>')],
  ['an X509CRL', 'shape.children', inX509Data('<X509CRL>AAAA</X509CRL>')],
  ['an X509IssuerSerial', 'shape.children', inX509Data('<X509IssuerSerial/>')],
  ['an X509SKI', 'shape.children', inX509Data('<X509SKI>AAAA</X509SKI>')],
  ['text in KeyInfo', 'shape.plain', inKeyInfo('EVE')],
  ['text in X509Data', 'shape.plain', inX509Data('EVE')],
  ['text in Signature', 'shape.plain', pan('<KeyInfo>', 'EVE<KeyInfo>')],
  ['text in SignedInfo', 'shape.plain', within('SignedInfo', 'EVE')],
  ['text in Transforms', 'shape.plain', within('Transforms', 'EVE')],
  ['text in Reference', 'shape.plain', pan('<DigestMethod', 'EVE<DigestMethod')],
  ['a no-break space in Signature', 'shape.plain', pan('<KeyInfo>', '\u00a0<KeyInfo>')],
  ['a zero-width space in SignedInfo', 'shape.plain', within('SignedInfo', '\u200b')],
  ['a character reference to a letter in Signature', 'shape.plain', pan('<KeyInfo>', '&#69;<KeyInfo>')],
  ...[
    'SignedInfo',
    'SignatureValue',
    'DigestValue',
    'Transforms',
    'KeyInfo',
    'X509Data',
    'X509SubjectName',
    'X509Certificate',
  ].flatMap((element): Row[] => [
    [`a comment in ${element}`, 'shape.plain', within(element, '<!-- x -->')],
    [`CDATA in ${element}`, 'shape.plain', within(element, '<![CDATA[]]>')],
  ]),
  ['a comment that splits DigestValue', 'shape.plain', pan(/<DigestValue>.{10}/, (start) => `${start}<!---->`)],
  ['a comment that hides another digest', 'shape.plain', hiddenDigest],
  ['an element that splits SignatureValue', 'shape.plain', pan(/<SignatureValue>.{10}/, (start) => `${start}<x/>`)],
  ['a comment between the children of Signature', 'shape.plain', pan('<KeyInfo>', '<!-- x --><KeyInfo>')],
  ...[
    'Signature',
    'SignedInfo',
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
    'Transforms',
    'Transform',
    'DigestMethod',
    'DigestValue',
    'SignatureValue',
    'KeyInfo',
    'X509Data',
    'X509SubjectName',
    'X509Certificate',
  ].map(attributed),
  [
    'an Algorithm of a namespace',
    'shape.attributes',
    pan('<SignatureMethod Algorithm=', '<SignatureMethod xmlns:x="urn:x" x:Algorithm='),
  ],
  ['no Algorithm', 'shape.attributes', pan(/<SignatureMethod Algorithm="[^"]*"/, '<SignatureMethod')],
  ['an Algorithm in another case', 'shape.attributes', pan('<SignatureMethod Algorithm', '<SignatureMethod algorithm')],
  ['no KeyInfo', 'shape.children', pan(/<KeyInfo>.*<\/KeyInfo>/s, '')],
  ['two KeyInfos', 'shape.children', pan(/<KeyInfo>.*<\/KeyInfo>/s, (keyInfo) => keyInfo + keyInfo)],
  ['no SignatureValue', 'shape.children', pan(/<SignatureValue>.*<\/SignatureValue>/s, '')],
  ['no SignedInfo', 'shape.children', pan(/<SignedInfo>.*<\/SignedInfo>/s, '')],
  ['an empty Signature', 'shape.children', pan(whole, `<Signature xmlns="${DS}"/>`)],
  ['parts of Signature in another order', 'shape.children', reordered],
  [
    'parts of SignedInfo in another order',
    'shape.children',
    pan(/(<Canon[^>]*>)(\s*)(<SignatureMethod[^>]*>)/, (all) =>
      all.replace(/(<Canon[^>]*>)(\s*)(<SignatureMethod[^>]*>)/, '$3$2$1'),
    ),
  ],
  ['SignedInfo twice', 'shape.one-signature', pan(/<SignedInfo>.*<\/SignedInfo>/s, (info) => info + info)],
  ['SignedInfo inside SignedInfo', 'shape.one-signature', within('SignedInfo', '<SignedInfo/>')],
  ['a SignedInfo in the content', 'shape.one-signature', pan('<IssuedTo>', '<SignedInfo/><IssuedTo>')],
  ['a SignedInfo of another namespace in KeyInfo', 'shape.one-signature', inKeyInfo('<SignedInfo xmlns="urn:x"/>')],
  [
    'SignatureValue twice',
    'shape.one-signature',
    pan(/<SignatureValue>.*<\/SignatureValue>/s, (value) => value + value),
  ],
  [
    'a SignatureValue in the content',
    'shape.one-signature',
    pan('<IssuedTo>', '<SignatureValue>AAAA</SignatureValue><IssuedTo>'),
  ],
  ['DigestValue twice', 'shape.one-signature', pan(/<DigestValue>.*<\/DigestValue>/s, (value) => value + value)],
  [
    'a DigestValue in the content',
    'shape.one-signature',
    pan('<IssuedTo>', '<DigestValue>AAAA</DigestValue><IssuedTo>'),
  ],
  ['a DigestValue in KeyInfo', 'shape.one-signature', inKeyInfo('<DigestValue>AAAA</DigestValue>')],
  ['an empty DigestValue', 'shape.base64', pan(/<DigestValue>[^<]*/, '<DigestValue>')],
  ['a digest too long', 'shape.digest-length', within('DigestValue', 'AAAA')],
  ['a digest too short', 'shape.digest-length', pan(/<DigestValue>..../, '<DigestValue>')],
  ['a digest of SHA-1 length', 'shape.digest-length', pan(/<DigestValue>[^<]*/, `<DigestValue>${'A'.repeat(27)}=`)],
  ['an empty SignatureValue', 'shape.base64', pan(/<SignatureValue>[^<]*/, '<SignatureValue>')],
  ['white space for SignatureValue', 'shape.base64', pan(/<SignatureValue>[^<]*/, '<SignatureValue> \n')],
  ['what is no base64 in SignatureValue', 'shape.base64', within('SignatureValue', '*')],
  ['base64 for addresses in SignatureValue', 'shape.base64', within('SignatureValue', '__--')],
  ['base64 broken off', 'shape.base64', within('SignatureValue', 'A')],
  ['base64 padded in the middle', 'shape.base64', within('SignatureValue', 'AAA=')],
  ['base64 padded too much', 'shape.base64', pan(/<SignatureValue>[^<]*/, '<SignatureValue>A===')],
  ['a no-break space in base64', 'shape.base64', within('DigestValue', '\u00a0')],
  ['a digest in hexadecimal', 'shape.digest-length', pan(/<DigestValue>[^<]*/, `<DigestValue>${'0'.repeat(64)}`)],
  ['a certificate in PEM', 'shape.base64', within('X509Certificate', '-----BEGIN CERTIFICATE-----')],
  ['an empty certificate', 'shape.base64', within('X509Data', '<X509Certificate></X509Certificate>')],
  signedReference('a Reference to an id', 'shape.reference', uri(' URI="#x"')),
  signedReference('a Reference to the web', 'shape.reference', uri(' URI="http://canary.example/"')),
  signedReference('a Reference to a file', 'shape.reference', uri(' URI="file:///etc/hostname"')),
  signedReference('a Reference to the root by XPointer', 'shape.reference', uri(' URI="#xpointer(/)"')),
  signedReference('a Reference to an id by XPointer', 'shape.reference', uri(` URI="#xpointer(id('x'))"`)),
  signedReference('a Reference with a space for its URI', 'shape.reference', uri(' URI=" "')),
  signedReference('a Reference that closes a quote', 'shape.reference', uri(` URI="#x' or '1'='1"`)),
  signedReference('a Reference without URI', 'shape.attributes', uri('')),
  signedReference('a Reference of the type Manifest', 'shape.attributes', uri(` Type="${DS}Manifest" URI=""`)),
  signedReference('no Reference', 'shape.children', () => ''),
  [
    'two References',
    'shape.one-signature',
    ({ signer }) => forge(PAN, signer, { references: (d) => referenceOf(d) + referenceOf(d) }),
  ],
  signedReference(
    'a second Reference without a digest',
    'shape.children',
    (d) => `${referenceOf(d)}<Reference URI=""></Reference>`,
  ),
  signedReference('no Transforms', 'shape.children', (d) => referenceOf(d, '')),
  signedReference('Transforms twice', 'shape.children', (d) => referenceOf(d, transforms(ENVELOPED).repeat(2))),
  signedReference('something else in Transforms', 'shape.children', (d) =>
    referenceOf(d, '<Transforms><Other></Other></Transforms>'),
  ),
  signedReference('a digest method twice', 'shape.children', (d) =>
    referenceOf(d, `${transforms(ENVELOPED)}<DigestMethod Algorithm="${SHA256}"></DigestMethod>`),
  ),
  ['no certificate', 'signer.known', pan(/<X509Data>.*<\/X509Data>/s, '<X509Data></X509Data>')],
  ['an empty KeyInfo', 'signer.known', pan(/<KeyInfo>.*<\/KeyInfo>/s, '<KeyInfo></KeyInfo>')],
  [
    'nine certificates',
    'shape.certificates',
    ({ signer, pki }) =>
      forge(PAN, signer, { keyInfo: certificates(signer.certificateDer, ...Array<Buffer>(8).fill(pki.root.der)) }),
  ],
])

function moved(text: string, after: RegExp): string {
  const signature = signatureIn(text)
  return swap(swap(text, signature, ''), after, (tag) => tag + signature)
}

function renamed({ pan: text }: World): string {
  return text.replace('<Signature ', '<Signatures ').replace('</Signature>', '</Signatures>')
}

function renamedRoot(name: string) {
  return ({ pan: text }: World) => swap(swap(text, '<Certificate ', `<${name} `), '</Certificate>', `</${name}>`)
}

function enveloping(text: string): string {
  const signature = signatureIn(text)
  return swap(signature, '</Signature>', `<Object xmlns="">${PAN}</Object></Signature>`)
}

function withOther(isFirst: boolean) {
  return ({ pan: text, other }: World) => {
    const second = signatureIn(forge(PAN, other))
    return swap(text, whole, (signature) => (isFirst ? second + signature : signature + second))
  }
}

function reordered({ pan: text }: World): string {
  const [value = ''] = /<SignatureValue>.*<\/SignatureValue>/s.exec(text) ?? []
  return swap(swap(text, value, ''), '<SignedInfo>', `${value}<SignedInfo>`)
}

/** Readers of the first text node see one digest, readers of all of them another (CVE-2025-29775). */
function hiddenDigest({ pan: text }: World): string {
  return swap(text, /<DigestValue>[^<]*/, (genuine) => `<DigestValue>${'A'.repeat(43)}=<!--${genuine.slice(13)}-->`)
}
