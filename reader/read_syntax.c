/* read_syntax.c - the reader macros: quoting, syntax-quote, metadata, #(), and everything that begins with #. */
#include "read_impl.h"
#include <stdio.h>

/* (sym form) for ' @ and #' */
Val read_wrapped(Reader *r, const char *sym_ns, const char *sym, const char *what) {
  TRY(form, read_form(r, what));
  return list2(sym_new(sym_ns, sym), form);
}

Val read_unquote(Reader *r) {
  if (r->p < r->end && *r->p == '@') {
    r->p++;
    return read_wrapped(r, "clojure.core", "unquote-splicing", "a form after ~@");
  }
  return read_wrapped(r, "clojure.core", "unquote", "a form after ~");
}

static int64_t next_id(Reader *r) {
  static _Thread_local int64_t counter;
  return r->gensym ? r->gensym(r->ctx) : ++counter;
}

/* How a form looks in a message: short, and nil is Java's null. */
static void brief(Val form, char *out, size_t size) {
  PrintOpts o = print_plain;
  o.length = 4, o.level = 3;
  Buf b = {0};
  if (is_nil(form)) buf_c(&b, "null");
  if (!is_nil(form) && is_sig(print_to(&b, form, &o))) buf_c(&b, "?");
  const char *s = buf_cstr(&b);
  size_t n = strnlen(s, size - 1);
  while (n > 0 && n == size - 1 && ((uint8_t)s[n] & 0xc0) == 0x80) n--;
  memcpy(out, s, n);
  out[n] = 0;
  buf_free(&b);
}

/* ---- metadata ---- */

static Val meta_map(Reader *r, const char *at, Val m) {
  Val kv[2] = {NIL, TRUE_V};
  if (is_map(m)) return m;
  if (is_kw(m))
    kv[0] = m;
  else if (is_sym(m) || is_str(m))
    kv[0] = kw_c("tag"), kv[1] = m;
  else
    return read_fail(r, at, EXC_ILLEGAL_ARG, "Metadata must be Symbol,Keyword,String or Map");
  return map_from(kv, 1, false);
}

static bool takes_meta(Val v) { return is_sym(v) || (is_coll(v) && !is_entry(v)); }

/* `m` over what the form already carries; a list's position is that of the ^. */
static Val merge_meta(Val old, Val m) {
  if (!is_map(old)) return m;
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    old = map_assoc(old, k, v);
    if (is_sig(old)) return old;
  }
  return old;
}

Val read_meta(Reader *r, const char *at) {
  int line = 0, col = 0;
  read_note_pos(r, at, &line, &col);
  TRY(raw, read_form(r, "metadata after ^"));
  TRY(m, meta_map(r, at, raw));
  TRY(form, read_form(r, "a form after the metadata"));
  if (!takes_meta(form)) return read_fail(r, at, EXC_ILLEGAL_ARG, "Metadata can only be applied to IMetas");
  if (r->positions && (is_type(form, T_LIST) || is_type(form, T_EMPTY))) {
    Val pos = read_pos_meta(r, line, col);
    m = merge_meta(pos, m); /* what the author wrote wins */
    if (is_sig(m)) return read_located(r, at, m);
  }
  Val all = merge_meta(meta_of(form), m);
  return read_located(r, at, is_sig(all) ? all : with_meta(form, all));
}

/* ---- #() ---- */

static Val arg_symbol(Reader *r, int n) {
  char name[64];
  if (n < 0)
    snprintf(name, sizeof name, "rest__%lld#", (long long)next_id(r));
  else
    snprintf(name, sizeof name, "p%d__%lld#", n, (long long)next_id(r));
  return sym_new(NULL, name);
}

static Val arg_register(Reader *r, int n) {
  Val *slot = n < 0 ? &r->args->rest : &r->args->pos[n];
  if (n > r->args->high) r->args->high = n;
  if (is_nil(*slot)) *slot = arg_symbol(r, n);
  return *slot;
}

