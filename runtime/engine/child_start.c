/* child_start.c - calls of child flows: what they may say, and making a child: its source, input, name, lineage and first
 * record, all into the batch of its parent. */
#include "child.h"
#include "runtime/base/duration.h"
#include "runtime/base/hash.h"
#include "engine_trace.h"
#include <stdio.h>
#include <stdlib.h>

enum { ID_MAX = 200, ID_LONG = 180 };

void flow_source_free(FlowSource *s) {
  free(s->file);
  free(s->on);
  buf_free(&s->text);
  *s = (FlowSource){0};
}

Val child_error(const char *code, const char *msg) {
  char type[64];
  snprintf(type, sizeof type, "%s", code);
  for (char *p = type; *p; p++)
    if (*p == '_') *p = '-';
  return map_assoc(err_map(type, msg), kw_c("retryable?"), FALSE_V);
}

static Val wrong(Val at, const char *fmt, Val v) {
  Buf b = {0}, text = {0};
  if (is_sig(print_to(&b, v, &print_readably))) buf_c(&b, "?");
  if (!is_nil(at)) buf_fmt(&text, "item %lld: ", (long long)fix_of(at));
  buf_fmt(&text, fmt, buf_cstr(&b));
  Val e = child_error("validation", buf_cstr(&text));
  buf_free(&b);
  buf_free(&text);
  return e;
}

/* --- options ------------------------------------------------------------------------------- */
bool child_step(Val type) { return kw_is(type, "call-flow") || kw_is(type, "fanout"); }

Val child_items(Val cfg) {
  Val items = map_get_kw(cfg, "items");
  ValVec v = {0};
  if (is_vec(items)) return items;
  if (is_nil(items) || is_map(items) || is_str(items) || is_sig(coll_into_array(items, &v))) return ABSENT;
  return vec_from(v.a, v.n);
}

Val child_item(const StepCall *c, uint32_t i) {
  return kw_is(c->type, "fanout") ? vec_nth(child_items(c->journal_cfg), i) : c->journal_cfg;
}

static bool id_ok(Val v) {
  if (!is_str(v) || !str_n(v) || str_n(v) > ID_MAX) return false;
  for (const char *p = str_s(v); *p; p++)
    if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\'') return false;
  return true;
}

static Val slug_of(Val item) {
  Val s = map_get_kw(item, "flow-slug");
  return is_kw(s) && is_nil(AS(Kw, s)->ns) ? AS(Kw, s)->name : is_str(s) && str_n(s) ? s : NIL;
}

static Val installation(Val item) {
  Val id = map_get_kw(item, "installation-id");
  return is_nil(id) ? map_get_kw(item, "profile-id") : id;
}

int64_t child_timeout(Val item) {
  Val t = map_get_kw(item, "timeout");
  int64_t ms = 0;
  Err e = {0};
  return !is_nil(t) && duration_of(t, DURATION_SECONDS, ":timeout", &ms, &e) ? ms : 0;
}

static bool version_ok(Val v) { return is_nil(v) || is_kw(v) || (is_long(v) && long_of(v) >= 0); }
static bool policy_ok(Val v) { return is_nil(v) || kw_is(v, "abandon") || kw_is(v, "request-cancel") || kw_is(v, "terminate"); }

static Val names_problem(Val at, Val item) {
  Val id = map_get_kw(item, "workflow-id"), inst = installation(item), other = map_get_kw(item, "profile-id");
  Val target = map_get_kw(item, "target");
  if (!is_nil(id) && !id_ok(id)) return wrong(at, ":workflow-id must be text of 1 to 200 characters without spaces and quotes, got %s", id);
  if (!is_nil(inst) && !is_str(inst)) return wrong(at, ":installation-id must be a string, got %s", inst);
  if (!is_nil(other) && !same(val_eq(other, inst), TRUE_V)) return wrong(at, ":profile-id is an older name of :installation-id; both are given and differ: %s", other);
  if (!is_nil(target) && !is_kw(target) && !is_str(target)) return wrong(at, ":target must be a keyword or a string, got %s", target);
  return NIL;
}

