/* fuzz_include.c - any bytes as the text of a flow with includes of a few files (nested, in circles, missing): expanding ends in a text
 * or in one diagnostic with a place, a text without includes stays as it is, what was expanded includes nothing more, and positions of
 * the result can be asked for. Reading what came out must not crash. */
#include "eval/expand.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "runtime/engine/engine.h"
#include "runtime/flow/flow_include.h"
#include "stdlib/stdlib.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char folder[] = "/tmp/fuzz-include-XXXXXX", path[64];
static const char *const files[][2] = {{"a", "1 2 ; end"}, {"b", "[#flow/include \"a\" #_ #flow/include \"no\"]"}, {"c", "#flow/include \"c\""}, {"d", "(\n"}};

static void bug(const char *what, const uint8_t *data, size_t n) {
  fprintf(stderr, "fuzz_include: %s\ninput: ", what);
  fwrite(data, 1, n, stderr);
  fputc('\n', stderr);
  abort();
}

static void gone(void) {
  char name[96];
  for (size_t i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s/%s", folder, files[i][0]);
    unlink(name);
  }
  unlink(path);
  rmdir(folder);
}

static void start(void) {
  char name[96];
  mem_init();
  stdlib_register();
  if (!builtin_find("clojure.core/let")) builtin_register(rows_macros);
  env_register();
  engine_init();
  mach_defaults.fuel_limit = 1000000;
  mach_defaults.mem_limit = (uint64_t)64 << 20;
  if (!mkdtemp(folder)) abort();
  for (size_t i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s/%s", folder, files[i][0]);
    FILE *f = fopen(name, "w");
    if (!f || fputs(files[i][1], f) < 0 || fclose(f)) abort();
  }
  snprintf(path, sizeof path, "%s/t.edn", folder);
  FILE *f = fopen(path, "w");
  if (f) fclose(f);
  atexit(gone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static bool ready;
  if (!ready) start();
  ready = true;
  char *copy = malloc(n ? n : 1);
  if (!copy) abort();
  memcpy(copy, data, n);
  Diags d = {0};
  Buf out = {0};
  bool ok = flow_include(copy, n, path, &d, &out);
  if (ok == (d.errors > 0) || d.n > 1) bug("refused without a reason, or accepted with one", data, n);
  if (!ok && (d.a[0].line < 1 || d.a[0].col < 1)) bug("an error without a place", data, n);
  if (ok && !memmem(copy, n, "#flow/include", 13) && (out.n != n || (n && memcmp(out.p, copy, n)))) bug("a text without includes was changed", data, n);
  diags_free(&d);
  if (ok) {
    flowdef_read(buf_cstr(&out), out.n, path, &d);
    for (size_t i = 0; i < d.n; i++)
      if (d.a[i].line < 0) bug("a position in front of the file", data, n);
    diags_free(&d);
  }
  buf_free(&out);
  free(copy);
  return 0;
}
