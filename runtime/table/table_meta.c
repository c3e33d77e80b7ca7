/* What is known of a table: columns, keys, indexes, partitions. Stored as one EDN value beside its name. */
#include "runtime/base/json.h"
#include "runtime/store/snapshot.h"
#include "table_int.h"
#include <stdio.h>
#include <stdlib.h>

const char *const col_type_name[] = {"none",    "boolean", "int",     "double", "decimal", "number", "string",
                                     "keyword", "uuid",    "instant", "list",   "map",     "any"};

/* ---- addresses ---- */

#define TABLE_URI "res://v1/ws/"

bool meta_name_ok(const char *s) {
  size_t n = strlen(s);
  if (!n || n > TABLE_MAX_NAME || *s == '/' || s[n - 1] == '/' || strstr(s, "//")) return false;
  return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/") == n;
}

Val meta_uri(const StoreTable *st) { return str_fmt(TABLE_URI "%s/table/%s", st->workspace, st->name); }

static const char *uri_name(const char *s) {
  const char *p = strncmp(s, TABLE_URI, strlen(TABLE_URI)) ? NULL : strstr(s, "/table/");
  return p ? p + 7 : NULL;
}
bool table_is_uri(const char *s) { return uri_name(s) != NULL; }

/* Is the workspace of the address ours? Its table may also be below /result/. */
static bool uri_ours(const char *s, const char *workspace) {
  size_t n = strlen(workspace);
  s += strlen(TABLE_URI);
  return !strncmp(s, workspace, n) && (!strncmp(s + n, "/table/", 7) || !strncmp(s + n, "/result/table/", 14));
}

static Val ref_text(Val ref) {
  static const char *const keys[] = {"uri", "resource-uri", "ref", "table"};
  for (int depth = 0; is_map(ref) && depth < 3; depth++) {
    Val next = NIL;
    for (size_t i = 0; i < 4 && is_nil(next); i++) next = map_get_kw(ref, keys[i]);
    ref = next;
  }
  return is_kw(ref) ? json_scalar_text(ref) : ref;
}

bool meta_ref_name(Tc *t, Val ref, const char **name) {
  Val s = ref_text(ref);
  if (!is_str(s)) return tc_fail(t, "validation", ":table must be the address, the handle or the name of a table, not %s", tc_text(ref));
  *name = str_s(s);
  if (!strncmp(*name, "res://", 6)) {
    if (!table_is_uri(*name))
      return tc_fail(t, "validation", "%.120s is not the address of a table (res://v1/ws/<workspace>/table/<name>)", *name);
    if (!uri_ours(*name, t->call->workspace)) return tc_fail(t, "not-found", "%.120s is not in workspace %.60s", *name, t->call->workspace);
    *name = uri_name(*name);
  }
  if (meta_name_ok(*name)) return true;
  return tc_fail(t, "validation", "the name of a table is 1 to %d letters, digits, _ - . : and /, not \"%.80s\"", TABLE_MAX_NAME, *name);
}

/* ---- columns ---- */

Val meta_column_key(Val key) {
  Val s = is_kw(key) || is_sym(key) || is_char(key) ? json_scalar_text(key) : key;
  if (!is_str(s) || !str_n(s) || str_n(s) > TABLE_MAX_COLUMN) return ABSENT;
  return json_keyword_like(str_s(s), str_n(s)) ? kw_parse(str_s(s), str_n(s)) : s;
}

static const char *key_name(Val key) { return str_s(json_scalar_text(key)); }

static bool names_of_columns(const Table *tab, Buf *b) {
  for (int i = 0; i < tab->ncols && i < 40; i++) buf_fmt(b, "%s%s", i ? ", " : "", tab->cols[i].name);
  if (tab->ncols > 40) buf_fmt(b, " and %d more", tab->ncols - 40);
  return tab->ncols > 0;
}

