/* flowdef_pos.c - see flowdef_pos.h. */
#include "flowdef_pos.h"
#include "reader/mem.h"
#include "reader/print.h"

typedef struct Scan {
  PosIndex *ix;
  const char *p, *end;
  int depth;
} Scan;
enum { SCAN_DEPTH = 2000 };

static uint32_t scan_form(Scan *s);

/* --- characters --------------------------------------------------------------------------------------------------- */
static bool ends_token(char c) {
  return c == ' ' || c == ',' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f) || strchr("()[]{}\";@^`~", c) != NULL;
}

/* White space of Java beyond ASCII, which the reader skips too. */
static int wide_space(const char *p, const char *end) {
  if (end - p < 3) return 0;
  const uint8_t *u = (const uint8_t *)p;
  if (u[0] == 0xe1 && u[1] == 0x9a && u[2] == 0x80) return 3;
  if (u[0] == 0xe3 && u[1] == 0x80 && u[2] == 0x80) return 3;
  if (u[0] == 0xe2 && u[1] == 0x81 && u[2] == 0x9f) return 3;
  bool general = u[0] == 0xe2 && u[1] == 0x80;
  return general && ((u[2] >= 0x80 && u[2] <= 0x8a && u[2] != 0x87) || u[2] == 0xa8 || u[2] == 0xa9) ? 3 : 0;
}

static void skip_blank(Scan *s) {
  while (s->p < s->end) {
    int wide = wide_space(s->p, s->end);
    if (*s->p == ';') {
      while (s->p < s->end && *s->p != '\n') s->p++;
    } else if (wide) {
      s->p += wide;
    } else if (*s->p == ' ' || *s->p == ',' || (*s->p >= '\t' && *s->p <= '\r') || (*s->p >= 0x1c && *s->p <= 0x1f)) {
      s->p++;
    } else {
      return;
    }
  }
}

static void skip_string(Scan *s) { /* behind the opening quote */
  while (s->p < s->end && *s->p != '"') s->p += *s->p == '\\' && s->end - s->p > 1 ? 2 : 1;
  if (s->p < s->end) s->p++;
}

static void skip_token(Scan *s) {
  while (s->p < s->end && !ends_token(*s->p) && !wide_space(s->p, s->end)) s->p++;
}

