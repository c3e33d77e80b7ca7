#include "step_source.h"
#include "reader/map.h"
#include "reader/vec.h"
#include "step_fields.h"
#include "step_options.h"
#include <ctype.h>
#include <string.h>

#define N_OF(a) (sizeof(a) / sizeof *(a))

bool step_source_id_ok(const char *id) {
  int slashes = 0;
  if (!isalpha((unsigned char)*id)) return false;
  for (const char *p = id; *p; p++) {
    slashes += *p == '/';
    if (!isalnum((unsigned char)*p) && !strchr("-_.?!*+/", *p)) return false;
    if (*p == '/' && (!p[1] || p[1] == '/')) return false;
  }
  return slashes <= 1;
}

/* --- taking a text apart ----------------------------------------------------------------------------------------------------------------
 */
typedef struct Text {
  PosIndex ix;
  const PosNode *body; /* the value of :flow */
} Text;

static bool text_open(Text *t, const char *text, size_t n, Err *err) {
  pos_init(&t->ix, text, n);
  const PosNode *root = pos_root(&t->ix);
  t->body = root ? pos_entry(&t->ix, pos_value(&t->ix, root), kw_c("flow"), false) : NULL;
  if (t->body) return true;
  pos_free(&t->ix);
  return err_set(err, "flow_invalid", "the definition has no :flow that could be found in its text");
}

static void around(const Text *t, const char *body, size_t n, Buf *out) {
  out->n = 0;
  buf_add(out, t->ix.text, t->body->at);
  buf_add(out, body, n);
  buf_add(out, t->ix.text + t->body->end, t->ix.n - t->body->end);
}

bool step_source_call(const char *text, size_t n, const char *type, const char *id, Buf *out, Err *err) {
  static const char none[] =
      "{:slug :steps :name \"Steps run alone\" :concurrency {:type :keyed :key-field :step :on-new-version :coexist}\n"
      " :invocations {:default {:label \"Run\" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}\n :flow nil}";
  Text t;
  Buf body = {0};
  if (!text) text = none, n = sizeof none - 1;
  if (!text_open(&t, text, n, err)) return false;
  buf_fmt(&body, "(quote (flow/step :%s :%s (:params (flow/input))))", type, id);
  around(&t, body.p, body.n, out);
  buf_free(&body);
  pos_free(&t.ix);
  return true;
}

/* --- one step of a body ------------------------------------------------------------------------------------------------------------------
 */
static bool node_is(const Text *t, const PosNode *n, const char *what) {
  return n && n->kind == POS_ATOM && n->end - n->at == strlen(what) && !memcmp(t->ix.text + n->at, what, n->end - n->at);
}

/* Does the id stand anywhere in the node? */
static bool node_has(const Text *t, const PosNode *n, const char *kw) {
  if (node_is(t, n, kw)) return true;
  for (uint32_t k = n->first; k; k = t->ix.a[k].next)
    if (node_has(t, &t->ix.a[k], kw)) return true;
  return false;
}

typedef struct Rewrite {
  const Text *t;
  const char *kw; /* ":fetch" */
  uint32_t copied;
  Buf *out;
} Rewrite;

static void put(Rewrite *w, const PosNode *n, const char *instead) {
  buf_add(w->out, w->t->ix.text + w->copied, n->at - w->copied);
  buf_c(w->out, instead);
  w->copied = n->end;
}

/* Calls of steps become calls of the functions of the wrapper; a poll for another step would go on for ever and is left out. */
static void rewrite(Rewrite *w, const PosNode *n) {
  const PosNode *head = n->kind == POS_LIST ? pos_kid(&w->t->ix, n, 0) : NULL;
  if (node_is(w->t, n, "flow/step"))
    put(w, n, "breyta-one-step");
  else if (node_is(w->t, n, "flow/call-flow"))
    put(w, n, "breyta-one-call");
  else if (node_is(w->t, head, "flow/poll") && !node_has(w->t, n, w->kw))
    put(w, n, "nil");
  else
    for (uint32_t k = n->first; k; k = w->t->ix.a[k].next) rewrite(w, &w->t->ix.a[k]);
}

/* The form that is quoted: of 'X and (quote X). */
static const PosNode *quoted(const Text *t) {
  const PosNode *b = t->body;
  if (b->kind == POS_PREFIX && t->ix.text[b->at] == '\'') return b->first ? &t->ix.a[b->first] : NULL;
  return b->kind == POS_LIST && node_is(t, pos_kid(&t->ix, b, 0), "quote") ? pos_kid(&t->ix, b, 1) : NULL;
}

