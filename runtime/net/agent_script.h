/* agent_script.h - breyta-agent, the helper on machines where agents run: runtime/net/breyta_agent.sh, whose bytes are part of the program.
 * Plain C, any thread. */
#ifndef BR_AGENT_SCRIPT_H
#define BR_AGENT_SCRIPT_H
#include "reader/text.h"

const char *agent_script(size_t *n);
const char *agent_script_version(void); /* 16 hex digits of its SHA-256 */
/* The beginning of a command for sh that has the helper on its standard input: puts it where states are kept, unless this version of it is
 * there, and becomes it; its arguments follow. */
void agent_script_begin(Buf *b);
/* A script for sh that installs it: as root in /usr/local/bin, else in ~/.local/bin. What GET /agent/install.sh answers. */
void agent_script_install(Buf *b);
#endif
