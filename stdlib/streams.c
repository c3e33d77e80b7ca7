/* streams.c - text written or read piece by piece: StringBuilder, StringWriter, StringReader and its wrappers, and what *out*,
 * *err* and *in* are at first. Forms are read from them by reading.c. */
#include "stdlib.h"
#include "streams.h"
#include "eval/mach.h"
#include "textops.h"
#include "reader/mem.h"
#include "reader/num.h"
#include <stdio.h>

static bool is_kind(Val v, enum StreamKind k) { return is_type(v, T_STREAM) && obj(v)->aux == k; }
static bool collects(Val v) { return is_kind(v, STREAM_WRITER) || is_kind(v, STREAM_BUILDER); }
static bool writes(Val v) { return collects(v) || is_kind(v, STREAM_ERR); }
static bool reads(Val v) { return is_kind(v, STREAM_READER) || is_kind(v, STREAM_STDIN); }

Val stream_new(enum StreamKind k, Val text) {
  Stream *s = mem_obj(T_STREAM);
  s->h.aux = k;
  s->serial = arg_serial();
  s->text = text;
  return from_obj(s);
}

/* ---- writing ---- */

void stream_write(Val v, const char *text, size_t n) {
  Stream *s = AS(Stream, v);
  if (n && collects(v)) s->text = list_conj(s->text, str_new(text, n));
  else if (n && mach_cur && mach_cur->io.err) mach_cur->io.err(mach_cur, text, n);
}

/* The pieces become one, so that asking often costs nothing. */
Val stream_text(Val v) {
  Stream *s = AS(Stream, v);
  ValVec parts = {0};
  Buf b = {0};
  CHECK(coll_into_array(s->text, &parts));
  if (parts.n == 1) return parts.a[0];
  for (size_t i = parts.n; i-- > 0;) buf_add(&b, str_s(parts.a[i]), str_n(parts.a[i]));
  Val all = buf_str(&b);
  s->text = parts.n ? list_conj(empty_list, all) : empty_list;
  return all;
}

static Val set_text(Val v, Val text) {
  AS(Stream, v)->text = str_n(text) ? list_conj(empty_list, text) : empty_list;
  return v;
}

static Val no_writer(Val v, const char *method, int n) {
  return is_nil(v) ? ex_throw(EXC_NULL, "Cannot invoke \"%s\" because target is null", method) : arg_no_method(method, n, v);
}

static Val null_text(Val x) {
  if (is_type(x, T_JARRAY) && AS(JArray, x)->h.aux == ARRAY_CHAR) return text_join(str_c(""), x);
  return is_nil(x) ? str_c("null") : arg_str_of(x);
}

DOC(append, "[target x] [target x start end]", "Writes the text of x, or a part of it, behind what a StringBuilder or writer holds; the target.",
    "(str (.append (StringBuilder. \"a\") 1)) ;=> \"a1\"\n(str (.append (StringBuilder.) \"abc\" 1 2)) ;=> \"b\"");
static Val streams_append(Val v, Val x) {
  if (!writes(v)) return no_writer(v, "append", 1);
  TRY(text, null_text(x));
  stream_write(v, str_s(text), str_n(text));
  return v;
}
static Val streams_append4(Val v, Val x, Val from, Val to) {
  ARG_INT(i, from);
  ARG_INT(k, to);
  TRY(text, null_text(x));
  TRY(part, text_sub(text, i, k));
  return streams_append(v, part);
}

DOC(write, "[writer x]", "Writes a string, or the character of a number.", "(let [w (java.io.StringWriter.)] (.write w \"a\") (.write w 98) (str w)) ;=> \"ab\"");
static Val streams_write(Val v, Val x) {
  if (!writes(v)) return no_writer(v, "write", 1);
  if (is_fix(x)) x = char_val((uint32_t)fix_of(x) & 0xffff);
  CHECK(streams_append(v, x));
  return NIL;
}

DOC(print_method, "[writer x]", "Prints x to a writer, for people.", "(let [w (java.io.StringWriter.)] (.print w 5) (str w)) ;=> \"5\"");
static Val streams_print(Val v, Val x) {
  CHECK(streams_append(v, x));
  return NIL;
}
DOC(println_method, "[writer] [writer x]", "Prints x and a newline to a writer, for people.",
    "(let [w (java.io.StringWriter.)] (.println w 5) (str w)) ;=> \"5\\n\"");
static Val streams_println(Val v, Val x) {
  CHECK(streams_append(v, x));
  stream_write(v, "\n", 1);
  return NIL;
}
static Val streams_println0(Val v) { return streams_println(v, str_c("")); }

