/* print.h - values to text, byte for byte as Clojure 1.11 does it. Signals: SIG_DEMAND (deep) when an unrealised lazy seq
 * is inside. Functions and other opaque values print by name and per-run serial, never by address:
 * #function[user/f], #object[clojure.lang.Atom {:status :ready, :val 1}], ... */
#ifndef BR_PRINT_H
#define BR_PRINT_H
#include "eq.h"

typedef struct PrintOpts {
  bool readably;      /* pr (true) or print (false) */
  bool meta;          /* *print-meta* */
  int64_t length;     /* *print-length*, -1 none */
  int64_t level;      /* *print-level*, -1 none */
  bool namespace_maps; /* *print-namespace-maps* */
  size_t max_bytes;   /* stop with a LimitError beyond; 0 = 1 GiB */
} PrintOpts;
extern const PrintOpts print_readably, print_plain;

/* Writes the name of a T_FN or T_BUILTIN, such as user/f or clojure.core/map. Set once at start by eval, which knows the
 * code behind it; without it functions print as #function[fn]. */
extern void (*print_fn_name)(Buf *b, Val fn);

Val print_common_ns(Val map);                    /* T_STR: the namespace that all keys of a map share (#:ns{...}), or nil */
Val print_to(Buf *b, Val v, const PrintOpts *o); /* nil or a signal; on a signal the buffer holds rubbish */
Val print_str_of(Buf *b, Val v);                 /* as `str` does one argument: nil -> "", strings raw */
Val pr_str(Val v);                               /* a T_STR or a signal */
#endif
