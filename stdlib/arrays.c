/* arrays.c - Java arrays: fixed length, changed in place, typed. A byte[] is a T_BYTES; every other one a T_JARRAY, whose elements
 * are Clojure values that have been made to fit its kind when they were put in. */
#include "stdlib.h"
#include "args.h"
#include "jarray.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/eq.h"

#define ARRAY_MAX (1 << 28)

/* ---- kinds ---- */

static const struct Prim { const char *prim, *cls; enum ArrayKind kind; } kinds[] = {
    {"long", "[J", ARRAY_LONG},       {"int", "[I", ARRAY_INT},           {"short", "[S", ARRAY_SHORT},  {"char", "[C", ARRAY_CHAR},
    {"boolean", "[Z", ARRAY_BOOLEAN}, {"double", "[D", ARRAY_DOUBLE},     {"float", "[F", ARRAY_FLOAT}};
enum { NKINDS = sizeof kinds / sizeof *kinds };

static Val zero_of(enum ArrayKind k) {
  switch (k) {
  case ARRAY_OBJECT: return NIL;
  case ARRAY_CHAR: return char_val(0);
  case ARRAY_BOOLEAN: return FALSE_V;
  case ARRAY_DOUBLE: return dbl_val(0);
  case ARRAY_FLOAT: return num_float(0);
  default: return fix(0);
  }
}

static int64_t wrap(int64_t i, enum ArrayKind k) { return k == ARRAY_INT ? (int32_t)i : k == ARRAY_SHORT ? (int16_t)i : i; }

/* v made to fit, as Number.intValue() and its like do. */
static Val fit(enum ArrayKind k, Val v) {
  switch (k) {
  case ARRAY_OBJECT: return v;
  case ARRAY_CHAR: return is_char(v) ? v : ex_cast(v, "java.lang.Character");
  case ARRAY_BOOLEAN: return is_bool(v) ? v : ex_cast(v, "java.lang.Boolean");
  default: break;
  }
  if (!is_num(v)) return ex_cast(v, "java.lang.Number");
  double d = num_to_double(v);
  if (k == ARRAY_DOUBLE) return dbl_val(d);
  if (k == ARRAY_FLOAT) return num_float(d);
  int64_t i;
  if (!num_to_long(v, &i)) i = d >= 9.2e18 ? INT64_MAX : d <= -9.2e18 ? INT64_MIN : 0;
  return int_val(wrap(i, k));
}

/* ---- making ---- */

Val jarray_new(enum ArrayKind kind, const char *cls, const Val *xs, uint32_t n) {
  JArray *a = mem_obj(T_JARRAY);
  a->h.aux = kind;
  a->serial = arg_serial();
  a->cls = str_c(cls);
  a->arr = arr_new(xs, n);
  for (uint32_t i = 0; !xs && i < n; i++) AS(Arr, a->arr)->a[i] = zero_of(kind);
  return from_obj(a);
}

static Val size_of(Val v, uint32_t *n) {
  ARG_INT(i, v);
  if (i < 0) return ex_throw(EXC_ARRAY_SIZE, "%lld", (long long)i);
  if (i > ARRAY_MAX) return ex_throw(EXC_OUT_OF_MEMORY, "Requested array size exceeds VM limit");
  *n = (uint32_t)i;
  return NIL;
}

static Val from_seq(enum ArrayKind k, const char *cls, Val coll) {
  ValVec xs = {0};
  CHECK(coll_into_array(coll, &xs));
  for (size_t i = 0; i < xs.n; i++) {
    TRY(v, fit(k, xs.a[i]));
    xs.a[i] = v;
  }
  return jarray_new(k, cls, xs.a, (uint32_t)xs.n);
}

static Val typed1(enum ArrayKind k, const char *cls, Val x) {
  uint32_t n;
  if (!is_num(x)) return from_seq(k, cls, x);
  CHECK(size_of(x, &n));
  return jarray_new(k, cls, NULL, n);
}

