#include "listener_kept.h"
#include "reader/text.h"
#include "runtime/base/hash.h"
#include <stdlib.h>
#include <string.h>

void kept_init(KeptTable *t, void (*drop)(void *answer)) {
  *t = (KeptTable){.drop = drop};
  pthread_mutex_init(&t->lock, NULL);
}

void kept_free(KeptTable *t) {
  kept_forget(t);
  free(t->a);
  pthread_mutex_destroy(&t->lock);
}

/* Each part with its length in front, so that no two requests are the same bytes. */
static void put_part(Buf *b, const char *s, size_t n) {
  int64_t len = s ? (int64_t)n : -1;
  buf_add(b, (const char *)&len, sizeof len);
  if (s) buf_add(b, s, n);
}

void kept_id(const char *path, const char *authorization, const char *workspace, const char *body, size_t n, uint8_t id[32]) {
  Buf b = {0};
  put_part(&b, path, strlen(path));
  put_part(&b, authorization, authorization ? strlen(authorization) : 0);
  put_part(&b, workspace, workspace ? strlen(workspace) : 0);
  put_part(&b, body, n);
  hash_sha256(b.p, b.n, id);
  explicit_bzero(b.p, b.n);
  buf_free(&b);
}

/* locked */
static KeptAnswer *slot_of(KeptTable *t, const uint8_t id[32]) {
  uint32_t i;
  memcpy(&i, id, sizeof i);
  return &t->a[i % KEPT_SLOTS];
}

/* locked */
static void clear(KeptTable *t, KeptAnswer *k) {
  if (!k->answer) return;
  t->drop(k->answer);
  t->bytes -= k->bytes;
  *k = (KeptAnswer){.answer = NULL};
}

/* locked */
static void clear_all(KeptTable *t) {
  for (size_t i = 0; t->bytes && i < KEPT_SLOTS; i++) clear(t, &t->a[i]);
}

void kept_put(KeptTable *t, const KeptAnswer *k) {
  pthread_mutex_lock(&t->lock);
  if (!t->a) t->a = calloc(KEPT_SLOTS, sizeof *t->a);
  if (t->a && t->bytes + k->bytes > KEPT_BYTES) clear_all(t);
  if (t->a) {
    KeptAnswer *at = slot_of(t, k->id);
    clear(t, at);
    *at = *k;
    t->bytes += k->bytes;
  } else {
    t->drop(k->answer);
  }
  pthread_mutex_unlock(&t->lock);
}

void kept_forget(KeptTable *t) {
  pthread_mutex_lock(&t->lock);
  clear_all(t);
  pthread_mutex_unlock(&t->lock);
}

bool kept_any(KeptTable *t) {
  pthread_mutex_lock(&t->lock);
  bool any = t->bytes;
  pthread_mutex_unlock(&t->lock);
  return any;
}

bool kept_use(KeptTable *t, const uint8_t id[32], int64_t now_ms, void (*f)(void *ctx, const KeptAnswer *k), void *ctx) {
  pthread_mutex_lock(&t->lock);
  KeptAnswer *k = t->a ? slot_of(t, id) : NULL;
  bool found = k && k->answer && !memcmp(k->id, id, sizeof k->id) && (!k->until_ms || now_ms < k->until_ms);
  if (found) f(ctx, k);
  pthread_mutex_unlock(&t->lock);
  return found;
}
