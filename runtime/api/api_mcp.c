/* api_mcp.c - JSON-RPC and the methods of MCP; see api_mcp.h */
#include "api_mcp.h"
#include "api_body.h"
#include "runtime/cli/cli.h"
#include "runtime/base/json.h"
#include "runtime/base/log.h"
#include <stdlib.h>
#include <string.h>

enum { RPC_PARSE = -32700, RPC_REQUEST = -32600, RPC_METHOD = -32601, RPC_PARAMS = -32602, RPC_INTERNAL = -32603, RPC_NO_RESOURCE = -32002 };

static const char *const versions[] = {"2025-11-25", "2025-06-18", "2025-03-26"}; /* newest first */

static const char *known_version(const char *v) {
  for (size_t i = 0; v && i < sizeof versions / sizeof *versions; i++)
    if (!strcmp(v, versions[i])) return versions[i];
  return NULL;
}

/* --- answers ----------------------------------------------------------------------------------------------------------------------- */
static Val message(Val id) {
  ValVec m = {0};
  api_put_text(&m, "jsonrpc", "2.0");
  vv_push(&m, kw_c("id"));
  vv_push(&m, id);
  return api_map(&m);
}

static bool send(ApiCall *c, int status, Val m) {
  Buf b = {0};
  if (is_sig(json_print(&b, m))) return buf_free(&b), api_fail(c, 500, "internal", "the answer has no JSON form");
  c->code = NULL;
  c->answer.n = 0;
  api_raw(c, "application/json", b.p, b.n);
  c->status = status;
  buf_free(&b);
  return true;
}

static bool answer(ApiCall *c, Val id, Val result) { return send(c, 200, map_assoc(message(id), kw_c("result"), result)); }

static bool refuse(ApiCall *c, int status, Val id, int code, Val text) {
  ValVec e = {0};
  api_put(&e, "code", fix(code));
  api_put(&e, "message", text);
  return send(c, status, map_assoc(message(id), kw_c("error"), api_map(&e)));
}

/* Nothing to say: a notification, or an answer to a question that we have not asked. */
static bool accepted(ApiCall *c) {
  api_raw(c, "application/json", "", 0);
  c->status = 202;
  return true;
}

/* --- calling a tool -------------------------------------------------------------------------------------------------------------------- */
/* The envelope of a command as the result of a tool: data and meta, or the error. */
static Val tool_result(Val envelope) {
  ValVec shown = {0}, text = {0}, m = {0};
  Buf b = {0};
  Val error = map_get_kw(envelope, "error");
  bool ok = is_map(envelope) && is_nil(error);
  if (ok) api_put(&shown, "data", map_get_kw(envelope, "data"));
  else api_put(&shown, "error", is_nil(error) ? str_c("the answer has no JSON form") : error);
  api_put(&shown, "meta", is_map(envelope) ? map_get_kw(envelope, "meta") : NIL);
  Val all = api_map(&shown);
  if (is_sig(json_print(&b, all))) buf_c(&b, "?");
  api_put_text(&text, "type", "text");
  api_put(&text, "text", str_new(b.p, b.n));
  buf_free(&b);
  Val one[] = {api_map(&text)};
  api_put(&m, "content", vec_from(one, 1));
  api_put(&m, "structuredContent", all);
  api_put(&m, "isError", ok ? FALSE_V : TRUE_V);
  return api_map(&m);
}

static Val parsed(const char *s, size_t n) {
  Err err = {0};
  Val v = json_parse(s, n, &err);
  return same(v, ABSENT) ? NIL : v;
}

/* An answer that leaves later goes through here: the text of the envelope becomes that of a result. ctx: the id as JSON, ours. */
static void wrap_later(void *ctx, const char *text, size_t n, Buf *out) {
  char *id = ctx;
  if (out && is_sig(json_print(out, map_assoc(message(parsed(id, strlen(id))), kw_c("result"), tool_result(parsed(text, n)))))) out->n = 0;
  free(id);
}

static bool call_command(ApiCall *c, Val id, const ApiCommand *cmd, Val args) {
  const ApiCommand *outer = c->command;
  Buf text = {0};
  if (is_sig(json_print(&text, id))) return false; /* it was parsed from JSON */
  if (c->api->listener) engine_listen_wrap(c->api->listener, c->request->token, wrap_later, buf_cstr(&text));
  else buf_free(&text);
  c->command = cmd;
  c->bare = false;
  api_run_command(c, args);
  c->command = outer;
  if (c->later) return true;
  if (c->api->listener) engine_listen_unwrap(c->api->listener, c->request->token);
  return answer(c, id, tool_result(parsed(c->answer.p, c->answer.n)));
}

