/* api_files.c - files that clients send (http-api.md H2): init names one, direct sends its bytes, complete makes it a resource.
 *
 * A file's bytes are a blob that is durable before its document says so. Until `complete` the document is pending and ends by itself
 * after UPLOAD_MS; an address that was given out stays the file's: with replace-existing it is that of the file which has the name. */
#include "api.h"
#include "runtime/engine/engine_int.h"
#include "runtime/base/hash.h"
#include "runtime/engine/offload.h"
#include "runtime/resource/resource.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define UPLOAD_MS (24LL * 3600 * 1000)
enum { NAME_MAX_BYTES = 255, PUT_OFF_MS = 15 * 60 * 1000, SEND_PIECE = 1 << 20 };

static OffloadPool pool = OFFLOAD_POOL("upload", 4, NULL);

static const char *text_at(Val m, const char *key) {
  Val v = map_get_kw(m, key);
  return is_str(v) ? str_s(v) : "";
}

/* Names are kept for people; nothing is opened by them. */
static bool name_ok(ApiCall *c, const char *what, const char *s) {
  size_t n = strlen(s);
  for (const char *p = s; *p; p++)
    if ((unsigned char)*p < ' ') return api_fail(c, 400, "bad_request", "%s must not have control characters", what);
  return (n && n <= NAME_MAX_BYTES) || api_fail(c, 400, "bad_request", "%s must be 1 to %d bytes long", what, NAME_MAX_BYTES);
}

/* The name under which a folder's file is found again: a document "file-name" -> {:uri}. a/b of x is not b of x/a. */
static void name_key(Buf *b, const char *folder, const char *filename) {
  buf_fmt(b, strchr(filename, '/') ? "%s\x1f%s" : "%s/%s", folder, filename);
}

static bool known_file(ApiCall *c, const char *folder, const char *filename, Val *uri, Err *err) {
  Buf key = {0};
  Val m = NIL;
  int64_t rev;
  name_key(&key, folder, filename);
  bool there = api_doc(c->api, c->workspace, "file-name", buf_cstr(&key), &m, &rev, err);
  buf_free(&key);
  *uri = there ? map_get_kw(m, "uri") : NIL;
  return there && is_str(*uri);
}

static Val new_uri(const ApiCall *c) {
  uint8_t bytes[12];
  Buf hex = {0};
  hash_random(bytes, sizeof bytes);
  hash_hex(bytes, sizeof bytes, &hex);
  Val uri = str_fmt("res://v1/ws/%s/file/%s", c->workspace, buf_cstr(&hex));
  buf_free(&hex);
  return uri;
}

static bool init(ApiCall *c) {
  const char *filename = api_text(c, "filename"), *folder = api_text(c, "folder"), *type = api_text(c, "content-type");
  Err err = {0};
  Val uri = NIL;
  ValVec m = {0}, out = {0};
  if (!folder) folder = "";
  if (!name_ok(c, "filename", filename) || (*folder && !name_ok(c, "folder", folder))) return false;
  if (type && *type && !name_ok(c, "content-type", type)) return false;
  bool again = api_flag(c, "replace-existing") && known_file(c, folder, filename, &uri, &err);
  if (err.code) return api_fail_err(c, &err);
  if (!again) uri = new_uri(c);
  api_put(&m, "uri", uri);
  api_put_text(&m, "filename", filename);
  api_put_text(&m, "folder", folder);
  api_put_text(&m, "content-type", type && *type ? type : "application/octet-stream");
  Val session = str_fmt("up-%s", strrchr(str_s(uri), '/') + 1);
  if (!api_doc_put(api_batch(c), c->workspace, "upload", str_s(uri), api_map(&m), DOC_ANY, now_ms(), now_ms() + UPLOAD_MS))
    return api_fail(c, 500, "internal", "the upload cannot be stored");
  api_put(&out, "uri", uri);
  api_put_text(&out, "upload-url", "");
  api_put(&out, "upload-session-id", session);
  return api_ok(c, api_map(&out));
}

static bool upload_of(ApiCall *c, const char *uri, Val *upload) {
  Err err = {0};
  int64_t rev;
  if (api_doc(c->api, c->workspace, "upload", uri, upload, &rev, &err)) return true;
  return err.code ? api_fail_err(c, &err) : api_fail(c, 404, "not_found", "no upload of %.300s was begun (POST /api/files/uploads/init)", uri);
}

/* --- the bytes ---------------------------------------------------------------------------------------------------------------------------- */
typedef struct Sending {
  Api *api;
  ApiLater later;
  char *uri, *workspace;
  BlobStore *blobs;
  char *bytes; /* mapped when fd >= 0 */
  size_t n;
  int fd;
  BlobName name;
  bool ok;
  Err err;
} Sending;

