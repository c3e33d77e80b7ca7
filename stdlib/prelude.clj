;; prelude.clj - the part of the library that is written in the language itself. Nothing here is read at start: the names
;; are indexed by their first column (every top-level form begins there, everything else is indented) and a definition is
;; evaluated when it is first named. So a form may use any other one, in any order. Lines `EXPR ;=> VALUE` at the end of a
;; docstring are tests.

(ns clojure.core)

;; ---- functions of functions ----

;; --- dynamic vars -------------------------------------------------------------------------------------------------

(def ^:dynamic *out* nil)
(def ^:dynamic *err* (breyta.io/stderr))
(def ^:dynamic *in* (breyta.io/stdin))
(def ^:dynamic *print-length* nil)
(def ^:dynamic *print-level* nil)
(def ^:dynamic *print-meta* false)
(def ^:dynamic *print-namespace-maps* false)
(def ^:dynamic *print-readably* true)
(def ^:dynamic *command-line-args* nil)
(def ^:dynamic *1 nil)
(def ^:dynamic *2 nil)
(def ^:dynamic *3 nil)
(def ^:dynamic *e nil)

(defn identity
  "Answers its argument.
  (identity 1) ;=> 1"
  [x]
  x)

(defn constantly
  "A function that answers x whatever it is called with.
  ((constantly 1) 2 3) ;=> 1"
  [x]
  (fn [& _] x))

(defn complement
  "A function that answers true where f answers nil or false, and false otherwise.
  ((complement nil?) 1) ;=> true"
  [f]
  (fn
    ([] (not (f)))
    ([a] (not (f a)))
    ([a b] (not (f a b)))
    ([a b & more] (not (apply f a b more)))))

(defn comp
  "The composition of functions: calls the last one with the arguments, each other one with the answer of the one behind it.
  ((comp str inc) 1) ;=> \"2\"
  ((comp) 5) ;=> 5"
  ([] identity)
  ([f] f)
  ([f g]
   (fn
     ([] (f (g)))
     ([a] (f (g a)))
     ([a b] (f (g a b)))
     ([a b c] (f (g a b c)))
     ([a b c & more] (f (apply g a b c more)))))
  ([f g & more] (reduce comp (comp f g) more)))

(defn partial
  "A function that calls f with the given arguments in front of its own.
  ((partial + 1 2) 3 4) ;=> 10"
  ([f] f)
  ([f a]
   (fn
     ([] (f a))
     ([x] (f a x))
     ([x y] (f a x y))
     ([x y z] (f a x y z))
     ([x y z & more] (apply f a x y z more))))
  ([f a b]
   (fn
     ([] (f a b))
     ([x] (f a b x))
     ([x y] (f a b x y))
     ([x y & more] (apply f a b x y more))))
  ([f a b & given]
   (fn [& more] (apply f a b (concat given more)))))

(defn juxt
  "A function that answers the vector of what each of the functions answers.
  ((juxt inc dec) 5) ;=> [6 4]
  ((juxt :a :b) {:a 1}) ;=> [1 nil]"
  ([f]
   (fn
     ([] [(f)])
     ([a] [(f a)])
     ([a b] [(f a b)])
     ([a b & more] [(apply f a b more)])))
  ([f g]
   (fn
     ([] [(f) (g)])
     ([a] [(f a) (g a)])
     ([a b] [(f a b) (g a b)])
     ([a b & more] [(apply f a b more) (apply g a b more)])))
  ([f g & more]
   (let [all (into [f g] more)]
     (fn
       ([] (mapv (fn [h] (h)) all))
       ([a] (mapv (fn [h] (h a)) all))
       ([a & args] (mapv (fn [h] (apply h a args)) all))))))

(defn fnil
  "f with defaults: a nil among its first one to three arguments is replaced.
  ((fnil inc 0) nil) ;=> 1
  ((fnil + 1 2) nil nil) ;=> 3"
  ([f da]
   (fn
     ([a] (f (if (nil? a) da a)))
     ([a b] (f (if (nil? a) da a) b))
     ([a b & more] (apply f (if (nil? a) da a) b more))))
  ([f da db]
   (fn
     ([a b] (f (if (nil? a) da a) (if (nil? b) db b)))
     ([a b & more] (apply f (if (nil? a) da a) (if (nil? b) db b) more))))
  ([f da db dc]
   (fn
     ([a b] (f (if (nil? a) da a) (if (nil? b) db b)))
     ([a b c] (f (if (nil? a) da a) (if (nil? b) db b) (if (nil? c) dc c)))
     ([a b c & more] (apply f (if (nil? a) da a) (if (nil? b) db b) (if (nil? c) dc c) more)))))

(defn every-pred
  "A predicate: are all the predicates true of all its arguments?
  ((every-pred pos? even?) 2 4) ;=> true
  ((every-pred pos? even?) 2 3) ;=> false"
  [p & ps]
  (let [all (cons p ps)]
    (fn
      ([] true)
      ([x] (every? (fn [q] (q x)) all))
      ([x & xs] (every? (fn [q] (and (q x) (every? q xs))) all)))))

