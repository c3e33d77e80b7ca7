#!/bin/bash
# Runs every folder of flows-examples as its README says and compares the value with expected.edn. A server of our own
# (tests/tools/httpd.py) on a free loopback port stands in for the real ones. Closes with `N passed, N failed`.
cd "$(dirname "$0")/../.." || exit 2
BIN=${BIN:-build/breyta-run}
tmp=$(mktemp -d)
passed=0 failed=0
python3 tests/tools/httpd.py --port 0 > "$tmp/httpd" 2>"$tmp/httpd.err" &
server=$!
model=
trap 'kill $server $model 2>/dev/null; [ ! -d "$tmp/ssh" ] || tests/tools/sshd.sh stop "$tmp/ssh"; wait $server $model 2>/dev/null; rm -rf "$tmp"' EXIT
for _ in $(seq 200); do grep -q '^PORT ' "$tmp/httpd" && break; read -rt 0.05 <> <(:) ; done
port=$(sed -n 's/^PORT //p' "$tmp/httpd")
[ -n "$port" ] || { echo "the test server did not start"; cat "$tmp/httpd.err"; echo "0 passed, 1 failed"; exit 1; }

same() { # name, got, expected
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); printf 'FAIL %s\n  expected %s\n  got      %s\n' "$1" "$3" "$2"; fi
}

for dir in flows-examples/*/; do
  [ "$dir" = flows-examples/embed-c/ ] && continue # a program in C: tests/cli/embed.bats
  same "$(basename "$dir") lints" "$("$BIN" lint "$dir/flow.edn" 2>&1)" "0 errors, 0 warnings"
  [ -f "$dir/expected.json" ] && continue # needs a server: workers.sh
  name=$(basename "$dir") db="$tmp/$name.db" expected=$(cat "$dir/expected.edn")
  sed "s/8099/$port/g" "$dir/input.json" > "$tmp/input.json"
  more=(); [ "$name" = approval ] && more=(--public-url http://approvals.test)
  if [ -f "$dir/model.json" ]; then
    [ -z "$model" ] || { kill "$model"; wait "$model"; } 2>/dev/null
    [ -p "$tmp/llmd" ] || mkfifo "$tmp/llmd"
    python3 tests/tools/llmd.py --script "$dir/model.json" > "$tmp/llmd" 2>"$tmp/llmd.err" & model=$!
    read -r _ model_port < "$tmp/llmd"
  fi
  if [ -f "$dir/connections.json" ]; then # files that it names are in the directory of this test
    sed "s/8099/$port/g; s/8098/$model_port/g; s#sqlite:#sqlite:$tmp/#" "$dir/connections.json" > "$tmp/$name.json"
    more+=(--connections "$tmp/$name.json")
  fi
  if [[ $name = ssh-* || $name = agent-ssh ]]; then # a real sshd, whose files stand in place of those that it names
    [ -d "$tmp/ssh" ] || { mkdir "$tmp/ssh"; chmod 755 "$tmp"; tests/tools/sshd.sh start "$tmp/ssh" >/dev/null; }
    sed "s#8022#$(cat "$tmp/ssh/port")#; s#\"agent\"#\"$(cat "$tmp/ssh/user")\"#; s#\"known_hosts\"#\"$tmp/ssh/known_hosts\"#; s#\"id_ed25519\"#\"$tmp/ssh/id_ed25519\"#" \
      "$dir/connections.json" > "$tmp/$name.json"
    more+=(--listen 127.0.0.1:0)
  fi
  got=$("$BIN" "$dir/flow.edn" --db "$db" --run-id "$name" --input "@$tmp/input.json" "${more[@]}" 2>"$tmp/err") ; rc=$?
  if [ "$name" = wait-for-callback ]; then
    same "$name parks" "$rc" 3
    key=$(sed -n "s/.*breyta-run send --db [^ ]* '\([^']*\)'.*/\1/p" "$tmp/err" | head -1)
    "$BIN" send "$key" '{"status": "ok", "result": {"answer": 42}}' --db "$db" 2>"$tmp/err2"; same "$name send" $? 0
    got=$("$BIN" resume "$name" --db "$db" 2>>"$tmp/err"); rc=$?
  fi
  if [ "$name" = approval ]; then
    same "$name parks" "$rc" 3
    same "$name tells" "$(curl -s "http://127.0.0.1:$port/kept" | grep -c 'Ann asks for 120.*http://approvals.test/local/waits/[0-9-]*/approve?token=[0-9a-f]\{64\}')" 1
    "$BIN" approve "$name" --role manager --value '{"comment": "fine"}' --db "$db" 2>"$tmp/err2"; same "$name approve" $? 0
    got=$("$BIN" resume "$name" --db "$db" 2>>"$tmp/err"); rc=$?
  fi
  if [ "$name" = review-before-sending ]; then
    same "$name parks" "$rc" 3
    "$BIN" approve "$name" draft --value '{"text": "Dear Ada, it is here."}' --db "$db" 2>"$tmp/err2"; same "$name approve" $? 0
    "$BIN" resume "$name" --db "$db" >/dev/null 2>"$tmp/err2"; same "$name parks again" $? 3
    "$BIN" approve "$name" send --db "$db" 2>"$tmp/err2"
    got=$("$BIN" resume "$name" --db "$db" 2>>"$tmp/err"); rc=$?
  fi
  if [ -f "$dir/handler.py" ]; then # the run waits for a worker: a server on the same database, and a worker
    same "$name parks" "$rc" 3
    type=$(sed -n 's/.*:job-type "\([^"]*\)".*/\1/p' "$dir/flow.edn" | head -1)
    mkdir -p "$tmp/$name" && mv "$db" "$tmp/$name/breyta.db" && mv "$db-wal" "$tmp/$name/breyta.db-wal" 2>/dev/null
    db="$tmp/$name/breyta.db"
    mkfifo "$tmp/$name/out"
    "${BIN%-run}" serve --data "$tmp/$name" --workspace local --listen 127.0.0.1:0 >"$tmp/$name/out" 2>"$tmp/$name/log" & serving=$!
    { read -r url; read -r _; read -r key; } <"$tmp/$name/out"
    BREYTA_API_URL=${url#*=} BREYTA_API_KEY=${key#*=} BREYTA_WORKSPACE=local "${BIN%-run}" jobs worker run --type "$type" --handler "$dir/handler.py" \
      --max-jobs "$(jq '.texts // [1] | length' "$dir/input.json")" >"$tmp/out2" 2>"$tmp/err2"; same "$name worker" $? 0
    for _ in $(seq 200); do "$BIN" show "$name" --db "$db" 2>/dev/null | grep -q completed && break; read -rt 0.05 <> <(:) ; done
    kill "$serving"; wait "$serving"
    got=$("$BIN" resume "$name" --db "$db" 2>>"$tmp/err"); rc=$?
  fi
  same "$name value" "$got" "$expected"
  same "$name exit status" "$rc" 0
  same "$name again" "$("$BIN" resume "$name" --db "$db" 2>/dev/null)" "$expected"
  "$BIN" replay "$name" --db "$db" >"$tmp/replay" 2>&1; same "$name replay" "$?" 0
  [ "$rc" = 0 ] || tail -5 "$tmp/err"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
