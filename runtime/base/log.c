/* log.c - see log.h. */
#include "log.h"
#include "reader/read.h"
#include "metrics.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static enum LogMode mode;

void log_set(enum LogMode m) { mode = m; }
enum LogMode log_mode(void) { return mode; }

static void put_char(Buf *b, unsigned char c) {
  if (c == '"' || c == '\\') buf_fmt(b, "\\%c", c);
  else if (c == '\n') buf_c(b, "\\n");
  else if (c < ' ' || c == 0x7f) buf_fmt(b, "\\u%04x", c);
  else buf_add(b, (const char *)&c, 1);
}

/* In quotes, as JSON has it; cut between characters, and bytes that are no UTF-8 become question marks. */
void log_json(Buf *b, const char *s) {
  size_t n = strlen(s), cut = n;
  if (n > LOG_TEXT_MAX)
    for (cut = LOG_TEXT_MAX; cut && ((unsigned char)s[cut] & 0xc0) == 0x80;) cut--;
  bool good = utf8_valid(s, cut);
  buf_c(b, "\"");
  for (size_t i = 0; i < cut; i++) put_char(b, good || (unsigned char)s[i] < 0x80 ? (unsigned char)s[i] : '?');
  buf_c(b, cut < n ? "...\"" : "\"");
}

static bool plain(const char *s) { return *s && strlen(s) < 200 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:+") == strlen(s); }

static void put_field(Buf *b, const LogField *f) {
  if (!f->text && !f->n) return;
  if (mode == LOG_JSON) buf_fmt(b, ",\"%s\":", f->name);
  else buf_fmt(b, " %s=", f->name);
  if (!f->text) buf_fmt(b, "%lld", (long long)f->n);
  else if (mode == LOG_TEXT && plain(f->text)) buf_c(b, f->text);
  else log_json(b, f->text);
}

static void put_head(Buf *b, const char *level, const char *event) {
  Buf t = {0};
  inst_print(&t, now_ms());
  if (mode == LOG_JSON) buf_fmt(b, "{\"time\":\"%.23sZ\",\"level\":\"%s\",\"event\":\"%s\"", buf_cstr(&t), level, event);
  else buf_fmt(b, "%.23sZ %-5s %s", buf_cstr(&t), level, event);
  buf_free(&t);
}

static bool send(const char *p, size_t n) {
  while (n) {
    ssize_t k = write(STDERR_FILENO, p, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    p += k;
    n -= (size_t)k;
  }
  return true;
}

void log_line(const char *level, const char *event, const LogField *fields, size_t n) {
  if (mode == LOG_OFF) return;
  Buf b = {0};
  put_head(&b, level, event);
  for (size_t i = 0; i < n; i++) put_field(&b, &fields[i]);
  buf_c(&b, mode == LOG_JSON ? "}\n" : "\n");
  if (!send(b.p, b.n)) metric_add(METRIC_log_lost_total, 1);
  buf_free(&b);
}
