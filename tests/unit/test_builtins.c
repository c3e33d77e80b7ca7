/* test_builtins.c - the C builtins without the machine: evaluates nested calls of C rows with a table lookup, runs every
 * `EXPR ;=> VALUE` and `EXPR ;!> kind` line of the DOC blocks that needs nothing else, and then the cases of the table
 * below. With an argument: evaluates the lines of that file and prints what comes out, for comparison with Clojure. */
#include "stdlib/stdlib.h"
#include "stdlib/args.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include <stdio.h>
#include <stdlib.h>

#define TEST_TABLES(TABLE)                                                                                                                 \
  TABLE(rows_math)                                                                                                                         \
  TABLE(rows_numbers) TABLE(rows_jmath) TABLE(rows_jnum) TABLE(rows_preds) TABLE(rows_data) TABLE(rows_build) TABLE(rows_transient)        \
      TABLE(rows_names) TABLE(rows_strings) TABLE(rows_patterns) TABLE(rows_format) TABLE(rows_output) TABLE(rows_jstring)                 \
          TABLE(rows_state) TABLE(rows_errors) TABLE(rows_host)

/* ---- what the builtins need of eval/ ---- */

static Env test_env;
static Mach test_mach;
static char printed[4096];
static size_t printed_n;

static Builtin found[2000];
static int nfound;

void builtin_register(const BuiltinRow *rows) { (void)rows; }
Val env_resolve(Env *e, Val sym) {
  (void)e;
  (void)sym;
  return NIL;
}
void env_reader(Env *e, Reader *r) {
  (void)e;
  (void)r;
}
Val var_get(Val var) { return AS(Var, var)->root; }
Val var_name_sym(Val var) { return AS(Var, var)->name; }

static const BuiltinRow *const tables[] = {
#define TEST_TABLE(t) t,
    TEST_TABLES(TEST_TABLE)};
enum { NTABLES = sizeof tables / sizeof *tables };

static void add_row(Builtin *b, const BuiltinRow *r) {
  b->flags |= r->flags;
  b->doc = r->doc;
  if (r->flags & B_KIND_NATIVE)
    b->native = r->u.native;
  else if (r->flags & B_KIND_VARIADIC) {
    b->fv = r->u.fv;
    b->var_min = r->arity;
  } else if (r->arity == 0)
    b->f0 = r->u.f0;
  else if (r->arity == 1)
    b->f1 = r->u.f1;
  else if (r->arity == 2)
    b->f2 = r->u.f2;
  else if (r->arity == 3)
    b->f3 = r->u.f3;
  else
    b->f4 = r->u.f4;
}

static bool core_name(const char *n) { return !strchr(n, '/') || !strcmp(n, "/"); }

const Builtin *builtin_find(const char *name) {
  char full[200];
  for (int i = 0; i < nfound; i++)
    if (!strcmp(found[i].name, name)) return &found[i];
  for (int t = 0; t < NTABLES; t++)
    for (const BuiltinRow *r = tables[t]; r->name; r++) {
      snprintf(full, sizeof full, "%s%s",
               core_name(r->name) && r->name[0] != '.' && r->name[strlen(r->name) - 1] != '.' ? "clojure.core/" : "", r->name);
      if (strcmp(full, name)) continue;
      Builtin *b = &found[nfound++];
      b->name = strdup(name);
      b->var_min = -1;
      for (const BuiltinRow *s = r; s->name && !strcmp(s->name, r->name); s++) add_row(b, s);
      BuiltinObj *o = mem_obj(T_BUILTIN);
      o->def = b;
      b->self = from_obj(o);
      return b;
    }
  return NULL;
}

/* Native frames: the step is run, what it asks to call is called. */
static Val asked_f, asked_x;
static uint32_t asked_pc;
Val nf_call1(Mach *m, uint32_t pc, Val f, Val a) {
  (void)m;
  asked_f = f;
  asked_x = a;
  asked_pc = pc;
  return SIG_CALL;
}
void walk_push(Val *arr, Val *n, Val x);
void walk_push(Val *arr, Val *n, Val x) {
  Val grown = arr_new(NULL, (uint32_t)fix_of(*n) + 1);
  for (int64_t i = 0; i < fix_of(*n); i++) AS(Arr, grown)->a[i] = AS(Arr, *arr)->a[i];
  AS(Arr, grown)->a[fix_of(*n)] = x;
  *arr = grown;
  *n = fix(fix_of(*n) + 1);
}

static Val call(Val f, int n, const Val *a);

static Val run_native(const NativeDef *d, int n, const Val *a) {
  Val s[16] = {{0}};
  for (int i = 0; i < n; i++) s[i] = a[i];
  Val v = d->step(&test_mach, 0, s, NIL);
  while (same(v, SIG_CALL)) {
    uint32_t pc = asked_pc;
    TRY(in, call(asked_f, 1, &asked_x));
    v = d->step(&test_mach, pc, s, in);
  }
  return v;
}

