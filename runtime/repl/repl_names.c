/* repl_names.c - what is typed and what is known: complete forms, completion, lookups. See repl_session.h. */
#include "eval/introspect.h"
#include "eval/unit.h"
#include "reader/read.h"
#include "repl_int.h"
#include "reader/mem.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* --- is it complete? ----------------------------------------------------------------------------------------------------------------- */
static bool is_delimiter(char c) { return strchr(" \t\r\n,()[]{}\"'`~@^;", c) != NULL; } /* and NUL */

/* Heads of forms with a body, which is indented by two; arguments of other calls stand below the first one. */
static bool has_body(const char *s, size_t n) {
  static const char *const heads[] = {"fn", "let", "loop", "when", "if", "do", "for", "binding", "try", "catch", "finally", "case", "letfn",
                                      "ns", "quote", "if-let", "when-let", "if-not", "when-not", "cond", "dotimes", "while", "comment"};
  if (n >= 3 && (!memcmp(s, "def", 3) || !memcmp(s, "dos", 3))) return true;
  if (n > 5 && !memcmp(s, "with-", 5)) return true;
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
    if (strlen(heads[i]) == n && !memcmp(heads[i], s, n)) return true;
  return false;
}

/* Column from 0 for the line behind the text, which ends inside of what begins at `open` in column col (from 1). */
static int indent_for(const char *open, const char *end, int col) {
  if (*open == '"' || *open == '#') return 0;
  if (*open != '(') return col;
  const char *head = open + 1, *p = head;
  while (p < end && !is_delimiter(*p)) p++;
  if (p == head || has_body(head, (size_t)(p - head))) return p == head ? col : col + 1;
  while (p < end && (*p == ' ' || *p == '\t')) p++;
  return p < end && *p != '\n' && *p != '\r' && *p != ';' ? col - 1 + (int)(p - open) : col;
}

static void check_error(const Reader *r, ReplCheck *out) {
  const Ex *ex = AS(Ex, pend.ex);
  out->form = r->eof ? REPL_INCOMPLETE : REPL_BAD;
  out->line = r->line;
  out->col = r->col;
  snprintf(out->message, sizeof out->message, "%s", is_str(ex->msg) ? str_s(ex->msg) : "");
  if (!r->eof) return;
  out->line = out->col = 0;
  if (!r->eof_at) return;
  Reader copy = *r;
  read_position(&copy, r->eof_at, &out->line, &out->col);
  out->open = *r->eof_at;
  out->indent = indent_for(r->eof_at, r->end, out->col);
}

void repl_check(ReplSession *s, const char *text, size_t n, ReplCheck *out) {
  Reader r;
  *out = (ReplCheck){.form = REPL_EMPTY};
  if (s) repl_enter(s);
  else repl_lock();
  read_init(&r, text, n, NULL);
  if (s) env_reader(s->env, &r);
  r.gensym = NULL;
  for (;;) {
    Val v = read_next(&r);
    if (same(v, ABSENT)) break;
    if (is_sig(v)) {
      check_error(&r, out);
      break;
    }
    if (!out->first_end) out->first_end = (size_t)(r.p - text);
    out->form = REPL_COMPLETE;
  }
  if (s) repl_leave(s);
  else repl_unlock();
}

/* --- candidates ---------------------------------------------------------------------------------------------------------------------- */
typedef struct Cand { char *text, *ns; const char *type; } Cand;
typedef struct Cands {
  Cand *a;
  size_t n, cap;
  const char *prefix;   /* what the text must begin with */
  size_t len;
  const char *qualifier; /* "str/" in front of names; "" */
  const char *in;       /* only names of this namespace; NULL: clojure.core, the current one and special forms */
  const char *here;     /* the current namespace */
} Cands;

static void add(Cands *c, const char *text, const char *type, const char *ns) {
  if (strncmp(text, c->prefix, c->len)) return;
  if (c->n == c->cap) {
    c->cap = c->cap ? c->cap * 2 : 64;
    c->a = mem_raw_grow(c->a, c->cap * sizeof *c->a);
  }
  c->a[c->n++] = (Cand){mem_raw_copy(text), mem_raw_copy(ns), type};
}

static void add_name(void *ctx, const char *ns, const char *name, const char *type) {
  Cands *c = ctx;
  char full[512];
  if (c->in) {
    if (!ns || strcmp(ns, c->in) || snprintf(full, sizeof full, "%s%s", c->qualifier, name) >= (int)sizeof full) return;
    add(c, full, type, ns);
    return;
  }
  if (!ns || !strcmp(ns, "clojure.core") || !strcmp(ns, c->here)) add(c, name, type, ns);
  if (ns && *ns) add(c, ns, "namespace", NULL);
}

static void add_keyword(Val kw, void *ctx) {
  const Kw *k = AS(Kw, kw);
  char full[512];
  int n = is_nil(k->ns) ? snprintf(full, sizeof full, ":%s", str_s(k->name)) : snprintf(full, sizeof full, ":%s/%s", str_s(k->ns), str_s(k->name));
  if (n < (int)sizeof full && !strpbrk(full, " \t\n()[]{}\"")) add(ctx, full, "keyword", NULL);
}