static bool tools_call(ApiCall *c, Val id, Val params, const McpPolicy *p) {
  Err err = {0};
  Val name = map_get_kw(params, "name"), args = map_get_kw(params, "arguments");
  if (!is_str(name)) return refuse(c, 200, id, RPC_PARAMS, str_c("tools/call needs params.name, the name of a tool"));
  if (is_nil(args)) args = map_empty;
  if (!is_map(args)) return refuse(c, 200, id, RPC_PARAMS, str_c("tools/call: params.arguments must be an object"));
  const ApiCommand *cmd = mcp_tool(c, p, str_s(name), &args, &err);
  if (cmd) return call_command(c, id, cmd, args);
  if (err.code) return refuse(c, 200, id, RPC_INTERNAL, str_c(err.msg));
  return refuse(c, 200, id, RPC_PARAMS, str_fmt("Unknown tool: %.200s", str_s(name)));
}

/* --- the other methods ------------------------------------------------------------------------------------------------------------------ */
static bool tools_list(ApiCall *c, Val id, Val params, const McpPolicy *p) {
  Err err = {0};
  Val cursor = map_get_kw(params, "cursor"), out;
  if (!is_nil(cursor) && !is_str(cursor)) return refuse(c, 200, id, RPC_PARAMS, str_c("tools/list: params.cursor must be a text"));
  if (mcp_tools(c, p, is_str(cursor) ? str_s(cursor) : NULL, &out, &err)) return answer(c, id, out);
  if (err.code) return refuse(c, 200, id, RPC_INTERNAL, str_c(err.msg));
  return refuse(c, 200, id, RPC_PARAMS, str_c("tools/list: params.cursor is not one that this server has given"));
}

static bool initialize(ApiCall *c, Val id, Val params, const McpPolicy *p) {
  (void)p;
  Val wanted = map_get_kw(params, "protocolVersion");
  const char *version = is_str(wanted) ? known_version(str_s(wanted)) : NULL;
  ValVec m = {0}, able = {0}, tools = {0}, info = {0};
  if (!is_str(wanted)) return refuse(c, 200, id, RPC_PARAMS, str_c("initialize needs params.protocolVersion"));
  api_put(&tools, "listChanged", FALSE_V);
  api_put(&able, "tools", api_map(&tools));
  api_put_text(&info, "name", "breyta");
  api_put_text(&info, "title", "Breyta flows");
  api_put_text(&info, "version", BREYTA_VERSION);
  api_put_text(&m, "protocolVersion", version ? version : versions[0]);
  api_put(&m, "capabilities", api_map(&able));
  api_put(&m, "serverInfo", api_map(&info));
  api_put(&m, "instructions", str_fmt("Durable flows of the workspace %s: read and change them, run them, and look at their runs. A started "
                                      "run goes on by itself; runs_get says how it stands and what it gave.", c->workspace));
  return answer(c, id, api_map(&m));
}

static bool ping(ApiCall *c, Val id, Val params, const McpPolicy *p) {
  (void)params;
  (void)p;
  return answer(c, id, map_empty);
}

static bool nothing(ApiCall *c, Val id, const char *what) {
  ValVec m = {0};
  api_put(&m, what, vec_from(NULL, 0));
  return answer(c, id, api_map(&m));
}
static bool prompts_list(ApiCall *c, Val id, Val params, const McpPolicy *p) { return (void)params, (void)p, nothing(c, id, "prompts"); }
static bool resources_list(ApiCall *c, Val id, Val params, const McpPolicy *p) { return (void)params, (void)p, nothing(c, id, "resources"); }
static bool templates_list(ApiCall *c, Val id, Val params, const McpPolicy *p) { return (void)params, (void)p, nothing(c, id, "resourceTemplates"); }
static bool prompts_get(ApiCall *c, Val id, Val params, const McpPolicy *p) {
  (void)params;
  (void)p;
  return refuse(c, 200, id, RPC_PARAMS, str_c("there are no prompts here"));
}
static bool resources_read(ApiCall *c, Val id, Val params, const McpPolicy *p) {
  (void)params;
  (void)p;
  return refuse(c, 200, id, RPC_NO_RESOURCE, str_c("there are no MCP resources here; the API's /api/resources has what runs have kept"));
}