(defn some-fn
  "A function that answers the first truthy answer of the predicates on its arguments.
  ((some-fn even? neg?) 3) ;=> false
  ((some-fn :a :b) {:b 2}) ;=> 2"
  ([p]
   (fn
     ([] nil)
     ([x] (p x))
     ([x y] (or (p x) (p y)))
     ([x y z] (or (p x) (p y) (p z)))
     ([x y z & more] (or (p x) (p y) (p z) (some p more)))))
  ([p q]
   (fn
     ([] nil)
     ([x] (or (p x) (q x)))
     ([x y] (or (p x) (p y) (q x) (q y)))
     ([x y z] (or (p x) (p y) (p z) (q x) (q y) (q z)))
     ([x y z & more] (or (p x) (p y) (p z) (q x) (q y) (q z) (some (fn [v] (or (p v) (q v))) more)))))
  ([p q r]
   (fn
     ([] nil)
     ([x] (or (p x) (q x) (r x)))
     ([x y] (or (p x) (p y) (q x) (q y) (r x) (r y)))
     ([x y & more] (some (fn [t] (or (t x) (t y) (some t more))) [p q r]))))
  ([p q r & ps]
   (let [all (list* p q r ps)]
     (fn [& xs] (some (fn [t] (some t xs)) all)))))

(defn memoize
  "f with a memory: called again with equal arguments it answers what it answered before.
  (let [n (atom 0) f (memoize (fn [x] (swap! n inc) x))] (f 1) (f 1) @n) ;=> 1"
  [f]
  (let [known (atom {})]
    (fn [& args]
      (if-let [hit (find @known args)]
        (val hit)
        (let [answer (apply f args)]
          (swap! known assoc args answer)
          answer)))))

