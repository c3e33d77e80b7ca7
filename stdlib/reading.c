/* reading.c - text to data at run time: read-string, read and their EDN kin. The reader is C and calls no Clojure code: a tag whose
 * reader function is not a plain builtin becomes a marked T_TAGGED, and breyta.read/resolve calls the functions afterwards, the
 * innermost first. */
#include "stdlib.h"
#include "hof.h"
#include "streams.h"
#include "textops.h"
#include "eval/unit.h"
#include "reader/mem.h"
#include "reader/read.h"

enum { TAGGED_WAITS = 1 }; /* flag of a T_TAGGED whose reader function is still to be called */

typedef struct Reading {
  Val readers, otherwise; /* map tag -> function, and the function of all other tags; nil: none */
  bool edn;
  bool waits;             /* a marked T_TAGGED has been made */
} Reading;

/* ---- tags ---- */

static const Builtin *plain_builtin(Val f) {
  const Builtin *b = is_type(f, T_BUILTIN) ? AS(BuiltinObj, f)->def : NULL;
  return b && (b->flags & B_PURE) && !b->native && !b->macro ? b : NULL;
}

static Val tag_read(void *ctx, Val tag, Val form) {
  Reading *rd = ctx;
  if (!rd->edn) {
    TRY(record, env_read_tag(mach_cur->env, tag, form));
    if (!same(record, ABSENT)) return record;
  }
  TRY(own, coll_get(rd->readers, tag, NIL));
  Val f = is_nil(own) ? rd->otherwise : own, two[2] = {tag, form};
  if (is_nil(f)) {
    TRY(name, arg_str_of(tag));
    return ex_throw(EXC_RUNTIME, "No reader function for tag %s", str_s(name));
  }
  const Builtin *b = rd->waits ? NULL : plain_builtin(f);
  if (b) return is_nil(own) ? builtin_call(b, 2, two) : builtin_call(b, 1, &form);
  rd->waits = true;
  Tagged *t = mem_obj(T_TAGGED);
  t->h.flags = TAGGED_WAITS;
  t->tag = tag;
  t->form = form;
  return from_obj(t);
}

DOC(waiting, "[x]", "Is x a tagged form whose reader function is still to be called?", "(breyta.read/waiting? (tagged-literal 'a 1)) ;=> false");
static Val reading_waiting(Val x) { return bool_val(is_type(x, T_TAGGED) && (obj(x)->flags & TAGGED_WAITS)); }

static Val dynamic_var(const char *name) {
  TRY(var, env_resolve(mach_cur->env, sym_new("clojure.core", name)));
  return var_get(var);
}

/* The readers of source text are those that *data-readers* says, of EDN those of the options. */
static Val reading_of(Reading *rd, bool edn, Val opts) {
  *rd = (Reading){NIL, NIL, edn, false};
  if (edn) {
    rd->readers = map_get_kw(opts, "readers");
    rd->otherwise = map_get_kw(opts, "default");
    return NIL;
  }
  if (is_nil(mach_cur->bindings)) return NIL; /* nothing is bound: the roots are empty */
  TRY(readers, dynamic_var("*data-readers*"));
  TRY(otherwise, dynamic_var("*default-data-reader-fn*"));
  rd->readers = readers;
  rd->otherwise = otherwise;
  return NIL;
}

/* The next form of a text that ends in a NUL; *used: bytes read. ABSENT: there is none. */
static Val read_text(Reading *rd, bool edn, const char *text, size_t n, size_t *used, bool *unfinished) {
  Reader r;
  read_init(&r, text, n, NULL);
  r.natural_kinds = true;
  Env *e = mach_cur->env;
  Val outer = e->cur_ns;
  e->cur_ns = env_ns(e);
  if (edn) r.edn = true;
  else env_reader(e, &r);
  r.positions = false;
  if (edn || !is_nil(rd->readers) || !is_nil(rd->otherwise)) {
    r.tag_read = tag_read;
    r.tag_readers = is_map(rd->readers) ? rd->readers : NIL;
    r.resolve = NULL; /* syntax-quote and tags share the context: tags need it more */
    r.gensym = NULL;
    r.ctx = rd;
  }
  Val form = read_next(&r);
  *unfinished = is_sig(form) && r.eof;
  *used = (size_t)(r.p - text);
  e->cur_ns = outer;
  return form;
}

