/* fuzz_testfile.c - any bytes as a test file: reading and checking must end in a file or in diagnostics, and a file that is
 * accepted must have cases that can be counted and named. Its functions are compiled, never called. */
#include "eval/expand.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "runtime/flowtest/flowtest.h"
#include "stdlib/stdlib.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void bug(const char *what, const uint8_t *data, size_t n) {
  fprintf(stderr, "fuzz_testfile: %s\ninput: ", what);
  fwrite(data, 1, n, stderr);
  fputc('\n', stderr);
  abort();
}

static void start(void) {
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  engine_init();
  mach_defaults.fuel_limit = 1000000; /* macros run while a function is compiled */
  mach_defaults.mem_limit = (uint64_t)64 << 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static bool ready;
  if (!ready) start();
  ready = true;
  char *copy = malloc(n ? n : 1);
  if (!copy) abort();
  memcpy(copy, data, n);
  Diags d = {0};
  Buf more = {0}, text = {0};
  TestFile *f = flowtest_read(copy, n, "fuzz.test.edn", false, &d, &more);
  if (!f && !d.errors) bug("refused without a reason", data, n);
  if (f && d.errors) bug("accepted with errors", data, n);
  diags_print(&d, "fuzz.test.edn", &text);
  for (size_t i = 0; f && i < flowtest_count(f); i++)
    if (!*flowtest_name(f, i)) bug("a case without a name", data, n);
  diags_free(&d);
  buf_free(&text);
  buf_free(&more);
  free(copy);
  return 0;
}
