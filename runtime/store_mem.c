/* The store without a disk: one ordered map of bytes. A batch is applied in store_submit; what it overwrote is kept in an
 * undo log until it is through, so that a refused batch leaves no trace.
 *
 * Keys are a table letter and its columns: numbers as 8 bytes big-endian (they sort), strings with their NUL.
 *   r run                    -> run row             i run_id               -> run
 *   j run seq                -> kind epoch data     s run                  -> seq data
 *   t run seq                -> due                 d due run seq          -> (timers by time)
 *   w workspace key          -> wait                v run workspace key    -> (waits by run)
 *   b id                     -> inbox row           k workspace key        -> expires value
 *   o workspace key          -> at outcome          f workspace slug       -> runs ever made
 *   y workspace kind key     -> rev at run expires data
 *   T workspace table name   -> table           R place                -> row                K index key -> nothing
 *   u hash                   -> file data           c hash                 -> file text         m name -> value */
#include "store_mem.h"
#include "store_impl.h"
#include "store_omap.h"
#include "store_record.h"

#include <stdlib.h>
#include <string.h>

typedef struct Bytes { char *p; size_t n, cap; bool oom; } Bytes;
typedef struct Undo { Blob key, value; bool was; } Undo;

typedef struct Mem {
  Store base; /* first */
  Omap map;
  Undo *undo;
  size_t n_undo, cap_undo;
  int64_t next_inbox;
  StoreStats stats;
  StoreMemJudge judge; /* tests; NULL: everything is kept */
  void *judge_ctx;
  bool dead;           /* the judge said so: what is submitted is lost */
} Mem;

/* ---- packing ---- */

static void add(Bytes *b, const void *p, size_t n) {
  if (b->n + n > b->cap) {
    size_t cap = (b->n + n) * 2 + 64;
    char *q = realloc(b->p, cap);
    if (!q) {
      b->oom = true;
      return;
    }
    b->p = q;
    b->cap = cap;
  }
  if (n) memcpy(b->p + b->n, p, n);
  b->n += n;
}

static void add_int(Bytes *b, int64_t v) {
  uint8_t p[8];
  uint64_t u = (uint64_t)v ^ (uint64_t)1 << 63; /* negative numbers sort first */
  for (int i = 0; i < 8; i++) p[i] = (uint8_t)(u >> (56 - 8 * i));
  add(b, p, 8);
}

/* NULL is told from "" by a byte in front. */
static void add_opt(Bytes *b, const char *s) {
  add(b, s ? "\1" : "\0", 1);
  if (s) add(b, s, strlen(s) + 1);
}

static void add_str(Bytes *b, const char *s) { add(b, s ? s : "", strlen(s ? s : "") + 1); }

typedef struct Reader { const char *p, *end; bool oom; } Reader;

static Reader reader(Bytesv v) { return (Reader){v.p, (const char *)v.p + v.n, false}; }

static int64_t get_int(Reader *r) {
  uint64_t u = 0;
  for (int i = 0; i < 8; i++) u = u << 8 | (uint8_t)*r->p++;
  return (int64_t)(u ^ (uint64_t)1 << 63);
}

static char *get_str(Reader *r) {
  char *s = strdup(r->p);
  if (!s) r->oom = true;
  r->p += strlen(r->p) + 1;
  return s;
}

static char *get_opt(Reader *r) { return *r->p++ ? get_str(r) : NULL; }

static Blob get_rest(Reader *r) {
  Blob b = {0};
  if (!blob_copy(&b, r->p, (size_t)(r->end - r->p))) r->oom = true;
  return b;
}

/* ---- keys ---- */

static Bytes key_ints(char table, const int64_t *v, int n) {
  Bytes k = {0};
  add(&k, &table, 1);
  for (int i = 0; i < n; i++) add_int(&k, v[i]);
  return k;
}
#define KEY(table, ...) key_ints(table, (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

static Bytes key_strs(char table, const char *a, const char *b) {
  Bytes k = {0};
  add(&k, &table, 1);
  add_str(&k, a);
  if (b) add_str(&k, b);
  return k;
}

static Bytesv view(const Bytes *b) { return (Bytesv){b->p, b->n}; }

