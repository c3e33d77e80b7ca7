/* class.c - see class.h. */
#include "class.h"
#include "reader/mem.h"
#include <pthread.h>
#include <stdlib.h>

enum Kind_ { ORDINARY, INTERFACE };
#define CLASS(name, kind, bases) {name, kind, bases},
static const struct Row { const char *name; enum Kind_ kind; const char *bases; } rows[] = {
#include "classtab.h"
};
enum { ROWS = sizeof rows / sizeof *rows, WORDS = (ROWS + 63) / 64, MAX_HOST = 1024 };

/* Rows first, then names that are not in the table, in the order they came. Index + 1 is in `aux` of the T_CLASS. */
static struct Host {
  Val cls;
  uint64_t above[WORDS]; /* itself, and everything it is below */
} *hosts;
static uint32_t nhosts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int row_of(const char *name, size_t n) {
  for (int i = 0; i < ROWS; i++)
    if (!strncmp(rows[i].name, name, n) && !rows[i].name[n]) return i;
  return -1;
}

static void add_above(struct Host *h, const char *bases) {
  for (const char *p = bases; *p;) {
    size_t n = strcspn(p, " ");
    int r = row_of(p, n);
    if (r < 0) abort(); /* the table is wrong */
    for (int w = 0; w < WORDS; w++) h->above[w] |= hosts[r].above[w];
    p += n + (p[n] == ' ');
  }
}

static uint32_t host_add(const char *name) {
  if (nhosts == MAX_HOST) return 0; /* names that only a damaged snapshot can have */
  struct Host *h = &hosts[nhosts];
  Val cls = class_new(sym_c(name), 0, NIL, NIL, NIL);
  obj(cls)->aux = (uint16_t)((nhosts + 1) | (nhosts < ROWS && rows[nhosts].kind == INTERFACE ? CLASS_INTERFACE : 0));
  h->cls = cls;
  h->above[0] |= 1; /* java.lang.Object, the first row */
  if (*name == '[' && nhosts >= ROWS) add_above(h, "java.lang.Cloneable java.io.Serializable"); /* another array */
  return nhosts++;
}

static void load(void) {
  hosts = mem_root(MAX_HOST * sizeof *hosts);
  for (int i = 0; i < ROWS; i++) {
    uint32_t at = host_add(rows[i].name);
    hosts[at].above[i / 64] |= (uint64_t)1 << i % 64;
    add_above(&hosts[at], rows[i].bases);
  }
}

/* By the hash of the name; slots hold index + 1. */
enum { SLOTS = 4096 };
static uint16_t slots[SLOTS];

Val class_host(const char *name) {
  pthread_once(&once, load);
  uint32_t i = str_hash_java(name, strlen(name)) * 0x9e3779b9u >> 20;
  pthread_mutex_lock(&lock);
  for (; slots[i]; i = (i + 1) % SLOTS)
    if (!strcmp(class_text(hosts[slots[i] - 1].cls), name)) break;
  if (!slots[i]) {
    int r = row_of(name, strlen(name));
    slots[i] = (uint16_t)((r >= 0 ? (uint32_t)r : host_add(name)) + 1);
  }
  Val cls = hosts[slots[i] - 1].cls;
  pthread_mutex_unlock(&lock);
  return cls;
}

/* The class that a value of the type had last. */
static Val of_type[T_COUNT];

Val class_of(Val v) {
  if (is_nil(v)) return NIL;
  if (is_user(v)) return AS(Record, v)->type;
  int t = is_fix(v) ? T_LONG : is_flo(v) ? T_DOUBLE : type_of(v);
  if (t < 0) return class_host(class_name_of(v));
  const char *name = class_name_of(v);
  Val known = {__atomic_load_n(&of_type[t].w, __ATOMIC_RELAXED)};
  if (!is_nil(known) && !strcmp(class_text(known), name)) return known;
  known = class_host(name);
  __atomic_store_n(&of_type[t].w, known.w, __ATOMIC_RELAXED);
  return known;
}

