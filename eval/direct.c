/* direct.c - direct evaluation of simple subtrees: no frames, plain C calls through the function pointer in the node.
 * A node is simple when its children are and it cannot call Clojure code. Everything here is free of effects, so that a
 * subtree that meets an unrealised lazy seq (SIG_DEMAND) can be evaluated again, frame by frame, by the machine. */
#include "node.h"
#include "reader/print.h"
#include "reader/vec.h"

#define KID(i) n->kid[i]->ev(n->kid[i], fp)
#define ARG(name, i)    \
  Val name = KID(i);    \
  if (is_sig(name)) return name

static Val ev_const(const Node *n, Val *fp) { (void)fp; return n->val; }
static Val ev_local(const Node *n, Val *fp) { return fp[n->slot]; }
static Val ev_cap(const Node *n, Val *fp) { return AS(Fn, fp[0])->cap[n->slot]; }

static Val unbound(const Node *n) {
  Buf b = {0};
  CHECK(print_to(&b, n->val, &print_plain));
  Val r = ex_throw(EXC_STATE, "Attempting to use unbound var: %s", buf_cstr(&b));
  buf_free(&b);
  return r;
}
static Val ev_var(const Node *n, Val *fp) {
  (void)fp;
  Val v = AS(Var, n->val)->root;
  return same(v, UNBOUND) ? unbound(n) : v;
}
static Val ev_dyn(const Node *n, Val *fp) { (void)fp; return var_get(n->val); }

static Val ev_if(const Node *n, Val *fp) {
  ARG(t, 0);
  return truthy(t) ? KID(1) : KID(2);
}
static Val ev_do(const Node *n, Val *fp) {
  for (unsigned i = 0; i + 1u < n->nk; i++) { ARG(v, i); (void)v; }
  return KID(n->nk - 1);
}
static Val ev_let(const Node *n, Val *fp) {
  unsigned last = n->nk - 1u;
  for (unsigned i = 0; i < last; i++) {
    ARG(v, i);
    fp[n->depth + i] = v;
  }
  return KID(last);
}
static Val ev_fn(const Node *n, Val *fp) {
  Fn *f = mem_obj_n(T_FN, n->nk);
  f->code = n->p;
  f->serial = mach_cur->env->serial++;
  for (unsigned i = 0; i < n->nk; i++) f->cap[i] = KID(i);
  return from_obj(f);
}
static Val ev_case(const Node *n, Val *fp) {
  ARG(x, 0);
  Val ix = map_get(n->val, x, ABSENT);
  if (is_sig(ix)) return ix;
  return same(ix, ABSENT) ? KID(1) : KID(fix_of(ix));
}

typedef Val (*F0)(void);
typedef Val (*F1)(Val);
typedef Val (*F2)(Val, Val);
typedef Val (*F3)(Val, Val, Val);
typedef Val (*F4)(Val, Val, Val, Val);
typedef Val (*FV)(int, const Val *);
#define AS_FN(T) ((T)(uintptr_t)n->p)

static Val ev_call0(const Node *n, Val *fp) { (void)fp; return AS_FN(F0)(); }
static Val ev_call1(const Node *n, Val *fp) {
  ARG(a, 0);
  return AS_FN(F1)(a);
}
static Val ev_call2(const Node *n, Val *fp) {
  ARG(a, 0);
  ARG(b, 1);
  return AS_FN(F2)(a, b);
}
static Val ev_call3(const Node *n, Val *fp) {
  ARG(a, 0);
  ARG(b, 1);
  ARG(c, 2);
  return AS_FN(F3)(a, b, c);
}
static Val ev_call4(const Node *n, Val *fp) {
  ARG(a, 0);
  ARG(b, 1);
  ARG(c, 2);
  ARG(d, 3);
  return AS_FN(F4)(a, b, c, d);
}
static Val ev_calln(const Node *n, Val *fp) {
  /* The arguments go where the machine would put them: nested direct calls use deeper temps. */
  Val *t = fp + n->depth + 1;
  for (unsigned i = 0; i < n->nk; i++) {
    ARG(v, i);
    t[i] = v;
  }
  return AS_FN(FV)(n->nk, t);
}
static Val ev_kw_get(const Node *n, Val *fp) {
  ARG(m, 0);
  if (is_type(m, T_AMAP)) {
    const AMap *a = AS(AMap, m);
    for (uint32_t i = 0; i < a->n; i += 2)
      if (same(a->kv[i], n->val)) return a->kv[i + 1];
    return NIL;
  }
  return coll_get(m, n->val, NIL);
}
static Val ev_kw_get2(const Node *n, Val *fp) {
  ARG(m, 0);
  ARG(d, 1);
  return coll_get(m, n->val, d);
}

