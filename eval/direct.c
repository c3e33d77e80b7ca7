/* direct.c - direct evaluation of simple subtrees: no frames, plain C calls through the function pointer in the node.
 * A node is simple when its children are and it cannot call Clojure code. Everything here is free of effects, so that a
 * subtree that meets an unrealised lazy seq (SIG_DEMAND) can be evaluated again, frame by frame, by the machine. */
#include "node.h"
#include "arith.h"
#include "reader/map.h"
#include "reader/print.h"
#include "reader/user.h"

#define KID(i) n->kid[i]->ev(n->kid[i], fp)
#define ARG(name, i)    \
  Val name = KID(i);    \
  if (is_sig(name)) return name

static Val ev_const(const Node *n, Val *fp) { (void)fp; return n->val; }
static Val ev_local(const Node *n, Val *fp) { return fp[n->slot]; }
static Val ev_publish(const Node *n, Val *fp) {
  coll_publish(fp[n->slot]);
  return fp[n->slot];
}
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
static Val ev_call1_l(const Node *n, Val *fp) { return AS_FN(F1)(fp[n->slot]); }
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
/* A builtin .name: of an instance of the program's own type the machine looks whether it has such a member. */
#define DOT_TARGET(a) \
  ARG(a, 0);          \
  if (is_user(a)) return SIG_DEMAND
static Val ev_dot1(const Node *n, Val *fp) {
  DOT_TARGET(a);
  return AS_FN(F1)(a);
}
static Val ev_dot2(const Node *n, Val *fp) {
  DOT_TARGET(a);
  ARG(b, 1);
  return AS_FN(F2)(a, b);
}
static Val ev_dot3(const Node *n, Val *fp) {
  DOT_TARGET(a);
  ARG(b, 1);
  ARG(c, 2);
  return AS_FN(F3)(a, b, c);
}
static EvalFn dot_op(Node *n, const Builtin *b) {
  static const EvalFn evs[] = {NULL, ev_dot1, ev_dot2, ev_dot3};
  void *const fns[] = {NULL, (void *)(uintptr_t)b->f1, (void *)(uintptr_t)b->f2, (void *)(uintptr_t)b->f3};
  if (n->nk > 3 || !fns[n->nk]) return NULL;
  n->p = fns[n->nk];
  return evs[n->nk];
}

/* (breyta.type/get* local place): a field, in a method of its type. */
static Val ev_field(const Node *n, Val *fp) {
  Val x = fp[n->slot];
  uintptr_t i = (uintptr_t)n->p;
  if (is_user(x) && i < AS(Record, x)->n) return AS(Record, x)->f[i];
  Val args[2] = {x, n->kid[1]->val};
  return builtin_call(AS(BuiltinObj, n->val)->def, 2, args);
}
static EvalFn field_op(Node *n, const Builtin *b) {
  bool field = n->nk == 2 && n->kid[0]->kind == NK_LOCAL && n->kid[1]->kind == NK_CONST && is_fix(n->kid[1]->val) && !strcmp(b->name, "breyta.type/get*");
  if (!field) return NULL;
  n->slot = n->kid[0]->slot;
  n->p = (void *)(uintptr_t)fix_of(n->kid[1]->val);
  return ev_field;
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
  return get3(m, n->val, NIL);
}
static Val ev_kw_get_l(const Node *n, Val *fp) { return get3(fp[n->slot], n->val, NIL); }
static Val ev_kw_get2(const Node *n, Val *fp) {
  ARG(m, 0);
  ARG(d, 1);
  return coll_get(m, n->val, d);
}

/* --- operators --------------------------------------------------------------------------------------------------------- */
/* A binary operator comes in forms by what its operands are: l local, c constant, x any other simple node. The node keeps
 * a local's slot in `slot`, a constant or a second slot in `p` (arith.h). */
#define FORMS(F, fn)                     \
  F(fn, lc, LC_A(n), LC_B(n))            \
  F(fn, ll, LL_A(n), LL_B(n))            \
  F(fn, cl, LC_B(n), LC_A(n))
enum { FORM_LC, FORM_LL, FORM_CL, FORM_LX, FORM_XL, FORM_XC, FORM_XX, FORM_COUNT };

