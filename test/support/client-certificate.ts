import { webcrypto } from 'node:crypto'
import * as asn1js from 'asn1js'
import { AltName, AttributeTypeAndValue, Certificate, CryptoEngine, Extension, GeneralName, setEngine } from 'pkijs'

setEngine('node', new CryptoEngine({ name: 'node', crypto: webcrypto as unknown as Crypto }))

/** A self-signed certificate of a client for mutual TLS, with names of every kind. */
export async function makeClientCertificate(names: { cn: string; o: string; dns: string; ip: string }) {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = new Certificate()
  certificate.version = 2
  certificate.serialNumber = new asn1js.Integer({ value: Math.ceil(Math.random() * 1_000_000) })
  for (const name of [certificate.subject, certificate.issuer])
    name.typesAndValues.push(
      ...(
        [
          ['2.5.4.6', new asn1js.PrintableString({ value: 'IN' })],
          ['2.5.4.10', new asn1js.Utf8String({ value: names.o })],
          ['2.5.4.3', new asn1js.Utf8String({ value: names.cn })],
        ] as const
      ).map(([type, value]) => new AttributeTypeAndValue({ type, value })),
    )
  certificate.notBefore.value = new Date(Date.now() - 60_000)
  certificate.notAfter.value = new Date(Date.now() + 86_400_000)
  const altNames = new AltName({
    altNames: [
      new GeneralName({ type: 2, value: names.dns }),
      new GeneralName({ type: 6, value: `https://${names.dns}/client` }),
      new GeneralName({ type: 1, value: `ops@${names.dns}` }),
      new GeneralName({
        type: 7,
        value: new asn1js.OctetString({ valueHex: Uint8Array.from(names.ip.split('.').map(Number)).buffer }),
      }),
    ],
  })
  certificate.extensions = [
    new Extension({ extnID: '2.5.29.17', critical: false, extnValue: altNames.toSchema().toBER(false) }),
  ]
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey as unknown as CryptoKey)
  await certificate.sign(keys.privateKey as unknown as CryptoKey, 'SHA-256')
  const der = Buffer.from(certificate.toSchema(true).toBER(false))
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n')
  return { der, pem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` }
}
