/* ssh_chan.c - what a channel does next (ssh_int.h): a command, a kill, a way through a jump host; files are ssh_file.c's. On the I/O
 * thread, with nothing that blocks. */
#include "ssh_int.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum Phase { OPEN, TERMINAL, EXEC, RUN, ENDING, CLOSING, RELEASE };
enum Op { NOTHING, WRITE, READ, READ_ERRS, SEND_EOF };
enum { ABANDON_US = 8000000, READS = 16, FORWARD_BYTES = 256 << 10 };

static const SshHop *hop_of(const SshSession *s) { return &s->host->target.hops[s->host->target.nhops - 1]; }

/* ---- libssh2's ways of failing ---- */

bool ssh_chan_blocked(SshChan *c, long rc) {
  if (rc != LIBSSH2_ERROR_EAGAIN) return false;
  int dir = SSH_CALL(libssh2_session_block_directions)(c->s->s);
  if (dir & LIBSSH2_SESSION_BLOCK_OUTBOUND) c->s->stuck = c;
  if (dir & LIBSSH2_SESSION_BLOCK_INBOUND || !dir) c->s->reads = true;
  return true;
}

/* Is the session at an end, not only this channel? */
bool ssh_chan_lost(SshChan *c, long rc) {
  switch (rc) {
  case LIBSSH2_ERROR_CHANNEL_FAILURE: case LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED: case LIBSSH2_ERROR_CHANNEL_CLOSED:
  case LIBSSH2_ERROR_CHANNEL_EOF_SENT: case LIBSSH2_ERROR_SFTP_PROTOCOL: case LIBSSH2_ERROR_FILE:
    return false;
  default:
    return c->s->lost = true;
  }
}

enum SshStep ssh_chan_fail(SshChan *c, enum SshErr err, const char *what) {
  SshTask *t = c->task;
  if (t) ssh_fail(t->answer, err, "%s: %s", what, ssh_session_error(c->s->s));
  if (t) ssh_task_end(t);
  c->phase = CLOSING;
  c->until_us = ssh_clock_us() + ABANDON_US;
  return SSH_MORE;
}

bool ssh_chan_turn(SshChan *c) { /* to open a channel */
  if (c->s->opening && c->s->opening != c) return false;
  c->s->opening = c;
  return true;
}

/* ---- opening ---- */

/* The server lets nobody have so many channels: the others of this session are what it allows. */
static enum SshStep open_refused(SshChan *c) {
  SshSession *s = c->s;
  SshTask *t = c->task;
  if (s->nchans > 1 && t) {
    s->most = s->nchans - 1;
    t->tries--;
    ssh_chan_give_back(c);
    ssh_task_again(t);
    return SSH_GONE;
  }
  if (c->killer) ssh_kill_later(s->host, c->group);
  ssh_chan_fail(c, SSH_REFUSED, "the server opens no channel for a command");
  return SSH_GONE;
}

static enum SshStep step_open(SshChan *c) {
  SshSession *s = c->s;
  if (!ssh_chan_turn(c)) return SSH_WAIT;
  c->ch = SSH_CALL(libssh2_channel_open_ex)(s->s, "session", 7, LIBSSH2_CHANNEL_WINDOW_DEFAULT, LIBSSH2_CHANNEL_PACKET_DEFAULT, NULL, 0);
  int rc = c->ch ? 0 : SSH_CALL(libssh2_session_last_errno)(s->s);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  s->opening = NULL;
  if (c->ch) {
    c->phase = c->quit ? CLOSING : c->task && c->task->job.pty ? TERMINAL : EXEC;
    return SSH_MORE;
  }
  return ssh_chan_lost(c, rc) ? SSH_WAIT : open_refused(c);
}

static enum SshStep step_terminal(SshChan *c) {
  int rc = SSH_CALL(libssh2_channel_request_pty_ex)(c->ch, "xterm", 5, NULL, 0, 80, 24, 0, 0);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  c->phase = c->quit ? CLOSING : EXEC;
  if (!rc) return SSH_MORE;
  return ssh_chan_lost(c, rc) ? SSH_WAIT : ssh_chan_fail(c, SSH_REFUSED, "the server gives no terminal (:pty?)");
}

