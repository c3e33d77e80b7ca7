/* metrics.c - see metrics.h. */
#include "metrics.h"
#include "reader/text.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int64_t values[METRIC_COUNT];

void metric_add(enum Metric m, int64_t n) { atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed); }
int64_t metric_get(enum Metric m) { return atomic_load_explicit(&values[m], memory_order_relaxed); }

/* --- families: series are found by hash, made under the lock and never freed ------------------------------------------------------ */
enum Unit { UNIT_none, UNIT_seconds, UNIT_count };
enum { LABEL_MAX = 64, BOUNDS_MAX = 24, SLOTS = 512 };

typedef struct Family {
  const char *name, *type, *labels[2], *doc;
  enum Unit unit;
} Family;
#define FAMILY_ROW(name, type, unit, a, b, doc) {"breyta_" #name, #type, {a, b}, doc, UNIT_##unit},
static const Family families[] = {METRIC_FAMILIES(FAMILY_ROW)};

static const int64_t seconds[] = {100,     250,     500,      1000,     2500,     5000,      10000,      25000,      50000,       100000,       250000, 500000,
                                  1000000, 2500000, 10000000, 60000000, 300000000, 1800000000, 7200000000, 86400000000, 604800000000}; /* us */
static const int64_t counts[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};

typedef struct Series {
  char a[LABEL_MAX], b[LABEL_MAX];
  int64_t n, sum, buckets[BOUNDS_MAX];
  struct Series *chain, *next;
} Series;

