/* client_rows_resources.c - rows: resources, tables, steps, webhooks. */
#include "client_resources.h"
#include "client_rows.h"
#include "client_steps.h"
#include "client_webhook.h"

#define URI WORD("<uri>", "uri", "the resource, res://v1/ws/...")
#define PARTITION TEXT("partition-key", "partition-key", "one partition of the table")
#define PARTITIONS PARTITION, FLAG(CSV, "partition-keys", "partition-keys", NULL, "several partitions")
#define WHERE FLAG(ARRAY, "where-json", "where", NULL, "[[\"field\", \"=\", value], ..]")
#define SORT FLAG(ARRAY, "sort-json", "sort", NULL, "[[\"field\", \"asc\"], ..]")
#define LIMIT(n) FLAG(INT, "limit", "limit", n, "how many at once")
#define STORAGE                                                                                                                            \
  TEXT("storage-backend", "storage-backend", "where it is kept"), TEXT("storage-root", "storage-root", "which place"),                     \
      TEXT("path-prefix", "path-prefix", "beginning of what follows res://v1/ws/<workspace>/")
#define ROW_OF FLAG(LABELS, "key", "key", NULL, "the row with this value in a key field"), TEXT("row-id", "row-id", "the row with this id")
#define TABLE(words, op, what) .name = "resources table " words, .call = "POST resources/table/" op, .summary = what, .timeout_ms = 120000
#define INDEX(words, what)                                                                                                                 \
  .name = "resources search-index " words, .call = "POST resources/search-index", .fixed = "{\"op\": \"" words "\"}", .summary = what
#define STEP SLUG, WORD("<step-id>", "stepId", "the step")
#define PREVIEW                                                                                                                            \
  FLAG(BOOL, "full", NULL, NULL, "the whole result, in data.result"), FLAG(INT, "preview-depth", NULL, "3", "levels of a preview"),        \
      FLAG(INT, "preview-items", NULL, "8", "items of a list or map in a preview"),                                                        \
      FLAG(INT, "preview-runes", NULL, "1200", "characters of a text in a preview")
#define RUN_STEP                                                                                                                           \
  TEXT("type", "stepType", "its type, such as http"), TEXT("id", "stepId", "its id"), TEXT("flow", "flowSlug", "the flow it is of"),       \
      FLAG(OBJECT, "params", "params", NULL, "its options, a JSON object"),                                                                \
      FROM_FILE(OBJECT, "params-file", "params", "the same from a file"),                                                                  \
      CHOICE("source", "source", NULL, "draft|latest|active|live", "which text of the flow"),                                              \
      FLAG(INT, "version", "version", NULL, "this version of it"), TEXT("installation-id", "profileId", "on this installation"),           \
      {"profile-id", CLIENT_TEXT, "profileId", NULL, "the same", NULL, CLIENT_HIDDEN}, TEXT("trace-id", "traceId", "an id for traces"),    \
      FLAG(DURATION, "timeout", NULL, "15m", "how long to wait"),                                                                          \
      {"result-file", CLIENT_TEXT, NULL, NULL, "write the result there, as JSON", "FILE", 0},                                              \
      TEXT("result-path", NULL, "only this of the result: a.b.0.c"), PREVIEW

/* How a caller shows who it is: for webhooks. */
#define CREDENTIALS                                                                                                                        \
  FLAG(LIST, "header", NULL, NULL, "another header, Name: value"),                                                                         \
  CHOICE("sign", NULL, NULL, "hmac-sha256|ecdsa-p256", "sign the body"),                                                                   \
  TEXT("sign-secret", NULL, "the secret; other processes can see it"),                                                                     \
  {"sign-secret-file", CLIENT_TEXT, NULL, NULL, "the same from a file", "FILE", 0},                                                        \
  {"sign-secret-env", CLIENT_TEXT, NULL, NULL, "the same from this environment variable", "NAME", 0},                                      \
  {"hmac-secret", CLIENT_TEXT, NULL, NULL, "the same as --sign hmac-sha256 --sign-secret", NULL, CLIENT_HIDDEN},                           \
  {"sign-private-key", CLIENT_TEXT, NULL, NULL, "a private P-256 key, PEM, for ecdsa-p256", "FILE", 0},                                    \
  {"sign-public-key", CLIENT_TEXT, NULL, NULL, "accepted", NULL, CLIENT_HIDDEN},                                                           \
  FLAG(TEXT, "signature-header", NULL, "X-Signature", "where the signature stands"),                                                       \
  CHOICE("signature-format", NULL, "base64", "base64|hex", "how it is written"),                                                           \
  TEXT("signature-prefix", NULL, "in front of it, such as sha256="),                                                                       \
  TEXT("timestamp-header", NULL, "send the time here and sign it too"),                                                                    \
  TEXT("timestamp", NULL, "this time; else now, in seconds"),                                                                              \
  {"timestamp-max-skew-ms", CLIENT_INT, NULL, NULL, "accepted", NULL, CLIENT_HIDDEN},                                                  \
  {"key-file", CLIENT_TEXT, NULL, NULL, "send the key that is in this file", "FILE", 0},                                                   \
  FLAG(TEXT, "header-auth", NULL, "X-API-Key", "in this header"),                                                                          \
  CHOICE("api-key-location", NULL, "header", "header|query", "or in the query"),                                                           \
  FLAG(TEXT, "api-key-param", NULL, "token", "by this name"), TEXT("bearer", NULL, "send Authorization: Bearer with this"),                \
  TEXT("basic", NULL, "send USER:PASSWORD")

