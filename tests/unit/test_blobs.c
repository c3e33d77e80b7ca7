/* Blobs on disk: content names, sync before publishing, sweeping. */
#include "runtime/store/blobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* FIPS 180-2, B.1 */

static int setup(void **state) { return (*state = blobs_open_temporary()) ? 0 : -1; }
static int teardown(void **state) {
  char *dir = strdup(blobs_dir(*state));
  blobs_close(*state);
  int left = !access(dir, F_OK);
  free(dir);
  return left; /* a temporary store leaves nothing */
}

static void content_is(BlobStore *b, const char *hash, const char *want) {
  Blob got;
  Err e = {0};
  if (!blobs_read(b, hash, 1 << 20, &got, &e)) fail_msg("%s: %s", e.code, e.msg);
  assert_int_equal(got.n, strlen(want));
  assert_memory_equal(got.p, want, got.n);
  blob_free(&got);
}

static void t_named_by_content(void **state) {
  BlobName one, two;
  Err e = {0};
  assert_true(blobs_put(*state, "abc", 3, &one, &e));
  assert_string_equal(one.hash, ABC);
  assert_int_equal(one.size, 3);
  BlobWriter *w = blobs_begin(*state, 0, &e);
  assert_non_null(w);
  assert_true(blobs_write(w, "a", 1, &e) && blobs_write(w, "", 0, &e) && blobs_write(w, "bc", 2, &e));
  assert_true(blobs_finish(w, &two, &e));
  assert_string_equal(two.hash, ABC);
  content_is(*state, ABC, "abc");
  assert_true(blobs_put(*state, "", 0, &one, &e));
  content_is(*state, one.hash, "");
}

static void t_limits(void **state) {
  Err e = {0};
  BlobName n;
  Blob out;
  BlobWriter *w = blobs_begin(*state, 4, &e);
  assert_true(blobs_write(w, "1234", 4, &e));
  assert_false(blobs_write(w, "5", 1, &e));
  assert_string_equal(e.code, "oversize");
  blobs_abort(w);
  assert_true(blobs_put(*state, "12345", 5, &n, &e));
  assert_false(blobs_read(*state, n.hash, 4, &out, &e));
  assert_string_equal(e.code, "oversize");
  assert_false(blobs_read(*state, ABC, 4, &out, &e));
  assert_string_equal(e.code, "not_found");
  assert_false(blobs_read(*state, "../../etc/passwd", 4, &out, &e));
  assert_string_equal(e.code, "not_found");
}

static void t_unwritable(void **state) {
  (void)state;
  Err e = {0};
  BlobName n;
  BlobStore *b = blobs_open("/proc/no/such/place");
  assert_false(blobs_put(b, "x", 1, &n, &e));
  assert_string_equal(e.code, "blob_io");
  assert_non_null(strstr(e.msg, "/proc"));
  blobs_close(b);
}

static bool is_abc(void *ctx, const char *hash) { return (void)ctx, !strcmp(hash, ABC); }

static void made_old(BlobStore *b, const char *hash) {
  char *path = blobs_path(b, hash);
  struct timeval t[2] = {{1000, 0}, {1000, 0}};
  assert_int_equal(utimes(path, t), 0);
  free(path);
}

static void t_sweep(void **state) {
  BlobStore *b = *state;
  BlobName abc, old, young;
  BlobSweep s;
  Err e = {0};
  Blob out;
  assert_true(blobs_put(b, "abc", 3, &abc, &e) && blobs_put(b, "old one", 7, &old, &e) && blobs_put(b, "young", 5, &young, &e));
  BlobWriter *w = blobs_begin(b, 0, &e);
  made_old(b, abc.hash);
  made_old(b, old.hash);
  assert_true(blobs_sweep(b, is_abc, NULL, BLOBS_GRACE_MS, false, &s, &e));
  assert_int_equal(s.kept, 2);
  assert_int_equal(s.removed, 1);
  assert_int_equal(s.bytes, 7);
  content_is(b, ABC, "abc");
  content_is(b, young.hash, "young");
  assert_false(blobs_read(b, old.hash, 99, &out, &e));
  assert_true(blobs_write(w, "old one", 7, &e) && blobs_finish(w, &old, &e)); /* its temporary file was young */
  made_old(b, old.hash);
  assert_true(blobs_put(b, "old one", 7, &old, &e)); /* written again: young again */
  assert_true(blobs_sweep(b, is_abc, NULL, BLOBS_GRACE_MS, false, &s, &e));
  assert_int_equal(s.removed, 0);
  assert_true(blobs_sweep(b, is_abc, NULL, 0, false, &s, &e));
  assert_int_equal(s.removed, 2);
  assert_int_equal(s.kept, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(t_named_by_content, setup, teardown), cmocka_unit_test_setup_teardown(t_limits, setup, teardown),
      cmocka_unit_test(t_unwritable), cmocka_unit_test_setup_teardown(t_sweep, setup, teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
