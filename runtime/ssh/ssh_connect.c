/* ssh_connect.c - see ssh_int.h: from the name of a host to a session that is logged in, on a helper thread. The session is non-blocking
 * all the same: every wait has the deadline of the try. */
#include "runtime/base/hash.h"
#include "runtime/engine/offload.h"
#include "ssh_hosts.h"
#include "ssh_int.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static OffloadPool pool = OFFLOAD_POOL("ssh-connect", 32, NULL);

/* ---- answers ---- */

int64_t ssh_clock_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool ssh_fail(SshAnswer *a, enum SshErr err, const char *fmt, ...) {
  if (a->err) return false;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(a->msg, sizeof a->msg, fmt, ap);
  va_end(ap);
  a->err = err;
  a->passing = err == SSH_UNREACHABLE || err == SSH_TIMEOUT || err == SSH_LOST || err == SSH_INTERNAL;
  return false;
}

void ssh_answer_free(SshAnswer *a) {
  Buf *all[] = {&a->out, &a->errs, &a->content, &a->fingerprint, &a->host_key, &a->recorded, &a->methods, &a->banner};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) buf_free(all[i]);
}

const char *ssh_session_error(LIBSSH2_SESSION *s) {
  char *text = NULL;
  int n = 0;
  SSH_CALL(libssh2_session_last_error)(s, &text, &n, 0);
  return text && *text ? text : "the other side gives no reason";
}

/* "host" or "host:port" for people. */
static const char *name_of(const SshConnect *c, char out[300]) {
  const SshHop *h = c->hop;
  if (h->port == 22) snprintf(out, 300, "%.250s", h->host);
  else snprintf(out, 300, strchr(h->host, ':') ? "[%.250s]:%d" : "%.250s:%d", h->host, h->port);
  return out;
}

/* ---- waiting ---- */

static int ms_left(const SshConnect *c) {
  int64_t left = (c->deadline_us - ssh_clock_us() + 999) / 1000;
  return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static bool wait_fd(SshConnect *c, int fd, short events) {
  struct pollfd p = {fd, events, 0};
  int n;
  do n = poll(&p, 1, ms_left(c));
  while (n < 0 && errno == EINTR);
  return n > 0;
}

/* For libssh2's EAGAIN. false: the time is over. */
static bool wait_session(SshConnect *c, const char *what) {
  int dir = SSH_CALL(libssh2_session_block_directions)(c->session);
  short events = (short)((dir & LIBSSH2_SESSION_BLOCK_INBOUND ? POLLIN : 0) | (dir & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0));
  char host[300];
  if (wait_fd(c, c->fd, events ? events : POLLIN)) return true;
  return ssh_fail(&c->answer, SSH_TIMEOUT, "%s did not %s in the time that :connect-timeout-ms allows", name_of(c, host), what);
}

/* ---- TCP ---- */

static void tune(int fd) {
  int on = 1, idle = 15, gap = 5, count = 4;
  unsigned lost_ms = 30000; /* bytes that nobody acknowledges so long: the connection is gone */
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &gap, sizeof gap);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof lost_ms);
}

/* A connected socket, or -1 with errno. */
static int dial(SshConnect *c, const struct addrinfo *a) {
  int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc = 0;
  socklen_t n = sizeof rc;
  if (fd < 0) return -1;
  if (connect(fd, a->ai_addr, a->ai_addrlen)) {
    rc = errno;
    if (rc == EINPROGRESS && !wait_fd(c, fd, POLLOUT)) rc = ETIMEDOUT;
    else if (rc == EINPROGRESS && getsockopt(fd, SOL_SOCKET, SO_ERROR, &rc, &n)) rc = errno;
  }
  if (!rc) return tune(fd), fd;
  close(fd);
  return errno = rc, -1;
}

static bool allowed(SshConnect *c, const struct addrinfo *a) {
  const char *why;
  if (!c->guard || guard_allows(c->guard, c->hop->host, a->ai_addr, &why)) return true;
  return ssh_fail(&c->answer, SSH_GUARD, "%.250s is at %s, which is not allowed; BREYTA_ALLOW_PRIVATE_HOSTS lists exceptions", c->hop->host, why);
}

static bool unreachable(SshConnect *c, int error) {
  char host[300];
  bool late = error == ETIMEDOUT && !ms_left(c);
  if (late) return ssh_fail(&c->answer, SSH_TIMEOUT, "%s did not answer in the time that :connect-timeout-ms allows", name_of(c, host));
  return ssh_fail(&c->answer, SSH_UNREACHABLE, "cannot connect to %s: %s", name_of(c, host), strerror(error));
}

