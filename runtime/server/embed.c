/* embed.c - libbreyta: what breyta.h declares, on the thread of embed_thread.h. Each public function puts what it was given into a Call, and
 * what it does is the function of its own name with on_ in front. */
#include "breyta.h"
#include "runtime/engine/child_find.h"
#include "runtime/cli/cli_run.h"
#include "runtime/store/conn_store.h"
#include "runtime/store/connection.h"
#include "embed_thread.h"
#include "runtime/engine/engine_listen.h"
#include "eval/unit.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include "reader/read.h"
#include <stdatomic.h>
#include <stdlib.h>

struct breyta_flow {
  FlowDef *def;
  breyta_flow *next;
};

struct breyta {
  Store *store;
  Engine *engine;
  EngineListener *listener;
  Target *target;
  Vault *vault;
  ConnPlace place;
  FlowPlaces flows;
  char *workspace, *listen, *public_url;
  breyta_flow *loaded; /* mem_root cells, kept for the next flow when they are empty */
  atomic_int stop;
};

typedef struct Call {
  breyta *b;
  const breyta_options *o;
  breyta_flow *flow;
  const char *path, *text, *key, *reason;
  size_t n;
  int number, result;
  char *out;
  Err err;
} Call;

static bool fail_with(breyta_error *e, const char *code, const char *message) {
  if (!e) return false;
  snprintf(e->code, sizeof e->code, "%s", code);
  snprintf(e->message, sizeof e->message, "%s", message);
  return false;
}

/* Does it, and tells what went wrong. */
static bool call(void (*f)(void *), Call *c, breyta_error *e) {
  if (e) *e = (breyta_error){{0}, {0}};
  if (!embed_call(f, c)) return fail_with(e, "no_thread", "the library cannot make its thread");
  return !c->err.code || fail_with(e, c->err.code, c->err.msg);
}

static Call *begun(void *arg) {
  Call *c = arg;
  if (c->b) engine_here(c->b->engine);
  return c;
}

static char *text_of(Buf *b) {
  char *s = strdup(buf_cstr(b));
  buf_free(b);
  return s;
}

static const char *thrown(void) {
  Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
  return is_str(msg) ? str_s(msg) : "?";
}

/* A value out of JSON, or EDN behind "edn:". */
static bool value_of(const char *text, Val *out, Err *err) {
  if (strncmp(text, "edn:", 4)) {
    *out = json_parse(text, strlen(text), err);
    return !same(*out, ABSENT);
  }
  *out = read_one(text + 4, strlen(text + 4), "edn", true);
  return !is_sig(*out) || err_set(err, "bad_input", "%s", thrown());
}

/* --- open and close ---------------------------------------------------------------------------------------------------------------- */
static void let_go(breyta *b) {
  if (b->listener) engine_listen_stop(b->listener);
  if (b->engine) engine_free(b->engine);
  if (b->store) store_close(b->store);
  for (breyta_flow *f = b->loaded; f; f = f->next) f->def = NULL;
  target_free(b->target);
  vault_free(b->vault);
  flow_places_free(&b->flows);
  free(b->workspace);
  free(b->listen);
  free(b->public_url);
  free(b);
}

static bool open_parts(breyta *b, const char *path, const breyta_options *o, Err *err) {
  b->workspace = strdup(o->workspace ? o->workspace : "local");
  b->listen = mem_raw_copy(o->listen);
  b->public_url = mem_raw_copy(o->public_url);
  if (b->public_url && !cli_good_url(b->public_url))
    return err_set(err, "validation", "public_url is an address such as https://flows.example.com, without a slash at the end");
  if (o->connections && !(b->target = target_load(o->connections, err))) return false;
  if (o->flows && !flow_places_add(&b->flows, o->flows, err)) return false;
  b->store = store_open(path, &(StoreOptions){.memory = !path, .executor = true}, err);
  if (!b->store) return false;
  b->vault = vault_new(b->store, NULL);
  b->place = (ConnPlace){b->store, {b->vault, b->workspace}, b->workspace, "draft"};
  b->target = target_from_store(b->target, &b->place);
  EngineOptions eo = {.workspace = b->workspace, .guard = o->guard, .listen = b->listen, .public_url = b->public_url, .target = b->target,
                      .vault = b->vault, .resolve = flow_places_find, .resolve_ctx = &b->flows};
  b->engine = engine_new(b->store, &eo, err);
  if (b->engine && b->listen) b->listener = engine_listen(b->engine, b->listen, err);
  return b->engine && (!b->listen || b->listener);
}

