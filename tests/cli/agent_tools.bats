load help
load llm

@test ":available-steps: :table, :search and :kv by themselves; schemas out of the option table; a model's JSON does" {
  model_server '[{"turn": 0, "calls": [{"name": "table", "arguments": {"op": "query", "table": "people", "page": {"mode": "offset", "limit": 5}, "where": [["age", ">", 30]], "sort": [["age", "desc"]], "select": ["name"]}},
                                       {"name": "search", "arguments": {"query": "ann", "targets": ["resources"], "limit": 3}},
                                       {"name": "notes", "arguments": {"delta": 2}}, {"name": "notes", "arguments": {"key": "mine", "delta": 2}}]}, {"content": "done"}]'
  ai_flow t '(do (flow/step :function :people {:code (quote (fn [_] [{:name "Ann" :age 41} {:name "Bob" :age 33} {:name "Cy" :age 20}])) :input {} :persist {:type :table :table :people}})
                 (let [a (flow/step :agent :a {:connection :ai :objective "x" :available-steps [:table :search {:id :kv :name "notes" :description "Counts notes" :with {:operation :increment :key "fixed"}}]})]
                   [(:tool-call-count a) (:value (flow/step :kv :k {:operation :get :key "fixed"}))]))'
  run_ai t --run-id r; want 0 '[4 2]'
  is "$(sent 1 '[.body.tools[].function.name]')" '["table","search","notes"]'
  is "$(sent 1 '.body.tools[0].function.parameters | [.required, .properties.op.enum[0:2], .properties.page.type, .properties.sort.type, .additionalProperties]')" '[["op"],["query","get-row"],"object","array",false]'
  is "$(sent 1 '.body.tools[2].function | [.description, (.parameters.properties | has("operation") or has("key")), (.parameters.properties.delta | has("description"))]')" '["Counts notes",false,true]'
  is "$(sent 1 '[.body.tools[].function.parameters.properties | keys[] | select(. == "auth" or . == "connection" or . == "retry" or . == "persist")]')" '[]'
  [[ $(sent 2 '[.body.messages[] | select(.role == "tool") | .content][0]') = *'Ann'*'Bob'* ]]
  [[ $(sent 2 '[.body.messages[] | select(.role == "tool") | .content][0]') != *'Cy'* ]]
  [[ $(sent 2 '.body.messages[-1].content') = *'must not have :key'* ]] # what is fixed is not the model's
  is "$(breyta-run show r --format json | jq -c '[.steps[] | [.type, .step]] | .[2:5]')" '[["table","a/table"],["search","a/search"],["kv","a/notes"]]'
  br replay r; [ "$st" = 0 ]
}
@test "wrong arguments of a direct tool, and what the step says, go back to the model, bounded; :on-error :fail ends the step" {
  model_server '[{"turn": 0, "calls": [{"name": "table", "arguments": {"op": "drop"}}, {"name": "table", "arguments": {"op": "query", "auth": {"secret-ref": "k"}}}, {"name": "table", "arguments": {"table": "x"}},
                                       {"name": "table", "arguments": "{no json"}, {"name": "table", "arguments": {"op": "query", "table": "none", "page": {"limit": 5}}}, {"name": "search", "arguments": {"query": " "}}]},
                 {"turn": 1, "calls": [{"name": "search", "arguments": {"query": 5}}]}, {"turn": 2, "calls": [{"name": "search", "arguments": {"query": 5}}]}, {"content": "sorry"}]'
  ai_flow t '(try (:content (flow/step :agent :a {:connection :ai :objective "x" :available-steps [:table :search] :max-repeated-tool-calls (+ 0 2)})) (catch Exception e (:limit (ex-data e))))'
  run_ai t; want 0 '"sorry"'
  m=$(sent 2 '[.body.messages[] | select(.role == "tool") | .content]')
  for part in ':op' ':auth' 'not JSON' 'none' ':query'; do [[ $m = *"$part"* ]] || { echo "lacks $part in $m" >&2; return 1; }; done
  is "$(sent 2 '[.body.messages[] | select(.role == "tool") | .content | startswith("error: ")] | all')" true
  python3 -c 'import json; print(json.dumps([{"turn": 0, "calls": [{"name": "search", "arguments": {"query": "x", **{"k%d" % i: 1 for i in range(400)}}}]}, {"content": "ok"}]))' > long.json
  model_server "$(cat long.json)"; : > log
  run_ai t; want 0 '"ok"'
  [ "$(sent 2 '.body.messages[-1].content | length')" -lt 2100 ]
  model_server '[{"calls": [{"name": "search", "arguments": {"query": " "}}]}]'
  sed -i 's/:table :search\]/{:id :search :on-error :fail}]/; s/(:limit (ex-data e))/(:type (ex-data e))/' t.edn
  run_ai t; want 0 :validation
  sed -i 's/{:id :search :on-error :fail}/:search/; s/(:type (ex-data e))/(:limit (ex-data e))/' t.edn
  run_ai t; want 0 :max-repeated-tool-calls
}
@test "an :http tool: the model's address under the guard, or a connection that is fixed; which families, which :with" {
  python3 "$ROOT/tests/tools/httpd.py" > hport 3>&- & h=$!
  until_ok test -s hport; read -r _ HP < hport
  model_server "[{\"turn\": 0, \"calls\": [{\"name\": \"http\", \"arguments\": {\"url\": \"http://127.0.0.1:$HP/echo\", \"method\": \"post\", \"json\": {\"a\": 1}}}]}, {\"content\": \"ok\"}]"
  ai_flow t '(:content (flow/step :llm :a {:connection :ai :prompt "x" :available-steps [:http]}))'
  run_ai t; want 0 '"ok"'
  kill $h
  is "$(sent 2 '.body.messages[-1].content | fromjson | [.body.method, .body.body]')" '["POST","{\"a\":1}"]'
  bad() { ai_flow t "(try (flow/step :llm :a {:connection :ai :prompt \"x\" :available-steps $1}) (catch Exception e (:message (ex-data e))))"; run_ai t; [[ $out = *"$2"* ]] || { echo "$1: $out" >&2; return 1; }; }
  bad '[:function]' ':db :http :kv :notify :search :table'
  bad '[:db]' ':with {:connection'
  bad '[{:id :kv :with 5}]' 'use a map of options'
  bad '[{:id :kv :with {:nosuch 1}}]' 'which is no option of :kv'
  bad '[:kv {:id :kv :with {:key "a"}}]' 'two tools have the name kv'
  ai_flow t '(:content (flow/step :llm :a {:connection :ai :prompt "x" :available-steps [{:id :http :with {:connection :ai}}]}))'
  model_server '[{"content": "ok"}]'; : > log
  run_ai t; is "$(sent 1 '.body.tools[0].function.parameters.properties | [has("url"), has("path")]')" '[false,true]'
}
@test "what a named agent is given under names of options that are for agents elsewhere are inputs, unless it works elsewhere" {
  model_server '[{"content": "ok"}]'; : > log
  ai_flow t '(:content (flow/step :team/writer :a {:command "go" :env {:x 1}}))' \
    ':agents {:team/writer {:id :team/writer :type :agent :description "Writes" :objective "Write." :connection :ai}}'
  run_ai t; want 0 '"ok"'
  [[ $(sent 1 '.body.messages[-1].content') = *'\"command\":\"go\"'* ]]
  ai_flow t2 '(flow/step :team/worker :a {:workdir (str 5 (quote x)) :env (identity 7)})' \
    ':agents {:team/worker {:id :team/worker :type :agent :description "Works" :objective "Work." :via :ssh :connection :ai :command "x"}}'
  run_ai t2; [ "$st" = 1 ]; says ':env of an :agent step is 7'
}
