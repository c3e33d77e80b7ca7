/* flowdef.c - reading a definition: text to a FlowDef, and the list of diagnostics. The checks are in flowdef_check.c,
 * flowdef_setup.c, flowdef_step.c and flowdef_lint.c. */
#include "flowdef_int.h"
#include "flow_include.h"
#include "runtime/base/hash.h"
#include "runtime/base/limits.h"
#include <stdio.h>
#include <stdlib.h>

/* --- the table of codes ------------------------------------------------------------------------------------------- */
enum { W, E, U };
static const struct {
  const char *name, *hint;
  int severity;
} codes[DIAG_COUNT] = {
#define DIAG_ROW(code, severity, hint) {#code, hint, severity},
    DIAG_TABLE(DIAG_ROW)};

/* --- diagnostics -------------------------------------------------------------------------------------------------- */
void diags_free(Diags *d) {
  for (size_t i = 0; i < d->n; i++) {
    mem_raw_free(d->a[i].message);
    mem_raw_free(d->a[i].hint);
    mem_raw_free(d->a[i].path);
    free(d->a[i].file);
  }
  mem_raw_free(d->a);
  *d = (Diags){0};
}

static char *copy_text(const char *s) {
  if (!s) return NULL;
  size_t n = strlen(s) + 1;
  return memcpy(mem_raw(n), s, n);
}

static char *path_text(const Check *c) {
  if (!c || !c->npath) return NULL;
  Buf b = {0};
  buf_ch(&b, '[');
  for (size_t i = 0; i < c->npath; i++) {
    if (i) buf_ch(&b, ' ');
    if (is_sig(print_to(&b, c->path[i], &print_readably))) break;
  }
  buf_ch(&b, ']');
  char *s = copy_text(buf_cstr(&b));
  buf_free(&b);
  return s;
}

static void diag_put(Diags *d, const Check *c, enum DiagCode code, bool error, int line, int col, const char *hint, const char *text) {
  if (d->n == d->cap) {
    d->cap = d->cap ? d->cap * 2 : 16;
    d->a = mem_raw_grow(d->a, d->cap * sizeof *d->a);
  }
  d->a[d->n++] = (Diag){.error = error,
                        .refused = codes[code].severity == U,
                        .code = codes[code].name,
                        .message = copy_text(text),
                        .line = line,
                        .col = col,
                        .hint = copy_text(hint ? hint : codes[code].hint),
                        .path = path_text(c)};
  if (error)
    d->errors++;
  else
    d->warnings++;
}

void diags_error(Diags *d, enum DiagCode code, const char *file, int line, int col, const char *text) {
  diag_put(d, NULL, code, true, line, col, NULL, text);
  if (file && !(d->a[d->n - 1].file = strdup(file))) mem_exhausted(0);
}

static void diag_va(Check *c, enum DiagCode code, bool error, At at, const char *hint, const char *fmt, va_list ap) {
  char *text = NULL;
  if (vasprintf(&text, fmt, ap) < 0) mem_exhausted(0);
  diag_put(c->d, c, code, error, at.line, at.col, hint, text);
  free(text);
}

void diag_add(Check *c, enum DiagCode code, At at, const char *hint, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  bool over = (code == DIAG_flow_size_limit && limit_on(LIMIT_flow_bytes)) || (code == DIAG_declared_steps_limit && limit_on(LIMIT_declared_steps));
  diag_va(c, code, codes[code].severity == E || over, at, hint, fmt, ap);
  va_end(ap);
}

void diag_warn(Check *c, enum DiagCode code, At at, const char *hint, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  diag_va(c, code, false, at, hint, fmt, ap);
  va_end(ap);
}

static int diag_order(const void *x, const void *y) {
  const Diag *a = x, *b = y;
  if (a->line != b->line) return a->line < b->line ? -1 : 1;
  if (a->col != b->col) return a->col < b->col ? -1 : 1;
  if (a->error != b->error) return a->error ? -1 : 1;
  int by_code = strcmp(a->code, b->code);
  return by_code ? by_code : strcmp(a->message, b->message);
}

void diags_sort(Diags *d) {
  if (d->n > 1) qsort(d->a, d->n, sizeof *d->a, diag_order);
}

void diag_print(const Diag *d, const char *file, bool is_error, Buf *b) {
  buf_c(b, d->file ? d->file : file ? file : "flow");
  if (d->line) buf_fmt(b, ":%d:%d", d->line, d->col);
  buf_fmt(b, ": %s [%s] %s", is_error ? "error" : "warning", d->code, d->message);
  if (d->hint) buf_fmt(b, " (%s)", d->hint);
  buf_ch(b, '\n');
}

