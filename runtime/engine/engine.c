/* engine.c - the engine: definitions, starting, resuming, the loop, timers, inbox. */
#include "breaks.h"
#include "child.h"
#include "engine_commit.h"
#include "runtime/steps/engine_index.h"
#include "engine_over.h"
#include "eval/expand.h"
#include "eval/unit.h"
#include "runtime/jobs/engine_job.h"
#include "runtime/jobs/jobs.h"
#include "offload.h"
#include "runtime/resource/resource.h"
#include "slots.h"
#include "runtime/wait/wait_answer.h"
#include "runtime/wait/wait_early.h"
#include "runtime/flow/wait_spec.h"
#include "engine_observe.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void engine_fatal(Engine *e, const char *code, const char *msg) {
  if (e->fatal) return;
  e->fatal = true;
  err_set(&e->fatal_err, code, "%s", msg);
}

static Val load_unit(void *ctx, const UnitHash *h) {
  Engine *e = ctx;
  char *file = NULL;
  Blob b = {0};
  Err err = {0};
  if (!store_unit_get(e->store, h->b, &file, &b, &err)) return ABSENT;
  free(file);
  Val v = snap_read_value(env_core(), b.p, b.n);
  blob_free(&b);
  return v;
}

static void store_ready(Engine *e, void *ctx) {
  (void)ctx;
  Completion c[256];
  size_t n;
  while ((n = store_completions(e->store, c, 256)))
    for (size_t i = 0; i < n; i++) {
      if (engine_commit_done(e, c[i].tag, c[i].error)) continue;
      Run *r = run_find(e, (int64_t)(c[i].tag & 0xffffffffffff));
      if (!r || r->life != c[i].tag >> 48) continue;
      if (r->inflight) r->inflight--;
      run_committed(r, c[i].error);
    }
  Err err = {0};
  if (e->inbox_now) engine_drain_inbox(e, &err);
  e->inbox_now = false;
}

void engine_here(Engine *e) {
  unit_loader = load_unit;
  unit_loader_ctx = e;
}

Engine *engine_new(Store *s, const EngineOptions *o, Err *err) {
  (void)err;
  Engine *e = mem_root(sizeof *e);
  e->store = s;
  e->o = *o;
  e->workspace = strdup(o->workspace ? o->workspace : "local");
  e->units = e->delivering = e->accepted_keys = set_empty;
  e->indexed = map_empty;
  e->overlays = NIL;
  if (o->public_url) e->base_url = strdup(o->public_url);
  e->next_store_timer = 0;
  engine_here(e);
  if (s && !store_failed(s)) engine_watch(e, store_event_fd(s), store_ready, NULL);
  return e;
}

void engine_free(Engine *e) {
  engine_commit_stop(e);
  slots_stop(e);
  engine_over_stop(e);
  rebuilds_stop(e);
  wait_notify_stop(e);
  wait_accepted_stop(e);
  jobs_free(e);
  for (size_t i = 0; i < e->cap; i++)
    while (e->runs[i]) run_drop(e->runs[i]);
  parked_clear(&e->parked);
  kinds_gone(e);
  offload_forget(e);
  blobs_close(e->blobs);
  free(e->workspace);
  free(e->early.workspace);
  free(e->base_url);
  e->workspace = e->early.workspace = e->base_url = NULL;
  unit_loader = NULL;
}

void engine_watch(Engine *e, int fd, void (*f)(Engine *e, void *ctx), void *ctx) {
  for (size_t i = 0; i < e->nwatches; i++)
    if (e->watches[i].fd == fd) return;
  if (fd < 0) return;
  if (e->nwatches == ENGINE_WATCHES) abort(); /* one for each kind of completion: a new kind raises the limit */
  e->watches[e->nwatches++] = (Watch){fd, f, ctx};
}

/* --- definitions ------------------------------------------------------------------------------------------------------------------ */
Env *engine_env(void) {
  Env *env = env_new();
  env->sandbox = true;
  return env;
}

/* (flow/result* body), analyzed once per definition unless it has vars of its own: then for each run, in its environment. */
Unit *engine_body_unit(const FlowDef *f, Env *env, Err *err) {
  Val call[] = {sym_new("flow", "result*"), f->body};
  Val core = expand(env, list_from(call, 2), f->file);
  Unit *u = is_sig(core) ? NULL : analyze(env, core, f->file);
  if (u) return u;
  Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
  err_set(err, "flow_invalid", "%s: %s", f->file ? f->file : "flow", is_str(msg) ? str_s(msg) : "the body does not compile");
  return NULL;
}

