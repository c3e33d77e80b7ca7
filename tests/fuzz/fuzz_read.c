/* fuzz_read.c - any bytes: read them as source and as EDN, print what came out, and read EDN values back: they must be
 * equal and print the same. Build with clang -fsanitize=fuzzer,address -DGC_NONE, or with fuzz_main.c and any compiler. */
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/read.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MAX_FORMS 2000
#define YEAR_1583 INT64_C(-12212553600000)
#define YEAR_9999 INT64_C(253370764800000)

static const uint8_t *input;
static size_t input_n;

static void bug(const char *what, Val text) {
  fprintf(stderr, "fuzz_read: %s\n%s\ninput: ", what, is_str(text) ? str_s(text) : "");
  fwrite(input, 1, input_n, stderr);
  fputc('\n', stderr);
  abort();
}

/* Values that Clojure itself cannot print and read back to an equal one: NaN, dates outside of what #inst can say. */
static bool unstable(Val v, int depth);
static bool unstable_pairs(Val m, int depth) {
  MapIter it;
  Val k, x;
  map_iter(&it, m);
  while (map_next(&it, &k, &x))
    if (unstable(k, depth) || unstable(x, depth)) return true;
  return false;
}

static bool unstable(Val v, int depth) {
  if (is_dbl(v)) return dbl_of(v) != dbl_of(v);
  if (is_type(v, T_INST)) return AS(Inst, v)->ms < YEAR_1583 || AS(Inst, v)->ms > YEAR_9999;
  if (is_map(v) || is_set(v)) return unstable_pairs(v, depth + 1);
  if (!is_sequential(v)) return false;
  ValVec xs = {0};
  if (is_sig(coll_into_array(v, &xs))) bug("a value that was read is lazy", NIL);
  for (size_t i = 0; i < xs.n; i++)
    if (unstable(xs.a[i], depth + 1)) return true;
  return false;
}

static void check_exception(void) {
  if (!is_type(pend.ex, T_EX)) bug("a signal without an exception", NIL);
  Val msg = AS(Ex, pend.ex)->msg;
  if (!is_str(msg) || str_n(msg) == 0 || str_s(msg)[0] < '0' || str_s(msg)[0] > '9') bug("an error without position", msg);
}

/* #:a{:1 2} gives a key :a/1, which is not readable, and #:a{:_/b/c 1} one named "b/c": in Clojure too. */
static bool has_namespaced_map(void) { return memmem(input, input_n, "#:", 2) != NULL; }

static void check_round_trip(Val v) {
  Val text = pr_str(v);
  if (is_sig(text)) bug("an EDN value does not print", NIL);
  if (has_namespaced_map()) return;
  Val back = read_one(str_s(text), str_n(text), NULL, true);
  if (is_sig(back)) bug("printed EDN does not read", text);
  if (!same(val_eq(v, back), TRUE_V)) bug("not equal after printing and reading", text);
  Val again = pr_str(back);
  if (is_sig(again) || str_cmp(again, text) != 0) bug("prints differently the second time", text);
}

static void run(const uint8_t *data, size_t n, bool edn) {
  Reader r;
  read_init(&r, (const char *)data, n, NULL);
  r.edn = edn;
  r.positions = !edn;
  for (int i = 0; i < MAX_FORMS; i++) {
    const char *before = r.p;
    Val v = read_next(&r);
    if (same(v, ABSENT)) return;
    if (is_sig(v)) {
      if (!same(v, SIG_THROW)) bug("reading demands or suspends", NIL);
      check_exception();
      return;
    }
    if (r.p <= before || r.p > r.end) bug("the reader did not move on", NIL);
    if (edn && !unstable(v, 0))
      check_round_trip(v);
    else
      pr_str(v);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static bool ready;
  if (!ready) mem_init();
  ready = true;
  /* a copy of exactly this size: reading past the end is then seen by the sanitizer */
  uint8_t *copy = malloc(n ? n : 1);
  if (!copy) abort();
  memcpy(copy, data, n);
  input = data, input_n = n;
  run(copy, n, false);
  run(copy, n, true);
  free(copy);
  return 0;
}
