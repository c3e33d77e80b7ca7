/* scope.h - what a machine that stands still looks like to people: its activations and the locals in sight there.
 *
 * The names of slots are not kept beside the code: binding vectors and parameter vectors of the core form have them, and the
 * nodes point to these. A local is in sight where the analyzer would resolve its name: of shadowed locals only the inner one.
 * Names made by macros are left out; parameters of #() are called %1 %2 %&.
 * Everything here belongs to the thread that owns the machine; nothing runs code. */
#ifndef BR_SCOPE_H
#define BR_SCOPE_H
#include "node.h"

typedef struct ScopeLocal {
  Val name;      /* symbol */
  bool captured; /* `at` counts captures of the closure, else slots of the activation */
  uint32_t at;
} ScopeLocal;

/* A call that has not returned. */
typedef struct Activation {
  uint32_t base;           /* its first slot; the closure is there */
  const NativeDef *native; /* a function written in C: no site, no locals; else NULL */
  const char *name;        /* user/f, clojure.core/reduce */
  const FnCode *code;
  const Node *site;        /* the call it waits in, or the node it is at */
  ScopeLocal *locals;      /* in the order of their binding, parameters first */
  size_t nlocals;
} Activation;

/* All activations, innermost first. Frames that only realise a lazy seq or repeat a call are left out. */
size_t scope_stack(const Mach *m, Activation **out);
/* The local of that name, or NULL. */
const ScopeLocal *scope_local(const Activation *a, const char *name);
Val scope_get(const Mach *m, const Activation *a, const ScopeLocal *l);
/* Gives a local another value. Of a captured one this activation gets a closure of its own; others that captured it keep
 * what they have. */
void scope_set(Mach *m, uint32_t base, bool captured, uint32_t at, Val v);
/* The native frame on top is given up and the call that made it evaluated again, arguments included: mach_continue goes on.
 * false: it was not called from code directly. */
bool scope_call_again(Mach *m);
bool scope_can_call_again(const Mach *m);
#endif
