#include "blobs_cache.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct Entry { char name[72]; int64_t size, used; } Entry; /* name: "ab/cdef.." */
typedef struct Entries { Entry *a; size_t n, cap; int64_t bytes; } Entries;

void blobs_cache_used(int fd) { (void)futimens(fd, (struct timespec[2]){{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}}); /* only an order */ }

static void add(Entries *all, int at, const char *sub, const char *name) {
  struct stat st;
  if (strlen(name) != 62 || fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) return;
  if (all->n == all->cap) {
    all->cap = all->cap ? all->cap * 2 : 256;
    all->a = realloc(all->a, all->cap * sizeof *all->a);
    if (!all->a) abort();
  }
  Entry *e = &all->a[all->n++];
  snprintf(e->name, sizeof e->name, "%s/%.62s", sub, name);
  e->size = st.st_size;
  e->used = st.st_atim.tv_sec > st.st_mtim.tv_sec ? st.st_atim.tv_sec : st.st_mtim.tv_sec;
  all->bytes += st.st_size;
}

static Entries look(int dir) {
  Entries all = {0};
  for (int i = 0; i < 256; i++) {
    char sub[3];
    snprintf(sub, sizeof sub, "%02x", i);
    int fd = openat(dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0) close(fd);
    if (!d) continue;
    for (struct dirent *f; (f = readdir(d));) add(&all, fd, sub, f->d_name);
    closedir(d);
  }
  return all;
}

static int by_use(const void *x, const void *y) {
  const Entry *a = x, *b = y;
  return a->used < b->used ? -1 : a->used > b->used;
}

/* A blob that somebody reads stays readable: its file is only without a name. */
static int64_t trim(const char *path, int64_t most) {
  int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return 0;
  Entries all = look(dir);
  int64_t bytes = all.bytes, pinned = time(NULL) - BLOBS_CACHE_PIN_S;
  if (bytes > most && all.n) qsort(all.a, all.n, sizeof *all.a, by_use);
  for (size_t i = 0; bytes > most - most / 10 && all.bytes > most && i < all.n && all.a[i].used < pinned; i++)
    if (!unlinkat(dir, all.a[i].name, 0)) bytes -= all.a[i].size;
  free(all.a);
  close(dir);
  return bytes;
}

void blobs_cache_added(BlobCache *c, const char *dir, int64_t size) {
  int64_t was = atomic_fetch_add(&c->bytes, size);
  if (was && was + size <= c->most) return;
  if (atomic_flag_test_and_set(&c->busy)) return;
  atomic_store(&c->bytes, trim(dir, c->most) + 1);
  atomic_flag_clear(&c->busy);
}
