/* engine_commit.c - see engine_commit.h */
#include "engine_commit.h"
#include "engine_int.h"
#include <stdlib.h>

/* Runs are numbered below this bit, and the number of a run's life is above it. */
#define COMMIT_TAG (1ull << 47)

typedef struct CommitWait {
  uint64_t tag;
  EngineCommitFn f;
  void *ctx;
  struct CommitWait *next;
} CommitWait;

void engine_commit(Engine *e, Batch *b, EngineCommitFn f, void *ctx) {
  CommitWait *w = calloc(1, sizeof *w);
  if (!w) abort();
  *w = (CommitWait){COMMIT_TAG | e->next_commit++ % COMMIT_TAG, f, ctx, NULL};
  if (e->commits_last) e->commits_last->next = w;
  else e->commits = w;
  e->commits_last = w;
  store_submit(e->store, b, w->tag);
}

static CommitWait *take(Engine *e, uint64_t tag) {
  CommitWait *before = NULL, *w = e->commits; /* they come back in order, all but those that were refused */
  while (w && w->tag != tag) before = w, w = w->next;
  if (!w) return NULL;
  if (before) before->next = w->next;
  else e->commits = w->next;
  if (e->commits_last == w) e->commits_last = before;
  return w;
}

static void tell(Engine *e, CommitWait *w, const char *error) {
  w->f(e, w->ctx, error);
  free(w);
}

bool engine_commit_done(Engine *e, uint64_t tag, const char *error) {
  if (!(tag & COMMIT_TAG) || tag >> 48) return false;
  CommitWait *w = take(e, tag);
  if (w) tell(e, w, error);
  return true;
}

void engine_commit_stop(Engine *e) {
  while (e->commits) tell(e, take(e, e->commits->tag), "stopping");
}