static void skip_char(Scan *s) { /* behind the backslash */
  if (s->p < s->end) s->p++;
  while (s->p < s->end && ((uint8_t)*s->p & 0xc0) == 0x80) s->p++;
  skip_token(s);
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */
static uint32_t node_new(Scan *s, enum PosKind kind, const char *at) {
  PosIndex *ix = s->ix;
  if (ix->na == ix->cap) {
    ix->cap = ix->cap ? ix->cap * 2 : 256;
    ix->a = mem_raw_grow(ix->a, ix->cap * sizeof *ix->a);
  }
  ix->a[ix->na] = (PosNode){.at = (uint32_t)(at - ix->text), .kind = (uint8_t)kind};
  return ix->na++;
}

static void add_kid(Scan *s, uint32_t parent, uint32_t *last, uint32_t kid) {
  PosNode *a = s->ix->a;
  if (*last)
    a[*last].next = kid;
  else
    a[parent].first = kid;
  a[parent].nkids++;
  *last = kid;
}

static uint32_t scan_coll(Scan *s, enum PosKind kind, const char *at, char close) {
  uint32_t n = node_new(s, kind, at), last = 0;
  for (;;) {
    skip_blank(s);
    if (s->p >= s->end) break;
    if (*s->p == close) {
      s->p++;
      break;
    }
    const char *before = s->p;
    uint32_t kid = scan_form(s);
    if (kid)
      add_kid(s, n, &last, kid);
    else if (s->p == before)
      s->p++; /* a delimiter out of place: cannot be, the text was read */
  }
  return n;
}

static uint32_t scan_parts(Scan *s, enum PosKind kind, const char *at, int parts) {
  uint32_t n = node_new(s, kind, at), last = 0;
  for (int i = 0; i < parts && s->p < s->end;) {
    skip_blank(s);
    const char *before = s->p;
    uint32_t kid = scan_form(s);
    if (kid) {
      add_kid(s, n, &last, kid);
      i++;
    } else if (s->p == before) {
      break;
    }
  }
  return n;
}

static uint32_t scan_discard(Scan *s) {
  uint32_t mark = s->ix->na;
  scan_parts(s, POS_PREFIX, s->p, 1);
  s->ix->na = mark; /* as if it were not there */
  return 0;
}

static uint32_t scan_dispatch(Scan *s, const char *at) {
  char c = s->p < s->end ? *s->p : 0;
  s->p++;
  switch (c) {
  case '{': return scan_coll(s, POS_SET, at, '}');
  case '(': return scan_coll(s, POS_FN, at, ')');
  case '"': {
    uint32_t n = node_new(s, POS_ATOM, at);
    skip_string(s);
    return n;
  }
  case '_': return scan_discard(s);
  case '^': return scan_parts(s, POS_META, at, 2);
  case '\'': return scan_parts(s, POS_PREFIX, at, 1);
  case '!':
    while (s->p < s->end && *s->p != '\n') s->p++;
    return 0;
  case '#': {
    uint32_t n = node_new(s, POS_ATOM, at);
    skip_token(s);
    return n;
  }
  case '?':
    if (s->p < s->end && *s->p == '@') { /* splices: the parent's count will not agree, which is the sign for that */
      s->p++;
      return scan_parts(s, POS_TAGGED, at, 1);
    }
    return scan_parts(s, POS_COND, at, 1);
  case ':': {
    skip_token(s);
    skip_blank(s);
    return scan_parts(s, POS_TAGGED, at, 1);
  }
  default:
    s->p--;
    skip_token(s);
    return scan_parts(s, POS_TAGGED, at, 1);
  }
}

static uint32_t scan_one(Scan *s) {
  const char *at = s->p;
  switch (*s->p++) {
  case '(': return scan_coll(s, POS_LIST, at, ')');
  case '[': return scan_coll(s, POS_VEC, at, ']');
  case '{': return scan_coll(s, POS_MAP, at, '}');
  case ')':
  case ']':
  case '}': s->p--; return 0;
  case '\'':
  case '`':
  case '@': return scan_parts(s, POS_PREFIX, at, 1);
  case '~':
    if (s->p < s->end && *s->p == '@') s->p++;
    return scan_parts(s, POS_PREFIX, at, 1);
  case '^': return scan_parts(s, POS_META, at, 2);
  case '#': return scan_dispatch(s, at);
  case '"': {
    uint32_t n = node_new(s, POS_ATOM, at);
    skip_string(s);
    return n;
  }
  case '\\': {
    uint32_t n = node_new(s, POS_ATOM, at);
    skip_char(s);
    return n;
  }
  default: {
    uint32_t n = node_new(s, POS_ATOM, at);
    skip_token(s);
    return n;
  }
  }
}

/* 0: nothing was there (comment, discarded form, closing delimiter). */
static uint32_t scan_form(Scan *s) {
  skip_blank(s);
  if (s->p >= s->end || s->depth >= SCAN_DEPTH) return 0;
  s->depth++;
  uint32_t n = scan_one(s);
  s->depth--;
  if (n) s->ix->a[n].end = (uint32_t)(s->p - s->ix->text);
  return n;
}

static void scan_lines(PosIndex *ix) {
  for (size_t i = 0, start = 1; i <= ix->n; i++) {
    if (!start) {
      start = i < ix->n && ix->text[i] == '\n';
      continue;
    }
    if (ix->nlines == ix->lines_cap) {
      ix->lines_cap = ix->lines_cap ? ix->lines_cap * 2 : 128;
      ix->lines = mem_raw_grow(ix->lines, ix->lines_cap * sizeof *ix->lines);
    }
    ix->lines[ix->nlines++] = (uint32_t)i;
    start = i < ix->n && ix->text[i] == '\n';
  }
}

static bool starts_char(const PosIndex *ix, size_t at) { return ((uint8_t)ix->text[at] & 0xc0) != 0x80; }

static void count_chars(PosIndex *ix) {
  uint32_t chars = 0;
  ix->chars = mem_raw((ix->n / POS_BLOCK + 1) * sizeof *ix->chars);
  for (size_t i = 0; i <= ix->n; i++) {
    if (i % POS_BLOCK == 0) ix->chars[i / POS_BLOCK] = chars;
    chars += i < ix->n && starts_char(ix, i);
  }
}

void pos_init(PosIndex *ix, const char *text, size_t n) {
  *ix = (PosIndex){.text = text, .n = n};
  ix->entries = mem_raw(sizeof *ix->entries);
  *ix->entries = (struct PosEntries){0};
  Scan s = {.ix = ix, .p = text, .end = text + n};
  node_new(&s, POS_ATOM, text);
  while (s.p < s.end && !scan_form(&s)) {
    skip_blank(&s);
    if (s.p < s.end && strchr(")]}", *s.p)) s.p++;
  }
  scan_lines(ix);
  count_chars(ix);
}

void pos_free(PosIndex *ix) {
  if (ix->entries) mem_raw_free(ix->entries->a);
  mem_raw_free(ix->entries);
  mem_raw_free(ix->chars);
  mem_raw_free(ix->a);
  mem_raw_free(ix->lines);
  *ix = (PosIndex){0};
}

/* --- lookups ------------------------------------------------------------------------------------------------------ */
static const PosNode *nth_kid(const PosIndex *ix, const PosNode *n, uint32_t i) {
  PosNode *m = &ix->a[n - ix->a];
  bool on = m->seen && m->seen_i <= i;
  uint32_t k = on ? m->seen : m->first;
  for (uint32_t left = on ? i - m->seen_i : i; k && left; left--) k = ix->a[k].next;
  if (k) m->seen = k, m->seen_i = i;
  return k ? &ix->a[k] : NULL;
}

static bool text_is(const PosIndex *ix, const PosNode *n, const char *s, size_t len) {
  return n->end - n->at == len && !memcmp(ix->text + n->at, s, len);
}

const PosNode *pos_root(const PosIndex *ix) { return ix->na > 1 ? &ix->a[1] : NULL; }

/* The branch that #?(...) takes. */
static const PosNode *cond_branch(const PosIndex *ix, const PosNode *n) {
  const PosNode *list = nth_kid(ix, n, 0);
  for (uint32_t i = 0; list && i + 1 < list->nkids; i += 2) {
    const PosNode *k = nth_kid(ix, list, i);
    if (text_is(ix, k, ":clj", 4) || text_is(ix, k, ":default", 8)) return nth_kid(ix, list, i + 1);
  }
  return NULL;
}

const PosNode *pos_value(const PosIndex *ix, const PosNode *n) {
  while (n && (n->kind == POS_META || n->kind == POS_COND)) n = n->kind == POS_META ? nth_kid(ix, n, 1) : cond_branch(ix, n);
  return n;
}

const PosNode *pos_kid(const PosIndex *ix, const PosNode *n, uint32_t i) {
  n = pos_value(ix, n);
  return n ? pos_value(ix, nth_kid(ix, n, i)) : NULL;
}

/* --- entries of maps with many of them ---- */
enum { MANY_KIDS = 64 };

static uint32_t entry_hash(uint32_t map, const char *s, size_t n) {
  uint32_t h = 2166136261u ^ (map * 2654435761u);
  for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)s[i]) * 16777619u;
  return h ^ h >> 15;
}

