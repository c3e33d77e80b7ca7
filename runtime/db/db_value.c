/* db_value.c - see db_value.h. */
#include "db_value.h"
#include "db_time.h"
#include "runtime/base/json.h"
#include "reader/ex.h"
#include "reader/mem.h"
#include "reader/num.h"
#include "reader/print.h"
#include "reader/read.h"
#include "reader/seq.h"
#include <stdlib.h>
#include <string.h>

enum { LIST_DEPTH = 6 /* of PostgreSQL's arrays */ };

/* ---- parameters ---- */

static void take(DbParam *p, enum DbType type, Buf *b) {
  p->type = type;
  p->s = buf_cstr(b); /* the buffer's memory is the parameter's now */
  p->n = b->n;
}

static void text_param(DbParam *p, enum DbType type, const char *s, size_t n) {
  Buf b = {0};
  buf_add(&b, s, n);
  take(p, type, &b);
}

static bool number_param(DbParam *p, Val v) {
  Buf b = {0};
  if (is_long(v)) p->i = long_of(v);
  if (is_dbl(v)) p->d = dbl_of(v);
  if (is_dbl(v) && (p->d != p->d || p->d - p->d != 0)) buf_c(&b, p->d != p->d ? "NaN" : p->d < 0 ? "-Infinity" : "Infinity");
  else if (is_sig(json_print(&b, v))) return buf_free(&b), false;
  take(p, is_long(v) ? DB_INT : is_integer(v) ? DB_BIG : is_dbl(v) ? DB_DOUBLE : DB_DECIMAL, &b);
  return true;
}

static void inst_param(DbParam *p, enum DbDialect d, int64_t ms) {
  Buf b = {0};
  db_time_write(&b, ms, d == DB_SQLITE ? 'T' : ' ', d == DB_SQLITE ? "Z" : d == DB_POSTGRES ? "+00" : "");
  p->i = ms;
  take(p, DB_INST, &b);
}

/* An element of an array of PostgreSQL: quoted, so that nothing in it has a meaning. */
static void array_text(Buf *b, const char *s, size_t n) {
  buf_ch(b, '"');
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '"' || s[i] == '\\') buf_ch(b, '\\');
    buf_ch(b, s[i]);
  }
  buf_ch(b, '"');
}

static bool array_put(Buf *b, Val v, int depth);

static bool array_list(Buf *b, Val v, int depth) {
  ValVec xs = {0};
  if (depth > LIST_DEPTH || is_sig(coll_into_array(v, &xs))) return false;
  buf_ch(b, '{');
  for (size_t i = 0; i < xs.n; i++) {
    if (i) buf_ch(b, ',');
    if (!array_put(b, xs.a[i], depth + 1)) return false;
  }
  buf_ch(b, '}');
  return true;
}

static bool scalar(DbParam *p, enum DbDialect d, Val v);

/* false: it has no place in an array. */
static bool array_put(Buf *b, Val v, int depth) {
  DbParam p = {0};
  if (is_nil(v)) return buf_c(b, "NULL"), true;
  if (is_set(v) || is_sequential(v)) return array_list(b, v, depth);
  if (is_map(v)) {
    Buf json = {0};
    bool ok = !is_sig(json_print(&json, v));
    if (ok) array_text(b, json.p, json.n);
    return buf_free(&json), ok;
  }
  if (!scalar(&p, DB_POSTGRES, v)) return false;
  if (p.type == DB_BYTES) {
    buf_c(b, "\"\\\\x");
    for (size_t i = 0; i < p.n; i++) buf_fmt(b, "%02x", (unsigned char)p.s[i]);
    buf_ch(b, '"');
  } else {
    array_text(b, p.s, p.n);
  }
  free(p.s);
  return true;
}

static bool json_param(DbParam *p, enum DbType type, Val v) {
  Buf b = {0};
  if (is_sig(json_print(&b, v))) return buf_free(&b), false;
  take(p, type, &b);
  return true;
}

