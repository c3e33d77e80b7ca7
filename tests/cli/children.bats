load help

# Children that most tests call.
kids() {
  flow double '(let [i (flow/input)] {:twice (* 2 (:n i)) :ctx (select-keys (:flow/ctx i) [:workflow-id :parent-workflow-id :root-workflow-id :installation-id :target :version])})'
  flow fails '(throw (ex-info "no luck" {:type :luck :n (:n (flow/input))}))'
  flow asks '(flow/step :wait :ask {:key (str "k" (:n (flow/input))) :timeout "1h"})'
}
# status RUN: its status
status() { breyta-run runs --format json | python3 -c 'import json,sys; print(*[r["status"] for r in json.load(sys.stdin) if r["run-id"]==sys.argv[1]])' "$1"; }
is() { local got; got=$(status "$1"); [ "$got" = "$2" ] || { echo "$1 is $got, wanted $2" >&2; return 1; }; }
caught() { echo "(try $1 (catch Exception e (select-keys (ex-data e) [:type :message :index :workflow-id :status])))"; }

@test "flow/call-flow: both forms give the child's value; the child knows its parent; runs and show tell" {
  kids
  flow p '[(:twice (flow/call-flow :one {:flow-slug :double :input {:n 4}})) (flow/call-flow :double {:n 5}) (:twice (flow/call-flow :three {:flow-slug "double" :input {:n 6}}))]'
  br p.edn --run-id p
  want 0 '[8 {:twice 10, :ctx {:workflow-id "p.double.2", :parent-workflow-id "p", :root-workflow-id "p", :target "draft", :version 0}} 12]'
  br runs; [[ $out == *"p.one.1 "*"child of p, step :one"* ]]
  br show p.one.1; [[ $out == *"parent    child of p, step :one"* ]]
  br show p.one.1 --format json; [[ $out == *'"parent-workflow-id":"p"'* && $out == *'"relation":"call-flow"'* ]]
  br show p; [[ $out == *":call-flow :one"*"output  {:twice 8"* ]]
  br replay p; [ "$st" = 0 ]
  br replay p.one.1; [ "$st" = 0 ]
  br double.edn --input '{"n": 1}' --run-id alone
  [[ $out == *':root-workflow-id "alone"'* && $out != *parent* ]]
}

