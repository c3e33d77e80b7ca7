#include "json.h"
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/print.h"
#include "reader/read.h"
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* ---- in ---- */

static bool key_char(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_-.?!*+<>=", c));
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

bool json_keyword_like(const char *s, size_t n) {
  size_t slash = 0;
  if (!n || digit(s[0])) return false;
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '/') {
      if (slash || i == 0 || i + 1 == n || digit(s[i + 1])) return false;
      slash = i;
    } else if (!key_char((unsigned char)s[i]))
      return false;
  }
  return true;
}

/* ---- looking without reading ---- */

static bool hex4(const char *p, const char *end, uint32_t *out) {
  *out = 0;
  for (int i = 0; i < 4; i++, p++) {
    if (p >= end || !isxdigit((unsigned char)*p)) return false;
    *out = *out << 4 | (uint32_t)(digit(*p) ? *p - '0' : (*p | 32) - 'a' + 10);
  }
  return true;
}

/* The character at p of a string's text as UTF-8; how many bytes it takes there. */
static size_t unescaped(const char *p, const char *end, char out[5]) {
  static const char names[] = "bfnrt", means[] = "\b\f\n\r\t";
  uint32_t hi, lo;
  out[0] = *p;
  out[1] = 0;
  if (*p != '\\' || p + 1 >= end) return 1;
  if (p[1] == 'u' && hex4(p + 2, end, &hi)) {
    bool pair = hi >= 0xd800 && hi < 0xdc00 && p + 7 < end && p[6] == '\\' && p[7] == 'u' && hex4(p + 8, end, &lo) && lo >= 0xdc00 && lo < 0xe000;
    out[utf8_put(out, pair ? 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00) : hi)] = 0;
    return pair ? 12 : 6;
  }
  const char *name = strchr(names, p[1]);
  out[0] = p[1] && name ? means[name - names] : p[1];
  return 2;
}

static bool escaped_is(const char *p, const char *end, const char *text) {
  char c[5];
  while (p < end) {
    p += unescaped(p, end, c);
    size_t n = strlen(c);
    if (!n || strncmp(text, c, n)) return false;
    text += n;
  }
  return !*text;
}

bool json_names(const char *s, size_t n, const char *text) {
  const char *end = s + n;
  if (memmem(s, n, text, strlen(text))) return true;
  for (const char *p = memchr(s, '"', n), *q; p; p = q < end ? memchr(q, '"', (size_t)(end - q)) : NULL) {
    bool escaped = false;
    for (q = p + 1; q < end && *q != '"'; q++)
      if (*q == '\\') escaped = true, q++;
    if (q > end) q = end;
    if (escaped && escaped_is(p + 1, q, text)) return true;
    q++;
  }
  return false;
}

/* ---- in ---- */

enum { ORDERED = 256 }; /* keys of an object whose order is kept, if it is wanted: looking one up takes that long */
static Val from_json(json_t *j, bool order, int depth, Err *e);

static Val key_of(const char *s) {
  size_t n = strlen(s);
  return json_keyword_like(s, n) ? kw_parse(s, n) : str_new(s, n);
}

static Val from_array(json_t *j, bool order, int depth, Err *e) {
  Val t = tvec_of(vec_empty);
  for (size_t i = 0, n = json_array_size(j); i < n; i++) {
    Val v = from_json(json_array_get(j, i), order, depth + 1, e);
    if (same(v, ABSENT) || is_sig(v)) return v;
    CHECK(tvec_conj(t, v));
  }
  return tvec_persistent(t);
}

static Val from_object(json_t *j, bool order, int depth, Err *e) {
  const char *key;
  json_t *x;
  ValVec kvs = {0};
  json_object_foreach(j, key, x) {
    vv_push(&kvs, key_of(key));
    Val v = from_json(x, order, depth + 1, e);
    if (same(v, ABSENT) || is_sig(v)) return v;
    vv_push(&kvs, v);
  }
  if (!kvs.n) return map_empty;
  return order && kvs.n <= 2 * ORDERED ? amap_from(kvs.a, kvs.n / 2) : map_from(kvs.a, kvs.n / 2, false);
}

static Val from_json(json_t *j, bool order, int depth, Err *e) {
  if (depth > JSON_DEPTH) {
    err_set(e, "json", "nested deeper than %d levels", JSON_DEPTH);
    return ABSENT;
  }
  switch (json_typeof(j)) {
  case JSON_OBJECT: return from_object(j, order, depth, e);
  case JSON_ARRAY: return from_array(j, order, depth, e);
  case JSON_STRING: return str_new(json_string_value(j), json_string_length(j));
  case JSON_INTEGER: return int_val(json_integer_value(j));
  case JSON_REAL: return dbl_val(json_real_value(j));
  case JSON_TRUE: return TRUE_V;
  case JSON_FALSE: return FALSE_V;
  default: return NIL;
  }
}

