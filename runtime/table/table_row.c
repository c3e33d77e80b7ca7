/* Rows as bytes, and the bytes that sort as values do (table.h, Order).
 *
 * A tagged value: n nil · t f booleans · i zigzag varint · d double (8 bytes) · N other numbers (length, text) · s string · k keyword
 * (length, text) · u UUID (16 bytes) · I instant (8 bytes) · x anything else (length, snap_data).
 *
 * Order bytes begin with the kind. Numbers: 0 -Inf, 1 negative, 2 zero, 3 positive, 4 Inf, 5 NaN; then, but for those alone, the
 * exponent of 0.ddd * 10^e and the digits, two in a byte plus one, ended by 0; of negative numbers all of that complemented. Text: 0 is
 * written 0 255, the end 0 0. */
#include "runtime/base/json.h"
#include "reader/print.h"
#include "runtime/store/snapshot.h"
#include "table_int.h"
#include <math.h>
#include <stdio.h>

/* ---- varints ---- */

static void put_varint(Buf *b, uint64_t v) {
  while (v >= 128) buf_ch(b, (char)(v | 128)), v >>= 7;
  buf_ch(b, (char)v);
}

static bool get_varint(const char **p, const char *end, uint64_t *out) {
  *out = 0;
  for (int shift = 0; *p < end && shift < 64; shift += 7) {
    uint8_t c = (uint8_t) * (*p)++;
    *out |= (uint64_t)(c & 127) << shift;
    if (c < 128) return true;
  }
  return false;
}

/* ---- writing fields ---- */

static void put_text(Buf *b, char tag, const char *s, size_t n) {
  buf_ch(b, tag);
  put_varint(b, n);
  buf_add(b, s, n);
}

static Val put_other(Buf *b, Val v) {
  Buf x = {0};
  Val s = snap_data(&x, v);
  if (!is_sig(s)) put_text(b, 'x', x.p, x.n);
  buf_free(&x);
  return s;
}

static Val put_number(Buf *b, Val v) {
  Buf x = {0};
  num_print(&x, v);
  put_text(b, 'N', x.p, x.n);
  buf_free(&x);
  return NIL;
}

static bool simple_kw(Val v) { return is_nil(AS(Kw, v)->ns) && !strchr(str_s(AS(Kw, v)->name), '/'); }

Val row_put_field(Buf *b, int col, Val v) {
  put_varint(b, (uint64_t)col);
  if (is_nil(v))
    buf_ch(b, 'n');
  else if (is_bool(v))
    buf_ch(b, truthy(v) ? 't' : 'f');
  else if (is_long(v)) {
    int64_t i = long_of(v);
    buf_ch(b, 'i');
    put_varint(b, (uint64_t)i << 1 ^ (uint64_t)(i >> 63));
  } else if (is_dbl(v)) {
    double d = dbl_of(v);
    buf_ch(b, 'd');
    buf_add(b, (const char *)&d, 8);
  } else if (is_num(v))
    return put_number(b, v);
  else if (is_str(v))
    put_text(b, 's', str_s(v), str_n(v));
  else if (is_kw(v) && simple_kw(v))
    put_text(b, 'k', str_s(AS(Kw, v)->name), str_n(AS(Kw, v)->name));
  else if (is_type(v, T_UUID)) {
    buf_ch(b, 'u');
    buf_add(b, (const char *)&AS(Uuid, v)->hi, 8);
    buf_add(b, (const char *)&AS(Uuid, v)->lo, 8);
  } else if (is_type(v, T_INST)) {
    buf_ch(b, 'I');
    buf_add(b, (const char *)&AS(Inst, v)->ms, 8);
  } else
    return put_other(b, v);
  return NIL;
}

/* ---- reading fields ---- */

/* The tagged value at *p, which moves behind it. A damaged row ends where it stops making sense. */
static bool field_skip(const char **p, const char *end) {
  uint64_t n = 0;
  if (*p >= end) return false;
  switch (*(*p)++) {
  case 'n':
  case 't':
  case 'f': return true;
  case 'i': return get_varint(p, end, &n);
  case 'd':
  case 'I': n = 8; break;
  case 'u': n = 16; break;
  case 'N':
  case 's':
  case 'k':
  case 'x':
    if (!get_varint(p, end, &n)) return false;
    break;
  default: return false;
  }
  if (n > (uint64_t)(end - *p)) return false;
  *p += n;
  return true;
}

