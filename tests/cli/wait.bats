load help
# :wait over HTTP, by event, by links: every option's effect and a wrong value. Requests are real, loopback only.

# serve FLOW RUN-ID [OPTIONS]: in the background, with --listen; $PORT
serve() {
  local f=$1 id=$2
  shift 2
  breyta-run "$f" --run-id "$id" --listen 127.0.0.1:0 "$@" > "$id.out" 2> "$id.err" 3>&- &
  echo $! > pid
  PID=$!
  until_ok grep -q '^listening' "$id.err"
  PORT=$(sed -n 's/.*127.0.0.1:\([0-9]*\).*/\1/p' "$id.err" | head -1)
  until_ok waiting "$id"
}
waiting() { breyta-run show "$1" 2>/dev/null | grep -q 'waits for an answer'; }
ended() { # RUN-ID STATUS VALUE
  local st=0
  wait "$PID" || st=$?
  rm -f pid
  [ "$st" = "$2" ] && [ "$(cat "$1.out")" = "$3" ] && return
  printf 'status %s wanted %s\nvalue %s\nwanted %s\n' "$st" "$2" "$(cat "$1.out")" "$3" >&2; cat "$1.err" >&2
  return 1
}
post() { # PATH BODY [CURL OPTIONS]: $code, $body
  local p=$1 d=$2
  shift 2
  code=$(curl -s -o reply -w '%{http_code}' -H "Content-Type: ${CT:-application/json}" -X POST --data-binary "$d" "$@" "http://127.0.0.1:$PORT$p")
  body=$(cat reply)
}
got() { # CODE TEXT
  [ "$code" = "$1" ] && [[ $body = *"$2"* ]] && return
  printf 'HTTP %s, wanted %s: %s\n' "$code" "$1" "$body" >&2
  return 1
}
secrets() { echo '{"secrets": {"k": "s3cret-value", "pw": "pass-word-1"}}' > conn.json; }
hmac() { printf '%s' "$1" | openssl dgst -sha256 -hmac s3cret-value -binary | base64 -w0; }
mail_server() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" --log mail.log > ready 3>&- & echo $! > mailpid
  read -r _ MAIL < ready
}
teardown() {
  for p in pid mailpid; do [ ! -f "$DIR/$p" ] || kill -KILL "$(cat "$DIR/$p")" 2>/dev/null || :; done
  rm -rf "$DIR"
}

