/* Unit tests of guard.c: which addresses are refused, in every disguise, and what the allow-list lets through. */
#include "runtime/base/guard.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <cmocka.h>

static struct sockaddr_storage addr(const char *text) {
  struct sockaddr_storage s;
  memset(&s, 0, sizeof s);
  s.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
  void *at = s.ss_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)&s)->sin6_addr : (void *)&((struct sockaddr_in *)&s)->sin_addr;
  if (inet_pton(s.ss_family, text, at) != 1) fail_msg("bad address in test: %s", text);
  return s;
}

static bool allowed(const Guard *g, const char *host, const char *ip) {
  struct sockaddr_storage s = addr(ip);
  const char *why = "unset";
  bool ok = guard_allows(g, host, (struct sockaddr *)&s, &why);
  if (!ok) assert_non_null(why);
  return ok;
}

static void test_refused(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"127.0.0.1", "loopback"},
      {"127.255.255.254", "loopback"},
      {"10.0.0.1", "private"},
      {"10.255.255.255", "private"},
      {"172.16.0.1", "private"},
      {"172.31.255.255", "private"},
      {"192.168.1.1", "private"},
      {"169.254.1.1", "link-local"},
      {"169.254.169.254", "metadata"},
      {"100.100.100.200", "metadata"},
      {"168.63.129.16", "metadata"},
      {"192.0.0.192", "metadata"},
      {"100.64.0.1", "carrier-grade"},
      {"100.127.255.255", "carrier"},
      {"0.0.0.0", "unspecified"},
      {"0.1.2.3", "unspecified"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.1", "reserved"},
      {"255.255.255.255", "reserved"},
      {"192.0.2.1", "documentation"},
      {"198.18.0.1", "benchmarking"},
      {"198.19.255.255", "bench"},
      {"203.0.113.9", "documentation"},
      {"::1", "loopback"},
      {"::", "unspecified"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fc00::1", "private"},
      {"fdff::1", "private"},
      {"fd00:ec2::254", "private"},
      {"ff02::1", "multicast"},
      {"fec0::1", "site-local"},
      {"2001:db8::1", "documentation"},
      {"2001::1", "Teredo"},
      {"100::1", "reserved"},
      {"::ffff:127.0.0.1", "loopback"},
      {"::ffff:10.1.1.1", "private"},
      {"::ffff:169.254.169.254", "metadata"},
      {"::127.0.0.1", "compatible"},
      {"64:ff9b::7f00:1", "loopback"},
      {"64:ff9b::a9fe:a9fe", "metadata"},
      {"64:ff9b:1::808:808", "local NAT64"},
      {"2002:7f00:1::", "loopback"},
      {"2002:a00:1::1", "private"},
      {"::ffff:0:127.0.0.1", "loopback"},
  };
  Guard *g = guard_new(NULL, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct sockaddr_storage s = addr(rows[i][0]);
    const char *kind = guard_kind((struct sockaddr *)&s);
    if (!kind || !strstr(kind, rows[i][1])) fail_msg("%s is %s, expected %s", rows[i][0], kind ? kind : "public", rows[i][1]);
    if (allowed(g, "example.com", rows[i][0])) fail_msg("%s is let through", rows[i][0]);
  }
  guard_free(g);
}

static void test_public(void **state) {
  (void)state;
  static const char *const rows[] = {
      "8.8.8.8",         "1.1.1.1",        "9.255.255.255", "11.0.0.0",        "172.15.255.255", "172.32.0.0",       "192.167.255.255",
      "192.169.0.0",     "100.63.255.255", "100.128.0.0",   "169.253.255.255", "169.255.0.0",    "126.255.255.255",  "128.0.0.1",
      "223.255.255.255", "168.63.129.17",  "2606:4700::1",  "2a00:1450::1",    "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"};
  Guard *g = guard_new("", NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!allowed(g, "example.com", rows[i])) fail_msg("%s is refused", rows[i]);
  guard_free(g);
}

static void test_other_families(void **state) {
  (void)state;
  Err e = {0};
  const char *why;
  struct sockaddr_un u = {.sun_family = AF_UNIX};
  Guard *g = guard_new("0.0.0.0/0,::/0,localhost", &e);
  assert_false(guard_allows(g, "localhost", (struct sockaddr *)&u, &why));
  assert_non_null(strstr(why, "neither"));
  guard_free(g);
}

static void test_allow_networks(void **state) {
  (void)state;
  Err e = {0};
  Guard *g = guard_new("127.0.0.1, 10.0.0.0/8,192.168.4.0/22 fd00::/8", &e);
  assert_non_null(g);
  assert_true(allowed(g, "x", "127.0.0.1") && allowed(g, "x", "::ffff:127.0.0.1"));
  assert_false(allowed(g, "x", "127.0.0.2") || allowed(g, "x", "64:ff9b::7f00:1"));
  assert_true(allowed(g, "x", "10.200.1.1") && allowed(g, "x", "192.168.7.255"));
  assert_false(allowed(g, "x", "192.168.8.0") || allowed(g, "x", "192.168.3.255") || allowed(g, "x", "172.16.0.1"));
  assert_true(allowed(g, "x", "fd12::1"));
  assert_false(allowed(g, "x", "fc12::1") || allowed(g, "x", "::1"));
  guard_free(g);
}

static void test_allow_hosts(void **state) {
  (void)state;
  Err e = {0};
  Guard *g = guard_new("localhost,*.Internal.example,::1", &e);
  assert_true(allowed(g, "localhost", "127.0.0.1") && allowed(g, "LOCALHOST.", "10.0.0.1") &&
              allowed(g, "a.b.internal.example", "10.0.0.1"));
  assert_false(allowed(g, "internal.example", "10.0.0.1") || allowed(g, "evilinternal.example", "10.0.0.1"));
  assert_false(allowed(g, "localhost.evil.com", "127.0.0.1") || allowed(g, "127.0.0.1", "127.0.0.1") || allowed(g, NULL, "127.0.0.1"));
  assert_true(allowed(g, "[::1]", "::1"));
  guard_free(g);
}

static void test_bad_lists(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"10.0.0.0/33", "0 to 32"},
                                        {"10.0.0.0/", "0 to 32"},
                                        {"10.0.0.0/8x", "0 to 32"},
                                        {"fd00::/129", "0 to 128"},
                                        {"http://localhost", "http://localhost"},
                                        {"localhost:80", "localhost:80"},
                                        {"a/8", "a/8"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    Err e = {0};
    assert_null(guard_new(rows[i][0], &e));
    assert_string_equal(e.code, "validation");
    if (!strstr(e.msg, rows[i][1])) fail_msg("\"%s\" lacks \"%s\"", e.msg, rows[i][1]);
  }
}

/* A list that is wrong is said each time; one that is right is the process's from then on. */
static void test_env(void **state) {
  (void)state;
  Err e = {0};
  setenv("BREYTA_ALLOW_PRIVATE_HOSTS", "127.0.0.0/99", 1);
  assert_null(guard_from_env(&e));
  assert_non_null(e.code);
  setenv("BREYTA_ALLOW_PRIVATE_HOSTS", "127.0.0.0/8", 1);
  Guard *g = guard_from_env(&e);
  assert_true(allowed(g, "x", "127.1.2.3"));
  unsetenv("BREYTA_ALLOW_PRIVATE_HOSTS");
  assert_ptr_equal(guard_from_env(&e), g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_public),
      cmocka_unit_test(test_other_families),
      cmocka_unit_test(test_allow_networks),
      cmocka_unit_test(test_allow_hosts),
      cmocka_unit_test(test_bad_lists),
      cmocka_unit_test(test_env),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