@test "flow/call-flow: what is wrong with a call is said by the check, or when it is made" {
  flow a '[(flow/call-flow) (flow/call-flow "x" {}) (flow/call-flow :x 5) (flow/call-flow :x {:flow-slug 5}) (flow/call-flow :x {:flow-slug :y :parent-close-policy :kill :timeout "soon" :inputs {}})]'
  br a.edn; [ "$st" = 2 ]
  [[ $err == *"[flow_call_invalid] flow/call-flow takes a step id"*"must be a keyword, got \"x\""*"must be a map, got 5"*":flow-slug of this :call-flow step"*":parent-close-policy of this"*"one of :request-cancel :terminate :abandon"* ]]
  [[ $err == *":timeout of this"*"[flow_step_option_unknown] :call-flow steps have no option :inputs"*"did you mean :input?"* ]]
  kids
  flow b "(let [f (fn [m] $(caught '(flow/call-flow :x (merge {:flow-slug :double :input {:n 1}} m))'))]
     (mapv (fn [m] [(:type (f m)) (:message (f m))]) [{:flow-slug 5} {:input [1]} {:timeout 0} {:version \"x\"} {:parent-close-policy :no} {:retry-policy {:max-attempts 0}} {:workflow-id \"a b\"} {:installation-id 5} {:profile-id \"a\" :installation-id \"b\"} {:target 5}]))"
  br b.edn; [ "$st" = 0 ]
  for said in ':flow-slug must name a flow' ':input must be a map' ':timeout must be a duration' ':version must be a number' ':parent-close-policy must be :request-cancel, :terminate or :abandon' \
    ':retry-policy: ' ':workflow-id must be text of 1 to 200' ':installation-id must be a string' 'both are given and differ' ':target must be'; do
    [[ $out == *"[:validation "*"$said"* ]] || { echo "$said not in $out" >&2; false; }
  done
  br runs; [[ $out != *double* ]]
}

@test "a slug is looked for beside the flow and in --flows; nothing and too much are told with the places" {
  mkdir -p lib/quad more other
  flow lib/quad/flow '(* 4 (:n (flow/input)))'; sed -i 's/:slug :[^ ]*/:slug :quad/' lib/quad/flow.edn
  flow more/any '(* 6 (:n (flow/input)))'; sed -i 's/:slug :[^ ]*/:slug :six/' more/any.edn
  flow p '[(flow/call-flow :quad {:n 1}) (flow/call-flow :six {:n 1})]'
  br p.edn --flows lib --flows more/any.edn; want 0 '[4 6]'
  br p.edn --flows lib --flows more; want 0 '[4 6]'
  br p.edn --flows more; [ "$st" = 1 ]; [[ $err == *"no flow has the :slug quad; looked in more/, ./; --flows names other folders or files"*":flow-not-found"* ]]
  cp more/any.edn other/copy.edn
  br p.edn --flows lib --flows more --flows other; [ "$st" = 1 ]; [[ $err == *"flow six: both more/any.edn and other/copy.edn have this :slug"*":flow-ambiguous"* ]]
  br p.edn --flows lib --flows more --flows more/any.edn; want 0 '[4 6]'
  echo '{:slug :other :flow (quote 1)}' > quad.edn
  br p.edn --flows more; [[ $err == *"(./quad.edn is there, and is no flow of this slug)"* ]]
  br p.edn --flows nowhere; [ "$st" = 2 ]; [[ $err == *"--flows: nowhere: No such file"* ]]
  flow six '(oops)'
  br p.edn --flows lib; [ "$st" = 1 ]; [[ $err == *"the child flow cannot run: ./six.edn:"*"oops"*":flow-invalid"* ]]
}

@test "a child's source is kept: resuming needs no file" {
  kids
  flow p '(let [a (flow/call-flow :asks {:n 1})] (:who a))'
  br p.edn --run-id p; [ "$st" = 3 ]
  rm asks.edn p.edn
  br send k1 '{"who":"Ada"}'; [ "$st" = 0 ]
  br resume p; want 0 '"Ada"'
  is p.asks.1 completed
}

@test "a parent waits for a child that waits: said by run and show; resuming either goes on with both" {
  kids
  flow p '(:who (flow/call-flow :asks {:n (:n (flow/input))}))'
  br p.edn --run-id p --input '{"n":1}'; [ "$st" = 3 ]
  [[ $err == *"step :asks waits for 1 child flow"*"child p.asks.1 (waiting): step :ask waits for an answer with key \"k1\""*"breyta-run send 'k1'"*"breyta-run resume p"* ]]
  br show p; [[ $out == *"waiting   :call-flow :asks"*"child p.asks.1 (waiting)"* ]]
  br p.edn --run-id q --input '{"n":2}'
  br send k1 '{"who":"one"}'; br resume p; want 0 '"one"'
  is q waiting
  br send k2 '{"who":"two"}'
  br resume q.asks.1; want 0 '{:who "two"}'
  is q completed
  br resume q; want 0 '"two"'
}

@test "a failing child raises :child-failed with its id and error; a checkpoint and :retry of the step start a new one" {
  kids
  flow p "[$(caught '(flow/call-flow :fails {:n 3})') (try (flow/call-flow :fails {:n 3}) (catch Exception e (:error (ex-data e)))) (flow/call-flow :skipped {:flow-slug :fails :on-error :skip})]"
  br p.edn --run-id p; [ "$st" = 0 ]
  [[ $out == '[{:type :child-failed, :message "flow fails failed: no luck", :workflow-id "p.fails.1", :status "failed"} {:type :luck, :n 3, :message "no luck"'*' nil]' ]]
  flow t '(flow/step :kv :n {:operation :increment :key "t"})'
  flow r '(flow/call-flow :x {:flow-slug :fails :retry {:max-attempts 2 :backoff-ms 1 :retry-on #{:child-failed}}})'
  br r.edn --run-id r; [ "$st" = 1 ]; [[ $err == *"attempt  2"* ]]
  is r.x.1 failed; is r.x.1-try2 failed
  br replay r; [ "$st" = 0 ]
  flow c '(flow/call-flow :x {:flow-slug :fails :on-error :checkpoint})'
  br c.edn --run-id c; [ "$st" = 3 ]
  flow fails '42'
  br retry c; br resume c; want 0 42
  is c.x.1-try2 completed
  br replay c; [ "$st" = 0 ]
}

@test ":input is checked against what the child declares, and gets its defaults" {
  flow kid '(:n (flow/input))'
  sed -i 's/:inputs \[\]/:inputs [{:name :n :type :number :default 7} {:name :must :type :string :required true}]/' kid.edn
  flow p "[$(caught '(flow/call-flow :kid {:must "x"})') $(caught '(flow/call-flow :kid {:n 3 :must "x"})') (:message $(caught '(flow/call-flow :kid {:n 1})'))]"
  br p.edn; [ "$st" = 0 ]
  [[ $out == '[7 3 "the input of flow kid: '*must*'"]' ]]
}

@test ":timeout ends the wait; :parent-close-policy decides about the child" {
  flow naps '(flow/step :sleep :nap {:millis (:ms (flow/input))})'
  flow p "[$(caught '(flow/call-flow :a {:flow-slug :naps :input {:ms 20000} :timeout "200ms"})') $(caught '(flow/call-flow :b {:flow-slug :naps :input {:ms 20000} :timeout "1s" :parent-close-policy :terminate})')
           $(caught '(flow/call-flow :c {:flow-slug :naps :input {:ms 300} :timeout "50ms" :parent-close-policy :abandon})')]"
  br p.edn --run-id p; [ "$st" = 0 ]
  [[ $out == '[{:type :timeout, :message "flow naps did not end within 200ms", :workflow-id "p.a.1"} {:type :timeout'*'{:type :timeout, :message "flow naps did not end within 50ms", :workflow-id "p.c.3"}]' ]]
  is p.a.1 cancelled; is p.b.2 terminated; is p.c.3 completed
  br replay p; [ "$st" = 0 ]
  flow s '(flow/step :sleep :nap {:millis 700})'
  flow q '(flow/call-flow :s {:flow-slug :s :timeout "5s"})'
  br q.edn; want 0 '{:slept-seconds 0.7}'
  flow z "$(caught '(flow/call-flow :s {:flow-slug :s :timeout "100ms"})')"
  br z.edn --run-id z; [[ $out == *":timeout"* ]]; is z.s.1 cancelled
}

@test "cancelling a parent reaches its children as their :parent-close-policy says" {
  kids
  flow p '(flow/step :fanout :f {:items [{:type :call-flow :flow-slug :asks :input {:n 1}} {:type :call-flow :flow-slug :asks :input {:n 2} :parent-close-policy :abandon}
            {:type :call-flow :flow-slug :asks :input {:n 3} :parent-close-policy :terminate} {:type :call-flow :flow-slug :asks :input {:n 4} :parent-close-policy :request-cancel}]})'
  br p.edn --run-id p; [ "$st" = 3 ]
  br cancel p; [ "$st" = 0 ]
  is p cancelled; is p.f.1.0 cancelled; is p.f.1.1 waiting; is p.f.1.2 terminated; is p.f.1.3 cancelled
  br send k2 '{}'; br resume; [ "$st" = 0 ]
  is p.f.1.1 completed; is p cancelled
  br replay p; [ "$st" = 0 ]
  br p.edn --run-id q; br cancel q --force
  is q terminated; is q.f.1.0 terminated; is q.f.1.1 waiting; is q.f.1.2 terminated; is q.f.1.3 cancelled
  flow deep '(flow/call-flow :asks {:n 9})'
  flow top '(flow/call-flow :deep {})'
  br top.edn --run-id t; br cancel t
  is t cancelled; is t.deep.1 cancelled; is t.deep.1.asks.1 cancelled
}

