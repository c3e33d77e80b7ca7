/* client_release.c - releases, deletion and readiness of flows: several requests told as one (client_flows.h). */
#include "runtime/cli/cli.h"
#include "client_flows.h"
#include "reader/num.h"
#include <stdlib.h>
#include <string.h>

static Val of_flow(ClientRun *r) { return client_put(NIL, "flowSlug", client_at(r->args, "flowSlug")); }

/* --- release: a version, and live points at it ------------------------------------------------------------------------------------ */
static Val live_status(Val promoted, int64_t version) {
  int64_t live = client_int_at(promoted, "version", 0);
  if (!live) live = client_int_at(promoted, "liveRuntimeVersion", client_int_at(promoted, "liveRuntime.version", 0));
  Val m = client_put_text(NIL, "status", live == version ? "live_runtime_version_verified" : "live_runtime_version_differs");
  return client_put(client_put(m, "version", int_val(live)), "releasedVersion", int_val(version));
}

int client_flows_release(ClientRun *r) {
  ClientAnswer a, p;
  if (!client_send(r, &a)) return client_finish(r, &a);
  int64_t version = client_int_at(a.body, "data.activeVersion", 0);
  Val args = client_put(client_put_text(of_flow(r), "target", "live"), "version", client_at(a.body, "data.activeVersion"));
  if (client_flag(r, "skip-promote-installations")) args = client_put_text(args, "scope", "live");
  args = client_put_text(args, "deployKey", client_text_at(r->args, "deployKey"));
  if (!client_ask(r, "flows.promote", args, &p)) {
    client_say("version %lld is released, and was not promoted", (long long)version);
    client_answer_free(&a);
    return client_finish(r, &p);
  }
  Val promoted = client_at(p.body, "data");
  a.body = client_put(client_put(a.body, "data.promote", promoted), "data.profileId", client_at(promoted, "profileId"));
  a.body = client_put(client_put(a.body, "meta.liveRuntime", live_status(promoted, version)), "data.liveVersion",
                      client_at(promoted, "version"));
  client_answer_free(&p);
  return client_finish(r, &a);
}

int client_flows_deploy(ClientRun *r) {
  ClientAnswer a, got;
  if (!client_send(r, &a)) return client_finish(r, &a);
  if (client_ask(r, "flows.get", client_put_text(of_flow(r), "source", "active"), &got))
    a.body = client_put(a.body, "data.flow", client_at(got.body, "data.flow"));
  else if (got.message)
    a.body = client_put_text(a.body, "meta.flowError", got.message);
  client_answer_free(&got);
  return client_finish(r, &a);
}

int client_flows_delete(ClientRun *r) {
  ClientAnswer a;
  if (!client_flag(r, "yes")) return client_usage(r, "this deletes the flow and its versions for good: --yes says that you mean it");
  client_send(r, &a);
  return client_finish(r, &a);
}

/* --- readiness: what several commands say about one flow -------------------------------------------------------------------------- */
/* Adds what a command says as data.KEY; what the server does not know is left out. false: it failed, and that is told. */
static bool add(ClientRun *r, const char *command, Val args, const char *from, const char *to, Val *data) {
  ClientAnswer a;
  bool ok = client_ask(r, command, args, &a), unknown = a.code && !strcmp(a.code, "unknown_command");
  if (ok) *data = client_put(*data, to, client_at(a.body, from));
  if (!ok && !unknown)
    client_finish(r, &a);
  else
    client_answer_free(&a);
  return ok || unknown;
}

static bool doctor(ClientRun *r, const char *target, Val *data) {
  Val args = client_put_text(of_flow(r), "target", target);
  return add(r, "flows.doctor", args, "data.doctor", "doctor", data) &&
         add(r, "flows.configure.check", args, "data", "configureCheck", data);
}

static void find_next(ClientRun *r, Val data) {
  const char *slug = client_text(r, "<slug>"), *target = client_text(r, "target");
  if (same(client_at(data, "configureCheck.ready"), FALSE_V))
    client_hint(r, "breyta flows configure suggest %s --target %s", slug, target ? target : "draft");
  if (client_true_at(data, "doctor.ready")) client_hint(r, "breyta flows run %s --wait", slug);
}

int client_flows_doctor(ClientRun *r) {
  Val data = of_flow(r);
  if (!doctor(r, client_text(r, "target"), &data)) return EXIT_FAILED;
  find_next(r, data);
  return client_done(r, data);
}

int client_flows_readiness(ClientRun *r) {
  Val data = of_flow(r), args = of_flow(r);
  const char *target = client_text(r, "target");
  bool check = strcmp(r->command->name, "flows release-check") == 0;
  Val diff = client_put_text(client_put_text(client_put_text(args, "from", "live"), "to", "draft"), "view",
                             client_flag(r, "full") ? "full" : "summary");
  if (!doctor(r, target ? target : "draft", &data)) return EXIT_FAILED;
  if ((check || client_flag(r, "public-preflight")) && !add(r, "flows.public.preflight", args, "data.preflight", "preflight", &data))
    return EXIT_FAILED;
  if (!add(r, "flows.invocations.metrics", client_put(args, "limit", fix(10)), "data", "metrics", &data)) return EXIT_FAILED;
  ClientAnswer a; /* nothing is live yet: there is nothing to compare with */
  if (client_ask(r, "flows.diff", diff, &a))
    data = client_put(data, "diff", client_at(a.body, "data"));
  else if (a.message)
    data = client_put_text(data, "diffError", a.message);
  client_answer_free(&a);
  data =
      client_put(data, "ready", bool_val(client_true_at(data, "doctor.ready") && !same(client_at(data, "configureCheck.ready"), FALSE_V)));
  find_next(r, data);
  return client_done(r, data);
}
