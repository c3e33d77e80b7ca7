/* client_rows_call.c - rows: interfaces of flows, and the server's tools over MCP. */
#include "client_interfaces.h"
#include "client_rows.h"

#define INTERFACE WORD("<interface-id>", NULL, "the interface, by its id or the name of its tool")
#define WHICH                                                                                                                              \
  CHOICE("target", NULL, NULL, "draft|live", "the draft, or what is live (live)"), TEXT("installation-id", NULL, "of this installation"),  \
      FLAG(INT, "version", NULL, NULL, "of this version")
#define POLICY                                                                                                                             \
  TEXT("toolsets", NULL, "only these: read, setup, debug, feedback, run"), TEXT("tools", NULL, "only these tools, with commas"),           \
      TEXT("exclude-tools", NULL, "without these tools"), FLAG(BOOL, "read-only", NULL, NULL, "no tool that changes anything")
#define MCP_WORKSPACE TEXT("workspace-id", NULL, "the workspace; else that of other commands")
#define MCP_TOKEN(dflt)                                                                                                                    \
  { "token-env-var", CLIENT_TEXT, NULL, dflt, "the environment variable with the key", "NAME", 0 }

const ClientCommand client_rows_call[] = {
    {.name = "flows interfaces list",
     .alias = "ls",
     .summary = "how a flow is called from outside",
     .run = client_interfaces_list,
     PARAMS(SLUG, WHICH)},
    {.name = "flows interfaces show",
     .summary = "one of them",
     .run = client_interfaces_show,
     PARAMS(SLUG, INTERFACE, CHOICE("family", NULL, NULL, "manual|http|webhook|mcp", "its kind"), WHICH)},
    {.name = "flows interfaces call",
     .summary = "call a flow by its interface",
     .run = client_interfaces_call,
     PARAMS(SLUG, INTERFACE, FLAG(OBJECT, "input", "input", NULL, "the input, a JSON object"),
            FROM_FILE(OBJECT, "input-file", "input", "the same from a file"),
            CHOICE("target", NULL, NULL, "draft|live", "the draft, or what is live (live)"),
            TEXT("installation-id", NULL, "of this installation"),
            FLAG(BOOL, "wait", NULL, NULL, "wait until the run is over: exit status 0 only if it has completed"),
            FLAG(DURATION, "timeout", NULL, "15m", "how long to wait"), FLAG(DURATION, "poll", NULL, "250ms", "how often to look"))},
    {.name = "flows interfaces curl",
     .summary = "the same as a command for curl, in data.command",
     .run = client_interfaces_curl,
     PARAMS(SLUG, INTERFACE, FLAG(OBJECT, "input", "input", NULL, "the input, a JSON object"), WHICH)},

    {.name = "mcp config",
     .alias = "init|setup",
     .summary = "what an agent's settings need to use this server's tools",
     .run = client_mcp_config,
     PARAMS(MCP_WORKSPACE, TEXT("api-url", NULL, "the server; else that of other commands"),
            FLAG(TEXT, "name", NULL, "breyta-workspace", "what the agent calls it"),
            CHOICE("provider", NULL, "generic", "generic|claude|cursor|vscode", "whose settings"),
            CHOICE("transport", NULL, "stdio", "stdio|http", "by this program, or straight to the server"), MCP_TOKEN("BREYTA_MCP_TOKEN"),
            POLICY)},
    {.name = "mcp doctor",
     .summary = "do the tools answer, and which are there?",
     .run = client_mcp_doctor,
     PARAMS(MCP_WORKSPACE, MCP_TOKEN(NULL), POLICY, FLAG(DURATION, "timeout", NULL, "1m", "how long to wait"))},
    {.name = "mcp stdio",
     .summary = "JSON-RPC messages from standard input to the server, answers to standard output",
     .run = client_mcp_stdio,
     PARAMS(MCP_WORKSPACE, MCP_TOKEN(NULL), POLICY, FLAG(DURATION, "timeout", NULL, "1m", "how long a call may take"))},
    {0}};
