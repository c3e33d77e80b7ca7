/* trigger_hook.c - see trigger_hook.h */
#include "trigger_hook.h"
#include "runtime/store/connection.h"
#include "runtime/engine/engine_int.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "runtime/base/limits.h"
#include "runtime/base/metrics.h"
#include "runtime/engine/offload.h"
#include "runtime/resource/resource.h"
#include "runtime/wait/wait_answer.h"
#include "trigger_body.h"
#include "runtime/net/webhook_auth.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

static OffloadPool pool = OFFLOAD_POOL("webhook", 4, NULL);

typedef struct HookFound {
  ApiTarget target;
  Trigger trigger;
  FlowDef *def;
} HookFound;

/* One request on its way to a run. In ordinary memory: no values. */
typedef struct HookJob {
  Triggers *t;
  ListenRequest *r; /* its own */
  char workspace[130], slug[132], target[TARGET_NAME], id[132];
  HookBody body;
  bool taken;
  Err err;
  HookProof proof;
  char delivery[65]; /* "": nothing tells it from others */
  char by[64]; /* id of the key that was shown; "": there was none */
  int64_t wait_ms;
  char run_id[256];
  int64_t run;
} HookJob;

typedef struct HookWatch {
  uint64_t token;
  int64_t run, until_ms;
  char *workspace, *data; /* data: JSON, what is said when the flow says nothing */
  struct HookWatch *next;
} HookWatch;

/* --- answers ------------------------------------------------------------------------------------------------------------------------------ */
static void send_map(Triggers *t, uint64_t token, int status, Val m) {
  Buf b = {0};
  if (is_sig(json_print(&b, m))) abort(); /* texts and numbers */
  if (t->api->listener) engine_listen_answer(t->api->listener, token, status, b.p, b.n);
  buf_free(&b);
}

static void answer_error(Triggers *t, uint64_t token, const Err *e) {
  static const struct { const char *code; int status; } known[] = {
      {"unauthorized", 401}, {"webhook_replay", 409}, {"too_large", 413}, {"bad_request", 400}, {"invalid_input", 422}, {"flow_invalid", 400},
      {"bad_input", 422}, {"concurrency_key_missing", 422}, {"concurrency_queue_full", 429}, {"disk_full", 507}, {"not_found", 404}};
  int status = 503;
  ValVec m = {0}, why = {0};
  metric_add(METRIC_webhook_refused_total, 1);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (e->code && !strcmp(e->code, known[i].code)) status = known[i].status;
  api_put_text(&why, "code", e->code ? e->code : "store_failed");
  api_put_text(&why, "message", e->msg);
  api_put(&m, "ok", FALSE_V);
  api_put(&m, "error", api_map(&why));
  send_map(t, token, status, api_map(&m));
}

static void answer_data(Triggers *t, uint64_t token, const char *workspace, int status, Val data) {
  ValVec m = {0};
  api_put(&m, "ok", TRUE_V);
  api_put_text(&m, "workspaceId", workspace);
  api_put(&m, "data", data);
  send_map(t, token, status, api_map(&m));
}

/* --- the flow's own answer ------------------------------------------------------------------------------------------------------------------ */
static bool token_char(char c) { return c > ' ' && c < 127 && !strchr("()<>@,;:\\\"/[]?={}", c); }

/* Those that HTTP itself, or this server, writes. */
static bool reserved(const char *name) {
  static const char *const names[] = {"content-type", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer",
                                      "date", "content-security-policy", "x-content-type-options", "set-cookie", "proxy-authenticate"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcasecmp(name, names[i])) return true;
  return false;
}

static const char *text_of(Val v, char room[32]) {
  if (is_str(v)) return str_s(v);
  if (is_kw(v)) return kw_text(v);
  if (!is_long(v)) return NULL;
  snprintf(room, 32, "%lld", (long long)long_of(v));
  return room;
}

