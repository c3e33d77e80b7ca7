/* ex.h - exceptions: the table of classes, making and throwing them.
 *
 * EXC(ENUM, Java class name, parent ENUM, kind): `kind` is the keyword the batch protocol and errors report. A few
 * classes stand for several kinds (RuntimeException is :reader, :syntax, :unresolved or :runtime), so an Ex has both.
 * Every `ex_*` function that says "throw" sets pend.ex and returns SIG_THROW. */
#ifndef BR_EX_H
#define BR_EX_H
#include "types.h"

#define EXC_TABLE(EXC)                                                                                \
  EXC(EXC_THROWABLE, "java.lang.Throwable", EXC_THROWABLE, KIND_RUNTIME)                              \
  EXC(EXC_EXCEPTION, "java.lang.Exception", EXC_THROWABLE, KIND_RUNTIME)                              \
  EXC(EXC_ERROR, "java.lang.Error", EXC_THROWABLE, KIND_RUNTIME)                                      \
  EXC(EXC_RUNTIME, "java.lang.RuntimeException", EXC_EXCEPTION, KIND_RUNTIME)                         \
  EXC(EXC_INFO, "clojure.lang.ExceptionInfo", EXC_RUNTIME, KIND_EX_INFO)                              \
  EXC(EXC_ILLEGAL_ARG, "java.lang.IllegalArgumentException", EXC_RUNTIME, KIND_ARGUMENT)              \
  EXC(EXC_ARITY, "clojure.lang.ArityException", EXC_ILLEGAL_ARG, KIND_ARITY)                          \
  EXC(EXC_NUMBER_FORMAT, "java.lang.NumberFormatException", EXC_ILLEGAL_ARG, KIND_NUMBER_FORMAT)      \
  EXC(EXC_PATTERN, "java.util.regex.PatternSyntaxException", EXC_ILLEGAL_ARG, KIND_ARGUMENT)          \
  EXC(EXC_FORMAT, "java.util.IllegalFormatException", EXC_ILLEGAL_ARG, KIND_ARGUMENT)                 \
  EXC(EXC_FORMAT_CONV, "java.util.IllegalFormatConversionException", EXC_FORMAT, KIND_ARGUMENT)       \
  EXC(EXC_FORMAT_UNKNOWN, "java.util.UnknownFormatConversionException", EXC_FORMAT, KIND_ARGUMENT)    \
  EXC(EXC_FORMAT_MISSING, "java.util.MissingFormatArgumentException", EXC_FORMAT, KIND_ARGUMENT)      \
  EXC(EXC_CLASS_CAST, "java.lang.ClassCastException", EXC_RUNTIME, KIND_TYPE)                         \
  EXC(EXC_NULL, "java.lang.NullPointerException", EXC_RUNTIME, KIND_NULL)                             \
  EXC(EXC_INDEX, "java.lang.IndexOutOfBoundsException", EXC_RUNTIME, KIND_INDEX)                      \
  EXC(EXC_STRING_INDEX, "java.lang.StringIndexOutOfBoundsException", EXC_INDEX, KIND_INDEX)           \
  EXC(EXC_ARRAY_INDEX, "java.lang.ArrayIndexOutOfBoundsException", EXC_INDEX, KIND_INDEX)             \
  EXC(EXC_ARITHMETIC, "java.lang.ArithmeticException", EXC_RUNTIME, KIND_ARITHMETIC)                  \
  EXC(EXC_STATE, "java.lang.IllegalStateException", EXC_RUNTIME, KIND_STATE)                          \
  EXC(EXC_UNSUPPORTED, "java.lang.UnsupportedOperationException", EXC_RUNTIME, KIND_UNSUPPORTED)      \
  EXC(EXC_NO_ELEMENT, "java.util.NoSuchElementException", EXC_RUNTIME, KIND_RUNTIME)                  \
  EXC(EXC_DATE_TIME, "java.time.DateTimeException", EXC_RUNTIME, KIND_ARGUMENT)                       \
  EXC(EXC_CLASS_NOT_FOUND, "java.lang.ClassNotFoundException", EXC_EXCEPTION, KIND_RUNTIME)           \
  EXC(EXC_INTERRUPTED, "java.lang.InterruptedException", EXC_EXCEPTION, KIND_RUNTIME)                 \
  EXC(EXC_IO, "java.io.IOException", EXC_EXCEPTION, KIND_RUNTIME)                                     \
  EXC(EXC_FILE_NOT_FOUND, "java.io.FileNotFoundException", EXC_IO, KIND_RUNTIME)                      \
  EXC(EXC_ILLEGAL_ACCESS, "java.lang.IllegalAccessError", EXC_ERROR, KIND_RUNTIME)                    \
  EXC(EXC_ASSERTION, "java.lang.AssertionError", EXC_ERROR, KIND_ASSERT)                              \
  EXC(EXC_STACK, "java.lang.StackOverflowError", EXC_ERROR, KIND_STACK)                               \
  EXC(EXC_LIMIT, "breyta.LimitError", EXC_ERROR, KIND_LIMIT)                                          \
  EXC(EXC_ABSTRACT, "java.lang.AbstractMethodError", EXC_ERROR, KIND_RUNTIME)                        \
  /* newer ones: the order is part of the snapshot format */                                          \
  EXC(EXC_EXECUTION, "java.util.concurrent.ExecutionException", EXC_EXCEPTION, KIND_RUNTIME)          \
  EXC(EXC_CANCELLATION, "java.util.concurrent.CancellationException", EXC_STATE, KIND_STATE)          \
  EXC(EXC_TIMEOUT, "java.util.concurrent.TimeoutException", EXC_EXCEPTION, KIND_RUNTIME)              \
  EXC(EXC_ARRAY_SIZE, "java.lang.NegativeArraySizeException", EXC_RUNTIME, KIND_ARGUMENT)             \
  EXC(EXC_ARRAY_STORE, "java.lang.ArrayStoreException", EXC_RUNTIME, KIND_TYPE)                       \
  EXC(EXC_DATE_PARSE, "java.time.format.DateTimeParseException", EXC_DATE_TIME, KIND_ARGUMENT)        \
  EXC(EXC_DATE_UNIT, "java.time.temporal.UnsupportedTemporalTypeException", EXC_DATE_TIME, KIND_ARGUMENT) \
  EXC(EXC_ZONE_RULES, "java.time.zone.ZoneRulesException", EXC_DATE_TIME, KIND_ARGUMENT)              \
  EXC(EXC_SECURITY, "java.lang.SecurityException", EXC_RUNTIME, KIND_RUNTIME)                         \
  EXC(EXC_UNCHECKED_IO, "java.io.UncheckedIOException", EXC_RUNTIME, KIND_RUNTIME)                    \
  EXC(EXC_EOF, "java.io.EOFException", EXC_IO, KIND_RUNTIME)                                          \
  EXC(EXC_ENCODING, "java.io.UnsupportedEncodingException", EXC_IO, KIND_RUNTIME)                     \
  EXC(EXC_SOCKET, "java.net.SocketException", EXC_IO, KIND_RUNTIME)                                   \
  EXC(EXC_CONNECT, "java.net.ConnectException", EXC_SOCKET, KIND_RUNTIME)                             \
  EXC(EXC_SOCKET_TIMEOUT, "java.net.SocketTimeoutException", EXC_IO, KIND_RUNTIME)                    \
  EXC(EXC_UNKNOWN_HOST, "java.net.UnknownHostException", EXC_IO, KIND_RUNTIME)                        \
  EXC(EXC_URI_SYNTAX, "java.net.URISyntaxException", EXC_EXCEPTION, KIND_ARGUMENT)                    \
  EXC(EXC_MALFORMED_URL, "java.net.MalformedURLException", EXC_IO, KIND_ARGUMENT)                     \
  EXC(EXC_SQL, "java.sql.SQLException", EXC_EXCEPTION, KIND_RUNTIME)                                  \
  EXC(EXC_PARSE, "java.text.ParseException", EXC_EXCEPTION, KIND_RUNTIME)                             \
  EXC(EXC_CONCURRENT, "java.util.ConcurrentModificationException", EXC_RUNTIME, KIND_STATE)           \
  EXC(EXC_MATCH, "java.util.InputMismatchException", EXC_NO_ELEMENT, KIND_RUNTIME)                    \
  EXC(EXC_CLONE, "java.lang.CloneNotSupportedException", EXC_EXCEPTION, KIND_RUNTIME)                 \
  EXC(EXC_NO_METHOD, "java.lang.NoSuchMethodException", EXC_EXCEPTION, KIND_RUNTIME)                  \
  EXC(EXC_NO_FIELD, "java.lang.NoSuchFieldException", EXC_EXCEPTION, KIND_RUNTIME)                    \
  EXC(EXC_VM, "java.lang.VirtualMachineError", EXC_ERROR, KIND_RUNTIME)                               \
  EXC(EXC_OUT_OF_MEMORY, "java.lang.OutOfMemoryError", EXC_VM, KIND_RUNTIME)                              \
  EXC(EXC_CANCELLED, "breyta.CancelledError", EXC_ERROR, KIND_CANCELLED)             \
  EXC(EXC_FORMAT_FLAGS, "java.util.IllegalFormatFlagsException", EXC_FORMAT, KIND_ARGUMENT)           \
  EXC(EXC_FORMAT_DUPLICATE, "java.util.DuplicateFormatFlagsException", EXC_FORMAT, KIND_ARGUMENT)     \
  EXC(EXC_FORMAT_MISMATCH, "java.util.FormatFlagsConversionMismatchException", EXC_FORMAT, KIND_ARGUMENT) \
  EXC(EXC_FORMAT_WIDTH, "java.util.IllegalFormatWidthException", EXC_FORMAT, KIND_ARGUMENT)           \
  EXC(EXC_FORMAT_NO_WIDTH, "java.util.MissingFormatWidthException", EXC_FORMAT, KIND_ARGUMENT)        \
  EXC(EXC_FORMAT_PRECISION, "java.util.IllegalFormatPrecisionException", EXC_FORMAT, KIND_ARGUMENT)