const ClientCommand client_rows_resources[] = {
    {.name = "resources list",
     .alias = "ls",
     .call = "GET resources",
     .summary = "list files, kept results and tables, the newest first",
     .next = "breyta resources read {data.items.0.uri}",
     PARAMS(TEXT("type", "type", "result, file or table"), TEXT("types", "types", "several, with commas"),
            TEXT("query", "query", "part of its name, address or flow"),
            TEXT("accept", "accept", "content types, with commas; image/* for all images"),
            TEXT("exclude-tier", "exclude-tier", "retained or ephemeral"), TEXT("prefix", "prefix", "beginning of the address"),
            TEXT("tags", "tags", "all of these, with commas"), STORAGE, LIMIT("10"),
            TEXT("cursor", "cursor", "data.next-cursor of the page before"), CHOICE("format", NULL, "json", "json", "accepted"))},
    {.name = "resources search",
     .call = "GET resources/search",
     .summary = "full-text search, the best first",
     .next = "breyta resources read {data.items.0.uri}",
     PARAMS(WORD("<query>", "q", "words; \"several words\" side by side"), TEXT("type", "type", "result, file or table"),
            FLAG(TEXT, "content-sources", "content-sources", "file,result", "what is searched"),
            CHOICE("keyword-mode", "keyword-mode", NULL, "all|balanced|any", "which of the words"),
            CHOICE("mode", "mode", NULL, "lexical|hybrid|semantic", "how"), LIMIT("10"),
            FLAG(INT, "offset", "offset", NULL, "how many to leave out first"), STORAGE)},
    {.name = "resources get",
     .alias = "show",
     .call = "GET resources/by-uri",
     .summary = "what is known about a resource",
     .next = "breyta resources read {<uri>}",
     PARAMS(URI)},
    {.name = "resources read",
     .call = "GET resources/content",
     .summary = "the content: text, data, or rows of a table; the beginning of what is long",
     .run = client_resource_read,
     PARAMS(URI, FLAG(BOOL, "full", NULL, NULL, "all of it"), FLAG(INT, "limit", "limit", NULL, "rows of a table (25)"),
            FLAG(INT, "offset", "offset", NULL, "rows to leave out first"),
            TEXT("partition-key", "tablePartition", "one partition of a table"),
            FLAG(CSV, "partition-keys", "tablePartitions", NULL, "several partitions"))},
    {.name = "resources download",
     .summary = "the bytes of a resource, into a file",
     .run = client_resource_download,
     PARAMS(URI, {"out", CLIENT_TEXT, NULL, "-", "the file, - for standard output", "FILE", 0})},
    {.name = "resources upload",
     .summary = "send a file; it becomes a resource",
     .run = client_resource_upload,
     PARAMS(WORD("<file>", NULL, "the file"), TEXT("name", NULL, "its name; else that of the file"),
            TEXT("content-type", NULL, "its type; else by its name"), TEXT("folder", NULL, "a folder"),
            FLAG(BOOL, "overwrite", NULL, NULL, "in place of a file of this name"),
            {"replace", CLIENT_BOOL, NULL, NULL, "the same", NULL, CLIENT_HIDDEN},
            FLAG(BOOL, "print-uri", NULL, NULL, "print its address alone, no JSON"))},
    {.name = "resources url",
     .call = "GET resources/url",
     .summary = "an address at which anybody can read it for some time",
     PARAMS(URI, FLAG(INT, "ttl", "ttl", "3600", "seconds, 60 to 86400"))},
    {.name = "resources delete",
     .alias = "rm|archive",
     .call = "DELETE files/by-uri",
     .summary = "delete a file, a kept result or a table",
     PARAMS(URI)},
    {.name = "resources workflow",
     .alias = "run",
     .call = "GET resources/workflow/{run}",
     .summary = "what a run has kept",
     PARAMS(WORD("<workflow-id>", "{run}", "the run"), LIMIT("10"))},
    {.name = "resources workflow list",
     .call = "GET resources/workflow/{run}",
     .summary = "the same",
     PARAMS(WORD("<workflow-id>", "{run}", "the run"), LIMIT("10"))},
    {.name = "resources workflow step",
     .call = "GET resources/workflow/{run}/step/{step}",
     .summary = "what a step of a run has kept",
     PARAMS(WORD("<workflow-id>", "{run}", "the run"), WORD("<step-id>", "{step}", "the step"), LIMIT("10"))},
#define FULL FLAG(BOOL, "full", "full", NULL, "all of it")
    {INDEX("show", "what it is found by"), PARAMS(URI, FULL)},
    {INDEX("update", "say what it is found by"),
     PARAMS(URI, FULL, TEXT("text", "text", "words to be found by"), FLAG(LIST, "tag", "tags", NULL, "a tag"),
            FLAG(CSV, "tags", "tags", NULL, "tags"), TEXT("source-label", "source-label", "where it is from"),
            FLAG(OBJECT, "search-index", "search-index", NULL, "all at once, a JSON object"),
            FROM_FILE(OBJECT, "search-index-file", "search-index", "the same from a file"),
            FLAG(BOOL, "include-raw-content", "include-raw-content", NULL, "by its content too"))},
    {INDEX("clear", "it is not found any more"), PARAMS(URI, FULL)},
    {INDEX("reindex", "it is found by its content again"), PARAMS(URI, FULL)},

    {TABLE("query", "query", "rows of a table"), .run = client_table_query,
     PARAMS(URI, FLAG(INT, "limit", "page.limit", "25", "how many rows"),
            FLAG(INT, "offset", "page.offset", NULL, "rows to leave out first"),
            TEXT("cursor", "page.cursor", "data.page.nextCursor of the page before"),
            CHOICE("page-mode", "page.mode", NULL, "offset|cursor", "how pages are counted"),
            FLAG(BOOL, "include-total-count", "page.include-total-count?", NULL, "count all rows too"),
            FLAG(CSV, "select", "select", NULL, "only these columns"), WHERE, SORT, PARTITIONS)},
    {TABLE("get-row", "get-row", "one row"), PARAMS(URI, ROW_OF, PARTITION)},
    {TABLE("aggregate", "aggregate", "counts, sums and the like"),
     PARAMS(URI, LIMIT("25"), WHERE, FLAG(CSV, "group-by", "group-by", NULL, "columns"),
            FLAG(ARRAY, "group-by-json", "group-by", NULL, "the same as JSON"),
            FLAG(ARRAY, "metrics-json", "metrics", NULL, "[{\"op\": \"sum\", \"field\": ..}, ..]"),
            FLAG(JSON, "having-json", "having", NULL, "which groups"), FLAG(ARRAY, "order-by-json", "order-by", NULL, "their order"),
            PARTITIONS)},
    {TABLE("schema", "schema", "columns of a table"), PARAMS(URI, PARTITIONS)},
    {TABLE("export", "export", "a table as CSV: to standard output as it is, or into a file"), .run = client_table_export,
     PARAMS(URI, {"out", CLIENT_TEXT, NULL, "-", "the file, - for standard output", "FILE", 0},
            FLAG(CSV, "select", "select", NULL, "only these columns"), WHERE, SORT, PARTITIONS)},
    {TABLE("import", "import-csv", "rows of a CSV file into a table"), .run = client_table_import,
     PARAMS(WORD("<uri-or-table-name>", NULL, "the table, or the name of a new one"),
            {"file", CLIENT_TEXT, "csv", NULL, "the CSV", NULL, CLIENT_FILE | CLIENT_RAW | CLIENT_NEEDED},
            CHOICE("write-mode", "write-mode", "append", "append|upsert", "upsert: rows with the same key are changed"),
            FLAG(CSV, "key-fields", "key-fields", NULL, "columns of the key"),
            FLAG(CSV, "index-fields", "index-fields", NULL, "columns with an index"), PARTITIONS)},
    {TABLE("update-cell", "update-cell", "change one cell"),
     PARAMS(URI, NEEDED(TEXT, "column", "column", "the column"), ROW_OF, TEXT("value", "value", "a text"),
            FLAG(JSON, "value-json", "value", NULL, "any JSON"), PARTITION)},
    {TABLE("update-cell-format", "update-cell-format", "how one cell is shown"),
     PARAMS(URI, NEEDED(TEXT, "column", "column", "the column"), ROW_OF, FLAG(OBJECT, "format-json", "format", NULL, "how"),
            FLAG(NULL, "clear", "format", NULL, "as the column says"), PARTITION)},
    {TABLE("set-column", "set-column", "what a column means, and how it is shown"),
     PARAMS(URI, NEEDED(TEXT, "column", "column", "the column"), TEXT("type-hint", "definition.type-hint", "its type"),
            TEXT("semantic-type", "definition.semantic-type", "what it means: url, email, currency ..."),
            TEXT("display-name", "definition.display-name", "its name for people"),
            FLAG(JSON, "computed-json", "definition.computed", NULL, "how it is computed"),
            FLAG(JSON, "reference-json", "definition.reference", NULL, "what it refers to"),
            FLAG(JSON, "enum-json", "definition.enum", NULL, "its values"),
            FLAG(JSON, "format-json", "definition.format", NULL, "how it is shown"),
            FLAG(JSON, "validation-json", "definition.validation", NULL, "what may stand there"), PARTITIONS)},
    {TABLE("recompute", "recompute", "compute computed columns again"),
     PARAMS(URI, FLAG(INT, "limit", "limit", "1000", "how many rows"), FLAG(INT, "offset", "offset", "0", "rows to leave out first"), WHERE,
            PARTITIONS)},
    {TABLE("materialize-join", "materialize-join", "two tables joined into a third"),
     PARAMS(NEEDED(OBJECT, "left-json", "left", "{\"uri\": ..}"), NEEDED(OBJECT, "right-json", "right", "{\"uri\": ..}"),
            NEEDED(JSON, "on-json", "on", "[[\"left-field\", \"right-field\"], ..]"),
            NEEDED(OBJECT, "into-json", "into", "{\"table\": ..}"), FLAG(JSON, "project-json", "project", NULL, "which columns"),
            CHOICE("join-type", "join-type", "left", "left|inner", "which rows"), TEXT("op-id", "op-id", "the same id does it once"))},
    {.name = "resources table verify",
     .summary = "is the table there, and can it be read?",
     .run = client_table_verify,
     PARAMS(URI, FLAG(BOOL, "full", NULL, NULL, "with the rows"), FLAG(INT, "limit", NULL, "25", "how many rows"),
            TEXT("partition-key", NULL, "one partition"))},

    {.name = "steps run",
     .call = "steps.run",
     .summary = "run one step by itself",
     .run = client_steps_run,
     .timeout_ms = 900000,
     PARAMS(RUN_STEP, TEXT("idempotency-key", "idempotencyKey", "the same key answers what was answered before"),
            FLAG(BOOL, "record-example", NULL, NULL, "keep it as an example of the step"),
            FLAG(BOOL, "record-test", NULL, NULL, "keep it as a test of the step"), TEXT("record-note", NULL, "a note for these"),
            TEXT("record-test-name", NULL, "the test's name"))},
    {.name = "steps record",
     .call = "steps.run",
     .summary = "run one step and keep it as example and test",
     .run = client_steps_run,
     .timeout_ms = 900000,
     PARAMS(RUN_STEP, FLAG(BOOL, "no-example", NULL, NULL, "no example"), FLAG(BOOL, "no-test", NULL, NULL, "no test"),
            TEXT("note", NULL, "a note for these"), TEXT("test-name", NULL, "the test's name"))},
    {.name = "steps show",
     .alias = "get",
     .call = "steps.artifacts.get",
     .summary = "documentation, examples and tests of a step",
     PARAMS(STEP)},
    {.name = "steps docs get", .alias = "show", .call = "steps.docs.get", .summary = "what is written about a step", PARAMS(STEP)},
    {.name = "steps docs set",
     .call = "steps.docs.put",
     .summary = "write about a step",
     .run = client_steps_docs,
     PARAMS(STEP, TEXT("markdown", "markdown", "the text"),
            {"file", CLIENT_TEXT, "markdown", NULL, "the same from a file", NULL, CLIENT_FILE | CLIENT_RAW})},
    {.name = "steps examples list", .alias = "ls", .call = "steps.examples.list", .summary = "examples of a step", PARAMS(STEP)},
    {.name = "steps examples add",
     .call = "steps.examples.add",
     .summary = "add an example",
     PARAMS(STEP, NEEDED(JSON, "input", "input", "what goes in"), FLAG(JSON, "output", "output", NULL, "what comes out"),
            TEXT("note", "note", "a note"))},
    {.name = "steps tests list", .alias = "ls", .call = "steps.tests.list", .summary = "tests of a step", PARAMS(STEP)},
    {.name = "steps tests add",
     .call = "steps.tests.add",
     .summary = "add a test",
     PARAMS(STEP, TEXT("type", "stepType", "the step's type"), TEXT("name", "name", "its name"),
            NEEDED(OBJECT, "input", "input", "what goes in"), FLAG(JSON, "expected", "expected", NULL, "what has to come out"),
            TEXT("note", "note", "a note"))},
    {.name = "steps tests verify",
     .call = "steps.tests.verify",
     .summary = "run the tests of a step",
     .timeout_ms = 900000,
     PARAMS(STEP, TEXT("type", "stepType", "the step's type"),
            CHOICE("source", "source", NULL, "draft|latest|active|live", "which text of the flow"),
            FLAG(INT, "version", "version", NULL, "this version of it"), FLAG(BOOL, "full", NULL, NULL, "accepted"),
            FLAG(INT, "preview-depth", NULL, NULL, "accepted"), FLAG(INT, "preview-items", NULL, NULL, "accepted"),
            FLAG(INT, "preview-runes", NULL, NULL, "accepted"))},

    {.name = "webhooks send",
     .summary = "a request to a webhook or a wait, as others send it, signed if it has to be",
     .run = client_webhook_send,
     .text = "Without --draft and --validate-only it is sent without your key, as anybody would send it.",
     PARAMS(NEEDED(TEXT, "path", NULL, "what follows /WORKSPACE/events/"), FLAG(JSON, "json", NULL, NULL, "the body, JSON"),
            {"json-file", CLIENT_TEXT, NULL, NULL, "the same from a file", "FILE", 0},
            FLAG(LIST, "form", NULL, NULL, "a field of a form, NAME=VALUE"),
            FLAG(LIST, "multipart-file", NULL, NULL, "a file of a form, NAME=FILE"),
            {"raw-file", CLIENT_TEXT, NULL, NULL, "the body, as the file is", "FILE", 0}, TEXT("content-type", NULL, "of the body"),
            TEXT("base-url", NULL, "another server"),
            FLAG(BOOL, "draft", NULL, NULL, "to the draft's webhook, with your key"),
            FLAG(BOOL, "validate-only", NULL, NULL, "what it would give as input, with your key; nothing is started"),
            FLAG(BOOL, "persist-resources", NULL, NULL, "keep its files also when it is only tried"),
            FLAG(BOOL, "print-input-map", NULL, NULL, "with --validate-only: the input alone, in data.input"),
            TEXT("api-key", NULL, "send this key; other processes can see it"), CREDENTIALS, FLAG(INT, "fail-on-http", NULL, "400", "exit status 1 from this status on"),
            {"save-response", CLIENT_TEXT, NULL, NULL, "write the answer there", "FILE", 0},
            FLAG(BOOL, "quiet", NULL, NULL, "print nothing when it went well"))},
    {.name = "flows installations upload",
     .call = "flows.installations.triggers.list",
     .summary = "send files to one of its webhooks, as others send them",
     .run = client_webhook_upload,
     .text = "It is sent without your key, with the credentials that the webhook asks for.",
     PARAMS(WORD("<installation-id>", "profileId", "the installation"), FLAG(LIST, "file", NULL, NULL, "a file, for the field --file-field"),
            TEXT("file-field", NULL, "the field for --file; else the webhook's first one for files"),
            FLAG(LIST, "multipart-file", NULL, NULL, "a file for another field, NAME=FILE"), FLAG(LIST, "field", NULL, NULL, "a value, NAME=VALUE"),
            TEXT("trigger", NULL, "the webhook, by its trigger's id or its event; a flow has one at most"), CREDENTIALS)},
    {.name = "triggers webhook-url",
     .call = "GET triggers",
     .summary = "addresses of a flow's webhooks",
     .run = client_webhook_urls,
     PARAMS(WORD("[flow-slug]", "flow", "the flow"), TEXT("flow", "flow", "the same"),
            FLAG(INT, "limit", "limit", "25", "how many at once"))},
    {0}};
