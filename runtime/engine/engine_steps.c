/* engine_steps.c - what happens between a flow/step frame and its result: identity, intents, attempts, retries, timers,
 * waits, replay of recorded results. */
#include "runtime/base/duration.h"
#include "runtime/base/limits.h"
#include "child.h"
#include "runtime/store/connection.h"
#include "runtime/jobs/engine_job.h"
#include "engine_reader.h"
#include "runtime/steps/engine_table.h"
#include "eval/frame.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "runtime/resource/resource.h"
#include "runtime/flow/step_input.h"
#include "runtime/table/table.h"
#include "runtime/template/template_step.h"
#include "engine_observe.h"
#include <stdlib.h>

static const StepKind *kinds[32];
static size_t nkinds;
void engine_register(const StepKind *k) {
  for (size_t i = 0; i < nkinds; i++)
    if (!strcmp(kinds[i]->name, k->name)) return;
  if (nkinds == sizeof kinds / sizeof *kinds) abort();
  kinds[nkinds++] = k;
}
static const StepKind *find_kind(const char *name) {
  for (size_t i = 0; i < nkinds; i++)
    if (!strcmp(kinds[i]->name, name)) return kinds[i];
  return NULL;
}

void kinds_gone(Engine *e) {
  for (size_t i = 0; i < nkinds; i++)
    if (kinds[i]->gone) kinds[i]->gone(e);
  table_far_gone(e);
  reader_gone(e->store);
}

const StepKind *engine_kind(const char *name) { return find_kind(name); }
bool engine_kind_known(const char *name) {
  const StepKind *k = find_kind(name);
  return k && !k->inner;
}

Val err_map(const char *type, const char *msg) {
  Val kv[] = {kw_c("type"), kw_c(type), kw_c("message"), str_c(msg)};
  return map_from(kv, 2, false);
}

Val step_config(const StepCall *c) { return c->cfg; }
const char *step_key(const StepCall *c) { return c->key; }
int step_attempt(const StepCall *c) { return c->attempt; }
uint64_t step_token(const StepCall *c) { return c->token; }
StepCall *step_by_token(Engine *e, uint64_t token) {
  Run *r = run_find(e, (int64_t)(token >> 24));
  return r && r->call && r->call->token == token ? r->call : NULL;
}

Val run_flow(Run *r) {
  Err err = {0};
  if (!r->def && !engine_def(r->e, r->source_hash, &r->def, NULL, &err)) r->def = NULL;
  return r->def ? r->def->map : NIL;
}

static const Target *target_on(Engine *e, const char *workspace, const char *slug, const char *target) {
  if (!e->o.target_of) return e->o.target;
  return e->o.target_of(e->o.resolve_ctx, workspace ? workspace : "", slug ? slug : "", target ? target : "draft");
}

const Target *run_target(const Run *r) { return target_on(r->e, r->workspace, r->slug, r->target); }

const Target *engine_target(Engine *e, int64_t run) {
  RunRow row = {0};
  Err err = {0};
  if (!e->o.target_of) return e->o.target;
  if (!store_run_get(e->store, run, &row, &err)) return NULL;
  const Target *t = target_on(e, row.workspace, row.slug, row.target);
  run_row_free(&row);
  return t;
}

Val step_connection(const StepCall *c, Val slot) {
  return target_slot(run_target(c->r), run_flow(c->r), slot);
}
const SecretSet *step_secrets(const StepCall *c) { return target_secrets(run_target(c->r)); }
SecretUse **step_secrets_used(StepCall *c) { return &c->secrets; }

static void tell(Run *r, int what, const char *error, const char *text, int64_t due) {
  if (!r->e->o.progress || r->replaying_only || !r->call) return;
  StepCall *c = r->call;
  StepEvent ev = {.run = r->run, .run_id = r->run_id, .step = id_text(c->id), .type = kw_text(c->type),
                  .title = is_str(c->title) ? str_s(c->title) : NULL, .attempt = c->attempt, .occurrence = c->occ,
                  .at_ms = now_ms(), .due_ms = due, .error = error, .text = text};
  ev.what = what;
  r->e->o.progress(r->e->o.ctx, &ev);
}

void run_progress(Run *r, int what, const char *error, int64_t due) { tell(r, what, error, NULL, due); }
void run_progress_text(Run *r, const char *text) { tell(r, STEP_TEXT, NULL, text, 0); }

/* --- identity ------------------------------------------------------------------------------------------------------------------- */
/* Printed for each step: printf would be a twentieth of what the engine does for one. Give what is behind the text. */
static char *put_decimal(char *to, uint64_t n) {
  char digits[20];
  int k = 0;
  do digits[k++] = (char)('0' + n % 10);
  while (n /= 10);
  while (k) *to++ = digits[--k];
  return to;
}
static char *put_text(char *to, const char *s, size_t n) {
  memcpy(to, s, n);
  return to + n;
}

/* Where the step stands: the call node of the nearest frame that is the flow's own code. */
Val step_node(const Mach *m) {
  char text[33 + 20];
  for (uint32_t i = m->nframes - 1; i-- > 0;) {
    const Frame *f = &m->frames[i];
    if (f->flags & FR_NATIVE) continue;
    const Node *n = frame_site(f);
    if (n->unit->core_unit) continue;
    unit_hex(&n->unit->hash, text);
    text[32] = '/';
    return str_new(text, (size_t)(put_decimal(text + 33, n->id) - text));
  }
  return str_c("?");
}

static int64_t next_occurrence(Run *r, Val node, Val id) {
  Val occ = map_get_kw(r->m->state, "occ"), key = vec_of2(node, id);
  Val n = map_get(occ, key, fix(0));
  int64_t k = is_fix(n) ? fix_of(n) + 1 : 1;
  occ = map_assoc(occ, key, fix(k));
  r->m->state = map_assoc(r->m->state, kw_c("occ"), occ);
  return k;
}

static uint64_t hash_bytes(const Buf *b) {
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < b->n; i++) h = (h ^ (uint8_t)b->p[i]) * 0x100000001b3u;
  return h;
}