#define DEF_FORM(fn, form, a, b) static Val ev_##fn##_##form(const Node *n, Val *fp) { return fn(a, b); }
#define DEF_BINARY(name, fn)                                                   \
  FORMS(DEF_FORM, fn)                                                          \
  static Val ev_##fn##_lx(const Node *n, Val *fp) {                            \
    ARG(b, 1);                                                                 \
    return fn(fp[n->slot], b);                                                 \
  }                                                                            \
  static Val ev_##fn##_xl(const Node *n, Val *fp) {                            \
    ARG(a, 0);                                                                 \
    return fn(a, fp[n->slot]);                                                 \
  }                                                                            \
  static Val ev_##fn##_xc(const Node *n, Val *fp) {                            \
    ARG(a, 0);                                                                 \
    return fn(a, LC_B(n));                                                     \
  }                                                                            \
  static Val ev_##fn##_xx(const Node *n, Val *fp) {                            \
    ARG(a, 0);                                                                 \
    ARG(b, 1);                                                                 \
    return fn(a, b);                                                           \
  }
BINARY(DEF_BINARY)
#define DEF_UNARY(name, fn)                    \
  static Val ev_##fn(const Node *n, Val *fp) { \
    ARG(a, 0);                                 \
    return fn(a);                              \
  }                                            \
  static Val ev_##fn##_l(const Node *n, Val *fp) { return fn(fp[n->slot]); }
UNARY(DEF_UNARY)

#define DEF_TERNARY(name, fn)                        \
  static Val ev_##fn(const Node *n, Val *fp) {       \
    ARG(a, 0);                                       \
    ARG(b, 1);                                       \
    ARG(c, 2);                                       \
    return fn(a, b, c);                              \
  }                                                  \
  static Val ev_##fn##_lcc(const Node *n, Val *fp) { \
    return fn(fp[n->slot], LC_B(n), n->kid[2]->val); \
  }
TERNARY(DEF_TERNARY)
#define DEF_FOLD(name, fn)                               \
  static Val ev_fold_##fn(const Node *n, Val *fp) {      \
    ARG(acc, 0);                                         \
    for (unsigned i = 1; i < n->nk; i++) {               \
      ARG(x, i);                                         \
      acc = fn(acc, x);                                  \
      if (is_sig(acc)) return acc;                       \
    }                                                    \
    return acc;                                          \
  }
FOLDS(DEF_FOLD)

/* A map literal whose keys are distinct keywords: nothing to look for. */
static Val ev_map_of_kws(const Node *n, Val *fp) {
  AMap *m = mem_obj_n(T_AMAP, n->nk);
  for (unsigned i = 0; i < n->nk; i += 2) {
    ARG(v, i + 1);
    m->kv[i] = n->kid[i]->val;
    m->kv[i + 1] = v;
  }
  return from_obj(m);
}
static bool kids_are_kws(const Node *n) {
  if (!n->nk || n->nk > AMAP_MAX || n->nk % 2) return false;
  for (unsigned i = 0; i < n->nk; i += 2) {
    if (n->kid[i]->kind != NK_CONST || !is_kw(n->kid[i]->val)) return false;
    for (unsigned j = 0; j < i; j += 2)
      if (same(n->kid[j]->val, n->kid[i]->val)) return false;
  }
  return true;
}

