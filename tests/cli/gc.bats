load help

# Rows of the database changed from outside: sql STATEMENT
sql() { python3 -c 'import sqlite3,sys; d=sqlite3.connect(sys.argv[1]); print(*[r[0] for r in d.execute(sys.argv[2])], sep="\n"); d.commit()' x.db "$1"; }
expire() { sql "UPDATE docs SET expires=1 WHERE kind='resource'"; }
# Blobs within their grace time are never swept.
age() { find x.db-blobs -type f -exec touch -d '2 hours ago' {} +; }
blobs() { find x.db-blobs -type f | wc -l; }
resources() { sql "SELECT count(*) FROM docs WHERE kind='resource'"; }
made() { echo "(flow/step :function :$1 {:code '(fn [_] \"$1\") :input {} :persist {:type :blob}})"; }
counts() { # counts JSON-FIELDS: what `gc --format json` says
  python3 -c 'import json,sys; d=json.loads(sys.argv[1]); print(*[d[a][b] for a,b in (x.split(".") for x in sys.argv[2:])])' "$out" "$@"
}

@test "what has expired goes with its blob, what has not stays, young blobs stay" {
  flow a "$(made one)"
  flow b "$(made two)"
  br a.edn --db x.db --run-id a
  age
  expire
  br b.edn --db x.db --run-id b
  br gc --db x.db --dry-run
  want 0 "1 expired resource would be removed, 1 kept
1 blob (3 bytes) would be removed, 1 kept"
  [ "$(blobs)" = 2 ]
  [ "$(resources)" = 2 ]
  br gc --db x.db --dry-run --format json
  want 0 '{"resources":{"kept":1,"removed":1,"expired":1,"referenced":0},"blobs":{"kept":1,"removed":1,"bytes":3},"unfinished-runs":0,"dry-run":true}'
  br gc --db x.db
  want 0 "1 expired resource removed, 1 kept
1 blob (3 bytes) removed, 1 kept"
  [ "$(blobs)" = 1 ]
  [ "$(resources)" = 1 ]
  expire # the document goes, its blob is too young
  br gc --db x.db --format json
  [ "$(counts resources.removed blobs.removed blobs.kept)" = "1 0 1" ]
  age
  br gc --db x.db --format json
  [ "$(counts resources.removed blobs.removed blobs.bytes)" = "0 1 3" ]
  [ "$(blobs)" = 0 ]
}

