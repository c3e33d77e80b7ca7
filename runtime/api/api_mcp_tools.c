/* api_mcp_tools.c - which tools there are for a caller, and what they mean; see api_mcp.h */
#include "api_mcp.h"
#include "runtime/flow/flowdef_int.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOWS_PAGE = 100, NAME_MAX_BYTES = 128 };

/* --- policy ------------------------------------------------------------------------------------------------------------------------------- */
static const struct {
  const char *name;
  unsigned set;
} set_names[] = {{"read", MCP_READ}, {"setup", MCP_SETUP}, {"debug", MCP_DEBUG}, {"feedback", MCP_FEEDBACK}, {"run", MCP_RUN}, {"all", MCP_ALL}};

/* The next of "a, b,c"; false: there is none. */
static bool next_word(const char **p, const char **word, size_t *n) {
  *p += strspn(*p, ", \t");
  *word = *p;
  *n = strcspn(*p, ", \t");
  *p += *n;
  return *n > 0;
}

static bool in_list(const char *list, const char *name) {
  const char *word;
  size_t n;
  while (list && next_word(&list, &word, &n))
    if (n == strlen(name) && !strncmp(word, name, n)) return true;
  return false;
}

static unsigned set_of(const char *word, size_t n) {
  for (size_t i = 0; i < sizeof set_names / sizeof *set_names; i++)
    if (strlen(set_names[i].name) == n && !strncasecmp(word, set_names[i].name, n)) return set_names[i].set;
  return 0;
}

static const char *given(const ListenRequest *r, const char *name) {
  const char *v = listener_header(r, name);
  return v && v[strspn(v, ", \t")] ? v : NULL;
}

static bool flag(const char *v, bool *on) {
  static const char *const words[] = {"false", "0", "no", "true", "1", "yes"};
  for (int i = 0; v && i < 6; i++)
    if (!strcasecmp(v, words[i])) return *on = i >= 3, true;
  return !v;
}

bool mcp_policy(const ListenRequest *r, McpPolicy *p, Buf *wrong) {
  const char *sets = given(r, "x-mcp-toolsets"), *readonly = given(r, "x-mcp-readonly"), *word;
  size_t n;
  *p = (McpPolicy){.tools = given(r, "x-mcp-tools"), .exclude = given(r, "x-mcp-exclude-tools")};
  if (!sets && !p->tools) p->sets = MCP_ALL;
  while (sets && next_word(&sets, &word, &n)) {
    unsigned set = set_of(word, n);
    if (!set) return buf_fmt(wrong, "X-MCP-Toolsets: there is no toolset %.*s; there are read, setup, debug, feedback, run and all", (int)(n < 60 ? n : 60), word), false;
    p->sets |= set;
  }
  if (flag(readonly, &p->readonly)) return true;
  buf_fmt(wrong, "X-MCP-Readonly is true or false, not %.60s", readonly);
  return false;
}

bool mcp_allows(const McpPolicy *p, const char *tool, unsigned sets, bool mutates) {
  if ((mutates && p->readonly) || in_list(p->exclude, tool)) return false;
  return (p->sets & sets) || (sets && in_list(p->tools, tool));
}

/* --- commands ----------------------------------------------------------------------------------------------------------------------------- */
/* In which sets a command is, by the beginning of its name; the first row that fits. 0: it is no tool. */
static unsigned sets_of(const ApiCommand *cmd) {
  static const struct {
    const char *prefix;
    unsigned reads, writes;
  } rows[] = {{"service_accounts.keys.", 0, 0},
              {"secrets.reveal", 0, 0},
              {"feedback.", MCP_FEEDBACK, MCP_FEEDBACK},
              {"flows.run", MCP_RUN, MCP_RUN},
              {"runs.start", MCP_RUN, MCP_RUN},
              {"runs.cancel", MCP_RUN, MCP_RUN | MCP_DEBUG},
              {"waits.", MCP_READ | MCP_DEBUG, MCP_RUN},
              {"runs.", MCP_READ | MCP_DEBUG, MCP_DEBUG},
              {"steps.", MCP_READ | MCP_DEBUG, MCP_DEBUG},
              {"flows.validate", MCP_READ | MCP_SETUP | MCP_DEBUG, MCP_SETUP},
              {"flows.lint", MCP_READ | MCP_SETUP | MCP_DEBUG, MCP_SETUP},
              {"", MCP_READ, MCP_SETUP}};
  size_t i = 0;
  while (strncmp(cmd->name, rows[i].prefix, strlen(rows[i].prefix))) i++;
  return cmd->mutates ? rows[i].writes : rows[i].reads;
}

