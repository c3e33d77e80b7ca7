#include "sock.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static bool split_host(const char *hp, char *host, size_t nhost, char *port, size_t nport, Err *e) {
  const char *colon = strrchr(hp, ':'), *p = colon ? colon + 1 : hp, *h = hp;
  size_t n = colon ? (size_t)(colon - hp) : 0;
  if (n > 1 && h[0] == '[' && h[n - 1] == ']')
    h++, n -= 2;
  else if (memchr(h, ':', n))
    return err_set(e, "validation", "\"%.100s\" is not HOST:PORT; write IPv6 addresses in brackets: [::1]:8080", hp);
  if (!*p || strspn(p, "0123456789") != strlen(p) || strlen(p) > 5 || atoi(p) > 65535 || n >= nhost)
    return err_set(e, "validation", "\"%.100s\" is not HOST:PORT; for example 127.0.0.1:8080, [::1]:8080 or *:8080", hp);
  snprintf(port, nport, "%s", p);
  snprintf(host, nhost, "%.*s", (int)n, h);
  return true;
}

static int bind_one(const struct addrinfo *a) {
  int one = 1, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
  if (fd < 0) return -1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (!bind(fd, a->ai_addr, a->ai_addrlen)) return fd;
  int err = errno;
  close(fd);
  errno = err;
  return -1;
}

int sock_bind(const char *hp, Err *e) {
  char host[256], port[8];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
  if (!split_host(hp, host, sizeof host, port, sizeof port, e)) return -1;
  bool all = !strcmp(host, "*");
  int rc = getaddrinfo(all ? NULL : *host ? host : "127.0.0.1", port, &hints, &list), fd = -1;
  if (rc && !strcasecmp(host, "localhost")) rc = getaddrinfo("127.0.0.1", port, &hints, &list); /* a machine without /etc/hosts */
  if (rc) return err_set(e, "listen", "cannot listen on %.100s: %s", hp, gai_strerror(rc)), -1;
  for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) fd = bind_one(a);
  if (fd < 0) err_set(e, "listen", "cannot listen on %.100s: %s", hp, strerror(errno));
  freeaddrinfo(list);
  return fd;
}

int sock_listen(const char *hp, Err *e) {
  int fd = sock_bind(hp, e);
  if (fd < 0 || !listen(fd, 256)) return fd;
  err_set(e, "listen", "cannot listen on %.100s: %s", hp, strerror(errno));
  close(fd);
  return -1;
}

int sock_port(int fd) {
  struct sockaddr_storage s;
  socklen_t n = sizeof s;
  if (getsockname(fd, (struct sockaddr *)&s, &n)) return 0;
  return ntohs(s.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&s)->sin6_port : ((struct sockaddr_in *)(void *)&s)->sin_port);
}

void sock_host(int fd, char out[64]) {
  struct sockaddr_storage s = {0};
  socklen_t n = sizeof s;
  strcpy(out, "?");
  if (getsockname(fd, (struct sockaddr *)&s, &n)) return;
  if (s.ss_family == AF_INET6) inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)&s)->sin6_addr, out, 64);
  else inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)&s)->sin_addr, out, 64);
}
