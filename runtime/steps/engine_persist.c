/* engine_persist.c - results that a step keeps as resources (:persist). The bytes are on stable storage before the record that
 * names them is written (durability rule 11a): a helper thread syncs them while the step waits. */
#include "engine_index.h"
#include "engine_table.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "runtime/engine/offload.h"
#include "reader/eq.h"
#include "runtime/resource/resource.h"
#include "runtime/table/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static OffloadPool pool = OFFLOAD_POOL("blobs", 16, NULL);
typedef struct BlobJob { BlobStore *store; BlobWriter *writer; Buf bytes; BlobName name; bool ok; Err err; char content_type[256]; } BlobJob;

static Val failed(const char *type, const char *msg) { return map_assoc(err_map(type, msg), kw_c("retryable?"), FALSE_V); }
static const char *family(const StepCall *c) { return kw_text(c->type); }
static Persist options(const StepCall *c) {
  Persist p;
  Err e = {0};
  persist_read(map_get_kw(c->cfg, "persist"), family(c), false, &p, &e); /* checked when the step began */
  return p;
}

/* ---- bytes ---- */

/* As JSON when reading it gives the value again, else as EDN, which keeps every type. A signal. */
static Val encode_data(Val v, Buf *b, bool json, bool edn, const char **type) {
  Err err = {0};
  if (!edn) {
    Val s = json_print(b, v);
    if (same(s, SIG_DEMAND)) return s;
    Val back = json || is_sig(s) ? NIL : json_parse(b->p, b->n, &err);
    if (json ? !is_sig(s) : !is_sig(s) && !same(back, ABSENT) && truthy(val_eq(back, v))) return *type = "application/json", NIL;
    if (json) return s;
    b->n = 0;
  }
  *type = "application/edn";
  return print_to(b, v, &print_readably);
}

static bool names(Val content_type, const char *media) { return is_str(content_type) && strstr(str_s(content_type), media); }

/* The bytes of a value, and what they are when :content-type does not say. */
static Val encode(Val v, const Persist *p, Buf *b, const char **type) {
  *type = is_str(v) ? "text/plain; charset=utf-8" : "application/octet-stream";
  if (is_str(v)) return buf_add(b, str_s(v), str_n(v)), NIL;
  if (is_type(v, T_BYTES)) return buf_add(b, (const char *)AS(Bytes, v)->b, AS(Bytes, v)->n), NIL;
  return encode_data(v, b, names(p->content_type, "json"), names(p->content_type, "edn"), type);
}

/* ---- references ---- */

/* An id may be of any length; the number behind it keeps the address apart from others, and must not be cut off. */
static void step_part(Buf *b, const char *id) {
  enum { LONG = 120 };
  size_t from = b->n;
  char hash[65];
  resource_percent(b, id);
  if (b->n - from <= LONG) return;
  hash_sha256_hex(id, strlen(id), hash);
  b->n = from;
  buf_fmt(b, "%.32s", hash);
}

static Val uri_of(const StepCall *c) {
  Buf b = {0};
  buf_fmt(&b, "res://v1/ws/%s/result/run/", c->r->workspace);
  resource_percent(&b, c->r->run_id);
  buf_c(&b, "/step/");
  step_part(&b, id_text(c->id));
  buf_fmt(&b, "/%lld/output", (long long)c->r->steps);
  return buf_str(&b);
}

static void put_text(Val *m, const char *key, const char *text) {
  if (*text) *m = map_assoc(*m, kw_c(key), str_c(text));
}

static Val blob_ref(const Resource *r) {
  Val kv[] = {kw_c("type"), kw_c("blob"), kw_c("uri"), str_c(r->uri), kw_c("size-bytes"), int_val(r->size), kw_c("content-type"),
              str_c(r->content_type), kw_c("tier"), kw_c(r->ephemeral ? "ephemeral" : "retained"), kw_c("sha256"), str_c(r->hash)};
  Val m = map_from(kv, 6, false);
  put_text(&m, "filename", r->filename);
  return r->expires_ms ? map_assoc(m, kw_c("expires-at"), int_val(r->expires_ms)) : m;
}

static void store_resource(StepCall *c, const Resource *r, Val meta) {
  Run *run = c->r;
  Buf b = {0};
  meta = map_assoc(map_assoc(meta, kw_c("workflow-id"), str_c(run->run_id)), kw_c("step-id"), c->id);
  meta = map_assoc(map_assoc(meta, kw_c("flow-slug"), str_c(run->slug)), kw_c("resource-type"), kw_c("result"));
  Val index = map_get_kw(options(c).opts, "search-index");
  if (is_map(index)) meta = map_assoc(meta, kw_c("search-index"), index);
  if (is_sig(snap_data(&b, meta))) mem_exhausted(0); /* texts and numbers */
  DocRow d = {.workspace = run->workspace, .kind = (char *)(uintptr_t) "resource", .key = (char *)(uintptr_t)r->uri, .rev = DOC_ANY, .at_ms = r->created_ms,
              .run = run->run, .expires_ms = r->expires_ms, .data = {b.p, b.n}};
  batch_doc_put(run_batch(run), &d);
  buf_free(&b);
  index_resource(c, r, index, is_map(index) || same(map_get_kw(c->cfg, "auto-search-index?"), TRUE_V));
}

