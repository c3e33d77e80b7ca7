#include "backoff.h"
#include "reader/num.h"
#include "reader/print.h"
#include "duration.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const kind_names[] = {"constant", "linear", "exponential"};

void backoff_default(RetryPolicy *p) {
  /* 529: overloaded, of LLM services */
  static const int statuses[] = {408, 425, 429, 500, 502, 503, 504, 529};
  memset(p, 0, sizeof *p);
  p->max_attempts = 1;
  p->kind = BACKOFF_EXPONENTIAL;
  p->backoff_ms = 1000;
  p->max_backoff_ms = 60000;
  p->jitter = true;
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) status_set_add(&p->statuses, statuses[i]);
  p->nkinds = 4;
  strcpy(p->kinds[0], "network");
  strcpy(p->kinds[1], "timeout");
  strcpy(p->kinds[3], "resource-busy");
  strcpy(p->kinds[2], "db-error"); /* those that say that they are retryable: deadlocks, lost races */
}

/* Problems of one map are collected: an author fixes them in one go. */
static void problem(Buf *b, const char *text) {
  if (b->n) buf_c(b, "; ");
  buf_c(b, text);
}

static void problem_val(Buf *b, const char *before, Val v, const char *after) {
  Buf t = {0};
  if (is_sig(print_to(&t, v, &print_readably))) t.n = 0;
  if (b->n) buf_c(b, "; ");
  buf_fmt(b, "%s%.60s%s", before, buf_cstr(&t), after);
  buf_free(&t);
}

static bool problems_done(Buf *b, Err *e) {
  bool ok = !b->n;
  if (!ok) err_set(e, "validation", "%s", buf_cstr(b));
  buf_free(b);
  return ok;
}

static bool read_kind(Val v, enum BackoffKind *out) {
  for (int i = 0; i < 3; i++)
    if (kw_is(v, kind_names[i]) || str_eq_c(v, kind_names[i])) return *out = (enum BackoffKind)i, true;
  return false;
}

static void read_ms(Val m, const char *key, const char *what, int64_t *out, Buf *bad) {
  Val v = map_get_kw(m, key);
  Err e;
  if (!is_nil(v) && !duration_of(v, DURATION_MS, what, out, &e)) problem(bad, e.msg);
}

static void read_retry_on_one(Val v, RetryPolicy *p, Buf *bad) {
  if (is_long(v) && long_of(v) >= 100 && long_of(v) < 600) {
    status_set_add(&p->statuses, long_of(v));
    return;
  }
  if (is_kw(v) && is_nil(AS(Kw, v)->ns) && str_n(AS(Kw, v)->name) < BACKOFF_KIND_LEN && p->nkinds < BACKOFF_KINDS) {
    strcpy(p->kinds[p->nkinds++], str_s(AS(Kw, v)->name));
    return;
  }
  problem_val(bad, ":retry-on has ", v, "; use error types such as :network :timeout and HTTP statuses from 100 to 599");
}

static bool walkable(Val v) { return is_set(v) || is_sequential(v); }

static void read_retry_on(Val v, RetryPolicy *p, Buf *bad) {
  if (is_nil(v)) return;
  if (!walkable(v)) return problem_val(bad, ":retry-on is ", v, "; use a set such as #{:network :timeout 429 503}");
  p->nkinds = 0;
  memset(&p->statuses, 0, sizeof p->statuses);
  Val s = seq_of(v);
  for (; !is_sig(s) && !is_nil(s); s = seq_next(s)) read_retry_on_one(seq_first(s), p, bad);
  if (is_sig(s)) problem(bad, ":retry-on is a lazy sequence; use a set such as #{:network :timeout 429 503}");
}