typedef struct { const char *name; EvalFn form[FORM_COUNT]; } BinOp;
static const BinOp binary_ops[] = {
#define ROW_BINARY(name, fn) \
  {name, {ev_##fn##_lc, ev_##fn##_ll, ev_##fn##_cl, ev_##fn##_lx, ev_##fn##_xl, ev_##fn##_xc, ev_##fn##_xx}},
    BINARY(ROW_BINARY)};
typedef struct { const char *name; EvalFn gen, l; } Op; /* l: with a local, and constants behind it, as operands */
static const Op unary_ops[] = {
#define ROW_UNARY(name, fn) {name, ev_##fn, ev_##fn##_l},
    UNARY(ROW_UNARY)};
static const Op ternary_ops[] = {
#define ROW_TERNARY(name, fn) {name, ev_##fn, ev_##fn##_lcc},
    TERNARY(ROW_TERNARY)};
static const Op fold_ops[] = {
#define ROW_FOLD(name, fn) {name, ev_fold_##fn, NULL},
    FOLDS(ROW_FOLD)};
#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

static EvalFn binary_form(Node *n, const BinOp *op) {
  const Node *a = n->kid[0], *b = n->kid[1];
  bool la = a->kind == NK_LOCAL, lb = b->kind == NK_LOCAL, ca = a->kind == NK_CONST, cb = b->kind == NK_CONST;
  if (la || lb) n->slot = la ? a->slot : b->slot;
  if (la && lb) n->p = (void *)(uintptr_t)b->slot;
  else if (cb || (ca && lb)) n->p = (void *)(uintptr_t)(cb ? b : a)->val.w; /* the child keeps it alive */
  if (la) return op->form[cb ? FORM_LC : lb ? FORM_LL : FORM_LX];
  if (lb) return op->form[ca ? FORM_CL : FORM_XL];
  return op->form[cb ? FORM_XC : FORM_XX];
}

static const Op *find_op(const Op *ops, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(ops[i].name, name)) return &ops[i];
  return NULL;
}

static EvalFn unary_form(Node *n, const Op *op) {
  if (!op || n->kid[0]->kind != NK_LOCAL) return op ? op->gen : NULL;
  n->slot = n->kid[0]->slot;
  return op->l;
}

static EvalFn ternary_form(Node *n, const Op *op) {
  if (!op || n->kid[0]->kind != NK_LOCAL || n->kid[1]->kind != NK_CONST || n->kid[2]->kind != NK_CONST) return op ? op->gen : NULL;
  n->slot = n->kid[0]->slot;
  n->p = (void *)(uintptr_t)n->kid[1]->val.w;
  return op->l;
}

static EvalFn special_op(Node *n, const Builtin *b) {
  const char *s = b->name;
  if (strncmp(s, "clojure.core/", 13) != 0) return NULL;
  s += 13;
  if (!strcmp(s, "map-literal*")) return kids_are_kws(n) ? ev_map_of_kws : NULL;
  for (size_t i = 0; n->nk == 2 && i < COUNT_OF(binary_ops); i++)
    if (!strcmp(binary_ops[i].name, s)) return binary_form(n, &binary_ops[i]);
  if (n->nk == 1) return unary_form(n, find_op(unary_ops, COUNT_OF(unary_ops), s));
  const Op *op = n->nk == 3 ? find_op(ternary_ops, COUNT_OF(ternary_ops), s) : NULL;
  if (op) return ternary_form(n, op);
  op = n->nk > 2 ? find_op(fold_ops, COUNT_OF(fold_ops), s) : NULL;
  return op ? op->gen : NULL;
}

/* A test that is a comparison of a local with a constant or a local: its row in TESTS, twice, plus 1 for two locals; -1 none. */
int direct_test(const Node *n) {
  static const EvalFn tests[] = {
#define ROW_TEST(fn) ev_##fn##_lc, ev_##fn##_ll,
      TESTS(ROW_TEST)};
  for (size_t i = 0; i < COUNT_OF(tests); i++)
    if (n->ev == tests[i]) return (int)i;
  return -1;
}

#define DEF_IF_FORM(fn, form, a, b)                                  \
  static Val ev_if_##fn##_##form(const Node *node, Val *fp) {        \
    const Node *n = node->kid[0];                                    \
    Val t = fn(a, b);                                                \
    if (is_sig(t)) return t;                                         \
    n = node->kid[truthy(t) ? 1 : 2];                                \
    return n->ev(n, fp);                                             \
  }
#define DEF_IF(fn)                             \
  DEF_IF_FORM(fn, lc, LC_A(n), LC_B(n))        \
  DEF_IF_FORM(fn, ll, LL_A(n), LL_B(n))
TESTS(DEF_IF)
static EvalFn if_form(const Node *n) {
  static const EvalFn ifs[] = {
#define ROW_IF(fn) ev_if_##fn##_lc, ev_if_##fn##_ll,
      TESTS(ROW_IF)};
  int t = direct_test(n->kid[0]);
  return t < 0 ? ev_if : ifs[t];
}

