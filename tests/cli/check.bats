load help

echo_server() {
  mkfifo ready
  python3 "$ROOT/tests/tools/httpd.py" >ready 3>&- & echo $! > pid
  read -r _ PORT < ready
}
# requires NAME SLOTS [BODY]
requires() {
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [$2]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote ${3:-(flow/input)})}
FLOW
}
api() { echo "{:slot :$1 :type :http-api :label \"A\" :base-url \"http://127.0.0.1:$PORT$2\" :auth {:type :$3} $4}"; }
has() { [[ $out = *"$1"* ]] || { printf 'no %s in: %s\n' "$1" "$out" >&2; return 1; }; }

@test "check: nothing needed is all there; a flow that cannot run is not; bad usage is 2" {
  flow t '(flow/input)'
  br check t.edn; want 0 ""; says "all there"
  flow u '(flow/step :function :f {:ref :nosuch :input {}})'
  br check u.edn; [ "$st" = 1 ]; has "missing_function_reference"; says "something is missing"
  br check; want 2 ""
  br check none.edn; want 2 ""; says "cannot read none.edn"
  br check t.edn --connections none.json; want 2 ""; says "none.json"
}
@test "check: slots that are bound, open, optional, missing; of another type" {
  echo_server
  requires c "$(api api /echo bearer) $(api open /echo none) $(api maybe /echo bearer ':optional true') {:slot :kv :type :kv-store :label \"K\"}"
  br check c.edn; [ "$st" = 1 ]
  has "http-api api                  not-bound"; has "http-api open                 fine"; has "http-api maybe                not-bound     optional"
  echo '{:connections {:api {:type :http-api :config {:auth {:type :bearer :secret-ref :tok}}} :kv {:type :kv-store}} :secrets {:tok "secret-of-the-day"}}' > c.conn.edn
  br check c.edn --connections c.conn.edn; want 0 "$out"; says "all there"
  has "http-api api                  fine"; has "secret   tok                  fine"; has "/echo answers with 200"; has "kv-store kv                   fine"
  [[ $out$err != *of-the-day* ]]
  [ ! -e .breyta ]
  echo '{:connections {:api {:type :database :backend :sqlite :config {:path "x.db"}} :kv {:type :kv-store}}}' > c.conn.edn
  br check c.edn --connections c.conn.edn; [ "$st" = 1 ]; has "wrong-type"; has "bound is one of type database"
}
@test "check: any status is an answer, 401 and 403 are refused credentials, nobody there is unreachable; HEAD is enough" {
  echo_server
  requires c "$(api a /status/404 none) $(api b /status/500 none) $(api c /status/401 none) $(api d /status/403 none) $(api e /redirect none)"
  br check c.edn; [ "$st" = 1 ]
  has "a                    fine"; has "b                    fine"; has "c                    auth-refused"; has "d                    auth-refused"; has "e                    fine"
  has "answers with 401: it does not take these credentials"
  dead=$PORT; kill "$(cat pid)"; until_ok eval '! kill -0 "$(cat pid)" 2>/dev/null'; rm pid
  PORT=$dead
  requires c "$(api a /echo none)"
  br check c.edn; [ "$st" = 1 ]; has "unreachable   network"
  br check c.edn --no-connect; want 0 "$out"; has "untested"
}
@test "check: --guard refuses a private address" {
  echo_server
  requires c "$(api a /echo none)"
  br check c.edn --guard; [ "$st" = 1 ]; has "unreachable   guard"
}
@test "check: secrets of slots and of steps, by name only; workers" {
  requires c '{:slot :hook :type :secret :label "H"} {:kind :worker :job-type :transcode :label "T"}' \
    '(flow/step :http :q {:url "https://a.example/" :auth {:type :bearer :secret-ref :other}})'
  br check c.edn; [ "$st" = 1 ]
  has "secret   hook                 not-bound"; has "secret   other                missing"; has "worker   transcode            needed"
  printf 'canary-77-abc' > key.txt
  echo '{"secrets": {"hook": {"file": "key.txt"}, "other": {"env": "CHECK_NO_SUCH"}}}' > s.json
  br check c.edn --connections s.json; [ "$st" = 1 ]; has "secret   hook                 fine"; has "CHECK_NO_SUCH"
  CHECK_NO_SUCH=canary-88-abc br check c.edn --connections s.json; want 0 "$out"
  [[ $out$err != *canary* ]]
  rm key.txt
  CHECK_NO_SUCH=canary-88-abc br check c.edn --connections s.json; [ "$st" = 1 ]; has "key.txt"
}
@test "check: databases are asked SELECT 1; a file that is none is unreachable; backends that the slot does not take" {
  requires c '{:slot :db :type :database :label "D" :backends #{:sqlite}}'
  python3 -c 'import sqlite3; c=sqlite3.connect("shop.db"); c.execute("create table t(x)"); c.commit()'
  echo "{:connections {:db {:type :database :backend :sqlite :config {:path \"$PWD/shop.db\"}}}}" > d.edn
  br check c.edn --connections d.edn; want 0 "$out"; has "SELECT 1 works"
  echo "{:connections {:db {:type :database :backend :postgres :config {:host \"127.0.0.1\" :port 1 :database \"d\" :username \"u\"}}}}" > d.edn
  br check c.edn --connections d.edn; [ "$st" = 1 ]; has "wrong-type"
  requires c '{:slot :db :type :database :label "D"}'
  br check c.edn --connections d.edn; [ "$st" = 1 ]; has "unreachable   network"
}
@test "check: as JSON" {
  echo_server
  requires c "$(api a /status/403 none) {:kind :worker :job-type :transcode :label \"T\"}"
  br check c.edn --format json; [ "$st" = 1 ]
  python3 -c 'import json,sys; d=json.loads(sys.argv[1]); s=d["slots"][0]; assert d["ok"] is False and s["slot"]=="a" and s["status"]=="auth-refused" and s["bound"] is True and s["ok"] is False and d["workers"]==["transcode"], d' "$out"
}
@test "what is stored in the database is looked at: bound, its secret there or gone" {
  flow st '1'
  sed -i 's|:flow (quote|:requires [{:slot :crm :type :http-api :label "CRM" :base-url "https://crm.example" :auth {:type :bearer :secret-ref :tok}}]\n :flow (quote|' st.edn
  br check st.edn --no-connect --db x.db; [ "$st" = 1 ]
  [[ $out = *not-bound*"breyta-run connections"* ]]
  breyta-run connections set crm --db x.db --type http-api --config '{"base-url": "https://crm.example", "auth": {"type": "bearer", "secret-ref": "tok"}}'
  breyta-run connections bind st crm crm --db x.db
  br check st.edn --no-connect --db x.db; [ "$st" = 1 ]
  [[ $out = *"secret   tok"* ]]
  echo s3cret-value | breyta-run secrets set tok --db x.db
  br check st.edn --no-connect --db x.db; [ "$st" = 0 ]
  [[ $out = *untested*"secret   tok"*fine* ]]
  br check st.edn --no-connect --db x.db --workspace other; [ "$st" = 1 ]
}

@test "check: a binding of type blob-storage is said to move no blobs" {
  flow b 1
  sed 's/:slug/:requires [{:slot :files :type :blob-storage :label "Files"}] :slug/' b.edn > f.edn
  echo '{"connections": {"files": {"type": "blob-storage", "backend": "s3"}}}' > c.json
  br check f.edn --connections c.json --db x.db
  [ "$st" = 0 ]
  [[ $out = *'files '*'untested '*'a binding changes nothing about that'* ]]
  br check f.edn --db x.db
  [ "$st" = 0 ]
  [[ $out = *'files '*'kept in x.db'* ]]
}
