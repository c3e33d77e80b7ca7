/* snapcheck.c - what must hold of every object before code that trusts its type may touch it. */
#include "snapcheck.h"
#include "reader/text.h"
#include "reader/ex.h"
#include "reader/vec.h"
#include "reader/map.h"
#include "reader/seq.h"
#include "reader/host.h"

static bool is_or_nil(Val v, int type) { return is_nil(v) || is_type(v, type); }
static bool str_or_nil(Val v) { return is_or_nil(v, T_STR); }
static bool meta_ok(Val v) { return is_nil(v) || is_map(v); }

/* A trie of `shift` levels that must hold elements [0, n), n a multiple of 32. */
static bool trie_ok(Val node, uint32_t shift, uint32_t n) {
  if (n == 0) return true;
  if (shift > 30 || !is_type(node, T_ARR)) return false;
  const Arr *a = AS(Arr, node);
  if (shift == 0) return a->n >= 32;
  uint32_t each = 1u << shift, need = (n + each - 1) >> shift;
  if (need > 32 || a->n < need) return false;
  for (uint32_t i = 0; i < need; i++)
    if (!trie_ok(a->a[i], shift - 5, i + 1 < need ? each : n - (need - 1) * each)) return false;
  return true;
}

static bool vec_like_ok(uint32_t count, uint32_t shift, Val root, Val tail) {
  uint32_t off = count < 32 ? 0 : (count - 1) >> 5 << 5;
  return is_type(tail, T_ARR) && AS(Arr, tail)->n >= count - off && shift % 5 == 0 && shift >= 5 && trie_ok(root, shift, off);
}

static const char *vec_ok(Val v) {
  const Vec *x = AS(Vec, v);
  bool ok = meta_ok(x->meta) && x->off <= x->end && x->end <= x->tcount && vec_like_ok(x->tcount, x->shift, x->root, x->tail);
  return ok ? NULL : "a vector is malformed";
}

static const char *mnode_ok(Val v) {
  const MNode *x = AS(MNode, v);
  uint32_t pairs = x->h.aux ? x->datamap : (uint32_t)__builtin_popcount(x->datamap);
  uint32_t kids = x->h.aux ? 0 : (uint32_t)__builtin_popcount(x->nodemap);
  if ((uint64_t)pairs * 2 + kids != x->n || (!x->h.aux && (x->datamap & x->nodemap))) return "a map node is malformed";
  for (uint32_t i = 0; i < kids; i++)
    if (!is_type(x->a[pairs * 2 + i], T_MNODE) || same(x->a[pairs * 2 + i], v)) return "a map node is malformed";
  return NULL;
}

/* No path from a map's root is longer than the hash allows: excludes cycles. */
static bool champ_depth_ok(Val node, int depth) {
  if (is_nil(node)) return true;
  if (!is_type(node, T_MNODE) || depth > 8 || mnode_ok(node)) return false;
  const MNode *x = AS(MNode, node);
  if (x->h.aux) return true;
  uint32_t pairs = (uint32_t)__builtin_popcount(x->datamap);
  for (uint32_t i = pairs * 2; i < x->n; i++)
    if (!champ_depth_ok(x->a[i], depth + 1)) return false;
  return true;
}

static const char *list_ok(Val v) {
  const List *x = AS(List, v);
  bool ok = meta_ok(x->meta) && x->cnt > 0 &&
            (is_type(x->rest, T_LIST) ? AS(List, x->rest)->cnt + 1 == x->cnt : is_type(x->rest, T_EMPTY) && x->cnt == 1);
  return ok ? NULL : "a list is malformed";
}

static bool thunk_ok(Val fn) {
  return is_nil(fn) || is_type(fn, T_FN) || is_type(fn, T_BUILTIN) || (is_type(fn, T_ARR) && AS(Arr, fn)->n > 0);
}

static const char *str_ok(Val v) {
  Str *s = AS(Str, v);
  if (!utf8_valid(s->s, s->n)) return "a string is not UTF-8";
  uint32_t chars = 0;
  for (uint32_t i = 0; i < s->n; i++) chars += ((uint8_t)s->s[i] & 0xc0) != 0x80;
  s->nchars = chars;
  s->h.flags = chars == s->n ? STR_ASCII : 0;
  return NULL;
}

static bool snode_ok(Val n) { return is_or_nil(n, T_SNODE); }

static bool vseq_ok(const VSeq *s) {
  if (is_entry(s->vec)) return s->i < 2;
  return is_type(s->vec, T_VEC) && s->i < AS(Vec, s->vec)->end - AS(Vec, s->vec)->off;
}

