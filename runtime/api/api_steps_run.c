/* api_steps_run.c - steps run alone: steps.run (waits for the result), steps.tests.verify, flows.run_step. See api_step.h
 *
 * The id of the run comes from idempotencyKey, else from the operation's id, so that asking again finds the same run: over, its outcome is
 * told again; under way, the answer comes when it is over. A run of that id for another request is refused. */
#include "api_target.h"
#include "api_runs.h"
#include "api_step.h"
#include "runtime/engine/engine_journal.h"
#include "runtime/engine/engine_over.h"
#include "eval/unit.h"
#include "runtime/flow/flow_facets.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "runtime/store/snapshot.h"
#include "runtime/flow/step_source.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 15 * 60 * 1000, TYPE_MAX = 160 };

/* --- what is to be run --------------------------------------------------------------------------------------------------------------- */
typedef struct What {
  char slug[132], type[TYPE_MAX], id[STEP_ID_MAX + 1], run_id[64];
  const char *target;
  int64_t version;
  FlowDef *def;
  Val input; /* {:params .. :request hash} */
} What;

/* Live, the draft or an installation by the id of its profile: its bindings, and its version unless another is asked for. */
static bool on_profile(ApiCall *c, What *w, const char *slug, const char *profile, int64_t *version) {
  ApiTarget t;
  Err err = {0};
  bool live = !strncmp(profile, "live-", 5) && !strcmp(profile + 5, slug), draft = !strncmp(profile, "draft-", 6) && !strcmp(profile + 6, slug);
  w->target = live ? "live" : draft ? "draft" : profile;
  if (!api_target_find(c->api, c->workspace, slug, w->target, &t, &err)) return api_fail_err(c, &err);
  if (!*version) *version = t.version;
  return true;
}

static bool read_text(ApiCall *c, What *w, Blob *text) {
  const char *source = api_text(c, "source"), *slug = api_text(c, "flowSlug");
  Val literal = api_arg(c, "flowLiteral");
  char hash[65];
  Flow f;
  snprintf(w->slug, sizeof w->slug, "%s", slug ? slug : "");
  w->target = "draft";
  if (is_str(literal)) {
    *text = (Blob){strndup(str_s(literal), str_n(literal)), str_n(literal)};
    return true;
  }
  if (!slug) return true;
  if (!api_flow_find(c, &f)) return false;
  if (api_flow_is_archived(f.map)) return api_fail(c, 409, "flow_archived", "flow %s is archived: push it again to take it back", slug);
  int64_t asked = api_int(c, "version", 0);
  const char *profile = api_text(c, "profileId");
  if (profile && !on_profile(c, w, slug, profile, &asked)) return false;
  if (!api_flow_read(c, slug, source, asked, text, &w->version, hash)) return false;
  if (w->version && !profile) w->target = "live";
  return true;
}

/* The type of a step that the body has under this id; NULL. */
static const char *body_type(Val def, const char *id) {
  Val steps = flow_steps(def);
  for (uint32_t i = 0; i < vec_count(steps); i++)
    if (str_eq_c(map_get_kw(vec_nth(steps, i), "id"), id)) return api_flow_text(vec_nth(steps, i), "type");
  return NULL;
}

/* Family or packaged step, and the id that the step has in the run. */
static bool find_step(ApiCall *c, What *w, const char *step, const char *type, const Blob *text) {
  if (type && *type == ':') type++;
  Val def = text->p ? api_flow_definition(text->p, text->n) : map_empty, packaged = NIL;
  if (!type || !*type) packaged = step_source_packaged(def, step);
  if (is_kw(packaged)) type = id_text(packaged);
  if (!type || !*type) type = body_type(def, step);
  if (!type && !text->p) return api_fail(c, 400, "bad_request", "steps.run needs stepType, or a flow that has the step %s", step);
  if (!type)
    return api_fail(c, 404, "not_found", "the flow has no step %s, neither in :steps nor in its body; stepType says what to run", step);
  const char *slash = strchr(step, '/');
  snprintf(w->type, sizeof w->type, "%s", type);
  snprintf(w->id, sizeof w->id, "%s", is_kw(packaged) && slash ? slash + 1 : is_kw(packaged) ? str_s(AS(Kw, packaged)->name) : step);
  if (!step_source_id_ok(w->type)) return api_fail(c, 400, "bad_request", "stepType: %.100s is no step type", type);
  if (!step_source_id_ok(w->id)) return api_fail(c, 400, "bad_request", "stepId: %.100s cannot be the id of a step", step);
  if (!strchr(w->type, '/') && !step_kind_known(kw_c(w->type)))
    return api_fail(c, 400, "bad_request", "stepType: there are no steps of type %.100s here", w->type);
  return true;
}

