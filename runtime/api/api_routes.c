/* api_routes.c - REST: which route a request means, and its arguments. See api.h */
#include "api_body.h"
#include "api_mcp.h"
#include "runtime/base/json.h"
#include "runtime/base/limits.h"
#include "runtime/trigger/trigger.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const ApiRoute *const families[] = {api_base_routes,  api_profile_routes, api_install_routes, api_workspace_routes,  api_file_routes,
                                           api_table_routes, api_resource_routes, api_connection_routes, api_wait_routes,
                                           api_trigger_routes, api_mcp_routes, api_auth_routes, api_docs_routes,
                                           api_incident_routes, api_digest_routes, api_debug_routes};

const ApiRoute *api_route_at(int i) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++)
    for (const ApiRoute *r = families[f]; r->path; r++)
      if (!i--) return r;
  return NULL;
}

const char *api_path(const ApiCall *c, const char *name) {
  for (int i = 0; i < API_SEGMENTS && c->path[i].value; i++)
    if (strcspn(c->path[i].name, ".}") == strlen(name) && !strncmp(c->path[i].name, name, strlen(name))) return c->path[i].value;
  return "";
}

/* --- which route --------------------------------------------------------------------------------------------------------------------- */
static void forget_path(ApiCall *c) {
  for (int i = 0; i < API_SEGMENTS; i++) {
    free(c->path[i].value);
    c->path[i] = (struct ApiSegment){0};
  }
}

/* The text for one {name}; `name` stands behind the brace. false: it cannot be decoded. */
static bool take(ApiCall *c, const char *name, const char *s, size_t n) {
  for (int i = 0; n && i < API_SEGMENTS; i++) {
    if (c->path[i].name) continue;
    c->path[i].name = name;
    c->path[i].value = listener_decode(s, n);
    return c->path[i].value;
  }
  return false;
}

/* c NULL: what stands for the names does not matter. */
static bool matches(ApiCall *c, const char *pattern, const char *path) {
  for (; *pattern; pattern++) {
    if (*pattern != '{') {
      if (*pattern != *path++) return false;
      continue;
    }
    const char *end = strchr(pattern, '}');
    size_t n = end[-1] == '.' ? strlen(path) : strcspn(path, "/");
    if (c ? !take(c, pattern + 1, path, n) : !n) return false;
    pattern = end;
    path += n;
  }
  return !*path;
}

/* A path that stands in the table as it is means nothing else: "secrets/usages" is no secrets/{id}. */
static bool spelled_out(const char *path) {
  const ApiRoute *r;
  for (int i = 0; (r = api_route_at(i)); i++)
    if (!strcmp(r->path, path)) return true;
  return false;
}

const ApiRoute *api_route_of(ApiCall *c) {
  const ApiRoute *r, *other = NULL;
  bool exact = spelled_out(c->request->raw);
  for (int i = 0; (r = api_route_at(i)); i++) {
    if (exact ? !strcmp(r->path, c->request->raw) : matches(c, r->path, c->request->raw)) {
      if (!strcmp(r->method, c->request->method)) return r;
      other = r;
    }
    forget_path(c);
  }
  if (other)
    api_fail(c, 405, "method_not_allowed", "/api/%s is asked by %s", other->path, other->method);
  else
    api_fail(c, 404, "not_found", "there is no /api/%.200s here; GET /api/openapi.json lists what there is", c->request->key);
  return NULL;
}

uint64_t api_max_body(enum ListenDoor door, const char *method, const char *raw) {
  const ApiRoute *r;
  int64_t hook = limit_value(LIMIT_webhook_bytes), callback = limit_value(LIMIT_callback_bytes);
  if (door == LISTEN_EVENTS) return (uint64_t)(hook > callback ? hook : callback); /* which of them it is, is seen when the path is looked up */
  for (int i = 0; door == LISTEN_API && (r = api_route_at(i)); i++)
    if (matches(NULL, r->path, raw) && !strcmp(r->method, method)) return r->flags & ROUTE_BYTES ? API_BYTES_MAX : API_JSON_MAX;
  return (uint64_t)callback;
}

/* --- arguments ------------------------------------------------------------------------------------------------------------------------ */
static bool whole(const char *s, int64_t *n) {
  char *end;
  errno = 0;
  *n = strtoll(s, &end, 10);
  return *s && strspn(s, "-0123456789") == strlen(s) && !*end && !errno;
}

/* What a text of the query means to its row; what it cannot mean stays a text, for the check to refuse. */
static Val query_value(const ApiArg *a, const char *s) {
  int64_t n;
  bool number = a && (a->type == API_INT || a->type == API_VERSION);
  if (number && whole(s, &n)) return int_val(n);
  if (a && a->type == API_BOOL && (!strcmp(s, "true") || !strcmp(s, "false"))) return *s == 't' ? TRUE_V : FALSE_V;
  return str_c(s);
}

static const ApiArg *arg_of(const ApiCommand *op, const char *name) {
  for (const ApiArg *a = op->args; a->name; a++)
    if (!strcmp(a->name, name)) return a;
  return NULL;
}

static Val query_args(const ApiCall *c, const ApiCommand *op) {
  Val m = map_empty;
  for (size_t i = 0; i < c->request->nquery; i++) {
    const ListenPair *p = &c->request->query[i];
    if (*p->value) m = map_assoc(m, kw_c(p->name), query_value(arg_of(op, p->name), p->value));
  }
  return m;
}

static bool body_value(ApiCall *c, Val *v) {
  Err err = {0};
  *v = c->request->nbody ? api_body(c, &err) : NIL;
  return !same(*v, ABSENT) || api_fail(c, 400, "bad_json", "the body is not JSON: %s", err.msg);
}

bool api_route_args(ApiCall *c, const ApiRoute *r, Val *args) {
  bool query = !strcmp(r->method, "GET") || !strcmp(r->method, "DELETE") || (r->flags & (ROUTE_VALUE | ROUTE_BYTES | ROUTE_TEXT));
  if ((r->flags & ROUTE_VALUE) && !body_value(c, &c->body)) return false;
  if (query) {
    *args = query_args(c, &r->op);
    return true;
  }
  if (!body_value(c, args)) return false;
  if (is_nil(*args)) *args = map_empty;
  return is_map(*args) || api_fail(c, 400, "bad_request", "the body must be a JSON object");
}
