/* worker.c - the worker's loop: claims, signals, and whose turn it is; see worker.h */
#include "worker.h"
#include "runtime/cli/cli.h"
#include "reader/mem.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SETTLE_LAST_MS = 10000, DRAW_MS = 1000, GIVE_BACK_MS = 5000, LEAST_LEASE_MS = 100 };

static void say(Worker *w, const char *level, const char *event, const char *name, const char *text) {
  LogField f[] = {{"jobType", w->o->type, 0}, {"workerId", w->o->id, 0}, {name, text, 0}};
  worker_say_event(&w->say, level, event, f, 3);
}

static bool leaving(const Worker *w) { return w->signals || *w->code; }

void worker_cannot_go_on(Worker *w, const char *code, const char *message) {
  if (*w->code) return;
  snprintf(w->code, sizeof w->code, "%s", code);
  snprintf(w->message, sizeof w->message, "%s", message);
  say(w, "error", "claims-ended", "message", message);
}

/* --- claims ------------------------------------------------------------------------------------------------------------------------ */
static int64_t claims_left(const Worker *w) {
  if (w->o->once) return 1 - w->claimed;
  return w->o->max_jobs ? w->o->max_jobs - w->claimed : INT64_MAX;
}

static Val claim_args(const Worker *w, int64_t wait_ms) {
  const WorkerOptions *o = w->o;
  Val a = client_put_text(client_put_text(NIL, "jobType", o->type), "workerId", o->id);
  a = client_put(client_put_text(a, "batchId", o->batch), "leaseDuration", int_val(o->lease_ms));
  if (is_map(o->labels)) a = client_put(a, "workerLabels", o->labels);
  return wait_ms ? client_put(a, "waitMs", int_val(wait_ms)) : a;
}

static void claim_send(Worker *w, WorkerClaim *c) {
  Err e = {0};
  if (worker_rpc_send(&w->rpc, &c->call, &e)) return;
  worker_call_free(&c->call);
  worker_cannot_go_on(w, e.code, e.msg);
}

/* The server may hold back its answer until there is a job: at most half a lease, which begins somewhere in that time. */
static void claim_begin(Worker *w, WorkerClaim *c, bool wait) {
  int64_t most = w->o->lease_ms / 2 < WORKER_WAIT_MS ? w->o->lease_ms / 2 : WORKER_WAIT_MS;
  c->wait_ms = wait && !w->o->once && !w->no_wait ? most : 0;
  c->leaving = false;
  worker_call_new(&c->call, "jobs.claim", claim_args(w, c->wait_ms), WORKER_CALL_MS + c->wait_ms);
  claim_send(w, c);
}

static int claims_open(const Worker *w) {
  int n = 0;
  for (int i = 0; i < w->o->concurrency; i++) n += w->claims[i].call.body != NULL;
  return n;
}

static int least(int64_t a, int64_t b) { return (int)(a < b ? a : b); }

/* How many claims may be under way now. */
static int claims_wanted(const Worker *w, int64_t now) {
  if (leaving(w) || now < w->idle_us) return 0;
  int free = least(w->o->concurrency - w->running, 2LL * w->o->concurrency - w->held);
  return least(least(free, w->width), claims_left(w));
}

static void claims_look(Worker *w, int64_t now) {
  int open = claims_open(w);
  for (int i = 0; i < w->o->concurrency; i++) {
    WorkerClaim *c = &w->claims[i];
    if (c->call.body && !c->call.id && now >= c->call.again_us && !leaving(w)) claim_send(w, c);
    if (c->call.body || open - claims_left(w) >= 0 || open >= claims_wanted(w, now)) continue;
    claim_begin(w, c, open == 0);
    open++;
  }
}

static void claim_idle(Worker *w, const WorkerClaim *c) {
  int64_t now = mono_us();
  w->idle_polls++;
  w->width = 1;
  /* who has waited for us may be asked again at once */
  bool waited = c->wait_ms && now - c->call.sent_us >= c->wait_ms * 800;
  if (!waited && (c->wait_ms || w->no_wait)) w->idle_us = now + w->o->poll_ms * 1000;
  if (w->o->once) w->claimed = 1; /* nothing was there: that was its one look */
}

/* A job for a worker that is about to leave goes back as if it had not been claimed. To a server that cannot take it back its lease is made
 * to run out at once, which costs an attempt. */
