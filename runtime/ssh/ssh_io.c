/* ssh_io.c - the client of ssh.h: its I/O thread, which hands tasks to channels of sessions and turns the sessions (ssh_chan.c). */
#include "runtime/base/hash.h"
#include "ssh_int.h"
#include "reader/mem.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING = 4, SESSIONS = 64, AGAIN_US = 300000, TRIES = 3, TURNS = 32 };

struct SshClient {
  pthread_mutex_t lock;
  pthread_cond_t settled;
  /* under the lock */
  SshTask *incoming, **incoming_tail;
  uint64_t *cancels, last_id;
  size_t ncancels;
  SshConnect *connected;
  SshEvent *events, **events_tail;
  bool stop, unsettled; /* unsettled: somebody may still have to be told to end */
  /* the I/O thread's */
  SshTask *tasks;
  SshHost *hosts;
  int wake_fd, poll_fd, fd;
  pthread_t thread;
  bool again;
  char scratch[SSH_PIECE];
};
static _Thread_local SshClient *the; /* the I/O thread's client */

char *ssh_scratch(void) { return the->scratch; }

static void *must(void *p) {
  if (!p) {
    fputs("breyta-run: out of memory in the SSH client\n", stderr);
    _exit(70);
  }
  return p;
}

static void ring(int fd) {
  uint64_t one = 1;
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR) continue;
}

static void wipe(char *s) {
  if (s) explicit_bzero(s, strlen(s));
  free(s);
}

/* ---- jobs ---- */

const char *ssh_err_type(enum SshErr e) {
  static const char *const types[] = {"ok", "network", "network", "guard", "timeout", "host-key-unknown", "host-key-changed", "auth-failed", "network",
                                      "oversize", "ssh-error", "ssh-error", "ssh-error", "oversize", "cancelled", "network"};
  return types[e];
}

const char *ssh_err_reason(enum SshErr e) {
  static const char *const reasons[] = {NULL, "unknown-host", "unreachable", NULL, NULL, NULL, NULL, NULL, "channel-lost", NULL, "refused", "no-folder", "file",
                                        NULL, NULL, "no-client"};
  return reasons[e];
}

void ssh_target_free(SshTarget *t) {
  for (int i = 0; i < SSH_HOPS; i++) {
    SshHop *h = &t->hops[i];
    free(h->host);
    free(h->user);
    wipe(h->password);
    wipe(h->key);
    wipe(h->passphrase);
    free(h->known);
  }
  memset(t, 0, sizeof *t);
}

void ssh_job_init(SshJob *j) {
  memset(j, 0, sizeof *j);
  j->target.connect_ms = SSH_CONNECT_MS;
  j->target.idle_ms = SSH_IDLE_MS;
  j->timeout_ms = 60000;
  j->max_output = 1 << 20;
  j->max_get = 1 << 20;
  j->ok_exits[0] = 1;
}

void ssh_job_free(SshJob *j) {
  ssh_target_free(&j->target);
  wipe(j->command);
  free(j->workdir);
  for (size_t i = 0; i < j->nenv; i++) {
    free(j->env[i].name);
    wipe(j->env[i].value);
  }
  free(j->env);
  if (j->input) explicit_bzero(j->input, j->ninput);
  free(j->input);
  for (size_t i = 0; i < j->nputs; i++) {
    free(j->puts[i].path);
    free(j->puts[i].bytes);
    if (j->puts[i].fd >= 0) close(j->puts[i].fd);
  }
  free(j->puts);
  free(j->get);
  memset(j, 0, sizeof *j);
}

/* ---- events ---- */

void ssh_event_free(SshEvent *v) {
  if (!v) return;
  buf_free(&v->bytes);
  if (v->answer) ssh_answer_free(v->answer);
  free(v->answer);
  free(v);
}

static void tell(SshEvent v) {
  SshEvent *e = must(malloc(sizeof *e));
  *e = v;
  pthread_mutex_lock(&the->lock);
  if (!the->events) ring(the->fd);
  *the->events_tail = e;
  the->events_tail = &e->next;
  the->unsettled |= v.kind == SSH_ENDED; /* what follows of it is done in the same turn */
  pthread_mutex_unlock(&the->lock);
}

