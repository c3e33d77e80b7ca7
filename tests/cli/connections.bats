load help

echo_server() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
}
# A flow with two slots, and a body.
slots() {
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :api :type :http-api :label "API" :base-url "http://127.0.0.1:$PORT/" :auth {:type :bearer}}
            {:slot :open :type :http-api :label "Open" :base-url "http://127.0.0.1:$PORT/echo" :auth {:type :none}}
            {:slot :maybe :type :http-api :label "Maybe" :optional true :base-url "https://nowhere.invalid" :auth {:type :bearer}}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote $2)}
FLOW
}

@test "a bound connection: base URL, bearer secret; what the server echoes of it is cut out; nothing of it is at rest" {
  echo_server
  slots c '(let [r (flow/step :http :get {:connection :api :path "/echo" :query {:q 1}})]
             [(:path (:body r)) (:query (:body r)) (:authorization (:headers (:body r)))
              (flow/slot-bound? :api) (flow/slot-bound? :open) (flow/slot-bound? :maybe)])'
  export CANARY=canary-$RANDOM-sesame-77
  cat > conn.json <<JSON
{"connections": {"api": {"type": "http-api", "config": {"auth": {"type": "bearer", "secret-ref": "tok"}}}}, "secrets": {"tok": {"env": "CANARY"}}}
JSON
  br c.edn --connections conn.json --run-id r
  want 0 '["/echo" {:q ["1"]} "Bearer #secret[tok]" true true false]'
  br show r; [[ $out != *canary-* ]]
  br replay r; [ "$st" = 0 ]
  [ -z "$(grep -rl -- "$CANARY" .breyta)" ]
}
@test "api-key in a header and in the query, basic, a file as source, errors without the value" {
  echo_server
  slots c '[(:key (:query (:body (flow/step :http :q {:connection :open :auth {:type :api-key :secret-ref :k :query "key"}}))))
            (:x-token (:headers (:body (flow/step :http :h {:connection :open :auth {:type :api-key :secret-ref :k :header "X-Token" :prefix "T "}}))))
            (:authorization (:headers (:body (flow/step :http :b {:connection :open :auth {:type :basic :username "ann" :secret-ref :k}}))))
            (try (flow/step :http :e {:url "http://127.0.0.1:'"$PORT"'/status/401?body=denied" :auth {:type :bearer :secret-ref :k}})
                 (catch Exception e (:body (ex-data e))))]'
  printf 'canary-9999\n' > key.txt
  echo '{:connections {} :secrets {:k {:file "key.txt"}}}' > conn.edn
  br c.edn --connections conn.edn
  [ "$st" = 0 ]
  [ "$out" = '[["#secret[k]"] "T #secret[k]" "Basic #secret[k]" "denied"]' ]
  [[ $out != *canary* ]]
  [ "$(grep -rlE "canary-9999|$(printf ann:canary-9999 | base64)" .breyta | wc -l)" = 0 ]
}
@test "what is not bound says so, before anything is sent" {
  echo_server
  slots c '(flow/step :http :get {:connection :api})'
  br c.edn; [ "$st" = 1 ]; says "missing-binding"; says "--connections FILE"
  echo '{"secrets": {"tok": {"env": "NO_SUCH_VARIABLE"}}, "connections": {"api": {"type": "http-api", "config": {"auth": {"type": "bearer", "secret-ref": "tok"}}}}}' > conn.json
  br c.edn --connections conn.json; [ "$st" = 1 ]; says "NO_SUCH_VARIABLE"
  echo '{"connections": {"api": {"type": "http-api", "config": {"auth": {"type": "bearer", "secret-ref": "gone"}}}}}' > conn.json
  br c.edn --connections conn.json; [ "$st" = 1 ]; says "missing-binding"; says "no secret gone"
}
@test "a connections file that is wrong is refused with every problem, and never with a value" {
  flow t 1
  echo '{"connections": {"a": {"type": "ftp"}, "b": 3}, "secrets": {"s": {"envy": "canary-1"}}, "more": 1}' > conn.json
  br t.edn --connections conn.json
  [ "$st" = 2 ]; says "connection a"; says "connection b"; says "secret s"; says "field more"
  [[ $err != *canary* ]]
  br t.edn --connections nofile.json; [ "$st" = 2 ]; says "nofile.json"
  printf '{"connections": ' > conn.json
  br t.edn --connections conn.json; [ "$st" = 2 ]; says "conn.json: 1:"
}
