load help

# find CONFIG [EXPR-OF-r]: a flow that searches with that config and answers EXPR
find_flow() { flow find "(let [r (flow/step :search :s $1)] ${2:-(mapv (juxt :target :title) (:items r))})"; }
# finds CONFIG EXPR WANT
finds() {
  find_flow "$1" "$2"
  br find.edn --db x.db ${ARGS:-}
  [ "$st" = 0 ] && [ "$out" = "$3" ] && return
  printf 'config %s\nstatus %s\nstdout: %s\nwanted: %s\nstderr: %s\n' "$1" "$st" "$out" "$3" "$err" >&2
  return 1
}
titles='(mapv :title (:items r))'
# note ID CONTENT PERSIST: a run that keeps CONTENT
note() {
  flow "n$1" "(:uri (flow/step :function :keep {:title \"Keep $1\" :code '(fn [_] $2) :input {} :persist $3}))"
  br "n$1.edn" --db x.db --run-id "$1"
  [ "$st" = 0 ] || { echo "$err" >&2; return 1; }
}
notes() {
  note a '"The café in Zürich sent an invoice, net 30 days."' '{:type :blob :filename "a.txt" :search-index {:tags [:finance "Open"] :source-label "Mail"}}'
  note b '{:subject "Holidays" :body "Nobody is in the office"}' '{:type :blob :filename "b.json" :search-index {:text "vacation absence" :tags [:people]}}'
  note c '"an invoice nobody indexed"' '{:type :blob :filename "plain.txt"}'
}

@test ":query: words, phrases, beginnings; case and accents; all words before some" {
  notes
  finds '{:query "CAFE zurich" :targets [:resources]}' "$titles" '["a.txt"]'
  finds '{:query "\"net 30\"" :targets [:resources]}' "$titles" '["a.txt"]'
  finds '{:query "\"30 net\"" :targets [:resources]}' "$titles" '[]'
  finds '{:query "inv*" :targets [:resources]}' "$titles" '["a.txt"]'
  finds '{:query "inv" :targets [:resources]}' "$titles" '[]'
  finds '{:query "office invoice" :targets [:resources]}' '(set (mapv :title (:items r)))' '#{"b.json" "a.txt"}'
  finds '{:query "holidays — office invoice" :targets [:resources]}' "$titles" '["b.json" "a.txt"]'
}

@test "what people type is never syntax" {
  notes
  for q in 'a AND' 'NOT' '(café' 'café)' 'title:café' '{title}: x' '- * café' 'NEAR(café days)' '\"café' '\"\"' "it's café" '^café' 'café*' '**' '; DROP TABLE search' 'café + invoice' 'x OR'; do
    find_flow "{:query \"$q\" :targets [:resources]}" '(count (:items r))'
    br find.edn --db x.db
    [ "$st" = 0 ] || [[ $err = *"there is no word in the query"* ]] || { echo "$q: $err"; return 1; }
  done
  finds '{:query "scope:café OR" :targets [:resources]}' "$titles" '[]'     # words with such characters inside are phrases
  finds '{:query "net.30" :targets [:resources]}' "$titles" '["a.txt"]'
}

@test ":targets" {
  notes
  echo '{"connections": {"invoices": {"type": "http-api", "config": {"base-url": "http://127.0.0.1:1", "auth": {"type": "bearer", "secret-ref": "invoice-token"}}}}, "secrets": {"invoice-token": "s3cret"}}' > c.json
  flow bill '(flow/step :function :f {:title "Send an invoice" :code (quote (fn [_] "paid")) :input {}})'
  br bill.edn --db x.db --run-id bill
  finds '{:query "invoice" :targets [:flows]}' '(mapv (juxt :target :flow-slug) (:items r))' '[[:flows "bill"]]'
  finds '{:query "paid" :targets [:runs]}' '(mapv (juxt :workflow-id :flow-slug :status :snippet) (:items r))' '[["bill" "bill" :completed "\"**paid**\"\nbill\nbill\ncompleted"]]'
  ARGS='--connections c.json'
  finds '{:query "invoices" :targets [:connections]}' '(mapv #(dissoc % :score :snippet) (:items r))' '[{:target :connections, :title "invoices", :slot :invoices, :type :http-api}]'
  finds '{:query "http api" :targets [:connections]}' "$titles" '["invoices"]'
  finds '{:query "token 127.0.0.1 s3cret" :targets [:connections]}' "$titles" '[]'
  finds '{:query "invoice* paid"}' '(vec (dedupe (mapv :target (:items r))))' '[:resources :flows :runs :connections]'
  finds '{:query "invoice*" :targets #{:connections :resources}}' '(vec (dedupe (mapv :target (:items r))))' '[:resources :connections]'
}

