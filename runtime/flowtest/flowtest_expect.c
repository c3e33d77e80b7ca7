/* flowtest_expect.c - how a run ended against what was expected of it. */
#include "runtime/base/duration.h"
#include "flowtest_int.h"
#include <stdio.h>
#include <stdlib.h>

static bool has(Val m, const char *key) { return is_map(m) && !same(map_get(m, kw_c(key), ABSENT), ABSENT); }

bool expect_waiting(Val expect) { return kw_is(map_get_kw(expect, "status"), "waiting") || has(expect, "waits-on"); }

static enum RunStatus wanted_status(Val expect) {
  if (expect_waiting(expect)) return RUN_WAITING;
  return has(expect, "error") || kw_is(map_get_kw(expect, "status"), "failed") ? RUN_FAILED : RUN_COMPLETED;
}

/* A pattern ready for matching; false: told. */
static bool ready(World *w, Val pattern, bool exact, const char *key, Val *out, Buf *b) {
  *out = match_prepare(w->env, pattern, w->file->path, exact);
  if (!is_sig(*out)) return true;
  Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
  buf_fmt(b, ":%s: %s\n", key, is_str(msg) ? str_s(msg) : "cannot be compiled");
  return false;
}

/* A paragraph: the headline, then where it differs. */
static void compare(World *w, Val pattern, Val got, bool exact, const char *key, const char *root, const char *headline, Buf *b) {
  Val want;
  Buf lines = {0};
  if (!ready(w, pattern, exact, key, &want, b)) return;
  if (match_diff(w->env, want, got, exact, root, "  ", &lines)) buf_fmt(b, "%s\n%s", headline, buf_cstr(&lines));
  buf_free(&lines);
}

/* --- the end ---------------------------------------------------------------------------------------------------------------- */
static void error_text(const World *w, Buf *b) {
  Val msg = map_get_kw(w->error, "message"), step = map_get_kw(w->error, "step-id");
  buf_c(b, "\n  error ");
  match_text(map_get_kw(w->error, "type"), 80, b);
  if (!is_nil(step)) buf_fmt(b, " of step :%s", id_text(step));
  buf_fmt(b, ": %s", is_str(msg) ? str_s(msg) : "");
  Val trace = map_get_kw(w->error, "trace");
  const char *p = is_str(trace) ? str_s(trace) : "";
  for (int i = 0; i < 4 && *p; i++) {
    size_t n = strcspn(p, "\n");
    buf_fmt(b, "\n  %.*s", (int)n, p);
    p += n + (p[n] != 0);
  }
}

static void waits_text(const World *w, Buf *b) {
  Val key = map_get_kw(w->note, "key");
  buf_fmt(b, "\n  it waits at step :%s", id_text(map_get_kw(w->note, "step")));
  if (is_str(key)) buf_fmt(b, " for an answer with the key \"%s\"", str_s(key));
  if (kw_is(map_get_kw(w->note, "waits"), "checkpoint"))
    buf_fmt(b, " for a person; answer it with :events [{:step :%s :action :retry}]", id_text(map_get_kw(w->note, "step")));
}

static bool status_ok(World *w, Val expect, Buf *b) {
  enum RunStatus want = wanted_status(expect);
  if (w->status == want) return true;
  buf_fmt(b, "the run is %s, expected %s", run_status_name(w->status), run_status_name(want));
  if (w->status == RUN_COMPLETED) {
    buf_c(b, "\n  value ");
    match_text(w->value, 300, b);
  } else if (w->status == RUN_WAITING) {
    waits_text(w, b);
  } else if (is_map(w->error)) {
    error_text(w, b);
  }
  buf_ch(b, '\n');
  return false;
}

static void check_value(World *w, Val expect, Buf *b) {
  if (has(expect, "result")) compare(w, map_get_kw(expect, "result"), w->value, true, "result", "the result", "the result differs", b);
  if (has(expect, "matches"))
    compare(w, map_get_kw(expect, "matches"), w->value, false, "matches", "the result", "the result does not match", b);
  if (has(expect, "pred"))
    compare(w, map_get_kw(expect, "pred"), w->value, false, "pred", "the result", "the result is refused by :pred", b);
}

static Val error_pattern(Val e) {
  static const char *const keys[][2] = {{"type", "type"}, {"message", "message"}, {"step", "step-id"}, {"attempt", "attempt"}};
  Val m = has(e, "data") && is_map(map_get_kw(e, "data")) ? map_get_kw(e, "data") : map_empty;
  if (is_kw(e)) return map_assoc(m, kw_c("type"), e);
  for (size_t i = 0; i < 4; i++)
    if (has(e, keys[i][0])) m = map_assoc(m, kw_c(keys[i][1]), map_get_kw(e, keys[i][0]));
  return m;
}

static Val wait_pattern(Val v) {
  static const char *const keys[][2] = {{"step", "step"}, {"key", "key"}, {"kind", "waits"}};
  Val m = map_empty;
  if (is_kw(v)) return map_assoc(m, kw_c("step"), v);
  for (size_t i = 0; i < 3; i++)
    if (has(v, keys[i][0])) m = map_assoc(m, kw_c(keys[i][1]), map_get_kw(v, keys[i][0]));
  return m;
}