/* ---- the functions; all end in the same way ---- */

static Val no_form(Val eof) { return same(eof, ABSENT) ? ex_throw_kind(EXC_RUNTIME, KIND_RUNTIME, "EOF while reading") : eof; }

/* Calls the reader functions that still wait. */
static Val finish(Mach *m, const Reading *rd, Val form) {
  if (!rd->waits) return form;
  TRY(f, hof_core("breyta.read/resolve"));
  return nf_call3(m, 1, f, form, rd->readers, rd->otherwise);
}

/* What {:eof x} says: ABSENT for none, or for :eofthrow. */
static Val eof_option(Val opts) {
  CHECK(arg_map(opts));
  Val eof = is_nil(opts) ? ABSENT : map_get(opts, kw_c("eof"), ABSENT);
  return kw_is(eof, "eofthrow") ? ABSENT : eof;
}

static Val from_string(Mach *m, bool edn, Val opts, Val eof, Val s) {
  Reading rd;
  size_t used;
  bool unfinished;
  CHECK(arg_str(s, "String.length()", "s"));
  CHECK(reading_of(&rd, edn, opts));
  TRY(form, read_text(&rd, edn, str_s(s), str_n(s), &used, &unfinished));
  return same(form, ABSENT) ? no_form(eof) : finish(m, &rd, form);
}

DOC(read_string, "[s] [opts s]", "The first form that the string says, as data. Options: :eof value. Tags are read as *data-readers* says.",
    "(read-string \"(+ 1 2) 3\") ;=> (+ 1 2)\n(read-string \"(1\") ;!> runtime\n"
    "(binding [*data-readers* {'twice (fn [x] (* 2 x))}] (read-string \"[#twice 4]\")) ;=> [8]");
static Val read_string_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc) return in;
  if (same(s[1], ABSENT)) return from_string(m, false, NIL, ABSENT, s[0]);
  Val eof = eof_option(s[0]);
  return is_sig(eof) ? eof : from_string(m, false, NIL, eof, s[1]);
}
static const NativeDef nd_read_string = {"clojure.core/read-string", 1, 1, 2, false, false, 0, read_string_step};

DOC(read_edn, "[s] [opts s]",
    "The first EDN form that the string says, nil if there is none. Options: :eof value, :readers map of tags to functions, :default "
    "function of the tag and the form.",
    "(clojure.edn/read-string \"{:a 1}\") ;=> {:a 1}\n(clojure.edn/read-string {:eof :done} \"\") ;=> :done\n(clojure.edn/read-string "
    "\"[1\") ;!> runtime\n(clojure.edn/read-string {:readers {'twice (fn [x] (* 2 x))}} \"{:a #twice 4}\") ;=> {:a 8}");
static Val read_edn_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc) return in;
  bool plain = same(s[1], ABSENT);
  Val text = plain ? s[0] : s[1];
  if (!truthy(text)) return NIL;
  if (!is_str(text)) return ex_cast(text, "java.lang.String");
  Val eof = plain ? NIL : eof_option(s[0]);
  if (is_sig(eof)) return eof;
  return from_string(m, true, plain ? NIL : s[0], eof, text);
}
static const NativeDef nd_read_edn = {"clojure.edn/read-string", 1, 1, 2, false, false, 0, read_edn_step};

/* From a reader. *text (if asked for): what the form was read from. */
static Val from_reader(Mach *m, bool edn, Val opts, Val eof, Val v, Val *text) {
  Reading rd;
  size_t used;
  CHECK(stream_reader(v, "java.io.PushbackReader"));
  CHECK(reading_of(&rd, edn, opts));
  Stream *st = AS(Stream, v);
  Val form = ABSENT;
  for (;;) { /* a form may go on behind the line */
    bool unfinished = false;
    form = read_text(&rd, edn, str_s(st->text) + st->pos, str_n(st->text) - st->pos, &used, &unfinished);
    if (!unfinished && !same(form, ABSENT)) break;
    Val ex = pend.ex, more = stream_more(v);
    if (is_sig(more)) return more;
    if (truthy(more)) continue;
    pend.ex = ex;
    break;
  }
  if (is_sig(form)) return form;
  if (text) *text = text_trim(str_new(str_s(st->text) + st->pos, used), true, false);
  st->pos += (uint32_t)used;
  return same(form, ABSENT) ? no_form(eof) : finish(m, &rd, form);
}

