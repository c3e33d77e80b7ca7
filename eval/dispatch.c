/* dispatch.c - see dispatch.h. */
#include "dispatch.h"
#include "reader/mem.h"
#include "reader/print.h"

/* --- protocols ------------------------------------------------------------------------------------------------------------ */
Val method_new(Val proto_var, Val name, Val full, unsigned flags) {
  Method *m = mem_obj(T_METHOD);
  m->h.flags = (uint8_t)flags;
  m->proto = proto_var;
  m->name = name;
  m->full = full;
  return from_obj(m);
}

static Val proto_key(Val proto, const char *key) { return is_map(proto) ? map_get_kw(proto, key) : NIL; }

/* Of the interfaces that have an implementation and that c is below, the most specific; those that say nothing of one
 * another in the order of the map. */
static Val interface_impl(Val impls, Val c) {
  MapIter it;
  Val k, v, best = NIL, found = NIL;
  map_iter(&it, impls);
  while (map_next(&it, &k, &v)) {
    if (is_nil(k) || !class_is_interface(k) || !class_isa(c, k)) continue;
    if (!is_nil(best) && !class_isa(k, best)) continue;
    best = k;
    found = v;
  }
  return found;
}

static Val extended_impl(Val impls, Val c) {
  if (!is_map(impls)) return NIL;
  TRY(v, map_get(impls, c, NIL));
  if (!is_nil(v) || is_nil(c)) return v;
  Val object = class_host("java.lang.Object");
  for (Val up = class_super(c); !is_nil(up) && !same(up, object); up = class_super(up)) {
    v = map_get(impls, up, NIL);
    if (!is_nil(v)) return v;
  }
  v = interface_impl(impls, c);
  return is_nil(v) ? map_get(impls, object, NIL) : v;
}

static bool implements(Val proto, Val x) { /* directly, in its class */
  Val iface = proto_key(proto, "on-interface");
  return is_user(x) && is_type(iface, T_CLASS) && class_isa(AS(Record, x)->type, iface);
}

Val protocol_impl(Val proto, Val x) {
  if (!is_map(proto)) return NIL;
  return implements(proto, x) ? x : extended_impl(proto_key(proto, "impls"), class_of(x));
}

static Val no_method(const Method *me, Val x) {
  Buf b = {0};
  print_to(&b, me->proto, &print_plain);
  Val r = ex_throw(EXC_ILLEGAL_ARG, "No implementation of method: :%s of protocol: %s found for class: %s",
                   str_s(AS(Kw, me->name)->name), buf_cstr(&b), is_nil(x) ? "nil" : class_name_of(x));
  buf_free(&b);
  return r;
}

static Val abstract_method(const Method *me, Val proto, Val x) {
  return ex_throw(EXC_ABSTRACT,
                  "Receiver class %s does not define or inherit an implementation of the resolved method 'abstract java.lang.Object "
                  "%s()' of interface %s.",
                  class_name_of(x), str_s(AS(Kw, me->name)->name), class_text(proto_key(proto, "on-interface")));
}

/* The implementation for x, or for a reify the place of the field that holds it. */
static Val method_lookup(const Method *me, Val proto, Val x) {
  if (implements(proto, x)) {
    Val f = map_get(AS(Class, AS(Record, x)->type)->methods, me->name, NIL);
    return is_nil(f) ? abstract_method(me, proto, x) : f;
  }
  TRY(impl, protocol_impl(proto, x));
  Val f = is_map(impl) ? map_get(impl, me->name, NIL) : NIL;
  return is_nil(f) ? no_method(me, x) : f;
}