static bool dial_all(SshConnect *c, const struct addrinfo *list) {
  int error = 0;
  for (const struct addrinfo *a = list; a; a = a->ai_next) {
    if (!allowed(c, a)) return false;
    c->fd = dial(c, a);
    if (c->fd >= 0) return true;
    if (!error || errno == ETIMEDOUT) error = errno;
  }
  return unreachable(c, error);
}

static bool open_socket(SshConnect *c) {
  struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *list = NULL;
  char port[16];
  if (c->fd >= 0) return true;
  snprintf(port, sizeof port, "%d", c->hop->port);
  int rc = getaddrinfo(c->hop->host, port, &want, &list);
  if (rc) {
    ssh_fail(&c->answer, SSH_BAD_HOST, "unknown host: the name %.250s cannot be resolved: %s", c->hop->host, gai_strerror(rc));
    c->answer.passing = rc == EAI_AGAIN || rc == EAI_SYSTEM;
    return false;
  }
  bool ok = dial_all(c, list);
  freeaddrinfo(list);
  return ok;
}

/* ---- the handshake ---- */

/* What libssh2 could still speak and nobody should (SHA-1, CBC) is left out. */
static void prefer(SshConnect *c) {
  Buf kinds = {0};
  ssh_hosts_kinds(c->hop->known ? c->hop->known : "", c->hop->host, c->hop->port, &kinds);
  static const char kex[] = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
                            "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256";
  static const char crypt[] = "aes256-ctr,aes192-ctr,aes128-ctr", mac[] = "hmac-sha2-256,hmac-sha2-512";
  (void)SSH_CALL(libssh2_session_method_pref)(c->session, LIBSSH2_METHOD_KEX, kex);
  (void)SSH_CALL(libssh2_session_method_pref)(c->session, LIBSSH2_METHOD_HOSTKEY, buf_cstr(&kinds));
  (void)SSH_CALL(libssh2_session_method_pref)(c->session, LIBSSH2_METHOD_CRYPT_CS, crypt);
  (void)SSH_CALL(libssh2_session_method_pref)(c->session, LIBSSH2_METHOD_CRYPT_SC, crypt);
  (void)SSH_CALL(libssh2_session_method_pref)(c->session, LIBSSH2_METHOD_MAC_CS, mac);
  (void)SSH_CALL(libssh2_session_method_pref)(c->session, LIBSSH2_METHOD_MAC_SC, mac);
  buf_free(&kinds);
}

static bool no_session(SshConnect *c, int rc) {
  char host[300];
  const char *banner = SSH_CALL(libssh2_session_banner_get)(c->session), *text = ssh_session_error(c->session);
  name_of(c, host);
  if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE)
    return ssh_fail(&c->answer, SSH_REFUSED,
                    "%s (%.80s) and this program have no way of speaking in common: it needs a host key of the kind ed25519 or ECDSA "
                    "(not RSA alone), an AES-CTR cipher and a SHA-2 MAC",
                    host, banner ? banner : "no banner");
  if (!banner) return ssh_fail(&c->answer, SSH_UNREACHABLE, "%s does not answer as an SSH server, or has no room for another connection: %s", host, text);
  return ssh_fail(&c->answer, SSH_UNREACHABLE, "the connection to %s was cut while keys were exchanged: %s", host, text);
}

static bool handshake(SshConnect *c) {
  int rc;
  prefer(c);
  while ((rc = SSH_CALL(libssh2_session_handshake)(c->session, c->fd)) == LIBSSH2_ERROR_EAGAIN)
    if (!wait_session(c, "finish the SSH handshake")) return false;
  return rc ? no_session(c, rc) : true;
}

/* ---- the host key ---- */

static bool key_unknown(SshConnect *c, const char *host) {
  SshAnswer *a = &c->answer;
  if (a->recorded.n)
    return ssh_fail(a, SSH_KEY_UNKNOWN, "host key unknown: %s shows the key %s, and it is known by keys of other kinds only: %.300s. Nothing was sent to it",
                    host, buf_cstr(&a->fingerprint), buf_cstr(&a->recorded));
  return ssh_fail(a, SSH_KEY_UNKNOWN,
                  "host key unknown: %s shows the key %s, and the connection's known-hosts have none for it. Nothing was sent to it. "
                  "If that is what `ssh-keygen -lf` says on the machine itself, trust it: put the line in :host-key into known-hosts",
                  host, buf_cstr(&a->fingerprint));
}

