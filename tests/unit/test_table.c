/* Tables over both stores, through table.h: options and results are written as EDN. */
#include "eval/macros.h"
#include "eval/unit.h"
#include "reader/map.h"
#include "reader/mem.h"
#include "reader/print.h"
#include "reader/read.h"
#include "runtime/engine/engine.h"
#include "runtime/table/table.h"
#include "runtime/table/table_int.h"
#include "stdlib/stdlib.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static Store *store;
static Batch *batch;
static Batch *batch_of(void *ctx) {
  (void)ctx;
  if (!batch) batch = batch_new();
  return batch;
}
static TableCall call(void) { return (TableCall){.store = store, .workspace = "main", .batch = batch_of}; }

static Val edn(const char *s) {
  Val v = read_one(s, strlen(s), "test", true);
  if (is_sig(v)) fail_msg("not EDN: %s", s);
  return v;
}

static void commit(void) {
  Err e = {0};
  if (batch && !store_submit_wait(store, batch, &e)) fail_msg("commit: %s", e.msg);
  batch = NULL;
}

static Val run(const char *options) {
  TableCall c = call();
  Val result = NIL, error = NIL;
  if (!table_run(&c, edn(options), &result, &error)) fail_msg("%s: %s", options, str_s(pr_str(error)));
  commit();
  return result;
}

static void refused(bool done, Val error, const char *type, const char *says) {
  if (done) fail_msg("not refused: %s", says);
  assert_true(kw_is(map_get_kw(error, "type"), type));
  const char *msg = str_s(map_get_kw(error, "message"));
  if (!strstr(msg, says)) fail_msg("\"%s\" lacks \"%s\"", msg, says);
  assert_true(!batch || !batch_ops(batch)); /* nothing of it is left */
}

static void run_refused(const char *options, const char *type, const char *says) {
  TableCall c = call();
  Val result = NIL, error = NIL;
  bool done = table_run(&c, edn(options), &result, &error);
  refused(done, error, type, says);
}

static Val put(const char *options, const char *rows) {
  TableCall c = call();
  Val result = NIL, error = NIL;
  if (!table_write(&c, edn(options), edn(rows), &result, &error)) fail_msg("%s: %s", rows, str_s(pr_str(error)));
  commit();
  return result;
}

static Val put_refused(const char *options, const char *rows, const char *type, const char *says) {
  TableCall c = call();
  Val result = NIL, error = NIL;
  bool done = table_write(&c, edn(options), edn(rows), &result, &error);
  refused(done, error, type, says);
  return error;
}

static void is(Val v, const char *want) {
  Val p = pr_str(v);
  assert_string_equal(str_s(p), want);
}
static void field_is(Val m, const char *key, const char *want) { is(map_get_kw(m, key), want); }

/* The :id of the rows that a query finds. */
static void ids_are(const char *more, const char *want) {
  char text[2000];
  snprintf(text, sizeof text, "{:op :query :table \"t\" :select [:id] :page {:limit 1000} %s}", more);
  Val rows = map_get_kw(run(text), "rows"), ids = vec_empty;
  for (uint32_t i = 0; i < vec_count(rows); i++) ids = vec_conj(ids, map_get_kw(vec_nth(rows, i), "id"));
  is(ids, want);
}

static void open_store(bool memory) {
  Err e = {0};
  unlink("/tmp/test_table.db");
  store = store_open("/tmp/test_table.db", &(StoreOptions){.memory = memory, .executor = !memory}, &e);
  if (!store) fail_msg("%s", e.msg);
}
static int with_memory(void **s) { return (void)s, open_store(true), 0; }
static int with_file(void **s) { return (void)s, open_store(false), 0; }
static int done(void **s) {
  (void)s;
  if (batch) batch_free(batch);
  batch = NULL;
  store_close(store);
  unlink("/tmp/test_table.db");
  return 0;
}

/* ---- order ---- */

static void t_order(void **state) {
  (void)state;
  static const char *const ascending[] = {
      "nil", "false", "true", "##-Inf", "-1e400M", "-12345678901234567890123N", "-9007199254740993", "-9007199254740992", "-2.5", "-1", "-0.1", "-1e-300M",
      "0", "1e-300M", "0.05", "0.1", "1/3", "0.5", "1", "1.00000000000000000001M", "9", "10", "99", "100", "9007199254740992", "9007199254740993",
      "9007199254740993.5M", "9223372036854775807", "9223372036854775808N", "1e400M", "##Inf", "##NaN", "\"\"", "\"A\"", "\"a\"", "\"a\\u0000\"", "\"aa\"", "\"b\"",
      "\"é\"", "\"日\"", "[1]", "[2]", "{:a 1}"};
  enum { N = sizeof ascending / sizeof *ascending };
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++) {
      Buf a = {0}, b = {0};
      order_value(&a, edn(ascending[i]), 0);
      order_value(&b, edn(ascending[k]), 0);
      int c = order_cmp((Bytesv){a.p, a.n}, (Bytesv){b.p, b.n});
      if ((c < 0) != (i < k) || (c > 0) != (i > k)) fail_msg("%s and %s: %d", ascending[i], ascending[k], c);
      buf_free(&a);
      buf_free(&b);
    }
}

static void t_order_alike(void **state) {
  (void)state;
  static const char *const alike[][2] = {{"1", "1.0"}, {"1", "1.00M"}, {"1", "1N"}, {"0.1", "0.1M"}, {"-0.0", "0"}, {"100", "1e2M"}, {":a", "\"a\""}, {"\\a", "\"a\""},
                                         {":a/b", "\"a/b\""}, {"#uuid \"00000000-0000-0001-0000-000000000002\"", "\"00000000-0000-0001-0000-000000000002\""},
                                         {"1e21", "1000000000000000000000N"}};
  for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
    Buf a = {0}, b = {0};
    order_value(&a, edn(alike[i][0]), 0);
    order_value(&b, edn(alike[i][1]), 0);
    if (order_cmp((Bytesv){a.p, a.n}, (Bytesv){b.p, b.n})) fail_msg("%s and %s differ", alike[i][0], alike[i][1]);
    buf_free(&a);
    buf_free(&b);
  }
}

