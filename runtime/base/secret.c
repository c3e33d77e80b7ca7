/* secret.c - see secret.h. */
#include "secret.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum From { FROM_VALUE, FROM_ENV, FROM_FILE };
typedef struct Secret { char *name, *text; enum From from; } Secret;
struct SecretSet { Secret *a; size_t n, cap; SecretSource behind; };

static void wipe(char *s) {
  if (s) explicit_bzero(s, strlen(s));
  free(s);
}

static char *keep(const char *s) {
  char *p = strdup(s);
  if (!p) mem_exhausted(0);
  return p;
}

SecretSet *secret_set_new(void) {
  SecretSet *s = calloc(1, sizeof *s);
  if (!s) mem_exhausted(0);
  return s;
}

void secret_set_free(SecretSet *s) {
  if (!s) return;
  for (size_t i = 0; i < s->n; i++) {
    free(s->a[i].name);
    wipe(s->a[i].text);
  }
  free(s->a);
  free(s);
}

static Secret *find(const SecretSet *s, const char *name) {
  for (size_t i = 0; s && i < s->n; i++)
    if (!strcmp(s->a[i].name, name)) return &s->a[i];
  return NULL;
}

static bool is_behind(const SecretSet *s, const char *name) { return s && s->behind.has && s->behind.has(s->behind.ctx, name); }

bool secret_set_has(const SecretSet *s, const char *name) { return find(s, name) || is_behind(s, name); }
void secret_set_behind(SecretSet *s, SecretSource source) { s->behind = source; }

static bool spec_text(Val v, const char **out) {
  *out = is_str(v) ? str_s(v) : NULL;
  return *out && strlen(*out) == str_n(v) && str_n(v) <= SECRET_MAX_BYTES;
}

static bool read_spec(Val spec, enum From *from, const char **text) {
  *from = FROM_VALUE;
  if (!is_map(spec)) return spec_text(spec, text);
  Val env = map_get_kw(spec, "env"), file = map_get_kw(spec, "file");
  if (map_count(spec) != 1) return false;
  *from = is_nil(env) ? FROM_FILE : FROM_ENV;
  return spec_text(is_nil(env) ? file : env, text) && **text;
}

bool secret_set_add(SecretSet *s, const char *name, Val spec, Err *e) {
  enum From from;
  const char *text;
  if (!read_spec(spec, &from, &text))
    return err_set(e, "validation", "secret %.100s: write its value as a string, {\"env\": \"NAME\"} or {\"file\": \"PATH\"}", name);
  Secret *at = find(s, name);
  if (at) {
    wipe(at->text);
  } else {
    if (s->n == s->cap && !(s->a = realloc(s->a, (s->cap = s->cap * 2 + 8) * sizeof *s->a))) mem_exhausted(0);
    at = &s->a[s->n++];
    at->name = keep(name);
  }
  at->text = keep(text);
  at->from = from;
  return true;
}

/* ---- values ---- */

static bool read_all(int fd, char *buf, size_t n, size_t *got) {
  for (*got = 0; *got < n;) {
    ssize_t r = read(fd, buf + *got, n - *got);
    if (r < 0 && errno == EINTR) continue;
    if (r < 0) return false;
    if (r == 0) break;
    *got += (size_t)r;
  }
  return true;
}

/* Read anew each time: a rotated secret is used at the next step. */
static char *from_file(const Secret *x, Err *e) {
  int fd = open(x->text, O_RDONLY | O_CLOEXEC);
  size_t n = 0;
  char *buf = fd >= 0 ? malloc(SECRET_MAX_BYTES + 2) : NULL;
  bool ok = buf && read_all(fd, buf, SECRET_MAX_BYTES + 1, &n);
  int why = errno;
  if (fd >= 0) close(fd);
  if (!ok) err_set(e, "secret-unreadable", "secret %.100s: cannot read %.200s: %s", x->name, x->text, strerror(why));
  else if (n > SECRET_MAX_BYTES) ok = err_set(e, "secret-unreadable", "secret %.100s: %.200s is larger than 1 MiB", x->name, x->text);
  if (!ok) {
    if (buf) explicit_bzero(buf, n);
    free(buf);
    return NULL;
  }
  if (n && buf[n - 1] == '\n') n--;
  if (n && buf[n - 1] == '\r') n--;
  buf[n] = 0;
  return buf;
}

static char *value_of(const Secret *x, Err *e) {
  if (x->from == FROM_VALUE) return keep(x->text);
  if (x->from == FROM_FILE) return from_file(x, e);
  const char *v = getenv(x->text);
  if (v) return keep(v);
  err_set(e, "secret-unreadable", "secret %.100s: the environment has no variable %.200s", x->name, x->text);
  return NULL;
}

static const char *put_use(SecretUse **used, const char *name, char *value) {
  SecretUse *u = malloc(sizeof *u);
  if (!u) mem_exhausted(0);
  *u = (SecretUse){keep(name), value, *used};
  *used = u;
  return value;
}

