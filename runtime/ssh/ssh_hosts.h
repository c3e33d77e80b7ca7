/* ssh_hosts.h - known_hosts: is this the key that the host is known by? (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)
 *
 * Read are lists of names with * ? and !, [host]:port, hashed names and @revoked; lines that begin with @cert-authority or cannot be read
 * are passed over, as OpenSSH does. A host at another port than 22 that is not known as [host]:port is looked for as host, too.
 * Plain C on texts, any thread. */
#ifndef BR_SSH_HOSTS_H
#define BR_SSH_HOSTS_H
#include "runtime/base/port.h"
#include "reader/text.h"

enum SshKnown {
  SSH_KNOWN,
  SSH_UNKNOWN, /* no key, or only keys of other kinds */
  SSH_CHANGED, /* it is known by another key of this kind */
  SSH_REVOKED
};
typedef struct SshHostKey { const uint8_t *p; size_t n; } SshHostKey; /* as it travels: its kind as a string, then the rest */

/* recorded: fingerprints of the keys that the host is known by, with their kinds, ", " between; NULL: not wanted. */
enum SshKnown ssh_hosts_check(const char *known, const char *host, int port, SshHostKey key, Buf *recorded);
/* Kinds of keys to ask the server for, those by which it is known first: "ssh-ed25519,ecdsa-sha2-nistp256". */
void ssh_hosts_kinds(const char *known, const char *host, int port, Buf *out);
void ssh_hosts_fingerprint(SshHostKey key, Buf *out); /* "SHA256:..." */
/* A line for known_hosts, without its end. */
void ssh_hosts_line(const char *host, int port, SshHostKey key, Buf *out);
/* Is that such a line, "names kind base64"? Its key is put into `blob` (key points into it). */
bool ssh_hosts_read_line(const char *line, size_t n, Buf *blob, SshHostKey *key);
/* `known` without the lines that name this very host and a key of the kind of `key`; a line for `key` behind it. */
void ssh_hosts_replace(const char *known, const char *host, int port, SshHostKey key, Buf *out);
#endif
