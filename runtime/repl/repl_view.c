/* repl_view.c - see repl_view.h */
#include "repl_view.h"
#include "runtime/engine/engine_int.h"
#include "runtime/engine/inspect.h"
#include "reader/seq.h"
#include "reader/read.h"

enum { MAX_COLUMNS = 12, GAP = 2, LEAST = 6 };

Val view_as(Val v, const char *view) { return with_meta(v, map_assoc(map_empty, kw_new("breyta.repl", "view"), kw_c(view))); }

Val view_table(Val rows, const char *const *columns) {
  Val names = vec_empty;
  for (; *columns; columns++) names = vec_conj(names, kw_c(*columns));
  Val m = map_assoc(map_empty, kw_new("breyta.repl", "view"), kw_c("table"));
  return with_meta(rows, map_assoc(m, kw_new("breyta.repl", "columns"), names));
}

/* --- cells ------------------------------------------------------------ */
static void cell(Val v, Buf *b) {
  if (is_nil(v)) return;
  if (is_str(v)) {
    buf_add(b, str_s(v), str_n(v));
  } else if (is_type(v, T_INST)) {
    size_t from = b->n;
    inst_print(b, AS(Inst, v)->ms);
    b->n = from + 19;
    b->p[from + 10] = ' ';
  } else if (is_sig(print_to(b, v, &print_readably))) {
    buf_ch(b, '?');
  }
}

static size_t points(const char *s, size_t n) {
  size_t k = 0;
  for (size_t i = 0; i < n; i++) k += ((unsigned char)s[i] & 0xc0) != 0x80;
  return k;
}

/* At most `most` code points of one line, padded to that when `pad`. */
static void put_cut(Buf *out, const Buf *text, size_t most, bool pad) {
  const char *s = text->p ? text->p : "";
  size_t n = text->n, all = points(s, n), keep = all <= most ? all : most > 3 ? most - 3 : most, k = 0;
  for (size_t i = 0; i < n; i++) {
    bool start = ((unsigned char)s[i] & 0xc0) != 0x80;
    if (start && k == keep) break;
    k += start;
    buf_ch(out, (unsigned char)s[i] < ' ' ? ' ' : s[i]);
  }
  if (all > most && most > 3) buf_c(out, "...");
  for (k = all > most ? most : all; pad && k < most; k++) buf_ch(out, ' ');
}

/* --- tables ------------------------------------------------------------ */
typedef struct Table { Val rows, columns; uint32_t n; size_t w[MAX_COLUMNS]; } Table;

static size_t cell_width(Val v) {
  Buf b = {0};
  cell(v, &b);
  size_t w = points(b.p ? b.p : "", b.n);
  buf_free(&b);
  return w;
}

static void measure(Table *t, size_t width) {
  size_t sum = GAP * (t->n - 1);
  for (uint32_t c = 0; c < t->n; c++) {
    t->w[c] = strlen(kw_text(vec_nth(t->columns, c)));
    for (uint32_t i = 0; i < vec_count(t->rows); i++) {
      size_t w = cell_width(map_get(vec_nth(t->rows, i), vec_nth(t->columns, c), NIL));
      if (w > t->w[c]) t->w[c] = w;
    }
    sum += t->w[c];
  }
  for (bool narrowed = true; sum > width && narrowed; sum -= narrowed) { /* the widest gives way */
    uint32_t wide = 0;
    for (uint32_t c = 1; c < t->n; c++)
      if (t->w[c] > t->w[wide]) wide = c;
    narrowed = t->w[wide] > LEAST;
    if (narrowed) t->w[wide]--;
  }
}

static void put_row(const Table *t, Val row, Buf *out) {
  for (uint32_t c = 0; c < t->n; c++) {
    Val k = vec_nth(t->columns, c);
    Buf b = {0};
    if (same(row, ABSENT)) buf_c(&b, kw_text(k));
    else cell(map_get(row, k, NIL), &b);
    put_cut(out, &b, t->w[c], c + 1 < t->n);
    if (c + 1 < t->n) buf_add(out, "  ", GAP);
    buf_free(&b);
  }
  while (out->n && out->p[out->n - 1] == ' ') out->n--;
}

static void show_table(Val rows, Val columns, size_t width, Buf *out) {
  Table t = {rows, columns, vec_count(columns) < MAX_COLUMNS ? vec_count(columns) : MAX_COLUMNS, {0}};
  if (!vec_count(rows)) {
    buf_c(out, "[] none");
    return;
  }
  measure(&t, width);
  put_row(&t, ABSENT, out);
  for (uint32_t i = 0; i < vec_count(rows); i++) {
    buf_ch(out, '\n');
    put_row(&t, vec_nth(rows, i), out);
  }
}

/* --- how a run stands ------------------------------------------------------------ */
static void put_value(Buf *out, const char *what, Val v, size_t width) {
  Buf b = {0};
  if (is_sig(print_to(&b, v, &print_readably))) buf_ch(&b, '?');
  buf_c(out, what);
  put_cut(out, &b, width > strlen(what) + 8 ? width - strlen(what) : 40, false);
  buf_free(&b);
}

static void show_step(Val step, const char *where, size_t width, Buf *out) {
  if (!is_map(step)) return;
  Buf head = {0};
  buf_fmt(&head, "%s step %lld :%s :%s  ", where, (long long)long_of(map_get_kw(step, "number")), kw_text(map_get_kw(step, "type")),
          kw_text(map_get_kw(step, "id")));
  put_value(out, buf_cstr(&head), map_get_kw(step, "input"), width);
  buf_free(&head);
}

static void show_state(Val st, size_t width, Buf *out) {
  static const struct { const char *at, *where, *next; } ways[] = {
      {"held", "in front of", "(step!) does it, (answer! value) or (fail! \"why\") answers it, (run-on!) goes to the end, (stack) looks"},
      {"waiting", "waits in", "(answer! value) answers it"},
      {"timer", "pauses in", "(step!) waits for it, (answer! value) goes on at once"},
      {"busy", "at work in", "(step!) waits for it"}};
  const char *at = kw_text(map_get_kw(st, "at")), *id = is_str(map_get_kw(st, "run-id")) ? str_s(map_get_kw(st, "run-id")) : "";
  buf_fmt(out, "run %s  %s\n", id, kw_text(map_get_kw(st, "status")));
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    if (!strcmp(at, ways[i].at)) {
      show_step(map_get_kw(st, "step"), ways[i].where, width, out);
      buf_fmt(out, "\n%s", ways[i].next);
      return;
    }
  if (is_nil(map_get_kw(st, "error"))) put_value(out, "value  ", map_get_kw(st, "value"), width);
  else put_value(out, "error  ", map_get_kw(st, "error"), width);
}

bool view_show(Val v, int width, Buf *out) {
  Val m = is_vec(v) || is_map(v) ? meta_of(v) : NIL;
  const char *view = is_map(m) ? kw_text(map_get(m, kw_new("breyta.repl", "view"), NIL)) : "";
  Val columns = *view ? map_get(m, kw_new("breyta.repl", "columns"), NIL) : NIL;
  if (!strcmp(view, "table") && is_vec(v) && is_vec(columns) && vec_count(columns)) show_table(v, columns, (size_t)width, out);
  else if (!strcmp(view, "state") && is_map(v)) show_state(v, (size_t)width, out);
  else if (!strcmp(view, "stack") && is_map(v)) inspect_print(v, (size_t)width, out);
  else return false;
  while (out->n && out->p[out->n - 1] == '\n') out->n--;
  return true;
}
