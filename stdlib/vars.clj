;; vars.clj - namespaces and vars, as far as they are written in the language itself: require and use, loading of source text,
;; with-redefs, with-bindings. The rest is in eval/nsfns.c and eval/varfns.c. The rules of prelude.clj hold.

(ns clojure.core)

(def ^:dynamic *ns* nil)
(def ^:dynamic *file* nil)
(def ^:dynamic *assert* true)
(def ^:dynamic *agent* nil)
(def ^:dynamic *math-context* nil)
(def ^:dynamic *flush-on-newline* true)
(def ^:dynamic *print-dup* false)
(def ^:dynamic *read-eval* false)
(def ^:dynamic *data-readers* {})
(def ^:dynamic *default-data-reader-fn* nil)
(def ^:dynamic *unchecked-math* false)
(def ^:dynamic *warn-on-reflection* false)
(def ^:dynamic *compile-files* false)
(def ^:dynamic *compile-path* "classes")
(def ^:dynamic *compiler-options* nil)
(def ^:dynamic *suppress-read* nil)
(def ^:dynamic *allow-unresolved-vars* false)
(def ^:dynamic *reader-resolver* nil)
(def ^:dynamic *source-path* "NO_SOURCE_FILE")
(def ^:dynamic *use-context-classloader* true)
(def ^:dynamic *verbose-defrecords* false)
(def ^:dynamic *clojure-version* {:major 1, :minor 11, :incremental 1, :qualifier nil})
(def default-data-readers "The tags that are read without being asked for; the reader knows them itself." {'inst #'clojure.instant/read-instant-date, 'uuid #'clojure.core/parse-uuid})

(defn clojure-version
  "The version of Clojure whose meaning this program follows.
  (clojure-version) ;=> \"1.11.1\""
  []
  (let [{:keys [major minor incremental]} *clojure-version*]
    (str major "." minor "." incremental)))

;; ---- require, use ----

