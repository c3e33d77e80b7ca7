/* engine_ssh.c - see engine_ssh.h. */
#include "engine_ssh.h"
#include "runtime/engine/engine_int.h"
#include "reader/map.h"
#include <stdlib.h>
#include <string.h>

typedef struct Flight {
  uint64_t id;
  Engine *e;
  SshDone done;
  void *ctx;
  struct Flight *next;
} Flight;

enum { BUCKETS = 256, SETTLE_MS = 3000 };
static Flight *flights[BUCKETS];
static SshClient *client;

static Flight **flight_of(uint64_t id) {
  Flight **at = &flights[id % BUCKETS];
  while (*at && (*at)->id != id) at = &(*at)->next;
  return at;
}

static void event(SshEvent *v) {
  Flight **at = flight_of(v->id), *f = *at;
  if (!f) return;
  if (v->kind == SSH_ENDED) *at = f->next;
  if (f->e) f->done(f->e, f->ctx, v);
  else if (v->kind == SSH_ENDED) f->done(NULL, f->ctx, NULL);
  if (v->kind == SSH_ENDED) free(f);
}

static void events(Engine *e, void *ctx) {
  (void)e, (void)ctx;
  for (SshEvent *v; (v = ssh_next(client));) {
    event(v);
    ssh_event_free(v);
  }
}

static bool ready(Engine *e, Err *err) {
  if (e->o.guard && !guard_from_env(err)) return false;
  if (!client && !(client = ssh_client_new(err))) return false;
  engine_watch(e, ssh_fd(client), events, NULL);
  return true;
}

uint64_t engine_ssh_send(Engine *e, SshJob *j, SshDone done, void *ctx, Err *err) {
  if (!ready(e, err)) {
    ssh_job_free(j);
    return 0;
  }
  j->target.guard = e->o.guard ? guard_from_env(err) : NULL;
  Flight *f = calloc(1, sizeof *f);
  if (!f) abort();
  *f = (Flight){ssh_send(client, j, err), e, done, ctx, NULL};
  if (!f->id) return free(f), 0;
  f->next = flights[f->id % BUCKETS];
  flights[f->id % BUCKETS] = f;
  return f->id;
}

void engine_ssh_cancel(uint64_t id) {
  if (client) ssh_cancel(client, id);
}

/* What is under way for an engine that goes is ended, so that it does not run beside its own repetition. What the job still writes into
 * lives until it has ended, and another engine hears of that. */
void engine_ssh_gone(Engine *e) {
  for (size_t i = 0; i < BUCKETS; i++)
    for (Flight *f = flights[i]; f; f = f->next) {
      if (f->e != e) continue;
      f->e = NULL;
      engine_ssh_cancel(f->id);
    }
  if (client) ssh_settle(client, SETTLE_MS);
}

bool engine_ssh_target(StepCall *c, Val slot, bool secrets, SshTarget *out, Val *bound, Err *err) {
  if (is_str(slot)) slot = kw_parse(str_s(slot), str_n(slot));
  if (!is_kw(slot)) return err_set(err, "validation", ":connection must be the slot of a connection of :type :ssh");
  *bound = step_connection(c, slot);
  if (is_nil(*bound))
    return err_set(err, "missing-binding", "no connection is bound to :%.60s; bind it with --connections FILE (\"connections\": {\"%.60s\": {\"type\": \"ssh\", ..}})",
                   kw_text(slot), kw_text(slot));
  if (!kw_is(map_get_kw(*bound, "type"), "ssh"))
    return err_set(err, "validation", "the connection :%.60s is of type %.30s; this needs one of type ssh", kw_text(slot), kw_text(map_get_kw(*bound, "type")));
  return ssh_target(*bound, step_secrets(c), secrets ? step_secrets_used(c) : NULL, out, err);
}

static Val with_text(Val m, const char *key, const Buf *b) { return b->n ? map_assoc(m, kw_c(key), str_new(b->p, b->n)) : m; }

Val engine_ssh_error(const SshAnswer *a, bool once) {
  const char *reason = ssh_err_reason(a->err);
  Val m = err_map(ssh_err_type(a->err), a->msg);
  m = map_assoc(m, kw_c("retryable?"), bool_val(a->passing && !(once && a->started)));
  m = map_assoc(m, kw_c("started?"), bool_val(a->started));
  if (reason) m = map_assoc(m, kw_c("reason"), kw_c(reason));
  if (a->err == SSH_KEY_UNKNOWN || a->err == SSH_KEY_CHANGED) {
    m = with_text(with_text(m, "fingerprint", &a->fingerprint), "host-key", &a->host_key);
    m = with_text(m, "known-fingerprints", &a->recorded);
  }
  if (a->err == SSH_AUTH) m = with_text(m, "methods", &a->methods);
  return m;
}
