/* jstring.c - methods of java.lang.String, Object, collections and exceptions as flows call them: (.toUpperCase s). What a
 * method does is chosen by the type of the target; there is no reflection. */
#include "stdlib.h"
#include "textops.h"
#include "reader/record.h"
#include "reader/user.h"
#include "jarray.h"
#include "streams.h"
#include "reader/mem.h"
#include <strings.h>

static Val no_target(void) { return arg_null("Object.getClass()", "target"); }

/* A StringBuilder answers the questions of CharSequence as its text does. */
static Val chars_of(Val s) { return is_type(s, T_STREAM) && obj(s)->aux <= STREAM_BUILDER ? stream_text(s) : s; }

static Val need_str(Val s, const char *method, int n) {
  if (is_str(s)) return NIL;
  return is_nil(s) ? no_target() : arg_no_method(method, n, s);
}

/* A string or character that a method searches for; Java takes the code of a character as well. */
static Val part_of(Val x, Val s, const char *method, int n) {
  if (is_str(x)) return x;
  if (is_char(x)) return arg_str_of(x);
  if (is_fix(x) && fix_of(x) >= 0 && fix_of(x) <= 0x10ffff) return arg_str_of(char_val((uint32_t)fix_of(x)));
  return is_nil(x) ? arg_null("String.length()", "str") : arg_no_method(method, n, s);
}

/* ---- Object ---- */

DOC(to_string, "[x]", "The text of x, as str gives it.", "(.toString 5) ;=> \"5\"");
static Val jstring_to_string(Val x) { return is_nil(x) ? no_target() : arg_str_of(x); }

DOC(value_of, "[x]", "The text of x; nil is \"null\".", "(String/valueOf 5) ;=> \"5\"");
static Val jstring_value_of(Val x) {
  if (is_type(x, T_JARRAY) && obj(x)->aux == ARRAY_CHAR) return text_join(str_c(""), x);
  return is_nil(x) ? str_c("null") : arg_str_of(x);
}

DOC(equals, "[x y]", "True if x and y are equal.", "(.equals \"a\" \"a\") ;=> true");
static Val jstring_equals(Val x, Val y) {
  if (is_nil(x)) return no_target();
  if (is_type(x, T_RECORD) != is_type(y, T_RECORD)) { /* as a java.util.Map a record equals any map of its entries */
    TRY(px, rec_plain(x));
    TRY(py, rec_plain(y));
    return val_eq(px, py);
  }
  if (is_type(x, T_DECIMAL) && is_type(y, T_DECIMAL) && AS(Decimal, x)->scale != AS(Decimal, y)->scale) return FALSE_V;
  if (is_float(x) != is_float(y)) return FALSE_V;
  return val_eq(x, y);
}

DOC(hash_code, "[x]", "Java's hash code of x.", "(.hashCode \"abc\") ;=> 96354\n(.hashCode {:a 1}) ;=> 1013910568\n(.hashCode :a) ;=> 1013910569");
static Val jstring_hash_code(Val x) {
  uint32_t h;
  if (is_nil(x)) return no_target();
  CHECK(java_hash(x, &h));
  return fix((int32_t)h);
}

DOC(compare_to, "[x y]", "Negative, zero or positive as x is less than, equal to or greater than y.", "(.compareTo \"a\" \"b\") ;=> -1");
static Val jstring_compare_to(Val x, Val y) {
  int order;
  if (is_nil(x)) return no_target();
  CHECK(val_compare(x, y, &order));
  return fix(order);
}

DOC(get_name, "[x]", "The name of a keyword, symbol or class.", "(.getName :a/b) ;=> \"b\"");
static Val jstring_get_name(Val x) {
  if (is_kw(x)) return AS(Kw, x)->name;
  if (is_sym(x)) return AS(Sym, x)->name;
  if (is_type(x, T_CLASS)) return AS(Sym, AS(Class, x)->name)->name;
  return is_nil(x) ? no_target() : arg_no_method("getName", 0, x);
}

DOC(simple_name, "[x]", "The name of a class without its package.", "(.getSimpleName (class \"a\")) ;=> \"String\"");
static Val jstring_simple_name(Val x) {
  if (!is_type(x, T_CLASS)) return is_nil(x) ? no_target() : arg_no_method("getSimpleName", 0, x);
  const char *s = str_s(AS(Sym, AS(Class, x)->name)->name), *cut = strrchr(s, '.');
  return str_c(cut ? cut + 1 : s);
}

