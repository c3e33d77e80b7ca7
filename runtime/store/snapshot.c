/* snapshot.c - writing. See snapshot.h for the format. */
#include "snapshot.h"
#include "snapcheck.h"
#include "snapconst.h"
#include "snapfmt.h"
#include "eval/frame.h"
#include "eval/unit.h"
#include "reader/print.h"
#include "reader/record.h"
#include "store_record.h"
#include <stdlib.h>
#include <zstd.h>

/* --- words and numbers ------------------------------------------------------------------------------------------------- */
static inline void put_ch(Buf *b, char c) {
  if (b->n == b->cap) buf_ch(b, c);
  else b->p[b->n++] = c;
}
static inline void put_u(Buf *b, uint64_t x) {
  for (; x >= 0x80; x >>= 7) put_ch(b, (char)(x | 0x80));
  put_ch(b, (char)x);
}
static void put_i(Buf *b, int64_t i) { put_u(b, ((uint64_t)i << 1) ^ (uint64_t)(i >> 63)); }

/* --- writer state ---------------------------------------------------------------------------------------------------------- */
typedef struct Ptrs { void **key; uint32_t *ix; size_t cap, n; } Ptrs; /* address -> index */
typedef struct TextAt { uint32_t hash, off, n, ix; } TextAt;           /* off: in Writer.texts; n: length + 1, 0 = free */
typedef struct TextTable { TextAt *at; size_t cap, n; } TextTable;
enum { START = 64 }; /* what most values need and no more: their tables are on the C stack */
typedef struct Writer {
  Ptrs objs;
  TextTable texts_at;
  ValVec order;      /* objects, in index order */
  Buf texts;
  uint32_t ntexts;
  ValVec work;
  Unit **units;
  uint32_t nunits, cap_units;
  bool data_only;
  bool check;        /* nothing is written: no order is needed */
  bool records;      /* data_only: one was met, they are to be made plain maps */
  bool machine;      /* literals of the code are written by number */
  Val ones[SNAP_ONES];
  void *keys0[START];
  uint32_t ixs0[START];
  TextAt texts0[START];
  Val order0[START / 2], work0[START / 2];
} Writer;

static void writer_init(Writer *w) {
  memset(w, 0, offsetof(Writer, order0));
  for (unsigned i = 0; i < SNAP_ONES; i++) w->ones[i] = snap_one(i);
  w->objs = (Ptrs){w->keys0, w->ixs0, START, 0};
  w->texts_at = (TextTable){w->texts0, START, 0};
  w->order = (ValVec){w->order0, 0, START / 2};
  w->work = (ValVec){w->work0, 0, START / 2};
}

/* Buffers of the value before serve the next: most values are written into memory that is there. A write within a write has its own. */
enum { SCRATCH_TEXTS, SCRATCH_SHAPES, SCRATCH_CONTENTS, SCRATCH_BODY, SCRATCHES };
#define SCRATCH_KEEP (64u << 10)
static _Thread_local Buf scratch[SCRATCHES];

static Buf scratch_take(int which) {
  Buf b = scratch[which];
  scratch[which] = (Buf){0};
  b.n = 0;
  return b;
}

static void scratch_give(int which, Buf *b) {
  if (b->cap > SCRATCH_KEEP || scratch[which].p) buf_free(b);
  else scratch[which] = *b;
  *b = (Buf){0};
}

static _Thread_local Unit **last_units;
static _Thread_local size_t last_nunits;
size_t snap_units(Unit ***units) {
  *units = last_units;
  return last_nunits;
}

static uint32_t *ptrs_at(Ptrs *t, const void *key, bool *fresh) {
  if (t->n * 2 >= t->cap) {
    Ptrs big = {.cap = t->cap ? t->cap * 2 : 64};
    big.key = mem_alloc(big.cap * sizeof(void *));
    big.ix = mem_alloc_atomic(big.cap * sizeof(uint32_t));
    for (size_t i = 0; i < t->cap; i++)
      if (t->key[i]) {
        bool f;
        *ptrs_at(&big, t->key[i], &f) = t->ix[i];
      }
    *t = big;
  }
  size_t i = ((uintptr_t)key >> 3) * 0x9e3779b97f4a7c15u >> 32 & (t->cap - 1);
  while (t->key[i] && t->key[i] != key) i = (i + 1) & (t->cap - 1);
  *fresh = !t->key[i];
  if (*fresh) {
    t->key[i] = (void *)(uintptr_t)key;
    t->n++;
  }
  return &t->ix[i];
}

