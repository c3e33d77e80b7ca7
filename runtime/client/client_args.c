/* client_args.c - see client_args.h */
#include "client_args.h"
#include "runtime/cli/cli.h"
#include "runtime/base/duration.h"
#include "runtime/base/json.h"
#include "reader/num.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- values by type --------------------------------------------------------------------------------------------------------------- */
static bool whole_number(const char *s, size_t n, int64_t *out) {
  uint64_t v = 0;
  if (!n || n > 18) return false;
  for (size_t i = 0; i < n; i++) {
    if (s[i] < '0' || s[i] > '9') return false;
    v = v * 10 + (uint64_t)(s[i] - '0');
  }
  *out = (int64_t)v;
  return true;
}

static bool json_value(const char *s, size_t n, const char *what, Val *out, Err *e) {
  Err why = {0};
  *out = json_parse_ordered(s, n, &why);
  if (!same(*out, ABSENT)) return true;
  return err_set(e, "usage", "%s is not JSON: %.200s", what, why.msg);
}

static bool duration_value(const char *s, size_t n, const char *what, Val *out, Err *e) {
  int64_t ms;
  Err why = {0};
  if (!whole_number(s, n, &ms) && !duration_parse(s, n, what, &ms, &why)) return err_set(e, "usage", "%s", why.msg);
  *out = int_val(ms);
  return true;
}

static bool text_value(const char *s, size_t n, const char *what, Val *out, Err *e) {
  if (!utf8_valid(s, n)) return err_set(e, "usage", "%s is not UTF-8 text", what);
  *out = str_new(s, n);
  return true;
}

static Val commas(const char *s, size_t n) {
  Val list = vec_empty;
  for (const char *end = s + n; s <= end;) {
    size_t len = 0;
    while (s + len < end && s[len] != ',') len++;
    const char *a = s, *z = s + len;
    while (a < z && *a == ' ') a++;
    while (a < z && z[-1] == ' ') z--;
    if (a < z) list = vec_conj(list, str_new(a, (size_t)(z - a)));
    s += len + 1;
  }
  return list;
}

static bool shape(enum ClientType type, Val v, const char *what, Err *e) {
  if (type == CLIENT_OBJECT && !is_map(v)) return err_set(e, "usage", "%s has to be a JSON object, such as {\"a\": 1}", what);
  if (type == CLIENT_ARRAY && !is_vec(v)) return err_set(e, "usage", "%s has to be a JSON array, such as [{\"a\": 1}]", what);
  return true;
}

static bool pair_value(const char *s, size_t n, const char *what, bool json, Val *out, Err *e) {
  char key[256];
  size_t k = 0;
  Err ignored = {0};
  while (k < n && s[k] != '=') k++;
  if (!k || k == n || k >= sizeof key)
    return err_set(e, "usage", "%s: NAME=VALUE is expected, not %.*s", what, (int)(n < 100 ? n : 100), s);
  snprintf(key, sizeof key, "%.*s", (int)k, s);
  const char *value = s + k + 1;
  size_t len = n - k - 1;
  Val v = json && len ? json_parse_ordered(value, len, &ignored) : ABSENT;
  if (same(v, ABSENT) && !text_value(value, len, what, &v, e)) return false;
  *out = map_assoc(map_empty, client_key(key), v);
  return true;
}