static void add_own_keywords(ReplSession *s, Cands *c) { /* ::name of this namespace */
  (void)s;
  Cands all = {.prefix = "", .len = 0};
  char full[512];
  kw_each(add_keyword, &all);
  size_t here = strlen(c->here);
  for (size_t i = 0; i < all.n; i++) {
    const char *t = all.a[i].text + 1;
    if (!strncmp(t, c->here, here) && t[here] == '/' && snprintf(full, sizeof full, "::%s", t + here + 1) < (int)sizeof full)
      add(c, full, "keyword", NULL);
    free(all.a[i].text);
  }
  free(all.a);
}

/* Names that the current namespace refers from others, and its aliases. */
static void add_local(ReplSession *s, Cands *c) {
  const Ns *ns = AS(Ns, s->env->cur_ns);
  MapIter it;
  Val k, v;
  map_iter(&it, ns->vars);
  while (map_next(&it, &k, &v)) {
    if (!is_type(v, T_VAR)) continue;
    const Var *var = AS(Var, v);
    const char *type = var->h.flags & VAR_MACRO ? "macro" : is_type(var->root, T_FN) || is_type(var->root, T_BUILTIN) ? "function" : "var";
    add(c, str_s(AS(Sym, k)->name), type, is_sym(var->ns) ? str_s(AS(Sym, var->ns)->name) : c->here);
  }
  map_iter(&it, ns->aliases);
  while (map_next(&it, &k, &v)) add(c, str_s(AS(Sym, k)->name), "namespace", NULL);
  map_iter(&it, s->env->namespaces);
  while (map_next(&it, &k, &v)) add(c, str_s(AS(Sym, k)->name), "namespace", NULL);
}

static void gather(ReplSession *s, Cands *c) {
  const char *slash = strchr(c->prefix, '/');
  Buf qualifier = {0}, ns = {0};
  c->here = str_s(AS(Sym, AS(Ns, s->env->cur_ns)->name)->name);
  c->qualifier = "";
  if (c->prefix[0] == ':') {
    if (c->prefix[1] == ':') add_own_keywords(s, c);
    else kw_each(add_keyword, c);
  } else if (slash && slash > c->prefix) {
    buf_add(&qualifier, c->prefix, (size_t)(slash - c->prefix) + 1);
    buf_c(&ns, str_s(env_alias_target(s->env, str_new(c->prefix, (size_t)(slash - c->prefix)))));
    c->qualifier = buf_cstr(&qualifier);
    c->in = buf_cstr(&ns);
    introspect_names(s->env, c->in, add_name, c);
  } else {
    introspect_names(s->env, c->here, add_name, c);
    add_local(s, c);
  }
  buf_free(&qualifier);
  buf_free(&ns);
}

static int by_text(const void *a, const void *b) { return strcmp(((const Cand *)a)->text, ((const Cand *)b)->text); }

/* Sorted, and each text once: the one with a namespace, which says more. */
static void tidy(Cands *c) {
  size_t n = 0;
  if (c->n) qsort(c->a, c->n, sizeof *c->a, by_text);
  for (size_t i = 0; i < c->n; i++) {
    if (n && !strcmp(c->a[n - 1].text, c->a[i].text)) {
      Cand *keep = c->a[i].ns && !c->a[n - 1].ns ? &c->a[i] : &c->a[n - 1], *drop = keep == &c->a[i] ? &c->a[n - 1] : &c->a[i];
      free(drop->text);
      free(drop->ns);
      c->a[n - 1] = *keep;
    } else {
      c->a[n++] = c->a[i];
    }
  }
  c->n = n;
}

static void tell(ReplSession *s, const Cands *c, ReplCandidateFn *f, void *ctx) {
  for (size_t i = 0; i < c->n; i++) {
    const Cand *a = &c->a[i];
    ReplInfo info = {0};
    if (c->n <= 64 && s && a->text[0] != ':') repl_lookup(s, a->text, NULL, &info);
    ReplCandidate out = {a->text, a->type, a->ns, info.arglists.n ? buf_cstr(&info.arglists) : NULL, info.doc.n ? buf_cstr(&info.doc) : NULL};
    f(ctx, &out);
    repl_info_free(&info);
  }
}

static void drop(Cands *c) {
  for (size_t i = 0; i < c->n; i++) {
    free(c->a[i].text);
    free(c->a[i].ns);
  }
  free(c->a);
}

static Val enter_ns(ReplSession *s, const char *ns) { /* the namespace to come back to */
  repl_enter(s);
  Val back = s->env->cur_ns;
  Val other = ns ? env_find_ns(s->env, sym_c(ns)) : NIL;
  if (!is_nil(other)) s->env->cur_ns = other;
  return back;
}
static void leave_ns(ReplSession *s, Val back) {
  s->env->cur_ns = back;
  repl_leave(s);
}

