/* schema_malli.c - Malli schemas as data. Simple types and predicates are rows of `leaves`, types with parts rows of `types`. */
#include "schema_int.h"
#include "reader/read.h"

/* --- simple types ------------------------------------------------------------------------------------------------- */
static bool yes(Val v) { (void)v; return true; }
static bool not_nil(Val v) { return !is_nil(v); }
static bool is_true(Val v) { return same(v, TRUE_V); }
static bool is_false(Val v) { return same(v, FALSE_V); }
static bool plain_kw(Val v) { return is_kw(v) && is_nil(AS(Kw, v)->ns); }
static bool qual_kw(Val v) { return is_kw(v) && !is_nil(AS(Kw, v)->ns); }
static bool plain_sym(Val v) { return is_sym(v) && is_nil(AS(Sym, v)->ns); }
static bool qual_sym(Val v) { return is_sym(v) && !is_nil(AS(Sym, v)->ns); }
static bool ident(Val v) { return is_kw(v) || is_sym(v); }
static bool plain_ident(Val v) { return plain_kw(v) || plain_sym(v); }
static bool qual_ident(Val v) { return qual_kw(v) || qual_sym(v); }
static bool is_uuid(Val v) { return is_type(v, T_UUID); }
static bool is_inst_val(Val v) { return is_type(v, T_INST); }
static bool is_bytes(Val v) { return is_type(v, T_BYTES); }
static bool is_decimal(Val v) { return is_type(v, T_DECIMAL); }
static bool is_ratio(Val v) { return is_type(v, T_RATIO); }
static bool is_rational(Val v) { return is_integer(v) || is_ratio(v) || is_decimal(v); }
static bool pos(Val v) { return is_num(v) && num_is_pos(v); }
static bool neg(Val v) { return is_num(v) && num_is_neg(v); }
static bool zero(Val v) { return is_num(v) && num_is_zero(v); }
static bool pos_int(Val v) { return is_long(v) && num_is_pos(v); }
static bool neg_int(Val v) { return is_long(v) && num_is_neg(v); }
static bool nat_int(Val v) { return is_long(v) && !num_is_neg(v); }
static bool is_list_val(Val v) { return is_type(v, T_LIST) || is_type(v, T_EMPTY); }
static bool indexed(Val v) { return is_vec(v); }
static bool associative(Val v) { return is_vec(v) || is_map(v); }

enum Limits { NO_LIMITS, OF_NUMBER, OF_LENGTH };
static const struct Leaf {
  const char *name;
  bool (*is)(Val);
  const char *must, *json, *more; /* json: type in JSON Schema, NULL any; more: one entry "keyword=value" beside it */
  enum Limits limits;
} leaves[] = {{"any", yes, "anything", NULL, NULL, NO_LIMITS},
              {"some", not_nil, "something other than nil", NULL, NULL, NO_LIMITS},
              {"nil", is_nil, "nil", "null", NULL, NO_LIMITS},
              {"string", is_str, "a string", "string", NULL, OF_LENGTH},
              {"int", is_long, "an integer", "integer", NULL, OF_NUMBER},
              {"integer", is_integer, "an integer", "integer", NULL, OF_NUMBER},
              {"double", is_dbl, "a double", "number", NULL, OF_NUMBER},
              {"float", is_dbl, "a double", "number", NULL, OF_NUMBER},
              {"number", is_num, "a number", "number", NULL, OF_NUMBER},
              {"boolean", is_bool, "true or false", "boolean", NULL, NO_LIMITS},
              {"keyword", is_kw, "a keyword", "string", NULL, NO_LIMITS},
              {"symbol", is_sym, "a symbol", "string", NULL, NO_LIMITS},
              {"qualified-keyword", qual_kw, "a keyword with a namespace", "string", NULL, NO_LIMITS},
              {"qualified-symbol", qual_sym, "a symbol with a namespace", "string", NULL, NO_LIMITS},
              {"uuid", is_uuid, "a uuid", "string", "format=uuid", NO_LIMITS},
              {"inst", is_inst_val, "a point in time (#inst)", "string", "format=date-time", NO_LIMITS},
              /* names of predicates alone; those above serve with a ? too */
              {"pos-int?", pos_int, "an integer above 0", "integer", "minimum=1", NO_LIMITS},
              {"neg-int?", neg_int, "an integer below 0", "integer", "maximum=-1", NO_LIMITS},
              {"nat-int?", nat_int, "an integer, 0 or more", "integer", "minimum=0", NO_LIMITS},
              {"pos?", pos, "a number above 0", "number", "exclusiveMinimum=0", NO_LIMITS},
              {"neg?", neg, "a number below 0", "number", "exclusiveMaximum=0", NO_LIMITS},
              {"zero?", zero, "zero", "number", "const=0", NO_LIMITS},
              {"true?", is_true, "true", "boolean", "const=true", NO_LIMITS},
              {"false?", is_false, "false", "boolean", "const=false", NO_LIMITS},
              {"simple-keyword?", plain_kw, "a keyword without a namespace", "string", NULL, NO_LIMITS},
              {"simple-symbol?", plain_sym, "a symbol without a namespace", "string", NULL, NO_LIMITS},
              {"ident?", ident, "a keyword or a symbol", "string", NULL, NO_LIMITS},
              {"simple-ident?", plain_ident, "a keyword or a symbol without a namespace", "string", NULL, NO_LIMITS},
              {"qualified-ident?", qual_ident, "a keyword or a symbol with a namespace", "string", NULL, NO_LIMITS},
              {"rational?", is_rational, "a rational number", "number", NULL, NO_LIMITS},
              {"ratio?", is_ratio, "a ratio", "number", NULL, NO_LIMITS},
              {"decimal?", is_decimal, "a decimal", "number", NULL, NO_LIMITS},
              {"char?", is_char, "a character", "string", NULL, NO_LIMITS},
              {"bytes?", is_bytes, "bytes", "string", NULL, NO_LIMITS},
              {"map?", is_map, "a map", "object", NULL, NO_LIMITS},
              {"vector?", is_vec, "a vector", "array", NULL, NO_LIMITS},
              {"list?", is_list_val, "a list", "array", NULL, NO_LIMITS},
              {"seq?", is_seq, "a sequence", "array", NULL, NO_LIMITS},
              {"sequential?", is_sequential, "a vector or a list", "array", NULL, NO_LIMITS},
              {"seqable?", is_seqable, "a collection, a string or nil", NULL, NULL, NO_LIMITS},
              {"set?", is_set, "a set", "array", "uniqueItems=true", NO_LIMITS},
              {"coll?", is_coll, "a collection", NULL, NULL, NO_LIMITS},
              {"indexed?", indexed, "a vector", "array", NULL, NO_LIMITS},
              {"associative?", associative, "a map or a vector", NULL, NULL, NO_LIMITS}};
