/* ssh_check.h - is there a machine behind an SSH connection, and can agents run on it? (conncheck.h) */
#ifndef BR_SSH_CHECK_H
#define BR_SSH_CHECK_H
#include "ssh_target.h"

typedef struct SshProbe {
  SshJob job;        /* run by ssh_probe, which frees it */
  SshAnswer *answer; /* NULL: *err */
  Err err;
} SshProbe;
void ssh_probe(SshProbe *p); /* waits until the job has ended; any thread that may block */
void ssh_probe_free(SshProbe *p);
void ssh_check_register(void); /* the ConnectionTest of type "ssh" */
#endif
