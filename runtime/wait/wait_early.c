/* wait_early.c - see wait_early.h. */
#include "wait_early.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "runtime/store/vault.h"
#include "runtime/flow/wait_spec.h"
#include <stdio.h>
#include <stdlib.h>

enum { AT_ONCE = 16 /* rows: each may be a megabyte */ };

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

/* What was kept as it came, before there was a vault, is read too. */
static Val unsealed(Engine *e, const InboxRow *row) {
  Buf b = {0};
  Err err = {0};
  char id[17];
  if (!seal_key_of(row->body.p, row->body.n, id)) return snap_read_value(env_core(), row->body.p, row->body.n);
  if (!e->o.vault) return NIL;
  SealName name = {row->workspace, row->key, 0};
  Val v = seal_get(vault_keys(e->o.vault), &name, row->body.p, row->body.n, &b, &err) ? snap_read_value(env_core(), b.p, b.n) : NIL;
  buf_wipe(&b);
  return v;
}

static bool early_unpack(Engine *e, const InboxRow *row, const char *name, Early *x) {
  Val v = unsealed(e, row);
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

static void early_free(Early *x) {
  listener_request_free(x->r);
  x->r = NULL;
}

/* ---- keeping ---- */

static const char early_prefix[] = {WAIT_SYSTEM, 'e', 'a', 'r', 'l', 'y', '/', 0};

/* How much a workspace has kept: asked of the store once, then counted here, for only this process keeps requests. Deleted and
 * expired ones are seen when it is asked again, which is when the bound seems to be reached. */
static bool room(Engine *e, const char *workspace, size_t bytes, Err *err) {
  EarlyUse *u = &e->early;
  bool known = u->workspace && !strcmp(u->workspace, workspace);
  bool full = known && (u->n >= EARLY_MAX || u->bytes + (int64_t)bytes > EARLY_MAX_BYTES);
  if (!known || (full && u->gone)) {
    free(u->workspace);
    *u = (EarlyUse){.workspace = strdup(workspace), .serial = u->serial};
    if (!store_outcomes_use(e->store, workspace, early_prefix, &u->n, &u->bytes, err)) return false;
    full = u->n >= EARLY_MAX || u->bytes + (int64_t)bytes > EARLY_MAX_BYTES;
  }
  if (full) return err_set(err, "too_many_early", "too many requests are kept for waits that do not exist yet; try again later");
  return true;
}

/* Durable under the current key: nobody makes another one in between. */
static bool store_sealed(Engine *e, const char *workspace, const char *key, int64_t at, const Buf *b, Err *err) {
  Keyring *keys = e->o.vault ? vault_keys(e->o.vault) : NULL;
  Buf sealed = {0};
  if (keys && !keyring_hold(keys, true, err)) {
    fprintf(stderr, "breyta-run: a request that came before its wait is refused: %s [%s]\n", err->msg, err->code); /* for whoever runs it */
    return err_set(err, "not_kept", "requests that come before their wait cannot be kept at the moment; try again later");
  }
  Batch *batch = batch_new();
  if (keys) {
    seal_put(keys, &(SealName){workspace, key, 0}, b->p, b->n, &sealed);
    vault_note(batch, workspace);
  }
  batch_outcome_put(batch, workspace, key, at, keys ? (Bytesv){sealed.p, sealed.n} : (Bytesv){b->p, b->n});
  bool ok = store_submit_wait(e->store, batch, err);
  if (keys) keyring_release(keys);
  buf_free(&sealed);
  return ok;
}

static bool keep(Engine *e, const char *workspace, const char *name, int64_t at, const Buf *b, Err *err) {
  if (!room(e, workspace, b->n, err)) return false;
  Buf key = {0};
  wait_early_name(&key, name, at, ++e->early.serial);
  bool ok = store_sealed(e, workspace, buf_cstr(&key), at, b, err);
  buf_free(&key);
  if (!ok) return false;
  e->early.n++;
  e->early.bytes += (int64_t)b->n;
  return true;
}

static bool keep_packed(Engine *e, const char *workspace, const char *name, const ListenRequest *r, Val payload, int64_t at, Err *err) {
  Buf b = {0};
  bool ok = early_pack(r, payload, &b) ? keep(e, workspace, name, at, &b, err) : err_set(err, "bad_input", "the event cannot be stored");
  buf_wipe(&b);
  return ok;
}

bool early_keep_request(Engine *e, const ListenRequest *r, Err *err) { return keep_packed(e, r->workspace, r->key, r, NIL, r->received_ms, err); }
bool early_keep_event(Engine *e, const char *workspace, const char *name, Val payload, int64_t at, Err *err) {
  return keep_packed(e, workspace, name, NULL, payload, at, err);
}

bool early_any(Engine *e, const char *workspace) {
  InboxRow row = {0};
  Err err = {0};
  bool any = store_outcomes_under(e->store, workspace, early_prefix, NULL, &row, 1, &err) == 1;
  if (any) inbox_row_free(&row);
  return any;
}

void early_gone(Engine *e) { e->early.gone = true; }

void early_each(Engine *e, const char *workspace, const char *name, bool (*f)(void *ctx, const char *row, const Early *x), void *ctx) {
  Buf prefix = {0}, after = {0};
  InboxRow rows[AT_ONCE];
  Err err = {0};
  bool more = true;
  size_t n = AT_ONCE;
  wait_early_name(&prefix, name, -1, 0);
  while (more && n == AT_ONCE) {
    n = store_outcomes_under(e->store, workspace, buf_cstr(&prefix), after.n ? buf_cstr(&after) : NULL, rows, AT_ONCE, &err);
    after.n = 0;
    if (n) buf_c(&after, rows[n - 1].key);
    for (size_t i = 0; i < n; i++) {
      Early x;
      if (more && now_ms() - rows[i].received_ms < EARLY_KEEP_MS && early_unpack(e, &rows[i], name, &x)) {
        more = f(ctx, rows[i].key, &x);
        early_free(&x);
      }
      inbox_row_free(&rows[i]);
    }
  }
  buf_free(&prefix);
  buf_free(&after);
}