/* ---- String ---- */

#define STRING_METHOD(id, java, expr, doc, example)                                                                                        \
  DOC(id, "[s]", doc, example);                                                                                                            \
  static Val jstring_##id(Val s) {                                                                                                         \
    CHECK(need_str(s, java, 0));                                                                                                           \
    return expr;                                                                                                                           \
  }

/* String.trim: what is not greater than a space. */
static Val trim_java(Val s) {
  const char *p = str_s(s), *end = p + str_n(s);
  while (p < end && (unsigned char)*p <= ' ') p++;
  while (end > p && (unsigned char)end[-1] <= ' ') end--;
  return str_new(p, (size_t)(end - p));
}

STRING_METHOD(upper, "toUpperCase", text_upper(s), "The string in upper case.", "(.toUpperCase \"abc\") ;=> \"ABC\"")
STRING_METHOD(lower, "toLowerCase", text_lower(s), "The string in lower case.", "(.toLowerCase \"ABC\") ;=> \"abc\"")
STRING_METHOD(trim, "trim", trim_java(s), "The string without control characters and spaces at both ends.", "(.trim \" a \") ;=> \"a\"")
STRING_METHOD(strip, "strip", text_trim(s, true, true), "The string without white space at both ends.", "(.strip \" a \") ;=> \"a\"")
STRING_METHOD(is_blank, "isBlank", bool_val(!str_n(text_trim(s, true, true))), "True if there is nothing but white space.",
              "(.isBlank \" \") ;=> true")

/* With a Locale: all of them agree here. */
static Val jstring_upper2(Val s, Val locale) {
  (void)locale;
  return jstring_upper(s);
}
static Val jstring_lower2(Val s, Val locale) {
  (void)locale;
  return jstring_lower(s);
}

DOC(length, "[s]", "Number of characters.", "(.length \"abc\") ;=> 3\n(.length (StringBuilder. \"ab\")) ;=> 2");
static Val jstring_length(Val s) {
  s = chars_of(s);
  CHECK(need_str(s, "length", 0));
  return fix(AS(Str, s)->nchars);
}

DOC(substring, "[s begin] [s begin end]", "The part of a string from begin up to but not including end.",
    "(.substring \"hello\" 1 3) ;=> \"el\"");
static Val jstring_substring3(Val s, Val begin, Val end) {
  s = chars_of(s);
  CHECK(need_str(s, "substring", 2));
  ARG_INT(from, begin);
  ARG_INT(to, end);
  return text_sub(s, from, to);
}
static Val jstring_substring(Val s, Val begin) {
  s = chars_of(s);
  CHECK(need_str(s, "substring", 1));
  return jstring_substring3(s, begin, fix(AS(Str, s)->nchars));
}

DOC(starts_with, "[s prefix]", "True if s starts with prefix.", "(.startsWith \"hello\" \"he\") ;=> true");
static Val jstring_starts_with(Val s, Val part) {
  CHECK(need_str(s, "startsWith", 1));
  CHECK(arg_str(part, "String.length()", "prefix"));
  return bool_val(text_starts(s, part));
}

DOC(ends_with, "[s suffix]", "True if s ends with suffix.", "(.endsWith \"hello\" \"lo\") ;=> true");
static Val jstring_ends_with(Val s, Val part) {
  CHECK(need_str(s, "endsWith", 1));
  CHECK(arg_str(part, "String.length()", "suffix"));
  return bool_val(text_ends(s, part));
}

static Val index_val(Val s, size_t at) { return fix(at == TEXT_NONE ? -1 : (int64_t)text_index(s, at)); }

/* List.indexOf */
static Val index_in_coll(Val coll, Val x) {
  SeqIter it;
  Val e;
  CHECK(seq_iter(&it, coll));
  for (int64_t i = 0;; i++) {
    TRY(more, seq_iter_next(&it, &e));
    if (!truthy(more)) return fix(-1);
    TRY(eq, val_eq(e, x));
    if (truthy(eq)) return fix(i);
  }
}

DOC(index_of, "[s x] [s x from]", "Index of the first place of x in a string or list, -1 if there is none.",
    "(.indexOf \"hello\" \"l\") ;=> 2\n(.indexOf [1 2] 3) ;=> -1");
