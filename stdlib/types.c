/* types.c - what the macros defrecord, deftype, reify and defprotocol (prelude.clj) call, and functions on classes and
 * protocols. */
#include "stdlib.h"
#include "args.h"
#include "eval/dispatch.h"
#include "eval/unit.h"
#include "reader/mem.h"

/* ---- classes ---- */

DOC(class_name, "[name]", "The symbol of the class that a definition of name in the current namespace makes.",
    "(breyta.type/class-name 'my-point) ;=> user.my-point");
static Val types_class_name(Val name) {
  if (!is_sym(name)) return ex_cast(name, "clojure.lang.Symbol");
  Buf b = {0};
  for (const char *s = str_s(AS(Sym, AS(Ns, mach_cur->env->cur_ns)->name)->name); *s; s++) buf_ch(&b, *s == '-' ? '_' : *s);
  buf_fmt(&b, ".%s", str_s(AS(Sym, name)->name));
  return sym_of(NIL, buf_str(&b));
}

static Val array_of(const ValVec *v) { return arr_new(v->a, (uint32_t)v->n); }

/* The classes that a definition implements anyway, then those it names; *host: one of these is the host's. */
static Val implemented(unsigned kind, Val specs, bool *host) {
  static const char *const record[] = {"clojure.lang.IRecord", "clojure.lang.IHashEq", "clojure.lang.IObj", "clojure.lang.ILookup",
                                       "clojure.lang.IKeywordLookup", "clojure.lang.IPersistentMap", "java.util.Map",
                                       "java.io.Serializable", NULL};
  static const char *const type[] = {"clojure.lang.IType", NULL}, *const reify[] = {"clojure.lang.IObj", NULL};
  ValVec xs = {0}, out = {0};
  for (const char *const *s = kind == CLASS_RECORD ? record : kind == CLASS_TYPE ? type : reify; *s; s++) vv_push(&out, class_host(*s));
  CHECK(coll_into_array(specs, &xs));
  for (size_t i = 0; i < xs.n; i++) {
    Val c = is_map(xs.a[i]) ? map_get_kw(xs.a[i], "on-interface") : xs.a[i];
    bool object = is_type(c, T_CLASS) && !strcmp(class_text(c), "java.lang.Object");
    if (!is_type(c, T_CLASS) || (!object && !class_is_interface(c))) {
      TRY(s, arg_str_of(xs.a[i]));
      const char *had = is_type(c, T_CLASS) ? class_text(c) : str_s(s);
      return ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "only interfaces are supported, had: %s", had);
    }
    *host |= !class_is_own(c);
    if (!object) vv_push(&out, c);
  }
  return array_of(&out);
}

/* Clojure refuses methods that no interface has. Of the host's interfaces the methods are not known here, of Object they are. */
static Val check_method(Val name, const ValVec *specs, bool host) {
  static const char *const object[] = {"toString", "equals", "hashCode"};
  for (size_t i = 0; i < specs->n; i++) {
    Val methods = is_map(specs->a[i]) ? map_get_kw(specs->a[i], "method-map") : NIL;
    if (is_map(methods) && !is_nil(map_get(methods, name, NIL))) return NIL;
    for (size_t k = 0; k < 3 && is_type(specs->a[i], T_CLASS) && !strcmp(class_text(specs->a[i]), "java.lang.Object"); k++)
      if (kw_is(name, object[k])) return NIL;
  }
  if (host) return NIL;
  const char *text = is_kw(name) ? str_s(AS(Kw, name)->name) : "?";
  return ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "Can't define method not in interfaces: %s", text);
}

/* keys[0], keys[step], ...: method names. */
static Val check_methods(const Val *keys, size_t n, size_t step, Val specs) {
  ValVec xs = {0};
  bool host = false;
  CHECK(coll_into_array(specs, &xs));
  for (size_t i = 0; i < xs.n; i++)
    host |= is_type(xs.a[i], T_CLASS) && !class_is_own(xs.a[i]) && strcmp(class_text(xs.a[i]), "java.lang.Object");
  for (size_t i = 0; i < n; i += step) CHECK(check_method(keys[i], &xs, host));
  return NIL;
}