static void tool_name(const char *command, char out[NAME_MAX_BYTES + 1]) {
  snprintf(out, NAME_MAX_BYTES + 1, "%s", command);
  for (char *p = out; *p; p++)
    if (!isalnum((unsigned char)*p) && *p != '-') *p = '_';
}

static Val tool(const char *name, const char *doc, Val schema, bool mutates) {
  ValVec m = {0}, hints = {0};
  api_put(&hints, "readOnlyHint", mutates ? FALSE_V : TRUE_V);
  api_put_text(&m, "name", name);
  api_put_text(&m, "description", doc);
  api_put(&m, "inputSchema", schema);
  api_put(&m, "annotations", api_map(&hints));
  return api_map(&m);
}

static const ApiCommand broker = {
    "call_flow_tool",
    "flows.run",
    true,
    "Starts the flow behind a tool that the flow's :interfaces :mcp declare, by the flow's slug and the tool's name there.",
    NULL,
    {{"flowSlug", API_SLUG, true, 0, 0, NULL, "the flow"},
     {"toolName", API_TEXT, true, 0, 256, NULL, "the tool, as the flow names it"},
     {"input", API_OBJECT, false, 0, 0, NULL, "what the tool gets"}}};

static void put_command(ApiCall *c, const McpPolicy *p, const ApiCommand *cmd, unsigned sets, ValVec *out) {
  char name[NAME_MAX_BYTES + 1];
  tool_name(cmd->name, name);
  if (mcp_allows(p, name, sets, cmd->mutates) && (!cmd->scope || api_may(c, cmd->scope)))
    vv_push(out, tool(name, cmd->doc, api_args_schema(cmd), cmd->mutates));
}

/* --- tools of flows ------------------------------------------------------------------------------------------------------------------------- */
typedef struct FlowTools {
  const char *slug, *source; /* "live", or "active" where nothing is live */
  Val def, all;              /* the :mcp interfaces */
} FlowTools;

/* false: it has none, or nothing of it is released, or *err. */
static bool flow_tools(ApiCall *c, const char *slug, FlowTools *f, Err *err) {
  char *hash = NULL, *file = NULL;
  int64_t version;
  Blob src = {0};
  Diags d = {0};
  *f = (FlowTools){slug, "live", NIL, NIL};
  err->code = NULL;
  bool found = api_flow_source(c->api, c->workspace, slug, "live", 0, &hash, &version, err);
  if (!found) f->source = "active", err->code = NULL, found = api_flow_source(c->api, c->workspace, slug, "active", 0, &hash, &version, err);
  if (!found) return free(hash), err->code = NULL, false; /* not released: nothing to call */
  bool ok = store_source_get(c->api->store, hash, &file, &src, err);
  if (ok && memmem(src.p, src.n, ":mcp", 4) && diags_read_map(src.p, src.n, slug, "flow definition", &f->def, &d))
    f->all = map_get_kw(map_get_kw(f->def, "interfaces"), "mcp");
  diags_free(&d);
  blob_free(&src);
  free(file);
  free(hash);
  return is_vec(f->all);
}

static bool enabled(Val interface) { return is_map(interface) && is_str(map_get_kw(interface, "tool-name")) && !same(map_get_kw(interface, "enabled"), FALSE_V); }

/* "<slug>__<tool name>", in the characters that tools' names may have; the number tells apart what becomes the same by that. */
static void flow_tool_name(const FlowTools *f, uint32_t i, char out[NAME_MAX_BYTES + 1]) {
  char full[4 * NAME_MAX_BYTES], other[NAME_MAX_BYTES + 1], tail[16] = "";
  snprintf(full, sizeof full, "%.128s__%.200s", f->slug, str_s(map_get_kw(vec_nth(f->all, i), "tool-name")));
  tool_name(full, out);
  for (uint32_t k = 0; k < i && !*tail; k++) {
    if (!enabled(vec_nth(f->all, k))) continue;
    snprintf(full, sizeof full, "%.128s__%.200s", f->slug, str_s(map_get_kw(vec_nth(f->all, k), "tool-name")));
    tool_name(full, other);
    if (!strcmp(out, other)) snprintf(tail, sizeof tail, "_%u", i);
  }
  if (strlen(out) + strlen(tail) > NAME_MAX_BYTES) out[NAME_MAX_BYTES - strlen(tail)] = 0;
  strcat(out, tail);
}

static Val json_type(const char *type) {
  static const char *const known[][2] = {{"number", "number"}, {"boolean", "boolean"}, {"checkbox", "boolean"}, {"json", NULL},
                                         {"file", NULL},       {"blob", NULL},         {"blob-ref", NULL},      {"resource", NULL}};
  ValVec m = {0};
  const char *is = "string";
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i][0], type)) is = known[i][1];
  api_put_text(&m, "type", *type ? is : NULL);
  return api_map(&m);
}

