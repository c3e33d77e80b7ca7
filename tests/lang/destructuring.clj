;; sequential and associative destructuring, nested, in let, fn, loop, for and doseq

(let [[a b & r :as all] [1 2 3 4]] [a b r all]) ;=> [1 2 (3 4) [1 2 3 4]]
(let [[a b c] [1]] [a b c]) ;=> [1 nil nil]
(let [[a [b [c]]] [1 [2 [3]]]] [a b c]) ;=> [1 2 3]
(let [[a _ _ d] "abcd"] [a d]) ;=> [\a \d]
(let [[x & xs] nil] [x xs]) ;=> [nil nil]
(let [[x & xs] (range)] [x (take 2 xs)]) ;=> [0 (1 2)]
(let [[a b] {:k 1}] [a b]) ;!> :unsupported
(let [[[k v]] (seq {:k 1})] [k v]) ;=> [:k 1]
(let [{:keys [a b] :or {b 9} :as m} {:a 1}] [a b m]) ;=> [1 9 {:a 1}]
(let [{a :x {b :z} :y} {:x 1 :y {:z 2}}] [a b]) ;=> [1 2]
(let [{:strs [a] :syms [b]} {"a" 1 'b 2}] [a b]) ;=> [1 2]
(let [{:keys [n/a :n/b]} {:n/a 1 :n/b 2}] [a b]) ;=> [1 2]
(let [{:n/keys [a b]} {:n/a 1 :n/b 2}] [a b]) ;=> [1 2]
(let [{:n/syms [a]} {'n/a 1}] a) ;=> 1
(let [{x 0 y 1} [:a :b]] [x y]) ;=> [:a :b]
(let [{:keys [a]} nil] a) ;=> nil
(let [{:keys [a]} '(:a 1)] a) ;=> 1
(let [{:keys [a] :or {a (throw (ex-info "not evaluated" {}))}} {:a 1}] a) ;!> :ex-info
(let [{:keys [a] :or {a 5}} {:a nil}] a) ;=> nil
(let [{:keys [a] :or {a 5}} {:a false}] a) ;=> false
((fn [{:keys [a b]} [c d]] [a b c d]) {:a 1 :b 2} [3 4]) ;=> [1 2 3 4]
((fn [x & {:keys [y z] :or {z 3}}] [x y z]) 1 :y 2) ;=> [1 2 3]
((fn [x & {:keys [y] :as opts}] [x y opts]) 1 {:y 2}) ;=> [1 2 {:y 2}]
((fn [& [a b]] [a b]) 1) ;=> [1 nil]
(loop [[x & xs] [1 2 3] acc []] (if x (recur xs (conj acc x)) acc)) ;=> [1 2 3]
(for [[k v] (sorted-map :a 1 :b 2)] [v k]) ;=> ([1 :a] [2 :b])
(for [{:keys [id]} [{:id 1} {:id 2}]] id) ;=> (1 2)
(let [a (atom [])] (doseq [[x y] [[1 2] [3 4]]] (swap! a conj (+ x y))) @a) ;=> [3 7]
(let [[a :as v] [1] [b] v] [a b v]) ;=> [1 1 [1]]
(let [{[a b] :p} {:p [1 2]}] (+ a b)) ;=> 3
(let [{:keys [a] b :b} {:a 1 :b 2}] [a b]) ;=> [1 2]
(let [[a] 5] a) ;!> :unsupported
(let [[a b c] #{1}] [a]) ;!> :unsupported
(if-let [{:keys [a]} {:a 1}] a :none) ;=> 1
(when-let [[a] (seq [7])] a) ;=> 7
