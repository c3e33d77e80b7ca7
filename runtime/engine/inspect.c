/* inspect.c - see inspect.h */
#include "inspect.h"
#include "engine_int.h"
#include "eval/scope.h"
#include "runtime/flow/flow_include.h"
#include <stdio.h>
#include <stdlib.h>

/* --- values as data ------------------------------------------------------------ */
enum { COPY_DEPTH = 200, COPY_MAX = 100000 };
typedef struct Copy { int depth; size_t left; } Copy;
static Val copy(Copy *c, Val v);

static Val label(const char *kind, const char *name) { return sym_of(NIL, str_fmt("#<%s%s%s>", kind, *name ? " " : "", name)); }

static Val copy_other(Copy *c, Val v) {
  switch (type_of(v)) {
  case T_FN: return label("fn", str_s(AS(Fn, v)->code->name));
  case T_BUILTIN: return label("fn", AS(BuiltinObj, v)->def->name);
  case T_ATOM: return vec_of2(label("atom", ""), copy(c, AS(Atom, v)->val));
  case T_VOLATILE: return vec_of2(label("volatile", ""), copy(c, AS(Box, v)->val));
  case T_EX: {
    Val msg = AS(Ex, v)->msg;
    return vec_of2(label("exception", exc_class_name((enum Exc)AS(Ex, v)->cls)), is_nil(msg) ? NIL : msg);
  }
  default: return label(class_name_of(v), "");
  }
}

static bool plain(Val v) { /* data without parts, as it is */
  if (!is_ptr(v)) return true;
  switch (type_of(v)) {
  case T_FN: case T_BUILTIN: case T_VAR: case T_NS: case T_ATOM: case T_VOLATILE: case T_REDUCED: case T_DELAY: case T_EX: case T_REPEAT:
  case T_MATCHER: case T_TVEC: case T_TMAP: case T_TSET: case T_CLASS: return false;
  default: return !is_vec(v) && !is_map(v) && !is_set(v) && !is_seq(v);
  }
}

static Val copy_map(Copy *c, Val m) {
  MapIter it;
  Val k, v, out = m;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    Val k2 = copy(c, k), v2 = copy(c, v);
    if (!same(k, k2)) out = map_dissoc(out, k);
    if (!same(k, k2) || !same(v, v2)) out = map_assoc(out, k2, v2);
  }
  return out;
}

static Val copy_set(Copy *c, Val s) {
  MapIter it;
  Val k, v, out = s;
  map_iter(&it, s);
  while (map_next(&it, &k, &v)) {
    Val k2 = copy(c, k);
    if (!same(k, k2)) out = set_conj(set_disj(out, k), k2);
  }
  return out;
}

static Val copy_vec(Copy *c, Val v) {
  Val out = vec_as_vec(v);
  for (uint32_t i = 0; i < vec_count(v); i++) {
    Val x = vec_nth(v, i), y = copy(c, x);
    if (!same(x, y)) out = vec_assoc(out, i, y);
  }
  return out;
}

/* What of it is realised, as a list. */
static Val copy_seq(Copy *c, Val s) {
  ValVec out = {0};
  while (!is_nil(s)) {
    while (is_type(s, T_LAZY) && is_nil(AS(Lazy, s)->fn)) s = AS(Lazy, s)->seq;
    if (is_nil(s) || is_type(s, T_EMPTY)) break;
    if (is_type(s, T_LAZY) || is_type(s, T_REPEAT) || !c->left) {
      vv_push(&out, sym_c("..."));
      break;
    }
    Val first = seq_first(s), rest = seq_rest(s);
    if (is_sig(first) || is_sig(rest)) {
      vv_push(&out, sym_c("..."));
      break;
    }
    vv_push(&out, copy(c, first));
    s = rest;
  }
  return list_from(out.a, out.n);
}

static Val copy(Copy *c, Val v) {
  if (plain(v)) return v;
  if (!c->left || c->depth >= COPY_DEPTH) return sym_c("...");
  c->left--;
  c->depth++;
  Val out = is_vec(v)                           ? copy_vec(c, v)
            : is_map(v)                         ? copy_map(c, v)
            : is_set(v)                         ? copy_set(c, v)
            : is_seq(v) || is_type(v, T_REPEAT) ? copy_seq(c, v)
                                                : copy_other(c, v);
  c->depth--;
  return is_sig(out) ? sym_c("...") : out;
}

Val inspect_copy(Val v) {
  Copy c = {0, COPY_MAX};
  return copy(&c, v);
}