/* % %1 %& inside #(); elsewhere an ordinary symbol. */
Val read_arg(Reader *r, const char *at) {
  if (!r->args) {
    r->p = at;
    return read_token(r);
  }
  if (read_at_token_end(r)) return arg_register(r, 1);
  TRY(n, read_form(r, "a number or & after %"));
  int64_t i = 0;
  if (sym_is(n, "&")) return arg_register(r, -1);
  if (!is_num(n) || !num_to_long(n, &i) || i < 1)
    return read_fail(r, at, EXC_STATE, "arg literal must be %%, %%& or %%integer");
  if (i > 20) return read_fail(r, at, EXC_STATE, "Can't specify more than 20 params; %%%lld was used", (long long)i);
  return arg_register(r, (int)i);
}

static Val fn_params(Reader *r, const struct ReadArgs *args) {
  Val xs[23];
  size_t n = 0;
  for (int i = 1; i <= args->high; i++) xs[n++] = is_nil(args->pos[i]) ? arg_symbol(r, i) : args->pos[i];
  if (!is_nil(args->rest)) xs[n++] = sym_c("&"), xs[n++] = args->rest;
  return vec_from(xs, n);
}

static Val read_fn(Reader *r, const char *at) {
  struct ReadArgs args = {.rest = NIL};
  if (r->args) return read_fail(r, at, EXC_STATE, "Nested #()s are not allowed");
  int line = 0, col = 0;
  read_note_pos(r, at, &line, &col);
  r->args = &args;
  TRY(body, read_list(r, r->p - 1));
  r->args = NULL;
  Val f = list3(sym_c("fn*"), fn_params(r, &args), body);
  if (r->positions) AS(List, f)->meta = read_pos_meta(r, line, col);
  return f;
}

/* ---- #_ #' #" ## ---- */

static Val read_discard(Reader *r) {
  CHECK(read_form(r, "a form after #_"));
  return READ_SKIP;
}

static Val read_regex(Reader *r, const char *at) {
  const char *s = r->p, *p = s;
  while (p < r->end && *p != '"') p += *p == '\\' && p + 1 < r->end ? 2 : 1;
  if (p >= r->end) return read_string_eof(r, at + 1, "regex");
  r->p = p + 1;
  return read_located(r, at, regex_new(str_new(s, (size_t)(p - s))));
}

static Val read_symbolic(Reader *r, const char *at) {
  char text[80];
  TRY(v, read_form(r, "Inf, -Inf or NaN after ##"));
  if (sym_is(v, "Inf")) return dbl_val(__builtin_inf());
  if (sym_is(v, "-Inf")) return dbl_val(-__builtin_inf());
  if (sym_is(v, "NaN")) return dbl_val(__builtin_nan(""));
  brief(v, text, sizeof text);
  return read_fail(r, at, EXC_RUNTIME, is_sym(v) ? "Unknown symbolic value: ##%s" : "Invalid token: ##%s", text);
}

/* ---- tagged literals ---- */

static Val read_inst(Val form) {
  if (!is_str(form)) return ex_cast(form, "java.lang.CharSequence");
  return inst_parse(form);
}

static Val read_uuid(Val form) {
  if (!is_str(form)) return ex_throw(EXC_ASSERTION, "Assert failed: (string? form)");
  Val u = uuid_parse(form);
  if (!same(u, ABSENT)) return u;
  if (str_n(form) > 36) return ex_throw(EXC_ILLEGAL_ARG, "UUID string too large");
  return ex_throw(EXC_ILLEGAL_ARG, "Invalid UUID string: %s", str_s(form));
}

static Val tagged_value(Reader *r, Val tag, Val form) {
  bool own = is_map(r->tag_readers) && !same(map_get(r->tag_readers, tag, ABSENT), ABSENT);
  if (!own && sym_is(tag, "inst")) return read_inst(form);
  if (!own && sym_is(tag, "uuid")) return read_uuid(form);
  Val own_value = r->tag_read ? r->tag_read(r->ctx, tag, form) : ABSENT;
  if (!same(own_value, ABSENT)) return own_value;
  char text[120];
  brief(tag, text, sizeof text);
  bool record = !r->edn && is_nil(AS(Sym, tag)->ns) && strchr(text, '.');
  if (record) return ex_throw(EXC_RUNTIME, "Record construction syntax can only be used when *read-eval* == true");
  return ex_throw(EXC_RUNTIME, "No reader function for tag %s", text);
}

