;; arities, variadics, apply, higher-order functions

(do (defn f ([] 0) ([a] 1) ([a b] 2) ([a b & c] (+ 2 (count c)))) [(f) (f 1) (f 1 2) (f 1 2 3 4)]) ;=> [0 1 2 4]
(apply + 1 2 [3 4]) ;=> 10
(apply max (range 100)) ;=> 99
(apply (fn [& xs] (count xs)) (range 300)) ;=> 300
(apply hash-map [:a 1]) ;=> {:a 1}
(apply map vector [[1 2] [3 4]]) ;=> ([1 3] [2 4])
(apply str (interpose "," (map inc (range 3)))) ;=> "1,2,3"
((fn [& {:as m}] m) :a 1) ;=> {:a 1}
((fn [a]) 1 2) ;!> :arity
(do (defn f [a b]) (f 1)) ;!> :arity
((fn [& xs] xs)) ;=> nil
(let [f (fn ([x] [:one x]) ([x & xs] [:many xs]))] [(f 1) (f 1 2)]) ;=> [[:one 1] [:many (2)]]
(reduce + []) ;=> 0
(reduce + 5 []) ;=> 5
(reduce (fn [a b] :never) [1]) ;=> 1
(reduce-kv (fn [m k v] (assoc m v k)) {} {:a 1 :b 2}) ;=> {1 :a, 2 :b}
(map + [1 2 3] [10 20 30] [100 200]) ;=> (111 222)
(mapv (fn [a b] [a b]) [1 2] [3 4 5]) ;=> [[1 3] [2 4]]
(filterv odd? (range 6)) ;=> [1 3 5]
(update {:a 1} :a + 2 3) ;=> {:a 6}
(update-in {:a {:b [1 2]}} [:a :b 1] inc) ;=> {:a {:b [1 3]}}
(assoc-in {} [:a :b] 1) ;=> {:a {:b 1}}
(get-in {:a [{:b 1}]} [:a 0 :b]) ;=> 1
(merge-with + {:a 1 :b 2} {:a 10}) ;=> {:a 11, :b 2}
(merge-with (fn [a b] (into a b)) {:a [1]} {:a [2]}) ;=> {:a [1 2]}
(sort-by (juxt :a :b) [{:a 2 :b 1} {:a 1 :b 2} {:a 1 :b 1}]) ;=> ({:a 1, :b 1} {:a 1, :b 2} {:a 2, :b 1})
(group-by count ["a" "bb" "c"]) ;=> {1 ["a" "c"], 2 ["bb"]}
(frequencies "abca") ;=> {\a 2, \b 1, \c 1}
(into (sorted-map) (map (fn [[k v]] [v k])) {:a 2 :b 1}) ;=> {1 :b, 2 :a}
(iterate inc 1) ;!> :limit
(clojure.walk/postwalk #(if (number? %) (inc %) %) [1 {:a 2} '(3)]) ;=> [2 {:a 3} (4)]
(clojure.walk/keywordize-keys {"a" {"b" 1}}) ;=> {:a {:b 1}}
(mapv #(apply % [6 3]) [+ - * /]) ;=> [9 3 18 2]
(:a {:a 1}) ;=> 1
(:b {:a 1} :none) ;=> :none
({:a 1} :a) ;=> 1
(#{1 2} 2) ;=> 2
([10 20] 1) ;=> 20
('a {'a 1}) ;=> 1
("x" 1) ;!> :type
(map :k [{:k 1} nil {:k 3}]) ;=> (1 nil 3)
(keep {:a 1 :b 2} [:a :c :b]) ;=> (1 2)
((comp) 1) ;=> 1
(clojure.core/apply clojure.core/+ [1 2]) ;=> 3

;; a var of one's own shadows a core name from there on
(do (def before (inc 1)) (defn inc [x] (* x 100)) [before (inc 1)]) ;=> [2 100]
