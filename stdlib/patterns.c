/* patterns.c - regular expressions: re-find, re-seq, split, replace. Searching goes on as java.util.regex.Matcher's find
 * does: from the end of the last match, one character further if that was empty. */
#include "stdlib.h"
#include "textops.h"
#include "walk.h"
#include "reader/mem.h"
#include "reader/regex.h"

static Val group_value(Val s, const RegexMatch *m, uint32_t i) {
  size_t from = m->groups[2 * i], to = m->groups[2 * i + 1];
  return from == TEXT_NONE || to == TEXT_NONE ? NIL : str_new(str_s(s) + from, to - from);
}

/* What re-groups gives: the whole match, or a vector of it and the groups. */
static Val match_value(Val s, const RegexMatch *m) {
  if (m->ngroups == 0) return group_value(s, m, 0);
  ValVec v = {0};
  for (uint32_t i = 0; i <= m->ngroups; i++) vv_push(&v, group_value(s, m, i));
  return vec_from(v.a, v.n);
}

/* Where the search goes on behind a match; beyond the end of the string when there is nothing left. */
static size_t next_search(Val s, const RegexMatch *m) {
  size_t to = m->groups[1];
  if (m->groups[0] != to) return to;
  if (to >= str_n(s)) return str_n(s) + 1;
  const char *p = str_s(s) + to;
  utf8_next(&p);
  return (size_t)(p - str_s(s));
}

static Val search(Val s, Val re, size_t from, RegexMatch *m) {
  m->found = false;
  return from > str_n(s) ? NIL : regex_exec(re, s, from, false, m);
}

#define RE_MATCHER_CALL "java.util.regex.Pattern.matcher(java.lang.CharSequence)"

static Val regex_and_text(Val re, Val s) {
  CHECK(arg_regex(re, RE_MATCHER_CALL));
  return arg_text(s, "this.text");
}

/* ---- patterns and matchers ---- */

DOC(re_pattern, "[s]", "The regular expression of a string; one that is one already stays as it is.",
    "(re-find (re-pattern \"b+\") \"abbc\") ;=> \"bb\"\n(re-pattern \"(\") ;!> argument");
static Val patterns_re_pattern(Val s) {
  if (is_type(s, T_REGEX)) return s;
  CHECK(arg_str(s, "String.isEmpty()", "this.pattern"));
  return regex_new(s);
}

DOC(re_quote, "[s]", "A regular expression, as text, that matches exactly s.",
    "(java.util.regex.Pattern/quote \"a.b\") ;=> \"\\\\Qa.b\\\\E\"");
static Val patterns_quote(Val s) {
  CHECK(arg_str(s, "String.indexOf(String)", "s"));
  TRY(body, text_replace(s, str_c("\\E"), str_c("\\E\\\\E\\Q"), true));
  return str_fmt("\\Q%s\\E", str_s(body));
}

DOC(re_matcher, "[re s]", "A matcher: the place of a search for re in s, for re-find and re-groups.",
    "(re-find (re-matcher #\"a.\" \"abac\")) ;=> \"ab\"");
static Val patterns_re_matcher(Val re, Val s) {
  CHECK(regex_and_text(re, s));
  Matcher *m = mem_obj(T_MATCHER);
  m->re = re;
  m->str = s;
  return from_obj(m);
}

static Val need_matcher(Val m, const char *call) {
  if (is_type(m, T_MATCHER)) return NIL;
  return is_nil(m) ? arg_null(call, "m") : ex_cast(m, "java.util.regex.Matcher");
}

/* The next match of a matcher, nil if there is none. */
static Val patterns_find_next(Val matcher) {
  CHECK(need_matcher(matcher, "java.util.regex.Matcher.find()"));
  Matcher *mt = AS(Matcher, matcher);
  RegexMatch m;
  CHECK(search(mt->str, mt->re, mt->pos, &m));
  mt->groups = m.found ? match_value(mt->str, &m) : NIL;
  mt->pos = m.found ? (uint32_t)next_search(mt->str, &m) : (uint32_t)str_n(mt->str) + 1;
  return mt->groups;
}