/* --- arithmetic with a fast path for small integers ------------------------------------------------------------------ */
static inline bool both_fix(Val a, Val b) { return a.w & b.w & 1; }
static inline Val add2(Val a, Val b) {
  int64_t r;
  if (both_fix(a, b) && !__builtin_add_overflow((int64_t)a.w, (int64_t)(b.w - 1), &r)) return (Val){(uint64_t)r};
  return num_add(a, b);
}
static inline Val sub2(Val a, Val b) {
  int64_t r;
  if (both_fix(a, b) && !__builtin_sub_overflow((int64_t)a.w, (int64_t)(b.w - 1), &r)) return (Val){(uint64_t)r};
  return num_sub(a, b);
}
static inline Val mul2(Val a, Val b) {
  int64_t r;
  if (both_fix(a, b) && !__builtin_mul_overflow(fix_of(a), (int64_t)(b.w - 1), &r)) return (Val){(uint64_t)r | 1};
  return num_mul(a, b);
}
static inline Val lt2(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w < (int64_t)b.w) : num_lt(a, b); }
static inline Val le2(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w <= (int64_t)b.w) : num_le(a, b); }
static inline Val gt2(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w > (int64_t)b.w) : num_gt(a, b); }
static inline Val ge2(Val a, Val b) { return both_fix(a, b) ? bool_val((int64_t)a.w >= (int64_t)b.w) : num_ge(a, b); }
static inline Val numeq2(Val a, Val b) { return both_fix(a, b) ? bool_val(same(a, b)) : num_equiv(a, b); }
static inline Val eq2(Val a, Val b) {
  if (both_fix(a, b)) return bool_val(same(a, b));
  if (is_kw(a) || is_kw(b)) return bool_val(same(a, b));
  return val_eq(a, b);
}
static inline Val mod2(Val a, Val b) {
  if (both_fix(a, b) && fix_of(b) > 0 && fix_of(a) >= 0) return fix(fix_of(a) % fix_of(b));
  return num_mod(a, b);
}
static inline Val rem2(Val a, Val b) {
  if (both_fix(a, b) && fix_of(b) > 0) return fix(fix_of(a) % fix_of(b));
  return num_rem(a, b);
}
static inline Val quot2(Val a, Val b) {
  if (both_fix(a, b) && fix_of(b) > 0) return fix(fix_of(a) / fix_of(b));
  return num_quot(a, b);
}
static inline Val get2(Val m, Val k) { return coll_get(m, k, NIL); }
static inline Val nth2(Val v, Val i) {
  if (is_type(v, T_VEC) && is_fix(i) && fix_of(i) >= 0 && fix_of(i) < vec_count(v)) return vec_nth(v, (uint32_t)fix_of(i));
  int64_t k;
  if (!arg_int(i, &k)) return SIG_THROW;
  return coll_nth(v, k, ABSENT);
}
static inline Val inc1(Val a) { return add2(a, fix(1)); }
static inline Val dec1(Val a) { return sub2(a, fix(1)); }
static inline Val not1(Val a) { return bool_val(!truthy(a)); }
static inline Val nil1(Val a) { return bool_val(is_nil(a)); }
static inline Val some1(Val a) { return bool_val(!is_nil(a)); }
static inline Val zero1(Val a) { return is_fix(a) ? bool_val(same(a, fix(0))) : num_equiv(a, fix(0)); }
static inline Val pos1(Val a) { return gt2(a, fix(0)); }
static inline Val neg1(Val a) { return lt2(a, fix(0)); }

/* name, inline function: a binary builtin with general, local-constant and local-local forms. */
#define BINARY(X)                                                                                            \
  X("+", add2) X("-", sub2) X("*", mul2) X("<", lt2) X("<=", le2) X(">", gt2) X(">=", ge2) X("==", numeq2)  \
  X("=", eq2) X("mod", mod2) X("rem", rem2) X("quot", quot2) X("get", get2) X("nth", nth2)
#define UNARY(X) \
  X("inc", inc1) X("dec", dec1) X("not", not1) X("nil?", nil1) X("some?", some1) X("zero?", zero1) X("pos?", pos1) X("neg?", neg1)

#define DEF_BINARY(name, fn)                                                                        \
  static Val ev_##fn(const Node *n, Val *fp) {                                                      \
    ARG(a, 0);                                                                                      \
    ARG(b, 1);                                                                                      \
    return fn(a, b);                                                                                \
  }                                                                                                 \
  static Val ev_##fn##_lc(const Node *n, Val *fp) { return fn(fp[n->kid[0]->slot], n->kid[1]->val); } \
  static Val ev_##fn##_ll(const Node *n, Val *fp) { return fn(fp[n->kid[0]->slot], fp[n->kid[1]->slot]); }
BINARY(DEF_BINARY)
#define DEF_UNARY(name, fn)                    \
  static Val ev_##fn(const Node *n, Val *fp) { \
    ARG(a, 0);                                 \
    return fn(a);                              \
  }                                            \
  static Val ev_##fn##_l(const Node *n, Val *fp) { return fn(fp[n->kid[0]->slot]); }
UNARY(DEF_UNARY)

typedef struct { const char *name; EvalFn gen, lc, ll; } BinaryOp;
static const BinaryOp binary_ops[] = {
#define ROW_BINARY(name, fn) {name, ev_##fn, ev_##fn##_lc, ev_##fn##_ll},
    BINARY(ROW_BINARY)};
