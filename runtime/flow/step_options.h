/* step_options.h - the table of step families and their options (spec/flows.md section 4): the one source for the checks of
 * definitions (flowdef_step.c), for `step_kind_known`, and for reference pages.
 *
 * STEP_KINDS(K): K(name, runs, doc)
 *   runs  0: a family of the language that this build does not run. Definitions with it get the warning
 *            `unsupported_step`, reaching the step raises an ex-info of :type :unsupported_step.
 * STEP_OPTIONS(O): O(kind, name, required, type, allowed, doc)
 *   kind      name of the family; "*" is every family
 *   required  1: must be there, unless the step has a :template
 *   type      OPT_...: what a literal value has to be. Expressions (symbols, calls) are judged when the step runs.
 *   allowed   OPT_ENUM: keywords, separated by spaces; else NULL
 * What is judged when a step runs: STEP_TYPED, at the end.
 * "Exactly one of" rules are STEP_ONE_OF(R): R(kind, names, least): of these at most one, and at least `least`. */
#ifndef BR_STEP_OPTIONS_H
#define BR_STEP_OPTIONS_H

enum OptType {
  OPT_ANY,
  OPT_STRING,
  OPT_KEYWORD,
  OPT_NAME,       /* keyword or string */
  OPT_MAP,
  OPT_VECTOR,
  OPT_COLL,       /* vector, set or list */
  OPT_BOOL,
  OPT_INT,        /* >= 0 */
  OPT_NUMBER,     /* >= 0 */
  OPT_SECONDS,    /* duration; a bare integer is seconds */
  OPT_MILLIS,     /* duration; a bare integer is milliseconds */
  OPT_ENUM,
  OPT_CODE,       /* function form, quoted or not, or a string of one */
  OPT_RETRY,      /* backoff.h */
  OPT_PERSIST,    /* persist.h */
  OPT_STATUSES,   /* vector or set of HTTP statuses */
  OPT_URL,        /* http:// or https:// */
  OPT_STR_OR_MAP,
  OPT_STR_OR_VEC,
  OPT_HUMAN,      /* true, false, a text, or {:title :message :fields :timeout :roles} */
  OPT_APPROVAL,   /* true, false, a vector or set of tools, or {:tools .. :message ..} */
  OPT_EXPECT,     /* a text, or a map whose :schema is one */
};

#define STEP_KINDS(K)                                                                                                    \
  K(function, 1, "calls a pure function with :input: no clock, no randomness, no steps inside")                          \
  K(code, 1, "deprecated name of :function")                                                                             \
  K(http, 1, "one HTTP request")                                                                                         \
  K(kv, 1, "durable values by key, shared by the flows of a workspace")                                                  \
  K(sleep, 1, "a durable pause")                                                                                         \
  K(wait, 1, "stops until somebody answers under :key, or the time is over")                                             \
  K(llm, 1, "one call of a language model")                                                                                                                                                                     \
  K(db, 1, "one SQL statement on PostgreSQL, MariaDB/MySQL or SQLite")                                                                        \
  K(agent, 1, "a language model that works towards an objective with tools")                                             \
  K(job, 1, "work for external workers: submitted, looked at, awaited")                                                                                 \
  K(notify, 1, "tells people or services something over HTTP; a failure is a result")                                                                                          \
  K(table, 1, "rows of a table resource: read, counted, changed, joined, exported")                                      \
  K(files, 0, "source trees and changesets")                                                                             \
  K(search, 1, "search in resources, flows, runs and connections")                                                                    \
  K(ssh, 1, "a command on another machine over SSH, files to it and from it")                                                                             \
  K(fanout, 1, "child flows side by side, or steps one after the other")                                                 \
  K(call-flow, 1, "another flow as a child run: flow/call-flow")                                                         \
  K(breyta, 0, "the control plane as a tool of agents")

