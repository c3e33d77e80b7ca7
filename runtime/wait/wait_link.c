/* wait_link.c - the approve and reject links of a wait (wait_answer.h). A token is an HMAC over workspace, run, record and
 * action under a random key of the database: it stands nowhere, is good for one wait and one action, and ends with the wait. */
#include "runtime/engine/engine_int.h"
#include "decisions.h"
#include "eval/unit.h"
#include "runtime/base/hash.h"
#include "runtime/base/json.h"
#include "wait_answer.h"
#include "wait_page.h"
#include "runtime/flow/wait_spec.h"
#include <stdio.h>
#include <stdlib.h>

static bool link_key(Engine *e, char out[65], Err *err) {
  char *text = NULL;
  if (store_meta_get(e->store, "link-key", &text, err) && text && strlen(text) == 64) {
    memcpy(out, text, 65);
    free(text);
    return true;
  }
  free(text);
  uint8_t bytes[32];
  Buf b = {0};
  hash_random(bytes, sizeof bytes);
  hash_hex(bytes, sizeof bytes, &b);
  memcpy(out, buf_cstr(&b), 65);
  buf_free(&b);
  Batch *batch = batch_new();
  batch_meta_put(batch, "link-key", out);
  return store_submit_wait(e->store, batch, err);
}

typedef struct Link { const char *workspace, *action; int64_t run, seq; } Link;

static bool token_of(Engine *e, const Link *l, char out[65], Err *err) {
  char key[65];
  uint8_t mac[32];
  Buf text = {0}, hex = {0};
  if (!link_key(e, key, err)) return false;
  buf_fmt(&text, "wait-link\n%s\n%lld-%lld\n%s", l->workspace, (long long)l->run, (long long)l->seq, l->action);
  hash_hmac_sha256(key, 64, text.p, text.n, mac);
  hash_hex(mac, 32, &hex);
  memcpy(out, buf_cstr(&hex), 65);
  buf_free(&text);
  buf_free(&hex);
  return true;
}

static const char *button(const Link *l) { return !strcmp(l->action, "approve") ? "Approve" : "Reject"; }

bool wait_link(Engine *e, const char *workspace, int64_t run, int64_t seq, const char *action, Buf *out, Err *err) {
  Link l = {workspace, action, run, seq};
  char token[65];
  if (!e->base_url) return err_set(err, "no_address", "nobody can reach this run over HTTP: start it with --listen HOST:PORT, and --public-url URL if others know it by another name");
  if (!token_of(e, &l, token, err)) return false;
  buf_fmt(out, "%s/%s/waits/%lld-%lld/%s?token=%s", e->base_url, workspace, (long long)run, (long long)seq, action, token);
  return true;
}

/* ---- requests ---- */

/* "12-3/approve" */
static bool link_of(const ListenRequest *r, Link *l) {
  char *end;
  l->workspace = r->workspace;
  if (r->key[0] < '0' || r->key[0] > '9') return false;
  l->run = strtoll(r->key, &end, 10);
  if (*end != '-' || end[1] < '0' || end[1] > '9') return false;
  l->seq = strtoll(end + 1, &end, 10);
  l->action = *end == '/' ? end + 1 : "";
  return !strcmp(l->action, "approve") || !strcmp(l->action, "reject");
}

static bool token_fits(Engine *e, const ListenRequest *r, const Link *l, Err *err) {
  char want[65];
  const char *given = "";
  for (size_t i = 0; i < r->nquery; i++)
    if (!strcmp(r->query[i].name, "token")) given = r->query[i].value;
  return token_of(e, l, want, err) && hash_equal(given, strlen(given), want, 64);
}

typedef struct Page { Buf *b; bool json; } Page;

static const char *code_of(int status) {
  return status == 403 ? "forbidden" : status == 404 ? "not_found" : status == 410 ? "no_longer_open" : status == 413 ? "too_large"
       : status == 422 ? "invalid_answer" : "unavailable";
}

static int note(const Page *p, int status, const char *title, const char *text) {
  if (!p->json) return wait_page_note(p->b, title, text), status;
  buf_c(p->b, status < 300 ? "{\"ok\":true,\"message\":" : "{\"ok\":false,\"error\":{\"code\":");
  if (status >= 300) {
    json_text(p->b, code_of(status), strlen(code_of(status)));
    buf_c(p->b, ",\"message\":");
  }
  json_text(p->b, text, strlen(text));
  buf_c(p->b, status < 300 ? "}" : "}}");
  return status;
}

/* The wait is over: what came of it, for a day. */
static int over(Engine *e, const Page *p, const Link *l) {
  Buf name = {0};
  Blob was = {0};
  Err err = {0};
  int64_t at = 0;
  wait_link_name(&name, l->run, l->seq);
  bool known = store_outcome_get(e->store, l->workspace, buf_cstr(&name), &at, &was, &err) && now_ms() - at < ANSWERED_FOR_MS;
  Val v = known && was.n ? snap_read_value(env_core(), was.p, was.n) : NIL;
  blob_free(&was);
  buf_free(&name);
  const char *action = kw_text(map_get_kw(v, "action"));
  if (!strcmp(action, "approve")) return note(p, 200, "Already approved", "This was approved before. Nothing has changed.");
  if (!strcmp(action, "reject")) return note(p, 200, "Already rejected", "This was rejected before. Nothing has changed.");
  if (known && !is_kw(v)) return note(p, 200, "Already answered", "This was answered before. Nothing has changed.");
  return note(p, 410, "No longer open", "Nobody answered in time, or it was cancelled, or the run has ended. The link does nothing any more.");
}

