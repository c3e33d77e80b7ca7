/* wait_accepted.c - answers that are durable and acknowledged, handed over to their runs in turn.
 *
 * Handing one over costs several times what acknowledging it does, on this thread and on the store's. So while others wait for their
 * acknowledgement it gets a quarter of the time, unless very many have gathered; a burst is answered first and worked off then. Until then a
 * second answer is a duplicate, and before a timer fires all are handed over: what is acknowledged as delivered is. They stand in the inbox,
 * so nothing of this is needed after a crash. */
#include "runtime/engine/engine_int.h"
#include "eval/unit.h"
#include "wait_answer.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_US = 2000, PAUSE = 3, MOST = 4096, ROWS_OF_A_KEY = 4 };

typedef struct Accepted {
  struct Accepted *next;
  char *guard, *workspace, *key; /* guard: "workspace\nkey" */
} Accepted;

void wait_accept(Engine *e, const char *guard) {
  Accepted *a = calloc(1, sizeof *a);
  if (!a || !(a->guard = strdup(guard)) || !(a->workspace = strdup(guard))) abort();
  a->key = strchr(a->workspace, '\n');
  *a->key++ = 0;
  if (e->accepted_last) e->accepted_last->next = a;
  else e->accepted = a;
  e->accepted_last = a;
  e->naccepted++;
  e->accepted_keys = set_conj(e->accepted_keys, str_c(guard));
}

static void free_one(Accepted *a) {
  free(a->guard);
  free(a->workspace);
  free(a);
}

static Accepted *take(Engine *e) {
  Accepted *a = e->accepted;
  e->accepted = a->next;
  e->naccepted--;
  if (!e->accepted) e->accepted_last = NULL;
  e->accepted_keys = e->accepted ? set_disj(e->accepted_keys, str_c(a->guard)) : set_empty;
  return a;
}

/* A row that cannot be used now is looked at again with the rest of the inbox. */
static void hand_one(Engine *e, const Accepted *a, Err *err) {
  InboxRow rows[ROWS_OF_A_KEY];
  size_t n = store_inbox_by_key(e->store, a->workspace, a->key, rows, ROWS_OF_A_KEY, err);
  for (size_t i = 0; i < n; i++) {
    if (!strcmp(rows[i].kind, "event")) inbox_event(e, &rows[i], err);
    inbox_row_free(&rows[i]);
  }
  if (n == ROWS_OF_A_KEY) e->inbox_again = true;
}

static bool pauses(const Engine *e, int64_t now) { return set_count(e->delivering) && e->naccepted < MOST && now < e->hand_over_us; }

int wait_hand_over_ms(const Engine *e) {
  int64_t now = mono_us();
  if (!e->accepted || e->draining) return INT_MAX;
  return pauses(e, now) ? (int)((e->hand_over_us - now) / 1000) + 1 : 0;
}

static void for_a_while(Engine *e, int64_t most_us, Err *err) {
  int64_t begun = mono_us(), now = begun;
  while (e->accepted && !e->fatal && now - begun < most_us) {
    Accepted *a = take(e);
    hand_one(e, a, err);
    free_one(a);
    now = mono_us();
  }
  e->hand_over_us = now + PAUSE * (now - begun);
}

void wait_hand_over(Engine *e, Err *err) {
  if (e->accepted && !pauses(e, mono_us())) for_a_while(e, TURN_US, err);
}

void wait_hand_over_all(Engine *e, Err *err) {
  if (e->accepted) for_a_while(e, INT64_MAX, err);
}

void wait_accepted_stop(Engine *e) {
  while (e->accepted) free_one(take(e));
}
