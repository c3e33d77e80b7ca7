/* flowdef_lint.c - one walk over the orchestration body: finds step calls and hands them to flowdef_step.c, and warns of what
 * upstream's linter refuses (spec/flows.md 2.2, 2.3, 2.6). Local names shadow; quoted data, (comment ...) and :code of
 * functions are not looked into, what is unquoted inside a syntax-quote is. */
#include "flowdef_int.h"

#define N_OF(a) (sizeof(a) / sizeof *(a))

/* Where the walk stands. Passed by value: scopes end by returning. */
typedef struct Scope {
  Val locals;    /* set of symbols */
  Val inputs;    /* of these: bound to the run's input, or to a part of it */
  bool threaded; /* inside a threading macro that is not taken apart: arguments are missing */
  bool in_code;  /* code of a :function step: all of the library may be used */
  struct Loop *loop;
} Scope;
struct Loop {
  bool steps, waits, recurs;
  struct Loop *up;
};

static void walk(Check *c, Val form, At at, Scope s);

static const char *const transforms[] = {"map", "filter", "reduce", "mapv", "filterv", "mapcat", "keep", "keep-indexed", "remove"};
static const char *const visual[] = {"->>", "as->", "some->", "some->>", "cond->", "cond->>"};
static const char *const random_fns[] = {"rand", "rand-int", "rand-nth", "random-uuid", "random-sample", "shuffle"};

static bool name_in(const char *s, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!strcmp(s, names[i])) return true;
  return false;
}

static bool is_local(Scope s, Val sym) { return is_nil(AS(Sym, sym)->ns) && !same(set_get(s.locals, sym, ABSENT), ABSENT); }
static Val plain_sym(Val sym) { return is_nil(AS(Sym, sym)->meta) ? sym : sym_of(AS(Sym, sym)->ns, AS(Sym, sym)->name); }
static bool core_ns(Val sym) { return is_nil(AS(Sym, sym)->ns) || str_eq_c(AS(Sym, sym)->ns, "clojure.core"); }

/* A symbol that stands for a core name. */
static bool is_core(Scope s, Val sym, const char *name) {
  return is_sym(sym) && core_ns(sym) && str_eq_c(AS(Sym, sym)->name, name) && !is_local(s, sym);
}

static Scope with_local(Scope s, Val sym, bool input) {
  sym = plain_sym(sym);
  Val locals = set_conj(s.locals, sym), inputs = input ? set_conj(s.inputs, sym) : set_disj(s.inputs, sym);
  if (!is_sig(locals)) s.locals = locals;
  if (!is_sig(inputs)) s.inputs = inputs;
  return s;
}

/* --- input keys --------------------------------------------------------------------------------------------------- */
/* Does the form give the run's input, or a part of it? */
static bool from_input(Val form, Scope s) {
  if (is_sym(form)) return is_nil(AS(Sym, form)->ns) && !same(set_get(s.inputs, form, ABSENT), ABSENT);
  if (list_head_is(form, "flow", "input")) return true;
  uint32_t n = list_n(form);
  Val head = list_nth(form, 0);
  if (n >= 2 && is_kw(head)) return from_input(list_nth(form, 1), s);
  if (n >= 3 && (is_core(s, head, "get") || is_core(s, head, "get-in"))) return from_input(list_nth(form, 1), s);
  if (n >= 2 && (is_core(s, head, "or") || is_core(s, head, "assoc") || is_core(s, head, "merge"))) return from_input(list_nth(form, 1), s);
  return false;
}

/* Would JSON have made a keyword of it? */
static bool key_like(Val v) {
  return is_str(v) && str_n(v) && strspn(str_s(v), "0123456789") == 0 && strcspn(str_s(v), " \t\r\n\"'()[]{},;@^`~\\:") == str_n(v);
}

static void string_key(Check *c, Val key, At at) {
  diag_add(c, DIAG_string_key_lookup, at, NULL, "the input is looked up with the string %s", val_text(key));
}

static void check_lookup(Check *c, Val form, At at, Scope s) {
  uint32_t n = list_n(form);
  Val head = list_nth(form, 0), key = list_nth(form, 2);
  if (n == 2 && is_sym(head) && from_input(head, s) && key_like(list_nth(form, 1))) string_key(c, list_nth(form, 1), at);
  if (n < 3 || !from_input(list_nth(form, 1), s)) return;
  if (is_core(s, head, "get") && key_like(key)) string_key(c, key, at_kid(c, at, 2, key));
  if (!is_core(s, head, "get-in") || !is_vec(key)) return;
  for (uint32_t i = 0; i < vec_count(key); i++)
    if (key_like(vec_nth(key, i))) string_key(c, vec_nth(key, i), at_kid(c, at, 2, key));
}

