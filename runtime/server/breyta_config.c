/* breyta_config.c - see breyta_config.h */
#include "breyta_config.h"
#include "runtime/cli/cli_run.h"
#include "runtime/base/json.h"
#include "reader/num.h"
#include "reader/read.h"
#include "reader/vec.h"
#include <errno.h>
#include <string.h>

static bool is_edn(const char *path) {
  size_t n = strlen(path);
  return n > 4 && !strcmp(path + n - 4, ".edn");
}

static bool read_map(const char *path, Val *out, Err *err) {
  Buf b = {0};
  if (!cli_read_file(path, &b)) return err_set(err, "validation", "cannot read %.300s: %s", path, strerror(errno));
  Err why = {0};
  bool edn = is_edn(path);
  *out = edn ? read_one(buf_cstr(&b), b.n, path, true) : json_parse(buf_cstr(&b), b.n, &why);
  buf_free(&b);
  if (edn && is_sig(*out)) {
    Val msg = is_type(pend.ex, T_EX) ? AS(Ex, pend.ex)->msg : NIL;
    return err_set(err, "validation", "%.400s", is_str(msg) ? str_s(msg) : "is not EDN");
  }
  if (same(*out, ABSENT)) return err_set(err, "validation", "%.200s is not JSON: %.200s", path, why.msg);
  return is_map(*out) || err_set(err, "validation", "%.300s has to be a map of options, such as {\"listen\": \"127.0.0.1:8080\"}", path);
}

static const BreytaOption *option_named(const char *name) {
  for (int i = 0; i < breyta_noptions; i++)
    if ((breyta_options[i].on & BREYTA_ON_serve) && !strcmp(breyta_options[i].name, name) && strcmp(name, "config")) return &breyta_options[i];
  return NULL;
}

/* Kept for good, as argv is. NULL: no such value. */
static const char *text_of(const BreytaOption *o, Val v) {
  Buf b = {0};
  if (!o->arg) return same(v, TRUE_V) ? "yes" : NULL;
  if (is_str(v) && strlen(str_s(v)) == str_n(v)) buf_add(&b, str_s(v), str_n(v));
  else if (is_long(v)) buf_fmt(&b, "%lld", (long long)long_of(v));
  else return NULL;
  return buf_cstr(&b);
}

static bool bad_value(const BreytaOption *o, Err *err) {
  return err_set(err, "validation", "%s: %s is expected", o->name,
                 !o->arg ? "true" : breyta_repeats(o) ? "a text or a list of texts" : "a text or a whole number");
}

static bool put(BreytaOptions *o, const BreytaOption *option, Val v, Err *err) {
  if (!is_vec(v) || !breyta_repeats(option)) {
    const char *s = text_of(option, v);
    if (s) breyta_option_set(o, option, s);
    return s || bad_value(option, err);
  }
  for (uint32_t i = 0; i < vec_count(v); i++) {
    const char *s = text_of(option, vec_nth(v, i));
    if (!s) return bad_value(option, err);
    breyta_option_set(o, option, s);
  }
  return true;
}

bool breyta_config(const char *path, BreytaOptions *o, Err *err) {
  Val m = NIL, k, v;
  BreytaOptions given = *o;
  MapIter it;
  cli_engine_values();
  if (!read_map(path, &m, err)) return false;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    const char *name = is_kw(k) ? kw_text(k) : is_str(k) ? str_s(k) : "?";
    const BreytaOption *option = option_named(name);
    if (!option) return err_set(err, "validation", "there is no option %.100s; the keys are the names of `breyta serve --help` without --", name);
    bool set = *(const char **)((char *)&given + option->field) != NULL;
    if (same(v, FALSE_V) && !option->arg) continue;
    if (!set && !is_nil(v) && !put(o, option, v, err)) return false;
  }
  return true;
}
