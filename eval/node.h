/* node.h - the analyzed tree. Immutable after analysis, shared by all runs that use the unit.
 *
 * A unit is one top-level core form, named by the hash of its encoded bytes (positions included). A node's identity is its
 * preorder number in its unit: snapshots and step occurrences refer to (unit hash, node id), so nothing may renumber. */
#ifndef BR_NODE_H
#define BR_NODE_H
#include "mach.h"
#include "reader/mem.h"

typedef struct Node Node;
typedef Val (*EvalFn)(const Node *n, Val *fp);

typedef struct UnitHash { uint8_t b[16]; } UnitHash;

typedef struct Unit {
  UnitHash hash;
  Val core;          /* the core form */
  Val ns;            /* symbol of the namespace it was analyzed in */
  const char *file;
  Node *top;         /* body of an implicit function without arguments */
  struct FnCode *fn; /* that function */
  uint32_t nnodes;
  Node **by_id;      /* nnodes */
  bool shared;       /* names no run vars: may be used by every run */
  bool core_unit;    /* of the prelude */
  Val *consts;       /* objects of its literals in walk order, for snapshots (runtime/store/snapconst.c); made on demand */
  uint32_t nconsts;
} Unit;

/* kinds. `depth` is the number of live slots when the node is entered; temps and bindings begin there.
 *   NK_CONST val · NK_LOCAL slot · NK_CAP slot · NK_VAR val (T_VAR) · NK_DYN val
 *   NK_IF test then else · NK_DO kids · NK_LET inits... body (kid i < nk-1 into depth+i), val = binding vector of the core form
 *   (as of LOOP and LETFN: scope.h finds the names of slots there) · NK_LOOP same; body is the recur target
 *   NK_RECUR args; p = where the pointer to the body is, slot = first target slot · NK_FN p = FnCode, kids = capture sources
 *   NK_LETFN fns... body · NK_DEF val = var, kid? init · NK_SET val = var, kid value
 *   NK_TRY body, catch bodies..., [finally]; p = CatchTable; depth: saved value, depth+1: the caught exception
 *   NK_THROW kid · NK_CASE expr, default, bodies...; val = map constant -> index of kid
 *   NK_BINDING values... body; val = vector of vars; depth: saved bindings
 *   NK_CALL f args... · NK_CALLC val = constant callee, kids = args; both evaluate into depth: [f][args] */
#define NODE_KINDS(K)                                                                                           \
  K(NK_CONST) K(NK_LOCAL) K(NK_CAP) K(NK_VAR) K(NK_DYN) K(NK_IF) K(NK_DO) K(NK_LET) K(NK_LOOP) K(NK_RECUR)      \
  K(NK_FN) K(NK_LETFN) K(NK_DEF) K(NK_SET) K(NK_TRY) K(NK_THROW) K(NK_CASE) K(NK_BINDING) K(NK_CALL) K(NK_CALLC)
#define NODE_KIND_ENUM(k) k,
enum NodeKind { NODE_KINDS(NODE_KIND_ENUM) NK_COUNT };

struct Node {
  EvalFn ev;       /* direct evaluation when the subtree is simple, else NULL */
  const void *p;   /* C function of the call, FnCode, CatchTable, recur target; an operand of direct.c's operators */
  Val val;         /* constant, var, name */
  uint16_t slot;   /* local, capture, recur target; an operand of direct.c's operators */
  uint16_t depth;
  uint16_t nk;     /* children */
  uint8_t kind;    /* enum NodeKind */
  uint8_t op;      /* fast.c: how the fast path treats it */
  uint32_t id;
  uint32_t line;
  uint32_t col;
  uint32_t fn_id;  /* id of the NK_FN node this one is in, UINT32_MAX at top */
  Unit *unit;
  Node *kid[];
};

typedef struct CatchTable {
  uint32_t n;
  bool has_finally;
  Val *name;       /* symbol of each clause */
  int16_t cls[]; /* enum Exc per catch clause; -1 catches anything */
} CatchTable;

/* direct.c: choose the direct evaluation function of a node whose children are done (NULL: not simple). */
EvalFn direct_fn(const Node *n);
int direct_test(const Node *n);
void direct_own(Node *n);                       /* a simple hand-over of a loop variable */
void direct_publish(Node *parent, Node *local); /* this read of a local clears COLL_OWNED */
void fast_publish(Node *local);
void hand_over(Node *n, bool loop);             /* fast.c: this assoc or conj may change its first argument in place (own.c) */
void fast_op(Node *n); /* fast.c: after direct_fn, which it looks at; may change the op of children, too */

typedef struct FnArity {
  uint16_t nparams; /* without the rest parameter */
  bool variadic;
  uint32_t nslots;  /* closure + parameters + locals + temps, at most */
  Node *body;
  Val params;       /* the parameter vector of the core form */
} FnArity;

typedef struct FnCode {
  Unit *unit;
  uint32_t id;      /* of the CLOSURE node */
  Val name;         /* "user/f" T_STR; "user/fn" */
  Val self;         /* the symbol by which it calls itself, nil none */
  uint16_t ncaps, narities;
  uint16_t var_arity; /* index + 1 of the variadic arity, 0 none */
  bool may_step;    /* the body (or what it calls) could reach a step */
  int8_t fixed[8];  /* arity index by argument count, -1 none */
  Val doc_meta;
  FnArity ar[];
} FnCode;

/* own.c: find what may be changed in place, in a loop node and in an arity that are analyzed. */
void own_loop(Node *n);
void own_arity(FnArity *ar);

/* Analyze a core form. The unit, or NULL with pend.ex. */
Unit *analyze(Env *env, Val core, const char *file);
const Node *unit_node(const Unit *u, uint32_t id);
/* Registry of shared units by hash; analyze() looks here first. unit_load also asks `unit_loader`, which brings in what an
 * earlier process stored: the vector [core-form file namespace-symbol core?], or ABSENT. NULL with pend.ex: not to be had. */
Unit *unit_find(const UnitHash *h);
size_t units_registered(Unit *const **list); /* in the order they came */
Unit *unit_load(Env *env, const UnitHash *h);
Val unit_stored_form(const Unit *u); /* that vector */
extern _Thread_local Val (*unit_loader)(void *ctx, const UnitHash *h);
extern _Thread_local void *unit_loader_ctx;
void unit_hex(const UnitHash *h, char out[33]);
#endif
