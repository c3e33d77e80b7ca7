load help

# keep OPTIONS [VALUE]: a flow with one :function step that keeps its result so
keep() { flow k "(flow/step :function :make {:code '(fn [_] ${2:-[1 2]}) :input {} :persist $1})"; }

blobs() { find "$1-blobs" -type f | wc -l; }

@test "a blob: exact values back, text and bytes as they are, the same content once" {
  flow b '(let [d (flow/step :function :d {:code (quote (fn [_] {:k :v :s #{1} :n 1.5M})) :input {} :persist {:type :blob}})
                j (flow/step :function :j {:code (quote (fn [_] {:rows [1 2]})) :input {} :persist {:type :blob}})
                t (flow/step :function :t {:code (quote (fn [_] "héllo")) :input {} :persist {:type :blob :content-type "text/csv" :filename "a.csv"}})
                u (flow/step :function :u {:code (quote (fn [_] "héllo")) :input {} :persist {:type :blob}})
                x (flow/step :function :x {:code (quote (fn [_] (breyta.sandbox/hex-decode-bytes "00ff"))) :input {} :persist {:type :blob}})
                l (flow/step :function :l {:code (quote (fn [m] (update m :x breyta.sandbox/hex-encode))) :input {:d d :j (:uri j) :t t :x x :o 1} :load [:d :j :t :x]})]
            [l (mapv :content-type [d j t u x]) (mapv :size-bytes [t x]) (:filename t) (= (:sha256 t) (:sha256 u)) (:tier t) (:uri x)])'
  br b.edn --db x.db --run-id r
  want 0 '[{:d {:k :v, :s #{1}, :n 1.5M}, :j {:rows [1 2]}, :t "héllo", :x "00ff", :o 1} ["application/edn" "application/json" "text/csv" "text/plain; charset=utf-8" "application/octet-stream"] [6 2] "a.csv" true :retained "res://v1/ws/local/result/run/r/step/x/5/output"]'
  [ "$(blobs x.db)" = 4 ]
  br replay r --db x.db
  [ "$st" = 0 ]
}

