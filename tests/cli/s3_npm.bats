load help

# The same against a server that others have written: npm's @20minutes/s3rver, a fork of s3rver that computes the signatures of
# version 4 (s3rver itself does not). It is installed once, under the build folder.
s3rver_here() {
  local at=$ROOT/build/npm/s3rver
  command -v npm >/dev/null || skip "there is no npm"
  mkdir -p "$at"
  if [ ! -d "$at/node_modules/@20minutes/s3rver" ]; then
    timeout 120 npm install --no-audit --no-fund --prefix "$at" @20minutes/s3rver@5.0.0 >npm.log 2>&1 || skip "npm could not install it: $(tail -1 npm.log)"
  fi
  mkdir data
  cat > server.js <<'JS'
const S3rver = require("@20minutes/s3rver");
const server = new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory: "data", vhostBuckets: false, configureBuckets: [{ name: "breyta-test" }] });
server.run((error, address) => console.log(error ? String(error) : (address || server.httpServer.address()).port));
JS
  NODE_PATH=$at/node_modules node server.js >port 2>s3rver.log 3>&- & echo $! > pid
  until_ok grep -qs '^[0-9]' port
  PORT=$(head -1 port)
  export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER AWS_SHARED_CREDENTIALS_FILE=$DIR/none
  unset AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3
  URL="s3://breyta-test/some/prefix?endpoint=http://127.0.0.1:$PORT"
}

@test "s3rver: one piece and in parts, read again, presigned, collected; a wrong key is refused" {
  s3rver_here
  flow k "[(:url (flow/step :function :make {:code '(fn [_] {:a [1 2 3]}) :input {} :persist {:type :blob :signed-url true :filename \"a b.json\"}}))
            (:size-bytes (flow/step :function :big {:code '(fn [_] (apply str (repeat 2000000 \"0123456789\"))) :input {} :persist {:type :blob}}))]"
  flow l '(flow/step :function :use {:code (quote (fn [m] m)) :load [:x] :input {:x "res://v1/ws/local/result/run/k/step/make/1/output"}})'
  flow e "(flow/step :function :make {:code '(fn [_] \"\") :input {} :persist {:type :blob}})"
  AWS_SECRET_ACCESS_KEY=wrong br k.edn --db x.db --blobs "$URL"
  [ "$st" = 1 ]
  says "AWS_SECRET_ACCESS_KEY"
  br k.edn --db x.db --run-id k --format json
  [ "$st" = 0 ] || { echo "$err"; cat s3rver.log; false; }
  url=$(python3 -c 'import json,sys; v=json.loads(sys.argv[1]); assert v[1] == 20000000; print(v[0])' "$out")
  [ "$(curl -sf "$url")" = '{"a":[1,2,3]}' ] || [ "$(curl -sf "$url")" = '{:a [1 2 3]}' ]
  run curl -sf "${url/X-Amz-Expires=3600/X-Amz-Expires=3601}"
  [ "$status" = 22 ]
  br e.edn --db x.db
  [ "$st" = 0 ]
  rm -r x.db-blobs-cache
  br l.edn --db x.db
  want 0 '{:x {:a [1 2 3]}}'
  find data -type f -exec touch -d '2 hours ago' {} +
  python3 -c 'import sqlite3; d=sqlite3.connect("x.db"); d.execute("UPDATE docs SET expires=1 WHERE kind=? AND key LIKE ?", ("resource", "%/big/%")); d.commit()'
  br gc --db x.db --format json
  [ "$st" = 0 ] && [[ $out = *'"blobs":{"kept":2,"removed":1,"bytes":20000000}'* ]] || { echo "$out $err"; cat s3rver.log; false; }
  rm -r x.db-blobs-cache
  br l.edn --db x.db
  want 0 '{:x {:a [1 2 3]}}'
}