static void own_headers(Val headers, Buf *out, char type[256]) {
  MapIter it;
  Val k, v;
  char a[32], b[32];
  if (!is_map(headers)) return;
  for (map_iter(&it, headers); map_next(&it, &k, &v);) {
    const char *name = text_of(k, a), *value = text_of(v, b), *c = name;
    if (!name || !value || !*name || strpbrk(value, "\r\n")) continue;
    while (token_char(*c)) c++;
    if (*c) continue;
    if (!strcasecmp(name, "content-type")) snprintf(type, 256, "%s", value);
    else if (!reserved(name)) buf_fmt(out, "%s\n%s\n", name, value);
  }
}

/* false: the value is no answer. */
static bool answer_own(Triggers *t, uint64_t token, Val value) {
  Val status = map_get_kw(value, "status"), body = map_get_kw(value, "body");
  Buf b = {0}, headers = {0};
  char type[256] = "";
  if (!is_map(value) || !is_long(status) || long_of(status) < 200 || long_of(status) > 599) return false;
  own_headers(map_get_kw(value, "headers"), &headers, type);
  const char *usual = is_nil(body) ? "" : "application/json"; /* of nothing there is no type */
  bool ok = true;
  if (is_str(body)) buf_add(&b, str_s(body), str_n(body)), usual = "text/plain; charset=utf-8";
  else if (is_type(body, T_BYTES)) buf_add(&b, (const char *)AS(Bytes, body)->b, AS(Bytes, body)->n), usual = "application/octet-stream";
  else if (!is_nil(body)) ok = !is_sig(json_print(&b, body));
  if (ok && t->api->listener)
    engine_listen_own(t->api->listener, token, (int)long_of(status), *type ? type : usual, buf_cstr(&headers), b.p ? b.p : "", b.n);
  buf_free(&b);
  buf_free(&headers);
  return ok;
}

static void watch_free(HookWatch *w) {
  free(w->workspace);
  free(w->data);
  free(w);
}

static void answer_accepted(Triggers *t, const HookWatch *w, const char *status) {
  Err e = {0};
  Val data = json_parse(w->data, strlen(w->data), &e);
  if (status) data = map_assoc(data, kw_c("status"), str_c(status));
  answer_data(t, w->token, w->workspace, 202, data);
}

/* Has it come to an end, or to something outside? */
static bool settled(Triggers *t, const HookWatch *w) {
  Run *r = run_find(t->api->engine, w->run);
  Err e = {0};
  RunState st = {0};
  if (r && r->phase != R_DONE && r->phase != R_PARKED) return false;
  if (!engine_state(t->api->engine, w->run, &st, &e)) return false;
  if (!r && st.status == RUN_RUNNING) return false;
  if (st.status != RUN_COMPLETED || !answer_own(t, w->token, st.value)) answer_accepted(t, w, run_status_name(st.status));
  return true;
}

void trigger_hook_turn(Triggers *t) {
  int64_t now = t->watches ? now_ms() : 0;
  for (HookWatch **at = &t->watches, *w; (w = *at);) {
    bool over = settled(t, w);
    if (!over && now >= w->until_ms) answer_accepted(t, w, NULL), over = true;
    if (!over) {
      at = &w->next;
      continue;
    }
    *at = w->next;
    t->nwatches--;
    watch_free(w);
  }
}

void trigger_hook_stop(Triggers *t) {
  for (HookWatch *w; (w = t->watches);) {
    t->watches = w->next;
    answer_accepted(t, w, NULL);
    watch_free(w);
  }
}

/* --- which webhook -------------------------------------------------------------------------------------------------------------------------- */
typedef bool (*FoundFn)(void *ctx, HookFound *f); /* true: it has been dealt with */

typedef struct Look {
  Api *a;
  const char *workspace, *path;
  const char *event, *id; /* which one; both NULL: the one whose own path it is */
  bool all;          /* what is switched off, too: drafts */
  HookFound found;
  bool there;
  Err err;
} Look;

static bool match(void *ctx, const Trigger *t) {
  Look *l = ctx;
  if (t->type != TRIGGER_WEBHOOK || !(t->enabled || l->all)) return true;
  l->there = l->id ? !strcmp(t->id, l->id) : l->event ? !strcmp(t->event, l->event) : *t->path && !strcmp(t->path, l->path);
  if (l->there) l->found.trigger = *t;
  return !l->there;
}

