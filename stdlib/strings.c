/* strings.c - str, subs and clojure.string without regular expressions (patterns.c has those). */
#include "stdlib.h"
#include "textops.h"
#include "unicode.h"

DOC(str, "[] [x] [x & ys]", "The texts of the arguments joined; nil is empty.", "(str 1 \"a\" :b nil) ;=> \"1a:b\"\n(str) ;=> \"\"");
static Val strings_str0(void) { return str_new("", 0); }
static Val strings_str_n(int n, const Val *a) {
  Buf b = {0};
  for (int i = 0; i < n; i++) {
    if (is_str(a[i])) {
      buf_add(&b, str_s(a[i]), str_n(a[i]));
      continue;
    }
    Val r = print_str_of(&b, a[i]);
    if (is_sig(r)) {
      buf_free(&b);
      return r;
    }
  }
  return buf_str(&b);
}

DOC(subs, "[s start] [s start end]", "The part of a string from start up to but not including end (by code points).",
    "(subs \"hello\" 1 3) ;=> \"el\"\n(subs \"a\" 5) ;!> index");
static Val strings_subs(Val s, Val start) {
  CHECK(arg_str(s, "String.substring(int)", "s"));
  ARG_INT(from, start);
  return text_sub(s, from, AS(Str, s)->nchars);
}
static Val strings_subs3(Val s, Val start, Val end) {
  CHECK(arg_str(s, "String.substring(int, int)", "s"));
  ARG_INT(from, start);
  ARG_INT(to, end);
  return text_sub(s, from, to);
}

/* ---- join, case, trim ---- */

DOC(join, "[coll] [separator coll]", "The texts of the elements joined, with the separator between them.",
    "(clojure.string/join \", \" [1 2]) ;=> \"1, 2\"");
static Val strings_join(Val coll) { return text_join(str_new("", 0), coll); }
static Val strings_join2(Val sep, Val coll) {
  TRY(s, arg_str_of(sep));
  return text_join(s, coll);
}

DOC(upper, "[s]", "The string in upper case.", "(clojure.string/upper-case \"abc\") ;=> \"ABC\"\n(clojure.string/upper-case nil) ;!> null");
static Val strings_upper(Val x) {
  TRY(s, arg_to_string(x, "s"));
  return text_upper(s);
}

DOC(lower, "[s]", "The string in lower case.", "(clojure.string/lower-case \"ABC\") ;=> \"abc\"");
static Val strings_lower(Val x) {
  TRY(s, arg_to_string(x, "s"));
  return text_lower(s);
}

DOC(capitalize, "[s]", "The first character in upper case, the others in lower case.",
    "(clojure.string/capitalize \"hELLO\") ;=> \"Hello\"");
static Val strings_capitalize(Val x) {
  TRY(s, arg_to_string(x, "s"));
  size_t first = text_byte(s, 1);
  Buf b = {0};
  unicode_upper(&b, str_s(s), first);
  unicode_lower(&b, str_s(s) + first, str_n(s) - first);
  return buf_str(&b);
}

DOC(trim, "[s]", "The string without white space at both ends.", "(clojure.string/trim \" a \") ;=> \"a\"");
static Val strings_trim(Val s) {
  CHECK(arg_text(s, "s"));
  return text_trim(s, true, true);
}

DOC(triml, "[s]", "The string without white space at its beginning.", "(clojure.string/triml \" a \") ;=> \"a \"");
static Val strings_triml(Val s) {
  CHECK(arg_text(s, "s"));
  return text_trim(s, true, false);
}

DOC(trimr, "[s]", "The string without white space at its end.", "(clojure.string/trimr \" a \") ;=> \" a\"");
static Val strings_trimr(Val s) {
  CHECK(arg_text(s, "s"));
  return text_trim(s, false, true);
}

DOC(trim_newline, "[s]", "The string without newlines and returns at its end.", "(clojure.string/trim-newline \"a\\n\") ;=> \"a\"");
static Val strings_trim_newline(Val s) {
  CHECK(arg_text(s, "s"));
  size_t n = str_n(s);
  while (n && (str_s(s)[n - 1] == '\n' || str_s(s)[n - 1] == '\r')) n--;
  return str_new(str_s(s), n);
}

DOC(blank, "[s]", "True if s is nil, empty or white space only.",
    "(clojure.string/blank? \" \") ;=> true\n(clojure.string/blank? nil) ;=> true");
static Val strings_blank(Val s) {
  if (!truthy(s)) return TRUE_V;
  CHECK(arg_text(s, "s"));
  const char *p = str_s(s), *end = p + str_n(s);
  while (p < end)
    if (!unicode_is_space(utf8_next(&p))) return FALSE_V;
  return TRUE_V;
}

DOC(reverse, "[s]", "The characters in reverse order.", "(clojure.string/reverse \"abc\") ;=> \"cba\"");
static Val strings_reverse(Val s) {
  CHECK(arg_text(s, "seq"));
  Buf b = {0};
  const char *p = str_s(s), *end = p + str_n(s);
  while (end > p) {
    const char *q = end - 1;
    while (((unsigned char)*q & 0xc0) == 0x80) q--;
    buf_add(&b, q, (size_t)(end - q));
    end = q;
  }
  return buf_str(&b);
}

