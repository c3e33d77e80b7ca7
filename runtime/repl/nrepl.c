#include "nrepl_int.h"
#include "reader/mem.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define WORKER_STACK ((size_t)8 << 20)
#define STOP_S 5          /* how long the stop waits for evaluations to end */
#define WORKER_IDLE_S 10 /* a worker without requests ends after that */

/* --- requests -------------------------------------------------------------------------------------------------------------- */
static void req_free(NreplReq *r) {
  if (r->c) {
    nrepl_io_unhold(r->c);
    nrepl_io_release(r->c);
  }
  ben_msg_free(&r->m);
  free(r->id);
  free(r);
}

/* The id goes back as it came: a string, or a number. Bytes behind a NUL are not kept. */
char *nrepl_id_text(const BenMsg *m, const char *key) {
  uint32_t at = ben_find(m, 0, key);
  BenWriter w = {0};
  if (!at) return NULL;
  if (m->nodes[at].kind == BEN_INT) ben_w_int(&w, m->nodes[at].i);
  else if (m->nodes[at].kind == BEN_STR) ben_w_c(&w, ben_text(m, at));
  else return NULL;
  return buf_cstr(&w.b);
}

static NreplReq *req_new(Nrepl *n, NreplConn *c, BenMsg *m, const NreplOp *op) {
  NreplReq *r = mem_raw(sizeof *r);
  *r = (NreplReq){.n = n, .c = c, .op = op};
  if (m) r->m = *m, r->id = nrepl_id_text(m, "id");
  if (c) {
    nrepl_io_retain(c);
    nrepl_io_hold(c);
  }
  return r;
}

void nrepl_reply(const NreplReq *r, BenWriter *w) {
  ben_w_dict(w);
  if (r->id) ben_w_key(w, "id"), buf_c(&w->b, r->id);
  ben_w_pair(w, "session", r->s ? r->s->id : ben_str(&r->m, "session", NULL));
}

void nrepl_reply_end(const NreplReq *r, BenWriter *w, ...) {
  va_list ap;
  va_start(ap, w);
  const char *status = va_arg(ap, const char *);
  if (status) {
    ben_w_key(w, "status");
    ben_w_list(w);
    for (; status; status = va_arg(ap, const char *)) ben_w_c(w, status);
    ben_w_end(w);
  }
  va_end(ap);
  ben_w_end_dict(w);
  nrepl_io_send(r->c, w);
}

/* --- sessions -------------------------------------------------------------------------------------------------------------- */
static void uuid(char out[37]) {
  uint8_t b[16];
  while (getrandom(b, sizeof b, 0) != sizeof b) continue;
  b[6] = (uint8_t)((b[6] & 15) | 0x40);
  b[8] = (uint8_t)((b[8] & 63) | 0x80);
  for (int i = 0; i < 16; i++) out += sprintf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
}

NreplSession *nrepl_session_new(Nrepl *n, bool ephemeral) {
  NreplSession *s = mem_raw(sizeof *s);
  pthread_condattr_t mono;
  *s = (NreplSession){.n = n, .refs = 1, .ephemeral = ephemeral};
  uuid(s->id);
  pthread_mutex_lock(&n->lock);
  s->next = n->sessions;
  n->sessions = s;
  pthread_mutex_unlock(&n->lock);
  pthread_condattr_init(&mono);
  pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
  pthread_cond_init(&s->wake, &mono);
  pthread_condattr_destroy(&mono);
  return s;
}

static void session_free(NreplSession *s) {
  pthread_mutex_lock(&s->n->lock);
  for (NreplSession **at = &s->n->sessions; *at; at = &(*at)->next)
    if (*at == s) {
      *at = s->next;
      break;
    }
  pthread_mutex_unlock(&s->n->lock);
  if (s->rs) repl_free(s->rs);
  pthread_cond_destroy(&s->wake);
  buf_free(&s->input);
  free(s->ns);
  free(s);
}

void nrepl_release(NreplSession *s) {
  pthread_mutex_t *lock = &s->n->lock;
  pthread_mutex_lock(lock);
  bool last = --s->refs == 0;
  pthread_mutex_unlock(lock);
  if (last) session_free(s);
}

/* Under the lock. */
static NreplSession *session_find(Nrepl *n, const char *id) {
  for (NreplSession *s = n->sessions; s; s = s->next)
    if (s->listed && !strcmp(s->id, id)) return s;
  return NULL;
}