static TextAt *text_slot(const TextTable *t, const char *texts, uint32_t hash, const char *s, size_t n) {
  for (size_t i = hash & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
    TextAt *e = &t->at[i];
    if (!e->n || (e->hash == hash && e->n == n + 1 && !memcmp(texts + e->off, s, n))) return e;
  }
}

static void texts_grow(TextTable *t) {
  TextTable big = {mem_alloc_atomic(2 * t->cap * sizeof(TextAt)), 2 * t->cap, t->n};
  memset(big.at, 0, big.cap * sizeof(TextAt));
  for (size_t i = 0; i < t->cap; i++) {
    size_t j = t->at[i].hash & (big.cap - 1);
    while (t->at[i].n && big.at[j].n) j = (j + 1) & (big.cap - 1);
    if (t->at[i].n) big.at[j] = t->at[i];
  }
  *t = big;
}

static uint32_t text_ix(Writer *w, const char *s, size_t n) {
  uint32_t hash = 0x811c9dc5u;
  for (size_t i = 0; i < n; i++) hash = (hash ^ (uint8_t)s[i]) * 0x01000193u;
  if (w->texts_at.n * 2 >= w->texts_at.cap) texts_grow(&w->texts_at);
  TextAt *e = text_slot(&w->texts_at, w->texts.p, hash, s, n);
  if (!e->n) {
    put_u(&w->texts, n);
    *e = (TextAt){hash, (uint32_t)w->texts.n, (uint32_t)n + 1, w->ntexts++};
    w->texts_at.n++;
    buf_add(&w->texts, s, n);
  }
  return e->ix;
}
static uint32_t text_of(Writer *w, Val str) { return text_ix(w, str_s(str), str_n(str)); }

static uint32_t unit_ix(Writer *w, Unit *u) {
  for (uint32_t i = 0; i < w->nunits; i++)
    if (w->units[i] == u || !memcmp(&w->units[i]->hash, &u->hash, sizeof u->hash)) return i;
  if (w->nunits == w->cap_units) {
    w->cap_units = w->cap_units ? w->cap_units * 2 : 8;
    Unit **grown = mem_alloc(w->cap_units * sizeof *grown);
    if (w->nunits) memcpy(grown, w->units, w->nunits * sizeof *grown);
    w->units = grown;
  }
  w->units[w->nunits] = u;
  return w->nunits++;
}

static int one_ix(const Writer *w, Val v) {
  for (unsigned i = 0; i < SNAP_ONES; i++)
    if (same(w->ones[i], v)) return (int)i;
  return -1;
}

static void put_word(Writer *w, Buf *b, Val v) {
  Unit *u;
  uint32_t number;
  if (is_nil(v)) put_ch(b, SNAP_NIL);
  else if (is_fix(v)) put_ch(b, SNAP_FIX), put_i(b, fix_of(v));
  else if (is_flo(v)) put_ch(b, SNAP_FLO), buf_add(b, (const char *)&v.w, 8);
  else if (is_imm(v)) put_ch(b, SNAP_IMM), put_ch(b, (char)(v.w & 0xff)), put_u(b, v.w >> 8);
  else if (one_ix(w, v) >= 0) put_ch(b, SNAP_ONE), put_u(b, (uint64_t)one_ix(w, v));
  else if (w->machine && (u = snap_const_of(v, &number))) put_ch(b, SNAP_CONST), put_u(b, unit_ix(w, u)), put_u(b, number);
  else {
    bool fresh;
    put_ch(b, SNAP_OBJ);
    put_u(b, *ptrs_at(&w->objs, obj(v), &fresh));
  }
}

/* --- which objects are written as text ----------------------------------------------------------------------------------------- */
/* A function of the core table: written by name, so that its identity survives. */
static bool core_function(Val v, Val *name) {
  const Fn *f = AS(Fn, v);
  if (f->n || !f->code->unit->core_unit) return false;
  const char *full = str_s(f->code->name), *slash = strchr(full + 1, '/');
  if (!slash) return false;
  Val var = env_resolve(env_core(), sym_of(str_new(full, (size_t)(slash - full)), str_c(slash + 1)));
  if (!is_type(var, T_VAR) || !same(AS(Var, var)->root, v)) return false;
  *name = f->code->name;
  return true;
}

