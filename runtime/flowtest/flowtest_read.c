/* flowtest_read.c - test files: text to a TestFile, with everything that is wrong told at once. */
#include "flowtest_int.h"
#include "runtime/base/duration.h"
#include "runtime/flow/flowdef_int.h"
#include "reader/mem.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- the tables ------------------------------------------------------------------------------------------------------------- */
enum FtType {
  FT_T_ANY, FT_T_STRING, FT_T_NAME, FT_T_KEYWORD, FT_T_MAP, FT_T_BOOL, FT_T_TRUE, FT_T_COUNT, FT_T_POSITIVE, FT_T_STATUS, FT_T_TIMES,
  FT_T_DURATION, FT_T_INSTANT, FT_T_FN, FT_T_PATTERN, FT_T_DATA, FT_T_ERROR, FT_T_KV, FT_T_KV_PATTERNS, FT_T_COUNTS, FT_T_ACTION,
  FT_T_OUTCOME, FT_T_POINT, FT_T_RUN_STATUS, FT_T_WAIT_KIND, FT_T_RESPONSE, FT_T_ANSWERS, FT_T_STEPS, FT_T_EVENTS, FT_T_CRASHES,
  FT_T_EXPECT, FT_T_EXPECT_ERROR, FT_T_EXPECT_WAIT, FT_T_EXPECT_STEPS, FT_T_EXPECT_TIME, FT_T_CASES, FT_T_DEFAULTS, FT_T_PLACES
};

#define FT_KEY_ROW(map, name, required, type, doc) {FT_##map, name, required, doc},
const FtKey flowtest_keys[] = {FT_KEYS(FT_KEY_ROW)};
const size_t flowtest_nkeys = sizeof flowtest_keys / sizeof *flowtest_keys;
#define FT_TYPE_ROW(map, name, required, type, doc) FT_T_##type,
static const enum FtType key_types[] = {FT_KEYS(FT_TYPE_ROW)};
#define FT_MAP_ROW(name, title, text) {title, text},
const FtMapInfo flowtest_maps[FT_MAPS_COUNT] = {FT_MAPS(FT_MAP_ROW)};

typedef struct Reading {
  Check c; /* first: every function below gets it as its Check */
  Env *env;
  TestFile *f;
  Val mentioned; /* keywords of the flow; nil: not known */
} Reading;

static void check_map(Check *c, enum FtMap which, Val m, At at);
static void check_value(Check *c, enum FtType type, const char *key, Val v, At at);

static void must(Check *c, At at, const char *key, const char *what, Val v) {
  diag_add(c, DIAG_test_value_invalid, at, NULL, ":%s must be %s, got %s", key, what, val_text(v));
}

/* --- leaves ----------------------------------------------------------------------------------------------------------------- */
static bool int_at_least(Val v, int64_t least, int64_t most) { return is_long(v) && long_of(v) >= least && long_of(v) <= most; }
static bool is_name(Val v) { return (is_str(v) && str_n(v)) || is_kw(v); }
static bool is_count(Val v) { return int_at_least(v, 0, INT32_MAX); }
static bool is_positive(Val v) { return int_at_least(v, 1, INT32_MAX); }
static bool is_status(Val v) { return int_at_least(v, 100, 599); }
static bool is_times(Val v) { return is_positive(v) || kw_is(v, "any"); }
static bool is_true(Val v) { return same(v, TRUE_V); }
static bool is_error(Val v) { return is_kw(v) || is_str(v) || is_map(v); }
static bool is_text(Val v) { return is_str(v); }
static bool is_bool_val(Val v) { return is_bool(v); }
static bool is_map_val(Val v) { return is_map(v); }
static bool is_kw_val(Val v) { return is_kw(v); }
static bool is_duration(Val v) {
  int64_t ms;
  Err e = {0};
  return duration_of(v, DURATION_MS, "", &ms, &e);
}
static bool is_instant(Val v) {
  int64_t ms;
  return test_instant(v, &ms);
}

bool test_instant(Val v, int64_t *ms) {
  if (is_str(v)) v = inst_parse(v);
  if (is_sig(v)) pend.ex = NIL;
  if (!is_type(v, T_INST)) return false;
  *ms = AS(Inst, v)->ms;
  return true;
}

int64_t test_duration(Val v) {
  int64_t ms = 0;
  Err e = {0};
  duration_of(v, DURATION_MS, "", &ms, &e);
  return ms;
}

