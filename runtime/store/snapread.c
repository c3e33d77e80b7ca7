/* snapread.c - reading snapshots. Nothing in the bytes is trusted: lengths, indices, types and the shape of trees are
 * checked before anything uses them. */
#include "snapshot.h"
#include "snapconst.h"
#include "snapfmt.h"
#include "snapcheck.h"
#include "eval/frame.h"
#include "eval/unit.h"
#include "store_record.h"
#include <stdlib.h>
#include <zstd.h>

typedef struct In {
  const uint8_t *p, *end;
  uint8_t version;
  bool bad;
  const char *why;
  Env *env;
  bool machine;
  Unit **units;
  uint32_t nunits;
  Val *texts; /* T_STR */
  uint32_t ntexts;
  Val *objs;
  uint32_t nobjs;
  bool named; /* the object just made is a function of the core: it has no contents here */
} In;

static uint64_t damaged(In *in, const char *why) {
  if (!in->bad) in->why = why;
  in->bad = true;
  in->p = in->end;
  return 0;
}

static uint64_t get_u(In *in) {
  uint64_t x = 0;
  for (unsigned shift = 0; in->p < in->end && shift < 64; shift += 7) {
    uint8_t c = *in->p++;
    x |= (uint64_t)(c & 0x7f) << shift;
    if (c < 0x80) return x;
  }
  return damaged(in, "a number is cut off");
}
static int64_t get_i(In *in) {
  uint64_t u = get_u(in);
  return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}
static uint32_t get_u32(In *in) {
  uint64_t u = get_u(in);
  return u > UINT32_MAX ? (uint32_t)damaged(in, "a number is too large") : (uint32_t)u;
}
/* A count of things of at least `each` bytes that are still to come. */
static uint32_t get_count(In *in, size_t each) {
  uint64_t n = get_u(in);
  return n > (uint64_t)(in->end - in->p) / each ? (uint32_t)damaged(in, "a count is too large") : (uint32_t)n;
}
static uint8_t get_byte(In *in) { return in->p < in->end ? *in->p++ : (uint8_t)damaged(in, "cut off"); }
static const void *get_bytes(In *in, size_t n) {
  if ((size_t)(in->end - in->p) < n) {
    damaged(in, "bytes are cut off");
    return NULL;
  }
  const void *p = in->p;
  in->p += n;
  return p;
}

static Val get_word(In *in) {
  switch (get_byte(in)) {
  case SNAP_NIL: return NIL;
  case SNAP_FIX: {
    int64_t i = get_i(in);
    return fits_fix(i) ? fix(i) : (Val){damaged(in, "integer out of range")};
  }
  case SNAP_FLO: {
    const void *p = get_bytes(in, 8);
    Val v = NIL;
    if (p) memcpy(&v.w, p, 8);
    return p && is_flo(v) ? v : (Val){damaged(in, "bad double")};
  }
  case SNAP_IMM: {
    uint64_t low = get_byte(in), payload = get_u(in);
    Val v = {payload << 8 | low};
    bool ok = (is_bool(v) && payload < 2) || (is_char(v) && payload < 0x110000) || same(v, ABSENT) || same(v, UNBOUND);
    return ok ? v : (Val){damaged(in, "bad immediate")};
  }
  case SNAP_OBJ: {
    uint64_t i = get_u(in);
    return i < in->nobjs ? in->objs[i] : (Val){damaged(in, "object index out of range")};
  }
  case SNAP_ONE: {
    uint64_t i = get_u(in);
    return i < SNAP_ONES ? snap_one((unsigned)i) : (Val){damaged(in, "no such object")};
  }
  case SNAP_CONST: {
    uint64_t u = get_u(in), i = get_u(in);
    Val v = u < in->nunits ? snap_const_at(in->units[u], i) : ABSENT;
    return same(v, ABSENT) ? (Val){damaged(in, "no such literal")} : v;
  }
  default: return (Val){damaged(in, "bad word")};
  }
}

/* --- tables ----------------------------------------------------------------------------------------------------------------- */
static Val get_text(In *in) {
  uint32_t i = get_u32(in);
  return i < in->ntexts ? in->texts[i] : (damaged(in, "text index out of range"), str_c(""));
}
static Val get_opt_text(In *in) {
  uint32_t i = get_u32(in);
  if (i == 0) return NIL;
  return i - 1 < in->ntexts ? in->texts[i - 1] : (Val){damaged(in, "text index out of range")};
}