@test "cancelling or terminating a child is a failure of its parent's step" {
  kids
  flow p "$(caught '(flow/call-flow :asks {:n 1})')"
  br p.edn --run-id p; br cancel p.asks.1 --reason "not today"; br resume p
  [[ $out == '{:type :child-failed, :message "flow asks cancelled: cancelled: not today", :workflow-id "p.asks.1", :status "cancelled"}' ]]
  br p.edn --run-id q; br cancel q.asks.1 --force; br resume q
  [[ $out == *':status "terminated"'* ]]
}

@test "flows call flows five deep, not six" {
  flow down '(let [n (:n (flow/input))] (if (= n 0) (get-in (flow/input) [:flow/ctx :root-workflow-id]) (flow/call-flow :down {:n (dec n)})))'
  br down.edn --input '{"n":5}' --run-id top; want 0 '"top"'
  br down.edn --input '{"n":6}' --run-id deep; [ "$st" = 1 ]
  [[ $err == *"flows may call flows 5 deep"* ]]
  br show deep.down.1.down.1.down.1.down.1.down.1; [[ $out == *":type :limit"* ]]
}

@test ":version, :target, :installation-id and :profile-id" {
  kids
  flow p "[(:ctx (flow/call-flow :a {:flow-slug :double :version 0 :target :live :installation-id \"inst-1\" :input {:n 1}})) (:installation-id (:ctx (flow/call-flow :b {:flow-slug :double :profile-id \"inst-2\" :input {:n 1}})))
           $(caught '(flow/call-flow :c {:flow-slug :double :version 3})')]"
  br p.edn --run-id p; [ "$st" = 0 ]
  [[ $out == *':installation-id "inst-1"'*':target "live"'* && $out == *'"inst-2" {:type :flow-not-found, :message "flow double: files have no versions, so only version 0 can be called"}]' ]]
}