static const struct { enum FtType type; bool (*ok)(Val); const char *what; } leaves[] = {
    {FT_T_STRING, is_text, "a string"},
    {FT_T_NAME, is_name, "a non-empty string or a keyword"},
    {FT_T_KEYWORD, is_kw_val, "a keyword"},
    {FT_T_MAP, is_map_val, "a map"},
    {FT_T_BOOL, is_bool_val, "true or false"},
    {FT_T_TRUE, is_true, "true"},
    {FT_T_COUNT, is_count, "a whole number, 0 or more"},
    {FT_T_POSITIVE, is_positive, "a whole number, 1 or more"},
    {FT_T_STATUS, is_status, "an HTTP status, 100 to 599"},
    {FT_T_TIMES, is_times, "a whole number, 1 or more, or :any"},
    {FT_T_DURATION, is_duration, "a duration such as \"250ms\" \"10s\" \"45m\" \"2h\" \"30d\""},
    {FT_T_INSTANT, is_instant, "a time such as \"2026-01-01T00:00:00Z\""},
    {FT_T_ERROR, is_error, "an error type such as :timeout, a message, or a map {:type .. :message ..}"}};

static const struct { enum FtType type; const char *words; } choices[] = {
    {FT_T_ACTION, "answer approve reject retry skip"},
    {FT_T_OUTCOME, "delivered kept duplicate"},
    {FT_T_POINT, "before-intent after-intent before-result after-result"},
    {FT_T_RUN_STATUS, "completed failed waiting"},
    {FT_T_WAIT_KIND, "wait sleep checkpoint child"}};

static bool check_leaf(Check *c, enum FtType type, const char *key, Val v, At at) {
  for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++)
    if (leaves[i].type == type) return leaves[i].ok(v) || (must(c, at, key, leaves[i].what, v), true);
  return false;
}

static bool word_in(const char *words, const char *w) {
  size_t n = strlen(w);
  for (const char *p = words; n && (p = strstr(p, w)); p += n)
    if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
  return false;
}

static bool check_choice(Check *c, enum FtType type, const char *key, Val v, At at) {
  for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
    if (choices[i].type != type) continue;
    Buf b = {0};
    buf_c(&b, "one of");
    for (const char *p = choices[i].words; *p; p += strspn(p, " ")) {
      size_t n = strcspn(p, " ");
      buf_fmt(&b, " :%.*s", (int)n, p);
      p += n;
    }
    if (!is_kw(v) || !is_nil(AS(Kw, v)->ns) || !word_in(choices[i].words, str_s(AS(Kw, v)->name))) must(c, at, key, buf_cstr(&b), v);
    buf_free(&b);
    return true;
  }
  return false;
}

/* --- code in patterns ------------------------------------------------------------------------------------------------------- */
static void check_fn(Check *c, Val form, At at) {
  Reading *r = (Reading *)c;
  Val v = match_prepare(r->env, form, r->f->path, false);
  Val ex = is_sig(v) ? pend.ex : NIL;
  pend.ex = NIL;
  if (!is_sig(v)) return;
  diag_add(c, DIAG_test_code_invalid, at_form(c, form, at), NULL, "%.300s",
           is_type(ex, T_EX) && is_str(AS(Ex, ex)->msg) ? str_s(AS(Ex, ex)->msg) : "the code does not compile");
}

static void check_pattern(Check *c, Val p, At at, bool exact) {
  bool quoted;
  unquote_form(p, &quoted);
  if (quoted) return;
  if (match_is_code(p) && !exact) check_fn(c, p, at);
  else if (match_is_code(p) && is_type(p, T_LIST))
    diag_add(c, DIAG_test_value_invalid, at_form(c, p, at), "write a list as a vector or quote it; functions belong into :matches",
             "exact data cannot hold code, got %s", val_text(p));
  else if (is_map(p)) {
    MapIter it;
    Val k, v;
    map_iter(&it, p);
    while (map_next(&it, &k, &v)) check_pattern(c, v, at_entry(c, at, k), exact);
  } else if (is_vec(p)) {
    for (uint32_t i = 0; i < vec_count(p); i++) check_pattern(c, vec_nth(p, i), at_kid(c, at, i, vec_nth(p, i)), exact);
  }
}

