/* slots.c - see slots.h */
#include "slots.h"
#include "engine_int.h"
#include "engine_observe.h"
#include "eval/unit.h"
#include "runtime/base/hash.h"
#include <stdlib.h>

/* A run whose START is on its way to the disk: the database does not show it yet. */
typedef struct SlotStarting {
  char *workspace, *slot;
  int64_t run;
  bool queued, ends_others;
  struct SlotStarting *next;
} SlotStarting;

enum { KEY_TEXT = 200, PAGE = 64 };
#define SEP '\x1f'

/* --- which slot ------------------------------------------------------------------------------------------------------------------ */
static Val at(Val m, Val k) {
  if (is_vec(m) && is_fix(k)) return fix_of(k) >= 0 && fix_of(k) < vec_count(m) ? vec_nth(m, (uint32_t)fix_of(k)) : NIL;
  if (!is_map(m)) return NIL;
  Val v = map_get(m, k, ABSENT);
  if (!same(v, ABSENT)) return v;
  if (is_kw(k)) return map_get(m, str_c(kw_text(k)), NIL);
  return is_str(k) ? map_get(m, kw_parse(str_s(k), str_n(k)), NIL) : NIL;
}

static Val key_of(Val input, Val field) {
  if (!is_vec(field)) return at(input, field);
  for (uint32_t i = 0; i < vec_count(field); i++) input = at(input, vec_nth(field, i));
  return input;
}

static int by_text(const void *a, const void *b) {
  const Buf *x = a, *y = b;
  int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
  return order ? order : (x->n > y->n) - (x->n < y->n);
}

static bool key_text(Buf *out, Val v);

/* {:a 1 :b 2} and {:b 2 :a 1} are one key, whoever wrote them: entries in the order of their texts. */
static bool map_text(Buf *out, Val m) {
  size_t n = map_count(m), i = 0;
  Buf *all = calloc(n + 1, sizeof *all);
  MapIter it;
  Val k, v;
  bool ok = all;
  map_iter(&it, m);
  for (; ok && map_next(&it, &k, &v); i++) {
    ok = key_text(&all[i], k);
    buf_c(&all[i], " ");
    ok = ok && key_text(&all[i], v);
  }
  if (ok) qsort(all, n, sizeof *all, by_text);
  for (i = 0; all && i < n; i++) {
    buf_c(out, i ? ", " : "{");
    buf_add(out, all[i].p, all[i].n);
    buf_free(&all[i]);
  }
  buf_c(out, n ? "}" : "{}");
  free(all);
  return ok;
}

static bool vec_text(Buf *out, Val v) {
  bool ok = true;
  buf_c(out, "[");
  for (uint32_t i = 0; ok && i < vec_count(v); i++) {
    if (i) buf_c(out, " ");
    ok = key_text(out, vec_nth(v, i));
  }
  buf_c(out, "]");
  return ok;
}

static bool key_text(Buf *out, Val v) {
  if (is_map(v)) return map_text(out, v);
  return is_vec(v) ? vec_text(out, v) : !is_sig(print_to(out, v, &print_readably));
}

/* Long ones by their hash. false: the key is not to be had. */
static bool add_key(Buf *b, Val input, Val field, Val *key, Err *err) {
  Buf text = {0}, name = {0};
  char hash[65];
  *key = key_of(input, field);
  bool ok = !is_nil(*key) && key_text(&text, *key);
  if (ok && text.n > KEY_TEXT) hash_sha256_hex(text.p, text.n, hash), buf_fmt(b, "%c#%s", SEP, hash);
  else if (ok) buf_fmt(b, "%c%s", SEP, buf_cstr(&text));
  if (is_sig(print_to(&name, field, &print_readably))) name.n = 0;
  if (!ok) err_set(err, "concurrency_key_missing", "the input has no value at the :key-field of :concurrency, %.200s", buf_cstr(&name));
  buf_free(&text);
  buf_free(&name);
  return ok;
}

static char *slot_of(const FlowDef *f, Val input, const char *installation, SlotDecision *d, Err *err) {
  Val c = map_get_kw(f->map, "concurrency"), type = map_get_kw(c, "type"), policy = map_get_kw(c, "on-new-version");
  Buf b = {0};
  *d = (SlotDecision){.decision = "rejected", .type = kw_is(type, "keyed") ? "keyed" : "singleton", .key = NIL, .others = NIL,
                      .policy = kw_is(policy, "drain") ? "drain" : kw_is(policy, "coexist") ? "coexist" : "supersede"};
  buf_fmt(&b, "%s%c%s", f->slug, SEP, installation ? installation : "");
  if (kw_is(type, "keyed") && !add_key(&b, input, map_get_kw(c, "key-field"), &d->key, err)) return buf_free(&b), NULL;
  return buf_cstr(&b); /* malloc'ed: the caller's now */
}