/* The webhook of a flow's target; false: there is none. */
static bool look_at(Look *l, const char *slug, const char *target) {
  l->there = false;
  l->err.code = NULL;
  if (!api_target_find(l->a, l->workspace, slug, target, &l->found.target, &l->err)) return false;
  if (!(l->found.target.enabled || l->all) || !engine_def(l->a->engine, l->found.target.hash, &l->found.def, NULL, &l->err)) return false;
  triggers_each(l->found.def->map, match, l);
  return l->there;
}

/* "webhooks/<slug>/<event>[/<installation>]" */
static bool look_generated(Look *l, bool draft, FoundFn f, void *ctx) {
  char slug[132], event[1024];
  const char *p = l->path + 9;
  size_t n = strncmp(l->path, "webhooks/", 9) ? 0 : strcspn(p, "/");
  if (!n || n >= sizeof slug || p[n] != '/' || !p[n + 1]) return false;
  snprintf(slug, sizeof slug, "%.*s", (int)n, p);
  snprintf(event, sizeof event, "%s", p + n + 1);
  l->event = event;
  if (look_at(l, slug, draft ? "draft" : "live")) return f(ctx, &l->found);
  char *last = strrchr(event, '/');
  if (draft || !last || !last[1]) return false;
  *last = 0;
  bool own = !strcmp(last + 1, "draft") || !strcmp(last + 1, "live"); /* no installations: nobody outside reaches a draft */
  return !own && strlen(last + 1) < TARGET_NAME && look_at(l, slug, last + 1) && f(ctx, &l->found);
}

/* A path of its own: "hook-path" <path> 0x1f <slug>/<target>/<id> says which flows have it. */
static bool look_own(Look *l, FoundFn f, void *ctx) {
  DocRow rows[16];
  Buf prefix = {0};
  Err err = {0};
  bool done = false;
  char slug[132], target[TARGET_NAME];
  buf_fmt(&prefix, "%s\x1f", l->path);
  l->event = NULL;
  size_t n = store_docs(l->a->store, l->workspace, "hook-path", buf_cstr(&prefix), "", rows, 16, &err);
  for (size_t i = 0; i < n; i++) {
    const char *s = rows[i].key + prefix.n, *a = strchr(s, '/'), *b = a ? strchr(a + 1, '/') : NULL;
    if (!done && b && a - s < (ptrdiff_t)sizeof slug && b - a <= (ptrdiff_t)sizeof target) {
      snprintf(slug, sizeof slug, "%.*s", (int)(a - s), s);
      snprintf(target, sizeof target, "%.*s", (int)(b - a - 1), a + 1);
      l->id = b + 1;
      done = look_at(l, slug, target) && f(ctx, &l->found);
    }
    doc_row_free(&rows[i]);
  }
  l->id = NULL;
  buf_free(&prefix);
  return done;
}

typedef struct Drafts {
  Look *l;
  FoundFn f;
  void *ctx;
  bool done;
} Drafts;
static bool draft_of(void *ctx, const ApiTarget *t) {
  Drafts *d = ctx;
  if (!strcmp(t->name, "draft")) d->done = look_at(d->l, t->flow, "draft") && d->f(d->ctx, &d->l->found);
  return !d->done;
}

static bool look(Look *l, bool draft, FoundFn f, void *ctx) {
  Drafts d = {l, f, ctx, false};
  l->all = draft;
  if (look_generated(l, draft, f, ctx)) return true;
  if (!draft) return look_own(l, f, ctx);
  l->event = NULL; /* a path of its own, which only live ones have in the index */
  api_targets_each(l->a, l->workspace, draft_of, &d, &l->err);
  return d.done;
}

