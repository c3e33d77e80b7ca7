/* breaks.c - see breaks.h */
#include "breaks.h"
#include "eval/unit.h"
#include "reader/eq.h"
#include "reader/read.h"
#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 64, SHOWN_BYTES = 4000, SHOWN_DEPTH = 32 };
static const char *const sides[] = {"after", "before"};

/* --- what is set ---------------------------------------------------------------------------------------------------------- */
/* Map from "workspace/slug" to the overlays that can stop a run, read again after a change; most servers have none. */
static bool load_page(Engine *e, char **workspace, char **slug, Val *all, bool *more) {
  DocRow rows[PAGE];
  Err err = {0};
  size_t n = store_docs_everywhere(e->store, BREAKS_KIND, *workspace, *slug, 0, rows, PAGE, &err);
  for (size_t i = 0; i < n; i++) {
    Val v = snap_read_value(env_core(), rows[i].data.p, rows[i].data.n);
    bool armed = is_map(v) && truthy(map_get_kw(v, "enabled")) && is_map(map_get_kw(v, "steps"));
    if (armed) *all = map_assoc(*all, str_fmt("%s/%s", rows[i].workspace, rows[i].key), v);
    free(*workspace);
    free(*slug);
    *workspace = rows[i].workspace;
    *slug = rows[i].key;
    rows[i].workspace = rows[i].key = NULL;
    doc_row_free(&rows[i]);
  }
  *more = n == PAGE;
  return !err.code;
}

static Val overlays(Engine *e) {
  if (!is_nil(e->overlays)) return e->overlays;
  char *workspace = strdup(""), *slug = strdup("");
  Val all = map_empty;
  bool more = true, ok = true;
  while (ok && more) ok = load_page(e, &workspace, &slug, &all, &more);
  free(workspace);
  free(slug);
  if (ok) e->overlays = all;
  return all;
}

static Val overlay_of(Engine *e, const char *workspace, const char *slug, const char *target) {
  Val all = overlays(e);
  if (!map_count(all)) return NIL;
  Val o = map_get(all, str_fmt("%s/%s", workspace, slug), NIL);
  bool draft = !target || !strcmp(target, "draft");
  return is_nil(o) || draft || str_eq_c(map_get_kw(o, "target"), "all") ? o : NIL;
}

static bool is_armed(Val overlay, Val id, enum BreakSide side) {
  MapIter it;
  Val k, v;
  if (is_nil(overlay)) return false;
  map_iter(&it, map_get_kw(overlay, "steps"));
  while (map_next(&it, &k, &v)) {
    Val type = map_get_kw(v, "type");
    if (is_str(k) && step_named(id, str_s(k)) && (str_eq_c(type, "both") || str_eq_c(type, sides[side]))) return true;
  }
  return false;
}

/* --- what is shown ------------------------------------------------------------------------------------------------------------ */
static bool is_secret_name(Val k) {
  static const char *const words[] = {"authorization", "cookie", "password", "passwd", "passphrase", "secret", "token", "api-key", "apikey", "api_key",
                                      "private-key", "private_key", "credential"};
  const char *name = is_kw(k) ? kw_text(k) : is_str(k) ? str_s(k) : "";
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasestr(name, words[i])) return true;
  return false;
}

/* v with the texts under keys that look like a credential's taken out. Values of secrets are not in it to begin with (secret.h): this is
 * for those that a flow has in its own text or input. */
static Val redacted(Val v, int depth) {
  MapIter it;
  Val k, x, out = v;
  if (depth > SHOWN_DEPTH) return str_c("...");
  if (is_vec(v)) {
    for (uint32_t i = 0; i < vec_count(v); i++) out = vec_assoc(out, i, redacted(vec_nth(v, i), depth + 1));
    return out;
  }
  if (!is_map(v)) return v;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) out = map_assoc(out, k, is_str(x) && is_secret_name(k) ? str_c("[redacted]") : redacted(x, depth + 1));
  return out;
}

/* --- stopping ------------------------------------------------------------------------------------------------------------------ */
static int64_t place(const Run *r, enum BreakSide side) { return 2 * r->seq + (side == BREAK_BEFORE); }