#define KIND_TABLE(KIND)                                                                         \
  KIND(KIND_READER, "reader") KIND(KIND_SYNTAX, "syntax") KIND(KIND_UNRESOLVED, "unresolved")    \
  KIND(KIND_ARITY, "arity") KIND(KIND_TYPE, "type") KIND(KIND_ARGUMENT, "argument")              \
  KIND(KIND_NULL, "null") KIND(KIND_INDEX, "index") KIND(KIND_ARITHMETIC, "arithmetic")          \
  KIND(KIND_NUMBER_FORMAT, "number-format") KIND(KIND_UNSUPPORTED, "unsupported")                \
  KIND(KIND_STATE, "state") KIND(KIND_ASSERT, "assert") KIND(KIND_STACK, "stack")                \
  KIND(KIND_LIMIT, "limit") KIND(KIND_EX_INFO, "ex-info") KIND(KIND_RUNTIME, "runtime")  \
  KIND(KIND_CANCELLED, "cancelled")

#define EXC_ENUM(e, cls, parent, kind) e,
#define KIND_ENUM(e, s) e,
enum Exc { EXC_TABLE(EXC_ENUM) EXC_COUNT };
enum Kind { KIND_TABLE(KIND_ENUM) KIND_COUNT };

const char *exc_class_name(enum Exc c);
const char *kind_name(enum Kind k);
bool exc_is_a(enum Exc c, enum Exc ancestor);
int exc_by_name(const char *class_name); /* full or short name; -1 unknown */

Val ex_make(enum Exc c, Val msg, Val data, Val cause); /* T_EX; msg a T_STR or nil; kind from the table */
Val ex_throw_val(Val ex);                              /* throw: any T_EX */
Val ex_throw(enum Exc c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));               /* throw */
Val ex_throw_kind(enum Exc c, enum Kind k, const char *fmt, ...) __attribute__((format(printf, 3, 4))); /* throw */

/* The usual ones, with Clojure 1.11's (JDK 17) wording. */
Val ex_cast(Val v, const char *to_class);   /* "class A cannot be cast to class B (...)"; nil gives NullPointerException */
Val ex_not_seqable(Val v);                  /* "Don't know how to create ISeq from: java.lang.Long" */
Val ex_arity(int argc, const char *fn_name); /* "Wrong number of args (2) passed to: clojure.core/inc" */
Val ex_no_method(const char *method, int n, Val target); /* "No matching method add found taking 1 args for class ..." */
Val ex_index(void);                         /* IndexOutOfBoundsException, no message */

/* What `class` says: the Java class name of any value (nil: NULL). */
const char *class_name_of(Val v);
#endif