static bool get_units(In *in) {
  in->nunits = get_count(in, 16);
  in->units = mem_alloc((in->nunits + 1) * sizeof *in->units);
  for (uint32_t i = 0; i < in->nunits && !in->bad; i++) {
    UnitHash h;
    const void *p = get_bytes(in, 16);
    if (!p) return false;
    memcpy(h.b, p, 16);
    in->units[i] = unit_load(in->env, &h);
    if (!in->units[i]) return false; /* pend.ex says which */
  }
  return !in->bad;
}

static void get_texts(In *in) {
  in->ntexts = get_count(in, 1);
  in->texts = mem_alloc((in->ntexts + 1) * sizeof *in->texts);
  for (uint32_t i = 0; i < in->ntexts && !in->bad; i++) {
    uint32_t n = get_count(in, 1);
    const char *s = get_bytes(in, n);
    if (s && !utf8_valid(s, n)) damaged(in, "text is not UTF-8");
    in->texts[i] = s ? str_new(s, n) : NIL;
  }
}

/* Names that a namespace has from others: [namespace name var-namespace var-name], no var-namespace: excluded. */
static void get_refers(In *in) {
  uint32_t n = get_count(in, 4);
  for (uint32_t i = 0; i < n && !in->bad; i++) {
    Val ns_name = get_text(in), name = get_text(in), from = get_opt_text(in), var_name = get_text(in), var = FALSE_V;
    if (in->bad) return;
    if (!is_nil(from)) var = env_resolve(in->env, sym_of(from, var_name));
    if (is_sig(var) || is_nil(var)) {
      damaged(in, "a referred var does not exist");
      return;
    }
    Ns *ns = AS(Ns, env_make_ns(in->env, sym_of(NIL, ns_name)));
    ns->vars = map_assoc(ns->vars, sym_of(NIL, name), var);
  }
}

/* Namespaces with their aliases and the vars of the run, for the units that name them. */
static void get_names(In *in) {
  uint32_t n = get_count(in, 2);
  for (uint32_t i = 0; i < n && !in->bad; i++) {
    Val name = get_text(in);
    uint32_t pairs = get_count(in, 2);
    Val ns = in->bad ? NIL : env_make_ns(in->env, sym_of(NIL, name));
    for (uint32_t k = 0; k < pairs && !in->bad; k++) {
      Val alias = get_text(in), full = get_text(in);
      if (!in->bad) AS(Ns, ns)->aliases = map_assoc(AS(Ns, ns)->aliases, sym_of(NIL, alias), sym_of(NIL, full));
    }
  }
  n = get_count(in, 3);
  for (uint32_t i = 0; i < n && !in->bad; i++) {
    uint8_t flags = get_byte(in);
    Val ns = get_opt_text(in), name = get_text(in);
    if (is_nil(ns)) damaged(in, "bad var name");
    if (!in->bad) obj(env_intern(in->env, sym_of(NIL, ns), sym_of(NIL, name)))->flags = flags | VAR_RUN;
  }
  if (in->version >= 2) get_refers(in);
}

/* --- shapes: objects are made here, their contents come later ------------------------------------------------------------------- */
static Val shape_fn(In *in) {
  uint32_t u = get_u32(in);
  if (u == 0) {
    in->named = true;
    Val name = get_text(in);
    const char *full = str_s(name), *slash = str_n(name) ? strchr(full + 1, '/') : NULL;
    if (!slash) return (Val){damaged(in, "bad function name")};
    Val var = env_resolve(env_core(), sym_of(str_new(full, (size_t)(slash - full)), str_c(slash + 1)));
    return is_type(var, T_VAR) ? AS(Var, var)->root : (Val){damaged(in, "a core function is not in this version")};
  }
  uint32_t id = get_u32(in), caps = get_count(in, 1);
  if (u - 1 >= in->nunits) return (Val){damaged(in, "unit index out of range")};
  const Unit *unit = in->units[u - 1];
  const FnCode *code = id == UINT32_MAX ? unit->fn : NULL;
  if (!code) {
    const Node *n = unit_node(unit, id);
    if (!n || n->kind != NK_FN) return (Val){damaged(in, "no function at that node")};
    code = n->p;
  }
  if (code->ncaps != caps) return (Val){damaged(in, "wrong number of captured values")};
  Fn *f = mem_obj_n(T_FN, caps);
  f->code = code;
  return from_obj(f);
}

static Val shape_var(In *in) {
  uint8_t flags = get_byte(in);
  Val ns = get_opt_text(in), name = get_text(in);
  if (in->bad || is_nil(ns)) return (Val){damaged(in, "bad var name")};
  if (flags & VAR_RUN) {
    Val v = in->machine ? env_intern(in->env, sym_of(NIL, ns), sym_of(NIL, name)) : from_obj(mem_obj(T_VAR));
    obj(v)->flags = flags;
    return v;
  }
  Val var = env_resolve(env_core(), sym_of(ns, name));
  return is_type(var, T_VAR) ? var : (Val){damaged(in, "a core var is not in this version")};
}