enum { NLEAVES = sizeof leaves / sizeof *leaves };

static const struct Leaf *leaf_named(const char *name) {
  size_t n = strlen(name);
  for (int i = 0; i < NLEAVES; i++) {
    if (!strcmp(leaves[i].name, name)) return &leaves[i];
    if (n > 1 && name[n - 1] == '?' && strlen(leaves[i].name) == n - 1 && !memcmp(leaves[i].name, name, n - 1)) return &leaves[i];
  }
  return NULL;
}

/* --- a schema taken apart ------------------------------------------------------------------------------------------- */
typedef struct Node {
  const struct Leaf *leaf;
  const struct MalliType *type;
  Val form, props; /* props: a map or nil */
  ValVec kids;     /* what stands behind the type and its properties */
} Node;

enum Shape { ONE, TWO, SOME, ENTRIES, CASES, VALUES, VALUE, NUMERIC, PATTERN, NAMED };
typedef struct MalliType {
  const char *name;
  enum Shape shape;
  Val (*check)(Schema *s, const Node *n, Val v);
  Val (*json)(Schema *s, const Node *n);
} MalliType;
static const MalliType *type_named(const char *name);

static const char *type_text(Val head) {
  if (is_type(head, T_BUILTIN)) return AS(BuiltinObj, head)->def->short_name;
  if (is_kw(head) && is_nil(AS(Kw, head)->ns)) return kw_text(head);
  if (!is_sym(head) || (!is_nil(AS(Sym, head)->ns) && !str_eq_c(AS(Sym, head)->ns, "clojure.core"))) return NULL;
  return kw_text(head);
}

static Val unknown_type(Val form, const char *name) {
  static const char *const code[] = {"fn", "fn?", "ifn?", "=>", "function", "ref", "registry"};
  for (size_t i = 0; name && i < sizeof code / sizeof *code; i++)
    if (!strcmp(name, code[i])) return schema_bad("%s: a schema here is data alone, without functions and references", schema_short(form));
  return schema_bad("there is no schema type %s; there are :map :vector :enum :string :int :maybe :or ... and predicates such as string?",
                    schema_short(form));
}

/* NIL or a signal. The parts are not looked at. */
static Val node_read(Val form, Node *n) {
  Val head = is_vec(form) ? (vec_count(form) ? vec_nth(form, 0) : NIL) : form;
  const char *name = type_text(head);
  *n = (Node){.form = form, .props = NIL};
  if (name) n->leaf = leaf_named(name), n->type = n->leaf ? NULL : type_named(name);
  if (!n->leaf && !n->type) return unknown_type(head, name);
  uint32_t i = 1, count = is_vec(form) ? vec_count(form) : 1;
  if (count > 1 && is_map(vec_nth(form, 1)) && !(n->type && (!strcmp(n->type->name, "=") || !strcmp(n->type->name, "not="))))
    n->props = vec_nth(form, i++);
  for (; i < count; i++) vv_push(&n->kids, vec_nth(form, i));
  return NIL;
}

static Val prop(const Node *n, const char *name) { return map_get_kw(n->props, name); }

