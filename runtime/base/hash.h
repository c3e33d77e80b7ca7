/* hash.h - digests, HMAC, base64 and hex: the only place that includes OpenSSL's EVP for them. Bytes in, bytes or text out;
 * no values, any thread. Digests cannot fail on memory that is there; running out of it ends the process as mem.h says. */
#ifndef BR_HASH_H
#define BR_HASH_H
#include "reader/text.h"

/* First of all in a program: OpenSSL is not taken down when the process ends. Helper threads may still be inside it then, in a key exchange
 * that nobody waits for any more, and would find its locks gone. */
void hash_stay(void);

void hash_sha256(const void *p, size_t n, uint8_t out[32]);
void hash_sha256_hex(const void *p, size_t n, char out[65]);
void hash_hmac_sha256(const void *key, size_t nkey, const void *p, size_t n, uint8_t out[32]);
void hash_hmac_sha1(const void *key, size_t nkey, const void *p, size_t n, uint8_t out[20]); /* for hashed names of known_hosts only */
void hash_md5(const void *p, size_t n, uint8_t out[16]); /* for name-based UUIDs only */
void hash_hex(const uint8_t *p, size_t n, Buf *out);     /* lower case */
bool hash_unhex(const char *s, size_t n, Buf *out);      /* false: odd length or no hex digit */
void hash_base64(const uint8_t *p, size_t n, Buf *out);  /* RFC 4648 section 4, padded */
/* Padding may be missing; the alphabet is the standard one, or the URL one. false: malformed. */
bool hash_unbase64(const char *s, size_t n, Buf *out);
/* Equal texts? In time that depends on the length of `given` alone. */
bool hash_same(const char *secret, const char *given);
/* SHA-256 of what comes in pieces; any thread. hash_end frees; out NULL: given up. */
typedef struct HashStream HashStream;
HashStream *hash_begin(void);
void hash_add(HashStream *h, const void *p, size_t n);
void hash_end(HashStream *h, char out[65]);
void hash_base64url(const uint8_t *p, size_t n, Buf *out); /* RFC 4648 section 5, no padding */
/* RS256: the signature of n bytes by an RSA private key in PEM text. false: pem is no such key. */
bool hash_rsa_sha256(const char *pem, const void *p, size_t n, Buf *out);
/* ECDSA over SHA-256, the signature in ASN.1 DER. false: pem is no private P-256 key. */
bool hash_ecdsa_p256(const char *pem, const void *p, size_t n, Buf *out);
/* Equal bytes? In a time that depends on the lengths only. */
bool hash_equal(const char *a, size_t na, const char *b, size_t nb);
void hash_random(uint8_t *out, size_t n); /* from the system's generator */
/* ECDSA over SHA-256 of the message, sig in ASN.1 DER, key a PEM text. 1 right, 0 wrong, -1: that is no P-256 public key. */
int hash_ecdsa_p256_verify(const char *pem, size_t npem, const void *p, size_t n, const void *sig, size_t nsig);
#endif
