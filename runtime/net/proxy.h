/* proxy.h - reverse proxies in front of a server whose X-Forwarded-For, -Proto and -Host are believed.
 *
 * Of X-Forwarded-For only the last part that no trusted proxy wrote counts: what stands before it, the sender may have made up. Immutable
 * after proxies_new: any thread may ask. */
#ifndef BR_PROXY_H
#define BR_PROXY_H
#include "listener.h"

typedef struct Proxies Proxies;
/* Addresses, networks (10.0.0.0/8, fd00::/8) and "loopback", one a line or with commas between. NULL: *e names the bad one. */
Proxies *proxies_new(const char *list, Err *e);
void proxies_free(Proxies *p);
/* r->peer and r->base, when the request comes from a trusted proxy. */
void proxy_headers(const Proxies *p, ListenRequest *r);
#endif