DOC(re_find, "[m] [re s]",
    "The first match of re in s, or the next one of a matcher: a string, or a vector with the groups; nil if there is none.",
    "(re-find #\"\\d+\" \"ab12\") ;=> \"12\"\n(re-find #\"(\\w)=(\\d)\" \"a=1\") ;=> [\"a=1\" \"a\" \"1\"]\n(re-find #\"x\" \"a\") ;=> "
    "nil");
static Val patterns_re_find(Val re, Val s) {
  RegexMatch m;
  CHECK(regex_and_text(re, s));
  CHECK(regex_exec(re, s, 0, false, &m));
  return m.found ? match_value(s, &m) : NIL;
}

DOC(re_matches, "[re s]", "The match of re with the whole of s, or nil.",
    "(re-matches #\"a+\" \"aab\") ;=> nil\n(re-matches #\"(a+)b\" \"aab\") ;=> [\"aab\" \"aa\"]");
static Val patterns_re_matches(Val re, Val s) {
  RegexMatch m;
  CHECK(regex_and_text(re, s));
  CHECK(regex_exec(re, s, 0, true, &m));
  return m.found ? match_value(s, &m) : NIL;
}

DOC(re_groups, "[m]", "The groups of the last match of a matcher.",
    "(re-groups (doto (re-matcher #\"(a)(b)\" \"ab\") re-find)) ;=> [\"ab\" \"a\" \"b\"]");
static Val patterns_re_groups(Val matcher) {
  CHECK(need_matcher(matcher, "java.util.regex.Matcher.groupCount()"));
  Val g = AS(Matcher, matcher)->groups;
  return is_nil(g) ? ex_throw(EXC_STATE, "No match found") : g;
}

DOC(re_seq, "[re s]", "Seq of all matches of re in s, nil if there are none.", "(re-seq #\"\\d\" \"a1b2\") ;=> (\"1\" \"2\")");
static Val patterns_re_seq(Val re, Val s) {
  ValVec v = {0};
  RegexMatch m;
  CHECK(regex_and_text(re, s));
  for (size_t from = 0;; from = next_search(s, &m)) {
    CHECK(search(s, re, from, &m));
    if (!m.found) return v.n ? list_from(v.a, v.n) : NIL;
    vv_push(&v, match_value(s, &m));
  }
}

/* ---- split ---- */

static void push_part(ValVec *v, Val s, size_t from, size_t to) { vv_push(v, str_new(str_s(s) + from, to - from)); }

Val text_split(Val s, Val re, int64_t limit) {
  ValVec v = {0};
  RegexMatch m;
  size_t index = 0; /* end of the last separator */
  for (size_t from = 0;; from = next_search(s, &m)) {
    if (limit > 0 && (int64_t)v.n >= limit - 1) break;
    CHECK(search(s, re, from, &m));
    if (!m.found) break;
    if (index == 0 && m.groups[1] == 0) continue; /* no empty string before an empty match at the beginning */
    push_part(&v, s, index, m.groups[0]);
    index = m.groups[1];
  }
  if (index == 0 && v.n == 0) return vec_from(&s, 1);
  push_part(&v, s, index, str_n(s));
  if (limit == 0)
    while (v.n && !str_n(v.a[v.n - 1])) v.n--;
  return vec_from(v.a, v.n);
}

DOC(split, "[s re] [s re limit]", "A vector of the parts of s between the matches of re; without limit empty parts at the end are dropped.",
    "(clojure.string/split \"a,b,,\" #\",\") ;=> [\"a\" \"b\"]\n(clojure.string/split \"a,b,c\" #\",\" 2) ;=> [\"a\" \"b,c\"]");