@test ":workflow-id names the child; a name that is taken is refused" {
  kids
  flow p "[(:workflow-id (:ctx (flow/call-flow :a {:flow-slug :double :workflow-id \"mine\" :input {:n 1}}))) $(caught '(flow/call-flow :b {:flow-slug :double :workflow-id "mine" :input {:n 1}})')]"
  br p.edn; want 0 '["mine" {:type :run-exists, :message "there is a run mine already: :workflow-id must be new"}]'
  flow long "(:workflow-id (:ctx (flow/call-flow :$(printf 'x%.0s' $(seq 120)) {:flow-slug :double :input {:n 1}})))"
  br long.edn --run-id "$(printf 'r%.0s' $(seq 150))"; [[ $out =~ ^\"double\.[0-9a-f]{32}\"$ ]]
}

@test ":retry-policy starts new children, after a pause, until one completes" {
  flow kid '(let [n (flow/step :kv :n {:operation :increment :key "n"}) n (:value n)] (if (< n 3) (throw (ex-info "again" {:type :flaky})) n))'
  flow p '(flow/call-flow :k {:flow-slug :kid :retry-policy {:max-attempts 4 :backoff-ms 5}})'
  br p.edn --run-id p; want 0 3
  is p.k.1 failed; is p.k.1-2 failed; is p.k.1-3 completed; [ -z "$(status p.k.1-4)" ]
  br replay p; [ "$st" = 0 ]
  flow q "$(caught '(flow/call-flow :k {:flow-slug :bad :retry-policy {:max-attempts 2 :backoff-ms 1 :retry-on #{:network}}})')"
  flow bad '(throw (ex-info "no" {:type :other}))'
  br q.edn --run-id q; [[ $out == *'"q.k.1"'* ]]; [ -z "$(status q.k.1-2)" ]
}

@test ":fanout keeps the order of the items and gives what decisions say; :transform runs on the recorded result" {
  kids
  flow p '(flow/step :fanout :f {:items [{:type :call-flow :flow-slug :double :input {:n 1}} {:type :call-flow :flow-slug :double :input {:n 2}}] :transform (quote (fn [r] [(mapv (comp :twice :result) (:items r)) (dissoc r :items)]))})'
  br p.edn --run-id p; want 0 '[[2 4] {:succeeded-count 2, :failed-count 0}]'
  br show p; [[ $out == *':fanout :f'*'output  {:items [{:index 0, :status "completed", :workflow-id "p.f.1.0", :result {:twice 2'* ]]
  br show p.f.1.1 --format edn; [[ $out == *':fanout-index 1'* && $out == *':fanout-depth 1'* && $out == *':fanout-parent-step-id :f'* && $out == *':fanout-max-concurrency 5'* && $out == *':parent-step-id :f'* ]]
  br replay p; [ "$st" = 0 ]
  flow e '(flow/step :fanout :f {:items []})'
  br e.edn; want 0 '{:items [], :succeeded-count 0, :failed-count 0}'
  flow t '(flow/step :fanout :f {:items [] :transform (fn [r] (throw (ex-info "mine" {:x 1})))})'
  br t.edn; [ "$st" = 1 ]; [[ $err == *mine* ]]
  flow w '(flow/step :fanout :f {:items [] :transform 5})'
  br w.edn; [ "$st" = 2 ]; [[ $err == *":transform of this :fanout step must be"* ]]
}

@test ":on-error :fail stops the rest and raises; :continue and :collect go on" {
  kids
  items='[{:type :call-flow :flow-slug :asks :input {:n 1}} {:type :call-flow :flow-slug :fails :input {:n 2}} {:type :call-flow :flow-slug :double :input {:n 3}}]'
  flow f "$(caught "(flow/step :fanout :f {:max-concurrency 2 :items $items})")"
  br f.edn --run-id f
  want 0 '{:type :child-failed, :message "flow fails failed: no luck", :index 1, :workflow-id "f.f.1.1", :status "failed"}'
  is f.f.1.0 cancelled; [ -z "$(status f.f.1.2)" ]
  for how in continue collect; do
    flow $how "(let [r (flow/step :fanout :f {:on-error :$how :items $items})] [(mapv :status (:items r)) (:succeeded-count r) (:failed-count r) (mapv :index (:errors r)) (:type (:error (nth (:items r) 1)))])"
    br $how.edn --run-id $how; [ "$st" = 3 ]
    br send k1 '{}'; br resume $how
    if [ $how = continue ]; then errors='[]'; else errors='[1]'; fi
    want 0 "[[\"completed\" \"failed\" \"completed\"] 2 1 $errors :luck]"
  done
  flow w '(flow/step :fanout :f {:items [] :on-error :skip})'
  br w.edn; [ "$st" = 2 ]; [[ $err == *":on-error of this :fanout step must be one of :fail :continue :collect, got :skip"* ]]
}

@test "a child that was started beside one that cannot be is not left lying" {
  flow naps '(flow/step :sleep :nap {:millis 100})'
  flow p "$(caught '(flow/step :fanout :f {:items [{:type :call-flow :flow-slug :naps :parent-close-policy :abandon} {:type :call-flow :flow-slug :naps} {:type :call-flow :flow-slug :nobody}]})')"
  br p.edn --run-id p; [ "$st" = 0 ]; [[ $out == *':type :child-failed'*':index 2'* && $out != *workflow-id* ]]
  is p.f.1.0 completed; is p.f.1.1 cancelled
}

@test ":max-concurrency is how many children there are at a time" {
  kids
  flow p '(count (:items (flow/step :fanout :f {:max-concurrency (:m (flow/input)) :items (vec (for [n (range 7)] {:type :call-flow :flow-slug :asks :input {:n (+ n (:base (flow/input)))}}))})))'
  for m in 1 3 5; do
    br p.edn --run-id p$m --input "{\"m\":$m,\"base\":${m}0}"; [ "$st" = 3 ]
    [ "$(breyta-run runs | grep -c "child of p$m,")" = $m ]
    breyta-run cancel p$m 2>/dev/null
  done
  br p.edn --run-id q --input '{"m":2,"base":100}'
  br send k100 '{}'; br resume q
  [ "$(breyta-run runs | grep -c 'child of q,')" = 3 ]
  for k in 1 2 3 4 5 6; do br send k10$k '{}'; done
  br resume q; want 0 7
  br p.edn --input '{"m":6,"base":0}'; [ "$st" = 1 ]; [[ $err == *":max-concurrency must be a number from 1 to 5, got 6"*":validation"* ]]
  flow w '(flow/step :fanout :f {:items [] :max-concurrency 0})'
  br w.edn; [ "$st" = 2 ]; [[ $err == *":max-concurrency must be from 1 to 5, got 0"* ]]
}

@test ":items: wrong ones are refused before anything starts" {
  kids
  flow p "(let [f (fn [items] $(caught '(flow/step :fanout :f {:items items})'))]
     [(:message (f 5)) (:message (f {})) (:message (f [1])) (:message (f [{}])) (:message (f [{:type :call-flow}])) (:message (f [{:type :call-flow :flow-slug :double :input 5}]))])"
  br p.edn; [ "$st" = 0 ]
  for said in ':items of a fan-out must be a vector, got 5' 'must be a vector, got {}' 'item 0: must be a map such as' 'item 0: needs :type' 'item 0: :flow-slug must name a flow' 'item 0: :input must be a map, got 5'; do
    [[ $out == *"$said"* ]] || { echo "$said not in $out" >&2; false; }
  done
  flow q "(let [f (fn [items] $(caught '(flow/step :fanout :f {:items items})')) c {:type :call-flow :flow-slug :double :input {:n 1} :workflow-id \"same\"}]
     [(:message (f (vec (repeat 26 {:type :call-flow :flow-slug :double :input {:n 1}})))) (:message (f [c {:type :sleep :millis 1}])) (:message (f [c c]))])"
  br q.edn; [ "$st" = 0 ]
  for said in 'a fan-out takes at most 25 :items, got 26' 'item 1: is a :sleep: :call-flow items and steps cannot be mixed in one fan-out' 'item 1: :workflow-id \"same\" is that of another item'; do
    [[ $out == *"$said"* ]] || { echo "$said not in $out" >&2; false; }
  done
  br runs; [[ $out != *double* ]]
}

