/* The store without a disk: one ordered map of bytes. A batch is applied in store_submit; what it overwrote is kept in an
 * undo log until it is through, so that a refused batch leaves no trace.
 *
 * Keys are a table letter and its columns: numbers as 8 bytes big-endian (they sort), strings with their NUL.
 *   r run                    -> run row             i run_id workspace     -> run
 *   j run seq                -> kind epoch data     s run                  -> seq data
 *   t run seq                -> due                 d due run seq          -> (timers by time)
 *   w workspace key          -> wait                v run workspace key    -> (waits by run)
 *   b id                     -> inbox row           k workspace key        -> expires value
 *   o workspace key          -> at outcome          f workspace slug       -> runs ever made
 *   y workspace kind key     -> rev at run expires data
 *   T workspace table name   -> table           R place                -> row                K index key -> nothing
 *   J job                    -> job                 B batch                -> batch of jobs   U workspace key -> job until
 *   u hash                   -> file data           c hash                 -> file text         m name -> value */
#include "store_mem_int.h"
#include "store_record.h"

/* ---- changes with undo ---- */

static bool remember(Mem *m, Bytesv key) {
  if (m->n_undo == m->cap_undo) {
    size_t cap = m->cap_undo ? m->cap_undo * 2 : 32;
    Undo *p = realloc(m->undo, cap * sizeof *p);
    if (!p) return false;
    m->undo = p;
    m->cap_undo = cap;
  }
  Undo u = {0};
  const OmapNode *n = store_omap_get(&m->map, key);
  u.was = n != NULL;
  if (!blob_copy(&u.key, key.p, key.n)) return false;
  if (n && !blob_copy(&u.value, store_omap_value(n).p, store_omap_value(n).n)) return blob_free(&u.key), false;
  m->undo[m->n_undo++] = u;
  return true;
}

const char *store_mem_put(Mem *m, Bytes key, Bytes value) {
  bool ok = !key.oom && !value.oom && remember(m, view(&key)) && store_omap_put(&m->map, view(&key), view(&value));
  free(key.p);
  free(value.p);
  return ok ? NULL : NO_MEMORY;
}

const char *store_mem_del(Mem *m, Bytes key) {
  bool ok = !key.oom && remember(m, view(&key));
  if (ok) store_omap_del(&m->map, view(&key));
  free(key.p);
  return ok ? NULL : NO_MEMORY;
}

/* A put can only fail for lack of memory; putting back what was there before needs none that was not just given back. */
static void settle(Mem *m, bool keep) {
  while (m->n_undo) {
    Undo *u = &m->undo[--m->n_undo];
    if (!keep && u->was && !store_omap_put(&m->map, (Bytesv){u->key.p, u->key.n}, (Bytesv){u->value.p, u->value.n})) abort();
    if (!keep && !u->was) store_omap_del(&m->map, (Bytesv){u->key.p, u->key.n});
    blob_free(&u->key);
    blob_free(&u->value);
  }
}

/* ---- looking ---- */

const OmapNode *store_mem_find(const Mem *m, Bytes key) {
  const OmapNode *n = key.oom ? NULL : store_omap_get(&m->map, view(&key));
  free(key.p);
  return n;
}

/* Where a walk begins: the first key of `table` at or behind the numbers or strings of k. */
const OmapNode *store_mem_walk(const Mem *m, Bytes k) {
  const OmapNode *n = k.oom ? NULL : store_omap_from(&m->map, view(&k));
  free(k.p);
  return n;
}

/* ---- runs ---- */

static bool run_unpack(int64_t run, const OmapNode *n, RunRow *r) {
  Reader in = reader(store_omap_value(n));
  *r = (RunRow){.run = run};
  int64_t *const v[] = {&r->version, &r->epoch, &r->created_ms, &r->updated_ms, &r->finished_ms, &r->wake_ms, &r->head_row, &r->head_seq};
  r->status = (enum RunStatus)get_int(&in);
  for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) *v[i] = get_int(&in);
  r->run_id = get_opt(&in);
  r->workspace = get_opt(&in);
  r->slug = get_opt(&in);
  r->source_hash = get_opt(&in);
  r->note = get_opt(&in);
  r->lineage = get_opt(&in);
  r->slot = get_opt(&in);
  r->installation = get_opt(&in);
  r->origin = get_opt(&in);
  r->target = get_opt(&in);
  if (in.oom) run_row_free(r);
  return !in.oom;
}

static const char *run_save(Mem *m, const RunRow *r) {
  const int64_t v[] = {r->status,      r->version, r->epoch,    r->created_ms, r->updated_ms,
                       r->finished_ms, r->wake_ms, r->head_row, r->head_seq};
  Bytes b = {0};
  for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) add_int(&b, v[i]);
  const char *s[] = {r->run_id, r->workspace, r->slug, r->source_hash, r->note, r->lineage, r->slot, r->installation, r->origin, r->target};
  for (int i = 0; i < 10; i++) add_opt(&b, s[i]);
  return store_mem_put(m, KEY('r', r->run), b);
}

static bool mem_run_get(Store *s, int64_t run, RunRow *out, Err *e) {
  Mem *m = (Mem *)s;
  const OmapNode *n = store_mem_find(m, KEY('r', run));
  if (!n) return false;
  if (!run_unpack(run, n, out)) return err_set(e, NO_MEMORY, "out of memory");
  const OmapNode *snap = store_mem_find(m, KEY('s', run));
  Reader in = snap ? reader(store_omap_value(snap)) : (Reader){0};
  out->snap_seq = snap ? get_int(&in) : -1;
  return true;
}

