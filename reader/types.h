/* types.h - the table of heap types and their layouts. One row each; everything generic is made from it.
 *
 * TYPE(ENUM, struct, raw, nvals, tail, java class name for `class` and messages)
 *   raw    bytes of plain data after the header (a multiple of 8)
 *   nvals  number of Val fields after them
 *   tail   TAIL_NONE, TAIL_VALS or TAIL_BYTES: followed by n Vals or bytes, n = first uint32 of the raw part
 * A new type: a struct here that obeys the order header, raw, Vals, tail (static asserts in types.c check it), and a row.
 * Raw pointers are allowed only in the types marked (P); snapshot code names those one by one. */
#ifndef BR_TYPES_H
#define BR_TYPES_H
#include "val.h"

enum Tail { TAIL_NONE, TAIL_VALS, TAIL_BYTES };

#define TYPE_TABLE(TYPE)                                                                        \
  /* numbers */                                                                                 \
  TYPE(T_LONG, LongObj, 8, 0, TAIL_NONE, "java.lang.Long")                                      \
  TYPE(T_DOUBLE, DoubleObj, 8, 0, TAIL_NONE, "java.lang.Double")                                \
  TYPE(T_BIGINT, BigInt, 8, 0, TAIL_BYTES, "clojure.lang.BigInt")                               \
  TYPE(T_RATIO, Ratio, 0, 2, TAIL_NONE, "clojure.lang.Ratio")                                   \
  TYPE(T_DECIMAL, Decimal, 8, 1, TAIL_NONE, "java.math.BigDecimal")                             \
  /* text and other scalars */                                                                  \
  TYPE(T_STR, Str, 8, 0, TAIL_BYTES, "java.lang.String")                                        \
  TYPE(T_SYM, Sym, 0, 3, TAIL_NONE, "clojure.lang.Symbol")                                      \
  TYPE(T_KW, Kw, 0, 2, TAIL_NONE, "clojure.lang.Keyword")                                       \
  TYPE(T_REGEX, Regex, 8, 1, TAIL_NONE, "java.util.regex.Pattern")           /* (P) code */     \
  TYPE(T_UUID, Uuid, 16, 0, TAIL_NONE, "java.util.UUID")                                        \
  TYPE(T_INST, Inst, 8, 0, TAIL_NONE, "java.util.Date")                                         \
  TYPE(T_BYTES, Bytes, 8, 0, TAIL_BYTES, "[B")                                                  \
  TYPE(T_TAGGED, Tagged, 0, 2, TAIL_NONE, "clojure.lang.TaggedLiteral")                         \
  /* vectors */                                                                                 \
  TYPE(T_ARR, Arr, 8, 0, TAIL_VALS, "[Ljava.lang.Object;")  /* trie nodes, chunks; never a Clojure value */ \
  TYPE(T_VEC, Vec, 16, 3, TAIL_NONE, "clojure.lang.PersistentVector")                           \
  TYPE(T_ENTRY, Entry, 0, 2, TAIL_NONE, "clojure.lang.MapEntry")                                \
  TYPE(T_TVEC, TVec, 16, 2, TAIL_NONE, "clojure.lang.PersistentVector$TransientVector")         \
  /* maps and sets */                                                                           \
  TYPE(T_AMAP, AMap, 8, 1, TAIL_VALS, "clojure.lang.PersistentArrayMap")                        \
  TYPE(T_HMAP, HMap, 8, 3, TAIL_NONE, "clojure.lang.PersistentHashMap")                         \
  TYPE(T_MNODE, MNode, 16, 1, TAIL_VALS, "clojure.lang.PersistentHashMap$Node")                 \
  TYPE(T_TMAP, TMap, 8, 2, TAIL_NONE, "clojure.lang.PersistentHashMap$TransientHashMap")        \
  TYPE(T_SET, Set, 0, 2, TAIL_NONE, "clojure.lang.PersistentHashSet")                           \
  TYPE(T_TSET, TSet, 0, 1, TAIL_NONE, "clojure.lang.PersistentHashSet$TransientHashSet")        \
  TYPE(T_SMAP, SMap, 8, 3, TAIL_NONE, "clojure.lang.PersistentTreeMap")                         \
  TYPE(T_SNODE, SNode, 8, 4, TAIL_NONE, "clojure.lang.PersistentTreeMap$Node")                  \
  TYPE(T_SSET, SSet, 0, 2, TAIL_NONE, "clojure.lang.PersistentTreeSet")                         \
  /* seqs */                                                                                    \
  TYPE(T_EMPTY, EmptyList, 0, 1, TAIL_NONE, "clojure.lang.PersistentList$EmptyList")            \
  TYPE(T_LIST, List, 8, 3, TAIL_NONE, "clojure.lang.PersistentList")                            \
  TYPE(T_CONS, Cons, 0, 3, TAIL_NONE, "clojure.lang.Cons")                                      \
  TYPE(T_LAZY, Lazy, 0, 3, TAIL_NONE, "clojure.lang.LazySeq")                                   \
  TYPE(T_CHUNK, Chunk, 8, 3, TAIL_NONE, "clojure.lang.ChunkedCons")                             \
  TYPE(T_VSEQ, VSeq, 8, 2, TAIL_NONE, "clojure.lang.PersistentVector$ChunkedSeq")               \
  TYPE(T_RSEQ, VSeq, 8, 2, TAIL_NONE, "clojure.lang.APersistentVector$RSeq")                    \
  TYPE(T_STRSEQ, StrSeq, 8, 2, TAIL_NONE, "clojure.lang.StringSeq")                             \
  TYPE(T_RANGE, Range, 24, 1, TAIL_NONE, "clojure.lang.LongRange")                              \
  TYPE(T_MSEQ, MSeq, 8, 3, TAIL_NONE, "clojure.lang.APersistentMap$Seq")                        \
  TYPE(T_REPEAT, Repeat, 8, 2, TAIL_NONE, "clojure.lang.Repeat")                                \
  /* code and cells */                                                                          \
  TYPE(T_FN, Fn, 16, 1, TAIL_VALS, "clojure.lang.AFunction")                 /* (P) code */     \
  TYPE(T_BUILTIN, BuiltinObj, 8, 0, TAIL_NONE, "clojure.lang.AFunction")     /* (P) def */      \
  TYPE(T_VAR, Var, 8, 4, TAIL_NONE, "clojure.lang.Var")                                         \
  TYPE(T_NS, Ns, 0, 4, TAIL_NONE, "clojure.lang.Namespace")                                     \
  TYPE(T_ATOM, Atom, 8, 4, TAIL_NONE, "clojure.lang.Atom")                                      \
  TYPE(T_VOLATILE, Box, 8, 1, TAIL_NONE, "clojure.lang.Volatile")                               \
  TYPE(T_REDUCED, Box, 8, 1, TAIL_NONE, "clojure.lang.Reduced")                                 \
  TYPE(T_DELAY, Delay, 8, 3, TAIL_NONE, "clojure.lang.Delay")                                   \
  TYPE(T_EX, Ex, 8, 5, TAIL_NONE, "java.lang.Throwable")                                        \
  TYPE(T_CLASS, Class, 0, 5, TAIL_NONE, "java.lang.Class")                                      \
  TYPE(T_MATCHER, Matcher, 8, 3, TAIL_NONE, "java.util.regex.Matcher")                          \
  /* what programs define (record.h) */                                                         \
  TYPE(T_RECORD, Record, 8, 3, TAIL_VALS, "clojure.lang.IRecord")                               \
  TYPE(T_INSTANCE, Record, 8, 3, TAIL_VALS, "clojure.lang.IType")                               \
  TYPE(T_METHOD, Method, 0, 5, TAIL_NONE, "clojure.lang.AFunction")                             \
  TYPE(T_MULTI, Multi, 8, 8, TAIL_NONE, "clojure.lang.MultiFn")                              \
  /* newer ones: the order is part of the snapshot format */                                    \
  TYPE(T_REF, Ref, 8, 5, TAIL_NONE, "clojure.lang.Ref")                                         \
  TYPE(T_JARRAY, JArray, 8, 2, TAIL_NONE, "[Ljava.lang.Object;")                                \
  TYPE(T_STREAM, Stream, 8, 2, TAIL_NONE, "java.io.StringWriter")                               \
  TYPE(T_HOST, Host, 24, 2, TAIL_NONE, "java.lang.Object")                   /* host.h */