static Val item_problem(Val at, Val item) {
  Val slug = map_get_kw(item, "flow-slug"), input = map_get_kw(item, "input"), t = map_get_kw(item, "timeout");
  Val version = map_get_kw(item, "version"), policy = map_get_kw(item, "parent-close-policy");
  int64_t ms;
  Err e = {0};
  RetryPolicy p;
  if (is_nil(slug_of(item))) return wrong(at, ":flow-slug must name a flow, as a keyword or a string, got %s", slug);
  if (!is_nil(input) && !is_map(input)) return wrong(at, ":input must be a map, got %s", input);
  if (!is_nil(t) && (!duration_of(t, DURATION_SECONDS, ":timeout", &ms, &e) || ms <= 0)) return wrong(at, ":timeout must be a duration such as \"10m\", or seconds, got %s", t);
  if (!version_ok(version)) return wrong(at, ":version must be a number, or a name such as :latest, got %s", version);
  if (!policy_ok(policy)) return wrong(at, ":parent-close-policy must be :request-cancel, :terminate or :abandon, got %s", policy);
  if (!backoff_policy(map_get_kw(item, "retry-policy"), &p, &e)) {
    char msg[sizeof e.msg + 40];
    snprintf(msg, sizeof msg, ":retry-policy: %s", e.msg);
    return child_error("validation", msg);
  }
  return names_problem(at, item);
}

int child_at_once(Val cfg) {
  Val n = map_get_kw(cfg, "max-concurrency");
  int64_t most = limit_value(LIMIT_fanout_concurrency);
  return is_nil(n) ? (int)most : is_long(n) && long_of(n) >= 1 && long_of(n) <= most ? (int)long_of(n) : 0;
}

/* Two items of one fan-out may not ask for the same run. */
static Val twice(Val items) {
  Val seen = set_empty;
  for (uint32_t i = 0; i < vec_count(items); i++) {
    Val id = map_get_kw(vec_nth(items, i), "workflow-id");
    if (!is_nil(id) && !is_nil(set_get(seen, id, NIL))) return wrong(fix(i), ":workflow-id %s is that of another item, too", id);
    if (!is_nil(id)) seen = set_conj(seen, id);
  }
  return NIL;
}

static Val items_problem(Val items, bool legacy) {
  for (uint32_t i = 0; i < vec_count(items); i++) {
    Val item = vec_nth(items, i), type = is_map(item) ? map_get_kw(item, "type") : NIL;
    if (!is_map(item)) return wrong(fix(i), "must be a map such as {:type :call-flow :flow-slug :child :input {}}, got %s", item);
    if (!is_kw(type)) return wrong(fix(i), "needs :type, :call-flow or that of a step, got %s", type);
    if (kw_is(type, "call-flow") == legacy) return wrong(fix(i), "is a %s: :call-flow items and steps cannot be mixed in one fan-out", type);
    if (legacy) continue;
    Val p = item_problem(fix(i), item);
    if (!is_nil(p)) return p;
  }
  return legacy ? NIL : twice(items);
}

static Val fanout_problem(Val cfg) {
  Val items = child_items(cfg), on = map_get_kw(cfg, "on-error");
  if (same(items, ABSENT)) return wrong(NIL, ":items of a fan-out must be a vector, got %s", map_get_kw(cfg, "items"));
  if (vec_count(items) > limit_value(LIMIT_fanout_width)) {
    char msg[80];
    snprintf(msg, sizeof msg, "a fan-out takes at most %lld :items, got %%s", (long long)limit_value(LIMIT_fanout_width));
    return wrong(NIL, msg, fix(vec_count(items)));
  }
  if (!child_at_once(cfg)) return wrong(NIL, ":max-concurrency must be a number from 1 to 5, got %s", map_get_kw(cfg, "max-concurrency"));
  if (!is_nil(on) && !kw_is(on, "fail") && !kw_is(on, "continue") && !kw_is(on, "collect"))
    return wrong(NIL, ":on-error of a fan-out must be :fail, :continue or :collect, got %s", on);
  return items_problem(items, fanout_legacy(kw_c("fanout"), cfg));
}

static int64_t depth_of(Val lineage) {
  Val d = map_get_kw(lineage, "depth");
  return is_long(d) ? long_of(d) : 0;
}

Val child_problem(Run *r, Val type, Val cfg) {
  Val p = kw_is(type, "fanout") ? fanout_problem(cfg) : item_problem(NIL, cfg);
  if (is_nil(p) && kw_is(type, "fanout")) p = fanout_over(r->m->state);
  if (!is_nil(p)) return p;
  char msg[120];
  int64_t most = limit_value(LIMIT_call_depth);
  if (depth_of(r->lineage) < most) return NIL;
  snprintf(msg, sizeof msg, "flows may call flows %lld deep: this run is already the last below its root", (long long)most);
  return limit_named(child_error("limit", msg), LIMIT_call_depth);
}

