;; test.clj - clojure.test in the form that tests of plain functions use: deftest, is, are, testing, fixtures, run-tests. Reports are
;; printed as Clojure prints them. The rules of prelude.clj hold.

(ns clojure.test)

(def ^:dynamic *load-tests* true)
(def ^:dynamic *stack-trace-depth* nil)
(def ^:dynamic *report-counters* nil)
(def ^:dynamic *initial-report-counters* {:test 0, :pass 0, :fail 0, :error 0})
(def ^:dynamic *testing-vars* ())
(def ^:dynamic *testing-contexts* ())
(def ^:dynamic *test-out* nil)

(defmacro with-test-out
  "Evaluates body with its output where reports go."
  [& body]
  `(do ~@body))

;; ---- reporting ----

(defn inc-report-counter
  "Adds one to a counter of the tests that run."
  [name]
  (when *report-counters*
    (swap! *report-counters* update name (fnil inc 0))))

(defn testing-vars-str
  "Which tests are being run, with the file and line of m."
  [m]
  (let [{:keys [file line]} m]
    (str (reverse (map (fn [v] (:name (meta v))) *testing-vars*)) " (" file ":" line ")")))

(defn testing-contexts-str
  "The texts of the testing forms around."
  []
  (apply str (interpose " " (reverse *testing-contexts*))))

(defn report
  "Prints what happened in a test: m has :type :pass, :fail, :error, :begin-test-ns, :summary ..."
  [m]
  (let [head (fn [what]
               (println (str "\n" what " in") (testing-vars-str m))
               (when (seq *testing-contexts*)
                 (println (testing-contexts-str)))
               (when-let [message (:message m)]
                 (println message)))]
    (case (:type m)
      :pass (inc-report-counter :pass)
      :fail (do (inc-report-counter :fail)
                (head "FAIL")
                (println "expected:" (pr-str (:expected m)))
                (println "  actual:" (pr-str (:actual m))))
      :error (do (inc-report-counter :error)
                 (head "ERROR")
                 (println "expected:" (pr-str (:expected m)))
                 (print "  actual: ")
                 (if (instance? Throwable (:actual m))
                   (clojure.stacktrace/print-cause-trace (:actual m) *stack-trace-depth*)
                   (prn (:actual m))))
      :summary (do (println "\nRan" (:test m) "tests containing" (+ (:pass m) (:fail m) (:error m)) "assertions.")
                   (println (:fail m) "failures," (:error m) "errors."))
      :begin-test-ns (println "\nTesting" (str (ns-name (:ns m))))
      nil)))

(defn do-report
  "Adds where the test stands to a report and reports it."
  [m]
  (report (case (:type m)
            (:fail :error) (merge {:file (:file (meta (first *testing-vars*))) :line (:line (meta (first *testing-vars*)))} m)
            m)))

(defn file-position
  "The file and line of the test that runs."
  [n]
  [(:file (meta (first *testing-vars*))) (:line (meta (first *testing-vars*)))])

;; ---- is, are, testing ----

(defn function?
  "Is x a function, or a symbol that names one?
  (clojure.test/function? 'inc) ;=> true
  (clojure.test/function? 'when) ;=> false"
  [x]
  (if (symbol? x)
    (when-let [v (resolve x)]
      (and (var? v) (bound? v) (fn? @v) (not (:macro (meta v)))))
    (fn? x)))

(defn assert-predicate
  "The test of a call of a function: a failure shows the values of the arguments."
  [msg form]
  (let [args (rest form)
        pred (first form)]
    `(let [values# (list ~@args)
           result# (apply ~pred values#)]
       (if result#
         (clojure.test/do-report {:type :pass, :message ~msg, :expected '~form, :actual (cons '~pred values#)})
         (clojure.test/do-report {:type :fail, :message ~msg, :expected '~form, :actual (list '~'not (cons '~pred values#))}))
       result#)))

(defn assert-any
  "The test of any other form."
  [msg form]
  `(let [value# ~form]
     (if value#
       (clojure.test/do-report {:type :pass, :message ~msg, :expected '~form, :actual value#})
       (clojure.test/do-report {:type :fail, :message ~msg, :expected '~form, :actual value#}))
     value#))

(defn assert-expr
  "The form that is tests a form with; thrown? and thrown-with-msg? are known."
  [msg form]
  (let [head (when (sequential? form) (first form))]
    (case head
      nil (assert-any msg form)
      instance?
      `(let [class# ~(nth form 1)
             object# ~(nth form 2)
             result# (instance? class# object#)]
         (if result#
           (clojure.test/do-report {:type :pass, :message ~msg, :expected '~form, :actual (class object#)})
           (clojure.test/do-report {:type :fail, :message ~msg, :expected '~form, :actual (class object#)}))
         result#)
      thrown?
      (let [[_ class & body] form]
        `(try
           ~@body
           (clojure.test/do-report {:type :fail, :message ~msg, :expected '~form, :actual nil})
           (catch ~class e#
             (clojure.test/do-report {:type :pass, :message ~msg, :expected '~form, :actual e#})
             e#)))
      thrown-with-msg?
      (let [[_ class re & body] form]
        `(try
           ~@body
           (clojure.test/do-report {:type :fail, :message ~msg, :expected '~form, :actual nil})
           (catch ~class e#
             (if (re-find ~re (str (ex-message e#)))
               (clojure.test/do-report {:type :pass, :message ~msg, :expected '~form, :actual e#})
               (clojure.test/do-report {:type :fail, :message ~msg, :expected '~form, :actual e#}))
             e#)))
      (if (clojure.test/function? head)
        (assert-predicate msg form)
        (assert-any msg form)))))

(defmacro try-expr
  "What is does with a form: an exception is reported as an error."
  [msg form]
  `(try
     ~(clojure.test/assert-expr msg form)
     (catch Throwable t#
       (clojure.test/do-report {:type :error, :message ~msg, :expected '~form, :actual t#}))))

(defmacro is
  "Tests that form holds and reports it; its value. (is (thrown? Class body...)) and (is (thrown-with-msg? Class #\"re\" body...)) test
  for exceptions.
  (clojure.test/is (= 2 (+ 1 1))) ;=> true
  (with-out-str (clojure.test/is (= 1 2))) ;=> \"\\nFAIL in () (:)\\nexpected: (= 1 2)\\n  actual: (not (= 1 2))\\n\""
  ([form] `(clojure.test/is ~form nil))
  ([form msg] `(clojure.test/try-expr ~msg ~form)))

(defmacro are
  "Tests expr for each group of as many values as argv has symbols.
  (clojure.test/are [x y] (= x y) 2 (+ 1 1) 4 (* 2 2)) ;=> true"
  [argv expr & args]
  (if (or (and (empty? argv) (empty? args))
          (and (pos? (count argv))
               (pos? (count args))
               (zero? (mod (count args) (count argv)))))
    `(clojure.template/do-template ~argv (clojure.test/is ~expr) ~@args)
    (throw (new IllegalArgumentException "The number of args doesn't match are's argv."))))

(defmacro testing
  "Evaluates body; reports from it say string.
  (clojure.test/testing \"sums\" (clojure.test/is (= 2 (+ 1 1)))) ;=> true"
  [string & body]
  `(binding [clojure.test/*testing-contexts* (conj clojure.test/*testing-contexts* ~string)]
     ~@body))

;; ---- tests ----

(defmacro deftest
  "Defines a test: a function without arguments that test-var and run-tests call.
  (do (clojure.test/deftest sums (clojure.test/is (= 2 (+ 1 1)))) (clojure.test/successful? (clojure.test/run-test sums))) ;=> true"
  [name & body]
  `(def ~(vary-meta name assoc :test true)
     (fn [] (clojure.test/test-var* (var ~name) (fn [] ~@body)))))

(defmacro deftest-
  "As deftest, private."
  [name & body]
  `(clojure.test/deftest ~(vary-meta name assoc :private true) ~@body))

(defmacro with-test
  "Defines something with a test of it behind: (with-test (defn f ...) body...)."
  [definition & body]
  `(let [v# ~definition]
     (alter-meta! v# assoc :test (fn [] ~@body))
     v#))

(defmacro set-test
  "Gives a var a test."
  [name & body]
  `(alter-meta! (var ~name) assoc :test (fn [] ~@body)))

(defn test-var*
  "Calls f as the test of var v, unless it runs already: then f is just called."
  [v f]
  (if (= v (first *testing-vars*))
    (f)
    (test-var v)))

(defn test-fn
  "The function that tests a var, nil if it has none."
  [v]
  (let [t (:test (meta v))]
    (cond
      (fn? t) t
      t (fn [] (@v)))))

(defn test-var
  "Runs the test of a var, with *testing-vars* saying so."
  [v]
  (when-let [t (test-fn v)]
    (binding [*testing-vars* (conj *testing-vars* v)]
      (do-report {:type :begin-test-var, :var v})
      (inc-report-counter :test)
      (try
        (t)
        (catch Throwable e
          (do-report {:type :error, :message "Uncaught exception, not in assertion."
                      :expected nil, :actual e})))
      (do-report {:type :end-test-var, :var v}))))

(defn default-fixture
  "Calls f."
  [f]
  (f))

(defn compose-fixtures
  "Two fixtures as one, the first around the second."
  [f1 f2]
  (fn [g] (f1 (fn [] (f2 g)))))

(defn join-fixtures
  "Fixtures as one, the first outermost."
  [fixtures]
  (reduce compose-fixtures default-fixture fixtures))

(defn use-fixtures
  "Has the tests of the current namespace called through functions of one argument, the rest: :each one by one, :once all together."
  [fixture-type & args]
  (alter-meta! *ns* assoc
               (case fixture-type
                 :each ::each-fixtures
                 :once ::once-fixtures
                 (throw (new IllegalArgumentException (str "unknown kind of fixtures: " fixture-type))))
               args)
  nil)

(defn line-order
  "Vars in the order of their lines."
  [vars]
  (sort-by (fn [v] (or (:line (meta v)) 0)) vars))

(defn test-vars
  "Runs the tests of vars with the fixtures of their namespaces."
  [vars]
  (doseq [[ns vars] (group-by (comp :ns meta) vars)]
    (let [once (join-fixtures (::once-fixtures (meta ns)))
          each (join-fixtures (::each-fixtures (meta ns)))]
      (once
        (fn []
          (doseq [v vars]
            (when (:test (meta v))
              (each (fn [] (test-var v))))))))))

(defn test-all-vars
  "Runs the tests of all vars of a namespace."
  [ns]
  (test-vars (line-order (vals (ns-interns ns)))))

(defn test-ns
  "Runs the tests of a namespace, or its function test-ns-hook; the counts."
  [ns]
  (binding [*report-counters* (atom *initial-report-counters*)]
    (let [ns (the-ns ns)]
      (do-report {:type :begin-test-ns, :ns ns})
      (if-let [v (get (ns-interns ns) 'test-ns-hook)]
        ((var-get v))
        (test-all-vars ns))
      (do-report {:type :end-test-ns, :ns ns}))
    @*report-counters*))

(defn run-tests
  "Runs the tests of namespaces, of the current one without any; prints and answers the counts.
  (do (clojure.test/deftest t (clojure.test/is true)) (select-keys (clojure.test/run-tests) [:test :pass :fail])) ;=> {:test 1, :pass 1, :fail 0}"
  ([] (run-tests *ns*))
  ([& namespaces]
   (let [summary (assoc (apply merge-with + (map test-ns namespaces)) :type :summary)]
     (do-report summary)
     summary)))

(defn run-all-tests
  "Runs the tests of all namespaces, or of those whose name matches re."
  ([] (apply run-tests (filter (fn [n] (some test-fn (vals (ns-interns n)))) (all-ns))))
  ([re] (apply run-tests (filter (fn [n] (re-matches re (name (ns-name n)))) (all-ns)))))

(defn run-test-var
  "Runs the test of one var with the fixtures of its namespace; prints and answers the counts."
  [v]
  (binding [*report-counters* (atom *initial-report-counters*)]
    (let [ns (:ns (meta v))
          summary (do (do-report {:type :begin-test-ns, :ns ns})
                      (test-vars [v])
                      (do-report {:type :end-test-ns, :ns ns})
                      (assoc @*report-counters* :type :summary))]
      (do-report summary)
      summary)))

(defmacro run-test
  "Runs the test of one name."
  [test-symbol]
  (let [v (resolve test-symbol)]
    (cond
      (nil? v) (println "Unable to resolve" test-symbol "to a test function.")
      (not (:test (meta v))) (println test-symbol "is not a test.")
      :else `(clojure.test/run-test-var ~v))))

(defn successful?
  "Did all tests pass, by the counts that run-tests answers?
  (clojure.test/successful? {:fail 0 :error 0}) ;=> true"
  [summary]
  (and (zero? (:fail summary 0))
       (zero? (:error summary 0))))

(defn get-possibly-unbound-var
  "The value of a var, nil if it has none."
  [v]
  (when (bound? v)
    @v))
