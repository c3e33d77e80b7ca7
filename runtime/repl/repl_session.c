/* repl_session.c - see repl_session.h: sessions, the lock, evaluation form by form. What is typed and what is known of names is in
 * repl_names.c. */
#include "repl_int.h"
#include "runtime/cli/cli.h"
#include "eval/expand.h"
#include "eval/introspect.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "repl_ext.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Thread_local ReplSession *current;

#define PHASE_NAME(e, name) name,
const char *repl_phase_name(ReplPhase p) {
  static const char *const names[] = {REPL_PHASES(PHASE_NAME)};
  return names[p];
}

/* --- the lock: tickets, so that whoever waits gets it at the next slice end -------------------------------------------------------- */
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static uint64_t next_ticket, serving;

void repl_lock(void) {
  pthread_mutex_lock(&door);
  uint64_t mine = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED); /* atomic for others_wait */
  while (serving != mine) pthread_cond_wait(&moved, &door);
  pthread_mutex_unlock(&door);
}

void repl_unlock(void) {
  pthread_mutex_lock(&door);
  __atomic_fetch_add(&serving, 1, __ATOMIC_RELAXED);
  pthread_cond_broadcast(&moved);
  pthread_mutex_unlock(&door);
}

static bool others_wait(void) { return __atomic_load_n(&next_ticket, __ATOMIC_RELAXED) - __atomic_load_n(&serving, __ATOMIC_RELAXED) > 1; }

/* The namespaces and counters of sessions that share them are copied into the session's Env while it holds the lock. */
static void world_in(ReplSession *s) {
  s->env->namespaces = s->world->namespaces;
  s->env->serial = s->world->serial;
  s->env->gensym = s->world->gensym;
}
static void world_out(ReplSession *s) {
  s->world->namespaces = s->env->namespaces;
  s->world->serial = s->env->serial;
  s->world->gensym = s->env->gensym;
}

void repl_enter(ReplSession *s) {
  repl_lock();
  world_in(s);
}
void repl_leave(ReplSession *s) {
  world_out(s);
  repl_unlock();
}

void repl_block_begin(void) {
  if (current) repl_leave(current);
}
void repl_block_end(void) {
  if (current) repl_enter(current);
}

/* --- what the machines of a session ask for ------------------------------------------------------------------------------------------ */
static bool slice_end(Mach *m) {
  (void)m;
  ReplSession *s = current;
  if (others_wait()) {
    repl_leave(s);
    repl_enter(s);
  }
  if (!__atomic_exchange_n(&s->stop, 0, __ATOMIC_RELAXED)) return false;
  s->stopped = true;
  return true;
}

static void emit(ReplStream to, const char *s, size_t n) {
  const ReplCallbacks *cb = current ? current->cb : NULL;
  if (!cb || !cb->out || !n) return;
  char *copy = mem_raw(n); /* s may be in a string that another thread's collection takes */
  memcpy(copy, s, n);
  repl_block_begin();
  cb->out(cb->ctx, to, copy, n);
  repl_block_end();
  mem_raw_free(copy);
}
static void out_text(Mach *m, const char *s, size_t n) {
  (void)m;
  emit(REPL_OUT, s, n);
}
static void err_text(Mach *m, const char *s, size_t n) {
  (void)m;
  emit(REPL_ERR, s, n);
}
void repl_print(const char *s, size_t n) { emit(REPL_OUT, s, n); }

static Val stopped_here(ReplSession *s) {
  __atomic_store_n(&s->stop, 0, __ATOMIC_RELAXED);
  s->stopped = true;
  return ex_throw_kind(EXC_INTERRUPTED, KIND_LIMIT, "Evaluation interrupted");
}

static Val in_line(Mach *m) {
  (void)m;
  ReplSession *s = current;
  Buf line = {0};
  bool got = buf_take_line(&s->unread, &line, true);
  if (!got && s->cb && s->cb->line) {
    repl_block_begin();
    got = s->cb->line(s->cb->ctx, &line);
    repl_block_end();
    if (!got && repl_interrupted(s)) {
      buf_free(&line);
      return stopped_here(s);
    }
  }
  if (got) return buf_str(&line);
  buf_free(&line);
  return NIL;
}

/* --- sessions -------------------------------------------------------------------------------------------------------------------------- */
static ReplSession **all; /* rooted: keeps the sessions alive */

