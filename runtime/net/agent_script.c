/* agent_script.c - see agent_script.h. */
#include "agent_script.h"
#include "runtime/base/hash.h"
#include <pthread.h>
#include <string.h>

/* The Makefile has a rule for it: a change of the script makes this file again. */
__asm__(".section .rodata\n"
        ".global agent_script_text\n"
        ".global agent_script_end\n"
        "agent_script_text:\n"
        ".incbin \"runtime/net/breyta_agent.sh\"\n"
        "agent_script_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char agent_script_text[], agent_script_end[];

const char *agent_script(size_t *n) {
  *n = (size_t)(agent_script_end - agent_script_text);
  return agent_script_text;
}

static char version[65];
static void version_make(void) {
  size_t n;
  const char *p = agent_script(&n);
  hash_sha256_hex(p, n, version);
  version[16] = 0;
}

const char *agent_script_version(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, version_make);
  return version;
}

void agent_script_begin(Buf *b) {
  buf_fmt(b, "d=${BREYTA_AGENT_HOME:-${XDG_STATE_HOME:-$HOME/.local/state}/breyta-agent}/bin f=breyta-agent-%s\n", agent_script_version());
  buf_c(b, "if [ -f \"$d/$f\" ]; then cat >/dev/null\n"
           "else (umask 077; mkdir -p \"$d\" && cat >\"$d/$f.$$\" && mv \"$d/$f.$$\" \"$d/$f\") || exit 74\n"
           "fi\nexec sh \"$d/$f\" ");
}

/* The name of the end of the text is in no line of it. */
#define INSTALL_END "BREYTA_AGENT_TEXT_ENDS"

void agent_script_install(Buf *b) {
  size_t n;
  const char *p = agent_script(&n);
  buf_fmt(b, "#!/bin/sh\n"
             "# Installs breyta-agent (version %s): runs commands for flows on this machine. As root in /usr/local/bin, else in ~/.local/bin;\n"
             "# BREYTA_AGENT_BIN=DIR says where else.\n"
             "set -eu\n"
             "bin=${BREYTA_AGENT_BIN:-}\n"
             "[ -n \"$bin\" ] || if [ \"$(id -u)\" = 0 ]; then bin=/usr/local/bin; else bin=$HOME/.local/bin; fi\n"
             "mkdir -p \"$bin\"\n"
             "cat > \"$bin/.breyta-agent.$$\" <<'" INSTALL_END "'\n", agent_script_version());
  buf_add(b, p, n);
  buf_c(b, INSTALL_END "\n"
           "chmod 755 \"$bin/.breyta-agent.$$\"\n"
           "mv \"$bin/.breyta-agent.$$\" \"$bin/breyta-agent\"\n"
           "command -v curl >/dev/null 2>&1 || echo 'breyta-agent: curl is not installed, and results are sent with it' >&2\n"
           "echo \"$bin/breyta-agent is installed\"\n");
}
