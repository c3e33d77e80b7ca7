/* test_read.c - reader and printer against what Clojure 1.11 reads and prints (data/read_oracle.txt, made by gen_read.clj),
 * positions in errors, callbacks, limits, and print-read round trips of random values. */
#include "tests/unit/oracle_help.h"
#include "reader/read.h"

/* ---- the oracle table ---- */

static Val core_resolve(void *ctx, Val sym) {
  static const char *const core[] = {"let", "map", "list"};
  (void)ctx;
  for (size_t i = 0; i < sizeof core / sizeof *core; i++)
    if (sym_is(sym, core[i])) return sym_new("clojure.core", core[i]);
  if (sym_is(sym, "String")) return sym_c("java.lang.String");
  if (sym_is(sym, "Foo")) return sym_c("Foo");
  return sym_of(str_c("user"), AS(Sym, sym)->name);
}

static Reader reader_on(const char *s, size_t n, bool edn) {
  Reader r;
  read_init(&r, s, n, NULL);
  r.edn = edn;
  r.resolve = core_resolve;
  Val kv[2] = {sym_c("str"), sym_c("clojure.string")};
  r.aliases = map_from(kv, 1, false);
  return r;
}

/* gensym numbers differ: x__12__auto__ becomes x__N__auto__ */
static Val normal(Val s) {
  Buf b = {0};
  for (const char *p = str_s(s), *end = p + str_n(s); p < end;) {
    if (end - p > 2 && p[0] == '_' && p[1] == '_' && p[2] >= '0' && p[2] <= '9') {
      buf_c(&b, "__N");
      for (p += 2; *p >= '0' && *p <= '9';) p++;
    } else
      buf_ch(&b, *p++);
  }
  return buf_str(&b);
}

static Val print_mode(const char *mode, Val v) {
  Buf b = {0};
  PrintOpts o = print_readably;
  long long len, level;
  int meta, maps, readably;
  Val r = NIL;
  if (same(v, ABSENT)) return str_c("");
  if (mode[0] == 'T')
    r = print_str_of(&b, v);
  else {
    if (sscanf(mode, "P%lld,%lld,%d,%d,%d", &len, &level, &meta, &maps, &readably) == 5)
      o.length = len, o.level = level, o.meta = meta, o.namespace_maps = maps, o.readably = readably;
    r = print_to(&b, v, &o);
  }
  if (!is_sig(r)) return buf_str(&b);
  buf_free(&b);
  return r;
}

/* "class: message": ours has a position in front, and may say more behind */
static bool same_error(const char *expected) {
  const char *cls = exc_class_name((enum Exc)AS(Ex, pend.ex)->cls), *colon = strstr(expected, ": "),
             *ours = strstr(pending_message(), ": ");
  if (!colon || !ours || strlen(cls) != (size_t)(colon - expected) || strncmp(cls, expected, strlen(cls)) != 0) return false;
  const char *cut = strstr(colon, " near index");
  return strncmp(ours, colon, cut ? (size_t)(cut - colon) : strlen(colon)) == 0;
}

static void check_row(const OracleRow *row) {
  Reader r = reader_on(row->f[1], row->n[1], row->f[0][0] == 'E');
  Val v = read_next(&r);
  Val text = is_sig(v) ? v : print_mode(row->f[0], v);
  if (is_sig(text)) {
    assert_true(same(text, SIG_THROW));
    if (strcmp(row->f[2], "err") != 0 || !same_error(row->f[3]))
      print_error("%s %s\n  expected %s %s\n  got %s: %s\n", row->f[0], row->f[1], row->f[2], row->f[3],
                  exc_class_name((enum Exc)AS(Ex, pend.ex)->cls), pending_message()), fail();
    return;
  }
  text = normal(text);
  if (strcmp(row->f[2], "ok") != 0 || str_n(text) != row->n[3] || memcmp(str_s(text), row->f[3], row->n[3]) != 0)
    print_error("%s %s\n  expected %s %s\n  got %s\n", row->f[0], row->f[1], row->f[2], row->f[3], str_s(text)), fail();
}

static void test_oracle(void **state) {
  (void)state;
  oracle_rows(TEST_DATA "read_oracle.txt", 1800, check_row);
}