const char *secret_use(const SecretSet *s, const char *name, SecretUse **used, Err *e) {
  for (const SecretUse *u = *used; u; u = u->next)
    if (!strcmp(u->name, name)) return u->value;
  const Secret *x = find(s, name);
  if (!x && !is_behind(s, name)) {
    err_set(e, "missing-binding", "there is no secret %.100s; give it with --connections FILE, under \"secrets\"", name);
    return NULL;
  }
  char *v = x ? value_of(x, e) : s->behind.get(s->behind.ctx, name, e);
  return v ? put_use(used, name, v) : NULL;
}

const char *secret_note(SecretUse **used, const char *name, const char *value) { return put_use(used, name, keep(value)); }

void secret_use_free(SecretUse *used) {
  while (used) {
    SecretUse *next = used->next;
    free(used->name);
    wipe(used->value);
    free(used);
    used = next;
  }
}

/* ---- cleaning ---- */

/* The used value that begins at p, the longest one. */
static const SecretUse *match_at(const SecretUse *used, const char *p, size_t n) {
  const SecretUse *best = NULL;
  size_t most = SECRET_MIN_REDACTED - 1;
  for (const SecretUse *u = used; u; u = u->next) {
    size_t k = strlen(u->value);
    if (k <= most || k > n || memcmp(p, u->value, k)) continue;
    best = u;
    most = k;
  }
  return best;
}

static bool holds(const SecretUse *used, const char *p, size_t n) {
  for (const SecretUse *u = used; u; u = u->next) {
    size_t k = strlen(u->value);
    if (k >= SECRET_MIN_REDACTED && k <= n && memmem(p, n, u->value, k)) return true;
  }
  return false;
}

static void put_clean(const SecretUse *used, const char *p, size_t n, Buf *out) {
  for (size_t i = 0; i < n;) {
    const SecretUse *u = match_at(used, p + i, n - i);
    if (u) buf_fmt(out, "#secret[%s]", u->name);
    else buf_ch(out, p[i]);
    i += u ? strlen(u->value) : 1;
  }
}

void secret_clean_text(const SecretUse *used, Buf *b) {
  if (!b->n || !holds(used, b->p, b->n)) return;
  Buf out = {0};
  put_clean(used, b->p, b->n, &out);
  explicit_bzero(b->p, b->n);
  buf_free(b);
  *b = out;
}

static Val clean_str(const SecretUse *used, Val v) {
  if (!holds(used, str_s(v), str_n(v))) return v;
  Buf out = {0};
  put_clean(used, str_s(v), str_n(v), &out);
  Val s = buf_str(&out);
  buf_free(&out);
  return s;
}

static Val clean_bytes(const SecretUse *used, Val v) {
  const char *p = (const char *)AS(Bytes, v)->b;
  size_t n = AS(Bytes, v)->n;
  if (!holds(used, p, n)) return v;
  Buf out = {0};
  put_clean(used, p, n, &out);
  Bytes *b = mem_obj_n(T_BYTES, (uint32_t)out.n);
  memcpy(b->b, out.p, out.n);
  buf_free(&out);
  return from_obj(b);
}

static Val clean_kw(const SecretUse *used, Val v) {
  const Kw *k = AS(Kw, v);
  bool in_ns = !is_nil(k->ns) && holds(used, str_s(k->ns), str_n(k->ns));
  return in_ns || holds(used, str_s(k->name), str_n(k->name)) ? kw_of(is_nil(k->ns) ? NIL : clean_str(used, k->ns), clean_str(used, k->name)) : v;
}

static Val clean_map(const SecretUse *used, Val m) {
  MapIter it;
  Val k, v, out = m;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    TRY(nk, secret_clean(used, k));
    TRY(nv, secret_clean(used, v));
    if (same(nk, k) && same(nv, v)) continue;
    if (!same(nk, k)) out = map_dissoc(out, k);
    out = map_assoc(out, nk, nv);
    CHECK(out);
  }
  return out;
}

static Val clean_vec(const SecretUse *used, Val v) {
  Val out = v;
  for (uint32_t i = 0; i < vec_count(v); i++) {
    TRY(x, secret_clean(used, vec_nth(v, i)));
    if (!same(x, vec_nth(v, i))) out = vec_assoc(vec_as_vec(out), i, x);
  }
  return out;
}

/* Sets, lists and seqs: made anew when an element changes. */
static Val clean_elements(const SecretUse *used, Val v) {
  ValVec xs = {0};
  CHECK(coll_into_array(v, &xs));
  bool changed = false;
  for (size_t i = 0; i < xs.n; i++) {
    TRY(x, secret_clean(used, xs.a[i]));
    changed |= !same(x, xs.a[i]);
    xs.a[i] = x;
  }
  if (!changed) return v;
  return is_set(v) ? set_from(xs.a, xs.n, false) : list_from(xs.a, xs.n);
}

Val secret_clean(const SecretUse *used, Val v) {
  if (!used || !is_ptr(v)) return v;
  if (is_str(v)) return clean_str(used, v);
  if (is_kw(v)) return clean_kw(used, v);
  if (is_type(v, T_BYTES)) return clean_bytes(used, v);
  if (is_map(v)) return clean_map(used, v);
  if (is_vec(v)) return clean_vec(used, v);
  if (is_set(v) || is_sequential(v)) return clean_elements(used, v);
  return v;
}
