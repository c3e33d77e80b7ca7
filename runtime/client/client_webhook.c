/* client_webhook.c - see client_webhook.h */
#include "client_webhook.h"
#include "runtime/cli/cli.h"
#include "client_file.h"
#include "client_flows.h"
#include "client_resources.h"
#include "runtime/base/hash.h"
#include "reader/mem.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { HEADERS = 64 };
typedef struct Send {
  ClientRun *r;
  Buf body, path;
  char type[160];
  Val query;
  const char *headers[2 * HEADERS + 1];
  int nheaders;
} Send;

/* Kept until the process ends, as argv is. */
static const char *keep(Buf *b) { return buf_cstr(b); }

static bool header(Send *s, const char *name, const char *value) {
  if (s->nheaders >= 2 * HEADERS) return client_usage(s->r, "more than %d headers", HEADERS), false;
  if (!*name || strpbrk(name, " :\r\n") || strpbrk(value, "\r\n")) return client_usage(s->r, "%.100s is no header", name), false;
  s->headers[s->nheaders++] = name;
  s->headers[s->nheaders++] = value;
  return true;
}

static bool file(Send *s, const char *flag, Buf *b) {
  const char *path = client_text(s->r, flag);
  char what[64];
  snprintf(what, sizeof what, "--%s", flag);
  return client_read(s->r, path, b, what);
}

/* --- the body --------------------------------------------------------------------------------------------------------------------- */
static bool pair(Send *s, const char *flag, const char *given, char name[256], const char **value) {
  const char *eq = strchr(given, '=');
  if (!eq || eq == given || (size_t)(eq - given) > 250)
    return client_usage(s->r, "--%s: NAME=VALUE is expected, not %.100s", flag, given), false;
  snprintf(name, 256, "%.*s", (int)(eq - given), given);
  *value = eq + 1;
  return true;
}

static bool form(Send *s) {
  ClientGiven g = client_list(s->r, "form");
  char name[256];
  const char *value;
  for (int i = 0; i < g.n; i++) {
    Buf word = {0};
    if (!pair(s, "form", g.a[i], name, &value)) return false;
    client_segment(&word, name);
    if (i) buf_ch(&s->body, '&');
    buf_fmt(&s->body, "%s=", buf_cstr(&word) + 1);
    word.n = 0;
    client_segment(&word, value);
    buf_c(&s->body, buf_cstr(&word) + 1);
    buf_free(&word);
  }
  snprintf(s->type, sizeof s->type, "application/x-www-form-urlencoded");
  return true;
}

static void part_head(Send *s, const char *boundary, const char *name, const char *filename) {
  buf_fmt(&s->body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, name);
  if (filename) buf_fmt(&s->body, "; filename=\"%s\"\r\nContent-Type: %s", filename, client_content_type(filename));
  buf_c(&s->body, "\r\n\r\n");
}

static bool part_file(Send *s, const char *boundary, const char *flag, const char *name, const char *path) {
  const char *slash = strrchr(path, '/'), *filename = slash ? slash + 1 : path;
  Buf b = {0};
  char what[64];
  snprintf(what, sizeof what, "--%s", flag);
  if (!client_read(s->r, path, &b, what)) return false;
  if (strpbrk(name, "\"\r\n") || strpbrk(filename, "\"\r\n")) return client_usage(s->r, "%s: a name has a quote or a line end", what), false;
  part_head(s, boundary, name, filename);
  buf_add(&s->body, b.p, b.n);
  buf_c(&s->body, "\r\n");
  buf_free(&b);
  return true;
}

/* The values of the flag `values`, files with their names, and files that are all for `field`. */
static bool multipart(Send *s, const char *values, const char *field) {
  char boundary[37], name[256];
  const char *value;
  ClientGiven fields = client_list(s->r, values), files = client_list(s->r, "multipart-file"), plain = client_list(s->r, "file");
  client_uuid(boundary);
  for (int i = 0; i < fields.n; i++) {
    if (!pair(s, values, fields.a[i], name, &value)) return false;
    part_head(s, boundary, name, NULL);
    buf_fmt(&s->body, "%s\r\n", value);
  }
  for (int i = 0; i < files.n; i++)
    if (!pair(s, "multipart-file", files.a[i], name, &value) || !part_file(s, boundary, "multipart-file", name, value)) return false;
  for (int i = 0; i < plain.n; i++)
    if (!part_file(s, boundary, "file", field, plain.a[i])) return false;
  buf_fmt(&s->body, "--%s--\r\n", boundary);
  snprintf(s->type, sizeof s->type, "multipart/form-data; boundary=%s", boundary);
  return true;
}