/* --- the cache of a method: [protocol, key, value, key, value ...] ----------------------------------------------------------- */
static void cache_put(Method *me, Val proto, Val key, Val v) {
  Val old = {__atomic_load_n(&me->cache.w, __ATOMIC_ACQUIRE)};
  bool keep = !is_nil(old) && same(AS(Arr, old)->a[0], proto);
  Val fresh = arr_new(keep ? AS(Arr, old)->a : NULL, METHOD_CACHE_VALS);
  Arr *c = AS(Arr, fresh);
  c->a[0] = proto;
  Val *at = method_cache_at(c, key);
  at[0] = key;
  at[1] = v;
  __atomic_store_n(&me->cache.w, fresh.w, __ATOMIC_RELEASE);
}

static Val method_slow(Method *me, Val proto, Val key, Val x) {
  if (!is_map(proto)) return ex_throw(EXC_STATE, "the protocol of %s is not defined", str_s(me->full));
  TRY(v, method_lookup(me, proto, x));
  cache_put(me, proto, key, v);
  return v;
}

/* An implementation in the metadata of x, nil: none. What its class implements comes first. */
static Val meta_impl(const Method *me, Val proto, Val x) {
  Val meta = meta_of(x);
  if (!is_map(meta) || implements(proto, x)) return NIL;
  const char *full = str_s(me->full), *slash = strchr(full, '/');
  return map_get(meta, sym_of(str_new(full, (size_t)(slash - full)), str_c(slash + 1)), NIL);
}

static Val method_find(Method *me, Val x) {
  Val proto = AS(Var, me->proto)->root;
  if (me->h.flags & METHOD_META) {
    TRY(f, meta_impl(me, proto, x));
    if (!is_nil(f)) return f;
  }
  Val v = method_cached(me, x);
  if (same(v, ABSENT)) v = method_slow(me, proto, class_key(x), x);
  return is_fix(v) ? reify_method(x, v) : v;
}

/* --- (.name x ...) --------------------------------------------------------------------------------------------------------- */
static Val no_member(const char *name, int argc, Val x) {
  if (is_nil(x)) return ex_throw(EXC_NULL, "Cannot invoke \"Object.getClass()\" because \"target\" is null");
  if (argc == 1) return ex_throw(EXC_ILLEGAL_ARG, "No matching field found: %s for class %s", name, class_name_of(x));
  return ex_throw(EXC_ILLEGAL_ARG, "No matching method %s found taking %d args for class %s", name, argc - 1, class_name_of(x));
}

/* The member of x that `name` says: a method, or without arguments a field. False: there is none. */
static bool member(Mach *m, uint32_t base, int argc, Val name, bool field_only, Dispatch *d, Val *out) {
  Val x = m->slots[base + 1];
  Val f = field_only ? NIL : user_named(x, name);
  *d = DISPATCH_CALL;
  if (is_nil(f)) {
    int32_t i = argc == 1 && !(class_of(x).w && obj(class_of(x))->flags & CLASS_REIFY) ? rec_field(AS(Record, x), name) : -1;
    if (i < 0) return false;
    *d = DISPATCH_VALUE;
    *out = AS(Record, x)->f[i];
  }
  m->slots[base] = f;
  return true;
}

static Dispatch dot_call(Mach *m, uint32_t base, int argc, const Method *me, Val *out) {
  Val x = argc ? m->slots[base + 1] : NIL;
  Dispatch d;
  if (is_user(x) && member(m, base, argc, me->name, me->h.flags & METHOD_FIELD, &d, out)) return d;
  if (!is_nil(x) && kw_is(me->name, "invoke") && class_instance(class_host("clojure.lang.IFn"), x)) { /* (.invoke f x) */
    memmove(m->slots + base, m->slots + base + 1, (size_t)argc * sizeof(Val));
    return DISPATCH_FEWER;
  }
  Val f = is_user(x) || me->h.flags & METHOD_FIELD ? NIL : env_method(AS(Kw, me->name)->name);
  if (is_sig(f)) {
    *out = f;
    return DISPATCH_SIGNAL;
  }
  if (!is_nil(f)) {
    m->slots[base] = f;
    return DISPATCH_CALL;
  }
  *out = no_member(str_s(AS(Kw, me->name)->name), argc, x);
  return DISPATCH_SIGNAL;
}

