#include "textdiff.h"
#include <stdlib.h>
#include <string.h>

enum { COST_MAX = 400 }; /* steps of one search from each end */

typedef struct Line {
  const char *p;
  size_t n; /* with its newline */
  uint32_t id;
} Line;

typedef struct Side {
  Line *a;
  size_t n;
  bool *changed;
} Side;

typedef struct Diff {
  Side x, y;
  int32_t *fwd, *back; /* furthest x of each diagonal; index = diagonal + off */
  int32_t off;
} Diff;

static void *need(void *p) {
  if (!p) abort();
  return p;
}

/* --- lines -----------------------------------------------------------------------------------------------------------------------------
 */
static Side split(const char *p, size_t n) {
  Side s = {0};
  size_t cap = 0;
  const char *end = p + n;
  while (p < end) {
    const char *nl = memchr(p, '\n', (size_t)(end - p)), *next = nl ? nl + 1 : end;
    if (s.n == cap) s.a = need(realloc(s.a, (cap = cap ? cap * 2 : 256) * sizeof *s.a));
    s.a[s.n++] = (Line){p, (size_t)(next - p), 0};
    p = next;
  }
  s.changed = need(calloc(s.n + 1, sizeof *s.changed));
  return s;
}

static uint64_t hash(const Line *l) {
  uint64_t h = 1469598103934665603u;
  for (size_t i = 0; i < l->n; i++) h = (h ^ (uint8_t)l->p[i]) * 1099511628211u;
  return h ^ h >> 29;
}

/* Equal lines get equal numbers. */
static void number_lines(Side *x, Side *y) {
  size_t cap = 16;
  uint32_t next = 1;
  while (cap < 2 * (x->n + y->n)) cap *= 2;
  Line **table = need(calloc(cap, sizeof *table));
  for (size_t i = 0; i < x->n + y->n; i++) {
    Line *l = i < x->n ? &x->a[i] : &y->a[i - x->n];
    size_t at = hash(l) & (cap - 1);
    while (table[at] && (table[at]->n != l->n || memcmp(table[at]->p, l->p, l->n))) at = (at + 1) & (cap - 1);
    if (!table[at]) {
      table[at] = l;
      l->id = next++;
    }
    l->id = table[at]->id;
  }
  free(table);
}

/* --- the search ---------------------------------------------------------------------------------------------------------------------- */
typedef struct Area {
  int32_t x0, x1, y0, y1;
} Area;
typedef struct Middle {
  int32_t x, y;
} Middle;

static bool same_at(const Diff *d, int32_t x, int32_t y) { return d->x.a[x].id == d->y.a[y].id; }

