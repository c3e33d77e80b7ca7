/* textops.c - see textops.h. */
#include "textops.h"
#include "unicode.h"

size_t text_find(Val s, Val part, size_t from) {
  size_t n = str_n(s);
  if (from > n) return TEXT_NONE;
  if (!str_n(part)) return from;
  const char *p = memmem(str_s(s) + from, n - from, str_s(part), str_n(part));
  return p ? (size_t)(p - str_s(s)) : TEXT_NONE;
}

size_t text_find_last(Val s, Val part, size_t from) {
  size_t n = str_n(s), m = str_n(part);
  if (m > n) return TEXT_NONE;
  for (size_t i = from < n - m ? from : n - m;; i--) {
    if (((unsigned char)str_s(s)[i] & 0xc0) != 0x80 && !memcmp(str_s(s) + i, str_s(part), m)) return i;
    if (i == 0) return TEXT_NONE;
  }
}

uint32_t text_index(Val s, size_t byte) {
  if (obj(s)->flags & STR_ASCII) return (uint32_t)byte;
  uint32_t n = 0;
  for (size_t i = 0; i < byte; i++) n += ((unsigned char)str_s(s)[i] & 0xc0) != 0x80;
  return n;
}

size_t text_byte(Val s, int64_t index) {
  if (index <= 0) return 0;
  return index >= (int64_t)AS(Str, s)->nchars ? str_n(s) : str_byte_of(s, (uint32_t)index);
}

Val text_sub(Val s, int64_t from, int64_t to) {
  int64_t n = AS(Str, s)->nchars;
  if (from >= 0 && to <= n && from <= to) return str_sub(s, (uint32_t)from, (uint32_t)to);
  return ex_throw(EXC_STRING_INDEX, "begin %lld, end %lld, length %lld", (long long)from, (long long)to, (long long)n);
}

static const char *skip_space(const char *p, const char *end) {
  while (p < end) {
    const char *q = p;
    if (!unicode_is_space(utf8_next(&q))) break;
    p = q;
  }
  return p;
}

static const char *skip_space_back(const char *p, const char *end) {
  while (end > p) {
    const char *q = end - 1;
    while (((unsigned char)*q & 0xc0) == 0x80) q--;
    const char *r = q;
    if (!unicode_is_space(utf8_next(&r))) break;
    end = q;
  }
  return end;
}

Val text_trim(Val s, bool left, bool right) {
  const char *p = str_s(s), *end = p + str_n(s);
  if (left) p = skip_space(p, end);
  if (right) end = skip_space_back(p, end);
  return (size_t)(end - p) == str_n(s) ? s : str_new(p, (size_t)(end - p));
}

Val text_upper(Val s) {
  Buf b = {0};
  unicode_upper(&b, str_s(s), str_n(s));
  return buf_str(&b);
}

Val text_lower(Val s) {
  Buf b = {0};
  unicode_lower(&b, str_s(s), str_n(s));
  return buf_str(&b);
}

/* Between all characters: what replacing the empty string does. */
static Val replace_empty(Val s, Val with, bool all) {
  Buf b = {0};
  const char *p = str_s(s), *end = p + str_n(s);
  buf_add(&b, str_s(with), str_n(with));
  while (all && p < end) {
    const char *q = p;
    utf8_next(&p);
    buf_add(&b, q, (size_t)(p - q));
    buf_add(&b, str_s(with), str_n(with));
  }
  buf_add(&b, p, (size_t)(end - p));
  return buf_str(&b);
}

Val text_replace(Val s, Val part, Val with, bool all) {
  if (!str_n(part)) return replace_empty(s, with, all);
  size_t at = text_find(s, part, 0), from = 0;
  if (at == TEXT_NONE) return s;
  Buf b = {0};
  do {
    buf_add(&b, str_s(s) + from, at - from);
    buf_add(&b, str_s(with), str_n(with));
    from = at + str_n(part);
    at = all ? text_find(s, part, from) : TEXT_NONE;
  } while (at != TEXT_NONE);
  buf_add(&b, str_s(s) + from, str_n(s) - from);
  return buf_str(&b);
}

bool text_starts(Val s, Val part) { return str_n(part) <= str_n(s) && !memcmp(str_s(s), str_s(part), str_n(part)); }

bool text_ends(Val s, Val part) { return str_n(part) <= str_n(s) && !memcmp(str_s(s) + str_n(s) - str_n(part), str_s(part), str_n(part)); }

static Val join_into(Buf *b, Val sep, Val coll) {
  SeqIter it;
  Val x;
  CHECK(seq_iter(&it, coll));
  for (bool first = true;; first = false) {
    Val more = seq_iter_next(&it, &x);
    if (same(more, SIG_DEMAND)) return demand_all(pend.demand);
    if (is_sig(more)) return more;
    if (!truthy(more)) return NIL;
    if (!first) buf_add(b, str_s(sep), str_n(sep));
    CHECK(print_str_of(b, x));
  }
}

Val text_join(Val sep, Val coll) {
  Buf b = {0};
  Val r = join_into(&b, sep, coll);
  if (!is_sig(r)) return buf_str(&b);
  buf_free(&b);
  return r;
}
