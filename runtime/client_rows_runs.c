/* client_rows_runs.c - rows: runs, waits, triggers. */
#include "client_rows.h"
#include "client_runs.h"

#define RUN WORD("<run-id>", "workflowId", "the run; its end, such as r12, will do when there is only one")
#define OF_FLOW TEXT("flow", "flowSlug", "the flow of a run that is named by its end")
#define INSTALLATION TEXT("installation-id", "installationId", "only if it belongs to this installation")
#define OLD_PROFILE {"profile-id", CLIENT_TEXT, "profileId", NULL, "older name of --installation-id", NULL, CLIENT_HIDDEN}
#define WAITING(timeout, every)                                                                                                               \
  FLAG(BOOL, "wait", NULL, NULL, "wait until the run is over: exit status 0 only if it has completed"),                                    \
      FLAG(DURATION, "timeout", NULL, timeout, "how long to wait; then it goes on alone, and the status is 0"),                              \
      FLAG(DURATION, "poll", NULL, every, "how often to look")
#define INVOCATION TEXT("invocation", "invocation", "which of the flow's :invocations"), {"invocation-id", CLIENT_TEXT, "invocation", NULL, "the same", NULL, CLIENT_HIDDEN}
#define NEW_RUN "breyta runs inspect {data.workflowId}"