/* Map nodes made by transients have room behind their used part: it is not written. */
static uint32_t mnode_used(const MNode *m) {
  return m->h.aux ? 2 * m->datamap : 2 * (uint32_t)__builtin_popcount(m->datamap) + (uint32_t)__builtin_popcount(m->nodemap);
}

/* Vals an object refers to, in writing order; what is written as text has none. */
static Val *written_kids(Val v, size_t *n) {
  Val name;
  Obj *o = obj(v);
  *n = 0;
  switch (o->type) {
  case T_KW: case T_BUILTIN: return NULL;
  case T_SYM: *n = is_nil(AS(Sym, v)->meta) ? 0 : 1; return &AS(Sym, v)->meta;
  case T_VAR: if (!(o->flags & VAR_RUN)) return NULL; break;
  case T_FN: if (core_function(v, &name)) return NULL; break;
  case T_CLASS: if (!o->flags) return NULL; break;
  case T_METHOD: case T_MULTI: { /* the cache comes last */
    Val *kids = obj_vals(o, n);
    *n -= 1;
    return kids;
  }
  case T_MNODE: obj_vals(o, n); *n = 1 + mnode_used(AS(MNode, v)); return &AS(MNode, v)->unused;
  default: break;
  }
  return obj_vals(o, n);
}

/* --- data only ------------------------------------------------------------------------------------------------------------------ */
static bool is_data(Val v) {
  switch (type_of(v)) {
  case T_FN: case T_BUILTIN: case T_VAR: case T_NS: case T_ATOM: case T_VOLATILE: case T_REDUCED: case T_DELAY: case T_EX:
  case T_MATCHER: case T_TVEC: case T_TMAP: case T_TSET: case T_CLASS: case T_INSTANCE: case T_METHOD: case T_MULTI:
  case T_REF: case T_JARRAY: case T_STREAM: return false;
  case T_REPEAT: return AS(Repeat, v)->cnt >= 0;
  default: return true;
  }
}

/* Path of keys and indices from root to the first thing that is no data. */
static bool find_path(Val v, Val bad, int depth, ValVec *path) {
  if (same(v, bad)) return true;
  if (depth > 200 || !is_ptr(v)) return false;
  if (is_map(v)) {
    MapIter it;
    Val k, x;
    map_iter(&it, v);
    while (map_next(&it, &k, &x)) {
      vv_push(path, k);
      if (find_path(x, bad, depth + 1, path) || find_path(k, bad, depth + 1, path)) return true;
      path->n--;
    }
  } else if (is_vec(v) || is_set(v) || is_seq(v)) {
    ValVec xs = {0};
    if (is_sig(coll_into_array(v, &xs))) return false;
    for (size_t i = 0; i < xs.n; i++) {
      vv_push(path, fix((int64_t)i));
      if (find_path(xs.a[i], bad, depth + 1, path)) return true;
      path->n--;
    }
  }
  return false;
}

static Val not_data(Val root, Val bad) {
  ValVec path = {0};
  find_path(root, bad, 0, &path);
  Val p = vec_from(path.a, path.n);
  Buf b = {0};
  buf_fmt(&b, "a value of class %s cannot be stored", class_name_of(bad));
  if (path.n) {
    Val s = pr_str(p);
    if (is_str(s)) buf_fmt(&b, " (at %s)", str_s(s));
  }
  buf_c(&b, "; only data can be: return plain maps, vectors, strings and numbers");
  Val kv[] = {kw_c("type"), kw_c("not-serializable"), kw_c("path"), p, kw_c("class"), str_c(class_name_of(bad))};
  Val msg = buf_str(&b);
  return ex_throw_val(ex_make(EXC_INFO, msg, map_from(kv, 3, false), NIL));
}

/* A record as data: not its class. The first walk over a value with records only looks for what is lazy or no data. */
static void record_kids(Writer *w, const Record *r) {
  w->records = true;
  vv_push(&w->work, r->meta);
  vv_push(&w->work, r->ext);
  for (uint32_t i = 0; i < r->n; i++) vv_push(&w->work, r->f[i]);
}

/* What has nothing in it; most of what most values are made of. */
static bool is_leaf(Val v) { return is_type(v, T_STR) || is_type(v, T_KW); }

