/* frames.c - stack helpers, the frame that realises lazy seqs, calls made by native frames, traces, limits. */
#include "dispatch.h"
#include "reader/print.h"

#define FRAMES_START 32
#define SLOTS_START 256
#define MAX_FRAMES 200000

/* --- stacks ------------------------------------------------------------------------------------------------------------ */
void frame_grow(Mach *m) {
  uint32_t cap = m->nframes_cap ? m->nframes_cap * 2 : FRAMES_START;
  Frame *grown = mem_alloc(cap * sizeof *grown);
  if (m->nframes) memcpy(grown, m->frames, m->nframes * sizeof *grown);
  m->frames = grown;
  m->nframes_cap = cap;
}

void slots_grow(Mach *m, uint32_t need) {
  uint32_t cap = m->nslots_cap ? m->nslots_cap : SLOTS_START;
  while (cap < need) cap *= 2;
  Val *grown = mem_stack_new(cap, &m->live);
  if (m->nslots_cap) memcpy(grown, m->slots, m->nslots_cap * sizeof *grown);
  m->slots = grown;
  m->nslots_cap = cap;
}

MachDefaults mach_defaults;

Mach *mach_new(Env *env) {
  Mach *m = mem_alloc(sizeof *m);
  m->env = env;
  m->slice = MACH_SLICE;
  m->max_frames = mach_defaults.max_frames ? mach_defaults.max_frames : MAX_FRAMES;
  m->fuel_limit = mach_defaults.fuel_limit;
  m->mem_limit = mach_defaults.mem_limit;
  m->out = mach_defaults.out;
  m->io = mach_defaults.io;
  frame_grow(m);
  slots_grow(m, SLOTS_START);
  m->mem_mark = mem_charged;
  return m;
}

uint32_t native_slots(const NativeDef *d) { return 1u + d->fixed + d->variadic + d->nstate; }

uint32_t frame_live(const Mach *m) {
  if (!m->nframes) return 0;
  const Frame *f = &m->frames[m->nframes - 1];
  if (f->code == &nd_apply) return f->base + 1 + (uint32_t)apply_argc(f);
  if (f->flags & FR_NATIVE) return f->base + native_slots(f->code);
  return f->base + ((const Node *)f->code)->depth;
}

/* --- calls from native frames --------------------------------------------------------------------------------------------- */
static Val nf_ask(Mach *m, uint32_t pc, uint32_t argc) {
  m->nf_pc = pc;
  m->nf_argc = argc;
  return SIG_CALL;
}
Val nf_call0(Mach *m, uint32_t pc, Val f) {
  m->slots[m->nf_top] = f;
  return nf_ask(m, pc, 0);
}
Val nf_call1(Mach *m, uint32_t pc, Val f, Val a) {
  Val *t = m->slots + m->nf_top;
  t[0] = f;
  t[1] = a;
  return nf_ask(m, pc, 1);
}
Val nf_call2(Mach *m, uint32_t pc, Val f, Val a, Val b) {
  Val *t = m->slots + m->nf_top;
  t[0] = f;
  t[1] = a;
  t[2] = b;
  return nf_ask(m, pc, 2);
}
Val nf_call3(Mach *m, uint32_t pc, Val f, Val a, Val b, Val c) {
  Val *t = m->slots + m->nf_top;
  t[0] = f;
  t[1] = a;
  t[2] = b;
  t[3] = c;
  return nf_ask(m, pc, 3);
}
Val nf_calln(Mach *m, uint32_t pc, Val f, const Val *args, uint32_t n) {
  if (n > APPLY_MAX_ARGS) return ex_throw(EXC_LIMIT, "a call with %u arguments; at most %d", n, APPLY_MAX_ARGS);
  slots_need(m, m->nf_top + n + 8);
  Val *t = m->slots + m->nf_top;
  t[0] = f;
  if (n) memcpy(t + 1, args, n * sizeof *args);
  if (m->live < m->nf_top + n + 1) m->live = m->nf_top + n + 1;
  return nf_ask(m, pc, n);
}
Val nf_yield(Mach *m, uint32_t pc) {
  m->nf_pc = pc;
  return SIG_STOP;
}