/* Loads the run if this operation may change it. */
static const char *run_writable(Mem *m, const Op *op, RunRow *r) {
  Err e = {0};
  if (!mem_run_get(&m->base, op->run, r, &e)) return e.code ? e.code : "run_unknown";
  const char *why = r->epoch != op->epoch ? "stale_epoch" : run_status_final(r->status) ? "run_final" : NULL;
  if (why) run_row_free(r);
  return why;
}

static const char *run_create(Mem *m, const Batch *b, const Op *op) {
  const char *id = op_str(b, op, 0), *workspace = op_str(b, op, 1) ? op_str(b, op, 1) : "", *e;
  if (store_mem_find(m, KEY('r', op->run)) || store_mem_find(m, key_strs('i', id, workspace))) return "run_exists";
  RunRow r = {.run = op->run, .epoch = op->epoch, .version = op->i[0], .status = (enum RunStatus)op->i[1], .created_ms = op->i[2],
              .updated_ms = op->i[3], .finished_ms = op->i[4], .wake_ms = op->i[5], .run_id = (char *)id,
              .workspace = (char *)op_str(b, op, 1), .slug = (char *)op_str(b, op, 2), .source_hash = (char *)op_str(b, op, 3),
              .note = (char *)op_str(b, op, 4), .lineage = (char *)op_str(b, op, 5), .slot = (char *)op_str(b, op, 6),
              .installation = (char *)op_str(b, op, 7), .origin = (char *)op_str(b, op, 8), .target = (char *)op_str(b, op, 9)};
  Bytes number = {0}, count = {0};
  const OmapNode *n = store_mem_find(m, key_strs('f', r.workspace, r.slug ? r.slug : ""));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  int64_t made = 1 + (n ? get_int(&in) : 0);
  add_int(&count, made > op->i[6] ? made : op->i[6]);
  add_int(&number, op->run);
  if (!(e = store_mem_put(m, key_strs('f', r.workspace, r.slug ? r.slug : ""), count))) e = run_save(m, &r);
  if (!e) return store_mem_put(m, key_strs('i', id, workspace), number);
  free(number.p);
  return e;
}

static const char *wait_remove(Mem *m, int64_t run, const char *workspace, const char *key) {
  Bytes by_run = KEY('v', run);
  add_str(&by_run, workspace);
  add_str(&by_run, key);
  const char *e = store_mem_del(m, by_run);
  return e ? e : store_mem_del(m, key_strs('w', workspace, key));
}

static const char *timer_remove(Mem *m, int64_t run, int64_t seq) {
  const OmapNode *n = store_mem_find(m, KEY('t', run, seq));
  if (!n) return NULL;
  Reader in = reader(store_omap_value(n));
  const char *e = store_mem_del(m, KEY('d', get_int(&in), run, seq));
  return e ? e : store_mem_del(m, KEY('t', run, seq));
}

/* The first key of a table that belongs to a run. */
static const OmapNode *first_of_run(const Mem *m, char table, int64_t run) {
  Bytes k = KEY(table, run);
  const OmapNode *n = k.oom ? NULL : store_omap_from(&m->map, view(&k));
  if (n && !starts(n, view(&k))) n = NULL;
  free(k.p);
  return n;
}

static const char *run_tidy(Mem *m, int64_t run) {
  const char *e = NULL;
  for (const OmapNode *n; !e && (n = first_of_run(m, 't', run));) {
    Reader in = reader(store_omap_key(n));
    in.p += 9;
    e = timer_remove(m, run, get_int(&in));
  }
  for (const OmapNode *n; !e && (n = first_of_run(m, 'v', run));) {
    Reader in = reader(store_omap_key(n));
    in.p += 9;
    char *workspace = get_str(&in), *key = get_str(&in);
    e = in.oom ? NO_MEMORY : wait_remove(m, run, workspace, key);
    free(workspace);
    free(key);
  }
  return e ? e : store_mem_del(m, KEY('s', run));
}

static const char *run_status(Mem *m, const Batch *b, const Op *op) {
  RunRow r;
  const char *e = run_writable(m, op, &r);
  if (e) return e;
  r.status = (enum RunStatus)op->kind;
  r.updated_ms = op->i[0];
  r.finished_ms = run_status_final(r.status) ? op->i[0] : 0;
  r.wake_ms = op->i[1];
  free(r.note);
  r.note = (char *)op_str(b, op, 0);
  e = run_save(m, &r);
  r.note = NULL;
  run_row_free(&r);
  return e || !run_status_final((enum RunStatus)op->kind) ? e : run_tidy(m, op->run);
}

static const char *run_take_over(Mem *m, const Op *op) {
  RunRow r;
  const char *e = run_writable(m, op, &r);
  if (e) return e;
  r.epoch = op->i[0];
  e = op->i[0] > op->epoch ? run_save(m, &r) : "stale_epoch";
  run_row_free(&r);
  return e;
}

static const char *expect(Mem *m, const Op *op) {
  RunRow r;
  const char *e = run_writable(m, op, &r);
  if (e) return e;
  if (r.head_seq != op->i[0]) e = "out_of_order";
  run_row_free(&r);
  return e;
}

static const char *journal_append(Mem *m, const Batch *b, const Op *op) {
  RunRow r;
  const char *e = run_writable(m, op, &r);
  if (e) return e;
  r.head_seq++;
  r.head_row = (int64_t)++m->stats.journal_rows;
  Bytes v = {0};
  add_int(&v, op->kind);
  add_int(&v, op->epoch);
  add(&v, op_blob(b, op) + RECORD_HEADER, op->blob_n - RECORD_HEADER);
  e = store_mem_put(m, KEY('j', op->run, r.head_seq), v);
  if (!e) e = run_save(m, &r);
  run_row_free(&r);
  return e;
}

