/* Unit tests of ssh_hosts.c (known_hosts) and ssh_shell.c (the boot line, quoting by a real sh, marks in pieces). The client itself:
 * tests/cli/ssh*.bats. */
#include "runtime/base/hash.h"
#include "runtime/ssh/ssh_hosts.h"
#include "runtime/ssh/ssh_shell.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- known_hosts ---- */

typedef struct Key { uint8_t b[80]; SshHostKey k; char line[200]; } Key;

static void key_make(Key *key, const char *kind, uint8_t fill) {
  size_t n = strlen(kind);
  Buf b = {0};
  memset(key, 0, sizeof *key);
  key->b[3] = (uint8_t)n;
  memcpy(key->b + 4, kind, n);
  memset(key->b + 4 + n, fill, 40);
  key->k = (SshHostKey){key->b, 44 + n};
  buf_fmt(&b, "%s ", kind);
  hash_base64(key->k.p, key->k.n, &b);
  snprintf(key->line, sizeof key->line, "%s", buf_cstr(&b));
  buf_free(&b);
}

static enum SshKnown ask(const char *names, const Key *known, const char *host, int port, const Key *shown) {
  char text[600];
  snprintf(text, sizeof text, "# a comment\n\nbroken line\n@cert-authority * %s\n%s %s trailing comment\r\n", known->line, names, known->line);
  return ssh_hosts_check(text, host, port, shown->k, NULL);
}

static void test_names(void **state) {
  (void)state;
  Key a, b, other;
  key_make(&a, "ssh-ed25519", 1);
  key_make(&b, "ssh-ed25519", 2);
  key_make(&other, "ecdsa-sha2-nistp256", 3);
  assert_int_equal(ask("vm.example", &a, "vm.example", 22, &a), SSH_KNOWN);
  assert_int_equal(ask("vm.example", &a, "VM.Example", 22, &a), SSH_KNOWN);
  assert_int_equal(ask("vm.example", &a, "vm.example", 22, &b), SSH_CHANGED);
  assert_int_equal(ask("vm.example", &a, "vm.example", 22, &other), SSH_UNKNOWN);
  assert_int_equal(ask("vm.example", &a, "vm.example.org", 22, &a), SSH_UNKNOWN);
  assert_int_equal(ask("other,10.0.0.?,vm*", &a, "vm.example", 22, &a), SSH_KNOWN);
  assert_int_equal(ask("other,10.0.0.?", &a, "10.0.0.7", 22, &a), SSH_KNOWN);
  assert_int_equal(ask("10.0.0.?", &a, "10.0.0.77", 22, &a), SSH_UNKNOWN);
  assert_int_equal(ask("*,!vm.example", &a, "vm.example", 22, &a), SSH_UNKNOWN);
  assert_int_equal(ask("[vm.example]:2222", &a, "vm.example", 2222, &a), SSH_KNOWN);
  assert_int_equal(ask("[vm.example]:2222", &a, "vm.example", 22, &a), SSH_UNKNOWN);
  assert_int_equal(ask("[vm.example]:2222", &a, "vm.example", 2222, &b), SSH_CHANGED);
  assert_int_equal(ask("vm.example", &a, "vm.example", 2222, &a), SSH_KNOWN);
  assert_int_equal(ask("vm.example", &a, "vm.example", 2222, &b), SSH_UNKNOWN); /* another server of that machine */
  assert_int_equal(ask("@revoked vm.example", &a, "vm.example", 22, &a), SSH_REVOKED);
  assert_int_equal(ask("@revoked vm.example", &a, "vm.example", 22, &b), SSH_UNKNOWN);
  assert_int_equal(ask("****************************************************a", &a, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 22, &a), SSH_UNKNOWN);
}