static void check_fn_value(Check *c, const char *key, Val v, At at) {
  if (match_is_code(v)) check_fn(c, v, at);
  else must(c, at, key, "a function such as (fn [x] ...)", v);
}

/* --- collections ------------------------------------------------------------------------------------------------------------ */
typedef void (*ItemCheck)(Check *c, const char *key, Val v, At at);

static void each(Check *c, const char *key, Val v, At at, ItemCheck f) {
  for (uint32_t i = 0; i < vec_count(v); i++) {
    path_push(c, fix(i));
    f(c, key, vec_nth(v, i), at_kid(c, at, i, vec_nth(v, i)));
    path_pop(c);
  }
}

static void each_entry(Check *c, const char *key, Val v, At at, bool (*key_ok)(Val), const char *keys, ItemCheck f) {
  MapIter it;
  Val k, x;
  if (!is_map(v)) {
    must(c, at, key, "a map", v);
    return;
  }
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    path_push(c, k);
    if (!key_ok(k)) diag_add(c, DIAG_test_value_invalid, at_key(c, at, k), NULL, "the keys of :%s are %s, got %s", key, keys, val_text(k));
    f(c, key, x, at_entry(c, at, k));
    path_pop(c);
  }
}

static void any_item(Check *c, const char *key, Val v, At at) { (void)c, (void)key, (void)v, (void)at; }
static void pattern_item(Check *c, const char *key, Val v, At at) { (void)key, check_pattern(c, v, at, false); }
static void count_item(Check *c, const char *key, Val v, At at) {
  if (!is_count(v)) must(c, at, key, "a map of step id -> how often", v);
}

static void map_or(Check *c, enum FtMap which, const char *key, Val v, At at, bool (*other)(Val), const char *what) {
  if (is_map(v)) check_map(c, which, v, at);
  else if (!other || !other(v)) must(c, at, key, what, v);
}

static void answer_item(Check *c, const char *key, Val v, At at) {
  map_or(c, FT_ANSWER, key, v, at, NULL, "an answer such as {:value ..}");
}
static void one_of_answers(Check *c, const char *key, Val v, At at) {
  if (is_map(v) && !is_nil(map_get_kw(v, "real")))
    diag_add(c, DIAG_test_key_conflict, at, "write :steps {:id {:real true}}", ":real is for all calls of a step, not for one of several");
  answer_item(c, key, v, at);
}
static void answers_item(Check *c, const char *key, Val v, At at) {
  if (is_vec(v)) each(c, key, v, at, one_of_answers);
  else map_or(c, FT_ANSWER, key, v, at, NULL, "an answer {:value ..} for every call, or a vector with one for each");
}
static void event_item(Check *c, const char *key, Val v, At at) {
  map_or(c, FT_EVENT, key, v, at, NULL, "a map such as {:step .. :value ..}");
}
static void crash_item(Check *c, const char *key, Val v, At at) {
  map_or(c, FT_CRASH, key, v, at, NULL, "{:step .. :point ..}, a vector of these, or :everywhere");
}
static void step_item(Check *c, const char *key, Val v, At at) {
  map_or(c, FT_EXPECT_STEP, key, v, at, is_kw_val, "a step id or a map {:step ..}");
}
static void case_item(Check *c, const char *key, Val v, At at) {
  map_or(c, FT_CASE, key, v, at, NULL, "a map such as {:name .. :expect ..}");
}

static void place_item(Check *c, const char *key, Val v, At at) {
  if (!is_str(v)) must(c, at, key, "the path of a folder or file", v);
}

static void vector_of(Check *c, const char *key, Val v, At at, ItemCheck f) {
  if (is_vec(v)) each(c, key, v, at, f);
  else must(c, at, key, "a vector", v);
}

static void check_defaults(Check *c, Val v, At at) {
  if (!is_map(v)) {
    must(c, at, "defaults", "a map with keys of a case", v);
    return;
  }
  Val m = map_assoc(v, kw_c("name"), str_c("-")); /* what a case needs, defaults need not */
  if (is_nil(map_get_kw(m, "expect"))) m = map_assoc(m, kw_c("expect"), map_from((Val[]){kw_c("status"), kw_c("completed")}, 1, false));
  check_map(c, FT_CASE, m, at);
}

