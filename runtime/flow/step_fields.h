/* step_fields.h - what stands inside those options of steps that are maps: F(kind, option, field, type, doc). kind "*": the option of
 * every family. Reference text only: the checks are with the readers of each option (backoff.c, persist.c, flowdef_parts.c,
 * http_auth.c), and a test holds every row against them. */
#ifndef BR_STEP_FIELDS_H
#define BR_STEP_FIELDS_H

#define STEP_FIELDS(F)                                                                                                                \
  F("*", "retry", "max-attempts", "integer, 1 to 1000", "attempts in all, the first one included; default 1, which is no retry") \
  F("*", "retry", "backoff", "one of :constant :linear :exponential", "how the pause grows from attempt to attempt; default :exponential") \
  F("*", "retry", "backoff-ms", "milliseconds, or a text such as \"2s\"", "the first pause; default 1000")                            \
  F("*", "retry", "max-backoff-ms", "milliseconds, or a text such as \"2m\"", "no pause is longer; default 60000")                    \
  F("*", "retry", "jitter", "true or false", "each pause is random between none and the whole; default true")                        \
  F("*", "retry", "retry-on", "vector or set", "what is tried again: HTTP statuses, and types of errors; default [408 425 429 500 502 503 504 :network :timeout]") \
  F("*", "persist", "type", "one of :blob :kv :table", "where the result is kept; required")                                          \
  F("*", "persist", "filename", "text of one line, at most 255 bytes", ":blob: the name that a download gets")                        \
  F("*", "persist", "content-type", "text of one line", ":blob: the media type, such as \"text/csv\"; default: that of the result")   \
  F("*", "persist", "tier", "one of :retained :ephemeral", ":blob: kept 90 days and at most 50 MiB (:retained, the default), or 12 hours and at most 4 GiB (:ephemeral, :http and :ssh steps only)") \
  F("*", "persist", "signed-url", "true, or {:ttl-seconds n}", ":blob: also gives a URL that needs no login; n from 60 to 86400 seconds, default 3600") \
  F("*", "persist", "search-index", "map", ":blob: {:text \"..\" :tags [..]}: what :search steps find it by")                          \
  F("*", "persist", "key", "keyword or string", ":kv: the key; required there")                                                       \
  F("*", "persist", "ttl", "seconds, 1 to 31536000", ":kv: gone after that; default: it stays")                                       \
  F("*", "persist", "table", "keyword or string", ":table: the name of the table; required there. Tables never expire: `breyta-run gc --table NAME` removes one")                                    \
  F("*", "review", "title", "string", "headline of what the person is asked")                                                         \
  F("*", "review", "message", "string", "the question, in full")                                                                      \
  F("*", "review", "fields", "vector of maps", "what the person may fill in: [{:key :subject :label \"Subject\" :field-type :string} ..]") \
  F("*", "review", "timeout", "seconds, or a text such as \"24h\"", "how long the answer may take; default 24h, at most 30 days")     \
  F("*", "review", "roles", "vector or set", "who may answer")                                                                        \
  F("*", "review", "approvals", "number, 1 to 100", "so many different people must approve; default 1")  \
  F("*", "review", "self-approval", "true or false", "false: who started the run may not approve it")  \
  F("*", "review", "notify", "map", "whom to tell that an answer is wanted")                                                          \
  F("*", "confirm", "title", "string", "headline of what the person is asked")                                                        \
  F("*", "confirm", "message", "string", "the question, in full")                                                                     \
  F("*", "confirm", "fields", "vector of maps", "what the person may fill in")                                                        \
  F("*", "confirm", "timeout", "seconds, or a text such as \"24h\"", "how long the answer may take; default 24h, at most 30 days")    \
  F("*", "confirm", "roles", "vector or set", "who may answer")                                                                       \
  F("*", "confirm", "approvals", "number, 1 to 100", "so many different people must approve; default 1")  \
  F("*", "confirm", "self-approval", "true or false", "false: who started the run may not approve it")  \
  F("*", "confirm", "notify", "map", "whom to tell that an answer is wanted")                                                         \
  F("http", "auth", "type", "one of :none :bearer :api-key :basic :google-service-account :aws-sigv4", "how the request proves who sends it; required") \
  F("http", "auth", "secret-ref", "keyword or string", "name of the secret (token, key or password); the value stands in the connections file") \
  F("http", "auth", "username", "string", ":basic: the user")                                                                         \
  F("http", "auth", "header", "string", ":api-key: the header that carries the key; default \"X-API-Key\"")                          \
  F("http", "auth", "query", "string", ":api-key: the query parameter that carries the key, in place of a header")                    \
  F("http", "auth", "prefix", "string", ":api-key: text before the key, such as \"Token \"")                                          \
  F("http", "auth", "scopes", "vector of strings", ":google-service-account: what the token is to allow")                             \
  F("http", "auth", "username-secret-ref", "keyword or string", ":basic: name of the secret that holds the user, in place of :username") \
  F("http", "auth", "password-secret-ref", "keyword or string", ":basic: another name of :secret-ref")                               \
  F("http", "auth", "access-key-ref", "keyword or string", ":aws-sigv4: name of the secret that holds the access key's id; required there") \
  F("http", "auth", "secret-key-ref", "keyword or string", ":aws-sigv4: name of the secret that holds the secret access key; required there") \
  F("http", "auth", "session-token-ref", "keyword or string", ":aws-sigv4: name of the secret that holds a session token")            \
  F("http", "auth", "region", "string", ":aws-sigv4: such as \"eu-central-1\"")                                                       \
  F("http", "auth", "service", "string", ":aws-sigv4: such as \"s3\"")                                                                \
  F("http", "client-opts", "max-response-bytes", "integer", "bytes of the response that are too many; default 10485760 (10 MiB)")     \
  F("http", "client-opts", "connect-timeout", "milliseconds, or a text such as \"2s\"", "another place for :connect-timeout-ms")      \
  F("http", "client-opts", "follow-redirects", "true, false or a number", "another place for :follow-redirects")                      \
  F("http", "multipart", "name", "string", "name of the form field; required")                                                        \
  F("http", "multipart", "filename", "string", "name of the file")                                                                    \
  F("http", "multipart", "content-type", "string", "media type of the part")                                                          \
  F("http", "multipart", "body", "text or bytes", "what the part holds")                                                         \
  F("http", "multipart", "value", "string, number or boolean", "what a plain field holds")                                            \
  F("http", "multipart", "json", "any value", "what the part holds, sent as JSON")                                                    \
  F("http", "multipart", "from-ref", "blob reference", "what the part holds, taken from a blob") \
  F("llm", "cost", "max-tokens", "number above 0", "tokens that all turns together may take") \
  F("llm", "cost", "max-cost", "number above 0", "money that they may take, by the prices of the connection") \
  F("llm", "tools", "steps", "vector", "ids of packaged steps, or {:id :name :description :on-error :fail}") \
  F("llm", "tools", "agents", "vector", "ids of :agents, likewise") \
  F("llm", "tools", "definitions", "vector of maps", "tools {:name :description :parameters} that the flow answers itself: the calls come back as :tool-calls") \
  F("llm", "tools", "allowed", "vector", "of all these, the ones that the model may use; default: all") \
  F("llm", "tools", "mode", "one of :auto :required :none, or the name of a tool", "whether the first turn has to use a tool") \
  F("llm", "available-steps", "id", "keyword", "a packaged step, or one of :table :search :kv :http :db :notify") \
  F("llm", "available-steps", "with", "map", "of a family: options that are fixed, which the model neither sees nor changes") \
  F("llm", "available-steps", "name", "string", "what the model calls the tool") \
  F("llm", "available-steps", "description", "string", "what the model is told about it") \
  F("llm", "available-steps", "on-error", ":fail", "a failure ends the step; default: the model is told") \
  F("llm", "approval", "tools", "vector", "tools that a person is asked about; default: all") \
  F("llm", "output", "schema", "Malli or JSON Schema", "what the answer has to be") \
  F("llm", "output", "name", "string", "name of the schema for the provider; default \"answer\"") \
  F("llm", "output", "strict", "true or false", "the provider holds the model to the schema, where it can") \
  F("llm", "output", "repair", "true or false", "a wrong answer is asked for once more; default true") \
  F("agent", "cost", "max-tokens", "number above 0", "tokens that all turns together may take") \
  F("agent", "cost", "max-cost", "number above 0", "money that they may take, by the prices of the connection") \
  F("agent", "tools", "steps", "vector", "ids of packaged steps, or {:id :name :description :on-error :fail}") \
  F("agent", "tools", "agents", "vector", "ids of :agents, likewise") \
  F("agent", "tools", "definitions", "vector of maps", "tools {:name :description :parameters} that the flow answers itself: the calls come back as :tool-calls") \
  F("agent", "tools", "allowed", "vector", "of all these, the ones that the model may use; default: all") \
  F("agent", "tools", "mode", "one of :auto :required :none, or the name of a tool", "whether the first turn has to use a tool") \
  F("agent", "available-steps", "id", "keyword", "a packaged step, or one of :table :search :kv :http :db :notify") \
  F("agent", "available-steps", "with", "map", "of a family: options that are fixed, which the model neither sees nor changes") \
  F("agent", "available-steps", "name", "string", "what the model calls the tool") \
  F("agent", "available-steps", "description", "string", "what the model is told about it") \
  F("agent", "available-steps", "on-error", ":fail", "a failure ends the step; default: the model is told") \
  F("agent", "approval", "tools", "vector", "tools that a person is asked about; default: all") \
  F("agent", "output", "schema", "Malli or JSON Schema", "what the answer has to be") \
  F("agent", "output", "name", "string", "name of the schema for the provider; default \"answer\"") \
  F("agent", "output", "strict", "true or false", "the provider holds the model to the schema, where it can") \
  F("agent", "output", "repair", "true or false", "a wrong answer is asked for once more; default true") \
  F("agent", "memory", "key", "keyword or string", "the :kv key; required") \
  F("agent", "memory", "max-messages", "integer", "how many messages are kept; default 20") \
  F("agent", "memory", "ttl", "seconds", "how long they are kept; default: they stay") \
  F("agent", "evaluate", "criteria", "string", "what the answer has to meet") \
  F("agent", "evaluate", "model", "keyword or string", "the model that judges; default: the step's own") \
  F("agent", "evaluate", "required", "true or false", "an answer that fails is an error of :type :evaluation-failed") \
  F("notify", "channels", "http", "map", "the one channel: :connection or :url, :path :method :headers :query, one of :json :form :body, :template and :data") \
  F("table", "page", "mode", "one of :offset :cursor", "default :offset; :cursor needs :sort") \
  F("table", "page", "limit", "integer, 1 to 1000", "rows of the page; a literal; required") \
  F("table", "page", "offset", "integer", "rows before the page") \
  F("table", "page", "cursor", "string", "where the page before ended: its :next-cursor") \
  F("table", "page", "include-total-count", "true or false", "also counts all rows that match") \
  F("table", "into", "table", "keyword or string", "name of the table that :materialize-join writes; required") \
  F("table", "into", "write-mode", "one of :replace :append :upsert", "what happens to rows that are there") \
  F("table", "into", "key-fields", "vector", "of :upsert: which columns say which row is meant") \
  F("table", "into", "index-fields", "vector", "columns to search and sort by fast")

#endif
