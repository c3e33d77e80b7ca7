/* client_config.c - see client_config.h */
#include "client_config.h"
#include "client_file.h"
#include "runtime/cli/cli.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *env(const char *name) {
  const char *s = getenv(name);
  return s && *s ? s : NULL;
}

/* "config.json" */
static void config_path(Buf *b, const char *file) {
  const char *xdg = env("XDG_CONFIG_HOME"), *home = env("HOME");
  if (xdg && *xdg == '/')
    buf_fmt(b, "%s/breyta/%s", xdg, file);
  else
    buf_fmt(b, "%s/.config/breyta/%s", home ? home : "/nonexistent", file);
}

/* --- files ------------------------------------------------------------------------------------------------------------------------ */
static bool read_object(const char *path, Val *out, Err *e) {
  Buf b = {0};
  Err why = {0};
  *out = map_empty;
  if (!cli_read_file(path, &b))
    return errno == ENOENT || errno == ENOTDIR || err_set(e, "config", "cannot read %.300s: %s", path, strerror(errno));
  Val v = json_parse_ordered(buf_cstr(&b), b.n, &why);
  buf_free(&b);
  if (!is_map(v)) return err_set(e, "config", "%.300s is not a JSON object: %.100s", path, why.code ? why.msg : "another value");
  *out = v;
  return true;
}

static bool write_object(const char *path, Val v, Err *e) {
  Buf b = {0};
  Err why = {0};
  bool ok = !is_sig(json_pretty(&b, v));
  buf_ch(&b, '\n');
  ok = ok && client_file_put(path, true, b.p, b.n, &why);
  buf_free(&b);
  return ok || err_set(e, "config", "%s", why.code ? why.msg : "the configuration cannot be written as JSON");
}

bool client_config_read(Val *out, Err *e) {
  Buf path = {0};
  config_path(&path, "config.json");
  bool ok = read_object(buf_cstr(&path), out, e);
  buf_free(&path);
  return ok;
}

bool client_config_write(Val v, Err *e) {
  Buf path = {0};
  config_path(&path, "config.json");
  bool ok = write_object(buf_cstr(&path), v, e);
  buf_free(&path);
  return ok;
}

static void auth_path(Buf *b, const char *store) {
  if (!store) store = env("BREYTA_AUTH_STORE");
  if (store)
    buf_c(b, store);
  else
    config_path(b, "auth.json");
}

bool client_auth_read(const char *store, Val *out, Err *e) {
  Buf path = {0};
  auth_path(&path, store);
  bool ok = read_object(buf_cstr(&path), out, e);
  buf_free(&path);
  return ok;
}

bool client_auth_write(const char *store, Val v, Err *e) {
  Buf path = {0};
  auth_path(&path, store);
  bool ok = write_object(buf_cstr(&path), v, e);
  buf_free(&path);
  return ok;
}

/* --- what counts ------------------------------------------------------------------------------------------------------------------ */
/* The first of these that is there. */
typedef struct Source {
  const char *value, *from;
} Source;

static bool first(const Source *s, int n, char **out, const char **from) {
  for (int i = 0; i < n; i++)
    if (s[i].value && *s[i].value) {
      *out = strcpy(mem_raw(strlen(s[i].value) + 1), s[i].value);
      *from = s[i].from;
      return true;
    }
  return false;
}

static bool profile_of(Val config, const char *named, Val *out, Err *e) {
  const char *name = named ? named : client_text_at(config, "devActive");
  Val all = client_at(config, "devProfiles");
  *out = NIL;
  if (!name || !*name) return true;
  *out = is_map(all) ? map_get(all, client_key(name), NIL) : NIL;
  if (is_map(*out) || !named) return true;
  return err_set(e, "unknown_profile", "config.json has no profile %.100s; `breyta auth login --profile NAME` makes one", name);
}

static bool url_ok(char *url, const char *from, Err *e) {
  size_t n = strlen(url);
  while (n && url[n - 1] == '/') url[--n] = 0;
  if ((!strncmp(url, "http://", 7) && url[7]) || (!strncmp(url, "https://", 8) && url[8])) return true;
  return err_set(e, "invalid_arguments", "%s: %.200s is no address of a server, such as http://127.0.0.1:8080", from, url);
}

