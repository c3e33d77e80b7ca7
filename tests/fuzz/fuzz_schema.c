/* fuzz_schema.c - any text as `[schema value]`: the schema is taken or refused with a reason; a taken one judges the value, the same way
 * twice, or gives up for depth or work; its JSON Schema is one; and the value that is read from JSON by it can be judged too. */
#include "reader/eq.h"
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/print.h"
#include "reader/read.h"
#include "runtime/flow/schema.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void bug(const char *what, const uint8_t *data, size_t n) {
  fprintf(stderr, "fuzz_schema: %s\ninput: ", what);
  fwrite(data, 1, n, stderr);
  fputc('\n', stderr);
  abort();
}

/* What ended a judgement: only bounds, patterns, and numbers that have no order may. */
static bool judged(Val r) { return is_vec(r) || same(r, SIG_DEMAND) || (same(r, SIG_THROW) && is_type(pend.ex, T_EX) && is_str(AS(Ex, pend.ex)->msg)); }

static void check(Val schema, Val v, const uint8_t *data, size_t n) {
  Val wrong = schema_wrong(schema), first = schema_problems(schema, v);
  if (!judged(first)) bug("a judgement is neither problems nor an exception with a message", data, n);
  if (is_str(wrong)) {
    if (is_vec(first)) bug("a refused schema judges", data, n);
    if (!str_n(wrong)) bug("refused without a reason", data, n);
    return;
  }
  if (is_sig(wrong)) return;
  Val again = schema_problems(schema, v), json = schema_json(schema), decoded = schema_decode(schema, v);
  if (is_vec(first) && (!is_vec(again) || !same(val_eq(first, again), TRUE_V))) bug("judged again, it differs", data, n);
  if (is_vec(first) && vec_count(first) && !str_n(schema_text(first))) bug("problems without words", data, n);
  if (!is_sig(json) && is_str(schema_wrong(json)) && !schema_is_json(schema) && !strstr((const char *)str_s(pr_str(schema)), "json-schema"))
    bug("the JSON Schema of a schema is none", data, n);
  if (!is_sig(decoded) && !judged(schema_problems(schema, decoded))) bug("the decoded value is not judged", data, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static bool started;
  if (!started) mem_init(), started = true;
  if (n > 4000) return 0;
  Val s = str_new((const char *)data, n), v = read_one(str_s(s), str_n(s), "fuzz", false);
  if (is_sig(v)) return 0;
  bool pair = is_type(v, T_VEC) && vec_count(v) == 2;
  check(pair ? vec_nth(v, 0) : v, pair ? vec_nth(v, 1) : v, data, n);
  pend.ex = NIL;
  return 0;
}
