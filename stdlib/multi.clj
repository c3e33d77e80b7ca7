;; multi.clj - multimethods and hierarchies: their macros, and how a method is chosen when eval/dispatch.c has none remembered.
;; The rules of prelude.clj hold.

(ns clojure.core)

(defmacro defmulti
  "Defines a function whose methods are chosen by the value of (dispatch-fn args...): (defmulti name docstring? attr-map? dispatch-fn
  & options). Options: :default (the dispatch value of the method for all others), :hierarchy (a reference to one). Does nothing
  when name is a multimethod already.
  (do (defmulti area :shape) (defmethod area :sq [{:keys [a]}] (* a a)) (area {:shape :sq :a 3})) ;=> 9"
  [mname & options]
  (let [doc (when (string? (first options)) (first options))
        options (if doc (next options) options)
        attrs (when (map? (first options)) (first options))
        options (if attrs (next options) options)
        dispatch (first options)
        options (next options)]
    (when (= (count options) 1)
      (throw (new Exception "The syntax for defmulti has changed. Example: (defmulti name dispatch-fn :default dispatch-value)")))
    (when (odd? (count options))
      (throw (new IllegalArgumentException (str "No value supplied for key: " (last options)))))
    (let [{:keys [default hierarchy] :as given} (apply hash-map options)]
      (when (seq (dissoc given :default :hierarchy))
        (throw (new IllegalArgumentException "Only these options are valid: :default, :hierarchy")))
      `(do
         (def ~(with-meta mname (merge (meta mname) (when doc {:doc doc}) attrs)))
         (when-not (and (bound? (var ~mname)) (breyta.multi/multi? ~mname))
           (def ~mname (breyta.multi/make ~(name mname) ~dispatch ~(if (contains? given :default) default :default) ~hierarchy)))))))

(defmacro defmethod
  "Adds the method (fn fn-tail...) for a dispatch value to a multimethod."
  [multi dispatch-value & fn-tail]
  `(breyta.multi/add! ~multi ~dispatch-value
                      ~(if (symbol? (first fn-tail)) `(fn ~@fn-tail) (breyta.type/named-fn multi fn-tail))))

(defn methods
  "The map of dispatch values to methods of a multimethod."
  [multi]
  (breyta.multi/part multi :methods))

(defn get-method
  "The method that a multimethod uses for a dispatch value, nil if it has none."
  [multi dispatch-value]
  (breyta.multi/find multi dispatch-value))

(defn prefers
  "The map of the preferences that prefer-method has made."
  [multi]
  (breyta.multi/part multi :prefers))

(defn remove-method
  "Removes the method for a dispatch value."
  [multi dispatch-value]
  (breyta.multi/set-methods! multi (dissoc (methods multi) dispatch-value)))

(defn remove-all-methods
  "Removes all methods and preferences."
  [multi]
  (breyta.multi/set-prefers! (breyta.multi/set-methods! multi (hash-map)) (hash-map)))

(defn prefer-method
  "Makes a multimethod take the method of dispatch value a rather than that of b where both fit."
  [multi a b]
  (let [table (prefers multi)]
    (when (breyta.multi/preferred? (breyta.multi/hierarchy-of multi) table b a)
      (throw (new IllegalStateException (str "Preference conflict in multimethod '" (breyta.multi/part multi :name) "': " b
                                             " is already preferred to " a))))
    (breyta.multi/set-prefers! multi (assoc table a (conj (get table a #{}) b)))))

(defn make-hierarchy
  "An empty hierarchy for derive, isa? and so on."
  []
  {:parents {} :descendants {} :ancestors {}})

(defn isa?
  "Is child equal to parent, a class below it, or derived from it in hierarchy h (the one of the namespace world)? Vectors element
  by element.
  (isa? [1 2] [1 2]) ;=> true
  (isa? Long Number) ;=> true"
  ([child parent] (isa? (breyta.multi/hierarchy) child parent))
  ([h child parent]
   (or (= child parent)
       (breyta.type/isa? child parent)
       (contains? (get (:ancestors h) child #{}) parent)
       (and (class? child) (boolean (some (fn [c] (contains? (get (:ancestors h) c #{}) parent)) (supers child))))
       (and (vector? parent) (vector? child)
            (= (count parent) (count child))
            (loop [ret true i 0]
              (if (or (not ret) (= i (count parent)))
                ret
                (recur (isa? h (nth child i) (nth parent i)) (inc i))))))))

(defn parents
  "What tag has been derived from directly, or extends; nil if nothing."
  ([tag] (parents (breyta.multi/hierarchy) tag))
  ([h tag]
   (let [derived (get (:parents h) tag)]
     (not-empty (if (class? tag) (into (set (bases tag)) derived) derived)))))

(defn ancestors
  "What tag has been derived from or is a class below, directly or not; nil if nothing."
  ([tag] (ancestors (breyta.multi/hierarchy) tag))
  ([h tag]
   (let [derived (get (:ancestors h) tag)]
     (not-empty (if (class? tag)
                  (let [above (set (supers tag))]
                    (reduce into above (cons derived (map (fn [c] (get (:ancestors h) c)) above))))
                  derived)))))

(defn descendants
  "What has been derived from tag, directly or not; nil if nothing."
  ([tag] (descendants (breyta.multi/hierarchy) tag))
  ([h tag]
   (if (class? tag)
     (throw (new UnsupportedOperationException "Can't get descendants of classes"))
     (not-empty (get (:descendants h) tag)))))

(defn derive
  "Makes tag a child of parent, in the hierarchy h (answers the new one) or in the global one.
  (isa? (derive (make-hierarchy) :a :b) :a :b) ;=> true"
  ([tag parent]
   (assert (namespace parent))
   (assert (or (class? tag) (and (instance? clojure.lang.Named tag) (namespace tag))))
   (breyta.multi/set-hierarchy! (derive (breyta.multi/hierarchy) tag parent))
   nil)
  ([h tag parent]
   (assert (not= tag parent))
   (assert (or (class? tag) (instance? clojure.lang.Named tag)))
   (assert (instance? clojure.lang.Named parent))
   (cond
     (contains? (get (:parents h) tag #{}) parent) h
     (contains? (get (:ancestors h) tag #{}) parent)
     (throw (new Exception (str tag " already has " parent " as ancestor")))
     (contains? (get (:ancestors h) parent #{}) tag)
     (throw (new Exception (str "Cyclic derivation: " parent " has " tag " as ancestor")))
     :else (breyta.multi/link h tag parent))))

(defn underive
  "Undoes (derive tag parent).
  (isa? (underive (derive (make-hierarchy) :a :b) :a :b) :a :b) ;=> false"
  ([tag parent]
   (breyta.multi/set-hierarchy! (underive (breyta.multi/hierarchy) tag parent))
   nil)
  ([h tag parent]
   (if (contains? (get (:parents h) tag #{}) parent)
     (reduce (fn [acc [child p]] (breyta.multi/link acc child p))
             (make-hierarchy)
             (for [[child ps] (:parents h)
                   p ps
                   :when (not (and (= child tag) (= p parent)))]
               [child p]))
     h)))

(ns breyta.multi)

(defn link
  "h with tag below parent."
  [h tag parent]
  (let [up (conj (get (:ancestors h) parent #{}) parent)
        down (conj (get (:descendants h) tag #{}) tag)
        grow (fn [m ks more] (reduce (fn [m k] (assoc m k (into (get m k #{}) more))) m ks))]
    {:parents (update (:parents h) tag (fnil conj #{}) parent)
     :ancestors (grow (:ancestors h) down up)
     :descendants (grow (:descendants h) up down)}))

(defn hierarchy
  "The global hierarchy of this run."
  []
  (or (breyta.multi/global) (make-hierarchy)))

(defn hierarchy-of
  "The hierarchy that a multimethod goes by, as it is now."
  [multi]
  (if-let [h (part multi :hierarchy)]
    (deref h)
    (hierarchy)))

(defn preferred?
  "Has the method of a been preferred to that of b, or to one of its parents?"
  [h prefers a b]
  (or (contains? (get prefers a #{}) b)
      (boolean (some (fn [p] (preferred? h prefers a p)) (parents h b)))
      (boolean (some (fn [p] (preferred? h prefers p b)) (parents h a)))))

(defn dominates?
  "Is the method of a taken rather than that of b?"
  [h prefers a b]
  (or (preferred? h prefers a b) (isa? h a b)))

(defn best
  "The entry of the method for dispatch value v, or nil."
  [multi h v]
  (let [prefers (part multi :prefers)]
    (reduce (fn [found entry]
              (if (isa? h v (key entry))
                (let [taken (if (or (nil? found) (dominates? h prefers (key entry) (key found))) entry found)]
                  (if (dominates? h prefers (key taken) (key entry))
                    taken
                    (throw (new IllegalArgumentException
                                (str "Multiple methods in multimethod '" (part multi :name) "' match dispatch value: "
                                     (if (nil? v) "null" v) " -> " (if (nil? (key entry)) "null" (key entry)) " and " (if (nil? (key taken)) "null" (key taken))
                                     ", and neither is preferred")))))
                found))
            nil
            (part multi :methods))))

(defn find
  "The method for dispatch value v, or nil."
  [multi v]
  (if-let [entry (best multi (hierarchy-of multi) v)]
    (val entry)
    (get (part multi :methods) (part multi :default))))

(defn add!
  "Adds a method."
  [multi v f]
  (set-methods! multi (assoc (part multi :methods) v f)))
