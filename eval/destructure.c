/* destructure.c - binding patterns to plain let* bindings, as clojure.core/destructure 1.11 does it.
 *
 * [a b & r :as v]   without & by nth with nil as default (so strings, nil and short vectors work), with & by first/next
 * {p k, :keys [..]} by get on destructure-map* of the value, which makes a map of the rest arguments of a fn */
#include "macros.h"

/* --- which patterns there are ----------------------------------------------------------------------------------------- */
static bool simple_sym(Val v) { return is_sym(v) && is_nil(AS(Sym, v)->ns); }
static bool local_name(Val v) { return simple_sym(v) && !sym_is(v, "&"); }

static bool seq_ok(Val v, bool as_allowed) {
  uint32_t n = vec_count(v), i = 0;
  while (i < n && !sym_is(vec_nth(v, i), "&") && !kw_is(vec_nth(v, i), "as"))
    if (!destructure_ok(vec_nth(v, i++))) return false;
  if (i < n && sym_is(vec_nth(v, i), "&")) {
    if (i + 1 >= n || !destructure_ok(vec_nth(v, i + 1))) return false;
    i += 2;
  }
  if (as_allowed && i + 2 == n && kw_is(vec_nth(v, i), "as")) return local_name(vec_nth(v, i + 1));
  return i == n;
}

static bool vec_of(Val v, bool (*ok)(Val)) {
  if (!is_vec(v)) return false;
  for (uint32_t i = 0; i < vec_count(v); i++)
    if (!ok(vec_nth(v, i))) return false;
  return true;
}

static bool any_sym(Val v) { return is_sym(v); }
static bool any_ident(Val v) { return is_sym(v) || is_kw(v); }

static bool defaults_ok(Val m) {
  if (!is_map(m)) return false;
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  while (map_next(&it, &k, &v))
    if (!simple_sym(k)) return false;
  return true;
}

static bool special_key_ok(Val k, Val v) {
  const char *name = str_s(AS(Kw, k)->name);
  if (!is_nil(AS(Kw, k)->ns)) return (!strcmp(name, "keys") || !strcmp(name, "syms")) && vec_of(v, simple_sym);
  if (!strcmp(name, "keys")) return vec_of(v, any_ident);
  if (!strcmp(name, "syms")) return vec_of(v, any_sym);
  if (!strcmp(name, "strs")) return vec_of(v, simple_sym);
  if (!strcmp(name, "or")) return defaults_ok(v);
  return !strcmp(name, "as") && local_name(v);
}

static bool map_ok(Val m) {
  MapIter it;
  Val k, v;
  map_iter(&it, m);
  while (map_next(&it, &k, &v))
    if (is_kw(k) ? !special_key_ok(k, v) : !destructure_ok(k)) return false;
  return true;
}

bool destructure_ok(Val p) { return is_vec(p) ? seq_ok(p, true) : is_map(p) ? map_ok(p) : local_name(p); }
bool destructure_params_ok(Val params) { return is_vec(params) && seq_ok(params, false); }

bool destructure_bindings_ok(Val b) {
  if (!is_vec(b) || vec_count(b) % 2) return false;
  for (uint32_t i = 0; i < vec_count(b); i += 2)
    if (!destructure_ok(vec_nth(b, i))) return false;
  return true;
}

/* --- bindings ------------------------------------------------------------------------------------------------------------ */
static void bind(ValVec *out, Val sym, Val form) {
  vv_push(out, sym_bare(sym));
  vv_push(out, form);
}

static Val hold(Expander *x, Val value, bool stable, const char *prefix, ValVec *out) {
  if (stable && is_sym(value)) return value;
  Val g = expand_gensym(x, prefix);
  bind(out, g, value);
  return g;
}

/* Elements up to n one by one from a seq that is stepped along, then the rest. */
static Val seq_with_rest(Expander *x, Val p, uint32_t n, Val value, ValVec *out) {
  Val s = expand_gensym(x, "seq");
  bind(out, s, LIST(core_sym("seq"), value));
  for (uint32_t i = 0; i < n; i++) {
    CHECK(destructure(x, vec_nth(p, i), LIST(core_sym("first"), s), false, out));
    bind(out, s, LIST(core_sym("next"), s));
  }
  return destructure(x, vec_nth(p, n + 1), s, true, out);
}

