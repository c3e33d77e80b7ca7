/* regex.c - compiling and matching on pcre2.
 *
 * The compiled code lives in collected memory (pcre2 takes our allocator), so patterns made at run time do not leak. A
 * pattern that is used often gets a copy with JIT code; that copy is never freed, which is why there may only be
 * JIT_MAX of them in a process. Matching is bounded: steps by MATCH_LIMIT, memory by HEAP_KB. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "regex.h"
#include "ex.h"
#include "mem.h"
#include "regex_java.h"
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>

#define MATCH_LIMIT 10000000
#define HEAP_KB 65536
#define JIT_AFTER 24  /* executions */
#define JIT_MAX 2000  /* patterns */

/* What Regex.code points to. */
typedef struct RegexCode {
  pcre2_code *code; /* collected */
  pcre2_code *jit;  /* malloc'ed, with machine code; NULL until the pattern proved to be used */
  uint32_t uses, groups;
} RegexCode;

static void *gc_malloc(size_t n, void *ctx) {
  (void)ctx;
  return mem_alloc(n);
}
static void gc_free(void *p, void *ctx) { (void)p, (void)ctx; }

/* ---- contexts: one compile context for all, match data per thread ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pcre2_compile_context *compile_ctx;
static pcre2_match_context *match_ctx;
static pthread_key_t match_key;
static pthread_mutex_t jit_lock = PTHREAD_MUTEX_INITIALIZER;
static int jit_count;
static _Thread_local pcre2_match_data *match_data;
static _Thread_local uint32_t match_pairs;

static void free_match_data(void *p) { pcre2_match_data_free(p); }

static void set_up(void) {
  static void *root; /* keeps what only pcre2's own memory points to */
  pcre2_general_context *gc = pcre2_general_context_create(gc_malloc, gc_free, NULL);
  root = gc;
  compile_ctx = pcre2_compile_context_create(gc);
  match_ctx = pcre2_match_context_create(NULL);
  if (!root || !compile_ctx || !match_ctx || pthread_key_create(&match_key, free_match_data)) abort();
  pcre2_set_newline(compile_ctx, PCRE2_NEWLINE_ANYCRLF);
  pcre2_set_match_limit(match_ctx, MATCH_LIMIT);
  pcre2_set_heap_limit(match_ctx, HEAP_KB);
}

static pcre2_match_data *match_data_for(uint32_t pairs) {
  if (match_data && match_pairs >= pairs) return match_data;
  if (match_data) pcre2_match_data_free(match_data);
  match_pairs = pairs < 16 ? 16 : pairs;
  match_data = pcre2_match_data_create(match_pairs, NULL);
  if (!match_data) abort();
  pthread_setspecific(match_key, match_data);
  return match_data;
}

/* ---- compiling ---- */

static uint32_t code_points(const char *s, size_t n) {
  uint32_t k = 0;
  for (size_t i = 0; i < n; i++) k += ((uint8_t)s[i] & 0xc0) != 0x80;
  return k;
}

/* PatternSyntaxException.getMessage: what, near index, the pattern, a caret under the place. */
static Val syntax_error(Val pattern, const char *what, size_t at) {
  size_t n = str_n(pattern);
  Buf b = {0};
  buf_c(&b, what);
  uint32_t index = at == SIZE_MAX ? 0 : code_points(str_s(pattern), at > n ? n : at);
  if (at != SIZE_MAX) buf_fmt(&b, " near index %u", index);
  buf_ch(&b, '\n');
  buf_add(&b, str_s(pattern), n);
  if (at < n) {
    buf_ch(&b, '\n');
    for (uint32_t i = 0; i < index; i++) buf_ch(&b, ' ');
    buf_ch(&b, '^');
  }
  Val v = ex_throw(EXC_PATTERN, "%s", buf_cstr(&b));
  buf_free(&b);
  return v;
}

static Val pcre_error(Val pattern, int code) {
  PCRE2_UCHAR text[256];
  const char *what = code == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH     ? "Look-behind of variable length is not supported"
                     : code == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY      ? "Unknown character property name"
                     : code == PCRE2_ERROR_DUPLICATE_SUBPATTERN_NAME     ? "Named capturing group is already defined"
                     : code == PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE  ? "named capturing group does not exist"
                                                                         : NULL;
  if (what) return syntax_error(pattern, what, SIZE_MAX);
  if (pcre2_get_error_message(code, text, sizeof text) < 0) memcpy(text, "pattern not supported", 22);
  return syntax_error(pattern, (const char *)text, SIZE_MAX);
}