static Val fast_data(Val f, Val a) {
  switch (type_of(f)) {
  case T_KW: return coll_get(a, f, NIL);
  case T_AMAP: case T_HMAP: case T_SMAP: return map_get(f, a, NIL);
  case T_SET: case T_SSET: return set_get(f, a, NIL);
  default: return ABSENT;
  }
}
Val fast_call1(Val f, Val a) {
  if (!is_type(f, T_BUILTIN)) return fast_data(f, a);
  const Builtin *b = AS(BuiltinObj, f)->def;
  if (!(b->flags & B_PURE) || b->native) return ABSENT;
  if (b->f1) return b->f1(a);
  return b->fv && b->var_min <= 1 ? b->fv(1, &a) : ABSENT;
}
Val fast_call2(Val f, Val a, Val b) {
  if (!is_type(f, T_BUILTIN)) return ABSENT;
  const Builtin *d = AS(BuiltinObj, f)->def;
  if (!(d->flags & B_PURE) || d->native) return ABSENT;
  if (d->f2) return d->f2(a, b);
  Val args[2] = {a, b};
  return d->fv && d->var_min <= 2 ? d->fv(2, args) : ABSENT;
}

bool fn_may_step(Val f) {
  if (!mach_cur || !mach_cur->env->sandbox) return false;
  if (is_type(f, T_FN)) return AS(Fn, f)->code->may_step;
  if (is_type(f, T_BUILTIN)) return AS(BuiltinObj, f)->def->native || (AS(BuiltinObj, f)->def->flags & B_STEP);
  return is_type(f, T_VAR) || is_type(f, T_METHOD) || is_type(f, T_MULTI) || is_type(f, T_INSTANCE) || is_type(f, T_RECORD);
}

/* --- realising ------------------------------------------------------------------------------------------------------------ */
enum { RZ_SEQ, RZ_LEFT, RZ_DEEP, RZ_WORK };

/* What a thunk returned becomes the seq of its lazy cell. An unrealised lazy seq as value hands its thunk over and becomes
 * an alias of the cell, so that chains of them (filter) neither nest nor are retained. */
static Val lazy_settle(Lazy *x, Val v) {
  while (is_lazy(v) && is_nil(AS(Lazy, v)->fn)) v = AS(Lazy, v)->seq;
  if (is_lazy(v)) {
    Lazy *inner = AS(Lazy, v);
    if (inner == x) return ex_throw(EXC_STACK, "a lazy seq that is defined by itself");
    x->fn = inner->fn;
    inner->fn = NIL;
    inner->seq = from_obj(x);
    return NIL;
  }
  TRY(s, seq_of(v));
  x->seq = s;
  x->fn = NIL;
  return NIL;
}

static Val lazy_end(Val x) { /* through aliases and realised cells: a seq, nil, or an unrealised lazy cell */
  while (is_lazy(x) && is_nil(AS(Lazy, x)->fn)) x = AS(Lazy, x)->seq;
  return x;
}

static Val call_thunk(Mach *m, uint32_t pc, Val fn) {
  if (!is_type(fn, T_ARR)) return nf_call0(m, pc, fn);
  const Arr *a = AS(Arr, fn);
  return nf_calln(m, pc, a->a[0], a->a + 1, a->n - 1);
}

/* The next unrealised cell behind the realised seq s, or nil: also for one that runs into itself, (def s (cons 1 (lazy-seq s))). */
static Val next_unrealised(Val s) {
  Val mark = s;
  for (uint64_t steps = 0, power = 1;;) {
    s = lazy_end(s);
    if (steps && same(s, mark)) return NIL;
    if (++steps == power) mark = s, power *= 2;
    if (is_lazy(s) || is_nil(s)) return s;
    switch (type_of(s)) {
    case T_CONS: s = AS(Cons, s)->rest; break;
    case T_CHUNK: s = AS(Chunk, s)->rest; break;
    default: return NIL; /* every other seq is realised to its end, or endless by nature */
    }
  }
}

