/* regex_java.c - the translation of java.util.regex patterns for pcre2. One pass; a character class is parsed into an
 * expression of its own, because Java's may nest and intersect. */
#include "regex_java.h"
#include <stdio.h>
#include <stdlib.h>

#define MAX_NEST 250
enum { COMMENTS = 1, NOCASE = 2, UNICODE_CASE = 4 };

typedef struct {
  const char *s, *p, *end;
  RegexJava *j;
  Buf *out;
  int groups;      /* capturing groups in the whole pattern */
  int opened;      /* capturing groups opened so far */
  int depth;
  unsigned on;     /* flags */
  bool atom;       /* something stands here that a quantifier may follow */
  Buf names;       /* of the groups so far: <a><b> */
} Tr;

static bool fail(Tr *t, const char *what, const char *at) {
  if (!t->j->error) t->j->error = what, t->j->error_at = at ? (size_t)(at - t->s) : SIZE_MAX;
  return false;
}

/* The same with a name in the text, cut when it is long. */
static bool fail_name(Tr *t, const char *format, const char *name, size_t n, const char *at) {
  if (t->j->error) return false;
  char shown[48];
  snprintf(shown, sizeof shown, "%.*s", (int)(n < sizeof shown ? n : sizeof shown - 1), name);
  snprintf(t->j->text, sizeof t->j->text, format, shown);
  return fail(t, t->j->text, at);
}