static void on_open(void *arg) {
  Call *c = arg;
  breyta_options o = {0};
  if (c->o) memcpy(&o, c->o, c->o->size && c->o->size < sizeof o ? c->o->size : sizeof o);
  breyta *b = calloc(1, sizeof *b);
  if (b && open_parts(b, c->path, &o, &c->err)) {
    c->b = b;
    return;
  }
  if (!c->err.code) err_set(&c->err, "failed", "the library could not be opened");
  if (b) let_go(b);
}

breyta *breyta_open(const char *path, const breyta_options *options, breyta_error *e) {
  Call c = {.path = path, .o = options};
  return call(on_open, &c, e) ? c.b : NULL;
}

static void on_close(void *arg) { let_go(begun(arg)->b); }

void breyta_close(breyta *b) {
  if (b) call(on_close, &(Call){.b = b}, NULL);
}

void breyta_free(void *text) { free(text); }
const char *breyta_version(void) { return BREYTA_VERSION; }

/* --- flows ------------------------------------------------------------------------------------------------------------------------- */
static void on_check(void *arg) {
  Call *c = begun(arg);
  Diags d = {0};
  Buf b = {0};
  Val all = vec_empty;
  flowdef_read(c->text, c->n, "flow.edn", &d);
  for (size_t i = 0; i < d.n; i++) all = vec_conj(all, cli_diag_map(&d.a[i]));
  Val kv[] = {kw_c("errors"), fix(d.errors), kw_c("warnings"), fix(d.warnings), kw_c("diagnostics"), all};
  if (is_sig(json_print(&b, map_from(kv, 3, false)))) err_set(&c->err, "failed", "%s", thrown());
  c->out = text_of(&b);
  diags_free(&d);
}

char *breyta_check(breyta *b, const char *definition, size_t size, breyta_error *e) {
  Call c = {.b = b, .text = definition, .n = size};
  return call(on_check, &c, e) ? c.out : NULL;
}

static void first_problem(const Diags *d, Err *err) {
  for (size_t i = 0; i < d->n; i++)
    if (d->a[i].error) {
      const Diag *p = &d->a[i];
      err_set(err, "invalid_flow", "%d:%d: [%s] %s%s%s", p->line, p->col, p->code, p->message, p->hint ? "; " : "", p->hint ? p->hint : "");
      return;
    }
  err_set(err, "invalid_flow", "the definition cannot be read");
}

static breyta_flow *empty_cell(breyta *b) {
  breyta_flow *f = b->loaded;
  while (f && f->def) f = f->next;
  if (f) return f;
  f = mem_root(sizeof *f);
  f->next = b->loaded;
  return b->loaded = f;
}

static void on_load(void *arg) {
  Call *c = begun(arg);
  Diags d = {0};
  FlowDef *def = flowdef_read(c->text, c->n, "flow.edn", &d);
  if (def) (c->flow = empty_cell(c->b))->def = def;
  else first_problem(&d, &c->err);
  diags_free(&d);
}

breyta_flow *breyta_load(breyta *b, const char *definition, size_t size, breyta_error *e) {
  Call c = {.b = b, .text = definition, .n = size};
  return call(on_load, &c, e) ? c.flow : NULL;
}

static void on_unload(void *arg) { ((Call *)arg)->flow->def = NULL; }

void breyta_unload(breyta *b, breyta_flow *flow) {
  if (flow) call(on_unload, &(Call){.b = b, .flow = flow}, NULL);
}

/* --- runs -------------------------------------------------------------------------------------------------------------------------- */
static bool run_row(Call *c, const char *run_id, RunRow *row) {
  if (store_run_by_id(c->b->store, c->b->workspace, run_id, row, &c->err)) return true;
  return c->err.code ? false : err_set(&c->err, "not_found", "there is no run %s", run_id);
}

static void on_start(void *arg) {
  Call *c = begun(arg);
  Val input;
  int64_t run;
  RunRow row = {0};
  if (!c->flow->def) {
    err_set(&c->err, "bad_input", "the flow was unloaded");
    return;
  }
  if (!value_of(c->text ? c->text : "{}", &input, &c->err)) return;
  if (!is_map(input)) {
    err_set(&c->err, "bad_input", "the input is an object");
    return;
  }
  if (c->key && !cli_good_run_id(c->key)) {
    err_set(&c->err, "bad_input", "a run's id has letters, digits, - _ . and begins with a letter or digit");
    return;
  }
  if (!flowdef_input(c->flow->def, &input, &c->err) || !engine_start(c->b->engine, c->flow->def, input, c->key, &run, &c->err)) return;
  if (store_run_get(c->b->store, run, &row, &c->err)) c->out = mem_raw_copy(row.run_id);
  run_row_free(&row);
}

char *breyta_start(breyta *b, breyta_flow *flow, const char *input, const char *run_id, breyta_error *e) {
  Call c = {.b = b, .flow = flow, .text = input, .key = run_id};
  return call(on_start, &c, e) ? c.out : NULL;
}