#define STEP_OPTIONS(O)                                                                                                  \
  O("*", "type", 0, OPT_KEYWORD, 0, "repeats the step type; accepted for older flows")                                   \
  O("*", "title", 0, OPT_STRING, 0, "what the timeline of a run calls the step; default: its id") \
  O("*", "retry", 0, OPT_RETRY, 0, "how often and when a failed attempt is made again; without it there is one attempt") \
  O("*", "on-error", 0, OPT_ENUM, "fail skip checkpoint", "what a failure does: :fail (default) raises an exception in the flow, :skip gives nil, :checkpoint parks the run until a person decides") \
  O("*", "delivery", 0, OPT_ENUM, "at-least-once at-most-once idempotent", "what happens to a step that a crash cut off: :at-least-once does it again, :at-most-once raises an error, :idempotent does it again with the same idempotency key") \
  O("*", "persist", 0, OPT_PERSIST, 0, "keeps the result as a resource: {:type :blob|:kv|:table ..}, and gives a reference")                                                      \
  O("*", "review", 0, OPT_HUMAN, 0, "a person approves of the result, or changes it: true, a text, or {:title :message :fields :timeout :roles}")                                                     \
  O("*", "confirm", 0, OPT_HUMAN, 0, "a person lets the step run: true, a text, or {:title :message :fields :timeout :roles}")                                                   \
  O("*", "expect", 0, OPT_EXPECT, 0, "what the result should be: a text, or a map; kept with the step, and :schema in it is checked to be one")                                                                  \
  O("*", "metering", 0, OPT_ANY, 0, "cost information, kept with the step and not acted upon") \
  O("*", "template", 0, OPT_NAME, 0, "id of an entry of :templates; what it renders to becomes part of the options") \
  O("*", "data", 0, OPT_MAP, 0, "the values that the :template is rendered with") \
  O("function", "ref", 0, OPT_NAME, 0, "id of an entry of :functions")                                                   \
  O("function", "code", 0, OPT_CODE, 0, "quoted function form, or a string of one")                                      \
  O("function", "input", 1, OPT_ANY, 0, "the function's argument, usually a map")                                        \
  O("function", "load", 0, OPT_VECTOR, 0, "keys of :input whose references are loaded first: blobs, rows of tables, values of :kv")                       \
  O("function", "timeout", 0, OPT_SECONDS, 0, "longest time the function may take; default: no limit beside that of the engine") \
  O("http", "url", 0, OPT_URL, 0, "full address; in place of :connection") \
  O("http", "connection", 0, OPT_NAME, 0, "slot of :requires that has the base URL and the authentication; in place of :url") \
  O("http", "path", 0, OPT_STRING, 0, "appended to the base URL of the connection") \
  O("http", "method", 0, OPT_ENUM, "get post put patch delete head options", "the HTTP method; default :get") \
  O("http", "headers", 0, OPT_MAP, 0, "request headers, {\"X-Name\" \"value\"}") \
  O("http", "query", 0, OPT_MAP, 0, "query parameters, {:page 2 :tag [\"a\" \"b\"]}; encoded as needed") \
  O("http", "json", 0, OPT_ANY, 0, "the body, sent as JSON with Content-Type application/json") \
  O("http", "form", 0, OPT_MAP, 0, "the body, sent as application/x-www-form-urlencoded: {:name \"value\"}") \
  O("http", "body", 0, OPT_ANY, 0, "the body as it is, text or bytes") \
  O("http", "multipart", 0, OPT_VECTOR, 0, "the body as multipart/form-data: a vector of maps, one for each part") \
  O("http", "body-from-ref", 0, OPT_ANY, 0, "the body, streamed from a blob: the reference (res://...) that an earlier :persist gave") \
  O("http", "content-type", 0, OPT_NAME, 0, "Content-Type of the body; default: what fits the kind of body") \
  O("http", "accept", 0, OPT_NAME, 0, "what the answer should be: :json, :xml, :text or a media type such as \"image/png\"") \
  O("http", "accept-status", 0, OPT_STATUSES, 0, "statuses beyond 2xx that are results, not errors")                     \
  O("http", "response-as", 0, OPT_ENUM, "auto json jsonl sse text bytes edn xml yaml", "how the response body becomes a value; default :auto, by its Content-Type") \
  O("http", "include-headers", 0, OPT_COLL, 0, "names of the response headers to keep in the result; default: all") \
  O("http", "parser-fn", 0, OPT_CODE, 0, "function of the recorded body that gives the result's :body")                                 \
  O("http", "auth", 0, OPT_MAP, 0, "authentication of this request, in place of the connection's: {:type :bearer :secret-ref :my-token}") \
  O("http", "client-opts", 0, OPT_MAP, 0, "limits of the client, such as {:max-response-bytes 1000000}") \
  O("http", "timeout", 0, OPT_SECONDS, 0, "longest time one attempt may take, its answer included; default 30 seconds") \
  O("http", "connect-timeout-ms", 0, OPT_MILLIS, 0, "longest time connecting may take; default 10 seconds") \
  O("http", "follow-redirects", 0, OPT_ANY, 0, "true, false, or the most redirects that are followed, 0 to 20; default 5") \
  O("http", "auto-search-index?", 0, OPT_BOOL, 0, "true: a persisted result can be found by :search steps") \
  O("search", "query", 1, OPT_STRING, 0, "words to look for; \"several words\" in quotes stand side by side, word* is a beginning") \
  O("search", "targets", 0, OPT_COLL, 0, "of :resources :flows :runs :connections; default all") \
  O("search", "limit", 0, OPT_INT, 0, "results for each target, 1 to 20; default 12") \
  O("search", "types", 0, OPT_COLL, 0, "resources of these types only, such as [:result]") \
  O("search", "tags", 0, OPT_COLL, 0, "resources with all of these tags only") \
  O("search", "storage-backend", 0, OPT_NAME, 0, "resources kept there only: :local") \
  O("search", "storage-root", 0, OPT_NAME, 0, "resources under that root only: \"blobs\"") \
  O("search", "path-prefix", 0, OPT_STRING, 0, "resources whose :path begins so only") \
  O("search", "hydrate", 0, OPT_MAP, 0, "contents of the best resources: {:enabled (true) :top-k (5, 1 to 10) :max-chars (20000, 1 to 100000)}") \
  O("llm", "connection", 0, OPT_NAME, 0, "connection slot of type :http-api with a \"backend\"")                         \
  O("llm", "provider", 0, OPT_NAME, 0, "openai, openai-compatible, azure or anthropic; default: the connection's backend") \
  O("llm", "base-url", 0, OPT_URL, 0, "the server's address; default: the connection's, then the provider's own")        \
  O("llm", "auth", 0, OPT_MAP, 0, "{:type :api-key :secret-ref ..} in place of the connection's")                        \
  O("llm", "deployment", 0, OPT_NAME, 0, "azure: the deployment")                                                        \
  O("llm", "api-version", 0, OPT_STRING, 0, "azure: the api-version")                                                    \
  O("llm", "model", 0, OPT_NAME, 0, "the model; default: \"model\" of the connection's config")                          \
  O("llm", "messages", 0, OPT_ANY, 0, "[{:role :system|:user|:assistant|:tool :content ..} ..]")                         \
  O("llm", "prompt", 0, OPT_STRING, 0, "one message of the user")                                                        \
  O("llm", "system", 0, OPT_STRING, 0, "what the model is told first")                                                   \
  O("llm", "input", 0, OPT_ANY, 0, "text, or data that the model gets as JSON")                                          \
  O("llm", "history", 0, OPT_ANY, 0, "messages between :system and those of :prompt, :input or :messages")               \
  O("llm", "follow-up", 0, OPT_ANY, 0, "messages behind all others")                                                     \
  O("llm", "temperature", 0, OPT_NUMBER, 0, "0 to 2")                                                                    \
  O("llm", "top-p", 0, OPT_NUMBER, 0, "0 to 1")                                                                          \
  O("llm", "stop", 0, OPT_STR_OR_VEC, 0, "texts that end the answer")                                                    \
  O("llm", "max-tokens", 0, OPT_INT, 0, "most tokens of the answer")                                                     \
  O("llm", "seed", 0, OPT_ANY, 0, "an integer: the same answer again, as far as the model can")                          \
  O("llm", "presence-penalty", 0, OPT_ANY, 0, "-2 to 2")                                                                 \
  O("llm", "frequency-penalty", 0, OPT_ANY, 0, "-2 to 2")                                                                \
  O("llm", "reasoning-effort", 0, OPT_NAME, 0, "such as :low :medium :high")                                             \
  O("llm", "openai", 0, OPT_MAP, 0, "{:responses true or {..}}: the responses API, with these keys")                     \
  O("llm", "prompt-cache-key", 0, OPT_NAME, 0, "openai: requests with the same key share a cache")                       \
  O("llm", "previous-response-id", 0, OPT_STRING, 0, "openai: goes on from that answer (its :id), by the responses API") \
  O("llm", "cache-system?", 0, OPT_BOOL, 0, "anthropic: the system text is cached; others do so by themselves")          \
  O("llm", "output", 0, OPT_ANY, 0, "{:schema Malli or JSON Schema}, or :json: the answer is parsed and checked, :parsed") \
  O("llm", "response-format", 0, OPT_ANY, 0, ":text, :json, or as the provider has it")                                  \
  O("llm", "json-schema", 0, OPT_MAP, 0, "older name of :output {:schema ..}")                                           \
  O("llm", "tools", 0, OPT_ANY, 0, "{:steps [..] :agents [..] are run, :definitions [..] come back as :tool-calls; :allowed :mode") \
  O("llm", "provider-opts", 0, OPT_MAP, 0, "keys merged into the request as they are")                                   \
  O("llm", "timeout", 0, OPT_SECONDS, 0, "longest time one attempt may take; default 300 seconds") \
  O("llm", "available-steps", 0, OPT_COLL, 0, "more tools: packaged steps, and the families :table :search :kv :http :db :notify by themselves, as :table or {:id :table :with {fixed options} :name :description}") \
  O("llm", "max-iterations", 0, OPT_INT, 0, "with tools: turns of the model, default 20, at most 100")                   \
  O("llm", "max-tool-calls", 0, OPT_INT, 0, "with tools: calls of tools in all; default 100, at most 1000") \
  O("llm", "max-repeated-tool-calls", 0, OPT_INT, 0, "of calls alike, at most 100; default: any number")                 \
  O("llm", "approval", 0, OPT_APPROVAL, 0, "tools that a person is asked about first: [:ns/step ..], {:tools [..] :message ..} or true") \
  O("llm", "cost", 0, OPT_MAP, 0, "{:max-tokens n :max-cost money}: what all turns together may take")                   \
  O("llm", "trace", 0, OPT_BOOL, 0, "with tools: the result has :trace")                                                 \
  O("agent", "objective", 1, OPT_STRING, 0, "what is to be reached")                                                     \
  O("agent", "instructions", 0, OPT_STRING, 0, "how to go about it: the model is told first")                            \
  O("agent", "inputs", 0, OPT_MAP, 0, "data that the model gets with the objective")                                     \
  O("agent", "tools", 0, OPT_MAP, 0, "{:steps [:ns/step ..] :agents [:ns/agent ..] :definitions [..] :allowed [..] :mode ..}") \
  O("agent", "available-steps", 0, OPT_COLL, 0, "more tools: packaged steps, and the families :table :search :kv :http :db :notify by themselves, as :table or {:id :table :with {fixed options} :name :description}") \
  O("agent", "max-iterations", 0, OPT_INT, 0, "turns of the model, default 20, at most 100")                             \
  O("agent", "max-tool-calls", 0, OPT_INT, 0, "calls of tools in all; default 100, at most 1000") \
  O("agent", "max-repeated-tool-calls", 0, OPT_INT, 0, "of calls alike, at most 100; default: any number")               \
  O("agent", "memory", 0, OPT_MAP, 0, "{:key .. :max-messages 20 :ttl seconds}: the talk is kept under this :kv key for later runs") \
  O("agent", "cost", 0, OPT_MAP, 0, "{:max-tokens n :max-cost money}: what all turns together may take")                 \
  O("agent", "approval", 0, OPT_APPROVAL, 0, "tools that a person is asked about first: [:ns/step ..], {:tools [..] :message ..} or true") \
  O("agent", "trace", 0, OPT_BOOL, 0, "the result has :trace, the turns with their tool calls; default true")            \
  O("agent", "evaluate", 0, OPT_MAP, 0, "{:criteria text :model m :required true}: a model judges the answer, :evaluation") \
  O("agent", "output-persist", 0, OPT_MAP, 0, "keeps the answer as a resource, written as :persist") \
  O("agent", "connection", 0, OPT_NAME, 0, "connection slot of type :http-api with a \"backend\"")                       \
  O("agent", "provider", 0, OPT_NAME, 0, "openai, openai-compatible, azure or anthropic; default: the connection's backend") \
  O("agent", "base-url", 0, OPT_URL, 0, "the server's address; default: the connection's, then the provider's own")      \
  O("agent", "auth", 0, OPT_MAP, 0, "{:type :api-key :secret-ref ..} in place of the connection's")                      \
  O("agent", "deployment", 0, OPT_NAME, 0, "azure: the deployment")                                                      \
  O("agent", "api-version", 0, OPT_STRING, 0, "azure: the api-version")                                                  \
  O("agent", "model", 0, OPT_NAME, 0, "the model; default: \"model\" of the connection's config")                        \
  O("agent", "history", 0, OPT_ANY, 0, "messages between :system and those of :prompt, :input or :messages")             \
  O("agent", "follow-up", 0, OPT_ANY, 0, "messages behind all others")                                                   \
  O("agent", "temperature", 0, OPT_NUMBER, 0, "0 to 2")                                                                  \
  O("agent", "top-p", 0, OPT_NUMBER, 0, "0 to 1")                                                                        \
  O("agent", "stop", 0, OPT_STR_OR_VEC, 0, "texts that end the answer")                                                  \
  O("agent", "max-tokens", 0, OPT_INT, 0, "most tokens of the answer")                                                   \
  O("agent", "seed", 0, OPT_ANY, 0, "an integer: the same answer again, as far as the model can")                        \
  O("agent", "presence-penalty", 0, OPT_ANY, 0, "-2 to 2")                                                               \
  O("agent", "frequency-penalty", 0, OPT_ANY, 0, "-2 to 2")                                                              \
  O("agent", "reasoning-effort", 0, OPT_NAME, 0, "such as :low :medium :high")                                           \
  O("agent", "openai", 0, OPT_MAP, 0, "{:responses true or {..}}: the responses API, with these keys")                   \
  O("agent", "prompt-cache-key", 0, OPT_NAME, 0, "openai: requests with the same key share a cache")                     \
  O("agent", "previous-response-id", 0, OPT_STRING, 0, "openai: goes on from that answer (its :id), by the responses API") \
  O("agent", "cache-system?", 0, OPT_BOOL, 0, "anthropic: the system text is cached; others do so by themselves")        \
  O("agent", "output", 0, OPT_ANY, 0, "{:schema Malli or JSON Schema}, or :json: the answer is parsed and checked, :parsed") \
  O("agent", "response-format", 0, OPT_ANY, 0, ":text, :json, or as the provider has it")                                \
  O("agent", "json-schema", 0, OPT_MAP, 0, "older name of :output {:schema ..}")                                         \
  O("agent", "provider-opts", 0, OPT_MAP, 0, "keys merged into the request as they are")                                 \
  O("agent", "timeout", 0, OPT_SECONDS, 0, "of one attempt, default 300s; with :via until the answer has to be there, default 24h") \
  O("agent", "via", 0, OPT_ENUM, "ssh job", "a worker elsewhere in place of a model: a command on another machine, or a job; its result is {:status :result :logs-url :artifacts :progress}") \
  O("agent", "command", 0, OPT_STRING, 0, "with :via: what to run, by sh -lc; it answers by $BREYTA_RESULT_FILE or by a POST to $BREYTA_CALLBACK_URL") \
  O("agent", "workdir", 0, OPT_STRING, 0, "with :via: the folder to run it in") \
  O("agent", "env", 0, OPT_MAP, 0, "with :via: its environment besides BREYTA_*, {\"NAME\" \"value\"}; with :via :ssh a value may be {:secret-ref name}") \
  O("agent", "check-every", 0, OPT_SECONDS, 0, "with :via :ssh: how long it may be silent before its machine is asked, default 5m; then twice as long, up to 1h") \
  O("agent", "keep-running", 0, OPT_BOOL, 0, "with :via: true: the command, or job, is not ended when nobody waits for it any more") \
  O("agent", "kickoff-timeout", 0, OPT_SECONDS, 0, "with :via :ssh: of starting, asking and ending it, each attempt; default 60s") \
  O("agent", "on-timeout", 0, OPT_ENUM, "fail continue", "with :via: without an answer in time :fail (default) raises :wait-timeout, :continue gives :default-value") \
  O("agent", "default-value", 0, OPT_ANY, 0, "with :via: the result when continuing") \
  O("agent", "job-type", 0, OPT_NAME, 0, "with :via :job: the type of jobs that a worker claims") \
  O("agent", "max-attempts", 0, OPT_INT, 0, "with :via :job: how often a worker may claim it") \
  O("kv", "operation", 1, OPT_ENUM, "get set delete exists increment append list-keys", "what to do")                    \
  O("kv", "key", 0, OPT_NAME, 0, "up to 256 of letters, digits, _ - :")                                                  \
  O("kv", "value", 0, OPT_ANY, 0, "what :set stores, any data") \
  O("kv", "default", 0, OPT_ANY, 0, "what :get gives when there is no such key; default nil") \
  O("kv", "ttl", 0, OPT_INT, 0, "seconds until the key expires, at most 31536000 (one year); default: it stays") \
  O("kv", "metadata", 0, OPT_MAP, 0, "kept beside the value")                                                            \
  O("kv", "if-not-exists", 0, OPT_BOOL, 0, ":set stores only when there is no such key yet") \
  O("kv", "delta", 0, OPT_ANY, 0, "what :increment adds, may be negative; default 1") \
  O("kv", "item", 0, OPT_ANY, 0, "what :append adds to the list") \
  O("kv", "items", 0, OPT_COLL, 0, "what :append adds, several at a time") \
  O("kv", "max-length", 0, OPT_INT, 0, "of :append: the list keeps so many of the newest items; default 1000") \
  O("kv", "prefix", 0, OPT_STRING, 0, "of :list-keys: only keys that begin so") \
  O("kv", "limit", 0, OPT_INT, 0, "of :list-keys: so many keys at most, up to 1000") \
  O("kv", "timeout", 0, OPT_SECONDS, 0, "accepted; the store is local")                                                  \
  O("table", "op", 1, OPT_ENUM, "query get-row aggregate schema export import-csv update-cell update-cell-format set-column recompute materialize-join", "what to do")\
  O("table", "table", 0, OPT_ANY, 0, "the table: address, handle or name, or {:ref .. :partitions {:key s | :keys [..]}}")\
  O("table", "partitions", 0, OPT_MAP, 0, "{:key s} or {:keys [..]}: of a partitioned table, needed")                  \
  O("table", "page", 0, OPT_MAP, 0, "of :query: {:mode :offset|:cursor :limit n :offset n :cursor s :include-total-count b}, :limit a literal from 1 to 1000")\
  O("table", "select", 0, OPT_COLL, 0, "columns of the result, default all")                                           \
  O("table", "where", 0, OPT_ANY, 0, "conditions [[field op value] ..] or {:field value}; ops = != < <= > >= in contains contains-any exists?; [:and ..] [:or ..] [:not c]")\
  O("table", "sort", 0, OPT_VECTOR, 0, "[[field :asc|:desc] ..]")                                                      \
  O("table", "row-id", 0, OPT_STRING, 0, "id of one row, as :query gives it")                                          \
  O("table", "key", 0, OPT_MAP, 0, "one row by its key fields")                                                        \
  O("table", "group-by", 0, OPT_ANY, 0, "of :aggregate: a vector of columns, or of maps {:field :as}")                                     \
  O("table", "metrics", 0, OPT_ANY, 0, "of :aggregate: a vector of maps {:op :count|:sum|:avg|:min|:max :field :as}, default the count of rows")\
  O("table", "having", 0, OPT_ANY, 0, "of :aggregate: conditions over groups and metrics")                             \
  O("table", "order-by", 0, OPT_VECTOR, 0, "of :aggregate: [[name :asc|:desc] ..]")                                    \
  O("table", "limit", 0, OPT_INT, 0, "most groups of :aggregate (1000), most rows of :set-column (100000) and :recompute (1000)")\
  O("table", "offset", 0, OPT_INT, 0, "of :recompute: rows to leave out first")                                        \
  O("table", "format", 0, OPT_ANY, 0, "of :export: :csv :json :jsonl :edn; of :update-cell-format: a map, nil clears it")\
  O("table", "delimiter", 0, OPT_STRING, 0, "of CSV, default a comma")                                                 \
  O("table", "csv", 0, OPT_ANY, 0, "of :import-csv: text with a header row, or a reference to a blob with one")        \
  O("table", "infer-types", 0, OPT_BOOL, 0, "of :import-csv: numbers and booleans become such, default true")          \
  O("table", "write-mode", 0, OPT_ENUM, "append upsert", "of :import-csv, default :append")                            \
  O("table", "key-fields", 0, OPT_COLL, 0, "of :import-csv: columns that say which row is meant")                      \
  O("table", "index-fields", 0, OPT_COLL, 0, "of :import-csv: columns to search and sort by fast")                     \
  O("table", "schema-mode", 0, OPT_ENUM, "flexible strict", "of :import-csv: strict refuses new columns and kinds of values")\
  O("table", "column", 0, OPT_NAME, 0, "the column to change")                                                         \
  O("table", "value", 0, OPT_ANY, 0, "of :update-cell, and of :set-column for every matching row")                     \
  O("table", "expected", 0, OPT_ANY, 0, "of :update-cell: what the cell has to hold, else :conflict")                  \
  O("table", "value-template", 0, OPT_STRING, 0, "of :set-column: Handlebars text over the row's columns")             \
  O("table", "expr", 0, OPT_VECTOR, 0, "of :set-column: [op arg ..] over the row's columns")                           \
  O("table", "definition", 0, OPT_MAP, 0, "of :set-column: {:type-hint :semantic-type :display-name :computed :reference :enum :format :validation}")\
  O("table", "left", 0, OPT_ANY, 0, "of :materialize-join: table, or {:ref :where :partitions}")                       \
  O("table", "right", 0, OPT_ANY, 0, "of :materialize-join: table, or {:ref :where :partitions}")                      \
  O("table", "on", 0, OPT_ANY, 0, "of :materialize-join: [[left-field right-field] ..]")                               \
  O("table", "join-type", 0, OPT_ENUM, "left inner", "of :materialize-join, default :left")                            \
  O("table", "project", 0, OPT_VECTOR, 0, "of :materialize-join: [{:from :left|:right :field :as} ..], default all columns")\
  O("table", "into", 0, OPT_MAP, 0, "of :materialize-join: {:table name :write-mode :replace|:append|:upsert :key-fields :index-fields}")\
  O("table", "op-id", 0, OPT_NAME, 0, "accepted; a step's changes are made once without it")                           \
  O("table", "provider-opts", 0, OPT_MAP, 0, "accepted")                                                               \
  O("table", "timeout", 0, OPT_SECONDS, 0, "accepted; the store is local")                                             \
  O("sleep", "seconds", 0, OPT_NUMBER, 0, "how long, in seconds, such as 1.5") \
  O("sleep", "millis", 0, OPT_MILLIS, 0, "how long, in milliseconds") \
  O("sleep", "duration", 0, OPT_MILLIS, 0, "how long, as a text such as \"10s\" or \"2h\"") \
  O("sleep", "timeout", 0, OPT_SECONDS, 0, "accepted for older flows")                                                   \
  O("wait", "key", 1, OPT_NAME, 0, "what the answer names; should hold a workflow or business id")                       \
  O("wait", "timeout", 0, OPT_SECONDS, 0, "default 24h, at most 30 days")                                                \
  O("wait", "on-timeout", 0, OPT_ENUM, "fail continue", "default :fail")                                                 \
  O("wait", "default-value", 0, OPT_ANY, 0, "the result when continuing")                                                \
  O("fanout", "items", 1, OPT_ANY, 0, "vector of at most 25 maps: all {:type :call-flow :flow-slug .. :input ..}, or all steps") \
  O("fanout", "max-concurrency", 0, OPT_INT, 0, "children side by side, 1 to 5, default 5; steps run one after the other") \
  O("fanout", "on-error", 0, OPT_ENUM, "fail continue collect", ":fail (default) stops the rest and raises; :collect adds :errors") \
  O("fanout", "transform", 0, OPT_CODE, 0, "function from {:items :succeeded-count :failed-count} to the result")        \
  O("call-flow", "flow-slug", 1, OPT_NAME, 0, "the flow")                                                                \
  O("call-flow", "input", 0, OPT_MAP, 0, "its input")                                                                    \
  O("call-flow", "timeout", 0, OPT_SECONDS, 0, "how long to wait for it; then :timeout is raised")                       \
  O("call-flow", "version", 0, OPT_ANY, 0, "of the flow; a draft calls drafts, version 0")                               \
  O("call-flow", "target", 0, OPT_NAME, 0, "of the flow, default draft")                                                 \
  O("call-flow", "installation-id", 0, OPT_STRING, 0, "installation that it runs for")                                   \
  O("call-flow", "profile-id", 0, OPT_STRING, 0, "older name of :installation-id")                                       \
  O("call-flow", "workflow-id", 0, OPT_STRING, 0, "name of the run, default made from the parent's")                     \
  O("call-flow", "parent-close-policy", 0, OPT_ENUM, "request-cancel terminate abandon", "what becomes of the child when nobody waits for it any more") \
  O("call-flow", "retry-policy", 0, OPT_RETRY, 0, "as :retry, each attempt a new child; without :retry-on every failure counts") \
  O("wait", "notify", 0, OPT_MAP, 0, "tells people once it waits: {:channels {:http {..}}} or {:template :data}, with :fields and :summary of the form behind {{approval-url}} and {{rejection-url}}") \
  O("wait", "webhook", 0, OPT_MAP, 0, "{:path :auth}: a service answers with POST /<workspace>/events/<path>, default the key") \
  O("wait", "event", 0, OPT_MAP, 0, "{:name :key {:path [..]}}: answered by the event of that name whose value at the path is the :key") \
  O("wait", "roles", 0, OPT_COLL, 0, "who may answer. The role is that of --role; a request over HTTP without credentials has none and is refused; a link counts as the answer of whom it was sent to")                                 \
  O("wait", "approvals", 0, OPT_INT, 0, "so many different people must approve, default 1; one rejection ends it") \
  O("wait", "self-approval", 0, OPT_BOOL, 0, "false: who started the run may not approve it") \
  O("wait", "actions", 0, OPT_COLL, 0, "what people may decide besides approve and reject: [:escalate]") \
  O("wait", "validation", 0, OPT_MAP, 0, "{:required [:a [:b :c]]}: fields the answer must have, or it is refused and the wait stays") \
  O("job", "op", 1, OPT_ENUM, "submit submit-batch get get-batch await await-batch", "what to do: put one job or a batch into the queue, read its latest state, or wait for its end") \
  O("job", "job-type", 0, OPT_NAME, 0, ":submit, :submit-batch (required): the type of jobs; workers ask for theirs by it") \
  O("job", "payload", 0, OPT_ANY, 0, ":submit: the worker's input, as JSON; at most 1 MiB") \
  O("job", "metadata", 0, OPT_MAP, 0, ":submit, :submit-batch: kept with the job or batch for people and later steps") \
  O("job", "jobs", 0, OPT_VECTOR, 0, ":submit-batch (required): a vector of 1 to 100000 maps {:payload .. :metadata .. :max-attempts .. :priority .. :delay ..}") \
  O("job", "max-attempts", 0, OPT_INT, 0, ":submit, :submit-batch: how often workers may try before it is timed_out, default 3; :await, :await-batch: so many looks, :interval apart, then it is given up") \
  O("job", "priority", 0, OPT_ANY, 0, ":submit, :submit-batch: an integer, default 0; higher ones are taken first") \
  O("job", "delay", 0, OPT_MILLIS, 0, ":submit, :submit-batch: no worker gets it before that time has passed") \
  O("job", "max-concurrency", 0, OPT_INT, 0, ":submit-batch: so many jobs of the batch are worked on side by side; default: all") \
  O("job", "keep-running", 0, OPT_BOOL, 0, ":submit, :submit-batch: true: a run that is cancelled leaves it to its workers; else it is cancelled with the run") \
  O("job", "job-id", 0, OPT_STRING, 0, ":get, :await (required): the :job-id that :submit gave") \
  O("job", "batch-id", 0, OPT_STRING, 0, ":get-batch, :await-batch (required): the :batch-id that :submit-batch gave") \
  O("job", "interval", 0, OPT_MILLIS, 0, ":await, :await-batch: how late the flow may notice the end; it is told at once, so this counts with :max-attempts only. Default \"10s\"") \
  O("job", "timeout", 0, OPT_MILLIS, 0, ":await, :await-batch: how long to wait, as \"45m\" or milliseconds; then :await-timeout is raised and the job goes on. Default \"30m\", without :max-attempts") \
  O("job", "backoff", 0, OPT_MAP, 0, ":await, :await-batch: how the :interval grows: {:type :constant|:linear|:exponential :step .. :factor .. :max ..}") \
  O("job", "include-jobs?", 0, OPT_BOOL, 0, ":get-batch, :await-batch: the result has :jobs; default: when the batch is over") \
  O("job", "limit", 0, OPT_INT, 0, ":get-batch, :await-batch: most :jobs in the result, default 1000") \
  O("notify", "channels", 1, OPT_MAP, 0, "{:http {:connection|:url :path :method :headers :query :json :form :body :template :data}}, method default :post") \
  O("notify", "timeout", 0, OPT_SECONDS, 0, "of one attempt")                                                            \
  O("db", "database", 0, OPT_ENUM, "postgres mysql sqlite clickhouse bigquery firestore", "needed when the connection does not say it")\
  O("db", "connection", 1, OPT_NAME, 0, "slot of a connection of :type :database")                                       \
  O("db", "sql", 0, OPT_STRING, 0, "the statement, with ? for each parameter")                                           \
  O("db", "params", 0, OPT_ANY, 0, "vector of values, one for each ?")                                                   \
  O("db", "max-results", 0, OPT_INT, 0, "most rows, default and at most 5000")                                           \
  O("db", "timeout", 0, OPT_SECONDS, 0, "of one attempt, with waiting for a connection; default 30 s")                   \
  O("db", "dry-run", 0, OPT_BOOL, 0, "of BigQuery, which this build does not run")                                       \
  O("db", "collection", 0, OPT_STRING, 0, "of Firestore, which this build does not run")                                 \
  O("db", "where", 0, OPT_VECTOR, 0, "of Firestore")                                                                     \
  O("db", "order-by", 0, OPT_VECTOR, 0, "of Firestore")                                                                  \
  O("db", "limit", 0, OPT_INT, 0, "of Firestore") \
  O("ssh", "connection", 1, OPT_NAME, 0, "slot of a connection of :type :ssh") \
  O("ssh", "command", 0, OPT_STRING, 0, "what to run, by sh -lc; needed unless there is :upload or :download. Put values into :env, not into this text") \
  O("ssh", "workdir", 0, OPT_STRING, 0, "folder to run it in, such as \"/srv/app\" or \"~/app\"; default: where a login begins") \
  O("ssh", "env", 0, OPT_MAP, 0, "environment of the command, {\"NAME\" \"value\"}; a value may be {:secret-ref name}. Never interpreted by the shell, never on a command line. With :delivery :idempotent BREYTA_IDEMPOTENCY_KEY is in it, too") \
  O("ssh", "stdin", 0, OPT_ANY, 0, "standard input of the command, a text or bytes; default: empty") \
  O("ssh", "pty?", 0, OPT_BOOL, 0, "true: the command gets a terminal, its errors come with its output; default false") \
  O("ssh", "timeout", 0, OPT_SECONDS, 0, "of one attempt with connecting, default 60 s, at most 1 day; then the command and what it started is ended. Long work: start it in the background and :wait for its callback") \
  O("ssh", "connect-timeout-ms", 0, OPT_MILLIS, 0, "to be connected and logged in; default: the connection's, then 10000") \
  O("ssh", "max-output-bytes", 0, OPT_INT, 0, "of :stdout and :stderr together, beyond it :oversize; default 1048576. With :persist {:type :blob} :stdout does not count") \
  O("ssh", "ok-exit-codes", 0, OPT_COLL, 0, "exit codes that are a success, default [0]; others raise :ssh-exit") \
  O("ssh", "log-command-preview?", 0, OPT_BOOL, 0, "true: the result and errors have :command-preview, the first 120 bytes of the command; default false") \
  O("ssh", "upload", 0, OPT_ANY, 0, "files to write first, over SFTP: {:from-ref ref :path \"/there\" :mode \"0600\"}, or with :content a text or bytes; a vector of such") \
  O("ssh", "download", 0, OPT_STRING, 0, "path of a file to fetch last, over SFTP: :content of the result; with :persist {:type :blob} it is streamed into a resource")

