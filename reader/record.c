/* record.c - see record.h. */
#include "record.h"
#include "hash.h"
#include "mem.h"
#include "ex.h"

Val class_new(Val name_sym, unsigned flags, Val fields, Val methods, Val ifaces) {
  Class *c = mem_obj(T_CLASS);
  c->h.flags = (uint8_t)flags;
  c->name = name_sym;
  c->fields = fields;
  c->methods = methods;
  c->ifaces = ifaces;
  return from_obj(c);
}

const char *class_text(Val cls) { return str_s(AS(Sym, AS(Class, cls)->name)->name); }

Val rec_new(Val cls, const Val *xs, uint32_t serial) {
  uint32_t n = class_nfields(cls);
  Record *r = mem_obj_n(AS(Class, cls)->h.flags & CLASS_RECORD ? T_RECORD : T_INSTANCE, n);
  r->type = cls;
  r->serial = serial;
  if (n) memcpy(r->f, xs, n * sizeof(Val));
  return from_obj(r);
}

static Record *rec_copy(const Record *r) {
  Record *c = mem_obj_n(T_RECORD, r->n);
  memcpy(c, r, sizeof *r + r->n * sizeof(Val));
  c->h.hash = 0;
  return c;
}

int32_t rec_field(const Record *r, Val k) {
  const Arr *fields = AS(Arr, AS(Class, r->type)->fields);
  for (uint32_t i = 0; i < r->n; i++)
    if (same(fields->a[i], k)) return (int32_t)i;
  return -1;
}

uint32_t rec_count(Val m) {
  const Record *r = AS(Record, m);
  return r->n + (is_nil(r->ext) ? 0 : map_count(r->ext));
}

Val rec_get(Val m, Val k, Val not_found) {
  const Record *r = AS(Record, m);
  int32_t i = rec_field(r, k);
  if (i >= 0) return r->f[i];
  return is_nil(r->ext) ? not_found : map_get(r->ext, k, not_found);
}

Val rec_find(Val m, Val k) {
  const Record *r = AS(Record, m);
  int32_t i = rec_field(r, k);
  if (i >= 0) return entry_new(k, r->f[i]);
  return is_nil(r->ext) ? NIL : map_find(r->ext, k);
}

Val rec_assoc(Val m, Val k, Val v) {
  const Record *r = AS(Record, m);
  int32_t i = rec_field(r, k);
  if (i >= 0) {
    Record *c = rec_copy(r);
    c->f[i] = v;
    return from_obj(c);
  }
  TRY(ext, map_assoc(is_nil(r->ext) ? map_empty : r->ext, k, v));
  Record *c = rec_copy(r);
  c->ext = ext;
  return from_obj(c);
}

/* A plain map of the entries. */
static Val rec_to_map(Val m, bool keep_meta) {
  ValVec kvs = {0};
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    vv_push(&kvs, k);
    vv_push(&kvs, v);
  }
  TRY(plain, map_from(kvs.a, kvs.n / 2, false));
  return keep_meta ? with_meta(plain, AS(Record, m)->meta) : plain;
}

Val rec_dissoc(Val m, Val k) {
  const Record *r = AS(Record, m);
  if (rec_field(r, k) >= 0) {
    TRY(plain, rec_to_map(m, true));
    return map_dissoc(plain, k);
  }
  if (is_nil(r->ext)) return m;
  TRY(ext, map_dissoc(r->ext, k));
  if (same(ext, r->ext)) return m;
  Record *c = rec_copy(r);
  c->ext = map_count(ext) ? ext : NIL;
  return from_obj(c);
}

Val rec_from_map(Val cls, Val m) {
  uint32_t n = class_nfields(cls);
  Record *r = mem_obj_n(T_RECORD, n);
  r->type = cls;
  if (is_type(m, T_RECORD)) {
    TRY(plain, rec_to_map(m, false));
    m = plain;
  }
  for (uint32_t i = 0; i < n && is_map(m); i++) {
    Val k = AS(Arr, AS(Class, cls)->fields)->a[i];
    TRY(v, map_get(m, k, NIL));
    TRY(less, map_dissoc(m, k));
    r->f[i] = v;
    m = less;
  }
  if (is_map(m) && map_count(m)) r->ext = m;
  return from_obj(r);
}

/* ---- plain data ---- */

static Val plain_in(Val v);

static Val plain_map(Val v) {
  MapIter it;
  Val k, x;
  ValVec kvs = {0};
  bool changed = is_type(v, T_RECORD);
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    TRY(pk, plain_in(k));
    TRY(px, plain_in(x));
    changed |= !same(pk, k) || !same(px, x);
    vv_push(&kvs, pk);
    vv_push(&kvs, px);
  }
  if (!changed) return v;
  TRY(m, is_type(v, T_AMAP) ? amap_from(kvs.a, kvs.n / 2) : map_from(kvs.a, kvs.n / 2, false));
  if (is_type(v, T_SMAP)) { /* records are seldom keys of one: it keeps its order */
    TRY(sorted, coll_empty(v));
    for (size_t i = 0; i < kvs.n; i += 2) {
      TRY(more, map_assoc(sorted, kvs.a[i], kvs.a[i + 1]));
      sorted = more;
    }
    m = sorted;
  }
  return with_meta(m, meta_of(v));
}

static Val plain_items(Val v) {
  SeqIter it;
  Val x;
  ValVec xs = {0};
  bool changed = false;
  CHECK(seq_iter(&it, v));
  for (;;) {
    Val more = seq_iter_next(&it, &x);
    if (same(more, SIG_DEMAND)) return v; /* whoever asked has it realised, and asks again */
    if (is_sig(more)) return more;
    if (!truthy(more)) break;
    TRY(p, plain_in(x));
    changed |= !same(p, x);
    vv_push(&xs, p);
  }
  if (!changed) return v;
  TRY(out, is_set(v) ? set_from(xs.a, xs.n, false) : is_vec(v) ? vec_from(xs.a, xs.n) : list_from(xs.a, xs.n));
  return with_meta(out, meta_of(v));
}

static Val plain_in(Val v) {
  if (!is_coll(v) || is_type(v, T_RANGE) || is_type(v, T_REPEAT) || is_type(v, T_STRSEQ)) return v;
  if (is_lazy(v) && !is_nil(AS(Lazy, v)->fn)) return v;
  if (!eq_enter()) return SIG_THROW;
  Val r = is_map(v) ? plain_map(v) : plain_items(v);
  eq_leave();
  return r;
}

Val rec_plain(Val v) { return plain_in(v); }