/* In a machine the namespaces and vars are those that its units were analyzed with. */
static Val shape_ns(In *in) {
  Val name = get_text(in);
  if (in->bad) return NIL;
  return in->machine ? env_make_ns(in->env, sym_of(NIL, name)) : from_obj(mem_obj(T_NS));
}

static Val shape_class(In *in) {
  uint8_t flags = get_byte(in);
  if (flags) { /* a program defined it */
    Val c = from_obj(mem_obj(T_CLASS));
    obj(c)->flags = flags;
    return c;
  }
  Val name = get_text(in);
  return in->bad ? NIL : class_host(str_s(name));
}

static Val shape_generic(In *in, enum Type t) {
  uint8_t flags = get_byte(in);
  uint32_t aux = get_u32(in);
  Obj *o;
  if (type_info[t].tail == TAIL_NONE) o = mem_obj(t);
  else {
    uint32_t n = get_u32(in);
    if ((uint64_t)n > (uint64_t)(in->end - in->p)) return (Val){damaged(in, "an object is too large")};
    o = mem_obj_n(t, n);
  }
  o->flags = t == T_VEC || t == T_AMAP || t == T_HMAP ? 0 : flags;
  o->aux = (uint16_t)aux;
  return from_obj(o);
}

static Val get_shape(In *in) {
  unsigned t = get_byte(in);
  if (t >= T_COUNT) return (Val){damaged(in, "unknown type")};
  switch (t) {
  case T_KW: {
    Val ns = get_opt_text(in), name = get_text(in);
    return in->bad ? NIL : kw_of(ns, name);
  }
  case T_SYM: {
    Val ns = get_opt_text(in), name = get_text(in);
    bool has_meta = get_byte(in);
    if (in->bad || !has_meta) return in->bad ? NIL : sym_of(ns, name);
    Val s = with_meta(sym_of(ns, name), map_empty); /* an object of its own; the real metadata comes with the contents */
    return s;
  }
  case T_BUILTIN: {
    Val name = get_text(in);
    const Builtin *b = in->bad ? NULL : builtin_find(str_s(name));
    return b ? b->self : (Val){damaged(in, "a builtin is not in this version")};
  }
  case T_VAR: return shape_var(in);
  case T_NS: return shape_ns(in);
  case T_FN: return shape_fn(in);
  case T_CLASS: return shape_class(in);
  default: return shape_generic(in, (enum Type)t);
  }
}

/* --- contents ----------------------------------------------------------------------------------------------------------------------- */
static void get_raw(In *in, Obj *o) {
  const TypeInfo *t = &type_info[o->type];
  uint32_t words[16] = {0};
  if (o->type == T_REGEX) return;
  unsigned n = t->raw / 4u;
  memcpy(words, (char *)o + 8, t->raw);
  for (unsigned i = t->tail != TAIL_NONE; i < n; i++) words[i] = get_u32(in);
  memcpy((char *)o + 8, words, t->raw);
}

static bool has_no_contents(Val v) {
  int t = type_of(v);
  if (t == T_KW || t == T_BUILTIN) return true;
  if (t == T_SYM) return is_nil(AS(Sym, v)->meta);
  if (t == T_CLASS) return !class_is_own(v);
  return t == T_VAR && !(obj(v)->flags & VAR_RUN);
}

static void get_contents(In *in, Val v, bool core_fn) {
  if (has_no_contents(v) || core_fn) return;
  Obj *o = obj(v);
  if (o->type == T_SYM) {
    AS(Sym, v)->meta = get_word(in);
    return;
  }
  if (o->type == T_FN) AS(Fn, v)->serial = get_u32(in);
  else get_raw(in, o);
  size_t n;
  Val *kids = obj_vals(o, &n);
  for (size_t i = 0; i < n && !in->bad; i++) kids[i] = get_word(in);
  if (type_info[o->type].tail == TAIL_BYTES) {
    size_t off = 8u + type_info[o->type].raw + 8u * type_info[o->type].nvals;
    uint32_t len;
    memcpy(&len, (char *)o + 8, 4);
    const void *p = get_bytes(in, len);
    if (p) memcpy((char *)o + off, p, len);
  }
}