DOC(close, "[x]", "Does nothing: there is nothing to close.", "(.close (java.io.StringReader. \"a\")) ;=> nil\n(with-open [r (java.io.StringReader. \"a\")] (slurp r)) ;=> \"a\"");
static Val streams_close(Val v) { return is_type(v, T_STREAM) ? NIL : no_writer(v, "close", 0); }

/* ---- StringBuilder ---- */

DOC(new_builder, "[] [text] [capacity]", "A StringBuilder: text to which pieces are appended in place.", "(str (StringBuilder. \"a\")) ;=> \"a\"");
static Val streams_builder0(void) { return stream_new(STREAM_BUILDER, empty_list); }
static Val streams_builder(Val x) {
  Val b = streams_builder0();
  if (is_num(x)) return b;
  if (is_nil(x)) return arg_null("String.length()", "str");
  TRY(text, arg_str_of(x));
  return set_text(b, text);
}

DOC(new_writer, "[] [size]", "A StringWriter: what is written to it is its text.",
    "(let [w (java.io.StringWriter.)] (binding [*out* w] (print 1)) (str w)) ;=> \"1\"");
static Val streams_writer0(void) { return stream_new(STREAM_WRITER, empty_list); }
static Val streams_writer(Val size) {
  CHECK(arg_num(size));
  return streams_writer0();
}

static Val builder_text(Val v, const char *method, int n) { return is_kind(v, STREAM_BUILDER) ? stream_text(v) : no_writer(v, method, n); }

static Val splice(Val v, Val text, int64_t from, int64_t to, Val with) {
  int64_t len = AS(Str, text)->nchars;
  if (to > len) to = len;
  if (from < 0 || from > to) return ex_throw(EXC_STRING_INDEX, "start %lld, end %lld, length %lld", (long long)from, (long long)to, (long long)len);
  TRY(head, text_sub(text, 0, from));
  TRY(tail, text_sub(text, to, len));
  return set_text(v, str_fmt("%s%s%s", str_s(head), is_str(with) ? str_s(with) : "", str_s(tail)));
}

DOC(insert, "[builder index x]", "Puts the text of x into a StringBuilder before an index; the builder.", "(str (.insert (StringBuilder. \"ac\") 1 \"b\")) ;=> \"abc\"");
static Val streams_insert(Val v, Val index, Val x) {
  TRY(text, builder_text(v, "insert", 2));
  ARG_INT(i, index);
  TRY(part, null_text(x));
  if (i < 0 || i > (int64_t)AS(Str, text)->nchars) return ex_throw(EXC_STRING_INDEX, "offset %lld, length %u", (long long)i, AS(Str, text)->nchars);
  return splice(v, text, i, i, part);
}

DOC(delete, "[builder start end]", "Takes a part out of a StringBuilder; the builder.", "(str (.delete (StringBuilder. \"abc\") 0 2)) ;=> \"c\"");
static Val streams_delete(Val v, Val from, Val to) {
  TRY(text, builder_text(v, "delete", 2));
  ARG_INT(i, from);
  ARG_INT(k, to);
  return splice(v, text, i, k, NIL);
}

static Val check_index(Val text, int64_t i) {
  if (i >= 0 && i < (int64_t)AS(Str, text)->nchars) return NIL;
  return ex_throw(EXC_STRING_INDEX, "index %lld, length %u", (long long)i, AS(Str, text)->nchars);
}

DOC(delete_char, "[builder index]", "Takes a character out of a StringBuilder; the builder.", "(str (.deleteCharAt (StringBuilder. \"abc\") 1)) ;=> \"ac\"");
static Val streams_delete_char(Val v, Val index) {
  TRY(text, builder_text(v, "deleteCharAt", 1));
  ARG_INT(i, index);
  CHECK(check_index(text, i));
  return splice(v, text, i, i + 1, NIL);
}

DOC(set_char, "[builder index char]", "Replaces a character of a StringBuilder.", "(let [b (StringBuilder. \"abc\")] (.setCharAt b 1 \\x) (str b)) ;=> \"axc\"");
static Val streams_set_char(Val v, Val index, Val c) {
  TRY(text, builder_text(v, "setCharAt", 2));
  ARG_INT(i, index);
  CHECK(check_index(text, i));
  if (!is_char(c)) return ex_cast(c, "java.lang.Character");
  TRY(with, arg_str_of(c));
  CHECK(splice(v, text, i, i + 1, with));
  return NIL;
}

