/* engine_ssh.h - jobs of ssh.h for steps: the :ssh family, and others that start commands on a connection (agents). Engine thread.
 *
 * engine_ssh_send hands a job to the process's client; what comes of it is told to `done` inside engine_turn, exactly one SSH_ENDED last.
 * When the engine is freed first, the job is cancelled and done is called once with e == NULL and v == NULL, if another engine of the
 * process still turns: it frees ctx. The events are borrowed.
 *
 * A command that starts something in the background and is done (a kickoff) needs nothing else: the job's answer has `pid`, the process
 * group of the command; a later job can end that with engine_ssh_kill, from another process or after a restart, too. */
#ifndef BR_ENGINE_SSH_H
#define BR_ENGINE_SSH_H
#include "runtime/engine/engine.h"
#include "ssh_target.h"

typedef void (*SshDone)(Engine *e, void *ctx, const SshEvent *v);
/* Takes the job's members, also on failure; sets its guard. 0: *e, nothing is called. */
uint64_t engine_ssh_send(Engine *e, SshJob *j, SshDone done, void *ctx, Err *err);
void engine_ssh_cancel(uint64_t id); /* it still ends with SSH_ENDED, SSH_CANCELLED */
/* The target of a step's connection slot, checked; with `secrets` false nothing secret is read and *out stays empty. */
bool engine_ssh_target(StepCall *c, Val slot, bool secrets, SshTarget *out, Val *bound, Err *err);
/* The map that a step fails with: {:type :message :retryable? ..}. once: :delivery :at-most-once, what may have happened is not done again. */
Val engine_ssh_error(const SshAnswer *a, bool once);
/* :env of the config, checked, into the job; secrets as above. */
bool engine_ssh_env(StepCall *c, Val cfg, bool secrets, SshJob *j, Err *e);
void engine_ssh_gone(Engine *e);  /* StepKind.gone */
void engine_ssh_register(void);   /* the :ssh kind (ssh_step.c) */
#endif
