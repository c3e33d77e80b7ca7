/* limits.h - every limit of flows (spec/flows.md 10), once: the checks, --limit, --profile and `breyta-run help limits` go by this table.
 *
 * LIMITS(L): L(id, name, class, value, most, unit, error, doc)
 *   class   PROTECTS  the machine and its users: always on
 *           HOSTED    meters a hosted plan: off, unless the profile is "hosted" or the limit is set by itself
 *           ALONE     off in every profile, until it is set by itself
 *   most    the largest value that it may be set to
 *   error   :type of what a step fails with; "lint": the definition is refused
 * Values are set before the first engine and read by any thread. A run that is taken up again needs the same limits for the same path. */
#ifndef BR_LIMITS_H
#define BR_LIMITS_H
#include "port.h"
#include "reader/val.h"

#define LIMITS(L)                                                                                                                     \
  L(result_bytes, "result-bytes", PROTECTS, 1048576, 67108864, "bytes", "oversize", "result of a step that is kept in the run itself; beyond it :persist") \
  L(kv_value_bytes, "kv-value-bytes", PROTECTS, 1048576, 67108864, "bytes", "oversize", "value under one key of :kv")               \
  L(kv_ttl_seconds, "kv-ttl-seconds", PROTECTS, 31536000, 3153600000, "seconds", "validation", "longest :ttl of a :kv step")          \
  L(kv_key_chars, "kv-key-chars", PROTECTS, 256, 1024, "chars", "validation", "length of a :kv key")                                  \
  L(kv_append_items, "kv-append-items", PROTECTS, 1000, 1000000, "items", "validation", ":max-length of a list that :kv :append makes, and what it keeps without one") \
  L(kv_list_keys, "kv-list-keys", PROTECTS, 1000, 100000, "keys", "validation", ":limit of :kv :list-keys")                          \
  L(search_results, "search-results", PROTECTS, 20, 50, "items", "validation", ":limit of :search, for each target")                 \
  L(search_hydrate_hits, "search-hydrate-hits", PROTECTS, 10, 50, "items", "validation", ":top-k of :search :hydrate")               \
  L(search_hydrate_chars, "search-hydrate-chars", PROTECTS, 100000, 10000000, "chars", "validation", ":max-chars of :search :hydrate") \
  L(agent_iterations, "agent-iterations", PROTECTS, 100, 10000, "turns", "validation", ":max-iterations of :agent, and of :llm with tools") \
  L(agent_tool_calls, "agent-tool-calls", PROTECTS, 1000, 100000, "calls", "validation", ":max-tool-calls of :agent, and of :llm with tools") \
  L(llm_answer_tokens, "llm-answer-tokens", PROTECTS, 10000, 1000000, "tokens", "none", ":max-tokens of a call on a connection with \"platform-key\": more is cut to it") \
  L(notify_bytes, "notify-bytes", PROTECTS, 1048576, 67108864, "bytes", "oversize", "body of a notification")                         \
  L(webhook_bytes, "webhook-bytes", PROTECTS, 52428800, 1073741824, "bytes", "too_large", "body of a request that starts a run by a webhook; beyond 1 MiB it lies in a file") \
  L(webhook_signed_multipart_bytes, "webhook-signed-multipart-bytes", PROTECTS, 5242880, 1073741824, "bytes", "too_large", "the same of a signed multipart request") \
  L(callback_bytes, "callback-bytes", PROTECTS, 1048576, 52428800, "bytes", "too_large", "body of an answer to a :wait, and of a request that is kept for one") \
  L(http_response_bytes, "http-response-bytes", PROTECTS, 10485760, 1073741824, "bytes", "oversize", "HTTP response that is read into memory, unless the step says :client-opts {:max-response-bytes n}") \
  L(ssh_output_bytes, "ssh-output-bytes", PROTECTS, 67108864, 1073741824, "bytes", "validation", ":max-output-bytes of a :ssh step") \
  L(db_rows, "db-rows", PROTECTS, 5000, 100000, "rows", "oversize", "rows of one :db step")                                           \
  L(call_depth, "call-depth", PROTECTS, 5, 50, "levels", "limit", "flows that call flows, one inside the other")                      \
  L(fanout_width, "fanout-width", PROTECTS, 25, 1000, "items", "validation", "items of one :fanout")                                  \
  L(fanout_concurrency, "fanout-concurrency", PROTECTS, 5, 1000, "items", "validation", "items of a :fanout at the same time")        \
  L(fanouts_per_run, "fanouts-per-run", PROTECTS, 5, 100000, "steps", "limit", ":fanout steps of a run")                              \
  L(fanout_items_per_run, "fanout-items-per-run", PROTECTS, 100, 1000000, "items", "limit", "items of all :fanout steps of a run together") \
  L(poll_attempts, "poll-attempts", PROTECTS, 100, 100000, "attempts", "validation", "attempts of one flow/poll")                     \
  L(poll_seconds, "poll-seconds", PROTECTS, 3600, 2592000, "seconds", "validation", "longest :timeout of flow/poll")                  \
  L(wait_seconds, "wait-seconds", PROTECTS, 2592000, 315360000, "seconds", "validation", "longest :timeout of a :wait")               \
  L(run_memory_bytes, "run-memory-bytes", PROTECTS, 1073741824, 68719476736, "bytes", "limit", "memory that a run may hold")          \
  L(steps_per_run, "steps-per-run", HOSTED, 10000, 1000000000, "steps", "limit", "steps that a run executes, repeated ones included") \
  L(http_requests_per_run, "http-requests-per-run", HOSTED, 50, 1000000000, "steps", "limit", ":http steps that a run executes")      \
  L(child_calls_per_run, "child-calls-per-run", HOSTED, 25, 1000000000, "calls", "limit", "flow/call-flow calls of a run")            \
  L(platform_tokens_per_run, "platform-tokens-per-run", HOSTED, 100000, 1000000000, "tokens", "limit", "tokens of a run's :llm calls, those of its agents included, on connections with \"platform-key\"; once reached, the next such call fails") \
  L(llm_tokens_per_run, "llm-tokens-per-run", ALONE, 100000, 1000000000, "tokens", "limit", "the same whoever's key it is; once reached, the next call fails") \
  L(run_seconds, "run-seconds", HOSTED, 2592000, 3153600000, "seconds", "limit", "time from the start of a run to the start of a step") \
  L(flow_bytes, "flow-bytes", HOSTED, 153600, 1073741824, "bytes", "lint", "the definition without :templates and :functions")        \
  L(templates_bytes, "templates-bytes", HOSTED, 1048576, 1073741824, "bytes", "lint", ":templates of a definition")                   \
  L(functions_bytes, "functions-bytes", HOSTED, 1048576, 1073741824, "bytes", "lint", ":functions of a definition")                   \
  L(declared_steps, "declared-steps", HOSTED, 50, 1000000, "steps", "lint", "packaged steps in :steps of a definition")