/* The reference of a blob that is durable, stored with the step's record. */
static Val keep(StepCall *c, const Persist *p, const BlobName *name, const char *content_type) {
  Resource r = {.size = name->size, .created_ms = now_ms(), .ephemeral = p->ephemeral};
  r.expires_ms = r.created_ms + (p->ephemeral ? PERSIST_EPHEMERAL_MS : PERSIST_RETAINED_MS);
  snprintf(r.uri, sizeof r.uri, "%s", str_s(uri_of(c)));
  snprintf(r.hash, sizeof r.hash, "%s", name->hash);
  snprintf(r.content_type, sizeof r.content_type, "%s", is_str(p->content_type) ? str_s(p->content_type) : content_type);
  snprintf(r.filename, sizeof r.filename, "%s", is_str(p->filename) ? str_s(p->filename) : "");
  Val ref = blob_ref(&r);
  store_resource(c, &r, ref);
  if (!p->url_ttl) return ref;
  Val url = resource_url(c->r->e, &r, c->r->workspace, now_ms() + p->url_ttl * 1000);
  return map_assoc(ref, kw_c("url"), url);
}

static const char *body_name(const StepCall *c) {
  static const char *const names[][2] = {{"http", "body"}, {"table", "content"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(family(c), names[i][0])) return names[i][1];
  if (strcmp(family(c), "ssh")) return NULL;
  return is_nil(map_get_kw(c->cfg, "download")) ? "stdout" : "content";
}

/* The part of a result that is kept: the :body of :http, the :content of an export or a download, the :stdout of a command; the rest of
 * it stays. NULL: all of it. */
static const char *body_key(const StepCall *c, Val v) {
  const char *key = body_name(c);
  return key && is_map(v) && !same(map_get(v, kw_c(key), ABSENT), ABSENT) ? key : NULL;
}
static bool has_body(const StepCall *c, Val v) { return body_key(c, v) != NULL; }
static Val body_of(const StepCall *c, Val v) { return has_body(c, v) ? map_get_kw(v, body_key(c, v)) : v; }

/* A persisted :http result keeps its status and headers. */
static Val without_body(const StepCall *c, Val result, Val ref) {
  Val omitted[] = {kw_c("type"), kw_c("omitted"), kw_c("reason"), kw_c("persisted")};
  return map_assoc(map_assoc(result, kw_c(body_name(c)), map_from(omitted, 2, false)), kw_c("blob-ref"), ref);
}

static const char *content_type_of(Val result) {
  Val headers = map_get_kw(result, "headers");
  Val v = is_map(headers) ? map_get(headers, str_c("content-type"), NIL) : map_get_kw(result, "content-type");
  return is_str(v) ? str_s(v) : NULL;
}

/* A reference to a model's answer tells what the answer took, so that it counts. */
static Val with_usage(const StepCall *c, Val value, Val ref) {
  static const char *const keys[] = {"usage", "cost"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys && !strcmp(family(c), "llm"); i++) {
    Val v = map_get_kw(value, keys[i]);
    if (!is_nil(v) && is_map(ref)) ref = map_assoc(ref, kw_c(keys[i]), v);
  }
  return ref;
}

static void resolve_kept(StepCall *c, Val v) {
  c->kept = true;
  step_resolve(c, true, v);
}

/* ---- blobs ---- */

static void write_blob(void *arg) {
  BlobJob *j = arg;
  if (j->writer) j->ok = blobs_finish(j->writer, &j->name, &j->err);
  else j->ok = blobs_put(j->store, j->bytes.p, j->bytes.n, &j->name, &j->err);
}

static void blob_written(Engine *e, uint64_t token, void *arg) {
  BlobJob *j = arg;
  StepCall *c = e ? step_by_token(e, token) : NULL;
  if (c && j->ok) {
    Val value = c->keeping;
    Persist p = options(c);
    c->keeping = NIL;
    Val ref = keep(c, &p, &j->name, j->content_type);
    resolve_kept(c, has_body(c, value) ? without_body(c, value, ref) : with_usage(c, value, ref));
  } else if (c) {
    Val m = err_map(resource_error_type(&j->err), j->err.msg);
    step_error(c, map_assoc(m, kw_c("retryable?"), bool_val(resource_error_passes(&j->err))), -1);
  }
  blobs_close(j->store);
  buf_free(&j->bytes);
  free(j);
}

static void begin_blob(StepCall *c, Val value, BlobJob is, const char *type) {
  BlobJob *j = calloc(1, sizeof *j);
  Err err = {0};
  if (!j) abort();
  *j = is;
  j->store = blobs_hold(engine_blobs(c->r->e));
  snprintf(j->content_type, sizeof j->content_type, "%s", type);
  c->keeping = value;
  c->r->phase = R_EFFECT;
  if (offload_run(&pool, c->r->e, write_blob, blob_written, j, step_token(c), &err)) return;
  write_blob(j); /* no thread: here, then */
  blob_written(c->r->e, step_token(c), j);
}

static bool keep_blob(StepCall *c, const Persist *p, Val value) {
  Buf b = {0};
  const char *type;
  Val what = body_of(c, value), s = encode(what, p, &b, &type);
  const char *own = has_body(c, value) ? content_type_of(value) : NULL;
  if (is_sig(s)) {
    buf_free(&b);
    step_error(c, failed("not-serializable", same(s, SIG_DEMAND) ? "the result to persist holds an unrealised lazy sequence" : "the result to persist has no such form"), -1);
  } else if ((int64_t)b.n > PERSIST_RETAINED_MAX) {
    buf_free(&b);
    step_error(c, failed("oversize", ":persist: a retained blob may have at most 50 MB"), -1);
  } else begin_blob(c, value, (BlobJob){.bytes = b}, own && (is_str(what) || is_type(what, T_BYTES)) ? own : type);
  return true;
}

void persist_written(StepCall *c, Val result, BlobWriter *w) { begin_blob(c, result, (BlobJob){.writer = w}, content_type_of(result)); }

void step_done_blob(Engine *e, StepCall *c, Val result, const BlobName *name, const char *content_type) {
  (void)e;
  Persist p = options(c);
  Val ref = keep(c, &p, name, content_type);
  c->kept = true;
  step_done(c->r->e, c, without_body(c, result, ref));
}

/* ---- :kv ---- */

static bool keep_kv(StepCall *c, const Persist *p, Val value) {
  Val what = body_of(c, value), key = map_get_kw(p->opts, "key"), out = NIL, error = NIL;
  Val set[] = {kw_c("operation"), kw_c("set"), kw_c("key"), key, kw_c("value"), what, kw_c("ttl"), map_get_kw(p->opts, "ttl")};
  if (!kv_step(c->r, map_from(set, is_nil(set[7]) ? 3 : 4, false), &out, &error)) {
    if (c->r->status == RUN_BLOCKED) return true;
    step_error(c, error, -1);
    return true;
  }
  Val ref[] = {kw_c("type"), kw_c("kv"), kw_c("uri"), str_fmt("res://v1/ws/%s/result/kv/%s", c->r->workspace, kw_text(key)), kw_c("key"), str_c(kw_text(key))};
  Val handle = map_from(ref, 3, false);
  resolve_kept(c, has_body(c, value) ? map_assoc(without_body(c, value, handle), kw_c("kv-ref"), handle) : with_usage(c, value, handle));
  return true;
}

/* ---- :table ---- */

/* The rows in a result: under :rows-path, else under :rows of a map that has it, else the result itself. */
static Val rows_of(const Persist *p, Val what) {
  Val path = map_get_kw(p->opts, "rows-path"), rows = map_get_kw(what, "rows");
  if (is_nil(path)) return is_sequential(rows) ? rows : what;
  for (uint32_t i = 0; is_vec(path) && i < vec_count(path); i++) what = coll_get(what, vec_nth(path, i), NIL);
  return what;
}

Val persist_rows(const StepCall *c) {
  Persist p = options(c);
  return rows_of(&p, body_of(c, c->keeping));
}

void persist_rows_kept(StepCall *c, Val handle) {
  Val value = c->keeping, omitted[] = {kw_c("type"), kw_c("omitted"), kw_c("reason"), kw_c("persisted")};
  c->keeping = NIL;
  resolve_kept(c, has_body(c, value) ? map_assoc(map_assoc(value, kw_c(body_key(c, value)), map_from(omitted, 2, false)), kw_c("resource-ref"), handle)
                                     : with_usage(c, value, handle));
}

void persist_rows_here(StepCall *c) {
  Val handle = NIL, error = NIL;
  Run *r = c->r;
  if (table_persist(r, options(c).opts, persist_rows(c), &handle, &error)) {
    persist_rows_kept(c, handle);
    table_leave(r); /* another run that comes next must see the rows */
    return;
  }
  if (r->status != RUN_BLOCKED) step_error(c, error, -1);
}

static bool keep_table(StepCall *c, Val value) {
  c->keeping = value;
  if (is_nil(persist_rows(c)))
    step_error(c, failed("validation", ":persist of type :table found no rows: :rows-path says where in the result they are"), -1);
  else if (!table_far_begin(c)) persist_rows_here(c);
  return true;
}

bool persist_begin(StepCall *c, Val value) {
  if (c->kept || is_nil(map_get_kw(c->cfg, "persist"))) return false;
  Persist p = options(c);
  switch (p.type) {
  case PERSIST_BLOB: return keep_blob(c, &p, value);
  case PERSIST_KV: return keep_kv(c, &p, value);
  case PERSIST_TABLE: return keep_table(c, value);
  case PERSIST_NONE: break;
  }
  return false;
}
