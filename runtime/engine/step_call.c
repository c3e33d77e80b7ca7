/* step_call.c - a step as its flow calls it: its family, its identity in the run, its config and what is bound to it, and the
 * records and events of its beginning. */
#include "engine_reader.h"
#include "eval/frame.h"
#include "eval/unit.h"
#include "runtime/flow/step_input.h"
#include "runtime/steps/engine_table.h"
#include "runtime/store/connection.h"
#include "runtime/template/template_step.h"
#include "engine_int.h"
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
void step_pending(Run *r, Val intent, int64_t seq) {
  r->m->state = map_assoc(r->m->state, kw_c("step"), is_nil(intent) ? NIL : vec_of2(int_val(seq), intent));
}

bool step_intend(StepCall *c) {
  Val f[JI_COUNT];
  c->started_ms = now_ms();
  step_fields(c, f);
  Val copy;
  int64_t seq = run_append_copy(c->r, J_INTENT, f, JI_COUNT, SIZE_MAX, &copy);
  if (seq < 0) return false;
  c->intent_seq = seq;
  step_pending(c->r, copy, seq);
  return true;
}

bool step_intent(StepCall *c) {
  if (step_intend(c)) return true;
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