static Val typed2(enum ArrayKind k, const char *cls, Val size, Val init) {
  uint32_t n;
  CHECK(size_of(size, &n));
  Val a = jarray_new(k, cls, NULL, n);
  Val *to = AS(Arr, AS(JArray, a)->arr)->a;
  if (is_seqable(init) && !is_nil(init)) {
    ValVec xs = {0};
    CHECK(coll_into_array(init, &xs));
    for (uint32_t i = 0; i < n && i < xs.n; i++) {
      TRY(v, fit(k, xs.a[i]));
      to[i] = v;
    }
    return a;
  }
  TRY(v, fit(k, init));
  for (uint32_t i = 0; i < n; i++) to[i] = v;
  return a;
}

#define TYPED(id, kind, cls, what, example)                                                                                               \
  DOC(id##_array, "[size-or-seq] [size init-val-or-seq]", "An array of " what ": of a size, or of the values of a seq.", example);         \
  static Val arrays_##id(Val x) { return typed1(kind, cls, x); }                                                                           \
  static Val arrays_##id##_2(Val size, Val init) { return typed2(kind, cls, size, init); }
TYPED(long, ARRAY_LONG, "[J", "longs", "(vec (long-array [1 2])) ;=> [1 2]\n(vec (long-array 2)) ;=> [0 0]\n(vec (long-array 2 7)) ;=> [7 7]")
TYPED(int, ARRAY_INT, "[I", "ints", "(vec (int-array [1 2])) ;=> [1 2]\n(vec (int-array 3 [8 9])) ;=> [8 9 0]\n(int-array -1) ;!> argument")
TYPED(short, ARRAY_SHORT, "[S", "shorts", "(vec (short-array [1])) ;=> [1]")
TYPED(char, ARRAY_CHAR, "[C", "characters", "(vec (char-array \"ab\")) ;=> [\\a \\b]\n(char-array [1]) ;!> type")
TYPED(boolean, ARRAY_BOOLEAN, "[Z", "booleans", "(vec (boolean-array 2)) ;=> [false false]")
TYPED(double, ARRAY_DOUBLE, "[D", "doubles", "(vec (double-array [1 2])) ;=> [1.0 2.0]")
TYPED(float, ARRAY_FLOAT, "[F", "floats", "(vec (float-array [1.5])) ;=> [1.5]")

static Val bytes_new(uint32_t n) {
  Bytes *b = mem_obj_n(T_BYTES, n);
  memset(b->b, 0, n);
  return from_obj(b);
}

static Val byte_of(Val v, uint8_t *out) {
  TRY(i, fit(ARRAY_LONG, v));
  *out = (uint8_t)long_of(i);
  return NIL;
}

DOC(byte_array, "[size-or-seq] [size init-val-or-seq]", "A byte array of a size, or of the numbers of a seq.",
    "(count (byte-array 3)) ;=> 3\n(vec (byte-array [1 2])) ;=> [1 2]\n(vec (byte-array 2 (byte 1))) ;=> [1 1]");
static Val arrays_byte_2(Val size, Val init) {
  uint32_t n;
  CHECK(size_of(size, &n));
  Val b = bytes_new(n);
  ValVec xs = {0};
  if (!is_num(init)) CHECK(coll_into_array(init, &xs));
  for (uint32_t i = 0; i < n && (is_num(init) || i < xs.n); i++) CHECK(byte_of(is_num(init) ? init : xs.a[i], &AS(Bytes, b)->b[i]));
  return b;
}
static Val arrays_byte(Val x) {
  ValVec xs = {0};
  if (is_num(x)) return arrays_byte_2(x, fix(0));
  CHECK(coll_into_array(x, &xs));
  return arrays_byte_2(fix((int64_t)xs.n), x);
}

DOC(object_array, "[size-or-seq]", "An array of any values, of a size or of a seq.", "(vec (object-array 2)) ;=> [nil nil]\n(vec (object-array [1 :a])) ;=> [1 :a]");
static Val arrays_object(Val x) { return typed1(ARRAY_OBJECT, "[Ljava.lang.Object;", x); }

DOC(to_array, "[coll]", "An array of the elements of coll; an array is answered as it is.", "(vec (to-array [1 2])) ;=> [1 2]\n(to-array 1) ;!> runtime");
static Val arrays_to_array(Val coll) {
  if (is_type(coll, T_JARRAY)) return coll;
  if (!is_seqable(coll)) return ex_throw(EXC_RUNTIME, "Unable to convert: class %s to Object[]", class_name_of(coll));
  return arrays_object(is_nil(coll) ? vec_empty : coll);
}

DOC(to_array_2d, "[coll]", "An array of arrays of the elements of the elements of coll.", "(map vec (to-array-2d [[1 2] [3]])) ;=> ([1 2] [3])");
static Val arrays_to_array_2d(Val coll) {
  ValVec xs = {0};
  CHECK(coll_into_array(coll, &xs));
  for (size_t i = 0; i < xs.n; i++) {
    TRY(row, arrays_to_array(xs.a[i]));
    xs.a[i] = row;
  }
  return jarray_new(ARRAY_OBJECT, "[[Ljava.lang.Object;", xs.a, (uint32_t)xs.n);
}

/* The class name of an array with elements of class `name`. */
static Val array_class(const char *name) {
  for (int i = 0; i < NKINDS; i++)
    if (!strcmp(kinds[i].prim, name)) return str_c(kinds[i].cls);
  if (!strcmp(name, "byte")) return str_c("[B");
  return *name == '[' ? str_fmt("[%s", name) : str_fmt("[L%s;", name);
}

static enum ArrayKind kind_of_class(const char *cls) {
  for (int i = 0; i < NKINDS; i++)
    if (!strcmp(kinds[i].cls, cls)) return kinds[i].kind;
  return ARRAY_OBJECT;
}

static Val class_text(Val c) {
  if (!is_type(c, T_CLASS)) return is_nil(c) ? arg_null("java.lang.Class.isPrimitive()", "type") : ex_cast(c, "java.lang.Class");
  return AS(Sym, AS(Class, c)->name)->name;
}

/* dims[0..n-1] sizes; cls the class of the whole */
static Val make_dims(const char *cls, int n, const Val *dims) {
  uint32_t size;
  CHECK(size_of(dims[0], &size));
  if (!strcmp(cls, "[B")) return bytes_new(size);
  Val a = jarray_new(kind_of_class(cls), cls, NULL, size);
  for (uint32_t i = 0; n > 1 && i < size; i++) {
    TRY(inner, make_dims(cls + 1, n - 1, dims + 1));
    AS(Arr, AS(JArray, a)->arr)->a[i] = inner;
  }
  return a;
}

DOC(make_array, "[type len] [type dim & more-dims]", "An array with elements of a class, of a length, or of several dimensions.",
    "(vec (make-array String 2)) ;=> [nil nil]\n(mapv vec (make-array Long/TYPE 2 2)) ;=> [[0 0] [0 0]]");
static Val arrays_make(int n, const Val *a) {
  TRY(name, class_text(a[0]));
  Val cls = array_class(str_s(name));
  for (int i = 2; i < n; i++) cls = str_fmt("[%s", str_s(cls));
  return make_dims(str_s(cls), n - 1, a + 1);
}

static Val of_class(const char *name, Val coll) {
  Val cls = array_class(name);
  if (!strcmp(str_s(cls), "[B")) return arrays_byte(is_nil(coll) ? vec_empty : coll);
  return from_seq(kind_of_class(str_s(cls)), str_s(cls), coll);
}

DOC(into_array, "[aseq] [type aseq]", "An array of the elements of a seq, which are of the class given or else of that of the first.",
    "(vec (into-array [1 2])) ;=> [1 2]\n(str (class (into-array [\"a\"]))) ;=> \"class [Ljava.lang.String;\"\n(into-array [1 \"a\"]) ;!> argument");
static Val arrays_into(Val coll) {
  ValVec xs = {0};
  CHECK(coll_into_array(coll, &xs));
  const char *first = xs.n && !is_nil(xs.a[0]) ? class_name_of(xs.a[0]) : "java.lang.Object";
  for (size_t i = 1; i < xs.n && strcmp(first, "java.lang.Object"); i++)
    if (!is_nil(xs.a[i]) && strcmp(class_name_of(xs.a[i]), first)) return ex_throw(EXC_ILLEGAL_ARG, "array element type mismatch");
  return of_class(first, coll);
}
static Val arrays_into_2(Val type, Val coll) {
  TRY(name, class_text(type));
  return of_class(str_s(name), coll);
}

/* ---- reading and writing ---- */

static bool is_array(Val v) { return is_type(v, T_JARRAY) || is_type(v, T_BYTES); }
static uint32_t length_of(Val a) { return is_type(a, T_BYTES) ? AS(Bytes, a)->n : AS(Arr, AS(JArray, a)->arr)->n; }

static Val index_in(Val a, Val i, uint32_t *at, const char *name, int n) {
  int64_t k;
  if (is_nil(a)) return ex_throw(EXC_ILLEGAL_ARG, "More than one matching method found: %s", name);
  if (!is_array(a)) return ex_throw(EXC_ILLEGAL_ARG, "No matching method %s found taking %d args", name, n);
  if (!is_num(i)) return ex_throw(EXC_ILLEGAL_ARG, "No matching method %s found taking %d args", name, n);
  if (!num_to_long(i, &k) || k < 0 || k >= (int64_t)length_of(a))
    return ex_throw(EXC_ARRAY_INDEX, "Index %lld out of bounds for length %u", (long long)k, length_of(a));
  *at = (uint32_t)k;
  return NIL;
}

DOC(aget, "[array idx] [array idx & idxs]", "The element of an array at an index; with several, in arrays of arrays.",
    "(aget (int-array [5 6]) 1) ;=> 6\n(aget (make-array Long/TYPE 2 2) 0 1) ;=> 0\n(aget (int-array 1) 1) ;!> index\n(aget [1] 0) ;!> argument");
static Val arrays_get(Val a, Val i) {
  uint32_t at = 0;
  CHECK(index_in(a, i, &at, "aget", 2));
  return is_type(a, T_BYTES) ? fix((int8_t)AS(Bytes, a)->b[at]) : AS(Arr, AS(JArray, a)->arr)->a[at];
}
static Val arrays_get_n(int n, const Val *args) {
  Val a = args[0];
  for (int i = 1; i < n; i++) {
    TRY(v, arrays_get(a, args[i]));
    a = v;
  }
  return a;
}

static Val store_error(const JArray *a, Val v) {
  const char *cls = str_s(a->cls);
  if (cls[1] != 'L' || is_nil(v) || !strcmp(cls, "[Ljava.lang.Object;")) return NIL;
  const char *have = class_name_of(v);
  size_t n = strlen(have);
  if (!strncmp(cls + 2, have, n) && cls[2 + n] == ';') return NIL;
  return ex_throw(EXC_ARRAY_STORE, "%s", have);
}

static Val put(Val a, uint32_t at, Val v) {
  if (is_type(a, T_BYTES)) return byte_of(v, &AS(Bytes, a)->b[at]);
  JArray *ja = AS(JArray, a);
  CHECK(store_error(ja, v));
  TRY(fitting, fit((enum ArrayKind)ja->h.aux, v));
  AS(Arr, ja->arr)->a[at] = fitting;
  return NIL;
}

/* May v be put without being converted? */
static bool matches(Val a, Val v) {
  bool whole = is_integer(v);
  if (is_type(a, T_BYTES)) return whole;
  switch (AS(JArray, a)->h.aux) {
  case ARRAY_OBJECT: return true;
  case ARRAY_CHAR: return is_char(v);
  case ARRAY_BOOLEAN: return is_bool(v);
  case ARRAY_DOUBLE: case ARRAY_FLOAT: return is_num(v) && is_dbl(v);
  default: return whole;
  }
}

DOC(aset, "[array idx val] [array idx idx2 & idxv]", "Puts val into an array at an index, and answers it; with several indices, in arrays of arrays.",
    "(let [a (int-array 2)] (aset a 0 5) (vec a)) ;=> [5 0]\n(let [a (make-array Long/TYPE 2 2)] (aset a 0 1 9) (mapv vec a)) ;=> [[0 9] [0 0]]\n"
    "(aset (int-array 1) 0 \"a\") ;!> argument");
static Val arrays_set(Val a, Val i, Val v) {
  uint32_t at = 0;
  CHECK(index_in(a, i, &at, "aset", 3));
  if (!matches(a, v)) return ex_throw(EXC_ILLEGAL_ARG, "No matching method aset found taking 3 args");
  bool narrow = is_type(a, T_JARRAY) && (AS(JArray, a)->h.aux == ARRAY_INT || AS(JArray, a)->h.aux == ARRAY_SHORT);
  if (narrow && long_of(v) != wrap(long_of(v), (enum ArrayKind)AS(JArray, a)->h.aux)) return ex_throw(EXC_ARITHMETIC, "integer overflow");
  CHECK(put(a, at, v));
  return v;
}

static Val inner_array(int n, const Val *args) {
  Val a = args[0];
  for (int i = 1; i < n - 2; i++) {
    TRY(next, arrays_get(a, args[i]));
    a = next;
  }
  return a;
}
static Val arrays_set_n(int n, const Val *args) {
  TRY(a, inner_array(n, args));
  return arrays_set(a, args[n - 2], args[n - 1]);
}

/* aset-int and its like convert the value. */
static Val set_typed(int n, const Val *args, bool bytes, enum ArrayKind k) {
  uint32_t at = 0;
  TRY(a, inner_array(n, args));
  CHECK(index_in(a, args[n - 2], &at, "aset", 3));
  bool fits = bytes ? is_type(a, T_BYTES) : is_type(a, T_JARRAY) && (AS(JArray, a)->h.aux == k || AS(JArray, a)->h.aux == ARRAY_OBJECT);
  if (!fits) return ex_throw(EXC_ILLEGAL_ARG, "argument type mismatch");
  CHECK(put(a, at, args[n - 1]));
  return args[n - 1];
}

#define ASET(id, bytes, kind, in, out)                                                                                                    \
  DOC(aset_##id, "[array idx val] [array idx idx2 & idxv]", "As aset, with the value made a " #id " first; answers val.",                  \
      "(let [a (" #id "-array 1)] (aset-" #id " a 0 " in ") (vec a)) ;=> [" out "]");                                                      \
  static Val arrays_set_##id(int n, const Val *a) { return set_typed(n, a, bytes, kind); }
ASET(long, false, ARRAY_LONG, "1.7", "1")
ASET(int, false, ARRAY_INT, "1.7", "1")
ASET(short, false, ARRAY_SHORT, "2", "2")
ASET(byte, true, ARRAY_LONG, "2", "2")
ASET(char, false, ARRAY_CHAR, "\\x", "\\x")
ASET(boolean, false, ARRAY_BOOLEAN, "true", "true")
ASET(double, false, ARRAY_DOUBLE, "1", "1.0")
ASET(float, false, ARRAY_FLOAT, "1", "1.0")

DOC(alength, "[array]", "The number of elements of an array.", "(alength (int-array 3)) ;=> 3\n(alength [1]) ;!> argument");
static Val arrays_length(Val a) {
  if (is_nil(a)) return ex_throw(EXC_ILLEGAL_ARG, "More than one matching method found: alength");
  return is_array(a) ? fix(length_of(a)) : ex_throw(EXC_ILLEGAL_ARG, "No matching method alength found taking 1 args");
}

DOC(aclone, "[array]", "A copy of an array.", "(let [a (int-array [1 2]) b (aclone a)] (aset b 0 9) [(vec a) (vec b)]) ;=> [[1 2] [9 2]]");
static Val arrays_clone(Val a) {
  if (is_type(a, T_BYTES)) {
    Val b = bytes_new(AS(Bytes, a)->n);
    memcpy(AS(Bytes, b)->b, AS(Bytes, a)->b, AS(Bytes, a)->n);
    return b;
  }
  if (!is_type(a, T_JARRAY)) return ex_throw(EXC_ILLEGAL_ARG, "No matching method aclone found taking 1 args");
  const JArray *from = AS(JArray, a);
  return jarray_new((enum ArrayKind)from->h.aux, str_s(from->cls), AS(Arr, from->arr)->a, AS(Arr, from->arr)->n);
}

DOC(is_array, "[x]", "Is x an array?", "(breyta.array/array? (int-array 1)) ;=> true\n(breyta.array/array? [1]) ;=> false");
static Val arrays_is_array(Val x) { return bool_val(is_array(x)); }

DOC(store, "[array values]", "Puts the elements of a seq into an array from its beginning; the array.",
    "(vec (breyta.array/store! (int-array 3) [1 2])) ;=> [1 2 0]");
static Val arrays_store(Val a, Val coll) {
  ValVec xs = {0};
  if (!is_array(a)) return ex_cast(a, "[Ljava.lang.Object;");
  CHECK(coll_into_array(coll, &xs));
  for (uint32_t i = 0; i < xs.n && i < length_of(a); i++) CHECK(put(a, i, xs.a[i]));
  return a;
}

/* ---- casts that only check ---- */

static Val check_class(Val a, const char *cls) { return is_nil(a) || !strcmp(class_name_of(a), cls) ? a : ex_cast(a, cls); }
#define CHECKED(id, cls, made, content)                                                                                                   \
  DOC(as_##id, "[xs]", "xs, which must be an array of " #id ".", "(vec (" #id " " made ")) ;=> [" content "]\n(" #id " [1]) ;!> type");     \
  static Val arrays_as_##id(Val a) { return check_class(a, cls); }
CHECKED(longs, "[J", "(long-array 1)", "0")
CHECKED(ints, "[I", "(int-array 1)", "0")
CHECKED(shorts, "[S", "(short-array 1)", "0")
CHECKED(bytes, "[B", "(byte-array 1)", "0")
CHECKED(chars, "[C", "(char-array \"a\")", "\\a")
CHECKED(booleans, "[Z", "(boolean-array 1)", "false")
CHECKED(doubles, "[D", "(double-array 1)", "0.0")
CHECKED(floats, "[F", "(float-array 1)", "0.0")

/* ---- java.util.Arrays ---- */

DOC(arrays_to_string, "[array]", "The elements of an array as text.", "(java.util.Arrays/toString (int-array [1 2])) ;=> \"[1, 2]\"");
static Val arrays_to_string(Val a) {
  if (is_nil(a)) return str_c("null");
  if (!is_array(a)) return arg_no_method("toString", 1, a);
  Buf b = {0};
  ValVec xs = {0};
  CHECK(coll_into_array(a, &xs));
  buf_ch(&b, '[');
  for (size_t i = 0; i < xs.n; i++) {
    if (i) buf_c(&b, ", ");
    if (is_nil(xs.a[i])) buf_c(&b, "null");
    CHECK(print_str_of(&b, xs.a[i]));
  }
  buf_ch(&b, ']');
  return buf_str(&b);
}

DOC(as_list, "[& xs]", "A list of values, or of the elements of one array.", "(java.util.Arrays/asList (to-array [1 2])) ;=> [1 2]");
static Val arrays_as_list(int n, const Val *a) {
  ValVec xs = {0};
  if (n != 1 || !is_array(a[0])) return vec_from(a, (size_t)n);
  CHECK(coll_into_array(a[0], &xs));
  return vec_from(xs.a, xs.n);
}

DOC(arrays_equals, "[a b]", "Do two arrays have equal elements?", "(java.util.Arrays/equals (int-array [1]) (int-array [1])) ;=> true");
static Val arrays_equals(Val a, Val b) {
  if (!is_array(a) || !is_array(b)) return bool_val(is_nil(a) && is_nil(b));
  TRY(x, arrays_as_list(1, &a));
  TRY(y, arrays_as_list(1, &b));
  return bool_val(!strcmp(class_name_of(a), class_name_of(b)) && truthy(val_eq(x, y)));
}

DOC(arrays_fill, "[array val]", "Puts val everywhere into an array.", "(let [a (int-array 2)] (java.util.Arrays/fill a 3) (vec a)) ;=> [3 3]");
static Val arrays_fill(Val a, Val v) {
  if (!is_array(a)) return arg_no_method("fill", 2, a);
  for (uint32_t i = 0; i < length_of(a); i++) CHECK(put(a, i, v));
  return NIL;
}

DOC(copy_of_range, "[array from to]", "A copy of a part of an array, padded with zero or nil behind its end.",
    "(vec (java.util.Arrays/copyOfRange (int-array [1 2 3]) 1 4)) ;=> [2 3 0]");
static Val arrays_copy_of_range(Val a, Val from, Val to) {
  if (!is_array(a)) return arg_no_method("copyOfRange", 3, a);
  ARG_INT(i, from);
  ARG_INT(k, to);
  uint32_t have = length_of(a);
  if (i < 0 || i > (int64_t)have) return ex_throw(EXC_ARRAY_INDEX, "Array index out of range: %lld", (long long)i);
  if (k < i) return ex_throw(EXC_ILLEGAL_ARG, "%lld > %lld", (long long)i, (long long)k);
  if (k - i > ARRAY_MAX) return ex_throw(EXC_OUT_OF_MEMORY, "Requested array size exceeds VM limit");
  uint32_t n = (uint32_t)(k - i), copied = n < have - (uint32_t)i ? n : have - (uint32_t)i;
  if (is_type(a, T_BYTES)) {
    Val b = bytes_new(n);
    memcpy(AS(Bytes, b)->b, AS(Bytes, a)->b + i, copied);
    return b;
  }
  const JArray *src = AS(JArray, a);
  Val c = jarray_new((enum ArrayKind)src->h.aux, str_s(src->cls), NULL, n);
  memcpy(AS(Arr, AS(JArray, c)->arr)->a, AS(Arr, src->arr)->a + i, copied * sizeof(Val));
  return c;
}
static Val arrays_copy_of(Val a, Val n) { return arrays_copy_of_range(a, fix(0), n); }

/* ---- the classes of primitives ---- */

static Val class_called(const char *name) {
  Class *c = mem_obj(T_CLASS);
  c->name = sym_c(name);
  return from_obj(c);
}
DOC(prim_class, "[]", "The class of a primitive type, for make-array and into-array.", "(str Long/TYPE) ;=> \"long\"");
#define PRIMITIVES(P)                                                                                                                     \
  P(Long, long) P(Integer, int) P(Short, short) P(Byte, byte) P(Character, char) P(Boolean, boolean) P(Double, double) P(Float, float)
#define PRIM_FN(cls, prim) static Val arrays_type_##prim(void) { return class_called(#prim); }
PRIMITIVES(PRIM_FN)
#define PRIM_ROW(cls, prim) ROW0(#cls "/TYPE", arrays_type_##prim, prim_class, B_PURE),

#define TYPED_ROWS(name, id) ROW1(name "-array", arrays_##id, id##_array, B_IMPURE), ROW2(name "-array", arrays_##id##_2, id##_array, B_IMPURE)

const BuiltinRow rows_arrays[] = {
    TYPED_ROWS("long", long), TYPED_ROWS("int", int), TYPED_ROWS("short", short), TYPED_ROWS("char", char),
    TYPED_ROWS("boolean", boolean), TYPED_ROWS("double", double), TYPED_ROWS("float", float),
    ROW1("byte-array", arrays_byte, byte_array, B_IMPURE),
    ROW2("byte-array", arrays_byte_2, byte_array, B_IMPURE),
    ROW1("object-array", arrays_object, object_array, B_IMPURE),
    ROW1("to-array", arrays_to_array, to_array, B_IMPURE),
    ROW1("to-array-2d", arrays_to_array_2d, to_array_2d, B_IMPURE),
    ROWV("make-array", 2, arrays_make, make_array, B_IMPURE),
    ROW1("into-array", arrays_into, into_array, B_IMPURE),
    ROW2("into-array", arrays_into_2, into_array, B_IMPURE),
    ROW2("aget", arrays_get, aget, B_PURE),
    ROWV("aget", 3, arrays_get_n, aget, B_PURE),
    ROW3("aset", arrays_set, aset, B_IMPURE),
    ROWV("aset", 4, arrays_set_n, aset, B_IMPURE),
    ROWV("aset-long", 3, arrays_set_long, aset_long, B_IMPURE),
    ROWV("aset-int", 3, arrays_set_int, aset_int, B_IMPURE),
    ROWV("aset-short", 3, arrays_set_short, aset_short, B_IMPURE),
    ROWV("aset-byte", 3, arrays_set_byte, aset_byte, B_IMPURE),
    ROWV("aset-char", 3, arrays_set_char, aset_char, B_IMPURE),
    ROWV("aset-boolean", 3, arrays_set_boolean, aset_boolean, B_IMPURE),
    ROWV("aset-double", 3, arrays_set_double, aset_double, B_IMPURE),
    ROWV("aset-float", 3, arrays_set_float, aset_float, B_IMPURE),
    ROW1("alength", arrays_length, alength, B_PURE),
    ROW1("aclone", arrays_clone, aclone, B_IMPURE),
    ROW1("breyta.array/array?", arrays_is_array, is_array, B_PURE),
    ROW2("breyta.array/store!", arrays_store, store, B_IMPURE),
    ROW1("longs", arrays_as_longs, as_longs, B_PURE),
    ROW1("ints", arrays_as_ints, as_ints, B_PURE),
    ROW1("shorts", arrays_as_shorts, as_shorts, B_PURE),
    ROW1("bytes", arrays_as_bytes, as_bytes, B_PURE),
    ROW1("chars", arrays_as_chars, as_chars, B_PURE),
    ROW1("booleans", arrays_as_booleans, as_booleans, B_PURE),
    ROW1("doubles", arrays_as_doubles, as_doubles, B_PURE),
    ROW1("floats", arrays_as_floats, as_floats, B_PURE),
    ROW1("Arrays/toString", arrays_to_string, arrays_to_string, B_IMPURE),
    ROWV("Arrays/asList", 0, arrays_as_list, as_list, B_IMPURE),
    ROW2("Arrays/equals", arrays_equals, arrays_equals, B_IMPURE),
    ROW2("Arrays/fill", arrays_fill, arrays_fill, B_IMPURE),
    ROW2("Arrays/copyOf", arrays_copy_of, copy_of_range, B_IMPURE),
    ROW3("Arrays/copyOfRange", arrays_copy_of_range, copy_of_range, B_IMPURE),
    PRIMITIVES(PRIM_ROW) ROW_END};