static Val jstring_index_of3(Val s, Val x, Val from) {
  s = chars_of(s);
  CHECK(need_str(s, "indexOf", 2));
  TRY(part, part_of(x, s, "indexOf", 2));
  ARG_INT(i, from);
  return index_val(s, text_find(s, part, text_byte(s, i)));
}
static Val jstring_index_of(Val s, Val x) {
  if (is_sequential(s)) return index_in_coll(s, x);
  return jstring_index_of3(s, x, fix(0));
}

DOC(last_index_of, "[s x]", "Index of the last place of x in a string, -1 if there is none.", "(.lastIndexOf \"hello\" \"l\") ;=> 3");
static Val jstring_last_index_of(Val s, Val x) {
  s = chars_of(s);
  CHECK(need_str(s, "lastIndexOf", 1));
  TRY(part, part_of(x, s, "lastIndexOf", 1));
  return index_val(s, text_find_last(s, part, str_n(s)));
}

/* The JVM keeps Latin-1 strings apart from others, and its two ways to get a character have messages of their own. */
static Val bad_char_index(Val s, int64_t at) {
  const char *p = str_s(s), *end = p + str_n(s);
  while (p < end)
    if (utf8_next(&p) > 0xff) return ex_throw(EXC_STRING_INDEX, "index %lld, length %u", (long long)at, AS(Str, s)->nchars);
  return ex_throw(EXC_STRING_INDEX, "String index out of range: %lld", (long long)at);
}

DOC(char_at, "[s index]", "The character at an index.", "(.charAt \"abc\" 1) ;=> \\b");
static Val jstring_char_at(Val s, Val i) {
  s = chars_of(s);
  CHECK(need_str(s, "charAt", 1));
  ARG_INT(at, i);
  int64_t n = AS(Str, s)->nchars;
  if (at < 0 || at >= n) return bad_char_index(s, at);
  return coll_nth(s, at, ABSENT);
}

DOC(replace, "[s target replacement]", "Replaces all of a string or character in s.", "(.replace \"hello\" \"l\" \"L\") ;=> \"heLLo\"");
static Val jstring_replace(Val s, Val target, Val with) {
  CHECK(need_str(s, "replace", 2));
  TRY(part, part_of(target, s, "replace", 2));
  TRY(w, part_of(with, s, "replace", 2));
  return text_replace(s, part, w, true);
}

static Val regex_of(Val s) {
  const Builtin *f = builtin_find("clojure.core/re-pattern");
  CHECK(arg_str(s, "String.isEmpty()", "this.pattern"));
  return f->f1(s);
}

DOC(replace_all, "[s regex replacement]", "Replaces all matches of a regex, given as text, in s.",
    "(.replaceAll \"a1b2\" \"[0-9]\" \"#\") ;=> \"a#b#\"");
static Val jstring_replace_all(Val s, Val regex, Val with) {
  CHECK(need_str(s, "replaceAll", 2));
  CHECK(arg_str(with, "String.length()", "replacement"));
  TRY(re, regex_of(regex));
  return text_replace_regex(s, re, with, true);
}

DOC(replace_first, "[s regex replacement]", "Replaces the first match of a regex, given as text, in s.",
    "(.replaceFirst \"a1b2\" \"[0-9]\" \"#\") ;=> \"a#b2\"");
static Val jstring_replace_first(Val s, Val regex, Val with) {
  CHECK(need_str(s, "replaceFirst", 2));
  CHECK(arg_str(with, "String.length()", "replacement"));
  TRY(re, regex_of(regex));
  return text_replace_regex(s, re, with, false);
}

DOC(split, "[s regex] [s regex limit]", "An array of the parts of s between the matches of a regex, given as text.",
    "(vec (.split \"a,b\" \",\")) ;=> [\"a\" \"b\"]\n(alength (.split \"a,b,\" \",\" -1)) ;=> 3");
static Val jstring_split3(Val s, Val regex, Val limit) {
  CHECK(need_str(s, "split", 2));
  TRY(re, regex_of(regex));
  ARG_INT(n, limit);
  TRY(parts, text_split(s, re, n));
  ValVec all = {0};
  CHECK(coll_into_array(parts, &all));
  return jarray_new(ARRAY_OBJECT, "[Ljava.lang.String;", all.a, (uint32_t)all.n);
}
static Val jstring_split(Val s, Val regex) { return jstring_split3(s, regex, fix(0)); }

