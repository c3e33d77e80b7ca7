;; metadata: kept, dropped, not part of equality

(meta (with-meta [1] {:a 1})) ;=> {:a 1}
(meta ^{:a 1} [1]) ;=> {:a 1}
(meta ^:k {}) ;=> {:k true}
(= (with-meta [1] {:a 1}) [1]) ;=> true
(meta (conj (with-meta [1] {:a 1}) 2)) ;=> {:a 1}
(meta (assoc (with-meta {} {:a 1}) :x 1)) ;=> {:a 1}
(meta (into (with-meta #{} {:a 1}) [1 2])) ;=> {:a 1}
(meta (map inc (with-meta [1] {:a 1}))) ;=> nil
(meta (vary-meta [1] assoc :b 2)) ;=> {:b 2}
(meta (with-meta 'a {:x 1})) ;=> {:x 1}
(meta (with-meta (fn []) {:f 1})) ;=> {:f 1}
((with-meta (fn [x] (inc x)) {:f 1}) 1) ;=> 2
(meta (with-meta (list 1) {:a 1})) ;=> {:a 1}
(meta (empty (with-meta [1] {:a 1}))) ;=> {:a 1}
(meta (seq (with-meta [1] {:a 1}))) ;=> nil
(with-meta 1 {}) ;!> :type
(do (def ^{:doc "d" :k 1} v 5) [(:doc (meta #'v)) (:k (meta #'v))]) ;=> ["d" 1]
(do (defn f "docs" {:added "1"} [x] x) [(:doc (meta #'f)) (:added (meta #'f))]) ;=> ["docs" "1"]
(binding [*print-meta* true] (pr-str (with-meta [1] {:a 1}))) ;=> "^{:a 1} [1]"
(let [x (with-meta [1 2] {:m 1}) [a :as all] x] (meta all)) ;=> {:m 1}

;; the metadata of a def is evaluated, and a macro may put a var itself into code
(do (def ^{:a (inc 1) :b 'x :c [1 (+ 1 1)]} y 5) [(select-keys (meta #'y) [:a :b :c]) y]) ;=> [{:a 2, :b x, :c [1 2]} 5]
(do (def ^{:test (fn [] 7)} y 5) ((:test (meta #'y)))) ;=> 7
(do (defn ^{:a (str 1 2)} f "doc" [x] x) [(:a (meta #'f)) (:doc (meta #'f)) (:arglists (meta #'f))]) ;=> ["12" "doc" ([x])]
(do (def sums 1) (defmacro mv [] (list 'identity (resolve 'sums))) (let [v (mv)] [(mapv inc [1 2]) (= v #'sums)])) ;=> [[2 3] true]