/* One more step of the forward paths; true: a path met one from the other end, *m lies on a shortest script. */
static bool forward(Diff *d, Area b, int32_t cost, int32_t delta, Middle *m) {
  for (int32_t k = -cost; k <= cost; k += 2) {
    int32_t *v = d->fwd + d->off;
    int32_t x = k == -cost || (k != cost && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1, y = x - k;
    while (b.x0 + x < b.x1 && b.y0 + y < b.y1 && x >= 0 && y >= 0 && same_at(d, b.x0 + x, b.y0 + y)) x++, y++;
    v[k] = x;
    int32_t r = delta - k; /* the same diagonal, counted from the other end */
    if ((delta & 1) && r >= -(cost - 1) && r <= cost - 1 && x + d->back[d->off + r] >= b.x1 - b.x0) {
      *m = (Middle){b.x0 + x, b.y0 + y};
      return true;
    }
  }
  return false;
}

static bool backward(Diff *d, Area b, int32_t cost, int32_t delta, Middle *m) {
  for (int32_t k = -cost; k <= cost; k += 2) {
    int32_t *v = d->back + d->off;
    int32_t x = k == -cost || (k != cost && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1, y = x - k;
    while (b.x1 - x > b.x0 && b.y1 - y > b.y0 && x >= 0 && y >= 0 && same_at(d, b.x1 - x - 1, b.y1 - y - 1)) x++, y++;
    v[k] = x;
    int32_t f = delta - k;
    if (!(delta & 1) && f >= -cost && f <= cost && x + d->fwd[d->off + f] >= b.x1 - b.x0) {
      *m = (Middle){b.x1 - x, b.y1 - y};
      return true;
    }
  }
  return false;
}

static bool inside(Area b, Middle m) { return m.x >= b.x0 && m.x <= b.x1 && m.y >= b.y0 && m.y <= b.y1; }

/* The furthest that the forward paths have come. */
static Middle furthest(const Diff *d, Area b, int32_t cost) {
  Middle best = {b.x0, b.y0};
  for (int32_t k = -cost; k <= cost; k += 2) {
    Middle m = {b.x0 + d->fwd[d->off + k], b.y0 + d->fwd[d->off + k] - k};
    if (inside(b, m) && m.x + m.y > best.x + best.y) best = m;
  }
  return best;
}

static Middle middle(Diff *d, Area b) {
  int32_t delta = (b.x1 - b.x0) - (b.y1 - b.y0), cost;
  Middle m;
  d->fwd[d->off + 1] = d->back[d->off + 1] = 0;
  for (cost = 0; cost < COST_MAX; cost++)
    if (forward(d, b, cost, delta, &m) || backward(d, b, cost, delta, &m)) return m;
  return furthest(d, b, cost - 1);
}

static void mark(Diff *d, Area b) {
  for (int32_t i = b.x0; i < b.x1; i++) d->x.changed[i] = true;
  for (int32_t i = b.y0; i < b.y1; i++) d->y.changed[i] = true;
}

static void compare(Diff *d, Area b) {
  for (;;) {
    while (b.x0 < b.x1 && b.y0 < b.y1 && same_at(d, b.x0, b.y0)) b.x0++, b.y0++;
    while (b.x0 < b.x1 && b.y0 < b.y1 && same_at(d, b.x1 - 1, b.y1 - 1)) b.x1--, b.y1--;
    if (b.x0 == b.x1 || b.y0 == b.y1) {
      mark(d, b);
      return;
    }
    Middle m = middle(d, b);
    if (!inside(b, m) || (m.x == b.x0 && m.y == b.y0) || (m.x == b.x1 && m.y == b.y1)) {
      mark(d, b); /* nothing in common that the search could find */
      return;
    }
    Area first = {b.x0, m.x, b.y0, m.y}, rest = {m.x, b.x1, m.y, b.y1};
    bool small = (first.x1 - first.x0) + (first.y1 - first.y0) < (rest.x1 - rest.x0) + (rest.y1 - rest.y0);
    compare(d, small ? first : rest); /* the smaller half: the depth is the logarithm of the size */
    b = small ? rest : first;
  }
}

/* --- the unified form ---------------------------------------------------------------------------------------------------------------- */
static void line(Buf *out, char sign, const Line *l) {
  buf_ch(out, sign);
  buf_add(out, l->p, l->n);
  if (l->p[l->n - 1] != '\n') buf_c(out, "\n\\ No newline at end of file\n");
}

/* The end of the changes that begin at (*i, *j), with those close behind: fewer than two contexts of equal lines are between. */
static void hunk_end(const Diff *d, size_t *i, size_t *j) {
  size_t x = *i, y = *j, equal = 0;
  while (x < d->x.n || y < d->y.n) {
    bool dx = x < d->x.n && d->x.changed[x], dy = y < d->y.n && d->y.changed[y];
    if (!dx && !dy) {
      if (++equal > 2 * TEXTDIFF_CONTEXT || x >= d->x.n || y >= d->y.n) return;
      x++, y++;
      continue;
    }
    x += dx, y += dy;
    equal = 0;
    *i = x, *j = y;
  }
}

static void range(Buf *out, char sign, size_t from, size_t n) {
  if (n == 1)
    buf_fmt(out, " %c%zu", sign, from + 1);
  else
    buf_fmt(out, " %c%zu,%zu", sign, n ? from + 1 : from, n);
}

static void hunk(const Diff *d, Buf *out, size_t x0, size_t x1, size_t y0, size_t y1) {
  size_t before = x0 < TEXTDIFF_CONTEXT ? x0 : TEXTDIFF_CONTEXT, after = d->x.n - x1 < TEXTDIFF_CONTEXT ? d->x.n - x1 : TEXTDIFF_CONTEXT;
  size_t x = x0 - before, y = y0 - before, xe = x1 + after, ye = y1 + after;
  buf_c(out, "@@");
  range(out, '-', x, xe - x);
  range(out, '+', y, ye - y);
  buf_c(out, " @@\n");
  while (x < xe || y < ye) {
    if (x < xe && d->x.changed[x])
      line(out, '-', &d->x.a[x++]);
    else if (y < ye && d->y.changed[y])
      line(out, '+', &d->y.a[y++]);
    else
      line(out, ' ', &d->x.a[x]), x++, y++;
  }
}

static void write_hunks(const Diff *d, const char *label_a, const char *label_b, Buf *out, TextDiff *t) {
  size_t x = 0, y = 0;
  while (x < d->x.n || y < d->y.n) {
    if (!(x < d->x.n && d->x.changed[x]) && !(y < d->y.n && d->y.changed[y])) {
      x++, y++;
      continue;
    }
    size_t x0 = x, y0 = y;
    hunk_end(d, &x, &y);
    if (out && !t->hunks) buf_fmt(out, "--- %s\n+++ %s\n", label_a, label_b);
    if (out) hunk(d, out, x0, x, y0, y);
    t->hunks++;
  }
}

TextDiff textdiff(const char *a, size_t na, const char *label_a, const char *b, size_t nb, const char *label_b, Buf *out) {
  TextDiff t = {0};
  Diff d = {.x = split(a, na), .y = split(b, nb)};
  number_lines(&d.x, &d.y);
  d.off = COST_MAX + 2;
  d.fwd = need(calloc(2 * (size_t)d.off + 1, sizeof *d.fwd));
  d.back = need(calloc(2 * (size_t)d.off + 1, sizeof *d.back));
  compare(&d, (Area){0, (int32_t)d.x.n, 0, (int32_t)d.y.n});
  for (size_t i = 0; i < d.x.n; i++) t.removed += d.x.changed[i];
  for (size_t i = 0; i < d.y.n; i++) t.added += d.y.changed[i];
  write_hunks(&d, label_a, label_b, out, &t);
  free(d.x.a), free(d.x.changed), free(d.y.a), free(d.y.changed), free(d.fwd), free(d.back);
  return t;
}