/* [key props? schema] of a :map, :multi or :orn. */
typedef struct Slot { Val key, props, schema; } Slot;
static Val entry_read(Val form, Slot *e) {
  uint32_t n = is_vec(form) ? vec_count(form) : 0;
  bool props = n > 1 && is_map(vec_nth(form, 1)) && n == 3;
  if (n != 2 && !props) return schema_bad("%s must be [key schema] or [key {:optional true} schema]", schema_short(form));
  *e = (Slot){vec_nth(form, 0), props ? vec_nth(form, 1) : NIL, vec_nth(form, n - 1)};
  return NIL;
}
static bool entry_optional(const Slot *e) { return truthy(map_get_kw(e->props, "optional")); }

/* --- checks ------------------------------------------------------------------------------------------------------------- */
static Val check_leaf(Schema *s, const Node *n, Val v) {
  if (!n->leaf->is(v)) return schema_problem(s, v, "must be %s", n->leaf->must);
  Val least = prop(n, "min"), most = prop(n, "max");
  if (n->leaf->limits == OF_NUMBER) return schema_limits(s, v, least, most, v, "");
  return n->leaf->limits == OF_LENGTH ? schema_limits(s, fix(AS(Str, v)->nchars), least, most, v, " characters long") : NIL;
}

static Val check_at(Schema *s, Val schema, Val key, Val v) {
  CHECK(schema_at(s, key));
  Val r = malli_check(s, schema, v);
  schema_up(s);
  return r;
}

static Val unknown_keys(Schema *s, const Node *n, Val v) {
  MapIter it;
  Val k, x;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    bool known = false;
    for (size_t i = 0; i < n->kids.n && !known; i++) {
      Slot e;
      CHECK(entry_read(n->kids.a[i], &e));
      TRY(eq, val_eq(e.key, k));
      known = same(eq, TRUE_V);
    }
    if (!known) CHECK(schema_problem(s, ABSENT, "must not have %s: the map is closed", schema_short(k)));
  }
  return NIL;
}

static Val check_map(Schema *s, const Node *n, Val v) {
  if (!is_map(v)) return schema_problem(s, v, "must be a map");
  for (size_t i = 0; i < n->kids.n; i++) {
    Slot e;
    CHECK(entry_read(n->kids.a[i], &e));
    TRY(x, map_get(v, e.key, ABSENT));
    if (!same(x, ABSENT)) CHECK(check_at(s, e.schema, e.key, x));
    else if (!entry_optional(&e)) CHECK(schema_problem(s, ABSENT, "must have %s", schema_short(e.key)));
  }
  return truthy(prop(n, "closed")) ? unknown_keys(s, n, v) : NIL;
}

static Val check_size(Schema *s, const Node *n, Val v) {
  TRY(count, schema_count(v));
  return schema_limits(s, count, prop(n, "min"), prop(n, "max"), v, " items long");
}

static Val check_map_of(Schema *s, const Node *n, Val v) {
  MapIter it;
  Val k, x;
  if (!is_map(v)) return schema_problem(s, v, "must be a map");
  CHECK(check_size(s, n, v));
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    CHECK(check_at(s, n->kids.a[0], k, k));
    CHECK(check_at(s, n->kids.a[1], k, x));
  }
  return NIL;
}

static Val check_items(Schema *s, const Node *n, Val v, bool ok, const char *must) {
  ValVec items = {0};
  if (!ok) return schema_problem(s, v, "must be %s", must);
  CHECK(check_size(s, n, v));
  CHECK(coll_into_array(v, &items));
  for (size_t i = 0; i < items.n; i++) CHECK(check_at(s, n->kids.a[0], is_set(v) ? items.a[i] : fix((int64_t)i), items.a[i]));
  return NIL;
}
static Val check_vector(Schema *s, const Node *n, Val v) { return check_items(s, n, v, is_vec(v), "a vector"); }
static Val check_sequential(Schema *s, const Node *n, Val v) { return check_items(s, n, v, is_sequential(v), "a vector or a list"); }
static Val check_set(Schema *s, const Node *n, Val v) { return check_items(s, n, v, is_set(v), "a set"); }

static Val check_tuple(Schema *s, const Node *n, Val v) {
  if (!is_vec(v)) return schema_problem(s, v, "must be a vector of %zu items", n->kids.n);
  if (vec_count(v) != n->kids.n) return schema_problem(s, v, "must have %zu items", n->kids.n);
  for (size_t i = 0; i < n->kids.n; i++) CHECK(check_at(s, n->kids.a[i], fix((int64_t)i), vec_nth(v, (uint32_t)i)));
  return NIL;
}

