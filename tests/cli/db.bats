load help

# Real servers, once for this file: see tests/tools/dbserver.sh.
setup_file() {
  export SERVERS=$(mktemp -d) TOOL=$BATS_TEST_DIRNAME/../tools/dbserver.sh
  chmod 755 "$SERVERS"
  mkdir "$SERVERS/pg" "$SERVERS/my"
  PG_PORT=$("$TOOL" start postgres "$SERVERS/pg") || { cat "$SERVERS/pg/log" >&2; return 1; }
  MY_PORT=$("$TOOL" start mysql "$SERVERS/my") || { cat "$SERVERS/my/log" >&2; return 1; }
  export PG_PORT MY_PORT
}
teardown_file() {
  "$TOOL" stop "$SERVERS/pg"
  "$TOOL" stop "$SERVERS/my"
  rm -rf "$SERVERS"
}

# db NAME BODY [TEMPLATES]: a flow with the slots :pg :my :lite, and conn.edn that binds them.
db() {
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :pg :type :database :label "PG" :backends #{:postgres}} {:slot :my :type :database :label "My"} {:slot :lite :type :database :label "Lite"}
            {:slot :ro :type :database :label "RO"} {:slot :x :type :database :label "X"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :templates [${3:-}]
 :functions [{:id :seen :language :clojure :code "(fn [{:keys [e]}] e)"}]
 :flow (quote $2)}
FLOW
  [ -f conn.edn ] || conn
}
# conn [MORE CONNECTIONS] [MORE SECRETS]
conn() {
  cat > conn.edn <<EDN
{:connections {:pg {:type :database :backend :postgres :config {:host "127.0.0.1" :port $PG_PORT :database "shop" :username "app" :secret-ref "pw"}}
               :my {:type :database :backend :mysql :config {:host "127.0.0.1" :port $MY_PORT :database "shop" :username "app" :secret-ref "pw"}}
               :lite {:type :database :config {:url "sqlite:$DIR/shop.db"}} ${1:-}}
 :secrets {:pw "canary-secret-1" ${2:-}}}
EDN
}
run_db() { db "$@"; br "$1.edn" --connections conn.edn --run-id "$1"; }
pg() { "$(ls -d /usr/lib/postgresql/*/bin | tail -1)/psql" -h "$SERVERS/pg" -p "$PG_PORT" -U app -d shop -XAtq -c "$1"; }
my() { mariadb --no-defaults -S "$SERVERS/my/sock" -u root shop -N -B -e "$1"; }
# What a failing step's data is, of the given keys: (failing :db {...} [:type ...])
try_() { echo "(try (flow/step :db :s $1) (catch Exception e (select-keys (ex-data e) $2)))"; }

@test "PostgreSQL: every type there and back" {
  pg 'drop table if exists t; create table t (i2 int2, i4 int4, i8 int8, n numeric(30,10), f4 float4, f8 float8, b bool, s text, v varchar(9), u uuid,
      ts timestamptz, t timestamp, d date, tm time, j json, jb jsonb, by bytea, ia int[], sa text[], na numeric[], aa int[][], iv interval, nn text)'
  run_db t '(do (flow/step :db :put {:database :postgres :connection :pg
       :sql "insert into t values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
       :params [-7 2147483647 9223372036854775807 123456789012345678.0123456789M 0.1 1.0E-300 true "x?\"é" :kw #uuid "00000000-0000-0001-0000-000000000002"
                #inst "2026-01-02T03:04:05.678Z" "2026-01-02T03:04:05.123456" "2026-02-28" "23:59:59.5" {:a [1 nil "q"]} {:b {"x y" 1.5}}
                nil [1 nil -3] ["a,b" "c\"d" "" nil "NULL" "{}"] [1.50M 2M] [[1 2] [3 4]] "1 day 2 hours" nil]})
     (flow/step :db :get {:connection :pg :sql "select * from t"}))'
  want 0 '[{:i2 -7, :i4 2147483647, :i8 9223372036854775807, :n 123456789012345678.0123456789M, :f4 0.1, :f8 1.0E-300, :b true, :s "x?\"é", :v "kw"'
} 2>/dev/null || true
