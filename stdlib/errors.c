/* errors.c - making exceptions and looking into them. */
#include "stdlib.h"
#include "args.h"

DOC(ex_info, "[msg map] [msg map cause]", "An exception with a message and a map of data.",
    "(ex-message (ex-info \"oops\" {:a 1})) ;=> \"oops\"\n(throw (ex-info \"x\" {})) ;!> ex-info");
static Val errors_ex_info3(Val msg, Val data, Val cause) {
  if (!is_nil(msg) && !is_str(msg)) return ex_cast(msg, "java.lang.String");
  if (is_nil(data)) return ex_throw(EXC_ILLEGAL_ARG, "Additional data must be non-nil.");
  CHECK(arg_map(data));
  if (!is_nil(cause) && !is_type(cause, T_EX)) return ex_cast(cause, "java.lang.Throwable");
  return ex_make(EXC_INFO, msg, data, cause);
}
static Val errors_ex_info(Val msg, Val data) { return errors_ex_info3(msg, data, NIL); }

DOC(ex_data, "[ex]", "The data of an ex-info, otherwise nil.", "(ex-data (ex-info \"x\" {:a 1})) ;=> {:a 1}\n(ex-data nil) ;=> nil");
static Val errors_ex_data(Val x) { return is_type(x, T_EX) ? AS(Ex, x)->data : NIL; }

DOC(ex_message, "[ex]", "The message of an exception, otherwise nil.", "(ex-message (Exception. \"x\")) ;=> \"x\"\n(ex-message 5) ;=> nil");
static Val errors_ex_message(Val x) { return is_type(x, T_EX) ? AS(Ex, x)->msg : NIL; }

DOC(ex_cause, "[ex]", "The cause of an exception, otherwise nil.", "(ex-cause (ex-info \"x\" {})) ;=> nil");
static Val errors_ex_cause(Val x) { return is_type(x, T_EX) ? AS(Ex, x)->cause : NIL; }

/* ---- methods ---- */

static Val need_ex(Val x, const char *method) {
  if (is_type(x, T_EX)) return NIL;
  if (is_nil(x)) return ex_throw(EXC_NULL, "Cannot invoke \"%s()\" because target is null", method);
  return arg_no_method(method, 0, x);
}

DOC(get_message, "[ex]", "The message of an exception.", "(.getMessage (Exception. \"x\")) ;=> \"x\"");
static Val errors_get_message(Val x) {
  CHECK(need_ex(x, "getMessage"));
  return AS(Ex, x)->msg;
}

DOC(get_cause, "[ex]", "The cause of an exception.", "(.getCause (Exception. \"x\")) ;=> nil");
static Val errors_get_cause(Val x) {
  CHECK(need_ex(x, "getCause"));
  return AS(Ex, x)->cause;
}

DOC(get_data, "[ex]", "The data of an ex-info.", "(.getData (ex-info \"x\" {:a 1})) ;=> {:a 1}");
static Val errors_get_data(Val x) {
  CHECK(need_ex(x, "getData"));
  return exc_is_a((enum Exc)AS(Ex, x)->cls, EXC_INFO) ? AS(Ex, x)->data : arg_no_method("getData", 0, x);
}

DOC(get_stack_trace, "[ex]", "An empty vector: traces are for people, see the message.", "(.getStackTrace (Exception. \"x\")) ;=> []");
static Val errors_get_stack_trace(Val x) {
  CHECK(need_ex(x, "getStackTrace"));
  return vec_empty;
}

DOC(print_stack_trace, "[ex]", "Does nothing, traces go to the log.", "(.printStackTrace (Exception. \"x\")) ;=> nil");
static Val errors_print_stack_trace(Val x) {
  CHECK(need_ex(x, "printStackTrace"));
  return NIL;
}

DOC(ex_trace, "[ex]", "Where an exception was thrown: lines \"  at user/f (flow.edn:3:7)\", or nil.", "(breyta.ex/trace (ex-info \"x\" {})) ;=> nil");
static Val errors_trace(Val x) { return is_type(x, T_EX) ? AS(Ex, x)->trace : ex_cast(x, "java.lang.Throwable"); }

