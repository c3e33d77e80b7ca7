#!/bin/bash
# The examples with workers (flows-examples/worker-*), as their READMEs say: a server, the example's worker, and the flow over the command line. What the run
# answers is compared with expected.json. Closes with `N passed, N failed`.
cd "$(dirname "$0")/../.." || exit 2
BREYTA=${BREYTA:-build/breyta}
tmp=$(mktemp -d)
passed=0 failed=0 worker=
export TMPDIR=$tmp XDG_CONFIG_HOME=$tmp/config
"$BREYTA" serve --data "$tmp/data" --listen 127.0.0.1:0 --log off > "$tmp/serve" 2>"$tmp/serve.err" &
server=$!
trap 'kill $worker $server 2>/dev/null; wait $worker $server 2>/dev/null; rm -rf "$tmp"' EXIT
for _ in $(seq 400); do [ "$(wc -l < "$tmp/serve")" = 3 ] && break; read -rt 0.05 <> <(:); done
set -a; . "$tmp/serve"; set +a

same() { # name, got, expected
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); printf 'FAIL %s\n  expected %s\n  got      %s\n' "$1" "$3" "$2"; fi
}

for dir in flows-examples/worker-*/; do
  name=$(basename "$dir")
  # the worker's command is in the flow, where whoever installs it reads it
  read -r -a command < <(sed -n 's/.*:description "breyta \(jobs worker run [^"]*\)".*/\1/p' "$dir/flow.edn")
  "$BREYTA" "${command[@]}" > "$tmp/$name.out" 2> "$tmp/$name.err" & worker=$!
  "$BREYTA" flows push --file "$dir/flow.edn" > "$tmp/push" 2>&1; same "$name is pushed" $? 0
  got=$("$BREYTA" flows run "$name" --input-file "$dir/input.json" --wait 2>"$tmp/run.err"); rc=$?
  same "$name exit status" $rc 0
  same "$name result" "$(jq -cS '.data.run.resultPreview.data.result' <<< "$got")" "$(jq -cS . "$dir/expected.json")"
  kill -TERM $worker
  wait $worker; same "$name worker" $? 0
  same "$name leaves no folders" "$(ls "$tmp" | grep -c breyta-job-)" 0
  [ $rc = 0 ] || { cat "$tmp/push" "$tmp/run.err"; tail -5 "$tmp/$name.err"; }
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