static bool key_changed(SshConnect *c, const char *host, bool revoked) {
  SshAnswer *a = &c->answer;
  if (revoked)
    return ssh_fail(a, SSH_KEY_CHANGED, "host key revoked: %s shows the key %s, which known-hosts have as @revoked. Nothing was sent to it", host,
                    buf_cstr(&a->fingerprint));
  return ssh_fail(a, SSH_KEY_CHANGED,
                  "host key changed: %s shows the key %s, and it is known by %.300s. Either the machine was set up anew, or somebody stands "
                  "between you and it. Nothing was sent to it",
                  host, buf_cstr(&a->fingerprint), buf_cstr(&a->recorded));
}

static bool check_key(SshConnect *c) {
  size_t n = 0;
  int kind = 0;
  char host[300];
  SshAnswer *a = &c->answer;
  SshHostKey key = {(const uint8_t *)SSH_CALL(libssh2_session_hostkey)(c->session, &n, &kind), 0};
  key.n = n;
  if (!key.p) return ssh_fail(a, SSH_UNREACHABLE, "%s showed no host key", name_of(c, host));
  ssh_hosts_fingerprint(key, &a->fingerprint);
  ssh_hosts_line(c->hop->host, c->hop->port, key, &a->host_key);
  buf_c(&a->banner, SSH_CALL(libssh2_session_banner_get)(c->session));
  switch (ssh_hosts_check(c->hop->known ? c->hop->known : "", c->hop->host, c->hop->port, key, &a->recorded)) {
  case SSH_KNOWN: return true;
  case SSH_UNKNOWN: return key_unknown(c, name_of(c, host));
  case SSH_CHANGED: return key_changed(c, name_of(c, host), false);
  case SSH_REVOKED: break;
  }
  return key_changed(c, name_of(c, host), true);
}

/* ---- logging in ---- */

static bool offered(const SshConnect *c, const char *method) {
  size_t n = strlen(method);
  const char *all = c->answer.methods.n ? c->answer.methods.p : "";
  for (const char *p = all; *p; p += strcspn(p, ","), p += *p == ',')
    if (strcspn(p, ",") == n && !memcmp(p, method, n)) return true;
  return false;
}

static bool is_rsa(const char *key) {
  Buf raw = {0}, text = {0};
  static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
  const char *p = strstr(key, begin), *end = p ? strstr(p, "-----END") : NULL;
  if (!p) {
    bool rsa = strstr(key, "BEGIN RSA PRIVATE KEY") || hash_rsa_sha256(key, "", 0, &text);
    buf_free(&text);
    return rsa;
  }
  for (p += strlen(begin); end && p < end; p++)
    if (*p != '\n' && *p != '\r') buf_ch(&text, *p);
  bool rsa = hash_unbase64(text.p, text.n, &raw) && memmem(raw.p, raw.n < 300 ? raw.n : 300, "\0\0\0\7ssh-rsa", 11);
  if (text.p) explicit_bzero(text.p, text.n);
  if (raw.p) explicit_bzero(raw.p, raw.n);
  buf_free(&text);
  buf_free(&raw);
  return rsa;
}

#define RSA_HINT                                                                                                               \
  " The key is an RSA key: libssh2 1.10 signs with those only in a way (SHA-1) that servers have refused since OpenSSH 8.8. Use an " \
  "ed25519 or ECDSA key (ssh-keygen -t ed25519)"

static bool refused(SshConnect *c, const char *what, int rc) {
  char host[300];
  const char *rsa = c->hop->key && is_rsa(c->hop->key) ? RSA_HINT : "";
  return ssh_fail(&c->answer, SSH_AUTH, "authentication failed: %s does not let %.80s in with %s (%s); it offers: %.200s.%s", name_of(c, host), c->hop->user, what,
                  rc ? ssh_session_error(c->session) : "not offered", c->answer.methods.n ? buf_cstr(&c->answer.methods) : "nothing", rsa);
}

static bool cut(SshConnect *c, int rc) {
  char host[300];
  if (rc != LIBSSH2_ERROR_SOCKET_DISCONNECT && rc != LIBSSH2_ERROR_SOCKET_RECV && rc != LIBSSH2_ERROR_SOCKET_SEND) return false;
  ssh_fail(&c->answer, SSH_UNREACHABLE, "%s cut the connection during the login", name_of(c, host));
  return true;
}

static bool list_methods(SshConnect *c) {
  char *list;
  while (!(list = SSH_CALL(libssh2_userauth_list)(c->session, c->hop->user, (unsigned)strlen(c->hop->user)))) {
    int rc = SSH_CALL(libssh2_session_last_errno)(c->session);
    if (SSH_CALL(libssh2_userauth_authenticated)(c->session)) return true;
    if (rc != LIBSSH2_ERROR_EAGAIN) return cut(c, rc) ? false : refused(c, "what it was asked for", rc);
    if (!wait_session(c, "say how one logs in")) return false;
  }
  buf_c(&c->answer.methods, list);
  buf_cstr(&c->answer.methods);
  return true;
}