static enum SshStep step_exec(SshChan *c) {
  int rc = SSH_CALL(libssh2_channel_process_startup)(c->ch, "exec", 4, c->exec, (unsigned)strlen(c->exec));
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  c->phase = c->quit ? CLOSING : RUN;
  if (!rc) return SSH_MORE;
  return ssh_chan_lost(c, rc) ? SSH_WAIT : ssh_chan_fail(c, SSH_REFUSED, "the server does not run commands for this user");
}

/* ---- output ---- */

static bool keep(SshChan *c, bool errs, const char *p, size_t n) {
  SshTask *t = c->task;
  SshAnswer *a = t->answer;
  if (!n) return true;
  if (!errs) a->nout += n;
  if (t->job.tell) return ssh_told(t, errs, p, n), true;
  if (!errs && t->job.sink && !t->job.get) return t->job.sink(t->job.ctx, p, n) || ssh_fail(a, SSH_ABORTED, "the output cannot be kept");
  buf_add(errs ? &a->errs : &a->out, p, n);
  return a->out.n + a->errs.n <= t->job.max_output ||
         ssh_fail(a, SSH_OVERSIZE, "the command wrote more than %zu bytes (:max-output-bytes); :persist {:type :blob} keeps large output", t->job.max_output);
}

static bool take(SshChan *c, bool errs, const char *p, size_t n) {
  Buf text = {0};
  bool was = c->marks.started, marked = errs || c->task->job.pty;
  if (!marked) return keep(c, errs, p, n);
  ssh_marks_feed(&c->marks, p, n, &text);
  if (c->marks.started && !was) {
    c->task->answer->pid = c->marks.pid;
    ssh_started(c->task, c->marks.pid);
  }
  bool ok = keep(c, errs, text.p, text.n);
  buf_free(&text);
  return ok;
}

/* false: no more of it now. */
static bool read_piece(SshChan *c, enum Op op) {
  char *piece = ssh_scratch();
  ssize_t n = SSH_CALL(libssh2_channel_read_ex)(c->ch, op == READ ? 0 : SSH_EXTENDED_DATA_STDERR, piece, SSH_PIECE);
  if (ssh_chan_blocked(c, n)) return c->op = c->s->stuck == c ? (int)op : NOTHING, false;
  c->op = NOTHING;
  if (n < 0) (void)ssh_chan_lost(c, n);
  if (!n && !SSH_CALL(libssh2_channel_eof)(c->ch)) c->s->reads = true;
  if (n > 0 && c->task && !take(c, op != READ, piece, (size_t)n)) {
    ssh_task_end(c->task);
    ssh_chan_abandon(c, true);
  }
  return n > 0;
}

static bool read_stream(SshChan *c, enum Op op) {
  int i = 0;
  while (i < READS && read_piece(c, op)) i++;
  return i > 0;
}

/* ---- input ---- */

/* What is to be sent next; of a terminal each part waits for the other side to be ready. */
static const char *input_of(SshChan *c, size_t *n) {
  bool pty = c->task && c->task->job.pty, wait = !c->task && !c->killer && !c->op;
  *n = 0;
  if (c->sent < c->boot.n) {
    if (wait || (pty && !c->marks.started)) return NULL;
    *n = c->boot.n - c->sent;
    return c->boot.p + c->sent;
  }
  size_t at = c->sent - c->boot.n;
  if (wait || at >= c->ninput || (pty && !c->marks.go)) return NULL;
  *n = c->ninput - at;
  return c->input + at;
}

static bool input_over(const SshChan *c) { return c->sent >= c->boot.n + c->ninput || (!c->task && !c->killer); }

/* false: no more of it now. */
static bool write_piece(SshChan *c) {
  size_t n;
  const char *p = input_of(c, &n);
  if (!p) return false;
  if (c->task) c->task->answer->started = true;
  ssize_t k = SSH_CALL(libssh2_channel_write_ex)(c->ch, 0, p, n > 32000 ? 32000 : n);
  if (ssh_chan_blocked(c, k)) return c->op = c->s->stuck == c ? WRITE : NOTHING, false;
  c->op = NOTHING;
  if (k > 0) c->sent += (size_t)k;
  if (k < 0 && !ssh_chan_lost(c, k)) c->sent = c->boot.n + c->ninput; /* the other side takes no more */
  return k > 0;
}

static bool send_eof(SshChan *c) {
  if (c->eof_sent || !input_over(c)) return false;
  int rc = SSH_CALL(libssh2_channel_send_eof)(c->ch);
  if (ssh_chan_blocked(c, rc)) return c->op = c->s->stuck == c ? SEND_EOF : NOTHING, false;
  c->op = NOTHING;
  return c->eof_sent = true;
}

