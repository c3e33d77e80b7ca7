/* host.c - the world outside of values: the clock and files. Flow code has no files (Env.sandbox). */
#include "stdlib.h"
#include "args.h"
#include "streams.h"
#include "reader/mem.h"
#include "reader/host.h"
#include "reader/read.h"
#include "eval/unit.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* ---- clock, properties ---- */

static int64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

DOC(millis, "[]", "Milliseconds since 1970, UTC. Journaled in a flow run.", "(pos? (System/currentTimeMillis)) ;=> true");
static Val host_millis(void) { return fix(clock_ns(CLOCK_REALTIME) / 1000000); }

DOC(nanos, "[]", "Nanoseconds of a clock that never goes back. Journaled in a flow run.", "(pos? (System/nanoTime)) ;=> true");
static Val host_nanos(void) { return fix(clock_ns(CLOCK_MONOTONIC)); }

DOC(property, "[name] [name default]", "Always nil, or the default: there are no system properties.",
    "(System/getProperty \"no.such.property\") ;=> nil");
static Val host_property(Val name) {
  CHECK(arg_str(name, "String.isEmpty()", "key"));
  return NIL;
}
static Val host_property2(Val name, Val otherwise) {
  CHECK(host_property(name));
  return otherwise;
}

DOC(inst_ms, "[inst]", "Milliseconds since 1970 of an instant.", "(inst-ms #inst \"2020-01-01T00:00:00Z\") ;=> 1577836800000");
static Val host_inst_ms(Val x) {
  if (is_type(x, T_INST)) return int_val(AS(Inst, x)->ms);
  if (is_type(x, T_HOST) && obj(x)->aux == HOST_INSTANT) return int_val(AS(Host, x)->a * 1000 + AS(Host, x)->b / 1000000);
  return ex_throw(EXC_ILLEGAL_ARG, "No implementation of method: :inst-ms* of protocol: #'clojure.core/Inst found for class: %s",
                  is_nil(x) ? "nil" : class_name_of(x));
}

static Val inst_new(int64_t ms) {
  Inst *i = mem_obj(T_INST);
  i->ms = ms;
  return from_obj(i);
}

DOC(new_date, "[] [ms]", "An instant: now, or of milliseconds since 1970.",
    "(java.util.Date. 0) ;=> #inst \"1970-01-01T00:00:00.000-00:00\"");
static Val host_now(void) { return inst_new(clock_ns(CLOCK_REALTIME) / 1000000); }
static Val host_new_date(Val ms) {
  CHECK(arg_num(ms));
  TRY(n, num_to_long_checked(ms));
  return inst_new(long_of(n));
}

DOC(get_time, "[date]", "Milliseconds since 1970 of an instant.", "(.getTime (java.util.Date. 5)) ;=> 5");
static Val host_get_time(Val x) {
  if (is_type(x, T_INST)) return int_val(AS(Inst, x)->ms);
  return is_nil(x) ? arg_null("java.util.Date.getTime()", "x") : arg_no_method("getTime", 0, x);
}

DOC(thread_sleep, "[ms]", "Waits so many milliseconds. In a flow use a :sleep step, which may take as long as it likes.",
    "(Thread/sleep 0) ;=> nil");
static Val host_sleep(Val ms) {
  ARG_INT(n, ms);
  if (mach_cur && mach_cur->env->sandbox) return ex_throw(EXC_UNSUPPORTED, "Thread/sleep is not available in flows; use a :sleep step");
  if (n < 0) return ex_throw(EXC_ILLEGAL_ARG, "timeout value is negative");
  struct timespec t = {n / 1000, n % 1000 * 1000000};
  while (nanosleep(&t, &t) && errno == EINTR && !(mach_cur && mach_cur->io.slice_end && mach_cur->io.slice_end(mach_cur))) {}
  return NIL;
}

/* ---- files ---- */

static Val file_name(Val f) {
  if (mach_cur && mach_cur->env && mach_cur->env->sandbox)
    return ex_throw(EXC_UNSUPPORTED, "Files are not available in flows; use a step or :kv");
  if (is_str(f)) return NIL;
  TRY(s, arg_str_of(f));
  return ex_throw(EXC_ILLEGAL_ARG, "Cannot open <%s> as a file; expected a file name", str_s(s));
}

