#include "flow_facets.h"
#include "runtime/steps/engine_index.h"
#include "reader/map.h"
#include "reader/num.h"
#include "reader/seq.h"
#include "reader/vec.h"
#include <string.h>

enum { DEPTH = 200 };

static void put(ValVec *m, const char *key, Val v) {
  if (is_nil(v)) return;
  vv_push(m, kw_c(key));
  vv_push(m, v);
}
static Val name_of(Val v) { return is_kw(v) ? str_c(id_text(v)) : is_str(v) ? v : NIL; }

/* --- steps --------------------------------------------------------------------------------------------------------------------------- */
static bool is_call(Val form, const char *name) { return list_head_is(form, "flow", name); }

/* (flow/step :type :id {..}), (flow/step :ns/name {..}), (flow/call-flow :id {..}) */
static Val step_of(Val form) {
  ValVec m = {0};
  int line = 0, col = 0;
  bool child = is_call(form, "call-flow");
  Val type = child ? kw_c("call-flow") : list_nth(form, 1), id = list_nth(form, child ? 1 : 2), cfg = list_nth(form, list_n(form) - 1);
  bool packaged = is_kw(type) && !is_nil(AS(Kw, type)->ns);
  if (packaged && !is_kw(id)) id = kw_of(NIL, AS(Kw, type)->name);
  put(&m, "id", name_of(id));
  put(&m, "type", name_of(type));
  if (packaged) put(&m, "packaged", TRUE_V);
  if (is_str(map_get_kw(cfg, "title"))) put(&m, "title", map_get_kw(cfg, "title"));
  put(&m, "connection", name_of(map_get_kw(cfg, "connection")));
  if (form_pos(form, &line, &col)) put(&m, "line", fix(line)), put(&m, "column", fix(col));
  return amap_from(m.a, m.n / 2);
}

typedef void (*Visit)(ValVec *out, Val form);

static void walk(ValVec *out, Val v, Visit f, int depth) {
  MapIter it;
  Val k, x;
  if (depth > DEPTH) return;
  f(out, v);
  if (is_map(v)) {
    map_iter(&it, v);
    while (map_next(&it, &k, &x)) walk(out, k, f, depth + 1), walk(out, x, f, depth + 1);
  } else if (is_set(v)) {
    map_iter(&it, v);
    while (map_next(&it, &k, &x)) walk(out, k, f, depth + 1);
  } else if (is_vec(v)) {
    for (uint32_t i = 0; i < vec_count(v); i++) walk(out, vec_nth(v, i), f, depth + 1);
  } else if (is_form_list(v)) {
    for (; is_type(v, T_LIST); v = AS(List, v)->rest) walk(out, AS(List, v)->first, f, depth + 1);
  }
}

static void visit_step(ValVec *out, Val form) {
  if (is_form_list(form) && (is_call(form, "step") || is_call(form, "call-flow")) && list_n(form) > 1) vv_push(out, step_of(form));
}

static Val body_of(Val def) {
  bool quoted;
  return unquote_form(map_get_kw(def, "flow"), &quoted);
}

Val flow_steps(Val def) {
  ValVec all = {0};
  walk(&all, body_of(def), visit_step, 0);
  return vec_from(all.a, all.n);
}

/* --- words --------------------------------------------------------------------------------------------------------------------------- */
static void add(ValVec *set, Val v) {
  Val name = name_of(v);
  if (is_nil(name)) return;
  for (size_t i = 0; i < set->n; i++)
    if (!strcmp(str_s(set->a[i]), str_s(name))) return;
  vv_push(set, name);
}

static void add_all(ValVec *set, Val v) {
  ValVec items = {0};
  bool quoted;
  v = unquote_form(v, &quoted);
  if (is_nil(v)) return;
  if (!is_vec(v) && !is_set(v)) {
    add(set, v);
    return;
  }
  if (is_sig(coll_into_array(v, &items))) return;
  for (size_t i = 0; i < items.n; i++) add(set, items.a[i]);
}

static void visit_provider(ValVec *out, Val v) {
  if (is_map(v)) add(out, map_get_kw(v, "provider"));
}

/* Names of tools: what :tools of agents and models allow, define and take from :steps and :agents. */
static void visit_tools(ValVec *out, Val v) {
  static const char *const keys[] = {"steps", "agents", "allowed"};
  Val tools = is_map(v) ? map_get_kw(v, "tools") : NIL, defs = map_get_kw(tools, "definitions");
  for (size_t i = 0; i < 3; i++) add_all(out, map_get_kw(tools, keys[i]));
  for (uint32_t i = 0; is_vec(defs) && i < vec_count(defs); i++) add(out, map_get_kw(vec_nth(defs, i), "name"));
  if (is_vec(tools)) add_all(out, tools);
}

static void requirements(Val def, ValVec *connections, ValVec *providers) {
  Val all = map_get_kw(def, "requires");
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val r = vec_nth(all, i);
    add(connections, map_get_kw(r, "slot"));
    add(providers, map_get_kw(r, "type"));
    add_all(providers, map_get_kw(r, "backend"));
    add_all(providers, map_get_kw(r, "backends"));
  }
}

static Val texts(const ValVec *v) { return vec_from(v->a, v->n); }

Val flow_facets(Val def) {
  ValVec types = {0}, providers = {0}, connections = {0}, tools = {0}, m = {0};
  Val steps = flow_steps(def), packaged = map_get_kw(def, "steps"), mcp = map_get_kw(map_get_kw(def, "interfaces"), "mcp");
  Buf words = {0};
  requirements(def, &connections, &providers);
  for (uint32_t i = 0; i < vec_count(steps); i++) {
    add(&types, map_get_kw(vec_nth(steps, i), "type"));
    add(&connections, map_get_kw(vec_nth(steps, i), "connection"));
  }
  for (uint32_t i = 0; is_vec(packaged) && i < vec_count(packaged); i++) add(&types, map_get_kw(vec_nth(packaged, i), "type"));
  for (uint32_t i = 0; is_vec(mcp) && i < vec_count(mcp); i++) add(&tools, map_get_kw(vec_nth(mcp, i), "tool-name"));
  walk(&providers, def, visit_provider, 0);
  walk(&tools, def, visit_tools, 0);
  index_flow_words(&words, def);
  put(&m, "steps", fix((int64_t)vec_count(steps)));
  put(&m, "step-types", texts(&types));
  put(&m, "providers", texts(&providers));
  put(&m, "connections", texts(&connections));
  put(&m, "tool-names", texts(&tools));
  size_t n = words.n < FACET_LABELS ? words.n : FACET_LABELS;
  while (n && n < words.n && ((unsigned char)words.p[n] & 0xc0) == 0x80) n--;
  put(&m, "labels", str_new(words.p ? words.p : "", n));
  put(&m, "public", bool_val(same(map_get_kw(map_get_kw(def, "discover"), "public"), TRUE_V)));
  buf_free(&words);
  return amap_from(m.a, m.n / 2);
}
