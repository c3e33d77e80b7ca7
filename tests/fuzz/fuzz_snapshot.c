/* fuzz_snapshot.c - damaged snapshots with a right checksum: the reader must refuse them or give a machine that runs.
 *
 * An input is a recipe: byte 0 chooses one of the programs below, byte 1 where it is stopped, then four bytes for each
 * edit of the snapshot's body: position (2, little endian, modulo its length), operation, value. So inputs stay small and
 * every one gets past header and checksum. Machines that are read run with little fuel and memory, are written again, and
 * what they answer is printed. Build with clang -fsanitize=fuzzer,address -DGC_NONE, or with fuzz_main.c. */
#include "fuzz_watch.h"
#include "eval/expand.h"
#include "eval/frame.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"
#include "runtime/cli/cli.h"
#include "runtime/store/snapshot.h"
#include "runtime/store/store_record.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const programs[] = {
    "(reduce + (map (fn [x] (* x x)) (range 40)))",
    "(let [a (atom {:n 0})] (dotimes [i 30] (swap! a update :n (fn [n] (+ n i)))) @a)",
    "(try (loop [i 0] (if (< i 40) (recur (inc i)) (throw (ex-info \"x\" {:i i})))) (catch Exception e (ex-data e)) (finally (inc 1)))",
    "(sort-by (fn [x] (- x)) (mapv (fn [x] (mod (* x 7) 11)) (range 20)))",
    "(do (def ^:dynamic *d* 1) (defn f [n] (if (zero? n) *d* (binding [*d* (inc *d*)] (f (dec n))))) (f 20))",
    "(persistent! (reduce (fn [t i] (assoc! t i (str i))) (transient {}) (range 40)))",
    "(letfn [(ev? [n] (if (zero? n) true (od? (dec n)))) (od? [n] (if (zero? n) false (ev? (dec n))))] (ev? 40))",
    "(apply str (for [x (range 6) y (range x) :when (odd? (+ x y))] (str x y)))",
    "(take 5 (filter (fn [x] (= 0 (mod x 7))) (iterate inc 0)))",
    "(into (sorted-map) (map (fn [i] [i (delay (inc i))])) (range 20))",
    "(let [v (volatile! #{}) d (delay 1/3)] (doseq [x (range 20)] (vswap! v conj [x (fn [] x) 1.5M @d \"s\"])) (count @v))",
    "(reduce-kv (fn [m k v] (assoc m v k)) {} (zipmap (range 30) (map (comp keyword str) (range 30))))",
    "(clojure.string/replace \"a1b2c3\" #\"\\d\" (fn [d] (str \"<\" d \">\")))",
    "(group-by (fn [x] (mod x 3)) (partition-all 2 (range 30)))",
    "(do (defprotocol P (f [x] [x y])) (defrecord R [a b] P (f [_] (* a b)) (f [r y] (assoc r :c y))) (extend-type nil P (f [_] 0)) "
    "(reduce + (map (fn [i] (f (if (odd? i) (->R i (:c (f (->R 1 2) i))) nil))) (range 20))))",
    "(do (deftype T [^:unsynchronized-mutable n] Object (toString [_] (str \"t\" n)) (equals [_ o] true) (hashCode [_] 7) clojure.lang.IFn (invoke [_ x] "
    "(set! n (+ n x)) n)) (let [t (->T 0) r (reify clojure.lang.IDeref (deref [_] (t 1)))] (dotimes [i 10] (t i)) [(str t) @r (get {t 1} (->T 5))]))",
    "(do (derive ::a ::b) (defmulti m (fn [x & _] (if (number? x) ::a (class x)))) (defmethod m ::b [x] [x]) (defmethod m :default [x] (seq (str x))) "
    "(mapv m [1 \"a\" :k 2]))"};
enum { NPROGRAMS = sizeof programs / sizeof *programs, STOPS = 16, MAX_UNITS = 256 };

static Unit **stored;
static size_t nstored;
static Buf body;

static Val stored_form(void *ctx, const UnitHash *h) {
  (void)ctx;
  for (size_t k = 0; k < nstored; k++)
    if (!memcmp(&stored[k]->hash, h, sizeof *h)) return unit_stored_form(stored[k]);
  return ABSENT;
}

static void store_units(void) {
  Unit **us;
  size_t n = snap_units(&us);
  nstored = 0;
  for (size_t i = 0; i < n && nstored < MAX_UNITS; i++) stored[nstored++] = us[i];
}

static void die(const char *what) {
  fprintf(stderr, "fuzz_snapshot: %s\n", what);
  abort();
}

/* The machine of the last form, stopped for the k-th time; NULL: it ends before. */
static Mach *stopped(const char *program, int k) {
  Env *env = env_new();
  Reader r;
  read_init(&r, program, strlen(program), NULL);
  env_reader(env, &r);
  Val form = read_next(&r), last = form;
  if (sym_is(AS(List, form)->first, "do"))
    for (Val s = AS(List, form)->rest; is_type(s, T_LIST); s = AS(List, s)->rest) {
      last = AS(List, s)->first;
      if (is_type(AS(List, s)->rest, T_LIST) && is_sig(env_eval(env, last))) die("a program does not run");
    }
  Val core = expand(env, last, NULL);
  Unit *u = is_sig(core) ? NULL : analyze(env, core, NULL);
  if (!u) die("a program does not compile");
  Mach *m = mach_new(env);
  m->slice = 5;
  mach_start_unit(m, u);
  Val v = mach_run(m);
  for (; k > 0 && same(v, SIG_STOP); k--) v = mach_continue(m);
  return same(v, SIG_STOP) ? m : NULL;
}

