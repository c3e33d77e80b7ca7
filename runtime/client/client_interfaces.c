/* client_interfaces.c - see client_interfaces.h */
#include "client_interfaces.h"
#include "runtime/cli/cli.h"
#include "client_flows.h"
#include "client_runs.h"
#include "runtime/base/json.h"
#include <string.h>

/* All interfaces of a flow, each with its family. nil: told. */
static Val interfaces(ClientRun *r) {
  ClientAnswer a;
  const char *target = client_text(r, "target"), *inst = client_text(r, "installation-id");
  int64_t version = client_int(r, "version", 0);
  Val args = client_put_text(client_put_text(client_put(NIL, "flowSlug", client_at(r->args, "flowSlug")), "view", "full"), "source",
                             target && !strcmp(target, "draft") ? "draft" : "active");
  if (inst) {
    if (!client_ask(r, "flows.installations.get", client_put_text(NIL, "profileId", inst), &a)) return client_finish(r, &a), NIL;
    version = client_int_at(a.body, "data.version", version);
    client_answer_free(&a);
  }
  if (version) args = client_put(client_put_text(args, "source", "version"), "version", int_val(version));
  if (!client_ask(r, "flows.get", args, &a)) return client_finish(r, &a), NIL;
  Val all = client_at(a.body, "data.flow.interfaces"), out = vec_empty, k, v;
  MapIter it;
  client_answer_free(&a);
  if (!is_map(all)) return out;
  map_iter(&it, all);
  while (map_next(&it, &k, &v))
    for (uint32_t i = 0; is_vec(v) && i < vec_count(v); i++) out = vec_conj(out, client_put_text(vec_nth(v, i), "family", id_text(k)));
  return out;
}

static bool named(Val one, const char *id, const char *family) {
  static const char *const keys[] = {"id", "toolName", "tool-name"};
  const char *f = client_text_at(one, "family");
  if (family && f && strcmp(f, family)) return false;
  for (int i = 0; i < 3; i++) {
    const char *s = client_text_at(one, keys[i]);
    if (s && !strcmp(s, id)) return true;
  }
  return false;
}

static Val interface_named(ClientRun *r, const char *id, const char *family) {
  Val all = interfaces(r);
  for (uint32_t i = 0; is_vec(all) && i < vec_count(all); i++)
    if (named(vec_nth(all, i), id, family)) return vec_nth(all, i);
  if (is_vec(all))
    client_fail(r, "not_found", "interface not found: %.100s; `breyta flows interfaces list %s` says which there are", id,
                client_text(r, "<flow-slug>"));
  return NIL;
}

int client_interfaces_list(ClientRun *r) {
  Val all = interfaces(r);
  return is_nil(all) ? EXIT_FAILED : client_done(r, client_put(client_put(NIL, "flowSlug", client_at(r->args, "flowSlug")), "items", all));
}

int client_interfaces_show(ClientRun *r) {
  Val one = interface_named(r, client_text(r, "<interface-id>"), client_text(r, "family"));
  return is_nil(one) ? EXIT_FAILED
                     : client_done(r, client_put(client_put(NIL, "flowSlug", client_at(r->args, "flowSlug")), "interface", one));
}

static void call_path(ClientRun *r, Buf *path) {
  const char *inst = client_text(r, "installation-id"), *target = client_text(r, "target");
  buf_c(path, "api/flows");
  client_segment(path, client_text(r, "<flow-slug>"));
  if (inst)
    buf_c(path, "/installations");
  else
    buf_c(path, "/interfaces");
  client_segment(path, inst ? inst : target ? target : "live");
  if (inst) buf_c(path, "/interfaces");
  client_segment(path, client_text(r, "<interface-id>"));
}

static Val input_body(ClientRun *r) {
  Val input = client_at(r->args, "input");
  return client_put(NIL, "input", is_map(input) ? input : map_empty);
}

int client_interfaces_call(ClientRun *r) {
  ClientAnswer a;
  Buf path = {0};
  Client *c = client_of(r);
  if (!c) return EXIT_FAILED;
  call_path(r, &path);
  client_rest(c, &(ClientRequest){.method = "POST", .path = buf_cstr(&path), .query = NIL, .body = input_body(r)}, &a);
  buf_free(&path);
  const char *run = client_text_at(a.body, "data.data.workflowId");
  if (!run) run = client_text_at(a.body, "data.workflowId");
  if (!a.ok || !run || !client_flag(r, "wait")) {
    if (a.ok && run) client_hint(r, "breyta runs watch %s", run);
    return client_finish(r, &a);
  }
  int status = client_follow(r, run, client_at(a.body, "data"), false);
  client_answer_free(&a);
  return status;
}

static void shell_word(Buf *b, const char *s, size_t n) {
  buf_ch(b, '\'');
  for (size_t i = 0; i < n; i++)
    if (s[i] == '\'')
      buf_c(b, "'\\''");
    else
      buf_ch(b, s[i]);
  buf_ch(b, '\'');
}

/* What to type without this program; the key stays a variable. */
int client_interfaces_curl(ClientRun *r) {
  Buf url = {0}, body = {0}, line = {0};
  if (is_nil(interface_named(r, client_text(r, "<interface-id>"), NULL))) return EXIT_FAILED;
  buf_fmt(&url, "%s/", r->where.url);
  call_path(r, &url);
  if (is_sig(json_print(&body, input_body(r)))) return client_fail(r, "failed", "the input cannot be written as JSON");
  buf_c(&line, "curl -sS -X POST ");
  if (r->where.ca_file) {
    buf_c(&line, "--cacert ");
    shell_word(&line, r->where.ca_file, strlen(r->where.ca_file));
    buf_ch(&line, ' ');
  }
  shell_word(&line, url.p, url.n);
  buf_c(&line, " -H \"Authorization: Bearer $BREYTA_API_KEY\"");
  if (r->where.workspace) buf_fmt(&line, " -H 'X-Breyta-Workspace: %s'", r->where.workspace);
  buf_c(&line, " -H 'Content-Type: application/json' -d ");
  shell_word(&line, body.p, body.n);
  int status = client_done(r, client_put(client_put_text(NIL, "url", buf_cstr(&url)), "command", buf_str(&line)));
  buf_free(&url);
  buf_free(&body);
  return status;
}