/* --- source and input ------------------------------------------------------------------------------- */
static FlowDef *known(Engine *e, const char hash[65]) {
  for (size_t i = 0; i < e->ndefs; i++)
    if (!strcmp(e->defs[i]->hash, hash)) return e->defs[i];
  return NULL;
}

static FlowDef *read_def(Engine *e, const FlowSource *s, Err *err) {
  char hash[65];
  hash_sha256_hex(s->text.p, s->text.n, hash);
  FlowDef *f = known(e, hash);
  if (f) return f;
  Diags d = {0};
  Buf text = {0};
  f = flowdef_read(buf_cstr((Buf *)(uintptr_t)&s->text), s->text.n, s->file, &d);
  if (!f) {
    diags_print(&d, s->file, &text);
    size_t n = strcspn(buf_cstr(&text), "\n");
    err_set(err, "flow_invalid", "the child flow cannot run: %.*s", (int)(n > 300 ? 300 : n), buf_cstr(&text));
  }
  diags_free(&d);
  buf_free(&text);
  return f && engine_def_add(e, f, err) ? f : NULL;
}

static FlowDef *find_def(Run *r, Val item, FlowSource *s, Err *err) {
  Engine *e = r->e;
  Err ignored = {0};
  Val target = map_get_kw(item, "target"), inst = installation(item);
  if (!e->o.resolve) {
    err_set(err, "flow_not_found", "flow %s: no place to look for flows was given (a flow test names them with :flows)", str_s(slug_of(item)));
    return NULL;
  }
  if (!r->def) engine_def(e, r->source_hash, &r->def, NULL, &ignored);
  FlowWanted w = {.slug = str_s(slug_of(item)),
                  .target = is_nil(target) ? NULL : is_kw(target) ? kw_text(target) : str_s(target),
                  .from = r->def ? r->def->file : NULL,
                  .version = map_get_kw(item, "version"),
                  .workspace = r->workspace,
                  .installation = is_str(inst) ? str_s(inst) : NULL,
                  .caller_target = r->target};
  return e->o.resolve(e->o.resolve_ctx, &w, s, err) ? read_def(e, s, err) : NULL;
}

static bool child_input(const FlowDef *f, Val item, Val activation, Val *input, Err *err) {
  Err e = {0};
  *input = map_get_kw(item, "input");
  *input = is_nil(*input) ? map_empty : map_dissoc(*input, kw_new("flow", "ctx"));
  activation = flowdef_activation(f->map, activation);
  if (map_count(activation)) *input = map_assoc(*input, kw_c("activation"), activation);
  return flowdef_input(f, input, &e) || err_set(err, "validation", "the input of flow %s: %s", f->slug, e.msg);
}

/* --- names and lineage ------------------------------------------------------------------------------- */
static void id_part(Buf *b, const char *s) {
  for (; *s; s++) buf_ch(b, (unsigned char)*s <= ' ' || *s == '\'' || *s == '/' || *s == '?' || *s == '#' || *s == 0x7f ? '-' : *s);
}

static void make_id(const StepCall *c, uint32_t i, Val item, const FlowDef *f, char out[256]) {
  const Kid *k = &c->kids->a[i];
  Val given = map_get_kw(item, "workflow-id");
  Buf b = {0};
  if (is_str(given)) buf_c(&b, str_s(given));
  else {
    buf_fmt(&b, "%s.", c->r->run_id);
    id_part(&b, kw_text(c->id));
    buf_fmt(&b, ".%lld", (long long)c->r->steps);
    if (kw_is(c->type, "fanout")) buf_fmt(&b, ".%u", i);
  }
  if (c->attempt > 1) buf_fmt(&b, "-try%d", c->attempt);
  if (k->attempt > 1) buf_fmt(&b, "-%d", k->attempt);
  char hash[65];
  hash_sha256_hex(b.p, b.n, hash);
  if (b.n <= ID_LONG || is_str(given)) snprintf(out, 256, "%s", buf_cstr(&b));
  else snprintf(out, 256, "%.100s.%.32s", f->slug, hash);
  buf_free(&b);
}