static void check_value(Check *c, enum FtType type, const char *key, Val v, At at) {
  if (check_leaf(c, type, key, v, at) || check_choice(c, type, key, v, at)) return;
  switch (type) {
  case FT_T_FN: check_fn_value(c, key, v, at); break;
  case FT_T_PATTERN: check_pattern(c, v, at, false); break;
  case FT_T_DATA: check_pattern(c, v, at, true); break;
  case FT_T_KV: each_entry(c, key, v, at, is_name, "strings or keywords", any_item); break;
  case FT_T_KV_PATTERNS: each_entry(c, key, v, at, is_name, "strings or keywords", pattern_item); break;
  case FT_T_COUNTS: each_entry(c, key, v, at, is_kw_val, "step ids", count_item); break;
  case FT_T_STEPS: each_entry(c, key, v, at, is_kw_val, "step ids", answers_item); break;
  case FT_T_RESPONSE: map_or(c, FT_RESPONSE, key, v, at, NULL, "a map such as {:status 200 :body {..}}"); break;
  case FT_T_ANSWERS: vector_of(c, key, v, at, one_of_answers); break;
  case FT_T_EVENTS: vector_of(c, key, v, at, event_item); break;
  case FT_T_CRASHES:
    if (is_vec(v)) each(c, key, v, at, crash_item);
    else if (!kw_is(v, "everywhere")) crash_item(c, key, v, at);
    break;
  case FT_T_EXPECT: map_or(c, FT_EXPECT, key, v, at, NULL, "a map such as {:result ..}"); break;
  case FT_T_EXPECT_ERROR:
    map_or(c, FT_EXPECT_ERROR, key, v, at, is_kw_val, "an error type such as :timeout, or a map {:type .. :message ..}");
    break;
  case FT_T_EXPECT_WAIT: map_or(c, FT_EXPECT_WAIT, key, v, at, is_kw_val, "a step id, or a map {:step .. :key ..}"); break;
  case FT_T_EXPECT_STEPS: vector_of(c, key, v, at, step_item); break;
  case FT_T_EXPECT_TIME: map_or(c, FT_EXPECT_TIME, key, v, at, is_duration, "a duration such as \"30d\", or {:min .. :max ..}"); break;
  case FT_T_PLACES: vector_of(c, key, v, at, place_item); break;
  case FT_T_CASES: vector_of(c, key, v, at, case_item); break;
  case FT_T_DEFAULTS: check_defaults(c, v, at); break;
  default: break;
  }
}

/* --- rules between keys ----------------------------------------------------------------------------------------------------- */
static int given(Val m, const char *const *keys, size_t n) {
  int k = 0;
  for (size_t i = 0; i < n; i++) k += !same(map_get(m, kw_c(keys[i]), ABSENT), ABSENT);
  return k;
}

static void check_answer(Check *c, Val m, At at) {
  static const char *const kinds[] = {"value", "response", "error", "fn", "attempts", "real"};
  int n = given(m, kinds, sizeof kinds / sizeof *kinds);
  if (n > 1)
    diag_add(c, DIAG_test_key_conflict, at, NULL, "an answer has one of :value :response :error :fn :attempts :real, here are %d", n);
  if (!n)
    diag_add(c, DIAG_test_key_missing, at, "to have the step give this map, write {:value {..}}",
             "an answer needs one of :value :response :error :fn :attempts :real");
}

static void check_expect(Check *c, Val m, At at) {
  static const char *const values[] = {"result", "matches", "pred"};
  Val status = map_get_kw(m, "status");
  bool value = given(m, values, 3) > 0, error = given(m, (const char *const[]){"error"}, 1),
       wait = given(m, (const char *const[]){"waits-on"}, 1);
  if (!map_count(m)) diag_add(c, DIAG_test_key_missing, at, NULL, ":expect is empty: say at least {:status :completed}");
  if (value + error + wait > 1)
    diag_add(c, DIAG_test_key_conflict, at, NULL, "a run ends in one way: with a value (:result :matches :pred), an :error, or :waits-on");
  if (is_kw(status) &&
      ((value && !kw_is(status, "completed")) || (error && !kw_is(status, "failed")) || (wait && !kw_is(status, "waiting"))))
    diag_add(c, DIAG_test_key_conflict, at_field(c, at, "status"), NULL, ":status %s does not go with the other keys", val_text(status));
}

