/* flowdef_fn.c - function code of a definition: `:code` values to forms, forms to functions; and the check that a body and
 * its functions can be expanded and analyzed at all. */
#include "flowdef_int.h"
#include "eval/expand.h"
#include "eval/node.h"
#include <stdio.h>
#include <stdlib.h>

/* --- forms -------------------------------------------------------------------------------------------------------- */
static const char *pending_text(void) {
  static _Thread_local char text[400];
  Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
  size_t n = is_str(msg) ? str_n(msg) : 0;
  if (n > sizeof text - 1) n = sizeof text - 1;
  while (n && n < (is_str(msg) ? str_n(msg) : 0) && ((uint8_t)str_s(msg)[n] & 0xc0) == 0x80) n--;
  memcpy(text, n ? str_s(msg) : "", n);
  text[n] = 0;
  pend.ex = NIL;
  return n ? text : "it cannot be read";
}

static Val read_code(Val str, const char *file, const char **why) {
  Reader r;
  read_init(&r, str_s(str), str_n(str), file);
  r.positions = true;
  Val form = read_next(&r);
  if (same(form, ABSENT)) return *why = "the string is empty", ABSENT;
  if (is_sig(form)) return *why = pending_text(), ABSENT;
  Val more = read_next(&r);
  if (is_sig(more)) return *why = pending_text(), ABSENT;
  if (!same(more, ABSENT)) return *why = "something follows the function form", ABSENT;
  return form;
}

Val code_form(Val code, const char *file, const char **why) {
  bool quoted;
  Val form = is_str(code) ? read_code(code, NULL, why) : code;
  (void)file; /* positions inside a string are those of the string */
  return same(form, ABSENT) ? form : unquote_form(form, &quoted);
}

bool code_is_fn(Val form) {
  if (is_sym(form) || is_kw(form)) return true;
  return list_head_is(form, NULL, "fn") || list_head_is(form, NULL, "fn*") || list_head_is(form, "clojure.core", "fn") ||
         list_head_is(form, NULL, "partial") || list_head_is(form, NULL, "comp");
}

Val flowdef_function(const FlowDef *f, Val id) {
  Val k = name_kw(id);
  return is_nil(k) ? ABSENT : map_get(f->functions, k, ABSENT);
}

/* --- functions ---------------------------------------------------------------------------------------------------- */
static Val run_unit(Env *env, const Unit *u) {
  Fn *f = mem_obj_n(T_FN, 0);
  f->code = u->fn;
  f->serial = env->serial++;
  return mach_call_sync(env, from_obj(f), NULL, 0);
}

/* Code that was compiled before: the same form in an environment without names of its own, at the same place of its gensyms, is the same
 * unit. Every run of a flow has the same forms, so each is expanded once and not once a step. The form is held, or another one might come
 * to stand where it stood. */
enum { COMPILED = 256 };
typedef struct Compiled {
  Val code;
  const char *file;
  int64_t gensym;
  Unit *unit;
} Compiled;

static Compiled *compiled_at(Val code, int64_t gensym) {
  static _Thread_local Compiled *all;
  if (!all) all = mem_root(COMPILED * sizeof *all);
  return &all[((code.w >> 4) * 0x9e3779b97f4a7c15u + (uint64_t)gensym * 0xff51afd7ed558ccdu) >> 32 & (COMPILED - 1)];
}

static bool env_is_blank(const Env *env) {
  const Ns *ns = AS(Ns, env->cur_ns);
  return map_count(env->namespaces) == 1 && !map_count(ns->vars) && !map_count(ns->aliases);
}

static Unit *unit_of(Env *env, Val code, Val form, const char *file) {
  bool blank = env_is_blank(env) && is_ptr(code);
  int64_t gensym = env->gensym;
  Compiled *c = compiled_at(code, gensym);
  if (blank && c->unit && same(c->code, code) && c->file == file && c->gensym == gensym) return c->unit;
  Val core = expand(env, form, file);
  Unit *u = is_sig(core) ? NULL : analyze(env, core, file);
  if (u && u->shared && blank && env_is_blank(env)) *c = (Compiled){code, file, gensym, u};
  return u;
}

static bool callable(Val v) { return is_type(v, T_FN) || is_type(v, T_BUILTIN) || is_kw(v) || is_map(v) || is_set(v) || is_type(v, T_VAR); }

Val flowdef_compile_fn(Env *env, Val code, const char *file) {
  const char *why = NULL;
  if (is_type(code, T_FN) || is_type(code, T_BUILTIN)) return code;
  Val form = code_form(code, file, &why);
  if (same(form, ABSENT)) return ex_throw_kind(EXC_RUNTIME, KIND_READER, "the function's code: %s", why);
  if (!code_is_fn(form))
    return ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "the function's code must be a function form such as (fn [input] ...), got %.80s",
                         val_text(form));
  uint32_t serial = env->serial; /* the run's numbering does not depend on how often its functions are compiled */
  int64_t gensym = env->gensym;
  Unit *u = unit_of(env, code, form, file);
  Val f = u ? run_unit(env, u) : SIG_THROW;
  env->serial = serial;
  env->gensym = gensym;
  if (is_sig(f)) return f;
  return callable(f) ? f
                     : ex_throw_kind(EXC_ILLEGAL_ARG, KIND_SYNTAX, "the function's code gives %.80s, which is no function", val_text(f));
}