bool row_next(const char **p, const char *end, int *col, Bytesv *out) {
  uint64_t c;
  if (*p >= end || !get_varint(p, end, &c) || c > TABLE_MAX_COLUMNS) return false;
  const char *from = *p;
  if (!field_skip(p, end)) return false;
  *col = (int)c;
  *out = (Bytesv){from, (size_t)(*p - from)};
  return true;
}

bool row_field(Bytesv row, int col, Bytesv *out) {
  const char *p = row.p, *end = p + row.n;
  int at;
  while (row_next(&p, end, &at, out)) {
    if (at == col) return true;
    if (at > col) break;
  }
  *out = (Bytesv){0};
  return false;
}

static Val value_of_8(char tag, const char *p) {
  if (tag == 'd') {
    double d;
    memcpy(&d, p, 8);
    return dbl_val(d);
  }
  Inst *x = mem_obj(T_INST);
  memcpy(&x->ms, p, 8);
  return from_obj(x);
}

static Val value_of_uuid(const char *p) {
  Uuid *u = mem_obj(T_UUID);
  memcpy(&u->hi, p, 8);
  memcpy(&u->lo, p + 8, 8);
  return from_obj(u);
}

Val row_value(Env *env, Bytesv f) {
  const char *p = f.p, *end = p + f.n;
  if (!f.n) return NIL;
  uint64_t n = 0;
  char tag = *p++;
  switch (tag) {
  case 'n': return NIL;
  case 't': return TRUE_V;
  case 'f': return FALSE_V;
  case 'i': get_varint(&p, end, &n); return int_val((int64_t)(n >> 1 ^ -(n & 1)));
  case 'd':
  case 'I': return value_of_8(tag, p);
  case 'u': return value_of_uuid(p);
  default: break;
  }
  get_varint(&p, end, &n);
  if (tag == 's') return str_new(p, n);
  if (tag == 'k') return kw_of(NIL, str_new(p, n));
  return tag == 'N' ? num_parse(p, n) : snap_read_value(env, p, n);
}

/* ---- order ---- */

void order_int(Buf *b, uint64_t v, int bytes) {
  for (int i = bytes - 1; i >= 0; i--) buf_ch(b, (char)(v >> 8 * i));
}

static void order_text(Buf *b, int kind, const char *s, size_t n, size_t cut) {
  buf_ch(b, (char)kind);
  if (cut && n > cut) n = cut;
  for (const char *end = s + n; s < end;) {
    const char *zero = memchr(s, 0, (size_t)(end - s)), *stop = zero ? zero : end;
    buf_add(b, s, (size_t)(stop - s));
    if (zero) buf_add(b, "\0\377", 2);
    s = stop + (zero != NULL);
  }
  buf_add(b, "\0\0", 2);
}

static void order_exponent(Buf *b, int64_t e) {
  if (e >= -80 && e <= 99)
    buf_ch(b, (char)(e + 100));
  else {
    buf_ch(b, e < 0 ? 1 : (char)0xfe);
    order_int(b, (uint64_t)(e + ((int64_t)1 << 39)), 5);
  }
}

/* 0.digits * 10^e, without zeros at either end. */
static void order_digits(Buf *b, bool negative, const char *digits, size_t n, int64_t e) {
  buf_ch(b, negative ? 1 : 3);
  size_t from = b->n;
  order_exponent(b, e);
  for (size_t i = 0; i < n; i += 2) buf_ch(b, (char)((digits[i] - '0') * 10 + (i + 1 < n ? digits[i + 1] - '0' : 0) + 1));
  buf_ch(b, 0);
  for (size_t i = from; negative && i < b->n; i++) b->p[i] = (char)~b->p[i];
}

