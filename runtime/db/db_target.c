/* db_target.c - see db_target.h. */
#include "db_target.h"
#include "runtime/base/duration.h"
#include "reader/map.h"
#include "reader/num.h"
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *name_of(Val v) { return is_str(v) || is_kw(v) ? kw_text(v) : NULL; }

static bool one_of(const char *word, const char *list) {
  size_t n = strlen(word);
  for (const char *p = list; *p; p += strcspn(p, " "), p += *p == ' ')
    if (strcspn(p, " ") == n && !strncasecmp(p, word, n)) return true;
  return false;
}

/* ---- which database ---- */

static bool dialect_named(const char *s, enum DbDialect *d) {
  if (one_of(s, "postgres postgresql")) return *d = DB_POSTGRES, true;
  if (one_of(s, "mysql mariadb")) return *d = DB_MYSQL, true;
  if (one_of(s, "sqlite")) return *d = DB_SQLITE, true;
  return false;
}

static bool dialect_of(Val v, const char *what, enum DbDialect *d, bool *known, Err *e) {
  const char *s = name_of(v);
  *known = false;
  if (is_nil(v)) return true;
  if (s && one_of(s, "clickhouse bigquery firestore"))
    return err_set(e, "unsupported_step", "%s %s is not part of this build; it runs :postgres, :mysql and :sqlite", what, s);
  *known = s && dialect_named(s, d);
  return *known || err_set(e, "validation", "%s must be one of :postgres :mysql :sqlite, got %.60s", what, s ? s : "another kind of value");
}

static const char *title(enum DbDialect d) { return d == DB_POSTGRES ? ":postgres" : d == DB_MYSQL ? ":mysql" : ":sqlite"; }

bool db_dialect(Val database, Val backend, enum DbDialect *d, bool *known, Err *e) {
  enum DbDialect other = *d;
  bool also;
  if (!dialect_of(database, ":database", d, known, e) || !dialect_of(backend, "the connection's backend", &other, &also, e)) return false;
  if (*known && also && *d != other) return err_set(e, "validation", ":database is %s and its connection is one to %s", title(*d), title(other));
  if (also) *d = other;
  *known |= also;
  return true;
}

/* ---- URLs ---- */

typedef struct Build {
  DbTarget t;
  Val config;
  const SecretSet *secrets;
  SecretUse **used;
  const char *secret;  /* name of the secret that the URL came from */
  bool known, later;   /* later: only the secret would say more */
  Err *e;
} Build;

static bool bad(Build *b, const char *what) { return err_set(b->e, "validation", "database connection: %s", what); }

static char *copy_n(const char *s, size_t n) {
  char *p = strndup(s, n);
  if (!p) abort();
  return p;
}

static void set(char **field, char *value) {
  if (*field) explicit_bzero(*field, strlen(*field));
  free(*field);
  *field = value;
}

static int hex(char c) { return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1; }

static char *decoded(const char *s, size_t n) {
  char *p = copy_n(s, n), *w = p;
  for (size_t i = 0; i < n; i++)
    if (s[i] == '%' && i + 2 < n && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
      *w++ = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
      i += 2;
    } else {
      *w++ = s[i];
    }
  *w = 0;
  return p;
}