/* --- who sends it ------------------------------------------------------------------------------------------------------------------------- */
static bool key_believed(Api *a, const char *workspace, const ListenRequest *r, char *by, Err *e) {
  ApiCall c = {.api = a, .request = r, .capabilities = NIL, .args = map_empty, .data = NIL, .meta = NIL, .details = NIL, .body = NIL};
  bool ok = api_authenticate(&c) && api_workspace_enter(&c, workspace) && api_may(&c, "flows.run");
  if (ok && by) snprintf(by, 64, "%s", c.key_id);
  api_free(&c);
  return ok || err_set(e, "unauthorized", "send an API key of this workspace that may run flows: Authorization: Bearer bsa_sak-...");
}

bool hook_believed(Api *a, const char *workspace, const ApiTarget *target, Val auth, const ListenRequest *r, HookProof *proof, char by[64], Err *e) {
  Val type = is_map(auth) ? map_get_kw(auth, "type") : auth;
  proof->replay[0] = 0;
  if (by) *by = 0;
  if (kw_is(type, "workspace")) return key_believed(a, workspace, r, by, e);
  if (hook_auth_insecure(auth)) return err_set(e, "unauthorized", "Webhook authentication required: this webhook has no :auth, so it takes nothing");
  const Target *t = api_place_target(a, workspace, target->flow, target->name);
  enum HookVerdict v = hook_auth_verify(auth, target_secrets(t), r, proof, e);
  if (v == HOOK_DENIED) return err_set(e, "unauthorized", "the credentials of this request are missing or wrong");
  return v == HOOK_OK || err_set(e, "unverifiable", "the credentials cannot be verified at the moment: the secret for it is not there; try again later");
}

/* --- seen before -------------------------------------------------------------------------------------------------------------------------- */
#define REPLAYED "Webhook replay detected: this signed request was used before"
static void delivery_of(HookJob *j, const FlowDef *f) {
  Buf b = {0};
  bool keyed = kw_is(map_get_kw(map_get_kw(f->map, "concurrency"), "type"), "keyed");
  hook_delivery(j->r, j->delivery);
  if (!*j->delivery && keyed && j->r->nbody) buf_c(&b, "body: "), buf_add(&b, j->r->body, j->r->nbody);
  if (b.n) hash_sha256_hex(b.p, b.n, j->delivery);
  buf_free(&b);
}

/* Of one trigger. */
typedef struct Memory {
  Api *api;
  const char *workspace, *slug, *target, *id;
} Memory;

static Memory memory_of(const HookJob *j) { return (Memory){j->t->api, j->workspace, j->slug, j->target, j->id}; }

static void memory_key(const Memory *m, char what, const char *id, char out[512]) {
  snprintf(out, 512, "%s/%s/%s/%c-%s", m->slug, m->target, m->id, what, id);
}

/* *rev: what the memory of it is to replace. */
static bool seen(const Memory *m, char what, const char *id, Val *out, int64_t *rev) {
  char key[512];
  DocRow d = {0};
  Err e = {0};
  *rev = DOC_NEW;
  *out = NIL;
  memory_key(m, what, id, key);
  if (!*id || !store_doc_get(m->api->store, m->workspace, "delivery", key, &d, &e)) return false;
  *rev = d.rev;
  *out = api_doc_value(&d);
  bool fresh = d.expires_ms > now_ms();
  doc_row_free(&d);
  return fresh;
}

static void remember(const Memory *m, Batch *b, char what, const char *id, const char *run_id) {
  char key[512];
  ValVec kv = {0};
  Val was;
  int64_t rev, now = now_ms();
  if (!*id) return;
  if (seen(m, what, id, &was, &rev)) rev = DOC_NEW; /* another one has come since this was looked at: the batch is refused, and it is looked at again */
  memory_key(m, what, id, key);
  api_put_text(&kv, "run-id", run_id);
  api_doc_put(b, m->workspace, "delivery", key, api_map(&kv), rev, now, now + (what == 'r' ? HOOK_REPLAY_MS : HOOK_REMEMBERED_MS));
}

bool hook_replayed(Api *a, const char *workspace, const ApiTarget *target, const Trigger *t, const HookProof *proof, Err *e) {
  Val was;
  int64_t rev;
  Memory m = {a, workspace, target->flow, target->name, t->id};
  return seen(&m, 'r', proof->replay, &was, &rev) && !err_set(e, "webhook_replay", REPLAYED);
}

