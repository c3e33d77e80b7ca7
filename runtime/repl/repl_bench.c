/* repl_bench.c - see repl_bench.h */
#include "repl_bench.h"
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "repl_session.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static Bench *bench;

/* --- errors ------------------------------------------------------------ */
static Val throw_info(const char *type, const char *msg) {
  char name[64];
  snprintf(name, sizeof name, "%s", type);
  for (char *p = name; *p; p++)
    if (*p == '_') *p = '-';
  return ex_throw_val(ex_make(EXC_INFO, str_c(msg), map_assoc(map_empty, kw_c("type"), kw_c(name)), NIL));
}

Val bench_fail(const char *type, const char *fmt, ...) {
  char msg[1024];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(msg, sizeof msg, fmt, ap);
  va_end(ap);
  return throw_info(type, msg);
}

Val bench_error(const Err *err) { return throw_info(err->code ? err->code : "error", err->code ? err->msg : "unknown error"); }

/* --- the bench ------------------------------------------------------------ */
static char *copy_text(const char *s) {
  char *d = strdup(s);
  if (!d) abort();
  return d;
}

static void set_text(char **at, const char *s) {
  if (!s) return;
  char *d = copy_text(s);
  free(*at);
  *at = d;
}

static void at_end(void) { bench_close(bench); }

static Bench *the_bench(void) {
  if (bench) return bench;
  bench = mem_root(sizeof *bench);
  bench->db = copy_text(".breyta/breyta.db");
  bench->workspace = copy_text("local");
  bench->input = map_empty;
  engine_init();
  atexit(at_end);
  return bench;
}

Bench *bench_enter(void) {
  if (!repl_current() || (mach_cur && mach_cur->env->sandbox)) {
    ex_throw(EXC_UNSUPPORTED, "this function is for the REPL: flow code cannot use it");
    return NULL;
  }
  Bench *b = the_bench();
  if (b->busy) {
    bench_fail("busy", "another session is running a flow; try again when it is done");
    return NULL;
  }
  if (b->e) engine_here(b->e);
  return b;
}

void bench_close(Bench *b) {
  if (!b) return;
  if (b->e) engine_free(b->e);
  if (b->vault) { /* what is behind the target goes with the store */
    target_behind(b->target, &(TargetStore){0});
    vault_free(b->vault);
  }
  if (b->store) store_close(b->store);
  b->vault = NULL;
  b->e = NULL;
  b->store = NULL;
  b->writable = false;
  b->run = 0;
}

void bench_config(const char *db, const char *workspace, bool guard, Target *t, const char *secrets_key) {
  Bench *b = the_bench();
  bench_close(b);
  set_text(&b->db, db);
  set_text(&b->workspace, workspace);
  b->guard = guard;
  if (t) b->target = t;
  set_text(&b->secrets_key, secrets_key);
}

FlowPlaces *bench_flows(void) { return &the_bench()->flows; }

void bench_flow(FlowDef *def, const char *path) {
  Bench *b = the_bench();
  char *kept = copy_text(path); /* may be the old one */
  free(b->flow_path);
  b->flow_path = kept;
  b->def = def;
}

/* --- steps that end, while a run goes on ------------------------------------------------------------ */
static void tell(void *ctx, const StepEvent *e) {
  const Bench *b = ctx;
  if (!b->talk || e->what == STEP_STARTED) return;
  static const char *const what[] = {"", "done", "failed", "failed, tries again", "waits"};
  Buf line = {0};
  buf_fmt(&line, "  %s :%s :%s", what[e->what], e->type, e->step);
  if (e->occurrence > 1) buf_fmt(&line, " #%lld", (long long)e->occurrence);
  if (e->error) buf_fmt(&line, "  %.200s", e->error);
  buf_ch(&line, '\n');
  repl_print(line.p, line.n);
  buf_free(&line);
}

