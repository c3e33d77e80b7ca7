/* tls_cert.h - when a certificate ends; the only place that includes OpenSSL's X.509. */
#ifndef BR_TLS_CERT_H
#define BR_TLS_CERT_H
#include "port.h"
/* Of the first certificate in PEM text, in UTC ms; and whether the key in PEM text is its. false: there is none that can be read. */
bool tls_cert_ends(const char *pem, int64_t *ms);
bool tls_cert_key(const char *pem, const char *key);
#endif
