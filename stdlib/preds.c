/* preds.c - predicates of types, and classes: class, type, instance?, cast. */
#include "stdlib.h"
#include "args.h"
#include "reader/host.h"
#include "eval/class.h"

#define PRED(id, expr, doc, example)                                                                                                       \
  DOC(id, "[x]", doc, example);                                                                                                            \
  static Val preds_##id(Val x) { return bool_val(expr); }

static bool has_ns(Val x) {
  if (is_kw(x)) return !is_nil(AS(Kw, x)->ns);
  return is_sym(x) && !is_nil(AS(Sym, x)->ns);
}
static bool is_ident(Val x) { return is_kw(x) || is_sym(x); }
/* An instance of the program's own type is what its class says it implements. */
static bool own(Val x, const char *iface) { return is_type(x, T_INSTANCE) && class_isa(AS(Record, x)->type, class_host(iface)); }
#define OWN(iface) own(x, "clojure.lang." iface)

static bool is_function(Val x) { return is_type(x, T_FN) || is_type(x, T_BUILTIN) || is_type(x, T_METHOD); }
static bool is_list(Val x) { return is_type(x, T_LIST) || is_type(x, T_EMPTY); }
static bool is_sorted(Val x) { return is_type(x, T_SMAP) || is_type(x, T_SSET); }
static bool is_associative(Val x) { return is_map(x) || is_vec(x); }

static bool is_callable(Val x) {
  if (is_user(x)) return class_instance(class_host("clojure.lang.IFn"), x);
  if (is_function(x) || is_type(x, T_MULTI) || is_ident(x) || is_map(x) || is_set(x) || is_vec(x) || is_type(x, T_VAR)) return true;
  if (is_type(x, T_REF)) return obj(x)->aux == REF_PROMISE;
  return is_type(x, T_TVEC) || is_type(x, T_TMAP) || is_type(x, T_TSET);
}

static bool is_counted(Val x) {
  switch (type_of(x)) {
  case T_VEC:
  case T_ENTRY:
  case T_AMAP:
  case T_HMAP:
  case T_SMAP:
  case T_SET:
  case T_SSET:
  case T_LIST:
  case T_EMPTY:
  case T_RANGE:
  case T_VSEQ:
  case T_RSEQ:
  case T_STRSEQ:
  case T_TVEC:
  case T_TMAP:
  case T_TSET:
  case T_RECORD: return true;
  default: return false;
  }
}