static Val read_tagged(Reader *r, const char *at) {
  TRY(tag, read_form(r, "a tag after #"));
  if (!is_sym(tag)) return read_fail(r, at, EXC_RUNTIME, "Reader tag must be a symbol");
  TRY(form, read_form(r, "a form after the tag"));
  if (r->suppress) return form;
  return read_located(r, at, tagged_value(r, tag, form));
}

/* ---- #:ns{} #::{} #::alias{} ---- */

static Val bad_map_ns(Reader *r, const char *at, Val name, bool alias) {
  char text[80];
  brief(name, text, sizeof text);
  return read_fail(r, at, EXC_RUNTIME,
                   alias ? "Unknown auto-resolved namespace alias: %s" : "Namespaced map must specify a valid namespace: %s", text);
}

/* The namespace name (a string) between #: and {. */
static Val map_ns(Reader *r, const char *at) {
  bool autos = r->p < r->end && *r->p == ':';
  int len;
  if (autos && r->edn) return read_fail(r, at, EXC_RUNTIME, "Invalid token: :; EDN has no #::");
  if (autos) r->p++;
  bool space = read_is_space(r->p, r->end, &len);
  if (space) read_skip_space(r);
  bool brace = r->p < r->end && *r->p == '{';
  if (brace && autos) return read_ns_name(r);
  if (brace) return bad_map_ns(r, at, NIL, false);
  if (space) return read_fail(r, at, EXC_RUNTIME, "Namespaced map must specify a namespace");
  TRY(sym, read_form(r, "a namespace after #:"));
  if (!is_sym(sym) || !is_nil(AS(Sym, sym)->ns)) return bad_map_ns(r, at, sym, false);
  if (!autos) return AS(Sym, sym)->name;
  Val full = read_alias(r, sym);
  if (!is_nil(full)) return full;
  return r->suppress ? AS(Sym, sym)->name : bad_map_ns(r, at, sym, true);
}

static Val qualify_key(Val k, Val ns) {
  if (is_kw(k)) {
    Val old = AS(Kw, k)->ns;
    return is_nil(old) ? kw_of(ns, AS(Kw, k)->name) : str_eq_c(old, "_") ? kw_of(NIL, AS(Kw, k)->name) : k;
  }
  if (!is_sym(k)) return k;
  Val old = AS(Sym, k)->ns;
  return is_nil(old) ? sym_of(ns, AS(Sym, k)->name) : str_eq_c(old, "_") ? sym_of(NIL, AS(Sym, k)->name) : k;
}

static Val read_ns_map(Reader *r, const char *at) {
  TRY(ns, map_ns(r, at));
  read_skip_space(r);
  if (r->p >= r->end || *r->p != '{') return read_fail(r, at, EXC_RUNTIME, "Namespaced map must specify a map");
  const char *brace = r->p++;
  size_t base;
  CHECK(read_elems(r, brace, '}', &base));
  size_t n = r->stack.n - base;
  if (n & 1) return read_fail(r, at, EXC_RUNTIME, "Namespaced map literal must contain an even number of forms; it has %zu", n);
  for (size_t i = 0; i < n; i += 2) r->stack.a[base + i] = qualify_key(r->stack.a[base + i], ns);
  Val v = n ? map_from(r->stack.a + base, n / 2, true) : map_empty;
  if (is_sig(v)) return read_distinct(r, brace, '}', base, 2, v);
  r->stack.n = base;
  return v;
}

static Val read_set(Reader *r, const char *at) {
  size_t base;
  CHECK(read_elems(r, at, '}', &base));
  Val v = r->stack.n == base ? set_empty : set_from(r->stack.a + base, r->stack.n - base, true);
  if (is_sig(v)) return read_distinct(r, at + 1, '}', base, 1, v);
  r->stack.n = base;
  return v;
}

/* ---- reader conditionals: features :clj and :default, (:and ..) (:or ..) (:not ..) ---- */

static bool op_is(Val head, const char *name) { return kw_is(head, name) || sym_is(head, name); }

