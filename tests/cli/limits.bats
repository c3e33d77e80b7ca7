load help

echo_server() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
}
over() { # over FLOW LIMIT MAX [ARGS]: the run fails at that limit
  br "$1.edn" "${@:4}"
  [ "$st" = 1 ]; says "breyta-run help limits"; says "--limit NAME=N"
}
caught() { # caught BODY: a flow whose value is the error's :type, :limit and :max
  flow t "(try $1 (catch Exception e ((juxt :type :limit :max) (ex-data e))))" "${2:-}"
}

@test "limits: the table is printed; wrong names, numbers and profiles are refused" {
  br help limits; want 0 "$out"
  for n in result-bytes kv-value-bytes http-response-bytes call-depth fanout-width steps-per-run run-seconds declared-steps; do [[ $out = *" $n "* ]]; done
  flow t 1
  br t.edn --limit result-bytes; want 2 ""; says "write NAME=N"
  br t.edn --limit nosuch=3; want 2 ""; says "there is no limit nosuch"
  for v in 0 -1 x 1x "" 99999999999999999999; do br t.edn --limit "result-bytes=$v"; want 2 ""; says "from 1 to 67108864"; done
  br t.edn --profile cloud; want 2 ""; says "there are the profiles local and hosted"
  br t.edn --profile hosted --limit steps-per-run=3; want 0 1
}
@test "limits: result-bytes and kv-value-bytes" {
  caught "(count (:s (flow/step :function :f {:code '(fn [x] {:s (apply str (repeat 3000 \"x\"))}) :input {}})))"
  br t.edn; want 0 3000
  br t.edn --limit result-bytes=2000; want 0 '[:oversize "result-bytes" 2000]'
  caught "(flow/step :function :f {:code '(fn [x] (apply str (repeat 1200000 \"x\"))) :input {}})"
  br t.edn; want 0 '[:oversize "result-bytes" 1048576]'
  flow t "(count (flow/step :function :f {:code '(fn [x] (apply str (repeat 1200000 \"x\"))) :input {}}))"
  br t.edn --limit result-bytes=2000000; want 0 1200000
  caught "(:success (flow/step :kv :k {:operation :set :key \"k\" :value (vec (range 1000))}))"
  br t.edn; want 0 true
  br t.edn --limit kv-value-bytes=500; want 0 '[:oversize "kv-value-bytes" 500]'
}
@test "limits: kv-ttl-seconds, poll-attempts, poll-seconds, wait-seconds say the value they have" {
  flow t '(flow/step :kv :k {:operation :set :key "k" :value 1 :ttl 100})'
  br t.edn; [ "$st" = 0 ]
  br t.edn --limit kv-ttl-seconds=99; [ "$st" = 1 ]; says "from 1 to 99"
  flow p '(flow/poll {:interval "1ms" :timeout "10s" :max-attempts 101 :return-on :ok} {:ok true})'
  br p.edn; [ "$st" = 2 ]; says "from 1 to 100"
  br p.edn --limit poll-attempts=101; [ "$st" = 0 ]
  br p.edn --limit poll-attempts=101 --limit poll-seconds=9; [ "$st" = 2 ]; says "at most 9s"
  flow w '(flow/step :wait :w {:key "k" :timeout "2d"})'
  br w.edn --limit wait-seconds=86400; [ "$st" != 3 ]; says "at most 1 days"; [ "$st" = 2 ]
  br w.edn; [ "$st" = 3 ]
}
@test "limits: http-response-bytes, unless the step says otherwise" {
  echo_server
  caught "(count (:body (flow/step :http :g {:url \"http://127.0.0.1:$PORT/big?bytes=5000\" :response-as :text})))"
  br t.edn; want 0 5000
  br t.edn --limit http-response-bytes=4000; [[ $out = "[:oversize "* ]]
  flow u "(count (:body (flow/step :http :g {:url \"http://127.0.0.1:$PORT/big?bytes=5000\" :response-as :text :client-opts {:max-response-bytes 6000}})))"
  br u.edn --limit http-response-bytes=4000; want 0 5000
}
@test "limits: call-depth, fanout-width, fanout-concurrency, fanouts-per-run, fanout-items-per-run" {
  mkdir flows
  cd flows; flow child '(:n (flow/input))'; cd ..
  caught '(flow/call-flow :c {:flow-slug "child" :input {:n 3}})'
  br t.edn --flows flows; want 0 3
  cd flows; flow mid '(flow/call-flow :c {:flow-slug "child" :input {:n 4}})'; cd ..
  caught '(flow/call-flow :m {:flow-slug "mid" :input {}})'
  br t.edn --flows flows; want 0 4
  br t.edn --flows flows --limit call-depth=1; [[ $out = "[:child-failed "* ]]
  items() { echo "(mapv (fn [i] {:type :call-flow :flow-slug \"child\" :input {:n i}}) (range $1))"; }
  caught "(mapv :result (:items (flow/step :fanout :f {:items $(items 3)})))"
  br t.edn --flows flows; want 0 '[0 1 2]'
  br t.edn --flows flows --limit fanout-width=2; [[ $out = "[:validation "* ]]
  br t.edn --flows flows --limit fanout-items-per-run=2; want 0 '[:limit "fanout-items-per-run" 2]'
  caught "(do (flow/step :fanout :f {:items $(items 1)}) (count (:items (flow/step :fanout :g {:items $(items 1)}))))"
  br t.edn --flows flows; want 0 1
  br t.edn --flows flows --limit fanouts-per-run=1; want 0 '[:limit "fanouts-per-run" 1]'
  caught "(count (:items (flow/step :fanout :g {:max-concurrency 3 :items $(items 3)})))"
  br t.edn --flows flows; want 0 3
  br t.edn --flows flows --limit fanout-concurrency=2; [[ $out = "[:validation "* ]]
}
@test "limits: db-rows" {
  python3 -c 'import sqlite3; c=sqlite3.connect("s.db"); c.execute("create table t(x)"); c.executemany("insert into t values(?)", [(i,) for i in range(20)]); c.commit()'
  flow t '(try (count (do (flow/step :db :q {:connection :db :sql "select x from t"}))) (catch Exception e (:type (ex-data e))))'
  sed -i 's|^ :functions|:requires [{:slot :db :type :database :label "D"}] :functions|' t.edn
  echo "{:connections {:db {:type :database :backend :sqlite :config {:path \"$PWD/s.db\"}}}}" > c.edn
  br t.edn --connections c.edn; want 0 20
  br t.edn --connections c.edn --limit db-rows=10; want 0 :oversize
}
@test "limits: run-memory-bytes" {
  flow t '(count (mapv str (range 800000)))'
  br t.edn; want 0 800000
  br t.edn --limit run-memory-bytes=20000000; [ "$st" = 1 ]
}
@test "limits: steps-per-run, http-requests-per-run, child-calls-per-run are off until they are set or the profile is hosted; replay takes the same" {
  echo_server
  caught "(loop [i 0] (if (< i 6) (do (flow/step :function :f {:code '(fn [x] x) :input {:i i}}) (recur (inc i))) i))"
  br t.edn; want 0 6
  br t.edn --limit steps-per-run=5 --run-id five; want 0 '[:limit "steps-per-run" 5]'
  br replay five --limit steps-per-run=5; [ "$st" = 0 ]
  br t.edn --limit steps-per-run=6; want 0 6
  caught "(loop [i 0] (if (< i 51) (do (flow/step :http :h {:url \"http://127.0.0.1:$PORT/status/200\"}) (recur (inc i))) i))"
  br t.edn --limit http-requests-per-run=3; want 0 '[:limit "http-requests-per-run" 3]'
  br t.edn --profile hosted; want 0 '[:limit "http-requests-per-run" 50]'
  br t.edn --profile hosted --limit http-requests-per-run=60; want 0 51
  mkdir flows; cd flows; flow child 1; cd ..
  caught '(do (flow/call-flow :c {:flow-slug "child" :input {}}) (flow/call-flow :d {:flow-slug "child" :input {}}))'
  br t.edn --flows flows; want 0 1
  br t.edn --flows flows --limit child-calls-per-run=1; want 0 '[:limit "child-calls-per-run" 1]'
}
@test "limits: run-seconds" {
  caught "(do (flow/step :sleep :s {:millis 2100}) (flow/step :function :f {:code '(fn [x] 7) :input {}}))"
  br t.edn --limit run-seconds=1; want 0 '[:limit "run-seconds" 1]'
  br t.edn --limit run-seconds=100; want 0 7
}
@test "limits: flow-bytes, templates-bytes, functions-bytes, declared-steps refuse the definition" {
  flow t '(flow/step :function :f {:ref :big :input {}})' "{:id :big :language :clojure :code (quote (fn [x] \"$(printf '%5000s' | tr ' ' x)\"))}"
  br lint t.edn; [[ $out != *limit* ]]
  br t.edn --limit functions-bytes=4000; want 2 ""; says "flow_part_limit"; says "limit functions-bytes"
  br t.edn --limit functions-bytes=6000; [ "$st" = 0 ]
  br t.edn --limit flow-bytes=100; want 2 ""; says "error [flow_size_limit]"
  br t.edn --limit flow-bytes=5000; [ "$st" = 0 ]
  flow u '1'
  sed -i "s|^ :functions|:templates [{:id :a :type :llm-prompt :prompt \"$(printf '%3000s' | tr ' ' x)\"}] :functions|" u.edn
  br u.edn; [ "$st" = 0 ]
  br u.edn --limit templates-bytes=2000; want 2 ""; says "limit templates-bytes"
  steps=$(for i in 1 2 3; do echo "{:id :p/s$i :type :function :defaults {:code (quote (fn [x] x))}}"; done)
  sed "s|^ :templates.*:functions|:steps [${steps//$'\n'/ }] :functions|; s|^:templates.*:functions|:steps [${steps//$'\n'/ }] :functions|" u.edn > v.edn
  br v.edn; [ "$st" = 0 ] || { echo "$err"; false; }
  br v.edn --limit declared-steps=2; want 2 ""; says "error [declared_steps_limit]"
}
@test "limits: kv-key-chars, kv-append-items, kv-list-keys" {
  caught '(:success (flow/step :kv :k {:operation :set :key "abcdefghij" :value 1}))'
  br t.edn; want 0 true
  br t.edn --limit kv-key-chars=9; [[ $out = "[:validation "* ]]
  caught "(:success (flow/step :kv :k {:operation :set :key (apply str (repeat 1024 \"k\")) :value 1}))"
  br t.edn; [[ $out = "[:validation "* ]]
  br t.edn --limit kv-key-chars=1024; want 0 true
  caught '(do (flow/step :kv :a {:operation :append :key "l" :items (vec (range 7))}) (:count (flow/step :kv :b {:operation :append :key "l" :item 8})))'
  br t.edn; want 0 8
  br t.edn --limit kv-append-items=3; want 0 3
  caught '(:count (flow/step :kv :b {:operation :append :key "m" :item 8 :max-length (+ 3 1)}))'
  br t.edn --limit kv-append-items=3; [[ $out = "[:validation "* ]]
  caught '(:count (flow/step :kv :b {:operation :append :key "m" :items (vec (range 1500)) :max-length (+ 1500 0)}))'
  br t.edn; [[ $out = "[:validation "* ]]
  br t.edn --limit kv-append-items=2000; want 0 1500
  caught '(count (:keys (flow/step :kv :b {:operation :list-keys})))'
  br t.edn --limit kv-list-keys=1; want 0 1
  caught '(count (:keys (flow/step :kv :b {:operation :list-keys :limit (+ 1 1)})))'
  br t.edn --limit kv-list-keys=1; [[ $out = "[:validation "* ]]
}
@test "limits: search-results, search-hydrate-hits, search-hydrate-chars" {
  caught '(:count (flow/step :search :s {:query "x" :limit (+ 4 1) :hydrate {:top-k (+ 2 1) :max-chars (+ 20 1)}}))'
  br t.edn; want 0 0
  for l in search-results=4 search-hydrate-hits=2 search-hydrate-chars=20; do br t.edn --limit $l; [[ $out = "[:validation "* ]]; done
  caught '(:count (flow/step :search :s {:query "x" :limit (+ 20 1)}))'
  br t.edn; [[ $out = "[:validation "* ]]
  br t.edn --limit search-results=21; want 0 0
}
@test "limits: notify-bytes" {
  echo_server
  caught "(select-keys (first (:errors (flow/step :notify :n {:channels {:http {:url \"http://127.0.0.1:$PORT/keep\" :json {:a (apply str (repeat 500 \"x\"))}}}}))) [:type])"
  br t.edn; want 0 '{}'
  br t.edn --limit notify-bytes=400; want 0 '{:type :oversize}'
}
@test "limits: what a run has used is kept with it: a killed process starts no new count" {
  echo_server
  flow t "(loop [i 0 done []]
            (if (< i 5)
              (recur (inc i) (conj done (try (do (flow/step :http :h {:url (str \"http://127.0.0.1:$PORT/count?key=k&ms=\" (if (= 2 i) 700 0))}) :ok)
                                             (catch Exception e (:limit (ex-data e))))))
              (conj done (flow/step :function :f {:code '(fn [x] :end) :input {}}))))"
  breyta-run t.edn --run-id r --limit http-requests-per-run=4 >/dev/null 2>&1 3>&- & run=$!
  until_ok eval 'curl -s "http://127.0.0.1:$PORT/counts" | jq -e ".k == 3" >/dev/null'
  kill -9 $run; wait $run || :
  br resume r --limit http-requests-per-run=4; want 0 '[:ok :ok :ok :ok "http-requests-per-run" :end]'
  br replay r; [ "$st" = 0 ]
  flow t "(do (flow/step :sleep :s {:millis 1500}) (flow/step :function :a {:code '(fn [x] 1) :input {}}) (flow/step :function :b {:code '(fn [x] 2) :input {}}))"
  breyta-run t.edn --run-id s --limit steps-per-run=2 >/dev/null 2>&1 3>&- & run=$!
  until_ok eval 'breyta-run show s --format json 2>/dev/null | jq -e ".steps | length == 1" >/dev/null'
  kill -9 $run; wait $run || :
  br resume s --limit steps-per-run=2; [ "$st" = 1 ]; says "over the limit steps-per-run"
}
