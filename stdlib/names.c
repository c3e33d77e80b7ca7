/* names.c - keywords, symbols and what has a name; tagged literals, UUIDs. */
#include "stdlib.h"
#include "args.h"
#include "reader/user.h"
#include "reader/mem.h"
#include "reader/read.h"
#include <sys/random.h>

/* A string argument of the two-argument makers; nil only as a namespace. */
static Val name_part(Val s, bool may_be_nil) {
  if (is_str(s) || (is_nil(s) && may_be_nil)) return NIL;
  return is_nil(s) ? ex_throw(EXC_NULL, "Cannot invoke \"String.hashCode()\" because \"this.name\" is null")
                   : ex_cast(s, "java.lang.String");
}

DOC(keyword, "[name] [ns name]", "The keyword of that name, given as a string, symbol or keyword; nil for anything else.",
    "(keyword \"a\") ;=> :a\n(keyword \"a\" \"b\") ;=> :a/b\n(keyword 1) ;=> nil");
static Val names_keyword(Val x) {
  if (is_kw(x)) return x;
  if (is_sym(x)) return kw_of(AS(Sym, x)->ns, AS(Sym, x)->name);
  return is_str(x) ? kw_parse(str_s(x), str_n(x)) : NIL;
}
static Val names_keyword2(Val ns, Val name) {
  CHECK(name_part(ns, true));
  CHECK(name_part(name, false));
  return kw_of(ns, name);
}

/* Which keywords exist depends on the collector and on other runs: in a flow the answer is journaled. */
DOC(find_keyword, "[name] [ns name]", "The keyword of that name if there is one already, else nil.",
    "(do :a (find-keyword \"a\")) ;=> :a\n(find-keyword \"nobody has named this\") ;=> nil\n(find-keyword 5) ;=> nil");
static Val names_find_keyword2(Val ns, Val name) {
  CHECK(name_part(ns, true));
  CHECK(name_part(name, false));
  return kw_find(ns, name);
}
static Val names_find_keyword(Val x) {
  if (is_kw(x)) return x;
  if (is_sym(x)) return kw_find(AS(Sym, x)->ns, AS(Sym, x)->name);
  if (!is_str(x)) return NIL;
  const char *s = str_s(x), *slash = str_n(x) == 1 ? NULL : memchr(s, '/', str_n(x));
  if (!slash) return kw_find(NIL, x);
  return kw_find(str_new(s, (size_t)(slash - s)), str_new(slash + 1, str_n(x) - (size_t)(slash - s) - 1));
}

DOC(symbol, "[name] [ns name]", "The symbol of that name, given as a string, keyword, symbol or var.",
    "(symbol \"a\") ;=> a\n(symbol \"a\" \"b\") ;=> a/b\n(symbol 5) ;!> argument");
static Val names_symbol(Val x) {
  if (is_sym(x)) return x;
  if (is_str(x)) return sym_parse(str_s(x), str_n(x));
  if (is_kw(x)) return sym_of(AS(Kw, x)->ns, AS(Kw, x)->name);
  if (is_type(x, T_VAR)) return var_name_sym(x);
  return ex_throw(EXC_ILLEGAL_ARG, "no conversion to symbol");
}
static Val names_symbol2(Val ns, Val name) {
  CHECK(name_part(ns, true));
  CHECK(name_part(name, false));
  return sym_of(ns, name);
}

DOC(name, "[x]", "The name of a keyword or symbol without its namespace; a string as it is.", "(name :a/b) ;=> \"b\"\n(name 1) ;!> type");
static Val names_name(Val x) {
  if (is_str(x)) return x;
  if (is_kw(x)) return AS(Kw, x)->name;
  if (is_sym(x)) return AS(Sym, x)->name;
  Val own = is_user(x) ? user_invoke(x, UM_GET_NAME, NULL, 0) : ABSENT;
  return same(own, ABSENT) ? ex_cast(x, "clojure.lang.Named") : own;
}

DOC(namespace, "[x]", "The namespace of a keyword or symbol as a string, or nil.", "(namespace :a/b) ;=> \"a\"\n(namespace :a) ;=> nil");
static Val names_namespace(Val x) {
  if (is_kw(x)) return AS(Kw, x)->ns;
  if (is_sym(x)) return AS(Sym, x)->ns;
  Val own = is_user(x) ? user_invoke(x, UM_GET_NAMESPACE, NULL, 0) : ABSENT;
  if (!same(own, ABSENT)) return own;
  return is_nil(x) ? arg_null("clojure.lang.Named.getNamespace()", "x") : ex_cast(x, "clojure.lang.Named");
}