/* The text of a number as it prints: sign, digits, point, exponent; N or M behind. */
static void order_number_text(Buf *b, const char *s, size_t n) {
  Buf digits = {0};
  bool negative = n && *s == '-', point = false;
  int64_t e = 0;
  const char *end = s + n;
  for (s += n && (*s == '-' || *s == '+'); s < end && ((*s >= '0' && *s <= '9') || *s == '.'); s++) {
    if (*s == '.')
      point = true;
    else {
      if (!point && (digits.n || *s != '0')) e++;
      if (point && !digits.n && *s == '0') e--;
      if (digits.n || *s != '0') buf_ch(&digits, *s);
    }
  }
  if (s < end && (*s == 'E' || *s == 'e')) {
    int64_t x = 0;
    bool minus = s + 1 < end && s[1] == '-';
    for (s += 1 + (s + 1 < end && (s[1] == '-' || s[1] == '+')); s < end && *s >= '0' && *s <= '9' && x < 100000000000; s++)
      x = x * 10 + (*s - '0');
    e += minus ? -x : x;
  }
  while (digits.n && digits.p[digits.n - 1] == '0') digits.n--;
  if (!digits.n)
    buf_ch(b, 2);
  else
    order_digits(b, negative, digits.p, digits.n, e);
  buf_free(&digits);
}

static void order_long(Buf *b, int64_t i) {
  char text[24];
  order_number_text(b, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)i));
}

static void order_double(Buf *b, double d) {
  if (isnan(d) || isinf(d)) {
    buf_ch(b, isnan(d) ? 5 : d < 0 ? 0 : 4);
    return;
  }
  Buf x = {0};
  dbl_print(&x, d);
  order_number_text(b, x.p, x.n);
  buf_free(&x);
}

static void order_number(Buf *b, Val v) {
  buf_ch(b, ORDER_NUMBER);
  if (is_long(v))
    order_long(b, long_of(v));
  else if (is_dbl(v) || is_type(v, T_RATIO))
    order_double(b, num_to_double(v));
  else {
    Buf x = {0};
    num_print(&x, v);
    order_number_text(b, x.p, x.n);
    buf_free(&x);
  }
}

static void order_printed(Buf *b, Val v, size_t cut) {
  Buf x = {0};
  int kind = is_map(v) ? ORDER_MAP : is_set(v) || is_sequential(v) ? ORDER_LIST : ORDER_OTHER;
  if (is_sig(print_to(&x, v, &print_readably))) x.n = 0; /* data always prints */
  order_text(b, kind, x.p ? x.p : "", x.n, cut);
  buf_free(&x);
}

void order_value(Buf *b, Val v, size_t cut) {
  if (is_nil(v) || same(v, ABSENT))
    buf_ch(b, ORDER_NIL);
  else if (is_bool(v))
    buf_ch(b, truthy(v) ? ORDER_TRUE : ORDER_FALSE);
  else if (is_num(v))
    order_number(b, v);
  else {
    Val text = json_scalar_text(v);
    if (is_str(text))
      order_text(b, ORDER_TEXT, str_s(text), str_n(text), cut);
    else
      order_printed(b, v, cut);
  }
}

void order_field(Env *env, Buf *b, Bytesv f, size_t cut) {
  const char *p = f.p, *end = p + f.n;
  uint64_t n = 0;
  char tag = f.n ? *p++ : 'n';
  if (tag == 's' || tag == 'k' || tag == 'N' || tag == 'i') get_varint(&p, end, &n);
  if (tag == 's' || tag == 'k')
    order_text(b, ORDER_TEXT, p, n, cut);
  else if (tag == 'i') {
    buf_ch(b, ORDER_NUMBER);
    order_long(b, (int64_t)(n >> 1 ^ -(n & 1)));
  } else if (tag == 'N' && !memchr(p, '/', n)) {
    buf_ch(b, ORDER_NUMBER);
    order_number_text(b, p, n);
  } else
    order_value(b, row_value(env, f), cut);
}

int order_cmp(Bytesv a, Bytesv b) {
  size_t n = a.n < b.n ? a.n : b.n;
  int c = n ? memcmp(a.p, b.p, n) : 0;
  return c ? c : (a.n > b.n) - (a.n < b.n);
}