/* Compile `pattern`: nil and *out, or a signal. */
static Val compile(Val pattern, RegexCode **out) {
  RegexJava j;
  pthread_once(&once, set_up);
  if (!regex_java(str_s(pattern), str_n(pattern), &j)) {
    buf_free(&j.out);
    return syntax_error(pattern, j.error, j.error_at);
  }
  int err;
  PCRE2_SIZE err_at;
  uint32_t opts = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | (j.ucp ? PCRE2_UCP : 0);
  pcre2_code *code = pcre2_compile((PCRE2_SPTR)buf_cstr(&j.out), j.out.n, opts, &err, &err_at, compile_ctx);
  buf_free(&j.out);
  if (!code) return pcre_error(pattern, err);
  RegexCode *rc = mem_alloc(sizeof *rc);
  rc->code = code;
  pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &rc->groups);
  *out = rc;
  return NIL;
}

Val regex_new(Val pattern) {
  RegexCode *rc;
  CHECK(compile(pattern, &rc));
  Regex *re = mem_obj(T_REGEX);
  re->pattern = pattern;
  re->code = rc;
  return from_obj(re);
}

/* The code of a regex, compiled again if a restore has dropped it. */
static Val code_of(Val re, RegexCode **out) {
  *out = __atomic_load_n((RegexCode **)&AS(Regex, re)->code, __ATOMIC_ACQUIRE);
  if (*out) return NIL;
  CHECK(compile(AS(Regex, re)->pattern, out));
  __atomic_store_n((RegexCode **)&AS(Regex, re)->code, *out, __ATOMIC_RELEASE);
  return NIL;
}

/* ---- matching ---- */

static void jit_compile(RegexCode *rc) {
  pthread_mutex_lock(&jit_lock);
  if (!rc->jit && jit_count < JIT_MAX) {
    jit_count++;
    pcre2_code *copy = pcre2_code_copy(rc->code);
    if (copy && pcre2_jit_compile(copy, PCRE2_JIT_COMPLETE) == 0) __atomic_store_n(&rc->jit, copy, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&jit_lock);
}

static pcre2_code *pick_code(RegexCode *rc, size_t subject) {
  pcre2_code *jit = __atomic_load_n(&rc->jit, __ATOMIC_ACQUIRE);
  if (jit) return jit;
  uint32_t uses = __atomic_add_fetch(&rc->uses, subject > 4096 ? 4 : 1, __ATOMIC_RELAXED);
  if (uses >= JIT_AFTER && uses < JIT_AFTER + 8) jit_compile(rc);
  jit = __atomic_load_n(&rc->jit, __ATOMIC_ACQUIRE);
  return jit ? jit : rc->code;
}

static Val match_error(Val re, int rc) {
  const char *what = rc == PCRE2_ERROR_MATCHLIMIT ? "steps" : rc == PCRE2_ERROR_HEAPLIMIT ? "memory" : "depth";
  PCRE2_UCHAR text[200];
  if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT)
    return ex_throw(EXC_LIMIT, "Matching #\"%.100s\" took too many %s; the pattern backtracks without bound",
                    str_s(AS(Regex, re)->pattern), what);
  if (pcre2_get_error_message(rc, text, sizeof text) < 0) text[0] = 0;
  return ex_throw(EXC_LIMIT, "Matching #\"%.100s\" failed: %s", str_s(AS(Regex, re)->pattern), (const char *)text);
}

Val regex_exec(Val re, Val str, size_t from, bool anchored_whole, RegexMatch *m) {
  RegexCode *rc;
  CHECK(code_of(re, &rc));
  pcre2_match_data *md = match_data_for(rc->groups + 1);
  pcre2_code *code = anchored_whole ? rc->code : pick_code(rc, str_n(str));
  uint32_t opts = PCRE2_NO_UTF_CHECK | (anchored_whole ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0);
  PCRE2_SPTR s = (PCRE2_SPTR)str_s(str);
  int n = pcre2_match(code, s, str_n(str), from, opts, md, match_ctx);
  if (n == PCRE2_ERROR_JIT_STACKLIMIT) n = pcre2_match(rc->code, s, str_n(str), from, opts, md, match_ctx);
  *m = (RegexMatch){.found = n >= 0, .ngroups = rc->groups, .groups = pcre2_get_ovector_pointer(md)};
  if (n < 0 && n != PCRE2_ERROR_NOMATCH) return match_error(re, n);
  for (uint32_t i = n < 0 ? 0 : (uint32_t)n * 2; n >= 0 && i < (rc->groups + 1) * 2; i++) m->groups[i] = SIZE_MAX;
  return NIL;
}

Val regex_group_index(Val re, const char *name, int *index) {
  RegexCode *rc;
  CHECK(code_of(re, &rc));
  int n = pcre2_substring_number_from_name(rc->code, (PCRE2_SPTR)name);
  if (n < 0) return ex_throw(EXC_ILLEGAL_ARG, "No group with name <%s>", name);
  *index = n;
  return NIL;
}