static Val realize_cells(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 1) {
    CHECK(lazy_settle(AS(Lazy, s[RZ_SEQ]), in));
    if (is_nil(AS(Lazy, s[RZ_SEQ])->fn)) s[RZ_LEFT] = fix(fix_of(s[RZ_LEFT]) - 1);
  }
  if (fix_of(s[RZ_LEFT]) <= 0) return NIL;
  Val x = next_unrealised(s[RZ_SEQ]);
  if (is_nil(x)) return NIL;
  s[RZ_SEQ] = x;
  if (nf_spent(m, 1) && pc != 2) return nf_yield(m, 2);
  return call_thunk(m, 1, AS(Lazy, x)->fn);
}

static bool is_container(Val v) {
  int t = type_of(v);
  return t == T_VEC || t == T_ENTRY || t == T_LAZY || t == T_CONS || t == T_CHUNK || t == T_LIST || t == T_VSEQ || t == T_RSEQ ||
         t == T_MSEQ || is_map(v) || is_set(v);
}

static void work_push(Val *s, Val x) {
  if (is_container(x)) s[RZ_WORK] = list_conj(s[RZ_WORK], x);
}

static Val deep_visit(Val *s, Val x) {
  if (is_vec(x)) {
    for (uint32_t i = vec_count(x); i-- > 0;) work_push(s, vec_nth(x, i));
    return NIL;
  }
  if (is_map(x) || is_set(x)) {
    MapIter it;
    Val k, v;
    map_iter(&it, x);
    while (map_next(&it, &k, &v)) {
      work_push(s, k);
      if (is_map(x)) work_push(s, v);
    }
    return NIL;
  }
  TRY(first, seq_first(x));
  TRY(rest, seq_rest(x));
  work_push(s, rest);
  work_push(s, first);
  return NIL;
}

static Val realize_deep(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) work_push(s, s[RZ_SEQ]);
  if (pc == 3) CHECK(lazy_settle(AS(Lazy, s[RZ_SEQ]), in));
  s[RZ_SEQ] = NIL;
  while (is_type(s[RZ_WORK], T_LIST)) {
    Val x = lazy_end(AS(List, s[RZ_WORK])->first);
    if (nf_spent(m, 1) && pc != 4) return nf_yield(m, 4);
    pc = 0;
    if (is_lazy(x)) {
      s[RZ_SEQ] = x;
      return call_thunk(m, 3, AS(Lazy, x)->fn);
    }
    s[RZ_WORK] = AS(List, s[RZ_WORK])->rest;
    if (!is_nil(x)) CHECK(deep_visit(s, x));
  }
  return NIL;
}

static Val realize_step(Mach *m, uint32_t pc, Val *s, Val in) {
  return truthy(s[RZ_DEEP]) ? realize_deep(m, pc, s, in) : realize_cells(m, pc, s, in);
}
const NativeDef nd_realize = {"breyta/realize", 1, 0, 0, false, false, 5, realize_step};

static Val apply_step(Mach *m, uint32_t pc, Val *s, Val in) { /* the machine treats these frames itself */
  (void)m; (void)pc; (void)s;
  return in;
}
const NativeDef nd_apply = {"breyta/apply", 1, 0, 0, false, false, 0, apply_step};

/* --- traces ---------------------------------------------------------------------------------------------------------------- */
static const char *node_fn_name(const Node *n) {
  if (n->fn_id == UINT32_MAX) return str_s(n->unit->fn->name);
  return str_s(((const FnCode *)n->unit->by_id[n->fn_id]->p)->name);
}

void mach_trace(const Mach *m, Buf *b, int max) {
  const Node *last = NULL;
  for (uint32_t i = m->nframes; i-- > 0 && max > 0;) {
    const Frame *f = &m->frames[i];
    if (f->code == &nd_apply || f->code == &nd_realize || f->code == &nd_answer || f->code == &nd_multi) continue;
    if (f->flags & FR_NATIVE) {
      buf_fmt(b, "  at %s\n", ((const NativeDef *)f->code)->name);
      max--;
      continue;
    }
    const Node *n = frame_site(f);
    bool top = last == NULL;
    if ((!top && f->pc != PC_RET && n == f->code) || n->unit->core_unit) continue;
    if (last && last->line == n->line && last->fn_id == n->fn_id && last->unit == n->unit) continue;
    buf_fmt(b, "  at %s (%s:%u:%u)\n", node_fn_name(n), n->unit->file ? n->unit->file : "?", n->line, n->col);
    last = n;
    max--;
  }
}