/* --- frames ------------------------------------------------------------ */
bool inspect_shown(const Activation *a) { return a->native ? a->native != &nd_step : !a->site->unit->core_unit; }

static Val locals_map(const Mach *m, const Activation *a) {
  Val out = map_empty;
  for (size_t i = 0; i < a->nlocals; i++)
    out = map_assoc(out, kw_of(NIL, AS(Sym, a->locals[i].name)->name), inspect_copy(scope_get(m, a, &a->locals[i])));
  return out;
}

static Val frame_map(const Mach *m, const Activation *a, int64_t number) {
  Val out = map_assoc(map_empty, kw_c("frame"), int_val(number));
  if (a->native) return map_assoc(out, kw_c("fn"), str_c(a->name));
  const Node *n = a->site;
  out = map_assoc(out, kw_c("fn"), str_c(a->code->id == UINT32_MAX ? "flow" : a->name));
  out = map_assoc(out, kw_c("file"), n->unit->file ? str_c(n->unit->file) : NIL);
  out = map_assoc(out, kw_c("line"), int_val(n->line));
  out = map_assoc(out, kw_c("column"), int_val(n->col));
  return map_assoc(out, kw_c("locals"), locals_map(m, a));
}

static Val frames(const Mach *m) {
  Activation *stack;
  size_t n = scope_stack(m, &stack);
  ValVec out = {0};
  for (size_t i = 0; i < n; i++)
    if (inspect_shown(&stack[i])) vv_push(&out, frame_map(m, &stack[i], (int64_t)out.n));
  return vec_from(out.a, out.n);
}

static Val step_map(Run *r, int64_t number) {
  const Val *s = step_slots(r->m);
  Val kv[] = {kw_c("number"), int_val(number),        kw_c("id"),
              s[ST_ID],       kw_c("type"),           kw_is(s[ST_TYPE], "code") ? kw_c("function") : s[ST_TYPE],
              kw_c("input"),  inspect_copy(s[ST_CFG])};
  return map_from(kv, 4, false);
}

/* Code of an included file stands there, not in the flow's. */
static Val in_its_file(const FlowDef *f, Val frame) {
  int line = (int)long_of(map_get_kw(frame, "line")), col = (int)long_of(map_get_kw(frame, "column"));
  char *file = NULL;
  flow_include_position(f->text, f->text_n, f->file, &line, &col, &file);
  if (file) frame = map_assoc(frame, kw_c("file"), str_c(file));
  free(file);
  return map_assoc(map_assoc(frame, kw_c("line"), int_val(line)), kw_c("column"), int_val(col));
}

static Val frames_in_files(Run *r) {
  const FlowDef *f = run_definition(r);
  Val all = frames(r->m), out = vec_empty;
  for (uint32_t i = 0; i < vec_count(all); i++) {
    Val frame = vec_nth(all, i), file = map_get_kw(frame, "file");
    bool own = f && f->file && is_str(file) && str_eq_c(file, f->file);
    out = vec_conj(out, own ? in_its_file(f, frame) : frame);
  }
  return out;
}

Val inspect_run(Run *r) {
  Val kv[] = {kw_c("run-id"), str_c(r->run_id),
              kw_c("step"),   step_slots(r->m) ? step_map(r, r->stop_at ? r->stop_at : r->steps + !r->call) : NIL,
              kw_c("frames"), frames_in_files(r)};
  return map_from(kv, 3, false);
}

/* --- past steps ------------------------------------------------------------ */
typedef struct Count { const char *id; int64_t occurrence, n, found, seen; } Count;

static bool count_step(void *ctx, const HistoryStep *h) {
  Count *c = ctx;
  if (h->number <= c->n) return true; /* another attempt */
  c->n = h->number;
  if (c->id && !strcmp(h->step, c->id) && ++c->seen == c->occurrence) c->found = h->number;
  return true;
}

bool inspect_step_number(Engine *e, int64_t run, const char *text, int64_t *n, Err *err) {
  char *end;
  *n = strtoll(text, &end, 10);
  if (*text && !*end) return true;
  char id[256];
  const char *hash = strrchr(text, '#');
  Count c = {.occurrence = 1};
  if (*text == ':') text++;
  snprintf(id, sizeof id, "%s", text);
  if (hash && hash > text && (c.occurrence = atoll(hash + 1)) > 0) id[hash - text] = 0;
  c.id = id;
  if (!engine_history(e, run, count_step, &c, err)) return false;
  *n = c.found ? c.found : strcmp(text, "last") ? 0 : c.n;
  if (*n) return true;
  if (c.seen)
    return err_set(err, "no_step", "step :%s has begun %lld time%s in this run, not %lld", id, (long long)c.seen, c.seen == 1 ? "" : "s",
                   (long long)c.occurrence);
  return err_set(err, "no_step", "this run has begun no step :%s; `show` lists its %lld step%s", id, (long long)c.n, c.n == 1 ? "" : "s");
}

