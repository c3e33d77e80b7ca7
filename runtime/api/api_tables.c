/* api_tables.c - tables over HTTP: POST /api/resources/table/{op} (http-api.md H3) is table_run with a JSON body. Names in the answer are
 * in camel case, rows and their columns as they are. */
#include "api_far.h"
#include "runtime/engine/engine_int.h"
#include "runtime/table/table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Batch *api_batch_of(void *call) { return api_batch(call); }

static TableCall call_of(ApiCall *c) {
  return (TableCall){.store = c->api->store, .workspace = c->workspace, .batch = api_batch_of, .ctx = c};
}

bool api_table_fail(ApiCall *c, Val error) {
  static const struct {
    const char *type, *code;
    int status;
  } known[] = {{"not-found", "not_found", 404},   {"validation", "bad_request", 400}, {"conflict", "conflict", 409},
               {"oversize", "too_large", 413},    {"limit", "too_large", 413},        {"store-failed", "store_failed", 503},
               {"disk-full", "disk_full", 507}};
  const char *type = kw_text(map_get_kw(error, "type"));
  Val message = map_get_kw(error, "message");
  for (size_t i = 0; type && i < sizeof known / sizeof *known; i++)
    if (!strcmp(type, known[i].type)) return api_fail(c, known[i].status, known[i].code, "%s", is_str(message) ? str_s(message) : type);
  return api_fail(c, 400, "bad_request", "%s", is_str(message) ? str_s(message) : "the table refused this");
}

/* "has-more" -> "hasMore" */
static Val camel(Val k) {
  char out[64];
  size_t n = 0;
  const char *s = is_kw(k) ? id_text(k) : "";
  for (; *s && n + 1 < sizeof out; s++) {
    if (*s == '?') continue;
    if (*s == '-' && s[1] >= 'a' && s[1] <= 'z') out[n++] = (char)(*++s - 'a' + 'A');
    else out[n++] = *s;
  }
  out[n] = 0;
  return kw_c(out);
}

Val api_camel(Val m) {
  MapIter it;
  Val k, v;
  ValVec out = {0};
  map_iter(&it, m);
  while (map_next(&it, &k, &v)) {
    vv_push(&out, camel(k));
    vv_push(&out, v);
  }
  return api_map(&out);
}

/* --- options -------------------------------------------------------------------------------------------------------------------------- */
static void move(Val *o, const char *from, const char *to) {
  Val v = map_get_kw(*o, from);
  if (is_nil(v)) return;
  *o = map_assoc(map_dissoc(*o, kw_c(from)), kw_c(to), v);
}

static Val names(Val v) {
  ValVec out = {0};
  if (is_str(v)) {
    for (const char *s = str_s(v); *s; s += strcspn(s, ",") + (s[strcspn(s, ",")] == ',')) vv_push(&out, str_new(s, strcspn(s, ",")));
    return vec_from(out.a, out.n);
  }
  return v;
}

static Val partitions(Val o) {
  Val one = map_get_kw(o, "partition-key"), many = names(map_get_kw(o, "partition-keys"));
  o = map_dissoc(map_dissoc(o, kw_c("partition-key")), kw_c("partition-keys"));
  Val kv[] = {kw_c(is_nil(one) ? "keys" : "key"), is_nil(one) ? many : one};
  return is_nil(kv[1]) ? o : map_assoc(o, kw_c("partitions"), map_from(kv, 1, false));
}

static Val keyword_of(Val v) { return is_str(v) ? kw_c(str_s(v)) : v; }

/* What the step's options are called; :uri may also be the name that :table is. */
static Val options(const char *op, Val body) {
  static const char *const words[] = {"write-mode", "schema-mode", "join-type"};
  Val o = partitions(map_assoc(body, kw_c("op"), kw_c(op))), page = map_get_kw(o, "page"), key = map_get_kw(o, "key");
  move(&o, "uri", "table");
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    Val v = map_get_kw(o, words[i]);
    if (is_str(v)) o = map_assoc(o, kw_c(words[i]), keyword_of(v));
  }
  if (is_map(page)) o = map_assoc(o, kw_c("page"), map_assoc(page, kw_c("mode"), keyword_of(map_get_kw(page, "mode"))));
  if (!strcmp(op, "export") && is_str(map_get_kw(o, "format"))) o = map_assoc(o, kw_c("format"), keyword_of(map_get_kw(o, "format")));
  return is_map(key) ? map_assoc(o, kw_c("key"), key) : o;
}

