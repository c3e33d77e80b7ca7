/* ssh_target.c - see ssh_target.h. */
#include "ssh_target.h"
#include "runtime/base/duration.h"
#include "reader/map.h"
#include "reader/num.h"
#include "reader/vec.h"
#include "reader/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KNOWN_MAX = 1 << 20 };
typedef struct Read {
  const SecretSet *secrets;
  SecretUse **used;
  Err *e;
} Read;

static bool bad(Read *r, const char *what) { return err_set(r->e, "validation", "SSH connection: %s", what); }
static Val name_text(Val v) { return is_kw(v) ? str_c(kw_text(v)) : v; }

static bool plain(Val v) { return is_str(v) && str_n(v) && strlen(str_s(v)) == str_n(v) && !strpbrk(str_s(v), "\r\n\t "); }

/* ---- secrets ---- */

/* NULL and no error: the field is not there. */
static bool secret(Read *r, Val m, const char *key, char **out) {
  Val ref = name_text(map_get_kw(m, key));
  if (is_nil(ref)) return true;
  if (!is_str(ref)) return err_set(r->e, "validation", "SSH connection: %s must be the name of a secret", key);
  if (!r->used) return true;
  const char *value = secret_use(r->secrets, str_s(ref), r->used, r->e);
  if (!value) return false;
  if (!*value) return err_set(r->e, "validation", "SSH connection: the secret %.100s (%s) is empty", str_s(ref), key);
  *out = mem_raw_copy(value);
  return true;
}

/* ssh-keygen's files end in a line break, and without it nobody reads them; who keeps a key elsewhere may have lost it. */
static void end_line(char **key) {
  size_t n = *key ? strlen(*key) : 0;
  if (!n || (*key)[n - 1] == '\n') return;
  char *p = malloc(n + 2);
  if (!p) abort();
  memcpy(p, *key, n);
  memcpy(p + n, "\n", 2);
  explicit_bzero(*key, n);
  free(*key);
  *key = p;
}

static bool auth(Read *r, Val config, SshHop *h) {
  Val a = map_get_kw(config, "auth"), type = name_text(map_get_kw(a, "type"));
  if (!is_map(a)) return bad(r, "\"auth\" is needed: {\"type\": \"private-key\", \"secret-ref\": name of the secret with the key}, or {\"type\": \"password\", \"secret-ref\": ..}");
  bool password = str_eq_c(type, "password");
  if (!password && !is_nil(type) && !str_eq_c(type, "private-key")) return bad(r, "\"auth\" is of \"type\" \"private-key\" or \"password\"");
  if (is_nil(map_get_kw(a, "secret-ref"))) return bad(r, password ? "\"auth\" needs \"secret-ref\", the name of the secret with the password"
                                                                   : "\"auth\" needs \"secret-ref\", the name of the secret with the private key");
  bool ok = secret(r, a, "secret-ref", password ? &h->password : &h->key) && secret(r, a, "passphrase-secret-ref", &h->passphrase) &&
            (password || secret(r, a, "password-secret-ref", &h->password));
  end_line(&h->key);
  return ok;
}

/* ---- known hosts ---- */

static void add_known(char **known, const char *text, size_t n) {
  size_t was = *known ? strlen(*known) : 0;
  char *p = realloc(*known, was + n + 2);
  if (!p) abort();
  memcpy(p + was, text, n);
  p[was + n] = '\n';
  p[was + n + 1] = 0;
  *known = p;
}

static bool known_file(Read *r, const char *path, char **known) {
  char full[4096], *text;
  struct stat st;
  bool home = path[0] == '~' && path[1] == '/';
  snprintf(full, sizeof full, "%s%s", home && getenv("HOME") ? getenv("HOME") : "", home ? path + 1 : path);
  int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return err_set(r->e, "validation", "SSH connection: known-hosts cannot be read from %.200s: %s", full, strerror(errno));
  bool ok = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= KNOWN_MAX && (text = malloc((size_t)st.st_size + 1));
  ssize_t n = ok ? read(fd, text, (size_t)st.st_size) : -1;
  close(fd);
  if (n >= 0 && memchr(text, 0, (size_t)n)) n = -1;
  if (n >= 0) add_known(known, text, (size_t)n);
  if (ok) free(text);
  return n >= 0 || err_set(r->e, "validation", "SSH connection: %.200s is no known_hosts file (a text of at most 1 MiB)", full);
}

static bool known_secret(Read *r, Val m, char **known) {
  char *text = NULL;
  if (!secret(r, m, "secret-ref", &text)) return false;
  if (text) add_known(known, text, strlen(text));
  free(text);
  return true;
}