/* --- numbering ------------------------------------------------------------------------------------------------------------------- */
static Val number_from(Writer *w, Val root) {
  vv_push(&w->work, root);
  while (w->work.n) {
    Val v = w->work.a[--w->work.n];
    if (!is_ptr(v)) continue;
    if (w->data_only) {
      if (!is_data(v)) return not_data(root, v);
      if (is_lazy(v) && !is_nil(AS(Lazy, v)->fn)) return demand_deep(root);
    }
    uint32_t number;
    if (one_ix(w, v) >= 0 || (w->machine && snap_const_of(v, &number))) continue;
    bool fresh;
    size_t n;
    if (w->check && is_leaf(v)) continue;
    uint32_t *ix = ptrs_at(&w->objs, obj(v), &fresh);
    if (!fresh) continue;
    *ix = (uint32_t)w->order.n;
    if (!w->check) vv_push(&w->order, v);
    if (w->data_only && is_type(v, T_RECORD)) {
      record_kids(w, AS(Record, v));
      continue;
    }
    Val *kids = written_kids(v, &n);
    for (size_t i = n; i-- > 0;)
      if (is_ptr(kids[i])) vv_push(&w->work, kids[i]);
  }
  return NIL;
}

/* --- objects --------------------------------------------------------------------------------------------------------------------- */
static void put_name(Writer *w, Buf *b, Val ns, Val name) {
  put_u(b, is_nil(ns) ? 0 : text_of(w, ns) + 1u);
  put_u(b, text_of(w, name));
}

static void put_shape(Writer *w, Buf *b, Val v) {
  Obj *o = obj(v);
  const TypeInfo *t = &type_info[o->type];
  Val name;
  put_ch(b, (char)o->type);
  switch (o->type) {
  case T_KW: put_name(w, b, AS(Kw, v)->ns, AS(Kw, v)->name); return;
  case T_SYM:
    put_name(w, b, AS(Sym, v)->ns, AS(Sym, v)->name);
    put_ch(b, !is_nil(AS(Sym, v)->meta));
    return;
  case T_BUILTIN: put_u(b, text_ix(w, AS(BuiltinObj, v)->def->name, strlen(AS(BuiltinObj, v)->def->name))); return;
  case T_VAR:
    put_ch(b, (char)o->flags);
    put_name(w, b, AS(Sym, AS(Var, v)->ns)->name, AS(Sym, AS(Var, v)->name)->name);
    return;
  case T_NS: put_u(b, text_of(w, AS(Sym, AS(Ns, v)->name)->name)); return;
  case T_FN:
    if (core_function(v, &name)) {
      put_u(b, 0);
      put_u(b, text_of(w, name));
      return;
    }
    put_u(b, unit_ix(w, AS(Fn, v)->code->unit) + 1u);
    put_u(b, AS(Fn, v)->code->id);
    put_u(b, AS(Fn, v)->n);
    return;
  case T_CLASS:
    put_ch(b, (char)o->flags);
    if (!o->flags) put_u(b, text_of(w, AS(Sym, AS(Class, v)->name)->name));
    return;
  default:
    put_ch(b, is_type(v, T_VEC) || is_type(v, T_AMAP) || is_type(v, T_HMAP) ? 0 : (char)o->flags); /* COLL_OWNED is not kept */
    put_u(b, o->aux);
    if (t->tail != TAIL_NONE) {
      uint32_t n;
      memcpy(&n, (const char *)o + 8, 4);
      put_u(b, o->type == T_MNODE ? mnode_used(AS(MNode, v)) : n);
    }
  }
}

/* The plain part, 32 bits at a time; counts that the shape has, owner tokens and caches are left out. */
static void put_raw(Buf *b, Obj *o) {
  const TypeInfo *t = &type_info[o->type];
  uint32_t words[16];
  unsigned n = t->raw / 4u;
  memcpy(words, (const char *)o + 8, t->raw);
  if (o->type == T_ARR) words[1] = 0;
  if (o->type == T_MNODE) words[3] = 0;
  if (o->type == T_TVEC) words[2] = words[2] != 0;
  if (o->type == T_TMAP) words[0] = words[0] != 0;
  if (o->type == T_REGEX) return;
  for (unsigned i = t->tail != TAIL_NONE; i < n; i++) put_u(b, words[i]);
}

