;; refs, agents, promises, futures: nothing runs beside the program, see stdlib/cells.clj
(let [p (promise)] [(realized? p) (some? (deliver p 1)) (deliver p 2) @p (realized? p)]) ;=> [false true nil 1 true]
(deref (promise) 10 :t) ;=> :t
@(promise) ;!> state
(deref (atom 1) 10 2) ;!> type
(let [f (future 1)] [@f (future? f) (future-done? f) (future-cancelled? f) (future-cancel f) (realized? f) (deref f 1 2)]) ;=> [1 true true false false true 1]
(try @(future (throw (ex-info "a" {:b 1}))) (catch java.util.concurrent.ExecutionException e [(ex-message e) (ex-data (ex-cause e))])) ;=> ["clojure.lang.ExceptionInfo: a {:b 1}" {:b 1}]
(let [p (promise)] (future (deliver p 5)) @p) ;=> 5
(let [a (agent 1)] (send a inc) (send-off a + 5) (await a) @a) ;=> 7
(let [a (agent 1)] (send a (fn [_] (throw (ex-info "x" {})))) [(ex-message (agent-error a)) (count (agent-errors a)) @a]) ;=> ["x" 1 1]
(let [a (agent 1)] (send a (fn [_] (throw (ex-info "x" {})))) (try (send a inc) (catch RuntimeException e (ex-message e)))) ;=> "Agent is failed, needs restart"
(let [a (agent 1)] (send a (fn [_] (throw (ex-info "x" {})))) (restart-agent a 5) (send a inc) @a) ;=> 6
(let [seen (atom []) a (agent 1 :error-handler (fn [a e] (swap! seen conj (ex-message e))))] (send a (fn [_] (throw (ex-info "x" {})))) [(error-mode a) @(send a inc) @seen]) ;=> [:continue 2 ["x"]]
(let [a (agent 1 :validator number?)] (send a (fn [_] :x)) (ex-message (agent-error a))) ;=> "Invalid reference state"
(let [log (atom []) a (agent [])] (send a (fn [v] (send *agent* conj :inner) (swap! log conj @*agent*) (conj v :outer))) [@a @log]) ;=> [[:outer :inner] [[]]]
(let [r (ref 1)] (dosync (alter r + 2) (commute r inc) (ensure r)) @r) ;=> 4
(alter (ref 1) inc) ;!> state
(ref-set (ref 1) 2) ;!> state
(let [r (ref 1) q (ref 1)] (try (dosync (ref-set r 5) (alter q inc) (throw (ex-info "x" {}))) (catch Exception e)) [@r @q]) ;=> [1 1]
(let [r (ref 1 :validator number?)] [(try (dosync (ref-set r :a)) (catch IllegalStateException e (ex-message e))) @r]) ;=> ["Invalid reference state" 1]
(let [r (ref 1)] (dosync (alter r inc) (dosync (alter r inc)) @r)) ;=> 3
(dosync (io! 1)) ;!> state
(try (dosync (io! "no" 1)) (catch IllegalStateException e (ex-message e))) ;=> "no"
(let [a (agent 1)] [(dosync (send a inc) @a) @a]) ;=> [1 2]
(let [log (atom []) r (ref 1)] (add-watch r :k (fn [k r o n] (swap! log conj [k o n]))) (dosync (alter r inc) (alter r inc)) @log) ;=> [[:k 1 3]]
(set-validator! (atom 1) neg?) ;!> state
(atom 1 :validator neg?) ;!> state
@(atom 1 :validator (fn [x] (pos? x))) ;=> 1
(agent 1 :validator neg?) ;!> state
[(pmap + [1 2] [3 4]) (pcalls (fn [] 1)) (pvalues 1 2) (await-for 10000 (agent 1))] ;=> [(4 6) (1) (1 2) true]
(struct (create-struct :a) 1 2) ;!> argument
(let [seen (atom [])] (add-tap (fn [x] (throw (ex-info "x" {})))) (add-tap (fn [x] (swap! seen conj x))) (tap> 5) @seen) ;=> [5]