/* --- symbols ------------------------------------------------------------------------------------------------------ */
static void note_free(Check *c, Val sym, At at) {
  if (!same(set_get(c->free_set, sym, ABSENT), ABSENT)) return;
  Val seen = set_conj(c->free_set, sym);
  if (is_sig(seen)) return;
  c->free_set = seen;
  if (c->free_syms.n == c->free_cap) {
    c->free_cap = c->free_cap ? c->free_cap * 2 : 32;
    c->free_at = mem_raw_grow(c->free_at, c->free_cap * sizeof *c->free_at);
  }
  c->free_at[c->free_syms.n] = at;
  vv_push(&c->free_syms, sym);
}

static void walk_symbol(Check *c, Val sym, At at, Scope s) {
  if (is_local(s, sym)) return;
  note_free(c, sym, at);
  const char *name = str_s(AS(Sym, sym)->name);
  if (!core_ns(sym) || s.in_code) return;
  if (name_in(name, transforms, N_OF(transforms)))
    diag_add(c, DIAG_prohibited_orchestration_transform, at, NULL, "%s is not for the orchestration body", val_text(sym));
  if (name_in(name, random_fns, N_OF(random_fns)))
    diag_add(c, DIAG_nondeterministic_call, at, NULL, "%s gives another value each time", val_text(sym));
}

/* --- binding forms ------------------------------------------------------------------------------------------------ */
static Scope bind_pattern(Check *c, Val p, At at, Scope s, bool input);

static Scope bind_keys(Val syms, Scope s, bool input) {
  for (uint32_t i = 0; is_vec(syms) && i < vec_count(syms); i++) {
    Val v = vec_nth(syms, i);
    if (is_kw(v))
      s = with_local(s, sym_of(NIL, AS(Kw, v)->name), input);
    else if (is_sym(v))
      s = with_local(s, sym_of(NIL, AS(Sym, v)->name), input);
  }
  return s;
}

static Scope bind_map(Check *c, Val p, At at, Scope s, bool input) {
  MapIter it;
  Val k, v;
  map_iter(&it, p);
  while (map_next(&it, &k, &v)) {
    const char *name = is_kw(k) ? str_s(AS(Kw, k)->name) : "";
    if (!strcmp(name, "keys") || !strcmp(name, "syms"))
      s = bind_keys(v, s, input);
    else if (!strcmp(name, "strs")) {
      if (input && is_vec(v) && vec_count(v))
        diag_add(c, DIAG_string_key_lookup, at_entry(c, at, k), "use {:keys [...]}", "the input is taken apart by string keys");
      s = bind_keys(v, s, input);
    } else if (!strcmp(name, "as") && is_sym(v))
      s = with_local(s, v, input);
    else if (!is_kw(k)) {
      if (input && key_like(v)) string_key(c, v, at);
      s = bind_pattern(c, k, at_key(c, at, k), s, input);
    }
  }
  Val defaults = map_get_kw(p, "or");
  if (!is_map(defaults)) return s;
  At or_at = at_field(c, at, "or");
  map_iter(&it, defaults);
  while (map_next(&it, &k, &v)) walk(c, v, at_entry(c, or_at, k), s);
  return s;
}

static Scope bind_pattern(Check *c, Val p, At at, Scope s, bool input) {
  if (is_sym(p)) return sym_is(p, "&") ? s : with_local(s, p, input);
  if (is_map(p)) return bind_map(c, p, at, s, input);
  for (uint32_t i = 0; is_vec(p) && i < vec_count(p); i++) s = bind_pattern(c, vec_nth(p, i), at_kid(c, at, i, vec_nth(p, i)), s, false);
  return s;
}

/* [pattern init ...]: let, loop, for and relatives; :let :when :while of `for`. */
static Scope walk_bindings(Check *c, Val vec, At at, Scope s) {
  if (!is_vec(vec)) {
    walk(c, vec, at, s);
    return s;
  }
  for (uint32_t i = 0; i < vec_count(vec); i += 2) {
    Val p = vec_nth(vec, i), init = i + 1 < vec_count(vec) ? vec_nth(vec, i + 1) : NIL;
    At p_at = at_kid(c, at, i, p), init_at = at_kid(c, at, i + 1, init); /* in the order of the text */
    if (is_kw(p)) {
      if (kw_is(p, "let"))
        s = walk_bindings(c, init, init_at, s);
      else
        walk(c, init, init_at, s);
      continue;
    }
    walk(c, init, init_at, s);
    s = bind_pattern(c, p, p_at, s, from_input(init, s));
  }
  return s;
}

