;; types.clj - deftype and reify. The answers are those that Debian's clojure gives.

(do (defprotocol Shape (area [_]))
    (deftype T [a b] Shape (area [_] (+ a b)) Object (toString [_] (str "T<" a "," b ">")))
    (def t (->T 1 2))
    [(area t) (str t) (.-a t) (.b t) (:a t) (= t (->T 1 2)) (= t t) (map? t) (instance? T t) (instance? clojure.lang.IType t) (class t) (str "a" t "b")
     (.toString t) (record? t) (ifn? t) (seqable? t) (coll? t) (get t :a :none) (= #{t} #{t}) (contains? #{t} t) (get {t 1} t)]) ;=> [3 "T<1,2>" 1 2 nil false true false true true user.T "aT<1,2>b" "T<1,2>" false false false false :none true true 1]
(do (deftype T [a]) (count (->T 1))) ;!> :unsupported
(do (deftype T [a]) (seq (->T 1))) ;!> :argument
(do (deftype T [a]) (.zz (->T 1))) ;!> :argument
(do (deftype T [a]) (assoc (->T 1) :a 2)) ;!> :type
(do (deftype T [a]) (with-meta (->T 1) {})) ;!> :type
(do (deftype T [a]) ((->T 1))) ;!> :type
(do (defprotocol Cnt (bump [_]) (cur [_]) (put [_ v]))
    (deftype C [^:unsynchronized-mutable n] Cnt (bump [this] (set! n (inc n)) this) (cur [_] n) (put [_ v] (set! n v)))
    [(cur (bump (bump (->C 5)))) (let [c (->C 1)] [(put c 7) (cur c)]) (let [c (->C 0)] (dotimes [_ 100] (bump c)) (cur c))
     (let [a (->C 1) b (->C 1)] (bump a) [(cur a) (cur b)])]) ;=> [7 [7 7] 100 [2 1]]
(do (defprotocol Cnt (put [_ v]) (cur [_]))
    (deftype C2 [^:volatile-mutable a b] Cnt (put [this v] (set! a (+ a v)) [a b]) (cur [_] (let [a 1] a)))
    [(put (->C2 1 2) 10) (cur (->C2 9 9))]) ;=> [[11 2] 1]
(do (defprotocol Put (put [_ v])) (deftype Im [x] Put (put [_ v] (set! x v)))) ;!> :syntax
(do (deftype F [k] clojure.lang.IFn (invoke [_] :none) (invoke [_ x] [k x]) (invoke [_ x y] [k x y]))
    [((->F :a)) ((->F :a) 1) ((->F :a) 1 2) (map (->F :m) [1 2]) (ifn? (->F 1)) (fn? (->F 1)) (reduce (->F 0) [1 2 3]) (mapv (->F 1) [1]) (sort-by (->F 1) [3 1 2])
     (update {:a 1} :a (->F :u)) ((comp (->F 1) inc) 1) (some (->F 1) [1]) (swap! (atom 1) (->F 2)) (filter (->F 1) [1 2]) (doall (map (->F 1) (range 2)))]) ;=> [:none [:a 1] [:a 1 2] ([:m 1] [:m 2]) true false [0 [0 1 2] 3] [[1 1]] (1 2 3) {:a [:u 1]} [1 2] [1 1] [2 1] (1 2) ([1 0] [1 1])]
(do (deftype D [v] clojure.lang.IDeref (deref [_] v)) [@(->D 5) (deref (->D 6)) (reduce + (map deref [(->D 1) (->D 2)])) (instance? clojure.lang.IDeref (->D 1))]) ;=> [5 6 3 true]
(try @(reify clojure.lang.IDeref (deref [_] (throw (ex-info "own" {:a 1})))) (catch Exception e (ex-data e))) ;=> {:a 1}
(try (deref (reify clojure.lang.IDeref (deref [_] (/ 1 0)))) (catch ArithmeticException e (ex-message e))) ;=> "Divide by zero"
(do (deftype L [m] clojure.lang.ILookup (valAt [_ k] (get m k)) (valAt [_ k nf] (get m k nf)))
    (def l (->L {:a 1}))
    [(:a l) (get l :a) (get l :b 9) (:b l 8) (let [{:keys [a b] :or {b 3}} l] [a b]) (get-in {:x l} [:x :a]) (map :a [l l])]) ;=> [1 1 9 8 [1 3] 1 (1 1)]
(do (deftype S [xs] clojure.lang.Seqable (seq [_] (seq xs)) clojure.lang.Counted (count [_] (count xs)))
    (def s (->S [1 2 3]))
    [(seq s) (count s) (map inc s) (reduce + s) (first s) (rest s) (into [] s) (empty? s) (empty? (->S [])) (counted? s) (seqable? s) (coll? s) (apply + s)
     (for [x s] x) (concat s s) (last s) (some #{1} s) (every? odd? s) (set s) (interleave s [7]) (cons 0 s) (filter odd? s) (partition 2 s)]) ;=> [(1 2 3) 3 (2 3 4) 6 1 (2 3) [1 2 3] false true true true false 6 (1 2 3) (1 2 3 1 2 3) 3 1 false #{1 3 2} (1 7) (0 1 2 3) (1 3) ((1 2))]
(do (deftype Eq [v] Object (equals [_ o] (and (instance? Eq o) (= v (.-v o)))) (hashCode [_] (hash v)) (toString [_] (str "Eq" v)))
    [(= (->Eq 1) (->Eq 1)) (= (->Eq 1) (->Eq 2)) (= (->Eq 1) 1) (= 1 (->Eq 1)) (= [(->Eq 1)] [(->Eq 1)]) (= {(->Eq 1) 2} {(->Eq 1) 2}) (get {(->Eq 1) :found} (->Eq 1))
     (contains? #{(->Eq 1)} (->Eq 1)) (count (set [(->Eq 1) (->Eq 1) (->Eq 2)])) (count (distinct [(->Eq 1) (->Eq 1)])) (.equals (->Eq 1) (->Eq 1)) (.hashCode (->Eq 1))
     (= (hash (->Eq 1)) (hash 1)) (str (->Eq 1) "," (->Eq 2)) (= (->Eq (->Eq 1)) (->Eq (->Eq 1))) (not= (->Eq 1) (->Eq 1)) (apply = [(->Eq 1) (->Eq 1) (->Eq 1)])
     (case (->Eq 1) 1 :a :b) (dissoc {(->Eq 1) 1} (->Eq 1)) (count (assoc {(->Eq 1) 1} (->Eq 1) 2)) (clojure.string/join "," [(->Eq 1) (->Eq 2)]) (format "%s!" (->Eq 3))]) ;=> [true false false false true true :found true 2 1 true 1392991556 true "Eq1,Eq2" true false true :b {} 1 "Eq1,Eq2" "Eq3!"]
(do (deftype Eq [v] Object (equals [_ o] (and (instance? Eq o) (= v (.-v o)))) (hashCode [_] (hash v)))
    (get (into {} (map (fn [i] [(->Eq i) i])) (range 20)) (->Eq 17))) ;=> 17
(do (deftype Cm [v] Comparable (compareTo [_ o] (compare v (.-v o))))
    [(compare (->Cm 1) (->Cm 2)) (map (fn [c] (.-v c)) (sort [(->Cm 3) (->Cm 1) (->Cm 2)])) (.compareTo (->Cm 2) (->Cm 1)) (map (fn [e] (.-v (key e))) (sorted-map (->Cm 2) :b (->Cm 1) :a))
     (map (fn [c] (.-v c)) (sorted-set (->Cm 2) (->Cm 1) (->Cm 2))) (compare [(->Cm 1)] [(->Cm 2)]) (map (fn [c] (.-v c)) (sort-by identity [(->Cm 3) (->Cm 1)]))]) ;=> [-1 (1 2 3) 1 (1 2) (1 2) -1 (1 3)]
(do (deftype M [a m] clojure.lang.IObj (meta [_] m) (withMeta [_ x] (M. a x))) (deftype N [] clojure.lang.Named (getName [_] "nm") (getNamespace [_] "ns"))
    [(meta (->M 1 {:a 1})) (meta (with-meta (->M 1 nil) {:b 2})) (name (->N)) (namespace (->N))]) ;=> [{:a 1} {:b 2} "nm" "ns"]
(do (deftype Ix [xs] clojure.lang.Indexed (nth [_ i] (nth xs i)) (nth [_ i nf] (nth xs i nf)) (count [_] (count xs)))
    [(nth (->Ix [5 6]) 1) (nth (->Ix [5 6]) 9 :nf) (let [[a b c] (->Ix [1 2])] [a b c]) (indexed? (->Ix []))]) ;=> [6 :nf [1 2 nil] true]
(do (declare ->Mp)
    (deftype Mp [m] clojure.lang.Associative (assoc [_ k v] (->Mp (assoc m k v))) (containsKey [_ k] (contains? m k)) (entryAt [_ k] (find m k)) (valAt [_ k] (get m k))
      (valAt [_ k nf] (get m k nf)) (cons [_ e] (->Mp (conj m e))) (count [_] (count m)) (empty [_] (->Mp {})) (equiv [_ o] (and (instance? Mp o) (= m (.-m o)))) (seq [_] (seq m)))
    [(:a (assoc (->Mp {}) :a 1)) (contains? (->Mp {:a 1}) :a) (find (->Mp {:a 1}) :a) (associative? (->Mp {})) (:b (assoc-in (->Mp {}) [:b] 2)) (:a (update (->Mp {:a 1}) :a inc))
     (into {} (->Mp {:a 1})) (seq (conj (->Mp {:a 1}) [:b 2])) (count (empty (->Mp {:a 1}))) (= (->Mp {:a 1}) (->Mp {:a 1})) (= (->Mp {:a 1}) {:a 1})]) ;=> [1 true [:a 1] true 2 2 {:a 1} ([:a 1] [:b 2]) 0 true false]
(do (defprotocol Shape (area [_]))
    (let [x 5 r (reify Shape (area [this] this))]
      [(area (reify Shape (area [_] x))) (identical? r (area r)) (str (reify Object (toString [_] "reified"))) (= (reify Shape) (reify Shape)) (satisfies? Shape r)
       (instance? clojure.lang.IObj r) (meta (with-meta r {:a 1})) (area (with-meta (reify Shape (area [_] :kept)) {:a 1})) (mapv (fn [i] (area (reify Shape (area [_] i)))) [1 2 3])])) ;=> [5 true "reified" false true true {:a 1} :kept [1 2 3]]
(do (defprotocol Two (one [_] [_ a]) (two [_]))
    (let [state (atom 0) r (reify Two (one [_] (swap! state inc)) (one [_ a] [a @state]) (two [this] (one this) (one this :x)))]
      [(one r) (two r) (one r :y)])) ;=> [1 [:x 2] [:y 2]]
(do (defprotocol Shape (area [_])) (reify Shape (nope [_] 1))) ;!> :syntax
(do (reify String)) ;!> :syntax
(do (defprotocol P (f [_])) (let [rs (mapv (fn [i] (reify P (f [_] i))) (range 3))] [(map f rs) (f (first rs)) (map f (reverse rs))])) ;=> [(0 1 2) 0 (2 1 0)]
(let [cmp (reify java.util.Comparator (compare [_ a b] (- b a)))] (sort cmp [1 2 3])) ;=> (3 2 1)
[(reduce + 0 (reify clojure.lang.IReduceInit (reduce [_ f init] (f init 42))))
 (into [] (reify clojure.lang.IReduceInit (reduce [_ f init] (reduce f init [1 2]))))
 (transduce (map inc) + 0 (reify clojure.lang.IReduceInit (reduce [_ f init] (reduce f init [1 2]))))
 (reduce-kv (fn [a k v] (+ a v)) 0 (reify clojure.lang.IKVReduce (kvreduce [_ f init] (f init :k 5))))] ;=> [42 [1 2] 5 5]
(let [log (atom [])] (with-open [r (reify java.io.Closeable (close [_] (swap! log conj :closed)))] (swap! log conj :body)) @log) ;=> [:body :closed]
[(.invoke inc 1) (.call (reify java.util.concurrent.Callable (call [_] 5)))] ;=> [2 5]
(.foo 1) ;!> :argument
(.bar nil) ;!> :null
(try (.foo "s" 1 2) (catch Exception e (ex-message e))) ;=> "No matching method foo found taking 2 args for class java.lang.String"
(do (defprotocol P (f [x]))
    (deftype Stack [^:unsynchronized-mutable items] clojure.lang.IFn (invoke [_ x] (set! items (cons x items)) (count items)) clojure.lang.IDeref (deref [_] items))
    (let [s (->Stack nil)] [(mapv s [:a :b :c]) @s (doall (map s [1 2])) @s])) ;=> [[1 2 3] (:c :b :a) (4 5) (2 1 :c :b :a)]
(do (deftype Str [^:unsynchronized-mutable n] Object (toString [_] (set! n (inc n)) (str "call " n)))
    (let [s (->Str 0)] [(str s) (str s) (str s s)])) ;=> ["call 1" "call 2" "call 3call 4"]

;; names of classes from other namespaces

(do (ns my-shapes) (defrecord Sq [a]) (ns other (:import [my_shapes Sq])) (defn make [n] (Sq. n)) (in-ns 'user) [(other/make 1) (instance? my_shapes.Sq (other/make 2)) (class (other/make 3))]) ;=> [#my_shapes.Sq{:a 1} true my_shapes.Sq]
(do (ns my-shapes) (deftype T [a]) (in-ns 'user) (import 'my_shapes.T) (.-a (T. 5))) ;=> 5