static Val note_of(const RunRow *row) {
  Val v = row->note && strstr(row->note, "breakpoint") ? read_one(row->note, strlen(row->note), NULL, true) : NIL;
  return is_map(v) ? v : NIL;
}

static bool is_alone(const RunRow *row) {
  Val o = row->origin && strstr(row->origin, ":step ") ? read_one(row->origin, strlen(row->origin), NULL, true) : NIL;
  return is_map(o) && !is_nil(map_get_kw(o, "step"));
}

Val breaks_stop(const RunRow *row) {
  Val note = row->status == RUN_WAITING ? note_of(row) : NIL;
  return kw_is(map_get_kw(note, "waits"), "breakpoint") && is_long(map_get_kw(note, "place")) ? note : NIL;
}

static int64_t stop_place(Val stop) { return is_nil(stop) ? 0 : long_of(map_get_kw(stop, "place")); }

void breaks_run(Run *r, const RunRow *row) {
  Val past = row->status == RUN_RUNNING ? map_get_kw(note_of(row), "past-breakpoint") : NIL;
  r->stop_place = stop_place(breaks_stop(row));
  r->past_place = is_long(past) ? long_of(past) : r->stop_place - 1;
  r->never_stops = is_alone(row);
}

static bool stops(Run *r, Val id, enum BreakSide side) {
  if (r->never_stops || r->e->stepping == r->run || place(r, side) <= r->past_place) return false;
  return is_armed(overlay_of(r->e, r->workspace, r->slug, r->target), id, side);
}

/* What the run is about is in its batch; the caller submits it. */
static void stop(Run *r, enum BreakSide side, Val step, Val type, int64_t occurrence, const char *of, Val value) {
  Buf note = {0}; /* which is read again, whatever the step is called: its names are texts there */
  r->stop_place = place(r, side);
  Val kv[] = {kw_c("waits"), kw_c("breakpoint"), kw_c("step"), str_c(id_text(step)), kw_c("type"), str_c(id_text(type)), kw_c("side"), kw_c(sides[side]),
              kw_c("occurrence"), int_val(occurrence), kw_c("place"), int_val(r->stop_place), kw_c("since"), int_val(now_ms()), kw_c("of"), kw_c(of),
              kw_c("shown"), step_shown(redacted(value, 0), SHOWN_BYTES)};
  print_to(&note, map_from(kv, sizeof kv / sizeof *kv / 2, false), &print_readably);
  r->status = RUN_WAITING;
  batch_status(run_batch(r), r->run, r->epoch, RUN_WAITING, now_ms(), 0, buf_cstr(&note));
  buf_free(&note);
}

/* It goes on from where it stood: the breakpoint is gone, or it was cancelled. */
static void goes_on(Run *r, int64_t from) {
  if (r->stop_place == from) run_again(r);
}

static int64_t next_time(Run *r, Val id) {
  Val n = map_get(map_get_kw(r->m->state, "occ"), vec_of2(step_node(r->m), id), fix(0));
  return is_fix(n) ? fix_of(n) + 1 : 1;
}

bool breaks_before(Run *r) {
  Val *s = step_slots(r->m);
  if (!stops(r, s[ST_ID], BREAK_BEFORE)) {
    goes_on(r, place(r, BREAK_BEFORE));
    return false;
  }
  stop(r, BREAK_BEFORE, s[ST_ID], s[ST_TYPE], next_time(r, s[ST_ID]), "config", step_journal_cfg(s[ST_CFG]));
  run_submit(r, AFTER_PARK);
  return true;
}

/* --- ends ------------------------------------------------------------------------------------------------------------------------ */
static void throws(Val error, bool *ok, Val *value, Val *by) {
  *ok = false;
  *value = error;
  *by = kw_c("cancel");
}

/* The run stands behind the step in flight and is cancelled or aborted. */
static void ended_behind(Run *r, bool *ok, Val *value, Val *by) {
  Val error = r->cancel.error, f[] = {error, int_val(now_ms())};
  run_append(r, J_ABORT, f, JB_COUNT);
  run_again(r);
  cancel_done(r);
  throws(error, ok, value, by);
}

