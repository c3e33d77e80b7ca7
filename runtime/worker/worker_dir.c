/* worker_dir.c - see worker_dir.h */
#include "worker_dir.h"
#include "runtime/cli/cli.h"
#include "runtime/client/client.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *joined(const char *dir, const char *name) {
  Buf b = {0};
  buf_fmt(&b, "%s/%s", dir, name);
  return buf_cstr(&b);
}

void worker_dir_at(WorkerDir *d, const char *path) {
  *d = (WorkerDir){.path = strcpy(mem_raw(strlen(path) + 1), path),
                   .job = joined(path, "job.json"),
                   .payload = joined(path, "payload.json"),
                   .context = joined(path, "worker-context.json"),
                   .result = joined(path, "result.json"),
                   .log = joined(path, "handler.log")};
}

void worker_dir_free(WorkerDir *d) {
  char *all[] = {d->path, d->job, d->payload, d->context, d->result, d->log};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  *d = (WorkerDir){0};
}

/* --- reading and writing ------------------------------------------------------------------------------------------------------------- */
static bool put_file(const char *path, const Buf *b, Err *e) {
  Buf temp = {0};
  buf_fmt(&temp, "%s.%ld.new", path, (long)getpid());
  int fd = open(buf_cstr(&temp), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool ok = fd >= 0 && cli_write_all(fd, b->p, b->n);
  if (fd >= 0) ok = close(fd) == 0 && ok;
  ok = ok && rename(temp.p, path) == 0;
  if (!ok) {
    err_set(e, "file", "cannot write %.300s: %s", path, strerror(errno));
    unlink(temp.p);
  }
  buf_free(&temp);
  return ok;
}

/* Indented JSON and a line end, in place of the whole file. */
static bool write_json(const char *path, Val v, Err *e) {
  Buf b = {0};
  if (is_sig(json_pretty(&b, v))) {
    buf_free(&b);
    return err_set(e, "file", "%.300s: the value cannot be written as JSON", path);
  }
  buf_ch(&b, '\n');
  bool ok = put_file(path, &b, e);
  buf_free(&b);
  return ok;
}

static bool parsed(const char *path, Buf *b, Val *v, Err *e) {
  Err why = {0};
  *v = ABSENT;
  if (b->n > WORKER_RESULT_MAX) return err_set(e, "invalid_json", "%.300s has %zu bytes; %d are allowed", path, b->n, WORKER_RESULT_MAX);
  if (strspn(buf_cstr(b), " \t\r\n") == b->n) return true;
  *v = json_parse(b->p, b->n, &why);
  return !same(*v, ABSENT) || err_set(e, "invalid_json", "%.300s is not JSON: %s", path, why.msg);
}

bool worker_dir_read(const char *path, Val *v, Err *e) {
  Buf b = {0};
  struct stat st;
  *v = ABSENT;
  if (!stat(path, &st) && st.st_size > WORKER_RESULT_MAX)
    return err_set(e, "invalid_json", "%.300s has %lld bytes; %d are allowed", path, (long long)st.st_size, WORKER_RESULT_MAX);
  if (!cli_read_file(path, &b)) {
    buf_free(&b);
    return errno == ENOENT || err_set(e, "file", "cannot read %.300s: %s", path, strerror(errno));
  }
  bool ok = parsed(path, &b, v, e);
  buf_free(&b);
  return ok;
}

/* --- a new folder ------------------------------------------------------------------------------------------------------------------------
 */
/* What stands in a file's name: ids come from a server. */
static void put_name(Buf *b, const char *id) {
  for (size_t i = 0; id[i] && i < 64; i++) {
    char ch = id[i];
    bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';
    buf_ch(b, plain ? ch : '-');
  }
}

static bool make_folder(const char *id, Buf *path, Err *e) {
  const char *tmp = getenv("TMPDIR");
  char *base = realpath(tmp && *tmp ? tmp : "/tmp", NULL);
  if (!base) return err_set(e, "worker_setup_failed", "TMPDIR, %.200s: %s", tmp && *tmp ? tmp : "/tmp", strerror(errno));
  buf_fmt(path, "%s/breyta-job-", base);
  free(base);
  put_name(path, id);
  buf_c(path, "-XXXXXX");
  return mkdtemp(buf_cstr(path)) || err_set(e, "worker_setup_failed", "cannot make the job's folder %.300s: %s", path->p, strerror(errno));
}

static bool write_files(const WorkerDir *d, Val job, Err *e) {
  Val payload = map_get(job, client_key("payload"), ABSENT);
  Val context = client_put_text(NIL, "jobId", client_text_at(job, "jobId"));
  context = client_put_text(context, "leaseToken", client_text_at(job, "leaseToken"));
  context = client_put_text(context, "resultFile", d->result);
  return write_json(d->job, job, e) && write_json(d->payload, same(payload, ABSENT) ? map_empty : payload, e) &&
         write_json(d->context, context, e);
}

bool worker_dir_make(WorkerDir *d, Val job, Err *e) {
  Buf path = {0};
  *d = (WorkerDir){0};
  bool ok = make_folder(client_text_at(job, "jobId"), &path, e);
  if (ok) worker_dir_at(d, path.p);
  buf_free(&path);
  if (ok && !write_files(d, job, e)) {
    worker_dir_remove(d);
    worker_dir_free(d);
    return false;
  }
  return ok;
}

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw) {
  (void)st, (void)ftw;
  if (what == FTW_DNR && !chmod(path, 0700)) return 0; /* tried again below */
  (void)remove(path);
  return 0;
}

/* Handlers may leave folders that they made unreadable: the second time they are not. */
void worker_dir_remove(const WorkerDir *d) {
  for (int i = 0; i < 2 && d->path && access(d->path, F_OK) == 0; i++)
    (void)nftw(d->path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* --- the result ------------------------------------------------------------------------------------------------------------------------
 */
static bool change_it(const char *result, Val (*change)(Val was, void *ctx), void *ctx, Val *out, Err *e) {
  Val was;
  if (!worker_dir_read(result, &was, e)) return false;
  if (!same(was, ABSENT) && !is_map(was)) return err_set(e, "invalid_json", "%.300s is not a JSON object", result);
  Val is = change(same(was, ABSENT) ? map_empty : was, ctx);
  if (out) *out = is;
  return write_json(result, is, e);
}

bool worker_dir_change(const char *result, Val (*change)(Val was, void *ctx), void *ctx, Val *out, Err *e) {
  Buf path = {0};
  buf_fmt(&path, "%s.lock", result);
  int fd = open(buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600), rc = -1;
  buf_free(&path);
  while (fd >= 0 && (rc = flock(fd, LOCK_EX)) < 0 && errno == EINTR) continue;
  if (rc < 0) err_set(e, "file", "cannot lock %.300s: %s", result, strerror(errno));
  bool ok = rc == 0 && change_it(result, change, ctx, out, e);
  if (fd >= 0) close(fd);
  return ok;
}
