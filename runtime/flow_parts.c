/* flow_parts.c - builtins that the code of steps made of steps uses (steps.clj): what the definition declares, what the option
 * table says. */
#include "engine_int.h"
#include "eval/mach.h"
#include "flow_tables.h"
#include "flowdef_int.h"

static Val find_by_id(Val items, Val id) {
  ValVec all = {0};
  if (is_map(items)) { /* {:ns/agent {...}} */
    Val v = map_get(items, id, NIL);
    return is_map(v) ? v : NIL;
  }
  if (is_nil(items) || is_sig(coll_into_array(items, &all))) return NIL;
  for (size_t i = 0; i < all.n; i++)
    if (same(map_get_kw(all.a[i], "id"), id)) return all.a[i];
  return NIL;
}

static Val run_def(FlowDef **def) {
  Run *r = mach_cur ? mach_cur->host : NULL;
  Err err = {0};
  if (!r) return ex_throw(EXC_UNSUPPORTED, "packaged steps exist only in a running flow");
  if (!r->def && !engine_def(r->e, r->source_hash, &r->def, NULL, &err)) return ex_throw(EXC_RUNTIME, "%s", err.msg);
  *def = r->def;
  return NIL;
}

DOC(declared, "[id]", "[:step declaration] or [:agent declaration] of the running flow by its id, nil when there is none.",
    "(flow/declared* :a/b) ;!> unsupported");
static Val flow_declared(Val id) {
  FlowDef *def;
  CHECK(run_def(&def));
  Val step = find_by_id(map_get_kw(def->map, "steps"), id), agent = find_by_id(map_get_kw(def->map, "agents"), id);
  if (!is_nil(step)) return vec_of2(kw_c("step"), step);
  return is_nil(agent) ? NIL : vec_of2(kw_c("agent"), agent);
}

DOC(function, "[form]", "The function that a form stands for, quoted or not, as :code of a :function step takes it.",
    "((flow/function* '(fn [x] (inc x))) 1) ;=> 2");
static Val flow_function(Val form) {
  return mach_cur ? flowdef_compile_fn(mach_cur->env, form, NULL) : ex_throw(EXC_UNSUPPORTED, "flow/function* works only in a machine");
}

DOC(option, "[family key]",
    "Is key an option of steps of this family (:* for the common options)? nil, :code for options that take a function, or :option.",
    "(mapv (fn [k] (flow/option* :function k)) [:input :code :title :no-such]) ;=> [:option :code :option nil]\n"
    "(flow/option* :* :title) ;=> :option");
static Val flow_option(Val family, Val key) {
  return is_kw(family) && is_kw(key) ? step_option(family, key) : NIL;
}

DOC(field_problem, "[field value]", "What the value of a form field must be, as words; nil when it is that.",
    "(flow/field-problem* {:key :n :field-type :number} \"x\") ;=> \"a number\"\n(flow/field-problem* {:key :n :type :number} 1) ;=> nil");
static Val flow_field_problem(Val field, Val v) {
  Val type = map_get_kw(field, "field-type"), ignored;
  if (!is_map(field)) return ex_throw(EXC_ILLEGAL_ARG, "a field must be a map");
  if (!is_nil(type)) field = map_assoc(field, kw_c("type"), type);
  const char *must = input_problem(field, v, &ignored);
  return must ? str_c(must) : NIL;
}

const BuiltinRow rows_flow_parts[] = {ROW1("flow/declared*", flow_declared, declared, B_IMPURE),
                                      ROW1("flow/function*", flow_function, function, B_IMPURE),
                                      ROW2("flow/option*", flow_option, option, B_PURE),
                                      ROW2("flow/field-problem*", flow_field_problem, field_problem, B_PURE),
                                      ROW_END};
