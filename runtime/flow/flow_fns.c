/* flow_fns.c - pure builtins of flows: flow/backoff, and what flow/poll and flow/elapsed? expand to (flow_macros.c). Also the
 * primitives that later builds bring, which say so. */
#include "flow_tables.h"
#include "runtime/base/duration.h"
#include "poll.h"
#include "reader/ex.h"
#include "reader/num.h"

static Val bad_argument(const char *of, const char *msg) { return ex_throw(EXC_ILLEGAL_ARG, "%s: %s", of, msg); }

DOC(backoff, "[spec attempt]",
    "Milliseconds to wait after failed attempt number `attempt` (from 1). spec is {:type :constant|:linear|:exponential :interval d "
    ":step d :factor n :max d}, or a duration for a constant pause. Durations are \"10s\" or milliseconds.",
    "(flow/backoff {:type :exponential :interval \"1s\" :factor 2 :max \"60s\"} 3) ;=> 4000\n"
    "(flow/backoff \"250ms\" 7) ;=> 250\n(flow/backoff {:type :linear :interval 100} 3) ;=> 300\n(flow/backoff {:type :odd} 1) ;!> "
    "argument");
static Val flow_backoff(Val spec, Val attempt) {
  BackoffSpec b;
  Err e;
  if (!is_long(attempt) || long_of(attempt) < 1) return bad_argument("flow/backoff", "the attempt must be an integer from 1");
  if (!backoff_spec(spec, -1, &b, &e)) return bad_argument("flow/backoff", e.msg);
  return int_val(backoff_interval(&b, long_of(attempt)));
}

DOC(elapsed_at, "[start-ms duration now-ms]", "Has duration gone by between the two instants? See flow/elapsed?.",
    "(flow/elapsed-at* 1000 \"1s\" 2000) ;=> true\n(flow/elapsed-at* 1000 \"1s\" 1999) ;=> false");
static Val flow_elapsed_at(Val start, Val dur, Val now) {
  int64_t ms;
  Err e;
  if (!is_long(start) || !is_long(now))
    return bad_argument("flow/elapsed?", "the start must be an integer of milliseconds, as (flow/now-ms) gives it");
  if (!duration_of(dur, DURATION_MS, "duration", &ms, &e)) return bad_argument("flow/elapsed?", e.msg);
  TRY(gone, num_sub(now, start));
  return bool_val(long_of(gone) >= ms);
}

/* --- polling ------------------------------------------------------------------------------------------------------ */
static Val read_poll(Val opts, PollOptions *p) {
  Err e;
  if (!is_map(opts)) return bad_argument("flow/poll", "the options must be a map");
  return poll_options(opts, false, p, &e) ? NIL : bad_argument("flow/poll", e.msg);
}

DOC(poll_options, "[options]", "Checks the options of flow/poll and gives them back.",
    "(flow/poll-options* {:interval 5 :max-attempts 3}) ;=> {:interval 5, :max-attempts 3}\n"
    "(flow/poll-options* {:interval 5 :max-attempts 101}) ;!> argument");
static Val flow_poll_options(Val opts) {
  PollOptions p;
  CHECK(read_poll(opts, &p));
  return opts;
}

static Val ex_data_of(Val ex) { return is_type(ex, T_EX) ? AS(Ex, ex)->data : NIL; }

DOC(poll_caught, "[options e]",
    "What flow/poll does with an exception of its body: throws it again when it stops polling, else gives its data.",
    "(flow/poll-caught* {:interval 5 :max-attempts 3 :abort-on {:error? false}} (ex-info \"m\" {:status 500})) ;=> {:status 500}\n"
    "(flow/poll-caught* {:interval 5 :max-attempts 3} (ex-info \"m\" {:status 500})) ;!> ex-info");
static Val flow_poll_caught(Val opts, Val ex) {
  PollOptions p;
  CHECK(read_poll(opts, &p));
  Val data = ex_data_of(ex), status = map_get_kw(data, "status");
  bool limit = is_type(ex, T_EX) && AS(Ex, ex)->kind == KIND_LIMIT; /* the run is over its budget: never polled on */
  if (p.abort_error || limit || (is_long(status) && status_set_has(&p.abort_status, long_of(status)))) return ex_throw_val(ex);
  return data;
}

/* spent < 0: nobody has looked at the clock. */
static Val poll_exhausted(Val attempts, Val last, int64_t spent) {
  Val msg = str_fmt("flow/poll gave up after %lld attempt%s", (long long)long_of(attempts), long_of(attempts) == 1 ? "" : "s");
  Val kv[] = {kw_c("type"), kw_c("poll-timeout"), kw_c("message"), msg, kw_c("attempts"), attempts, kw_c("last"), last, kw_c("retryable?"),
              FALSE_V,      kw_c("elapsed-ms"),   int_val(spent)};
  return ex_throw_val(ex_make(EXC_INFO, msg, map_from(kv, spent < 0 ? 5 : 6, false), NIL));
}

DOC(poll_pause, "[options attempt spent-ms last]",
    "Milliseconds until the next attempt of flow/poll. Throws :poll-timeout when attempts or time are used up; the last pause is "
    "cut so that one more attempt is made at the deadline.",
    "(flow/poll-pause* {:interval 50 :max-attempts 3} 2 0 nil) ;=> 50\n(flow/poll-pause* {:interval 50 :timeout 120} 2 100 nil) ;=> 20\n"
    "(flow/poll-pause* {:interval 50 :max-attempts 3} 3 0 nil) ;!> ex-info\n(flow/poll-pause* {:interval 50 :timeout 120} 3 120 nil) ;!> "
    "ex-info");
static Val flow_poll_pause(Val opts, Val attempt, Val spent, Val last) {
  PollOptions p;
  CHECK(read_poll(opts, &p));
  if (!is_long(attempt) || !is_long(spent)) return bad_argument("flow/poll", "attempt and time must be integers");
  int64_t n = long_of(attempt), gone = long_of(spent);
  bool over = (p.max_attempts && n >= p.max_attempts) || (p.timeout_ms >= 0 && gone >= p.timeout_ms);
  if (over) return poll_exhausted(attempt, last, p.timeout_ms >= 0 ? gone : -1);
  int64_t pause = backoff_interval(&p.backoff, n);
  if (p.timeout_ms >= 0 && pause > p.timeout_ms - gone) pause = p.timeout_ms - gone;
  return int_val(pause);
}

const BuiltinRow rows_flow_fns[] = {ROW2("flow/backoff", flow_backoff, backoff, B_PURE),
                                    ROW3("flow/elapsed-at*", flow_elapsed_at, elapsed_at, B_PURE),
                                    ROW1("flow/poll-options*", flow_poll_options, poll_options, B_PURE),
                                    ROW2("flow/poll-caught*", flow_poll_caught, poll_caught, B_PURE),
                                    ROW4("flow/poll-pause*", flow_poll_pause, poll_pause, B_PURE),
                                    ROW_END};
