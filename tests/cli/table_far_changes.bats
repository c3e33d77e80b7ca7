load help

# Changes of big tables, imports and :load are made by a helper thread: the same results; other runs go on meanwhile; nothing that they
# write to the same tables gets lost.
rows() { # N: table "far" of N rows
  flow fill "(:row-count (flow/step :table :i {:op :import-csv :table \"far\" :key-fields [:id] :index-fields [:m]
     :csv (str \"id,m,name\\n\" (apply str (map (fn [i] (str i \",\" (mod i 10) \",n\" i \"\\n\")) (range $1))))}))"
  br fill.edn --db x.db; want 0 "$1"
}
far() { flow r "$1"; br r.edn --db x.db "${@:2}"; }

@test "far changes: set-column, recompute, materialize-join, import-csv and :load say what near ones say" {
  rows 6000
  far '(let [a (flow/step :table :a {:op :set-column :table "far" :column :twice :expr [:* 2 :id] :where [[:m :< 5]]})
             b (flow/step :table :b {:op :set-column :table "far" :column :sum :definition {:computed {:expr [:+ :id :m]}}})
             c (flow/step :table :c {:op :recompute :table "far" :limit 5000 :offset 500})
             d (flow/step :table :d {:op :materialize-join :left {:ref "far" :where [[:id :< 40]]} :right "far" :on [[:id :m]] :join-type :inner :project [[:left :id] [:right :id :other]] :into {:table "pairs"}})
             e (flow/step :function :e {:code (quote (fn [m] [(:n m) (count (:rows m)) (last (:rows m))])) :input {:n 1 :rows "res://v1/ws/local/table/far"} :load [:rows]})]
         [((juxt :rows-scanned :rows-updated :has-more) a) (:rows-updated b) ((juxt :rows-scanned :rows-updated :has-more) c) (:rows-written d) e
          (map :sum (:rows (flow/step :table :q {:op :query :table "far" :sort [[:id :asc]] :page {:limit 2 :offset 499}})))
          (:results (flow/step :table :g {:op :aggregate :table "pairs" :metrics [{:op :count :as :n} {:op :sum :field :other :as :s}]}))])' --run-id r
  want 0 '[[3000 3000 false] 0 [5000 5000 true] 6000 [1 6000 {:id 5999, :m 9, :name "n5999"}] (nil 500) [{:n 6000, :s 17997000}]]'
  br replay r --db x.db; [ "$st" = 0 ]
  far '(let [j (flow/step :table :d {:op :materialize-join :left "far" :right "pairs" :on [[:id :id]] :join-type :inner :project [[:left :id]] :into {:table "pairs" :write-mode :append}})] (:row-count j))'
  want 0 '12000'
}
@test "far changes: what is wrong is an error of the step, and changes nothing" {
  rows 4000
  err() { far "(try $1 (catch Exception e [(:type (ex-data e)) (ex-message e)]))"; [ "$st" = 0 ]; [[ $out = "[$2"*"$3"* ]] || { echo "$out"; return 1; }; }
  err '(flow/step :table :a {:op :set-column :table "far" :column :id :value 7})' :conflict 'has this key'
  err '(flow/step :table :a {:op :set-column :table "far" :column :x :expr [:frob 1]})' :validation 'the operator is one of'
  err '(flow/step :table :a {:op :recompute :table "far" :offset (- 1)})' :validation ':offset must be'
  err '(flow/step :table :a {:op :materialize-join :left "far" :right "none" :on [:id] :into {:table "x"}})' :not-found 'there is no table'
  err '(flow/step :table :a {:op :materialize-join :left "far" :right "far" :on [:id] :into {:table "far"}})' :validation 'would replace'
  err '(flow/step :table :a {:op :import-csv :table "y" :csv (str "a\n" (apply str (repeat 40000 "1\n")) "\"x\n")})' :validation 'line 40002: a quoted field has no end'
  err '(flow/step :function :l {:code (quote (fn [m] m)) :input {:a "res://v1/ws/other/table/far"} :load [:a]})' :not-found 'is not in workspace'
  far '[(:row-count (flow/step :table :s {:op :schema :table "far"})) (:columns (flow/step :table :s {:op :schema :table "far"}))]'
  want 0 '[4000 [{:name :id, :type :int} {:name :m, :type :int} {:name :name, :type :string}]]'
  for t in x y; do far "(flow/step :table :s {:op :schema :table \"$t\"})"; [ "$st" = 1 ]; says "there is no table"; done
}
# together A B: both as children of one run, A first; each says in the list "order" when it is through
together() {
  mkdir -p flows
  for f in a b; do
    [ $f = a ] && body=$1 || body=$2
    (cd flows; flow $f "(let [r $body] (flow/step :kv :said {:operation :append :key \"order\" :item :$f}) r)")
  done
  far '[(mapv :result (:items (flow/step :fanout :f {:items [{:type :call-flow :flow-slug "a" :input {}} {:type :call-flow :flow-slug "b" :input {}}]})))
        (:value (flow/step :kv :o {:operation :get :key "order"}))]' --flows flows
}
@test "other runs go on while a big table is changed, imported, joined or loaded" {
  rows 30000
  busy='(loop [i 0] (if (= i 20) i (do (flow/step :kv :inc {:operation :increment :key "n"}) (recur (inc i)))))'
  for a in '(:rows-updated (flow/step :table :a {:op :set-column :table "far" :column :x :value-template "{{name}}-{{m}}"}))' \
    '(:rows-written (flow/step :table :a {:op :materialize-join :left "far" :right "far" :on [[:id :id]] :into {:table "j"}}))' \
    '(:rows-written (flow/step :table :a {:op :import-csv :table "i" :csv (str "a,b\n" (apply str (repeat 30000 "1,2\n")))}))' \
    '(:n (flow/step :function :a {:code (quote (fn [m] {:n (count (:rows m))})) :input {:rows "res://v1/ws/local/table/far"} :load [:rows]}))'; do
    together "$a" "$busy"
    want 0 '[[30000 20] [:b :a]]' || { echo "of $a"; return 1; }
    far '(:deleted? (flow/step :kv :d {:operation :delete :key "order"}))'; want 0 true
  done
}
@test "what others write to the table meanwhile is neither lost nor overwritten" {
  rows 20000
  together '(:rows-updated (flow/step :table :a {:op :set-column :table "far" :column :x :expr [:+ :m 100]}))' \
    '(loop [i 0] (if (= i 200) i (do (flow/step :table :u {:op :update-cell :table "far" :key {:id (* 7 i)} :column :m :value 50}) (recur (inc i)))))'
  [ "$st" = 0 ] || { echo "$err"; false; }
  [[ $out = '[['*' 200] ['* ]]
  far '(let [n (fn [w] (:n (first (:results (flow/step :table :g {:op :aggregate :table "far" :where w :metrics [{:op :count :as :n}]})))))]
         [(n [[:m := 50]]) (n [[:x :exists? true]]) (n [[:or [:and [:m := 50] [:x :> 109] [:x :< 150]] [:x :> 150]]]) (n [])])'
  want 0 '[200 20000 0 20000]'
}
keep() { # NAME ROWS-FORM OPTIONS: a step that keeps many rows in the table "kept"
  echo "(flow/step :function :$1 {:code (quote (fn [_] $2)) :input {} :persist {:type :table :table \"kept\" $3}})"
}
@test "rows that :persist keeps are written by a helper thread: the same table, and other runs go on" {
  rows='(mapv (fn [i] {:id i :s (str "s" i) :big (+ i 1N) :at (when (odd? i) :odd)}) (range 30000))'
  far "[(mapv (juxt :rows-inserted :rows-updated :row-count)
              [$(keep some "(subvec $rows 0 499)" ":key-fields [:id]") $(keep all "$rows" ':write-mode :upsert')
               $(keep lazy '(map (fn [i] {:id i}) (range 40000 41000))')])
        (:row (flow/step :table :last {:op :get-row :table \"kept\" :key {:id 29999}}))]" --run-id k
  want 0 '[[[499 0 499] [29501 499 30000] [1000 0 31000]] {:id 29999, :s "s29999", :big 30000N, :at :odd}]'
  br replay k --db x.db; [ "$st" = 0 ]
  busy='(loop [i 0] (if (= i 20) i (do (flow/step :kv :inc {:operation :increment :key "n"}) (recur (inc i)))))'
  together '(:rows-inserted (flow/step :function :more {:code (quote (fn [_] (vec (repeat 30000 {:a 1})))) :input {} :persist {:type :table :table "more"}}))' "$busy"
  want 0 '[[30000 20] [:b :a]]'
  far "(try $(keep twice '(mapv (fn [i] {:id (mod i 900)}) (range 1000))') (catch Exception e [(:type (ex-data e)) (:step-id (ex-data e))]))"
  want 0 '[:conflict :twice]'
  far "(flow/step :http :none {:url \"http://127.0.0.1:1/\" :on-error :skip :persist {:type :table :table \"kept\"}})"; want 0 nil
}
@test "rows that are kept while others write the table are neither lost nor written twice" {
  far "$(keep first '[{:id -1}]' ':key-fields [:id]')"; [ "$st" = 0 ]
  together "(:rows-inserted $(keep all '(mapv (fn [i] {:id i}) (range 20000))'))" \
    '(loop [i 0] (if (= i 200) i (do (flow/step :function :one {:code (quote (fn [i] {:id (- -2 i)})) :input i :persist {:type :table :table "kept"}}) (recur (inc i)))))'
  [ "$st" = 0 ] || { echo "$err"; false; }
  [[ $out = '[[20000 200] ['* ]] || { echo "$out"; false; }
  far '(:results (flow/step :table :g {:op :aggregate :table "kept" :metrics [{:op :count :as :n} {:op :min :field :id :as :least} {:op :max :field :id :as :most}]}))'
  want 0 '[{:n 20201, :least -201, :most 19999}]'
}
@test "a process killed while a table is changed has changed nothing, and does it again" {
  rows 20000
  flow k '(:rows-updated (flow/step :table :a {:op :set-column :table "far" :column :x :value-template "{{name}}-{{m}}"}))'
  breyta-run k.edn --db x.db --run-id k >/dev/null 2>&1 3>&- & run=$!
  until_ok eval 'breyta-run show k --db x.db 2>/dev/null | grep -q running'
  kill -9 $run
  wait $run || :
  br resume k --db x.db; want 0 20000
  far '(:n (first (:results (flow/step :table :g {:op :aggregate :table "far" :where [[:x :exists? true]] :metrics [{:op :count :as :n}]}))))'; want 0 20000
}