bool engine_def_add(Engine *e, FlowDef *f, Err *err) {
  for (size_t i = 0; i < e->ndefs; i++)
    if (!strcmp(e->defs[i]->hash, f->hash)) return true;
  Unit *u = engine_body_unit(f, engine_env(), err);
  if (!u) return false;
  FlowDef **defs = mem_alloc((e->ndefs + 1) * sizeof *defs);
  Unit **units = mem_alloc((e->ndefs + 1) * sizeof *units);
  if (e->ndefs) {
    memcpy(defs, e->defs, e->ndefs * sizeof *defs);
    memcpy(units, e->def_units, e->ndefs * sizeof *units);
  }
  defs[e->ndefs] = f;
  units[e->ndefs] = u;
  e->defs = defs;
  e->def_units = units;
  e->ndefs++;
  return true;
}

bool engine_def(Engine *e, const char *hash, FlowDef **out, Unit **unit, Err *err) {
  for (size_t i = 0; i < e->ndefs; i++)
    if (!strcmp(e->defs[i]->hash, hash)) {
      *out = e->defs[i];
      if (unit) *unit = e->def_units[i];
      return true;
    }
  char *file = NULL;
  Blob text = {0};
  if (!store_source_get(e->store, hash, &file, &text, err)) {
    if (!err->code) err_set(err, "source_missing", "the flow source %.16s is not in this database", hash);
    return false;
  }
  Diags d = {0};
  FlowDef *f = flowdef_read(text.p, text.n, file, &d);
  blob_free(&text);
  free(file);
  diags_free(&d);
  if (!f) return err_set(err, "flow_invalid", "the stored flow source %.16s does not read any more", hash);
  return engine_def_add(e, f, err) && engine_def(e, hash, out, unit, err);
}

/* --- starting ---------------------------------------------------------------------------------------------------------------------- */
static void ctx_put(Val *m, const char *k, const char *v) {
  if (v && *v) *m = map_assoc(*m, kw_c(k), str_c(v));
}

static Val flow_ctx(Engine *e, const RunRow *row) {
  Val m = map_empty;
  ctx_put(&m, "workflow-id", row->run_id);
  ctx_put(&m, "run-id", row->run_id);
  ctx_put(&m, "workspace-id", row->workspace);
  ctx_put(&m, "flow-slug", row->slug);
  m = map_assoc(m, kw_c("version"), int_val(row->version));
  bool installed = row->target && strcmp(row->target, "live");
  ctx_put(&m, "target", installed ? "live" : row->target ? row->target : "draft");
  if (installed) ctx_put(&m, "installation-id", row->target);
  m = map_assoc(m, kw_c("started-at"), int_val(row->created_ms));
  Val of = child_lineage(row), root = map_get_kw(of, "root-workflow-id"), parent = map_get_kw(of, "parent-workflow-id");
  Val installation = map_get_kw(of, "installation-id"), target = map_get_kw(of, "target");
  ctx_put(&m, "root-workflow-id", is_str(root) ? str_s(root) : row->run_id);
  if (is_str(parent)) ctx_put(&m, "parent-workflow-id", str_s(parent));
  if (is_str(target)) ctx_put(&m, "target", str_s(target));
  if (is_str(installation)) ctx_put(&m, "installation-id", str_s(installation));
  if (e->o.public_url || e->o.listen) {
    Val base = e->base_url ? str_fmt("%s/%s", e->base_url, row->workspace) : str_fmt("http://%s/%s", e->o.listen, row->workspace);
    m = map_assoc(m, kw_c("callback-base-url"), base);
  }
  return m;
}

Val engine_input(Engine *e, const RunRow *row, Val input) { return map_assoc(input, kw_new("flow", "ctx"), flow_ctx(e, row)); }

static bool start_durable(Run *r, Err *err) {
  if (!run_boot(r, err)) {
    run_block(r, err->msg);
    return false;
  }
  run_ready(r);
  return true;
}

