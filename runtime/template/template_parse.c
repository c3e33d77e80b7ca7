/* template_parse.c - text to tree, in three steps: tags and the text between them; the white space that tags take; blocks. */
#include "reader/mem.h"
#include "template_int.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum TagKind { TAG_TEXT, TAG_COMMENT, TAG_VALUE, TAG_RAW, TAG_OPEN, TAG_INVERT, TAG_ELSE, TAG_CLOSE };
typedef struct Tag {
  enum TagKind kind;
  bool trim_left, trim_right; /* ~ */
  uint32_t from, to;          /* text: what of it is left; tags: their inside, behind the sigil and its blanks */
  uint32_t text_from, text_to; /* text: all of it */
  uint32_t at;
} Tag;

typedef struct Parser {
  Template *t;
  const char *s;
  uint32_t n, p;  /* p: where expressions are read */
  uint32_t end;   /* of the tag's inside */
  Tag *tags;
  size_t ntags, cap, i;
  int depth;
  TemplateError *e;
} Parser;

/* --- memory --------------------------------------------------------------------------------------------------------- */
static void *take(Template *t, size_t n) {
  n = (n + 7) & ~(size_t)7;
  if (!t->chunks || t->chunks->size - t->chunks->used < n) {
    size_t size = n > 4000 ? n : 4000;
    TChunk *c = mem_raw(sizeof *c + size);
    *c = (TChunk){t->chunks, 0, size};
    t->chunks = c;
  }
  void *p = t->chunks->mem + t->chunks->used;
  t->chunks->used += n;
  memset(p, 0, n);
  return p;
}

void template_free(Template *t) {
  if (!t) return;
  for (TChunk *c = t->chunks; c;) {
    TChunk *next = c->next;
    mem_raw_free(c);
    c = next;
  }
  mem_raw_free(t);
}

bool template_fail(const Template *t, uint32_t at, TemplateError *e, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(e->msg, sizeof e->msg, fmt, ap);
  va_end(ap);
  for (size_t i = strlen(e->msg); i && !utf8_valid(e->msg, i); i--) e->msg[i - 1] = 0; /* cut inside a character */
  e->line = e->col = 1;
  for (uint32_t i = 0; i < at && i < t->n; i++) {
    if (t->text[i] == '\n')
      e->line++, e->col = 1;
    else if (((uint8_t)t->text[i] & 0xc0) != 0x80)
      e->col++;
  }
  return false;
}
#define FAIL(ps, at, ...) template_fail((ps)->t, at, (ps)->e, __VA_ARGS__)

/* --- tags ----------------------------------------------------------------------------------------------------------- */
static Tag *add_tag(Parser *ps, enum TagKind kind, uint32_t at) {
  if (ps->ntags == ps->cap) {
    ps->cap = ps->cap ? ps->cap * 2 : 32;
    ps->tags = mem_raw_grow(ps->tags, ps->cap * sizeof *ps->tags);
  }
  ps->tags[ps->ntags] = (Tag){.kind = kind, .at = at};
  return &ps->tags[ps->ntags++];
}

static void add_text(Parser *ps, uint32_t from, uint32_t to) {
  if (from == to) return;
  Tag *t = add_tag(ps, TAG_TEXT, from);
  t->from = t->text_from = from;
  t->to = t->text_to = to;
}

static bool starts(const Parser *ps, uint32_t at, const char *what) {
  size_t k = strlen(what);
  return ps->n - at >= k && !memcmp(ps->s + at, what, k);
}

static bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* From `at` to the first `what`, or the end of the text. */
static uint32_t find(const Parser *ps, uint32_t at, const char *what) {
  while (at < ps->n && !starts(ps, at, what)) at++;
  return at;
}