#define TYPE_ENUM(name, strukt, raw, nvals, tail, cls) name,
enum Type { TYPE_TABLE(TYPE_ENUM) T_COUNT };

typedef struct TypeInfo {
  const char *name;  /* "T_VEC" */
  const char *cls;   /* Java class name */
  uint16_t raw, nvals;
  uint8_t tail;
} TypeInfo;
extern const TypeInfo type_info[T_COUNT];

/* Generic walk: the address of an object's Vals and how many there are, tail included. */
Val *obj_vals(Obj *o, size_t *n);
size_t obj_size(const Obj *o); /* bytes, tail included */

typedef struct { Obj h; int64_t n; } LongObj;
typedef struct { Obj h; double d; } DoubleObj;                    /* also java.lang.Float: flag DBL_FLOAT */
enum { DBL_FLOAT = 1 };
/* Magnitude in 64-bit limbs, least significant first; n = bytes of limbs; neg in flags bit 0. Printed with N unless
 * flags bit 1 (java.math.BigInteger). Always normalised; values that fit int64 may still be T_BIGINT (1N). */
typedef struct { Obj h; uint32_t n; uint32_t pad; uint64_t limb[]; } BigInt;
typedef struct { Obj h; Val num, den; } Ratio;                    /* T_BIGINT each, den > 1 */
typedef struct { Obj h; int32_t scale; uint32_t pad; Val unscaled; } Decimal; /* unscaled T_BIGINT x 10^-scale */

