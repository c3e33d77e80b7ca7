/* trips.c - see trips.h. */
#include "trips.h"
#include "eval/expand.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/cli/cli.h"
#include "runtime/store/snapshot.h"
#include <stdio.h>
#include <stdlib.h>

#define STOPS_BEFORE_DOUBLING 40

TripLimits trip_limits = {400000, (uint64_t)12 << 20, 4000};
bool trip_collect;
char trip_broken[256];

/* --- units: what the store of a real run would hold ------------------------------------------------------------------------- */
#define MAX_UNITS 4096
static Unit **stored; /* mem_root: the collector sees it */
static size_t nstored;

static void store_units(void) {
  Unit **us;
  size_t n = snap_units(&us);
  for (size_t i = 0; i < n; i++) {
    size_t k = 0;
    while (k < nstored && memcmp(&stored[k]->hash, &us[i]->hash, sizeof us[i]->hash)) k++;
    if (k == MAX_UNITS) abort();
    if (k == nstored) nstored++;
    stored[k] = us[i];
  }
}

static Val stored_form(void *ctx, const UnitHash *h) {
  (void)ctx;
  for (size_t k = 0; k < nstored; k++)
    if (!memcmp(&stored[k]->hash, h, sizeof *h)) return unit_stored_form(stored[k]);
  return ABSENT;
}

/* --- one stop --------------------------------------------------------------------------------------------------------------------- */
static Mach *break_round_trip(const char *why) {
  if (!*trip_broken) snprintf(trip_broken, sizeof trip_broken, "%s", why);
  return NULL;
}

static Mach *round_trip(const Mach *m, size_t *bytes) {
  Buf a = {0}, b = {0};
  if (is_sig(snap_machine(&a, m))) return break_round_trip(str_s(AS(Ex, pend.ex)->msg));
  store_units();
  *bytes = a.n;
  Mach *r = snap_read_machine(a.p, a.n);
  if (!r) return break_round_trip(str_s(AS(Ex, pend.ex)->msg));
  r->fuel_total = m->fuel_total;
  r->fuel_limit = m->fuel_limit;
  r->mem_limit = m->mem_limit;
  r->max_frames = m->max_frames;
  r->host = m->host;
  r->out = m->out;
  r->nondet = m->nondet;
  r->slice = m->slice;
  if (is_sig(snap_machine(&b, r))) break_round_trip("the restored machine cannot be written");
  else if (a.n != b.n || memcmp(a.p, b.p, a.n)) break_round_trip("the snapshot of the restored machine differs");
  buf_free(&a);
  buf_free(&b);
  return r;
}

/* Run to the end, by way of a snapshot at every stop when `k`; *env follows the machine that goes on. Long programs are
 * stopped less and less often. */
static Val drive(Env **env, Val f, const Val *args, uint32_t n, int64_t k) {
  Mach *m = mach_new(*env);
  m->fuel_limit = trip_limits.fuel;
  m->mem_limit = trip_limits.mem;
  m->max_frames = trip_limits.frames;
  if (k) m->slice = k;
  mach_start(m, f, args, n);
  Val v = mach_run(m);
  for (int stops = 1; same(v, SIG_STOP); stops++) {
    size_t bytes = 0;
    if (k && !(m = round_trip(m, &bytes))) return SIG_THROW;
    if (k && (stops % STOPS_BEFORE_DOUBLING == 0 || bytes > (1u << 15))) m->slice *= bytes > (1u << 18) ? 16 : 2;
    if (trip_collect) mem_collect();
    *env = m->env;
    v = mach_continue(m);
  }
  *env = m->env;
  return same(v, SIG_SUSPEND) ? ex_throw(EXC_UNSUPPORTED, "suspended") : v;
}

static Val eval_unit(Env **env, Val form, int64_t k) {
  TRY(core, expand(*env, form, NULL));
  Unit *u = analyze(*env, core, NULL);
  if (!u) return SIG_THROW;
  Fn *f = mem_obj_n(T_FN, 0);
  f->code = u->fn;
  f->serial = (*env)->serial++;
  return drive(env, from_obj(f), NULL, 0, k);
}

static Val eval_form(Env **env, Val form, int64_t k) {
  TRY(top, env_top_form(*env, form));
  form = top;
  if (!is_type(form, T_LIST) || !sym_is(AS(List, form)->first, "do")) return eval_unit(env, form, k);
  Val last = NIL;
  for (Val s = AS(List, form)->rest; is_type(s, T_LIST) && !is_sig(last); s = AS(List, s)->rest) last = eval_form(env, AS(List, s)->first, k);
  return last;
}

static Val eval_text(Env **env, const char *s, size_t n, int64_t k) {
  Reader r;
  Val last = NIL;
  read_init(&r, s, n, NULL);
  while (!is_sig(last)) {
    env_reader(*env, &r);
    Val form = read_next(&r);
    if (same(form, ABSENT)) return last;
    last = is_sig(form) ? form : eval_form(env, form, k);
  }
  return last;
}

static Env *fresh_env(void) {
  static const char *const aliases[][2] = {
      {"str", "clojure.string"}, {"string", "clojure.string"}, {"set", "clojure.set"}, {"walk", "clojure.walk"}, {"edn", "clojure.edn"}};
  Env *e = env_new();
  Ns *ns = AS(Ns, e->cur_ns);
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    ns->aliases = map_assoc(ns->aliases, sym_c(aliases[i][0]), sym_c(aliases[i][1]));
  return e;
}

static void answer_error(Buf *out, bool message) {
  const Ex *ex = AS(Ex, pend.ex);
  out->n = 0;
  buf_fmt(out, "!%s", kind_name(ex->kind));
  if (message && ex->kind != KIND_STACK && ex->kind != KIND_LIMIT) buf_fmt(out, " %s", is_str(ex->msg) ? str_s(ex->msg) : "nil");
}

void trip_answer(const char *expr, size_t n, int64_t k, Buf *out) {
  nstored = 0;
  Env *e = fresh_env();
  Val v = eval_text(&e, expr, n, k);
  if (!is_sig(v)) v = drive(&e, builtin_find("clojure.core/pr-str")->self, &v, 1, k);
  if (is_sig(v)) answer_error(out, true);
  else buf_add(out, str_s(v), str_n(v));
  buf_ch(out, 0);
}

void trip_init(void) {
  cli_values();
  stored = mem_root(MAX_UNITS * sizeof *stored);
  unit_loader = stored_form;
  mach_defaults = (MachDefaults){.fuel_limit = trip_limits.fuel, .mem_limit = trip_limits.mem, .max_frames = trip_limits.frames};
}

bool trip_unstable(const char *expr) {
  static const char *const words[] = {"rand", "shuffle", "now", "time", "uuid", "Date.", "currentTimeMillis"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(expr, words[i])) return true;
  return false;
}