const ClientCommand client_rows_runs[] = {
    {.name = "runs list", .alias = "ls", .call = "runs.list", .summary = "list runs, the newest first",
     .next = "breyta runs inspect {data.items.0.workflowId}",
     PARAMS(WORD("[flow-slug]", "flowSlug", "only runs of this flow"), TEXT("flow", "flowSlug", "the same"),
            CHOICE("status", "status", NULL, "queued|running|waiting|completed|failed|cancelled|terminated|timed-out|blocked", "only runs in this state"),
            TEXT("installation-id", "installationId", "only runs of this installation"), FLAG(INT, "version", "version", NULL, "only runs of this version; 0: of drafts"),
            TEXT("query", "query", "status:failed flow:S version:3, in one text"), FLAG(INT, "limit", "limit", "10", "how many at once"),
            TEXT("cursor", "cursor", "meta.nextCursor of the page before"), OLD_PROFILE,
            {"include-steps", CLIENT_BOOL, NULL, NULL, "accepted", NULL, CLIENT_HIDDEN})},
    {.name = "runs show", .alias = "get", .call = "runs.get", .summary = "show a run: status, input, result or error",
     .next = "breyta runs inspect {data.run.workflowId}", .run = client_runs_show,
     PARAMS(RUN, OF_FLOW, INSTALLATION, OLD_PROFILE, FLAG(BOOL, "include-steps", NULL, NULL, "with its steps"),
            FLAG(BOOL, "include-result", NULL, NULL, "with the whole result"), FLAG(BOOL, "errors", NULL, NULL, "with the steps that failed only"),
            FLAG(BOOL, "full", NULL, NULL, "steps, their results, and the result"), FLAG(INT, "steps", NULL, "20", "at most so many steps, the last ones; 0: all"))},
    {.name = "runs inspect", .call = "runs.get", .summary = "what happened in a run: each step with its duration and error", .run = client_runs_inspect,
     .next = "breyta runs show {data.run.workflowId} --include-result",
     PARAMS(RUN, OF_FLOW, INSTALLATION, FLAG(BOOL, "full", NULL, NULL, "with results"), TEXT("step", "stepId", "this step only"))},
    {.name = "runs step", .call = "runs.get", .summary = "one step of a run, with its events", .run = client_runs_step,
     PARAMS(RUN, WORD("<step-id>", "stepId", "the step"), OF_FLOW, INSTALLATION, FLAG(BOOL, "full", NULL, NULL, "with its whole input and result"))},
    {.name = "runs events", .alias = "logs", .call = "runs.events", .summary = "what happened to a run, in order of time",
     PARAMS(RUN, OF_FLOW, INSTALLATION, TEXT("step", "stepId", "this step only"), FLAG(INT, "limit", "limit", "100", "how many, the last ones"))},
    {.name = "runs watch", .summary = "follow a run until it is over: events on standard error, the run on standard output", .run = client_runs_watch,
     .text = "The exit status is 0 only if the run has completed, or if the time is up before it is over.",
     PARAMS(RUN, OF_FLOW, TEXT("installation-id", NULL, "only if it belongs to this installation"),
            FLAG(DURATION, "timeout", NULL, "15m", "how long to follow"), FLAG(DURATION, "poll", NULL, "250ms", "how often to look"))},
    {.name = "runs start", .call = "runs.start", .summary = "start a run of the active version", .run = client_run_start, .flags = CLIENT_HIDDEN, .next = NEW_RUN,
     PARAMS(NEEDED(TEXT, "flow", "flowSlug", "the flow"), FLAG(OBJECT, "input", "input", NULL, "the flow's input"), INVOCATION,
            FLAG(VERSION, "version", "version", NULL, "which version"), CHOICE("source", "source", NULL, "draft|active|live", "which text"),
            TEXT("installation-id", "installationId", "the installation"), OLD_PROFILE, WAITING("15m", "250ms"))},
    {.name = "runs cancel", .call = "runs.cancel", .summary = "end a run as cancelled", .run = client_runs_cancel,
     .text = "Its finally blocks run. A run that is over already is fine: data.alreadyCompleted is true then.",
     .next = "breyta runs show {data.workflowId}",
     PARAMS(RUN, OF_FLOW, TEXT("reason", "reason", "why, for those who look at it"), FLAG(BOOL, "force", "force", NULL, "end it at once, without finally blocks"))},
    {.name = "runs replay", .call = "runs.replay", .summary = "run it again from the beginning: same input, same version, a new run", .run = client_run_again, .next = NEW_RUN,
     PARAMS(RUN, OF_FLOW, INSTALLATION, WAITING("15m", "250ms"))},
    {.name = "runs retry", .call = "runs.retry", .summary = "a new run that goes on where this one failed; what was done before is kept", .run = client_run_again, .next = NEW_RUN,
     PARAMS(RUN, OF_FLOW, TEXT("step", "stepId", "go on at this step instead, the last time it was reached"), WAITING("15m", "250ms"))},
    {.name = "runs fork", .call = "runs.fork", .summary = "a new run that shares the steps before this one and goes on with what you change", .run = client_run_again, .next = NEW_RUN,
     PARAMS(RUN, OF_FLOW, TEXT("step", "stepId", "in front of this step"), FLAG(INT, "occurrence", "occurrence", NULL, "which time it was reached, 1 the first"),
            FLAG(INT, "number", "number", NULL, "in front of this step counted from 1, instead of --step"), FLAG(OBJECT, "input", "input", NULL, "another input of the run"),
            FLAG(OBJECT, "config", "config", NULL, "other options of the step"), FLAG(JSON, "result", "result", NULL, "the step's result: it is not run"),
            FROM_FILE(JSON, "result-file", "result", "the same from a file"), FLAG(OBJECT, "error", "error", NULL, "the step fails with this: {\"message\": \"..\"}"), WAITING("15m", "250ms"))},
    {.name = "runs verify", .call = "runs.verify", .summary = "rebuild a run from its journal, without any effect, and compare", PARAMS(RUN, OF_FLOW)},
    {.name = "runs continue", .summary = "let a run that waits go on: approve what it waits for", .run = client_runs_continue, .next = "breyta runs watch {<run-id>}",
     PARAMS(RUN, OF_FLOW, FLAG(BOOL, "approve-latest-wait", NULL, NULL, "approve what was asked last"), FLAG(INT, "limit", NULL, "25", "how many waits to look at"))},

    {.name = "waits list", .alias = "ls", .call = "GET waits", .summary = "list what runs wait for", .next = "breyta waits show {data.items.0.waitId}",
     PARAMS(TEXT("flow", "flowSlug", "only waits of this flow"), TEXT("run", "workflowId", "only waits of this run"),
            {"workflow-id", CLIENT_TEXT, "workflowId", NULL, "the same", NULL, CLIENT_HIDDEN},
            FLAG(BOOL, "shows-in-ui-only", "showsInUiOnly", NULL, "only those that people see"), FLAG(INT, "limit", "limit", "25", "how many at once"),
            TEXT("cursor", "cursor", "data.nextCursor of the page before"))},
#define WAIT WORD("<wait-id>", "{id}", "the wait")
    {.name = "waits show", .alias = "get", .call = "GET waits/{id}", .summary = "show one wait, also when it is over", PARAMS(WAIT)},
    {.name = "waits approve", .call = "POST waits/{id}/approve", .summary = "approve",
     PARAMS(WAIT, TEXT("reason", "reason", "why, for those who look at it"), FLAG(OBJECT, "fields", "", NULL, "the fields that are asked for"))},
    {.name = "waits reject", .call = "POST waits/{id}/reject", .summary = "reject", PARAMS(WAIT, TEXT("reason", "reason", "why, for those who look at it"))},
    {.name = "waits complete", .call = "POST waits/{id}/complete", .summary = "answer a wait: the payload becomes the step's result",
     PARAMS(WAIT, FLAG(OBJECT, "payload", "", NULL, "the answer, a JSON object"), FROM_FILE(OBJECT, "payload-file", "", "the same from a file"))},
    {.name = "waits action", .call = "POST waits/{id}/action/{name}", .summary = "another answer: one of the wait's actions, delegate, retry, skip, fail",
     PARAMS(WAIT, WORD("<action-name>", "{name}", "the action"), FLAG(OBJECT, "payload", "", NULL, "what the action is told, such as {\"to\": \"ada\"}"))},
    {.name = "waits cancel", .alias = "delete", .call = "DELETE waits/{id}", .summary = "nobody shall answer it any more: the step fails", PARAMS(WAIT)},

#define TRIGGER WORD("<trigger-id>", "{id}", "the trigger")
#define TRIGGER_PAGE CHOICE("type", "type", NULL, "manual|schedule|webhook|event|http|mcp", "only those of this kind"), \
  FLAG(INT, "limit", "limit", "25", "how many at once"), TEXT("cursor", "cursor", "data.next-cursor of the page before")
    {.name = "triggers", .call = "GET triggers", .summary = "triggers of a flow", .next = "breyta triggers show {data.triggers.0.id}",
     PARAMS(WORD("<flow-slug>", "flow", "the flow"), TRIGGER_PAGE)},
    {.name = "triggers list", .alias = "ls", .call = "GET triggers", .summary = "list triggers", .next = "breyta triggers show {data.triggers.0.id}",
     PARAMS(TEXT("flow", "flow", "only triggers of this flow"), TRIGGER_PAGE)},
    {.name = "triggers show", .alias = "get", .call = "GET triggers/{id}", .summary = "show a trigger; of a schedule also when it is due next", PARAMS(TRIGGER)},
    {.name = "triggers fire", .call = "POST triggers/{id}/fire", .summary = "fire it now", .next = "breyta runs watch {data.data.workflowId}",
     PARAMS(TRIGGER, FLAG(OBJECT, "payload", "", NULL, "what the run gets, a JSON object"), FROM_FILE(OBJECT, "payload-file", "", "the same from a file"))},
    {.name = "triggers webhook-secret", .call = "POST triggers/{id}/webhook-secret", .summary = "make a new secret for a webhook; it is shown once", PARAMS(TRIGGER)},
    {0}};