/* A run that is in memory while its START is on its way. */
typedef struct Starting {
  int64_t run;
  uint16_t life;
  void (*done)(void *ctx, const char *error);
  void *ctx;
} Starting;

/* Its START is durable (error NULL) or refused. One that queues leaves memory at once. */
static bool start_over(Run *r, const char *error, Err *err) {
  Engine *e = r->e;
  int64_t run = r->run;
  char *workspace = strdup(r->workspace), *slot = r->slot ? strdup(r->slot) : NULL;
  bool ok = !error;
  if (!error) observe_run_started(r);
  if (error || r->status == RUN_QUEUED) run_drop(r);
  else ok = start_durable(r, err);
  if (slot) slot_started(e, workspace, slot, run, !error);
  free(workspace);
  free(slot);
  return ok;
}

static void start_committed(Engine *e, void *ctx, const char *error) {
  Starting *s = ctx;
  Run *r = run_find(e, s->run);
  Err err = {0};
  bool there = r && r->life == s->life;
  if (there) start_over(r, error, &err);
  s->done(s->ctx, error);
  free(s);
}

static void start_later(Run *r, Batch *b, const RunStart *how) {
  Starting *s = malloc(sizeof *s);
  if (!s) abort();
  *s = (Starting){r->run, r->life, how->done, how->done_ctx};
  r->phase = R_COMMITTING;
  engine_commit(r->e, b, start_committed, s);
}

static bool start_batch(Engine *e, const FlowDef *f, RunRow *row, const RunStart *how, Val *input, Batch *b, Err *err) {
  *input = map_assoc(*input, kw_new("flow", "ctx"), flow_ctx(e, row));
  Run *r = run_add(e, row);
  r->batch = b;
  r->seq = 0;
  Val fields[] = {*input, str_c(f->hash), int_val(row->created_ms)};
  batch_run_create(run_batch(r), row);
  batch_source_put(run_batch(r), f->hash, f->file ? f->file : "flow.edn", (Bytesv){f->text, f->text_n});
  Val record; /* the run sees what the journal holds */
  if (run_append_copy(r, J_START, fields, 3, SIZE_MAX, &record) < 0) {
    Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
    err_set(err, "bad_input", "%s", is_str(msg) ? str_s(msg) : "the input cannot be stored");
    run_drop(r);
    return false;
  }
  if (how->also) how->also(how->ctx, r->batch, row);
  r->input = vec_nth(record, 0);
  if (!how->part) index_flow(e, r->workspace, f);
  Batch *batch = r->batch;
  r->batch = NULL;
  if (how->done) {
    start_later(r, batch, how);
    return true;
  }
  bool stored = store_submit_wait(e->store, batch, err);
  return start_over(r, stored ? NULL : err->code, err) && stored;
}

/* flow-<slug>-<workspace>[-install-<id>]-r<N> */
static void new_id(Engine *e, const RunRow *row, char id[512]) {
  bool installed = row->target && strcmp(row->target, "live");
  long long n = store_count_slug(e->store, row->workspace, row->slug) + 1;
  snprintf(id, 512, "flow-%s-%s%s%s-r%lld", row->slug, row->workspace, installed ? "-install-" : "", installed ? row->target : "", n);
}

RunRow engine_new_row(Engine *e, const char *workspace, const FlowDef *f, const char *target, const char *run_id, char id[512]) {
  RunRow row = {.run = store_next_run(e->store), .slug = f->slug, .epoch = 1, .status = RUN_RUNNING,
                .snap_seq = -1, .source_hash = (char *)(uintptr_t)f->hash};
  row.workspace = workspace ? (char *)(uintptr_t)workspace : e->workspace;
  row.target = target && strcmp(target, "draft") ? (char *)(uintptr_t)target : NULL;
  if (row.target && strcmp(row.target, "live")) row.installation = row.target;
  row.created_ms = row.updated_ms = now_ms();
  if (run_id) snprintf(id, 512, "%s", run_id);
  else new_id(e, &row, id);
  row.run_id = id;
  return row;
}

