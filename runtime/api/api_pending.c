/* api_pending.c - answers that leave when what they say is durable, while other requests are looked at. See api.h */
#include "api.h"
#include "api_target.h"
#include "runtime/trigger/trigger.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ApiPending {
  Api *api;
  uint64_t token;
  bool bare;
  int status;
  char *op, *workspace; /* op: key of the operation in memory, NULL: none */
  char *flow;           /* whose document is replaced; NULL: none */
  const char *change;   /* api_observe_change */
  char request[65];
  Buf answer;
  uint64_t *again; /* the same operation, asked once more meanwhile */
  size_t nagain;
  struct ApiPending *next;
};

static char *op_name(const ApiCall *c) {
  Buf b = {0};
  buf_fmt(&b, "%s/%s/%s", c->workspace, c->key_id, c->op_id);
  return buf_cstr(&b);
}

ApiPending *api_pend(ApiCall *c) {
  ApiPending *p = calloc(1, sizeof *p);
  if (!p) abort();
  *p = (ApiPending){.api = c->api, .token = c->request->token, .bare = c->bare, .next = c->api->pending};
  p->op = c->op_id ? op_name(c) : NULL;
  p->workspace = strdup(c->workspace);
  if (p->op) snprintf(p->request, sizeof p->request, "%s", api_request_hash(c));
  c->api->pending = p;
  c->later = true;
  return p;
}

void api_pend_answer(ApiPending *p, ApiCall *c) {
  p->status = c->status;
  p->answer = c->answer;
  c->answer = (Buf){0};
}

static void forget(ApiPending *p) {
  ApiPending **at = &p->api->pending;
  while (*at != p) at = &(*at)->next;
  *at = p->next;
  buf_free(&p->answer);
  free(p->op);
  free(p->workspace);
  free(p->flow);
  free(p->again);
  free(p);
}

static void fail_one(ApiPending *p, uint64_t token, const Err *err) {
  ApiCall c = {.api = p->api, .data = NIL, .meta = NIL, .details = NIL};
  ApiLater l = {.token = token, .bare = p->bare};
  snprintf(l.workspace, sizeof l.workspace, "%s", p->workspace);
  api_fail_err(&c, err);
  api_later_fail(p->api, &l, c.status, c.code, buf_cstr(&c.message), NIL);
  api_free(&c);
}

/* What follows from the flow may have been looked at before it was durable. */
static void flow_changed(const ApiPending *p) {
  api_target_touch();
  trigger_changed(p->workspace, "flow", p->flow, NIL);
  api_observe_changed(p->change);
  if (p->api->listener) engine_listen_forget(p->api->listener);
}

void api_pend_done(ApiPending *p, const char *error) {
  Err err = {0};
  if (p->flow && !error) flow_changed(p);
  if (error) err_set(&err, error, "%s", store_error_text(error));
  for (size_t i = 0; p->api->listener && i <= p->nagain; i++) {
    uint64_t token = i ? p->again[i - 1] : p->token;
    if (error) fail_one(p, token, &err);
    else engine_listen_answer(p->api->listener, token, p->status, p->answer.p, p->answer.n);
  }
  forget(p);
}

void api_pend_drop(ApiPending *p) { forget(p); }

static void committed(Engine *e, void *ctx, const char *error) {
  (void)e;
  api_pend_done(ctx, error);
}

void api_pend_commit(ApiPending *p, Batch *b) { engine_commit(p->api->engine, b, committed, p); }

void api_pend_flow(ApiCall *c, Batch *b) {
  ApiPending *p = api_pend(c);
  p->flow = strdup(str_s(map_get_kw(c->data, "flowSlug")));
  if (!p->flow) abort();
  p->change = api_observe_change(c);
  api_pend_answer(p, c);
  api_pend_commit(p, b);
}

void api_pend_settle(ApiCall *c, const char *slug) {
  const ApiPending *p = c->api->pending;
  Err err = {0};
  while (p && !(p->flow && !strcmp(p->flow, slug) && !strcmp(p->workspace, c->workspace))) p = p->next;
  if (p) store_submit_wait(c->api->store, batch_new(), &err); /* what was submitted before is durable then, or was refused; it is told later */
}

bool api_pend_again(ApiCall *c) {
  if (!c->op_id || !c->api->pending) return false;
  char *op = op_name(c);
  ApiPending *p = c->api->pending;
  while (p && !(p->op && !strcmp(p->op, op))) p = p->next;
  free(op);
  if (!p) return false;
  if (strcmp(api_request_hash(c), p->request)) return !api_op_mismatch(c);
  p->again = realloc(p->again, (p->nagain + 1) * sizeof *p->again);
  if (!p->again) abort();
  p->again[p->nagain++] = c->request->token;
  return c->later = true;
}