/* ---- a command that runs ---- */

static bool run_op(SshChan *c, enum Op op) {
  switch (op) {
  case WRITE: return write_piece(c);
  case READ: case READ_ERRS: return read_stream(c, op);
  case SEND_EOF: return send_eof(c);
  case NOTHING: break;
  }
  return false;
}

/* Can the next call be made? */
static bool free_to(const SshChan *c) { return !c->s->stuck && !c->s->lost && c->phase == RUN; }

static enum SshStep step_run(SshChan *c) {
  static const enum Op ops[] = {WRITE, SEND_EOF, READ, READ_ERRS};
  bool any = c->op && run_op(c, (enum Op)c->op);
  for (size_t i = 0; i < 4 && free_to(c); i++) any |= run_op(c, ops[i]);
  if (!free_to(c)) return SSH_WAIT;
  if (c->quit || SSH_CALL(libssh2_channel_eof)(c->ch)) {
    c->phase = c->quit ? CLOSING : ENDING;
    return SSH_MORE;
  }
  return any ? SSH_MORE : SSH_WAIT;
}

static void exit_of(SshChan *c, SshAnswer *a) {
  char *name = NULL;
  size_t n = 0;
  const char *by_status;
  a->ended = true;
  a->exit = c->marks.ended ? c->marks.status : SSH_CALL(libssh2_channel_get_exit_status)(c->ch);
  SSH_CALL(libssh2_channel_get_exit_signal)(c->ch, &name, &n, NULL, NULL, NULL, NULL);
  if (name && n) {
    snprintf(a->signal, sizeof a->signal, "%.*s", (int)n, name);
    for (int s = 1; s < 32 && !c->marks.ended; s++)
      if (ssh_signal_name(128 + s) && !strcmp(ssh_signal_name(128 + s), a->signal)) a->exit = 128 + s;
  } else if ((by_status = ssh_signal_name(a->exit))) snprintf(a->signal, sizeof a->signal, "%s", by_status);
  if (name) SSH_CALL(libssh2_free)(c->s->s, name);
  if (c->marks.no_folder) ssh_fail(a, SSH_NO_FOLDER, "the folder %.300s is not there on %.200s, or may not be entered", c->task->job.workdir, hop_of(c->s)->host);
  else if (!c->marks.ended && !a->exit && !*a->signal)
    ssh_fail(a, SSH_LOST, "%.200s closed the channel without saying how the command ended%s", hop_of(c->s)->host,
             c->marks.started ? "" : "; the server seems to run something else than it is asked to (a forced command)");
}

static void ended(SshChan *c) {
  SshTask *t = c->task;
  Buf rest = {0};
  ssh_marks_end(&c->marks, &rest);
  (void)keep(c, !t->job.pty, rest.p, rest.n);
  buf_free(&rest);
  exit_of(c, t->answer);
}

static bool fetches(const SshTask *t) {
  unsigned code = (unsigned)t->answer->exit & 255;
  return t->job.get && !t->answer->err && t->job.ok_exits[code / 64] >> code % 64 & 1;
}

/* The other side has said all; it still closes the channel, and says before that how the command ended. */
static enum SshStep step_ending(SshChan *c) {
  if (c->quit) return c->phase = CLOSING, SSH_MORE;
  int rc = SSH_CALL(libssh2_channel_wait_closed)(c->ch);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  if (rc && ssh_chan_lost(c, rc)) return SSH_WAIT;
  if (c->task) ended(c);
  if (c->task && !fetches(c->task)) ssh_task_end(c->task);
  if (!c->task) c->until_us = ssh_clock_us() + ABANDON_US;
  c->phase = CLOSING;
  return SSH_MORE;
}

static enum SshStep step_closing(SshChan *c) {
  int rc = c->ch ? SSH_CALL(libssh2_channel_close)(c->ch) : 0;
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  c->phase = RELEASE;
  return SSH_MORE;
}

static enum SshStep step_release(SshChan *c) {
  int rc = c->ch ? SSH_CALL(libssh2_channel_free)(c->ch) : 0;
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  c->ch = NULL;
  if (!c->task) return SSH_GONE;
  c->step = ssh_file_step;
  c->phase = 0;
  return SSH_MORE;
}

