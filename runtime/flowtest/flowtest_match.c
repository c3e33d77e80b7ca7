/* flowtest_match.c - see flowtest_match.h. */
#include "flowtest_match.h"
#include "runtime/flow/flowdef_int.h"
#include "reader/mem.h"
#include "reader/regex.h"
#include <stdio.h>

enum { PATH_MAX_LEN = 48, VALUE_BYTES = 100, ALIGN_CELLS = 40000, STRING_SHOWN = 40 };

typedef struct Diff {
  Env *env;
  bool exact, quiet; /* quiet: only whether */
  const char *root, *indent;
  Buf *out;
  int found;
  Val path[PATH_MAX_LEN];
  int depth;
} Diff;

static void walk(Diff *d, Val want, Val got);

/* --- preparing -------------------------------------------------------------------------------------------------------------- */
static bool is_more(Val v) { return sym_is(v, "..."); }

bool match_is_code(Val form) {
  bool quoted;
  if (is_sym(form)) return !is_more(form);
  unquote_form(form, &quoted);
  return !quoted && is_type(form, T_LIST);
}

static Val compile(Env *env, Val form, const char *file) {
  if (sym_is(form, "_")) form = sym_new("clojure.core", "any?");
  TRY(fn, flowdef_compile_fn(env, form, file));
  if (!is_type(fn, T_FN)) return fn;
  Val kv[] = {kw_c("form"), form}, named = with_meta(fn, map_from(kv, 1, false)); /* what is shown when it says no */
  return is_sig(named) ? fn : named;
}

static Val prepare_seq(Env *env, Val coll, const char *file, bool exact) {
  ValVec in = {0}, out = {0};
  CHECK(coll_into_array(coll, &in));
  for (size_t i = 0; i < in.n; i++) {
    TRY(x, match_prepare(env, in.a[i], file, exact));
    vv_push(&out, x);
  }
  return vec_from(out.a, out.n);
}

static Val prepare_map(Env *env, Val m, const char *file, bool exact) {
  MapIter it;
  Val k, v, out = m;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    TRY(x, match_prepare(env, v, file, exact));
    TRY(next, map_assoc(out, k, x));
    out = next;
  }
  return out;
}

Val match_prepare(Env *env, Val p, const char *file, bool exact) {
  bool quoted;
  Val inner = unquote_form(p, &quoted);
  if (quoted) return inner;
  if (!exact && match_is_code(p)) return compile(env, p, file);
  if (is_map(p)) return prepare_map(env, p, file, exact);
  if (is_vec(p) || is_form_list(p)) return prepare_seq(env, p, file, exact);
  return p;
}

/* --- telling ---------------------------------------------------------------------------------------------------------------- */
void match_text(Val v, size_t most, Buf *b) {
  Buf all = {0};
  if (is_sig(print_to(&all, v, &print_readably))) {
    all.n = 0;
    buf_fmt(&all, "a %s", class_name_of(v));
  }
  size_t n = all.n;
  if (n > most) {
    n = most;
    while (n && ((unsigned char)all.p[n] & 0xc0) == 0x80) n--;
  }
  for (size_t i = 0; i < n; i++) buf_ch(b, all.p[i] == '\n' ? ' ' : all.p[i]);
  if (n < all.n) buf_c(b, "...");
  buf_free(&all);
}

static void path_text(const Diff *d, Buf *b) {
  if (!d->depth) {
    buf_c(b, d->root);
    return;
  }
  buf_ch(b, '[');
  for (int i = 0; i < d->depth && i < PATH_MAX_LEN; i++) {
    if (i) buf_ch(b, ' ');
    match_text(d->path[i], 40, b);
  }
  buf_ch(b, ']');
}

/* Begins a line; false: there is nothing to say, or enough was said. */
static bool line(Diff *d) {
  d->found++;
  if (d->quiet || d->found > MATCH_LINES) return false;
  buf_c(d->out, d->indent);
  path_text(d, d->out);
  buf_ch(d->out, ' ');
  return true;
}

static void push(Diff *d, Val step) {
  if (d->depth < PATH_MAX_LEN) d->path[d->depth] = step;
  d->depth++;
}

/* Functions of a pattern as they were written. */
static void value(Diff *d, const char *word, Val v, const char *after) {
  Val form = is_type(v, T_FN) ? map_get_kw(meta_of(v), "form") : NIL;
  buf_c(d->out, word);
  if (is_type(v, T_BUILTIN)) buf_c(d->out, AS(BuiltinObj, v)->def->short_name);
  else match_text(is_nil(form) ? v : form, VALUE_BYTES, d->out);
  buf_c(d->out, after);
}

static void expected_got(Diff *d, Val want, Val got) {
  if (!line(d)) return;
  value(d, is_type(want, T_REGEX) ? "expected a match of " : "expected ", want, ", got ");
  value(d, "", got, "");
  if (is_num(want) && is_num(got) && num_to_double(want) == num_to_double(got)) /* 1 and 1.0 */
    buf_fmt(d->out, " (a %s and a %s)", class_name_of(want), class_name_of(got));
  buf_ch(d->out, '\n');
}

