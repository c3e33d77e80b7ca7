/* fast.c - the fast path of the machine's loop: what most programs do most of the time (calls, branches, bindings, loops,
 * returns) with node, base and frame count in registers, threaded from node to node through a table of labels. For
 * everything else (signals, native frames, other node kinds) it leaves with the loop's state in *r.
 *
 * fast_op chooses a node's operation once, at analysis. Frames are exactly those that frame.h describes, so it does not matter
 * to a snapshot or a trace which of fast.c and mach.c pushed one. A call that is a child evaluated by a waiting frame is
 * `sited`: that frame says already where it is (frame_site), so it pushes none of its own. */
#include "dispatch.h"
#include "arith.h"

#define OPS(X)                                                                                                      \
  X(OTHER) X(EV) X(LOCAL) X(CONST) X(IF) X(IF_FRAME) X(LET) X(DO) X(RECUR) X(RECUR1) X(RECUR2) X(CALL) X(CALL_VAR1) \
  X(CALL_VAR2) X(CALLC) X(CALLC_OWN) X(CALLC_RETURN) X(RETURN) X(CASE) X(TRY)
#define OP_ENUM(name) OP_##name,
#define OP_ENUM_TEST(fn) OP_IF_##fn##_LC, OP_IF_##fn##_LL,
enum Op { OPS(OP_ENUM) TESTS(OP_ENUM_TEST) OP_COUNT };

/* --- choosing ------------------------------------------------------------------------------------------------------------- */
static bool simple(const Node *n, unsigned from) {
  for (unsigned i = from; i < n->nk; i++)
    if (!n->kid[i]->ev) return false;
  return true;
}

static enum Op op_if(const Node *n) {
  if (!n->kid[0]->ev) return OP_IF_FRAME;
  int t = direct_test(n->kid[0]);
  return t < 0 ? OP_IF : OP_IF_lt2_LC + (unsigned)t;
}

static enum Op op_recur(const Node *n) {
  if (n->nk == 0 || n->nk > 2 || !simple(n, 0)) return OP_RECUR;
  return n->nk == 1 ? OP_RECUR1 : OP_RECUR2;
}

static enum Op op_call(Node *n) {
  const Node *f = n->kid[0];
  if (f->kind != NK_VAR || n->nk < 2 || n->nk > 3 || !simple(n, 1)) return OP_CALL;
  n->p = obj(f->val);
  return n->nk == 2 ? OP_CALL_VAR1 : OP_CALL_VAR2;
}

static enum Op op_of(Node *n) {
  switch ((enum NodeKind)n->kind) {
  case NK_LOCAL: return OP_LOCAL;
  case NK_CONST: return OP_CONST;
  case NK_IF: return op_if(n);
  case NK_LET:
  case NK_LOOP: return OP_LET;
  case NK_DO: return n->nk ? OP_DO : OP_OTHER;
  case NK_RECUR: return op_recur(n);
  case NK_CALL: return op_call(n);
  case NK_CALLC: return n->ev ? OP_EV : OP_CALLC;
  case NK_CASE: return n->kid[0]->ev ? OP_CASE : OP_OTHER;
  case NK_TRY: return OP_TRY;
  default: return n->ev ? OP_EV : OP_OTHER;
  }
}

/* Children evaluated while a frame of the node waits, not in its place. */
static unsigned waiting_for(const Node *n) {
  switch ((enum NodeKind)n->kind) {
  case NK_IF:
  case NK_CASE: return 1;
  case NK_LET:
  case NK_LOOP:
  case NK_DO:
  case NK_BINDING: return n->nk - 1u;
  case NK_CALL:
  case NK_CALLC:
  case NK_RECUR:
  case NK_SET:
  case NK_DEF:
  case NK_THROW: return n->nk;
  default: return 0;
  }
}

#define SITED slot /* of a call that is not simple: 1 = it needs no frame of its own */
void fast_op(Node *n) {
  n->op = (uint8_t)op_of(n);
  for (unsigned i = 0; i < waiting_for(n); i++) {
    Node *k = n->kid[i];
    if ((k->kind == NK_CALL || k->kind == NK_CALLC) && !k->ev) k->SITED = 1;
  }
}

