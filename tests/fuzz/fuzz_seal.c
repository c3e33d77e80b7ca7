/* fuzz_seal.c - any bytes as a stored secret, and a real record with some of its bytes changed: the parser stays inside, and nothing
 * opens but what was sealed. The key is fixed; the first byte says which of the two it is. */
#include "runtime/store/vault.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static Keyring *keys;
static Buf real;
static const SealName name = {"w", "s", 1};

static void bug(const char *what) {
  fprintf(stderr, "fuzz_seal: %s\n", what);
  abort();
}

static void start(void) {
  Err e = {0};
  if (keys) return;
  setenv("BREYTA_SECRETS_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1);
  keys = keyring_new(NULL);
  if (!keyring_hold(keys, true, &e)) bug(e.msg);
  seal_put(keys, &name, "the-value", 9, &real);
  keyring_release(keys);
}

static void check_record(const uint8_t *p, size_t n) {
  VaultRow row;
  Bytesv sealed = {0};
  Err e = {0};
  Buf out = {0};
  if (vault_parse(p, n, &row, &sealed, &e)) {
    if ((const uint8_t *)sealed.p < p || (const uint8_t *)sealed.p + sealed.n != p + n || row.version <= 0 || strlen(row.key) != 16) bug("a record outside of its bytes");
    if (seal_get(keys, &name, sealed.p, sealed.n, &out, &e)) bug("a record that nobody sealed opens");
  }
  if (!e.code || !*e.msg) bug("no error");
  buf_wipe(&out);
}

static void check_changed(const uint8_t *p, size_t n) {
  Buf b = {0}, out = {0};
  Err e = {0};
  buf_add(&b, real.p, real.n);
  for (size_t i = 0; i + 1 < n; i += 2) b.p[p[i] % b.n] ^= (char)p[i + 1];
  bool same = !memcmp(b.p, real.p, real.n);
  if (seal_get(keys, &name, b.p, b.n, &out, &e) != same) bug("a changed record opens, or the real one does not");
  if (same ? out.n != 9 || memcmp(out.p, "the-value", 9) : out.n || !e.code) bug("a wrong value");
  buf_wipe(&b);
  buf_wipe(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  start();
  uint8_t *copy = malloc(n ? n : 1);
  if (!copy) abort();
  if (n) memcpy(copy, data, n);
  if (n && copy[0] & 1) check_changed(copy + 1, n - 1);
  else check_record(copy + (n > 0), n - (n > 0));
  free(copy);
  return 0;
}