static bool def_of(ApiCall *c, What *w, const Buf *text) {
  Diags d = {0};
  char file[160];
  int errors;
  snprintf(file, sizeof file, "%s.edn", *w->slug ? w->slug : "steps");
  w->def = flowdef_read(text->p, text->n, file, &d);
  diags_free(&d);
  if (w->def) return true;
  Val found = api_diagnostics(text->p, text->n, file, &errors);
  return api_flow_invalid(c, *w->slug ? w->slug : "the flow around the step", found, errors);
}

/* In the run's origin: it is a step alone. */
static Val origin(const ApiCall *c, const What *w) {
  ValVec m = {0};
  api_put_text(&m, "step", w->id);
  return api_run_origin(c, w->target, api_map(&m));
}

static void run_id(ApiCall *c, What *w, const char *salt) {
  static uint64_t serial;
  const char *key = api_text(c, "idempotencyKey");
  Buf b = {0};
  char hex[65];
  buf_fmt(&b, "%s\n%s\n", c->workspace, salt);
  if (key)
    buf_fmt(&b, "key %s", key);
  else if (c->op_id && *c->op_id)
    buf_fmt(&b, "op %s %s", c->key_id, c->op_id);
  else
    buf_fmt(&b, "once %lld %d %llu", (long long)now_ms(), (int)getpid(), (unsigned long long)++serial);
  hash_sha256_hex(b.p, b.n, hex);
  snprintf(w->run_id, sizeof w->run_id, "step-%.32s", hex);
  buf_free(&b);
}

/* What the request asks for, so that another one under the same key is seen. */
static Val request_hash(const What *w, Val params) {
  Buf b = {0};
  char hex[65];
  buf_fmt(&b, "%s %s %s ", w->def->hash, w->type, w->id);
  if (is_sig(json_print(&b, params))) b.n = 0;
  hash_sha256_hex(b.p, b.n, hex);
  buf_free(&b);
  return str_c(hex);
}

static bool prepare(ApiCall *c, What *w, const char *step, const char *type, Val params, const char *salt) {
  Blob text = {0};
  Buf made = {0};
  Err err = {0};
  bool ok = read_text(c, w, &text) && find_step(c, w, step, type, &text);
  if (ok && !step_source_call(text.p, text.n, w->type, w->id, &made, &err)) ok = api_fail_err(c, &err);
  ok = ok && def_of(c, w, &made);
  if (ok) {
    ValVec m = {0};
    Val shown = step_source_params(w->type, is_map(params) ? params : map_empty);
    api_put(&m, "params", shown);
    api_put(&m, "request", request_hash(w, shown));
    w->input = api_map(&m);
    run_id(c, w, salt);
  }
  buf_free(&made);
  blob_free(&text);
  return ok;
}

/* --- its outcome --------------------------------------------------------------------------------------------------------------------- */
static void put_outcome(ValVec *m, const RunRow *row, const RunState *st) {
  api_put_text(m, "workflowId", st->run_id);
  api_put_text(m, "status", st->status == RUN_BLOCKED ? "failed" : run_status_name(st->status));
  if (row->finished_ms) api_put(m, "durationMs", int_val(row->finished_ms - row->created_ms));
  if (st->status != RUN_COMPLETED) return;
  vv_push(m, kw_c("result"));
  vv_push(m, api_shown(st->value));
}

static Val error_of(const RunState *st) {
  ValVec m = {0};
  static const char *const keys[] = {"type", "message", "status", "problems", "path", "retryable?"};
  for (size_t i = 0; i < 6; i++)
    api_put(&m, keys[i], is_nil(map_get_kw(st->error, keys[i])) ? NIL : api_shown(map_get_kw(st->error, keys[i])));
  return api_map(&m);
}

static const char *message_of(const RunState *st) {
  Val s = map_get_kw(st->error, "message");
  return is_str(s) ? str_s(s) : "the step did not complete";
}

/* --- starting ------------------------------------------------------------------------------------------------------------------------ */
typedef struct Group { /* of runs that one request waits for; malloc'ed, without values */
  Api *api;
  ApiLater later;
  bool verify, gone;
  char workspace[128];
  size_t n, left;
  char slug[132], step[STEP_ID_MAX + 1], type[TYPE_MAX], trace[260];
  struct One {
    struct Group *group;
    int64_t run, test; /* test: its id */
    char run_id[64];
  } one[];
} Group;

