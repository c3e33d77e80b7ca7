;; multimethods.clj - defmulti, hierarchies. The answers are those that Debian's clojure gives.

(do (defmulti area :shape) (defmethod area :sq [x] (* (:s x) (:s x))) (defmethod area :rect [{:keys [a b]}] (* a b))
    [(area {:shape :sq :s 3}) (area {:shape :rect :a 2 :b 3}) (map area [{:shape :sq :s 1} {:shape :sq :s 2}]) (class area) (fn? area) (ifn? area) (set (keys (methods area)))]) ;=> [9 6 (1 4) clojure.lang.MultiFn false true #{:rect :sq}]
(do (defmulti area :shape) (try (area {:shape :nope}) (catch Exception e (ex-message e)))) ;=> "No method in multimethod 'area' for dispatch value: :nope"
(do (defmulti area :shape) (try (area {}) (catch Exception e (ex-message e)))) ;=> "No method in multimethod 'area' for dispatch value: null"
(do (defmulti area :shape) (area 1 2 3)) ;!> :arity
(do (defmulti area :shape) (defmethod area :default [x] [:dflt x]) [(area {}) (= (get-method area :zzz) (get-method area :default)) (nil? (get-method area :x))]) ;=> [[:dflt {}] true false]
(do (defmulti m "doc" {:a 1} (fn [a b] [a b]) :default :zz) (defmethod m [:a :b] [_ _] :ab) (defmethod m :zz [a b] [:other a b])
    [(:doc (meta #'m)) (:a (meta #'m)) (m :a :b) (m 1 2)]) ;=> ["doc" 1 :ab [:other 1 2]]
(do (defmulti m :k) (defmethod m 1 [_] :one) (let [a (m {:k 1})] (defmulti m :other) [a (m {:k 1})])) ;=> [:one :one]
(do (defmulti m identity) (defmethod m 1 [_] :a) (let [a (m 1)] (defmethod m 1 [_] :b) (let [b (m 1)] (remove-method m 1) [a b (try (m 1) (catch Exception e (ex-message e))) (methods m)]))) ;=> [:a :b "No method in multimethod 'm' for dispatch value: 1" {}]
(do (defmulti m identity) (defmethod m :default [_] :d) (defmethod m 1 [_] :one) (let [a (m 1)] (remove-all-methods m) [a (methods m)])) ;=> [:one {}]
(do (derive ::rect ::shape) (derive ::square ::rect)
    (defmulti m identity) (defmethod m ::shape [_] :shape)
    (let [a (m ::square)] (defmethod m ::rect [_] :rect) (let [b (m ::square)] (underive ::square ::rect) [a b (try (m ::square) (catch Exception e (ex-message e))) (m ::rect)]))) ;=> [:shape :rect "No method in multimethod 'm' for dispatch value: :user/square" :rect]
(do (derive ::rect ::shape) (derive ::square ::rect)
    [(isa? ::square ::shape) (isa? ::shape ::square) (parents ::square) (ancestors ::square) (descendants ::shape) (parents ::nothing) (ancestors ::nothing) (descendants ::nothing)
     (isa? [::square 1] [::shape 1]) (isa? [1] [1 2]) (isa? :a :a) (isa? nil nil)]) ;=> [true false #{:user/rect} #{:user/rect :user/shape} #{:user/square :user/rect} nil nil nil true false true true]
(do (derive ::rect ::shape)
    (defmulti bar (fn [x y] [x y])) (defmethod bar [::rect ::shape] [x y] :rect-shape) (defmethod bar [::shape ::rect] [x y] :shape-rect)
    (let [conflict (try (bar ::rect ::rect) (catch Exception e (ex-message e)))]
      (prefer-method bar [::rect ::shape] [::shape ::rect])
      [(count conflict) (bar ::rect ::rect) (prefers bar) (try (prefer-method bar [::shape ::rect] [::rect ::shape]) (catch Exception e (ex-message e)))])) ;=> [166 :rect-shape {[:user/rect :user/shape] #{[:user/shape :user/rect]}} "Preference conflict in multimethod 'bar': [:user/rect :user/shape] is already preferred to [:user/shape :user/rect]"]
(do (defmulti m class) (defmethod m Number [_] :num) (defmethod m String [_] :str) (defmethod m nil [_] :nil) (defmethod m Object [_] :obj) (defmethod m clojure.lang.IPersistentVector [_] :vec)
    (map m [1 1.5 2N "a" nil :k [] '() {}])) ;=> (:num :num :num :str :nil :obj :vec :obj :obj)
(do (defmulti m class) (defmethod m java.util.Map [_] :map) (defmethod m clojure.lang.IFn [_] :fn) (prefer-method m java.util.Map clojure.lang.IFn) [(m {}) (m []) (m inc)]) ;=> [:map :fn :fn]
(do (defrecord A []) (defrecord B []) (defmulti m class) (defmethod m A [_] :a) (defmethod m clojure.lang.IRecord [_] :record) [(m (->A)) (m (->B))]) ;=> [:a :record]
(do (defmulti both (fn [a b] [(class a) (class b)])) (defmethod both [Number String] [a b] :ns) (defmethod both [Object Object] [a b] :oo) [(both 1 "a") (both "a" 1)]) ;=> [:ns :oo]
(do (def h (atom (derive (make-hierarchy) :dog :animal))) (defmulti m identity :hierarchy h) (defmethod m :animal [_] :an)
    (let [a (m :dog) b (try (m :cat) (catch Exception e (ex-message e)))] (swap! h derive :cat :animal) [a b (m :cat)])) ;=> [:an "No method in multimethod 'm' for dispatch value: :cat" :an]
(do (def hh (derive (make-hierarchy) :dog :animal)) (defmulti m identity :hierarchy #'hh) (defmethod m :animal [_] :an) [(m :dog) (isa? hh :dog :animal) (isa? :dog :animal)]) ;=> [:an true false]
(do (defmulti m (fn [x & more] (count more))) (defmethod m 0 ([x] :none)) (defmethod m 1 named ([x y] [:one x y])) [(m 1) (m 1 2)]) ;=> [:none [:one 1 2]]
(do (defmulti fact identity) (defmethod fact 0 [_] 1) (defmethod fact :default [n] (* n (fact (dec n)))) [(fact 5) (fact 20)]) ;=> [120 2432902008176640000]
(do (defmulti m :k) (defmethod m [:v] [_] 1) (m {:k '(:v)})) ;=> 1
(do (defmulti m (fn [x] (map inc x))) (defmethod m [2 3] [_] :lazy) (m [1 2])) ;=> :lazy
(do (defmulti m :k) (defmethod m nil [_] :nil) (defmethod m false [_] :false) [(m {}) (m {:k false})]) ;=> [:nil :false]
[(derive (make-hierarchy) :a :b) (make-hierarchy) (underive (derive (make-hierarchy) :a :b) :a :b) (ancestors (derive (derive (make-hierarchy) :a :b) :b :c) :a)
 (parents (derive (derive (make-hierarchy) :a :b) :b :c) :a) (descendants (derive (derive (make-hierarchy) :a :b) :b :c) :c)
 (derive (derive (make-hierarchy) :a :b) :a :b)] ;=> [{:parents {:a #{:b}}, :ancestors {:a #{:b}}, :descendants {:b #{:a}}} {:parents {}, :descendants {}, :ancestors {}} {:parents {}, :descendants {}, :ancestors {}} #{:c :b} #{:b} #{:b :a} {:parents {:a #{:b}}, :ancestors {:a #{:b}}, :descendants {:b #{:a}}}]
(mapv (fn [f] (try (f) (catch Throwable e (ex-message e))))
      [#(derive :a :b) #(derive ::a :b) #(derive ::a ::a) #(derive "x" ::a) #(derive 1 ::a) #(derive (make-hierarchy) :a :a) #(derive (make-hierarchy) 1 :b) #(derive (make-hierarchy) :b 1)
       #(derive (derive (make-hierarchy) :a :b) :b :a) #(derive (derive (derive (make-hierarchy) :a :b) :b :c) :a :c) #(descendants Number)]) ;=> ["Assert failed: (namespace parent)" "Assert failed: (namespace parent)" "Assert failed: (not= tag parent)" "Assert failed: (or (class? tag) (and (instance? clojure.lang.Named tag) (namespace tag)))" "Assert failed: (or (class? tag) (and (instance? clojure.lang.Named tag) (namespace tag)))" "Assert failed: (not= tag parent)" "Assert failed: (or (class? tag) (instance? clojure.lang.Named tag))" "Assert failed: (instance? clojure.lang.Named parent)" "Cyclic derivation: :a has :b as ancestor" ":a already has :c as ancestor" "Can't get descendants of classes"]
[(isa? Long Number) (isa? Long Object) (isa? Number Long) (isa? [Long String] [Number Object]) (isa? java.util.Map Object) (isa? String CharSequence) (isa? clojure.lang.PersistentVector clojure.lang.Sequential)] ;=> [true true false true true true true]
(do (derive String ::text) [(isa? String ::text) (isa? Long ::text) (contains? (parents String) ::text) (contains? (ancestors String) ::text)]) ;=> [true false true true]
(do (derive java.util.Map ::mapping) (defmulti m class) (defmethod m ::mapping [_] :mapping) (defmethod m :default [_] :other) [(isa? clojure.lang.PersistentArrayMap ::mapping) (m {}) (m 1)]) ;=> [true :mapping :other]
[(bases Long) (supers Object) (bases nil) (bases java.util.List) (contains? (supers Long) Number) (class (supers Long))] ;=> [(java.lang.Number java.lang.Comparable java.lang.constant.Constable java.lang.constant.ConstantDesc) nil nil (java.util.Collection) true clojure.lang.PersistentHashSet]
(defmulti m identity :foo 1) ;!> :syntax
(defmulti m identity :default) ;!> :syntax
(defmethod nope :a [x] x) ;!> :unresolved
(defmethod inc :a [x] x) ;!> :type
(methods inc) ;!> :type
(do (defmulti m identity) (defmethod m 1 [_] :one) (let [a (atom [])] (dotimes [i 3] (swap! a conj (m 1))) @a)) ;=> [:one :one :one]
(do (defmulti op first) (defmethod op :add [[_ a b]] (+ a b)) (defmethod op :nest [[_ x]] (op x)) (defmethod op :all [[_ xs]] (map op xs))
    [(op [:add 1 2]) (op [:nest [:nest [:add 3 4]]]) (op [:all [[:add 1 1] [:nest [:add 2 2]]]])]) ;=> [3 7 (2 4)]
