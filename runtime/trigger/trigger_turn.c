/* trigger_turn.c - triggers in the loop of a server; see trigger.h */
#include "trigger.h"
#include "runtime/engine/engine_commit.h"
#include <stdlib.h>

enum { SWEEP_ROWS = 64, SWEEP_EVERY_MS = 3600 * 1000 };

Triggers *triggers_new(Api *a) {
  Triggers *t = calloc(1, sizeof *t);
  if (!t) abort();
  t->api = a;
  a->triggers = t;
  return t;
}

static void swept(Engine *e, void *ctx, const char *error) {
  (void)e;
  (void)ctx;
  (void)error; /* what stays is found in an hour */
}

/* What was kept for a time only is forgotten when that is over, some at a time: one kind after the other, and again in an hour. */
static const char *const kept[] = {"delivery", "api-op", "upload", "file-name", "feedback", "digest-read"};
enum { KINDS = sizeof kept / sizeof *kept };

static void sweep(Triggers *t) {
  DocRow rows[SWEEP_ROWS];
  Err err = {0};
  int64_t now = now_ms();
  if (now < t->sweep_ms) return;
  size_t n = store_docs_everywhere(t->api->store, kept[t->sweep_kind], "", "", now, rows, SWEEP_ROWS, &err);
  Batch *b = n ? batch_new() : NULL;
  for (size_t i = 0; i < n; i++) {
    batch_doc_del(b, rows[i].workspace, rows[i].kind, rows[i].key, rows[i].rev);
    doc_row_free(&rows[i]);
  }
  if (b) engine_commit(t->api->engine, b, swept, NULL);
  if (n < SWEEP_ROWS) t->sweep_kind = (t->sweep_kind + 1) % KINDS;
  t->sweep_ms = now + (n == SWEEP_ROWS || t->sweep_kind ? 100 : SWEEP_EVERY_MS);
}

void triggers_turn(Triggers *t) {
  trigger_sync_turn(t);
  trigger_fire_turn(t);
  trigger_hook_turn(t);
  sweep(t);
}

void triggers_stop(Triggers *t) {
  if (t) trigger_hook_stop(t);
}

void triggers_free(Triggers *t) {
  if (!t) return;
  t->api->triggers = NULL;
  free(t);
}