static const struct Method {
  const char *name;
  bool (*run)(ApiCall *c, Val id, Val params, const McpPolicy *p);
  bool free; /* of the policy: works even if that is not understood */
} methods[] = {{"initialize", initialize, true},        {"ping", ping, true},
               {"tools/list", tools_list, false},       {"tools/call", tools_call, false},
               {"prompts/list", prompts_list, true},    {"prompts/get", prompts_get, true},
               {"resources/list", resources_list, true}, {"resources/templates/list", templates_list, true},
               {"resources/read", resources_read, true}};

static bool run_method(ApiCall *c, Val id, const char *name, Val params) {
  McpPolicy p;
  Buf wrong = {0};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (strcmp(methods[i].name, name)) continue;
    if (!is_nil(params) && !is_map(params)) return refuse(c, 200, id, RPC_PARAMS, str_fmt("%s: params must be an object", name));
    if (mcp_policy(c->request, &p, &wrong) || methods[i].free) return buf_free(&wrong), methods[i].run(c, id, params, &p);
    Val text = buf_str(&wrong);
    buf_free(&wrong);
    return refuse(c, 200, id, RPC_PARAMS, text);
  }
  return refuse(c, 200, id, RPC_METHOD, str_fmt("there is no method %.100s here", name));
}

/* --- the request ------------------------------------------------------------------------------------------------------------------------ */
/* A page in a browser that talks to a server of its user's says from where it is: only our own address will do. */
static bool origin_ok(const ListenRequest *r) {
  const char *origin = listener_header(r, "origin"), *host = listener_header(r, "host");
  const char *at = origin ? strstr(origin, "://") : NULL;
  return !origin || (at && host && !strcmp(at + 3, host));
}

static bool id_ok(Val id) { return is_str(id) || is_num(id); }

static bool one(ApiCall *c, Val m) {
  Val method = map_get_kw(m, "method"), id = map_get(m, kw_c("id"), ABSENT);
  bool asks = !same(id, ABSENT);
  if (!str_eq_c(map_get_kw(m, "jsonrpc"), "2.0") || (asks && !id_ok(id)))
    return refuse(c, 400, NIL, RPC_REQUEST, str_c("a JSON-RPC 2.0 message is expected: jsonrpc \"2.0\", a method, and an id that is a text or a number"));
  if (is_str(method)) return asks ? run_method(c, id, str_s(method), map_get_kw(m, "params")) : accepted(c);
  bool reply = asks && (!is_nil(map_get_kw(m, "error")) || !same(map_get(m, kw_c("result"), ABSENT), ABSENT));
  return reply ? accepted(c) : refuse(c, 400, asks ? id : NIL, RPC_REQUEST, str_c("the message has no method"));
}

static bool mcp(ApiCall *c) {
  Err err = {0};
  const char *version = listener_header(c->request, "mcp-protocol-version");
  if (!api_workspace_enter(c, api_path(c, "ws"))) return false;
  if (!origin_ok(c->request)) return api_fail(c, 403, "forbidden", "the Origin of this request is not this server");
  if (version && *version && !known_version(version))
    return refuse(c, 400, NIL, RPC_REQUEST, str_fmt("MCP-Protocol-Version %.40s is not known here; 2025-11-25, 2025-06-18 and 2025-03-26 are", version));
  Val m = c->request->nbody ? api_body(c, &err) : ABSENT;
  if (same(m, ABSENT)) return refuse(c, 400, NIL, RPC_PARSE, str_fmt("the body is not JSON: %s", err.code ? err.msg : "it is empty"));
  if (is_vec(m)) return refuse(c, 400, NIL, RPC_REQUEST, str_c("batches are not taken: send one message at a time"));
  if (!is_map(m)) return refuse(c, 400, NIL, RPC_REQUEST, str_c("a JSON-RPC message is an object"));
  return one(c, m);
}

const ApiRoute api_mcp_routes[] = {
    {"POST", "workspaces/{ws}/mcp", ROUTE_TEXT | ROUTE_OWN | ROUTE_OWN_ERRORS, {"mcp", NULL, false, "The Model Context Protocol: one JSON-RPC message.", mcp, {{0}}}},
    {0},
};
