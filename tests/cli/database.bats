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
  [ "$before" = "$(cksum < f.db)" ]
}
@test "a directory in the way, a directory that cannot be made" {
  flow d '1'
  mkdir x.db
  br d.edn --db x.db; want 1 ""; says "x.db"
  : > file
  br d.edn --db file/y.db; want 1 ""; says "file"
}
@test "a read-only database can be listed and not run on" {
  [ "$(id -u)" != 0 ] || skip "root may write anything"
  flow d '1'
  br d.edn --db ro/x.db; want 0 1
  chmod -R a-w ro
  br d.edn --db ro/x.db; want 1 ""; says "ro/x.db"
  br runs --db ro/x.db; want 0 "$out"; [[ $out = *flow-d-local-r1* ]]
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
@test "listing where nothing was ever stored" {
  br runs; want 1 ""; says ".breyta/breyta.db"
  [ ! -e .breyta ]
}