/* ---- what belongs to a run ---- */

static const char *check_run(Mem *m, const Op *op) {
  RunRow r;
  const char *e = run_writable(m, op, &r);
  if (!e) run_row_free(&r);
  return e;
}

static const char *snapshot(Mem *m, const Batch *b, const Op *op) {
  const char *e = check_run(m, op);
  if (e) return e;
  if (op->blob_n == SNAPSHOT_HEADER) return store_mem_del(m, KEY('s', op->run));
  Bytes v = {0};
  add_int(&v, op->i[0]);
  add(&v, op_blob(b, op) + SNAPSHOT_HEADER, op->blob_n - SNAPSHOT_HEADER);
  return store_mem_put(m, KEY('s', op->run), v);
}

static const char *timer(Mem *m, const Op *op) {
  const char *e = check_run(m, op);
  if (!e) e = timer_remove(m, op->run, op->i[0]);
  if (e || op->type == OP_TIMER_DEL) return e;
  Bytes due = {0};
  add_int(&due, op->i[1]);
  e = store_mem_put(m, KEY('t', op->run, op->i[0]), due);
  return e ? e : store_mem_put(m, KEY('d', op->i[1], op->run, op->i[0]), (Bytes){0});
}

static const char *wait_put(Mem *m, const Batch *b, const Op *op) {
  const char *workspace = op_str(b, op, 0), *key = op_str(b, op, 1), *e = check_run(m, op);
  if (e) return e;
  const OmapNode *n = store_mem_find(m, key_strs('w', workspace, key));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  if (n && (get_int(&in) != op->run || get_int(&in) != op->i[0])) return "wait_exists";
  Bytes v = {0}, by_run = KEY('v', op->run);
  add_int(&v, op->run);
  add_int(&v, op->i[0]);
  add_int(&v, op->i[1]);
  add(&v, op_blob(b, op), op->blob_n);
  add_str(&by_run, workspace);
  add_str(&by_run, key);
  e = store_mem_put(m, by_run, (Bytes){0});
  if (!e) return store_mem_put(m, key_strs('w', workspace, key), v);
  free(v.p);
  return e;
}

static const char *wait_del(Mem *m, const Batch *b, const Op *op) {
  const char *e = check_run(m, op);
  if (e) return e;
  const OmapNode *n = store_mem_find(m, key_strs('w', op_str(b, op, 0), op_str(b, op, 1)));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  if (!n || get_int(&in) != op->run) return "wait_missing";
  return wait_remove(m, op->run, op_str(b, op, 0), op_str(b, op, 1));
}

/* ---- everything else ---- */

static const char *inbox_put(Mem *m, const Batch *b, const Op *op) {
  Bytes v = {0};
  add_int(&v, op->i[0]);
  for (int k = 0; k < 3; k++) add_opt(&v, op_str(b, op, k));
  add(&v, op_blob(b, op), op->blob_n);
  return store_mem_put(m, KEY('b', ++m->next_inbox), v);
}

static const char *inbox_del(Mem *m, const Op *op) {
  return store_mem_find(m, KEY('b', op->i[0])) ? store_mem_del(m, KEY('b', op->i[0])) : "inbox_gone";
}

static const char *put_timed(Mem *m, char table, const Batch *b, const Op *op) {
  Bytes v = {0};
  add_int(&v, op->i[0]);
  add(&v, op_blob(b, op), op->blob_n);
  return store_mem_put(m, key_strs(table, op_str(b, op, 0), op_str(b, op, 1)), v);
}

static const char *outcome_purge(Mem *m, int64_t before) {
  const char *e = NULL;
  const OmapNode *n = store_omap_from(&m->map, (Bytesv){"o", 1});
  while (n && !e && *(const char *)store_omap_key(n).p == 'o') {
    const OmapNode *next = store_omap_next(n);
    Reader in = reader(store_omap_value(n));
    if (get_int(&in) < before) {
      Bytes k = {0};
      add(&k, store_omap_key(n).p, store_omap_key(n).n);
      e = store_mem_del(m, k);
    }
    n = next;
  }
  return e;
}

static const char *outcome_del(Mem *m, const Batch *b, const Op *op) {
  const char *workspace = op_str(b, op, 0), *key = op_str(b, op, 1);
  return store_mem_find(m, key_strs('o', workspace, key)) ? store_mem_del(m, key_strs('o', workspace, key)) : NULL;
}

static const char *outcome_put(Mem *m, const Batch *b, const Op *op) {
  const char *e = put_timed(m, 'o', b, op);
  return e || !store_tune.purge_always ? e : outcome_purge(m, op->i[0] - OUTCOME_KEEP_MS);
}

static Bytes key_doc(const char *workspace, const char *kind, const char *key) {
  Bytes k = key_strs('y', workspace, kind);
  if (key) add_str(&k, key);
  return k;
}

static const char *doc(Mem *m, const Batch *b, const Op *op) {
  const OmapNode *n = store_mem_find(m, key_doc(op_str(b, op, 0), op_str(b, op, 2), op_str(b, op, 1)));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  int64_t rev = n ? get_int(&in) : 0;
  if (op->i[0] != DOC_ANY && op->i[0] != rev) return "doc_conflict";
  Bytes key = key_doc(op_str(b, op, 0), op_str(b, op, 2), op_str(b, op, 1));
  if (op->type == OP_DOC_DEL) return store_mem_del(m, key);
  Bytes v = {0};
  add_int(&v, rev + 1);
  for (int i = 1; i < 4; i++) add_int(&v, op->i[i]);
  add(&v, op_blob(b, op), op->blob_n);
  return store_mem_put(m, key, v);
}

