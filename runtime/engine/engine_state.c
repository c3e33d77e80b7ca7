/* engine_state.c - looking at runs: how they stand, their history, and re-execution from the journal alone. */
#include "breaks.h"
#include "child.h"
#include "runtime/jobs/engine_job.h"
#include "runtime/base/duration.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "runtime/flow/step_input.h"
#include <stdio.h>
#include <stdlib.h>

/* --- the end record ----------------------------------------------------------------------------------------------------------------- */
static bool take_end(void *ctx, const JournalRec *j) {
  if (j->kind == J_END) *(Val *)ctx = snap_read_value(env_core(), j->data.p, j->data.n);
  return true;
}

static Val end_value(Engine *e, const RunRow *row, Err *err) {
  Val end = NIL;
  store_journal(e->store, row->run, row->head_seq - 1, take_end, &end, err);
  return is_vec(end) ? vec_nth(end, JE_VALUE) : NIL;
}

static Val note_map(const RunRow *row) {
  if (!row->note || !*row->note) return NIL;
  Val v = read_one(row->note, strlen(row->note), NULL, true);
  return is_map(v) ? v : NIL;
}

static void iso_time(int64_t ms, char out[40]) {
  Buf b = {0};
  inst_print(&b, ms);
  snprintf(out, 40, "%s", buf_cstr(&b));
  buf_free(&b);
}

static const char *text_or(Val v, const char *otherwise) { return is_str(v) && str_n(v) ? str_s(v) : otherwise; }

/* A :confirm or :review: what is asked and the commands that answer. */
static void say_question(const RunRow *row, Val note, const char *step, const char *when, RunState *out) {
  bool review = kw_is(map_get_kw(note, "checkpoint"), "review");
  Val problem = map_get_kw(note, "problem"), fields = map_get_kw(note, "fields");
  const char *message = text_or(map_get_kw(note, "message"), text_or(map_get_kw(note, "title"), review ? "is this result right?" : "may this step run?"));
  snprintf(out->waits_for, sizeof out->waits_for,
           "step :%s waits for a person's approval until %s: %.200s%s%.160s\n  %.340s\n"
           "to answer: breyta-run approve|reject %s %s%s, then breyta-run resume %s",
           step, when, message, is_str(problem) ? "\nthe last answer could not be used: " : "", text_or(problem, ""),
           text_or(map_get_kw(note, "shown"), ""), row->run_id, step,
           is_nil(fields) ? review ? " [--value JSON]" : "" : " --value '{\"FIELD\": ...}'", row->run_id);
}

static void say_waits(Engine *e, const RunRow *row, RunState *out) {
  Val note = note_map(row);
  const char *what = kw_text(map_get_kw(note, "waits")), *step = id_text(map_get_kw(note, "step"));
  Val key = map_get_kw(note, "key"), due = map_get_kw(note, "due"), error = map_get_kw(note, "error");
  char when[40] = "";
  if (is_long(due) && long_of(due)) iso_time(long_of(due), when);
  if (is_kw(map_get_kw(note, "checkpoint"))) say_question(row, note, step, when, out);
  else if (!strcmp(what, "child")) child_say_waits(e, note, row->workspace, row->run_id, out->waits_for, sizeof out->waits_for);
  else if (!strcmp(what, "wait") && is_str(key))
    wait_say(e, row, step, str_s(key), when, out->waits_for, sizeof out->waits_for);
  else if (!strcmp(what, "checkpoint"))
    snprintf(out->waits_for, sizeof out->waits_for,
             "step :%s failed (%.160s) and waits for a person\nto answer: breyta-run retry|skip|reject %s %s, then breyta-run resume %s", step,
             is_str(error) ? str_s(error) : "", row->run_id, step, row->run_id);
  else if (!strcmp(what, "breakpoint")) breaks_say(note, row->run_id, out->waits_for, sizeof out->waits_for);
  else if (!strcmp(what, "job")) job_say(e, row, note, when, out->waits_for, sizeof out->waits_for);
  else if (!strcmp(what, "sleep"))
    snprintf(out->waits_for, sizeof out->waits_for, "step :%s sleeps until %s\nto go on: breyta-run resume %s", step, when, row->run_id);
  else snprintf(out->waits_for, sizeof out->waits_for, "to go on: breyta-run resume %s", row->run_id);
}