(defn trampoline
  "Calls f, and what it answers as long as that is a function: mutual recursion without growing the stack.
  (trampoline (fn f [n] (if (pos? n) #(f (dec n)) :done)) 3) ;=> :done"
  ([f]
   (let [answer (f)]
     (if (fn? answer) (recur answer) answer)))
  ([f & args] (trampoline (fn [] (apply f args)))))

(defn comparator
  "A three-way comparator from a predicate that tells whether its first argument comes first.
  ((comparator <) 1 2) ;=> -1"
  [before?]
  (fn [a b]
    (cond
      (before? a b) -1
      (before? b a) 1
      :else 0)))

(defn completing
  "f as a reducing function with a completing step: its one-argument arity is cf (identity).
  (transduce (map inc) (completing + str) 0 [1 2]) ;=> \"5\""
  ([f] (completing f identity))
  ([f cf]
   (fn
     ([] (f))
     ([acc] (cf acc))
     ([acc x] (f acc x)))))

(defn vary-meta
  "x with the metadata (f (meta x) args...).
  (meta (vary-meta [] assoc :a 1)) ;=> {:a 1}"
  [x f & args]
  (with-meta x (apply f (meta x) args)))

;; ---- maps ----

(defn merge-with
  "The maps merged; where a key is in several, its values are combined by f from the left.
  (merge-with + {:a 1} {:a 2 :b 3}) ;=> {:a 3 :b 3}
  (merge-with +) ;=> nil"
  [f & maps]
  (when (some identity maps)
    (reduce (fn [acc m]
              (reduce (fn [acc entry]
                        (let [k (key entry)
                              old (find acc k)]
                          (assoc acc k (if old (f (val old) (val entry)) (val entry)))))
                      (or acc {})
                      m))
            maps)))

(defn update-vals
  "m with every value v replaced by (f v).
  (update-vals {:a 1 :b 2} inc) ;=> {:a 2 :b 3}"
  [m f]
  (let [start (if (or (vector? m) (and (map? m) (not (sorted? m)))) m {})]
    (with-meta (persistent! (reduce-kv (fn [acc k v] (assoc! acc k (f v))) (transient start) m))
      (meta m))))

(defn update-keys
  "m with every key k replaced by (f k).
  (update-keys {:a 1} name) ;=> {\"a\" 1}"
  [m f]
  (with-meta (persistent! (reduce-kv (fn [acc k v] (assoc! acc (f k) v)) (transient {}) m))
    (meta m)))

(defn max-key
  "The argument for which (f x) is greatest; the last one of several.
  (max-key count \"a\" \"ccc\" \"bb\") ;=> \"ccc\""
  ([f x] x)
  ([f x y] (if (> (f x) (f y)) x y))
  ([f x y & more]
   (let [fx (f x)
         fy (f y)
         right (not (> fx fy))]
     (loop [best (if right y x), top (if right fy fx), left more]
       (if-let [[z & others] (seq left)]
         (let [fz (f z)]
           (if (>= fz top) (recur z fz others) (recur best top others)))
         best)))))

(defn min-key
  "The argument for which (f x) is least; the last one of several.
  (min-key count \"aa\" \"c\" \"bb\") ;=> \"c\""
  ([f x] x)
  ([f x y] (if (< (f x) (f y)) x y))
  ([f x y & more]
   (let [fx (f x)
         fy (f y)
         right (not (< fx fy))]
     (loop [best (if right y x), low (if right fy fx), left more]
       (if-let [[z & others] (seq left)]
         (let [fz (f z)]
           (if (<= fz low) (recur z fz others) (recur best low others)))
         best)))))

(defn subseq
  "The part of a sorted collection whose keys pass (test key), or lie between two such bounds, in ascending order.
  (subseq (sorted-set 1 2 3 4) > 2) ;=> (3 4)
  (subseq (sorted-set 1 2 3 4) >= 2 < 4) ;=> (2 3)"
  ([sc test k]
   (breyta.sorted/from sc k true) ; the error of what is not sorted
   (let [in? (breyta.sorted/bound sc test k)]
     (if (or (= test >) (= test >=))
       (when-let [s (breyta.sorted/from sc k true)]
         (if (in? (first s)) s (next s)))
       (take-while in? sc))))
  ([sc start-test start-k end-test end-k]
   (when-let [s (breyta.sorted/from sc start-k true)]
     (take-while (breyta.sorted/bound sc end-test end-k)
                 (if ((breyta.sorted/bound sc start-test start-k) (first s)) s (next s))))))

(defn rsubseq
  "As subseq, in descending order.
  (rsubseq (sorted-set 1 2 3 4) < 3) ;=> (2 1)"
  ([sc test k]
   (breyta.sorted/from sc k false) ; the error of what is not sorted
   (let [in? (breyta.sorted/bound sc test k)]
     (if (or (= test <) (= test <=))
       (when-let [s (breyta.sorted/from sc k false)]
         (if (in? (first s)) s (next s)))
       (take-while in? (rseq sc)))))
  ([sc start-test start-k end-test end-k]
   (when-let [s (breyta.sorted/from sc end-k false)]
     (take-while (breyta.sorted/bound sc start-test start-k)
                 (if ((breyta.sorted/bound sc end-test end-k) (first s)) s (next s))))))

;; ---- seqs ----

(defn tree-seq
  "The nodes of a tree, each before its children, lazily. (branch? node): may it have children? (children node): which.
  (tree-seq vector? seq [1 [2]]) ;=> ([1 [2]] 1 [2] 2)"
  [branch? children root]
  (lazy-seq
    (cons root
          (when (branch? root)
            (mapcat (fn [child] (tree-seq branch? children child)) (children root))))))

(defn flatten
  "The elements of nested sequential collections as one lazy seq; () for anything else.
  (flatten [1 [2 (list 3)]]) ;=> (1 2 3)
  (flatten {:a [1]}) ;=> ()"
  [x]
  (lazy-seq
    (when (sequential? x)
      (mapcat (fn [e] (if (sequential? e) (flatten e) (list e))) x))))

(defn partition-by
  "The lazy seq of runs of elements for which (f x) stays the same. Without coll a transducer that gives vectors.
  (partition-by odd? [1 1 2 3]) ;=> ((1 1) (2) (3))
  (into [] (partition-by odd?) [1 1 2]) ;=> [[1 1] [2]]"
  ([f] (breyta.xf/partition-by f))
  ([f coll]
   (lazy-seq
     (when-let [s (seq coll)]
       (let [x (first s)
             v (f x)
             run (cons x (take-while (fn [y] (= v (f y))) (rest s)))]
         (cons run (partition-by f (lazy-seq (drop (count run) s)))))))))

(defn dedupe
  "The lazy seq of the elements without repetitions that follow one another. Without coll a transducer.
  (dedupe [1 1 2 1]) ;=> (1 2 1)"
  ([] (breyta.xf/dedupe))
  ([coll] (sequence (breyta.xf/dedupe) coll)))

(defn split-at
  "[(take n coll) (drop n coll)]
  (split-at 1 [1 2 3]) ;=> [(1) (2 3)]"
  [n coll]
  [(take n coll) (drop n coll)])

(defn split-with
  "[(take-while pred coll) (drop-while pred coll)]
  (split-with pos? [1 -1 2]) ;=> [(1) (-1 2)]"
  [pred coll]
  [(take-while pred coll) (drop-while pred coll)])

(defn take-last
  "A seq of the last n elements, nil if there are none.
  (take-last 2 [1 2 3]) ;=> (2 3)
  (take-last 2 []) ;=> nil"
  [n coll]
  (loop [s (seq coll), ahead (seq (drop n coll))]
    (if ahead (recur (next s) (next ahead)) s)))

(defn drop-last
  "The lazy seq of all but the last n (1) elements.
  (drop-last [1 2 3]) ;=> (1 2)
  (drop-last 2 [1 2 3]) ;=> (1)"
  ([coll] (drop-last 1 coll))
  ([n coll] (map (fn [x _] x) coll (drop n coll))))

(defn butlast
  "A seq of all elements but the last, nil if that leaves none.
  (butlast [1 2 3]) ;=> (1 2)
  (butlast [1]) ;=> nil"
  [coll]
  (loop [kept [], s (seq coll)]
    (if-let [more (next s)]
      (recur (conj kept (first s)) more)
      (seq kept))))

(defn take-nth
  "The lazy seq of every n-th element, the first included. Without coll a transducer.
  (take-nth 2 (range 7)) ;=> (0 2 4 6)"
  ([n] (breyta.xf/take-nth n))
  ([n coll]
   (lazy-seq
     (when-let [s (seq coll)]
       (cons (first s) (take-nth n (drop n s)))))))

(defn nthrest
  "coll without its first n elements: rest, n times.
  (nthrest [1 2 3] 2) ;=> (3)
  (nthrest [1] 0) ;=> [1]"
  [coll n]
  (loop [left n, s coll]
    (if (and (pos? left) (seq s))
      (recur (dec left) (rest s))
      s)))

(defn nthnext
  "A seq of coll without its first n elements, nil when that leaves none: next, n times.
  (nthnext [1 2 3] 2) ;=> (3)
  (nthnext [1] 1) ;=> nil"
  [coll n]
  (loop [left n, s (seq coll)]
    (if (and s (pos? left))
      (recur (dec left) (next s))
      s)))

(defn reductions
  "The lazy seq of the results that reduce goes through.
  (reductions + [1 2 3]) ;=> (1 3 6)
  (reductions + 10 [1 2]) ;=> (10 11 13)"
  ([f coll]
   (lazy-seq
     (if-let [s (seq coll)]
       (reductions f (first s) (rest s))
       (list (f)))))
  ([f init coll]
   (if (reduced? init)
     (list @init)
     (cons init
           (lazy-seq
             (when-let [s (seq coll)]
               (reductions f (f init (first s)) (rest s))))))))

(defn replace
  "coll with every element that is a key of smap replaced by its value. Without coll a transducer.
  (replace {1 :a} [1 2 1]) ;=> [:a 2 :a]
  (replace [:a :b] (list 1 0)) ;=> (:b :a)"
  ([smap] (map (fn [x] (if-let [hit (find smap x)] (val hit) x))))
  ([smap coll]
   (if (vector? coll)
     (into (with-meta [] (meta coll)) (replace smap) coll)
     (map (fn [x] (if-let [hit (find smap x)] (val hit) x)) coll))))

(defn bounded-count
  "The count of coll when that is known at once, else its elements counted up to n.
  (bounded-count 2 (map inc [1 2 3])) ;=> 2"
  [n coll]
  (if (counted? coll)
    (count coll)
    (loop [k 0, s (seq coll)]
      (if (and s (< k n))
        (recur (inc k) (next s))
        k))))

(defn rand-nth
  "An element of coll, each with the same probability.
  (rand-nth [7]) ;=> 7"
  [coll]
  (nth coll (rand-int (count coll))))

(defn shuffle
  "A vector of the elements of coll in random order.
  (sort (shuffle [1 2 3])) ;=> (1 2 3)"
  [coll]
  (when (nil? coll)
    (throw (new NullPointerException "Cannot invoke \"java.util.Collection.toArray()\" because \"c\" is null")))
  (loop [v (vec coll), i (dec (count v))]
    (if (pos? i)
      (let [j (rand-int (inc i))]
        (recur (assoc v i (nth v j) j (nth v i)) (dec i)))
      v)))

(defn random-sample
  "The lazy seq of the elements, each taken with probability p. Without coll a transducer.
  (random-sample 1.0 [1 2]) ;=> (1 2)"
  ([p] (filter (fn [_] (< (rand) p))))
  ([p coll] (filter (fn [_] (< (rand) p)) coll)))

(defn iteration
  "The lazy seq of pages: (step k) gives a page, k from initk on; (somef page): is it one, (vf page): its value, (kf page): the
  next k, nil at the end.
  (vec (iteration {nil {:v 1 :k :b} :b {:v 2}} :vf :v :kf :k)) ;=> [1 2]"
  [step & {:keys [somef vf kf initk] :or {somef some? vf identity kf identity}}]
  (let [from (fn from [page]
               (when (somef page)
                 (cons (vf page)
                       (when-some [k (kf page)]
                         (lazy-seq (from (step k)))))))]
    (lazy-seq (from (step initk)))))

(defn sequence
  "A seq of coll, () when it is empty; with a transducer the lazy seq of what it makes of the elements of the collections.
  (sequence nil) ;=> ()
  (sequence (map inc) [1 2]) ;=> (2 3)
  (sequence (map +) [1 2] [10 20]) ;=> (11 22)"
  ([coll] (if (seq? coll) coll (or (seq coll) ())))
  ([xform coll]
   (let [made (breyta.xf/run xform (fn [rf s] (rf nil (first s))) (seq coll))]
     (if (seq made) made ())))
  ([xform coll & colls]
   (let [made (breyta.xf/run xform (fn [rf s] (apply rf nil (first s))) (apply map vector coll colls))]
     (if (seq made) made ()))))

(defn eduction
  "A seq of what the transducers, one after the other, make of coll.
  (reduce + (eduction (map inc) (filter even?) [1 2 3])) ;=> 6"
  [& xforms]
  (sequence (apply comp (butlast xforms)) (last xforms)))

(defn cat
  "A transducer: the elements of the elements.
  (into [] cat [[1] [2 3]]) ;=> [1 2 3]"
  [rf]
  (let [keep-reduced (fn [acc x]
                       (let [v (rf acc x)]
                         (if (reduced? v) (reduced v) v)))]
    (fn
      ([] (rf))
      ([acc] (rf acc))
      ([acc coll] (reduce keep-reduced acc coll)))))

(defn halt-when
  "A transducer that ends everything at the first x with (pred x); the whole result is then x, or (retf result-so-far x).
  (transduce (halt-when neg?) conj [] [1 -2 3]) ;=> -2"
  ([pred] (halt-when pred nil))
  ([pred retf]
   (fn [rf]
     (fn
       ([] (rf))
       ([acc] (if (and (map? acc) (contains? acc :breyta.xf/halt)) (:breyta.xf/halt acc) (rf acc)))
       ([acc x]
        (if (pred x)
          (reduced {:breyta.xf/halt (if retf (retf (rf acc) x) x)})
          (rf acc x)))))))

(ns breyta.sorted)

(defn bound
  "Does an element of the sorted collection sc pass (test its-key k) in the order of sc?"
  [sc test k]
  (if (map? sc)
    (fn [entry] (test (breyta.sorted/compare sc (key entry) k) 0))
    (fn [x] (test (breyta.sorted/compare sc x k) 0))))

;; ---- transducers: what map, filter ... answer when they are given no collection ----

(ns breyta.xf)

(defn map
  "(map f)"
  [f]
  (fn [rf]
    (fn
      ([] (rf))
      ([acc] (rf acc))
      ([acc x] (rf acc (f x)))
      ([acc x & more] (rf acc (apply f x more))))))

(defn filter
  "(filter pred)"
  [pred]
  (fn [rf]
    (fn
      ([] (rf))
      ([acc] (rf acc))
      ([acc x] (if (pred x) (rf acc x) acc)))))

(defn remove
  "(remove pred)"
  [pred]
  (fn [rf]
    (fn
      ([] (rf))
      ([acc] (rf acc))
      ([acc x] (if (pred x) acc (rf acc x))))))

(defn keep
  "(keep f)"
  [f]
  (fn [rf]
    (fn
      ([] (rf))
      ([acc] (rf acc))
      ([acc x]
       (let [v (f x)]
         (if (nil? v) acc (rf acc v)))))))

(defn map-indexed
  "(map-indexed f)"
  [f]
  (fn [rf]
    (let [i (volatile! -1)]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x] (rf acc (f (vswap! i inc) x)))))))

(defn keep-indexed
  "(keep-indexed f)"
  [f]
  (fn [rf]
    (let [i (volatile! -1)]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x]
         (let [v (f (vswap! i inc) x)]
           (if (nil? v) acc (rf acc v))))))))