static Val equals_one(const Node *n, Val v) {
  for (size_t i = 0; i < n->kids.n; i++) {
    TRY(eq, val_eq(n->kids.a[i], v));
    if (same(eq, TRUE_V)) return TRUE_V;
  }
  return FALSE_V;
}
static Val kids_text(const Node *n) { return vec_from(n->kids.a, n->kids.n); }
static Val check_enum(Schema *s, const Node *n, Val v) {
  TRY(there, equals_one(n, v));
  return same(there, TRUE_V) ? NIL : schema_problem(s, v, "must be one of %s", schema_short(kids_text(n)));
}
static Val check_equal(Schema *s, const Node *n, Val v) {
  TRY(there, equals_one(n, v));
  return same(there, TRUE_V) ? NIL : schema_problem(s, v, "must be %s", schema_short(n->kids.a[0]));
}
static Val check_unequal(Schema *s, const Node *n, Val v) {
  TRY(there, equals_one(n, v));
  return same(there, FALSE_V) ? NIL : schema_problem(s, v, "must be other than %s", schema_short(n->kids.a[0]));
}

static Val check_compared(Schema *s, const Node *n, Val v) {
  const char *op = n->type->name;
  if (!is_num(v)) return schema_problem(s, v, "must be a number");
  Val of = n->kids.a[0];
  Val ok = !strcmp(op, ">") ? num_gt(v, of) : !strcmp(op, ">=") ? num_ge(v, of) : !strcmp(op, "<") ? num_lt(v, of) : num_le(v, of);
  if (is_sig(ok)) return ok;
  return same(ok, TRUE_V) ? NIL : schema_problem(s, v, "must be %s %s", op, schema_short(of));
}

static Val check_re(Schema *s, const Node *n, Val v) {
  if (!is_str(v)) return schema_problem(s, v, "must be a string");
  TRY(found, schema_pattern(n->kids.a[0], v));
  return same(found, TRUE_V) ? NIL : schema_problem(s, v, "must match the pattern %s", schema_short(n->kids.a[0]));
}

static Val check_maybe(Schema *s, const Node *n, Val v) { return is_nil(v) ? NIL : malli_check(s, n->kids.a[0], v); }
static Val check_inner(Schema *s, const Node *n, Val v) { return malli_check(s, n->kids.a[0], v); }
static Val check_and(Schema *s, const Node *n, Val v) {
  for (size_t i = 0; i < n->kids.n; i++) {
    Val before = s->problems;
    CHECK(malli_check(s, n->kids.a[i], v));
    if (!same(before, s->problems)) return NIL;
  }
  return NIL;
}

static Val check_not(Schema *s, const Node *n, Val v) {
  TRY(fits, schema_try(s, malli_check, n->kids.a[0], v, NULL));
  return same(fits, TRUE_V) ? schema_problem(s, v, "must not be %s", schema_short(n->kids.a[0])) : NIL;
}

/* The alternatives' problems in one message: what each of them wants here. */
static Val none_fits(Schema *s, Val v, const ValVec *why) {
  Buf b = {0};
  for (size_t i = 0; i < why->n && i < 4; i++) buf_fmt(&b, "%s%s", i ? "; or " : "", str_s(schema_text(why->a[i])));
  Val r = schema_problem(s, v, "must fit one of %zu alternatives (%s)", why->n, buf_cstr(&b));
  buf_free(&b);
  return r;
}

static Val check_alternatives(Schema *s, const Node *n, Val v, bool named) {
  ValVec why = {0};
  for (size_t i = 0; i < n->kids.n; i++) {
    Slot e = {NIL, NIL, n->kids.a[i]};
    Val problems;
    if (named) CHECK(entry_read(n->kids.a[i], &e));
    TRY(fits, schema_try(s, malli_check, e.schema, v, &problems));
    if (same(fits, TRUE_V)) return NIL;
    vv_push(&why, problems);
  }
  return none_fits(s, v, &why);
}
static Val check_or(Schema *s, const Node *n, Val v) { return check_alternatives(s, n, v, false); }
static Val check_orn(Schema *s, const Node *n, Val v) { return check_alternatives(s, n, v, true); }

static Val chosen_case(const Node *n, Val v, Val *schema) {
  Val by = is_map(v) ? map_get(v, prop(n, "dispatch"), NIL) : NIL;
  *schema = ABSENT;
  for (size_t i = 0; i < n->kids.n; i++) {
    Slot e;
    CHECK(entry_read(n->kids.a[i], &e));
    TRY(eq, val_eq(e.key, by));
    if (same(eq, TRUE_V)) return *schema = e.schema, NIL;
  }
  return NIL;
}
static Val check_multi(Schema *s, const Node *n, Val v) {
  Val schema, keys = vec_empty;
  if (!is_map(v)) return schema_problem(s, v, "must be a map");
  CHECK(chosen_case(n, v, &schema));
  if (!same(schema, ABSENT)) return malli_check(s, schema, v);
  for (size_t i = 0; i < n->kids.n; i++) keys = vec_conj(keys, vec_nth(n->kids.a[i], 0));
  return schema_problem(s, v, "must have %s with one of %s", schema_short(prop(n, "dispatch")), schema_short(keys));
}

/* --- JSON Schema ---------------------------------------------------------------------------------------------------------- */
/* amap: in the order in which they are put, whatever their number. */
static void put(ValVec *m, const char *k, Val v) {
  vv_push(m, kw_c(k));
  vv_push(m, v);
}
static Val as_map(const ValVec *m) { return amap_from(m->a, m->n / 2); }