void nrepl_note_ns(NreplSession *s) {
  Buf b = {0};
  repl_ns(s->rs, &b);
  buf_cstr(&b);
  pthread_mutex_lock(&s->n->lock);
  free(s->ns);
  s->ns = b.p;
  pthread_mutex_unlock(&s->n->lock);
}

/* Under the lock. */
static void unlist(NreplSession *s) {
  s->n->nsessions -= s->listed;
  s->listed = false;
}

/* --- workers --------------------------------------------------------------------------------------------------------------- */
static NreplReq *queue_pop(NreplSession *s) {
  NreplReq *r = s->first;
  if (!r) return NULL;
  s->first = r->next;
  if (!s->first) s->last = NULL;
  return r;
}

/* The next request; NULL: there was none for a while, or there will be none. */
static NreplReq *queue_wait(NreplSession *s) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += WORKER_IDLE_S;
  while (!s->first && !s->closed && !s->n->stopping)
    if (pthread_cond_timedwait(&s->wake, &s->n->lock, &end) == ETIMEDOUT) break;
  return queue_pop(s);
}

static void run_request(NreplSession *s, NreplReq *r) {
  pthread_mutex_unlock(&s->n->lock);
  r->op->run(r);
  pthread_mutex_lock(&s->n->lock);
  s->running = NULL;
  NreplSession *target = r->s;
  pthread_mutex_unlock(&s->n->lock);
  req_free(r);
  if (target) nrepl_release(target);
  pthread_mutex_lock(&s->n->lock);
}

static void *worker_main(void *arg) {
  NreplSession *s = arg;
  Nrepl *n = s->n;
  mem_thread_enter();
  pthread_mutex_lock(&n->lock);
  for (NreplReq *r; (r = queue_wait(s));) {
    s->running = r;
    run_request(s, r);
  }
  s->worker = false;
  pthread_mutex_unlock(&n->lock);
  nrepl_release(s);
  mem_thread_leave();
  pthread_mutex_lock(&n->lock);
  n->workers--;
  pthread_cond_broadcast(&n->quiet);
  pthread_mutex_unlock(&n->lock);
  return NULL;
}

/* The signals that end the program are for the main thread; those of the collector must come through, also when the polling thread,
 * which blocks all, starts the worker. */
static int thread_start(void *(*f)(void *), void *arg) {
  sigset_t ours, old;
  pthread_attr_t attr;
  pthread_t t;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGHUP);
  sigaddset(&ours, SIGWINCH);
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attr, WORKER_STACK);
  pthread_sigmask(SIG_SETMASK, &ours, &old);
  int rc = pthread_create(&t, &attr, f, arg);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  return rc;
}

/* Under the lock. Without a thread the request waits for the next one that tries; false: there is none now. */
static bool worker_need(NreplSession *s) {
  pthread_cond_broadcast(&s->wake);
  if (s->worker) return true;
  if (thread_start(worker_main, s)) return false;
  s->worker = true;
  s->refs++;
  s->n->workers++;
  return true;
}

/* Under the lock. */
static bool queue_add(NreplSession *s, NreplReq *r) {
  if (s->last) s->last->next = r;
  else s->first = r;
  s->last = r;
  return worker_need(s);
}

NreplReq *nrepl_dequeue(NreplSession *s, const char *id) {
  for (NreplReq **at = &s->first, *before = NULL; *at; before = *at, at = &(*at)->next) {
    NreplReq *r = *at;
    if (!r->id || strcmp(r->id, id)) continue;
    *at = r->next;
    if (s->last == r) s->last = before;
    r->next = NULL;
    return r;
  }
  return NULL;
}

void nrepl_stop_request(NreplReq *r) {
  atomic_store(&r->stop, true);
  if (r->s && r->s->rs) repl_interrupt(r->s->rs);
  if (r->s) pthread_cond_broadcast(&r->s->wake);
  nrepl_io_nudge(r->c);
}

/* --- giving sessions up ---------------------------------------------------------------------------------------------------- */
static void op_drop(NreplReq *r) { (void)r; } /* run_request releases the session */
static const NreplOp drop_op = {.name = "drop", .where = NREPL_TOOLS, .run = op_drop};