/* Transients get fresh owner tokens: the numbers of another process mean nothing here. */
static void revive(Val v) {
  if (is_type(v, T_TVEC) && AS(TVec, v)->edit) {
    AS(TVec, v)->edit = edit_token();
    if (is_type(AS(TVec, v)->tail, T_ARR) && AS(Arr, AS(TVec, v)->tail)->n) AS(Arr, AS(TVec, v)->tail)->edit = AS(TVec, v)->edit;
  }
  if (is_type(v, T_TMAP) && AS(TMap, v)->edit) AS(TMap, v)->edit = edit_token();
}

static void get_objects(In *in) {
  in->nobjs = get_count(in, 1);
  in->objs = mem_alloc((in->nobjs + 1) * sizeof *in->objs);
  uint8_t *core_fn = mem_alloc_atomic(in->nobjs + 1);
  for (uint32_t i = 0; i < in->nobjs && !in->bad; i++) {
    in->named = false;
    in->objs[i] = get_shape(in);
    core_fn[i] = in->named;
  }
  for (uint32_t i = 0; i < in->nobjs && !in->bad; i++) get_contents(in, in->objs[i], core_fn[i]);
  for (uint32_t i = 0; i < in->nobjs && !in->bad; i++) {
    const char *why = snap_check(in->objs[i]);
    if (why) damaged(in, why);
    else revive(in->objs[i]);
  }
}

/* --- container ------------------------------------------------------------------------------------------------------------------------ */
static bool fail(const In *in) {
  ex_throw(EXC_STATE, "the snapshot is damaged: %s", in->why ? in->why : "unreadable");
  return false;
}

/* Checks header and checksum; *body is malloc'ed. */
static bool open_body(In *in, const void *p, size_t n, uint8_t **body) {
  const uint8_t *b = p;
  uint32_t crc;
  if (n < 10 || memcmp(b, "BRS", 3)) return damaged(in, "not a snapshot");
  if (b[3] < SNAP_VERSION_OLDEST || b[3] > SNAP_VERSION) return damaged(in, "written by another version of the format");
  in->version = b[3];
  memcpy(&crc, b + n - 4, 4);
  if (store_record_crc(0, b, n - 4) != crc) return damaged(in, "checksum mismatch");
  in->p = b + 5;
  in->end = b + n - 4;
  uint64_t len = get_u(in);
  if (in->bad || len > SNAP_MAX_BODY) return damaged(in, "too large");
  size_t have = (size_t)(in->end - in->p);
  *body = malloc(len + 1);
  if (!*body) abort();
  if (b[4] & 1) {
    if (ZSTD_decompress(*body, len, in->p, have) != len) return damaged(in, "compressed body is unreadable");
  } else {
    if (have != len) return damaged(in, "length mismatch");
    memcpy(*body, in->p, len);
  }
  in->p = *body;
  in->end = *body + len;
  return true;
}

bool snap_bytes(const void *p, size_t n, Blob *out) {
  In in = {0};
  uint8_t *body = NULL;
  *out = (Blob){0};
  if (!open_body(&in, p, n, &body)) return free(body), false;
  *out = (Blob){(char *)body, (size_t)(in.end - in.p)};
  body[out->n] = 0;
  return true;
}

static bool read_tables(In *in, char kind) {
  if (get_byte(in) != kind) return damaged(in, "wrong kind of snapshot"), fail(in);
  get_texts(in);
  in->machine = kind == 'M';
  if (in->machine && !in->bad) get_names(in);
  if (in->bad) return fail(in);
  if (!get_units(in)) return in->bad ? fail(in) : false;
  get_objects(in);
  return in->bad ? fail(in) : true;
}

Val snap_read_value(Env *env, const void *p, size_t n) {
  In in = {.env = env};
  uint8_t *body = NULL;
  bool ok = open_body(&in, p, n, &body) ? read_tables(&in, 'V') : fail(&in);
  Val v = ok ? get_word(&in) : NIL;
  if (ok && (in.bad || in.p != in.end)) ok = fail(&in);
  free(body);
  return ok ? v : SIG_THROW;
}

/* --- machines -------------------------------------------------------------------------------------------------------------------------- */
/* Dynamic bindings: nil, or a map from vars to the boxes that deref and set! reach into. */
static bool bindings_ok(Val b) {
  MapIter it;
  Val var, cell;
  if (!is_map(b)) return is_nil(b);
  map_iter(&it, b);
  while (map_next(&it, &var, &cell))
    if (!is_type(var, T_VAR) || !is_type(cell, T_VOLATILE)) return false;
  return true;
}

static bool namespaces_ok(Val m) {
  MapIter it;
  Val name, ns;
  if (!is_map(m)) return false;
  map_iter(&it, m);
  while (map_next(&it, &name, &ns))
    if (!is_sym(name) || !is_type(ns, T_NS)) return false;
  return true;
}

