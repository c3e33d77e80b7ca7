/* api_digests.c - what ran in a day, a week or a month, for people who look now and then. A digest is made when it is asked for, of the
 * newest RUNS runs: {:id :cadence :periodStart :periodEnd :runs by status :flows}. Periods begin at midnight UTC, weeks on Monday.
 *
 * Documents of a workspace: "digest-cadence" <key id> {:cadence}, what is listed when nothing else is said; "digest-read" <key id>/<digest>
 * {:at-ms}, for READ_MS. */
#include "api_runs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 5000, PAGE = 100, PERIODS = 12, FLOWS = 50 };
#define DAY_MS (24LL * 3600 * 1000)
#define READ_MS (400 * DAY_MS)

typedef struct Period {
  int64_t from, to; /* to: not in it any more */
} Period;

typedef struct FlowCount {
  char slug[132];
  int64_t runs, failed;
} FlowCount;

typedef struct Digest {
  Period p;
  int64_t runs, completed, failed, other, nflows;
  FlowCount flows[FLOWS];
} Digest;

/* --- periods ---------------------------------------------------------------------------------------------------------------------------- */
static int64_t month_start(int64_t ms, int months_back) {
  time_t t = (time_t)(ms / 1000);
  struct tm tm;
  gmtime_r(&t, &tm);
  struct tm start = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon - months_back, .tm_mday = 1};
  return (int64_t)timegm(&start) * 1000;
}

/* The k-th whole period before now: 0 the last that is over. */
static Period period_at(const char *cadence, int k) {
  int64_t now = now_ms(), day = now / DAY_MS * DAY_MS;
  if (!strcmp(cadence, "monthly")) return (Period){month_start(now, k + 1), month_start(now, k)};
  int64_t days = !strcmp(cadence, "weekly") ? 7 : 1, since = days == 7 ? (day / DAY_MS + 3) % 7 : 0; /* 1970-01-01 was a Thursday */
  int64_t to = day - since * DAY_MS - k * days * DAY_MS;
  return (Period){to - days * DAY_MS, to};
}

static void digest_id(const char *cadence, const Period *p, char id[40]) {
  time_t t = (time_t)(p->from / 1000);
  struct tm tm;
  char day[16];
  gmtime_r(&t, &tm);
  strftime(day, sizeof day, "%Y-%m-%d", &tm);
  snprintf(id, 40, "%s-%s", cadence, day);
}

/* --- counting ------------------------------------------------------------------------------------------------------------------------------ */
static FlowCount *flow_of(Digest *d, const char *slug) {
  for (int64_t i = 0; i < d->nflows; i++)
    if (!strcmp(d->flows[i].slug, slug)) return &d->flows[i];
  if (d->nflows == FLOWS) return NULL;
  FlowCount *f = &d->flows[d->nflows++];
  snprintf(f->slug, sizeof f->slug, "%s", slug);
  return f;
}

static void count_run(Digest *d, const RunRow *r) {
  const char *status = api_run_status(r->status);
  bool failed = !strcmp(status, "failed") || !strcmp(status, "timed-out");
  FlowCount *f = flow_of(d, r->slug);
  d->runs++;
  *(failed ? &d->failed : r->status == RUN_COMPLETED ? &d->completed : &d->other) += 1;
  if (f) f->runs++, f->failed += failed;
}

/* All periods of a cadence that runs can be told of; malloc'ed. NULL: the call has failed. */
static Digest *digests(ApiCall *c, const char *cadence) {
  RunRow rows[PAGE];
  RunQuery q = {.workspace = c->workspace};
  Err err = {0};
  int64_t before = INT64_MAX;
  size_t n = PAGE;
  Digest *all = calloc(PERIODS, sizeof *all);
  if (!all) abort();
  for (int k = 0; k < PERIODS; k++) all[k].p = period_at(cadence, k);
  for (int page = 0; n == PAGE && page < RUNS / PAGE && !err.code; page++) {
    n = store_runs_newest(c->api->store, &q, before, rows, PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      before = rows[i].run;
      for (int k = 0; k < PERIODS; k++)
        if (rows[i].created_ms >= all[k].p.from && rows[i].created_ms < all[k].p.to) count_run(&all[k], &rows[i]);
      run_row_free(&rows[i]);
    }
  }
  if (!err.code) return all;
  free(all);
  api_fail_err(c, &err);
  return NULL;
}

