/* http_payload.c - the body of a request (http_build.h says which there are). */
#include "reader/ex.h"
#include "reader/seq.h"
#include "http_build_int.h"
#include "runtime/base/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- one value ---- */

/* v as JSON into t; false: it has no JSON form, which is now a problem (`what` begins it). */
static Val json_text_of(Build *b, const char *what, Val v, Buf *t) {
  Val r = json_print(t, v);
  if (same(r, SIG_THROW)) { /* a problem among the others */
    Val ex = pend.ex;
    build_problem(b, str_s(str_fmt("%s %s", what, is_str(AS(Ex, ex)->msg) ? str_s(AS(Ex, ex)->msg) : "cannot be written")));
    t->n = 0;
    return NIL;
  }
  return r;
}

static void take_body(Build *b, Buf *t) {
  b->req->nbody = t->n;
  b->req->body = buf_cstr(t); /* the buffer's memory is the request's now */
}

static Val body_json(Build *b, Val v, const char **mime) {
  Buf t = {0};
  *mime = "application/json";
  Val r = json_text_of(b, ":json", v, &t);
  if (is_sig(r)) return buf_free(&t), r;
  take_body(b, &t);
  return NIL;
}

static void add_form(Build *b, Val key, Val text) {
  if (b->form.n) buf_ch(&b->form, '&');
  build_add_pair(&b->form, key, text, true);
}

static Val body_form(Build *b, Val v, const char **mime) {
  *mime = "application/x-www-form-urlencoded";
  if (!is_map(v)) return build_problem_val(b, ":form is ", v, "; use a map such as {:name \"x\"}"), NIL;
  Val r = build_each_pair(b, ":form has ", v, add_form);
  if (is_sig(r)) return buf_free(&b->form), r;
  take_body(b, &b->form);
  return NIL;
}

/* The bytes of a string or byte array; false: it is neither. */
static bool raw_bytes(Val v, Buf *t, const char **mime) {
  if (is_type(v, T_BYTES)) {
    *mime = "application/octet-stream";
    buf_add(t, (const char *)AS(Bytes, v)->b, AS(Bytes, v)->n);
    return true;
  }
  *mime = "text/plain; charset=utf-8";
  if (is_str(v)) buf_add(t, str_s(v), str_n(v));
  return is_str(v);
}

static Val body_raw(Build *b, Val v, const char **mime) {
  Buf t = {0};
  if (!raw_bytes(v, &t, mime)) return build_problem_val(b, ":body is ", v, "; use a string, or :json / :form for maps"), NIL;
  take_body(b, &t);
  return NIL;
}

/* ---- resources ---- */

/* "res://..", a map with such a :uri or :resource-uri, or a persisted result with one under :blob-ref. */
static bool ref_shaped(Val ref) {
  if (is_str(ref)) return !strncmp(str_s(ref), "res://", 6);
  if (!is_map(ref)) return false;
  Val uri = map_get_kw(ref, "uri"), other = map_get_kw(ref, "resource-uri"), blob = map_get_kw(ref, "blob-ref");
  return is_map(blob) ? ref_shaped(blob) : is_str(uri) ? ref_shaped(uri) : is_str(other) && ref_shaped(other);
}

static void ref_refused(Build *b, const char *what, Val ref, const Err *e) {
  Buf t = {0};
  buf_fmt(&t, ": %s", e->msg);
  b->type = e->code ? e->code : "validation";
  build_problem_val(b, what, ref, buf_cstr(&t));
  buf_free(&t);
}

/* What a ref names, open; false: it is a problem, or there is nothing to open it with (then r->fd is -1 and all is well). */
static bool ref_open(Build *b, const char *what, Val ref, HttpRef *r) {
  Err e = {0};
  *r = (HttpRef){.fd = -1};
  if (!ref_shaped(ref)) {
    build_problem_val(b, what, ref, "; use what a step with :persist returned (its :blob-ref), or a \"res://..\" text");
    return false;
  }
  if (!b->refs) return false;
  if (b->refs->open(b->refs->ctx, ref, r, &e)) {
    if (r->content_type && !build_mime(str_c(r->content_type))) { /* whoever wrote it: it cannot add a header */
      free(r->content_type);
      r->content_type = NULL;
    }
    return true;
  }
  ref_refused(b, what, ref, &e);
  return false;
}

static void ref_done(HttpRef *r) {
  free(r->content_type);
  free(r->filename);
}