static void give_back(Worker *w, Val job) {
  Err e = {0};
  ClientAnswer a = {.body = NIL};
  Client *c = client_new(w->o->where, &e);
  if (!c) return;
  Val args = client_put_text(client_put_text(NIL, "jobId", client_text_at(job, "jobId")), "leaseToken", client_text_at(job, "leaseToken"));
  client_call(c, "jobs.release", args, GIVE_BACK_MS, &a);
  bool unknown = a.code && !strcmp(a.code, "unknown_command");
  client_answer_free(&a);
  if (unknown) {
    client_call(c, "jobs.heartbeat", client_put(args, "leaseDuration", int_val(LEAST_LEASE_MS)), GIVE_BACK_MS, &a);
    client_answer_free(&a);
  }
  client_free(c);
}

static bool full(const char *s) { return s && *s; }

static void claim_taken(Worker *w, WorkerClaim *c, Val body) {
  Val job = client_at(body, "data.job");
  bool some = full(client_text_at(job, "jobId")) && full(client_text_at(job, "leaseToken"));
  if (!some)
    claim_idle(w, c);
  else if (leaving(w))
    give_back(w, job);
  else {
    w->claimed++;
    w->width = least(2LL * w->width, w->o->concurrency);
    worker_job_begin(w, job, c->call.sent_us, c->call.attempt == 1);
  }
  worker_call_free(&c->call);
}

static void claim_delayed(Worker *w, WorkerClaim *c, const WorkerAnswer *a) {
  if (leaving(w) || w->o->once) {
    worker_call_free(&c->call);
    if (!leaving(w)) worker_cannot_go_on(w, a->code, a->message);
    return;
  }
  if (c->call.attempt == 1 || c->call.attempt % 10 == 0) say(w, "warn", "claim-delayed", "message", a->message);
  w->width = 1;
  worker_rpc_later(&w->rpc, &c->call, a->retry_after_ms);
}

static void claim_answer(Worker *w, WorkerClaim *c, const WorkerAnswer *a) {
  c->call.id = 0;
  if (a->said == WORKER_SAID_OK)
    claim_taken(w, c, a->body);
  else if (leaving(w))
    worker_call_free(&c->call);
  else if (a->said == WORKER_SAID_AGAIN)
    claim_delayed(w, c, a);
  else {
    bool unknown = a->status == 400 && c->wait_ms && !w->no_wait; /* a server that does not know waitMs */
    worker_call_free(&c->call);
    if (unknown)
      w->no_wait = true;
    else
      worker_cannot_go_on(w, a->code, a->message);
  }
}

/* Those that the server is asked for are called off; their answers, which may be jobs, are still looked at. */
static void claims_leave(Worker *w) {
  for (int i = 0; i < w->o->concurrency; i++) {
    WorkerClaim *c = &w->claims[i];
    uint64_t id = c->call.id;
    if (c->call.body && !id) worker_call_free(&c->call);
    if (!id || c->leaving) continue;
    c->leaving = true;
    worker_rpc_cancel(&w->rpc, &c->call);
    c->call.id = id;
  }
}

/* --- what happens --------------------------------------------------------------------------------------------------------------------- */
static void answer(Worker *w, const WorkerAnswer *a) {
  for (int i = 0; i < w->o->concurrency; i++)
    if (w->claims[i].call.id == a->id) {
      claim_answer(w, &w->claims[i], a);
      return;
    }
  for (WorkerJob *j = w->jobs; j; j = j->next)
    if (worker_job_answer(j, a)) return;
}

static void answers(Worker *w) {
  WorkerAnswer a;
  while (worker_rpc_next(&w->rpc, &a)) answer(w, &a);
}

static void news(Worker *w) {
  uint64_t lease;
  enum WorkerNews what;
  char why[200];
  while (worker_beat_news(w->beat, &lease, &what, why))
    for (WorkerJob *j = w->jobs; j; j = j->next)
      if (j->lease == lease) worker_job_stop(j, what == WORKER_NEWS_LOST ? WORKER_WHY_LOST : WORKER_WHY_CANCELLED, why);
}

