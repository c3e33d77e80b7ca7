/* trigger_sync.c - documents that follow from definitions and targets are kept up to date; see trigger.h */
#include "runtime/engine/engine_commit.h"
#include "runtime/base/hash.h"
#include "reader/print.h"
#include "trigger.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALK_FLOWS = 32, SYNC_FLOWS = 32 };

/* --- what has changed ------------------------------------------------------------------------------------------------------------------ */
typedef struct Changed {
  Triggers *t;            /* of one whose documents are on their way */
  char *workspace, *slug; /* slug "": every flow of the workspace */
  bool marked;            /* a sync that makes the change visible is on its way */
  struct Changed *next;
} Changed;
static Changed *changed;

static void add_changed(const char *workspace, const char *slug, size_t n) {
  for (Changed *c = changed; c; c = c->next)
    if (!c->marked && !strcmp(c->workspace, workspace) && !strncmp(c->slug, slug, n) && !c->slug[n]) return;
  Changed *c = calloc(1, sizeof *c);
  if (!c) abort();
  c->workspace = strdup(workspace);
  c->slug = strndup(slug, n);
  if (!c->workspace || !c->slug) abort();
  c->next = changed;
  changed = c;
}

void trigger_changed(const char *workspace, const char *kind, const char *key, Val v) {
  Val flow = map_get_kw(v, "flow");
  if (is_nil(flow)) flow = map_get_kw(v, "slug");
  if (!strcmp(kind, "flow") || !strcmp(kind, "target")) add_changed(workspace, key, strcspn(key, "/"));
  else if (!strcmp(kind, "installation")) add_changed(workspace, is_str(flow) ? str_s(flow) : "", is_str(flow) ? str_n(flow) : 0);
}

static void changed_free(Changed *c) {
  free(c->workspace);
  free(c->slug);
  free(c);
}

/* --- one flow -------------------------------------------------------------------------------------------------------------------------- */
typedef struct Sync {
  Triggers *t;
  const char *workspace, *slug;
  Batch *b;
  Buf print;        /* of everything that matters */
  Val wanted;       /* map: key of a document -> {:at :data} */
  Val paths;        /* the same of "hook-path" */
  char hash[65];    /* most targets have the same version: */
  Val flow;         /* its map, read once; nil: it does not read */
  int64_t now;
  Err err;
} Sync;

static bool draft(const ApiTarget *x) { return !strcmp(x->name, "draft"); }

static bool print_target(void *ctx, const ApiTarget *x) {
  Sync *s = ctx;
  if (draft(x) && !map_count(x->schedules)) return true;
  Val text = pr_str(x->schedules);
  buf_fmt(&s->print, "%s %s %d %s\n", x->name, x->hash, x->enabled, is_str(text) ? str_s(text) : "");
  return true;
}

typedef struct Place {
  Sync *s;
  const ApiTarget *x;
} Place;

static void want_schedule(Sync *s, const ApiTarget *x, const Trigger *t) {
  Buf spec = {0}, key = {0};
  trigger_spec(t, &spec);
  buf_fmt(&key, "%s/%s/%s/%s", s->workspace, s->slug, x->name, t->id);
  if (api_target_schedule(x, t->id, t->enabled)) s->wanted = map_assoc(s->wanted, buf_str(&key), buf_str(&spec));
  buf_free(&spec);
  buf_free(&key);
}

static void want_path(Sync *s, const ApiTarget *x, const Trigger *t) {
  Buf key = {0};
  trigger_path(x, t, &key);
  buf_fmt(&key, "\x1f%s/%s/%s", s->slug, x->name, t->id);
  s->paths = map_assoc(s->paths, buf_str(&key), TRUE_V);
  buf_free(&key);
}

static bool want(void *ctx, const Trigger *t) {
  Place *p = ctx;
  if (t->type == TRIGGER_SCHEDULE) want_schedule(p->s, p->x, t);
  if (t->type == TRIGGER_WEBHOOK && *t->path && t->enabled && p->x->enabled && !draft(p->x)) want_path(p->s, p->x, t);
  return true;
}

