/* cli_progress.c - see cli_progress.h. */
#include "cli_progress.h"
#include "runtime/base/duration.h"
#include "runtime/base/metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { STEPS = sizeof(((Progress *)0)->step) / sizeof(((Progress *)0)->step[0]) };

void progress_init(Progress *p, bool asked) {
  *p = (Progress){0};
  const char *term = getenv("TERM");
  p->live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
  p->plain = asked && !p->live;
}

static int width(void) {
  struct winsize w;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

void progress_clear(Progress *p) {
  if (p->shown) fputs("\r\033[K", stderr);
  p->shown = false;
}

static int find(const Progress *p, const StepEvent *e, bool unused) {
  int slot = -1;
  for (int i = 0; i < STEPS; i++) {
    if (p->step[i].used && p->step[i].run == e->run && p->step[i].occurrence == e->occurrence && !strncmp(p->step[i].id, e->step, sizeof p->step[i].id - 1)) return i;
    if (!p->step[i].used && slot < 0) slot = i;
  }
  return unused ? slot : -1;
}

static void step_name(const Progress *p, const StepEvent *e, char *out, size_t cap) {
  snprintf(out, cap, "%s%s:%s :%s%s%.60s", p->several ? e->run_id : "", p->several ? " " : "", e->type, e->step,
           e->title ? " - " : "", e->title ? e->title : "");
}

static void elapsed_text(int64_t ms, char out[32]) {
  Buf b = {0};
  duration_print(&b, ms < 0 ? 0 : ms);
  snprintf(out, 32, "%s", buf_cstr(&b));
  buf_free(&b);
}

/* What a step did, as a line that stays. */
static void say(Progress *p, const StepEvent *e, const char *verb, int64_t ms) {
  char name[256], took[32] = "";
  step_name(p, e, name, sizeof name);
  if (ms >= 0) elapsed_text(ms, took);
  progress_clear(p);
  fprintf(stderr, "%s %s", verb, name);
  if (e->attempt > 1) fprintf(stderr, " (attempt %d)", e->attempt);
  if (*took) fprintf(stderr, " %s", took);
  if (e->error) fprintf(stderr, ": %.200s", e->error);
  fputc('\n', stderr);
}

static void started(Progress *p, const StepEvent *e) {
  int i = find(p, e, true);
  if (p->plain) say(p, e, "start ", -1);
  if (i < 0) return;
  p->step[i].run = e->run;
  snprintf(p->step[i].id, sizeof p->step[i].id, "%s", e->step);
  p->step[i].occurrence = e->occurrence;
  p->step[i].since_ms = e->at_ms;
  p->step[i].due_ms = e->due_ms;
  p->step[i].used = true;
  p->step[i].text[0] = 0;
  p->step[i].retry = false;
  step_name(p, e, p->step[i].what, sizeof p->step[i].what);
}

static void ended(Progress *p, const StepEvent *e, const char *verb) {
  int i = find(p, e, false);
  say(p, e, verb, i >= 0 ? e->at_ms - p->step[i].since_ms : -1);
  if (i >= 0) p->step[i].used = false;
}

static void retrying(Progress *p, const StepEvent *e) {
  int i = find(p, e, true);
  say(p, e, "retry ", -1);
  if (i < 0) return;
  if (!p->step[i].used) started(p, e);
  p->step[i].due_ms = e->due_ms;
  p->step[i].retry = true;
}

/* The end of a streamed text in one line, from the beginning of a character. */
static void streaming(Progress *p, const StepEvent *e) {
  int i = find(p, e, false);
  if (i < 0) return;
  size_t n = strlen(e->text), room = sizeof p->step[i].text - 1;
  const char *s = e->text + (n > room ? n - room : 0);
  while (((unsigned char)*s & 0xc0) == 0x80) s++;
  char *out = p->step[i].text;
  for (; *s; s++) *out++ = (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s;
  *out = 0;
}

/* Always said: somebody must act. */
static void held(Progress *p, const StepEvent *e) {
  progress_clear(p);
  fprintf(stderr, "breyta-run: %s (run %s is safe up to its last step; Ctrl-C stops it, `breyta-run resume %s` goes on)\n", e->error,
          e->run_id, e->run_id);
}

void progress_event(void *ctx, const StepEvent *e) {
  Progress *p = ctx;
  if (e->what == RUN_HELD) held(p, e);
  if (!p->live && !p->plain) return;
  switch (e->what) {
  case STEP_STARTED: started(p, e); break;
  case STEP_DONE: ended(p, e, "done  "); break;
  case STEP_FAILED: ended(p, e, "failed"); break;
  case STEP_RETRY: retrying(p, e); break;
  case STEP_PARKED: ended(p, e, "parked"); break;
  case STEP_TEXT: streaming(p, e); break;
  case RUN_HELD: break;
  }
  progress_tick(p);
}

/* Behind what runs: the end of the text that one of them streams, as much as the line has room for. */
static void live_text(const Progress *p, Buf *b) {
  for (int i = 0; i < STEPS; i++) {
    const char *text = p->step[i].text, *from = text;
    if (!p->step[i].used || !*text) continue;
    size_t all = 0, room = (size_t)width() > b->n + 8 ? (size_t)width() - b->n - 8 : 0;
    for (const char *q = text; *q; all++) utf8_next(&q);
    for (; all > room; all--) utf8_next(&from);
    if (*from) buf_fmt(b, ": %s%s", from > text ? ".." : "", from);
    return;
  }
}

void progress_tick(Progress *p) {
  if (!p->live) return;
  progress_clear(p);
  Buf b = {0};
  int64_t now = now_ms();
  for (int i = 0; i < STEPS; i++) {
    if (!p->step[i].used) continue;
    char took[32];
    elapsed_text(now - p->step[i].since_ms, took);
    buf_fmt(&b, "%s%s %s", b.n ? " | " : "... ", p->step[i].what, took);
    if (p->step[i].due_ms > now) {
      elapsed_text(p->step[i].due_ms - now, took);
      buf_fmt(&b, ", %s in %s", p->step[i].retry ? "tried again" : "goes on", took);
    }
  }
  live_text(p, &b);
  if (b.n) {
    int room = width() - 1;
    const char *s = buf_cstr(&b), *end = s;
    for (int col = 0; *end && col < room; col++) utf8_next(&end);
    fprintf(stderr, "%.*s", (int)(end - s), s);
    fflush(stderr);
    p->shown = true;
  }
  buf_free(&b);
}

void progress_end(Progress *p) {
  char waited[32];
  int64_t n = metric_get(METRIC_http_requests_total), late = metric_get(METRIC_http_delayed_total);
  if (!p->plain || !n) return;
  fprintf(stderr, "http: %lld request%s, %lld bytes received", (long long)n, n == 1 ? "" : "s", (long long)metric_get(METRIC_http_received_bytes_total));
  elapsed_text(metric_get(METRIC_http_delay_ms_total), waited);
  if (late) fprintf(stderr, "; %lld waited for their turn, %s in all", (long long)late, waited);
  fputc('\n', stderr);
}
