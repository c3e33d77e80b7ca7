;; closures, atoms, volatiles, delays: identity and sharing

(let [c (let [n (atom 0)] (fn [] (swap! n inc)))] [(c) (c) (c)]) ;=> [1 2 3]
(let [n (atom 0) inc! #(swap! n inc) get! (fn [] @n)] (inc!) (inc!) [(get!) @n]) ;=> [2 2]
(let [a (atom 1) b a] (reset! a 5) [@b (identical? a b) (= a (atom 5))]) ;=> [5 true false]
(let [fs (mapv (fn [i] (fn [] i)) (range 4))] (mapv #(%) fs)) ;=> [0 1 2 3]
(let [fs (loop [i 0 fs []] (if (< i 3) (recur (inc i) (conj fs (fn [] i))) fs))] (map #(%) fs)) ;=> (0 1 2)
(let [a (atom {:n 0})] (dotimes [i 10] (swap! a update :n + i)) @a) ;=> {:n 45}
(let [a (atom [])] (doseq [x (range 5)] (swap! a conj (fn [] (* x x)))) (map #(%) @a)) ;=> (0 1 4 9 16)
(let [a (atom 0)] [(swap! a + 1 2 3) (reset! a :x) (compare-and-set! a :x :y) (compare-and-set! a :x :z) @a]) ;=> [6 :x true false :y]
(let [a (atom 1)] [(swap-vals! a inc) (reset-vals! a 9) @a]) ;=> [[1 2] [2 9] 9]
(let [a (atom 0 :validator even?)] (swap! a inc)) ;!> :state
(let [a (atom 0 :validator even?)] (try (swap! a inc) (catch IllegalStateException e)) @a) ;=> 0
(let [log (atom []) a (atom 1)] (add-watch a :k (fn [k r o n] (swap! log conj [k o n]))) (swap! a inc) (remove-watch a :k) (swap! a inc) @log) ;=> [[:k 1 2]]
(let [a (atom nil :meta {:m 1})] (meta a)) ;=> {:m 1}
(let [a (atom 1) b (atom a)] (swap! @b inc) @a) ;=> 2
(let [a (atom nil)] (reset! a (fn [] a)) (identical? a (@a))) ;=> true
(let [v (volatile! 1)] (vswap! v + 2) (vreset! v (* 10 @v)) @v) ;=> 30
(let [n (atom 0) d (delay (swap! n inc) :v)] [@d @d (force d) @n]) ;=> [:v :v :v 1]
(let [d (delay (throw (ex-info "x" {:a 1})))] (try @d (catch Exception e (:a (ex-data e))))) ;=> 1
(let [n (atom 0) f (memoize (fn [x] (swap! n inc) (* x x)))] [(f 3) (f 3) (f 4) @n]) ;=> [9 9 16 2]
(let [add (fn [x] (fn [y] (fn [z] (+ x y z))))] (((add 1) 2) 3)) ;=> 6
(let [f (comp str inc #(* 2 %))] (f 4)) ;=> "9"
((juxt first last count) [1 2 3]) ;=> [1 3 3]
(map (partial * 10) [1 2]) ;=> (10 20)
((fnil + 100) nil 1) ;=> 101
((complement even?) 3) ;=> true
((every-pred odd? pos?) 1 3 -5) ;=> false
((some-fn :a :b) {:b 2}) ;=> 2
(let [f (fn [])] [(= f f) (identical? f f) (= (fn []) (fn []))]) ;=> [true true false]
(let [m {:f (fn [x] (inc x))}] ((:f m) 1)) ;=> 2
(let [a (atom 0) g (fn g [n] (when (pos? n) (swap! a + n) (g (dec n))))] (g 20) @a) ;=> 210
(let [a (atom (list))] (run! #(swap! a conj %) [1 2 3]) @a) ;=> (3 2 1)
(reduce (fn [acc f] (f acc)) 1 [inc #(* % 10) dec]) ;=> 19
(let [stack (atom [1 2 3])] [(peek @stack) (do (swap! stack pop) @stack)]) ;=> [3 [1 2]]
@(reduced 1) ;=> 1
(reduce (fn [a x] (if (> a 10) (reduced [:stop a]) (+ a x))) (range)) ;=> [:stop 15]
(deref (atom [])) ;=> []
@(let [a (atom 0)] (letfn [(tick [] (swap! a inc))] (tick) (tick)) a) ;=> 2
(meta (atom 1 :meta {:a 1})) ;=> {:a 1}
(try (atom 1 :bad) (catch IllegalArgumentException e (ex-message e))) ;=> "No value supplied for key: :bad"
(try (atom 1 :meta 5) (catch ClassCastException e (subs (ex-message e) 0 47))) ;=> "class java.lang.Long cannot be cast to class cl"
[(meta 'a) (meta (with-meta [] {:a 1})) (bytes? (byte-array 1))] ;=> [nil {:a 1} true]