static void signalled(Worker *w) {
  struct signalfd_siginfo s;
  while (read(w->signal_fd, &s, sizeof s) == sizeof s) {
    if (s.ssi_signo == SIGCHLD) continue; /* every turn looks at the handlers */
    char text[160];
    if (!w->signals++) w->grace_us = mono_us() + w->o->grace_ms * 1000;
    snprintf(text, sizeof text, "SIG%s: %s", sigabbrev_np((int)s.ssi_signo),
             w->signals > 1 ? "handlers are killed" : "no more jobs are claimed; a second signal kills the handlers");
    say(w, "info", "stopping", "message", text);
  }
}

static void drain(Worker *w, int64_t now) {
  if (leaving(w)) claims_leave(w);
  if (!w->signals || w->end_us || now < w->grace_us) return;
  w->end_us = now + (WORKER_KILL_MS + SETTLE_LAST_MS) * 1000;
  for (WorkerJob *j = w->jobs; j; j = j->next) worker_job_stop(j, WORKER_WHY_STOPPED, "the grace time is over");
}

static void forget_gone(Worker *w) {
  for (WorkerJob **at = &w->jobs; *at;) {
    WorkerJob *j = *at;
    if (j->state != WORKER_GONE) {
      at = &j->next;
      continue;
    }
    *at = j->next;
    w->held--;
    worker_job_free(j);
  }
}

/* --- waiting ------------------------------------------------------------------------------------------------------------------------ */
static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t next_due(const Worker *w) {
  int64_t due = INT64_MAX;
  for (int i = 0; i < w->o->concurrency; i++)
    if (w->claims[i].call.body && !w->claims[i].call.id) due = earlier(due, w->claims[i].call.again_us);
  for (const WorkerJob *j = w->jobs; j; j = j->next) due = earlier(due, worker_job_due(j));
  if (w->idle_us > mono_us()) due = earlier(due, w->idle_us);
  if (w->signals) due = earlier(due, w->end_us ? w->end_us : w->grace_us);
  if (w->say.live) due = earlier(due, w->say.drawn_us + DRAW_MS * 1000);
  return due;
}

static void wait_for(Worker *w) {
  struct pollfd p[WORKER_MOST + 3] = {{w->signal_fd, POLLIN, 0}, {worker_rpc_fd(&w->rpc), POLLIN, 0}, {worker_beat_fd(w->beat), POLLIN, 0}};
  WorkerJob *of[WORKER_MOST + 3];
  nfds_t n = 3;
  int64_t due = next_due(w), ms = due == INT64_MAX ? 60000 : (due - mono_us() + 999) / 1000;
  for (WorkerJob *j = w->jobs; j; j = j->next)
    if (j->proc.out >= 0 && n < sizeof p / sizeof *p) of[n] = j, p[n++] = (struct pollfd){j->proc.out, POLLIN, 0};
  if (poll(p, n, ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms) <= 0) return;
  if (p[0].revents) signalled(w);
  for (nfds_t i = 3; i < n; i++)
    if (p[i].revents) worker_job_output(of[i]);
}

static void draw(Worker *w, int64_t now) {
  Buf *b = &w->say.line;
  int shown = 0;
  if (!w->say.live) return;
  b->n = 0;
  buf_fmt(b, "%s: %d running", w->o->type, w->running);
  for (WorkerJob *j = w->jobs; j && shown < 4; j = j->next)
    if (j->state == WORKER_RUNNING) buf_fmt(b, "%s%s %llds", shown++ ? ", " : " (", j->id, (long long)((now - j->begun_us) / 1000000));
  if (shown) buf_ch(b, ')');
  if (w->held > w->running) buf_fmt(b, ", %d being reported", w->held - w->running);
  buf_fmt(b, ", %lld done, %lld failed%s", (long long)w->handled, (long long)w->failed,
          leaving(w) ? ", stopping"
          : w->held  ? ""
                     : ", waiting");
  worker_say_draw(&w->say);
  w->say.drawn_us = now;
}

/* --- the loop ------------------------------------------------------------------------------------------------------------------------ */
static bool done(const Worker *w, int64_t now) {
  if (w->signals > 1 || (w->end_us && now >= w->end_us)) return true;
  return !w->jobs && !claims_open(w) && (leaving(w) || claims_left(w) <= 0);
}

static void loop(Worker *w) {
  for (;;) {
    int64_t now = mono_us();
    drain(w, now);
    for (WorkerJob *j = w->jobs; j; j = j->next) worker_job_look(j, now);
    forget_gone(w);
    claims_look(w, now);
    if (done(w, now)) return;
    draw(w, now);
    wait_for(w);
    news(w);
    answers(w);
    forget_gone(w);
  }
}

