#include "guard.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Every address is compared as 16 bytes; IPv4 in its mapped form ::ffff:a.b.c.d. */
typedef struct Addr {
  uint8_t b[16];
} Addr;
typedef struct Net {
  Addr a;
  int bits;
} Net;

struct Guard {
  Net *nets;
  size_t nnets;
  char **hosts;
  size_t nhosts;
};

typedef struct Range {
  uint32_t net;
  int bits;
  const char *why;
} Range;
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* First match names the reason: single metadata addresses before the ranges they are in. IANA special-purpose registry;
 * 168.63.129.16 is Azure's wire server, 100.100.100.200 Alibaba's and 192.0.0.192 Oracle's metadata service. */
static const Range ranges4[] = {
    {IP4(169, 254, 169, 254), 32, "a cloud metadata address"},
    {IP4(100, 100, 100, 200), 32, "a cloud metadata address"},
    {IP4(168, 63, 129, 16), 32, "a cloud metadata address"},
    {IP4(192, 0, 0, 192), 32, "a cloud metadata address"},
    {IP4(0, 0, 0, 0), 8, "an unspecified address"},
    {IP4(10, 0, 0, 0), 8, "a private address"},
    {IP4(100, 64, 0, 0), 10, "a carrier-grade NAT address"},
    {IP4(127, 0, 0, 0), 8, "a loopback address"},
    {IP4(169, 254, 0, 0), 16, "a link-local address"},
    {IP4(172, 16, 0, 0), 12, "a private address"},
    {IP4(192, 0, 0, 0), 24, "a reserved address"},
    {IP4(192, 0, 2, 0), 24, "a documentation address"},
    {IP4(192, 88, 99, 0), 24, "a reserved address"},
    {IP4(192, 168, 0, 0), 16, "a private address"},
    {IP4(198, 18, 0, 0), 15, "a benchmarking address"},
    {IP4(198, 51, 100, 0), 24, "a documentation address"},
    {IP4(203, 0, 113, 0), 24, "a documentation address"},
    {IP4(224, 0, 0, 0), 4, "a multicast address"},
    {IP4(240, 0, 0, 0), 4, "a reserved address"},
};

static const struct {
  uint8_t net[4];
  int bits;
  const char *why;
} ranges6[] = {
    {{0xfe, 0x80}, 10, "a link-local address"},
    {{0xfe, 0xc0}, 10, "a site-local address"},
    {{0xfc, 0x00}, 7, "a private address"},
    {{0xff, 0x00}, 8, "a multicast address"},
    {{0x20, 0x01, 0x00, 0x00}, 32, "a Teredo address"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "a documentation address"},
    {{0x01, 0x00, 0x00, 0x00}, 32, "a reserved address"},
    {{0x20, 0x01, 0x00, 0x00}, 23, "a reserved address"},
    {{0x5f, 0x00}, 16, "a reserved address"},
};

static bool bits_match(const uint8_t *a, const uint8_t *b, int bits) {
  if (memcmp(a, b, (size_t)(bits / 8))) return false;
  int rest = bits % 8;
  return !rest || !((a[bits / 8] ^ b[bits / 8]) >> (8 - rest));
}

static const char *kind4(const uint8_t *p) {
  uint32_t ip = IP4(p[0], p[1], p[2], p[3]);
  for (size_t i = 0; i < sizeof ranges4 / sizeof *ranges4; i++)
    if (!((ip ^ ranges4[i].net) >> (32 - ranges4[i].bits))) return ranges4[i].why;
  return NULL;
}

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
static const uint8_t nat64_local[6] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01};
static const uint8_t translated[12] = {[8] = 0xff, [9] = 0xff}; /* ::ffff:0:a.b.c.d, SIIT */

static const char *kind6(const uint8_t *p) {
  static const uint8_t zero[16];
  if (!memcmp(p, zero, 15)) {
    if (p[15] == 0) return "an unspecified address";
    if (p[15] == 1) return "a loopback address";
  }
  /* an IPv4 address in disguise is judged as what it is */
  if (!memcmp(p, mapped, 12) || !memcmp(p, nat64, 12) || !memcmp(p, translated, 12)) return kind4(p + 12);
  if (!memcmp(p, zero, 12)) return "an IPv4-compatible address";
  if (!memcmp(p, nat64_local, 6)) return "a local NAT64 address";
  if (p[0] == 0x20 && p[1] == 0x02) return kind4(p + 2); /* 6to4 */
  for (size_t i = 0; i < sizeof ranges6 / sizeof *ranges6; i++)
    if (bits_match(p, ranges6[i].net, ranges6[i].bits)) return ranges6[i].why;
  return NULL;
}

