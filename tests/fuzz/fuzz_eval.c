/* fuzz_eval.c - the evaluator: expressions are evaluated straight through, and again by way of a snapshot at every few units
 * of fuel; both must give the same answer, and no answer may crash. Little fuel, memory and depth for each.
 *
 * An input with an odd first byte is source text. Otherwise its bytes are a recipe: each node of an expression takes a byte
 * for its kind and more for the function (any of the library, effects left out), so that every mutation is a program.
 * FUZZ_EVAL_SHOW=1 prints the expressions. Build with clang -fsanitize=fuzzer,address -DGC_NONE, or with fuzz_main.c. */
#include "fuzz_watch.h"
#include "tests/unit/trips.h"
#include "eval/mach.h"
#include "reader/seq.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_NAMES = 4096, MAX_DEPTH = 6, MAX_TEXT = 4000, SECONDS = 20 };

static const char *names[MAX_NAMES];
static size_t nnames;
static Buf text;
static bool show;

/* ---- the functions a recipe may call ---- */

static bool harmless(const char *name) {
  static const char *const not[] = {"rand", "shuffle", "slurp", "spit", "file", "sleep", "time", "uuid", "gensym", "read-line", "exit", "load", "nano",
                                    "inst", "now", "flush", "agent", "future", "promise", "deliver", "await", "ns", "var-root", "intern", "eval", "test", "tap", "pmap", "pcalls"};
  for (size_t i = 0; i < sizeof not / sizeof *not; i++)
    if (strstr(name, not[i])) return false;
  return true;
}

static void add_names(const char *ns) {
  char src[200];
  snprintf(src, sizeof src, "(mapv (fn [s] (str \"%s/\" s)) (keys (ns-publics '%s)))", ns, ns);
  Val v = env_eval_text(env_new(), src, strlen(src), NULL);
  if (!is_vec(v) || !vec_count(v)) abort();
  for (uint32_t i = 0; i < vec_count(v) && nnames < MAX_NAMES; i++) {
    const char *name = str_s(vec_nth(v, i));
    if (harmless(name + strlen(ns))) names[nnames++] = strdup(name);
  }
}

/* ---- recipes ---- */

typedef struct Recipe { const uint8_t *p, *end; } Recipe;

static unsigned next(Recipe *r) { return r->p < r->end ? *r->p++ : 0; }

static const char *const literals[] = {
    "nil", "true", "false", "0", "1", "-1", "7", "33", "9223372036854775807", "-9223372036854775808", "4611686018427387904", "1N", "12345678901234567890N", "1/3", "1.5", "-0.0",
    "##NaN", "##Inf", "2.50M", "1e-30M", "\"\"", "\"abc\"", "\"é日😀\"", "\"1,2;3\"", "\\a", "\\é", ":a", ":b/c", "'x", "'a/b", "[]", "[1 2 3]", "{}", "{:a 1}", "#{1 2}", "()", "'(1 2)",
    "(range 5)", "(range 40)", "(map inc [1 2])", "(lazy-seq [1])", "(iterate inc 0)", "(repeat 2)", "(zipmap (range 20) (range))", "(vec (range 40))", "(sorted-map 1 2)", "(sorted-set 3 1)",
    "#\"(a|b)+\"", "#\"\\d\"", "inc", "+", "conj", "str", "first", "identity", "<", "even?", "(map inc)", "(take 2)", "(atom 1)", "(volatile! 1)", "(delay 1)", "(transient [1])", "(transient {})",
    "(ex-info \"m\" {:a 1})", "x", "y", "e", "#inst \"2020-01-01\"", "#uuid \"00000000-0000-0001-0000-000000000002\"", "(with-meta [1] {:m 1})", "(subvec [1 2 3] 1)", "(first {:a 1})"};