static void test_hashed(void **state) {
  (void)state;
  Key a;
  uint8_t sum[20];
  const uint8_t salt[20] = "0123456789abcdefghi";
  Buf names = {0};
  key_make(&a, "ssh-ed25519", 1);
  hash_hmac_sha1(salt, 20, "[vm.example]:2222", 17, sum);
  buf_c(&names, "|1|");
  hash_base64(salt, 20, &names);
  buf_ch(&names, '|');
  hash_base64(sum, 20, &names);
  assert_int_equal(ask(buf_cstr(&names), &a, "vm.example", 2222, &a), SSH_KNOWN);
  assert_int_equal(ask(buf_cstr(&names), &a, "vm.example", 22, &a), SSH_UNKNOWN);
  while (names.p[names.n - 1] == '=') names.n--; /* padding alone says nothing */
  while (names.n > 3) {                          /* cut anywhere: no match, no crash */
    names.p[--names.n] = 0;
    assert_int_equal(ask(names.p, &a, "vm.example", 2222, &a), SSH_UNKNOWN);
  }
  buf_free(&names);
}

static void test_kinds_and_lines(void **state) {
  (void)state;
  Key a, b;
  Buf kinds = {0}, line = {0}, blob = {0}, out = {0}, print = {0};
  SshHostKey read;
  key_make(&a, "ecdsa-sha2-nistp384", 1);
  key_make(&b, "ecdsa-sha2-nistp384", 2);
  ssh_hosts_line("Vm.Example", 2222, a.k, &line);
  assert_true(!strncmp(buf_cstr(&line), "[vm.example]:2222 ecdsa-sha2-nistp384 ", 38));
  ssh_hosts_kinds(line.p, "vm.example", 2222, &kinds);
  assert_string_equal(buf_cstr(&kinds), "ecdsa-sha2-nistp384,ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp521");
  assert_true(ssh_hosts_read_line(line.p, line.n, &blob, &read) && read.n == a.k.n && !memcmp(read.p, a.k.p, read.n));
  for (size_t n = 0; n + 4 < line.n; n++) ssh_hosts_read_line(line.p, n, &blob, &read); /* cut anywhere: no crash */
  assert_false(ssh_hosts_read_line("vm ssh-ed25519 AAAA", 19, &blob, &read));
  line.n = 0;
  buf_fmt(&line, "keep %s\n[vm.example]:2222 %s\nvm.example %s\n", a.line, a.line, a.line);
  ssh_hosts_replace(buf_cstr(&line), "vm.example", 2222, b.k, &out);
  assert_int_equal(ssh_hosts_check(buf_cstr(&out), "vm.example", 2222, b.k, NULL), SSH_KNOWN);
  assert_int_equal(ssh_hosts_check(out.p, "vm.example", 2222, a.k, NULL), SSH_CHANGED);
  assert_int_equal(ssh_hosts_check(out.p, "vm.example", 22, a.k, NULL), SSH_KNOWN);
  assert_int_equal(ssh_hosts_check(out.p, "keep", 22, a.k, NULL), SSH_KNOWN);
  ssh_hosts_fingerprint(a.k, &print);
  assert_int_equal(print.n, 7 + 43);
  Buf *all[] = {&kinds, &line, &blob, &out, &print};
  for (size_t i = 0; i < 5; i++) buf_free(all[i]);
}

/* ---- the shell ---- */

static void run(const char *file, const SshMarks *m, const Buf *boot, Buf *out) {
  char piece[4096], cmd[600];
  Buf exec = {0};
  FILE *f = fopen(file, "w");
  fwrite(boot->p, 1, boot->n, f);
  fputs("the rest\n", f);
  fclose(f);
  ssh_shell_exec(&exec, m->word, false);
  snprintf(cmd, sizeof cmd, "(%s) < %s 2>&1", buf_cstr(&exec), file);
  FILE *p = popen(cmd, "r");
  for (size_t n; (n = fread(piece, 1, sizeof piece, p));) buf_add(out, piece, n);
  pclose(p);
  buf_free(&exec);
}