static struct {
  Series *slots[SLOTS], *first, **last;
  int n;
} table[METRIC_FAMILY_COUNT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t hash_text(uint32_t h, const char *s) {
  while (*s) h = (h ^ (unsigned char)*s++) * 16777619u;
  return (h ^ 0xff) * 16777619u;
}

/* As much of a value as a label keeps, cut between characters: half a character would make a scraper refuse all of the text. */
static void label_of(char out[LABEL_MAX], const char *s) {
  size_t n = utf8_whole(s, strnlen(s, LABEL_MAX - 1));
  memcpy(out, s, n);
  out[n] = 0;
}

/* locked; a and b: label_of */
static Series *series_find(enum MetricFamily f, const char *a, const char *b) {
  uint32_t slot = hash_text(hash_text(2166136261u, a), b) % SLOTS;
  Series *s = table[f].slots[slot];
  while (s && (strcmp(s->a, a) || strcmp(s->b, b))) s = s->chain;
  if (s) return s;
  if (table[f].n >= METRIC_SERIES && !(!strcmp(a, "other") && !strcmp(b, "other"))) return series_find(f, "other", "other");
  s = calloc(1, sizeof *s);
  if (!s) abort();
  strcpy(s->a, a);
  strcpy(s->b, b);
  s->chain = table[f].slots[slot];
  table[f].slots[slot] = s;
  if (!table[f].first) table[f].last = &table[f].first;
  *table[f].last = s;
  table[f].last = &s->next;
  table[f].n++;
  return s;
}

static Series *series(enum MetricFamily f, const char *a, const char *b) {
  char la[LABEL_MAX], lb[LABEL_MAX];
  label_of(la, !families[f].labels[0] ? "" : a ? a : "none");
  label_of(lb, !families[f].labels[1] ? "" : b ? b : "none");
  return series_find(f, la, lb);
}

void metric_count(enum MetricFamily f, const char *a, const char *b) {
  pthread_mutex_lock(&lock);
  series(f, a, b)->n++;
  pthread_mutex_unlock(&lock);
}

static const int64_t *bounds(enum Unit u, int *n) {
  *n = u == UNIT_seconds ? (int)(sizeof seconds / sizeof *seconds) : (int)(sizeof counts / sizeof *counts);
  return u == UNIT_seconds ? seconds : counts;
}

void metric_observe(enum MetricFamily f, const char *a, const char *b, int64_t value) {
  int n, i = 0;
  const int64_t *at = bounds(families[f].unit, &n);
  if (value < 0) value = 0; /* a clock that was set back */
  while (i < n && value > at[i]) i++;
  pthread_mutex_lock(&lock);
  Series *s = series(f, a, b);
  s->n++;
  s->sum += value;
  s->buckets[i]++;
  pthread_mutex_unlock(&lock);
}

/* --- text ---------------------------------------------------------------------------------------------------------------------------- */
/* Microseconds as seconds, without a float: 1234567 is 1.234567. */
static void put_number(Buf *out, enum Unit u, int64_t v) {
  if (u != UNIT_seconds) {
    buf_fmt(out, "%lld", (long long)v);
    return;
  }
  char t[40];
  int n = snprintf(t, sizeof t, "%lld.%06lld", (long long)(v / 1000000), (long long)(v % 1000000));
  while (t[n - 1] == '0') n--;
  if (t[n - 1] == '.') n--;
  buf_add(out, t, (size_t)n);
}

static void put_label(Buf *out, const char *name, const char *value, const char **between) {
  buf_fmt(out, "%s%s=\"", *between, name);
  for (const char *p = value; *p; p++) {
    if (*p == '\n') buf_c(out, "\\n");
    else if (*p == '"' || *p == '\\') buf_fmt(out, "\\%c", *p);
    else buf_add(out, p, 1);
  }
  buf_c(out, "\"");
  *between = ",";
}

/* name{labels, le}; le NULL: none. */
static void put_name(Buf *out, const Family *f, const Series *s, const char *suffix, const char *le) {
  const char *between = "{";
  buf_fmt(out, "%s%s", f->name, suffix);
  if (f->labels[0]) put_label(out, f->labels[0], s->a, &between);
  if (f->labels[1]) put_label(out, f->labels[1], s->b, &between);
  if (le) put_label(out, "le", le, &between);
  buf_c(out, *between == ',' ? "} " : " ");
}

static void put_histogram(Buf *out, const Family *f, const Series *s) {
  int n;
  int64_t sum = 0;
  const int64_t *at = bounds(f->unit, &n);
  Buf le = {0};
  for (int i = 0; i < n; i++) {
    le.n = 0;
    put_number(&le, f->unit, at[i]);
    put_name(out, f, s, "_bucket", buf_cstr(&le));
    buf_fmt(out, "%lld\n", (long long)(sum += s->buckets[i]));
  }
  buf_free(&le);
  put_name(out, f, s, "_bucket", "+Inf");
  buf_fmt(out, "%lld\n", (long long)s->n);
  put_name(out, f, s, "_sum", NULL);
  put_number(out, f->unit, s->sum);
  buf_c(out, "\n");
  put_name(out, f, s, "_count", NULL);
  buf_fmt(out, "%lld\n", (long long)s->n);
}

static void put_family(Buf *out, enum MetricFamily id) {
  const Family *f = &families[id];
  buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->doc, f->name, f->type);
  if (!f->labels[0]) (void)series(id, NULL, NULL); /* without labels it is there from the beginning */
  for (const Series *s = table[id].first; s; s = s->next) {
    if (f->unit != UNIT_none) {
      put_histogram(out, f, s);
      continue;
    }
    put_name(out, f, s, "", NULL);
    buf_fmt(out, "%lld\n", (long long)s->n);
  }
}

static void put_gauge(Buf *out, const char *name, const char *doc, enum Unit u, int64_t v) {
  buf_fmt(out, "# HELP breyta_%s %s\n# TYPE breyta_%s gauge\nbreyta_%s ", name, doc, name, name);
  put_number(out, u, v);
  buf_c(out, "\n");
}
void metrics_gauge(Buf *out, const char *name, const char *doc, int64_t value_us) { put_gauge(out, name, doc, UNIT_seconds, value_us); }
void metrics_number(Buf *out, const char *name, const char *doc, int64_t value) { put_gauge(out, name, doc, UNIT_count, value); }

void metrics_text(Buf *out) {
#define METRIC_TEXT(name, type, doc)                                                                                            \
  buf_fmt(out, "# HELP breyta_" #name " %s\n# TYPE breyta_" #name " " #type "\nbreyta_" #name " %lld\n", doc, \
          (long long)metric_get(METRIC_##name));
  METRICS(METRIC_TEXT)
  pthread_mutex_lock(&lock);
  for (int f = 0; f < METRIC_FAMILY_COUNT; f++) put_family(out, (enum MetricFamily)f);
  pthread_mutex_unlock(&lock);
}