/* Every kind of value comes back as it went in, and sorts in its row as it does alone. */
static void t_fields(void **state) {
  (void)state;
  static const char *const values[] = {"nil", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "1.5", "-0.0", "12345678901234567890N", "1.50M", "1/3",
                                       "\"éx\"", ":a", ":a/b", "sym", "\\x", "#uuid \"00000000-0000-0001-0000-000000000002\"", "#inst \"2024-01-02T03:04:05.678-00:00\"",
                                       "[1 [2]]", "{:a {:b 1}}", "#{1}", "##Inf"};
  enum { N = sizeof values / sizeof *values };
  Buf row = {0};
  for (int i = 0; i < N; i++) assert_false(is_sig(row_put_field(&row, i + 1, edn(values[i]))));
  for (int i = 0; i < N; i++) {
    Bytesv f;
    Buf a = {0}, b = {0};
    assert_true(row_field((Bytesv){row.p, row.n}, i + 1, &f));
    is(row_value(env_core(), f), values[i]);
    order_field(env_core(), &a, f, 0);
    order_value(&b, edn(values[i]), 0);
    if (order_cmp((Bytesv){a.p, a.n}, (Bytesv){b.p, b.n})) fail_msg("%s sorts otherwise in a row", values[i]);
    buf_free(&a);
    buf_free(&b);
  }
  for (size_t n = 0; n < row.n; n++) { /* cut anywhere, nothing is read behind the end */
    char *copy = malloc(n + 1);
    Bytesv f;
    memcpy(copy, row.p, n);
    row_field((Bytesv){copy, n}, N, &f);
    free(copy);
  }
  buf_free(&row);
}

/* ---- writing ---- */

static void t_append(void **state) {
  (void)state;
  Val r = put("{:table \"t\"}", "[{:id 1 :name \"Ada\"} {:id 2 \"name\" nil :extra [1]}]");
  field_is(r, "rows-written", "2");
  field_is(r, "type", ":resource-ref");
  field_is(r, "uri", "\"res://v1/ws/main/table/t\"");
  field_is(r, "preview", "[{:id 1, :name \"Ada\"} {:id 2, \"name\" nil, :extra [1]}]");
  field_is(put("{:table :t}", "{:id 3}"), "row-count", "3");
  is(map_get_kw(run("{:op :query :table \"t\" :page {:limit 10}}"), "rows"), "[{:id 1, :name \"Ada\"} {:id 2, :name nil, :extra [1]} {:id 3}]");
  put("{:table \"none\"}", "[]");
  field_is(run("{:op :schema :table \"none\"}"), "columns", "[]");
}

static void t_upsert(void **state) {
  (void)state;
  const char *o = "{:table \"t\" :write-mode :upsert :key-fields [:id :kind] :index-fields [:n]}";
  put(o, "[{:id 1 :kind \"a\" :n 1} {:id 1 :kind \"b\" :n 2} {:id 1 :kind \"a\" :m 5}]");
  Val r = put(o, "[{:id 1 :kind \"b\" :n 9} {:id 2 :kind \"a\" :n 0}]");
  field_is(r, "rows-inserted", "1");
  field_is(r, "rows-updated", "1");
  is(map_get_kw(run("{:op :query :table \"t\" :sort [[:n :asc]] :page {:limit 10}}"), "rows"),
     "[{:id 2, :kind \"a\", :n 0} {:id 1, :kind \"a\", :n 1, :m 5} {:id 1, :kind \"b\", :n 9}]");
  ids_are(":where [[:n := 2]]", "[]"); /* the old key of the index is gone */
  Val e = put_refused("{:table \"t\"}", "[{:id 3 :kind \"z\"} {:id 1 :kind \"b\"}]", "conflict", "row 2");
  field_is(e, "row", "2");
  put_refused("{:table \"t\"}", "[{:id 3}]", "validation", "key field kind has no value");
  put_refused("{:table \"t\" :key-fields [:id]}", "[]", "conflict", ":key-fields");
  put_refused("{:table \"other\" :write-mode :upsert}", "[{:id 1}]", "validation", "needs :key-fields");
  field_is(run("{:op :schema :table \"t\"}"), "row-count", "3");
  run_refused("{:op :schema :table \"other\"}", "not-found", "there are: t");
}

static void t_growth(void **state) {
  (void)state;
  put("{:table \"t\"}", "[{:a 1 :b 1 :c 1M :d \"x\"}]");
  put("{:table \"t\"}", "[{:a 1.5 :b \"x\" :c 1 :d nil :e true}]");
  is(map_get_kw(run("{:op :schema :table \"t\"}"), "columns"),
     "[{:name :a, :type :double} {:name :b, :type :any} {:name :c, :type :decimal} {:name :d, :type :string} {:name :e, :type :boolean}]");
  put("{:table \"s\" :schema-mode :strict}", "[{:a 1.5 :b 1}]");
  put("{:table \"s\"}", "[{:a 2 :b nil}]");
  Val e = put_refused("{:table \"s\"}", "[{:a 1} {:a \"x\"}]", "validation", "row 2: column a holds double");
  field_is(e, "row", "2");
  field_is(e, "field", "\"a\"");
  put_refused("{:table \"s\"}", "[{:z 1}]", "validation", "row 1: table s has no column :z");
  put("{:table \"s\" :schema-mode :flexible}", "[{:z 1}]");
}