static bool with_key(SshConnect *c) {
  const SshHop *h = c->hop;
  int rc;
  char host[300];
  if (!offered(c, "publickey")) return refused(c, "a key", 0);
  while ((rc = SSH_CALL(libssh2_userauth_publickey_frommemory)(c->session, h->user, strlen(h->user), NULL, 0, h->key, strlen(h->key), h->passphrase)) ==
         LIBSSH2_ERROR_EAGAIN)
    if (!wait_session(c, "judge the key")) return false;
  if (!rc || cut(c, rc)) return !rc;
  bool judged = rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED; /* by the server: else it is not even sent */
  if (judged || is_rsa(h->key)) return refused(c, "the key", rc);
  return ssh_fail(&c->answer, SSH_AUTH, "authentication failed: the private key for %s cannot be read: %s", name_of(c, host),
                  h->passphrase ? "the passphrase is wrong, or it is no ed25519 or ECDSA key in the format of ssh-keygen"
                                : "it needs a passphrase (passphrase-secret-ref), or it is no ed25519 or ECDSA key in the format of ssh-keygen");
}

/* Every question that does not show what is typed gets the password. */
static void questions(const char *name, int nname, const char *text, int ntext, int n, const LIBSSH2_USERAUTH_KBDINT_PROMPT *asked,
                      LIBSSH2_USERAUTH_KBDINT_RESPONSE *answers, void **abstract) {
  (void)name, (void)nname, (void)text, (void)ntext;
  const char *password = *abstract;
  for (int i = 0; i < n; i++) {
    if (asked[i].echo) continue;
    answers[i].text = strdup(password);
    answers[i].length = answers[i].text ? (unsigned)strlen(password) : 0;
  }
}

static bool with_password(SshConnect *c) {
  const SshHop *h = c->hop;
  unsigned nuser = (unsigned)strlen(h->user);
  bool plain = offered(c, "password");
  int rc;
  if (!plain && !offered(c, "keyboard-interactive")) return refused(c, "a password", 0);
  while ((rc = plain ? SSH_CALL(libssh2_userauth_password_ex)(c->session, h->user, nuser, h->password, (unsigned)strlen(h->password), NULL)
                     : SSH_CALL(libssh2_userauth_keyboard_interactive_ex)(c->session, h->user, nuser, questions)) == LIBSSH2_ERROR_EAGAIN)
    if (!wait_session(c, "judge the password")) return false;
  return !rc || cut(c, rc) ? !rc : refused(c, "the password", rc);
}

static bool log_in(SshConnect *c) {
  if (!list_methods(c)) return false;
  if (SSH_CALL(libssh2_userauth_authenticated)(c->session)) return true;
  if (c->hop->key && (offered(c, "publickey") || !c->hop->password)) return with_key(c);
  if (c->hop->password) return with_password(c);
  return refused(c, "nothing (the connection has neither a key nor a password)", 0);
}

/* ---- the try ---- */

void ssh_session_end(LIBSSH2_SESSION *s, int fd, bool polite) {
  if (s && polite) (void)SSH_CALL(libssh2_session_disconnect_ex)(s, SSH_DISCONNECT_BY_APPLICATION, "done", "");
  if (fd >= 0) shutdown(fd, SHUT_RDWR); /* closed only behind it: nothing of the session's may go to another descriptor of that number */
  for (int i = 0; s && i < 1000 && SSH_CALL(libssh2_session_free)(s) == LIBSSH2_ERROR_EAGAIN; i++) continue;
  if (fd >= 0) close(fd);
}

static bool open_session(SshConnect *c) {
  c->session = SSH_CALL(libssh2_session_init_ex)(NULL, NULL, NULL, c->hop->password);
  if (!c->session) return ssh_fail(&c->answer, SSH_INTERNAL, "no memory for an SSH session");
  SSH_CALL(libssh2_session_set_blocking)(c->session, 0);
  return handshake(c) && check_key(c) && log_in(c);
}

static void work(void *arg) {
  SshConnect *c = arg;
  if (!open_socket(c) || !open_session(c)) {
    ssh_session_end(c->session, c->fd, true);
    c->session = NULL;
    c->fd = -1;
  } else {
    *SSH_CALL(libssh2_session_abstract)(c->session) = NULL;
  }
  c->done(c);
}

bool ssh_connect_start(SshConnect *c) { return offload_post(&pool, work, c); }