typedef struct { const char *name; EvalFn gen, l; } UnaryOp;
static const UnaryOp unary_ops[] = {
#define ROW_UNARY(name, fn) {name, ev_##fn, ev_##fn##_l},
    UNARY(ROW_UNARY)};

static EvalFn special_op(const Node *n, const Builtin *b) {
  const char *s = b->name;
  if (strncmp(s, "clojure.core/", 13) != 0) return NULL;
  s += 13;
  if (n->nk == 2) {
    bool l0 = n->kid[0]->kind == NK_LOCAL, l1 = n->kid[1]->kind == NK_LOCAL, c1 = n->kid[1]->kind == NK_CONST;
    for (size_t i = 0; i < sizeof binary_ops / sizeof *binary_ops; i++)
      if (!strcmp(binary_ops[i].name, s)) return l0 && c1 ? binary_ops[i].lc : l0 && l1 ? binary_ops[i].ll : binary_ops[i].gen;
  }
  if (n->nk == 1)
    for (size_t i = 0; i < sizeof unary_ops / sizeof *unary_ops; i++)
      if (!strcmp(unary_ops[i].name, s)) return n->kid[0]->kind == NK_LOCAL ? unary_ops[i].l : unary_ops[i].gen;
  return NULL;
}

static EvalFn builtin_op(Node *n, const Builtin *b) {
  if (!(b->flags & B_PURE) || b->native || b->macro) return NULL;
  EvalFn special = special_op(n, b);
  void *fixed[] = {(void *)(uintptr_t)b->f0, (void *)(uintptr_t)b->f1, (void *)(uintptr_t)b->f2, (void *)(uintptr_t)b->f3,
                   (void *)(uintptr_t)b->f4};
  static const EvalFn evs[] = {ev_call0, ev_call1, ev_call2, ev_call3, ev_call4};
  if (n->nk < 5 && fixed[n->nk]) {
    n->p = fixed[n->nk];
    return special ? special : evs[n->nk];
  }
  if (b->fv && n->nk >= b->var_min) {
    n->p = (void *)(uintptr_t)b->fv;
    return special ? special : ev_calln;
  }
  return NULL; /* the machine throws the ArityException */
}

/* For a call whose arguments are not all simple: the C function the machine may call when it has them. */
#define OUT_OF_LINE2(name, fn) \
  static Val fn##_out(Val a, Val b) { return fn(a, b); }
BINARY(OUT_OF_LINE2)
static const struct { const char *name; F2 fn; } binary_fns[] = {
#define ROW_BINARY_FN(name, fn) {name, fn##_out},
    BINARY(ROW_BINARY_FN)};

static void direct_callee(Node *n) {
#ifndef STRESS_NODIRECT
  if (n->kind != NK_CALLC || n->nk < 1 || n->nk > 3 || !is_type(n->val, T_BUILTIN)) return;
  const Builtin *b = AS(BuiltinObj, n->val)->def;
  if (!(b->flags & B_PURE) || b->native || b->macro) return;
  if (n->nk == 2 && !strncmp(b->name, "clojure.core/", 13))
    for (size_t i = 0; i < sizeof binary_fns / sizeof *binary_fns; i++)
      if (!strcmp(binary_fns[i].name, b->name + 13)) n->p = (void *)(uintptr_t)binary_fns[i].fn;
  if (n->p) return;
  if (n->nk == 1) n->p = (void *)(uintptr_t)b->f1;
  if (n->nk == 2) n->p = (void *)(uintptr_t)b->f2;
  if (n->nk == 3) n->p = (void *)(uintptr_t)b->f3;
#else
  (void)n;
#endif
}

static void note_simple_args(Node *n) { /* NK_CALL: op 1 = one argument, and it is simple */
  if (n->kind == NK_CALL && n->nk == 2 && n->kid[1]->ev) n->op = 1;
}

static bool kids_simple(const Node *n) {
  for (unsigned i = 0; i < n->nk; i++)
    if (!n->kid[i]->ev) return false;
  return true;
}

EvalFn direct_fn(const Node *node) {
  Node *n = (Node *)(uintptr_t)node; /* analysis time: the node is not published yet */
#ifdef STRESS_NODIRECT
  if (n->kind > NK_DYN && n->kind != NK_FN) return NULL;
#endif
  note_simple_args(n);
  if (!kids_simple(n)) {
    direct_callee(n);
    return NULL;
  }
  switch (n->kind) {
  case NK_CONST: return ev_const;
  case NK_LOCAL: return ev_local;
  case NK_CAP: return ev_cap;
  case NK_VAR: return ev_var;
  case NK_DYN: return ev_dyn;
  case NK_IF: return ev_if;
  case NK_DO: return n->nk ? ev_do : NULL;
  case NK_LET: return ev_let;
  case NK_FN: return ev_fn;
  case NK_CASE: return ev_case;
  case NK_CALLC:
    if (is_kw(n->val)) return n->nk == 1 ? ev_kw_get : n->nk == 2 ? ev_kw_get2 : NULL;
    if (is_type(n->val, T_BUILTIN)) return builtin_op(n, AS(BuiltinObj, n->val)->def);
    return NULL;
  default: return NULL;
  }
}
