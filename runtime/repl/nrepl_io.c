#include "nrepl_io.h"
#include "reader/mem.h"
#include "runtime/base/sock.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_PAUSE_MS 200
#define TEXT_AHEAD 65536   /* text becomes a message only when less than this is queued in front of it, and */
#define TEXT_PAUSE_US 5000 /* that long after the one before, or when there is */
#define TEXT_FULL 32768    /* that much of it */

/* `lock` guards what other threads touch: all but what is marked as the thread's own. */
struct NreplConn {
  NreplIo *io;
  int fd;             /* own; -1 once gone */
  BenReader in;       /* own */
  int64_t close_at;   /* own; monotonic us: when lingering ends */
  void *user;         /* own */
  atomic_int refs;
  pthread_mutex_t lock;
  pthread_cond_t room;
  Buf out;
  size_t sent;        /* bytes of out that are on their way */
  const char *key;    /* of the text below */
  char *session, *id;
  Buf text;           /* the last message, still growing */
  int64_t text_at;    /* monotonic us: not sent before then, unless something follows it */
  int held;
  bool gone;
  bool closing;       /* malformed input: flush, then close */
};

struct NreplIo {
  int listener, wake, port;
  char host[64];
  NreplIoCalls calls;
  pthread_t thread;
  atomic_bool woken, stopping;
  NreplConn *conns[NREPL_IO_CONNECTIONS]; /* own */
  int nconns;
  int64_t accept_at; /* own; monotonic us: no descriptors were left, so not before then */
};

/* --- queues ---------------------------------------------------------------------------------------------------------------- */
static void wake(NreplIo *io) {
  uint64_t one = 1;
  if (atomic_exchange(&io->woken, true)) return;
  while (write(io->wake, &one, sizeof one) < 0 && errno == EINTR) continue;
}

static size_t backlog(const NreplConn *c) { return c->out.n - c->sent + c->text.n; }

static void text_drop(NreplConn *c) {
  free(c->session);
  free(c->id);
  buf_free(&c->text);
  c->key = c->session = c->id = NULL;
}

/* The growing text becomes a message. */
static void text_flush(NreplConn *c) {
  if (!c->key) return;
  BenWriter w = {0};
  ben_w_dict(&w);
  if (c->id) ben_w_key(&w, "id"), buf_c(&w.b, c->id);
  ben_w_pair(&w, "session", c->session);
  ben_w_key(&w, c->key);
  ben_w_str(&w, c->text.p, c->text.n);
  ben_w_end_dict(&w);
  buf_add(&c->out, w.b.p, w.b.n);
  ben_w_free(&w);
  text_drop(c);
}

static bool text_due(const NreplConn *c) {
  return c->key && (c->text.n >= TEXT_FULL || atomic_load(&c->io->stopping) || mono_us() >= c->text_at);
}

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static void text_add(NreplConn *c, const char *key, const char *session, const char *id, const char *s, size_t n) {
  if (!c->key || c->key != key || !same_text(c->session, session) || !same_text(c->id, id)) {
    text_flush(c);
    c->key = key;
    c->session = mem_raw_copy(session);
    c->id = mem_raw_copy(id);
  }
  buf_add(&c->text, s, n);
}

bool nrepl_io_send(NreplConn *c, BenWriter *w) {
  pthread_mutex_lock(&c->lock);
  bool there = !c->gone;
  if (there) {
    text_flush(c);
    buf_add(&c->out, w->b.p, w->b.n);
    wake(c->io);
  }
  pthread_mutex_unlock(&c->lock);
  ben_w_free(w);
  return there;
}

static void wait_for_room(NreplConn *c, bool (*stop)(void *ctx), void *ctx) {
  while (!c->gone && backlog(c) >= NREPL_IO_BACKLOG && !stop(ctx)) pthread_cond_wait(&c->room, &c->lock);
}