DOC(to_chars, "[s]", "An array of the characters of a string.", "(vec (.toCharArray \"ab\")) ;=> [\\a \\b]");
static Val jstring_to_chars(Val s) {
  CHECK(need_str(s, "toCharArray", 0));
  ValVec all = {0};
  CHECK(coll_into_array(s, &all));
  return jarray_new(ARRAY_CHAR, "[C", all.a, (uint32_t)all.n);
}

DOC(matches, "[s regex]", "Does the whole of a string match a regex, given as text?", "(.matches \"a1\" \"[a-z][0-9]\") ;=> true");
static Val jstring_matches(Val s, Val regex) {
  CHECK(need_str(s, "matches", 1));
  TRY(re, regex_of(regex));
  TRY(found, builtin_find("clojure.core/re-matches")->f2(re, s));
  return bool_val(!is_nil(found));
}

STRING_METHOD(strip_leading, "stripLeading", text_trim(s, true, false), "The string without white space in front.", "(.stripLeading \" a \") ;=> \"a \"")
STRING_METHOD(strip_trailing, "stripTrailing", text_trim(s, false, true), "The string without white space behind.", "(.stripTrailing \" a \") ;=> \" a\"")
STRING_METHOD(intern, "intern", s, "The string.", "(.intern \"a\") ;=> \"a\"")

DOC(code_point_at, "[s index]", "The code of the character at an index.", "(.codePointAt \"abc\" 1) ;=> 98");
static Val jstring_code_point_at(Val s, Val index) {
  CHECK(need_str(s, "codePointAt", 1));
  ARG_INT(i, index);
  TRY(c, coll_nth(s, i, ABSENT));
  return fix(char_of(c));
}

DOC(compare_ignoring_case, "[s t]", "compareTo without regard to case.", "(.compareToIgnoreCase \"A\" \"b\") ;=> -1");
static Val jstring_compare_ignoring_case(Val s, Val t) {
  int order;
  CHECK(need_str(s, "compareToIgnoreCase", 1));
  CHECK(arg_str(t, "String.length()", "str"));
  CHECK(val_compare(text_lower(text_upper(s)), text_lower(text_upper(t)), &order));
  return fix(order);
}

DOC(iterator, "[coll]", "What iterator-seq walks: the collection.", "(iterator-seq (.iterator [1 2])) ;=> (1 2)");
static Val jstring_iterator(Val coll) { return is_nil(coll) ? no_target() : is_seqable(coll) ? coll : arg_no_method("iterator", 0, coll); }

DOC(concat, "[s t]", "s and t joined.", "(.concat \"a\" \"b\") ;=> \"ab\"");
static Val jstring_concat(Val s, Val t) {
  CHECK(need_str(s, "concat", 1));
  CHECK(arg_str(t, "String.isEmpty()", "str"));
  Buf b = {0};
  buf_add(&b, str_s(s), str_n(s));
  buf_add(&b, str_s(t), str_n(t));
  return buf_str(&b);
}

DOC(repeat, "[s n]", "s repeated n times.", "(.repeat \"ab\" 2) ;=> \"abab\"");
static Val jstring_repeat(Val s, Val times) {
  CHECK(need_str(s, "repeat", 1));
  ARG_INT(n, times);
  if (n < 0) return ex_throw(EXC_ILLEGAL_ARG, "count is negative: %lld", (long long)n);
  if (str_n(s) && (uint64_t)n > ((uint64_t)1 << 30) / str_n(s))
    return ex_throw(EXC_LIMIT, "Repeating %zu bytes %lld times is too long for a string", str_n(s), (long long)n);
  Buf b = {0};
  for (int64_t i = 0; i < n; i++) buf_add(&b, str_s(s), str_n(s));
  return buf_str(&b);
}

DOC(equals_ignore_case, "[s t]", "True if s and t are equal but for case.", "(.equalsIgnoreCase \"a\" \"A\") ;=> true");
static Val jstring_equals_ignore_case(Val s, Val t) {
  CHECK(need_str(s, "equalsIgnoreCase", 1));
  if (!is_str(t)) return FALSE_V;
  return val_eq(text_lower(text_upper(s)), text_lower(text_upper(t)));
}

DOC(get_bytes, "[s] [s charset]", "The UTF-8 bytes of a string.", "(count (.getBytes \"é\")) ;=> 2");
static Val jstring_get_bytes(Val s) {
  CHECK(need_str(s, "getBytes", 0));
  Bytes *b = mem_obj_n(T_BYTES, (uint32_t)str_n(s));
  memcpy(b->b, str_s(s), str_n(s));
  return from_obj(b);
}
static Val jstring_get_bytes2(Val s, Val charset) {
  if (is_str(charset) && !strcasecmp(str_s(charset), "UTF-8")) return jstring_get_bytes(s);
  TRY(name, arg_str_of(charset));
  return ex_throw(EXC_UNSUPPORTED, "Charset %s is not available, only UTF-8", str_s(name));
}