/* Integers beyond int64 are an error to jansson; with e0 behind them they are doubles. *marks are the places in the new
 * text where that was put, so that error positions can be told in terms of the old. */
typedef struct Widened {
  Buf text;
  size_t *marks, n;
} Widened;

static size_t number_end(const char *s, size_t i, size_t n, bool *real) {
  *real = false;
  for (; i < n && (digit(s[i]) || strchr("+-.eE", s[i])) && s[i]; i++)
    if (!digit(s[i]) && s[i] != '-') *real = true;
  return i;
}

static bool beyond_int64(const char *s, size_t n) {
  char t[24];
  if (n > 20) return true;
  memcpy(t, s, n);
  t[n] = 0;
  errno = 0;
  (void)strtoll(t, NULL, 10);
  return errno == ERANGE;
}

static size_t string_end(const char *s, size_t i, size_t n) {
  for (i++; i < n && s[i] != '"'; i++)
    if (s[i] == '\\') i++;
  return i < n ? i + 1 : n;
}

static void widen(Widened *w, const char *s, size_t n) {
  size_t from = 0;
  bool real;
  for (size_t i = 0; i < n;) {
    if (s[i] == '"') {
      i = string_end(s, i, n);
    } else if (digit(s[i]) || s[i] == '-') {
      size_t end = number_end(s, i, n, &real);
      if (!real && beyond_int64(s + i, end - i)) {
        buf_add(&w->text, s + from, end - from);
        w->marks = mem_raw_grow(w->marks, (w->n + 1) * sizeof *w->marks);
        w->marks[w->n++] = w->text.n;
        buf_c(&w->text, "e0");
        from = end;
      }
      i = end;
    } else
      i++;
  }
  buf_add(&w->text, s + from, n - from);
}

/* jansson's position is behind the token that it did not like; the token itself is in the text: ... near 'token' */
static size_t token_start(const char *s, size_t at, const char *text) {
  const char *near = strstr(text, " near '");
  size_t n = near ? strlen(near + 7) - 1 : 0;
  return n && n <= at && !memcmp(s + at - n, near + 7, n) ? at - n : at;
}

/* "line:column" of a byte offset, columns in code points */
static void parse_error(Err *e, const char *s, size_t n, size_t at, const json_error_t *je) {
  int line = 1, col = 1;
  at = token_start(s, at > n ? n : at, je->text);
  for (size_t i = 0; i < at; i++) {
    if (s[i] == '\n')
      line++, col = 1;
    else if (((unsigned char)s[i] & 0xc0) != 0x80)
      col++;
  }
  err_set(e, "json", "%d:%d: %s", line, col, je->text);
}

static json_t *load_wide(const char *s, size_t n, size_t flags, json_error_t *je) {
  Widened w = {0};
  widen(&w, s, n);
  json_t *j = json_loadb(w.text.p, w.text.n, flags, je);
  if (!j) {
    size_t at = (size_t)(je->position < 0 ? 0 : je->position), before = 0;
    while (before < w.n && w.marks[before] < at) before++;
    je->position = (int)(at - 2 * before);
  }
  free(w.marks);
  buf_free(&w.text);
  return j;
}

static Val parse(const char *s, size_t n, bool order, Err *e) {
  const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
  json_error_t je;
  size_t bom = n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3) ? 3 : 0;
  json_t *j = json_loadb(s + bom, n - bom, flags, &je);
  if (!j && json_error_code(&je) == json_error_numeric_overflow) j = load_wide(s + bom, n - bom, flags, &je);
  if (!j) {
    parse_error(e, s, n, (size_t)(je.position < 0 ? 0 : je.position) + bom, &je);
    return ABSENT;
  }
  Val v = from_json(j, order, 1, e);
  json_decref(j);
  return v;
}

Val json_parse(const char *s, size_t n, Err *e) { return parse(s, n, false, e); }
Val json_parse_ordered(const char *s, size_t n, Err *e) { return parse(s, n, true, e); }

/* ---- out ---- */

/* One level of the value being written; the chain is the path in error messages. */
typedef struct Level {
  const struct Level *up;
  Val key;
} Level;
typedef struct Out {
  Buf *b;
  Val root;
  int indent, depth;
  size_t start;
} Out;

static Val write_val(Out *o, Val v, const Level *at);

static void path_print(Buf *b, const Level *at) {
  if (!at) return;
  path_print(b, at->up);
  if (b->n) buf_ch(b, ' ');
  if (is_sig(print_to(b, at->key, &print_readably))) buf_ch(b, '?');
}

