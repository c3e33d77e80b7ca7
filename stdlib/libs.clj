;; libs.clj - small namespaces of Clojure: clojure.data, clojure.template, clojure.instant, clojure.stacktrace, clojure.datafy, and
;; what is rarely used of clojure.core and clojure.walk. The rules of prelude.clj hold.

;; ---- clojure.data ----

(ns clojure.data)

(defn equality-partition
  "The kind of value that diff sees in x: :atom, :set, :sequential or :map.
  (map clojure.data/equality-partition [1 nil #{} [] '(1) {}]) ;=> (:atom :atom :set :sequential :sequential :map)"
  [x]
  (cond
    (map? x) :map
    (set? x) :set
    (or (sequential? x) (breyta.array/array? x)) :sequential
    :else :atom))

(defn diff-similar
  "diff of two values of the same kind.
  (clojure.data/diff-similar #{1 2} #{2 3}) ;=> [#{1} #{3} #{2}]"
  [a b]
  (case (equality-partition a)
    :atom (breyta.data/atoms a b)
    :set (breyta.data/sets a b)
    :sequential (breyta.data/sequences a b)
    :map (breyta.data/maps a b (breyta.data/union (keys a) (keys b)))))

(defn diff
  "[what is only in a, what is only in b, what is in both], compared part by part.
  (clojure.data/diff {:a 1 :b 2} {:a 1 :b 3}) ;=> ({:b 2} {:b 3} {:a 1})
  (clojure.data/diff [1 2 3] [1 5]) ;=> [[nil 2 3] [nil 5] [1]]
  (clojure.data/diff 1 1) ;=> [nil nil 1]"
  [a b]
  (cond
    (= a b) [nil nil a]
    (= (equality-partition a) (equality-partition b)) (diff-similar a b)
    :else (breyta.data/atoms a b)))

(ns breyta.data)

(defn union
  "A set of the keys of both."
  [ks more]
  (into (set ks) more))

(defn atoms
  "diff of what has no parts."
  [a b]
  (if (= a b) [nil nil a] [a b nil]))

(defn sets
  "diff of sets."
  [a b]
  [(not-empty (clojure.set/difference a b))
   (not-empty (clojure.set/difference b a))
   (not-empty (clojure.set/intersection a b))])

(defn at-key
  "diff of the values of k."
  [a b k]
  (let [va (get a k)
        vb (get b k)
        [only-a only-b both] (clojure.data/diff va vb)
        in-a (contains? a k)
        in-b (contains? b k)
        same (and in-a in-b
                  (or (not (nil? both))
                      (and (nil? va) (nil? vb))))]
    [(when (and in-a (or (not (nil? only-a)) (not same))) {k only-a})
     (when (and in-b (or (not (nil? only-b)) (not same))) {k only-b})
     (when same {k both})]))

(defn maps
  "diff of what has keys, as far as ks go."
  [a b ks]
  (reduce (fn [d1 d2] (doall (map merge d1 d2)))
          [nil nil nil]
          (map (fn [k] (at-key a b k)) ks)))

(defn vectorize
  "A map from indices to values as a vector."
  [m]
  (when (seq m)
    (reduce (fn [v [k x]] (assoc v k x))
            (vec (repeat (apply max (keys m)) nil))
            m)))

(defn sequences
  "diff of sequential collections, by index."
  [a b]
  (let [a (vec a)
        b (vec b)]
    (vec (map vectorize (maps a b (range (max (count a) (count b))))))))

;; ---- clojure.template ----

(ns clojure.template)

(defn apply-template
  "expr with the symbols of argv replaced by values, everywhere in it.
  (clojure.template/apply-template '[x] '(+ x x) '[2]) ;=> (+ 2 2)"
  [argv expr values]
  (assert (vector? argv))
  (assert (every? symbol? argv))
  (clojure.walk/postwalk-replace (zipmap argv values) expr))

(defmacro do-template
  "(do expr...) with expr once for each group of as many values as argv has symbols.
  (macroexpand-1 '(clojure.template/do-template [x y] (+ x y) 1 2 3 4)) ;=> (do (+ 1 2) (+ 3 4))"
  [argv expr & values]
  (let [c (count argv)]
    `(do ~@(map (fn [a] (clojure.template/apply-template argv expr a))
                (partition c values)))))

;; ---- clojure.instant ----

(ns clojure.instant)

(defn parse-timestamp
  "What new-instant answers for the parts of a timestamp: years, months, days, hours, minutes, seconds, nanoseconds, sign, hours and
  minutes of the offset. Parts that are left out are zero, or one.
  (clojure.instant/parse-timestamp vector \"2020-02-03T04:05:06.007+01:30\") ;=> [2020 2 3 4 5 6 7000000 1 1 30]
  (clojure.instant/parse-timestamp vector \"2020\") ;=> [2020 1 1 0 0 0 0 0 0 0]
  (clojure.instant/parse-timestamp vector \"x\") ;!> runtime"
  [new-instant cs]
  (let [pattern #"(\d\d\d\d)(?:-(\d\d)(?:-(\d\d)(?:[T](\d\d)(?::(\d\d)(?::(\d\d)(?:[.](\d+))?)?)?)?)?)?(?:[Z]|([-+])(\d\d):(\d\d))?"
        [_ years months days hours minutes seconds fraction sign offset-hours offset-minutes :as found] (re-matches pattern cs)
        number (fn [s otherwise] (if s (Long/parseLong s) otherwise))]
    (if found
      (new-instant (number years 0)
                   (number months 1)
                   (number days 1)
                   (number hours 0)
                   (number minutes 0)
                   (number seconds 0)
                   (if fraction (number (subs (str fraction "000000000") 0 9) 0) 0)
                   (case sign "-" -1 "+" 1 0)
                   (number offset-hours 0)
                   (number offset-minutes 0))
      (throw (new RuntimeException (str "Unrecognized date/time syntax: " cs))))))

(defn validated
  "new-instance, checking first that the parts are those of a date that exists.
  ((clojure.instant/validated vector) 2020 2 29 0 0 0 0 0 0 0) ;=> [2020 2 29 0 0 0 0 0 0 0]
  ((clojure.instant/validated vector) 2021 2 29 0 0 0 0 0 0 0) ;!> runtime"
  [new-instance]
  (fn [years months days hours minutes seconds nanoseconds offset-sign offset-hours offset-minutes]
    (let [leap? (and (zero? (mod years 4)) (or (pos? (mod years 100)) (zero? (mod years 400))))
          check (fn [ok? test] (when-not ok? (throw (new RuntimeException (str "failed: " (pr-str test))))))]
      (check (<= 1 months 12) '(<= 1 months 12))
      (check (<= 1 days (nth (if leap? [31 29 31 30 31 30 31 31 30 31 30 31] [31 28 31 30 31 30 31 31 30 31 30 31]) (dec months)))
             '(<= 1 days (days-in-month months (leap-year? years))))
      (check (<= 0 hours 23) '(<= 0 hours 23))
      (check (<= 0 minutes 59) '(<= 0 minutes 59))
      (check (<= 0 seconds (if (= minutes 59) 60 59)) '(<= 0 seconds (if (= minutes 59) 60 59)))
      (check (<= 0 nanoseconds 999999999) '(<= 0 nanoseconds 999999999))
      (check (<= -1 offset-sign 1) '(<= -1 offset-sign 1))
      (check (<= 0 offset-hours 23) '(<= 0 offset-hours 23))
      (check (<= 0 offset-minutes 59) '(<= 0 offset-minutes 59))
      (new-instance years months days hours minutes seconds nanoseconds offset-sign offset-hours offset-minutes))))

;; ---- clojure.walk, what prints ----

(ns clojure.walk)

(defn postwalk-demo
  "Prints each part as postwalk comes to it; form.
  (with-out-str (clojure.walk/postwalk-demo [1])) ;=> \"Walked: 1\\nWalked: [1]\\n\""
  [form]
  (postwalk (fn [x] (print "Walked: ") (prn x) x) form))

(defn prewalk-demo
  "Prints each part as prewalk comes to it; form.
  (with-out-str (clojure.walk/prewalk-demo [1])) ;=> \"Walked: [1]\\nWalked: 1\\n\""
  [form]
  (prewalk (fn [x] (print "Walked: ") (prn x) x) form))

;; ---- clojure.stacktrace ----

(ns clojure.stacktrace)

(defn root-cause
  "The last cause of an exception.
  (ex-message (clojure.stacktrace/root-cause (ex-info \"a\" {} (ex-info \"b\" {})))) ;=> \"b\""
  [tr]
  (if-let [cause (ex-cause tr)]
    (recur cause)
    tr))

(defn print-throwable
  "Prints the class, message and data of an exception.
  (with-out-str (clojure.stacktrace/print-throwable (ex-info \"a\" {:b 1}))) ;=> \"clojure.lang.ExceptionInfo: a\\n{:b 1}\""
  [tr]
  (print (str (.getName (class tr)) ": " (ex-message tr)))
  (when-let [data (ex-data tr)]
    (newline)
    (pr data)))

(defn print-stack-trace
  "Prints an exception and where it was thrown, at most n lines of that."
  ([tr] (print-stack-trace tr nil))
  ([tr n]
   (print-throwable tr)
   (newline)
   (doseq [line (cond->> (clojure.string/split-lines (or (breyta.ex/trace tr) "")) n (take n))]
     (println line))))

(defn print-cause-trace
  "Prints an exception, its causes and where they were thrown."
  ([tr] (print-cause-trace tr nil))
  ([tr n]
   (print-stack-trace tr n)
   (when-let [cause (ex-cause tr)]
     (print "Caused by: ")
     (recur cause n))))

;; ---- clojure.datafy ----

(ns clojure.datafy)

(defn datafy
  "x as data: an exception as Throwable->map has it, anything else as it is.
  (clojure.datafy/datafy [1]) ;=> [1]
  (:cause (clojure.datafy/datafy (ex-info \"a\" {}))) ;=> \"a\""
  [x]
  (if (instance? Throwable x) (Throwable->map x) x))

(defn nav
  "v: nothing here navigates further than data.
  (clojure.datafy/nav {:a 1} :a 1) ;=> 1"
  [coll k v]
  v)

(ns clojure.core)

;; ---- transducer machinery under its own name ----

(defn replicate
  "(repeat n x) as a seq of exactly n; older name of (repeat n x).
  (replicate 2 :a) ;=> (:a :a)"
  [n x]
  (take n (repeat x)))

(defn seq-to-map-for-destructuring
  "What {...} patterns make of a seq of keys and values; the last may be a map.
  (seq-to-map-for-destructuring '(:a 1)) ;=> {:a 1}"
  [s]
  (if (next s)
    (destructure-map* s)
    (if (seq s) (first s) {})))

(defmacro memfn
  "A function that calls a method of its first argument.
  (map (memfn toUpperCase) [\"a\" \"b\"]) ;=> (\"A\" \"B\")
  ((memfn substring from) \"abc\" 1) ;=> \"bc\""
  [method & args]
  (let [target (gensym "target")]
    `(fn [~target ~@args]
       (. ~target (~method ~@args)))))

(defmacro locking
  "Evaluates body: nothing runs beside it.
  (locking :x 1) ;=> 1"
  [x & body]
  `(do ~x ~@body))

(defmacro io!
  "Evaluates body, or throws when a transaction runs; a string in front is the message.
  (io! \"no\" 1) ;=> 1
  (dosync (io! \"not here\" 1)) ;!> state"
  [& body]
  (let [message (when (string? (first body)) (first body))
        body (if message (next body) body)]
    `(if (breyta.cells/in-transaction?)
       (throw (new IllegalStateException ~(or message "I/O in transaction")))
       (do ~@body))))

(defmacro with-precision
  "Evaluates body with BigDecimal results rounded to so many digits, HALF_UP or as :rounding says: CEILING, FLOOR, HALF_UP, HALF_DOWN,
  HALF_EVEN, UP, DOWN, UNNECESSARY.
  (with-precision 3 (/ 1M 3)) ;=> 0.333M
  (with-precision 3 :rounding FLOOR (/ 2M 3)) ;=> 0.666M"
  [precision & exprs]
  (let [[body mode] (if (= (first exprs) :rounding)
                      [(nnext exprs) (second exprs)]
                      [exprs 'HALF_UP])]
    `(binding [*math-context* (breyta.math/context ~precision '~mode)]
       ~@body)))

(defn munge
  "A name with the characters that Java does not allow in names replaced.
  (munge \"a-b?\") ;=> \"a_b_QMARK_\"
  (munge 'a->b) ;=> a__GT_b"
  [s]
  (let [text (clojure.string/escape
               (str s)
               {\- "_" \. "." \: "_COLON_" \+ "_PLUS_" \> "_GT_" \< "_LT_" \= "_EQ_" \~ "_TILDE_" \! "_BANG_" \@ "_CIRCA_"
                \# "_SHARP_" \' "_SINGLEQUOTE_" \" "_DOUBLEQUOTE_" \% "_PERCENT_" \^ "_CARET_" \& "_AMPERSAND_" \* "_STAR_"
                \| "_BAR_" \{ "_LBRACE_" \} "_RBRACE_" \[ "_LBRACK_" \] "_RBRACK_" \/ "_SLASH_" \\ "_BSLASH_" \? "_QMARK_"})]
    (if (symbol? s) (symbol text) text)))

(defn namespace-munge
  "The name of a namespace as a Java package: - becomes _.
  (namespace-munge 'a.b-c) ;=> \"a.b_c\""
  [ns]
  (clojure.string/replace (str ns) "-" "_"))

(def char-escape-string
  "What pr writes for the characters that a string must escape."
  {\newline "\\n" \tab "\\t" \return "\\r" \" "\\\"" \\ "\\\\" \formfeed "\\f" \backspace "\\b"})

(def char-name-string
  "The names of the characters that have one."
  {\newline "newline" \tab "tab" \space "space" \backspace "backspace" \formfeed "formfeed" \return "return"})

;; ---- taps ----

(defn add-tap
  "Adds f to the functions that tap> calls.
  (let [seen (atom [])] (add-tap (fn [x] (swap! seen conj x))) (tap> 1) @seen) ;=> [1]"
  [f]
  (breyta.cells/world-swap! :taps (fnil conj #{}) f)
  nil)

(defn remove-tap
  "Takes f from the functions that tap> calls.
  (let [seen (atom []) f (fn [x] (swap! seen conj x))] (add-tap f) (remove-tap f) (tap> 1) @seen) ;=> []"
  [f]
  (breyta.cells/world-swap! :taps disj f)
  nil)

(defn tap>
  "Gives x to every function that add-tap has added, at once; true. What they throw is lost.
  (tap> 1) ;=> true"
  [x]
  (doseq [f (breyta.cells/world :taps)]
    (try
      (f x)
      (catch Throwable e nil)))
  true)

;; ---- structs ----

(defn create-struct
  "The basis of a struct map: its keys.
  (:a (struct (create-struct :a :b) 1 2)) ;=> 1"
  [& ks]
  (if (seq ks)
    (vec ks)
    (throw (new IllegalArgumentException "Must supply keys"))))

(defmacro defstruct
  "Defines the basis of struct maps with the given keys.
  (do (defstruct point :x :y) (struct point 1 2)) ;=> {:x 1, :y 2}"
  [name & ks]
  `(def ~name (create-struct ~@ks)))

(defn struct
  "A map with the keys of the basis and the values given, in order; nil for those that are missing.
  (struct (create-struct :a :b) 1) ;=> {:a 1, :b nil}"
  [basis & vals]
  (when (> (count vals) (count basis))
    (throw (new IllegalArgumentException "Too many arguments to struct constructor")))
  (apply array-map (interleave basis (concat vals (repeat nil)))))

(defn struct-map
  "A map with the keys of the basis, and the keys and values given.
  (struct-map (create-struct :a :b) :b 2 :c 3) ;=> {:a nil, :b 2, :c 3}"
  [basis & inits]
  (apply assoc (struct basis) inits))

(defn accessor
  "A function that looks up the key k, one of the basis.
  ((accessor (create-struct :a) :a) {:a 1}) ;=> 1"
  [basis k]
  (if (some #{k} basis)
    (fn [m] (get m k))
    (throw (new IllegalArgumentException "Not a key of struct"))))

;; ---- seqs of other things ----

(defn iterator-seq
  "A seq of what an iterator still has: of any seqable here.
  (iterator-seq (.iterator [1 2])) ;=> (1 2)"
  [iter]
  (seq iter))

(defn enumeration-seq
  "A seq of what an enumeration still has: of any seqable here.
  (enumeration-seq [1 2]) ;=> (1 2)"
  [e]
  (seq e))

(defn xml-seq
  "The nodes of a tree of {:tag :attrs :content} maps, depth first.
  (map :tag (filter map? (xml-seq {:tag :a :content [{:tag :b :content [\"x\"]}]}))) ;=> (:a :b)"
  [root]
  (tree-seq (complement string?) (comp seq :content) root))

(defn chunk-buffer
  "A buffer for at most n values, for chunk-append and chunk.
  (let [b (chunk-buffer 2)] (chunk-append b 1) (chunk-cons (chunk b) nil)) ;=> (1)"
  [n]
  (volatile! []))

(defn chunk-append
  "Puts x behind what is in the buffer."
  [b x]
  (vswap! b conj x)
  nil)

(defn chunk
  "What a buffer holds, as a chunk."
  [b]
  (let [v @b]
    (vreset! b nil)
    v))

(defn chunk-first
  "The chunk in front of a chunked seq.
  (chunk-first (seq [1 2])) ;=> [1 2]"
  [s]
  (breyta.seq/chunk-first s))

(defn chunk-rest
  "What follows the chunk in front.
  (chunk-rest (seq [1 2])) ;=> ()"
  [s]
  (or (chunk-next s) ()))

(defn chunk-next
  "A seq of what follows the chunk in front, nil if there is nothing.
  (chunk-next (seq [1 2])) ;=> nil"
  [s]
  (seq (drop (count (chunk-first s)) s)))

(defn chunk-cons
  "A seq of the values of a chunk with rest behind them.
  (chunk-cons [1 2] [3]) ;=> (1 2 3)"
  [chunk rest]
  (if (zero? (count chunk))
    rest
    (breyta.seq/chunk-cons chunk rest)))

;; ---- text in and out ----

(defmacro with-in-str
  "Evaluates body with *in* reading from the string s.
  (with-in-str \"1 2\" [(read) (read)]) ;=> [1 2]"
  [s & body]
  `(binding [*in* (new java.io.StringReader ~s)]
     ~@body))

(defn line-seq
  "A seq of the lines of a reader.
  (line-seq (java.io.BufferedReader. (java.io.StringReader. \"a\\nb\"))) ;=> (\"a\" \"b\")"
  [rdr]
  (when-let [line (.readLine rdr)]
    (cons line (lazy-seq (line-seq rdr)))))

(defn load-reader
  "Reads and evaluates what is left of a reader; the last value.
  (load-reader (java.io.StringReader. \"(+ 1 2)\")) ;=> 3"
  [rdr]
  (load-string (slurp rdr)))

(defn inst-ms*
  "As inst-ms.
  (inst-ms* #inst \"1970\") ;=> 0"
  [inst]
  (inst-ms inst))

(defn test
  "Calls the function under :test in the metadata of a var: :ok, or :no-test when there is none.
  (test #'inc) ;=> :no-test"
  [v]
  (if-let [f (:test (meta v))]
    (do (f) :ok)
    :no-test))

(defn reader-conditional
  "A map of a reader conditional; forms that are read have taken their branch already.
  (:form (reader-conditional '(:clj 1) false)) ;=> (:clj 1)"
  [form splicing?]
  (with-meta {:form form :splicing? splicing?} {:breyta/reader-conditional true}))

(defn reader-conditional?
  "Is x what reader-conditional answers?
  (reader-conditional? (reader-conditional '(:clj 1) false)) ;=> true"
  [x]
  (boolean (:breyta/reader-conditional (meta x))))

(defn print-simple
  "Prints o as pr does.
  (with-out-str (print-simple 1 *out*)) ;=> \"1\""
  [o w]
  (pr o))

;; ---- what needs the JVM, with a word on what to use instead ----

(defmacro proxy
  "Refused: makes an object of a Java class.
  (proxy [Object] [] (toString [] \"x\")) ;!> syntax"
  [class-and-interfaces args & fs]
  (throw (new UnsupportedOperationException "proxy needs classes of the JVM: use reify, or a map of functions")))

(defmacro gen-class
  "Refused: makes a Java class."
  [& options]
  (throw (new UnsupportedOperationException "gen-class needs the JVM: use defrecord or deftype")))

(defmacro gen-interface
  "Refused: makes a Java interface."
  [& options]
  (throw (new UnsupportedOperationException "gen-interface needs the JVM: use defprotocol")))

(defmacro definterface
  "Refused: makes a Java interface."
  [name & sigs]
  (throw (new UnsupportedOperationException "definterface needs the JVM: use defprotocol")))

(defn bean
  "Refused: looks at an object by reflection."
  [x]
  (throw (new UnsupportedOperationException "bean needs reflection: values here are data already")))

(defn push-thread-bindings
  "Refused: bindings end where the form that made them ends."
  [bindings]
  (throw (new UnsupportedOperationException "push-thread-bindings: use with-bindings or with-bindings*")))

(defn pop-thread-bindings
  "Refused: bindings end where the form that made them ends."
  []
  (throw (new UnsupportedOperationException "pop-thread-bindings: use with-bindings or with-bindings*")))

(defn file-seq
  "Refused: walks directories."
  [dir]
  (throw (new UnsupportedOperationException "file-seq: directories cannot be listed here")))

(ns clojure.java.io)

(defn file
  "The path of a file, its parts joined by /.
  (clojure.java.io/file \"a\" \"b\") ;=> \"a/b\""
  [& parts]
  (clojure.string/join "/" parts))

(defn reader
  "A reader of a file, or of a reader; for line-seq, slurp and read. Files are not available in flows.
  (line-seq (clojure.java.io/reader (java.io.StringReader. \"a\\nb\"))) ;=> (\"a\" \"b\")"
  [x & opts]
  (if (string? x) (java.io.StringReader. (slurp x)) (java.io.BufferedReader. x)))

(defn resource
  "nil: there is no classpath.
  (clojure.java.io/resource \"x\") ;=> nil"
  [n]
  nil)

(ns breyta.read)

(defn resolve
  "form with the reader functions called that wait in it, the innermost first."
  [form readers otherwise]
  (let [inner (fn [x] (breyta.read/resolve x readers otherwise))]
    (cond
      (breyta.read/waiting? form)
      (let [x (inner (:form form))]
        (if-let [f (get readers (:tag form))]
          (f x)
          (otherwise (:tag form) x)))
      (map? form) (with-meta (into (empty form) (map (fn [[k v]] [(inner k) (inner v)])) form) (meta form))
      (or (vector? form) (set? form)) (with-meta (into (empty form) (map inner) form) (meta form))
      (seq? form) (with-meta (apply list (map inner form)) (meta form))
      :else form)))

;; ---- classes whose methods call functions ----

(ns Arrays)

(defn sort
  "Sorts an array in place.
  (let [a (int-array [2 1])] (java.util.Arrays/sort a) (vec a)) ;=> [1 2]"
  ([a] (breyta.array/store! a (clojure.core/sort (vec a))) nil)
  ([a cmp] (breyta.array/store! a (clojure.core/sort cmp (vec a))) nil))
