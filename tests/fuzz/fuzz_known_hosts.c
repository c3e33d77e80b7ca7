/* fuzz_known_hosts.c - any text as known_hosts. Whatever stands in it: a key that was put in by ssh_hosts_replace is known afterwards unless the
 * text revokes it, another one of its kind is not, putting it in twice changes nothing, and what a line is read as is written as it was. */
#include "reader/mem.h"
#include "runtime/ssh/ssh_hosts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PORTS = 2 };
static const int ports[PORTS] = {22, 2222};
static const char host[] = "vm.example";

/* A key as it travels: its kind and 32 bytes, each with its length in front. */
static SshHostKey key_of(uint8_t *p, uint8_t fill) {
  static const char kind[] = "ssh-ed25519";
  size_t k = sizeof kind - 1;
  memset(p, 0, 4 + k + 4);
  p[3] = (uint8_t)k;
  memcpy(p + 4, kind, k);
  p[4 + k + 3] = 32;
  memset(p + 8 + k, fill, 32);
  return (SshHostKey){p, 8 + k + 32};
}

static void wrong(const char *what, const char *text) {
  fprintf(stderr, "fuzz_known_hosts: %s: %s\n", what, text);
  abort();
}

static void replaced(const char *text, int port, SshHostKey key, SshHostKey other) {
  Buf once = {0}, twice = {0}, recorded = {0}, kinds = {0};
  bool revoked = strstr(text, "@revoked");
  enum SshKnown before = ssh_hosts_check(text, host, port, key, &recorded);
  ssh_hosts_kinds(text, host, port, &kinds);
  if (!kinds.n) wrong("no kind of key to ask for", text);
  if (before == SSH_CHANGED && !recorded.n) wrong("changed from nothing", text);
  ssh_hosts_replace(text, host, port, key, &once);
  enum SshKnown after = ssh_hosts_check(buf_cstr(&once), host, port, key, NULL);
  if (after != SSH_KNOWN && !(after == SSH_REVOKED && revoked)) wrong("a key that was put in is not known", once.p);
  ssh_hosts_replace(buf_cstr(&once), host, port, key, &twice);
  if (once.n != twice.n || memcmp(once.p, twice.p, once.n)) wrong("the same key again makes another text", once.p);
  if (before == SSH_UNKNOWN && !revoked && ssh_hosts_check(buf_cstr(&once), host, port, other, NULL) == SSH_KNOWN) wrong("another key is known", once.p);
  Buf *all[] = {&once, &twice, &recorded, &kinds};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) buf_free(all[i]);
}

static void line_of(const char *text, size_t n) {
  Buf blob = {0}, line = {0}, again = {0};
  SshHostKey key, back;
  if (ssh_hosts_read_line(text, n, &blob, &key)) {
    ssh_hosts_line(host, 22, key, &line);
    if (!ssh_hosts_read_line(buf_cstr(&line), line.n, &again, &back)) wrong("a line of our own cannot be read", line.p);
    if (key.n != back.n || memcmp(key.p, back.p, key.n)) wrong("another key came back", line.p);
  }
  buf_free(&blob);
  buf_free(&line);
  buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  uint8_t one[64], two[64];
  SshHostKey key = key_of(one, 1), other = key_of(two, 2);
  char *text = malloc(n + 1);
  mem_init();
  if (!text) abort();
  memcpy(text, data, n);
  text[n] = 0;
  line_of(text, n);
  for (int i = 0; i < PORTS; i++) replaced(text, ports[i], key, other);
  free(text);
  return 0;
}
