/* client_rows_look.c - rows: the reference, and what the server tells about itself and is told: incidents, digests, feedback. */
#include "client_docs.h"
#include "client_rows.h"

#define DOCS_TIMEOUT(n) FLAG(INT, "timeout-seconds", NULL, n, "how long to wait for the server")
#define SECTION TEXT("section", NULL, "only what stands below the first heading with these words")
#define NO_HEADER FLAG(BOOL, "no-header", NULL, NULL, "without the line of names")
#define LINES CHOICE("format", NULL, "tsv", "tsv|json", "tsv: a line for each, with tabs")
#define ACCEPTED(name) {name, CLIENT_BOOL, NULL, NULL, "accepted", NULL, CLIENT_HIDDEN}
#define LIMIT(n) FLAG(INT, "limit", "limit", n, "how many at once")
#define INCIDENT WORD("<incident-id>", "{id}", "the incident, such as inc-FLOW.live")
#define DIGEST WORD("<digest-id>", "{id}", "the digest, such as weekly-2026-01-05")
#define TEXTUAL "What it prints is text; with --format json it is JSON, as other commands print it"
#define CADENCES "daily|weekly|monthly"

static int incidents_list(ClientRun *r) {
  ClientAnswer a;
  if (client_flag(r, "mine")) r->args = client_put_text(r->args, "scope", "mine");
  client_send(r, &a);
  return client_finish(r, &a);
}

static int feedback_send(ClientRun *r) {
  ClientAnswer a;
  if (client_flag(r, "agent") && !client_given(r, "source")) r->args = client_put_text(r->args, "source", "agent");
  client_send(r, &a);
  return client_finish(r, &a);
}