static void t_wrong_writes(void **state) {
  (void)state;
  put_refused("{:table \"a b\"}", "[]", "validation", "letters");
  put_refused("{}", "[]", "validation", "needs :table");
  put_refused("{:table \"t\"}", "[1]", "validation", "row 1 must be a map");
  put_refused("{:table \"t\"}", "7", "validation", "vector of maps");
  put_refused("{:table \"t\" :write-mode :replace}", "[]", "validation", ":write-mode must be");
  put_refused("{:table \"t\" :schema-mode :loose}", "[]", "validation", ":schema-mode must be");
  put_refused("{:table \"t\" :partitions {:keys [\"a\"]}}", "[]", "validation", ":partitions of a write");
  put_refused("{:table \"t\"}", "[{[1] 2}]", "validation", "no column name");
  Val big = edn("{:table \"t\"}"), result, error;
  char *text = malloc(300001);
  memset(text, 'x', 300000);
  Val row = map_assoc(map_empty, kw_c("a"), str_new(text, 300000));
  TableCall c = call();
  refused(table_write(&c, big, row, &result, &error), error, "oversize", "256 KiB");
  row = map_empty;
  for (int i = 0; i < 300; i++) row = map_assoc(row, str_fmt("c%d", i), fix(1));
  refused(table_write(&c, big, row, &result, &error), error, "oversize", "columns");
  row = map_assoc(map_empty, kw_c("k"), str_new(text, 1100));
  refused(table_write(&c, edn("{:table \"t\" :key-fields [:k]}"), row, &result, &error), error, "oversize", "1000 bytes");
  free(text);
}

/* ---- conditions, pages ---- */

static const char *const people =
    "[{:id 1 :name \"Ada\" :age 36 :tags [\"x\" :y] :city \"London\"} {:id 2 :name \"Bob\" :age nil :city \"Paris\"} {:id 3 :name \"Cem\" :age 7.5M :tags #{\"z\"}}"
    " {:id 4 :name :dan :age \"old\" :city \"London\"} {:id 5 :name \"Eve\" :age 9007199254740993 :city \"Rome\"}"
    " {:id 6 :name \"Fay\" :age 9007199254740992 :city \"Rome\"}]";

static void conditions(void) {
  ids_are("", "[1 2 3 4 5 6]");
  ids_are(":where [[:age := 36.0]]", "[1]");
  ids_are(":where [[:age :!= 36]]", "[2 3 4 5 6]");
  ids_are(":where [[:age :> 7.5]]", "[1 5 6]"); /* of the same kind alone */
  ids_are(":where [[:age :>= 7.5]]", "[1 3 5 6]");
  ids_are(":where [[:age :< 36]]", "[3]");
  ids_are(":where [[:age :<= 36]]", "[1 3]");
  ids_are(":where [[:age := 9007199254740993]]", "[5]"); /* beyond 2^53, exactly */
  ids_are(":where [[:age :> \"a\"]]", "[4]");
  ids_are(":where [[:age := nil]]", "[2]");
  ids_are(":where [[:age :in [36 nil \"old\"]]]", "[1 2 4]");
  ids_are(":where [[:name := \"dan\"]]", "[4]");
  ids_are(":where [[:name :contains \"a\"]]", "[1 4 6]");
  ids_are(":where [[:tags :contains \"y\"]]", "[1]");
  ids_are(":where [[:tags :contains-any [\"z\" \"x\"]]]", "[1 3]");
  ids_are(":where [[:name :contains-any [\"ob\" \"ve\"]]]", "[2 5]");
  ids_are(":where [[:city :exists? true]]", "[1 2 4 5 6]");
  ids_are(":where [[:city :exists?]]", "[1 2 4 5 6]");
  ids_are(":where [[:city :exists? false]]", "[3]");
  ids_are(":where {:city \"London\" :age 36}", "[1]");
  ids_are(":where [[\"city\" \"=\" \"London\"] {:id 4}]", "[4]");
  ids_are(":where [:or [:id := 1] [:and {:city \"Rome\"} [:id :> 5]]]", "[1 6]");
  ids_are(":where [:not [:city :in [\"London\" \"Rome\"]]]", "[2 3]");
  ids_are(":where [:city := \"Paris\"]", "[2]");
  ids_are(":sort [[:age :asc]]", "[2 3 1 6 5 4]");
  ids_are(":sort [[:age :desc]]", "[4 5 6 1 3 2]");
  ids_are(":sort [[:city :asc] [:age :desc]]", "[3 4 1 2 5 6]");
  ids_are(":sort [:city]", "[3 1 4 2 5 6]");
  ids_are(":sort [[:city :desc]]", "[6 5 2 4 1 3]"); /* what sorts alike: ids backwards */
  ids_are(":where [[:city :>= \"P\"]] :sort [[:city :asc]]", "[2 5 6]");
  ids_are(":where [[:city :< \"P\"]] :sort [[:city :desc]]", "[4 1]");
  ids_are(":where [[:city := \"London\"]] :sort [[:id :desc]]", "[4 1]");
}

static void t_conditions(void **state) {
  (void)state;
  put("{:table \"t\"}", people);
  conditions();
}

/* The same answers whatever index is there, made before or after the rows. */
static void t_indexed(void **state) {
  (void)state;
  put("{:table \"t\"}", people);
  put("{:table \"t\" :index-fields [:city :age]}", "[]");
  conditions();
  put("{:table \"t\" :index-fields [:name :id]}", "[]");
  conditions();
}