static Val choices(Val options) {
  ValVec v = {0};
  for (uint32_t i = 0; is_vec(options) && i < vec_count(options); i++) {
    Val o = vec_nth(options, i), value = is_map(o) ? map_get_kw(o, "value") : o;
    vv_push(&v, is_kw(value) ? str_c(id_text(value)) : value);
  }
  return v.n ? vec_from(v.a, v.n) : NIL;
}

static Val field_schema(Val field) {
  Val type = map_get_kw(field, "type"), label = map_get_kw(field, "label"), one = json_type(is_kw(type) ? id_text(type) : is_str(type) ? str_s(type) : "");
  Val options = choices(map_get_kw(field, "options"));
  if (!is_nil(options)) one = map_assoc(map_dissoc(one, kw_c("type")), kw_c("enum"), options);
  if (truthy(map_get_kw(field, "multiple"))) {
    ValVec m = {0};
    api_put_text(&m, "type", "array");
    api_put(&m, "items", one);
    one = api_map(&m);
  }
  return is_str(label) ? map_assoc(one, kw_c("description"), label) : one;
}

/* The :inputs of the invocation. */
static Val input_schema(const FlowTools *f, Val interface) {
  ValVec m = {0}, properties = {0}, required = {0};
  Val which = map_get_kw(interface, "invocation");
  Val invocation = map_get(map_get_kw(f->def, "invocations"), is_str(which) ? kw_c(str_s(which)) : which, NIL);
  Val inputs = is_map(invocation) ? map_get_kw(invocation, "inputs") : NIL;
  for (uint32_t i = 0; is_vec(inputs) && i < vec_count(inputs); i++) {
    Val field = vec_nth(inputs, i), name = is_map(field) ? map_get_kw(field, "name") : NIL;
    const char *s = is_kw(name) ? id_text(name) : is_str(name) ? str_s(name) : NULL;
    if (!s) continue;
    api_put(&properties, s, field_schema(field));
    if (truthy(map_get_kw(field, "required"))) vv_push(&required, str_c(s));
  }
  api_put_text(&m, "type", "object");
  api_put(&m, "properties", api_map(&properties));
  if (required.n) api_put(&m, "required", vec_from(required.a, required.n));
  return api_map(&m);
}

static Val flow_tool(const FlowTools *f, uint32_t i, const char *name) {
  Val interface = vec_nth(f->all, i), said = map_get_kw(interface, "description");
  if (!is_str(said)) said = map_get_kw(interface, "label");
  Val doc = str_fmt("Starts the flow %s (its tool %.200s). runs_get with the workflowId of the answer gives the result.%s%.1000s", f->slug,
                    str_s(map_get_kw(interface, "tool-name")), is_str(said) ? " " : "", is_str(said) ? str_s(said) : "");
  return tool(name, str_s(doc), input_schema(f, interface), true);
}

static void put_flow(ApiCall *c, const McpPolicy *p, const char *slug, ValVec *out) {
  FlowTools f;
  Err err = {0};
  if (!flow_tools(c, slug, &f, &err)) return; /* one that cannot be read hides no other */
  for (uint32_t i = 0; i < vec_count(f.all); i++) {
    char name[NAME_MAX_BYTES + 1];
    if (!enabled(vec_nth(f.all, i))) continue;
    flow_tool_name(&f, i, name);
    if (mcp_allows(p, name, MCP_RUN, true)) vv_push(out, flow_tool(&f, i, name));
  }
}

/* --- the list --------------------------------------------------------------------------------------------------------------------------------- */
static bool cursor_ok(const char *cursor) {
  if (strncmp(cursor, "flow:", 5) || !cursor[5] || strlen(cursor) > 5 + NAME_MAX_BYTES) return false;
  for (const char *p = cursor + 5; *p; p++)
    if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_') return false;
  return true;
}

