/* output.c - printing: to strings, and to *out*.
 *
 * *out* is nil for the machine's own output, or a writer of streams.c. Everything is formatted before anything is written, so a demand cannot write a thing twice. */
#include "stdlib.h"
#include "args.h"
#include "format.h"
#include "streams.h"
#include "reader/mem.h"
#include "reader/pprint.h"

/* The dynamic vars that printing asks for, at every print: each is looked up once in the process, being of the library
 * (and not a program's, behind an alias of that name). */
enum Dynamic { OUT, PRINT_LENGTH, PRINT_LEVEL, PRINT_META, PRINT_NAMESPACE_MAPS, PRINT_READABLY, PRINT_RIGHT_MARGIN, DYNAMICS };
static Val dynamic_vars[DYNAMICS];

static Val dynamic_var(enum Dynamic which) {
  static const char *const names[DYNAMICS] = {"*out*", "*print-length*", "*print-level*", "*print-meta*", "*print-namespace-maps*",
                                              "*print-readably*", "*print-right-margin*"};
  Val var = {__atomic_load_n(&dynamic_vars[which].w, __ATOMIC_ACQUIRE)};
  if (!is_nil(var)) return var;
  var = env_resolve(mach_cur->env, sym_new(which == PRINT_RIGHT_MARGIN ? "clojure.pprint" : "clojure.core", names[which]));
  if (is_type(var, T_VAR) && !(obj(var)->flags & VAR_RUN)) __atomic_store_n(&dynamic_vars[which].w, var.w, __ATOMIC_RELEASE);
  return var;
}

/* The value of one where any var is bound; ABSENT when nothing is bound at all. */
static Val dynamic(enum Dynamic which) {
  if (!mach_cur || is_nil(mach_cur->bindings)) return ABSENT;
  Val var = dynamic_var(which);
  return is_type(var, T_VAR) ? var_get(var) : ABSENT;
}

/* A limit of printing, -1 for none; what is no number is none, and a negative one means what `negative` says. */
static int64_t limit_of(enum Dynamic which, int64_t negative) {
  Val v = dynamic(which);
  int64_t n;
  return is_num(v) && num_to_long(v, &n) ? (n < 0 ? negative : n) : -1;
}

static PrintOpts options(bool readably) {
  PrintOpts o = readably ? print_readably : print_plain;
  if (!mach_cur || is_nil(mach_cur->bindings)) return o;
  o.length = limit_of(PRINT_LENGTH, -1);
  o.level = limit_of(PRINT_LEVEL, 0);
  o.meta = same(dynamic(PRINT_META), TRUE_V);
  Val maps = dynamic(PRINT_NAMESPACE_MAPS), ready = dynamic(PRINT_READABLY);
  if (is_bool(maps)) o.namespace_maps = truthy(maps);
  if (readably && !truthy(ready)) o.readably = false;
  return o;
}

/* ---- writing ---- */

static void write_to(Val out, const char *s, size_t n) {
  if (is_type(out, T_STREAM)) {
    stream_write(out, s, n);
  } else if (mach_cur && mach_cur->out) {
    mach_cur->out(mach_cur, s, n);
  }
}

static void write_out(const char *s, size_t n) { write_to(dynamic(OUT), s, n); }

static Val write_buf(Buf *b) {
  write_out(buf_cstr(b), b->n);
  buf_free(b);
  return NIL;
}

/* The arguments with spaces between them, and a newline behind if `line`. */
static Val put_all(Buf *b, int n, const Val *a, bool readably, bool line) {
  PrintOpts o = options(readably);
  for (int i = 0; i < n; i++) {
    if (i) buf_ch(b, ' ');
    Val r = print_to(b, a[i], &o);
    if (!is_sig(r)) continue;
    buf_free(b);
    return r;
  }
  if (line) buf_ch(b, '\n');
  return NIL;
}

#define PRINTER(id, readably, line, doc, example)                                                                                          \
  DOC(id, "[& xs]", doc, example);                                                                                                         \
  static Val output_##id(int n, const Val *a) {                                                                                            \
    Buf b = {0};                                                                                                                           \
    CHECK(put_all(&b, n, a, readably, line));                                                                                              \
    return write_buf(&b);                                                                                                                  \
  }
#define STRINGER(id, readably, line, doc, example)                                                                                         \
  DOC(id, "[& xs]", doc, example);                                                                                                         \
  static Val output_##id(int n, const Val *a) {                                                                                            \
    Buf b = {0};                                                                                                                           \
    CHECK(put_all(&b, n, a, readably, line));                                                                                              \
    return buf_str(&b);                                                                                                                    \
  }
PRINTER(pr, true, false, "Prints the values to *out* so that they can be read again, with spaces between them.",
        "(with-out-str (pr \"a\" 1)) ;=> \"\\\"a\\\" 1\"")