/* ---- tagged literals ---- */

DOC(tagged_literal, "[tag form]", "A tagged literal, which has the keys :tag and :form.", "(:tag (tagged-literal 'foo 1)) ;=> foo");
static Val names_tagged_literal(Val tag, Val form) {
  if (!is_sym(tag)) return ex_cast(tag, "clojure.lang.Symbol");
  Tagged *t = mem_obj(T_TAGGED);
  t->tag = tag;
  t->form = form;
  return from_obj(t);
}

/* ---- UUIDs ---- */

static Val uuid_new(uint64_t hi, uint64_t lo) {
  Uuid *u = mem_obj(T_UUID);
  u->hi = hi;
  u->lo = lo;
  return from_obj(u);
}

DOC(parse_uuid, "[s]", "The UUID that the string says, nil if it says none.", "(parse-uuid \"nope\") ;=> nil\n(parse-uuid nil) ;!> null");
static Val names_parse_uuid(Val s) {
  CHECK(arg_str(s, "String.length()", "name"));
  TRY(u, uuid_parse(s));
  return same(u, ABSENT) ? NIL : u;
}

DOC(uuid_from, "[s]", "The UUID that the string says; an error if it says none.", "(java.util.UUID/fromString \"nope\") ;!> argument");
static Val names_uuid_from(Val s) {
  TRY(u, names_parse_uuid(s));
  return is_nil(u) ? ex_throw(EXC_ILLEGAL_ARG, "Invalid UUID string: %s", str_s(s)) : u;
}

DOC(random_uuid, "[]", "A random UUID (version 4).", "(uuid? (random-uuid)) ;=> true");
static Val names_random_uuid(void) {
  uint64_t r[2];
  while (!stdlib_random(r, 2) && getrandom(r, sizeof r, 0) != (ssize_t)sizeof r) continue;
  r[0] = (r[0] & ~(uint64_t)0xf000) | 0x4000;
  r[1] = (r[1] & ~((uint64_t)3 << 62)) | ((uint64_t)2 << 62);
  return uuid_new(r[0], r[1]);
}

DOC(new_uuid, "[high low]", "A UUID of two longs.", "(java.util.UUID. 0 1) ;=> #uuid \"00000000-0000-0000-0000-000000000001\"");
static Val names_new_uuid(Val hi, Val lo) {
  CHECK(arg_num(hi));
  CHECK(arg_num(lo));
  TRY(h, num_to_long_checked(hi));
  TRY(l, num_to_long_checked(lo));
  return uuid_new((uint64_t)long_of(h), (uint64_t)long_of(l));
}

const BuiltinRow rows_names[] = {
    ROW1("keyword", names_keyword, keyword, B_PURE),
    ROW2("keyword", names_keyword2, keyword, B_PURE),
    ROW1("find-keyword", names_find_keyword, find_keyword, B_NONDET),
    ROW2("find-keyword", names_find_keyword2, find_keyword, B_NONDET),
    ROW1("symbol", names_symbol, symbol, B_PURE),
    ROW2("symbol", names_symbol2, symbol, B_PURE),
    ROW1("name", names_name, name, B_PURE),
    ROW1("namespace", names_namespace, namespace, B_PURE),
    ROW2("tagged-literal", names_tagged_literal, tagged_literal, B_PURE),
    ROW1("parse-uuid", names_parse_uuid, parse_uuid, B_PURE),
    ROW0("random-uuid", names_random_uuid, random_uuid, B_NONDET),
    ROW1("java.util.UUID/fromString", names_uuid_from, uuid_from, B_PURE),
    ROW1("UUID/fromString", names_uuid_from, uuid_from, B_PURE),
    ROW0("java.util.UUID/randomUUID", names_random_uuid, random_uuid, B_NONDET),
    ROW0("UUID/randomUUID", names_random_uuid, random_uuid, B_NONDET),
    ROW2("UUID.", names_new_uuid, new_uuid, B_PURE),
    ROW_END,
};