bool client_value(enum ClientType type, const char *s, size_t n, const char *what, Val *out, Err *e) {
  int64_t i;
  switch (type) {
  case CLIENT_BOOL: *out = bool_val(n == 4); return true;
  case CLIENT_NULL: *out = NIL; return true;
  case CLIENT_INT:
  case CLIENT_SIGNED:
    if (type == CLIENT_SIGNED && n > 1 && *s == '-' && whole_number(s + 1, n - 1, &i)) return *out = int_val(-i), true;
    if (!whole_number(s, n, &i)) return err_set(e, "usage", "%s: a whole number is expected, not %.*s", what, (int)(n < 100 ? n : 100), s);
    *out = int_val(i);
    return true;
  case CLIENT_VERSION:
    if (n == 6 && !memcmp(s, "latest", 6)) return *out = str_c("latest"), true;
    if (!whole_number(s, n, &i) || i < 1)
      return err_set(e, "usage", "%s: a version is a number from 1, or latest, not %.*s", what, (int)(n < 100 ? n : 100), s);
    *out = int_val(i);
    return true;
  case CLIENT_DURATION: return duration_value(s, n, what, out, e);
  case CLIENT_JSON:
  case CLIENT_OBJECT:
  case CLIENT_ARRAY: return json_value(s, n, what, out, e) && shape(type, *out, what, e);
  case CLIENT_JSONS:
    if (!json_value(s, n, what, out, e)) return false;
    *out = vec_conj(vec_empty, *out);
    return true;
  case CLIENT_CSV: *out = commas(s, n); return true;
  case CLIENT_LIST:
    if (!text_value(s, n, what, out, e)) return false;
    *out = vec_conj(vec_empty, *out);
    return true;
  case CLIENT_PAIRS:
  case CLIENT_LABELS: return pair_value(s, n, what, type == CLIENT_PAIRS, out, e);
  default: return text_value(s, n, what, out, e);
  }
}

bool client_read(ClientRun *r, const char *path, Buf *b, const char *what) {
  if (cli_read_file(path, b)) return true;
  client_usage(r, "%s: cannot read %.300s: %s", what, path, strerror(errno));
  return false;
}

/* --- one parameter ---------------------------------------------------------------------------------------------------------------- */
static void name_of(const ClientParam *p, char out[80]) { snprintf(out, 80, "%s%s", client_positional(p) ? "" : "--", p->name); }

/* Two values for one place: maps and lists add up. ABSENT: they cannot. */
static Val together(Val a, Val b) {
  if (is_map(a) && is_map(b)) return map_merge(a, b);
  if (!is_vec(a) || !is_vec(b)) return ABSENT;
  for (uint32_t i = 0; i < vec_count(b); i++) a = vec_conj(a, vec_nth(b, i));
  return a;
}

static bool one_value(ClientRun *r, const ClientParam *p, const char *given, Val *out, Err *e) {
  char what[80];
  Buf b = {0};
  name_of(p, what);
  const char *env = p->flags & CLIENT_ENV ? getenv(given) : NULL;
  if (p->flags & CLIENT_ENV && !env) return err_set(e, "usage", "%s: there is no environment variable %.100s", what, given);
  if (env) given = env;
  if (!(p->flags & CLIENT_FILE)) return client_value(p->type, given, strlen(given), what, out, e);
  if (!client_read(r, given, &b, what)) return false;
  if (p->type == CLIENT_TEXT && !(p->flags & CLIENT_RAW))
    while (b.n && (b.p[b.n - 1] == '\n' || b.p[b.n - 1] == '\r')) b.n--;
  bool ok = client_value(p->type, b.n ? b.p : "", b.n, what, out, e);
  buf_free(&b);
  return ok;
}