void ssh_told(SshTask *t, bool errs, const char *p, size_t n) {
  SshEvent v = {.kind = SSH_OUTPUT, .id = t->id, .errs = errs};
  buf_add(&v.bytes, p, n);
  tell(v);
}

void ssh_started(SshTask *t, int64_t pid) {
  if (t->job.tell) tell((SshEvent){.kind = SSH_STARTED, .id = t->id, .pid = pid});
}

/* ---- tasks ---- */

static SshTask *task_new(SshJob *j) {
  SshTask *t = must(calloc(1, sizeof *t));
  t->job = *j;
  memset(j, 0, sizeof *j);
  t->answer = must(calloc(1, sizeof *t->answer));
  t->born_us = ssh_clock_us();
  t->deadline_us = t->born_us + t->job.timeout_ms * 1000;
  return t;
}

static void task_list(SshTask *t) {
  t->all = the->tasks;
  t->at = &the->tasks;
  if (t->all) t->all->at = &t->all;
  the->tasks = t;
}

static void task_free(SshTask *t) {
  if (t->at) *t->at = t->all;
  if (t->all) t->all->at = t->at;
  ssh_job_free(&t->job);
  if (t->answer) ssh_answer_free(t->answer);
  free(t->answer);
  free(t);
}

static void enqueue(SshTask *t) {
  SshHost *h = t->host;
  t->next = NULL;
  t->chan = NULL;
  if (h->last) h->last->next = t;
  else h->first = t;
  h->last = t;
  the->again = true;
}

static void dequeue(SshTask *t) {
  SshHost *h = t->host;
  SshTask *before = NULL, *x = h->first;
  while (x != t) before = x, x = x->next;
  if (before) before->next = t->next;
  else h->first = t->next;
  if (h->last == t) h->last = before;
}

static void connect_failed(SshHost *h, const SshAnswer *a);

static void copy_buf(Buf *to, const Buf *from) {
  if (!to->n && from->n) buf_add(to, from->p, from->n);
}

/* What a login has shown, for an answer about the host. */
static void copy_hello(SshAnswer *to, const SshAnswer *from) {
  copy_buf(&to->fingerprint, &from->fingerprint);
  copy_buf(&to->host_key, &from->host_key);
  copy_buf(&to->recorded, &from->recorded);
  copy_buf(&to->methods, &from->methods);
  copy_buf(&to->banner, &from->banner);
}

void ssh_task_end(SshTask *t) {
  SshChan *c = t->chan;
  if (c) {
    copy_hello(t->answer, c->s->hello);
    t->answer->connect_us = c->s->connect_us;
    c->task = NULL;
  }
  t->answer->duration_us = ssh_clock_us() - (c ? c->born_us : t->born_us);
  if (t->id) {
    tell((SshEvent){.kind = SSH_ENDED, .id = t->id, .answer = t->answer});
    t->answer = NULL;
  } else if (t->beyond) connect_failed(t->beyond, t->answer);
  task_free(t);
}

void ssh_task_again(SshTask *t) {
  if (t->chan) t->chan->task = NULL;
  t->tries++;
  enqueue(t);
}

/* Its time is over, or nobody wants it any more. */
static void task_stop(SshTask *t, enum SshErr err) {
  SshChan *c = t->chan;
  bool kill = !t->job.keep;
  const SshHop *h = &t->host->target.hops[t->host->target.nhops - 1];
  if (!c) dequeue(t);
  if (err == SSH_CANCELLED) ssh_fail(t->answer, err, "cancelled");
  else if (!c) ssh_fail(t->answer, err, "no connection to %.200s in %lld ms (:timeout)", h->host, (long long)t->job.timeout_ms);
  else if (t->answer->ended) ssh_fail(t->answer, err, "the file to download did not come in %lld ms (:timeout)", (long long)t->job.timeout_ms);
  else if (!t->answer->started) ssh_fail(t->answer, err, "%.200s did not begin the command in %lld ms (:timeout)", h->host, (long long)t->job.timeout_ms);
  else
    ssh_fail(t->answer, err,
             "the command has not ended in %lld ms (:timeout); %s. For long work start it in the background and wait for its callback", (long long)t->job.timeout_ms,
             kill ? "it was told to stop" : "it was left running");
  ssh_task_end(t);
  if (c) ssh_chan_abandon(c, kill);
}

