load help

# What is stored of connections and secrets. KEY is the key file that the first `secrets set` makes.
KEY=config/breyta/secrets.key
put() { printf '%s' "$2" | timeout 20 breyta-run secrets set "$1" 2>.err; } # NAME VALUE
none() { ! grep "$@"; } # `!` alone does not fail a test
echo_server() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
}
# A flow :NAME with the slot :api.
api_flow() {
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :api :type :http-api :label "API" :base-url "http://127.0.0.1:$PORT/" :auth {:type :bearer}}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote $2)}
FLOW
}

@test "set takes the value from standard input, the environment or a file; nothing shows it" {
  printf 'canary-stdin-1\n' | breyta-run secrets set a
  CANARY=canary-env-22 breyta-run secrets set b --from-env CANARY
  printf 'canary-file-3\r\n' > f.txt
  br secrets set c --from-file f.txt; [ "$st" = 0 ]
  rm f.txt
  br secrets list --format json; [ "$st" = 0 ]
  [ "$(jq -r '.[] | "\(.name) \(.version) \(.created == .updated) \(.key | length)"' <<<"$out")" = 'a 1 true 16
b 1 true 16
c 1 true 16' ]
  put a canary-stdin-2
  br secrets list; [[ $out = *':name "a", :version 2'* ]]
  [ "$(stat -c %a $KEY)" = 600 ]
  none -rlE "canary-|$(printf canary- | base64 | cut -c1-8)" .
  br secrets rm a; [ "$st" = 0 ]
  br secrets list; [[ $out != *'"a"'* ]]
  br secrets rm a; want 2 ""; says "there is no secret a"
}
@test "what set refuses, and what is no command" {
  br secrets set a hunter2; want 2 ""; says "can be seen by others"
  br secrets set a --from-env NO_SUCH; want 2 ""; says "no variable NO_SUCH"
  br secrets set a --from-file nope; want 2 ""; says "cannot read nope"
  br secrets set a --from-file nope --from-env HOME; want 2 ""; says "not both"
  br secrets set a; want 2 ""; says "the value of a is empty"
  printf 'a\0b' > z; br secrets set a --from-file z; want 2 ""; says "zero byte"
  br secrets set "$(printf 'x\ny')" --from-file z; want 2 ""; says "control characters"
  head -c 1048577 /dev/zero | tr '\0' x > big; br secrets set a --from-file big; want 2 ""; says "larger than 1 MiB"
  br secrets; want 2 ""; says "say what to do"
  br secrets get a; want 2 ""; says 'does not know "get"'
  br secrets list --db nope.db; want 2 ""; says "there is no database nope.db"
  [ ! -e nope.db ]
}
@test "a flow uses a stored connection and secret; no byte at rest, no output has the value; a new value is used by the next step" {
  echo_server
  api_flow c '(let [r (flow/step :http :get {:connection :api :path "/echo"})] [(:authorization (:headers (:body r))) (count (:path (:body r)))])'
  br c.edn; [ "$st" = 1 ]; says "api"
  C=canary-$RANDOM-sesame-77
  put tok "$C"
  br connections set main --type http-api --config '{"auth": {"type": "bearer", "secret-ref": "tok"}}'; [ "$st" = 0 ]
  br connections bind c api main; want 0 ""
  br c.edn --run-id r; want 0 '["Bearer #secret[tok]" 5]'
  [[ $err != *canary* ]]
  br replay r; [ "$st" = 0 ]
  br show r; [[ $out$err != *canary* ]]
  echo '{"connections": {"api": {"type": "http-api", "config": {"auth": {"type": "bearer", "secret-ref": "other"}}}}, "secrets": {"other": {"env": "OTHER"}}}' > over.json
  OTHER=canary-over br c.edn --connections over.json; want 0 '["Bearer #secret[other]" 5]'
  none -rlE -- "$C|$(printf '%s' "$C" | base64 | cut -c1-16)|$(printf '%s' "$C" | od -An -tx1 | tr -d " \n" | cut -c1-24)" .
  br c.edn --workspace other; [ "$st" = 1 ]; says "api"
  br secrets rm tok; br c.edn; [ "$st" = 1 ]; says "there is no secret tok"
}
@test "secrets and bindings change beside a running executor, whose next step uses them" {
  echo_server
  api_flow w '(do (flow/step :wait :go {:key "go" :timeout "1h"})
                  (:status (flow/step :http :get {:connection :api :path "/status/200"})))'
  breyta-run w.edn --run-id w --listen 127.0.0.1:0 >w.out 2>w.err 3>&- & run=$!
  until_ok grep -q listening w.err
  until_ok eval 'breyta-run runs | grep -q waiting'
  put tok canary-beside-1
  br connections set main --type http-api --config '{"auth": {"type": "bearer", "secret-ref": "tok"}}'; [ "$st" = 0 ]
  br connections bind :w :api main; [ "$st" = 0 ]
  br secrets rotate-key; [ "$st" = 0 ]
  br send go '{}'; [ "$st" = 0 ]
  wait $run || { cat w.err >&2; false; }
  [ "$(cat w.out)" = 200 ]
  none -rl canary-beside .
}
@test "rotation: killed anywhere, every secret opens and another call finishes it" {
  refs=
  for i in 1 2 3 4 5 6; do put s$i canary-rotate-$i; refs+="\"r$i-ref\": \"s$i\", "; done
  br connections set all --type secret --config "{${refs%, }}"; [ "$st" = 0 ]
  mixed=0
  for n in 1 2 3 4 5 6 7 8 9; do
    timeout 20 strace -f -o trace -e trace=fdatasync,fsync -e inject=fdatasync,fsync:signal=KILL:when=$n "$BIN" secrets rotate-key 2>/dev/null || :
    br connections check all; want 0 '{:id "all", :ok true, :problems []}'
    br secrets list --format json
    [ "$(jq '[.[].key] | unique | length' <<<"$out")" = 1 ] || mixed=$((mixed + 1))
  done
  [ $mixed -ge 2 ]
  br secrets rotate-key; [ "$st" = 0 ]
  br secrets list --format json
  [ "$(jq '[.[].key] | unique | length' <<<"$out")" = 1 ]
  [ "$(jq '[.[].version] | unique' -c <<<"$out")" = '[1]' ]
  [ "$(wc -l < $KEY)" -gt 1 ]
  br secrets rotate-key --forget-old; [ "$st" = 0 ]
  [ "$(wc -l < $KEY)" = 1 ]
  br connections check all; want 0 '{:id "all", :ok true, :problems []}'
  [ "$(stat -c %a $KEY)" = 600 ]
  none -rl canary-rotate .
}
@test "an old key is not forgotten while a secret needs it" {
  put a canary-a
  old=$(cat $KEY)
  { openssl rand -base64 32; echo "$old"; } > k
  chmod 600 k
  mv k $KEY
  br secrets rotate-key --forget-old; want 2 ""; says "1 secrets are still sealed with an old key"
  br secrets rotate-key; [ "$st" = 0 ]; says "going on with the key that is there: 1 secrets"
  br secrets rotate-key --forget-old; [ "$st" = 0 ]
}
@test "a key file that others can read, that is damaged, another key, no key, a key in the environment" {
  put a canary-a
  br connections set c --type secret --config '{"x-ref": "a"}'; [ "$st" = 0 ]
  chmod 640 $KEY
  br connections check c; [ "$st" = 1 ]; [[ $out = *"chmod 600"* ]]
  br secrets set a --from-env HOME; [ "$st" = 1 ]; says "key_permissions"
  chmod 600 $KEY
  cp $KEY good
  openssl rand -base64 32 > $KEY
  br connections check c; [ "$st" = 1 ]; [[ $out = *"is sealed with the key"*"does not have"* ]]
  echo nonsense > $KEY
  br connections check c; [ "$st" = 1 ]; [[ $out = *"not the base64 text of 32 bytes"* ]]; [[ $out != *nonsense* ]]
  rm $KEY
  br connections check c; [ "$st" = 1 ]; [[ $out = *"there is no key file"* ]]
  [ ! -e $KEY ]
  chmod 600 good
  br connections check c --secrets-key good; [ "$st" = 0 ]
  BREYTA_SECRETS_KEY=$(cat good) br connections check c; [ "$st" = 0 ]
  BREYTA_SECRETS_KEY=$(cat good) br secrets rotate-key; want 2 ""; says "put a new one in front of it there"
  new=$(openssl rand -base64 32),$(cat good)
  BREYTA_SECRETS_KEY=$new br secrets rotate-key; [ "$st" = 0 ]; says "1 secrets are sealed again"
  BREYTA_SECRETS_KEY=${new%%,*} br connections check c; [ "$st" = 0 ]
}
@test "a record that was changed, or moved to another name, does not open" {
  put a canary-a
  put b canary-b
  br connections set c --type secret --config '{"x-ref": "a"}'
  python3 - <<'PY'
import sqlite3
d = sqlite3.connect('.breyta/breyta.db')
d.execute("update docs set data=(select data from docs where kind='secret' and key='b') where kind='secret' and key='a'")
d.commit()
PY
  br connections check c; [ "$st" = 1 ]; [[ $out = *"was changed, or belongs elsewhere"* ]]
  python3 -c "
import sqlite3
d = sqlite3.connect('.breyta/breyta.db')
d.execute(\"update docs set data=x'00' where kind='secret' and key='a'\")
d.commit()"
  br connections check c; [ "$st" = 1 ]; [[ $out = *"is no secret"* ]]
  br secrets list; [ "$st" = 0 ]; [[ $out = *'{:name "a", :damaged true}'* ]]
  put a canary-new
  br connections check c; [ "$st" = 0 ]
}
@test "connections: set again keeps what is not given, list, show, unbind, rm" {
  br connections set db1 --type database --backend sqlite --config '{"path": "x.db"}'; [ "$st" = 0 ]
  br connections set api --type http-api --config '{"base-url": "https://x.test"}'; [ "$st" = 0 ]
  br connections set db1 --config '{"path": "y.db"}'; [ "$st" = 0 ]
  br connections list --format json
  [ "$(jq -r '.[] | "\(.id) \(.type) \(.backend)"' <<<"$out")" = 'api http-api null
db1 database sqlite' ]
  br connections list --type database --format json; [ "$(jq length <<<"$out")" = 1 ]
  br connections bind f db db1 --target live; [ "$st" = 0 ]
  br connections show db1 --format json
  [ "$(jq -c '[.config, ."bound-to"]' <<<"$out")" = '[{"path":"y.db"},[{"flow":"f","target":"live","slot":"db","connection":"db1"}]]' ]
  br connections rm db1; want 2 ""; says "is bound to slot db of the flow f (live)"
  br connections unbind f db --target live; [ "$st" = 0 ]
  br connections rm db1; [ "$st" = 0 ]
  br connections show db1; want 2 ""; says "there is no connection db1"
  br connections list --workspace other; want 0 '[]'
}
@test "connections: wrong values" {
  br connections set a; want 2 ""; says "--type"
  br connections set a --type ftp; want 2 ""; says '"type" is one of'
  br connections set a --type database --backend oracle; want 2 ""; says '"backend" is one of'
  br connections set a/b --type ssh; want 2 ""; says "is no id of a connection"
  br connections set a --type http-api --config '[1]'; want 2 ""; says '"config" is a map'
  br connections set a --type http-api --config '{"auth": {"type": "bearer", "token": "hunter2"}}'; want 2 ""; says "readable in the database"; [[ $err != *hunter2* ]]
  br connections bind f s nope; want 2 ""; says "there is no connection nope"
  br connections set a --type ssh; [ "$st" = 0 ]
  br connections bind f s a --target staging; want 2 ""; says "--target is draft or live"
  br connections bind f/g s a; want 2 ""; says "FLOW is the :slug"
  br connections bind f s; want 2 ""; says "FLOW SLOT ID"
  br connections set b --type secret --config '{"x-ref": "gone"}'
  br connections check b; [ "$st" = 1 ]; [[ $out = *"there is no secret gone"* ]]
}
@test "a run that another process takes up finds its slots, declared and stored" {
  echo_server
  api_flow t '(do (flow/step :wait :go {:key "go" :timeout "1h"}) [(flow/slot-bound? :api) (:path (:body (flow/step :http :get {:connection :api :path "/echo"})))])'
  put tok canary-later
  br connections set main --type http-api --config '{"auth": {"type": "bearer", "secret-ref": "tok"}}'
  br connections bind t api main
  br t.edn --run-id t; [ "$st" = 3 ]
  br send go '{}'
  br resume t; want 0 '[true "/echo"]'
}
@test "requests that come before their wait are sealed, and open after a rotation; the old key stays while they need it" {
  flow w '(do (flow/step :wait :go {:key "go"}) (flow/step :wait :cb {:key "late" :webhook {:auth {:type :bearer :secret-ref :k}}}))'
  put k canary-early-1
  breyta-run w.edn --run-id w --listen 127.0.0.1:0 >w.out 2>w.err 3>&- & run=$!
  echo $run > pid
  until_ok grep -q listening w.err
  PORT=$(sed -n 's/.*127.0.0.1:\([0-9]*\).*/\1/p' w.err | head -1)
  until_ok eval 'breyta-run runs | grep -q waiting'
  post() { curl -s -o reply -w '%{http_code}' -X POST -d "$2" -H "Authorization: Bearer $3" "http://127.0.0.1:$PORT/local/events/$1"; }
  [ "$(post late '{"canary": "canary-body"}' canary-early-1)" = 202 ]
  none -rlE 'canary-(early|body)' .breyta config
  chmod 644 $KEY
  [[ $(post late '{"n": 2}' canary-early-1) = 5* ]]
  none -E 'secrets.key|mode' reply; grep -q 'chmod 600' w.err
  chmod 600 $KEY
  br secrets rotate-key; [ "$st" = 0 ]
  br secrets rotate-key --forget-old; want 2 ""; says "1 requests that came before their wait"
  [ "$(post go '{}' x)" = 200 ]
  wait $run || { cat w.err >&2; false; }
  [ "$(cat w.out)" = '{:canary "canary-body"}' ]
  br secrets rotate-key --forget-old; [ "$st" = 0 ]
}
@test "a connection or binding in the database that cannot be read is not called unbound" {
  cat > u.edn <<'FLOW'
{:slug :u :name "u" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :api :type :http-api :label "API" :base-url "http://127.0.0.1:1" :auth {:type :bearer}}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote (try (flow/step :http :get {:connection :api}) (catch Exception e (:type (ex-data e)))))}
FLOW
  br connections set main --type http-api --config '{"auth": {"type": "bearer", "secret-ref": "tok"}}'; [ "$st" = 0 ]
  br connections bind u api main; [ "$st" = 0 ]
  local kind
  for kind in connection binding; do
    python3 -c "import sqlite3; d=sqlite3.connect('.breyta/breyta.db'); d.execute(\"UPDATE docs SET data=x'7b7b' WHERE kind='$kind'\"); d.commit()"
    br u.edn; want 0 ':connection-unreadable'
    br check u.edn; [ "$st" != 0 ]; [[ $out$err = *unreadable*"the $kind"*"cannot be read back"* ]]
    sed 's/(flow\/step :http :get {:connection :api})/(flow\/slot-bound? :api)/; s/(:type (ex-data e))/(ex-message e)/' u.edn > b.edn
    br b.edn; [ "$st" = 0 ]; [[ $out = *"cannot be read"* ]]
    br connections set main --type http-api --config '{"auth": {"type": "bearer", "secret-ref": "tok"}}' || :
  done
}
