/* client_file.h - files that the client writes: whole, or not at all. A file grows beside its name and takes it once it is synced, so nobody
 * ever reads half of one. Folders that are missing are made. A link is followed; what is no file, a pipe or /dev/null, is written into and
 * stays. */
#ifndef BR_CLIENT_FILE_H
#define BR_CLIENT_FILE_H
#include "client_cli.h"

typedef struct ClientFile {
  char *path; /* owned, links followed */
  Buf beside; /* its name until then; empty: written where it is */
  int fd;
  uint64_t bytes; /* so far */
  bool secret;
} ClientFile;
/* path "-" is standard output. secret: for the owner alone, and so are new folders. false: *e says why. */
bool client_file_open(ClientFile *f, const char *path, bool secret, Err *e);
bool client_file_add(ClientFile *f, const char *p, size_t n);
bool client_file_close(ClientFile *f, bool ok, Err *e); /* ok false: it is given up, and false is the answer */
bool client_file_put(const char *path, bool secret, const char *s, size_t n, Err *e);
bool client_file_write(ClientRun *r, const char *path, const char *s, size_t n); /* for others to read too. false: told */
#endif
