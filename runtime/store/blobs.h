/* blobs.h - large byte strings on disk, named by the SHA-256 of their content.
 *
 * A blob is written to a temporary name, synced, renamed to DIR/ab/cdef.., and its directory synced, before anything names it
 * (durability rule 11a): a record that holds a hash proves that the blob is there. The same content is stored once. Nothing is
 * ever changed in place, so readers need no locks. What no record names is swept, but never what was written within
 * BLOBS_GRACE_MS: its record may still be on the way.
 *
 * The bytes may lie elsewhere, behind a BlobRemote (blobs_s3.h): then DIR is a cache of bounded size with the same names. A blob is
 * there before blobs_finish says so. What is not in the cache is "blob_away" for blobs_file and blobs_read, which never wait for a
 * network: blobs_fetch gets it, on a helper thread.
 *
 * Plain C without values; every function may be called from any thread. Writing and reading block: from the engine thread
 * go through offload.h when it is more than a page. */
#ifndef BR_BLOBS_H
#define BR_BLOBS_H
#include "runtime/base/port.h"
#include "store.h"

#define BLOBS_GRACE_MS (3600 * 1000LL)
typedef struct BlobStore BlobStore;
typedef struct BlobWriter BlobWriter;
typedef struct BlobName { char hash[65]; int64_t size; } BlobName;

/* The directory is made at the first write. NULL only when memory is out. */
BlobStore *blobs_open(const char *dir);
/* In a directory of its own under $TMPDIR, removed with blobs_close: for stores in memory. */
BlobStore *blobs_open_temporary(void);
/* Gone when all who hold it have closed it; writers hold it as long as they write. */
BlobStore *blobs_hold(BlobStore *b);
void blobs_close(BlobStore *b);
const char *blobs_dir(const BlobStore *b);

/* At most `most` bytes (0: any number), beyond that blobs_write fails with "oversize". Other errors: "disk_full", "blob_io". */
BlobWriter *blobs_begin(BlobStore *b, int64_t most, Err *e);
bool blobs_write(BlobWriter *w, const void *p, size_t n, Err *e); /* false: only blobs_abort is left to do */
/* On stable storage when it returns true. Frees w in any case. */
bool blobs_finish(BlobWriter *w, BlobName *out, Err *e);
void blobs_abort(BlobWriter *w);
/* The three in one. */
bool blobs_put(BlobStore *b, const void *p, size_t n, BlobName *out, Err *e);

bool blobs_hash_ok(const char *hash); /* 64 lower-case hex digits */
/* A file descriptor for reading, -1: *e is "not_found" or "blob_io". */
int blobs_file(const BlobStore *b, const char *hash, int64_t *size, Err *e);
/* All of it; "oversize" beyond `most` bytes. */
bool blobs_read(const BlobStore *b, const char *hash, int64_t most, Blob *out, Err *e);
/* Path of a blob for those who open it themselves; malloc'ed. */
char *blobs_path(const BlobStore *b, const char *hash);

/* `got` bytes from `at`, fewer than n only at the end; from wherever it is. May wait for a network. */
bool blobs_range(const BlobStore *b, const char *hash, int64_t at, char *to, size_t n, size_t *got, Err *e);
/* Afterwards blobs_file finds it. May wait for a network. "not_found"; "blob_busy": try again later; "blob_denied"; "blob_damaged". */
bool blobs_fetch(BlobStore *b, const char *hash, Err *e);
bool blobs_is_remote(const BlobStore *b);
/* An address at which anybody can read it until then (UTC ms), or NULL: there is none. malloc'ed, no network. filename "": none. */
char *blobs_url(const BlobStore *b, const char *hash, const char *content_type, const char *filename, int64_t now, int64_t until);

/* Deletes the blobs that `used` denies and that are older than the grace time, and temporary files of writers that died. dry_run:
 * deletes nothing, `removed` and `bytes` say what would go. */
typedef struct BlobSweep { int64_t kept, removed, bytes; } BlobSweep;
bool blobs_sweep(BlobStore *b, bool (*used)(void *ctx, const char *hash), void *ctx, int64_t grace_ms, bool dry_run, BlobSweep *out, Err *e);

/* What keeps the bytes elsewhere. Any thread, several at once; all but `url` and `free` may wait for a network. */
typedef struct BlobRemote {
  bool (*put)(void *ctx, const BlobName *name, int fd, Err *e); /* the file's bytes; there for good when true */
  bool (*range)(void *ctx, const char *hash, int64_t at, char *to, size_t n, size_t *got, Err *e); /* as blobs_range */
  bool (*sweep)(void *ctx, bool (*used)(void *ctx, const char *hash), void *used_ctx, int64_t grace_ms, bool dry_run, BlobSweep *out, Err *e);
  char *(*url)(void *ctx, const char *hash, const char *content_type, const char *filename, int64_t now, int64_t until);
  void (*free)(void *ctx);
} BlobRemote;
/* cache_max: bytes; a little more while they are in use. Takes ctx. NULL only when memory is out. */
BlobStore *blobs_open_remote(const char *cache_dir, int64_t cache_max, const BlobRemote *remote, void *ctx);
#endif
