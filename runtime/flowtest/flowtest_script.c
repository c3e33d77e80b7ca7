/* flowtest_script.c - the answers of a case: which one a call gets, and what it comes to. */
#include "runtime/base/duration.h"
#include "flowtest_int.h"
#include "runtime/http/http_blob.h"
#include "runtime/http/http_result.h"
#include "runtime/base/json.h"
#include <stdio.h>
#include <stdlib.h>

/* --- preparing -------------------------------------------------------------------------------------------------------------- */
static Val prepare_answers(Script *s, Val v);

static Val prepare_answer(Script *s, Val a) {
  static const char *const code[] = {"fn", "input"};
  if (!is_map(a)) return ex_throw(EXC_ILLEGAL_ARG, "an answer is a map such as {:value ..}"); /* a fixture may be edited by hand */
  for (size_t i = 0; i < 2; i++) {
    Val p = map_get(a, kw_c(code[i]), ABSENT);
    if (same(p, ABSENT)) continue;
    TRY(ready, match_prepare(s->env, p, s->file, false));
    a = map_assoc(a, kw_c(code[i]), ready);
  }
  Val attempts = map_get_kw(a, "attempts");
  if (!is_vec(attempts)) return a;
  TRY(ready, prepare_answers(s, attempts));
  return map_assoc(a, kw_c("attempts"), ready);
}

static Val prepare_answers(Script *s, Val v) {
  if (is_map(v)) return prepare_answer(s, v);
  Val out = vec_empty;
  if (!is_vec(v)) return prepare_answer(s, v);
  for (uint32_t i = 0; i < vec_count(v); i++) {
    TRY(a, prepare_answer(s, vec_nth(v, i)));
    out = vec_conj(out, a);
  }
  return out;
}

static bool add_answers(Script *s, Val steps, bool own, Buf *why) {
  MapIter it;
  Val k, v;
  if (!is_map(steps)) return true;
  map_iter(&it, steps);
  while (map_next(&it, &k, &v)) {
    Val ready = prepare_answers(s, v);
    if (is_sig(ready)) {
      Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
      buf_fmt(why, "the answers of :%s: %s\n", kw_text(k), is_str(msg) ? str_s(msg) : "cannot be compiled");
      return false;
    }
    s->answers = map_assoc(s->answers, k, ready);
    if (own) s->own = set_conj(s->own, k);
    else s->own = set_disj(s->own, k);
  }
  return true;
}

bool script_init(Script *s, Env *env, const char *file, Val tcase, Val recorded, Buf *why) {
  *s =
      (Script){.env = env, .file = file, .answers = map_empty, .own = set_empty, .ncalls = map_empty, .seen = map_empty, .used = set_empty};
  Val all = map_get_kw(tcase, "steps"), own = map_get_kw(tcase, TEST_OWN_STEPS);
  return add_answers(s, recorded, true, why) && add_answers(s, all, !is_map(own), why) && add_answers(s, own, true, why);
}

/* --- choosing --------------------------------------------------------------------------------------------------------------- */
bool script_has(const Script *s, Val id) { return !same(map_get(s->answers, id, ABSENT), ABSENT); }
bool script_real(const Script *s, Val id) { return truthy(map_get_kw(map_get(s->answers, id, NIL), "real")); }

int script_call(Script *s, Val id, const char *key) {
  Val k = str_c(key), n = map_get(s->seen, k, NIL);
  if (is_fix(n)) return (int)fix_of(n);
  n = map_get(s->ncalls, id, fix(0));
  n = fix(fix_of(n) + 1);
  s->ncalls = map_assoc(s->ncalls, id, n);
  s->seen = map_assoc(s->seen, k, n);
  return (int)fix_of(n);
}

static int64_t times_of(Val a) {
  Val t = map_get_kw(a, "times");
  return kw_is(t, "any") ? INT32_MAX : is_long(t) ? long_of(t) : 1;
}

/* Index of the answer for the n-th of what a vector is about (calls, attempts); -1 none. */
static int nth_answer(Val list, int n) {
  for (uint32_t i = 0; i < vec_count(list); i++) {
    int64_t t = times_of(vec_nth(list, i));
    if (n <= t) return (int)i;
    n -= (int)t;
  }
  return -1;
}

