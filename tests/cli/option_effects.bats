load help
load llm

# What options do that have no test among those of their family (options.txt lists them all).
web() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
}
one() { flow o "$1"; br o.edn "${@:3}"; want 0 "$2"; } # BODY VALUE

@test "every step: :type repeats the family, :title and :expect are in the history" {
  one '(:exists? (flow/step :kv :g {:type :kv :title "Look it up" :expect {:criteria "there" :schema [:map]} :operation :get :key "k"}))' false --run-id r
  br show r; [[ $out = *"Look it up"* ]]
  br show r --format json
  [ "$(jq -c '[.steps[0].title, .steps[0].input.expect.criteria, .steps[0].input.type]' <<<"$out")" = '["Look it up","there","kv"]' ]
}
@test "every step: :retry, :on-error, :delivery, :persist" {
  web
  one "(try (flow/step :http :h {:url \"http://127.0.0.1:$PORT/status/503\" :retry {:max-attempts 3 :backoff-ms 1}}) (catch Exception e (:attempt (ex-data e))))" 3
  one "(flow/step :http :h {:url \"http://127.0.0.1:$PORT/status/404\" :on-error :skip})" nil
  flow c "(flow/step :http :h {:url \"http://127.0.0.1:$PORT/status/404\" :on-error :checkpoint})"
  br c.edn --run-id c; [ "$st" = 3 ]
  br skip c --value 7; br resume c; want 0 7
  flow k "(map :idempotency-key (map :headers (map :body [(flow/step :http :a {:url \"http://127.0.0.1:$PORT/echo\" :delivery :idempotent}) (flow/step :http :b {:url \"http://127.0.0.1:$PORT/echo\"})])))"
  br k.edn; [ "$st" = 0 ]; [[ $out = '("'?*'" nil)' ]]
  one '((juxt :type :size-bytes) (flow/step :function :f {:code (quote (fn [_] "abc")) :input {} :persist {:type :blob}}))' '[:blob 3]'
}
@test "every step with a template: :template names it, :data fills it" {
  web
  flow t '(:body (:body (flow/step :http :h {:template :req :data {:what "tea"}})))'
  sed -i "s|^ :functions|:templates [{:id :req :type :http-request :request {:url \"http://127.0.0.1:$PORT/echo\" :method :post :body \"{{what}} please\"}}] :functions|" t.edn
  br t.edn; want 0 '"tea please"'
}
@test ":http :connect-timeout-ms: how long connecting may take" {
  # a socket that listens with a full queue answers no more connections
  python3 - > bport <<'P' & echo $! > bpid
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
held = []
for _ in range(4):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); held.append(c)
print(s.getsockname()[1], flush=True)
time.sleep(30)
P
  until_ok test -s bport
  SECONDS=0
  one "(try (flow/step :http :h {:url \"http://127.0.0.1:$(cat bport)/\" :connect-timeout-ms 200 :timeout 20}) (catch Exception e ((juxt :type :retryable?) (ex-data e))))" '[:timeout true]'
  kill "$(cat bpid)"
  [ $SECONDS -lt 10 ]
}
@test "options that are accepted change nothing" {
  one '[(:exists? (flow/step :kv :g {:operation :get :key "k" :timeout "1ms"})) (:slept-seconds (flow/step :sleep :s {:millis 30 :timeout "1ms"}))]' '[false 0.03]'
  one '(let [r (flow/step :function :r {:code (quote (fn [_] [{:id 1}])) :input {} :persist {:type :table :table "t"}})]
         [(:rows (flow/step :table :q {:op :query :table r :page {:limit 1} :timeout 1 :provider-opts {:x 1}}))
          (:rows-updated (flow/step :table :u {:op :set-column :table r :column :y :value 2 :op-id :once}))])' '[[{:id 1}] 1]'
}
@test ":db options of databases that this build does not run: said, not ignored" {
  local o
  db_flow() {
    flow d "(try (flow/step :db :d (merge {:connection :db :sql \"select 1 as n\"} $1)) (catch Exception e [(:type (ex-data e)) (ex-message e)]))"
    sed -i 's|^ :functions|:requires [{:slot :db :type :database :label "D"}] :functions|' d.edn
    br d.edn --connections c.edn
  }
  python3 -c 'import sqlite3; sqlite3.connect("s.db").execute("create table t(x)")'
  echo "{:connections {:db {:type :database :backend :sqlite :config {:path \"$PWD/s.db\"}}}}" > c.edn
  db_flow '{}'; want 0 '[{:n 1}]'
  for o in ':dry-run true' ':collection "c"' ':where [[:a := 1]]' ':order-by [[:a :asc]]' ':limit 5'; do
    db_flow "{$o}"; [ "$st" = 0 ]; [[ $out = *":validation"*"${o%% *} of a :db step is of databases without SQL"*"leave it out"* ]]
    flow l "(flow/step :db :d {:connection :db :sql \"select 1\" $o})"
    br lint l.edn; [ "$st" = 1 ]; [[ $out$err = *"flow_step_option_invalid"*"${o%% *} of this :db step must be left out"* ]]
    flow u "(flow/step :db :d {:connection :db :database :firestore $o})"
    br lint u.edn; [[ $out$err = *unsupported_step*":firestore"* ]]
  done
}
LLM_KEYS=':steps [{:id :crm/count :type :kv :description "Counts" :input-schema [:map [:key :string]] :defaults {:operation :increment}}]'
@test ":llm :response-format and :json-schema: what is asked for on the wire, and what comes of it" {
  model_server '[{"content": "{\"a\": 1}"}]'
  ai_flow t '[(:parsed (flow/step :llm :a {:connection :ai :prompt "x" :response-format :json}))
              (:parsed (flow/step :llm :b {:connection :ai :prompt "x" :json-schema {:type "object" :properties {:a {:type "integer"}} :required ["a"]}}))
              (try (flow/step :llm :c {:connection :ai :prompt "x" :output {:schema [:map [:b :int]] :repair false}}) (catch Exception e (:type (ex-data e))))]'
  run_ai t; want 0 '[{:a 1} {:a 1} :invalid-output]'
  is "$(sent 1 .body.response_format.type)" '"json_object"'
  is "$(sent 2 '[.body.response_format.type, .body.response_format.json_schema.schema.required]')" '["json_schema",["a"]]'
}
@test ":llm with tools: :max-iterations, :max-tool-calls, :max-repeated-tool-calls, :cost end the loop; :approval asks a person" {
  model_server '[{"calls": [{"name": "crm__count", "arguments": {"key": "n"}}], "usage": [100, 0]}]'
  local o
  for o in ':max-iterations 2|:max-iterations' ':max-tool-calls 3|:max-tool-calls' ':max-repeated-tool-calls 1|:max-repeated-tool-calls' ':cost {:max-tokens 250}|:max-tokens'; do
    ai_flow t "(try (flow/step :llm :a {:connection :ai :prompt \"x\" :tools {:steps [:crm/count]} ${o%|*}}) (catch Exception e ((juxt :type :limit) (ex-data e))))" "$LLM_KEYS"
    run_ai t; want 0 "[:limit ${o#*|}]"
  done
  model_server '[{"turn": 0, "calls": [{"name": "crm__count", "arguments": {"key": "m"}}]}, {"content": "end"}]'
  ai_flow t '[(:content (flow/step :llm :a {:connection :ai :prompt "x" :tools {:steps [:crm/count]} :approval [:crm/count]})) (:value (flow/step :kv :n {:operation :get :key "m"}))]' "$LLM_KEYS"
  run_ai t --run-id r; [ "$st" = 3 ]
  br reject r; br resume r --connections conn.json; want 0 '["end" nil]'
  run_ai t --run-id s; [ "$st" = 3 ]
  br approve s; br resume s --connections conn.json; want 0 '["end" 1]'
}
@test ":search :limit: so many results of each target" {
  flow m '(doseq [i (range 5)] (flow/step :function :f {:code (quote (fn [m] (str "zebra " (:i m)))) :input {:i i} :persist {:type :blob :search-index {:text "zebra"}}}))'
  br m.edn; [ "$st" = 0 ]
  one '(mapv (fn [n] (:count (flow/step :search :s {:query "zebra" :targets [:resources] :limit n}))) [1 3 20])' '[1 3 5]'
}
@test ":wait :key, :timeout, :on-timeout, :default-value" {
  one '(flow/step :wait :w {:key "k" :timeout "30ms" :on-timeout :continue :default-value {:none true}})' '{:none true}' --listen 127.0.0.1:0
  one '(try (flow/step :wait :w {:key "k" :timeout "30ms"}) (catch Exception e (:type (ex-data e))))' :wait-timeout --listen 127.0.0.1:0
  flow w '(flow/step :wait :w {:key :order-7 :timeout "1h"})'
  br w.edn --run-id w; [ "$st" = 3 ]
  br send order-7 '{"n": 1}'; br resume w; want 0 '{:n 1}'
}