static void walk_rest(Check *c, Val form, At at, uint32_t from, Scope s) {
  uint32_t i = 0;
  for (Val l = form; is_type(l, T_LIST); l = AS(List, l)->rest, i++)
    if (i >= from) walk(c, AS(List, l)->first, at_kid(c, at, i, AS(List, l)->first), s);
}

static void walk_let(Check *c, Val form, At at, Scope s) {
  Val b = list_nth(form, 1);
  walk_rest(c, form, at, 2, walk_bindings(c, b, at_kid(c, at, 1, b), s));
}

/* (if-let [p init] then else): the name is not there in else. */
static void walk_if_let(Check *c, Val form, At at, Scope s) {
  Val b = list_nth(form, 1), then = list_nth(form, 2);
  Scope inner = walk_bindings(c, b, at_kid(c, at, 1, b), s);
  walk(c, then, at_kid(c, at, 2, then), inner);
  walk_rest(c, form, at, 3, s);
}

static void walk_loop(Check *c, Val form, At at, Scope s) {
  struct Loop loop = {.up = s.loop};
  Val b = list_nth(form, 1);
  Scope inner = walk_bindings(c, b, at_kid(c, at, 1, b), s);
  inner.loop = &loop;
  walk_rest(c, form, at, 2, inner);
  if (loop.steps && loop.recurs && !loop.waits && !s.in_code)
    diag_add(c, DIAG_loop_without_wait, at, NULL, "this loop runs steps and never waits");
  if (s.loop) s.loop->steps |= loop.steps, s.loop->waits |= loop.waits;
}

static void walk_params(Check *c, Val list, At at, uint32_t from, Scope s) { /* [params] body... */
  Val params = list_nth(list, from);
  s = bind_pattern(c, params, at_kid(c, at, from, params), s, false);
  walk_rest(c, list, at, from + 1, s);
}

static void walk_fn(Check *c, Val form, At at, Scope s) {
  uint32_t i = 1;
  struct Loop own = {0}; /* recur inside belongs to the function */
  struct Loop *outer = s.loop;
  s.loop = &own;
  if (is_sym(list_nth(form, i))) s = with_local(s, list_nth(form, i++), false);
  if (is_str(list_nth(form, i)) && i + 1 < list_n(form)) i++;
  if (is_vec(list_nth(form, i)))
    walk_params(c, form, at, i, s);
  else
    for (; i < list_n(form); i++) {
      Val arity = list_nth(form, i);
      if (is_type(arity, T_LIST))
        walk_params(c, arity, at_kid(c, at, i, arity), 0, s);
      else
        walk(c, arity, at_kid(c, at, i, arity), s);
    }
  if (outer) outer->steps |= own.steps, outer->waits |= own.waits;
}

static void walk_letfn(Check *c, Val form, At at, Scope s) {
  Val fns = list_nth(form, 1);
  At fns_at = at_kid(c, at, 1, fns);
  for (uint32_t i = 0; is_vec(fns) && i < vec_count(fns); i++)
    if (is_sym(list_nth(vec_nth(fns, i), 0))) s = with_local(s, list_nth(vec_nth(fns, i), 0), false);
  for (uint32_t i = 0; is_vec(fns) && i < vec_count(fns); i++) {
    Val f = vec_nth(fns, i);
    if (is_vec(list_nth(f, 1)))
      walk_params(c, f, at_kid(c, fns_at, i, f), 1, s);
    else
      walk_rest(c, f, at_kid(c, fns_at, i, f), 1, s);
  }
  walk_rest(c, form, at, 2, s);
}

static void walk_catch(Check *c, Val form, At at, Scope s) {
  if (is_sym(list_nth(form, 2))) s = with_local(s, list_nth(form, 2), false);
  walk_rest(c, form, at, 3, s);
}

static void walk_case(Check *c, Val form, At at, Scope s) {
  uint32_t n = list_n(form);
  Val on = list_nth(form, 1);
  walk(c, on, at_kid(c, at, 1, on), s);
  for (uint32_t i = 2; i < n; i++)
    if ((i & 1) || i + 1 == n) walk(c, list_nth(form, i), at_kid(c, at, i, list_nth(form, i)), s);
}

static void walk_as(Check *c, Val form, At at, Scope s) {
  Val x = list_nth(form, 1), name = list_nth(form, 2);
  walk(c, x, at_kid(c, at, 1, x), s);
  if (is_sym(name)) s = with_local(s, name, from_input(x, s));
  walk_rest(c, form, at, 3, s);
}

