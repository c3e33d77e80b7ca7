/* worker_rpc.c - see worker_rpc.h */
#include "worker_rpc.h"
#include "runtime/base/backoff.h"
#include "runtime/base/hash.h"
#include "runtime/net/http_client.h"
#include "runtime/base/json.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 256 << 20, CONNECT_MS = 10000, FIRST_MS = 200, MOST_MS = 10000 };

bool worker_rpc_open(WorkerRpc *r, const ClientConfig *where, Err *e) {
  *r = (WorkerRpc){.where = where};
  hash_random((uint8_t *)&r->seed, sizeof r->seed);
  return (r->http = http_client_new(NULL, e)) != NULL;
}

void worker_rpc_close(WorkerRpc *r) {
  http_client_free(r->http);
  r->http = NULL;
}
int worker_rpc_fd(const WorkerRpc *r) { return http_client_fd(r->http); }

/* --- calls ------------------------------------------------------------------------------------------------------------------------ */
void worker_call_new(WorkerCall *c, const char *command, Val args, int64_t timeout_ms) {
  Buf b = {0};
  *c = (WorkerCall){.timeout_ms = timeout_ms};
  client_uuid(c->op);
  buf_c(&b, "{\"command\":");
  json_text(&b, command, strlen(command));
  buf_c(&b, ",\"args\":");
  if (is_sig(json_print(&b, args))) abort(); /* it was made of what JSON had said */
  buf_c(&b, "}\n");
  c->n = b.n;
  c->body = buf_cstr(&b);
}

void worker_call_free(WorkerCall *c) {
  free(c->body);
  *c = (WorkerCall){0};
}

bool worker_rpc_send(WorkerRpc *r, WorkerCall *c, Err *e) {
  HttpRequest q;
  Buf url = {0};
  http_request_init(&q);
  snprintf(q.method, sizeof q.method, "POST");
  buf_fmt(&url, "%s/api/commands", r->where->url);
  q.url = buf_cstr(&url);
  q.guard = false;
  q.timeout_ms = c->timeout_ms;
  q.connect_timeout_ms = CONNECT_MS;
  q.max_response = ANSWER_MAX;
  q.max_redirects = 0;
  client_headers(r->where, c->op, ++c->attempt, &q);
  http_request_header(&q, "content-type", "application/json", false);
  if (!(q.body = malloc(c->n + 1))) abort();
  memcpy(q.body, c->body, c->n + 1);
  q.nbody = c->n;
  c->sent_us = mono_us();
  if (c->attempt == 1) c->first_us = c->sent_us;
  c->again_us = 0;
  c->id = http_client_send(r->http, &q, e);
  return c->id != 0;
}

void worker_rpc_cancel(WorkerRpc *r, WorkerCall *c) {
  if (c->id) http_client_cancel(r->http, c->id);
  c->id = 0;
}

void worker_rpc_later(WorkerRpc *r, WorkerCall *c, int64_t retry_after_ms) {
  int64_t ms = FIRST_MS;
  for (int i = 1; i < c->attempt && ms < MOST_MS; i++) ms *= 2;
  if (ms > MOST_MS) ms = MOST_MS;
  r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
  ms = ms / 2 + (int64_t)((r->seed >> 33) % (uint64_t)(ms / 2 + 1));
  if (retry_after_ms > ms) ms = retry_after_ms;
  c->id = 0;
  c->again_us = mono_us() + ms * 1000;
}

/* --- answers ------------------------------------------------------------------------------------------------------------------------ */
static enum WorkerSaid judge(const WorkerAnswer *a) {
  if (!a->status || !is_map(a->body) || a->status == 408 || a->status == 429 || a->status >= 500) return WORKER_SAID_AGAIN;
  if (a->status < 400) return client_true_at(a->body, "ok") ? WORKER_SAID_OK : WORKER_SAID_REFUSED;
  if (a->status == 401 || a->status == 403) return WORKER_SAID_DENIED;
  return a->status == 404 || a->status == 409 ? WORKER_SAID_LOST : WORKER_SAID_REFUSED;
}

static void explain(WorkerAnswer *a, const HttpResponse *h) {
  Val error = client_at(a->body, "error");
  const char *code = client_text_at(error, "code"), *message = is_str(error) ? str_s(error) : client_text_at(error, "message");
  bool json = is_map(a->body);
  snprintf(a->code, sizeof a->code, "%s",
           h->err == HTTP_TIMEOUT ? "timeout"
           : h->err               ? "unreachable"
           : !json                ? "invalid_answer"
           : code                 ? code
                                  : "failed");
  if (h->err)
    snprintf(a->message, sizeof a->message, "%s", h->msg);
  else if (!json)
    snprintf(a->message, sizeof a->message, "the answer with status %d is not a JSON object", h->status);
  else
    snprintf(a->message, sizeof a->message, "%s", message ? message : "the server refused it and did not say why");
}

bool worker_rpc_next(WorkerRpc *r, WorkerAnswer *a) {
  Err e = {0};
  HttpResponse *h = http_client_next(r->http);
  if (!h) return false;
  *a = (WorkerAnswer){.id = h->id, .status = h->err ? 0 : h->status, .body = NIL, .retry_after_ms = -1};
  Val v = h->err || !h->nbody ? ABSENT : json_parse(h->body, h->nbody, &e);
  if (is_map(v)) a->body = v;
  const char *after = h->err ? NULL : http_response_get(h, "retry-after");
  if (after) a->retry_after_ms = backoff_retry_after(after, now_ms());
  a->said = judge(a);
  if (a->said != WORKER_SAID_OK) explain(a, h);
  http_response_free(h);
  return true;
}