static void put(Val *m, const char *key, Val v) {
  if (!is_nil(v)) *m = map_assoc(*m, kw_c(key), v);
}

static Val lineage_of(const StepCall *c, uint32_t i, Val item) {
  const Run *r = c->r;
  bool fan = kw_is(c->type, "fanout");
  char trace[56];
  Val m = map_empty, root = map_get_kw(r->lineage, "root-workflow-id"), width = map_get_kw(r->lineage, "fanout-depth");
  Val target = map_get_kw(item, "target");
  put(&m, "relation", c->type);
  put(&m, "parent-workflow-id", str_c(r->run_id));
  put(&m, "root-workflow-id", is_nil(root) ? str_c(r->run_id) : root);
  put(&m, "parent-step-id", c->id);
  put(&m, "occurrence", int_val(c->occ));
  put(&m, "depth", int_val(depth_of(r->lineage) + 1));
  put(&m, "parent-close-policy", map_get_kw(item, "parent-close-policy"));
  put(&m, "installation-id", installation(item));
  put(&m, "target", is_kw(target) ? AS(Kw, target)->name : target);
  if (trace_header(c, trace)) put(&m, "traceparent", str_c(trace));
  put(&m, "fanout-depth", fan ? int_val((is_long(width) ? long_of(width) : 0) + 1) : width);
  if (!fan) return m;
  put(&m, "fanout-parent-step-id", c->id);
  put(&m, "fanout-max-concurrency", fix(child_at_once(c->journal_cfg)));
  put(&m, "fanout-index", fix(i));
  put(&m, "fanout-count", fix(c->kids->n));
  return m;
}

/* --- the child ------------------------------------------------------------------------------- */
static bool free_id(Engine *e, const char *workspace, const char *id, Err *err) {
  RunRow row = {0};
  err->code = NULL;
  if (!store_run_by_id(e->store, workspace, id, &row, err)) return !err->code;
  run_row_free(&row);
  return err_set(err, "run_exists", "there is a run %s already: :workflow-id must be new", id);
}

static bool create(StepCall *c, const RunRow *row, const FlowDef *f, Val input, Val lineage, Err *err) {
  Run *r = c->r;
  Buf b = {0};
  Val start[JT_COUNT] = {engine_input(r->e, row, input), str_c(f->hash), int_val(row->created_ms), lineage};
  if (is_sig(snap_data(&b, vec_from(start, JT_COUNT)))) {
    buf_free(&b);
    return err_set(err, "validation", "the input of flow %s cannot be stored", f->slug);
  }
  batch_run_create(run_batch(r), row);
  batch_source_put(run_batch(r), f->hash, f->file ? f->file : "flow.edn", (Bytesv){f->text, f->text_n});
  batch_append(run_batch(r), row->run, row->epoch, J_START, (Bytesv){b.p, b.n});
  buf_free(&b);
  return true;
}

static bool start_from(StepCall *c, uint32_t i, FlowSource *s, Err *err) {
  Run *r = c->r;
  Val item = child_item(c, i), input;
  FlowDef *f = find_def(r, item, s, err);
  if (!f || !child_input(f, item, s->activation, &input, err)) return false;
  char id[256], buf[512];
  make_id(c, i, item, f, id);
  if (!free_id(r->e, r->workspace, id, err)) return false;
  Val lineage = lineage_of(c, i, item);
  Buf text = {0};
  print_to(&text, lineage, &print_readably);
  RunRow row = engine_new_row(r->e, r->workspace, f, s->on, id, buf);
  row.version = s->version;
  row.lineage = (char *)(uintptr_t)buf_cstr(&text);
  bool ok = create(c, &row, f, input, lineage, err);
  buf_free(&text);
  if (!ok) return false;
  Kid *k = &c->kids->a[i];
  k->id = str_c(id);
  r->fresh = vec_conj(is_vec(r->fresh) ? r->fresh : vec_empty, int_val(row.run));
  return true;
}

static bool start(StepCall *c, uint32_t i, Err *err) {
  FlowSource s = {.activation = NIL};
  bool ok = start_from(c, i, &s, err);
  flow_source_free(&s);
  return ok;
}

bool child_start(StepCall *c, uint32_t i, Val *error) {
  Err err = {0};
  if (start(c, i, &err)) return true;
  *error = child_error(err.code ? err.code : "flow_not_found", err.msg);
  return false;
}
