load help
# Kickoff and callback (seeds/000): the agent is started over SSH by a real sshd, and answers over HTTP. And many at the same time.

setup_file() {
  export S=$(mktemp -d) TOOL=$BATS_TEST_DIRNAME/../tools/sshd.sh
  PORT=$("$TOOL" start "$S") || { cat "$S/log" >&2; return 1; }
  export PORT WHO=$(cat "$S/user")
  # the seed's agent: what it posts is the last step's example
  cat > "$S/home/run-agent.sh" <<'SH'
#!/bin/sh
[ "${MODE:-}" = die ] && exit 1
body='{"status":"ok","result":{"answer":42}}'
[ "${MODE:-}" = late ] && body='{"status":"timeout","reason":"the worker gave up"}'
set -- -H 'content-type: application/json'
[ -z "${TOKEN:-}" ] || set -- "$@" -H "authorization: Bearer $TOKEN"
[ -z "${HMAC:-}" ] || set -- "$@" -H "x-signature: $(printf %s "$body" | openssl dgst -sha256 -hmac "$HMAC" -binary | base64)"
curl -sS -X POST "$BREYTA_CALLBACK_URL" "$@" -d "$body"
SH
  chmod 755 "$S/home/run-agent.sh"
}
teardown_file() {
  "$TOOL" stop "$S"
  rm -rf "$S"
}
conn() {
  cat > conn.edn <<EDN
{:connections {:vps {:type :ssh :config {:host "127.0.0.1" :port $PORT :username "$WHO" :auth {:type :private-key :secret-ref "key"} :known-hosts {:file "$S/known_hosts"}}}}
 :secrets {"key" {:file "$S/id_ed25519"} "tok" "canary-agent-token"}}
EDN
}
# agent NAME AUTH ENV TIMEOUT: the seed's flow
agent() {
  free=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede} :requires [{:slot :vps :type :ssh :label "VPS"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow '(let [ctx (:flow/ctx (flow/input))
              workflow-id (:workflow-id ctx)
              wait-key (str "agent-" workflow-id)
              base "http://127.0.0.1:$free/local"
              callback-url (str base "/events/" wait-key)]
          (flow/step :ssh :kickoff
                     {:type :ssh
                      :title "Kick off remote agent"
                      :connection :vps
                      :command "nohup ./run-agent.sh >/tmp/agent-$PORT.log 2>&1 & echo started"
                      :env (merge {"BREYTA_WAIT_KEY" wait-key
                                   "BREYTA_CALLBACK_URL" callback-url} $3)
                      :timeout 60})
          (flow/step :wait :await-callback
                     {:type :wait
                      :title "Wait for agent callback"
                      :key wait-key
                      :webhook {:auth $2}
                      :timeout ${4:-3600}
                      :on-timeout :fail}))}
FLOW
  [ -f conn.edn ] || conn
  br "$1.edn" --connections conn.edn --run-id "$1" --listen "127.0.0.1:$free"
}