DOC(new_string, "[] [x] [bytes charset]", "A string of a string or of UTF-8 bytes.", "(String. \"a\") ;=> \"a\"");
static Val jstring_new0(void) { return str_new("", 0); }
static Val jstring_new(Val x) {
  if (is_str(x)) return x;
  if (is_type(x, T_STREAM) && obj(x)->aux <= STREAM_BUILDER) return stream_text(x);
  if (is_type(x, T_JARRAY) && obj(x)->aux == ARRAY_CHAR) return text_join(str_c(""), x);
  return is_type(x, T_BYTES) ? str_new((const char *)AS(Bytes, x)->b, AS(Bytes, x)->n)
                             : ex_throw(EXC_ILLEGAL_ARG, "No matching ctor found for class java.lang.String");
}
static Val jstring_new2(Val x, Val charset) {
  (void)charset;
  return jstring_new(x);
}

/* ---- strings and collections ---- */

DOC(contains, "[x y]", "True if the string has the part y, or the set or list the element y.",
    "(.contains \"hello\" \"ell\") ;=> true\n(.contains [1 2] 2) ;=> true");
static Val jstring_contains(Val s, Val x) {
  if (is_set(s)) return coll_contains(s, x);
  if (is_sequential(s)) {
    TRY(i, index_in_coll(s, x));
    return bool_val(fix_of(i) >= 0);
  }
  CHECK(need_str(s, "contains", 1));
  CHECK(arg_text(x, "s"));
  return bool_val(text_find(s, x, 0) != TEXT_NONE);
}

DOC(is_empty, "[x]", "True if the string or collection is empty.", "(.isEmpty \"\") ;=> true");
static Val jstring_is_empty(Val x) {
  x = chars_of(x);
  if (!is_str(x) && !is_coll(x)) return is_nil(x) ? no_target() : arg_no_method("isEmpty", 0, x);
  TRY(n, coll_count(x));
  return bool_val(fix_of(n) == 0);
}

DOC(size, "[coll]", "Number of elements of a collection.", "(.size [1 2]) ;=> 2");
static Val jstring_size(Val x) {
  if (is_coll(x)) return coll_count(x);
  return is_nil(x) ? no_target() : arg_no_method("size", 0, x);
}

DOC(get, "[coll key]", "The value at a key of a map, or an index of a list.", "(.get {:a 1} :a) ;=> 1\n(.get [1 2] 5) ;!> index");
static Val jstring_get(Val coll, Val k) {
  if (is_map(coll) || is_set(coll)) return coll_get(coll, k, NIL);
  if (!is_sequential(coll)) return is_nil(coll) ? no_target() : arg_no_method("get", 1, coll);
  ARG_INT(i, k);
  return coll_nth(coll, i, ABSENT);
}

DOC(contains_key, "[map key]", "True if the map has the key.", "(.containsKey {:a 1} :a) ;=> true");
static Val jstring_contains_key(Val m, Val k) {
  if (is_map(m) || is_vec(m)) return coll_contains(m, k);
  return is_nil(m) ? no_target() : arg_no_method("containsKey", 1, m);
}

DOC(get_key, "[entry]", "The key of a map entry.", "(.getKey (first {:a 1})) ;=> :a");
static Val jstring_get_key(Val e) {
  if (is_entry(e)) return AS(Entry, e)->k;
  return is_nil(e) ? no_target() : arg_no_method("getKey", 0, e);
}

DOC(get_value, "[entry]", "The value of a map entry.", "(.getValue (first {:a 1})) ;=> 1");
static Val jstring_get_value(Val e) {
  if (is_entry(e)) return AS(Entry, e)->v;
  return is_nil(e) ? no_target() : arg_no_method("getValue", 0, e);
}

DOC(join, "[separator coll]", "The texts of the elements joined.", "(String/join \",\" [\"a\" \"b\"]) ;=> \"a,b\"");
static Val jstring_join(Val sep, Val coll) {
  ValVec parts = {0};
  CHECK(arg_text(sep, "delimiter"));
  CHECK(coll_into_array(coll, &parts));
  for (size_t i = 0; i < parts.n; i++) {
    if (is_nil(parts.a[i])) parts.a[i] = str_c("null");
    CHECK(arg_text(parts.a[i], "cs"));
  }
  coll = vec_from(parts.a, parts.n);
  return text_join(sep, coll);
}