bool breaks_behind(Run *r, bool *ok, Val *value, Val *by) {
  const Rec *rec = r->cursor < r->nrecs ? &r->recs[r->cursor] : NULL;
  if (r->fork) return false;
  if (rec && rec->kind == J_ABORT) {
    r->cursor++;
    throws(vec_nth(rec->v, JB_ERROR), ok, value, by);
    return false;
  }
  if (rec || r->replaying_only || kw_is(*by, "cancel")) return false;
  if (r->stop_place == place(r, BREAK_BEHIND) && !is_nil(r->cancel.error)) return ended_behind(r, ok, value, by), false;
  if (!stops(r, r->call->id, BREAK_BEHIND)) {
    goes_on(r, place(r, BREAK_BEHIND));
    return false;
  }
  stop(r, BREAK_BEHIND, r->call->id, r->call->type, r->call->occ, *ok ? "result" : "error", *value);
  return true;
}

bool breaks_holds_behind(const Run *r) { return r->status == RUN_WAITING && r->stop_place && r->stop_place == place(r, BREAK_BEHIND); }

enum RunStatus breaks_end(Val error) { return kw_is(map_get_kw(error, "type"), "breakpoint-aborted") ? RUN_FAILED : RUN_CANCELLED; }

void breaks_say(Val note, const char *run_id, char *out, size_t n) {
  const char *step = id_text(map_get_kw(note, "step")), *side = kw_text(map_get_kw(note, "side"));
  snprintf(out, n,
           "stands at a breakpoint %s step :%s\nto go on: breyta debug breakpoints continue %s %s %s, at its server; `abort` in place of `continue` ends it", side,
           step, run_id, step, side);
}

/* --- letting go ------------------------------------------------------------------------------------------------------------------- */
/* Keys that no wait has (store.h). */
static void act_key(Buf *b, const char *run_id) { buf_fmt(b, "%cbreakpoint/%s", WAIT_SYSTEM, run_id); }

bool breaks_sent(Engine *e, const RunRow *row) {
  Buf key = {0};
  InboxRow in = {0};
  Err err = {0};
  act_key(&key, row->run_id);
  bool there = store_inbox_by_key(e->store, row->workspace, buf_cstr(&key), &in, 1, &err) == 1;
  inbox_row_free(&in);
  buf_free(&key);
  return there;
}

static Val abort_error(Val stop, const char *by) {
  const char *step = id_text(map_get_kw(stop, "step")), *side = kw_text(map_get_kw(stop, "side"));
  Val id = kw_parse(step, strlen(step));
  Val kv[] = {kw_c("type"), kw_c("breakpoint-aborted"), kw_c("message"), str_fmt("ended by hand at the breakpoint %s step :%s", side, step),
              kw_c("step-id"), id, kw_c("side"), map_get_kw(stop, "side"), kw_c("by"), str_c(by), kw_c("retryable?"), FALSE_V};
  return map_from(kv, sizeof kv / sizeof *kv / 2, false);
}

void breaks_send(Batch *b, const RunRow *row, Val stop, bool abort, const char *by) {
  Buf key = {0}, body = {0};
  Val kv[] = {kw_c("place"), map_get_kw(stop, "place"), kw_c("abort"), abort ? abort_error(stop, by) : NIL};
  act_key(&key, row->run_id);
  snap_data(&body, map_from(kv, 2, false)); /* of data alone */
  batch_inbox_put(b, row->workspace, buf_cstr(&key), "breakpoint", now_ms(), (Bytesv){body.p, body.n});
  buf_free(&key);
  buf_free(&body);
}

static void put_sweep(Batch *b, const char *workspace, const char *slug, int64_t before) {
  Buf key = {0}, body = {0};
  buf_fmt(&key, "%cbreakpoints/%s", WAIT_SYSTEM, slug);
  snap_data(&body, int_val(before));
  batch_inbox_put(b, workspace, buf_cstr(&key), "breakpoints", now_ms(), (Bytesv){body.p, body.n});
  buf_free(&key);
  buf_free(&body);
}

void breaks_sweep(Engine *e, Batch *b, const char *workspace, const char *slug) {
  put_sweep(b, workspace, slug, INT64_MAX);
  e->overlays = NIL;
  e->inbox_again = true;
}