static void answer(Group *g, const RunState *st);

static void one_over(Engine *e, void *ctx, const RunState *st) {
  struct One *o = ctx;
  Group *g = o->group;
  (void)e;
  if (--g->left) return;
  if (st && !g->gone) answer(g, st);
  free(g);
}

static void store_refused(Group *g, const char *error) {
  Err err = {0};
  ApiCall c = {.api = g->api, .data = NIL, .meta = NIL, .details = NIL};
  err_set(&err, error, "%s", store_error_text(error));
  api_fail_err(&c, &err);
  if (!g->gone) api_later_fail(g->api, &g->later, c.status, c.code, buf_cstr(&c.message), NIL);
  g->gone = true; /* answered */
  api_free(&c);
}

/* The same request came twice at once, and the other one was first: its run is waited for. */
static bool is_there(struct One *o) {
  Engine *e = o->group->api->engine;
  RunRow row = {0};
  RunState st = {0};
  Err err = {0};
  if (!store_run_by_id(o->group->api->store, o->group->workspace, o->run_id, &row, &err)) return false;
  o->run = row.run;
  bool over = run_status_final(row.status) || row.status == RUN_BLOCKED;
  run_row_free(&row);
  if (!over) engine_over_watch(e, o->run, one_over, o);
  if (over && engine_state(e, o->run, &st, &err)) one_over(e, o, &st);
  return !err.code;
}

static void one_started(void *ctx, const char *error) {
  struct One *o = ctx;
  Group *g = o->group;
  if (error && !strcmp(error, "run_exists") && is_there(o)) return;
  if (!error) {
    engine_over_watch(g->api->engine, o->run, one_over, o);
    return;
  }
  if (!g->gone && strcmp(error, "stopping")) store_refused(g, error);
  one_over(g->api->engine, o, NULL);
}

static bool take_input(void *ctx, const JournalRec *j) {
  Val v = j->kind == J_START ? snap_read_value(env_core(), j->data.p, j->data.n) : NIL;
  if (is_vec(v)) *(Val *)ctx = vec_nth(v, JT_INPUT);
  return false;
}

/* A run of that id is there: the same request? */
static bool same_request(ApiCall *c, const What *w, const RunRow *row) {
  Val input = NIL;
  Err err = {0};
  if (!store_journal(c->api->store, row->run, 0, take_input, &input, &err) && err.code) return api_fail_err(c, &err);
  if (is_map(input) && same(val_eq(map_get_kw(input, "request"), map_get_kw(w->input, "request")), TRUE_V)) return true;
  return api_fail(c, 409, "idempotency_mismatch", "this idempotencyKey was used for another request; a new one needs a key of its own");
}

/* Starts the run, or finds it. *over: it is over already, nobody will tell. false: the call has failed. */
static bool begin(ApiCall *c, What *w, struct One *o, bool *over) {
  RunRow row = {0};
  Err err = {0};
  *over = false;
  snprintf(o->run_id, sizeof o->run_id, "%s", w->run_id);
  if (store_run_by_id(c->api->store, c->workspace, w->run_id, &row, &err)) {
    bool ok = same_request(c, w, &row);
    o->run = row.run;
    *over = run_status_final(row.status) || row.status == RUN_BLOCKED;
    run_row_free(&row);
    if (ok && !*over) engine_over_watch(c->api->engine, o->run, one_over, o);
    return ok;
  }
  if (err.code) return api_fail_err(c, &err);
  RunStart how = {.run_id = w->run_id,
                  .target = w->target,
                  .version = w->version,
                  .part = true,
                  .workspace = c->workspace,
                  .origin = origin(c, w),
                  .done = one_started,
                  .done_ctx = o};
  return engine_start_as(c->api->engine, w->def, w->input, &how, &o->run, &err) || api_fail_err(c, &err);
}

static Group *group_new(ApiCall *c, size_t n) {
  Group *g = calloc(1, sizeof *g + n * sizeof *g->one);
  const char *trace = api_text(c, "traceId");
  if (!g) abort();
  g->api = c->api;
  snprintf(g->workspace, sizeof g->workspace, "%s", c->workspace);
  g->n = n;
  snprintf(g->slug, sizeof g->slug, "%s", api_text(c, "flowSlug") ? api_text(c, "flowSlug") : "");
  snprintf(g->trace, sizeof g->trace, "%s", trace ? trace : "");
  for (size_t i = 0; i < n; i++) g->one[i].group = g;
  return g;
}