/* {{!-- ... --}} may hold }}, {{! ... }} not. false: it does not end. */
static bool scan_comment(Parser *ps, Tag *t, uint32_t *p) {
  bool dashes = starts(ps, *p, "!--");
  uint32_t end = find(ps, *p, dashes ? "--" : "}}");
  if (dashes)
    for (end = *p + 3; end < ps->n && !starts(ps, end, "--}}") && !starts(ps, end, "--~}}");) end++;
  if (end >= ps->n) return FAIL(ps, t->at, "this comment has no end: write %s", dashes ? "--}}" : "}}");
  t->kind = TAG_COMMENT;
  t->trim_right = dashes ? ps->s[end + 2] == '~' : ps->s[end - 1] == '~';
  *p = dashes ? end + (t->trim_right ? 5 : 4) : end + 2;
  return true;
}

/* The end of a tag's inside: the first closing braces outside strings and [segments]. */
static uint32_t tag_end(const Parser *ps, uint32_t p) {
  while (p < ps->n && !starts(ps, p, "}}")) {
    char c = ps->s[p++], close = c == '[' ? ']' : c;
    if (c != '"' && c != '\'' && c != '[') continue;
    while (p < ps->n && ps->s[p] != close) p += ps->s[p] == '\\' && p + 1 < ps->n && ps->s[p + 1] == close ? 2 : 1;
    p += p < ps->n;
  }
  return p;
}

static bool word_at(const Parser *ps, uint32_t p, const char *word) {
  size_t k = strlen(word);
  return starts(ps, p, word) && (p + k == ps->n || blank(ps->s[p + k]) || ps->s[p + k] == '}' || ps->s[p + k] == '~');
}

static bool refuse_tag(Parser *ps, uint32_t at, uint32_t p) {
  if (starts(ps, at, "{{{{")) return FAIL(ps, at, "raw blocks {{{{...}}}} are not supported; write \\{{ for braces as text");
  if (ps->s[p] == '>' || starts(ps, p, "#>")) return FAIL(ps, at, "partials {{> ...}} are not supported");
  if (ps->s[p] == '*' || starts(ps, p, "#*")) return FAIL(ps, at, "decorators {{* ...}} are not supported");
  return true;
}

static enum TagKind tag_kind(Parser *ps, uint32_t *p) {
  uint32_t q = *p;
  switch (q < ps->n ? ps->s[q] : 0) {
  case '{': (*p)++; return TAG_RAW;
  case '&': (*p)++; return TAG_RAW;
  case '#': (*p)++; return TAG_OPEN;
  case '/': (*p)++; return TAG_CLOSE;
  case '^':
    (*p)++;
    for (q++; q < ps->n && blank(ps->s[q]);) q++;
    return starts(ps, q, "}}") || starts(ps, q, "~}}") ? TAG_ELSE : TAG_INVERT;
  default:
    while (q < ps->n && blank(ps->s[q])) q++;
    if (!word_at(ps, q, "else")) return TAG_VALUE;
    *p = q + 4;
    return TAG_ELSE;
  }
}

/* A tag at {{; *p ends behind it. */
static bool scan_tag(Parser *ps, uint32_t *p) {
  uint32_t at = *p, q = at + 2;
  bool left = q < ps->n && ps->s[q] == '~';
  q += left;
  Tag *t = add_tag(ps, TAG_VALUE, at);
  t->trim_left = left;
  if (q < ps->n && ps->s[q] == '!') return *p = q, scan_comment(ps, t, p);
  if (q < ps->n && !refuse_tag(ps, at, q)) return false;
  bool triple = q < ps->n && ps->s[q] == '{';
  t->kind = tag_kind(ps, &q);
  uint32_t end = tag_end(ps, q);
  if (end >= ps->n) return FAIL(ps, at, "this tag has no end: expected %s", triple ? "}}}" : "}}");
  if (triple) { /* }}} or }~}} */
    uint32_t close = starts(ps, end, "}}}") ? end + 1 : end;
    if (close == end && !(end >= 2 && ps->s[end - 1] == '~' && ps->s[end - 2] == '}')) return FAIL(ps, end, "expected }}} to close {{{");
    t->trim_right = close == end;
    t->from = q, t->to = close == end ? end - 2 : end;
    *p = close + 2;
    return true;
  }
  t->trim_right = end > q && ps->s[end - 1] == '~';
  t->from = q, t->to = end - t->trim_right;
  *p = end + 2;
  return true;
}

