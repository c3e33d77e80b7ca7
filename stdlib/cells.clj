;; cells.clj - what refs, agents and futures do. Nothing runs beside the program: what Clojure would do on another thread is done
;; at once, so that a run can be repeated exactly. The cells themselves are in refs.c. The rules of prelude.clj hold.

(ns breyta.cells)

(def ^:dynamic *transaction* nil)

(defn in-transaction?
  "Does a transaction run?"
  []
  (boolean *transaction*))

(defn world-swap!
  "Changes what the library keeps for this run under a key."
  [key f & args]
  (set-world! key (apply f (world key) args)))

(defn validate
  "Throws unless the validator of a cell, if it has one, accepts v."
  [cell v]
  (when-let [ok? (get-validator cell)]
    (when-not (ok? v)
      (throw (new IllegalStateException "Invalid reference state")))))

(defn notify
  "Tells the watches of a cell."
  [cell old new]
  (doseq [[k f] (watches cell)]
    (f k cell old new)))

(defn options
  "cell with the options :meta and :validator of ref and agent."
  [cell {:keys [meta validator]}]
  (when meta
    (reset-meta! cell meta))
  (when validator
    (set-validator! cell validator))
  cell)

(defn transact
  "Calls f in a transaction: in the one that runs already, or in one of its own, that is undone when f throws."
  [f]
  (if *transaction*
    (f)
    (let [touched (volatile! [])
          sends (volatile! [])
          [answer changes]
          (binding [*transaction* {:touched touched :sends sends}]
            (try
              (let [answer (f)]
                (doseq [r @touched]
                  (validate r (tentative r)))
                [answer (mapv (fn [r] (let [old (settle! r true)] [r old @r])) @touched)])
              (catch Throwable e
                (doseq [r @touched]
                  (settle! r false))
                (throw e))))]
      (doseq [[r old new] changes]
        (notify r old new))
      (doseq [[a g args] @sends]
        (act a g args))
      answer)))

(defn change
  "Sets a ref within the transaction that runs."
  [r v]
  (when-not *transaction*
    (throw (new IllegalStateException "No transaction running")))
  (when-not (touched? r)
    (vswap! (:touched *transaction*) conj r))
  (set-tentative! r v))

(defn act
  "Runs one action of an agent, then what it sent."
  [a f args]
  (when-let [e (agent-error a)]
    (throw (new RuntimeException "Agent is failed, needs restart" e)))
  (let [sent (volatile! [])]
    (binding [*agent* a
              *sent* sent]
      (try
        (let [old @a
              new (apply f old args)]
          (validate a new)
          (set-val! a new)
          (notify a old new))
        (catch Throwable e
          (vreset! sent [])
          (let [{:keys [error-handler error-mode]} (get (world :agents) a)]
            (when error-handler
              (try
                (error-handler a e)
                (catch Throwable ignored nil)))
            (when (= error-mode :fail)
              (set-agent-error! a e))))))
    (doseq [[b g more] @sent]
      (act b g more))))

(def ^:dynamic *sent* nil)

(defn dispatch
  "What send does: at once, or behind the action or the transaction that runs."
  [a f args]
  (when-not (agent? a)
    (throw (new ClassCastException (str "class " (.getName (class a)) " cannot be cast to class clojure.lang.Agent"))))
  (when-let [e (agent-error a)]
    (throw (new RuntimeException "Agent is failed, needs restart" e)))
  (cond
    *transaction* (vswap! (:sends *transaction*) conj [a f args])
    *sent* (vswap! *sent* conj [a f args])
    :else (act a f args))
  a)

(ns clojure.core)

;; ---- refs ----

(defn ref
  "A ref with the value x, to be changed in transactions. Options: :meta, :validator; :min-history and :max-history are accepted.
  (let [r (ref 1)] (dosync (alter r + 2)) @r) ;=> 3
  (alter (ref 1) inc) ;!> state"
  ([x] (breyta.cells/ref x))
  ([x & options]
   (let [r (breyta.cells/ref x)
         opts (apply hash-map options)]
     (breyta.cells/options r opts)
     r)))

