/* print.c - print-method, str and print-throwable of Clojure 1.11.
 *
 * The recursion follows the nesting of the value, guarded at PRINT_DEPTH; along a seq it loops. An unrealised lazy seq
 * stops the printing with a demand for the whole root value, so that the machine realises it once and prints again. */
#include "print.h"
#include "ex.h"
#include "mem.h"
#include "read.h"
#include "user.h"
#include "host.h"
#include <stdio.h>

#define PRINT_DEPTH 2000
#define PRINT_MAX ((size_t)1 << 30)

const PrintOpts print_readably = {.readably = true, .length = -1, .level = -1};
const PrintOpts print_plain = {.length = -1, .level = -1};
void (*print_fn_name)(Buf *b, Val fn);

typedef struct { Buf *b; const PrintOpts *o; Val root; int depth; int64_t level; size_t max; } Printer;

static Val put_val(Printer *p, Val v);

/* ---- appending: the buffer's own functions are calls, this is where most of the time goes ---- */

static inline void put(Buf *b, const char *s, size_t n) {
  if (b->cap - b->n > n) {
    memcpy(b->p + b->n, s, n);
    b->n += n;
  } else
    buf_add(b, s, n);
}
static inline void put_ch(Buf *b, char c) {
  if (b->cap - b->n > 1)
    b->p[b->n++] = c;
  else
    buf_ch(b, c);
}
static inline void put_c(Buf *b, const char *s) { put(b, s, strlen(s)); }
static inline void put_str(Buf *b, Val s) { put(b, str_s(s), str_n(s)); }

/* ---- scalars ---- */

static void put_fix(Buf *b, int64_t i) {
  char s[24], *e = s + sizeof s, *p = e;
  uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
  do *--p = (char)('0' + u % 10);
  while (u /= 10);
  if (i < 0) *--p = '-';
  put(b, p, (size_t)(e - p));
}

