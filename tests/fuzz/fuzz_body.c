/* fuzz_body.c - any bytes as a multipart body and as a cron expression. Parts lie within the text, one behind the other, and what a boundary
 * parts is said to be a part only once; a cron that is taken has times that grow. The first byte picks which. */
#include "runtime/base/cron.h"
#include "runtime/base/multipart.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void bug(const char *what) {
  fprintf(stderr, "fuzz_body: %s\n", what);
  abort();
}

typedef struct Seen {
  const char *p, *end;
} Seen;

static bool part(void *ctx, const MultipartPart *m) {
  Seen *s = ctx;
  if (m->body < s->p || m->body + m->n > s->end) bug("a part outside of the text, or on top of another");
  if (!*m->name || strlen(m->name) >= sizeof m->name || strpbrk(m->filename, "/\\\r\n")) bug("a name that is none");
  s->p = m->body + m->n;
  return true;
}

static void multipart(const char *p, size_t n) {
  Seen s = {p, p + n};
  Err e = {0};
  if (!multipart_parse("multipart/form-data; boundary=XX", p, n, part, &s, &e) && !e.code) bug("refused without a reason");
}

static void cron(const char *p, size_t n) {
  char text[200];
  Cron c;
  Err e = {0};
  snprintf(text, sizeof text, "%.*s", (int)(n < 190 ? n : 190), p);
  if (!cron_parse(text, &c, &e)) {
    if (!e.code) bug("refused without a reason");
    return;
  }
  int64_t at = 1790000000000;
  for (int i = 0; i < 5; i++) {
    int64_t next = cron_next(&c, tz_get("Europe/Berlin"), at);
    if (next <= at) bug("a time that is not later");
    if (next == INT64_MAX) return;
    at = next;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  if (!n) return 0;
  char *exact = malloc(n); /* so that ASan sees a byte too many */
  if (!exact) abort();
  memcpy(exact, data + 1, n - 1);
  (data[0] & 1 ? cron : multipart)(exact, n - 1);
  free(exact);
  return 0;
}