static void put_limits(ValVec *m, const Node *n, const char *least, const char *most) {
  if (is_num(prop(n, "min"))) put(m, least, prop(n, "min"));
  if (is_num(prop(n, "max"))) put(m, most, prop(n, "max"));
}

static void put_more(ValVec *m, const char *more) {
  const char *eq = more ? strchr(more, '=') : NULL;
  if (!eq) return;
  Val k = kw_of(NIL, str_new(more, (size_t)(eq - more))), text = str_c(eq + 1), n = num_parse_long(text);
  vv_push(m, k);
  vv_push(m, is_long(n) ? n : str_eq_c(text, "true") ? TRUE_V : str_eq_c(text, "false") ? FALSE_V : text);
}

static Val json_leaf(const Node *n) {
  ValVec m = {0};
  if (n->leaf->json) put(&m, "type", str_c(n->leaf->json));
  put_more(&m, n->leaf->more);
  if (n->leaf->limits == OF_NUMBER) put_limits(&m, n, "minimum", "maximum");
  if (n->leaf->limits == OF_LENGTH) put_limits(&m, n, "minLength", "maxLength");
  return as_map(&m);
}

/* A value as it is in JSON, for enum and const. */
static Val json_value(Val v) {
  if (is_kw(v) || is_sym(v)) return schema_key_name(v);
  if (!is_type(v, T_UUID) && !is_type(v, T_INST) && !is_char(v)) return v;
  Buf b = {0};
  CHECK(print_str_of(&b, v));
  return buf_str(&b);
}

static Val described(Val json, Val props) {
  static const char *const notes[] = {"title", "description", "default"};
  for (size_t i = 0; is_map(props) && is_map(json) && i < sizeof notes / sizeof *notes; i++) {
    Val v = map_get(props, kw_c(notes[i]), ABSENT);
    if (!same(v, ABSENT)) json = map_assoc(json, kw_c(notes[i]), json_value(v));
  }
  Val own = is_map(props) ? map_get_kw(props, "json-schema") : NIL; /* {:json-schema {..}} says it all */
  return is_map(own) ? own : json;
}

static Val json_map(Schema *s, const Node *n) {
  ValVec m = {0}, properties = {0};
  Val required = vec_empty;
  for (size_t i = 0; i < n->kids.n; i++) {
    Slot e;
    CHECK(entry_read(n->kids.a[i], &e));
    TRY(sub, malli_json(s, e.schema));
    TRY(name, schema_key_name(e.key));
    vv_push(&properties, is_kw(e.key) ? e.key : name);
    vv_push(&properties, described(sub, e.props));
    if (!entry_optional(&e)) required = vec_conj(required, name);
  }
  put(&m, "type", str_c("object"));
  put(&m, "properties", as_map(&properties));
  if (vec_count(required)) put(&m, "required", required);
  if (truthy(prop(n, "closed"))) put(&m, "additionalProperties", FALSE_V);
  return as_map(&m);
}

static Val json_map_of(Schema *s, const Node *n) {
  ValVec m = {0};
  TRY(sub, malli_json(s, n->kids.a[1]));
  put(&m, "type", str_c("object"));
  put(&m, "additionalProperties", sub);
  put_limits(&m, n, "minProperties", "maxProperties");
  return as_map(&m);
}

static Val json_items(Schema *s, const Node *n, bool set) {
  ValVec m = {0};
  TRY(sub, malli_json(s, n->kids.a[0]));
  put(&m, "type", str_c("array"));
  put(&m, "items", sub);
  if (set) put(&m, "uniqueItems", TRUE_V);
  put_limits(&m, n, "minItems", "maxItems");
  return as_map(&m);
}
static Val json_vector(Schema *s, const Node *n) { return json_items(s, n, false); }
static Val json_set(Schema *s, const Node *n) { return json_items(s, n, true); }

static Val json_kids(Schema *s, const Node *n, bool named) {
  Val out = vec_empty;
  for (size_t i = 0; i < n->kids.n; i++) {
    Slot e = {NIL, NIL, n->kids.a[i]};
    if (named) CHECK(entry_read(n->kids.a[i], &e));
    TRY(sub, malli_json(s, e.schema));
    out = vec_conj(out, sub);
  }
  return out;
}
static Val json_of_kids(Schema *s, const Node *n, const char *keyword, bool named) {
  ValVec m = {0};
  TRY(subs, json_kids(s, n, named));
  put(&m, keyword, subs);
  return as_map(&m);
}
static Val json_or(Schema *s, const Node *n) { return json_of_kids(s, n, "anyOf", false); }
static Val json_orn(Schema *s, const Node *n) { return json_of_kids(s, n, "anyOf", true); }
static Val json_multi(Schema *s, const Node *n) { return json_of_kids(s, n, "oneOf", true); }
static Val json_and(Schema *s, const Node *n) { return json_of_kids(s, n, "allOf", false); }

