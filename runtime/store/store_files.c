#include "store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MIB = 1 << 20, RESERVE_MIB = 16, ROOMY_MIB = 64, BACK_MIB = 24 };

static bool beside_name(char out[PATH_MAX], const char *db, const char *suffix) {
  return snprintf(out, PATH_MAX, "%s%s", db, suffix) < PATH_MAX;
}

bool store_files_sync_parent(const char *path) {
  char dir[PATH_MAX];
  const char *slash = strrchr(path, '/');
  if (!slash) snprintf(dir, sizeof dir, ".");
  else snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = fsync(fd) == 0 || errno == EINVAL;
  close(fd);
  return ok;
}

static bool exists_beside(const char *db, const char *suffix) {
  char name[PATH_MAX];
  return beside_name(name, db, suffix) && access(name, F_OK) == 0;
}

bool store_files_lock_exists(const char *db) { return exists_beside(db, ".lock"); }

bool store_files_frozen(const char *db) {
  const char *slash = strrchr(db, '/');
  char dir[PATH_MAX];
  if (snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - db) + 1 : 1, slash ? db : ".") >= PATH_MAX) return false;
  return access(dir, W_OK) != 0 && !exists_beside(db, "-wal");
}

static bool make_dir(const char *dir, Err *e) {
  if (mkdir(dir, 0777) == 0) 
    return store_files_sync_parent(dir) || err_set(e, "db_open", "%s: cannot sync its directory: %s", dir, strerror(errno));
  if (errno == EEXIST) return true;
  return err_set(e, "db_open", "%s: cannot make the directory: %s", dir, strerror(errno));
}

bool store_files_mkdirs(const char *path, Err *e) {
  char dir[PATH_MAX];
  if (strlen(path) >= sizeof dir - 16) return err_set(e, "db_open", "the path of the database is too long");
  const char *last = strrchr(path, '/');
  if (!last || last == path) return true;
  snprintf(dir, sizeof dir, "%.*s", (int)(last - path), path);
  struct stat st;
  if (stat(dir, &st) == 0) return true;
  for (char *p = dir + 1; *p; p++) {
    if (*p != '/' || p[-1] == '/') continue;
    *p = 0;
    if (!make_dir(dir, e)) return false;
    *p = '/';
  }
  return make_dir(dir, e);
}

static bool ofd_lock(int fd) {
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static int lock_refused(int fd, const char *db, int why, Err *e) {
  char pid[24] = "";
  ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
  pid[n > 0 ? n : 0] = 0;
  pid[strcspn(pid, "\n")] = 0;
  close(fd);
  if (why != EAGAIN && why != EACCES) err_set(e, "db_open", "%s.lock: cannot lock: %s", db, strerror(why));
  else
    err_set(e, "db_locked", "%s is in use by another executor (pid %s); stop it, or use runs, show, send and cancel beside it", db,
            *pid ? pid : "unknown");
  return -1;
}

static bool write_pid(int fd) {
  char pid[24];
  int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
  return ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) == n;
}

int store_files_lock(const char *db, Err *e) {
  char name[PATH_MAX];
  if (!beside_name(name, db, ".lock")) return err_set(e, "db_open", "the path of the database is too long"), -1;
  int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return err_set(e, errno == EROFS || errno == EACCES ? "db_readonly" : "db_open", "%s: %s", name, strerror(errno)), -1;
  if (!ofd_lock(fd)) return lock_refused(fd, db, errno, e);
  (void)write_pid(fd); /* for the message only: on a full disk the lock holds all the same */
  return fd;
}

void store_files_unlock(int fd) {
  if (fd < 0) return;
  (void)!ftruncate(fd, 0);
  close(fd);
}

static int64_t free_mib(const char *path) {
  struct statvfs v;
  if (statvfs(path, &v) != 0) return -1;
  return (int64_t)((uint64_t)v.f_bavail * v.f_frsize / MIB);
}

void store_files_reserve(const char *db) {
  char name[PATH_MAX];
  struct stat st;
  if (!beside_name(name, db, ".reserve")) return;
  if (stat(name, &st) == 0 && st.st_size == RESERVE_MIB * (off_t)MIB) return;
  if (free_mib(db) < ROOMY_MIB) return;
  int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (fallocate(fd, 0, 0, RESERVE_MIB * (off_t)MIB) != 0) unlink(name);
  close(fd);
}

bool store_files_release_reserve(const char *db) {
  char name[PATH_MAX];
  return beside_name(name, db, ".reserve") && unlink(name) == 0;
}

bool store_files_space_back(const char *db) { return free_mib(db) >= BACK_MIB; }