/* 1 yes, 0 no, -1 malformed */
static int feature_holds(Val f) {
  if (is_kw(f)) return kw_is(f, "clj") || kw_is(f, "default");
  if (!is_type(f, T_LIST)) return -1;
  Val head = AS(List, f)->first;
  bool all = op_is(head, "and"), any = op_is(head, "or"), not = op_is(head, "not");
  if ((!all && !any && !not) || (not && AS(List, f)->cnt != 2)) return -1;
  int result = all;
  for (Val l = AS(List, f)->rest; is_type(l, T_LIST); l = AS(List, l)->rest) {
    int h = feature_holds(AS(List, l)->first);
    if (h < 0) return h;
    result = not ? !h : all ? (result && h) : (result || h);
  }
  return result;
}

static Val check_feature(Reader *r, const char *at, Val f, int *holds) {
  *holds = feature_holds(f);
  if (kw_is(f, "else") || kw_is(f, "none")) {
    return read_fail(r, at, EXC_RUNTIME, "Feature name :%s is reserved.", str_s(AS(Kw, f)->name));
  }
  if (*holds >= 0) return NIL;
  char text[80];
  brief(f, text, sizeof text);
  return read_fail(r, at, EXC_RUNTIME, "Feature should be a keyword: %s; or (:and ..), (:or ..), (:not ..) of them", text);
}

/* The body between the parentheses; ABSENT when no branch was taken. */
static Val cond_branches(Reader *r, const char *at) {
  Val taken = ABSENT;
  for (;;) {
    const char *fat = r->p;
    TRY(f, read_any(r, ')'));
    if (same(f, READ_CLOSE)) return taken;
    if (same(f, ABSENT)) return read_eof(r, NULL);
    int holds = 0;
    CHECK(check_feature(r, fat, f, &holds));
    bool take = holds && same(taken, ABSENT);
    r->suppress += !take;
    TRY(form, read_any(r, ')'));
    r->suppress -= !take;
    if (same(form, READ_CLOSE)) return read_fail(r, at, EXC_RUNTIME, "read-cond requires an even number of forms.");
    if (same(form, ABSENT)) return read_eof(r, NULL);
    if (take) taken = form;
  }
}

static Val splice(Reader *r, const char *at, Val form) {
  ValVec items = {0};
  if (!is_sequential(form))
    return read_fail(r, at, EXC_RUNTIME, "Spliced form list in read-cond-splicing must implement java.util.List");
  CHECK(coll_into_array(form, &items));
  CHECK(coll_into_array(r->pending, &items));
  if (items.n) r->pending = list_from(items.a, items.n);
  return READ_SKIP;
}

static Val read_conditional(Reader *r, const char *at) {
  bool splicing = r->p < r->end && *r->p == '@';
  if (r->suppress == 255) return read_fail(r, at, EXC_RUNTIME, "Reader conditionals are nested too deep");
  if (splicing) r->p++;
  read_skip_space(r);
  if (r->p >= r->end) return read_fail_eof(r, r->open ? r->open->at : NULL, "EOF while reading character; expected ( after #?");
  if (*r->p != '(') return read_fail(r, at, EXC_RUNTIME, "read-cond body must be a list");
  if (splicing && r->depth == 0)
    return read_fail(r, at, EXC_RUNTIME, "Reader conditional splicing not allowed at the top level.");
  if (r->depth >= READ_DEPTH) return read_fail(r, at, EXC_RUNTIME, "Forms are nested deeper than %d", READ_DEPTH);
  struct ReadOpen open = {r->p++, ')', r->open};
  r->open = &open;
  r->depth++;
  TRY(form, cond_branches(r, at));
  r->depth--;
  r->open = open.up;
  if (same(form, ABSENT)) return READ_SKIP;
  return splicing ? splice(r, at, form) : form;
}

/* ---- # ---- */

static Val skip_comment(Reader *r) {
  while (r->p < r->end && *r->p != '\n') r->p++;
  return READ_SKIP;
}

static bool is_letter(const char *p) { return ((unsigned)(uint8_t)*p | 32) - 'a' < 26u || (uint8_t)*p >= 0x80; }

static Val dispatch_tag(Reader *r, const char *at) {
  if (!r->edn) return read_tagged(r, at);
  if (is_letter(r->p)) return read_tagged(r, at);
  return read_fail(r, at, EXC_RUNTIME, "No dispatch macro for: %c", *r->p);
}