/* ---- hosts ---- */

static void hash_text(HashStream *h, const char *s) {
  uint32_t n = s ? (uint32_t)strlen(s) : UINT32_MAX;
  hash_add(h, &n, sizeof n);
  if (s) hash_add(h, s, strlen(s));
}

static void target_key(const SshTarget *t, int nhops, char out[65]) {
  HashStream *h = hash_begin();
  for (int i = 0; i < nhops; i++) {
    const SshHop *p = &t->hops[i];
    const char *const texts[] = {p->host, p->user, p->password, p->key, p->passphrase, p->known};
    for (size_t k = 0; k < 6; k++) hash_text(h, texts[k]);
    hash_add(h, &p->port, sizeof p->port);
  }
  hash_add(h, &t->connect_ms, sizeof t->connect_ms);
  hash_add(h, &t->idle_ms, sizeof t->idle_ms);
  hash_add(h, &t->guard, sizeof t->guard);
  hash_end(h, out);
}

static SshTarget target_copy(const SshTarget *t, int nhops) {
  SshTarget c = {.nhops = nhops, .connect_ms = t->connect_ms, .idle_ms = t->idle_ms, .guard = t->guard};
  for (int i = 0; i < nhops; i++) {
    const SshHop *p = &t->hops[i];
    c.hops[i] = (SshHop){mem_raw_copy(p->host), mem_raw_copy(p->user), p->port, mem_raw_copy(p->password), mem_raw_copy(p->key), mem_raw_copy(p->passphrase), mem_raw_copy(p->known)};
  }
  return c;
}

static SshHost *host_of(const SshTarget *t, int nhops) {
  char key[65];
  target_key(t, nhops, key);
  for (SshHost *h = the->hosts; h; h = h->next)
    if (!strcmp(h->key, key)) return h;
  SshHost *h = must(calloc(1, sizeof *h));
  memcpy(h->key, key, sizeof key);
  h->target = target_copy(t, nhops);
  if (nhops > 1) {
    h->via = host_of(t, nhops - 1);
    h->via->users++;
  }
  h->next = the->hosts;
  the->hosts = h;
  return h;
}

static bool host_idle(const SshHost *h) { return !h->first && !h->sessions && !h->connecting && !h->users; }

static void hosts_sweep(void) {
  for (SshHost **at = &the->hosts; *at;) {
    SshHost *h = *at;
    if (!host_idle(h)) {
      at = &h->next;
      continue;
    }
    *at = h->next;
    if (h->via) h->via->users--, the->again = true;
    ssh_target_free(&h->target);
    free(h);
  }
}

/* ---- sessions ---- */

void ssh_watch(int fd, uint32_t events, uint32_t *watched, void *what) {
  struct epoll_event ev = {.events = events, .data.ptr = what};
  if (*watched == (events | 1u << 31)) return;
  if (epoll_ctl(the->poll_fd, EPOLL_CTL_MOD, fd, &ev) && errno == ENOENT) (void)epoll_ctl(the->poll_fd, EPOLL_CTL_ADD, fd, &ev);
  *watched = events | 1u << 31; /* 0 as a set of events is something else than not watched */
}

/* libssh2's recv. Whoever reads takes the packets of other channels off the socket, too: these must look again, because the socket will not
 * say so any more. */
static ssize_t counted_recv(libssh2_socket_t fd, void *p, size_t n, int flags, void **abstract) {
  ssize_t k = recv(fd, p, n, flags);
  if (k > 0) ((SshSession *)*abstract)->received += (uint64_t)k;
  return k < 0 ? -errno : k;
}

static void session_add(SshHost *h, SshConnect *c) {
  SshSession *s = must(calloc(1, sizeof *s));
  *s = (SshSession){.s = c->session, .fd = c->fd, .host = h, .most = SSH_CHANNELS, .idle_us = ssh_clock_us(), .next = h->sessions};
  s->hello = must(malloc(sizeof *s->hello));
  *s->hello = c->answer;
  s->connect_us = c->answer.duration_us;
  *SSH_CALL(libssh2_session_abstract)(s->s) = s;
  (void)SSH_CALL(libssh2_session_callback_set)(s->s, LIBSSH2_CALLBACK_RECV, (void *)(uintptr_t)counted_recv);
  memset(&c->answer, 0, sizeof c->answer);
  h->sessions = s;
  h->nsessions++;
  the->again = true;
}

