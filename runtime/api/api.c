/* api.c - routes, the command dispatcher, answers; see api.h */
#include "api_body.h"
#include "api_target.h"
#include "eval/unit.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "reader/print.h"
#include "reader/read.h"
#include "runtime/store/snapshot.h"
#include "runtime/trigger/trigger.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OP_KEEP_MS = 24 * 3600 * 1000, PREVIEW_BYTES = 16 << 10, PREVIEW_TEXT = 2000, OP_ID_MAX = 128 };

static const ApiCommand *const families[] = {api_flow_commands, api_run_commands, api_account_commands, api_connection_commands,
                                           api_release_commands, api_manage_commands, api_diff_commands, api_look_commands,
                                           api_search_commands, api_step_commands, api_step_run_commands, api_profile_commands, api_install_commands,
                                           api_job_commands, api_job_worker_commands, api_feedback_commands};

const ApiCommand *api_command_at(int i) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++)
    for (const ApiCommand *c = families[f]; c->name; c++)
      if (!i--) return c;
  return NULL;
}

const ApiCommand *api_command(const char *name) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++)
    for (const ApiCommand *c = families[f]; c->name; c++)
      if (!strcmp(c->name, name)) return c;
  return NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------------------------ */
void api_put(ValVec *m, const char *key, Val v) {
  if (is_nil(v)) return;
  vv_push(m, kw_c(key));
  vv_push(m, v);
}
void api_put_text(ValVec *m, const char *key, const char *s) {
  if (s) api_put(m, key, str_c(s));
}
Val api_map(const ValVec *m) { return amap_from(m->a, m->n / 2); }

Val api_time(int64_t ms) {
  if (!ms) return NIL;
  Buf b = {0};
  inst_print(&b, ms);
  Val s = str_fmt("%.23sZ", buf_cstr(&b));
  buf_free(&b);
  return s;
}

Val api_shown(Val v) {
  Buf b = {0};
  bool plain = !is_sig(json_print(&b, v));
  buf_free(&b);
  if (plain) return v;
  Val text = pr_str(v);
  return is_sig(text) ? str_c("?") : text;
}

/* Where a text of n bytes may be cut: between characters. */
static size_t cut_at(const char *s, size_t n) {
  while (n && ((unsigned char)s[n] & 0xc0) == 0x80) n--;
  return n;
}

Val api_preview(Val v) { return api_preview_in(v, PREVIEW_BYTES); }

Val api_preview_in(Val v, size_t bytes) {
  Buf b = {0};
  Val shown = api_shown(v);
  if (!is_sig(json_print(&b, shown)) && b.n > bytes) {
    ValVec m = {0};
    api_put(&m, "truncated", TRUE_V);
    api_put(&m, "sizeBytes", int_val((int64_t)b.n));
    api_put(&m, "text", str_new(b.p, cut_at(b.p, bytes < PREVIEW_TEXT ? bytes : PREVIEW_TEXT)));
    shown = api_map(&m);
  }
  buf_free(&b);
  return shown;
}

/* --- documents --------------------------------------------------------------------------------------------------------------------- */
Val api_doc_value(const DocRow *d) {
  Val v = snap_read_value(env_core(), d->data.p, d->data.n);
  return is_sig(v) ? NIL : v;
}

bool api_doc(Api *a, const char *workspace, const char *kind, const char *key, Val *out, int64_t *rev, Err *err) {
  DocRow d = {0};
  err->code = NULL;
  if (!store_doc_get(a->store, workspace, kind, key, &d, err)) return false;
  if (d.expires_ms && d.expires_ms <= now_ms()) { /* it is only not swept yet */
    doc_row_free(&d);
    return false;
  }
  *out = api_doc_value(&d);
  *rev = d.rev;
  doc_row_free(&d);
  return !is_nil(*out) || err_set(err, "corrupt_record", "the record %s %s cannot be read", kind, key);
}

