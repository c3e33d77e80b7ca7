/* text.c - see text.h. Strings and their UTF-8, the intern tables of keywords and symbols, and Buf.
 *
 * Interning: one open-addressing table for each of the two types, guarded by a mutex each, in malloc'ed memory that the
 * collector does not trace; mem.c clears the slots of dead objects while the world is stopped (MemWeak in mem.h). A table
 * never shrinks below what is alive in it; tombs go when it is rebuilt. */
#include "text.h"
#include "hash.h"
#include "mem.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOW_BITS 0x0101010101010101u
#define HIGH_BITS 0x8080808080808080u

static inline uint64_t load8(const char *p) {
  uint64_t w;
  memcpy(&w, p, 8);
  return w;
}

/* ---- UTF-8 ---- */

uint32_t utf8_next(const char **p) {
  const uint8_t *s = (const uint8_t *)*p;
  if (s[0] < 0x80) {
    *p += 1;
    return s[0];
  }
  if (s[0] < 0xe0) {
    *p += 2;
    return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
  }
  if (s[0] < 0xf0) {
    *p += 3;
    return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
  }
  *p += 4;
  return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
}

int utf8_put(char *out, uint32_t cp) {
  if (cp < 0x80) {
    out[0] = (char)cp;
    return 1;
  }
  int n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  for (int i = n - 1; i > 0; i--, cp >>= 6) out[i] = (char)(0x80 | (cp & 0x3f));
  out[0] = (char)((0xf00u >> n) | cp);
  return n;
}

/* Length of the sequence at p if it is valid; else minus the length of its longest valid beginning (at least 1), which
 * is what one U+FFFD stands for. */
static int seq_length(const uint8_t *p, const uint8_t *end) {
  uint8_t c = p[0], lo = 0x80, hi = 0xbf;
  if (c < 0x80) return 1;
  int n = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
  if (!n) return -1;
  if (c == 0xe0) lo = 0xa0;
  if (c == 0xed) hi = 0x9f; /* no surrogates */
  if (c == 0xf0) lo = 0x90;
  if (c == 0xf4) hi = 0x8f;
  for (int i = 1; i < n; i++, lo = 0x80, hi = 0xbf)
    if (p + i >= end || p[i] < lo || p[i] > hi) return -i;
  return n;
}

static size_t ascii_prefix(const char *s, size_t n) {
  size_t i = 0;
  while (i + 8 <= n && !(load8(s + i) & HIGH_BITS)) i += 8;
  while (i < n && !(s[i] & 0x80)) i++;
  return i;
}

/* Where the first bad sequence starts; n if there is none. */
static size_t valid_prefix(const char *s, size_t n) {
  size_t i = ascii_prefix(s, n);
  while (i < n) {
    int k = seq_length((const uint8_t *)s + i, (const uint8_t *)s + n);
    if (k < 0) return i;
    i += (size_t)k;
    if (k == 1) i += ascii_prefix(s + i, n - i);
  }
  return n;
}

bool utf8_valid(const char *s, size_t n) { return valid_prefix(s, n) == n; }

size_t utf8_whole(const char *s, size_t n) {
  size_t at = n;
  while (at && n - at < 3 && ((unsigned char)s[at - 1] & 0xc0) == 0x80) at--;
  unsigned char lead = at ? (unsigned char)s[at - 1] : 0;
  size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return want > n - at + 1 ? at - 1 : n;
}

/* Code points begin at every byte that is not 10xxxxxx. */
static size_t count_chars(const char *s, size_t n) {
  size_t i = 0, cont = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t w = load8(s + i);
    cont += (((w & ~(w << 1) & HIGH_BITS) >> 7) * LOW_BITS) >> 56;
  }
  for (; i < n; i++) cont += (s[i] & 0xc0) == 0x80;
  return n - cont;
}

/* ---- strings ---- */

static Val str_raw(const char *s, size_t n, size_t nchars) {
  if (n >= UINT32_MAX) mem_exhausted(n);
  Str *o = mem_obj_n(T_STR, (uint32_t)n);
  o->nchars = (uint32_t)nchars;
  if (nchars == n) o->h.flags = STR_ASCII;
  if (n) memcpy(o->s, s, n);
  return from_obj(o);
}

