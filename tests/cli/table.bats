load help

# t EXPRESSIONS: a flow that keeps some rows in table "p" (r is its handle) and then evaluates the expressions
t() {
  rm -rf .breyta
  flow t "(let [r (flow/step :function :rows {:code (quote (fn [_] [{:id 1 :name \"Ada\" :age 36 :city \"London\"} {:id 2 :name \"Bob\" :city \"Paris\"} {:id 3 :name \"Cem\" :age 7.5 :city \"London\"}])) :input {} :persist {:type :table :table \"p\" :key-fields [:id] :index-fields [:city]}})] $1)"
  br t.edn
}
q() { t "(flow/step :table :q {:op :query :table r :select [:id] :page {:limit 10} $1})"; } # a query, its :rows by rows_are
rows_are() { [ "$st" = 0 ] && [[ $out = "{:rows $1, :row-ids"* ]] && return; echo "$st $out $err" >&2; return 1; }

@test ":persist: the handle, and what it says" {
  t '(dissoc r :table-id)'
  want 0 '{:table "p", :rows-updated 0, :rows-written 3, :type :resource-ref, :preview [{:id 1, :name "Ada", :age 36, :city "London"} {:id 2, :name "Bob", :city "Paris"} {:id 3, :name "Cem", :age 7.5, :city "London"}], :row-count 3, :rows-inserted 3, :resource-type :table, :uri "res://v1/ws/local/table/p"}'
}
@test ":persist: :rows-path, :write-mode, :schema-mode, :partitions" {
  local code='(quote (fn [x] x)) :input {:deep {:items [{:id 1 :m "a"} {:id 2 :m "b"}]}}'
  flow p "[(:rows-written (flow/step :function :a {:code $code :persist {:type :table :table \"d\" :rows-path [:deep :items] :key-fields [:id] :write-mode :upsert :partitions {:field :m}}}))
           (:rows-updated (flow/step :function :b {:code $code :persist {:type :table :table \"d\" :rows-path [:deep :items] :write-mode :upsert}}))
           (:rows (flow/step :table :c {:op :query :table \"d\" :partitions {:key \"b\"} :page {:limit 5}}))]"
  br p.edn; want 0 '[2 2 [{:id 2, :m "b"}]]'
  flow p "(flow/step :function :a {:code $code :persist {:type :table :table \"d\" :rows-path [:nope]}})"
  br p.edn; want 1 ""; says ":rows-path"
  flow p "(flow/step :function :a {:code $code :persist {:type :table :table \"s\" :schema-mode :strict :rows-path [:deep :items]}})"
  br p.edn; want 0 "$out"
  flow p '(flow/step :function :a {:code (quote (fn [_] [{:id "x"}])) :input {} :persist {:type :table :table "s"}})'
  br p.edn; want 1 ""; says "row 1"; says "column id holds int"
}
@test ":persist: wrong values are found before anything runs" {
  local o
  for o in '{:type :table}|needs :table' '{:type :table :table 7}|the name of a table' '{:type :table :table "a" :rows-path :x}|a vector of keys' \
    '{:type :table :table "a" :write-mode :merge}|:append or :upsert' '{:type :table :table "a" :schema-mode :loose}|:flexible or :strict' '{:type :table :table "a" :rows [1]}|has no key :rows'; do
    flow p "(flow/step :function :a {:code (quote (fn [_] [])) :input {} :persist ${o%%|*}})"
    br p.edn; [ "$st" = 2 ]; says "${o##*|}"
  done
}
@test "a step that changes a table keeps its result elsewhere" {
  t '(flow/step :table :s {:op :set-column :table r :column :x :value 1 :persist {:type :table :table "z"}})'
  want 1 ""; says "in a step of its own"
}
@test ":query: :where :select :sort :page" {
  q ':where [[:city := "London"] [:age :> 10]]'; rows_are '[{:id 1}]'
  q ':where {:city "London"} :sort [[:id :desc]]'; rows_are '[{:id 3} {:id 1}]'
  t '(let [a (flow/step :table :a {:op :query :table (:uri r) :sort [[:name :asc]] :page {:mode :cursor :limit 2}})
           b (flow/step :table :b {:op :query :table "p" :sort [[:name :asc]] :page {:mode :cursor :limit 2 :cursor (:next-cursor (:page a))}})]
       [(map :id (:rows a)) (:has-more (:page a)) (map :id (:rows b)) (:page b)])'
  want 0 '[(1 2) true (3) {:mode :cursor, :limit 2, :has-more false, :next-cursor nil}]'
  t '(:page (flow/step :table :a {:op :query :table {:ref r} :where [[:age :exists? true]] :page {:mode :offset :limit 1 :offset 1 :include-total-count true}}))'
  want 0 '{:mode :offset, :limit 1, :has-more false, :offset 1, :total-count 2}'
}
@test ":query: what is wrong is found before anything runs" {
  local o
  for o in ':page {:limit (count "abc")}|must be a literal' ':page {:limit 0}|from 1 to 1000' ':page {:limit 1001}|from 1 to 1000' ':page {:mode :cursor :limit 5}|needs :sort' \
    ':page {:mode :all :limit 5}|:offset or :cursor' ':page {:mode :offset}|needs :limit' ':page (flow/input)|literal :limit' ':select :a :page {:limit 1}|a vector' ':sort :a :page {:limit 1}|a vector'; do
    flow q "(flow/step :table :q {:op :query :table \"p\" ${o%%|*}})"
    br q.edn; [ "$st" = 2 ]; says "${o##*|}"
  done
  flow q '(flow/step :table :q {:op :query :table "p"})'; br q.edn; [ "$st" = 2 ]; says "needs :page"
  flow q '(flow/step :table :q {:op :query :page {:limit 1}})'; br q.edn; [ "$st" = 2 ]; says "needs :table"
  flow q '(flow/step :table :q {:op :frob :table "p"})'; br q.edn; [ "$st" = 2 ]; says ":query"
  flow q '(flow/step :table :q {:table "p"})'; br q.edn; [ "$st" = 2 ]; says "needs :op"
}
@test ":query: what is wrong with names and conditions" {
  q ':where [[:nope := 1]]'; want 1 ""; says "its columns are id, name, age, city"
  q ':where [[:id :like 1]]'; want 1 ""; says "one of = !="
  q ':partitions {:key "x"}'; want 1 ""; says "has no partitions"
  t '(flow/step :table :q {:op :query :table "people" :page {:limit 1}})'; want 1 ""; says 'no table "people"'; says "there are: p"
  t '(flow/step :table :q {:op :query :table r :sort [[:id :asc]] :page {:mode :cursor :limit 1 :cursor "zzzz"}})'; want 1 ""; says "not from a page"
}
@test ":get-row: by :row-id, by :key, none" {
  t '[(flow/step :table :a {:op :get-row :table r :row-id "0.2"}) (:row (flow/step :table :b {:op :get-row :table r :key {:id "3"} :select [:name]})) (:exists? (flow/step :table :c {:op :get-row :table r :key {:id 9}}))]'
  want 0 '[{:row {:id 2, :name "Bob", :city "Paris"}, :exists? true, :row-id "0.2"} {:name "Cem"} false]'
  flow g '(flow/step :table :g {:op :get-row :table "p"})'; br g.edn; [ "$st" = 2 ]; says ":row-id or :key"
  flow g '(flow/step :table :g {:op :get-row :table "p" :row-id "0.1" :key {:id 1}})'; br g.edn; [ "$st" = 2 ]; says "not both"
}
@test ":aggregate: :group-by :metrics :having :order-by :limit" {
  t '(flow/step :table :a {:op :aggregate :table r :group-by [:city] :metrics [{:op :count :as :n} {:op :sum :field :age} {:op :avg :field :age :as :mean} {:op :min :field :name} {:op :max :field :age}] :having [[:n :>= 1]] :order-by [[:n :desc]] :limit 1})'
  want 0 '{:results [{:city "London", :n 2, :sum-age 43.5, :mean 21.75, :min-name "Ada", :max-age 36}], :count 1, :has-more true}'
  t '(flow/step :table :a {:op :aggregate :table r :metrics [{:op :median :field :age}]})'; want 1 ""; says ":count|:sum"
  t '(flow/step :table :a {:op :aggregate :table r :having [[:zz := 1]]})'; want 1 ""; says "there is no :zz"
  t '(flow/step :table :a {:op :aggregate :table r :order-by [[:zz :asc]]})'; want 1 ""; says "there is no :zz"
  t '(flow/step :table :a {:op :aggregate :table r :group-by [:zz]})'; want 1 ""; says "no column :zz"
}
@test ":schema" {
  t '(select-keys (flow/step :table :s {:op :schema :table r}) [:columns :key-fields :index-fields :schema-mode :row-count])'
  want 0 '{:columns [{:name :id, :type :int} {:name :name, :type :string} {:name :age, :type :double} {:name :city, :type :string}], :key-fields [:id], :index-fields [:city], :schema-mode :flexible, :row-count 3}'
}
@test ":export: formats, :select, :where, :sort, :delimiter" {
  t '(:content (flow/step :table :e {:op :export :table r :select [:id :age] :sort [[:id :desc]]}))'; want 0 '"id,age\r\n3,7.5\r\n2,\r\n1,36\r\n"'
  t '(:content (flow/step :table :e {:op :export :table r :select [:id] :format :json :where [[:id :< 3]]}))'; want 0 '"[{\"id\":1},\n {\"id\":2}]\n"'
  t '(:content-type (flow/step :table :e {:op :export :table r :format :jsonl}))'; want 0 '"application/x-ndjson"'
  t '(flow/step :table :e {:op :export :table r :format :xls})'; want 1 ""; says ":csv, :json, :jsonl or :edn"
  t '(flow/step :table :e {:op :export :table r :delimiter "ab"})'; want 1 ""; says ":delimiter"
  t '(let [e (flow/step :table :e {:op :export :table r :select [:id] :persist {:type :blob :filename "p.csv"}})]
       [(:content e) (:row-count e) (:content-type (:blob-ref e)) (:x (flow/step :function :l {:code (quote (fn [x] x)) :input {:x (:blob-ref e)} :load [:x]}))])'
  want 0 '[{:type :omitted, :reason :persisted} 3 "text/csv; charset=utf-8" "id\r\n1\r\n2\r\n3\r\n"]'
}
@test ":export with :persist goes into the blob row by row: no limit of memory, tiers, errors" {
  t '(let [_ (flow/step :function :f {:code (quote (fn [_] (mapv (fn [i] {:id i :text (apply str (repeat 200 "abcdefghij"))}) (range 35000)))) :input {} :persist {:type :table :table "big"}})
           e (flow/step :table :e {:op :export :table "big" :persist {:type :blob :tier :ephemeral :filename "big.csv"}})]
       [(:row-count e) (:content e) (:size-bytes (:blob-ref e)) (:tier (:blob-ref e)) (:content-type (:blob-ref e)) (:filename (:blob-ref e))])'
  want 0 '[35000 {:type :omitted, :reason :persisted} 70268899 :ephemeral "text/csv; charset=utf-8" "big.csv"]'
  t '(let [_ (flow/step :function :f {:code (quote (fn [_] (mapv (fn [i] {:id i :text (apply str (repeat 200 "abcdefghij"))}) (range 35000)))) :input {} :persist {:type :table :table "big"}})]
       (try (flow/step :table :e {:op :export :table "big" :persist {:type :blob}}) (catch Exception e (:type (ex-data e)))))'
  want 0 ':oversize'
  t '(try (flow/step :table :e {:op :export :table "none" :persist {:type :blob}}) (catch Exception e (:type (ex-data e))))'; want 0 ':not-found'
  t '(let [e (flow/step :table :e {:op :export :table r :select [:id] :format :json :persist {:type :blob}})]
       (:x (flow/step :function :l {:code (quote (fn [x] x)) :input {:x (:blob-ref e)} :load [:x]})))'
  want 0 '[{:id 1} {:id 2} {:id 3}]'
}
@test ":import-csv from a blob is read from its file" {
  t '(let [c (flow/step :function :c {:code (quote (fn [_] (apply str "n,text\n" (map (fn [i] (str i ",\"line\n" i "\"\r\n")) (range 300000))))) :input {} :persist {:type :blob}})
           i (flow/step :table :i {:op :import-csv :table "c" :csv c})
           j (flow/step :table :j {:op :import-csv :table "d" :csv (:uri c)})]
       [(:rows-written i) (:rows-written j) (:rows (flow/step :table :q {:op :query :table i :sort [[:n :desc]] :page {:limit 1}}))])'
  want 0 '[300000 300000 [{:n 299999, :text "line\n299999"}]]'
  t '(let [c (flow/step :function :c {:code (quote (fn [_] (str "n\n1\n\"" (apply str (repeat 6000000 "x"))))) :input {} :persist {:type :blob}})]
       (flow/step :table :i {:op :import-csv :table "c" :csv c}))'
  want 1 ""; says "CSV, line"; says "over 1 MiB"
  t '(try (flow/step :table :i {:op :import-csv :table "c" :csv "res://v1/ws/local/result/none"}) (catch Exception e [(:type (ex-data e)) (ex-message e)]))'
  [ "$st" = 0 ]
  [[ $out = *":not-found"*":csv: there is no resource"* ]]
  t '(flow/step :table :i {:op :import-csv :table "c" :csv {:a 1}})'; want 1 ""; says "no reference to a resource"
}
@test "a table is loaded as its rows where :load names it" {
  t '(flow/step :function :l {:code (quote (fn [m] (mapv :id (:x m)))) :input {:x r} :load [:x]})'; want 0 '[1 2 3]'
  t '(flow/step :function :l {:code (quote (fn [m] (mapv :id (:x m)))) :input {:x (:uri r)} :load [:x]})'; want 0 '[1 2 3]'
  t '(try (flow/step :function :l {:code (quote (fn [m] m)) :input {:x "res://v1/ws/local/table/none"} :load [:x]}) (catch Exception e ((juxt :type :key) (ex-data e))))'; want 0 '[:not-found :x]'
  t '(let [_ (flow/step :function :f {:code (quote (fn [_] (mapv (fn [i] {:id i :text (apply str (repeat 200 "abcdefghij"))}) (range 6000)))) :input {} :persist {:type :table :table "big"}})]
       (try (flow/step :function :l {:code (quote (fn [m] m)) :input {:x "res://v1/ws/local/table/big"} :load [:x]}) (catch Exception e [(:type (ex-data e)) (ex-message e)])))'
  [ "$st" = 0 ]
  [[ $out = *":oversize"*"in pages with :op :query"* ]]
}
@test ":import-csv: options and errors with their line" {
  t '(let [i (flow/step :table :i {:op :import-csv :table "c" :csv "a;b\n1;x\n" :delimiter ";" :infer-types false :write-mode :upsert :key-fields [:a] :index-fields [:b] :schema-mode :strict})]
       [(:rows-inserted i) (:rows (flow/step :table :q {:op :query :table i :page {:limit 5}}))])'; want 0 '[1 [{:a "1", :b "x"}]]'
  t '(flow/step :table :i {:op :import-csv :table "c" :csv "a\n\"x\n"})'; want 1 ""; says "CSV, line 2: a quoted field has no end"
  t '(flow/step :table :i {:op :import-csv :table "c" :csv "a,a\n"})'; want 1 ""; says "twice"
  flow i '(flow/step :table :i {:op :import-csv :table "c"})'; br i.edn; [ "$st" = 2 ]; says "needs :csv"
  flow i '(flow/step :table :i {:op :import-csv :table "c" :csv "a" :write-mode :merge})'; br i.edn; [ "$st" = 2 ]; says ":append :upsert"
}
@test ":update-cell and :update-cell-format" {
  t '(let [u (flow/step :table :u {:op :update-cell :table r :key {:id 2} :column :age :value 50M :expected nil})
           f (flow/step :table :f {:op :update-cell-format :table r :row-id "0.2" :column :age :format {:bold true}})]
       [(:previous u) (flow/step :table :g {:op :get-row :table r :row-id "0.2"})])'
  want 0 '[nil {:row {:id 2, :name "Bob", :age 50M, :city "Paris"}, :exists? true, :row-id "0.2", :formats {:age {:bold true}}}]'
  t '(try (flow/step :table :u {:op :update-cell :table r :key {:id 1} :column :age :value 1 :expected 2}) (catch Exception e [(:type (ex-data e)) (:actual (ex-data e))]))'; want 0 '[:conflict 36]'
  t '(flow/step :table :u {:op :update-cell :table r :key {:id 9} :column :age :value 1})'; want 1 ""; says "no row {:id 9}"
  t '(flow/step :table :u {:op :update-cell :table r :key {:id 2} :column :id :value 1})'; want 1 ""; says "another row"
  t '(flow/step :table :u {:op :update-cell-format :table r :row-id "0.1" :column :age :format 5})'; want 1 ""; says "a map, or nil"
  flow u '(flow/step :table :u {:op :update-cell :table "p" :row-id "0.1" :column :a})'; br u.edn; [ "$st" = 2 ]; says "needs :value"
}
@test ":set-column and :recompute" {
  t '(let [a (flow/step :table :a {:op :set-column :table r :column :big :value true :where [[:age :> 10]]})
           b (flow/step :table :b {:op :set-column :table r :column :label :value-template "{{name}} of {{city}}"})
           c (flow/step :table :c {:op :set-column :table r :column :twice :expr [:* 2 :id] :limit 2})
           d (flow/step :table :d {:op :set-column :table r :column :sum :definition {:display-name "Sum" :computed {:expr [:+ :id 1]}}})
           e (flow/step :table :e {:op :recompute :table r :limit 2 :offset 1})]
       [(:rows-updated a) (:rows-updated b) (:has-more c) (:rows-updated e) (:rows (flow/step :table :q {:op :query :table r :select [:big :label :twice :sum] :page {:limit 5}}))])'
  want 0 '[1 3 true 2 [{:big true, :label "Ada of London", :twice 2} {:label "Bob of Paris", :twice 4, :sum 3} {:label "Cem of London", :sum 4}]]'
  t '(flow/step :table :a {:op :set-column :table r :column :x :expr [:frob 1]})'; want 1 ""; says "the operator is one of"
  t '(flow/step :table :a {:op :set-column :table r :column :x :definition {:colour 1}})'; want 1 ""; says "has no key :colour"
  t '(flow/step :table :a {:op :set-column :table r :column :x})'; want 1 ""; says "needs :definition"
  t '(flow/step :table :a {:op :recompute :table r :offset "x"})'; [ "$st" != 0 ]; says ":offset"
}
@test ":materialize-join" {
  t '(let [j (flow/step :table :j {:op :materialize-join :left {:ref r :where [[:id :< 3]]} :right "p" :on [[:city :city]] :join-type :inner :project [[:left :id] {:from :right :field :name :as :other}] :into {:table "pairs" :index-fields [:id]}})]
       (:rows (flow/step :table :q {:op :query :table j :page {:limit 9}})))'
  want 0 '[{:id 1, :other "Ada"} {:id 1, :other "Cem"} {:id 2, :other "Bob"}]'
  t '(flow/step :table :j {:op :materialize-join :left r :right r :on [[:id :zz]] :into {:table "x"}})'; want 1 ""; says "no column :zz"
  t '(flow/step :table :j {:op :materialize-join :left r :right r :on [:id] :into {:table "p"}})'; want 1 ""; says "would replace"
  flow j '(flow/step :table :j {:op :materialize-join :left "a" :right "b" :on [:id]})'; br j.edn; [ "$st" = 2 ]; says "needs :into"
}
@test "rows of runs that go side by side are all there" {
  flow n '(:row-count (flow/step :table :i {:op :import-csv :table "n" :csv (str "a\n" (:k (flow/input)) "\n")}))'
  for k in 1 2 3 4 5; do br n.edn --run-id "n$k" --input "{\"k\": $k}"; want 0 "$k"; br replay "n$k"; [ "$st" = 0 ]; done
}