/* The key is unique per run, step id, place in the code and occurrence; retries keep it. */
static void make_key(StepCall *c) {
  const char *node = str_s(c->node), *slash = strrchr(node, '/'), *id = id_text(c->id), *nr = slash ? slash + 1 : "";
  size_t run_n = strlen(c->r->run_id), id_n = strlen(id), nr_n = strlen(nr);
  free(c->key);
  char *to = c->key = mem_raw(run_n + id_n + nr_n + 40);
  to = put_text(put_text(to, c->r->run_id, run_n), "/", 1);
  to = put_text(put_text(to, id, id_n), "/", 1);
  to = put_text(put_text(to, node, strnlen(node, 8)), nr, nr_n);
  *put_decimal(put_text(to, "/", 1), (uint64_t)c->occ) = 0;
}

Val step_journal_cfg(Val cfg) {
  MapIter it;
  Val k, v, out = cfg;
  map_iter(&it, cfg);
  while (map_next(&it, &k, &v))
    if (is_type(v, T_FN) || is_type(v, T_BUILTIN)) out = map_assoc(out, k, kw_c("breyta/function"));
  return out;
}

void call_free(StepCall *c) {
  if (!c) return;
  table_far_stop(c);
  free(c->key);
  secret_use_free(c->secrets);
  c->key = NULL;
  c->secrets = NULL;
}

/* The config with its :template rendered. It stays as it is when that fails: the call then has a problem. */
static Val templated(Run *r, Val type, Val cfg, Val *problem) {
  Err err = {0};
  *problem = NIL;
  if (is_nil(map_get_kw(cfg, "template"))) return cfg;
  if (!r->def && !engine_def(r->e, r->source_hash, &r->def, NULL, &err)) {
    *problem = map_assoc(err_map("validation", err.msg), kw_c("retryable?"), FALSE_V);
    return cfg;
  }
  Val out = template_config(map_get_kw(r->def->map, "templates"), kw_text(type), cfg, problem);
  return same(out, ABSENT) ? cfg : out;
}

/* Most steps have no :retry, and its policy is large. */
static const RetryPolicy *retry_of(Val cfg) {
  static _Thread_local RetryPolicy none;
  Val retry = map_get_kw(cfg, "retry");
  Err e = {0};
  if (is_nil(retry)) {
    if (!none.max_attempts) backoff_default(&none);
    return &none;
  }
  RetryPolicy *p = mem_alloc_atomic(sizeof *p);
  if (!backoff_policy(retry, p, &e)) backoff_default(p);
  return p;
}

static StepCall *call_new(Run *r, Val type, Val id, Val cfg) {
  StepCall *c = mem_alloc(sizeof *c);
  c->r = r;
  c->type = kw_is(type, "code") ? kw_c("function") : type;
  c->id = id;
  c->cfg = cfg = templated(r, type, cfg, &c->problem);
  c->journal_cfg = c->kept_cfg = step_journal_cfg(cfg);
  c->title = map_get_kw(cfg, "title");
  if (!is_str(c->title)) c->title = NIL;
  c->attempt = 1;
  c->loaded = NIL;
  c->kind = find_kind(kw_text(c->type));
  const StepKind *other = r->e->o.stand_in ? r->e->o.stand_in(r->e->o.ctx, c->type, c->id) : NULL;
  if (other) c->kind = other;
  c->stand_in = other != NULL;
  c->token = (uint64_t)r->run << 24 | (++r->e->next_token & 0xffffff);
  c->retry = retry_of(cfg);
  call_free(r->call);
  r->call = c;
  return c;
}

/* By structure and not by sharing: equal inputs have equal hashes whatever their history in memory. */
static uint64_t input_hash(Val cfg) {
  UnitHash h;
  uint64_t x;
  unit_hash(cfg, NULL, NIL, &h);
  memcpy(&x, h.b, sizeof x);
  return x;
}

StepCall *step_call(Run *r) {
  Val *s = step_slots(r->m);
  StepCall *c = call_new(r, s[ST_TYPE], s[ST_ID], s[ST_CFG]);
  s[ST_CFG] = c->cfg; /* as the journal has it, and rendered once */
  c->node = step_node(r->m);
  c->occ = next_occurrence(r, c->node, c->id);
  r->steps++;
  c->hash = input_hash(c->journal_cfg);
  c->kept_cfg = step_input_kept(&r->m->state, c->type, c->id, c->journal_cfg);
  make_key(c);
  return c;
}

/* --- records ----------------------------------------------------------------------------------------------------------------------- */
void step_fields(const StepCall *c, Val f[JI_COUNT]) {
  f[JI_STEP] = c->id;
  f[JI_TYPE] = c->type;
  f[JI_TITLE] = c->title;
  f[JI_OCC] = int_val(c->occ);
  f[JI_ATTEMPT] = fix(c->attempt);
  f[JI_HASH] = int_val((int64_t)c->hash);
  f[JI_AT] = int_val(c->started_ms);
  f[JI_INPUT] = c->kept_cfg;
  f[JI_DUE] = int_val(c->due_ms);
  f[JI_NODE] = c->node;
}

/* The pending step is part of the run's state, so that a snapshot taken now knows it. */
static void set_pending(Run *r, Val intent, int64_t seq) {
  r->m->state = map_assoc(r->m->state, kw_c("step"), is_nil(intent) ? NIL : vec_of2(int_val(seq), intent));
}

static bool append_intent(StepCall *c) {
  Val f[JI_COUNT];
  c->started_ms = now_ms();
  step_fields(c, f);
  Val copy;
  int64_t seq = run_append_copy(c->r, J_INTENT, f, JI_COUNT, SIZE_MAX, &copy);
  if (seq < 0) return false;
  c->intent_seq = seq;
  set_pending(c->r, copy, seq);
  return true;
}

bool step_intent(StepCall *c) {
  if (append_intent(c)) return true;
  run_finish(c->r, RUN_FAILED, run_error_map(c->r, pend.ex));
  return false;
}