/* Gives a reference up, on any thread. */
static void session_drop(NreplSession *s) {
  NreplReq *r = req_new(s->n, NULL, NULL, &drop_op);
  r->s = s;
  pthread_mutex_lock(&s->n->lock);
  queue_add(s->n->tools, r);
  pthread_mutex_unlock(&s->n->lock);
}

/* Under the lock: the waiting requests of a client (NULL: all), as a list. */
static NreplReq *queue_cut(NreplSession *s, const NreplConn *c) {
  NreplReq *cut = NULL, *kept = s->first;
  s->first = s->last = NULL;
  while (kept) {
    NreplReq *r = kept;
    kept = r->next;
    r->next = NULL;
    if (c && r->c != c) {
      if (s->last) s->last->next = r;
      else s->first = r;
      s->last = r;
    } else {
      r->next = cut;
      cut = r;
    }
  }
  return cut;
}

void nrepl_drop_requests(NreplReq *r, const char *status) {
  for (NreplReq *next; r; r = next) {
    next = r->next;
    nrepl_answer(r, status, "done");
    if (r->s) session_drop(r->s);
    req_free(r);
  }
}

static NreplReq *close_locked(NreplSession *s) {
  s->closed = true;
  if (s->running) nrepl_stop_request(s->running);
  pthread_cond_broadcast(&s->wake);
  return queue_cut(s, NULL);
}

void nrepl_close(NreplSession *s) {
  pthread_mutex_lock(&s->n->lock);
  unlist(s);
  NreplReq *waiting = close_locked(s);
  pthread_mutex_unlock(&s->n->lock);
  nrepl_drop_requests(waiting, "interrupted");
  session_drop(s);
}

/* Under the lock: the longest unused session whose client is gone. */
static NreplSession *session_to_spare(Nrepl *n) {
  NreplSession *spare = NULL;
  for (NreplSession *s = n->sessions; s; s = s->next)
    if (s->listed && !s->owner && !s->running && !s->first && (!spare || s->used < spare->used)) spare = s;
  return spare;
}

bool nrepl_register(NreplSession *s, NreplConn *owner) {
  Nrepl *n = s->n;
  pthread_mutex_lock(&n->lock);
  NreplSession *spare = n->nsessions >= NREPL_SESSIONS ? session_to_spare(n) : NULL;
  bool room = n->nsessions < NREPL_SESSIONS || spare;
  if (spare) {
    unlist(spare);
    close_locked(spare); /* nothing waits in it */
  }
  s->listed = room;
  s->owner = nrepl_io_gone(owner) ? NULL : owner; /* on_gone has been, or will find it */
  n->nsessions += room;
  pthread_mutex_unlock(&n->lock);
  if (spare) nrepl_release(spare);
  return room;
}

/* --- messages from the polling thread -------------------------------------------------------------------------------------- */
static const NreplOp *op_find(const char *name) {
  for (size_t i = 0; i < nrepl_nops; i++)
    if (name && !strcmp(nrepl_ops[i].name, name)) return &nrepl_ops[i];
  return NULL;
}

/* Evaluations without session wait in line here, one line for each client. */
static NreplSession *ephemeral(Nrepl *n, NreplConn *c) {
  NreplSession **place = (NreplSession **)nrepl_io_user(c);
  if (!*place) *place = nrepl_session_new(n, true);
  return *place;
}

static void unknown_op(NreplReq *r) {
  BenWriter w = {0};
  nrepl_reply(r, &w);
  ben_w_pair(&w, "op", ben_str(&r->m, "op", NULL));
  nrepl_reply_end(r, &w, "error", "unknown-op", "done", NULL);
}

/* The session of a request, counted; false: it names one that there is not. */
static bool find_session(NreplReq *r) {
  const char *id = ben_str(&r->m, "session", NULL);
  if (!id && (!r->op || r->op->where != NREPL_SESSION)) return true;
  NreplSession *s = id ? NULL : ephemeral(r->n, r->c);
  pthread_mutex_lock(&r->n->lock);
  if (id) s = session_find(r->n, id);
  if (s) {
    s->refs++;
    s->owner = r->c;
    s->used = ++r->n->clock;
  }
  pthread_mutex_unlock(&r->n->lock);
  r->s = s;
  return s != NULL;
}

static void finish_now(NreplReq *r) {
  NreplSession *s = r->s;
  req_free(r);
  if (!s) return;
  pthread_mutex_lock(&s->n->lock);
  bool more = s->refs > 1;
  if (more) s->refs--;
  pthread_mutex_unlock(&s->n->lock);
  if (!more) session_drop(s);
}

