/* trigger_body.c - see trigger_body.h */
#include "trigger_body.h"
#include "runtime/base/json.h"
#include "runtime/base/multipart.h"
#include "runtime/resource/persist.h"
#include "reader/eq.h"
#include "reader/text.h"
#include "runtime/resource/resource.h"
#include "runtime/store/snapshot.h"
#include "runtime/wait/wait_answer.h"
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- what it is -------------------------------------------------------------------------------------------------------------------------- */
static bool is_type_of(const char *have, const char *want) {
  size_t n = strlen(want);
  return have && !strncasecmp(have, want, n) && strchr("; \t", have[n]);
}

static const char *content_type(const ListenRequest *r) { return listener_header(r, "content-type"); }

static bool suffix(const char *type, const char *end) { /* application/soap+xml; charset=utf-8 */
  size_t n = type ? strcspn(type, "; \t") : 0, k = strlen(end);
  return n > k && !strncasecmp(type + n - k, end, k);
}

static bool is_json(const char *t) { return !t || is_type_of(t, "application/json") || suffix(t, "+json"); }
static bool is_form(const char *t) { return is_type_of(t, "application/x-www-form-urlencoded"); }
static bool is_text(const ListenRequest *r) {
  const char *t = content_type(r);
  bool text = t && (!strncasecmp(t, "text/", 5) || is_type_of(t, "application/xml") || suffix(t, "+xml"));
  return text && r->nbody <= HOOK_TEXT_MAX && utf8_valid(r->body, r->nbody);
}

bool hook_body_slow(const ListenRequest *r) {
  const char *t = content_type(r);
  return r->nbody && (multipart_is(t) || !(is_json(t) || is_form(t) || is_text(r)));
}

/* --- taken apart ------------------------------------------------------------------------------------------------------------------------- */
typedef struct Taking {
  const char *workspace;
  BlobStore *blobs;
  HookBody *out;
  Err *e;
} Taking;

static HookPart *add(HookBody *b, const char *name) {
  b->a = realloc(b->a, (b->n + 1) * sizeof *b->a);
  if (!b->a) abort();
  HookPart *p = &b->a[b->n++];
  *p = (HookPart){.name = strdup(name)};
  if (!p->name) abort();
  return p;
}

static bool take_file(const Taking *t, HookPart *p, const char *body, size_t n) {
  uint8_t id[16];
  p->blob.size = (int64_t)n;
  if (!t->blobs) return true;
  if (RAND_bytes(id, sizeof id) != 1) return err_set(t->e, "no_entropy", "the system gives no random numbers");
  int at = snprintf(p->uri, sizeof p->uri, "res://v1/ws/%s/upload/", t->workspace);
  for (size_t i = 0; i < sizeof id; i++) at += snprintf(p->uri + at, sizeof p->uri - (size_t)at, "%02x", id[i]);
  p->expires_ms = now_ms() + (p->ephemeral ? PERSIST_EPHEMERAL_MS : PERSIST_RETAINED_MS);
  return blobs_put(t->blobs, body, n, &p->blob, t->e);
}

static bool take_part(void *ctx, const MultipartPart *m) {
  Taking *t = ctx;
  HookPart *p = add(t->out, m->name);
  if (m->file) {
    snprintf(p->filename, sizeof p->filename, "%s", m->filename);
    snprintf(p->type, sizeof p->type, "%s", *m->type ? m->type : "application/octet-stream");
    return take_file(t, p, m->body, m->n);
  }
  t->out->fields += m->n;
  if (t->out->fields > HOOK_FIELDS_MAX) return err_set(t->e, "too_large", "multipart: the fields that are no files have over 4 MiB together");
  if (!utf8_valid(m->body, m->n)) return err_set(t->e, "bad_request", "multipart: the field %.100s is no UTF-8 text", m->name);
  p->ntext = m->n;
  p->text = malloc(m->n + 1);
  if (!p->text) abort();
  memcpy(p->text, m->body, m->n);
  p->text[m->n] = 0;
  return true;
}

static bool take_raw(Taking *t, const ListenRequest *r) {
  const char *type = content_type(r);
  bool mail = is_type_of(type, "message/rfc822");
  HookPart *p = add(t->out, mail ? "email" : "");
  snprintf(p->type, sizeof p->type, "%s", type && *type ? type : "application/octet-stream");
  if (!utf8_valid(p->type, strlen(p->type))) snprintf(p->type, sizeof p->type, "application/octet-stream"); /* or it was cut */
  p->ephemeral = mail;
  return take_file(t, p, r->body, r->nbody);
}

