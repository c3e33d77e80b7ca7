/* unicode.c - see unicode.h. The mappings to several characters are those of Unicode's SpecialCasing.txt that depend on
 * neither language nor context; utf8proc knows the simple ones. */
#include "unicode.h"
#include <utf8proc.h>

typedef struct Special {
  uint16_t from, to[3];
} Special;

static const Special special_upper[] = {
    {0x00df, {0x53, 0x53}},          {0x0149, {0x2bc, 0x4e}},         {0x01f0, {0x4a, 0x30c}},         {0x0390, {0x399, 0x308, 0x301}},
    {0x03b0, {0x3a5, 0x308, 0x301}}, {0x0587, {0x535, 0x552}},        {0x1e96, {0x48, 0x331}},         {0x1e97, {0x54, 0x308}},
    {0x1e98, {0x57, 0x30a}},         {0x1e99, {0x59, 0x30a}},         {0x1e9a, {0x41, 0x2be}},         {0x1f50, {0x3a5, 0x313}},
    {0x1f52, {0x3a5, 0x313, 0x300}}, {0x1f54, {0x3a5, 0x313, 0x301}}, {0x1f56, {0x3a5, 0x313, 0x342}}, {0x1fb2, {0x1fba, 0x399}},
    {0x1fb3, {0x391, 0x399}},        {0x1fb4, {0x386, 0x399}},        {0x1fb6, {0x391, 0x342}},        {0x1fb7, {0x391, 0x342, 0x399}},
    {0x1fbc, {0x391, 0x399}},        {0x1fc2, {0x1fca, 0x399}},       {0x1fc3, {0x397, 0x399}},        {0x1fc4, {0x389, 0x399}},
    {0x1fc6, {0x397, 0x342}},        {0x1fc7, {0x397, 0x342, 0x399}}, {0x1fcc, {0x397, 0x399}},        {0x1fd2, {0x399, 0x308, 0x300}},
    {0x1fd3, {0x399, 0x308, 0x301}}, {0x1fd6, {0x399, 0x342}},        {0x1fd7, {0x399, 0x308, 0x342}}, {0x1fe2, {0x3a5, 0x308, 0x300}},
    {0x1fe3, {0x3a5, 0x308, 0x301}}, {0x1fe4, {0x3a1, 0x313}},        {0x1fe6, {0x3a5, 0x342}},        {0x1fe7, {0x3a5, 0x308, 0x342}},
    {0x1ff2, {0x1ffa, 0x399}},       {0x1ff3, {0x3a9, 0x399}},        {0x1ff4, {0x38f, 0x399}},        {0x1ff6, {0x3a9, 0x342}},
    {0x1ff7, {0x3a9, 0x342, 0x399}}, {0x1ffc, {0x3a9, 0x399}},        {0xfb00, {0x46, 0x46}},          {0xfb01, {0x46, 0x49}},
    {0xfb02, {0x46, 0x4c}},          {0xfb03, {0x46, 0x46, 0x49}},    {0xfb04, {0x46, 0x46, 0x4c}},    {0xfb05, {0x53, 0x54}},
    {0xfb06, {0x53, 0x54}},          {0xfb13, {0x544, 0x546}},        {0xfb14, {0x544, 0x535}},        {0xfb15, {0x544, 0x53b}},
    {0xfb16, {0x54e, 0x546}},        {0xfb17, {0x544, 0x53d}},
};

uint32_t unicode_upper_char(uint32_t c) {
  if (c < 128) return c >= 'a' && c <= 'z' ? c - 32 : c;
  return c == 0xdf ? c : (uint32_t)utf8proc_toupper((utf8proc_int32_t)c); /* no single capital sharp s in Java */
}

uint32_t unicode_lower_char(uint32_t c) {
  if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return c == 0x130 ? 'i' : (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

static const Special *find_special(uint32_t c) {
  size_t lo = 0, hi = sizeof special_upper / sizeof *special_upper;
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    if (special_upper[mid].from == c) return &special_upper[mid];
    if (special_upper[mid].from < c)
      lo = mid + 1;
    else
      hi = mid;
  }
  return NULL;
}

/* Greek letters with an iota subscript (U+1F80 to U+1FAF): the capital letter and an iota. */
static bool put_iota(Buf *b, uint32_t c) {
  if (c < 0x1f80 || c > 0x1faf) return false;
  static const uint16_t capital[] = {0x1f08, 0x1f28, 0x1f68};
  buf_cp(b, capital[(c - 0x1f80) / 16] + (c & 7));
  buf_cp(b, 0x399);
  return true;
}

static void put_upper(Buf *b, uint32_t c) {
  const Special *s = c < 0xdf ? NULL : find_special(c);
  if (s) {
    for (int i = 0; i < 3 && s->to[i]; i++) buf_cp(b, s->to[i]);
  } else if (!put_iota(b, c)) {
    buf_cp(b, unicode_upper_char(c));
  }
}

void unicode_upper(Buf *b, const char *s, size_t n) {
  const char *end = s + n;
  while (s < end) put_upper(b, utf8_next(&s));
}

/* ---- lower case ---- */

static bool is_cased(uint32_t c) {
  utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
  return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT;
}

static bool is_case_ignorable(uint32_t c) {
  utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
  return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_LM ||
         k == UTF8PROC_CATEGORY_SK || c == '\'' || c == 0x2019 || c == 0xad || c == ':' || c == 0xb7 || c == '.';
}

static bool cased_before(const char *start, const char *p) {
  while (p > start) {
    do p--;
    while (((unsigned char)*p & 0xc0) == 0x80);
    const char *q = p;
    uint32_t c = utf8_next(&q);
    if (!is_case_ignorable(c)) return is_cased(c);
  }
  return false;
}

static bool cased_after(const char *p, const char *end) {
  while (p < end) {
    uint32_t c = utf8_next(&p);
    if (!is_case_ignorable(c)) return is_cased(c);
  }
  return false;
}

void unicode_lower(Buf *b, const char *s, size_t n) {
  const char *p = s, *end = s + n;
  while (p < end) {
    const char *at = p;
    uint32_t c = utf8_next(&p);
    if (c == 0x130) {
      buf_c(b, "i\xcc\x87");
    } else if (c == 0x3a3) {
      buf_cp(b, cased_before(s, at) && !cased_after(p, end) ? 0x3c2 : 0x3c3);
    } else {
      buf_cp(b, unicode_lower_char(c));
    }
  }
}

/* ---- classes ---- */

bool unicode_is_space(uint32_t c) {
  if (c < 128) return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20);
  if (c == 0xa0 || c == 0x2007 || c == 0x202f) return false;
  utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
  return k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL || k == UTF8PROC_CATEGORY_ZP;
}

bool unicode_is_letter(uint32_t c) {
  utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool unicode_is_digit(uint32_t c) { return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND; }
bool unicode_is_upper(uint32_t c) { return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_LU; }
bool unicode_is_lower(uint32_t c) { return c == 0xaa || c == 0xba || utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_LL; }