void exception_at(Env *e, const char *file, uint32_t line, uint32_t col) {
  if (!is_type(pend.ex, T_EX) || !is_nil(AS(Ex, pend.ex)->trace)) return;
  Buf b = {0};
  buf_fmt(&b, "  at %s/eval (%s:%u:%u)\n", str_s(AS(Sym, AS(Ns, e->cur_ns)->name)->name), file ? file : "?", line, col);
  AS(Ex, pend.ex)->trace = buf_str(&b);
}

void exception_trace(Mach *m) {
  if (!is_type(pend.ex, T_EX) || !is_nil(AS(Ex, pend.ex)->trace)) return;
  Buf b = {0};
  mach_trace(m, &b, 20);
  AS(Ex, pend.ex)->trace = buf_str(&b);
}

/* --- limits ------------------------------------------------------------------------------------------------------------------ */
/* Bytes reachable: a walk with a visited table; only made when the cheap measure (bytes allocated) is over the budget. */
typedef struct Seen { uint64_t *a; size_t n, cap; } Seen;
static bool seen_add(Seen *t, uint64_t w) {
  if (t->n * 2 >= t->cap) {
    Seen big = {mem_alloc_atomic((t->cap ? t->cap * 2 : 1024) * 8), t->n, t->cap ? t->cap * 2 : 1024};
    memset(big.a, 0, big.cap * 8);
    for (size_t i = 0; i < t->cap; i++)
      if (t->a[i]) {
        size_t j = (t->a[i] >> 4) * 0x9e3779b97f4a7c15u >> 20;
        while (big.a[j % big.cap]) j++;
        big.a[j % big.cap] = t->a[i];
      }
    *t = big;
  }
  size_t j = (w >> 4) * 0x9e3779b97f4a7c15u >> 20;
  for (; t->a[j % t->cap]; j++)
    if (t->a[j % t->cap] == w) return false;
  t->a[j % t->cap] = w;
  t->n++;
  return true;
}

uint64_t mach_reachable(const Mach *m) {
  Seen seen = {0};
  ValVec work = {0};
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < m->live; i++) vv_push(&work, m->slots[i]);
  vv_push(&work, m->bindings);
  vv_push(&work, m->env->namespaces);
  while (work.n) {
    Val v = work.a[--work.n];
    if (!is_ptr(v) || !seen_add(&seen, v.w)) continue;
    bytes += obj_size(obj(v));
    size_t n;
    Val *kids = obj_vals(obj(v), &n);
    for (size_t i = 0; i < n; i++)
      if (is_ptr(kids[i])) vv_push(&work, kids[i]);
  }
  return bytes;
}

bool mach_over_limit(Mach *m) {
  m->fuel_total += m->slice - m->fuel;
  m->fuel = m->slice;
  if (m->io.slice_end && m->io.slice_end(m)) {
    ex_throw_kind(EXC_INTERRUPTED, KIND_LIMIT, "Evaluation interrupted");
    return true;
  }
  if (m->fuel_limit && m->fuel_total > m->fuel_limit) {
    ex_throw(EXC_LIMIT, "the evaluation took more than %lld steps", (long long)m->fuel_limit);
    return true;
  }
  if (m->mem_limit && mem_charged - m->mem_mark > m->mem_limit) {
    m->mem_mark = mem_charged;
    uint64_t held = mach_reachable(m);
    if (held > m->mem_limit) {
      ex_throw(EXC_LIMIT, "the run holds %llu MiB, more than its limit of %llu MiB", (unsigned long long)(held >> 20),
               (unsigned long long)(m->mem_limit >> 20));
      return true;
    }
  }
  return false;
}