static Val patterns_split3(Val s, Val re, Val limit) {
  ARG_INT(n, limit);
  CHECK(arg_regex(re, "java.util.regex.Pattern.split(java.lang.CharSequence)"));
  CHECK(arg_text(s, "this.text"));
  return text_split(s, re, n);
}
static Val patterns_split(Val s, Val re) { return patterns_split3(s, re, fix(0)); }

DOC(split_lines, "[s]", "A vector of the lines of s, without empty ones at the end.",
    "(clojure.string/split-lines \"a\\nb\\n\") ;=> [\"a\" \"b\"]");
static Val patterns_split_lines(Val s) {
  ValVec v = {0};
  CHECK(arg_text(s, "this.text"));
  const char *start = str_s(s), *end = start + str_n(s), *p = start;
  if (!memchr(start, '\n', str_n(s))) return vec_from(&s, 1);
  for (const char *nl; (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
    const char *stop = nl > p && nl[-1] == '\r' ? nl - 1 : nl;
    push_part(&v, s, (size_t)(p - start), (size_t)(stop - start));
  }
  push_part(&v, s, (size_t)(p - start), str_n(s));
  while (v.n && !str_n(v.a[v.n - 1])) v.n--;
  return vec_from(v.a, v.n);
}

/* ---- replace with a template ---- */

static Val bad_reference(const char *what) { return ex_throw(EXC_ILLEGAL_ARG, "%s", what); }

static void put_group(Buf *b, Val s, const RegexMatch *m, uint32_t i) {
  size_t from = m->groups[2 * i], to = m->groups[2 * i + 1];
  if (from != TEXT_NONE && to != TEXT_NONE) buf_add(b, str_s(s) + from, to - from);
}

/* $12: as many digits as still name a group. */
static Val put_numbered(Buf *b, Val s, const RegexMatch *m, const char **p, const char *end) {
  uint32_t g = (uint32_t)(*(*p)++ - '0');
  if (g > m->ngroups) return ex_throw(EXC_INDEX, "No group %u", g);
  while (*p < end && **p >= '0' && **p <= '9' && g * 10 + (uint32_t)(**p - '0') <= m->ngroups) g = g * 10 + (uint32_t)(*(*p)++ - '0');
  put_group(b, s, m, g);
  return NIL;
}

static bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

static Val put_named(Buf *b, Val s, Val re, const RegexMatch *m, const char **p, const char *end) {
  const char *name = ++*p;
  while (*p < end && is_name_char(**p)) ++*p;
  if (*p == name) return bad_reference("named capturing group has 0 length name");
  if (*p == end || **p != '}') return bad_reference("named capturing group is missing trailing '}'");
  if (*name >= '0' && *name <= '9') return bad_reference("capturing group name starts with digit character");
  Val text = str_new(name, (size_t)(*p - name));
  int index;
  if (is_sig(regex_group_index(re, str_s(text), &index))) return ex_throw(EXC_ILLEGAL_ARG, "No group with name {%s}", str_s(text));
  ++*p;
  put_group(b, s, m, (uint32_t)index);
  return NIL;
}

static Val put_reference(Buf *b, Val s, Val re, const RegexMatch *m, const char **p, const char *end) {
  if (*p == end) return bad_reference("Illegal group reference: group index is missing");
  if (**p == '{') return put_named(b, s, re, m, p, end);
  return **p >= '0' && **p <= '9' ? put_numbered(b, s, m, p, end) : bad_reference("Illegal group reference");
}

/* The replacement text of one match: $n, ${name}, \x. */
static Val put_template(Buf *b, Val s, Val re, const RegexMatch *m, Val with) {
  const char *p = str_s(with), *end = p + str_n(with);
  while (p < end) {
    char c = *p++;
    if (c == '$') {
      CHECK(put_reference(b, s, re, m, &p, end));
    } else {
      if (c == '\\') {
        if (p == end) return bad_reference("character to be escaped is missing");
        c = *p++;
      }
      buf_ch(b, c);
    }
  }
  return NIL;
}

static Val replace_into(Buf *b, Val s, Val re, Val with, bool all) {
  RegexMatch m;
  size_t done = 0;
  for (size_t from = 0;; from = next_search(s, &m)) {
    CHECK(search(s, re, from, &m));
    if (!m.found) break;
    buf_add(b, str_s(s) + done, m.groups[0] - done);
    CHECK(put_template(b, s, re, &m, with));
    done = m.groups[1];
    if (!all) break;
  }
  buf_add(b, str_s(s) + done, str_n(s) - done);
  return NIL;
}

Val text_replace_regex(Val s, Val re, Val with, bool all) {
  Buf b = {0};
  Val r = replace_into(&b, s, re, with, all);
  if (!is_sig(r)) return buf_str(&b);
  buf_free(&b);
  return r;
}

DOC(quote_replacement, "[replacement]", "The replacement with $ and \\ escaped, so that it stands for itself.",
    "(clojure.string/re-quote-replacement \"$1\") ;=> \"\\\\$1\"");
static Val patterns_quote_replacement(Val x) {
  TRY(s, arg_to_string(x, "replacement"));
  Buf b = {0};
  for (size_t i = 0; i < str_n(s); i++) {
    if (str_s(s)[i] == '$' || str_s(s)[i] == '\\') buf_ch(&b, '\\');
    buf_ch(&b, str_s(s)[i]);
  }
  return buf_str(&b);
}

/* ---- clojure.string/replace and replace-first: native frames, as the replacement may be a function ---- */

/* replace casts to CharSequence where replace-first, by reflection, takes what there is. */
static Val replace_text(Val s, Val match, Val with, bool all) {
  if (is_char(match)) {
    if (!is_char(with))
      return is_nil(with) ? arg_null("java.lang.Character.charValue()", "replacement") : ex_cast(with, "java.lang.Character");
    TRY(part, arg_str_of(match));
    TRY(w, arg_str_of(with));
    return text_replace(s, part, w, all);
  }
  if (is_nil(with)) return arg_null("java.lang.CharSequence.toString()", "replacement");
  if (all) CHECK(arg_text(with, "replacement"));
  TRY(w, arg_str_of(with));
  return text_replace(s, match, w, all);
}

static Val bad_match(Val match) {
  TRY(s, arg_str_of(match));
  return ex_throw(EXC_ILLEGAL_ARG, "Invalid match arg: %s", str_s(s));
}

/* slots: s, match, replacement | parts array, its count, byte behind the last match, where to search, groups end */
enum { R_S, R_MATCH, R_WITH, R_PARTS, R_N, R_DONE, R_FROM };

static void push_text(Val *s, size_t from, size_t to) {
  if (to > from) walk_push(&s[R_PARTS], &s[R_N], str_new(str_s(s[R_S]) + from, to - from));
}

static Val replace_finish(Val *s) {
  Buf b = {0};
  push_text(s, (size_t)fix_of(s[R_DONE]), str_n(s[R_S]));
  const Arr *parts = AS(Arr, s[R_PARTS]);
  for (int64_t i = 0; i < fix_of(s[R_N]); i++) buf_add(&b, str_s(parts->a[i]), str_n(parts->a[i]));
  return buf_str(&b);
}

/* Up to the next match, which the function is asked about; or the result. */
static Val replace_go(Mach *m, Val *s) {
  RegexMatch match;
  CHECK(search(s[R_S], s[R_MATCH], (size_t)fix_of(s[R_FROM]), &match));
  if (!match.found) return replace_finish(s);
  if (is_nil(s[R_WITH])) return arg_null("clojure.lang.IFn.invoke(Object)", "f");
  push_text(s, (size_t)fix_of(s[R_DONE]), match.groups[0]);
  s[R_DONE] = fix((int64_t)match.groups[1]);
  s[R_FROM] = fix((int64_t)next_search(s[R_S], &match));
  return nf_call1(m, 1, s[R_WITH], match_value(s[R_S], &match));
}

static Val replace_start(Mach *m, Val *s, bool all) {
  TRY(text, arg_to_string(s[R_S], "s"));
  s[R_S] = text;
  if (is_char(s[R_MATCH]) || is_str(s[R_MATCH])) return replace_text(text, s[R_MATCH], s[R_WITH], all);
  if (!is_type(s[R_MATCH], T_REGEX)) return bad_match(s[R_MATCH]);
  if (is_str(s[R_WITH])) return text_replace_regex(text, s[R_MATCH], s[R_WITH], all);
  s[R_PARTS] = arr_new(NULL, 8);
  s[R_N] = s[R_DONE] = s[R_FROM] = fix(0);
  return replace_go(m, s);
}

static Val replace_step(Mach *m, uint32_t pc, Val *s, Val in, bool all) {
  if (pc == 0) return replace_start(m, s, all);
  CHECK(arg_str(in, "String.indexOf(int)", "s"));
  walk_push(&s[R_PARTS], &s[R_N], in);
  return all ? replace_go(m, s) : replace_finish(s);
}
static Val replace_all_step(Mach *m, uint32_t pc, Val *s, Val in) { return replace_step(m, pc, s, in, true); }
static Val replace_first_step(Mach *m, uint32_t pc, Val *s, Val in) { return replace_step(m, pc, s, in, false); }

static const NativeDef native_replace = {
    .name = "string/replace", .version = 1, .min = 3, .fixed = 3, .nstate = 4, .step = replace_all_step};
static const NativeDef native_replace_first = {
    .name = "string/replace-first", .version = 1, .min = 3, .fixed = 3, .nstate = 4, .step = replace_first_step};

DOC(replace, "[s match replacement]",
    "Replaces all of match in s: string by string, character by character, or regex by a string ($1 is a group) or a function of the "
    "match.",
    "(clojure.string/replace \"hello\" \"l\" \"L\") ;=> \"heLLo\"\n(clojure.string/replace \"a1b2\" #\"(\\d)\" \"<$1>\") ;=> "
    "\"a<1>b<2>\"\n(clojure.string/replace \"ab\" #\".\" clojure.string/upper-case) ;=> \"AB\"");
DOC(replace_first, "[s match replacement]", "Replaces the first of match in s, see replace.",
    "(clojure.string/replace-first \"abab\" \"b\" \"X\") ;=> \"aXab\"");

const BuiltinRow rows_patterns[] = {
    ROW1("re-pattern", patterns_re_pattern, re_pattern, B_PURE),
    ROW1("java.util.regex.Pattern/quote", patterns_quote, re_quote, B_PURE),
    ROW1("Pattern/quote", patterns_quote, re_quote, B_PURE),
    ROW1("java.util.regex.Pattern/compile", patterns_re_pattern, re_pattern, B_PURE),
    ROW1("Pattern/compile", patterns_re_pattern, re_pattern, B_PURE),
    ROW2("re-matcher", patterns_re_matcher, re_matcher, B_IMPURE),
    ROW1("re-find", patterns_find_next, re_find, B_IMPURE),
    ROW2("re-find", patterns_re_find, re_find, B_PURE),
    ROW2("re-matches", patterns_re_matches, re_matches, B_PURE),
    ROW1("re-groups", patterns_re_groups, re_groups, B_IMPURE),
    ROW2("re-seq", patterns_re_seq, re_seq, B_PURE),
    ROW2("clojure.string/split", patterns_split, split, B_PURE),
    ROW3("clojure.string/split", patterns_split3, split, B_PURE),
    ROW1("clojure.string/split-lines", patterns_split_lines, split_lines, B_PURE),
    ROW1("clojure.string/re-quote-replacement", patterns_quote_replacement, quote_replacement, B_PURE),
    ROW_NATIVE("clojure.string/replace", native_replace, replace, B_PURE),
    ROW_NATIVE("clojure.string/replace-first", native_replace_first, replace_first, B_PURE),
    ROW_END,
};
