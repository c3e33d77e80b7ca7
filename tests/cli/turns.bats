load help
# The turns of http_turn.h: whatever family sends, one gate for a connection with limits of its own, and one for a host.

server() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
  U=http://127.0.0.1:$PORT
}
# turns BODY CONFIG: a flow t of many runs, and its connection :api
turns() {
  cat > t.edn <<FLOW
{:slug :t :name "t" :concurrency {:type :keyed :key-field :k :on-new-version :coexist}
 :requires [{:slot :api :type :http-api :label "A" :base-url "$U" :auth {:type :none}}]
 :invocations {:default {:label "Run" :inputs [{:name :k :type :number}]}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote $1)}
FLOW
  cat > conn.json <<JSON
{"connections": {"api": {"type": "http-api", "backend": "openai-compatible", "config": {"base-url": "$U/busy", "model": "m", "query": {"ms": "150"} $2}}}}
JSON
}
starts() { for i in $(seq "$1"); do br t.edn --detach --connections conn.json --input "{\"k\": $i}"; [ "$st" = 3 ] || { echo "$err" >&2; return 1; }; done; }
busiest() { curl -s "$U/busiest" | python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
ASK='(try (flow/step :llm :a {:connection :api :prompt "x"}) (catch Exception e (:type (ex-data e))))'
TELL='(flow/step :notify :n {:channels {:http {:connection :api :json {:a 1}}}})'
GET='(flow/step :http :h {:connection :api :path "/x"})'

@test "one gate for :llm, :notify and :http of a connection: how many at a time" {
  server
  turns "(case (int (mod (:k (flow/input)) 3)) 0 $ASK 1 $TELL $GET)" ', "max-concurrent": 2'
  starts 9
  br resume --connections conn.json --progress; [ "$st" = 0 ] || { echo "$err"; false; }
  says 'http: 9 requests'; says '7 waited for their turn'
  [ "$(busiest 'd["max"]')" = 2 ]
}
@test "how many in a time, for :llm and :notify; a wrong limit is an error of the step" {
  server
  turns "(do $ASK $TELL $ASK)" ', "rate-limit": {"requests": 1, "per": "500ms"}'
  br t.edn --connections conn.json --input '{"k": 1}'; [ "$st" = 0 ]
  [ "$(busiest 'len(d["starts"]) == 3 and all(b - a > 0.35 for a, b in zip(d["starts"], d["starts"][1:]))')" = True ]
  turns "(try (flow/step :llm :a {:connection :api :prompt \"x\"}) (catch Exception e (:message (ex-data e))))" ', "max-concurrent": 0'
  br t.edn --connections conn.json --input '{"k": 1}'; [[ $out = *":max-concurrent is an integer from 1 to 10000"* ]]
  turns "(:message (first (:errors $TELL)))" ', "rate-limit": 5'
  br t.edn --connections conn.json --input '{"k": 1}'; [[ $out = *":rate-limit is a map such as"* ]]
}
@test "who waits for a turn and is cancelled is not sent" {
  server
  for body in "$ASK" "$TELL"; do
    curl -s "$U/reset" >/dev/null
    turns "$body" ', "rate-limit": {"requests": 1, "per": "24h"}'
    rm -rf .breyta; starts 2
    breyta-run resume --connections conn.json --progress >out.txt 2>err.txt 3>&- & run=$!
    until_ok eval '[ "$(busiest "len(d[\"starts\"])")" = 1 ]'
    until_ok eval 'breyta-run runs --format json | jq -e "map(select(.status == \"completed\")) | length == 1" >/dev/null'
    id=$(breyta-run runs --format json | jq -r '.[] | select(.status == "running") | ."run-id"')
    br cancel "$id"; [ "$st" = 0 ]
    wait $run || :
    br show "$id"; [[ $out = *cancelled* ]]
    [ "$(busiest 'len(d["starts"])')" = 1 ]
  done
}