/* A task of a session that is gone: it begins anew if it has not begun. */
static void task_lost(SshChan *c) {
  SshTask *t = c->task;
  ssh_chan_give_back(c);
  if (!t->answer->started && t->tries < TRIES) {
    ssh_task_again(t);
    return;
  }
  ssh_fail(t->answer, SSH_LOST, "the connection to %.200s was lost%s: %s", c->s->host->target.hops[c->s->host->target.nhops - 1].host,
           t->answer->started ? " while the command ran; what it has done is not known" : "", ssh_session_error(c->s->s));
  ssh_task_end(t);
}

static void session_end(SshSession *s, bool polite) {
  SshHost *h = s->host;
  SshSession **at = &h->sessions;
  while (*at != s) at = &(*at)->next;
  *at = s->next;
  h->nsessions--;
  for (SshChan *c = s->chans; c; c = c->next)
    if (c->task) task_lost(c);
  ssh_session_end(s->s, s->fd, polite); /* libssh2 frees its channels with it */
  while (s->chans) ssh_chan_free(s->chans);
  ssh_answer_free(s->hello);
  free(s->hello);
  free(s);
  the->again = true;
}

static bool chan_turn(SshChan *c, SshSession *s) {
  int i = 0;
  enum SshStep step = SSH_MORE;
  while (i++ < TURNS && (step = c->step(c)) == SSH_MORE && !s->stuck && !s->lost) continue;
  if (step == SSH_GONE) {
    ssh_chan_free(c);
    the->again = true; /* there is room for another */
    return true;
  }
  if (step == SSH_MORE && !s->stuck) s->again = true;
  return i > 1;
}

/* Each channel does what it can. */
static void session_turn(SshSession *s) {
  s->reads = s->again = false;
  if (s->stuck) {
    SshChan *c = s->stuck;
    s->stuck = NULL;
    chan_turn(c, s);
    s->again |= !s->stuck;
  } else {
    uint64_t before = s->received;
    for (SshChan *c = s->chans, *next; c && !s->stuck && !s->lost; c = next) {
      next = c->next;
      chan_turn(c, s);
    }
    s->again |= s->received != before;
  }
  if (s->again) the->again = true;
  if (!s->chans && !s->idle_us) s->idle_us = ssh_clock_us();
}

static void session_watch(SshSession *s) {
  uint32_t events = EPOLLRDHUP;
  int dir = SSH_CALL(libssh2_session_block_directions)(s->s);
  if (s->chans) events = s->reads ? EPOLLIN : 0;
  if (s->stuck) events = EPOLLOUT | (dir & LIBSSH2_SESSION_BLOCK_INBOUND ? EPOLLIN : 0);
  ssh_watch(s->fd, events, &s->watched, s);
}

/* ---- connecting ---- */

static void connect_done(SshConnect *c) { /* on a helper thread */
  SshClient *k = c->ctx;
  pthread_mutex_lock(&k->lock);
  c->next = k->connected;
  k->connected = c;
  ring(k->wake_fd);
  pthread_mutex_unlock(&k->lock);
}

/* The c->ctx of a try is the client; whose it is, is found by its hop. */
static SshHost *host_by_hop(const SshHop *hop) {
  for (SshHost *h = the->hosts; h; h = h->next)
    if (&h->target.hops[h->target.nhops - 1] == hop) return h;
  return NULL;
}

static void connect_failed(SshHost *h, const SshAnswer *a) {
  bool wait = a->passing && (h->nsessions || h->connecting > 1);
  h->connecting--;
  h->again_us = ssh_clock_us() + AGAIN_US;
  the->again = true;
  if (wait) return; /* what waits may still be served by the others */
  while (h->first) {
    SshTask *t = h->first;
    dequeue(t);
    ssh_fail(t->answer, a->err, "%s%s", h->via && a->hop < h->target.nhops - 1 ? "on the way through the jump host: " : "", a->msg);
    t->answer->passing = a->passing;
    t->answer->hop = a->hop;
    copy_hello(t->answer, a);
    ssh_task_end(t);
  }
}

