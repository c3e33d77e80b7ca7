/* coll_help.h - short names for making values, and checks of signals, for the unit tests of collections. Include last. */
#ifndef BR_COLL_HELP_H
#define BR_COLL_HELP_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "reader/eq.h"
#include "reader/ex.h"
#include "reader/mem.h"

static inline Val I(int64_t i) { return int_val(i); }
static inline Val K(const char *s) { return kw_c(s); }
static inline Val S(const char *s) { return str_c(s); }
#define ARGS(...) (Val[]){__VA_ARGS__}, sizeof((Val[]){__VA_ARGS__}) / sizeof(Val)
#define V(...) vec_from(ARGS(__VA_ARGS__))
#define L(...) list_from(ARGS(__VA_ARGS__))
#define SET(...) set_from(ARGS(__VA_ARGS__), false)
#define M(...) map_of(ARGS(__VA_ARGS__))
static inline Val map_of(const Val *xs, size_t n) { return map_from(xs, n / 2, false); }
static inline Val smap_of(const Val *xs, size_t n) {
  Val m = smap_new(NIL);
  for (size_t i = 0; i < n; i += 2) m = map_assoc(m, xs[i], xs[i + 1]);
  return m;
}
#define SM(...) smap_of(ARGS(__VA_ARGS__))

static inline int32_t hash_of(Val v) {
  uint32_t h = 0;
  assert_false(is_sig(val_hash(v, &h)));
  return (int32_t)h;
}
static inline bool eq(Val a, Val b) {
  Val e = val_eq(a, b);
  assert_true(is_bool(e));
  return truthy(e);
}
#define assert_eq(a, b) assert_true(eq(a, b))
#define assert_same(a, b) assert_true(same(a, b))

static inline void assert_throws_(Val r, enum Exc cls, const char *msg, int line) {
  if (!same(r, SIG_THROW) || AS(Ex, pend.ex)->cls != cls) fail_msg("line %d: expected %s", line, exc_class_name(cls));
  Val m = AS(Ex, pend.ex)->msg;
  if (!msg ? !is_nil(m) : !str_eq_c(m, msg)) fail_msg("line %d: message %s", line, is_str(m) ? str_s(m) : "nil");
  pend.ex = NIL;
}
#define assert_throws(r, cls, msg) assert_throws_(r, cls, msg, __LINE__)

static inline Val unrealised(void) { return lazy_new(K("body")); }
static inline Val realised(Val seq) {
  Val l = lazy_new(NIL);
  AS(Lazy, l)->seq = seq;
  return l;
}
static inline void assert_demand_(Val r, Val what, uint32_t n, bool deep, int line) {
  bool ok = same(r, SIG_DEMAND) && same(pend.demand, what) && pend.demand_n == n && pend.demand_deep == deep;
  if (!ok) fail_msg("line %d: no such demand (n %u, deep %d)", line, pend.demand_n, pend.demand_deep);
}
#define assert_demand(r, what, n, deep) assert_demand_(r, what, n, deep, __LINE__)

/* A ClassCastException from one class to another; the modules behind it are not compared. */
static inline void check_cast(Val r, const char *from, const char *to) {
  char want[200];
  assert_true(same(r, SIG_THROW));
  const Ex *ex = AS(Ex, pend.ex);
  assert_int_equal(ex->cls, EXC_CLASS_CAST);
  snprintf(want, sizeof want, "class %s cannot be cast to class %s (", from, to);
  assert_memory_equal(str_s(ex->msg), want, strlen(want));
}
#endif
