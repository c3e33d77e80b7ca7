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

void pos_init(PosIndex *ix, const char *text, size_t n) {
  *ix = (PosIndex){.text = text, .n = n};
  Scan s = {.ix = ix, .p = text, .end = text + n};
  node_new(&s, POS_ATOM, text);
  while (s.p < s.end && !scan_form(&s)) {
    skip_blank(&s);
    if (s.p < s.end && strchr(")]}", *s.p)) s.p++;
  }
  scan_lines(ix);
}

void pos_free(PosIndex *ix) {
  mem_raw_free(ix->a);
  mem_raw_free(ix->lines);
  *ix = (PosIndex){0};
}

/* --- lookups ------------------------------------------------------------------------------------------------------ */
static const PosNode *nth_kid(const PosIndex *ix, const PosNode *n, uint32_t i) {
  uint32_t k = n->first;
  while (k && i--) k = ix->a[k].next;
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

const PosNode *pos_entry(const PosIndex *ix, const PosNode *map, Val key, bool want_key) {
  map = pos_value(ix, map);
  if (!map || map->kind != POS_MAP) return NULL;
  Val text = pr_str(key);
  if (is_sig(text)) return NULL;
  const PosNode *found = NULL;
  for (uint32_t k = map->first; k && !found;) {
    const PosNode *node = pos_value(ix, &ix->a[k]);
    uint32_t v = ix->a[k].next;
    if (!v) break;
    if (node && text_is(ix, node, str_s(text), str_n(text))) found = want_key ? node : pos_value(ix, &ix->a[v]);
    k = ix->a[v].next;
  }
  return found;
}

const PosNode *pos_find(const PosIndex *ix, int line, int col) {
  if (line < 1 || (uint32_t)line > ix->nlines || col < 1) return NULL;
  size_t at = ix->lines[line - 1];
  for (int c = 1; c < col && at < ix->n; c++) {
    at++;
    while (at < ix->n && ((uint8_t)ix->text[at] & 0xc0) == 0x80) at++;
  }
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
  *col = 1;
  for (uint32_t i = ix->lines[lo]; i < n->at; i++) *col += ((uint8_t)ix->text[i] & 0xc0) != 0x80;
}