void diags_print(const Diags *d, const char *file, Buf *b) {
  for (size_t i = 0; i < d->n; i++) diag_print(&d->a[i], file, d->a[i].error, b);
}

/* --- places ------------------------------------------------------------------------------------------------------- */
void path_push(Check *c, Val v) {
  if (c->npath < CHECK_PATH) c->path[c->npath] = v;
  c->npath++;
  if (c->npath > CHECK_PATH) c->npath = CHECK_PATH; /* deeper than any check goes */
}
void path_kw(Check *c, const char *name) { path_push(c, kw_c(name)); }
void path_pop(Check *c) {
  if (c->npath) c->npath--;
}

At at_node(const Check *c, const PosNode *n, At otherwise) {
  if (!n) return (At){NULL, otherwise.line, otherwise.col};
  At at = {n, 0, 0};
  pos_linecol(&c->pos, n, &at.line, &at.col);
  return at;
}
At at_entry(const Check *c, At map, Val key) { return at_node(c, pos_entry(&c->pos, map.n, key, false), map); }
At at_field(const Check *c, At map, const char *kw) { return at_entry(c, map, kw_c(kw)); }
At at_key(const Check *c, At map, Val key) { return at_node(c, pos_entry(&c->pos, map.n, key, true), map); }

At at_form(const Check *c, Val form, At otherwise) {
  int line, col;
  if (!form_pos(form, &line, &col)) return (At){NULL, otherwise.line, otherwise.col};
  const PosNode *n = pos_value(&c->pos, pos_find(&c->pos, line, col));
  return n ? (At){n, line, col} : (At){NULL, line, col};
}

/* Trusts the order of the text only where the tree has as many children as the value. */
At at_kid(const Check *c, At parent, uint32_t i, Val form) {
  const PosNode *n = parent.n ? pos_kid(&c->pos, parent.n, i) : NULL;
  return n ? at_node(c, n, parent) : at_form(c, form, parent);
}

/* --- small questions about values --------------------------------------------------------------------------------- */
const char *val_text(Val v) {
  static _Thread_local char ring[4][96];
  static _Thread_local unsigned turn;
  char *out = ring[turn++ % 4];
  Buf b = {0};
  PrintOpts o = print_readably;
  o.max_bytes = 1 << 20;
  if (is_sig(print_to(&b, v, &o)))
    snprintf(out, sizeof ring[0], "a %s", class_name_of(v));
  else if (b.n < 64)
    snprintf(out, sizeof ring[0], "%s", buf_cstr(&b));
  else {
    size_t n = 56; /* not in the middle of a character */
    while (n && ((uint8_t)b.p[n] & 0xc0) == 0x80) n--;
    snprintf(out, sizeof ring[0], "%.*s...", (int)n, buf_cstr(&b));
  }
  for (char *p = out; *p; p++)
    if (*p == '\n') *p = ' ';
  buf_free(&b);
  return out;
}