@test "a run may do five fan-outs with 100 items together" {
  kids
  flow n "(mapv (fn [i] (:type $(caught '(flow/step :fanout :f {:items []})'))) (range 6))"
  br n.edn --run-id n; want 0 '[nil nil nil nil nil :limit]'
  br show n; [[ $out == *"a run may do at most 5 :fanout steps"* ]]
  br replay n; [ "$st" = 0 ]
  flow m "(mapv (fn [i] (or (:failed-count $(caught '(flow/step :fanout :f {:on-error :continue :items (vec (repeat (if (= i 4) 1 25) {:type :call-flow :flow-slug :nobody}))})')) :limit)) (range 5))"
  br m.edn; want 0 '[25 25 25 25 :limit]'
}

@test "a fan-out over steps runs them in order, each with a record of its own" {
  flow p '(let [r (flow/step :fanout :f {:on-error :collect :items [{:type :function :id :a :input {:n 1} :code (quote (fn [i] (inc (:n i))))} {:type :kv :operation :set :key "x" :value 9}
             {:type :function :id :bad :input {} :code (quote (fn [i] (throw (ex-info "bad" {:type :mine}))))} {:type :kv :id :get :operation :get :key "x"}]})]
            [(mapv :status (:items r)) (:result (first (:items r))) (:value (:result (last (:items r)))) (:failed-count r) (mapv (comp :type :error) (:errors r))])'
  br p.edn --run-id p; want 0 '[["completed" "completed" "failed" "completed"] 2 9 1 [:mine]]'
  br show p; [[ $out == *":function :a"*":kv :f/1"*":function :bad"*":kv :get"* ]]
  br replay p; [ "$st" = 0 ]
  flow q '(flow/step :fanout :f {:items [{:type :function :id :a :input {} :code (quote (fn [i] (throw (ex-info "bad" {:type :mine}))))} {:type :kv :operation :set :key "y" :value 9}]})'
  br q.edn --run-id q; [ "$st" = 1 ]; [[ $err == *bad* ]]
  br show q; [[ $out != *":kv"* ]]
}