void hook_remember(Api *a, Batch *b, const char *workspace, const ApiTarget *target, const Trigger *t, const HookProof *proof, const char *run_id) {
  Memory m = {a, workspace, target->flow, target->name, t->id};
  remember(&m, b, 'r', proof->replay, run_id);
}

/* It was here before, and is answered like that. */
static bool again(HookJob *j) {
  Val was;
  int64_t rev;
  ValVec m = {0};
  Err e = {0};
  Memory of = memory_of(j);
  if (seen(&of, 'd', j->delivery, &was, &rev)) {
    metric_add(METRIC_webhook_deduped_total, 1);
    api_put(&m, "deduped", TRUE_V);
    api_put(&m, "workflowId", map_get_kw(was, "run-id"));
    api_put_text(&m, "flowSlug", j->slug);
    answer_data(j->t, j->r->token, j->workspace, 200, api_map(&m));
    return true;
  }
  if (!seen(&of, 'r', j->proof.replay, &was, &rev)) return false;
  err_set(&e, "webhook_replay", REPLAYED);
  answer_error(j->t, j->r->token, &e);
  return true;
}

/* --- a job -------------------------------------------------------------------------------------------------------------------------------- */
static ListenPair *copy_pairs(const ListenPair *a, size_t n) {
  ListenPair *out = calloc(n + 1, sizeof *out);
  if (!out) abort();
  for (size_t i = 0; i < n; i++) {
    out[i] = (ListenPair){strdup(a[i].name), strdup(a[i].value)};
    if (!out[i].name || !out[i].value) abort();
  }
  return out;
}

/* The request lives on; a body on disk stays there. `read` is good until the request was handled. NULL: no descriptor is free. */
static ListenRequest *request_copy(const ListenRequest *r) {
  ListenRequest *c = calloc(1, sizeof *c);
  if (!c) abort();
  *c = *r;
  c->body = NULL;
  if (r->spooled) {
    c->body_fd = dup(r->body_fd);
    void *p = c->body_fd < 0 ? MAP_FAILED : mmap(NULL, r->nbody + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, c->body_fd, 0);
    if (p == MAP_FAILED) {
      if (c->body_fd >= 0) close(c->body_fd);
      free(c);
      return NULL;
    }
    c->body = p;
  } else {
    c->body = malloc(r->nbody + 1);
    if (!c->body) abort();
    if (r->nbody) memcpy(c->body, r->body, r->nbody);
    c->body[r->nbody] = 0;
  }
  c->workspace = strdup(r->workspace);
  c->key = strdup(r->key);
  c->raw = strdup(r->raw ? r->raw : "");
  c->headers = copy_pairs(r->headers, r->nheaders);
  c->query = copy_pairs(r->query, r->nquery);
  return c;
}

static void job_free(HookJob *j) {
  hook_body_free(&j->body);
  listener_request_free(j->r);
  free(j);
}

static void job_failed(HookJob *j, const Err *e) {
  answer_error(j->t, j->r->token, e);
  job_free(j);
}

/* "Prefer: respond-async" or "wait=5" (RFC 7240) */
static int64_t wait_wanted(const ListenRequest *r) {
  const char *p = listener_header(r, "prefer"), *w = p ? strstr(p, "wait=") : NULL;
  if (p && strstr(p, "respond-async")) return 0;
  int64_t most = HOOK_WAIT_MAX_MS / 1000, s = w ? strtoll(w + 5, NULL, 10) : HOOK_WAIT_MS / 1000;
  return (s < 0 ? 0 : s > most ? most : s) * 1000;
}

/* --- the run ------------------------------------------------------------------------------------------------------------------------------ */
Val hook_started(const RunRow *row, const ApiTarget *target, const Trigger *t) {
  ValVec m = {0};
  api_put_text(&m, "workflowId", row->run_id);
  api_put_text(&m, "flowSlug", target->flow);
  api_put_text(&m, "status", run_status_name(row->status));
  api_put(&m, "version", int_val(row->version));
  api_put_text(&m, "target", target->name);
  api_put_text(&m, "triggerId", t->id);
  api_put(&m, "startedAt", api_time(row->created_ms));
  return api_map(&m);
}