void fast_publish(Node *local) { local->op = OP_EV; }

/* A loop variable's hand-over sets it to nil; a function's takes place if the frame that waits for it owns the value. */
void hand_over(Node *n, bool loop) {
  if (loop && n->ev) direct_own(n);
  else n->op = loop ? OP_CALLC_OWN : n->ev ? OP_RETURN : OP_CALLC_RETURN;
}

/* --- running -------------------------------------------------------------------------------------------------------------- */
static inline Val call_c(const Node *n, const Val *t) { /* n->p: C function for exactly these arguments */
  if (n->nk == 2) return ((Val(*)(Val, Val))(uintptr_t)n->p)(t[0], t[1]);
  if (n->nk == 1) return ((Val(*)(Val))(uintptr_t)n->p)(t[0]);
  return ((Val(*)(Val, Val, Val))(uintptr_t)n->p)(t[0], t[1], t[2]);
}

static inline Val call_own(const Node *n, const Val *t) {
  return n->nk == 3 ? coll_assoc_own(t[0], t[1], t[2]) : coll_conj_own(t[0], t[1]);
}
static inline bool owned_by_caller(const Mach *m, uint32_t nf) {
  const Frame *f = nf ? &m->frames[nf - 1] : NULL;
  return f && (f->flags & FR_NATIVE) && ((const NativeDef *)f->code)->how & NF_OWNS;
}

#define GO(node)         \
  do {                   \
    n = (node);          \
    goto *ops[n->op];    \
  } while (0)
#define LEAVE(g)         \
  do {                   \
    m->nframes = nf;     \
    r->n = n;            \
    r->base = base;      \
    return g;            \
  } while (0)
#define PUSH(pc_)                                                   \
  do {                                                              \
    if (__builtin_expect(nf == m->nframes_cap, 0)) {                \
      m->nframes = nf;                                              \
      frame_grow(m);                                                \
    }                                                               \
    m->frames[nf++] = (Frame){n, base, (uint16_t)(pc_), 0};         \
  } while (0)
#define KID_NOW(i_)                                                 \
  do {                                                              \
    v = n->kid[i_]->ev(n->kid[i_], fp);                             \
    if (__builtin_expect(is_sig(v), 0)) {                           \
      i = (i_);                                                     \
      goto kid_signal;                                              \
    }                                                               \
  } while (0)
/* Child i, simple or not; in the second case the frame comes back to child i + 1 of this node. */
#define KID(i_)                                                     \
  do {                                                              \
    if (!n->kid[i_]->ev) {                                          \
      PUSH((i_) + 1);                                               \
      GO(n->kid[i_]);                                               \
    }                                                               \
    KID_NOW(i_);                                                    \
  } while (0)
#define SPEND()                                                     \
  do {                                                              \
    if (__builtin_expect(--m->fuel <= 0, 0)) goto out_of_fuel;      \
  } while (0)
/* The call whose function and arguments lie at n's depth: straight into the body if it is a function with a fixed arity. */
#define ENTER(argc_)                                                \
  do {                                                              \
    if (!n->SITED) PUSH(PC_RET);                                    \
    base += n->depth;                                               \
    fp += n->depth;                                                 \
    if (is_type(*fp, T_FN)) {                                       \
      const FnCode *code = AS(Fn, *fp)->code;                       \
      int a = code->fixed[argc_];                                   \
      if (__builtin_expect(a >= 0 && nf <= m->max_frames, 1)) {     \
        const FnArity *ar = &code->ar[a];                           \
        slots_need(m, base + ar->nslots);                           \
        m->live = base + ar->nslots;                                \
        fp = m->slots + base;                                       \
        n = ar->body;                                               \
        SPEND();                                                    \
        GO(n);                                                      \
      }                                                             \
    }                                                               \
    argc = (argc_);                                                 \
    goto apply;                                                     \
  } while (0)

#define OP_LABEL(name) [OP_##name] = &&op_##name,
#define OP_LABEL_TEST(fn) [OP_IF_##fn##_LC] = &&op_if_##fn##_lc, [OP_IF_##fn##_LL] = &&op_if_##fn##_ll,