static bool ssl_mode(Build *b, const char *s) {
  static const char *const names[][2] = {{"disable", "disable"}, {"disabled", "disable"}, {"false", "disable"}, {"prefer", "prefer"}, {"preferred", "prefer"},
                                         {"allow", "prefer"}, {"require", "require"}, {"required", "require"}, {"true", "require"}, {"trust", "require"},
                                         {"verify-ca", "verify-ca"}, {"verify_ca", "verify-ca"}, {"verify-full", "verify-full"}, {"verify_identity", "verify-full"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcasecmp(names[i][0], s)) return set(&b->t.ssl_mode, strdup(names[i][1])), true;
  return bad(b, "sslmode is one of disable, prefer, require, verify-ca, verify-full");
}

static bool password(Build *b, char *value) {
  if (b->used && b->secret && *value) secret_note(b->used, b->secret, value);
  set(&b->t.password, value);
  return true;
}

static bool on(const char *s) { return !strcasecmp(s, "true") || !strcmp(s, "1"); }

static bool param(Build *b, const char *key, size_t n, char *value) {
  char k[32];
  bool ok = true;
  snprintf(k, sizeof k, "%.*s", (int)(n < 31 ? n : 31), key);
  if (one_of(k, "user username")) return set(&b->t.user, value), true;
  if (one_of(k, "password")) return password(b, value);
  if (one_of(k, "host socket localSocket")) return set(&b->t.host, value), true;
  if (one_of(k, "sslrootcert serverSslCert")) return set(&b->t.ssl_root, value), true;
  if (one_of(k, "application_name ApplicationName")) return set(&b->t.application, value), true;
  if (one_of(k, "currentSchema search_path")) return set(&b->t.search_path, value), true;
  if (one_of(k, "sslmode ssl useSSL")) ok = ssl_mode(b, value);
  else if (one_of(k, "readOnly read_only") || (!strcmp(k, "mode") && b->t.dialect == DB_SQLITE)) b->t.read_only |= on(value) || !strcmp(value, "ro");
  else if (one_of(k, "connect_timeout connectTimeout")) b->t.connect_ms = strtoll(value, NULL, 10) * (strchr(k, '_') ? 1000 : 1);
  else ok = err_set(b->e, "validation", "database connection: the URL has the parameter %.31s; known are user password host sslmode sslrootcert "
                    "application_name search_path connect_timeout read_only", k);
  set(&value, NULL);
  return ok;
}

static bool params(Build *b, const char *p) {
  while (*p) {
    size_t n = strcspn(p, "&"), k = strcspn(p, "=&");
    if (k < n ? !param(b, p, k, decoded(p + k + 1, n - k - 1)) : n > 0) return b->e->code ? false : bad(b, "a parameter of the URL has no value");
    p += n;
    p += *p == '&';
  }
  return true;
}

/* [user[:password]@]host[:port] */
static bool authority(Build *b, const char *s, size_t n) {
  const char *at = memrchr(s, '@', n), *end = s + n;
  if (at) {
    const char *colon = memchr(s, ':', (size_t)(at - s));
    set(&b->t.user, decoded(s, (size_t)((colon ? colon : at) - s)));
    if (colon && !b->secret) return bad(b, "the url holds a password: put the whole url into a secret and name that with \"secret-ref\"");
    if (colon) password(b, decoded(colon + 1, (size_t)(at - colon - 1)));
    s = at + 1;
  }
  const char *close = *s == '[' ? memchr(s, ']', (size_t)(end - s)) : NULL, *colon = memchr(close ? close : s, ':', (size_t)(end - (close ? close : s)));
  if (memchr(s, ',', (size_t)(end - s))) return bad(b, "the url names several hosts; use one");
  const char *host_end = close ? close : colon ? colon : end;
  if (close) s++;
  if (host_end > s) set(&b->t.host, decoded(s, (size_t)(host_end - s)));
  if (colon && colon + 1 < end) set(&b->t.port, copy_n(colon + 1, (size_t)(end - colon - 1)));
  return !b->t.port || strspn(b->t.port, "0123456789") == strlen(b->t.port) || bad(b, "the port in the url is no number");
}

static bool sqlite_url(Build *b, const char *s) { /* sqlite:/path sqlite:///path sqlite:relative */
  if (!strncmp(s, "//", 2)) s += 2;
  size_t n = strcspn(s, "?");
  set(&b->t.path, decoded(s, n));
  return s[n] ? params(b, s + n + 1) : true;
}

static bool url(Build *b, const char *s) {
  if (!strncmp(s, "jdbc:", 5)) s += 5;
  const char *colon = strchr(s, ':');
  char scheme[16] = "";
  if (colon && colon - s < 16) snprintf(scheme, sizeof scheme, "%.*s", (int)(colon - s), s);
  enum DbDialect d;
  if (one_of(scheme, "bigquery clickhouse firestore")) return err_set(b->e, "unsupported_step", "the database %s is not part of this build; it runs :postgres, :mysql and :sqlite", scheme);
  if (!dialect_named(scheme, &d)) return bad(b, "the url begins with postgres://, mysql:// or sqlite: (also behind jdbc:)");
  if (b->known && d != b->t.dialect) return err_set(b->e, "validation", "the step or its connection says %s, and the url is one of %s", title(b->t.dialect), title(d));
  b->t.dialect = d;
  b->known = true;
  if (d == DB_SQLITE) return sqlite_url(b, colon + 1);
  if (strncmp(colon + 1, "//", 2)) return bad(b, "behind the scheme of the url comes //host");
  const char *from = colon + 3;
  size_t n = strcspn(from, "/?");
  if (!authority(b, from, n)) return false;
  from += n;
  if (*from == '/') {
    size_t k = strcspn(++from, "?");
    if (k) set(&b->t.database, decoded(from, k));
    from += k;
  }
  return *from == '?' ? params(b, from + 1) : true;
}

/* ---- config ---- */

static Val get(Build *b, const char *key) { return map_get_kw(b->config, key); }

static bool text_field(Build *b, const char *key, char **field) {
  Val v = get(b, key);
  if (is_nil(v)) return true;
  if (is_long(v)) {
    Buf t = {0};
    buf_fmt(&t, "%lld", (long long)long_of(v));
    return set(field, buf_cstr(&t)), true;
  }
  if (!is_str(v) || strlen(str_s(v)) != str_n(v)) return err_set(b->e, "validation", "database connection: \"%s\" is a text", key);
  return set(field, copy_n(str_s(v), str_n(v))), true;
}

static bool known_keys(Build *b) {
  static const char *const known = "url jdbc-url host port database dbname username user secret-ref password path sslmode sslrootcert read-only application-name "
                                   "search-path connect-timeout pool-size backend";
  MapIter it;
  Val k, v;
  map_iter(&it, b->config);
  while (map_next(&it, &k, &v))
    if (!name_of(k) || !one_of(name_of(k), known)) return err_set(b->e, "validation", "database connection: \"%.40s\" is not known; known are %s", name_of(k) ? name_of(k) : "?", known);
  return true;
}

/* The name of the secret: "secret-ref", or {"password": {"secret-ref": ..}}. */
static bool secret_name(Build *b, const char **out) {
  Val ref = get(b, "secret-ref"), pass = get(b, "password");
  if (!is_nil(pass) && !is_map(pass)) return bad(b, "\"password\" is {\"secret-ref\": NAME}, never the password itself");
  if (is_map(pass)) ref = map_get_kw(pass, "secret-ref");
  *out = name_of(ref);
  if ((!is_nil(ref) || is_map(pass)) && !*out) return bad(b, "\"secret-ref\" is the name of a secret");
  if (*out && !secret_set_has(b->secrets, *out))
    return err_set(b->e, "missing-binding", "there is no secret %.100s; give it with --connections FILE, under \"secrets\"", *out);
  return true;
}

static bool secret(Build *b) {
  const char *name = NULL;
  if (!secret_name(b, &name)) return false;
  if (!name) return true;
  bool whole = is_nil(get(b, "password")) && !b->t.host && !b->t.path;
  if (!b->used) return b->later = whole, true;
  const char *value = secret_use(b->secrets, name, b->used, b->e);
  if (!value) return false;
  b->secret = name;
  if (whole) return url(b, value);
  return set(&b->t.password, copy_n(value, strlen(value))), true;
}

static bool options(Build *b) {
  Val ro = get(b, "read-only"), most = get(b, "pool-size"), wait = get(b, "connect-timeout"), mode = get(b, "sslmode");
  if (!is_nil(ro) && !is_bool(ro)) return bad(b, "\"read-only\" is true or false");
  b->t.read_only |= truthy(ro);
  if (!is_nil(most) && (!is_long(most) || long_of(most) < 1 || long_of(most) > 32)) return bad(b, "\"pool-size\" is an integer from 1 to 32");
  if (!is_nil(most)) b->t.most = (int)long_of(most);
  if (!is_nil(wait) && !duration_of(wait, DURATION_SECONDS, "\"connect-timeout\"", &b->t.connect_ms, b->e)) return false;
  return is_nil(mode) || (name_of(mode) ? ssl_mode(b, name_of(mode)) : bad(b, "\"sslmode\" is a text"));
}

static bool fields(Build *b) {
  Val u = get(b, "url");
  if (is_nil(u)) u = get(b, "jdbc-url");
  if (!is_nil(u) && !is_str(u)) return bad(b, "\"url\" is a text");
  if (is_str(u) && !url(b, str_s(u))) return false;
  return text_field(b, "host", &b->t.host) && text_field(b, "port", &b->t.port) && text_field(b, "database", &b->t.database) &&
         text_field(b, "dbname", &b->t.database) && text_field(b, "username", &b->t.user) && text_field(b, "user", &b->t.user) &&
         text_field(b, "path", &b->t.path) && text_field(b, "sslrootcert", &b->t.ssl_root) && text_field(b, "application-name", &b->t.application) &&
         text_field(b, "search-path", &b->t.search_path);
}

static bool complete(Build *b) {
  if (b->later) return true;
  if (!b->known) return bad(b, "it does not say which database it is: give \"backend\", or a \"url\"");
  if (b->t.dialect == DB_SQLITE) return b->t.path && *b->t.path ? true : bad(b, "SQLite needs \"path\", or \"url\": \"sqlite:/path/to/file\"");
  return b->t.host || b->t.database ? true : bad(b, "it needs \"host\" and \"database\", \"url\", or \"secret-ref\" of a secret that holds a url");
}

/* ---- targets ---- */

static void put(Buf *k, const char *s) {
  buf_fmt(k, "%zu:", s ? strlen(s) : 0);
  buf_c(k, s ? s : "-");
}

static char *key_of(const DbTarget *t) {
  Buf k = {0};
  buf_fmt(&k, "%d%d/%lld/%d/", t->dialect, t->read_only, (long long)t->connect_ms, t->most);
  const char *const all[] = {t->host, t->port, t->database, t->user, t->password, t->path, t->ssl_mode, t->ssl_root, t->application, t->search_path};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) put(&k, all[i]);
  return buf_cstr(&k);
}