/* Text up to the next tag. A backslash in front of {{ makes it text, two of them are one backslash and a tag. */
static uint32_t scan_text(Parser *ps, uint32_t p) {
  uint32_t end = find(ps, p, "{{"), slashes = 0;
  while (end < ps->n && slashes < 2 && end - slashes > p && ps->s[end - slashes - 1] == '\\') slashes++;
  if (slashes == 0) return add_text(ps, p, end), end;
  add_text(ps, p, end - 1);
  if (slashes == 2) return end;
  uint32_t stop = end + 2;
  while (stop < ps->n && !starts(ps, stop, "{{") && !starts(ps, stop, "\\{{") && !starts(ps, stop, "\\\\{{")) stop++;
  add_text(ps, end, stop);
  return stop;
}

static bool scan(Parser *ps) {
  for (uint32_t p = 0; p < ps->n;) {
    if (!starts(ps, p, "{{"))
      p = scan_text(ps, p);
    else if (!scan_tag(ps, &p))
      return false;
  }
  return true;
}

/* --- white space ---------------------------------------------------------------------------------------------------- */
static const Tag *text_tag(const Parser *ps, size_t i) { return i < ps->ntags && ps->tags[i].kind == TAG_TEXT ? &ps->tags[i] : NULL; }

/* Nothing but blanks between the tag and the start of its line. */
static bool line_before(const Parser *ps, size_t i) {
  const Tag *t = i ? text_tag(ps, i - 1) : NULL;
  if (!i || !t) return !i;
  uint32_t p = t->text_to;
  while (p > t->text_from && ps->s[p - 1] != '\n' && blank(ps->s[p - 1])) p--;
  return p > t->text_from ? ps->s[p - 1] == '\n' : i == 1;
}

static bool line_after(const Parser *ps, size_t i) {
  const Tag *t = text_tag(ps, i + 1);
  if (!t) return i + 1 == ps->ntags;
  uint32_t p = t->text_from;
  while (p < t->text_to && ps->s[p] != '\n' && blank(ps->s[p])) p++;
  return p < t->text_to ? ps->s[p] == '\n' : i + 2 == ps->ntags;
}

static void trim_before(Parser *ps, size_t i, bool all) {
  if (!i || !text_tag(ps, i - 1)) return;
  Tag *t = &ps->tags[i - 1];
  while (t->to > t->from && (all ? blank(ps->s[t->to - 1]) : ps->s[t->to - 1] == ' ' || ps->s[t->to - 1] == '\t')) t->to--;
}

static void trim_after(Parser *ps, size_t i, bool all) {
  if (!text_tag(ps, i + 1)) return;
  Tag *t = &ps->tags[i + 1];
  if (!all && t->from > t->text_from) return; /* its line is gone already */
  while (t->from < t->to && (all ? blank(ps->s[t->from]) : ps->s[t->from] == ' ' || ps->s[t->from] == '\t')) t->from++;
  if (!all && t->from < t->to && ps->s[t->from] == '\r') t->from++;
  if (!all && t->from < t->to && ps->s[t->from] == '\n') t->from++;
}

static void take_white_space(Parser *ps) {
  for (size_t i = 0; i < ps->ntags; i++) {
    const Tag *t = &ps->tags[i];
    if (t->kind == TAG_TEXT) continue;
    bool alone = t->kind != TAG_VALUE && t->kind != TAG_RAW && line_before(ps, i) && line_after(ps, i);
    if (t->trim_left || alone) trim_before(ps, i, t->trim_left);
    if (t->trim_right || alone) trim_after(ps, i, t->trim_right);
  }
}

/* --- expressions ---------------------------------------------------------------------------------------------------- */
static void skip_blanks(Parser *ps) {
  while (ps->p < ps->end && blank(ps->s[ps->p])) ps->p++;
}

static bool at_end(Parser *ps) { return skip_blanks(ps), ps->p >= ps->end; }

static bool id_char(char c) { return (uint8_t)c > ' ' && c != 0x7f && !strchr("!\"#%&'()*+,./;<=>@[\\]^`{|}~", c); }