/* Every byte but zero, as a value, as a folder, in a command. */
static void test_boot(void **state) {
  (void)state;
  char every[256], dir[] = "/tmp/test_ssh_XXXXXX", file[40];
  Buf boot = {0}, out = {0}, text = {0}, command = {0}, want = {0};
  SshMarks m;
  for (int i = 1; i < 256; i++) every[i - 1] = (char)i;
  every[255] = 0;
  assert_non_null(mkdtemp(dir));
  snprintf(file, sizeof file, "%s/in", dir);
  ssh_marks_init(&m);
  SshVar env[] = {{(char *)(uintptr_t) "EVERY", every}, {(char *)(uintptr_t) "_a1", (char *)(uintptr_t) "$(id)\n"}, {(char *)(uintptr_t) "PATH", (char *)(uintptr_t) "/bin:/usr/bin:/x y"}};
  buf_c(&command, "printf %s \"$EVERY\"; printf %s \"$_a1\"; printf %s \"$PATH\"; pwd; cat; printf %s ");
  ssh_shell_quote(&command, every);
  buf_c(&command, "; exit 7");
  ssh_shell_boot(&boot, dir, env, 3, buf_cstr(&command));
  assert_ptr_equal(memchr(boot.p, '\n', boot.n), boot.p + boot.n - 1); /* one line */
  run(file, &m, &boot, &out);
  buf_fmt(&want, "%s$(id)\n/bin:/usr/bin:/x y%s\nthe rest\n%s", every, dir, every);
  ssh_marks_feed(&m, out.p, out.n, &text);
  ssh_marks_end(&m, &text);
  assert_true(m.started && m.pid > 1 && m.ended && m.status == 7 && !m.no_folder);
  assert_int_equal(text.n, want.n);
  assert_memory_equal(text.p, want.p, want.n);
  ssh_marks_init(&m);
  boot.n = out.n = text.n = 0;
  ssh_shell_boot(&boot, "/no/such/folder", NULL, 0, "true");
  run(file, &m, &boot, &out);
  ssh_marks_feed(&m, out.p, out.n, &text);
  assert_true(m.started && m.no_folder && !m.ended && !text.n);
  remove(file);
  remove(dir);
  ssh_marks_end(&m, &text);
  Buf *all[] = {&boot, &out, &text, &command, &want};
  for (size_t i = 0; i < 5; i++) buf_free(all[i]);
}

/* The same stream in pieces of every length; what looks like a mark and is none stays. */
static void test_marks(void **state) {
  (void)state;
  SshMarks m;
  ssh_marks_init(&m);
  char word[SSH_WORD + 1], in[600], want[600];
  memcpy(word, m.word, sizeof word);
  snprintf(in, sizeof in, "motd breyta-breyta-%.5s breyta-%s pid 4711\r\none breyta-%s nonsense\nbreyta-0000000000000000 exit 3\ntwo\nbreyta-%s exit 12\nthreebreyta-%s ex", word,
           word, word, word, word);
  snprintf(want, sizeof want, "motd breyta-breyta-%.5s one breyta-%s nonsense\nbreyta-0000000000000000 exit 3\ntwo\nthreebreyta-%s ex", word, word, word);
  for (size_t step = 1; step <= strlen(in); step++) {
    SshMarks x = {0};
    Buf out = {0};
    memcpy(x.word, word, sizeof word);
    for (size_t i = 0; i < strlen(in); i += step) ssh_marks_feed(&x, in + i, strlen(in) - i < step ? strlen(in) - i : step, &out);
    ssh_marks_end(&x, &out);
    assert_string_equal(buf_cstr(&out), want);
    assert_true(x.started && x.pid == 4711 && x.ended && x.status == 12);
    buf_free(&out);
  }
}

static void test_words(void **state) {
  (void)state;
  assert_true(ssh_shell_name_ok("A", 1) && ssh_shell_name_ok("_x9", 3));
  assert_false(ssh_shell_name_ok("", 0) || ssh_shell_name_ok("9a", 2) || ssh_shell_name_ok("a-b", 3) || ssh_shell_name_ok("a b", 3) || ssh_shell_name_ok("a=", 2) ||
               ssh_shell_name_ok("\xc3\xa4", 2) || ssh_shell_name_ok("a\0b", 3));
  assert_string_equal(ssh_signal_name(137), "KILL");
  assert_string_equal(ssh_signal_name(143), "TERM");
  assert_null(ssh_signal_name(128));
  assert_null(ssh_signal_name(0));
  assert_null(ssh_signal_name(255));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_hashed), cmocka_unit_test(test_kinds_and_lines),
                                     cmocka_unit_test(test_boot),  cmocka_unit_test(test_marks),  cmocka_unit_test(test_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