static void only_body(const Text *t, const PosNode *form, const char *id, Buf *out) {
  Buf kw = {0};
  buf_fmt(&kw, ":%s", id);
  buf_fmt(out,
          "(quote (let [breyta-done (atom nil)\n"
          "             breyta-keep (fn [v] (reset! breyta-done [v]) (throw (ex-info \"the step is done\" {:type :step-done})))\n"
          "             breyta-one-step (fn ([a b] (when (and (nil? @breyta-done) (or (= a %1$s) (= (keyword (name a)) %1$s))) "
          "(breyta-keep (flow/step a b))))\n"
          "                                 ([a b c] (when (and (nil? @breyta-done) (or (= b %1$s) (= a %1$s))) (breyta-keep (flow/step a "
          "b c)))))\n"
          "             breyta-one-call (fn ([a b] (when (and (nil? @breyta-done) (= a %1$s)) (breyta-keep (flow/call-flow a b)))))]\n"
          "  (try ",
          buf_cstr(&kw));
  Rewrite w = {t, buf_cstr(&kw), form->at, out};
  rewrite(&w, form);
  buf_add(out, t->ix.text + w.copied, form->end - w.copied);
  buf_fmt(out,
          "\n    (catch Throwable e (when (nil? @breyta-done) (throw e))))\n"
          "  (if (nil? @breyta-done)\n"
          "    (throw (ex-info \"with this input the body does not come to step %s\" {:type :step-not-reached}))\n"
          "    (first @breyta-done))))",
          buf_cstr(&kw));
  buf_free(&kw);
}

bool step_source_only(const char *text, size_t n, const char *id, Buf *out, Err *err) {
  Text t;
  Buf body = {0}, kw = {0};
  if (!text_open(&t, text, n, err)) return false;
  const PosNode *form = quoted(&t);
  buf_fmt(&kw, ":%s", id);
  bool there = form && node_has(&t, form, buf_cstr(&kw));
  if (there) only_body(&t, form, id, &body);
  if (there) around(&t, body.p, body.n, out);
  buf_free(&body);
  buf_free(&kw);
  pos_free(&t.ix);
  return there || err_set(err, "not_found", "the flow has no step %s", id);
}

/* --- packaged steps ----------------------------------------------------------------------------------------------------------------------
 */
static Val entry_id(Val def, const char *key, const char *id, int *n) {
  Val all = map_get_kw(def, key), found = NIL;
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++) {
    Val one = map_get_kw(vec_nth(all, i), "id");
    if (!is_kw(one)) continue;
    if (!strcmp(id_text(one), id)) return *n = 1, one;
    if (!strcmp(str_s(AS(Kw, one)->name), id)) (*n)++, found = one;
  }
  return found;
}

Val step_source_packaged(Val def, const char *id) {
  int n = 0, m = 0;
  Val step = entry_id(def, "steps", id, &n), agent = entry_id(def, "agents", id, &m);
  return n + m != 1 ? NIL : n ? step : agent;
}

/* --- params from JSON --------------------------------------------------------------------------------------------------------------------
 */
static const struct Option {
  const char *kind, *name;
  enum OptType type;
} options[] = {
#define OPTION_ROW(kind, name, required, type, allowed, doc) {kind, name, type},
    STEP_OPTIONS(OPTION_ROW)};
static const struct Field {
  const char *kind, *option, *field, *type;
} fields[] = {
#define FIELD_ROW(kind, option, field, type, doc) {kind, option, field, type},
    STEP_FIELDS(FIELD_ROW)};

static Val keyword(Val v) {
  const char *s = str_s(v);
  if (*s == ':') s++;
  return *s ? kw_c(s) : v;
}
static bool of_kind(const char *kind, const char *type) { return !strcmp(kind, "*") || !strcmp(kind, type); }

static bool wants_keyword(const char *type, const char *name) {
  if (!strcmp(name, "connection")) return true; /* slots are keywords */
  for (size_t i = 0; i < N_OF(options); i++)
    if (of_kind(options[i].kind, type) && !strcmp(options[i].name, name))
      return options[i].type == OPT_ENUM || options[i].type == OPT_KEYWORD;
  return false;
}

static Val inner_params(const char *type, const char *option, Val m) {
  for (size_t i = 0; i < N_OF(fields); i++) {
    bool here = of_kind(fields[i].kind, type) && !strcmp(fields[i].option, option) && !strncmp(fields[i].type, "one of :", 8);
    Val v = here ? map_get_kw(m, fields[i].field) : NIL;
    if (is_str(v)) m = map_assoc(m, kw_c(fields[i].field), keyword(v));
  }
  return m;
}

Val step_source_params(const char *type, Val params) {
  MapIter it;
  Val k, v, out = params;
  map_iter(&it, params);
  while (map_next(&it, &k, &v)) {
    const char *name = is_kw(k) ? id_text(k) : "";
    if (is_str(v) && wants_keyword(type, name)) out = map_assoc(out, k, keyword(v));
    if (is_map(v)) out = map_assoc(out, k, inner_params(type, name, v));
  }
  return out;
}
