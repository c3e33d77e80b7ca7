/* class.c - class names that code may mention: there are no classes here, only names that `instance?`, `catch`, `class`
 * and static members understand. */
#include "unit.h"

static const char *const plain_classes[] = {
    "java.lang.Object", "java.lang.Number", "java.lang.Integer", "java.lang.Boolean", "java.lang.Character", "java.lang.CharSequence",
    "java.lang.Comparable", "java.lang.Iterable", "java.lang.Math", "java.lang.System", "java.lang.Float", "java.lang.Short",
    "java.lang.Byte", "java.lang.Runnable", "java.lang.Class", "java.util.Map", "java.util.List", "java.util.Set", "java.util.Collection",
    "java.math.BigInteger", "java.math.BigDecimal", "java.util.UUID", "java.util.Date", "java.util.Base64", "java.time.Instant",
    "java.time.Duration", "java.util.regex.Pattern", "clojure.lang.IFn", "clojure.lang.IPersistentMap", "clojure.lang.IPersistentVector",
    "clojure.lang.IPersistentSet", "clojure.lang.IPersistentCollection", "clojure.lang.IPersistentList", "clojure.lang.ISeq",
    "clojure.lang.Sequential", "clojure.lang.Associative", "clojure.lang.IDeref", "clojure.lang.IAtom", "clojure.lang.Named",
    "clojure.lang.Seqable", "clojure.lang.Counted", "clojure.lang.Indexed", "clojure.lang.ILookup", "clojure.lang.IObj",
    "clojure.lang.IMeta", "clojure.lang.IExceptionInfo", "clojure.lang.Fn", "clojure.lang.Sorted", "clojure.lang.Reversible",
    "clojure.lang.Volatile", "clojure.lang.Delay", "clojure.lang.Reduced", "clojure.lang.PersistentVector", "clojure.lang.LazySeq"};

/* java.lang names need no package, as in Clojure; java.math.BigDecimal & co are imported by default too. */
static bool name_matches(const char *full, const char *name) {
  if (!strcmp(full, name)) return true;
  if (strchr(name, '.')) return false;
  static const char *const imported[] = {"java.lang.", "java.math."};
  for (size_t i = 0; i < 2; i++) {
    size_t n = strlen(imported[i]);
    if (!strncmp(full, imported[i], n) && !strcmp(full + n, name)) return true;
  }
  return false;
}

static const char *find_class(const char *name) {
  int e = exc_by_name(name);
  if (e >= 0 && (strchr(name, '.') || !strncmp(exc_class_name((enum Exc)e), "java.lang.", 10))) return exc_class_name((enum Exc)e);
  for (size_t i = 0; i < sizeof plain_classes / sizeof *plain_classes; i++)
    if (name_matches(plain_classes[i], name)) return plain_classes[i];
  for (int t = 0; t < T_COUNT; t++)
    if (name_matches(type_info[t].cls, name)) return type_info[t].cls;
  return NULL;
}

Val class_of_symbol(Val sym) {
  if (!is_nil(AS(Sym, sym)->ns)) return NIL;
  const char *full = find_class(str_s(AS(Sym, sym)->name));
  if (!full) return NIL;
  Class *c = mem_obj(T_CLASS);
  c->name = sym_c(full);
  return from_obj(c);
}

bool class_known(const char *name) {
  static const char *const short_names[] = {"UUID", "Base64", "Instant", "Duration", "Pattern", "ChronoUnit", "DateTimeFormatter", "ThreadLocalRandom", "clojure.math"};
  if (find_class(name)) return true;
  for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
    if (!strcmp(short_names[i], name)) return true;
  return false;
}
