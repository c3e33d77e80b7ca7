/* api_mcp.h - the MCP endpoint, POST /api/workspaces/{ws}/mcp: what its two files share.
 *
 * JSON-RPC 2.0 over Streamable HTTP, without sessions and streams: every request is answered by one JSON object, notifications by 202.
 * Tools are the rows of the API's commands (flows.put_draft is flows_put_draft, the arguments of the row are its inputSchema) that the
 * key's scopes allow, call_flow_tool, and one for each enabled :mcp interface of a flow that has been released. A tool is called by the
 * dispatcher of commands, so scopes, checks and answers are those of the API. What shows API keys is no tool: answers go to a model.
 *
 * The caller narrows what there is by headers: X-MCP-Toolsets (read, setup, debug, feedback, run) and X-MCP-Tools (names, in addition to
 * the toolsets named, or alone), X-MCP-Exclude-Tools and X-MCP-Readonly: true (these two always win). */
#ifndef BR_API_MCP_H
#define BR_API_MCP_H
#include "api.h"

enum McpSet { MCP_READ = 1, MCP_SETUP = 2, MCP_DEBUG = 4, MCP_FEEDBACK = 8, MCP_RUN = 16, MCP_ALL = 31 };

typedef struct McpPolicy {
  unsigned sets; /* 0: none by set */
  const char *tools, *exclude; /* NULL: no such header */
  bool readonly;
} McpPolicy;
/* false: *wrong says what is not understood. */
bool mcp_policy(const ListenRequest *r, McpPolicy *p, Buf *wrong);
bool mcp_allows(const McpPolicy *p, const char *tool, unsigned sets, bool mutates);

/* The tools of a page: {:tools [..] :nextCursor s}. false: the cursor is none of ours, or the store fails (err->code). */
bool mcp_tools(ApiCall *c, const McpPolicy *p, const char *cursor, Val *out, Err *err);

/* What a call of a tool means: a command and its arguments. NULL and err->code NULL: there is no such tool, or it is not allowed here. */
const ApiCommand *mcp_tool(ApiCall *c, const McpPolicy *p, const char *name, Val *args, Err *err);
extern const ApiRoute api_mcp_routes[];
#endif
