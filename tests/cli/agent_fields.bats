load help
load llm
# The fields that :agent shares with :llm: each arrives on the wire, and a wrong value is an error before anything is sent.

agent() { ai_flow t "(try (:content (flow/step :agent :a {:objective \"Go.\" $1})) (catch Exception e (select-keys (ex-data e) [:type :message])))" "${2:-}"; run_ai t; }

@test ":history and :follow-up of :llm and :agent: where they stand among the messages; wrong values" {
  model_server
  ai_flow t '(:role (flow/step :llm :a {:connection :ai :system "s" :prompt "p" :history [{:role :user :content "h"}] :follow-up [{:role :assistant :content "f"} {:role :user :content "g"}]}))'
  run_ai t; want 0 '"assistant"'
  is "$(sent 1 '[.body.messages[].content]')" '["s","h","p","f","g"]'
  agent ':connection :ai :instructions "s" :history [{:role :user :content "h"}] :follow-up [{:role :user :content "f"}]'
  is "$(sent 2 '[.body.messages[].content]')" '["s","h","Go.","f"]'
  for o in ':history (identity 5)' ':follow-up (identity "x")' ':history (vector {:role :king :content "x"})'; do
    ai_flow t "(try (flow/step :llm :a {:connection :ai :prompt \"p\" $o}) (catch Exception e (:type (ex-data e))))"; run_ai t; want 0 :validation
    agent ":connection :ai $o"; [[ $out = *':type :'* ]] || { echo "$o: $out$err" >&2; return 1; }
  done
  is "$(wc -l < log)" 2
}
@test "model fields of an agent on the wire: openai, responses, anthropic, azure, a server of its own" {
  model_server
  agent ':connection :ai :model "other" :temperature 0.5 :top-p 0.25 :stop ["a"] :max-tokens 9 :seed 4 :presence-penalty -0.5 :frequency-penalty 1 :reasoning-effort :low :prompt-cache-key "pk" :provider-opts {:logprobs true}'
  is "$(sent 1 '.body | del(.messages) | to_entries | sort_by(.key) | from_entries')" '{"frequency_penalty":1,"logprobs":true,"max_completion_tokens":9,"model":"other","presence_penalty":-0.5,"prompt_cache_key":"pk","reasoning_effort":"low","seed":4,"stop":["a"],"temperature":0.5,"top_p":0.25}'
  agent ':connection :ai :previous-response-id "resp_0"'; is "$(sent 2 '[.path, .body.previous_response_id]')" '["/v1/responses","resp_0"]'
  agent ':connection :ai :openai {:responses {:store false}}'; is "$(sent 3 '[.path, .body.store]')" '["/v1/responses",false]'
  agent ':connection :claude :instructions "s" :cache-system? true'; is "$(sent 4 '.body.system[0].cache_control.type')" '"ephemeral"'
  agent ':connection :azure :deployment "other" :api-version "2026-01-01"'; is "$(sent 5 '[.path, .query["api-version"][0]]')" '["/openai/deployments/other/chat/completions","2026-01-01"]'
  ai_flow t "(:content (flow/step :agent :a {:objective \"Go.\" :provider :anthropic :base-url \"http://127.0.0.1:$PORT/v1\" :auth {:secret-ref :k} :model :m}))"; run_ai t
  is "$(sent 6 '[.path, .headers["x-api-key"], .body.model]')" '["/v1/messages","sk-canary-123456","m"]'
  agent ':connection :ai :response-format :json'; [[ $out = *':invalid-output'* ]]
  is "$(sent 7 '.body.response_format.type')" '"json_object"'
  agent ':connection :ai :json-schema {:type "object" :required [:n]}'; [[ $out = *':invalid-output'* ]]
  is "$(sent -1 '.body.response_format.json_schema.schema.required')" '["n"]'
  model_server '[{"wait": 5000}]'; agent ':connection :ai :timeout "200ms"'; [[ $out = *':type :timeout'* ]]
}
@test "model fields of an agent: wrong values are refused before anything is sent" {
  model_server
  for o in ':model (+ 1 1)|:model is 2' ':deployment (+ 1 1)|:deployment' ':api-version (+ 1 1)|:api-version' ':temperature (+ 2 1)|:temperature' ':top-p (str "x")|:top-p' ':stop (identity 5)|:stop' ':max-tokens (- 0 1)|:max-tokens' ':seed (str "s")|:seed' ':presence-penalty (+ 2 1)|:presence-penalty' \
    ':frequency-penalty (- 0 3)|:frequency-penalty' ':reasoning-effort (+ 1 1)|:reasoning-effort' ':provider-opts (identity [])|:provider-opts' ':provider "watson"|known are openai' ':base-url "http://127.0.0.1:9/v1"|another address' \
    ':response-format :xml|:response-format' ':json-schema (identity {:type 5})|schema' ':timeout (str "soon")|timeout' ':previous-response-id (+ 1 1)|:previous-response-id' ':prompt-cache-key (+ 1 1)|:prompt-cache-key'; do
    agent ":connection :ai ${o%%|*}"
    [[ $out = *":type :validation"*"${o#*|}"* ]] || { echo "$o: $out$err" >&2; return 1; }
  done
  agent ':connection :claude :seed 1'; [[ $out = *':seed is not known to the anthropic backend'* ]]
  [ ! -s log ]
}