/* A table without any column yet knows every name. */
bool meta_column(Tc *t, const Table *tab, Val key, const char *what, int *col) {
  Val k = meta_column_key(key), n = same(k, ABSENT) ? NIL : map_get(tab->by_key, k, NIL);
  if (is_fix(n)) {
    *col = (int)fix_of(n);
    return true;
  }
  if (same(k, ABSENT))
    return tc_fail(t, "validation", "%s: %s is no column name (a keyword or text of 1 to %d bytes)", what, tc_text(key), TABLE_MAX_COLUMN);
  if (!tab->ncols) {
    *col = TABLE_MAX_COLUMNS;
    return true;
  }
  Buf b = {0};
  names_of_columns(tab, &b);
  tc_fail(t, "validation", "%s: table %.80s has no column %s; its columns are %.300s", what, tab->st.name, tc_text(key), buf_cstr(&b));
  buf_free(&b);
  return false;
}

static void add_column(Table *tab, Val key, enum ColType type, Val def) {
  if (tab->ncols % 16 == 0) {
    Column *more = mem_alloc((size_t)(tab->ncols + 16) * sizeof *more);
    if (tab->ncols) memcpy(more, tab->cols, (size_t)tab->ncols * sizeof *more);
    tab->cols = more;
  }
  tab->cols[tab->ncols++] = (Column){.key = key, .name = key_name(key), .type = type, .def = def};
  tab->by_key = map_assoc(tab->by_key, key, fix(tab->ncols));
}

bool meta_add_column(Tc *t, Table *tab, Val key, int *col) {
  if (tab->ncols + 1 >= TABLE_MAX_COLUMNS)
    return tc_fail(t, "oversize", "table %.80s would have more than %d columns", tab->st.name, TABLE_MAX_COLUMNS - 1);
  add_column(tab, key, COL_NONE, NIL);
  *col = tab->ncols;
  return true;
}

bool meta_columns_arg(Tc *t, const Table *tab, Val v, const char *what, int *cols, int max, int *n) {
  *n = 0;
  if (is_nil(v)) return true;
  ValVec xs = {0};
  if (is_kw(v) || is_str(v))
    vv_push(&xs, v);
  else if (!(is_sequential(v) || is_set(v)) || is_sig(coll_into_array(v, &xs)))
    return tc_fail(t, "validation", "%s must be a vector of columns, not %s", what, tc_text(v));
  if (xs.n > (size_t)max) return tc_fail(t, "validation", "%s takes at most %d columns", what, max);
  for (size_t i = 0; i < xs.n; i++)
    if (!meta_column(t, tab, xs.a[i], what, &cols[(*n)++])) return false;
  return true;
}

/* ---- types ---- */

enum ColType meta_type_of(Val v) {
  if (is_nil(v)) return COL_NONE;
  if (is_bool(v)) return COL_BOOLEAN;
  if (is_integer(v)) return COL_INT;
  if (is_dbl(v)) return COL_DOUBLE;
  if (is_num(v)) return is_type(v, T_DECIMAL) ? COL_DECIMAL : COL_NUMBER;
  if (is_str(v) || is_char(v)) return COL_STRING;
  if (is_kw(v) || is_sym(v)) return COL_KEYWORD;
  if (is_type(v, T_UUID)) return COL_UUID;
  if (is_type(v, T_INST)) return COL_INSTANT;
  if (is_map(v)) return COL_MAP;
  return is_set(v) || is_sequential(v) ? COL_LIST : COL_ANY;
}

static bool is_numeric(enum ColType a) { return a >= COL_INT && a <= COL_NUMBER; }

enum ColType meta_type_join(enum ColType a, enum ColType b) {
  if (a == b || b == COL_NONE) return a;
  if (a == COL_NONE) return b;
  if (is_numeric(a) && is_numeric(b)) return a == COL_INT ? b : b == COL_INT ? a : COL_NUMBER;
  return COL_ANY;
}

Val meta_coerce(const Column *c, Val v) {
  if (!is_str(v) || c->type == COL_STRING) return v;
  if (is_numeric(c->type)) {
    Val n = num_parse(str_s(v), str_n(v));
    return same(n, ABSENT) || is_sig(n) ? v : n;
  }
  if (c->type == COL_BOOLEAN && (str_eq_c(v, "true") || str_eq_c(v, "false"))) return bool_val(str_eq_c(v, "true"));
  return v;
}

