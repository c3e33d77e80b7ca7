/* ssh_target.h - connections of :type :ssh: what their config says, as a target of ssh.h. Engine thread.
 *
 *   {"type": "ssh", "config": {"host": "vm.example.com", "port": 22, "username": "agent",
 *     "auth": {"type": "private-key", "secret-ref": "vm-key", "passphrase-secret-ref": "vm-pass"},
 *     "known-hosts": {"secret-ref": "vm-hosts"},
 *     "connect-timeout-ms": 10000, "idle-timeout": "60s", "jump": {"host": .. "username": .. "auth": .. "known-hosts": ..}}}
 * auth: private-key, or {"type": "password", "secret-ref": ..}; both in one map are tried in the order key, password when the second is
 * named "password-secret-ref". known-hosts: lines of a known_hosts file by {"secret-ref"} or {"file": path}, a text, or a list of these.
 * "mode": "mock" is a connection that goes nowhere, for trying flows. */
#ifndef BR_SSH_TARGET_H
#define BR_SSH_TARGET_H
#include "runtime/store/connection.h"
#include "ssh.h"

/* Without `used` no secret and no file is read: only what the config says is checked, and out is left empty. false: *e is "validation",
 * "missing-binding" or what reading a secret said. */
bool ssh_target(Val connection, const SecretSet *secrets, SecretUse **used, SshTarget *out, Err *e);
bool ssh_target_is_mock(Val connection);
#endif
