/* template_step.c - see template_step.h. */
#include "template_step.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/print.h"

static const struct { const char *type, *key, *as, *kinds; } types[] = {
#define TYPE_ROW(type, key, as, kinds) {type, key, as, kinds},
    TEMPLATE_TYPES(TYPE_ROW)};
enum { NTYPES = sizeof types / sizeof *types };

static bool has_word(const char *list, const char *word) {
  size_t k = strlen(word);
  for (const char *p = list; (p = strstr(p, word)); p += k)
    if ((p == list || p[-1] == ' ') && (!p[k] || p[k] == ' ')) return true;
  return false;
}

bool template_fits(const char *kind, const char *type) {
  for (int i = 0; i < NTYPES; i++)
    if (has_word(types[i].kinds, kind) && (!type || !strcmp(types[i].type, type))) return true;
  return false;
}

const char *template_type_of(const char *kind) {
  for (int i = 0; i < NTYPES; i++)
    if (has_word(types[i].kinds, kind)) return types[i].type;
  return NULL;
}

const char *template_key(const char *type, int i) {
  for (int k = 0; k < NTYPES; k++)
    if (!strcmp(types[k].type, type) && i-- == 0) return types[k].key;
  return NULL;
}

bool template_renders(Val key) { return !kw_is(key, "auth") && !str_eq_c(key, "auth"); }

/* --- rendering ------------------------------------------------------------------------------------------------------ */
typedef struct Walk {
  Val id, data;
  const TemplateOptions *o;
  Val path[TEMPLATE_PATH];
  int depth;
  Val error;
} Walk;

static Val error_new(Val id, const char *variable, Buf *msg) {
  Val kv[] = {kw_c("type"), kw_c("template-error"), kw_c("message"), buf_str(msg), kw_c("retryable?"), FALSE_V, kw_c("template"), id};
  Val m = map_from(kv, 4, false);
  return *variable ? map_assoc(m, kw_c("variable"), str_c(variable)) : m;
}

/* "template :welcome, :request :body, 1:7: the variable name is not in the data" */
static Val failed(Walk *w, const TemplateError *e) {
  Buf b = {0};
  buf_c(&b, "template ");
  if (is_sig(print_to(&b, w->id, &print_readably))) b.n = 0;
  for (int i = 0; i < w->depth; i++) {
    buf_c(&b, i ? " " : ", ");
    if (is_sig(print_to(&b, w->path[i], &print_readably))) buf_ch(&b, '?');
  }
  if (e->line) buf_fmt(&b, ", %d:%d", e->line, e->col);
  buf_fmt(&b, ": %s", e->msg);
  if (*e->variable) buf_c(&b, "; give it in :data, or write {{default ...}} or {{#if ...}}");
  w->error = error_new(w->id, e->variable, &b);
  return ABSENT;
}

static Val string_rendered(Walk *w, Val s) {
  TemplateError e;
  Buf out = {0};
  if (!w->o->braces && !memmem(str_s(s), str_n(s), "{{", 2)) return s;
  Template *t = template_parse(str_s(s), str_n(s), &e);
  bool ok = t && template_render(t, w->data, w->o, &out, &e);
  template_free(t);
  if (ok) return buf_str(&out);
  buf_free(&out);
  return failed(w, &e);
}

static Val rendered(Walk *w, Val v);

static Val rendered_at(Walk *w, Val key, Val v) {
  if (w->depth == TEMPLATE_PATH) return failed(w, &(TemplateError){.msg = "maps and vectors inside each other, deeper than 32 levels"});
  w->path[w->depth++] = key;
  Val out = rendered(w, v);
  w->depth--;
  return out;
}

static Val map_rendered(Walk *w, Val m) {
  MapIter it;
  Val k, v, out = m;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    Val x = template_renders(k) ? rendered_at(w, k, v) : v;
    if (same(x, ABSENT)) return x;
    if (!same(x, v)) out = map_assoc(out, k, x);
  }
  return out;
}

