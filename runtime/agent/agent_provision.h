/* agent_provision.h - scripts that set up a machine for agents (runtime/agent/breyta_provision.sh): a user who is let in with given keys alone,
 * cannot forward anything, has limits, may connect where it is allowed to, and finds breyta-agent. Plain C, any thread. */
#ifndef BR_AGENT_PROVISION_H
#define BR_AGENT_PROVISION_H
#include "runtime/base/port.h"
#include "reader/text.h"

typedef struct AgentPlan {
  const char *what;       /* "provision" "rotate-key" "deprovision" */
  const char *user;
  const char *keys;       /* public keys, a line each; NULL for deprovision */
  const char *memory, *cpu, *tasks; /* as systemd has them; "" none */
  const char *const *egress;        /* HOST:PORT */
  int negress;            /* 0: it may connect everywhere */
  const char *report, *host; /* NULL: none, the machine's own name */
} AgentPlan;
/* false: *e (validation) says what is wrong. */
bool agent_plan_check(const AgentPlan *p, Err *e);
void agent_plan_script(const AgentPlan *p, Buf *out);
void agent_plan_cloud_init(const AgentPlan *p, Buf *out); /* user-data that runs the script */
#endif