static void sending_free(Sending *s) {
  if (s->fd >= 0) {
    munmap(s->bytes, s->n + 1);
    close(s->fd);
  } else {
    free(s->bytes);
  }
  blobs_close(s->blobs);
  free(s->uri);
  free(s->workspace);
  free(s);
}

static void write_blob(void *arg) {
  Sending *s = arg;
  BlobWriter *w = blobs_begin(s->blobs, 0, &s->err);
  s->ok = w;
  for (size_t at = 0; s->ok && at < s->n; at += SEND_PIECE) {
    s->ok = blobs_write(w, s->bytes + at, s->n - at < SEND_PIECE ? s->n - at : SEND_PIECE, &s->err);
    if (!s->ok) blobs_abort(w);
  }
  if (s->ok) s->ok = blobs_finish(w, &s->name, &s->err);
}

static void stored(Engine *e, void *ctx, const char *error) {
  Sending *s = ctx;
  ValVec m = {0};
  (void)e;
  api_put_text(&m, "uri", s->uri);
  api_put(&m, "size-bytes", int_val(s->name.size));
  if (s->api->listener && !error) api_later_ok(s->api, &s->later, api_map(&m), NIL);
  if (s->api->listener && error) api_later_fail(s->api, &s->later, !strcmp(error, "disk_full") ? 507 : 503, error, store_error_text(error), NIL);
  sending_free(s);
}

/* The bytes are durable: so is, from here on, which they are. */
static void written(Engine *e, uint64_t token, void *arg) {
  Sending *s = arg;
  Val upload = NIL;
  int64_t rev;
  Err err = {0};
  (void)token;
  if (!e) {
    sending_free(s);
    return;
  }
  bool ok = s->ok && api_doc(s->api, s->workspace, "upload", s->uri, &upload, &rev, &err);
  Batch *b = ok ? batch_new() : NULL;
  if (ok) upload = map_assoc(map_assoc(upload, kw_c("sha256"), str_c(s->name.hash)), kw_c("size-bytes"), int_val(s->name.size));
  if (ok) ok = api_doc_put(b, s->workspace, "upload", s->uri, upload, DOC_ANY, now_ms(), now_ms() + UPLOAD_MS);
  if (ok) {
    engine_commit(e, b, stored, s);
    return;
  }
  if (b) batch_free(b);
  if (s->api->listener) {
    bool full = s->err.code && !strcmp(s->err.code, "disk_full");
    api_later_fail(s->api, &s->later, full ? 507 : 503, full ? "disk_full" : "upload_failed",
                   s->err.code ? s->err.msg : "the upload could not be stored; send it again", NIL);
  }
  sending_free(s);
}

/* The request's memory ends with the request: the descriptor is kept, a small body is copied. */
static bool take_body(const ListenRequest *r, Sending *s) {
  s->n = r->nbody;
  s->fd = r->spooled ? dup(r->body_fd) : -1;
  if (r->spooled) {
    void *p = s->fd < 0 ? MAP_FAILED : mmap(NULL, s->n + 1, PROT_READ, MAP_PRIVATE, s->fd, 0);
    if (p == MAP_FAILED && s->fd >= 0) close(s->fd), s->fd = -1;
    if (p != MAP_FAILED) s->bytes = p;
    return p != MAP_FAILED;
  }
  s->bytes = malloc(s->n + 1);
  if (s->bytes && s->n) memcpy(s->bytes, r->body, s->n);
  return s->bytes;
}

static bool direct(ApiCall *c) {
  const char *uri = api_text(c, "uri");
  Val upload;
  Err err = {0};
  if (!upload_of(c, uri, &upload)) return false;
  Sending *s = calloc(1, sizeof *s);
  if (!s) abort();
  s->api = c->api;
  s->fd = -1;
  s->uri = strdup(uri);
  s->workspace = strdup(c->workspace);
  s->blobs = blobs_hold(engine_blobs(c->api->engine));
  if (!take_body(c->request, s) || !api_put_off(c, &s->later, PUT_OFF_MS)) {
    sending_free(s);
    return c->code ? false : api_fail(c, 503, "busy", "there is no memory for this upload at the moment; try again");
  }
  if (offload_run(&pool, c->api->engine, write_blob, written, s, 0, &err)) return true;
  c->later = false;
  sending_free(s);
  return api_fail(c, 503, "busy", "%s", err.msg);
}