static Val body_from_ref(Build *b, Val ref, const char **mime) {
  HttpRef r;
  if (!ref_open(b, ":body-from-ref is ", ref, &r)) return NIL;
  *mime = "application/octet-stream";
  if (r.content_type) {
    Val kept = str_c(r.content_type); /* lives as long as the build */
    vv_push(&b->texts, kept);
    *mime = str_s(kept);
  }
  b->req->stream = http_body_new();
  http_body_file(b->req->stream, r.fd, 0, r.size);
  ref_done(&r);
  return NIL;
}

/* ---- multipart/form-data, RFC 7578 ---- */

typedef struct Part {
  Val map;
  char what[48]; /* ":multipart part 2" */
  const char *mime;
  Buf inline_bytes;
  HttpRef ref;
} Part;

static Val part_get(const Part *p, const char *key) { return map_get_kw(p->map, key); }

static void part_problem(Build *b, const Part *p, const char *says) {
  Buf t = {0};
  buf_fmt(&t, "%s %s", p->what, says);
  build_problem(b, buf_cstr(&t));
  buf_free(&t);
}

static void part_problem_val(Build *b, const Part *p, const char *says, Val v, const char *after) {
  Buf t = {0};
  buf_fmt(&t, "%s %s", p->what, says);
  build_problem_val(b, buf_cstr(&t), v, after);
  buf_free(&t);
}

/* A name inside double quotes, as browsers write it: what would end it or the line is percent-encoded. */
static void quoted(Buf *t, const char *s, size_t n) {
  buf_ch(t, '"');
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c == '"' || c < ' ' || c == 0x7f) buf_fmt(t, "%%%02X", c);
    else buf_ch(t, (char)c);
  }
  buf_ch(t, '"');
}

static Val part_value(Build *b, Part *p) {
  Val v = part_get(p, "value");
  TRY(t, json_scalar_text(v));
  if (same(t, ABSENT)) return part_problem_val(b, p, "has the :value ", v, "; use a string, number, keyword or boolean, or :json"), NIL;
  buf_add(&p->inline_bytes, str_s(t), str_n(t));
  return NIL;
}

static Val part_body(Build *b, Part *p) {
  Val v = part_get(p, "body");
  if (!raw_bytes(v, &p->inline_bytes, &p->mime)) part_problem_val(b, p, "has the :body ", v, "; use a string or bytes, or :json");
  if (is_str(v) && is_nil(part_get(p, "filename"))) p->mime = NULL; /* a field's text */
  return NIL;
}

static Val part_json(Build *b, Part *p) {
  Buf what = {0};
  buf_fmt(&what, "%s :json", p->what);
  p->mime = "application/json";
  Val r = json_text_of(b, buf_cstr(&what), part_get(p, "json"), &p->inline_bytes);
  buf_free(&what);
  return r;
}

static Val part_ref(Build *b, Part *p) {
  Buf what = {0};
  buf_fmt(&what, "%s has the :from-ref ", p->what);
  p->mime = "application/octet-stream";
  if (ref_open(b, buf_cstr(&what), part_get(p, "from-ref"), &p->ref) && p->ref.content_type) p->mime = p->ref.content_type;
  buf_free(&what);
  return NIL;
}

static Val part_content(Build *b, Part *p) {
  static const struct { const char *key; Val (*f)(Build *b, Part *p); } kinds[] = {
      {"value", part_value}, {"body", part_body}, {"json", part_json}, {"from-ref", part_ref}};
  int found = -1, n = 0;
  for (int i = 0; i < 4; i++)
    if (!same(map_get(p->map, kw_c(kinds[i].key), ABSENT), ABSENT)) found = i, n++;
  if (n != 1) return part_problem(b, p, "needs its content: exactly one of :value, :body, :json and :from-ref"), NIL;
  return kinds[found].f(b, p);
}

static void part_keys(Build *b, const Part *p) {
  static const char *const known[] = {"name", "filename", "content-type", "value", "body", "json", "from-ref"};
  MapIter it;
  Val k, v;
  map_iter(&it, p->map);
  while (map_next(&it, &k, &v)) {
    bool ok = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) ok = ok || kw_is(k, known[i]);
    if (!ok) part_problem_val(b, p, "has ", k, "; it takes :name :filename :content-type and :value, :body, :json or :from-ref");
  }
}