static bool is_alpha(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static bool is_dig(char c) { return c >= '0' && c <= '9'; }
static int hex_val(char c) {
  if (is_dig(c)) return c - '0';
  return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static void put_cp(Buf *b, uint32_t cp) { buf_fmt(b, "\\x{%x}", cp); }

/* A literal character, escaped if pcre2 could see more in it. */
static void put_lit(Buf *b, uint32_t cp) {
  if (cp < 128 && !is_alpha((char)cp) && !is_dig((char)cp))
    put_cp(b, cp);
  else
    buf_cp(b, cp);
}

/* Java's (?i) alone folds ASCII letters only. */
static bool keeps_case(const Tr *t, uint32_t cp) { return cp > 127 && t->on & NOCASE && !(t->on & UNICODE_CASE); }

static void literal(Tr *t, uint32_t cp) {
  if (keeps_case(t, cp)) buf_fmt(t->out, "(?-i:\\x{%x})", cp);
  else put_lit(t->out, cp);
}

/* ---- escapes that stand for one character ---- */

static bool hex_run(Tr *t, int n, uint32_t *cp) {
  *cp = 0;
  for (int i = 0; i < n; i++, t->p++) {
    if (t->p >= t->end || hex_val(*t->p) < 0)
      return fail(t, n == 4 ? "Illegal Unicode escape sequence" : "Illegal hexadecimal escape sequence", t->p);
    *cp = *cp << 4 | (uint32_t)hex_val(*t->p);
  }
  return true;
}

static bool hex_braced(Tr *t, uint32_t *cp) {
  int n = 0;
  *cp = 0;
  for (; t->p < t->end && hex_val(*t->p) >= 0; t->p++, n++)
    if ((*cp = *cp << 4 | (uint32_t)hex_val(*t->p)) > 0x10ffff) return fail(t, "Hexadecimal codepoint is too big", t->p);
  if (!n || t->p >= t->end || *t->p != '}') return fail(t, "Unclosed hexadecimal escape sequence", t->p);
  t->p++;
  return true;
}

static bool octal(Tr *t, uint32_t *cp) {
  int n = 0;
  for (*cp = 0; n < 3 && t->p < t->end && *t->p >= '0' && *t->p <= '7'; n++, t->p++) {
    if (n == 2 && *cp > 037) break;
    *cp = *cp << 3 | (uint32_t)(*t->p - '0');
  }
  return n ? true : fail(t, "Illegal octal escape sequence", t->p);
}

static bool unicode4(Tr *t, uint32_t *cp) {
  uint32_t low;
  if (!hex_run(t, 4, cp)) return false;
  if (*cp >= 0xd800 && *cp < 0xdc00 && t->end - t->p >= 6 && t->p[0] == '\\' && t->p[1] == 'u') {
    t->p += 2;
    if (!hex_run(t, 4, &low)) return false;
    *cp = 0x10000 + ((*cp - 0xd800) << 10) + ((low - 0xdc00) & 0x3ff);
  }
  if (*cp >= 0xd800 && *cp <= 0xdfff) return fail(t, "A lone surrogate cannot occur in text here", t->p - 1);
  return true;
}

/* t->p is behind the backslash. 1: a character, 0: something else (t->p unmoved), -1: error. */
static int char_escape(Tr *t, uint32_t *cp) {
  static const struct { char c; uint8_t v; } simple[] = {{'t', 9}, {'n', 10}, {'r', 13}, {'f', 12}, {'a', 7}, {'e', 27}};
  char c = *t->p;
  for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
    if (c == simple[i].c) {
      *cp = simple[i].v;
      t->p++;
      return 1;
    }
  if (!is_alpha(c) && !is_dig(c)) {
    *cp = utf8_next(&t->p);
    return 1;
  }
  if (c == '0') return t->p++, octal(t, cp) ? 1 : -1;
  if (c == 'u') return t->p++, unicode4(t, cp) ? 1 : -1;
  if (c == 'x') {
    t->p++;
    if (t->p < t->end && *t->p == '{') return t->p++, hex_braced(t, cp) ? 1 : -1;
    return hex_run(t, 2, cp) ? 1 : -1;
  }
  if (c != 'c') return 0;
  if (++t->p >= t->end) return fail(t, "Illegal control escape sequence", t->p), -1;
  *cp = (uint8_t)*t->p++ ^ 64;
  return 1;
}

/* ---- properties: \p{Name} ---- */

static const struct { const char *java, *pcre; } props[] = {
    {"Lower", "a-z"}, {"Upper", "A-Z"}, {"ASCII", "\\x{0}-\\x{7f}"}, {"Alpha", "A-Za-z"}, {"Digit", "0-9"}, {"Alnum", "0-9A-Za-z"},
    {"Punct", "!-\\/:-@\\[-`{-~"}, {"Graph", "!-~"}, {"Print", " -~"}, {"Blank", " \\t"}, {"Cntrl", "\\x{0}-\\x{1f}\\x{7f}"},
    {"XDigit", "0-9A-Fa-f"}, {"Space", " \\t\\n\\x{b}\\f\\r"}, {"javaLowerCase", "\\p{Lowercase}"}, {"javaUpperCase", "\\p{Uppercase}"},
    {"javaTitleCase", "\\p{Lt}"}, {"javaAlphabetic", "\\p{Alphabetic}"}, {"javaDigit", "\\p{Nd}"}, {"javaLetter", "\\p{L}"},
    {"javaLetterOrDigit", "\\p{L}\\p{Nd}"}, {"javaDefined", "\\P{Cn}"}, {"javaISOControl", "\\p{Cc}"}, {"javaMirrored", "\\p{Bidi_M}"},
    {"javaSpaceChar", "\\p{Z}"}, {"javaIdeographic", "\\p{Ideographic}"},
    {"javaWhitespace", "\\t-\\r\\x{1c}-\\x{20}\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}\\x{2029}\\x{205f}\\x{3000}"},
    {"L1", "\\x{0}-\\x{ff}"}, {"all", "\\p{Any}"}, {"LC", "\\p{L&}"}, {"LD", "\\p{L}\\p{Nd}"},
    {"IsAlphabetic", "\\p{Alphabetic}"}, {"IsLetter", "\\p{L}"}, {"IsUppercase", "\\p{Uppercase}"}, {"IsLowercase", "\\p{Lowercase}"},
    {"IsTitlecase", "\\p{Lt}"}, {"IsDigit", "\\p{Nd}"}, {"IsPunctuation", "\\p{P}"}, {"IsControl", "\\p{Cc}"},
    {"IsWhite_Space", "\\p{White_Space}"}, {"IsWhiteSpace", "\\p{White_Space}"}, {"IsHex_Digit", "\\p{Nd}\\p{AHex}"},
    {"IsAssigned", "\\P{Cn}"}, {"IsIdeographic", "\\p{Ideographic}"}, {"IsAlnum", "\\p{Alphabetic}\\p{Nd}"}, {"IsEmoji", "\\p{Emoji}"},
    {"InBasicLatin", "\\x{0}-\\x{7f}"}, {"InBASIC_LATIN", "\\x{0}-\\x{7f}"}, {"InLatin-1Supplement", "\\x{80}-\\x{ff}"},
    {"InGreek", "\\x{370}-\\x{3ff}"}, {"InCyrillic", "\\x{400}-\\x{4ff}"}, {"InHebrew", "\\x{590}-\\x{5ff}"},
    {"InArabic", "\\x{600}-\\x{6ff}"}, {"InHiragana", "\\x{3040}-\\x{309f}"}, {"InKatakana", "\\x{30a0}-\\x{30ff}"},
    {"InCJKUnifiedIdeographs", "\\x{4e00}-\\x{9fff}"}, {"InHangulSyllables", "\\x{ac00}-\\x{d7af}"},
};

static const char *prop_known(const char *name, size_t n) {
  for (size_t i = 0; i < sizeof props / sizeof *props; i++)
    if (strlen(props[i].java) == n && !memcmp(props[i].java, name, n)) return props[i].pcre;
  return NULL;
}

/* IsLatin, script=Latin, sc=.., gc=Lu, general_category=..: the part that pcre2 understands as well. */
static void prop_strip(const char **name, size_t *n) {
  static const char *const lead[] = {"Is", "script=", "sc=", "general_category=", "gc="};
  for (size_t i = 0; i < sizeof lead / sizeof *lead; i++) {
    size_t k = strlen(lead[i]);
    if (*n > k && !memcmp(*name, lead[i], k)) {
      *name += k, *n -= k;
      return;
    }
  }
}

/* Upper, lower and title case are one for (?i): pcre2 leaves properties alone. */
static bool prop_cased(const char *name, size_t n) {
  static const char *const cased[] = {"Lu", "Ll", "Lt", "IsLu", "IsLl", "IsLt", "javaLowerCase", "javaUpperCase", "javaTitleCase",
                                      "IsUppercase", "IsLowercase", "IsTitlecase", "gc=Lu", "gc=Ll", "gc=Lt"};
  for (size_t i = 0; i < sizeof cased / sizeof *cased; i++)
    if (strlen(cased[i]) == n && !memcmp(cased[i], name, n)) return true;
  return false;
}

/* Items of a character class; t->p is behind the p or P. `neg` as the class must say it. */
static bool property(Tr *t, Buf *b, bool neg) {
  const char *at = t->p, *name = at;
  size_t n = 1;
  if (t->p >= t->end) return fail(t, "Unknown character property", at);
  if (*t->p == '{') {
    const char *close = memchr(t->p, '}', (size_t)(t->end - t->p));
    if (!close) return fail(t, "Unclosed character family", t->end);
    name = t->p + 1, n = (size_t)(close - name);
    t->p = close + 1;
  } else
    utf8_next(&t->p);
  if (n == 0) return fail(t, "Empty character family", at);
  const char *known = t->on & NOCASE && prop_cased(name, n) ? "\\p{L&}" : prop_known(name, n);
  if (known) {
    buf_fmt(b, neg ? "[^%s]" : "[%s]", known);
    return true;
  }
  const char *full = name;
  size_t full_n = n;
  prop_strip(&name, &n);
  for (size_t i = 0; i < n; i++)
    if (!is_alpha(name[i]) && !is_dig(name[i]) && name[i] != '_' && name[i] != ' ')
      return fail_name(t, "Unknown character property name {%s}", full, full_n, t->p - 1);
  buf_fmt(b, neg ? "[\\P{%.*s}]" : "[\\p{%.*s}]", (int)n, name);
  return true;
}

/* ---- character classes ----
 * A class becomes alternatives of one character each: (?:[..]|[..]), intersections become (?=A)B, complements (?!A)\p{Any}.
 * The plain class, which is nearly every class, stays one bracket. */

static bool class_body(Tr *t, Buf *out);

typedef struct { Buf items; Buf alts; bool any_alt; } Union;

static void union_add(Union *u, const char *expr) {
  if (u->any_alt) buf_ch(&u->alts, '|');
  buf_c(&u->alts, expr);
  u->any_alt = true;
}

/* The expression of one side of an &&: always a self-contained atom. Frees u. */
static void union_finish(Union *u, Buf *out) {
  if (!u->any_alt)
    u->items.n ? buf_fmt(out, "[%s]", buf_cstr(&u->items)) : buf_c(out, "(?!)");
  else if (!u->items.n)
    buf_fmt(out, "(?:%s)", buf_cstr(&u->alts));
  else
    buf_fmt(out, "(?:[%s]|%s)", buf_cstr(&u->items), buf_cstr(&u->alts));
  buf_free(&u->items);
  buf_free(&u->alts);
}

/* \Q..\E inside a class: every character is a member. t->p is behind \Q. */
static void class_quote(Tr *t, Buf *items) {
  while (t->p < t->end && !(t->end - t->p >= 2 && t->p[0] == '\\' && t->p[1] == 'E')) put_cp(items, utf8_next(&t->p));
  t->p += t->p < t->end ? 2 : 0;
}

/* One character of a class: 1 and its code point, 0 when it was a set (already added), -1 error. */
static int class_char(Tr *t, Union *u, uint32_t *cp) {
  if (*t->p != '\\') {
    *cp = utf8_next(&t->p);
    return 1;
  }
  const char *at = t->p++;
  if (t->p >= t->end) return fail(t, "Unclosed character class", t->end - 1), -1;
  int k = char_escape(t, cp);
  if (k) return k;
  char c = *t->p++;
  if (c == 'Q') return class_quote(t, &u->items), 0;
  if (c == 'E') return 0;
  if (c == 'p' || c == 'P') {
    Buf b = {0};
    if (!property(t, &b, c == 'P')) return buf_free(&b), -1;
    union_add(u, buf_cstr(&b));
    return buf_free(&b), 0;
  }
  if (!strchr("dDsSwWhHvV", c)) return fail(t, "Illegal/unsupported escape sequence", at + 1), -1;
  buf_fmt(&u->items, "\\%c", c);
  return 0;
}

static void class_item(Tr *t, Union *u, uint32_t from, uint32_t to) {
  Buf b = {0};
  bool kept = keeps_case(t, from);
  if (kept) buf_c(&b, "(?-i:[");
  put_cp(&b, from);
  if (to != from) buf_ch(&b, '-'), put_cp(&b, to);
  if (kept) buf_c(&b, "])");
  if (kept) union_add(u, buf_cstr(&b));
  else buf_add(&u->items, b.p, b.n);
  buf_free(&b);
}

static bool class_range(Tr *t, Union *u, uint32_t from) {
  uint32_t to;
  bool range = t->end - t->p >= 2 && t->p[0] == '-' && t->p[1] != ']' && t->p[1] != '[' &&
               !(t->end - t->p >= 3 && t->p[1] == '&' && t->p[2] == '&');
  if (!range) return class_item(t, u, from, from), true;
  t->p++;
  int k = class_char(t, u, &to);
  if (k < 0) return false;
  if (k == 0) { /* [a-\d]: the hyphen is itself */
    class_item(t, u, from, from);
    buf_c(&u->items, "\\-");
    return true;
  }
  if (to < from) return fail(t, "Illegal character range", t->p - 1);
  class_item(t, u, from, to);
  return true;
}

static bool class_nested(Tr *t, Union *u) {
  Buf b = {0};
  t->p++;
  bool ok = class_body(t, &b);
  if (ok) union_add(u, buf_cstr(&b));
  buf_free(&b);
  return ok;
}

/* Up to ] or && */
static bool class_side(Tr *t, Union *u, bool first) {
  for (;; first = false) {
    uint32_t cp;
    if (t->p >= t->end) return fail(t, "Unclosed character class", t->end - 1);
    if (*t->p == ']' && !first) return true;
    if (t->end - t->p >= 2 && t->p[0] == '&' && t->p[1] == '&') return true;
    if (t->on & COMMENTS && (strchr(" \t\n\r\f\v", *t->p) && *t->p)) {
      t->p++;
      continue;
    }
    if (*t->p == '[') {
      if (!class_nested(t, u)) return false;
      continue;
    }
    int k = class_char(t, u, &cp);
    if (k < 0 || (k == 1 && !class_range(t, u, cp))) return false;
  }
}

/* One more side of the intersection; the one before becomes a lookahead. Empty sides do not count. */
static void class_add_side(Union *u, Buf *out, Buf *last, int *sides, bool *simple) {
  if (!u->any_alt && !u->items.n) return;
  if (*sides) buf_fmt(out, "(?=%s)", buf_cstr(last));
  last->n = 0;
  *simple = *sides == 0 && !u->any_alt;
  ++*sides;
  union_finish(u, last);
}

static bool class_sides(Tr *t, Buf *out, int *sides, bool *simple) {
  Buf last = {0};
  bool ok = true;
  *sides = 0;
  for (bool first = true;; first = false) {
    Union u = {0};
    ok = class_side(t, &u, first);
    class_add_side(&u, out, &last, sides, simple);
    if (!ok || *t->p == ']') break;
    while (t->p < t->end && *t->p == '&') t->p++;
  }
  buf_add(out, last.p, last.n);
  buf_free(&last);
  return ok && !*sides ? fail(t, "Bad class syntax", t->p) : ok;
}

/* t->p is behind the [; leaves it behind the ]. */
static bool class_body(Tr *t, Buf *out) {
  bool neg = t->p < t->end && *t->p == '^', simple = false;
  int sides;
  Buf b = {0};
  if (++t->depth > MAX_NEST) return fail(t, "Pattern is nested too deep", t->p);
  t->p += neg;
  bool ok = class_sides(t, &b, &sides, &simple);
  if (ok && (t->p >= t->end || *t->p != ']')) ok = fail(t, "Unclosed character class", t->end - 1);
  if (ok) {
    t->p++, t->depth--;
    if (!neg)
      buf_fmt(out, simple ? "%s" : "(?:%s)", buf_cstr(&b));
    else if (simple)
      buf_fmt(out, "[^%s", buf_cstr(&b) + 1);
    else
      buf_fmt(out, "(?:(?!%s)\\p{Any})", buf_cstr(&b));
  }
  buf_free(&b);
  return ok;
}

/* ---- escapes outside classes ---- */

/* \Q..\E; t->p is behind \Q. A quantifier applies to the last character. */
static void quote(Tr *t) {
  while (t->p < t->end) {
    if (t->end - t->p >= 2 && t->p[0] == '\\' && t->p[1] == 'E') {
      t->p += 2;
      return;
    }
    literal(t, utf8_next(&t->p));
    t->atom = true;
  }
}

/* \1 .. : further digits belong to it as long as such a group exists already. */
static void back_reference(Tr *t) {
  int n = *t->p++ - '0';
  while (t->p < t->end && is_dig(*t->p) && n * 10 + (*t->p - '0') <= t->opened) n = n * 10 + (*t->p++ - '0');
  if (n > t->groups)
    buf_c(t->out, "(?!)");
  else
    buf_fmt(t->out, "\\g{%d}", n);
}

static bool group_name(Tr *t, char close, const char **name, int *n) {
  *name = t->p;
  if (t->p >= t->end || !is_alpha(*t->p)) return fail(t, "capturing group name does not start with a Latin letter", t->p);
  while (t->p < t->end && (is_alpha(*t->p) || is_dig(*t->p))) t->p++;
  *n = (int)(t->p - *name);
  if (t->p >= t->end || *t->p != close) return fail(t, "named capturing group is missing trailing '>'", t->p);
  t->p++;
  return *n <= 32 ? true : fail(t, "Group name is longer than 32 characters", *name);
}

static bool name_known(Tr *t, const char *name, int n) {
  char key[40];
  int k = snprintf(key, sizeof key, "<%.*s>", n, name);
  return t->names.n && memmem(t->names.p, t->names.n, key, (size_t)k) != NULL;
}

static bool named_reference(Tr *t) {
  const char *name;
  int n;
  if (t->p >= t->end || *t->p != '<') return fail(t, "\\k is not followed by '<' for named capturing group", t->p);
  t->p++;
  if (!group_name(t, '>', &name, &n)) return false;
  if (!name_known(t, name, n)) return fail_name(t, "named capturing group <%s> does not exist", name, (size_t)n, t->p - 1);
  buf_fmt(t->out, "\\k<%.*s>", n, name);
  return true;
}

/* An assertion; pcre2 takes no quantifier behind one unless it is a group. */
static void anchor(Tr *t, const char *pcre) {
  bool quantified = t->p < t->end && *t->p && strchr("*+?{", *t->p);
  buf_fmt(t->out, quantified ? "(?:%s)" : "%s", pcre);
}

/* Java's \b knows letters and digits of all scripts, though its \w does not. */
static void word_boundary(Tr *t, bool neg) {
  static const char w[] = "[\\p{L}\\p{Nd}_]";
  if (t->j->ucp)
    anchor(t, neg ? "\\B" : "\\b");
  else if (neg)
    buf_fmt(t->out, "(?:(?<=%s)(?=%s)|(?<!%s)(?!%s))", w, w, w, w);
  else
    buf_fmt(t->out, "(?:(?<=%s)(?!%s)|(?<!%s)(?=%s))", w, w, w, w);
}

static bool escape(Tr *t) {
  const char *at = t->p++;
  uint32_t cp;
  if (t->p >= t->end) return fail(t, "Unexpected internal error", t->end);
  if (t->p[0] >= '1' && t->p[0] <= '9') return back_reference(t), true;
  int k = char_escape(t, &cp);
  if (k == 1) literal(t, cp);
  if (k) return k > 0;
  char c = *t->p++;
  if (c == 'p' || c == 'P') return property(t, t->out, c == 'P');
  if (c == 'k') return named_reference(t);
  if (c == 'b' || c == 'B') return word_boundary(t, c == 'B'), true;
  if (strchr("AzZG", c)) return anchor(t, (char[]){'\\', c, 0}), true;
  if (!strchr("dDsSwWhHvVRX", c)) return fail(t, "Illegal/unsupported escape sequence", at + 1);
  buf_fmt(t->out, "\\%c", c);
  return true;
}

/* ---- groups and flags ---- */

static bool sequence(Tr *t);

static void set_flag(Tr *t, unsigned flag, bool on) { t->on = on ? t->on | flag : t->on & ~flag; }

/* Flags between (? and : or ). Writes those that pcre2 has. */
static bool flags(Tr *t, Buf *b) {
  bool off = false;
  for (; t->p < t->end && *t->p != ':' && *t->p != ')'; t->p++) {
    char c = *t->p;
    if (c == '-' && !off)
      off = true, buf_ch(b, c);
    else if (c == 'm' || c == 's')
      buf_ch(b, c);
    else if (c == 'x' || c == 'i')
      set_flag(t, c == 'x' ? COMMENTS : NOCASE, !off), buf_ch(b, c);
    else if (c == 'u' || c == 'U') {
      set_flag(t, UNICODE_CASE, !off);
      if (c == 'U') t->j->ucp = true;
    } else if (c != 'd')
      return fail(t, "Unknown inline modifier", t->p);
  }
  return t->p < t->end ? true : fail(t, "Unknown inline modifier", t->end);
}

static bool group_rest(Tr *t, unsigned on) {
  if (!sequence(t)) return false;
  if (t->p >= t->end) return fail(t, "Unclosed group", t->end);
  t->p++;
  buf_ch(t->out, ')');
  t->on = on, t->atom = true;
  return true;
}

static bool flag_group(Tr *t, unsigned on) {
  Buf b = {0};
  bool ok = flags(t, &b);
  const char *f = strcmp(buf_cstr(&b), "-") ? buf_cstr(&b) : "";
  bool scoped = ok && *t->p == ':';
  if (ok) t->p++;
  if (scoped)
    buf_fmt(t->out, "(?%s:", f);
  else if (ok && *f)
    buf_fmt(t->out, "(?%s)", f);
  buf_free(&b);
  return scoped ? group_rest(t, on) : ok;
}

static bool named_group(Tr *t, unsigned on) {
  const char *name;
  int n;
  t->opened++;
  if (!group_name(t, '>', &name, &n)) return false;
  if (name_known(t, name, n)) return fail_name(t, "Named capturing group <%s> is already defined", name, (size_t)n, t->p - 1);
  buf_fmt(&t->names, "<%.*s>", n, name);
  buf_fmt(t->out, "(?<%.*s>", n, name);
  return group_rest(t, on);
}

/* t->p is behind the ( */
static bool group(Tr *t) {
  static const char *const heads[] = {"?:", "?=", "?!", "?>", "?<=", "?<!"};
  unsigned on = t->on;
  if (t->p >= t->end || *t->p != '?') {
    t->opened++;
    buf_ch(t->out, '(');
    return group_rest(t, on);
  }
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    size_t n = strlen(heads[i]);
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, heads[i], n)) continue;
    t->p += n;
    buf_fmt(t->out, "(%s", heads[i]);
    return group_rest(t, on);
  }
  t->p++;
  if (t->p < t->end && *t->p == '<') {
    t->p++;
    return named_group(t, on);
  }
  return flag_group(t, on);
}

