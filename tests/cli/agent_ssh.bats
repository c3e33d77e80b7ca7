load help
# :agent with :via :ssh, against a real sshd on loopback. The command's folder, states and counts are in $DIR/far, which its user may write.

setup_file() {
  export SSHD_DIR=$(mktemp -d)
  "$BATS_TEST_DIRNAME/../tools/sshd.sh" start "$SSHD_DIR" 3>&- > /dev/null
}
teardown_file() {
  "$BATS_TEST_DIRNAME/../tools/sshd.sh" stop "$SSHD_DIR"
  rm -rf "$SSHD_DIR"
}
agents_setup() {
  chmod 711 "$DIR"
  mkdir -m 777 far
  jq -n --arg user "$(cat "$SSHD_DIR/user")" --arg dir "$SSHD_DIR" --argjson port "$(cat "$SSHD_DIR/port")" \
    '{connections: {vm: {type: "ssh", config: {host: "127.0.0.1", port: $port, username: $user, auth: {type: "private-key", "secret-ref": "k"},
      "known-hosts": {file: ($dir + "/known_hosts")}}}}, secrets: {k: {file: ($dir + "/id_ed25519")}, other: "0ther-secret"}}' > conn.json
}
# agent NAME COMMAND [OPTIONS]: a flow of one step; COMMAND is a text of EDN
agent() {
  AGENT=$1
  flow "$1" "(flow/step :agent :work {:via :ssh :connection :vm :workdir \"$DIR/far\" :timeout \"60s\" :command \"$2\"
                :env {\"BREYTA_AGENT_HOME\" \"$DIR/far/agents\" \"BREYTA_PROGRESS_INTERVAL\" \"0.2\"} ${3:-}})"
}
start() { # RUN-ID [OPTIONS]: in the background
  local id=$1
  shift
  : > "$id.err"
  breyta-run "$AGENT.edn" --run-id "$id" --listen "127.0.0.1:${PORT:-0}" --connections conn.json "$@" > "$id.out" 2> "$id.err" 3>&- & echo $! > pid
}
ended() { # RUN-ID STATUS
  local st=0
  wait "$(cat pid)" || st=$?
  rm -f pid
  out=$(cat "$1.out") err=$(cat "$1.err")
  [ "$st" = "$2" ] && return
  echo "status $st: $out $err" >&2
  return 1
}
has() { [[ $out = *"$1"* ]] || { printf 'lacks %s: %s\n' "$1" "$out" >&2; return 1; }; }
steps() { breyta-run show "$1" --format json | jq -r '[.steps[] | .step + "." + .status] | join(" ")'; }
parked() { breyta-run show "$1" 2> /dev/null | grep -q 'waits for an answer'; }
gone() { # nothing lives of the process group in far/group, which the command writes
  [ -z "$(ps -e -o pgid=,stat= | awk -v g="$(cat far/group)" '$1 == g && $2 !~ /^Z/')" ]
}
slow_machine() { # while $DIR/slow is there, what breyta-agent says is held back
  mkdir -p slow-bin; chmod 755 slow-bin
  printf '#!/bin/sh\nuntil [ ! -e %s/slow ]; do sleep 0.1; done\nexec /usr/bin/readlink "$@"\n' "$DIR" > slow-bin/readlink; chmod 755 slow-bin/readlink
  : > slow
  sed -i "s#:env {#:env {\"PATH\" \"$DIR/slow-bin:/usr/bin:/bin:/usr/sbin\" #" "$1"
}
FOREVER='echo $$ > group; trap \"\" TERM; (while :; do sleep 0.1; done) & while :; do sleep 0.1; done'

teardown() {
  [ ! -f "$DIR/pid" ] || kill -KILL "$(cat "$DIR/pid")" 2>/dev/null || :
  [ ! -f "$DIR/far/group" ] || kill -KILL "-$(cat "$DIR/far/group")" 2>/dev/null || :
  rm -rf "$DIR"
}

@test "kickoff, progress, answer: one result with everything; the credential is on no disk and in no log" {
  agents_setup
  agent t 'echo $BREYTA_CALLBACK_TOKEN > token; echo \"token $BREYTA_CALLBACK_TOKEN\"; echo \"40% token $BREYTA_CALLBACK_TOKEN\" >> $BREYTA_PROGRESS_FILE
           until [ -e go ]; do sleep 0.1; done; echo \"{\\\"n\\\": $BREYTA_INPUTS, \\\"who\\\": \\\"$BREYTA_OBJECTIVE $WHO $BREYTA_WORKFLOW_ID $BREYTA_CALLBACK_TOKEN\\\"}\" > $BREYTA_RESULT_FILE' \
    ':objective "it'"'"'s $(id)" :inputs {:a [1 2]} :env {"BREYTA_AGENT_HOME" "'"$DIR"'/far/agents" "BREYTA_PROGRESS_INTERVAL" "0.2" "WHO" "`x`"}'
  sed -i '0,/:env {[^}]*}/s///' t.edn
  start r --progress
  until_ok parked r
  until_ok eval 'breyta-run show r | grep -q "^progress 40% token #secret\[agent-credential\]"'
  : > far/go
  ended r 0
  has ':status "succeeded"'; has ':n {:a [1 2]}'; has ':who "it'"'"'s $(id) `x` r #secret[agent-credential]"'; has ':artifacts []'; has ':message "token #secret'
  has ':percent 40'; has ':log-tail "token #secret[agent-credential]"'; has "log-path \"$DIR/far/agents/"
  is_token=$(cat far/token); [ ${#is_token} = 64 ]
  [ "$(grep -rlF "$is_token" .breyta r.out r.err config "$SSHD_DIR/log" | wc -l)" = 0 ]
  [ "$(steps r)" = 'work/plan.completed work/start.completed work/wait.completed' ]
  br replay r; [ "$st" = 0 ]
}
@test "no answer in time: the process group is gone, the step fails; :on-timeout :continue; :keep-running lets it live" {
  agents_setup
  agent t "$FOREVER" ':timeout "1500ms"'
  sed -i 's/:timeout "60s"//' t.edn
  start r
  until_ok test -s far/group
  ended r 1
  [[ $err = *'the agent did not answer in time; its command was ended'*':wait-timeout'* ]]
  gone
  agent t2 'echo $$ > group; while :; do sleep 0.1; done' ':timeout "1s" :keep-running true :on-timeout :continue :default-value {:status "late"}'
  sed -i 's/:timeout "60s"//' t2.edn
  start r2; ended r2 0; [ "$out" = '{:status "late"}' ]
  if gone; then false; fi
}
@test "a cancelled run ends its command within 5 s" {
  agents_setup
  agent t "$FOREVER"
  start r
  until_ok test -s far/group; until_ok parked r
  began=$SECONDS
  br cancel r; [ "$st" = 0 ]
  until_ok gone
  [ $((SECONDS - began)) -le 5 ]
  ended r 1
  [ "$(breyta-run show r --format json | jq -r .status)" = cancelled ]
  [[ $(steps r) = *work/stop.completed ]]
  rm far/group
  agent t2 'echo $$ > group; while :; do sleep 0.1; done' # and while it is being started
  slow_machine t2.edn
  start r2
  until_ok test -s far/group
  [ "$(steps r2)" = 'work/plan.completed work/start.running' ]
  breyta-run cancel r2 > /dev/null 2>&1 3>&- & # it waits for the end, which the machine holds back
  until_ok eval '[[ $(steps r2) = *work/stop.running ]]'
  rm slow
  ended r2 1
  gone
}
@test "killed between the start over there and its record: the next one attaches, it runs once" {
  agents_setup
  PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  agent t 'echo x >> count; until [ -e go ]; do sleep 0.1; done; echo 7 > $BREYTA_RESULT_FILE'
  slow_machine t.edn
  start r
  until_ok test -s far/count
  [ "$(steps r)" = 'work/plan.completed work/start.running' ]
  kill -9 "$(cat pid)"; wait "$(cat pid)" || :
  rm slow
  breyta-run resume r --listen "127.0.0.1:$PORT" --connections conn.json > r.out 2> r.err 3>&- & echo $! > pid
  until_ok parked r
  breyta-run show r --format json | jq -e '.steps[] | select(.step == "work/start" and .status == "completed") | .output.attached' > /dev/null
  kill -9 "$(cat pid)"; wait "$(cat pid)" || : # and it answers while nobody listens
  : > far/go
  until_ok eval 'grep -q "^trying 000" far/agents/*/sent'
  breyta-run resume r --listen "127.0.0.1:$PORT" --connections conn.json > r.out 2> r.err 3>&- & echo $! > pid
  ended r 0; has ':result 7'
  [ "$(cat far/count)" = x ]
}
@test "it is looked after: a supervisor that died is replaced, an answer that cannot be delivered is fetched, what is gone is a failure" {
  agents_setup
  agent t 'echo x >> count; until [ -e go ]; do sleep 0.1; done; echo 8 > $BREYTA_RESULT_FILE' ':check-every "1s"'
  start r
  until_ok test -s far/count
  link=$(readlink far/agents/agent-r-*/owner.1); kill -9 "${link%%:*}"
  until_ok eval 'test -L far/agents/agent-r-*/owner.2'
  until_ok eval '[[ $(steps r) = *work/check.completed* ]]'
  : > far/go
  ended r 0; has ':result 8'; [ "$(cat far/count)" = x ]
  start r2 --public-url http://127.0.0.1:9 # nothing answers there
  ended r2 0; has ':result 8'
  agent t3 'echo $$ > group; while :; do sleep 0.1; done' ':check-every "1s"'
  start r3
  until_ok test -s far/group
  link=$(readlink far/agents/agent-r3-*/owner.1); kill -9 "${link%%:*}" "-$(cat far/group)"
  ended r3 0; has ':status "failed"'; has 'died'
}
@test "an agent that posts by itself; statuses in the words of jobs; a command that fails is a result" {
  agents_setup
  agent t 'curl -s -H \"Authorization: Bearer $BREYTA_CALLBACK_TOKEN\" -d \"{\\\"status\\\":\\\"done\\\",\\\"result\\\":{\\\"x\\\":1},\\\"logsUrl\\\":\\\"http://logs/1\\\"}\" $BREYTA_CALLBACK_URL'
  start r; ended r 0; has ':status "succeeded"'; has ':result {:x 1}'; has ':logs-url "http://logs/1"'
  agent t2 'echo bad >&2; exit 4'
  start r2; ended r2 0; has ':status "failed"'; has ':exit 4'; has ':error "the command ended with status 4"'; has ':log-tail "bad"'
}
@test "only a kickoff that did not start is made again; what cannot pass by itself is told at once" {
  agents_setup
  agent t true ':retry {:max-attempts 20 :backoff :constant :backoff-ms 200}'
  kill "$(cat "$SSHD_DIR/sshd.pid")"
  start r
  until_ok eval 'breyta-run show r | grep -q "retrying  :remote-agent :work/start"'
  "$ROOT/tests/tools/sshd.sh" again "$SSHD_DIR" 3>&-
  ended r 0; has ':status "succeeded"'
  : > none
  jq --arg f "$DIR/none" '.connections.vm.config["known-hosts"].file = $f' conn.json > c2.json; cp c2.json conn.json
  start r2; ended r2 1; [[ $err = *'host-key-unknown'* ]]; [ ! -e far/agents/agent-r2-* ]
}
@test "options: what runs where with what, how long starting may take" {
  agents_setup
  more="{:secret-ref :other}"
  flow t "(let [opts {:via :ssh :connection :vm :command \"printf '\\\"%s %s\\\"' \\\"\$(pwd)\\\" \\\"\$WHO\$OTHER\\\" > \$BREYTA_RESULT_FILE\" :workdir \"$DIR/far\"
                      :env {\"WHO\" \"it's\" \"OTHER\" $more \"BREYTA_AGENT_HOME\" \"$DIR/far/agents\"}}]
             [(:result (flow/step :agent :a opts))
              (try (flow/step :agent :b (assoc opts :kickoff-timeout \"1ms\" :retry {:max-attempts 1})) (catch Exception e (:type (ex-data e))))])"
  AGENT=t; start r; ended r 0
  has "[\"$DIR/far it's#secret[other]\""; has ':timeout]'
}
@test "a secret of :env reaches the command, and what the command says of it is cleaned: result, log, progress" {
  agents_setup
  agent t 'printf %s \"$OTHER\" > got; echo \"log $OTHER\"; echo \"40% at $OTHER\" >> $BREYTA_PROGRESS_FILE
           until [ -e go ]; do sleep 0.1; done; echo \"{\\\"said\\\": \\\"<$OTHER>\\\"}\" > $BREYTA_RESULT_FILE' ':check-every "1s"'
  sed -i 's/:env {/:env {"OTHER" {:secret-ref :other} /' t.edn
  start r --progress
  until_ok eval 'breyta-run show r 2>/dev/null | grep -q "^progress 40% at #secret\[other\]"'
  until_ok eval '[[ $(steps r) = *work/check.completed* ]]' # and a later wait of the same agent
  : > far/go
  ended r 0
  [ "$(cat far/got)" = 0ther-secret ]
  has ':result {:said "<#secret[other]>"}'; has ':log-tail "log #secret[other]"'; has ':message "at #secret[other]"'
  [ "$(grep -rlF 0ther-secret .breyta r.out r.err | wc -l)" = 0 ]
  start r2 --public-url http://127.0.0.1:9 # fetched, for nothing answers there
  ended r2 0; has ':result {:said "<#secret[other]>"}'
  [ "$(grep -rlF 0ther-secret .breyta r2.out r2.err | wc -l)" = 0 ]
}
@test "what is wrong is said" {
  agents_setup
  agent t true
  br t.edn --connections conn.json; [ "$st" = 1 ]; says 'nobody can reach this run over HTTP'; says -- '--listen'
  bad() { # STEP TEXT
    flow b "(flow/step :agent :work $1)"
    br b.edn --connections conn.json --listen 127.0.0.1:0; [ "$st" != 0 ]
    says "$2"
  }
  bad '{:via :ftp :connection :vm :command "x"}' ':via'
  bad '{:via (keyword "ftp") :connection :vm :command "x"}' 'use :ssh or :job'
  bad '{:via :ssh :connection :vm}' 'needs :command'
  bad '{:via :ssh :command "x"}' 'needs :connection'
  bad '{:via :ssh :connection :vm :command "x" :workdir "/no/such"}' '/no/such'
  bad '{:via :ssh :connection :vm :command "x" :env {"A=B" "x"}}' 'A=B'
  bad '{:via :ssh :connection :vm :command "x" :inputs (str 5)}' ':inputs of an :agent step'
  bad '{:via :ssh :connection :vm :command "x" :timeout "31d"}' ':timeout of an :agent step'
  bad '{:via :ssh :connection :vm :command "x" :check-every "0s"}' ':check-every of an :agent step'
  bad '{:via :ssh :connection :vm :command "x" :keep-running (str 1)}' ':keep-running of an :agent step'
  bad '{:via :ssh :connection :nothing :command "x"}' 'nothing'
  bad '{:via :ssh :connection :vm :command "x" :kickoff-timeout "1ms"}' '1 ms'
  bad '{:via :job}' 'needs :job-type'
  bad '{:objective "x" :command "true"}' ':command is for :agent steps that work elsewhere'
  flow b '(flow/step :remote-agent :x {:op :stop :connection :vm :key "k"})'
  br lint b.edn; [[ $out$err = *remote-agent* ]]
  flow b '(flow/step (keyword "remote-agent") :x {:op :stop :connection :vm :key "k"})'
  br b.edn --connections conn.json --listen 127.0.0.1:0; [ "$st" = 1 ]; says 'not for flows'
}