/* --- steps.run ----------------------------------------------------------------------------------------------------------------------- */
static void put_names(const Group *g, ValVec *m) {
  if (*g->slug) api_put_text(m, "flowSlug", g->slug);
  api_put_text(m, "stepId", g->step);
  if (*g->type) api_put_text(m, "stepType", g->type);
  if (*g->trace) api_put_text(m, "traceId", g->trace);
}

static Val outcome_data(const Group *g, const RunState *st) {
  ValVec m = {0};
  RunRow row = {0};
  Err err = {0};
  store_run_get(g->api->store, st->run, &row, &err);
  put_names(g, &m);
  put_outcome(&m, &row, st);
  run_row_free(&row);
  return api_map(&m);
}

static Val failure_details(const Group *g, const RunState *st) { return map_assoc(outcome_data(g, st), kw_c("error"), error_of(st)); }

static void answer_run(Group *g, const RunState *st) {
  if (st->status == RUN_COMPLETED)
    api_later_ok(g->api, &g->later, outcome_data(g, st), NIL);
  else
    api_later_fail(g->api, &g->later, 422, "step_failed", message_of(st), failure_details(g, st));
}

static bool answer_now(ApiCall *c, Group *g) {
  RunState st = {0};
  Err err = {0};
  bool ok = engine_state(c->api->engine, g->one[0].run, &st, &err) || api_fail_err(c, &err);
  if (ok && st.status == RUN_COMPLETED)
    api_ok(c, map_assoc(outcome_data(g, &st), kw_c("replayed"), TRUE_V));
  else if (ok) {
    c->details = failure_details(g, &st);
    ok = api_fail(c, 422, "step_failed", "%s", message_of(&st));
  }
  free(g);
  return ok;
}

static bool wait_for(ApiCall *c, Group *g) {
  g->gone = !api_put_off(c, &g->later, WAIT_MS);
  return !g->gone;
}

static bool step_run(ApiCall *c) {
  What w = {.input = NIL};
  bool over;
  const char *step = api_step_id(c);
  if (!step || !prepare(c, &w, step, api_text(c, "stepType"), api_arg(c, "params"), "run")) return false;
  Group *g = group_new(c, 1);
  g->left = 1;
  snprintf(g->step, sizeof g->step, "%s", step);
  snprintf(g->type, sizeof g->type, "%s", w.type);
  if (!begin(c, &w, &g->one[0], &over)) return free(g), false;
  return over ? answer_now(c, g) : wait_for(c, g);
}

/* --- tests -------------------------------------------------------------------------------------------------------------------------- */
/* What JSON makes of it: expected values came as JSON. */
static Val as_json(Val v) {
  Buf b = {0};
  Err err = {0};
  Val back = is_sig(json_print(&b, v)) ? ABSENT : json_parse(b.p, b.n, &err);
  buf_free(&b);
  return back;
}

static Val test_item(const Group *g, const struct One *o, const ValVec *tests, bool *pass) {
  ValVec m = {0};
  RunState st = {0};
  Err err = {0};
  Val test = NIL;
  for (size_t i = 0; i < tests->n; i++)
    if (same(map_get_kw(tests->a[i], "id"), int_val(o->test))) test = tests->a[i];
  *pass = false;
  api_put(&m, "id", int_val(o->test));
  api_put(&m, "name", map_get_kw(test, "name"));
  api_put(&m, "params", map_get_kw(test, "input"));
  Val expected = map_get(is_map(test) ? test : map_empty, kw_c("expected"), ABSENT);
  if (!same(expected, ABSENT)) vv_push(&m, kw_c("expected")), vv_push(&m, expected);
  if (!engine_state(g->api->engine, o->run, &st, &err)) {
    api_put_text(&m, "error", err.msg);
  } else if (st.status == RUN_COMPLETED) {
    Val actual = as_json(st.value);
    *pass = same(expected, ABSENT) || (!same(actual, ABSENT) && same(val_eq(expected, actual), TRUE_V));
    vv_push(&m, kw_c("actual")), vv_push(&m, api_shown(st.value));
  } else {
    api_put(&m, "error", error_of(&st));
  }
  api_put_text(&m, "workflowId", st.run_id);
  api_put(&m, "pass", bool_val(*pass));
  return api_map(&m);
}

