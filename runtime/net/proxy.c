/* proxy.c - see proxy.h */
#include "proxy.h"
#include "webhook_auth.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Net {
  uint8_t a[16]; /* as of hook_network */
  int bits;
} Net;
struct Proxies {
  Net *a;
  size_t n;
};

static bool network(const char *s, size_t n, Net *out) {
  char t[64];
  if (!n || n >= sizeof t) return false;
  memcpy(t, s, n);
  t[n] = 0;
  return hook_network(t, out->a, &out->bits);
}

static bool add(Proxies *p, const char *s, size_t n) {
  Net net;
  Net *a = network(s, n, &net) ? realloc(p->a, (p->n + 1) * sizeof *a) : NULL;
  if (!a) return false;
  p->a = a;
  p->a[p->n++] = net;
  return true;
}

static bool add_word(Proxies *p, const char *s, size_t n) {
  if (n == 8 && !strncmp(s, "loopback", 8)) return add(p, "127.0.0.0/8", 11) && add(p, "::1", 3);
  return add(p, s, n);
}

Proxies *proxies_new(const char *list, Err *e) {
  Proxies *p = calloc(1, sizeof *p);
  while (p && *list) {
    list += strspn(list, ", \n");
    size_t n = strcspn(list, ", \n");
    if (n && !add_word(p, list, n)) {
      err_set(e, "validation", "%.*s is no address and no network such as 10.0.0.0/8; `loopback` is this machine", (int)(n > 100 ? 100 : n), list);
      proxies_free(p);
      return NULL;
    }
    list += n;
  }
  return p;
}

void proxies_free(Proxies *p) {
  if (!p) return;
  free(p->a);
  free(p);
}

static bool trusted(const Proxies *p, const char *s, size_t n) {
  Net one;
  if (!network(s, n, &one)) return false;
  for (size_t i = 0; i < p->n; i++)
    if (hook_within(one.a, p->a[i].a, p->a[i].bits)) return true;
  return false;
}

/* The header, when it is there once: of two, nobody knows which one the proxy wrote. */
static const char *once(const ListenRequest *r, const char *name) {
  const char *found = NULL;
  for (size_t i = 0; i < r->nheaders; i++) {
    if (strcmp(r->headers[i].name, name)) continue;
    if (found) return NULL;
    found = r->headers[i].value;
  }
  return found;
}

/* From the right: parts that trusted proxies wrote are theirs, the first other one is the sender. A part that is no address ends it. */
static void sender(const Proxies *p, ListenRequest *r) {
  const char *list = once(r, "x-forwarded-for");
  if (!list) return;
  const char *end = list + strlen(list);
  while (end > list) {
    const char *from = end;
    while (from > list && from[-1] != ',') from--;
    const char *s = from + strspn(from, " \t");
    size_t n = s < end ? (size_t)(end - s) : 0;
    Net one;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t')) n--;
    if (memchr(s, '/', n) || !network(s, n, &one)) return;
    snprintf(r->peer, sizeof r->peer, "%.*s", (int)n, s);
    if (!trusted(p, s, n)) return;
    end = from > list ? from - 1 : list;
  }
}

static bool host_ok(const char *s) {
  size_t n = strlen(s);
  return n && n <= 255 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_") == n;
}

void proxy_headers(const Proxies *p, ListenRequest *r) {
  if (!trusted(p, r->peer, strlen(r->peer))) return;
  const char *proto = once(r, "x-forwarded-proto"), *host = once(r, "x-forwarded-host");
  bool known = proto && (!strcmp(proto, "https") || !strcmp(proto, "http"));
  if (!host) host = once(r, "host");
  if (known && host && host_ok(host)) snprintf(r->base, sizeof r->base, "%s://%s", proto, host);
  sender(p, r);
}
