/* client_resources.c - see client_resources.h */
#include "client_resources.h"
#include "runtime/cli/cli.h"
#include "client_file.h"
#include "client_flows.h"
#include "reader/num.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_TIMEOUT_MS = 3600000 };

const char *client_content_type(const char *name) {
  static const char *const types[][2] = {
    {".md", "text/markdown; charset=utf-8"}, {".txt", "text/plain; charset=utf-8"}, {".log", "text/plain; charset=utf-8"}, {".csv", "text/csv; charset=utf-8"},
    {".html", "text/html; charset=utf-8"}, {".json", "application/json"}, {".edn", "application/edn"}, {".xml", "application/xml"}, {".yaml", "application/yaml"},
    {".yml", "application/yaml"}, {".pdf", "application/pdf"}, {".zip", "application/zip"}, {".gz", "application/gzip"}, {".png", "image/png"}, {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"}, {".gif", "image/gif"}, {".svg", "image/svg+xml"}, {".webp", "image/webp"}, {".mp3", "audio/mpeg"}, {".wav", "audio/wav"}, {".mp4", "video/mp4"}};
  const char *dot = strrchr(name, '.');
  for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
    if (!strcasecmp(types[i][0], dot)) return types[i][1];
  return "application/octet-stream";
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* --- upload ----------------------------------------------------------------------------------------------------------------------- */
static const char *either(Val v, const char *a, const char *b) {
  const char *s = client_text_at(v, a);
  return s && *s ? s : client_text_at(v, b);
}

static bool post(ClientRun *r, const char *path, Val body, ClientAnswer *a) {
  Client *c = client_of(r);
  *a = (ClientAnswer){.body = NIL};
  if (c && client_rest(c, &(ClientRequest){.method = "POST", .path = path, .query = NIL, .body = body}, a)) return true;
  client_finish(r, a);
  return false;
}

static bool passes(const ClientAnswer *a) {
  return a->status == 0 || a->status == 408 || a->status == 429 || (a->status >= 502 && a->status <= 504);
}

/* The bytes go to the server itself; only to another place when it names one. Sent again 0.5, 2 and 5 s later when the reason may pass. */
static bool send_bytes(ClientRun *r, const char *uri, int fd, uint64_t size, const char *type) {
  static const int pauses_ms[] = {500, 2000, 5000};
  for (size_t i = 0;; i++) {
    ClientAnswer a;
    HttpBody *body = http_body_new();
    bool last = i == sizeof pauses_ms / sizeof *pauses_ms;
    http_body_file(body, last ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3), 0, size);
    bool ok = client_rest(r->client, &(ClientRequest){.method = "PUT", .path = "api/files/uploads/direct", .query = client_put_text(NIL, "uri", uri), .body = ABSENT,
                                                      .stream = body, .content_type = type, .timeout_ms = FILE_TIMEOUT_MS}, &a);
    if (ok || last || !passes(&a)) {
      if (!last) close(fd);
      if (!ok) client_finish(r, &a);
      else client_answer_free(&a);
      return ok;
    }
    client_answer_free(&a);
    struct timespec t = {pauses_ms[i] / 1000, pauses_ms[i] % 1000 * 1000000L};
    while (nanosleep(&t, &t) < 0 && errno == EINTR) continue;
  }
}

static bool open_file(ClientRun *r, const char *path, int *fd, uint64_t *size) {
  struct stat st;
  *fd = open(path, O_RDONLY | O_CLOEXEC);
  if (*fd >= 0 && !fstat(*fd, &st) && S_ISREG(st.st_mode)) return *size = (uint64_t)st.st_size, true;
  client_usage(r, "cannot read %.300s: %s", path, *fd >= 0 ? "it is no file" : strerror(errno));
  if (*fd >= 0) close(*fd);
  return false;
}

bool client_upload(ClientRun *r, const ClientUpload *u, Val *out) {
  ClientAnswer init, done;
  int fd;
  uint64_t size;
  const char *name = u->name ? u->name : last_part(u->path), *type = u->type ? u->type : client_content_type(name);
  if (!open_file(r, u->path, &fd, &size)) return false;
  Val body = client_put_text(client_put_text(client_put_text(NIL, "filename", name), "content-type", type), "folder", u->folder);
  if (u->replace) body = client_put(body, "replace-existing", TRUE_V);
  if (!post(r, "api/files/uploads/init", body, &init)) return close(fd), false;
  Val at = client_at(init.body, "data.data");
  if (!is_map(at)) at = client_at(init.body, "data");
  const char *uri = client_text_at(at, "uri"), *session = either(at, "upload-session-id", "uploadSessionId");
  if (!uri) return close(fd), client_fail(r, "invalid_answer", "the server named no address for the file"), false;
  if (!send_bytes(r, uri, fd, size, type)) return false;
  if (!post(r, "api/files/uploads/complete", client_put_text(client_put_text(NIL, "uri", uri), "upload-session-id", session), &done)) return false;
  *out = client_put_text(client_put_text(client_at(done.body, "data"), "uri", uri), "filename", name);
  if (is_nil(client_at(*out, "content-type"))) *out = client_put_text(*out, "content-type", type);
  if (is_nil(client_at(*out, "size-bytes"))) *out = client_put(*out, "size-bytes", int_val((int64_t)size));
  client_answer_free(&init);
  client_answer_free(&done);
  return true;
}

int client_resource_upload(ClientRun *r) {
  Val out;
  ClientUpload u = {.path = client_text(r, "<file>"), .name = client_text(r, "name"), .type = client_text(r, "content-type"), .folder = client_text(r, "folder")};
  u.replace = client_flag(r, "overwrite") || client_flag(r, "replace");
  if (!client_of(r) || !client_upload(r, &u, &out)) return EXIT_FAILED;
  const char *uri = client_text_at(out, "uri");
  if (client_flag(r, "print-uri")) {
    cli_out(uri, strlen(uri));
    cli_out("\n", 1);
    cli_out_flush();
    return EXIT_OK;
  }
  client_hint(r, "breyta resources read %s", uri);
  return client_done(r, out);
}

/* --- into files ------------------------------------------------------------------------------------------------------------------- */
static bool arrived(void *file, const char *p, size_t n) { return client_file_add(file, p, n); }

/* The answer's bytes to a file. */
static int fetch(ClientRun *r, ClientRequest *q, const char *path, Val data) {
  ClientAnswer a;
  ClientFile f;
  Err e = {0};
  Client *c = client_of(r);
  if (!c) return EXIT_FAILED;
  if (!client_file_open(&f, path, false, &e)) return client_fail(r, e.code, "%s", e.msg);
  HttpSink *sink = malloc(sizeof *sink);
  if (!sink) abort();
  *sink = (HttpSink){.ctx = &f, .write = arrived};
  q->sink = sink;
  q->raw = true;
  q->timeout_ms = FILE_TIMEOUT_MS;
  bool ok = client_rest(c, q, &a);
  bool kept = client_file_close(&f, ok, &e);
  if (!ok) return client_finish(r, &a);
  client_answer_free(&a);
  if (!kept) return client_fail(r, e.code, "%s", e.msg);
  if (f.fd == 1) return EXIT_OK;
  return client_done(r, client_put(client_put_text(data, "path", path), "bytes", int_val((int64_t)f.bytes)));
}

/* Behind "scheme://host/" of an address: this server may know itself by another name than we do. */
static const char *path_in(const char *url) {
  const char *host = strstr(url, "://"), *slash = host ? strchr(host + 3, '/') : NULL;
  return slash ? slash + 1 : *url == '/' ? url + 1 : url;
}

int client_resource_download(ClientRun *r) {
  ClientAnswer a;
  const char *out = client_text(r, "out"), *uri = client_text(r, "<uri>");
  if (!client_get(r, "api/resources/url", client_put_text(NIL, "uri", uri), &a)) return client_finish(r, &a);
  const char *url = client_text_at(a.body, "data.url");
  if (!url) return client_fail(r, "invalid_answer", "the server named no address");
  ClientRequest q = {.method = "GET", .path = path_in(url), .query = NIL, .body = ABSENT, .no_key = true};
  int status = fetch(r, &q, out, client_put_text(NIL, "uri", uri));
  client_answer_free(&a);
  return status;
}

/* --- reading ---------------------------------------------------------------------------------------------------------------------- */
int client_resource_read(ClientRun *r) {
  ClientAnswer a;
  const char *uri = client_text(r, "<uri>");
  if (!client_flag(r, "full")) r->args = client_put_text(r->args, "view", "summary");
  if (strstr(uri, "/table/") && is_nil(client_at(r->args, "limit"))) r->args = client_put(r->args, "limit", fix(25));
  client_send(r, &a);
  const char *url = client_text_at(a.body, "data.downloadUrl");
  if (a.ok && url) client_hint(r, "breyta resources download %s --out FILE", uri);
  return client_finish(r, &a);
}

/* --- tables ----------------------------------------------------------------------------------------------------------------------- */
int client_table_query(ClientRun *r) {
  ClientAnswer a;
  if (!client_given(r, "page-mode")) r->args = client_put_text(r->args, "page.mode", client_given(r, "cursor") ? "cursor" : "offset");
  client_send(r, &a);
  const char *next = client_text_at(a.body, "data.page.nextCursor");
  if (next) client_hint(r, "breyta resources table query %s --cursor %s", client_text(r, "<uri>"), next);
  return client_finish(r, &a);
}

int client_table_export(ClientRun *r) {
  ClientRequest q = {.method = "POST", .path = "api/resources/table/export", .query = NIL, .body = r->args};
  return fetch(r, &q, client_text(r, "out"), client_put(NIL, "uri", client_at(r->args, "uri")));
}

int client_table_import(ClientRun *r) {
  ClientAnswer a;
  const char *to = client_text(r, "<uri-or-table-name>");
  r->args = client_put_text(r->args, strncmp(to, "res://", 6) ? "table" : "uri", to);
  client_send(r, &a);
  return client_finish(r, &a);
}

/* Is it there, and can it be read? */
int client_table_verify(ClientRun *r) {
  ClientAnswer about, rows;
  const char *uri = client_text(r, "<uri>");
  Val query = client_put(client_put_text(NIL, "uri", uri), "limit", int_val(client_int(r, "limit", 25)));
  query = client_put_text(query, "tablePartition", client_text(r, "partition-key"));
  if (!client_get(r, "api/resources/by-uri", client_put_text(NIL, "uri", uri), &about)) return client_finish(r, &about);
  if (!client_get(r, "api/resources/content", query, &rows)) return client_finish(r, &rows);
  Val content = client_at(rows.body, "data"), list = client_at(content, "rows");
  Val data = client_put(client_put_text(NIL, "uri", uri), "metadata", client_at(about.body, "data"));
  data = client_put(data, "rowCount", client_at(content, "rowCount"));
  data = client_put(data, "rowsRead", is_vec(list) ? fix((int)vec_count(list)) : fix(0));
  if (client_flag(r, "full")) data = client_put(data, "content", content);
  int status = client_done(r, client_put(data, "verified", bool_val(is_vec(list))));
  client_answer_free(&about);
  client_answer_free(&rows);
  return status;
}