static const char *class_ok(const Class *c) {
  if (!c->h.flags) return NULL; /* of the host: made by name */
  bool ok = is_sym(c->name) && is_type(c->fields, T_ARR) && is_map(c->methods) && is_type(c->ifaces, T_ARR) &&
            (is_nil(c->mutables) || is_set(c->mutables));
  for (uint32_t i = 0; ok && i < AS(Arr, c->ifaces)->n; i++) ok = is_type(AS(Arr, c->ifaces)->a[i], T_CLASS);
  return ok ? NULL : "a class is malformed";
}

static const char *record_ok(Val v) {
  const Record *r = AS(Record, v);
  const Class *c = is_type(r->type, T_CLASS) ? AS(Class, r->type) : NULL;
  bool ok = c && is_type(c->fields, T_ARR) && AS(Arr, c->fields)->n == r->n && meta_ok(r->meta);
  ok = ok && (is_type(v, T_RECORD) ? c->h.flags & CLASS_RECORD : c->h.flags & (CLASS_TYPE | CLASS_REIFY));
  return ok && (is_nil(r->ext) || (is_map(r->ext) && !is_type(r->ext, T_RECORD))) ? NULL : "a record is malformed";
}

static const char *method_ok(const Method *m) {
  bool ok = is_or_nil(m->proto, T_VAR) && is_type(m->name, T_KW) && is_str(m->full) && strchr(str_s(m->full), is_nil(m->proto) ? '.' : '/');
  return ok && meta_ok(m->meta) && is_nil(m->cache) ? NULL : "a method is malformed";
}

static const char *mseq_ok(const MSeq *s) {
  bool ok = s->what < 3 && is_or_nil(s->up, T_MSEQ);
  switch (type_of(s->node)) {
  case T_AMAP: ok = ok && s->i % 2 == 0 && s->i < AS(AMap, s->node)->n; break;
  case T_HMAP: ok = ok && AS(HMap, s->node)->has_nil; break;
  case T_RECORD: ok = ok && s->i < AS(Record, s->node)->n; break;
  case T_SNODE: break;
  case T_MNODE: {
    const MNode *m = AS(MNode, s->node);
    ok = ok && (m->h.aux ? s->i < m->datamap : s->i < 32 && (m->datamap | m->nodemap) >> s->i & 1);
    break;
  }
  default: ok = false;
  }
  return ok ? NULL : "a map seq is malformed";
}

static const char *check_coll(Val v) {
  switch (type_of(v)) {
  case T_VEC: return vec_ok(v);
  case T_TVEC: return vec_like_ok(AS(TVec, v)->cnt, AS(TVec, v)->shift, AS(TVec, v)->root, AS(TVec, v)->tail) ? NULL : "a transient vector is malformed";
  case T_AMAP: return AS(AMap, v)->n % 2 == 0 && meta_ok(AS(AMap, v)->meta) ? NULL : "a map is malformed";
  case T_HMAP: return champ_depth_ok(AS(HMap, v)->root, 0) && meta_ok(AS(HMap, v)->meta) ? NULL : "a hash map is malformed";
  case T_MNODE: return mnode_ok(v);
  case T_TMAP:
    return is_type(AS(TMap, v)->map, T_ARR) ? (AS(TMap, v)->cnt * 2 <= AS(Arr, AS(TMap, v)->map)->n ? NULL : "a transient map is malformed")
                                            : champ_depth_ok(AS(TMap, v)->map, 0) ? NULL : "a transient map is malformed";
  case T_SET: return is_type(AS(Set, v)->map, T_HMAP) && meta_ok(AS(Set, v)->meta) ? NULL : "a set is malformed";
  case T_TSET: return is_type(AS(TSet, v)->map, T_TMAP) ? NULL : "a transient set is malformed";
  case T_SMAP: return snode_ok(AS(SMap, v)->root) ? NULL : "a sorted map is malformed";
  case T_SSET: return is_type(AS(SSet, v)->map, T_SMAP) ? NULL : "a sorted set is malformed";
  case T_SNODE: return snode_ok(AS(SNode, v)->l) && snode_ok(AS(SNode, v)->r) ? NULL : "a sorted node is malformed";
  case T_LIST: return list_ok(v);
  case T_CHUNK:
    return is_type(AS(Chunk, v)->arr, T_ARR) && AS(Chunk, v)->off < AS(Chunk, v)->end && AS(Chunk, v)->end <= AS(Arr, AS(Chunk, v)->arr)->n
               ? NULL : "a chunk is malformed";
  case T_VSEQ:
  case T_RSEQ: return vseq_ok(AS(VSeq, v)) ? NULL : "a vector seq is malformed";
  case T_STRSEQ: return is_str(AS(StrSeq, v)->str) && AS(StrSeq, v)->byte <= str_n(AS(StrSeq, v)->str) ? NULL : "a string seq is malformed";
  case T_LAZY: return thunk_ok(AS(Lazy, v)->fn) ? NULL : "a lazy seq is malformed";
  case T_MSEQ: return mseq_ok(AS(MSeq, v));
  case T_RANGE: return AS(Range, v)->step != 0 ? NULL : "a range is malformed";
  default: return NULL;
  }
}