static void connect_start(SshHost *h, int fd) {
  SshConnect *c = must(calloc(1, sizeof *c));
  int nth = h->target.nhops - 1;
  *c = (SshConnect){.hop = &h->target.hops[nth], .guard = h->target.guard, .nth = nth, .fd = fd, .done = connect_done, .ctx = the};
  c->answer.hop = nth;
  c->answer.duration_us = ssh_clock_us(); /* until it is done: when it began */
  c->deadline_us = c->answer.duration_us + h->target.connect_ms * 1000;
  if (ssh_connect_start(c)) return;
  ssh_fail(&c->answer, SSH_INTERNAL, "no thread can be started for a connection");
  if (fd >= 0) close(fd);
  connect_failed(h, &c->answer);
  free(c);
}

void ssh_beyond(SshTask *t, int fd) {
  connect_start(t->beyond, fd);
  task_free(t);
}

/* A way through the jump host is a task of that one. */
static void connect_through(SshHost *h) {
  SshJob j;
  ssh_job_init(&j);
  j.timeout_ms = h->target.connect_ms * h->target.nhops;
  SshTask *t = task_new(&j);
  t->beyond = h;
  t->host = h->via;
  task_list(t);
  enqueue(t);
}

void ssh_kill_later(SshHost *h, int64_t group) {
  SshJob j;
  Buf b = {0};
  ssh_job_init(&j);
  ssh_shell_kill(&b, group);
  j.command = buf_cstr(&b);
  j.keep = true;
  SshTask *t = task_new(&j);
  t->host = h;
  task_list(t);
  enqueue(t);
}

static void take_connected(SshConnect *c) {
  SshHost *h = host_by_hop(c->hop);
  c->answer.duration_us = ssh_clock_us() - c->answer.duration_us;
  if (c->session) {
    h->connecting--;
    session_add(h, c);
  } else connect_failed(h, &c->answer);
  ssh_answer_free(&c->answer);
  free(c);
}

/* ---- who works for whom ---- */

static SshSession *with_room(SshHost *h) {
  SshSession *best = NULL;
  for (SshSession *s = h->sessions; s; s = s->next)
    if (!s->lost && !s->last && s->nchans < s->most && (!best || s->nchans < best->nchans)) best = s;
  return best;
}

static int wanted(const SshHost *h) {
  int n = 0;
  for (const SshTask *t = h->first; t && n < CONNECTING * SSH_CHANNELS; t = t->next) n++;
  return (n + SSH_CHANNELS - 1) / SSH_CHANNELS;
}

static void host_tend(SshHost *h) {
  for (SshSession *s; h->first && (s = with_room(h));) {
    SshTask *t = h->first;
    dequeue(t);
    s->idle_us = 0;
    ssh_chan_new(s, t);
    s->again = true;
  }
  if (h->first && h->again_us > ssh_clock_us() && !h->connecting && !h->nsessions) h->again_us = 0;
  while (h->connecting < wanted(h) && h->connecting + h->nsessions < SESSIONS && ssh_clock_us() >= h->again_us) {
    h->connecting++;
    if (h->via) connect_through(h);
    else connect_start(h, -1);
  }
}

static void turn_all(void) {
  the->again = false;
  for (SshHost *h = the->hosts; h; h = h->next) host_tend(h);
  for (SshHost *h = the->hosts; h; h = h->next)
    for (SshSession *s = h->sessions, *next; s; s = next) {
      next = s->next;
      if (s->again) session_turn(s);
      if (s->lost) session_end(s, false);
      else session_watch(s);
    }
  hosts_sweep();
}

/* ---- time ---- */

static void sooner(int64_t *first, int64_t us) {
  if (us && us < *first) *first = us;
}

static int64_t session_due(const SshSession *s) {
  int64_t first = INT64_MAX;
  if (!s->chans) return s->idle_us + s->host->target.idle_ms * 1000;
  for (const SshChan *c = s->chans; c; c = c->next) sooner(&first, c->until_us);
  return first;
}