static Val refuse(const Level *at, const char *what, const char *hint) {
  Buf p = {0};
  path_print(&p, at);
  Val sig = p.n ? ex_throw(EXC_ILLEGAL_ARG, "JSON cannot hold %s (at [%s])%s", what, buf_cstr(&p), hint)
                : ex_throw(EXC_ILLEGAL_ARG, "JSON cannot hold %s%s", what, hint);
  buf_free(&p);
  return sig;
}

void json_text(Buf *b, const char *s, size_t n) {
  static const char hex[] = "0123456789abcdef";
  size_t from = 0;
  buf_ch(b, '"');
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    buf_add(b, s + from, i - from);
    from = i + 1;
    const char *esc = c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
    if (esc)
      buf_add(b, esc, 2);
    else
      buf_fmt(b, "\\u00%c%c", hex[c >> 4], hex[c & 15]);
  }
  buf_add(b, s + from, n - from);
  buf_ch(b, '"');
}

static void write_named(Buf *b, Val ns, Val name) {
  if (is_nil(ns)) return json_text(b, str_s(name), str_n(name));
  Buf t = {0};
  buf_add(&t, str_s(ns), str_n(ns));
  buf_ch(&t, '/');
  buf_add(&t, str_s(name), str_n(name));
  json_text(b, t.p, t.n);
  buf_free(&t);
}

/* What print_to makes of v, as a JSON string (keys). */
static Val write_printed(Out *o, Val v) {
  Buf t = {0};
  Val r = print_to(&t, v, &print_readably);
  if (!is_sig(r)) json_text(o->b, buf_cstr(&t), t.n);
  buf_free(&t);
  return same(r, SIG_DEMAND) ? demand_deep(o->root) : r;
}

static Val write_key(Out *o, Val k) {
  if (is_kw(k))
    write_named(o->b, AS(Kw, k)->ns, AS(Kw, k)->name);
  else if (is_str(k))
    json_text(o->b, str_s(k), str_n(k));
  else
    return write_printed(o, k);
  return NIL;
}

static void line_break(Out *o) {
  if (!o->indent) return;
  buf_ch(o->b, '\n');
  for (int i = 0; i < o->depth * o->indent; i++) buf_ch(o->b, ' ');
}

static Val write_map(Out *o, Val m, const Level *at) {
  MapIter it;
  Val k, v;
  bool first = true;
  buf_ch(o->b, '{');
  o->depth++;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    if (!first) buf_ch(o->b, ',');
    first = false;
    line_break(o);
    CHECK(write_key(o, k));
    buf_c(o->b, o->indent ? ": " : ":");
    Level l = {at, k};
    CHECK(write_val(o, v, &l));
  }
  o->depth--;
  if (!first) line_break(o);
  buf_ch(o->b, '}');
  return NIL;
}

/* Infinite seqs end here. */
static Val too_big(const Out *o) {
  if (o->b->n - o->start <= JSON_MAX_BYTES) return NIL;
  return ex_throw(EXC_LIMIT, "JSON text of more than %zu bytes", JSON_MAX_BYTES);
}

static Val write_item(Out *o, Val v, int64_t i, const Level *at) {
  CHECK(too_big(o));
  if (i) buf_ch(o->b, ',');
  line_break(o);
  Level l = {at, fix(i)};
  return write_val(o, v, &l);
}

static Val write_vec_items(Out *o, Val v, const Level *at) {
  uint32_t n = vec_count(v), run;
  for (uint32_t i = 0; i < n; i += run) {
    if (is_entry(v)) {
      run = 1;
      CHECK(write_item(o, vec_nth(v, i), i, at));
      continue;
    }
    const Val *p = vec_run(v, i, &run);
    for (uint32_t k = 0; k < run; k++) CHECK(write_item(o, p[k], (int64_t)i + k, at));
  }
  return NIL;
}

static Val write_set_items(Out *o, Val s, const Level *at) {
  MapIter it;
  Val k, v;
  int64_t i = 0;
  map_iter(&it, s);
  while (map_next(&it, &k, &v)) CHECK(write_item(o, k, i++, at));
  return NIL;
}

static Val write_seq_items(Out *o, Val x, const Level *at) {
  int64_t i = 0;
  TRY(s, seq_of(x));
  while (!is_nil(s)) {
    Val chunk[32], rest = NIL;
    uint32_t n = seq_chunk(s, chunk, &rest);
    for (uint32_t k = 0; k < n; k++) CHECK(write_item(o, chunk[k], i++, at));
    if (!n) {
      TRY(first, seq_first(s));
      CHECK(write_item(o, first, i++, at));
    }
    s = n ? seq_of(rest) : seq_next(s);
    if (is_sig(s)) return s;
  }
  return NIL;
}