/* The body of a snapshot, without container and compression. */
static void unpack(const Buf *snap) {
  const uint8_t *p = (const uint8_t *)snap->p + 5;
  size_t len = 0;
  for (unsigned shift = 0;; shift += 7) {
    len |= (size_t)(*p & 0x7f) << shift;
    if (*p++ < 0x80) break;
  }
  size_t have = (size_t)((const uint8_t *)snap->p + snap->n - 4 - p);
  char *raw = malloc(len + 1);
  if (!raw) abort();
  if (snap->p[4] & 1) {
    if (ZSTD_decompress(raw, len, p, have) != len) die("a snapshot does not unpack");
  } else {
    memcpy(raw, p, have);
  }
  body.n = 0;
  buf_add(&body, raw, len);
  free(raw);
}

static void edit(const uint8_t *e) {
  size_t at = body.n ? (e[0] | (size_t)e[1] << 8) % body.n : 0;
  if (!body.n) return;
  switch (e[2] % 6) {
  case 0: body.p[at] = (char)e[3]; break;
  case 1: body.p[at] ^= (char)(1 << e[3] % 8); break;
  case 2: body.p[at] = (char)(body.p[at] + 1); break;
  case 3: body.p[at] = (char)(body.p[at] - 1); break;
  case 4:
    memmove(body.p + at, body.p + at + 1, body.n - at - 1);
    body.n--;
    break;
  default:
    buf_ch(&body, 0);
    memmove(body.p + at + 1, body.p + at, body.n - at - 1);
    body.p[at] = (char)e[3];
  }
}

static void pack(Buf *out, uint8_t version) {
  buf_add(out, "BRS", 3);
  buf_ch(out, (char)version);
  buf_ch(out, 0);
  size_t x = body.n;
  for (; x >= 0x80; x >>= 7) buf_ch(out, (char)(x | 0x80));
  buf_ch(out, (char)x);
  buf_add(out, body.p, body.n);
  uint32_t crc = store_record_crc(0, out->p, out->n);
  buf_add(out, (const char *)&crc, 4);
}

/* The state of native frames is theirs alone: no reader can check what it means, and the checksum is all that guards it
 * (snapshot.h). Only machines whose native frames hold the same kinds of things as before are run. */
static bool same_kind(Val a, Val b) {
  if (!is_ptr(a) || !is_ptr(b)) return same(a, b);
  if (type_of(a) != type_of(b)) return false;
  if (!is_type(a, T_ARR)) return true;
  const Arr *x = AS(Arr, a), *y = AS(Arr, b); /* a list that the frame keeps: of what it put there, without rings */
  bool ok = x->n == y->n;
  for (uint32_t i = 0; ok && i < x->n; i++)
    ok = is_type(x->a[i], T_ARR) ? is_type(y->a[i], T_ARR) && AS(Arr, x->a[i])->n == AS(Arr, y->a[i])->n : same_kind(x->a[i], y->a[i]);
  return ok;
}

static bool native_frames_kept(const Mach *m, const Mach *was) {
  if (m->nframes != was->nframes) return false;
  for (uint32_t i = 0; i < m->nframes; i++) {
    const Frame *f = &m->frames[i], *g = &was->frames[i];
    if ((f->flags | g->flags) & FR_NATIVE) {
      if (f->code != g->code || f->base != g->base || f->pc != g->pc || f->flags != g->flags) return false;
      for (uint32_t s = f->base; s < f->base + native_slots(f->code) && s < m->live; s++)
        if (!same_kind(m->slots[s], was->slots[s])) return false;
    }
  }
  return true;
}

static Val run(Mach *m) {
  m->fuel_limit = 3000;
  m->slice = 300;
  m->mem_limit = 8 << 20;
  m->max_frames = 300;
  Val v = mach_run(m);
  for (bool first = true; same(v, SIG_STOP); first = false) {
    Buf again = {0};
    if (first && is_sig(snap_machine(&again, m)) && !is_type(pend.ex, T_EX)) die("a signal without an exception");
    buf_free(&again);
    v = mach_continue(m);
  }
  return v;
}

static void run_read(const Buf *snap, const Mach *was) {
  Mach *m = snap_read_machine(snap->p, snap->n);
  if (!m) {
    if (!is_type(pend.ex, T_EX)) die("refused without an exception");
    return;
  }
  if (!native_frames_kept(m, was)) return;
  Val v = run(m);
  if (same(v, SIG_THROW) || same(v, SIG_SUSPEND)) return;
  Mach *printer = mach_new(m->env);
  mach_start(printer, builtin_find("clojure.core/pr-str")->self, &v, 1);
  run(printer);
}

static void too_long(int sig) {
  (void)sig;
  static const char what[] = "fuzz_snapshot: it does not end\n";
  if (write(2, what, sizeof what - 1) > 0) abort();
  abort();
}

static void start(void) {
  cli_values();
  stored = mem_root(MAX_UNITS * sizeof *stored);
  unit_loader = stored_form;
  mach_defaults = (MachDefaults){.fuel_limit = 20000, .mem_limit = 16 << 20, .max_frames = 300};
  watch_init(too_long);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static bool ready;
  if (!ready) start();
  ready = true;
  if (n < 2) return 0;
  Mach *m = stopped(programs[data[0] % NPROGRAMS], data[1] % STOPS);
  if (!m) return 0;
  Buf snap = {0}, damaged = {0};
  if (is_sig(snap_machine(&snap, m))) die("a machine cannot be written");
  store_units();
  unpack(&snap);
  for (size_t i = 2; i + 4 <= n; i += 4) edit(data + i);
  pack(&damaged, (uint8_t)snap.p[3]);
  watch_for(20);
  run_read(&damaged, m);
  watch_for(0);
  buf_free(&snap);
  buf_free(&damaged);
  return 0;
}