/* Behind a literal: a blank, a bracket, or the end. */
static bool literal_ends(const Parser *ps, uint32_t p) { return p >= ps->end || blank(ps->s[p]) || ps->s[p] == ')' || ps->s[p] == '}'; }

static Slice slice(const Parser *ps, uint32_t from, uint32_t to) { return (Slice){ps->t->text + from, to - from}; }
static bool slice_is(Slice a, const char *s) { return a.n == strlen(s) && !memcmp(a.s, s, a.n); }

static Expr *expr_new(Parser *ps, enum ExprKind kind, uint32_t at) {
  Expr *x = take(ps->t, sizeof *x);
  x->kind = kind;
  x->at = at;
  return x;
}

/* A quoted text or [segment] without its delimiters; \" is ". */
static bool read_quoted(Parser *ps, char close, Slice *out) {
  uint32_t at = ps->p++, end = ps->p;
  while (end < ps->end && ps->s[end] != close) end += ps->s[end] == '\\' && end + 1 < ps->end && ps->s[end + 1] == close ? 2 : 1;
  if (end >= ps->end) return FAIL(ps, at, "expected %c to close %c", close, close == ']' ? '[' : close);
  char *to = take(ps->t, end - ps->p + 1);
  out->s = to;
  for (; ps->p < end; ps->p++) {
    if (ps->s[ps->p] == '\\' && ps->s[ps->p + 1] == close) ps->p++;
    *to++ = ps->s[ps->p];
  }
  out->n = (uint32_t)(to - out->s);
  ps->p = end + 1;
  return true;
}

static bool number_len(const Parser *ps, uint32_t *len) {
  uint32_t p = ps->p + (ps->s[ps->p] == '-'), digits = p;
  while (p < ps->end && isdigit((uint8_t)ps->s[p])) p++;
  if (p == digits) return false;
  if (p + 1 < ps->end && ps->s[p] == '.' && isdigit((uint8_t)ps->s[p + 1]))
    for (p++; p < ps->end && isdigit((uint8_t)ps->s[p]);) p++;
  *len = p - ps->p;
  return literal_ends(ps, p);
}

/* One name of a path; . and .. and `this` are none. */
static bool read_name(Parser *ps, Slice *name, bool *plain) {
  *plain = true;
  if (ps->p < ps->end && ps->s[ps->p] == '[') return *plain = false, read_quoted(ps, ']', name);
  uint32_t from = ps->p;
  if (ps->p < ps->end && ps->s[ps->p] == '.')
    ps->p += ps->p + 1 < ps->end && ps->s[ps->p + 1] == '.' ? 2 : 1;
  else
    while (ps->p < ps->end && id_char(ps->s[ps->p])) ps->p++;
  *name = slice(ps, from, ps->p);
  if (name->n) return true;
  if (from >= ps->end) return FAIL(ps, from, "expected a name before the end of the tag");
  return FAIL(ps, from, "expected a name, a text in quotes or a number, got %c", ps->s[from]);
}

static bool add_part(Parser *ps, Expr *x, Part ***tail, Slice name, bool plain, uint32_t at) {
  bool up = plain && slice_is(name, ".."), here = plain && (slice_is(name, ".") || slice_is(name, "this"));
  if (up || here) {
    if (x->parts) return FAIL(ps, at, "%.*s may stand at the begin of a path only", (int)name.n, name.s);
    x->up += up;
    x->scoped = true;
    return true;
  }
  Part *p = take(ps->t, sizeof *p);
  p->name = name;
  **tail = p;
  *tail = &p->next;
  return true;
}

static Expr *read_path(Parser *ps) {
  Expr *x = expr_new(ps, EX_PATH, ps->p);
  Part **tail = &x->parts;
  if (ps->s[ps->p] == '@') x->data = true, ps->p++;
  for (;;) {
    Slice name;
    bool plain;
    uint32_t at = ps->p;
    if (!read_name(ps, &name, &plain) || !add_part(ps, x, &tail, name, plain, at)) return NULL;
    if (ps->p >= ps->end || (ps->s[ps->p] != '.' && ps->s[ps->p] != '/')) break;
    ps->p++;
  }
  x->text = slice(ps, x->at, ps->p);
  return x;
}