static void walk_threaded(Check *c, Val form, At at, Scope s) {
  Val x = list_nth(form, 1);
  walk(c, x, at_kid(c, at, 1, x), s);
  s.threaded = true;
  walk_rest(c, form, at, 2, s);
}

/* (-> x (get "k")) is (get x "k"): the lookups are seen by putting x in. */
static void walk_arrow(Check *c, Val form, At at, Scope s) {
  Val acc = list_nth(form, 1);
  bool input = from_input(acc, s);
  for (uint32_t i = 2; input && i < list_n(form); i++) {
    Val step = list_nth(form, i), key = list_nth(step, 1);
    if (is_type(step, T_LIST) && is_core(s, list_nth(step, 0), "get") && key_like(key)) string_key(c, key, at_kid(c, at, i, step));
    input = is_kw(step) || (is_type(step, T_LIST) && is_core(s, list_nth(step, 0), "get"));
  }
  walk_threaded(c, form, at, s);
}

static void walk_quoted(Check *c, Val form, At at, Scope s) {
  (void)c;
  (void)form;
  (void)at;
  (void)s;
}
static void walk_def(Check *c, Val form, At at, Scope s) { walk_rest(c, form, at, 2, s); }
static void walk_defn(Check *c, Val form, At at, Scope s) { walk_fn(c, form, at, s); }

static void walk_recur(Check *c, Val form, At at, Scope s) {
  if (s.loop) s.loop->recurs = true;
  walk_rest(c, form, at, 1, s);
}

static const struct {
  const char *name;
  void (*f)(Check *c, Val form, At at, Scope s);
} special[] = {{"quote", walk_quoted},    {"comment", walk_quoted},   {"import", walk_quoted},   {"ns", walk_quoted},
               {"declare", walk_quoted},  {"let", walk_let},          {"let*", walk_let},        {"when-let", walk_let},
               {"when-some", walk_let},   {"when-first", walk_let},   {"for", walk_let},         {"doseq", walk_let},
               {"dotimes", walk_let},     {"with-open", walk_let},    {"if-let", walk_if_let},   {"if-some", walk_if_let},
               {"loop", walk_loop},       {"loop*", walk_loop},       {"fn", walk_fn},           {"fn*", walk_fn},
               {"letfn", walk_letfn},     {"defn", walk_defn},        {"defn-", walk_defn},      {"defmacro", walk_defn},
               {"def", walk_def},         {"defonce", walk_def},      {"catch", walk_catch},     {"case", walk_case},
               {"->", walk_arrow},        {"->>", walk_threaded},     {"some->", walk_threaded}, {"some->>", walk_threaded},
               {"cond->", walk_threaded}, {"cond->>", walk_threaded}, {"doto", walk_threaded},   {"..", walk_threaded},
               {"as->", walk_as},         {"recur", walk_recur}};

/* --- steps -------------------------------------------------------------------------------------------------------- */
/* Config of a step: all of it is evaluated, but :code of functions is no orchestration. */
static void walk_config(Check *c, Val cfg, At at, Scope s) {
  MapIter it;
  Val k, v;
  map_iter(&it, cfg);
  while (map_next(&it, &k, &v)) {
    Scope inner = s;
    inner.in_code |= kw_is(k, "code") || kw_is(k, "parser-fn") || kw_is(k, "transform");
    walk(c, k, at_key(c, at, k), s);
    walk(c, v, at_entry(c, at, k), inner);
  }
}

static void walk_step(Check *c, Val form, At at, Scope s) {
  Val type = list_nth(form, 1);
  if (s.loop) {
    s.loop->steps = true;
    s.loop->waits |= kw_is(type, "wait") || kw_is(type, "sleep");
  }
  check_step(c, form, at, s.threaded);
  s.threaded = false;
  uint32_t n = list_n(form);
  for (uint32_t i = 1; i < n; i++) {
    Val x = list_nth(form, i);
    if (is_map(x))
      walk_config(c, x, at_kid(c, at, i, x), s);
    else
      walk(c, x, at_kid(c, at, i, x), s);
  }
}

static void walk_poll(Check *c, Val form, At at, Scope s) {
  if (s.loop) s.loop->steps = s.loop->waits = true;
  if (!s.threaded) check_poll(c, form, at);
  s.threaded = false;
  struct Loop own = {0};
  s.loop = &own;
  walk_rest(c, form, at, 1, s);
}