(defn mapcat
  "(mapcat f)"
  [f]
  (comp (breyta.xf/map f) cat))

(defn take
  "(take n)"
  [n]
  (fn [rf]
    (let [left (volatile! n)]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x]
         (let [had @left
               still (vswap! left dec)
               acc (if (pos? had) (rf acc x) acc)]
           (if (or (pos? still) (reduced? acc)) acc (reduced acc))))))))

(defn drop
  "(drop n)"
  [n]
  (fn [rf]
    (let [left (volatile! n)]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x]
         (if (pos? @left)
           (do (vswap! left dec) acc)
           (rf acc x)))))))

(defn take-while
  "(take-while pred)"
  [pred]
  (fn [rf]
    (fn
      ([] (rf))
      ([acc] (rf acc))
      ([acc x] (if (pred x) (rf acc x) (reduced acc))))))

(defn drop-while
  "(drop-while pred)"
  [pred]
  (fn [rf]
    (let [dropping (volatile! true)]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x]
         (if (and @dropping (pred x))
           acc
           (do (vreset! dropping false)
               (rf acc x))))))))

(defn take-nth
  "(take-nth n)"
  [n]
  (fn [rf]
    (let [i (volatile! -1)]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x] (if (zero? (rem (vswap! i inc) n)) (rf acc x) acc))))))

