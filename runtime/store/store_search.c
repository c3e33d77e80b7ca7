/* store_search.c - what both stores share of searching: the query language, filters, and entries in batches. */
#include "store_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void search_hit_free(SearchHit *h) {
  char *all[] = {h->key, h->title, h->type, h->path, h->tags, h->snippet};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  *h = (SearchHit){0};
}

IndexRow op_index_row(const Batch *b, const Op *op) {
  return (IndexRow){.workspace = op_str(b, op, 0), .key = op_str(b, op, 1), .target = op_str(b, op, 2), .title = op_str(b, op, 3),
                    .tags = op_str(b, op, 4), .type = op_str(b, op, 5), .path = op_str(b, op, 6), .text = {op_blob(b, op), op->blob_n}, .at_ms = op->i[0]};
}

/* ---- the query language ---- */

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
/* Can there be a word in it? Beyond ASCII the tokenizer knows better. */
static bool wordy(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((s[i] >= '0' && s[i] <= '9') || ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z') || (unsigned char)s[i] >= 0x80) return true;
  return false;
}

typedef struct Term { const char *p; size_t n; bool prefix; } Term;

/* The next word or phrase; false at the end. */
static bool next_term(const char **at, Term *t) {
  const char *p = *at;
  while (is_space(*p)) p++;
  if (!*p) return false;
  bool quoted = *p == '"';
  *t = (Term){.p = p + quoted};
  for (p += quoted; *p && *p != '"' && (quoted || !is_space(*p)); p++) {}
  t->n = (size_t)(p - t->p);
  if (quoted && *p) p++;
  if (quoted) t->prefix = *p == '*', p += t->prefix;
  else while (t->n && t->p[t->n - 1] == '*') t->n--, t->prefix = true;
  *at = p;
  return true;
}

char *search_expression(const SearchQuery *q, Err *e) {
  const char *at = q->text;
  char *out = malloc(strlen(q->text) * 12 + 16), *to = out; /* a word of one byte becomes at most `"x" * AND ` */
  int words = 0;
  if (!out) return err_set(e, "out_of_memory", "out of memory"), NULL;
  for (Term t; next_term(&at, &t);) {
    if (!wordy(t.p, t.n)) continue;
    if (words++ == SEARCH_WORDS_MAX) break;
    to += sprintf(to, "%s\"%.*s\"%s", words > 1 ? q->any ? " OR " : " AND " : "", (int)t.n, t.p, t.prefix ? " *" : "");
  }
  if (words && words <= SEARCH_WORDS_MAX) return out;
  free(out);
  if (words) err_set(e, "validation", "the query has more than %d words", SEARCH_WORDS_MAX);
  else err_set(e, "validation", "there is no word in the query \"%.80s\"", q->text);
  return NULL;
}

/* ---- filters ---- */

static bool has_line(const char *lines, const char *line, size_t n) {
  for (const char *p = lines ? lines : ""; *p;) {
    size_t k = strcspn(p, "\n");
    if (k == n && !memcmp(p, line, n)) return true;
    p += k + (p[k] == '\n');
  }
  return false;
}

static bool has_all(const char *lines, const char *wanted) {
  for (const char *p = wanted ? wanted : ""; *p;) {
    size_t k = strcspn(p, "\n");
    if (k && !has_line(lines, p, k)) return false;
    p += k + (p[k] == '\n');
  }
  return true;
}

bool search_wanted(const SearchQuery *q, const char *type, const char *path, const char *tags) {
  if (q->types && *q->types && !has_line(q->types, type, strlen(type))) return false;
  if (q->path && strncmp(path, q->path, strlen(q->path))) return false;
  return has_all(tags, q->tags);
}