@test "a parked run whose only reference is in its snapshot keeps it, also inside of a longer text, until it is over" {
  # enough steps that the journal behind the snapshot says nothing of the reference
  flow p "(let [r $(made kept)
                u (str \"see \" (:uri r) \"?x\")
                gone (:uri $(made gone))]
            (dotimes [i 40] (flow/step :function :fill {:code '(fn [_] (vec (range 2000))) :input {}}))
            (flow/step :wait :w {:key \"k\" :timeout \"1h\"})
            (flow/step :function :use {:code '(fn [m] (count (:u m))) :input {:u u}}))"
  br p.edn --db x.db --run-id p
  [ "$st" = 3 ]
  [ "$(sql "SELECT count(*) FROM snapshots")" = 1 ]
  expire
  age
  br gc --db x.db --format json
  # `gone` is still a local of the parked run: both are held
  [ "$(counts resources.referenced resources.removed blobs.kept)" = "2 0 2" ]
  br send k 1 --db x.db
  br resume p --db x.db
  [ "$st" = 0 ]
  br gc --db x.db --format json
  [ "$(counts resources.removed blobs.removed)" = "2 2" ]
}

@test "references in the input of a run, in its journal and in an answer that waits for it" {
  flow a "(:uri $(made one))"
  flow b "(:uri $(made two))"
  flow c "(:uri $(made three))"
  flow d "(:uri $(made four))"
  for f in a b c d; do br $f.edn --db x.db --run-id $f; done
  flow w '(do (flow/input) (flow/step :wait :w {:key "k" :timeout "1h"}))'
  br w.edn --db x.db --run-id w --input '{"u": "res://v1/ws/local/result/run/a/step/one/1/output"}'
  [ "$st" = 3 ]
  # only begun: there is no snapshot of it, its journal alone holds the reference
  br w.edn --db x.db --run-id y --detach --input '{"u": "res://v1/ws/local/result/run/b/step/two/1/output"}'
  [ "$(sql "SELECT count(*) FROM snapshots s JOIN runs r USING(run) WHERE run_id='y'")" = 0 ]
  br send later '{"u": "res://v1/ws/local/result/run/c/step/three/1/output"}' --db x.db
  expire
  age
  br gc --db x.db --format json
     [ "$(counts resources.referenced resources.removed blobs.removed)" = "3 1 1" ]
  [[ $(sql "SELECT key FROM docs WHERE kind='resource'") != *four* ]]
}

@test "what has expired may be held by a run of another flow and workspace" {
  flow a "(:uri $(made one))"
  br a.edn --db x.db --run-id a
  flow w '(let [u (:u (flow/input))] (flow/step :wait :w {:key "k" :timeout "1h"}) u)'
  br w.edn --db x.db --workspace other --run-id w --input '{"u": "res://v1/ws/local/result/run/a/step/one/1/output"}'
  expire
  age
  br gc --db x.db
  want 0 "0 expired resources removed, 1 kept
1 resource kept though expired: 1 run is still to finish
0 blobs (0 bytes) removed, 1 kept"
}

@test "killed in the middle: no resource is left without its blob, and the next one finishes" {
  flow a "(doseq [i (range 600)] (flow/step :function :one {:code '(fn [m] (str (:i m))) :input {:i i} :persist {:type :blob}}))"
  br a.edn --db x.db --run-id a
  [ "$st" = 0 ]
  sql "UPDATE docs SET expires=1 WHERE kind='resource' AND key NOT LIKE '%0/output'"
  age
  for ms in 005 010 015 020 030 040 060; do
    timeout -s KILL 0.$ms breyta-run gc --db x.db >/dev/null 2>&1 || :
    [ "$(blobs)" -ge "$(resources)" ]
  done
  br gc --db x.db
  [ "$st" = 0 ]
  [ "$(resources)" = 60 ]
  [ "$(blobs)" = 60 ]
}

@test "not beside an executor; a damaged run stops it; wrong use" {
  flow a "$(made one)"
  flow w '(flow/step :wait :w {:key "k" :timeout "1h"})'
  br a.edn --db x.db
  br w.edn --db x.db --run-id w
  breyta-run resume w --db x.db --listen 127.0.0.1:0 >/dev/null 2>lock & echo $! > pid
  until_ok grep -qs . lock
  br gc --db x.db
  [ "$st" = 1 ]
  says db_locked
  br gc --db x.db --dry-run
  [ "$st" = 0 ]
  kill "$(cat pid)"; wait "$(cat pid)" || :
  rm pid
  expire
  age
  sql "UPDATE snapshots SET data=x'00'"
  br gc --db x.db
  [ "$st" = 1 ]
  says "[corrupt_record]"
  [ "$(resources)" = 1 ]
  [ "$(blobs)" = 1 ]
  br gc now --db x.db
  [ "$st" = 2 ]
  says "gc takes no argument"
  br gc --db none.db
  [ "$st" = 2 ]
  says "there is no database none.db"
}
@test "tables belong to the workspace: gc leaves them, and removes those that are named with all their rows" {
  flow t '(flow/step :function :f {:code (quote (fn [_] [{:id 1} {:id 2}])) :input {} :persist {:type :table :table "people" :key-fields [:id] :index-fields [:id]}})'
  br t.edn --db x.db; [ "$st" = 0 ]
  sed 's/people/other/' t.edn > u.edn
  br u.edn --db x.db; [ "$st" = 0 ]
  sql "UPDATE tables SET created=1, updated=1"
  br gc --db x.db
  want 0 "0 expired resources removed, 0 kept
0 blobs (0 bytes) removed, 0 kept"
  br gc --db x.db --table people --dry-run; [ "$st" = 0 ]; [[ $out = "table people (2 rows) would be removed"* ]]
  br gc --db x.db --table people --table none; [ "$st" = 1 ]; says 'there is no table "none"'; says "there are: other, people"
  br gc --db x.db -w elsewhere --table people; [ "$st" = 1 ]; says "has no table yet"
  [ "$(sql "SELECT count(*) FROM table_rows")" = 4 ]
  br gc --db x.db --table people --format json; [ "$st" = 0 ]; [[ $out = *'"tables":[{"table":"people","rows":2}]'* ]]
  [ "$(sql "SELECT count(*) FROM table_rows")" = 2 ]
  flow q '(flow/step :table :q {:op :query :table (:t (flow/input)) :page {:limit 5}})'
  br q.edn --db x.db --input '{"t": "people"}'; [ "$st" = 1 ]; says 'there is no table "people"'
  br q.edn --db x.db --input '{"t": "other"}'; [ "$st" = 0 ]; [[ $out = *'{:id 2}'* ]]
  br t.edn --db x.db --run-id again; [ "$st" = 0 ]; [[ $out = *":row-count 2"* ]]
}