(defmacro sync
  "Evaluates body in a transaction; flags are ignored."
  [flags-ignored-for-now & body]
  `(breyta.cells/transact (fn [] ~@body)))

(defmacro dosync
  "Evaluates body in a transaction: what it does to refs is done as a whole, or not at all when it throws.
  (let [r (ref 1)] (try (dosync (ref-set r 2) (throw (ex-info \"no\" {}))) (catch Exception e nil)) @r) ;=> 1"
  [& exprs]
  `(sync nil ~@exprs))

(defn ref-set
  "Sets the value of a ref in a transaction; val.
  (dosync (ref-set (ref 1) 2)) ;=> 2"
  [ref val]
  (breyta.cells/change ref val))

(defn alter
  "Sets a ref to (fun value args...) in a transaction; the new value.
  (dosync (alter (ref 1) + 2 3)) ;=> 6"
  [ref fun & args]
  (breyta.cells/change ref (apply fun (breyta.cells/tentative ref) args)))

(defn commute
  "As alter.
  (dosync (commute (ref 1) inc)) ;=> 2"
  [ref fun & args]
  (breyta.cells/change ref (apply fun (breyta.cells/tentative ref) args)))

(defn ensure
  "The value of a ref in a transaction.
  (dosync (ensure (ref 1))) ;=> 1"
  [ref]
  (if (breyta.cells/in-transaction?)
    (breyta.cells/tentative ref)
    (throw (new IllegalStateException "No transaction running"))))

(defn ref-history-count
  "Always 0: refs keep no history.
  (ref-history-count (ref 1)) ;=> 0"
  [ref]
  0)

(defn ref-min-history
  "0, or the ref: refs keep no history.
  (ref-min-history (ref 1)) ;=> 0"
  ([ref] 0)
  ([ref n] ref))

(defn ref-max-history
  "10, or the ref: refs keep no history.
  (ref-max-history (ref 1)) ;=> 10"
  ([ref] 10)
  ([ref n] ref))

;; ---- agents ----

(defn agent
  "An agent with the value state. Its actions, see send, run at once. Options: :meta, :validator, :error-handler, a function of the
  agent and the exception, and :error-mode, :fail or :continue (:continue if there is a handler).
  (let [a (agent 1)] (send a inc) (await a) @a) ;=> 2"
  [state & options]
  (let [a (breyta.cells/agent state)
        {:keys [error-handler error-mode] :as opts} (apply hash-map options)]
    (breyta.cells/options a opts)
    (breyta.cells/world-swap! :agents assoc a {:error-handler error-handler
                                               :error-mode (or error-mode (if error-handler :continue :fail))})
    a))

(defn send
  "Sets an agent to (f value args...), at once; the agent. Within an action or a transaction it happens behind it.
  @(send (agent 1) + 2) ;=> 3"
  [a f & args]
  (breyta.cells/dispatch a f args))

(defn send-off
  "As send.
  @(send-off (agent 1) + 2) ;=> 3"
  [a f & args]
  (breyta.cells/dispatch a f args))

(defn send-via
  "As send; the executor is ignored.
  @(send-via nil (agent 1) + 2) ;=> 3"
  [executor a f & args]
  (breyta.cells/dispatch a f args))

(defn await
  "nil: every action has run.
  (await (agent 1)) ;=> nil"
  [& agents]
  nil)

(defn await-for
  "true: every action has run.
  (await-for 100 (agent 1)) ;=> true"
  [timeout-ms & agents]
  true)

(defn await1
  "The agent: every action has run."
  [a]
  a)

(defn agent-errors
  "The exception that stopped an agent, in a list, or nil.
  (agent-errors (agent 1)) ;=> nil"
  [a]
  (when-let [e (agent-error a)]
    (list e)))

