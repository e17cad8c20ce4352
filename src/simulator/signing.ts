import { makePdf, type PdfPage, updatePage } from './pdf.ts'
import type { Persona } from './persona.ts'
import type { Signer } from './pki.ts'
import type { About, Quirks } from './rules.ts'
import { signPdf } from './signed-pdf.ts'
import { signXml, XML_DECLARATION } from './signed-xml.ts'
import type { World } from './world.ts'
import { toWire, type XmlElement } from './xml.ts'

/** Twelve digits that cannot be an Aadhaar number: none begins with 0. */
const TWELVE_DIGITS = '012345678901'

/** The bytes of a document as DigiLocker would serve them, or as a quirk would have it. */
export async function signedDocument(
  xml: XmlElement,
  persona: Persona,
  world: World,
  quirks: Quirks,
  about: About,
): Promise<Buffer> {
  const content = chooseContent(xml, persona, world, quirks, about)
  if (quirks.take('unsigned-xml', about)) return Buffer.from(XML_DECLARATION + toWire(content), 'utf8')
  const signer = await chooseSigner(world, quirks, about, 'wrong-signer', 'expired-signer')
  const signed = signXml(content, signer, {
    chain: quirks.take('negd-chain', about) ? 'neGD' : 'leaf',
    signatureMethod: quirks.take('rsa-sha256', about) ? 'rsa-sha256' : 'rsa-sha1',
  })
  return damage(signed, quirks, about)
}

/** The PDF of a document as DigiLocker would serve it, or as a quirk would have it. */
export async function signedPdf(page: PdfPage, world: World, quirks: Quirks, about: About): Promise<Buffer> {
  if (quirks.take('pdf-unsigned', about)) return makePdf(page)
  const signer = await chooseSigner(world, quirks, about, 'pdf-wrong-signer', 'pdf-expired-signer')
  const signed = signPdf(page, signer, world.now())
  if (quirks.take('pdf-tampered', about)) return withAnotherName(signed, page)
  return quirks.take('pdf-appended-bytes', about) ? updatePage(signed, { ...page, rows: renamed(page) }) : signed
}

/** In place and of the same length, as somebody does who keeps every offset intact. */
function withAnotherName(signed: Buffer, page: PdfPage): Buffer {
  const name = nameOn(page)
  const changed = Buffer.from(signed)
  changed.write(SOMEBODY.padEnd(name.length).slice(0, name.length), changed.indexOf(name, 0, 'latin1'), 'latin1')
  return changed
}

const SOMEBODY = 'Somebody Else'
const nameOn = ({ rows }: PdfPage) => rows.find(([label]) => NAMED.has(label))?.[1] ?? ''
const renamed = ({ rows }: PdfPage) =>
  rows.map(([label, value]) => [label, NAMED.has(label) ? SOMEBODY : value] as const)
const NAMED: ReadonlySet<string> = new Set(['Name', 'Owner'])

function chooseContent(xml: XmlElement, persona: Persona, world: World, quirks: Quirks, about: About): XmlElement {
  if (quirks.take('other-doctype', about)) {
    const other = world.locker(persona).find(({ doctype, xml: tree }) => doctype !== about.doctype && tree)
    if (other?.xml) return other.xml
  }
  return quirks.take('twelve-digit-uid', about) ? withTwelveDigits(xml) : xml
}

async function chooseSigner(
  world: World,
  quirks: Quirks,
  about: About,
  wrong: 'wrong-signer' | 'pdf-wrong-signer',
  expired: 'expired-signer' | 'pdf-expired-signer',
): Promise<Signer> {
  if (quirks.take(wrong, about)) return world.impostor()
  if (quirks.take('other-company-signer', about)) return world.otherCompany()
  return quirks.take(expired, about) ? world.formerSigner : world.pki.signer
}

function damage(signed: Buffer, quirks: Quirks, about: About): Buffer {
  let text = signed.toString('utf8')
  if (quirks.take('tampered-xml', about)) text = text.replace(/(<(?:Person|Poi) [^>]*?name=")[^"]*/, '$1Somebody Else')
  if (quirks.take('second-signature', about)) text = text.replace(/<Signature [\s\S]*<\/Signature>/, '$&$&')
  if (quirks.take('doctype-declared', about)) text = text.replace('\n', '\n<!DOCTYPE Certificate>\n')
  return Buffer.from(text, 'utf8')
}

function withTwelveDigits(tree: XmlElement): XmlElement {
  const children = tree.children.map((child) => (typeof child === 'string' ? child : withTwelveDigits(child)))
  return tree.name === 'UidData'
    ? { ...tree, attributes: { ...tree.attributes, uid: TWELVE_DIGITS }, children }
    : { ...tree, children }
}
