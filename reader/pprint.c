/* pprint.c - two passes: the value to a list of tokens, whose text lies in one buffer; then the tokens to lines. All measuring is in
 * code points of the text without breaks. Where Clojure's pretty writer is odd, this is odd in the same way: blanks before a possible
 * break are not counted when it is decided, and a map entry counts as a level of its own for *print-level*. */
#include "pprint.h"
#include "ex.h"
#include "mem.h"

#define PPRINT_DEPTH 2000

typedef enum TokKind { TOK_TEXT, TOK_BLANK, TOK_BREAK, TOK_OPEN, TOK_CLOSE } TokKind;
typedef struct Tok {
  TokKind kind;
  uint32_t depth; /* of the block it is in */
  size_t off, len; /* bytes of text */
  uint64_t pos;   /* columns before it, were all on one line */
  uint64_t width;
  uint64_t next;  /* TOK_BREAK: pos of the next break of an enclosing block */
} Tok;

typedef struct Pretty {
  Buf text;
  Tok *a;
  size_t n, cap;
  uint32_t depth;
  uint64_t pos;
  const PrintOpts *o;
  Val root;
  int64_t level; /* left; -1: no limit */
  int64_t parts; /* written in this block, for *print-length*; -1 outside of all */
} Pretty;

static Val put_val(Pretty *p, Val v);
static Val put_part(Pretty *p, Val v);

/* ---- tokens ---- */

static uint64_t columns(const char *s, size_t n) {
  uint64_t k = 0;
  for (size_t i = 0; i < n; i++) k += ((uint8_t)s[i] & 0xc0) != 0x80;
  return k;
}

/* A token for the text that was appended since `off`. */
static void tok_from(Pretty *p, TokKind kind, size_t off) {
  if (p->n == p->cap) {
    p->cap = p->cap ? p->cap * 2 : 64;
    p->a = mem_raw_grow(p->a, p->cap * sizeof *p->a);
  }
  size_t len = p->text.n - off;
  uint64_t w = len ? columns(p->text.p + off, len) : 0;
  p->a[p->n++] = (Tok){.kind = kind, .depth = p->depth, .off = off, .len = len, .pos = p->pos, .width = w};
  p->pos += w;
}

static void put_tok(Pretty *p, TokKind kind, const char *s) {
  size_t off = p->text.n;
  buf_c(&p->text, s);
  tok_from(p, kind, off);
}

static void open_block(Pretty *p, const char *prefix) {
  p->depth++;
  put_tok(p, TOK_OPEN, prefix);
}

static void close_block(Pretty *p, const char *suffix) {
  put_tok(p, TOK_CLOSE, suffix);
  p->depth--;
}

static void put_sep(Pretty *p, bool comma) {
  if (comma) put_tok(p, TOK_TEXT, ",");
  put_tok(p, TOK_BLANK, " ");
  put_tok(p, TOK_BREAK, "");
}

/* ---- values ---- */

static Val put_atom(Pretty *p, Val v) {
  size_t off = p->text.n;
  CHECK(print_to(&p->text, v, p->o));
  tok_from(p, TOK_TEXT, off);
  return NIL;
}

/* Begins the block of a collection: false when *print-level* is reached, and # was written. */
static bool enter(Pretty *p, const char *prefix, int64_t *outer) {
  *outer = p->parts;
  if (p->level == 0) {
    put_tok(p, TOK_TEXT, "#");
    return false;
  }
  if (p->level > 0) p->level--;
  p->parts = 0;
  open_block(p, prefix);
  return true;
}

static void leave(Pretty *p, const char *suffix, int64_t outer) {
  p->parts = outer;
  if (p->o->level >= 0) p->level++;
  close_block(p, suffix);
}

/* A lazy seq that is not realised: everything at once, unless *print-length* says that a few cells will do (as in print.c). */
static Val want(const Pretty *p, int64_t seen) {
  if (p->o->length < 0) return demand_deep(p->root);
  int64_t n = p->o->length - seen + 1;
  return demand(pend.demand, (uint32_t)(n < 1 ? 1 : n > 1000000 ? 1000000 : n));
}