static enum SshStep step_command(SshChan *c) {
  switch ((enum Phase)c->phase) {
  case OPEN: return step_open(c);
  case TERMINAL: return step_terminal(c);
  case EXEC: return step_exec(c);
  case RUN: return step_run(c);
  case ENDING: return step_ending(c);
  case CLOSING: return step_closing(c);
  case RELEASE: break;
  }
  return step_release(c);
}

/* ---- a way through a jump host ---- */

static enum SshStep forward_open(SshChan *c) {
  SshSession *s = c->s;
  int ends[2];
  if (!ssh_chan_turn(c)) return SSH_WAIT;
  const SshHop *to = c->task ? &c->task->beyond->target.hops[c->task->beyond->target.nhops - 1] : hop_of(s);
  c->ch = SSH_CALL(libssh2_channel_direct_tcpip_ex)(s->s, to->host, to->port, "127.0.0.1", 22);
  int rc = c->ch ? 0 : SSH_CALL(libssh2_session_last_errno)(s->s);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  s->opening = NULL;
  if (!c->ch && ssh_chan_lost(c, rc)) return SSH_WAIT;
  if (!c->ch) {
    if (s->nchans > 1) return open_refused(c);
    if (c->task) ssh_fail(c->task->answer, SSH_UNREACHABLE, "the jump host %.200s does not lead to %.200s:%d: %s", hop_of(s)->host, to->host, to->port, ssh_session_error(s->s));
    if (c->task) ssh_task_end(c->task);
    return SSH_GONE;
  }
  c->phase = RUN;
  if (!c->task) return c->phase = CLOSING, SSH_MORE;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends)) return ssh_chan_fail(c, SSH_INTERNAL, strerror(errno));
  c->fd = ends[0];
  ssh_beyond(c->task, ends[1]);
  c->task = NULL;
  return SSH_MORE;
}

static void drop(Buf *b, size_t n) {
  memmove(b->p, b->p + n, b->n - n);
  b->n -= n;
}

static bool forward_read(SshChan *c) { /* from the channel */
  char *piece = ssh_scratch();
  if (c->down.n >= FORWARD_BYTES || c->out_eof) return false;
  ssize_t n = SSH_CALL(libssh2_channel_read_ex)(c->ch, 0, piece, SSH_PIECE);
  if (ssh_chan_blocked(c, n)) return c->op = c->s->stuck == c ? READ : NOTHING, false;
  c->op = NOTHING;
  if (n > 0) buf_add(&c->down, piece, (size_t)n);
  else if (n < 0) (void)ssh_chan_lost(c, n);
  else c->out_eof = SSH_CALL(libssh2_channel_eof)(c->ch), c->s->reads |= !c->out_eof;
  return n > 0;
}

static bool forward_write(SshChan *c) { /* into it: the same bytes at the same place until libssh2 has taken them */
  if (!c->up.n) return false;
  ssize_t k = SSH_CALL(libssh2_channel_write_ex)(c->ch, 0, c->up.p + c->sent, c->up.n - c->sent);
  if (ssh_chan_blocked(c, k)) return c->op = c->s->stuck == c ? WRITE : NOTHING, false;
  c->op = NOTHING;
  if (k < 0) return ssh_chan_lost(c, k) ? false : (c->quit = true);
  c->sent += (size_t)k;
  if (c->sent == c->up.n) c->up.n = c->sent = 0;
  return k > 0;
}

static bool passed(ssize_t n) { return n >= 0 || (errno != EAGAIN && errno != EINTR); }

static bool forward_local(SshChan *c) { /* both ways at our end */
  char *piece = ssh_scratch();
  ssize_t n = c->up.n ? -1 : recv(c->fd, piece, SSH_PIECE / 2, 0);
  bool any = !c->up.n && n > 0;
  if (!c->up.n && n <= 0 && passed(n)) return c->quit = true;
  if (any) buf_add(&c->up, piece, (size_t)n), c->sent = 0;
  while (c->down.n && (n = send(c->fd, c->down.p, c->down.n, MSG_NOSIGNAL)) > 0) drop(&c->down, (size_t)n), any = true;
  if (c->down.n && n < 0 && passed(n)) c->quit = true;
  if (c->out_eof && !c->down.n) c->quit = true;
  return any || c->quit;
}

