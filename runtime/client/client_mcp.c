/* client_mcp.c - the server's tools for agents over MCP: configuration, a trial, and a bridge from standard input (client_interfaces.h). */
#include "runtime/cli/cli.h"
#include "client_flows.h"
#include "client_interfaces.h"
#include "runtime/base/json.h"
#include "reader/mem.h"
#include <stdlib.h>
#include <string.h>

#define OFFERED "2025-11-25"

typedef struct Bridge {
  ClientRun *r;
  Buf path;
  char version[40], session[128];
} Bridge;

/* --workspace-id and --token-env-var stand for the flags that all commands have. */
static bool prepare(ClientRun *r) {
  const char *ws = client_text(r, "workspace-id"), *env = client_text(r, "token-env-var"), *key = env ? getenv(env) : NULL;
  if (env && !key && client_given(r, "token-env-var"))
    return client_usage(r, "--token-env-var: there is no environment variable %.100s", env), false;
  if (ws) r->where.workspace = strcpy(mem_raw(strlen(ws) + 1), ws);
  if (key) {
    r->where.key = strcpy(mem_raw(strlen(key) + 1), key);
    r->where.key_from = "--token-env-var";
  }
  return r->where.workspace || (client_usage(r, "--workspace-id is needed"), false);
}

static bool begin(ClientRun *r, Bridge *b) {
  if (!prepare(r) || !client_of(r)) return false;
  *b = (Bridge){.r = r};
  buf_c(&b->path, "api/workspaces");
  client_segment(&b->path, r->where.workspace);
  buf_c(&b->path, "/mcp");
  return true;
}

static bool post(Bridge *b, const char *text, size_t n, const char *method, const char *name, ClientAnswer *a) {
  ClientRun *r = b->r;
  const char *h[32];
  int k = 0;
  const struct {
    const char *name, *value;
  } more[] = {{"Accept", "application/json, text/event-stream"},
              {"Mcp-Method", method},
              {"Mcp-Name", name},
              {"MCP-Protocol-Version", *b->version ? b->version : NULL},
              {"Mcp-Session-Id", *b->session ? b->session : NULL},
              {"X-MCP-Toolsets", client_text(r, "toolsets")},
              {"X-MCP-Tools", client_text(r, "tools")},
              {"X-MCP-Exclude-Tools", client_text(r, "exclude-tools")},
              {"X-MCP-Readonly", client_flag(r, "read-only") ? "true" : NULL}};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    if (more[i].value && !strpbrk(more[i].value, "\r\n")) h[k++] = more[i].name, h[k++] = more[i].value;
  h[k] = NULL;
  HttpBody *body = http_body_new();
  http_body_mem(body, text, n);
  client_rest(r->client,
              &(ClientRequest){.method = "POST",
                               .path = buf_cstr(&b->path),
                               .query = NIL,
                               .body = ABSENT,
                               .stream = body,
                               .content_type = "application/json",
                               .headers = h,
                               .timeout_ms = client_int(r, "timeout", 60000),
                               .keep_text = true},
              a);
  if (*a->session) snprintf(b->session, sizeof b->session, "%s", a->session);
  return a->ok;
}

/* The next message of an answer from *at on: its JSON, or an event of a stream that is JSON. false: there is none. */
static bool next_message(const ClientAnswer *a, size_t *at, Val *out) {
  bool stream = strstr(a->content_type, "event-stream");
  while (*at < a->text.n) {
    Err e = {0};
    const char *p = a->text.p + *at, *nl = stream ? memchr(p, '\n', a->text.n - *at) : NULL;
    size_t n = nl ? (size_t)(nl - p) : a->text.n - *at;
    *at += n + 1;
    if (stream && (n <= 5 || strncmp(p, "data:", 5) != 0)) continue;
    Val m = stream ? json_parse_ordered(p + 5, n - 5, &e) : json_parse_ordered(p, n, &e);
    if (!same(m, ABSENT)) return *out = m, true;
  }
  return false;
}