Go fast_run(Mach *m, Regs *r, Go go) {
  static const void *const ops[OP_COUNT] = {OPS(OP_LABEL) TESTS(OP_LABEL_TEST)};
  const Node *n = r->n;
  uint32_t base = r->base, nf = m->nframes;
  Val *fp = m->slots + base, v = r->v;
  unsigned i;
  int argc;
  if (go == GO_RET) goto ret;
  GO(n);

op_OTHER: LEAVE(GO_EVAL);
op_EV:
  v = n->ev(n, fp);
  if (__builtin_expect(!is_sig(v), 1)) goto ret;
  if (same(v, SIG_DEMAND)) {
    r->direct = false;
    LEAVE(GO_EVAL);
  }
  PUSH(PC_RET);
  LEAVE(GO_THROW);
op_LOCAL: v = fp[n->slot]; goto ret;
op_CONST: v = n->val; goto ret;

op_IF:
  KID_NOW(0);
  GO(n->kid[truthy(v) ? 1 : 2]);
op_IF_FRAME:
  PUSH(1);
  GO(n->kid[0]);
#define TEST_FORM(fn, form, a, b)          \
  op_if_##fn##_##form : {                  \
    const Node *t = n->kid[0];             \
    v = fn(a(t), b(t));                    \
    i = 0;                                 \
    if (is_sig(v)) goto kid_signal;        \
    GO(n->kid[truthy(v) ? 1 : 2]);         \
  }
#define TEST_FORMS(fn) TEST_FORM(fn, lc, LC_A, LC_B) TEST_FORM(fn, ll, LL_A, LL_B)
  TESTS(TEST_FORMS)

op_LET:
  i = 0;
let_inits:
  for (; i + 1u < n->nk; i++) {
    KID(i);
    fp[n->depth + i] = v;
  }
  GO(n->kid[n->nk - 1]);

op_DO:
  i = 0;
do_body:
  for (; i + 1u < n->nk; i++) KID(i);
  GO(n->kid[n->nk - 1]);

op_RECUR1:
  KID_NOW(0);
  fp[n->slot] = v;
  goto again;
op_RECUR2: {
  KID_NOW(0);
  fp[n->depth] = v;
  Val v0 = v;
  KID_NOW(1);
  fp[n->slot] = v0;
  fp[n->slot + 1] = v;
  goto again;
}
op_RECUR:
  i = 0;
recur_args:
  for (; i < n->nk; i++) {
    KID(i);
    fp[n->depth + i] = v;
  }
  for (i = 0; i < n->nk; i++) fp[n->slot + i] = fp[n->depth + i];
again:
  n = *(Node *const *)n->p;
  SPEND();
  GO(n);

op_CALL_VAR1:
  fp[n->depth] = ((const Var *)n->p)->root;
  KID_NOW(1);
  fp[n->depth + 1] = v;
  ENTER(1);
op_CALL_VAR2:
  fp[n->depth] = ((const Var *)n->p)->root;
  KID_NOW(1);
  fp[n->depth + 1] = v;
  KID_NOW(2);
  fp[n->depth + 2] = v;
  ENTER(2);
op_CALL:
  i = 0;
call_args:
  for (; i < n->nk; i++) {
    KID(i);
    fp[n->depth + i] = v;
  }
  argc = n->nk - 1;
  goto call;
op_RETURN:
  if (!owned_by_caller(m, nf)) goto op_EV;
  fp[n->depth + 1] = fp[n->kid[0]->slot];
  for (i = 1; i < n->nk; i++) {
    KID_NOW(i);
    fp[n->depth + 1 + i] = v;
  }
  v = call_own(n, fp + n->depth + 1);
  if (__builtin_expect(!is_sig(v), 1)) goto ret;
  goto op_EV;
op_CALLC_OWN:
op_CALLC_RETURN:
op_CALLC:
  fp[n->depth] = n->val;
  i = 0;