typedef struct Starting {
  HookJob *j;
  const HookFound *f;
  Val data;
} Starting;

static void also(void *ctx, Batch *b, const RunRow *row) {
  Starting *s = ctx;
  HookJob *j = s->j;
  j->run = row->run;
  snprintf(j->run_id, sizeof j->run_id, "%s", row->run_id);
  s->data = hook_started(row, &s->f->target, &s->f->trigger);
  hook_body_store(&j->body, b, j->workspace, j->slug, row);
  Memory m = memory_of(j);
  remember(&m, b, 'd', j->delivery, row->run_id);
  remember(&m, b, 'r', j->proof.replay, row->run_id);
}

/* What is said about the run when it is durable. */
typedef struct Accepted {
  HookJob *j;
  char *data;
} Accepted;

static void accepted_answer(Accepted *a) {
  HookJob *j = a->j;
  HookWatch *w = calloc(1, sizeof *w);
  if (!w) abort();
  *w = (HookWatch){.token = j->r->token, .run = j->run, .until_ms = now_ms() + j->wait_ms, .workspace = strdup(j->workspace), .data = a->data};
  a->data = NULL;
  if (!j->wait_ms || j->t->nwatches >= HOOK_WATCHES || !j->t->api->listener) {
    answer_accepted(j->t, w, NULL);
    watch_free(w);
    return;
  }
  engine_listen_hold(j->t->api->listener, w->token, j->wait_ms + 5000);
  w->next = j->t->watches;
  j->t->watches = w;
  j->t->nwatches++;
}

static void started(void *ctx, const char *error) {
  Accepted *a = ctx;
  HookJob *j = a->j;
  Err e = {0};
  if (!error) metric_add(METRIC_webhook_runs_total, 1);
  if (!error) accepted_answer(a);
  else if (strcmp(error, "doc_conflict") || !again(j)) {
    err_set(&e, error, "%s", store_error_text(error));
    answer_error(j->t, j->r->token, &e);
  }
  free(a->data);
  free(a);
  job_free(j);
}

static bool found_again(HookJob *j, HookFound *f) {
  Api *a = j->t->api;
  return api_target_find(a, j->workspace, j->slug, j->target, &f->target, &j->err) && engine_def(a->engine, f->target.hash, &f->def, NULL, &j->err) &&
         (trigger_find_type(f->def->map, TRIGGER_WEBHOOK, j->id, &f->trigger) || err_set(&j->err, "not_found", "the webhook has gone meanwhile"));
}

static void job_start(HookJob *j) {
  HookFound f;
  if (!j->taken || !found_again(j, &f)) {
    job_failed(j, &j->err);
    return;
  }
  Val input = hook_body_input(&j->body, j->r, trigger_inputs(f.def->map, &f.trigger), f.trigger.auth, &j->err);
  if (same(input, ABSENT)) {
    job_failed(j, &j->err);
    return;
  }
  Accepted *a = calloc(1, sizeof *a);
  Starting s = {j, &f, NIL};
  Buf b = {0};
  if (!a) abort();
  a->j = j;
  RunStart how = {.also = also, .ctx = &s, .done = started, .done_ctx = a};
  int64_t run;
  if (!trigger_start(j->t->api, j->workspace, &f.target, &f.trigger, *j->by ? j->by : NULL, input, &how, &run, &j->err)) {
    free(a);
    job_failed(j, &j->err);
    return;
  }
  if (is_sig(json_print(&b, s.data))) abort(); /* texts and numbers */
  a->data = buf_cstr(&b);                     /* moved */
}

static void body_work(void *arg) {
  HookJob *j = arg;
  BlobStore *blobs = j->body.blobs;
  j->body.blobs = NULL;
  j->taken = hook_body_take(j->r, j->workspace, blobs, &j->body, &j->err);
  blobs_close(blobs);
}

