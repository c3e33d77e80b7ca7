/* fuzz_response.c - any bytes as the body of a response, read in every way there is (:response-as): a value that prints and
 * has a bounded number of parts, or an error with a text. The first byte picks the way, the second the charset. */
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/print.h"
#include "reader/text.h"
#include "runtime/http/http_result.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void bug(const char *what) {
  fprintf(stderr, "fuzz_response: %s\n", what);
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static const char *const types[] = {"text/plain", "application/xml; charset=iso-8859-1", "text/xml; charset=utf-16", "a/b; charset=\"utf-8\"",
                                      "application/x-yaml", "text/event-stream"};
  static bool ready;
  if (!ready) mem_init();
  ready = true;
  if (n < 2) return 0;
  char method[] = "GET", url[] = "http://h/", name[] = "content-type";
  HttpHeader h = {name, (char *)(uintptr_t)types[data[1] % 6], false};
  HttpPlan plan = {.as = (enum HttpAs)(data[0] % (HTTP_AS_YAML + 1))};
  char *body = malloc(n - 1);
  if (!body) abort();
  memcpy(body, data + 2, n - 2);
  body[n - 2] = 0;
  HttpResponse r = {.status = 200, .headers = &h, .nheaders = 1, .body = body, .nbody = n - 2, .method = method, .url = url};
  Val out = NIL;
  bool ok = http_result(&r, &plan, 0, &out, NULL);
  Val shown = is_sig(out) ? out : pr_str(out);
  if (is_sig(shown)) bug("a signal in place of a value");
  if (!ok && !is_str(map_get_kw(out, "message"))) bug("an error without a message");
  if (ok && !same(map_get_kw(out, "status"), fix(200))) bug("a result without its status");
  free(body);
  return 0;
}