/* --- who is there ------------------------------------------------------------------------------------------------------------------ */
typedef struct Others { Val ids; size_t n; } Others;

static void other(Others *o, const char *id) {
  if (o->n++ < SLOT_OTHERS) o->ids = vec_conj(is_vec(o->ids) ? o->ids : vec_empty, str_c(id));
}

static bool here(const SlotStarting *s, const char *workspace, const char *slot) {
  return !strcmp(s->slot, slot) && !strcmp(s->workspace, workspace);
}

/* Its end is on its way to the disk. */
static bool is_ending(Engine *e, int64_t run) {
  const Run *r = run_find(e, run);
  return r && (r->phase == R_DONE || r->after == AFTER_DONE) && run_status_final(r->status);
}

static void ask_to_end(Batch *b, const char *workspace, const char *id, const char *by) {
  Buf body = {0};
  Val kv[] = {kw_c("force"), TRUE_V, kw_c("reason"), str_fmt("superseded by %s", by)};
  snap_data(&body, map_from(kv, 2, false));
  batch_inbox_put(b, workspace, id, "cancel", now_ms(), (Bytesv){body.p, body.n});
  buf_free(&body);
}

/* f sees everybody who is there and not over: in the database, and on the way to it. */
typedef void (*SlotFn)(void *ctx, const char *id, bool ending);
static bool each_other(Engine *e, const RunRow *row, size_t most, SlotFn f, void *ctx, Err *err) {
  RunRow page[PAGE];
  int64_t after = 0;
  size_t n, seen = 0, want = most < PAGE ? most : PAGE;
  do {
    n = store_slot(e->store, row->workspace, row->slot, RUNS_OPEN, after, page, want, err);
    for (size_t i = 0; i < n; i++) {
      after = page[i].run;
      f(ctx, page[i].run_id, is_ending(e, page[i].run));
      run_row_free(&page[i]);
    }
    seen += n;
  } while (n == want && seen < most && !err->code);
  for (const SlotStarting *s = e->slot_starting; s; s = s->next) {
    const Run *r = here(s, row->workspace, row->slot) && s->run > after ? run_find(e, s->run) : NULL;
    if (r) f(ctx, r->run_id, false);
  }
  return !err->code;
}

typedef struct Ending { Batch *b; const RunRow *by; Others o; } Ending;
static void end_other(void *ctx, const char *id, bool ending) {
  Ending *x = ctx;
  if (ending) return;
  ask_to_end(x->b, x->by->workspace, id, x->by->run_id);
  other(&x->o, id);
}
static void see_other(void *ctx, const char *id, bool ending) {
  (void)ending;
  other(ctx, id);
}

/* --- taking --------------------------------------------------------------------------------------------------------------------------- */
static bool supersede(Engine *e, SlotDecision *d, RunRow *row, Batch *b, Err *err) {
  Ending x = {b, row, {NIL, 0}};
  if (!each_other(e, row, SIZE_MAX, end_other, &x, err)) return false;
  row->status = RUN_QUEUED;
  d->decision = x.o.n ? "superseded" : "queued"; /* for a moment: the one before is just ending */
  d->others = x.o.ids;
  return true;
}

static bool queue(Engine *e, SlotDecision *d, RunRow *row, Others *o, Err *err) {
  int64_t queued = store_slot_queue(e->store, row->workspace, row->slot, SLOT_QUEUE_MAX);
  for (const SlotStarting *s = e->slot_starting; s; s = s->next) queued += s->queued && here(s, row->workspace, row->slot);
  if (queued >= SLOT_QUEUE_MAX)
    return err_set(err, "concurrency_queue_full", "%d runs of flow %s wait already for an earlier one to end (:concurrency :drain)", SLOT_QUEUE_MAX, row->slug);
  row->status = RUN_QUEUED;
  d->decision = "queued";
  d->others = o->ids;
  return true;
}

