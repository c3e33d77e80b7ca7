/* args.c - see args.h. */
#include "args.h"

Val arg_null(const char *call, const char *var) { return ex_throw(EXC_NULL, "Cannot invoke \"%s\" because \"%s\" is null", call, var); }

Val arg_num(Val v) { return is_num(v) ? NIL : ex_cast(v, "java.lang.Number"); }

Val arg_num_call(Val v, const char *call) { return is_nil(v) ? arg_null(call, "x") : arg_num(v); }

Val arg_str(Val v, const char *call, const char *var) {
  if (is_str(v)) return NIL;
  return is_nil(v) ? arg_null(call, var) : ex_cast(v, "java.lang.String");
}

Val arg_text(Val v, const char *var) {
  if (is_str(v)) return NIL;
  return is_nil(v) ? arg_null("java.lang.CharSequence.length()", var) : ex_cast(v, "java.lang.CharSequence");
}

Val arg_regex(Val v, const char *call) {
  if (is_type(v, T_REGEX)) return NIL;
  return is_nil(v) ? arg_null(call, "re") : ex_cast(v, "java.util.regex.Pattern");
}

Val arg_map(Val v) { return is_nil(v) || is_map(v) ? NIL : ex_cast(v, "clojure.lang.IPersistentMap"); }

Val arg_str_of(Val v) {
  if (is_str(v)) return v;
  Buf b = {0};
  Val r = print_str_of(&b, v);
  if (!is_sig(r)) return buf_str(&b);
  buf_free(&b);
  return r;
}

Val arg_to_string(Val v, const char *var) { return is_nil(v) ? arg_null("Object.toString()", var) : arg_str_of(v); }

Val arg_no_method(const char *method, int n, Val target) { return ex_no_method(method, n, target); }

Val arg_no_value(Val key) {
  TRY(s, arg_str_of(key));
  return ex_throw(EXC_ILLEGAL_ARG, "No value supplied for key: %s", is_nil(key) ? "null" : str_s(s));
}

uint32_t arg_serial(void) { return mach_cur && mach_cur->env ? mach_cur->env->serial++ : 0; }