/* --- does it compile? --------------------------------------------------------------------------------------------- */
/* "... (file:3:7)": takes the position off. */
static bool split_position(char *text, int *line, int *col) {
  char *open = strrchr(text, '('), *end;
  if (!open) return false;
  char *c2 = strrchr(open, ':');
  if (!c2 || c2 == open) return false;
  char *c1 = c2 - 1;
  while (c1 > open && *c1 != ':') c1--;
  if (c1 == open) return false;
  long l = strtol(c1 + 1, &end, 10), k = strtol(c2 + 1, &end, 10);
  if (*end != ')' || l < 1 || k < 1) return false;
  *line = (int)l, *col = (int)k;
  if (open > text && open[-1] == ' ') open--;
  *open = 0;
  return true;
}

/* X of "Unable to resolve symbol: X in this context". */
static bool unresolved_name(const char *text, char *name, size_t size) {
  static const char before[] = "Unable to resolve symbol: ";
  if (strncmp(text, before, sizeof before - 1)) return false;
  text += sizeof before - 1;
  const char *end = strstr(text, " in this context");
  if (!end || (size_t)(end - text) >= size) return false;
  memcpy(name, text, (size_t)(end - text));
  name[end - text] = 0;
  return true;
}

static const At *free_place(const Check *c, const char *name) {
  for (size_t i = 0; i < c->free_syms.n; i++) {
    const Sym *s = AS(Sym, c->free_syms.a[i]);
    if (is_nil(s->ns) && str_eq_c(s->name, name)) return &c->free_at[i];
    if (is_str(s->ns) && strstr(name, str_s(s->name)) && !strncmp(name, str_s(s->ns), str_n(s->ns))) return &c->free_at[i];
  }
  return NULL;
}

static Val compile_form(Env *env, Val form, const char *file) {
  TRY(core, expand(env, form, file));
  return analyze(env, core, file) ? TRUE_V : SIG_THROW;
}

/* Place of a name that the message of an unresolved qualified symbol ends with: "No such var: a/b", "No such namespace: a". */
static At qualified_place(const Check *c, const char *text, At at) {
  const char *colon = strstr(text, ": ");
  for (size_t i = 0; colon && i < c->free_syms.n; i++) {
    const Sym *s = AS(Sym, c->free_syms.a[i]);
    size_t n = is_str(s->ns) ? str_n(s->ns) : 0;
    const char *rest = colon + 2;
    if (!n || strncmp(rest, str_s(s->ns), n)) continue;
    if (!rest[n] || (rest[n] == '/' && str_eq_c(s->name, rest + n + 1))) return c->free_at[i];
  }
  return at;
}

/* May code be looked at once more? 50 times, and of large code less often: what is told then is not worth the seconds. */
enum { AGAIN_MAX = 50, AGAIN_BYTES = 50 * 80 << 10 };
static bool once_more(Check *c, At at, int tries) {
  size_t n = at.n ? at.n->end - at.n->at : c->f->text_n;
  if (!tries) return true;
  c->recompiled += n;
  return tries < AGAIN_MAX && c->recompiled <= AGAIN_BYTES;
}

/* Each unknown name is told, then declared, so that one pass finds them all. */
void check_code_form(Check *c, Val form, At at, enum DiagCode code, const char *of) {
  Env *env = env_new();
  env->sandbox = true;
  for (int i = 0; once_more(c, at, i); i++) {
    Val v = compile_form(env, form, c->f->file ? c->f->file : "flow");
    if (!is_sig(v)) return;
    enum Kind kind = is_type(pend.ex, T_EX) ? (enum Kind)AS(Ex, pend.ex)->kind : KIND_RUNTIME;
    char text[400], name[128];
    snprintf(text, sizeof text, "%s", pending_text());
    if (kind == KIND_UNRESOLVED && unresolved_name(text, name, sizeof name)) {
      const At *place = code == DIAG_flow_body_invalid ? free_place(c, name) : NULL;
      diag_add(c, DIAG_unresolved_symbol, place ? *place : at, NULL, "%s%sUnable to resolve symbol: %s in this context", of,
               *of ? ": " : "", name);
      Val var = env_intern(env, AS(Ns, env->cur_ns)->name, sym_c(name));
      if (is_sig(var)) return;
      continue;
    }
    At place = at;
    bool body = code == DIAG_flow_body_invalid;
    if (split_position(text, &place.line, &place.col))
      place.n = NULL;
    else if (body && kind == KIND_UNRESOLVED)
      place = qualified_place(c, text, at);
    diag_add(c, kind == KIND_UNRESOLVED ? DIAG_unresolved_symbol : code, place, NULL, "%s%s%s", of, *of ? ": " : "", text);
    return;
  }
}

void check_compiles(Check *c, At body) {
  path_kw(c, "flow");
  check_code_form(c, c->f->body, body, DIAG_flow_body_invalid, "");
  path_pop(c);
  Val list = def_field(c, "functions");
  At at = at_field(c, c->root, "functions");
  path_kw(c, "functions");
  for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) {
    Val entry = vec_nth(list, i), id = name_kw(map_get_kw(entry, "id")), form = flowdef_function(c->f, id);
    if (same(form, ABSENT)) continue;
    Buf of = {0};
    buf_fmt(&of, "function %s", val_text(id));
    path_push(c, fix(i));
    check_code_form(c, form, at_field(c, at_kid(c, at, i, entry), "code"), DIAG_function_code_invalid, buf_cstr(&of));
    path_pop(c);
    buf_free(&of);
  }
  path_pop(c);
}