/* --- steps ------------------------------------------------------------------------------------------------------------------ */
static Val row_map(const TestCallRow *r) {
  Val kv[] = {kw_c("step"), r->step, kw_c("type"), r->type, kw_c("input"), r->input, kw_c("output"), r->output,
              kw_c("error"), r->error, kw_c("attempts"), fix(r->attempts), kw_c("status"), r->status};
  return map_from(kv, 7, false);
}

static Val step_name(Val x) { return is_map(x) ? map_get_kw(x, "step") : x; }

static void steps_text(const World *w, Buf *b) {
  buf_c(b, "  steps taken:");
  for (size_t i = 0; i < w->calls.n; i++) {
    if (i == 40) {
      buf_fmt(b, " ... (%zu in all)", w->calls.n);
      break;
    }
    buf_fmt(b, " :%s", id_text(w->calls.a[i].step));
  }
  buf_ch(b, '\n');
}

static void check_steps(World *w, Val list, Buf *b) {
  Buf lines = {0};
  Val want = vec_empty, got = vec_empty;
  for (uint32_t i = 0; i < vec_count(list); i++) want = vec_conj(want, step_name(vec_nth(list, i)));
  for (size_t i = 0; i < w->calls.n; i++) got = vec_conj(got, w->calls.a[i].step);
  if (match_diff(w->env, want, got, true, "steps", "  ", &lines)) {
    buf_fmt(b, "the steps differ\n%s", buf_cstr(&lines));
    steps_text(w, b);
    buf_free(&lines);
    return;
  }
  for (uint32_t i = 0; i < vec_count(list); i++) {
    Val x = vec_nth(list, i);
    char head[160];
    if (!is_map(x)) continue;
    snprintf(head, sizeof head, "step %u, :%.100s, differs", i + 1, id_text(step_name(x)));
    compare(w, x, row_map(&w->calls.a[i]), false, "steps", "the step", head, b);
  }
}

static void check_counts(World *w, Val counts, bool attempts, Buf *b) {
  MapIter it;
  Val id, n;
  map_iter(&it, counts);
  while (map_next(&it, &id, &n)) {
    int64_t got = 0;
    for (size_t i = 0; i < w->calls.n; i++)
      if (same(w->calls.a[i].step, id)) got += attempts ? w->calls.a[i].attempts : 1;
    if (got == long_of(n)) continue;
    buf_fmt(b, "step :%s: %lld %s%s, expected %lld\n", id_text(id), (long long)got, attempts ? "attempt" : "call", got == 1 ? "" : "s",
            (long long)long_of(n));
  }
}

/* --- time and kv ------------------------------------------------------------------------------------------------------------ */
static void check_time(const World *w, Val t, Buf *b) {
  int64_t min = is_map(t) ? test_duration(map_get_kw(t, "min")) : test_duration(t);
  int64_t max = is_map(t) ? (has(t, "max") ? test_duration(map_get_kw(t, "max")) : INT64_MAX) : min;
  if (w->took_ms >= min && w->took_ms <= max) return;
  buf_c(b, "the run took ");
  duration_print(b, w->took_ms);
  buf_fmt(b, " (%lld ms) of virtual time, expected ", (long long)w->took_ms);
  match_text(t, 100, b);
  buf_ch(b, '\n');
}

static void check_kv(World *w, Val kv, Buf *b) {
  MapIter it;
  Val k, want;
  map_iter(&it, kv);
  while (map_next(&it, &k, &want)) {
    Val got;
    Buf head = {0};
    bool there = kv_look(w->store, "local", kw_text(k), w->now, &got);
    if (is_nil(want) && !there) continue;
    buf_fmt(&head, ":kv \"%s\" differs", kw_text(k));
    compare(w, want, got, false, "kv", "the value", buf_cstr(&head), b);
    if (is_nil(want) && there && is_nil(got)) buf_fmt(b, "%s: it is there\n", buf_cstr(&head));
    buf_free(&head);
  }
}

/* --- all -------------------------------------------------------------------------------------------------------------------- */
void expect_check(World *w, Val expect, Buf *out) {
  bool ended = status_ok(w, expect, out);
  if (ended) {
    Val e = map_get_kw(expect, "error"), on = map_get_kw(expect, "waits-on");
    check_value(w, expect, out);
    if (!is_nil(e)) {
      size_t before = out->n;
      compare(w, error_pattern(e), w->error, false, "error", "the error", "the error differs", out);
      if (out->n > before) {
        out->n--; /* the line goes on */
        error_text(w, out);
        buf_ch(out, '\n');
      }
    }
    if (!is_nil(on)) compare(w, wait_pattern(on), w->note, false, "waits-on", "the wait", "the run waits for something else", out);
  }
  if (has(expect, "steps")) check_steps(w, map_get_kw(expect, "steps"), out);
  if (has(expect, "calls")) check_counts(w, map_get_kw(expect, "calls"), false, out);
  if (has(expect, "attempts")) check_counts(w, map_get_kw(expect, "attempts"), true, out);
  if (has(expect, "time") && !w->real) check_time(w, map_get_kw(expect, "time"), out);
  if (has(expect, "kv")) check_kv(w, map_get_kw(expect, "kv"), out);
}