Val builtin_call(const Builtin *b, int n, const Val *a) {
  if (n == 0 && b->f0) return b->f0();
  if (n == 1 && b->f1) return b->f1(a[0]);
  if (n == 2 && b->f2) return b->f2(a[0], a[1]);
  if (n == 3 && b->f3) return b->f3(a[0], a[1], a[2]);
  if (n == 4 && b->f4) return b->f4(a[0], a[1], a[2], a[3]);
  if (b->fv && n >= b->var_min) return b->fv(n, a);
  if (b->native && n == b->native->fixed) return run_native(b->native, n, a);
  return ex_arity(n, b->name);
}

_Thread_local Mach *mach_cur;

/* ---- a tiny evaluator: constants, quote, collections, calls; UNBOUND where more would be needed ---- */

static const Builtin *named(Val sym) {
  Buf b = {0};
  const Sym *s = AS(Sym, sym);
  const char *ns = is_nil(s->ns) ? NULL : str_s(s->ns), *name = str_s(s->name);
  const char *cut = strrchr(name, '.');
  if (ns && !strcmp(ns, "edn")) ns = "clojure.edn";
  if (ns && (!strcmp(ns, "str") || !strcmp(ns, "string"))) ns = "clojure.string";
  if (!ns && cut && !cut[1]) { /* java.util.Date. */
    const char *start = cut;
    while (start > name && start[-1] != '.') start--;
    buf_c(&b, start);
  } else if (!ns && name[0] == '.')
    buf_c(&b, name);
  else
    buf_fmt(&b, "%s/%s", ns ? ns : "clojure.core", name);
  const Builtin *f = builtin_find(buf_cstr(&b));
  buf_free(&b);
  return f;
}

static Val eval(Val form);

static Val call(Val f, int n, const Val *a) {
  if (is_type(f, T_BUILTIN)) return builtin_call(AS(BuiltinObj, f)->def, n, a);
  if (is_kw(f) && n == 1)
    return is_type(a[0], T_TAGGED) ? (kw_is(f, "tag") ? AS(Tagged, a[0])->tag : AS(Tagged, a[0])->form) : coll_get(a[0], f, NIL);
  if (is_map(f) && n == 1) return coll_get(f, a[0], NIL);
  return UNBOUND;
}

static Val eval_all(Val coll, ValVec *out) {
  ValVec in = {0};
  CHECK(coll_into_array(coll, &in));
  for (size_t i = 0; i < in.n; i++) {
    TRY(v, eval(in.a[i]));
    if (same(v, UNBOUND)) return UNBOUND;
    vv_push(out, v);
  }
  return NIL;
}

static Val eval_call(Val form) {
  ValVec v = {0};
  TRY(head, seq_first(form));
  if (sym_is(head, "quote")) return seq_first(seq_next(form));
  if (sym_is(head, "throw")) {
    TRY(x, eval(seq_first(seq_next(form))));
    return is_type(x, T_EX) ? ex_throw_val(x) : UNBOUND;
  }
  TRY(ok, eval_all(form, &v));
  return same(ok, UNBOUND) ? ok : call(v.a[0], (int)v.n - 1, v.a + 1);
}

static Val eval_map(Val form) {
  ValVec v = {0};
  MapIter it;
  Val k, x;
  map_iter(&it, form);
  while (map_next(&it, &k, &x)) {
    TRY(kv, eval(k));
    TRY(xv, eval(x));
    if (same(kv, UNBOUND) || same(xv, UNBOUND)) return UNBOUND;
    vv_push(&v, kv);
    vv_push(&v, xv);
  }
  return map_from(v.a, v.n / 2, true);
}

static Val eval(Val form) {
  ValVec v = {0};
  if (is_sym(form)) {
    const Builtin *b = named(form);
    if (!b) {
      Val c = class_of_symbol(form);
      return is_nil(c) ? UNBOUND : c;
    }
    return b->f0 && strchr(b->name, '/') && strncmp(b->name, "clojure.core/", 13) && !b->f1 && !b->fv ? b->f0() : b->self;
  }
  if (is_type(form, T_LIST)) return eval_call(form);
  if (is_map(form)) return eval_map(form);
  if (!is_vec(form) && !is_set(form)) return form;
  TRY(ok, eval_all(form, &v));
  if (same(ok, UNBOUND)) return ok;
  return is_vec(form) ? vec_from(v.a, v.n) : set_from(v.a, v.n, true);
}