static bool host_ok(const Host *h) {
  bool nanos = h->b >= 0 && h->b < HOST_DAY_NS;
  if (h->h.aux >= HOST_KINDS) return false;
  if (h->h.aux == HOST_ZONE) return is_str(h->x);
  if (h->h.aux == HOST_PERIOD || h->h.aux == HOST_OBJECT) return true;
  if (h->h.aux == HOST_DURATION) return nanos;
  return nanos && h->a > -INT64_C(40000000000000000) && h->a < INT64_C(40000000000000000);
}

/* Writers hold a list of strings, readers one string and a place in it. */
static bool stream_ok(const Stream *s) {
  if (s->h.aux == STREAM_READER) return is_str(s->text) && s->pos <= str_n(s->text);
  if (s->h.aux > STREAM_BUILDER) return true;
  Val l = s->text;
  for (; is_type(l, T_LIST); l = AS(List, l)->rest)
    if (!is_str(AS(List, l)->first)) return false;
  return is_type(l, T_EMPTY);
}

/* Of single precision, when it is of the class Float. */
static bool float_ok(Val v) {
  double d = AS(DoubleObj, v)->d;
  return obj(v)->flags == 0 || (obj(v)->flags == DBL_FLOAT && (d != d || d == (double)(float)d));
}

static const char *check_scalar(Val v) {
  switch (type_of(v)) {
  case T_STR: return str_ok(v);
  case T_DOUBLE: return float_ok(v) ? NULL : "a float is malformed";
  case T_BIGINT: return AS(BigInt, v)->n % 8 == 0 ? NULL : "a number is malformed";
  case T_RATIO: return is_type(AS(Ratio, v)->num, T_BIGINT) && is_type(AS(Ratio, v)->den, T_BIGINT) && AS(BigInt, AS(Ratio, v)->den)->n ? NULL : "a ratio is malformed";
  case T_DECIMAL: return is_type(AS(Decimal, v)->unscaled, T_BIGINT) ? NULL : "a decimal is malformed";
  case T_REGEX: return is_str(AS(Regex, v)->pattern) ? NULL : "a regex is malformed";
  case T_EX:
    return AS(Ex, v)->cls < EXC_COUNT && AS(Ex, v)->kind < KIND_COUNT && str_or_nil(AS(Ex, v)->msg) && str_or_nil(AS(Ex, v)->trace) &&
                   is_or_nil(AS(Ex, v)->cause, T_EX) ? NULL : "an exception is malformed";
  case T_CLASS: return class_ok(AS(Class, v));
  case T_RECORD:
  case T_INSTANCE: return record_ok(v);
  case T_METHOD: return method_ok(AS(Method, v));
  case T_MULTI: {
    const Multi *m = AS(Multi, v);
    bool ok = is_str(m->name) && is_map(m->methods) && is_map(m->prefers) && meta_ok(m->meta) && is_nil(m->cache);
    return ok ? NULL : "a multimethod is malformed";
  }
  case T_VAR: return is_sym(AS(Var, v)->name) && is_sym(AS(Var, v)->ns) ? NULL : "a var is malformed";
  case T_NS: return is_sym(AS(Ns, v)->name) && is_map(AS(Ns, v)->vars) && is_map(AS(Ns, v)->aliases) ? NULL : "a namespace is malformed";
  case T_JARRAY: return is_type(AS(JArray, v)->arr, T_ARR) && is_str(AS(JArray, v)->cls) ? NULL : "an array is malformed";
  case T_HOST: return host_ok(AS(Host, v)) ? NULL : "a host value is malformed";
  case T_STREAM: return stream_ok(AS(Stream, v)) ? NULL : "a text stream is malformed";
  case T_TAGGED: return is_sym(AS(Tagged, v)->tag) ? NULL : "a tagged literal is malformed";
  case T_MATCHER: return is_type(AS(Matcher, v)->re, T_REGEX) && is_str(AS(Matcher, v)->str) ? NULL : "a matcher is malformed";
  case T_DELAY: return thunk_ok(AS(Delay, v)->fn) ? NULL : "a delay is malformed";
  default: return NULL;
  }
}

const char *snap_check(Val v) {
  const char *why = check_scalar(v);
  return why ? why : check_coll(v);
}

/* The order is part of the format. */
Val snap_one(unsigned i) {
  switch (i) {
  case 0: return vec_empty;
  case 1: return AS(Vec, vec_empty)->root;
  case 2: return map_empty;
  case 3: return hmap_empty;
  case 4: return set_empty;
  case 5: return AS(Set, set_empty)->map;
  default: return empty_list;
  }
}
