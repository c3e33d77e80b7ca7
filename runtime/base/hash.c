/* hash.c - see hash.h. */
#include "hash.h"
#include "reader/mem.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

void hash_stay(void) { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL); }

/* Looked up once: finding an algorithm by its name takes longer than hashing a few hundred bytes. */
static EVP_MD *fetched;
static void fetch(void) { fetched = EVP_MD_fetch(NULL, "SHA256", NULL); }
static const EVP_MD *sha256(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fetch);
  return fetched ? fetched : EVP_sha256();
}

static void digest(const EVP_MD *md, const void *p, size_t n, uint8_t *out) {
  if (!EVP_Digest(n ? p : "", n, out, NULL, md, NULL)) mem_exhausted(n); /* its only way to fail */
}

void hash_sha256(const void *p, size_t n, uint8_t out[32]) { digest(sha256(), p, n, out); }
void hash_md5(const void *p, size_t n, uint8_t out[16]) { digest(EVP_md5(), p, n, out); }

void hash_sha256_hex(const void *p, size_t n, char out[65]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t h[32];
  hash_sha256(p, n, h);
  for (int i = 0; i < 32; i++) out[2 * i] = digits[h[i] >> 4], out[2 * i + 1] = digits[h[i] & 15];
  out[64] = 0;
}

void hash_hmac_sha256(const void *key, size_t nkey, const void *p, size_t n, uint8_t out[32]) {
  unsigned len = 0;
  if (!HMAC(EVP_sha256(), nkey ? key : "", (int)nkey, n ? p : (const void *)"", n, out, &len)) mem_exhausted(n);
}

void hash_hmac_sha1(const void *key, size_t nkey, const void *p, size_t n, uint8_t out[20]) {
  unsigned len = 0;
  if (!HMAC(EVP_sha1(), nkey ? key : "", (int)nkey, n ? p : (const void *)"", n, out, &len)) mem_exhausted(n);
}

void hash_hex(const uint8_t *p, size_t n, Buf *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < n; i++) {
    buf_ch(out, digits[p[i] >> 4]);
    buf_ch(out, digits[p[i] & 15]);
  }
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hash_unhex(const char *s, size_t n, Buf *out) {
  if (n % 2) return false;
  for (size_t i = 0; i < n; i += 2) {
    int hi = hex_digit(s[i]), lo = hex_digit(s[i + 1]);
    if (hi < 0 || lo < 0) return false;
    buf_ch(out, (char)(hi << 4 | lo));
  }
  return true;
}

void hash_base64(const uint8_t *p, size_t n, Buf *out) {
  static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    size_t left = n - i;
    uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
    buf_ch(out, abc[v >> 18]);
    buf_ch(out, abc[v >> 12 & 63]);
    buf_ch(out, left > 1 ? abc[v >> 6 & 63] : '=');
    buf_ch(out, left > 2 ? abc[v & 63] : '=');
  }
}

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

bool hash_unbase64(const char *s, size_t n, Buf *out) {
  if (n && n % 4 == 0 && s[n - 1] == '=') n -= s[n - 2] == '=' ? 2 : 1;
  if (n % 4 == 1) return false;
  uint32_t v = 0;
  for (size_t i = 0; i < n; i++) {
    int d = base64_digit(s[i]);
    if (d < 0) return false;
    v = v << 6 | (uint32_t)d;
    size_t k = i % 4;
    if (k) buf_ch(out, (char)(uint8_t)(v >> (6 - 2 * k)));
  }
  size_t tail = n % 4; /* bits behind the last whole byte must be zero */
  return tail == 0 || !(v & (tail == 2 ? 15u : 3u));
}

bool hash_same(const char *secret, const char *given) {
  size_t n = strlen(given);
  return strlen(secret) == n && !CRYPTO_memcmp(secret, given, n);
}

HashStream *hash_begin(void) {
  EVP_MD_CTX *c = EVP_MD_CTX_new();
  if (!c || !EVP_DigestInit_ex(c, EVP_sha256(), NULL)) mem_exhausted(sizeof c);
  return (HashStream *)c;
}