/* Of these kinds follows which targets there are. */
static void touched(const char *workspace, const char *kind, const char *key, Val v) {
  static const char *const kinds[] = {"flow", "flow-version", "target", "installation", "workspace"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kind, kinds[i])) api_target_touch(), trigger_changed(workspace, kind, key, v);
}

void api_doc_del(Batch *b, const char *workspace, const char *kind, const char *key, int64_t rev) {
  batch_doc_del(b, workspace, kind, key, rev);
  touched(workspace, kind, key, NIL);
}

bool api_doc_put(Batch *b, const char *workspace, const char *kind, const char *key, Val v, int64_t rev, int64_t at_ms,
                 int64_t expires_ms) {
  Buf data = {0};
  touched(workspace, kind, key, v);
  bool ok = !is_sig(snap_data(&data, v));
  DocRow d = {.workspace = (char *)(uintptr_t)workspace,
              .kind = (char *)(uintptr_t)kind,
              .key = (char *)(uintptr_t)key,
              .rev = rev,
              .at_ms = at_ms,
              .expires_ms = expires_ms,
              .data = {data.p, data.n}};
  if (ok) batch_doc_put(b, &d);
  buf_free(&data);
  return ok;
}

/* --- arguments --------------------------------------------------------------------------------------------------------------------- */
Val api_arg(const ApiCall *c, const char *name) { return map_get_kw(c->args, name); }
const char *api_text(const ApiCall *c, const char *name) {
  Val v = api_arg(c, name);
  return is_str(v) ? str_s(v) : NULL;
}
int64_t api_int(const ApiCall *c, const char *name, int64_t otherwise) {
  Val v = api_arg(c, name);
  return is_long(v) ? long_of(v) : otherwise;
}
bool api_flag(const ApiCall *c, const char *name) { return same(api_arg(c, name), TRUE_V); }

/* --- answers ----------------------------------------------------------------------------------------------------------------------- */
bool api_ok(ApiCall *c, Val data) {
  c->status = 200;
  c->data = data;
  return true;
}

bool api_fail(ApiCall *c, int status, const char *code, const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  c->status = status;
  c->code = code;
  c->message.n = 0;
  buf_vfmt(&c->message, fmt, ap, again);
  va_end(again);
  va_end(ap);
  return false;
}

bool api_fail_err(ApiCall *c, const Err *err) {
  static const struct {
    const char *code;
    int status;
  } known[] = {{"not_found", 404},  {"flow_not_found", 404}, {"bad_input", 400},       {"bad_request", 400}, {"flow_invalid", 400},
               {"run_exists", 409}, {"flow_archived", 409}, {"not_released", 409}, {"concurrency_key_missing", 400}, {"concurrency_queue_full", 429}, {"doc_conflict", 409},
               {"profile_missing", 409}, {"in_use", 409}, {"installation_not_found", 404}, {"installation_disabled", 409},
               {"bad_connection", 400}, {"bad_secret", 400}, {"disk_full", 507}, {"store_failed", 503}};
  for (size_t i = 0; err->code && i < sizeof known / sizeof *known; i++)
    if (!strcmp(err->code, known[i].code)) return api_fail(c, known[i].status, known[i].code, "%s", err->msg);
  return api_fail(c, 500, "internal", "%s", err->code ? err->msg : "the request could not be completed");
}

bool api_raw(ApiCall *c, const char *content_type, const char *s, size_t n) {
  c->status = 200;
  c->content_type = content_type;
  c->sealed = true;
  buf_add(&c->answer, s, n);
  return true;
}

bool api_put_off(ApiCall *c, ApiLater *l, int64_t ms) {
  *l = (ApiLater){.token = c->request->token, .bare = c->bare};
  snprintf(l->workspace, sizeof l->workspace, "%s", c->workspace);
  c->later = engine_listen_hold(c->api->listener, l->token, ms);
  return c->later || api_fail(c, 503, "gone", "the client has gone");
}

Batch *api_batch(ApiCall *c) {
  if (!c->batch) c->batch = batch_new();
  return c->batch;
}

