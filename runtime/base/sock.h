/* sock.h - listening sockets: what `--listen` and `--nrepl` share. */
#ifndef BR_SOCK_H
#define BR_SOCK_H
#include "port.h"

/* A listening socket, non-blocking and closed on exec. host_port: "127.0.0.1:8080", "[::1]:0", "localhost:8080", ":8080" and
 * "8080" (loopback), "*:8080" (every interface); port 0 picks one. -1 with an Err: codes validation, listen. */
int sock_listen(const char *host_port, Err *e);
/* The same, but nobody can connect yet: listen(2) opens it. */
int sock_bind(const char *host_port, Err *e);
/* The port of a socket; 0 when it has none. */
int sock_port(int fd);
/* Its numeric address: 127.0.0.1, ::1, 0.0.0.0 ... */
void sock_host(int fd, char out[64]);
#endif
