/* yaml_read.c - see yaml_read.h. The only place that includes libyaml. */
#include "yaml_read.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/text.h"
#include "reader/vec.h"
#include "json.h"
#include <ctype.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* ---- libyaml, loaded at the first document ---- */

#define YAML_FUNCTIONS(F)                                                                                                                  \
  F(yaml_parser_initialize) F(yaml_parser_delete) F(yaml_parser_set_input_string) F(yaml_parser_parse) F(yaml_event_delete)
#define YAML_FIELD(f) __typeof__(&f) p_##f;
static struct {
  YAML_FUNCTIONS(YAML_FIELD) char error[200];
  bool ok;
} lib;
#define L(f) (lib.p_##f)

static pthread_once_t lib_once = PTHREAD_ONCE_INIT;

static void lib_load(void) {
  void *so = dlopen("libyaml-0.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    snprintf(lib.error, sizeof lib.error, "%s", dlerror());
    return;
  }
#define YAML_LOAD(f)                                                                                                                       \
  *(void **)&lib.p_##f = dlsym(so, #f);                                                                                                    \
  if (!lib.p_##f) {                                                                                                                        \
    snprintf(lib.error, sizeof lib.error, "libyaml-0.so.2 has no " #f);                                                                    \
    return;                                                                                                                                \
  }
  YAML_FUNCTIONS(YAML_LOAD)
  lib.ok = true;
}

/* ---- scalars ---- */

static bool one_of(const char *s, const char *const *words) {
  for (; *words; words++)
    if (!strcmp(s, *words)) return true;
  return false;
}

static bool is_null_text(const char *s) {
  static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
  return one_of(s, words);
}

static Val bool_text(const char *s) {
  static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
  static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
  return one_of(s, yes) ? TRUE_V : one_of(s, no) ? FALSE_V : ABSENT;
}

static size_t digits(const char *s, const char *set) { return strspn(s, set); }

/* What Clojure's reader calls the same number, into b; false: no integer. */
static bool int_form(const char *s, Buf *b) {
  const char *prefix = "", *p = s + (*s == '-' || *s == '+'), *set = "0123456789_";
  if (p[0] == '0' && p[1] == 'x') prefix = "0x", p += 2, set = "0123456789abcdefABCDEF_";
  else if (p[0] == '0' && p[1] == 'b') prefix = "2r", p += 2, set = "01_";
  else if (p[0] == '0' && p[1]) prefix = "0", p += 1, set = "01234567_";
  if (!*p || *p == '_' || p[digits(p, set)]) return false;
  if (*s == '-') buf_ch(b, '-');
  buf_c(b, prefix);
  for (; *p; p++)
    if (*p != '_') buf_ch(b, *p);
  return true;
}

static bool float_form(const char *s, Buf *b) {
  const char *p = s + (*s == '-' || *s == '+');
  size_t whole = digits(p, "0123456789_"), part = 0, from = b->n;
  const char *q = p + whole;
  bool dot = *q == '.';
  if (dot) part = digits(q + 1, "0123456789"), q += 1 + part;
  if (*p == '_' || (!whole && !part)) return false;
  if (*q == 'e' || *q == 'E') {
    const char *x = q + 1 + (q[1] == '-' || q[1] == '+');
    if (!isdigit((unsigned char)*x)) return false;
    q = x + digits(x, "0123456789");
  } else if (!dot) {
    return false;
  }
  if (*q) return false;
  if (*s == '-') buf_ch(b, '-');
  if (!whole) buf_ch(b, '0');
  for (; *p; p++)
    if (*p != '_') buf_ch(b, *p);
  return b->n > from;
}

static Val special_float(const char *s) {
  static const char *const inf[] = {".inf", ".Inf", ".INF", NULL}, *const nan_[] = {".nan", ".NaN", ".NAN", NULL};
  if (one_of(s, nan_)) return dbl_val(NAN);
  if (one_of(s + (*s == '-' || *s == '+'), inf)) return dbl_val(*s == '-' ? -INFINITY : INFINITY);
  return ABSENT;
}

static Val number_text(const char *s) {
  Buf b = {0};
  Val v = ABSENT;
  if (int_form(s, &b)) v = num_parse(buf_cstr(&b), b.n);
  else if (b.n = 0, float_form(s, &b)) {
    v = num_parse_double(buf_str(&b));
    if (is_nil(v)) v = ABSENT;
    return v;
  }
  buf_free(&b);
  return same(v, ABSENT) ? special_float(s) : v;
}

static Val plain(const char *s, size_t n) {
  if (strlen(s) != n) return str_new(s, n);
  if (is_null_text(s)) return NIL;
  Val b = bool_text(s);
  if (!same(b, ABSENT)) return b;
  Val v = number_text(s);
  return same(v, ABSENT) ? str_new(s, n) : v;
}

static const char *core_tag(const char *tag) {
  static const char prefix[] = "tag:yaml.org,2002:";
  return tag && !strncmp(tag, prefix, sizeof prefix - 1) ? tag + sizeof prefix - 1 : NULL;
}

/* ABSENT: it is not what its tag says. */
static Val scalar(const yaml_event_t *ev) {
  const char *s = (const char *)ev->data.scalar.value, *tag = core_tag((const char *)ev->data.scalar.tag);
  size_t n = ev->data.scalar.length;
  bool quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  if (!tag) return quoted || ev->data.scalar.tag ? str_new(s, n) : plain(s, n);
  if (!strcmp(tag, "int")) {
    Val v = number_text(s);
    return is_num(v) && !is_dbl(v) ? v : ABSENT;
  }
  if (!strcmp(tag, "float")) {
    Val v = number_text(s);
    return is_num(v) ? dbl_val(num_to_double(v)) : ABSENT;
  }
  if (!strcmp(tag, "bool")) return bool_text(s);
  if (!strcmp(tag, "null")) return is_null_text(s) ? NIL : ABSENT;
  return str_new(s, n);
}

/* ---- documents ---- */

/* An open sequence or mapping. In mappings `key` is the key whose value comes next, ABSENT: a key comes next. */
typedef struct Level {
  Val coll, key, merge; /* merge: vector of the maps under << */
  bool map, set;
  int64_t anchor;       /* index into anchors, -1 none */
  int64_t weight;       /* values in it so far */
} Level;

typedef struct Anchor { Val value; int64_t weight; bool open; } Anchor;

/* Lives on the C stack and in memory of the collector: what it holds stays alive. */
typedef struct Reading {
  yaml_parser_t parser;
  Level *levels;
  size_t depth;
  Val names;   /* anchor name -> index */
  Anchor *anchors;
  size_t nanchors, cap_anchors;
  int64_t total;
  Val docs;
  uint32_t ndocs;
  yaml_mark_t at;
  Err *e;
} Reading;

static bool bad(Reading *r, const char *what) {
  return err_set(r->e, "yaml", "line %zu, column %zu: %s", r->at.line + 1, r->at.column + 1, what);
}

static Val key_of(Val k) { return is_str(k) && json_keyword_like(str_s(k), str_n(k)) ? kw_parse(str_s(k), str_n(k)) : k; }

static bool merge_one(Reading *r, Level *l, Val v) {
  if (!is_map(v)) return bad(r, "what << merges is a mapping or a sequence of them");
  l->merge = vec_conj(is_nil(l->merge) ? vec_empty : l->merge, v);
  return true;
}

static bool merge_add(Reading *r, Level *l, Val v) {
  if (!is_vec(v)) return merge_one(r, l, v);
  for (uint32_t i = 0; i < vec_count(v); i++)
    if (!merge_one(r, l, vec_nth(v, i))) return false;
  return true;
}

static bool put_pair(Reading *r, Level *l, Val v) {
  Val k = l->key;
  l->key = ABSENT;
  if (is_str(k) && str_eq_c(k, "<<") && !l->set) return merge_add(r, l, v);
  l->coll = l->set ? tmap_assoc(l->coll, k, k) : tmap_assoc(l->coll, key_of(k), v);
  return !is_sig(l->coll) || bad(r, "this cannot be a key");
}

static bool put(Reading *r, Val v, int64_t weight) {
  if ((r->total += weight) > YAML_MAX_NODES) return bad(r, "the document has too many values (its aliases counted in full)");
  if (!r->depth) {
    r->docs = vec_conj(r->docs, v);
    return true;
  }
  Level *l = &r->levels[r->depth - 1];
  l->weight += weight;
  if (!l->map) l->coll = tvec_conj(l->coll, v);
  else if (same(l->key, ABSENT)) l->key = v;
  else return put_pair(r, l, v);
  return true;
}

/* ---- anchors ---- */

static int64_t anchor_new(Reading *r, const yaml_char_t *name, bool open) {
  if (!name) return -1;
  if (r->nanchors == r->cap_anchors) {
    size_t cap = r->cap_anchors ? 2 * r->cap_anchors : 8;
    Anchor *a = mem_alloc(cap * sizeof *a);
    if (r->nanchors) memcpy(a, r->anchors, r->nanchors * sizeof *a);
    r->anchors = a;
    r->cap_anchors = cap;
  }
  r->anchors[r->nanchors] = (Anchor){NIL, 0, open};
  r->names = map_assoc(r->names, str_c((const char *)name), fix((int64_t)r->nanchors));
  return (int64_t)r->nanchors++;
}

static void anchor_set(Reading *r, int64_t i, Val v, int64_t weight) {
  if (i >= 0) r->anchors[i] = (Anchor){v, weight, false};
}

static bool on_alias(Reading *r, const yaml_event_t *ev) {
  char msg[160];
  Val i = map_get(r->names, str_c((const char *)ev->data.alias.anchor), NIL);
  if (is_nil(i)) {
    snprintf(msg, sizeof msg, "there is no anchor &%.60s before this alias", (const char *)ev->data.alias.anchor);
    return bad(r, msg);
  }
  const Anchor *a = &r->anchors[fix_of(i)];
  if (a->open) return bad(r, "an alias stands inside its own anchor");
  return put(r, a->value, a->weight);
}

/* ---- events ---- */

static bool on_scalar(Reading *r, const yaml_event_t *ev) {
  Val v = scalar(ev);
  if (same(v, ABSENT)) return bad(r, "the value is not what its tag says");
  int64_t weight = 1 + (int64_t)(ev->data.scalar.length / 64); /* a long text is not for nothing */
  anchor_set(r, anchor_new(r, ev->data.scalar.anchor, false), v, weight);
  return put(r, v, weight);
}

static bool open_level(Reading *r, bool map, const yaml_char_t *tag, const yaml_char_t *anchor) {
  if (r->depth == YAML_MAX_DEPTH) return bad(r, "it is nested too deeply");
  const char *core = core_tag((const char *)tag);
  Level *l = &r->levels[r->depth++];
  *l = (Level){map ? tmap_of(map_empty) : tvec_of(vec_empty), ABSENT, NIL, map, map && core && !strcmp(core, "set"), -1, 1};
  l->anchor = anchor_new(r, anchor, true);
  return true;
}

static Val set_of_keys(Val m) {
  MapIter it;
  Val k, v, s = set_empty;
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) s = set_conj(s, k);
  return s;
}

