/* dispatch.h - callables that choose what to call by their arguments: methods of protocols and (.name x ...) (T_METHOD),
 * multimethods (T_MULTI), instances of the program's types that implement IFn; and the frame that makes the calls which C
 * functions asked for (reader/user.h).
 *
 * A protocol is a map in its var's root, as in Clojure: {:on-interface C, :impls {class {:method f}}, ...}. Its methods look
 * there and remember, by class, what they found, in a cache that is valid as long as that very map is the root; a
 * multimethod remembers by dispatch value as long as its table of methods and the hierarchy are what they were. A cache
 * is one array, replaced as a whole: threads may share the callables of the library. */
#ifndef BR_DISPATCH_H
#define BR_DISPATCH_H
#include "frame.h"
#include "class.h"

typedef enum { DISPATCH_CALL, DISPATCH_VALUE, DISPATCH_NATIVE, DISPATCH_SIGNAL, DISPATCH_FEWER } Dispatch; /* FEWER: in dispatch.c only */
/* slots[base] is such a callable with *argc arguments behind. CALL: slots[base] is now what to call; VALUE: *out is the
 * value; NATIVE: enter *native; SIGNAL: *out. */
Dispatch dispatch(Mach *m, uint32_t base, int *argc, Val *out, const NativeDef **native);
/* A builtin named .name on an instance of the program's own type that has such a method or field; otherwise false. */
bool dispatch_dot(Mach *m, uint32_t base, int argc, const Builtin *b, Dispatch *d, Val *out);

/* What implements `proto` for x: x itself when its class does it, the map of methods given to extend, or nil. */
Val protocol_impl(Val proto, Val x);
Val method_new(Val proto_var, Val name, Val full, unsigned flags);

extern const NativeDef nd_answer; /* [f arg ...] is called, and the answer left in pend.answers */
extern const NativeDef nd_multi;
#endif
