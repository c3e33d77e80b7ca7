/* doctor.c - `breyta doctor`: a check is a function that tells what it found; the table at the end is all of them. Nothing is changed: the
 * only file that is written is one without a name, for the time that a sync takes. */
#include "runtime/api/api.h"
#include "runtime/store/blobs_place.h"
#include "breyta_options.h"
#include "runtime/cli/cli_run.h"
#include "data_dir.h"
#include "runtime/base/hash.h"
#include "runtime/base/sock.h"
#include "runtime/store/store_copy.h"
#include "runtime/store/store_files.h"
#include "runtime/base/tls_cert.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

enum { SYNCS = 21, SLOW_SYNC_US = 20000, DAY_MS = 86400000, REACH_MS = 3000, FEW_FILES = 13000 };
enum Level { FINE, WARNING, ERROR };

typedef struct Doctor {
  const BreytaOptions *o;
  char *db;
  Store *store;   /* NULL: it cannot be opened, as the check "database" says */
  bool running;   /* a server holds the lock */
  Val found;      /* vector of maps */
  int worst;
  bool json;
} Doctor;

static bool say(Doctor *d, const char *name, enum Level level, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static bool say(Doctor *d, const char *name, enum Level level, const char *fmt, ...) {
  static const char *const levels[] = {"fine", "warning", "error"};
  char text[1000];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  ValVec m = {0};
  api_put_text(&m, "check", name);
  api_put_text(&m, "status", levels[level]);
  api_put_text(&m, "message", text);
  d->found = vec_conj(d->found, api_map(&m));
  if ((int)level > d->worst) d->worst = (int)level;
  if (!d->json) printf("%-8s %-12s %s\n", levels[level], name, text);
  return level == FINE;
}

/* --- the folder -------------------------------------------------------------------------------------------------------------------- */
static void folder(Doctor *d) {
  struct stat st;
  const char *dir = d->o->data;
  if (stat(dir, &st)) say(d, "data", ERROR, "%s: %s; --data names the folder of the server", dir, strerror(errno));
  else if (!S_ISDIR(st.st_mode)) say(d, "data", ERROR, "%s is no folder", dir);
  else if (access(dir, R_OK | W_OK | X_OK)) say(d, "data", ERROR, "%s: %s; run this as the user of the server", dir, strerror(errno));
  else if (st.st_mode & 0077) say(d, "data", WARNING, "others can look into %s: chmod 700 it", dir);
  else say(d, "data", FINE, "%s", dir);
}

static void space(Doctor *d) {
  struct statvfs v;
  if (statvfs(d->o->data, &v)) {
    say(d, "space", ERROR, "%s: %s", d->o->data, strerror(errno));
    return;
  }
  unsigned long long mib = (unsigned long long)v.f_bavail * v.f_frsize >> 20, inodes = v.f_favail;
  int percent = v.f_blocks ? (int)(v.f_bavail * 100 / v.f_blocks) : 100;
  enum Level level = mib < 100 ? ERROR : mib < 1024 || percent < 5 || (v.f_files && inodes < 10000) ? WARNING : FINE;
  say(d, "space", level, "%llu MiB free (%d %%)%s", mib, percent, level == FINE ? "" : ": make room, or runs will be held");
}

static int by_time(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static bool time_syncs(int fd, int64_t us[SYNCS]) {
  static const char page[4096];
  for (int i = 0; i < SYNCS; i++) {
    int64_t at = mono_us();
    if (pwrite(fd, page, sizeof page, (off_t)i * (off_t)sizeof page) != (ssize_t)sizeof page || fdatasync(fd)) return false;
    us[i] = mono_us() - at;
  }
  qsort(us, SYNCS, sizeof *us, by_time);
  return true;
}

static void syncing(Doctor *d) {
  int64_t us[SYNCS];
  int fd = open(d->o->data, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  bool ok = fd >= 0 && time_syncs(fd, us);
  if (!ok) say(d, "fdatasync", ERROR, "%s cannot be written: %s", d->o->data, strerror(errno));
  else
    say(d, "fdatasync", us[SYNCS / 2] > SLOW_SYNC_US ? WARNING : FINE, "%.2f ms (median of %d), %.2f ms at most: what each durable step takes at least",
        (double)us[SYNCS / 2] / 1000, SYNCS, (double)us[SYNCS - 1] / 1000);
  if (fd >= 0) close(fd);
}

/* --- the database ------------------------------------------------------------------------------------------------------------------ */
static void database(Doctor *d) {
  Err err = {0};
  struct stat st;
  if (stat(d->db, &st)) {
    say(d, "database", errno == ENOENT ? WARNING : ERROR, "%s: %s; `breyta serve` makes one", d->db, strerror(errno));
    return;
  }
  int lock = store_files_lock_exists(d->db) ? store_files_lock(d->db, &err) : -1;
  d->running = lock < 0 && err.code && !strcmp(err.code, "db_locked");
  if (lock >= 0) store_files_unlock(lock);
  err = (Err){0};
  d->store = store_open(d->db, &(StoreOptions){.read_only = true}, &err);
  if (!d->store) say(d, "database", ERROR, "%s", err.msg);
  else say(d, "database", FINE, "%s, %lld MiB, of a format that this program reads; %s", d->db, (long long)st.st_size >> 20, d->running ? "a server has it" : "no server has it");
}

static void integrity(Doctor *d) {
  Err err = {0};
  if (!d->store) return;
  if (store_whole(d->db, d->o->quick != NULL, &err)) say(d, "integrity", FINE, d->o->quick ? "every page is in order (quick)" : "every page and index is in order");
  else say(d, "integrity", ERROR, "%s; stop the server and restore the last backup", err.msg);
}

static void runs(Doctor *d) {
  Err err = {0};
  if (!d->store) return;
  int64_t open = data_runs(d->store, 1u << RUN_RUNNING | 1u << RUN_WAITING | 1u << RUN_QUEUED, &err), blocked = open < 0 ? -1 : data_runs(d->store, 1u << RUN_BLOCKED, &err);
  if (blocked < 0) say(d, "runs", ERROR, "%s", err.msg);
  else if (blocked) say(d, "runs", WARNING, "%lld unfinished, and %lld blocked: they cannot go on as they are", (long long)open, (long long)blocked);
  else say(d, "runs", FINE, "%lld unfinished", (long long)open);
}

/* --- blobs ------------------------------------------------------------------------------------------------------------------------- */
typedef struct Blobs {
  BlobStore *at;
  bool quick;
  int64_t fine, missing, damaged;
  char first[RESOURCE_URI_MAX];
} Blobs;

static bool same_bytes(int fd, const char *hash) {
  char chunk[65536], got[65];
  HashStream *h = hash_begin();
  ssize_t n;
  while ((n = read(fd, chunk, sizeof chunk)) > 0) hash_add(h, chunk, (size_t)n);
  hash_end(h, got);
  return n == 0 && !strcmp(got, hash);
}

static bool look_at(void *ctx, const Resource *r, Err *err) {
  Blobs *b = ctx;
  int64_t size = -1;
  Err none = {0};
  (void)err;
  int fd = blobs_file(b->at, r->hash, &size, &none);
  bool whole = fd >= 0 && size == r->size && (b->quick || same_bytes(fd, r->hash));
  if (fd >= 0) close(fd);
  int64_t *count = fd < 0 ? &b->missing : whole ? &b->fine : &b->damaged;
  if (!whole && !*b->first) snprintf(b->first, sizeof b->first, "%s", r->uri);
  ++*count;
  return true;
}

static void blobs(Doctor *d) {
  Err err = {0};
  if (!d->store) return;
  Blobs b = {.at = blobs_place_open(d->store, NULL, &err), .quick = d->o->quick};
  bool remote = b.at && blobs_is_remote(b.at), ok = b.at && (remote || data_blobs(d->store, look_at, &b, &err));
  if (!ok) say(d, "blobs", ERROR, "%s", err.msg);
  else if (remote) say(d, "blobs", FINE, "in an object storage, which is not asked");
  else if (b.missing || b.damaged)
    say(d, "blobs", ERROR, "%lld missing, %lld damaged of %lld, such as %.300s; restore them from a backup into %s-blobs", (long long)b.missing,
        (long long)b.damaged, (long long)(b.fine + b.missing + b.damaged), b.first, d->db);
  else say(d, "blobs", FINE, "%lld, all there%s", (long long)b.fine, b.quick ? "" : " and as they were written");
  if (b.at) blobs_close(b.at);
}

/* --- the machine ------------------------------------------------------------------------------------------------------------------- */
static int64_t newest(Store *s) {
  RunRow row = {0};
  Err err = {0};
  int64_t last = store_last_run(s), at = 0;
  if (last > 0 && store_run_get(s, last, &row, &err)) at = row.updated_ms > row.created_ms ? row.updated_ms : row.created_ms;
  run_row_free(&row);
  return at;
}

static void clock_is(Doctor *d) {
  struct timex t = {0};
  int state = adjtimex(&t);
  int64_t ahead = d->store ? newest(d->store) - now_ms() : 0;
  if (ahead > 60000) say(d, "clock", ERROR, "the last run is from a time %lld s ahead: the clock went back", (long long)ahead / 1000);
  else if (state < 0 || state == TIME_ERROR || (t.status & STA_UNSYNC)) say(d, "clock", WARNING, "nothing keeps the clock right: run an NTP client (schedules and timeouts go by it)");
  else say(d, "clock", FINE, "kept right, within %.1f ms", (double)t.maxerror / 1000);
}

static void files(Doctor *d) {
  struct rlimit r;
  if (getrlimit(RLIMIT_NOFILE, &r) || (r.rlim_max != RLIM_INFINITY && r.rlim_max < FEW_FILES))
    say(d, "files", WARNING, "at most %llu open files: fewer connections than 12000; LimitNOFILE= of the systemd unit, or ulimit -Hn", (unsigned long long)r.rlim_max);
  else say(d, "files", FINE, "enough open files are allowed");
}

static void port(Doctor *d) {
  Err err = {0};
  int fd = sock_bind(d->o->listen, &err);
  if (fd >= 0 && !listen(fd, 1)) say(d, "port", d->running ? WARNING : FINE, d->running ? "%s is free, though a server has the database: where does it listen?" : "%s is free", d->o->listen);
  else if (d->running && errno == EADDRINUSE) say(d, "port", FINE, "%s is taken, and a server has the database", d->o->listen);
  else say(d, "port", ERROR, "%s: %s", d->o->listen, err.code ? err.msg : strerror(errno));
  if (fd >= 0) close(fd);
}

/* --- TLS and the way from outside -------------------------------------------------------------------------------------------------- */
static void certificate(Doctor *d) {
  Buf cert = {0}, key = {0};
  int64_t ends = 0;
  if (!d->o->tls_cert) return;
  if (!cli_read_file(d->o->tls_cert, &cert) || !tls_cert_ends(buf_cstr(&cert), &ends)) say(d, "certificate", ERROR, "%s holds no certificate in PEM form", d->o->tls_cert);
  else if (d->o->tls_key && (!cli_read_file(d->o->tls_key, &key) || !tls_cert_key(buf_cstr(&cert), buf_cstr(&key))))
    say(d, "certificate", ERROR, "%s is not the key of %s", d->o->tls_key, d->o->tls_cert);
  else {
    int64_t days = (ends - now_ms()) / DAY_MS;
    if (ends < now_ms()) say(d, "certificate", ERROR, "it has expired");
    else say(d, "certificate", days < 14 ? WARNING : FINE, "good for %lld more days", (long long)days);
  }
  if (key.n) explicit_bzero(key.p, key.n);
  buf_free(&key);
  buf_free(&cert);
}

static bool connects(const struct addrinfo *a) {
  int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol), err = 0;
  socklen_t n = sizeof err;
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  bool ok = fd >= 0 && (!connect(fd, a->ai_addr, a->ai_addrlen) || (errno == EINPROGRESS && poll(&p, 1, REACH_MS) == 1 && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) && !err));
  if (fd >= 0) close(fd);
  return ok;
}

static void reached(Doctor *d) {
  const char *url = d->o->public_url, *at = url ? strstr(url, "://") : NULL;
  char host[256], number[8];
  if (!url) return;
  if (!cli_good_url(url)) {
    say(d, "public-url", ERROR, "%s is no address such as https://flows.example.com", url);
    return;
  }
  at += 3;
  size_t n = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":/");
  snprintf(host, sizeof host, "%.*s", (int)(*at == '[' ? n - 2 : n), at + (*at == '['));
  snprintf(number, sizeof number, "%.*s", at[n] == ':' ? (int)strcspn(at + n + 1, "/") : 0, at + n + 1);
  if (!*number) snprintf(number, sizeof number, "%s", url[4] == 's' ? "443" : "80");
  struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *all = NULL;
  int rc = getaddrinfo(host, number, &want, &all);
  bool ok = false;
  for (struct addrinfo *a = all; a && !ok; a = a->ai_next) ok = connects(a);
  if (all) freeaddrinfo(all);
  if (rc) say(d, "public-url", WARNING, "%s: %s: links and callbacks will not find this server", host, gai_strerror(rc));
  else if (!ok) say(d, "public-url", WARNING, "nothing answers at %s:%s from here: is the proxy running, and the firewall open?", host, number);
  else say(d, "public-url", FINE, "%s:%s can be reached from here", host, number);
}

static void (*const checks[])(Doctor *) = {folder, space, syncing, database, integrity, runs, blobs, clock_is, files, port, certificate, reached};

int breyta_doctor(const BreytaOptions *o) {
  if (strcmp(o->format, "text") && strcmp(o->format, "json")) {
    fprintf(stderr, "breyta doctor: --format: text or json\n");
    return EXIT_USAGE;
  }
  cli_engine_values();
  Doctor d = {.o = o, .db = data_db(o->data), .found = vec_empty, .json = !strcmp(o->format, "json")};
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) checks[i](&d);
  ValVec m = {0};
  api_put(&m, "ok", bool_val(d.worst < ERROR));
  api_put_text(&m, "version", BREYTA_VERSION);
  api_put(&m, "checks", d.found);
  if (d.json) data_print(api_map(&m), true);
  if (d.store) store_close(d.store);
  free(d.db);
  return d.worst < ERROR && !fflush(stdout) ? EXIT_OK : EXIT_FAILED;
}
