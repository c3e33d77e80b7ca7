/* Unit tests of text.c, ex.c, types.c and mem.c: strings, interning, Buf, exceptions, layouts, the collector. */
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/text.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static int32_t hash_of(Val v) { return (int32_t)obj(v)->hash; }

/* ---- strings ---- */

static void test_strings(void **state) {
  (void)state;
  Val a = str_c("abc"), u = str_c("é-日本😀");
  assert_int_equal(str_n(a), 3);
  assert_int_equal(AS(Str, a)->nchars, 3);
  assert_int_equal(obj(a)->flags, STR_ASCII);
  assert_int_equal(AS(Str, u)->nchars, 5);
  assert_int_equal(str_n(u), 13);
  assert_int_equal(obj(u)->flags, 0);
  assert_true(str_eq_c(a, "abc") && !str_eq_c(a, "ab") && !str_eq_c(NIL, ""));
  assert_int_equal(str_s(u)[13], 0);
  assert_true(str_eq_c(str_fmt("%d-%s", 5, "x"), "5-x"));
  Val big = str_fmt("%1000d", 1);
  assert_int_equal(str_n(big), 1000);
}

static void test_bytes_and_sub(void **state) {
  (void)state;
  static const size_t at[] = {0, 2, 3, 6, 9, 13};
  Val u = str_c("é-日本😀");
  for (uint32_t i = 0; i <= 5; i++) assert_int_equal(str_byte_of(u, i), at[i]);
  assert_true(str_eq_c(str_sub(u, 2, 4), "日本"));
  assert_true(str_eq_c(str_sub(u, 4, 5), "😀"));
  assert_true(str_eq_c(str_sub(u, 5, 5), ""));
  assert_int_equal(obj(str_sub(u, 1, 2))->flags, STR_ASCII);
  assert_true(str_eq_c(str_sub(str_c("hello"), 1, 3), "el"));
  assert_true(same(str_sub(u, 0, 5), u));
}

/* Against a plain scan, on text where the word-wise counters meet characters of every length at every offset. */
static void test_byte_of_long(void **state) {
  (void)state;
  static const char *const parts[] = {"a", "é", "日", "😀", "xyz"};
  Buf b = {0};
  size_t offsets[1001];
  for (size_t i = 0; i < 1000; i++) {
    uint32_t cp;
    const char *p = parts[i * i % 5];
    offsets[i] = b.n;
    cp = utf8_next(&p);
    buf_cp(&b, cp);
  }
  offsets[1000] = b.n;
  Val s = buf_str(&b);
  assert_int_equal(AS(Str, s)->nchars, 1000);
  for (uint32_t i = 0; i <= 1000; i++) assert_int_equal(str_byte_of(s, i), offsets[i]);
  for (uint32_t i = 0; i < 990; i++) assert_int_equal(str_n(str_sub(s, i, i + 9)), offsets[i + 9] - offsets[i]);
}

static void test_utf8(void **state) {
  (void)state;
  static const char *const bad[] = {
      "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xe2\x82", "abc\xff", "\xc3",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(utf8_valid(bad[i], strlen(bad[i])));
  assert_true(utf8_valid("", 0) && utf8_valid("a\0b", 3) && utf8_valid("\xf4\x8f\xbf\xbf", 4) && utf8_valid("\xed\x9f\xbf", 3));
  assert_true(str_eq_c(str_c("a\xff" "b"), "a\xef\xbf\xbd" "b"));
  assert_true(str_eq_c(str_c("\xe2\x82" "x\xf0\x9f\x98"), "\xef\xbf\xbdx\xef\xbf\xbd"));
  for (uint32_t cp = 1; cp < 0x110000; cp += cp < 0x900 ? 1 : 97) {
    char t[4];
    if (cp >= 0xd800 && cp < 0xe000) continue;
    const char *p = t;
    int n = utf8_put(t, cp);
    assert_true(utf8_valid(t, (size_t)n));
    assert_int_equal(utf8_next(&p), cp);
    assert_int_equal(p - t, n);
  }
}

static void test_compare(void **state) {
  (void)state;
  /* In Java's order: a surrogate pair sorts below U+E000 and above. */
  static const char *const order[] = {"", "A", "a", "aa", "ab", "b", "é", "日", "\xed\x9f\xbf", "😀", "\xee\x80\x80", "\xef\xbf\xbd"};
  int n = (int)(sizeof order / sizeof *order);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) assert_int_equal(str_cmp(str_c(order[i]), str_c(order[j])), (i > j) - (i < j));
  assert_int_equal(str_cmp(str_c("prefix-long-😀"), str_c("prefix-long-\xef\xbf\xbd")), -1);
}