static void check_rules(Check *c, enum FtMap which, Val m, At at) {
  bool step = !is_nil(map_get_kw(m, "step")), time = !is_nil(map_get_kw(m, "at"));
  switch (which) {
  case FT_ANSWER: check_answer(c, m, at); break;
  case FT_EXPECT: check_expect(c, m, at); break;
  case FT_EVENT:
    if (step && !is_nil(map_get_kw(m, "key"))) diag_add(c, DIAG_test_key_conflict, at, NULL, "an event has a :key or a :step");
    if (!step && is_nil(map_get_kw(m, "key")))
      diag_add(c, DIAG_test_key_missing, at, NULL, "an event needs the :step that waits, or its :key");
    break;
  case FT_CRASH:
    if (step == time) diag_add(c, step ? DIAG_test_key_conflict : DIAG_test_key_missing, at, NULL, "a crash is at a :step or :at a time");
    break;
  default: break;
  }
}

static const char *nearest_key(enum FtMap which, Val k) {
  const char *names[32];
  size_t n = 0;
  for (size_t i = 0; i < flowtest_nkeys && n < 32; i++)
    if (flowtest_keys[i].map == which) names[n++] = flowtest_keys[i].name;
  return is_kw(k) ? nearest_name(str_s(AS(Kw, k)->name), names, n) : NULL;
}

static void list_keys(enum FtMap which, Buf *b) {
  for (size_t i = 0; i < flowtest_nkeys; i++)
    if (flowtest_keys[i].map == which) buf_fmt(b, "%s:%s", b->n ? " " : "", flowtest_keys[i].name);
}

static void unknown_key(Check *c, enum FtMap which, Val k, At at) {
  const char *near = nearest_key(which, k);
  Buf hint = {0}, keys = {0};
  list_keys(which, &keys);
  if (near) buf_fmt(&hint, "did you mean :%s?", near);
  else buf_fmt(&hint, "its keys are %s", buf_cstr(&keys));
  const char *title = flowtest_maps[which].title;
  diag_add(c, DIAG_test_key_unknown, at, buf_cstr(&hint), "%s is no key of %c%s", val_text(k), title[0] | 0x20, title + 1);
  buf_free(&hint);
  buf_free(&keys);
}

static void check_map(Check *c, enum FtMap which, Val m, At at) {
  MapIter it;
  Val k, v;
  for (size_t i = 0; i < flowtest_nkeys; i++) {
    const FtKey *key = &flowtest_keys[i];
    if (key->map != which) continue;
    v = map_get(m, kw_c(key->name), ABSENT);
    path_kw(c, key->name);
    if (!same(v, ABSENT)) check_value(c, key_types[i], key->name, v, at_field(c, at, key->name));
    else if (key->required)
      diag_add(c, DIAG_test_key_missing, at, NULL, "%s needs :%s, %s", flowtest_maps[which].title, key->name,
               *key->doc ? key->doc : "see the format");
    path_pop(c);
  }
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    bool known = false;
    for (size_t i = 0; i < flowtest_nkeys && !known; i++) known = flowtest_keys[i].map == which && kw_is(k, flowtest_keys[i].name);
    if (!known) unknown_key(c, which, k, at_key(c, at, k));
  }
  check_rules(c, which, m, at);
}

/* --- against the flow ------------------------------------------------------------------------------------------------------- */
static Val mentioned_in(Val form, Val set, int depth) {
  if (depth > 400) return set;
  if (is_kw(form)) return set_conj(set, form);
  if (is_map(form) || is_set(form)) {
    MapIter it;
    Val k, v;
    map_iter(&it, form);
    while (map_next(&it, &k, &v)) set = mentioned_in(v, mentioned_in(k, set, depth + 1), depth + 1);
  } else if (is_sequential(form)) {
    SeqIter it;
    Val x;
    if (is_sig(seq_iter(&it, form))) return set;
    while (same(seq_iter_next(&it, &x), TRUE_V)) set = mentioned_in(x, set, depth + 1);
  }
  return set;
}

/* :send/confirm is a part of :send, and :text/greeting gives the step :greeting. */
static bool mentioned(Val all, Val id) {
  MapIter it;
  Val k, same_key;
  if (!same(set_get(all, id, ABSENT), ABSENT)) return true;
  Val ns = AS(Kw, id)->ns, name = AS(Kw, id)->name;
  map_iter(&it, all);
  while (map_next(&it, &k, &same_key)) {
    if (!is_nil(ns) && str_eq_c(AS(Kw, k)->name, str_s(ns))) return true;
    if (is_nil(ns) && !is_nil(AS(Kw, k)->ns) && str_eq_c(AS(Kw, k)->name, str_s(name))) return true;
  }
  return false;
}