/* --- the walk ----------------------------------------------------------------------------------------------------- */
static bool walk_special(Check *c, Val form, At at, Scope s) {
  Val head = list_nth(form, 0);
  if (!is_sym(head) || !core_ns(head) || is_local(s, head)) return false;
  const char *name = str_s(AS(Sym, head)->name);
  if (is_nil(AS(Sym, head)->ns) && !s.in_code && name_in(name, visual, N_OF(visual)))
    diag_add(c, DIAG_unsupported_visual_flow_form, at, NULL, "%s is not for the orchestration body", name);
  if (!strcmp(name, "range") && list_n(form) == 1) diag_add(c, DIAG_sandbox_unbounded_range, at, NULL, "(range) never ends");
  for (size_t i = 0; i < N_OF(special); i++)
    if (!strcmp(name, special[i].name)) {
      s.threaded = false;
      special[i].f(c, form, at, s);
      return true;
    }
  return false;
}

static void walk_list(Check *c, Val form, At at, Scope s) {
  if (list_head_is(form, "flow", "step"))
    walk_step(c, form, at, s);
  else if (list_head_is(form, "flow", "poll"))
    walk_poll(c, form, at, s);
  else if (!walk_special(c, form, at, s)) {
    if (list_head_is(form, "flow", "call-flow")) check_call_flow(c, form, at, s.threaded);
    if (!s.threaded) check_lookup(c, form, at, s);
    s.threaded = false;
    walk_rest(c, form, at, 0, s);
  }
}

static void walk_map(Check *c, Val form, At at, Scope s) {
  MapIter it;
  Val k, v;
  map_iter(&it, form);
  while (map_next(&it, &k, &v)) {
    walk(c, k, at_key(c, at, k), s);
    if (!is_set(form)) walk(c, v, at_entry(c, at, k), s);
  }
}

static void walk_keyword(Check *c, Val form) {
  if (is_nil(AS(Kw, form)->ns)) return;
  Val s = set_conj(c->mentioned, form);
  if (!is_sig(s)) c->mentioned = s;
}

static void walk(Check *c, Val form, At at, Scope s) {
  if (is_sym(form))
    walk_symbol(c, form, at, s);
  else if (is_kw(form))
    walk_keyword(c, form);
  else if (is_type(form, T_LIST)) {
    At own = at_form(c, form, at);
    walk_list(c, form, own.n ? own : at, s);
  } else {
    s.threaded = false;
    if (is_map(form) || is_set(form)) walk_map(c, form, at, s);
    for (uint32_t i = 0; is_vec(form) && i < vec_count(form); i++) walk(c, vec_nth(form, i), at_kid(c, at, i, vec_nth(form, i)), s);
  }
}

void check_body(Check *c, At at) {
  path_kw(c, "flow");
  walk(c, c->f->body, at, (Scope){.locals = set_empty, .inputs = set_empty});
  path_pop(c);
}

/* --- strings anywhere --------------------------------------------------------------------------------------------- */
static bool word_char(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9'); }

/* ws-... as a word of its own. */
static const char *workspace_id(const char *text, size_t n, size_t *len) {
  for (size_t i = 0; i + 4 < n; i++) {
    if (memcmp(text + i, "ws-", 3) || !word_char(text[i + 3]) ||
        (i && (word_char(text[i - 1]) || text[i - 1] == '-' || text[i - 1] == '_')))
      continue;
    for (*len = 3; i + *len < n && (word_char(text[i + *len]) || text[i + *len] == '-' || text[i + *len] == '_');) ++*len;
    return text + i;
  }
  return NULL;
}

static bool inside(const PosNode *n, const PosNode *outer) { return outer && n->at >= outer->at && n->end <= outer->end; }

static void check_string(Check *c, const PosNode *n, bool out_of_line) {
  const char *s = c->f->text + n->at;
  size_t len = n->end - n->at, id_len;
  At at = at_node(c, n, c->root);
  const char *id = workspace_id(s, len, &id_len);
  if (id)
    diag_add(c, DIAG_hardcoded_workspace_id, at, NULL, "the workspace id %.*s is written into the flow", (int)(id_len < 60 ? id_len : 60),
             id);
  if (len > 4002 && !out_of_line)
    diag_add(c, DIAG_large_inline_string, at, NULL, "a string of %zu KB stands in the definition", len / 1024);
}

void check_strings(Check *c) {
  const PosNode *templates = at_field(c, c->root, "templates").n, *functions = at_field(c, c->root, "functions").n;
  for (uint32_t i = 1; i < c->pos.na; i++) {
    const PosNode *n = &c->pos.a[i];
    if (n->kind == POS_ATOM && c->f->text[n->at] == '"') check_string(c, n, inside(n, templates) || inside(n, functions));
  }
}