static uint32_t place(Val c) { return obj(c)->aux & CLASS_INDEX; } /* plus 1; 0: a program's */
static bool is_object(Val c) { return place(c) == 1; }

bool class_is_interface(Val c) { return obj(c)->aux & CLASS_INTERFACE || obj(c)->flags & CLASS_PROTOCOL; }

bool class_isa(Val c, Val parent) {
  if (same(c, parent)) return true;
  if (is_object(parent)) return true;
  if (!class_is_own(c)) {
    uint32_t i = place(parent);
    return i && i <= ROWS && hosts[place(c) - 1].above[(i - 1) / 64] >> (i - 1) % 64 & 1;
  }
  const Arr *ifaces = AS(Arr, AS(Class, c)->ifaces);
  for (uint32_t i = 0; i < ifaces->n; i++) /* those of the program extend nothing */
    if (same(ifaces->a[i], parent) || (!class_is_own(ifaces->a[i]) && class_isa(ifaces->a[i], parent))) return true;
  return false;
}

bool class_instance(Val c, Val x) { return !is_nil(x) && class_isa(class_of(x), c); }

Val class_super(Val c) {
  if (class_is_own(c)) return obj(c)->flags & CLASS_PROTOCOL ? NIL : class_host("java.lang.Object");
  uint32_t i = place(c) - 1;
  if (i == 0 || class_is_interface(c)) return NIL;
  if (i >= ROWS) return class_host("java.lang.Object");
  const char *b = rows[i].bases;
  return hosts[row_of(b, strcspn(b, " "))].cls;
}

void class_bases(Val c, ValVec *out) {
  if (class_is_own(c) || place(c) > ROWS) {
    Val up = class_super(c);
    if (!is_nil(up)) vv_push(out, up);
    const Arr *ifaces = is_nil(AS(Class, c)->ifaces) ? NULL : AS(Arr, AS(Class, c)->ifaces);
    for (uint32_t i = 0; ifaces && i < ifaces->n; i++) vv_push(out, ifaces->a[i]);
    return;
  }
  for (const char *p = rows[place(c) - 1].bases; *p;) {
    size_t n = strcspn(p, " ");
    vv_push(out, hosts[row_of(p, n)].cls);
    p += n + (p[n] == ' ');
  }
}

/* ---- names ---- */

/* java.lang names need no package, as in Clojure; java.math.BigDecimal & co are imported by default too. */
static bool name_matches(const char *full, const char *name) {
  if (!strcmp(full, name)) return true;
  if (strchr(name, '.')) return false;
  static const char *const imported[] = {"java.lang.", "java.math."};
  for (size_t i = 0; i < 2; i++) {
    size_t n = strlen(imported[i]);
    if (!strncmp(full, imported[i], n) && !strcmp(full + n, name)) return true;
  }
  const char *last = strrchr(full, '.'); /* what a program would have imported: import does nothing here */
  return last && !strncmp(full, "java", 4) && !strcmp(last + 1, name);
}

static const char *find_class(const char *name) {
  int e = exc_by_name(name);
  if (e >= 0) return exc_class_name((enum Exc)e);
  for (int i = 0; i < ROWS; i++)
    if (name_matches(rows[i].name, name)) return rows[i].name;
  for (int t = 0; t < T_COUNT; t++)
    if (name_matches(type_info[t].cls, name)) return type_info[t].cls;
  return NULL;
}

Val class_of_symbol(Val sym) {
  if (!is_nil(AS(Sym, sym)->ns)) return NIL;
  const char *full = find_class(str_s(AS(Sym, sym)->name));
  return full ? class_host(full) : NIL;
}

bool class_known(const char *name) {
  static const char *const short_names[] = {"UUID", "Base64", "Instant", "Duration", "Pattern", "ChronoUnit", "DateTimeFormatter", "ThreadLocalRandom", "clojure.math"};
  if (find_class(name)) return true;
  for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
    if (!strcmp(short_names[i], name)) return true;
  return false;
}