/* ---- to and from the store ---- */

static Val ints_val(const int *a, int n) {
  Val v = vec_empty;
  for (int i = 0; i < n; i++) v = vec_conj(v, fix(a[i]));
  return v;
}

static Val meta_val(const Table *tab) {
  Val cols = vec_empty, parts = vec_empty;
  for (int i = 0; i < tab->ncols; i++) {
    Val c[] = {tab->cols[i].key, fix(tab->cols[i].type), tab->cols[i].def};
    cols = vec_conj(cols, vec_from(c, 3));
  }
  for (int i = 0; i < tab->nparts; i++) {
    Val p[] = {tab->parts[i].name, int_val(tab->parts[i].next), int_val(tab->parts[i].rows)};
    parts = vec_conj(parts, vec_from(p, 3));
  }
  Val kv[] = {kw_c("cols"),   cols,
              kw_c("keys"),   ints_val(tab->keys, tab->nkeys),
              kw_c("index"),  ints_val(tab->index, tab->nindex),
              kw_c("parts"),  parts,
              kw_c("split"),  bool_val(tab->partitioned),
              kw_c("by"),     tab->part_field,
              kw_c("strict"), bool_val(tab->strict),
              kw_c("changes"), int_val(tab->changes)};
  return map_from(kv, 8, false);
}

static int ints_read(Val v, int *out, int max) {
  int n = 0;
  for (uint32_t i = 0; is_vec(v) && i < vec_count(v) && n < max; i++) out[n++] = (int)fix_of(vec_nth(v, i));
  return n;
}

static void parts_reserve(Table *tab) {
  if (tab->nparts % 16) return;
  Part *more = mem_alloc((size_t)(tab->nparts + 16) * sizeof *more);
  if (tab->nparts) memcpy(more, tab->parts, (size_t)tab->nparts * sizeof *more);
  tab->parts = more;
}

static void part_add(Table *tab, Val name, int64_t next, int64_t rows) {
  parts_reserve(tab);
  tab->parts[tab->nparts++] = (Part){name, next, rows};
}

static void meta_empty(Table *tab) { *tab = (Table){.part_field = NIL, .by_key = map_empty}; }

static bool meta_read(Tc *t, Val m, Table *tab) {
  Err e = {0};
  if (!is_map(m)) return err_set(&e, "db_corrupt", "what it holds of table %.80s is damaged", tab->st.name), tc_store(t, &e);
  Val cols = map_get_kw(m, "cols"), parts = map_get_kw(m, "parts");
  for (uint32_t i = 0; i < vec_count(cols); i++) {
    Val c = vec_nth(cols, i);
    add_column(tab, vec_nth(c, 0), (enum ColType)fix_of(vec_nth(c, 1)), vec_nth(c, 2));
  }
  for (uint32_t i = 0; i < vec_count(parts); i++) {
    Val p = vec_nth(parts, i);
    part_add(tab, vec_nth(p, 0), long_of(vec_nth(p, 1)), long_of(vec_nth(p, 2)));
  }
  tab->nkeys = ints_read(map_get_kw(m, "keys"), tab->keys, TABLE_MAX_KEYS);
  tab->nindex = ints_read(map_get_kw(m, "index"), tab->index, TABLE_MAX_INDEXES);
  tab->partitioned = truthy(map_get_kw(m, "split"));
  tab->part_field = map_get_kw(m, "by");
  tab->strict = truthy(map_get_kw(m, "strict"));
  Val changes = map_get_kw(m, "changes");
  tab->changes = is_long(changes) ? long_of(changes) : 0;
  tab->found_by = tab->ncols;
  return true;
}

static char *kept(const char *s) {
  char *p = mem_alloc_atomic(strlen(s) + 1);
  return strcpy(p, s);
}