static Val long_or(Val v, int64_t otherwise) { return is_long(v) ? v : int_val(otherwise); }

StepCall *step_from_intent(Run *r, Val in, int64_t seq) {
  Val *s = step_slots(r->m);
  StepCall *c = call_new(r, vec_nth(in, JI_TYPE), vec_nth(in, JI_STEP), s ? s[ST_CFG] : vec_nth(in, JI_INPUT));
  c->kept_cfg = vec_nth(in, JI_INPUT);
  if (!s || !kw_is(c->type, "llm")) c->journal_cfg = c->kept_cfg;
  c->occ = long_of(long_or(vec_nth(in, JI_OCC), 1));
  c->attempt = (int)long_of(long_or(vec_nth(in, JI_ATTEMPT), 1));
  c->hash = (uint64_t)long_of(long_or(vec_nth(in, JI_HASH), 0));
  c->started_ms = long_of(long_or(vec_nth(in, JI_AT), 0));
  c->due_ms = long_of(long_or(vec_nth(in, JI_DUE), 0));
  c->node = vec_nth(in, JI_NODE);
  c->intent_seq = seq;
  make_key(c);
  return c;
}

/* --- answers to the machine ------------------------------------------------------------------------------------------------------------ */
static Val error_exception(StepCall *c, Val error) {
  Val msg = map_get_kw(error, "message");
  if (is_nil(map_get_kw(error, "step-id"))) error = map_assoc(error, kw_c("step-id"), c->id);
  if (is_nil(map_get_kw(error, "attempt"))) error = map_assoc(error, kw_c("attempt"), fix(c->attempt));
  return ex_make(EXC_INFO, is_str(msg) ? msg : str_c("step failed"), error, NIL);
}

static Val cancel_exception(Run *r, Val error) {
  Val msg = map_get_kw(error, "message");
  r->m->state = map_assoc(r->m->state, kw_c("cancelled"), error); /* whatever its finally blocks do, the run ends cancelled */
  return ex_make(EXC_CANCELLED, is_str(msg) ? msg : str_c("cancelled"), error, NIL);
}

void step_answer(Run *r, bool ok, Val v, Val by) {
  r->resume_throw = !ok;
  limits_spent(r->m, r->call->type, v);
  r->resume = ok ? v : kw_is(by, "cancel") ? cancel_exception(r, v) : error_exception(r->call, v);
  set_pending(r, NIL, 0);
  call_free(r->call);
  r->call = NULL;
  r->phase = R_READY;
}

void step_mismatch(Run *r, const char *fmt, const char *a, const char *b) {
  Buf msg = {0};
  buf_fmt(&msg, fmt, a, b);
  if (r->on_replay) r->on_replay(r, buf_cstr(&msg));
  else run_block(r, buf_cstr(&msg));
  r->phase = R_DONE;
  buf_free(&msg);
}

static bool same_step(StepCall *c, Val rec, bool is_step) {
  (void)is_step;
  Run *r = c->r;
  if (!same(vec_nth(rec, JI_STEP), c->id) || !same(vec_nth(rec, JI_TYPE), c->type)) {
    step_mismatch(r, "the flow reaches step %s where its history has %s", id_text(c->id), id_text(vec_nth(rec, JI_STEP)));
    return false;
  }
  if (!num_eq(vec_nth(rec, JI_HASH), int_val((int64_t)c->hash))) {
    step_mismatch(r, "step %s is called with another input than in its history%s", id_text(c->id), "");
    return false;
  }
  return true;
}

static void compare_snapshot(Run *r, int64_t seq) {
  if (!r->compare || r->compare_seq != seq) return;
  Buf b = {0};
  if (!is_sig(snap_machine(&b, r->m)) && (b.n != r->compare->n || memcmp(b.p, r->compare->p, b.n)))
    r->on_replay(r, "the snapshot made by replay differs from the stored one");
  r->compare = NULL; /* compared */
  buf_free(&b);
}

/* Records of the step in flight that follow its intent. True when its result was among them (answered). */
static bool replay_attempts(StepCall *c, int *last_kind) {
  Run *r = c->r;
  *last_kind = J_INTENT;
  while (r->cursor < r->nrecs) {
    const Rec *rec = &r->recs[r->cursor];
    switch (rec->kind) {
    case J_RESULT:
      r->cursor++;
      step_answer(r, truthy(vec_nth(rec->v, JR_OK)), vec_nth(rec->v, JR_VALUE), journal_field(rec->v, JR_BY));
      return true;
    case J_RETRY:
      c->attempt = (int)fix_of(vec_nth(rec->v, JY_ATTEMPT)) + 1;
      c->due_ms = long_of(vec_nth(rec->v, JY_DUE));
      break;
    case J_CHECK:
      c->checkpoint = true;
      c->attempt = (int)fix_of(vec_nth(rec->v, JY_ATTEMPT));
      break;
    case J_CHILD: child_replayed(c, rec->v); break;
    case J_INTENT:
      c->kids = NULL;
      c->attempt = (int)fix_of(vec_nth(rec->v, JI_ATTEMPT));
      c->intent_seq = rec->seq;
      c->due_ms = long_of(vec_nth(rec->v, JI_DUE));
      c->started_ms = long_of(vec_nth(rec->v, JI_AT));
      c->checkpoint = false;
      set_pending(r, rec->v, rec->seq);
      compare_snapshot(r, rec->seq);
      break;
    case J_END:
      if (cancel_replay(r)) return true; /* fall through */
    default:
      step_mismatch(r, "unexpected record while step %s is in flight%s", id_text(c->id), "");
      return true;
    }
    *last_kind = rec->kind;
    r->cursor++;
  }
  return false;
}

static void live_again(StepCall *c, int last_kind);