static void enqueue(NreplReq *r) {
  Nrepl *n = r->n;
  NreplSession *s = r->op->where == NREPL_TOOLS ? n->tools : r->s;
  pthread_mutex_lock(&n->lock);
  bool worker = queue_add(s, r);
  NreplReq *back = NULL;
  if (!worker) back = queue_cut(s, r->c);
  pthread_mutex_unlock(&n->lock);
  nrepl_drop_requests(back, "no-thread");
}

static bool stopping(Nrepl *n) {
  pthread_mutex_lock(&n->lock);
  bool yes = n->stopping;
  pthread_mutex_unlock(&n->lock);
  return yes;
}

static void on_message(void *ctx, NreplConn *c, BenMsg *m) {
  Nrepl *n = ctx;
  if (stopping(n)) {
    ben_msg_free(m);
    return;
  }
  NreplReq *r = req_new(n, c, m, op_find(ben_str(m, "op", NULL)));
  bool known = find_session(r);
  if (!known) nrepl_answer(r, "error", "unknown-session", "done");
  else if (!r->op) unknown_op(r);
  else if (r->op->where == NREPL_NOW) r->op->run(r);
  else {
    enqueue(r);
    return;
  }
  finish_now(r);
}

static void on_gone(void *ctx, NreplConn *c) {
  Nrepl *n = ctx;
  NreplSession *own = *nrepl_io_user(c);
  NreplReq *waiting = NULL;
  pthread_mutex_lock(&n->lock);
  for (NreplSession *s = n->sessions; s; s = s->next) {
    NreplReq *cut = queue_cut(s, c), **end = &cut;
    while (*end) end = &(*end)->next;
    *end = waiting;
    waiting = cut;
    if (s->running && s->running->c == c) nrepl_stop_request(s->running);
    if (s->owner == c) s->owner = NULL;
  }
  pthread_mutex_unlock(&n->lock);
  nrepl_drop_requests(waiting, "interrupted");
  if (own) nrepl_close(own);
}

/* --- start and stop -------------------------------------------------------------------------------------------------------- */
Nrepl *nrepl_start(const char *host_port, ReplSession *of, Err *e) {
  Nrepl *n = mem_raw(sizeof *n);
  NreplIoCalls calls = {n, on_message, on_gone};
  *n = (Nrepl){.base = repl_clone(of)};
  pthread_mutex_init(&n->lock, NULL);
  pthread_cond_init(&n->quiet, NULL);
  n->tools = nrepl_session_new(n, true);
  n->io = nrepl_io_start(host_port, &calls, e);
  if (n->io) return n;
  session_free(n->tools);
  repl_free(n->base);
  free(n);
  return NULL;
}

int nrepl_port(const Nrepl *n) { return nrepl_io_port(n->io); }
const char *nrepl_host(const Nrepl *n) { return nrepl_io_host(n->io); }

static bool wait_quiet(Nrepl *n) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += STOP_S;
  pthread_mutex_lock(&n->lock);
  while (n->workers && pthread_cond_timedwait(&n->quiet, &n->lock, &end) != ETIMEDOUT) continue;
  bool quiet = !n->workers;
  pthread_mutex_unlock(&n->lock);
  return quiet;
}

static void stop_all(Nrepl *n) {
  NreplReq *waiting = NULL;
  pthread_mutex_lock(&n->lock);
  n->stopping = true;
  for (NreplSession *s = n->sessions; s; s = s->next) {
    NreplReq *cut = s == n->tools ? NULL : close_locked(s), **end = &cut;
    while (*end) end = &(*end)->next;
    *end = waiting;
    waiting = cut;
  }
  pthread_cond_broadcast(&n->tools->wake);
  pthread_mutex_unlock(&n->lock);
  nrepl_drop_requests(waiting, "interrupted");
}

void nrepl_stop(Nrepl *n) {
  stop_all(n);
  bool quiet = wait_quiet(n);
  nrepl_io_stop(n->io);            /* hands sessions of clients to the tools worker */
  if (!wait_quiet(n) || !quiet) return; /* somewhere in C code that does not look up: it ends with the process */
  while (n->sessions) session_free(n->sessions);
  repl_free(n->base);
  pthread_mutex_destroy(&n->lock);
  pthread_cond_destroy(&n->quiet);
  free(n);
}
