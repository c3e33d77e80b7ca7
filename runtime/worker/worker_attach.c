/* worker_attach.c - attach-file, attach-kv, attach-table: what a handler adds to its job; see worker_cli.h. Each appends an artifact to
 * result.json. Those of kv and tables are on the job already, and marked so (_breytaPersisted); a file's goes there with the report of the
 * job's end. */
#include "runtime/cli/cli.h"
#include "runtime/client/client_resources.h"
#include "runtime/base/json.h"
#include "worker_cli.h"
#include "worker_context.h"
#include "worker_dir.h"
#include "worker_rows.h"
#include <string.h>

enum { CHUNK_ROWS = 2000, CHUNK_BYTES = 512 << 10 };

static Val appended(Val was, void *ctx) {
  Val list = client_at(was, "artifacts");
  return client_put(was, "artifacts", vec_conj(is_vec(list) ? list : vec_empty, *(Val *)ctx));
}

/* Prints the artifact, or its address alone. */
static int attached(ClientRun *r, const WorkerContext *c, Val artifact, bool persisted) {
  Err e = {0};
  Val kept = persisted ? client_put(artifact, "_breytaPersisted", TRUE_V) : artifact;
  const char *uri = client_text_at(artifact, "resourceUri");
  if (!uri || !*uri) return client_fail(r, "invalid_answer", "the server's answer has no address of the artifact (resourceUri)");
  if (!worker_dir_change(c->result, appended, &kept, NULL, &e)) return client_fail(r, e.code, "%s", e.msg);
  if (!client_flag(r, "print-uri")) return client_done(r, client_put(client_put_text(NIL, "jobId", c->job), "artifact", artifact));
  cli_out(uri, strlen(uri));
  cli_out("\n", 1);
  cli_out_flush();
  return EXIT_OK;
}

static int not_attached(ClientRun *r, ClientAnswer *a) {
  int status = client_finish(r, a);
  client_answer_free(a);
  return status;
}

/* --- a file ------------------------------------------------------------------------------------------------------------------------ */
int worker_attach_file(ClientRun *r) {
  static const char *const keys[][2] = {
      {"content-type", "contentType"}, {"uri", "resourceUri"}, {"filename", "filename"}, {"size-bytes", "sizeBytes"}};
  WorkerContext c;
  Val file, m;
  ClientUpload u = {.path = client_text(r, "file"), .type = client_text(r, "content-type")};
  if (!worker_context(r, WORKER_NEEDS_RESULT, &c) || !worker_context_client(r) || !client_upload(r, &u, &file)) return EXIT_FAILED;
  m = client_put_text(client_put_text(NIL, "kind", client_text(r, "kind")), "label", client_text(r, "label"));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) m = client_put(m, keys[i][1], client_at(file, keys[i][0]));
  return attached(r, &c, client_put_text(m, "resourceLabel", client_text(r, "resource-label")), false);
}

/* --- a value ------------------------------------------------------------------------------------------------------------------------ */
int worker_attach_kv(ClientRun *r) {
  WorkerContext c;
  ClientAnswer a = {.body = NIL};
  if (is_nil(client_at(r->args, "value")) && !client_given(r, "value") && !client_given(r, "value-file"))
    return client_usage(r, "what is the value? --value JSON, --value-file FILE, or --field NAME=VALUE, as often as needed");
  if (!worker_context(r, WORKER_NEEDS_TOKEN | WORKER_NEEDS_RESULT, &c) || !worker_context_client(r)) return EXIT_FAILED;
  r->args = worker_context_args(&c, r->args);
  if (!client_send(r, &a)) return not_attached(r, &a);
  Val artifact = client_at(a.body, "data.artifact");
  client_answer_free(&a);
  return attached(r, &c, artifact, true);
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------ */
/* As many rows as one request carries. 1: some, 0: none are left, -1: e. */
static int chunk(WorkerRows *rows, Val *out, Err *e) {
  size_t bytes = 0, n;
  int got = 1;
  Val row, list = vec_empty;
  while (vec_count(list) < CHUNK_ROWS && bytes < CHUNK_BYTES && (got = worker_rows_next(rows, &row, &n, e)) > 0) {
    list = vec_conj(list, row);
    bytes += n;
  }
  *out = list;
  return got < 0 ? -1 : vec_count(list) > 0;
}

/* What the first answer said, with the sum of what was written and the last count of rows. */
static Val together(Val artifact, Val more) {
  Val written = client_at(more, "rowsWritten"), count = client_at(more, "rowCount");
  if (!is_map(artifact)) return more;
  if (!is_nil(written))
    artifact =
        client_put(artifact, "rowsWritten", int_val(client_int_at(artifact, "rowsWritten", 0) + client_int_at(more, "rowsWritten", 0)));
  return is_nil(count) ? artifact : client_put(artifact, "rowCount", count);
}

static int send_rows(ClientRun *r, const WorkerContext *c, WorkerRows *rows) {
  Val artifact = NIL, args = worker_context_args(c, r->args), list;
  Err e = {0};
  int got;
  while ((got = chunk(rows, &list, &e)) > 0) {
    ClientAnswer a = {.body = NIL};
    r->args = client_put(args, "rows", list);
    if (!client_send(r, &a)) return not_attached(r, &a);
    artifact = together(artifact, client_at(a.body, "data.artifact"));
    client_answer_free(&a);
  }
  if (got < 0) return client_fail(r, e.code, "%s%s", e.msg, is_nil(artifact) ? "" : "; the rows in front of it are stored");
  return is_nil(artifact) ? client_fail(r, "validation", "%s has no rows", rows->name) : attached(r, c, artifact, true);
}

static bool open_rows(ClientRun *r, WorkerRows *rows, Err *e) {
  static const char *const formats[] = {"", "json", "csv"};
  const char *text = client_text(r, "rows"), *format = client_text(r, "rows-format");
  enum WorkerRowsFormat f = WORKER_ROWS_BY_NAME;
  for (int i = 1; format && i < 3; i++)
    if (!strcmp(format, formats[i])) f = (enum WorkerRowsFormat)i;
  if (!text) return worker_rows_open(rows, client_text(r, "rows-file"), f, e);
  worker_rows_text(rows, text, strlen(text));
  return true;
}

int worker_attach_table(ClientRun *r) {
  WorkerContext c;
  WorkerRows rows;
  Err e = {0};
  if (client_given(r, "rows") == client_given(r, "rows-file"))
    return client_usage(r,
                        "which rows? Either --rows JSON or --rows-file FILE (a JSON array of objects, JSON Lines, or CSV with a header)");
  if (!worker_context(r, WORKER_NEEDS_TOKEN | WORKER_NEEDS_RESULT, &c) || !worker_context_client(r)) return EXIT_FAILED;
  if (!open_rows(r, &rows, &e)) return client_fail(r, e.code, "%s", e.msg);
  int status = send_rows(r, &c, &rows);
  worker_rows_close(&rows);
  return status;
}
