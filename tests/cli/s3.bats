load help
load s3

@test "kept there, remembered by the database, read again with an empty cache; big ones in parts" {
  s3
  keep k '{:a [1 2 3]}'
  keep big '(apply str (repeat 2000000 "0123456789"))'
  load l k
  load m big '(count (:x m))'
  br k.edn --db x.db --run-id k --blobs "$URL"
  [ "$st" = 0 ]
  [ ! -e x.db-blobs ]
  br big.edn --db x.db --run-id big
  [ "$st" = 0 ]
  is 'sorted(blobs.values())' '[13, 20000000]'
  is 's["uploads"]' 0
  is 'sum("partNumber" in l for l in log)' 3
  rm -r x.db-blobs-cache
  br l.edn --db x.db
  want 0 '{:a [1 2 3]}'
  is 's["bad"]' '[]'
  [ "$(sql "SELECT count(*) FROM meta WHERE value LIKE 's3://breyta-test/p/q%'")" = 1 ]
  # and back to the disk
  br k.edn --db x.db --run-id k2 --blobs disk
  [ "$st" = 0 ]
  [ "$(find x.db-blobs -type f | wc -l)" = 1 ]
}

@test "what is elsewhere goes into a request and a table" {
  s3
  python3 "$ROOT/tests/tools/httpd.py" > hport 2>/dev/null & echo $! > hpid
  until_ok test -s hport
  H=http://127.0.0.1:$(cut -d' ' -f2 hport)
  keep k '"a,b\n1,2\n3,4\n"' ':content-type "text/csv"'
  br k.edn --db x.db --run-id k --blobs "$URL"
  [ "$st" = 0 ]
  rm -r x.db-blobs-cache
  flow h "(count (:body (flow/step :http :h {:url \"$H/echo\" :method :post :body-from-ref \"res://v1/ws/local/result/run/k/step/make/1/output\"})))"
  br h.edn --db x.db
  kill "$(cat hpid)"
  [ "$st" = 0 ] || { echo "$err"; false; }
  rm -r x.db-blobs-cache
  flow t '(do (flow/step :table :t {:op :import-csv :table "rows" :csv "res://v1/ws/local/result/run/k/step/make/1/output"})
              (:rows (flow/step :table :q {:op :query :table "rows" :page {:mode :offset :limit 9}})))'
  br t.edn --db x.db
  [ "$st" = 0 ] || { echo "$err"; false; }
  [[ $out = *'"1"'*'"4"'* || $out = *':a 1'*':b 4'* ]] || { echo "$out"; false; }
  is 'sum(l.startswith("GET") and "owner" not in l for l in log)' 2
}

@test "search shows the content of what is elsewhere, and does without it when the storage is gone" {
  s3
  keep k '"a rare zebra in the text"' ':search-index {:text "striped"}'
  br k.edn --db x.db --run-id k --blobs "$URL"
  [ "$st" = 0 ]
  rm -r x.db-blobs-cache
  flow q '(mapv :content (:items (flow/step :search :s {:query "striped" :targets [:resources] :limit 5 :hydrate {:top-k 1}})))'
  br q.edn --db x.db
  want 0 '["a rare zebra in the text"]'
  rm -r x.db-blobs-cache
  kill -KILL "$(cat pid)"
  br q.edn --db x.db
  want 0 '[nil]'
}

@test "busy storages and cut connections are tried again; in the end it is an error that says so and may be retried" {
  s3
  keep k '{:a 1}'
  load l k
  tell fail '{"method": "PUT", "status": 503, "code": "SlowDown", "times": 2}'
  br k.edn --db x.db --run-id k --blobs "$URL"
  [ "$st" = 0 ]
  rm -r x.db-blobs-cache
  tell fail '{"method": "GET", "cut": 3, "times": 2}'
  br l.edn --db x.db
  want 0 '{:a 1}'
  rm -r x.db-blobs-cache
  tell fail '{"method": "GET", "status": 503, "code": "SlowDown", "times": 5}'
  br l.edn --db x.db --format json
  [ "$st" = 1 ]
  says "resource-busy"
  says "SlowDown"
  # a step that retries gets over it, and a swallowed answer does not matter
  flow r "(flow/step :function :make {:code '(fn [_] \"again\") :input {} :retry {:max-attempts 2 :backoff-ms 1} :persist {:type :blob}})"
  tell fail '{"method": "PUT", "status": 500, "times": 5}'
  tell fail '{"method": "PUT", "swallow": true, "times": 1}'
  br r.edn --db x.db --run-id r
  [ "$st" = 0 ] || { echo "$err"; false; }
  kill -KILL "$(cat pid)"
  keep g '"gone"'
  br g.edn --db x.db
  [ "$st" = 1 ]
  says "cannot be reached"
  says "resource-busy"
}