typedef struct { Obj h; uint32_t n; uint32_t nchars; char s[]; } Str; /* UTF-8, NUL behind; nchars code points */
enum { STR_ASCII = 1 };                                               /* flags: one byte a character */
typedef struct { Obj h; Val ns, name, meta; } Sym; /* ns: T_STR or nil. Interned when meta is nil */
typedef struct { Obj h; Val ns, name; } Kw;        /* always interned: compare with same() */
typedef struct { Obj h; void *code; Val pattern; } Regex;
typedef struct { Obj h; uint64_t hi, lo; } Uuid;
typedef struct { Obj h; int64_t ms; } Inst;
typedef struct { Obj h; uint32_t n; uint32_t pad; uint8_t b[]; } Bytes;
typedef struct { Obj h; Val tag, form; } Tagged;

typedef struct { Obj h; uint32_t n; uint32_t edit; Val a[]; } Arr; /* edit: token of the transient that owns it, or 0 */
/* Elements are [off, end) of a 32-way trie with tail that holds tcount; subvec shares the trie. */
typedef struct { Obj h; uint32_t end, off, tcount, shift; Val meta, root, tail; } Vec;
/* flags of T_VEC, T_AMAP, T_HMAP: made for one reference that is handed on (eval/own.c), may be changed in place by
 * coll_assoc_own and coll_conj_own. Never set on what any other code sees. A vector's tail then has room for 32. */
enum { COLL_OWNED = 1 };
typedef struct { Obj h; Val k, v; } Entry; /* a map entry: behaves as a vector of two */
typedef struct { Obj h; uint32_t cnt, shift, edit, pad; Val root, tail; } TVec;

typedef struct { Obj h; uint32_t n; uint32_t pad; Val meta; Val kv[]; } AMap; /* n = 2 x count, insertion order */
typedef struct { Obj h; uint32_t cnt; uint32_t has_nil; Val meta, root, nil_val; } HMap; /* nil key iterates first */
/* CHAMP node: kv pairs of datamap in bit order, then children of nodemap in bit order. Collision node: aux = 1 and
 * datamap = number of pairs. `pad_val` keeps the layout rule. */
typedef struct { Obj h; uint32_t n; uint32_t datamap, nodemap; uint32_t edit; Val unused; Val a[]; } MNode;
typedef struct { Obj h; uint32_t edit; uint32_t cnt; Val map, extra; } TMap;
typedef struct { Obj h; Val meta, map; } Set; /* map: T_HMAP key -> key */
typedef struct { Obj h; Val map; } TSet;      /* map: T_TMAP */
typedef struct { Obj h; uint32_t cnt; uint32_t pad; Val meta, root, cmp; } SMap; /* cmp: nil = compare */
typedef struct { Obj h; uint32_t info; uint32_t pad; Val k, v, l, r; } SNode;
typedef struct { Obj h; Val meta, map; } SSet; /* map: T_SMAP */

typedef struct { Obj h; Val meta; } EmptyList;
typedef struct { Obj h; uint32_t cnt; uint32_t pad; Val meta, first, rest; } List; /* rest: T_LIST or T_EMPTY */
typedef struct { Obj h; Val meta, first, rest; } Cons;                             /* rest: any seqable, often T_LAZY */
/* fn: what makes the seq (a callable of no arguments); nil once realised, then seq is nil or a non-lazy seq */
typedef struct { Obj h; Val meta, fn, seq; } Lazy;
typedef struct { Obj h; uint32_t off, end; Val meta, arr, rest; } Chunk; /* arr: T_ARR; elements [off,end) then rest */
typedef struct { Obj h; uint32_t i, pad; Val meta, vec; } VSeq;          /* also T_RSEQ, going down from i */
typedef struct { Obj h; uint32_t byte, index; Val meta, str; } StrSeq;
typedef struct { Obj h; int64_t start, end, step; Val meta; } Range;     /* integers only, never empty */
typedef struct { Obj h; uint32_t i, what; Val meta, node, up; } MSeq;    /* what: entries, keys, vals; cursor in map.c */
typedef struct { Obj h; int64_t cnt; Val meta, x; } Repeat;              /* cnt -1: for ever */

