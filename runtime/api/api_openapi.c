/* api_openapi.c - GET /api/openapi.json: the tables of routes and commands as OpenAPI 3.1. Nothing is said here that is not in a row. */
#include "api.h"
#include <ctype.h>
#include <string.h>

static Val ref(const char *name) {
  ValVec m = {0};
  api_put(&m, "$ref", str_fmt("#/components/schemas/%s", name));
  return api_map(&m);
}

static Val json_content(Val schema) {
  ValVec m = {0}, j = {0};
  api_put(&j, "schema", schema);
  vv_push(&m, str_c("application/json"));
  vv_push(&m, api_map(&j));
  return api_map(&m);
}

static Val typed(const char *type) {
  ValVec m = {0};
  api_put_text(&m, "type", type);
  return api_map(&m);
}

static Val object_of(const ValVec *properties, const char *const *required) {
  ValVec m = {0}, names = {0};
  for (; *required; required++) vv_push(&names, str_c(*required));
  api_put_text(&m, "type", "object");
  api_put(&m, "properties", api_map(properties));
  if (names.n) api_put(&m, "required", vec_from(names.a, names.n));
  return api_map(&m);
}

static Val envelope_schema(void) {
  ValVec p = {0}, e = {0};
  api_put(&e, "code", typed("string"));
  api_put(&e, "message", typed("string"));
  api_put(&e, "details", typed("object"));
  api_put(&p, "ok", typed("boolean"));
  api_put(&p, "workspaceId", typed("string"));
  api_put(&p, "data", typed("object"));
  api_put(&p, "meta", typed("object"));
  api_put(&p, "error", object_of(&e, (const char *const[]){"code", "message", NULL}));
  return object_of(&p, (const char *const[]){"ok", NULL});
}

static Val command_schema(const ApiCommand *cmd) {
  ValVec p = {0}, name = {0}, m = {0};
  api_put_text(&name, "const", cmd->name);
  api_put(&p, "command", api_map(&name));
  api_put(&p, "args", api_args_schema(cmd));
  Val required[] = {str_c("command"), str_c("args")};
  api_put_text(&m, "type", "object");
  api_put_text(&m, "title", cmd->name);
  api_put_text(&m, "description", cmd->doc);
  vv_push(&m, str_c("x-scope"));
  vv_push(&m, str_c(cmd->scope));
  vv_push(&m, str_c("x-mutates"));
  vv_push(&m, cmd->mutates ? TRUE_V : FALSE_V);
  api_put(&m, "properties", api_map(&p));
  api_put(&m, "required", vec_from(required, 2));
  return api_map(&m);
}

static Val schemas(void) {
  ValVec m = {0}, refs = {0}, any = {0};
  const ApiCommand *cmd;
  for (int i = 0; (cmd = api_command_at(i)); i++) {
    vv_push(&m, str_c(cmd->name));
    vv_push(&m, command_schema(cmd));
    vv_push(&refs, ref(cmd->name));
  }
  api_put(&any, "oneOf", vec_from(refs.a, refs.n));
  api_put(&m, "Command", api_map(&any));
  api_put(&m, "Envelope", envelope_schema());
  return api_map(&m);
}

/* {media type {}}: nothing more is said about it */
static Val content_of(const char *type) {
  ValVec m = {0};
  vv_push(&m, str_c(type));
  vv_push(&m, map_empty);
  return api_map(&m);
}

static Val responses(const ApiRoute *r) {
  ValVec ok = {0}, bad = {0}, m = {0};
  bool enveloped = r->flags & ROUTE_COMMANDS, own = r->flags & ROUTE_OWN;
  api_put_text(&ok, "description", own ? "the answer, in a form of its own" : "the answer");
  api_put(&ok, "content", own ? content_of("*/*") : json_content(enveloped ? ref("Envelope") : typed("object")));
  api_put_text(&bad, "description", "an error: code and message say what it is");
  api_put(&bad, "content", r->flags & ROUTE_OWN_ERRORS ? content_of("*/*") : json_content(ref("Envelope")));
  vv_push(&m, str_c("2XX"));
  vv_push(&m, api_map(&ok));
  api_put(&m, "default", api_map(&bad));
  return api_map(&m);
}

static Val header_parameter(const char *name, const char *doc) {
  ValVec m = {0};
  api_put_text(&m, "name", name);
  api_put_text(&m, "in", "header");
  api_put_text(&m, "description", doc);
  api_put(&m, "schema", typed("string"));
  return api_map(&m);
}

static Val path_parameter(const char *name, size_t n) {
  ValVec m = {0};
  api_put(&m, "name", str_new(name, n));
  api_put_text(&m, "in", "path");
  api_put(&m, "required", TRUE_V);
  api_put(&m, "schema", typed("string"));
  return api_map(&m);
}

static void path_parameters(ValVec *all, const char *path) {
  for (const char *p = strchr(path, '{'); p; p = strchr(p + 1, '{')) vv_push(all, path_parameter(p + 1, strcspn(p + 1, "}.")));
}

static void query_parameters(ValVec *all, const ApiCommand *op) {
  Val properties = map_get_kw(api_args_schema(op), "properties");
  for (const ApiArg *a = op->args; a->name; a++) {
    ValVec m = {0};
    api_put_text(&m, "name", a->name);
    api_put_text(&m, "in", "query");
    if (a->required) api_put(&m, "required", TRUE_V);
    api_put_text(&m, "description", a->doc);
    api_put(&m, "schema", map_get_kw(properties, a->name));
    vv_push(all, api_map(&m));
  }
}