static EvalFn builtin_op(Node *n, const Builtin *b) {
  if (!(b->flags & B_PURE) || b->native || b->macro) return NULL;
  if (b->flags & B_DOT) return dot_op(n, b);
  EvalFn field = field_op(n, b);
  if (field) return field;
  EvalFn special = special_op(n, b);
  if (special) return special;
  void *fixed[] = {(void *)(uintptr_t)b->f0, (void *)(uintptr_t)b->f1, (void *)(uintptr_t)b->f2, (void *)(uintptr_t)b->f3,
                   (void *)(uintptr_t)b->f4};
  static const EvalFn evs[] = {ev_call0, ev_call1, ev_call2, ev_call3, ev_call4};
  if (n->nk < 5 && fixed[n->nk]) {
    n->p = fixed[n->nk];
    if (n->nk == 1 && n->kid[0]->kind == NK_LOCAL) {
      n->slot = n->kid[0]->slot;
      return ev_call1_l;
    }
    return evs[n->nk];
  }
  if (b->fv && n->nk >= b->var_min) {
    n->p = (void *)(uintptr_t)b->fv;
    return ev_calln;
  }
  return NULL; /* the machine throws the ArityException */
}

#ifndef STRESS_NODIRECT
/* For a call whose arguments are not all simple: the C function the machine may call when it has them. */
#define OUT_OF_LINE2(name, fn) \
  static Val fn##_out(Val a, Val b) { return fn(a, b); }
BINARY(OUT_OF_LINE2)
static const struct { const char *name; F2 fn; } binary_fns[] = {
#define ROW_BINARY_FN(name, fn) {name, fn##_out},
    BINARY(ROW_BINARY_FN)};

static void direct_callee(Node *n) {
  if (n->kind != NK_CALLC || n->nk < 1 || n->nk > 3 || !is_type(n->val, T_BUILTIN)) return;
  const Builtin *b = AS(BuiltinObj, n->val)->def;
  if (!(b->flags & B_PURE) || b->flags & B_DOT || b->native || b->macro) return;
  if (n->nk == 2 && !strncmp(b->name, "clojure.core/", 13))
    for (size_t i = 0; i < sizeof binary_fns / sizeof *binary_fns; i++)
      if (!strcmp(binary_fns[i].name, b->name + 13)) n->p = (void *)(uintptr_t)binary_fns[i].fn;
  if (n->p) return;
  if (n->nk == 1) n->p = (void *)(uintptr_t)b->f1;
  if (n->nk == 2) n->p = (void *)(uintptr_t)b->f2;
  if (n->nk == 3) n->p = (void *)(uintptr_t)b->f3;
}
#else
static void direct_callee(Node *n) { (void)n; }
#endif

static bool kids_simple(const Node *n) {
  for (unsigned i = 0; i < n->nk; i++)
    if (!n->kid[i]->ev) return false;
  return true;
}

static EvalFn kw_call(Node *n) {
  if (n->nk != 1) return n->nk == 2 ? ev_kw_get2 : NULL;
  if (n->kid[0]->kind != NK_LOCAL) return ev_kw_get;
  n->slot = n->kid[0]->slot;
  return ev_kw_get_l;
}

EvalFn direct_fn(const Node *node) {
  Node *n = (Node *)(uintptr_t)node; /* analysis time: the node is not published yet */
#ifdef STRESS_NODIRECT
  if (n->kind > NK_DYN && n->kind != NK_FN) return NULL;
#endif
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
  case NK_IF: return if_form(n);
  case NK_DO: return n->nk ? ev_do : NULL;
  case NK_LET: return ev_let;
  case NK_FN: return ev_fn;
  case NK_CASE: return ev_case;
  case NK_CALLC:
    if (is_kw(n->val)) return kw_call(n);
    if (is_type(n->val, T_BUILTIN)) return builtin_op(n, AS(BuiltinObj, n->val)->def);
    return NULL;
  default: return NULL;
  }
}

/* --- collections changed in place, see own.c ----------------------------------------------------------------------------- */
void direct_publish(Node *parent, Node *local) {
  local->ev = ev_publish;
  if (parent->ev == ev_call1_l) parent->ev = ev_call1;
}

static Val ev_assoc_own(const Node *n, Val *fp) {
  ARG(k, 1);
  ARG(v, 2);
  TRY(r, coll_assoc_own(fp[n->slot], k, v));
  fp[n->slot] = NIL;
  return r;
}
static Val ev_conj_own(const Node *n, Val *fp) {
  ARG(x, 1);
  TRY(r, coll_conj_own(fp[n->slot], x));
  fp[n->slot] = NIL;
  return r;
}
void direct_own(Node *n) {
  n->slot = n->kid[0]->slot;
  n->ev = n->nk == 3 ? ev_assoc_own : ev_conj_own;
}
