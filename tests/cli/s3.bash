# Shared by the tests of blobs in an object storage.
# s3 [OPTIONS]: our own small server, which checks every signature; its address in $S3
s3() {
  rm -f port
  python3 "$ROOT/tests/tools/s3d.py" "$@" > port & echo $! > pid
  until_ok test -s port
  S3=http://127.0.0.1:$(cat port)
  URL="s3://breyta-test/p/q?endpoint=$S3&cache=1M"
  export AWS_ACCESS_KEY_ID=AKIDTEST AWS_SECRET_ACCESS_KEY=canary-secret-of-s3
  unset AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_PROFILE
  export AWS_SHARED_CREDENTIALS_FILE=$DIR/none
}
tell() { curl -sf "$S3/_$1" -d "${2:-{\}}" > state; }
state() { tell state; python3 -c 'import json,sys; s=json.load(open("state")); print(eval(sys.argv[1], {"s": s, "log": s["log"], "blobs": {k: v for k, v in s["objects"].items() if "owner" not in k}}))' "$1"; }
is() { local got; got=$(state "$1"); [ "$got" = "$2" ] || { echo "$1 is $got, wanted $2"; cat state; return 1; }; }
sql() { python3 -c 'import sqlite3,sys; d=sqlite3.connect(sys.argv[1]); print(*[r[0] for r in d.execute(sys.argv[2])], sep="\n"); d.commit()' x.db "$1"; }
# keep NAME VALUE [OPTIONS]: a flow whose step :make keeps that
keep() { flow "$1" "(flow/step :function :make {:code '(fn [_] $2) :input {} :persist {:type :blob ${3:-}}})"; }
# load NAME RUN: a flow that reads what :make of that run has kept
load() { flow "$1" "(flow/step :function :use {:code '(fn [m] ${3:-(:x m)}) :input {:x \"res://v1/ws/local/result/run/$2/step/make/1/output\"} :load [:x]})"; }
br_in() { timeout 30 breyta-run "$@" > "$DIR/.out" 2> "$DIR/.err"; } # with standard input; fails as it does