bool mcp_tools(ApiCall *c, const McpPolicy *p, const char *cursor, Val *out, Err *err) {
  DocRow rows[FLOWS_PAGE];
  ValVec tools = {0}, m = {0};
  const ApiCommand *cmd;
  Val next = NIL;
  if (cursor && !cursor_ok(cursor)) return false;
  for (int i = 0; !cursor && (cmd = api_command_at(i)); i++) put_command(c, p, cmd, sets_of(cmd), &tools);
  if (!cursor) put_command(c, p, &broker, MCP_RUN, &tools);
  bool runs = api_may(c, "flows.run") && !p->readonly;
  size_t n = runs ? store_docs(c->api->store, c->workspace, "flow", "", cursor ? cursor + 5 : "", rows, FLOWS_PAGE, err) : 0;
  for (size_t i = 0; i < n; i++) {
    if (is_nil(map_get_kw(api_doc_value(&rows[i]), "archived-ms"))) put_flow(c, p, rows[i].key, &tools);
    if (i + 1 == FLOWS_PAGE) next = str_fmt("flow:%s", rows[i].key);
    doc_row_free(&rows[i]);
  }
  vv_push(&m, kw_c("tools"));
  vv_push(&m, vec_from(tools.a, tools.n));
  api_put(&m, "nextCursor", next);
  *out = api_map(&m);
  return !err->code;
}

/* --- one of them ------------------------------------------------------------------------------------------------------------------------------ */
static const ApiCommand *start_of(const FlowTools *f, Val interface, Val *args) {
  ValVec m = {0};
  Val which = map_get_kw(interface, "invocation"), input = *args;
  api_put_text(&m, "flowSlug", f->slug);
  api_put_text(&m, "source", f->source);
  api_put_text(&m, "invocation", is_kw(which) ? id_text(which) : is_str(which) ? str_s(which) : NULL);
  api_put(&m, "input", is_nil(input) ? map_empty : input);
  *args = api_map(&m);
  return api_command("runs.start");
}

/* The tool `wanted` of the flow, by its own name or by ours. */
static const ApiCommand *of_flow(ApiCall *c, const McpPolicy *p, const char *slug, const char *wanted, bool own, Val *args, Err *err) {
  FlowTools f;
  char name[NAME_MAX_BYTES + 1];
  if (!flow_tools(c, slug, &f, err)) return NULL;
  for (uint32_t i = 0; i < vec_count(f.all); i++) {
    Val interface = vec_nth(f.all, i);
    if (!enabled(interface)) continue;
    flow_tool_name(&f, i, name);
    bool is = own ? str_eq_c(map_get_kw(interface, "tool-name"), wanted) : !strcmp(name, wanted);
    if (is && (own ? !in_list(p->exclude, name) : mcp_allows(p, name, MCP_RUN, true))) return start_of(&f, interface, args);
  }
  return NULL;
}

/* A slug may hold "__" itself: each place is tried. */
static const ApiCommand *flow_tool_of(ApiCall *c, const McpPolicy *p, const char *name, Val *args, Err *err) {
  for (const char *at = strstr(name, "__"); at; at = strstr(at + 1, "__")) {
    char slug[NAME_MAX_BYTES + 1];
    if (at == name || at - name > NAME_MAX_BYTES) continue;
    snprintf(slug, sizeof slug, "%.*s", (int)(at - name), name);
    const ApiCommand *cmd = of_flow(c, p, slug, name, false, args, err);
    if (cmd || err->code) return cmd;
  }
  return NULL;
}

static const ApiCommand *call_flow_tool(ApiCall *c, const McpPolicy *p, Val *args, Err *err) {
  Val slug = map_get_kw(*args, "flowSlug"), name = map_get_kw(*args, "toolName"), input = map_get_kw(*args, "input");
  if (!is_str(slug) || !is_str(name)) return &broker; /* the dispatcher says what is missing */
  const ApiCommand *cmd = of_flow(c, p, str_s(slug), str_s(name), true, &input, err);
  if (cmd) *args = input;
  return cmd ? cmd : err->code ? NULL : &broker;
}

/* Comes here only when there is nothing to start. */
static bool no_flow_tool(ApiCall *c) {
  return api_fail(c, 404, "not_found", "the flow %s has no tool %.100s here: released, enabled, in its :interfaces :mcp", api_text(c, "flowSlug"),
                  api_text(c, "toolName"));
}

const ApiCommand *mcp_tool(ApiCall *c, const McpPolicy *p, const char *name, Val *args, Err *err) {
  static ApiCommand none;
  const ApiCommand *cmd;
  char is[NAME_MAX_BYTES + 1];
  err->code = NULL;
  for (int i = 0; (cmd = api_command_at(i)); i++) {
    tool_name(cmd->name, is);
    if (!strcmp(is, name)) return mcp_allows(p, name, sets_of(cmd), cmd->mutates) ? cmd : NULL;
  }
  if (strcmp(name, broker.name)) return flow_tool_of(c, p, name, args, err);
  if (!mcp_allows(p, name, MCP_RUN, true)) return NULL;
  cmd = call_flow_tool(c, p, args, err);
  if (cmd != &broker) return cmd;
  none = broker;
  none.run = no_flow_tool;
  none.mutates = false;
  return &none;
}