static bool is_special_symbol(Val x) {
  static const char *const names[] = {"def", "loop*", "recur",         "if",           "case*", "let*",    "letfn*",   "do",
                                      "fn*", "quote", "var",           "import*",      ".",     "set!",    "deftype*", "reify*",
                                      "try", "throw", "monitor-enter", "monitor-exit", "catch", "finally", "new",      "&"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (sym_is(x, names[i])) return true;
  return false;
}

PRED(is_nil, is_nil(x), "True if x is nil.", "(nil? nil) ;=> true\n(nil? false) ;=> false")
PRED(is_some, !is_nil(x), "True if x is not nil.", "(some? false) ;=> true")
PRED(is_true, same(x, TRUE_V), "True if x is the value true.", "(true? true) ;=> true\n(true? 1) ;=> false")
PRED(is_false, same(x, FALSE_V), "True if x is the value false.", "(false? nil) ;=> false")
PRED(is_any, ((void)x, true), "True, whatever x is.", "(any? nil) ;=> true")
PRED(not, !truthy(x), "True if x is nil or false.", "(not nil) ;=> true\n(not 0) ;=> false")
PRED(boolean, truthy(x), "Coerces to a boolean: false for nil and false, true for anything else.",
     "(boolean nil) ;=> false\n(boolean 0) ;=> true")
PRED(is_boolean, is_bool(x), "True if x is true or false.", "(boolean? false) ;=> true")
PRED(is_string, is_str(x), "True if x is a string.", "(string? \"a\") ;=> true")
PRED(is_char, is_char(x), "True if x is a character.", "(char? \\a) ;=> true")
PRED(is_keyword, is_kw(x), "True if x is a keyword.", "(keyword? :a) ;=> true")
PRED(is_symbol, is_sym(x), "True if x is a symbol.", "(symbol? 'a) ;=> true")
PRED(is_ident, is_ident(x), "True if x is a symbol or a keyword.", "(ident? :a) ;=> true")
PRED(simple_keyword, is_kw(x) && !has_ns(x), "True if x is a keyword without namespace.", "(simple-keyword? :a) ;=> true")
PRED(qualified_keyword, is_kw(x) && has_ns(x), "True if x is a keyword with a namespace.", "(qualified-keyword? :a/b) ;=> true")
PRED(simple_symbol, is_sym(x) && !has_ns(x), "True if x is a symbol without namespace.", "(simple-symbol? 'a) ;=> true")
PRED(qualified_symbol, is_sym(x) && has_ns(x), "True if x is a symbol with a namespace.", "(qualified-symbol? 'a/b) ;=> true")
PRED(simple_ident, is_ident(x) && !has_ns(x), "True if x is a symbol or keyword without namespace.", "(simple-ident? :a) ;=> true")
PRED(qualified_ident, has_ns(x), "True if x is a symbol or keyword with a namespace.", "(qualified-ident? :a/b) ;=> true")
PRED(is_map, is_map(x) || OWN("IPersistentMap"), "True if x is a map.", "(map? {}) ;=> true")
PRED(is_vector, is_vec(x) || OWN("IPersistentVector"), "True if x is a vector.", "(vector? [1]) ;=> true\n(vector? (first {:a 1})) ;=> true")
PRED(is_set, is_set(x) || OWN("IPersistentSet"), "True if x is a set.", "(set? #{}) ;=> true")
PRED(is_seq, is_seq(x) || OWN("ISeq"), "True if x is a seq.", "(seq? '(1)) ;=> true\n(seq? [1]) ;=> false")
PRED(is_list, is_list(x), "True if x is a list.", "(list? '(1)) ;=> true\n(list? (range 3)) ;=> false")
PRED(is_coll, is_coll(x) || OWN("IPersistentCollection"), "True if x is a collection.", "(coll? []) ;=> true\n(coll? \"a\") ;=> false")
PRED(is_sequential, is_sequential(x) || OWN("Sequential"), "True if x is a vector, list or seq.", "(sequential? [1]) ;=> true")
PRED(is_associative, is_associative(x) || OWN("Associative"), "True if x is a map or vector.", "(associative? []) ;=> true\n(associative? #{}) ;=> false")
PRED(is_counted, is_counted(x) || OWN("Counted"), "True if count takes constant time on x.", "(counted? [1]) ;=> true\n(counted? (map inc [1])) ;=> false")
PRED(is_reversible, is_vec(x) || is_sorted(x) || OWN("Reversible"), "True if rseq works on x.", "(reversible? [1]) ;=> true")
PRED(is_indexed, is_vec(x) || is_type(x, T_TVEC) || OWN("Indexed"), "True if nth takes constant time on x.", "(indexed? [1]) ;=> true")
PRED(is_seqable, is_seqable(x) || OWN("Seqable"), "True if seq works on x.", "(seqable? nil) ;=> true\n(seqable? 1) ;=> false")
PRED(is_sorted, is_sorted(x) || OWN("Sorted"), "True if x is a sorted map or set.", "(sorted? (sorted-map)) ;=> true")
PRED(is_ifn, is_callable(x), "True if x can be called: functions, keywords, symbols, maps, sets, vectors.", "(ifn? :a) ;=> true")
PRED(is_fn, is_function(x) || OWN("Fn"), "True if x was made by fn or is a function of the library.", "(fn? inc) ;=> true\n(fn? :a) ;=> false")
PRED(is_uuid, is_type(x, T_UUID), "True if x is a UUID.", "(uuid? (parse-uuid \"00000000-0000-0000-0000-000000000001\")) ;=> true")
PRED(is_inst, is_type(x, T_INST) || (is_type(x, T_HOST) && obj(x)->aux == HOST_INSTANT), "True if x is an instant.", "(inst? #inst \"2026\") ;=> true")
PRED(is_map_entry, is_entry(x), "True if x is a map entry.", "(map-entry? (first {:a 1})) ;=> true\n(map-entry? [1 2]) ;=> false")
PRED(is_delay, is_type(x, T_DELAY), "True if x is a delay.", "(delay? (delay 1)) ;=> true")
PRED(is_volatile, is_type(x, T_VOLATILE), "True if x is a volatile.", "(volatile? (volatile! 1)) ;=> true")
PRED(is_reduced, is_type(x, T_REDUCED), "True if x is the result of reduced.", "(reduced? (reduced 1)) ;=> true")
PRED(is_record, is_type(x, T_RECORD), "True if x is a record.", "(record? {}) ;=> false")
PRED(is_var, is_type(x, T_VAR), "True if x is a var.", "(var? #'inc) ;=> true")
PRED(is_tagged, is_type(x, T_TAGGED), "True if x is a tagged literal.", "(tagged-literal? (tagged-literal 'a 1)) ;=> true")
PRED(is_special, is_special_symbol(x), "True if x names a special form.",
     "(special-symbol? 'if) ;=> true\n(special-symbol? 'when) ;=> false")
PRED(is_uri, ((void)x, false), "True if x is a java.net.URI, of which there are none here.", "(uri? \"http://x\") ;=> false")
PRED(is_bytes, is_type(x, T_BYTES), "True if x is a byte array.", "(bytes? \"a\") ;=> false")
PRED(is_class, is_type(x, T_CLASS), "True if x is a class.", "(class? String) ;=> true")
#undef PRED

DOC(identical, "[x y]", "True if x and y are the very same object.", "(identical? :a :a) ;=> true\n(identical? [] [1]) ;=> false");
static Val preds_identical(Val x, Val y) { return bool_val(val_identical(x, y)); }

/* ---- classes ---- */

DOC(class, "[x]", "The class of x, nil for nil.", "(class \"a\") ;=> java.lang.String\n(class nil) ;=> nil");
static Val preds_class(Val x) { return class_of(x); }

DOC(type, "[x]", "The :type of the metadata of x, or its class.", "(type (with-meta [1] {:type :t})) ;=> :t\n(type 1) ;=> java.lang.Long");
static Val preds_type(Val x) {
  Val t = map_get_kw(meta_of(x), "type");
  return is_nil(t) ? preds_class(x) : t;
}

static Val class_arg(Val c) {
  if (is_type(c, T_CLASS)) return NIL;
  return is_nil(c) ? arg_null("java.lang.Class.isInstance(Object)", "c") : ex_cast(c, "java.lang.Class");
}

DOC(instance, "[c x]", "True if x is an instance of the class c.", "(instance? String \"a\") ;=> true\n(instance? Number :a) ;=> false");
static Val preds_instance(Val c, Val x) {
  CHECK(class_arg(c));
  return bool_val(class_instance(c, x));
}

DOC(cast, "[c x]", "x if it is nil or an instance of the class c, an error otherwise.", "(cast Long 1) ;=> 1\n(cast String 1) ;!> type");
static Val preds_cast(Val c, Val x) {
  CHECK(class_arg(c));
  if (is_nil(x) || class_instance(c, x)) return x;
  return ex_throw(EXC_CLASS_CAST, "Cannot cast %s to %s", class_name_of(x), class_text(c));
}

DOC(get_class, "[x]", "The class of x.", "(.getClass 1) ;=> java.lang.Long\n(.getClass nil) ;!> null");
static Val preds_get_class(Val x) { return is_nil(x) ? arg_null("Object.getClass()", "target") : preds_class(x); }

const BuiltinRow rows_preds[] = {
    ROW1("nil?", preds_is_nil, is_nil, B_PURE),
    ROW1("some?", preds_is_some, is_some, B_PURE),
    ROW1("true?", preds_is_true, is_true, B_PURE),
    ROW1("false?", preds_is_false, is_false, B_PURE),
    ROW1("any?", preds_is_any, is_any, B_PURE),
    ROW1("not", preds_not, not, B_PURE),
    ROW1("boolean", preds_boolean, boolean, B_PURE),
    ROW1("boolean?", preds_is_boolean, is_boolean, B_PURE),
    ROW1("string?", preds_is_string, is_string, B_PURE),
    ROW1("char?", preds_is_char, is_char, B_PURE),
    ROW1("keyword?", preds_is_keyword, is_keyword, B_PURE),
    ROW1("symbol?", preds_is_symbol, is_symbol, B_PURE),
    ROW1("ident?", preds_is_ident, is_ident, B_PURE),
    ROW1("simple-keyword?", preds_simple_keyword, simple_keyword, B_PURE),
    ROW1("qualified-keyword?", preds_qualified_keyword, qualified_keyword, B_PURE),
    ROW1("simple-symbol?", preds_simple_symbol, simple_symbol, B_PURE),
    ROW1("qualified-symbol?", preds_qualified_symbol, qualified_symbol, B_PURE),
    ROW1("simple-ident?", preds_simple_ident, simple_ident, B_PURE),
    ROW1("qualified-ident?", preds_qualified_ident, qualified_ident, B_PURE),
    ROW1("map?", preds_is_map, is_map, B_PURE),
    ROW1("vector?", preds_is_vector, is_vector, B_PURE),
    ROW1("set?", preds_is_set, is_set, B_PURE),
    ROW1("seq?", preds_is_seq, is_seq, B_PURE),
    ROW1("list?", preds_is_list, is_list, B_PURE),
    ROW1("coll?", preds_is_coll, is_coll, B_PURE),
    ROW1("sequential?", preds_is_sequential, is_sequential, B_PURE),
    ROW1("associative?", preds_is_associative, is_associative, B_PURE),
    ROW1("counted?", preds_is_counted, is_counted, B_PURE),
    ROW1("reversible?", preds_is_reversible, is_reversible, B_PURE),
    ROW1("indexed?", preds_is_indexed, is_indexed, B_PURE),
    ROW1("seqable?", preds_is_seqable, is_seqable, B_PURE),
    ROW1("sorted?", preds_is_sorted, is_sorted, B_PURE),
    ROW1("ifn?", preds_is_ifn, is_ifn, B_PURE),
    ROW1("fn?", preds_is_fn, is_fn, B_PURE),
    ROW1("uuid?", preds_is_uuid, is_uuid, B_PURE),
    ROW1("inst?", preds_is_inst, is_inst, B_PURE),
    ROW1("map-entry?", preds_is_map_entry, is_map_entry, B_PURE),
    ROW1("delay?", preds_is_delay, is_delay, B_PURE),
    ROW1("volatile?", preds_is_volatile, is_volatile, B_PURE),
    ROW1("reduced?", preds_is_reduced, is_reduced, B_PURE),
    ROW1("record?", preds_is_record, is_record, B_PURE),
    ROW1("var?", preds_is_var, is_var, B_PURE),
    ROW1("tagged-literal?", preds_is_tagged, is_tagged, B_PURE),
    ROW1("special-symbol?", preds_is_special, is_special, B_PURE),
    ROW1("uri?", preds_is_uri, is_uri, B_PURE),
    ROW1("bytes?", preds_is_bytes, is_bytes, B_PURE),
    ROW1("class?", preds_is_class, is_class, B_PURE),
    ROW2("identical?", preds_identical, identical, B_PURE),
    ROW1("class", preds_class, class, B_PURE),
    ROW1("type", preds_type, type, B_PURE),
    ROW2("instance?", preds_instance, instance, B_PURE),
    ROW2("cast", preds_cast, cast, B_PURE),
    ROW1(".getClass", preds_get_class, get_class, B_PURE),
    ROW_END,
};
