load help

counted() { # a flow whose steps leave a line in the file `done` each time one is really done
  flow shop "(let [input (flow/input)
        price (flow/step :function :price {:input input :code '(fn [in] (count (:item in)))})
        total (* 2 price)]
    (try (flow/step :function :pay {:input {:total total} :code '(fn [in] [:paid (:total in)])})
      (catch Exception e [:refused (ex-message e)])))"
  br shop.edn --run-id a --input '{"item": "tea"}'
  want 0 "[:paid 6]"
}

@test "show --step: stack and locals of a finished run, by number, id and occurrence" {
  counted
  br show a; want 0 "$out"; [[ $out = *"   2  +"*":function :pay"* ]]
  br show a --step 2; want 0 "$out"
  [[ $out = "in front of step 2 :function :pay  {:input {:total 6}"*"  0  flow  shop.edn:10:10"*"      price  3"*"      total  6"* ]]
  for s in pay :pay 'pay#1' last; do br show a --step "$s"; want 0 "$out"; [[ $out = "in front of step 2 "* ]]; done
  br show a --step 1 --format json; want 0 "$out"; [[ $out = '{"run-id":"a","step":{"number":1,"id":"price"'* ]]
  br show a --step 3; want 2 ""; says "a has begun 2 steps, not 3 [no_step]"
  br show a --step nope; want 2 ""; says "this run has begun no step :nope"
  br show a --step 'pay#2'; want 2 ""; says "step :pay has begun 1 time in this run, not 2"
}

@test "show --step works beside the executor and on a parked run" {
  flow w '(let [n 5] (flow/step :wait :ask {:key "k" :timeout "1h"}))'
  br w.edn --run-id w; want 3 ""
  br show w --step ask; want 0 "$out"; [[ $out = *"      n     5"* ]]
}

@test "fork: another local, result, error, config, input; the run it came from stays as it is" {
  counted
  br fork a 2 --set total=50 --run-id b; want 0 "[:paid 50]"
  br show b; [[ $out = *"forked    from a at step 2, other locals"*":price"*"taken over"*":pay"* ]]
  br replay b; want 0 ""
  br fork a price --result 100; want 0 "[:paid 200]"
  br fork a :pay --error "card declined"; want 0 '[:refused "card declined"]'
  br fork a pay --config '{:input {:total 1} :code (fn [in] [:other in])}'; want 0 "[:other {:total 1}]"
  br fork a 1 --input '{"item": "coffee"}'; want 0 "[:paid 12]"
  br fork b last; want 0 "[:paid 50]"
  br replay a; want 0 ""
  br show a --format json; [[ $out != *forked-from* ]]
  br show b --format json; [[ $out = *'"forked-from":{"run-id":"a"'* ]]
}

@test "fork: a repaired source goes on from the failure" {
  flow shop "(let [a (flow/step :function :one {:code '(fn [_] 41)})] (flow/step :function :two {:input {:a a} :code '(fn [in] (inc (:b in)))}))"
  br shop.edn --run-id a; want 1 ""
  flow shop "(let [a (flow/step :function :one {:code '(fn [_] 41)})] (flow/step :function :two {:input {:a a} :code '(fn [in] (inc (:a in)))}))"
  br fork a two --flow shop.edn --run-id fixed; want 0 "42"
  flow other "(flow/step :function :else {:code '(fn [_] 1)})"
  br fork a 2 --flow other.edn; want 2 ""; says "the flow reaches step :else where the history has :one [fork_diverged]"
}

@test "fork --detach, ids, and what is wrong" {
  counted
  br fork a 2 --detach --run-id d; want 3 d
  br resume d; want 0 "[:paid 6]"
  br fork a 2 --run-id d; want 2 ""; says "there is a run d already [run_exists]"
  br fork a; want 2 ""; says "fork takes a run id and a step"
  br fork zz 1; want 2 ""; says "there is no run zz"
  br fork a 3; want 2 ""; says "[no_step]"
  br fork a 2 --set nope=1; want 2 ""; says "there is no local nope in sight of that step"
  br fork a 2 --set total; want 2 ""; says "--set takes NAME=EDN"
  br fork a 2 --set 'total={'; want 2 ""; says "--set"
  br fork a 2 --result 1 --error x; want 2 ""; says "exclude each other"
  br fork a 2 --result 1 --set total=1; want 2 ""; says "would change nothing"
  br fork a 2 --config 5; want 2 ""; says "--config is a map"
  br runs; [ "$(wc -l <<<"$out")" = 3 ]
}

guarded='(try (try (flow/step :wait :ask {:key "k" :timeout "1h"}) (catch Throwable t :caught)) (finally (flow/step :kv :clean {:operation :set :key "x" :value 1})))'

@test "cancel a parked run: finally runs, no catch takes it" {
  flow w "$guarded"
  br w.edn --run-id w; want 3 ""
  br cancel w --reason "no longer wanted"; want 0 ""; says "run w is cancelled"
  br show w; [[ $out = *"status    cancelled"*":wait :ask"*"cancelled"*":kv :clean"*"no longer wanted"* ]]
  br replay w; want 0 ""
  br resume w; want 1 ""; says "run w cancelled: cancelled: no longer wanted"
  br cancel w; want 0 ""; says "run w is cancelled already"
  br cancel zz; want 2 ""; says "there is no run zz"
  br cancel; want 2 ""
}

@test "cancel --force runs no finally" {
  flow w "$guarded"
  br w.edn --run-id w; want 3 ""
  br cancel w --force; want 0 ""; says "run w is terminated"
  br show w; [[ $out != *":kv :clean"* ]]
  br replay w; want 0 ""
}

@test "cancel beside the executor, which notices" {
  flow nap '(try (flow/step :sleep :nap {:seconds 300}) (finally (flow/step :kv :clean {:operation :set :key "x" :value 1})))'
  breyta-run nap.edn --run-id n >n.out 2>n.err & echo $! >pid
  sleeping() { breyta-run show n 2>/dev/null | grep -q ":sleep :nap"; }
  until_ok sleeping
  br cancel n; want 0 ""; says "run n is cancelled"
  st=0; wait "$(cat pid)" || st=$?; rm pid
  [ "$st" = 1 ]
  grep -q "run n cancelled" n.err
  br show n; [[ $out = *":kv :clean"* ]]
}
