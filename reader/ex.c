/* ex.c - see ex.h. The wording is Clojure 1.11's on JDK 17. */
#include "ex.h"
#include "host.h"
#include "mem.h"
#include "text.h"

typedef struct ExcInfo { const char *name; enum Exc parent; enum Kind kind; } ExcInfo;
#define EXC_INFO_ROW(e, cls, parent, kind) {cls, parent, kind},
#define KIND_NAME(e, s) s,
static const ExcInfo exc_info[EXC_COUNT] = {EXC_TABLE(EXC_INFO_ROW)};
static const char *const kind_names[KIND_COUNT] = {KIND_TABLE(KIND_NAME)};

const char *exc_class_name(enum Exc c) { return exc_info[c].name; }
const char *kind_name(enum Kind k) { return kind_names[k]; }

bool exc_is_a(enum Exc c, enum Exc ancestor) {
  while (c != ancestor) {
    if (c == EXC_THROWABLE) return false;
    c = exc_info[c].parent;
  }
  return true;
}

/* What a program may write without a package: java.lang, Clojure's own, and whatever of java.* it would have imported. */
static bool is_short_name(const char *full, const char *name) {
  static const char *const packages[] = {"java.lang.", "clojure.lang."};
  for (size_t i = 0; i < sizeof packages / sizeof *packages; i++) {
    size_t n = strlen(packages[i]);
    if (!strncmp(full, packages[i], n) && !strcmp(full + n, name)) return true;
  }
  const char *last = strrchr(full, '.'); /* java.io.IOException and the like: what would have been imported */
  return last && !strncmp(full, "java.", 5) && !strcmp(last + 1, name);
}

int exc_by_name(const char *class_name) {
  for (int i = 0; i < EXC_COUNT; i++)
    if (!strcmp(exc_info[i].name, class_name) || is_short_name(exc_info[i].name, class_name)) return i;
  return -1;
}

/* ---- making and throwing ---- */

static Val make(enum Exc c, enum Kind k, Val msg, Val data, Val cause) {
  Ex *e = mem_obj(T_EX);
  e->cls = c;
  e->kind = k;
  e->msg = msg;
  e->data = data;
  e->cause = cause;
  return from_obj(e);
}

Val ex_make(enum Exc c, Val msg, Val data, Val cause) { return make(c, exc_info[c].kind, msg, data, cause); }

Val ex_throw_val(Val ex) {
  pend.ex = ex;
  return SIG_THROW;
}

static Val message(const char *fmt, va_list ap) {
  Buf b = {0};
  va_list again;
  va_copy(again, ap);
  buf_vfmt(&b, fmt, ap, again);
  va_end(again);
  return buf_str(&b);
}

Val ex_throw(enum Exc c, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  Val msg = message(fmt, ap);
  va_end(ap);
  return ex_throw_val(ex_make(c, msg, NIL, NIL));
}

Val ex_throw_kind(enum Exc c, enum Kind k, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  Val msg = message(fmt, ap);
  va_end(ap);
  return ex_throw_val(make(c, k, msg, NIL, NIL));
}

/* ---- the usual ones ---- */

/* Of the classes that values have or are cast to, java.* ones and arrays of them are in java.base, others in the app. */
static bool in_java_base(const char *cls) { return !strncmp(cls, "java.", 5) || cls[0] == '['; }

static const char *module_of(const char *cls) {
  return in_java_base(cls) ? "module java.base of loader 'bootstrap'" : "unnamed module of loader 'app'";
}