static bool body(Send *s) {
  ClientRun *r = s->r;
  bool json = client_given(r, "json") || client_given(r, "json-file"), raw = client_given(r, "raw-file"),
       files = client_given(r, "multipart-file"), fields = client_given(r, "form");
  if (json + raw + (files || fields) > 1)
    return client_usage(r, "one body: --json, --json-file, --form with --multipart-file, or --raw-file"), false;
  snprintf(s->type, sizeof s->type, "%s", raw ? "application/octet-stream" : "application/json");
  bool ok = true;
  if (client_given(r, "json"))
    buf_c(&s->body, client_text(r, "json")); /* as it was written: signatures are over bytes */
  else if (json)
    ok = file(s, "json-file", &s->body);
  else if (raw)
    ok = file(s, "raw-file", &s->body);
  else if (files)
    ok = multipart(s, "form", NULL);
  else if (fields)
    ok = form(s);
  else
    buf_c(&s->body, "{}");
  if (client_given(r, "content-type")) snprintf(s->type, sizeof s->type, "%s", client_text(r, "content-type"));
  return ok;
}

/* --- signatures ------------------------------------------------------------------------------------------------------------------- */
static void trim(Buf *b) {
  size_t from = 0;
  while (b->n && isspace((unsigned char)b->p[b->n - 1])) b->n--;
  while (from < b->n && isspace((unsigned char)b->p[from])) from++;
  if (from) memmove(b->p, b->p + from, b->n -= from);
}

static bool secret(Send *s, Buf *b) {
  const char *text = client_text(s->r, "sign-secret"), *name = client_text(s->r, "sign-secret-env");
  if (!text) text = client_text(s->r, "hmac-secret");
  if (!text && name && !(text = getenv(name)))
    return client_usage(s->r, "--sign-secret-env: there is no environment variable %.100s", name), false;
  if (text)
    buf_c(b, text);
  else if (!client_given(s->r, "sign-secret-file"))
    return client_usage(s->r, "--sign-secret-file, --sign-secret-env or --sign-secret says the secret"), false;
  else if (!file(s, "sign-secret-file", b))
    return false;
  trim(b);
  return b->n || (client_usage(s->r, "the secret is empty"), false);
}

static bool hmac(Send *s, const Buf *message, Buf *sig) {
  Buf key = {0};
  uint8_t mac[32];
  if (!secret(s, &key)) return false;
  hash_hmac_sha256(key.p, key.n, message->p, message->n, mac);
  buf_add(sig, (const char *)mac, 32);
  explicit_bzero(key.p, key.n);
  buf_free(&key);
  return true;
}

static bool ecdsa(Send *s, const Buf *message, Buf *sig) {
  Buf pem = {0};
  const char *given = client_text(s->r, "sign-private-key");
  if (!given) return client_usage(s->r, "--sign-private-key says the key"), false;
  if (strstr(given, "-----BEGIN"))
    buf_c(&pem, given);
  else if (!file(s, "sign-private-key", &pem))
    return false;
  bool ok = hash_ecdsa_p256(buf_cstr(&pem), message->p, message->n, sig);
  explicit_bzero(pem.p, pem.n);
  buf_free(&pem);
  return ok || (client_usage(s->r, "--sign-private-key: that is no private P-256 key in PEM"), false);
}

static const char *timestamp(Send *s) {
  Buf b = {0};
  const char *said = client_text(s->r, "timestamp");
  if (said) return said;
  buf_fmt(&b, "%lld", (long long)time(NULL));
  return keep(&b);
}

static bool sign(Send *s) {
  ClientRun *r = s->r;
  const char *how = client_text(r, "sign"), *at = client_text(r, "timestamp-header"), *prefix = client_text(r, "signature-prefix");
  Buf message = {0}, sig = {0}, text = {0};
  if (!how && client_given(r, "hmac-secret")) how = "hmac-sha256";
  if (!how) return true;
  if (at) {
    const char *now = timestamp(s);
    if (!header(s, at, now)) return false;
    buf_c(&message, now);
  }
  buf_add(&message, s->body.p, s->body.n);
  if (!(strcmp(how, "ecdsa-p256") ? hmac(s, &message, &sig) : ecdsa(s, &message, &sig))) return false;
  if (prefix) buf_c(&text, prefix);
  if (!strcmp(client_text(r, "signature-format"), "hex"))
    hash_hex((const uint8_t *)sig.p, sig.n, &text);
  else
    hash_base64((const uint8_t *)sig.p, sig.n, &text);
  buf_free(&message);
  buf_free(&sig);
  return header(s, client_text(r, "signature-header"), keep(&text));
}