static Expr *read_word(Parser *ps, const char *word, enum ExprKind kind, bool yes) {
  size_t k = strlen(word);
  if (ps->end - ps->p < k || memcmp(ps->s + ps->p, word, k) || !literal_ends(ps, ps->p + (uint32_t)k)) return NULL;
  Expr *x = expr_new(ps, kind, ps->p);
  x->yes = yes;
  x->text = slice(ps, ps->p, ps->p + (uint32_t)k);
  ps->p += (uint32_t)k;
  return x;
}

static Expr *read_call(Parser *ps, bool nested);

static Expr *read_subexpression(Parser *ps) {
  uint32_t at = ps->p++;
  if (++ps->depth > TEMPLATE_DEPTH) return FAIL(ps, at, "more than %d levels of nesting", TEMPLATE_DEPTH), NULL;
  Expr *x = read_call(ps, true);
  ps->depth--;
  if (!x) return NULL;
  skip_blanks(ps);
  if (ps->p >= ps->end || ps->s[ps->p] != ')') return FAIL(ps, at, "expected ) to close this subexpression"), NULL;
  ps->p++;
  return x;
}

static Expr *read_expr(Parser *ps) {
  uint32_t len;
  Expr *x;
  skip_blanks(ps);
  if (ps->p >= ps->end) return FAIL(ps, ps->p, "expected a name before the end of the tag"), NULL;
  char c = ps->s[ps->p];
  if (c == '(') return read_subexpression(ps);
  if (c == '"' || c == '\'') {
    x = expr_new(ps, EX_STR, ps->p);
    return read_quoted(ps, c, &x->text) ? x : NULL;
  }
  if ((isdigit((uint8_t)c) || c == '-') && number_len(ps, &len)) {
    x = expr_new(ps, EX_NUM, ps->p);
    x->text = slice(ps, ps->p, ps->p + len);
    ps->p += len;
    return x;
  }
  if ((x = read_word(ps, "true", EX_BOOL, true)) || (x = read_word(ps, "false", EX_BOOL, false))) return x;
  if ((x = read_word(ps, "null", EX_NIL, false)) || (x = read_word(ps, "undefined", EX_NIL, false))) return x;
  return read_path(ps);
}

/* --- calls ---------------------------------------------------------------------------------------------------------- */
static const struct { const char *name; int least, most; const char *hash; } helpers[] = {
#define HELPER_ROW(name, least, most, hash, doc) {#name, least, most, hash},
    TEMPLATE_HELPERS(HELPER_ROW)};

static Slice simple_name(const Expr *x) {
  bool simple = x->kind == EX_PATH && !x->data && !x->scoped && x->parts && !x->parts->next;
  return simple ? x->parts->name : (Slice){"", 0};
}

static int helper_of(const Expr *x) {
  Slice name = simple_name(x);
  for (int i = 0; i < HELPER_COUNT; i++)
    if (slice_is(name, helpers[i].name)) return i;
  return -1;
}

static enum NodeKind block_kind(const Expr *name) {
  static const struct { const char *name; enum NodeKind kind; } blocks[] = {
      {"if", ND_IF}, {"unless", ND_UNLESS}, {"each", ND_EACH}, {"with", ND_WITH}};
  Slice s = simple_name(name);
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
    if (slice_is(s, blocks[i].name)) return blocks[i].kind;
  return ND_SECTION;
}

static void helper_list(char *out, size_t size) {
  size_t n = 0;
  for (int i = 0; i < HELPER_COUNT && n < size; i++) n += (size_t)snprintf(out + n, size - n, "%s%s", i ? " " : "", helpers[i].name);
}

/* Is key= next? */
static bool hash_next(const Parser *ps) {
  uint32_t p = ps->p;
  while (p < ps->end && id_char(ps->s[p])) p++;
  uint32_t q = p;
  while (q < ps->end && blank(ps->s[q])) q++;
  return p > ps->p && q < ps->end && ps->s[q] == '=';
}

