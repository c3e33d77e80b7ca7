;; runaway programs end with :stack or :limit, and nothing else is harmed

((fn f [n] (inc (f (inc n)))) 0) ;!> :stack
(do (defn a [n] (inc (b n))) (defn b [n] (inc (a n))) (a 0)) ;!> :unresolved
(do (declare b) (defn a [n] (inc (b n))) (defn b [n] (inc (a n))) (a 0)) ;!> :stack
((fn f [n] (reduce (fn [a x] (f x)) 0 [n n])) 1) ;!> :stack
((fn f [n] (first (map f [n]))) 1) ;!> :stack
((fn f [n] (try (f (inc n)) (finally nil))) 0) ;!> :stack
(try ((fn f [n] (inc (f n))) 0) (catch StackOverflowError e :caught)) ;=> :caught
(loop [] (recur)) ;!> :limit
(while true) ;!> :limit
(count (iterate inc 0)) ;!> :limit
(last (cycle [1 2])) ;!> :limit
(dorun (range)) ;!> :limit
(reduce + (repeat 1)) ;!> :limit
(doall (map inc (range))) ;!> :limit
(filter neg? (range)) ;!> :limit
(some #{-1} (range)) ;!> :limit
(loop [v []] (recur (conj v v v v))) ;!> :limit
(loop [s "xxxxxxxx"] (recur (str s s))) ;!> :limit
(loop [m {} i 0] (recur (assoc m i (vec (range 100))) (inc i))) ;!> :limit
(let [a (atom [])] (loop [] (swap! a conj (range)) (recur))) ;!> :limit
(try (loop [] (recur)) (catch Throwable t :not-caught)) ;!> :limit
(try (loop [] (recur)) (finally (loop [] (recur)))) ;!> :limit
(let [f (fn f [n] (if (zero? n) 0 (inc (f (dec n)))))] (f 1000)) ;=> 1000
(str/join (repeat "x")) ;!> :limit
(vec (repeatedly (fn [] 1))) ;!> :limit
(into {} (map (fn [i] [i i])) (range)) ;!> :limit
(sort (range)) ;!> :limit
(apply + (range)) ;!> :limit
(str/replace "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" #"(a+)+$" "b") ;!> :limit
(do (def ones (cons 1 (lazy-seq ones))) (count ones)) ;!> :limit
(do (def ones (cons 1 (lazy-seq ones))) (pr-str ones)) ;!> :limit
(do (def ones (cons 1 (lazy-seq ones))) (reduce + ones)) ;!> :limit
(do (def ones (cons 1 (lazy-seq ones))) (= ones ones)) ;=> true
(do (def ones (cons 1 (lazy-seq ones))) (take 2 (doall (take 5 ones)))) ;=> (1 1)
(count (repeat 1)) ;!> :limit
(hash (repeat 1)) ;!> :limit
(last (range 1000000000)) ;!> :limit