/* A rule with `least` 0 only forbids two at a time. */
#define STEP_ONE_OF(R)                                                                                                   \
  R("http", "url connection", 1)                                                                                         \
  R("http", "json form multipart body body-from-ref", 0)                                                                 \
  R("sleep", "seconds millis duration", 0)

/* STEP_TYPED(T): T(kind, names): options that are judged by their type when the step runs. The others are judged by their family, which says
 * more (tests/cli/options.py: every option is by one of them). */
#define STEP_TYPED(T)                                                                                                    \
  T("*", "type title expect template data review")                                                                       \
  T("function", "code")                                                                                                  \
  T("http", "connection include-headers")                                                                                \
  T("llm", "approval connection provider base-url openai cache-system? json-schema available-steps cost trace")                   \
  T("agent", "approval connection provider base-url openai cache-system? json-schema tools available-steps trace output-persist") \
  T("kv", "timeout")                                                                                                     \
  T("table", "key column value-template expr op-id provider-opts timeout")                                               \
  T("sleep", "timeout")                                                                                                  \
  T("notify", "timeout")                                                                                                 \
  T("fanout", "transform")                                                                                               \
  T("call-flow", "profile-id")                                                                                           \
  T("job", "backoff include-jobs?")                                                                                      \
  T("ssh", "ok-exit-codes")
#endif
