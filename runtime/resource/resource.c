#include "resource.h"
#include "runtime/store/blobs_place.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "reader/read.h"
#include "runtime/table/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BlobStore *engine_blobs(Engine *e) {
  if (e->o.blobs) return e->o.blobs;
  if (e->blobs) return e->blobs;
  Err err;
  e->blobs = blobs_place_open(e->store, e->o.vault, &err);
  if (!e->blobs) { /* looked at when the engine was made: the database is gone under it */
    fprintf(stderr, "breyta-run: %s\n", err.msg);
    abort();
  }
  return e->blobs;
}

Val resource_uri(Val ref) {
  Val v = ref;
  if (is_map(ref)) {
    v = map_get_kw(ref, "uri");
    if (is_nil(v)) v = map_get_kw(ref, "resource-uri");
    if (is_nil(v)) v = resource_uri(map_get_kw(ref, "blob-ref")); /* the result of a persisted :http step */
  }
  return is_str(v) && str_n(v) < RESOURCE_URI_MAX && !strncmp(str_s(v), "res://", 6) ? v : NIL;
}

static void text_field(Val m, const char *key, char *out, size_t n) {
  Val v = map_get_kw(m, key);
  snprintf(out, n, "%s", is_str(v) ? str_s(v) : "");
}

bool resource_of(const DocRow *d, Resource *out) {
  Val m = snap_read_value(env_core(), d->data.p, d->data.n), size = map_get_kw(m, "size-bytes");
  if (!is_map(m) || !is_long(size)) return false;
  *out = (Resource){.size = long_of(size), .created_ms = d->at_ms, .expires_ms = d->expires_ms, .ephemeral = kw_is(map_get_kw(m, "tier"), "ephemeral")};
  snprintf(out->uri, sizeof out->uri, "%s", d->key);
  text_field(m, "sha256", out->hash, sizeof out->hash);
  text_field(m, "content-type", out->content_type, sizeof out->content_type);
  text_field(m, "filename", out->filename, sizeof out->filename);
  return blobs_hash_ok(out->hash);
}

/* What the run has stored is not to be seen before it is durable. */
static bool settle(Run *r, Err *err) {
  if (r->batch) run_submit(r, r->after);
  return store_submit_wait(r->e->store, batch_new(), err);
}

static bool doc_of(Engine *e, Run *r, const char *uri, DocRow *d, Err *err) {
  if (store_doc_get(e->store, r->workspace, RESOURCE_KIND, uri, d, err)) return true;
  if (err->code || (!r->batch && !r->inflight)) return false;
  return settle(r, err) && store_doc_get(e->store, r->workspace, RESOURCE_KIND, uri, d, err);
}

static bool missing(const char *uri, Err *err) {
  return err->code ? false : err_set(err, "not_found", "there is no resource %.300s: it was deleted, or never stored", uri);
}

static bool usable(DocRow *d, Resource *out, Err *err) {
  bool ok = resource_of(d, out), over = d->expires_ms && d->expires_ms <= now_ms();
  if (!ok) err_set(err, "not_found", "the resource %.300s is no blob", d->key);
  else if (over) err_set(err, "not_found", "the resource %.300s has expired", d->key);
  doc_row_free(d);
  return ok && !over;
}

bool resource_find(Engine *e, StepCall *c, Val ref, Resource *out, Err *err) {
  Val uri = resource_uri(ref);
  DocRow d = {0};
  err->code = NULL;
  if (is_nil(uri)) {
    Buf b = {0};
    if (is_sig(print_to(&b, ref, &print_readably))) b.n = 0;
    err_set(err, "validation", "this is no reference to a resource, a res:// URI or a map with one under :uri: %.100s", buf_cstr(&b));
    buf_free(&b);
    return false;
  }
  return doc_of(e, c->r, str_s(uri), &d, err) ? usable(&d, out, err) : missing(str_s(uri), err);
}

bool resource_look(Engine *e, const char *workspace, const char *uri, Resource *out, Err *err) {
  DocRow d = {0};
  return store_doc_get(e->store, workspace, RESOURCE_KIND, uri, &d, err) ? usable(&d, out, err) : missing(uri, err);
}

/* ---- content ---- */

static bool media(const Resource *r, const char *type) {
  size_t n = strcspn(r->content_type, "; ");
  return n == strlen(type) && !strncasecmp(r->content_type, type, n);
}

