/* template_helper.c - the helpers of template_helpers.h. Each gets its evaluated arguments and the call, for arguments by name. */
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/seq.h"
#include "runtime/base/json.h"
#include "template_int.h"

typedef struct Call { Render *r; const Expr *x; Val args[2]; int n; } Call;
#define FAIL(c, ...) (template_fail((c)->r->t, (c)->x->at, (c)->r->e, __VA_ARGS__), SIG_THROW)

/* Argument by name, or positional `i`; ABSENT when neither is there. */
static Val named(Call *c, const char *name, int i) {
  for (const Arg *a = c->x->hash; a; a = a->next)
    if (a->name.n == strlen(name) && !memcmp(a->name.s, name, a->name.n)) {
      Val v = template_eval(c->r, a->value);
      if (!same(v, ABSENT) || c->r->o->lenient) return v;
      template_missing(c->r, a->value);
      return SIG_THROW;
    }
  return i && i < c->n ? c->args[i] : ABSENT;
}

/* The text of a value as a string value, and paid for. */
static Val text_of(Call *c, Val v) {
  Buf b = {0};
  if (template_text(c->r, c->x->at, v, &b)) return buf_str(&b);
  buf_free(&b);
  return SIG_THROW;
}

static Val helper_lookup(Call *c) { return template_member(c->r, c->args[0], c->args[1]); }

static Val helper_truncate(Call *c) {
  TRY(text, text_of(c, c->args[0]));
  TRY(length, named(c, "length", 1));
  TRY(suffix, named(c, "suffix", 0));
  if (same(length, ABSENT)) length = fix(100);
  if (!is_fix(length) || fix_of(length) < 0) return FAIL(c, "length of truncate must be an integer, 0 or more");
  if ((int64_t)AS(Str, text)->nchars <= fix_of(length)) return text;
  Buf b = {0};
  buf_add(&b, str_s(text), str_byte_of(text, (uint32_t)fix_of(length)));
  if (same(suffix, ABSENT)) buf_c(&b, "...");
  else if (!template_text(c->r, c->x->at, suffix, &b)) return buf_free(&b), SIG_THROW;
  return buf_str(&b);
}

static Val helper_json(Call *c) {
  TRY(pretty, named(c, "pretty", 0));
  Buf b = {0};
  bool wide = truthy(pretty) && !same(pretty, ABSENT);
  Val s = wide ? json_pretty(&b, c->args[0]) : json_print(&b, c->args[0]);
  if (!is_sig(s) && template_spend(c->r, c->x->at, b.n / TEMPLATE_WORK_BYTES)) return buf_str(&b);
  buf_free(&b);
  if (!is_sig(s)) return s = SIG_THROW;
  Val ex = pend.ex;
  pend.ex = NIL;
  return FAIL(c, "json: %.200s", is_type(ex, T_EX) && is_str(AS(Ex, ex)->msg) ? str_s(AS(Ex, ex)->msg) : "this value has no JSON form");
}

static bool is_list_like(Val v) { return is_sequential(v) || is_set(v); }

/* Counting and the last element walk what is no vector. */
static Val walk_cost(Call *c, Val v, int64_t *count) {
  TRY(n, coll_count(v));
  *count = long_of(n);
  return is_vec(v) || template_spend(c->r, c->x->at, (size_t)*count) ? NIL : SIG_THROW;
}

static Val helper_length(Call *c) {
  Val v = c->args[0];
  int64_t n;
  if (is_nil(v)) return fix(0);
  if (is_str(v)) return fix(AS(Str, v)->nchars);
  if (is_map(v)) return fix(map_count(v));
  if (!is_list_like(v)) return FAIL(c, "length takes a list, a map or a text");
  CHECK(walk_cost(c, v, &n));
  return fix(n);
}

static Val helper_join(Call *c) {
  ValVec items = {0};
  Val v = c->args[0];
  TRY(separator, named(c, "separator", 1));
  if (same(separator, ABSENT)) separator = str_c(", ");
  if (is_nil(v)) return str_c("");
  if (!is_list_like(v)) return FAIL(c, "join takes a list");
  if (is_sig(coll_into_array(v, &items))) return FAIL(c, "this list cannot be read");
  TRY(between, text_of(c, separator));
  Buf b = {0};
  for (size_t i = 0; i < items.n; i++) {
    if (i) buf_add(&b, str_s(between), str_n(between));
    if (template_spend(c->r, c->x->at, 1 + str_n(between) / TEMPLATE_WORK_BYTES) && template_text(c->r, c->x->at, items.a[i], &b)) continue;
    buf_free(&b);
    return SIG_THROW;
  }
  return buf_str(&b);
}

static Val end_of(Call *c, bool last) {
  Val v = c->args[0];
  int64_t n;
  if (is_nil(v)) return NIL;
  if (is_str(v)) {
    uint32_t chars = AS(Str, v)->nchars, at = last ? chars - 1 : 0;
    if (!template_spend(c->r, c->x->at, last ? str_n(v) / TEMPLATE_WORK_BYTES : 0)) return SIG_THROW;
    return chars ? str_sub(v, at, at + 1) : NIL;
  }
  if (!is_list_like(v)) return FAIL(c, "%s takes a list or a text", last ? "last" : "first");
  if (!last || is_set(v)) {
    Val s = seq_of(v), next;
    for (; last && !is_nil(s) && !is_nil(next = seq_next(s)); s = next)
      if (!template_spend(c->r, c->x->at, 1)) return SIG_THROW;
    return is_nil(s) ? NIL : seq_first(s);
  }
  CHECK(walk_cost(c, v, &n));
  return n ? coll_nth(v, n - 1, NIL) : NIL;
}

static Val helper_first(Call *c) { return end_of(c, false); }
static Val helper_last(Call *c) { return end_of(c, true); }

static Val helper_default(Call *c) {
  Val v = c->args[0];
  return is_nil(v) || same(v, ABSENT) || (is_str(v) && !str_n(v)) ? c->args[1] : v;
}

Val template_call(Render *r, const Expr *x) {
  static Val (*const functions[])(Call *) = {
#define HELPER_FN(name, least, most, hash, doc) helper_##name,
      TEMPLATE_HELPERS(HELPER_FN)};
  Call c = {.r = r, .x = x};
  for (const Expr *a = x->args; a; a = a->next) {
    TRY(v, template_eval(r, a));
    bool may_lack = r->o->lenient || (x->helper == HELPER_default && !c.n);
    if (same(v, ABSENT) && !may_lack) return template_missing(r, a), SIG_THROW;
    c.args[c.n++] = same(v, ABSENT) && x->helper != HELPER_default ? NIL : v;
  }
  Val v = functions[x->helper](&c);
  if (!is_sig(v) || *r->e->msg) return v;
  pend.ex = NIL; /* an exception of the values' own */
  return FAIL(&c, "this helper cannot work on the value");
}