static void test_hashes(void **state) {
  (void)state;
  assert_int_equal(str_hash_java("abc", 3), 96354);
  assert_int_equal(str_hash_java("", 0), 0);
  assert_int_equal((int32_t)str_hash_java("😀", 4), 1772899); /* 0xd83d * 31 + 0xde00 */
  assert_int_equal(hash_of(kw_c("a")), -2123407586);
  assert_int_equal(hash_of(sym_c("a")), -482876059);
  assert_int_equal(hash_of(kw_new("foo", "bar")), -1386151538);
}

/* ---- keywords and symbols ---- */

static void check_names(Val v, const char *ns, const char *name) {
  assert_true(ns ? str_eq_c(AS(Kw, v)->ns, ns) : is_nil(AS(Kw, v)->ns));
  assert_true(str_eq_c(AS(Kw, v)->name, name));
}

static void test_intern(void **state) {
  (void)state;
  Val a = kw_c("abc");
  assert_true(is_kw(a) && is_sym(sym_c("abc")));
  assert_true(same(a, kw_of(NIL, str_c("abc"))) && same(a, kw_parse("abc", 3)) && same(a, kw_new(NULL, "abc")));
  assert_false(same(a, sym_c("abc")));
  assert_true(same(kw_parse("x/y", 3), kw_new("x", "y")) && same(kw_new("x", "y"), kw_of(str_c("x"), str_c("y"))));
  assert_false(same(kw_c("x/y"), kw_new("x", "y")));
  check_names(kw_parse("a/b/c", 5), "a", "b/c");
  check_names(sym_parse("/", 1), NULL, "/");
  check_names(sym_parse("/x", 2), "", "x");
  check_names(sym_parse("clojure.core//", 14), "clojure.core", "/");
  check_names(kw_c(""), NULL, "");
  check_names(kw_c("日本"), NULL, "日本");
  assert_true(kw_is(a, "abc") && !kw_is(a, "ab") && !kw_is(kw_new("n", "abc"), "abc") && !sym_is(a, "abc"));
  assert_true(sym_is(sym_c("+"), "+"));
  assert_true(same(kw_c("bad\xff"), kw_of(NIL, str_c("bad\xff"))));
}

static void test_sym_eq(void **state) {
  (void)state;
  Sym *copy = mem_obj(T_SYM);
  copy->ns = str_c("n");
  copy->name = str_c("x");
  copy->meta = str_c("meta");
  Val s = sym_new("n", "x");
  assert_true(sym_eq(s, from_obj(copy)) && sym_eq(s, s));
  assert_false(sym_eq(s, sym_c("x")) || sym_eq(sym_c("x"), s) || sym_eq(s, sym_new("m", "x")));
}

enum { MANY = 20000 };

static void test_intern_many(void **state) {
  (void)state;
  static Val kept[MANY / 10];
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < MANY; i++) {
      char name[32];
      int n = snprintf(name, sizeof name, "ns%d/key-%d", i % 7, i);
      Val k = kw_parse(name, (size_t)n);
      if (i % 10) continue;
      if (round) assert_true(same(kept[i / 10], k));
      kept[i / 10] = k;
    }
    mem_collect();
  }
}