static void note_starting(Engine *e, const RunRow *row, bool ends_others) {
  SlotStarting *s = calloc(1, sizeof *s);
  if (!s) abort();
  *s = (SlotStarting){strdup(row->workspace), strdup(row->slot), row->run, row->status == RUN_QUEUED, ends_others, e->slot_starting};
  e->slot_starting = s;
}

bool slot_take(Engine *e, const FlowDef *f, Val input, const char *installation, SlotDecision *d, RunRow *row, Batch *b, Err *err) {
  Others o = {NIL, 0};
  if (!(row->slot = slot_of(f, input, installation, d, err))) return false;
  err->code = NULL;
  bool ok = each_other(e, row, !strcmp(d->policy, "drain") ? SLOT_OTHERS : 1, see_other, &o, err);
  if (ok && !o.n) d->decision = "started";
  else if (ok && !strcmp(d->policy, "coexist")) d->decision = "coexisted";
  else if (ok) ok = !strcmp(d->policy, "drain") ? queue(e, d, row, &o, err) : supersede(e, d, row, b, err);
  if (ok) note_starting(e, row, !strcmp(d->decision, "superseded"));
  return ok;
}

Val slot_decision_map(const SlotDecision *d) {
  Val m = map_empty;
  m = map_assoc(m, kw_c("decision"), str_c(d->decision));
  m = map_assoc(m, kw_c("type"), str_c(d->type));
  m = map_assoc(m, kw_c("policy"), str_c(d->policy));
  if (!is_nil(d->key)) m = map_assoc(m, kw_c("key"), d->key);
  return is_nil(d->others) ? m : map_assoc(m, kw_c(!strcmp(d->decision, "superseded") ? "superseded" : "behind"), d->others);
}

/* --- going on ------------------------------------------------------------------------------------------------------------------------- */
static void starting_free(SlotStarting *s) {
  free(s->workspace);
  free(s->slot);
  free(s);
}

void slot_started(Engine *e, const char *workspace, const char *slot, int64_t run, bool ok) {
  SlotStarting **at_ = &e->slot_starting, *s;
  while (*at_ && (*at_)->run != run) at_ = &(*at_)->next;
  if (!(s = *at_)) return;
  *at_ = s->next;
  if (ok && s->ends_others) e->inbox_now = e->inbox_again = true;
  if (s->queued || !ok) slot_freed(e, workspace, slot);
  starting_free(s);
}

void slots_stop(Engine *e) {
  for (SlotStarting *s = e->slot_starting, *next; s; s = next) {
    next = s->next;
    starting_free(s);
  }
  e->slot_starting = NULL;
}

/* Somebody runs there, or is about to. One who began a moment ago still looks queued in the database. */
static bool is_taken(Engine *e, const char *workspace, const char *slot) {
  RunRow row;
  Err err = {0};
  for (const SlotStarting *s = e->slot_starting; s; s = s->next)
    if (!s->queued && here(s, workspace, slot)) return true;
  if (!store_slot(e->store, workspace, slot, RUNS_OPEN & ~(1u << RUN_QUEUED), 0, &row, 1, &err)) return err.code;
  run_row_free(&row);
  return true;
}

static void begin(Engine *e, const RunRow *row) {
  Err err = {0};
  Run *r = take_over_row(e, row, (Cancel){.error = NIL}, &err);
  if (!r) return;
  r->status = RUN_RUNNING;
  observe_run_begun(r);
  batch_status(run_batch(r), r->run, r->epoch, RUN_RUNNING, now_ms(), 0, NULL);
}

void slot_freed(Engine *e, const char *workspace, const char *slot) {
  RunRow row;
  Err err = {0};
  if (e->fatal || !store_slot(e->store, workspace, slot, 1u << RUN_QUEUED, 0, &row, 1, &err)) return;
  /* In this order: who begins leaves the queue and is there, in one commit. One in memory has begun. */
  if (!run_find(e, row.run) && !is_taken(e, workspace, slot)) begin(e, &row);
  run_row_free(&row);
}

bool slots_resume(Engine *e, Err *err) {
  RunRow page[PAGE];
  int64_t after = 0;
  size_t n;
  do {
    n = store_runs(e->store, after, 1u << RUN_QUEUED, page, PAGE, err);
    for (size_t i = 0; i < n; i++) {
      after = page[i].run;
      if (page[i].slot) slot_freed(e, page[i].workspace, page[i].slot);
      run_row_free(&page[i]);
    }
  } while (n == PAGE);
  return !err->code;
}