/* E stands for an expression. */
static const char *const shapes[] = {
    "[E E]", "[E]", "{E E}", "#{E}", "(let [x E] E)", "(let [x E y E] E)", "(fn [x] E)", "(fn [x y] E)", "(try E (catch Exception e E))", "(try E (finally E))", "(if E E E)", "(do E E)",
    "(loop [x E y 0] (if (< y 3) (recur E (inc y)) E))", "(map (fn [x] E) E)", "(reduce (fn [x y] E) E E)", "(filter (fn [x] E) E)", "(lazy-seq E)", "(swap! (atom E) (fn [x] E))", "(case E 1 E :a E E)",
    "(for [x E :let [y E]] E)", "(doseq [x E] E)", "(binding [*print-length* E] (pr-str E))", "(apply E E)", "(sort-by (fn [x] E) E)", "(E E)", "(E E E)", "(letfn [(y [x] E)] (y E))", "(throw E)", "(str E E)",
    "(let [[x & y] E] E)", "(let [{:keys [a] x E} E] E)", "(transduce E E E)", "(into E E)", "(deref (delay E))", "(vec E)", "(pr-str E)", "(= E E)", "(hash E)", "(take 3 E)", "(doall E)", "(cons E (lazy-seq E))",
    "(memoize (fn [x] E))", "(with-meta E E)", "(-> E E E)", "(cond-> E E E)", "(some-> E (vector E))", "(update E E (fn [x] E))", "(reductions (fn [x y] E) E)", "(iterate (fn [x] E) E)", "(read-string (pr-str E))"};

static void node(Recipe *r, int depth);

static void shape(Recipe *r, const char *s, int depth) {
  for (; *s; s++)
    if (*s == 'E' && (s[1] == ' ' || s[1] == ')' || s[1] == ']' || s[1] == '}')) node(r, depth - 1);
    else buf_ch(&text, *s);
}

static void call(Recipe *r, int depth) {
  unsigned name = next(r) << 8, argc;
  name |= next(r);
  argc = next(r) % 4;
  buf_fmt(&text, "(%s", names[name % nnames]);
  for (unsigned i = 0; i < argc; i++) {
    buf_ch(&text, ' ');
    node(r, depth - 1);
  }
  buf_ch(&text, ')');
}

static void node(Recipe *r, int depth) {
  unsigned kind = next(r);
  if (depth <= 0 || text.n > MAX_TEXT || kind % 8 < 3) buf_c(&text, literals[next(r) % (sizeof literals / sizeof *literals)]);
  else if (kind % 8 < 6) call(r, depth);
  else shape(r, shapes[next(r) % (sizeof shapes / sizeof *shapes)], depth);
}

/* ---- one input ---- */

static void too_long(int sig) {
  (void)sig;
  static const char what[] = "fuzz_eval: it does not end\n";
  if (write(2, what, sizeof what - 1) > 0 && text.n && write(2, text.p, text.n)) abort();
  abort();
}

static void start(void) {
  trip_limits = (TripLimits){20000, (uint64_t)4 << 20, 300};
  trip_init();
  mach_defaults.fuel_limit = 0; /* for the set-up below */
  show = getenv("FUZZ_EVAL_SHOW") != NULL;
  add_names("clojure.core");
  add_names("clojure.string");
  add_names("clojure.set");
  add_names("clojure.walk");
  mach_defaults.fuel_limit = trip_limits.fuel;
  watch_init(too_long);
}

static bool limited(const char *answer) { return !strncmp(answer, "!limit", 6) || !strncmp(answer, "!stack", 6); }

static void different(const char *plain, const char *restored, int64_t k) {
  fprintf(stderr, "fuzz_eval: restored every %lld: %s\n  straight %s\n  restored %s\n", (long long)k, buf_cstr(&text), plain,
          *trip_broken ? trip_broken : restored);
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static bool ready;
  if (!ready) start();
  ready = true;
  if (n < 2 || n > MAX_TEXT) return 0;
  Buf plain = {0}, restored = {0};
  Recipe r = {data + 2, data + n};
  text.n = 0;
  if (data[0] & 1) buf_add(&text, (const char *)data + 2, n - 2);
  else node(&r, MAX_DEPTH);
  if (show) fprintf(stderr, "%s\n", buf_cstr(&text));
  watch_for(SECONDS);
  trip_answer(buf_cstr(&text), text.n, 0, &plain);
  int64_t k = 1 + data[1] % 60;
  *trip_broken = 0;
  trip_answer(buf_cstr(&text), text.n, k, &restored);
  watch_for(0);
  bool same = !strcmp(plain.p, restored.p) || limited(plain.p) || limited(restored.p) || trip_unstable(buf_cstr(&text));
  if (*trip_broken || !same) different(plain.p, restored.p, k);
  buf_free(&plain);
  buf_free(&restored);
  return 0;
}