static Val put_elements(Pretty *p, Val s) {
  for (int64_t i = 0;; i++) {
    Val cell = seq_of(s);
    if (same(cell, SIG_DEMAND)) return want(p, i);
    if (is_sig(cell) || is_nil(cell)) return cell;
    if (i) put_sep(p, false);
    if (i == p->o->length) {
      put_tok(p, TOK_TEXT, "...");
      return NIL;
    }
    if (i > SEQ_WALK_MAX) return ex_throw(EXC_LIMIT, "printing a seq of more than %u elements", SEQ_WALK_MAX);
    Val x = seq_first(cell);
    if (same(x, SIG_DEMAND)) return want(p, i);
    if (is_sig(x)) return x;
    CHECK(put_part(p, x));
    s = seq_rest(cell);
    if (same(s, SIG_DEMAND)) return want(p, i);
    if (is_sig(s)) return s;
  }
}

static Val put_coll(Pretty *p, Val v, const char *prefix, const char *suffix) {
  int64_t outer;
  if (!enter(p, prefix, &outer)) return NIL;
  CHECK(put_elements(p, v));
  leave(p, suffix, outer);
  return NIL;
}

static Val put_key(Pretty *p, Val k, bool lifted) {
  if (!lifted) return put_part(p, k);
  size_t off = p->text.n;
  if (is_kw(k)) buf_ch(&p->text, ':');
  Val name = is_kw(k) ? AS(Kw, k)->name : AS(Sym, k)->name;
  buf_add(&p->text, str_s(name), str_n(name));
  tok_from(p, TOK_TEXT, off);
  return NIL;
}

static Val put_entry(Pretty *p, Val k, Val v, bool lifted) {
  int64_t outer;
  if (!enter(p, "", &outer)) return NIL;
  CHECK(put_key(p, k, lifted));
  put_sep(p, false);
  p->parts = 0;
  CHECK(put_part(p, v));
  leave(p, "", outer);
  return NIL;
}

static Val put_entries(Pretty *p, Val m, bool lifted) {
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  for (int64_t i = 0; map_next(&it, &k, &v); i++) {
    if (i) put_sep(p, true);
    if (i == p->o->length) {
      put_tok(p, TOK_TEXT, "...");
      return NIL;
    }
    CHECK(put_entry(p, k, v, lifted));
  }
  return NIL;
}

static Val put_map(Pretty *p, Val m) {
  Val ns = p->o->namespace_maps ? print_common_ns(m) : NIL;
  Buf prefix = {0};
  if (!is_nil(ns)) buf_fmt(&prefix, "#:%s", str_s(ns));
  buf_ch(&prefix, '{');
  int64_t outer;
  bool in = enter(p, buf_cstr(&prefix), &outer);
  buf_free(&prefix);
  if (!in) return NIL;
  CHECK(put_entries(p, m, !is_nil(ns)));
  leave(p, "}", outer);
  return NIL;
}

/* (quote x) is 'x, and so on; ABSENT when it is no such list. */
static Val put_reader_macro(Pretty *p, Val v) {
  static const struct { const char *ns, *name, *text; } macros[] = {
      {NULL, "quote", "'"}, {"clojure.core", "deref", "@"}, {NULL, "var", "#'"}, {"clojure.core", "unquote", "~"}};
  if (!is_type(v, T_LIST) || AS(List, v)->cnt != 2 || !is_sym(AS(List, v)->first)) return ABSENT;
  for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
    if (!sym_eq(AS(List, v)->first, sym_new(macros[i].ns, macros[i].name))) continue;
    put_tok(p, TOK_TEXT, macros[i].text);
    return put_part(p, AS(List, AS(List, v)->rest)->first);
  }
  return ABSENT;
}

static Val put_list(Pretty *p, Val v) {
  Val r = put_reader_macro(p, v);
  return same(r, ABSENT) ? put_coll(p, v, "(", ")") : r;
}

static Val put_meta(Pretty *p, Val v) {
  Val m = meta_of(v);
  if (!is_map(m) || map_count(m) == 0) return NIL;
  put_tok(p, TOK_TEXT, "^");
  CHECK(put_map(p, m));
  put_sep(p, false);
  return NIL;
}