const ClientCommand client_rows_look[] = {
    {.name = "docs find",
     .alias = "search",
     .call = "GET docs/pages",
     .summary = "pages of the reference that have these words; all pages without",
     .run = client_docs_find,
     .text = TEXTUAL,
     PARAMS(WORD("[query]", "query", "words that must be there"), TEXT("q", "q", "the same"), TEXT("source", "source", "reference or all"),
            FLAG(INT, "limit", "limit", "10", "how many at once"), FLAG(INT, "offset", "offset", NULL, "how many to leave out first"),
            FLAG(BOOL, "with-snippets", "with-snippets", "true", "with a line of each page"), LINES, NO_HEADER, DOCS_TIMEOUT("30"),
            ACCEPTED("explain"), ACCEPTED("with-summary"))},
    {.name = "docs show",
     .alias = "get",
     .call = "GET docs/pages/{slug}",
     .summary = "print a page",
     .run = client_docs_show,
     .text = TEXTUAL,
     PARAMS(WORD("<slug>", "{slug}", "the page, such as reference-step-http"), CHOICE("format", NULL, "markdown", "markdown|html|json", "how"), SECTION,
            FLAG(INT, "max-chars", NULL, "12000", "cut it there"), FLAG(BOOL, "full", NULL, NULL, "all of it"), DOCS_TIMEOUT("30"))},
    {.name = "docs fields",
     .call = "GET docs/pages/{slug}",
     .summary = "the options of a step and the fields of its result, a line for each",
     .run = client_docs_fields,
     .text = TEXTUAL,
     PARAMS(WORD("<step-type-or-doc-slug>", NULL, "a type of step, such as http, or a page"), WORD("[field...]", NULL, "only these"), SECTION, LINES,
            NO_HEADER, DOCS_TIMEOUT("30"))},
    {.name = "docs sync",
     .call = "GET docs/pages",
     .summary = "write every page into a folder, as Markdown",
     .run = client_docs_sync,
     PARAMS({"out", CLIENT_TEXT, NULL, ".breyta-docs", "the folder", "DIR", 0},
            FLAG(BOOL, "clean", NULL, NULL, "remove other .md files from it: pages that are gone"), DOCS_TIMEOUT("90"))},

    {.name = "incidents list",
     .alias = "ls",
     .call = "GET incidents",
     .summary = "flows whose runs have failed since one last ended well",
     .run = incidents_list,
     .next = "breyta incidents show {data.items.0.id}",
     PARAMS(CHOICE("status", "status", NULL, "open|acknowledged|snoozed|suppressed", "only those; else all but suppressed ones"),
            FLAG(BOOL, "mine", NULL, NULL, "only those that this key has said something about"), LIMIT("10"), ACCEPTED("full"))},
    {.name = "incidents show",
     .alias = "get",
     .call = "GET incidents/{id}",
     .summary = "one incident with its newest failures",
     .next = "breyta runs inspect {data.failures.0.workflowId}",
     PARAMS(INCIDENT, FLAG(INT, "failure-limit", "failure-limit", "10", "how many failures"))},
    {.name = "incidents lanes", .call = "GET incidents/{id}/lanes", .summary = "its failures by version", PARAMS(INCIDENT, LIMIT("25"))},
    {.name = "incidents acknowledge",
     .alias = "ack",
     .call = "POST incidents/{id}/acknowledge",
     .summary = "somebody looks after it; open again when it fails again",
     PARAMS(INCIDENT)},
    {.name = "incidents snooze",
     .call = "POST incidents/{id}/snooze",
     .summary = "nobody wants to hear of it for a while",
     PARAMS(INCIDENT, {"for", CLIENT_TEXT, "?for", NULL, "how long; else 24h", "DURATION", 0})},
    {.name = "incidents suppress", .call = "POST incidents/{id}/suppress", .summary = "nobody wants to hear of it any more", PARAMS(INCIDENT)},

    {.name = "digests list",
     .alias = "ls",
     .call = "GET digests",
     .summary = "what ran in each of the last days, weeks or months",
     .next = "breyta digests show {data.items.0.id}",
     PARAMS(CHOICE("cadence", "cadence", NULL, CADENCES, "else what `digests cadence set` said"), TEXT("kind", "kind", "runs: there is no other"),
            CHOICE("status", "status", NULL, "read|unread", "only those"), LIMIT("10"), ACCEPTED("full"))},
    {.name = "digests show", .alias = "get", .call = "GET digests/{id}", .summary = "one digest", PARAMS(DIGEST)},
    {.name = "digests deliveries",
     .call = "GET digests/{id}/deliveries",
     .summary = "where it was sent: nowhere, digests are read here",
     PARAMS(DIGEST, TEXT("channel", "channel", "accepted"), LIMIT("25"))},
    {.name = "digests mark-read", .call = "POST digests/{id}/mark-read", .summary = "this key has read it", PARAMS(DIGEST)},
    {.name = "digests cadence set",
     .call = "POST digests/preferences/cadence",
     .summary = "which digests this key wants to see",
     PARAMS({"<cadence>", CLIENT_TEXT, "?cadence", NULL, "daily, weekly or monthly", CADENCES, 0})},

    {.name = "feedback send",
     .call = "feedback.send",
     .summary = "tell the operator of the server something",
     .run = feedback_send,
     PARAMS(NEEDED(TEXT, "title", "title", "what it is about, in one line"), TEXT("description", "description", "what there is to say"),
            FLAG(TEXT, "type", "type", "issue", "issue, idea or another word"), TEXT("flow", "flowSlug", "the flow it is about"),
            TEXT("workflow-id", "workflowId", "the run it is about"), TEXT("run-id", "runId", "the same"), TEXT("command", "command", "the command it is about"),
            FLAG(LIST, "tag", "tags", NULL, "a word to find it by"), TEXT("source", "source", "who speaks"),
            FLAG(BOOL, "agent", NULL, NULL, "the same as --source agent"), FLAG(OBJECT, "metadata", "metadata", NULL, "anything else, a JSON object"),
            FLAG(OBJECT, "context", "context", NULL, "the same"))},
    {.name = "feedback list",
     .alias = "ls",
     .call = "feedback.list",
     .summary = "what was said, the newest first; for the server's first key",
     PARAMS(LIMIT(NULL), TEXT("cursor", "cursor", "meta.nextCursor of the page before"))},
    {0}};