static void t_wrong_conditions(void **state) {
  (void)state;
  put("{:table \"t\"}", people);
  static const char *const wrong[][2] = {
      {":where [[:nope := 1]]", "has no column :nope; its columns are id, name"}, {":where 7", "a condition is a vector"},
      {":where [[:id :like 1]]", "one of = !="}, {":where [[:id :in 7]]", "vector of values"}, {":where [[:id :exists? 7]]", "true or false"},
      {":where [[:id]]", "[field op value]"}, {":sort :id", ":sort must be a vector"}, {":sort [[:id :up]]", "[field :asc]"},
      {":sort [[:nope :asc]]", "no column :nope"}, {":select [:nope]", "no column :nope"}, {":page {:limit 0}", "1 to 1000"},
      {":page {:limit 1001}", "1 to 1000"}, {":page {:limit 1 :offset -1}", ":offset"}, {":page {:limit 1 :offset 100001}", ":offset"},
      {":page {:mode :all :limit 1}", ":mode"}, {":page {:mode :cursor :limit 1}", "needs :sort"}, {":page 5", "needs :page"},
      {":page {:mode :cursor :limit 1 :cursor \"AAAA\"} :sort [[:id :asc]]", "not from a page"},
      {":page {:mode :offset :limit 1 :cursor \"AAAA\"}", "needs :mode :cursor"}, {":partitions {:key \"a\"} :page {:limit 1}", "has no partitions"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char text[300];
    bool page = strstr(wrong[i][0], ":page") != NULL;
    snprintf(text, sizeof text, "{:op :query :table \"t\" %s %s}", wrong[i][0], page ? "" : ":page {:limit 5}");
    run_refused(text, "validation", wrong[i][1]);
  }
  run_refused("{:op :query :table \"zz\" :page {:limit 1}}", "not-found", "there are: t");
  run_refused("{:op :query :table \"res://v1/ws/other/table/t\" :page {:limit 1}}", "not-found", "workspace main");
  run_refused("{:op :query :table \"res://v1/x\" :page {:limit 1}}", "validation", "not the address");
  run_refused("{:op :query :table 7 :page {:limit 1}}", "validation", ":table must be");
  run_refused("{:op :frob :table \"t\"}", "validation", ":query :get-row");
}

/* Pages of every size by cursor and by offset give every row once, in one order, with and without an index, over partitions too. */
static void pages_agree(const char *table, const char *sort, int rows) {
  char text[600];
  for (int limit = 1; limit <= 8; limit += 3) {
    Val cursor = NIL;
    int n = 0;
    do {
      snprintf(text, sizeof text, "{:op :query :table %s :sort %s :page {:mode :cursor :limit %d :cursor %s}}", table, sort, limit, str_s(pr_str(cursor)));
      Val a = run(text);
      snprintf(text, sizeof text, "{:op :query :table %s :sort %s :page {:mode :offset :limit %d :offset %d :include-total-count true}}", table, sort, limit, n);
      Val b = run(text);
      is(map_get_kw(a, "row-ids"), str_s(pr_str(map_get_kw(b, "row-ids"))));
      assert_int_equal(fix_of(map_get_kw(map_get_kw(b, "page"), "total-count")), rows);
      n += (int)fix_of(map_get_kw(a, "count"));
      cursor = map_get_kw(map_get_kw(a, "page"), "next-cursor");
    } while (!is_nil(cursor));
    assert_int_equal(n, rows);
  }
}

static void t_pages(void **state) {
  (void)state;
  Val rows = vec_empty;
  for (int i = 0; i < 40; i++) {
    Val kv[] = {kw_c("id"), fix(i), kw_c("a"), fix(i * 7 % 5), kw_c("p"), str_fmt("p%d", i % 3), kw_c("t"), i % 4 ? str_fmt("%c\n%d", 'a' + i % 3, i % 2) : NIL};
    rows = vec_conj(rows, map_from(kv, 4, false));
  }
  const char *text = str_s(pr_str(rows));
  put("{:table \"t\"}", text);
  put("{:table \"i\" :index-fields [:a :t]}", text);
  put("{:table \"p\" :partitions {:field :p} :index-fields [:a]}", text);
  static const char *const sorts[] = {"[[:a :asc]]", "[[:a :desc]]", "[[:t :desc]]", "[[:t :asc] [:a :desc]]", "[[:a :desc] [:t :asc] [:id :desc]]"};
  for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
    pages_agree("\"t\"", sorts[i], 40);
    pages_agree("\"i\"", sorts[i], 40);
    pages_agree("{:ref \"p\" :partitions {:keys [\"p0\" \"p2\" \"none\"]}}", sorts[i], 27);
  }
}

static void t_cursor_of_another_query(void **state) {
  (void)state;
  put("{:table \"t\"}", people);
  Val page = map_get_kw(run("{:op :query :table \"t\" :sort [[:id :asc]] :page {:mode :cursor :limit 2}}"), "page");
  char text[400];
  const char *cursor = str_s(map_get_kw(page, "next-cursor"));
  snprintf(text, sizeof text, "{:op :query :table \"t\" :sort [[:id :desc]] :page {:mode :cursor :limit 2 :cursor \"%s\"}}", cursor);
  run_refused(text, "validation", "not from a page");
  for (size_t i = 0; i < strlen(cursor); i++) { /* changed anywhere */
    char *bad = strdup(cursor);
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    snprintf(text, sizeof text, "{:op :query :table \"t\" :sort [[:id :asc]] :page {:mode :cursor :limit 2 :cursor \"%s\"}}", bad);
    TableCall c = call();
    Val result, error;
    bool ok = table_run(&c, edn(text), &result, &error);
    if (i + 1 < strlen(cursor) && ok) fail_msg("a changed cursor is taken: %s", bad); /* the last character has unused bits */
    free(bad);
  }
}

static void t_partitions(void **state) {
  (void)state;
  put("{:table \"p\" :partitions {:key \"jan\"} :key-fields [:id]}", "[{:id 1} {:id 2}]");
  put("{:table \"p\" :partitions {:key \"feb\"}}", "[{:id 1}]");
  run_refused("{:op :query :table \"p\" :page {:limit 5}}", "validation", "is partitioned");
  run_refused("{:op :aggregate :table \"p\"}", "validation", "is partitioned");
  run_refused("{:op :export :table \"p\" :partitions {:key \"a\" :keys [\"b\"]}}", "validation", "is partitioned");
  run_refused("{:op :query :table {:ref \"p\" :partitions {:keys [7 nil]}} :page {:limit 5}}", "validation", "named by a text");
  field_is(run("{:op :query :table {:ref \"p\" :partitions {:key \"jan\"}} :page {:limit 5}}"), "rows", "[{:id 1} {:id 2}]");
  field_is(run("{:op :query :table \"p\" :partition-keys [\"jan\" \"feb\"] :page {:limit 5}}"), "count", "3");
  field_is(run("{:op :get-row :table {:ref \"p\" :partitions {:key \"feb\"}} :key {:id \"1\"}}"), "row-id", "\"1.1\"");
  field_is(run("{:op :schema :table \"p\"}"), "partitions", "[{:key \"jan\", :row-count 2} {:key \"feb\", :row-count 1}]");
  put_refused("{:table \"p\"}", "[{:id 9}]", "validation", "say where the rows go");
  put("{:table \"f\" :partitions {:field :m}}", "[{:m 1 :v 1} {:m \"1\" :v 2} {:m :x :v 3}]");
  field_is(run("{:op :query :table {:ref \"f\" :partitions {:key \"1\"}} :page {:limit 5}}"), "count", "2");
  put_refused("{:table \"f\"}", "[{:v 1}]", "validation", "named by a text");
  run_refused("{:op :update-cell :table \"f\" :row-id \"0.1\" :column :m :value 2}", "validation", "in which partition");
}