static const OmapNode *find(const Mem *m, Bytes key) {
  const OmapNode *n = key.oom ? NULL : store_omap_get(&m->map, view(&key));
  free(key.p);
  return n;
}

static bool starts(const OmapNode *n, Bytesv prefix) {
  Bytesv k = store_omap_key(n);
  return k.n >= prefix.n && !memcmp(k.p, prefix.p, prefix.n);
}

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

static const char *const NO_MEMORY = "out_of_memory";

static const char *put(Mem *m, Bytes key, Bytes value) {
  bool ok = !key.oom && !value.oom && remember(m, view(&key)) && store_omap_put(&m->map, view(&key), view(&value));
  free(key.p);
  free(value.p);
  return ok ? NULL : NO_MEMORY;
}

static const char *del(Mem *m, Bytes key) {
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
  if (in.oom) run_row_free(r);
  return !in.oom;
}

static const char *run_save(Mem *m, const RunRow *r) {
  const int64_t v[] = {r->status,      r->version, r->epoch,    r->created_ms, r->updated_ms,
                       r->finished_ms, r->wake_ms, r->head_row, r->head_seq};
  Bytes b = {0};
  for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) add_int(&b, v[i]);
  const char *s[] = {r->run_id, r->workspace, r->slug, r->source_hash, r->note, r->lineage};
  for (int i = 0; i < 6; i++) add_opt(&b, s[i]);
  return put(m, KEY('r', r->run), b);
}

static bool mem_run_get(Store *s, int64_t run, RunRow *out, Err *e) {
  Mem *m = (Mem *)s;
  const OmapNode *n = find(m, KEY('r', run));
  if (!n) return false;
  if (!run_unpack(run, n, out)) return err_set(e, NO_MEMORY, "out of memory");
  const OmapNode *snap = find(m, KEY('s', run));
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
  const char *id = op_str(b, op, 0), *e;
  if (find(m, KEY('r', op->run)) || find(m, key_strs('i', id, NULL))) return "run_exists";
  RunRow r = {.run = op->run, .epoch = op->epoch, .version = op->i[0], .status = (enum RunStatus)op->i[1], .created_ms = op->i[2],
              .updated_ms = op->i[3], .finished_ms = op->i[4], .wake_ms = op->i[5], .run_id = (char *)id,
              .workspace = (char *)op_str(b, op, 1), .slug = (char *)op_str(b, op, 2), .source_hash = (char *)op_str(b, op, 3),
              .note = (char *)op_str(b, op, 4), .lineage = (char *)op_str(b, op, 5)};
  Bytes number = {0}, count = {0};
  const OmapNode *n = find(m, key_strs('f', r.workspace, r.slug ? r.slug : ""));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  add_int(&count, 1 + (n ? get_int(&in) : 0));
  add_int(&number, op->run);
  if (!(e = put(m, key_strs('f', r.workspace, r.slug ? r.slug : ""), count))) e = run_save(m, &r);
  if (!e) return put(m, key_strs('i', id, NULL), number);
  free(number.p);
  return e;
}

static const char *wait_remove(Mem *m, int64_t run, const char *workspace, const char *key) {
  Bytes by_run = KEY('v', run);
  add_str(&by_run, workspace);
  add_str(&by_run, key);
  const char *e = del(m, by_run);
  return e ? e : del(m, key_strs('w', workspace, key));
}

static const char *timer_remove(Mem *m, int64_t run, int64_t seq) {
  const OmapNode *n = find(m, KEY('t', run, seq));
  if (!n) return NULL;
  Reader in = reader(store_omap_value(n));
  const char *e = del(m, KEY('d', get_int(&in), run, seq));
  return e ? e : del(m, KEY('t', run, seq));
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
  return e ? e : del(m, KEY('s', run));
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
  e = put(m, KEY('j', op->run, r.head_seq), v);
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
  if (op->blob_n == SNAPSHOT_HEADER) return del(m, KEY('s', op->run));
  Bytes v = {0};
  add_int(&v, op->i[0]);
  add(&v, op_blob(b, op) + SNAPSHOT_HEADER, op->blob_n - SNAPSHOT_HEADER);
  return put(m, KEY('s', op->run), v);
}