/* ---- errors say where and what was expected ---- */

static void test_positions_in_errors(void **state) {
  (void)state;
  static const struct { const char *src, *message; enum Exc cls; } rows[] = {
      {"(a\n [b", "f.clj:2:4: EOF while reading; expected ] to close [ at f.clj:2:2", EXC_RUNTIME},
      {"(a\n  (b c]", "f.clj:2:7: Unmatched delimiter: ]; expected ) to close ( at f.clj:2:3", EXC_RUNTIME},
      {"\n  )", "f.clj:2:3: Unmatched delimiter: ); nothing is open", EXC_RUNTIME},
      {"#{1 2", "f.clj:1:6: EOF while reading; expected } to close #{ at f.clj:1:1", EXC_RUNTIME},
      {"#(inc %", "f.clj:1:8: EOF while reading; expected ) to close ( at f.clj:1:2", EXC_RUNTIME},
      {"(a '", "f.clj:1:5: EOF while reading; expected ) to close ( at f.clj:1:1", EXC_RUNTIME},
      {"'", "f.clj:1:2: EOF while reading; expected a form after '", EXC_RUNTIME},
      {"[1\n \"é\" \"abc", "f.clj:2:10: EOF while reading string; expected \" to close the one at 2:6", EXC_RUNTIME},
      {"{:a 1\n :a 2}", "f.clj:2:2: Duplicate key: :a", EXC_ILLEGAL_ARG},
      {"[{:a ; :a\n {:b 1} #_ :x\n  c 2 \"s\" 1 :a 3}]", "f.clj:3:13: Duplicate key: :a", EXC_ILLEGAL_ARG},
      {"#:n{:a 1,\n n/b 2 :a 3}", "f.clj:2:8: Duplicate key: :n/a", EXC_ILLEGAL_ARG},
      {"#{1 [2]\n  3 [2]}", "f.clj:2:5: Duplicate key: [2]", EXC_ILLEGAL_ARG},
      {"[日本 08]", "f.clj:1:5: Invalid number: 08", EXC_NUMBER_FORMAT},
      {"\n\n  a/", "f.clj:3:3: Invalid token: a/", EXC_RUNTIME},
      {"[#inst \"x\"]", "f.clj:1:2: Unrecognized date/time syntax: x", EXC_RUNTIME},
      {"[\xff]", "f.clj:1:2: Invalid UTF-8: byte 0xff", EXC_RUNTIME},
      {"ab\n\xe2\x82", "f.clj:2:1: Invalid UTF-8: byte 0xe2", EXC_RUNTIME},
      {"#=(+ 1 2)", "f.clj:1:1: EvalReader not allowed when *read-eval* is false.", EXC_RUNTIME},
      {"{:a 1 :b}", "f.clj:1:1: Map literal must contain an even number of forms; it has 3", EXC_RUNTIME},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_true(same(read_one(rows[i].src, strlen(rows[i].src), "f.clj", false), SIG_THROW));
    assert_string_equal(pending_message(), rows[i].message);
    assert_int_equal(AS(Ex, pend.ex)->cls, rows[i].cls);
    assert_int_equal(AS(Ex, pend.ex)->kind, KIND_READER);
  }
}

