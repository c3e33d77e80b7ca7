/* unit.c - units: content hash, registry. */
#include "unit.h"
#include "reader/read.h"
#include <stdlib.h>

/* --- hash: two 64-bit lanes over type, text, structure and positions ------------------------------------------------------- */
typedef struct Hash { uint64_t a, b; } Hash;
static void mix(Hash *h, uint64_t x) {
  h->a = (h->a ^ x) * 0x9e3779b97f4a7c15u;
  h->a ^= h->a >> 29;
  h->b = (h->b + x) * 0xc2b2ae3d27d4eb4fu;
  h->b ^= h->b >> 31;
}
static void mix_bytes(Hash *h, const char *s, size_t n) {
  mix(h, n);
  for (size_t i = 0; i < n; i += 8) {
    uint64_t x = 0;
    memcpy(&x, s + i, n - i < 8 ? n - i : 8);
    mix(h, x);
  }
}
static void mix_form(Hash *h, Val v);
static void mix_printed(Hash *h, Val v) {
  Buf b = {0};
  if (!is_sig(print_to(&b, v, &print_readably))) mix_bytes(h, b.p ? b.p : "", b.n);
  buf_free(&b);
}
static void mix_elements(Hash *h, Val v) {
  ValVec xs = {0};
  if (is_sig(coll_into_array(v, &xs))) return;
  mix(h, xs.n);
  for (size_t i = 0; i < xs.n; i++) mix_form(h, xs.a[i]);
}
static void mix_form(Hash *h, Val v) {
  int line, col;
  if (form_pos(v, &line, &col)) mix(h, (uint64_t)line << 32 | (uint32_t)col);
  if (is_entry(v) || is_vec(v)) mix(h, 1), mix_elements(h, v);
  else if (is_map(v)) mix(h, 2), mix_elements(h, v);
  else if (is_set(v)) mix(h, 3), mix_elements(h, v);
  else if (is_seq(v) || is_type(v, T_EMPTY)) mix(h, 4), mix_elements(h, v);
  else if (is_ptr(v)) mix(h, 5 + (uint64_t)type_of(v)), mix_printed(h, v);
  else mix(h, v.w);
}

void unit_hash(Val core, const char *file, Val ns, UnitHash *out) {
  Hash h = {0x243f6a8885a308d3u, 0x13198a2e03707344u};
  mix_bytes(&h, file ? file : "", file ? strlen(file) : 0);
  mix_form(&h, ns);
  mix_form(&h, core);
  memcpy(out->b, &h.a, 8);
  memcpy(out->b + 8, &h.b, 8);
}

const char *file_intern(const char *file) {
  static struct Name { struct Name *next; char text[]; } *names;
  if (!file) return NULL;
  for (struct Name *n = names; n; n = n->next)
    if (!strcmp(n->text, file)) return n->text;
  struct Name *n = malloc(sizeof *n + strlen(file) + 1);
  if (!n) abort();
  strcpy(n->text, file);
  n->next = names;
  names = n;
  return n->text;
}

void unit_hex(const UnitHash *h, char out[33]) {
  for (int i = 0; i < 16; i++) {
    out[2 * i] = "0123456789abcdef"[h->b[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[h->b[i] & 15];
  }
  out[32] = 0;
}

/* --- registry ----------------------------------------------------------------------------------------------------------------- */
static struct { Unit **slots, **list; size_t cap, n, nlist, cap_list; } *reg;

static size_t probe(Unit **slots, size_t cap, const UnitHash *h) {
  uint64_t k;
  memcpy(&k, h->b, 8);
  size_t i = k & (cap - 1);
  while (slots[i] && memcmp(&slots[i]->hash, h, sizeof *h)) i = (i + 1) & (cap - 1);
  return i;
}

Unit *unit_find(const UnitHash *h) { return reg && reg->cap ? reg->slots[probe(reg->slots, reg->cap, h)] : NULL; }

size_t units_registered(Unit *const **list) {
  *list = reg ? reg->list : NULL;
  return reg ? reg->nlist : 0;
}

static void list_add(Unit *u) {
  if (reg->nlist == reg->cap_list) {
    reg->cap_list = reg->cap_list ? reg->cap_list * 2 : 256;
    Unit **grown = mem_alloc(reg->cap_list * sizeof *grown);
    if (reg->nlist) memcpy(grown, reg->list, reg->nlist * sizeof *grown);
    reg->list = grown;
  }
  reg->list[reg->nlist++] = u;
}

void unit_register(Unit *u) {
  if (!reg) reg = mem_root(sizeof *reg);
  list_add(u);
  if (reg->n * 2 >= reg->cap) {
    size_t cap = reg->cap ? reg->cap * 2 : 256;
    Unit **grown = mem_alloc(cap * sizeof *grown);
    for (size_t i = 0; i < reg->cap; i++)
      if (reg->slots[i]) grown[probe(grown, cap, &reg->slots[i]->hash)] = reg->slots[i];
    reg->slots = grown;
    reg->cap = cap;
  }
  size_t i = probe(reg->slots, reg->cap, &u->hash);
  if (!reg->slots[i]) reg->n++;
  reg->slots[i] = u;
}

_Thread_local Val (*unit_loader)(void *ctx, const UnitHash *h);
_Thread_local void *unit_loader_ctx;

Val unit_stored_form(const Unit *u) {
  Val parts[] = {u->core, u->file ? str_c(u->file) : NIL, u->ns, bool_val(u->core_unit)};
  return vec_from(parts, 4);
}

static Unit *no_unit(const UnitHash *h) {
  char hex[33];
  unit_hex(h, hex);
  ex_throw(EXC_STATE, "the code unit %s is not in this database", hex);
  return NULL;
}

/* A definition of the prelude is loaded under its name before its unit is made from the store: the var must be the one that the name
 * gives, or it would stay without a value. false: pend.ex. */
static bool name_first(Val form) {
  Val core = vec_nth(form, 0), ns = vec_nth(form, 2);
  if (!truthy(vec_nth(form, 3)) || !is_type(core, T_LIST) || AS(List, core)->cnt < 2 || !sym_is(AS(List, core)->first, "def")) return true;
  Val name = AS(List, AS(List, core)->rest)->first;
  return !is_sym(name) || !is_sig(env_resolve(env_core(), sym_of(AS(Sym, ns)->name, AS(Sym, name)->name)));
}

Unit *unit_load(Env *env, const UnitHash *h) {
  Unit *u = unit_find(h);
  if (u) return u;
  Val f = unit_loader ? unit_loader(unit_loader_ctx, h) : ABSENT;
  if (is_sig(f)) return NULL;
  if (!is_type(f, T_VEC) || vec_count(f) != 4 || !is_sym(vec_nth(f, 2))) return no_unit(h);
  if (!name_first(f)) return NULL;
  if ((u = unit_find(h))) return u;
  Env *home = truthy(vec_nth(f, 3)) ? env_core() : env;
  Val ns = env_make_ns(home, vec_nth(f, 2)), outer = home->cur_ns;
  home->cur_ns = ns;
  u = analyze(home, vec_nth(f, 0), is_str(vec_nth(f, 1)) ? str_s(vec_nth(f, 1)) : NULL);
  home->cur_ns = outer;
  if (u && memcmp(&u->hash, h, sizeof *h)) return no_unit(h);
  return u;
}
