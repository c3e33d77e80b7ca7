;; types.clj - the macros of protocols, records and types. Their classes and methods are made in types.c; calls of a protocol's
;; functions are eval/dispatch.c. The rules of prelude.clj hold.

(ns clojure.core)

(defmacro defprotocol
  "Defines a protocol: a name for functions that types implement, each chosen by its first argument.
  (defprotocol Name docstring? :extend-via-metadata? true? (method [this x] ... docstring?) ...)
  (do (defprotocol Area (area [x] \"its size\")) (defrecord Sq [a] Area (area [_] (* a a))) (area (->Sq 3))) ;=> 9"
  [pname & opts+sigs]
  (breyta.type/protocol-form pname opts+sigs))

(defmacro defrecord
  "Defines a record class with fields, ->Name and map->Name, and what it implements of protocols and interfaces.
  (defrecord Name [field ...] Protocol-or-Object (method [this x] ...) ... )
  (do (defrecord Point [x y]) (assoc (->Point 1 2) :y 5)) ;=> #user.Point{:x 1, :y 5}"
  [rname fields & specs]
  (breyta.type/check-fields rname fields)
  (doseq [field fields]
    (when (breyta.type/mutable? field)
      (throw (new IllegalArgumentException ":volatile-mutable or :unsynchronized-mutable not supported for record fields"))))
  `(do (declare ~(symbol (str "->" rname)) ~(symbol (str "map->" rname)))
       ~(breyta.type/class-form rname fields true specs)
       ~(breyta.type/factory-form rname fields)
       (defn ~(symbol (str "map->" rname))
         ~(str "Factory function for class " (breyta.type/class-name rname) ", taking a map of keywords to field values.")
         [m#]
         (breyta.type/from-map* ~rname m#))
       ~rname))

(defmacro deftype
  "Defines a class with fields and ->Name, and what it implements of protocols and interfaces. A field with ^:unsynchronized-mutable
  metadata can be changed by set! in its methods.
  (do (defprotocol Get (fetch [_])) (deftype Box [v] Get (fetch [_] v)) (fetch (->Box 5))) ;=> 5"
  [tname fields & specs]
  (breyta.type/check-fields tname fields)
  `(do (declare ~(symbol (str "->" tname)))
       ~(breyta.type/class-form tname fields false specs)
       ~(breyta.type/factory-form tname fields)
       ~tname))

(defmacro reify
  "An instance of an unnamed class with these methods, which see the locals around them.
  (do (defprotocol Get (fetch [_])) (let [x 5] (fetch (reify Get (fetch [_] x))))) ;=> 5"
  [& specs]
  (let [{:keys [ifaces methods]} (breyta.type/parse-specs specs)
        cname (symbol (str (namespace (breyta.type/method-name 'x)) "$" (gensym "reify__")))
        instance `(breyta.type/reify* '~cname [~@ifaces] '[~@(map first methods)]
                                      ~@(map (fn [[mname arities]] (breyta.type/method-fn mname nil arities)) methods))
        m (not-empty (dissoc (meta &form) :line :column :file))]
    (if m `(with-meta ~instance ~m) instance)))

(defmacro extend-type
  "Implements protocols for a type: (extend-type Type Protocol (method [this x] ...) ... Protocol ...).
  (do (defprotocol Area (area [x])) (extend-type Long Area (area [n] n)) (area 4)) ;=> 4"
  [t & specs]
  `(extend ~t ~@(mapcat (fn [[proto methods]] [proto (breyta.type/method-map methods)]) (breyta.type/by-head specs))))

(defmacro extend-protocol
  "Implements a protocol for several types: (extend-protocol Protocol Type (method [this x] ...) ... Type ...).
  (do (defprotocol Area (area [x])) (extend-protocol Area nil (area [_] 0) String (area [s] 1)) [(area nil) (area \"ab\")]) ;=> [0 1]"
  [p & specs]
  `(do ~@(map (fn [[t methods]] `(extend-type ~t ~p ~@methods)) (breyta.type/by-head specs))))

(defn extend
  "Implements protocols for a type with maps of method keywords to functions.
  (do (defprotocol Area (area [x])) (extend String Area {:area count}) (area \"abc\")) ;=> 3"
  [atype & protos+methods]
  (doseq [[proto methods] (partition 2 protos+methods)]
    (breyta.type/extend* proto atype methods)))

(defn extenders
  "The types that were given an implementation of the protocol by extend.
  (do (defprotocol Area (area [x])) (extend-type nil Area (area [_] 0)) (extenders Area)) ;=> (nil)"
  [protocol]
  (keys (:impls protocol)))

(defn find-protocol-method
  "The function that implements the method (a keyword) of a protocol for x, or nil.
  (do (defprotocol Area (area [x])) (find-protocol-method Area :area 1)) ;=> nil"
  [protocol method x]
  (get (find-protocol-impl protocol x) method))

(ns breyta.type)

;; ---- forms ----

(defn by-head
  "[head (list ...)] for each symbol, class or nil in specs with the lists that follow it."
  [specs]
  (loop [more (seq specs) found []]
    (if more
      (recur (seq (drop-while seq? (next more)))
             (conj found [(first more) (take-while seq? (next more))]))
      found)))

(defn mutable?
  "May set! change the field?"
  [field]
  (boolean (or (:unsynchronized-mutable (meta field)) (:volatile-mutable (meta field)))))

(defn check-fields
  "The complaints of Clojure about the fields of a type."
  [tname fields]
  (when-not (vector? fields)
    (throw (new AssertionError "No fields vector given.")))
  (when-let [wrong (seq (remove symbol? fields))]
    (throw (new AssertionError (str "defrecord and deftype fields must be symbols, " (breyta.type/class-name tname) " had: "
                                    (apply str (interpose ", " wrong))))))
  (when (some #{'__meta '__hash '__hasheq '__extmap} fields)
    (throw (new AssertionError
                (str "The names in " '#{__meta __hash __hasheq __extmap} " cannot be used as field names for types or records.")))))

(defn method-name
  "The symbol that a method's function is named by: qualified, so that it is no local of the method."
  [mname]
  (symbol (subs (str (breyta.type/class-name 'x)) 0 (- (count (str (breyta.type/class-name 'x))) 2)) (name mname)))

(defn mentions?
  "Is the symbol somewhere in the form?"
  [sym form]
  (or (= sym form)
      (and (coll? form) (boolean (some (fn [part] (mentions? sym part)) form)))))

(defn arity-form
  "One arity of a method, for fn: this is called self in it. recur goes to its parameters without `this`."
  [mname self [params & body]]
  (when-not (and (vector? params) (pos? (count params)))
    (throw (new IllegalArgumentException (str "Must supply at least one argument for 'this' in: " mname))))
  (let [[this & args] params
        loops (mentions? 'recur body)
        names (mapv (fn [arg] (if (and (symbol? arg) (not loops)) arg (gensym "p__"))) args)
        pairs (vec (mapcat (fn [arg pname] (if (= arg pname) [] [arg pname])) args names))
        inner (cond
                loops `(loop ~pairs ~@body)
                (seq pairs) `(let ~pairs ~@body)
                :else `(do ~@body))]
    `([~self ~@names] ~(if (= this '_) inner `(let [~this ~self] ~inner)))))

(defn method-fn
  "The function of a method, given its arities and the fields that it sees."
  [mname fields arities]
  (let [self (gensym "this__")
        f `(~'fn* ~(method-name mname) ~@(map (fn [arity] (arity-form mname self arity)) arities))]
    (if (seq fields)
      `(~'with-fields* ~self ~fields ~f)
      f)))

(defn parse-specs
  "{:ifaces [form ...] :methods [[name (arity ...)] ...]} of what follows the fields; arities of one name are put together."
  [specs]
  (let [specs (if (keyword? (first specs)) (drop-while (fn [x] (not (or (symbol? x) (seq? x)))) specs) specs)
        groups (by-head specs)
        lists (mapcat second groups)
        names (distinct (map first lists))]
    {:ifaces (mapv first groups)
     :methods (mapv (fn [n] [n (map rest (filter (fn [l] (= n (first l))) lists))]) names)}))

(defn class-form
  "The def of a class."
  [tname fields record specs]
  (let [{:keys [ifaces methods]} (parse-specs specs)
        seen (vec fields)]
    `(def ~(with-meta tname {:breyta-type true})
       (breyta.type/class* '~(breyta.type/class-name tname) ~record '[~@(map (fn [f] (with-meta f nil)) fields)]
                           '[~@(map (fn [f] (with-meta f nil)) (filter mutable? fields))] [~@ifaces]
                           ~@(mapcat (fn [[mname arities]] [(keyword (name mname)) (method-fn mname seen arities)]) methods)))))

(defn factory-form
  "The defn of ->Name. Beyond 20 parameters the rest comes in a list."
  [tname fields]
  (let [names (mapv (fn [f] (with-meta f nil)) fields)
        doc (str "Positional factory function for class " (breyta.type/class-name tname) ".")
        factory (symbol (str "->" tname))]
    (if (> (count names) 20)
      (let [[front more] (split-at 19 names)]
        `(defn ~factory ~doc [~@front ~'& more#]
           (when-not (= (count more#) ~(count more))
             (breyta.type/wrong-arity (+ 19 (count more#)) ~(str (method-name factory))))
           (apply breyta.type/new* ~tname ~@front more#)))
      `(defn ~factory ~doc ~names (breyta.type/new* ~tname ~@names)))))

(defn named-fn
  "The form of (fn fn-tail...) which traces call mname, though it is no name in it."
  [mname fn-tail]
  (let [local (symbol (name mname))]
    `(let [~local (fn ~@fn-tail)] ~local)))

(defn method-map
  "The map of method keywords to fn forms that extend takes."
  [methods]
  (into {} (map (fn [n]
                  [(keyword (name n)) (named-fn n (map rest (filter (fn [m] (= n (first m))) methods)))]))
        (distinct (map first methods))))

;; ---- protocols ----

(defn signature
  "{:name ... :arglists ... :doc ...} of (method [args] ... docstring?)."
  [pname sig]
  (let [[mname & more] sig
        arglists (take-while vector? more)
        doc (first (drop-while vector? more))]
    (when-not (symbol? mname)
      (throw (new ClassCastException (str "class " (.getName (class mname)) " cannot be cast to class clojure.lang.IObj"))))
    (when (some (fn [args] (zero? (count args))) arglists)
      (throw (new IllegalArgumentException
                  (str "Definition of function " mname " in protocol " pname " must take at least one arg."))))
    (when (empty? arglists)
      (throw (new IllegalArgumentException
                  (str "Definition of function " mname " in protocol " pname " must take at least one arg."))))
    {:tag (:tag (meta mname)) :name (with-meta mname nil) :arglists (apply list arglists) :doc doc}))

(defn protocol-form
  "What defprotocol expands to: the protocol, a map as in Clojure, and its functions."
  [pname opts+sigs]
  (let [doc (when (string? (first opts+sigs)) (first opts+sigs))
        more (if doc (rest opts+sigs) opts+sigs)
        opts (loop [opts {} more more]
               (if (keyword? (first more))
                 (recur (assoc opts (first more) (second more)) (nnext more))
                 opts))
        sigs (mapv (fn [sig] (signature pname sig)) (drop-while (fn [x] (not (seq? x))) more))
        cname (breyta.type/class-name pname)
        keyed (fn [to f] (into to (map (fn [sig] [(keyword (:name sig)) (f sig)])) sigs))]
    (doseq [[mname same] (group-by :name sigs)]
      (when (> (count same) 1)
        (throw (new IllegalArgumentException
                    (str "Function " mname " in protocol " pname " was redefined. Specify all arities in single definition.")))))
    `(do
       (def ~(with-meta pname (if doc {:doc doc :breyta-protocol true} {:breyta-protocol true}))
         (merge (breyta.type/protocol-now (var ~pname))
                (array-map :on '~cname :on-interface (breyta.type/interface* '~cname) ~@(when doc [:doc doc]))
                ~opts
                (array-map :sigs '~(not-empty (keyed {} identity)) :var (var ~pname)
                           :method-map '~(keyed (hash-map) (fn [sig] (keyword (:name sig)))))))
       ~@(map (fn [sig]
                `(def ~(with-meta (:name sig) (merge {:arglists (list 'quote (:arglists sig)) :protocol (list 'var pname)}
                                                     (when (:doc sig) {:doc (:doc sig)})))
                   (breyta.type/method* (var ~pname) ~(keyword (:name sig)) ~(str (method-name (:name sig)))
                                        ~(boolean (:extend-via-metadata opts)))))
              sigs)
       '~pname)))