/* The registered row as collected memory, its bytes read. */
static bool adopt(Tc *t, StoreTable *st, Table *out) {
  meta_empty(out);
  out->st = (StoreTable){.workspace = kept(st->workspace),
                         .name = kept(st->name),
                         .id = st->id,
                         .rows = st->rows,
                         .created_ms = st->created_ms,
                         .updated_ms = st->updated_ms};
  Val m = snap_read_value(t->env, st->meta.p, st->meta.n);
  store_table_free(st);
  return meta_read(t, is_sig(m) ? NIL : m, out);
}

static bool not_found(Tc *t, const char *name) {
  Buf b = {0};
  StoreTable some[20];
  Err e = {0};
  bool settled = store_table_settle(t->call->store, &e); /* the list knows what is committed */
  size_t n = settled ? store_tables(t->call->store, t->call->workspace, "", some, 20, &e) : 0;
  for (size_t i = 0; i < n; i++) {
    buf_fmt(&b, "%s%.80s", i ? ", " : "", some[i].name);
    store_table_free(&some[i]);
  }
  if (n)
    tc_fail(t, "not-found", "there is no table \"%.80s\" in this workspace; there are: %.300s%s", name, buf_cstr(&b),
            n == 20 ? " ..." : "");
  else
    tc_fail(t, "not-found", "there is no table \"%.80s\": this workspace has no table yet", name);
  buf_free(&b);
  return false;
}

static bool registered(Tc *t, const char *name, StoreTable *st, bool *found) {
  Err e = {0};
  *found = store_table_get(t->call->store, t->call->workspace, name, st, &e);
  if (t->call->seen && !e.code) t->call->seen(t->call->ctx, name, *found ? st : NULL);
  return !e.code || tc_store(t, &e);
}

bool meta_open(Tc *t, Val ref, Table *out) {
  const char *name;
  StoreTable st = {0};
  bool found;
  if (!meta_ref_name(t, ref, &name) || !registered(t, name, &st, &found)) return false;
  return found ? adopt(t, &st, out) : not_found(t, name);
}

static int64_t new_number(Tc *t) { return t->call->number ? t->call->number : store_next_table(t->call->store); }

bool meta_open_or_new(Tc *t, const char *name, Table *out) {
  StoreTable st = {0};
  bool found;
  Val text = str_c(name);
  if (!meta_ref_name(t, text, &name) || !registered(t, name, &st, &found)) return false;
  if (found) return adopt(t, &st, out);
  meta_empty(out);
  out->fresh = true;
  out->st = (StoreTable){.workspace = kept(t->call->workspace), .name = kept(name), .id = new_number(t)};
  return out->st.id > 0 || tc_fail(t, "limit", "no table can be made: the database cannot be read, or its table numbers are used up");
}

/* A table is found by its name and those of its columns: written when there are new ones. */
static void index_put(Batch *b, const Table *tab) {
  Buf text = {0}, path = {0};
  const char *uri = str_s(meta_uri(&tab->st));
  buf_c(&text, tab->st.name);
  for (int i = 0; i < tab->ncols; i++) buf_fmt(&text, "\n%s", tab->cols[i].name);
  buf_fmt(&path, "table/%s", tab->st.name);
  IndexRow row = {.workspace = tab->st.workspace, .target = "resources", .key = uri, .title = tab->st.name, .type = "table", .path = buf_cstr(&path),
                  .tags = "", .text = {text.p, text.n}, .at_ms = now_ms()};
  batch_index_put(b, &row);
  buf_free(&text);
  buf_free(&path);
}

bool meta_save(Tc *t, Table *tab) {
  Buf b = {0};
  int64_t at = now_ms();
  tab->changes++;
  if (is_sig(snap_data(&b, meta_val(tab)))) {
    buf_free(&b);
    return tc_pending(t);
  }
  StoreTable st = tab->st;
  if (tab->fresh) tab->st.created_ms = st.created_ms = at;
  tab->st.updated_ms = st.updated_ms = at;
  st.meta = (Blob){b.p, b.n};
  Batch *batch = t->call->batch(t->call->ctx);
  batch_table_put(batch, &st);
  if (tab->fresh || tab->found_by != tab->ncols) index_put(batch, tab);
  buf_free(&b);
  return true;
}

/* ---- partitions ---- */

