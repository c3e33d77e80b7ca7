;; try, catch, finally: order, values, nesting, in callbacks and lazy seqs

(try 1 (finally 2)) ;=> 1
(try (throw (ex-info "m" {:a 1})) (catch Exception e [(ex-message e) (ex-data e)])) ;=> ["m" {:a 1}]
(let [log (atom [])] (try (swap! log conj :body) (throw (ex-info "" {})) (catch Exception e (swap! log conj :catch)) (finally (swap! log conj :finally))) @log) ;=> [:body :catch :finally]
(let [log (atom [])] (try (try (throw (ex-info "a" {})) (finally (swap! log conj 1))) (catch Exception e (swap! log conj (ex-message e))) (finally (swap! log conj 2))) @log) ;=> [1 "a" 2]
(try (try (throw (ex-info "a" {})) (finally (throw (ex-info "b" {})))) (catch Exception e (ex-message e))) ;=> "b"
(try (try (throw (ex-info "a" {})) (catch Exception e (throw (ex-info "b" {} e)))) (catch Exception e [(ex-message e) (ex-message (ex-cause e))])) ;=> ["b" "a"]
(try (throw (ex-info "a" {})) (catch ArithmeticException e :no) (catch RuntimeException e :yes)) ;=> :yes
(try (/ 1 0) (catch ArithmeticException e (.getMessage e))) ;=> "Divide by zero"
(try (/ 1 0) (catch Throwable t :t)) ;=> :t
(try (/ 1 0) (catch IllegalArgumentException e :no)) ;!> :arithmetic
(let [a (atom 0)] (try (try (/ 1 0) (finally (swap! a inc))) (catch Exception e)) @a) ;=> 1
(try (nth [1] 5) (catch IndexOutOfBoundsException e :index)) ;=> :index
(try (inc "a") (catch ClassCastException e :cast)) ;=> :cast
(try ((fn [a] a)) (catch clojure.lang.ArityException e :arity)) ;=> :arity
(try (Long/parseLong "x") (catch NumberFormatException e :nf)) ;=> :nf
(try (.length nil) (catch NullPointerException e :npe)) ;=> :npe
(try (assert false) (catch AssertionError e :assert)) ;=> :assert
(try (assert (= 1 2) "msg") (catch Error e (.getMessage e))) ;=> "Assert failed: msg\n(= 1 2)"
(try (throw (IllegalStateException. "s")) (catch Exception e (ex-message e))) ;=> "s"
(try (throw (Exception. "s" (RuntimeException. "c"))) (catch Exception e (ex-message (ex-cause e)))) ;=> "c"
(reduce (fn [acc x] (try (+ acc (/ 10 x)) (catch ArithmeticException e (conj [acc] :skip)))) 0 [1 2 0]) ;=> [15 :skip]
(map (fn [x] (try (/ 6 x) (catch ArithmeticException e :inf))) [1 0 3]) ;=> (6 :inf 2)
(let [s (map #(/ 6 %) [1 2 0])] (try (doall s) (catch ArithmeticException e :late))) ;=> :late
(let [s (lazy-seq (try (cons 1 (lazy-seq (throw (ex-info "inside" {})))) (catch Exception e [:caught])))] (first s)) ;=> 1
(let [s (lazy-seq (try (cons 1 (lazy-seq (throw (ex-info "inside" {})))) (catch Exception e [:caught])))] (doall s)) ;!> :ex-info
(let [s (lazy-seq (try (doall (map #(/ 1 %) [1 0])) (catch ArithmeticException e [:caught])))] (doall s)) ;=> (:caught)
(for [x [1 0 2]] (try (quot 4 x) (catch Exception e nil))) ;=> (4 nil 2)
(sort-by (fn [x] (try (Long/parseLong x) (catch Exception e -1))) ["3" "x" "1"]) ;=> ("x" "1" "3")
(let [f (fn f [n] (if (zero? n) (throw (ex-info "deep" {:n n})) (try (f (dec n)) (finally nil))))] (try (f 50) (catch Exception e (ex-message e)))) ;=> "deep"
(let [log (atom [])] (letfn [(f [n] (try (if (zero? n) (throw (ex-info "x" {})) (f (dec n))) (finally (swap! log conj n))))] (try (f 4) (catch Exception e nil)) @log)) ;=> [0 1 2 3 4]
(loop [i 0] (if (< i 3) (do (try (throw (ex-info "" {})) (catch Exception e nil)) (recur (inc i))) i)) ;=> 3
(try (swap! (atom 1) (fn [_] (throw (ex-info "in swap" {})))) (catch Exception e (ex-message e))) ;=> "in swap"
(let [a (atom 1)] (try (swap! a (fn [_] (throw (ex-info "" {})))) (catch Exception e nil)) @a) ;=> 1
(ex-data (ex-info "a" {:b 1} (ex-info "c" {}))) ;=> {:b 1}
(ex-message (ex-info nil {})) ;=> nil
(instance? clojure.lang.ExceptionInfo (ex-info "" {})) ;=> true
(throw (ex-info "top" {:x 1})) ;!> :ex-info
(throw nil) ;!> :null
(throw 5) ;!> :type
(let [e (ex-info "same" {})] (identical? e (try (throw e) (catch Exception x x)))) ;=> true
(try (let [x (try (throw (ex-info "a" {})) (catch Exception e 1))] (+ x 1)) (catch Exception e :no)) ;=> 2
[(try 1 (catch Exception e 2)) (try (throw (Exception. "")) (catch Exception e 2))] ;=> [1 2]