static void put_contents(Writer *w, Buf *b, Val v) {
  Obj *o = obj(v);
  size_t n;
  if (o->type == T_FN) {
    Val name;
    if (core_function(v, &name)) return;
    put_u(b, AS(Fn, v)->serial);
  } else if (o->type != T_KW && o->type != T_SYM && o->type != T_BUILTIN && !(o->type == T_VAR && !(o->flags & VAR_RUN))) {
    put_raw(b, o);
  }
  Val *kids = written_kids(v, &n);
  for (size_t i = 0; i < n; i++) put_word(w, b, kids[i]);
  if (o->type == T_METHOD || o->type == T_MULTI) put_word(w, b, NIL);
  if (type_info[o->type].tail == TAIL_BYTES) {
    size_t off = 8u + type_info[o->type].raw + 8u * type_info[o->type].nvals;
    uint32_t len;
    memcpy(&len, (const char *)o + 8, 4);
    buf_add(b, (const char *)o + off, len);
  }
}

/* --- files ------------------------------------------------------------------------------------------------------------------------ */
#define COMPRESS_OVER 1024
static _Thread_local size_t last_size;
size_t snap_last_size(void) { return last_size; }

static void finish(Buf *out, Buf *body) {
  size_t start = out->n;
  last_size = body->n;
  bool packed = body->n > COMPRESS_OVER;
  buf_add(out, "BRS", 3);
  put_ch(out, SNAP_VERSION);
  put_ch(out, packed ? 1 : 0);
  put_u(out, body->n);
  if (packed) {
    size_t cap = ZSTD_compressBound(body->n);
    char *z = malloc(cap);
    if (!z) abort();
    size_t n = ZSTD_compress(z, cap, body->p, body->n, 1);
    if (ZSTD_isError(n)) abort();
    buf_add(out, z, n);
    free(z);
  } else {
    buf_add(out, body->p, body->n);
  }
  uint32_t crc = store_record_crc(0, out->p + start, out->n - start);
  buf_add(out, (const char *)&crc, 4);
  scratch_give(SCRATCH_BODY, body);
}

static void put_aliases(Writer *w, Buf *b, Val ns) {
  Val aliases = AS(Ns, ns)->aliases, k, x;
  MapIter it;
  put_u(b, text_of(w, AS(Sym, AS(Ns, ns)->name)->name));
  put_u(b, map_count(aliases));
  map_iter(&it, aliases);
  while (map_next(&it, &k, &x)) {
    put_u(b, text_of(w, AS(Sym, k)->name));
    put_u(b, text_of(w, AS(Sym, x)->name));
  }
}

static uint32_t put_refers(Writer *w, Buf *b, Val ns) {
  const Ns *n = AS(Ns, ns);
  uint32_t count = 0;
  MapIter it;
  Val k, v;
  map_iter(&it, n->vars);
  while (map_next(&it, &k, &v)) {
    bool var = is_type(v, T_VAR);
    if (var && sym_eq(AS(Var, v)->ns, n->name) && sym_eq(AS(Var, v)->name, k)) continue;
    put_u(b, text_of(w, AS(Sym, n->name)->name));
    put_u(b, text_of(w, AS(Sym, k)->name));
    put_name(w, b, var ? AS(Sym, AS(Var, v)->ns)->name : NIL, var ? AS(Sym, AS(Var, v)->name)->name : AS(Sym, k)->name);
    count++;
  }
  return count;
}

/* What code may name: units that have vars of the run are analyzed again when a machine is read, before its objects. */
static void put_names(Writer *w, Buf *b) {
  uint32_t nns = 0, nvars = 0, nrefers = 0;
  Buf ns = {0}, vars = {0}, refers = {0};
  for (size_t i = 0; i < w->order.n; i++) {
    Val v = w->order.a[i];
    if (is_type(v, T_NS)) nns++, put_aliases(w, &ns, v), nrefers += put_refers(w, &refers, v);
    else if (is_type(v, T_VAR) && obj(v)->flags & VAR_RUN) {
      nvars++;
      put_ch(&vars, (char)obj(v)->flags);
      put_name(w, &vars, AS(Sym, AS(Var, v)->ns)->name, AS(Sym, AS(Var, v)->name)->name);
    }
  }
  put_u(b, nns);
  buf_add(b, ns.p ? ns.p : "", ns.n);
  put_u(b, nvars);
  buf_add(b, vars.p ? vars.p : "", vars.n);
  put_u(b, nrefers);
  buf_add(b, refers.p ? refers.p : "", refers.n);
  buf_free(&ns);
  buf_free(&vars);
  buf_free(&refers);
}