/* --- other ways to say who it is -------------------------------------------------------------------------------------------------- */
static bool api_key(Send *s) {
  ClientRun *r = s->r;
  const char *key = client_text(r, "api-key");
  Buf b = {0};
  if (!key && !client_given(r, "key-file")) return true;
  if (!key) {
    if (!file(s, "key-file", &b)) return false;
    trim(&b);
    key = keep(&b);
  }
  if (strcmp(client_text(r, "api-key-location"), "query")) return header(s, client_text(r, "header-auth"), key);
  s->query = client_put_text(s->query, client_text(r, "api-key-param"), key);
  return true;
}

static bool credentials(Send *s) {
  const char *bearer = client_text(s->r, "bearer"), *basic = client_text(s->r, "basic");
  Buf b = {0};
  if (!api_key(s)) return false;
  if (bearer)
    buf_fmt(&b, "Bearer %s", bearer);
  else if (basic) {
    buf_c(&b, "Basic ");
    hash_base64((const uint8_t *)basic, strlen(basic), &b);
  }
  return !b.n || header(s, "Authorization", keep(&b));
}

static bool more_headers(Send *s) {
  ClientGiven g = client_list(s->r, "header");
  for (int i = 0; i < g.n; i++) {
    size_t n = strcspn(g.a[i], ":=");
    Buf name = {0};
    const char *value = g.a[i] + n + (g.a[i][n] != 0);
    if (!g.a[i][n]) return client_usage(s->r, "--header: Name: value is expected, not %.100s", g.a[i]), false;
    buf_add(&name, g.a[i], n);
    if (!header(s, keep(&name), value + strspn(value, " "))) return false;
  }
  return true;
}

/* --- where to --------------------------------------------------------------------------------------------------------------------- */
static void segments(Buf *b, const char *path) {
  while (*path) {
    char one[512];
    size_t n = strcspn(path, "/");
    snprintf(one, sizeof one, "%.*s", (int)(n < sizeof one ? n : sizeof one - 1), path);
    client_segment(b, one);
    path += n + (path[n] == '/');
  }
}

static bool address(Send *s) {
  ClientRun *r = s->r;
  const char *path = client_text(r, "path"), *ws = r->where.workspace;
  path += strspn(path, "/");
  if (ws && !strncmp(path, ws, strlen(ws)) && !strncmp(path + strlen(ws), "/events/", 8)) path += strlen(ws) + 1;
  if (!strncmp(path, "events/", 7)) path += 7;
  if (!*path) return client_usage(r, "--path is empty"), false;
  bool tried = client_flag(r, "validate-only"), draft = client_flag(r, "draft");
  if (!tried && !draft && !ws) return client_usage(r, "--workspace is needed: it is a part of the address"), false;
  if (tried || draft)
    buf_c(&s->path, tried ? "api/events/validate" : "api/events/draft");
  else
    buf_fmt(&s->path, "%s/events", ws);
  segments(&s->path, path);
  if (tried && draft) s->query = client_put_text(s->query, "draft", "true");
  if (client_flag(r, "persist-resources")) s->query = client_put_text(s->query, "persist-resources", "true");
  return true;
}

/* --- answers ---------------------------------------------------------------------------------------------------------------------- */
static int answered(Send *s, ClientAnswer *a) {
  ClientRun *r = s->r;
  const char *save = client_text(r, "save-response");
  int64_t from = client_int(r, "fail-on-http", 400);
  if (save && a->status && !client_file_write(r, save, a->text.n ? a->text.p : "", a->text.n)) return EXIT_FAILED;
  bool bad = !a->status || a->status >= from;
  if (!bad && client_flag(r, "print-input-map"))
    a->body = client_put(a->body, "data", client_put(NIL, "input", client_at(a->body, "data.data.input")));
  if (!bad && client_flag(r, "quiet")) {
    client_answer_free(a);
    return EXIT_OK;
  }
  if (a->status) a->body = client_put(a->body, "ok", bool_val(!bad));
  int status = client_print(r, a->body, !bad);
  client_answer_free(a);
  return status;
}