DOC(set_length, "[builder n]", "Cuts a StringBuilder to n characters, or pads it with NUL.", "(let [b (StringBuilder. \"abc\")] (.setLength b 1) (str b)) ;=> \"a\"");
static Val streams_set_length(Val v, Val n) {
  TRY(text, builder_text(v, "setLength", 1));
  ARG_INT(len, n);
  if (len < 0) return ex_throw(EXC_INDEX, "Index out of range: %lld", (long long)len);
  if (len > (1 << 28)) return ex_throw(EXC_OUT_OF_MEMORY, "Java heap space");
  if (len <= (int64_t)AS(Str, text)->nchars) {
    CHECK(splice(v, text, len, AS(Str, text)->nchars, NIL));
    return NIL;
  }
  Buf b = {0};
  buf_add(&b, str_s(text), str_n(text));
  for (int64_t i = AS(Str, text)->nchars; i < len; i++) buf_ch(&b, 0);
  set_text(v, buf_str(&b));
  return NIL;
}

DOC(reverse, "[builder]", "Reverses a StringBuilder; the builder.", "(str (.reverse (StringBuilder. \"abc\"))) ;=> \"cba\"");
static Val streams_reverse(Val v) {
  TRY(text, builder_text(v, "reverse", 0));
  Buf b = {0};
  for (uint32_t i = AS(Str, text)->nchars; i-- > 0;) {
    const char *p = str_s(text) + str_byte_of(text, i);
    buf_cp(&b, utf8_next(&p));
  }
  return set_text(v, buf_str(&b));
}

/* ---- reading text ---- */

DOC(new_reader, "[text-or-reader]", "A reader of a text, for read, read-line, line-seq and slurp; of a reader: the same.",
    "(slurp (java.io.StringReader. \"abc\")) ;=> \"abc\"");
static Val streams_reader(Val x) {
  if (reads(x)) return x;
  if (!is_str(x)) return is_nil(x) ? arg_null("String.length()", "s") : ex_throw(EXC_ILLEGAL_ARG, "No matching ctor found for class java.io.StringReader");
  return stream_new(STREAM_READER, x);
}

/* Standard input comes line by line; what is left of one stays in the reader. More is fetched when nothing is left, or asked for. */
static Val fill(Val v, bool more) {
  Stream *s = AS(Stream, v);
  if (!is_kind(v, STREAM_STDIN)) return NIL;
  if (!mach_cur || mach_cur->env->sandbox)
    return ex_throw(EXC_UNSUPPORTED, "Standard input is not available in flows; use the flow's input or a :wait");
  if (!is_str(s->text)) s->text = str_c(""), s->pos = 0;
  if (!more && s->pos < str_n(s->text)) return NIL;
  TRY(line, mach_cur->io.line ? mach_cur->io.line(mach_cur) : NIL);
  if (is_nil(line)) return FALSE_V;
  s->text = str_fmt("%s%s\n", str_s(s->text) + s->pos, str_s(line));
  s->pos = 0;
  return TRUE_V;
}

/* Another line behind what a reader of standard input holds; false: there is none. */
Val stream_more(Val v) {
  TRY(got, fill(v, true));
  return bool_val(same(got, TRUE_V));
}

Val stream_reader(Val v, const char *cls) {
  if (reads(v)) {
    CHECK(fill(v, false));
    return NIL;
  }
  return is_nil(v) ? ex_throw(EXC_NULL, "Cannot read from a reader that is null") : ex_cast(v, cls);
}

static Val line_from(Val v) {
  CHECK(stream_reader(v, "java.io.BufferedReader"));
  Stream *s = AS(Stream, v);
  const char *p = str_s(s->text) + s->pos, *end = str_s(s->text) + str_n(s->text);
  if (p == end) return NIL;
  const char *eol = memchr(p, '\n', (size_t)(end - p)), *stop = eol ? eol : end;
  s->pos = (uint32_t)((eol ? eol + 1 : end) - str_s(s->text));
  if (stop > p && stop[-1] == '\r') stop--;
  return str_new(p, (size_t)(stop - p));
}

Val stream_in(void) { return var_get(env_resolve(mach_cur->env, sym_new("clojure.core", "*in*"))); }

DOC(read_line, "[]", "The next line of *in*, nil at its end.", "(with-in-str \"a\\nb\" [(read-line) (read-line) (read-line)]) ;=> [\"a\" \"b\" nil]");
static Val streams_read_line(void) {
  TRY(in, stream_in());
  return line_from(in);
}

DOC(read_line_method, "[reader]", "The next line of a reader, nil at its end.", "(.readLine (java.io.BufferedReader. (java.io.StringReader. \"a\\nb\"))) ;=> \"a\"");
static Val streams_read_line_method(Val v) { return line_from(v); }

DOC(read_char, "[reader]", "The code of the next character of a reader, -1 at its end.", "(.read (java.io.StringReader. \"a\")) ;=> 97");
static Val streams_read_char(Val v) {
  CHECK(stream_reader(v, "java.io.Reader"));
  Stream *s = AS(Stream, v);
  const char *p = str_s(s->text) + s->pos;
  if (s->pos == str_n(s->text)) return fix(-1);
  uint32_t c = utf8_next(&p);
  s->pos = (uint32_t)(p - str_s(s->text));
  return fix(c);
}

