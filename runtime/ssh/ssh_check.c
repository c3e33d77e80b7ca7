/* ssh_check.c - see ssh_check.h. */
#include "ssh_check.h"
#include "runtime/steps/conncheck.h"
#include "reader/mem.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines for those who read them here, below. With $U the address that agents would call. */
static const char script[] = "echo sh; command -v curl >/dev/null && echo curl; command -v openssl >/dev/null && echo openssl\n"
                             "[ -z \"$U\" ] || echo \"call $(curl -sS -o /dev/null -m 3 -w '%{http_code}' \"$U\" 2>&1 | tail -1)\"";

void ssh_probe(SshProbe *p) {
  SshClient *c = ssh_client_new(&p->err);
  if (!c) return ssh_job_free(&p->job);
  uint64_t id = ssh_send(c, &p->job, &p->err);
  while (id && !p->answer) {
    struct pollfd fd = {ssh_fd(c), POLLIN, 0};
    SshEvent *v = ssh_next(c);
    if (!v) {
      poll(&fd, 1, -1); /* the job has a timeout of its own */
      continue;
    }
    if (v->kind == SSH_ENDED) p->answer = v->answer, v->answer = NULL;
    ssh_event_free(v);
  }
  ssh_client_free(c);
}

void ssh_probe_free(SshProbe *p) {
  ssh_job_free(&p->job);
  if (p->answer) ssh_answer_free(p->answer);
  free(p->answer);
  p->answer = NULL;
}

static void begin(ConnCheck *c) {
  Err e = {0};
  Guard *guard = c->guard ? guard_from_env(&e) : NULL;
  SshTarget t;
  if (e.code || !ssh_target(c->connection, c->secrets, &c->used, &t, &e)) return conncheck_says(c, CONN_INVALID, "%s", e.msg);
  if (ssh_target_is_mock(c->connection)) return conncheck_says(c, CONN_FINE, "a mock: steps on it run nothing");
  SshProbe *p = calloc(1, sizeof *p);
  if (!p) abort();
  ssh_job_init(&p->job);
  p->job.target = t;
  p->job.target.guard = guard;
  if (p->job.target.connect_ms > CONNCHECK_MS) p->job.target.connect_ms = CONNCHECK_MS;
  p->job.timeout_ms = 2 * CONNCHECK_MS - 1000;
  p->job.command = mem_raw_copy(script);
  if (c->callback) {
    if (!(p->job.env = malloc(sizeof *p->job.env))) abort();
    p->job.env[p->job.nenv++] = (SshVar){mem_raw_copy("U"), mem_raw_copy(c->callback)};
  }
  c->job = p;
}

static bool has_line(const Buf *b, const char *line) {
  size_t n = strlen(line);
  for (const char *p = b->p, *end = p + b->n; p && p < end;) {
    const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
    if ((size_t)(stop - p) >= n && !memcmp(p, line, n)) return true;
    p = stop + 1;
  }
  return false;
}

/* Can an agent over there call back? */
static void callbacks(const SshProbe *p, Buf *out) {
  const SshAnswer *a = p->answer;
  if (!has_line(&a->out, "curl")) buf_c(out, "; curl is missing there, so agents cannot call back with it");
  else if (has_line(&a->out, "call 000") || has_line(&a->out, "call curl")) buf_c(out, "; callbacks do NOT reach this server from there (--public-url says its address)");
  else if (has_line(&a->out, "call ")) buf_c(out, "; callbacks reach this server from there");
  else buf_c(out, "; whether callbacks reach this engine was not tried");
}

static void worked(ConnCheck *c, SshProbe *p) {
  SshAnswer *a = p->answer;
  Buf more = {0};
  callbacks(p, &more);
  conncheck_says(c, CONN_FINE, "logged in; host key %s; sh%s%s there%s", buf_cstr(&a->fingerprint), has_line(&a->out, "curl") ? ", curl" : "",
                 has_line(&a->out, "openssl") ? ", openssl" : "", buf_cstr(&more));
  buf_free(&more);
}

static enum ConnState state_of(enum SshErr e) {
  switch (e) {
  case SSH_AUTH: return CONN_REFUSED;
  case SSH_BAD_HOST: case SSH_UNREACHABLE: case SSH_GUARD: case SSH_TIMEOUT: case SSH_LOST: case SSH_INTERNAL: return CONN_UNREACHABLE;
  default: return CONN_INVALID;
  }
}

static void work(ConnCheck *c) {
  SshProbe *p = c->job;
  ssh_probe(p);
  SshAnswer *a = p->answer;
  if (!a) conncheck_says(c, CONN_UNREACHABLE, "%s", p->err.msg);
  else if (a->err) conncheck_says(c, state_of(a->err), "%s%s%s", a->msg, a->err == SSH_KEY_UNKNOWN ? "; its line: " : "",
                                  a->err == SSH_KEY_UNKNOWN ? buf_cstr(&a->host_key) : "");
  else if (a->exit || !has_line(&a->out, "sh")) conncheck_says(c, CONN_INVALID, "logged in, and sh -lc does not work there: exit %d", a->exit);
  else worked(c, p);
}

static void end(ConnCheck *c) {
  ssh_probe_free(c->job);
  free(c->job);
}

void ssh_check_register(void) {
  static ConnectionTest ssh = {"ssh", begin, work, end, NULL};
  conncheck_register(&ssh);
}
