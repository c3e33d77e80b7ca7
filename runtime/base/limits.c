/* limits.c - see limits.h. */
#include "limits.h"
#include "eval/mach.h"
#include "reader/map.h"
#include "reader/num.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROTECTS, HOSTED, ALONE };
const Limit limits[LIMIT_COUNT] = {
#define LIMIT_ROW(id, name, class, value, most, unit, error, doc) {name, class == HOSTED, class == ALONE, value, most, unit, error, doc},
    LIMITS(LIMIT_ROW)};

static struct { int64_t value; bool set, on; } given[LIMIT_COUNT];

int64_t limit_value(enum LimitId id) { return given[id].set ? given[id].value : limits[id].value; }
bool limit_on(enum LimitId id) { return given[id].on || !(limits[id].hosted || limits[id].alone); }

static int find(const char *name, size_t n) {
  for (int i = 0; i < LIMIT_COUNT; i++)
    if (strlen(limits[i].name) == n && !memcmp(limits[i].name, name, n)) return i;
  return -1;
}

int limit_find(const char *name) { return find(name, strlen(name)); }

bool limit_set(const char *text, Err *e) {
  const char *eq = strchr(text, '=');
  if (!eq) return err_set(e, "validation", "write NAME=N, such as result-bytes=2000000; `breyta-run help limits` lists the names");
  int i = find(text, (size_t)(eq - text));
  if (i < 0) return err_set(e, "validation", "there is no limit %.*s; `breyta-run help limits` lists the names", (int)(eq - text), text);
  char *end;
  errno = 0;
  long long v = strtoll(eq + 1, &end, 10);
  if (end == eq + 1 || *end || errno || v < 1 || v > limits[i].most)
    return err_set(e, "validation", "%s is a number of %s from 1 to %lld, not %s", limits[i].name, limits[i].unit, (long long)limits[i].most, eq + 1);
  given[i].value = v;
  given[i].set = given[i].on = true;
  return true;
}

bool limit_profile(const char *name, Err *e) {
  bool hosted = !strcmp(name, "hosted");
  if (!hosted && strcmp(name, "local")) return err_set(e, "validation", "there are the profiles local and hosted, not %s", name);
  for (int i = 0; i < LIMIT_COUNT; i++)
    if (!given[i].set) given[i].on = hosted && limits[i].hosted;
  return true;
}

Val limit_error(enum LimitId id) {
  Val msg = str_fmt("the run is over the limit %s: at most %lld %s (%s)", limits[id].name, (long long)limit_value(id), limits[id].unit, limits[id].doc);
  Val kv[] = {kw_c("type"), kw_c("limit"), kw_c("message"), msg, kw_c("limit"), str_c(limits[id].name), kw_c("max"), int_val(limit_value(id)),
              kw_c("retryable?"), FALSE_V};
  return map_from(kv, 5, false);
}

Val limit_named(Val error, enum LimitId id) {
  return map_assoc(map_assoc(error, kw_c("limit"), str_c(limits[id].name)), kw_c("max"), int_val(limit_value(id)));
}

/* --- counts of a run ------------------------------------------------------------------------------------------------------ */
/* spent: by what the :usage of its answers says there, else by steps that begin. Over: more than the limit; of what is spent, as much as it.
 * apart: only those calls may not go on that the step itself knows (limits_platform_over). */
static const struct { enum LimitId id; const char *type, *key, *spent; bool apart; } counted[] = {
    {LIMIT_steps_per_run, NULL, "steps", NULL, false},
    {LIMIT_http_requests_per_run, "http", "http", NULL, false},
    {LIMIT_child_calls_per_run, "call-flow", "children", NULL, false},
    {LIMIT_llm_tokens_per_run, "llm", "llm-tokens", "total-tokens", false},
    {LIMIT_platform_tokens_per_run, "llm", "platform-tokens", "platform-tokens", true},
};

static int64_t count_of(Val state, const char *key) {
  Val n = map_get_kw(map_get_kw(state, "metered"), key);
  return is_long(n) ? long_of(n) : 0;
}

static bool counts(size_t i, Val type) { return !counted[i].type || kw_is(type, counted[i].type); }

static void add(struct Mach *m, size_t i, int64_t n) {
  Val all = map_get_kw(m->state, "metered");
  all = map_assoc(is_map(all) ? all : map_empty, kw_c(counted[i].key), int_val(count_of(m->state, counted[i].key) + n));
  m->state = map_assoc(m->state, kw_c("metered"), all);
}

void limits_count(struct Mach *m, Val type) {
  for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
    if (!counted[i].spent && counts(i, type)) add(m, i, 1);
}

void limits_spent(struct Mach *m, Val type, Val answer) {
  Val usage = map_get_kw(answer, "usage");
  for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
    Val n = counted[i].spent && counts(i, type) ? map_get_kw(usage, counted[i].spent) : NIL;
    if (is_long(n) && long_of(n) > 0) add(m, i, long_of(n));
  }
}

static Val over(Val state, size_t i) {
  bool reached = limit_on(counted[i].id) && count_of(state, counted[i].key) + !!counted[i].spent > limit_value(counted[i].id);
  return reached ? limit_error(counted[i].id) : NIL;
}

Val limits_platform_over(Val state) {
  for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
    if (counted[i].apart) return over(state, i);
  return NIL;
}

Val limits_over(Val state, Val type, int64_t age_ms) {
  for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
    Val error = counts(i, type) && !counted[i].apart ? over(state, i) : NIL;
    if (!is_nil(error)) return error;
  }
  return limit_on(LIMIT_run_seconds) && age_ms / 1000 > limit_value(LIMIT_run_seconds) ? limit_error(LIMIT_run_seconds) : NIL;
}
