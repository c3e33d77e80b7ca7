/* tls_cert.c - see tls_cert.h */
#include "tls_cert.h"
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

static X509 *first(const char *pem) {
  BIO *b = BIO_new_mem_buf(pem, (int)strlen(pem));
  X509 *c = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
  BIO_free(b);
  return c;
}

bool tls_cert_ends(const char *pem, int64_t *ms) {
  struct tm tm;
  X509 *c = first(pem);
  bool ok = c && ASN1_TIME_to_tm(X509_get0_notAfter(c), &tm);
  if (ok) *ms = (int64_t)timegm(&tm) * 1000;
  X509_free(c);
  return ok;
}

bool tls_cert_key(const char *pem, const char *key) {
  X509 *c = first(pem);
  BIO *b = BIO_new_mem_buf(key, (int)strlen(key));
  EVP_PKEY *k = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;
  bool ok = c && k && X509_check_private_key(c, k) == 1;
  EVP_PKEY_free(k);
  BIO_free(b);
  X509_free(c);
  return ok;
}
