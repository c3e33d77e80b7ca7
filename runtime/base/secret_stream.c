#include "secret_stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Cut { char *value, *with; size_t n, nwith; } Cut;
struct SecretStream {
  Cut *cuts;
  size_t ncuts, longest;
  bool begins[256]; /* a value begins with this byte */
  Buf held;         /* not looked at to its end yet */
};

static void cut_add(SecretStream *s, const SecretUse *u) {
  Cut *c = realloc(s->cuts, (s->ncuts + 1) * sizeof *c);
  char with[300];
  if (!c) abort();
  s->cuts = c;
  int nwith = snprintf(with, sizeof with, "#secret[%.250s]", u->name);
  c[s->ncuts] = (Cut){strdup(u->value), strdup(with), strlen(u->value), (size_t)nwith};
  if (!c[s->ncuts].value || !c[s->ncuts].with) abort();
  s->begins[(unsigned char)*u->value] = true;
  if (c[s->ncuts].n > s->longest) s->longest = c[s->ncuts].n;
  s->ncuts++;
}

SecretStream *secret_stream_new(const SecretUse *used) {
  SecretStream *s = calloc(1, sizeof *s);
  if (!s) abort();
  for (; used; used = used->next)
    if (strlen(used->value) >= SECRET_MIN_REDACTED) cut_add(s, used);
  if (s->ncuts) return s;
  free(s);
  return NULL;
}

void secret_stream_free(SecretStream *s) {
  if (!s) return;
  for (size_t i = 0; i < s->ncuts; i++) {
    explicit_bzero(s->cuts[i].value, s->cuts[i].n);
    free(s->cuts[i].value);
    free(s->cuts[i].with);
  }
  if (s->held.n) explicit_bzero(s->held.p, s->held.n);
  buf_free(&s->held);
  free(s->cuts);
  free(s);
}

/* The longest value that stands here. */
static const Cut *cut_at(const SecretStream *s, const char *p, size_t n) {
  const Cut *best = NULL;
  for (size_t i = 0; i < s->ncuts; i++) {
    const Cut *c = &s->cuts[i];
    if (c->n <= n && (!best || c->n > best->n) && !memcmp(p, c->value, c->n)) best = c;
  }
  return best;
}

/* What is held up to `until`, where a value may begin but has to be whole within what is there. */
static bool pass(SecretStream *s, size_t until, SecretPut put, void *ctx) {
  const char *p = s->held.p;
  size_t from = 0, i = 0;
  while (i < until) {
    const Cut *c = s->begins[(unsigned char)p[i]] ? cut_at(s, p + i, s->held.n - i) : NULL;
    if (!c) {
      i++;
      continue;
    }
    if ((i > from && !put(ctx, p + from, i - from)) || !put(ctx, c->with, c->nwith)) return false;
    from = i += c->n;
  }
  if (i > from && !put(ctx, p + from, i - from)) return false;
  memmove(s->held.p, s->held.p + i, s->held.n - i);
  s->held.n -= i;
  return true;
}

bool secret_stream_add(SecretStream *s, const char *p, size_t n, SecretPut put, void *ctx) {
  buf_add(&s->held, p, n);
  return s->held.n < s->longest || pass(s, s->held.n - s->longest + 1, put, ctx);
}

bool secret_stream_end(SecretStream *s, SecretPut put, void *ctx) { return !s->held.n || pass(s, s->held.n, put, ctx); }
