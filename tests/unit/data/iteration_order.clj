;; Makes iteration_order.txt, the expectations of test_coll.c, with the real Clojure:
;;   java -cp /usr/share/java/clojure-1.11.jar:... clojure.main iteration_order.clj > iteration_order.txt
;; Each line is "how keys n: ..." and lists the numbers of the keys in iteration order.
;; Keep in step with make_key and build in test_coll.c.
(defn int-key [i] (- (* i 37) 500))
(defn mixed [i]
  (case (int (mod i 9))
    0 (when-not (zero? i) (str "m" i))
    1 (keyword "m" (str "k" i))
    2 (symbol (str "s" i))
    3 [i (inc i)]
    4 (str "string " i)
    5 (* i 1000000007)
    6 {:a i}
    7 (list i)
    8 #{i}))
(defn clash [i] ; every four share one hash
  (str "x" (quot i 4) (nth ["AaAa" "AaBB" "BBAa" "BBBB"] (mod i 4))))
(def kinds {"int" int-key "kw" #(keyword (str "k" %)) "str" #(str "s" %) "mixed" mixed "clash" clash
            "big" #(* % 0x100000001) "pair" #(vector % (- %))})
(def hows
  {"assoc"   (fn [ks] (reduce (fn [m [k i]] (assoc m k i)) {} ks))
   "hash"    (fn [ks] (apply hash-map (mapcat identity (reverse ks))))
   "into"    (fn [ks] (into {} ks))
   "dissoc"  (fn [ks] (reduce (fn [m [k i]] (if (zero? (mod i 3)) (dissoc m k) m)) (into {} ks) ks))
   "dissoc!" (fn [ks] (persistent! (reduce (fn [m [k i]] (if (zero? (mod i 3)) (dissoc! m k) m)) (transient (into {} ks)) ks)))
   "again"   (fn [ks] (let [m (reduce (fn [m [k i]] (if (zero? (mod i 4)) (dissoc m k) m)) (into {} ks) ks)]
                        (reduce (fn [m [k i]] (assoc m k i)) m ks)))
   "set"     (fn [ks] (let [n (into {} ks)] (map (fn [k] [k (n k)]) (into #{} (map first ks)))))})
(doseq [[how build] (sort-by key hows), [kind f] (sort-by key kinds), n [1 2 7 8 9 10 16 17 31 33 64 100 257 1000]
        :when (or (< n 300) (#{"assoc" "dissoc!"} how))]
  (let [ks (map-indexed (fn [i k] [k i]) (map f (range n)))]
    (println (str how " " kind " " n ":" (apply str (map #(str " " (second %)) (build ks)))))))