/* The vars that a session binds, with their first values: prefix-less names are of clojure.core. */
static const struct { const char *ns, *name; int what; } bound[] = {
    {"clojure.core", "*1", 0}, {"clojure.core", "*2", 0}, {"clojure.core", "*3", 0}, {"clojure.core", "*e", 0},
    {"clojure.core", "*ns*", 0}, {"clojure.core", "*print-length*", 1}, {"clojure.core", "*print-level*", 1},
    {"clojure.core", "*print-meta*", 1}, {"clojure.core", "*print-namespace-maps*", 2}, {"clojure.core", "*print-readably*", 1},
    {"clojure.core", "*command-line-args*", 1}, {"clojure.core", "*err*", 1}, {"clojure.core", "*in*", 3}, {"clojure.pprint", "*print-right-margin*", 1}};
enum { BOUND_NIL, BOUND_ROOT, BOUND_TRUE, BOUND_STDIN };

static Box *binding_new(ReplSession *s, Val v) {
  Box *cell = mem_obj(T_VOLATILE);
  cell->serial = s->env->serial++;
  cell->val = v;
  return cell;
}

static Val stdin_new(void) { return builtin_call(builtin_find("breyta.io/stdin"), 0, NULL); }

static void bind_vars(ReplSession *s) {
  s->bindings = hmap_empty;
  for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
    Val var = env_resolve(s->env, sym_new(bound[i].ns, bound[i].name));
    if (!is_type(var, T_VAR)) continue;
    Val v = bound[i].what == BOUND_ROOT ? AS(Var, var)->root : bound[i].what == BOUND_TRUE ? TRUE_V : NIL;
    if (bound[i].what == BOUND_STDIN) v = stdin_new();
    s->bindings = map_assoc(s->bindings, var, from_obj(binding_new(s, v)));
  }
}

Val *repl_binding(ReplSession *s, const char *name) {
  Val var = env_resolve(s->env, sym_new("clojure.core", name));
  Val cell = is_type(var, T_VAR) ? map_get(s->bindings, var, NIL) : NIL;
  return is_nil(cell) ? NULL : &AS(Box, cell)->val;
}

/* What read and read-line left in *in* goes back to the session's input, without the rest of a line that is blank: a form ends with
 * its line, for people. */
static void settle_input(ReplSession *s) {
  Val *in = repl_binding(s, "*in*");
  if (!in || !is_type(*in, T_STREAM) || obj(*in)->aux != STREAM_STDIN || !is_str(AS(Stream, *in)->text)) return;
  Stream *st = AS(Stream, *in);
  const char *left = str_s(st->text) + st->pos, *p = left + strspn(left, " \t\r,");
  if (*p == '\n') left = p + 1;
  Buf left_over = {0};
  buf_c(&left_over, left);
  if (s->unread.n) buf_add(&left_over, s->unread.p, s->unread.n);
  buf_free(&s->unread);
  s->unread = left_over;
  st->text = NIL;
  st->pos = 0;
}

void repl_take_input(ReplSession *s, Buf *b) {
  Buf left_over = {0};
  buf_add(&left_over, buf_cstr(&s->unread), s->unread.n);
  if (b->n) buf_add(&left_over, b->p, b->n);
  buf_free(b);
  *b = left_over;
  s->unread.n = 0;
}

static void set_binding(ReplSession *s, const char *name, Val v) {
  Val *cell = repl_binding(s, name);
  if (cell) *cell = v;
}

static Mach *mach_for(ReplSession *s) {
  Mach *m = mach_new(s->env);
  m->out = out_text;
  m->io = (MachIo){err_text, in_line, slice_end};
  if (!m->mem_limit) m->mem_limit = mem_share();
  return m;
}

static ReplSession *session_alloc(void) {
  ReplSession *s = mem_alloc(sizeof *s);
  s->env = env_new();
  s->mach = mach_for(s);
  s->keywords = set_empty;
  s->next = *all;
  *all = s;
  return s;
}

static void refer(ReplSession *s, const char *ns_name, const char *name) {
  Ns *ns = AS(Ns, s->env->cur_ns);
  Val var = env_resolve(s->env, sym_new(ns_name, name));
  if (is_type(var, T_VAR)) ns->vars = map_assoc(ns->vars, sym_c(name), var);
}

