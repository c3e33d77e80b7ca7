;; dynamic vars: binding, set!, conveyance into closures and lazy seqs

(do (def ^:dynamic *x* 1) (defn get-x [] *x*) [(get-x) (binding [*x* 2] (get-x)) (get-x)]) ;=> [1 2 1]
(do (def ^:dynamic *x* 1) (binding [*x* 2] (binding [*x* (inc *x*)] *x*))) ;=> 3
(do (def ^:dynamic *x* 1) (binding [*x* 2] (set! *x* 7) *x*)) ;=> 7
(do (def ^:dynamic *x* 1) (set! *x* 7)) ;!> :state
(do (def ^:dynamic *x* 1) (let [s (binding [*x* 2] (map (fn [i] *x*) [1 2]))] (doall s))) ;=> (1 1)
(do (def ^:dynamic *x* 1) (binding [*x* 2] (doall (map (fn [i] *x*) [1 2])))) ;=> (2 2)
(do (def ^:dynamic *x* 1) (try (binding [*x* 2] (throw (ex-info "" {}))) (catch Exception e *x*))) ;=> 1
(do (def ^:dynamic *x* 1) (try (binding [*x* 2] (throw (ex-info "" {}))) (catch Exception e nil) (finally (set! *x* 5)))) ;!> :state
(do (def ^:dynamic *x* 1) (def ^:dynamic *y* 2) (binding [*x* *y* *y* *x*] [*x* *y*])) ;=> [2 1]
(do (def y 1) (binding [y 2] y)) ;!> :state
(do (def ^:dynamic *depth* 0) (defn nest [n] (if (zero? n) *depth* (binding [*depth* (inc *depth*)] (nest (dec n))))) (nest 30)) ;=> 30
(do (def ^:dynamic *log*) (defn note [x] (set! *log* (conj *log* x))) (binding [*log* []] (note 1) (note 2) *log*)) ;=> [1 2]
(do (def ^:dynamic *u*) (bound? #'*u*)) ;=> false
(with-out-str (print 1 2) (println "x")) ;=> "1 2x\n"
(with-out-str (prn {:a "b"})) ;=> "{:a \"b\"}\n"
(let [s (with-out-str (print (with-out-str (print "inner")) "outer"))] s) ;=> "inner outer"
(binding [*print-length* 2] (pr-str [1 2 3])) ;=> "[1 2 ...]"
(binding [*print-level* 1] (pr-str [1 [2]])) ;=> "[1 #]"
(do (def a 1) (def b (fn [] a)) (def a 2) (b)) ;=> 2
(do (declare later) (defn now [] (later)) (defn later [] :ok) (now)) ;=> :ok
(do (defonce k 1) (defonce k 2) k) ;=> 1