/* The printed value, or "!! class | message". NULL: needs the machine. */
static char *outcome(const char *src, size_t n, const char **kind) {
  Buf b = {0};
  Val form = read_one(src, n, NULL, false), v = is_sig(form) ? form : eval(form);
  if (same(v, UNBOUND)) return NULL;
  if (!is_sig(v)) v = pr_str(v);
  if (!is_sig(v)) {
    *kind = NULL;
    buf_add(&b, str_s(v), str_n(v));
    return buf_cstr(&b);
  }
  if (!same(v, SIG_THROW)) return NULL;
  const Ex *e = AS(Ex, pend.ex);
  *kind = kind_name((enum Kind)e->kind);
  buf_fmt(&b, "!! %s | %s", exc_class_name((enum Exc)e->cls), is_str(e->msg) ? str_s(e->msg) : "null");
  return buf_cstr(&b);
}

static int passed, failed, skipped;

static void fail(const char *where, const char *what, const char *got, const char *want) {
  failed++;
  printf("FAIL %s: %s\n  got  %s\n  want %s\n", where, what, got, want);
}

static void check_example(const char *where, const char *line, size_t n) {
  const char *sep = memmem(line, n, " ;=> ", 5), *err = memmem(line, n, " ;!> ", 5), *kind = NULL;
  if (!sep && !err) return fail(where, line, "no ;=>", "an example");
  const char *mark = sep ? sep : err;
  char *want = strndup(mark + 5, (size_t)(line + n - mark - 5)), *got = outcome(line, (size_t)(mark - line), &kind);
  if (!got)
    skipped++;
  else if (sep ? !kind && !strcmp(got, want) : kind && !strcmp(kind, want))
    passed++;
  else
    fail(where, line, got, want);
  free(want);
  free(got);
}

static void check_docs(void) {
  for (int t = 0; t < NTABLES; t++)
    for (const BuiltinRow *r = tables[t]; r->name; r++) {
      if (r != tables[t] && (r - 1)->doc == r->doc) continue;
      for (const char *p = r->doc->examples; *p;) {
        size_t n = strcspn(p, "\n");
        check_example(r->name, p, n);
        p += n + (p[n] == '\n');
      }
    }
}

/* No name in two places, no row twice: registration would abort. */
static void check_names(void) {
  for (int t = 0; t < NTABLES; t++)
    for (const BuiltinRow *r = tables[t]; r->name; r++)
      for (int u = t; u < NTABLES; u++)
        for (const BuiltinRow *s = u == t ? r + 1 : tables[u]; s->name; s++)
          if (!strcmp(r->name, s->name) && r->arity == s->arity) fail("names", r->name, "two rows", "one");
}

static const struct {
  const char *expr, *want;
} cases[] = {
#include "test_builtins_cases.h"
};

static void check_cases(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *kind;
    char *got = outcome(cases[i].expr, strlen(cases[i].expr), &kind);
    if (!got)
      fail("case", cases[i].expr, "needs the machine", cases[i].want);
    else if (strcmp(got, cases[i].want))
      fail("case", cases[i].expr, got, cases[i].want);
    else
      passed++;
    free(got);
  }
}

static void eval_file(const char *file) {
  char *line = NULL;
  size_t cap = 0;
  ssize_t n;
  FILE *in = fopen(file, "r");
  if (!in) exit(2);
  while ((n = getline(&line, &cap, in)) > 0) {
    const char *kind;
    if (line[n - 1] == '\n') n--;
    char *got = outcome(line, (size_t)n, &kind);
    for (const char *c = got ? got : "??"; *c; c++) fputs(*c == '\n' ? "\\n" : (char[]){*c, 0}, stdout);
    putchar('\n');
    fflush(stdout);
    free(got);
  }
  free(line);
  fclose(in);
}

static void test_out(Mach *m, const char *s, size_t n) {
  (void)m;
  if (printed_n + n < sizeof printed) memcpy(printed + printed_n, s, n);
  printed_n += n;
}

static void check_printing(void) {
  const char *kind;
  printed_n = 0;
  static const char expr[] = "(println \"a\" :b [\\c \"d\"])";
  free(outcome(expr, sizeof expr - 1, &kind));
  printed[printed_n < 100 ? printed_n : 100] = 0;
  if (strncmp(printed, "a :b [c d]\n", 11))
    fail("print", "println", printed, "a :b [c d]");
  else
    passed++;
}

int main(int argc, char **argv) {
  mem_init();
  mem_thread_enter();
  test_mach.env = &test_env;
  test_mach.out = test_out;
  mach_cur = &test_mach;
  if (argc > 1) {
    eval_file(argv[1]);
    return 0;
  }
  check_names();
  check_docs();
  check_cases();
  check_printing();
  printf("builtins: %d passed, %d failed, %d need the machine\n", passed, failed, skipped);
  return failed != 0;
}