static int part_find(const Table *tab, Val name) {
  for (int i = 0; i < tab->nparts; i++)
    if (!str_cmp(tab->parts[i].name, name)) return i;
  return -1;
}

static Val meta_part_name(Val v) {
  if (is_nil(v)) return ABSENT;
  Val s = json_scalar_text(v);
  return is_str(s) && str_n(s) && str_n(s) <= TABLE_MAX_COLUMN ? s : ABSENT;
}

/* The partition of that name; made when it is not there. */
bool meta_part(Tc *t, Table *tab, Val v, int *part) {
  Val name = tab->partitioned ? meta_part_name(v) : str_c("");
  if (same(name, ABSENT))
    return tc_fail(t, "validation", "a partition is named by a text of 1 to %d bytes, not %s", TABLE_MAX_COLUMN, tc_text(v));
  *part = part_find(tab, name);
  if (*part >= 0) return true;
  if (tab->nparts >= TABLE_MAX_PARTS)
    return tc_fail(t, "oversize", "table %.80s would have more than %d partitions", tab->st.name, TABLE_MAX_PARTS);
  part_add(tab, name, 1, 0);
  *part = tab->nparts - 1;
  return true;
}

static bool partitions_shape(Tc *t, const Table *tab, Val v) {
  if (!tab->partitioned && !is_nil(v))
    return tc_fail(t, "validation", "table %.80s has no partitions: leave :partitions out", tab->st.name);
  if (!tab->partitioned) return true;
  bool key = is_map(v) && !is_nil(map_get_kw(v, "key")), keys = is_map(v) && !is_nil(map_get_kw(v, "keys"));
  return key != keys ||
         tc_fail(t, "validation", "table %.80s is partitioned: say which with :partitions {:key \"..\"} or {:keys [\"..\" ..]}",
                 tab->st.name);
}

/* A partition that does not exist has no rows. */
bool meta_read_parts(Tc *t, const Table *tab, Val v, int *parts, int *n) {
  *n = 0;
  if (!partitions_shape(t, tab, v)) return false;
  if (!tab->partitioned) {
    if (tab->nparts) parts[(*n)++] = 0;
    return true;
  }
  ValVec names = {0};
  Val keys = map_get_kw(v, "keys");
  if (is_nil(keys))
    vv_push(&names, map_get_kw(v, "key"));
  else if (!is_sequential(keys) || is_sig(coll_into_array(keys, &names)))
    return tc_fail(t, "validation", ":partitions :keys must be a vector of texts");
  if (names.n > TABLE_MAX_READ_PARTS) return tc_fail(t, "validation", "one read takes at most %d partitions", TABLE_MAX_READ_PARTS);
  for (size_t i = 0; i < names.n; i++) {
    Val name = meta_part_name(names.a[i]);
    int at = same(name, ABSENT) ? -1 : part_find(tab, name);
    bool twice = false;
    if (same(name, ABSENT))
      return tc_fail(t, "validation", "a partition is named by a text of 1 to %d bytes, not %s", TABLE_MAX_COLUMN, tc_text(names.a[i]));
    for (int k = 0; k < *n; k++) twice = twice || parts[k] == at;
    if (at >= 0 && !twice) parts[(*n)++] = at;
  }
  return true;
}

/* ---- what callers see ---- */

Val table_handle(const StoreTable *t) {
  Val kv[] = {kw_c("type"),      kw_c("resource-ref"), kw_c("resource-type"), kw_c("table"),    kw_c("uri"),
              meta_uri(t),       kw_c("table"),        str_c(t->name),        kw_c("table-id"), str_fmt("tbl_%lld", (long long)t->id),
              kw_c("row-count"), int_val(t->rows)};
  return map_from(kv, 6, false);
}

static Val keys_of(const Table *tab, const int *cols, int n) {
  Val v = vec_empty;
  for (int i = 0; i < n; i++) v = vec_conj(v, tab->cols[cols[i] - 1].key);
  return v;
}