static Val bind_seq(Expander *x, Val p, Val value, bool stable, ValVec *out) {
  uint32_t n = vec_count(p), fixed = 0;
  while (fixed < n && !sym_is(vec_nth(p, fixed), "&") && !kw_is(vec_nth(p, fixed), "as")) fixed++;
  bool rest = fixed + 1 < n && sym_is(vec_nth(p, fixed), "&");
  uint32_t as = fixed + (rest ? 2 : 0);
  Val g = hold(x, value, stable, "vec", out);
  if (rest) CHECK(seq_with_rest(x, p, fixed, g, out));
  for (uint32_t i = 0; i < fixed && !rest; i++)
    CHECK(destructure(x, vec_nth(p, i), LIST(core_sym("nth"), g, fix(i), NIL), false, out));
  if (as < n) {
    if (as + 2 != n) return err_runtime("Unsupported binding form, only :as can follow & parameter");
    bind(out, vec_nth(p, as + 1), g);
  }
  return NIL;
}

static Val get_form(Val g, Val key, Val local, Val defaults) {
  Val dflt = is_map(defaults) ? map_get(defaults, local, ABSENT) : ABSENT;
  return same(dflt, ABSENT) ? LIST(core_sym("get"), g, key) : LIST(core_sym("get"), g, key, dflt);
}

/* The key that `name` in {:ns/keys [name]} looks up. */
static Val named_key(const char *kind, Val group_ns, Val name) {
  Val ns = is_sym(name) ? AS(Sym, name)->ns : AS(Kw, name)->ns;
  Val text = is_sym(name) ? AS(Sym, name)->name : AS(Kw, name)->name;
  if (!strcmp(kind, "strs")) return text;
  if (!is_nil(group_ns)) ns = group_ns;
  return !strcmp(kind, "keys") ? kw_of(ns, text) : quoted(sym_of(ns, text));
}

static Val bind_group(Val group, Val names, Val g, Val defaults, ValVec *out) {
  const char *kind = str_s(AS(Kw, group)->name);
  for (uint32_t i = 0; i < vec_count(names); i++) {
    Val name = vec_nth(names, i);
    Val local = sym_of(NIL, is_sym(name) ? AS(Sym, name)->name : AS(Kw, name)->name);
    bind(out, local, get_form(g, named_key(kind, AS(Kw, group)->ns, name), local, defaults));
  }
  return NIL;
}

static Val bind_map(Expander *x, Val p, Val value, ValVec *out) {
  Val defaults = map_get_kw(p, "or"), as = map_get_kw(p, "as");
  Val g = expand_gensym(x, "map"), k, v;
  bind(out, g, LIST(core_sym("destructure-map*"), value));
  if (is_sym(as)) bind(out, as, g);
  MapIter it;
  map_iter(&it, p);
  while (map_next(&it, &k, &v)) { /* first the patterns with keys of their own, as Clojure orders them */
    if (is_kw(k)) continue;
    CHECK(destructure(x, k, get_form(g, v, k, defaults), false, out));
  }
  map_iter(&it, p);
  while (map_next(&it, &k, &v))
    if (is_kw(k) && is_vec(v)) CHECK(bind_group(k, v, g, defaults, out));
  return NIL;
}

Val destructure(Expander *x, Val p, Val value, bool stable, ValVec *out) {
  if (!destructure_ok(p)) {
    Buf b = {0};
    TRY(plain, form_plain(x, p));
    CHECK(print_to(&b, plain, &print_readably));
    Val e = err_runtime("Unsupported binding form: %s", buf_cstr(&b));
    buf_free(&b);
    return e;
  }
  if (is_vec(p)) return bind_seq(x, p, value, stable, out);
  if (is_map(p)) return bind_map(x, p, value, out);
  bind(out, p, value);
  return NIL;
}

/* --- at run time ---------------------------------------------------------------------------------------------------------- */
static Val with_trailing_map(ValVec *kvs) {
  TRY(m, coll_conj(map_empty, kvs->a[kvs->n - 1]));
  MapIter it;
  Val k, v;
  kvs->n--;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    vv_push(kvs, k);
    vv_push(kvs, v);
  }
  return amap_from(kvs->a, kvs->n / 2);
}

Val destructure_map(Val v) {
  if (!is_seq(v)) return v;
  ValVec kvs = {0};
  CHECK(coll_into_array(v, &kvs));
  if (kvs.n == 0) return map_empty;
  if (kvs.n == 1) return kvs.a[0];
  return kvs.n % 2 ? with_trailing_map(&kvs) : amap_from(kvs.a, kvs.n / 2);
}