@test "the address of a result holds the whole step id and the run id, safe for URIs and never cut off" {
  local long; long=$(printf 'n%.0s' {1..1500})
  flow ids "[(:uri (flow/step :function :seal/result {:code '(fn [_] 1) :input {} :persist {:type :blob}}))
               (:uri (flow/step :function :ready?é {:code '(fn [_] 2) :input {} :persist {:type :blob}}))
               (flow/step :function :load {:code '(fn [m] (:x m)) :load [:x]
                 :input {:x (:uri (flow/step :function :$long {:code '(fn [_] [3]) :input {} :persist {:type :blob}}))}})]"
  br ids.edn --db x.db --run-id 'a/b'
  want 0 '["res://v1/ws/local/result/run/a%2Fb/step/seal%2Fresult/1/output" "res://v1/ws/local/result/run/a%2Fb/step/ready%3F%C3%A9/2/output" [3]]'
  br replay a/b --db x.db
  [ "$st" = 0 ]
}

@test "without a listener a signed URL is the file itself" {
  keep '{:type :blob :signed-url {:ttl-seconds 60}}' '"abc"'
  br k.edn --db x.db --format json
  [ "$st" = 0 ]
  url=$(python3 -c 'import json,sys; print(json.loads(sys.argv[1])["url"])' "$out")
  [ "$(cat "${url#file://}")" = abc ]
}

@test "results over the inline limit are told to persist, and can be" {
  flow big '(flow/step :function :make {:code (quote (fn [_] (apply str (repeat 1100000 "x")))) :input {}})'
  br big.edn --db x.db
  [ "$st" = 1 ]
  [[ $err = *"over 1 MiB"*":persist {:type :blob}"* ]]
  keep '{:type :blob}' '(apply str (repeat 1100000 "x"))'
  br k.edn --db x.db
  [ "$st" = 0 ]
  [[ $out = *":size-bytes 1100000"* ]]
}

@test ":kv keeps the value under its key" {
  flow kv '(let [h (flow/step :function :make {:code (quote (fn [_] {:a :b})) :input {} :persist {:type :kv :key :answer :ttl 60}})]
             [h (:value (flow/step :kv :get {:operation :get :key "answer"}))])'
  br kv.edn --db x.db
  want 0 '[{:type :kv, :uri "res://v1/ws/local/result/kv/answer", :key "answer"} {:a :b}]'
}

@test "wrong options are refused with what would work" {
  for bad in 'true|a map such as' '{}|:blob, :kv or :table' '{:type :disk}|:blob, :kv or :table' '{:type :blob :tier :cold}|:retained or :ephemeral' \
             '{:type :blob :tier :ephemeral}|for steps that stream' '{:type :blob :signed-url {:ttl-seconds 5}}|60 to 86400' '{:type :blob :name "x"}|no key :name' \
             '{:type :blob :filename ""}|a text of one line' '{:type :blob :content-type 5}|a text of one line' '{:type :blob :search-index 5}|a map such as' \
             '{:type :kv}|needs :key' '{:type :kv :key 5}|a string or keyword' '{:type :kv :key "a" :ttl 0}|seconds from 1'; do
    keep "${bad%%|*}"
    br k.edn --db x.db
    [ "$st" = 2 ] && [[ $err = *"${bad#*|}"* ]] || { echo "$bad: $st $err"; return 1; }
    flow c "(let [o ${bad%%|*}] (flow/step :function :make {:code '(fn [_] 1) :input {} :persist o}))" # computed: judged when it is called
    br c.edn --db x.db
    [ "$st" = 1 ] && [[ $err = *"${bad#*|}"* ]] || { echo "computed $bad: $st $err"; return 1; }
  done
}

@test "what cannot be kept, and references that lead nowhere, are errors of their step" {
  keep '{:type :blob}' '(atom 1)'
  br k.edn --db x.db
  [ "$st" = 1 ]
  [[ $err = *not-serializable* ]]
  for ref in '"res://v1/ws/local/nothing"|no resource res://v1/ws/local/nothing' '{:uri 5}|no reference to a resource' '"http://x"|no reference' ; do
    flow l "(flow/step :function :use {:code '(fn [m] m) :input {:a ${ref%%|*}} :load [:a]})"
    br l.edn --db x.db
    [ "$st" = 1 ] && [[ $err = *"${ref#*|}"* ]] || { echo "$ref: $st $err"; return 1; }
  done
  flow l "(flow/step :function :use {:code '(fn [m] m) :input {:a 1} :load [:b]})"
  br l.edn --db x.db
  [ "$st" = 1 ]
  [[ $err = *":load names :b"* ]]
}

@test "a resource that was removed under its record is an error that can be caught" {
  flow l '(let [a (flow/step :function :make {:code (quote (fn [_] "abc")) :input {} :persist {:type :blob}})]
            (flow/step :wait :pause {:key "k" :timeout "1h"})
            (try (flow/step :function :use {:code (quote (fn [m] m)) :input {:a a} :load [:a]}) (catch Exception e [(:type (ex-data e)) (:key (ex-data e))])))'
  br l.edn --db x.db --run-id r
  [ "$st" = 3 ]
  find x.db-blobs -type f -delete
  br send k 1 --db x.db
  br resume r --db x.db
  want 0 '[:not-found :a]'
}

@test "a full disk is told" {
  mkdir full
  mount -t tmpfs -o size=512k none full 2>/dev/null || skip "no right to mount"
  ln -s full y.db-blobs
  flow f '(flow/step :function :make {:code (quote (fn [_] (apply str (repeat 900000 "x")))) :input {} :persist {:type :blob}})'
  br f.edn --db y.db
  umount full
  [ "$st" = 1 ]
  [[ $err = *"no space left"* ]]
}

@test "a signed URL serves the bytes, whole and by range, to whoever has it and until it expires" {
  flow u '(let [r (flow/step :function :make {:code (quote (fn [_] "0123456789")) :input {}
                             :persist {:type :blob :filename "a \"b\".txt" :content-type "text/html" :signed-url {:ttl-seconds 60}}})]
            (flow/step :kv :tell {:operation :set :key "url" :value (:url r)})
            (flow/step :wait :pause {:key "go" :timeout "1m"}))'
  breyta-run u.edn --db x.db --run-id r --listen 127.0.0.1:0 > r.out 2> r.err 3>&- & pid=$!; echo $pid > pid
  until_ok grep -q '^listening' r.err
  until_ok bash -c "breyta-run show r --db x.db 2>/dev/null | grep -q 'waits for an answer'"
  url=$(breyta-run show r --db x.db --format json 2>/dev/null | grep -o 'http://127[^"]*' | head -1)
  [[ $url = http://127.0.0.1:*/local/resources/content?uri=res%3A%2F%2F* ]]
  curl -sD head -o body "$url"
  [ "$(cat body)" = 0123456789 ]
  grep -qi '^content-type: text/html' head
  grep -qi '^x-content-type-options: nosniff' head
  grep -qi "^content-security-policy: default-src 'none'; sandbox" head
  grep -qi '^content-disposition: attachment; filename="a _b_.txt"' head
  [ "$(curl -s -w '%{http_code}' -r 2-4 "$url")" = 234206 ]
  [ "$(curl -s -w '%{http_code}' -r -3 "$url")" = 789206 ]
  [ "$(curl -s -w '%{http_code}' -r 7- "$url")" = 789206 ]
  [ "$(curl -s -o /dev/null -w '%{http_code}' -r 10-12 "$url")" = 416 ]
  [ "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$url")" = 405 ]
  for bad in "${url%?}0" "${url%?}1" "${url/expires=/expires=9}" "${url/make/other}" "${url%%&*}"; do
    [ "$bad" = "$url" ] || [ "$(curl -s -o /dev/null -w '%{http_code}' "$bad")" = 403 ] || { echo "$bad"; return 1; }
  done
  find x.db-blobs -type f -delete
  [ "$(curl -s -o /dev/null -w '%{http_code}' "$url")" = 404 ]
  breyta-run send go 1 --db x.db
  wait $pid
}

@test "what :on-error :skip leaves is nothing that :persist keeps, or fails over once more" {
  local fails="{:code '(fn [_] (throw (ex-info \"no\" {}))) :input {} :on-error :skip" keeps="{:code '(fn [_] 7) :input {} :on-error :skip"
  flow skip "[(flow/step :function :a $keeps :persist {:type :table :table \"t\"}})
              (flow/step :function :b $keeps :persist {:type :table :table \"t\" :rows-path [:b]}})
              (flow/step :function :c $fails :persist {:type :blob}})
              (flow/step :function :d $fails :persist {:type :kv :key \"k\"}})
              (:value (flow/step :kv :get {:operation :get :key \"k\"}))]"
  br skip.edn --db x.db --run-id r
  want 0 '[nil nil nil nil nil]'
  [ "$(blobs x.db)" = 0 ]
  br replay r --db x.db
  [ "$st" = 0 ]
}

@test "a person who skips a step leaves nothing, or a value that is kept" {
  flow ask "(flow/step :function :a {:code '(fn [_] 7) :input {} :on-error :checkpoint :persist {:type :table :table \"t\"}})"
  br ask.edn --db x.db --run-id nothing; [ "$st" = 3 ]
  br skip nothing --db x.db; [ "$st" = 0 ]
  br resume nothing --db x.db; want 0 nil
  br ask.edn --db x.db --run-id rows; [ "$st" = 3 ]
  br skip rows --db x.db --value '[{"n": 1}, {"n": 2}]'
  [ "$st" = 0 ]
  br resume rows --db x.db
  [ "$st" = 0 ]
  [[ $out = *':row-count 2'* ]]
}
