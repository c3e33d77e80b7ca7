/* ssh_file.c - files to and from the other side, over SFTP: steps of a channel (ssh_int.h), before its command and behind it. */
#include "ssh_int.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum Phase { INIT, NEXT, PUT, PUT_END, GET_OPEN, GET, GET_END, DOWN };
enum { PIECE = 128 << 10, SETTLE_US = 8000000 };

static const char *reason(unsigned long code) {
  static const char *const words[] = {"", "end of file", "there is no such file or folder", "permission denied", "the server failed to do it", "bad message",
                                      "no connection", "the connection was lost", "the server cannot do that", "invalid handle", "no such path",
                                      "it exists already", "write protected", "no medium", "no space left", "quota exceeded", "unknown principal",
                                      "locked", "the folder is not empty", "it is not a folder", "invalid name", "link loop"};
  return code < sizeof words / sizeof *words ? words[code] : "unknown reason";
}

/* What could not be done with a file. The task ends, and the channel in order. */
static enum SshStep fail(SshChan *c, long rc, const char *verb, const char *path) {
  if (rc != LIBSSH2_ERROR_SFTP_PROTOCOL && ssh_chan_lost(c, rc)) return SSH_WAIT;
  unsigned long code = c->sftp ? SSH_CALL(libssh2_sftp_last_error)(c->sftp) : 0;
  if (c->task) {
    ssh_fail(c->task->answer, SSH_FILE, "cannot %s %.300s: %s", verb, path, rc == LIBSSH2_ERROR_SFTP_PROTOCOL ? reason(code) : ssh_session_error(c->s->s));
    ssh_task_end(c->task);
  }
  c->until_us = ssh_clock_us() + SETTLE_US;
  c->phase = DOWN;
  return SSH_MORE;
}

static enum SshStep step_init(SshChan *c) {
  SshSession *s = c->s;
  if (!ssh_chan_turn(c)) return SSH_WAIT;
  c->sftp = SSH_CALL(libssh2_sftp_init)(s->s);
  int rc = c->sftp ? 0 : SSH_CALL(libssh2_session_last_errno)(s->s);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  s->opening = NULL;
  c->phase = NEXT;
  if (c->sftp) return SSH_MORE;
  if (ssh_chan_lost(c, rc)) return SSH_WAIT;
  ssh_chan_fail(c, SSH_REFUSED, "the server has no SFTP for this user");
  return SSH_GONE;
}

static LIBSSH2_SFTP_HANDLE *open_file(SshChan *c, const char *path, unsigned long flags, long mode, int *rc) {
  LIBSSH2_SFTP_HANDLE *h = SSH_CALL(libssh2_sftp_open_ex)(c->sftp, path, (unsigned)strlen(path), flags, mode, LIBSSH2_SFTP_OPENFILE);
  *rc = h ? 0 : SSH_CALL(libssh2_session_last_errno)(c->s->s);
  return h;
}

static enum SshStep to_command(SshChan *c) {
  c->phase = DOWN;
  return SSH_MORE;
}

/* Which file comes next, opened. */
static enum SshStep step_next(SshChan *c) {
  const SshJob *j = c->task ? &c->task->job : NULL;
  int rc;
  if (!j) return to_command(c);
  if (c->nput == j->nputs) {
    bool now = j->get && (!j->command || c->task->answer->ended);
    c->phase = now ? GET_OPEN : DOWN;
    return SSH_MORE;
  }
  const SshPut *p = &j->puts[c->nput];
  c->file = open_file(c, p->path, LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_TRUNC, p->mode, &rc);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  if (!c->file) return fail(c, rc, "write", p->path);
  c->at = 0;
  c->npiece = c->done = 0;
  c->phase = PUT;
  return SSH_MORE;
}

/* The next bytes of the file into c->piece. false: it cannot be read. */
static bool fill(SshChan *c, const SshPut *p) {
  if (!c->piece && !(c->piece = malloc(PIECE))) abort();
  size_t want = p->n - c->at < PIECE ? (size_t)(p->n - c->at) : PIECE;
  ssize_t n = p->fd >= 0 ? pread(p->fd, c->piece, want, (off_t)c->at) : (ssize_t)want;
  if (n <= 0 && want) return false;
  if (p->fd < 0) memcpy(c->piece, p->bytes + c->at, want);
  c->npiece = (size_t)n;
  c->done = 0;
  return true;
}