static Val dispatch_source(Reader *r, const char *at) {
  char c = *r->p++;
  switch (c) {
  case '\'': return read_wrapped(r, NULL, "var", "a symbol after #'");
  case '"': return read_regex(r, at);
  case '(': return read_fn(r, at);
  case '?': return read_conditional(r, at);
  case '!': return skip_comment(r);
  default: return read_fail(r, at, EXC_RUNTIME, "EvalReader not allowed when *read-eval* is false.");
  }
}

/* r->p is behind the #. */
Val read_dispatch(Reader *r, const char *at) {
  if (r->p >= r->end) return read_fail_eof(r, r->open ? r->open->at : NULL, "EOF while reading character");
  char c = *r->p;
  if (!r->edn && c && strchr("'\"(?!=", c)) return dispatch_source(r, at);
  switch (c) {
  case '{': r->p++; return read_set(r, at);
  case '_': r->p++; return read_discard(r);
  case '^': r->p++; return read_meta(r, at);
  case ':': r->p++; return read_ns_map(r, at);
  case '#': r->p++; return read_symbolic(r, at);
  case '<': return read_fail(r, at, EXC_RUNTIME, "Unreadable form");
  default: return dispatch_tag(r, at);
  }
}

/* ---- syntax-quote: as LispReader.SyntaxQuoteReader expands ---- */

#define SQ_BUDGET 100000 /* nodes visited: nested backquotes grow without bound */

typedef struct { Reader *r; const char *at; Val gensyms; int depth, budget; } Sq;

static Val sq_form(Sq *q, Val form);
static Val core_sym(const char *name) { return sym_new("clojure.core", name); }
static Val quoted(Val form) { return list2(sym_c("quote"), form); }

static bool is_special(Val sym) {
  static const char *const names[] = {"def",   "loop*", "recur",    "if",      "case*",  "let*", "letfn*",        "do",
                                      "fn*",   "quote", "var",      ".",       "set!",   "try",  "deftype*",      "reify*",
                                      "throw", "catch", "finally",  "new",     "&",      "monitor-enter",         "monitor-exit",
                                      "import*"};
  if (!is_sym(sym) || !is_nil(AS(Sym, sym)->ns)) return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (str_eq_c(AS(Sym, sym)->name, names[i])) return true;
  return false;
}

/* x# : one generated name per template */
static Val sq_gensym(Sq *q, Val sym) {
  Val known = map_get(q->gensyms, sym, NIL);
  if (!is_nil(known)) return known;
  Val name = AS(Sym, sym)->name;
  Val made = sym_of(NIL, str_fmt("%.*s__%lld__auto__", (int)str_n(name) - 1, str_s(name), (long long)next_id(q->r)));
  TRY(m, map_assoc(q->gensyms, sym, made));
  q->gensyms = m;
  return made;
}

static Val sq_resolve(Sq *q, Val sym) {
  Reader *r = q->r;
  Val ns = AS(Sym, sym)->ns, name = AS(Sym, sym)->name;
  if (!is_nil(ns)) {
    Val full = read_alias(r, sym_of(NIL, ns));
    if (!is_nil(full)) return sym_of(full, name);
    if (!r->resolve || strchr(str_s(ns), '.')) return sym_of(ns, name);
    TRY(cls, r->resolve(r->ctx, sym_of(NIL, ns))); /* Math/abs */
    bool is_class = is_nil(AS(Sym, cls)->ns) && strchr(str_s(AS(Sym, cls)->name), '.');
    return sym_of(is_class ? AS(Sym, cls)->name : ns, name);
  }
  const char *dot = memchr(str_s(name), '.', str_n(name));
  if (dot && dot != str_s(name)) return sym_of(NIL, name); /* a class or namespace name */
  if (r->resolve) return r->resolve(r->ctx, sym_of(NIL, name));
  return sym_of(read_ns_name(r), name);
}

static Val sq_symbol(Sq *q, Val sym) {
  Val name = AS(Sym, sym)->name;
  const char *s = str_s(name);
  size_t n = str_n(name);
  bool plain = is_nil(AS(Sym, sym)->ns);
  if (plain && n > 1 && s[n - 1] == '#') return sq_gensym(q, sym_of(NIL, name));
  if (plain && n > 1 && s[n - 1] == '.' && s[0] != '.') {
    TRY(full, sq_resolve(q, sym_parse(s, n - 1))); /* a class has a dotted name; of anything else the name stays as it is */
    const char *cls = is_nil(AS(Sym, full)->ns) ? str_s(AS(Sym, full)->name) : "";
    return sym_of(NIL, strchr(cls, '.') ? str_fmt("%s.", cls) : name);
  }
  if (plain && s[0] == '.') return sym_of(NIL, name);
  return sq_resolve(q, sym);
}

