/* client_file.c - see client_file.h */
#include "client_file.h"
#include "reader/mem.h"
#include "runtime/cli/cli.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot(const char *path, Err *e) { return err_set(e, "file", "cannot write %.300s: %s", path, strerror(errno)); }

static bool make_folders(const char *path, mode_t mode) {
  char dir[4096];
  snprintf(dir, sizeof dir, "%s", path);
  for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
    *p = 0;
    if (mkdir(dir, mode) < 0 && errno != EEXIST) return false;
    *p = '/';
  }
  return true;
}

/* The file is no longer ours. ok, else *e says why. */
static bool over(ClientFile *f, bool ok, Err *e) {
  if (!ok) cannot(f->path, e);
  buf_free(&f->beside);
  free(f->path);
  f->path = NULL;
  return ok;
}

bool client_file_open(ClientFile *f, const char *path, bool secret, Err *e) {
  struct stat st;
  *f = (ClientFile){.fd = STDOUT_FILENO, .secret = secret};
  if (!strcmp(path, "-")) return true;
  if (!*path) errno = ENOENT;
  if (!*path || !make_folders(path, secret ? 0700 : 0777)) return cannot(path, e);
  bool there = !stat(path, &st), other = there && !S_ISREG(st.st_mode);
  if (there && !other) f->path = realpath(path, NULL);
  if (!f->path) f->path = mem_raw_copy(path);
  if (!other) buf_fmt(&f->beside, "%s.XXXXXX", f->path);
  f->fd = other ? open(path, O_WRONLY | O_CLOEXEC) : mkostemp(buf_cstr(&f->beside), O_CLOEXEC);
  return f->fd >= 0 || over(f, false, e);
}

bool client_file_add(ClientFile *f, const char *p, size_t n) {
  f->bytes += n;
  return cli_write_all(f->fd, p, n);
}

/* As a new file of this user would be. */
static bool for_all(int fd) {
  mode_t mask = umask(0);
  umask(mask);
  return !fchmod(fd, 0666 & ~mask);
}

bool client_file_close(ClientFile *f, bool ok, Err *e) {
  if (!f->path) return ok; /* standard output */
  bool whole = f->beside.n, good = ok && (!whole || ((f->secret || for_all(f->fd)) && !fsync(f->fd)));
  int why = errno;
  if (close(f->fd) < 0 && good) good = false, why = errno;
  if (good && whole && rename(f->beside.p, f->path) < 0) good = false, why = errno;
  if (!good && whole) unlink(f->beside.p);
  errno = why;
  return over(f, good || !ok, e) && ok;
}

bool client_file_put(const char *path, bool secret, const char *s, size_t n, Err *e) {
  ClientFile f;
  if (!client_file_open(&f, path, secret, e)) return false;
  bool ok = client_file_add(&f, s, n);
  if (!ok) cannot(path, e);
  return client_file_close(&f, ok, e);
}

bool client_file_write(ClientRun *r, const char *path, const char *s, size_t n) {
  Err e = {0};
  bool ok = client_file_put(path, false, s, n, &e);
  if (!ok) client_fail(r, e.code, "%s", e.msg);
  return ok;
}