@test "failed runs are found by their error" {
  flow bad '(throw (ex-info "the frobnicator is jammed" {}))'
  br bad.edn --db x.db --run-id bad
  finds '{:query "frobnicator jammed" :targets [:runs]}' '(mapv (juxt :workflow-id :status) (:items r))' '[["bad" :failed]]'
}

@test "runs that were cancelled, and terminated where they were" {
  flow w '(flow/step :wait :w {:key "k" :timeout "1h"})'
  flow v '(flow/step :wait :w {:key "l" :timeout "1h"})'
  br w.edn --db x.db --run-id w
  br v.edn --db x.db --run-id v
  br cancel w --db x.db --reason "too expensive"
  br cancel v --db x.db --force
  finds '{:query "w cancelled expensive" :targets [:runs] :limit 1}' '(mapv (juxt :workflow-id :status) (:items r))' '[["w" :cancelled]]'
  finds '{:query "v terminated" :targets [:runs] :limit 1}' '(mapv (juxt :workflow-id :status) (:items r))' '[["v" :terminated]]'
}

@test ":limit is for each target; the default is 12" {
  flow many "(doseq [i (range 25)] (flow/step :function :keep {:code '(fn [m] (str \"zebra \" (:i m))) :input {:i i} :persist {:type :blob :search-index {}}}))"
  br many.edn --db x.db
  finds '{:query "zebra" :targets [:resources]}' '(:count r)' 12
  finds '{:query "zebra" :targets [:resources] :limit 20}' '(:count r)' 20
  finds '{:query "zebra" :targets [:resources] :limit 1}' '(:count r)' 1
}

@test "filters: :tags :types :path-prefix :storage-backend :storage-root" {
  notes
  finds '{:query "keep" :targets [:resources] :tags [:finance]}' "$titles" '["a.txt"]'
  finds '{:query "keep" :targets [:resources] :tags ["finance" "Open"]}' "$titles" '["a.txt"]'
  finds '{:query "keep" :targets [:resources] :tags [:finance :people]}' "$titles" '[]'
  finds '{:query "keep" :targets [:resources] :types [:result]}' '(:count r)' 3
  finds '{:query "keep" :targets [:resources] :types ["file"]}' '(:count r)' 0
  finds '{:query "keep" :targets [:resources] :path-prefix "result/run/b/"}' "$titles" '["b.json"]'
  finds '{:query "keep" :targets [:resources] :storage-backend :local :storage-root "blobs"}' '(:count r)' 3
  finds '{:query "keep" :targets [:resources] :storage-backend :s3}' '(:count r)' 0
  finds '{:query "keep" :targets [:resources] :storage-root "elsewhere"}' '(:count r)' 0
}

@test ":hydrate" {
  notes
  finds '{:query "café" :targets [:resources]}' '(mapv (juxt :content :truncated?) (:items r))' '[["The café in Zürich sent an invoice, net 30 days." false]]'
  finds '{:query "café" :targets [:resources] :hydrate {:max-chars 8}}' '(mapv (juxt :content :truncated?) (:items r))' '[["The café" true]]'
  finds '{:query "café" :targets [:resources] :hydrate {:enabled false}}' '(contains? (first (:items r)) :content)' 'false'
  finds '{:query "keep" :targets [:resources] :hydrate {:top-k 2}}' '(frequencies (map #(contains? % :content) (:items r)))' '{true 2, false 1}'
  note d '(breyta.sandbox/hex-decode-bytes "00ff00ff")' '{:type :blob :filename "raw.bin" :search-index {:text "binary"}}'
  finds '{:query "binary" :targets [:resources]}' '(mapv #(contains? % :content) (:items r))' '[false]'
}