static bool list_param(DbParam *p, enum DbDialect d, Val v) {
  Buf b = {0};
  if (d == DB_POSTGRES && array_list(&b, v, 1)) p->array = buf_cstr(&b);
  else buf_free(&b);
  return json_param(p, DB_LIST, v) || (p->array && (text_param(p, DB_LIST, "null", 4), true));
}

/* What is neither nil nor a collection. false: it cannot be sent. */
static bool scalar(DbParam *p, enum DbDialect d, Val v) {
  Buf b = {0};
  if (is_bool(v)) return p->i = truthy(v), text_param(p, DB_BOOL, truthy(v) ? "t" : "f", 1), true;
  if (is_num(v)) return number_param(p, v);
  if (is_type(v, T_INST)) return inst_param(p, d, AS(Inst, v)->ms), true;
  if (is_type(v, T_BYTES)) return text_param(p, DB_BYTES, (const char *)AS(Bytes, v)->b, AS(Bytes, v)->n), true;
  bool host = is_type(v, T_HOST) && obj(v)->aux; /* java.time: as their toString */
  if (!host && !is_str(v) && !is_kw(v) && !is_char(v) && !is_type(v, T_UUID)) return false;
  Val t = host ? NIL : json_scalar_text(v);
  if (is_sig(t) || (host && is_sig(print_str_of(&b, v)))) return buf_free(&b), false;
  if (is_str(t)) buf_add(&b, str_s(t), str_n(t));
  take(p, is_type(v, T_UUID) ? DB_UUID : DB_TEXT, &b);
  return true;
}

static bool one_param(DbParam *p, enum DbDialect d, Val v) {
  if (is_nil(v)) return p->type = DB_NULL, true;
  if (is_map(v)) return json_param(p, DB_JSON, v);
  if (is_set(v) || is_sequential(v)) return list_param(p, d, v);
  return scalar(p, d, v);
}

static bool has_nul(const DbParam *p) { return p->type != DB_BYTES && p->s && memchr(p->s, 0, p->n); }

bool db_params(DbJob *j, enum DbDialect d, Val params, Err *e) {
  uint32_t n = is_nil(params) ? 0 : vec_count(params);
  if ((int64_t)n != j->sql.params)
    return err_set(e, "validation", ":sql has %d `?` and :params %u value%s", j->sql.params, n, n == 1 ? "" : "s");
  if (n > 30000) return err_set(e, "validation", "%u parameters are too many: at most 30000", n);
  j->params = calloc((size_t)n + 1, sizeof *j->params);
  if (!j->params) abort();
  for (; j->nparams < (int)n; j->nparams++) {
    DbParam *p = &j->params[j->nparams];
    Val v = vec_nth(params, (uint32_t)j->nparams);
    const char *cls = class_name_of(v);
    if (!one_param(p, d, v))
      return err_set(e, "validation", "value %d of :params (%.80s) cannot be sent: use strings, numbers, booleans, nil, #inst, #uuid, byte arrays, or data as JSON",
                     j->nparams + 1, cls ? cls : "nil");
    if (has_nul(p) && d == DB_POSTGRES) return err_set(e, "validation", "value %d of :params holds a NUL character, which PostgreSQL's texts cannot", j->nparams + 1);
  }
  return true;
}

/* ---- rows ---- */

typedef struct Cells { const char *p; } Cells;

static void raw(Cells *c, void *out, size_t n) {
  memcpy(out, c->p, n);
  c->p += n;
}

static Val double_of(double d) { return dbl_val(d); }

static Val decimal(const char *s, size_t n) {
  Buf b = {0};
  buf_add(&b, s, n);
  buf_ch(&b, 'M');
  Val v = num_parse(b.p, b.n);
  buf_free(&b);
  return same(v, ABSENT) ? str_new(s, n) : v;
}

static Val bytes(const char *s, size_t n) {
  Bytes *o = mem_obj_n(T_BYTES, (uint32_t)n);
  memcpy(o->b, s, n);
  return from_obj(o);
}

static Val json(const char *s, size_t n) { /* what the database lets pass as JSON and we do not stays text */
  Err e = {0};
  Val v = json_parse(s, n, &e);
  return same(v, ABSENT) ? str_new(s, n) : v;
}