/* Earlier maps win over later ones, the mapping's own keys over all. */
static Val with_merged(Val own, Val merge) {
  MapIter it;
  Val k, v, out = own;
  for (uint32_t i = 0; is_vec(merge) && i < vec_count(merge); i++) {
    map_iter(&it, vec_nth(merge, i));
    while (map_next(&it, &k, &v))
      if (same(map_get(out, k, ABSENT), ABSENT)) out = map_assoc(out, k, v);
  }
  return out;
}

static bool close_level(Reading *r) {
  Level l = r->levels[--r->depth];
  Val v = l.map ? tmap_persistent(l.coll) : tvec_persistent(l.coll);
  if (l.set) v = set_of_keys(v);
  else if (l.map) v = with_merged(v, l.merge);
  anchor_set(r, l.anchor, v, l.weight);
  r->levels[r->depth] = (Level){NIL, NIL, NIL, false, false, -1, 0};
  r->total -= l.weight - 1; /* its values were counted as they came */
  return put(r, v, l.weight);
}

static bool on_event(Reading *r, const yaml_event_t *ev) {
  r->at = ev->start_mark;
  switch (ev->type) {
  case YAML_DOCUMENT_START_EVENT:
    r->names = map_empty;
    r->ndocs++;
    return true;
  case YAML_ALIAS_EVENT: return on_alias(r, ev);
  case YAML_SCALAR_EVENT: return on_scalar(r, ev);
  case YAML_SEQUENCE_START_EVENT: return open_level(r, false, ev->data.sequence_start.tag, ev->data.sequence_start.anchor);
  case YAML_MAPPING_START_EVENT: return open_level(r, true, ev->data.mapping_start.tag, ev->data.mapping_start.anchor);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: return close_level(r);
  default: return true;
  }
}