/* ---- constructors ---- */

/* (Exception. "message") or (Exception. cause), whose message is then the text of the cause: "Class: message". */
static Val cause_text(Val cause) {
  const Ex *e = AS(Ex, cause);
  const char *cls = exc_class_name((enum Exc)e->cls);
  return is_str(e->msg) ? str_fmt("%s: %s", cls, str_s(e->msg)) : str_c(cls);
}

static Val no_constructor(enum Exc c) { return ex_throw(EXC_ILLEGAL_ARG, "No matching ctor found for class %s", exc_class_name(c)); }

static Val make1(enum Exc c, Val x) {
  if (is_nil(x) || is_str(x)) return ex_make(c, x, NIL, NIL);
  if (is_type(x, T_EX)) return ex_make(c, cause_text(x), NIL, x);
  if (c != EXC_ASSERTION) return no_constructor(c);
  TRY(s, arg_str_of(x)); /* AssertionError takes any object */
  return ex_make(c, s, NIL, NIL);
}

static Val make2(enum Exc c, Val msg, Val cause) {
  bool ok = (is_nil(msg) || is_str(msg)) && (is_nil(cause) || is_type(cause, T_EX));
  return ok ? ex_make(c, msg, NIL, cause) : no_constructor(c);
}

DOC(constructor, "[] [message] [cause] [message cause]", "A new exception of that class.",
    "(ex-message (IllegalStateException. \"x\")) ;=> \"x\"\n(throw (IllegalArgumentException. \"x\")) ;!> argument");

#define CONSTRUCTORS(NEW)                                                                                                                  \
  NEW("Throwable.", EXC_THROWABLE)                                                                                                         \
  NEW("Exception.", EXC_EXCEPTION) NEW("Error.", EXC_ERROR) NEW("RuntimeException.", EXC_RUNTIME)                                          \
      NEW("IllegalArgumentException.", EXC_ILLEGAL_ARG) NEW("IllegalStateException.", EXC_STATE)                                           \
          NEW("UnsupportedOperationException.", EXC_UNSUPPORTED) NEW("ArithmeticException.", EXC_ARITHMETIC)                               \
              NEW("AssertionError.", EXC_ASSERTION) NEW("NumberFormatException.", EXC_NUMBER_FORMAT)                                       \
                  NEW("NullPointerException.", EXC_NULL) NEW("ClassCastException.", EXC_CLASS_CAST)                                        \
                      NEW("IndexOutOfBoundsException.", EXC_INDEX) NEW("StringIndexOutOfBoundsException.", EXC_STRING_INDEX)               \
                          NEW("NoSuchElementException.", EXC_NO_ELEMENT) NEW("InterruptedException.", EXC_INTERRUPTED)                     \
                              NEW("IOException.", EXC_IO) NEW("FileNotFoundException.", EXC_FILE_NOT_FOUND)                                \
                                  NEW("ClassNotFoundException.", EXC_CLASS_NOT_FOUND) NEW("StackOverflowError.", EXC_STACK)                \
                                      NEW("DateTimeException.", EXC_DATE_TIME)                                                             \
  NEW("ExecutionException.", EXC_EXECUTION) NEW("CancellationException.", EXC_CANCELLATION) NEW("TimeoutException.", EXC_TIMEOUT)          \
  NEW("ArrayIndexOutOfBoundsException.", EXC_ARRAY_INDEX) NEW("SecurityException.", EXC_SECURITY) NEW("EOFException.", EXC_EOF)            \
  NEW("NegativeArraySizeException.", EXC_ARRAY_SIZE) NEW("ArrayStoreException.", EXC_ARRAY_STORE) NEW("SocketException.", EXC_SOCKET)      \
  NEW("ConnectException.", EXC_CONNECT) NEW("SocketTimeoutException.", EXC_SOCKET_TIMEOUT) NEW("SQLException.", EXC_SQL)                   \
  NEW("UnknownHostException.", EXC_UNKNOWN_HOST) NEW("OutOfMemoryError.", EXC_OUT_OF_MEMORY) NEW("IllegalAccessError.", EXC_ILLEGAL_ACCESS) \
  NEW("UnsupportedEncodingException.", EXC_ENCODING) NEW("ConcurrentModificationException.", EXC_CONCURRENT)

