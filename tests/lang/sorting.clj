;; sort, sort-by, compare, sorted collections

(sort [3 1 2]) ;=> (1 2 3)
(sort > [3 1 2]) ;=> (3 2 1)
(sort #(compare (count %1) (count %2)) ["ccc" "a" "bb" "z"]) ;=> ("a" "z" "bb" "ccc")
(sort-by :n [{:n 2 :i 0} {:n 1 :i 1} {:n 2 :i 2} {:n 1 :i 3}]) ;=> ({:n 1, :i 1} {:n 1, :i 3} {:n 2, :i 0} {:n 2, :i 2})
(sort-by - [1 3 2]) ;=> (3 2 1)
(sort-by val > {:a 1 :b 3 :c 2}) ;=> ([:b 3] [:c 2] [:a 1])
(sort [[2 1] [1 2] [1 1] [0]]) ;=> ([0] [1 1] [1 2] [2 1])
(sort [:b :a/z :a]) ;=> (:a :b :a/z)
(sort ["b" "B" "a" "é" "10" "9"]) ;=> ("10" "9" "B" "a" "b" "é")
(sort [nil 3 1]) ;=> (nil 1 3)
(sort [1 2.5 1/2 3N 0.1M]) ;=> (0.1M 1/2 1 2.5 3N)
(sort [true false]) ;=> (false true)
(sort [\b \a]) ;=> (\a \b)
(sort [1 :a]) ;!> :type
(sort nil) ;=> ()
(sort (fn [a b] (< b a)) (range 40)) ;=> (39 38 37 36 35 34 33 32 31 30 29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0)
(let [n (atom 0)] (sort (fn [a b] (swap! n inc) (compare a b)) [2 1]) (pos? @n)) ;=> true
(compare "a" "c") ;=> -2
(compare [1 2] [1 3]) ;=> -1
(compare 1 nil) ;=> 1
(seq (sorted-map :b 1 :a 2)) ;=> ([:a 2] [:b 1])
(sorted-set 3 1 2 1) ;=> #{1 2 3}
(sorted-map-by > 1 :a 2 :b) ;=> {2 :b, 1 :a}
(sorted-set-by (fn [a b] (compare (mod a 3) (mod b 3))) 1 2 3 4) ;=> #{3 1 2}
(subseq (sorted-set 1 2 3 4) > 2) ;=> (3 4)
(rsubseq (sorted-map 1 :a 2 :b 3 :c) <= 2) ;=> ([2 :b] [1 :a])
(first (into (sorted-set) (range 100 0 -1))) ;=> 1
(keys (assoc (dissoc (into (sorted-map) (map vector (range 10) (range))) 3) -1 :x)) ;=> (-1 0 1 2 4 5 6 7 8 9)
(rseq (sorted-map 1 2 3 4)) ;=> ([3 4] [1 2])
(min-key count "aa" "b" "ccc") ;=> "b"
(max-key count "aa" "b" "ccc") ;=> "ccc"
(reverse (sort (shuffle (range 5)))) ;=> (4 3 2 1 0)
(apply < (sort (shuffle (range 100)))) ;=> true

;; found by comparison with Clojure (tests/compat)
(try (doall (sort :a [1 2])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.Keyword cannot be cast to class java.util.Comparator (clojure.lang.Keyword is in unnamed module of loader 'app'; java.util.Comparator is in module java.base of loader 'bootstrap')"]
(sort :a []) ;=> ()
(try (doall (sort #'compare [2 1])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.Var cannot be cast to class java.util.Comparator (clojure.lang.Var is in unnamed module of loader 'app'; java.util.Comparator is in module java.base of loader 'bootstrap')"]
(sort nil [2 1]) ;=> (1 2)
(try (doall (sort-by identity :a [1 2])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.Keyword cannot be cast to class java.util.Comparator (clojure.lang.Keyword is in unnamed module of loader 'app'; java.util.Comparator is in module java.base of loader 'bootstrap')"]
(sort-by first [5]) ;=> (5)
(sort-by type [1 2]) ;=> (1 2)
(try (doall (sort-by dec ["a" :b])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.Keyword cannot be cast to class java.lang.Number (clojure.lang.Keyword is in unnamed module of loader 'app'; java.lang.Number is in module java.base of loader 'bootstrap')"]
(let [seen (atom [])] (sort (fn [a b] (swap! seen conj [a b]) (compare a b)) [3 1 2 5 4]) @seen) ;=> [[1 3] [2 1] [2 3] [2 1] [5 2] [5 3] [4 3] [4 5]]
(let [seen (atom [])] (sort (fn [a b] (swap! seen conj [a b]) (compare a b)) [5 4 3 1 2 9 0]) @seen) ;=> [[4 5] [3 4] [1 3] [2 1] [2 4] [2 3] [2 1] [9 3] [9 5] [0 4] [0 2] [0 1]]
(sort (fn [a b] true) [1 2 3 4 5]) ;=> (5 4 3 2 1)
(sort (fn [a b] 1) [1 2 3 4 5]) ;=> (1 2 3 4 5)
(sort (fn [a b] -1) [1 2 3 4 5]) ;=> (5 4 3 2 1)
(sort [3 ##NaN 1 2]) ;=> (3 ##NaN 1 2)
(sort > (range 40)) ;=> (39 38 37 36 35 34 33 32 31 30 29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0)
(try (doall (sorted-map-by :a 1 2)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.Keyword cannot be cast to class java.util.Comparator (clojure.lang.Keyword is in unnamed module of loader 'app'; java.util.Comparator is in module java.base of loader 'bootstrap')"]
(try (doall (sorted-set-by {:a 1} 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.PersistentArrayMap cannot be cast to class java.util.Comparator (clojure.lang.PersistentArrayMap is in unnamed module of loader 'app'; java.util.Comparator is in module java.base of loader 'bootstrap')"]
(try (doall (sorted-map-by < 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.IllegalArgumentException "No value supplied for key: 1"]
(try (doall (sorted-map-by < nil)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.IllegalArgumentException "No value supplied for key: null"]