static Val error_map(ApiCall *c) {
  ValVec m = {0};
  api_put_text(&m, "code", c->code);
  api_put(&m, "message", str_new(c->message.p ? c->message.p : "", c->message.n));
  api_put(&m, "details", c->details);
  if (is_map(c->details)) api_put(&m, "actions", map_get_kw(c->details, "actions")); /* what the caller may do about it */
  return api_map(&m);
}

static Val envelope(ApiCall *c) {
  if (c->bare && !c->code) return c->data;
  ValVec m = {0};
  api_put(&m, "ok", c->code ? FALSE_V : TRUE_V);
  api_put_text(&m, "workspaceId", c->workspace);
  if (c->code)
    api_put(&m, "error", error_map(c));
  else
    api_put(&m, "data", is_nil(c->data) ? map_empty : c->data);
  api_put(&m, "meta", c->meta);
  return api_map(&m);
}

static void write_answer(ApiCall *c) {
  c->answer.n = 0;
  if (!is_sig(json_print(&c->answer, envelope(c)))) return;
  c->data = c->meta = c->details = NIL;
  api_fail(c, 500, "internal", "the answer has no JSON form");
  c->answer.n = 0;
  if (is_sig(json_print(&c->answer, envelope(c)))) abort();
}

bool api_later_send(Api *a, const ApiLater *l, ApiCall *c) {
  c->api = a;
  c->bare = l->bare;
  c->workspace = l->workspace;
  if (!c->sealed) write_answer(c);
  bool ok = engine_listen_answer(a->listener, l->token, c->status, c->answer.p, c->answer.n);
  api_free(c);
  return ok;
}

bool api_later_ok(Api *a, const ApiLater *l, Val data, Val meta) {
  ApiCall c = {.status = 200, .data = data, .meta = meta, .details = NIL};
  return api_later_send(a, l, &c);
}

bool api_later_fail(Api *a, const ApiLater *l, int status, const char *code, const char *message, Val details) {
  ApiCall c = {.data = NIL, .meta = NIL, .details = details};
  api_fail(&c, status, code, "%s", message);
  return api_later_send(a, l, &c);
}

/* --- idempotency: the answer to an operation is kept for a day ------------------------------------------------------------------ */
static void op_key(const ApiCall *c, Buf *b) { buf_fmt(b, "%s/%s", c->key_id, c->op_id); }

const char *api_request_hash(ApiCall *c) {
  if (*c->body_hash) return c->body_hash; /* also of a call that goes on without its request */
  const BodyRead *read = c->request->read;
  if (read && *read->hash) snprintf(c->body_hash, sizeof c->body_hash, "%s", read->hash);
  else hash_sha256_hex(c->request->body, c->request->nbody, c->body_hash);
  return c->body_hash;
}

bool api_op_mismatch(ApiCall *c) {
  return api_fail(c, 409, "operation_mismatch",
                  "X-Breyta-Operation-ID %s was used for another request; a new operation needs an id of its own", c->op_id);
}

bool api_seal(ApiCall *c, Batch *b) {
  write_answer(c);
  c->sealed = true;
  if (!c->op_id || c->code) return true;
  ValVec m = {0};
  Buf key = {0};
  int64_t now = now_ms();
  api_put_text(&m, "request", api_request_hash(c));
  if (!c->once) api_put(&m, "answer", str_new(c->answer.p, c->answer.n));
  op_key(c, &key);
  bool ok = api_doc_put(b, c->workspace, "api-op", buf_cstr(&key), api_map(&m), DOC_ANY, now, now + OP_KEEP_MS);
  buf_free(&key);
  return ok;
}