static void body_done(Engine *e, uint64_t token, void *arg) {
  (void)token;
  if (e) job_start(arg);
  else job_free(arg);
}

static void job_run(HookJob *j) {
  Err e = {0};
  if (!hook_body_slow(j->r)) {
    j->taken = hook_body_take(j->r, j->workspace, NULL, &j->body, &j->err);
    job_start(j);
    return;
  }
  engine_listen_hold(j->t->api->listener, j->r->token, HOOK_WAIT_MAX_MS);
  j->r->read = NULL;
  j->body.blobs = blobs_hold(engine_blobs(j->t->api->engine));
  if (offload_run(&pool, j->t->api->engine, body_work, body_done, j, 0, &e)) return;
  blobs_close(j->body.blobs);
  j->body.blobs = NULL;
  job_failed(j, &e);
}

/* --- a request ---------------------------------------------------------------------------------------------------------------------------- */
static bool small_enough(const ListenRequest *r, Val auth, Err *e) {
  bool is_signed = kw_is(map_get_kw(auth, "type"), "signature") || kw_is(map_get_kw(auth, "type"), "hmac-sha256");
  const char *type = listener_header(r, "content-type");
  bool multipart = type && !strncasecmp(type, "multipart/", 10);
  int64_t most = limit_value(LIMIT_webhook_bytes), most_signed = limit_value(LIMIT_webhook_signed_multipart_bytes);
  if ((int64_t)r->nbody > most) return err_set(e, "too_large", "the body is over %lld bytes (limit webhook-bytes)", (long long)most);
  if (!is_signed || !multipart || (int64_t)r->nbody <= most_signed) return true;
  return err_set(e, "too_large", "a signed multipart body may have at most %lld bytes (limit webhook-signed-multipart-bytes)", (long long)most_signed);
}

static HookJob *job_of(Triggers *t, const ListenRequest *r, const char *workspace, const HookFound *f, const HookProof *proof, const char *by) {
  HookJob *j = calloc(1, sizeof *j);
  if (!j) abort();
  j->t = t;
  j->r = request_copy(r);
  j->proof = *proof;
  snprintf(j->by, sizeof j->by, "%s", by);
  j->wait_ms = wait_wanted(r);
  snprintf(j->workspace, sizeof j->workspace, "%s", workspace);
  snprintf(j->slug, sizeof j->slug, "%s", f->target.flow);
  snprintf(j->target, sizeof j->target, "%s", f->target.name);
  snprintf(j->id, sizeof j->id, "%s", f->trigger.id);
  if (!j->r) {
    free(j);
    return NULL;
  }
  delivery_of(j, f->def);
  return j;
}

static void accept(Triggers *t, const ListenRequest *r, const char *workspace, const HookFound *f, const HookProof *proof, const char *by) {
  Err e = {0};
  bool ok = small_enough(r, f->trigger.auth, &e);
  if (ok && !hook_body_slow(r) && engine_listen_read(t->api->listener, r, wait_body_read)) return; /* it comes again, read */
  HookJob *j = ok ? job_of(t, r, workspace, f, proof, by) : NULL;
  if (!j) {
    if (!e.code) err_set(&e, "busy", "too much is under way; try again");
    answer_error(t, r->token, &e);
  } else if (again(j)) {
    job_free(j);
  } else {
    job_run(j);
  }
}

typedef struct Event {
  Triggers *t;
  const ListenRequest *r;
  Err refused;
} Event;

static bool try_found(void *ctx, HookFound *f) {
  Event *ev = ctx;
  HookProof proof = {0};
  char by[64];
  if (!hook_believed(ev->t->api, ev->r->workspace, &f->target, f->trigger.auth, ev->r, &proof, by, &ev->refused)) return false;
  accept(ev->t, ev->r, ev->r->workspace, f, &proof, by);
  return true;
}

bool hook_event(void *ctx, const ListenRequest *r) {
  Event ev = {.t = ctx, .r = r};
  Look l = {.a = ev.t->api, .workspace = r->workspace, .path = r->key};
  if (look(&l, false, try_found, &ev)) return true;
  if (ev.refused.code) answer_error(ev.t, r->token, &ev.refused);
  return ev.refused.code;
}

