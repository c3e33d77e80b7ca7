/* api_conntrust.c - trusting the host key of an SSH connection: looked at over the network, shown, and put into the connection's
 * known-hosts when the caller names its fingerprint. No credential is sent to a host whose key is not known. */
#include "api_connections.h"
#include "runtime/engine/engine_int.h"
#include "runtime/engine/offload.h"
#include "runtime/ssh/ssh_check.h"
#include "runtime/ssh/ssh_hosts.h"
#include "reader/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRUST_MS = 10000, SPARE_MS = 5000 };
static OffloadPool pool = OFFLOAD_POOL("ssh-trust", 8, NULL);

typedef struct Trusting {
  Api *api;
  ApiLater later;
  SshProbe probe;
  SecretUse *used;
  char *workspace, *id, *fingerprint; /* fingerprint NULL: only to be shown */
  int64_t rev;
  int nhops;
  bool replace;
} Trusting;

static void trusting_free(Trusting *t) {
  ssh_probe_free(&t->probe);
  secret_use_free(t->used);
  free(t->workspace);
  free(t->id);
  free(t->fingerprint);
  free(t);
}

static bool fail(Trusting *t, int status, const char *code, const char *fmt, const char *a) {
  char text[1200];
  snprintf(text, sizeof text, fmt, a);
  api_later_fail(t->api, &t->later, status, code, text, NIL);
  return false;
}

/* ---- known-hosts with one more line ---- */

static Val with_line(Val known, const SshAnswer *a, const char *host, int port) {
  Buf blob = {0}, out = {0};
  SshHostKey key;
  bool ok = ssh_hosts_read_line(a->host_key.p, a->host_key.n, &blob, &key);
  if (ok && (is_nil(known) || is_str(known))) {
    ssh_hosts_replace(is_str(known) ? str_s(known) : "", host, port, key, &out);
    buf_free(&blob);
    return buf_str(&out);
  }
  buf_free(&blob);
  Val all = is_vec(known) ? known : vec_from(&known, 1);
  return vec_conj(all, str_new(a->host_key.p, a->host_key.n));
}

/* Lines of a secret, a file or a list are not ours to change. */
static bool can_replace(Val known) { return is_nil(known) || is_str(known); }

static Val config_at(Val config, int depth) { return depth ? config_at(map_get_kw(config, "jump"), depth - 1) : config; }
static Val config_with(Val config, int depth, Val known) {
  if (!depth) return map_assoc(config, kw_c("known-hosts"), known);
  return map_assoc(config, kw_c("jump"), config_with(map_get_kw(config, "jump"), depth - 1, known));
}

static int port_of(Val config) {
  Val p = map_get_kw(config, "port");
  return is_long(p) ? (int)long_of(p) : is_str(p) ? atoi(str_s(p)) : 22;
}

/* ---- the answer ---- */

static bool answer(Trusting *t, SshAnswer *a, bool trusted) {
  ValVec m = {0};
  api_put_text(&m, "connectionId", t->id);
  api_put_text(&m, "fingerprint", buf_cstr(&a->fingerprint));
  api_put_text(&m, "hostKey", buf_cstr(&a->host_key));
  api_put(&m, "trusted", trusted ? TRUE_V : FALSE_V);
  api_put_text(&m, "state", a->err == SSH_KEY_UNKNOWN ? "unknown" : a->err == SSH_KEY_CHANGED ? "changed" : "known");
  if (a->err == SSH_KEY_CHANGED) api_put_text(&m, "knownBy", buf_cstr(&a->recorded));
  return api_later_ok(t->api, &t->later, api_map(&m), NIL);
}

