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

# conn [MORE CONNECTIONS] [MORE SECRETS]
conn() {
  cat > conn.edn <<EDN
{:connections {:pg {:type :database :backend :postgres :config {:host "127.0.0.1" :port $PG_PORT :database "shop" :username "app" :secret-ref "pw"}}
               :my {:type :database :backend :mysql :config {:host "127.0.0.1" :port $MY_PORT :database "shop" :username "app" :secret-ref "pw"}}
               :lite {:type :database :config {:url "sqlite:$DIR/shop.db"}} ${1:-}}
 :secrets {:pw "canary-secret-1" ${2:-}}}
EDN
}
# db NAME BODY [TEMPLATES]: a flow with the slots :pg :my :lite :x, run under its name
db() {
  cat > "$1.edn" <<FLOW
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :pg :type :database :label "PG" :backends #{:postgres}} {:slot :my :type :database :label "My"} {:slot :lite :type :database :label "Lite"}
            {:slot :x :type :database :label "X"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :templates [${3:-}]
 :flow (quote $2)}
FLOW
  [ -f conn.edn ] || conn
  br "$1.edn" --connections conn.edn --run-id "$1"
}
# fails NAME CONFIG: the data of the error that a step with that config fails with, in $out
fails() {
  db "$1" "(try (flow/step :db :s $2) (catch Exception e (select-keys (ex-data e) [:type :kind :sqlstate :retryable? :outcome :constraint :message])))"
  [ "$st" = 0 ] || { echo "$err" >&2; return 1; }
}
has() { # $out contains each
  local x
  for x in "$@"; do [[ $out == *"$x"* ]] || { printf 'lacks: %s\nstdout: %s\nstderr: %s\n' "$x" "$out" "$err" >&2; return 1; }; done
}
pg() { "$(ls -d /usr/lib/postgresql/*/bin | tail -1)/psql" -h "$SERVERS/pg" -p "$PG_PORT" -U app -d shop -XAtq -c "$1"; }
my() { mariadb --no-defaults -S "$SERVERS/my/sock" -u root shop -N -B -e "$1"; }
pg_says() { [ "$(pg "$1")" = "$2" ]; }
my_says() { [ "$(my "$1")" = "$2" ]; }

