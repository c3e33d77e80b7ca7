/* args.h - how builtins take their arguments apart. Each check returns nil, or SIG_THROW with the very exception that
 * Clojure 1.11 on JDK 17 throws at that place; nil arguments give the NullPointerException of the method that the JVM
 * would have called. `arg_text` values are CharSequences, which here means strings. */
#ifndef BR_ARGS_H
#define BR_ARGS_H
#include "eval/mach.h"
#include "reader/print.h"

#define ARG_DOUBLE_VALUE "java.lang.Number.doubleValue()"

Val arg_null(const char *call, const char *var); /* Cannot invoke "call" because "var" is null */
Val arg_num(Val v);                              /* any number */
Val arg_num_call(Val v, const char *call);       /* the same, nil means: call on "x" */
Val arg_str(Val v, const char *call, const char *var);
Val arg_text(Val v, const char *var); /* CharSequence.length() on nil */
Val arg_regex(Val v, const char *call);
Val arg_map(Val v); /* map or nil */
/* (str v), where nil is a NullPointerException of Object.toString() on `var`. A T_STR or a signal. */
Val arg_to_string(Val v, const char *var);
/* (str v) */
Val arg_str_of(Val v);
/* IllegalArgumentException "No matching method NAME found taking N args [for class C]" */
Val arg_no_method(const char *method, int n, Val target);
/* IllegalArgumentException of a list of keys and values that has no value for the last key. */
Val arg_no_value(Val key);

/* Declares an int64_t from an index argument, coerced as (int x) does. */
#define ARG_INT(name, v)                                                                                                                   \
  int64_t name;                                                                                                                            \
  if (is_nil(v)) return arg_null("java.lang.Character.charValue()", "x");                                                                  \
  if (!arg_int(v, &name)) return SIG_THROW

/* The next identity number of the environment that runs on this thread: atoms, delays, volatiles. */
uint32_t arg_serial(void);
#endif
