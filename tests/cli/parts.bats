load help

# packaged NAME STEPS BODY: a flow with packaged steps
packaged() {
  flow "$1" "$3"
  sed -i "s|^ :flow| :steps [$(printf '%s' "$2" | sed 's/[&|\\]/\\&/g')]\n :flow|" "$1.edn"
}

@test "a packaged step: input under :input of a :function, defaults beneath it, the id" {
  packaged p "{:id :t/double :type :function :description \"d\" :defaults {:code '(fn [{:keys [n by]}] (* n by)) :input {:by 2}}}" \
    '[(flow/step :t/double {:n 4}) (flow/step :t/double :thrice {:n 4 :by 3})]'
  br p.edn --run-id a
  want 0 '[8 12]'
  br show a
  [[ $out == *":function :double"* && $out == *":function :thrice"* ]]
}
@test ":input-schema and :output-schema: where and what would fit" {
  packaged p "{:id :t/f :type :function :description \"d\" :input-schema [:map [:n [:int {:min 1}]]] :output-schema :string :defaults {:code '(fn [{:keys [n]}] (if (= n 1) \"one\" n))}}" \
    '[(flow/step :t/f {:n 1}) (try (flow/step :t/f {:n 0}) (catch Exception e (select-keys (ex-data e) [:type :path :step-id :retryable?]))) (try (flow/step :t/f :two {:n 2}) (catch Exception e (:message (ex-data e))))]'
  br p.edn
  want 0 '["one" {:type :validation, :path [:n], :step-id :f, :retryable? false} "the result of the packaged step :t/f does not fit its :output-schema: must be a string, got 2"]'
}
@test "functions in :defaults take the input, and the input reaches nothing else" {
  packaged p "{:id :t/put :type :kv :description \"d\" :defaults {:operation :set :key '(fn [in] (str \"k-\" (:id in))) :value {:deep ['(fn [in] (:id in)) 'kept]}}} {:id :t/get :type :kv :description \"d\" :defaults {:operation :get}}" \
    '(do (flow/step :t/put {:id 7 :operation :delete}) (:value (flow/step :t/get {:key "k-7"})))'
  br p.edn
  want 0 '{:deep [7 kept]}'
}
@test "an input over the defaults: only options, only keys that the schema names" {
  packaged p "{:id :t/get :type :kv :description \"d\" :input-schema [:map [:key :string]] :defaults {:operation :get}}" \
    '[(:exists? (flow/step :t/get {:key "k"})) (try (flow/step :t/get {:key "k" :operation :set :value 1}) (catch Exception e (:message (ex-data e)))) (try (flow/step :t/get {:key "k" :colour 1}) (catch Exception e (:message (ex-data e))))]'
  br p.edn
  want 0 '[false "the packaged step :t/get does not take :operation: its :input-schema names :key" "the packaged step :t/get has no use for the input :colour: it is no option of :kv, and nothing in :defaults takes the input"]'
}
@test "common options stand beside the input; a declared key is input" {
  packaged p "{:id :t/f :type :function :description \"d\" :input-schema [:map [:n :int] [:title :string]] :defaults {:code '(fn [in] (if (= 1 (:n in)) (throw (ex-info \"no\" {})) in))}}" \
    '[(flow/step :t/f {:n 2 :title "T" :retry {:max-attempts 2}}) (flow/step :t/f {:n 1 :title "T" :on-error :skip})]'
  br p.edn
  want 0 '[{:n 2, :title "T"} nil]'
}
@test "a :template in :defaults: the input is its :data" {
  flow p '(flow/step :t/ask {:id 7})'
  sed -i 's|^ :flow| :templates [{:id :q :type :http-request :request {:url "http://127.0.0.1:1/u/{{id}}"}}]\n :steps [{:id :t/ask :type :http :description "d" :defaults {:template :q}}]\n :flow|' p.edn
  br p.edn
  want 1 ""; says "127.0.0.1:1/u/7"
}
@test "what is not declared, twice declared, too many arguments: told before the run" {
  flow p '(flow/step :t/none {})'
  br p.edn; want 2 ""; says "missing_packaged_step_reference"; says "the packaged step :t/none is not declared"
  flow p '(flow/step (keyword "t" "none") :x {})'
  br p.edn; want 1 ""; says "the packaged step :t/none is not declared: declare it in :steps or :agents"
  packaged p "{:id :t/a :type :kv :description \"d\"} {:id :t/a :type :kv :description \"d\"}" '(flow/step :t/a {})'
  br p.edn; want 2 ""; says "duplicate_packaged_step"
  packaged p "{:id :t/a :type :kv :description \"d\" :input-schema [:nope]}" '(flow/step :t/a {})'
  br p.edn; want 2 ""; says "is no schema: there is no schema type :nope"
}
@test ":confirm: parked in front of the step, approve, reject with a reason" {
  flow c '(:success (flow/step :kv :send {:operation :set :key "k" :value 1 :confirm "Send it?"}))'
  br c.edn --run-id a; want 3 ""
  says "step :send/confirm waits for a person's approval"; says "Send it?"; says "breyta-run approve|reject a send/confirm"
  br show a; [[ $out != *":kv :send"* ]]
  br approve a other; want 2 ""; says "the run waits at step send/confirm"
  br approve a send; want 0 ""
  br resume a; want 0 true
  br c.edn --run-id b; want 3 ""
  br reject b --reason "too early"; want 0 ""
  br resume b; want 1 ""; says "a person rejected this step (:confirm): too early"; says "rejected"
  br replay b; [ "$st" = 0 ]
}
@test ":confirm with :fields: they go into the config" {
  flow c '(:n (flow/step :function :f {:code (quote (fn [in] in)) :input {:n 1 :m 2} :confirm {:message "n?" :fields [{:key :n :field-type :number :required true}]}}))'
  br c.edn --run-id a; want 3 ""
  br approve a; br resume a; want 3 ""; says "the last answer could not be used: the field n is required"
  br approve a --value '{"n": 9}'; br resume a; want 0 9
}
@test ":review: the result as it is, another one, rejected" {
  flow r '(flow/step :function :f {:code (quote (fn [in] in)) :input {:n 1} :review true})'
  for id in a b c; do br r.edn --run-id $id; want 3 ""; says "step :f/review waits"; says "{:n 1}"; done
  br approve a; br resume a; want 0 '{:n 1}'
  br approve b f --value '{"n": 2}'; br resume b; want 0 '{:n 2}'
  br reject c f/review; br resume c; want 1 ""; says "a person rejected this step (:review)"
}
@test "rejected with :on-error :skip is nil; silence is :wait-timeout" {
  flow s '(flow/step :kv :f {:operation :exists :key "k" :confirm true :on-error :skip})'
  br s.edn --run-id a; br reject a; br resume a; want 0 nil
  flow t '(try (flow/step :kv :f {:operation :exists :key "k" :confirm {:timeout "20ms"}}) (catch Exception e (:type (ex-data e))))'
  br t.edn --run-id b --listen 127.0.0.1:0; want 0 :wait-timeout
}
@test ":confirm and :review: wrong values" {
  flow w '(flow/step :kv :f {:operation :exists :key "k" :confirm 5})'
  br w.edn; want 2 ""; says ":confirm of this :kv step must be true, false, a text, or a map"
  flow w '(flow/step :kv :f {:operation :exists :key "k" :review {:timeout "31d"}})'
  br w.edn; want 2 ""; says "at most 30 days"
  flow w '(flow/step :kv :f {:operation :exists :key "k" :confirm (+ 2 3)})'
  br w.edn; want 1 ""; says ":confirm must be true, a string (the text that is shown) or a map"
  flow w '(flow/step :kv :f {:operation :exists :key "k" :confirm {:timeout (str "31d")}})'
  br w.edn; want 1 ""; says "at most 30 days"
}