static void put_body(ValVec *m, const ApiRoute *r) {
  ValVec body = {0};
  bool commands = r->flags & ROUTE_COMMANDS;
  if (!strcmp(r->method, "GET") || !strcmp(r->method, "DELETE")) return;
  if (commands) api_put(&body, "required", TRUE_V);
  if (r->flags & ROUTE_BYTES) api_put(&body, "content", content_of("application/octet-stream"));
  else api_put(&body, "content",
               json_content(commands ? ref("Command") : r->flags & ROUTE_VALUE ? map_empty : api_args_schema(&r->op)));
  api_put(m, "requestBody", api_map(&body));
}

static Val operation(const ApiRoute *r) {
  ValVec m = {0}, parameters = {0};
  bool commands = r->flags & ROUTE_COMMANDS;
  bool query = !strcmp(r->method, "GET") || !strcmp(r->method, "DELETE") || (r->flags & (ROUTE_VALUE | ROUTE_BYTES | ROUTE_TEXT));
  api_put_text(&m, "operationId", r->op.name);
  api_put_text(&m, "summary", r->op.doc);
  if (r->op.scope) vv_push(&m, str_c("x-scope")), vv_push(&m, str_c(r->op.scope));
  if (r->flags & ROUTE_OPEN) api_put(&m, "security", vec_from(NULL, 0));
  else vv_push(&parameters, header_parameter("X-Breyta-Workspace", "the workspace; that of the key when it is missing"));
  if (commands)
    vv_push(&parameters,
            header_parameter("X-Breyta-Operation-ID",
                             "a changing command with an id that was answered within 24 h gets the same answer again and changes nothing"));
  path_parameters(&parameters, r->path);
  if (query) query_parameters(&parameters, &r->op);
  if (parameters.n) api_put(&m, "parameters", vec_from(parameters.a, parameters.n));
  put_body(&m, r);
  api_put(&m, "responses", responses(r));
  return api_map(&m);
}

/* What is answered beside /api/: rows for the description alone (listener.h has the doors). */
static const ApiRoute doors[] = {
    {"POST",
     "{workspace}/events/{path...}",
     ROUTE_OPEN | ROUTE_BYTES | ROUTE_OWN | ROUTE_OWN_ERRORS,
     {"events", NULL, true, "A callback for a wait's key, or a request to a flow's webhook, which answers what the flow says. The wait's or webhook's :auth decides.", NULL, {{0}}}},
    {"GET",
     "{workspace}/waits/{link...}",
     ROUTE_OPEN | ROUTE_OWN | ROUTE_OWN_ERRORS,
     {"links", NULL, false, "The page behind a link that somebody got to approve something.", NULL, {{0}}}},
    {"POST", "{workspace}/waits/{link...}", ROUTE_OPEN | ROUTE_BYTES | ROUTE_OWN | ROUTE_OWN_ERRORS, {"links.answer", NULL, true, "The form of that page.", NULL, {{0}}}},
    {"GET",
     "{workspace}/resources/content",
     ROUTE_OPEN | ROUTE_OWN,
     {"resources.download", NULL, false, "A resource by its signed address (GET /api/resources/url).", NULL, {{0}}}},
    {"GET", "metrics", ROUTE_OPEN | ROUTE_OWN, {"metrics", NULL, false, "Figures in the text format of Prometheus.", NULL, {{0}}}},
    {"GET", "healthz", ROUTE_OPEN, {"healthz", NULL, false, "Is the process alive?", NULL, {{0}}}},
    {"GET", "readyz", ROUTE_OPEN, {"readyz", NULL, false, "Does the server take work?", NULL, {{0}}}},
};

/* "waits/{rest...}" -> "/api/waits/{rest}" */
static Val shown_path(const char *before, const char *path) {
  Buf b = {0};
  buf_c(&b, before);
  for (const char *p = path; *p; p++)
    if (*p != '.' || p[1] != '.') buf_add(&b, p, 1);
    else p += 2;
  return buf_str(&b);
}

static Val with_route(Val all, const char *before, const ApiRoute *r) {
  char method[8];
  size_t n = strlen(r->method);
  for (size_t k = 0; k <= n; k++) method[k] = (char)tolower((unsigned char)r->method[k]);
  Val path = shown_path(before, r->path), here = map_get(all, path, NIL);
  return map_assoc(all, path, map_assoc(is_map(here) ? here : map_empty, kw_c(method), operation(r)));
}

static Val paths(void) {
  Val all = map_empty;
  const ApiRoute *r;
  for (int i = 0; (r = api_route_at(i)); i++) all = with_route(all, "/api/", r);
  for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) all = with_route(all, "/", &doors[i]);
  return all;
}

static Val security(ValVec *components) {
  ValVec key = {0}, s = {0}, use = {0};
  api_put_text(&key, "type", "http");
  api_put_text(&key, "scheme", "bearer");
  api_put_text(&key, "description", "an API key, bsa_sak-<id>_<secret>");
  api_put(&s, "apiKey", api_map(&key));
  api_put(components, "securitySchemes", api_map(&s));
  api_put(&use, "apiKey", vec_from(NULL, 0));
  Val all[] = {api_map(&use)};
  return vec_from(all, 1);
}

Val api_openapi(void) {
  ValVec m = {0}, info = {0}, components = {0};
  api_put_text(&info, "title", "breyta");
  api_put_text(&info, "version", "0.1.0");
  api_put_text(&m, "openapi", "3.1.0");
  api_put(&m, "info", api_map(&info));
  api_put(&m, "paths", paths());
  api_put(&components, "schemas", schemas());
  api_put(&m, "security", security(&components));
  api_put(&m, "components", api_map(&components));
  return api_map(&m);
}
