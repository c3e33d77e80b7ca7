#include "blobs_place.h"
#include "blobs_s3.h"
#include "hash.h"
#include "reader/text.h"
#include "resource.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define META_PLACE "blobs"
#define META_OWNER "blobs-owner"
enum { OWNER_BYTES = 16 };

/* The name stays, so that it may go back to a prefix it has used. */
static bool remember(Store *s, const char *url, Err *e) {
  char *owner = NULL, *was = NULL;
  bool named = store_meta_get(s, META_OWNER, &owner, e), same = !e->code && store_meta_get(s, META_PLACE, &was, e) && !strcmp(was, url);
  free(owner);
  free(was);
  if (e->code || (named && same)) return !e->code;
  Batch *b = batch_new();
  Buf name = {0};
  uint8_t random[OWNER_BYTES];
  hash_random(random, sizeof random);
  buf_c(&name, "breyta database ");
  hash_hex(random, sizeof random, &name);
  if (!named) batch_meta_put(b, META_OWNER, buf_cstr(&name));
  batch_meta_put(b, META_PLACE, url);
  buf_free(&name);
  return store_submit_wait(s, b, e);
}

bool blobs_place_set(Store *s, const char *url, Err *e) {
  S3Place p;
  *e = (Err){0};
  if (!strcmp(url, "disk")) return remember(s, url, e);
  if (!s3_is_url(url)) return err_set(e, "validation", "%.80s is neither disk nor an address such as s3://bucket/prefix?endpoint=https://minio.example.com:9000", url);
  if (!s3_place(url, &p, e) || !s3_keys_there(e)) return false;
  if (!store_path(s)) return err_set(e, "validation", "a database in memory keeps its blobs in a temporary folder; name a file with --db");
  return remember(s, url, e);
}

static BlobStore *open_s3(const char *db, const char *url, const char *owner, Err *e) {
  S3Place p;
  size_t n = strlen(db) + sizeof "-blobs-cache";
  char *dir = malloc(n);
  if (!dir) abort();
  snprintf(dir, n, "%s-blobs-cache", db);
  BlobStore *b = s3_place(url, &p, e) ? s3_open(&p, owner, dir, e) : NULL;
  free(dir);
  return b;
}

static BlobStore *open_disk(const char *db) {
  char *dir = blobs_place(db);
  BlobStore *b = blobs_open(dir);
  free(dir);
  return b;
}

BlobStore *blobs_place_open(Store *s, Err *e) {
  const char *db = store_path(s);
  char *url = NULL, *owner = NULL;
  BlobStore *b = NULL;
  *e = (Err){0};
  bool s3 = db && store_meta_get(s, META_PLACE, &url, e) && s3_is_url(url) && store_meta_get(s, META_OWNER, &owner, e);
  if (!e->code) b = s3 ? open_s3(db, url, owner, e) : db ? open_disk(db) : blobs_open_temporary();
  if (!b && !e->code) err_set(e, "out_of_memory", "out of memory");
  free(url);
  free(owner);
  return b;
}