static Val totals(const Worker *w) {
  const WorkerOptions *o = w->o;
  Val d = client_put_text(client_put_text(NIL, "workerId", o->id), "jobType", o->type);
  d = client_put(client_put(d, "handledCount", int_val(w->handled)), "failedCount", int_val(w->failed));
  d = client_put(client_put(d, "lostCount", int_val(w->lost)), "idlePolls", int_val(w->idle_polls));
  d = client_put(client_put_text(d, "batchId", o->batch), "once", bool_val(o->once));
  if (is_map(w->last_job)) d = client_put(d, "lastJob", w->last_job);
  return client_put_text(d, "lastJobDir", w->last_dir);
}

static int result(Worker *w, ClientRun *r) {
  char left[160];
  snprintf(left, sizeof left, "%d jobs were left as they are: they go back to the queue when their leases are over", w->held);
  if (!*w->code && !w->held) return client_done(r, totals(w));
  Val e = client_error(w->o->where->workspace, *w->code ? "jobs_worker_failed" : "interrupted", *w->code ? w->message : left, NULL);
  if (*w->code) e = client_put_text(e, "error.details.code", w->code);
  return client_print(r, client_put(e, "data", totals(w)), false);
}

static void open_signals(Worker *w, sigset_t *old) {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGCHLD);
  sigaddset(&s, SIGTERM);
  sigaddset(&s, SIGINT);
  sigaddset(&s, SIGHUP); /* the terminal is gone; under nohup it does not come */
  pthread_sigmask(SIG_BLOCK, &s, old);
  w->signal_fd = signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void close_all(Worker *w) {
  while (w->jobs) {
    WorkerJob *j = w->jobs;
    w->jobs = j->next;
    worker_job_free(j);
  }
  for (int i = 0; i < w->o->concurrency; i++) worker_call_free(&w->claims[i].call);
  free(w->claims);
  if (w->beat) worker_beat_stop(w->beat);
  if (w->rpc.http) worker_rpc_close(&w->rpc);
  worker_warden_stop(&w->warden);
  if (w->signals < 2) worker_sweep_end(); /* else it leaves at once, with what is left of them */
  worker_say_close(&w->say);
  if (w->signal_fd >= 0) close(w->signal_fd);
}

/* Each job has a pipe, a log, a connection for what it tells and one for its heartbeat. Handlers inherit the limit. */
static bool room_for_files(const Worker *w, Err *e) {
  struct rlimit r;
  rlim_t need = 4 * (rlim_t)w->o->concurrency + 128;
  if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur == RLIM_INFINITY || r.rlim_cur >= need) return true;
  rlim_t most = r.rlim_max;
  r.rlim_cur = need;
  if ((most == RLIM_INFINITY || need <= most) && setrlimit(RLIMIT_NOFILE, &r) == 0) return true;
  return err_set(e, "worker", "--concurrency %d needs %llu open files, and this process may have %llu (ulimit -n)", w->o->concurrency,
                 (unsigned long long)need, (unsigned long long)most);
}

static bool open_all(Worker *w, Err *e) {
  if (!room_for_files(w, e)) return false;
  if (w->signal_fd < 0) return err_set(e, "worker", "cannot wait for signals: %s", strerror(errno));
  if (!worker_warden_start(&w->warden, e) || !worker_rpc_open(&w->rpc, w->o->where, e)) return false;
  return (w->beat = worker_beat_start(w->o->where, w->o->lease_ms, e)) != NULL;
}

int worker_run(ClientRun *r, const WorkerOptions *o) {
  sigset_t old;
  Err e = {0};
  Worker w = {.o = o, .width = 1, .last_job = NIL, .warden = {.fd = -1}, .claims = mem_raw((size_t)o->concurrency * sizeof(WorkerClaim))};
  memset(w.claims, 0, (size_t)o->concurrency * sizeof *w.claims);
  worker_say_open(&w.say);
  open_signals(&w, &old);
  bool ok = open_all(&w, &e);
  if (ok) {
    say(&w, "info", "worker-started", "server", o->where->url);
    loop(&w);
    say(&w, "info", "worker-ended", NULL, NULL);
  }
  int status = ok ? result(&w, r) : client_fail(r, e.code, "%s", e.msg);
  close_all(&w);
  free(w.last_dir);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return status;
}