void hash_add(HashStream *h, const void *p, size_t n) {
  if (n && !EVP_DigestUpdate((EVP_MD_CTX *)h, p, n)) mem_exhausted(n);
}

void hash_end(HashStream *h, char out[65]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t d[32];
  if (out && !EVP_DigestFinal_ex((EVP_MD_CTX *)h, d, NULL)) mem_exhausted(sizeof d);
  for (int i = 0; out && i < 32; i++) out[2 * i] = digits[d[i] >> 4], out[2 * i + 1] = digits[d[i] & 15];
  if (out) out[64] = 0;
  EVP_MD_CTX_free((EVP_MD_CTX *)h);
}

/* Of digests, so that even the length of what differs takes no other path. */
bool hash_equal(const char *a, size_t na, const char *b, size_t nb) {
  uint8_t x[32], y[32];
  hash_sha256(a, na, x);
  hash_sha256(b, nb, y);
  return !CRYPTO_memcmp(x, y, sizeof x) && na == nb;
}

void hash_random(uint8_t *out, size_t n) {
  if (RAND_bytes(out, (int)n) != 1) mem_exhausted(n);
}

static bool is_p256(EVP_PKEY *key) {
  char group[64] = "";
  size_t n = 0;
  return key && EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &n) && !strcmp(group, "prime256v1");
}

static int verified(EVP_PKEY *key, const void *p, size_t n, const void *sig, size_t nsig) {
  EVP_MD_CTX *c = EVP_MD_CTX_new();
  if (!c) mem_exhausted(0);
  int ok = EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) == 1 && EVP_DigestVerify(c, sig, nsig, p, n) == 1;
  EVP_MD_CTX_free(c);
  return ok;
}

int hash_ecdsa_p256_verify(const char *pem, size_t npem, const void *p, size_t n, const void *sig, size_t nsig) {
  BIO *b = BIO_new_mem_buf(pem, (int)npem);
  if (!b) mem_exhausted(0);
  EVP_PKEY *key = PEM_read_bio_PUBKEY(b, NULL, NULL, NULL);
  int ok = is_p256(key) ? verified(key, n ? p : "", n, nsig ? sig : "", nsig) : -1;
  EVP_PKEY_free(key);
  BIO_free(b);
  ERR_clear_error(); /* a wrong signature leaves notes that nobody reads */
  return ok;
}

void hash_base64url(const uint8_t *p, size_t n, Buf *out) {
  size_t from = out->n;
  hash_base64(p, n, out);
  while (out->n > from && out->p[out->n - 1] == '=') out->n--;
  for (size_t i = from; i < out->n; i++) {
    char c = out->p[i];
    out->p[i] = c == '+' ? '-' : c == '/' ? '_' : c;
  }
}

static bool signed_sha256(EVP_PKEY *key, const void *p, size_t n, Buf *out) {
  EVP_MD_CTX *md = EVP_MD_CTX_new();
  unsigned char sig[1024];
  size_t len = sizeof sig;
  bool ok = md && (size_t)EVP_PKEY_get_size(key) <= sizeof sig && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
            EVP_DigestSign(md, sig, &len, p, n) == 1;
  if (ok) buf_add(out, (const char *)sig, len);
  EVP_MD_CTX_free(md);
  return ok;
}

static EVP_PKEY *private_key(const char *pem) {
  BIO *bio = BIO_new_mem_buf(pem, -1);
  EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
  BIO_free(bio);
  ERR_clear_error();
  return key;
}

bool hash_rsa_sha256(const char *pem, const void *p, size_t n, Buf *out) {
  EVP_PKEY *key = private_key(pem);
  bool ok = key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && signed_sha256(key, p, n, out);
  EVP_PKEY_free(key);
  return ok;
}

bool hash_ecdsa_p256(const char *pem, const void *p, size_t n, Buf *out) {
  EVP_PKEY *key = private_key(pem);
  bool ok = is_p256(key) && signed_sha256(key, p, n, out);
  EVP_PKEY_free(key);
  return ok;
}
