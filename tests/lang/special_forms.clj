;; if, do, let, quote, and, or, case, cond and what they return at the edges

(if nil 1) ;=> nil
(if false 1 2) ;=> 2
(if () :yes :no) ;=> :yes
(if 0 :yes :no) ;=> :yes
(do) ;=> nil
(do 1 2 3) ;=> 3
(let []) ;=> nil
(let [x 1 x (inc x) x (* x 10)] x) ;=> 20
(let [x 1] (let [x 2] x)) ;=> 2
[(and) (and nil 1) (and 1 2) (and 1 false 2)] ;=> [true nil 2 false]
[(or) (or nil 1) (or nil false) (or false nil)] ;=> [nil 1 false nil]
(quote (a b [c])) ;=> (a b [c])
'a/b ;=> a/b
(cond) ;=> nil
(cond nil 1 :else 2) ;=> 2
(cond false 1) ;=> nil
(condp = 3 1 :a 2 :b 3 :c) ;=> :c
(condp = 9 1 :a :other) ;=> :other
(condp some [1 2 3] #{0 6 7} :>> inc #{4 5 3} :>> dec) ;=> 2
(condp = 9 1 :a) ;!> :argument
(case 3 1 :a (2 3) :b :c) ;=> :b
(case "x" "x" 1 2) ;=> 1
(case [1 :a] [1 :a] :vec :no) ;=> :vec
(case {:a 1} {:a 1} :map :no) ;=> :map
(case 'sym sym :s :no) ;=> :s
(case nil nil :nil :no) ;=> :nil
(case 1.0 1 :int 1.0 :dbl :no) ;=> :dbl
(case \a \a :char :no) ;=> :char
(case 7 1 :a) ;!> :argument
(when nil 1) ;=> nil
(when 1 2 3) ;=> 3
(when-not nil 1 2) ;=> 2
(if-let [x nil] x :none) ;=> :none
(if-let [[a b] [1 2]] (+ a b) :none) ;=> 3
(if-some [x false] [x] :none) ;=> [false]
(when-let [x (seq [])] :some) ;=> nil
(when-first [x (range 5 8)] x) ;=> 5
(when-some [x 0] (inc x)) ;=> 1
(-> 5 (+ 3) (/ 2) (- 1)) ;=> 3
(->> (range 10) (map inc) (filter even?) (reduce +)) ;=> 30
(some-> {:a {:b 1}} :a :b inc) ;=> 2
(some-> {:a nil} :a :b inc) ;=> nil
(some->> [1 2] (map inc) (apply +)) ;=> 5
(as-> 5 x (+ x 1) (* x x)) ;=> 36
(cond-> 1 true inc false (* 42) (= 2 2) (* 3)) ;=> 6
(cond->> [1 2 3] true (map inc) false (filter odd?)) ;=> (2 3 4)
@(doto (atom 1) (swap! inc) (swap! * 10)) ;=> 20
(let [f (fn f [n] (if (zero? n) :done (recur (dec n))))] (f 1000)) ;=> :done
((fn [a b & more] [a b more]) 1 2) ;=> [1 2 nil]
((fn ([] 0) ([a] 1) ([a & r] :many)) 1 2 3) ;=> :many
(#(vector %2 %1 %&) 1 2 3 4) ;=> [2 1 (3 4)]
((fn [x] {:pre [(pos? x)] :post [(< % 10)]} (inc x)) 3) ;=> 4
((fn [x] {:pre [(pos? x)]} x) -1) ;!> :assert
((fn [x] {:post [(< % 10)]} x) 11) ;!> :assert
(let [v (volatile! 0)] (and (do (vswap! v inc) nil) (vswap! v inc)) @v) ;=> 1

;; found by comparison with Clojure (tests/compat)
(case (map inc [1 2]) 1 :one (2 3) :few :else) ;=> :else
(case (map inc [1 2]) 1 :one ((2 3)) :list :else) ;=> :list
(case (filter odd? (range 5)) [1 3] :vec :else) ;=> :vec
(let [f (fn [x] (case x ((1 2 3)) :a :b))] [(f (map inc (range 3))) (f [1 2 3]) (f (range 3))]) ;=> [:a :a :b]
(try (do (def ^:dynamic *y* 1) (set! *y* 2)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.IllegalStateException "Can't change/establish root binding of: *y* with set"]
(try (doall ((transient [1]) :a)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.IllegalArgumentException "Key must be integer"]
(try (doall ((transient [1]) 1 2)) (catch Throwable e [(class e) (ex-message e)])) ;=> [clojure.lang.ArityException "Wrong number of args (2) passed to: clojure.lang.PersistentVector/TransientVector"]
[((transient #{1}) 1) ((transient #{1}) 2 3) ((transient {:a 1}) :a)] ;=> [1 3 1]
(map (fn [x] (nth #{1} -1 x)) [7]) ;=> (7)
(disj false 1) ;=> nil
(try (doall (.getClass nil)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.NullPointerException "Cannot invoke \"Object.getClass()\" because \"target\" is null"]
(class (transient {})) ;=> clojure.lang.PersistentArrayMap$TransientArrayMap
(try (doall (reduce 0 [1])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class java.lang.Long cannot be cast to class clojure.lang.IFn (java.lang.Long is in module java.base of loader 'bootstrap'; clojure.lang.IFn is in unnamed module of loader 'app')"]
(reduce 0 1 nil) ;=> 1
(try (doall (vector-of :x)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.IllegalArgumentException "Unrecognized type :x"]
(try (doall (subseq #{} > 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.PersistentHashSet cannot be cast to class clojure.lang.Sorted (clojure.lang.PersistentHashSet and clojure.lang.Sorted are in unnamed module of loader 'app')"]
(try (doall (rsubseq {} < 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.PersistentArrayMap cannot be cast to class clojure.lang.Sorted (clojure.lang.PersistentArrayMap and clojure.lang.Sorted are in unnamed module of loader 'app')"]
