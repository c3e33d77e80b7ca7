/* tz.c - see tz.h. A zone is read once and kept; what its rule says behind the last transition (a POSIX TZ string such as
 * EST5EDT,M3.2.0,M11.1.0) is computed. */
#include "tz.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_DIR "/usr/share/zoneinfo/"
#define ZONE_FILE_MAX (256 * 1024)

typedef struct Rule { char kind; int month, week, day; int32_t at; } Rule; /* kind M, J (1-365 without 29 Feb) or 0 (0-365) */
typedef struct Zone {
  struct Zone *next;
  char name[64];
  bool known;
  uint32_t n;
  int64_t *when;
  int32_t *offset; /* n of them, from when[i] on */
  int32_t first;   /* before when[0] */
  bool has_rule, has_dst;
  int32_t std, dst;
  Rule from, to;
} Zone;

static Zone *zones;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- POSIX rules ---- */

static int number(const char **p) {
  int v = 0;
  while (**p >= '0' && **p <= '9' && v < 100000) v = v * 10 + (*(*p)++ - '0');
  return v;
}

static int32_t clock_of(const char **p) { /* [+-]hh[:mm[:ss]] */
  int sign = **p == '-' ? -1 : 1;
  if (**p == '-' || **p == '+') ++*p;
  int32_t s = number(p) * 3600;
  if (**p == ':') ++*p, s += number(p) * 60;
  if (**p == ':') ++*p, s += number(p);
  return sign * s;
}

static void skip_name(const char **p) {
  if (**p == '<') {
    while (**p && **p != '>') ++*p;
    if (**p) ++*p;
  } else {
    while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z')) ++*p;
  }
}

static Rule rule_of(const char **p) {
  Rule r = {.at = 7200};
  if (**p == ',') ++*p;
  if (**p == 'M') {
    ++*p;
    r.kind = 'M';
    r.month = number(p);
    if (**p == '.') ++*p;
    r.week = number(p);
    if (**p == '.') ++*p;
    r.day = number(p);
  } else {
    if (**p == 'J') r.kind = 'J', ++*p;
    r.day = number(p);
  }
  if (**p == '/') ++*p, r.at = clock_of(p);
  return r;
}

