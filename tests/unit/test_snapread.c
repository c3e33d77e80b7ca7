/* Snapshots whose checksum is right and whose content is not: the reader refuses what the machine would trust. */
#include "eval/frame.h"
#include "eval/unit.h"
#include "reader/ex.h"
#include "reader/read.h"
#include "runtime/cli/cli.h"
#include "runtime/store/snapshot.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A machine stopped inside the function that with-bindings* calls. */
static Mach *stopped_in_bindings(void) {
  static const char src[] = "(fn [] (with-bindings* {#'*print-length* 3} (fn [] (loop [i 0] (if (< i 100000) (recur (inc i)) i)))))";
  Env *e = env_new();
  Val f = env_eval(e, read_one(src, sizeof src - 1, NULL, false));
  assert_false(is_sig(f));
  Mach *m = mach_new(e);
  m->slice = 200;
  mach_start(m, f, NULL, 0);
  assert_true(same(mach_run(m), SIG_STOP));
  return m;
}

/* Where the frame keeps the bindings before. */
static Val *kept_bindings(Mach *m) {
  for (uint32_t i = 0; i < m->nframes; i++) {
    const NativeDef *d = m->frames[i].flags & FR_NATIVE ? m->frames[i].code : NULL;
    if (d && d->how & NF_BINDS) return &m->slots[m->frames[i].base + 1u + d->fixed + d->variadic];
  }
  fail_msg("no frame of with-bindings*");
  return NULL;
}

static Mach *read_back(const Mach *m) {
  Buf b = {0};
  assert_false(is_sig(snap_machine(&b, m)));
  Mach *r = snap_read_machine(b.p, b.n);
  buf_free(&b);
  return r;
}

static void test_kept_bindings(void **state) {
  (void)state;
  Mach *m = stopped_in_bindings();
  assert_non_null(read_back(m));
  Val bad[] = {fix(5), str_c("x"), map_assoc(map_empty, kw_c("a"), fix(1)), kw_c("k")};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    *kept_bindings(m) = bad[i];
    assert_null(read_back(m));
    assert_non_null(strstr(str_s(AS(Ex, pend.ex)->msg), "frame and function disagree"));
  }
}

int main(void) {
  cli_values();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_kept_bindings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
