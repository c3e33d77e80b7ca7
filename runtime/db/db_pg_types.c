/* db_pg_types.c - see db_pg_types.h. OIDs are those of PostgreSQL's catalog (pg_type.dat); they never change. */
#include "db_pg_types.h"
#include "db_time.h"
#include <stdlib.h>
#include <string.h>

enum Kind { K_TEXT, K_BOOL, K_INT, K_FLOAT, K_DECIMAL, K_INST, K_TIMESTAMP, K_JSON, K_UUID, K_BYTES, K_VOID };
static const struct PgType { unsigned oid, array; enum Kind kind; } types[] = {
    {PG_BOOL, 1000, K_BOOL},   {PG_BYTEA, 1001, K_BYTES}, {18, 1002, K_TEXT},  {19, 1003, K_TEXT},   {PG_INT8, 1016, K_INT},
    {21, 1005, K_INT},         {PG_INT4, 1007, K_INT},    {PG_TEXT, 1009, K_TEXT}, {26, 1028, K_INT}, {PG_JSON, 199, K_JSON},
    {PG_JSONB, 3807, K_JSON},  {700, 1021, K_FLOAT},      {701, 1022, K_FLOAT}, {790, 791, K_TEXT},  {829, 1040, K_TEXT},
    {869, 1041, K_TEXT},       {650, 651, K_TEXT},        {1042, 1014, K_TEXT}, {1043, 1015, K_TEXT}, {1082, 1182, K_TEXT},
    {1083, 1183, K_TEXT},      {1114, 1115, K_TIMESTAMP}, {PG_TIMESTAMPTZ, 1185, K_INST}, {1186, 1187, K_TEXT}, {1266, 1270, K_TEXT},
    {1560, 1561, K_TEXT},      {1562, 1563, K_TEXT},      {PG_NUMERIC, 1231, K_DECIMAL}, {PG_UUID, 2951, K_UUID}, {142, 143, K_TEXT},
    {2278, 0, K_VOID}};

static enum Kind kind_of(unsigned oid) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].oid == oid) return types[i].kind;
  return K_TEXT;
}

unsigned pg_element(unsigned oid) {
  for (size_t i = 0; oid && i < sizeof types / sizeof *types; i++)
    if (types[i].array == oid) return types[i].oid;
  return 0;
}

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

static bool hex_cell(Buf *b, const char *s, size_t n) { /* \x0102 */
  if (n < 2 || s[0] != '\\' || s[1] != 'x' || n % 2) return false;
  uint32_t len = (uint32_t)(n - 2) / 2;
  buf_ch(b, 'B');
  buf_add(b, (const char *)&len, sizeof len);
  for (size_t i = 2; i < n; i += 2) buf_ch(b, (char)(hex_digit(s[i]) << 4 | hex_digit(s[i + 1])));
  return true;
}

static bool inst_cell(Buf *b, const char *s, size_t n) {
  int64_t ms;
  if (!db_time_read(s, n, &ms)) return false;
  return db_put_int(b, 'U', ms), true;
}

/* 2026-01-02 03:04:05 without a zone: ISO has a T between. */
static bool timestamp_cell(Buf *b, const char *s, size_t n) {
  const char *blank = memchr(s, ' ', n);
  int64_t ms;
  if (!blank || !db_time_read(s, n, &ms)) return false;
  size_t at = b->n + 5 + (size_t)(blank - s);
  db_put_text(b, 'S', s, n);
  b->p[at] = 'T';
  return true;
}

static bool special_float(const char *s, size_t n) { /* NaN, Infinity, -Infinity */
  return n && (s[n - 1] == 'N' || s[n - 1] == 'y');
}

void pg_cell(Buf *b, unsigned oid, const char *s, size_t n) {
  unsigned element = pg_element(oid);
  if (element) return pg_array_cell(b, element, s, n);
  switch (kind_of(oid)) {
  case K_BOOL: return db_put_bool(b, *s == 't');
  case K_INT: return db_put_int(b, 'I', strtoll(s, NULL, 10));
  case K_FLOAT: return db_put_text(b, 'D', s, n);
  case K_DECIMAL: return db_put_text(b, special_float(s, n) ? 'D' : 'M', s, n);
  case K_JSON: return db_put_text(b, 'J', s, n);
  case K_UUID: return db_put_text(b, 'G', s, n);
  case K_VOID: return db_put_tag(b, 'N');
  case K_INST: if (inst_cell(b, s, n)) return; break;
  case K_TIMESTAMP: if (timestamp_cell(b, s, n)) return; break;
  case K_BYTES: if (hex_cell(b, s, n)) return; break;
  case K_TEXT: break;
  }
  db_put_text(b, 'S', s, n);
}

/* ---- arrays: {1,NULL,"a \"b\""} {{1,2},{3,4}} [2:3]={1,2} ---- */

typedef struct Array { const char *p, *end; unsigned element; Buf *b; Buf word; } Array;

static bool is(Array *a, char c) { return a->p < a->end && *a->p == c; }

static void element(Array *a) {
  bool quoted = is(a, '"');
  char stop = a->element == 603 ? ';' : ','; /* boxes hold commas themselves */
  a->word.n = 0;
  if (quoted) a->p++;
  for (; a->p < a->end && (quoted ? *a->p != '"' : *a->p != stop && *a->p != '}'); a->p++) {
    if (*a->p == '\\' && a->p + 1 < a->end) a->p++;
    buf_ch(&a->word, *a->p);
  }
  if (quoted) a->p++;
  const char *text = buf_cstr(&a->word);
  if (!quoted && !strcmp(text, "NULL")) db_put_tag(a->b, 'N');
  else pg_cell(a->b, a->element, text, a->word.n);
}

/* The server's text is well formed and at most 6 deep (MAXDIM). */
static void list(Array *a, int depth) {
  size_t at = db_put_list(a->b);
  uint32_t n = 0;
  a->p++;
  while (a->p < a->end && !is(a, '}')) {
    if (is(a, '{') && depth < 8) list(a, depth + 1);
    else element(a);
    n++;
    if (is(a, ',') || is(a, ';')) a->p++;
  }
  a->p++;
  db_put_count(a->b, at, n);
}

void pg_array_cell(Buf *b, unsigned of, const char *s, size_t n) {
  const char *open = memchr(s, '{', n);
  if (!open) return db_put_text(b, 'S', s, n);
  Array a = {.p = open, .end = s + n, .element = of, .b = b};
  list(&a, 0);
  buf_free(&a.word);
}
