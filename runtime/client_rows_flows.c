/* client_rows_flows.c - rows: flows, their versions, settings and installations. */
#include "client_flows.h"
#include "client_rows.h"

#define OPTIONAL_SLUG(help) WORD("[flow-slug]", "flowSlug", help)
#define TARGET(help) CHOICE("target", NULL, NULL, "draft|live", help)
#define SENT_TARGET(dflt) CHOICE("target", "target", dflt, "draft|live", "the draft, or what is live")
#define VERSION(help) FLAG(VERSION, "version", "version", NULL, help)
#define NUMBER(name, to, help) FLAG(INT, name, to, NULL, help)
#define DEPLOY_KEY                                                                                                                            \
  TEXT("deploy-key", "deployKey", "the flow's deploy key, where it has one; else --deploy-key-file"),                                       \
      FROM_FILE(TEXT, "deploy-key-file", "deployKey", "the same from a file")
#define RELEASE_NOTE                                                                                                                        \
  TEXT("release-note", "releaseNote", "what is new"), {"note", CLIENT_TEXT, "releaseNote", NULL, "the same", NULL, CLIENT_HIDDEN},             \
      FROM_FILE(TEXT, "release-note-file", "releaseNote", "the same from a file")
#define FLOW_FILE {"file", CLIENT_TEXT, NULL, "flow.edn", "the flow's file, - for standard input; files that it includes go with it", "FILE", 0}
#define NOT_MEANT(name) {name, CLIENT_BOOL, NULL, NULL, "accepted for scripts of the stock client", NULL, CLIENT_HIDDEN}
#define INPUT                                                                                                                                  \
  FLAG(OBJECT, "input", "input", NULL, "the flow's input, a JSON object"), FROM_FILE(OBJECT, "input-file", "input", "the same from a file"),      \
      FLAG(PAIRS, "field", "input", NULL, "one field of the input; the value is JSON, or else text")
#define WAITING(timeout, every)                                                                                                               \
  FLAG(BOOL, "wait", NULL, NULL, "wait until the run is over, with its progress on standard error: exit status 0 only if it has completed"),   \
      FLAG(DURATION, "timeout", NULL, timeout, "how long to wait; then it goes on alone, and the status is 0"),                               \
      FLAG(DURATION, "poll", NULL, every, "how often to look")
#define INVOCATION TEXT("invocation", "invocation", "which of the flow's :invocations"), {"invocation-id", CLIENT_TEXT, "invocation", NULL, "the same", NULL, CLIENT_HIDDEN}
#define SETTINGS                                                                                                                               \
  FLAG(LIST, "set", NULL, NULL, "SLOT.conn=ID, SLOT.apikey=@FILE, activation.FIELD=VALUE; values are JSON or text, @FILE reads a file, @@x is @x"), \
      FLAG(OBJECT, "schedules", "schedules", NULL, "{\"ID\": {\"enabled\": true}}"), FLAG(LIST, "schedule-enable", NULL, NULL, "turn a schedule on"),          \
      FLAG(LIST, "schedule-disable", NULL, NULL, "turn a schedule off"), FLAG(LIST, "schedule-reset", "scheduleResets", NULL, "a schedule as the flow says")
#define SETTINGS_FILE                                                                                                                      \
  WORD("[@profile.edn]", NULL, "a file of settings, as `breyta flows bindings template` writes it"), {"profile", CLIENT_TEXT, NULL, NULL, "the same", "FILE", CLIENT_HIDDEN}
#define INSTALLED WORD("<installation-id>", "profileId", "the installation")
#define NEXT_RUN "breyta flows run {data.flowSlug} --wait"
#define SEARCH                                                                                                                                 \
  WORD("[query]", "query", "words"), TEXT("flow", "flowSlug", "only in this flow"), TEXT("provider", "provider", "flows that talk to this"),   \
      TEXT("step-type", "stepType", "flows with steps of this type"), TEXT("tool-name", "toolName", "flows with this tool"),                   \
      TEXT("connection", "connection", "flows that use this connection"), CHOICE("target", "target", "latest", "latest|draft|live", "which text"), \
      FLAG(INT, "limit", "limit", "5", "how many at once"), NUMBER("from", "from", "leave out the first ones"),                               \
      FLAG(BOOL, "include-archived", "includeArchived", NULL, "archived flows too")

