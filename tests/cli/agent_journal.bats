load help
load llm

# A model that calls :crm/note, which gives 2000 characters that do not compress, until it has had N answers.
KEYS=':steps [{:id :crm/note :type :function :description "A note" :input-schema [:map [:n :int]]
               :defaults {:code (quote (fn [in] (apply str (map (fn [i] (char (+ 33 (mod (bit-xor (* i 7919 (inc (:n in))) (quot (* i i (+ 11 (:n in))) 97)) 90)))) (range 2000)))))}}]'
talk() { # TURNS: a run of as many turns under that id, in a database of its own
  python3 -c '
import json, sys
n = int(sys.argv[1])
print(json.dumps([{"turn": i, "calls": [{"name": "crm__note", "arguments": {"n": i}}], "usage": [100, 10]} for i in range(n - 1)] + [{"content": "done"}]))' "$1" > rules.json
  model_server "$(cat rules.json)"; : > log
  ai_flow t '(:iterations (flow/step :agent :a {:connection :ai :objective "Look through the notes." :instructions "Be brief." :max-iterations 100 :tools {:steps [:crm/note]}}))' "$KEYS"
  run_ai t --run-id "r$1" --db "d$1.db"; want 0 "$1"
}
# bytes of all journal records of that database
journal_bytes() {
  python3 -c '
import sqlite3, sys
c = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
tables = [t for (t,) in c.execute("select name from sqlite_master where type = ? and name glob ?", ("table", "j[0-9]*"))]
assert tables
print(sum(c.execute("select coalesce(sum(length(data)), 0) from " + t).fetchone()[0] for t in tables))' "$1"
}