@test "the seed's flow as it stands: kickoff, callback without credentials" {
  agent seed '{:type :none}' '{}'
  want 0 '{:status "ok", :result {:answer 42}}'
  br lint seed.edn; [[ $out$err = *insecure* || $out$err = *":none"* ]] || { echo "$out $err"; false; }
}
@test "bearer and HMAC callbacks; without them the agent is refused; the worker's own safety timeout; a dead agent" {
  agent bearer '{:type :bearer :secret-ref "tok"}' '{"TOKEN" {:secret-ref "tok"}}'; want 0 '{:status "ok", :result {:answer 42}}'
  agent hmac '{:type :hmac-sha256 :secret-ref "tok"}' '{"HMAC" {:secret-ref "tok"}}'; want 0 '{:status "ok", :result {:answer 42}}'
  agent late '{:type :bearer :secret-ref "tok"}' '{"TOKEN" {:secret-ref "tok"} "MODE" "late"}'; want 0 '{:status "timeout", :reason "the worker gave up"}'
  agent unsigned '{:type :bearer :secret-ref "tok"}' '{}' 1; [ "$st" = 1 ]; says wait-timeout
  grep -q unauthorized "/tmp/agent-$PORT.log"
  agent dead '{:type :none}' '{"MODE" "die"}' 1; [ "$st" = 1 ]; says wait-timeout
  rm -f "/tmp/agent-$PORT.log"
  [ -z "$(grep -rla canary-agent-token .breyta)" ]
}
@test "keys that are exchanged anew in the middle, and a server that allows two channels" {
  mkdir "$DIR/s2"; chmod 755 "$DIR"
  P2=$("$TOOL" start "$DIR/s2" "RekeyLimit 1M" "MaxSessions 2")
  PORT=$P2 WHO=$(cat "$DIR/s2/user") S=$DIR/s2 conn
  flow big '(let [a (flow/step :ssh :a {:connection :vps :command "yes abc | head -c 6000000; echo done >&2" :persist {:type :blob}})
      b (flow/step :ssh :b {:connection :vps :command "true" :upload {:from-ref (:blob-ref a) :path "rk"} :download "rk" :persist {:type :blob}})]
    [(:stderr a) (= (:sha256 (:blob-ref a)) (:sha256 (:blob-ref b))) (:size-bytes (:blob-ref b))])'
  flow one '(:stdout (flow/step :ssh :s {:connection :vps :command "sleep 0.3; echo $N" :env {"N" (:n (flow/input))}}))'
  sed -i 's/:type :singleton :on-new-version :supersede/:type :keyed :key-field :n :on-new-version :coexist/; s/:inputs \[\]/:inputs [{:name :n :label "N" :type :number :required true}]/' one.edn
  flow many '(let [n 20] (:succeeded-count (flow/step :fanout :f {:items (for [i (range n)] {:type :call-flow :flow-slug :one :input {:n i}}) :max-concurrency n})))'
  br big.edn --connections conn.edn; got=$out
  br many.edn --connections conn.edn --limit fanout-concurrency=20
  "$TOOL" stop "$DIR/s2"
  [ "$got" = '["done\n" true 6000000]' ]
  want 0 20
}
@test "200 commands at the same time in one process" {
  conn
  mkdir -m 777 "$S/many"; mkfifo -m 666 "$S/gate"
  cat > one.edn <<FLOW
{:slug :one :name "one" :concurrency {:type :keyed :key-field :n :on-new-version :coexist} :requires [{:slot :vps :type :ssh :label "VPS"}]
 :invocations {:default {:label "Run" :inputs [{:name :n :label "N" :type :number :required true}]}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote (:stdout (flow/step :ssh :s {:connection :vps :command ": > $S/many/\$N; read x < $S/gate; echo \$N" :env {"N" (:n (flow/input))} :timeout 120})))}
FLOW
  flow all "(let [n 200 r (flow/step :fanout :f {:items (mapv (fn [n] {:type :call-flow :flow-slug :one :input {:n n}}) (range n)) :max-concurrency n})]
             [(:succeeded-count r) (= (mapv (fn [n] (str n \"\\n\")) (range 200)) (mapv :result (:items r)))])"
  timeout 100 breyta-run all.edn --connections conn.edn --limit fanout-width=200 --limit fanout-concurrency=200 --limit fanout-items-per-run=200 >all.out 2>all.err 3>&- & p=$!
  here() { [ "$(ls "$S/many" | wc -l)" = 200 ]; }
  for _ in 1 2 3; do until_ok here 2>/dev/null || kill -0 $p || break; done
  here || { cat all.err >&2; false; }
  peak=$(awk '/VmHWM/ {print int($2 / 1024)}' "/proc/$(pgrep -P $p breyta-run)/status")
  echo "# 200 sessions: $peak MiB at most" >&3
  exec 5<>"$S/gate"; for _ in $(seq 200); do echo go >&5; done
  wait $p || { cat all.err >&2; false; }
  exec 5>&-
  [ "$(cat all.out)" = '[200 true]' ]
  [ "$peak" -le 64 ] || [ -n "${SAN:-}" ]
}
