/* client_rows_runs.c - rows: runs, waits, triggers. */
#include "client_rows.h"
#include "client_runs.h"

#define RUN WORD("<run-id>", "workflowId", "the run")
#define OF_FLOW TEXT("flow", "flowSlug", "the flow; then the end of a run's id will do, such as r12")
#define INSTALLATION TEXT("installation-id", "installationId", "only if it belongs to this installation")
#define RUN_NEXT "breyta runs inspect {data.workflowId}\nbreyta runs watch {data.workflowId}"
#define WAIT WORD("<wait-id>", "{id}", "the wait")
#define TRIGGER WORD("<trigger-id>", "{id}", "the trigger")
#define TRIGGER_PAGE CHOICE("type", "type", NULL, "manual|schedule|webhook|event|http|mcp", "only those of this kind"), \
  FLAG(INT, "limit", "limit", "25", "how many at once"), TEXT("cursor", "cursor", "goes on behind meta.nextCursor of the last page")

const ClientCommand client_rows_runs[] = {
    {.name = "runs list", .alias = "ls", .call = "runs.list", .summary = "list runs, the newest first",
     .next = "breyta runs inspect {data.items.0.workflowId}", 
     PARAMS(WORD("[flow-slug]", "flowSlug", "only runs of this flow"), TEXT("flow", "flowSlug", "the same"),
            CHOICE("status", "status", NULL, "queued|running|waiting|completed|failed|cancelled|terminated|timed-out", "only runs in this state"),
            TEXT("installation-id", "installationId", "only runs of this installation"), FLAG(INT, "version", "version", NULL, "only runs of this version"),
            TEXT("query", "query", "status:failed flow:S version:3, in one text"), FLAG(INT, "limit", "limit", "10", "how many at once"),
            TEXT("cursor", "cursor", "goes on behind meta.nextCursor of the last page"),
            {"profile-id", CLIENT_TEXT, "profileId", NULL, "the same as --installation-id", NULL, CLIENT_HIDDEN},
            {"include-steps", CLIENT_BOOL, NULL, NULL, "accepted", NULL, CLIENT_HIDDEN})},
    {.name = "runs show", .alias = "get", .call = "runs.get", .summary = "show a run: status, input, result or error",
     .next = "breyta runs inspect {<run-id>}", .run = client_runs_show,
     PARAMS(RUN, OF_FLOW, INSTALLATION, FLAG(BOOL, "include-steps", NULL, NULL, "with its steps"), FLAG(BOOL, "include-result", NULL, NULL, "with the whole result"),
            FLAG(BOOL, "errors", NULL, NULL, "with the steps that failed only"), FLAG(BOOL, "full", NULL, NULL, "steps, their results, and the result"),
            FLAG(INT, "steps", NULL, "20", "at most so many steps, the last ones; 0: all"))},
    {.name = "runs inspect", .call = "runs.get", .summary = "what happened in a run: each step with its duration and error", .run = client_runs_inspect,
     PARAMS(RUN, OF_FLOW, INSTALLATION, FLAG(BOOL, "full", NULL, NULL, "with results"), TEXT("step", "stepId", "this step only"))},
    {.name = "runs step", .call = "runs.get", .summary = "one step of a run, with its events", .run = client_runs_step,
     PARAMS(RUN, WORD("<step-id>", "stepId", "the step"), OF_FLOW, INSTALLATION, FLAG(BOOL, "full", NULL, NULL, "with its whole result"))},
    {.name = "runs events", .call = "runs.events", .summary = "what happened to a run, in order of time",
     PARAMS(RUN, OF_FLOW, INSTALLATION, TEXT("step", "stepId", "this step only"), FLAG(INT, "limit", "limit", "100", "how many, the last ones"))},
    {0}};
