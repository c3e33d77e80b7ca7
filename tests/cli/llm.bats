load help
load llm

# one step with these options, asked of connection $1
ask() { ai_flow t "(flow/step :llm :ask {:connection :$1 $2})" "${3:-}"; run_ai t; }
# the step's error map, chosen keys
ask_error() { ai_flow t "(try (flow/step :llm :ask {:connection :$1 $2}) (catch Exception e (select-keys (ex-data e) $3)))"; run_ai t; }

@test "openai: prompt and system, address, key, result with usage and cost" {
  model_server '[{"content": "hello", "usage": [100, 20], "cached": 40, "as": "gpt-x-2026"}]'
  ask ai ':prompt "hi" :system "be brief"'
  want 0 '{:content "hello", :role "assistant", :model "gpt-x-2026", :finish-reason :stop, :id "chatcmpl-1", :usage {:input-tokens 100, :output-tokens 20, :total-tokens 120, :cached-input-tokens 40}, :cost {:input 2.0E-4, :output 2.0E-4, :total 4.0E-4, :currency "USD"}}'
  is "$(sent 1 '[.path, .headers.authorization]')" '["/v1/chat/completions","Bearer sk-canary-123456"]'
  is "$(sent 1 .body)" '{"model":"gpt-x","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}]}'
  if grep -rl sk-canary .breyta; then false; fi
  br show "$(breyta-run runs --format json | jq -r '.[0]."run-id"')"; [[ $out = *"usage   100 tokens in, 20 out, 4.0E-4 USD"* ]]
}
@test "anthropic: system text on its own, key header, version, result" {
  model_server '[{"content": "hello", "usage": [100, 20], "cached": 40}]'
  ask claude ':messages [{:role :system :content "be brief"} {:role :user :content "hi"}]'
  want 0 '{:content "hello", :role "assistant", :model "claude-x", :finish-reason :stop, :id "msg_1", :usage {:input-tokens 100, :output-tokens 20, :total-tokens 120, :cached-input-tokens 40}}'
  is "$(sent 1 '[.path, .headers["x-api-key"], .headers["anthropic-version"]]')" '["/v1/messages","sk-canary-123456","2023-06-01"]'
  is "$(sent 1 .body)" '{"model":"claude-x","system":"be brief","messages":[{"role":"user","content":"hi"}],"max_tokens":4096}'
  if grep -rl sk-canary .breyta; then false; fi
}
@test "azure: deployment in the path, api-version, api-key header; openai-compatible: no key, max_tokens" {
  model_server
  ask azure ':prompt "hi" :api-version "2026-01-01" :max-tokens 7'
  [ "$st" = 0 ]
  is "$(sent 1 '[.path, .query["api-version"], .headers["api-key"], .body.max_tokens]')" '["/openai/deployments/dep/chat/completions",["2026-01-01"],"sk-canary-123456",7]'
  ask azure ':prompt "hi" :deployment "other"'
  is "$(sent 2 '[.path, .query["api-version"]]')" '["/openai/deployments/other/chat/completions",["2024-10-21"]]'
  ask compat ':prompt "hi" :max-tokens 7'
  is "$(sent 3 '[.path, .headers.authorization, .body.max_tokens, .body.model]')" '["/chat/completions",null,7,"m"]'
}
@test "a provider without a connection: :provider :base-url :auth of the step" {
  model_server
  ai_flow t "(:content (flow/step :llm :ask {:provider :anthropic :base-url \"http://127.0.0.1:$PORT/v1\" :auth {:secret-ref :k} :model :m :prompt \"hi\"}))"
  run_ai t; want 0 '"You said: hi"'
  is "$(sent 1 '[.path, .headers["x-api-key"]]')" '["/v1/messages","sk-canary-123456"]'
  ask_error ai ':prompt "hi" :base-url "http://127.0.0.1:9/v1"' '[:type]'; want 0 '{:type :validation}'
  ask_error ai ':prompt "hi" :provider "watson"' '[:message]'; [[ $out = *"known are openai, openai-compatible, azure, anthropic"* ]]
  [ "$(wc -l < log)" = 1 ]
}
@test "every plain field on the wire, openai" {
  model_server
  ask ai ':prompt "hi" :model "other" :temperature 0.5 :top-p 0.25 :stop ["a" "b"] :max-tokens 9 :seed 42 :presence-penalty -0.5 :frequency-penalty 1
          :reasoning-effort :low :prompt-cache-key "pk" :provider-opts {:logprobs true :seed 43}'
  [ "$st" = 0 ]
  is "$(sent 1 '.body | del(.messages) | to_entries | sort_by(.key) | from_entries')" '{"frequency_penalty":1,"logprobs":true,"max_completion_tokens":9,"model":"other","presence_penalty":-0.5,"prompt_cache_key":"pk","reasoning_effort":"low","seed":43,"stop":["a","b"],"temperature":0.5,"top_p":0.25}'
}
@test "the responses API: with :previous-response-id or :openai {:responses ..}; streamed as well" {
  model_server '[{"when": "call", "calls": [{"name": "add", "arguments": {"a": 1}}]}, {"when": "no", "refusal": "never"}, {"when": "json", "content": "{\"a\": 1}"}, {"when": "long", "content": "it en", "finish": "length"}, {"when": "slow", "slow": 20, "content": "one two three"},
                 {"content": "hello", "usage": [9, 4], "cached": 3}]'
  ask ai ':prompt "hi" :system "s" :previous-response-id "resp_0" :max-tokens 7 :reasoning-effort :low :temperature 1 :top-p 0.5 :prompt-cache-key :pk :openai {:responses {:store false}}'
  [[ $out = *':content "hello"'* ]]; [[ $out = *':id "resp_1"'* ]]; [[ $out = *':usage {:input-tokens 9, :output-tokens 4, :total-tokens 13, :cached-input-tokens 3}'* ]]
  is "$(sent 1 .path)" '"/v1/responses"'
  is "$(sent 1 '.body | to_entries | sort_by(.key) | from_entries')" '{"input":[{"role":"system","content":"s"},{"role":"user","content":"hi"}],"max_output_tokens":7,"model":"gpt-x","previous_response_id":"resp_0","prompt_cache_key":"pk","reasoning":{"effort":"low"},"store":false,"temperature":1,"top_p":0.5}'
  o=':connection :ai :openai {:responses true} :tools {:definitions [{:name "add" :description "d"}] :mode "add"}'
  ai_flow t "(let [a (flow/step :llm :a {$o :prompt \"call\"})]
               [(:finish-reason a) (:tool-calls a)
                (:content (flow/step :llm :b {$o :messages [{:role :user :content \"x\"} (select-keys a [:role :content :tool-calls]) {:role :tool :tool-call-id \"call_0\" :content 5}]}))
                (select-keys (flow/step :llm :c {$o :prompt \"no\"}) [:content :finish-reason]) (:finish-reason (flow/step :llm :d {$o :prompt \"long\"}))
                (:parsed (flow/step :llm :e {:connection :ai :openai {:responses true} :prompt \"json\" :output {:schema [:map [:a :int]] :strict true}}))])"
  run_ai t; want 0 '[:tool-calls [{:id "call_0", :name "add", :arguments {:a 1}}] "hello" {:content "never", :finish-reason :refusal} :length {:a 1}]'
  is "$(sent 2 '[.body.tools, .body.tool_choice]')" '[[{"name":"add","parameters":{"type":"object","properties":{}},"description":"d","type":"function"}],{"type":"function","name":"add"}]'
  is "$(sent 3 .body.input)" '[{"role":"user","content":"x"},{"type":"function_call","call_id":"call_0","name":"add","arguments":"{\"a\":1}"},{"type":"function_call_output","call_id":"call_0","output":"5"}]'
  is "$(sent 6 '.body.text.format | [.type, .name, .strict, .schema.required]')" '["json_schema","answer",true,["a"]]'
  ask_error ai ':prompt "x" :openai {:responses true} :seed 1' '[:message]'; [[ $out = *":seed is not known to the responses of the openai backend"* ]]
  ai_flow t '(:content (flow/step :llm :a {:connection :ai :openai {:responses true} :prompt "slow"}))'
  screen=$(python3 "$ROOT/tests/tools/ptyrun.py" breyta-run t.edn --connections conn.json)
  [[ $screen = *"llm :a"*": one two"* ]]; [[ $screen = *'"one two three"'* ]]
}
@test "every plain field on the wire, anthropic; what it does not know is refused" {
  model_server
  ask claude ':prompt "hi" :system "s" :cache-system? true :temperature 0.5 :top-p 0.25 :stop "a" :max-tokens 9 :provider-opts {:top_k 3}'
  is "$(sent 1 '.body | del(.messages) | to_entries | sort_by(.key) | from_entries')" '{"max_tokens":9,"model":"claude-x","stop_sequences":["a"],"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"temperature":0.5,"top_k":3,"top_p":0.25}'
  for o in seed presence-penalty frequency-penalty; do
    ask_error claude ":prompt \"hi\" :$o 1" '[:type :message]'; [[ $out = *":$o is not known to the anthropic backend"* ]]
  done
  for o in reasoning-effort prompt-cache-key previous-response-id; do
    ask_error claude ":prompt \"hi\" :$o \"x\"" '[:type :message]'; [[ $out = *":$o is not known to the anthropic backend"* ]]
  done
}
@test "wrong values are refused before anything is sent, all at once" {
  model_server
  ask_error ai ':messages [{:role :king :content 5} 7] :temperature (+ 1 2) :top-p (str "x") :stop (identity 5) :max-tokens (- 0 1) :seed (str "s") :presence-penalty (+ 2 1)
                :frequency-penalty (- 0 3) :reasoning-effort (+ 1 1) :provider-opts (identity []) :tools {:definitions [{:name "no spaces"}] :mode (identity 5)}' '[:type :problems]'
  [[ $out = *":type :validation"* ]]
  for part in ':messages, number 1: :role' ':messages, number 1: :content' ':messages, number 2' ':temperature is 3; use a number from 0 to 2' ':top-p' ':stop is 5' ':max-tokens is -1' ':seed' \
    ':presence-penalty is 3' ':frequency-penalty' ':reasoning-effort is 2' ':provider-opts' 'no spaces'; do
    [[ $out = *"$part"* ]] || { echo "lacks $part in $out" >&2; return 1; }
  done
  ask_error ai ':prompt "a" :input "b"' '[:message]'; [[ $out = *"exactly one of :messages, :prompt and :input"* ]]
  ask_error ai ':messages []' '[:message]'; [[ $out = *"at least one"* ]]
  ask_error ai ':prompt "x" :output {:schema 5}' '[:message]'; [[ $out = *"Malli"* ]]
  ask_error ai ':prompt "x" :response-format :xml' '[:message]'; [[ $out = *":response-format"* ]]
  ask_error ai ':prompt "x" :output :json :json-schema {}' '[:message]'; [[ $out = *"use one of"* ]]
  [ ! -s log ]
}
@test "input as text, as messages and as data; a template" {
  model_server
  ask compat ':input "hi"'; is "$(sent -1 .body.messages)" '[{"role":"user","content":"hi"}]'
  ask compat ':system "s" :input [{:role :user :content "a"} {:role :assistant :content "b"} {:role :user :content "c"}]'
  is "$(sent -1 '[.body.messages[].content]')" '["s","a","b","c"]'
  ask compat ':input {:a 1 :b [:x]}'; is "$(sent -1 .body.messages)" '[{"role":"user","content":"{\"a\":1,\"b\":[\"x\"]}"}]'
  ask compat ':template :greet :data {:name "Ann" :tone "kind"}' ':templates [{:id :greet :type :llm-prompt :system "Be {{tone}}." :prompt "Greet {{name}} & co."}]'
  is "$(sent -1 .body.messages)" '[{"role":"system","content":"Be kind."},{"role":"user","content":"Greet Ann & co."}]'
}
@test "tool definitions, calls, their answers, in both formats" {
  model_server '[{"turn": 0, "calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}, {"content": "3"}]'
  for conn in ai claude; do
    ai_flow t "(let [o {:connection :$conn :tools {:definitions [{:name \"add\" :description \"adds\" :parameters {:type \"object\" :properties {:a {:type \"integer\"}}}} {:name \"sub\"}] :allowed [:add] :mode :required}}
                     ms [{:role :user :content \"1+2\"}]
                     a (flow/step :llm :one (assoc o :messages ms))
                     call (first (:tool-calls a))]
                 [(:finish-reason a) (:name call) (:arguments call)
                  (:content (flow/step :llm :two (assoc o :messages (conj ms (select-keys a [:role :content :tool-calls]) {:role :tool :tool-call-id (:id call) :content {:sum 3}}))))])"
    run_ai t; want 0 '[:tool-calls "add" {:a 1, :b 2} "3"]'
  done
  is "$(sent 1 '[.body.tools, .body.tool_choice]')" '[[{"type":"function","function":{"name":"add","parameters":{"type":"object","properties":{"a":{"type":"integer"}}},"description":"adds"}}],"required"]'
  is "$(sent 2 '.body.messages[1:]')" '[{"role":"assistant","content":"","tool_calls":[{"id":"call_0","type":"function","function":{"name":"add","arguments":"{\"a\":1,\"b\":2}"}}]},{"role":"tool","content":"{\"sum\":3}","tool_call_id":"call_0"}]'
  is "$(sent 3 '[.body.tools, .body.tool_choice]')" '[[{"name":"add","input_schema":{"type":"object","properties":{"a":{"type":"integer"}}},"description":"adds"}],{"type":"any"}]'
  is "$(sent 4 '.body.messages[1:]')" '[{"role":"assistant","content":[{"type":"tool_use","id":"toolu_0","name":"add","input":{"a":1,"b":2}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_0","content":"{\"sum\":3}"}]}]'
}
@test "arguments of a call that are no JSON are told" {
  model_server '[{"calls": [{"name": "add", "arguments": "{oops"}]}]'
  ai_flow t '(select-keys (first (:tool-calls (flow/step :llm :a {:connection :ai :prompt "x" :tools {:definitions [{:name "add"}]}}))) [:name :arguments-text :arguments])'
  run_ai t; want 0 '{:name "add", :arguments-text "{oops"}'
}
@test "429 with Retry-After is tried again when :retry says so, and is an error otherwise" {
  model_server '[{"status": 429, "error": "slow down", "retry_after": 1, "times": 1}, {"content": "ok"}]'
  SECONDS=0
  ai_flow t '(:content (flow/step :llm :a {:connection :ai :prompt "x" :retry {:max-attempts 2 :backoff-ms 60000}}))'
  run_ai t --run-id r; want 0 '"ok"'; [ $SECONDS -ge 1 ]
  br show r; [[ $out = *"retrying  :llm :a"*"attempt 2"* ]]
  model_server '[{"status": 401, "error": "who are you"}]'
  ask_error ai ':prompt "x"' '[:type :status :retryable? :message]'
  [[ $out = *":type :http-error, :status 401, :retryable? false"*"status 401: who are you"* ]]
}
@test "the key of an idempotent step, the time limit, a server that is not there" {
  model_server '[{"when": "slow", "wait": 5000}]'
  ask ai ':prompt "x" :delivery :idempotent'; [[ $(sent 1 '.headers["idempotency-key"]') = *"/ask/"* ]]
  ask_error ai ':prompt "slow" :timeout "200ms"' '[:type :retryable?]'; want 0 '{:type :timeout, :retryable? true}'
  ai_flow t '(try (flow/step :llm :a {:provider :openai-compatible :base-url "http://127.0.0.1:1" :model "m" :prompt "x"}) (catch Exception e (:type (ex-data e))))'
  run_ai t; want 0 ':network'
  ai_flow t '(try (flow/step :llm :a {:provider :azure :model "m" :prompt "x"}) (catch Exception e (:message (ex-data e))))'
  run_ai t; [[ $out = *"the azure backend needs :base-url"* ]]
  ask_error gone ':prompt "x"' '[:type]'; want 0 '{:type :missing-binding}'
}
@test "answers that are no answers: malformed, without a message, refused, cut off" {
  model_server '[{"when": "raw", "raw": "<html>"}, {"when": "other", "raw": "{\"a\": 1}"}, {"when": "oops", "raw": "{\"error\": {\"message\": \"no credits\"}}"},
                 {"when": "refuse", "refusal": "I will not"}, {"when": "cut", "cut": true, "content": "text"}, {"when": "long", "finish": "length", "content": "{\"a\": "}]'
  ask_error ai ':prompt "raw"' '[:type]'; want 0 '{:type :invalid-response}'
  ask_error ai ':prompt "other"' '[:type]'; want 0 '{:type :invalid-response}'
  ask_error ai ':prompt "oops"' '[:type :message]'; [[ $out = *":llm-error"*"no credits"* ]]
  ask_error ai ':prompt "cut"' '[:type]'; want 0 '{:type :invalid-response}'
  ai_flow t '(select-keys (flow/step :llm :a {:connection :ai :prompt "refuse"}) [:content :finish-reason :refusal])'; run_ai t
  want 0 '{:content "I will not", :finish-reason :refusal, :refusal "I will not"}'
  ask_error ai ':prompt "refuse" :output :json' '[:type]'; want 0 '{:type :refused}'
  ask_error ai ':prompt "long" :output :json' '[:type :finish-reason]'; want 0 '{:type :invalid-output, :finish-reason :length}'
}
@test "on a terminal the answer is streamed: same results, tokens on the live line, secrets cut out, nothing of it in the journal" {
  model_server '[{"when": "long", "slow": 20, "content": "one two three sk-canary-123456 four", "usage": [3, 4]}, {"when": "tool", "calls": [{"name": "add", "arguments": {"a": 1}}]},
                 {"when": "cut", "cut": true, "content": "a b c"}]'
  ai_flow t '(vec (for [c [:ai :claude]]
               [(select-keys (flow/step :llm :a {:connection c :prompt "long"}) [:content :usage :finish-reason])
                (:tool-calls (flow/step :llm :b {:connection c :prompt "tool" :tools {:definitions [{:name "add"}]}}))
                (try (flow/step :llm :c {:connection c :prompt "cut"}) (catch Exception e (:type (ex-data e))))]))'
  run_ai t --run-id plain
  st=0; screen=$(python3 "$ROOT/tests/tools/ptyrun.py" breyta-run t.edn --connections conn.json --run-id live) || st=$?
  [ "$st" = 0 ]
  is "$(sent 1 .body.stream)" null; is "$(sent -1 .body.stream)" true
  [[ $screen = *"llm :a"*": one two three"* ]]; [[ $screen = *"three #secret[k] four"* ]]; [[ $screen != *sk-canary* ]]
  [[ $screen = *'{:content "one two three #secret[k] four", :usage {:input-tokens 3, :output-tokens 4, :total-tokens 7}, :finish-reason :stop} [{:id "call_0", :name "add", :arguments {:a 1}}] :network]'* ]]
  [[ $out = *'{:content "one two three #secret[k] four", :usage {:input-tokens 3, :output-tokens 4, :total-tokens 7}, :finish-reason :stop} [{:id "call_0", :name "add", :arguments {:a 1}}] :invalid-response]'* ]]
  if grep -rl -e sk-canary -e 'data: ' .breyta; then false; fi
  br replay live; [ "$st" = 0 ]
}
@test "cancelling a run ends the request" {
  model_server '[{"wait": 20000}]'
  ask_flow='(flow/step :llm :a {:connection :ai :prompt "x"})'
  ai_flow t "$ask_flow"
  breyta-run t.edn --connections conn.json --run-id r >/dev/null 2>&1 3>&- & run=$!
  until_ok test -s log
  SECONDS=0
  br cancel r; [ "$st" = 0 ]
  wait $run || :
  [ $SECONDS -lt 10 ]
  br show r; [[ $out = *cancelled* ]]
}
@test "a platform's key is limited to 10000 tokens of answer" {
  model_server
  sed -i 's/"model": "gpt-x",/"model": "gpt-x", "platform-key": true,/' conn.json
  ask ai ':prompt "x" :max-tokens 50000'; is "$(sent 1 .body.max_completion_tokens)" 10000
  ask ai ':prompt "x"'; is "$(sent 2 .body.max_completion_tokens)" 10000
  ask ai ':prompt "x" :max-tokens 5'; is "$(sent 3 .body.max_completion_tokens)" 5
}