static const char *timer(Mem *m, const Op *op) {
  const char *e = check_run(m, op);
  if (!e) e = timer_remove(m, op->run, op->i[0]);
  if (e || op->type == OP_TIMER_DEL) return e;
  Bytes due = {0};
  add_int(&due, op->i[1]);
  e = put(m, KEY('t', op->run, op->i[0]), due);
  return e ? e : put(m, KEY('d', op->i[1], op->run, op->i[0]), (Bytes){0});
}

static const char *wait_put(Mem *m, const Batch *b, const Op *op) {
  const char *workspace = op_str(b, op, 0), *key = op_str(b, op, 1), *e = check_run(m, op);
  if (e) return e;
  const OmapNode *n = find(m, key_strs('w', workspace, key));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  if (n && (get_int(&in) != op->run || get_int(&in) != op->i[0])) return "wait_exists";
  Bytes v = {0}, by_run = KEY('v', op->run);
  add_int(&v, op->run);
  add_int(&v, op->i[0]);
  add_int(&v, op->i[1]);
  add(&v, op_blob(b, op), op->blob_n);
  add_str(&by_run, workspace);
  add_str(&by_run, key);
  e = put(m, by_run, (Bytes){0});
  if (!e) return put(m, key_strs('w', workspace, key), v);
  free(v.p);
  return e;
}

static const char *wait_del(Mem *m, const Batch *b, const Op *op) {
  const char *e = check_run(m, op);
  if (e) return e;
  const OmapNode *n = find(m, key_strs('w', op_str(b, op, 0), op_str(b, op, 1)));
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
  return put(m, KEY('b', ++m->next_inbox), v);
}

static const char *inbox_del(Mem *m, const Op *op) {
  return find(m, KEY('b', op->i[0])) ? del(m, KEY('b', op->i[0])) : "inbox_gone";
}

static const char *put_timed(Mem *m, char table, const Batch *b, const Op *op) {
  Bytes v = {0};
  add_int(&v, op->i[0]);
  add(&v, op_blob(b, op), op->blob_n);
  return put(m, key_strs(table, op_str(b, op, 0), op_str(b, op, 1)), v);
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
      e = del(m, k);
    }
    n = next;
  }
  return e;
}

static const char *outcome_del(Mem *m, const Batch *b, const Op *op) {
  const char *workspace = op_str(b, op, 0), *key = op_str(b, op, 1);
  return find(m, key_strs('o', workspace, key)) ? del(m, key_strs('o', workspace, key)) : NULL;
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
  const OmapNode *n = find(m, key_doc(op_str(b, op, 0), op_str(b, op, 2), op_str(b, op, 1)));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  int64_t rev = n ? get_int(&in) : 0;
  if (op->i[0] != DOC_ANY && op->i[0] != rev) return "doc_conflict";
  Bytes key = key_doc(op_str(b, op, 0), op_str(b, op, 2), op_str(b, op, 1));
  if (op->type == OP_DOC_DEL) return del(m, key);
  Bytes v = {0};
  add_int(&v, rev + 1);
  for (int i = 1; i < 4; i++) add_int(&v, op->i[i]);
  add(&v, op_blob(b, op), op->blob_n);
  return put(m, key, v);
}

static Bytes key_index(const char *workspace, const char *target, const char *key) {
  Bytes k = key_strs('z', workspace, target);
  if (key) add_str(&k, key);
  return k;
}

static const char *index_op(Mem *m, const Batch *b, const Op *op) {
  IndexRow r = op_index_row(b, op);
  if (op->type == OP_INDEX_DEL) return del(m, key_index(r.workspace, r.target, r.key));
  const char *s[] = {r.title, r.tags, r.type, r.path};
  Bytes v = {0};
  add_int(&v, r.at_ms);
  for (int i = 0; i < 4; i++) add_str(&v, s[i]);
  add(&v, r.text.p, r.text.n);
  return put(m, key_index(r.workspace, r.target, r.key), v);
}