static void mark(Script *s, Val id, int answer, int attempt) {
  Val key[] = {id, fix(answer), fix(attempt)};
  s->used = set_conj(s->used, vec_from(key, 3));
}

Val script_answer(Script *s, Val id, int call, int attempt) {
  Val list = map_get(s->answers, id, ABSENT), a = list;
  int i = 0, j = 0;
  if (same(list, ABSENT)) return ABSENT;
  if (is_vec(list)) {
    if ((i = nth_answer(list, call)) < 0) return ABSENT;
    a = vec_nth(list, (uint32_t)i);
  }
  Val attempts = map_get_kw(a, "attempts");
  if (is_vec(attempts)) {
    if ((j = nth_answer(attempts, attempt)) < 0) return ABSENT;
    Val one = vec_nth(attempts, (uint32_t)j), input = map_get(a, kw_c("input"), ABSENT);
    a = same(input, ABSENT) ? one : map_assoc(one, kw_c("input"), map_get(one, kw_c("input"), input));
  }
  mark(s, id, i, j);
  return a;
}

/* --- what was not used ------------------------------------------------------------------------------------------------------ */
static bool is_used(const Script *s, Val id, uint32_t answer, uint32_t attempt) {
  Val key[] = {id, fix(answer), fix(attempt)};
  return !same(set_get(s->used, vec_from(key, 3), ABSENT), ABSENT);
}

/* How much of an answer was not used: its attempts, or itself. */
static uint32_t unused_parts(const Script *s, Val id, Val a, uint32_t i, uint32_t *n) {
  Val attempts = map_get_kw(a, "attempts");
  uint32_t unused = 0;
  *n = is_vec(attempts) ? vec_count(attempts) : 1;
  if (kw_is(map_get_kw(a, "times"), "any") || truthy(map_get_kw(a, "real"))) return 0;
  for (uint32_t j = 0; j < *n; j++) unused += !is_used(s, id, i, j);
  return unused;
}

/* One paragraph for all answers of a step. */
static void unused_answers(const Script *s, Val id, Val list, Buf *out) {
  Buf which = {0};
  uint32_t n, total = is_vec(list) ? vec_count(list) : 1;
  int found = 0;
  for (uint32_t i = 0; i < total; i++) {
    uint32_t unused = unused_parts(s, id, is_vec(list) ? vec_nth(list, i) : list, i, &n);
    if (!unused || ++found > 10) continue;
    buf_fmt(&which, "%s%u", found > 1 ? ", " : "", i + 1);
    if (unused < n) buf_fmt(&which, " (its last %u attempt%s)", unused, unused == 1 ? "" : "s");
  }
  int64_t calls = fix_of(map_get(s->ncalls, id, fix(0)));
  if (found)
    buf_fmt(out, "answer%s %s%s of step :%s %s never used\n  the step was called %lld time%s\n", found > 1 ? "s" : "", buf_cstr(&which),
            found > 10 ? " ..." : "", id_text(id), found > 1 ? "were" : "was", (long long)calls, calls == 1 ? "" : "s");
  buf_free(&which);
}

void script_unused(const Script *s, Buf *out) {
  MapIter it;
  Val id, list;
  map_iter(&it, s->answers);
  while (map_next(&it, &id, &list))
    if (!same(set_get(s->own, id, ABSENT), ABSENT)) unused_answers(s, id, list, out);
}

/* --- what it comes to ------------------------------------------------------------------------------------------------------- */
static Val error_of(Val e, int64_t *retry_after) {
  Buf b = {0};
  Val m = is_map(e) ? e : map_empty, after = map_get_kw(m, "retry-after");
  if (!is_nil(after)) {
    *retry_after = test_duration(after);
    m = map_dissoc(m, kw_c("retry-after"));
  }
  if (is_kw(e)) m = map_assoc(m, kw_c("type"), e);
  if (is_str(e)) m = map_assoc(m, kw_c("message"), e);
  if (is_nil(map_get_kw(m, "type"))) m = map_assoc(m, kw_c("type"), kw_c("error"));
  if (is_nil(map_get_kw(m, "message"))) {
    buf_fmt(&b, "scripted %s", kw_text(map_get_kw(m, "type")));
    m = map_assoc(m, kw_c("message"), buf_str(&b));
  }
  return m;
}