const ClientCommand client_rows_flows[] = {
    {.name = "flows init", .summary = "make a folder with a new flow and its tests; asks no server", .run = client_flows_init, .flags = CLIENT_LOCAL,
     PARAMS(WORD("<flow-slug>", NULL, "its slug: letters, digits, - and _"), TEXT("dir", NULL, "the folder; else the slug"), TEXT("name", NULL, "its name"),
            TEXT("description", NULL, "what it does"))},
    {.name = "flows create", .call = "flows.put_draft", .summary = "make a small flow on the server, as a draft", .run = client_flows_create,
     .next = "breyta flows pull {data.flowSlug}",
     PARAMS(NEEDED(TEXT, "slug", NULL, "its slug"), TEXT("name", NULL, "its name"), TEXT("description", NULL, "what it does"))},
    {.name = "flows push", .call = "flows.put_draft", .summary = "send a flow's file as the draft", .run = client_flows_push, .timeout_ms = 120000,
     .text = "Warnings and errors are told with their places in the file. The draft is kept also when it has errors; then the exit status is 1.",
     .next = "breyta flows configure check {data.flowSlug} --target draft\nbreyta flows run {data.flowSlug} --wait\nbreyta flows release {data.flowSlug}",
     PARAMS(FLOW_FILE, FLAG(BOOL, "validate", NULL, "true", "let the server check the draft"), TARGET("draft"),
            TEXT("deploy-key", "deploy-key", "the flow's deploy key, where it has one"), FROM_FILE(TEXT, "deploy-key-file", "deploy-key", "the same from a file"),
            FLAG(DURATION, "timeout", NULL, "2m", "how long to wait for the server"), NOT_MEANT("provenance"), NOT_MEANT("repair-delimiters"), NOT_MEANT("no-repair-writeback"))},
    {.name = "flows pull", .call = "flows.get", .summary = "write the text of a flow into a file", .run = client_flows_pull,
     .fixed = "{\"view\": \"full\", \"includeFlowLiteral\": true, \"includeTemplates\": false, \"includeFunctions\": false}",
     PARAMS(SLUG, TEXT("out", NULL, "the file, written over if it is there; - leaves the text in data.flowLiteral; else SLUG.edn, which is not"), TARGET("the draft, or what is live"),
            NUMBER("version", "version", "this version"), FLAG(BOOL, "force", NULL, NULL, "write over SLUG.edn when it differs"))},
    {.name = "flows validate", .call = "flows.validate", .summary = "have the server check a flow", .run = client_flows_source,
     PARAMS(SLUG, TARGET("the draft, or what is live"), NUMBER("version", "version", "this version"))},
    {.name = "flows lint", .summary = "check a flow's file here; asks no server", .run = client_flows_lint, .flags = CLIENT_LOCAL,
     .text = "The same checks as those of the server. The exit status is 1 when there are errors.",
     PARAMS(FLOW_FILE, FLAG(BOOL, "server", NULL, NULL, "ask the server too"), NOT_MEANT("local-only"), FLAG(DURATION, "timeout", NULL, "30s", "how long to wait for the server"))},
    {.name = "flows list", .alias = "ls", .call = "flows.list", .summary = "list flows", .run = client_flows_list, .next = "breyta flows show {data.items.0.flowSlug}",
     PARAMS(FLAG(INT, "limit", NULL, "10", "how many"), TEXT("cursor", "cursor", "meta.nextCursor of the page before"), FLAG(INT, "page-size", NULL, "100", "how many at once"),
            FLAG(BOOL, "include-archived", "includeArchived", NULL, "archived ones too"), CHOICE("format", NULL, "json", "json|table", "table: also as lines on standard error"))},
    {.name = "flows show", .alias = "get", .call = "flows.get", .summary = "show a flow", .run = client_flows_show,
     .next = "breyta flows pull {<flow-slug>}\nbreyta flows run {<flow-slug>} --wait",
     PARAMS(SLUG, TARGET("the draft, or what is live"), NUMBER("version", "version", "this version"), FLAG(BOOL, "full", NULL, NULL, "everything, the text too"),
            FLAG(CSV, "include", NULL, NULL, "literal, functions, templates"))},
    {.name = "flows diff", .call = "flows.diff", .summary = "how two texts of a flow differ", .run = client_flows_diff,
     PARAMS(SLUG, TEXT("from", NULL, "draft, live, file or a version (live; with --file: draft)"), TEXT("to", NULL, "draft, live, file or a version (draft; with --file: file)"),
            NUMBER("from-version", "fromVersion", "this version"), NUMBER("to-version", "toVersion", "this version"),
            {"file", CLIENT_TEXT, NULL, NULL, "a flow's file, - for standard input", "FILE", 0}, FLAG(BOOL, "full", NULL, NULL, "with the changed lines"))},
    {.name = "flows compile", .call = "flows.compile", .summary = "what a flow is made of", .run = client_flows_source,
     PARAMS(SLUG, TARGET("the draft, or what is live"), NUMBER("version", "version", "this version"))},
    {.name = "flows steps list", .call = "flows.compile", .summary = "list the steps of a draft", .run = client_flows_steps, PARAMS(SLUG)},
    {.name = "flows steps show", .call = "flows.compile", .summary = "one step of a draft", .run = client_flows_steps,
     PARAMS(SLUG, WORD("<step-id>", NULL, "the step"), FLAG(CSV, "include", NULL, NULL, "accepted"))},
    {.name = "flows release", .call = "flows.release", .summary = "make a version of the draft and let live point at it", .run = client_flows_release,
     .next = "breyta flows run {data.flowSlug} --target live --wait\nbreyta flows versions list {data.flowSlug}",
     PARAMS(SLUG, VERSION("release this version again"), RELEASE_NOTE, DEPLOY_KEY, FLAG(BOOL, "skip-promote-installations", NULL, NULL, "installations stay where they are"))},
    {.name = "flows promote", .call = "flows.promote", .summary = "let live point at a version; an older one takes a release back", .fixed = "{\"target\": \"live\"}",
     .next = "breyta flows run {data.flowSlug} --target live --wait",
     PARAMS(SLUG, FLAG(VERSION, "version", "version", "latest", "which version"), CHOICE("scope", "scope", NULL, "all|live", "live: installations stay where they are"),
            CHOICE("policy", "policy", NULL, "track-latest|pinned", "do installations follow?"), DEPLOY_KEY)},
    {.name = "flows deploy", .call = "flows.deploy", .summary = "release and promote at once: both or nothing", .run = client_flows_deploy, .timeout_ms = 120000, .next = NEXT_RUN,
     PARAMS(SLUG, VERSION("this version"), RELEASE_NOTE, DEPLOY_KEY)},
    {.name = "flows versions list", .alias = "ls", .call = "flows.versions.list", .summary = "list the versions of a flow, newest first",
     PARAMS(SLUG, NUMBER("limit", "limit", "how many at once"), TEXT("cursor", "cursor", "meta.nextCursor of the page before"))},
    {.name = "flows versions publish", .call = "flows.versions.publish", .summary = "make a version of the draft; live stays where it is",
     .next = "breyta flows promote {data.flowSlug}", PARAMS(SLUG, RELEASE_NOTE, DEPLOY_KEY)},
    {.name = "flows versions activate", .call = "flows.versions.activate", .summary = "make a version the active one",
     PARAMS(SLUG, {"version", CLIENT_VERSION, "version", NULL, "which version", NULL, CLIENT_NEEDED}, DEPLOY_KEY)},
    {.name = "flows versions update", .call = "flows.versions.update", .summary = "change the release note of a version",
     PARAMS(SLUG, {"version", CLIENT_INT, "version", NULL, "which version", NULL, CLIENT_NEEDED}, RELEASE_NOTE, FLAG(BOOL, "clear-release-note", "clearReleaseNote", NULL, "no note"))},
    {.name = "flows versions diff", .call = "flows.diff", .summary = "how two versions differ", .run = client_flows_diff,
     PARAMS(SLUG, {"from", CLIENT_TEXT, NULL, NULL, "this version", "N", CLIENT_NEEDED}, {"to", CLIENT_TEXT, NULL, NULL, "this version", "N", CLIENT_NEEDED},
            FLAG(BOOL, "full", NULL, NULL, "with the changed lines"))},
    {.name = "flows update", .call = "flows.update", .summary = "change name, description, tags and place in lists",
     PARAMS(SLUG, TEXT("name", "name", "another name"), TEXT("description", "description", "another description"), TEXT("tags", "tags", "a,b,c: these tags"),
            TEXT("publish-description", "publishDescription", "what others read"), FROM_FILE(TEXT, "publish-description-file", "publishDescription", "the same from a file"),
            TEXT("group-key", "groupKey", "the group of flows it belongs to"), TEXT("group-name", "groupName", "the group's name"),
            TEXT("group-description", "groupDescription", "the group's description"), NUMBER("group-order", "groupOrder", "its place in the group"),
            TEXT("primary-display-connection-slot", "primaryDisplayConnectionSlot", "the connection that stands for it in lists"),
            FLAG(BOOL, "clear-publish-media", "clearPublishMedia", NULL, "no picture"), TEXT("publish-media-type", "publishMedia.type", "image, gif or video"),
            TEXT("publish-media-source", "publishMedia.source", "its URL"), TEXT("publish-media-source-kind", "publishMedia.sourceKind", "what that is"),
            TEXT("publish-media-alt", "publishMedia.alt", "said in place of it"), TEXT("publish-media-poster", "publishMedia.poster", "a still of it"),
            TEXT("publish-media-poster-kind", "publishMedia.posterKind", "what that is"))},
    {.name = "flows provenance set", .call = "flows.provenance.set", .summary = "say which flows this one was made from",
     PARAMS(SLUG, {"source-flow", CLIENT_LIST, "sourceFlows", NULL, "a flow", "SLUG", CLIENT_NEEDED})},
    {.name = "flows archive", .call = "flows.archive", .summary = "put a flow away; nothing starts it any more", PARAMS(SLUG)},
    {.name = "flows delete", .alias = "rm", .call = "flows.delete", .summary = "delete a flow with its versions", .run = client_flows_delete, .timeout_ms = 120000,
     PARAMS(SLUG, FLAG(BOOL, "yes", "yes", NULL, "yes, delete it"), FLAG(BOOL, "force", "force", NULL, "also while runs are under way: they are cancelled"),
            FLAG(DURATION, "timeout", NULL, "2m", "how long to wait for the server"))},
    {.name = "flows draft show", .call = "flows.get", .summary = "show the draft of a flow", .run = client_flows_show, PARAMS(SLUG, FLAG(BOOL, "full", NULL, NULL, "everything, the text too"))},
    {.name = "flows draft reset", .call = "flows.draft.reset", .summary = "the draft becomes the active version again", PARAMS(SLUG)},
    {.name = "flows draft run", .call = "runs.start", .summary = "run the draft", .run = client_flows_run, .fixed = "{\"source\": \"draft\"}", .next = "breyta runs inspect {data.workflowId}",
     PARAMS(SLUG, INPUT, WAITING("2m", "1s"))},
    {.name = "flows draft bindings apply", .call = "profiles.draft.bindings", .summary = "set up the draft", .run = client_configure, PARAMS(SLUG, SETTINGS_FILE, SETTINGS)},
    {.name = "flows draft bindings show", .call = "profiles.status", .summary = "how the draft is set up", .fixed = "{\"profileType\": \"draft\"}", PARAMS(SLUG)},
    {.name = "flows draft bindings template", .summary = "a file of settings to fill in, in EDN", .run = client_setup_template,
     PARAMS(SLUG, TEXT("out", NULL, "the file; else standard output"), FLAG(BOOL, "clean", NULL, NULL, "without what is set now"))},
    {.name = "flows run", .call = "flows.run", .summary = "start a run of a flow", .run = client_flows_run, .next = "breyta runs inspect {data.workflowId}",
     .text = "The draft, unless --target live or --installation-id says otherwise. Once this is answered the run is durable.",
     PARAMS(SLUG, INPUT, SENT_TARGET(NULL), VERSION("this version"), INVOCATION, TEXT("installation-id", "installationId", "on this installation"),
            TEXT("interface-id", NULL, "as this interface would"), {"interface", CLIENT_TEXT, NULL, NULL, "the same", NULL, CLIENT_HIDDEN},
            {"trigger-id", CLIENT_TEXT, NULL, NULL, "the same", NULL, CLIENT_HIDDEN}, {"trigger", CLIENT_TEXT, NULL, NULL, "the same", NULL, CLIENT_HIDDEN},
            WAITING("15m", "250ms"))},
    {.name = "flows run-step", .call = "flows.run_step", .summary = "run one step of a flow by itself", .run = client_flows_run, .timeout_ms = 900000,
     PARAMS(SLUG, WORD("<step-id>", "stepId", "the step"), INPUT, SENT_TARGET("draft"), VERSION("this version"), INVOCATION,
            TEXT("installation-id", "installationId", "on this installation"), TEXT("profile-id", "profileId", "on these settings"), WAITING("15m", "250ms"))},
    {.name = "flows configure", .call = "flows.configure", .summary = "bind connections and set what a target of a flow needs", .run = client_configure,
     .next = "breyta flows configure check {data.flowSlug} --target {data.target}",
     PARAMS(SLUG, SETTINGS_FILE, SENT_TARGET(NULL), VERSION("for this version"), SETTINGS, FLAG(BOOL, "from-draft", "fromDraft", NULL, "as the draft is set up"))},
    {.name = "flows configure check", .call = "flows.configure.check", .summary = "what is missing before it can run", .next = "breyta flows configure suggest {data.flowSlug}",
     PARAMS(SLUG, SENT_TARGET(NULL), VERSION("for this version"))},
    {.name = "flows configure show", .call = "profiles.status", .summary = "how a target is set up; no secret is shown", PARAMS(SLUG, SENT_TARGET("draft"))},
    {.name = "flows configure suggest", .summary = "what is missing, with the connections that would do", .run = client_setup_suggest, PARAMS(SLUG, CHOICE("target", NULL, "draft", "draft|live", "the draft, or what is live"))},
    {.name = "flows bindings apply", .call = "profiles.bindings.apply", .summary = "set up live", .run = client_configure,
     PARAMS(SLUG, SETTINGS_FILE, VERSION("for this version"), SETTINGS, FLAG(BOOL, "from-draft", "fromDraft", NULL, "as the draft is set up"))},
    {.name = "flows bindings show", .call = "profiles.status", .summary = "how live is set up", .fixed = "{\"profileType\": \"prod\"}", PARAMS(SLUG)},
    {.name = "flows bindings template", .summary = "a file of settings to fill in, in EDN", .run = client_setup_template,
     PARAMS(SLUG, TEXT("out", NULL, "the file; else standard output"), FLAG(BOOL, "clean", NULL, NULL, "without what is set now"))},
    {.name = "flows activate", .call = "profiles.activate", .summary = "let live point at a version if it is set up for it", .flags = CLIENT_HIDDEN,
     PARAMS(SLUG, FLAG(VERSION, "version", "version", "latest", "which version"))},
    {.name = "flows search", .call = "flows.workspace.search", .summary = "search flows by words and by what they use", .next = "breyta flows show {data.result.hits.0.flow_slug}",
     PARAMS(SEARCH, FLAG(BOOL, "raw-definition", "definitionSearch", NULL, "in the text as it stands"), NOT_MEANT("full"), {"catalog-scope", CLIENT_TEXT, NULL, NULL, "accepted", NULL, CLIENT_HIDDEN})},
    {.name = "flows grep", .call = "flows.workspace.search", .summary = "find a text in flows", .fixed = "{\"definitionSearch\": true}",
     PARAMS(SEARCH, FLAG(LIST, "or", "patterns", NULL, "or this text"), NOT_MEANT("full"), NOT_MEANT("raw-definition"), {"scope", CLIENT_TEXT, NULL, NULL, "accepted", NULL, CLIENT_HIDDEN},
            {"surface", CLIENT_LIST, NULL, NULL, "accepted", NULL, CLIENT_HIDDEN})},
    {.name = "flows workspace search", .call = "flows.workspace.search", .summary = "search flows of this workspace", PARAMS(SEARCH)},
    {.name = "flows workspace examples step", .call = "flows.workspace.examples.step", .summary = "steps of this type in flows, to learn from",
     PARAMS(WORD("<step-type>", "stepType", "the type, such as http"), WORD("[query]", "query", "words"), TEXT("flow", "flowSlug", "only in this flow"), FLAG(INT, "limit", "limit", "5", "how many"),
            CHOICE("target", "target", "latest", "latest|draft|live", "which text"), FLAG(BOOL, "include-archived", "includeArchived", NULL, "archived flows too"), FLAG(BOOL, "full", "full", NULL, "with the whole step"))},
    {.name = "flows doctor", .summary = "is it ready to run?", .run = client_flows_doctor,
     PARAMS(WORD("<slug>", "flowSlug", "the flow"), CHOICE("target", NULL, "draft", "draft|live", "the draft, or what is live"))},
    {.name = "flows readiness", .summary = "ready to run, set up, called and changed: all that is known", .run = client_flows_readiness,
     PARAMS(WORD("<slug>", "flowSlug", "the flow"), CHOICE("target", NULL, "draft", "draft|live", "the draft, or what is live"), FLAG(BOOL, "full", NULL, NULL, "with the changed lines"),
            FLAG(BOOL, "public-preflight", NULL, "true", "could others use it?"), NOT_MEANT("public"), NOT_MEANT("marketplace"))},
    {.name = "flows release-check", .summary = "the same, for a release", .run = client_flows_readiness,
     PARAMS(WORD("<slug>", "flowSlug", "the flow"), FLAG(BOOL, "full", NULL, NULL, "with the changed lines"), NOT_MEANT("public"), NOT_MEANT("marketplace"))},
    {.name = "flows metrics", .call = "flows.invocations.metrics", .summary = "how often a flow was called, and how that went",
     PARAMS(SLUG, WORD("[entrypoint-id]", "entrypointId", "only by this way in"), TEXT("installation-id", "installationId", "only on this installation"),
            CHOICE("target", "interfaceScope", NULL, "draft|live|installation", "only there"), TEXT("kind", "kind", "manual, http, webhook ..."), FLAG(INT, "limit", "limit", "10", "how many"))},

    {.name = "flows installations list", .alias = "ls", .call = "flows.installations.list", .summary = "list installations", .next = "breyta flows installations show {data.items.0.profileId}",
     PARAMS(OPTIONAL_SLUG("of this flow"), FLAG(BOOL, "all", "allFlows", NULL, "of all flows"), FLAG(BOOL, "all-users", "all", NULL, "of everybody"),
            TEXT("source-flow-slug", "sourceFlowSlug", "made from this flow"), TEXT("source-workspace-id", "sourceWorkspaceId", "made from this workspace"))},
    {.name = "flows installations create", .call = "flows.installations.create", .summary = "install a flow: settings, schedules and webhooks of its own",
     .next = "breyta flows installations configure {data.instance.profileId}",
     PARAMS(SLUG, TEXT("name", "name", "its name"), FLAG(BOOL, "enable", "enabled", NULL, "let it run at once"), TEXT("source-flow-slug", "sourceFlowSlug", "of this flow"),
            TEXT("source-workspace-id", "sourceWorkspaceId", "of this workspace"))},
    {.name = "flows installations show", .alias = "get", .call = "flows.installations.get", .summary = "show an installation", PARAMS(INSTALLED)},
    {.name = "flows installations configure", .alias = "set-inputs", .call = "flows.installations.set_inputs", .summary = "bind connections and set what it needs", .run = client_configure,
     PARAMS(INSTALLED, FLAG(OBJECT, "input", "inputs", NULL, "inputs as they are"), FLAG(OBJECT, "bindings", "bindings", NULL, "{\"SLOT\": {\"connectionId\": \"ID\"}}"), SETTINGS)},
    {.name = "flows installations rename", .call = "flows.installations.rename", .summary = "give it another name", PARAMS(INSTALLED, NEEDED(TEXT, "name", "name", "its name"))},
    {.name = "flows installations enable", .call = "flows.installations.set_enabled", .summary = "let it run", .fixed = "{\"enabled\": true}", PARAMS(INSTALLED)},
    {.name = "flows installations disable", .call = "flows.installations.set_enabled", .summary = "nothing starts it any more", .fixed = "{\"enabled\": false}", PARAMS(INSTALLED)},
    {.name = "flows installations set-enabled", .call = "flows.installations.set_enabled", .summary = "the same with --enabled or --enabled=false", PARAMS(INSTALLED, FLAG(BOOL, "enabled", "enabled", "false", "true or false"))},
    {.name = "flows installations delete", .alias = "uninstall", .call = "flows.installations.delete", .summary = "delete an installation", PARAMS(INSTALLED)},
    {.name = "flows installations triggers", .call = "flows.installations.triggers.list", .summary = "what starts its runs", PARAMS(INSTALLED)},
    {.name = "flows installations surfaces", .alias = "interfaces", .call = "flows.installations.surfaces.list", .summary = "how it is called", PARAMS(INSTALLED)},
    {.name = "flows installations stats", .call = "flows.installations.stats", .summary = "how often it ran", PARAMS(INSTALLED)},
    {.name = "flows installations events", .call = "flows.installations.events", .summary = "what happened to it", PARAMS(INSTALLED, NUMBER("limit", "limit", "how many"))},

#define PROFILE WORD("<id>", "{id}", "the profile: live-SLUG, or the id of an installation")
    {.name = "profiles list", .alias = "ls", .call = "GET flow-profiles", .summary = "list settings of flows",
     PARAMS(TEXT("flow", "flow-slug", "of this flow"), CHOICE("profile-type", "profile-type", NULL, "prod|draft", "of this kind"), CHOICE("enabled", "enabled", NULL, "true|false", "only those that run, or do not"),
            TEXT("user-id", "user-id", "of this user"), FLAG(INT, "limit", "limit", "25", "how many at once"), TEXT("cursor", "cursor", "data.next-cursor of the page before"))},
    {.name = "profiles show", .alias = "get", .call = "GET flow-profiles/{id}", .summary = "show one", PARAMS(PROFILE)},
    {.name = "profiles create", .call = "POST flow-profiles", .summary = "make one",
     PARAMS(TEXT("flow", "flow-slug", "the flow"), CHOICE("profile-type", "profile-type", "prod", "prod|draft", "its kind"), FLAG(OBJECT, "bindings", "bindings", NULL, "{\"SLOT\": {\"connectionId\": \"ID\"}}"),
            FLAG(OBJECT, "config", "config", NULL, "its configuration"), NUMBER("version", "version", "of this version"), TEXT("name", "name", "its name"))},
    {.name = "profiles delete", .call = "DELETE flow-profiles/{id}", .summary = "delete one", PARAMS(PROFILE)},
    {.name = "profiles bindings set", .call = "PUT flow-profiles/{id}/bindings", .summary = "bind its slots", PARAMS(PROFILE, NEEDED(OBJECT, "bindings", "bindings", "{\"SLOT\": {\"connectionId\": \"ID\"}}"))},
    {.name = "profiles activate", .call = "profiles.activate", .summary = "let live point at a version if it is set up for it", PARAMS(SLUG, FLAG(VERSION, "version", "version", "latest", "which version"))},
    {0}};
