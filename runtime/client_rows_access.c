/* client_rows_access.c - rows: who may call, connections, secrets, workspaces. */
#include "client_access.h"
#include "client_doc.h"
#include "client_rows.h"

#define ACCOUNT WORD("<service-account-id>", "serviceAccountId", "the service account")
#define ACCOUNT_FIELDS                                                                                                                         \
  FLAG(CSV, "scope", "capabilities", NULL, "what its keys may do: jobs.worker, flows.read, flows.run ..."),                                   \
      {"capability", CLIENT_CSV, "capabilities", NULL, "the same", NULL, CLIENT_HIDDEN},                                                      \
      FLAG(CSV, "job-type", "allowedJobTypes", NULL, "types of jobs that they may touch; else all"),                                          \
      CHOICE("status", "status", NULL, "active|disabled", "disabled: none of its keys works"), METADATA
#define METADATA FLAG(OBJECT, "metadata", "metadata", NULL, "what you want to remember, a JSON object"), FROM_FILE(OBJECT, "metadata-file", "metadata", "the same from a file")
#define CONNECTION WORD("<id>", "{id}", "the connection")
#define LIMIT(n) FLAG(INT, "limit", "limit", n, "how many at once")
#define CURSOR TEXT("cursor", "cursor", "data.next-cursor of the page before")
#define ITS_KEY                                                                                                                                \
  TEXT("api-key", "api-key", "its credentials; other processes can see them while this one runs"),                                            \
      FROM_FILE(TEXT, "key-file", "api-key", "the same from a file"), FROM_ENV(TEXT, "key-env", "api-key", "the same from this environment variable")