bool nrepl_io_text(NreplConn *c, const char *key, const char *session, const char *id, const char *s, size_t n, bool (*stop)(void *ctx),
                   void *ctx) {
  pthread_mutex_lock(&c->lock);
  wait_for_room(c, stop, ctx);
  bool taken = !c->gone && backlog(c) < NREPL_IO_BACKLOG;
  if (taken && n) {
    bool first = !c->key;
    text_add(c, key, session, id, s, n);
    if (first || c->text.n >= TEXT_FULL) wake(c->io);
  }
  pthread_mutex_unlock(&c->lock);
  return taken;
}

bool nrepl_io_gone(NreplConn *c) {
  pthread_mutex_lock(&c->lock);
  bool gone = c->gone;
  pthread_mutex_unlock(&c->lock);
  return gone;
}

bool nrepl_io_behind(NreplConn *c) {
  pthread_mutex_lock(&c->lock);
  bool behind = !c->gone && backlog(c) >= NREPL_IO_BACKLOG;
  pthread_mutex_unlock(&c->lock);
  return behind;
}

void nrepl_io_wait(NreplConn *c, bool (*stop)(void *ctx), void *ctx) {
  pthread_mutex_lock(&c->lock);
  wait_for_room(c, stop, ctx);
  pthread_mutex_unlock(&c->lock);
}

void nrepl_io_nudge(NreplConn *c) {
  pthread_mutex_lock(&c->lock);
  pthread_cond_broadcast(&c->room);
  pthread_mutex_unlock(&c->lock);
}

void nrepl_io_hold(NreplConn *c) {
  pthread_mutex_lock(&c->lock);
  c->held++;
  pthread_mutex_unlock(&c->lock);
}

void nrepl_io_unhold(NreplConn *c) {
  pthread_mutex_lock(&c->lock);
  if (c->held-- == NREPL_IO_HELD && !c->gone) wake(c->io);
  pthread_mutex_unlock(&c->lock);
}

void **nrepl_io_user(NreplConn *c) { return &c->user; }
void nrepl_io_retain(NreplConn *c) { atomic_fetch_add(&c->refs, 1); }

void nrepl_io_release(NreplConn *c) {
  if (atomic_fetch_sub(&c->refs, 1) > 1) return;
  pthread_mutex_destroy(&c->lock);
  pthread_cond_destroy(&c->room);
  ben_reader_free(&c->in);
  buf_free(&c->out);
  text_drop(c);
  free(c);
}

/* --- the polling thread ---------------------------------------------------------------------------------------------------- */
static NreplConn *conn_new(NreplIo *io, int fd) {
  NreplConn *c = mem_raw(sizeof *c);
  int one = 1;
  *c = (NreplConn){.io = io, .fd = fd, .refs = 1};
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->room, NULL);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return c;
}

static void conn_gone(NreplIo *io, int i) {
  NreplConn *c = io->conns[i];
  pthread_mutex_lock(&c->lock);
  c->gone = true;
  text_drop(c);
  buf_free(&c->out);
  c->sent = 0;
  pthread_cond_broadcast(&c->room);
  pthread_mutex_unlock(&c->lock);
  close(c->fd);
  c->fd = -1;
  io->conns[i] = io->conns[--io->nconns];
  io->calls.gone(io->calls.ctx, c);
  nrepl_io_release(c);
}

static void accept_all(NreplIo *io) {
  while (io->nconns < NREPL_IO_CONNECTIONS) {
    int fd = accept4(io->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) io->accept_at = mono_us() + ACCEPT_PAUSE_MS * 1000;
      return;
    }
    io->conns[io->nconns++] = conn_new(io, fd);
  }
}

/* Malformed input: say what is wrong, and close when that is written. Until the client has closed too its bytes are thrown away:
 * closing with unread bytes would reset the connection, and the message with it. */
