/* trigger_fire.c - schedules that are due start their runs; see trigger.h */
#include "runtime/engine/engine_commit.h"
#include "runtime/engine/engine_int.h"
#include "runtime/base/hash.h"
#include "runtime/base/metrics.h"
#include "trigger.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRE_AT_ONCE = 256, CATCH_UP_MAX = 100, HOLD_MS = 1000, RUN_ID_MAX = 240 };
#define LATE_MS ((int64_t)60000)       /* :catch-up :skip: this late is not missed yet */
#define NEAR_MS ((int64_t)2 * 3600 * 1000)

/* One schedule, between the look at its document and the answer of the store. No values: it lives in ordinary memory. */
typedef struct Fire {
  Triggers *t;
  char *key, *spec;
  char workspace[130], slug[132], target[TARGET_NAME], id[132];
  int64_t rev, tick, next, since, last_ms; /* next: when it is due again */
  char run_id[256], last_run[256];
} Fire;

static void fire_free(Fire *f) {
  free(f->key);
  free(f->spec);
  free(f);
}

/* --- which times ---------------------------------------------------------------------------------------------------------------------- */
typedef struct Ticks {
  int64_t a[CATCH_UP_MAX]; /* a ring of the newest */
  size_t n;
  int64_t next;
} Ticks;

static void ticks_of(const Cron *c, const Tz *z, int64_t tick, int64_t now, Ticks *out) {
  for (out->n = 0; tick <= now; tick = cron_next(c, z, tick)) out->a[out->n++ % CATCH_UP_MAX] = tick;
  out->next = tick;
}

/* The times from `tick` to now, of which the newest count: a month of minutes is not looked at one by one, hundreds of schedules may have it. */
static void ticks_between(const Cron *c, const Tz *z, int64_t tick, int64_t now, Ticks *out) {
  bool all;
  int64_t back = NEAR_MS;
  do {
    all = now - back <= tick;
    ticks_of(c, z, all ? tick : cron_next(c, z, now - back), now, out);
    back *= 24;
  } while (!all && out->n < CATCH_UP_MAX);
}

/* Which one to run now, and when to look again; false: none of them. */
static bool choose(Fire *f, const Cron *c, const Tz *z, const char *late, int64_t now) {
  Ticks k;
  ticks_between(c, z, f->tick, now, &k);
  size_t have = k.n < CATCH_UP_MAX ? k.n : CATCH_UP_MAX;
  bool all = !strcmp(late, "all"), skip = !strcmp(late, "skip");
  f->next = k.next;
  if (!have) return false;
  f->tick = k.a[(k.n - (all ? have : 1)) % CATCH_UP_MAX];
  if (all && have > 1) f->next = k.a[(k.n - have + 1) % CATCH_UP_MAX];
  return !skip || now - f->tick <= LATE_MS;
}

/* --- the document --------------------------------------------------------------------------------------------------------------------- */
static void put_next(const Fire *f, Batch *b, const char *error) {
  ValVec m = {0};
  bool ran = *f->run_id && !error;
  api_put_text(&m, "spec", f->spec);
  api_put(&m, "since", int_val(f->since));
  if (f->tick || f->last_ms) api_put(&m, "last-ms", int_val(ran || error ? f->tick : f->last_ms));
  if (ran || *f->last_run) api_put_text(&m, "last-run", ran ? f->run_id : f->last_run);
  api_put_text(&m, "last-error", error);
  api_doc_put(b, "", TRIGGER_SCHEDULES, f->key, api_map(&m), f->rev, f->next, 0);
}

static void hold(Triggers *t) { t->hold_until_ms = now_ms() + HOLD_MS; }

static void over(Fire *f, const char *error) {
  Triggers *t = f->t;
  t->firing--;
  t->next_ms = 0;
  if (error && strcmp(error, "doc_conflict") && strcmp(error, "stopping")) hold(t);
  fire_free(f);
}