static Val verified(const Group *g, Err *err) {
  ValVec tests = {0}, items = {0}, m = {0}, summary = {0};
  int64_t passed = 0;
  if (!api_step_items(g->api, g->workspace, "step-test", g->slug, g->step, &tests, err)) return NIL;
  for (size_t i = 0; i < g->n; i++) {
    bool pass;
    vv_push(&items, test_item(g, &g->one[i], &tests, &pass));
    passed += pass;
  }
  api_put(&summary, "total", int_val((int64_t)g->n));
  api_put(&summary, "passed", int_val(passed));
  api_put(&summary, "failed", int_val((int64_t)g->n - passed));
  put_names(g, &m);
  api_put(&m, "items", vec_from(items.a, items.n));
  api_put(&m, "summary", api_map(&summary));
  api_put(&m, "pass", bool_val(passed == (int64_t)g->n));
  return api_map(&m);
}

static void answer(Group *g, const RunState *st) {
  Err err = {0};
  if (!g->verify) {
    answer_run(g, st);
    return;
  }
  Val data = verified(g, &err);
  if (is_nil(data))
    api_later_fail(g->api, &g->later, 500, "internal", err.msg, NIL);
  else
    api_later_ok(g->api, &g->later, data, NIL);
}

static bool start_tests(ApiCall *c, Group *g, const char *step, const ValVec *tests) {
  for (size_t i = 0; i < g->n; i++) {
    What w = {.input = NIL};
    char salt[32];
    bool over;
    Val test = tests->a[i];
    const char *type = api_text(c, "stepType");
    g->one[i].test = api_flow_number(test, "id");
    snprintf(salt, sizeof salt, "test %lld", (long long)g->one[i].test);
    if (!prepare(c, &w, step, type ? type : api_flow_text(test, "step-type"), map_get_kw(test, "input"), salt)) return false;
    g->left++; /* before it can be over */
    if (!begin(c, &w, &g->one[i], &over)) return g->left--, false;
    g->left -= over;
    snprintf(g->type, sizeof g->type, "%s", w.type);
  }
  return true;
}

static bool verify(ApiCall *c) {
  ValVec tests = {0};
  Err err = {0};
  Flow f;
  const char *step = api_step_id(c);
  if (!step || !api_flow_find(c, &f)) return false;
  if (!api_step_items(c->api, c->workspace, "step-test", f.slug, step, &tests, &err)) return api_fail_err(c, &err);
  Group *g = group_new(c, tests.n);
  g->verify = true;
  snprintf(g->step, sizeof g->step, "%s", step);
  bool ok = start_tests(c, g, step, &tests);
  if (g->left) { /* told when the last one is over; what has failed is not told twice */
    g->gone = !ok || !api_put_off(c, &g->later, WAIT_MS);
    return ok && !g->gone;
  }
  Val data = ok ? verified(g, &err) : NIL;
  free(g);
  if (!ok) return false;
  return is_nil(data) ? api_fail_err(c, &err) : api_ok(c, data);
}

/* --- flows.run_step: one step of the body, the others give nil ------------------------------------------------------------------ */
typedef struct Start {
  ApiCall *c;
  const What *w;
  ApiPending *pending;
} Start;

static void start_also(void *ctx, Batch *b, const RunRow *row) {
  Start *s = ctx;
  ValVec more = {0};
  api_put_text(&more, "stepId", s->w->id);
  api_ok(s->c, api_run_started(row, s->w->target, NULL, api_map(&more)));
  api_seal(s->c, b);
  if (s->pending) api_pend_answer(s->pending, s->c);
}

static void start_done(void *ctx, const char *error) { api_pend_done(ctx, error); }

static bool start_now(ApiCall *c, What *w) {
  Err err = {0};
  int64_t run;
  Start s = {c, w, c->api->listener ? api_pend(c) : NULL};
  RunStart how = {.target = w->target,
                  .version = w->version,
                  .part = true,
                  .workspace = c->workspace,
                  .origin = origin(c, w),
                  .also = start_also,
                  .ctx = &s,
                  .done_ctx = s.pending};
  if (s.pending) how.done = start_done;
  if (engine_start_as(c->api->engine, w->def, w->input, &how, &run, &err)) return true;
  if (s.pending) api_pend_drop(s.pending);
  c->sealed = c->later = false;
  return api_fail_err(c, &err);
}

/* The input against the invocation that is named; without one it is taken as it is. */
static bool input_ok(ApiCall *c, What *w) {
  const char *name = api_text(c, "invocation");
  if (!name) return true;
  if (*name == ':') name++;
  if (!is_map(map_get_kw(map_get_kw(w->def->map, "invocations"), name)))
    return api_fail(c, 404, "not_found", "flow %s has no invocation %s", w->slug, name);
  return api_run_input(c, flowdef_inputs(w->def->map, name), &w->input);
}

