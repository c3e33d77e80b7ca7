/* db_sql.c - see db_sql.h. */
#include "db_sql.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

typedef struct Lex {
  const char *s, *p, *end;
  enum DbDialect d;
  DbSql *out;
  Err *e;
  bool hinted;    /* inside of a comment of MySQL whose contents are SQL */
  bool writes, began;
} Lex;

/* ---- places and errors ---- */

static void place_of(const char *s, const char *at, int *line, int *col) {
  *line = *col = 1;
  for (; s < at; s++)
    if (*s == '\n') ++*line, *col = 1;
    else if (((unsigned char)*s & 0xc0) != 0x80) ++*col;
}

static bool bad(Lex *l, const char *at, const char *what) {
  int line, col;
  place_of(l->s, at, &line, &col);
  return err_set(l->e, "validation", ":sql %d:%d: %s", line, col, what);
}

static void put(Lex *l, const char *from) { buf_add(&l->out->text, from, (size_t)(l->p - from)); }
static bool at(const Lex *l, const char *what) {
  size_t n = strlen(what);
  return (size_t)(l->end - l->p) >= n && !memcmp(l->p, what, n);
}
static bool word_char(char c) { return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80; }
static bool word_start(char c) { return word_char(c) && !isdigit((unsigned char)c) && c != '$'; }

/* ---- what is skipped ---- */

/* To behind the closing mark; two of them are one inside, a backslash hides what follows if it means something. */
static bool quoted(Lex *l, char close, bool backslash, const char *what) {
  const char *from = l->p++;
  for (; l->p < l->end; l->p++) {
    if (backslash && *l->p == '\\' && l->p + 1 < l->end) l->p++;
    else if (*l->p == close && l->p + 1 < l->end && l->p[1] == close && close != ']') l->p++;
    else if (*l->p == close) return l->p++, put(l, from), true;
  }
  return bad(l, from, what);
}

static bool line_comment(Lex *l) {
  const char *from = l->p;
  while (l->p < l->end && *l->p != '\n') l->p++;
  return put(l, from), true;
}

static bool block_comment(Lex *l) {
  const char *from = l->p;
  int depth = 1;
  l->p += 2;
  while (l->p < l->end)
    if (at(l, "*/")) {
      l->p += 2;
      if (!--depth) return put(l, from), true;
    } else if (l->d == DB_POSTGRES && at(l, "/*")) {
      depth++;
      l->p += 2;
    } else {
      l->p++;
    }
  return l->d == DB_SQLITE ? put(l, from), true : bad(l, from, "a comment that begins here has no end"); /* SQLite ends it at the end */
}

/* $tag$ .. $tag$; a $ that begins nothing of the kind is left to the server. */
static bool dollar(Lex *l) {
  const char *from = l->p, *q = l->p + 1;
  if (q < l->end && isdigit((unsigned char)*q)) return bad(l, from, "parameters are written ? and given in order with :params, not $1");
  while (q < l->end && word_char(*q) && *q != '$') q++;
  if (q == l->end || *q != '$') {
    l->p++;
    return put(l, from), true;
  }
  size_t n = (size_t)(q + 1 - from);
  const char *close = memmem(from + n, (size_t)(l->end - from) - n, from, n);
  if (!close) return bad(l, from, "a dollar-quoted text that begins here has no end");
  l->p = close + n;
  l->out->literal = true;
  return put(l, from), true;
}

/* ---- words ---- */

static bool is_word(const char *from, const char *to, const char *list) {
  size_t n = (size_t)(to - from);
  for (const char *p = list; *p; p += strcspn(p, " "), p += *p == ' ')
    if (strcspn(p, " ") == n && !strncasecmp(p, from, n)) return true;
  return false;
}

static bool word(Lex *l) {
  const char *from = l->p;
  while (l->p < l->end && word_char(*l->p)) l->p++;
  DbSql *o = l->out;
  bool qualified = from > l->s && from[-1] == '.';
  if (!l->began) o->reads = is_word(from, l->p, "select values table with show explain describe desc");
  l->began = true;
  if (!qualified && is_word(from, l->p, "returning")) o->returning = true;
  if (!qualified && is_word(from, l->p, "pragma temp temporary")) o->session = true;
  if (!qualified && is_word(from, l->p, "insert update delete merge replace into call do nextval setval lock share")) l->writes = true;
  put(l, from);
  if (l->p < l->end && *l->p == '\'' && l->p == from + 1 && l->d == DB_POSTGRES && (*from == 'e' || *from == 'E')) {
    o->literal = true;
    return quoted(l, '\'', true, "a text that begins here has no closing quote");
  }
  return true;
}

static bool number(Lex *l) { /* so that the e of 1e5 begins no word */
  const char *from = l->p;
  while (l->p < l->end && (word_char(*l->p) || *l->p == '.')) l->p++;
  l->began = true;
  return put(l, from), true;
}