bool engine_state(Engine *e, int64_t run, RunState *out, Err *err) {
  *out = (RunState){.run = run, .value = NIL, .error = NIL};
  err->code = NULL;
  RunRow row = {0};
  if (!store_run_get(e->store, run, &row, err)) return err->code ? false : err_set(err, "not_found", "there is no run number %lld", (long long)run);
  snprintf(out->run_id, sizeof out->run_id, "%s", row.run_id);
  out->status = row.status;
  if (row.status == RUN_COMPLETED) out->value = end_value(e, &row, err);
  else if (run_status_final(row.status)) out->error = end_value(e, &row, err);
  else if (row.status == RUN_BLOCKED) out->error = err_map("blocked", row.note ? row.note : "blocked");
  else {
    out->parked = row.status == RUN_WAITING || row.status == RUN_QUEUED;
    if (row.status == RUN_QUEUED) snprintf(out->waits_for, sizeof out->waits_for, "waits for an earlier run of its flow (:concurrency) to end");
    else say_waits(e, &row, out);
  }
  run_row_free(&row);
  return true;
}

/* --- history -------------------------------------------------------------------------------------------------------------------------- */
typedef struct Hist {
  bool (*f)(void *ctx, const HistoryStep *s);
  void *ctx;
  Val intent; /* of the attempt that is open */
  Val check;  /* the record of the checkpoint it waits at */
  Val by;
  Val seen;   /* whole inputs by step id (step_input.h) */
  int64_t number;
  bool waiting, stop, over;
} Hist;

static void emit(Hist *h, Val in, const char *status, int64_t ended, Val output, Val error, int attempt) {
  HistoryStep s = {.step = id_text(vec_nth(in, JI_STEP)), .type = kw_text(vec_nth(in, JI_TYPE)),
                   .title = is_str(vec_nth(in, JI_TITLE)) ? str_s(vec_nth(in, JI_TITLE)) : NULL, .status = status, .attempt = attempt,
                   .by = kw_text(h->by), .number = h->number, .occurrence = long_of(vec_nth(in, JI_OCC)), .started_ms = long_of(vec_nth(in, JI_AT)), .ended_ms = ended,
                   .input = vec_nth(in, JI_INPUT), .output = output, .error = error};
  if (!h->f(h->ctx, &s)) h->stop = true;
}

/* The record with its whole input. */
static Val with_input(Hist *h, Val v) {
  return vec_assoc(v, JI_INPUT, step_input_whole(&h->seen, vec_nth(v, JI_TYPE), vec_nth(v, JI_STEP), vec_nth(v, JI_INPUT)));
}

static bool history_record(void *ctx, const JournalRec *j) {
  Hist *h = ctx;
  Val v = snap_read_value(env_core(), j->data.p, j->data.n);
  if (!is_vec(v)) return false;
  int attempt = is_nil(h->intent) ? 1 : (int)fix_of(vec_nth(h->intent, JI_ATTEMPT));
  switch (j->kind) {
  case J_INTENT:
    if (is_vec(h->check) && is_vec(h->intent))
      emit(h, h->intent, "failed", long_of(vec_nth(h->check, JY_AT)), NIL, vec_nth(h->check, JY_ERROR), (int)fix_of(vec_nth(h->check, JY_ATTEMPT)));
    h->check = NIL;
    h->number += is_nil(h->intent);
    h->intent = is_nil(h->intent) ? with_input(h, v) : vec_assoc(v, JI_INPUT, vec_nth(h->intent, JI_INPUT)); h->waiting = job_input_awaits(vec_nth(v, JI_TYPE), vec_nth(h->intent, JI_INPUT)) || kw_is(vec_nth(v, JI_TYPE), "wait") || kw_is(vec_nth(v, JI_TYPE), "sleep") || child_step(vec_nth(v, JI_TYPE)); break;
  case J_RESULT: {
    bool ok = truthy(vec_nth(v, JR_OK));
    h->by = journal_field(v, JR_BY);
    if (!is_nil(h->intent))
      emit(h, h->intent, ok ? "completed" : "failed", long_of(vec_nth(v, JR_AT)), ok ? vec_nth(v, JR_VALUE) : NIL, ok ? NIL : vec_nth(v, JR_VALUE), attempt);
    h->intent = h->check = h->by = NIL;
    break;
  }
  case J_STEP: {
    bool ok = truthy(vec_nth(v, JS_OK));
    v = with_input(h, v);
    HistoryStep s = {.step = id_text(vec_nth(v, JI_STEP)), .type = kw_text(vec_nth(v, JI_TYPE)),
                     .title = is_str(vec_nth(v, JI_TITLE)) ? str_s(vec_nth(v, JI_TITLE)) : NULL, .status = ok ? "completed" : "failed",
                     .by = kw_text(journal_field(v, JS_BY)), .number = ++h->number, .attempt = (int)fix_of(vec_nth(v, JI_ATTEMPT)), .occurrence = long_of(vec_nth(v, JI_OCC)),
                     .started_ms = long_of(vec_nth(v, JI_AT)), .ended_ms = long_of(vec_nth(v, JS_END)), .input = vec_nth(v, JI_INPUT),
                     .output = ok ? vec_nth(v, JS_VALUE) : NIL, .error = ok ? NIL : vec_nth(v, JS_VALUE)};
    if (!h->f(h->ctx, &s)) h->stop = true;
    break;
  }
  case J_RETRY:
    if (!is_nil(h->intent))
      emit(h, h->intent, "retrying", long_of(vec_nth(v, JY_AT)), NIL, vec_nth(v, JY_ERROR), (int)fix_of(vec_nth(v, JY_ATTEMPT)));
    break;
  case J_CHECK:
    h->waiting = true;
    h->check = v;
    break;
  case J_END: h->over = true; break;
  default: break;
  }
  return !h->stop;
}

