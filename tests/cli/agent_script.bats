load help
# breyta-agent (runtime/net/breyta_agent.sh) without SSH, under dash and busybox: a real wait is what it reports to.

SCRIPT=$BATS_TEST_DIRNAME/../../runtime/net/breyta_agent.sh
ag() { $AGENT_SH "$SCRIPT" "$@" 3>&-; }
under() { # dash|busybox
  case $1 in busybox) AGENT_SH='busybox sh' ;; *) AGENT_SH=$1 ;; esac
  export BREYTA_AGENT_SHELL=$AGENT_SH BREYTA_AGENT_HOME=$DIR/agents BREYTA_PROGRESS_INTERVAL=0.2
  command -v "${AGENT_SH%% *}" > /dev/null || skip "no $1 here"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# waits KEY AUTH: a run that waits for KEY, on $PORT
waits() {
  echo '{"secrets": {"k": "s3cret\\value"}}' > conn.json
  flow w "(flow/step :wait :cb {:key \"$1\" :timeout 60 :webhook {:auth $2}})"
  : "${PORT:=$(free_port)}"
  : > r.err
  breyta-run w.edn --run-id r --listen 127.0.0.1:"$PORT" --connections conn.json > r.out 2> r.err 3>&- & echo $! > pid
  until_ok grep -q '^listening' r.err
  to "$1"
}
to() {
  export BREYTA_WAIT_KEY=$1 BREYTA_CALLBACK_URL=http://127.0.0.1:$PORT/local/events/$1 BREYTA_PROGRESS_URL=http://127.0.0.1:$PORT/local/progress/$1 \
    BREYTA_CALLBACK_TOKEN='s3cret\value'
}
answered() { # the run's value
  local st=0
  wait "$(cat pid)" || st=$?
  rm -f pid
  out=$(cat r.out)
  [ "$st" = 0 ] || { cat r.err >&2; return 1; }
}
size() { stat -c %s "$1"; }
is_state() { [ "$(ag status "$1" | sed -n 's/^state=//p')" = "$2" ]; }
SIGNATURE='{:type :signature :algo :hmac-sha256 :secret-ref :k :signature-header "X-Breyta-Signature" :timestamp-header "X-Breyta-Timestamp" :signature-format :hex :signature-prefix "v1="}'

setup_file() { cd "$BATS_TEST_DIRNAME/../.." && shellcheck -s sh runtime/net/breyta_agent.sh; }
teardown() {
  [ -z "${BREYTA_AGENT_HOME:-}" ] || for d in "$BREYTA_AGENT_HOME"/*/; do d=${d%/}; [ ! -d "$d" ] || ag stop --grace 0 "${d##*/}" > /dev/null || :; done
  [ ! -f "$DIR/pid" ] || kill -KILL "$(cat "$DIR/pid")" 2>/dev/null || :
  rm -rf "$DIR"
}