static Val json_tuple(Schema *s, const Node *n) {
  ValVec m = {0};
  TRY(subs, json_kids(s, n, false));
  put(&m, "type", str_c("array"));
  put(&m, "prefixItems", subs);
  put(&m, "minItems", fix((int64_t)n->kids.n));
  put(&m, "maxItems", fix((int64_t)n->kids.n));
  return as_map(&m);
}

static Val json_enum(Schema *s, const Node *n) {
  (void)s;
  ValVec m = {0};
  Val items = vec_empty;
  bool texts = true;
  for (size_t i = 0; i < n->kids.n; i++) {
    TRY(v, json_value(n->kids.a[i]));
    texts &= is_str(v);
    items = vec_conj(items, v);
  }
  put(&m, "enum", items);
  if (texts) put(&m, "type", str_c("string"));
  return as_map(&m);
}
static Val json_equal(Schema *s, const Node *n) {
  (void)s;
  ValVec m = {0};
  TRY(v, json_value(n->kids.a[0]));
  put(&m, "const", v);
  return as_map(&m);
}
static Val json_negated(Val sub) {
  ValVec m = {0};
  put(&m, "not", sub);
  return as_map(&m);
}
static Val json_unequal(Schema *s, const Node *n) {
  TRY(sub, json_equal(s, n));
  return json_negated(sub);
}
static Val json_not(Schema *s, const Node *n) {
  TRY(sub, malli_json(s, n->kids.a[0]));
  return json_negated(sub);
}
static Val json_maybe(Schema *s, const Node *n) {
  TRY(sub, malli_json(s, n->kids.a[0]));
  ValVec null = {0}, m = {0};
  put(&null, "type", str_c("null"));
  put(&m, "anyOf", vec_of2(sub, as_map(&null)));
  return as_map(&m);
}
static Val json_inner(Schema *s, const Node *n) { return malli_json(s, n->kids.a[0]); }

static Val json_compared(Schema *s, const Node *n) {
  (void)s;
  const char *op = n->type->name;
  ValVec m = {0};
  put(&m, "type", str_c("number"));
  put(&m, !strcmp(op, ">") ? "exclusiveMinimum" : !strcmp(op, ">=") ? "minimum" : !strcmp(op, "<") ? "exclusiveMaximum" : "maximum", n->kids.a[0]);
  return as_map(&m);
}

static Val json_re(Schema *s, const Node *n) {
  (void)s;
  ValVec m = {0};
  Val re = n->kids.a[0];
  put(&m, "type", str_c("string"));
  put(&m, "pattern", is_str(re) ? re : AS(Regex, re)->pattern);
  return as_map(&m);
}

/* --- the table -------------------------------------------------------------------------------------------------------------- */
static const MalliType types[] = {{"map", ENTRIES, check_map, json_map},
                             {"map-of", TWO, check_map_of, json_map_of},
                             {"vector", ONE, check_vector, json_vector},
                             {"sequential", ONE, check_sequential, json_vector},
                             {"seqable", ONE, check_sequential, json_vector},
                             {"set", ONE, check_set, json_set},
                             {"tuple", SOME, check_tuple, json_tuple},
                             {"enum", VALUES, check_enum, json_enum},
                             {"=", VALUE, check_equal, json_equal},
                             {"not=", VALUE, check_unequal, json_unequal},
                             {">", NUMERIC, check_compared, json_compared},
                             {">=", NUMERIC, check_compared, json_compared},
                             {"<", NUMERIC, check_compared, json_compared},
                             {"<=", NUMERIC, check_compared, json_compared},
                             {"re", PATTERN, check_re, json_re},
                             {"maybe", ONE, check_maybe, json_maybe},
                             {"schema", ONE, check_inner, json_inner},
                             {"or", SOME, check_or, json_or},
                             {"orn", NAMED, check_orn, json_orn},
                             {"and", SOME, check_and, json_and},
                             {"not", ONE, check_not, json_not},
                             {"multi", CASES, check_multi, json_multi}};

static const MalliType *type_named(const char *name) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, name)) return &types[i];
  return NULL;
}

/* --- is it a schema? ---------------------------------------------------------------------------------------------------------- */
static Val shape_number(const Node *n, size_t least, size_t most, const char *of) {
  if (n->kids.n >= least && n->kids.n <= most) return NIL;
  return schema_bad("%s needs %s behind :%s", schema_short(n->form), of, n->type ? n->type->name : n->leaf->name);
}

static Val shape_limits(const Node *n) {
  static const char *const names[] = {"min", "max"};
  for (int i = 0; i < 2; i++) {
    Val v = prop(n, names[i]);
    if (!is_nil(v) && !is_num(v)) return schema_bad("%s: :%s must be a number", schema_short(n->form), names[i]);
  }
  return NIL;
}

static Val shape_kids(Schema *s, const Node *n) {
  for (size_t i = 0; i < n->kids.n; i++) CHECK(malli_shape(s, n->kids.a[i]));
  return NIL;
}

