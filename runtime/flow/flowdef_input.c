/* flowdef_input.c - the input contract of a definition: what the chosen invocation's :inputs declare (spec/flows.md 1.4),
 * defaults filled in, everything that is wrong told in one message.
 *
 * Nothing is converted silently but what JSON cannot say: the text of a :select option that is a keyword becomes that
 * keyword, and #inst values are taken for dates. "5" is no number and "true" no boolean. */
#include "flowdef_int.h"
#include <stdio.h>

/* --- one value ---------------------------------------------------------------------------------------------------- */
static bool type_is(const char *type, const char *words) {
  if (!*type) return false;
  size_t n = strlen(type);
  for (const char *p = words; n && (p = strstr(p, type)); p += n)
    if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
  return false;
}

static Val option_value(Val o) { return is_map(o) && !same(map_get(o, kw_c("value"), ABSENT), ABSENT) ? map_get_kw(o, "value") : o; }

/* The option that v is, or whose name it is; ABSENT. */
static Val find_choice(Val options, Val v) {
  ValVec items = {0};
  if (is_map(options)) return map_get(options, v, ABSENT).w == ABSENT.w ? ABSENT : v;
  if (is_sig(coll_into_array(options, &items))) return ABSENT;
  for (size_t i = 0; i < items.n; i++)
    if (same(val_eq(option_value(items.a[i]), v), TRUE_V)) return option_value(items.a[i]);
  for (size_t i = 0; is_str(v) && i < items.n; i++) {
    Val o = option_value(items.a[i]);
    if (is_kw(o) && is_nil(AS(Kw, o)->ns) && str_eq_c(AS(Kw, o)->name, str_s(v))) return o;
  }
  return ABSENT;
}

static const char *choice_problem(Val declared, Val v, Val *coerced) {
  static _Thread_local char text[160];
  Val options = map_get_kw(declared, "options");
  if (is_nil(options)) return NULL;
  Val chosen = find_choice(options, v);
  if (!same(chosen, ABSENT)) return *coerced = chosen, NULL;
  snprintf(text, sizeof text, "one of %s", val_text(options));
  return text;
}

static const char *scalar_problem(Val declared, const char *type, Val v, Val *coerced) {
  if (!strcmp(type, "number")) return is_num(v) ? NULL : "a number";
  if (type_is(type, "boolean checkbox")) return is_bool(v) ? NULL : "true or false";
  if (!strcmp(type, "select")) return choice_problem(declared, v, coerced);
  if (type_is(type, "string text email password textarea secret")) return is_str(v) ? NULL : "a string";
  if (type_is(type, "date time datetime")) return is_str(v) || is_type(v, T_INST) ? NULL : "a date or time as a string";
  if (type_is(type, "file blob blob-ref resource")) return is_map(v) || is_str(v) ? NULL : "a resource reference";
  return NULL; /* json, and none */
}

const char *input_problem(Val declared, Val v, Val *coerced) {
  *coerced = v;
  Val t = map_get_kw(declared, "type");
  const char *type = is_kw(t) ? str_s(AS(Kw, t)->name) : is_str(t) ? str_s(t) : "";
  if (!truthy(map_get_kw(declared, "multiple"))) return scalar_problem(declared, type, v, coerced);
  if (!is_vec(v)) return "a vector (it is :multiple)";
  ValVec out = {0};
  for (uint32_t i = 0; i < vec_count(v); i++) {
    Val one = vec_nth(v, i);
    const char *must = scalar_problem(declared, type, one, &one);
    if (must) return must;
    vv_push(&out, one);
  }
  *coerced = vec_from(out.a, out.n);
  return NULL;
}

/* --- the contract ------------------------------------------------------------------------------------------------- */
/* :inputs of the :default invocation, or of the only one; else the :fields of a manual trigger; else nil. */
Val flowdef_inputs(Val flow, const char *invocation) {
  Val all = map_get_kw(flow, "invocations"), k, v;
  if (invocation) return map_get_kw(map_get_kw(all, invocation), "inputs");
  if (is_map(all) && map_count(all)) {
    Val chosen = map_get_kw(all, "default");
    MapIter it;
    map_iter(&it, all);
    if (is_nil(chosen) && map_count(all) == 1 && map_next(&it, &k, &v)) chosen = v;
    return map_get_kw(chosen, "inputs");
  }
  Val triggers = map_get_kw(flow, "triggers");
  for (uint32_t i = 0; is_vec(triggers) && i < vec_count(triggers); i++) {
    Val t = vec_nth(triggers, i);
    if (kw_is(map_get_kw(t, "type"), "manual") && !same(map_get_kw(t, "enabled"), FALSE_V))
      return map_get_kw(map_get_kw(t, "config"), "fields");
  }
  return NIL;
}

static void problem(Buf *b, Val name, const char *what, const char *must) {
  if (b->n) buf_c(b, "; ");
  buf_fmt(b, "%s %s%s", val_text(name), what, must);
}

static void one_input(Val declared, Val *input, Buf *bad) {
  Val name = name_kw(map_get_kw(declared, "name")), v, coerced;
  if (is_nil(name)) return;
  v = map_get(*input, name, NIL);
  if (is_nil(v) && !is_nil(map_get_kw(declared, "default"))) v = map_get_kw(declared, "default");
  if (is_nil(v)) {
    if (truthy(map_get_kw(declared, "required"))) {
      Val type = map_get_kw(declared, "type");
      problem(bad, name, "is required", "");
      if (!is_nil(type)) buf_fmt(bad, " (%s)", val_text(type));
    }
    return;
  }
  const char *must = input_problem(declared, v, &coerced);
  if (must) {
    problem(bad, name, "must be ", must);
    buf_fmt(bad, ", got %s", val_text(v));
    return;
  }
  Val m = map_assoc(*input, name, coerced);
  if (!is_sig(m)) *input = m;
}

bool flowdef_input(const FlowDef *f, Val *input, Err *e) { return flowdef_input_for(flowdef_inputs(f->map, NULL), input, e); }

bool flowdef_input_for(Val inputs, Val *input, Err *e) {
  if (is_nil(*input)) *input = map_empty;
  if (!is_map(*input)) return err_set(e, "invalid_input", "the input must be a map (a JSON object), got %s", val_text(*input));
  Buf bad = {0};
  for (uint32_t i = 0; is_vec(inputs) && i < vec_count(inputs); i++) one_input(vec_nth(inputs, i), input, &bad);
  bool ok = !bad.n;
  if (!ok) err_set(e, "invalid_input", "invalid input: %s", buf_cstr(&bad));
  buf_free(&bad);
  return ok;
}

Val flowdef_activation(Val def, Val set) {
  Val out = is_map(set) ? set : map_empty, all = map_get_kw(def, "requires");
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val fields = kw_is(map_get_kw(vec_nth(all, i), "kind"), "form") ? map_get_kw(vec_nth(all, i), "fields") : NIL;
    for (uint32_t k = 0; is_vec(fields) && k < vec_count(fields); k++) {
      Val f = vec_nth(fields, k), name = is_map(f) ? map_get_kw(f, "key") : NIL, v = map_get_kw(f, "default");
      if (!is_nil(name) && !is_nil(v) && same(map_get(out, name_kw(name), ABSENT), ABSENT)) out = map_assoc(out, name_kw(name), v);
    }
  }
  return out;
}