callc_args:
  for (; i < n->nk; i++) {
    KID(i);
    fp[n->depth + 1 + i] = v;
  }
  if (n->op == OP_CALLC_OWN || (n->op == OP_CALLC_RETURN && owned_by_caller(m, nf))) {
    v = call_own(n, fp + n->depth + 1);
    if (__builtin_expect(!is_sig(v), 1)) {
      if (n->op == OP_CALLC_OWN) fp[n->kid[0]->slot] = NIL;
      goto ret;
    }
  } else if (n->p) {
    v = call_c(n, fp + n->depth + 1);
    if (__builtin_expect(!is_sig(v), 1)) goto ret;
  }
  argc = n->nk;
call:
  if (argc < 8) ENTER(argc);
  if (!n->SITED) PUSH(PC_RET);
  base += n->depth;
  fp += n->depth;
apply:
  if (is_type(*fp, T_METHOD) && argc > 0 && argc < 8 && nf <= m->max_frames && !(obj(*fp)->flags & METHOD_META)) {
    v = method_cached(AS(Method, *fp), fp[1]);
    const FnCode *code = is_type(v, T_FN) ? AS(Fn, v)->code : NULL;
    if (code && code->fixed[argc] >= 0) {
      const FnArity *ar = &code->ar[code->fixed[argc]];
      *fp = v;
      slots_need(m, base + ar->nslots);
      m->live = base + ar->nslots;
      fp = m->slots + base;
      n = ar->body;
      SPEND();
      GO(n);
    }
  }
  if (is_type(*fp, T_FN) && nf <= m->max_frames) {
    const FnCode *code = AS(Fn, *fp)->code;
    const FnArity *ar = code->var_arity ? &code->ar[code->var_arity - 1] : NULL;
    if (ar && argc < 8 && code->fixed[argc] < 0 && argc >= ar->nparams) {
      Val *rest = fp + 1 + ar->nparams;
      v = argc > ar->nparams ? list_from(rest, (size_t)(argc - ar->nparams)) : NIL;
      slots_need(m, base + ar->nslots);
      m->live = base + ar->nslots;
      fp = m->slots + base;
      fp[1 + ar->nparams] = v;
      n = ar->body;
      SPEND();
      GO(n);
    }
  }
  r->argc = argc;
  LEAVE(GO_APPLY);

op_CASE: {
  KID_NOW(0);
  Val ix = map_get(n->val, v, ABSENT);
  if (__builtin_expect(is_sig(ix), 0)) LEAVE(GO_EVAL);
  GO(n->kid[same(ix, ABSENT) ? 1 : fix_of(ix)]);
}
op_TRY:
  fp[n->depth] = fp[n->depth + 1] = NIL;
  PUSH(PC_TRY_BODY);
  GO(n->kid[0]);

ret: /* v for the frame on top */
  while (nf) {
    const Frame *f = &m->frames[nf - 1];
    i = f->pc | (unsigned)f->flags << 16;
    if (i == PC_RET) {
      nf--;
      continue;
    }
    if (i >= PC_BOUND) break; /* native, or a node that a slice ended at, or bindings */
    n = f->code;
    base = f->base;
    fp = m->slots + base;
    nf--;
    switch ((enum NodeKind)n->kind) {
    case NK_CALL: fp[n->depth + i - 1] = v; goto call_args;
    case NK_CALLC:
      if (n->ev) break; /* a simple call done step by step, after a demand: its p and slot are direct.c's */
      fp[n->depth + i] = v;
      goto callc_args;
    case NK_LET:
    case NK_LOOP: fp[n->depth + i - 1] = v; goto let_inits;
    case NK_RECUR: fp[n->depth + i - 1] = v; goto recur_args;
    case NK_DO: goto do_body;
    case NK_IF: GO(n->kid[truthy(v) ? 1 : 2]);
    case NK_TRY:
      if (i != PC_TRY_RETHROW && !((const CatchTable *)n->p)->has_finally) continue;
      break;
    default: break;
    }
    nf++;
    break;
  }
  r->v = v;
  LEAVE(GO_POP);

kid_signal: /* v is the signal of child i; what it got from before it is in its slots */
  PUSH(i + 1);
  if (!same(v, SIG_DEMAND)) LEAVE(GO_THROW);
  n = n->kid[i];
  r->direct = false;
  LEAVE(GO_EVAL);
out_of_fuel:
  PUSH(PC_EVAL);
  r->v = NIL;
  LEAVE(GO_STOP);
}