/* The wait at that record of the run, in *w when it is open. Answered: what follows from it is on its way to the disk. */
enum WaitAt { WAIT_NONE, WAIT_OPEN, WAIT_ANSWERED };
static enum WaitAt wait_at(Engine *e, const char *workspace, int64_t run, int64_t seq, WaitRow *w) {
  Err err = {0};
  if (!wait_of_run(e->store, workspace, run, w, &err)) return WAIT_NONE;
  if (w->seq == seq && !wait_is_answered(e, w)) return WAIT_OPEN;
  enum WaitAt at = w->seq == seq ? WAIT_ANSWERED : WAIT_NONE;
  wait_row_free(w);
  return at;
}

/* What was posted, as the answer's fields. */
static bool posted(const ListenRequest *r, Val spec, Val *out, Buf *problem) {
  const char *type = listener_header(r, "content-type");
  Err err = {0};
  Val body;
  if (!wait_body(r, &body, &err) || !is_map(body)) return buf_c(problem, "The form could not be read."), false;
  bool json = type && !strncmp(type, "application/json", 16);
  *out = body;
  return json || wait_page_fields(map_get_kw(spec, "fields"), body, out, problem);
}

/* A rejection needs no fields (wait_answer_check), and the browser must not ask for them either. */
static void show_form(Buf *b, Val spec, const Link *l, const char *problem) {
  Val fields = map_get_kw(spec, "fields"), out = vec_empty;
  for (uint32_t i = 0; *l->action == 'r' && is_vec(fields) && i < vec_count(fields); i++)
    out = vec_conj(out, map_dissoc(vec_nth(fields, i), kw_c("required")));
  wait_page_form(b, vec_count(out) ? map_assoc(spec, kw_c("fields"), out) : spec, button(l), problem);
}

static int again(const Page *p, Val spec, const Link *l, const char *problem) {
  if (p->json) return note(p, 422, "", problem);
  show_form(p->b, spec, l, problem);
  return 422;
}

static int refused(const Page *p, const Err *err) {
  static const struct { const char *code, *title, *text; int status; } known[] = {
      {"already_decided", "Already decided", "This link was used before. Nothing has changed.", 200},
      {"delegated", "Passed on", NULL, 403}, {"forbidden", "Not allowed", NULL, 403},
      {"too_large", "Too large", NULL, 413}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (err->code && !strcmp(err->code, known[i].code)) return note(p, known[i].status, known[i].title, known[i].text ? known[i].text : err->msg);
  return note(p, 503, "Not recorded", "The answer could not be recorded. Please try again.");
}

static int recorded(const Page *p, const Link *l, const Decided *d) {
  char text[160];
  if (*l->action == 'r') return note(p, 200, "Rejected", "Thank you. The run is told.");
  snprintf(text, sizeof text, "Thank you. %lld of %lld approvals are there; the run goes on with the last one.", (long long)d->have, (long long)d->need);
  return d->final ? note(p, 200, "Approved", "Thank you. The run goes on.") : note(p, 200, "Approved", text);
}

static int commit(Engine *e, const Page *p, const Link *l, const WaitRow *w, Val answer) {
  DecisionWait at = {l->workspace, l->run, l->seq, wait_spec_read(w), NULL};
  Decider who = {.id = "link", .name = "link"};
  Decided d;
  Err err = {0};
  Batch *b = batch_new();
  if (!decision_make(e->store, &at, l->action, answer, NULL, &who, b, &d, &err)) {
    batch_free(b);
    return strcmp(err.code ? err.code : "", "invalid_answer") ? refused(p, &err) : again(p, at.spec, l, err.msg);
  }
  if (d.final && !wait_put_answer(b, l->workspace, w, d.answer, &err)) {
    batch_free(b);
    return refused(p, &err);
  }
  if (!store_submit_wait(e->store, b, &err) || !engine_drain_inbox(e, &err)) return refused(p, &err);
  return recorded(p, l, &d);
}

static int decide(Engine *e, const ListenRequest *r, const Page *p, const Link *l, const WaitRow *w) {
  Val answer = map_empty, spec = wait_spec_read(w);
  Buf problem = {0};
  int status = posted(r, spec, &answer, &problem) ? commit(e, p, l, w, answer) : again(p, spec, l, buf_cstr(&problem));
  buf_free(&problem);
  return status;
}

int wait_link_request(Engine *e, const ListenRequest *r, Buf *out, bool *json) {
  const char *accept = listener_header(r, "accept");
  Page p = {out, accept && strstr(accept, "application/json")};
  Link l = {0};
  WaitRow w = {0};
  Err err = {0};
  *json = p.json;
  if (!link_of(r, &l)) return note(&p, 404, "Not found", "There is nothing at this address.");
  if (!token_fits(e, r, &l, &err))
    return err.code ? note(&p, 503, "Not available", "Please try again later.") : note(&p, 403, "Not valid", "This link is not complete, or was made for something else.");
  enum WaitAt at = wait_at(e, l.workspace, l.run, l.seq, &w);
  if (at == WAIT_NONE) return over(e, &p, &l);
  if (at == WAIT_ANSWERED) return note(&p, 200, "Already answered", "This was answered before. Nothing has changed.");
  int status = 200;
  if (!strcmp(r->method, "POST")) status = decide(e, r, &p, &l, &w);
  else if (p.json) note(&p, 200, "", "the wait is open; POST decides");
  else show_form(out, wait_spec_read(&w), &l, NULL);
  wait_row_free(&w);
  return status;
}