static Val keyword_array(Val symbols) {
  ValVec xs = {0};
  CHECK(coll_into_array(symbols, &xs));
  for (size_t i = 0; i < xs.n; i++) {
    if (!is_sym(xs.a[i])) return ex_cast(xs.a[i], "clojure.lang.Symbol");
    xs.a[i] = kw_of(NIL, AS(Sym, xs.a[i])->name);
    for (size_t j = 0; j < i; j++)
      if (same(xs.a[j], xs.a[i]))
        return ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "Duplicate field name \"%s\"", str_s(AS(Kw, xs.a[i])->name));
  }
  return array_of(&xs);
}

/* (class* name kind fields mutable-fields specs method fn method fn ...) */
DOC(make_class, "[name record? fields mutables specs & methods]", "The class of a deftype or defrecord.", "");
static Val types_class(int n, const Val *a) {
  bool host = false;
  if (!is_sym(a[0])) return ex_cast(a[0], "clojure.lang.Symbol");
  unsigned kind = truthy(a[1]) ? CLASS_RECORD : CLASS_TYPE;
  TRY(fields, keyword_array(a[2]));
  TRY(mutables, keyword_array(a[3]));
  TRY(ifaces, implemented(kind, a[4], &host));
  CHECK(check_methods(a + 5, (size_t)n - 5, 2, a[4]));
  TRY(methods, map_from(a + 5, (size_t)(n - 5) / 2, false));
  Val c = class_new(a[0], kind | (host ? CLASS_HOST : 0), fields, methods, ifaces);
  if (AS(Arr, mutables)->n) AS(Class, c)->mutables = set_from(AS(Arr, mutables)->a, AS(Arr, mutables)->n, false);
  return c;
}

static Val own_class(Val c) {
  if (is_type(c, T_CLASS) && AS(Class, c)->h.flags & (CLASS_RECORD | CLASS_TYPE)) return NIL;
  return ex_cast(c, "java.lang.Class");
}

DOC(new_instance, "[class & fields]", "An instance; what (Point. x y) calls.", "");
static Val types_new(int n, const Val *a) {
  CHECK(own_class(a[0]));
  if ((uint32_t)n - 1 != class_nfields(a[0])) return ex_throw(EXC_ILLEGAL_ARG, "No matching ctor found for class %s", class_text(a[0]));
  bool record = AS(Class, a[0])->h.flags & CLASS_RECORD;
  return rec_new(a[0], a + 1, record ? 0 : arg_serial());
}

DOC(from_map, "[class map]", "A record with the values of a map; what map->Point calls.", "");
static Val types_from_map(Val c, Val m) {
  CHECK(own_class(c));
  TRY(map, is_nil(m) || is_map(m) ? m : coll_conj(map_empty, m));
  return rec_from_map(c, map);
}

DOC(wrong_arity, "[n name]", "Throws the ArityException of a call of name with n arguments.",
    "(breyta.type/wrong-arity 1 \"user/f\") ;!> arity");
static Val types_wrong_arity(Val n, Val name) { return ex_arity(is_fix(n) ? (int)fix_of(n) : 0, is_str(name) ? str_s(name) : "?"); }

DOC(basis, "[class]", "The fields of a record class, as symbols; what (Point/getBasis) calls.", "");
static Val types_basis(Val c) {
  CHECK(own_class(c));
  ValVec out = {0};
  const Arr *fields = AS(Arr, AS(Class, c)->fields);
  for (uint32_t i = 0; i < fields->n; i++) vv_push(&out, sym_of(NIL, AS(Kw, fields->a[i])->name));
  return vec_from(out.a, out.n);
}

/* ---- fields ---- */

static Val field_at(Val x, Val place) {
  bool ok = is_user(x) && is_fix(place) && (uint64_t)fix_of(place) < AS(Record, x)->n;
  return ok ? AS(Record, x)->f[fix_of(place)] : ex_throw(EXC_ILLEGAL_ARG, "No such field");
}

DOC(get_field, "[x place]", "The value of a field, by its place in the class.", "");
static Val types_get(Val x, Val place) { return field_at(x, place); }