bool backoff_policy(Val m, RetryPolicy *p, Err *e) {
  backoff_default(p);
  if (is_nil(m)) return true;
  Buf bad = {0};
  if (!is_map(m)) {
    problem_val(&bad, ":retry is ", m, "; use a map such as {:max-attempts 3 :backoff-ms 500}");
    return problems_done(&bad, e);
  }
  Val n = map_get_kw(m, "max-attempts"), kind = map_get_kw(m, "backoff"), jitter = map_get_kw(m, "jitter");
  if (!is_nil(n) && !(is_long(n) && long_of(n) >= 1 && long_of(n) <= BACKOFF_MAX_ATTEMPTS))
    problem_val(&bad, ":max-attempts is ", n, "; use an integer from 1 to 1000");
  else if (!is_nil(n))
    p->max_attempts = long_of(n);
  if (!is_nil(kind) && !read_kind(kind, &p->kind)) problem_val(&bad, ":backoff is ", kind, "; use :exponential, :linear or :constant");
  if (!is_nil(jitter) && !is_bool(jitter)) problem_val(&bad, ":jitter is ", jitter, "; use true or false");
  if (!is_nil(jitter)) p->jitter = truthy(jitter);
  read_ms(m, "backoff-ms", ":backoff-ms", &p->backoff_ms, &bad);
  read_ms(m, "max-backoff-ms", ":max-backoff-ms", &p->max_backoff_ms, &bad);
  read_retry_on(map_get_kw(m, "retry-on"), p, &bad);
  return problems_done(&bad, e);
}

bool backoff_retryable(const RetryPolicy *p, const char *type, int64_t status) {
  if (!strcmp(type, "http-error")) return status_set_has(&p->statuses, status);
  for (int i = 0; i < p->nkinds; i++)
    if (!strcmp(p->kinds[i], type)) return true;
  return false;
}

/* base * 2^(attempt - 1) or base * attempt, never above cap, without overflow */
static int64_t pause_of(enum BackoffKind kind, int64_t base, int64_t cap, int64_t attempt) {
  int64_t d = base;
  if (kind == BACKOFF_LINEAR) d = attempt > cap / (base ? base : 1) ? cap : base * attempt;
  if (kind == BACKOFF_EXPONENTIAL)
    for (int64_t i = 1; i < attempt && d && d < cap; i++) d *= 2;
  return d > cap ? cap : d;
}