bool engine_start_as(Engine *e, const FlowDef *f, Val input, const RunStart *how, int64_t *run, Err *err) {
  if (!engine_def_add(e, (FlowDef *)(uintptr_t)f, err)) return false;
  char id[512];
  RunRow row = engine_new_row(e, how->workspace, f, how->target, how->run_id, id);
  Buf origin = {0};
  Batch *b = batch_new();
  row.version = how->version;
  if (how->installation) row.installation = (char *)(uintptr_t)how->installation;
  if (is_map(how->origin) && !is_sig(print_to(&origin, how->origin, &print_readably))) row.origin = (char *)(uintptr_t)buf_cstr(&origin);
  *run = row.run;
  bool ok = !how->slot || slot_take(e, f, input, row.installation, how->slot, &row, b, err);
  if (ok) ok = start_batch(e, f, &row, how, &input, b, err);
  else batch_free(b);
  if (!ok && row.slot) slot_started(e, row.workspace, row.slot, row.run, false);
  free(row.slot);
  buf_free(&origin);
  return ok;
}

bool engine_start(Engine *e, const FlowDef *f, Val input, const char *run_id, int64_t *run, Err *err) {
  return engine_start_as(e, f, input, &(RunStart){.run_id = run_id}, run, err);
}

/* --- resuming ------------------------------------------------------------------------------------------------------------------------ */
Run *take_over_row(Engine *e, const RunRow *row, Cancel cancel, Err *err) {
  if (run_status_final(row->status) || row->status == RUN_BLOCKED) return NULL;
  Run *r = run_add(e, row);
  r->cancel = cancel;
  batch_take_over(run_batch(r), row->run, row->epoch, row->epoch + 1);
  r->epoch = row->epoch + 1;
  if (run_load(r, row, false, err)) return r;
  run_block(r, err->msg);
  return NULL;
}

static Run *take_over(Engine *e, int64_t run, Err *err) {
  RunRow row = {0};
  err->code = NULL;
  if (!store_run_get(e->store, run, &row, err)) return NULL;
  Run *r = take_over_row(e, &row, (Cancel){.error = NIL}, err);
  run_row_free(&row);
  return r;
}

static bool waits_outside(const RunRow *row) { return row->status == RUN_WAITING && row->wake_ms == 0; }

/* Its timer is in the store, its answer in the inbox. But what came early for it was perhaps not looked at any more when its process ended,
 * after the wait had become durable: wait_parked. */
static void resume_parked(Engine *e, const RunRow *row, Err *err) {
  Run *r = early_any(e, row->workspace) ? take_over_row(e, row, (Cancel){.error = NIL}, err) : NULL;
  if (r && r->phase == R_PARKED) wait_parked(r);
  if (r && r->phase != R_PARKED) return;
  parked_add(&e->parked, row->run);
  if (r) run_drop(r);
}

bool engine_resume(Engine *e, int64_t run, Err *err) {
  if (run_find(e, run)) return true;
  RunRow row = {0};
  err->code = NULL;
  if (!store_run_get(e->store, run, &row, err)) return err->code ? false : err_set(err, "not_found", "there is no run number %lld", (long long)run);
  if (row.status == RUN_QUEUED) slot_freed(e, row.workspace, row.slot); /* its turn, perhaps */
  else if (waits_outside(&row)) resume_parked(e, &row, err);
  else take_over_row(e, &row, (Cancel){.error = NIL}, err);
  bool ok = child_resume(e, &row, err);
  if (waits_outside(&row)) job_resume(e, &row);
  run_row_free(&row);
  return ok;
}