static int64_t next_due(void) {
  int64_t first = INT64_MAX;
  for (const SshTask *t = the->tasks; t; t = t->all) sooner(&first, t->deadline_us);
  for (const SshHost *h = the->hosts; h; h = h->next) {
    if (h->first) sooner(&first, h->again_us > ssh_clock_us() ? h->again_us : 0);
    for (const SshSession *s = h->sessions; s; s = s->next) sooner(&first, session_due(s));
  }
  return first;
}

/* A channel that does not get to its end takes its session with it, once nobody else needs that. */
static void session_overdue(SshSession *s, int64_t now) {
  bool needed = false;
  if (!s->chans) return session_end(s, true);
  for (SshChan *c = s->chans; c; c = c->next) {
    needed |= c->task != NULL;
    if (c->until_us && c->until_us <= now) c->until_us = now + 1000000, s->last = true;
  }
  if (!needed && s->last) session_end(s, false);
}

static void overdue(void) {
  int64_t now = ssh_clock_us();
  for (SshTask *t = the->tasks, *next; t; t = next) {
    next = t->all;
    if (t->deadline_us <= now) {
      task_stop(t, SSH_TIMEOUT);
      next = the->tasks; /* others may have gone with it */
    }
  }
  for (SshHost *h = the->hosts; h; h = h->next)
    for (SshSession *s = h->sessions, *next; s; s = next) {
      next = s->next;
      if (session_due(s) <= now) session_overdue(s, now);
    }
}

/* ---- the thread ---- */

static SshTask *task_by_id(uint64_t id) {
  SshTask *t = the->tasks;
  while (t && t->id != id) t = t->all;
  return t;
}

static void take_incoming(void) {
  pthread_mutex_lock(&the->lock);
  SshTask *in = the->incoming;
  SshConnect *done = the->connected;
  uint64_t *cancels = the->cancels;
  size_t n = the->ncancels;
  the->incoming = NULL;
  the->incoming_tail = &the->incoming;
  the->connected = NULL;
  the->cancels = NULL;
  the->ncancels = 0;
  pthread_mutex_unlock(&the->lock);
  for (SshTask *t = in, *next; t; t = next) {
    next = t->next;
    task_list(t);
    t->host = host_of(&t->job.target, t->job.target.nhops);
    enqueue(t);
  }
  for (SshConnect *next; done; done = next) {
    next = done->next;
    take_connected(done);
  }
  for (size_t i = 0; i < n; i++) {
    SshTask *t = task_by_id(cancels[i]);
    if (t) task_stop(t, SSH_CANCELLED);
  }
  free(cancels);
}

/* Is there a process group to end that has not been sent its end? */
static bool kills(void) {
  for (const SshTask *t = the->tasks; t; t = t->all)
    if (!t->id && !t->beyond && !t->chan) return true;
  for (const SshHost *h = the->hosts; h; h = h->next)
    for (const SshSession *s = h->sessions; s; s = s->next)
      for (const SshChan *k = s->chans; k; k = k->next)
        if (ssh_chan_kills(k)) return true;
  return false;
}

static void settle(void) {
  pthread_mutex_lock(&the->lock);
  if (the->unsettled && !the->ncancels && !kills()) {
    the->unsettled = false;
    pthread_cond_broadcast(&the->settled);
  }
  pthread_mutex_unlock(&the->lock);
}

static int wait_ms(void) {
  int64_t due = next_due(), now = ssh_clock_us();
  if (the->again || due <= now) return 0;
  return due - now > 60000000 ? 60000 : (int)((due - now + 999) / 1000);
}

static void ready(const struct epoll_event *ev) {
  uint64_t rings;
  SshSession *s = ev->data.ptr;
  if (!s) {
    while (read(the->wake_fd, &rings, sizeof rings) < 0 && errno == EINTR) continue;
    return;
  }
  s->again = true;
  if (!s->chans) s->lost = true; /* an idle one has nothing to say but that it is gone */
}

static bool stopped(void) {
  bool connecting = false;
  for (const SshHost *h = the->hosts; h; h = h->next) connecting |= h->connecting > 0; /* a helper thread will call us */
  pthread_mutex_lock(&the->lock);
  bool stop = the->stop;
  pthread_mutex_unlock(&the->lock);
  return stop && !connecting;
}