static int shared_sum;

static void *intern_thread(void *arg) {
  Val *out = arg;
  mem_thread_enter();
  for (int i = 0; i < MANY; i++) {
    char name[32];
    snprintf(name, sizeof name, "shared-%d", i);
    Val k = kw_c(name);
    assert_true(kw_is(k, name));
    if (i % 100 == 0) out[i / 100] = k;
    if (i % 5000 == 0) mem_collect();
  }
  __atomic_add_fetch(&shared_sum, 1, __ATOMIC_SEQ_CST);
  mem_thread_leave();
  return NULL;
}

static void test_intern_threads(void **state) {
  (void)state;
  enum { THREADS = 4 };
  pthread_t t[THREADS];
  Val *out[THREADS];
  Val **root = mem_root(sizeof out);
  for (int i = 0; i < THREADS; i++) {
    out[i] = root[i] = mem_alloc(MANY / 100 * sizeof(Val));
    assert_int_equal(pthread_create(&t[i], NULL, intern_thread, out[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(t[i], NULL), 0);
  assert_int_equal(shared_sum, THREADS);
  for (int i = 1; i < THREADS; i++) assert_memory_equal(out[0], out[i], MANY / 100 * sizeof(Val));
  memset(root, 0, sizeof out);
}

/* ---- Buf ---- */

static void test_buf(void **state) {
  (void)state;
  Buf b = {0};
  buf_c(&b, "x=");
  buf_fmt(&b, "%d,%s", 42, "yes");
  buf_ch(&b, ' ');
  buf_cp(&b, 0x1f600);
  assert_string_equal(buf_cstr(&b), "x=42,yes 😀");
  assert_int_equal(b.n, 13);
  for (int i = 0; i < 1000; i++) buf_fmt(&b, "%0100d", i);
  assert_int_equal(b.n, 13 + 100000);
  Val s = buf_str(&b);
  assert_int_equal(str_n(s), 13 + 100000);
  assert_true(!b.p && !b.n && !b.cap);
  assert_true(str_eq_c(buf_str(&b), ""));
}

/* ---- exceptions ---- */

static void test_exceptions(void **state) {
  (void)state;
  assert_true(exc_is_a(EXC_ARITY, EXC_ILLEGAL_ARG) && exc_is_a(EXC_ARITY, EXC_THROWABLE) && exc_is_a(EXC_IO, EXC_IO));
  assert_false(exc_is_a(EXC_ERROR, EXC_EXCEPTION) || exc_is_a(EXC_RUNTIME, EXC_ARITY));
  assert_int_equal(exc_by_name("ExceptionInfo"), EXC_INFO);
  assert_int_equal(exc_by_name("java.lang.Exception"), EXC_EXCEPTION);
  assert_int_equal(exc_by_name("Exception"), EXC_EXCEPTION);
  assert_int_equal(exc_by_name("java.io.IOException"), EXC_IO);
  assert_int_equal(exc_by_name("IOException"), EXC_IO);
  assert_int_equal(exc_by_name("Nope"), -1);
  assert_string_equal(kind_name(KIND_NUMBER_FORMAT), "number-format");
  assert_true(same(ex_throw_kind(EXC_RUNTIME, KIND_READER, "%s:%d", "f", 3), SIG_THROW));
  assert_true(str_eq_c(AS(Ex, pend.ex)->msg, "f:3"));
  assert_int_equal(AS(Ex, pend.ex)->kind, KIND_READER);
  assert_string_equal(class_name_of(pend.ex), "java.lang.RuntimeException");
}

static void check_message(Val sig, enum Exc cls, const char *msg) {
  assert_true(same(sig, SIG_THROW));
  assert_int_equal(AS(Ex, pend.ex)->cls, cls);
  assert_string_equal(str_s(AS(Ex, pend.ex)->msg), msg);
}

static void test_wording(void **state) {
  (void)state;
  check_message(ex_cast(str_c("a"), "clojure.lang.Associative"), EXC_CLASS_CAST,
                "class java.lang.String cannot be cast to class clojure.lang.Associative (java.lang.String is in module java.base "
                "of loader 'bootstrap'; clojure.lang.Associative is in unnamed module of loader 'app')");
  check_message(ex_cast(kw_c("a"), "clojure.lang.IAtom"), EXC_CLASS_CAST,
                "class clojure.lang.Keyword cannot be cast to class clojure.lang.IAtom (clojure.lang.Keyword and "
                "clojure.lang.IAtom are in unnamed module of loader 'app')");
  check_message(ex_cast(char_val('c'), "clojure.lang.IFn"), EXC_CLASS_CAST,
                "class java.lang.Character cannot be cast to class clojure.lang.IFn (java.lang.Character is in module java.base "
                "of loader 'bootstrap'; clojure.lang.IFn is in unnamed module of loader 'app')");
  check_message(ex_cast(NIL, "clojure.lang.Named"), EXC_NULL,
                "Cannot invoke \"clojure.lang.Named.getName()\" because \"x\" is null");
  check_message(ex_not_seqable(fix(1)), EXC_ILLEGAL_ARG, "Don't know how to create ISeq from: java.lang.Long");
  check_message(ex_arity(2, "clojure.core/inc"), EXC_ARITY, "Wrong number of args (2) passed to: clojure.core/inc");
  assert_true(same(ex_index(), SIG_THROW) && is_nil(AS(Ex, pend.ex)->msg));
  assert_string_equal(class_name_of(TRUE_V), "java.lang.Boolean");
  assert_string_equal(class_name_of(dbl_val(1.5)), "java.lang.Double");
  assert_null(class_name_of(NIL));
}

/* ---- layouts ---- */

static void test_layouts(void **state) {
  (void)state;
  for (int t = 0; t < T_COUNT; t++) {
    size_t n;
    const TypeInfo *info = &type_info[t];
    Obj *o = info->tail == TAIL_NONE ? mem_obj((enum Type)t) : mem_obj_n((enum Type)t, 5);
    assert_int_equal(o->type, t);
    assert_int_equal(o->hash | o->flags | o->aux, 0);
    Val *v = obj_vals(o, &n);
    assert_int_equal((char *)v - (char *)o, 8 + info->raw);
    assert_int_equal(n, info->nvals + (info->tail == TAIL_VALS ? 5u : 0u));
    assert_int_equal(obj_size(o), 8 + info->raw + 8 * n + (info->tail == TAIL_BYTES ? 5u : 0u));
    for (size_t i = 0; i < n; i++) assert_true(is_nil(v[i]));
  }
}

/* ---- the collector ---- */

/* A chain of cells whose strings say what they are; freed or reused memory would break it. */
static Val make_chain(int n) {
  Val head = NIL;
  for (int i = 0; i < n; i++) {
    Cons *c = mem_obj(T_CONS);
    c->first = str_fmt("item %d", i);
    c->rest = head;
    head = from_obj(c);
  }
  return head;
}

static void check_chain(Val head, int n) {
  while (n-- > 0) {
    char want[32];
    snprintf(want, sizeof want, "item %d", n);
    assert_true(is_type(head, T_CONS));
    assert_string_equal(str_s(AS(Cons, head)->first), want);
    head = AS(Cons, head)->rest;
  }
  assert_true(is_nil(head));
}

static void test_survival(void **state) {
  (void)state;
  Val a = make_chain(10000);
  for (int i = 0; i < 5; i++) {
    mem_collect();
    check_chain(make_chain(20000), 20000);
  }
  check_chain(a, 10000);
}

static __attribute__((noinline)) void throw_chain(void) { ex_throw_val(ex_make(EXC_INFO, str_c("m"), make_chain(1000), NIL)); }

static void *pend_thread(void *arg) {
  (void)arg;
  mem_thread_enter();
  throw_chain();
  for (int i = 0; i < 3; i++) {
    mem_collect();
    make_chain(30000);
  }
  check_chain(AS(Ex, pend.ex)->data, 1000);
  mem_thread_leave();
  return NULL;
}

static void test_pending_is_root(void **state) {
  (void)state;
  pthread_t t;
  pend_thread(NULL);
  assert_int_equal(pthread_create(&t, NULL, pend_thread, NULL), 0);
  assert_int_equal(pthread_join(t, NULL), 0);
}

typedef struct Machine { Val *stack; uint32_t pad, live; } Machine;

static __attribute__((noinline)) void fill_stack(Machine *m) {
  for (uint32_t i = 0; i < 1000; i++) m->stack[i] = kw_of(NIL, str_fmt("stacked-%u", i));
}

static __attribute__((noinline)) uint32_t count_kept(const Machine *m, uint32_t from, uint32_t to) {
  uint32_t kept = 0;
  for (uint32_t i = from; i < to; i++) {
    char name[32];
    snprintf(name, sizeof name, "stacked-%u", i);
    kept += same(m->stack[i], kw_c(name));
  }
  return kept;
}

/* What is below *live survives; of what is above, a collector that really collects frees nearly all. */
static void test_value_stack(void **state) {
  (void)state;
  Machine *m = mem_alloc(sizeof *m);
  m->stack = mem_stack_new(100000, &m->live);
  for (uint32_t i = 0; i < 1000; i++) assert_true(is_nil(m->stack[i]));
  fill_stack(m);
  m->live = 500;
  mem_collect();
  for (int i = 0; i < 3; i++) make_chain(30000);
  mem_collect();
  assert_int_equal(count_kept(m, 0, 500), 500);
#ifndef GC_NONE
  assert_in_range(count_kept(m, 500, 1000), 0, 50);
#endif
  m->live = UINT32_MAX; /* beyond cap: the collector stays inside the block */
  mem_collect();
}

static void test_memory_is_reused(void **state) {
  (void)state;
#ifndef GC_NONE
  uint64_t before = mem_charged;
  for (int i = 0; i < 300; i++) make_chain(10000);
  assert_true(mem_charged - before >= (uint64_t)300 * 10000 * 64);
  mem_collect();
  assert_true(mem_heap_bytes() < (size_t)100 << 20);
#endif
  assert_true(mem_heap_bytes() > 0);
}

/* Every allocation may fail: the process ends with 70 and a message, whatever it was doing. */
static void test_exhaustion(void **state) {
  (void)state;
  for (uint64_t k = 1; k <= 6; k++) {
    int status, fds[2];
    char text[100] = {0};
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (!pid) {
      dup2(fds[1], 2);
      mem_fail_at(k);
      kw_of(str_c("some"), str_c("new keyword"));
      ex_throw(EXC_INFO, "x");
      str_c("x");
      _exit(3);
    }
    close(fds[1]);
    assert_true(read(fds[0], text, sizeof text - 1) > 0);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 70);
    assert_non_null(strstr(text, "out of memory"));
  }
}

int main(void) {
  mem_init();
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_strings),       cmocka_unit_test(test_bytes_and_sub),   cmocka_unit_test(test_byte_of_long),
      cmocka_unit_test(test_utf8),          cmocka_unit_test(test_compare),         cmocka_unit_test(test_hashes),
      cmocka_unit_test(test_intern),        cmocka_unit_test(test_sym_eq),          cmocka_unit_test(test_intern_many),
      cmocka_unit_test(test_intern_threads), cmocka_unit_test(test_buf),            cmocka_unit_test(test_exceptions),
      cmocka_unit_test(test_wording),       cmocka_unit_test(test_layouts),         cmocka_unit_test(test_survival),
      cmocka_unit_test(test_pending_is_root), cmocka_unit_test(test_value_stack),   cmocka_unit_test(test_memory_is_reused),
      cmocka_unit_test(test_exhaustion),
  };
  return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
