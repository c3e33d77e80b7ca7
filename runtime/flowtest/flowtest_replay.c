/* flowtest_replay.c - stored runs against the present source of their flow: which of them would now take another path, and where
 * it leaves the old one. Results come from the journal, so nothing is done and changed :function code is not noticed. */
#include "flowtest_int.h"
#include "reader/mem.h"

static bool step_record(const Rec *rec) { return rec->kind == J_STEP || rec->kind == J_INTENT; }

static void say_step(Buf *b, Val id, Val type) { buf_fmt(b, ":%s (:%s)", id_text(id), kw_text(type)); }

static void same_step_other_input(Run *r, const Rec *rec) {
  Env *env = env_new();
  buf_fmt(r->diff, "record %lld: step :%s is called with another input\n", (long long)rec->seq, id_text(r->call->id));
  if (!match_diff(env, vec_nth(rec->v, JI_INPUT), r->call->kept_cfg, true, "the input", "  ", r->diff))
    buf_c(r->diff, "  the values are equal but for their types\n");
}

static void other_step(Run *r, const Rec *rec) {
  buf_fmt(r->diff, "record %lld: the history has step ", (long long)rec->seq);
  say_step(r->diff, vec_nth(rec->v, JI_STEP), vec_nth(rec->v, JI_TYPE));
  buf_c(r->diff, ", the flow now reaches ");
  say_step(r->diff, r->call->id, r->call->type);
  buf_ch(r->diff, '\n');
}

static void differs(Run *r, const char *what) {
  const Rec *rec = r->cursor < r->nrecs ? &r->recs[r->cursor] : NULL;
  r->phase = R_DONE;
  if (r->diff->n) return;
  if (rec && r->call && step_record(rec)) {
    bool same_id = same(vec_nth(rec->v, JI_STEP), r->call->id) && same(vec_nth(rec->v, JI_TYPE), r->call->type);
    if (same_id) same_step_other_input(r, rec);
    else other_step(r, rec);
  } else {
    if (rec) buf_fmt(r->diff, "record %lld: ", (long long)rec->seq);
    buf_fmt(r->diff, "%s\n", what);
  }
}

/* Both end with a value: only where these differ is worth a line. */
static void values_differ(Engine *e, const RunRow *row, const RunState *end, Buf *out) {
  RunState was;
  Err err = {0};
  if (row->status != RUN_COMPLETED || end->status != RUN_COMPLETED || !engine_state(e, row->run, &was, &err)) return;
  out->n = 0;
  buf_c(out, "the flow's value differs from the stored one\n");
  if (!match_diff(env_new(), was.value, end->value, true, "the value", "  ", out))
    buf_c(out, "  the values are equal but for their types\n");
}

void flowtest_replay(Engine *e, const RunRow *row, const FlowDef *flow, TestResult *out) {
  RunState end = {0};
  Err err = {0};
  *out = (TestResult){.verdict = TEST_PASSED};
  if (!replay_against(e, row->run, flow, differs, &out->text, &end, &err)) buf_fmt(&out->text, "%s\n", err.msg);
  else if (out->text.n) values_differ(e, row, &end, &out->text);
  if (out->text.n && out->text.p[out->text.n - 1] != '\n') buf_ch(&out->text, '\n');
  if (out->text.n) out->verdict = TEST_FAILED;
  out->virtual_ms = row->finished_ms ? row->finished_ms - row->created_ms : 0;
}
