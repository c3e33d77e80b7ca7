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