static bool node_frame_ok(const Mach *m, const Frame *f, const Node *n) {
  if ((uint64_t)f->base + n->depth > m->nslots_cap) return false;
  if (!is_type(m->slots[f->base], T_FN)) return false;
  const FnCode *code = AS(Fn, m->slots[f->base])->code;
  if (code->unit != n->unit || code->id != n->fn_id) return false;
  if (n->kind == NK_BINDING && f->pc != PC_EVAL && !bindings_ok(m->slots[f->base + n->depth])) return false;
  if (f->pc == PC_EVAL || f->pc == PC_RET) return true;
  if (n->kind == NK_TRY) return f->pc >= PC_TRY_BODY && f->pc <= PC_TRY_RETHROW;
  if (n->kind == NK_BINDING && f->pc == PC_BOUND) return true;
  return f->pc >= 1 && f->pc <= n->nk;
}

static bool native_frame_ok(const Mach *m, const Frame *f, const NativeDef *d) {
  return !(d->how & NF_BINDS) || bindings_ok(m->slots[f->base + 1u + d->fixed + d->variadic]);
}

static void get_frame(In *in, Mach *m) {
  uint32_t u = get_u32(in);
  Frame f = {0};
  if (u == 0) {
    Val name = get_text(in);
    uint32_t version = get_u32(in);
    const NativeDef *d = in->bad ? NULL : native_find(str_s(name));
    if (!d || d->version != version) {
      damaged(in, "a native frame has a layout that this version does not know");
      return;
    }
    f.code = d;
  } else {
    uint32_t id = get_u32(in);
    f.code = u - 1 < in->nunits ? unit_node(in->units[u - 1], id) : NULL;
    if (!f.code) {
      damaged(in, "no such node");
      return;
    }
  }
  f.base = get_u32(in);
  f.pc = (uint16_t)get_u32(in);
  f.flags = (uint16_t)get_u32(in);
  if (((f.flags & FR_NATIVE) != 0) != (u == 0)) damaged(in, "frame kind mismatch");
  frame_push(m, f.code, f.base, f.pc, f.flags);
}

static void get_machine(In *in, Mach *m) {
  Env *e = m->env;
  e->namespaces = get_word(in);
  e->cur_ns = get_word(in);
  m->bindings = get_word(in);
  m->state = get_word(in);
  if (!namespaces_ok(e->namespaces) || !is_type(e->cur_ns, T_NS) || !bindings_ok(m->bindings)) damaged(in, "bad environment");
  e->serial = get_u32(in);
  e->gensym = get_i(in);
  e->sandbox = get_u32(in) != 0;
  m->in_function = get_u32(in);
  uint32_t frames = get_count(in, 4);
  for (uint32_t i = 0; i < frames && !in->bad; i++) get_frame(in, m);
  uint32_t live = get_count(in, 1);
  slots_need(m, live + 64);
  for (uint32_t i = 0; i < live && !in->bad; i++) m->slots[i] = get_word(in);
  m->live = live;
  if (in->bad) return;
  if (frame_live(m) != live) damaged(in, "slots and frames disagree");
  uint32_t top = 0;
  for (uint32_t i = 0; i < m->nframes && !in->bad; i++) {
    const Frame *f = &m->frames[i];
    if (f->base < top || f->base >= live) damaged(in, "frame base out of order");
    else if (!(f->flags & FR_NATIVE ? native_frame_ok(m, f, f->code) : node_frame_ok(m, f, f->code))) damaged(in, "frame and function disagree");
    top = f->base;
  }
  if (in->p != in->end) damaged(in, "something is left over");
}

/* An activation needs all its slots, not only the live ones. */
static void ensure_activations(Mach *m) {
  for (uint32_t i = 0; i < m->nframes; i++) {
    const Frame *f = &m->frames[i];
    if (f->flags & FR_NATIVE) continue;
    const FnCode *c = AS(Fn, m->slots[f->base])->code;
    for (unsigned a = 0; a < c->narities; a++) slots_need(m, f->base + c->ar[a].nslots);
  }
  if (m->nframes && (m->frames[m->nframes - 1].flags & FR_NATIVE)) slots_need(m, m->live + 64);
}

Mach *snap_read_machine(const void *p, size_t n) {
  Env *env = env_new();
  In in = {.env = env};
  uint8_t *body = NULL;
  Mach *m = mach_new(env);
  bool ok = open_body(&in, p, n, &body) ? read_tables(&in, 'M') : fail(&in);
  if (ok) get_machine(&in, m);
  if (ok && in.bad) ok = fail(&in);
  free(body);
  if (!ok) return NULL;
  ensure_activations(m);
  return m;
}