DOC(read, "[] [stream] [opts stream] [stream eof-error? eof-value] [stream eof-error? eof-value recursive?]",
    "The next form of a reader, *in* without one. At its end an error, or the value of :eof or eof-value.",
    "(with-in-str \"(+ 1 2) x\" [(read) (read)]) ;=> [(+ 1 2) x]\n(read (java.io.PushbackReader. (java.io.StringReader. \"\")) false :end) ;=> :end\n"
    "(read {:eof :end} (java.io.PushbackReader. (java.io.StringReader. \"\"))) ;=> :end");
static Val read_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc) return in;
  if (!same(s[2], ABSENT)) return from_reader(m, false, NIL, truthy(s[1]) ? ABSENT : s[2], s[0], NULL);
  if (!same(s[1], ABSENT)) {
    Val eof = eof_option(s[0]);
    return is_sig(eof) ? eof : from_reader(m, false, NIL, eof, s[1], NULL);
  }
  TRY(from, same(s[0], ABSENT) ? stream_in() : s[0]);
  return from_reader(m, false, NIL, ABSENT, from, NULL);
}
static const NativeDef nd_read = {"clojure.core/read", 1, 0, 4, false, false, 0, read_step};

DOC(edn_read, "[stream] [opts stream]", "The next EDN form of a reader. At its end an error, or the value of :eof. Options as of read-string.",
    "(clojure.edn/read (java.io.PushbackReader. (java.io.StringReader. \"{:a 1}\"))) ;=> {:a 1}");
static Val edn_read_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc) return in;
  if (same(s[1], ABSENT)) return from_reader(m, true, NIL, ABSENT, s[0], NULL);
  Val eof = eof_option(s[0]);
  return is_sig(eof) ? eof : from_reader(m, true, s[0], eof, s[1], NULL);
}
static const NativeDef nd_edn_read = {"clojure.edn/read", 1, 1, 2, false, false, 0, edn_read_step};

DOC(read_and_text, "[] [stream] [stream eof-error? eof-value]", "[form text]: the next form of a reader and what it was read from.",
    "(read+string (java.io.PushbackReader. (java.io.StringReader. \" (+ 1 2) x\"))) ;=> [(+ 1 2) \"(+ 1 2)\"]");
/* slots: stream, eof-error?, eof-value | text */
static Val read_and_text_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    TRY(from, same(s[0], ABSENT) ? stream_in() : s[0]);
    Val eof = same(s[2], ABSENT) || truthy(s[1]) ? ABSENT : s[2];
    in = from_reader(m, false, NIL, eof, from, &s[3]);
    if (is_sig(in)) return in;
  }
  return vec_from((Val[]){in, s[3]}, 2);
}
static const NativeDef nd_read_and_text = {"clojure.core/read+string", 1, 0, 3, false, false, 1, read_and_text_step};

DOC(read_date, "[cs]", "The instant that a timestamp says.", "(clojure.instant/read-instant-date \"2020\") ;=> #inst \"2020-01-01T00:00:00.000-00:00\"");
static Val reading_date(Val s) {
  CHECK(arg_str(s, "CharSequence.length()", "cs"));
  return inst_parse(s);
}

const BuiltinRow rows_reading[] = {
    ROW_NATIVE("read-string", nd_read_string, read_string, B_IMPURE),
    ROW_NATIVE("clojure.edn/read-string", nd_read_edn, read_edn, B_IMPURE),
    ROW_NATIVE("read", nd_read, read, B_IMPURE),
    ROW_NATIVE("clojure.edn/read", nd_edn_read, edn_read, B_IMPURE),
    ROW_NATIVE("read+string", nd_read_and_text, read_and_text, B_IMPURE),
    ROW1("breyta.read/waiting?", reading_waiting, waiting, B_PURE),
    ROW1("clojure.instant/read-instant-date", reading_date, read_date, B_PURE),
    ROW1("clojure.instant/read-instant-calendar", reading_date, read_date, B_PURE),
    ROW1("clojure.instant/read-instant-timestamp", reading_date, read_date, B_PURE),
    ROW_END};
