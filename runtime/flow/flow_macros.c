/* flow_macros.c - flow/poll and flow/elapsed?. Polling is an ordinary loop of the flow's own steps, so that it is durable,
 * shows in the history and replays like everything else:
 *
 *   (let* [opts  (flow/poll-options* {...})           checked; :return-on taken out
 *          pred  <:return-on>
 *          start (flow/now-ms)]                       0 without :timeout
 *     (loop* [n 1]
 *       (let* [r (try [true <body>] (catch Throwable e [false (flow/poll-caught* opts e)]))]   stops by throwing again
 *         (if (if (nth r 0) (pred (nth r 1)) false)
 *           (nth r 1)
 *           (let* [pause (flow/poll-pause* opts n (- now start) (nth r 1))]                     throws :poll-timeout
 *             (flow/step :sleep <id> {:millis pause})
 *             (recur (inc n)))))))
 */
#include "flow_tables.h"
#include "eval/macros.h"
#include "poll.h"

static Val flow_sym(const char *name) { return sym_new("flow", name); }

/* Step id of the pause: that of the polled step with -poll, or :poll. */
static Val pause_id(Val opts, Val body) {
  Val id = map_get_kw(opts, "id");
  if (!is_nil(id)) return id;
  if (is_type(body, T_LIST) && AS(List, body)->cnt == 4 && is_sym(AS(List, body)->first)) {
    const Sym *s = AS(Sym, AS(List, body)->first);
    Val step = AS(List, AS(List, AS(List, body)->rest)->rest)->first;
    if (is_str(s->ns) && str_eq_c(s->ns, "flow") && str_eq_c(s->name, "step") && is_kw(step) && is_nil(AS(Kw, step)->ns))
      return kw_of(NIL, str_fmt("%s-poll", str_s(AS(Kw, step)->name)));
  }
  return kw_c("poll");
}

static Val poll_loop(Expander *x, Val opts, Val id, Val body, Val pred, bool timed) {
  Val o = expand_gensym(x, "opts"), p = expand_gensym(x, "pred"), start = expand_gensym(x, "start"), n = expand_gensym(x, "n");
  Val r = expand_gensym(x, "r"), e = expand_gensym(x, "e"), pause = expand_gensym(x, "pause"), nth = core_sym("nth");
  Val now = timed ? LIST(flow_sym("now-ms")) : fix(0), value = LIST(nth, r, fix(1));
  Val caught = LIST(sym_c("catch"), sym_c("Throwable"), e, VEC(FALSE_V, LIST(flow_sym("poll-caught*"), o, e)));
  Val attempt = LIST(sym_c("try"), VEC(TRUE_V, body), caught);
  Val done = LIST(sym_c("if"), LIST(nth, r, fix(0)), LIST(p, value), FALSE_V);
  Val spent = timed ? LIST(core_sym("-"), now, start) : fix(0);
  Val sleep = LIST(flow_sym("step"), kw_c("sleep"), id, map_from((Val[]){kw_c("millis"), pause}, 1, false));
  Val again = LIST(sym_c("let*"), VEC(pause, LIST(flow_sym("poll-pause*"), o, n, spent, value)), sleep,
                   LIST(sym_c("recur"), LIST(core_sym("inc"), n)));
  Val loop = LIST(sym_c("loop*"), VEC(n, fix(1)), LIST(sym_c("let*"), VEC(r, attempt), LIST(sym_c("if"), done, value, again)));
  return LIST(sym_c("let*"), VEC(o, LIST(flow_sym("poll-options*"), opts), p, pred, start, now), loop);
}

DOC(poll, "[options body]",
    "Runs body (usually a step) until the function :return-on holds for its value, and returns that value. :interval and one of "
    ":timeout (at most 1h) and :max-attempts (at most 100) are required; durations are \"10s\" or milliseconds. :backoff {:type "
    ":constant|:linear|:exponential :factor :step :max} changes the pauses. An error of body stops polling unless :abort-on "
    "{:error? false}; then statuses in :abort-on {:status #{404}} still do. An exception of :return-on always stops. When time or "
    "attempts are used up: ex-info of :type :poll-timeout with :attempts and :last. :id names the step of the pauses.",
    "(flow/poll {:interval 10 :return-on true?} 1) ;!> syntax");
static Val macro_flow_poll(Expander *x, Val form) {
  ValVec f = {0};
  PollOptions ignored;
  Err e;
  CHECK(form_items(x, form, &f));
  if (f.n != 3) return err_argument("flow/poll takes an options map and one body form, got %zu arguments", f.n - 1);
  if (!is_map(f.a[1])) return err_argument("flow/poll: the options must be a literal map");
  if (!poll_options(f.a[1], true, &ignored, &e)) return err_argument("flow/poll: %s", e.msg);
  Val opts = map_dissoc(map_dissoc(f.a[1], kw_c("return-on")), kw_c("id"));
  bool timed = !is_nil(map_get_kw(opts, "timeout"));
  return poll_loop(x, opts, pause_id(f.a[1], f.a[2]), f.a[2], map_get_kw(f.a[1], "return-on"), timed);
}

DOC(elapsed, "[start-ms duration]", "Has at least duration (\"10s\", or milliseconds) gone by since start-ms, a value of (flow/now-ms)?",
    "(flow/elapsed? 0 \"1s\") ;=> true");
static Val macro_flow_elapsed(Expander *x, Val form) {
  ValVec f = {0};
  CHECK(form_items(x, form, &f));
  if (f.n != 3) return err_argument("flow/elapsed? takes a start in milliseconds and a duration, got %zu arguments", f.n - 1);
  return LIST(flow_sym("elapsed-at*"), f.a[1], f.a[2], LIST(flow_sym("now-ms")));
}

const BuiltinRow rows_flow_macros[] = {ROW_MACRO("flow/poll", macro_flow_poll, poll),
                                       ROW_MACRO("flow/elapsed?", macro_flow_elapsed, elapsed), ROW_END};