static const char str_escape[256] = {['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\', ['\f'] = 'f', ['\b'] = 'b'};

static void put_quoted(Buf *b, Val v) {
  const char *s = str_s(v), *end = s + str_n(v), *run = s;
  put_ch(b, '"');
  for (; s < end; s++) {
    char e = str_escape[(uint8_t)*s];
    if (!e) continue;
    put(b, run, (size_t)(s - run));
    put_ch(b, '\\');
    put_ch(b, e);
    run = s + 1;
  }
  put(b, run, (size_t)(s - run));
  put_ch(b, '"');
}

static void put_char(Buf *b, uint32_t c, bool readably) {
  if (!readably) {
    buf_cp(b, c);
    return;
  }
  put_ch(b, '\\');
  switch (c) {
  case '\n': put_c(b, "newline"); break;
  case '\t': put_c(b, "tab"); break;
  case ' ': put_c(b, "space"); break;
  case '\b': put_c(b, "backspace"); break;
  case '\f': put_c(b, "formfeed"); break;
  case '\r': put_c(b, "return"); break;
  default: buf_cp(b, c);
  }
}

static void put_named(Buf *b, Val ns, Val name) {
  if (!is_nil(ns)) put_str(b, ns), put_ch(b, '/');
  put_str(b, name);
}

static void put_kw(Buf *b, Val k) {
  put_ch(b, ':');
  put_named(b, AS(Kw, k)->ns, AS(Kw, k)->name);
}

/* Between \Q and \E a quote cannot be escaped by a backslash. */
static void put_regex(Buf *b, Val pattern) {
  const char *s = str_s(pattern), *end = s + str_n(pattern);
  bool quoting = false;
  put_c(b, "#\"");
  for (; s < end; s++) {
    if (*s == '\\' && s + 1 < end) {
      put(b, s++, 2);
      quoting = quoting ? *s != 'E' : *s == 'Q';
    } else if (*s == '"')
      put_c(b, quoting ? "\\E\\\"\\Q" : "\\\"");
    else
      put_ch(b, *s);
  }
  put_ch(b, '"');
}

static Val ns_name_of(Val ns) { return is_type(ns, T_NS) ? AS(Ns, ns)->name : ns; }

static void put_symbol_like(Buf *b, Val v) {
  if (is_sym(v))
    put_named(b, AS(Sym, v)->ns, AS(Sym, v)->name);
  else if (is_str(v))
    put_str(b, v);
}

static void put_var(Buf *b, Val v) {
  Var *var = AS(Var, v);
  Val ns = ns_name_of(var->ns);
  put_c(b, "#'");
  if (!is_nil(ns)) put_symbol_like(b, ns), put_ch(b, '/');
  put_symbol_like(b, var->name);
}

static void put_fn(Buf *b, Val v) {
  put_c(b, "#function[");
  if (print_fn_name)
    print_fn_name(b, v);
  else
    put_c(b, "fn");
  put_ch(b, ']');
}

/* ---- collections ---- */

static Val over_size(Printer *p) {
  return ex_throw(EXC_LIMIT, "The printed text is longer than %zu bytes", p->max);
}

/* A lazy seq that is not realised: everything at once, unless *print-length* says that a few cells will do. */
static Val want(Printer *p, int64_t seen) {
  if (p->o->length < 0) return demand_deep(p->root);
  Val lazy = pend.demand;
  int64_t n = p->o->length - seen + 1;
  return demand(lazy, (uint32_t)(n < 1 ? 1 : n > 1000000 ? 1000000 : n));
}

/* One element with the separator before it. *full: *print-length* is reached, "..." was written instead. */
static inline Val put_elem(Printer *p, Val v, int64_t i, bool *full) {
  if (i) put_ch(p->b, ' ');
  if (i == p->o->length) {
    put_c(p->b, "...");
    *full = true;
    return NIL;
  }
  if (p->b->n > p->max) return over_size(p);
  return put_val(p, v);
}

static Val put_vec(Printer *p, Val v) {
  uint32_t n = vec_count(v), len;
  bool full = false;
  for (uint32_t i = 0; i < n && !full;) {
    const Val *run = is_entry(v) ? &AS(Entry, v)->k : vec_run(v, i, &len);
    if (is_entry(v)) len = 2;
    for (uint32_t j = 0; j < len && i < n && !full; j++, i++) CHECK(put_elem(p, run[j], i, &full));
  }
  return NIL;
}

static Val put_seq(Printer *p, Val s) {
  bool full = false;
  for (int64_t i = 0;; i++) {
    if (is_type(s, T_LIST)) { /* the common case without calls */
      CHECK(put_elem(p, AS(List, s)->first, i, &full));
      if (full) return NIL;
      s = AS(List, s)->rest;
      continue;
    }
    if (i > SEQ_WALK_MAX) return ex_throw(EXC_LIMIT, "printing a seq of more than %u elements", SEQ_WALK_MAX);
    Val cell = seq_of(s);
    if (same(cell, SIG_DEMAND)) return want(p, i);
    if (is_sig(cell) || is_nil(cell)) return cell;
    Val x = p->o->length == i ? NIL : seq_first(cell);
    if (same(x, SIG_DEMAND)) return want(p, i);
    if (is_sig(x)) return x;
    CHECK(put_elem(p, x, i, &full));
    if (full) return NIL;
    s = seq_rest(cell);
    if (same(s, SIG_DEMAND)) return want(p, i);
    if (is_sig(s)) return s;
  }
}

static Val put_set(Printer *p, Val s) {
  MapIter it;
  Val k, v;
  bool full = false;
  map_iter(&it, s);
  for (int64_t i = 0; !full && map_next(&it, &k, &v); i++) CHECK(put_elem(p, k, i, &full));
  return NIL;
}

static Val ident_ns(Val k) { return is_kw(k) ? AS(Kw, k)->ns : is_sym(k) ? AS(Sym, k)->ns : NIL; }

Val print_common_ns(Val m) {
  MapIter it;
  Val k, v, ns = NIL;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    Val one = ident_ns(k);
    if (is_nil(one) || (!is_nil(ns) && str_cmp(ns, one) != 0)) return NIL;
    ns = one;
  }
  return ns;
}

static Val put_key(Printer *p, Val k, bool lifted) {
  if (!lifted) return put_val(p, k);
  if (is_kw(k)) put_ch(p->b, ':');
  put_str(p->b, is_kw(k) ? AS(Kw, k)->name : AS(Sym, k)->name);
  return NIL;
}

static Val put_pairs(Printer *p, Val m, bool lifted) {
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  for (int64_t i = 0; map_next(&it, &k, &v); i++) {
    if (i) put(p->b, ", ", 2);
    if (i == p->o->length) {
      put_c(p->b, "...");
      return NIL;
    }
    if (p->b->n > p->max) return over_size(p);
    CHECK(put_key(p, k, lifted));
    put_ch(p->b, ' ');
    CHECK(put_val(p, v));
  }
  return NIL;
}

/* The keys are lifted to the namespace ns unless that is nil. */
static Val put_braces(Printer *p, Val m, Val ns) {
  if (p->level == 0) {
    put_ch(p->b, '#');
    return NIL;
  }
  if (!is_nil(ns)) put_c(p->b, "#:"), put_str(p->b, ns);
  put_ch(p->b, '{');
  p->level--;
  CHECK(put_pairs(p, m, !is_nil(ns)));
  p->level++;
  put_ch(p->b, '}');
  return NIL;
}

static Val put_map(Printer *p, Val m) { return put_braces(p, m, p->o->namespace_maps ? print_common_ns(m) : NIL); }

static Val put_record(Printer *p, Val v) {
  put_ch(p->b, '#');
  put_c(p->b, class_name_of(v));
  return put_braces(p, v, NIL);
}

static Val put_coll(Printer *p, Val v, const char *open, char close, Val (*body)(Printer *, Val)) {
  if (p->level == 0) {
    put_ch(p->b, '#');
    return NIL;
  }
  put_c(p->b, open);
  p->level--;
  CHECK(body(p, v));
  p->level++;
  put_ch(p->b, close);
  return NIL;
}

/* ---- cells, exceptions and other opaque things ---- */

static Val put_state(Printer *p, const char *cls, const char *status, Val val) {
  put_c(p->b, "#object[");
  put_c(p->b, cls);
  put_c(p->b, " {:status :");
  put_c(p->b, status);
  put_c(p->b, ", :val ");
  CHECK(put_val(p, val));
  put_c(p->b, "}]");
  return NIL;
}

/* An instance of the program's own type: its value when it can be dereferenced, the text it gives itself, or the class. */
static Val put_instance(Printer *p, Val v) {
  Val at = user_invoke(v, UM_DEREF, NULL, 0);
  if (is_sig(at)) return at;
  if (!same(at, ABSENT)) return put_state(p, class_name_of(v), "ready", at);
  put_c(p->b, "#object[");
  put_c(p->b, class_name_of(v));
  Val s = user_invoke(v, UM_TO_STRING, NULL, 0);
  if (is_sig(s)) return s;
  if (is_str(s)) put_ch(p->b, ' '), put_quoted(p->b, s);
  put_ch(p->b, ']');
  return NIL;
}

static Val put_delay(Printer *p, Val v) {
  const Delay *d = AS(Delay, v);
  if (!is_nil(d->ex)) return put_state(p, class_name_of(v), "failed", d->ex);
  return is_nil(d->fn) ? put_state(p, class_name_of(v), "ready", d->val) : put_state(p, class_name_of(v), "pending", NIL);
}

static Val put_ref(Printer *p, Val v) {
  const Ref *r = AS(Ref, v);
  if (r->h.aux == REF_FUTURE && !is_nil(r->extra)) return put_state(p, class_name_of(v), "failed", r->extra);
  if (same(r->val, UNBOUND)) return put_state(p, class_name_of(v), "pending", NIL);
  return put_state(p, class_name_of(v), "ready", r->val);
}

static Val put_field(Printer *p, const char *key, Val v) {
  put_c(p->b, key);
  return put_val(p, v);
}

static Val put_via(Printer *p, Val e) {
  const Ex *ex = AS(Ex, e);
  put_c(p->b, "{:type ");
  put_c(p->b, exc_class_name((enum Exc)ex->cls));
  if (!is_nil(ex->msg)) CHECK(put_field(p, ", :message ", ex->msg));
  if (ex->cls == EXC_INFO && !is_nil(ex->data)) CHECK(put_field(p, ", :data ", ex->data));
  put_ch(p->b, '}');
  return NIL;
}

/* As print-throwable, on one line and without a trace: Java's means nothing here. */
static Val put_ex(Printer *p, Val v) {
  Val root = v;
  for (int n = 0; n < PRINT_DEPTH && is_type(AS(Ex, root)->cause, T_EX); n++) root = AS(Ex, root)->cause;
  CHECK(put_field(p, "#error {:cause ", AS(Ex, root)->msg));
  if (AS(Ex, root)->cls == EXC_INFO && !is_nil(AS(Ex, root)->data)) CHECK(put_field(p, ", :data ", AS(Ex, root)->data));
  put_c(p->b, ", :via [");
  for (int n = 0; n < PRINT_DEPTH && is_type(v, T_EX); n++, v = AS(Ex, v)->cause) {
    if (n) put_ch(p->b, ' ');
    CHECK(put_via(p, v));
  }
  put_c(p->b, "]}");
  return NIL;
}

static Val put_tagged(Printer *p, Val v) {
  put_ch(p->b, '#');
  CHECK(put_val(p, AS(Tagged, v)->tag));
  return put_field(p, " ", AS(Tagged, v)->form);
}

static Val put_opaque(Printer *p, Val v) {
  const char *cls = class_name_of(v);
  put_c(p->b, "#object[");
  if (cls && *cls == '[')
    put_ch(p->b, '"'), put_c(p->b, cls), put_ch(p->b, '"');
  else
    put_c(p->b, cls ? cls : "nil");
  if (is_type(v, T_NS)) put_c(p->b, " \""), put_symbol_like(p->b, AS(Ns, v)->name), put_ch(p->b, '"');
  if (is_type(v, T_HOST) || (is_type(v, T_STREAM) && obj(v)->aux <= STREAM_BUILDER)) { /* toString in quotes */
    put_c(p->b, " \"");
    CHECK(print_str_of(p->b, v));
    put_ch(p->b, '"');
  }
  put_ch(p->b, ']');
  return NIL;
}

static void put_inst(Buf *b, Val v) {
  put_c(b, "#inst \"");
  inst_print(b, AS(Inst, v)->ms);
  put_ch(b, '"');
}

static void put_uuid(Buf *b, Val v) {
  put_c(b, "#uuid \"");
  uuid_print(b, AS(Uuid, v));
  put_ch(b, '"');
}

/* ---- the switch ---- */

static Val put_meta(Printer *p, Val v) {
  Val m = meta_of(v);
  if (!is_map(m) || map_count(m) == 0) return NIL;
  Val tag = map_count(m) == 1 ? map_get_kw(m, "tag") : NIL;
  put_ch(p->b, '^');
  CHECK(put_val(p, is_nil(tag) ? m : tag));
  put_ch(p->b, ' ');
  return NIL;
}

static void put_scalar(Printer *p, Val v, bool *done) {
  *done = true;
  if (is_fix(v))
    put_fix(p->b, fix_of(v));
  else if (is_nil(v))
    put(p->b, "nil", 3);
  else if (is_bool(v))
    truthy(v) ? put(p->b, "true", 4) : put(p->b, "false", 5);
  else if (is_char(v))
    put_char(p->b, char_of(v), p->o->readably);
  else if (is_flo(v))
    num_print(p->b, v);
  else if (!is_ptr(v))
    put_c(p->b, "#unbound");
  else
    *done = false;
}

static Val put_obj(Printer *p, Val v) {
  Buf *b = p->b;
  switch (type_of(v)) {
  case T_STR: p->o->readably ? put_quoted(b, v) : put_str(b, v); return NIL;
  case T_KW: put_kw(b, v); return NIL;
  case T_SYM: put_symbol_like(b, v); return NIL;
  case T_LONG: case T_DOUBLE: case T_BIGINT: case T_RATIO: case T_DECIMAL: num_print(b, v); return NIL;
  case T_VEC: case T_ENTRY: return put_coll(p, v, "[", ']', put_vec);
  case T_AMAP: case T_HMAP: case T_SMAP: return put_map(p, v);
  case T_RECORD: return put_record(p, v);
  case T_INSTANCE: return put_instance(p, v);
  case T_SET: case T_SSET: return put_coll(p, v, "#{", '}', put_set);
  case T_EMPTY: case T_LIST: case T_CONS: case T_LAZY: case T_CHUNK: case T_VSEQ: case T_RSEQ: case T_STRSEQ: case T_RANGE:
  case T_MSEQ: case T_REPEAT: return put_coll(p, v, "(", ')', put_seq);
  case T_INST: put_inst(b, v); return NIL;
  case T_UUID: put_uuid(b, v); return NIL;
  case T_REGEX: put_regex(b, AS(Regex, v)->pattern); return NIL;
  case T_FN: case T_BUILTIN: case T_METHOD: put_fn(b, v); return NIL;
  case T_VAR: put_var(b, v); return NIL;
  case T_CLASS: put_symbol_like(b, AS(Class, v)->name); return NIL;
  case T_EX: return put_ex(p, v);
  case T_TAGGED: return put_tagged(p, v);
  case T_ATOM: return put_state(p, class_name_of(v), "ready", AS(Atom, v)->val);
  case T_VOLATILE: case T_REDUCED: return put_state(p, class_name_of(v), "ready", AS(Box, v)->val);
  case T_DELAY: return put_delay(p, v);
  case T_REF: return put_ref(p, v);
  default: return put_opaque(p, v);
  }
}

static Val put_val(Printer *p, Val v) {
  bool done;
  put_scalar(p, v, &done);
  if (done) return NIL;
  if (p->depth >= PRINT_DEPTH) return ex_throw(EXC_STACK, "Value is nested deeper than %d", PRINT_DEPTH);
  p->depth++;
  if (p->o->meta && p->o->readably) CHECK(put_meta(p, v));
  Val r = put_obj(p, v);
  p->depth--;
  return r;
}

/* ---- entry points ---- */

Val print_to(Buf *b, Val v, const PrintOpts *o) {
  Printer p = {.b = b, .o = o, .root = v, .level = o->level, .max = o->max_bytes ? o->max_bytes : PRINT_MAX};
  return put_val(&p, v);
}

/* Throwable.toString: class, message, and for ExceptionInfo its data */
static Val str_ex(Buf *b, Val v) {
  const Ex *ex = AS(Ex, v);
  put_c(b, exc_class_name((enum Exc)ex->cls));
  if (is_str(ex->msg)) put_c(b, ": "), put_str(b, ex->msg);
  if (ex->cls != EXC_INFO || is_nil(ex->data)) return NIL;
  put_ch(b, ' ');
  return print_to(b, ex->data, &print_readably);
}

static Val put_stream(Buf *b, const Stream *s) {
  ValVec parts = {0};
  if (s->h.aux > STREAM_BUILDER) return print_to(b, from_obj(s), &print_readably);
  CHECK(coll_into_array(s->text, &parts));
  for (size_t i = parts.n; i-- > 0;) put_str(b, parts.a[i]);
  return NIL;
}

/* Object.toString: a lazy seq has no text of its own. */
static Val str_lazy(Buf *b, Val v) {
  uint32_t h;
  CHECK(java_hash(v, &h));
  buf_fmt(b, "clojure.lang.LazySeq@%x", h);
  return NIL;
}

/* long, int, void, ...: what Integer/TYPE and its like are. */
static bool is_primitive_class(Val cls) {
  const char *name = str_s(AS(Sym, AS(Class, cls)->name)->name);
  return *name >= 'a' && *name <= 'z' && !strchr(name, '.');
}

Val print_str_of(Buf *b, Val v) {
  if (is_nil(v)) return NIL;
  if (is_char(v)) {
    buf_cp(b, char_of(v));
    return NIL;
  }
  if (is_num(v)) {
    if (is_fix(v))
      put_fix(b, fix_of(v));
    else
      num_str(b, v);
    return NIL;
  }
  switch (type_of(v)) {
  case T_STR: put_str(b, v); return NIL;
  case T_REGEX: put_str(b, AS(Regex, v)->pattern); return NIL;
  case T_UUID: uuid_print(b, AS(Uuid, v)); return NIL;
  case T_HOST: return host_text(b, v);
  case T_INST: inst_str(b, AS(Inst, v)->ms); return NIL;
  case T_CLASS:
    if (!is_primitive_class(v)) put_c(b, obj(v)->aux & CLASS_INTERFACE || obj(v)->flags & CLASS_PROTOCOL ? "interface " : "class ");
    put_symbol_like(b, AS(Class, v)->name);
    return NIL;
  case T_NS: put_symbol_like(b, AS(Ns, v)->name); return NIL;
  case T_LAZY: return str_lazy(b, v);
  case T_STREAM: return put_stream(b, AS(Stream, v));
  case T_EX: return str_ex(b, v);
  case T_RECORD: case T_INSTANCE: return user_text(b, v);
  default: return print_to(b, v, &print_readably);
  }
}

Val pr_str(Val v) {
  Buf b = {0};
  Val r = print_to(&b, v, &print_readably);
  if (!is_sig(r)) return buf_str(&b);
  buf_free(&b);
  return r;
}