/* --- drafts, and only looking ------------------------------------------------------------------------------------------------------------- */
typedef struct Draft {
  ApiCall *c;
  bool persist;
} Draft;

static bool run_draft(void *ctx, HookFound *f) {
  ApiCall *c = ctx;
  HookProof none = {0};
  c->later = true;
  accept(c->api->triggers, c->request, c->workspace, f, &none, c->key_id);
  return true;
}

static bool no_webhook(ApiCall *c, const Look *l, const char *path, bool draft) {
  if (l->err.code && strcmp(l->err.code, "not_found") && strcmp(l->err.code, "profile_missing")) return api_fail_err(c, &l->err);
  return api_fail(c, 404, "not_found", "no %s has a webhook at %.300s; GET /api/triggers lists what there is", draft ? "draft" : "live flow", path);
}

bool hook_draft(ApiCall *c, const char *path) {
  Look l = {.a = c->api, .workspace = c->workspace, .path = path};
  return look(&l, true, run_draft, c) || no_webhook(c, &l, path, true);
}

static Val auth_verdict(ApiCall *c, const HookFound *f) {
  ValVec m = {0};
  Err e = {0};
  HookProof proof;
  bool ok = hook_believed(c->api, c->workspace, &f->target, f->trigger.auth, c->request, &proof, NULL, &e);
  Val type = is_map(f->trigger.auth) ? map_get_kw(f->trigger.auth, "type") : f->trigger.auth;
  api_put(&m, "type", type);
  api_put(&m, "ok", ok ? TRUE_V : FALSE_V);
  if (!ok) api_put_text(&m, "message", e.msg);
  return api_map(&m);
}

/* The files are stored when that is wanted: on this thread, for it is asked by hand. */
static bool validate_input(Draft *d, const HookFound *f, Val *input, Err *e) {
  HookBody body = {0};
  ApiCall *c = d->c;
  Val inputs = trigger_inputs(f->def->map, &f->trigger);
  bool ok = small_enough(c->request, f->trigger.auth, e) &&
            hook_body_take(c->request, c->workspace, d->persist ? engine_blobs(c->api->engine) : NULL, &body, e);
  *input = ok ? hook_body_input(&body, c->request, inputs, f->trigger.auth, e) : ABSENT;
  ok = !same(*input, ABSENT) && flowdef_input_for(inputs, input, e);
  if (ok && d->persist) hook_body_store(&body, api_batch(c), c->workspace, f->target.flow, NULL);
  hook_body_free(&body);
  return ok;
}

static bool validate_found(void *ctx, HookFound *f) {
  Draft *d = ctx;
  ValVec m = {0};
  Err e = {0};
  Val input = NIL;
  bool ok = validate_input(d, f, &input, &e);
  api_put(&m, "valid", ok ? TRUE_V : FALSE_V);
  api_put_text(&m, "flowSlug", f->target.flow);
  api_put_text(&m, "target", f->target.name);
  api_put_text(&m, "triggerId", f->trigger.id);
  if (*f->trigger.invocation) api_put_text(&m, "invocation", f->trigger.invocation);
  api_put(&m, "auth", auth_verdict(d->c, f));
  if (ok) api_put(&m, "input", api_shown(map_dissoc(input, kw_new("flow", "request"))));
  d->c->bare = false;
  if (ok) return api_ok(d->c, api_map(&m));
  d->c->details = api_map(&m);
  api_fail(d->c, !strcmp(e.code, "too_large") ? 413 : !strcmp(e.code, "bad_request") ? 400 : 422, !strcmp(e.code, "invalid_input") ? "invalid_input" : "bad_request", "%s", e.msg);
  return true;
}

bool hook_validate(ApiCall *c, const char *path, bool draft, bool persist) {
  Draft d = {c, persist};
  Look l = {.a = c->api, .workspace = c->workspace, .path = path};
  if (!look(&l, draft, validate_found, &d)) return no_webhook(c, &l, path, draft);
  return !c->code;
}