/* Host values have their methods in the prelude; builtins of the same name are for other targets. */
static bool host_method(Mach *m, uint32_t base, const Builtin *b, Dispatch *d) {
  Val f = env_method(str_c(b->name + 1));
  if (is_nil(f) || is_sig(f)) return false;
  m->slots[base] = f;
  *d = DISPATCH_CALL;
  return true;
}

bool dispatch_dot(Mach *m, uint32_t base, int argc, const Builtin *b, Dispatch *d, Val *out) {
  if (argc && is_type(m->slots[base + 1], T_HOST)) return host_method(m, base, b, d);
  if (!argc || !is_user(m->slots[base + 1])) return false;
  return member(m, base, argc, kw_c(b->name + 1), false, d, out);
}

/* --- multimethods ------------------------------------------------------------------------------------------------------------ */
static Val hierarchy_now(const Multi *mm) {
  Val h = is_nil(mm->hierarchy) ? env_hierarchy(mach_cur->env) : mm->hierarchy;
  switch (type_of(h)) {
  case T_VAR: return AS(Var, h)->root;
  case T_ATOM: return AS(Atom, h)->val;
  default: return h;
  }
}

/* The method remembered for dispatch value v; ABSENT: not known, perhaps a signal. */
static Val multi_cached(const Multi *mm, Val v) {
  Val cache = {__atomic_load_n(&mm->cache.w, __ATOMIC_ACQUIRE)};
  if (is_nil(cache)) return ABSENT;
  const Arr *c = AS(Arr, cache);
  if (!same(c->a[0], mm->methods) || !same(c->a[1], hierarchy_now(mm)) || !same(c->a[2], mm->prefers)) return ABSENT;
  return map_get(c->a[3], v, ABSENT);
}

static Val multi_remember(Multi *mm, Val v, Val method) {
  Val old = {__atomic_load_n(&mm->cache.w, __ATOMIC_ACQUIRE)}, h = hierarchy_now(mm);
  bool keep = !is_nil(old) && same(AS(Arr, old)->a[0], mm->methods) && same(AS(Arr, old)->a[1], h) && same(AS(Arr, old)->a[2], mm->prefers);
  TRY(map, map_assoc(keep ? AS(Arr, old)->a[3] : map_empty, v, method));
  Val fresh = arr_new((Val[]){mm->methods, h, mm->prefers, map}, 4);
  __atomic_store_n(&mm->cache.w, fresh.w, __ATOMIC_RELEASE);
  return NIL;
}

static Val no_multi_method(const Multi *mm, Val v) {
  Buf b = {0};
  if (is_nil(v)) buf_c(&b, "null");
  else CHECK(print_str_of(&b, v));
  Val r = ex_throw(EXC_ILLEGAL_ARG, "No method in multimethod '%s' for dispatch value: %s", str_s(mm->name), buf_cstr(&b));
  buf_free(&b);
  return r;
}

/* slots: arguments | dispatch value */
static Val multi_step(Mach *m, uint32_t pc, Val *s, Val in) {
  enum { DISPATCHED = 1, FOUND, DONE, LOOK };
  Multi *mm = AS(Multi, s[-1]);
  const Val *args = is_nil(s[0]) ? NULL : AS(Arr, s[0])->a;
  uint32_t n = is_nil(s[0]) ? 0 : AS(Arr, s[0])->n;
  if (pc == DONE) return in;
  if (pc == 0) return nf_calln(m, DISPATCHED, mm->dispatch, args, n);
  if (pc == DISPATCHED) s[1] = in;
  if (pc == FOUND && is_nil(in)) return no_multi_method(mm, s[1]);
  if (pc == FOUND) CHECK(multi_remember(mm, s[1], in));
  m->nf_pc = LOOK; /* where to go on when the value is found to be lazy */
  TRY(method, pc == FOUND ? in : multi_cached(mm, s[1]));
  if (!same(method, ABSENT)) return nf_calln(m, DONE, method, args, n);
  TRY(find, env_resolve(m->env, sym_new("breyta.multi", "find")));
  return nf_call2(m, FOUND, AS(Var, find)->root, s[-1], s[1]);
}
const NativeDef nd_multi = {"breyta/multi", 1, 0, 0, true, false, 1, multi_step};

