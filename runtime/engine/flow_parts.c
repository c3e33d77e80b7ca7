/* flow_parts.c - builtins that the code of steps made of steps uses (steps.clj): what the definition declares, what the option
 * table says. */
#include "engine_int.h"
#include "eval/mach.h"
#include "runtime/flow/flow_tables.h"
#include "runtime/flow/flowdef_int.h"
#include "runtime/base/limits.h"
#include "reader/num.h"
#include "runtime/flow/step_doc.h"
#include "runtime/flow/step_options.h"
#include <string.h>

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

/* What JSON says of a value of that type, as Malli; nil: nothing that JSON could hold. */
static Val json_type(const StepDocOption *o) {
  switch ((enum OptType)o->type) {
  case OPT_STRING: case OPT_NAME: case OPT_URL: return kw_c("string");
  case OPT_KEYWORD: return kw_c("keyword");
  case OPT_MAP: return kw_c("map?");
  case OPT_VECTOR: case OPT_COLL: case OPT_STATUSES: return kw_c("sequential?");
  case OPT_BOOL: return kw_c("boolean");
  case OPT_INT: return kw_c("nat-int?");
  case OPT_NUMBER: return kw_c("number");
  case OPT_ENUM: break;
  case OPT_CODE: case OPT_RETRY: case OPT_PERSIST: case OPT_HUMAN: case OPT_APPROVAL: case OPT_EXPECT: return NIL;
  default: return kw_c("any");
  }
  Val all = vec_conj(vec_empty, kw_c("enum"));
  for (const char *p = o->allowed; *p; p += strspn(p, " ")) {
    size_t n = strcspn(p, " ");
    all = vec_conj(all, kw_parse(p, n));
    p += n;
  }
  return all;
}

static Val schema_entry(const StepDocOption *o) {
  Val kv[] = {kw_c("description"), str_c(o->doc), kw_c("optional"), TRUE_V}, entry[] = {kw_c(o->name), map_from(kv, o->required ? 1 : 2, false), json_type(o)};
  return is_nil(entry[2]) ? NIL : vec_from(entry, 3);
}

DOC(family_schema, "[family]",
    "A Malli schema of the options of a step family that a model could write as JSON; nil when there is no such family. Not among them: "
    "the options of every family, secrets, and which connection is used.",
    "(first (flow/family-schema* :search)) ;=> :map\n(flow/family-schema* :no-such) ;=> nil");
static Val flow_family_schema(Val family) {
  static const char *const authors[] = {"auth", "connection", "provider-opts", "client-opts", "op-id"};
  Val closed[] = {kw_c("closed"), TRUE_V}, out = vec_of2(kw_c("map"), map_from(closed, 1, false));
  bool known = false;
  for (size_t i = 0; is_kw(family) && i < step_doc_noptions; i++) {
    const StepDocOption *o = &step_doc_options[i];
    if (!kw_is(family, o->kind)) continue;
    bool own = false;
    for (size_t k = 0; k < sizeof authors / sizeof *authors; k++) own = own || !strcmp(o->name, authors[k]);
    Val entry = own ? NIL : schema_entry(o);
    known = true;
    if (!is_nil(entry)) out = vec_conj(out, entry);
  }
  return known ? out : NIL;
}

DOC(family_doc, "[family]", "What steps of this family do, in words.", "(flow/family-doc* :no-such) ;=> nil");
static Val flow_family_doc(Val family) {
  const StepDocFamily *f = is_kw(family) ? step_doc_family(kw_text(family)) : NULL;
  return f ? str_c(f->doc) : NIL;
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

DOC(limit, "[name]", "The value of a limit (`breyta-run help limits`). Recorded, so that a replay under other limits takes the same way.",
    "(flow/limit* \"call-depth\") ;=> 5\n(flow/limit* \"no-such\") ;!> argument");
static Val flow_limit(Val name) {
  int i = is_str(name) ? limit_find(str_s(name)) : -1;
  return i < 0 ? ex_throw(EXC_ILLEGAL_ARG, "flow/limit*: there is no such limit") : int_val(limit_value((enum LimitId)i));
}

const BuiltinRow rows_flow_parts[] = {ROW1("flow/limit*", flow_limit, limit, B_IMPURE | B_NONDET),
                                      ROW1("flow/declared*", flow_declared, declared, B_IMPURE),
                                      ROW1("flow/function*", flow_function, function, B_IMPURE),
                                      ROW1("flow/family-schema*", flow_family_schema, family_schema, B_PURE),
                                      ROW1("flow/family-doc*", flow_family_doc, family_doc, B_PURE),
                                      ROW2("flow/option*", flow_option, option, B_PURE),
                                      ROW2("flow/field-problem*", flow_field_problem, field_problem, B_PURE),
                                      ROW_END};