#define CONSTRUCTOR_FNS(name, c)                                                                                                           \
  static Val new0_##c(void) { return ex_make(c, NIL, NIL, NIL); }                                                                          \
  static Val new1_##c(Val x) { return make1(c, x); }                                                                                       \
  static Val new2_##c(Val msg, Val cause) { return make2(c, msg, cause); }
CONSTRUCTORS(CONSTRUCTOR_FNS)

/* ---- Throwable->map ---- */

static Val via_entry(Val ex) {
  const Ex *e = AS(Ex, ex);
  Val kvs[6] = {kw_c("type"), sym_c(exc_class_name((enum Exc)e->cls))};
  size_t n = 1;
  if (!is_nil(e->msg)) {
    kvs[2 * n] = kw_c("message");
    kvs[2 * n++ + 1] = e->msg;
  }
  if (!is_nil(e->data)) {
    kvs[2 * n] = kw_c("data");
    kvs[2 * n++ + 1] = e->data;
  }
  return map_from(kvs, n, false);
}

DOC(throwable_map, "[ex]", "An exception as data: :via, :trace (empty), :cause (the message of the root) and :data.",
    "(:cause (Throwable->map (ex-info \"x\" {}))) ;=> \"x\"");
static Val errors_throwable_map(Val ex) {
  if (!is_type(ex, T_EX)) return ex_cast(ex, "java.lang.Throwable");
  ValVec via = {0};
  Val root = ex;
  for (Val e = ex; is_type(e, T_EX); e = AS(Ex, e)->cause) {
    vv_push(&via, via_entry(e));
    root = e;
  }
  Val kvs[8] = {kw_c("via"), vec_from(via.a, via.n), kw_c("trace"), vec_empty};
  size_t n = 2;
  if (!is_nil(AS(Ex, root)->msg)) {
    kvs[2 * n] = kw_c("cause");
    kvs[2 * n++ + 1] = AS(Ex, root)->msg;
  }
  if (!is_nil(AS(Ex, root)->data)) {
    kvs[2 * n] = kw_c("data");
    kvs[2 * n++ + 1] = AS(Ex, root)->data;
  }
  return map_from(kvs, n, false);
}

#define CONSTRUCTOR_ROWS(name, c)                                                                                                          \
  ROW0(name, new0_##c, constructor, B_PURE), ROW1(name, new1_##c, constructor, B_PURE), ROW2(name, new2_##c, constructor, B_PURE),

const BuiltinRow rows_errors[] = {
    ROW2("ex-info", errors_ex_info, ex_info, B_PURE),
    ROW3("ex-info", errors_ex_info3, ex_info, B_PURE),
    ROW2("ExceptionInfo.", errors_ex_info, ex_info, B_PURE),
    ROW3("ExceptionInfo.", errors_ex_info3, ex_info, B_PURE),
    ROW1("ex-data", errors_ex_data, ex_data, B_PURE),
    ROW1("ex-message", errors_ex_message, ex_message, B_PURE),
    ROW1("ex-cause", errors_ex_cause, ex_cause, B_PURE),
    ROW1("breyta.ex/trace", errors_trace, ex_trace, B_PURE),
    ROW1(".getMessage", errors_get_message, get_message, B_PURE),
    ROW1(".getLocalizedMessage", errors_get_message, get_message, B_PURE),
    ROW1(".getCause", errors_get_cause, get_cause, B_PURE),
    ROW1(".getData", errors_get_data, get_data, B_PURE),
    ROW1(".getStackTrace", errors_get_stack_trace, get_stack_trace, B_PURE),
    ROW1(".printStackTrace", errors_print_stack_trace, print_stack_trace, B_PURE),
    ROW1("Throwable->map", errors_throwable_map, throwable_map, B_PURE),
    CONSTRUCTORS(CONSTRUCTOR_ROWS) ROW_END,
};