static Val shape_entries(Schema *s, const Node *n) {
  for (size_t i = 0; i < n->kids.n; i++) {
    Slot e;
    CHECK(entry_read(n->kids.a[i], &e));
    CHECK(malli_shape(s, e.schema));
  }
  return NIL;
}

static Val shape_cases(Schema *s, const Node *n) {
  if (!is_kw(prop(n, "dispatch"))) return schema_bad("%s needs {:dispatch :key}, a keyword", schema_short(n->form));
  return shape_entries(s, n);
}

static Val shape_re(const Node *n) {
  Val re = n->kids.a[0];
  if (is_type(re, T_REGEX)) return NIL;
  return is_str(re) ? regex_new(re) : schema_bad("%s needs a pattern behind :re, a string or #\"...\"", schema_short(n->form));
}

static Val shape_node(Schema *s, const Node *n) {
  CHECK(shape_limits(n));
  if (n->leaf) return shape_number(n, 0, 0, "nothing");
  switch (n->type->shape) {
  case ONE: CHECK(shape_number(n, 1, 1, "one schema")); return shape_kids(s, n);
  case TWO: CHECK(shape_number(n, 2, 2, "a schema of keys and one of values")); return shape_kids(s, n);
  case SOME: CHECK(shape_number(n, n->type->check != check_tuple, SIZE_MAX, "schemas")); return shape_kids(s, n);
  case ENTRIES: return shape_entries(s, n);
  case NAMED: CHECK(shape_number(n, 1, SIZE_MAX, "[name schema] pairs")); return shape_entries(s, n);
  case CASES: CHECK(shape_number(n, 1, SIZE_MAX, "[value schema] pairs")); return shape_cases(s, n);
  case VALUES: return shape_number(n, 1, SIZE_MAX, "values");
  case VALUE: return shape_number(n, 1, 1, "one value");
  case PATTERN: CHECK(shape_number(n, 1, 1, "one pattern")); return shape_re(n);
  case NUMERIC:
    CHECK(shape_number(n, 1, 1, "one number"));
    return is_num(n->kids.a[0]) ? NIL : schema_bad("%s needs a number", schema_short(n->form));
  }
  return NIL;
}

/* --- the walks ------------------------------------------------------------------------------------------------------------------ */
static Val walked(Schema *s, Val form, Val (*f)(Schema *s, const Node *n)) {
  Node n;
  CHECK(schema_enter(s));
  CHECK(node_read(form, &n));
  Val r = f(s, &n);
  schema_leave(s);
  return r;
}

Val malli_shape(Schema *s, Val schema) {
  Val r = walked(s, schema, shape_node);
  return is_sig(r) ? r : NIL;
}

static Val json_node(Schema *s, const Node *n) {
  TRY(json, n->leaf ? json_leaf(n) : n->type->json(s, n));
  return described(json, n->props);
}
Val malli_json(Schema *s, Val schema) { return walked(s, schema, json_node); }

static Val check_node(Schema *s, const Node *n, Val v) { return n->leaf ? check_leaf(s, n, v) : n->type->check(s, n, v); }

Val malli_check(Schema *s, Val schema, Val v) {
  Node n;
  if (!s->depth) CHECK(malli_shape(s, schema)); /* the whole of it first: the checks then trust it */
  CHECK(schema_enter(s));
  CHECK(node_read(schema, &n));
  CHECK(check_node(s, &n, v));
  schema_leave(s);
  return NIL;
}

/* --- from JSON ---------------------------------------------------------------------------------------------------------------- */
static Val decode_leaf(const Node *n, Val v) {
  const char *name = n->leaf->name;
  if (is_dbl(v) && !strcmp(n->leaf->json ? n->leaf->json : "", "integer")) {
    double d = dbl_of(v);
    return d > -9e15 && d < 9e15 && d == (double)(int64_t)d ? int_val((int64_t)d) : v;
  }
  if (is_long(v) && n->leaf->is == is_dbl) return dbl_val((double)long_of(v));
  if (!is_str(v) || n->leaf->is(v)) return v;
  if (n->leaf->is == is_uuid) return same(uuid_parse(v), ABSENT) ? v : uuid_parse(v);
  if (strstr(name, "keyword") || strstr(name, "ident")) return kw_parse(str_s(v), str_n(v));
  return strstr(name, "symbol") ? sym_parse(str_s(v), str_n(v)) : v;
}

static Val decode_map(Schema *s, const Node *n, Val v) {
  for (size_t i = 0; is_map(v) && i < n->kids.n; i++) {
    Slot e;
    CHECK(entry_read(n->kids.a[i], &e));
    TRY(x, map_get(v, e.key, ABSENT));
    if (same(x, ABSENT) && !is_str(e.key)) { /* as JSON has the key */
      TRY(name, schema_key_name(e.key));
      TRY(named, map_get(v, name, ABSENT));
      if (same(named, ABSENT)) continue;
      x = named;
      v = map_dissoc(v, name);
    }
    if (same(x, ABSENT)) continue;
    TRY(made, malli_decode(s, e.schema, x));
    v = map_assoc(v, e.key, made);
  }
  return v;
}