static void written(Engine *e, void *ctx, const char *error) {
  (void)e;
  over(ctx, error);
}

static void submit(Fire *f, Batch *b) { engine_commit(f->t->api->engine, b, written, f); }

static void pass_over(Fire *f, const char *error) { /* no run; error NULL: it was missed, and that is how it is wanted */
  Batch *b = batch_new();
  if (error) metric_add(METRIC_schedule_failures_total, 1);
  f->run_id[0] = 0;
  put_next(f, b, error);
  submit(f, b);
}

static void withdraw(Fire *f) { /* there is no such schedule any more */
  Batch *b = batch_new();
  batch_doc_del(b, "", TRIGGER_SCHEDULES, f->key, f->rev);
  submit(f, b);
}

/* --- the run ---------------------------------------------------------------------------------------------------------------------------- */
static void also(void *ctx, Batch *b, const RunRow *row) {
  Fire *f = ctx;
  snprintf(f->run_id, sizeof f->run_id, "%s", row->run_id);
  put_next(f, b, NULL);
}

static void started(void *ctx, const char *error) {
  Fire *f = ctx;
  if (!error) {
    metric_add(METRIC_schedule_runs_total, 1);
    metric_add(METRIC_schedule_lag_ms, now_ms() - f->tick - metric_get(METRIC_schedule_lag_ms));
  }
  if (error && !strcmp(error, "run_exists")) pass_over(f, NULL); /* this time has had its run */
  else over(f, error);
}

/* Could another schedule of the workspace have its name: :draft-night of what is live, :night of the draft; or a flow "a-main" in "main"? */
static bool like_another(const Fire *f) {
  Buf a = {0}, b = {0};
  bool live = !strcmp(f->target, "live");
  buf_fmt(&a, "-%s-", f->id);
  buf_fmt(&b, "-%s-", f->workspace);
  bool like = (live && (!strncmp(f->id, "draft-", 6) || !strncmp(f->id, "install-", 8))) || strstr(buf_cstr(&a), buf_cstr(&b));
  buf_free(&a);
  buf_free(&b);
  return like;
}

/* "flow-<slug>-<workspace>[-install-<target>]-<schedule>-20261121T144500Z" */
static void name_run(Fire *f) {
  int64_t year, s = f->tick / 1000;
  int month, day;
  Buf b = {0};
  bool own = !strcmp(f->target, "live");
  tz_date(s / 86400, &year, &month, &day);
  buf_fmt(&b, "flow-%s-%s", f->slug, f->workspace);
  if (!own) buf_fmt(&b, "-%s%s", strcmp(f->target, "draft") ? "install-" : "", f->target);
  buf_fmt(&b, "-%s", f->id);
  if (b.n > RUN_ID_MAX - 20 || like_another(f)) { /* the beginning, where it is too long for a name, and what tells it from others */
    char hash[65];
    hash_sha256_hex(f->key, strlen(f->key), hash);
    if (b.n > RUN_ID_MAX - 20 - 17) b.n = RUN_ID_MAX - 20 - 17;
    buf_fmt(&b, "-%.16s", hash);
  }
  buf_fmt(&b, "-%04d%02d%02dT%02d%02d%02dZ", (int)year, month, day, (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60));
  snprintf(f->run_id, sizeof f->run_id, "%s", buf_cstr(&b));
  buf_free(&b);
}

static bool gone(const Err *e) {
  return e->code && (!strcmp(e->code, "not_found") || !strcmp(e->code, "profile_missing") || !strcmp(e->code, "installation_not_found"));
}

static bool store_trouble(const Triggers *t, const Err *e) {
  return store_failed(t->api->store) || (e->code && (!strcmp(e->code, "disk_full") || !strcmp(e->code, "store_failed")));
}

