/* ssh_save.h - what a :ssh step keeps with :persist {:type :blob}: the command's output, or the file it fetched, from the I/O thread into a
 * blob, without the step's secrets in it. Engine thread, but for ssh_save_sink. */
#ifndef BR_SSH_SAVE_H
#define BR_SSH_SAVE_H
#include "runtime/resource/resource.h"
#include "ssh.h"

typedef struct SshSave SshSave;
SshSave *ssh_save_new(StepCall *c, SshJob *j); /* NULL: the step keeps no blob. Sets the job's sink */
void ssh_save_free(SshSave *s);                /* what is written and not finished is gone; NULL is fine */
const Err *ssh_save_error(const SshSave *s);   /* why it would take no more; NULL */
/* Ends the step with `result`, now or later. Takes s. */
void ssh_save_finish(SshSave *s, StepCall *c, Val result, const char *content_type);
#endif
