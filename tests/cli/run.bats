load help

@test "hello: value to standard output, nothing else" {
  flow hello '(flow/step :function :greet {:code (quote (fn [{:keys [who]}] {:text (str "Hello, " who)})) :input {:who "you"}})'
  br hello.edn
  want 0 '{:text "Hello, you"}'
  br hello.edn --format json
  want 0 '{"text":"Hello, you"}'
  [ -f .breyta/breyta.db ]
}
@test "a failed run: status 1, position, step, hint; resume tells it again" {
  flow bad '(flow/step :function :explode {:code (quote (fn [_] (throw (ex-info "no luck" {:type :oops})))) :input {}})'
  br bad.edn --run-id b
  want 1 ""
  says "no luck"; says "oops"; says "explode"; says "bad.edn:"
  br resume b
  want 1 ""
  says "no luck"
}
@test "a value that cannot cross a step" {
  flow fnval '(flow/step :function :f {:code (quote (fn [_] {:a [inc]})) :input {}})'
  br fnval.edn
  want 1 ""
  says "not-serializable"
}
@test "runaways fail alone with a limit" {
  flow deep '((fn f [x] (inc (f x))) 1)'
  br deep.edn
  want 1 ""
  says "stack"
}
@test "--run-id: the same continues, a difference is named" {
  flow a '(:n (flow/input))'
  br a.edn --run-id x --input '{"n": 1}'; want 0 1
  br a.edn --run-id x --input '{"n": 1}'; want 0 1
  br a.edn --run-id x --input '{"n": 2}'; want 2 ""; says "another input: :n was 1 and is 2"
  br a.edn --run-id x --input '{"n": 1, "m": 2}'; want 2 ""; says ":m was absent and is 2"
  flow a '(inc (:n (flow/input)))'
  br a.edn --run-id x --input '{"n": 1}'; want 2 ""; says "another source"
  br a.edn --run-id "a b"; want 2 ""; says "--run-id"
  br runs; [ "$(wc -l <<< "$out")" = 2 ]
}
@test "a wait parks at once; send and resume" {
  flow ask '(let [a (flow/step :wait :answer {:key "k1" :timeout "2h"})] [:got (:word a)])'
  br ask.edn --run-id q
  want 3 ""
  says ":answer"; says "k1"; says "breyta-run send 'k1'"; says "breyta-run resume q"
  br resume q; want 3 ""
  br send k1 '{"word": "yes"}'; want 0 ""; says "breyta-run resume q"
  br resume q; want 0 '[:got "yes"]'
  br resume q; want 0 '[:got "yes"]'
}
@test "an answer that comes before the wait is kept" {
  flow ask '(:word (flow/step :wait :answer {:key "early" :timeout "2h"}))'
  br send early '{"word": "soon"}'; want 0 ""; says "no run waits"
  br ask.edn; want 0 '"soon"'
}
@test "the commands that are told carry --db" {
  flow ask '(flow/step :wait :answer {:key "k" :timeout "2h"})'
  br ask.edn --run-id q --db my.db; want 3 ""
  says "breyta-run send --db my.db 'k'"; says "breyta-run resume --db my.db q"
}
@test "--detach starts durably and prints the id" {
  flow d '42'
  br d.edn --detach; want 3 flow-d-local-r1; says "breyta-run resume flow-d-local-r1"
  br runs --format json; [[ $out = *'"status":"running"'* ]]
  br resume; want 0 ""
  br resume flow-d-local-r1; want 0 42
  br resume; want 0 ""; says "nothing to resume"
}
@test "checkpoints: retry, skip with a value, reject" {
  flow c '(flow/step :function :f {:code (quote (fn [_] (throw (ex-info "later" {})))) :input {} :on-error :checkpoint})'
  br c.edn --run-id c1; want 3 ""; says "waits for a person"
  br retry c1; want 0 ""
  br resume c1; want 3 ""
  br skip c1 other; want 2 ""; says "waits at step f"
  br skip c1 f --value '{"a": 1}'; want 0 ""; says "breyta-run resume c1"
  br resume c1; want 0 '{:a 1}'
  br skip c1; want 2 ""; says "completed"
  br c.edn --run-id c2; want 3 ""
  br reject c2; want 0 ""
  br resume c2; want 1 ""
}
@test "unknown runs" {
  flow d '1'
  br d.edn; want 0 1
  for c in resume show replay approve retry; do
    br $c nobody; want 2 ""; says "there is no run nobody"
  done
}
@test "runs, show and replay" {
  flow s '(+ (flow/step :function :one {:code (quote (fn [_] 1)) :input {} :title "First"}) (flow/step :function :two {:code (quote (fn [_] 2)) :input {}}))'
  br s.edn --run-id s1; want 0 3
  br runs; want 0 "$out"; [[ $out = *s1*completed* ]]
  br runs --format json; want 0 "$out"; python3 -c 'import json,sys; r=json.loads(sys.argv[1]); assert [x["run-id"] for x in r]==["s1"], r' "$out"
  br show s1; want 0 "$out"; [[ $out = *":function :one"*First*":function :two"* ]]
  br show s1 --format json; want 0 "$out"
  python3 -c 'import json,sys; r=json.loads(sys.argv[1]); assert [x["step"] for x in r["steps"]]==["one","two"] and r["value"]==3, r' "$out"
  br replay s1; want 0 ""; says identical
}
@test "--progress prints a line for each step" {
  flow p '(flow/step :function :one {:code (quote (fn [_] 1)) :input {}})'
  br p.edn --progress; want 0 1; says ":function :one"
  br p.edn; want 0 1; [ -z "$err" ]
}
@test "SIGTERM leaves the run durable, status 143" {
  flow z '(do (flow/step :sleep :nap {:seconds 600}) 1)'
  breyta-run z.edn --run-id z --progress > o 2> e 3>&- &
  echo $! > pid
  pid=$!
  until_ok grep -q nap e
  kill -TERM $pid
  st=0; wait $pid || st=$?
  [ "$st" = 143 ]
  grep -q "breyta-run resume z" e
  br runs; [[ $out = *z* ]]
}
@test "two processes on one database: one executor, answers and listings beside it" {
  flow z '(do (flow/step :sleep :nap {:seconds 600}) 1)'
  flow d '1'
  breyta-run z.edn --run-id z --progress > o 2> e 3>&- &
  echo $! > pid
  pid=$!
  until_ok grep -q nap e
  br d.edn; want 1 ""; says "$pid"
  br runs; want 0 "$out"; [[ $out = *z* ]]
  br show z; want 0 "$out"
  br send k '{"a": 1}'; want 0 ""
  kill -KILL $pid
  wait $pid || :
  br d.edn; want 0 1
}
@test "the :timeout of :function ends its code, whatever that catches; a retry may follow" {
  cat > late.edn <<'FLOW'
{:slug :late :name "Late" :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:label "Run" :inputs []}} :interfaces {:manual [{:id :run :invocation :default}]}
 :functions [{:id :spin :language :clojure
              :code (quote (fn [{:keys [lazy]}]
                             (try (if lazy (map (fn [x] (loop [] (recur))) [1]) (loop [] (recur)))
                                  (catch Throwable t :caught)
                                  (finally (loop [] (recur))))))}]
 :flow (quote [(try (flow/step :function :spin {:ref :spin :timeout "50ms" :input {}}) (catch Exception e (:type (ex-data e))))
               (try (flow/step :function :again {:ref :spin :timeout "50ms" :input {:lazy true}
                                                 :retry {:max-attempts 2 :backoff :constant :initial-delay 10}})
                    (catch Exception e (:attempt (ex-data e))))
               (flow/step :function :fine {:code (quote (fn [_] 3)) :timeout 60 :input {}})])}