static void run_it(Fire *f, const ApiTarget *target, const Trigger *trigger) {
  Err err = {0};
  int64_t run;
  char id[256];
  name_run(f);
  memcpy(id, f->run_id, sizeof id);
  RunStart how = {.run_id = id, .also = also, .ctx = f, .done = started, .done_ctx = f};
  if (trigger_start(f->t->api, f->workspace, target, trigger, NULL, trigger->input, &how, &run, &err)) return;
  if (store_trouble(f->t, &err)) over(f, "disk_full");
  else pass_over(f, err.msg);
}

static void fire(Fire *f) {
  ApiTarget target;
  Trigger trigger;
  FlowDef *def;
  Err err = {0};
  Cron c;
  const Tz *z;
  const char *late;
  Api *a = f->t->api;
  f->t->firing++;
  bool there = api_target_find(a, f->workspace, f->slug, f->target, &target, &err);
  if (!there && !gone(&err)) {
    over(f, "store_failed");
    return;
  }
  if (there && !engine_def(a->engine, target.hash, &def, NULL, &err)) {
    f->next = now_ms() + LATE_MS;
    pass_over(f, err.msg);
    return;
  }
  there = there && trigger_find_type(def->map, TRIGGER_SCHEDULE, f->id, &trigger) && api_target_schedule(&target, f->id, trigger.enabled);
  if (!there || !trigger_spec_read(f->spec, &c, &z, &late)) withdraw(f);
  else if (choose(f, &c, z, late, now_ms())) run_it(f, &target, &trigger);
  else pass_over(f, NULL);
}

/* --- what is due ------------------------------------------------------------------------------------------------------------------------ */
static bool part(const char **p, char *out, size_t n) {
  size_t k = strcspn(*p, "/");
  if (!(*p)[k] || k >= n) return false;
  snprintf(out, n, "%.*s", (int)k, *p);
  *p += k + 1;
  return true;
}

static int64_t number(Val m, const char *key) { return is_long(map_get_kw(m, key)) ? long_of(map_get_kw(m, key)) : 0; }

static Fire *fire_of(Triggers *t, const DocRow *d) {
  Val m = api_doc_value(d), spec = map_get_kw(m, "spec"), last = map_get_kw(m, "last-run");
  const char *p = d->key;
  Fire *f = calloc(1, sizeof *f);
  if (!f) abort();
  *f = (Fire){.t = t, .key = strdup(d->key), .spec = strdup(is_str(spec) ? str_s(spec) : ""), .rev = d->rev, .tick = d->at_ms};
  if (!f->key || !f->spec) abort();
  f->since = number(m, "since");
  f->last_ms = number(m, "last-ms");
  snprintf(f->last_run, sizeof f->last_run, "%s", is_str(last) ? str_s(last) : "");
  if (part(&p, f->workspace, sizeof f->workspace) && part(&p, f->slug, sizeof f->slug) && part(&p, f->target, sizeof f->target))
    snprintf(f->id, sizeof f->id, "%s", p);
  return f;
}

static void ask_next(Triggers *t) {
  DocRow d;
  Err err = {0};
  size_t n = store_docs_due(t->api->store, "", TRIGGER_SCHEDULES, INT64_MAX, &d, 1, &err);
  t->next_ms = n ? d.at_ms : err.code ? 0 : INT64_MAX;
  if (n) doc_row_free(&d);
}

void trigger_fire_turn(Triggers *t) {
  DocRow rows[FIRE_AT_ONCE];
  Err err = {0};
  int64_t now = now_ms();
  if (!t->walked || t->firing || now < t->hold_until_ms) return;
  if (!t->next_ms) ask_next(t);
  if (!t->next_ms || now < t->next_ms) return;
  size_t n = store_docs_due(t->api->store, "", TRIGGER_SCHEDULES, now, rows, FIRE_AT_ONCE, &err);
  t->next_ms = 0;
  for (size_t i = 0; i < n; i++) {
    fire(fire_of(t, &rows[i]));
    doc_row_free(&rows[i]);
  }
}