/* ---- search ---- */

DOC(includes, "[s substr]", "True if s contains substr.", "(clojure.string/includes? \"hello\" \"ell\") ;=> true");
static Val strings_includes(Val x, Val part) {
  TRY(s, arg_to_string(x, "s"));
  if (is_nil(part)) return arg_null("java.lang.CharSequence.toString()", "s");
  CHECK(arg_text(part, "s"));
  return bool_val(text_find(s, part, 0) != TEXT_NONE);
}

DOC(starts, "[s substr]", "True if s starts with substr.", "(clojure.string/starts-with? \"hello\" \"he\") ;=> true");
static Val strings_starts(Val x, Val part) {
  TRY(s, arg_to_string(x, "s"));
  CHECK(arg_str(part, "String.length()", "prefix"));
  return bool_val(text_starts(s, part));
}

DOC(ends, "[s substr]", "True if s ends with substr.", "(clojure.string/ends-with? \"hello\" \"lo\") ;=> true");
static Val strings_ends(Val x, Val part) {
  TRY(s, arg_to_string(x, "s"));
  CHECK(arg_str(part, "String.length()", "suffix"));
  return bool_val(text_ends(s, part));
}

/* What index-of searches for: a string or a character. */
static Val search_part(Val x) {
  if (is_char(x)) return arg_str_of(x);
  CHECK(arg_str(x, "String.coder()", "str"));
  return x;
}

static Val found_at(Val s, size_t at) { return at == TEXT_NONE ? NIL : fix((int64_t)text_index(s, at)); }

DOC(index_of, "[s value] [s value from-index]", "Index of the first place of a string or character in s (at or behind from-index), or nil.",
    "(clojure.string/index-of \"hello\" \"l\") ;=> 2\n(clojure.string/index-of \"hello\" \"z\") ;=> nil");
static Val strings_index_of3(Val x, Val part, Val from) {
  TRY(s, arg_to_string(x, "s"));
  TRY(p, search_part(part));
  ARG_INT(i, from);
  return found_at(s, text_find(s, p, text_byte(s, i)));
}
static Val strings_index_of(Val x, Val part) { return strings_index_of3(x, part, fix(0)); }

DOC(last_index_of, "[s value] [s value from-index]",
    "Index of the last place of a string or character in s (at or before from-index), or nil.",
    "(clojure.string/last-index-of \"hello\" \"l\") ;=> 3");
static Val strings_last_index_of3(Val x, Val part, Val from) {
  TRY(s, arg_to_string(x, "s"));
  TRY(p, search_part(part));
  ARG_INT(i, from);
  return i < 0 ? NIL : found_at(s, text_find_last(s, p, text_byte(s, i)));
}
static Val strings_last_index_of(Val x, Val part) { return strings_last_index_of3(x, part, fix(INT32_MAX)); }

const BuiltinRow rows_strings[] = {
    ROW0("str", strings_str0, str, B_PURE),
    ROW1("str", arg_str_of, str, B_PURE),
    ROWV("str", 2, strings_str_n, str, B_PURE),
    ROW2("subs", strings_subs, subs, B_PURE),
    ROW3("subs", strings_subs3, subs, B_PURE),
    ROW1("clojure.string/join", strings_join, join, B_PURE),
    ROW2("clojure.string/join", strings_join2, join, B_PURE),
    ROW1("clojure.string/upper-case", strings_upper, upper, B_PURE),
    ROW1("clojure.string/lower-case", strings_lower, lower, B_PURE),
    ROW1("clojure.string/capitalize", strings_capitalize, capitalize, B_PURE),
    ROW1("clojure.string/trim", strings_trim, trim, B_PURE),
    ROW1("clojure.string/triml", strings_triml, triml, B_PURE),
    ROW1("clojure.string/trimr", strings_trimr, trimr, B_PURE),
    ROW1("clojure.string/trim-newline", strings_trim_newline, trim_newline, B_PURE),
    ROW1("clojure.string/blank?", strings_blank, blank, B_PURE),
    ROW1("clojure.string/reverse", strings_reverse, reverse, B_PURE),
    ROW2("clojure.string/includes?", strings_includes, includes, B_PURE),
    ROW2("clojure.string/starts-with?", strings_starts, starts, B_PURE),
    ROW2("clojure.string/ends-with?", strings_ends, ends, B_PURE),
    ROW2("clojure.string/index-of", strings_index_of, index_of, B_PURE),
    ROW3("clojure.string/index-of", strings_index_of3, index_of, B_PURE),
    ROW2("clojure.string/last-index-of", strings_last_index_of, last_index_of, B_PURE),
    ROW3("clojure.string/last-index-of", strings_last_index_of3, last_index_of, B_PURE),
    ROW_END,
};