@test "PostgreSQL: every type there and back" {
  pg 'create table t (i2 int2, i4 int4, i8 int8, n numeric(30,10), f4 float4, f8 float8, b bool, s text, v varchar(9), u uuid,
      ts timestamptz, t timestamp, d date, tm time, j json, jb jsonb, by bytea, ia int[], sa text[], na numeric[], aa int[][], iv interval, nn text)'
  db t '(do (flow/step :db :put {:database :postgres :connection :pg
       :sql "insert into t values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
       :params [-7 2147483647 9223372036854775807 123456789012345678.0123456789M 0.1 1.0E-300 true "x?\"é" :kw #uuid "00000000-0000-0001-0000-000000000002"
                #inst "2026-01-02T03:04:05.678Z" "2026-01-02T03:04:05.123456" "2026-02-28" "23:59:59.5" {:a [1 nil "q"]} {:b {"x y" 1.5}}
                nil [1 nil -3] ["a,b" "c\"d" "" nil "NULL" "{}"] [1.50M 2M] [[1 2] [3 4]] "1 day 2 hours" nil]})
     (let [r (first (flow/step :db :get {:connection :pg :sql "select * from t"}))]
       (for [k [:i2 :i4 :i8 :n :f4 :f8 :b :s :v :u :ts :t :d :tm :j :jb :by :ia :sa :na :aa :iv :nn]] (get r k))))'
  want 0 '(-7 2147483647 9223372036854775807 123456789012345678.0123456789M 0.1 1.0E-300 true "x?\"é" "kw" #uuid "00000000-0000-0001-0000-000000000002" #inst "2026-01-02T03:04:05.678-00:00" "2026-01-02T03:04:05.123456" "2026-02-28" "23:59:59.5" {:a [1 nil "q"]} {:b {"x y" 1.5}} nil [1 nil -3] ["a,b" "c\"d" "" nil "NULL" "{}"] [1.50M 2M] [[1 2] [3 4]] "P1DT2H" nil)'
  br replay t; [ "$st" = 0 ]
}
@test "PostgreSQL: parameters behave as literals; ?? is the operator; bytes; columns in order, of one name, of types without a counterpart" {
  db p '(let [r (first (flow/step :db :a {:connection :pg
     :sql "select ?::bytea as b, ?::jsonb as j, ? is null as n, ? + 1 as one, repeat(?, ?) as r, (?::date + ?)::text as d, $q$ ? $q$ as q -- ?
           , ?::jsonb ?? ? as has, 7 = any(?) as any, ? * 2.0 as dbl, $$infinity$$::timestamptz as inf"
     :params [(byte-array [1 2 255]) [1 {:a 2}] nil 41 "ab" 3 "2026-01-31" 1 {:k 1} "k" [5 7] 1.25]}))]
    [(for [x (:b r)] x) (for [k [:j :n :one :r :d :q :has :any :dbl :inf]] (get r k))
     (flow/step :db :b {:connection :pg :sql "select 1 as a, 2 as a, 3 as \"A b\""})])'
  want 0 '[(1 2 -1) ([1 {:a 2}] true 42 "ababab" "2026-02-01" " ? " true true 2.500M "infinity") [{:a 1, :a_2 2, :A b 3}]]'
}
@test "MariaDB: every type there and back" {
  my 'create table t (i1 tinyint, b boolean, u8 bigint unsigned, i8 bigint, n decimal(30,10), f4 float, f8 double, s varchar(50), x text, ts timestamp(3) null, dt datetime(6),
      d date, tm time(2), y year, j json, u uuid, bl blob, bi bit(1), b9 bit(9), e enum("a","b"), nn text)'
  db t '(do (flow/step :db :put {:database :mysql :connection :my :sql "insert into t values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
       :params [-7 true 18446744073709551615 9223372036854775807 123456789012345678.0123456789M 0.1 1.0E-300 "x?\"é😀" :kw #inst "2026-01-02T03:04:05.678Z"
                "2026-01-02 03:04:05.123456" "2026-02-28" "-23:59:59.5" 2026 {:a [1 nil "q"]} #uuid "00000000-0000-0001-0000-000000000002" (byte-array [0 255]) 1 257 "b" nil]})
     (let [r (first (flow/step :db :get {:connection :my :sql "select * from t"}))]
       [(for [k [:i1 :b :u8 :i8 :n :f4 :f8 :s :x :ts :dt :d :tm :y :j :u :bi :b9 :e :nn]] (get r k)) (for [b (:bl r)] b)]))'
  want 0 '[(-7 true 18446744073709551615N 9223372036854775807 123456789012345678.0123456789M 0.1 1.0E-300 "x?\"é😀" "kw" #inst "2026-01-02T03:04:05.678-00:00" "2026-01-02T03:04:05.123456" "2026-02-28" "-23:59:59.50" 2026 {:a [1 nil "q"]} #uuid "00000000-0000-0001-0000-000000000002" true 257 "b" nil) (0 -1)]'
}
@test "SQLite: values, counts, RETURNING, the id of what was inserted; one connection is one file" {
  db l '[(flow/step :db :c {:connection :lite :sql "create table t (id integer primary key, s text, r real, b boolean, j json, bl blob, at text)"})
     (flow/step :db :i {:connection :lite :sql "insert into t (s, r, b, j, bl, at) values (?,?,?,?,?,?)" :params ["a?" 1.5 true {:k [1]} nil #inst "2026-01-02T03:04:05.678Z"]})
     (flow/step :db :u {:database :sqlite :connection "lite" :sql "update t set r = r + 1 returning id, r"})
     (flow/step :db :n {:connection :lite :sql "update t set r = 0 where id = 99"})
     (flow/step :db :g {:connection :lite :sql "select id, s, r, b, j, bl, at from t -- ?"})]'
  want 0 '[{:update-count 0} {:update-count 1, :last-insert-id 1} [{:id 1, :r 2.5}] {:update-count 0} [{:id 1, :s "a?", :r 2.5, :b true, :j {:k [1]}, :bl nil, :at "2026-01-02T03:04:05.678Z"}]]'
  fails a "{:connection :lite :sql \"attach 'x' as y\"}"; has ':kind :permission' 'ATTACH'
  fails m '{:connection :lite :sql "select 1; select 2"}'; has ':validation' 'more than one statement'
  fails p '{:connection :lite :sql "select ?1"}'; has ':validation' ':sql 1:8'
  [ ! -e x ]
}
@test "counts: found rows, inserted ids, rows of RETURNING" {
  pg 'create table c (id serial primary key, v int)'
  my 'create table c (id int auto_increment primary key, v int)'
  for s in pg my; do
    db "c$s" "[(flow/step :db :a {:connection :$s :sql \"insert into c (v) values (?), (?)\" :params [1 1]})
       (flow/step :db :b {:connection :$s :sql \"update c set v = 1\"})
       (flow/step :db :c {:connection :$s :sql \"insert into c (v) values (9) returning id, v\"})
       (flow/step :db :d {:connection :$s :sql \"delete from c where v = ?\" :params [1]})]"
    [ "$st" = 0 ]
    has '{:update-count 2} [{:id 3, :v 9}] {:update-count 2}]'
  done
  has '[{:update-count 2, :last-insert-id 1}' # MariaDB
}
@test "templates of type :db-query and :sql give the statement; lint knows both" {
  db q '[(flow/step :db :a {:connection :pg :template :one :data {:what "7"} :params [3]}) (flow/step :db :b {:connection :pg :template :two})]' \
    '{:id :one :type :db-query :sql "select {{what}} as w, ?::int as p"} {:id :two :type :sql :query "select 2 as two"}'
  want 0 '[[{:w 7, :p 3}] [{:two 2}]]'
}
@test ":timeout stops the statement on the server" {
  fails p '{:connection :pg :sql "select pg_sleep(25)" :timeout "300ms"}'; has ':type :timeout' ':retryable? true' '300 ms' 'stopped in the database'
  pg_says "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep(25)%'" 0
  fails m '{:connection :my :sql "select sleep(25)" :timeout "300ms"}'; has ':type :timeout' 'stopped in the database'
  my_says "select count(*) from information_schema.processlist where info like 'select sleep(25)%'" 0
  fails l '{:connection :lite :sql "with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c" :timeout "300ms"}'; has ':type :timeout'
  pg 'create table slow (x int)'
  fails w '{:connection :pg :sql "insert into slow select 1 from (select pg_sleep(25)) s" :timeout "300ms"}'; has ':type :timeout'
  [[ $out != *:outcome* ]]; pg_says 'select count(*) from slow' 0
}
@test "a run that is cancelled stops its statement on the server" {
  for s in pg my; do
    call=$([ $s = pg ] && echo pg_sleep || echo sleep)
    conn
    cat > "k$s.edn" <<FLOW
{:slug :k$s :name "k" :concurrency {:type :singleton :on-new-version :supersede} :requires [{:slot :$s :type :database :label "D"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote (flow/step :db :s {:connection :$s :sql "select $call(26)"}))}
FLOW
    timeout 30 breyta-run "k$s.edn" --connections conn.edn --run-id "k$s" >/dev/null 2>"err$s" 3>&- & job=$!
    if [ $s = pg ]; then q() { pg_says "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep(26)%'" "$1"; }
    else q() { my_says "select count(*) from information_schema.processlist where info like 'select sleep(26)%'" "$1"; }; fi
    until_ok q 1
    br cancel "k$s"; [ "$st" = 0 ]
    rc=0; wait $job || rc=$?; [ $rc != 0 ]
    until_ok q 0
  done
}
@test "limits: rows, bytes, :max-results; what RETURNING would have written is undone" {
  fails r '{:connection :pg :sql "select * from generate_series(1,5001)"}'; has ':type :oversize' '5000 rows' 'LIMIT' ':persist' ':retryable? false'
  db e '(count (flow/step :db :s {:connection :pg :sql "select * from generate_series(1,5000)"}))'; want 0 5000
  fails b '{:connection :pg :sql "select repeat($$x$$, 600000) from generate_series(1,2)"}'; has ':type :oversize' '1024 KiB'
  fails m '{:connection :my :sql "select seq from seq_1_to_100000" :max-results 10}'; has ':type :oversize' '10 rows'
  fails l '{:connection :lite :sql "with recursive c(x) as (select 1 union all select x+1 from c) select x from c" :max-results 3}'; has ':type :oversize'
  pg 'create table big (id int)'; my 'create table big (id int)'
  fails u '{:connection :pg :sql "insert into big select * from generate_series(1,6000) returning id"}'; has ':oversize' 'undone'; pg_says 'select count(*) from big' 0
  fails v '{:connection :my :sql "insert into big select seq from seq_1_to_6000 returning id"}'; has ':oversize' 'undone'; my_says 'select count(*) from big' 0
  for n in 0 -1 5001 2.5; do fails "n$RANDOM" "{:connection :pg :sql \"select 1\" :max-results (identity $n)}"; has ':validation' ':max-results' '5000'; done
}
@test "read-only connections" {
  conn ":ro {:type :database :backend :postgres :config {:host \"127.0.0.1\" :port $PG_PORT :database \"shop\" :username \"app\" :secret-ref \"pw\" :read-only true}}
        :rm {:type :database :backend :mysql :config {:host \"127.0.0.1\" :port $MY_PORT :database \"shop\" :username \"app\" :secret-ref \"pw\" :read-only true}}
        :rl {:type :database :backend :sqlite :config {:path \"$DIR/ro.db\" :read-only true}}"
  pg 'create table ro (x int)'; my 'create table ro (x int)'
  python3 -c "import sqlite3; c = sqlite3.connect('ro.db'); c.execute('create table ro (x)'); c.commit()"
  sed -i 's/:slot :x/:slot :ro/' conn.edn
  for s in ro rm rl; do
    fails "w$s" "{:connection :$s :sql \"insert into ro values (1)\"}"; has ':type :db-error' ':kind :read-only' ':retryable? false'
    fails "y$s" "{:connection :$s :sql \"insert into ro values (1) returning x\"}"; has ':kind :read-only'
    db "r$s" "(flow/step :db :s {:connection :$s :sql \"select count(*) as n from ro\"})"; want 0 '[{:n 0}]'
  done
  db off '[(flow/step :db :a {:connection :ro :sql "set default_transaction_read_only = off"})
           (try (flow/step :db :s {:connection :ro :sql "insert into ro values (1)"}) (catch Exception e (:kind (ex-data e))))]'
  want 0 '[{:update-count 0} :read-only]'
}
@test "errors: kinds, SQLSTATE, place, constraint; deadlock and lost race are retried by :retry" {
  pg 'create table k (id int primary key, n int check (n > 0))'; my 'create table k (id int primary key, n int check (n > 0))'
  pg 'insert into k values (1, 1)'; my 'insert into k values (1, 1)'
  for s in pg my; do
    fails "d$s" "{:connection :$s :sql \"insert into k values (1, 1)\"}"; has ':type :db-error' ':kind :constraint' ':sqlstate "23' ':retryable? false'
    fails "c$s" "{:connection :$s :sql \"insert into k values (2, -1)\"}"; has ':kind :constraint'
    fails "s$s" "{:connection :$s :sql \"selec 1\"}"; has ':kind :syntax' ':sqlstate "42'
    fails "b$s" "{:connection :$s :sql \"begin\"}"; has ':validation' 'transaction'
  done
  fails pk '{:connection :pg :sql "insert into k values (?, ?)" :params [1 1]}'; has ':constraint "k_pkey"'
  fails pl '{:connection :pg :sql "select ?,\n  nope(1)" :params [1]}'; has '(:sql 2:3)'
  fails cp '{:connection :pg :sql "copy k from stdin"}'; has ':validation' 'COPY'
  pg "create sequence tries; create function flaky() returns int language plpgsql as \$\$ begin
        if nextval('tries') < 3 then raise exception 'lost' using errcode = '40001'; end if; return 42; end \$\$"
  db again '(flow/step :db :s {:connection :pg :sql "select flaky() as x" :retry {:max-attempts 3 :backoff-ms 1}})'; want 0 '[{:x 42}]'
  pg "alter sequence tries restart"
  fails once '{:connection :pg :sql "select flaky() as x"}'; has ':kind :serialization' ':retryable? true' ':sqlstate "40001"'
}
@test "a connection that breaks after a write was sent: not repeated silently, only when :retry asks, never with :at-most-once" {
  pg "create sequence hits; create function hit() returns int language plpgsql as \$\$ begin
        if nextval('hits') = 1 then perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); end if; return 1; end \$\$; create table w (x int)"
  fails a '{:connection :pg :sql "insert into w select hit()"}'; has ':type :network' ':outcome :unknown' 'not known'; pg_says 'select last_value from hits' 1
  pg 'alter sequence hits restart'
  fails b '{:connection :pg :sql "insert into w select hit()" :delivery :at-most-once :retry {:max-attempts 3 :backoff-ms 1}}'; has ':outcome :unknown' ':retryable? false'
  pg_says 'select count(*) from w' 0
  pg 'alter sequence hits restart'
  db c '(flow/step :db :s {:connection :pg :sql "insert into w select hit()" :retry {:max-attempts 3 :backoff-ms 1}})'; want 0 '{:update-count 1}'
}
@test "connections are used again, without what a step has set; one that died meanwhile is replaced" {
  db u '[(let [a (flow/step :db :a {:connection :pg :sql "select pg_backend_pid() as p"})
               b (flow/step :db :b {:connection :pg :sql "set timezone = $$Asia/Tokyo$$"})
               c (flow/step :db :c {:connection :pg :sql "select pg_backend_pid() as p, current_setting($$timezone$$) as tz"})]
           [(= (:p (first a)) (:p (first c))) (:tz (first c))])
         (let [a (flow/step :db :d {:connection :my :sql "select connection_id() as i"})
               b (flow/step :db :e {:connection :my :sql "set @x = 5, time_zone = \"+09:00\""})
               c (flow/step :db :f {:connection :my :sql "select connection_id() as i, @x as x, @@time_zone as tz"})]
           [(= (:i (first a)) (:i (first c))) (:x (first c)) (:tz (first c))])]'
  want 0 '[[true "UTC"] [true nil "+00:00"]]'
  conn ":pk {:type :database :backend :postgres :config {:host \"127.0.0.1\" :port $PG_PORT :database \"shop\" :username \"app\" :secret-ref \"pw\" :application-name \"killer\"}}
        :mk {:type :database :backend :mysql :config {:host \"127.0.0.1\" :port $MY_PORT :database \"mysql\" :username \"app\" :secret-ref \"pw\"}}"
  db k '[(let [a (flow/step :db :a {:connection :pg :sql "select pg_backend_pid() as p"})
               b (flow/step :db :b {:connection :pk :sql "select pg_terminate_backend(?) as t" :params [(:p (first a))]})
               c (flow/step :db :c {:connection :pg :sql "select pg_backend_pid() as p"})]
           [b (= (:p (first a)) (:p (first c)))])
         (let [a (flow/step :db :d {:connection :my :sql "select connection_id() as i"})
               b (flow/step :db :e {:connection :mk :sql (str "kill " (:i (first a)))})
               c (flow/step :db :f {:connection :my :sql "select connection_id() as i"})]
           (= (:i (first a)) (:i (first c))))]'
  want 0 '[[[{:t true}] false] false]'
}
@test "bindings: JDBC and other URLs as secrets, Unix sockets; nothing of them at rest or in an error" {
  conn ":x {:type :database :config {:secret-ref \"u1\"}} :x2 {:type :database :config {:secret-ref \"u2\"}} :x3 {:type :database :config {:secret-ref \"u3\"}}
        :x4 {:type :database :backend :mysql :config {:host \"$SERVERS/my/sock\" :database \"shop\" :username \"app\" :password {:secret-ref \"pw\"}}}
        :x5 {:type :database :config {:url \"postgres:///shop?host=$SERVERS/pg&user=app&application_name=five\"}}
        :x6 {:type :database :config {:secret-ref \"u6\"}} :x7 {:type :database :backend :postgres :config {:host \"127.0.0.1\" :port $PG_PORT :database \"shop\" :username \"app\" :secret-ref \"wrong\"}}
        :x8 {:type :database :backend :mysql :config {:host \"127.0.0.1\" :port $MY_PORT :database \"shop\" :username \"app\" :secret-ref \"wrong\"}}" \
    ":u1 \"jdbc:postgresql://127.0.0.1:$PG_PORT/shop?user=app&password=canary-secret-1&currentSchema=public\" :u2 \"postgres://app:canary%2Dsecret%2D1@127.0.0.1:$PG_PORT/shop?sslmode=disable\"
     :u3 \"mysql://app:canary-secret-1@127.0.0.1:$MY_PORT/shop\" :u6 \"postgres://app:canary-secret-1@127.0.0.1:1/shop\" :wrong \"canary-secret-2\""
  sed -i "s/x5.*host=/&/" conn.edn
  sed -i "s#shop?host=$SERVERS/pg#shop?host=$SERVERS/pg\&connect_timeout=5#" conn.edn
  sed -i "s#:url \"postgres:///shop#:port $PG_PORT &#" conn.edn
  db u "[(flow/step :db :a {:database :postgres :connection :x :sql \"select 1 as a, 'password canary-' || 'secret-1' as s\"}) (flow/step :db :b {:connection :x2 :sql \"select 2 as b\"})
         (flow/step :db :c {:connection :x3 :sql \"select 3 as c\"}) (flow/step :db :d {:connection :x4 :sql \"select 4 as d\"})
         (flow/step :db :e {:connection :x5 :sql \"select current_setting('application_name') as e\"})]"
  want 0 '[[{:a 1, :s "password #secret[u1]"}] [{:b 2}] [{:c 3}] [{:d 4}] [{:e "five"}]]'
  fails r '{:connection :x6 :sql "select 1"}'; has ':type :network' ':retryable? true' '127.0.0.1'
  fails w '{:connection :x7 :sql "select 1"}'; has ':type :auth-failed' ':retryable? false'
  fails m '{:connection :x8 :sql "select 1"}'; has ':type :auth-failed'
  [ -z "$(grep -rl -- canary-secret .breyta)" ]
}
@test "wrong bindings and options say what would work" {
  conn ':x {:type :database :config {:url "postgres://app:inline@h/db"}} :x2 {:type :database :config {:host "h"}} :x3 {:type :http-api :config {}} :x4 {:type :database :backend :sqlite :config {}}
        :x5 {:type :database :config {:url "oracle://h/db"}} :x6 {:type :database :config {:url "postgres://h/db?frob=1"}} :x7 {:type :database :backend :postgres :config {:host "h" :password "p"}}
        :x8 {:type :database :backend :postgres :config {:host "h" :secret-ref "nobody"}} :x9 {:type :database :backend :postgres :config {:host "h" :sslmode "maybe"}} :x10 {:type :database :config {:url "jdbc:bigquery://x"}}
        :x11 {:type :database :backend :postgres :config {:host "h" :pool-size 0}} :x12 {:type :database :backend :postgres :config {:host "h" :typo 1}}'
  n=0
  while IFS='|' read -r slot config says; do
    fails "w$((n += 1))" "{:connection :$slot :sql \"select 1\" $config}"
    has "$says" ':retryable? false' || { echo "row $slot $config"; return 1; }
  done <<'ROWS'
x||put the whole url into a secret
x2||which database it is
x3||of type http-api
x4||SQLite needs
x5||postgres://, mysql:// or sqlite:
x6||the parameter frob
x7||never the password itself
x8||there is no secret nobody
x9||sslmode is one of
x10|| bigquery is not part of this build
x11||is an integer from 1 to 32
x12||is not known; known are
gone||no connection is bound to :gone
lite|:database :mysql|says :mysql
lite|:params (vector 1)|:sql has 0 `?` and :params 1 value
lite|:params (identity {:a 1})|:params must be a vector
lite|:timeout (identity "soon")|:timeout
lite|:timeout (identity 0)|between 1 ms and 1 day
lite|:database (keyword "oracle")|one of :postgres :mysql :sqlite
lite|:database (keyword "firestore")|firestore is not part of this build
ROWS
  [ "$n" = 20 ]
  fails v '{:connection :lite :sql "select ?" :params [(symbol "a")]}'; has 'value 1 of :params'
  fails e '{:connection :lite :sql " -- nothing\n ;"}'; has 'no statement'
}
@test "databases that this build does not run are named, by lint and by the step" {
  for d in clickhouse bigquery firestore; do
    db "z$d" "(try (flow/step :db :s {:database :$d :connection :pg :sql \"select 1\"}) (catch Exception e (select-keys (ex-data e) [:type :family])))"
    want 0 '{:type :unsupported_step, :family :db}'
    br lint "z$d.edn"; has "unsupported_step" "$d"
  done
}
@test "lint: options of :db" {
  flow l '(flow/step :db :s {:connection :x :database :oracle :max-results -1 :timeout "x" :sql 3 :sqll "y"})'
  br lint l.edn; [ "$st" = 1 ]
  has ':database of this :db step must be one of :postgres' ':max-results of this :db step' ':timeout of this :db step' ':sql of this :db step must be a string' 'did you mean :sql?'
  flow m '(flow/step :db :s {:sql "select 1"})'
  br lint m.edn; has ':db step needs :connection'
  flow n '(flow/step :db :s {:connection :x})'
  br lint n.edn; has 'needs :sql, or :template'
  flow o '(flow/step :db :s {:connection :x :database :mysql :sql "select * from t where a = ? and b = ?" :params [1]})'
  br lint o.edn; has "2 \`?\`"
  flow p '(flow/step :db :s {:connection :x :database :postgres :sql "select $q$ ? from t"})'
  br lint p.edn; [ "$st" = 1 ]; has ':sql 1:8: a dollar-quoted text'
  flow q "(flow/step :db :s {:connection :x :database :postgres :sql \"select * from t where a = 'open'\"})"
  br lint q.edn; [ "$st" = 0 ]; has 'string literal'
}
@test "with :persist more rows than a result may have are kept as a resource" {
  db w '(let [r (flow/step :db :s {:connection :pg :sql "select i, repeat($$x$$, 100) as s from generate_series(1,20000) i" :persist {:type :blob}})] [(map? r) (string? (:uri r))])'
  want 0 '[true true]'
  fails o '{:connection :pg :sql "select * from generate_series(1,20000)" :max-results 100 :persist {:type :blob}}'; has ':type :oversize' '100 rows'
}
@test "--guard: hosts of databases are resolved and checked, and the checked address is connected to" {
  conn ":x {:type :database :backend :postgres :config {:host \"localhost\" :port $PG_PORT :database \"shop\" :username \"app\" :secret-ref \"pw\"}}"
  cat > g.edn <<'FLOW'
{:slug :g :name "g" :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:slot :pg :type :database :label "PG"} {:slot :my :type :database :label "My"} {:slot :x :type :database :label "X"}]
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :flow (quote (mapv (fn [[slot engine]] (try (let [r (flow/step :db slot {:database engine :connection slot :sql "SELECT 41+1 AS n"}) row (first (if (map? r) (:rows r) r))] (or (:n row) (get row "n") r))
                                       (catch Exception e [(:type (ex-data e)) (:retryable? (ex-data e))])))
                    [[:pg :postgres] [:my :mysql] [:x :postgres]]))}
FLOW
  br g.edn --connections conn.edn; want 0 '[42 42 42]'
  br g.edn --connections conn.edn --guard; want 0 '[[:guard false] [:guard false] [:guard false]]'
  BREYTA_ALLOW_PRIVATE_HOSTS=127.0.0.0/8,::1 br g.edn --connections conn.edn --guard; want 0 '[42 42 42]'
  BREYTA_ALLOW_PRIVATE_HOSTS=localhost br g.edn --connections conn.edn --guard; want 0 '[[:guard false] [:guard false] 42]'
  BREYTA_ALLOW_PRIVATE_HOSTS=10.0.0.0/99 br g.edn --connections conn.edn --guard; [[ $out = *:validation* ]]
  conn ":x {:type :database :backend :postgres :config {:host \"$SERVERS/pg\" :database \"shop\" :username \"app\" :secret-ref \"pw\"}}"
  br g.edn --connections conn.edn --guard; want 0 '[[:guard false] [:guard false] [:guard false]]'
  BREYTA_ALLOW_PRIVATE_HOSTS=8.8.8.8 br check g.edn --connections conn.edn --guard; [ "$st" != 0 ]; [[ $out$err = *guard* ]]
}