static void set_up_user(ReplSession *s) {
  static const char *const repl_names[] = {"doc", "source", "apropos", "find-doc", "dir", "pst"};
  static const char *const pprint_names[] = {"pprint", "pp"};
  static const char *const aliases[][2] = {{"str", "clojure.string"}, {"string", "clojure.string"}, {"set", "clojure.set"},
                                           {"walk", "clojure.walk"},  {"edn", "clojure.edn"}};
  Ns *ns = AS(Ns, s->env->cur_ns);
  for (size_t i = 0; i < sizeof repl_names / sizeof *repl_names; i++) refer(s, "clojure.repl", repl_names[i]);
  for (size_t i = 0; i < sizeof pprint_names / sizeof *pprint_names; i++) refer(s, "clojure.pprint", pprint_names[i]);
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    ns->aliases = map_assoc(ns->aliases, sym_c(aliases[i][0]), sym_c(aliases[i][1]));
  for (size_t i = 0; repl_extensions[i]; i++) {
    const ReplExtension *x = repl_extensions[i];
    for (const char *const *name = x->refer; name && *name; name++) refer(s, x->ns, *name);
    if (x->alias) ns->aliases = map_assoc(ns->aliases, sym_c(x->alias), sym_c(x->ns));
    if (x->session) x->session(s);
  }
}

void repl_init(void) {
  if (all) return;
  cli_values();
  all = mem_root(sizeof *all);
  for (size_t i = 0; repl_extensions[i]; i++) {
    const ReplExtension *x = repl_extensions[i];
    if (x->rows) builtin_register(x->rows);
    if (x->clojure) prelude_register(x->clojure, strlen(x->clojure), x->file);
  }
}

ReplSession *repl_new(void) {
  repl_lock();
  ReplSession *s = session_alloc();
  s->world = mem_alloc(sizeof *s->world);
  bind_vars(s);
  set_up_user(s);
  set_binding(s, "*ns*", s->env->cur_ns);
  repl_leave(s);
  return s;
}

ReplSession *repl_clone(ReplSession *of) {
  repl_enter(of);
  ReplSession *s = session_alloc();
  MapIter it;
  Val var, cell;
  s->world = of->world;
  s->env->cur_ns = of->env->cur_ns;
  s->env->namespaces = of->env->namespaces;
  s->env->serial = of->env->serial;
  s->env->gensym = of->env->gensym;
  s->bindings = hmap_empty;
  map_iter(&it, of->bindings);
  while (map_next(&it, &var, &cell)) s->bindings = map_assoc(s->bindings, var, from_obj(binding_new(s, AS(Box, cell)->val)));
  set_binding(s, "*in*", stdin_new());
  repl_leave(s);
  return s;
}

void repl_free(ReplSession *s) {
  repl_lock();
  buf_free(&s->unread);
  for (ReplSession **at = all; *at; at = &(*at)->next)
    if (*at == s) {
      *at = s->next;
      break;
    }
  repl_unlock();
}

void repl_interrupt(ReplSession *s) { __atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED); }
bool repl_interrupted(const ReplSession *s) { return __atomic_load_n(&s->stop, __ATOMIC_RELAXED) != 0; }
bool repl_evaluating(const ReplSession *s) { return __atomic_load_n(&s->busy, __ATOMIC_RELAXED) != 0; }
ReplSession *repl_current(void) { return current; }

static const char *ns_text(const ReplSession *s) { return str_s(AS(Sym, AS(Ns, s->env->cur_ns)->name)->name); }

bool repl_has_ns(ReplSession *s, const char *ns) {
  repl_enter(s);
  Val name = str_c(ns);
  bool known = env_ns_known(s->env, name) && str_eq_c(env_alias_target(s->env, name), ns);
  repl_leave(s);
  return known;
}

void repl_ns(ReplSession *s, Buf *b) {
  repl_enter(s);
  buf_c(b, ns_text(s));
  repl_leave(s);
}

/* --- running ----------------------------------------------------------------------------------------------------------------------------- */
static Val to_end(Mach *m) {
  Val v = mach_run(m);
  while (same(v, SIG_STOP)) v = mach_continue(m);
  if (!same(v, SIG_SUSPEND)) return v;
  m->nframes = 0;
  return ex_throw(EXC_UNSUPPORTED, "a step cannot run here: only the body of a flow can wait for the world");
}