static void drop_all(void) {
  for (SshTask *t; (t = the->tasks);) task_stop(t, SSH_CANCELLED);
  for (SshHost *h = the->hosts; h; h = h->next)
    while (h->sessions) session_end(h->sessions, !h->sessions->chans);
  while (the->hosts) hosts_sweep(); /* a jump host goes after those that it leads to */
}

static void *run(void *arg) {
  struct epoll_event ev[64];
  the = arg;
  while (!stopped()) {
    int n = epoll_wait(the->poll_fd, ev, 64, wait_ms());
    for (int i = 0; i < n; i++) ready(&ev[i]);
    take_incoming();
    overdue();
    turn_all();
    settle();
  }
  drop_all();
  return NULL;
}

/* Signals are for the main thread. */
static int start_thread(SshClient *c) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int rc = pthread_create(&c->thread, NULL, run, c);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (!rc) pthread_setname_np(c->thread, "ssh");
  return rc;
}

SshClient *ssh_client_new(Err *e) {
  struct epoll_event ev = {.events = EPOLLIN};
  if (!ssh_lib_load(e)) return NULL;
  SshClient *c = must(calloc(1, sizeof *c));
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->settled, NULL);
  c->incoming_tail = &c->incoming;
  c->events_tail = &c->events;
  c->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  c->poll_fd = epoll_create1(EPOLL_CLOEXEC);
  int rc = c->fd < 0 || c->wake_fd < 0 || c->poll_fd < 0 || epoll_ctl(c->poll_fd, EPOLL_CTL_ADD, c->wake_fd, &ev) ? errno : start_thread(c);
  if (!rc) return c;
  err_set(e, "network", "the SSH client cannot start: %s", strerror(rc));
  int fds[] = {c->fd, c->wake_fd, c->poll_fd};
  for (size_t i = 0; i < 3; i++)
    if (fds[i] >= 0) close(fds[i]);
  free(c);
  return NULL;
}

void ssh_client_free(SshClient *c) {
  if (!c) return;
  pthread_mutex_lock(&c->lock);
  c->stop = true;
  ring(c->wake_fd);
  pthread_mutex_unlock(&c->lock);
  pthread_join(c->thread, NULL);
  for (SshEvent *v; (v = ssh_next(c));) ssh_event_free(v);
  int fds[] = {c->fd, c->wake_fd, c->poll_fd};
  for (size_t i = 0; i < 3; i++) close(fds[i]);
  pthread_mutex_destroy(&c->lock);
  pthread_cond_destroy(&c->settled);
  free(c);
}

int ssh_fd(const SshClient *c) { return c->fd; }

uint64_t ssh_send(SshClient *c, SshJob *j, Err *e) {
  if (j->target.nhops < 1 || (!j->command && !j->nputs && !j->get)) {
    ssh_job_free(j);
    return err_set(e, "validation", "an SSH job needs a target and something to do"), 0;
  }
  SshTask *t = task_new(j);
  pthread_mutex_lock(&c->lock);
  uint64_t id = t->id = ++c->last_id;
  *c->incoming_tail = t;
  c->incoming_tail = &t->next;
  ring(c->wake_fd);
  pthread_mutex_unlock(&c->lock);
  return id;
}

void ssh_cancel(SshClient *c, uint64_t id) {
  pthread_mutex_lock(&c->lock);
  c->cancels = must(realloc(c->cancels, (c->ncancels + 1) * sizeof *c->cancels));
  c->cancels[c->ncancels++] = id;
  c->unsettled = true;
  ring(c->wake_fd);
  pthread_mutex_unlock(&c->lock);
}

SshEvent *ssh_next(SshClient *c) {
  uint64_t count;
  pthread_mutex_lock(&c->lock);
  SshEvent *v = c->events;
  if (v) c->events = v->next;
  if (!c->events) {
    c->events_tail = &c->events;
    while (read(c->fd, &count, sizeof count) < 0 && errno == EINTR) continue;
  }
  pthread_mutex_unlock(&c->lock);
  if (v) v->next = NULL;
  return v;
}

void ssh_settle(SshClient *c, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until); /* that of the condition variable */
  until.tv_nsec += ms % 1000 * 1000000;
  until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&c->lock);
  while (c->unsettled)
    if (pthread_cond_timedwait(&c->settled, &c->lock, &until)) break;
  pthread_mutex_unlock(&c->lock);
}