/* The first line of a file, for a key that shall not stand on a command line. */
static bool key_file(const char *path, char **out, Err *e) {
  Buf b = {0};
  if (!cli_read_file(path, &b)) return err_set(e, "invalid_arguments", "--api-key-file: cannot read %.300s: %s", path, strerror(errno));
  char *s = buf_cstr(&b);
  s[strcspn(s, "\r\n")] = 0;
  *out = s; /* the buffer's memory, kept */
  return *s || err_set(e, "invalid_arguments", "--api-key-file: %.300s is empty", path);
}

/* Which names a url by text: a key of JSON that is no keyword. */
static const char *stored_token(Val auth, const char *url) {
  Val tokens = client_at(auth, "tokens"), t = is_map(tokens) ? map_get(tokens, client_key(url), NIL) : NIL;
  return client_text_at(t, "token");
}

static bool key(const ClientSaid *said, Val profile, ClientConfig *out, Err *e) {
  Val auth;
  const char *from = NULL;
  if (said->api_key_file && !said->api_key) {
    out->key_from = "--api-key-file";
    return key_file(said->api_key_file, &out->key, e);
  }
  if (!client_auth_read(NULL, &auth, e)) return false;
  Source s[] = {{said->api_key, "--api-key"},
                {env("BREYTA_API_KEY"), "BREYTA_API_KEY"},
                {said->token, "--token"},
                {env("BREYTA_TOKEN"), "BREYTA_TOKEN"},
                {client_text_at(profile, "token"), "the profile in config.json"},
                {stored_token(auth, out->url), "auth.json"}};
  bool there = first(s, 6, &out->key, &from);
  out->key_from = there ? from : "nowhere";
  out->key_is_token = there && (from == s[2].from || from == s[3].from);
  return true;
}

static bool ca_file(const Source *s, int n, ClientConfig *out, Err *e) {
  char *named = NULL;
  const char *from;
  if (!first(s, n, &named, &from)) return true;
  out->ca_file = realpath(named, NULL); /* commands of a job's handler begin elsewhere */
  bool ok = out->ca_file && !access(out->ca_file, R_OK);
  if (!ok) err_set(e, "invalid_arguments", "%s: cannot read %.300s: %s", from, named, strerror(errno));
  mem_raw_free(named);
  return ok;
}

bool client_config(const ClientSaid *said, ClientConfig *out, Err *e) {
  Val config, profile;
  *out = (ClientConfig){0};
  if (!client_config_read(&config, e) || !profile_of(config, said->profile ? said->profile : env("BREYTA_PROFILE"), &profile, e))
    return false;
  Source url[] = {{said->api, "--api"},
                  {env("BREYTA_API_URL"), "BREYTA_API_URL"},
                  {client_text_at(profile, "apiUrl"), "the profile in config.json"},
                  {client_text_at(config, "apiUrl"), "config.json"},
                  {CLIENT_DEFAULT_URL, "the default; --api or BREYTA_API_URL say another"}};
  first(url, 5, &out->url, &out->url_from);
  Source ws[] = {{said->workspace, "--workspace"},
                 {env("BREYTA_WORKSPACE"), "BREYTA_WORKSPACE"},
                 {client_text_at(profile, "workspaceId"), "the profile in config.json"},
                 {client_text_at(config, "workspaceId"), "config.json"}};
  if (!first(ws, 4, &out->workspace, &out->workspace_from)) out->workspace_from = "the key";
  Source ca[] = {{said->ca_file, "--ca-file"},
                 {env("BREYTA_CA_FILE"), "BREYTA_CA_FILE"},
                 {client_text_at(profile, "caFile"), "the profile in config.json"},
                 {client_text_at(config, "caFile"), "config.json"}};
  if (url_ok(out->url, out->url_from, e) && ca_file(ca, 4, out, e) && key(said, profile, out, e)) return true;
  client_config_free(out);
  return false;
}
