/* typevar.c - names of the program's own classes in code and in text: Point, user.Point, #user.Point{:x 1}. A class is the
 * root of a var of its name that carries VAR_TYPE, the class of a protocol belongs to the protocol's var (VAR_PROTOCOL). */
#include "unit.h"

static Val flagged_var(Env *e, Val sym, unsigned flag) {
  Val var = env_resolve(e, sym);
  return is_type(var, T_VAR) && obj(var)->flags & flag ? var : NIL;
}

/* Class names have _ for the - of a namespace. */
static Val demunged(const char *s, size_t n) {
  Val str = str_new(s, n);
  for (char *p = AS(Str, str)->s; *p; p++)
    if (*p == '_') *p = '-';
  return str;
}

/* The var that user.Point names. */
static Val dotted_var(Env *e, const char *s, unsigned flag) {
  const char *dot = strrchr(s, '.');
  if (!dot || dot == s || !dot[1]) return NIL;
  Val plain = demunged(s, (size_t)(dot - s)), name = str_c(dot + 1);
  Val var = flagged_var(e, sym_of(str_new(s, (size_t)(dot - s)), name), flag);
  return is_nil(var) ? flagged_var(e, sym_of(plain, name), flag) : var;
}

Val env_type_var(Env *e, Val sym) {
  if (!is_nil(AS(Sym, sym)->ns)) return NIL;
  const char *s = str_s(AS(Sym, sym)->name);
  return strchr(s, '.') ? dotted_var(e, s, VAR_TYPE) : flagged_var(e, sym, VAR_TYPE);
}

Val env_interface_var(Env *e, Val sym) {
  return is_nil(AS(Sym, sym)->ns) ? dotted_var(e, str_s(AS(Sym, sym)->name), VAR_PROTOCOL) : NIL;
}

static Val read_record(const Class *c, Val cls, Val form) {
  const char *name = class_text(cls);
  if (is_vec(form)) {
    if (vec_count(form) != class_nfields(cls))
      return ex_throw(EXC_RUNTIME, "Unexpected number of constructor arguments to class %s: got %u", name, vec_count(form));
    ValVec xs = {0};
    CHECK(coll_into_array(form, &xs));
    return rec_new(cls, xs.a, mach_cur ? mach_cur->env->serial++ : 0);
  }
  if (is_map(form) && c->h.flags & CLASS_RECORD) return rec_from_map(cls, form);
  return ex_throw(EXC_RUNTIME, "Unreadable constructor form starting with \"#%s \"", name);
}

/* #user.Point{:x 1} and #user.Point[1 2] */
Val env_read_tag(void *ctx, Val tag, Val form) {
  const char *name = str_s(AS(Sym, tag)->name);
  if (!is_nil(AS(Sym, tag)->ns) || !strchr(name, '.')) return ABSENT;
  Val var = env_type_var(ctx, tag);
  bool ok = !is_nil(var) && is_type(AS(Var, var)->root, T_CLASS) && obj(AS(Var, var)->root)->flags & (CLASS_RECORD | CLASS_TYPE);
  if (!ok) return ex_throw(EXC_CLASS_NOT_FOUND, "%s", name);
  return read_record(AS(Class, AS(Var, var)->root), AS(Var, var)->root, form);
}
