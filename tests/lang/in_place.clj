;; collections that loops and reduce may change in place (eval/own.c): nobody must be able to tell

;; an older version that is still wanted stays as it was
(loop [i 0 m {} olds []] (if (< i 3) (recur (inc i) (assoc m i i) (conj olds m)) [m olds])) ;=> [{0 0, 1 1, 2 2} [{} {0 0} {0 0, 1 1}]]
(loop [i 0 olds [] m {}] (if (< i 3) (recur (inc i) (conj olds m) (assoc m i i)) [m olds])) ;=> [{0 0, 1 1, 2 2} [{} {0 0} {0 0, 1 1}]]
(loop [i 0 m {} olds []] (if (< i 3) (let [old m] (recur (inc i) (assoc m i i) (conj olds old))) olds)) ;=> [{} {0 0} {0 0, 1 1}]
(map #(%) (loop [i 0 m {} fs []] (if (< i 3) (recur (inc i) (assoc m i i) (conj fs (fn [] m))) fs))) ;=> ({} {0 0} {0 0, 1 1})
(loop [i 0 v [] all []] (if (< i 3) (recur (inc i) (conj v i) (conj all v)) all)) ;=> [[] [0] [0 1]]
(loop [i 0 m {}] (if (< i 2) (recur (inc i) (assoc m i m)) m)) ;=> {0 {}, 1 {0 {}}}
(loop [i 0 v []] (if (< i 3) (recur (inc i) (conj v v)) v)) ;=> [[] [[]] [[] [[]]]]
(let [a (atom [])] (loop [i 0 m {}] (if (< i 3) (do (swap! a conj m) (recur (inc i) (assoc m i i))) nil)) @a) ;=> [{} {0 0} {0 0, 1 1}]
(let [a (atom nil)] (loop [i 0 m {}] (if (< i 2) (recur (inc i) (assoc m i i)) (do (reset! a m) nil))) [(assoc @a :x 1) @a]) ;=> [{0 0, 1 1, :x 1} {0 0, 1 1}]
(loop [i 0 a {} b {}] (if (< i 4) (recur (inc i) b (assoc a i i)) [a b])) ;=> [{0 0, 2 2} {1 1, 3 3}]
(loop [i 0 a {} b {}] (if (< i 4) (recur (inc i) (assoc b i i) a) [a b])) ;=> [{1 1, 3 3} {0 0, 2 2}]

;; what the loop begins with, and what it ended with, belong to others too
(let [m0 {:a 1 :b 2}] [(loop [i 0 m m0] (if (< i 3) (recur (inc i) (assoc m :a i)) m)) m0]) ;=> [{:a 2, :b 2} {:a 1, :b 2}]
(let [v0 [1 2]] [(loop [i 0 v v0] (if (< i 3) (recur (inc i) (conj v i)) v)) v0 (conj v0 :x)]) ;=> [[1 2 0 1 2] [1 2] [1 2 :x]]
(let [up (fn [m0 n] (loop [i 0 m m0] (if (< i n) (recur (inc i) (assoc m i n)) m))) a (up {} 2) b (up a 3) c (up a 1)] [a b c]) ;=> [{0 2, 1 2} {0 3, 1 3, 2 3} {0 1, 1 2}]
(let [up (fn [v0 n] (loop [i 0 v v0] (if (< i n) (recur (inc i) (conj v n)) v))) a (up [] 2) b (up a 1) c (up a 2)] [a b c]) ;=> [[2 2] [2 2 1] [2 2 2 2]]
(let [up (fn [v0 n] (loop [i 0 v v0] (if (< i n) (recur (inc i) (conj v n)) v))) a (up [] 40) b (up a 1) c (up a 2)] [(count a) (peek a) (peek b) (count c) (subvec c 38)]) ;=> [40 40 1 42 [40 40 2 2]]
(let [m0 (zipmap (range 100) (range 100)) f (fn [m0 x] (loop [i 0 m m0] (if (< i 100) (recur (inc i) (assoc m i x)) m))) a (f m0 1) b (f a 2) c (f a 3)] (map #(reduce + (vals %)) [m0 a b c])) ;=> (4950 100 200 300)
(loop [i 0 m {}] (if (< i 3) (recur (inc i) (loop [j 0 n m] (if (< j 2) (recur (inc j) (assoc n [i j] 1)) n))) (count m))) ;=> 6
(loop [i 0 m {} seen []] (if (< i 2) (let [n (loop [j 0 n m] (if (< j 2) (recur (inc j) (assoc n [i j] 1)) n))] (recur (inc i) n (conj seen (count m)))) [(count m) seen])) ;=> [4 [0 2]]

;; shapes: nil, entries, subvectors, many keys, nil keys, metadata, branches
(loop [i 0 m nil] (if (< i 3) (recur (inc i) (assoc m i i)) m)) ;=> {0 0, 1 1, 2 2}
(loop [i 0 v nil] (if (< i 3) (recur (inc i) (conj v i)) v)) ;=> (2 1 0)
(loop [i 0 v (first {:a 1})] (if (< i 2) (recur (inc i) (conj v i)) v)) ;=> [:a 1 0 1]
(let [x [1 2 3 4] s (subvec x 1 3)] [(loop [i 0 v s] (if (< i 2) (recur (inc i) (conj v i)) v)) s x]) ;=> [[2 3 0 1] [2 3] [1 2 3 4]]
(= (loop [i 0 v []] (if (< i 2000) (recur (inc i) (conj v i)) v)) (vec (range 2000))) ;=> true
(= (loop [i 0 m {}] (if (< i 2000) (recur (inc i) (assoc m i (str i))) m)) (zipmap (range 2000) (map str (range 2000)))) ;=> true
(loop [i 0 m {nil 0}] (if (< i 20) (recur (inc i) (assoc m nil (inc (get m nil)) )) m)) ;=> {nil 20}
(get (loop [i 0 m {}] (if (< i 20) (recur (inc i) (if (= i 15) (assoc m nil :n) (assoc m i i))) m)) nil) ;=> :n
(meta (loop [i 0 m ^{:k 1} {}] (if (< i 20) (recur (inc i) (assoc m i i)) m))) ;=> {:k 1}
(meta (loop [i 0 v ^{:k 1} []] (if (< i 40) (recur (inc i) (conj v i)) v))) ;=> {:k 1}
(loop [i 0 m {}] (if (< i 6) (recur (inc i) (if (odd? i) (assoc m i i) m)) m)) ;=> {1 1, 3 3, 5 5}
(loop [i 0 m (sorted-map)] (if (< i 3) (recur (inc i) (assoc m (- i) i)) m)) ;=> {-2 2, -1 1, 0 0}
(loop [i 0 m {}] (if (< i 3) (recur (inc i) (conj m [i i])) m)) ;=> {0 0, 1 1, 2 2}
(loop [i 0 m {}] (if (< i 3) (recur (inc i) (conj m {i i})) m)) ;=> {0 0, 1 1, 2 2}
(loop [i 0 s #{}] (if (< i 3) (recur (inc i) (conj s (mod i 2))) s)) ;=> #{0 1}
(loop [i 0 v [0 0 0]] (if (< i 3) (recur (inc i) (assoc v i i)) v)) ;=> [0 1 2]
(let [r (loop [i 0 m {}] (if (< i 12) (recur (inc i) (if (= m {:no 1}) m (assoc m i i))) m))] [(= (hash r) (hash (zipmap (range 12) (range 12)))) (= #{r} #{(zipmap (range 12) (range 12))})]) ;=> [true true]
(loop [i 0 m {:a 0}] (if (< i 3) (recur (inc i) (case (:a m) 1 (assoc m :a 10) (assoc m :a (inc (:a m))))) m)) ;=> {:a 11}
(loop [i 0 v []] (if (< i 4) (recur (inc i) (let [n (count v)] (conj v (* n n)))) v)) ;=> [0 1 4 9]
(loop [i 0 m {}] (if (< i 3) (recur (inc i) (assoc m (map inc [i i]) (count (filter odd? (range i))))) m)) ;=> {(1 1) 0, (2 2) 0, (3 3) 1}
(loop [i 0 v []] (if (< i 3) (recur (inc i) (conj v (reduce + (map inc (range i))))) v)) ;=> [0 1 3]
(loop [i 0 m {}] (when (< i 3) (recur (inc i) (assoc m i (assoc 5 1 2))))) ;!> :type

;; functions that reduce calls
(let [f (fn [m k] (assoc m k 1)) a (f {} :x) b (f a :y) c (f a :z)] [a b c]) ;=> [{:x 1} {:x 1, :y 1} {:x 1, :z 1}]
(let [f (fn [v k] (conj v k)) a (f [] :x) b (f a :y) c (f a :z)] [a b c]) ;=> [[:x] [:x :y] [:x :z]]
(let [f (fn [m k] (assoc m k 1)) m0 {:a 0} r (reduce f m0 [:a :b]) s (reduce f r [:c]) t (f r :d)] [m0 r s t]) ;=> [{:a 0} {:a 1, :b 1} {:a 1, :b 1, :c 1} {:a 1, :b 1, :d 1}]
(let [g (fn [m k] (assoc m k 1)) f (fn [m k] (let [a (g m k)] (assoc a [k] (count (g a :z)))))] (reduce f {} [:a :b])) ;=> {:a 1, [:a] 2, :b 1, [:b] 4}
(let [old (atom [])] [(reduce (fn [m k] (swap! old conj m) (assoc m k 1)) {} [:a :b]) @old]) ;=> [{:a 1, :b 1} [{} {:a 1}]]
(let [r (reduce (fn [m k] (assoc m k (fn [] m))) {} [:a :b])] [(count ((:a r))) (count ((:b r)))]) ;=> [0 1]
(reduce (fn [m x] (if (= x 3) (reduced m) (assoc m x x))) {} (range 10)) ;=> {0 0, 1 1, 2 2}
(reduce (fn [m x] (if (= x 3) (reduced (assoc m :end x)) (assoc m x x))) {} (range 10)) ;=> {0 0, 1 1, 2 2, :end 3}
(reduce (fn [m x] (if (odd? x) m (assoc m x x))) {} (range 5)) ;=> {0 0, 2 2, 4 4}
(reduce (fn [m x] (if (pos? x) (recur (assoc m x x) (dec x)) m)) {} [2 3]) ;=> {2 2, 1 1, 3 3}
(reduce-kv (fn [m k v] (assoc m v k)) {} {:a 1 :b 2}) ;=> {1 :a, 2 :b}
(let [m0 {:z 0} r (reduce-kv (fn [m k v] (assoc m v k)) m0 [:a :b])] [m0 r (assoc r :q 1) r]) ;=> [{:z 0} {:z 0, :a 0, :b 1} {:z 0, :a 0, :b 1, :q 1} {:z 0, :a 0, :b 1}]
(reductions conj [] [1 2 3]) ;=> ([] [1] [1 2] [1 2 3])
(reductions (fn [a x] (assoc a x x)) {} [1 2]) ;=> ({} {1 1} {1 1, 2 2})
(let [v [1]] [(reduce conj v [2 3]) v (reduce conj v [4]) (conj v 5)]) ;=> [[1 2 3] [1] [1 4] [1 5]]
(let [a (reduce conj [] (range 40)) b (conj a :b) c (conj a :c)] [(count a) (peek b) (peek c)]) ;=> [40 :b :c]
(let [a (transduce (map inc) conj [] (range 3)) b (conj a :b) c (conj a :c)] [a b c]) ;=> [[1 2 3] [1 2 3 :b] [1 2 3 :c]]
(let [a (transduce (take 2) conj [] (range 9)) b (conj a :b) c (conj a :c)] [a b c]) ;=> [[0 1] [0 1 :b] [0 1 :c]]
(map count (vals (reduce (fn [m x] (assoc m (mod x 3) (conj (get m (mod x 3) []) x))) {} (range 10)))) ;=> (4 3 3)
(def m1 (reduce (fn [m i] (assoc m i (* i i))) {} (range 1000)))
(let [a (assoc m1 :a 1) b (assoc m1 5 :b)] [(count m1) (count a) (get m1 5) (get b 5) (:a m1)]) ;=> [1000 1001 25 :b nil]