@test ":search-index: the text, tags and label of a blob, its content only with it" {
  notes
  finds '{:query "vacation" :targets [:resources]}' "$titles" '["b.json"]'
  finds '{:query "people" :targets [:resources]}' '(mapv (juxt :title :tags) (:items r))' '[["b.json" ["people"]]]'
  finds '{:query "mail" :targets [:resources]}' '(mapv (juxt :title :source-label) (:items r))' '[["a.txt" "Mail"]]'
  finds '{:query "indexed" :targets [:resources]}' "$titles" '[]'
  finds '{:query "plain.txt" :targets [:resources]}' "$titles" '["plain.txt"]'
  finds '{:query "office" :targets [:resources]}' '(:snippet (first (:items r)))' '"vacation absence\nKeep b\nb.json\nkeep\nnb\n{\"subject\":\"Holidays\",\"body\":\"Nobody is in the **office**\"}"'
  for bad in '5|a map such as' '{:txt "a"}|has no key :txt' '{:text 5}|:text of :search-index must be a text' '{:tags "a"}|a vector of texts' '{:tags [5]}|a vector of texts' \
             '{:source-label 5}|:source-label of :search-index must be a text'; do
    flow k "(flow/step :function :keep {:code '(fn [_] 1) :input {} :persist {:type :blob :search-index ${bad%%|*}}})"
    br k.edn --db x.db
    [ "$st" = 2 ] && [[ $err = *"${bad#*|}"* ]] || { echo "$bad: $st $err"; return 1; }
    flow k "(let [o ${bad%%|*}] (flow/step :function :keep {:code '(fn [_] 1) :input {} :persist {:type :blob :search-index o}}))"
    br k.edn --db x.db
    [ "$st" = 1 ] && [[ $err = *"${bad#*|}"* ]] || { echo "computed $bad: $st $err"; return 1; }
  done
}

@test ":auto-search-index? of :http indexes the body that is kept" {
  mkdir www
  echo "the quick brown fox" > www/fox.txt
  (cd www && exec python3 -u -m http.server --bind 127.0.0.1 0 >../srv 2>&1) & echo $! > pid
  until_ok grep -q 'port [0-9]' srv
  port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' srv)
  for on in true false; do
    flow get "(flow/step :http :get {:url \"http://127.0.0.1:$port/fox.txt\" :persist {:type :blob :filename \"$on.txt\"} :auto-search-index? $on})"
    br get.edn --db x.db
    [ "$st" = 0 ]
  done
  finds '{:query "quick fox" :targets [:resources]}' "$titles" '["true.txt"]'
}

@test "other workspaces, expired and removed resources are not found" {
  notes
  ARGS='--workspace other'
  finds '{:query "café"}' '(mapv :target (:items r))' '[]'
  ARGS=
  python3 -c 'import sqlite3; d=sqlite3.connect("x.db"); d.execute("UPDATE docs SET expires=1 WHERE key LIKE \"%/run/a/%\""); d.commit()'
  finds '{:query "café" :targets [:resources]}' "$titles" '[]'
  br gc --db x.db
  [ "$st" = 0 ]
  finds '{:query "café" :targets [:resources]}' "$titles" '[]' # a search works off what waits for the index
  [ "$(python3 -c 'import sqlite3; d=sqlite3.connect("x.db"); print(d.execute("SELECT count(*) FROM search_docs WHERE target=\"resources\"").fetchone()[0])')" = 2 ]
}

@test "replay finds what it found, whatever came since" {
  notes
  find_flow '{:query "café" :targets [:resources]}'
  br find.edn --db x.db --run-id f
  note e '"another café"' '{:type :blob :search-index {}}'
  br replay f --db x.db
  [ "$st" = 0 ]
}