/* ---- aggregates ---- */

static void t_aggregate(void **state) {
  (void)state;
  put("{:table \"t\"}", "[{:g \"a\" :n 1 :d 0.10M} {:g \"a\" :n 9223372036854775807 :d 0.20M} {:g \"b\" :n 2.5} {:g :b :n nil} {:n 4 :d 1M}]");
  field_is(run("{:op :aggregate :table \"t\" :group-by [:g] :metrics [{:op :count :as :n} {:op :sum :field :n :as :s} {:op :max :field :n} {:op :count :field :d}]}"), "results",
           "[{:g nil, :n 1, :s 4, :max-n 4, :count-d 1} {:g \"a\", :n 2, :s 9223372036854775808N, :max-n 9223372036854775807, :count-d 2}"
           " {:g \"b\", :n 2, :s 2.5, :max-n 2.5, :count-d 0}]");
  field_is(run("{:op :aggregate :table \"t\" :metrics [{:op :sum :field :d} {:op :avg :field :d :as :mean} {:op :avg :field :n :as :m2} {:op :min :field :d :as :least}] :where [[:g := \"a\"]]}"),
           "results", "[{:sum-d 0.30M, :mean 0.15M, :m2 4611686018427387904, :least 0.10M}]");
  field_is(run("{:op :aggregate :table \"t\"}"), "results", "[{:count 5}]");
  field_is(run("{:op :aggregate :table \"t\" :where [[:g := \"zz\"]] :metrics [{:op :sum :field :n} {:op :avg :field :n}]}"), "results", "[{:sum-n 0, :avg-n nil}]");
  Val r = run("{:op :aggregate :table \"t\" :group-by [{:field :g :as :group}] :metrics [{:op :count :as :c}] :having [[:c :> 1]] :order-by [[:c :desc] [:group :desc]] :limit 1}");
  is(r, "{:results [{:group \"b\", :c 2}], :count 1, :has-more true}");
  run_refused("{:op :aggregate :table \"t\" :metrics [{:op :sum}]}", "validation", "needs :field");
  run_refused("{:op :aggregate :table \"t\" :metrics [{:op :median :field :n}]}", "validation", ":count|:sum");
  run_refused("{:op :aggregate :table \"t\" :metrics [{:op :sum :field :g}]}", "validation", "no number");
  run_refused("{:op :aggregate :table \"t\" :having [[:zz := 1]]}", "validation", "there is no :zz");
  run_refused("{:op :aggregate :table \"t\" :limit 0}", "validation", ":limit");
}

/* ---- cells, columns ---- */

static void t_cells(void **state) {
  (void)state;
  put("{:table \"t\" :key-fields [:id] :index-fields [:n]}", "[{:id 1 :n 1} {:id 2 :n 2}]");
  field_is(run("{:op :update-cell :table \"t\" :key {:id 2} :column :n :value 7 :expected 2}"), "previous", "2");
  ids_are(":where [[:n := 7]]", "[2]");
  ids_are(":where [[:n := 2]]", "[]");
  run_refused("{:op :update-cell :table \"t\" :key {:id 2} :column :n :value 8 :expected 2}", "conflict", "holds 7, not the expected 2");
  run_refused("{:op :update-cell :table \"t\" :key {:id 3} :column :n :value 8}", "not-found", "no row");
  run_refused("{:op :update-cell :table \"t\" :row-id \"0.3\" :column :n :value 8}", "not-found", "no row");
  run_refused("{:op :update-cell :table \"t\" :row-id \"x\" :column :n :value 8}", "validation", ":row-id must be");
  run_refused("{:op :update-cell :table \"t\" :column :n :value 8}", "validation", "which row");
  run_refused("{:op :update-cell :table \"t\" :key {:id 1} :column :n}", "validation", "needs :value");
  run_refused("{:op :update-cell :table \"t\" :key {:n 1} :column :n :value 1}", "validation", "no key field");
  run_refused("{:op :update-cell :table \"t\" :key {:id 1} :column :id :value 2}", "conflict", "another row");
  run("{:op :update-cell :table \"t\" :key {:id 1} :column :id :value 5}"); /* the key moves */
  field_is(run("{:op :get-row :table \"t\" :key {:id 1}}"), "exists?", "false");
  field_is(run("{:op :get-row :table \"t\" :key {:id 5}}"), "row", "{:id 5, :n 1}");
  run("{:op :update-cell :table \"t\" :row-id \"0.1\" :column :fresh :value {:deep [1]}}");
  run("{:op :update-cell-format :table \"t\" :row-id \"0.1\" :column :n :format {:bold true}}");
  run("{:op :update-cell :table \"t\" :row-id \"0.1\" :column :n :value 3}"); /* the format stays */
  is(run("{:op :get-row :table \"t\" :row-id \"0.1\"}"), "{:row {:id 5, :n 3, :fresh {:deep [1]}}, :exists? true, :row-id \"0.1\", :formats {:n {:bold true}}}");
  run("{:op :update-cell-format :table \"t\" :row-id \"0.1\" :column :n :format nil}");
  field_is(run("{:op :get-row :table \"t\" :row-id \"0.1\" :select [:id]}"), "formats", "nil");
  run_refused("{:op :update-cell-format :table \"t\" :row-id \"0.1\" :column :n :format 7}", "validation", "needs :format");
  run_refused("{:op :update-cell-format :table \"t\" :row-id \"0.1\" :column :zz :format {}}", "validation", "no column :zz");
}