@test "wrong keys, regions, buckets, tokens: what to look at, and never the keys" {
  s3
  keep k '{:a 1}'
  AWS_SECRET_ACCESS_KEY=wrong-canary-key br k.edn --db x.db --blobs "$URL"
  [ "$st" = 1 ]
  says "resource-denied"
  says AWS_SECRET_ACCESS_KEY
  [[ $out$err != *canary* ]]
  AWS_ACCESS_KEY_ID=AKIDOTHER br k.edn --db x.db
  [ "$st" = 1 ]
  says "does not know the access key"
  br k.edn --db x.db --blobs "s3://breyta-test/p?endpoint=$S3&region=eu-west-1"
  [ "$st" = 1 ]
  says "region=NAME"
  br k.edn --db x.db --blobs "s3://no-such-bucket/p?endpoint=$S3"
  [ "$st" = 1 ]
  says "make it first"
  unset AWS_SECRET_ACCESS_KEY
  br k.edn --db x.db --blobs "$URL"
  [ "$st" = 2 ]
  says "set AWS_ACCESS_KEY_ID"
  printf '[other]\naws_access_key_id = x\n[mine]\naws_access_key_id = AKIDTEST\naws_secret_access_key=canary-secret-of-s3\n' > credentials
  AWS_PROFILE=mine AWS_SHARED_CREDENTIALS_FILE=credentials br k.edn --db x.db --blobs "$URL"
  [ "$st" = 0 ]
  kill "$(cat pid)"
  s3 --token canary-session
  br k.edn --db y.db --blobs "$URL"
  [ "$st" = 1 ]
  keep u '{:a 1}' ':signed-url true'
  AWS_SESSION_TOKEN=canary-session br u.edn --db y.db --blobs "$URL"
  [ "$st" = 0 ]
  [[ $out = *'"file://'* && $out != *canary* ]]
  run grep -rl canary --include='*.db*' .
  [ -z "$output" ]
}

@test "bad addresses are refused with what would work" {
  keep k 1
  export AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b
  for bad in 'x|neither disk nor' 's3://B/x|3 to 63 lower-case' 's3://k:s@bucket/x|do not belong into the URL' 's3://bucket/a//b|letters, digits' 's3://bucket/../b|letters, digits' \
             's3://bucket?endpoint=minio|an address such as' 's3://bucket?region=a%20b|a name such as' 's3://bucket?cache=lots|a size such as' 's3://bucket?key=x|there is no key=' \
             's3://bucket?cache|NAME=VALUE'; do
    br k.edn --db x.db --blobs "${bad%%|*}"
    [ "$st" = 2 ] && says "${bad#*|}" || { echo "$bad: $st $err"; return 1; }
    [[ $err != *" k:s"* ]]
  done
}

@test "damage and loss in the storage are told; nothing wrong is ever read" {
  s3
  keep k '{:a 1}'
  load l k
  br k.edn --db x.db --run-id k --blobs "$URL"
  rm -r x.db-blobs-cache
  key=$(state 'list(blobs)[0]')
  tell break "{\"key\": \"$key\"}"
  br l.edn --db x.db
  [ "$st" = 1 ]
  says "resource-damaged"
  says "another hash"
  curl -sf "$S3/_state" >/dev/null
  kill "$(cat pid)"
  s3
  br l.edn --db x.db --blobs "$URL"
  [ "$st" = 1 ]
  says "not-found"
  says "is not in s3://breyta-test/p/q/"
}

