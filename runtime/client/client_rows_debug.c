/* client_rows_debug.c - rows: breakpoints of flows, and runs that stand at one. */
#include "client_rows.h"

#define FLOW WORD("<flow-slug>", "{slug}", "the flow")
#define STEP WORD("<step-id>", "{step}", "the step")
#define STOPPED                                                                                                                            \
  WORD("<workflow-id>", "{workflow}", "the run"), STEP, {"<before|after|both>", CLIENT_TEXT, "{side}", NULL, "the side of the step where it stands; both: either", "before|after|both", 0}, \
      FLAG(INT, "occurrence", "occurrence", NULL, "only if it stands at this round of a loop")

const ClientCommand client_rows_debug[] = {
    {.name = "debug overlays list",
     .alias = "ls",
     .call = "GET debug/overlays",
     .summary = "flows with breakpoints",
     .next = "breyta debug overlays show {data.items.0.flowSlug}",
     NO_PARAMS},
    {.name = "debug overlays show",
     .alias = "get",
     .call = "GET debug/overlays/{slug}",
     .summary = "the breakpoints of a flow, and which runs stand at one",
     PARAMS(FLOW)},
    {.name = "debug overlays set-breakpoint",
     .call = "PATCH debug/overlays/{slug}/breakpoint/{step}",
     .summary = "runs of the flow's draft stop at a step; who waits at one that is taken away goes on",
     .next = "breyta flows run {<flow-slug>}",
     PARAMS(FLOW, STEP, CHOICE("type", "type", "before", "before|after|both|none", "before the step is tried, after its result is recorded; none takes it away"))},
    {.name = "debug overlays set-enabled",
     .call = "PATCH debug/overlays/{slug}/enabled",
     .summary = "switch the breakpoints of a flow on or off together",
     PARAMS(FLOW, FLAG(BOOL, "enabled", "enabled", "true", "--enabled=false: runs pass them"),
            CHOICE("target", "target", NULL, "draft|all", "whose runs stop: those of the draft alone (as at first), or live ones and installations too"))},
    {.name = "debug breakpoints continue",
     .call = "POST debug/breakpoints/{workflow}/{step}/{side}/continue",
     .summary = "a run that stands at a breakpoint goes on",
     .next = "breyta runs show {data.workflowId}",
     PARAMS(STOPPED)},
    {.name = "debug breakpoints abort",
     .call = "POST debug/breakpoints/{workflow}/{step}/{side}/abort",
     .summary = "a run that stands at a breakpoint fails with breakpoint-aborted; its finally blocks run",
     PARAMS(STOPPED)},
    {0}};