/* --- opening ------------------------------------------------------------ */
static Val open_as(Bench *b, bool executor) {
  Err err = {0};
  StoreOptions o = {.executor = executor, .read_only = !executor};
  Store *s = store_open(b->db, &o, &err);
  if (!s) return bench_error(&err);
  int64_t run = b->run;
  bench_close(b);
  b->store = s;
  b->writable = executor;
  b->vault = vault_new(s, b->secrets_key);
  b->place = (ConnPlace){s, {b->vault, b->workspace}, b->workspace, "draft"};
  b->target = target_from_store(b->target, &b->place);
  b->e = engine_new(s, &(EngineOptions){.workspace = b->workspace, .guard = b->guard, .target = b->target, .vault = b->vault, .resolve = flow_places_find,
                                        .resolve_ctx = &b->flows, .progress = tell, .ctx = b}, &err);
  b->run = run;
  return b->e ? NIL : bench_error(&err);
}

Val bench_reading(Bench *b) {
  if (b->store) return NIL;
  if (access(b->db, F_OK))
    return bench_fail("no-database", "there is no database %s yet: (start!) makes it, (db \"path\") goes to another one", b->db);
  return open_as(b, false);
}

Val bench_writing(Bench *b) {
  if (b->store && b->writable) return NIL;
  Val v = open_as(b, true);
  if (!is_sig(v)) return v;
  Val ex = pend.ex, data = AS(Ex, ex)->data;
  if (!kw_is(map_get_kw(data, "type"), "db-locked")) return v;
  return bench_fail("db-locked", "%s. What only looks works all the same: (runs) (waits) (steps id) (stack id n) (journal id)",
                    str_s(AS(Ex, ex)->msg));
}

/* --- flows and runs ------------------------------------------------------------ */
static bool read_text(const char *path, Buf *b) {
  FILE *f = fopen(path, "rb");
  if (!f) return false;
  char chunk[65536];
  for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;) buf_add(b, chunk, n);
  bool ok = !ferror(f);
  fclose(f);
  return ok;
}

Val bench_load(Bench *b, const char *path, FlowDef **out) {
  Buf text = {0}, told = {0};
  (void)b;
  if (!read_text(path, &text)) {
    buf_free(&text);
    return bench_fail("not-found", "cannot read %s: %s", path, strerror(errno));
  }
  Diags d = {0};
  *out = flowdef_read_file(buf_cstr(&text), text.n, path, &d);
  diags_print(&d, path, &told);
  if (told.n) repl_print(told.p, told.n);
  int errors = d.errors;
  diags_free(&d);
  buf_free(&told);
  buf_free(&text);
  return *out ? NIL : bench_fail("flow-invalid", "%s has %d error%s: nothing is loaded", path, errors, errors == 1 ? "" : "s");
}

Val bench_run(Bench *b, Val id, RunRow *row) {
  Err err = {0};
  CHECK(bench_reading(b));
  if (is_nil(id) && !b->run)
    return bench_fail("no-run", "no run is at hand: (start!) begins one, (attach! \"run-id\") takes one of (runs)");
  if (!is_nil(id) && !is_str(id))
    return bench_fail("no-run", "a run is named by its id, a string such as \"flow-x-local-r1\"; (runs) lists them");
  if (is_nil(id) ? store_run_get(b->store, b->run, row, &err) : store_run_by_id(b->store, NULL, str_s(id), row, &err)) return NIL;
  if (err.code) return bench_error(&err);
  return bench_fail("no-run", "there is no run %s in %s; (runs) lists them", is_nil(id) ? "at hand any more" : str_s(id), b->db);
}

/* Between two turns: other sessions may evaluate, and an interrupt is noticed. */
static bool interrupted(void *ctx) {
  Bench *b = ctx;
  b->busy = true;
  repl_block_begin();
  repl_block_end();
  b->busy = false;
  engine_here(b->e);
  return repl_interrupted(repl_current());
}

Stepper bench_stepper(Bench *b) { return (Stepper){b->e, b->run, interrupted, b}; }