/* What a request is answered: the last one, others are told on the way. */
static Val message(const ClientAnswer *a) {
  Val last = ABSENT;
  for (size_t at = 0; next_message(a, &at, &last);) continue;
  return last;
}

/* --- doctor ----------------------------------------------------------------------------------------------------------------------- */
static bool ask(Bridge *b, const char *method, const char *params, bool notification, Val *result) {
  ClientAnswer a;
  Buf text = {0};
  if (notification)
    buf_fmt(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\"}", method);
  else
    buf_fmt(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
  bool ok = post(b, text.p, text.n, method, NULL, &a);
  buf_free(&text);
  if (!ok) return client_finish(b->r, &a), false;
  Val m = notification ? NIL : message(&a);
  const char *why = client_text_at(m, "error.message");
  *result = client_at(m, "result");
  if (why || (!notification && !is_map(*result))) client_fail(b->r, "mcp", "%s: %s", method, why ? why : "no answer");
  ok = !why && (notification || is_map(*result));
  client_answer_free(&a);
  return ok;
}

int client_mcp_doctor(ClientRun *r) {
  Bridge b;
  Val init, none, tools, names = vec_empty;
  if (!begin(r, &b)) return EXIT_FAILED;
  if (!ask(&b, "initialize",
           "{\"protocolVersion\":\"" OFFERED "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"breyta\",\"version\":\"" BREYTA_VERSION
           "\"}}",
           false, &init))
    return EXIT_FAILED;
  const char *version = client_text_at(init, "protocolVersion");
  snprintf(b.version, sizeof b.version, "%s", version ? version : OFFERED);
  if (!ask(&b, "notifications/initialized", "{}", true, &none) || !ask(&b, "tools/list", "{}", false, &tools)) return EXIT_FAILED;
  Val list = client_at(tools, "tools");
  for (uint32_t i = 0; is_vec(list) && i < vec_count(list); i++) names = vec_conj(names, client_at(vec_nth(list, i), "name"));
  Val data =
      client_put(client_put(NIL, "protocolVersion", client_at(init, "protocolVersion")), "serverInfo", client_at(init, "serverInfo"));
  client_hint(r, "breyta mcp config --workspace-id %s", r->where.workspace);
  int status = client_done(r, client_put(client_put(data, "toolCount", fix((int)vec_count(names))), "tools", names));
  buf_free(&b.path);
  return status;
}

/* --- config ----------------------------------------------------------------------------------------------------------------------- */
static Val flag_words(ClientRun *r, Val args) {
  static const char *const names[] = {"toolsets", "tools", "exclude-tools"};
  for (int i = 0; i < 3; i++) {
    const char *s = client_text(r, names[i]);
    if (s) args = vec_conj(vec_conj(args, str_fmt("--%s", names[i])), str_c(s));
  }
  return client_flag(r, "read-only") ? vec_conj(args, str_c("--read-only")) : args;
}

static Val http_entry(ClientRun *r, const char *env) {
  Val h = client_put(NIL, "Authorization", str_fmt("Bearer ${%s}", env));
  h = client_put_text(
      client_put_text(client_put_text(h, "X-MCP-Toolsets", client_text(r, "toolsets")), "X-MCP-Tools", client_text(r, "tools")),
      "X-MCP-Exclude-Tools", client_text(r, "exclude-tools"));
  if (client_flag(r, "read-only")) h = client_put_text(h, "X-MCP-Readonly", "true");
  return client_put(
      client_put(client_put_text(NIL, "type", "http"), "url", str_fmt("%s/api/workspaces/%s/mcp", r->where.url, r->where.workspace)),
      "headers", h);
}

static Val stdio_entry(ClientRun *r, const char *env) {
  const char *words[] = {"mcp", "stdio", "--workspace-id", r->where.workspace, "--token-env-var", env};
  Val args = vec_empty;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) args = vec_conj(args, str_c(words[i]));
  Val e = client_put(client_put_text(NIL, "BREYTA_API_URL", r->where.url), env, str_fmt("${%s}", env));
  e = client_put_text(e, "BREYTA_CA_FILE", r->where.ca_file);
  return client_put(client_put(client_put_text(NIL, "command", "breyta"), "args", flag_words(r, args)), "env", e);
}