/* --- what people have done with them ------------------------------------------------------------------------------------------------------- */
static bool is_read(ApiCall *c, const char *id) {
  char key[160];
  Val doc;
  int64_t rev;
  Err err = {0};
  snprintf(key, sizeof key, "%s/%s", c->key_id, id);
  return api_doc(c->api, c->workspace, "digest-read", key, &doc, &rev, &err);
}

/* The one that is asked for, the key's own, or weekly. */
static const char *cadence_of(ApiCall *c) {
  static const char *const known[] = {"daily", "weekly", "monthly"};
  Val doc = NIL;
  int64_t rev;
  Err err = {0};
  if (api_text(c, "cadence")) return api_text(c, "cadence");
  bool own = api_doc(c->api, c->workspace, "digest-cadence", c->key_id, &doc, &rev, &err);
  for (size_t i = 0; own && i < 3; i++)
    if (str_eq_c(map_get_kw(doc, "cadence"), known[i])) return known[i];
  return "weekly";
}

/* --- showing ---------------------------------------------------------------------------------------------------------------------------------- */
static Val flows_of(const Digest *d) {
  ValVec all = {0};
  for (int64_t i = 0; i < d->nflows; i++) {
    ValVec m = {0};
    api_put_text(&m, "flowSlug", d->flows[i].slug);
    api_put(&m, "runs", int_val(d->flows[i].runs));
    api_put(&m, "failed", int_val(d->flows[i].failed));
    vv_push(&all, api_map(&m));
  }
  return vec_from(all.a, all.n);
}

static Val shown(ApiCall *c, const char *cadence, const Digest *d) {
  char id[40];
  ValVec m = {0}, runs = {0};
  digest_id(cadence, &d->p, id);
  api_put_text(&m, "id", id);
  api_put_text(&m, "digestId", id);
  api_put_text(&m, "cadence", cadence);
  api_put_text(&m, "kind", "runs");
  api_put_text(&m, "status", is_read(c, id) ? "read" : "unread");
  api_put(&m, "title", str_fmt("%lld runs, %lld failed", (long long)d->runs, (long long)d->failed));
  api_put(&m, "periodStart", api_time(d->p.from));
  api_put(&m, "periodEnd", api_time(d->p.to));
  api_put(&runs, "total", int_val(d->runs));
  api_put(&runs, "completed", int_val(d->completed));
  api_put(&runs, "failed", int_val(d->failed));
  api_put(&runs, "other", int_val(d->other));
  api_put(&m, "runs", api_map(&runs));
  vv_push(&m, kw_c("flows"));
  vv_push(&m, flows_of(d));
  return api_map(&m);
}

static bool list(ApiCall *c) {
  ValVec items = {0}, m = {0};
  const char *cadence = cadence_of(c), *status = api_text(c, "status"), *kind = api_text(c, "kind");
  int64_t limit = api_int(c, "limit", PERIODS);
  Digest *all = digests(c, cadence);
  if (!all) return false;
  for (int k = 0; k < PERIODS && (int64_t)items.n < limit && (!kind || !strcmp(kind, "runs")); k++) {
    char id[40];
    digest_id(cadence, &all[k].p, id);
    if (all[k].runs && (!status || !strcmp(status, is_read(c, id) ? "read" : "unread"))) vv_push(&items, shown(c, cadence, &all[k]));
  }
  free(all);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put_text(&m, "cadence", cadence);
  return api_ok(c, api_map(&m));
}