DOC(unread, "[reader code]", "Puts a character back in front of what a reader has left.",
    "(let [r (java.io.PushbackReader. (java.io.StringReader. \"ab\"))] (.unread r (.read r)) (slurp r)) ;=> \"ab\"");
static Val streams_unread(Val v, Val code) {
  CHECK(stream_reader(v, "java.io.PushbackReader"));
  ARG_INT(c, code);
  Stream *s = AS(Stream, v);
  Buf b = {0};
  buf_cp(&b, (uint32_t)c);
  buf_add(&b, str_s(s->text) + s->pos, str_n(s->text) - s->pos);
  s->text = buf_str(&b);
  s->pos = 0;
  return NIL;
}

Val stream_rest(Val v) {
  CHECK(stream_reader(v, "java.io.Reader"));
  for (Val more = TRUE_V; truthy(more);) {
    more = stream_more(v);
    if (is_sig(more)) return more;
  }
  Stream *s = AS(Stream, v);
  Val rest = str_new(str_s(s->text) + s->pos, str_n(s->text) - s->pos);
  s->pos = (uint32_t)str_n(s->text);
  return rest;
}
bool stream_reads(Val v) { return reads(v); }

/* ---- what *out*, *err* and *in* are ---- */

DOC(standard, "[]", "The standard stream of that name.", "(nil? (breyta.io/stdin)) ;=> false");
static Val streams_stdin(void) { return stream_new(STREAM_STDIN, NIL); }
static Val streams_stderr(void) { return stream_new(STREAM_ERR, NIL); }

DOC(string_writer, "[]", "A writer for *out* that collects what is printed.", "(string-writer-str* (string-writer*)) ;=> \"\"");
DOC(string_writer_str, "[writer]", "What was printed to a writer.", "(string-writer-str* (string-writer*)) ;=> \"\"");
static Val streams_writer_str(Val w) { return collects(w) ? stream_text(w) : ex_cast(w, "java.io.StringWriter"); }

#define READER_ROW(cls) ROW1(cls, streams_reader, new_reader, B_IMPURE)
const BuiltinRow rows_streams[] = {
    ROW0("string-writer*", streams_writer0, string_writer, B_IMPURE),
    ROW1("string-writer-str*", streams_writer_str, string_writer_str, B_IMPURE),
    ROW0("breyta.io/stdin", streams_stdin, standard, B_IMPURE),
    ROW0("breyta.io/stderr", streams_stderr, standard, B_IMPURE),
    ROW0("StringBuilder.", streams_builder0, new_builder, B_IMPURE),
    ROW1("StringBuilder.", streams_builder, new_builder, B_IMPURE),
    ROW0("StringBuffer.", streams_builder0, new_builder, B_IMPURE),
    ROW1("StringBuffer.", streams_builder, new_builder, B_IMPURE),
    ROW0("StringWriter.", streams_writer0, new_writer, B_IMPURE),
    ROW1("StringWriter.", streams_writer, new_writer, B_IMPURE),
    READER_ROW("StringReader."), READER_ROW("BufferedReader."), READER_ROW("PushbackReader."), READER_ROW("LineNumberingPushbackReader."),
    ROW2(".append", streams_append, append, B_IMPURE),
    ROW4(".append", streams_append4, append, B_IMPURE),
    ROW2(".write", streams_write, write, B_IMPURE),
    ROW2(".print", streams_print, print_method, B_IMPURE),
    ROW1(".println", streams_println0, println_method, B_IMPURE),
    ROW2(".println", streams_println, println_method, B_IMPURE),
    ROW1(".flush", streams_close, close, B_IMPURE),
    ROW1(".close", streams_close, close, B_IMPURE),
    ROW3(".insert", streams_insert, insert, B_IMPURE),
    ROW3(".delete", streams_delete, delete, B_IMPURE),
    ROW2(".deleteCharAt", streams_delete_char, delete_char, B_IMPURE),
    ROW3(".setCharAt", streams_set_char, set_char, B_IMPURE),
    ROW2(".setLength", streams_set_length, set_length, B_IMPURE),
    ROW1(".reverse", streams_reverse, reverse, B_IMPURE),
    ROW0("read-line", streams_read_line, read_line, B_IMPURE),
    ROW1(".readLine", streams_read_line_method, read_line_method, B_IMPURE),
    ROW1(".read", streams_read_char, read_char, B_IMPURE),
    ROW2(".unread", streams_unread, unread, B_IMPURE),
    ROW_END};