static Val str_repaired(const char *s, size_t n) {
  Buf b = {0};
  while (n) {
    size_t ok = valid_prefix(s, n);
    buf_add(&b, s, ok);
    s += ok;
    n -= ok;
    if (!n) break;
    int bad = -seq_length((const uint8_t *)s, (const uint8_t *)s + n);
    buf_cp(&b, 0xfffd);
    s += bad;
    n -= (size_t)bad;
  }
  return buf_str(&b);
}

Val str_new(const char *s, size_t n) {
  size_t ascii = ascii_prefix(s, n);
  if (ascii == n) return str_raw(s, n, n);
  if (!utf8_valid(s + ascii, n - ascii)) return str_repaired(s, n);
  return str_raw(s, n, ascii + count_chars(s + ascii, n - ascii));
}

Val str_c(const char *s) { return str_new(s, strlen(s)); }

Val str_fmt(const char *fmt, ...) {
  Buf b = {0};
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  buf_vfmt(&b, fmt, ap, again);
  va_end(again);
  va_end(ap);
  return buf_str(&b);
}

bool str_eq_c(Val v, const char *s) {
  if (!is_str(v)) return false;
  size_t n = strlen(s);
  return n == str_n(v) && !memcmp(str_s(v), s, n);
}

/* Bytes order code points; UTF-16 puts supplementary characters (surrogates, d800-dfff) below U+E000-U+FFFF. Where the
 * texts first differ in the lead byte, that is f0-f4 against ee or ef; in a later byte both are of one sort. */
int str_cmp(Val a, Val b) {
  const uint8_t *p = (const uint8_t *)str_s(a), *q = (const uint8_t *)str_s(b);
  size_t n = str_n(a) < str_n(b) ? str_n(a) : str_n(b), i = 0;
  while (i + 8 <= n && load8((const char *)p + i) == load8((const char *)q + i)) i += 8;
  while (i < n && p[i] == q[i]) i++;
  if (i == n) return (str_n(a) > str_n(b)) - (str_n(a) < str_n(b));
  bool lower = p[i] < q[i];
  if (p[i] >= 0xee && q[i] >= 0xee && (p[i] >= 0xf0) != (q[i] >= 0xf0)) lower = !lower;
  return lower ? -1 : 1;
}

static size_t skip_chars(const char *s, size_t n, size_t count) {
  size_t i = 0;
  while (count >= 8 && i + 8 <= n) {
    uint64_t w = load8(s + i);
    count -= 8 - ((((w & ~(w << 1) & HIGH_BITS) >> 7) * LOW_BITS) >> 56);
    i += 8;
  }
  while (i < n && (s[i] & 0xc0) == 0x80) i++; /* the words above may have ended inside a character */
  for (; count && i < n; count--) {
    i++;
    while (i < n && (s[i] & 0xc0) == 0x80) i++;
  }
  return i;
}

static size_t skip_back(const char *s, size_t n, size_t count) {
  while (count) count -= (s[--n] & 0xc0) != 0x80;
  return n;
}

size_t str_byte_of(Val s, uint32_t index) {
  const Str *o = AS(Str, s);
  if (o->h.flags & STR_ASCII) return index;
  if (index > o->nchars / 4 * 3) return skip_back(o->s, o->n, o->nchars - index);
  return skip_chars(o->s, o->n, index);
}

Val str_sub(Val s, uint32_t from, uint32_t to) {
  const Str *o = AS(Str, s);
  if (from == 0 && to == o->nchars) return s;
  size_t a = str_byte_of(s, from);
  size_t n = o->h.flags & STR_ASCII ? to - from : skip_chars(o->s + a, o->n - a, to - from);
  return str_raw(AS(Str, s)->s + a, n, to - from);
}

/* ---- hashes ---- */

uint32_t str_hash_java(const char *s, size_t n) {
  uint32_t h = 0;
  size_t ascii = ascii_prefix(s, n);
  for (size_t i = 0; i < ascii; i++) h = h * 31 + (uint8_t)s[i];
  const char *p = s + ascii, *end = s + n;
  while (p < end) {
    uint32_t c = utf8_next(&p);
    if (c >= 0x10000) {
      h = h * 31 + (0xd7c0 + (c >> 10));
      c = 0xdc00 | (c & 0x3ff);
    }
    h = h * 31 + c;
  }
  return h;
}

typedef struct Units { uint32_t h, held, len; } Units;

static inline void put_unit(Units *u, uint32_t unit) {
  if (u->len++ & 1) u->h = hash_mix_h1(u->h, hash_mix_k1(u->held | unit << 16));
  else u->held = unit;
}