static bool want_target(void *ctx, const ApiTarget *x) {
  Sync *s = ctx;
  Err err = {0};
  if (draft(x) && !map_count(x->schedules)) return true;
  if (strcmp(s->hash, x->hash)) {
    snprintf(s->hash, sizeof s->hash, "%s", x->hash);
    if (!trigger_flow_map(s->t->api, x->hash, &s->flow, &err)) s->flow = NIL; /* a draft that does not read has no schedules */
  }
  if (!is_nil(s->flow)) triggers_each(s->flow, want, &(Place){s, x});
  return true;
}

static bool first_time(const char *spec, int64_t after, int64_t *at) {
  Cron c;
  const Tz *z;
  const char *late;
  if (!trigger_spec_read(spec, &c, &z, &late)) return false;
  *at = cron_next(&c, z, after);
  return *at != INT64_MAX;
}

static void put_schedule(Sync *s, const char *key, Val spec, int64_t rev) {
  int64_t at;
  ValVec m = {0};
  if (!first_time(str_s(spec), s->now, &at)) return;
  api_put(&m, "spec", spec);
  api_put(&m, "since", int_val(s->now));
  api_doc_put(s->b, "", TRIGGER_SCHEDULES, key, api_map(&m), rev, at, 0);
}

/* What is there and is as it should be stays, the rest goes; what is not there yet comes after. */
static bool settle_schedules(Sync *s) {
  DocRow rows[64];
  Buf prefix = {0};
  Val left = s->wanted, k, v;
  MapIter it;
  char after[800] = "";
  size_t n;
  buf_fmt(&prefix, "%s/%s/", s->workspace, s->slug);
  do {
    n = store_docs(s->t->api->store, "", TRIGGER_SCHEDULES, buf_cstr(&prefix), after, rows, 64, &s->err);
    for (size_t i = 0; i < n; i++) {
      Val spec = map_get(s->wanted, str_c(rows[i].key), NIL), old = map_get_kw(api_doc_value(&rows[i]), "spec");
      left = map_dissoc(left, str_c(rows[i].key));
      snprintf(after, sizeof after, "%s", rows[i].key);
      if (is_nil(spec)) batch_doc_del(s->b, "", TRIGGER_SCHEDULES, rows[i].key, rows[i].rev);
      else if (!is_str(old) || strcmp(str_s(old), str_s(spec))) put_schedule(s, rows[i].key, spec, rows[i].rev);
      doc_row_free(&rows[i]);
    }
  } while (n == 64 && !s->err.code);
  buf_free(&prefix);
  for (map_iter(&it, left); map_next(&it, &k, &v);) put_schedule(s, str_s(k), v, DOC_NEW);
  return !s->err.code;
}

/* The paths of a flow are remembered with its fingerprint. */
static void settle_paths(Sync *s, Val before) {
  MapIter it;
  Val k, v;
  for (uint32_t i = 0; is_vec(before) && i < vec_count(before); i++) {
    k = vec_nth(before, i);
    if (is_str(k) && same(map_get(s->paths, k, NIL), NIL)) batch_doc_del(s->b, s->workspace, "hook-path", str_s(k), DOC_ANY);
  }
  for (map_iter(&it, s->paths); map_next(&it, &k, &v);) api_doc_put(s->b, s->workspace, "hook-path", str_s(k), map_empty, DOC_ANY, s->now, 0);
}

static Val keys_of(Val m) {
  ValVec all = {0};
  MapIter it;
  Val k, v;
  for (map_iter(&it, m); map_next(&it, &k, &v);) vv_push(&all, k);
  return vec_from(all.a, all.n);
}

static void synced(Engine *e, void *ctx, const char *error) {
  Changed *c = ctx;
  (void)e;
  c->t->next_ms = 0;
  if (error && strcmp(error, "stopping")) add_changed(c->workspace, c->slug, strlen(c->slug)); /* a firing was quicker, or the disk is full */
  changed_free(c);
}