@test "killed between the upload and the reference: garbage that gc removes, and the run does it again" {
  s3
  keep k '"nobody knows yet"'
  keep o '"other"'
  br o.edn --db x.db --run-id o --blobs "$URL"
  tell fail '{"method": "PUT", "swallow": true, "hold": true, "times": 1000}'
  breyta-run k.edn --db x.db --run-id k >/dev/null 2>&1 & victim=$!
  two() { [ "$(state 'len(blobs)')" = 2 ]; }
  until_ok two
  kill -KILL $victim
  wait $victim || :
  [ "$(sql "SELECT count(*) FROM docs WHERE kind='resource'")" = 1 ]
  tell age '{"seconds": 7200}'
  br gc --db x.db --format json
  [[ $out = *'"blobs":{"kept":1,"removed":1,"bytes":16}'* ]] || { echo "$out $err"; false; }
  is 'len(blobs)' 1
  tell heal
  br resume k --db x.db
  [ "$st" = 0 ]
  is 'len(blobs)' 2
}

@test "gc removes what nobody names, page by page, and nothing that is young or held" {
  s3
  for i in 1 2 3 4 5; do keep "k$i" "\"value $i\""; br k$i.edn --db x.db --run-id k$i --blobs "$URL"; [ "$st" = 0 ]; done
  flow w '(let [u (:u (flow/input))] (flow/step :wait :w {:key "k" :timeout "1h"}) u)'
  br w.edn --db x.db --run-id w --input '{"u": "res://v1/ws/local/result/run/k1/step/make/1/output"}'
  [ "$st" = 3 ]
  sql "UPDATE docs SET expires=1 WHERE kind='resource' AND key NOT LIKE '%/k2/%'"
  # an upload that was killed, and one that is young
  keep big '(apply str (repeat 2000000 "0123456789"))'
  tell fail '{"method": "PUT", "part": "partNumber=2", "status": 400, "code": "BadDigest", "times": 1}'
  tell fail '{"method": "DELETE", "part": "uploadId", "status": 403, "code": "AccessDenied", "times": 1}'
  br big.edn --db x.db --run-id big
  [ "$st" = 1 ]
  is 's["uploads"]' 1
  tell age '{"seconds": 3000}'
  br gc --db x.db --dry-run
  [ "$st" = 0 ] || { echo "$err"; false; }
  is 'len(blobs), s["uploads"]' '(5, 1)'
  br gc --db x.db --format json
  [ "$st" = 0 ] # young
  is 'len(blobs), s["uploads"]' '(5, 1)'
  tell age '{"seconds": 3000}'
  br gc --db x.db --format json
  [[ $out = *'"blobs":{"kept":2,"removed":4,'* ]] || { echo "$out $err"; false; } # three blobs and the upload
  is 'len(blobs), s["uploads"], s["bad"]' '(2, 0, [])'
  rm -r x.db-blobs-cache
  load l k2
  br l.edn --db x.db
  want 0 '"value 2"'
  load l k1
  br l.edn --db x.db # held, but expired
  [ "$st" = 1 ]
  says "has expired"
}

@test "a prefix belongs to one database: another one can neither write there nor sweep it" {
  s3
  keep k '"mine"'
  br k.edn --db x.db --blobs "$URL"
  [ "$st" = 0 ]
  br k.edn --db y.db --blobs "$URL"
  [ "$st" = 1 ]
  says "another database"
  says "resource-denied"
  tell age '{"seconds": 9000}'
  br gc --db y.db
  [ "$st" = 1 ]
  says "another database"
  is 'len(blobs)' 1
}

@test "the cache stays under its bound" {
  s3
  flow k "(doseq [i (range 12)] (flow/step :function :make {:code '(fn [m] (apply str (:i m) (repeat 300000 \"x\"))) :input {:i i} :persist {:type :blob}}))"
  br k.edn --db x.db --run-id k --blobs "$URL"
  [ "$st" = 0 ]
  find x.db-blobs-cache -type f -exec touch -d '1 minute ago' {} + # used long ago
  keep one '(apply str (repeat 300000 "y"))'
  br one.edn --db x.db --run-id one
  [ "$st" = 0 ]
  [ "$(find x.db-blobs-cache -type f -printf '%s\n' | awk '{n += $1} END {print (n <= 1048576)}')" = 1 ]
  is 'len(blobs)' 13
}