static void clear(DbTarget *t) {
  char **all[] = {&t->key, &t->host, &t->port, &t->database, &t->user, &t->password, &t->path, &t->ssl_mode, &t->ssl_root, &t->application, &t->search_path};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) set(all[i], NULL);
}

static DbTarget *shared(DbTarget *made) {
  made->key = key_of(made);
  DbTarget *t = db_target_find(made->key);
  if (t) return clear(made), t;
  t = malloc(sizeof *t);
  if (!t) abort();
  *t = *made;
  db_target_register(t);
  return t;
}

static bool build(Build *b, Val database, Val connection) {
  if (!is_map(b->config)) b->config = map_empty;
  Val backend = map_get_kw(connection, "backend");
  if (is_nil(backend)) backend = get(b, "backend");
  return db_dialect(database, backend, &b->t.dialect, &b->known, b->e) && known_keys(b) && fields(b) && secret(b) && options(b) && complete(b);
}

DbTarget *db_target(Val database, Val connection, const SecretSet *secrets, SecretUse **used, enum DbDialect *dialect, bool *known, Err *e) {
  Build b = {.config = map_get_kw(connection, "config"), .secrets = secrets, .used = used, .e = e};
  b.t.most = DB_MOST_CONNECTIONS;
  b.t.connect_ms = DB_CONNECT_MS;
  bool ok = build(&b, database, connection);
  *dialect = b.t.dialect;
  *known = b.known;
  if (ok && used) return shared(&b.t);
  clear(&b.t);
  return NULL;
}

const char *db_option_of_others(Val cfg) {
  static const char *const names[] = {"dry-run", "collection", "where", "order-by", "limit"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!is_nil(map_get_kw(cfg, names[i]))) return names[i];
  return NULL;
}