/* ---- parameters ---- */

static bool question(Lex *l) {
  const char *from = l->p++;
  l->began = true;
  if (l->p < l->end && *l->p == '?' && l->d == DB_POSTGRES) {
    l->p++;
    return buf_ch(&l->out->text, '?'), true;
  }
  if (l->d == DB_SQLITE && l->p < l->end && isdigit((unsigned char)*l->p)) return bad(l, from, "parameters are written ? and given in order with :params, not ?1");
  l->out->params++;
  if (l->d == DB_POSTGRES) return buf_fmt(&l->out->text, "$%d", l->out->params), true;
  return put(l, from), true;
}

/* :name and @name are parameters of SQLite alone. */
static bool named(Lex *l) {
  const char *from = l->p++;
  if (l->p < l->end && (*from == '$' ? word_char(*l->p) : word_start(*l->p)))
    return bad(l, from, "parameters are written ? and given in order with :params, not by name");
  return put(l, from), true;
}

/* ---- the pass ---- */

static bool comment_starts(const Lex *l) {
  if (at(l, "--")) return l->d != DB_MYSQL || l->p + 2 == l->end || isspace((unsigned char)l->p[2]) || iscntrl((unsigned char)l->p[2]);
  return l->d == DB_MYSQL && *l->p == '#';
}

static bool hint(Lex *l) { /* of MySQL: what stands in it is read as SQL */
  const char *from = l->p;
  l->p += at(l, "/*M!") ? 4 : 3;
  while (l->p < l->end && isdigit((unsigned char)*l->p)) l->p++;
  l->hinted = true;
  return put(l, from), true;
}

static bool string(Lex *l) {
  l->out->literal = l->began = true;
  return quoted(l, '\'', l->d == DB_MYSQL, "a text that begins here has no closing quote");
}

static bool name_or_text(Lex *l) { /* "..": a name, in MySQL a text */
  l->out->literal |= l->d == DB_MYSQL;
  l->began = true;
  return quoted(l, '"', l->d == DB_MYSQL, "a quoted name that begins here has no closing quote");
}

static bool single(Lex *l) {
  const char *from = l->p++;
  if (!isspace((unsigned char)*from) && *from != ';') l->began = true;
  return put(l, from), true;
}

static bool token(Lex *l) {
  if (comment_starts(l)) return line_comment(l);
  if (l->d == DB_MYSQL && (at(l, "/*!") || at(l, "/*M!"))) return hint(l);
  if (l->hinted && at(l, "*/")) return l->hinted = false, single(l) && single(l);
  if (at(l, "/*")) return block_comment(l);
  switch (*l->p) {
  case '\0': return bad(l, l->p, "a NUL character");
  case '\'': return string(l);
  case '"': return name_or_text(l);
  case '`': return l->d == DB_POSTGRES ? single(l) : quoted(l, '`', false, "a quoted name that begins here has no closing `");
  case '[': return l->d == DB_SQLITE ? quoted(l, ']', false, "a quoted name that begins here has no closing ]") : single(l);
  case '?': return question(l);
  case '$': return l->d == DB_POSTGRES ? dollar(l) : l->d == DB_SQLITE ? named(l) : single(l);
  case ':': case '@': return l->d == DB_SQLITE ? named(l) : single(l);
  default: return word_start(*l->p) ? word(l) : isdigit((unsigned char)*l->p) ? number(l) : single(l);
  }
}

static bool run(Lex *l) {
  while (l->p < l->end)
    if (!token(l)) return false;
  return true;
}

bool db_sql_read(const char *s, size_t n, enum DbDialect d, DbSql *out, Err *e) {
  memset(out, 0, sizeof *out);
  Lex l = {.s = s, .p = s, .end = s + n, .d = d, .out = out, .e = e};
  if (!run(&l)) return db_sql_free(out), false;
  out->empty = !l.began;
  out->reads &= !l.writes && !out->returning;
  buf_cstr(&out->text);
  return true;
}

void db_sql_free(DbSql *q) {
  buf_free(&q->text);
  memset(q, 0, sizeof *q);
}

void db_sql_place(const char *s, size_t n, enum DbDialect d, size_t offset, int *line, int *col) {
  DbSql out = {0};
  Err e = {0};
  Lex l = {.s = s, .p = s, .end = s + n, .d = d, .out = &out, .e = &e};
  const char *before = s;
  size_t len = 0;
  while (l.p < l.end && out.text.n <= offset) { /* the token that the byte is in */
    before = l.p;
    len = out.text.n;
    if (!token(&l)) break;
  }
  const char *to = before + (offset - len);
  place_of(s, to > l.p ? l.p : to, line, col);
  buf_free(&out.text);
}
