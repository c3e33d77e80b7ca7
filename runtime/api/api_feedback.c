/* api_feedback.c - what people and agents say about flows and this server, kept for its operator for FEEDBACK_MS: a document "feedback"
 * <id> of the workspace, {:type :title :description ..} as it was sent, with who sent it and when. */
#include "api.h"
#include "runtime/base/hash.h"
#include <stdio.h>

#define FEEDBACK_MS (90LL * 24 * 3600 * 1000)
enum { TITLE_MAX = 300, TEXT_MAX = 64 << 10 };

/* Newest first in the order of keys. */
static void new_id(char id[40], int64_t now) {
  uint8_t r[4];
  hash_random(r, sizeof r);
  snprintf(id, 40, "fb-%015llx%02x%02x%02x%02x", (unsigned long long)(0xfffffffffffffffull - (uint64_t)now), r[0], r[1], r[2], r[3]);
}

static bool send(ApiCall *c) {
  static const char *const fields[] = {"type", "title", "description", "source", "tags", "flowSlug", "workflowId", "runId", "command", "metadata", "context"};
  char id[40];
  int64_t now = now_ms();
  ValVec m = {0}, out = {0};
  if (!*api_text(c, "title")) return api_fail(c, 400, "bad_request", "feedback.send: title must not be empty");
  new_id(id, now);
  api_put_text(&m, "feedbackId", id);
  api_put(&m, "createdAt", api_time(now));
  api_put_text(&m, "sentBy", c->key_id);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) api_put(&m, fields[i], api_arg(c, fields[i]));
  Val all = api_map(&m);
  if (!api_doc_put(api_batch(c), c->workspace, "feedback", id, all, DOC_NEW, now, now + FEEDBACK_MS))
    return api_fail(c, 500, "internal", "the feedback cannot be stored");
  api_put_text(&out, "feedbackId", id);
  api_put(&out, "feedback", all);
  return api_ok(c, api_map(&out));
}

static bool list(ApiCall *c) {
  DocRow rows[API_PAGE + 1];
  ValVec items = {0}, m = {0}, meta = {0};
  Err err = {0};
  const char *cursor = api_text(c, "cursor");
  size_t limit = (size_t)api_int(c, "limit", 25), n = store_docs(c->api->store, c->workspace, "feedback", "", cursor ? cursor : "", rows, limit + 1, &err);
  char last[40] = "";
  for (size_t i = 0; i < n; i++) {
    if (i + 1 == limit) snprintf(last, sizeof last, "%s", rows[i].key);
    if (i < limit && rows[i].expires_ms > now_ms()) vv_push(&items, api_doc_value(&rows[i]));
    doc_row_free(&rows[i]);
  }
  if (err.code) return api_fail_err(c, &err);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(items.a, items.n));
  api_put(&meta, "hasMore", bool_val(n > limit));
  if (n > limit) api_put_text(&meta, "nextCursor", last);
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}

#define TEXT_ARG(name, doc) {name, API_TEXT, false, 0, 0, NULL, doc}

const ApiCommand api_feedback_commands[] = {
    {"feedback.send",
     "feedback.send",
     true,
     "Tells the operator of this server something; it is kept for 90 days.",
     send,
     {{"type", API_TEXT, false, 0, 40, NULL, "issue, idea or another word"},
      {"title", API_TEXT, true, 0, TITLE_MAX, NULL, "what it is about, in one line"},
      {"description", API_TEXT, false, 0, TEXT_MAX, NULL, "what there is to say"},
      TEXT_ARG("source", "who speaks: a person, or an agent"),
      {"tags", API_ARRAY, false, 0, 0, NULL, "words to find it by"},
      {"flowSlug", API_SLUG, false, 0, 0, NULL, "the flow it is about"},
      TEXT_ARG("workflowId", "the run it is about"),
      TEXT_ARG("runId", "the same"),
      TEXT_ARG("command", "the command it is about"),
      {"metadata", API_OBJECT, false, 0, 0, NULL, "anything else"},
      {"context", API_OBJECT, false, 0, 0, NULL, "anything else"}}},
    {"feedback.list",
     "workspace.full",
     false,
     "What was said, newest first.",
     list,
     {{"limit", API_INT, false, 1, API_PAGE, NULL, "how many at once"}, {"cursor", API_TEXT, false, 0, 64, NULL, "meta.nextCursor of the page before"}}},
    {.name = NULL},
};