static void test_kinds(void **state) {
  (void)state;
  Reader r;
  assert_true(same(read_one("08", 2, NULL, true), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->kind, KIND_NUMBER_FORMAT);
  assert_true(same(read_one("(", 1, NULL, true), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->kind, KIND_RUNTIME);
  read_init(&r, "(", 1, NULL);
  r.natural_kinds = true;
  assert_true(same(read_next(&r), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->kind, KIND_RUNTIME);
  assert_true(same(read_one("1 2", 3, NULL, false), SIG_THROW));
  assert_string_equal(pending_message(), "1:3: Expected the end of the text after the first form");
  assert_true(same(read_one("; c", 3, NULL, false), SIG_THROW));
  assert_true(same(read_one("1 ;c\n", 5, NULL, false), fix(1)));
}

/* ---- positions of lists ---- */

static void assert_pos(Val form, int line, int col) {
  int l = 0, c = 0;
  assert_true(form_pos(form, &l, &c));
  assert_int_equal(l, line);
  assert_int_equal(c, col);
}

static void test_list_positions(void **state) {
  (void)state;
  const char *src = "(a\n  (b) [x (c é (d))])\n ^:k (e)\n (f)";
  Reader r;
  read_init(&r, src, strlen(src), NULL);
  r.positions = true;
  Val v = read_next(&r);
  assert_pos(v, 1, 1);
  assert_pos(coll_nth(v, 1, NIL), 2, 3);
  Val c = coll_nth(coll_nth(v, 2, NIL), 1, NIL);
  assert_pos(c, 2, 10);
  assert_pos(coll_nth(c, 2, NIL), 2, 15);
  assert_int_equal(r.line, 2);
  Val e = read_next(&r);
  assert_pos(e, 3, 2);
  assert_true(same(map_get_kw(meta_of(e), "k"), TRUE_V));
  assert_pos(read_next(&r), 4, 2);
  assert_true(same(read_next(&r), ABSENT));
  assert_true(is_nil(meta_of(read_one("(a)", 3, NULL, false))));
}

static void test_start_position(void **state) {
  (void)state;
  Reader r;
  read_init(&r, "(a\n(b", 5, "x");
  r.line = 10, r.col = 5;
  assert_true(same(read_next(&r), SIG_THROW));
  assert_string_equal(pending_message(), "x:11:3: EOF while reading; expected ) to close ( at x:11:1");
}

/* ---- callbacks ---- */

static Val wrap_tag(void *ctx, Val tag, Val form) {
  (*(int *)ctx)++;
  return list2(tag, form);
}
static int64_t count_gensym(void *ctx) { return 100 + (*(int *)ctx)++; }

static Val read_with(const char *src, bool own_inst, int *count) {
  Reader r = reader_on(src, strlen(src), false);
  Val kv[2] = {sym_c("inst"), TRUE_V};
  r.ctx = count, r.tag_read = wrap_tag, r.gensym = count_gensym, r.resolve = NULL;
  if (own_inst) r.tag_readers = map_from(kv, 1, false);
  return read_next(&r);
}

static void assert_prints(Val v, const char *text) {
  Val s = is_sig(v) ? v : pr_str(v);
  if (is_sig(s)) fail_msg("%s", pending_message());
  assert_string_equal(str_s(s), text);
}

static void test_callbacks(void **state) {
  (void)state;
  int n = 0;
  assert_prints(read_with("#foo [1]", false, &n), "(foo [1])");
  assert_int_equal(n, 1);
  assert_prints(read_with("#inst \"2020\"", false, &n), "#inst \"2020-01-01T00:00:00.000-00:00\"");
  assert_int_equal(n, 1);
  assert_prints(read_with("#inst \"2020\"", true, &n), "(inst \"2020\")");
  n = 0;
  assert_prints(read_with("#(f % %2)", false, &n), "(fn* [p1__100# p2__101#] (f p1__100# p2__101#))");
  assert_prints(read_with("[`x# `(y# y#)]", false, &n),
                "[(quote x__102__auto__) (clojure.core/seq (clojure.core/concat (clojure.core/list (quote y__103__auto__)) "
                "(clojure.core/list (quote y__103__auto__))))]");
  assert_prints(read_with("`(a str/b)", false, &n), "(clojure.core/seq (clojure.core/concat (clojure.core/list (quote user/a)) "
                                                    "(clojure.core/list (quote clojure.string/b))))");
  assert_prints(read_with("[::str/x ::y #::str{:a 1}]", false, &n), "[:clojure.string/x :user/y {:clojure.string/a 1}]");
  assert_prints(read_with("[#?((:and :clj (:not :cljs)) 1 :default 2) #?((:or :cljs :cljr) 3)]", false, &n), "[1]");
}

/* ---- limits ---- */

static Val nested_text(int depth) {
  Buf b = {0};
  for (int i = 0; i < depth; i++) buf_ch(&b, '[');
  for (int i = 0; i < depth; i++) buf_ch(&b, ']');
  return buf_str(&b);
}

static void test_depth(void **state) {
  (void)state;
  Val ok = nested_text(1000), deep = nested_text(1001), hostile = nested_text(1000000);
  assert_prints(read_one(str_s(ok), str_n(ok), NULL, true), str_s(ok));
  assert_true(same(read_one(str_s(deep), str_n(deep), NULL, true), SIG_THROW));
  assert_string_equal(pending_message(), "1:1001: Forms are nested deeper than 1000");
  assert_true(same(read_one(str_s(hostile), str_n(hostile), NULL, false), SIG_THROW));
  Val v = vec_empty;
  for (int i = 0; i < 2500; i++) v = vec_from(&v, 1);
  assert_true(same(pr_str(v), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->cls, EXC_STACK);
}

static void test_nested_backquotes_end(void **state) {
  (void)state;
  Buf b = {0};
  for (int i = 0; i < 60; i++) buf_ch(&b, '`');
  buf_c(&b, "(a b)");
  Val s = buf_str(&b);
  assert_true(same(read_one(str_s(s), str_n(s), NULL, false), SIG_THROW));
}

static void test_max_bytes(void **state) {
  (void)state;
  PrintOpts o = print_readably;
  Buf b = {0};
  o.max_bytes = 1000;
  assert_true(same(print_to(&b, repeat_new(-1, fix(7)), &o), SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->cls, EXC_LIMIT);
  buf_free(&b);
}

/* ---- lazy seqs and opaque things ---- */

static void test_lazy(void **state) {
  (void)state;
  Val lazy = lazy_new(kw_c("body")), root = vec_of2(fix(1), lazy);
  assert_true(same(pr_str(root), SIG_DEMAND));
  assert_true(pend.demand_deep && same(pend.demand, root));
  PrintOpts o = print_readably;
  Buf b = {0};
  o.length = 3;
  assert_true(same(print_to(&b, lazy, &o), SIG_DEMAND));
  assert_false(pend.demand_deep);
  assert_true(same(pend.demand, lazy) && pend.demand_n == 4);
  AS(Lazy, lazy)->fn = NIL, AS(Lazy, lazy)->seq = list2(fix(1), fix(2));
  assert_prints(root, "[1 (1 2)]");
  b.n = 0;
  assert_true(is_nil(print_to(&b, range_new(0, 1000000000, 1), &o)));
  assert_string_equal(buf_cstr(&b), "(0 1 2 ...)");
  buf_free(&b);
}

static void test_opaque(void **state) {
  (void)state;
  Atom *a = mem_obj(T_ATOM);
  a->val = fix(1);
  assert_prints(from_obj(a), "#object[clojure.lang.Atom {:status :ready, :val 1}]");
  Class *c = mem_obj(T_CLASS);
  c->name = sym_c("java.lang.String");
  assert_prints(from_obj(c), "java.lang.String");
  Var *v = mem_obj(T_VAR);
  v->ns = sym_c("user"), v->name = sym_c("x");
  assert_prints(from_obj(v), "#'user/x");
  Val kv[2] = {kw_c("a"), fix(1)};
  Val data = map_from(kv, 1, false);
  Val ex = ex_make(EXC_INFO, str_c("outer"), data, ex_make(EXC_ARITHMETIC, str_c("Divide by zero"), NIL, NIL));
  assert_prints(ex, "#error {:cause \"Divide by zero\", :via [{:type clojure.lang.ExceptionInfo, :message \"outer\", :data {:a 1}} "
                    "{:type java.lang.ArithmeticException, :message \"Divide by zero\"}]}");
  Buf b = {0};
  assert_true(is_nil(print_str_of(&b, ex)));
  assert_string_equal(buf_cstr(&b), "clojure.lang.ExceptionInfo: outer {:a 1}");
  buf_free(&b);
}

/* ---- round trips ---- */

static uint64_t seed = 0x9e3779b97f4a7c15;
static uint32_t rnd(uint32_t n) {
  seed ^= seed >> 12;
  seed ^= seed << 25;
  seed ^= seed >> 27;
  return (uint32_t)((seed * 0x2545f4914f6cdd1dULL) >> 33) % n;
}

static Val random_text(void) {
  Buf b = {0};
  for (uint32_t n = rnd(12); n > 0; n--) {
    uint32_t cp = rnd(4) ? rnd(128) : rnd(4) ? rnd(0xd800) : 0x10000 + rnd(0x100000);
    buf_cp(&b, cp);
  }
  return buf_str(&b);
}

static Val random_name(void) {
  static const char first[] = "abcXYZ*!_?<>=.+-", more[] = "abcXYZ019*!_?<>=.+-'#";
  char s[12];
  uint32_t n = 1 + rnd(10);
  s[0] = first[rnd(10)];
  for (uint32_t i = 1; i < n; i++) s[i] = more[rnd(sizeof more - 1)];
  (void)first;
  return str_new(s, n);
}

static Val random_number(void) {
  Buf b = {0};
  if (rnd(2)) buf_ch(&b, '-');
  switch (rnd(6)) {
  case 0: buf_fmt(&b, "%u", rnd(1000)); break;
  case 1: buf_fmt(&b, "%llu", (unsigned long long)rnd(1u << 30) << 32 | rnd(1u << 30)); break;
  case 2: buf_fmt(&b, "1%09u%09u%09uN", rnd(1000000000), rnd(1000000000), rnd(1000000000)); break;
  case 3: buf_fmt(&b, "%u.%uE%d", rnd(100), rnd(100000000), (int)rnd(600) - 300); break;
  case 4: buf_fmt(&b, "%u.%06uM", rnd(1000000), rnd(1000000)); break;
  default: buf_fmt(&b, "%u/%u", 1 + rnd(1000), 1 + rnd(1000)); break;
  }
  Val s = buf_str(&b), v = num_parse(str_s(s), str_n(s));
  assert_false(is_sig(v) || same(v, ABSENT));
  return v;
}

static Val random_scalar(void) {
  switch (rnd(10)) {
  case 0: return NIL;
  case 1: return bool_val(rnd(2));
  case 2: return random_text();
  case 3: return kw_of(rnd(3) ? NIL : random_name(), random_name());
  case 4: return sym_of(rnd(3) ? NIL : random_name(), random_name());
  case 5: return char_val(rnd(3) ? rnd(128) : 0xe000 + rnd(0x1000));
  case 6: {
    Uuid *u = mem_obj(T_UUID);
    u->hi = (uint64_t)rnd(1u << 31) << 33 | rnd(1u << 31), u->lo = (uint64_t)rnd(1u << 31) << 33 | rnd(1u << 31);
    return from_obj(u);
  }
  case 7: {
    Inst *i = mem_obj(T_INST);
    i->ms = (int64_t)rnd(1u << 31) * 100000 - INT64_C(12000000000000) + rnd(1000); /* from 1589: Clojure cannot read Julian leap days */
    return from_obj(i);
  }
  default: return random_number();
  }
}

static Val random_value(int depth) {
  Val xs[24];
  if (depth == 0 || !rnd(3)) return random_scalar();
  uint32_t n = rnd(24) & ~1u;
  for (uint32_t i = 0; i < n; i++) xs[i] = random_value(depth - 1);
  switch (rnd(4)) {
  case 0: return vec_from(xs, n);
  case 1: return list_from(xs, n);
  case 2: return map_from(xs, n / 2, false);
  default: return set_from(xs, n, false);
  }
}

static void test_round_trip(void **state) {
  (void)state;
  for (int i = 0; i < 3000; i++) {
    Val v = random_value(4), text = pr_str(v);
    assert_false(is_sig(text));
    for (int edn = 0; edn < 2; edn++) {
      Val back = read_one(str_s(text), str_n(text), NULL, edn);
      if (is_sig(back)) fail_msg("%s: %s", str_s(text), pending_message());
      if (!truthy(val_eq(v, back))) fail_msg("not equal after reading: %s", str_s(text));
      Val again = pr_str(back);
      if (str_cmp(again, text) != 0) fail_msg("printed\n%s\nthen\n%s", str_s(text), str_s(again));
    }
  }
}

int main(void) {
  mem_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_oracle),         cmocka_unit_test(test_positions_in_errors),
      cmocka_unit_test(test_kinds),          cmocka_unit_test(test_list_positions),
      cmocka_unit_test(test_start_position), cmocka_unit_test(test_callbacks),
      cmocka_unit_test(test_depth),          cmocka_unit_test(test_nested_backquotes_end),
      cmocka_unit_test(test_max_bytes),      cmocka_unit_test(test_lazy),
      cmocka_unit_test(test_opaque),         cmocka_unit_test(test_round_trip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