/* Murmur3.hashUnencodedChars */
static uint32_t murmur_units(const char *s, size_t n) {
  Units u = {0};
  const char *p = s, *end = s + n;
  while (p < end) {
    uint32_t c = utf8_next(&p);
    if (c >= 0x10000) {
      put_unit(&u, 0xd7c0 + (c >> 10));
      c = 0xdc00 | (c & 0x3ff);
    }
    put_unit(&u, c);
  }
  if (u.len & 1) u.h ^= hash_mix_k1(u.held);
  return hash_fmix(u.h, 2 * u.len);
}

typedef struct Text { const char *s; size_t n; } Text; /* s NULL: absent */

static uint32_t name_hash(enum Type type, Text ns, Text name) {
  uint32_t seed = murmur_units(name.s, name.n), h = ns.s ? str_hash_java(ns.s, ns.n) : 0;
  seed ^= h + 0x9e3779b9u + (seed << 6) + (uint32_t)((int32_t)seed >> 2);
  return type == T_KW ? seed + 0x9e3779b9u : seed;
}

/* ---- interning ---- */

typedef struct Table {
  MemWeak w;
  size_t used; /* slots that are not empty, tombs included */
  enum Type type;
  pthread_mutex_t lock;
} Table;

static Table keywords = {.type = T_KW, .lock = PTHREAD_MUTEX_INITIALIZER};
static Table symbols = {.type = T_SYM, .lock = PTHREAD_MUTEX_INITIALIZER};
enum { TABLE_MIN = 1024 };

static inline void *slot_get(const MemSlot *s) { return __atomic_load_n(&s->o, __ATOMIC_RELAXED); }

static void slot_put(MemSlot *s, uint32_t hash, void *o) {
  s->hash = hash;
  __atomic_store_n(&s->o, o, __ATOMIC_RELAXED);
}

static size_t count_live(const MemSlot *s, size_t n) {
  size_t live = 0;
  for (size_t i = 0; i < n; i++) live += slot_get(&s[i]) > MEM_TOMB;
  return live;
}

static size_t move_live(const MemSlot *from, size_t n, MemSlot *to, size_t mask) {
  size_t moved = 0;
  for (size_t i = 0; i < n; i++) {
    void *o = slot_get(&from[i]);
    if (o <= MEM_TOMB) continue;
    size_t j = from[i].hash & mask;
    while (slot_get(&to[j])) j = (j + 1) & mask;
    slot_put(&to[j], from[i].hash, o);
    moved++;
  }
  return moved;
}

/* The collector may stop us anywhere in here and sweep: both arrays are on show, with lengths that fit, all the time. */
static void publish(MemSlot **p, size_t *n, MemSlot *slots, size_t count) {
  __atomic_store_n(n, 0, __ATOMIC_RELEASE);
  __atomic_store_n(p, slots, __ATOMIC_RELEASE);
  __atomic_store_n(n, count, __ATOMIC_RELEASE);
}

static void table_rebuild(Table *t) {
  MemSlot *old = t->w.cur;
  size_t live = count_live(old, t->w.ncur), cap = TABLE_MIN;
  if (!old) mem_weak_add(&t->w);
  while (cap < live * 2) cap *= 2;
  MemSlot *fresh = mem_raw(cap * sizeof *fresh);
  memset(fresh, 0, cap * sizeof *fresh);
  publish(&t->w.next, &t->w.nnext, fresh, cap);
  t->used = move_live(old, t->w.ncur, fresh, cap - 1);
  publish(&t->w.cur, &t->w.ncur, fresh, cap);
  publish(&t->w.next, &t->w.nnext, NULL, 0);
  free(old);
}

static bool text_is(Val v, Text t) {
  if (is_nil(v)) return !t.s;
  return t.s && str_n(v) == t.n && !memcmp(str_s(v), t.s, t.n);
}

void kw_each(void (*f)(Val kw, void *ctx), void *ctx) {
  Table *t = &keywords;
  pthread_mutex_lock(&t->lock);
  size_t n = 0, cap = t->w.ncur;
  Val *all = mem_alloc((cap ? cap : 1) * sizeof *all); /* held there while f runs without the lock */
  for (size_t i = 0; i < cap && i < t->w.ncur; i++) {
    void *o = slot_get(&t->w.cur[i]);
    if (o > MEM_TOMB) all[n++] = from_obj(o);
  }
  pthread_mutex_unlock(&t->lock);
  for (size_t i = 0; i < n; i++) f(all[i], ctx);
}