static void refuse(NreplConn *c) {
  BenWriter w = {0};
  Buf text = {0};
  buf_fmt(&text, "malformed bencode: %s; the connection is closed\n", c->in.error);
  ben_w_dict(&w);
  ben_w_pair(&w, "err", buf_cstr(&text));
  ben_w_key(&w, "status");
  ben_w_list(&w);
  ben_w_c(&w, "error");
  ben_w_c(&w, "malformed-message");
  ben_w_c(&w, "done");
  ben_w_end(&w);
  ben_w_end_dict(&w);
  buf_free(&text);
  nrepl_io_send(c, &w);
  ben_reader_free(&c->in);
  c->close_at = mono_us() + NREPL_IO_FLUSH_MS * 1000;
  pthread_mutex_lock(&c->lock);
  c->closing = true;
  pthread_mutex_unlock(&c->lock);
}

static void take_bytes(NreplIo *io, NreplConn *c, const char *p, size_t n) {
  while (n) {
    size_t used;
    enum BenStatus s = ben_feed(&c->in, p, n, &used);
    if (s == BEN_BAD) {
      refuse(c);
      return;
    }
    p += used;
    n -= used;
    if (s != BEN_DONE) continue;
    BenMsg m = ben_take(&c->in);
    io->calls.message(io->calls.ctx, c, &m);
  }
}

/* One piece of what has come; false: the client is gone. */
static bool conn_read(NreplIo *io, NreplConn *c) {
  char chunk[65536];
  ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
  if (n == 0) return false;
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (!c->close_at) take_bytes(io, c, chunk, (size_t)n);
  return true;
}

static bool conn_write(NreplConn *c) {
  pthread_mutex_lock(&c->lock);
  bool was_behind = backlog(c) >= NREPL_IO_BACKLOG, ok = true;
  if (c->out.n - c->sent < TEXT_AHEAD && text_due(c)) {
    text_flush(c);
    c->text_at = mono_us() + TEXT_PAUSE_US;
  }
  if (c->out.n > c->sent) {
    ssize_t n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_NOSIGNAL);
    if (n > 0) c->sent += (size_t)n;
    else ok = n < 0 && (errno == EAGAIN || errno == EINTR);
  }
  if (c->sent == c->out.n) {
    buf_free(&c->out);
    c->sent = 0;
    if (c->closing) ok = ok && !shutdown(c->fd, SHUT_WR);
    c->closing = false;
  } else if (c->sent > NREPL_IO_BACKLOG) {
    memmove(c->out.p, c->out.p + c->sent, c->out.n - c->sent);
    c->out.n -= c->sent;
    c->sent = 0;
  }
  if (was_behind && backlog(c) < NREPL_IO_BACKLOG) pthread_cond_broadcast(&c->room);
  pthread_mutex_unlock(&c->lock);
  return ok;
}

/* What to poll for; *at becomes the time when there is something to do that no descriptor tells, if that is earlier. */
static short wanted(NreplConn *c, int64_t *at) {
  short events = POLLRDHUP;
  pthread_mutex_lock(&c->lock);
  if (c->close_at || (backlog(c) < NREPL_IO_BACKLOG && c->held < NREPL_IO_HELD)) events |= POLLIN;
  if (c->out.n > c->sent || c->closing || text_due(c)) events |= POLLOUT;
  else if (c->key && c->text_at < *at) *at = c->text_at;
  pthread_mutex_unlock(&c->lock);
  if (c->close_at && c->close_at < *at) *at = c->close_at;
  return events;
}

/* For poll: -1, or the ms until then. */
static int timeout_until(int64_t at) {
  if (at == INT64_MAX) return -1;
  int64_t left = (at - mono_us() + 999) / 1000;
  return left > 0 ? (int)left : 0;
}

/* A client that closed is noticed at once, except when it is not read from: then by POLLRDHUP. */
static bool conn_serve(NreplIo *io, NreplConn *c, const struct pollfd *p) {
  if (p->revents & (POLLERR | POLLNVAL) || (p->revents & POLLRDHUP && !(p->events & POLLIN))) return false;
  if (p->revents & POLLOUT && !conn_write(c)) return false;
  if (p->revents & (POLLIN | POLLHUP) && !conn_read(io, c)) return false;
  return !c->close_at || mono_us() < c->close_at;
}

