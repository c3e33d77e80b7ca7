/* nrepl_eval.c - eval and load-file: what an evaluation says, as messages. Runs on the session's worker. */
#include "nrepl_int.h"
#include "nrepl_ops.h"
#include "reader/ex.h"
#include <stdlib.h>

#define PPRINT_MARGIN 80
#define KEY_TRUNCATED "nrepl.middleware.print/truncated"

typedef struct Eval {
  NreplReq *r;
  ReplSession *rs;
  bool file;      /* load-file: only the last value, without ns */
  size_t quota;   /* bytes of a value; 0: all */
} Eval;

static bool stopped(void *ctx) { return atomic_load(&((Eval *)ctx)->r->stop); }

/* An interrupt that came before the session was evaluating has been forgotten by it, but not here. */
static void on_begin(void *ctx) {
  const Eval *e = ctx;
  if (stopped(ctx)) repl_interrupt(e->rs);
}

static void on_out(void *ctx, ReplStream to, const char *s, size_t n) {
  static const char out[] = "out", err[] = "err";
  const Eval *e = ctx;
  nrepl_io_text(e->r->c, to == REPL_OUT ? out : err, e->r->s->id, e->r->id, s, n, stopped, ctx);
}

static size_t cut(const char *s, size_t n, size_t quota) {
  if (!quota || n <= quota) return n;
  while (quota && ((unsigned char)s[quota] & 0xc0) == 0x80) quota--; /* not inside of a character */
  return quota;
}

static void on_value(void *ctx, Val v, const char *text, size_t n, const char *ns) {
  const Eval *e = ctx;
  BenWriter w = {0};
  (void)v;
  nrepl_reply(e->r, &w);
  size_t kept = cut(text, n, e->quota);
  ben_w_key(&w, "value");
  ben_w_str(&w, text, kept);
  if (!e->file) ben_w_pair(&w, "ns", ns);
  if (kept < n) {
    ben_w_key(&w, KEY_TRUNCATED "-keys");
    ben_w_list(&w);
    ben_w_c(&w, "value");
    ben_w_end(&w);
  }
  nrepl_reply_end(e->r, &w, kept < n ? KEY_TRUNCATED : NULL, NULL);
  if (!nrepl_io_behind(e->r->c)) return;
  repl_block_begin();
  nrepl_io_wait(e->r->c, stopped, ctx);
  repl_block_end();
}

static const char *root_class(const ReplError *err) {
  Val x = err->ex;
  if (!is_type(x, T_EX) || !is_type(AS(Ex, x)->cause, T_EX)) return err->cls;
  while (is_type(AS(Ex, x)->cause, T_EX)) x = AS(Ex, x)->cause;
  return exc_class_name(AS(Ex, x)->cls);
}

static void pair_class(BenWriter *w, const char *key, const char *cls) {
  Buf b = {0};
  buf_fmt(&b, "class %s", cls);
  ben_w_pair(w, key, buf_cstr(&b));
  buf_free(&b);
}

/* What is wrong with the source itself has no trace: its place comes first, in the words by which editors find it. */
static void error_text(const ReplError *err, Buf *b) {
  static const char *const at_source[REPL_PHASE_COUNT] = {
      [REPL_READ] = "reading source", [REPL_EXPAND] = "macroexpanding", [REPL_COMPILE] = "compiling"};
  const char *doing = at_source[err->phase];
  if (doing && err->line) buf_fmt(b, "Syntax error %s at (%s:%d:%d).\n", doing, err->file ? err->file : "REPL", err->line, err->col);
  buf_c(b, err->text);
}

static void on_error(void *ctx, const ReplError *err) {
  const Eval *e = ctx;
  BenWriter w = {0};
  Buf text = {0};
  if (err->interrupted) return;
  error_text(err, &text);
  nrepl_reply(e->r, &w);
  ben_w_pair(&w, "err", buf_cstr(&text));
  nrepl_reply_end(e->r, &w, NULL);
  buf_free(&text);
  nrepl_reply(e->r, &w);
  pair_class(&w, "ex", err->cls);
  pair_class(&w, "root-ex", root_class(err));
  nrepl_reply_end(e->r, &w, "eval-error", NULL);
}

/* Asks the client for input, once for each time that what has come was not enough. A client's requests without session cannot be
 * answered: their input is empty. */