static Val vec_rendered(Walk *w, Val v) {
  ValVec items = {0};
  for (uint32_t i = 0; i < vec_count(v); i++) {
    Val x = rendered_at(w, fix(i), vec_nth(v, i));
    if (same(x, ABSENT)) return x;
    vv_push(&items, x);
  }
  return vec_from(items.a, items.n);
}

static Val rendered(Walk *w, Val v) {
  if (is_str(v)) return string_rendered(w, v);
  if (is_map(v)) return map_rendered(w, v);
  return is_vec(v) ? vec_rendered(w, v) : v;
}

/* The rendered map of an entry, {:sql ".."}, {:system .. :prompt ..}, {:channels ..} or the request's own keys, with `data` a map. */
static Val template_rendered(Val entry, Val data, const TemplateOptions *o, Val *error) {
  TemplateBudget budget = TEMPLATE_BUDGET;
  TemplateOptions options = *o;
  if (!options.budget) options.budget = &budget;
  Walk w = {.id = map_get_kw(entry, "id"), .data = is_nil(data) ? map_empty : data, .o = &options};
  const char *type = kw_text(map_get_kw(entry, "type"));
  Val out = map_empty;
  for (int i = 0; i < NTYPES; i++) {
    Val v = map_get_kw(entry, types[i].key);
    if (strcmp(types[i].type, type) || is_nil(v)) continue;
    Val x = rendered_at(&w, kw_c(types[i].key), v);
    if (same(x, ABSENT)) return *error = w.error, ABSENT;
    out = *types[i].as ? map_assoc(out, kw_c(types[i].as), x) : is_map(x) ? map_merge(out, x) : out;
  }
  return out;
}

Val template_strings(Val what, Val v, Val data, const TemplateOptions *o, Val *error) {
  TemplateBudget budget = TEMPLATE_BUDGET;
  TemplateOptions options = *o;
  if (!options.budget) options.budget = &budget;
  Walk w = {.id = what, .data = is_nil(data) ? map_empty : data, .o = &options};
  Val out = rendered(&w, v);
  if (same(out, ABSENT)) *error = w.error;
  return out;
}

/* --- steps ---------------------------------------------------------------------------------------------------------- */
static Val kw_of_id(Val id) { return is_str(id) ? kw_parse(str_s(id), str_n(id)) : id; }

static Val find_entry(Val templates, Val id) {
  for (uint32_t i = 0; is_vec(templates) && i < vec_count(templates); i++) {
    Val entry = vec_nth(templates, i), own = map_get_kw(entry, "id");
    if (!is_nil(own) && same(kw_of_id(own), kw_of_id(id))) return entry;
  }
  return ABSENT;
}

static Val refused(Val id, Val *error, const char *what, const char *more) {
  Buf b = {0};
  if (is_sig(print_to(&b, id, &print_readably))) b.n = 0;
  Buf msg = {0};
  buf_fmt(&msg, "template %.100s: %s%s", buf_cstr(&b), what, more);
  buf_free(&b);
  *error = error_new(id, "", &msg);
  return ABSENT;
}

Val template_config(Val templates, const char *kind, Val cfg, Val *error) {
  Val id = map_get_kw(cfg, "template"), data = map_get_kw(cfg, "data"), entry;
  const char *wants = template_type_of(kind);
  if (is_nil(id)) return cfg;
  if (!wants) return refused(id, error, "this family takes no :template: ", kind);
  if (!is_kw(id) && !(is_str(id) && str_n(id))) return refused(id, error, "the id must be a keyword", "");
  if (same(entry = find_entry(templates, id), ABSENT)) return refused(id, error, "there is none of that id in :templates", "");
  if (!template_fits(kind, kw_text(map_get_kw(entry, "type")))) return refused(id, error, "its :type does not fit, this step needs :", wants);
  if (!is_nil(data) && !is_map(data)) return refused(id, error, ":data must be a map", "");
  Val under = template_rendered(entry, data, &(TemplateOptions){0}, error);
  return same(under, ABSENT) ? ABSENT : map_merge(under, map_dissoc(map_dissoc(cfg, kw_c("template")), kw_c("data")));
}
