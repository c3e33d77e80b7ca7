/* step_results.h - what stands in the results of steps: R(kind, field, type, doc). Reference text; a test runs steps of these families and
 * holds what they give against it. */
#ifndef BR_STEP_RESULTS_H
#define BR_STEP_RESULTS_H

#define STEP_RESULTS(R) \
  R("http", "status", "integer", "the HTTP status") \
  R("http", "headers", "map", "response headers, names in lower case") \
  R("http", "body", "any value", "the body, as :response-as says") \
  R("llm", "content", "string", "the answer") \
  R("llm", "role", "string", "\"assistant\"") \
  R("llm", "model", "string", "the model that answered") \
  R("llm", "finish-reason", "keyword", "why it ended: :stop :length :tool-calls :content-filter :refusal") \
  R("llm", "id", "string", "the provider's id of the answer") \
  R("llm", "usage", "map", "{:input-tokens :output-tokens :total-tokens}, and :cached-input-tokens :reasoning-tokens :platform-tokens where there are any") \
  R("llm", "cost", "map", "{:input :output :total :currency}, when the connection has \"prices\"") \
  R("llm", "parsed", "any value", "the answer as data, with :output") \
  R("llm", "repaired", "true", "the answer had to be asked for twice") \
  R("llm", "tool-calls", "vector", "[{:id :name :arguments}] of tools that the flow answers itself") \
  R("llm", "refusal", "string", "the model refused") \
  R("llm", "iterations", "integer", "with tools: turns of the model") \
  R("llm", "tool-call-count", "integer", "with tools: calls of tools") \
  R("llm", "trace", "vector", "with :trace: [{:turn :content :usage :tool-calls}]") \
  R("agent", "content", "string", "the answer") \
  R("agent", "parsed", "any value", "the answer as data, with :output") \
  R("agent", "usage", "map", "tokens of all turns together, as of :llm") \
  R("agent", "cost", "map", "money of all turns together, as of :llm") \
  R("agent", "iterations", "integer", "turns of the model") \
  R("agent", "tool-call-count", "integer", "calls of tools") \
  R("agent", "trace", "vector", "[{:turn :content :usage :tool-calls}], unless :trace is false") \
  R("agent", "evaluation", "map", "{:pass :reason}, with :evaluate") \
  R("agent", "model", "string", "the model that answered") \
  R("agent", "finish-reason", "keyword", "why the last turn ended") \
  R("db", "rows", "vector of maps", "of a statement that gives rows the result is this vector itself: a map for each row, columns as keywords") \
  R("db", "update-count", "integer", "of other statements: rows that were changed") \
  R("ssh", "success", "true", "of every result; another exit raises :ssh-exit with :exit :signal :stderr-preview :stdout-preview") \
  R("ssh", "exit", "integer", "exit code of the command; 128 + n after a signal") \
  R("ssh", "signal", "string", "the signal that ended it, such as \"TERM\", when there was one") \
  R("ssh", "stdout", "string", "what it wrote; bytes that are no UTF-8 become U+FFFD, :persist {:type :blob} keeps them as they are") \
  R("ssh", "stderr", "string", "what it wrote to its error stream; with :pty? that is part of :stdout") \
  R("ssh", "duration-ms", "integer", "from the command's turn on its connection to its end") \
  R("ssh", "content", "string or bytes", "with :download: the file") \
  R("ssh", "size-bytes", "integer", "with :download: its size") \
  R("ssh", "blob-ref", "map", "with :persist {:type :blob}: the reference of the output, or of the download") \
  R("ssh", "content-type", "string", "with :persist {:type :blob}: what it is taken for") \
  R("ssh", "command-preview", "string", "with :log-command-preview?: the beginning of the command") \
  R("kv", "success", "true", "of every operation") \
  R("kv", "key", "string", "the key") \
  R("kv", "value", "any value", ":get :increment :append: what is stored now; of :get the :default when there is nothing") \
  R("kv", "exists?", "true or false", ":get :exists: there is such a key") \
  R("kv", "created?", "true or false", ":set: there was none before, or :if-not-exists let it be") \
  R("kv", "deleted?", "true or false", ":delete: there was one") \
  R("kv", "previous", "number", ":increment: what was stored") \
  R("kv", "count", "integer", ":append: items of the list; :list-keys: keys") \
  R("kv", "keys", "vector", ":list-keys") \
  R("kv", "metadata", "map", ":get: what is kept beside the value") \
  R("table", "rows", "vector of maps", ":query: the page") \
  R("table", "row-ids", "vector", ":query: their ids") \
  R("table", "count", "integer", ":query: rows of the page; :aggregate: groups") \
  R("table", "page", "map", ":query: {:mode :limit :offset :next-cursor :has-more :total-count}") \
  R("table", "row", "map", ":get-row") \
  R("table", "row-id", "string", ":get-row :update-cell :update-cell-format") \
  R("table", "exists?", "true or false", ":get-row") \
  R("table", "results", "vector of maps", ":aggregate: a map for each group") \
  R("table", "has-more", "true or false", ":aggregate :set-column :recompute: there is more than :limit") \
  R("table", "columns", "vector of maps", ":schema: {:name ..} and what is known of the column") \
  R("table", "row-count", "integer", ":schema :export :import-csv :materialize-join") \
  R("table", "index-fields", "vector", ":schema") \
  R("table", "key-fields", "vector", ":schema") \
  R("table", "schema-mode", "keyword", ":schema") \
  R("table", "created-at", "milliseconds", ":schema") \
  R("table", "updated-at", "milliseconds", ":schema") \
  R("table", "content", "string", ":export: the text; with :persist it is kept as a blob") \
  R("table", "content-type", "string", ":export") \
  R("table", "format", "keyword or map", ":export :update-cell-format") \
  R("table", "success", "true", ":update-cell :update-cell-format :set-column :recompute") \
  R("table", "previous", "any value", ":update-cell: what the cell held") \
  R("table", "value", "any value", ":update-cell: what it holds now") \
  R("table", "column", "keyword", ":set-column") \
  R("table", "rows-scanned", "integer", ":set-column :recompute") \
  R("table", "rows-updated", "integer", ":set-column :recompute :import-csv :materialize-join") \
  R("table", "rows-inserted", "integer", ":import-csv :materialize-join") \
  R("table", "rows-written", "integer", ":import-csv :materialize-join") \
  R("table", "uri", "string", "the address of the table") \
  R("table", "table", "string", "its name") \
  R("table", "table-id", "string", "its id") \
  R("table", "type", ":resource-ref", ":import-csv :materialize-join give a handle") \
  R("table", "resource-type", ":table", "of such a handle") \
  R("search", "query", "string", "what was looked for") \
  R("search", "count", "integer", "how many items") \
  R("search", "items", "vector", "[{:target :title :snippet :score ..}], best first") \
  R("notify", "sent?", "true or false", "it was delivered") \
  R("notify", "channels", "map", "{:http {:sent? :status}}") \
  R("notify", "errors", "vector", "[{:channel :type :message :status :body}], when it was not")

#endif
