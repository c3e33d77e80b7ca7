#include "duration.h"
#include "reader/num.h"
#include "reader/print.h"

#define WORKS "use a string such as \"250ms\", \"10s\", \"45m\", \"2h\" or \"1d\""

static const struct {
  const char *name;
  int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static int64_t duration_unit(const char *s, size_t n) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strlen(units[i].name) == n && !memcmp(units[i].name, s, n)) return units[i].ms;
  return 0;
}

static bool duration_too_long(const char *what, Err *e) { return err_set(e, "validation", "%s is longer than 1000 years; " WORKS, what); }

static bool duration_scale(int64_t n, int64_t unit, const char *what, int64_t *ms, Err *e) {
  if (n > DURATION_MAX_MS / unit) return duration_too_long(what, e);
  *ms = n * unit;
  return true;
}

bool duration_parse(const char *s, size_t n, const char *what, int64_t *ms, Err *e) {
  size_t i = 0;
  int64_t v = 0;
  for (; i < n && s[i] >= '0' && s[i] <= '9'; i++) {
    if (v > DURATION_MAX_MS) return duration_too_long(what, e);
    v = v * 10 + (s[i] - '0');
  }
  int64_t unit = duration_unit(s + i, n - i);
  if (i && unit) return duration_scale(v, unit, what, ms, e);
  return err_set(e, "validation", "%s is not a duration: \"%.*s\"; " WORKS, what, (int)(n > 40 ? 40 : n), s);
}

bool duration_of(Val v, enum DurationUnit bare, const char *what, int64_t *ms, Err *e) {
  if (is_str(v)) return duration_parse(str_s(v), str_n(v), what, ms, e);
  const char *unit = bare == DURATION_MS ? "milliseconds" : "seconds";
  if (is_long(v)) {
    if (long_of(v) < 0) return err_set(e, "validation", "%s is negative: %lld; it counts %s from 0 up", what, (long long)long_of(v), unit);
    return duration_scale(long_of(v), (int64_t)bare, what, ms, e);
  }
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) b.n = 0;
  err_set(e, "validation", "%s is not a duration: %.60s; " WORKS ", or an integer (%s)", what, buf_cstr(&b), unit);
  buf_free(&b);
  return false;
}

void duration_print(Buf *b, int64_t ms) {
  if (ms < 0) ms = 0;
  int64_t s = ms / 1000;
  if (ms < 1000)
    buf_fmt(b, "%lldms", (long long)ms);
  else if (s < 60 && ms % 1000 < 100)
    buf_fmt(b, "%llds", (long long)s);
  else if (s < 60)
    buf_fmt(b, "%lld.%llds", (long long)s, (long long)(ms % 1000 / 100));
  else if (s < 3600)
    buf_fmt(b, "%lldm %llds", (long long)(s / 60), (long long)(s % 60));
  else if (s < 86400)
    buf_fmt(b, "%lldh %lldm", (long long)(s / 3600), (long long)(s % 3600 / 60));
  else
    buf_fmt(b, "%lldd %lldh", (long long)(s / 86400), (long long)(s % 86400 / 3600));
}