bool engine_history(Engine *e, int64_t run, bool (*f)(void *ctx, const HistoryStep *s), void *ctx, Err *err) {
  return engine_history_from(e, run, 0, f, ctx, err);
}

bool engine_history_from(Engine *e, int64_t run, int64_t after, bool (*f)(void *ctx, const HistoryStep *s), void *ctx, Err *err) {
  return engine_history_in(e->store, run, after, f, ctx, err);
}

bool engine_history_in(Store *s, int64_t run, int64_t after, bool (*f)(void *ctx, const HistoryStep *s), void *ctx, Err *err) {
  Hist h = {.f = f, .ctx = ctx, .intent = NIL, .check = NIL, .by = NIL, .seen = NIL};
  err->code = NULL;
  if (!store_journal(s, run, after, history_record, &h, err) && err->code) return false;
  if (!is_nil(h.intent) && !h.stop) emit(&h, h.intent, h.over ? "unfinished" : h.waiting ? "waiting" : "running", 0, NIL, is_vec(h.check) ? vec_nth(h.check, JY_ERROR) : NIL, (int)fix_of(vec_nth(h.intent, JI_ATTEMPT)));
  return true;
}

static bool take_lineage(void *ctx, const JournalRec *j) {
  if (j->kind != J_START) return false;
  Val v = snap_read_value(env_core(), j->data.p, j->data.n);
  Val from = is_vec(v) ? journal_field(v, JT_LINEAGE) : NIL;
  *(Val *)ctx = is_map(from) && !is_nil(map_get_kw(from, "run-id")) ? from : NIL; /* a child's is in its row, too */
  return false;
}

Val engine_lineage(Engine *e, int64_t run) {
  Val from = NIL;
  Err err = {0};
  store_journal(e->store, run, 0, take_lineage, &from, &err);
  return from;
}

/* --- replay ---------------------------------------------------------------------------------------------------------------------------- */
static void first_difference(Run *r, const char *what) {
  if (r->diff->n == 0) {
    buf_c(r->diff, what);
    if (r->cursor < r->nrecs) buf_fmt(r->diff, " (journal record %lld)", (long long)r->recs[r->cursor].seq);
  }
  r->phase = R_DONE;
}