static bool known_one(Read *r, Val v, char **known) {
  Val file = map_get_kw(v, "file");
  if (is_str(v)) {
    if (strlen(str_s(v)) != str_n(v)) return bad(r, "\"known-hosts\" holds a zero byte");
    if (r->used) add_known(known, str_s(v), str_n(v));
    return true;
  }
  if (is_map(v) && !is_nil(map_get_kw(v, "secret-ref"))) return known_secret(r, v, known);
  if (is_str(file)) return !r->used || known_file(r, str_s(file), known);
  return bad(r, "\"known-hosts\" is {\"secret-ref\": name}, {\"file\": path}, a line of a known_hosts file, or a list of these");
}

static bool known_hosts(Read *r, Val v, SshHop *h) {
  if (is_nil(v)) return true; /* then every key is unknown, and the error says which it is */
  if (!is_vec(v)) return known_one(r, v, &h->known);
  for (uint32_t i = 0; i < vec_count(v); i++)
    if (!known_one(r, vec_nth(v, i), &h->known)) return false;
  return true;
}

/* ---- hops ---- */

static bool port(Read *r, Val v, int *out) {
  char *end = NULL;
  long n = is_nil(v) ? 22 : is_long(v) ? (long)long_of(v) : is_str(v) ? strtol(str_s(v), &end, 10) : 0;
  if (n < 1 || n > 65535 || (end && (*end || end == str_s(v)))) return bad(r, "\"port\" is a number from 1 to 65535");
  return *out = (int)n, true;
}

static bool hop(Read *r, Val config, SshHop *h) {
  Val host = map_get_kw(config, "host"), user = map_get_kw(config, "username");
  if (!plain(host) || str_n(host) > 253 || *str_s(host) == '-') return bad(r, "\"host\" must be the name or the address of a machine");
  if (!plain(user) || str_n(user) > 100) return bad(r, "\"username\" must be the user to log in as");
  if (r->used) {
    size_t n = str_n(host);
    bool brackets = str_s(host)[0] == '[' && str_s(host)[n - 1] == ']';
    h->host = mem_raw_copy(str_s(host) + brackets);
    if (brackets) h->host[n - 2] = 0;
    h->user = mem_raw_copy(str_s(user));
  }
  return port(r, map_get_kw(config, "port"), &h->port) && auth(r, config, h) && known_hosts(r, map_get_kw(config, "known-hosts"), h);
}

/* Jump hosts first. */
static bool hops(Read *r, Val config, SshTarget *t, int depth) {
  Val jump = map_get_kw(config, "jump");
  if (depth == SSH_HOPS) return err_set(r->e, "validation", "SSH connection: more than %d machines one behind the other", SSH_HOPS);
  if (!is_nil(jump) && !is_map(jump)) return bad(r, "\"jump\" is a map with \"host\", \"username\", \"auth\" and \"known-hosts\", as the config is");
  if (!is_nil(jump) && !hops(r, jump, t, depth + 1)) return false;
  return hop(r, config, &t->hops[t->nhops++]);
}

static bool time_field(Read *r, Val config, const char *key, enum DurationUnit unit, int64_t most, int64_t *out) {
  Val v = map_get_kw(config, key);
  char what[64];
  snprintf(what, sizeof what, "SSH connection: \"%s\"", key);
  if (is_nil(v)) return true;
  if (!duration_of(v, unit, what, out, r->e)) return false;
  return (*out >= 1 && *out <= most) || err_set(r->e, "validation", "%s is from 1 ms to %lld s", what, (long long)most / 1000);
}

static bool target(Read *r, Val config, SshTarget *t) {
  t->connect_ms = SSH_CONNECT_MS;
  t->idle_ms = SSH_IDLE_MS;
  return time_field(r, config, "connect-timeout-ms", DURATION_MS, 600000, &t->connect_ms) &&
         time_field(r, config, "idle-timeout", DURATION_SECONDS, 3600000, &t->idle_ms) && hops(r, config, t, 0);
}

bool ssh_target_is_mock(Val connection) { return str_eq_c(name_text(map_get_kw(map_get_kw(connection, "config"), "mode")), "mock"); }

bool ssh_target(Val connection, const SecretSet *secrets, SecretUse **used, SshTarget *out, Err *e) {
  Read r = {secrets, used, e};
  Val config = map_get_kw(connection, "config"), mode = map_get_kw(config, "mode");
  memset(out, 0, sizeof *out);
  if (!is_map(config)) return bad(&r, "it needs \"config\": {\"host\" \"username\" \"auth\" \"known-hosts\"}");
  if (ssh_target_is_mock(connection)) return true;
  if (!is_nil(mode) && !str_eq_c(name_text(mode), "live")) return bad(&r, "\"mode\" is \"live\" or \"mock\"");
  bool ok = target(&r, config, out);
  if (!ok || !used) ssh_target_free(out);
  return ok;
}