/* The slot of that name: occupied by it, or the first free one (a tomb or empty). */
static MemSlot *table_find(Table *t, uint32_t hash, Text ns, Text name, Val *found) {
  MemSlot *tomb = NULL;
  size_t mask = t->w.ncur - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    MemSlot *s = &t->w.cur[i];
    void *o = slot_get(s);
    if (!o) return tomb ? tomb : s;
    if (o == MEM_TOMB) {
      if (!tomb) tomb = s;
    } else if (s->hash == hash && text_is(((Kw *)o)->ns, ns) && text_is(((Kw *)o)->name, name)) {
      *found = from_obj(o);
      return s;
    }
  }
}

/* Kw and Sym begin alike. nsv and namev: the strings if the caller has them already, else nil. */
static Val table_add(Table *t, MemSlot *s, uint32_t hash, Text ns, Text name, Val nsv, Val namev) {
  if (ns.s && is_nil(nsv)) nsv = str_new(ns.s, ns.n);
  if (is_nil(namev)) namev = str_new(name.s, name.n);
  Kw *k = mem_obj(t->type);
  k->h.hash = hash;
  k->ns = nsv;
  k->name = namev;
  if (!slot_get(s)) t->used++;
  slot_put(s, hash, k);
  return from_obj(k);
}

static Val intern(Table *t, Text ns, Text name, Val nsv, Val namev) {
  uint32_t hash = name_hash(t->type, ns, name);
  Val v = NIL;
  pthread_mutex_lock(&t->lock);
  if (t->used * 4 >= t->w.ncur * 3) table_rebuild(t);
  MemSlot *s = table_find(t, hash, ns, name, &v);
  if (is_nil(v)) v = table_add(t, s, hash, ns, name, nsv, namev);
  pthread_mutex_unlock(&t->lock);
  return v;
}

static Val intern_strs(Table *t, Val ns, Val name) {
  Text a = {0};
  if (!is_nil(ns)) a = (Text){str_s(ns), str_n(ns)};
  return intern(t, a, (Text){str_s(name), str_n(name)}, ns, name);
}

static Val intern_text(Table *t, Text ns, Text name) {
  bool ok = utf8_valid(name.s, name.n) && (!ns.s || utf8_valid(ns.s, ns.n));
  if (ok) return intern(t, ns, name, NIL, NIL);
  return intern_strs(t, ns.s ? str_new(ns.s, ns.n) : NIL, str_new(name.s, name.n));
}

static Text text_c(const char *s) { return (Text){s, s ? strlen(s) : 0}; }

/* As Clojure's Symbol.intern: at the first slash, except in "/" itself. */
static Val intern_split(Table *t, const char *s, size_t n) {
  const char *slash = n == 1 ? NULL : memchr(s, '/', n);
  if (!slash) return intern_text(t, (Text){0}, (Text){s, n});
  size_t k = (size_t)(slash - s);
  return intern_text(t, (Text){s, k}, (Text){slash + 1, n - k - 1});
}

/* Only what is there; the collector takes away what nobody holds. */
Val kw_find(Val ns, Val name) {
  Text a = {0}, b = {str_s(name), str_n(name)};
  if (!is_nil(ns)) a = (Text){str_s(ns), str_n(ns)};
  Val v = NIL;
  pthread_mutex_lock(&keywords.lock);
  if (keywords.w.ncur) table_find(&keywords, name_hash(T_KW, a, b), a, b, &v);
  pthread_mutex_unlock(&keywords.lock);
  return v;
}

Val kw_new(const char *ns, const char *name) { return intern_text(&keywords, text_c(ns), text_c(name)); }
Val kw_of(Val ns, Val name) { return intern_strs(&keywords, ns, name); }
Val kw_parse(const char *s, size_t n) { return intern_split(&keywords, s, n); }
Val sym_new(const char *ns, const char *name) { return intern_text(&symbols, text_c(ns), text_c(name)); }
Val sym_c(const char *name) { return intern_text(&symbols, (Text){0}, text_c(name)); }
Val sym_of(Val ns, Val name) { return intern_strs(&symbols, ns, name); }
Val sym_parse(const char *s, size_t n) { return intern_split(&symbols, s, n); }

