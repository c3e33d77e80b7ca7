/* client_steps.c - see client_steps.h */
#include "client_steps.h"
#include "runtime/cli/cli.h"
#include "client_file.h"
#include "client_flows.h"
#include "runtime/base/json.h"
#include "reader/num.h"
#include <string.h>

/* --- previews --------------------------------------------------------------------------------------------------------------------- */
typedef struct Cut {
  int64_t depth, items, runes;
} Cut;

static Val cut_text(const Cut *c, Val s) {
  int64_t n = 0;
  const char *p = str_s(s), *end = p + str_n(s);
  for (; p < end && n < c->runes; n++) utf8_next(&p);
  return p < end ? str_fmt("%.*s... (%zu bytes)", (int)(p - str_s(s)), str_s(s), str_n(s)) : s;
}

static Val preview(const Cut *c, Val v, int64_t depth);

static Val cut_list(const Cut *c, Val v, int64_t depth) {
  Val out = vec_empty;
  uint32_t n = vec_count(v);
  if (depth <= 0 && n) return str_fmt("[%u items]", n);
  for (uint32_t i = 0; i < n && i < c->items; i++) out = vec_conj(out, preview(c, vec_nth(v, i), depth - 1));
  return n > c->items ? vec_conj(out, str_fmt("... (%u items)", n)) : out;
}

static Val cut_map(const Cut *c, Val m, int64_t depth) {
  Val out = map_empty, k, v;
  MapIter it;
  int64_t n = 0;
  if (depth <= 0 && map_count(m)) return str_fmt("{%u keys}", map_count(m));
  map_iter(&it, m);
  while (n++ < c->items && map_next(&it, &k, &v)) out = map_assoc(out, k, preview(c, v, depth - 1));
  return map_count(m) > c->items ? client_put(out, "...", str_fmt("%u keys", map_count(m))) : out;
}

static Val preview(const Cut *c, Val v, int64_t depth) {
  return is_str(v) ? cut_text(c, v) : is_vec(v) ? cut_list(c, v, depth) : is_map(v) ? cut_map(c, v, depth) : v;
}

/* --- steps run -------------------------------------------------------------------------------------------------------------------- */
static bool recorded(ClientRun *r, const char *command, Val args, const char *key, Val *body) {
  ClientAnswer a;
  bool ok = client_ask(r, command, args, &a);
  *body = client_put(*body, "meta.recorded", client_put(client_at(*body, "meta.recorded"), key, ok ? TRUE_V : FALSE_V));
  if (!ok) client_say("the %s was not kept: %s", key, a.message ? a.message : "");
  client_answer_free(&a);
  return ok;
}

/* Best effort: the step has run. */
static void record(ClientRun *r, Val result, Val *body) {
  bool all = !strcmp(r->command->name, "steps record");
  bool example = all ? !client_flag(r, "no-example") : client_flag(r, "record-example"),
       test = all ? !client_flag(r, "no-test") : client_flag(r, "record-test");
  const char *note = client_text(r, all ? "note" : "record-note"), *name = client_text(r, all ? "test-name" : "record-test-name"),
             *step = client_text_at(r->args, "stepId");
  Val args = client_put_text(
      client_put(client_put_text(NIL, "flowSlug", client_text_at(r->args, "flowSlug")), "stepId", client_at(r->args, "stepId")), "note",
      note);
  Val params = client_at(r->args, "params");
  args = client_put(args, "input", is_map(params) ? params : map_empty);
  if (example) recorded(r, "steps.examples.add", client_put(args, "output", result), "example", body);
  args = client_put_text(client_put_text(args, "stepType", client_text_at(r->args, "stepType")), "name", name ? name : step);
  if (test) recorded(r, "steps.tests.add", client_put(args, "expected", result), "test", body);
}

static bool to_file(ClientRun *r, Val result, Val *data) {
  const char *path = client_text(r, "result-file");
  Buf b = {0};
  if (!path) return true;
  bool ok = !is_sig(json_pretty(&b, result));
  buf_ch(&b, '\n');
  ok = ok && client_file_write(r, path, b.p, b.n);
  *data = client_put_text(*data, "resultFile", path);
  buf_free(&b);
  return ok;
}

int client_steps_run(ClientRun *r) {
  ClientAnswer a;
  Cut cut = {client_int(r, "preview-depth", 3), client_int(r, "preview-items", 8), client_int(r, "preview-runes", 1200)};
  const char *path = client_text(r, "result-path");
  if (is_nil(client_at(r->args, "stepId"))) return client_usage(r, "--id is needed: the step's id");
  bool keep = strcmp(r->command->name, "steps run") || client_flag(r, "record-example") || client_flag(r, "record-test");
  if (keep && is_nil(client_at(r->args, "flowSlug"))) return client_usage(r, "--flow is needed to keep examples and tests");
  if (!client_send(r, &a)) return client_finish(r, &a);
  Val got = client_at(a.body, "data"), data = is_map(got) ? got : map_empty, result = client_at(data, "result"),
      shown = path ? client_at(result, path) : result;
  if (!to_file(r, shown, &data)) return EXIT_FAILED;
  if (!client_flag(r, "full"))
    data = client_put(map_dissoc(data, client_key("result")), "resultPreview", preview(&cut, shown, cut.depth));
  else
    data = client_put(data, "result", shown);
  a.body = client_put(a.body, "data", data);
  if (keep) record(r, result, &a.body);
  return client_finish(r, &a);
}

int client_steps_docs(ClientRun *r) {
  ClientAnswer a;
  Val text = client_at(r->args, "markdown");
  if (!is_str(text)) return client_usage(r, "--markdown TEXT or --file FILE is needed");
  r->args = client_put(r->args, "docs", text);
  client_send(r, &a);
  return client_finish(r, &a);
}
