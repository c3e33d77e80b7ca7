/* AES-256-GCM against the published vectors, sealed records, key files and their faults. */
#include "runtime/base/seal.h"
#include "runtime/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, cases 13 to 16 (AES-256, nonces of 96 bits). */
#define K1 "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define P1 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define C1 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
#define ZERO64 "0000000000000000000000000000000000000000000000000000000000000000"
static const struct { const char *key, *nonce, *aad, *plain, *cipher, *tag; } vectors[] = {
    {ZERO64, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {ZERO64, "000000000000000000000000", "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {K1, "cafebabefacedbaddecaf888", "", P1 "1aafd255", C1 "898015ad", "b094dac5d93471bdec1a502270e3cc6c"},
    {K1, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", P1, C1, "76fc6ece0f4e1768cddf8853bb2d551b"}};

static Buf unhex(const char *s) {
  Buf b = {0};
  assert_true(hash_unhex(s, strlen(s), &b));
  buf_cstr(&b);
  return b;
}
#define U(b) ((const uint8_t *)(b).p)

static void t_vectors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    Buf key = unhex(vectors[i].key), nonce = unhex(vectors[i].nonce), aad = unhex(vectors[i].aad), plain = unhex(vectors[i].plain),
        cipher = unhex(vectors[i].cipher), tag = unhex(vectors[i].tag);
    uint8_t out[128], got[16];
    seal_gcm(U(key), U(nonce), aad.p, aad.n, plain.p, plain.n, out, got);
    assert_memory_equal(got, tag.p, 16);
    assert_memory_equal(out, cipher.p, cipher.n);
    assert_true(seal_gcm_open(U(key), U(nonce), aad.p, aad.n, cipher.p, cipher.n, U(tag), out));
    assert_memory_equal(out, plain.p, plain.n);
    tag.p[i] ^= 1;
    memset(out, 7, sizeof out);
    assert_false(seal_gcm_open(U(key), U(nonce), aad.p, aad.n, cipher.p, cipher.n, U(tag), out));
    for (size_t k = 0; k < cipher.n; k++) assert_int_equal(out[k], 0);
    Buf *all[] = {&key, &nonce, &aad, &plain, &cipher, &tag};
    for (size_t k = 0; k < 6; k++) buf_free(all[k]);
  }
}

static char dir[64], file[100];
static int setup(void **state) {
  (void)state;
  strcpy(dir, "/tmp/test_seal.XXXXXX");
  unsetenv("BREYTA_SECRETS_KEY");
  if (!mkdtemp(dir)) return -1;
  snprintf(file, sizeof file, "%s/conf/breyta/secrets.key", dir);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  char cmd[128];
  snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
  return system(cmd);
}
static void hold(Keyring *k) {
  Err e = {0};
  if (!keyring_hold(k, true, &e)) fail_msg("%s: %s", e.code, e.msg);
}
static void is(const Err *e, const char *code) { assert_string_equal(e->code ? e->code : "none", code); }
static void put(const char *path, const char *text, mode_t mode) {
  FILE *f = fopen(path, "we");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
  chmod(path, mode);
}
static const SealName name = {"ws", "tok", 3};
static Buf sealed(Keyring *k, const char *text) {
  Buf b = {0};
  hold(k);
  seal_put(k, &name, text, strlen(text), &b);
  keyring_release(k);
  return b;
}
static void opens(Keyring *k, const Buf *b, const char *want) {
  Buf out = {0};
  Err e = {0};
  if (!seal_get(k, &name, b->p, b->n, &out, &e)) fail_msg("%s: %s", e.code, e.msg);
  assert_string_equal(buf_cstr(&out), want);
  buf_wipe(&out);
}

static void t_file(void **state) {
  (void)state;
  Keyring *k = keyring_new(file), *other = keyring_new(file);
  struct stat st;
  Err e = {0};
  assert_false(keyring_hold(k, false, &e));
  is(&e, "key_missing");
  Buf one = sealed(k, "hush"), two = sealed(k, "hush");
  assert_int_equal(stat(file, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
  assert_int_equal(one.n, SEAL_HEADER_BYTES + 4);
  assert_memory_not_equal(one.p, two.p, one.n); /* the nonce */
  opens(k, &one, "hush");
  opens(other, &two, "hush");
  assert_true(keyring_add(other, &e)); /* k sees that the file is another one */
  opens(k, &one, "hush");
  Buf three = sealed(k, "new");
  assert_memory_not_equal(one.p, three.p, 12);
  opens(other, &three, "new");
  assert_int_equal(keyring_count(k), 2);
  assert_true(keyring_forget(k, &e));
  Buf out = {0};
  Keyring *late = keyring_new(file);
  opens(late, &three, "new");
  assert_false(seal_get(late, &name, one.p, one.n, &out, &e));
  is(&e, "key_unknown");
  keyring_free(k);
  keyring_free(other);
  keyring_free(late);
  buf_free(&one);
  buf_free(&two);
  buf_free(&three);
}

static void t_tampered(void **state) {
  (void)state;
  Keyring *k = keyring_new(file);
  Buf b = sealed(k, "hush"), out = {0};
  for (size_t i = 0; i < b.n; i++) {
    Err e = {0};
    b.p[i] ^= 4;
    assert_false(seal_get(k, &name, b.p, b.n, &out, &e));
    is(&e, i < 4 ? "seal_malformed" : i < 12 ? "key_unknown" : "seal_damaged");
    b.p[i] ^= 4;
  }
  for (size_t n = 0; n < b.n; n++) {
    Err e = {0};
    assert_false(seal_get(k, &name, b.p, n, &out, &e));
    is(&e, n < SEAL_HEADER_BYTES ? "seal_malformed" : "seal_damaged");
  }
  static const SealName others[] = {{"w", "stok", 3}, {"ws", "tok", 4}, {"ws", "to", 3}, {"wst", "ok", 3}, {"other", "tok", 3}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    Err e = {0};
    assert_false(seal_get(k, &others[i], b.p, b.n, &out, &e));
    is(&e, "seal_damaged");
  }
  assert_int_equal(out.n, 0);
  opens(k, &b, "hush");
  keyring_free(k);
  buf_free(&b);
}

static void t_bad_files(void **state) {
  (void)state;
  char flat[100];
  snprintf(flat, sizeof flat, "%s/key", dir);
#define GOOD "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
  static const struct { const char *text; mode_t mode; const char *code; } bad[] = {
      {GOOD, 0640, "key_permissions"}, {GOOD, 0604, "key_permissions"}, {GOOD, 0620, "key_permissions"}, {"", 0600, "key_malformed"},
      {"hello", 0600, "key_malformed"}, {GOOD "\nx", 0600, "key_malformed"}, {"AAEC", 0600, "key_malformed"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Err e = {0};
    put(flat, bad[i].text, bad[i].mode);
    Keyring *k = keyring_new(flat);
    assert_false(keyring_hold(k, true, &e));
    is(&e, bad[i].code);
    assert_null(strstr(e.msg, "AAEC")); /* no key in a message */
    keyring_free(k);
  }
  put(flat, GOOD "\n", 0400);
  Keyring *k = keyring_new(flat);
  hold(k);
  assert_string_equal(keyring_current(k), "630dcd2966c43366"); /* sha256 of 0..31 */
  keyring_free(k);
}

static void t_env(void **state) {
  (void)state;
  Err e = {0};
  setenv("BREYTA_SECRETS_KEY", GOOD, 1);
  Keyring *k = keyring_new(NULL);
  Buf b = sealed(k, "hush");
  assert_false(keyring_add(k, &e));
  is(&e, "key_env");
  setenv("BREYTA_SECRETS_KEY", "//////////////////////////////////////////8=, " GOOD, 1);
  Keyring *next = keyring_new(NULL);
  opens(next, &b, "hush");
  hold(next);
  assert_string_not_equal(keyring_current(next), "630dcd2966c43366");
  keyring_free(k);
  keyring_free(next);
  buf_free(&b);
}

int main(void) {
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {cmocka_unit_test(t_vectors), IN_DIR(t_file), IN_DIR(t_tampered), IN_DIR(t_bad_files), IN_DIR(t_env)};
  return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