static void serve_ready(NreplIo *io, const struct pollfd *p, int n) {
  for (int i = n - 1; i >= 0; i--) { /* downwards: conn_gone moves the last one here */
    if (!conn_serve(io, io->conns[i], &p[i])) conn_gone(io, i);
  }
}

static void drain_wake(NreplIo *io) {
  uint64_t count;
  while (read(io->wake, &count, sizeof count) < 0 && errno == EINTR) continue;
  atomic_store(&io->woken, false);
}

static void poll_once(NreplIo *io) {
  struct pollfd p[NREPL_IO_CONNECTIONS + 2];
  int n = io->nconns;
  int64_t at = INT64_MAX;
  p[0] = (struct pollfd){.fd = io->wake, .events = POLLIN};
  if (io->accept_at && mono_us() >= io->accept_at) io->accept_at = 0;
  p[1] = (struct pollfd){.fd = n < NREPL_IO_CONNECTIONS && !io->accept_at ? io->listener : -1, .events = POLLIN};
  for (int i = 0; i < n; i++) p[i + 2] = (struct pollfd){.fd = io->conns[i]->fd, .events = wanted(io->conns[i], &at)};
  if (io->accept_at && io->accept_at < at) at = io->accept_at;
  if (poll(p, (nfds_t)n + 2, timeout_until(at)) < 0) return; /* EINTR */
  if (p[0].revents) drain_wake(io);
  serve_ready(io, p + 2, n);
  if (p[1].revents) accept_all(io);
}

static bool unsent(NreplIo *io) {
  bool any = false;
  int64_t at = INT64_MAX;
  for (int i = 0; i < io->nconns; i++) any |= (wanted(io->conns[i], &at) & POLLOUT) != 0;
  return any;
}

/* The last answers, to clients who read them. */
static void flush_all(NreplIo *io) {
  int64_t until = mono_us() + NREPL_IO_FLUSH_MS * 1000, at = INT64_MAX;
  struct pollfd p[NREPL_IO_CONNECTIONS];
  while (unsent(io) && mono_us() < until) {
    for (int i = 0; i < io->nconns; i++) p[i] = (struct pollfd){.fd = io->conns[i]->fd, .events = wanted(io->conns[i], &at) & POLLOUT};
    if (poll(p, (nfds_t)io->nconns, (int)((until - mono_us()) / 1000) + 1) >= 0) serve_ready(io, p, io->nconns);
  }
}

static void *io_main(void *arg) {
  NreplIo *io = arg;
  while (!atomic_load(&io->stopping)) poll_once(io);
  close(io->listener);
  flush_all(io);
  while (io->nconns) conn_gone(io, io->nconns - 1);
  return NULL;
}

/* --- start and stop -------------------------------------------------------------------------------------------------------- */
static bool start_thread(NreplIo *io, Err *e) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the main thread */
  int rc = pthread_create(&io->thread, NULL, io_main, io);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return !rc || err_set(e, "listen", "cannot start a thread: %s", strerror(rc));
}

NreplIo *nrepl_io_start(const char *host_port, const NreplIoCalls *calls, Err *e) {
  int listener = sock_listen(host_port, e);
  if (listener < 0) return NULL;
  NreplIo *io = mem_raw(sizeof *io);
  *io = (NreplIo){.listener = listener, .port = sock_port(listener), .calls = *calls};
  sock_host(listener, io->host);
  io->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (io->wake >= 0 ? start_thread(io, e) : err_set(e, "listen", "cannot make an event descriptor: %s", strerror(errno))) return io;
  close(listener);
  if (io->wake >= 0) close(io->wake);
  free(io);
  return NULL;
}

int nrepl_io_port(const NreplIo *io) { return io->port; }
const char *nrepl_io_host(const NreplIo *io) { return io->host; }

void nrepl_io_stop(NreplIo *io) {
  atomic_store(&io->stopping, true);
  wake(io);
  pthread_join(io->thread, NULL);
  close(io->wake);
  free(io);
}
