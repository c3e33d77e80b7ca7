/* api_incidents.c - what goes wrong, for people: an incident is a flow whose runs on one target (draft, live or an installation) have failed
 * since one of them last ended well, as the newest RUNS runs of the workspace show it. It is open until a run ends well there, and nothing
 * has to be written for that.
 *
 * What people say about it is a document "incident" <id>: {:status "acknowledged"|"snoozed"|"suppressed" :by :at-ms :until-ms :run}. It is
 * about the failures up to :run: one that is acknowledged and fails again is open again; one that is suppressed stays so. */
#include "api_runs.h"
#include "runtime/base/duration.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 2000, PAGE = 100, INCIDENTS = 200, FAILURES = 50, ID_MAX = 300 };
#define SNOOZE_MS (24LL * 3600 * 1000)
#define SNOOZE_MOST_MS (366 * SNOOZE_MS)

typedef struct Incident {
  char id[ID_MAX], target[132];
  char slug[132];
  int64_t first_ms, last_ms, failed, last_run;
  int64_t runs[FAILURES]; /* numbers, newest first */
  bool over;              /* an older run ended well: what failed before is history */
} Incident;

typedef struct Look {
  ApiCall *c;
  Incident *all;
  size_t n;
} Look;

/* --- finding ---------------------------------------------------------------------------------------------------------------------------- */
static Incident *incident_of(Look *l, const RunRow *r) {
  char id[ID_MAX];
  const char *target = r->target ? r->target : "draft";
  snprintf(id, sizeof id, "inc-%s.%s", r->slug, target);
  for (size_t i = 0; i < l->n; i++)
    if (!strcmp(l->all[i].id, id)) return &l->all[i];
  if (l->n == INCIDENTS) return NULL;
  Incident *x = &l->all[l->n++];
  *x = (Incident){0};
  snprintf(x->id, sizeof x->id, "%s", id);
  snprintf(x->target, sizeof x->target, "%s", target);
  snprintf(x->slug, sizeof x->slug, "%s", r->slug);
  return x;
}

static void seen(Look *l, const RunRow *r) {
  bool well = r->status == RUN_COMPLETED, failed = !strcmp(api_run_status(r->status), "failed") || r->status == RUN_TIMED_OUT;
  Incident *x = (well || failed) && !r->lineage ? incident_of(l, r) : NULL;
  if (!x || x->over) return;
  if (well) {
    x->over = true;
    return;
  }
  int64_t at = r->finished_ms ? r->finished_ms : r->updated_ms;
  if (x->failed < FAILURES) x->runs[x->failed] = r->run;
  if (!x->failed++) x->last_ms = at, x->last_run = r->run;
  x->first_ms = at;
}

/* The newest runs, newest first; those incidents stay that have failures. */
static bool look(Look *l) {
  RunRow rows[PAGE];
  RunQuery q = {.workspace = l->c->workspace};
  Err err = {0};
  int64_t before = INT64_MAX;
  size_t n = PAGE, keep = 0;
  l->all = malloc(INCIDENTS * sizeof *l->all);
  if (!l->all) abort();
  for (int k = 0; n == PAGE && k < RUNS / PAGE && !err.code; k++) {
    n = store_runs_newest(l->c->api->store, &q, before, rows, PAGE, &err);
    for (size_t i = 0; i < n; i++) {
      before = rows[i].run;
      seen(l, &rows[i]);
      run_row_free(&rows[i]);
    }
  }
  for (size_t i = 0; i < l->n; i++)
    if (l->all[i].failed) l->all[keep++] = l->all[i];
  l->n = keep;
  return !err.code || api_fail_err(l->c, &err);
}

/* --- what people said ------------------------------------------------------------------------------------------------------------------- */
static const char *status_of(const Incident *x, Val said) {
  Val s = map_get_kw(said, "status");
  if (str_eq_c(s, "suppressed")) return "suppressed";
  if (str_eq_c(s, "snoozed") && api_number(said, "until-ms") > now_ms()) return "snoozed";
  return str_eq_c(s, "acknowledged") && api_number(said, "run") >= x->last_run ? "acknowledged" : "open";
}

