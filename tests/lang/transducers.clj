;; transducers, sorted collections and other sequence functions; what Clojure 1.11.1 answers
(transduce (comp (map inc) (filter even?)) + [1 2 3 4]) ;=> 6
(transduce (take 2) conj [1 2 3]) ;=> [1 2]
(transduce (partition-all 2) conj [] [1 2 3]) ;=> [[1 2] [3]]
(transduce (partition-by odd?) conj [] [1 1 2 3]) ;=> [[1 1] [2] [3]]
(into [] (comp (partition-by odd?) (take 2)) [1 1 2 3 3]) ;=> [[1 1] [2]]
(into [] (comp cat (take 3)) [[1 2] [3 4]]) ;=> [1 2 3]
(into [] (mapcat #(repeat % %)) [1 2 3]) ;=> [1 2 2 3 3 3]
(into [] (dedupe) [1 1 2 2 1]) ;=> [1 2 1]
(into [] (interpose :x) [1 2 3]) ;=> [1 :x 2 :x 3]
(into [] (comp (interpose :x) (take 4)) [1 2 3]) ;=> [1 :x 2 :x]
(into [] (halt-when #(> % 2)) [1 2 3]) ;=> 3
(transduce (halt-when #(> % 2)) conj [1 2 3 4]) ;=> 3
(transduce (halt-when #(> % 2) (fn [r x] (conj r [:halt x]))) conj [] [1 2 3 4]) ;=> [1 2 [:halt 3]]
(sequence (map +) [1 2] [10 20 30]) ;=> (11 22)
(sequence (comp (map vector) (take 2)) [1 2 3] [4 5 6]) ;=> ([1 4] [2 5])
(sequence (filter odd?) (range 10)) ;=> (1 3 5 7 9)
(sequence [1 2]) ;=> (1 2)
(sequence nil) ;=> ()
(sequence (map inc) nil) ;=> ()
(class (sequence (map inc) [1])) ;=> clojure.lang.LazySeq
(eduction (map inc) (filter odd?) [1 2 3]) ;=> (3)
(reduce + (eduction (map inc) [1 2])) ;=> 5
(into [] (eduction (map inc) (take 1) [1 2])) ;=> [2]
(seq (eduction (map inc) [1 2])) ;=> (2 3)
(first (eduction (map inc) [1 2])) ;=> 2
(run! prn (eduction (map inc) [])) ;=> nil
(sequential? (eduction (map inc) [1])) ;=> true
(into #{} (map inc) [1 1]) ;=> #{2}
(into {} (map (fn [x] [x x])) [1 2]) ;=> {1 1, 2 2}
(into [] (take-nth 2) (range 7)) ;=> [0 2 4 6]
(into [] (take-nth 0) (range 7)) ;!> arithmetic
(into [] (random-sample 1) [1 2]) ;=> [1 2]
(into [] (keep-indexed #(when (odd? %1) %2)) [:a :b :c]) ;=> [:b]
(into [] (map-indexed vector) [:a :b]) ;=> [[0 :a] [1 :b]]
(into [] (distinct) [1 1 2]) ;=> [1 2]
(into [] (drop-while odd?) [1 3 4 5]) ;=> [4 5]
(into [] (take-while odd?) [1 3 4 5]) ;=> [1 3]
(into [] (replace {1 :a}) [1 2]) ;=> [:a 2]
(into [] (remove nil?) [1 nil]) ;=> [1]
(into [] (comp (take 0)) [1 2]) ;=> []
(transduce (map inc) (completing + str) 0 [1 2]) ;=> "5"
(transduce (take 5) (completing conj reverse) [] (range 10)) ;=> (4 3 2 1 0)
(((map inc) conj) [] 1) ;=> [2]
(unreduced (((take 1) conj) [] 1)) ;=> [1]
(reduce (fn [a x] (if (> a 5) (reduced :done) (+ a x))) 0 (range)) ;=> :done
(reduce-kv (fn [a k v] (if (= k :b) (reduced a) (+ a v))) 0 (sorted-map :a 1 :b 2 :c 3)) ;=> 1
(reductions (fn [a x] (if (> a 3) (reduced a) (+ a x))) (range 10)) ;=> (0 1 3 6 6)
(into [1] nil) ;=> [1]
(into nil [1 2]) ;=> (2 1)
(into) ;=> []
(into [1]) ;=> [1]
(transduce cat conj [[1] [2]]) ;=> [1 2]
(let [v (volatile! 0)] (vswap! v + 2) [@v (volatile? v)]) ;=> [2 true]
(sequence (comp (map inc) (partition-all 2)) (range 5)) ;=> ([1 2] [3 4] [5])
(take 3 (sequence (map inc) (range))) ;=> (1 2 3)
(let [n (atom 0)] (first (map #(do (swap! n inc) %) (range 100))) @n) ;=> 32
(let [n (atom 0)] (first (map #(do (swap! n inc) %) (list 1 2 3))) @n) ;=> 1
(let [n (atom 0)] (first (filter odd? (map #(do (swap! n inc) %) (vec (range 100))))) @n) ;=> 32
(seq (iteration (fn [k] (when (< (or k 0) 3) {:v k :n (inc (or k 0))})) :vf :v :kf :n)) ;=> (nil 1 2)
(reduce conj [] (iteration (fn [k] {:v k :n (when (< k 3) (inc k))}) :vf :v :kf :n :initk 0)) ;=> [0 1 2 3]
(into [] (iteration (fn [k] {:v k :n (when (< k 3) (inc k))}) :vf :v :kf :n :initk 0 :somef :n)) ;=> [0 1 2]
(rseq [1 2 3]) ;=> (3 2 1)
(rseq []) ;=> nil
(rseq (sorted-map 1 2 3 4)) ;=> ([3 4] [1 2])
(rseq (sorted-set 1 2)) ;=> (2 1)
(rseq '(1)) ;!> type
(subseq (sorted-map-by > 1 :a 2 :b 3 :c) > 2) ;=> ([1 :a])
(subseq (sorted-map-by > 1 :a 2 :b 3 :c) >= 3 <= 1) ;=> ([3 :c] [2 :b] [1 :a])
(rsubseq (sorted-map-by > 1 :a 2 :b 3 :c) <= 2) ;=> ([2 :b] [3 :c])
(sorted-set-by (fn [a b] (compare (count a) (count b))) "aa" "b" "cc") ;=> #{"b" "aa"}
(sorted-map-by (comparator (fn [a b] (< (count a) (count b)))) "aa" 1 "b" 2) ;=> {"b" 2, "aa" 1}
(get (sorted-map-by (fn [a b] (compare b a)) 1 2) 1) ;=> 2
(conj (sorted-set-by > 1 2) 3) ;=> #{3 2 1}
(assoc (sorted-map :a 1) 1 2) ;!> type
(sorted-map 1) ;!> argument
(empty (sorted-set-by > 1)) ;=> #{}
(into (empty (sorted-set-by > 1)) [1 2 3]) ;=> #{3 2 1}
(= (sorted-set 1 2) #{1 2}) ;=> true
(= (sorted-map 1 2) {1 2}) ;=> true
(hash (sorted-set 1 2)) ;=> 460223544
(first (sorted-map-by > 1 2 3 4)) ;=> [3 4]
(keys (sorted-map-by > 1 2 3 4)) ;=> (3 1)
(dissoc (sorted-map 1 2 3 4) 1) ;=> {3 4}
(disj (sorted-set 1 2) 1) ;=> #{2}
(contains? (sorted-set 1) "a") ;!> type
(tree-seq map? vals {:a {:b 1} :c 2}) ;=> ({:a {:b 1}, :c 2} {:b 1} 1 2)
(partition 2 1 [:p] [1 2 3]) ;=> ((1 2) (2 3) (3 :p))
(partition 3 3 [:p :q] [1 2 3 4]) ;=> ((1 2 3) (4 :p :q))
(partition-all 2 1 [1 2 3]) ;=> ((1 2) (2 3) (3))
(split-with odd? [1 3 2 5]) ;=> [(1 3) (2 5)]
(shuffle nil) ;!> null
(rand-nth nil) ;=> nil
(max-key count "a" "bb" "cc") ;=> "cc"
(min-key count "aa" "b" "c") ;=> "c"
(str (map inc [1 2])) ;=> "clojure.lang.LazySeq@402"
(str (lazy-seq nil)) ;=> "clojure.lang.LazySeq@1"
(str (range 3)) ;=> "(0 1 2)"
(str (filter odd? [1 2])) ;=> "clojure.lang.LazySeq@20"
(str (concat [1] [2])) ;=> "clojure.lang.LazySeq@3e2"
(str (seq [1 2])) ;=> "(1 2)"
(str (cons 1 nil)) ;=> "(1)"
(str (repeat 2 1)) ;=> "(1 1)"
(str (sequence (map inc) [1 2])) ;=> "clojure.lang.LazySeq@402"
(str '(1 2)) ;=> "(1 2)"
(str (rest [1 2])) ;=> "(2)"
(str (keys {:a 1})) ;=> "(:a)"
(str "a" (map inc [1])) ;=> "aclojure.lang.LazySeq@21"
(clojure.string/join ", " (map inc [1 2])) ;=> "2, 3"
(format "%s" (map inc [1 2])) ;=> "clojure.lang.LazySeq@402"
(pr-str (map inc [1 2])) ;=> "(2 3)"
(print-str (map inc [1 2])) ;=> "(2 3)"
(name (first {:a 1})) ;!> type
(update-vals {:a 1} inc) ;=> {:a 2}
(update-keys {:a 1} name) ;=> {"a" 1}
(update-vals nil inc) ;=> {}
(update-vals [1 2] inc) ;=> [2 3]
(parse-long "12") ;=> 12
(parse-long "+12") ;=> 12
(parse-long "1.2") ;=> nil
(parse-long "") ;=> nil
(parse-long nil) ;!> argument
(parse-long "9223372036854775808") ;=> nil
(parse-double "1e3") ;=> 1000.0
(parse-double "x") ;=> nil
(parse-double " 1.5 ") ;=> 1.5
(parse-double "0x1p3") ;=> 8.0
(parse-double "1d") ;=> 1.0
(parse-boolean "true") ;=> true
(parse-boolean "True") ;=> nil
(parse-uuid "x") ;=> nil
(parse-uuid "b6883c0a-0342-4007-9966-bc2dfa6b109e") ;=> #uuid "b6883c0a-0342-4007-9966-bc2dfa6b109e"
(abs -5) ;=> 5
(abs -5.5) ;=> 5.5
(abs -1/2) ;=> 1/2
(abs Long/MIN_VALUE) ;=> -9223372036854775808
(NaN? ##NaN) ;=> true
(infinite? ##-Inf) ;=> true
(NaN? "a") ;!> type