static void check_step_id(Check *c, Val id, At at) {
  Reading *r = (Reading *)c;
  if (is_kw(id) && !mentioned(r->mentioned, id))
    diag_warn(c, DIAG_test_step_unknown, at, NULL, "there is no step %s in %s", val_text(id), r->f->flow_path);
}

static void check_case_steps(Check *c, Val m, At at) {
  MapIter it;
  Val k, v, steps = map_get_kw(m, "steps"), expect = map_get_kw(m, "expect"), list = map_get_kw(expect, "steps");
  At steps_at = at_field(c, at, "steps"), list_at = at_field(c, at_field(c, at, "expect"), "steps");
  Val all = map_get_kw(((Reading *)c)->f->map, "defaults");
  bool others = !is_nil(map_get_kw(m, "flows")) || !is_nil(map_get_kw(all, "flows")); /* steps of these may be answered, too */
  if (is_map(steps) && !others) {
    map_iter(&it, steps);
    while (map_next(&it, &k, &v)) check_step_id(c, k, at_key(c, steps_at, k));
  }
  for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) {
    Val x = vec_nth(list, i);
    check_step_id(c, is_map(x) ? map_get_kw(x, "step") : x, at_kid(c, list_at, i, x));
  }
}

static void check_against_flow(Reading *r) {
  Check *c = &r->c;
  Val cases = map_get_kw(r->f->map, "cases");
  At at = at_field(c, c->root, "cases");
  r->mentioned = mentioned_in(r->f->flow->body, set_empty, 0);
  check_case_steps(c, map_get_kw(r->f->map, "defaults"), at_field(c, c->root, "defaults"));
  for (uint32_t i = 0; i < vec_count(cases); i++) check_case_steps(c, vec_nth(cases, i), at_kid(c, at, i, vec_nth(cases, i)));
}

/* --- the file --------------------------------------------------------------------------------------------------------------- */
static void check_names(Check *c, Val cases, At at) {
  Val seen = set_empty;
  for (uint32_t i = 0; is_vec(cases) && i < vec_count(cases); i++) {
    Val m = vec_nth(cases, i), name = map_get_kw(m, "name");
    if (!is_name(name)) continue;
    if (!same(set_get(seen, name, ABSENT), ABSENT))
      diag_add(c, DIAG_test_case_duplicate, at_field(c, at_kid(c, at, i, m), "name"), NULL, "there is another case named %s",
               val_text(name));
    seen = set_conj(seen, name);
  }
}

/* Keys that a case and the defaults both have are merged one level deep. */
static Val with_defaults(Val defaults, Val m) {
  static const char *const deep[] = {"input", "steps", "kv"};
  if (!is_map(defaults)) return m;
  Val out = map_merge(defaults, m);
  for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
    Val a = map_get_kw(defaults, deep[i]), b = map_get_kw(m, deep[i]);
    if (is_map(a) && is_map(b)) out = map_assoc(out, kw_c(deep[i]), map_merge(a, b));
  }
  Val own = map_get_kw(m, "steps");
  return map_assoc(out, kw_c(TEST_OWN_STEPS), is_map(own) ? own : map_empty);
}

static char *text_copy(const char *s) {
  size_t n = strlen(s) + 1;
  return memcpy(mem_raw(n), s, n);
}

char *test_beside(const char *path, const char *name) {
  const char *slash = strrchr(path, '/');
  Buf b = {0};
  if (slash && *name != '/') buf_add(&b, path, (size_t)(slash - path + 1));
  buf_c(&b, name);
  char *s = text_copy(buf_cstr(&b));
  buf_free(&b);
  return s;
}

static char *default_flow(const char *path) {
  static const char end[] = ".test.edn";
  size_t n = strlen(path), k = sizeof end - 1;
  if (n <= k || strcmp(path + n - k, end)) return test_beside(path, "flow.edn");
  Buf b = {0};
  buf_add(&b, path, n - k);
  buf_c(&b, ".edn");
  char *own = text_copy(buf_cstr(&b));
  buf_free(&b);
  return access(own, F_OK) ? test_beside(path, "flow.edn") : own;
}