static Bytes key_index(const char *workspace, const char *target, const char *key) {
  Bytes k = key_strs('z', workspace, target);
  if (key) add_str(&k, key);
  return k;
}

static const char *index_op(Mem *m, const Batch *b, const Op *op) {
  IndexRow r = op_index_row(b, op);
  if (op->type == OP_INDEX_DEL) return store_mem_del(m, key_index(r.workspace, r.target, r.key));
  const char *s[] = {r.title, r.tags, r.type, r.path};
  Bytes v = {0};
  add_int(&v, r.at_ms);
  for (int i = 0; i < 4; i++) add_str(&v, s[i]);
  add(&v, r.text.p, r.text.n);
  return store_mem_put(m, key_index(r.workspace, r.target, r.key), v);
}

/* No-op when present. */
static const char *put_file(Mem *m, Bytes key, const Batch *b, const Op *op, const char *file) {
  Bytes v = {0};
  if (!key.oom && store_omap_get(&m->map, view(&key))) return free(key.p), NULL;
  add_opt(&v, file);
  add(&v, op_blob(b, op), op->blob_n);
  return store_mem_put(m, key, v);
}

static const char *unit_put(Mem *m, const Batch *b, const Op *op) {
  Bytes k = {0};
  add(&k, "u", 1);
  add(&k, op->key16, 16);
  return put_file(m, k, b, op, op_str(b, op, 0));
}

static const char *meta_put(Mem *m, const Batch *b, const Op *op) {
  Bytes v = {0};
  add_opt(&v, op_str(b, op, 1));
  return store_mem_put(m, key_strs('m', op_str(b, op, 0), NULL), v);
}

static const char *op_apply(Mem *m, const Batch *b, const Op *op) {
  switch (op->type) {
  case OP_RUN_CREATE: return run_create(m, b, op);
  case OP_EXPECT: return expect(m, op);
  case OP_APPEND: return journal_append(m, b, op);
  case OP_STATUS: return run_status(m, b, op);
  case OP_TAKE_OVER: return run_take_over(m, op);
  case OP_SNAPSHOT: return snapshot(m, b, op);
  case OP_TIMER_PUT:
  case OP_TIMER_DEL: return timer(m, op);
  case OP_WAIT_PUT: return wait_put(m, b, op);
  case OP_WAIT_DEL: return wait_del(m, b, op);
  case OP_INBOX_PUT: return inbox_put(m, b, op);
  case OP_INBOX_DEL: return inbox_del(m, op);
  case OP_KV_PUT: return put_timed(m, 'k', b, op);
  case OP_KV_DEL: return store_mem_del(m, key_strs('k', op_str(b, op, 0), op_str(b, op, 1)));
  case OP_DOC_PUT:
  case OP_DOC_DEL: return doc(m, b, op);
  case OP_UNIT_PUT: return unit_put(m, b, op);
  case OP_SOURCE_PUT: return put_file(m, key_strs('c', op_str(b, op, 0), NULL), b, op, op_str(b, op, 1));
  case OP_META_PUT: return meta_put(m, b, op);
  case OP_OUTCOME_PUT: return outcome_put(m, b, op);
  case OP_OUTCOME_DEL: return outcome_del(m, b, op);
  case OP_TABLE_PUT: return store_mem_table_put(m, b, op);
  case OP_TABLE_DROP: return store_mem_table_drop(m, b, op);
  case OP_TABLE_EDITS: return store_mem_table_edits(m, b, op);
  case OP_INDEX_PUT:
  case OP_INDEX_DEL: return index_op(m, b, op);
  case OP_INDEX_WORK: break;
  case OP_DROP_SEGMENT: break;
  case OP_JOB_PUT:
  case OP_JOB_EXPECT:
  case OP_JOB_DEL:
  case OP_JOB_BATCH:
  case OP_JOB_BATCH_CANCEL: return store_mem_job(m, b, op);
  }
  return NULL;
}

/* ---- deaths, for tests ---- */

/* What the journal records of a batch say about it: the worst of them. */
static enum StoreMemVerdict judge(const Mem *m, const Batch *b) {
  enum StoreMemVerdict worst = STORE_MEM_KEEP;
  for (size_t i = 0; i < b->n && m->judge; i++) {
    const Op *op = &b->ops[i];
    if (op->type != OP_APPEND) continue;
    Bytesv payload = {op_blob(b, op) + RECORD_HEADER, op->blob_n - RECORD_HEADER};
    enum StoreMemVerdict v = m->judge(m->judge_ctx, op->run, op->kind, payload);
    if (v > worst) worst = v;
  }
  return worst;
}

/* Nobody hears of it, but for who stands and waits. */
static void lose(Store *s, Batch *b) {
  if (b->waiter) {
    b->error = "store_failed";
    store_complete(s, b);
  } else {
    batch_free(b);
  }
}

void store_mem_judge(Store *s, StoreMemJudge f, void *ctx) {
  Mem *m = (Mem *)s;
  m->judge = f;
  m->judge_ctx = ctx;
}

void store_mem_revive(Store *s) {
  Completion c[64];
  while (store_completions(s, c, 64)) continue; /* they were for a process that is gone */
  ((Mem *)s)->dead = false;
}