static void sync_write(Sync *s, Val before, const char *print, int64_t rev) {
  ValVec m = {0};
  api_put_text(&m, "fingerprint", print);
  api_put(&m, "paths", keys_of(s->paths));
  settle_paths(s, map_get_kw(before, "paths"));
  api_doc_put(s->b, s->workspace, "trigger-sync", s->slug, api_map(&m), rev, s->now, 0);
  Changed *c = calloc(1, sizeof *c);
  if (!c) abort();
  c->workspace = strdup(s->workspace);
  c->slug = strdup(s->slug);
  c->t = s->t;
  engine_commit(s->t->api->engine, s->b, synced, c);
  s->b = NULL;
}

/* false: the store cannot be read. */
static bool sync_flow(Triggers *t, const char *workspace, const char *slug) {
  Sync s = {.t = t, .workspace = workspace, .slug = slug, .wanted = map_empty, .paths = map_empty, .flow = NIL, .now = now_ms()};
  Val before = NIL;
  int64_t rev = DOC_NEW;
  char print[65];
  bool known = api_doc(t->api, workspace, "trigger-sync", slug, &before, &rev, &s.err);
  if (!known && !s.err.code) rev = DOC_NEW;
  bool ok = !s.err.code && api_flow_targets_each(t->api, workspace, slug, print_target, &s, &s.err);
  hash_sha256_hex(s.print.p ? s.print.p : "", s.print.n, print);
  bool same_as = ok && (known ? str_eq_c(map_get_kw(before, "fingerprint"), print) : !s.print.n);
  buf_free(&s.print);
  if (!ok || same_as) return ok;
  s.b = batch_new();
  ok = api_flow_targets_each(t->api, workspace, slug, want_target, &s, &s.err) && settle_schedules(&s);
  if (ok) sync_write(&s, before, print, rev);
  if (s.b) batch_free(s.b);
  return ok;
}

/* --- turns ------------------------------------------------------------------------------------------------------------------------------ */
static bool sync_workspace(Triggers *t, const char *workspace, char after[132]) {
  DocRow rows[WALK_FLOWS];
  Err err = {0};
  size_t n = store_docs(t->api->store, workspace, "flow", "", after, rows, WALK_FLOWS, &err);
  for (size_t i = 0; i < n; i++) {
    snprintf(after, 132, "%s", rows[i].key);
    sync_flow(t, workspace, rows[i].key);
    doc_row_free(&rows[i]);
  }
  return n == WALK_FLOWS;
}

static void visible(Engine *e, void *ctx, const char *error) {
  Triggers *t = ctx;
  (void)e;
  t->syncing = false;
  if (error && !strcmp(error, "stopping")) return;
  for (Changed **at = &changed, *c; (c = *at);) {
    char after[132] = "";
    if (!c->marked) {
      at = &c->next;
      continue;
    }
    *at = c->next;
    if (*c->slug) sync_flow(t, c->workspace, c->slug);
    else while (sync_workspace(t, c->workspace, after)) continue;
    changed_free(c);
  }
}

static void walk(Triggers *t) {
  DocRow rows[WALK_FLOWS];
  Err err = {0};
  size_t n = store_docs_everywhere(t->api->store, "flow", t->walk_ws, t->walk_key, 0, rows, WALK_FLOWS, &err);
  for (size_t i = 0; i < n; i++) {
    snprintf(t->walk_ws, sizeof t->walk_ws, "%s", rows[i].workspace);
    snprintf(t->walk_key, sizeof t->walk_key, "%s", rows[i].key);
    sync_flow(t, rows[i].workspace, rows[i].key);
    doc_row_free(&rows[i]);
  }
  t->walked = n < WALK_FLOWS && !err.code;
}

/* What is written is seen by reads when it is durable: an empty batch behind it says when that is so. */
void trigger_sync_turn(Triggers *t) {
  if (!t->walked) walk(t);
  if (!changed || t->syncing) return;
  for (Changed *c = changed; c; c = c->next) c->marked = true;
  t->syncing = true;
  engine_commit(t->api->engine, batch_new(), visible, t);
}
