/* own.c - where a program hands its only reference to a collection on, the collection may be changed in place.
 *
 * (loop [m {}] ... (recur (assoc m k v))): when the loop variable is used for nothing else but lookups on the way to the recur,
 * nobody can see the old map once the new one exists. The same holds for the first parameter of a function that `reduce` calls
 * and that returns (assoc acc k v). Such a call is a `hand-over`; analysis finds them here, by three kinds of place where the
 * variable may stand:
 *
 *   lookup      first argument of get, nth, count ..., a test: reads the collection and keeps no reference
 *   flow        its value becomes the variable's next value: the hand-over itself, or the variable as it is
 *   way out     in a branch that neither recurs nor hands over: anything; the read publishes (clears COLL_OWNED)
 *
 * Anything else, and the loop stays as it is. What a hand-over returns has COLL_OWNED set (types.h) and is referred to by the
 * variable alone, or by the frame of reduce (NF_OWNS), which publishes its result. A hand-over that was done sets the variable
 * to nil, so that a snapshot is the same whether the collection was changed or, after a restore, copied. It is the last thing
 * its simple subtree does, so a subtree that meets an unrealised seq can still be evaluated again. */
#include "node.h"
#include "reader/seq.h"
#include <string.h>

#ifdef STRESS_NODIRECT
enum { NEVER = true }; /* the same programs without it */
#else
enum { NEVER = false };
#endif

typedef struct Own {
  uint16_t slot;
  unsigned var;  /* loop: the place among the arguments of recur */
  bool loop;     /* else a function's parameter */
  bool apply;    /* second pass: change the nodes */
  unsigned found;
} Own;

static bool is_var(const Own *o, const Node *n) { return n->kind == NK_LOCAL && n->slot == o->slot; }

static const char *core_name(const Node *n) { /* of the builtin that a call calls, "" otherwise */
  if (n->kind != NK_CALLC || !is_type(n->val, T_BUILTIN)) return "";
  const char *name = AS(BuiltinObj, n->val)->def->name;
  return strncmp(name, "clojure.core/", 13) ? "" : name + 13;
}

/* Child i of n reads a collection and keeps no reference to it. */
static bool is_lookup(const Node *n, unsigned i) {
  static const char *const first[] = {"get", "nth", "count", "contains?", "empty?"};
  static const char *const any[] = {"=", "nil?", "some?", "not"};
  if (n->kind == NK_IF) return i == 0;
  if (n->kind == NK_CALLC && is_kw(n->val)) return i == 0;
  const char *s = core_name(n);
  for (size_t j = 0; i == 0 && j < sizeof first / sizeof *first; j++)
    if (!strcmp(s, first[j])) return true;
  for (size_t j = 0; j < sizeof any / sizeof *any; j++)
    if (!strcmp(s, any[j])) return true;
  return false;
}

static bool only_lookups(const Own *o, const Node *n, unsigned i) { /* in child i of n */
  const Node *k = n->kid[i];
  if (is_var(o, k)) return is_lookup(n, i);
  for (unsigned j = 0; j < k->nk; j++)
    if (!only_lookups(o, k, j)) return false;
  return true;
}

static bool first_only_lookups(const Own *o, const Node *n, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    if (!only_lookups(o, n, i)) return false;
  return true;
}

static bool mentions(const Own *o, const Node *n) {
  if (is_var(o, n)) return true;
  for (unsigned i = 0; i < n->nk; i++)
    if (mentions(o, n->kid[i])) return true;
  return false;
}

static bool is_hand_over(const Own *o, const Node *n) {
  const char *s = core_name(n);
  if (!((n->nk == 3 && !strcmp(s, "assoc")) || (n->nk == 2 && !strcmp(s, "conj"))) || !is_var(o, n->kid[0])) return false;
  for (unsigned i = 1; i < n->nk; i++)
    if (!only_lookups(o, n, i)) return false;
  return true;
}

/* The children of n that are evaluated in its place, the last thing it does: [from, nk). */
static unsigned in_place_from(const Node *n) {
  switch ((enum NodeKind)n->kind) {
  case NK_IF:
  case NK_CASE: return 1;
  case NK_LET:
  case NK_LETFN:
  case NK_DO: return n->nk ? n->nk - 1u : 0;
  default: return n->nk;
  }
}

/* Child i of n gives the variable its next value. */
static bool flow(Own *o, Node *n, unsigned i) {
  Node *k = n->kid[i];
  if (is_var(o, k)) return true;
  if (is_hand_over(o, k)) {
    o->found++;
    if (o->apply) hand_over(k, o->loop);
    return true;
  }
  unsigned from = in_place_from(k);
  if (from == k->nk) return only_lookups(o, n, i);
  bool ok = first_only_lookups(o, k, from);
  for (unsigned j = from; ok && j < k->nk; j++) ok = flow(o, k, j);
  return ok;
}

static bool recur_args(Own *o, Node *n) {
  for (unsigned i = 0; i < n->nk; i++) {
    if (i < o->var && !only_lookups(o, n, i)) return false;
    if (i == o->var && !flow(o, n, i)) return false;
    if (i > o->var && mentions(o, n->kid[i])) return false;
  }
  return true;
}

static bool goes_on(const Own *o, const Node *n) { /* recurs, or (a function) hands over */
  if (o->loop ? n->kind == NK_RECUR : is_hand_over(o, n)) return true;
  for (unsigned i = in_place_from(n); i < n->nk; i++)
    if (goes_on(o, n->kid[i])) return true;
  return false;
}

static void publish(const Own *o, Node *n, unsigned i) {
  Node *k = n->kid[i];
  if (is_var(o, k)) {
    if (is_lookup(n, i)) return;
    direct_publish(n, k);
    fast_publish(k);
    return;
  }
  for (unsigned j = 0; j < k->nk; j++) publish(o, k, j);
}

/* The value of child i of n is the value of the loop or function. */
static bool tail(Own *o, Node *n, unsigned i) {
  Node *k = n->kid[i];
  if (!goes_on(o, k)) {
    if (o->apply) publish(o, n, i);
    return true;
  }
  if (o->loop && k->kind == NK_RECUR) return recur_args(o, k);
  unsigned from = in_place_from(k);
  if (from == k->nk) return flow(o, n, i);
  bool ok = first_only_lookups(o, k, from);
  for (unsigned j = from; ok && j < k->nk; j++) ok = tail(o, k, j);
  return ok;
}

static void own_var(Own *o, Node *n, unsigned body) {
  if (!tail(o, n, body) || !o->found) return;
  o->apply = true;
  tail(o, n, body);
}

void own_loop(Node *n) {
  for (unsigned i = 0; i + 1u < n->nk && !NEVER; i++) {
    Own o = {.slot = (uint16_t)(n->depth + i), .var = i, .loop = true};
    own_var(&o, n, n->nk - 1u);
  }
}

/* An arity that reduce or reduce-kv may call. */
void own_arity(FnArity *ar) {
  if (NEVER || ar->variadic || ar->nparams < 2 || ar->nparams > 3) return;
  Own o = {.slot = 1};
  Node *body = mem_alloc(sizeof *body + sizeof *body->kid); /* a parent for the body */
  body->kind = NK_DO;
  body->nk = 1;
  body->kid[0] = ar->body;
  own_var(&o, body, 0);
}