bool hook_body_take(const ListenRequest *r, const char *workspace, BlobStore *blobs, HookBody *out, Err *e) {
  Taking t = {workspace, blobs, out, e};
  const char *type = content_type(r);
  *out = (HookBody){.json = is_json(type), .form = is_form(type), .parts = multipart_is(type)};
  if (!hook_body_slow(r)) return true;
  return multipart_is(type) ? multipart_parse(type, r->body, r->nbody, take_part, &t, e) : take_raw(&t, r);
}

void hook_body_free(HookBody *b) {
  for (size_t i = 0; i < b->n; i++) {
    free(b->a[i].name);
    free(b->a[i].text);
  }
  free(b->a);
  *b = (HookBody){0};
}

/* --- as a value -------------------------------------------------------------------------------------------------------------------------- */
static Val reference(const HookPart *p) {
  ValVec m = {0};
  bool kept = *p->uri;
  api_put(&m, "type", kw_c("blob"));
  if (kept) api_put_text(&m, "uri", p->uri);
  api_put(&m, "size-bytes", int_val(p->blob.size));
  api_put_text(&m, "content-type", p->type);
  if (*p->filename) api_put_text(&m, "filename", p->filename);
  if (!kept) return api_map(&m);
  api_put(&m, "tier", kw_c(p->ephemeral ? "ephemeral" : "retained"));
  api_put_text(&m, "sha256", p->blob.hash);
  api_put(&m, "expires-at", int_val(p->expires_ms));
  return api_map(&m);
}

static Val key_of(const char *name) {
  size_t n = strlen(name);
  return json_keyword_like(name, n) ? kw_parse(name, n) : str_c(name);
}

static bool named(Val declared, Val key) {
  Val name = map_get_kw(declared, "name");
  const char *s = is_kw(name) ? kw_text(name) : is_str(name) ? str_s(name) : "";
  return same(val_eq(key_of(s), key), TRUE_V);
}

static Val declared_of(Val inputs, Val key) {
  for (uint32_t i = 0; is_vec(inputs) && i < vec_count(inputs); i++)
    if (named(vec_nth(inputs, i), key)) return vec_nth(inputs, i);
  return NIL;
}

static bool declared_is(Val declared, const char *type) {
  Val t = map_get_kw(declared, "type");
  return kw_is(t, type) || str_eq_c(t, type);
}

/* The one input that wants a file, for a body that is one. */
static Val file_input(Val inputs) {
  static const char *const types[] = {"file", "blob", "blob-ref", "resource"};
  Val found = NIL;
  for (uint32_t i = 0; is_vec(inputs) && i < vec_count(inputs); i++)
    for (size_t k = 0; k < 4; k++) {
      if (!declared_is(vec_nth(inputs, i), types[k])) continue;
      if (!is_nil(found)) return kw_c("body");
      found = map_get_kw(vec_nth(inputs, i), "name");
    }
  return is_nil(found) ? kw_c("body") : is_kw(found) ? found : key_of(is_str(found) ? str_s(found) : "body");
}

/* A text of a form as what is declared; what cannot be that stays a text, for the check of inputs to refuse. */
static Val meant(Val declared, Val text) {
  Err e = {0};
  if (!is_str(text)) return text;
  bool number = declared_is(declared, "number"), json = declared_is(declared, "json");
  bool truth = declared_is(declared, "boolean") || declared_is(declared, "checkbox");
  if (truth && (str_eq_c(text, "true") || str_eq_c(text, "on") || str_eq_c(text, "false"))) return str_eq_c(text, "false") ? FALSE_V : TRUE_V;
  Val v = number || json ? json_parse(str_s(text), str_n(text), &e) : ABSENT;
  return same(v, ABSENT) || is_sig(v) || (number && !is_num(v)) ? text : v;
}

static void put_field(Val *m, Val inputs, Val key, Val v) {
  Val declared = declared_of(inputs, key), was = map_get(*m, key, ABSENT);
  v = meant(declared, v);
  bool several = !same(was, ABSENT), list = truthy(map_get_kw(declared, "multiple"));
  if (several && is_vec(was)) v = vec_conj(was, v);
  else if (several) v = vec_from((Val[]){was, v}, 2);
  else if (list && !is_vec(v)) v = vec_from(&v, 1);
  *m = map_assoc(*m, key, v);
}

