;; records.clj - defrecord. The answers are those that Debian's clojure gives.

(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [(hash p) (.hashCode p) (str p) (pr-str p) (hash (assoc p :z 3)) (hash (->Point nil nil)) (= (hash p) (hash {:x 1 :y 2}))]) ;=> [-445655453 2027824014 "user.Point@78de238e" "#user.Point{:x 1, :y 2}" -126088769 348176823 false]
(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [p (Point. 1 2) (new Point 1 2) (user.Point. 1 2) (map->Point {:x 1 :q 2}) (map->Point {}) (Point/create {:y 5}) (Point/getBasis)]) ;=> [#user.Point{:x 1, :y 2} #user.Point{:x 1, :y 2} #user.Point{:x 1, :y 2} #user.Point{:x 1, :y 2} #user.Point{:x 1, :y nil, :q 2} #user.Point{:x nil, :y nil} #user.Point{:x nil, :y 5} [x y]]
(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [(assoc p :x 5) (assoc p :z 3) (assoc p "k" 1 nil 2) (update p :y inc) (conj p [:z 1]) (conj p {:q 1}) (merge p {:x 5})
     (into p {:x 9}) (reduce conj p [[:a 1] [:b 2]])]) ;=> [#user.Point{:x 5, :y 2} #user.Point{:x 1, :y 2, :z 3} #user.Point{:x 1, :y 2, "k" 1, nil 2} #user.Point{:x 1, :y 3} #user.Point{:x 1, :y 2, :z 1} #user.Point{:x 1, :y 2, :q 1} #user.Point{:x 5, :y 2} #user.Point{:x 9, :y 2} #user.Point{:x 1, :y 2, :a 1, :b 2}]
(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [(dissoc p :x) (dissoc (assoc p :z 3) :z) (dissoc p :nope) (dissoc p :x :y) (class (dissoc p :x))
     (meta (dissoc (with-meta p {:a 1}) :x)) (select-keys p [:x]) (into {} p) (record? (dissoc p :x))]) ;=> [{:y 2} #user.Point{:x 1, :y 2} #user.Point{:x 1, :y 2} {} clojure.lang.PersistentArrayMap {:a 1} {:x 1} {:x 1, :y 2} false]
(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [(:x p) (:q p) (:q p 7) (get p :x) (get p :q 5) (find p :x) (find p :q) (contains? p :x) (contains? p :q) (.-x p) (.x p)
     (get-in {:a p} [:a :y]) ((juxt :x :y) p) (let [{:keys [x y z] :or {z 3}} p] [x y z])]) ;=> [1 nil 7 1 5 [:x 1] nil true false 1 1 2 [1 2] [1 2 3]]
(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [(= p (->Point 1 2)) (= p {:x 1 :y 2}) (= {:x 1 :y 2} p) (.equals p {:x 1 :y 2}) (.equals {:x 1 :y 2} p) (= p (assoc p :z 1))
     (= (assoc p :z 1) (assoc (->Point 1 2) :z 1)) (= (with-meta p {:a 1}) p) (identical? p p) (= #{p} #{(->Point 1 2)})]) ;=> [true false false true true false true true true true]
(do (defrecord Point [x y]) (defrecord Other [x y])
    [(= (->Point 1 2) (->Other 1 2)) (= (hash (->Point 1 2)) (hash (->Other 1 2))) (get {(->Point 1 2) :found} (->Point 1 2))
     (get {(->Point 1 2) :found} (->Other 1 2) :no) (contains? #{(->Point 1 2)} {:x 1 :y 2}) (count (set [(->Point 1 2) (->Point 1 2)]))]) ;=> [false false :found :no false 1]
(do (defrecord Point [x y])
    (def p (assoc (->Point 1 2) :z 3))
    [(seq p) (keys p) (vals p) (count p) (first p) (rest p) (next p) (ffirst p) (map key p) (vec p) (empty? p) (not-empty p)
     (reduce-kv (fn [a k v] (conj a k v)) [] p) (reduce (fn [n [_ v]] (+ n v)) 0 p) (zipmap (keys p) (vals p))]) ;=> [([:x 1] [:y 2] [:z 3]) (:x :y :z) (1 2 3) 3 [:x 1] ([:y 2] [:z 3]) ([:y 2] [:z 3]) :x (:x :y :z) [[:x 1] [:y 2] [:z 3]] false #user.Point{:x 1, :y 2, :z 3} [:x 1 :y 2 :z 3] 6 {:x 1, :y 2, :z 3}]
(do (defrecord Point [x y])
    (let [p (assoc (->Point 1 2) :a 1 :b 2 :c 3 :d 4 :e 5 :f 6 :g 7 :h 8 :i 9)]
      [p (count p) (seq p) (dissoc p :a :b :c :d :e :f :g :h :i) (= p (assoc (->Point 1 2) :i 9 :h 8 :g 7 :f 6 :e 5 :d 4 :c 3 :b 2 :a 1))])) ;=> [#user.Point{:x 1, :y 2, :e 5, :g 7, :c 3, :h 8, :b 2, :d 4, :f 6, :i 9, :a 1} 11 ([:x 1] [:y 2] [:e 5] [:g 7] [:c 3] [:h 8] [:b 2] [:d 4] [:f 6] [:i 9] [:a 1]) #user.Point{:x 1, :y 2} true]
(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [(record? p) (map? p) (coll? p) (associative? p) (counted? p) (seqable? p) (ifn? p) (fn? p) (sequential? p) (sorted? p) (reversible? p)
     (instance? Point p) (instance? clojure.lang.IRecord p) (instance? clojure.lang.IPersistentMap p) (instance? java.util.Map p)
     (instance? Object p) (instance? clojure.lang.IFn p) (class p) (type p) (type (with-meta p {:type :t})) (isa? Point clojure.lang.IRecord)]) ;=> [true true true true true true false false false false false true true true true true false user.Point user.Point :t true]
(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [(str {:a p}) (print-str p) (prn-str [p]) (format "%s" p) (str Point) (pr-str Point) (binding [*print-length* 1] (pr-str p))
     (binding [*print-level* 1] (pr-str [p])) (binding [*print-namespace-maps* true] (pr-str {:p (->Point :a/b {:a/b 1})})) (pr-str (map->Point {:n/x 1 :n/y 2}))]) ;=> ["{:a #user.Point{:x 1, :y 2}}" "#user.Point{:x 1, :y 2}" "[#user.Point{:x 1, :y 2}]\n" "user.Point@78de238e" "class user.Point" "user.Point" "#user.Point{:x 1, ...}" "[#user.Point#]" "{:p #user.Point{:x :a/b, :y #:a{:b 1}}}" "#user.Point{:x nil, :y nil, :n/x 1, :n/y 2}"]
(do (defrecord Point [x y]) (read-string "#user.Point{:x 1, :q 2}")) ;=> #user.Point{:x 1, :y nil, :q 2}
(do (defrecord Point [x y]) [(= (read-string "#user.Point[1 2]") (->Point 1 2)) (eval (read-string "#user.Point{:x (+ 1 2)}"))]) ;=> [true #user.Point{:x (+ 1 2), :y nil}]
(do (defrecord Point [x y]) (= (->Point 1 [2]) (read-string (pr-str (->Point 1 [2]))))) ;=> true
(do (defrecord Point [x y]) (try (read-string "#user.Nope{:a 1}") (catch Throwable e (.getName (class e))))) ;=> "java.lang.ClassNotFoundException"
(do (defrecord Point [x y]) (p :x)) ;!> :unresolved
(do (defrecord Point [x y]) ((->Point 1 2) :x)) ;!> :type
(do (defrecord Point [x y]) (empty (->Point 1 2))) ;!> :unsupported
(do (defrecord Point [x y]) (nth (->Point 1 2) 0)) ;!> :unsupported
(do (defrecord Point [x y]) (transient (->Point 1 2))) ;!> :type
(do (defrecord Point [x y]) (compare (->Point 1 2) (->Point 1 3))) ;!> :type
(do (defrecord Point [x y]) (.q (->Point 1 2))) ;!> :argument
(do (defrecord Point [x y]) (->Point 1)) ;!> :arity
(do (defrecord Point [x y])
    (def p (->Point 1 2))
    [(clojure.walk/postwalk (fn [v] (if (number? v) (inc v) v)) [p]) (clojure.walk/prewalk (fn [v] (if (number? v) (inc v) v)) p)
     (group-by :x [p p]) (sort-by :x [(->Point 3 1) (->Point 1 1)]) (frequencies [p (->Point 1 2)]) (distinct [p p]) (map ->Point [1 2] [3 4])
     (apply ->Point [5 6]) (update-in {:a p} [:a :x] + 10) (assoc-in p [:y :z] 1)]) ;!> :type
(do (defrecord E []) [(->E) (count (->E)) (seq (->E)) (empty? (->E)) (hash (->E)) (= (->E) (->E)) (assoc (->E) :a 1)]) ;=> [#user.E{} 0 nil true -1741201180 true #user.E{:a 1}]
(do (defrecord my-rec [a-b] ) [(->my-rec 1) (:a-b (->my-rec 1)) (.-a-b (->my-rec 1)) (class (->my-rec 1)) (map->my-rec {:a-b 2})]) ;=> [#user.my-rec{:a-b 1} 1 1 user.my-rec #user.my-rec{:a-b 2}]
(do (defrecord A [a b c d e f g h i j k l m n o p q r s t u v])
    [(apply ->A (range 22)) (= (apply ->A (range 22)) (map->A (zipmap [:a :b :c :d :e :f :g :h :i :j :k :l :m :n :o :p :q :r :s :t :u :v] (range))))]) ;=> [#user.A{:a 0, :b 1, :c 2, :d 3, :e 4, :f 5, :g 6, :h 7, :i 8, :j 9, :k 10, :l 11, :m 12, :n 13, :o 14, :p 15, :q 16, :r 17, :s 18, :t 19, :u 20, :v 21} true]
(do (defrecord Node [left v right]) (def t (->Node (->Node nil 1 nil) 2 nil)) [(get-in t [:left :v]) (:right t) t (assoc-in t [:left :left] (->Node nil 0 nil))]) ;=> [1 nil #user.Node{:left #user.Node{:left nil, :v 1, :right nil}, :v 2, :right nil} #user.Node{:left #user.Node{:left #user.Node{:left nil, :v 0, :right nil}, :v 1, :right nil}, :v 2, :right nil}]
(do (defrecord P [x]) (let [a (->P (map inc [1 2])) b (->P [2 3])] [(= a b) (= (hash a) (hash b)) a (contains? #{b} a)])) ;=> [true true #user.P{:x (2 3)} true]
(do (defrecord P [x]) [(bases P) (supers Object)]) ;=> [(java.lang.Object clojure.lang.IRecord clojure.lang.IHashEq clojure.lang.IObj clojure.lang.ILookup clojure.lang.IKeywordLookup clojure.lang.IPersistentMap java.util.Map java.io.Serializable) nil]
(do (defrecord P [x]) (let [m {(->P 1) 1}] (case (->P 1) 1 :one :none))) ;=> :none
(do (defrecord P [x] ) (let [x 5] [(let [{:keys [x]} (->P 9)] x) (map :x (repeat 2 (->P x))) (with-meta (->P 1) {:a 1}) (meta (with-meta (->P 1) {:a 1}))])) ;=> [9 (5 5) #user.P{:x 1} {:a 1}]
(do (defrecord Kw [:a])) ;!> :syntax
(do (defrecord Mut [^:unsynchronized-mutable x])) ;!> :syntax
(do (defrecord Res [__meta])) ;!> :syntax