static void posix_rule(Zone *z, const char *p) {
  if (!*p) return;
  skip_name(&p);
  z->std = -clock_of(&p);
  z->has_rule = true;
  if (!*p) return;
  skip_name(&p);
  z->dst = z->std + 3600;
  if (*p && *p != ',') z->dst = -clock_of(&p);
  z->has_dst = *p == ',';
  if (!z->has_dst) return;
  z->from = rule_of(&p);
  z->to = rule_of(&p);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
static bool leap(int64_t y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }

static int64_t days_to(int64_t year) { /* from 1970-01-01 to the first day of the year */
  int64_t y = year - 1;
  return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 719162;
}

static int64_t rule_day(const Rule *r, int64_t year) {
  static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
  int64_t jan1 = days_to(year);
  if (r->kind == 'J') return jan1 + r->day - 1 + (leap(year) && r->day >= 60);
  if (r->kind != 'M') return jan1 + r->day;
  if (r->month < 1 || r->month > 12) return jan1;
  int64_t first = jan1 + before[r->month - 1] + (r->month > 2 && leap(year));
  int64_t length = before[r->month] - before[r->month - 1] + (r->month == 2 && leap(year));
  int weekday = (int)(((first % 7) + 11) % 7); /* 0 = Sunday; 1970-01-01 was a Thursday */
  int64_t day = first + (r->day - weekday + 7) % 7 + 7 * (r->week - 1);
  return day >= first + length ? day - 7 : day;
}

static int32_t by_rule(const Zone *z, int64_t t) {
  if (!z->has_dst) return z->std;
  int64_t day = floor_div(t + z->std, 86400), year = 1970 + floor_div(day * 400, 146097);
  while (days_to(year + 1) <= day) year++;
  while (days_to(year) > day) year--;
  int64_t on = rule_day(&z->from, year) * 86400 + z->from.at - z->std, off = rule_day(&z->to, year) * 86400 + z->to.at - z->dst;
  bool dst = on < off ? t >= on && t < off : t >= on || t < off;
  return dst ? z->dst : z->std;
}

/* ---- TZif ---- */

static int64_t big_endian(const uint8_t *p, int n) {
  uint64_t v = p[0] & 0x80 ? ~UINT64_C(0) : 0;
  for (int i = 0; i < n; i++) v = v << 8 | p[i];
  return (int64_t)v;
}

typedef struct Counts { uint32_t isut, isstd, leap, time, type, chars; } Counts;

static bool counts_of(const uint8_t *p, const uint8_t *end, Counts *c) {
  if (end - p < 44 || memcmp(p, "TZif", 4)) return false;
  uint32_t *out[] = {&c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->chars};
  for (int i = 0; i < 6; i++) {
    *out[i] = (uint32_t)big_endian(p + 20 + 4 * i, 4);
    if (*out[i] > ZONE_FILE_MAX) return false;
  }
  return c->type > 0;
}

static size_t block_size(const Counts *c, size_t time) {
  return c->time * (time + 1) + 6 * (size_t)c->type + c->chars + c->leap * (time + 4) + c->isstd + c->isut;
}

/* The data block at p, with times of `time` bytes. */
static bool take_block(Zone *z, const uint8_t *p, const Counts *c, int time) {
  const uint8_t *types = p + c->time * (size_t)time, *infos = types + c->time;
  z->when = calloc(c->time + 1, sizeof *z->when);
  z->offset = calloc(c->time + 1, sizeof *z->offset);
  if (!z->when || !z->offset) abort();
  z->first = (int32_t)big_endian(infos, 4);
  for (uint32_t i = 0; i < c->time; i++) {
    if (types[i] >= c->type) return false;
    z->when[i] = big_endian(p + i * (size_t)time, time);
    z->offset[i] = (int32_t)big_endian(infos + 6 * types[i], 4);
  }
  z->n = c->time;
  return true;
}

static bool parse(Zone *z, const uint8_t *p, const uint8_t *end) {
  Counts c;
  if (!counts_of(p, end, &c)) return false;
  if (p[4] < '2') return (size_t)(end - p) >= 44 + block_size(&c, 4) && take_block(z, p + 44, &c, 4);
  size_t skip = 44 + block_size(&c, 4);
  if ((size_t)(end - p) < skip) return false;
  p += skip;
  if (!counts_of(p, end, &c) || (size_t)(end - p) < 44 + block_size(&c, 8) || !take_block(z, p + 44, &c, 8)) return false;
  p += 44 + block_size(&c, 8);
  if (p < end && *p == '\n') {
    char rule[128] = {0};
    size_t n = 0;
    for (p++; p < end && *p != '\n' && n < sizeof rule - 1; p++) rule[n++] = (char)*p;
    posix_rule(z, rule);
  }
  return true;
}

static bool name_ok(const char *s) {
  if (!*s || *s == '/' || strlen(s) >= sizeof ((Zone *)0)->name || strstr(s, "..")) return false;
  return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == strlen(s);
}

static Zone *zone_load(const char *name) {
  char path[128];
  Zone *z = calloc(1, sizeof *z);
  uint8_t *buf = malloc(ZONE_FILE_MAX);
  if (!z || !buf) abort();
  snprintf(z->name, sizeof z->name, "%s", name);
  snprintf(path, sizeof path, ZONE_DIR "%s", name);
  FILE *f = fopen(path, "rb");
  if (f) {
    size_t n = fread(buf, 1, ZONE_FILE_MAX, f);
    fclose(f);
    z->known = parse(z, buf, buf + n);
  }
  free(buf);
  return z;
}

static Zone *zone_of(const char *name) {
  pthread_mutex_lock(&lock);
  Zone *z = zones;
  while (z && strcmp(z->name, name)) z = z->next;
  if (!z) {
    z = zone_load(name);
    z->next = zones;
    zones = z;
  }
  pthread_mutex_unlock(&lock);
  return z;
}

bool tz_offset(const char *name, int64_t t, int32_t *offset) {
  if (!name_ok(name)) return false;
  const Zone *z = zone_of(name);
  if (!z->known) return false;
  uint32_t lo = 0, hi = z->n; /* when[lo - 1] <= t < when[lo] */
  while (lo < hi) {
    uint32_t mid = (lo + hi) / 2;
    if (z->when[mid] <= t) lo = mid + 1;
    else hi = mid;
  }
  *offset = lo == z->n && z->has_rule ? by_rule(z, t) : lo ? z->offset[lo - 1] : z->first;
  return true;
}