/* The entry of that key, or the free place where it belongs. */
static PosEntry *entry_at(const PosIndex *ix, uint32_t map, const char *s, size_t n) {
  struct PosEntries *e = ix->entries;
  uint32_t i = entry_hash(map, s, n) & (e->cap - 1);
  while (e->a[i].map && (e->a[i].map != map || !text_is(ix, &ix->a[e->a[i].key], s, n))) i = (i + 1) & (e->cap - 1);
  return &e->a[i];
}

static PosEntry *entry_of_node(const PosIndex *ix, uint32_t map, uint32_t key) {
  return entry_at(ix, map, ix->text + ix->a[key].at, ix->a[key].end - ix->a[key].at);
}

static void entries_room(const PosIndex *ix, uint32_t more) {
  struct PosEntries *e = ix->entries, old = *e;
  if (e->cap && (e->n + more) * 2 <= e->cap) return;
  while (e->cap < (e->n + more) * 2) e->cap = e->cap ? e->cap * 2 : 256;
  e->a = mem_raw(e->cap * sizeof *e->a);
  memset(e->a, 0, e->cap * sizeof *e->a);
  for (uint32_t i = 0; i < old.cap; i++)
    if (old.a[i].map) *entry_of_node(ix, old.a[i].map, old.a[i].key) = old.a[i];
  mem_raw_free(old.a);
}

