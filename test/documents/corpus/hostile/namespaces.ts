import { DS, forge, INCLUSIVE, PAN } from '../../fixtures.ts'
import { pan, panAll, swap, toCases } from '../case.ts'

const onRoot = (declarations: string) => pan('<Certificate ', `<Certificate ${declarations} `)
const onIssuedTo = (attributes: string) => pan('<IssuedTo>', `<IssuedTo ${attributes}>`)
const XML = 'http://www.w3.org/XML/1998/namespace'
const XMLNS = 'http://www.w3.org/2000/xmlns/'

/** Namespaces in XML 1.0, C14N §2.3: names that mean another thing than they seem to. */
export const namespaceCases = toCases('namespaces', [
  ['a default namespace on the root', 'shape.root', onRoot('xmlns="urn:x"')],
  ['the default namespace of signatures on the root', 'shape.root', onRoot(`xmlns="${DS}"`)],
  ['a prefix on the root', 'shape.root', prefixedRoot],
  ['a default namespace on content', 'signature.digest', onIssuedTo('xmlns="urn:x"')],
  ['a prefix declared on content and not used', 'signature.digest', onIssuedTo('xmlns:x="urn:x"')],
  ['a prefix declared on the root, where the content is inclusive', 'signature.digest', onRoot('xmlns:x="urn:x"')],
  [
    'a prefix declared on the root, where SignedInfo is inclusive too',
    'signature.value',
    ({ signer }) =>
      swap(forge(PAN, signer, { canonicalization: INCLUSIVE }), '<Certificate ', '<Certificate xmlns:x="urn:x" '),
  ],
  ['an element under another prefix', 'signature.digest', pan(/<IssuedTo>/, '<x:Extra xmlns:x="urn:x"/><IssuedTo>')],
  ['an attribute of a namespace', 'signature.digest', onIssuedTo('xmlns:x="urn:x" x:y="z"')],
  ['an element with a prefix that nothing declares', 'bytes.well-formed', pan('<IssuedTo>', '<x:y/><IssuedTo>')],
  ['an attribute with a prefix that nothing declares', 'bytes.well-formed', onIssuedTo('x:y="z"')],
  ['a prefix used outside the element that declares it', 'bytes.well-formed', outside],
  [
    'an attribute twice by namespace',
    'bytes.well-formed',
    onIssuedTo('xmlns:a="urn:x" xmlns:b="urn:x" a:name="1" b:name="2"'),
  ],
  ['a declaration twice', 'bytes.well-formed', onIssuedTo('xmlns:a="urn:x" xmlns:a="urn:y"')],
  ['a default declaration twice', 'bytes.well-formed', pan('<Signature ', `<Signature xmlns="${DS}" `)],
  ['a prefix undeclared', 'bytes.well-formed', onIssuedTo('xmlns:a=""')],
  ['xmlns as a prefix of an element', 'bytes.well-formed', pan('<IssuedTo>', '<xmlns:x/><IssuedTo>')],
  ['the prefix xmlns declared', 'bytes.well-formed', onIssuedTo('xmlns:xmlns="urn:x"')],
  ['the prefix xml for another namespace', 'bytes.well-formed', onIssuedTo('xmlns:xml="urn:x"')],
  ['the prefix xml declared as it is', 'bytes.well-formed', onIssuedTo(`xmlns:xml="${XML}"`)],
  ['another prefix for the namespace of xml', 'bytes.well-formed', onIssuedTo(`xmlns:x="${XML}"`)],
  ['the namespace of declarations declared', 'bytes.well-formed', onIssuedTo(`xmlns:x="${XMLNS}"`)],
  ['the namespace of xml by default', 'bytes.well-formed', onIssuedTo(`xmlns="${XML}"`)],
  ['xml:id', 'bytes.subset', onIssuedTo('xml:id="x"')],
  ['xml:base', 'bytes.subset', onIssuedTo('xml:base="http://canary.example/"')],
  ['xml:space', 'bytes.subset', onIssuedTo('xml:space="preserve"')],
  ['xml:lang on the root', 'bytes.subset', onRoot('xml:lang="en"')],
  [
    'XInclude',
    'signature.digest',
    pan(
      '<IssuedTo>',
      '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/hostname" parse="text"/><IssuedTo>',
    ),
  ],
  ['a relative namespace name', 'signature.digest', onIssuedTo('xmlns:x="../x"')],
  ['a namespace name with a reference in it', 'bytes.subset', onIssuedTo('xmlns:x="urn:&#120;"')],
  ['a namespace name outside ASCII', 'bytes.subset', onIssuedTo('xmlns:x="urn:नाम"')],
  ['a namespace name with a line feed', 'bytes.subset', onIssuedTo('xmlns:x="urn:x\ny"')],
  // xml-crypto takes it for a declaration and leaves it out of the canonical form: the two verifiers differ.
  [
    'an attribute that begins like a declaration',
    'agreement.verdict',
    onIssuedTo('xmlnsx="urn:x"'),
    { strictCheck: 'signature.digest' },
  ],
  ['the Signature in no namespace', 'shape.namespace', pan(` xmlns="${DS}"`, '')],
  ['the Signature in a look-alike namespace', 'shape.namespace', panAll(DS, `${DS}#`)],
  [
    'the Signature in the namespace in capitals',
    'shape.namespace',
    pan(`<Signature xmlns="${DS}"`, `<Signature xmlns="${DS.toUpperCase()}"`),
  ],
  [
    'the Signature in the next namespace',
    'shape.namespace',
    pan(`<Signature xmlns="${DS}"`, '<Signature xmlns="http://www.w3.org/2009/xmldsig11#"'),
  ],
  [
    'the Signature with a space in its namespace',
    'bytes.subset',
    pan(`<Signature xmlns="${DS}"`, `<Signature xmlns="${DS} "`),
  ],
  ['SignedInfo in another namespace', 'shape.children', pan('<SignedInfo>', '<SignedInfo xmlns="urn:x">')],
  ['SignedInfo in no namespace', 'shape.children', pan('<SignedInfo>', '<SignedInfo xmlns="">')],
  ['KeyInfo in another namespace', 'shape.children', pan('<KeyInfo>', '<KeyInfo xmlns="urn:x">')],
  ['a certificate in another namespace', 'shape.children', pan('<X509Certificate>', '<X509Certificate xmlns="urn:x">')],
  ['a Transform in another namespace', 'shape.children', pan('<Transform ', '<Transform xmlns="urn:x" ')],
  ['DigestValue under a redefined prefix', 'shape.children', redefined],
])

function prefixedRoot({ pan: text }: { pan: string }): string {
  const opened = swap(text, '<Certificate ', '<x:Certificate xmlns:x="urn:x" ')
  return swap(opened, '</Certificate>', '</x:Certificate>')
}

function outside({ pan: text }: { pan: string }): string {
  return swap(text, '<IssuedTo>', '<a xmlns:x="urn:x"></a><x:b/><IssuedTo>')
}

/** The prefix of the signature means another thing in the middle of it. */
function redefined({ pan: text }: { pan: string }): string {
  const from = text.indexOf('<Signature')
  const prefixed = text.slice(from).replace(/<(\/?)(\w+)/g, '<$1ds:$2')
  return (
    text.slice(0, from) +
    swap(swap(prefixed, 'xmlns=', 'xmlns:ds='), '<ds:DigestValue>', '<ds:DigestValue xmlns:ds="urn:x">').replace(
      '</ds:Certificate>',
      '</Certificate>',
    )
  )
}
