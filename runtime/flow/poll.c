/* flow_poll.c - reading the options of flow/poll. See poll.h. */
#include "poll.h"
#include "runtime/base/duration.h"
#include "reader/print.h"

typedef struct Problems {
  Buf b;
} Problems;

static void problem(Problems *p, const char *text) {
  if (p->b.n) buf_c(&p->b, "; ");
  buf_c(&p->b, text);
}

static void problem_val(Problems *p, const char *text, Val v) {
  Buf t = {0};
  if (is_sig(print_to(&t, v, &print_readably))) t.n = 0;
  if (p->b.n) buf_c(&p->b, "; ");
  buf_fmt(&p->b, "%s, got %.60s", text, buf_cstr(&t));
  buf_free(&t);
}

/* Is the value something to be evaluated first? */
static bool computed(Val v, bool forms) { return forms && (is_type(v, T_SYM) || is_type(v, T_LIST)); }

static bool any_computed(Val v, bool forms) {
  MapIter it;
  Val k, x;
  if (computed(v, forms)) return true;
  if (!forms || (!is_map(v) && !is_set(v))) return false;
  map_iter(&it, v);
  while (map_next(&it, &k, &x))
    if (computed(k, forms) || computed(x, forms)) return true;
  return false;
}

static void read_limits(Val opts, bool forms, PollOptions *out, Problems *bad) {
  Val t = map_get_kw(opts, "timeout"), n = map_get_kw(opts, "max-attempts");
  Err e;
  if (is_nil(t) && is_nil(n)) problem(bad, "flow/poll needs :timeout or :max-attempts (unbounded polling is refused)");
  if (!is_nil(t) && !computed(t, forms)) {
    if (!duration_of(t, DURATION_MS, ":timeout", &out->timeout_ms, &e))
      problem(bad, e.msg);
    else if (out->timeout_ms > POLL_MAX_MS)
      problem_val(bad, limit_value(LIMIT_poll_seconds) == 3600 ? ":timeout may be at most 1h" : str_s(str_fmt(":timeout may be at most %llds", (long long)limit_value(LIMIT_poll_seconds))), t);
  }
  if (is_nil(n) || computed(n, forms)) return;
  if (!is_long(n) || long_of(n) < 1 || long_of(n) > POLL_MAX_ATTEMPTS)
    problem_val(bad, str_s(str_fmt(":max-attempts must be an integer from 1 to %lld", (long long)POLL_MAX_ATTEMPTS)), n);
  else
    out->max_attempts = long_of(n);
}

static void read_statuses(Val v, PollOptions *out, Problems *bad) {
  ValVec items = {0};
  if ((!is_set(v) && !is_vec(v)) || is_sig(coll_into_array(v, &items))) {
    problem_val(bad, ":status of :abort-on must be a set of HTTP statuses such as #{404}", v);
    return;
  }
  for (size_t i = 0; i < items.n; i++) {
    if (is_long(items.a[i]) && long_of(items.a[i]) >= 100 && long_of(items.a[i]) < 600)
      status_set_add(&out->abort_status, long_of(items.a[i]));
    else
      problem_val(bad, ":status of :abort-on must hold HTTP statuses", items.a[i]);
  }
}

static void read_abort(Val v, bool forms, PollOptions *out, Problems *bad) {
  if (is_nil(v) || computed(v, forms)) return;
  if (!is_map(v)) {
    problem_val(bad, ":abort-on must be a map such as {:error? false :status #{404}}", v);
    return;
  }
  MapIter it;
  Val k, x;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    if (kw_is(k, "error?")) {
      if (is_bool(x))
        out->abort_error = truthy(x);
      else if (!computed(x, forms))
        problem_val(bad, ":error? of :abort-on must be true or false", x);
    } else if (kw_is(k, "status")) {
      if (!any_computed(x, forms)) read_statuses(x, out, bad);
    } else {
      problem_val(bad, ":abort-on takes :error? and :status", k);
    }
  }
}

static void read_backoff(Val opts, bool forms, PollOptions *out, Problems *bad) {
  Val interval = map_get_kw(opts, "interval"), spec = map_get_kw(opts, "backoff");
  int64_t ms = 0;
  Err e;
  if (is_nil(interval))
    problem(bad, "flow/poll needs :interval");
  else if (!computed(interval, forms) && !duration_of(interval, DURATION_MS, ":interval", &ms, &e))
    problem(bad, e.msg);
  else if (!any_computed(spec, forms) && !backoff_spec(spec, ms, &out->backoff, &e))
    problem(bad, e.msg);
}

static void read_keys(Val opts, Problems *bad) {
  static const char *const known[] = {"interval", "timeout", "max-attempts", "return-on", "backoff", "abort-on", "id"};
  MapIter it;
  Val k, v;
  map_iter(&it, opts);
  while (map_next(&it, &k, &v)) {
    bool ok = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) ok |= kw_is(k, known[i]);
    if (!ok) problem_val(bad, "flow/poll takes :interval :timeout :max-attempts :return-on :backoff :abort-on and :id", k);
  }
}

bool poll_options(Val opts, bool forms, PollOptions *out, Err *e) {
  Problems bad = {{0}};
  *out = (PollOptions){.timeout_ms = -1, .abort_error = true};
  read_keys(opts, &bad);
  read_backoff(opts, forms, out, &bad);
  read_limits(opts, forms, out, &bad);
  read_abort(map_get_kw(opts, "abort-on"), forms, out, &bad);
  Val id = map_get_kw(opts, "id");
  if (!is_nil(id) && !is_type(id, T_KW)) problem_val(&bad, ":id must be a keyword", id);
  if (forms && is_nil(map_get_kw(opts, "return-on")))
    problem(&bad, "flow/poll needs :return-on, a function that says when the value is the result");
  bool ok = !bad.b.n;
  if (!ok) err_set(e, "validation", "%s", buf_cstr(&bad.b));
  buf_free(&bad.b);
  return ok;
}