/* --- answers -------------------------------------------------------------------------------------------------------------------------- */
static Val query_answer(Val r) {
  Val rows = map_get_kw(r, "rows"), ids = map_get_kw(r, "row-ids"), page = api_camel(map_get_kw(r, "page"));
  ValVec items = {0}, out = {0};
  for (uint32_t i = 0; is_vec(rows) && i < vec_count(rows); i++) {
    Val kv[] = {kw_c("rowId"), vec_nth(ids, i), kw_c("data"), vec_nth(rows, i)};
    vv_push(&items, map_from(kv, 2, false));
  }
  api_put(&out, "rows", rows);
  api_put(&out, "items", vec_from(items.a, items.n));
  api_put(&out, "count", map_get_kw(r, "count"));
  api_put(&out, "page", page);
  return api_map(&out);
}

static Val answer(const char *op, Val r) {
  Val m = !strcmp(op, "query") ? query_answer(r) : api_camel(r), uri = map_get_kw(r, "uri"), table = map_get_kw(r, "table");
  if (is_str(uri)) m = map_assoc(m, kw_c("resourceUri"), uri);
  return is_str(table) ? map_assoc(m, kw_c("tableName"), table) : m;
}

/* Key values come as texts from a command line: a number or boolean that is written like one is meant when no text has been found. */
static Val typed_keys(Val key) {
  MapIter it;
  Val k, v, out = map_empty;
  map_iter(&it, key);
  while (map_next(&it, &k, &v)) {
    char *end = NULL;
    bool text = is_str(v), whole = text && str_n(v) && str_n(v) < 19 && (strtoll(str_s(v), &end, 10), !*end);
    if (whole) v = int_val(strtoll(str_s(v), NULL, 10));
    else if (text && (str_eq_c(v, "true") || str_eq_c(v, "false"))) v = str_eq_c(v, "true") ? TRUE_V : FALSE_V;
    out = map_assoc(out, k, v);
  }
  return out;
}

static bool found(const char *op, bool ok, Val result, Val error) {
  return ok ? strcmp(op, "get-row") || !same(map_get_kw(result, "exists?"), FALSE_V) : !kw_is(map_get_kw(error, "type"), "not-found");
}

static bool run(const TableCall *t, const char *op, Val o, Val *result, Val *error) {
  Val key = map_get_kw(o, "key");
  bool ok = table_run(t, o, result, error);
  if (!is_map(key) || found(op, ok, *result, *error)) return ok;
  Val r = NIL, e = NIL;
  bool typed = table_run(t, map_assoc(o, kw_c("key"), typed_keys(key)), &r, &e);
  if (!found(op, typed, r, e)) return ok;
  *result = r;
  *error = e;
  return typed;
}

/* --- CSV ------------------------------------------------------------------------------------------------------------------------------ */
static bool to_file(void *ctx, const char *p, size_t n, Err *e) {
  const int *fd = ctx;
  for (ssize_t k; n; p += k, n -= (size_t)k)
    if ((k = write(*fd, p, n)) < 0) return err_set(e, "resource-io", "%s", strerror(errno));
  return true;
}

/* --- reads, on a helper thread where the table is big (api_far.h) --------------------------------------------------------------------- */
enum { FAR_ROWS = 2000 }; /* below, a thread costs more than the read */

static Batch *no_batch(void *ctx) { return (void)ctx, NULL; }
static bool is_op(Val o, const char *op) { return kw_is(map_get_kw(o, "op"), op); }

static bool is_big(ApiCall *c, Val o) {
  TableCall t = call_of(c);
  return api_far_can(c) && table_count(&t, o) >= FAR_ROWS;
}

