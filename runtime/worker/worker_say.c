/* worker_say.c - see worker_say.h */
#include "worker_say.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void worker_say_open(WorkerSay *s) {
  const char *term = getenv("TERM");
  *s = (WorkerSay){.live = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0};
  log_set(s->live ? LOG_TEXT : LOG_JSON);
}

static void put(const char *p, size_t n) {
  if (write(STDERR_FILENO, p, n) < 0) return; /* nobody is there to be told */
}

static void wipe(WorkerSay *s) {
  if (s->shown) put("\r\033[K", 4);
  s->shown = false;
}

void worker_say_event(WorkerSay *s, const char *level, const char *event, const LogField *fields, size_t n) {
  wipe(s);
  log_line(level, event, fields, n);
}

/* A handler's own control sequences would move the live line: only printable text and tabs go through. */
static void plain(Buf *b, const char *text) {
  for (const char *p = text; *p; p++)
    if ((unsigned char)*p >= ' ' ? *p != 0x7f : *p == '\t') buf_ch(b, *p);
}

void worker_say_output(WorkerSay *s, const char *job, const char *text) {
  if (!s->live) {
    LogField f[] = {{"jobId", job, 0}, {"text", text, 0}};
    log_line("info", "handler-output", f, 2);
    return;
  }
  Buf b = {0};
  wipe(s);
  buf_fmt(&b, "[%s] ", job);
  plain(&b, text);
  buf_ch(&b, '\n');
  put(b.p, b.n);
  buf_free(&b);
}

static size_t columns(void) {
  struct winsize w;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col - 1u : 79;
}

void worker_say_draw(WorkerSay *s) {
  size_t most = columns(), n = s->line.n < most ? s->line.n : most;
  bool as_it_was = s->shown && s->line.n == s->was.n && !memcmp(s->line.p, s->was.p, s->was.n);
  if (!s->live || as_it_was) return;
  wipe(s);
  s->was.n = 0;
  buf_add(&s->was, s->line.p, s->line.n);
  while (n && n < s->line.n && ((unsigned char)s->line.p[n] & 0xc0) == 0x80) n--;
  put(s->line.p, n);
  s->shown = n > 0;
}

void worker_say_close(WorkerSay *s) {
  wipe(s);
  buf_free(&s->line);
  buf_free(&s->was);
}