/* With one argument, a dispatch function that needs no frame and a value seen before, the method is called at once. */
static Dispatch multi_call(Mach *m, uint32_t base, int argc, const NativeDef **native) {
  const Multi *mm = AS(Multi, m->slots[base]);
  *native = &nd_multi;
  if (argc != 1) return DISPATCH_NATIVE;
  Val v = fast_call1(mm->dispatch, m->slots[base + 1]);
  if (is_sig(v) || same(v, ABSENT)) return DISPATCH_NATIVE; /* where errors have their place in the trace */
  Val method = multi_cached(mm, v);
  if (is_sig(method) || same(method, ABSENT)) return DISPATCH_NATIVE;
  m->slots[base] = method;
  return DISPATCH_CALL;
}

/* --- instances as functions ---------------------------------------------------------------------------------------------------- */
static Dispatch invoke(Mach *m, uint32_t base, int *argc, Val *out) {
  Val x = m->slots[base], f = user_method(x, UM_INVOKE);
  if (is_nil(f) && *argc == 2) f = user_method(x, UM_COMPARE); /* a java.util.Comparator given to sort and the like */
  if (is_nil(f)) {
    *out = ex_cast(x, "clojure.lang.IFn");
    return DISPATCH_SIGNAL;
  }
  uint32_t n = (uint32_t)*argc;
  slots_need(m, base + n + 2);
  memmove(m->slots + base + 2, m->slots + base + 1, n * sizeof(Val));
  m->slots[base + 1] = x;
  m->slots[base] = f;
  *argc += 1;
  if (m->live < base + n + 2) m->live = base + n + 2;
  return DISPATCH_CALL;
}

Dispatch dispatch(Mach *m, uint32_t base, int *argc, Val *out, const NativeDef **native) {
  Val f = m->slots[base];
  if (is_type(f, T_MULTI)) return multi_call(m, base, *argc, native);
  if (!is_type(f, T_METHOD)) return invoke(m, base, argc, out);
  Method *me = AS(Method, f);
  if (is_nil(me->proto)) {
    Dispatch d = dot_call(m, base, *argc, me, out);
    if (d != DISPATCH_FEWER) return d;
    *argc -= 1;
    return DISPATCH_CALL;
  }
  *out = *argc ? method_find(me, m->slots[base + 1]) : ex_arity(0, str_s(me->full));
  if (is_sig(*out)) return DISPATCH_SIGNAL;
  m->slots[base] = *out;
  return DISPATCH_CALL;
}

/* --- calls that C functions asked for -------------------------------------------------------------------------------------------- */
/* slots: [f arg ...], the answers there were before */
static Val answer_step(Mach *m, uint32_t pc, Val *s, Val in) {
  if (pc == 0) {
    const Arr *call = AS(Arr, s[0]);
    s[1] = pend.answers;
    pend.answers = NIL;
    return nf_calln(m, 1, call->a[0], call->a + 1, call->n - 1);
  }
  const Arr *call = AS(Arr, s[0]);
  Val a = arr_new(NULL, call->n + 1);
  AS(Arr, a)->a[0] = in;
  memcpy(AS(Arr, a)->a + 1, call->a, call->n * sizeof(Val));
  pend.answers = vec_conj(is_nil(s[1]) ? vec_empty : s[1], a);
  pend.answer_at = 0;
  return NIL;
}
const NativeDef nd_answer = {"breyta/answer", 1, 0, 0, false, false, 2, answer_step};
