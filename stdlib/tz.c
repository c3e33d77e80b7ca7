/* tz.c - see tz.h */
#include "tz.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, NAME_MAX_BYTES = 80, DAY = 86400, OFFSET_MAX = 26 * 3600, FOOTER_MAX = 128 };

/* When a year's daylight saving begins or ends: Jn, n, or Mm.w.d, at seconds of local time. */
typedef struct Rule { enum { RULE_JULIAN, RULE_DAY, RULE_MONTH } how; int month, week, day; int32_t at; } Rule;
struct Tz {
  char *name;
  Tz *next;
  int64_t *at; /* transitions, ascending; from at[i] on the offset is off[i] */
  int32_t *off;
  size_t n;
  int32_t first; /* before the first transition */
  bool footer, dst; /* the footer is there; it has daylight saving time */
  int32_t std_off, dst_off;
  Rule begin, end;
};

/* --- days -------------------------------------------------------------------------------------------------------------------------- */
/* Howard Hinnant's algorithms: years begin in March, so the leap day is the last of its year. */
int64_t tz_days(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400, yoe = year - era * 400;
  int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void tz_date(int64_t days, int64_t *year, int *month, int *day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097, doe = days - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  *day = (int)(doy - (153 * mp + 2) / 5 + 1);
  *month = (int)(mp < 10 ? mp + 3 : mp - 9);
  *year = yoe + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static bool leap(int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

/* --- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" ----------------------------------------------------------------------------------------- */
static bool number(const char **p, int max, int *out) {
  int v = 0;
  const char *s = *p;
  while (*s >= '0' && *s <= '9' && v <= max) v = v * 10 + (*s++ - '0');
  if (s == *p || v > max) return false;
  *p = s;
  *out = v;
  return true;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool clock_time(const char **p, int32_t *out) {
  int part[3] = {0, 0, 0}, sign = **p == '-' ? -1 : 1;
  *p += **p == '-' || **p == '+';
  if (!number(p, 167, &part[0])) return false;
  for (int i = 1; i < 3 && **p == ':'; i++) {
    ++*p;
    if (!number(p, 59, &part[i])) return false;
  }
  *out = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
  return true;
}

static bool abbreviation(const char **p) {
  const char *s = *p, *end;
  if (*s == '<') {
    if (!(end = strchr(s, '>'))) return false;
    *p = end + 1;
    return end - s > 3;
  }
  size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
  *p = s + n;
  return n >= 3;
}

static bool rule(const char **p, Rule *r) {
  *r = (Rule){.at = 2 * 3600};
  if (*(*p)++ != ',') return false;
  bool ok;
  if (**p == 'M') {
    r->how = RULE_MONTH;
    ++*p;
    ok = number(p, 12, &r->month) && r->month && *(*p)++ == '.' && number(p, 5, &r->week) && r->week && *(*p)++ == '.' && number(p, 6, &r->day);
  } else if (**p == 'J') {
    r->how = RULE_JULIAN;
    ++*p;
    ok = number(p, 365, &r->day) && r->day;
  } else {
    r->how = RULE_DAY;
    ok = number(p, 365, &r->day);
  }
  if (!ok || **p != '/') return ok;
  ++*p;
  return clock_time(p, &r->at);
}

static bool footer(Tz *z, const char *s) {
  int32_t west;
  if (!abbreviation(&s) || !clock_time(&s, &west)) return false;
  z->std_off = -west;
  z->footer = true;
  if (!*s) return true;
  if (!abbreviation(&s)) return false;
  z->dst_off = z->std_off + 3600;
  if (*s && *s != ',') {
    if (!clock_time(&s, &west)) return false;
    z->dst_off = -west;
  }
  z->dst = true;
  return rule(&s, &z->begin) && rule(&s, &z->end) && !*s;
}

/* The UTC second of a rule in a year; `off` holds until then. */
static int64_t rule_time(const Rule *r, int64_t year, int32_t off) {
  int64_t day = tz_days(year, 1, 1);
  if (r->how == RULE_DAY) day += r->day;
  if (r->how == RULE_JULIAN) day += r->day - 1 + (leap(year) && r->day >= 60);
  if (r->how == RULE_MONTH) {
    day = tz_days(year, r->month, 1);
    int64_t next = r->month == 12 ? tz_days(year + 1, 1, 1) : tz_days(year, r->month + 1, 1);
    day += ((r->day - (day + 4)) % 7 + 7) % 7 + 7 * (r->week - 1); /* 1970-01-01 was a Thursday */
    while (day >= next) day -= 7;
  }
  return day * DAY + r->at - off;
}

static int64_t year_of(int64_t utc) {
  int64_t y, far = INT64_C(1) << 58; /* no sum overflows */
  int m, d;
  utc = utc > far ? far : utc < -far ? -far : utc;
  tz_date(floor_div(utc, DAY), &y, &m, &d);
  return y;
}

/* The newest change of the footer's rules at or before utc, or the first one after it. */
static int64_t rule_near(const Tz *z, int64_t utc, bool after, int32_t *off) {
  int64_t best = after ? INT64_MAX : INT64_MIN, year = year_of(utc);
  for (int64_t y = year - 1; y <= year + 1; y++) {
    int64_t t[2] = {rule_time(&z->begin, y, z->std_off), rule_time(&z->end, y, z->dst_off)};
    for (int i = 0; i < 2; i++)
      if (after ? t[i] > utc && t[i] < best : t[i] <= utc && t[i] >= best) best = t[i], *off = i ? z->std_off : z->dst_off;
  }
  return best;
}

/* --- the file ----------------------------------------------------------------------------------------------------------------------- */
static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }
static int64_t be64(const uint8_t *p) { return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4)); }

typedef struct Head { size_t utc, std, leaps, times, types, chars; } Head;

static bool head(const uint8_t *p, size_t n, Head *h) {
  if (n < 44 || memcmp(p, "TZif", 4)) return false;
  *h = (Head){be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
  return h->times < 1 << 16 && h->types && h->types <= 256 && h->chars < 1 << 12 && h->leaps < 1 << 12 && h->utc <= 256 && h->std <= 256;
}

static size_t block(const Head *h, size_t word) {
  return h->times * (word + 1) + h->types * 6 + h->chars + h->leaps * (word + 4) + h->std + h->utc;
}

static bool transitions(Tz *z, const uint8_t *p, const Head *h, size_t word) {
  const uint8_t *kinds = p + h->times * word, *types = kinds + h->times;
  z->at = calloc(h->times + 1, sizeof *z->at);
  z->off = calloc(h->times + 1, sizeof *z->off);
  if (!z->at || !z->off) abort();
  for (z->n = 0; z->n < h->times; z->n++) {
    size_t i = z->n;
    if (kinds[i] >= h->types) return false;
    z->at[i] = word == 8 ? be64(p + i * 8) : (int32_t)be32(p + i * 4);
    z->off[i] = (int32_t)be32(types + kinds[i] * 6u);
    if ((i && z->at[i] <= z->at[i - 1]) || abs(z->off[i]) > OFFSET_MAX) return false;
  }
  z->first = (int32_t)be32(types);
  return abs(z->first) <= OFFSET_MAX;
}

static bool parse(Tz *z, const uint8_t *p, size_t n) {
  Head h;
  size_t word = 4;
  char text[FOOTER_MAX];
  if (!head(p, n, &h)) return false;
  bool wide = p[4] >= '2';
  size_t skip = 44 + block(&h, 4);
  if (wide) {
    if (skip > n || !head(p + skip, n - skip, &h)) return false;
    p += skip;
    n -= skip;
    word = 8;
  }
  size_t size = 44 + block(&h, word);
  if (size > n || !transitions(z, p + 44, &h, word)) return false;
  const uint8_t *end = wide && size + 2 <= n && p[size] == '\n' ? memchr(p + size + 1, '\n', n - size - 1) : NULL;
  size_t len = end ? (size_t)(end - (p + size + 1)) : 0;
  if (!end || !len) return true;
  if (len >= sizeof text) return false;
  memcpy(text, p + size + 1, len);
  text[len] = 0;
  return footer(z, text);
}

void tz_free(Tz *z) {
  if (!z) return;
  free(z->at);
  free(z->off);
  free(z->name);
  free(z);
}

Tz *tz_parse(const void *p, size_t n) {
  Tz *z = calloc(1, sizeof *z);
  if (!z) abort();
  if (parse(z, p, n)) return z;
  tz_free(z);
  return NULL;
}

/* --- the zones of this process ------------------------------------------------------------------------------------------------------- */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Tz *zones;

static bool name_ok(const char *s) {
  size_t n = strlen(s);
  return n < NAME_MAX_BYTES && *s != '/' && *s != '.' && !strstr(s, "/.") && !strstr(s, "//") && s[n - 1] != '/' &&
         strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/.") == n;
}

static Tz *load(const char *name) {
  const char *dir = getenv("TZDIR");
  char path[4200];
  struct stat st;
  if (!strcmp(name, "UTC")) { /* works without tzdata */
    Tz *z = calloc(1, sizeof *z);
    if (!z) abort();
    return z;
  }
  if (snprintf(path, sizeof path, "%s/%s", dir && *dir ? dir : "/usr/share/zoneinfo", name) >= (int)sizeof path) return NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  uint8_t *p = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size < FILE_MAX ? malloc((size_t)st.st_size + 1) : NULL;
  ssize_t n = p ? read(fd, p, (size_t)st.st_size) : -1;
  close(fd);
  Tz *z = n > 0 ? tz_parse(p, (size_t)n) : NULL;
  free(p);
  return z;
}

const Tz *tz_get(const char *name) {
  if (!name || !*name) name = "UTC";
  pthread_mutex_lock(&lock);
  Tz *z = zones;
  while (z && strcmp(z->name, name)) z = z->next;
  if (!z && name_ok(name) && (z = load(name))) {
    z->name = strdup(name);
    if (!z->name) abort();
    z->next = zones;
    zones = z;
  }
  pthread_mutex_unlock(&lock);
  return z;
}

/* --- looking ------------------------------------------------------------------------------------------------------------------------- */
/* How many transitions are at or before utc. */
static size_t passed(const Tz *z, int64_t utc) {
  size_t lo = 0, hi = z->n;
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    if (z->at[mid] <= utc) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

int32_t tz_offset(const Tz *z, int64_t utc) {
  size_t i = passed(z, utc);
  int32_t off = z->std_off;
  if (i < z->n || !z->footer) return i ? z->off[i - 1] : z->first;
  if (!z->dst || rule_near(z, utc, false, &off) != INT64_MIN) return off;
  return z->std_off;
}

int64_t tz_next_change(const Tz *z, int64_t utc) {
  size_t i = passed(z, utc);
  int32_t off;
  if (i < z->n) return z->at[i];
  return z->footer && z->dst ? rule_near(z, utc, true, &off) : INT64_MAX;
}

int64_t tz_first(const Tz *z, int64_t local) {
  int64_t from = local - OFFSET_MAX - DAY, off = tz_offset(z, from);
  for (;;) {
    int64_t until = tz_next_change(z, from);
    if (local - off < from) return from; /* skipped, or shown before this change already */
    if (until == INT64_MAX || local - off < until) return local - off;
    from = until;
    off = tz_offset(z, from);
  }
}