static Val column_schema(const Column *c) {
  Val kv[] = {kw_c("name"), c->key, kw_c("type"), kw_c(col_type_name[c->type])};
  Val m = map_from(kv, 2, false);
  return is_nil(c->def) ? m : map_assoc(m, kw_c("definition"), c->def);
}

static Val parts_schema(const Table *tab) {
  Val v = vec_empty;
  for (int i = 0; i < tab->nparts; i++) {
    Val kv[] = {kw_c("key"), tab->parts[i].name, kw_c("row-count"), int_val(tab->parts[i].rows)};
    v = vec_conj(v, map_from(kv, 2, false));
  }
  return v;
}

Val meta_schema(const Table *tab) {
  Val m = map_dissoc(map_dissoc(table_handle(&tab->st), kw_c("type")), kw_c("resource-type")), cols = vec_empty;
  for (int i = 0; i < tab->ncols; i++) cols = vec_conj(cols, column_schema(&tab->cols[i]));
  m = map_assoc(m, kw_c("columns"), cols);
  m = map_assoc(m, kw_c("key-fields"), keys_of(tab, tab->keys, tab->nkeys));
  m = map_assoc(m, kw_c("index-fields"), keys_of(tab, tab->index, tab->nindex));
  m = map_assoc(m, kw_c("schema-mode"), kw_c(tab->strict ? "strict" : "flexible"));
  m = map_assoc(m, kw_c("created-at"), int_val(tab->st.created_ms));
  m = map_assoc(m, kw_c("updated-at"), int_val(tab->st.updated_ms));
  if (!tab->partitioned) return m;
  m = map_assoc(m, kw_c("partitions"), parts_schema(tab));
  return is_nil(tab->part_field) ? m : map_assoc(m, kw_c("partition-field"), tab->part_field);
}

Val meta_row_id(int part, int64_t row) { return str_fmt("%d.%lld", part, (long long)row); }

bool meta_parse_row_id(Tc *t, const Table *tab, Val id, int *part, int64_t *row) {
  const char *s = is_str(id) ? str_s(id) : "";
  char *end;
  long p = strtol(s, &end, 10);
  bool ok = end != s && *end == '.' && *s >= '0' && *s <= '9' && p < TABLE_MAX_PARTS && end[1] >= '0' && end[1] <= '9';
  *row = ok ? strtoll(end + 1, &end, 10) : 0;
  *part = (int)p;
  if (!ok || *end) return tc_fail(t, "validation", ":row-id must be the id of a row, such as \"0.17\", not %s", tc_text(id));
  if (p<tab->nparts && * row> 0 && *row < (int64_t)1 << TABLE_ROW_BITS) return true;
  return tc_fail(t, "not-found", "table %.80s has no row %.40s", tab->st.name, s);
}

static bool wanted(int col, const int *cols, int ncols) {
  for (int i = 0; i < ncols; i++)
    if (cols[i] == col) return true;
  return !ncols;
}

Val meta_row_map(Env *env, const Table *tab, Bytesv row, const int *cols, int ncols) {
  const char *p = row.p, *end = p + row.n;
  ValVec kv = {0};
  int col;
  Bytesv f;
  while (row_next(&p, end, &col, &f)) {
    if (!col || col > tab->ncols || !wanted(col, cols, ncols)) continue;
    Val v = row_value(env, f);
    if (is_sig(v)) return v;
    vv_push(&kv, tab->cols[col - 1].key);
    vv_push(&kv, v);
  }
  return map_from(kv.a, kv.n / 2, false);
}

int meta_index_of(const Table *tab, int col) {
  for (int i = 0; i < tab->nindex; i++)
    if (tab->index[i] == col) return i + 1;
  return tab->nkeys && tab->keys[0] == col ? 0 : -1;
}

/* The same name with nothing in it, under another number. */
bool meta_renew(Tc *t, Table *tab) {
  const char *name = tab->st.name;
  meta_empty(tab);
  tab->fresh = true;
  tab->st = (StoreTable){.workspace = kept(t->call->workspace), .name = kept(name), .id = new_number(t)};
  return tab->st.id > 0 || tc_fail(t, "limit", "no table can be made: the database cannot be read, or its table numbers are used up");
}