/* splitmix64: one good 64-bit number from seed and attempt */
static uint64_t mix(uint64_t seed, int64_t attempt) {
  uint64_t z = seed + (uint64_t)attempt * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

int64_t backoff_delay(const RetryPolicy *p, int64_t attempt, uint64_t seed, int64_t retry_after_ms) {
  if (retry_after_ms >= 0) return retry_after_ms > BACKOFF_MAX_RETRY_AFTER ? BACKOFF_MAX_RETRY_AFTER : retry_after_ms;
  if (attempt < 1) attempt = 1;
  int64_t d = pause_of(p->kind, p->backoff_ms, p->max_backoff_ms, attempt);
  if (!p->jitter) return d;
  return (int64_t)(((unsigned __int128)mix(seed, attempt) * (uint64_t)(d + 1)) >> 64);
}

/* ---- Retry-After ---- */

static int month_of(const char *s) {
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (int i = 0; i < 12; i++)
    if (!strncmp(names + 3 * i, s, 3)) return i;
  return -1;
}

/* RFC 9110 5.6.7: IMF-fixdate, RFC 850 (two-digit years) and asctime. */
static bool scan_date(const char *s, struct tm *t, char mon[4]) {
  char wd[16], end = 0;
  if (sscanf(s, "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GM%c", wd, &t->tm_mday, mon, &t->tm_year, &t->tm_hour, &t->tm_min, &t->tm_sec,
             &end) == 8 &&
      end == 'T')
    return true;
  if (sscanf(s, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d", wd, mon, &t->tm_mday, &t->tm_hour, &t->tm_min, &t->tm_sec, &t->tm_year) == 7)
    return true;
  if (sscanf(s, "%15[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GM%c", wd, &t->tm_mday, mon, &t->tm_year, &t->tm_hour, &t->tm_min, &t->tm_sec,
             &end) != 8 ||
      end != 'T')
    return false;
  t->tm_year += t->tm_year < 70 ? 2000 : 1900;
  return true;
}

bool backoff_http_date(const char *s, int64_t *ms) {
  struct tm t = {0};
  char mon[4] = "";
  if (!scan_date(s, &t, mon)) return false;
  int m = month_of(mon);
  if (m < 0 || t.tm_year < 1900 || t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60) return false;
  if (t.tm_hour < 0 || t.tm_min < 0 || t.tm_sec < 0) return false;
  t.tm_mon = m;
  t.tm_year -= 1900;
  *ms = (int64_t)timegm(&t) * 1000;
  return true;
}

int64_t backoff_retry_after(const char *value, int64_t at_ms) {
  while (*value == ' ' || *value == '\t') value++;
  int64_t ms = 0;
  if (*value >= '0' && *value <= '9') {
    const char *p = value;
    for (; *p >= '0' && *p <= '9'; p++) ms = ms > BACKOFF_MAX_RETRY_AFTER ? ms : ms * 10 + (*p - '0') * 1000;
    while (*p == ' ' || *p == '\t') p++;
    if (*p) return -1;
  } else {
    if (!backoff_http_date(value, &ms)) return -1;
    ms = ms <= at_ms ? 0 : ms - at_ms;
  }
  return ms > BACKOFF_MAX_RETRY_AFTER ? BACKOFF_MAX_RETRY_AFTER : ms;
}

/* ---- flow/backoff, flow/poll ---- */

static void spec_factor(Val v, BackoffSpec *s, Buf *bad) {
  if (is_nil(v)) return;
  s->factor = is_num(v) ? num_to_double(v) : 0;
  if (!(s->factor >= 1 && s->factor <= 1000)) problem_val(bad, ":factor is ", v, "; use a number from 1 to 1000, for example 2");
}

static void spec_map(Val m, int64_t interval_ms, BackoffSpec *s, Buf *bad) {
  Val kind = map_get_kw(m, "type");
  if (!is_nil(kind) && !read_kind(kind, &s->kind)) problem_val(bad, ":type is ", kind, "; use :constant, :linear or :exponential");
  s->interval_ms = interval_ms;
  read_ms(m, "interval", ":interval", &s->interval_ms, bad);
  if (s->interval_ms < 0) problem(bad, ":interval is missing; use a duration such as \"1s\"");
  s->step_ms = s->interval_ms;
  read_ms(m, "step", ":step", &s->step_ms, bad);
  read_ms(m, "max", ":max", &s->max_ms, bad);
  spec_factor(map_get_kw(m, "factor"), s, bad);
}

bool backoff_spec(Val spec, int64_t interval_ms, BackoffSpec *out, Err *e) {
  *out = (BackoffSpec){BACKOFF_CONSTANT, interval_ms, 0, DURATION_MAX_MS, 2};
  Buf bad = {0};
  if (is_map(spec))
    spec_map(spec, interval_ms, out, &bad);
  else if (!is_nil(spec))
    return duration_of(spec, DURATION_MS, "the backoff", &out->interval_ms, e);
  else if (interval_ms < 0)
    problem(&bad, "the backoff is nil; use a map such as {:type :exponential :interval \"1s\" :max \"60s\"}");
  return problems_done(&bad, e);
}

int64_t backoff_interval(const BackoffSpec *s, int64_t attempt) {
  if (attempt < 1) attempt = 1;
  double d = (double)s->interval_ms;
  if (s->kind == BACKOFF_LINEAR) d += (double)s->step_ms * (double)(attempt - 1);
  if (s->kind == BACKOFF_EXPONENTIAL)
    for (int64_t i = 1; i < attempt && d > 0 && d < (double)s->max_ms && s->factor > 1; i++) d *= s->factor;
  return d >= (double)s->max_ms ? s->max_ms : (int64_t)d;
}