/* What the JVM says when the method behind the cast is called on null; by the class that was wanted. */
static Val null_cast(const char *to) {
  static const struct { const char *cls, *call, *var; } calls[] = {
      {"java.lang.Number", "Object.getClass()", "x"},
      {"clojure.lang.Named", "clojure.lang.Named.getName()", "x"},
      {"java.lang.CharSequence", "java.lang.CharSequence.length()", "this.text"},
      {"java.lang.String", "Object.toString()", "s"},
      {"clojure.lang.IObj", "clojure.lang.IObj.withMeta(clojure.lang.IPersistentMap)", "x"},
      {"clojure.lang.IDeref", "java.util.concurrent.Future.get()", "fut"},
      {"java.util.regex.Pattern", "java.util.regex.Pattern.matcher(java.lang.CharSequence)", "re"},
      {"clojure.lang.IAtom", "clojure.lang.IAtom.swap(clojure.lang.IFn)", "atom"},
      {"java.util.Map$Entry", "java.util.Map$Entry.getKey()", "e"},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (!strcmp(calls[i].cls, to))
      return ex_throw(EXC_NULL, "Cannot invoke \"%s\" because \"%s\" is null", calls[i].call, calls[i].var);
  return ex_throw(EXC_NULL, "Cannot use null where a %s is needed", to);
}

Val ex_cast(Val v, const char *to) {
  if (is_nil(v)) return null_cast(to);
  const char *from = class_name_of(v), *mf = module_of(from), *mt = module_of(to);
  if (!strcmp(mf, mt))
    return ex_throw(EXC_CLASS_CAST, "class %s cannot be cast to class %s (%s and %s are in %s)", from, to, from, to, mf);
  return ex_throw(EXC_CLASS_CAST, "class %s cannot be cast to class %s (%s is in %s; %s is in %s)", from, to, from, mf, to, mt);
}

Val ex_not_seqable(Val v) {
  const char *cls = class_name_of(v);
  return ex_throw(EXC_ILLEGAL_ARG, "Don't know how to create ISeq from: %s", cls ? cls : "null");
}

/* Members of host classes have no arity but overloads: .name, Class/name and Class. are all found by their number. */
static Val no_member(int argc, const char *name) {
  static const struct { const char *cls, *package; } elsewhere[] = {
      {"UUID", "java.util"}, {"Base64", "java.util"}, {"Date", "java.util"}, {"BigDecimal", "java.math"}, {"BigInteger", "java.math"},
      {"Pattern", "java.util.regex"}, {"Instant", "java.time"}, {"Duration", "java.time"}, {"LocalDate", "java.time"}, {"ZoneId", "java.time"}};
  int n = (int)strcspn(name, "/.");
  const char *package = "java.lang";
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    if (strlen(elsewhere[i].cls) == (size_t)n && !strncmp(elsewhere[i].cls, name, (size_t)n)) package = elsewhere[i].package;
  if (name[n] == '.') return ex_throw(EXC_ILLEGAL_ARG, "No matching ctor found for class %s.%.*s", package, n, name);
  return ex_throw(EXC_ILLEGAL_ARG, "No matching method %s found taking %d args for class %s.%.*s", name + n + 1, argc, package, n, name);
}

static bool is_member(const char *name) { /* Class/name or Class. */
  return *name >= 'A' && *name <= 'Z' && (strchr(name, '/') || name[strlen(name) - 1] == '.');
}

Val ex_arity(int argc, const char *fn_name) {
  if (is_member(fn_name)) return no_member(argc, fn_name);
  return ex_throw(EXC_ARITY, "Wrong number of args (%d) passed to: %s", argc, fn_name);
}

Val ex_no_method(const char *method, int n, Val target) {
  const char *cls = class_name_of(target), *of = cls ? " for class " : "";
  if (n == 0 && cls) return ex_throw(EXC_ILLEGAL_ARG, "No matching field found: %s for class %s", method, cls);
  return ex_throw(EXC_ILLEGAL_ARG, "No matching method %s found taking %d args%s%s", method, n, of, cls ? cls : "");
}

Val ex_index(void) { return ex_throw_val(ex_make(EXC_INDEX, NIL, NIL, NIL)); }

/* ---- class names ---- */

static const char *mseq_class(const MSeq *s) {
  if (s->what == 1) return "clojure.lang.APersistentMap$KeySeq";
  if (s->what == 2) return "clojure.lang.APersistentMap$ValSeq";
  return type_info[T_MSEQ].cls;
}

static const char *imm_class(Val v) {
  if (is_char(v)) return "java.lang.Character";
  return is_bool(v) ? "java.lang.Boolean" : "java.lang.Object";
}

static const char *const ref_classes[REF_KINDS] = {"clojure.lang.Ref", "clojure.lang.Agent", "clojure.core$promise$reify", "clojure.core$future_call$reify"};
static const char *const stream_classes[] = {"java.io.StringWriter", "java.lang.StringBuilder", "java.io.PushbackReader", "java.io.PrintWriter", "clojure.lang.LineNumberingPushbackReader"};

const char *class_name_of(Val v) {
  if (is_nil(v)) return NULL;
  if (is_fix(v)) return type_info[T_LONG].cls;
  if (is_flo(v)) return type_info[T_DOUBLE].cls;
  if (is_imm(v)) return imm_class(v);
  const Obj *o = obj(v);
  switch (o->type) {
  case T_BIGINT: return o->flags & 2 ? "java.math.BigInteger" : type_info[T_BIGINT].cls;
  case T_DOUBLE: return o->flags & DBL_FLOAT ? "java.lang.Float" : type_info[T_DOUBLE].cls;
  case T_TMAP: return is_type(((const TMap *)o)->map, T_ARR) ? "clojure.lang.PersistentArrayMap$TransientArrayMap" : type_info[T_TMAP].cls;
  case T_EX: return exc_class_name((enum Exc)((const Ex *)o)->cls);
  case T_MSEQ: return mseq_class((const MSeq *)o);
  case T_RECORD: case T_INSTANCE: return str_s(AS(Sym, AS(Class, ((const Record *)o)->type)->name)->name);
  case T_REF: return ref_classes[o->aux % REF_KINDS];
  case T_JARRAY: return str_s(((const JArray *)o)->cls);
  case T_HOST: return o->aux == HOST_OBJECT && is_str(((const Host *)o)->y) ? str_s(((const Host *)o)->y) : host_classes[o->aux % HOST_KINDS];
  case T_STREAM: return stream_classes[o->aux % 5];
  default: return type_info[o->type].cls;
  }
}