enum { HASH_MAX = 16 };
static bool read_hash(Parser *ps, Arg ***tail, int *n) {
  Arg *a = take(ps->t, sizeof *a);
  bool plain;
  uint32_t at = ps->p;
  if (!read_name(ps, &a->name, &plain)) return false;
  if (++*n > HASH_MAX) return FAIL(ps, at, "more than %d arguments by name", HASH_MAX);
  skip_blanks(ps);
  ps->p++; /* = */
  if (!(a->value = read_expr(ps))) return false;
  **tail = a;
  *tail = &a->next;
  return true;
}

/* Arguments up to ), `as |` or the end of the tag. */
static bool read_args(Parser *ps, Expr *x, int *n) {
  Expr **tail = &x->args;
  Arg **hash = &x->hash;
  int named = 0;
  for (*n = 0; !at_end(ps) && ps->s[ps->p] != ')';) {
    if (x->hash && !hash_next(ps)) return FAIL(ps, ps->p, "expected key=value: arguments by name come last");
    if (hash_next(ps)) {
      if (!read_hash(ps, &hash, &named)) return false;
      continue;
    }
    uint32_t p = ps->p + 2;
    while (p < ps->end && blank(ps->s[p])) p++;
    if (word_at(ps, ps->p, "as") && p < ps->end && ps->s[p] == '|') break;
    Expr *arg = read_expr(ps);
    if (!arg) return false;
    *tail = arg;
    tail = &arg->next;
    ++*n;
  }
  return true;
}

static bool word_in(Slice w, const char *list) {
  for (size_t k; *list; list += k + (list[k] == ' ')) {
    k = strcspn(list, " ");
    if (k == w.n && !memcmp(list, w.s, k)) return true;
  }
  return false;
}

static bool check_hash(Parser *ps, const Expr *x, const char *allowed, const char *of) {
  for (const Arg *a = x->hash; a; a = a->next)
    if (!word_in(a->name, allowed))
      return FAIL(ps, a->value->at, "%s has no argument %.*s=%s%s", of, (int)a->name.n, a->name.s, *allowed ? "; it takes " : "", allowed);
  return true;
}

static bool check_helper(Parser *ps, Expr *x, const Expr *name, int n) {
  char list[160];
  helper_list(list, sizeof list);
  x->helper = helper_of(name);
  int len = (int)name->text.n;
  if (block_kind(name) != ND_SECTION) return FAIL(ps, name->at, "%.*s is a block: write {{#%.*s ...}}", len, name->text.s, len, name->text.s);
  if (x->helper < 0)
    return FAIL(ps, name->at, "there is no helper %.*s; helpers are %s", len, name->text.s, list);
  int least = helpers[x->helper].least, most = helpers[x->helper].most;
  if (n < least || n > most)
    return FAIL(ps, name->at, "%s takes %d%s%s argument%s, got %d", helpers[x->helper].name, least, most > least ? " or " : "",
                most > least ? "2" : "", most > 1 ? "s" : "", n);
  return check_hash(ps, x, helpers[x->helper].hash, helpers[x->helper].name);
}

/* A literal in the place of a name is one: {{"odd name"}}. */
static void literal_to_path(Parser *ps, Expr *x) {
  if (x->kind == EX_PATH || x->kind == EX_CALL) return;
  x->parts = take(ps->t, sizeof *x->parts);
  x->parts->name = x->text;
  x->kind = EX_PATH;
}

/* `helper args`, or a lone value outside brackets. */
static Expr *read_call(Parser *ps, bool nested) {
  Expr *name = read_expr(ps);
  if (!name) return NULL;
  Expr *x = expr_new(ps, EX_CALL, name->at);
  int n;
  if (!read_args(ps, x, &n)) return NULL;
  if (!n && !x->hash && !nested) return literal_to_path(ps, name), name;
  x->text = name->text;
  return check_helper(ps, x, name, n) ? x : NULL;
}

/* --- blocks --------------------------------------------------------------------------------------------------------- */
static void enter(Parser *ps, const Tag *t) {
  ps->p = t->from;
  ps->end = t->to;
}

static bool tag_over(Parser *ps) {
  if (at_end(ps)) return true;
  return FAIL(ps, ps->p, "expected }} or an argument, got %c", ps->s[ps->p]);
}