/* ---- quantifiers ---- */

static bool counted(Tr *t) {
  const char *at = t->p++, *p = t->p;
  long lo = 0, hi = -1;
  if (p >= t->end || !is_dig(*p)) return fail(t, "Illegal repetition", at + 1);
  for (; p < t->end && is_dig(*p); p++) lo = lo > 99999 ? lo : lo * 10 + (*p - '0');
  if (p < t->end && *p == ',' && p + 1 < t->end && is_dig(p[1]))
    for (hi = 0, p++; p < t->end && is_dig(*p); p++) hi = hi > 99999 ? hi : hi * 10 + (*p - '0');
  else if (p < t->end && *p == ',')
    p++;
  if (p >= t->end || *p != '}') return fail(t, "Unclosed counted closure", p);
  if (hi >= 0 && hi < lo) return fail(t, "Illegal repetition range", p);
  if (lo > 65535 || hi > 65535) return fail(t, "Repetition counts above 65535 are not supported", at);
  buf_add(t->out, at, (size_t)(p + 1 - at));
  t->p = p + 1;
  return true;
}

static bool quantifier(Tr *t) {
  char c = *t->p;
  if (!t->atom) {
    if (c == '{') return fail(t, "Illegal repetition", t->p + 1);
    return fail(t, c == '*'   ? "Dangling meta character '*'"
                   : c == '+' ? "Dangling meta character '+'"
                              : "Dangling meta character '?'",
                t->p);
  }
  if (c == '{') {
    if (!counted(t)) return false;
  } else
    buf_ch(t->out, *t->p++);
  if (t->p < t->end && (*t->p == '?' || *t->p == '+')) buf_ch(t->out, *t->p++);
  t->atom = false;
  return true;
}