(defn require
  "Makes namespaces available: each spec is a symbol, [name :as alias :refer [names] | :all, :rename {name new}, :as-alias alias],
  or a prefix list (prefix spec ...). A namespace that is neither built in nor there already is loaded from a file of that
  name below ., src or test, not in flows. Flags: :reload, :reload-all, :verbose.
  (do (require '[clojure.string :as s]) (s/upper-case \"a\")) ;=> \"A\"
  (do (require '[clojure.set :refer [union]]) (union #{1} #{2})) ;=> #{1 2}
  (do (require '(clojure [set :as cs] string)) (cs/union #{1})) ;=> #{1}
  (require 'no.such) ;!> runtime"
  [& args]
  (breyta.ns/load-libs args false))

(defn use
  "As require, and refers the public names of each namespace; :only, :exclude and :rename as in refer.
  (do (use '[clojure.set :only [union]]) (union #{1} #{2})) ;=> #{1 2}"
  [& args]
  (breyta.ns/load-libs args true))

(defn requiring-resolve
  "The var that a qualified symbol names, its namespace being required first if it must be.
  (requiring-resolve 'clojure.set/join) ;=> #'clojure.set/join
  (requiring-resolve 'join) ;!> argument"
  [sym]
  (if (qualified-symbol? sym)
    (or (resolve sym)
        (do (require (symbol (namespace sym)))
            (resolve sym)))
    (throw (new IllegalArgumentException (str "Not a qualified symbol: " sym)))))

(defn loaded-libs
  "A sorted set of the names of all namespaces that can be used without loading anything.
  (contains? (loaded-libs) 'clojure.set) ;=> true"
  []
  (disj (into (sorted-set) (map ns-name) (all-ns)) 'user))

(defn load-string
  "Reads and evaluates each form of a text, one after the other; the last value.
  (load-string \"(def a 1) (+ a 2)\") ;=> 3
  (load-string \"(\") ;!> reader"
  [s]
  (breyta.ns/load-text s nil))

(defn load-file
  "Reads and evaluates each form of a file. Not available in flows.
  (load-file \"/no/such.clj\") ;!> runtime"
  [name]
  (breyta.ns/load-text (slurp name) name))

(ns breyta.ns)

(defn check-flags
  "Throws unless every flag of require is one."
  [flags]
  (when-let [bad (seq (remove #{:as :reload :reload-all :require :use :verbose :refer} flags))]
    (throw (new Exception (apply str "Unsupported option(s) supplied: " (interpose "," bad))))))

(defn libspec?
  "Is x a spec, and not a prefix list?"
  [x]
  (or (symbol? x)
      (and (vector? x)
           (or (nil? (second x)) (keyword? (second x))))))

(defn load-libs
  "What require and use do with their arguments."
  [args use?]
  (let [flags (set (filter keyword? args))]
    (when-not (seq args)
      (throw (new Exception "Nothing specified to load")))
    (check-flags flags)
    (doseq [arg (remove keyword? args)]
      (if (libspec? arg)
        (load-lib nil arg flags use?)
        (let [[prefix & specs] arg]
          (when (nil? prefix)
            (throw (new Exception "prefix cannot be nil")))
          (doseq [spec specs]
            (load-lib prefix spec flags use?)))))))

(defn load-lib
  "One spec."
  [prefix spec flags use?]
  (let [[lib & opts] (if (symbol? spec) [spec] spec)
        lib (if prefix
              (if (re-find #"\." (name lib))
                (throw (new Exception (str "Found lib name '" (name lib) "' containing period with prefix '" prefix
                                           "'.  lib names inside prefix lists must not contain periods")))
                (symbol (str prefix "." lib)))
              lib)
        {:keys [as as-alias refer only exclude rename]} (apply hash-map opts)
        refers (cond-> {}
                 exclude (assoc :exclude exclude)
                 only (assoc :only only)
                 rename (assoc :rename rename)
                 (and refer (not= refer :all)) (assoc :only refer))]
    (when as-alias
      (breyta.ns/as-alias as-alias lib))
    (when (or as (not as-alias) refer use?)
      (when (or (not (find-ns lib)) (and (or (:reload flags) (:reload-all flags)) (source lib)))
        (load-source lib))
      (when as
        (alias as lib))
      (when (or use? (seq refers) (= refer :all) (:refer flags))
        (apply clojure.core/refer lib (mapcat identity refers))))
    nil))

(defn load-source
  "Loads a namespace from its file."
  [lib]
  (if-let [[path text] (source lib)]
    (do (load-text text path)
        (when-not (find-ns lib)
          (throw (new Exception (str "namespace '" lib "' not found after loading '/" (lib-path lib) "'")))))
    (let [path (lib-path lib)]
      (throw (new java.io.FileNotFoundException
               (str "Could not locate " path "__init.class, " path ".clj or " path ".cljc on classpath."
                    (when (re-find #"_" path)
                      " Please check that namespaces with dashes use underscores in the Clojure file name.")))))))

(defn lib-path
  "The file name of a namespace, without suffix."
  [lib]
  (clojure.string/replace (clojure.string/replace (name lib) "-" "_") "." "/"))

(ns clojure.core)

;; ---- vars ----

(defn alter-meta!
  "Sets the metadata of an atom, var or namespace to (f old args...), and answers it.
  (let [a (atom 1 :meta {:x 1})] (alter-meta! a assoc :y 2)) ;=> {:x 1, :y 2}"
  [iref f & args]
  (let [old (meta iref)
        new (apply f old args)]
    (reset-meta! iref new)
    new))

(defn with-redefs-fn
  "Calls f while the vars that are keys of binding-map have other roots.
  (do (defn a [] 1) (defn b [] (a)) (with-redefs-fn {#'a (fn [] 2)} b)) ;=> 2"
  [binding-map f]
  (let [kept (breyta.var/roots (keys binding-map))]
    (try
      (doseq [[v root] binding-map]
        (breyta.var/set-root! v root))
      (f)
      (finally
        (breyta.var/set-roots! kept)))))

(defmacro with-redefs
  "Evaluates body while vars, given as name value pairs, have other roots. Vars of the language are constant: only those of the
  program can be exchanged.
  (do (defn a [] 1) (defn b [] (a)) [(with-redefs [a (fn [] 2)] (b)) (b)]) ;=> [2 1]
  (with-redefs [inc dec] 1) ;!> state"
  [bindings & body]
  `(with-redefs-fn ~(zipmap (map (fn [n] (list 'var n)) (take-nth 2 bindings)) (take-nth 2 (next bindings)))
     (fn [] ~@body)))

(defmacro with-bindings
  "Evaluates body while each var of the map has its value.
  (with-bindings {#'*print-length* 1} (pr-str [1 2])) ;=> \"[1 ...]\""
  [binding-map & body]
  `(with-bindings* ~binding-map (fn [] ~@body)))

(defn bound-fn*
  "f with the dynamic bindings of now, wherever it is called.
  ((binding [*print-length* 1] (bound-fn* pr-str)) [1 2]) ;=> \"[1 ...]\""
  [f]
  (let [bindings (get-thread-bindings)]
    (fn [& args]
      (apply with-bindings* bindings f args))))

(defmacro bound-fn
  "A fn that keeps the dynamic bindings of the place where it is made.
  ((binding [*print-length* 1] (bound-fn [x] (pr-str x))) [1 2]) ;=> \"[1 ...]\""
  [& fntail]
  `(bound-fn* (fn ~@fntail)))

(defmacro with-local-vars
  "Evaluates body with names bound to vars that have the given values, for var-get and var-set.
  (with-local-vars [x 1] (var-set x (inc @x)) (var-get x)) ;=> 2"
  [bindings & body]
  (let [names (take-nth 2 bindings)]
    `(let [~@(mapcat (fn [n] [n `(breyta.var/local)]) names)]
       (with-bindings* (hash-map ~@bindings) (fn [] ~@body)))))

(defmacro definline
  "As defn: calls are never slower for not being inlined here.
  (do (definline twice [x] `(* 2 ~x)) (twice 4)) ;=> 8"
  [name & decl]
  (let [[pre-args [args expr]] (split-with (comp not vector?) decl)]
    `(defn ~name ~@pre-args ~args ~(apply (eval (list `fn args expr)) args))))