static TNode *node_of(Parser *ps, enum NodeKind kind, uint32_t at) {
  TNode *n = take(ps->t, sizeof *n);
  n->kind = kind;
  n->at = at;
  return n;
}

/* as |item index| */
static bool read_names(Parser *ps, TNode *n) {
  if (at_end(ps) || !word_at(ps, ps->p, "as")) return true;
  uint32_t at = ps->p;
  ps->p += 2;
  skip_blanks(ps);
  ps->p++; /* | */
  while (!at_end(ps) && ps->s[ps->p] != '|') {
    bool plain;
    Slice name;
    if (!read_name(ps, &name, &plain)) return false;
    if (n->nnames == 2) return FAIL(ps, at, "a block has two names at most: as |value key|");
    n->names[n->nnames++] = name;
  }
  if (ps->p >= ps->end) return FAIL(ps, at, "expected | to close the names of this block");
  ps->p++;
  if (!n->nnames) return FAIL(ps, at, "expected a name in as | |");
  return true;
}

static bool block_args(Parser *ps, TNode *n, const Expr *name) {
  Expr args = {.kind = EX_CALL};
  int count;
  if (!read_args(ps, &args, &count) || !read_names(ps, n) || !tag_over(ps)) return false;
  int len = (int)name->text.n;
  if (n->kind == ND_SECTION) {
    if (helper_of(name) >= 0 && count) return FAIL(ps, name->at, "%.*s is no block: write {{%.*s ...}}", len, name->text.s, len, name->text.s);
    if (count || args.hash) return FAIL(ps, name->at, "there is no block #%.*s; blocks are if unless each with", len, name->text.s);
    n->expr = (Expr *)(uintptr_t)name;
    literal_to_path(ps, n->expr);
    return true;
  }
  if (count != 1) return FAIL(ps, name->at, "#%.*s takes one argument, got %d", len, name->text.s, count);
  bool condition = n->kind == ND_IF || n->kind == ND_UNLESS;
  if (!check_hash(ps, &args, condition ? "includeZero" : "", name->text.s[0] == 'i' ? "#if" : "this block")) return false;
  n->include_zero = args.hash && args.hash->value->kind == EX_BOOL && args.hash->value->yes;
  n->expr = args.args;
  return true;
}

static bool parse_body(Parser *ps, TNode **out, bool root);

/* What stands behind an {{else}}: a body, or for {{else if x}} the one block inside. */
static bool parse_else(Parser *ps, TNode *n, const Tag *t, Slice of);

static bool expect_close(Parser *ps, const TNode *n, Slice of) {
  if (ps->i >= ps->ntags) return FAIL(ps, n->at, "this block has no end: expected {{/%.*s}}", (int)of.n, of.s);
  const Tag *t = &ps->tags[ps->i++];
  if (t->kind != TAG_CLOSE) return FAIL(ps, t->at, "a second {{else}}: expected {{/%.*s}}", (int)of.n, of.s);
  enter(ps, t);
  if (at_end(ps)) return FAIL(ps, t->at, "expected {{/%.*s}}", (int)of.n, of.s);
  Expr *name = read_expr(ps);
  if (!name || !tag_over(ps)) return false;
  if (name->text.n == of.n && !memcmp(name->text.s, of.s, of.n)) return true;
  return FAIL(ps, t->at, "expected {{/%.*s}}, got {{/%.*s}}", (int)of.n, of.s, (int)name->text.n, name->text.s);
}

/* Head, body and else part; the closing tag is the caller's. Expressions are read from ps->p on. */
static bool parse_head(Parser *ps, const Tag *t, TNode **out, Slice *of) {
  Expr *name = at_end(ps) ? NULL : read_expr(ps);
  if (!name) return *ps->e->msg ? false : FAIL(ps, t->at, "expected a name: {{#if x}}, {{#each xs}}, {{#with x}} or {{#x}}");
  *of = name->text;
  *out = node_of(ps, block_kind(name), t->at);
  return block_args(ps, *out, name);
}

