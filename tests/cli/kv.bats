load help
# :kv, :sleep and :function: each documented option, its effect and a wrong value.

one() { # STEP EXPECTED: the value of one step form
  flow o "$1"
  br o.edn
  want 0 "$2"
}
bad() { # KIND OPTIONS TEXT...: what the step says when it runs
  flow b "(flow/step $1 :w (merge {} (quote $2)))"
  br b.edn
  [ "$st" = 1 ] || { echo "$2: status $st $out" >&2; return 1; }
  says "step :w: "
  shift 2
  for t; do says "$t"; done
}
seed() { one "(:success (flow/step :kv :s {:operation :set :key \"$1\" :value $2}))" true; }

@test ":kv :get, :default, and the results of flows.md 4.9" {
  one '(flow/step :kv :g {:operation :get :key "k" :default {:d 1}})' '{:success true, :value {:d 1}, :exists? false}'
  one '(flow/step :kv :s {:operation :set :key :k :value #{:a 1/2} :metadata {:by "me"}})' '{:success true, :key "k", :created? true}'
  one '(flow/step :kv :s {:operation :set :key "k" :value 2 :if-not-exists true})' '{:success true, :key "k", :created? false}'
  one '(flow/step :kv :g {:operation :get :key "k" :default 5})' '{:success true, :value #{1/2 :a}, :exists? true, :metadata {:by "me"}}'
  one '(flow/step :kv :e {:operation :exists :key "k"})' '{:success true, :exists? true}'
  one '(flow/step :kv :d {:operation :delete :key "k"})' '{:success true, :key "k", :deleted? true}'
  one '(flow/step :kv :d {:operation :delete :key "k"})' '{:success true, :key "k", :deleted? false}'
  one '(flow/step :kv :e {:operation :exists :key "k"})' '{:success true, :exists? false}'
}
@test ":kv :increment with :delta, :append with :item, :items and :max-length, :list-keys with :prefix and :limit" {
  one '(flow/step :kv :i {:operation :increment :key "n:1"})' '{:success true, :key "n:1", :value 1, :previous 0}'
  one '(flow/step :kv :i {:operation :increment :key "n:1" :delta -2.5})' '{:success true, :key "n:1", :value -1.5, :previous 1}'
  one '(flow/step :kv :a {:operation :append :key "l" :item [1]})' '{:success true, :key "l", :value [[1]], :count 1}'
  one '(flow/step :kv :a {:operation :append :key "l" :items [2 3 4] :max-length 2})' '{:success true, :key "l", :value [3 4], :count 2}'
  one '(:count (flow/step :kv :a {:operation :append :key "long" :items (vec (range 1500))}))' 1000
  one '(flow/step :kv :l {:operation :list-keys})' '{:success true, :keys ["l" "long" "n:1"], :count 3}'
  one '(flow/step :kv :l {:operation :list-keys :prefix "l" :limit 1})' '{:success true, :keys ["l"], :count 1}'
}
@test ":kv :ttl: an entry that has expired is missing" {
  one '(do (flow/step :kv :s {:operation :set :key "t" :value 1 :ttl 1})
           [(:exists? (flow/step :kv :a {:operation :get :key "t"})) (:slept-seconds (flow/step :sleep :z {:millis 1100}))
            (flow/step :kv :b {:operation :get :key "t" :default :gone}) (:keys (flow/step :kv :l {:operation :list-keys}))
            (:created? (flow/step :kv :c {:operation :set :key "t" :value 2 :if-not-exists true :ttl 31536000}))])' \
      '[true 1.1 {:success true, :value :gone, :exists? false} [] true]'
}
@test ":kv: keys and sizes at their limits" {
  k=$(printf 'k%.0s' $(seq 256))
  one "(:success (flow/step :kv :s {:operation :set :key \"$k\" :value 1}))" true
  bad :kv "{:operation :set :key \"${k}k\" :value 1}" ':key is' '1 to 256'
  one '(:success (flow/step :kv :s {:operation :set :key "big" :value (apply str (repeat 1040000 "x"))}))' true
  one '(try (flow/step :kv :s {:operation :set :key "big" :value (apply str (repeat 1050000 "x"))}) (catch Exception e ((juxt :type :retryable?) (ex-data e))))' '[:oversize false]'
}
@test ":kv: wrong values" {
  seed word '"abc"'
  bad :kv '{:operation :put :key "k"}' ':operation is :put' ':list-keys'
  bad :kv '{:key "k"}' ':operation is nil'
  for k in '"a/b"' '""' '"a b"' '"é"' 7 nil; do bad :kv "{:operation :get :key $k}" ":key is $k" 'letters, digits, _ - and :'; done
  bad :kv '{:operation :set :key "k"}' ':set needs :value'
  for t in 0 -1 31536001 '"1h"' 1.5; do bad :kv "{:operation :set :key \"k\" :value 1 :ttl $t}" ":ttl is $t" 'from 1 to 31536000'; done
  bad :kv '{:operation :set :key "k" :value 1 :metadata 5}' ':metadata is 5'
  bad :kv '{:operation :set :key "k" :value 1 :if-not-exists 1}' ':if-not-exists is 1'
  bad :kv '{:operation :increment :key "k" :delta "2"}' ':delta is "2"'
  bad :kv '{:operation :increment :key "word"}' 'what is stored is "abc"'
  bad :kv '{:operation :append :key "k"}' 'one of :item and :items'
  bad :kv '{:operation :append :key "k" :item 1 :items [2]}' 'one of :item and :items'
  bad :kv '{:operation :append :key "k" :items 5}' ':items is 5'
  bad :kv '{:operation :append :key "word" :item 1}' 'what is stored is "abc"'
  for n in 0 1001 '"x"'; do bad :kv "{:operation :append :key \"k\" :item 1 :max-length $n}" ":max-length is $n" 'from 1 to 1000'; done
  bad :kv '{:operation :list-keys :prefix 1}' ':prefix is 1'
  for n in 0 1001; do bad :kv "{:operation :list-keys :limit $n}" ":limit is $n"; done
}
@test ":sleep: one of :seconds, :millis and :duration; none is a second" {
  one '[(flow/step :sleep :a {:millis 20}) (flow/step :sleep :b {:seconds 0.01}) (flow/step :sleep :c {:duration "1s"}) (flow/step :sleep :d {}) (flow/step :sleep :e {:seconds 0 :timeout 5})]' \
      '[{:slept-seconds 0.02} {:slept-seconds 0.01} {:slept-seconds 1} {:slept-seconds 1} {:slept-seconds 0}]'
  bad :sleep '{:seconds 1 :millis 5}' 'one of :seconds, :millis and :duration'
  bad :sleep '{:seconds -1}' ':seconds is -1' '0 to'
  bad :sleep '{:seconds "5"}' ':seconds is "5"'
  bad :sleep '{:millis 1.5}' ':millis' '1.5'
  bad :sleep '{:duration "soon"}' ':duration' '"soon"' '"45m"'
}
@test ":function: :ref or :code, :input, :timeout, its result; wrong ones" {
  flow f '[(flow/step :function :a {:ref :double :input {:n 4}}) (flow/step :function :b {:code (quote (fn [m] (count m))) :input {:x 1 :y 2}})
           (flow/step :function :c {:code "(fn [{:keys [n]}] [n])" :input {:n nil}})]' "{:id :double :language :clojure :code '(fn [{:keys [n]}] (* 2 n))}"
  br f.edn; want 0 '[8 2 [nil]]'
  bad :function '{:input {}}' 'exactly one of :ref'
  bad :function '{:ref :nope :input {}}' 'no function'
  flow t '(try (flow/step :function :slow {:code (quote (fn [_] (loop [] (recur)))) :input {} :timeout "50ms"}) (catch Exception e (:type (ex-data e))))'
  br t.edn; want 0 ':timeout'
  bad :function '{:code (fn [x] 1) :input {} :timeout "never"}' ':timeout' '"never"'
  flow l '(flow/step :function :a {:ref :double :code (quote (fn [x] x)) :input [1]})' "{:id :double :language :clojure :code '(fn [x] x)}"
  br lint l.edn; [ "$st" = 1 ]; [[ $out$err = *function_step_code_ref_conflict* ]]; [[ $out$err = *function_step_input_shape_invalid* ]]
}
@test "common options with wrong values say which step, option and value" {
  bad :kv '{:operation :get :key "k" :on-error :explode}' ':on-error is :explode' ':checkpoint'
  bad :kv '{:operation :get :key "k" :delivery :twice}' ':delivery is :twice' ':idempotent'
  bad :kv '{:operation :get :key "k" :retry {:max-attempts 0}}' 'max-attempts'
}
@test "runs side by side lose no change of a shared value, however long they compute between" {
  flow both '(loop [i 0] (if (= i 40) (:value (flow/step :kv :end {:operation :get :key "n"}))
               (let [v (flow/step :kv :inc {:operation :increment :key "n"})] (reduce + (range 20000)) (recur (inc i)))))'
  for r in a b c; do breyta-run both.edn --db x.db --run-id $r --detach >/dev/null 2>&1 || [ $? = 3 ]; done
  br resume --db x.db
  flow look '(:value (flow/step :kv :n {:operation :get :key "n"}))'
  br look.edn --db x.db
  want 0 120
}
@test "a step that changes a value cannot wait for a blob" {
  bad :kv '{:operation :increment :key "k" :persist {:type :blob}}' 'cannot have :persist'
}
