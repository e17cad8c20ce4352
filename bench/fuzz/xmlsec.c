/*
 * A judge of XML signatures on libxmlsec1, for the fuzzer alone.
 * usage: xmlsec CERTIFICATE.pem
 * Reads documents from standard input, each after its length (four bytes, big-endian), and answers each with one byte:
 * '1' where the first ds:Signature of the document holds under the key of that certificate, '0' where not.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/parser.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

static void be_quiet(void *context, const char *message, ...) { (void)context; (void)message; }

static int holds(xmlDocPtr document, xmlSecKeyPtr key) {
  xmlNodePtr signature = xmlSecFindNode(xmlDocGetRootElement(document), xmlSecNodeSignature, xmlSecDSigNs);
  if (signature == NULL) return 0;
  xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
  if (context == NULL) return 0;
  /* Only URI="", and never a key that the document brings along. */
  context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
  context->signKey = xmlSecKeyDuplicate(key);
  int verdict = xmlSecDSigCtxVerify(context, signature) == 0 && context->status == xmlSecDSigStatusSucceeded;
  xmlSecDSigCtxDestroy(context);
  return verdict;
}

static int read_length(uint32_t *length) {
  unsigned char bytes[4];
  if (fread(bytes, 1, 4, stdin) != 4) return 0;
  *length = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  return 1;
}

int main(int count, char **arguments) {
  xmlInitParser();
  xmlSetGenericErrorFunc(NULL, be_quiet);
  if (count != 2 || xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0) return 2;
  xmlSecErrorsDefaultCallbackEnableOutput(0);
  xmlSecKeyPtr key = xmlSecCryptoAppKeyLoad(arguments[1], xmlSecKeyDataFormatCertPem, NULL, NULL, NULL);
  if (key == NULL) return 2;
  uint32_t length;
  while (read_length(&length)) {
    unsigned char *bytes = malloc(length + 1);
    if (bytes == NULL || fread(bytes, 1, length, stdin) != length) return 2;
    xmlDocPtr document = length == 0 ? NULL : xmlSecParseMemory(bytes, length, 0);
    putchar(document != NULL && xmlDocGetRootElement(document) != NULL && holds(document, key) ? '1' : '0');
    fflush(stdout);
    if (document != NULL) xmlFreeDoc(document);
    free(bytes);
  }
  return 0;
}