(defn restart-agent
  "Gives a stopped agent a new state and lets it go on.
  (let [a (agent 1)] (send a (fn [_] (throw (ex-info \"x\" {})))) (restart-agent a 5) (send a inc) @a) ;=> 6
  (restart-agent (agent 1) 5) ;!> runtime"
  [a new-state & options]
  (when-not (agent-error a)
    (throw (new RuntimeException "Agent does not need a restart")))
  (breyta.cells/validate a new-state)
  (breyta.cells/set-agent-error! a nil)
  (breyta.cells/set-val! a new-state))

(defn clear-agent-errors
  "Lets a stopped agent go on with the value it has."
  [a]
  (restart-agent a @a))

(defn set-error-handler!
  "Sets the error handler of an agent."
  [a handler]
  (breyta.cells/world-swap! :agents assoc-in [a :error-handler] handler)
  nil)

(defn error-handler
  "The error handler of an agent, or nil.
  (error-handler (agent 1)) ;=> nil"
  [a]
  (get-in (breyta.cells/world :agents) [a :error-handler]))

(defn set-error-mode!
  "Sets what becomes of an agent when an action throws: :fail or :continue."
  [a mode]
  (breyta.cells/world-swap! :agents assoc-in [a :error-mode] mode)
  nil)

(defn error-mode
  "What becomes of an agent when an action throws: :fail or :continue.
  (error-mode (agent 1)) ;=> :fail"
  [a]
  (get-in (breyta.cells/world :agents) [a :error-mode]))

(defn release-pending-sends
  "The number of sends that waited for the end of the action, which are made at once now."
  []
  (if-let [sent breyta.cells/*sent*]
    (let [waiting @sent]
      (vreset! sent [])
      (doseq [[a f args] waiting]
        (breyta.cells/act a f args))
      (count waiting))
    0))

(defn shutdown-agents
  "nil: there is nothing to shut down.
  (shutdown-agents) ;=> nil"
  []
  nil)

;; ---- futures ----

(defn future-call
  "A future of (f), which runs at once: when it is answered it is done. deref answers the value or throws what f threw, as the cause
  of an ExecutionException.
  @(future-call (fn [] 1)) ;=> 1"
  [f]
  (try
    (breyta.cells/future (f) nil)
    (catch Throwable e
      (breyta.cells/future nil e))))

(defmacro future
  "A future of body, which is evaluated at once, see future-call.
  @(future (+ 1 2)) ;=> 3
  @(future (throw (ex-info \"x\" {}))) ;!> runtime"
  [& body]
  `(future-call (fn [] ~@body)))

(defn future-done?
  "true: a future has run when it is answered.
  (future-done? (future 1)) ;=> true"
  [f]
  (if (future? f)
    true
    (throw (new ClassCastException (str "class " (.getName (class f)) " cannot be cast to class java.util.concurrent.Future")))))

(defn future-cancel
  "false: a future has run when it is answered.
  (future-cancel (future 1)) ;=> false"
  [f]
  (not (future-done? f)))

(defn future-cancelled?
  "false: no future can be cancelled.
  (future-cancelled? (future 1)) ;=> false"
  [f]
  (not (future-done? f)))

(defn pmap
  "As map: nothing runs beside the program.
  (pmap + [1 2] [3 4]) ;=> (4 6)"
  ([f coll] (map f coll))
  ([f coll & colls] (apply map f coll colls)))

(defn pcalls
  "A lazy seq of the answers of functions without arguments.
  (pcalls (fn [] 1) (fn [] 2)) ;=> (1 2)"
  [& fns]
  (map (fn [f] (f)) fns))

(defmacro pvalues
  "A lazy seq of the values of the expressions.
  (pvalues 1 (+ 1 1)) ;=> (1 2)"
  [& exprs]
  `(pcalls ~@(map (fn [e] (list `fn [] e)) exprs)))

(defn seque
  "A seq of s: nothing runs ahead.
  (seque [1 2]) ;=> (1 2)"
  ([s] (seq s))
  ([n-or-q s] (seq s)))

(defmacro amap
  "An array of the values of expr for each element of array a: idx is bound to its index, ret to a copy of a that is filled.
  (vec (amap (int-array [1 2]) i r (inc (aget r i)))) ;=> [2 3]"
  [a idx ret expr]
  `(let [a# ~a
         ~ret (aclone a#)]
     (loop [~idx 0]
       (if (< ~idx (alength a#))
         (do (aset ~ret ~idx ~expr)
             (recur (inc ~idx)))
         ~ret))))

(defmacro areduce
  "Reduces an array: ret begins as init and becomes expr for each index idx.
  (areduce (int-array [1 2 3]) i r 0 (+ r i)) ;=> 3"
  [a idx ret init expr]
  `(let [a# ~a]
     (loop [~idx 0 ~ret ~init]
       (if (< ~idx (alength a#))
         (recur (inc ~idx) ~expr)
         ~ret))))
