/* snapshot.h - values and whole machines to bytes and back.
 *
 * Format (all integers LEB128 unless said otherwise):
 *   "BRS" version(1 byte, 1) flags(1 byte: 1 = body is zstd) · uncompressed length · body · CRC-32C of everything before (4 bytes LE)
 *   body: kind byte ('V' value, 'M' machine)
 *         texts: n, then length + bytes each (names of natives, builtins, vars, symbols)
 *         'M': namespaces: n, then name, aliases (n, pairs) each · vars of the run: n, then flags, ns, name each
 *         units: n, then 16 bytes each
 *         objects: n, then for each its shape (type, flags, aux, tail length), then for each its contents
 *         'V': the root word
 *         'M': env (namespaces, cur_ns, serial, gensym), bindings, in_function, frames, live slots
 *   A word: 0 nil · 1 fixnum (zigzag) · 2 inline double (8 bytes LE) · 3 immediate (kind, payload) · 4 object (index)
 *           5 an object that exists once per process, such as [] (number, snapcheck.h)
 *           6 an object of a literal of the code (unit, number in snapconst.h), in machines only
 * Objects are numbered in the order a depth-first walk from the roots meets them, and caches (hashes, compiled regexes,
 * transient owner tokens) are not written: equal machines give equal bytes, which is the standing test of replay.
 * Sharing and cycles are kept. Keywords and symbols are text; builtins and core vars are names; functions are
 * (unit, node) plus captures; code itself is in the store's units.
 *
 * The reader trusts nothing: every length, index, type and tree invariant is checked, and damage gives an exception. The one
 * exception is the meaning of native frames' slots, which only their step functions know: the checksum finds damage there,
 * but who can write the database can make such a frame misbehave. */
#ifndef BR_SNAPSHOT_H
#define BR_SNAPSHOT_H
#include "eval/node.h"
#include "store.h"

/* Data only (step results, inputs, KV values): records become plain maps; functions, instances of types, cells, exceptions and the like are refused with an ExceptionInfo
 * {:type :not-serializable :path [...]}; an unrealised lazy seq inside gives SIG_DEMAND (deep). nil, or a signal. */
Val snap_data(Buf *out, Val v);
Val snap_storable(Val v); /* the same without writing: would it be stored? */
/* Anything reachable. */
Val snap_value(Buf *out, Val v);
Val snap_read_value(Env *env, const void *p, size_t n);

/* A machine that stands still (SIG_SUSPEND or SIG_STOP, or idle). nil or SIG_THROW. */
Val snap_machine(Buf *out, const Mach *m);
/* A new machine with its own Env; NULL with pend.ex: damaged, or code it needs is not there (class IllegalStateException). */
Mach *snap_read_machine(const void *p, size_t n);

/* The body of a snapshot uncompressed, for looking for texts: each stands in it as its UTF-8 bytes. false: damaged, *out is empty. */
bool snap_bytes(const void *p, size_t n, Blob *out);

/* Units that the last snap_* call of this thread named: what must be in the store before it. */
size_t snap_units(Unit ***units);
size_t snap_last_size(void); /* bytes of what the last snap_* call of this thread wrote, before compression */
#endif