static void read_table(ApiFar *j) {
  bool file = is_op(j->in, "export");
  if (file && (j->fd = memfd_create("table", MFD_CLOEXEC)) < 0) {
    err_set(&j->err, "store_failed", "no file in memory: %s", strerror(errno));
    return;
  }
  TableCall t = {.store = j->store, .workspace = j->workspace, .batch = no_batch, .ctx = &j->fd, .write = file ? to_file : NULL};
  j->ok = table_run(&t, j->in, &j->result, &j->error);
}

static bool answer_read(ApiCall *c, ApiFar *j) {
  if (j->err.code) return api_fail_err(c, &j->err);
  if (!j->ok) return api_table_fail(c, j->error);
  if (j->fd < 0) return api_ok(c, answer(kw_text(map_get_kw(j->in, "op")), j->result));
  off_t size = lseek(j->fd, 0, SEEK_END);
  engine_listen_file(c->api->listener, j->token, j->fd, (uint64_t)size, str_s(map_get_kw(j->result, "content-type")), NULL);
  j->fd = -1;
  return c->later = true;
}

/* --- changes of many rows, there as well ----------------------------------------------------------------------------------------------------- */
enum { FAR_BYTES = 64 << 10 }; /* of a CSV text */

static bool is_big_change(ApiCall *c, Val o) {
  TableCall t = call_of(c);
  Val csv = map_get_kw(o, "csv"), left[] = {kw_c("table"), map_get_kw(o, "left")}, right[] = {kw_c("table"), map_get_kw(o, "right")};
  if (!api_far_can(c)) return false;
  if (is_op(o, "import-csv")) return is_str(csv) && str_n(csv) >= FAR_BYTES;
  if (is_op(o, "materialize-join")) return table_count(&t, map_from(left, 1, false)) + table_count(&t, map_from(right, 1, false)) >= FAR_ROWS;
  return (is_op(o, "set-column") || is_op(o, "recompute")) && table_count(&t, o) >= FAR_ROWS;
}

static Batch *far_batch(void *ctx) {
  ApiFar *j = ctx;
  return j->batch ? j->batch : (j->batch = batch_new());
}
static void far_seen(void *ctx, const char *name, const StoreTable *t) { table_seen_add(&((ApiFar *)ctx)->seen, name, t); }

static void change_table(ApiFar *j) {
  TableCall t = {.store = j->store, .workspace = j->workspace, .batch = far_batch, .ctx = j, .number = j->number, .seen = far_seen};
  j->ok = run(&t, kw_text(map_get_kw(j->in, "op")), j->in, &j->result, &j->error);
}

static bool answer_change(ApiCall *c, ApiFar *j) {
  return j->ok ? api_ok(c, answer(kw_text(map_get_kw(j->in, "op")), j->result)) : api_table_fail(c, j->error);
}

static bool export(ApiCall *c, Val o) {
  if (is_nil(map_get_kw(o, "format"))) o = map_assoc(o, kw_c("format"), kw_c("csv"));
  return api_far(c, read_table, answer_read, o);
}

static bool table_op(ApiCall *c) {
  const char *op = *api_path(c, "op") ? api_path(c, "op") : "export";
  Val result = NIL, error = NIL;
  bool reads = !strcmp(op, "query") || !strcmp(op, "get-row") || !strcmp(op, "aggregate") || !strcmp(op, "schema") || !strcmp(op, "export");
  if (!table_op_known(op)) return api_fail(c, 404, "not_found", "tables have no operation %.60s", op);
  if (!is_map(c->body)) return api_fail(c, 400, "bad_request", "the body must be a JSON object with uri and what %s needs", op);
  if (!reads && !api_may(c, "resources.write")) return api_fail(c, 403, "forbidden", "this key may not change tables: it needs the scope resources.write");
  Val o = options(op, c->body);
  if (is_nil(map_get_kw(o, "table")) && strcmp(op, "materialize-join"))
    return api_fail(c, 400, "bad_request", "%s needs uri, the address or name of a table", op);
  if (!strcmp(op, "export")) return export(c, o);
  if (reads && strcmp(op, "get-row") && is_big(c, o)) return api_far(c, read_table, answer_read, o);
  if (!reads && is_big_change(c, o)) return api_far_change(c, change_table, answer_change, o);
  TableCall t = call_of(c);
  if (!run(&t, op, o, &result, &error)) return api_table_fail(c, error);
  return api_ok(c, answer(op, result));
}

