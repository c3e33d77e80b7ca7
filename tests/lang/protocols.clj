;; protocols.clj - defprotocol, extend and its like, dispatch. The answers are those that Debian's clojure gives.

(do (defprotocol Shape "shapes" (area [this] "the area") (scale [this k] [this k j]))
    [(:doc (meta #'Shape)) (:arglists (meta #'area)) (:doc (meta #'area)) (:arglists (meta #'scale)) (:on Shape) (:sigs Shape) (:var Shape)
     (:on-interface Shape) (:doc Shape) (str (:on-interface Shape)) (fn? area) (ifn? area)]) ;=> ["shapes" ([this]) "the area" ([this k] [this k j]) user.Shape {:area {:tag nil, :name area, :arglists ([this]), :doc "the area"}, :scale {:tag nil, :name scale, :arglists ([this k] [this k j]), :doc nil}} #'user/Shape user.Shape "shapes" "interface user.Shape" true true]
(do (defprotocol Shape (area [this])) (area 1)) ;!> :argument
(try (eval '(do (defprotocol Shape (area [this])) (area 1))) (catch Throwable e (ex-message e))) ;=> "No implementation of method: :area of protocol: #'user/Shape found for class: java.lang.Long"
(try (eval '(do (defprotocol Shape (area [this])) (area nil))) (catch Throwable e (ex-message e))) ;=> "No implementation of method: :area of protocol: #'user/Shape found for class: nil"
(try (eval '(do (defprotocol Shape (area [this]) (per [this])) (extend-type String Shape (area [s] 1)) (per "a"))) (catch Throwable e (ex-message e))) ;=> "No implementation of method: :per of protocol: #'user/Shape found for class: java.lang.String"
(do (defprotocol Shape (area [this]) (scale [this k] [this k j]))
    (defrecord Sq [a] Shape (area [_] (* a a)) (scale [s k] (update s :a * k)) (scale [s k j] (->Sq (* a k j))))
    [(area (->Sq 3)) (scale (->Sq 3) 2) (scale (->Sq 3) 2 3) (satisfies? Shape (->Sq 1)) (satisfies? Shape 1) (extends? Shape Sq)
     (extends? Shape String) (extenders Shape) (map area [(->Sq 1) (->Sq 2)]) (apply scale [(->Sq 1) 2 3]) (identical? (find-protocol-impl Shape (->Sq 1)) 1)]) ;=> [9 #user.Sq{:a 6} #user.Sq{:a 18} true false true false nil (1 4) #user.Sq{:a 6} false]
(do (defprotocol Shape (area [this]))
    (extend-protocol Shape nil (area [_] 0) Long (area [n] n) Number (area [n] :num) Object (area [_] :obj) String (area [s] (count s)))
    [(map area [nil 1 1.5 1/2 2N 3M :k [] {} 'a \c "abc" true inc #"x"]) (extends? Shape nil) (extends? Shape Double) (satisfies? Shape nil) (count (extenders Shape))]) ;=> [(0 1 :num :num :num :num :obj :obj :obj :obj :obj 3 :obj :obj :obj) true false true 5]
(do (defprotocol Shape (area [this]))
    (extend-protocol Shape clojure.lang.IPersistentMap (area [_] :map) clojure.lang.IPersistentVector (area [_] :vec)
      clojure.lang.Keyword (area [_] :kw) clojure.lang.Sequential (area [_] :seq) Object (area [_] :obj))
    (defrecord R [a])
    (map area [{} (sorted-map) (hash-map 1 2) [] '(1) () (range 3) (map inc [1]) :k #{} (first {:a 1}) (seq [1]) (->R 1) (rest [1 2]) "s" 'sym (cons 1 nil) (seq {:a 1})])) ;=> (:map :map :map :vec :seq :seq :seq :seq :kw :obj :vec :seq :map :seq :obj :obj :seq :seq)
(do (defprotocol Coll (kind [this]))
    (extend-protocol Coll clojure.lang.IPersistentCollection (kind [_] :coll) clojure.lang.IPersistentSet (kind [_] :set) clojure.lang.Counted (kind [_] :counted))
    [(kind #{1}) (kind (sorted-set 1)) (kind (map inc [1]))]) ;=> [:set :set :coll]
(do (defprotocol Ex (why [e]))
    (extend-protocol Ex Exception (why [e] [:exception (ex-message e)]) clojure.lang.ExceptionInfo (why [e] [:info (ex-data e)]) Throwable (why [e] :throwable)
      IllegalArgumentException (why [e] :argument))
    (map why [(Exception. "x") (ex-info "m" {:a 1}) (IllegalArgumentException. "y") (NumberFormatException. "n") (Error. "z") (try (/ 1 0) (catch Exception e e))])) ;=> ([:exception "x"] [:info {:a 1}] :argument :argument :throwable [:exception "Divide by zero"])
(do (defprotocol Inc (foo [x])) (defrecord NoFoo [] Inc) [(satisfies? Inc (->NoFoo)) (try (foo (->NoFoo)) (catch Throwable e [(.getName (class e)) (ex-message e)]))]) ;=> [true ["java.lang.AbstractMethodError" "Receiver class user.NoFoo does not define or inherit an implementation of the resolved method 'abstract java.lang.Object foo()' of interface user.Inc."]]
(do (defprotocol M :extend-via-metadata true (bar [x] [x y]))
    (defrecord HasBar [] M (bar [_] :inline))
    (let [before (bar (with-meta [1] {'user/bar (fn [x] :via-meta)}))]
      (extend-type clojure.lang.IPersistentVector M (bar [_] :ext))
      [before (bar [1]) (bar (with-meta [1] {'user/bar (fn [x] :via-meta)})) (bar (with-meta [1] {'user/bar (fn [x y] [:two y])}) 5)
       (bar (with-meta (->HasBar) {'user/bar (fn [x] :via-meta)})) (satisfies? M (with-meta {} {'user/bar 1}))])) ;=> [:via-meta :ext :via-meta [:two 5] :inline false]
(do (defprotocol Foo (foo [x])) (try (foo (with-meta {} {'user/foo (fn [x] :via-meta)})) (catch Exception e (ex-message e)))) ;=> "No implementation of method: :foo of protocol: #'user/Foo found for class: clojure.lang.PersistentArrayMap"
(do (defprotocol Shape (area [s]))
    (extend String Shape {:area (fn [s] :first)})
    (let [a (area "x")] (extend String Shape {:area (fn [s] :second)}) [a (area "x") (keys (:impls Shape)) ((find-protocol-method Shape :area "x") "x")])) ;=> [:first :second (java.lang.String) :second]
(do (defprotocol Shape (area [s])) (defrecord Sq [] Shape (area [_] 1)) (try (extend-type Sq Shape (area [_] 2)) (catch Exception e (ex-message e)))) ;=> "class user.Sq already directly implements interface user.Shape for protocol:#'user/Shape"
(do (defprotocol Shape (area [s])) (try (extend String {:a 1} {}) (catch Exception e (ex-message e)))) ;=> "{:a 1} is not a protocol"
(do (defprotocol Bad (f []))) ;!> :syntax
(do (defprotocol Bad (h [x]) (h [x y]))) ;!> :syntax
(do (defprotocol Empty) [(satisfies? Empty 1) (:sigs Empty)]) ;=> [false nil]
(do (defprotocol Shape (area [this]))
    (extend-type String Shape (area [s] :ext))
    (defrecord Sq [] Shape (area [_] :inline))
    (let [old (->Sq)]
      (defprotocol Shape (area [this]) (more [this]))
      [(area "abc") (satisfies? Shape old) (try (area old) (catch Exception e (ex-message e)))])) ;=> [:ext false "No implementation of method: :area of protocol: #'user/Shape found for class: user.Sq"]
;; methods see fields, not what hides them

(do (defprotocol Rec (go [this n]))
    (defrecord Shadow [x y] Rec (go [this x] [x y (:x this)]))
    (defrecord Clos [x] Rec (go [_ n] (mapv (fn [i] (+ i x n)) [1 2])))
    (defrecord L [x] Rec (go [_ n] (let [x (inc x)] (loop [x x i n] (if (pos? i) (recur (* 2 x) (dec i)) x)))))
    (defrecord Fld [when] Rec (go [_ n] (when n)))
    (defrecord Quo [x] Rec (go [_ n] ['x :x `[~x]]))
    [(go (->Shadow 1 2) :param) (go (->Clos 10) 100) (go (->L 1) 3) (go (->Fld inc) 1) (go (->Quo 1) 1)]) ;=> [[:param 2 1] [111 112] 16 2 [x :x [1]]]
(do (defprotocol Rec (go [this n]))
    (deftype R1 [] Rec (go [_ n] (if (pos? n) (recur (dec n)) :done)))
    (deftype R2 [lim] Rec (go [_ {:keys [n acc]}] (if (< n lim) (recur {:n (inc n) :acc (conj acc n)}) acc)))
    [(go (->R1) 1000) (go (->R2 3) {:n 0 :acc []})]) ;=> [:done [0 1 2]]
(do (defprotocol Tree (total [t]))
    (defrecord Leaf [v] Tree (total [_] v))
    (defrecord Br [l r] Tree (total [_] (+ (total l) (total r))))
    (extend-type nil Tree (total [_] 0))
    (total (->Br (->Br (->Leaf 1) nil) (->Br (->Leaf 2) (->Leaf 3))))) ;=> 6
(do (defprotocol Sum (add [this o]))
    (extend-protocol Sum Long (add [a b] (+ a b)) String (add [a b] (str a b)) clojure.lang.IPersistentVector (add [a b] (into a b)))
    [(reduce add [1 2 3]) (reduce add ["a" "b"]) (reduce add [[1] [2 3]]) (add "x" 1)]) ;=> [6 "ab" [1 2 3] "x1"]
(do (defprotocol P (f [x])) (defprotocol Q (g [x]))
    (defrecord Two [] P (f [_] :f) Q (g [_] :g) Object (toString [_] "TWO"))
    [(f (->Two)) (g (->Two)) (str (->Two)) (pr-str (->Two)) (format "%s" (->Two)) (str [(->Two)])]) ;=> [:f :g "TWO" "#user.Two{}" "TWO" "[#user.Two{}]"]
;; through lazy seqs, atoms and exceptions

(do (defprotocol P (f [x])) (defrecord R [n] P (f [_] (map inc (range n))))
    [(f (->R 3)) (reduce + (mapcat f [(->R 2) (->R 3)])) (let [a (atom (->R 1))] (swap! a update :n inc) [(f @a) @a])
     (try (throw (ex-info "x" {:r (->R 1)})) (catch Exception e (f (:r (ex-data e)))))]) ;=> [(1 2 3) 9 [(1 2) #user.R{:n 2}] (1)]
(do (defprotocol P (f [x])) (extend-type Long P (f [n] (if (zero? n) :end (f (dec n))))) (f 300)) ;=> :end
(do (defprotocol Ring (ring [x])) (extend Long Ring {:ring ring}) (ring 1)) ;!> :stack
(do (def ring-var nil) (alter-var-root #'ring-var (constantly #'ring-var)) (ring-var 1)) ;!> :stack