static bool parser_error(Reading *r) {
  const char *problem = r->parser.problem ? r->parser.problem : "it cannot be read";
  r->at = r->parser.problem_mark;
  char msg[200];
  snprintf(msg, sizeof msg, "%.80s%s%.80s", r->parser.context ? r->parser.context : "", r->parser.context ? ", " : "", problem);
  return bad(r, msg);
}

static bool read_all(Reading *r) {
  for (bool more = true; more;) {
    yaml_event_t ev;
    if (!L(yaml_parser_parse)(&r->parser, &ev)) return parser_error(r);
    more = ev.type != YAML_STREAM_END_EVENT;
    bool ok = on_event(r, &ev);
    L(yaml_event_delete)(&ev);
    if (!ok) return false;
  }
  return true;
}

Val yaml_read(const char *s, size_t n, Err *e) {
  pthread_once(&lib_once, lib_load);
  if (!lib.ok) return err_set(e, "yaml", "cannot load libyaml: %s", lib.error), ABSENT;
  Reading r = {.names = map_empty, .docs = vec_empty, .e = e};
  r.levels = mem_alloc(YAML_MAX_DEPTH * sizeof *r.levels);
  if (!L(yaml_parser_initialize)(&r.parser)) return err_set(e, "yaml", "no memory"), ABSENT;
  L(yaml_parser_set_input_string)(&r.parser, (const unsigned char *)s, n);
  bool ok = read_all(&r);
  L(yaml_parser_delete)(&r.parser);
  if (!ok) return ABSENT;
  return r.ndocs == 0 ? NIL : r.ndocs == 1 ? vec_nth(r.docs, 0) : r.docs;
}