static enum SshStep forward_run(SshChan *c) {
  bool any = c->op == WRITE ? forward_write(c) : c->op == READ ? forward_read(c) : false;
  any |= forward_local(c);
  if (free_to(c)) any |= forward_write(c);
  if (free_to(c)) any |= forward_read(c);
  if (any && free_to(c)) any |= forward_local(c);
  ssh_watch(c->fd, (uint32_t)((c->up.n ? 0 : EPOLLIN) | (c->down.n ? EPOLLOUT : 0)), &c->watched, c->s);
  if (!free_to(c)) return SSH_WAIT;
  if (c->quit) c->phase = CLOSING, c->until_us = ssh_clock_us() + ABANDON_US;
  return any ? SSH_MORE : SSH_WAIT;
}

static enum SshStep step_forward(SshChan *c) {
  if (c->phase == OPEN) return forward_open(c);
  if (c->phase == RUN) return forward_run(c);
  if (c->fd >= 0) shutdown(c->fd, SHUT_RDWR);
  return c->phase == CLOSING ? step_closing(c) : step_release(c);
}

/* ---- life ---- */

static SshChan *chan_add(SshSession *s) {
  SshChan *c = calloc(1, sizeof *c);
  if (!c) abort();
  c->s = s;
  c->fd = -1;
  c->born_us = ssh_clock_us();
  c->next = s->chans;
  s->chans = c;
  s->nchans++;
  return c;
}

void ssh_chan_command(SshChan *c) {
  SshJob *j = &c->task->job;
  Buf exec = {0};
  ssh_marks_init(&c->marks);
  ssh_shell_exec(&exec, c->marks.word, j->pty);
  c->exec = buf_cstr(&exec);
  ssh_shell_boot(&c->boot, j->workdir, j->env, j->nenv, j->command);
  c->input = j->input;
  c->ninput = j->input ? j->ninput : 0;
  j->input = NULL;
  c->sent = 0;
  c->step = step_command;
  c->phase = OPEN;
}

SshChan *ssh_chan_new(SshSession *s, SshTask *t) {
  SshChan *c = chan_add(s);
  c->task = t;
  t->chan = c;
  if (t->beyond) c->step = step_forward;
  else if (t->job.nputs || !t->job.command) c->step = ssh_file_step;
  else ssh_chan_command(c);
  return c;
}

/* Ends a process group over a channel of its own. */
static void chan_kill(SshSession *s, int64_t group) {
  Buf exec = {0};
  SshChan *c = chan_add(s);
  ssh_shell_kill(&exec, group);
  c->exec = buf_cstr(&exec);
  c->step = step_command;
  c->killer = true;
  c->group = group;
  c->until_us = c->born_us + ABANDON_US;
}

/* A command that is killed is read on, so that it can end; all else is closed as soon as libssh2 lets it. */
void ssh_chan_abandon(SshChan *c, bool kill) {
  bool running = c->step == step_command && (c->phase == RUN || c->phase == ENDING);
  c->task = NULL;
  c->until_us = ssh_clock_us() + ABANDON_US;
  if (running && kill && c->marks.pid > 1) chan_kill(c->s, c->marks.pid);
  else c->quit = true;
  c->s->again = true;
}

bool ssh_chan_kills(const SshChan *c) {
  bool kill = c->killer || (c->task && !c->task->id && !c->task->beyond);
  return kill && c->step == step_command && (c->phase < RUN || (c->phase == RUN && !c->eof_sent));
}

void ssh_chan_give_back(SshChan *c) {
  if (!c->task || !c->input) return;
  c->task->job.input = c->input;
  c->task->job.ninput = c->ninput;
  c->input = NULL;
}

void ssh_chan_free(SshChan *c) {
  SshSession *s = c->s;
  SshChan **at = &s->chans;
  while (*at != c) at = &(*at)->next;
  *at = c->next;
  s->nchans--;
  if (s->stuck == c) s->stuck = NULL;
  if (s->opening == c) s->opening = NULL;
  if (c->fd >= 0) close(c->fd);
  if (c->boot.p) explicit_bzero(c->boot.p, c->boot.n); /* values of :env */
  Buf *all[] = {&c->boot, &c->up, &c->down, &c->marks.held};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) buf_free(all[i]);
  if (c->input) explicit_bzero(c->input, c->ninput);
  free(c->input);
  free(c->exec);
  free(c->piece);
  free(c);
}
