;; Namespaces and vars as values; what Clojure 1.11.1 answers
(do (defn f "doc" [x] x) (dissoc (meta #'f) :ns :file :line :column)) ;=> {:arglists ([x]), :doc "doc", :name f}
(do (def ^{:a 1} g 2) (select-keys (meta #'g) [:a :name])) ;=> {:a 1, :name g}
(do
  (def later
    1)
  (:line (meta #'later))) ;=> 2
(ns-name (:ns (meta #'inc))) ;=> clojure.core
(find-ns 'nope) ;=> nil
(the-ns 'nope) ;!> runtime
(try (the-ns 'nope) (catch Exception e (ex-message e))) ;=> "No namespace: nope found"
(find-var 'nope/x) ;!> argument
(find-var 'x) ;!> argument
(resolve 'nope/x) ;=> nil
(resolve 'no.such.Cls) ;=> nil
(try (require 'nope.x) (catch java.io.FileNotFoundException e (ex-message e))) ;=> "Could not locate nope/x__init.class, nope/x.clj or nope/x.cljc on classpath."
(try (require '[clojure.string :refer [nope]]) (catch IllegalAccessError e (ex-message e))) ;=> "nope does not exist"
(require) ;!> runtime
(try (require 'clojure.string :nope) (catch Exception e (ex-message e))) ;=> "Unsupported option(s) supplied: :nope"
(do (refer 'clojure.string :only '[join] :rename '{join j}) [(j "," [1 2]) (resolve 'join)]) ;=> ["1,2" nil]
(try (alias 'q 'nope) (catch Exception e (ex-message e))) ;=> "No namespace: nope found"
(do (alias 's1 'clojure.string) (try (alias 's1 'clojure.set) (catch Exception e :twice))) ;=> :twice
(intern 'nope 'h 5) ;!> runtime
(var-get 1) ;!> type
(do (def h 5) (var-set #'h 1)) ;!> state
(do (def h 5) (alter-var-root #'h + 2) h) ;=> 7
(do (def h 5) [(with-redefs [h 10] h) h]) ;=> [10 5]
(do (def h 5) (try (with-redefs [h 10] (throw (ex-info "x" {}))) (catch Exception e h))) ;=> 5
(do (defn f [x] x) [(with-redefs-fn {#'f (fn [_] :r)} #(f 1)) (f 1)]) ;=> [:r 1]
(with-redefs [inc dec] (inc 1)) ;!> state
(with-local-vars [a 1 b 2] (var-set a 10) [(var-get a) @b]) ;=> [10 2]
(do (create-ns 'foo.bar) (remove-ns 'foo.bar) (find-ns 'foo.bar)) ;=> nil
(remove-ns 'clojure.core) ;!> argument
(binding [*ns* (create-ns 'zip.zap)] [(ns-name *ns*) (read-string "`a") (eval '(do (def here 1) (ns-name *ns*)))]) ;=> [zip.zap (quote zip.zap/a) zip.zap]
(do (def ^:dynamic *d* 1) [(with-bindings {#'*d* 5} *d*) (with-bindings* {#'*d* 5} (fn [x] (+ x *d*)) 1) *d*]) ;=> [5 6 1]
(do (def f 1) (with-bindings {#'f 5} 1)) ;!> state
(do (def ^:dynamic *d* 1) ((binding [*d* 7] (bound-fn [] *d*)))) ;=> 7
(do (def ^:dynamic *d* 1) (binding [*d* 3] (get (get-thread-bindings) #'*d*))) ;=> 3
(do (def ^:dynamic *d* 1) (binding [*d* 3] (try (with-bindings {#'*d* 4} (throw (ex-info "x" {}))) (catch Exception e *d*)))) ;=> 3
(do (def ^:dynamic *d* 1) (binding [*d* 3] (set! *d* 4) *d*)) ;=> 4
(try (eval '(do (def ^:dynamic *d* 1) (set! *d* 4))) (catch IllegalStateException e (ex-message e))) ;=> "Can't change/establish root binding of: *d* with set"
(alter-meta! (atom 1 :meta {:a 1}) assoc :b 2) ;=> {:a 1, :b 2}
(do (use '[clojure.set :only [union]]) (union #{1} #{2})) ;=> #{1 2}
(do (use 'clojure.set) (intersection #{1} #{1 2})) ;=> #{1}
(requiring-resolve 'clojure.set/join) ;=> #'clojure.set/join
(requiring-resolve 'join) ;!> argument
(load-string "(def q 1) (+ q 2)") ;=> 3
(do (load-string "(ns some.where) (def q 1)") [(ns-name *ns*) @(find-var 'some.where/q)]) ;=> [user 1]
(str *ns*) ;=> "user"
(do (ns a.b (:refer-clojure :exclude [map]) (:require [clojure.string :as s :refer [join]])) (defn map [x] [x]) [(map 1) (join "," [1 2]) (s/upper-case "x")]) ;=> [[1] "1,2" "X"]
(do (ns a.c "said" {:k 1} (:use [clojure.set :only [union]])) [(:doc (meta *ns*)) (:k (meta *ns*)) (union #{1})]) ;=> ["said" 1 #{1}]
(do (ns a.d (:refer-clojure :only [inc ns-name])) (resolve 'inc)) ;!> unresolved
(do (ns a.e (:refer-clojure :rename {map core-map})) (core-map inc [1])) ;=> (2)
(do (ns a.f) (def x 1) (ns a.g (:require [a.f :as f])) [f/x @#'f/x]) ;=> [1 1]
(ns a.h (:require [clojure.string :refer [join]]))
`[join map zork] ;=> [clojure.string/join clojure.core/map a.h/zork]
(do (require '[clojure.string :refer [join]]) (def join 1)) ;!> syntax
(do (ns-unmap *ns* 'map) (resolve 'map)) ;=> nil
(do (require '[clojure.string :as s9]) [(ns-name (get (ns-aliases *ns*) 's9)) (do (ns-unalias *ns* 's9) (get (ns-aliases *ns*) 's9))]) ;=> [clojure.string nil]
(get (ns-map 'user) 'map) ;=> #'clojure.core/map
(do (defn- hidden [] 1) (def shown 2) [(contains? (ns-publics *ns*) 'hidden) (contains? (ns-interns *ns*) 'hidden) (contains? (ns-publics *ns*) 'shown)]) ;=> [false true true]
(eval '(do (defmacro mm [x] `(inc ~x)) (mm 1))) ;=> 2
(do (defmacro defs [] '(do (defmacro m2 [] 5) (def used (m2)))) (defs) used) ;=> 5
(clojure-version) ;=> "1.11.1"
(with-precision 3 (* 1.2345M 3)) ;=> 3.70M
(with-precision 3 :rounding UP (inc 1.2345M)) ;=> 2.24M
(with-precision 2 (/ 10M 4)) ;=> 2.5M
(with-precision 2 (/ 2M 3 )) ;=> 0.67M
(do (definline sq [x] `(* ~x ~x)) [(sq 3) (map sq [1 2])]) ;=> [9 (1 4)]
(destructure '[a 1]) ;=> [a 1]
(do (import 'java.time.Instant) (instance? Instant (Instant/ofEpochSecond 1))) ;=> true
(with-bindings* nil (fn [] 1)) ;!> :null