static void mem_apply(Store *s, Batch *b);
static void mem_submit(Store *s, Batch *b) {
  Mem *m = (Mem *)s;
  enum StoreMemVerdict v = m->dead ? STORE_MEM_LOSE : judge(m, b);
  m->dead = m->dead || v != STORE_MEM_KEEP;
  if (v == STORE_MEM_LOSE) lose(s, b);
  else mem_apply(s, b);
}

static void mem_apply(Store *s, Batch *b) {
  Mem *m = (Mem *)s;
  uint64_t rows = m->stats.journal_rows;
  int64_t inbox = m->next_inbox;
  for (size_t i = 0; i < b->n && !b->error; i++) b->error = op_apply(m, b, &b->ops[i]);
  settle(m, !b->error);
  if (b->error) {
    m->stats.journal_rows = rows;
    m->next_inbox = inbox;
  } else {
    m->stats.commits++;
    m->stats.ops += b->n;
  }
  store_complete(s, b);
}

/* ---- reads ---- */

static int64_t mem_max_run(Store *s) {
  int64_t max = 0;
  for (const OmapNode *n = store_omap_from(&((Mem *)s)->map, (Bytesv){"r", 1}); n && starts(n, (Bytesv){"r", 1}); n = store_omap_next(n)) {
    Reader in = reader(store_omap_key(n));
    in.p++;
    max = get_int(&in);
  }
  return max;
}

static int64_t mem_slug_count(Store *s, const char *workspace, const char *slug) {
  const OmapNode *n = store_mem_find((Mem *)s, key_strs('f', workspace, slug));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  return n ? get_int(&in) : 0;
}

static bool mem_run_by_id(Store *s, const char *workspace, const char *run_id, RunRow *out, Err *e) {
  Bytes key = key_strs('i', run_id, workspace);
  int64_t first = INT64_MAX;
  for (const OmapNode *n = store_omap_from(&((Mem *)s)->map, view(&key)); n && starts(n, view(&key)); n = store_omap_next(n)) {
    Reader in = reader(store_omap_value(n));
    int64_t run = get_int(&in);
    if (run < first) first = run;
  }
  free(key.p);
  return first != INT64_MAX && mem_run_get(s, first, out, e);
}

static size_t mem_runs(Store *s, int64_t after, unsigned mask, RunRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (const OmapNode *at = store_mem_walk((Mem *)s, KEY('r', after + 1)); n < max && in_table(at, 'r'); at = store_omap_next(at)) {
    Reader in = reader(store_omap_key(at));
    in.p++;
    if (!mem_run_get(s, get_int(&in), &out[n], e)) break;
    if (!mask || mask & 1u << out[n].status) n++;
    else run_row_free(&out[n]);
  }
  return n;
}

static bool eq(const char *a, const char *b) { return a && b && !strcmp(a, b); }

static size_t mem_runs_newest(Store *s, const RunQuery *q, int64_t before, RunRow *out, size_t max, Err *e) {
  size_t n = 0;
  int64_t after = 0;
  for (RunRow r; max && mem_runs(s, after, q->mask, &r, 1, e);) {
    after = r.run;
    bool fits = r.run < before && eq(r.workspace, q->workspace) && (!q->slug || eq(r.slug, q->slug)) &&
                (!q->installation || eq(r.installation, q->installation));
    if (!fits) {
      run_row_free(&r);
      continue;
    }
    if (n == max) run_row_free(&out[--n]);
    memmove(out + 1, out, n++ * sizeof *out);
    out[0] = r;
  }
  return n;
}

static size_t mem_slot(Store *s, const char *workspace, const char *slot, unsigned mask, int64_t after, RunRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (RunRow r; n < max && mem_runs(s, after, mask, &r, 1, e);) {
    after = r.run;
    if (eq(r.workspace, workspace) && eq(r.slot, slot)) out[n++] = r;
    else run_row_free(&r);
  }
  return n;
}

static int64_t mem_slot_queue(Store *s, const char *workspace, const char *slot, int64_t most) {
  Err e = {0};
  int64_t n = 0;
  for (RunRow r = {0}; n < most; n++) {
    int64_t after = r.run;
    if (!mem_slot(s, workspace, slot, 1u << RUN_QUEUED, after, &r, 1, &e)) break;
    after = r.run;
    run_row_free(&r);
    r.run = after;
  }
  return n;
}

/* The run's records as they are now: f may change the store, so the walk starts anew behind each record. */
static bool mem_journal(Store *s, int64_t run, int64_t after, bool (*f)(void *, const JournalRec *), void *ctx, Err *e) {
  Mem *m = (Mem *)s;
  if (!store_mem_find(m, KEY('r', run))) return false;
  for (int64_t seq = after < 0 ? 1 : after + 1;; seq++) {
    const OmapNode *n = store_mem_find(m, KEY('j', run, seq));
    if (!n) return true;
    Reader in = reader(store_omap_value(n));
    JournalRec r = {.seq = seq, .kind = (int)get_int(&in)};
    r.epoch = get_int(&in);
    Blob copy = get_rest(&in);
    if (in.oom) return no_memory(e);
    r.data = (Bytesv){copy.p, copy.n};
    bool more = f(ctx, &r);
    blob_free(&copy);
    if (!more) return true;
  }
}

static bool timed(const OmapNode *n, int64_t *at, Blob *out, Err *e) {
  if (!n) return false;
  Reader in = reader(store_omap_value(n));
  *at = get_int(&in);
  *out = get_rest(&in);
  return !in.oom || no_memory(e);
}