static void t_columns(void **state) {
  (void)state;
  put("{:table \"t\" :index-fields [:n]}", "[{:id 1 :n 1} {:id 2 :n 2} {:id 3 :n 3}]");
  field_is(run("{:op :set-column :table \"t\" :column :n :value 9 :where [[:id :> 1]]}"), "rows-updated", "2");
  ids_are(":where {:n 9}", "[2 3]");
  field_is(run("{:op :set-column :table \"t\" :column :n :value 9}"), "rows-updated", "1"); /* what is there already is not written */
  run("{:op :set-column :table \"t\" :column :label :value-template \"no. {{id}}\" :limit 2}");
  run("{:op :set-column :table \"t\" :column :sum :expr [:+ :id [:* :n 2] 0.5M]}");
  field_is(run("{:op :query :table \"t\" :select [:label :sum] :page {:limit 9}}"), "rows", "[{:label \"no. 1\", :sum 19.5M} {:label \"no. 2\", :sum 20.5M} {:sum 21.5M}]");
  run("{:op :set-column :table \"t\" :column :twice :definition {:display-name \"Twice\" :computed {:expr [:* 2 :id]}}}");
  field_is(run("{:op :recompute :table \"t\" :limit 2}"), "has-more", "true");
  is(map_dissoc(run("{:op :recompute :table \"t\" :limit 5 :offset 2}"), kw_c("uri")), "{:success true, :rows-scanned 1, :rows-updated 1, :has-more false}");
  put("{:table \"t\"}", "[{:id 4 :twice 77}]"); /* computed when written */
  field_is(run("{:op :query :table \"t\" :select [:twice] :page {:limit 9}}"), "rows", "[{:twice 2} {:twice 4} {:twice 6} {:twice 8}]");
  run_refused("{:op :update-cell :table \"t\" :row-id \"0.1\" :column :twice :value 1}", "validation", "is computed");
  run_refused("{:op :set-column :table \"t\" :column :n}", "validation", "needs :definition");
  run_refused("{:op :set-column :table \"t\" :column :n :value 1 :value-template \"x\"}", "validation", "one of :value");
  run_refused("{:op :set-column :table \"t\" :column :n :definition {:color 1}}", "validation", "has no key :color");
  run_refused("{:op :set-column :table \"t\" :column :n :definition {:computed {:expr [:frob 1]}}}", "validation", "the operator is one of");
  run_refused("{:op :set-column :table \"t\" :column :n :definition {:computed {:expr [:+ :nope 1]}}}", "validation", "no column :nope");
  run_refused("{:op :set-column :table \"t\" :column :n :definition {:computed {:template \"{{#if\"}}}", "template-error", "template of a column");
  run_refused("{:op :set-column :table \"t\" :column :n :expr [:/ :id 0]}", "validation", "Divide by zero");
  run_refused("{:op :recompute :table \"t\" :limit 0}", "validation", ":limit");
  run_refused("{:op :recompute :table \"t\" :offset -1}", "validation", ":offset");
}