static void on_difference(Run *r, const char *what) {
  if (!r->diff->n) buf_c(r->diff, what);
  r->phase = R_DONE;
}

/* A machine that stands in front of the step; NULL: *err. */
Run *inspect_rebuild(Engine *e, const RunRow *row, int64_t step, bool from_start, Err *err) {
  Run *r = run_make(e, row);
  Buf diff = {0};
  r->replaying_only = true;
  r->stop_at = step;
  r->on_replay = on_difference;
  r->diff = &diff;
  if (run_load(r, row, from_start, err)) run_replay(r);
  bool early = !err->code && !diff.n && r->steps > step; /* the snapshot is behind it */
  if (diff.n) err_set(err, "replay_differs", "%s: %s", row->run_id, buf_cstr(&diff));
  buf_free(&diff);
  r->diff = NULL;
  if (r->stopped && !err->code) return r;
  if (!err->code && !early)
    err_set(err, "no_step", "%s has begun %lld step%s, not %lld", row->run_id, (long long)r->steps, r->steps == 1 ? "" : "s",
            (long long)step);
  run_release(r);
  return early && !from_start ? inspect_rebuild(e, row, step, true, err) : NULL;
}

Val inspect_at(Engine *e, int64_t run, int64_t step, Err *err) {
  RunRow row = {0};
  Count c = {0};
  err->code = NULL;
  if (!store_run_get(e->store, run, &row, err)) {
    if (!err->code) err_set(err, "not_found", "there is no run number %lld", (long long)run);
    return ABSENT;
  }
  if (step == 0 && engine_history(e, run, count_step, &c, err)) step = c.n;
  if (step < 1 && !err->code) err_set(err, "no_step", step ? "steps are counted from 1" : "%s has not begun any step", row.run_id);
  Run *r = err->code ? NULL : inspect_rebuild(e, &row, step, row.snap_seq < 0, err);
  Val out = r ? inspect_run(r) : ABSENT;
  if (r) run_release(r);
  run_row_free(&row);
  return out;
}

/* --- for people ------------------------------------------------------------ */
static void print_cut(Buf *out, Val v, size_t most) {
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) buf_c(&b, "?");
  size_t n = b.n;
  if (n > most) {
    n = most > 3 ? most - 3 : 0;
    while (n && ((unsigned char)b.p[n] & 0xc0) == 0x80) n--;
  }
  buf_add(out, b.p ? b.p : "", n);
  if (n < b.n) buf_c(out, "...");
  buf_free(&b);
}

static void print_locals(Val locals, size_t width, Buf *out) {
  MapIter it;
  Val k, v;
  int name = 4;
  map_iter(&it, locals);
  while (map_next(&it, &k, &v))
    if ((int)strlen(kw_text(k)) > name && strlen(kw_text(k)) < 24) name = (int)strlen(kw_text(k));
  map_iter(&it, locals);
  while (map_next(&it, &k, &v)) {
    buf_fmt(out, "      %-*s  ", name, kw_text(k));
    print_cut(out, v, width > (size_t)name + 8 ? width - (size_t)name - 8 : 20);
    buf_ch(out, '\n');
  }
}

void inspect_print(Val map, size_t width, Buf *out) {
  Val step = map_get_kw(map, "step"), list = map_get_kw(map, "frames");
  if (is_map(step)) {
    buf_fmt(out, "in front of step %lld :%s :%s  ", (long long)long_of(map_get_kw(step, "number")), kw_text(map_get_kw(step, "type")),
            id_text(map_get_kw(step, "id")));
    print_cut(out, map_get_kw(step, "input"), width > 40 ? width - 40 : 20);
    buf_ch(out, '\n');
  }
  for (uint32_t i = 0; i < vec_count(list); i++) {
    Val f = vec_nth(list, i), file = map_get_kw(f, "file");
    buf_fmt(out, "%3u  %s", i, str_s(map_get_kw(f, "fn")));
    if (is_str(file))
      buf_fmt(out, "  %s:%lld:%lld", str_s(file), (long long)long_of(map_get_kw(f, "line")), (long long)long_of(map_get_kw(f, "column")));
    buf_ch(out, '\n');
    if (is_map(map_get_kw(f, "locals"))) print_locals(map_get_kw(f, "locals"), width, out);
  }
}