/* The digest of the path as it is shown; false: the call has failed. */
static bool find(ApiCall *c, Val *out) {
  const char *id = api_path(c, "id");
  const char *cadence = !strncmp(id, "daily-", 6) ? "daily" : !strncmp(id, "weekly-", 7) ? "weekly" : "monthly";
  Digest *all = digests(c, cadence);
  *out = NIL;
  if (!all) return false;
  for (int k = 0; k < PERIODS; k++) {
    char this[40];
    digest_id(cadence, &all[k].p, this);
    if (all[k].runs && !strcmp(this, id)) *out = shown(c, cadence, &all[k]);
  }
  free(all);
  return !is_nil(*out) || api_fail(c, 404, "not_found", "there is no digest %.80s; GET /api/digests lists them", id);
}

static bool one(ApiCall *c, Val d) {
  ValVec m = {0};
  api_put(&m, "digest", d);
  return api_ok(c, api_map(&m));
}

static bool show(ApiCall *c) {
  Val d;
  return find(c, &d) && one(c, d);
}

/* This server sends them nowhere. */
static bool deliveries(ApiCall *c) {
  Val d;
  ValVec m = {0};
  if (!find(c, &d)) return false;
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_empty);
  return api_ok(c, api_map(&m));
}

static bool mark_read(ApiCall *c) {
  Val d;
  char key[160];
  if (!find(c, &d)) return false;
  snprintf(key, sizeof key, "%s/%s", c->key_id, api_path(c, "id"));
  Val doc = map_assoc(map_empty, kw_c("at-ms"), int_val(now_ms()));
  if (!api_doc_put(api_batch(c), c->workspace, "digest-read", key, doc, DOC_ANY, now_ms(), now_ms() + READ_MS))
    return api_fail(c, 500, "internal", "this cannot be stored");
  return one(c, map_assoc(d, kw_c("status"), str_c("read")));
}

static bool set_cadence(ApiCall *c) {
  ValVec m = {0};
  api_put(&m, "cadence", api_arg(c, "cadence"));
  if (!api_doc_put(api_batch(c), c->workspace, "digest-cadence", c->key_id, api_map(&m), DOC_ANY, now_ms(), 0))
    return api_fail(c, 500, "internal", "this cannot be stored");
  return api_ok(c, api_map(&m));
}

#define READ "runs.read"
#define LIMIT_ARG {"limit", API_INT, false, 1, 100, NULL, "how many at most"}
#define CADENCES "daily|weekly|monthly"

const ApiRoute api_digest_routes[] = {
    {"GET",
     "digests",
     0,
     {"digests.list",
      READ,
      false,
      "What ran in each of the last days, weeks or months, newest first; those without runs are left out.",
      list,
      {{"cadence", API_TEXT, false, 0, 0, CADENCES, "this key's own, or weekly, if it is not said"},
       {"kind", API_TEXT, false, 0, 40, NULL, "runs: there is no other"},
       {"status", API_TEXT, false, 0, 0, "read|unread", "only those"},
       LIMIT_ARG}}},
    {"GET", "digests/{id}", 0, {"digests.get", READ, false, "One digest.", show, {{0}}}},
    {"GET",
     "digests/{id}/deliveries",
     0,
     {"digests.deliveries", READ, false, "Where a digest was sent: nowhere, it is read here.", deliveries, {{"channel", API_TEXT, false, 0, 80, NULL, "accepted"}, LIMIT_ARG}}},
    {"POST", "digests/{id}/mark-read", ROUTE_VALUE, {"digests.mark-read", READ, true, "This key has read it.", mark_read, {{0}}}},
    {"POST",
     "digests/preferences/cadence",
     ROUTE_VALUE,
     {"digests.cadence", READ, true, "Which digests this key wants when it does not say so.", set_cadence, {{"cadence", API_TEXT, true, 0, 0, CADENCES, "how often"}}}},
    {0},
};