DOC(get_mutable, "[x place]", "The value of a field that set! may change.", "");
static Val types_get_mutable(Val x, Val place) { return field_at(x, place); }

DOC(set_place, "[x place v]", "Changes a mutable field; what (set! field v) in a method calls.", "");
static Val types_set(Val x, Val place, Val v) {
  CHECK(field_at(x, place));
  if (!is_type(x, T_INSTANCE)) return ex_cast(x, "clojure.lang.IType");
  return AS(Record, x)->f[fix_of(place)] = v;
}

DOC(set_field, "[x field v]", "Changes a mutable field; what (set! (.-field x) v) calls.", "");
static Val types_set_field(Val x, Val field, Val v) {
  const char *name = is_kw(field) ? str_s(AS(Kw, field)->name) : "?";
  if (is_nil(x)) return arg_null("Object.getClass()", "target");
  int32_t i = is_type(x, T_INSTANCE) ? rec_field(AS(Record, x), field) : -1;
  Val mutables = i < 0 ? NIL : AS(Class, AS(Record, x)->type)->mutables;
  if (i < 0) return ex_throw(EXC_ILLEGAL_ARG, "No matching field found: %s for class %s", name, class_name_of(x));
  if (is_nil(mutables) || is_nil(set_get(mutables, field, NIL))) return ex_throw(EXC_ILLEGAL_ARG, "Cannot assign to non-mutable: %s", name);
  return AS(Record, x)->f[i] = v;
}

/* ---- reify ---- */

/* One class for each place in the code: a var of its own namespace. */
static Val reify_class(Val name, Val specs, Val names) {
  TRY(var, env_intern(mach_cur->env, sym_c("breyta.reify"), name));
  if (is_type(AS(Var, var)->root, T_CLASS)) return AS(Var, var)->root;
  bool host = false;
  TRY(fields, keyword_array(names));
  TRY(ifaces, implemented(CLASS_REIFY, specs, &host));
  CHECK(check_methods(AS(Arr, fields)->a, AS(Arr, fields)->n, 1, specs));
  ValVec kvs = {0};
  for (uint32_t i = 0; i < AS(Arr, fields)->n; i++) {
    vv_push(&kvs, AS(Arr, fields)->a[i]);
    vv_push(&kvs, fix(i));
  }
  TRY(methods, map_from(kvs.a, kvs.n / 2, false));
  return AS(Var, var)->root = class_new(name, CLASS_REIFY | (host ? CLASS_HOST : 0), fields, methods, ifaces);
}

DOC(make_reify, "[name specs method-names & fns]", "An instance with these methods; what reify calls.", "");
static Val types_reify(int n, const Val *a) {
  if (!is_sym(a[0])) return ex_cast(a[0], "clojure.lang.Symbol");
  TRY(c, reify_class(a[0], a[1], a[2]));
  if ((uint32_t)n - 3 != class_nfields(c)) return ex_arity(n, "reify");
  return rec_new(c, a + 3, arg_serial());
}

/* ---- protocols ---- */

DOC(make_interface, "[class-name]", "The class that stands for a protocol.", "");
static Val types_interface(Val name) {
  if (!is_sym(name)) return ex_cast(name, "clojure.lang.Symbol");
  return class_new(name, CLASS_PROTOCOL, arr_new(NULL, 0), map_empty, arr_new(NULL, 0));
}

DOC(make_method, "[protocol-var name full-name via-metadata?]", "A function that calls the implementation for its first argument.", "");
static Val types_method(Val var, Val name, Val full, Val via_meta) {
  if (!is_type(var, T_VAR)) return ex_cast(var, "clojure.lang.Var");
  if (!is_kw(name) || !is_str(full) || !strchr(str_s(full), '/')) return ex_cast(name, "clojure.lang.Keyword");
  return method_new(var, name, full, truthy(via_meta) ? METHOD_META : 0);
}

DOC(protocol_now, "[var]", "What the protocol of a var is before it is defined (again): its implementations stay.", "");
static Val types_protocol_now(Val var) {
  if (!is_type(var, T_VAR)) return ex_cast(var, "clojure.lang.Var");
  return is_map(AS(Var, var)->root) ? AS(Var, var)->root : map_empty;
}