(defn interpose
  "(interpose sep)"
  [sep]
  (fn [rf]
    (let [begun (volatile! false)]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x]
         (if @begun
           (let [acc (rf acc sep)]
             (if (reduced? acc) acc (rf acc x)))
           (do (vreset! begun true)
               (rf acc x))))))))

(defn dedupe
  "(dedupe)"
  []
  (fn [rf]
    (let [before (volatile! :breyta.xf/none)]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x]
         (let [old @before]
           (vreset! before x)
           (if (= old x) acc (rf acc x))))))))

(defn distinct
  "(distinct)"
  []
  (fn [rf]
    (let [seen (volatile! #{})]
      (fn
        ([] (rf))
        ([acc] (rf acc))
        ([acc x]
         (if (contains? @seen x)
           acc
           (do (vswap! seen conj x)
               (rf acc x))))))))

(defn partition-all
  "(partition-all n)"
  [n]
  (long n) ; the error of what is no number
  (fn [rf]
    (let [part (volatile! [])]
      (fn
        ([] (rf))
        ([acc]
         (let [left @part]
           (vreset! part [])
           (rf (if (seq left) (unreduced (rf acc left)) acc))))
        ([acc x]
         (let [now (vswap! part conj x)]
           (if (= n (count now))
             (do (vreset! part [])
                 (rf acc now))
             acc)))))))

(defn partition-by
  "(partition-by f)"
  [f]
  (fn [rf]
    (let [part (volatile! [])
          kind (volatile! :breyta.xf/none)]
      (fn
        ([] (rf))
        ([acc]
         (let [left @part]
           (vreset! part [])
           (rf (if (seq left) (unreduced (rf acc left)) acc))))
        ([acc x]
         (let [old @kind
               new (f x)]
           (vreset! kind new)
           (if (or (identical? old :breyta.xf/none) (= old new))
             (do (vswap! part conj x)
                 acc)
             (let [done @part
                   acc (rf acc done)]
               (vreset! part (if (reduced? acc) [] [x]))
               acc))))))))

(defn run
  "The lazy seq of what a transducer makes of coll: (feed rf s) gives it the first element of s."
  [xform feed coll]
  (let [out (volatile! [])
        rf (xform (fn
                    ([] nil)
                    ([_] nil)
                    ([_ x] (vswap! out conj x) nil)))
        flush (fn []
                (let [made @out]
                  (vreset! out [])
                  made))
        from (fn from [coll]
               (lazy-seq
                 (loop [s (seq coll)]
                   (if (and s (not (reduced? (feed rf s))))
                     (if (seq @out)
                       (concat (flush) (from (rest s)))
                       (recur (next s)))
                     (do (rf nil)
                         (seq (flush)))))))]
    (from coll)))

;; ---- clojure.walk ----

(ns clojure.walk)

(defn walk
  "form with inner applied to each element, put together again as the same kind of collection, then outer applied to that.
  (clojure.walk/walk inc vec (list 1 2)) ;=> [2 3]"
  [inner outer form]
  (cond
    (list? form) (outer (with-meta (apply list (map inner form)) (meta form)))
    (map-entry? form) (outer (breyta.walk/entry (inner (key form)) (inner (val form))))
    (seq? form) (outer (with-meta (doall (map inner form)) (meta form)))
    (record? form) (outer (reduce (fn [r x] (conj r (inner x))) form form))
    (coll? form) (outer (into (empty form) (map inner) form))
    :else (outer form)))

(defn postwalk
  "form with f applied to every part, the innermost first.
  (clojure.walk/postwalk (fn [x] (if (number? x) (inc x) x)) {:a [1 2]}) ;=> {:a [2 3]}"
  [f form]
  (walk (fn [x] (postwalk f x)) f form))

(defn prewalk
  "form with f applied to every part, the outermost first.
  (clojure.walk/prewalk (fn [x] (if (number? x) (inc x) x)) [1 [2]]) ;=> [2 [3]]"
  [f form]
  (walk (fn [x] (prewalk f x)) identity (f form)))

(defn postwalk-replace
  "form with every part that is a key of smap replaced by its value, the innermost first.
  (clojure.walk/postwalk-replace {:a :b} [:a [:a]]) ;=> [:b [:b]]"
  [smap form]
  (postwalk (fn [x] (if (contains? smap x) (smap x) x)) form))

(defn prewalk-replace
  "form with every part that is a key of smap replaced by its value, the outermost first.
  (clojure.walk/prewalk-replace {:a [:b], :b 1} [:a]) ;=> [[1]]"
  [smap form]
  (prewalk (fn [x] (if (contains? smap x) (smap x) x)) form))

(defn keywordize-keys
  "m with the string keys of all maps in it made keywords.
  (clojure.walk/keywordize-keys {\"a\" [{\"b\" 1}]}) ;=> {:a [{:b 1}]}"
  [m]
  (postwalk (fn [x]
              (if (map? x)
                (into {} (map (fn [[k v]] [(if (string? k) (keyword k) k) v])) x)
                x))
            m))

(defn stringify-keys
  "m with the keyword keys of all maps in it made strings.
  (clojure.walk/stringify-keys {:a {:b 1}}) ;=> {\"a\" {\"b\" 1}}"
  [m]
  (postwalk (fn [x]
              (if (map? x)
                (into {} (map (fn [[k v]] [(if (keyword? k) (name k) k) v])) x)
                x))
            m))

(defn macroexpand-all
  "form with all macro calls in it expanded."
  [form]
  (prewalk (fn [x] (if (seq? x) (macroexpand x) x)) form))

;; ---- clojure.set ----

(ns clojure.set)

(defn biggest-first
  "The sets with the one for which (size s) is greatest (the last of several) in front."
  [size sets]
  (let [most (apply max-key size sets)]
    (cons most (remove (fn [s] (identical? most s)) sets))))

(defn union
  "The set of the elements of all sets.
  (clojure.set/union #{1} #{2}) ;=> #{1 2}"
  ([] #{})
  ([a] a)
  ([a b] (if (< (count a) (count b)) (reduce conj b a) (reduce conj a b)))
  ([a b & more]
   (let [[most & others] (biggest-first count (list* a b more))]
     (reduce into most others))))

(defn intersection
  "The set of the elements that are in every set.
  (clojure.set/intersection #{1 2} #{2 3}) ;=> #{2}"
  ([a] a)
  ([a b]
   (if (< (count b) (count a))
     (recur b a)
     (reduce (fn [acc x] (if (contains? b x) acc (disj acc x))) a a)))
  ([a b & more]
   (let [[least & others] (biggest-first (fn [s] (- (count s))) (list* a b more))]
     (reduce intersection least others))))

(defn difference
  "The set of the elements of a that are in none of the others.
  (clojure.set/difference #{1 2 3} #{2}) ;=> #{1 3}"
  ([a] a)
  ([a b]
   (if (< (count a) (count b))
     (reduce (fn [acc x] (if (contains? b x) (disj acc x) acc)) a a)
     (reduce disj a b)))
  ([a b & more] (reduce difference (difference a b) more)))

(defn subset?
  "Is every element of a in b?
  (clojure.set/subset? #{1} #{1 2}) ;=> true"
  [a b]
  (and (<= (count a) (count b))
       (every? (fn [x] (contains? b x)) a)))

(defn superset?
  "Is every element of b in a?
  (clojure.set/superset? #{1 2} #{1}) ;=> true"
  [a b]
  (and (>= (count a) (count b))
       (every? (fn [x] (contains? a x)) b)))

(defn select
  "The set of the elements of xset for which (pred x) is truthy.
  (clojure.set/select odd? #{1 2 3}) ;=> #{1 3}"
  [pred xset]
  (reduce (fn [acc x] (if (pred x) acc (disj acc x))) xset xset))

(defn project
  "The set of maps of a relation with the keys ks only.
  (clojure.set/project #{{:a 1 :b 2}} [:a]) ;=> #{{:a 1}}"
  [xrel ks]
  (with-meta (into #{} (map (fn [m] (select-keys m ks))) xrel) (meta xrel)))

(defn rename-keys
  "m with keys renamed as the map kmap says.
  (clojure.set/rename-keys {:a 1 :b 2} {:a :z}) ;=> {:b 2 :z 1}"
  [m kmap]
  (reduce (fn [acc [old new]]
            (if (contains? m old) (assoc acc new (get m old)) acc))
          (apply dissoc m (keys kmap))
          kmap))

(defn rename
  "The relation with the keys of its maps renamed.
  (clojure.set/rename #{{:a 1}} {:a :b}) ;=> #{{:b 1}}"
  [xrel kmap]
  (with-meta (into #{} (map (fn [m] (rename-keys m kmap))) xrel) (meta xrel)))

(defn index
  "A map from the different values of the keys ks (as maps) to the sets of maps in the relation that have them.
  (clojure.set/index #{{:a 1 :b 2}} [:a]) ;=> {{:a 1} #{{:a 1 :b 2}}}"
  [xrel ks]
  (reduce (fn [acc m] (update acc (select-keys m ks) (fnil conj #{}) m)) {} xrel))

(defn map-invert
  "The map from the values of m to its keys.
  (clojure.set/map-invert {:a 1}) ;=> {1 :a}"
  [m]
  (persistent! (reduce-kv (fn [acc k v] (assoc! acc v k)) (transient {}) m)))

(defn join
  "The natural join of two relations, or the join by a map of keys of the first to keys of the second.
  (clojure.set/join #{{:a 1 :b 2}} #{{:a 1 :c 3}}) ;=> #{{:a 1 :b 2 :c 3}}
  (clojure.set/join #{{:a 1}} #{{:x 1 :c 3}} {:a :x}) ;=> #{{:a 1 :x 1 :c 3}}"
  ([xrel yrel]
   (if (and (seq xrel) (seq yrel))
     (let [ks (intersection (set (keys (first xrel))) (set (keys (first yrel))))]
       (join xrel yrel (zipmap ks ks)))
     #{}))
  ([xrel yrel kmap]
   (let [x-small (<= (count xrel) (count yrel))
         small (if x-small xrel yrel)
         large (if x-small yrel xrel)
         kmap (if x-small (map-invert kmap) kmap)
         known (index small (vals kmap))]
     (reduce (fn [acc m]
               (reduce (fn [acc other] (conj acc (merge other m)))
                       acc
                       (get known (rename-keys (select-keys m (keys kmap)) kmap))))
             #{}
             large))))

;; ---- clojure.string ----

(ns clojure.string)

(defn escape
  "s with each character c for which (cmap c) answers something replaced by that.
  (clojure.string/escape \"<a>\" {\\< \"&lt;\"}) ;=> \"&lt;a>\""
  [s cmap]
  (triml s) ; only strings: the error of anything else
  (apply str (map (fn [c] (or (cmap c) c)) s)))

;; ---- clojure.pprint: the layout itself is reader/pprint.c ----

(ns clojure.pprint)

(def ^:dynamic *print-right-margin* 72)
(def ^:dynamic *print-miser-width* 40)
(def ^:dynamic *print-pretty* true)

(defmacro pp
  "Pretty prints the value of *1, the last one that the REPL printed."
  []
  (list 'clojure.pprint/pprint 'clojure.core/*1))

(defn write
  "Prints x subject to the options :stream (true is *out*, nil answers a string), :pretty, :right-margin, :length, :level, :readably.
  (clojure.pprint/write [1 2] :stream nil) ;=> \"[1 2]\""
  [x & {:keys [stream pretty right-margin length level readably]
        :or {stream true pretty *print-pretty* right-margin *print-right-margin* length *print-length*
             level *print-level* readably *print-readably*}}]
  (binding [*print-length* length *print-level* level *print-readably* readably]
    (let [text (if pretty (pprint-str* x right-margin) (pr-str x))]
      (cond
        (nil? stream) text
        (true? stream) (print text)
        :else (binding [*out* stream] (print text))))))

(defn print-table
  "Prints a collection of maps as a table: a column for each of the keys ks (those of the first map), a line for each map.
  (with-out-str (clojure.pprint/print-table [:a] [{:a 1}])) ;=> \"\\n| :a |\\n|----|\\n|  1 |\\n\""
  ([rows] (print-table (keys (first rows)) rows))
  ([ks rows]
   (when (seq rows)
     (let [widths (mapv (fn [k] (apply max (count (str k)) (map (fn [r] (count (str (get r k)))) rows))) ks)
           pad (fn [s n] (str (apply str (repeat (- n (count s)) " ")) s))
           line (fn [cells] (str "| " (apply str (interpose " | " (map pad cells widths))) " |"))]
       (println)
       (println (line (map str ks)))
       (println (str "|-" (apply str (interpose "-+-" (map (fn [n] (apply str (repeat n "-"))) widths))) "-|"))
       (doseq [r rows] (println (line (map (fn [k] (str (get r k))) ks))))))))

;; ---- clojure.repl: help for people; user has these names in a REPL ----

(ns breyta.repl)

(defn wrap
  "The text with its long lines broken at blanks, each line indented by two; examples (lines that begin with a blank) stay whole.
  (breyta.repl/wrap \"aaa bbb\" 6) ;=> \"  aaa\\n  bbb\""
  [text width]
  (let [fill (fn [line]
               (reduce (fn [lines word]
                         (if (> (+ (count (peek lines)) 1 (count word)) width)
                           (conj lines (str "  " word))
                           (conj (pop lines) (str (peek lines) " " word))))
                       [(str "  " (first line))]
                       (rest line)))]
    (clojure.string/join
     "\n"
     (mapcat (fn [line]
               (if (or (clojure.string/starts-with? line " ") (= line ""))
                 [line]
                 (fill (clojure.string/split line #" +"))))
             (clojure.string/split-lines text)))))

(defn print-doc
  "Prints what breyta.repl/info says about a name, in the form that clojure.repl/doc has."
  [info]
  (println "-------------------------")
  (println (if (:ns info) (str (:ns info) "/" (:name info)) (str (:name info))))
  (cond
    (:forms info) (println (:forms info))
    (:arglists info) (prn (:arglists info)))
  (case (:type info)
    :macro (println "Macro")
    :special-form (println "Special Form")
    :namespace (println "Namespace")
    :class (println "Class")
    nil)
  (when (:doc info) (println (wrap (:doc info) 90))))

(ns clojure.repl)

(defn doc*
  "What doc does with the symbol."
  [sym]
  (if-let [info (breyta.repl/info sym)]
    (breyta.repl/print-doc info)
    (println (str "Nothing is named " sym "; (apropos \"" (name sym) "\") lists similar names"))))

(defmacro doc
  "Prints the documentation of a var, macro, special form or namespace of that name."
  [name]
  (list 'clojure.repl/doc* (list 'quote name)))

(defn source-fn
  "The text of the definition that the symbol names; nil when it is not known.
  (string? (clojure.repl/source-fn 'clojure.core/comp)) ;=> true"
  [sym]
  (:source (breyta.repl/info sym)))

(defn source*
  "What source does with the symbol."
  [sym]
  (let [info (breyta.repl/info sym)]
    (println
     (cond
       (:source info) (:source info)
       (nil? info) (str "Nothing is named " sym)
       (= :special-form (:type info)) (str sym " is a special form: (doc " sym ")")
       (= 'clojure.core (:ns info)) (str sym " is part of the program, written in C: (doc " sym ")")
       :else (str "Source not found: " sym " was not defined by text that this session read")))))

(defmacro source
  "Prints the source text of a definition that this session evaluated, or that the library has in Clojure."
  [name]
  (list 'clojure.repl/source* (list 'quote name)))

(defn apropos
  "The sorted symbols of all names that contain the string, or in which the regex finds something.
  (clojure.repl/apropos \"parse-bool\") ;=> (clojure.core/parse-boolean)"
  [str-or-pattern]
  (let [hit? (if (string? str-or-pattern)
               (fn [s] (clojure.string/includes? s (str str-or-pattern)))
               (fn [s] (re-find (re-pattern str-or-pattern) s)))]
    (sort (distinct (filter (fn [s] (and (namespace s) (hit? (name s)))) (breyta.repl/names))))))

(defn dir-fn
  "The sorted symbols of what a namespace offers.
  (first (clojure.repl/dir-fn 'clojure.walk)) ;=> keywordize-keys"
  [ns]
  (let [text (str (breyta.repl/ns-of ns))]
    (sort (distinct (map (fn [s] (symbol (name s))) (filter (fn [s] (= text (namespace s))) (breyta.repl/names)))))))

(defn dir*
  "What dir does with the symbol."
  [ns]
  (doseq [s (dir-fn ns)] (println s)))

(defmacro dir
  "Prints the names of a namespace (or of an alias), sorted."
  [nsname]
  (list 'clojure.repl/dir* (list 'quote nsname)))

(defn find-doc
  "Prints the documentation of everything whose name or documentation the regex (or the text of one) finds."
  [re-string-or-pattern]
  (let [re (re-pattern re-string-or-pattern)]
    (doseq [sym (sort-by str (distinct (breyta.repl/names)))]
      (let [info (breyta.repl/info sym)]
        (when (and (:doc info) (or (re-find re (:doc info)) (re-find re (str sym))))
          (breyta.repl/print-doc info))))))

(defn root-cause
  "The innermost cause of an exception.
  (ex-message (clojure.repl/root-cause (ex-info \"a\" {} (ex-info \"b\" {})))) ;=> \"b\""
  [ex]
  (if-let [cause (ex-cause ex)] (recur cause) ex))

(defn pst
  "Prints the last exception (*e) or the given one with its causes and at most depth (12) lines of trace each."
  ([] (pst 12))
  ([ex-or-depth]
   (if (number? ex-or-depth)
     (if *e (pst *e ex-or-depth) (binding [*out* *err*] (println "There was no exception yet")))
     (pst ex-or-depth 12)))
  ([ex depth]
   (binding [*out* *err*]
     (loop [ex ex caused ""]
       (println (str caused (pr-str (class ex)) ": " (ex-message ex) (when-let [d (ex-data ex)] (str " " (pr-str d)))))
       (doseq [line (take depth (clojure.string/split-lines (or (breyta.repl/trace ex) "")))]
         (when (seq line) (println line)))
       (when-let [cause (ex-cause ex)]
         (recur cause "Caused by: "))))))