/* --- leaves ----------------------------------------------------------------------------------------------------------------- */
static void string_piece(Buf *b, const char *s, size_t n, size_t from) {
  size_t to = from + STRING_SHOWN < n ? from + STRING_SHOWN : n;
  while (from && ((unsigned char)s[from] & 0xc0) == 0x80) from--;
  while (to < n && ((unsigned char)s[to] & 0xc0) == 0x80) to++;
  Val piece = str_new(s + from, to - from);
  buf_c(b, from ? "..." : "");
  print_to(b, piece, &print_readably);
  buf_c(b, to < n ? "..." : "");
}

/* Long strings: what stands around the first character that differs. */
static void strings(Diff *d, Val want, Val got) {
  const char *a = str_s(want), *b = str_s(got);
  size_t na = str_n(want), nb = str_n(got), i = 0;
  if (na < 2 * STRING_SHOWN && nb < 2 * STRING_SHOWN) {
    expected_got(d, want, got);
    return;
  }
  while (i < na && i < nb && a[i] == b[i]) i++;
  if (!line(d)) return;
  size_t from = i > 12 ? i - 12 : 0;
  buf_fmt(d->out, "differs at byte %zu of %zu: expected ", i, na);
  string_piece(d->out, a, na, from);
  buf_c(d->out, ", got ");
  string_piece(d->out, b, nb, from);
  buf_ch(d->out, '\n');
}

static void predicate(Diff *d, Val fn, Val got) {
  Val r = mach_call_sync(d->env, fn, &got, 1);
  if (!is_sig(r) && truthy(r)) return;
  Val ex = is_sig(r) ? pend.ex : NIL;
  pend.ex = NIL;
  if (!line(d)) return;
  value(d, "does not satisfy ", fn, "");
  value(d, ": ", got, "");
  if (is_type(ex, T_EX) && is_str(AS(Ex, ex)->msg)) buf_fmt(d->out, " (it threw: %.200s)", str_s(AS(Ex, ex)->msg));
  buf_ch(d->out, '\n');
}

static bool regex_found(Val re, Val s) {
  RegexMatch m;
  if (!is_str(s) || is_sig(regex_exec(re, s, 0, false, &m))) return false;
  return m.found;
}

/* --- maps ------------------------------------------------------------------------------------------------------------------- */
/* The key a string stands for when a keyword was meant, and the other way round. ABSENT: not there either. */
static Val other_spelling(Val m, Val k) {
  Val alt = is_kw(k) && is_nil(AS(Kw, k)->ns) ? AS(Kw, k)->name : is_str(k) ? kw_parse(str_s(k), str_n(k)) : NIL;
  return is_nil(alt) || same(map_get(m, alt, ABSENT), ABSENT) ? ABSENT : alt;
}

static void missing_key(Diff *d, Val want, Val got_map, Val k) {
  if (!line(d)) return;
  value(d, "is missing, expected ", want, "");
  Val alt = other_spelling(got_map, k);
  if (!same(alt, ABSENT)) value(d, " (there is ", alt, ")");
  buf_ch(d->out, '\n');
}

static void unexpected(Diff *d, Val got) {
  if (!line(d)) return;
  value(d, "was not expected, got ", got, "\n");
}

static void maps(Diff *d, Val want, Val got) {
  MapIter it;
  Val k, v;
  map_iter(&it, want);
  while (map_next(&it, &k, &v)) {
    Val g = map_get(got, k, ABSENT);
    push(d, k);
    if (same(g, ABSENT)) missing_key(d, v, got, k);
    else walk(d, v, g);
    d->depth--;
  }
  map_iter(&it, got);
  while (d->exact && map_next(&it, &k, &v)) {
    if (!same(map_get(want, k, ABSENT), ABSENT)) continue;
    push(d, k);
    unexpected(d, v);
    d->depth--;
  }
}

static void sets(Diff *d, Val want, Val got) {
  MapIter it;
  Val k, v;
  for (int turn = 0; turn < 2; turn++) {
    map_iter(&it, turn ? got : want);
    while (map_next(&it, &k, &v)) {
      if (!same(set_get(turn ? want : got, k, ABSENT), ABSENT) || !line(d)) continue;
      value(d, turn ? "has the unexpected element " : "lacks the element ", k, "\n");
    }
  }
}

/* --- sequences -------------------------------------------------------------------------------------------------------------- */
static bool agrees(Diff *d, Val want, Val got) {
  Diff q = {.env = d->env, .exact = d->exact, .quiet = true};
  walk(&q, want, got);
  return !q.found;
}

typedef struct Span { const Val *want, *got; uint32_t nw, ng, at; } Span; /* at: index of got[0] */