static void t_expressions(void **state) {
  (void)state;
  put("{:table \"t\"}", "[{:a 10 :b 2.5 :s \" Ab \" :none nil}]");
  static const char *const cases[][2] = {
      {"[:- :a 1 2]", "7"}, {"[:- :a]", "-10"}, {"[:/ :a 4]", "5/2"}, {"[:+ :a :none]", "nil"}, {"[:str :a \"-\" :b :none]", "\"10-2.5\""}, {"[:upper :s]", "\" AB \""},
      {"[:lower :s]", "\" ab \""}, {"[:trim :s]", "\"Ab\""}, {"[:length :s]", "4"}, {"[:coalesce :none 7]", "7"}, {"[:if [:> :a 5] \"big\" \"small\"]", "\"big\""},
      {"[:if [:< :a 5] 1]", "nil"}, {"[:and [:>= :a 10] [:!= :b 2]]", "true"}, {"[:or :none [:= :a 10]]", "true"}, {"[:not :none]", "true"}, {"[:<= 1 2]", "true"},
      {"[:round [:/ :a 4]]", "3"}, {"[:round 2.345M 2]", "2.35M"}, {"[:* {:column \"a\"} 2]", "20"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[200];
    snprintf(text, sizeof text, "{:op :set-column :table \"t\" :column :out :expr %s}", cases[i][0]);
    run(text);
    is(map_get_kw(map_get_kw(run("{:op :get-row :table \"t\" :row-id \"0.1\"}"), "row"), "out"), cases[i][1]);
  }
}

/* ---- joins ---- */

static void t_join(void **state) {
  (void)state;
  put("{:table \"l\"}", "[{:id 1 :who 10 :x \"a\"} {:id 2 :who 11 :x \"b\"} {:id 3 :x \"c\"} {:id 4 :who 12.0}]");
  put("{:table \"r\"}", "[{:key 10 :x \"A\"} {:key 10 :x \"B\"} {:key 12 :x \"C\"} {:key nil :x \"D\"}]");
  const char *rest = ":left \"l\" :right \"r\" :on [[:who :key]]";
  char text[400];
  snprintf(text, sizeof text, "{:op :materialize-join %s :into {:table \"j\" :index-fields [:id]}}", rest);
  for (int twice = 0; twice < 2; twice++) { /* again: it replaces */
    field_is(run(text), "row-count", "5");
    field_is(run("{:op :query :table \"j\" :page {:limit 9}}"), "rows",
             "[{:id 1, :who 10, :x \"a\", :right-x \"A\"} {:id 1, :who 10, :x \"a\", :right-x \"B\"} {:id 2, :who 11, :x \"b\"} {:id 3, :x \"c\"} {:id 4, :who 12.0, :right-x \"C\"}]");
  }
  snprintf(text, sizeof text, "{:op :materialize-join %s :join-type :inner :project [{:from :left :field :id} [:right :x :y]] :into {:table \"j\" :write-mode :upsert :key-fields [:id]}}", rest);
  run_refused(text, "conflict", ":key-fields");
  snprintf(text, sizeof text, "{:op :materialize-join %s :join-type :inner :project [{:from :left :field :id} [:right :x :y]] :into {:table \"k\" :write-mode :upsert :key-fields [:id]}}", rest);
  field_is(run(text), "rows-updated", "1");
  field_is(run("{:op :query :table \"k\" :page {:limit 9}}"), "rows", "[{:id 1, :y \"B\"} {:id 4, :y \"C\"}]");
  static const char *const wrong[][2] = {
      {":left \"l\" :on [:id] :into {:table \"z\"}", "needs :right"}, {":left \"l\" :right \"r\" :on [] :into {:table \"z\"}", ":on must be"},
      {":left \"l\" :right \"r\" :on [[:id :nope]] :into {:table \"z\"}", "no column :nope"}, {":left \"l\" :right \"r\" :on [[:who :key]] :into 7", ":into must be"},
      {":left \"l\" :right \"r\" :on [[:who :key]] :join-type :outer :into {:table \"z\"}", ":join-type"}, {":left \"l\" :right \"r\" :on [[:who :key]] :into {:table \"l\"}", "would replace"},
      {":left \"l\" :right \"r\" :on [[:who :key]] :project [[:left :x] [:right :x]] :into {:table \"z\"}", "two columns"},
      {":left \"l\" :right \"r\" :on [[:who :key]] :project [[:up :x]] :into {:table \"z\"}", ":project is a vector"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(text, sizeof text, "{:op :materialize-join %s}", wrong[i][0]);
    run_refused(text, "validation", wrong[i][1]);
  }
}

/* A right side that is too big to hold in hand is asked by its index. */
static void t_join_by_index(void **state) {
  (void)state;
  Val rows = vec_empty;
  for (int i = 0; i < 10100; i++) {
    Val kv[] = {kw_c("k"), fix(i / 2), kw_c("v"), fix(i)};
    rows = vec_conj(rows, map_from(kv, 2, false));
  }
  TableCall c = call();
  Val result, error;
  assert_true(table_write(&c, edn("{:table \"r\" :index-fields [:k]}"), rows, &result, &error));
  commit();
  put("{:table \"l\"}", "[{:k 7} {:k 5049} {:k -1}]");
  run("{:op :materialize-join :left \"l\" :right {:ref \"r\" :where [[:v :!= 15]]} :on [:k] :into {:table \"j\"}}");
  field_is(run("{:op :query :table \"j\" :page {:limit 9}}"), "rows", "[{:k 7, :v 14} {:k 5049, :v 10098} {:k 5049, :v 10099} {:k -1}]");
}

/* ---- CSV ---- */

static void t_csv(void **state) {
  (void)state;
  TableCall c = call();
  Val result, error;
  const char *csv = "\xef\xbb\xbfid,First Name,n\r\n1,\"a \"\"q\"\"\r\nb\",1.5\r\n\r\n2,,007\n3,\"\",true\n4,x";
  Val o = map_assoc(edn("{:op :import-csv :table \"t\"}"), kw_c("csv"), str_c(csv));
  if (!table_run(&c, o, &result, &error)) fail_msg("%s", str_s(pr_str(error)));
  commit();
  field_is(result, "rows-written", "4");
  field_is(run("{:op :query :table \"t\" :page {:limit 9}}"), "rows",
           "[{:id 1, \"First Name\" \"a \\\"q\\\"\\r\\nb\", :n 1.5} {:id 2, :n \"007\"} {:id 3, \"First Name\" \"\", :n true} {:id 4, \"First Name\" \"x\"}]");
  field_is(run("{:op :export :table \"t\"}"), "content", "\"id,First Name,n\\r\\n1,\\\"a \\\"\\\"q\\\"\\\"\\r\\nb\\\",1.5\\r\\n2,,007\\r\\n3,\\\"\\\",true\\r\\n4,x,\\r\\n\"");
  field_is(run("{:op :export :table \"t\" :format :jsonl :select [:id] :where [[:id :> 2]]}"), "content", "\"{\\\"id\\\":3}\\n{\\\"id\\\":4}\\n\"");
  field_is(run("{:op :export :table \"t\" :format :json :select [:id] :sort [[:id :desc]]}"), "content", "\"[{\\\"id\\\":4},\\n {\\\"id\\\":3},\\n {\\\"id\\\":2},\\n {\\\"id\\\":1}]\\n\"");
  field_is(run("{:op :export :table \"t\" :format :edn :select [:n]}"), "content", "\"{:n 1.5}\\n{:n \\\"007\\\"}\\n{:n true}\\n{}\\n\"");
  run("{:op :import-csv :table \"s\" :csv \"a;b\\n1;true\\n\" :delimiter \";\" :infer-types false}");
  field_is(run("{:op :query :table \"s\" :page {:limit 9}}"), "rows", "[{:a \"1\", :b \"true\"}]");
  field_is(run("{:op :export :table \"s\" :delimiter \";\"}"), "content", "\"a;b\\r\\n1;true\\r\\n\"");
  static const char *const wrong[][2] = {{":csv \"\"", "no header"}, {":csv \"a,a\\n\"", "twice"}, {":csv \"a,\\n\"", "has no name"}, {":csv \"a\\n1,2\\n\"", "line 3: more fields"},
                                         {":csv \"a\\n\\\"x\\n\"", "line 2: a quoted field has no end"}, {":csv \"a\\n\\\"x\\\"y\\n\"", "behind a closing quote"}, {":csv 7", "needs :csv"},
                                         {":csv \"a\\n1\\n\" :delimiter \"ab\"", ":delimiter"}, {":csv \"a\\n1\\n\" :infer-types 1", ":infer-types"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char text[200];
    snprintf(text, sizeof text, "{:op :import-csv :table \"w\" %s}", wrong[i][0]);
    run_refused(text, "validation", wrong[i][1]);
  }
  run_refused("{:op :export :table \"t\" :format :xls}", "validation", ":format must be");
}

/* ---- listed, dropped, loaded whole ---- */

static Val listed(const char *after, size_t max) {
  TableCall c = call();
  Val result, error, names = vec_empty;
  if (!table_list(&c, after, max, &result, &error)) fail_msg("%s", str_s(pr_str(error)));
  Val items = map_get_kw(result, "items");
  for (uint32_t i = 0; i < vec_count(items); i++) names = vec_conj(names, map_get_kw(vec_nth(items, i), "table"));
  return vec_conj(names, map_get_kw(result, "has-more"));
}

static void drop(const char *ref) {
  TableCall c = call();
  Val result, error;
  if (!table_drop(&c, edn(ref), &result, &error)) fail_msg("%s", str_s(pr_str(error)));
  field_is(result, "uri", "\"res://v1/ws/main/table/b\"");
  commit();
}

static void t_list_and_drop(void **state) {
  (void)state;
  is(listed(NULL, 9), "[false]");
  put("{:table \"a\"}", "[{:n 1}]");
  put("{:table \"b\" :key-fields [:n] :index-fields [:m]}", "[{:n 1 :m 2} {:n 2 :m 2}]");
  put("{:table \"c\"}", "[{:n 5}]");
  is(listed(NULL, 2), "[\"a\" \"b\" true]");
  is(listed("b", 2), "[\"c\" false]");
  drop("\"res://v1/ws/main/table/b\"");
  is(listed(NULL, 9), "[\"a\" \"c\" false]");
  run_refused("{:op :query :table \"b\" :page {:limit 9}}", "not-found", "there is no table");
  field_is(run("{:op :query :table \"c\" :page {:limit 9}}"), "rows", "[{:n 5}]");
  put("{:table \"b\" :index-fields [:m]}", "[{:m 2}]"); /* nothing of the old rows or keys is in the new one */
  field_is(run("{:op :query :table \"b\" :where [[:m := 2]] :page {:limit 9}}"), "rows", "[{:m 2}]");
  TableCall c = call();
  Val result, error = NIL;
  assert_false(table_drop(&c, edn("\"zz\""), &result, &error));
  refused(false, error, "not-found", "there are: a, b, c");
}

static void t_load(void **state) {
  (void)state;
  TableCall c = call();
  Val rows, error = NIL;
  put("{:table \"t\"}", "[{:n 1} {:n 2 :x \"y\"}]");
  put("{:table \"p\" :partitions {:field :k}}", "[{:k \"a\" :n 1} {:k \"b\" :n 2}]");
  assert_true(table_load(&c, edn("{:uri \"res://v1/ws/main/table/t\"}"), 1000, &rows, &error));
  is(rows, "[{:n 1} {:n 2, :x \"y\"}]");
  assert_true(table_load(&c, edn("{:ref \"p\" :partitions {:key \"b\"}}"), 1000, &rows, &error));
  is(rows, "[{:k \"b\", :n 2}]");
  refused(table_load(&c, edn("\"p\""), 1000, &rows, &error), error, "validation", "partition");
  refused(table_load(&c, edn("\"t\""), 5, &rows, &error), error, "oversize", "in pages");
}

static Buf pieces;
static size_t room_for;
static bool take_piece(void *ctx, const char *p, size_t n, Err *e) {
  (void)ctx;
  if (pieces.n + n > room_for) return err_set(e, "oversize", "no room");
  return buf_add(&pieces, p, n), true;
}

/* An export with a writer has no content and no limit but the writer's. */
static void t_export_pieces(void **state) {
  (void)state;
  TableCall c = call();
  Val result, error = NIL, rows = vec_empty, plain;
  for (int i = 0; i < 30000; i++) {
    Val kv[] = {kw_c("k"), fix(i), kw_c("v"), str_c("some text, quoted")};
    rows = vec_conj(rows, map_from(kv, 2, false));
  }
  assert_true(table_write(&c, edn("{:table \"t\"}"), rows, &result, &error));
  commit();
  plain = map_get_kw(run("{:op :export :table \"t\"}"), "content");
  c.write = take_piece;
  room_for = SIZE_MAX;
  assert_true(table_run(&c, edn("{:op :export :table \"t\"}"), &result, &error));
  assert_true(is_nil(map_get_kw(result, "content")));
  field_is(result, "row-count", "30000");
  assert_int_equal(pieces.n, str_n(plain));
  assert_memory_equal(pieces.p, str_s(plain), pieces.n);
  pieces.n = 0;
  room_for = 400000;
  refused(table_run(&c, edn("{:op :export :table \"t\"}"), &result, &error), error, "oversize", "no room");
  buf_free(&pieces);
}

#define BOTH(f) cmocka_unit_test_setup_teardown(f, with_memory, done), cmocka_unit_test_setup_teardown(f, with_file, done)
int main(void) {
  mem_init();
  stdlib_register();
  builtin_register(rows_macros);
  env_register();
  engine_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(t_order), cmocka_unit_test(t_order_alike), cmocka_unit_test(t_fields), BOTH(t_append), BOTH(t_upsert), BOTH(t_growth),
      BOTH(t_wrong_writes), BOTH(t_conditions), BOTH(t_indexed), BOTH(t_wrong_conditions), BOTH(t_pages), BOTH(t_cursor_of_another_query), BOTH(t_partitions),
      BOTH(t_aggregate), BOTH(t_cells), BOTH(t_columns), BOTH(t_expressions), BOTH(t_join), BOTH(t_join_by_index), BOTH(t_csv), BOTH(t_list_and_drop), BOTH(t_load),
      BOTH(t_export_pieces)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
