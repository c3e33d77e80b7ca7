/* guard.h - where outbound connections may not go (durability rule 22): private, loopback, link-local, CGNAT, multicast,
 * reserved and cloud metadata addresses, also when they hide in an IPv6 form (mapped, compatible, NAT64, 6to4, Teredo).
 * The check is made on the address a socket is about to be connected to, never on a name, so DNS cannot lie to it.
 *
 * The allow-list (BREYTA_ALLOW_PRIVATE_HOSTS) is a comma-separated list of
 *     host names     localhost, *.internal.example    the name in the URL: then any address it resolves to is fine
 *     addresses      10.1.2.3, fd00::1
 *     CIDR ranges    10.0.0.0/8, fd00::/8
 * A Guard is immutable after guard_new: any thread may use it. Plain malloc'ed data. */
#ifndef BR_GUARD_H
#define BR_GUARD_H
#include "port.h"
#include <sys/socket.h>

typedef struct Guard Guard;
/* allow: NULL or "" for nothing. NULL with an Err that names the bad item. */
Guard *guard_new(const char *allow, Err *e);
/* With the allow-list from BREYTA_ALLOW_PRIVATE_HOSTS: made by whoever asks first, then the same for the process, which is not freed. */
Guard *guard_from_env(Err *e);
void guard_free(Guard *g);

/* May a request to `host` (as written in the URL, [brackets] accepted) open a socket to this address? When not, *why is a
 * static phrase: "a loopback address". */
bool guard_allows(const Guard *g, const char *host, const struct sockaddr *sa, const char **why);
/* What kind of refused address it is, NULL for a public one. */
const char *guard_kind(const struct sockaddr *sa);
#endif