/* For the agent's own file of settings; the key is named, not told. */
int client_mcp_config(ClientRun *r) {
  const char *ws = client_text(r, "workspace-id"), *url = client_text(r, "api-url"), *env = client_text(r, "token-env-var"),
             *name = client_text(r, "name");
  if (ws) r->where.workspace = strcpy(mem_raw(strlen(ws) + 1), ws);
  if (url) r->where.url = strcpy(mem_raw(strlen(url) + 1), url);
  if (!r->where.workspace) return client_usage(r, "--workspace-id is needed");
  Val entry = strcmp(client_text(r, "transport"), "http") ? stdio_entry(r, env) : http_entry(r, env);
  Val servers = map_assoc(map_empty, client_key(name), entry);
  Val config = client_put(NIL, strcmp(client_text(r, "provider"), "vscode") ? "mcpServers" : "servers", servers);
  client_hint(r, "breyta mcp doctor --workspace-id %s --token-env-var %s", r->where.workspace, env);
  return client_done(r, client_put(client_put_text(NIL, "provider", client_text(r, "provider")), "config", config));
}

/* --- stdio ------------------------------------------------------------------------------------------------------------------------ */
static void out_line(Val m) {
  Buf b = {0};
  if (!is_sig(json_print(&b, m))) {
    buf_ch(&b, '\n');
    cli_out(b.p, b.n);
    cli_out_flush();
  }
  buf_free(&b);
}

static Val rpc_error(Val id, int code, const char *text) {
  Val e = client_put(client_put(NIL, "code", fix(code)), "message", str_c(text));
  return client_put(client_put(client_put_text(NIL, "jsonrpc", "2.0"), "id", id), "error", e);
}

/* A stream may hold several messages. A request is never left without an answer. */
static void out_answer(Bridge *b, const ClientAnswer *a, Val id) {
  Val m;
  bool any = false;
  for (size_t at = 0; next_message(a, &at, &m);) {
    const char *version = client_text_at(m, "result.protocolVersion");
    if (!client_text_at(m, "jsonrpc")) continue;
    if (version) snprintf(b->version, sizeof b->version, "%s", version);
    out_line(m);
    any = true;
  }
  if (!any && !is_nil(id)) out_line(rpc_error(id, -32000, a->message ? a->message : "the server's answer is no JSON-RPC"));
}

static void relay(Bridge *b, const char *line, size_t n) {
  ClientAnswer a;
  Err e = {0};
  Val m = json_parse_ordered(line, n, &e);
  if (same(m, ABSENT)) {
    out_line(rpc_error(NIL, -32700, "the message is not JSON"));
    return;
  }
  const char *method = client_text_at(m, "method"), *name = client_text_at(m, "params.name");
  post(b, line, n, method, name, &a);
  if (!a.ok && a.message) client_say("mcp: %s", a.message);
  out_answer(b, &a, client_at(m, "id"));
  client_answer_free(&a);
}

/* A message a line in, a message a line out, until standard input ends. */
int client_mcp_stdio(ClientRun *r) {
  Bridge b;
  char *line = NULL;
  size_t cap = 0;
  ssize_t n;
  if (!begin(r, &b)) return EXIT_FAILED;
  while ((n = getline(&line, &cap, stdin)) >= 0) {
    while (n && (line[n - 1] == '\n' || line[n - 1] == '\r')) n--;
    if (n) relay(&b, line, (size_t)n);
  }
  free(line);
  buf_free(&b.path);
  return EXIT_OK;
}
