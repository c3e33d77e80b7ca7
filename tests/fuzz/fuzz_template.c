/* fuzz_template.c - any bytes as a template: parsing ends in a tree or in an error with a place inside the text; rendering ends in
 * valid UTF-8 or in an error, within its budget, and twice the same. The first byte picks the options. */
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/template/template.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void bug(const char *what, const uint8_t *data, size_t n) {
  fprintf(stderr, "fuzz_template: %s\ninput: ", what);
  fwrite(data, 1, n, stderr);
  fputc('\n', stderr);
  abort();
}

static const char shared[] =
    "{:name \"Ada <x>\" \"text\" \"é日😀\" :n 0 :x 1.5 :yes true :no false :nil nil :list [1 [2 [3]] {:a 1}] :none () :set #{1 2}"
    " :user {:name \"G\" :tags [\"a\" \"b\"] :sorted (sorted)} :people [{:name \"A\" :kids [{:name \"K\"}]} {:name \"B\" :kids []}]"
    " :inst #inst \"2024-01-01\" :q/k :a/b :sym a}";

static bool bad_place(const TemplateError *e, size_t n) { return !*e->msg || e->line < 1 || e->col < 1 || (size_t)e->line > n + 1 || (size_t)e->col > n + 1; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static Val *values;
  if (!values) {
    mem_init();
    values = mem_root(sizeof *values);
    *values = read_one(shared, sizeof shared - 1, "data", true);
    if (is_sig(*values)) bug("the data cannot be read", data, 0);
  }
  Val s = n ? str_new((const char *)data + 1, n - 1) : str_c(""); /* as strings are: valid UTF-8 */
  int pick = n ? data[0] : 0;
  Buf out[2] = {{0}, {0}};
  TemplateError e;
  Template *t = template_parse(str_s(s), str_n(s), &e);
  if (!t && bad_place(&e, str_n(s))) bug("refused without a place", data, n);
  bool ok[2] = {false, false};
  for (int i = 0; t && i < 2; i++) {
    TemplateBudget budget = {1 << 16, 20000};
    TemplateOptions o = {pick & 1, pick & 2, pick & 4, &budget};
    ok[i] = template_render(t, *values, &o, &out[i], &e);
    if (ok[i] && !utf8_valid(out[i].p, out[i].n)) bug("the text is no UTF-8", data, n);
    if (!ok[i] && bad_place(&e, str_n(s))) bug("failed without a place", data, n);
    if (ok[i] && out[i].n > 1 << 16) bug("the text is over its budget", data, n);
  }
  if (ok[0] != ok[1] || out[0].n != out[1].n || (out[0].n && memcmp(out[0].p, out[1].p, out[0].n))) bug("rendered again, it differs", data, n);
  template_free(t);
  buf_free(&out[0]);
  buf_free(&out[1]);
  return 0;
}