/* mine: with our key. false: it could not be tried, told. */
static bool post(Send *s, bool mine, ClientAnswer *a) {
  Client *c = client_of(s->r);
  if (!c) return false;
  HttpBody *stream = http_body_new();
  http_body_mem(stream, s->body.n ? s->body.p : "", s->body.n);
  client_rest(c,
              &(ClientRequest){.method = "POST",
                               .path = buf_cstr(&s->path),
                               .query = s->query,
                               .body = ABSENT,
                               .stream = stream,
                               .content_type = s->type,
                               .headers = s->headers,
                               .no_key = !mine,
                               .keep_text = true},
              a);
  buf_free(&s->path);
  buf_free(&s->body);
  return true;
}

int client_webhook_send(ClientRun *r) {
  Send s = {.r = r, .query = NIL};
  ClientAnswer a;
  const char *base = client_text(r, "base-url");
  if (base) {
    r->where.url = strcpy(mem_raw(strlen(base) + 1), base);
    r->where.url_from = "--base-url";
  }
  if (!address(&s) || !body(&s) || !more_headers(&s) || !credentials(&s) || !sign(&s)) return EXIT_FAILED;
  return post(&s, client_flag(r, "draft") || client_flag(r, "validate-only"), &a) ? answered(&s, &a) : EXIT_FAILED;
}

int client_webhook_urls(ClientRun *r) {
  ClientAnswer a;
  if (!client_send(r, &a)) return client_finish(r, &a);
  Val all = client_at(a.body, "data.triggers"), kept = vec_empty;
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++)
    if (client_text_at(vec_nth(all, i), "webhookUrl")) kept = vec_conj(kept, vec_nth(all, i));
  a.body = client_put(a.body, "data.triggers", kept);
  return client_finish(r, &a);
}

/* --- files to a webhook of an installation ------------------------------------------------------------------------------------------------ */
static bool says(Val one, const char *path, const char *word) {
  const char *s = client_text_at(one, path);
  return s && !strcmp(s, word);
}

/* A flow has one webhook at most; --trigger may say that it is meant. nil: told. */
static Val webhook_of(ClientRun *r, Val items) {
  const char *said = client_text(r, "trigger");
  for (uint32_t i = 0; is_vec(items) && i < vec_count(items); i++) {
    Val one = vec_nth(items, i);
    if (client_text_at(one, "webhook.eventPath") && (!said || says(one, "triggerId", said) || says(one, "eventName", said))) return client_at(one, "webhook");
  }
  client_fail(r, "not_found", "it has no webhook%s%.200s; `breyta flows installations triggers %s` lists what it has", said ? " " : "", said ? said : "",
              client_text(r, "<installation-id>"));
  return NIL;
}

/* Where --file goes when nothing is said: the first field that is meant for files. */
static const char *file_field(ClientRun *r, Val hook) {
  Val fields = client_at(hook, "fields");
  const char *said = client_text(r, "file-field");
  for (uint32_t i = 0; !said && is_vec(fields) && i < vec_count(fields); i++) {
    Val f = vec_nth(fields, i);
    if (says(f, "type", "file") || says(f, "type", "blob") || says(f, "type", "blob-ref") || says(f, "type", "resource")) said = client_text_at(f, "name");
  }
  return said ? said : "file";
}

int client_webhook_upload(ClientRun *r) {
  Send s = {.r = r, .query = NIL};
  ClientAnswer list, a;
  if (!client_given(r, "file") && !client_given(r, "multipart-file")) return client_usage(r, "--file FILE or --multipart-file NAME=FILE is needed");
  if (!client_send(r, &list)) return client_finish(r, &list);
  const char *ws = r->where.workspace ? r->where.workspace : client_text_at(list.body, "workspaceId");
  Val hook = webhook_of(r, client_at(list.body, "data.items"));
  if (is_nil(hook)) return EXIT_FAILED;
  buf_fmt(&s.path, "%s/events", ws ? ws : "");
  segments(&s.path, client_text_at(hook, "eventPath"));
  if (!multipart(&s, "field", file_field(r, hook)) || !more_headers(&s) || !credentials(&s) || !sign(&s)) return EXIT_FAILED;
  int status = post(&s, false, &a) ? client_finish(r, &a) : EXIT_FAILED;
  client_answer_free(&list);
  return status;
}
