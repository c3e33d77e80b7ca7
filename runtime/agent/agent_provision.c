/* agent_provision.c - see agent_provision.h. */
#include "agent_provision.h"
#include "runtime/net/agent_script.h"
#include "runtime/base/hash.h"
#include "runtime/ssh/ssh_shell.h"
#include <string.h>

__asm__(".section .rodata\n"
        ".global agent_provision_text\n"
        "agent_provision_text:\n"
        ".incbin \"runtime/agent/breyta_provision.sh\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char agent_provision_text[];

/* ---- checks ---- */

static bool made_of(const char *s, const char *also) {
  for (; *s; s++)
    if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789", *s) && !strchr(also, *s)) return false;
  return true;
}

static bool user_ok(const char *s) { return *s >= 'a' && *s <= 'z' && strlen(s) <= 32 && made_of(s, "_-"); }

/* "ssh-ed25519 AAAA... comment", without options in front. */
static bool key_ok(const char *s, size_t n) {
  static const char *const kinds[] = {"ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp", "sk-ssh-ed25519@openssh.com ", "sk-ecdsa-sha2-nistp256@openssh.com "};
  bool kind = false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) kind = kind || (n > strlen(kinds[i]) && !strncmp(s, kinds[i], strlen(kinds[i])));
  const char *blob = memchr(s, ' ', n);
  if (!kind || !blob) return false;
  size_t at = (size_t)(blob - s) + 1, k = 0;
  while (at + k < n && s[at + k] != ' ') k++;
  Buf b = {0};
  bool ok = k > 40 && hash_unbase64(s + at, k, &b) && b.n > 30;
  for (size_t i = 0; i < n; i++) ok = ok && (unsigned char)s[i] >= ' ';
  buf_free(&b);
  return ok;
}

static bool keys_ok(const char *keys, Err *e) {
  int n = 0;
  for (const char *p = keys; *p; p += strcspn(p, "\n"), p += *p == '\n') {
    size_t k = strcspn(p, "\n");
    if (k && p[k - 1] == '\r') k--;
    if (!k || *p == '#') continue;
    if (strstr(keys, "PRIVATE KEY")) return err_set(e, "validation", "--public-key is a private key: give the file that ends in .pub");
    if (!key_ok(p, k)) return err_set(e, "validation", "--public-key is no public key of SSH: a line such as \"ssh-ed25519 AAAA... name\"");
    n++;
  }
  return n || err_set(e, "validation", "--public-key is empty: give the file of a public key, such as ~/.ssh/id_ed25519.pub");
}

static bool egress_ok(const char *s, Err *e) {
  const char *colon = strrchr(s, ':');
  size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
  bool port = digits && digits <= 5 && !colon[1 + digits] && colon != s;
  for (const char *p = s; port && p < colon; p++) port = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]", *p) != NULL;
  return port || err_set(e, "validation", "--egress-allow is %.80s; use HOST:PORT, such as api.example.com:443", s);
}

static bool size_ok(const char *s) {
  size_t n = strspn(s, "0123456789");
  return !*s || (n && (!s[n] || (strchr("KMGT%", s[n]) && !s[n + 1])));
}

static bool url_ok(const char *s) {
  return (!strncmp(s, "https://", 8) || !strncmp(s, "http://", 7)) && strlen(s) < 1000 && !s[strcspn(s, " \t\r\n'\"\\")];
}

static bool host_ok(const char *s) {
  size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[],");
  return n && !s[n] && n < 300;
}

bool agent_plan_check(const AgentPlan *p, Err *e) {
  if (!user_ok(p->user) || !strcmp(p->user, "root"))
    return err_set(e, "validation", "--user is %.40s; use a name of small letters, digits, _ and -, and not root", p->user);
  if (!strcmp(p->what, "deprovision")) return true;
  if (!keys_ok(p->keys ? p->keys : "", e)) return false;
  const struct { const char *name, *value, *works; } sizes[] = {{"memory", p->memory, "2G"}, {"cpu", p->cpu, "200%"}, {"tasks", p->tasks, "512"}};
  for (size_t i = 0; i < 3; i++)
    if (!size_ok(sizes[i].value)) return err_set(e, "validation", "--%s is %.40s; use a value such as %s", sizes[i].name, sizes[i].value, sizes[i].works);
  for (int i = 0; i < p->negress; i++)
    if (!egress_ok(p->egress[i], e)) return false;
  if (p->report && !url_ok(p->report)) return err_set(e, "validation", "--report-url is %.100s; use an address such as https://flows.example.com/ws/events/machine-1", p->report);
  return !p->host || host_ok(p->host) || err_set(e, "validation", "--host is %.100s; use the name or address by which the machine is reached", p->host);
}

/* ---- texts ---- */

static void setting(Buf *b, const char *name, const char *value) {
  buf_fmt(b, "%s=", name);
  ssh_shell_quote(b, value ? value : "");
  buf_ch(b, '\n');
}

void agent_plan_script(const AgentPlan *p, Buf *b) {
  Buf egress = {0};
  for (int i = 0; i < p->negress; i++) buf_fmt(&egress, "%s%s", i ? "\n" : "", p->egress[i]);
  buf_fmt(b, "#!/bin/sh\n# made by breyta agent %s\nset -eu\n", p->what);
  setting(b, "WHAT", p->what);
  setting(b, "AGENT_USER", p->user);
  setting(b, "AGENT_KEYS", p->keys);
  setting(b, "AGENT_MEMORY", p->memory);
  setting(b, "AGENT_CPU", p->cpu);
  setting(b, "AGENT_TASKS", p->tasks);
  setting(b, "AGENT_EGRESS", buf_cstr(&egress));
  setting(b, "AGENT_EGRESS_ONLY", p->negress ? "yes" : "");
  setting(b, "AGENT_REPORT_URL", p->report);
  setting(b, "AGENT_HOST", p->host);
  buf_free(&egress);
  if (!strcmp(p->what, "provision")) {
    buf_c(b, "install_helper() (\n");
    agent_script_install(b);
    buf_c(b, ")\n");
  }
  buf_c(b, agent_provision_text);
}

void agent_plan_cloud_init(const AgentPlan *p, Buf *b) {
  Buf script = {0};
  agent_plan_script(p, &script);
  buf_c(b, "#cloud-config\n# made by breyta agent provision\npackage_update: true\npackages: [curl, openssl, nftables]\n"
           "write_files:\n- path: /var/lib/breyta-agent/provision.sh\n  owner: root:root\n  permissions: '0700'\n  encoding: b64\n  content: ");
  hash_base64((const uint8_t *)script.p, script.n, b);
  buf_c(b, "\nruncmd:\n- [sh, /var/lib/breyta-agent/provision.sh]\n");
  buf_free(&script);
}
