#include "blobs_place.h"
#include "blobs_s3.h"
#include "runtime/base/hash.h"
#include "reader/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The vault of the caller, or one for the moment. */
static Vault *a_vault(Store *s, Vault *given) {
  char beside[4096];
  const char *db = store_path(s), *slash = db ? strrchr(db, '/') : NULL;
  snprintf(beside, sizeof beside, "%.*ssecrets.key", slash ? (int)(slash - db + 1) : 0, slash ? db : "");
  return given ? given : vault_new(s, getenv("BREYTA_SECRETS_KEY") || access(beside, R_OK) ? NULL : beside);
}

static bool stored_keys(Store *s, Vault *given, const S3Place *p, S3Keys *out, Err *e) {
  Vault *v = a_vault(s, given);
  Buf text = {0};
  Err why = {0};
  bool ok = vault_open(v, p->keys_of, p->keys, &text, &why);
  if (ok) ok = s3_keys_of_text(text.p, text.n, p, out, e);
  else if (why.code && !strcmp(why.code, "missing-binding"))
    err_set(e, "blob_denied", "no keys for the object storage: workspace %s has no secret %s; store it with breyta-run secrets set %s -w %s --from-file ~/.aws/credentials",
            p->keys_of, p->keys, p->keys, p->keys_of);
  else err_set(e, "blob_denied", "the keys of the object storage: secret %s [%s]", why.msg, why.code);
  buf_wipe(&text);
  if (!given) vault_free(v);
  return ok;
}

static bool keys_of(Store *s, Vault *v, const S3Place *p, S3Keys *out, Err *e) {
  *out = (S3Keys){0};
  return *p->keys ? stored_keys(s, v, p, out, e) : s3_keys(out, e);
}

static bool keys_there(Store *s, Vault *v, const S3Place *p, Err *e) {
  S3Keys k;
  bool ok = keys_of(s, v, p, &k, e);
  s3_keys_free(&k);
  return ok;
}

bool blobs_place_set(Store *s, Vault *v, const char *url, Err *e) {
  S3Place p;
  *e = (Err){0};
  if (!strcmp(url, "disk")) return remember(s, url, e);
  if (!s3_is_url(url)) return err_set(e, "validation", "%.80s is neither disk nor an address such as s3://bucket/prefix?endpoint=https://minio.example.com:9000", url);
  if (!s3_place(url, &p, e)) return false;
  if (!store_path(s)) return err_set(e, "validation", "a database in memory keeps its blobs in a temporary folder; name a file with --db");
  if (!keys_there(s, v, &p, e)) return false;
  return remember(s, url, e);
}

static BlobStore *open_s3(Store *s, Vault *v, const char *url, const char *owner, Err *e) {
  const char *db = store_path(s);
  S3Place p;
  S3Keys keys;
  Err why = {0};
  size_t n = strlen(db) + sizeof "-blobs-cache";
  char *dir = malloc(n);
  if (!dir) abort();
  snprintf(dir, n, "%s-blobs-cache", db);
  BlobStore *b = NULL;
  if (s3_place(url, &p, e)) {
    keys_of(s, v, &p, &keys, &why);
    b = s3_open(&p, owner, dir, &keys, &why, e);
  }
  free(dir);
  return b;
}

char *blobs_place(const char *db) {
  size_t n = strlen(db) + 8;
  char *dir = malloc(n);
  if (!dir) abort();
  snprintf(dir, n, "%s-blobs", db);
  return dir;
}

static BlobStore *open_disk(const char *db) {
  char *dir = blobs_place(db);
  BlobStore *b = blobs_open(dir);
  free(dir);
  return b;
}

BlobStore *blobs_place_open(Store *s, Vault *v, Err *e) {
  const char *db = store_path(s);
  char *url = NULL, *owner = NULL;
  BlobStore *b = NULL;
  *e = (Err){0};
  bool s3 = db && store_meta_get(s, META_PLACE, &url, e) && s3_is_url(url) && store_meta_get(s, META_OWNER, &owner, e);
  if (!e->code) b = s3 ? open_s3(s, v, url, owner, e) : db ? open_disk(db) : blobs_open_temporary();
  if (!b && !e->code) err_set(e, "out_of_memory", "out of memory");
  free(url);
  free(owner);
  return b;
}
