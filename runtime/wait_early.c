/* wait_early.c - see wait_early.h. */
#include "wait_early.h"
#include "engine_int.h"
#include "eval/unit.h"
#include "wait_spec.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- a request as data and back ---- */

static Val bytes_val(const char *p, size_t n) {
  Bytes *b = mem_obj_n(T_BYTES, (uint32_t)n);
  if (n) memcpy(b->b, p, n);
  return from_obj(b);
}

/* Names and values one after the other; header values may be any bytes. */
static Val pairs_val(const ListenPair *a, size_t n) {
  ValVec out = {0};
  for (size_t i = 0; i < n; i++) {
    vv_push(&out, bytes_val(a[i].name, strlen(a[i].name)));
    vv_push(&out, bytes_val(a[i].value, strlen(a[i].value)));
  }
  return vec_from(out.a, out.n);
}

static bool early_pack(const ListenRequest *r, Val payload, Buf *out) {
  Val v;
  if (r) {
    Val kv[] = {kw_c("headers"), pairs_val(r->headers, r->nheaders), kw_c("query"), pairs_val(r->query, r->nquery),
                kw_c("body"), bytes_val(r->body ? r->body : "", r->nbody), kw_c("peer"), str_c(r->peer)};
    v = map_from(kv, 4, false);
  } else {
    Val kv[] = {kw_c("payload"), payload};
    v = map_from(kv, 1, false);
  }
  return !is_sig(snap_data(out, v));
}

static char *dup_bytes(Val v) {
  size_t n = is_type(v, T_BYTES) ? AS(Bytes, v)->n : 0;
  char *s = malloc(n + 1);
  if (!s) abort();
  if (n) memcpy(s, AS(Bytes, v)->b, n);
  s[n] = 0;
  return s;
}

static ListenPair *pairs_of(Val v, size_t *n) {
  *n = is_vec(v) ? vec_count(v) / 2 : 0;
  ListenPair *a = calloc(*n + 1, sizeof *a);
  if (!a) abort();
  for (uint32_t i = 0; i < *n; i++) a[i] = (ListenPair){dup_bytes(vec_nth(v, 2 * i)), dup_bytes(vec_nth(v, 2 * i + 1))};
  return a;
}

static bool early_unpack(const InboxRow *row, const char *name, Early *x) {
  Val v = snap_read_value(env_core(), row->body.p, row->body.n);
  *x = (Early){NULL, NIL};
  if (!is_map(v)) return false;
  x->payload = map_get(v, kw_c("payload"), ABSENT);
  if (!same(x->payload, ABSENT)) return true;
  Val body = map_get_kw(v, "body"), peer = map_get_kw(v, "peer");
  ListenRequest *r = calloc(1, sizeof *r);
  if (!r) abort();
  r->headers = pairs_of(map_get_kw(v, "headers"), &r->nheaders);
  r->query = pairs_of(map_get_kw(v, "query"), &r->nquery);
  r->nbody = is_type(body, T_BYTES) ? AS(Bytes, body)->n : 0;
  r->body = dup_bytes(body);
  r->workspace = strdup(row->workspace);
  r->key = strdup(name);
  r->received_ms = row->received_ms;
  snprintf(r->peer, sizeof r->peer, "%s", is_str(peer) ? str_s(peer) : "");
  x->r = r;
  return true;
}

void early_free(Early *x) {
  listener_request_free(x->r);
  x->r = NULL;
}

/* ---- keeping ---- */

/* How much a workspace has kept: asked of the store once, then counted here, for only this process keeps requests. Deleted and
 * expired ones are seen when it is asked again, which is when the bound seems to be reached. */
static bool room(Engine *e, const char *workspace, size_t bytes, Err *err) {
  EarlyUse *u = &e->early;
  char prefix[] = {WAIT_SYSTEM, 'e', 'a', 'r', 'l', 'y', '/', 0};
  bool known = u->workspace && !strcmp(u->workspace, workspace);
  bool full = known && (u->n >= EARLY_MAX || u->bytes + (int64_t)bytes > EARLY_MAX_BYTES);
  if (!known || (full && u->gone)) {
    free(u->workspace);
    *u = (EarlyUse){.workspace = strdup(workspace), .serial = u->serial};
    if (!store_outcomes_use(e->store, workspace, prefix, &u->n, &u->bytes, err)) return false;
    full = u->n >= EARLY_MAX || u->bytes + (int64_t)bytes > EARLY_MAX_BYTES;
  }
  if (full) return err_set(err, "too_many_early", "too many requests are kept for waits that do not exist yet; try again later");
  return true;
}

static bool keep(Engine *e, const char *workspace, const char *name, int64_t at, const Buf *b, Err *err) {
  if (!room(e, workspace, b->n, err)) return false;
  Buf key = {0};
  wait_early_name(&key, name, at, ++e->early.serial);
  Batch *batch = batch_new();
  batch_outcome_put(batch, workspace, buf_cstr(&key), at, (Bytesv){b->p, b->n});
  buf_free(&key);
  if (!store_submit_wait(e->store, batch, err)) return false;
  e->early.n++;
  e->early.bytes += (int64_t)b->n;
  return true;
}

static bool keep_packed(Engine *e, const char *workspace, const char *name, const ListenRequest *r, Val payload, int64_t at, Err *err) {
  Buf b = {0};
  bool ok = early_pack(r, payload, &b) ? keep(e, workspace, name, at, &b, err) : err_set(err, "bad_input", "the event cannot be stored");
  buf_free(&b);
  return ok;
}

bool early_keep_request(Engine *e, const ListenRequest *r, Err *err) { return keep_packed(e, r->workspace, r->key, r, NIL, r->received_ms, err); }
bool early_keep_event(Engine *e, const char *workspace, const char *name, Val payload, int64_t at, Err *err) {
  return keep_packed(e, workspace, name, NULL, payload, at, err);
}

void early_gone(Engine *e) { e->early.gone = true; }

void early_each(Engine *e, const char *workspace, const char *name, bool (*f)(void *ctx, const char *row, const Early *x), void *ctx) {
  Buf prefix = {0}, after = {0};
  InboxRow row;
  Err err = {0};
  bool more = true;
  wait_early_name(&prefix, name, -1, 0);
  while (more && store_outcomes_under(e->store, workspace, buf_cstr(&prefix), after.n ? buf_cstr(&after) : NULL, &row, 1, &err) == 1) {
    Early x;
    after.n = 0;
    buf_c(&after, row.key);
    if (now_ms() - row.received_ms < EARLY_KEEP_MS && early_unpack(&row, name, &x)) {
      more = f(ctx, row.key, &x);
      early_free(&x);
    }
    inbox_row_free(&row);
  }
  buf_free(&prefix);
  buf_free(&after);
}
