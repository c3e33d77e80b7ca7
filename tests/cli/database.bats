load help

@test "a file that is no database" {
  flow d '1'
  head -c 5000 /dev/urandom > x.db
  br d.edn --db x.db; want 1 ""; says "x.db"
  br runs --db x.db; want 1 ""; says "x.db"
}
@test "somebody else's SQLite database is left alone" {
  flow d '1'
  python3 -c 'import sqlite3; c=sqlite3.connect("f.db"); c.execute("create table t(x)"); c.commit()'
  before=$(cksum < f.db)
  br d.edn --db f.db; want 1 ""; says "db_foreign"
  br send k 1 --db f.db; want 1 ""; says "db_foreign"
  head -c 5000 /dev/urandom > x.db
  br d.edn --db x.db; want 1 ""; says "db_foreign"
  [ "$before" = "$(cksum < f.db)" ]
  [ "$(echo [fx].db*)" = "f.db x.db" ] # nothing was made beside them
}
@test "a directory in the way, a directory that cannot be made" {
  flow d '1'
  mkdir x.db
  br d.edn --db x.db; want 1 ""; says "x.db is a directory"
  [ ! -e x.db.lock ]
  : > file
  br d.edn --db file/y.db; want 1 ""; says "file"
}
# As br, but of somebody who may not write what root may.
br_nobody() {
  st=0
  local as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  timeout 30 "${as[@]}" "$BIN" "$@" >"$DIR/.out" 2>"$DIR/.err" </dev/null || st=$?
  out=$(cat "$DIR/.out") err=$(cat "$DIR/.err")
}
@test "a database that cannot be written can be looked at and not run on" {
  chmod a+rx "$DIR"
  flow d '1'
  mkdir 'a%20?#b'
  for db in ro/x.db 'a%20?#b/x.db'; do
    br d.edn --db "$db"; want 0 1
    chmod -R a-w "${db%/*}"
    br_nobody --help
    [ "$st" = 0 ] || skip "the program cannot be run by another user"
    br_nobody d.edn --db "$db"; want 1 ""; says "$db"; says db_readonly
    br_nobody runs --db "$db"; want 0 "$out"; [[ $out = *flow-d-local-r1* ]]
    br_nobody show flow-d-local-r1 --db "$db"; want 0 "$out"; [[ $out = *"status    completed"* ]]
    br_nobody replay flow-d-local-r1 --db "$db"; want 0 ""; says identical
    br_nobody send k 1 --db "$db"; want 1 ""; says "cannot be written"
  done
  chmod u+w ro
  : > ro/x.db-wal
  chmod a-w ro
  br_nobody runs --db ro/x.db
  [ "$st" = 0 ] || { want 1 ""; says "ro/x.db-wal"; says "copy both"; } # SQLite decides whether it needs the log
  chmod u+w ro; printf x > ro/x.db-wal; chmod a-w ro
  br_nobody runs --db ro/x.db; want 1 ""; says "ro/x.db-wal"; says "copy both"
}
@test "damage in the middle of the file is told, with the file's name" {
  flow d '(flow/step :function :f {:code (quote (fn [_] (vec (range 1000)))) :input {}})'
  br d.edn --run-id r --db x.db; [ "$st" = 0 ]
  python3 - <<'EOF'
import os
n = os.path.getsize("x.db")
with open("x.db", "r+b") as f:
    for page in range(1, n // 4096):
        f.seek(page * 4096)
        f.write(b"\xa5" * 512)
EOF
  br show r --db x.db
  want 1 "$out"
  [ -n "$err" ]
  br d.edn --db x.db
  [ "$st" = 1 ]
  [ -n "$err" ]
}
@test "damage anywhere is called damage, whichever page it hits" {
  flow d '(flow/step :function :f {:code (quote (fn [_] 1)) :input {}})'
  br d.edn --run-id r --db a.db; want 0 1
  pages=$(($(stat -c %s a.db) / 4096))
  [ "$pages" -gt 8 ]
  for page in $(seq 1 8); do
    cp a.db x.db
    dd if=/dev/zero bs=1000 count=3 2>/dev/null | tr '\0' '\245' | dd of=x.db bs=1 seek=$((page * 4096)) conv=notrunc 2>/dev/null
    br d.edn --db x.db
    [ "$st" = 0 ] || { want 1 ""; says db_corrupt; says backup; }
    rm -f x.db*
  done
}
@test "a database that does not exist is bad usage, and is not made" {
  br runs; want 2 ""; says "there is no database .breyta/breyta.db"
  for c in "runs" "show r" "replay r" "fork r 1" "cancel r" "approve r" "reject r" "retry r" "skip r"; do
    br $c --db none.db; want 2 ""; says "there is no database none.db"
  done
  [ ! -e .breyta ]
  [ ! -e none.db ]
}