static Val write_array(Out *o, Val v, const Level *at) {
  size_t before;
  buf_ch(o->b, '[');
  before = o->b->n;
  o->depth++;
  CHECK(is_vec(v) ? write_vec_items(o, v, at) : is_set(v) ? write_set_items(o, v, at) : write_seq_items(o, v, at));
  o->depth--;
  if (o->b->n != before) line_break(o);
  buf_ch(o->b, ']');
  return NIL;
}

static Val write_double(Out *o, double d, const Level *at) {
  if (isnan(d)) return refuse(at, "##NaN", "; use nil or a string");
  if (isinf(d)) return refuse(at, d > 0 ? "##Inf" : "##-Inf", "; use nil or a string");
  dbl_print(o->b, d);
  return NIL;
}

static Val write_num(Out *o, Val v, const Level *at) {
  if (is_float(v) && isfinite(dbl_of(v))) {
    num_str(o->b, v);
    return NIL;
  }
  if (is_dbl(v)) return write_double(o, dbl_of(v), at);
  if (is_type(v, T_RATIO)) return write_double(o, num_to_double(v), at);
  if (is_fix(v))
    buf_fmt(o->b, "%lld", (long long)fix_of(v));
  else
    num_str(o->b, v);
  return NIL;
}

static void write_inst(Buf *b, int64_t ms) {
  Buf t = {0};
  inst_print(&t, ms);
  if (t.n > 6 && !memcmp(t.p + t.n - 6, "-00:00", 6)) t.n -= 6, buf_ch(&t, 'Z');
  json_text(b, t.p, t.n);
  buf_free(&t);
}

static Val write_other(Out *o, Val v, const Level *at) {
  if (is_char(v)) {
    char t[4];
    json_text(o->b, t, (size_t)utf8_put(t, char_of(v)));
    return NIL;
  }
  if (is_type(v, T_UUID)) {
    buf_ch(o->b, '"');
    uuid_print(o->b, AS(Uuid, v));
    buf_ch(o->b, '"');
    return NIL;
  }
  if (is_type(v, T_HOST) && obj(v)->aux) { /* java.time: as their toString */
    Buf t = {0};
    CHECK(print_str_of(&t, v));
    json_text(o->b, t.p, t.n);
    buf_free(&t);
    return NIL;
  }
  if (is_type(v, T_INST)) return write_inst(o->b, AS(Inst, v)->ms), NIL;
  char what[96];
  const char *cls = class_name_of(v);
  snprintf(what, sizeof what, "a value of class %s", cls ? cls : "?");
  return refuse(at, what, is_type(v, T_BYTES) ? "; encode bytes as text first, or :persist them" : "");
}

static Val write_coll(Out *o, Val v, const Level *at) {
  if (o->depth >= JSON_DEPTH) return ex_throw(EXC_LIMIT, "A value nested deeper than %d levels cannot be written as JSON", JSON_DEPTH);
  CHECK(too_big(o));
  return is_map(v) ? write_map(o, v, at) : write_array(o, v, at);
}

static Val write_val(Out *o, Val v, const Level *at) {
  if (is_nil(v)) return buf_c(o->b, "null"), NIL;
  if (is_str(v)) return json_text(o->b, str_s(v), str_n(v)), NIL;
  if (is_kw(v)) return write_named(o->b, AS(Kw, v)->ns, AS(Kw, v)->name), NIL;
  if (is_num(v)) return write_num(o, v, at);
  if (is_bool(v)) return buf_c(o->b, truthy(v) ? "true" : "false"), NIL;
  if (is_sym(v)) return write_named(o->b, AS(Sym, v)->ns, AS(Sym, v)->name), NIL;
  if (is_map(v) || is_sequential(v) || is_set(v)) return write_coll(o, v, at);
  return write_other(o, v, at);
}

static Val print_root(Buf *b, Val v, int indent) {
  Out o = {b, v, indent, 0, b->n};
  Val r = write_val(&o, v, NULL);
  return same(r, SIG_DEMAND) ? demand_deep(v) : r;
}

Val json_print(Buf *b, Val v) { return print_root(b, v, 0); }
Val json_pretty(Buf *b, Val v) { return print_root(b, v, 2); }

Val json_scalar_text(Val v) {
  Buf t = {0};
  if (is_str(v)) return v;
  if (is_kw(v)) return is_nil(AS(Kw, v)->ns) ? AS(Kw, v)->name : str_fmt("%s/%s", str_s(AS(Kw, v)->ns), str_s(AS(Kw, v)->name));
  if (is_type(v, T_INST)) { /* the ISO text that JSON has, without its quotes */
    CHECK(json_print(&t, v));
    Val s = str_new(t.p + 1, t.n - 2);
    buf_free(&t);
    return s;
  }
  if (!is_num(v) && !is_bool(v) && !is_char(v) && !is_sym(v) && !is_type(v, T_UUID)) return ABSENT;
  CHECK(print_str_of(&t, v));
  return buf_str(&t);
}