@test "a command runs detached: progress, log and result arrive, signed; nobody on the machine can read the credential" {
  for sh in dash busybox; do
    under $sh; rm -rf agents .breyta
    waits job-1 "$SIGNATURE"
    export BREYTA_CALLBACK_AUTH=signature
    ag run -- sh -c 'echo "a \"line\" é \\"; echo "40% copying" >> "$BREYTA_PROGRESS_FILE"; until [ -e go ]; do sleep 0.1; done
                     echo "{\"answer\": 42}" > "$BREYTA_RESULT_FILE"; echo "[{\"uri\": \"x\"}]" > "$BREYTA_ARTIFACTS_FILE"; echo done' > said
    grep -qx state=running said
    until_ok eval 'breyta-run show r | grep -q "progress 40% copying"'
    [ "$(ps -eo args | grep -v grep | grep -c 's3cret')" = 0 ]
    : > go
    answered; rm -f go
    [[ $out = *':status "ok"'* ]]; [[ $out = *':result {:answer 42}'* ]]; [[ $out = *':artifacts [{:uri "x"}]'* ]]; [[ $out = *':exit 0'* ]]
    [[ $out = *':logTail "a \"line\" é \\\ndone"'* ]]
    until_ok grep -q '^delivered 200' agents/job-1/sent
    is_state job-1 finished
    [ "$(grep -rl 's3cret' agents | wc -l)" = 0 ]
  done
}
@test "hmac and bearer; a wrong credential is refused and not tried again" {
  under dash
  waits job-1 '{:type :hmac-sha256 :secret-ref :k}'
  BREYTA_CALLBACK_AUTH=bearer ag run --id wrong -- true > /dev/null
  until_ok grep -q '^refused 401' agents/wrong/sent
  BREYTA_CALLBACK_AUTH=hmac ag run --id right -- sh -c 'echo "\"hm\"" > "$BREYTA_RESULT_FILE"' > /dev/null
  answered; [[ $out = *':result "hm"'* ]]
  rm -rf .breyta
  waits job-2 '{:type :bearer :secret-ref :k}'
  ag run -- true > /dev/null
  answered; [[ $out = *':result nil'* ]]
}
@test "auto: what a signature does not prove, for this clock is wrong, the bearer does" {
  under busybox
  waits job-1 '{:type :bearer :secret-ref :k}'
  BREYTA_CALLBACK_AUTH=auto ag run -- true > /dev/null
  answered; [[ $out = *':status "ok"'* ]]
}
@test "an answer that was kept for a wait to come is seen to: what the wait does not believe is sent again, what it takes is not" {
  under busybox
  PORT=$(free_port)
  echo '{"secrets": {"k": "s3cret\\value"}}' > conn.json
  flow w '[(flow/step :wait :gate {:key "gate"}) (:status (flow/step :wait :cb {:key "job-1" :timeout 60 :webhook {:auth {:type :bearer :secret-ref :k}}}))
           (flow/step :wait :last {:key "last"})]'
  for auth in auto bearer; do
    rm -rf agents .breyta
    : > r.err
    breyta-run w.edn --run-id r --listen 127.0.0.1:"$PORT" --connections conn.json > r.out 2> r.err 3>&- & echo $! > pid
    until_ok grep -q '^listening' r.err
    to job-1
    BREYTA_CALLBACK_AUTH=$auth BREYTA_CALLBACK_MAX_PAUSE=1 ag run -- true > /dev/null
    until_ok grep -q '^kept' agents/job-1/sent
    curl -s -d '"open"' "http://127.0.0.1:$PORT/local/events/gate" > gate
    grep -q '"delivered"' gate
    case $auth in auto) code=200 ;; *) code=202 ;; esac # the signature is not what this wait believes, the bearer is
    until_ok grep -q "^delivered $code" agents/job-1/sent
    curl -s -d 1 "http://127.0.0.1:$PORT/local/events/last" > last
    answered; [ "$out" = '["open" "ok" 1]' ]
  done
  rm -rf agents .breyta
  to job-1 # nobody is there
  BREYTA_CALLBACK_MAX_PAUSE=1 BREYTA_CALLBACK_MAX_SECONDS=1 ag run -- true > /dev/null
  until_ok grep -q '^gave-up 000' agents/job-1/sent
}
@test "a command that fails or is killed is reported; a result that is no JSON comes as a text" {
  for sh in busybox; do
    under $sh
    waits job-1 '{:type :bearer :secret-ref :k}'
    ag run -- sh -c 'echo boom >&2; exit 3' > /dev/null
    answered; [[ $out = *':status "failed"'*':error "the command ended with status 3"'* || $out = *':error "the command ended with status 3"'*':status "failed"'* ]]
    [[ $out = *':logTail "boom"'* ]]
    rm -rf .breyta agents
    waits job-1 '{:type :bearer :secret-ref :k}'
    ag run -- sh -c 'printf "not \"JSON\"" > "$BREYTA_RESULT_FILE"; kill -9 $$' > /dev/null
    answered; [[ $out = *':error "the command was killed by signal 9"'* ]]; [[ $out = *':result "not \"JSON\""'* ]]
  done
  [ "$(ag run --id none -- /no/such/program | sed -n 's/^state=//p')" != absent ]
  until_ok is_state none finished
  grep -qx 127 agents/none/exit
}
@test "the server is away: it is tried until it takes the result" {
  under dash
  PORT=$(free_port)
  to job-1
  export BREYTA_CALLBACK_MAX_PAUSE=1
  ag run -- sh -c 'echo 7 > "$BREYTA_RESULT_FILE"' > /dev/null
  until_ok grep -q '^trying 000' agents/job-1/sent
  ag status --result job-1 | tail -n 1 | jq -e '.result == 7 and .status == "ok"' > /dev/null
  waits job-1 '{:type :bearer :secret-ref :k}'
  answered; [[ $out = *':result 7'* ]]
  until_ok grep -q '^delivered' agents/job-1/sent
}
@test "started twice, it runs once: a dozen at a time, and again when it is over" {
  for sh in dash busybox; do
    under $sh; rm -rf agents count
    unset BREYTA_CALLBACK_URL BREYTA_PROGRESS_URL
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do ag run --id one -- sh -c 'echo x >> count; sleep 0.5' > /dev/null 3>&- & done
    wait
    until_ok is_state one finished
    ag run --id one -- sh -c 'echo x >> count' | grep -qx attached=true
    [ "$(cat count)" = x ]
  done
}
@test "much output: its end is kept, and counted is all of it" {
  under busybox
  unset BREYTA_CALLBACK_URL BREYTA_PROGRESS_URL
  export BREYTA_AGENT_LOG_BYTES=20000
  ag run --id big -- sh -c 'seq 100000; until [ -e go ]; do sleep 0.1; done; echo "the last line"' > /dev/null
  until_ok eval '[ -s agents/big/log.1 ] && [ "$(size agents/big/log)" = 0 ]' # while it runs
  [ "$(ag log big | tail -n 1)" = 100000 ]
  : > go
  until_ok is_state big finished
  [ "$(ag log big | tail -n 2 | tr '\n' ' ')" = '100000 the last line ' ]
  [ "$(du -bc agents/big/log agents/big/log.1 | tail -n 1 | cut -f 1)" -le 20000 ]
  ag status --result big | tail -n 1 | jq -e '.logBytes == 588895 + 14 and (.logTail | endswith("100000\nthe last line")) and (.logTail | length) > 3900' > /dev/null
}
@test "what was over long ago is forgotten, and nothing else" {
  under dash
  unset BREYTA_CALLBACK_URL BREYTA_PROGRESS_URL
  for id in old new ended works; do ag run --id $id -- sh -c '[ -n "$1" ] || exit 0; while :; do sleep 0.1; done' sh "$(echo $id | grep 'ended\|works')" > /dev/null; done
  for id in old new; do until_ok test -s agents/$id/sent; done
  ag stop --grace 0 ended > /dev/null
  until_ok test -s agents/ended/sent # its supervisor is done with it
  touch -d '36 days ago' agents/old/sent agents/ended/stopped agents/works/log
  touch -d '34 days ago' agents/new/sent
  ag run --id next -- true > /dev/null
  [ ! -e agents/old ]; [ ! -e agents/ended ]; [ -e agents/new ]
  is_state works running
}
@test "who looks after a command goes with it, and with its supervisor" {
  under busybox
  PORT=$(free_port)
  to job-1
  ag run -- sh -c 'until [ -e go ]; do sleep 0.1; done' > /dev/null
  link=$(readlink agents/job-1/owner.1)
  beside() { ps -eo args | grep -v grep | grep -c "_supervise $DIR/agents/job-1"; }
  until_ok eval '[ "$(beside)" = 3 ]' # it and its two helpers
  kill -9 "${link%%:*}"
  until_ok eval '[ "$(beside)" = 0 ]'
  : > go
}
@test "its supervisor is killed: the command goes on, the next start takes it over; both are gone: a failure is reported" {
  under dash
  waits job-1 '{:type :bearer :secret-ref :k}'
  ag run -- sh -c 'until [ -e go ]; do sleep 0.1; done; echo 5 > "$BREYTA_RESULT_FILE"; echo x >> count' > /dev/null
  link=$(readlink agents/job-1/owner.1); kill -9 "${link%%:*}"
  until_ok is_state job-1 unsupervised
  ag run -- sh -c 'echo x >> count' | grep -qx attached=true
  is_state job-1 running
  : > go
  answered; [[ $out = *':result 5'* ]]; [ "$(cat count)" = x ]
  rm -rf .breyta
  waits job-2 '{:type :bearer :secret-ref :k}'
  ag run -- sleep 60 > said
  link=$(readlink agents/job-2/owner.1); kill -9 "${link%%:*}" "$(sed -n 's/^pid=//p' said)"
  until_ok is_state job-2 lost
  ag attach job-2 > /dev/null
  answered; [[ $out = *':status "failed"'* ]]; [[ $out = *'died'* ]]
  run ag attach nothing; [ "$status" = 66 ]; [[ $output = *'there is no nothing here'* ]]
}
@test "stop ends the whole process group, also what ignores TERM; nothing is reported, and it does not start again" {
  for sh in busybox; do
    under $sh; rm -rf agents beat* started; PORT=$(free_port); to job-1
    ag run -- sh -c 'trap "" TERM; sh -c "while :; do date +%s > beat; sleep 0.1; done" & wait' > said
    until_ok test -s beat
    start=$SECONDS
    ag stop --grace 1 job-1 | grep -qx state=stopped
    [ $((SECONDS - start)) -le 5 ]
    cp beat beat.then; sleep 1.2; cmp beat beat.then
    until_ok test -s agents/job-1/final.json
    [ ! -e agents/job-1/sent ]
    ag run -- sh -c ': > started' | grep -qx state=stopped
    [ ! -e started ]
    ag stop never > /dev/null; ag run --id never -- sh -c ': > started' > /dev/null; [ ! -e started ]
    ag rm job-1; run ag status job-1; [ "$status" = 66 ]
  done
}
@test "what is asked wrongly" {
  under dash
  run ag run; [ "$status" = 64 ]; [[ $output = *'run what?'* ]]
  run ag run --nice -- true; [ "$status" = 64 ]; [[ $output = *'no option --nice'* ]]
  run ag run --dir /no/such -- true; [ "$status" = 66 ]; [[ $output = *'no directory /no/such'* ]]
  run ag dance; [ "$status" = 64 ]; [[ $output = *'no command dance'* ]]
  run ag progress half; [ "$status" = 64 ]; [[ $output = *BREYTA_PROGRESS_FILE* ]]
  run ag help; [ "$status" = 0 ]; [[ $output = *'breyta-agent run'*'BREYTA_WAIT_KEY'* ]]
  ag run --id '../../x y' -- true | grep -q '^id=_.*-[0-9]*$'
  [ "$(ls agents | wc -l)" = 1 ]
}