const BuiltinRow rows_jstring[] = {
    ROW1(".toString", jstring_to_string, to_string, B_PURE),
    ROW1("String/valueOf", jstring_value_of, value_of, B_PURE),
    ROW2(".equals", jstring_equals, equals, B_PURE),
    ROW1(".hashCode", jstring_hash_code, hash_code, B_PURE),
    ROW2(".compareTo", jstring_compare_to, compare_to, B_PURE),
    ROW1(".getName", jstring_get_name, get_name, B_PURE),
    ROW1(".getSimpleName", jstring_simple_name, simple_name, B_PURE),
    ROW1(".toUpperCase", jstring_upper, upper, B_PURE),
    ROW2(".toUpperCase", jstring_upper2, upper, B_PURE),
    ROW1(".toLowerCase", jstring_lower, lower, B_PURE),
    ROW2(".toLowerCase", jstring_lower2, lower, B_PURE),
    ROW1(".trim", jstring_trim, trim, B_PURE),
    ROW1(".strip", jstring_strip, strip, B_PURE),
    ROW1(".length", jstring_length, length, B_PURE),
    ROW1(".isBlank", jstring_is_blank, is_blank, B_PURE),
    ROW2(".substring", jstring_substring, substring, B_PURE),
    ROW3(".substring", jstring_substring3, substring, B_PURE),
    ROW2(".startsWith", jstring_starts_with, starts_with, B_PURE),
    ROW2(".endsWith", jstring_ends_with, ends_with, B_PURE),
    ROW2(".indexOf", jstring_index_of, index_of, B_PURE),
    ROW3(".indexOf", jstring_index_of3, index_of, B_PURE),
    ROW2(".lastIndexOf", jstring_last_index_of, last_index_of, B_PURE),
    ROW2(".charAt", jstring_char_at, char_at, B_PURE),
    ROW3(".replace", jstring_replace, replace, B_PURE),
    ROW3(".replaceAll", jstring_replace_all, replace_all, B_PURE),
    ROW3(".replaceFirst", jstring_replace_first, replace_first, B_PURE),
    ROW2(".split", jstring_split, split, B_IMPURE),
    ROW3(".split", jstring_split3, split, B_IMPURE),
    ROW1(".toCharArray", jstring_to_chars, to_chars, B_IMPURE),
    ROW2(".matches", jstring_matches, matches, B_PURE),
    ROW1(".stripLeading", jstring_strip_leading, strip_leading, B_PURE),
    ROW1(".stripTrailing", jstring_strip_trailing, strip_trailing, B_PURE),
    ROW1(".intern", jstring_intern, intern, B_PURE),
    ROW2(".codePointAt", jstring_code_point_at, code_point_at, B_PURE),
    ROW2(".compareToIgnoreCase", jstring_compare_ignoring_case, compare_ignoring_case, B_PURE),
    ROW1(".iterator", jstring_iterator, iterator, B_PURE),
    ROW2(".concat", jstring_concat, concat, B_PURE),
    ROW2(".repeat", jstring_repeat, repeat, B_PURE),
    ROW2(".equalsIgnoreCase", jstring_equals_ignore_case, equals_ignore_case, B_PURE),
    ROW1(".getBytes", jstring_get_bytes, get_bytes, B_PURE),
    ROW2(".getBytes", jstring_get_bytes2, get_bytes, B_PURE),
    ROW0("String.", jstring_new0, new_string, B_PURE),
    ROW1("String.", jstring_new, new_string, B_PURE),
    ROW2("String.", jstring_new2, new_string, B_PURE),
    ROW2(".contains", jstring_contains, contains, B_PURE),
    ROW1(".isEmpty", jstring_is_empty, is_empty, B_PURE),
    ROW1(".size", jstring_size, size, B_PURE),
    ROW2(".get", jstring_get, get, B_PURE),
    ROW2(".containsKey", jstring_contains_key, contains_key, B_PURE),
    ROW1(".getKey", jstring_get_key, get_key, B_PURE),
    ROW1(".getValue", jstring_get_value, get_value, B_PURE),
    ROW2("String/join", jstring_join, join, B_PURE),
    ROW_END,
};