static enum SshStep local_trouble(SshChan *c, const SshPut *p) {
  ssh_fail(c->task->answer, SSH_FILE, "what is sent to %.300s cannot be read here: %s", p->path, strerror(errno));
  return fail(c, LIBSSH2_ERROR_FILE, "send", p->path);
}

static enum SshStep step_put(SshChan *c) {
  const SshPut *p = c->task ? &c->task->job.puts[c->nput] : NULL;
  if (!c->op) {
    if (!p || (c->done == c->npiece && c->at == p->n)) return c->phase = PUT_END, SSH_MORE;
    if (c->done == c->npiece && !fill(c, p)) return local_trouble(c, p);
  }
  ssize_t k = SSH_CALL(libssh2_sftp_write)(c->file, c->piece + c->done, c->npiece - c->done);
  if (ssh_chan_blocked(c, k)) return c->op = c->s->stuck == c, SSH_WAIT;
  c->op = 0;
  if (k < 0) return fail(c, k, "write", p ? p->path : "a file");
  c->done += (size_t)k;
  c->at += (uint64_t)k;
  return SSH_MORE;
}

static enum SshStep step_put_end(SshChan *c) {
  int rc = SSH_CALL(libssh2_sftp_close_handle)(c->file);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  c->file = NULL;
  if (rc) return fail(c, rc, "finish", c->task ? c->task->job.puts[c->nput].path : "a file");
  c->nput++;
  c->phase = NEXT;
  return SSH_MORE;
}

static enum SshStep step_get_open(SshChan *c) {
  int rc;
  if (!c->task) return to_command(c);
  c->file = open_file(c, c->task->job.get, LIBSSH2_FXF_READ, 0, &rc);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  if (!c->file) return fail(c, rc, "read", c->task->job.get);
  c->phase = GET;
  return SSH_MORE;
}

static bool got(SshTask *t, const char *p, size_t n) {
  SshAnswer *a = t->answer;
  a->nget += n;
  if ((int64_t)a->nget > t->job.max_get)
    return ssh_fail(a, SSH_OVERSIZE, "%.300s has more than the %lld bytes that are allowed here; :persist {:type :blob} keeps large files", t->job.get,
                    (long long)t->job.max_get);
  if (t->job.sink) return t->job.sink(t->job.ctx, p, n) || ssh_fail(a, SSH_ABORTED, "the file cannot be kept");
  return buf_add(&a->content, p, n), true;
}

static enum SshStep step_get(SshChan *c) {
  char *piece = ssh_scratch();
  if (!c->task && !c->op) return c->phase = GET_END, SSH_MORE;
  ssize_t n = SSH_CALL(libssh2_sftp_read)(c->file, piece, SSH_PIECE);
  if (ssh_chan_blocked(c, n)) return c->op = c->s->stuck == c, SSH_WAIT;
  c->op = 0;
  if (n < 0) return fail(c, n, "read", c->task ? c->task->job.get : "a file");
  if (!c->task) return SSH_MORE;
  if (!n || !got(c->task, piece, (size_t)n)) {
    c->until_us = ssh_clock_us() + SETTLE_US;
    ssh_task_end(c->task);
    c->phase = GET_END;
  }
  return SSH_MORE;
}

static enum SshStep step_get_end(SshChan *c) {
  int rc = SSH_CALL(libssh2_sftp_close_handle)(c->file);
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  c->file = NULL;
  c->phase = DOWN;
  return SSH_MORE;
}

static enum SshStep step_down(SshChan *c) {
  SshTask *t = c->task;
  if (c->file) return step_get_end(c);
  int rc = c->sftp ? SSH_CALL(libssh2_sftp_shutdown)(c->sftp) : 0;
  if (ssh_chan_blocked(c, rc)) return SSH_WAIT;
  c->sftp = NULL;
  if (t && t->job.command && !t->answer->ended) return ssh_chan_command(c), SSH_MORE;
  if (t) ssh_task_end(t);
  return SSH_GONE;
}

enum SshStep ssh_file_step(SshChan *c) {
  switch ((enum Phase)c->phase) {
  case INIT: return step_init(c);
  case NEXT: return step_next(c);
  case PUT: return step_put(c);
  case PUT_END: return step_put_end(c);
  case GET_OPEN: return step_get_open(c);
  case GET: return step_get(c);
  case GET_END: return step_get_end(c);
  case DOWN: break;
  }
  return step_down(c);
}
