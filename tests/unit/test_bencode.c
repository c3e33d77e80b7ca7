/* Unit tests of bencode.c: what is read and refused, in pieces of every size; what the writer makes. */
#include "runtime/base/bencode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* Feeds text in pieces of `step` bytes; the status at the end, and how many bytes were used. */
static enum BenStatus feed(BenReader *r, const char *s, size_t n, size_t step, size_t *used) {
  enum BenStatus st = BEN_MORE;
  *used = 0;
  while (*used < n && st == BEN_MORE) {
    size_t k = n - *used < step ? n - *used : step, took;
    st = ben_feed(r, s + *used, k, &took);
    assert_true(took <= k);
    if (st == BEN_MORE) assert_int_equal(took, k);
    *used += took;
  }
  return st;
}

/* The message written out again, keys as they came. */
static void show(const BenMsg *m, uint32_t at, Buf *b) {
  const BenNode *n = &m->nodes[at];
  if (n->kind == BEN_INT) {
    buf_fmt(b, "%lld", (long long)n->i);
  } else if (n->kind == BEN_STR) {
    buf_ch(b, '"');
    buf_add(b, ben_text(m, at), n->s.n);
    buf_ch(b, '"');
    assert_int_equal(ben_text(m, at)[n->s.n], 0);
  } else {
    buf_ch(b, n->kind == BEN_LIST ? '[' : '{');
    for (uint32_t i = at + 1, k = 0; i < n->end; i = m->nodes[i].end, k++) {
      if (k) buf_ch(b, ' ');
      show(m, i, b);
    }
    buf_ch(b, n->kind == BEN_LIST ? ']' : '}');
  }
}

static void reads(const char *text, const char *expect) {
  size_t n = strlen(text), used;
  for (size_t step = 1; step <= n; step++) {
    BenReader r = {0};
    Buf b = {0};
    assert_int_equal(feed(&r, text, n, step, &used), BEN_DONE);
    assert_int_equal(used, n);
    BenMsg m = ben_take(&r);
    show(&m, 0, &b);
    assert_string_equal(buf_cstr(&b), expect);
    buf_free(&b);
    ben_msg_free(&m);
    ben_reader_free(&r);
  }
}

static void refused(const char *text, const char *message) {
  size_t n = strlen(text), used;
  for (size_t step = 1; step <= n; step++) {
    BenReader r = {0};
    if (feed(&r, text, n, step, &used) != BEN_BAD) fail_msg("%s is not refused", text);
    if (!strstr(r.error, message)) fail_msg("%s: \"%s\" lacks \"%s\"", text, r.error, message);
    assert_int_equal(ben_feed(&r, "de", 2, &used), BEN_BAD); /* final */
    ben_reader_free(&r);
  }
}

static void unfinished(const char *text) {
  BenReader r = {0};
  size_t used;
  assert_int_equal(feed(&r, text, strlen(text), 3, &used), BEN_MORE);
  assert_true(ben_partial(&r));
  ben_reader_free(&r);
}

static void test_reads(void **state) {
  (void)state;
  reads("de", "{}");
  reads("d2:op4:eval4:code7:(+ 1 2)e", "{\"op\" \"eval\" \"code\" \"(+ 1 2)\"}");
  reads("d1:ai0e1:bi-12e1:ci9223372036854775807e1:di-9223372036854775808ee",
        "{\"a\" 0 \"b\" -12 \"c\" 9223372036854775807 \"d\" -9223372036854775808}");
  reads("d1:zl0:leli1eee1:ad1:bd1:ci1eeee", "{\"z\" [\"\" [] [1]] \"a\" {\"b\" {\"c\" 1}}}");
  reads("d0:0:1:a1:e1:a1:de", "{\"\" \"\" \"a\" \"e\" \"a\" \"d\"}");
}

static void test_refuses(void **state) {
  (void)state;
  refused("i1e", "begins");
  refused("le", "begins");
  refused("3:abc", "begins");
  refused("GET / HTTP/1.1\r\n", "begins");
  refused("e", "ends nothing");
  refused("di1e1:ae", "key that is no string");
  refused("dlee", "key that is no string");
  refused("d1:ae", "key without value");
  refused("d1:ai-0ee", "malformed integer");
  refused("d1:aiee", "malformed integer");
  refused("d1:ai-ee", "malformed integer");
  refused("d1:ai1-ee", "malformed integer");
  refused("d1:ai1.5ee", "malformed integer");
  refused("d1:ai01ee", "leading zero");
  refused("d1:ai-01ee", "leading zero");
  refused("d1:ai9223372036854775808ee", "64 bits");
  refused("d1:ai-9223372036854775809ee", "64 bits");
  refused("d01:ae", "leading zero");
  refused("d1x", "no `:`");
  refused("d-1:ae", "key that is no string");
  refused("d1:a-1:e", "none of");
  refused("d99999999999999999999:", "beyond reason");
  refused("d4294967295:", "32 MiB");
  refused("d33554432:", "32 MiB");
}