static Val proto_class(Val proto) { return is_map(proto) ? map_get_kw(proto, "on-interface") : NIL; }

static bool implements_directly(Val proto, Val c) {
  Val iface = proto_class(proto);
  return is_type(iface, T_CLASS) && is_type(c, T_CLASS) && class_isa(c, iface);
}

DOC(interface_of, "[protocol]", "The class of a protocol; what the symbol user.Shape names when Shape is one.", "");
static Val types_interface_of(Val proto) { return proto_class(proto); }

static Val extend_checked(Val proto, Val atype) {
  TRY(ps, arg_str_of(proto));
  TRY(ts, arg_str_of(atype));
  if (!is_nil(atype) && !is_type(atype, T_CLASS)) return ex_cast(atype, "java.lang.Class");
  if (!is_type(proto_class(proto), T_CLASS) || !is_type(map_get_kw(proto, "var"), T_VAR))
    return ex_throw(EXC_ILLEGAL_ARG, "%s is not a protocol", str_s(ps));
  if (!implements_directly(proto, atype)) return NIL;
  TRY(is, arg_str_of(proto_class(proto)));
  TRY(vs, arg_str_of(map_get_kw(proto, "var")));
  return ex_throw(EXC_ILLEGAL_ARG, "%s already directly implements %s for protocol:%s", str_s(ts), str_s(is), str_s(vs));
}

DOC(extend_one, "[protocol type methods]", "Adds one implementation to a protocol; what extend calls.", "");
static Val types_extend(Val proto, Val atype, Val methods) {
  CHECK(extend_checked(proto, atype));
  Var *var = AS(Var, map_get_kw(proto, "var"));
  if (var->h.flags & VAR_CONST)
    return ex_throw(EXC_UNSUPPORTED,
                    "the protocols of the library are shared by all runs and cannot be extended; give the value a type of your own");
  Val now = is_map(var->root) ? var->root : proto;
  Val impls = map_get_kw(now, "impls");
  TRY(more, map_assoc(is_nil(impls) ? map_empty : impls, atype, methods));
  TRY(next, map_assoc(now, kw_c("impls"), more));
  var->root = next;
  return NIL;
}

DOC(find_impl, "[protocol x]",
    "What implements a protocol for x: x itself when its class does, the map of methods given to extend, or nil.",
    "(do (defprotocol Area (area [x])) (extend-type String Area (area [s] 1)) (keys (find-protocol-impl Area \"a\"))) ;=> (:area)");
static Val types_find_impl(Val proto, Val x) { return protocol_impl(proto, x); }

DOC(satisfies, "[protocol x]", "True if x satisfies the protocol.", "(do (defprotocol Area (area [x])) (satisfies? Area 1)) ;=> false");
static Val types_satisfies(Val proto, Val x) {
  TRY(impl, protocol_impl(proto, x));
  return bool_val(!is_nil(impl));
}

DOC(extends, "[protocol type]", "True if the class, or nil, has been given an implementation of the protocol.",
    "(do (defprotocol Area (area [x])) (extend-type nil Area (area [_] 0)) (extends? Area nil)) ;=> true");
static Val types_extends(Val proto, Val atype) {
  if (implements_directly(proto, atype)) return TRUE_V;
  Val impls = is_map(proto) ? map_get_kw(proto, "impls") : NIL;
  if (!is_map(impls)) return FALSE_V;
  TRY(v, map_get(impls, atype, NIL));
  return bool_val(!is_nil(v));
}

/* ---- relations of classes ---- */

DOC(bases, "[class]", "The superclass of a class and the interfaces it implements itself.",
    "(bases Number) ;=> (java.lang.Object java.io.Serializable)");
static Val types_bases(Val c) {
  if (is_nil(c)) return NIL;
  if (!is_type(c, T_CLASS)) return ex_cast(c, "java.lang.Class");
  ValVec out = {0};
  class_bases(c, &out);
  return out.n ? list_from(out.a, out.n) : NIL;
}

DOC(supers, "[class]", "The set of everything a class extends or implements, nil if there is nothing.",
    "(supers Number) ;=> #{java.lang.Object java.io.Serializable}");
