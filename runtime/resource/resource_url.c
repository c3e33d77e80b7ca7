/* resource_url.c - signed URLs of resources: whoever has one may read that resource until it expires. The key is made once for a
 * database and kept in it; what is signed is "resource", the workspace, the URI and the time, a line each. */
#include "resource.h"
#include "runtime/engine/engine_int.h"
#include "runtime/base/hash.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { KEY_BYTES = 32 };

static bool key_make(Store *s, char hex[65], Err *err) {
  uint8_t key[KEY_BYTES];
  Buf b = {0};
  if (getrandom(key, sizeof key, 0) != sizeof key) return err_set(err, "random", "the system gives no random bytes");
  hash_hex(key, sizeof key, &b);
  memcpy(hex, buf_cstr(&b), 65);
  buf_free(&b);
  Batch *batch = batch_new();
  batch_meta_put(batch, "resource-url-key", hex);
  return store_submit_wait(s, batch, err);
}

static bool key_of(Store *s, char hex[65], Err *err) {
  char *stored = NULL;
  if (!store_meta_get(s, "resource-url-key", &stored, err)) return !err->code && key_make(s, hex, err);
  bool ok = strlen(stored) == 64;
  if (ok) memcpy(hex, stored, 65);
  free(stored);
  return ok || err_set(err, "db_corrupt", "the key of signed URLs is damaged");
}

static bool signature(Store *s, const char *workspace, const char *uri, int64_t until_ms, Buf *out, Err *err) {
  char key[65];
  uint8_t mac[32];
  Buf b = {0};
  if (!key_of(s, key, err)) return false;
  buf_fmt(&b, "resource\n%s\n%s\n%lld", workspace, uri, (long long)until_ms);
  hash_hmac_sha256(key, 64, b.p, b.n, mac);
  buf_free(&b);
  hash_hex(mac, sizeof mac, out);
  return true;
}

static void percent(Buf *b, const char *s, const char *also) {
  for (; *s; s++)
    if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *s) || strchr(also, *s)) buf_ch(b, *s);
    else buf_fmt(b, "%%%02X", (unsigned char)*s);
}
void resource_percent(Buf *b, const char *s) { percent(b, s, ""); }
void resource_percent_path(Buf *b, const char *s) { percent(b, s, "/"); }

Val resource_url(Engine *e, const Resource *r, const char *workspace, int64_t until_ms) {
  Buf b = {0}, sign = {0};
  Err err = {0};
  if (!e->base_url) { /* nobody serves it: the file itself */
    char *path = blobs_path(engine_blobs(e), r->hash), *full = realpath(path, NULL);
    char *url = blobs_url(engine_blobs(e), r->hash, r->content_type, r->filename, now_ms(), until_ms);
    if (url) buf_c(&b, url);
    else buf_fmt(&b, "file://%s", full ? full : path);
    free(url);
    free(path);
    free(full);
    return buf_str(&b);
  }
  if (!signature(e->store, workspace, r->uri, until_ms, &sign, &err)) return NIL;
  buf_fmt(&b, "%s/%s/resources/content?uri=", e->base_url, workspace);
  resource_percent(&b, r->uri);
  buf_fmt(&b, "&expires=%lld&signature=%s", (long long)until_ms, buf_cstr(&sign));
  buf_free(&sign);
  return buf_str(&b);
}

bool resource_url_ok(Store *s, const char *workspace, const char *uri, int64_t until_ms, const char *given) {
  Buf b = {0};
  Err err = {0};
  bool ok = until_ms > now_ms() && signature(s, workspace, uri, until_ms, &b, &err) && hash_same(buf_cstr(&b), given);
  buf_free(&b);
  return ok;
}