/* Was it answered already? Then the call has that answer, or an error when this is another request. */
static bool answered_before(ApiCall *c) {
  if (!c->op_id) return false;
  Buf key = {0};
  Val was;
  int64_t rev;
  Err err = {0};
  op_key(c, &key);
  bool found = api_doc(c->api, c->workspace, "api-op", buf_cstr(&key), &was, &rev, &err);
  buf_free(&key);
  if (err.code) return !api_fail_err(c, &err);
  if (!found) return false;
  if (!str_eq_c(map_get_kw(was, "request"), api_request_hash(c)))
    return !api_op_mismatch(c);
  Val text = map_get_kw(was, "answer");
  if (!is_str(text))
    return !api_fail(c, 409, "shown_once", "this operation is done already, and its answer held a secret that is shown only once");
  buf_add(&c->answer, str_s(text), str_n(text));
  c->status = 200;
  c->sealed = true;
  return true;
}

/* --- commands ---------------------------------------------------------------------------------------------------------------------- */
/* Makes durable what the command has put into its batch, with the memory of its answer. */
static void finish(ApiCall *c, bool ok) {
  Err err = {0};
  if (ok && !c->sealed && !c->later && c->command->mutates) {
    Batch *b = api_batch(c);
    c->batch = NULL;
    if (!api_seal(c, b)) {
      batch_free(b);
      c->sealed = false;
      api_fail(c, 500, "internal", "the answer cannot be stored");
    } else if (!batch_ops(b)) {
      batch_free(b);
    } else if (c->defer && c->api->listener) {
      api_pend_flow(c, b);
    } else if (!store_submit_wait(c->api->store, b, &err)) {
      c->sealed = false;
      api_fail_err(c, &err);
    } else {
      api_observe_changed(api_observe_change(c));
      if (c->api->listener) engine_listen_forget(c->api->listener);
    }
  }
  if (c->batch) batch_free(c->batch);
  c->batch = NULL;
}

static bool op_id_ok(ApiCall *c) {
  const char *id = listener_header(c->request, "x-breyta-operation-id");
  if (!id || !*id || !c->key_id) return true;
  for (const char *p = id; *p; p++)
    if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~' || p - id >= OP_ID_MAX)
      return api_fail(c, 400, "bad_request", "X-Breyta-Operation-ID: 1 to %d visible ASCII characters are expected", OP_ID_MAX);
  c->op_id = id;
  return true;
}

static void run_command(ApiCall *c, Val args) {
  if (c->command->scope && !api_may(c, c->command->scope)) {
    api_fail(c, 403, "forbidden", "this key may not do %s: it needs the scope %s", c->command->name, c->command->scope);
    return;
  }
  if (!api_args_check(c, args) || (c->command->mutates && (!op_id_ok(c) || api_pend_again(c) || answered_before(c)))) return;
  finish(c, c->command->run(c));
}

void api_run_command(ApiCall *c, Val args) {
  run_command(c, args);
  if (!c->sealed && !c->later) write_answer(c);
}

/* those that need no workspace; their key says which flows they see */
static bool is_global(const char *name) { return !strcmp(name, "flows.search") || !strcmp(name, "flows.examples.step"); }

static bool commands_of(ApiCall *c, bool global) {
  Err err = {0};
  const ListenRequest *r = c->request;
  Val body = r->nbody ? api_body(c, &err) : ABSENT;
  if (same(body, ABSENT)) return api_fail(c, 400, "bad_json", "the body is not JSON: %s", err.code ? err.msg : "it is empty");
  Val name = is_map(body) ? map_get_kw(body, "command") : NIL, args = is_map(body) ? map_get_kw(body, "args") : NIL;
  if (!is_str(name) || !(is_map(args) || is_nil(args)))
    return api_fail(c, 400, "bad_request", "the body must be {\"command\": \"flows.list\", \"args\": {...}}");
  c->command = api_command(str_s(name));
  if (!c->command || strlen(str_s(name)) != str_n(name) || (global && !is_global(c->command->name)))
    return api_fail(c, 400, "unknown_command", "Unknown command: %.200s", str_s(name));
  run_command(c, is_nil(args) ? map_empty : args);
  return !c->code;
}

static bool commands(ApiCall *c) { return commands_of(c, false); }
static bool global_commands(ApiCall *c) { return commands_of(c, true); }