static bool said_of(ApiCall *c, const char *id, Val *said) {
  Err err = {0};
  int64_t rev;
  *said = NIL;
  return api_doc(c->api, c->workspace, "incident", id, said, &rev, &err) || !err.code || api_fail_err(c, &err);
}

/* --- showing ------------------------------------------------------------------------------------------------------------------------------ */
static Val failure(ApiCall *c, int64_t run) {
  RunRow r = {0};
  RunState st = {.value = NIL, .error = NIL};
  Err err = {0};
  ValVec m = {0};
  if (!store_run_get(c->api->store, run, &r, &err)) return NIL;
  api_run_put(&m, &r);
  if (engine_state(c->api->engine, run, &st, &err)) {
    Val message = map_get_kw(st.error, "message"), type = map_get_kw(st.error, "type");
    ValVec e = {0};
    api_put(&e, "message", is_str(message) ? api_preview(message) : NIL);
    api_put(&e, "code", api_shown(type));
    api_put(&m, "error", api_map(&e));
  }
  run_row_free(&r);
  return api_map(&m);
}

static Val shown(ApiCall *c, const Incident *x, Val said) {
  ValVec m = {0};
  api_put_text(&m, "id", x->id);
  api_put_text(&m, "incidentId", x->id);
  api_put_text(&m, "status", status_of(x, said));
  api_put(&m, "title", str_fmt("%s fails on %s", x->slug, x->target));
  api_put_text(&m, "flowSlug", x->slug);
  api_put_text(&m, "target", x->target);
  api_put(&m, "failureCount", int_val(x->failed));
  api_put(&m, "firstFailureAt", api_time(x->first_ms));
  api_put(&m, "lastFailureAt", api_time(x->last_ms));
  api_put(&m, "lastFailure", failure(c, x->last_run));
  api_put(&m, "by", map_get_kw(said, "by"));
  api_put(&m, "snoozedUntil", api_time(api_number(said, "until-ms")));
  return api_map(&m);
}

static bool list(ApiCall *c) {
  Look l = {.c = c};
  ValVec items = {0}, m = {0};
  int64_t limit = api_int(c, "limit", 25), more = 0;
  const char *status = api_text(c, "status");
  bool mine = api_text(c, "scope") && !strcmp(api_text(c, "scope"), "mine"), ok = look(&l);
  for (size_t i = 0; ok && i < l.n; i++) {
    Val said;
    ok = said_of(c, l.all[i].id, &said);
    const char *is = ok ? status_of(&l.all[i], said) : "";
    bool wanted = (status ? !strcmp(status, is) : strcmp(is, "suppressed")) && (!mine || str_eq_c(map_get_kw(said, "by"), c->key_id));
    if (!ok || !wanted) continue;
    if ((int64_t)items.n < limit) vv_push(&items, shown(c, &l.all[i], said));
    else more++;
  }
  free(l.all);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&m, "hasMore", bool_val(more > 0));
  return ok && api_ok(c, api_map(&m));
}

/* The incident of the path; false: the call has failed. */
static bool find(ApiCall *c, Incident *x, Val *said) {
  Look l = {.c = c};
  const char *id = api_path(c, "id");
  bool ok = look(&l), there = false;
  for (size_t i = 0; ok && i < l.n; i++)
    if (!strcmp(l.all[i].id, id)) *x = l.all[i], there = true;
  free(l.all);
  if (ok && !there) return api_fail(c, 404, "not_found", "there is no incident %.200s; it is over when a run ends well", id);
  return ok && said_of(c, id, said);
}

static bool show(ApiCall *c) {
  Incident x;
  Val said;
  ValVec failures = {0}, m = {0};
  int64_t most = api_int(c, "failure-limit", 10);
  if (!find(c, &x, &said)) return false;
  for (int64_t i = 0; i < x.failed && i < most && i < FAILURES; i++) vv_push(&failures, failure(c, x.runs[i]));
  api_put(&m, "incident", shown(c, &x, said));
  vv_push(&m, kw_c("failures"));
  vv_push(&m, vec_from(failures.a, failures.n));
  return api_ok(c, api_map(&m));
}