static bool mem_snapshot(Store *s, int64_t run, int64_t *seq, Blob *out, Err *e) {
  return timed(store_mem_find((Mem *)s, KEY('s', run)), seq, out, e);
}

static size_t mem_timers_due(Store *s, int64_t now, TimerRow *out, size_t max, Err *e) {
  (void)e;
  size_t n = 0;
  for (const OmapNode *at = store_mem_walk((Mem *)s, KEY('d', INT64_MIN)); n < max && in_table(at, 'd'); at = store_omap_next(at), n++) {
    Reader in = reader(store_omap_key(at));
    in.p++;
    int64_t due = get_int(&in), run = get_int(&in);
    if (due > now) break;
    out[n] = (TimerRow){run, get_int(&in), due};
  }
  return n;
}

static int64_t mem_timer_next(Store *s) {
  TimerRow t;
  return mem_timers_due(s, INT64_MAX, &t, 1, NULL) ? t.due_ms : INT64_MAX;
}

static bool wait_unpack(const OmapNode *n, WaitRow *w) {
  Reader k = reader(store_omap_key(n)), v = reader(store_omap_value(n));
  k.p++;
  *w = (WaitRow){.workspace = get_str(&k)};
  w->key = get_str(&k);
  w->run = get_int(&v);
  w->seq = get_int(&v);
  w->created_ms = get_int(&v);
  w->spec = get_rest(&v);
  if (k.oom || v.oom) wait_row_free(w);
  return !k.oom && !v.oom;
}

static bool mem_wait_get(Store *s, const char *workspace, const char *key, WaitRow *out, Err *e) {
  const OmapNode *n = store_mem_find((Mem *)s, key_strs('w', workspace, key));
  return n && (wait_unpack(n, out) || no_memory(e));
}

static size_t mem_waits(Store *s, const char *workspace, int64_t run, WaitRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (const OmapNode *at = store_mem_walk((Mem *)s, key_strs('w', workspace ? workspace : "", NULL)); n < max && in_table(at, 'w');
       at = store_omap_next(at)) {
    if (!wait_unpack(at, &out[n])) return no_memory(e), n;
    if ((!workspace || !strcmp(out[n].workspace, workspace)) && (!run || out[n].run == run)) n++;
    else wait_row_free(&out[n]);
  }
  return n;
}

static bool mem_outcome(Store *s, const char *workspace, const char *key, int64_t *at, Blob *out, Err *e) {
  return timed(store_mem_find((Mem *)s, key_strs('o', workspace, key)), at, out, e);
}

static bool inbox_unpack(const OmapNode *n, InboxRow *r) {
  Reader k = reader(store_omap_key(n)), v = reader(store_omap_value(n));
  k.p++;
  *r = (InboxRow){.id = get_int(&k), .received_ms = get_int(&v)};
  r->workspace = get_opt(&v);
  r->key = get_opt(&v);
  r->kind = get_opt(&v);
  r->body = get_rest(&v);
  if (v.oom) inbox_row_free(r);
  return !v.oom;
}