static bool run_step(ApiCall *c) {
  What w = {.input = api_arg(c, "input")};
  Blob text = {0};
  Buf made = {0};
  Err err = {0};
  char hash[65];
  Flow f;
  Val wanted = api_arg(c, "version");
  const char *step = api_step_id(c), *target = api_text(c, "target"), *on = api_text(c, "installationId");
  if (!on) on = api_text(c, "profileId");
  if (!step || !api_flow_find(c, &f)) return false;
  if (api_flow_is_archived(f.map)) return api_fail(c, 409, "flow_archived", "flow %s is archived: push it again to take it back", f.slug);
  if (!step_source_id_ok(step)) return api_fail(c, 400, "bad_request", "stepId: %.100s cannot be the id of a step", step);
  if (is_nil(w.input)) w.input = map_empty;
  snprintf(w.slug, sizeof w.slug, "%s", f.slug);
  snprintf(w.id, sizeof w.id, "%s", step);
  w.target = target ? target : "draft";
  int64_t asked = is_long(wanted) ? long_of(wanted) : 0;
  if (on && !on_profile(c, &w, f.slug, on, &asked)) return false;
  const char *source = str_eq_c(wanted, "latest") ? "active" : target && !on ? target : "draft";
  if (str_eq_c(wanted, "latest")) asked = 0;
  if (!api_flow_read(c, f.slug, source, asked, &text, &w.version, hash)) return false;
  bool ok = step_source_only(text.p, text.n, step, &made, &err) || api_fail_err(c, &err);
  ok = ok && def_of(c, &w, &made) && input_ok(c, &w) && start_now(c, &w);
  buf_free(&made);
  blob_free(&text);
  return ok;
}

#define SOURCE_ARGS                                                                                                                        \
  {"source", API_TEXT, false, 0, 0, "draft|latest|active|live", "which text of the flow; the draft if it is not said"},                    \
      FLOW_VERSION_ARG(false, "a version, in place of source")
const ApiCommand api_step_run_commands[] = {
    {"steps.run",
     "flows.manage",
     true,
     "Runs one step alone, durably, and answers with its result; the same idempotencyKey gives the same outcome again.",
     step_run,
     {STEP_ID_ARG,
      {"stepType", API_TEXT, false, 0, TYPE_MAX - 1, NULL, "family such as http; without it the flow says what the step is"},
      {"params", API_OBJECT, false, 0, 0, NULL, "the step's options; of a packaged step its input"},
      {"flowSlug", API_SLUG, false, 0, 0, NULL, "the flow whose requirements, templates, functions and packaged steps it may use"},
      {"flowLiteral", API_TEXT, false, 0, FLOW_TEXT_MAX, NULL, "a text in place of the stored ones"},
      SOURCE_ARGS,
      {"profileId", API_TEXT, false, 0, 256, NULL, "live, by the id of its profile"},
      {"traceId", API_TEXT, false, 0, 256, NULL, "comes back in the answer"},
      {"idempotencyKey", API_TEXT, false, 0, 512, NULL, "what makes asking again the same request"}}},
    {"steps.tests.verify",
     "flows.manage",
     true,
     "Runs every test of a step and tells which pass.",
     verify,
     {FLOW_SLUG_ARG, STEP_ID_ARG, {"stepType", API_TEXT, false, 0, TYPE_MAX - 1, NULL, "in place of the tests' own"}, SOURCE_ARGS}},
    {"flows.run_step",
     "flows.manage",
     true,
     "Starts a run of one step of a flow's body: other steps are not run and give nil, and the run ends with the step's result.",
     run_step,
     {FLOW_SLUG_ARG,
      STEP_ID_ARG,
      {"target", API_TEXT, false, 0, 0, "draft|live", "the draft (default) or what is live"},
      {"version", API_VERSION, false, 0, 0, NULL, "a version, or latest for the active one"},
      {"installationId", API_TEXT, false, 0, 256, NULL, "live, by the id of its profile"},
      {"profileId", API_TEXT, false, 0, 256, NULL, "another name of installationId"},
      {"invocation", API_TEXT, false, 0, 256, NULL, "checks the input against this one of the flow's :invocations"},
      {"input", API_OBJECT, false, 0, 0, NULL, "the flow's input"}}},
    {.name = NULL},
};
