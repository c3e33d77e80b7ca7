load help
load llm

# tools as packaged steps: a directory of users in a :function, a counter in :kv, one that fails, and a named agent
AGENT_KEYS=':steps [{:id :crm/find :type :function :description "Finds a user" :input-schema [:map [:name :string]]
                     :defaults {:code (quote (fn [in] (if (= "Ann" (:name in)) {:id 7 :plan "pro"} (throw (ex-info "no such user" {:type :not-found})))))}}
                    {:id :crm/count :type :kv :description "Counts" :input-schema [:map {:closed true} [:key :string]] :defaults {:operation :increment}}]
            :agents {:team/writer {:id :team/writer :type :agent :description "Writes" :objective "Write what is asked for." :connection :ai}}'
agent_flow() { ai_flow "$1" "$2" "$AGENT_KEYS"; }
TALK='[{"when": "Handle", "turn": 0, "calls": [{"name": "crm__find", "arguments": {"name": "Ann"}}], "usage": [10, 1]},
       {"turn": 1, "calls": [{"name": "crm__count", "arguments": {"key": "seen"}}], "usage": [20, 2]}, {"turn": 2, "content": "done", "usage": [30, 3]}]'

@test "an agent works through its tools; every turn and call is a step; usage, cost and trace are in the result" {
  for conn in ai claude; do
    model_server "$TALK"; : > log
    agent_flow t "(select-keys (flow/step :agent :triage {:connection :$conn :objective \"Handle it.\" :inputs {:user \"Ann\"} :tools {:steps [:crm/find :crm/count]}})
                             [:content :usage :iterations :tool-call-count :trace])"
    run_ai t --run-id $conn --db $conn.db
    [ "$st" = 0 ] || { echo "$err" >&2; return 1; }
    [[ $out = *':content "done"'*':usage {:input-tokens 60, :output-tokens 6, :total-tokens 66}'*':iterations 3, :tool-call-count 2, :trace [{:turn 1,'* ]]
    [[ $out = *':tool-calls [{:name "crm__find", :arguments {:name "Ann"}}]'* ]]
    is "$(breyta-run show $conn --db $conn.db --format json | jq -c '[.steps[] | [.type, .step, .occurrence]]')" \
      '[["llm","triage/turn",1],["function","triage/crm__find",1],["llm","triage/turn",2],["kv","triage/crm__count",1],["llm","triage/turn",3]]'
    br replay $conn --db $conn.db; [ "$st" = 0 ]
  done
  is "$(sent 1 '.body.messages[0].content')" '"Handle it.\n\nInputs:\n{\"user\":\"Ann\"}"'
  is "$(sent 1 '[.body.tools[] | [.name, .description, .input_schema.properties]]')" '[["crm__find","Finds a user",{"name":{"type":"string"}}],["crm__count","Counts",{"key":{"type":"string"}}]]'
  is "$(sent 2 '.body.messages[-1].content')" '[{"type":"tool_result","tool_use_id":"toolu_0","content":"{\"id\":7,\"plan\":\"pro\"}"}]'
}
@test "a run that is killed in the middle of the loop goes on without repeating a finished turn or call" {
  model_server '[{"turn": 0, "calls": [{"name": "crm__count", "arguments": {"key": "n"}}]}, {"turn": 1, "wait": 3000, "calls": [{"name": "crm__count", "arguments": {"key": "n"}}]},
                 {"turn": 2, "content": "done"}]'
  agent_flow t '(let [a (flow/step :agent :a {:connection :ai :objective "Count." :tools {:steps [:crm/count]}})] [(:content a) (:tool-call-count a) (:value (flow/step :kv :n {:operation :get :key "n"}))])'
  breyta-run t.edn --connections conn.json --run-id r >/dev/null 2>&1 3>&- & run=$!
  until_ok grep -q '"n": 2' log
  kill -9 $run; wait $run || :
  br resume r --connections conn.json; want 0 '["done" 2 2]'
  is "$(jq -c '[.body.messages | map(select(.role == "assistant")) | length]' log | tr '\n' ' ')" '[0] [1] [1] [2] '
  br replay r; [ "$st" = 0 ]
  n=$(breyta-run show r --format json | jq '[.steps[] | select(.type == "kv" and .step == "a/crm__count")] | length'); is "$n" 2
}
@test "what goes wrong with a tool is told to the model: no such tool, wrong arguments, a failure; or ends the step" {
  model_server '[{"turn": 0, "calls": [{"name": "nothing", "arguments": {}}, {"name": "crm__find", "arguments": {"name": 5}}, {"name": "crm__find", "arguments": {"name": "Bob"}}]}, {"content": "sorry"}]'
  agent_flow t '(:content (flow/step :agent :a {:connection :ai :objective "x" :tools {:steps [:crm/find]}}))'
  run_ai t; want 0 '"sorry"'
  m=$(sent 2 '[.body.messages[] | select(.role == "tool") | .content]')
  [[ $m = *"error: there is no tool nothing; there are crm__find"*"at [:name] must be a string"*"error: no such user"* ]]
  model_server '[{"turn": 0, "calls": [{"name": "crm__find", "arguments": {"name": "Bob"}}]}, {"content": "sorry"}]'
  agent_flow t '(try (flow/step :agent :a {:connection :ai :objective "x" :tools {:steps [{:id :crm/find :on-error :fail}]}}) (catch Exception e (:type (ex-data e))))'
  run_ai t; want 0 ':not-found'
}
@test "limits: turns, calls, repeated calls, tokens, money" {
  model_server '[{"calls": [{"name": "crm__count", "arguments": {"key": "n"}}], "usage": [100, 0]}]'
  try() {
    agent_flow t "(try (flow/step :agent :a {:connection :ai :objective \"x\" :tools {:steps [:crm/count]} $1}) (catch Exception e (let [d (ex-data e)] [(:type d) (:limit d) (count (:trace d)) (:total-tokens (:usage d))])))"
    run_ai t
  }
  try ''; want 0 '[:limit :max-iterations 20 2000]'
  try ':max-iterations 2'; want 0 '[:limit :max-iterations 2 200]'
  try ':max-tool-calls 3'; want 0 '[:limit :max-tool-calls 3 400]'
  try ':max-repeated-tool-calls 1'; want 0 '[:limit :max-repeated-tool-calls 1 200]'
  try ':cost {:max-tokens 250}'; want 0 '[:limit :max-tokens 3 300]'
  try ':cost {:max-cost 0.0003}'; want 0 '[:limit :max-cost 2 200]'
  for o in ':max-iterations 101' ':max-iterations 0' ':max-tool-calls 1001' ':max-repeated-tool-calls 101' ':cost {:max-tokens 0}'; do try "$o"; want 0 '[:validation nil 0 nil]'; done
}
@test "a person is asked before a tool named in :approval; a refusal is told to the model" {
  model_server '[{"turn": 0, "calls": [{"name": "crm__count", "arguments": {"key": "n"}}]}, {"turn": 1, "calls": [{"name": "crm__count", "arguments": {"key": "n"}}]}, {"content": "end"}]'
  agent_flow t '[(:content (flow/step :agent :a {:connection :ai :objective "x" :tools {:steps [:crm/count]} :approval [:crm/count]})) (:value (flow/step :kv :n {:operation :get :key "n"}))]'
  run_ai t --run-id r; [ "$st" = 3 ]
  br approve r; [ "$st" = 0 ]
  br resume r --connections conn.json; [ "$st" = 3 ]
  br reject r; [ "$st" = 0 ]
  br resume r --connections conn.json; want 0 '["end" 1]'
  [[ $(sent 3 '.body.messages[-1].content') = *"rejected"* ]]
  br replay r; [ "$st" = 0 ]
}
@test "a named agent as a tool; agents inside agents are bounded" {
  model_server '[{"when": "Lead", "turn": 0, "calls": [{"name": "team__writer", "arguments": {"task": "a poem"}}]}, {"when": "a poem", "content": "roses"}, {"when": "roses", "content": "the poem is: roses"}]'
  agent_flow t '(:content (flow/step :agent :a {:connection :ai :objective "Lead." :tools {:agents [:team/writer]}}))'
  run_ai t --run-id r; want 0 '"the poem is: roses"'
  [[ $(sent 2 '.body.messages[-1].content') = *'Write what is asked for.'*'a poem'* ]]
  is "$(breyta-run show r --format json | jq -c '[.steps[].step]')" '["a/turn","a/team__writer.turn","a/turn"]'
}
@test ":llm with tools of packaged steps loops; tools of :definitions come back; :allowed, :mode, :trace" {
  model_server '[{"turn": 0, "when": "loop", "calls": [{"name": "crm__find", "arguments": {"name": "Ann"}}]}, {"when": "plan", "content": "pro"}, {"when": "mine", "calls": [{"name": "local", "arguments": {"x": 1}}]}]'
  agent_flow t '(let [o {:connection :ai :tools {:steps [:crm/find :crm/count] :allowed [:crm/find :local] :mode :required :definitions [{:name "local"} {:name "other"}]}}]
                  [(select-keys (flow/step :llm :a (assoc o :prompt "loop")) [:content :iterations :tool-call-count :trace])
                   (:tool-calls (flow/step :llm :b (assoc o :prompt "mine" :trace true)))])'
  run_ai t; want 0 '[{:content "pro", :iterations 2, :tool-call-count 1} [{:id "call_0", :name "local", :arguments {:x 1}}]]'
  is "$(sent 1 '[[.body.tools[].function.name], .body.tool_choice]')" '[["local","crm__find"],"required"]'
  is "$(sent 2 .body.tool_choice)" null
  agent_flow t '(try (flow/step :llm :a {:connection :ai :prompt "x" :tools {:mcp [1]}}) (catch Exception e (:message (ex-data e))))'
  run_ai t; [[ $out = *":mcp"*"not supported"* ]]
  agent_flow t '(try (flow/step :llm :a {:connection :ai :prompt "x" :available-steps [:function]}) (catch Exception e (:message (ex-data e))))'
  run_ai t; [[ $out = *"packaged steps and agents"* ]]
}
@test "a structured answer: Malli to the provider's schema, decoded, checked; one repair turn; then a typed error" {
  for conn in ai claude; do
    model_server '[{"when": "good", "content": "{\"kind\": \"bug\", \"score\": 3}"}, {"when": "mend", "turn": 0, "content": "{\"kind\": \"bug\"}", "usage": [1, 1]}, {"when": "cannot be used", "content": "{\"kind\": \"bug\", \"score\": 4}", "usage": [2, 2]}]'
    : > log
    ai_flow t "(let [o {:connection :$conn :output {:schema [:map [:kind [:enum :bug :wish]] [:score :int]]}}
                     b (flow/step :llm :b (assoc o :prompt \"mend\"))]
                 [(:parsed (flow/step :llm :a (assoc o :prompt \"good\"))) (:parsed b) (:repaired b) (:total-tokens (:usage b))])"
    run_ai t --run-id r --db $conn.db; want 0 '[{:kind :bug, :score 3} {:kind :bug, :score 4} true 6]'
    is "$(breyta-run show r --db $conn.db --format json | jq -c '[.steps[] | [.step, .status]]')" '[["b","failed"],["b/repair","completed"],["a","completed"]]'
    [[ $(sent 2 '.body.messages[-1].content') = *":score"* ]]
  done
  is "$(sent 1 '[.body.tools[0].name, .body.tools[0].input_schema.properties.kind.enum, .body.tool_choice]')" '["answer",["bug","wish"],{"type":"tool","name":"answer"}]'
  model_server '[{"content": "never"}]'; : > log
  ai_flow t '(try (flow/step :llm :a {:connection :ai :prompt "x" :output {:schema {:type "object" :required [:n]} :name "num" :strict true}}) (catch Exception e (let [d (ex-data e)] [(:type d) (:content d) (:message (first (:problems d))) (:step-id d)])))'
  run_ai t; [[ $out = '[:invalid-output "never" "is not JSON'*' :a]' ]]
  is "$(wc -l < log)" 2
  is "$(sent 1 '.body.response_format | [.type, .json_schema.name, .json_schema.strict, .json_schema.schema.required]')" '["json_schema","num",true,["n"]]'
  ai_flow t '(try (flow/step :llm :a {:connection :ai :prompt "x" :output {:schema [:vector :int] :repair false}}) (catch Exception e (:type (ex-data e))))'
  run_ai t; want 0 ':invalid-output'; is "$(wc -l < log)" 3
  is "$(sent 3 '.body.response_format.json_schema.schema.properties.value.type')" '"array"'
  ai_flow t '(flow/step :llm :a {:connection :ai :prompt "x" :output {:schema [:vector :int]} :on-error :skip})'; run_ai t; want 0 nil
}
@test "results are persisted: of one call, of a structured answer, of an agent" {
  model_server '[{"when": "json", "content": "{\"a\": 1}"}, {"content": "hello"}]'
  ai_flow t '[(:type (flow/step :llm :a {:connection :ai :prompt "x" :persist {:type :blob}}))
              (:type (flow/step :llm :b {:connection :ai :prompt "json" :output {:schema [:map [:a :int]]} :persist {:type :blob}}))
              (:type (flow/step :agent :c {:connection :ai :objective "x" :output-persist {:type :kv :key "k"}}))
              (:content (:value (flow/step :kv :g {:operation :get :key "k"})))]'
  run_ai t; want 0 '[:blob :blob :kv "hello"]'
}
@test "what an agent needs, and its fields: instructions, template, memory, evaluate" {
  model_server '[{"when": "meet the criteria", "content": "{\"pass\": false, \"reason\": \"too short\"}"}, {"content": "ok"}]'
  for o in ':objective ""' ':objective "x" :instructions (identity 5)' ':objective "x" :inputs (identity [])' ':objective "x" :memory (identity 1)' ':objective "x" :cost (identity 1)' ':objective "x" :evaluate (identity 1)'; do
    agent_flow t "(try (flow/step :agent :a {:connection :ai $o}) (catch Exception e (:type (ex-data e))))"; run_ai t; want 0 ':validation'
  done
  [ ! -s log ]
  agent_flow t '(select-keys (flow/step :agent :a {:connection :ai :objective "x" :instructions "be kind" :trace false :memory {:key "m"} :evaluate {:criteria "long"}}) [:content :evaluation :trace :usage])'
  run_ai t; want 0 '{:content "ok", :evaluation {:pass false, :reason "too short"}, :usage {:input-tokens 20, :output-tokens 10, :total-tokens 30}}'
  is "$(sent 1 '[.body.messages[].content]')" '["be kind","x"]'
  run_ai t; is "$(sent 3 '[.body.messages[].content]')" '["be kind","x","ok","x"]'
  agent_flow t '(try (flow/step :agent :a {:connection :ai :objective "x" :evaluate {:criteria "long" :required true}}) (catch Exception e (:type (ex-data e))))'
  run_ai t; want 0 ':evaluation-failed'
  ai_flow t '(:content (flow/step :agent :a {:connection :ai :objective "Go." :template :p :data {:n 3}}))' ':templates [{:id :p :type :llm-prompt :system "S{{n}}" :prompt "P{{n}}"}]'
  run_ai t; is "$(sent -1 '[.body.messages[].content]')" '["S3","P3","Go."]'
}