@test "a fork keeps the results of children and gives new ones new ids" {
  kids
  flow p '[(:twice (flow/call-flow :a {:flow-slug :double :input {:n 1}})) (:workflow-id (:ctx (flow/call-flow :b {:flow-slug :double :input {:n 2}})))]'
  br p.edn --run-id p; want 0 '[2 "p.b.2"]'
  br fork p b --run-id f; want 0 '[2 "f.b.2"]'
  [ -z "$(status f.a.1)" ]
  br replay f; [ "$st" = 0 ]
  br fork p b --run-id g --result '{:ctx {:workflow-id "by hand"}}'; want 0 '[2 "by hand"]'
  [ -z "$(status g.b.2)" ]
  br fork p.a.1 last --run-id alone; [ "$st" -le 2 ]
}

@test "a child's end reaches a parent that another process parked, and both go on after a kill" {
  kids
  flow p '(:who (flow/call-flow :asks {:n 1}))'
  breyta-run p.edn --run-id p --listen 127.0.0.1:0 >/dev/null 2>&1 & pid=$!; echo $pid > pid
  for _ in $(seq 400); do [ "$(status p.asks.1 2>/dev/null)" = waiting ] && break; read -rt 0.02 <> <(:) || :; done
  kill -KILL $pid; wait $pid 2>/dev/null || :
  is p waiting
  br send k1 '{"who":"Ada"}'
  br resume; [ "$st" = 0 ]
  is p completed; is p.asks.1 completed
  br resume p; want 0 '"Ada"'
  [ "$(breyta-run runs | grep -c 'child of p')" = 1 ]
}

@test "the REPL steps over children and runs them; --flows is known there, too" {
  kids; mkdir lib; mv double.edn lib/
  flow p '[(:twice (flow/call-flow :one {:flow-slug :double :input {:n 4}})) (count (:items (flow/step :fanout :f {:items [{:type :call-flow :flow-slug :double :input {:n 1}}]})))]'
  out=$(printf '(input! {})\n(start!)\n(step!)\n(run-on!)\n(mapv (juxt :step :status) (steps))\n' | breyta-run repl --flows lib p.edn 2>&1)
  [[ $out == *':id :f, :type :fanout'*':status :completed, :value [8 1]'*'[[:one :completed] [:f :completed]]'* ]] || { echo "$out" >&2; false; }
  run breyta-run repl --flows nowhere p.edn; [ "$status" = 2 ]
}