/* --- a page of a table as GET /api/resources/content shows it ---------------------------------------------------------------------------- */
/* in: the query; result: {:schema :rows}, what the two operations say. */
static void read_page(ApiFar *j) {
  TableCall t = {.store = j->store, .workspace = j->workspace, .batch = no_batch};
  Val sv[] = {kw_c("op"), kw_c("schema"), kw_c("table"), map_get_kw(j->in, "table")}, schema = NIL, rows = NIL;
  j->ok = table_run(&t, map_from(sv, 2, false), &schema, &j->error) && table_run(&t, j->in, &rows, &j->error);
  Val kv[] = {kw_c("schema"), schema, kw_c("rows"), rows};
  j->result = map_from(kv, 2, false);
}

static bool answer_page(ApiCall *c, ApiFar *j) {
  if (!j->ok) return api_table_fail(c, j->error);
  Val schema = map_get_kw(j->result, "schema"), page = query_answer(map_get_kw(j->result, "rows")), p = map_get_kw(page, "page");
  Val asked = map_get_kw(j->in, "page");
  ValVec m = {0};
  api_put(&m, "resourceUri", map_get_kw(j->in, "table"));
  api_put(&m, "tableName", map_get_kw(schema, "table"));
  api_put(&m, "tableId", map_get_kw(schema, "table-id"));
  api_put(&m, "rowCount", map_get_kw(schema, "row-count"));
  api_put(&m, "rows", map_get_kw(page, "rows"));
  page = map_assoc(map_assoc(page, kw_c("limit"), map_get_kw(asked, "limit")), kw_c("offset"), map_get_kw(asked, "offset"));
  page = map_assoc(page, kw_c("hasMore"), map_get_kw(p, "hasMore"));
  api_put(&m, "query", map_assoc(page, kw_c("nextOffset"), map_get_kw(p, "nextOffset")));
  api_put(&m, "schema", api_camel(schema));
  return api_ok(c, api_map(&m));
}

bool api_table_page(ApiCall *c, const char *uri, Val parts, int64_t limit, int64_t offset) {
  Val kv[] = {kw_c("mode"), kw_c("offset"), kw_c("limit"), int_val(limit), kw_c("offset"), int_val(offset), kw_c("include-total-count"), TRUE_V};
  Val ov[] = {kw_c("op"), kw_c("query"), kw_c("table"), str_c(uri), kw_c("page"), map_from(kv, 4, false)}, o = map_from(ov, 3, false);
  if (!is_nil(parts)) o = map_assoc(o, kw_c("partitions"), parts);
  if (is_big(c, o)) return api_far(c, read_page, answer_page, o);
  ApiFar here = {.store = c->api->store, .workspace = c->workspace, .in = o, .result = NIL, .error = NIL, .fd = -1};
  read_page(&here);
  return answer_page(c, &here);
}

const ApiRoute api_table_routes[] = {
    {"POST",
     "resources/table/{op}",
     ROUTE_VALUE,
     {"resources.table",
      "resources.read",
      true,
      "One operation on a table: query, get-row, aggregate, schema, import-csv, update-cell, update-cell-format, set-column, "
      "recompute or materialize-join; the body has uri and the options of a :table step. Changes need the scope resources.write.",
      table_op,
      {{0}}}},
    {"POST",
     "resources/table/export",
     ROUTE_VALUE | ROUTE_OWN,
     {"resources.table.export", "resources.read", false, "The rows of a table as CSV, or as format says; the body has uri, select, where and sort.", table_op, {{0}}}},
    {0},
};