struct FnCode;  /* eval/node.h */
struct Builtin; /* eval/builtin.h */
typedef struct { Obj h; uint32_t n; uint32_t serial; const struct FnCode *code; Val meta; Val cap[]; } Fn;
typedef struct { Obj h; const struct Builtin *def; } BuiltinObj;
typedef struct { Obj h; uint32_t serial; uint32_t pad; Val ns, name, root, meta; } Var; /* ns: T_NS or symbol; flags below */
enum { VAR_DYNAMIC = 1, VAR_MACRO = 2, VAR_CONST = 4, VAR_PRIVATE = 8, VAR_RUN = 16, VAR_CUR_NS = 32, VAR_TYPE = 64, VAR_PROTOCOL = 128 }; /* TYPE: names a class */
/* vars: map symbol -> T_VAR, interned or referred, or false: the core name is excluded. aliases: symbol -> symbol */
typedef struct { Obj h; Val name, vars, aliases, meta; } Ns;
typedef struct { Obj h; uint32_t serial; uint32_t pad; Val val, meta, validator, watches; } Atom;
typedef struct { Obj h; uint32_t serial; uint32_t pad; Val val; } Box;
typedef struct { Obj h; uint32_t serial; uint32_t pad; Val fn, val, ex; } Delay; /* fn nil once run */
typedef struct { Obj h; uint32_t cls; uint32_t kind; Val msg, data, cause, trace, meta; } Ex; /* ex.h */
/* A class of the host has only its name (a symbol) and is one object per name (eval/class.h). A class that a program defined
 * (flags not 0) has the keywords of its fields (T_ARR), its methods (map keyword -> fn; in a reify: -> index of the field
 * that holds it), what it implements (T_ARR of classes) and which fields set! may change (nil, set of keywords). */
typedef struct { Obj h; Val name, fields, methods, ifaces, mutables; } Class;
enum { CLASS_INTERFACE = 0x8000, CLASS_INDEX = 0x7fff }; /* aux of a host's class: its place in the table, plus 1 */
enum { CLASS_RECORD = 1, CLASS_TYPE = 2, CLASS_REIFY = 4, CLASS_PROTOCOL = 8, CLASS_HOST = 16 }; /* HOST: implements interfaces of the host */
typedef struct { Obj h; uint32_t pos; uint32_t pad; Val re, str, groups; } Matcher;
typedef struct { Obj h; uint32_t n; uint32_t serial; Val meta, type, ext; Val f[]; } Record; /* type: T_CLASS; ext: a record's other keys */
/* A function that chooses by its first argument: a protocol's (proto: its var, name: keyword) or, proto nil, (.name x ...).
 * The last Val of T_METHOD and T_MULTI is a cache: never written to snapshots (eval/dispatch.h). */
typedef struct { Obj h; Val proto, name, full, meta, cache; } Method;
enum { METHOD_META = 1, METHOD_FIELD = 2 }; /* :extend-via-metadata; (.-name x) */
typedef struct { Obj h; uint32_t serial; uint32_t pad; Val name, dispatch, dflt, hierarchy, methods, prefers, meta, cache; } Multi;

/* Refs, agents, promises and futures begin as an Atom does; aux says which. extra: a ref's value in the running transaction
 * (UNBOUND: untouched), an agent's error, a future's exception. A promise without value holds UNBOUND. */
typedef struct { Obj h; uint32_t serial; uint32_t pad; Val val, meta, validator, watches, extra; } Ref;
enum RefKind { REF_REF, REF_AGENT, REF_PROMISE, REF_FUTURE, REF_KINDS };
/* A Java array: changes in place. cls is the class's name, "[I"; aux the kind of its elements. byte[] is T_BYTES. */
typedef struct { Obj h; uint32_t serial; uint32_t pad; Val arr, cls; } JArray;
enum ArrayKind { ARRAY_OBJECT, ARRAY_LONG, ARRAY_INT, ARRAY_SHORT, ARRAY_CHAR, ARRAY_BOOLEAN, ARRAY_DOUBLE, ARRAY_FLOAT };
/* Text that is written or read piece by piece; aux says which class. Writers: `text` is the list of pieces, the newest first.
 * Readers: `text` is the whole of it, pos the byte where reading goes on. */
typedef struct { Obj h; uint32_t serial; uint32_t pos; Val text, meta; } Stream;
enum StreamKind { STREAM_WRITER, STREAM_BUILDER, STREAM_READER, STREAM_ERR, STREAM_STDIN };

typedef struct { Obj h; int64_t a, b; int32_t c; uint32_t pad; Val x, y; } Host; /* aux: HostKind, host.h */

#define AS(T, v) ((T *)obj(v))
#endif