FLOW
  br late.edn --run-id t; want 0 "[:timeout 2 3]"
  br replay t; [ "$st" = 0 ]
}
@test "an error in a function names its place there, behind the flow's" {
  flow inner '(flow/step :function :s {:ref :f :input {}})' '{:id :f :language :clojure :code (quote (fn [m]
  (let [x nil]
    (+ 1 x))))}'
  br inner.edn; want 1 ""
  says "at user/fn (inner.edn:8:5)"; says "at user/eval (inner.edn:9:15)"
}
@test "send tells when an answer changes nothing" {
  flow ask '(flow/step :wait :w {:key "k" :timeout "2h"})'
  br send k 1; want 0 ""; says "recorded; no run waits"
  br send k 2; want 0 ""; says "recorded already"
  br ask.edn --run-id a; want 0 1
  br send k 3; want 0 ""; says "was answered at"
  br ask.edn --run-id b; want 3 ""
  br send k 4; want 0 ""; says "recorded for run b"
  br send k 5; want 0 ""; says "recorded already"
  br resume b; want 0 4
}
@test "a function that runs has its line of progress" {
  flow fn '(flow/step :function :s {:ref :f :input {}})' '{:id :f :language :clojure :code (quote (fn [m] 1))}'
  br fn.edn --progress; want 0 1; says "start  :function :s"; says "done   :function :s"
}
@test "a value that is no data names the step that was given it" {
  flow fn '(let [f (fn [x] x)] (flow/step :function :mine {:code (quote (fn [_] 1)) :input {:f f}}))'
  br fn.edn; want 1 ""; says "(at [:input :f])"; says "step     :mine"
}
@test "a key that another run waits for: the error names that run" {
  flow w '(flow/step :wait :w {:key "k1" :timeout "1h"})'
  br w.edn --run-id first; want 3 ""
  br w.edn --run-id second; want 1 ""; says 'run first already waits for the key "k1"'
}
@test "JSON of a run is in the order in which it is told" {
  flow j '(flow/step :function :f {:code (quote (fn [_] 7)) :input {}})'
  br j.edn --run-id r; want 0 7
  br show r --format json; want 0 "$out"
  keys=$(python3 -c 'import json, sys
d = json.loads(sys.argv[1])
print(*d); print(*d["steps"][0])' "$out")
  [ "$keys" = "run-id flow workspace status created updated finished source steps value
number step type status attempt occurrence started ended input output" ] || { echo "$keys" >&2; false; }
}
@test "a request without a body answers {}, the body null answers nil" {
  flow w '(flow/step :wait :w {:key "k" :timeout "1h"})'
  for body in "" null; do
    breyta-run w.edn --listen 127.0.0.1:0 > got 2> log & echo $! > pid
    until_ok grep -q listening log
    url=$(grep -o 'http://[0-9.:]*/local/events/' log)k
    [[ $(curl -s -X POST "$url" ${body:+-d "$body"}) = *delivered* ]]
    wait "$(cat pid)"; rm pid
    [ "$(cat got)" = "$([ "$body" ] && echo nil || echo {})" ]
  done
}
@test "the same function code means something else when a name of its own has come" {
  flow t '(let [f (quote (fn [x] (let [{:keys [i]} x] (inc i))))]
    [(flow/step :function :a {:input {:i 5} :code f}) (flow/step :function :b {:input {:i 5} :code f})
     (flow/step :function :d {:input {} :code (quote (fn [_] (def inc dec) 1))}) (flow/step :function :c {:input {:i 5} :code f})])'
  br t.edn
  want 0 '[6 6 1 4]'
}