/* ---- the main loop ---- */

static void comment(Tr *t) {
  while (t->p < t->end && *t->p != '\n' && *t->p != '\r') t->p++;
}

/* One element that is not a group end. */
static bool element(Tr *t) {
  char c = *t->p;
  if (t->on & COMMENTS && c && strchr(" \t\n\r\f\v", c)) return t->p++, true;
  if (t->on & COMMENTS && c == '#') return comment(t), true;
  if (c == '*' || c == '+' || c == '?' || c == '{') return quantifier(t);
  if (c == '\\' && t->end - t->p >= 2 && t->p[1] == 'Q') return t->p += 2, quote(t), true;
  if (c == '\\' && t->end - t->p >= 2 && t->p[1] == 'E') return t->p += 2, true;
  t->atom = true;
  switch (c) {
  case '(': t->p++; t->atom = false; return group(t);
  case '[': t->p++; return class_body(t, t->out);
  case '\\': return escape(t);
  case '|': t->atom = false; buf_ch(t->out, *t->p++); return true;
  case '^': case '$': t->p++; return anchor(t, (char[]){c, 0}), true;
  case '.': buf_ch(t->out, *t->p++); return true;
  default: literal(t, utf8_next(&t->p)); return true;
  }
}

static bool sequence(Tr *t) {
  if (++t->depth > MAX_NEST) return fail(t, "Pattern is nested too deep", t->p);
  t->atom = false;
  while (t->p < t->end && *t->p != ')')
    if (!element(t)) return false;
  t->depth--;
  return true;
}