/* Name, filename and type of a part as header lines. */
static void part_head(Build *b, Part *p, Buf *t) {
  Val name = part_get(p, "name"), file = part_get(p, "filename"), type = part_get(p, "content-type");
  if (is_kw(name)) name = AS(Kw, name)->name;
  if (!is_str(name) || !str_n(name)) return part_problem(b, p, "needs :name, a text");
  if (!is_nil(file) && !is_str(file)) return part_problem_val(b, p, "has the :filename ", file, "; use a text");
  if (!is_nil(type) && !(p->mime = build_mime(type))) return part_problem_val(b, p, "has the :content-type ", type, "; use a MIME type such as \"text/csv\"");
  buf_c(t, "Content-Disposition: form-data; name=");
  quoted(t, str_s(name), str_n(name));
  if (is_str(file) || p->ref.filename) {
    buf_c(t, "; filename=");
    if (is_str(file)) quoted(t, str_s(file), str_n(file));
    else quoted(t, p->ref.filename, strlen(p->ref.filename));
  }
  if (p->mime) buf_fmt(t, "\r\nContent-Type: %s", p->mime);
  buf_c(t, "\r\n\r\n");
}

static Val add_part(Build *b, Part *p, Buf *t, const char *boundary) {
  buf_fmt(t, "--%s\r\n", boundary);
  part_keys(b, p);
  CHECK(part_content(b, p));
  part_head(b, p, t);
  http_body_mem(b->req->stream, t->p, t->n);
  t->n = 0;
  if (p->ref.fd >= 0) http_body_file(b->req->stream, p->ref.fd, 0, p->ref.size);
  else http_body_mem(b->req->stream, p->inline_bytes.p ? p->inline_bytes.p : "", p->inline_bytes.n);
  buf_c(t, "\r\n");
  return NIL;
}

static Val add_parts(Build *b, Val parts, const char *boundary, Buf *t) {
  Val s = seq_of(parts), r = NIL;
  for (int i = 1; !is_nil(s) && !is_sig(s) && is_nil(r); i++, s = seq_next(s)) {
    TRY(m, seq_first(s));
    Part p = {.map = m, .ref = {.fd = -1}};
    snprintf(p.what, sizeof p.what, ":multipart part %d", i);
    if (is_map(m)) r = add_part(b, &p, t, boundary);
    else part_problem_val(b, &p, "is ", m, "; use a map such as {:name \"file\" :filename \"a.txt\" :body \"..\"}");
    buf_free(&p.inline_bytes);
    ref_done(&p.ref);
  }
  return is_sig(r) ? r : s;
}

/* 128 random bits: nobody who writes a part can know what ends it. */
static void new_boundary(char out[48]) {
  unsigned char r[16];
  if (getrandom(r, sizeof r, 0) != sizeof r) abort();
  strcpy(out, "breyta-");
  for (size_t i = 0; i < sizeof r; i++) snprintf(out + 7 + 2 * i, 3, "%02x", r[i]);
}

static Val body_multipart(Build *b, Val parts, const char **mime) {
  char boundary[48];
  Buf t = {0};
  if (!is_sequential(parts) || is_nil(seq_of(parts)))
    return build_problem_val(b, ":multipart is ", parts, "; use a vector of parts such as [{:name \"file\" :filename \"a.txt\" :body \"..\"}]"), NIL;
  new_boundary(boundary);
  b->req->stream = http_body_new();
  Val r = add_parts(b, parts, boundary, &t);
  buf_fmt(&t, "--%s--\r\n", boundary);
  http_body_mem(b->req->stream, t.p, t.n);
  buf_free(&t);
  Val type = str_fmt("multipart/form-data; boundary=%s", boundary);
  vv_push(&b->texts, type);
  *mime = str_s(type);
  return r;
}

/* ---- which ---- */

Val build_body(Build *b, const char **mime) {
  static const struct { const char *key; Val (*f)(Build *b, Val v, const char **mime); } kinds[] = {
      {"json", body_json}, {"form", body_form}, {"multipart", body_multipart}, {"body-from-ref", body_from_ref}, {"body", body_raw}};
  int found = -1;
  for (int i = 0; i < 5; i++) {
    if (!build_has(b, kinds[i].key) || (i && is_nil(build_get(b, kinds[i].key)))) continue; /* :json nil is the body `null` */
    if (found < 0) found = i;
    else if (found || strcmp(kinds[i].key, "body")) {
      Buf t = {0};
      buf_fmt(&t, "there are both :%s and :%s; use one", kinds[found].key, kinds[i].key);
      build_problem(b, buf_cstr(&t));
      buf_free(&t);
      return NIL;
    }
  }
  return found < 0 ? NIL : kinds[found].f(b, build_get(b, kinds[found].key), mime);
}