static void resume_all(Call *c) {
  RunRow rows[64];
  int64_t after = 0;
  size_t n;
  do {
    n = store_runs(c->b->store, after, 1u << RUN_RUNNING | 1u << RUN_WAITING, rows, 64, &c->err);
    for (size_t i = 0; i < n; i++) {
      after = rows[i].run;
      if (!c->err.code) engine_resume(c->b->engine, after, &c->err);
      run_row_free(&rows[i]);
    }
  } while (n == 64 && !c->err.code);
}

static void on_resume(void *arg) {
  Call *c = begun(arg);
  RunRow row = {0};
  if (!c->key) resume_all(c);
  else if (run_row(c, c->key, &row)) engine_resume(c->b->engine, row.run, &c->err);
  run_row_free(&row);
}

int breyta_resume(breyta *b, const char *run_id, breyta_error *e) {
  Call c = {.b = b, .key = run_id};
  return call(on_resume, &c, e) ? 0 : -1;
}

/* number: milliseconds, -1 without an end. */
static void on_pump(void *arg) {
  Call *c = begun(arg);
  int64_t end = mono_us() + (int64_t)c->number * 1000, left = 50000;
  bool idle = false;
  bool ok = engine_drain_inbox(c->b->engine, &c->err);
  while (ok && !idle && !atomic_load(&c->b->stop) && left > 0) {
    ok = engine_turn(c->b->engine, left < 50000 ? left / 1000 + 1 : 50, &idle, &c->err);
    if (c->number >= 0) left = end - mono_us();
  }
  atomic_store(&c->b->stop, 0);
  c->result = idle;
}

int breyta_pump(breyta *b, int ms, breyta_error *e) {
  Call c = {.b = b, .number = ms < 0 ? 0 : ms};
  return call(on_pump, &c, e) ? c.result : -1;
}

int breyta_run(breyta *b, breyta_error *e) {
  Call c = {.b = b, .number = -1};
  return call(on_pump, &c, e) ? 0 : -1;
}

void breyta_interrupt(breyta *b) { atomic_store(&b->stop, 1); }

static Val json_or_text(Val v) {
  Buf b = {0};
  Val shown = is_sig(json_print(&b, v)) ? pr_str(v) : v;
  buf_free(&b);
  return is_sig(shown) ? NIL : shown;
}

static void on_state(void *arg) {
  Call *c = begun(arg);
  RunRow row = {0};
  RunState st = {.value = NIL, .error = NIL};
  Buf b = {0};
  if (run_row(c, c->key, &row) && engine_state(c->b->engine, row.run, &st, &c->err)) {
    Val kv[] = {kw_c("runId"), str_c(st.run_id), kw_c("status"), str_c(run_status_name(st.status)),
                kw_c("value"), st.status == RUN_COMPLETED ? json_or_text(st.value) : NIL,
                kw_c("error"), run_status_final(st.status) || st.status == RUN_BLOCKED ? json_or_text(st.error) : NIL,
                kw_c("parked"), bool_val(st.parked), kw_c("waitsFor"), st.parked ? str_c(st.waits_for) : NIL};
    if (is_sig(json_print(&b, map_from(kv, 6, false)))) err_set(&c->err, "failed", "%s", thrown());
    c->out = text_of(&b);
  }
  run_row_free(&row);
}

char *breyta_state(breyta *b, const char *run_id, breyta_error *e) {
  Call c = {.b = b, .key = run_id};
  return call(on_state, &c, e) ? c.out : NULL;
}

static void on_answer(void *arg) {
  Call *c = begun(arg);
  Val body;
  const char *outcome = "";
  if (!value_of(c->text, &body, &c->err)) return;
  if (engine_send(c->b->engine, c->b->workspace, c->key, body, &outcome, &c->err)) c->result = !strcmp(outcome, "duplicate");
}

int breyta_answer(breyta *b, const char *key, const char *body, breyta_error *e) {
  Call c = {.b = b, .key = key, .text = body};
  return call(on_answer, &c, e) ? c.result : -1;
}

static void on_cancel(void *arg) {
  Call *c = begun(arg);
  RunRow row = {0};
  if (run_row(c, c->key, &row) && engine_cancel(c->b->store, &row, c->number, c->reason, &c->err)) engine_drain_inbox(c->b->engine, &c->err);
  run_row_free(&row);
}

int breyta_cancel(breyta *b, const char *run_id, int force, const char *reason, breyta_error *e) {
  Call c = {.b = b, .key = run_id, .number = force, .reason = reason};
  return call(on_cancel, &c, e) ? 0 : -1;
}