static void machine_ready(ReplSession *s) {
  s->mach->nframes = 0;
  s->mach->bindings = s->bindings;
  s->mach->fuel_total = 0;
}

Val repl_call(ReplSession *s, Val f, const Val *args, uint32_t n) {
  machine_ready(s);
  mach_start(s->mach, f, args, n);
  return to_end(s->mach);
}

static Val compile_run(ReplSession *s, Val form, const char *file) {
  machine_ready(s);
  mach_cur = s->mach; /* machines of macros take over its output and its interrupt */
  s->phase = REPL_EXPAND;
  Val core = expand(s->env, form, file);
  if (!is_sig(core)) s->phase = REPL_COMPILE;
  Unit *u = is_sig(core) ? NULL : analyze(s->env, core, file);
  mach_cur = NULL;
  if (!u) return SIG_THROW;
  s->phase = REPL_EXECUTE;
  mach_start_unit(s->mach, u);
  return to_end(s->mach);
}

/* (do ...) at top level: each form on its own, so that later ones see the macros of earlier ones. */
static Val eval_form(ReplSession *s, Val form, const char *file) {
  if (!is_type(form, T_LIST) || !sym_is(AS(List, form)->first, "do")) return compile_run(s, form, file);
  Val last = NIL;
  for (Val r = AS(List, form)->rest; is_type(r, T_LIST); r = AS(List, r)->rest) {
    last = eval_form(s, AS(List, r)->first, file);
    if (is_sig(last)) return last;
  }
  return last;
}

/* The text of (def... name ...), for `source` and for whoever asks where a var is defined. */
static void note_definition(ReplSession *s, Val form, const Reader *r, const char *from) {
  if (!is_type(form, T_LIST) || AS(List, form)->cnt < 2 || !is_sym(AS(List, form)->first)) return;
  Val name = AS(List, AS(List, form)->rest)->first;
  int line = 0, col = 0;
  if (!is_sym(name) || strncmp(str_s(AS(Sym, AS(List, form)->first)->name), "def", 3)) return;
  Val var = map_get(AS(Ns, s->env->cur_ns)->vars, sym_of(NIL, AS(Sym, name)->name), NIL);
  if (!is_type(var, T_VAR) || !(obj(var)->flags & VAR_RUN)) return;
  form_pos(form, &line, &col);
  introspect_note(var, str_new(from, (size_t)(r->p - from)), r->file, line, col);
}

/* The keywords of a form, which is data and so a tree. Bounded: a text may hold a large document. */
#define KEYWORDS_MAX 20000
#define KEYWORDS_VISITS 50000
static void note_keywords(ReplSession *s, Val form) {
  ValVec work = {0};
  vv_push(&work, form);
  for (int visits = 0; work.n && visits < KEYWORDS_VISITS && set_count(s->keywords) < KEYWORDS_MAX; visits++) {
    Val v = work.a[--work.n];
    size_t n;
    if (is_kw(v)) s->keywords = set_conj(s->keywords, v);
    else for (Val *kids = obj_vals(obj(v), &n); n--; kids++)
        if (is_ptr(*kids) && !is_sym(*kids) && !is_str(*kids)) vv_push(&work, *kids);
  }
}

static const char *after_space(const char *p, const char *end) {
  for (;;) {
    while (p < end && strchr(" \t\r\n,", *p) && *p) p++;
    if (p == end || *p != ';') return p;
    while (p < end && *p != '\n') p++;
  }
}

static Val value_text(ReplSession *s, Val v, int width, Buf *b) {
  if (width < 0) return NIL;
  s->phase = REPL_PRINT;
  for (size_t i = 0; width && repl_extensions[i]; i++)
    if (repl_extensions[i]->show && repl_extensions[i]->show(v, width, b)) return NIL;
  const Builtin *f = builtin_find(width ? "clojure.pprint/pprint-str*" : "clojure.core/pr-str");
  Val args[] = {v, fix(width)};
  TRY(text, repl_call(s, f->self, args, width ? 2 : 1));
  buf_add(b, str_s(text), str_n(text));
  return NIL;
}

