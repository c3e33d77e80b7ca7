/* engine_agent.h - what an :agent step with :via :ssh (remote.clj) asks of the other machine, a step kind that only it uses:
 *
 *   {:op :plan :timeout :check-every}  nothing yet: {:key :callback-url :progress-url :timeout-ms :check-ms}. The key is that of the wait
 *                                      and of the agent over there; no other run, of whatever database, has it.
 *   {:op :start :key ..}               puts the helper there (agent_script.h) and has it run the :command with the contract in its
 *                                      environment: {:pid :token :log-path :state :attached}. Done again, it finds what it did before.
 *   {:op :check :key ..}               {:state "running"}, "absent", or with its final :answer; an agent without a supervisor gets one
 *   {:op :stop :key ..}                ends its process group, or sees to it that it does not begin: {:state "stopped"}
 *   {:op :end-job :job-id ..}          with :via :job: cancels the job, should it not be over
 *
 * The environment of the command: BREYTA_WAIT_KEY, BREYTA_CALLBACK_URL, BREYTA_PROGRESS_URL, BREYTA_CALLBACK_TOKEN, BREYTA_CALLBACK_AUTH,
 * BREYTA_WORKFLOW_ID, BREYTA_STEP_ID, BREYTA_KEEP_RUNNING (1 or empty), and BREYTA_OBJECTIVE and BREYTA_INPUTS (JSON) when the step has them; :env besides. It travels by
 * standard input, so the credential is on no command line, and on no disk. */
#ifndef BR_ENGINE_AGENT_H
#define BR_ENGINE_AGENT_H
#include "reader/text.h"

void engine_agent_register(void);
/* Whose run such a key names; false: it is none of ours. */
bool engine_agent_run(const char *key, Buf *run_id);
#endif