@test "signed URLs: without a listener the storage's own, with one a stream of the range that is asked for" {
  s3
  keep k '(apply str (repeat 300000 "0123456789"))' ':signed-url true :filename "n.txt"'
  br k.edn --db x.db --run-id k --blobs "$URL" --format json
  [ "$st" = 0 ]
  url=$(python3 -c 'import json,sys; print(json.loads(sys.argv[1])["url"])' "$out")
  [[ $url = "$S3/breyta-test/p/q/"* && $url != *canary* ]]
  curl -sf -D head "$url" -o body
  [ "$(wc -c < body)" = 3000000 ]
  grep -qi '^content-disposition: attachment; filename="n.txt"' head
  run curl -sf "${url/X-Amz-Expires=3600/X-Amz-Expires=7200}"
  [ "$status" = 22 ]
  flow w "(let [r (flow/step :function :make {:code '(fn [_] (apply str (repeat 300000 \"0123456789\"))) :input {} :persist {:type :blob :signed-url true}})]
            (flow/step :kv :put {:operation :set :key \"url\" :value (:url r)}) (flow/step :wait :w {:key \"k\" :timeout \"1h\"}))"
  breyta-run w.edn --db x.db --run-id w --listen 127.0.0.1:0 >/dev/null 2>lock & echo $! > wpid
  flow u '(:value (flow/step :kv :get {:operation :get :key "url"}))'
  there() { [[ $(sql "SELECT count(*) FROM kv WHERE key='url'" 2>/dev/null) = 1 ]]; }
  until_ok there
  url=$(python3 - <<'P'
import sqlite3, re
d = sqlite3.connect("x.db")
row = [v for r in d.execute("SELECT * FROM kv WHERE key='url'") for v in r if isinstance(v, bytes)]
print(re.search(rb"http://[!-~]+", b"".join(row))[0].decode())
P
)
  rm -r x.db-blobs-cache
  curl -sf "$url" -o body
  [ "$(wc -c < body)" = 3000000 ]
  [ "$(tail -c 10 body)" = 0123456789 ]
  [ "$(curl -sf -r 2000003-2000006 "$url")" = 3456 ]
  code=$(curl -s -o /dev/null -w "%{http_code}" -r 4000000- "$url") || :
  [ "$code" = 416 ] || { echo "$code $(curl -sv -r 4000000- "$url" 2>&1 | head -c 900)"; false; }
  [ ! -e x.db-blobs-cache ] || [ "$(find x.db-blobs-cache -type f | wc -l)" = 0 ]
  tell fail '{"method": "GET", "cut": 70000, "times": 2}'
  [ "$(curl -sf "$url" | wc -c)" = 3000000 ]
  key=$(state 'list(blobs)[0]')
  tell break "{\"key\": \"$key\"}"
  run curl -sf "$url" -o body
  [ "$status" = 18 ] # cut off in front of the end
  tell fail '{"method": "GET", "status": 503, "code": "SlowDown", "times": 5}'
  [ "$(curl -s -o body -w '%{http_code}' "$url")" = 503 ]
  grep -q blob_busy body
  # 30 at once, of which some hang up
  tell break "{\"key\": \"$key\"}"
  for i in $(seq 30); do curl -s -m "$((i % 3 ? 20 : 1))" --limit-rate "$((i % 3 ? 0 : 20000))" "$url" 2>/dev/null | wc -c > n$i & ps[i]=$!; done
  wait "${ps[@]}"
  [ "$(cat n1 n2 n4 n29 | sort -u)" = 3000000 ]
  kill "$(cat wpid)"
  wait "$(cat wpid)" || :
}

@test "the server takes --blobs as well, and remembers it" {
  s3
  breyta=$(dirname "$BIN")/breyta
  [ -x "$breyta" ]
  run "$breyta" serve --data d --listen 127.0.0.1:0 --blobs s3://X
  [ "$status" = 2 ]
  [[ $output = *"--blobs:"*"3 to 63 lower-case"* ]]
  : > serr
  "$breyta" serve --data d --listen 127.0.0.1:0 --blobs "$URL" >/dev/null 2>serr 3>&- & echo $! > spid
  until_ok grep -q ready serr
  kill "$(cat spid)"
  wait "$(cat spid)"
  [ "$(python3 -c 'import sqlite3; print(sqlite3.connect("d/breyta.db").execute("SELECT value FROM meta WHERE name=?", ("blobs",)).fetchone()[0])')" = "$URL" ]
}