static Val decode_map_of(Schema *s, const Node *n, Val v) {
  MapIter it;
  Val k, x, out = map_empty;
  if (!is_map(v)) return v;
  map_iter(&it, v);
  while (map_next(&it, &k, &x)) {
    Val key = k; /* a keyword because JSON is read so: the schema may want the text */
    if (is_kw(k)) {
      TRY(fits, schema_try(s, malli_check, n->kids.a[0], k, NULL));
      if (same(fits, FALSE_V)) key = schema_key_name(k);
    }
    TRY(key2, malli_decode(s, n->kids.a[0], key));
    TRY(x2, malli_decode(s, n->kids.a[1], x));
    out = map_assoc(out, key2, x2);
    CHECK(out);
  }
  return out;
}

static Val decode_items(Schema *s, const Node *n, Val v) {
  ValVec items = {0};
  Val out = vec_empty;
  if (is_map(v) || !(is_sequential(v) || is_set(v))) return v;
  CHECK(coll_into_array(v, &items));
  bool tuple = n->type->check == check_tuple;
  for (size_t i = 0; i < items.n; i++) {
    if (tuple && i >= n->kids.n) return v;
    TRY(x, malli_decode(s, n->kids.a[tuple ? i : 0], items.a[i]));
    out = vec_conj(out, x);
  }
  if (n->type->check != check_set) return out;
  Val set = set_empty;
  for (uint32_t i = 0; i < vec_count(out); i++) {
    set = set_conj(set, vec_nth(out, i));
    CHECK(set);
  }
  return set;
}

static Val decode_enum(const Node *n, Val v) {
  TRY(there, equals_one(n, v));
  if (same(there, TRUE_V)) return v;
  for (size_t i = 0; i < n->kids.n; i++) {
    TRY(json, json_value(n->kids.a[i]));
    TRY(eq, val_eq(json, v));
    if (same(eq, TRUE_V)) return n->kids.a[i];
  }
  return v;
}

/* The first alternative that v fits when it is read as that one means it. */
static Val decode_alternatives(Schema *s, const Node *n, Val v, bool named) {
  for (size_t i = 0; i < n->kids.n; i++) {
    Slot e = {NIL, NIL, n->kids.a[i]};
    if (named) CHECK(entry_read(n->kids.a[i], &e));
    TRY(made, malli_decode(s, e.schema, v));
    TRY(fits, schema_try(s, malli_check, e.schema, made, NULL));
    if (same(fits, TRUE_V)) return made;
  }
  return v;
}

static Val decode_and(Schema *s, const Node *n, Val v) {
  for (size_t i = 0; i < n->kids.n; i++) {
    TRY(made, malli_decode(s, n->kids.a[i], v));
    v = made;
  }
  return v;
}

static Val decode_multi(Schema *s, const Node *n, Val v) {
  for (size_t i = 0; i < n->kids.n; i++) { /* the dispatch key itself may be a keyword that came as text */
    Slot e;
    CHECK(entry_read(n->kids.a[i], &e));
    Val key = prop(n, "dispatch"), at = is_map(v) ? map_get(v, key, NIL) : NIL;
    if (is_kw(e.key) && is_str(at)) {
      TRY(eq, val_eq(schema_key_name(e.key), at));
      if (same(eq, TRUE_V)) v = map_assoc(v, key, e.key);
    }
  }
  Val schema;
  CHECK(chosen_case(n, v, &schema));
  return same(schema, ABSENT) ? v : malli_decode(s, schema, v);
}

static Val decode_node(Schema *s, const Node *n, Val v) {
  if (n->leaf) return decode_leaf(n, v);
  switch (n->type->shape) {
  case ENTRIES: return decode_map(s, n, v);
  case TWO: return decode_map_of(s, n, v);
  case NAMED: return decode_alternatives(s, n, v, true);
  case CASES: return decode_multi(s, n, v);
  case VALUES: case VALUE: return n->type->check == check_unequal ? v : decode_enum(n, v);
  case NUMERIC: case PATTERN: return v;
  case ONE:
    if (n->type->check == check_not) return v;
    if (n->type->check == check_maybe || n->type->check == check_inner) return is_nil(v) ? v : malli_decode(s, n->kids.a[0], v);
    return decode_items(s, n, v);
  case SOME:
    if (n->type->check == check_tuple) return decode_items(s, n, v);
    return n->type->check == check_and ? decode_and(s, n, v) : decode_alternatives(s, n, v, false);
  }
  return v;
}

Val malli_decode(Schema *s, Val schema, Val v) {
  Node n;
  if (!s->depth) CHECK(malli_shape(s, schema));
  CHECK(schema_enter(s));
  CHECK(node_read(schema, &n));
  TRY(r, decode_node(s, &n, v));
  schema_leave(s);
  return r;
}