bool test_file_text(const char *path, Buf *b) {
  FILE *f = fopen(path, "rb");
  char chunk[65536];
  size_t n;
  if (!f) return false;
  while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) buf_add(b, chunk, n);
  bool ok = !ferror(f);
  fclose(f);
  buf_cstr(b);
  return ok;
}

static bool load_flow(Reading *r, Buf *more) {
  Check *c = &r->c;
  Val named = map_get_kw(r->f->map, "flow");
  Buf text = {0};
  r->f->flow_path = is_str(named) ? test_beside(r->f->path, str_s(named)) : default_flow(r->f->path);
  if (!test_file_text(r->f->flow_path, &text)) {
    diag_add(c, DIAG_test_flow_missing, is_nil(named) ? c->root : at_field(c, c->root, "flow"),
             is_nil(named) ? "name it: :flow \"my.edn\"" : NULL, "cannot read the flow %s: %s", r->f->flow_path, strerror(errno));
    return false;
  }
  Diags d = {0};
  r->f->flow = flowdef_read_file(buf_cstr(&text), text.n, r->f->flow_path, &d);
  if (!r->f->flow) {
    diags_print(&d, r->f->flow_path, more);
    diag_add(c, DIAG_test_flow_missing, is_nil(named) ? c->root : at_field(c, c->root, "flow"), NULL, "the flow %s does not read",
             r->f->flow_path);
  }
  diags_free(&d);
  buf_free(&text);
  return r->f->flow != NULL;
}

static void take_cases(TestFile *f) {
  Val cases = map_get_kw(f->map, "cases"), defaults = map_get_kw(f->map, "defaults");
  f->cases = vec_empty;
  for (uint32_t i = 0; i < vec_count(cases); i++) f->cases = vec_conj(f->cases, with_defaults(defaults, vec_nth(cases, i)));
}

/* A case may leave what it needs to the defaults. */
static void check_file(Reading *r) {
  Check *c = &r->c;
  Val defaults = map_get_kw(r->f->map, "defaults"), cases = map_get_kw(r->f->map, "cases"), whole = r->f->map;
  if (is_map(defaults) && !is_nil(map_get_kw(defaults, "expect")) && is_vec(cases)) {
    Val filled = vec_empty;
    for (uint32_t i = 0; i < vec_count(cases); i++) {
      Val m = vec_nth(cases, i);
      bool needs = is_map(m) && same(map_get(m, kw_c("expect"), ABSENT), ABSENT);
      filled = vec_conj(filled, needs ? map_assoc(m, kw_c("expect"), map_get_kw(defaults, "expect")) : m);
    }
    whole = map_assoc(whole, kw_c("cases"), filled);
  }
  check_map(c, FT_FILE, whole, c->root);
  if (is_map(defaults) && !is_nil(map_get_kw(defaults, "name")))
    diag_add(c, DIAG_test_key_unknown, at_field(c, at_field(c, c->root, "defaults"), "name"), NULL, "each case has a :name of its own");
  if (is_vec(cases) && !vec_count(cases)) diag_add(c, DIAG_test_value_invalid, at_field(c, c->root, "cases"), NULL, ":cases is empty");
  check_names(c, cases, at_field(c, c->root, "cases"));
}

TestFile *flowtest_read(const char *text, size_t n, const char *path, bool flow, Diags *d, Buf *more) {
  int errors = d->errors;
  Val map;
  if (!diags_read_map(text, n, path, "test file", &map, d)) return NULL;
  TestFile *f = mem_alloc(sizeof *f);
  *f = (TestFile){.path = text_copy(path), .map = map, .cases = vec_empty};
  Reading r = {.c = {.d = d}, .f = f, .env = env_new(), .mentioned = NIL};
  r.env->sandbox = true;
  pos_init(&r.c.pos, text, n);
  r.c.root = at_node(&r.c, pos_value(&r.c.pos, pos_root(&r.c.pos)), (At){NULL, 1, 1});
  check_file(&r);
  if (flow && load_flow(&r, more) && d->errors == errors) check_against_flow(&r);
  pos_free(&r.c.pos);
  diags_sort(d);
  if (d->errors != errors) return NULL;
  take_cases(f);
  return f;
}

size_t flowtest_count(const TestFile *f) { return vec_count(f->cases); }
const char *flowtest_name(const TestFile *f, size_t i) {
  Val name = map_get_kw(vec_nth(f->cases, (uint32_t)i), "name");
  return str_s(is_kw(name) ? AS(Kw, name)->name : name);
}