static bool is_call(Val form, const char *name) {
  if (!is_type(form, T_LIST)) return false;
  Val head = AS(List, form)->first;
  return is_sym(head) && str_eq_c(AS(Sym, head)->name, name) && !is_nil(AS(Sym, head)->ns) &&
         str_eq_c(AS(Sym, head)->ns, "clojure.core");
}

static Val second(Val list) {
  Val rest = AS(List, list)->rest;
  return is_type(rest, T_LIST) ? AS(List, rest)->first : NIL;
}

/* (clojure.core/concat (list a) (list b) spliced ...) under seq */
static Val sq_concat(Sq *q, const Val *xs, size_t n) {
  ValVec out = {0};
  vv_push(&out, core_sym("concat"));
  for (size_t i = 0; i < n; i++) {
    if (is_call(xs[i], "unquote-splicing")) {
      vv_push(&out, second(xs[i]));
      continue;
    }
    Val item = is_call(xs[i], "unquote") ? second(xs[i]) : sq_form(q, xs[i]);
    if (is_sig(item)) return item;
    vv_push(&out, list2(core_sym("list"), item));
  }
  return list2(core_sym("seq"), list_from(out.a, out.n));
}

static Val sq_apply(Sq *q, const char *ctor, const Val *xs, size_t n) {
  TRY(items, sq_concat(q, xs, n));
  return list3(core_sym("apply"), core_sym(ctor), items);
}

static Val sq_map(Sq *q, Val m) {
  ValVec kvs = {0};
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) vv_push(&kvs, k), vv_push(&kvs, v);
  return sq_apply(q, "hash-map", kvs.a, kvs.n);
}

static Val sq_coll(Sq *q, Val form) {
  if (is_map(form)) return sq_map(q, form);
  ValVec xs = {0};
  CHECK(coll_into_array(form, &xs));
  if (is_vec(form)) return sq_apply(q, "vector", xs.a, xs.n);
  if (is_set(form)) return sq_apply(q, "hash-set", xs.a, xs.n);
  if (xs.n == 0) return list_from((Val[]){core_sym("list")}, 1);
  return sq_concat(q, xs.a, xs.n);
}

static Val sq_bare(Sq *q, Val form) {
  if (is_special(form)) return quoted(form);
  if (is_sym(form)) {
    TRY(full, sq_symbol(q, form));
    return quoted(full);
  }
  if (is_call(form, "unquote")) return second(form);
  if (is_call(form, "unquote-splicing")) return ex_throw(EXC_STATE, "splice not in list");
  if (is_coll(form)) return sq_coll(q, form);
  return is_kw(form) || is_num(form) || is_char(form) || is_str(form) ? form : quoted(form);
}

/* Metadata the author wrote is rebuilt at run time; positions are not. */
static Val sq_meta(Sq *q, Val form, Val ret) {
  Val m = takes_meta(form) && !is_call(form, "unquote") ? meta_of(form) : NIL;
  if (!is_map(m)) return ret;
  m = map_dissoc(map_dissoc(m, kw_c("line")), kw_c("column"));
  if (map_count(m) == 0) return ret;
  TRY(sm, sq_form(q, m));
  return list3(core_sym("with-meta"), ret, sm);
}

static Val sq_form(Sq *q, Val form) {
  if (--q->budget < 0 || q->depth >= 2 * READ_DEPTH)
    return ex_throw(EXC_RUNTIME, "Syntax-quote template is too large; nested ` multiply it");
  q->depth++;
  TRY(ret, sq_bare(q, form));
  TRY(full, sq_meta(q, form, ret));
  q->depth--;
  return full;
}

Val read_syntax_quote(Reader *r, const char *at) {
  TRY(form, read_form(r, "a form after `"));
  Sq q = {r, at, map_empty, 0, SQ_BUDGET};
  return read_located(r, at, sq_form(&q, form));
}
