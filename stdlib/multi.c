/* multi.c - the state of multimethods (T_MULTI, called by eval/dispatch.c) and the global hierarchy; how a method is
 * chosen is written in prelude.clj. */
#include "stdlib.h"
#include "args.h"
#include "reader/mem.h"

static Val need_multi(Val x) { return is_type(x, T_MULTI) ? NIL : ex_cast(x, "clojure.lang.MultiFn"); }

DOC(make, "[name dispatch default hierarchy]", "A multimethod without methods. hierarchy: a reference, nil for the global one.", "");
static Val multi_make(Val name, Val dispatch, Val dflt, Val hierarchy) {
  if (!is_str(name)) return ex_cast(name, "java.lang.String");
  Multi *m = mem_obj(T_MULTI);
  m->serial = arg_serial();
  m->name = name;
  m->dispatch = dispatch;
  m->dflt = dflt;
  m->hierarchy = hierarchy;
  m->methods = m->prefers = hmap_empty;
  return from_obj(m);
}

DOC(part, "[multi key]", "A part of a multimethod: :name :dispatch :default :hierarchy :methods :prefers.", "");
static Val multi_part(Val x, Val key) {
  CHECK(need_multi(x));
  const Multi *m = AS(Multi, x);
  const struct { const char *key; Val v; } parts[] = {{"methods", m->methods}, {"prefers", m->prefers}, {"hierarchy", m->hierarchy},
                                                      {"default", m->dflt}, {"name", m->name}, {"dispatch", m->dispatch}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (kw_is(key, parts[i].key)) return parts[i].v;
  return NIL;
}

DOC(set_methods, "[multi methods]", "Replaces the map of dispatch values to methods.", "");
static Val multi_set_methods(Val x, Val methods) {
  CHECK(need_multi(x));
  if (!is_map(methods)) return ex_cast(methods, "clojure.lang.IPersistentMap");
  AS(Multi, x)->methods = methods;
  return x;
}

DOC(set_prefers, "[multi prefers]", "Replaces the map of dispatch values to the set of those they are preferred to.", "");
static Val multi_set_prefers(Val x, Val prefers) {
  CHECK(need_multi(x));
  if (!is_map(prefers)) return ex_cast(prefers, "clojure.lang.IPersistentMap");
  AS(Multi, x)->prefers = prefers;
  return x;
}

DOC(is_multi, "[x]", "True if x is a multimethod.", "(breyta.multi/multi? inc) ;=> false");
static Val multi_is(Val x) { return bool_val(is_type(x, T_MULTI)); }

/* ---- the global hierarchy of derive and isa? ---- */

DOC(global, "[]", "The global hierarchy of this run, nil when nothing has been derived.", "(breyta.multi/global) ;=> nil");
static Val multi_global(void) {
  Val h = AS(Var, env_hierarchy(mach_cur->env))->root;
  return same(h, UNBOUND) ? NIL : h;
}

DOC(set_hierarchy, "[h]", "Makes h the global hierarchy of this run.", "(breyta.multi/set-hierarchy! nil) ;=> nil");
static Val multi_set_hierarchy(Val h) {
  AS(Var, env_hierarchy(mach_cur->env))->root = h;
  return NIL;
}

const BuiltinRow rows_multi[] = {
    ROW4("breyta.multi/make", multi_make, make, B_IMPURE),
    ROW2("breyta.multi/part", multi_part, part, B_IMPURE),
    ROW2("breyta.multi/set-methods!", multi_set_methods, set_methods, B_IMPURE),
    ROW2("breyta.multi/set-prefers!", multi_set_prefers, set_prefers, B_IMPURE),
    ROW1("breyta.multi/multi?", multi_is, is_multi, B_PURE),
    ROW0("breyta.multi/global", multi_global, global, B_IMPURE),
    ROW1("breyta.multi/set-hierarchy!", multi_set_hierarchy, set_hierarchy, B_IMPURE),
    ROW_END,
};