static bool parse_inside(Parser *ps, TNode *n, Slice of) {
  if (!parse_body(ps, &n->body, false)) return false;
  const Tag *t = ps->i < ps->ntags ? &ps->tags[ps->i] : NULL;
  return !t || t->kind != TAG_ELSE || (ps->i++, parse_else(ps, n, t, of));
}

static bool parse_else(Parser *ps, TNode *n, const Tag *t, Slice of) {
  Slice inner;
  n->has_else = true;
  enter(ps, t);
  if (at_end(ps)) return parse_body(ps, &n->otherwise, false);
  if (++ps->depth > TEMPLATE_DEPTH) return FAIL(ps, t->at, "more than %d levels of nesting", TEMPLATE_DEPTH);
  bool ok = parse_head(ps, t, &n->otherwise, &inner) && parse_inside(ps, n->otherwise, of);
  ps->depth--;
  return ok;
}

static bool parse_block(Parser *ps, const Tag *t, TNode **out) {
  Slice of;
  enter(ps, t);
  if (++ps->depth > TEMPLATE_DEPTH) return FAIL(ps, t->at, "more than %d levels of nesting", TEMPLATE_DEPTH);
  if (!parse_head(ps, t, out, &of) || !parse_inside(ps, *out, of) || !expect_close(ps, *out, of)) return false;
  if (t->kind == TAG_INVERT) {
    TNode *body = (*out)->body;
    (*out)->body = (*out)->otherwise;
    (*out)->otherwise = body;
    (*out)->has_else = true;
  }
  ps->depth--;
  return true;
}

static bool parse_value(Parser *ps, const Tag *t, TNode **out) {
  enter(ps, t);
  if (at_end(ps)) return FAIL(ps, t->at, "expected a name inside {{ }}");
  *out = node_of(ps, ND_VALUE, t->at);
  (*out)->raw = t->kind == TAG_RAW;
  Expr *x = (*out)->expr = read_call(ps, false);
  if (!x || !tag_over(ps)) return false;
  if (block_kind(x) != ND_SECTION) return FAIL(ps, t->at, "%.*s is a block: write {{#%.*s ...}}", (int)x->text.n, x->text.s, (int)x->text.n, x->text.s);
  return true;
}

static bool parse_node(Parser *ps, const Tag *t, TNode **out) {
  if (t->kind == TAG_OPEN || t->kind == TAG_INVERT) return parse_block(ps, t, out);
  if (t->kind != TAG_TEXT) return parse_value(ps, t, out);
  *out = node_of(ps, ND_TEXT, t->at);
  (*out)->text = slice(ps, t->from, t->to);
  return true;
}

/* Up to the end, an {{else}} or a {{/close}}, which stay. */
static bool parse_body(Parser *ps, TNode **out, bool root) {
  while (ps->i < ps->ntags) {
    const Tag *t = &ps->tags[ps->i];
    if ((t->kind == TAG_ELSE || t->kind == TAG_CLOSE) && !root) return true;
    if (t->kind == TAG_ELSE) return FAIL(ps, t->at, "an {{else}} outside a block");
    if (t->kind == TAG_CLOSE) return FAIL(ps, t->at, "this closes a block that was not opened");
    ps->i++;
    if (t->kind == TAG_COMMENT || (t->kind == TAG_TEXT && t->from >= t->to)) continue;
    if (!parse_node(ps, t, out)) return false;
    out = &(*out)->next;
  }
  return true;
}

Template *template_parse(const char *s, size_t n, TemplateError *e) {
  Template *t = mem_raw(sizeof *t);
  *t = (Template){0};
  *e = (TemplateError){0};
  char *text = take(t, n + 1);
  if (n) memcpy(text, s, n);
  t->text = text;
  t->n = n;
  Parser ps = {.t = t, .s = text, .n = (uint32_t)n, .e = e};
  bool ok = n <= TEMPLATE_MAX_BYTES ? scan(&ps) : FAIL(&ps, 0, "a template has 1 MiB at most");
  if (ok) {
    take_white_space(&ps);
    ok = parse_body(&ps, &t->root, true);
  }
  mem_raw_free(ps.tags);
  if (ok) return t;
  template_free(t);
  return NULL;
}