@test "wrong options say what would work" {
  for bad in '{:targets [:runs]}|needs :query' '{:query "" }|a text with words' '{:query " \n"}|a text with words' '{:query "!!"}|there is no word in the query' \
             '{:query 5}|:query' '{:query "a" :targets [:files]}|a vector of :resources, :flows, :runs and :connections' '{:query "a" :targets []}|a vector of :resources' \
             '{:query "a" :limit 0}|from 1 to 20' '{:query "a" :limit 21}|from 1 to 20' '{:query "a" :storage-backend [1]}|:storage-backend' '{:query "a" :storage-root [1]}|:storage-root' \
             '{:query "a" :path-prefix 5}|:path-prefix' '{:query "a" :types [5]}|types of resources' '{:query "a" :tags [5]}|a vector of tags' \
             '{:query "a" :hydrate 5}|:hydrate' '{:query "a" :hydrate {:enabled 5}}|true or false' '{:query "a" :hydrate {:top-k 11}}|from 1 to 10' \
             '{:query "a" :hydrate {:max-chars 100001}}|from 1 to 100000' '{:query "a" :hydrate {:most 1}}|:enabled, :top-k and :max-chars'; do
    find_flow "${bad%%|*}" r
    br find.edn --db x.db
    [ "$st" != 0 ] && [[ $err = *"${bad#*|}"* ]] || { echo "$bad: $st $err"; return 1; }
  done
  find_flow '{:query "a" :order 1}' '(:count r)'
  br find.edn --db x.db
  says ":search steps have no option :order"
  find_flow "{:query \"$(printf 'w%s ' $(seq 65))\"}" r
  br find.edn --db x.db
  [ "$st" = 1 ]
  says "more than 64 words"
}
todo() { python3 -c 'import sqlite3; print(sqlite3.connect("x.db").execute("SELECT count(*) FROM search_todo").fetchone()[0])'; }
none_waits() { [ "$(todo)" = 0 ]; }
wait_for_index() { # 40 entries, as runs leave them
  python3 -c 'import sqlite3
d = sqlite3.connect("x.db")
d.executemany("INSERT INTO search_todo(gone,at,workspace,target,key,title,tags,type,path,body) VALUES(0,1,?,?,?,?,?,?,?,?)", [("local", "runs", "r%d" % i, "piece", "", "completed", "f", b"piece") for i in range(40)])
d.commit()'
  [ "$(todo)" -ge 40 ]
}
@test "entries that wait for the index: gc puts them in, and so does an engine that has nothing else to do" {
  flow f 1
  br f.edn --db x.db; [ "$st" = 0 ]
  wait_for_index; br gc --db x.db --dry-run; [ "$(todo)" -ge 40 ]
  br gc --db x.db; [ "$st" = 0 ]; none_waits
  wait_for_index
  flow w '(flow/step :wait :w {:key "never" :timeout "1h"})'
  breyta-run w.edn --db x.db --listen 127.0.0.1:0 >/dev/null 2>&1 & echo $! >"$DIR/pid"
  until_ok none_waits
  kill "$(cat "$DIR/pid")"; wait "$(cat "$DIR/pid")" || :; rm "$DIR/pid"
  flow s '(:count (flow/step :search :s {:query "piece" :targets [:runs] :limit 20}))'
  br s.edn --db x.db; want 0 20
}
@test "a flow that is changed back is found as it is now" {
  flow g '(flow/step :function :one {:title "alpha" :code (quote (fn [x] x)) :input 1})'
  br g.edn --db x.db; cp g.edn a.edn; sed 's/alpha/beta/' a.edn > g.edn; br g.edn --db x.db; cp a.edn g.edn; br g.edn --db x.db
  flow s '(mapv (fn [q] (:count (flow/step :search :s {:query q :targets [:flows]}))) ["alpha" "beta"])'
  br s.edn --db x.db; want 0 '[1 0]'
}
@test "tables are found by their name and their columns, new ones too, and by :types and :path-prefix" {
  flow w '(flow/step :function :rows {:code (quote (fn [x] x)) :input [{:invoice-no 7 :customer "x"}] :persist {:type :table :table "orders-2026"}})'
  br w.edn --db x.db; [ "$st" = 0 ]
  flow s '(mapv (fn [o] (mapv (fn [i] [(:type i) (:table i) (:row-count i) (:columns i) (:uri i)]) (:items (flow/step :search :s (merge {:targets [:resources]} o)))))
             [{:query "orders"} {:query "invoice"} {:query "discount"} {:query "customer" :types [:result]} {:query "customer" :types [:table] :path-prefix "table/"}])'
  br s.edn --db x.db
  local hit='[:table "orders-2026" 1 [:invoice-no :customer] "res://v1/ws/local/table/orders-2026"]'
  want 0 "[[$hit] [$hit] [] [] [$hit]]"
  sed -i 's/:customer "x"/:customer "y" :discount 3/' w.edn; br w.edn --db x.db; [ "$st" = 0 ]
  flow s '(mapv :row-count (:items (flow/step :search :s {:targets [:resources] :query "discount"})))'
  br s.edn --db x.db; want 0 '[2]'
}
