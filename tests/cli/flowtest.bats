load help

# flow NAME BODY as in help.bash, with one input :n; then NAME.test.edn from standard input
flow_n() {
  cat > "$1.edn" <<END
{:slug :$1 :name "$1" :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:label "Run" :inputs [{:name :n :type :number :default 1}]}}
 :interfaces {:manual [{:id :run :invocation :default}]}
 :flow '$2}
END
  cat > "$1.test.edn"
}
prints() { # standard output contains
  [[ $out = *"$1"* ]] && return
  printf 'stdout lacks: %s\nstdout: %s\nstderr: %s\n' "$1" "$out" "$err" >&2
  return 1
}
never_prints() {
  [[ $out != *"$1"* ]] && return
  printf 'stdout has: %s\nstdout: %s\n' "$1" "$out" >&2
  return 1
}
LOAD='(let [n (:n (flow/input)) a (flow/step :http :load {:url "http://x.test/" :query {:n n} :retry {:max-attempts 3}})] {:got (:body a)})'

@test "the examples pass, and folders are searched" {
  cp -r "$ROOT/flows-examples" ex
  mkdir -p ex/.hidden
  echo '{' > ex/.hidden/x.test.edn
  br test ex
  [ "$st" = 0 ]
  prints 'ex/hello/flow.test.edn'
  prints ' passed, 0 failed in '
  cd ex
  br test
  [ "$st" = 0 ]
  br test hello/flow.edn --filter loudly
  prints '1 passed, 0 failed'
}
@test "an unscripted step: its input and what to paste; pasting it helps" {
  flow_n a "$LOAD" <<'END'
{:cases [{:name "one" :expect {:result {:got "x"}}}]}
END
  br test
  [ "$st" = 1 ]
  prints 'step :load (:http) has no answer: call 1'
  prints 'its input: {:url "http://x.test/", :query {:n 1}, :retry {:max-attempts 3}}'
  prints 'add to :steps of the case: :load {:response {:status 200 :body {}}}'
  stanza=$(sed -n 's/.*add to :steps of the case: //p' "$DIR/.out")
  echo "{:cases [{:name \"one\" :steps {$stanza} :expect {:result {:got {}}}}]}" > a.test.edn
  br test a.test.edn
  [ "$st" = 0 ]
}
@test "differences are told by path, the shortest way" {
  flow_n a '(flow/step :files :ask {})' <<'END'
{:defaults {:steps {:ask {:value {:items [{:price 1} {:price 2} {:price 4} {:price 5}] :sum 12.0 :text "abc"}}}}
 :cases [{:name "deep" :expect {:result {:items [{:price 1} {:price 2} {:price 3} {:price 5}] :sum 12.0 :text "abc"}}}
         {:name "keys" :expect {:result {:items [{:price 1} {:price 2} {:price 4} {:price 5}] :sum 12 "text" "abc" :more nil}}}
         {:name "inserted" :expect {:matches {:items [{:price 1} {:price 4} {:price 5}]}}}
         {:name "removed" :expect {:matches {:items [{:price 1} {:price 2} {:price 3} {:price 4} {:price 5}]}}}
         {:name "patterns" :expect {:matches {:items [{:price odd?} ... ] :sum (fn [s] (< s 10)) :text #"^x"}}}]}
END
  br test
  [ "$st" = 1 ]
  prints '[:items 2 :price] expected 3, got 4'
  prints '[:sum] expected 12, got 12.0 (a java.lang.Long and a java.lang.Double)'
  prints '["text"] is missing, expected "abc" (there is :text)'
  prints '[:more] is missing, expected nil'
  prints '[:text] was not expected, got "abc"'
  prints '[:items 1] was not expected, got {:price 2}'
  prints '[:items 2] is missing, expected {:price 3}'
  prints '[:sum] does not satisfy (fn [s] (< s 10)): 12.0'
  prints '[:text] expected a match of #"^x", got "abc"'
  [ "$(grep -c '^          ' "$DIR/.out")" = 9 ]
}
@test "big data: a few lines, not all of it" {
  flow_n a '(flow/step :files :ask {})' <<'END'
{:cases [{:name "vector" :steps {:ask {:fn (fn [_ _] (vec (range 5000)))}} :expect {:pred (fn [_] true) :matches [0 1 2 ...]}}
         {:name "shifted" :steps {:ask {:fn (fn [_ _] (vec (range 3000)))}} :expect {:matches [7 ...]}}
         {:name "text" :steps {:ask {:fn (fn [_ _] (apply str (concat (repeat 900 "a") ["b"] (repeat 900 "a"))))}}
          :expect {:matches #"b$"}}
         {:name "long" :steps {:ask {:fn (fn [_ _] (zipmap (range 400) (range 400)))}} :expect {:result {}}}]}
END
  br test
  prints 'ok    vector'
  prints '[0] expected 7, got 0'
  prints '... and 388 more'
  [ "$(wc -c < "$DIR/.out")" -lt 4000 ]
}
@test "answers: sequences of calls and attempts, delays, timeouts, functions, responses" {
  flow_n a '(loop [i 0 out []] (if (= i 4) out (recur (inc i) (conj out (:body (flow/step :http :get {:url "http://x.test/" :timeout 10 :retry {:max-attempts 3 :backoff-ms 1000 :backoff :constant :jitter false :retry-on [:timeout :network 503]}}))))))' <<'END'
{:cases
 [{:name "mixed"
   :steps {:get [{:value {:body 1}}
                 {:attempts [{:error :network} {:delay "60s" :value {:body :late}} {:delay "2s" :value {:body 2}}]}
                 {:times 2 :fn (fn [{:keys [url]} {:keys [call attempt]}] {:body [url call attempt]})}]}
   :expect {:result [1 2 ["http://x.test/" 3 1] ["http://x.test/" 4 1]] :attempts {:get 6} :calls {:get 4} :time "14s"}}
  {:name "responses"
   :steps {:get [{:attempts [{:response {:status 503 :headers {"Retry-After" "7"}}} {:response {:body {:a 1}}}]}
                 {:response {:body "text" :headers {"Content-Type" "text/plain"}}}
                 {:response {:status 204}}
                 {:response {:body "{\"b\": 2}" :headers {:content-type "application/json"}}}]}
   :expect {:result [{:a 1} "text" nil {:b 2}] :time "7s"}}
  {:name "typed error"
   :steps {:get {:error {:type :quota :message "no more" :left 0}}}
   :expect {:error {:type :quota :message #"no" :step :get :attempt 1 :data {:left 0}}}}
  {:name "unused" :steps {:get [{:times 4 :value {:body 1}} {:value 2} {:value 3}]} :expect {:status :completed}}
  {:name "unused attempt" :steps {:get [{:times 3 :value {:body 1}} {:attempts [{:value {:body 1}} {:error :network}]}]} :expect {:status :completed}}
  {:name "another input" :steps {:get {:input {:url #"^https:"} :value {:body 1}}} :expect {:status :completed}}]}
END
  br test
  [ "$st" = 1 ]
  prints 'ok    mixed'
  prints 'ok    responses'
  prints 'ok    typed error'
  prints 'answers 2, 3 of step :get were never used'
  prints 'the step was called 4 times'
  prints 'answer 2 (its last 1 attempt) of step :get was never used'
  prints 'step :get, call 1, has another input'
  prints '[:url] expected a match of #"^https:", got "http://x.test/"'
  prints '3 passed, 3 failed'
}
@test "the clock jumps: 30 days and 10,000 polls take no time" {
  flow_n a '(let [t (flow/now-ms) a (flow/step :wait :answer {:key "k" :timeout "30d" :on-timeout :continue :default-value :none})] {:a a :days (/ (- (flow/now-ms) t) 86400000)})' <<'END'
{:cases [{:name "a month" :clock "2024-02-01T00:00:00Z" :expect {:result {:a :none :days 30} :time "30d"}}]}
END
  flow_n b '(loop [i 1] (if (= "done" (flow/step :files :ask {:i i})) {:polls i :at (flow/now-ms)} (do (flow/step :sleep :nap {:millis 500}) (recur (inc i)))))' <<'END'
{:cases [{:name "polls" :durability false :steps {:ask [{:times 9999 :value "no"} {:value "done"}]}
          :expect {:result {:polls 10000 :at 1767230599500} :calls {:ask 10000 :nap 9999} :time "4999500ms"}}]}
END
  SECONDS=0
  br test a.edn b.edn
  [ "$st" = 0 ]
  prints 'for 30d 0h'
}
@test "events: early, late, twice, by step and by key; a person's actions" {
  flow_n a '(flow/step :wait :answer {:key "k" :timeout "1h" :on-timeout :continue :default-value :none})' <<'END'
{:cases [{:name "at once" :events [{:step :answer :value 1}] :expect {:result 1 :time "0s"}}
         {:name "early" :events [{:at "0s" :key "k" :value 2}] :expect {:result 2}}
         {:name "late" :events [{:at "61m" :key "k" :value 3 :outcome :duplicate}] :expect {:result :none :time "1h"}}
         {:name "twice" :events [{:at "5m" :key "k" :value 4 :outcome :delivered} {:at "6m" :key "k" :value 5 :outcome :duplicate}] :expect {:result 4 :time "5m"}}
         {:name "wrong outcome" :events [{:at "5m" :key "k" :value 4 :outcome :kept}] :expect {:result 4}}
         {:name "approved" :events [{:at "5m" :step :answer :action :approve :value {:by "ann"}}] :expect {:matches {:action :approve :by "ann"}}}
         {:name "never" :events [{:step :other :value 1}] :expect {:result :none}}
         {:name "not yet" :events [{:at "2h" :step :answer :value 1}] :expect {:result :none}}
         {:name "parked" :expect {:waits-on {:step :answer :key "k" :kind :wait}}}
         {:name "parked elsewhere" :expect {:waits-on :other}}
         {:name "looked at" :until "59m" :expect {:status :waiting}}]}
END
  br test
  prints 'ok    at once'; prints 'ok    early'; prints 'ok    late'; prints 'ok    twice'; prints 'ok    approved'
  prints 'ok    parked  '; prints 'ok    looked at'
  prints 'event 1: its sender was told :delivered, expected :kept'
  prints 'event 1 never happened: the run did not wait at :other'
  prints '[:step] expected :other, got :answer'
  prints '7 passed, 4 failed'
}
@test "checkpoints: retried, skipped, rejected, left alone" {
  flow_n a '(flow/step :files :ask {:on-error :checkpoint})' <<'END'
{:cases [{:name "retry" :steps {:ask {:attempts [{:error :busy} {:value 1}]}} :events [{:step :ask :action :retry}] :expect {:result 1 :attempts {:ask 2}}}
         {:name "skip" :steps {:ask {:error :busy}} :events [{:step :ask :action :skip :value 2}] :expect {:result 2}}
         {:name "reject" :steps {:ask {:error :busy}} :events [{:at "3d" :step :ask :action :reject}] :expect {:error :rejected :time "3d"}}
         {:name "alone" :steps {:ask {:error :busy}} :expect {:waits-on {:step :ask :kind :checkpoint}}}
         {:name "unmeant" :steps {:ask {:error :busy}} :expect {:result 1}}]}
END
  br test
  prints '4 passed, 1 failed'
  prints 'it waits at step :ask for a person; answer it with :events [{:step :ask :action :retry}]'
}
@test "crashes are real: at-most-once steps see them, others run again with the same answer" {
  flow_n a '(let [x (flow/step :files :once {:delivery :at-most-once :on-error :skip}) y (flow/step :files :again {}) z (flow/step :function :f {:code (quote (fn [_] 3)) :input {}})] [x y z])' <<'END'
{:defaults {:steps {:once {:value 1} :again [{:value 2}]}}
 :cases [{:name "none" :expect {:result [1 2 3]}}
         {:name "before intent" :crash {:step :once :point :before-intent} :expect {:result [1 2 3]}}
         {:name "after intent" :crash {:step :once} :expect {:result [nil 2 3]}}
         {:name "before result" :crash {:step :once :point :before-result} :expect {:result [nil 2 3]}}
         {:name "after result" :crash {:step :once :point :after-result} :expect {:result [1 2 3]}}
         {:name "again" :crash [{:step :again} {:step :again :point :before-result} {:step :f :point :before-result}] :expect {:result [1 2 3] :calls {:again 1}}}
         {:name "no such" :crash [{:step :again :call 2} {:at "1h"}] :expect {:result [1 2 3]}}
         {:name "everywhere" :crash :everywhere :expect {:result [1 2 3]}}]}
END
  br test
  prints '6 passed, 2 failed'
  prints 'crash 1 never happened: no such attempt, or its step has no such point'
  prints 'crash 2 never happened: the run had ended before'
  prints ':crash :everywhere: a step has :delivery :at-most-once, so the outcome depends on where the process dies; name the crashes'
}
@test "expectations on steps, counts, time, kv, errors, and the wrong end" {
  flow_n a "$LOAD" <<'END'
{:defaults {:steps {:load {:value {:body 1}}}}
 :cases [{:name "steps" :expect {:steps [:first :load]}}
         {:name "input" :expect {:steps [{:step :load :input {:query {:n 2}}}]}}
         {:name "counts" :expect {:calls {:load 2} :attempts {:load 3}}}
         {:name "time" :steps {:load {:delay "90m" :value {:body 1}}} :expect {:time {:max "1h"}}}
         {:name "kv" :expect {:kv {"x" 1}}}
         {:name "error wanted" :expect {:error :timeout}}
         {:name "value wanted" :steps {:load {:error {:type :network :message "cut"}}} :expect {:result 1}}
         {:name "other error" :steps {:load {:error {:type :quota :message "no more"}}} :expect {:error {:message #"quota" :step :save}}}
         {:name "input refused" :input {:n "x"} :expect {:status :completed}}]}
END
  br test
  [ "$st" = 1 ]
  prints '[0] is missing, expected :first'
  prints 'steps taken: :load'
  prints '[:input :query :n] expected 2, got 1'
  prints 'step :load: 1 call, expected 2'
  prints 'step :load: 1 attempt, expected 3'
  prints 'the run took 1h 30m (5400000 ms) of virtual time, expected {:max "1h"}'
  prints ':kv "x" differs'
  prints 'the run is completed, expected failed'
  prints 'error :network of step :load: cut'
  prints '[:message] expected a match of #"quota", got "no more"'
  prints '[:step-id] expected :save, got :load'
  prints 'invalid input: :n must be a number, got "x"'
  prints '0 passed, 9 failed'
}
@test "an invalid file: every problem at once, with position; status 2" {
  flow_n a "$LOAD" <<'END'
{:cases
 [{:name "a" :inptu {} :steps {:load {:value 1 :error :x} :laod {:value 1}}
   :crash {:step :load :at "1s"}
   :expect {:result (fn [x] x) :time "soon"}}
  {:name "a" :expect {:pred (fn [r] (nope r))}}
  {:name "b"}]}
END
  br test
  [ "$st" = 2 ]
  says 'a.test.edn:2:14: error [test_key_unknown] :inptu is no key of a case (did you mean :input?)'
  says 'a.test.edn:2:38: error [test_key_conflict] an answer has one of'
  says 'a.test.edn:3:11: error [test_key_conflict] a crash is at a :step or :at a time'
  says 'a.test.edn:4:21: error [test_value_invalid] exact data cannot hold code'
  says 'a.test.edn:4:38: error [test_value_invalid] :time must be a duration'
  says 'a.test.edn:5:10: error [test_case_duplicate]'
  says 'a.test.edn:5:29: error [test_code_invalid] Unable to resolve symbol: nope'
  says 'a.test.edn:6:3: error [test_key_missing] A case needs :expect'
  prints '1 invalid file'
  echo '{:cases [{:name "x" :steps {:laod {:value 1}} :expect {:status :completed}}]}' > a.test.edn
  br test
  [ "$st" = 1 ]
  says 'warning [test_step_unknown] there is no step :laod in a.edn'
  echo '{:flow "b.edn" :cases [{:name "x" :expect {:status :completed}}]}' > a.test.edn
  br test
  [ "$st" = 2 ]
  says 'cannot read the flow b.edn'
  echo '{:slug 7}' > b.edn
  br test
  [ "$st" = 2 ]
  says 'b.edn:1:'; says 'the flow b.edn does not read'
}
@test "a case that hangs, or takes its process down, fails alone" {
  flow_n a "$LOAD" <<'END'
{:defaults {:steps {:load {:value {:body 1}}}}
 :cases [{:name "one" :expect {:result {:got 1}}}
         {:name "hangs" :expect {:pred (fn [_] (loop [] (recur)))}}
         {:name "two" :expect {:result {:got 1}}}
         {:name "dies" :expect {:pred (fn [_] (count (apply str (repeat 400000000 "abcdefghijklmnopqrstuvw"))))}}
         {:name "three" :expect {:result {:got 1}}}
         {:name "four" :skip "not today" :expect {:result {:got 1}}}]}
END
  br test --time-limit 9
  [ "$st" = 1 ]
  prints 'DIED  hangs'
  prints 'it took longer than 9s'
  prints 'ok    three'
  prints 'skip  four  not today'
  prints '3 passed, 2 failed, 1 skipped'
  br test --fail-fast --time-limit 2
  [ "$st" = 1 ]
  never_prints 'two'
  prints '1 passed, 1 failed'
}
@test "an endless flow body fails with its place" {
  flow_n a '(loop [i 0] (recur (inc i)))' <<'END'
{:cases [{:name "runs away" :expect {:error {:type :limit}}}
         {:name "goes on for ever" :expect {:status :completed}}]}
END
  br test --filter runs
  [ "$st" = 0 ]
}
@test "TAP, JUnit XML and JSON" {
  flow_n a "$LOAD" <<'END'
{:defaults {:steps {:load {:value {:body 1}}}}
 :cases [{:name "good # \"one\" <&>" :expect {:result {:got 1}}}
         {:name "bad" :expect {:result {:got "<&>\u0001"}}}
         {:name "off" :skip "later" :expect {:status :completed}}]}
END
  br test --format tap
  [ "$st" = 1 ]
  prints 'TAP version 13'
  prints 'ok 1 - a.test.edn: good \# "one" <&>'
  prints 'not ok 2 - a.test.edn: bad'
  prints '    [:got] expected "<&>'
  prints 'ok 3 - a.test.edn: off # SKIP later'
  [ "$(tail -1 "$DIR/.out")" = 1..3 ]
  br test --format junit
  [ "$st" = 1 ]
  python3 - "$DIR/.out" <<'END'
import sys, xml.etree.ElementTree as E
root = E.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites" and (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("3", "1", "0", "1")
suite, = root
assert suite.get("name") == "a.test.edn" and suite.get("timestamp") and float(suite.get("time")) >= 0
a, b, c = suite.findall("testcase")
assert a.get("name") == 'good # "one" <&>' and len(a) == 0 and a.get("classname") == "a.test.edn"
assert "[:got] expected" in b.find("failure").text and b.find("failure").get("message") == "the result differs"
assert c.find("skipped") is not None
END
  br test --format json
  python3 - "$DIR/.out" <<'END'
import sys, json
r = json.load(open(sys.argv[1]))
assert (r["passed"], r["failed"], r["skipped"], r["invalid"]) == (1, 1, 1, 0)
assert [c["verdict"] for c in r["files"][0]["cases"]] == ["passed", "failed", "skipped"]
END
  echo '{' > b.test.edn
  br test --format junit
  [ "$st" = 2 ]
  python3 -c 'import sys, xml.etree.ElementTree as E; r = E.parse(sys.argv[1]).getroot(); assert r.get("errors") == "1", r.attrib' "$DIR/.out"
}
@test "bad usage" {
  br test nowhere.test.edn; [ "$st" = 2 ]; says 'cannot read nowhere.test.edn'
  mkdir empty; br test empty; [ "$st" = 2 ]; says 'there is no *.test.edn below empty'
  echo x > x.txt; br test x.txt; [ "$st" = 2 ]; says 'is no test file'
  flow f '1'; br test f.edn; [ "$st" = 2 ]; says 'f.edn has no test file f.test.edn; `breyta-run test f.edn --record --input JSON` begins one'
  br test --format xml .; [ "$st" = 2 ]; says '--format is text, tap, junit or json'
  br test --time-limit soon .; [ "$st" = 2 ]
  br test --replay-db x.db; [ "$st" = 2 ]; says '--replay-db needs the flows'
  br test f.edn --input '{}'; [ "$st" = 2 ]; says '--input goes with --record'
  br test f.edn --record --input '{'; [ "$st" = 2 ]; says '--input'
}
@test "--record: for real once, then without the service; secrets stay out" {
  python3 "$ROOT/tests/tools/httpd.py" --port 0 > port 2>/dev/null & echo $! > "$DIR/pid"
  until_ok grep -q '^PORT ' port
  port=$(sed -n 's/^PORT //p' port)
  flow_n a '(let [{:keys [base pin]} (flow/input)
                  echo (flow/step :http :echo {:url (str base "/echo") :method :post :headers {"Authorization" "Bearer tok-12345678" "X-Api-Key" "key-87654321"} :json {:pin pin :mine (str "see " pin)}})
                  flaky (flow/step :http :flaky {:url (str base "/flaky") :query {:key "a" :fail 2} :retry {:max-attempts 3 :backoff-ms 1}})
                  gone (flow/step :http :gone {:url (str base "/status/404") :on-error :skip})
                  nap (flow/step :sleep :nap {:millis 5})]
              {:auth (get-in echo [:body :headers :authorization]) :tries (get-in flaky [:body :calls]) :gone gone :pin (get-in echo [:body :body])})' < /dev/null
  sed -i 's/{:name :n :type :number :default 1}/{:name :base :type :string} {:name :pin :type :secret}/' a.edn
  rm a.test.edn
  MY_TOKEN=env-secret-1 br test a.edn --record --input "{\"base\": \"http://127.0.0.1:$port\", \"pin\": \"pin-4711-0815\"}"
  [ "$st" = 0 ] || { cat "$DIR/.out" "$DIR/.err" >&2; false; }
  prints 'recorded a.recorded.edn'
  [ -f a.test.edn ]
  if grep -E 'tok-12345678|key-87654321|4711' a.recorded.edn a.test.edn; then false; fi
  grep -q '<secret>' a.recorded.edn
  [ "$(grep -o ':status 503' a.recorded.edn | wc -l)" = 2 ]
  [ "$(grep -o ':status 404' a.recorded.edn | wc -l)" = 1 ]
  kill "$(cat "$DIR/pid")"; rm "$DIR/pid"
  br test a.edn
  [ "$st" = 0 ] || { cat "$DIR/.out" "$DIR/.err" a.test.edn >&2; false; }
  prints '1 passed, 0 failed'
  cat > a.test.edn <<'END'
{:cases [{:name "ours" :recorded "a.recorded.edn" :steps {:gone {:value {:status 299}}} :expect {:matches {:tries 3 :gone {:status 299}} :attempts {:flaky 3}}}
         {:name "no fixture" :recorded "none.edn" :expect {:status :completed}}]}
END
  br test
  prints 'ok    ours'
  prints 'cannot read :recorded none.edn'
  echo '{:steps {:echo [7]}}' > bad.edn
  echo '{:cases [{:name "bad" :recorded "bad.edn" :expect {:status :completed}} {:name "worse" :recorded "a.edn" :expect {:status :completed}}]}' > b.test.edn
  sed -i '1s/{/{:flow "a.edn" /' b.test.edn
  br test b.test.edn
  prints 'the answers of :echo: an answer is a map such as {:value ..}'
  prints ':recorded a.edn is no fixture'
  prints '0 passed, 2 failed'
  br test a.test.edn
  prints "write it with \`breyta-run test a.test.edn --record --filter 'no fixture'\`"
}
@test "slots need no binding; :connections binds them for flow/slot-bound?, --connections for recording" {
  flow_n a '(let [r (flow/step :http :get {:connection :api :path "/echo" :auth {:type :bearer :secret-ref :tok}})] {:bound (flow/slot-bound? :api) :said (get-in r [:body :headers :authorization])})' <<'END'
{:defaults {:steps {:get {:response {:body {:headers {:authorization "x"}}}}}}
 :cases [{:name "unbound" :expect {:result {:bound false :said "x"}}}
         {:name "bound" :connections {:api {:type :http-api :config {:base-url "http://api.test"}}} :expect {:result {:bound true :said "x"}}}
         {:name "badly bound" :connections {:api {:type :nonsense}} :expect {:status :completed}}]}
END
  sed -i 's|:flow |:requires [{:slot :api :type :http-api :label "API" :optional true :base-url "http://api.test" :auth {:type :bearer}}]\n :flow |' a.edn
  br test
  prints '2 passed, 1 failed'
  prints '"type" is one of http-api'
  python3 "$ROOT/tests/tools/httpd.py" --port 0 > port 2>/dev/null & echo $! > "$DIR/pid"
  until_ok grep -q '^PORT ' port
  echo '{"connections": {"api": {"type": "http-api", "config": {"base-url": "http://127.0.0.1:'"$(sed -n 's/^PORT //p' port)"'"}}}, "secrets": {"tok": "deep-secret-99"}}' > c.json
  echo '{:cases [{:name "rec" :recorded "fixtures/r.edn" :expect {:matches {:said #"<secret>|#secret"}}}]}' > a.test.edn
  br test a.test.edn --record --connections c.json
  [ "$st" = 0 ] || { cat "$DIR/.out" "$DIR/.err" >&2; false; }
  if grep -r deep-secret-99 fixtures; then false; fi
  kill "$(cat "$DIR/pid")"; rm "$DIR/pid"
  br test
  [ "$st" = 0 ]
  br test --connections c.json; [ "$st" = 2 ]; says '--connections goes with --record'
}
@test "--replay-db: which stored runs would take another path, and where" {
  body() { flow_n a "(let [n (:n (flow/input)) x (flow/step :function :one {:code (quote (fn [{:keys [n]}] (inc n))) :input $1}) y (when (> n 1) (flow/step :function :$2 {:code (quote (fn [_] 7)) :input {}}))] {:x x :y $3})" < /dev/null; rm a.test.edn; }
  body '{:n n}' two y
  br a.edn --run-id small --input '{"n": 1}'; [ "$st" = 0 ]
  br a.edn --run-id large --input '{"n": 2}'; [ "$st" = 0 ]
  flow other '1'; br other.edn --run-id else; rm other.edn
  before=$(sha256sum .breyta/breyta.db)
  br test --replay-db .breyta/breyta.db a.edn
  [ "$st" = 0 ]; prints '2 passed, 0 failed, 1 skipped'; prints 'no flow with the slug :other was given'
  body '{:n n}' zwei y; br test --replay-db .breyta/breyta.db .
  [ "$st" = 1 ]; prints 'ok    small'; prints 'the history has step :two (:function), the flow now reaches :zwei (:function)'
  body '{:n n :more true}' two y; br test --replay-db .breyta/breyta.db . --filter large
  prints 'step :one is called with another input'; prints '[:input :more] was not expected, got true'; prints '0 passed, 1 failed'
  body '{:n n}' two '[y]'; br test --replay-db .breyta/breyta.db .
  prints "the flow's value differs from the stored one"; prints '[:y] expected 7, got [7]'
  [ "$before" = "$(sha256sum .breyta/breyta.db)" ]
  br test --replay-db none.db .; [ "$st" = 2 ]; says 'none.db'
}
@test "--filter that no case matches is bad usage" {
  flow_n a '(:n (flow/input))' <<<'{:cases [{:name "one" :input {:n 1} :expect {:result 1}}]}'
  br test --filter on; [ "$st" = 0 ]; prints '1 passed, 0 failed'
  br test --filter two; [ "$st" = 2 ]; says '--filter two: no case has that in its name'
}