@test ":webhook :auth: the right secret answers, the wrong one is refused and the wait stays; a duplicate changes nothing" {
  secrets
  flow w '(flow/step :wait :cb {:key "order-1" :webhook {:auth {:type :hmac-sha256 :secret-ref :k}}})'
  serve w.edn r --connections conn.json
  post /local/events/order-1 '{"n":1}'; got 401 unauthorized
  post /local/events/order-1 '{"n":1}' -H "X-Signature: $(hmac '{"n":2}')"; got 401 signature
  post /local/events/order-1 'no json' -H "X-Signature: $(hmac 'no json')"; got 400 bad_request
  br show r; [[ $out = *"auth :hmac-sha256"* ]]; [[ $out != *INSECURE* ]]
  post /local/events/order-1 '{"n":1}' -H "X-Signature: $(hmac '{"n":1}')"; got 200 delivered
  ended r 0 '{:n 1}'
  flow w2 '(flow/step :sleep :s {:seconds 60})'
  breyta-run w2.edn --run-id r2 --listen 127.0.0.1:0 > r2.out 2> r2.err 3>&- & echo $! > pid
  until_ok grep -q '^listening' r2.err
  PORT=$(sed -n 's/.*127.0.0.1:\([0-9]*\).*/\1/p' r2.err)
  post /local/events/order-1 '{"n":3}'; got 200 duplicate; [[ $body = *'"recorded":"answered"'* ]]
  if grep -rq s3cret-value .breyta; then false; fi
}
@test ":webhook :auth :api-key, :bearer, :basic, :ip-allowlist" {
  secrets
  flow w '(mapv (fn [[k auth]] (flow/step :wait :cb {:key k :webhook {:auth auth}}))
            [["a" {:type :api-key :secret-ref :k}] ["q" {:type :api-key :secret-ref :k :location :query}] ["b" {:type :bearer :secret-ref :k}]
             ["u" {:type :basic :username "ann" :secret-ref :pw}] ["i" {:type :ip-allowlist :allow ["203.0.113.0/24"]}]])'
  serve w.edn r --connections conn.json
  until_ok eval 'post /local/events/a "[1]" -H "X-API-Key: s3cret-value"; [ $code = 200 ]'
  until_ok eval 'breyta-run show r | grep -q "key \"q\""'
  post /local/events/q '[2]' -H 'X-API-Key: s3cret-value'; got 401 query
  post '/local/events/q?token=s3cret-value' '[2]'; got 200 delivered
  until_ok eval 'breyta-run show r | grep -q "key \"b\""'
  post /local/events/b '[3]' -H 'Authorization: Bearer wrong'; got 401 Bearer
  post /local/events/b '[3]' -H 'Authorization: Bearer s3cret-value'; got 200 delivered
  until_ok eval 'breyta-run show r | grep -q "key \"u\""'
  post /local/events/u '[4]' -u bob:pass-word-1; got 401 Basic
  post /local/events/u '[4]' -u ann:pass-word-1; got 200 delivered
  until_ok eval 'breyta-run show r | grep -q "key \"i\""'
  post /local/events/i '[5]'; got 401 address
  post /local/events/i '[5]' -H 'X-Forwarded-For: 203.0.113.9'; got 200 delivered
  ended r 0 '[[1] [2] [3] [4] [5]]'
}
@test "a signed request is used once: its replay at the next wait is refused, also by another process" {
  secrets
  flow w '[(flow/step :wait :one {:key "k" :webhook {:auth {:type :signature :algo :hmac-sha256 :secret-ref :k :timestamp-header "X-T"}}})
           (flow/step :wait :two {:key "k" :webhook {:auth {:type :signature :algo :hmac-sha256 :secret-ref :k :timestamp-header "X-T"}}})]'
  serve w.edn r --connections conn.json
  t=$(date +%s) old=$(($(date +%s) - 400))
  post /local/events/k '{"n":1}' -H "X-T: $old" -H "X-Signature: $(hmac "$old"'{"n":1}')"; got 401 timestamp
  first=(-H "X-T: $t" -H "X-Signature: $(hmac "$t"'{"n":1}')")
  post /local/events/k '{"n":1}' "${first[@]}"; got 200 delivered
  until_ok eval 'breyta-run show r | grep -q "step :two waits"'
  post /local/events/k '{"n":1}' "${first[@]}"; got 409 webhook_replay
  kill -TERM $PID; wait $PID || :
  : > r.err # or the address of before is read
  breyta-run resume r --listen 127.0.0.1:0 --connections conn.json > r.out 2> r.err 3>&- & PID=$!; echo $PID > pid
  until_ok grep -q '^listening' r.err
  PORT=$(sed -n 's/.*127.0.0.1:\([0-9]*\).*/\1/p' r.err | head -1)
  post /local/events/k '{"n":1}' "${first[@]}"; got 409 webhook_replay
  post /local/events/k '{"n":2}' -H "X-T: $t" -H "X-Signature: $(hmac "$t"'{"n":2}')"; got 200 delivered
  ended r 0 '[{:n 1} {:n 2}]'
}
@test ":webhook :path in place of the key; bodies as forms and as text" {
  flow w '[(flow/step :wait :a {:key "k" :webhook {:path "hooks/in" :auth {:type :none}}}) (flow/step :wait :b {:key "t" :webhook {:auth {:type :none}}})]'
  serve w.edn r
  br show r; [[ $out = *INSECURE* ]]; [[ $out = *"/local/events/hooks/in"* ]]
  post /local/events/k '{}'; got 403 links_only
  CT=application/x-www-form-urlencoded post /local/events/hooks/in 'a=1&b=x+y%21&c'; got 200 delivered
  until_ok eval 'breyta-run show r | grep -q "step :b waits"'
  post /local/events/hooks/in '{}'; got 200 duplicate
  CT=text/plain post /local/events/t 'plain words'; got 200 delivered
  ended r 0 '[{:a "1", :b "x y!", :c ""} "plain words"]'
}
@test "early requests: kept, tried in order against the auth of the wait, the first that verifies wins" {
  secrets
  flow w '(do (flow/step :wait :go {:key "go"}) (flow/step :wait :cb {:key "late" :webhook {:auth {:type :bearer :secret-ref :k}}}))'
  serve w.edn r --connections conn.json
  post /local/events/late '{"n":1}' -H 'Authorization: Bearer wrong'; got 202 kept
  post /local/events/late '{"n":2}' -H 'Authorization: Bearer s3cret-value'; got 202 kept
  post /local/events/late '{"n":3}' -H 'Authorization: Bearer s3cret-value'; got 202 kept
  post /local/events/go '{}'; got 200 delivered
  ended r 0 '{:n 2}'
}
@test "concurrent answers: exactly one resumes the run" {
  flow w '(do (flow/step :wait :cb {:key "k"}) (flow/step :wait :end {:key "end"}))'
  serve w.edn r
  pids=
  for i in $(seq 20); do
    curl -s -o "c$i" -X POST -d "{\"n\":$i}" "http://127.0.0.1:$PORT/local/events/k" 3>&- & pids="$pids $!"
  done
  wait $pids
  [ "$(cat c? c?? | grep -o '"delivered"' | wc -l)" = 1 ]
  [ "$(cat c? c?? | grep -o '"duplicate"' | wc -l)" = 19 ]
  post /local/events/end 1; got 200 delivered
  ended r 0 1
}
@test ":event: the wait whose key is in the event; by send --event and by POST; before anybody waits" {
  flow w '[(flow/step :wait :paid {:key "A-7" :event {:name "order.paid" :key {:path [:order :id]}}})
           (flow/step :wait :num {:key "42" :event {:name :shipped :key {:path [:id]}}})]'
  br w.edn --run-id r; want 3 ""; says "send --event 'order.paid'"
  br send --event order.paid '{"order": {"id": "A-8"}}'; want 0 ""; says "no run waits for this event"
  br send --event other '{"order": {"id": "A-7"}}'; want 0 ""; says "no run waits"
  br send --event order.paid '{"order": {"id": "A-7"}, "sum": 3}'; want 0 ""; says "recorded for run r"
  br resume r; want 3 ""
  br send --event shipped '{"id": 42}'; want 0 ""; says "recorded for run r"
  br resume r; want 0 '[{:order {:id "A-7"}, :sum 3} {:id 42}]'
  flow e '(flow/step :wait :paid {:key "A-8" :event {:name "order.paid" :key {:path [:order :id]}}})'
  br e.edn; want 0 '{:order {:id "A-8"}}'
  flow h '(flow/step :wait :paid {:key "B-1" :event {:name "order.paid" :key {:path ["order" :id]}}})'
  serve h.edn h
  post /local/events/order.paid '{"order":{"id":"B-2"}}'; got 202 kept
  post /local/events/B-1 '{}'; got 403 links_only
  post /local/events/order.paid '{"order":{"id":"B-1"}}'; got 200 delivered
  ended h 0 '{:order {:id "B-1"}}'
  br send --event order.paid; want 2 ""; says "send --event takes one JSON value"
}
@test ":validation: an answer without its fields is refused, the wait stays" {
  flow w '(flow/step :wait :v {:key "k" :validation {:required [:amount [:customer :id]]}})'
  br w.edn --run-id r; want 3 ""; says "the answer must have: amount, customer.id"
  br send k '{"amount": 1}'; want 2 ""; says '"customer.id"'; says "it still waits"
  br send k '{"amount": " ", "customer": {"id": 1}}'; want 2 ""; says '"amount"'
  br approve r --value '{"customer": {"id": 1}}'; want 2 ""; says '"amount"'
  br resume r; want 3 ""
  br send k '{"amount": 0, "customer": {"id": false}}'; want 0 ""
  br resume r; want 0 '{:amount 0, :customer {:id false}}'
  br send k2 '{"amount": 5}'; want 0 ""
  br send k2 '{"amount": 5, "customer": {"id": 9}}'; want 0 ""; says "recorded already"
  flow x '(flow/step :wait :v {:key "k3" :validation {:required [:a]}})'
  serve x.edn x
  post /local/events/k3 '{"b":1}'; got 422 invalid_answer
  post /local/events/k3 '{"a":1}'; got 200 delivered
  ended x 0 '{:a 1}'
}
@test "an answer larger than a step's result is refused and the wait stays; with :persist it becomes a resource" {
  { printf '{"k": "k", "long": "'; head -c 1100000 /dev/zero | tr '\0' z; printf '"}'; } > big.json
  { printf '['; yes 1.5, | head -n 150000 | tr -d '\n'; printf '1]'; } > floats.json # 600,000 bytes that take over 1 MiB in a run
  flow t '(count (:long (flow/step :wait :w {:key "k" :timeout "1h" :event {:name "made" :key {:path [:k]}}})))'
  br t.edn --run-id r; want 3 ""
  br send --event made @big.json; want 2 ""; says "limit result-bytes"
  br send --event made @big.json --limit result-bytes=2000000; want 0 ""
  br resume r --limit result-bytes=2000000; want 0 1100000
  flow t2 '(count (flow/step :wait :w {:key "k2" :timeout "1h"}))'
  br t2.edn --run-id r2; want 3 ""
  br send k2 @floats.json; want 2 ""; says "limit result-bytes"
  st=0; breyta-run send k2 - <<< '[1, 2]' || st=$?
  [ "$st" = 0 ]
  br resume r2; want 0 2
  flow t3 '(:size-bytes (flow/step :wait :w {:key "k3" :timeout "1h" :persist {:type :blob}}))'
  serve t3.edn r3
  post /local/events/k3 @big.json; got 413 "the body is over 1 MiB"
  post /local/events/k3 @floats.json; got 200 delivered
  ended r3 0 600003
  flow t4 '(flow/step :wait :w {:key "k4" :timeout "1h"})'
  serve t4.edn r4
  post /local/events/k4 @floats.json; got 413 "limit result-bytes"
  post /local/events/k4 1; got 200 delivered
  ended r4 0 1
}
@test ":roles, --role and --by; a rejection needs no fields" {
  flow w '(flow/step :wait :v {:key "k" :roles [:manager "admin"] :validation {:required [:why]}})'
  br w.edn --run-id r; want 3 ""; says "for the roles: manager, admin"
  br approve r --role intern --value '{"why": "x"}'; want 2 ""; says "intern"; says "manager, admin"
  br approve r --role manager --by ann --value '{"why": "x"}'; want 0 ""
  br resume r; want 0 '{:why "x", :action :approve, :by "ann"}'
  br w.edn --run-id r2; want 3 ""
  br reject r2; want 0 ""
  br resume r2; want 0 "{:action :reject, :by \"$(id -un)\"}"
}
@test ":approvals: so many different people; one rejection ends it; :self-approval and :actions, and wrong values" {
  flow w '(flow/step :wait :v {:key "k" :approvals 2 :self-approval false :actions [:escalate]})'
  br w.edn --run-id r; want 3 ""; says "2 different people"
  br approve r --by ann; want 0 ""
  br resume r; want 3 ""
  br approve r --by ann; want 0 ""
  br resume r; want 3 ""
  br approve r --by bob --value '{"n": 1}'; want 0 ""
  br resume r; [ "$st" = 0 ]; [[ $out = '{:n 1, :action :approve, :by "bob", :decisions ['*'"ann"'*'"bob"'* ]]
  br w.edn --run-id r2; want 3 ""
  br approve r2 --by ann; br resume r2; want 3 ""
  br reject r2 --by bob; br resume r2; [ "$st" = 0 ]; [[ $out = '{:action :reject, :by "bob", :decisions ['* ]]
  flow w '(flow/step :wait :v {:key "k" :approvals 0})'; br w.edn; [ "$st" = 1 ]; says ":approvals"; says "1 to 100"
  flow w '(flow/step :wait :v {:key "k" :self-approval (str "no")})'; br w.edn; [ "$st" = 1 ]; says ":self-approval"; says "true or false"
  flow w '(flow/step :wait :v {:key "k" :actions [(+ 1 2)]})'; br w.edn; [ "$st" = 1 ]; says ":actions"; says "escalate"
}
@test ":notify: told once after the wait is durable; links approve with the form's fields, once" {
  mail_server
  flow w "(flow/step :wait :ask {:key \"k\" :title \"Pay <it>?\" :timeout \"2h\"
            :notify {:channels {:http {:url \"http://127.0.0.1:$MAIL/keep\" :json {:to \"{{who}}\" :text \"{{approval-url}} {rejectionUrl}\"}}}
                     :data {:who \"ann & {approvalUrl}\"} :summary \"3 > 2\"
                     :fields [{:key :comment :label \"Comment\" :required true} {:key :n :field-type :number} {:key :sure :field-type :boolean}
                              {:key :size :field-type :select :options [\"S\" \"L\"]}]}})"
  serve w.edn r
  until_ok eval 'curl -s "http://127.0.0.1:$MAIL/kept" | grep -q approve'
  kept=$(curl -s "http://127.0.0.1:$MAIL/kept")
  yes=$(grep -o 'http://[^ "\\]*/approve?token=[0-9a-f]*' <<< "$kept" | tail -1)
  no=$(grep -o 'http://[^ "\\]*/reject?token=[0-9a-f]*' <<< "$kept" | head -1)
  [[ $yes =~ ^http://127.0.0.1:$PORT/local/waits/[0-9]+-[0-9]+/approve\?token=[0-9a-f]{64}$ ]]
  [[ $kept = *'ann & {approvalUrl}'* ]]
  [ -z "$(grep -rl -- "${yes#*token=}" .breyta)" ]
  page=$(curl -si "$yes")
  [[ $page = *"Pay &lt;it&gt;?"*"3 &gt; 2"*'name="comment"'*required*'type="number"'*"Approve</button>"* ]]
  [[ $page = *"Content-Security-Policy: default-src 'none'"* ]]; [[ $page = *"Referrer-Policy: no-referrer"* ]]
  other=0; [[ $yes != *0 ]] || other=1
  [ "$(curl -s -o /dev/null -w '%{http_code}' "${yes%?}$other")$(curl -s -o /dev/null -w '%{http_code}' "${yes/approve/reject}")" = 403403 ]
  [ "$(curl -s -o /dev/null -w '%{http_code}' "${yes%%\?*}")" = 403 ]
  post /local/events/k '{}'; got 403 links_only
  [[ $(curl -s -d 'n=5' "$yes") = *lacks*comment*'class="problem"'* || $(curl -s -d 'n=5' "$yes") = *'class="problem"'*comment* ]]
  [ "$(curl -s -o reply -w '%{http_code}' -d 'comment=x&n=five' "$yes")" = 422 ]; grep -q 'must be a number' reply
  [ "$(curl -s -o reply -w '%{http_code}' -d 'comment=x&size=XL' "$yes")" = 422 ]; grep -q 'one of its choices' reply
  br show r; [[ $out = *"the notification was sent (HTTP 200)"* ]]
  [[ $(curl -s -d 'comment=all+good&n=5&sure=true&size=L&other=1' "$yes") = *Approved* ]]
  ended r 0 '{:comment "all good", :n 5, :sure true, :size "L", :action :approve, :by "link"}'
  [ "$(grep -c . mail.log)" = 1 ]
}
@test "links after the end: what came of it; reject; JSON for programs" {
  mail_server
  flow w "(do (:action (flow/step :wait :ask {:key \"k\" :notify {:channels {:http {:url \"http://127.0.0.1:$MAIL/keep\" :body \"{{rejection-url}} {{approvalUrl}}\"}}}}))
              (flow/step :wait :two {:key \"k2\"}))"
  serve w.edn r
  until_ok eval 'curl -s "http://127.0.0.1:$MAIL/kept" | grep -q approve'
  kept=$(curl -s "http://127.0.0.1:$MAIL/kept")
  yes=$(grep -o 'http://[^ "\\]*/approve?token=[0-9a-f]*' <<< "$kept") no=$(grep -o 'http://[^ "\\]*/reject?token=[0-9a-f]*' <<< "$kept")
  [[ $(curl -s -H 'Accept: application/json' -X POST -d '' "$no") = '{"ok":true,'* ]]
  until_ok eval 'breyta-run show r | grep -q "step :two waits"'
  [[ $(curl -s "$yes") = *"Already rejected"* ]]; [[ $(curl -s -X POST -d '' "$yes") = *"Already rejected"* ]]
  post /local/events/k2 '{}'; got 200 delivered
  ended r 0 '{}'
}
@test "a notification that fails is told and does not fail the wait; without an address the links are an error of its own" {
  flow w '(flow/step :wait :ask {:key "k" :notify {:channels {:http {:url "http://127.0.0.1:1/" :json {:a 1}}}}})'
  br w.edn --run-id r; want 3 ""; says "the notification FAILED"; says "breyta-run approve|reject r"
  br approve r; want 0 ""; br resume r; want 0 "{:action :approve, :by \"$(id -un)\"}"
  flow l '(flow/step :wait :ask {:key "k2" :notify {:channels {:http {:url "http://127.0.0.1:1/" :json {:a "{{approval-url}}"}}} :data {:b 1}}})'
  br l.edn --run-id l; want 3 ""; says "FAILED"; says "--listen"
}
@test "a :confirm is not answered over HTTP by whoever knows its key" {
  flow c '(flow/step :kv :set {:operation :set :key "k" :value 1 :confirm true})'
  breyta-run c.edn --run-id r --listen 127.0.0.1:0 > r.out 2> r.err 3>&- & PID=$!; echo $PID > pid
  until_ok grep -q '^listening' r.err
  PORT=$(sed -n 's/.*127.0.0.1:\([0-9]*\).*/\1/p' r.err | head -1)
  until_ok eval 'breyta-run show r | grep -q "person.s approval"'
  key=$(python3 -c 'import glob,sqlite3; print(sqlite3.connect("file:.breyta/breyta.db?mode=ro", uri=True).execute("select key from waits").fetchone()[0])')
  post "/local/events/$key" '{"action":"approve"}'; got 403 links_only
  br approve r; want 0 ""
  ended r 0 '{:success true, :key "k", :created? true}'
}
@test "--public-url is the base of links and callback addresses" {
  mail_server
  flow w "(let [b (:callback-base-url (:flow/ctx (flow/input)))] (flow/step :wait :ask {:key \"k\" :notify {:channels {:http {:url \"http://127.0.0.1:$MAIL/keep\" :json {:a \"{{approval-url}} {{base}}\"}}} :data {:base b}}}))"
  br w.edn --run-id r --public-url https://flows.example.com/x; want 3 ""; says "was sent"
  [[ $(curl -s "http://127.0.0.1:$MAIL/kept") = *"https://flows.example.com/x/local/waits/"*"https://flows.example.com/x/local"* ]]
  br w.edn --public-url flows.example.com; want 2 ""; says "--public-url"
}
@test "a :notification template with the links, and a connection with its secret" {
  mail_server
  cat > t.edn <<FLOW
{:slug :t :name "t" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :mail :type :http-api :label "Mail" :base-url "http://127.0.0.1:$MAIL" :auth {:type :bearer}}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :templates [{:id :ask :type :notification :channels {:http {:connection :mail :path "/keep" :json {:subject "{{who}}?" :link "{{approval-url}}"}}}}]
 :flow (quote (flow/step :wait :ask {:key "k" :notify {:template :ask :data {:who "Bob"}}}))}
FLOW
  echo '{"connections": {"mail": {"type": "http-api", "config": {"auth": {"type": "bearer", "secret-ref": "tok"}}}}, "secrets": {"tok": "canary-token-55"}}' > c.json
  br t.edn --run-id r --connections c.json --public-url https://x.example; want 3 ""; says "was sent"
  kept=$(curl -s "http://127.0.0.1:$MAIL/kept")
  [[ $kept = *'Bob?'*'https://x.example/local/waits/'* ]]; [[ $kept = *canary-token-55* ]]
  [ -z "$(grep -rl -- canary-token-55 .breyta)" ]
}
@test "wrong values name the step, the option, the value and what would work" {
  bad() { # OPTIONS TEXT...
    flow b "(flow/step :wait :w (merge {:key \"k\"} (quote $1)))"
    br b.edn; [ "$st" = 1 ] || { echo "$1: status $st" >&2; return 1; }
    says "step :w: "
    shift
    for t; do says "$t"; done
  }
  bad '{:key ""}' ':key is ""' 'such as (str'
  bad '{:key 7}' ':key is 7'
  bad '{:timeout "31d"}' 'Wait timeout exceeds maximum'
  bad '{:timeout "soon"}' ':timeout' '"soon"' '"45m"'
  bad '{:on-timeout :stop}' ':on-timeout is :stop' ':fail or :continue'
  bad '{:webhook 1}' ':webhook is 1' ':hmac-sha256'
  bad '{:webhook {:path "/x" :auth {:type :none}}}' ':webhook :path is "/x"' 'without a slash'
  bad '{:webhook {:path "x"}}' ':webhook needs :auth'
  bad '{:webhook {:auth {:type :magic}}}' 'magic' ':signature'
  bad '{:event {:name "" :key {:path [:a]}}}' ':event :name'
  bad '{:event {:name "x" :key :a}}' ':event :key is :a' ':path [:order :id]'
  bad '{:notify 1}' ':notify is 1' ':channels'
  bad '{:notify {:channels {:http {:url "http://x"}} :template :t}}' 'either :channels'
  bad '{:notify {:channels {:http {:url "http://x"}} :auth {:type :none}}}' ':connection'
  bad '{:notify {:channels {:http {:url "http://x"}} :fields [{:label "x"}]}}' ':notify :fields'
  bad '{:notify {:channels {:http {:url "http://x"}} :fields [{:key :a :field-type :color}]}}' ':field-type is :color'
  bad '{:notify {:channels {:http {:url "http://x"}} :fields [{:key :a :field-type :select}]}}' ':options'
  bad '{:validation {:required []}}' ':validation is' ':required [:amount'
  bad '{:roles []}' ':roles is []'
  bad '{:roles [1]}' ':roles is [1]'
}
@test "lint: the same rules for what is written literally; :none is a warning" {
  flow l '(flow/step :wait :w {:key "k" :webhook {:auth {:type :none}} :event {:name "x"} :validation {:required 1} :notify {:channels {:ui {}}}})'
  br lint l.edn; [ "$st" = 1 ]; all="$out$err"
  for t in insecure_webhook ':event :key' ':validation is' ':ui does not exist'; do [[ $all = *"$t"* ]] || { echo "$all" >&2; false; }; done
}
@test "killed at every sync around the registration: told at least once, never before the wait is durable" {
  mail_server
  flow w "(flow/step :wait :ask {:key \"k\" :notify {:channels {:http {:url \"http://127.0.0.1:$MAIL/keep\" :json {:link \"{{approval-url}}\"}}}}})"
  told=0 cut=0
  for n in 1 2 3 4 5 6 7 8; do
    rm -rf .breyta
    curl -s "http://127.0.0.1:$MAIL/reset" > reply
    strace -f -qq -o trace -e trace=fdatasync,fsync -e "inject=fdatasync,fsync:signal=SIGKILL:when=$n" \
      breyta-run w.edn --run-id r --public-url http://x.test > o 2> e 3>&- && break || st=$?
    before=$(curl -s "http://127.0.0.1:$MAIL/kept" | grep -o waits/ | wc -l)
    if [ "$before" -gt 0 ]; then # then the wait is there
      br show r; [[ $out = *'waits for an answer with key "k"'* ]]
      told=$((told + 1))
    fi
    [ "$st" = 3 ] && continue
    cut=$((cut + 1))
    br resume r --public-url http://x.test
    [ "$st" = 3 ] || { [ "$st" = 2 ] && says "there is no run r" && continue; }
    after=$(curl -s "http://127.0.0.1:$MAIL/kept" | grep -o 'waits/[0-9-]*/approve?token=[0-9a-f]*')
    [ "$(wc -l <<< "$after")" -ge 1 ]
    [ "$(wc -l <<< "$after")" -le 2 ]
    [ "$(sort -u <<< "$after" | wc -l)" = 1 ]
    br show r; [[ $out = *"notification was sent"* ]]
    br approve r; br resume r; want 0 "{:action :approve, :by \"$(id -un)\"}"
  done
  echo "cut $cut told $told"
  [ "$cut" -ge 3 ]
}
@test "over HTTP nobody without credentials answers for a role; a plain wait says that its key is all it takes" {
  flow r '(flow/step :wait :v {:key "rk" :roles [:manager]})'
  serve r.edn r
  br show r; [[ $out != *believed* ]]
  post /local/events/rk '{"ok":1}'; got 403 forbidden
  br show r; [[ $out = *"waits for an answer"* ]]
  br approve r --role manager; [ "$st" = 0 ]
  ended r 0 "{:action :approve, :by \"$(id -un)\"}"
  flow e '(do (flow/step :sleep :s {:millis 300}) (flow/step :wait :v {:key "early" :roles [:manager] :timeout "1s" :on-timeout :continue :default-value :nobody}))'
  breyta-run e.edn --run-id e --listen 127.0.0.1:0 > e.out 2> e.err 3>&- & echo $! > pid; PID=$!
  until_ok grep -q '^listening' e.err
  PORT=$(sed -n 's/.*127.0.0.1:\([0-9]*\).*/\1/p' e.err | head -1)
  post /local/events/early '{"ok":1}'
  ended e 0 ':nobody'
  flow p '(flow/step :wait :v {:key "plain"})'
  serve p.edn p
  br show p; [[ $out = *"whoever knows the key is believed: POST /local/events/plain"* ]]
  post /local/events/plain '{"ok":1}'; got 200 delivered
  ended p 0 '{:ok 1}'
}