/* The run goes on behind its place. inbox: the row that wants it, 0 none. */
static void let_go(Engine *e, const RunRow *row, int64_t inbox, Err *err) {
  char note[64];
  RunRow going = *row;
  snprintf(note, sizeof note, "{:past-breakpoint %lld}", (long long)stop_place(breaks_stop(row)));
  going.note = note;
  going.status = RUN_RUNNING; /* as it will be, with the batch that takes it over */
  Run *r = take_over_row(e, &going, (Cancel){.error = NIL}, err);
  if (!r) return;
  if (inbox) batch_inbox_del(run_batch(r), inbox);
  batch_status(run_batch(r), r->run, r->epoch, RUN_RUNNING, now_ms(), 0, note);
}

static void act(Engine *e, const InboxRow *in, Err *err) {
  RunRow row = {0};
  Val body = snap_read_value(env_core(), in->body.p, in->body.n), error = is_map(body) ? map_get_kw(body, "abort") : NIL;
  const char *run_id = strchr(in->key, '/');
  if (!run_id || !store_run_by_id(e->store, in->workspace, run_id + 1, &row, err)) {
    if (!err->code) inbox_done(e, NULL, in->id);
    return;
  }
  int64_t at = stop_place(breaks_stop(&row));
  bool stands = at && is_map(body) && same(val_eq(map_get_kw(body, "place"), int_val(at)), TRUE_V);
  const Run *r = stands ? run_find(e, row.run) : NULL;
  if (!stands) inbox_done(e, NULL, in->id); /* it has gone on, or is over */
  else if (r) e->inbox_again |= r->past_place < at && is_nil(r->cancel.error); /* on its way out of memory; else it goes on, which is not durable yet */
  else if (is_nil(error)) let_go(e, &row, in->id, err);
  else take_over_row(e, &row, (Cancel){error, in->id, now_ms()}, err);
  run_row_free(&row);
}

/* Does a run wait at a breakpoint that is there no more? */
static bool is_free(Engine *e, const RunRow *row) {
  Val at = breaks_stop(row);
  if (is_nil(at)) return false;
  enum BreakSide side = kw_is(map_get_kw(at, "side"), sides[BREAK_BEFORE]) ? BREAK_BEFORE : BREAK_BEHIND;
  return !is_armed(overlay_of(e, row->workspace, row->slug, row->target), map_get_kw(at, "step"), side);
}

/* Lets runs of one page go; false: one of them is about to leave memory, look again. */
static bool free_some(Engine *e, const RunRow *rows, size_t n, Err *err) {
  bool settled = true;
  for (size_t i = 0; i < n; i++) {
    if (!is_free(e, &rows[i])) continue;
    const Run *r = run_find(e, rows[i].run);
    if (!r) let_go(e, &rows[i], 0, err);
    else if (r->after == AFTER_PARK) settled = false;
  }
  return settled;
}

static void sweep(Engine *e, const InboxRow *in, Err *err) {
  RunRow rows[PAGE];
  Val before = snap_read_value(env_core(), in->body.p, in->body.n);
  const char *slug = strchr(in->key, '/');
  if (!slug || !is_long(before)) {
    inbox_done(e, NULL, in->id);
    return;
  }
  e->overlays = NIL;
  RunQuery q = {in->workspace, slug + 1, NULL, 1u << RUN_WAITING};
  size_t n = store_runs_newest(e->store, &q, long_of(before), rows, PAGE, err);
  bool settled = !err->code && free_some(e, rows, n, err);
  int64_t last = n ? rows[n - 1].run : 0;
  for (size_t i = 0; i < n; i++) run_row_free(&rows[i]);
  if (!settled || n == PAGE) e->inbox_again = true;
  if (!settled) return;
  Batch *b = batch_new();
  batch_inbox_del(b, in->id);
  if (n == PAGE) put_sweep(b, in->workspace, slug + 1, last);
  store_submit_wait(e->store, b, err);
}

void breaks_deliver(Engine *e, const InboxRow *row, Err *err) { (!strcmp(row->kind, "breakpoints") ? sweep : act)(e, row, err); }