static bool is_letter(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'); }
bool safe_id(const char *s, size_t n) {
  if (!n || n > 128 || !is_letter(*s)) return false;
  for (size_t i = 1; i < n; i++)
    if (!is_letter(s[i]) && !(s[i] >= '0' && s[i] <= '9') && s[i] != '_' && s[i] != '-') return false;
  return true;
}

bool safe_id_val(Val v, bool strings) {
  if (is_kw(v)) return is_nil(AS(Kw, v)->ns) && safe_id(str_s(AS(Kw, v)->name), str_n(AS(Kw, v)->name));
  return strings && is_str(v) && safe_id(str_s(v), str_n(v));
}

Val name_kw(Val v) {
  if (is_kw(v)) return v;
  if (is_sym(v)) return kw_of(AS(Sym, v)->ns, AS(Sym, v)->name);
  return is_str(v) ? kw_parse(str_s(v), str_n(v)) : NIL;
}

bool is_form_list(Val v) { return is_type(v, T_LIST) || is_type(v, T_EMPTY); }
uint32_t list_n(Val form) { return is_type(form, T_LIST) ? AS(List, form)->cnt : 0; }
Val list_nth(Val form, uint32_t i) {
  for (; is_type(form, T_LIST); form = AS(List, form)->rest)
    if (!i--) return AS(List, form)->first;
  return NIL;
}

bool list_head_is(Val form, const char *ns, const char *name) {
  if (!is_type(form, T_LIST)) return false;
  Val h = AS(List, form)->first;
  if (!is_sym(h) || !str_eq_c(AS(Sym, h)->name, name)) return false;
  Val own = AS(Sym, h)->ns;
  return ns ? is_str(own) && str_eq_c(own, ns) : is_nil(own);
}

Val unquote_form(Val v, bool *quoted) {
  *quoted = list_n(v) == 2 && list_head_is(v, NULL, "quote");
  return *quoted ? list_nth(v, 1) : v;
}

bool is_literal(Val v) {
  bool quoted;
  unquote_form(v, &quoted);
  return quoted || (!is_sym(v) && !is_type(v, T_LIST));
}

/* Edit distance of at most 2, by trying: names are short. */
static int distance(const char *a, const char *b, int left) {
  while (*a && *a == *b) a++, b++;
  if (!*a && !*b) return 0;
  if (!left) return 1;
  int best = 1 + distance(*a ? a + 1 : a, *b ? b + 1 : b, left - 1);
  if (*a) {
    int d = 1 + distance(a + 1, b, left - 1);
    if (d < best) best = d;
  }
  if (*b) {
    int d = 1 + distance(a, b + 1, left - 1);
    if (d < best) best = d;
  }
  return best;
}

const char *nearest_name(const char *name, const char *const *names, size_t n) {
  const char *best = NULL;
  int least = 3;
  for (size_t i = 0; i < n; i++) {
    int d = distance(name, names[i], 2);
    if (d < least && (size_t)d * 2 < strlen(names[i])) least = d, best = names[i];
  }
  return best;
}

Val def_field(const Check *c, const char *kw) { return map_get_kw(c->f->map, kw); }

/* --- reading ------------------------------------------------------------------------------------------------------ */
/* The reader's text without its "file:line:col: ". */
static const char *without_position(const char *msg, const char *file) {
  size_t n = file ? strlen(file) : 0;
  if (n && !strncmp(msg, file, n) && msg[n] == ':') msg += n + 1;
  const char *p = msg;
  for (int i = 0; i < 2; i++) {
    const char *q = p;
    while (*q >= '0' && *q <= '9') q++;
    if (q == p || *q != ':') return msg;
    p = q + 1;
  }
  return *p == ' ' ? p + 1 : p;
}

static enum DiagCode syntax_code(const char *msg) {
  if (strstr(msg, "EvalReader") || strstr(msg, "#=")) return DIAG_clojure_reader_eval_disabled;
  if (!strncmp(msg, "Unmatched delimiter", 19) || !strncmp(msg, "EOF", 3)) return DIAG_clojure_delimiters_invalid;
  if (strstr(msg, "No reader function") || strstr(msg, "No dispatch macro") || strstr(msg, "Reader conditional") ||
      strstr(msg, "reader conditional") || strstr(msg, "read-cond"))
    return DIAG_clojure_reader_invalid;
  return DIAG_clojure_syntax_invalid;
}

static void syntax_diag(Diags *d, const Reader *r) {
  Val ex = pend.ex, msg = is_type(ex, T_EX) ? AS(Ex, ex)->msg : NIL;
  const char *text = is_str(msg) ? without_position(str_s(msg), r->file) : "the text cannot be read";
  pend.ex = NIL;
  diag_put(d, NULL, syntax_code(text), true, r->line, r->col, NULL, text);
}

static const char *kind_of_form(Val v) {
  if (is_form_list(v)) return "a list";
  if (is_vec(v)) return "a vector";
  if (is_set(v)) return "a set";
  if (is_nil(v)) return "nil";
  return class_name_of(v);
}

static bool not_one(Diags *d, int line, int col, const char *fmt, const char *a, const char *b) {
  Buf text = {0};
  buf_fmt(&text, fmt, a, b);
  diag_put(d, NULL, DIAG_clojure_syntax_invalid, true, line, col, NULL, buf_cstr(&text));
  buf_free(&text);
  return false;
}

bool diags_read_map(const char *text, size_t n, const char *file, const char *what, Val *map, Diags *d) {
  if (n > UINT32_MAX / 2) return not_one(d, 0, 0, "the file is too large%s%s", "", "");
  Reader r;
  read_init(&r, text, n, file);
  r.positions = true;
  *map = read_next(&r);
  if (is_sig(*map)) return syntax_diag(d, &r), false;
  if (same(*map, ABSENT)) return not_one(d, 1, 1, "the file holds no %s: one map {...} was expected%s", what, "");
  int line = 1, col = 1;
  if (!is_map(*map)) {
    form_pos(*map, &line, &col);
    return not_one(d, line, col, "a %s is one map {...}, this is %s", what, kind_of_form(*map));
  }
  line = r.line, col = r.col;
  Val more = read_next(&r);
  if (is_sig(more)) return syntax_diag(d, &r), false;
  if (same(more, ABSENT)) return true;
  form_pos(more, &line, &col);
  return not_one(d, line, col, "something follows the %s: a file holds one map and nothing behind it%s", what, "");
}

/* --- the body ----------------------------------------------------------------------------------------------------- */
/* `(...): the reader has made code of it that builds a list; the body is what stands there. */
static Val reread_at(const Check *c, const PosNode *n) {
  Reader r;
  read_init(&r, c->f->text, c->f->text_n, c->f->file);
  r.positions = true;
  r.p = c->f->text + n->at + 1;
  Val v = read_next(&r);
  return is_sig(v) ? NIL : v;
}

static bool take_body(Check *c, At *at) {
  Val v = map_get(c->f->map, kw_c("flow"), ABSENT);
  *at = at_field(c, c->root, "flow");
  if (same(v, ABSENT) || is_nil(v)) return false; /* check_definition says so */
  bool quoted;
  Val form = unquote_form(v, &quoted);
  if (quoted) {
    const PosNode *inner = at->n ? pos_kid(&c->pos, at->n, at->n->kind == POS_PREFIX ? 0 : 1) : NULL;
    *at = at_node(c, inner, *at);
  } else if (at->n && at->n->kind == POS_PREFIX && c->f->text[at->n->at] == '`') {
    form = reread_at(c, at->n);
    *at = at_node(c, pos_kid(&c->pos, at->n, 0), *at);
  } else {
    path_kw(c, "flow");
    diag_add(c, DIAG_invalid_required_field, *at, "put a quote before it: :flow '(let [...] ...)",
             ":flow must be a quoted form, this is %s", kind_of_form(v));
    path_pop(c);
    return false;
  }
  c->f->body = form;
  return true;
}

static char *text_copy(const char *s, size_t n) {
  char *p = mem_raw(n + 1);
  memcpy(p, s, n);
  p[n] = 0;
  return p;
}

static void take_identity(FlowDef *f) {
  Val slug = map_get_kw(f->map, "slug"), name = map_get_kw(f->map, "name");
  if (is_kw(slug)) slug = AS(Kw, slug)->name;
  f->slug = is_str(slug) ? text_copy(str_s(slug), str_n(slug)) : text_copy("", 0);
  f->name = is_str(name) ? text_copy(str_s(name), str_n(name)) : text_copy(f->slug, strlen(f->slug));
}

static FlowDef *def_new(const char *text, size_t n, const char *file, Val map) {
  FlowDef *f = mem_alloc(sizeof *f);
  f->map = map;
  f->body = NIL;
  f->functions = map_empty;
  f->file = file ? text_copy(file, strlen(file)) : NULL;
  f->text = text_copy(text, n);
  f->text_n = n;
  hash_sha256_hex(text, n, f->hash);
  take_identity(f);
  return f;
}

static FlowDef *read_text(const char *text, size_t n, const char *file, Diags *d) {
  int errors = d->errors;
  Val map;
  if (!diags_read_map(text, n, file, "flow definition", &map, d)) return NULL;
  Check c = {.f = def_new(text, n, file, map),
             .d = d,
             .used_functions = map_empty,
             .used_steps = map_empty,
             .used_templates = map_empty,
             .mentioned = set_empty,
             .free_set = set_empty};
  pos_init(&c.pos, c.f->text, n);
  c.root = at_node(&c, pos_value(&c.pos, pos_root(&c.pos)), (At){NULL, 1, 1});
  At body;
  bool has_body = take_body(&c, &body);
  if (has_body) check_body(&c, body);
  check_definition(&c);
  check_strings(&c);
  if (has_body && d->errors == errors) check_compiles(&c, body);
  pos_free(&c.pos);
  diags_sort(d);
  mem_raw_free(c.free_at);
  return d->errors == errors ? c.f : NULL;
}

FlowDef *flowdef_read(const char *text, size_t n, const char *file, Diags *d) {
  size_t from = d->n;
  FlowDef *f = read_text(text, n, file, d);
  flow_include_diags(text, n, file, d, from);
  return f;
}

FlowDef *flowdef_read_file(const char *text, size_t n, const char *file, Diags *d) {
  Buf whole = {0};
  FlowDef *f = flow_include(text, n, file, d, &whole) ? flowdef_read(buf_cstr(&whole), whole.n, file, d) : NULL;
  buf_free(&whole);
  return f;
}