static Val types_supers(Val c) {
  if (is_nil(c)) return NIL;
  if (!is_type(c, T_CLASS)) return ex_cast(c, "java.lang.Class");
  ValVec work = {0};
  Val out = set_empty;
  class_bases(c, &work);
  while (work.n) {
    Val b = work.a[--work.n];
    if (!is_nil(set_get(out, b, NIL))) continue;
    TRY(more, set_conj(out, b));
    out = more;
    class_bases(b, &work);
  }
  return set_count(out) ? out : NIL;
}

/* A class of the program gets its short name in the current namespace; others have no need of one. */
static Val import_one(Env *e, Val sym) {
  Val var = env_type_var(e, sym);
  if (is_nil(var)) return NIL;
  Ns *ns = AS(Ns, e->cur_ns);
  TRY(vars, map_assoc(ns->vars, AS(Var, var)->name, var));
  ns->vars = vars;
  return NIL;
}

static Val import_spec(Env *e, Val spec) {
  if (is_sym(spec)) return import_one(e, spec);
  ValVec xs = {0};
  CHECK(coll_into_array(spec, &xs));
  for (size_t i = 1; i < xs.n; i++) {
    if (!is_sym(xs.a[0]) || !is_sym(xs.a[i])) return ex_cast(xs.a[i], "clojure.lang.Symbol");
    CHECK(import_one(e, sym_of(NIL, str_fmt("%s.%s", str_s(AS(Sym, xs.a[0])->name), str_s(AS(Sym, xs.a[i])->name)))));
  }
  return NIL;
}

DOC(import_classes, "[& specs]", "What import and the :import clause of ns call.", "");
static Val types_import(int n, const Val *a) {
  for (int i = 0; i < n; i++) CHECK(import_spec(mach_cur->env, a[i]));
  return NIL;
}

DOC(class_below, "[child parent]", "True if the class child is the class parent or below it.", "(breyta.type/isa? Long Number) ;=> true");
static Val types_isa(Val c, Val parent) { return bool_val(is_type(c, T_CLASS) && is_type(parent, T_CLASS) && class_isa(c, parent)); }

const BuiltinRow rows_types[] = {
    ROW1("breyta.type/class-name", types_class_name, class_name, B_IMPURE),
    ROWV("breyta.type/class*", 5, types_class, make_class, B_IMPURE),
    ROWV("breyta.type/new*", 1, types_new, new_instance, B_PURE),
    ROW2("breyta.type/from-map*", types_from_map, from_map, B_PURE),
    ROW2("breyta.type/wrong-arity", types_wrong_arity, wrong_arity, B_IMPURE),
    ROW1("breyta.type/basis*", types_basis, basis, B_PURE),
    ROW2("breyta.type/get*", types_get, get_field, B_PURE),
    ROW2("breyta.type/get-mutable*", types_get_mutable, get_mutable, B_IMPURE),
    ROW3("breyta.type/set*", types_set, set_place, B_IMPURE),
    ROW3("breyta.type/set-field*", types_set_field, set_field, B_IMPURE),
    ROWV("breyta.type/reify*", 3, types_reify, make_reify, B_IMPURE),
    ROW1("breyta.type/interface*", types_interface, make_interface, B_IMPURE),
    ROW1("breyta.type/protocol-now", types_protocol_now, protocol_now, B_IMPURE),
    ROW1("breyta.type/interface-of*", types_interface_of, interface_of, B_PURE),
    ROW4("breyta.type/method*", types_method, make_method, B_IMPURE),
    ROW3("breyta.type/extend*", types_extend, extend_one, B_IMPURE),
    ROWV("breyta.type/import*", 0, types_import, import_classes, B_IMPURE),
    ROW2("breyta.type/isa?", types_isa, class_below, B_PURE),
    ROW2("find-protocol-impl", types_find_impl, find_impl, B_PURE),
    ROW2("satisfies?", types_satisfies, satisfies, B_PURE),
    ROW2("extends?", types_extends, extends, B_PURE),
    ROW1("bases", types_bases, bases, B_PURE),
    ROW1("supers", types_supers, supers, B_PURE),
    ROW_END,
};