const ClientCommand client_rows_access[] = {
    {.name = "service-accounts create", .call = "service_accounts.create", .summary = "make a service account",
     .next = "breyta service-accounts keys create {data.serviceAccount.serviceAccountId}", PARAMS(NEEDED(TEXT, "name", "name", "its name"), ACCOUNT_FIELDS)},
    {.name = "service-accounts list", .alias = "ls", .call = "service_accounts.list", .summary = "list service accounts",
     PARAMS(CHOICE("status", "status", NULL, "active|disabled", "only these"), FLAG(INT, "limit", "limit", NULL, "how many at once"), TEXT("cursor", "cursor", "meta.nextCursor of the page before"))},
    {.name = "service-accounts show", .alias = "get", .call = "service_accounts.get", .summary = "show one", .next = "breyta service-accounts keys list {<service-account-id>}", PARAMS(ACCOUNT)},
    {.name = "service-accounts update", .call = "service_accounts.update", .summary = "change one; lists are replaced", PARAMS(ACCOUNT, TEXT("name", "name", "its name"), ACCOUNT_FIELDS)},
    {.name = "service-accounts keys create", .call = "service_accounts.keys.create", .summary = "make a key; it is shown once, in data.key.apiKey",
     PARAMS(ACCOUNT, TEXT("name", "name", "its name"), TEXT("expires-at", "expiresAt", "when it ends, such as 2027-01-01T00:00:00Z"), METADATA)},
    {.name = "service-accounts keys list", .alias = "ls", .call = "service_accounts.keys.list", .summary = "list keys, without their secrets",
     PARAMS(ACCOUNT, FLAG(INT, "limit", "limit", NULL, "how many at once"), TEXT("cursor", "cursor", "meta.nextCursor of the page before"))},
    {.name = "service-accounts keys revoke", .call = "service_accounts.keys.revoke", .summary = "a key is no longer good, at once", PARAMS(ACCOUNT, WORD("<key-id>", "keyId", "the key"))},

    {.name = "connections list", .alias = "ls", .call = "GET connections", .summary = "list connections", .next = "breyta connections show {data.items.0.id}",
     PARAMS(TEXT("type", "type", "only of this type"), LIMIT("25"), CURSOR, FLAG(BOOL, "full", NULL, NULL, "accepted"))},
    {.name = "connections show", .alias = "get", .call = "GET connections/{id}", .summary = "show one; no secret is shown", PARAMS(CONNECTION)},
    {.name = "connections create", .call = "POST connections", .summary = "make one", .next = "breyta connections test {data.connection.id}",
     PARAMS(NEEDED(TEXT, "type", "type", "http-api, llm-provider, database, email, blob-storage ..."), TEXT("name", "name", "its name"), TEXT("base-url", "base-url", "where it is"),
            TEXT("description", "description", "what it is for"), TEXT("slot", "slot", "the slot it is made for"), TEXT("backend", "backend", "which kind of its type"),
            FLAG(OBJECT, "config", "config", NULL, "the rest of its settings, a JSON object"), FROM_FILE(OBJECT, "config-file", "config", "the same from a file"), ITS_KEY)},
    {.name = "connections update", .call = "PUT connections/{id}", .summary = "change one",
     PARAMS(CONNECTION, TEXT("name", "name", "its name"), TEXT("description", "description", "what it is for"), TEXT("status", "status", "active or disabled"), TEXT("base-url", "base-url", "where it is"),
            TEXT("backend", "backend", "which kind of its type"), FLAG(OBJECT, "config", "config", NULL, "in place of its settings"), FROM_FILE(OBJECT, "config-file", "config", "the same from a file"), ITS_KEY)},
    {.name = "connections delete", .alias = "rm", .call = "DELETE connections/{id}", .summary = "delete one that nothing is bound to", PARAMS(CONNECTION)},
    {.name = "connections test", .summary = "is there something behind it, and does it take the credentials?", .run = client_connections_test, .timeout_ms = 120000,
     PARAMS(WORD("[id]", NULL, "the connection"), FLAG(BOOL, "all", NULL, NULL, "all of them; exit status 1 if one fails"), FLAG(BOOL, "only-failing", NULL, NULL, "tell only those that fail"))},
    {.name = "connections call", .call = "POST connections/{id}/call", .summary = "one HTTP request with its credentials; exit status 1 unless the answer is 2xx", .run = client_connections_call, .timeout_ms = 120000,
     PARAMS(CONNECTION, FLAG(TEXT, "method", "method", "GET", "the method"), TEXT("path", "path", "appended to the base URL"), TEXT("url", "url", "in place of it: an address below the base URL"),
            FLAG(PAIRS, "query", "query", NULL, "parameters"), FLAG(OBJECT, "headers", "headers", NULL, "headers, a JSON object"), FLAG(JSON, "json", "json", NULL, "the body, any JSON"),
            FROM_FILE(JSON, "json-file", "json", "the same from a file"), FLAG(PAIRS, "form", "form", NULL, "the body, a form"), TEXT("body", "body", "the body, a text"),
            {"body-file", CLIENT_TEXT, "body", NULL, "the same from a file", NULL, CLIENT_FILE | CLIENT_RAW}, TEXT("content-type", "contentType", "of the body"), TEXT("accept", "accept", "the Accept header"),
            CHOICE("response-as", "responseAs", "auto", "auto|json|jsonl|sse|text|edn|xml|yaml", "how the answer is read"), FLAG(CSV, "include-header", "includeHeaders", NULL, "headers of the answer to tell"),
            FLAG(INT, "timeout", "timeout", NULL, "seconds"))},
    {.name = "connections usages", .alias = "usage", .call = "GET connections/usages", .summary = "which flows use connections",
     PARAMS(TEXT("connection-id", "connection-id", "this connection"), TEXT("flow", "flow-slug", "this flow"), FLAG(BOOL, "only-connected", "only-connected", NULL, "only slots that are bound"))},
    {.name = "connections items", .call = "GET connections/{id}/items", .summary = "what is behind it, such as models",
     PARAMS(WORD("<connection-id>", "{id}", "the connection"), TEXT("item-type", "item-type", "only of this type"), LIMIT("25"), CURSOR, FLAG(BOOL, "raw", NULL, NULL, "accepted"))},
    {.name = "connections cleanup-unused", .call = "connections.unused.cleanup", .summary = "connections that nothing uses; with --apply they are deleted", PARAMS(FLAG(BOOL, "apply", "apply", NULL, "delete them"))},

    {.name = "secrets list", .alias = "ls", .call = "GET secrets", .summary = "names of secrets; values are never shown",
     PARAMS(TEXT("secret-id", "secret-id", "this one"), FLAG(INT, "limit", "limit", NULL, "how many at once"), CURSOR)},
    {.name = "secrets set", .call = "POST secrets", .summary = "store a secret value, sealed", .run = client_secret_set,
     PARAMS(WORD("<secret-id>", "secret-id", "its name"), {"value-file", CLIENT_TEXT, "value", NULL, "the value, from a file", NULL, CLIENT_FILE},
            FROM_ENV(TEXT, "value-env", "value", "the value, from this environment variable"))},
    {.name = "secrets usages", .alias = "usage", .call = "GET secrets/usages", .summary = "what uses secrets",
     PARAMS(TEXT("secret-id", "secret-id", "this one"), TEXT("flow", "flow", "in this flow"), FLAG(BOOL, "only-connected", "only-connected", NULL, "only what is bound"))},
    {.name = "secrets delete", .alias = "rm", .call = "DELETE secrets/{id}", .summary = "delete a secret that no connection names", PARAMS(WORD("<secret-id>", "{id}", "its name"))},

    {.name = "workspaces list", .alias = "ls", .call = "GET me", .summary = "workspaces that this key reaches, in data.workspaces", NO_PARAMS},
    {.name = "workspaces show", .alias = "get", .summary = "show one", .run = client_workspaces_show, PARAMS(WORD("<workspace-id>", NULL, "the workspace"))},
    {.name = "workspaces current", .summary = "the one that commands ask now", .run = client_workspaces_current, NO_PARAMS},
    {.name = "workspaces use", .summary = "commands ask this one from now on; kept in config.json", .run = client_workspaces_use, PARAMS(WORD("<workspace-id>", NULL, "the workspace"))},
    {.name = "workspaces bootstrap", .call = "POST debug/workspace/bootstrap", .summary = "make a workspace unless it is there; for the server's first key",
     PARAMS(WORD("<workspace-id>", "workspaceId", "its id, a part of URLs"), TEXT("name", "name", "its name for people"))},
    {.name = "workspaces members list", .alias = "ls", .call = "GET workspaces/{ws}/members", .summary = "who may act in the workspace", .run = client_members,
     PARAMS(CHOICE("format", NULL, "table", "table|json", "a table is no JSON"), CHOICE("role", "role", NULL, "admin|member|creator|billing|user", "only these"), FLAG(BOOL, "include-pending", "include-pending", NULL, "invited ones too"))},

    {.name = "commands", .summary = "every command with its parameters, as JSON; asks no server", .run = client_commands, .flags = CLIENT_LOCAL,
     PARAMS(WORD("[group]", NULL, "only this group, such as flows"))},
    {.name = "auth whoami", .summary = "who calls, where, and whether the key is good (data.verify.success)", .run = client_whoami, NO_PARAMS},
    {.name = "auth login", .summary = "try a key and keep it, for this URL or as a profile", .run = client_login, .flags = CLIENT_LOCAL,
     .text = "The key comes from BREYTA_API_KEY, --api-key-file or standard input. It is kept in auth.json, mode 0600; with --profile NAME in config.json under that name.",
     PARAMS(FLAG(BOOL, "key-stdin", NULL, NULL, "the key is the first line of standard input"), {"password-stdin", CLIENT_BOOL, NULL, NULL, "the same", NULL, CLIENT_HIDDEN},
            {"store", CLIENT_TEXT, NULL, NULL, "another file for keys; else BREYTA_AUTH_STORE, auth.json", "FILE", 0})},
    {.name = "auth logout", .summary = "forget the key of this URL", .run = client_logout, .flags = CLIENT_LOCAL,
     PARAMS(FLAG(BOOL, "all", NULL, NULL, "all keys"), {"store", CLIENT_TEXT, NULL, NULL, "another file for keys", "FILE", 0})},
    {0}};