static bool on_line(void *ctx, Buf *b) {
  Eval *e = ctx;
  NreplSession *s = e->r->s;
  uint64_t asked = UINT64_MAX;
  bool got = false;
  pthread_mutex_lock(&s->n->lock);
  while (!stopped(ctx) && !s->ephemeral && !(got = buf_take_line(&s->input, b, s->input_end)) && !s->input_end) {
    if (asked == s->inputs) {
      pthread_cond_wait(&s->wake, &s->n->lock);
      continue;
    }
    asked = s->inputs;
    pthread_mutex_unlock(&s->n->lock);
    nrepl_answer(e->r, "need-input");
    pthread_mutex_lock(&s->n->lock);
  }
  if (!got) s->input_end = false; /* the end was read; input may follow */
  pthread_mutex_unlock(&s->n->lock);
  return got;
}

/* Values are printed as pr does it, or by pprint when the client names a printer of that name. */
static int print_width(const BenMsg *m) {
  size_t n;
  const char *printer = ben_str(m, "nrepl.middleware.print/print", &n);
  if (!printer || n < 6 || strcmp(printer + n - 6, "pprint")) return 0;
  uint32_t options = ben_find(m, 0, "nrepl.middleware.print/options");
  uint32_t margin = options && m->nodes[options].kind == BEN_DICT ? ben_find(m, options, "right-margin") : 0;
  int64_t width = margin && m->nodes[margin].kind == BEN_INT ? m->nodes[margin].i : PPRINT_MARGIN;
  return width > 0 && width < 100000 ? (int)width : PPRINT_MARGIN;
}

static int positive(const BenMsg *m, const char *key) {
  int64_t i = ben_int(m, key, 0);
  return i > 0 && i < INT32_MAX ? (int)i : 0;
}

static void evaluate(NreplReq *r, ReplSession *rs, ReplSource *src) {
  Eval e = {.r = r, .rs = rs, .file = src->load, .quota = (size_t)positive(&r->m, "nrepl.middleware.print/quota")};
  ReplCallbacks cb = {.ctx = &e, .begin = on_begin, .out = on_out, .value = on_value, .error = on_error, .line = on_line};
  src->width = print_width(&r->m);
  ReplResult result = repl_eval(rs, src, &cb);
  if (!r->s->ephemeral) nrepl_note_ns(r->s);
  if (result == REPL_STOPPED) nrepl_answer(r, "interrupted", "done");
  else nrepl_answer(r, "done");
}

/* The evaluation session of a request: the session's, or a new one for this request alone. */
static ReplSession *session_open(NreplSession *s) {
  if (!s->ephemeral) return s->rs;
  ReplSession *rs = repl_clone(s->n->base);
  pthread_mutex_lock(&s->n->lock);
  s->rs = rs;
  pthread_mutex_unlock(&s->n->lock);
  return rs;
}

static void session_done(NreplSession *s, ReplSession *rs) {
  if (!s->ephemeral) return;
  pthread_mutex_lock(&s->n->lock);
  s->rs = NULL;
  pthread_mutex_unlock(&s->n->lock);
  repl_free(rs);
}

static void no_namespace(NreplReq *r, const char *ns) {
  BenWriter w = {0};
  nrepl_reply(r, &w);
  ben_w_pair(&w, "ns", ns);
  nrepl_reply_end(r, &w, "error", "namespace-not-found", "done", NULL);
}

void op_eval(NreplReq *r) {
  ReplSource src = {.file = ben_str(&r->m, "file", NULL), .line = positive(&r->m, "line"), .col = positive(&r->m, "column"),
                    .ns = ben_str(&r->m, "ns", NULL)};
  src.text = ben_str(&r->m, "code", &src.n);
  if (!src.text) {
    nrepl_answer(r, "error", "no-code", "done");
    return;
  }
  ReplSession *rs = session_open(r->s);
  if (src.ns && !repl_has_ns(rs, src.ns)) no_namespace(r, src.ns);
  else evaluate(r, rs, &src);
  session_done(r->s, rs);
}

void op_load_file(NreplReq *r) {
  const char *path = ben_str(&r->m, "file-path", NULL), *name = ben_str(&r->m, "file-name", NULL);
  ReplSource src = {.file = path && *path ? path : name, .load = true};
  src.text = ben_str(&r->m, "file", &src.n);
  if (!src.text) {
    nrepl_answer(r, "error", "no-file", "done");
    return;
  }
  ReplSession *rs = session_open(r->s);
  Buf ns = {0};
  repl_ns(rs, &ns); /* (ns ...) in the file does not outlast it */
  src.ns = buf_cstr(&ns);
  evaluate(r, rs, &src);
  buf_free(&ns);
  session_done(r->s, rs);
}