static bool same(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static size_t inbox_list(Store *s, int64_t after, const char *workspace, const char *key, InboxRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (const OmapNode *at = store_mem_walk((Mem *)s, KEY('b', after + 1)); n < max && in_table(at, 'b'); at = store_omap_next(at)) {
    if (!inbox_unpack(at, &out[n])) return no_memory(e), n;
    if (!key || (same(out[n].workspace, workspace) && same(out[n].key, key))) n++;
    else inbox_row_free(&out[n]);
  }
  return n;
}

/* The first row of a table whose key begins with prefix and comes after `after`; then the next. */
typedef struct Under { const OmapNode *at; Bytes table; const char *prefix, *after; } Under;
static Under under(Store *s, char table, const char *workspace, const char *prefix, const char *after) {
  Under u = {NULL, key_strs(table, workspace, NULL), prefix, after};
  u.at = store_mem_walk((Mem *)s, key_strs(table, workspace, strcmp(prefix, after) > 0 ? prefix : after));
  return u;
}
static const OmapNode *under_next(Under *u) {
  while (!u->table.oom && u->at && starts(u->at, view(&u->table))) {
    const OmapNode *n = u->at;
    const char *key = (const char *)store_omap_key(n).p + u->table.n;
    u->at = store_omap_next(n);
    if (!strcmp(key, u->after)) continue;
    return strncmp(key, u->prefix, strlen(u->prefix)) ? NULL : n;
  }
  return NULL;
}

static size_t mem_waits_under(Store *s, const char *workspace, const char *prefix, const char *after, WaitRow *out, size_t max, Err *e) {
  Under u = under(s, 'w', workspace, prefix, after);
  size_t n = 0;
  for (const OmapNode *at; n < max && (at = under_next(&u)); n++)
    if (!wait_unpack(at, &out[n])) {
      no_memory(e);
      break;
    }
  free(u.table.p);
  return n;
}

static bool outcome_unpack(const OmapNode *n, InboxRow *r) {
  Reader k = reader(store_omap_key(n)), v = reader(store_omap_value(n));
  k.p++;
  *r = (InboxRow){.workspace = get_str(&k)};
  r->key = get_str(&k);
  r->received_ms = get_int(&v);
  r->body = get_rest(&v);
  if (k.oom || v.oom) inbox_row_free(r);
  return !k.oom && !v.oom;
}

static size_t mem_outcomes_under(Store *s, const char *workspace, const char *prefix, const char *after, InboxRow *out, size_t max, Err *e) {
  Under u = under(s, 'o', workspace, prefix, after);
  size_t n = 0;
  for (const OmapNode *at; n < max && (at = under_next(&u)); n++)
    if (!outcome_unpack(at, &out[n])) {
      no_memory(e);
      break;
    }
  free(u.table.p);
  return n;
}

static bool mem_outcomes_use(Store *s, const char *workspace, const char *prefix, int64_t *n, int64_t *bytes, Err *e) {
  Under u = under(s, 'o', workspace, prefix, "");
  (void)e;
  *n = *bytes = 0;
  for (const OmapNode *at; (at = under_next(&u)); ++*n) *bytes += (int64_t)store_omap_value(at).n - 8;
  free(u.table.p);
  return true;
}

static size_t mem_inbox(Store *s, int64_t after, InboxRow *out, size_t max, Err *e) {
  return inbox_list(s, after, NULL, NULL, out, max, e);
}

static size_t mem_inbox_by_key(Store *s, const char *workspace, const char *key, InboxRow *out, size_t max, Err *e) {
  return inbox_list(s, 0, workspace, key, out, max, e);
}

static bool mem_kv_get(Store *s, const char *workspace, const char *key, KvRow *out, Err *e) {
  *out = (KvRow){0};
  if (!timed(store_mem_find((Mem *)s, key_strs('k', workspace, key)), &out->expires_ms, &out->value, e)) return false;
  out->key = strdup(key);
  return out->key || (blob_free(&out->value), no_memory(e));
}

static size_t mem_kv_list(Store *s, const char *workspace, const char *prefix, const char *after, KvRow *out, size_t max, Err *e) {
  size_t n = 0;
  Bytes table = key_strs('k', workspace, NULL);
  for (const OmapNode *at = store_mem_walk((Mem *)s, key_strs('k', workspace, strcmp(prefix, after) > 0 ? prefix : after));
       n < max && !table.oom && at && starts(at, view(&table)); at = store_omap_next(at)) {
    const char *key = (const char *)store_omap_key(at).p + table.n;
    if (!strcmp(key, after)) continue;
    if (strncmp(key, prefix, strlen(prefix))) break;
    if (!mem_kv_get(s, workspace, key, &out[n], e)) break;
    n++;
  }
  free(table.p);
  return n;
}

static bool doc_out(const OmapNode *n, DocRow *d, Err *e) {
  Reader at = reader(store_omap_key(n)), in = reader(store_omap_value(n));
  at.p++;
  *d = (DocRow){.workspace = get_str(&at), .kind = get_str(&at), .key = get_str(&at)};
  d->rev = get_int(&in);
  d->at_ms = get_int(&in);
  d->run = get_int(&in);
  d->expires_ms = get_int(&in);
  d->data = get_rest(&in);
  if (at.oom || in.oom) doc_row_free(d);
  return (!at.oom && !in.oom) || no_memory(e);
}

static bool mem_doc_get(Store *s, const char *workspace, const char *kind, const char *key, DocRow *out, Err *e) {
  const OmapNode *n = store_mem_find((Mem *)s, key_doc(workspace, kind, key));
  *out = (DocRow){0};
  return n && doc_out(n, out, e);
}

static bool doc_before(const DocRow *a, const DocRow *b) {
  return a->at_ms != b->at_ms ? a->at_ms > b->at_ms : strcmp(a->key, b->key) > 0;
}

static bool doc_behind(const DocRow *d, const DocQuery *q) {
  int c = strcmp(d->workspace, q->workspace);
  return c > 0 || (!c && strcmp(d->key, q->key) > 0);
}

static bool doc_wanted(const DocRow *d, const DocQuery *q) {
  if (strcmp(d->kind, q->kind)) return false;
  if (q->how == DOCS_EVERYWHERE) return doc_behind(d, q) && (!q->at_ms || (d->expires_ms && d->expires_ms <= q->at_ms));
  if (q->how == DOCS_NEWEST) return doc_before(&(DocRow){.at_ms = q->at_ms, .key = (char *)(uintptr_t)q->key}, d);
  if (q->how == DOCS_DUE) return d->at_ms <= q->at_ms;
  if (strcmp(d->key, q->key) <= 0) return false;
  return q->how == DOCS_OF_RUN ? d->run == q->run : !strncmp(d->key, q->prefix, strlen(q->prefix));
}

/* Puts d where it belongs among the first `max` in the order of the query, which is the order of keys or its own. */
static size_t doc_insert(DocRow *out, size_t n, size_t max, const DocQuery *q, DocRow d) {
  size_t i = n;
  while (q->how == DOCS_NEWEST && i && doc_before(&d, &out[i - 1])) i--;
  while (q->how == DOCS_DUE && i && doc_before(&out[i - 1], &d)) i--;
  if (i == max) return doc_row_free(&d), n;
  if (n == max) doc_row_free(&out[--n]);
  memmove(out + i + 1, out + i, (n - i) * sizeof *out);
  out[i] = d;
  return n + 1;
}

static Bytes docs_table(const DocQuery *q) { return q->how == DOCS_EVERYWHERE ? key_ints('y', NULL, 0) : key_doc(q->workspace, q->kind, NULL); }

static size_t mem_docs(Store *s, const DocQuery *q, DocRow *out, size_t max, Err *e) {
  size_t n = 0;
  Bytes table = docs_table(q);
  for (const OmapNode *at = store_mem_walk((Mem *)s, docs_table(q)); !table.oom && at && starts(at, view(&table));
       at = store_omap_next(at)) {
    DocRow d;
    if (!doc_out(at, &d, e)) break;
    if (doc_wanted(&d, q)) n = doc_insert(out, n, max, q, d);
    else doc_row_free(&d);
  }
  free(table.p);
  return n;
}

static const char *skip_str(Reader *r) {
  const char *s = r->p;
  r->p += strlen(s) + 1;
  return s;
}

/* The strings stay the map's. */
static IndexRow index_row(const OmapNode *n) {
  Reader at = reader(store_omap_key(n)), in = reader(store_omap_value(n));
  at.p++;
  IndexRow r = {.workspace = skip_str(&at), .target = skip_str(&at), .key = skip_str(&at)};
  r.at_ms = get_int(&in);
  r.title = skip_str(&in);
  r.tags = skip_str(&in);
  r.type = skip_str(&in);
  r.path = skip_str(&in);
  r.text = (Bytesv){in.p, (size_t)(in.end - in.p)};
  return r;
}

/* One look at every entry of the workspace and target; an index would have to be kept through undone batches. */
static size_t mem_search(Store *s, const SearchQuery *q, SearchHit *out, size_t max, Err *e) {
  Bytes table = key_index(q->workspace, q->target, NULL);
  size_t n = 0, cap = 0;
  IndexRow *rows = NULL;
  for (const OmapNode *at = store_mem_walk((Mem *)s, key_index(q->workspace, q->target, NULL)); !table.oom && at && starts(at, view(&table)); at = store_omap_next(at)) {
    if (n == cap) rows = realloc(rows, (cap = cap ? cap * 2 : 16) * sizeof *rows);
    if (!rows) abort();
    rows[n++] = index_row(at);
  }
  free(table.p);
  n = store_search_rows(rows, n, q, out, max, e);
  free(rows);
  return n;
}

static bool file_out(const OmapNode *n, char **file, Blob *out, Err *e) {
  if (!n) return false;
  Reader in = reader(store_omap_value(n));
  char *name = get_opt(&in);
  *out = get_rest(&in);
  if (file) *file = name;
  else free(name);
  return !in.oom || no_memory(e);
}

static bool mem_unit(Store *s, const uint8_t hash[16], char **file, Blob *out, Err *e) {
  Bytes k = {0};
  add(&k, "u", 1);
  add(&k, hash, 16);
  return file_out(store_mem_find((Mem *)s, k), file, out, e);
}

static bool mem_source(Store *s, const char *hash, char **file, Blob *out, Err *e) {
  return file_out(store_mem_find((Mem *)s, key_strs('c', hash, NULL)), file, out, e);
}

static bool mem_meta(Store *s, const char *name, char **value, Err *e) {
  const OmapNode *n = store_mem_find((Mem *)s, key_strs('m', name, NULL));
  if (!n) return false;
  Reader in = reader(store_omap_value(n));
  *value = get_opt(&in);
  return !in.oom || no_memory(e);
}

static bool mem_changed(Store *s) { return (void)s, false; }
static const char *mem_failed(const Store *s) { return (void)s, NULL; }
static void mem_stats(const Store *s, StoreStats *out) { *out = ((const Mem *)s)->stats; }
static int mem_sweep(Store *s, int64_t before, HistorySweep *at, int rows, Err *e) { /* one open segment, always */
  return (void)s, (void)before, (void)at, (void)rows, (void)e, -1;
}
static int64_t mem_used_bytes(Store *s) { return (void)s, 0; }

static void mem_close(Store *s) {
  Mem *m = (Mem *)s;
  settle(m, true);
  store_omap_free(&m->map);
  free(m->undo);
  store_base_free(s);
  free(m);
}

static const StoreImpl mem_impl = {
    .close = mem_close, .failed = mem_failed, .submit = mem_submit, .max_run = mem_max_run, .slug_count = mem_slug_count,
    .run_get = mem_run_get, .run_by_id = mem_run_by_id, .runs = mem_runs, .runs_newest = mem_runs_newest, .slot = mem_slot, .slot_queue = mem_slot_queue, .journal = mem_journal, .snapshot_get = mem_snapshot,
    .timers_due = mem_timers_due, .timer_next = mem_timer_next, .wait_get = mem_wait_get, .waits = mem_waits,
    .waits_under = mem_waits_under, .outcomes_under = mem_outcomes_under, .outcomes_use = mem_outcomes_use,
    .outcome_get = mem_outcome, .inbox = mem_inbox, .inbox_by_key = mem_inbox_by_key, .kv_get = mem_kv_get, .kv_list = mem_kv_list,
    .doc_get = mem_doc_get, .docs = mem_docs, .search = mem_search,
    .table_max = store_mem_table_max, .table_get = store_mem_table_get, .tables = store_mem_tables, .tables_pending = store_mem_tables_pending,
    .table_row = store_mem_table_row, .table_rows = store_mem_table_rows, .table_keys = store_mem_table_keys,
    .unit_get = mem_unit, .source_get = mem_source, .meta_get = mem_meta, .changed = mem_changed, .stats = mem_stats,
    .sweep_history = mem_sweep, .used_bytes = mem_used_bytes,
    .job_max = store_mem_job_max, .job_get = store_mem_job_get, .job_batch_get = store_mem_job_batch_get, .job_unique = store_mem_job_unique,
    .jobs = store_mem_jobs, .jobs_due = store_mem_jobs_due, .job_types = store_mem_job_types,
};

Store *store_mem_open(Err *e) {
  Mem *m = calloc(1, sizeof *m);
  if (!m) return err_set(e, NO_MEMORY, "out of memory"), NULL;
  store_omap_init(&m->map);
  if (store_base_init(&m->base, &mem_impl, e)) return &m->base;
  free(m);
  return NULL;
}
