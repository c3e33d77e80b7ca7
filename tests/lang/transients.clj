;; transients, alone and across calls

(persistent! (reduce conj! (transient []) (range 5))) ;=> [0 1 2 3 4]
(count (persistent! (reduce conj! (transient []) (range 2000)))) ;=> 2000
(peek (persistent! (reduce conj! (transient (vec (range 31))) (range 100)))) ;=> 99
(persistent! (assoc! (transient {:a 1}) :b 2)) ;=> {:a 1, :b 2}
(get (persistent! (reduce (fn [m i] (assoc! m i (* i i))) (transient {}) (range 100))) 99) ;=> 9801
(count (persistent! (reduce (fn [m i] (dissoc! m i)) (transient (zipmap (range 100) (range))) (range 50)))) ;=> 50
(sort (persistent! (disj! (conj! (transient #{1 2}) 3) 1))) ;=> (2 3)
(persistent! (pop! (transient [1 2 3]))) ;=> [1 2]
(let [v [1 2 3] t (transient v)] (assoc! t 0 :x) [v (persistent! t)]) ;=> [[1 2 3] [:x 2 3]]
(let [m (zipmap (range 40) (range 40)) t (transient m)] (dotimes [i 40] (assoc! t i 0)) [(reduce + (vals m)) (reduce + (vals (persistent! t)))]) ;=> [780 0]
(let [t (transient [])] (persistent! t) (conj! t 1)) ;!> :runtime
(let [t (transient [1 2])] [(nth t 0) (get t 1) (count t)]) ;=> [1 2 2]
(let [t (transient {:a 1})] [(:a t) (get t :b :no) (count t)]) ;=> [1 :no 1]
(contains? (transient #{:a}) :a) ;=> true
(loop [t (transient []) i 0] (if (< i 100) (recur (conj! t (fn [] i)) (inc i)) ((nth (persistent! t) 42)))) ;=> 42
(into #{} (map inc) (range 3)) ;=> #{1 2 3}
(let [t (transient [0])] (dotimes [i 70] (conj! t i)) (= (persistent! t) (into [0] (range 70)))) ;=> true
(meta (persistent! (conj! (transient (with-meta [] {:m 1})) 1))) ;=> nil
(persistent! (transient {})) ;=> {}