/* The next journal record answers, or has to answer, this step. */
static void replay_step(StepCall *c) {
  Run *r = c->r;
  const Rec *rec = &r->recs[r->cursor];
  if (rec->kind == J_STEP) {
    if (!same_step(c, rec->v, true)) return;
    r->cursor++;
    step_answer(r, truthy(vec_nth(rec->v, JS_OK)), vec_nth(rec->v, JS_VALUE), journal_field(rec->v, JS_BY));
    return;
  }
  if (rec->kind != J_INTENT) {
    step_mismatch(r, "the flow reaches step %s where its history has something else%s", id_text(c->id), "");
    return;
  }
  if (!same_step(c, rec->v, false)) return;
  r->cursor++;
  c->intent_seq = rec->seq;
  c->due_ms = long_of(vec_nth(rec->v, JI_DUE));
  c->started_ms = long_of(vec_nth(rec->v, JI_AT));
  set_pending(r, rec->v, rec->seq);
  compare_snapshot(r, rec->seq);
  int last;
  if (replay_attempts(c, &last)) return;
  live_again(c, last);
}

/* --- failing, retrying -------------------------------------------------------------------------------------------------------------------- */
static uint64_t jitter_seed(const StepCall *c) {
  Buf b = {0};
  buf_c(&b, c->key);
  uint64_t h = hash_bytes(&b);
  buf_free(&b);
  return h ^ (uint64_t)c->attempt * 0x9e3779b97f4a7c15u;
}

static bool is_function(const StepCall *c) { return kw_is(c->type, "function"); }