static void put_tables(Writer *w, Buf *body, char kind) {
  Buf shapes = scratch_take(SCRATCH_SHAPES), contents = scratch_take(SCRATCH_CONTENTS), names = {0};
  for (size_t i = 0; i < w->order.n; i++) put_shape(w, &shapes, w->order.a[i]);
  for (size_t i = 0; i < w->order.n; i++) put_contents(w, &contents, w->order.a[i]);
  if (w->machine) put_names(w, &names);
  put_ch(body, kind);
  put_u(body, w->ntexts);
  buf_add(body, w->texts.p ? w->texts.p : "", w->texts.n);
  buf_add(body, names.p ? names.p : "", names.n);
  put_u(body, w->nunits);
  for (uint32_t i = 0; i < w->nunits; i++) buf_add(body, (const char *)w->units[i]->hash.b, 16);
  put_u(body, w->order.n);
  buf_add(body, shapes.p ? shapes.p : "", shapes.n);
  buf_add(body, contents.p ? contents.p : "", contents.n);
  scratch_give(SCRATCH_SHAPES, &shapes);
  scratch_give(SCRATCH_CONTENTS, &contents);
  scratch_give(SCRATCH_TEXTS, &w->texts);
  buf_free(&names);
  last_units = w->units;
  last_nunits = w->nunits;
}

static Val write_value(Buf *out, Val v, bool data_only) {
  Writer w;
  writer_init(&w);
  w.data_only = data_only;
  CHECK(number_from(&w, v));
  if (w.records) {
    TRY(plain, rec_plain(v));
    return write_value(out, plain, true);
  }
  Buf body = scratch_take(SCRATCH_BODY);
  w.texts = scratch_take(SCRATCH_TEXTS);
  put_tables(&w, &body, 'V');
  put_word(&w, &body, v);
  finish(out, &body);
  return NIL;
}
Val snap_storable(Val v) {
  Writer w;
  writer_init(&w);
  w.data_only = w.check = true;
  CHECK(number_from(&w, v));
  if (!w.records) return NIL;
  TRY(plain, rec_plain(v));
  return snap_storable(plain);
}
Val snap_data(Buf *out, Val v) { return write_value(out, v, true); }
Val snap_value(Buf *out, Val v) { return write_value(out, v, false); }

static void put_frame(Writer *w, Buf *b, const Frame *f) {
  if (f->flags & FR_NATIVE) {
    const NativeDef *d = f->code;
    put_u(b, 0);
    put_u(b, text_ix(w, d->name, strlen(d->name)));
    put_u(b, d->version);
  } else {
    const Node *n = f->code;
    put_u(b, unit_ix(w, n->unit) + 1u);
    put_u(b, n->id);
  }
  put_u(b, f->base);
  put_u(b, f->pc);
  put_u(b, f->flags);
}

static Val number_machine(Writer *w, const Mach *m, uint32_t live) {
  CHECK(number_from(w, m->env->namespaces));
  CHECK(number_from(w, m->env->cur_ns));
  CHECK(number_from(w, m->bindings));
  CHECK(number_from(w, m->state));
  for (uint32_t i = 0; i < live; i++) CHECK(number_from(w, m->slots[i]));
  return NIL;
}

Val snap_machine(Buf *out, const Mach *m) {
  Writer w;
  writer_init(&w);
  w.machine = true;
  uint32_t live = frame_live(m);
  snap_const_refresh();
  CHECK(number_machine(&w, m, live));
  Buf tail = {0}, body = scratch_take(SCRATCH_BODY);
  w.texts = scratch_take(SCRATCH_TEXTS);
  put_word(&w, &tail, m->env->namespaces);
  put_word(&w, &tail, m->env->cur_ns);
  put_word(&w, &tail, m->bindings);
  put_word(&w, &tail, m->state);
  put_u(&tail, m->env->serial);
  put_i(&tail, m->env->gensym);
  put_u(&tail, m->env->sandbox);
  put_u(&tail, m->in_function);
  put_u(&tail, m->nframes);
  for (uint32_t i = 0; i < m->nframes; i++) put_frame(&w, &tail, &m->frames[i]);
  put_u(&tail, live);
  for (uint32_t i = 0; i < live; i++) put_word(&w, &tail, m->slots[i]);
  put_tables(&w, &body, 'M');
  buf_add(&body, tail.p, tail.n);
  buf_free(&tail);
  finish(out, &body);
  return NIL;
}