@test "the journal of an agent grows with its turns, not with their square; whole inputs are shown; replay and resume agree" {
  talk 25; talk 50
  a=$(journal_bytes d25.db) b=$(journal_bytes d50.db)
  echo "journal: 25 turns $a bytes, 50 turns $b bytes" >&3
  [ "$a" -gt 50000 ]
  [ $((b * 10)) -lt $((a * 23)) ] # 2.0 times as much; all of the talk each time would be 4 times
  breyta-run show r50 --db d50.db --format json > show.json
  is "$(jq -c '[.steps[] | select(.type == "llm") | .input["follow-up"] | length] | [.[0], .[1], .[2], .[49]]' show.json)" '[0,2,4,98]'
  is "$(jq -c '[.steps[] | select(.type == "llm") | .input.prompt] | unique' show.json)" '["Look through the notes."]'
  is "$(jq -c '[.steps[] | select(.type == "llm")][49].input["follow-up"][97] | [.role, (.content | length)]' show.json)" '["tool",2000]'
  is "$(jq -c '[.steps[].input | select(has("breyta/since"))] | length' show.json)" 0
  is "$(sent 50 '.body.messages | length')" 100
  br replay r50 --db d50.db; [ "$st" = 0 ]
}
@test "a flow's own talk by :messages is kept in parts as well; an attempt that is made again shows the same input" {
  model_server '[{"status": 503, "turn": 2, "times": 1}, {"content": "ok"}]'
  ai_flow t '(loop [i 0 ms []]
               (if (< i 4)
                 (let [ms (conj ms {:role :user :content (str "question " i)})
                       a (flow/step :llm :ask {:connection :ai :messages ms :temperature (if (= i 3) 1 0) :retry {:max-attempts 2 :backoff-ms 1}})]
                   (recur (inc i) (conj ms (select-keys a [:role :content]))))
                 (count ms)))'
  run_ai t --run-id r; want 0 8
  is "$(breyta-run show r --format json | jq -c '[.steps[] | [.status, .attempt, (.input.messages | length), .input.messages[-1].content, .input.temperature]]')" \
    '[["completed",1,1,"question 0",0],["completed",1,3,"question 1",0],["retrying",1,5,"question 2",0],["completed",2,5,"question 2",0],["completed",1,7,"question 3",1]]'
  br replay r; [ "$st" = 0 ]
}
@test "killed in the middle of a long talk, a run goes on with all of it" {
  model_server '[{"turn": 3, "wait": 2500, "times": 1, "calls": [{"name": "crm__note", "arguments": {"n": 3}}]}, {"turn": 6, "content": "done"}, {"calls": [{"name": "crm__note", "arguments": {"n": 9}}]}]'
  ai_flow t '(:iterations (flow/step :agent :a {:connection :ai :objective "x" :tools {:steps [:crm/note]}}))' "$KEYS"
  breyta-run t.edn --connections conn.json --run-id r >/dev/null 2>&1 3>&- & run=$!
  until_ok grep -q '"n": 4,' log
  kill -9 $run; wait $run || :
  br resume r --connections conn.json; want 0 7
  is "$(sent -1 '.body.messages | length')" 14
  is "$(breyta-run show r --format json | jq -c '[.steps[] | select(.type == "llm") | .input["follow-up"] | length]')" '[0,2,4,6,8,10,12]'
  br replay r; [ "$st" = 0 ]
}
@test "tokens of a run: counted over its calls and agents, kept over a crash, an error with its limit; other steps go on" {
  model_server '[{"turn": 0, "when": "slow", "wait": 2500, "times": 1, "content": "late", "usage": [30, 10]}, {"content": "ok", "usage": [30, 10]}]'
  ai_flow t '(let [ask (fn [id p] (try (:content (flow/step :llm id {:connection :ai :prompt p})) (catch Exception e ((juxt :type :limit :max) (ex-data e)))))]
               [(ask :a "x") (:content (flow/step :agent :b {:connection :ai :objective "y"})) (ask :c "slow") (ask :d "z") (:success (flow/step :kv :k {:operation :set :key "k" :value 1}))])'
  run_ai t --run-id free; want 0 '["ok" "ok" "late" "ok" true]'
  br show free; [[ $out = *"usage     120 tokens in, 40 out by 4 calls, 7.0E-4 USD"* ]] || { echo "$out"; false; }
  model_server "$(cat script.json)"; : > log
  breyta-run t.edn --connections conn.json --run-id r --limit llm-tokens-per-run=120 >/dev/null 2>&1 3>&- & run=$!
  until_ok grep -q '"n": 3,' log
  kill -9 $run; wait $run || :
  br resume r --connections conn.json --limit llm-tokens-per-run=120
  want 0 '["ok" "ok" "ok" [:limit "llm-tokens-per-run" 120] true]'
  br replay r; [ "$st" = 0 ]
  run_ai t --profile hosted; want 0 '["ok" "ok" "ok" "ok" true]'
  ai_flow t '(try (flow/step :agent :a {:connection :ai :objective "x" :tools {:steps [:crm/note]}}) (catch Exception e ((juxt :type :limit) (ex-data e))))' "$KEYS"
  model_server '[{"calls": [{"name": "crm__note", "arguments": {"n": 1}}], "usage": [40000, 20000]}]'; : > log
  run_ai t --limit llm-tokens-per-run=100000; want 0 '[:limit "llm-tokens-per-run"]'; is "$(wc -l < log)" 2
  ai_flow t '(try (flow/step :llm :a {:connection :ai :prompt "x" :output {:schema [:map [:a :int]] :repair false}}) (catch Exception e (try (flow/step :llm :b {:connection :ai :prompt "x"}) (catch Exception e (:limit (ex-data e))))))'
  model_server '[{"content": "no JSON", "usage": [10, 10]}]'
  run_ai t --limit llm-tokens-per-run=20; want 0 '"llm-tokens-per-run"'
}
@test "limits of agents: agent-iterations, agent-tool-calls; llm-answer-tokens; a persisted answer counts" {
  model_server '[{"content": "ok", "usage": [5, 5]}]'
  ai_flow t '(try (:content (flow/step :agent :a {:connection :ai :objective "x" :max-iterations (+ 1 2) :max-tool-calls (+ 4 1)})) (catch Exception e (:type (ex-data e))))'
  run_ai t; want 0 '"ok"'
  run_ai t --limit agent-iterations=2; want 0 :validation
  run_ai t --limit agent-tool-calls=4; want 0 :validation
  ai_flow t '(try (:content (flow/step :agent :a {:connection :ai :objective "x" :max-iterations (+ 1 100)})) (catch Exception e (:type (ex-data e))))'
  run_ai t; want 0 :validation
  run_ai t --run-id r --limit agent-iterations=101; want 0 '"ok"'
  br replay r; [ "$st" = 0 ]
  sed -i 's/"model": "gpt-x",/"model": "gpt-x", "platform-key": true,/' conn.json
  ai_flow t '(:content (flow/step :llm :a {:connection :ai :prompt "x" :max-tokens 50}))'
  run_ai t --limit llm-answer-tokens=20; is "$(sent -1 .body.max_completion_tokens)" 20
  ai_flow t '(do (flow/step :llm :a {:connection :ai :prompt "x" :persist {:type :blob}}) (try (flow/step :llm :b {:connection :ai :prompt "x"}) (catch Exception e (:limit (ex-data e)))))'
  run_ai t --limit llm-tokens-per-run=10; want 0 '"llm-tokens-per-run"'
}
@test "tokens of the platform's key have a limit of the hosted profile, the author's own do not count for it" {
  model_server '[{"content": "ok", "usage": [40000, 20000]}]'
  ai_flow t '(let [ask (fn [id conn] (try (:content (flow/step :llm id {:connection conn :prompt "x"})) (catch Exception e ((juxt :type :limit :max) (ex-data e)))))]
               [(ask :a :ai) (ask :b :ai) (ask :c :compat) (ask :d :compat) (ask :e :compat) (ask :f :ai)])'
  run_ai t --profile hosted; want 0 '["ok" "ok" "ok" "ok" "ok" "ok"]' # 360,000 of the author's own
  sed -i 's/"model": "gpt-x",/"model": "gpt-x", "platform-key": true,/' conn.json
  run_ai t; want 0 '["ok" "ok" "ok" "ok" "ok" "ok"]'
  run_ai t --profile hosted --run-id r; want 0 '["ok" "ok" "ok" "ok" "ok" [:limit "platform-tokens-per-run" 100000]]'
  br replay r; [ "$st" = 0 ]
  run_ai t --limit platform-tokens-per-run=50000; want 0 '["ok" [:limit "platform-tokens-per-run" 50000] "ok" "ok" "ok" [:limit "platform-tokens-per-run" 50000]]'
  ai_flow t '(:usage (flow/step :agent :a {:connection :ai :objective "y"}))'
  run_ai t; [[ $out = *":platform-tokens 60000"* ]]
  ai_flow t '(:usage (flow/step :llm :a {:connection :compat :prompt "y"}))'
  run_ai t; [[ $out = *":total-tokens 60000"* ]]; [[ $out != *platform* ]]
  br help limits; [[ $out = *"With --profile hosted"*"platform-tokens-per-run "*"Only when set by --limit"*"llm-tokens-per-run "* ]]
}