static void wait_for_retry(StepCall *c, Val error, int64_t pause) {
  Run *r = c->r;
  if (!c->intent_seq && !append_intent(c)) { /* :function and :kv have no intent until they fail */
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  int64_t at = now_ms();
  observe_retry(c, error, pause);
  c->due_ms = at + pause;
  Val f[] = {fix(c->attempt), error, int_val(at), int_val(c->due_ms)};
  if (run_append(r, J_RETRY, f, JY_COUNT) < 0) {
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  Val msg = map_get_kw(error, "message");
  run_progress(r, STEP_RETRY, is_str(msg) ? str_s(msg) : NULL, c->due_ms);
  c->attempt++;
  batch_timer_put(run_batch(r), r->run, r->epoch, c->intent_seq, c->due_ms);
  run_submit(r, AFTER_TIMER);
}

static void park_at_checkpoint(StepCall *c, Val error) {
  Run *r = c->r;
  if (!c->intent_seq && !append_intent(c)) {
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  run_snapshot(r); /* before the record: replaying it is what says that a person is asked */
  c = r->call;
  Val f[] = {fix(c->attempt), error, int_val(now_ms())};
  run_append(r, J_CHECK, f, 3);
  Buf note = {0};
  Val msg = map_get_kw(error, "message");
  Val kv[] = {kw_c("waits"), kw_c("checkpoint"), kw_c("step"), c->id, kw_c("error"), is_str(msg) ? msg : NIL};
  print_to(&note, map_from(kv, 3, false), &print_readably);
  r->status = RUN_WAITING;
  batch_status(run_batch(r), r->run, r->epoch, RUN_WAITING, now_ms(), 0, buf_cstr(&note));
  buf_free(&note);
  run_submit(r, AFTER_PARK);
}

/* spec/flows.md 10: a result travels inside the journal, up to 1 MiB encoded. */
static Val sized_copy(StepCall *c, Val value) {
  Buf b = {0};
  Val s = snap_data(&b, value);
  if (is_sig(s)) {
    buf_free(&b);
    return s;
  }
  size_t bytes = snap_last_size();
  Val copy = (int64_t)bytes > limit_value(LIMIT_result_bytes) ? ABSENT : is_ptr(value) ? snap_read_value(c->r->m->env, b.p, b.n) : value;
  buf_free(&b);
  return copy;
}

static Val oversize(const StepCall *c) {
  Buf b = {0};
  int64_t most = limit_value(LIMIT_result_bytes);
  if (most % (1 << 20)) buf_fmt(&b, "the result of step %s is over %lld bytes", id_text(c->id), (long long)most);
  else buf_fmt(&b, "the result of step %s is over %lld MiB", id_text(c->id), (long long)most >> 20);
  buf_c(&b, ": keep it with :persist {:type :blob} or return less");
  Val m = map_assoc(limit_named(err_map("oversize", buf_cstr(&b)), LIMIT_result_bytes), kw_c("retryable?"), FALSE_V);
  buf_free(&b);
  return m;
}

/* The record of a step's end: its result, or the whole of a step that had no intent. Its sequence number, or -1. Not null: *copy becomes
 * the value as replay will see it, and a record too large to be sure that the value is not fails. */
static int64_t append_end(StepCall *c, bool ok, Val value, Val *copy) {
  bool intent = c->intent_seq != 0;
  Val f[JS_COUNT], rec = NIL;
  size_t n = intent ? JR_COUNT : JS_COUNT, most = (size_t)limit_value(LIMIT_result_bytes);
  if (intent) {
    f[JR_OK] = bool_val(ok);
    f[JR_VALUE] = value;
    f[JR_AT] = int_val(now_ms());
    f[JR_INTENT] = int_val(c->intent_seq);
    f[JR_BY] = c->by;
  } else {
    step_fields(c, f);
    f[JS_OK] = bool_val(ok);
    f[JS_VALUE] = value;
    f[JS_END] = int_val(now_ms());
    f[JS_NODE] = c->node;
    f[JS_BY] = c->by;
  }
  n -= is_nil(c->by);
  if (copy && !intent) { /* the record is mostly the step's config: only the value is read back, and not even that when it is no object */
    *copy = is_ptr(value) ? sized_copy(c, value) : value;
    if (same(*copy, ABSENT) || is_sig(*copy)) return -1;
    f[JS_VALUE] = *copy;
    copy = NULL;
  }
  if (!copy) return run_append(c->r, intent ? J_RESULT : J_STEP, f, n);
  int64_t seq = run_append_copy(c->r, intent ? J_RESULT : J_STEP, f, n, most, &rec);
  if (seq >= 0) *copy = vec_nth(rec, intent ? JR_VALUE : JS_VALUE);
  return seq;
}

/* When the record could not be made at once: what is wrong with the value becomes the step's error. */
static int64_t append_checked(StepCall *c, bool *was_ok, Val value, Val *out) {
  Run *r = c->r;
  bool ok = *was_ok;
  Val copy = sized_copy(c, value);
  if (same(copy, ABSENT)) {
    ok = false;
    copy = copy_data(r, map_assoc(map_assoc(oversize(c), kw_c("step-id"), c->id), kw_c("attempt"), fix(c->attempt)));
  }
  if (is_sig(copy)) {
    if (same(copy, SIG_DEMAND)) copy = err_map("not-serializable", "the step's result holds an unrealised lazy sequence");
    else copy = run_error_map(r, pend.ex);
    if (!ok) copy = err_map("not-serializable", "the step's error could not be stored");
    ok = false;
  }
  *was_ok = ok;
  *out = copy;
  return append_end(c, ok, copy, NULL);
}

void step_resolve(StepCall *c, bool ok, Val value) {
  Run *r = c->r;
  Val copy;
  if (ok && persist_begin(c, value)) return;
  int64_t seq = append_end(c, ok, value, &copy);
  if (seq < 0) seq = append_checked(c, &ok, value, &copy);
  if (seq < 0) {
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  Val msg = ok ? NIL : map_get_kw(copy, "message");
  observe_step_ended(c, ok, copy);
  run_progress(r, ok ? STEP_DONE : STEP_FAILED, is_str(msg) ? str_s(msg) : NULL, 0);
  step_answer(r, ok, copy, c->by);
  run_ready(r);
}

void step_error(StepCall *c, Val error, int64_t retry_after_ms) {
  if (!is_map(error)) error = err_map("runtime", "step failed");
  if (resource_fetch(c, error)) return;
  Val type = map_get_kw(error, "type"), status = map_get_kw(error, "status"), able = map_get_kw(error, "retryable?");
  bool may = backoff_retryable(c->retry, kw_text(type), is_long(status) ? long_of(status) : 0);
  if (is_function(c) && is_nil(able)) may = true; /* code that throws says nothing about its class: :retry decides */
  if (same(able, FALSE_V)) may = false;
  if (may && c->attempt < c->retry->max_attempts) {
    wait_for_retry(c, error, backoff_delay(c->retry, c->attempt, jitter_seed(c), retry_after_ms));
    return;
  }
  error = map_assoc(map_assoc(error, kw_c("step-id"), c->id), kw_c("attempt"), fix(c->attempt));
  if (is_nil(able)) error = map_assoc(error, kw_c("retryable?"), bool_val(may));
  Val policy = map_get_kw(c->cfg, "on-error");
  if (kw_is(policy, "skip")) step_resolve(c, true, NIL);
  else if (kw_is(policy, "checkpoint")) park_at_checkpoint(c, error);
  else step_resolve(c, false, error);
}

/* v without the secrets that the attempt has used; they are forgotten with it. */
static Val cleaned(StepCall *c, Val v) {
  Val out = secret_clean(c->secrets, v);
  secret_use_free(c->secrets);
  c->secrets = NULL;
  return is_sig(out) ? err_map("not-serializable", "the step's result holds an unrealised lazy sequence") : out;
}

void step_done(Engine *e, StepCall *c, Val result) {
  Val v = cleaned(c, result);
  if (e->o.answered) e->o.answered(e->o.ctx, c, true, v, -1);
  step_resolve(c, true, v);
}
void step_failed(Engine *e, StepCall *c, Val error, int64_t retry_after_ms) {
  Val v = cleaned(c, error);
  if (e->o.answered) e->o.answered(e->o.ctx, c, false, v, retry_after_ms);
  step_error(c, v, retry_after_ms);
}

/* Names the step: what is wrong is often seen far away from where it was written. */
static void fail_validation(StepCall *c, const char *msg) {
  Buf b = {0};
  buf_fmt(&b, "step :%s: %s", id_text(c->id), msg);
  Val m = map_assoc(err_map("validation", buf_cstr(&b)), kw_c("retryable?"), FALSE_V);
  buf_free(&b);
  step_error(c, m, -1);
}

void step_invalid(StepCall *c, const char *msg) { fail_validation(c, msg); }
bool step_intend(StepCall *c) { return append_intent(c); }

/* --- :function ------------------------------------------------------------------------------------------------------------------------------- */
static bool function_code(StepCall *c, Val *fn) {
  Run *r = c->r;
  Val code = map_get_kw(c->cfg, "code"), ref = map_get_kw(c->cfg, "ref");
  if (is_nil(code) == is_nil(ref)) {
    fail_validation(c, ":function needs exactly one of :ref (a function of :functions) and :code (a quoted (fn [input] ...))");
    return false;
  }
  Err err = {0};
  if (!is_nil(ref)) {
    if (!r->def && !engine_def(r->e, r->source_hash, &r->def, NULL, &err)) {
      fail_validation(c, err.msg);
      return false;
    }
    code = flowdef_function(r->def, ref);
    if (same(code, ABSENT)) {
      Buf b = {0};
      buf_fmt(&b, "there is no function %s in :functions", kw_text(ref));
      fail_validation(c, buf_cstr(&b));
      buf_free(&b);
      return false;
    }
  }
  *fn = is_type(code, T_FN) || is_type(code, T_BUILTIN) ? code : flowdef_compile_fn(r->m->env, code, r->def ? r->def->file : NULL);
  if (is_sig(*fn)) {
    step_error(c, map_assoc(run_error_map(r, pend.ex), kw_c("retryable?"), FALSE_V), -1);
    return false;
  }
  return true;
}

/* false: :timeout is no duration. */
static bool function_deadline(StepCall *c) {
  Val t = map_get_kw(c->cfg, "timeout");
  int64_t ms;
  Err e = {0};
  c->deadline_us = 0;
  if (is_nil(t)) return true;
  if (!duration_of(t, DURATION_SECONDS, ":timeout", &ms, &e)) {
    fail_validation(c, e.msg);
    return false;
  }
  c->deadline_us = mono_us() + ms * 1000;
  return true;
}

static void function_begin(StepCall *c) {
  Val fn;
  Val input = map_get_kw(c->cfg, "input"), keys = map_get_kw(c->cfg, "load"), error;
  if (!is_nil(keys) && table_far_begin(c)) return;
  if (!function_code(c, &fn) || !function_deadline(c)) return;
  if (!is_nil(keys)) input = resource_load(c->r->e, c, input, keys, &error);
  c->loaded = NIL; /* another attempt looks anew */
  if (same(input, ABSENT)) {
    step_error(c, error, -1);
    return;
  }
  Val *s = step_slots(c->r->m);
  s[ST_TMP] = vec_of2(fn, input);
  s[ST_PHASE] = fix(PHASE_BEGIN);
  run_progress(c->r, STEP_STARTED, NULL, 0);
  c->r->resume = ABSENT;
  c->r->resume_throw = false;
  run_ready(c->r);
}

static void function_ended(Run *r, Val *s) {
  StepCall *c = r->call;
  Val v = s[ST_TMP];
  bool threw = fix_of(s[ST_PHASE]) == PHASE_THREW;
  bool late = r->timed_out;
  r->timed_out = false;
  s[ST_TMP] = NIL;
  s[ST_PHASE] = fix(PHASE_BEGIN);
  if (late) step_error(c, map_assoc(err_map("timeout", "the code took longer than its :timeout"), kw_c("retryable?"), TRUE_V), -1);
  else if (threw) step_error(c, run_error_map(r, v), -1);
  else step_resolve(c, true, v);
}

/* --- :sleep --------------------------------------------------------------------------------------------------------------------------- */
static bool sleep_ms(Val cfg, int64_t *ms, Err *e) {
  Val s = map_get_kw(cfg, "seconds"), m = map_get_kw(cfg, "millis"), d = map_get_kw(cfg, "duration");
  int given = !is_nil(s) + !is_nil(m) + !is_nil(d);
  if (given > 1) return err_set(e, "validation", ":sleep takes one of :seconds, :millis and :duration");
  if (!is_nil(s)) {
    if (!is_num(s) || !(num_to_double(s) >= 0 && num_to_double(s) <= 3e10)) {
      Buf b = {0};
      if (is_sig(print_to(&b, s, &print_readably))) b.n = 0;
      err_set(e, "validation", ":seconds is %.60s; use a number of seconds from 0 to 30000000000", buf_cstr(&b));
      buf_free(&b);
      return false;
    }
    *ms = (int64_t)(num_to_double(s) * 1000 + 0.5);
    return true;
  }
  if (!is_nil(m)) return duration_of(m, DURATION_MS, ":millis", ms, e);
  if (!is_nil(d)) return duration_of(d, DURATION_MS, ":duration", ms, e);
  *ms = 1000;
  return true;
}

/* The :wait of a :confirm or :review (steps.clj): its key is the step's own. */
static bool is_checkpoint(const StepCall *c) { return kw_is(c->type, "wait") && is_kw(map_get_kw(c->cfg, "checkpoint")); }

enum { SHOWN_BYTES = 300 };
static Val short_text(Val v) {
  Buf b = {0};
  PrintOpts o = print_readably;
  o.max_bytes = 1 << 20;
  if (is_sig(print_to(&b, v, &o))) pend.ex = NIL, buf_free(&b), buf_c(&b, "too much to show");
  bool cut = b.n > SHOWN_BYTES;
  size_t n = cut ? SHOWN_BYTES : b.n;
  while (cut && n && ((uint8_t)b.p[n] & 0xc0) == 0x80) n--; /* not in the middle of a character */
  Val text = str_fmt("%.*s%s", (int)n, buf_cstr(&b), cut ? " ..." : "");
  buf_free(&b);
  return text;
}

/* What a person is asked, if one is. */
static Val with_question(const StepCall *c, Val note) {
  static const char *const keys[] = {"checkpoint", "title", "message", "problem", "fields"};
  for (size_t i = 0; is_checkpoint(c) && i < sizeof keys / sizeof *keys; i++) {
    Val v = map_get_kw(c->cfg, keys[i]);
    if (!is_nil(v)) note = map_assoc(note, kw_c(keys[i]), v);
  }
  Val shown = map_get(c->cfg, kw_c("value"), map_get(c->cfg, kw_c("config"), ABSENT));
  return is_checkpoint(c) && !same(shown, ABSENT) ? map_assoc(note, kw_c("shown"), short_text(shown)) : note;
}

bool step_is_checkpoint(const StepCall *c) { return is_checkpoint(c); }

void step_note(Run *r, const char *what, Val step, Val key, int64_t wake) {
  Val kv[] = {kw_c("waits"), kw_c(what), kw_c("step"), step, kw_c("key"), key, kw_c("due"), int_val(r->call->due_ms)};
  Buf note = {0};
  print_to(&note, with_question(r->call, map_from(kv, 4, false)), &print_readably);
  r->status = RUN_WAITING;
  batch_status(run_batch(r), r->run, r->epoch, RUN_WAITING, now_ms(), wake, buf_cstr(&note));
  buf_free(&note);
}

void run_again(Run *r) {
  if (r->status == RUN_RUNNING) return;
  r->status = RUN_RUNNING;
  batch_status(run_batch(r), r->run, r->epoch, RUN_RUNNING, now_ms(), 0, NULL);
}

#define SLEEP_PARK_MS 1000
static void sleep_begin(StepCall *c) {
  Run *r = c->r;
  int64_t ms;
  Err e = {0};
  if (!sleep_ms(c->cfg, &ms, &e)) {
    fail_validation(c, e.msg);
    return;
  }
  c->due_ms = now_ms() + ms;
  if (!append_intent(c)) {
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  batch_timer_put(run_batch(r), r->run, r->epoch, c->intent_seq, c->due_ms);
  if (ms >= SLEEP_PARK_MS) {
    run_snapshot(r);
    step_note(r, "sleep", c->id, NIL, c->due_ms);
  }
  run_progress(r, STEP_STARTED, NULL, c->due_ms);
  run_submit(r, AFTER_TIMER);
}

static Val slept(StepCall *c) {
  int64_t ms = 1000;
  Err e = {0};
  sleep_ms(c->cfg, &ms, &e);
  Val kv[] = {kw_c("slept-seconds"), ms % 1000 ? dbl_val((double)ms / 1000) : int_val(ms / 1000)};
  return map_from(kv, 1, false);
}

bool step_named(Val id, const char *name) {
  const char *own = id_text(id);
  size_t n = strlen(name);
  return !strcmp(own, name) || (!strncmp(own, name, n) && (own[n] == '/' || own[n] == '.') && strchr(own, '/'));
}

/* --- a person's answers ------------------------------------------------------------------------------------------------------------------------------ */
static void check_again(StepCall *c) {
  run_again(c->r);
  c->checkpoint = false;
  c->attempt++;
  c->due_ms = 0;
  step_begin_attempt(c);
}

bool step_action(Run *r, Val body) {
  StepCall *c = r->call;
  const char *action = kw_text(map_get_kw(body, "action"));
  Val step = map_get_kw(body, "step"), value = map_get_kw(body, "value");
  if (!c || (!is_nil(step) && !step_named(c->id, id_text(step)))) return false;
  bool yes = !strcmp(action, "approve"), no = !strcmp(action, "reject");
  if ((is_checkpoint(c) || kw_is(c->type, "wait")) && (yes || no)) return wait_decided(r, action, body);
  if (!c->checkpoint) return false;
  if (!strcmp(action, "retry") || yes) check_again(c);
  else if (!strcmp(action, "skip")) {
    run_again(r);
    step_resolve(c, true, value);
  } else if (no || !strcmp(action, "fail")) {
    run_again(r);
    step_resolve(c, false, map_assoc(err_map("rejected", "a person rejected this step"), kw_c("step-id"), c->id));
  } else {
    return false;
  }
  return true;
}

/* --- beginning and going on ----------------------------------------------------------------------------------------------------------------------------- */
static void kv_begin(StepCall *c) {
  static const char *const changing[] = {"set", "delete", "increment", "append"};
  Val result = NIL, error = NIL;
  for (size_t i = 0; i < 4 && !is_nil(map_get_kw(c->cfg, "persist")); i++)
    if (kw_is(map_get_kw(c->cfg, "operation"), changing[i])) {
      step_invalid(c, "a :kv step that changes a value cannot have :persist: keep its result in a step of its own");
      return;
    }
  if (kv_step(c->r, c->cfg, &result, &error)) step_resolve(c, true, result);
  else if (c->r->status == RUN_BLOCKED) return;
  else if (kw_is(map_get_kw(error, "type"), "validation")) step_invalid(c, str_s(map_get_kw(error, "message")));
  else step_error(c, error, -1);
}

static void table_begin(StepCall *c) {
  if (!table_far_begin(c) && !table_export_step(c)) table_here(c);
}

/* What is bound to the slot of its :connection is in the database and cannot be read: that is no missing binding. */
static bool connection_unreadable(StepCall *c) {
  Val slot = map_get_kw(c->cfg, "connection");
  if (is_str(slot)) slot = kw_parse(str_s(slot), str_n(slot));
  const char *why = is_kw(slot) && is_nil(step_connection(c, slot)) ? target_problem(run_target(c->r)) : NULL;
  if (!why) return false;
  Val msg = str_fmt("the connection of the slot %s cannot be read: %s", kw_text(slot), why);
  step_error(c, map_assoc(err_map("connection-unreadable", str_s(msg)), kw_c("retryable?"), FALSE_V), -1);
  return true;
}

/* Is the step called by the runtime's own code, and not by the flow's? */
static bool called_inside(const Mach *m) {
  uint32_t i = m->nframes - 1;
  while (i && m->frames[i].flags & FR_NATIVE) i--;
  return frame_site(&m->frames[i])->unit->core_unit;
}

static void external_begin(StepCall *c) {
  Run *r = c->r;
  if (!c->stand_in && c->kind->inner && c->attempt == 1 && !called_inside(r->m)) {
    step_invalid(c, "this family is a part of others, and not for flows");
    return;
  }
  if (!c->stand_in && connection_unreadable(c)) return;
  if (c->kind->check) {
    Val v = c->kind->check(r->e, c);
    if (is_sig(v)) {
      step_error(c, map_assoc(run_error_map(r, pend.ex), kw_c("retryable?"), FALSE_V), -1);
      return;
    }
  }
  if (!append_intent(c)) {
    run_finish(r, RUN_FAILED, run_error_map(r, pend.ex));
    return;
  }
  size_t limit = r->e->o.snapshot_after ? r->e->o.snapshot_after : 64 * 1024;
  if (r->e->o.verify || (r->tail_bytes > limit && r->tail_bytes > 4 * r->snap_bytes)) run_snapshot(r);
  c = r->call;
  run_progress(r, STEP_STARTED, NULL, 0);
  run_submit(r, AFTER_START);
}

void step_begin_attempt(StepCall *c) {
  const char *type = kw_text(c->type);
  if (!is_nil(c->problem)) step_error(c, c->problem, -1);
  else if (c->stand_in) external_begin(c);
  else if (!strcmp(type, "function")) function_begin(c);
  else if (!strcmp(type, "kv")) kv_begin(c);
  else if (!strcmp(type, "table")) table_begin(c);
  else if (!strcmp(type, "sleep")) sleep_begin(c);
  else if (!strcmp(type, "wait")) wait_begin(c);
  else if (child_step(c->type)) child_begin(c);
  else if (!strcmp(type, "job") && job_begin(c)) return;
  else if (c->kind) external_begin(c);
  else {
    Buf b = {0};
    buf_fmt(&b, "step family :%s is not part of this build", type);
    Val m = map_assoc(err_map("unsupported_step", buf_cstr(&b)), kw_c("family"), c->type);
    buf_free(&b);
    step_error(c, map_assoc(m, kw_c("retryable?"), FALSE_V), -1);
  }
}

static bool one_of_these(Err *e, const char *option, Val v, const char *works) {
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) b.n = 0;
  err_set(e, "validation", "%s is %.60s; use %s", option, buf_cstr(&b), works);
  buf_free(&b);
  return false;
}

static bool common_options_ok(StepCall *c, Err *e) {
  Val on = map_get_kw(c->cfg, "on-error"), d = map_get_kw(c->cfg, "delivery");
  RetryPolicy p;
  Persist keep;
  Val retry = map_get_kw(c->cfg, "retry");
  Val template = map_get_kw(c->cfg, "template");
  bool told = !is_nil(c->problem) && (is_kw(template) || is_str(template)); /* a template that cannot be rendered says more */
  if (!told && !step_options_check(c->type, c->cfg, e)) return false;
  if (!is_nil(retry) && !backoff_policy(retry, &p, e)) return false;
  if (!persist_read(map_get_kw(c->cfg, "persist"), kw_text(c->type), false, &keep, e)) return false;
  if (!kw_is(c->type, "fanout") && !is_nil(on) && !kw_is(on, "fail") && !kw_is(on, "skip") && !kw_is(on, "checkpoint"))
    return one_of_these(e, ":on-error", on, ":fail, :skip or :checkpoint");
  if (!is_nil(d) && !kw_is(d, "at-least-once") && !kw_is(d, "at-most-once") && !kw_is(d, "idempotent"))
    return one_of_these(e, ":delivery", d, ":at-least-once, :at-most-once or :idempotent");
  return true;
}

/* Changes made by hand in front of this step. true: its call is evaluated again. */
static bool replay_edits(Run *r) {
  while (r->cursor < r->nrecs && r->recs[r->cursor].kind == J_EDIT)
    if (edit_apply(r, r->recs[r->cursor++].v)) return true;
  return false;
}

void step_reached(Run *r) {
  Val *s = step_slots(r->m);
  if (r->call && fix_of(s[ST_PHASE]) != PHASE_BEGIN) {
    function_ended(r, s);
    return;
  }
  if (r->fork) {
    fork_step(r);
    return;
  }
  if (replay_edits(r)) return;
  if (r->stop_at == r->steps + 1) {
    r->stopped = true;
    r->phase = R_DONE;
    return;
  }
  if (cancel_replay(r)) return;
  if (r->cursor < r->nrecs) {
    replay_step(step_call(r));
    return;
  }
  if (r->replaying_only) { /* what is durable ends here, in front of the step: nothing differed */
    r->phase = R_DONE;
    return;
  }
  if (cancel_due(r)) return;
  if (r->e->stepping == r->run || r->e->draining) {
    run_submit(r, AFTER_HOLD);
    return;
  }
  step_begin(step_call(r));
}

void step_begin(StepCall *c) {
  Run *r = c->r;
  c->started_ms = now_ms();
  Err e = {0};
  r->phase = R_COMMITTING; /* until the attempt says what is next */
  Val over = limits_over(r->m->state, c->type, c->started_ms - r->created_ms);
  if (!is_nil(over)) step_error(c, over, -1);
  else if (!common_options_ok(c, &e)) fail_validation(c, e.msg);
  else step_begin_attempt(c);
}

/* After a crash or a load: the step's effect is not known to have ended. */
static void interrupted(StepCall *c) {
  if (!kw_is(map_get_kw(c->cfg, "delivery"), "at-most-once")) {
    c->r->after = AFTER_NOTHING;
    c->r->phase = R_EFFECT;
    run_progress(c->r, STEP_STARTED, NULL, 0);
    c->kind->start(c->r->e, c);
    return;
  }
  Val m = err_map("interrupted", "the process ended while this step ran; :delivery :at-most-once does not run it again");
  step_error(c, map_assoc(m, kw_c("retryable?"), FALSE_V), -1);
}

static void live_again(StepCall *c, int last_kind) {
  Run *r = c->r;
  r->phase = R_COMMITTING;
  if (r->replaying_only) {
    r->phase = R_DONE; /* the history ends inside this step: nothing differed */
    return;
  }
  if (cancel_due(r)) return;
  if (c->checkpoint || kw_is(c->type, "wait")) {
    r->phase = R_PARKED;
    return;
  }
  if (last_kind == J_INTENT && job_awaits(c)) {
    r->phase = R_PARKED;
    return;
  }
  if (last_kind == J_CHILD) {
    child_again(c);
    return;
  }
  if (last_kind == J_RETRY || kw_is(c->type, "sleep")) {
    r->phase = R_TIMER;
    engine_timer_add(r->e, c->due_ms, r);
    return;
  }
  if (c->kind) interrupted(c);
  else step_begin_attempt(c); /* :function and :kv leave no intent but for retries */
}

void step_in_flight(Run *r) {
  Val pending = map_get_kw(r->m->state, "step");
  if (!is_vec(pending)) {
    run_ready(r);
    return;
  }
  StepCall *c = step_from_intent(r, vec_nth(pending, 1), long_of(vec_nth(pending, 0)));
  int last;
  if (replay_attempts(c, &last)) {
    if (r->phase == R_READY) run_ready(r);
    return;
  }
  live_again(c, last);
}

void step_timer(StepCall *c) {
  Run *r = c->r;
  if (kw_is(c->type, "wait") && !c->checkpoint) {
    wait_timed_out(c);
    return;
  }
  if (job_awaits(c) && !c->checkpoint && r->phase == R_PARKED) {
    job_timed_out(c);
    return;
  }
  if (c->kids) {
    child_timer(c);
    return;
  }
  run_again(r);
  batch_timer_del(run_batch(r), r->run, r->epoch, c->intent_seq);
  if (kw_is(c->type, "sleep") && c->due_ms <= now_ms()) {
    step_resolve(c, true, slept(c));
    return;
  }
  c->due_ms = 0;
  if (is_function(c) || kw_is(c->type, "kv") || kw_is(c->type, "table")) c->started_ms = now_ms();
  step_begin_attempt(c);
}