static bool json_media(const Resource *r) {
  size_t n = strcspn(r->content_type, "; ");
  return media(r, "application/json") || (n > 5 && !strncasecmp(r->content_type + n - 5, "+json", 5));
}

static Val decoded(const Resource *r, const Blob *b, Err *err) {
  Val v = ABSENT;
  if (json_media(r)) v = json_parse(b->p, b->n, err);
  else if (media(r, "application/edn")) v = read_one(b->p, b->n, r->uri, true);
  else if (!strncasecmp(r->content_type, "text/", 5)) v = str_new(b->p, b->n);
  else {
    Bytes *bytes = mem_obj_n(T_BYTES, (uint32_t)b->n);
    if (b->n) memcpy(bytes->b, b->p, b->n);
    v = from_obj(&bytes->h);
  }
  if (!is_sig(v) && !same(v, ABSENT)) return v;
  err_set(err, "validation", "the content of %.300s is not %.60s", r->uri, r->content_type);
  return ABSENT;
}

Val resource_content(Engine *e, const Resource *r, Err *err) {
  Blob b;
  int64_t most = resource_load_max(r);
  if (r->size > most) {
    err_set(err, "oversize", "Blob reference too large: %.300s has %lld bytes, at most %lld are loaded into a value", r->uri, (long long)r->size,
            (long long)most);
    return ABSENT;
  }
  if (!blobs_read(engine_blobs(e), r->hash, most, &b, err)) return resource_away(e, r, err), ABSENT;
  Val v = decoded(r, &b, err);
  blob_free(&b);
  return v;
}

static Val load_error(const Err *err, Val key) {
  return map_assoc(map_assoc(err_map(resource_error_type(err), err->msg), kw_c("key"), key), kw_c("retryable?"), FALSE_V);
}

/* The key in the address of a value that :kv holds (res://v1/ws/W/result/kv/KEY), NULL: it is none of this workspace. */
static const char *kv_key(const StepCall *c, Val uri) {
  Buf b = {0};
  buf_fmt(&b, "res://v1/ws/%s/result/kv/", c->r->workspace);
  bool is = is_str(uri) && !strncmp(str_s(uri), buf_cstr(&b), b.n);
  const char *key = is ? str_s(uri) + b.n : NULL;
  buf_free(&b);
  return key;
}

static Val kv_content(Engine *e, StepCall *c, const char *key, Err *err) {
  Val v;
  store_reads(e->store, c->r->reads);
  bool there = kv_look(e->store, c->r->workspace, key, now_ms(), &v);
  c->r->reads = store_reads(e->store, 0);
  if (there) return v;
  err_set(err, "not_found", ":kv holds nothing under %.200s: it has expired or was deleted", key);
  return ABSENT;
}

static bool load_one(Engine *e, StepCall *c, Val *input, Val key, Err *err) {
  Val ref = map_get(*input, key, NIL);
  Resource res;
  if (is_nil(ref)) {
    Buf b = {0};
    if (is_sig(print_to(&b, key, &print_readably))) b.n = 0;
    err_set(err, "validation", ":load names %.60s, which :input does not have", buf_cstr(&b));
    buf_free(&b);
    return false;
  }
  Val uri = resource_uri(ref), v = is_map(c->loaded) ? map_get(c->loaded, key, ABSENT) : ABSENT;
  if (!same(v, ABSENT)) return *input = map_assoc(*input, key, v), true;
  if (is_str(uri) && table_is_uri(str_s(uri))) v = table_ref_rows(c->r, ref, RESOURCE_LOAD_MAX, err);
  else if (kv_key(c, uri)) v = kv_content(e, c, kv_key(c, uri), err);
  else v = resource_find(e, c, ref, &res, err) ? resource_content(e, &res, err) : ABSENT;
  if (same(v, ABSENT)) return false;
  *input = map_assoc(*input, key, v);
  return true;
}

Val resource_load(Engine *e, StepCall *c, Val input, Val keys, Val *error) {
  Err err = {0};
  if (!is_vec(keys) || !is_map(input)) {
    err_set(&err, "validation", ":load is a vector of keys of :input, which has to be a map then");
    return *error = load_error(&err, NIL), ABSENT;
  }
  for (uint32_t i = 0; i < vec_count(keys); i++)
    if (!load_one(e, c, &input, vec_nth(keys, i), &err)) return *error = load_error(&err, vec_nth(keys, i)), ABSENT;
  return input;
}