PRINTER(prn, true, true, "Like pr, with a newline.", "(with-out-str (prn :a)) ;=> \":a\\n\"")
PRINTER(print, false, false, "Prints the values to *out* for people, with spaces between them.",
        "(with-out-str (print \"a\" 1)) ;=> \"a 1\"")
PRINTER(println, false, true, "Like print, with a newline.", "(with-out-str (println \"a\")) ;=> \"a\\n\"")
STRINGER(pr_str, true, false, "What pr would print, as a string.", "(pr-str \"a\" :b) ;=> \"\\\"a\\\" :b\"")
STRINGER(prn_str, true, true, "What prn would print, as a string.", "(prn-str \"a\") ;=> \"\\\"a\\\"\\n\"")
STRINGER(print_str, false, false, "What print would print, as a string.", "(print-str \"a\" :b nil) ;=> \"a :b nil\"")
STRINGER(println_str, false, true, "What println would print, as a string.", "(println-str \"a\") ;=> \"a\\n\"")

static Val output_pr_str1(Val x) { return output_pr_str(1, &x); }

DOC(newline, "[]", "Writes a newline to *out*.", "(with-out-str (newline)) ;=> \"\\n\"");
static Val output_newline(void) {
  write_out("\n", 1);
  return NIL;
}

DOC(flush, "[]", "Does nothing: output is never held back.", "(flush) ;=> nil");
static Val output_flush(void) { return NIL; }

DOC(printf, "[fmt & args]", "Prints formatted output, as per format.", "(with-out-str (printf \"%03d\" 7)) ;=> \"007\"");
static Val output_printf(int n, const Val *a) {
  CHECK(arg_str(a[0], "String.length()", "s"));
  Buf b = {0};
  Val r = format_to(&b, a[0], n - 1, a + 1);
  if (!is_sig(r)) return write_buf(&b);
  buf_free(&b);
  return r;
}

/* ---- clojure.pprint ---- */

/* Columns of *print-right-margin*: 72 when it has no value of its own, 0 when it is nil. */
static uint32_t margin_of(Val v) {
  int64_t n;
  if (same(v, ABSENT)) return 72;
  return is_num(v) && num_to_long(v, &n) && n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static Val pprint_out(Val x, Val out) {
  Buf b = {0};
  PrintOpts o = options(true);
  Val r = pprint_to(&b, x, &o, margin_of(dynamic(PRINT_RIGHT_MARGIN)));
  if (!is_sig(r)) {
    buf_ch(&b, '\n');
    write_to(out, b.p, b.n);
  }
  buf_free(&b);
  return r;
}

DOC(pprint, "[x] [x writer]",
    "Prints x to *out* or the writer over as many lines as it takes to stay left of *print-right-margin* (72), then a newline.",
    "(with-out-str (clojure.pprint/pprint {:a [1 2]})) ;=> \"{:a [1 2]}\\n\"");
static Val output_pprint(Val x) { return pprint_out(x, dynamic(OUT)); }

DOC(pprint_str, "[x margin]", "What pprint prints with that right margin (nil: none), without the newline at the end.",
    "(clojure.pprint/pprint-str* [:aaa :bbb] 8) ;=> \"[:aaa\\n :bbb]\"");
static Val output_pprint_str(Val x, Val margin) {
  Buf b = {0};
  PrintOpts o = options(true);
  Val r = pprint_to(&b, x, &o, margin_of(margin));
  if (!is_sig(r)) return buf_str(&b);
  buf_free(&b);
  return r;
}

const BuiltinRow rows_output[] = {
    ROWV("pr", 0, output_pr, pr, B_IMPURE),
    ROWV("prn", 0, output_prn, prn, B_IMPURE),
    ROWV("print", 0, output_print, print, B_IMPURE),
    ROWV("println", 0, output_println, println, B_IMPURE),
    ROW1("pr-str", output_pr_str1, pr_str, B_IMPURE),
    ROWV("pr-str", 0, output_pr_str, pr_str, B_IMPURE),
    ROWV("prn-str", 0, output_prn_str, prn_str, B_IMPURE),
    ROWV("print-str", 0, output_print_str, print_str, B_IMPURE),
    ROWV("println-str", 0, output_println_str, println_str, B_IMPURE),
    ROW0("newline", output_newline, newline, B_IMPURE),
    ROW0("flush", output_flush, flush, B_IMPURE),
    ROWV("printf", 1, output_printf, printf, B_IMPURE),
    ROW1("clojure.pprint/pprint", output_pprint, pprint, B_IMPURE),
    ROW2("clojure.pprint/pprint", pprint_out, pprint, B_IMPURE),
    ROW2("clojure.pprint/pprint-str*", output_pprint_str, pprint_str, B_IMPURE),
    ROW_END,
};