void repl_complete(ReplSession *s, const char *prefix, const char *ns, ReplCandidateFn *f, void *ctx) {
  Cands c = {.prefix = prefix, .len = strlen(prefix)};
  Val back = enter_ns(s, ns);
  gather(s, &c);
  leave_ns(s, back);
  tidy(&c);
  tell(s, &c, f, ctx);
  drop(&c);
}

/* --- files --------------------------------------------------------------------------------------------------------------------------- */
static void add_file(Cands *c, const char *dir, const struct dirent *d) {
  char path[4096];
  struct stat st;
  if (d->d_name[0] == '.' && c->prefix[strlen(dir)] != '.') return;
  if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..")) return;
  if (snprintf(path, sizeof path - 1, "%s%s", dir, d->d_name) >= (int)sizeof path - 1) return;
  if (!stat(path, &st) && S_ISDIR(st.st_mode)) strcat(path, "/");
  add(c, path, "local-file", NULL);
}

static void complete_file(const char *prefix, ReplCandidateFn *f, void *ctx) {
  Cands c = {.prefix = prefix, .len = strlen(prefix)};
  const char *slash = strrchr(prefix, '/');
  char *dir = mem_raw_copy(prefix);
  dir[slash ? slash + 1 - prefix : 0] = 0;
  DIR *d = opendir(*dir ? dir : ".");
  for (struct dirent *e; d && (e = readdir(d));) add_file(&c, dir, e);
  if (d) closedir(d);
  tidy(&c);
  tell(NULL, &c, f, ctx);
  drop(&c);
  free(dir);
}

/* Start of the string literal that byte `at` is in; SIZE_MAX: in none. */
static size_t string_around(const char *text, size_t at) {
  size_t open = SIZE_MAX;
  for (size_t i = 0; i < at; i++) {
    char c = text[i];
    if (c == '\\') i++;
    else if (open == SIZE_MAX && c == ';') while (i + 1 < at && text[i + 1] != '\n') i++;
    else if (c == '"') open = open == SIZE_MAX ? i + 1 : SIZE_MAX;
  }
  return open;
}

void repl_complete_at(ReplSession *s, const char *text, size_t at, size_t *start, ReplCandidateFn *f, void *ctx) {
  size_t from = string_around(text, at);
  bool file = from != SIZE_MAX;
  if (!file)
    for (from = at; from && !is_delimiter(text[from - 1]);) from--;
  while (!file && from < at && text[from] == '#') from++;
  *start = from;
  Buf word = {0};
  buf_add(&word, text + from, at - from);
  if (file) complete_file(buf_cstr(&word), f, ctx);
  else repl_complete(s, buf_cstr(&word), NULL, f, ctx);
  buf_free(&word);
}

/* --- lookups ------------------------------------------------------------------------------------------------------------------------- */
static void put_text(Val m, const char *key, Buf *b) {
  Val v = map_get_kw(m, key);
  if (is_nil(v)) return;
  if (is_str(v)) buf_add(b, str_s(v), str_n(v));
  else if (is_sym(v)) buf_add(b, str_s(AS(Sym, v)->name), str_n(AS(Sym, v)->name));
  else if (is_sig(print_to(b, v, &print_readably))) buf_free(b);
}

static int put_int(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_fix(v) ? (int)fix_of(v) : 0;
}

static const char *type_text(Val m) {
  static const char *const types[] = {"function", "macro", "var", "special-form", "namespace", "class"};
  Val t = map_get_kw(m, "type");
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (kw_is(t, types[i])) return types[i];
  return "var";
}

static void fill(Val m, ReplInfo *out) {
  put_text(m, "ns", &out->ns);
  put_text(m, "name", &out->name);
  put_text(m, "arglists", &out->arglists);
  put_text(m, "doc", &out->doc);
  put_text(m, "file", &out->file);
  put_text(m, "source", &out->source);
  out->line = put_int(m, "line");
  out->col = put_int(m, "column");
  out->type = type_text(m);
  out->macro = !strcmp(out->type, "macro");
  out->special = !strcmp(out->type, "special-form");
  out->is_private = truthy(map_get_kw(m, "private"));
  out->dynamic = truthy(map_get_kw(m, "dynamic"));
}

bool repl_lookup(ReplSession *s, const char *symbol, const char *ns, ReplInfo *out) {
  *out = (ReplInfo){.type = "var"};
  if (!*symbol || strpbrk(symbol, " \t\r\n,()[]{}\"`~@^;\\") || symbol[0] == ':') return false;
  Val back = enter_ns(s, ns);
  Val m = introspect(s->env, sym_parse(symbol, strlen(symbol)));
  bool found = is_map(m);
  if (found) fill(m, out);
  leave_ns(s, back);
  return found;
}

void repl_info_free(ReplInfo *i) {
  Buf *const bufs[] = {&i->ns, &i->name, &i->arglists, &i->doc, &i->file, &i->source};
  for (size_t k = 0; k < sizeof bufs / sizeof *bufs; k++) buf_free(bufs[k]);
}