/* By the version that failed, newest first. */
static bool lanes(ApiCall *c) {
  Incident x;
  Val said;
  ValVec items = {0}, m = {0};
  if (!find(c, &x, &said)) return false;
  int64_t counted[FAILURES], n = 0, versions[FAILURES];
  for (int64_t i = 0; i < x.failed && i < FAILURES; i++) {
    RunRow r = {0};
    Err err = {0};
    if (!store_run_get(c->api->store, x.runs[i], &r, &err)) continue;
    int64_t k = 0;
    while (k < n && versions[k] != r.version) k++;
    if (k == n) versions[n] = r.version, counted[n++] = 0;
    counted[k]++;
    run_row_free(&r);
  }
  for (int64_t k = 0; k < n && k < api_int(c, "limit", 25); k++) {
    ValVec one = {0};
    api_put(&one, "version", int_val(versions[k]));
    api_put(&one, "failureCount", int_val(counted[k]));
    vv_push(&items, api_map(&one));
  }
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  return api_ok(c, api_map(&m));
}

/* --- saying something ----------------------------------------------------------------------------------------------------------------------- */
static bool say(ApiCall *c, const char *status, int64_t until_ms) {
  Incident x;
  Val said;
  ValVec m = {0}, out = {0};
  if (!find(c, &x, &said)) return false;
  api_put_text(&m, "status", status);
  api_put_text(&m, "by", c->key_id);
  api_put(&m, "at-ms", int_val(now_ms()));
  if (until_ms) api_put(&m, "until-ms", int_val(until_ms));
  api_put(&m, "run", int_val(x.last_run));
  said = api_map(&m);
  if (!api_doc_put(api_batch(c), c->workspace, "incident", x.id, said, DOC_ANY, now_ms(), 0)) return api_fail(c, 500, "internal", "this cannot be stored");
  api_put(&out, "incident", shown(c, &x, said));
  return api_ok(c, api_map(&out));
}

static bool acknowledge(ApiCall *c) { return say(c, "acknowledged", 0); }
static bool suppress(ApiCall *c) { return say(c, "suppressed", 0); }

static bool snooze(ApiCall *c) {
  const char *text = api_text(c, "for");
  int64_t ms = SNOOZE_MS;
  Err err = {0};
  if (text && (!duration_parse(text, strlen(text), "for", &ms, &err) || ms <= 0 || ms > SNOOZE_MOST_MS))
    return api_fail(c, 400, "bad_request", "for must be a duration of at most a year, such as 90m, 24h or 7d, not %.60s", text);
  return say(c, "snoozed", now_ms() + ms);
}

#define MANAGE "flows.manage"

const ApiRoute api_incident_routes[] = {
    {"GET",
     "incidents",
     0,
     {"incidents.list",
      "runs.read",
      false,
      "Flows whose runs have failed since one last ended well, by target.",
      list,
      {{"status", API_TEXT, false, 0, 0, "open|acknowledged|snoozed|suppressed", "only those; all but suppressed ones if it is not said"},
       {"limit", API_INT, false, 1, 100, NULL, "how many at most"},
       {"scope", API_TEXT, false, 0, 0, "mine|all", "mine: those that this key has said something about"}}}},
    {"GET",
     "incidents/{id}",
     0,
     {"incidents.get",
      "runs.read",
      false,
      "One incident, with its newest failures.",
      show,
      {{"failure-limit", API_INT, false, 1, FAILURES, NULL, "how many failures"}, {"limit", API_INT, false, 1, 100, NULL, "accepted"}}}},
    {"GET", "incidents/{id}/lanes", 0, {"incidents.lanes", "runs.read", false, "Its failures by version.", lanes, {{"limit", API_INT, false, 1, 100, NULL, "how many at most"}}}},
    {"POST", "incidents/{id}/acknowledge", ROUTE_VALUE, {"incidents.acknowledge", MANAGE, true, "Somebody looks after it; open again when it fails again.", acknowledge, {{0}}}},
    {"POST",
     "incidents/{id}/snooze",
     ROUTE_VALUE,
     {"incidents.snooze", MANAGE, true, "Nobody wants to hear of it for a while.", snooze, {{"for", API_TEXT, false, 0, 40, NULL, "how long, such as 24h (default)"}}}},
    {"POST", "incidents/{id}/suppress", ROUTE_VALUE, {"incidents.suppress", MANAGE, true, "Nobody wants to hear of it any more.", suppress, {{0}}}},
    {0},
};