static bool addr_of(const struct sockaddr *sa, Addr *out) {
  memcpy(out->b, mapped, 12);
  if (sa->sa_family == AF_INET) return memcpy(out->b + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4), true;
  if (sa->sa_family == AF_INET6) return memcpy(out->b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16), true;
  return false;
}

const char *guard_kind(const struct sockaddr *sa) {
  Addr a;
  return addr_of(sa, &a) ? kind6(a.b) : "neither an IPv4 nor an IPv6 address";
}

/* ---- allow-list ---- */

static bool parse_ip(const char *s, Addr *a, int *width) {
  memcpy(a->b, mapped, 12);
  *width = 32;
  if (inet_pton(AF_INET, s, a->b + 12) == 1) return true;
  *width = 128;
  return inet_pton(AF_INET6, s, a->b) == 1;
}

static void *grow(void *p, size_t n, size_t size) {
  void *q = realloc(p, n * size);
  if (!q) abort();
  return q;
}

static bool add_net(Guard *g, char *item, Err *e) {
  char *slash = strchr(item, '/'), *end = NULL;
  if (slash) *slash = 0;
  Net n;
  int width;
  bool ip = parse_ip(item, &n.a, &width);
  if (slash) *slash = '/';
  if (!ip) return false;
  long bits = slash ? strtol(slash + 1, &end, 10) : width;
  if (slash && (end == slash + 1 || *end || bits < 0 || bits > width))
    return err_set(e, "validation", "the allow-list has %.100s: the prefix length is from 0 to %d", item, width);
  n.bits = width == 32 ? (int)bits + 96 : (int)bits;
  g->nets = grow(g->nets, g->nnets + 1, sizeof *g->nets);
  g->nets[g->nnets++] = n;
  return true;
}

static bool host_chars(const char *s) {
  if (s[0] == '*' && s[1] == '.') s += 2;
  return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == strlen(s);
}

static bool add_item(Guard *g, char *item, Err *e) {
  e->code = NULL;
  if (add_net(g, item, e)) return true;
  if (e->code) return false;
  if (!host_chars(item))
    return err_set(e, "validation",
                   "the allow-list has %.100s; it is a comma-separated list of host names (localhost, *.internal), addresses "
                   "and CIDR ranges (10.0.0.0/8)",
                   item);
  g->hosts = grow(g->hosts, g->nhosts + 1, sizeof *g->hosts);
  g->hosts[g->nhosts] = strdup(item);
  if (!g->hosts[g->nhosts++]) abort();
  return true;
}

Guard *guard_new(const char *allow, Err *e) {
  Guard *g = calloc(1, sizeof *g);
  char *copy = strdup(allow ? allow : ""), *save = NULL;
  if (!g || !copy) abort();
  bool ok = true;
  for (char *item = strtok_r(copy, ", \t\n", &save); ok && item; item = strtok_r(NULL, ", \t\n", &save)) ok = add_item(g, item, e);
  free(copy);
  if (ok) return g;
  guard_free(g);
  return NULL;
}

Guard *guard_from_env(Err *e) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static Guard *shared;
  pthread_mutex_lock(&lock);
  if (!shared) shared = guard_new(getenv("BREYTA_ALLOW_PRIVATE_HOSTS"), e);
  Guard *g = shared;
  pthread_mutex_unlock(&lock);
  return g;
}

void guard_free(Guard *g) {
  if (!g) return;
  for (size_t i = 0; i < g->nhosts; i++) free(g->hosts[i]);
  free(g->hosts);
  free(g->nets);
  free(g);
}

static bool host_matches(const char *pattern, const char *host, size_t n) {
  if (pattern[0] != '*') return strlen(pattern) == n && !strncasecmp(pattern, host, n);
  size_t tail = strlen(pattern + 1); /* ".internal": a label at least must stand before it */
  return n > tail && !strncasecmp(host + n - tail, pattern + 1, tail);
}

static bool host_listed(const Guard *g, const char *host) {
  size_t n = strlen(host);
  if (n > 1 && host[0] == '[' && host[n - 1] == ']') host++, n -= 2;
  if (n > 1 && host[n - 1] == '.') n--; /* the absolute form of a name */
  for (size_t i = 0; i < g->nhosts; i++)
    if (host_matches(g->hosts[i], host, n)) return true;
  return false;
}

bool guard_allows(const Guard *g, const char *host, const struct sockaddr *sa, const char **why) {
  Addr a;
  *why = guard_kind(sa);
  if (!*why) return true;
  if (!addr_of(sa, &a)) return false;
  for (size_t i = 0; i < g->nnets; i++)
    if (bits_match(a.b, g->nets[i].a.b, g->nets[i].bits)) return true;
  return host && host_listed(g, host);
}
