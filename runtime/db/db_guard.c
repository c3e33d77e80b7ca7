/* Where a database connection may go when the outbound guard is on: names are resolved here, every address is checked, and the driver is
 * given the address that was checked, so that a name which means something else a moment later changes nothing. */
#include "db.h"
#include "runtime/base/guard.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first address of the name that the guard lets through. */
static bool check_one(const DbJob *j, const char *host, Buf *out, Err *e) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *all = NULL;
  const char *why = "no address";
  char text[INET6_ADDRSTRLEN + 20];
  int rc = getaddrinfo(host, NULL, &hints, &all);
  if (rc) return err_set(e, "network", "%.200s: %s", host, gai_strerror(rc));
  const struct addrinfo *a = all;
  while (a && !guard_allows(j->guard, host, a->ai_addr, &why)) a = a->ai_next;
  bool ok = a && !getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
  if (ok) buf_fmt(out, "%s%s", out->n ? "," : "", text);
  freeaddrinfo(all);
  return ok || err_set(e, "guard", "%.200s is %s, which the outbound guard refuses; allow it with BREYTA_ALLOW_PRIVATE_HOSTS", host, why);
}

/* libpq takes several hosts, separated by commas. A path is a socket of this machine, and so is no host at all. */
bool db_address(DbJob *j, Err *e) {
  const char *host = j->target->host && *j->target->host && *j->target->host != '/' ? j->target->host : NULL;
  if (!j->guard || j->address) return true;
  if (!host) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const char *why;
    return guard_allows(j->guard, "localhost", (const struct sockaddr *)&here, &why) ||
           err_set(e, "guard", "a database of this machine is at %s, which the outbound guard refuses; allow it with BREYTA_ALLOW_PRIVATE_HOSTS=localhost", why);
  }
  Buf out = {0};
  char *names = strdup(host), *rest = names;
  bool ok = names != NULL;
  for (char *name; ok && (name = strsep(&rest, ","));) ok = check_one(j, name, &out, e);
  if (ok) j->address = strdup(buf_cstr(&out));
  free(names);
  buf_free(&out);
  return ok;
}

bool db_guarded(DbJob *j) {
  Err e = {0};
  if (db_address(j, &e)) return true;
  return !strcmp(e.code, "guard") ? db_fail(j, "guard", "%s", e.msg) : db_fail_network(j, "%s", e.msg);
}

bool db_peer_guarded(DbJob *j, int fd) {
  struct sockaddr_storage sa;
  socklen_t n = sizeof sa;
  const char *why = "unknown";
  if (!j->guard) return true;
  if (!getpeername(fd, (struct sockaddr *)&sa, &n) && (sa.ss_family == AF_UNIX || guard_allows(j->guard, j->target->host, (struct sockaddr *)&sa, &why))) return true;
  return db_fail(j, "guard", "%.200s is %s, which the outbound guard refuses; allow it with BREYTA_ALLOW_PRIVATE_HOSTS", j->target->host, why);
}