static Val uuid(const char *s, size_t n) {
  Val t = str_new(s, n), v = uuid_parse(t);
  return same(v, ABSENT) ? t : v;
}

static Val inst(int64_t ms) {
  Inst *i = mem_obj(T_INST);
  i->ms = ms;
  return from_obj(i);
}

static Val text_cell(Cells *c, char tag) {
  uint32_t n;
  raw(c, &n, sizeof n);
  const char *s = c->p;
  c->p += n;
  switch (tag) {
  case 'D': return num_parse_double(str_new(s, n));
  case 'M': return decimal(s, n);
  case 'Z': return num_parse(s, n);
  case 'J': return json(s, n);
  case 'B': return bytes(s, n);
  case 'G': return uuid(s, n);
  default: return str_new(s, n);
  }
}

static Val cell(Cells *c);

static Val list_cell(Cells *c) {
  uint32_t n;
  ValVec xs = {0};
  raw(c, &n, sizeof n);
  for (uint32_t i = 0; i < n; i++) {
    TRY(v, cell(c));
    vv_push(&xs, v);
  }
  return vec_from(xs.a, xs.n);
}

static Val cell(Cells *c) {
  char tag = *c->p++;
  int64_t i;
  double d;
  switch (tag) {
  case 'N': return NIL;
  case 'T': return TRUE_V;
  case 'F': return FALSE_V;
  case 'I': return raw(c, &i, sizeof i), int_val(i);
  case 'U': return raw(c, &i, sizeof i), inst(i);
  case 'E': return raw(c, &d, sizeof d), double_of(d);
  case 'L': return list_cell(c);
  default: return text_cell(c, tag);
  }
}

static Val row(Cells *c, const Val *names, Val *kvs, int n) {
  for (int i = 0; i < n; i++) {
    TRY(v, cell(c));
    kvs[2 * i] = names[i];
    kvs[2 * i + 1] = v;
  }
  return map_from(kvs, (size_t)n, false);
}

static Val rows(const DbJob *j) {
  Cells c = {j->rows.p};
  ValVec out = {0};
  size_t n = (size_t)j->ncolumns;
  Val *names = mem_alloc((n + 1) * sizeof *names), *kvs = mem_alloc((2 * n + 1) * sizeof *kvs);
  for (size_t i = 0; i < n; i++) names[i] = kw_c(j->columns[i]);
  for (int64_t i = 0; i < j->nrows; i++) {
    TRY(m, row(&c, names, kvs, j->ncolumns));
    vv_push(&out, m);
  }
  return vec_from(out.a, out.n);
}

static Val put(Val m, const char *key, Val v) { return map_assoc(m, kw_c(key), v); }

Val db_answer(const DbJob *j) {
  if (j->has_rows) return rows(j);
  Val m = put(map_empty, "update-count", int_val(j->updated));
  return j->last_id ? put(m, "last-insert-id", int_val(j->last_id)) : m;
}

/* ---- errors ---- */

static Val put_text(Val m, const char *key, const Buf *b) { return b->n ? put(m, key, str_new(b->p, b->n)) : m; }

static Val message(const DbFail *f) {
  return f->line ? str_fmt("%.*s (:sql %d:%d)", (int)f->message.n, f->message.p, f->line, f->col) : str_new(f->message.p, f->message.n);
}

Val db_error(const DbJob *j) {
  const DbFail *f = &j->fail;
  Val kvs[] = {kw_c("type"), kw_c(f->type), kw_c("message"), message(f), kw_c("retryable?"), bool_val(f->retryable)};
  Val m = map_from(kvs, 3, false);
  if (f->class && !strcmp(f->type, "db-error")) m = put(m, "kind", kw_c(f->class));
  if (f->sqlstate[0]) m = put(m, "sqlstate", str_c(f->sqlstate));
  if (f->code) m = put(m, "code", fix(f->code));
  if (f->unknown) m = put(m, "outcome", kw_c("unknown"));
  m = put_text(put_text(put_text(m, "detail", &f->detail), "hint", &f->hint), "constraint", &f->constraint);
  return m;
}