/* Capturing groups in the whole pattern, good enough for forward references: ( that are neither escaped, nor in a class,
 * nor special. */
static int count_groups(const char *s, const char *end) {
  int n = 0, in_class = 0;
  for (; s < end; s++) {
    if (*s == '\\' && s + 1 < end)
      s++;
    else if (*s == '[')
      in_class++;
    else if (*s == ']' && in_class)
      in_class--;
    else if (*s == '(' && !in_class)
      n += end - s < 2 || s[1] != '?' || (end - s > 3 && s[2] == '<' && is_alpha(s[3]));
  }
  return n;
}

bool regex_java(const char *pattern, size_t n, RegexJava *j) {
  *j = (RegexJava){.error_at = SIZE_MAX};
  Tr t = {.s = pattern, .p = pattern, .end = pattern + n, .j = j, .out = &j->out, .groups = count_groups(pattern, pattern + n)};
  /* (?U) changes how \b is written, so it must be known from the start */
  if (memmem(pattern, n, "(?U", 3)) j->ucp = true;
  /* pcre2 would step over both characters of CR LF at once when no match begins there, unless the pattern speaks of one */
  bool begun = t.p < t.end;
  buf_c(&j->out, begun ? "(?:" : "");
  bool ok = sequence(&t);
  buf_c(&j->out, begun ? ")(?:|(?!)\\r)" : "");
  buf_free(&t.names);
  if (!ok) return false;
  return t.p >= t.end ? true : fail(&t, "Unmatched closing ')'", t.p == pattern ? NULL : t.p - 1);
}