static Val file_error(Val f, int err) {
  if (err == ENOENT || err == EACCES || err == EISDIR) return ex_throw(EXC_FILE_NOT_FOUND, "%s (%s)", str_s(f), strerror(err));
  return ex_throw(EXC_IO, "%s (%s)", str_s(f), strerror(err));
}

DOC(slurp, "[f]", "The text of a file. Not available in flows.", "(slurp \"/no/such/file\") ;!> runtime");
static Val host_slurp(Val f) {
  if (stream_reads(f)) return stream_rest(f);
  CHECK(file_name(f));
  char part[8192];
  Buf b = {0};
  errno = 0;
  FILE *in = fopen(str_s(f), "rb");
  if (!in) return file_error(f, errno);
  for (size_t n; (n = fread(part, 1, sizeof part, in)) > 0;) buf_add(&b, part, n);
  int err = ferror(in) ? errno : 0;
  fclose(in);
  if (!err) return buf_str(&b);
  buf_free(&b);
  return file_error(f, err);
}

static Val write_file(Val f, Val text, const char *mode) {
  errno = 0;
  FILE *out = fopen(str_s(f), mode);
  if (!out) return file_error(f, errno);
  bool ok = fwrite(str_s(text), 1, str_n(text), out) == str_n(text);
  int err = errno;
  if (fclose(out)) return file_error(f, errno);
  return ok ? NIL : file_error(f, err);
}

DOC(spit, "[f content & options]", "Writes the text of content to a file; with :append true behind what is there. Not available in flows.",
    "(spit \"/no/such/dir/x\" 1) ;!> runtime");
static Val host_spit(int n, const Val *a) {
  bool append = false;
  CHECK(file_name(a[0]));
  for (int i = 2; i < n; i += 2) {
    if (i + 1 >= n) return arg_no_value(a[i]);
    if (kw_is(a[i], "append")) append = truthy(a[i + 1]);
  }
  TRY(text, arg_str_of(a[1]));
  return write_file(a[0], text, append ? "ab" : "wb");
}

/* ---- source files of namespaces ---- */

static const char *const source_dirs[] = {"", "src/", "test/"}, *const source_ends[] = {".clj", ".cljc"};

DOC(ns_source, "[lib]", "[path text] of the file of a namespace: below the working directory, src or test. nil in flows, or when there is none.",
    "(breyta.ns/source 'no.such) ;=> nil");
static Val host_ns_source(Val lib) {
  if (!is_sym(lib)) return ex_cast(lib, "clojure.lang.Symbol");
  if (mach_cur->env->sandbox) return NIL;
  Buf b = {0};
  for (const char *s = str_s(AS(Sym, lib)->name); *s; s++) buf_ch(&b, *s == '.' ? '/' : *s == '-' ? '_' : *s);
  Val name = buf_str(&b);
  for (size_t i = 0; i < 6; i++) {
    Val path = str_fmt("%s%s%s", source_dirs[i / 2], str_s(name), source_ends[i % 2]);
    if (access(str_s(path), R_OK)) continue;
    TRY(text, host_slurp(path));
    return vec_from((Val[]){path, text}, 2);
  }
  return NIL;
}

const BuiltinRow rows_host[] = {
    ROW1("breyta.ns/source", host_ns_source, ns_source, B_IMPURE),
    ROW1("Thread/sleep", host_sleep, thread_sleep, B_IMPURE),
    ROW0("System/currentTimeMillis", host_millis, millis, B_NONDET),
    ROW0("System/nanoTime", host_nanos, nanos, B_NONDET),
    ROW1("System/getProperty", host_property, property, B_PURE),
    ROW2("System/getProperty", host_property2, property, B_PURE),
    ROW1("System/getenv", host_property, property, B_PURE),
    ROW1("inst-ms", host_inst_ms, inst_ms, B_PURE),
    ROW0("Date.", host_now, new_date, B_NONDET),
    ROW1("Date.", host_new_date, new_date, B_PURE),
    ROW1(".getTime", host_get_time, get_time, B_PURE),
    ROW1("slurp", host_slurp, slurp, B_IMPURE),
    ROWV("spit", 2, host_spit, spit, B_IMPURE),
    ROW_END,
};