static bool same_text(Val a, Val b) {
  if (same(a, b)) return true;
  if (is_nil(a) || is_nil(b)) return false;
  return str_n(a) == str_n(b) && !memcmp(str_s(a), str_s(b), str_n(a));
}

bool sym_eq(Val a, Val b) {
  if (same(a, b)) return true;
  return same_text(AS(Sym, a)->name, AS(Sym, b)->name) && same_text(AS(Sym, a)->ns, AS(Sym, b)->ns);
}

bool sym_is(Val v, const char *name) { return is_sym(v) && is_nil(AS(Sym, v)->ns) && str_eq_c(AS(Sym, v)->name, name); }
const char *kw_text(Val v) {
  if (is_kw(v)) return str_s(AS(Kw, v)->name);
  if (is_sym(v)) return str_s(AS(Sym, v)->name);
  return is_str(v) ? str_s(v) : "";
}

const char *id_text(Val v) {
  if (!is_kw(v) || is_nil(AS(Kw, v)->ns)) return kw_text(v);
  return str_s(str_fmt("%s/%s", str_s(AS(Kw, v)->ns), str_s(AS(Kw, v)->name)));
}

/* The keywords that C code asked for last, by the address of their text, which is mostly a literal's: no lock and no table. What is found
 * there counts only if it has that name, so it does not matter who wrote it or when. */
enum { NEAR_BITS = 10 };
static Val near[1 << NEAR_BITS];

Val kw_c(const char *name) {
  Val *at = &near[(uint64_t)(uintptr_t)name * 0x9e3779b97f4a7c15u >> (64 - NEAR_BITS)];
  Val v = {__atomic_load_n(&at->w, __ATOMIC_ACQUIRE)};
  if (v.w && kw_is(v, name)) return v;
  v = intern_text(&keywords, (Text){0}, text_c(name));
  __atomic_store_n(&at->w, v.w, __ATOMIC_RELEASE);
  return v;
}

bool kw_is(Val v, const char *name) { return is_kw(v) && is_nil(AS(Kw, v)->ns) && str_eq_c(AS(Kw, v)->name, name); }

/* ---- Buf ---- */

static __attribute__((noinline)) void buf_grow(Buf *b, size_t n) {
  size_t cap = b->cap ? b->cap * 2 : 64;
  if (n > SIZE_MAX / 4 - b->n) mem_exhausted(n);
  while (cap < b->n + n) cap *= 2;
  b->p = mem_raw_grow(b->p, cap);
  b->cap = cap;
}

static inline void buf_room(Buf *b, size_t n) {
  if (b->cap - b->n < n) buf_grow(b, n);
}

void buf_add(Buf *b, const char *s, size_t n) {
  if (!n) return;
  buf_room(b, n);
  memcpy(b->p + b->n, s, n);
  b->n += n;
}

void buf_c(Buf *b, const char *s) { buf_add(b, s, strlen(s)); }

void buf_ch(Buf *b, char c) {
  buf_room(b, 1);
  b->p[b->n++] = c;
}

void buf_cp(Buf *b, uint32_t cp) {
  buf_room(b, 4);
  b->n += (size_t)utf8_put(b->p + b->n, cp);
}

void buf_vfmt(Buf *b, const char *fmt, va_list ap, va_list again) {
  buf_room(b, 128);
  int n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
  if (n <= 0) return;
  if ((size_t)n >= b->cap - b->n) {
    buf_room(b, (size_t)n + 1);
    vsnprintf(b->p + b->n, b->cap - b->n, fmt, again);
  }
  b->n += (size_t)n;
}

void buf_fmt(Buf *b, const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  buf_vfmt(b, fmt, ap, again);
  va_end(again);
  va_end(ap);
}

Val buf_str(Buf *b) {
  Val v = str_new(b->p ? b->p : "", b->n);
  buf_free(b);
  return v;
}

void buf_free(Buf *b) {
  free(b->p);
  *b = (Buf){0};
}

bool buf_take_line(Buf *b, Buf *line, bool rest) {
  const char *nl = b->n ? memchr(b->p, '\n', b->n) : NULL;
  if (!nl && (!rest || !b->n)) return false;
  size_t n = nl ? (size_t)(nl - b->p) : b->n, whole = n + (nl != NULL);
  buf_add(line, b->p, n);
  memmove(b->p, b->p + whole, b->n - whole);
  b->n -= whole;
  return true;
}

char *buf_cstr(Buf *b) {
  buf_room(b, 1);
  b->p[b->n] = 0;
  return b->p;
}