bool client_choice(const ClientParam *p) { return p->arg && strchr(p->arg, '|') && !strpbrk(p->arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"); }

static bool choice_ok(const ClientParam *p, const char *s) {
  if (!client_choice(p)) return true;
  for (const char *a = p->arg; *a;) {
    size_t n = strcspn(a, "|");
    if (strlen(s) == n && !memcmp(a, s, n)) return true;
    a += n + (a[n] == '|');
  }
  return false;
}

static int value_of(ClientRun *r, int i, Val *out) {
  const ClientParam *p = &r->command->params[i];
  Err e = {0};
  Val v;
  char what[80];
  name_of(p, what);
  *out = ABSENT;
  for (int k = 0; k < r->given[i].n; k++) {
    const char *s = r->given[i].a[k];
    if (!choice_ok(p, s)) return client_usage(r, "%s: one of %s is expected, not %.100s", what, p->arg, s);
    if (!one_value(r, p, s, &v, &e)) return e.code ? client_usage(r, "%s", e.msg) : EXIT_FAILED;
    *out = same(*out, ABSENT) || !client_many(p) ? v : together(*out, v);
    if (same(*out, ABSENT) && client_many(p)) *out = v;
  }
  return 0;
}

/* --- where it goes ---------------------------------------------------------------------------------------------------------------- */
static Val *target(ClientRun *r, const char **to) {
  static char name[64];
  if (**to == '?') return ++*to, &r->query;
  if (**to != '{') return &r->args;
  snprintf(name, sizeof name, "%.*s", (int)strcspn(*to + 1, "}"), *to + 1);
  *to = name;
  return &r->path;
}

static bool there(Val map, const char *to) {
  size_t n = strcspn(to, ".");
  char key[64];
  if (!is_map(map)) return false;
  snprintf(key, sizeof key, "%.*s", (int)n, to);
  Val v = map_get(map, client_key(key), ABSENT);
  return !same(v, ABSENT) && (!to[n] || there(v, to + n + 1));
}

static int put(ClientRun *r, const ClientParam *p, Val v) {
  const char *to = p->to;
  Val *map = target(r, &to);
  bool set = *to ? there(*map, to) : !is_nil(*map);
  Val old = *to ? client_at(*map, to) : *map;
  if (set) v = together(old, v);
  if (same(v, ABSENT)) return client_usage(r, "--%s says again what another flag has said", p->name);
  *map = *to ? client_put(*map, to, v) : v;
  return 0;
}

static int given(ClientRun *r, int i) {
  const ClientParam *p = &r->command->params[i];
  Val v;
  int bad = value_of(r, i, &v);
  if (bad || same(v, ABSENT) || !p->to) return bad;
  return put(r, p, v);
}

static int missing(ClientRun *r, const ClientParam *p) {
  if (client_positional(p)) return client_usage(r, "%s is missing: breyta %s %s", p->name, r->command->name, p->name);
  return client_usage(r, "--%s is needed: --%s %s", p->name, p->name, client_arg(p));
}

static int defaults(ClientRun *r, const ClientParam *p) {
  Err e = {0};
  Val v;
  const char *to = p->to, *dflt = *p->dflt == '$' ? getenv(p->dflt + 1) : p->dflt;
  Val *map = target(r, &to);
  if (!dflt || !*dflt || there(*map, to)) return 0;
  if (!client_value(p->type, dflt, strlen(dflt), p->name, &v, &e)) return client_usage(r, "%s", e.msg);
  *map = client_put(*map, to, v);
  return 0;
}

int client_args(ClientRun *r) {
  const ClientParam *p = r->command->params;
  Err e = {0};
  int bad = 0;
  if (r->command->fixed) r->args = json_parse(r->command->fixed, strlen(r->command->fixed), &e);
  for (int i = 0; !bad && p && p[i].name; i++) bad = given(r, i);
  for (int i = 0; !bad && p && p[i].name; i++) {
    bool needed = p[i].flags & CLIENT_NEEDED || *p[i].name == '<';
    if (!r->given[i].n && needed)
      bad = missing(r, &p[i]);
    else if (!r->given[i].n && p[i].dflt && p[i].to)
      bad = defaults(r, &p[i]);
  }
  return bad;
}

int64_t client_int(const ClientRun *r, const char *name, int64_t otherwise) {
  const char *s = client_text(r, name);
  Err e = {0};
  Val v;
  for (const ClientParam *p = r->command->params; s && p && p->name; p++)
    if (!strcmp(p->name, name) && client_value(p->type, s, strlen(s), name, &v, &e) && is_long(v)) return long_of(v);
  return otherwise;
}

Val client_pairs(ClientRun *r, const char *name, bool json, bool *ok) {
  ClientGiven g = client_list(r, name);
  Val all = map_empty, v;
  Err e = {0};
  *ok = true;
  for (int i = 0; i < g.n; i++) {
    if (!client_value(json ? CLIENT_PAIRS : CLIENT_LABELS, g.a[i], strlen(g.a[i]), name, &v, &e)) {
      client_usage(r, "--%s", e.msg);
      *ok = false;
      return NIL;
    }
    all = together(all, v);
  }
  return all;
}
