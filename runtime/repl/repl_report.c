/* repl_report.c - exceptions of a session as its `error` callback gets them, and (help). */
#include "runtime/cli/cli.h"
#include "reader/ex.h"
#include "repl_ext.h"
#include "repl_int.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- traces -------------------------------------------------------------------------------------------------------------------------- */
/* "  at user/f (flow.edn:3:7)" or "  at clojure.core/map", cut in place. */
static ReplFrame frame_of(char *line) {
  ReplFrame f = {.fn = line};
  char *open = strrchr(line, '(');
  if (!open || open == line || open[-1] != ' ') return f;
  open[-1] = 0;
  f.file = open + 1;
  char *col = strrchr(open, ':');
  if (!col) return f;
  *col = 0;
  f.col = atoi(col + 1);
  char *row = strrchr(open, ':');
  if (!row) return f;
  *row = 0;
  f.line = atoi(row + 1);
  return f;
}

static size_t frames_of(char *text, ReplFrame *out, size_t max) {
  size_t n = 0;
  for (char *line = text, *end; *line && n < max; line = end) {
    end = line + strcspn(line, "\n");
    if (*end) *end++ = 0;
    if (!strncmp(line, "  at ", 5)) out[n++] = frame_of(line + 5);
  }
  return n;
}

/* --- text ---------------------------------------------------------------------------------------------------------------------------- */
/* Printed on the session's machine: data may be lazy, and endless. */
static Val printed(ReplSession *s, Val v, Buf *b) {
  TRY(text, repl_call(s, builtin_find("clojure.core/pr-str")->self, &v, 1));
  buf_add(b, str_s(text), str_n(text));
  return NIL;
}

static void put_data(ReplSession *s, const Ex *ex, Buf *b) {
  if (is_nil(ex->data)) return;
  size_t had = b->n;
  if (!is_sig(printed(s, ex->data, b))) return;
  b->n = had;
  buf_c(b, "(its data cannot be printed)");
}

static void put_one(ReplSession *s, const char *prefix, const Ex *ex, Buf *b) {
  buf_fmt(b, "%s%s: %s", prefix, exc_class_name(ex->cls), is_str(ex->msg) ? str_s(ex->msg) : "");
  if (!is_nil(ex->data)) {
    buf_ch(b, ' ');
    put_data(s, ex, b);
  }
  buf_ch(b, '\n');
  if (is_str(ex->trace)) buf_c(b, str_s(ex->trace));
}

static void put_all(ReplSession *s, Val x, Buf *b) {
  for (int depth = 0; is_type(x, T_EX) && depth < 16; depth++, x = AS(Ex, x)->cause)
    put_one(s, depth ? "caused by " : "", AS(Ex, x), b);
}

void repl_report(ReplSession *s, Val x, const char *file) {
  const Ex *ex = AS(Ex, x);
  ReplFrame frames[32];
  Buf data = {0}, trace = {0}, text = {0};
  if (is_str(ex->trace)) buf_c(&trace, str_s(ex->trace));
  ReplError e = {.phase = s->phase, .interrupted = s->stopped, .ex = x, .file = file, .line = s->line, .col = s->col, .frames = frames};
  put_data(s, ex, &data);
  if (s->stopped) buf_c(&text, "Interrupted\n");
  else put_all(s, x, &text);
  e.cls = exc_class_name(ex->cls);
  e.kind = kind_name(ex->kind);
  e.message = is_str(ex->msg) ? str_s(ex->msg) : "";
  e.data = data.n ? buf_cstr(&data) : NULL;
  e.nframes = frames_of(buf_cstr(&trace), frames, sizeof frames / sizeof *frames);
  e.text = buf_cstr(&text);
  s->cb->error(s->cb->ctx, &e);
  buf_free(&data);
  buf_free(&trace);
  buf_free(&text);
}

/* --- (help) -------------------------------------------------------------------------------------------------------------------------- */
static const char help_text[] =
    "(doc map)            what a name means; (source comp) its text, (dir str) the names of a namespace\n"
    "(apropos \"str\")      names that contain a text; (find-doc \"lazy\") searches the documentation\n"
    "*1 *2 *3 *e          the last values and the last exception; (pst) prints its trace\n"
    "(pprint x)           prints over several lines; (set! *print-length* 20) shortens what is printed\n"
    "(load-file \"x.clj\")  evaluates a file; (in-ns 'x) goes to another namespace, user has the aliases str, set, walk, edn\n"
    "TAB completes names, keywords and, inside of a string, file names; up and down go through the history\n"
    "Ctrl-C stops an evaluation or drops the line that is typed; Ctrl-D ends\n";

DOC(help, "[]", "Prints what can be done in the REPL.", "(fn? breyta.help/help) ;=> true");
static Val repl_help(void) {
  Buf b = {0};
  buf_c(&b, help_text);
  for (size_t i = 0; repl_extensions[i]; i++)
    if (repl_extensions[i]->help) buf_c(&b, repl_extensions[i]->help);
  repl_print(b.p, b.n);
  buf_free(&b);
  return NIL;
}

DOC(load_file, "[name]", "Reads and evaluates the forms of a Clojure file; the value of the last one.", "(fn? breyta.help/load-file) ;=> true");
static Val repl_load_file(Val name) {
  if (!is_str(name)) return ex_cast(name, "java.lang.String");
  Buf text = {0};
  if (!cli_read_file(str_s(name), &text)) return ex_throw(EXC_FILE_NOT_FOUND, "%s (%s)", str_s(name), strerror(errno));
  Val v = repl_load(repl_current(), buf_cstr(&text), text.n, str_s(name));
  buf_free(&text);
  return v;
}

static const BuiltinRow rows_help[] = {ROW0("breyta.help/help", repl_help, help, B_IMPURE),
                                       ROW1("breyta.help/load-file", repl_load_file, load_file, B_IMPURE), ROW_END};
const ReplExtension repl_ext_help = {
    .ns = "breyta.help", .rows = rows_help, .refer = (const char *const[]){"help", "load-file", NULL}};

#define REPL_EXT_ROW(id) &repl_ext_##id,
const ReplExtension *const repl_extensions[] = {REPL_EXTENSIONS(REPL_EXT_ROW) NULL};