/* --- who am I ---------------------------------------------------------------------------------------------------------------------- */
static Val user(const ApiCall *c) {
  ValVec m = {0};
  api_put_text(&m, "id", c->key_id);
  api_put_text(&m, "name", c->key_name);
  return api_map(&m);
}

static bool verify(ApiCall *c) {
  ValVec m = {0};
  api_put(&m, "success", TRUE_V);
  api_put_text(&m, "keyId", c->key_id);
  api_put_text(&m, "workspaceId", c->workspace);
  api_put(&m, "capabilities", c->capabilities);
  api_put(&m, "user", user(c));
  return api_ok(c, api_map(&m));
}

static bool openapi(ApiCall *c) {
  Val d = api_openapi(), server = str_c(c->request->base); /* as a proxy in front of us was asked */
  if (!*c->request->base) return api_ok(c, d);
  Val all[] = {map_assoc(map_empty, kw_c("url"), server)};
  return api_ok(c, map_assoc(d, kw_c("servers"), vec_from(all, 1)));
}

const ApiRoute api_base_routes[] = {
    {"POST", "commands", ROUTE_COMMANDS, {"commands", NULL, false, "Runs one command in the workspace.", commands, {{0}}}},
    {"POST", "global/commands", ROUTE_COMMANDS, {"commands.global", NULL, false, "Runs flows.search or flows.examples.step.", global_commands, {{0}}}},
    {"GET", "auth/verify", 0, {"auth.verify", NULL, false, "Is the key good? Whose is it, and what may it do?", verify, {{0}}}},
    {"GET", "openapi.json", ROUTE_OPEN, {"openapi", NULL, false, "This description.", openapi, {{0}}}},
    {0},
};

static bool sends_key(const ApiCall *c) {
  const char *a = listener_header(c->request, "authorization");
  return a && strstr(a, "bsa_sak-");
}

static void run_route(ApiCall *c, const ApiRoute *r) {
  Val args;
  bool key = !(r->flags & (ROUTE_OPEN | ROUTE_EITHER)) || (r->flags & ROUTE_EITHER && sends_key(c));
  if (key && !(api_authenticate(c) && api_workspace_enter(c, listener_header(c->request, "x-breyta-workspace")))) return;
  bool json = c->request->nbody && !(r->flags & ROUTE_BYTES) && strcmp(r->method, "GET") && strcmp(r->method, "DELETE");
  if (json && api_body_far(c)) return;
  if (r->flags & ROUTE_COMMANDS) {
    r->op.run(c);
    return;
  }
  c->command = &r->op;
  c->bare = true;
  if (api_route_args(c, r, &args)) run_command(c, args);
}

void api_answer(Api *a, const ListenRequest *r, ApiCall *c) {
  *c = (ApiCall){.api = a, .request = r, .capabilities = NIL, .args = map_empty, .data = NIL, .meta = NIL, .details = NIL, .body = NIL};
  if (r->door == LISTEN_SELF || r->door == LISTEN_LOGIN) {
    (r->door == LISTEN_SELF ? api_self : api_login)(c);
    return;
  }
  const ApiRoute *route = api_route_of(c);
  if (route) run_route(c, route);
  if (!c->sealed && !c->later) write_answer(c);
}

void api_free(ApiCall *c) {
  for (int i = 0; i < API_SEGMENTS; i++) free(c->path[i].value);
  buf_free(&c->answer);
  buf_free(&c->message);
}

void api_request(EngineListener *el, const ListenRequest *r, void *ctx) {
  ApiCall c;
  api_answer(ctx, r, &c);
  api_observe(&c);
  if (c.final && !c.code && !c.sealed && !c.later && !strcmp(r->raw, "commands"))
    engine_listen_keep(el, r, c.answer.p, c.answer.n, c.command->name, c.key_expires_ms);
  if (!c.later) engine_listen_text(el, r->token, c.status, c.content_type ? c.content_type : "application/json", c.answer.p, c.answer.n);
  api_free(&c);
}