static bool store(Trusting *t, SshAnswer *a) {
  Err err = {0};
  int64_t rev;
  Val record = conn_store_get(t->api->store, t->workspace, t->id, &rev, &err), config = map_get_kw(record, "config");
  if (is_nil(record)) return fail(t, 404, "not_found", "connection not found: %.130s", t->id);
  if (rev != t->rev) return fail(t, 409, "doc_conflict", "the connection %.130s was changed meanwhile; try again", t->id);
  int depth = t->nhops - 1 - a->hop;
  Val at = config_at(config, depth), known = map_get_kw(at, "known-hosts");
  if (a->err == SSH_KEY_CHANGED && !can_replace(known))
    return fail(t, 409, "bad_connection", "known-hosts of %.130s come from a secret, a file or a list: take the old key out there", t->id);
  known = with_line(known, a, str_s(map_get_kw(at, "host")), port_of(at));
  record = map_assoc(record, kw_c("config"), config_with(config, depth, known));
  if (is_nil(conn_store_put(t->api->store, t->workspace, t->id, record, rev, &err))) return fail(t, 409, err.code, "%.900s", err.msg);
  return answer(t, a, true);
}

static bool decide(Trusting *t) {
  SshAnswer *a = t->probe.answer;
  bool key = a && (a->err == SSH_KEY_UNKNOWN || a->err == SSH_KEY_CHANGED);
  if (!a) return fail(t, 502, "unreachable", "%.900s", t->probe.err.msg);
  if (!key && !a->fingerprint.n) return fail(t, 502, "unreachable", "%.900s", a->msg);
  bool same = t->fingerprint && !strcmp(t->fingerprint, buf_cstr(&a->fingerprint));
  if (t->fingerprint && !same)
    return fail(t, 409, "fingerprint_differs", "the machine shows another key than the one to trust: %.100s. Nothing was changed", buf_cstr(&a->fingerprint));
  if (!key || !t->fingerprint) return answer(t, a, !key);
  if (a->err == SSH_KEY_CHANGED && !t->replace)
    return fail(t, 409, "host_key_changed", "the host is known by another key: %.500s. Send replace: true when you know why it has changed", buf_cstr(&a->recorded));
  return store(t, a);
}

static void work(void *arg) { ssh_probe(&((Trusting *)arg)->probe); }
static void done(Engine *e, uint64_t token, void *arg) {
  Trusting *t = arg;
  (void)token;
  if (e) decide(t);
  trusting_free(t);
}

/* ---- the request ---- */

static bool prepare(ApiCall *c, Trusting *t, Val record, Err *err) {
  if (!kw_is(map_get_kw(record, "type"), "ssh")) return err_set(err, "bad_connection", "the connection is none of type ssh, so it has no host key");
  if (ssh_target_is_mock(record)) return err_set(err, "bad_connection", "the connection is a mock, so it has no host key");
  Guard *guard = guard_from_env(err);
  if (!guard) return false;
  ssh_job_init(&t->probe.job);
  if (!ssh_target(record, api_workspace_secrets(c), &t->used, &t->probe.job.target, err)) return false;
  SshTarget *target = &t->probe.job.target;
  target->guard = guard;
  if (target->connect_ms > TRUST_MS) target->connect_ms = TRUST_MS;
  t->probe.job.timeout_ms = TRUST_MS;
  t->probe.job.command = mem_raw_copy("true");
  t->nhops = target->nhops;
  return true;
}

bool api_conn_trust(ApiCall *c) {
  Val r;
  Err err = {0};
  Trusting *t = calloc(1, sizeof *t);
  if (!t) abort();
  *t = (Trusting){.api = c->api, .workspace = mem_raw_copy(c->workspace), .id = mem_raw_copy(api_path(c, "id")), .fingerprint = mem_raw_copy(api_text(c, "fingerprint")),
                  .replace = api_flag(c, "replace")};
  if (!api_conn_find(c, t->id, &r, &t->rev)) return trusting_free(t), false;
  if (!prepare(c, t, r, &err)) return trusting_free(t), api_fail(c, 409, err.code, "%s", err.msg);
  if (!api_put_off(c, &t->later, TRUST_MS + SPARE_MS)) return trusting_free(t), false;
  if (offload_run(&pool, c->api->engine, work, done, t, 0, &err)) return true;
  fail(t, 503, "busy", "%.900s", err.msg);
  trusting_free(t);
  return true;
}