static void lacks(Diff *d, uint32_t at, Val want) {
  push(d, fix(at));
  if (line(d)) value(d, "is missing, expected ", want, "\n");
  d->depth--;
}

/* No element agrees with another: side by side, then the rest. */
static void side_by_side(Diff *d, Span s) {
  for (uint32_t i = 0; i < s.nw || i < s.ng; i++) {
    if (i >= s.ng) {
      lacks(d, s.at + i, s.want[i]);
      continue;
    }
    push(d, fix(s.at + i));
    if (i < s.nw) walk(d, s.want[i], s.got[i]);
    else unexpected(d, s.got[i]);
    d->depth--;
  }
}

/* Longest common subsequence of what lies between; then the gaps side by side. */
static void align(Diff *d, Span s) {
  uint32_t w = s.ng + 1;
  uint16_t *len = mem_alloc_atomic((size_t)(s.nw + 1) * w * sizeof *len);
  memset(len, 0, (size_t)(s.nw + 1) * w * sizeof *len);
  for (uint32_t i = s.nw; i-- > 0;)
    for (uint32_t j = s.ng; j-- > 0;) {
      uint16_t down = len[(i + 1) * w + j], right = len[i * w + j + 1];
      len[i * w + j] = agrees(d, s.want[i], s.got[j]) ? (uint16_t)(len[(i + 1) * w + j + 1] + 1) : down > right ? down : right;
    }
  uint32_t i = 0, j = 0, i0 = 0, j0 = 0;
  while (i < s.nw && j < s.ng) {
    if (agrees(d, s.want[i], s.got[j]) && len[i * w + j] == len[(i + 1) * w + j + 1] + 1) {
      side_by_side(d, (Span){s.want + i0, s.got + j0, i - i0, j - j0, s.at + j0});
      i0 = ++i;
      j0 = ++j;
    } else if (len[(i + 1) * w + j] >= len[i * w + j + 1]) {
      i++;
    } else {
      j++;
    }
  }
  side_by_side(d, (Span){s.want + i0, s.got + j0, s.nw - i0, s.ng - j0, s.at + j0});
}

static void sequences(Diff *d, Val want, Val got) {
  ValVec a = {0}, b = {0};
  if (is_sig(coll_into_array(want, &a)) || is_sig(coll_into_array(got, &b))) {
    expected_got(d, want, got);
    return;
  }
  if (!d->exact && a.n && is_more(a.a[a.n - 1])) {
    a.n--;
    if (b.n > a.n) b.n = a.n;
  }
  Span s = {a.a, b.a, (uint32_t)a.n, (uint32_t)b.n, 0};
  if (s.nw != s.ng) {
    if (d->quiet) {
      d->found++;
      return;
    }
    uint32_t more = s.nw > s.ng ? s.nw - s.ng : s.ng - s.nw;
    if (more > MATCH_LINES && line(d)) buf_fmt(d->out, "expected %u elements, got %u\n", s.nw, s.ng);
    while (s.nw && s.ng && agrees(d, s.want[0], s.got[0])) s.want++, s.got++, s.nw--, s.ng--, s.at++;
    while (s.nw && s.ng && agrees(d, s.want[s.nw - 1], s.got[s.ng - 1])) s.nw--, s.ng--;
    if (s.nw && s.ng && (uint64_t)s.nw * s.ng <= ALIGN_CELLS) {
      align(d, s);
      return;
    }
  }
  side_by_side(d, s);
}

/* --- all -------------------------------------------------------------------------------------------------------------------- */
static bool is_code_value(Val v) { return is_type(v, T_FN) || is_type(v, T_BUILTIN) || is_type(v, T_VAR); }

static void walk(Diff *d, Val want, Val got) {
  if (d->quiet && d->found) return;
  if (!d->exact && is_code_value(want)) predicate(d, want, got);
  else if (!d->exact && is_type(want, T_REGEX) && !is_type(got, T_REGEX)) {
    if (!regex_found(want, got)) expected_got(d, want, got);
  } else if (is_map(want) && is_map(got)) maps(d, want, got);
  else if (is_sequential(want) && is_sequential(got)) sequences(d, want, got);
  else if (same(val_eq(want, got), TRUE_V)) return;
  else if (is_set(want) && is_set(got)) sets(d, want, got);
  else if (is_str(want) && is_str(got)) strings(d, want, got);
  else expected_got(d, want, got);
}

int match_diff(Env *env, Val want, Val got, bool exact, const char *root, const char *indent, Buf *out) {
  Diff d = {.env = env, .exact = exact, .root = root, .indent = indent, .out = out};
  walk(&d, want, got);
  if (d.found > MATCH_LINES) buf_fmt(out, "%s... and %d more\n", indent, d.found - MATCH_LINES);
  return d.found;
}

bool match_ok(Env *env, Val want, Val got, bool exact) {
  Diff d = {.env = env, .exact = exact, .quiet = true};
  walk(&d, want, got);
  return !d.found;
}