/* No-op when present. */
static const char *put_file(Mem *m, Bytes key, const Batch *b, const Op *op, const char *file) {
  Bytes v = {0};
  if (!key.oom && store_omap_get(&m->map, view(&key))) return free(key.p), NULL;
  add_opt(&v, file);
  add(&v, op_blob(b, op), op->blob_n);
  return put(m, key, v);
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
  return put(m, key_strs('m', op_str(b, op, 0), NULL), v);
}

/* ---- tables ---- */

static const char *table_put(Mem *m, const Batch *b, const Op *op) {
  const OmapNode *n = find(m, key_strs('T', op_str(b, op, 0), op_str(b, op, 1)));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  if (n && get_int(&in) != op->i[0]) return "table_exists";
  if (n) get_int(&in);
  Bytes v = {0};
  add_int(&v, op->i[0]);
  add_int(&v, op->i[2]);
  add_int(&v, n ? get_int(&in) : op->i[3]); /* it was made when it was made */
  add_int(&v, op->i[4]);
  add(&v, op_blob(b, op), op->blob_n);
  return put(m, key_strs('T', op_str(b, op, 0), op_str(b, op, 1)), v);
}

static Bytes key_raw(Bytesv key) {
  Bytes k = {0};
  add(&k, "K", 1);
  add(&k, key.p, key.n);
  return k;
}

static const char *table_edits(Mem *m, const Batch *b, const Op *op) {
  const char *p = op_blob(b, op), *end = p + op->blob_n, *e = NULL;
  TableEdit x;
  while (!e && table_edit_next(&p, end, &x)) {
    Bytes v = {0};
    if (x.what == 'R') add(&v, x.v.p, x.v.n);
    if (x.what == 'R' || x.what == 'K') e = put(m, x.what == 'R' ? KEY('R', x.place) : key_raw(x.v), v);
    else e = del(m, x.what == 'r' ? KEY('R', x.place) : key_raw(x.v));
  }
  return e;
}

/* Everything from the first key on that begins with these bytes. */
static const char *del_prefix(Mem *m, Bytes from) {
  const char *e = from.oom ? NO_MEMORY : NULL;
  for (const OmapNode *n; !e && (n = store_omap_from(&m->map, view(&from))) && starts(n, view(&from));) {
    Bytes k = {0};
    add(&k, store_omap_key(n).p, store_omap_key(n).n);
    e = del(m, k);
  }
  free(from.p);
  return e;
}

static const char *table_drop(Mem *m, const Batch *b, const Op *op) {
  char prefix[4];
  table_key_prefix(op->i[0], prefix);
  const char *e = del(m, key_strs('T', op_str(b, op, 0), op_str(b, op, 1)));
  if (!e) e = del_prefix(m, key_raw((Bytesv){prefix, 4}));
  int64_t last = table_place(op->i[0] + 1, 0, 0);
  for (const OmapNode *n; !e;) {
    Bytes from = KEY('R', table_place(op->i[0], 0, 0));
    n = from.oom ? NULL : store_omap_from(&m->map, view(&from));
    free(from.p);
    Reader in = n ? reader(store_omap_key(n)) : (Reader){0};
    if (!n || *in.p++ != 'R') break;
    int64_t place = get_int(&in);
    if (place >= last) break;
    e = del(m, KEY('R', place));
  }
  return e;
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
  case OP_KV_DEL: return del(m, key_strs('k', op_str(b, op, 0), op_str(b, op, 1)));
  case OP_DOC_PUT:
  case OP_DOC_DEL: return doc(m, b, op);
  case OP_UNIT_PUT: return unit_put(m, b, op);
  case OP_SOURCE_PUT: return put_file(m, key_strs('c', op_str(b, op, 0), NULL), b, op, op_str(b, op, 1));
  case OP_META_PUT: return meta_put(m, b, op);
  case OP_OUTCOME_PUT: return outcome_put(m, b, op);
  case OP_OUTCOME_DEL: return outcome_del(m, b, op);
  case OP_TABLE_PUT: return table_put(m, b, op);
  case OP_TABLE_DROP: return table_drop(m, b, op);
  case OP_TABLE_EDITS: return table_edits(m, b, op);
  case OP_INDEX_PUT:
  case OP_INDEX_DEL: return index_op(m, b, op);
  case OP_DROP_SEGMENT: break;
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

static bool no_memory(Err *e) { return err_set(e, NO_MEMORY, "out of memory"); }

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
  const OmapNode *n = find((Mem *)s, key_strs('f', workspace, slug));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  return n ? get_int(&in) : 0;
}

