/* flowtest.c - see flowtest.h: a case from its map to its verdict; the durability it proves on the way. */
#include "flowtest_int.h"
#include "reader/mem.h"
#include <stdio.h>
#include <stdlib.h>

enum { MOST_DEATHS = 200 };

void test_result_free(TestResult *r) {
  buf_free(&r->text);
  buf_free(&r->note);
}

/* --- input ------------------------------------------------------------------------------------------------------------------ */
/* The definition with one invocation, the one the case names. */
static bool chosen_flow(const FlowDef *f, Val invocation, FlowDef *out, Buf *why) {
  *out = *f;
  if (is_nil(invocation)) return true;
  Val all = map_get_kw(f->map, "invocations"), one = map_get(is_map(all) ? all : map_empty, invocation, NIL);
  if (is_nil(one)) {
    buf_fmt(why, "the flow has no invocation :%s\n", kw_text(invocation));
    return false;
  }
  Val kv[] = {kw_c("default"), one};
  out->map = map_assoc(f->map, kw_c("invocations"), map_from(kv, 1, false));
  return true;
}

static bool take_input(const TestFile *f, Val tcase, Val recorded, const TestOptions *o, Val *input, Buf *why) {
  FlowDef chosen;
  Err err = {0};
  *input = map_get_kw(tcase, "input");
  if (is_nil(*input) && is_map(recorded)) *input = map_get_kw(recorded, "input");
  if (!same(o->input, ABSENT)) *input = o->input;
  if (!chosen_flow(f->flow, map_get_kw(tcase, "invocation"), &chosen, why)) return false;
  if (flowdef_input(&chosen, input, &err)) return true;
  buf_fmt(why, "%s\n", err.msg);
  return false;
}

/* --- durability ------------------------------------------------------------------------------------------------------------- */
typedef struct Play { const TestFile *f; Val tcase, input, recorded; const World *base; } Play;

/* The same case in another world must end the same. */
static bool same_end(const Play *p, World *w, const char *what, Buf *out) {
  Buf lines = {0};
  world_play(w, p->f, p->tcase, p->input, p->recorded);
  bool ok = !w->fail.n;
  if (!ok) buf_fmt(out, "durability: %s\n  %s", what, buf_cstr(&w->fail));
  else if (match_diff(w->env, world_outcome(p->base), world_outcome(w), true, "the outcome", "  ", &lines)) {
    ok = false;
    buf_fmt(out, "durability: %s ends differently\n%s", what, buf_cstr(&lines));
  }
  buf_free(&lines);
  world_close(w);
  return ok;
}

static bool restored(const Play *p, Buf *out) {
  World *w = mem_alloc(sizeof *w);
  *w = (World){.verify = true, .quiet = true};
  return same_end(p, w, "the run that goes on from its restored snapshots", out);
}

/* The n-th record concerns a step that may not run again: dying around it changes the outcome, as it should. */
static bool dies_at(const Play *p, int64_t n, bool lose, Buf *out) {
  World *w = mem_alloc(sizeof *w);
  char what[120];
  *w = (World){.at_record = n, .lose = lose, .quiet = true};
  snprintf(what, sizeof what, "the run whose process dies %s record %lld of its journal is durable", lose ? "before" : "after",
           (long long)n);
  return same_end(p, w, what, out);
}

static bool has_at_most_once(const World *w) {
  for (size_t i = 0; i < w->calls.n; i++)
    if (kw_is(map_get_kw(w->calls.a[i].input, "delivery"), "at-most-once")) return true;
  return false;
}

static void everywhere(const Play *p, Buf *out) {
  int64_t n = p->base->records, stride = (2 * n + MOST_DEATHS - 1) / MOST_DEATHS;
  if (has_at_most_once(p->base)) {
    buf_c(out,
          ":crash :everywhere: a step has :delivery :at-most-once, so the outcome depends on where the process dies; name the crashes\n");
    return;
  }
  for (int64_t k = 0; k < 2 * n; k += stride)
    if (!dies_at(p, k / 2 + 1, k % 2 == 0, out)) return;
}

static void prove_durable(const Play *p, World *base, Buf *out) {
  if (same(map_get_kw(p->tcase, "durability"), FALSE_V)) return;
  if (kw_is(map_get_kw(base->error, "type"), "limit")) return; /* a runaway: nothing to prove, and it takes seconds */
  if (!world_replay(base, out) || !restored(p, out)) return;
  if (kw_is(map_get_kw(p->tcase, "crash"), "everywhere")) everywhere(p, out);
}

/* --- one case --------------------------------------------------------------------------------------------------------------- */
static void judge_case(const Play *p, World *w, const TestOptions *o, TestResult *out) {
  if (w->fail.n) buf_c(&out->text, buf_cstr(&w->fail));
  if (!w->stop) expect_check(w, map_get_kw(p->tcase, "expect"), &out->text);
  if (o->record) {
    if (!w->stop && record_write(w, p->input, &out->note, &out->text)) out->expect = record_expect(w, p->input);
    return;
  }
  if (!w->stop) script_unused(&w->script, &out->text);
  if (!out->text.n) prove_durable(p, w, &out->text);
}

void flowtest_run(const TestFile *f, size_t i, const TestOptions *o, TestResult *out) {
  Play p = {.f = f, .tcase = vec_nth(f->cases, (uint32_t)i)};
  Val skip = map_get_kw(p.tcase, "skip");
  *out = (TestResult){.verdict = TEST_SKIPPED};
  if (is_str(skip)) {
    buf_c(&out->text, str_s(skip));
    return;
  }
  World *w = mem_alloc(sizeof *w);
  *w = (World){.real = o->record, .bound = o->target};
  bool ready =
      (o->record || record_read(f, p.tcase, &p.recorded, &out->text)) && take_input(f, p.tcase, p.recorded, o, &p.input, &out->text);
  if (ready) {
    world_play(w, f, p.tcase, p.input, p.recorded);
    p.base = w;
    out->virtual_ms = w->took_ms;
    judge_case(&p, w, o, out);
  }
  world_close(w);
  out->verdict = out->text.n ? TEST_FAILED : TEST_PASSED;
}