static Val put_val(Pretty *p, Val v) {
  bool map = is_map(v), vec = is_vec(v), set = is_set(v), seq = !vec && (is_seq(v) || is_lazy(v) || is_type(v, T_EMPTY));
  if (!map && !vec && !set && !seq) return put_atom(p, v);
  if (p->depth >= PPRINT_DEPTH) return ex_throw(EXC_STACK, "Value is nested deeper than %d", PPRINT_DEPTH);
  if (p->text.n > (p->o->max_bytes ? p->o->max_bytes : (size_t)1 << 30))
    return ex_throw(EXC_LIMIT, "The printed text is longer than %zu bytes", p->text.n);
  if (p->o->meta) CHECK(put_meta(p, v));
  return map ? put_map(p, v) : vec ? put_coll(p, v, "[", "]") : set ? put_coll(p, v, "#{", "}") : put_list(p, v);
}

/* A part of a block. 'x has two of them (itself and x), which is how Clojure counts. */
static Val put_part(Pretty *p, Val v) {
  if (p->parts >= 0 && p->o->length >= 0 && p->parts >= p->o->length) {
    put_tok(p, TOK_TEXT, "...");
    return NIL;
  }
  if (p->parts >= 0) p->parts++;
  return put_val(p, v);
}

/* ---- lines ---- */

/* For each break the position of the next one of an enclosing block: breaks that wait for theirs are kept as a list through `next`. */
static void find_ends(Pretty *p) {
  size_t *open = mem_raw((p->n + 1) * sizeof *open), n = 0;
  for (size_t i = 0; i < p->n; i++) {
    if (p->a[i].kind != TOK_BREAK) continue;
    while (n && p->a[open[n - 1]].depth > p->a[i].depth) p->a[open[--n]].next = p->a[i].pos;
    open[n++] = i;
  }
  while (n) p->a[open[--n]].next = p->pos;
  mem_raw_free(open);
}

typedef struct Block { uint64_t indent; bool done; } Block;
typedef struct Lines { Buf *b; Block *stack; uint64_t col; uint64_t margin; const Tok *blank; const char *text; } Lines;

static void write_blank(Lines *l) {
  if (!l->blank) return;
  buf_add(l->b, l->text + l->blank->off, l->blank->len);
  l->col += l->blank->width;
  l->blank = NULL;
}

static void write_break(Lines *l, const Tok *t) {
  Block *block = &l->stack[t->depth];
  if (!block->done && (!l->margin || l->col + (t->next - t->pos) < l->margin)) return;
  buf_ch(l->b, '\n');
  for (uint64_t i = 0; i < block->indent; i++) buf_ch(l->b, ' ');
  l->col = block->indent;
  l->blank = NULL;
  for (uint32_t d = t->depth + 1; d-- > 0 && !l->stack[d].done;) l->stack[d].done = true;
}

static void write_tok(Lines *l, const Tok *t) {
  if (t->kind == TOK_BREAK) {
    write_break(l, t);
    return;
  }
  write_blank(l);
  if (t->kind == TOK_BLANK) {
    l->blank = t;
    return;
  }
  if (t->len) buf_add(l->b, l->text + t->off, t->len);
  l->col += t->width;
  if (t->kind == TOK_OPEN) l->stack[t->depth] = (Block){l->col, false};
}

static void write_lines(Pretty *p, Buf *b, uint32_t margin) {
  Block *stack = mem_raw((PPRINT_DEPTH + 8) * sizeof *stack);
  Lines l = {.b = b, .stack = stack, .margin = margin, .text = p->text.p};
  stack[0] = (Block){0, false};
  find_ends(p);
  for (size_t i = 0; i < p->n; i++) write_tok(&l, &p->a[i]);
  write_blank(&l);
  mem_raw_free(stack);
}

Val pprint_to(Buf *b, Val v, const PrintOpts *o, uint32_t margin) {
  Pretty p = {.o = o, .root = v, .level = o->level, .parts = -1};
  Val r = put_val(&p, v);
  if (!is_sig(r)) write_lines(&p, b, margin);
  buf_free(&p.text);
  mem_raw_free(p.a);
  return r;
}