static void remember(ReplSession *s, Val v) {
  Val *one = repl_binding(s, "*1"), *two = repl_binding(s, "*2"), *three = repl_binding(s, "*3");
  if (!one || !two || !three) return;
  *three = *two;
  *two = *one;
  *one = v;
}

static Val tell_value(ReplSession *s, Val v, const ReplSource *src) {
  Buf text = {0};
  Val printed = value_text(s, v, src->width, &text);
  if (!is_sig(printed)) {
    remember(s, v);
    if (s->cb->value) s->cb->value(s->cb->ctx, v, buf_cstr(&text), text.n, ns_text(s));
  }
  buf_free(&text);
  return printed;
}

static Val step(ReplSession *s, Reader *r, const ReplSource *src, Val *last) {
  s->phase = REPL_READ;
  env_reader(s->env, r);
  const char *from = after_space(r->p, r->end);
  Val form = read_next(r);
  if (is_sig(form) || same(form, ABSENT)) return form;
  s->line = s->col = 0;
  form_pos(form, &s->line, &s->col);
  if (is_ptr(form)) note_keywords(s, form);
  TRY(v, eval_form(s, form, r->file));
  set_binding(s, "*ns*", s->env->cur_ns);
  note_definition(s, form, r, from);
  *last = v;
  return src->load ? NIL : tell_value(s, v, src);
}

/* On a machine of its own: the session's is in the middle of the call that asks for this. */
Val repl_load(ReplSession *s, const char *text, size_t n, const char *file) {
  Mach *outer = s->mach, *outer_cur = mach_cur;
  Val ns = s->env->cur_ns, v = NIL, last = NIL;
  Reader r;
  read_init(&r, text, n, file_intern(file));
  s->mach = mach_for(s);
  while (!is_sig(v)) {
    env_reader(s->env, &r);
    const char *from = after_space(r.p, r.end);
    Val form = read_next(&r);
    if (same(form, ABSENT)) break;
    v = is_sig(form) ? form : eval_form(s, form, r.file);
    if (!is_sig(v)) note_definition(s, form, &r, from);
    last = v;
  }
  s->mach = outer;
  mach_cur = outer_cur;
  s->env->cur_ns = ns;
  s->phase = REPL_EXECUTE;
  return last;
}

static ReplResult eval_text(ReplSession *s, const ReplSource *src) {
  Reader r;
  read_init(&r, src->text, src->n, file_intern(src->file ? src->file : "REPL"));
  if (src->line) r.line = src->line;
  if (src->col) r.col = src->col;
  Val last = NIL;
  for (;;) {
    Val v = repl_interrupted(s) ? stopped_here(s) : step(s, &r, src, &last);
    bool end = same(v, ABSENT);
    if (end) v = src->load ? tell_value(s, last, src) : NIL;
    if (end && !is_sig(v)) return REPL_DONE;
    if (!is_sig(v)) continue;
    Val ex = pend.ex;
    bool stopped = s->stopped;
    set_binding(s, "*e", ex);
    set_binding(s, "*ns*", s->env->cur_ns);
    if (s->phase == REPL_READ) s->line = r.line, s->col = r.col;
    if (s->cb->error) repl_report(s, ex, r.file);
    return stopped ? REPL_STOPPED : REPL_FAILED;
  }
}

ReplResult repl_eval(ReplSession *s, const ReplSource *src, const ReplCallbacks *cb) {
  ReplSession *outer = current;
  Mach *outer_mach = mach_cur;
  __atomic_store_n(&s->stop, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&s->busy, 1, __ATOMIC_RELAXED);
  if (cb->begin) cb->begin(cb->ctx);
  repl_enter(s);
  current = s;
  mach_cur = NULL;
  s->cb = cb;
  s->stopped = false;
  Val ns = s->env->cur_ns;
  if (src->ns) s->env->cur_ns = env_make_ns(s->env, sym_c(src->ns));
  set_binding(s, "*ns*", s->env->cur_ns);
  ReplResult result = eval_text(s, src);
  if (src->ns) s->env->cur_ns = ns;
  set_binding(s, "*ns*", s->env->cur_ns);
  settle_input(s);
  s->cb = NULL;
  current = outer;
  mach_cur = outer_mach;
  repl_leave(s);
  __atomic_store_n(&s->busy, 0, __ATOMIC_RELAXED);
  return result;
}