#define LIMIT_ENUM(id, name, class, value, most, unit, error, doc) LIMIT_##id,
enum LimitId { LIMITS(LIMIT_ENUM) LIMIT_COUNT };
typedef struct Limit { const char *name; bool hosted, alone; int64_t value, most; const char *unit, *error, *doc; } Limit;
extern const Limit limits[LIMIT_COUNT];

int64_t limit_value(enum LimitId id);
bool limit_on(enum LimitId id); /* PROTECTS, or switched on */
int limit_find(const char *name); /* -1: there is none */
/* "NAME=N". false: *e says what would work. */
bool limit_set(const char *text, Err *e);
bool limit_profile(const char *name, Err *e); /* "local" "hosted" */
/* {:type :limit :message .. :limit "name" :max n :retryable? false} */
Val limit_error(enum LimitId id);

/* `error` with :limit and :max. */
Val limit_named(Val error, enum LimitId id);

/* Counts of a run for its limits, on or off: part of the run's state, so snapshots keep them and a replay counts the same. */
struct Mach;
void limits_count(struct Mach *m, Val type);
/* A step of that type was answered: with a result or an error map that tells its :usage. */
void limits_spent(struct Mach *m, Val type, Val answer);
/* What a run in that state is over when a step of that type is to begin, as an error map; nil. age_ms: since the run began. */
Val limits_over(Val state, Val type, int64_t age_ms);
/* The same for a call of a model with the platform's key, as error map; nil. */
Val limits_platform_over(Val state);
#endif