static bool mem_run_by_id(Store *s, const char *run_id, RunRow *out, Err *e) {
  const OmapNode *n = find((Mem *)s, key_strs('i', run_id, NULL));
  Reader in = n ? reader(store_omap_value(n)) : (Reader){0};
  return n && mem_run_get(s, get_int(&in), out, e);
}

/* Where a walk begins: the first key of `table` at or behind the numbers or strings of k. */
static const OmapNode *walk(const Mem *m, Bytes k) {
  const OmapNode *n = k.oom ? NULL : store_omap_from(&m->map, view(&k));
  free(k.p);
  return n;
}

static bool in_table(const OmapNode *n, char table) { return n && *(const char *)store_omap_key(n).p == table; }

static size_t mem_runs(Store *s, int64_t after, unsigned mask, RunRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (const OmapNode *at = walk((Mem *)s, KEY('r', after + 1)); n < max && in_table(at, 'r'); at = store_omap_next(at)) {
    Reader in = reader(store_omap_key(at));
    in.p++;
    if (!mem_run_get(s, get_int(&in), &out[n], e)) break;
    if (!mask || mask & 1u << out[n].status) n++;
    else run_row_free(&out[n]);
  }
  return n;
}

/* The run's records as they are now: f may change the store, so the walk starts anew behind each record. */
static bool mem_journal(Store *s, int64_t run, int64_t after, bool (*f)(void *, const JournalRec *), void *ctx, Err *e) {
  Mem *m = (Mem *)s;
  if (!find(m, KEY('r', run))) return false;
  for (int64_t seq = after < 0 ? 1 : after + 1;; seq++) {
    const OmapNode *n = find(m, KEY('j', run, seq));
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
  return timed(find((Mem *)s, KEY('s', run)), seq, out, e);
}

static size_t mem_timers_due(Store *s, int64_t now, TimerRow *out, size_t max, Err *e) {
  (void)e;
  size_t n = 0;
  for (const OmapNode *at = walk((Mem *)s, KEY('d', INT64_MIN)); n < max && in_table(at, 'd'); at = store_omap_next(at), n++) {
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
  const OmapNode *n = find((Mem *)s, key_strs('w', workspace, key));
  return n && (wait_unpack(n, out) || no_memory(e));
}

static size_t mem_waits(Store *s, const char *workspace, int64_t run, WaitRow *out, size_t max, Err *e) {
  size_t n = 0;
  for (const OmapNode *at = walk((Mem *)s, key_strs('w', workspace ? workspace : "", NULL)); n < max && in_table(at, 'w');
       at = store_omap_next(at)) {
    if (!wait_unpack(at, &out[n])) return no_memory(e), n;
    if ((!workspace || !strcmp(out[n].workspace, workspace)) && (!run || out[n].run == run)) n++;
    else wait_row_free(&out[n]);
  }
  return n;
}

static bool mem_outcome(Store *s, const char *workspace, const char *key, int64_t *at, Blob *out, Err *e) {
  return timed(find((Mem *)s, key_strs('o', workspace, key)), at, out, e);
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
  for (const OmapNode *at = walk((Mem *)s, KEY('b', after + 1)); n < max && in_table(at, 'b'); at = store_omap_next(at)) {
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
  u.at = walk((Mem *)s, key_strs(table, workspace, strcmp(prefix, after) > 0 ? prefix : after));
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
  if (!timed(find((Mem *)s, key_strs('k', workspace, key)), &out->expires_ms, &out->value, e)) return false;
  out->key = strdup(key);
  return out->key || (blob_free(&out->value), no_memory(e));
}

static size_t mem_kv_list(Store *s, const char *workspace, const char *prefix, const char *after, KvRow *out, size_t max, Err *e) {
  size_t n = 0;
  Bytes table = key_strs('k', workspace, NULL);
  for (const OmapNode *at = walk((Mem *)s, key_strs('k', workspace, strcmp(prefix, after) > 0 ? prefix : after));
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
  const OmapNode *n = find((Mem *)s, key_doc(workspace, kind, key));
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
  if (strcmp(d->key, q->key) <= 0) return false;
  return q->how == DOCS_OF_RUN ? d->run == q->run : !strncmp(d->key, q->prefix, strlen(q->prefix));
}

/* Puts d where it belongs among the first `max` in the order of the query, which is the order of keys or its own. */
static size_t doc_insert(DocRow *out, size_t n, size_t max, const DocQuery *q, DocRow d) {
  size_t i = n;
  while (q->how == DOCS_NEWEST && i && doc_before(&d, &out[i - 1])) i--;
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
  for (const OmapNode *at = walk((Mem *)s, docs_table(q)); !table.oom && at && starts(at, view(&table));
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
  for (const OmapNode *at = walk((Mem *)s, key_index(q->workspace, q->target, NULL)); !table.oom && at && starts(at, view(&table)); at = store_omap_next(at)) {
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

static bool table_unpack(const OmapNode *n, StoreTable *t) {
  Reader k = reader(store_omap_key(n)), v = reader(store_omap_value(n));
  k.p++;
  *t = (StoreTable){.workspace = get_str(&k), .id = get_int(&v), .rows = get_int(&v)};
  t->name = get_str(&k);
  t->created_ms = get_int(&v);
  t->updated_ms = get_int(&v);
  t->meta = get_rest(&v);
  if (k.oom || v.oom) store_table_free(t);
  return !k.oom && !v.oom;
}

static int64_t mem_table_max(Store *s) {
  int64_t max = 0;
  for (const OmapNode *n = walk((Mem *)s, key_strs('T', "", NULL)); in_table(n, 'T'); n = store_omap_next(n)) {
    Reader v = reader(store_omap_value(n));
    int64_t id = get_int(&v);
    if (id > max) max = id;
  }
  return max;
}

static bool mem_table_get(Store *s, const char *workspace, const char *name, StoreTable *out, Err *e) {
  const OmapNode *n = find((Mem *)s, key_strs('T', workspace, name));
  return n && (table_unpack(n, out) || no_memory(e));
}

static size_t mem_tables(Store *s, const char *workspace, const char *after, StoreTable *out, size_t max, Err *e) {
  size_t n = 0;
  for (const OmapNode *at = walk((Mem *)s, key_strs('T', workspace, after)); n < max && in_table(at, 'T'); at = store_omap_next(at)) {
    if (!table_unpack(at, &out[n])) return no_memory(e), n;
    bool same_workspace = !strcmp(out[n].workspace, workspace);
    if (same_workspace && strcmp(out[n].name, after) > 0) n++;
    else store_table_free(&out[n]);
    if (!same_workspace) break;
  }
  return n;
}

static bool mem_tables_pending(Store *s) { return (void)s, false; }

static bool mem_table_row(Store *s, int64_t place, Blob *out, Err *e) {
  const OmapNode *n = find((Mem *)s, KEY('R', place));
  return n && (blob_copy(out, store_omap_value(n).p, store_omap_value(n).n) || no_memory(e));
}

/* Nodes between two keys of the map; descending: collected first, the map has no way back. f must not change the store. */
typedef bool (*NodeFn)(void *ctx, const OmapNode *n);
static bool walk_range(Mem *m, Bytes from, Bytes to, bool descending, NodeFn f, void *ctx, Err *e) {
  const OmapNode **all = NULL;
  size_t n = 0, cap = 0;
  bool ok = !from.oom && !to.oom, more = ok;
  for (const OmapNode *at = ok ? store_omap_from(&m->map, view(&from)) : NULL; at && more; at = store_omap_next(at)) {
    Bytesv k = store_omap_key(at);
    int c = memcmp(k.p, to.p, k.n < to.n ? k.n : to.n);
    if (c > 0 || (!c && k.n >= to.n)) break;
    if (!descending) {
      more = f(ctx, at);
      continue;
    }
    if (n == cap) {
      const OmapNode **p = realloc(all, (cap = cap * 2 + 64) * sizeof *all);
      if (!(ok = more = p != NULL)) break;
      all = p;
    }
    all[n++] = at;
  }
  while (ok && n-- && f(ctx, all[n])) continue;
  free(all);
  free(from.p);
  free(to.p);
  return ok || no_memory(e);
}

typedef struct RowWalk { StoreTableRowFn row; bool (*key)(void *, Bytesv); void *ctx; } RowWalk;
static bool give_row(void *ctx, const OmapNode *n) {
  const RowWalk *w = ctx;
  Reader in = reader(store_omap_key(n));
  in.p++;
  return w->row(w->ctx, get_int(&in), store_omap_value(n));
}
static bool give_key(void *ctx, const OmapNode *n) {
  const RowWalk *w = ctx;
  Bytesv k = store_omap_key(n);
  return w->key(w->ctx, (Bytesv){(const char *)k.p + 1, k.n - 1});
}

static bool mem_table_rows(Store *s, int64_t from, int64_t to, bool descending, StoreTableRowFn f, void *ctx, Err *e) {
  RowWalk w = {.row = f, .ctx = ctx};
  return walk_range((Mem *)s, KEY('R', from), KEY('R', to + 1), descending, give_row, &w, e);
}

static bool mem_table_keys(Store *s, Bytesv from, Bytesv to, bool descending, bool (*f)(void *, Bytesv), void *ctx, Err *e) {
  RowWalk w = {.key = f, .ctx = ctx};
  return walk_range((Mem *)s, key_raw(from), key_raw(to), descending, give_key, &w, e);
}

static bool mem_unit(Store *s, const uint8_t hash[16], char **file, Blob *out, Err *e) {
  Bytes k = {0};
  add(&k, "u", 1);
  add(&k, hash, 16);
  return file_out(find((Mem *)s, k), file, out, e);
}

static bool mem_source(Store *s, const char *hash, char **file, Blob *out, Err *e) {
  return file_out(find((Mem *)s, key_strs('c', hash, NULL)), file, out, e);
}

static bool mem_meta(Store *s, const char *name, char **value, Err *e) {
  const OmapNode *n = find((Mem *)s, key_strs('m', name, NULL));
  if (!n) return false;
  Reader in = reader(store_omap_value(n));
  *value = get_opt(&in);
  return !in.oom || no_memory(e);
}

static bool mem_changed(Store *s) { return (void)s, false; }
static const char *mem_failed(const Store *s) { return (void)s, NULL; }
static void mem_stats(const Store *s, StoreStats *out) { *out = ((const Mem *)s)->stats; }
static int mem_drop(Store *s, int64_t before, Err *e) { return (void)s, (void)before, (void)e, 0; } /* one open segment, always */

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
    .run_get = mem_run_get, .run_by_id = mem_run_by_id, .runs = mem_runs, .journal = mem_journal, .snapshot_get = mem_snapshot,
    .timers_due = mem_timers_due, .timer_next = mem_timer_next, .wait_get = mem_wait_get, .waits = mem_waits,
    .waits_under = mem_waits_under, .outcomes_under = mem_outcomes_under, .outcomes_use = mem_outcomes_use,
    .outcome_get = mem_outcome, .inbox = mem_inbox, .inbox_by_key = mem_inbox_by_key, .kv_get = mem_kv_get, .kv_list = mem_kv_list,
    .doc_get = mem_doc_get, .docs = mem_docs, .search = mem_search,
    .table_max = mem_table_max, .table_get = mem_table_get, .tables = mem_tables, .tables_pending = mem_tables_pending,
    .table_row = mem_table_row, .table_rows = mem_table_rows, .table_keys = mem_table_keys,
    .unit_get = mem_unit, .source_get = mem_source, .meta_get = mem_meta, .changed = mem_changed, .stats = mem_stats,
    .drop_history = mem_drop,
};

Store *store_mem_open(Err *e) {
  Mem *m = calloc(1, sizeof *m);
  if (!m) return err_set(e, NO_MEMORY, "out of memory"), NULL;
  store_omap_init(&m->map);
  if (store_base_init(&m->base, &mem_impl, e)) return &m->base;
  free(m);
  return NULL;
}