static void entries_add(const PosIndex *ix, const PosNode *map) {
  uint32_t m = (uint32_t)(map - ix->a);
  entries_room(ix, map->nkids / 2);
  for (uint32_t k = map->first, v; k && (v = ix->a[k].next); k = ix->a[v].next) {
    const PosNode *node = pos_value(ix, &ix->a[k]);
    if (!node) continue;
    uint32_t key = (uint32_t)(node - ix->a);
    PosEntry *e = entry_of_node(ix, m, key);
    if (!e->map) *e = (PosEntry){m, key, v}, ix->entries->n++; /* the first one counts */
  }
  ix->a[m].indexed = true;
}

static PosEntry entry_find(const PosIndex *ix, const PosNode *map, const char *s, size_t n) {
  if (map->nkids >= MANY_KIDS) {
    if (!map->indexed) entries_add(ix, map);
    return *entry_at(ix, (uint32_t)(map - ix->a), s, n);
  }
  for (uint32_t k = map->first, v; k && (v = ix->a[k].next); k = ix->a[v].next) {
    const PosNode *node = pos_value(ix, &ix->a[k]);
    if (node && text_is(ix, node, s, n)) return (PosEntry){1, (uint32_t)(node - ix->a), v};
  }
  return (PosEntry){0};
}

const PosNode *pos_entry(const PosIndex *ix, const PosNode *map, Val key, bool want_key) {
  map = pos_value(ix, map);
  if (!map || map->kind != POS_MAP) return NULL;
  Val text = pr_str(key);
  if (is_sig(text)) return NULL;
  PosEntry e = entry_find(ix, map, str_s(text), str_n(text));
  if (!e.map) return NULL;
  return want_key ? &ix->a[e.key] : pos_value(ix, &ix->a[e.value]);
}

/* --- lines and columns ---- */
static uint32_t chars_before(const PosIndex *ix, size_t at) {
  uint32_t n = ix->chars[at / POS_BLOCK];
  for (size_t i = at - at % POS_BLOCK; i < at; i++) n += starts_char(ix, i);
  return n;
}

/* Where the character with that number begins, counted from 0; the end of the text when there are fewer. */
static size_t char_at(const PosIndex *ix, uint32_t number) {
  size_t lo = 0, hi = ix->n / POS_BLOCK + 1;
  while (hi - lo > 1) {
    size_t mid = lo + (hi - lo) / 2;
    if (ix->chars[mid] <= number) lo = mid;
    else hi = mid;
  }
  size_t at = lo * POS_BLOCK;
  for (uint32_t n = ix->chars[lo]; at < ix->n; at++)
    if (starts_char(ix, at) && n++ == number) break;
  return at;
}

const PosNode *pos_find(const PosIndex *ix, int line, int col) {
  if (line < 1 || (uint32_t)line > ix->nlines || col < 1) return NULL;
  size_t at = char_at(ix, chars_before(ix, ix->lines[line - 1]) + (uint32_t)col - 1);
  uint32_t lo = 1, hi = ix->na;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    if (ix->a[mid].at < at)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < ix->na && ix->a[lo].at == at ? &ix->a[lo] : NULL;
}

void pos_linecol(const PosIndex *ix, const PosNode *n, int *line, int *col) {
  uint32_t lo = 0, hi = ix->nlines;
  while (hi - lo > 1) {
    uint32_t mid = lo + (hi - lo) / 2;
    if (ix->lines[mid] <= n->at)
      lo = mid;
    else
      hi = mid;
  }
  *line = (int)lo + 1;
  *col = 1 + (int)(chars_before(ix, n->at) - chars_before(ix, ix->lines[lo]));
}