/* --- complete ------------------------------------------------------------------------------------------------------------------------------ */
static Val record(Val upload, const char *uri, int64_t expires) {
  Val kv[] = {kw_c("type"),         kw_c("blob"),
              kw_c("uri"),          str_c(uri),
              kw_c("size-bytes"),   map_get_kw(upload, "size-bytes"),
              kw_c("content-type"), map_get_kw(upload, "content-type"),
              kw_c("tier"),         kw_c("retained"),
              kw_c("sha256"),       map_get_kw(upload, "sha256"),
              kw_c("filename"),     map_get_kw(upload, "filename"),
              kw_c("folder"),       map_get_kw(upload, "folder"),
              kw_c("resource-type"), kw_c("file"),
              kw_c("expires-at"),   int_val(expires)};
  return map_from(kv, 10, false);
}

static void put_name(ApiCall *c, Val upload, const char *uri, int64_t expires) {
  Buf key = {0};
  Val kv[] = {kw_c("uri"), str_c(uri)};
  name_key(&key, text_at(upload, "folder"), text_at(upload, "filename"));
  api_doc_put(api_batch(c), c->workspace, "file-name", buf_cstr(&key), map_from(kv, 1, false), DOC_ANY, now_ms(), expires);
  buf_free(&key);
}

static bool bytes_there(ApiCall *c, const char *hash) {
  int64_t size;
  Err err = {0};
  int fd = blobs_file(engine_blobs(c->api->engine), hash, &size, &err);
  if (fd >= 0) close(fd);
  return fd >= 0 || strcmp(err.code, "not_found");
}

static bool complete(ApiCall *c) {
  const char *uri = api_text(c, "uri");
  Val upload;
  ValVec out = {0};
  int64_t now = now_ms(), expires = now + PERSIST_RETAINED_MS;
  if (!upload_of(c, uri, &upload)) return false;
  if (!*text_at(upload, "sha256")) return api_fail(c, 409, "upload_incomplete", "the bytes of %.300s have not come yet (PUT /api/files/uploads/direct)", uri);
  if (!bytes_there(c, text_at(upload, "sha256"))) /* taken for garbage meanwhile: this took longer than BLOBS_GRACE_MS */
    return api_fail(c, 409, "upload_incomplete", "the bytes of %.300s have been kept as long as an unfinished upload is; send them again", uri);
  Val meta = record(upload, uri, expires);
  if (!api_doc_put(api_batch(c), c->workspace, RESOURCE_KIND, uri, meta, DOC_ANY, now, expires))
    return api_fail(c, 500, "internal", "the file cannot be stored");
  put_name(c, upload, uri, expires);
  Buf data = {0};
  snap_data(&data, meta);
  DocRow d = {.workspace = (char *)(uintptr_t)c->workspace, .key = (char *)(uintptr_t)uri, .at_ms = now, .expires_ms = expires, .data = {data.p, data.n}};
  api_resource_index(c, &d, meta);
  buf_free(&data);
  api_put_text(&out, "uri", uri);
  api_put(&out, "content-type", map_get_kw(upload, "content-type"));
  api_put(&out, "size-bytes", map_get_kw(upload, "size-bytes"));
  api_put(&out, "filename", map_get_kw(upload, "filename"));
  api_put(&out, "sha256", map_get_kw(upload, "sha256"));
  return api_ok(c, api_map(&out));
}

#define URI_ARG {"uri", API_TEXT, true, 0, RESOURCE_URI_MAX, NULL, "the file's address, from init"}

const ApiRoute api_file_routes[] = {
    {"POST",
     "files/uploads/init",
     0,
     {"files.upload.init",
      "resources.write|jobs.worker",
      true,
      "Names a file that is going to be sent: its address, and an empty upload-url (send it to files/uploads/direct).",
      init,
      {{"filename", API_TEXT, true, 0, 0, NULL, "what people call it"},
       {"content-type", API_TEXT, false, 0, 255, NULL, "default application/octet-stream"},
       {"folder", API_TEXT, false, 0, 0, NULL, "where it belongs"},
       {"replace-existing", API_BOOL, false, 0, 0, NULL, "the address of the file that has this name, if there is one"}}}},
    {"PUT",
     "files/uploads/direct",
     ROUTE_BYTES,
     {"files.upload.direct", "resources.write|jobs.worker", false, "The bytes of a file; answered when they are durable. Sent again, they replace what was sent.", direct, {URI_ARG}}},
    {"POST",
     "files/uploads/complete",
     0,
     {"files.upload.complete",
      "resources.write|jobs.worker",
      true,
      "The file is there: a resource that flows can use.",
      complete,
      {URI_ARG, {"upload-session-id", API_TEXT, false, 0, 0, NULL, "from init; accepted"}}}},
    {0},
};