static void test_unfinished(void **state) {
  (void)state;
  unfinished("d");
  unfinished("d2:op4:eva");
  unfinished("d33554431:"); /* as much as is allowed, announced only */
  unfinished("d1:ai12");
}

static void repeat(Buf *b, const char *s, size_t times) {
  while (times--) buf_c(b, s);
}

static enum BenStatus feed_buf(BenReader *r, Buf *b) {
  size_t used;
  enum BenStatus s = feed(r, b->p, b->n, 1000, &used);
  buf_free(b);
  return s;
}

static void test_limits(void **state) {
  (void)state;
  BenReader r = {0};
  Buf b = {0};
  buf_c(&b, "d1:a");
  repeat(&b, "l", BEN_MAX_DEPTH - 1);
  repeat(&b, "e", BEN_MAX_DEPTH - 1);
  buf_ch(&b, 'e');
  assert_int_equal(feed_buf(&r, &b), BEN_DONE);
  ben_reader_free(&r);
  buf_c(&b, "d1:a");
  repeat(&b, "l", BEN_MAX_DEPTH);
  assert_int_equal(feed_buf(&r, &b), BEN_BAD);
  assert_non_null(strstr(r.error, "nested too deep"));
  ben_reader_free(&r);
  buf_c(&b, "d1:al");
  repeat(&b, "0:", BEN_MAX_NODES);
  assert_int_equal(feed_buf(&r, &b), BEN_BAD);
  assert_non_null(strstr(r.error, "too many values"));
  ben_reader_free(&r);
}

/* Memory follows what has arrived, not what was announced. */
static void test_no_memory_for_promises(void **state) {
  (void)state;
  BenReader r = {0};
  size_t used;
  assert_int_equal(ben_feed(&r, "d30000000:abc", 13, &used), BEN_MORE);
  assert_true(r.msg.text.cap < 1000);
  ben_reader_free(&r);
}

static void test_several_messages(void **state) {
  (void)state;
  const char *text = "d1:ai1eed1:ai2eed1:a";
  BenReader r = {0};
  size_t used;
  for (int64_t i = 1; i <= 2; i++) {
    assert_int_equal(ben_feed(&r, text, strlen(text), &used), BEN_DONE);
    assert_int_equal(used, 8);
    text += used;
    BenMsg m = ben_take(&r);
    assert_int_equal(ben_int(&m, "a", 0), i);
    assert_false(ben_partial(&r));
    ben_msg_free(&m);
  }
  assert_int_equal(ben_feed(&r, text, strlen(text), &used), BEN_MORE);
  ben_reader_free(&r);
}

static void test_looking(void **state) {
  (void)state;
  const char *text = "d2:op4:eval4:linei7e6:column2:123:bad3:1x24:listl1:xe2:op5:clonee";
  BenReader r = {0};
  size_t used, n;
  assert_int_equal(ben_feed(&r, text, strlen(text), &used), BEN_DONE);
  BenMsg m = ben_take(&r);
  assert_string_equal(ben_str(&m, "op", &n), "clone"); /* the later one */
  assert_int_equal(n, 5);
  assert_null(ben_str(&m, "line", NULL));
  assert_null(ben_str(&m, "nothing", NULL));
  assert_null(ben_str(&m, "o", NULL));
  assert_int_equal(ben_int(&m, "line", 1), 7);
  assert_int_equal(ben_int(&m, "column", 1), 12);
  assert_int_equal(ben_int(&m, "bad", 1), 1);
  assert_int_equal(ben_int(&m, "list", -3), -3);
  assert_int_equal(ben_find(&m, 0, "nothing"), 0);
  assert_int_equal(m.nodes[ben_find(&m, 0, "list")].count, 1);
  ben_msg_free(&m);
}

static void test_writer_sorts(void **state) {
  (void)state;
  BenWriter w = {0};
  ben_w_dict(&w);
  ben_w_pair(&w, "status", "done");
  ben_w_key(&w, "ops");
  ben_w_dict(&w);
  ben_w_pair(&w, "eval", "");
  ben_w_key(&w, "clone");
  ben_w_dict(&w);
  ben_w_end_dict(&w);
  ben_w_end_dict(&w);
  ben_w_pair(&w, "none", NULL);
  ben_w_key(&w, "a");
  ben_w_list(&w);
  ben_w_int(&w, -5);
  ben_w_str(&w, "x\0y", 3);
  ben_w_end(&w);
  ben_w_pair(&w, "stat", "é");
  ben_w_end_dict(&w);
  static const char expect[] = "d1:ali-5e3:x\0ye3:opsd5:clonede4:eval0:e4:stat2:\xc3\xa9"
                               "6:status4:donee";
  assert_int_equal(w.b.n, sizeof expect - 1);
  assert_memory_equal(w.b.p, expect, w.b.n);
  ben_w_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads),    cmocka_unit_test(test_refuses),
      cmocka_unit_test(test_unfinished), cmocka_unit_test(test_limits),
      cmocka_unit_test(test_no_memory_for_promises), cmocka_unit_test(test_several_messages),
      cmocka_unit_test(test_looking),  cmocka_unit_test(test_writer_sorts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