/* --- timers ------------------------------------------------------------------------------------------------------------------------------ */
void engine_timer_add(Engine *e, int64_t due, Run *r) {
  if (e->ntimers == e->cap_timers) {
    e->cap_timers = e->cap_timers ? e->cap_timers * 2 : 64;
    TimerEntry *grown = mem_alloc(e->cap_timers * sizeof *grown);
    if (e->ntimers) memcpy(grown, e->timers, e->ntimers * sizeof *grown);
    e->timers = grown;
  }
  size_t i = e->ntimers++;
  while (i && e->timers[(i - 1) / 2].due > due) {
    e->timers[i] = e->timers[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  e->timers[i] = (TimerEntry){due, r->run, r->call ? r->call->token : 0};
}

static TimerEntry timer_pop(Engine *e) {
  TimerEntry top = e->timers[0], last = e->timers[--e->ntimers];
  size_t i = 0;
  for (;;) {
    size_t kid = 2 * i + 1;
    if (kid >= e->ntimers) break;
    if (kid + 1 < e->ntimers && e->timers[kid + 1].due < e->timers[kid].due) kid++;
    if (e->timers[kid].due >= last.due) break;
    e->timers[i] = e->timers[kid];
    i = kid;
  }
  if (e->ntimers) e->timers[i] = last;
  return top;
}

/* Dropped after a full disk: from what is durable. What it waits for outside may be there: its timer, or an answer. */
static void again(Engine *e, int64_t run, Err *err) {
  engine_resume(e, run, err);
  e->next_store_timer = 0;
  e->inbox_again = true;
}

static void fire_timers(Engine *e) {
  int64_t now = now_ms();
  Err err = {0};
  if (e->ntimers && e->timers[0].due <= now) wait_hand_over_all(e, &err);
  while (e->ntimers && e->timers[0].due <= now && !e->fatal) {
    TimerEntry t = timer_pop(e);
    Run *r = run_find(e, t.run);
    if (!r && !t.token) again(e, t.run, &err);
    else if (r && r->phase == R_TIMER && r->call && r->call->token == t.token) {
      observe_timer(t.due);
      step_timer(r->call);
    }
  }
}

/* Timers of waits that nobody has answered; only stored ones, their runs are not in memory. */
static void fire_stored_timers(Engine *e) {
  int64_t now = now_ms();
  if (e->next_store_timer > now) return;
  TimerRow due[64];
  Err err = {0};
  size_t n = store_timers_due(e->store, now, due, 64, &err);
  if (n) wait_hand_over_all(e, &err);
  for (size_t i = 0; i < n; i++) {
    if (run_find(e, due[i].run)) continue;
    RunRow row = {0};
    bool outside = store_run_get(e->store, due[i].run, &row, &err) && waits_outside(&row);
    run_row_free(&row);
    if (!outside) continue; /* sleeps belong to whoever resumes them */
    Run *r = take_over(e, due[i].run, &err);
    if (!r || !r->call || r->call->intent_seq != due[i].seq || r->call->due_ms > now) continue;
    observe_timer(r->call->due_ms);
    step_timer(r->call);
  }
  e->next_store_timer = n == 64 ? 0 : store_timer_next(e->store);
  if (n < 64 && e->next_store_timer <= now) e->next_store_timer = now + 200; /* what is due belongs to others */
}

/* --- inbox -------------------------------------------------------------------------------------------------------------------------------- */
static Run *run_for_delivery(Engine *e, int64_t run, Err *err) {
  Run *r = run_find(e, run);
  return r ? r : take_over(e, run, err);
}

void inbox_done(Engine *e, Run *r, int64_t id) {
  if (r) {
    r->taken = true;
    batch_inbox_del(run_batch(r), id);
    return;
  }
  Batch *b = batch_new();
  Err err = {0};
  batch_inbox_del(b, id);
  store_submit_wait(e->store, b, &err);
}

/* The key has been answered within a day: what comes now changes nothing (durability rule 12). */
static bool answered(Engine *e, const InboxRow *row, Err *err) {
  Blob was = {0};
  int64_t at;
  if (!store_outcome_get(e->store, row->workspace, row->key, &at, &was, err)) return false;
  blob_free(&was);
  return row->received_ms >= at && row->received_ms - at < ANSWERED_FOR_MS;
}

/* An event for a wait: true when it was used. One that finds its wait answered but not yet committed is looked at again. */
bool inbox_event(Engine *e, const InboxRow *row, Err *err) {
  WaitRow w = {0};
  if (wait_on_its_way(e, row->workspace, row->key) || wait_is_accepted(e, row->workspace, row->key)) return false; /* its turn comes */
  if (!store_wait_get(e->store, row->workspace, row->key, &w, err)) {
    if (answered(e, row, err)) inbox_done(e, NULL, row->id);
    return false;
  }
  int64_t number = w.run;
  Err bad = {0};
  Val body = snap_read_value(env_core(), row->body.p, row->body.n), spec = wait_spec_read(&w);
  wait_row_free(&w);
  if (is_sig(body)) body = NIL;
  bool dismiss = !strcmp(row->kind, "dismiss");
  if (!dismiss && !wait_answer_check(spec, body, kw_text(map_get_kw(body, "action")), &bad)) { /* sent before the wait could say what it needs */
    inbox_done(e, NULL, row->id);
    return false;
  }
  Run *r = run_for_delivery(e, number, err);
  if (!r || r->phase != R_PARKED || !step_waits_for(r, row->key)) {
    e->inbox_again = true;
    return false;
  }
  inbox_done(e, r, row->id);
  if (dismiss) return wait_dismissed(r, body), true;
  return step_deliver(r, body, NULL);
}

static bool deliver_action(Engine *e, const InboxRow *row, Err *err) {
  RunRow rr = {0};
  if (!store_run_by_id(e->store, row->workspace, row->key, &rr, err)) return false;
  int64_t number = rr.run;
  bool waiting = rr.status == RUN_WAITING;
  run_row_free(&rr);
  Run *r = waiting ? run_for_delivery(e, number, err) : NULL;
  if (!r || r->phase != R_PARKED) {
    if (!waiting) inbox_done(e, NULL, row->id); /* the run has moved on: there is nothing to answer */
    return false;
  }
  Val body = snap_read_value(env_core(), row->body.p, row->body.n);
  inbox_done(e, r, row->id);
  if (step_action(r, body)) return true;
  run_submit(r, AFTER_PARK); /* not an answer to what it waits for */
  return false;
}

bool engine_drain_inbox(Engine *e, Err *err) {
  int64_t after = 0;
  for (;;) {
    InboxRow rows[64];
    size_t n = store_inbox(e->store, after, rows, 64, err);
    for (size_t i = 0; i < n; i++) {
      after = rows[i].id;
      bool person = !strcmp(rows[i].kind, "action") || !strcmp(rows[i].kind, "cancel");
      if (person) wait_hand_over_all(e, err); /* what was acknowledged before comes before */
      if (!strcmp(rows[i].kind, "action")) deliver_action(e, &rows[i], err);
      else if (!strcmp(rows[i].kind, "cancel")) cancel_deliver(e, &rows[i], err);
      else if (!strcmp(rows[i].kind, "child")) child_deliver(e, &rows[i], err);
      else if (!strcmp(rows[i].kind, "named")) wait_named(e, &rows[i], err);
      else if (!strcmp(rows[i].kind, "jobs-cancel")) jobs_cancel_deliver(e, &rows[i]);
      else if (!strcmp(rows[i].kind, "notify")) wait_notify(e, &rows[i]);
      else if (!strncmp(rows[i].kind, "breakpoint", 10)) breaks_deliver(e, &rows[i], err);
      else inbox_event(e, &rows[i], err);
      inbox_row_free(&rows[i]);
    }
    if (n < 64) return true;
  }
}

bool engine_send(Engine *e, const char *workspace, const char *key, Val body, const char **outcome, Err *err) {
  Buf b = {0};
  if (is_sig(snap_data(&b, body))) return err_set(err, "bad_input", "the body cannot be stored");
  WaitRow w = {0};
  Blob was = {0};
  int64_t at;
  size_t size = snap_last_size();
  bool waiting = store_wait_get(e->store, workspace, key, &w, err), fits = !waiting || wait_size_check(wait_spec_read(&w), size, err);
  wait_row_free(&w);
  if (!fits) return buf_free(&b), false;
  if (!waiting && store_outcome_get(e->store, workspace, key, &at, &was, err) && now_ms() - at < ANSWERED_FOR_MS) {
    blob_free(&was);
    buf_free(&b);
    *outcome = "duplicate";
    return true;
  }
  Batch *batch = batch_new();
  batch_inbox_put(batch, workspace, key, "event", now_ms(), (Bytesv){b.p, b.n});
  buf_free(&b);
  if (!store_submit_wait(e->store, batch, err)) return false;
  *outcome = waiting ? "delivered" : "kept";
  return !waiting || engine_drain_inbox(e, err);
}

/* --- loop ------------------------------------------------------------------------------------------------------------------------------------ */
static bool busy(const Engine *e) {
  if (e->o.serves) return true;
  for (size_t i = 0; i < e->cap; i++)
    for (Run *r = e->runs[i]; r; r = r->chain)
      if (r->phase != R_DONE && r->phase != R_PARKED && r->phase != R_HELD) return true;
  for (size_t i = 0; i < e->ntimers; i++)
    if (!e->timers[i].token) return true; /* dropped after a full disk, to be taken up again */
  return wait_notifying(e) || (e->o.listen && e->parked.n);
}

static int wait_ms(const Engine *e, int64_t most) {
  int64_t now = now_ms(), until = now + (most > 20 ? 20 : most);
  if (e->ntimers && e->timers[0].due < until) until = e->timers[0].due;
  if ((e->o.listen || e->child_timers) && e->next_store_timer < until) until = e->next_store_timer;
  int ms = until <= now ? 0 : (int)(until - now), handing = wait_hand_over_ms(e);
  return handing < ms ? handing : ms;
}

static void poll_world(Engine *e, int ms) {
  struct pollfd fds[ENGINE_WATCHES];
  for (size_t i = 0; i < e->nwatches; i++) fds[i] = (struct pollfd){.fd = e->watches[i].fd, .events = POLLIN};
  store_together(e->store, false);
  int n = poll(fds, e->nwatches, ms);
  store_together(e->store, true);
  if (n < 0 && errno != EINTR) engine_fatal(e, "poll_failed", strerror(errno));
  for (size_t i = 0; n > 0 && i < e->nwatches; i++)
    if (fds[i].revents) e->watches[i].f(e, e->watches[i].ctx);
}

/* Has another process written (an answer, perhaps)? Asked every 20 ms: asking takes locks that the writer wants too. */
#define LOOK_EVERY_US 20000
static bool look_around(Engine *e) {
  int64_t now = mono_us();
  if (now < e->next_look_us) return false;
  e->next_look_us = now + LOOK_EVERY_US;
  return store_changed(e->store);
}

/* Looking through the whole inbox takes long while it is full of answers that are handed over in turn. */
static bool inbox_time(Engine *e) {
  int64_t now = mono_us();
  if (e->accepted && now < e->next_inbox_us) return false;
  e->next_inbox_us = now + LOOK_EVERY_US;
  return true;
}

static void run_slices(Engine *e) {
  if (!e->ready) return;
  store_gather(e->store);
  for (int n = 0; e->ready && n < 256 && !e->fatal; n++) {
    Run *r = e->ready;
    e->ready = r->next;
    if (!e->ready) e->ready_tail = NULL;
    r->queued = false;
    if (r->phase == R_READY && run_find(e, r->run) == r) run_slice(r);
  }
  store_release(e->store);
}

bool engine_turn(Engine *e, int64_t max_wait_ms, bool *idle, Err *err) {
  runs_leave(e);
  if (!e->draining) wait_hand_over(e, err);
  run_slices(e);
  rebuilds_turn(e);
  if (!e->draining && (e->o.listen || e->child_timers)) fire_stored_timers(e);
  if (!e->draining && (look_around(e) || ((e->inbox_again || e->wait_parked) && !e->ready && inbox_time(e)))) {
    e->inbox_again = e->wait_parked = false;
    engine_drain_inbox(e, err);
  }
  if (!e->draining) fire_timers(e);
  jobs_turn(e);
  *idle = !e->ready && !e->rebuilds && !e->accepted && !e->wait_parked && !busy(e);
  if (!e->fatal && store_failed(e->store)) engine_fatal(e, store_failed(e->store), store_error_text(store_failed(e->store)));
  if (e->fatal) {
    *err = e->fatal_err;
    return false;
  }
  if (!e->ready && !e->rebuilds && !*idle) index_idle(e);
  poll_world(e, e->ready || e->rebuilds || *idle ? 0 : wait_ms(e, max_wait_ms));
  return true;
}

int64_t engine_next_due(Engine *e) {
  int64_t now = now_ms(), due = store_timer_next(e->store); /* that of a sleeping run may be there twice */
  if (due <= now) due = INT64_MAX;
  e->next_store_timer = 0;
  return e->ntimers && e->timers[0].due < due ? e->timers[0].due : due;
}

bool engine_loop(Engine *e, volatile bool *stop, Err *err) {
  bool idle = false;
  if (!engine_drain_inbox(e, err)) return false;
  e->next_store_timer = 0;
  fire_stored_timers(e);
  while (!idle && !(stop && *stop))
    if (!engine_turn(e, 50, &idle, err)) return false;
  return true;
}