static Val of_parts(const HookBody *b, Val inputs) {
  Val m = map_empty;
  for (size_t i = 0; i < b->n; i++) {
    const HookPart *p = &b->a[i];
    put_field(&m, inputs, *p->name ? key_of(p->name) : file_input(inputs), p->text ? str_new(p->text, p->ntext) : reference(p));
  }
  return m;
}

static Val of_form(Val form, Val inputs) {
  MapIter it;
  Val m = map_empty, k, v;
  for (map_iter(&it, form); map_next(&it, &k, &v);) put_field(&m, inputs, k, v);
  return m;
}

static Val body_of(const HookBody *b, const ListenRequest *r, Val inputs, Err *e) {
  Val v;
  if (!r->nbody) return map_empty;
  if (b->n || b->parts) return of_parts(b, inputs);
  if (b->form || b->json) {
    if (!wait_body(r, &v, e)) return ABSENT;
    if (b->form) return is_map(v) ? of_form(v, inputs) : (err_set(e, "bad_request", "the form is malformed"), ABSENT);
    if (is_map(v)) return v;
  } else {
    v = str_new(r->body, r->nbody);
  }
  return map_assoc(map_empty, kw_c("body"), v);
}

/* --- the request itself ------------------------------------------------------------------------------------------------------------------ */
static bool auth_names(Val auth, const char *key, const char *otherwise, const char *name) {
  Val v = map_get_kw(auth, key);
  return !strcasecmp(is_str(v) ? str_s(v) : is_kw(v) ? kw_text(v) : otherwise, name);
}

/* What proves who sent it is nobody's business: it would stand in the journal. */
static bool credential(Val auth, const char *name) {
  static const char *const always[] = {"authorization", "proxy-authorization", "cookie", "x-api-key", "x-signature"};
  for (size_t i = 0; i < sizeof always / sizeof *always; i++)
    if (!strcmp(name, always[i])) return true;
  return auth_names(auth, "header", "", name) || auth_names(auth, "signature-header", "", name) || auth_names(auth, "param", "token", name);
}

static Val pairs(const ListenPair *a, size_t n, Val auth) {
  Val m = map_empty;
  for (size_t i = 0; i < n; i++)
    if (!credential(auth, a[i].name) && utf8_valid(a[i].value, strlen(a[i].value)) && utf8_valid(a[i].name, strlen(a[i].name)))
      m = map_assoc(m, str_c(a[i].name), str_c(a[i].value));
  return m;
}

static Val request_map(const ListenRequest *r, Val auth) {
  ValVec m = {0};
  api_put_text(&m, "method", r->method);
  api_put_text(&m, "path", r->key);
  api_put(&m, "headers", pairs(r->headers, r->nheaders, auth));
  api_put(&m, "query", pairs(r->query, r->nquery, auth));
  api_put(&m, "received-at", int_val(r->received_ms));
  return api_map(&m);
}

Val hook_body_input(const HookBody *b, const ListenRequest *r, Val inputs, Val auth, Err *e) {
  Val v = body_of(b, r, inputs, e);
  return same(v, ABSENT) ? v : map_assoc(v, kw_new("flow", "request"), request_map(r, auth));
}

void hook_body_store(const HookBody *b, Batch *batch, const char *workspace, const char *slug, const RunRow *row) {
  for (size_t i = 0; i < b->n; i++) {
    const HookPart *p = &b->a[i];
    if (!*p->uri) continue;
    Buf data = {0};
    Val meta = map_assoc(map_assoc(reference(p), kw_c("flow-slug"), str_c(slug)), kw_c("resource-type"), kw_c("upload"));
    if (row) meta = map_assoc(meta, kw_c("workflow-id"), str_c(row->run_id));
    if (is_sig(snap_data(&data, meta))) abort(); /* texts and numbers */
    DocRow d = {.workspace = (char *)(uintptr_t)workspace, .kind = (char *)(uintptr_t)RESOURCE_KIND, .key = (char *)(uintptr_t)p->uri,
                .rev = DOC_NEW, .at_ms = now_ms(), .run = row ? row->run : 0, .expires_ms = p->expires_ms, .data = {data.p, data.n}};
    batch_doc_put(batch, &d);
    buf_free(&data);
  }
}