static bool function_result(const Script *s, Val fn, const StepCall *c, int call, Val *out) {
  Val kv[] = {kw_c("call"), fix(call), kw_c("attempt"), fix(c->attempt), kw_c("now"), int_val(now_ms())};
  Val args[] = {c->journal_cfg, map_from(kv, 3, false)};
  *out = mach_call_sync(s->env, fn, args, 2);
  if (!is_sig(*out)) return true;
  *out = run_error_map(NULL, pend.ex);
  pend.ex = NIL;
  return false;
}

/* The config without what a test has no need of: bindings and secrets. */
static Val without_bindings(Val cfg) {
  if (!is_nil(map_get_kw(cfg, "connection")))
    cfg = map_assoc(map_dissoc(cfg, kw_c("connection")), kw_c("url"), str_c("http://test.invalid/"));
  return map_dissoc(map_dissoc(cfg, kw_c("auth")), kw_c("template"));
}

static char *bytes_copy(const char *s, size_t n) {
  char *p = malloc(n + 1);
  if (!p) abort();
  if (n) memcpy(p, s, n);
  p[n] = 0;
  return p;
}

static void add_header(HttpResponse *r, const char *name, const char *value) {
  r->headers = realloc(r->headers, (r->nheaders + 1) * sizeof *r->headers);
  if (!r->headers) abort();
  char *low = bytes_copy(name, strlen(name));
  for (char *p = low; *p; p++)
    if (*p >= 'A' && *p <= 'Z') *p += 'a' - 'A';
  r->headers[r->nheaders++] = (HttpHeader){low, bytes_copy(value, strlen(value)), false};
}

static void header_text(Val v, Buf *b) {
  if (is_str(v)) buf_add(b, str_s(v), str_n(v));
  else if (is_sig(print_to(b, v, &print_plain))) b->n = 0;
}

static HttpResponse *response_new(Val spec) {
  HttpResponse *r = calloc(1, sizeof *r);
  if (!r) abort();
  Val status = map_get_kw(spec, "status"), headers = map_get_kw(spec, "headers"), body = map_get_kw(spec, "body");
  r->status = is_long(status) ? (int)long_of(status) : 200;
  r->method = bytes_copy("GET", 3);
  r->url = bytes_copy("http://test.invalid/", 20);
  if (is_map(headers)) {
    MapIter it;
    Val k, v;
    map_iter(&it, headers);
    while (map_next(&it, &k, &v)) {
      Buf text = {0};
      header_text(v, &text);
      add_header(r, kw_text(k), buf_cstr(&text));
      buf_free(&text);
    }
  }
  Buf b = {0};
  if (is_str(body)) buf_add(&b, str_s(body), str_n(body));
  else if (!is_nil(body) && !is_sig(json_print(&b, body)) && !http_response_get(r, "content-type"))
    add_header(r, "content-type", "application/json");
  r->body = bytes_copy(b.p, b.n);
  r->nbody = b.n;
  buf_free(&b);
  return r;
}

static bool response_result(Val spec, const StepCall *c, Val *out, int64_t *retry_after) {
  HttpRequest req;
  HttpPlan plan;
  Val bad = http_build(without_bindings(c->cfg), NULL, NULL, &req, &plan);
  if (!is_nil(bad)) {
    *out = is_map(bad) ? bad : run_error_map(NULL, pend.ex);
    return false;
  }
  HttpResponse *r = response_new(spec);
  if (http_save_wanted(c->cfg, &plan)) plan.as = HTTP_AS_TEXT; /* :persist keeps it, and what it is does not matter */
  bool ok = http_result(r, &plan, now_ms(), out, retry_after);
  http_response_free(r);
  http_request_free(&req);
  http_plan_free(&plan);
  return ok;
}

bool script_result(const Script *s, Val a, const StepCall *c, int call, Val *out, int64_t *retry_after) {
  Val fn = map_get(a, kw_c("fn"), ABSENT), error = map_get(a, kw_c("error"), ABSENT), response = map_get(a, kw_c("response"), ABSENT);
  *retry_after = -1;
  if (!same(error, ABSENT)) return *out = error_of(error, retry_after), false;
  if (!same(fn, ABSENT)) return function_result(s, fn, c, call, out);
  if (!same(response, ABSENT)) return response_result(response, c, out, retry_after);
  *out = map_get_kw(a, "value");
  return true;
}
