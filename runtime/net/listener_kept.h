/* listener_kept.h - answers that stay true, by what was asked; private to the listener. Any thread may put and forget, one finds.
 *
 * An answer is something opaque with a reference of the table's, given back by `drop`. What was asked is known by its SHA-256 alone: no key
 * of a caller stands here. Bounded: KEPT_SLOTS answers, KEPT_BYTES; what is new takes the place of what is old. */
#ifndef BR_LISTENER_KEPT_H
#define BR_LISTENER_KEPT_H
#include "runtime/base/port.h"
#include <pthread.h>

enum { KEPT_SLOTS = 4096, KEPT_BYTES = 8 << 20, KEPT_BODY = 4096, KEPT_ANSWER = 64 << 10 };

typedef struct KeptAnswer {
  uint8_t id[32];
  void *answer; /* NULL: none */
  const char *route;
  int64_t until_ms;
  size_t bytes;
} KeptAnswer;

typedef struct KeptTable {
  pthread_mutex_t lock;
  KeptAnswer *a; /* made by the first put */
  size_t bytes;
  void (*drop)(void *answer);
} KeptTable;

void kept_init(KeptTable *t, void (*drop)(void *answer));
void kept_free(KeptTable *t);
/* authorization, workspace: NULL when the header was not sent */
void kept_id(const char *path, const char *authorization, const char *workspace, const char *body, size_t n, uint8_t id[32]);
/* Takes k->answer. */
void kept_put(KeptTable *t, const KeptAnswer *k);
void kept_forget(KeptTable *t);
bool kept_any(KeptTable *t);
/* Calls f with the answer, if there is one that still holds: it cannot go away meanwhile. */
bool kept_use(KeptTable *t, const uint8_t id[32], int64_t now_ms, void (*f)(void *ctx, const KeptAnswer *k), void *ctx);
#endif
