load help

# Tables with so many rows that they are read by a helper thread: the same results, in the same order of events.
setup_rows() {
  flow fill '(do (flow/step :function :rows {:code (quote (fn [_] (mapv (fn [i] {:id i :m (mod i 10) :name (str "n" i)}) (range 5000)))) :input {} :persist {:type :table :table "far"}}) :done)'
  br fill.edn --db x.db; want 0 ':done'
}
sql() { python3 -c 'import sqlite3,sys; d=sqlite3.connect("x.db"); d.execute(sys.argv[1]); d.commit()' "$1"; }

@test "far reads: groups, pages and exports say what near ones say" {
  setup_rows
  flow r '(flow/step :table :a {:op :aggregate :table "far" :group-by [:m] :metrics [{:op :count :as :n} {:op :sum :field :id :as :s}] :order-by [[:m :asc]]})'
  br r.edn --db x.db; [[ $out = *'{:m 0, :n 500, :s 1247500}'*'{:m 9, :n 500, :s 1252000}'* ]]
  flow r '(map :id (:rows (flow/step :table :a {:op :query :table "far" :where [[:m := 3]] :sort [[:id :desc]] :page {:limit 3}})))'
  br r.edn --db x.db; want 0 '(4993 4983 4973)'
  flow r '(let [x (flow/step :table :a {:op :export :table "far" :where [[:id :< 3]] :select [:id :name]})] [(:row-count x) (:content x)])'
  br r.edn --db x.db; want 0 '[3 "id,name\r\n0,n0\r\n1,n1\r\n2,n2\r\n"]'
  flow r '(let [x (flow/step :table :a {:op :export :table "far" :format :jsonl :persist {:type :blob :filename "far.jsonl"}})] [(:row-count x) (:filename (:blob-ref x)) (> (:size-bytes (:blob-ref x)) 100000)])'
  br r.edn --db x.db; want 0 '[5000 "far.jsonl" true]'
  br replay "flow-r-local-r4" --db x.db; [ "$st" = 0 ]
}
@test "far reads see what their run has written before" {
  setup_rows
  flow r '(let [n (fn [] (:n (first (:results (flow/step :table :n {:op :aggregate :table "far" :metrics [{:op :count :as :n}]})))))
                a (n)]
            (flow/step :function :more {:code (quote (fn [_] [{:id 9001} {:id 9002}])) :input {} :persist {:type :table :table "far"}})
            (let [b (n)] (flow/step :table :u {:op :set-column :table "far" :column :m :value 77 :where [[:id :>= 9001]]})
              [a b (n) (:count (flow/step :table :q {:op :query :table "far" :where [[:m := 77]] :page {:limit 5}}))]))'
  br r.edn --db x.db; want 0 '[5000 5002 5002 2]'
}
@test "far reads: what is wrong with them is an error of the step" {
  setup_rows
  flow r '(try (flow/step :table :a {:op :query :table "far" :where [[:nope := 3]] :page {:limit 3}}) (catch Exception e (:type (ex-data e))))'
  br r.edn --db x.db; want 0 ':validation'
}
@test "a run that reads far can be cancelled in the middle" {
  setup_rows
  flow r '(loop [i 0] (flow/step :table :a {:op :aggregate :table "far" :metrics [{:op :sum :field :id :as :s}]}) (recur (inc i)))'
  breyta-run r.edn --db x.db --run-id endless >r.out 2>r.err & echo $! >"$DIR/pid"
  running() { breyta-run show endless --db x.db 2>/dev/null | grep -q "status *running"; }
  until_ok running
  br cancel endless --db x.db; [ "$st" = 0 ]
  wait "$(cat "$DIR/pid")" || st=$?
  rm "$DIR/pid"
  grep -q cancelled r.err
}
@test "a table that cannot be read blocks the run, near and far: no step fails over it" {
  setup_rows
  sql "UPDATE tables SET meta=x'00ff00'"
  for op in '{:op :aggregate :table "far"}' '{:op :get-row :table "far" :row-id "0.1"}' '{:op :set-column :table "far" :column :m :value 1}'; do
    flow r "(try (flow/step :table :a $op) (catch Exception e :caught))"
    br r.edn --db x.db
    [ "$out" = "" ]; says blocked; says 'cannot be read'
  done
  flow r '(flow/step :function :a {:code (quote (fn [_] [{:id 1}])) :input {} :persist {:type :table :table "far"}})'
  br r.edn --db x.db; [ "$out" = "" ]; says blocked
}
