/* api_runs_list.c - runs.list: filters, the query language, pages. See api_runs.h.
 *
 * A page is a walk down an index of (workspace, flow or installation, status) from the number of the last run of the page before, so it
 * costs the same however many runs there are, and runs that come meanwhile disturb nothing. The version alone is looked at run by run, at
 * most LOOKS of them: such a page may hold fewer runs than asked for and still have a next one. */
#include "api_runs.h"
#include "runtime/base/hash.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 100, LOOKS = 4000 };

typedef struct Filter {
  char flow[132], installation[260], status[40];
  int64_t version;
  unsigned mask;
  bool by_version;
} Filter;

/* --- filters ------------------------------------------------------------------------------------------------------------------------ */
static bool one_text(ApiCall *c, char *at, size_t size, const char *name, const char *given) {
  if (*at && strcmp(at, given)) return api_fail(c, 400, "bad_request", "%s: only one can be asked for, not %.60s and %.60s", name, at, given);
  if (strlen(given) >= size || !*given) return api_fail(c, 400, "bad_request", "%s: %.60s is no such name", name, given);
  snprintf(at, size, "%s", given);
  return true;
}

static bool filter_status(ApiCall *c, Filter *f, const char *s) {
  static const char *const as[][2] = {{"canceled", "cancelled"}, {"timed_out", "timed-out"}, {"timedout", "timed-out"}};
  unsigned mask = 0;
  for (size_t i = 0; i < 3; i++)
    if (!strcmp(s, as[i][0])) s = as[i][1];
  for (int i = RUN_RUNNING; i <= RUN_QUEUED; i++)
    if (!strcmp(api_run_status((enum RunStatus)i), s)) mask |= 1u << i;
  if (!mask)
    return api_fail(c, 400, "bad_request",
                    "status: %.40s is none of queued, running, waiting, completed, failed, cancelled, terminated, timed-out", s);
  f->mask = mask;
  return one_text(c, f->status, sizeof f->status, "status", s);
}

static bool filter_version(ApiCall *c, Filter *f, int64_t v) {
  if (f->by_version && f->version != v) return api_fail(c, 400, "bad_request", "version: only one can be asked for");
  f->version = v;
  return f->by_version = true;
}

/* One word of the query language. */
static bool filter_word(ApiCall *c, Filter *f, const char *word) {
  char *end;
  if (!strncmp(word, "status:", 7)) return filter_status(c, f, word + 7);
  if (!strncmp(word, "flow:", 5)) return one_text(c, f->flow, sizeof f->flow, "flow", word + 5);
  if (!strncmp(word, "installation:", 13)) return one_text(c, f->installation, sizeof f->installation, "installation", word + 13);
  if (strncmp(word, "version:", 8))
    return api_fail(c, 400, "bad_request", "query: %.60s is not understood; use status:S flow:SLUG installation:ID version:N", word);
  int64_t v = strtoll(word + 8, &end, 10);
  if (*end || end == word + 8 || v < 0) return api_fail(c, 400, "bad_request", "query: version: wants a number, not %.40s", word + 8);
  return filter_version(c, f, v);
}

static bool filter_of(ApiCall *c, Filter *f) {
  static const char *const names[] = {"installationId", "profileId"};
  const char *slug = api_text(c, "flowSlug"), *status = api_text(c, "status"), *query = api_text(c, "query");
  if (slug && !one_text(c, f->flow, sizeof f->flow, "flow", slug)) return false;
  for (int i = 0; i < 2; i++)
    if (api_text(c, names[i]) && !one_text(c, f->installation, sizeof f->installation, "installation", api_text(c, names[i]))) return false;
  if (status && !filter_status(c, f, status)) return false;
  if (!is_nil(api_arg(c, "version")) && !filter_version(c, f, api_int(c, "version", 0))) return false;
  char *copy = query ? strdup(query) : NULL, *save = NULL;
  bool ok = true;
  for (char *w = copy ? strtok_r(copy, " \t\n", &save) : NULL; ok && w; w = strtok_r(NULL, " \t\n", &save)) ok = filter_word(c, f, w);
  free(copy);
  return ok;
}

/* --- cursors: the number of the last run, and a check that it is of this list ---------------------------------------------------- */
static Val cursor_of(const ApiCall *c, const Filter *f, int64_t run) {
  char hash[65];
  Buf b = {0};
  buf_fmt(&b, "%s\n%s\n%s\n%u\n%lld\n%lld", c->workspace, f->flow, f->installation, f->mask, f->by_version ? (long long)f->version : -1,
          (long long)run);
  hash_sha256_hex(b.p, b.n, hash);
  buf_free(&b);
  return str_fmt("%llx.%.12s", (long long)run, hash);
}

static bool cursor_read(ApiCall *c, const Filter *f, int64_t *before) {
  const char *cursor = api_text(c, "cursor");
  *before = INT64_MAX;
  if (!cursor) return true;
  *before = strtoll(cursor, NULL, 16);
  return (*before > 0 && str_eq_c(cursor_of(c, f, *before), cursor)) ||
         api_fail(c, 400, "bad_request", "cursor: send meta.nextCursor of the page before, with the same filters");
}

/* --- pages --------------------------------------------------------------------------------------------------------------------------- */
typedef struct Page {
  ValVec items;
  size_t limit;
  int64_t before; /* where the next one begins */
  bool more;
} Page;

static void take(Page *p, const Filter *f, const RunRow *row) {
  if (p->more) return;
  if (p->items.n == p->limit) {
    p->more = true;
    return;
  }
  p->before = row->run;
  if (f->by_version && row->version != f->version) return;
  ValVec m = {0};
  api_run_put(&m, row);
  vv_push(&p->items, api_map(&m));
}

static bool fill(ApiCall *c, const Filter *f, Page *p, Err *err) {
  RunRow rows[PAGE + 1];
  RunQuery q = {c->workspace, *f->flow ? f->flow : NULL, *f->installation ? f->installation : NULL, f->mask};
  size_t want = f->by_version ? PAGE + 1 : p->limit + 1, n = want;
  for (int looks = 0; n == want && !p->more; looks += PAGE) {
    if ((p->more = looks >= LOOKS)) return true;
    n = store_runs_newest(c->api->store, &q, p->before, rows, want, err);
    for (size_t i = 0; i < n; i++) {
      take(p, f, &rows[i]);
      run_row_free(&rows[i]);
    }
    if (err->code) return false;
  }
  return true;
}

bool api_runs_list(ApiCall *c) {
  Filter f = {0};
  Err err = {0};
  ValVec m = {0}, meta = {0};
  Page p = {.limit = (size_t)api_int(c, "limit", 25)};
  if (!filter_of(c, &f) || !cursor_read(c, &f, &p.before)) return false;
  if (!fill(c, &f, &p, &err)) return api_fail_err(c, &err);
  vv_push(&m, kw_c("items"));
  vv_push(&m, vec_from(p.items.a, p.items.n));
  api_put(&meta, "hasMore", p.more ? TRUE_V : FALSE_V);
  if (p.more) api_put(&meta, "nextCursor", cursor_of(c, &f, p.before));
  c->meta = api_map(&meta);
  return api_ok(c, api_map(&m));
}