static void compare_end(Run *r) {
  if (r->compare && !r->diff->n) buf_fmt(r->diff, "replay has no step where the stored snapshot stands (journal record %lld)", (long long)r->compare_seq);
  if (r->diff->n || r->cursor >= r->nrecs) {
    if (!r->diff->n && run_status_final(r->status) && (!r->nrecs || r->recs[r->nrecs - 1].kind != J_END))
      buf_fmt(r->diff, "the flow ends here, but its history does not");
    return;
  }
  const Rec *rec = &r->recs[r->cursor];
  if (rec->kind != J_END) {
    first_difference(r, "the flow ends before its history does");
    return;
  }
  Buf a = {0}, b = {0};
  Val was = vec_nth(rec->v, JE_VALUE);
  if (strcmp(kw_text(vec_nth(rec->v, JE_STATUS)), run_status_name(r->status))) {
    buf_fmt(r->diff, "the flow ends %s, but its history says %s", run_status_name(r->status), kw_text(vec_nth(rec->v, JE_STATUS)));
  } else if (r->status == RUN_COMPLETED) {
    Val x = snap_data(&a, r->outcome), y = snap_data(&b, was);
    if (is_sig(x) || is_sig(y) || a.n != b.n || memcmp(a.p, b.p, a.n)) {
      buf_c(r->diff, "the flow's value differs from the stored one: ");
      print_to(r->diff, r->outcome, &print_readably);
      buf_c(r->diff, " was ");
      print_to(r->diff, was, &print_readably);
    }
  }
  buf_free(&a);
  buf_free(&b);
}

bool engine_replay(Engine *e, int64_t run, Buf *diff, RunState *end, Err *err) { return replay_against(e, run, NULL, first_difference, diff, end, err); }

/* What a replay holds. */
typedef struct Replay {
  Run *r;
  RunRow row;
  Blob snap;
  Buf diff; /* of one in turns */
  ReplayedFn f;
  void *ctx;
} Replay;

static bool replay_begin(Replay *p, Engine *e, int64_t run, const FlowDef *as, void (*differs)(Run *r, const char *what), Buf *diff, Err *err) {
  *p = (Replay){.f = NULL};
  err->code = NULL;
  if (as && !engine_def_add(e, (FlowDef *)(uintptr_t)as, err)) return false;
  if (!store_run_get(e->store, run, &p->row, err)) return err->code ? false : err_set(err, "not_found", "there is no run number %lld", (long long)run);
  Run *r = p->r = run_make(e, &p->row);
  r->replaying_only = true;
  r->on_replay = differs;
  if (as) snprintf(r->source_hash, sizeof r->source_hash, "%s", as->hash);
  r->diff = diff;
  if (!as && p->row.snap_seq >= 0 && store_snapshot_get(e->store, run, &r->compare_seq, &p->snap, err)) r->compare = &p->snap;
  return run_load(r, &p->row, true, err);
}

static RunState replay_end(Replay *p) {
  Run *r = p->r;
  if (!run_status_final(p->row.status) && r->cursor >= r->nrecs) r->status = RUN_RUNNING, r->outcome = NIL; /* its end is not durable yet */
  compare_end(r);
  RunState end = {.run = r->run, .status = r->status, .value = r->status == RUN_COMPLETED ? r->outcome : NIL,
                  .error = r->status == RUN_COMPLETED ? NIL : r->outcome};
  snprintf(end.run_id, sizeof end.run_id, "%s", p->row.run_id);
  return end;
}

static void replay_free(Replay *p) {
  if (p->r) run_release(p->r);
  blob_free(&p->snap);
  buf_free(&p->diff);
  run_row_free(&p->row);
}

bool replay_against(Engine *e, int64_t run, const FlowDef *as, void (*differs)(Run *r, const char *what), Buf *diff, RunState *end, Err *err) {
  Replay p;
  bool ok = replay_begin(&p, e, run, as, differs, diff, err);
  if (ok) {
    run_replay(p.r);
    *end = replay_end(&p);
  }
  replay_free(&p);
  return ok;
}

static void replayed(Run *r, bool stopping) {
  Replay *p = r->rebuild;
  RunState end = stopping ? (RunState){.value = NIL} : replay_end(p);
  p->f(p->ctx, stopping ? NULL : &end, &p->diff);
  replay_free(p);
}

bool engine_replay_in_turns(Engine *e, int64_t run, ReplayedFn f, void *ctx, Err *err) {
  Replay *p = mem_alloc(sizeof *p);
  if (!replay_begin(p, e, run, NULL, first_difference, &p->diff, err)) return replay_free(p), false;
  p->f = f;
  p->ctx = ctx;
  run_rebuild(p->r, replayed, p);
  return true;
}
