;; nrepl_client.clj PORT - breyta-run's nREPL server, driven by nREPL's own client library (Debian's libnrepl-clojure).
;; Prints ok and FAIL lines and `N passed, N failed`.
(require '[nrepl.core :as nrepl] '[nrepl.transport :as t] '[clojure.string :as str])

(def port (Integer/parseInt (first *command-line-args*)))
(def patience 30000)
(def counts (atom {:passed 0 :failed 0}))

(defn check [name f]
  (let [[ok why] (try [(f) "false"] (catch Throwable e [false (str e)]))]
    (swap! counts update (if ok :passed :failed) inc)
    (println (if ok "ok" "FAIL") name (if ok "" why))))
(defmacro checks [name & body] `(check ~name (fn [] ~@body)))

(defn all [client m] (doall (nrepl/message client m)))
(defn answer [client m] (nrepl/combine-responses (all client m)))
(defn value [client code] (first (nrepl/response-values (nrepl/message client {:op "eval" :code code}))))
(defn done? [m] (some #{"done"} (:status m)))

(with-open [conn (nrepl/connect :port port)]
  (let [client (nrepl/client conn patience)
        session (nrepl/client-session client)
        id (nrepl/new-session client)]
    (checks "describe"
      (let [{:keys [ops versions status]} (answer client {:op "describe"})]
        (and (every? ops [:clone :close :eval :load-file :interrupt :completions :lookup :stdin :ls-sessions :describe])
             (= "1.11.1" (get-in versions [:clojure :version-string])) (contains? status "done"))))
    (checks "evaluates" (= [3 {:a [1 2.5 "é"]} nil] (nrepl/response-values (nrepl/message session {:op "eval" :code "(+ 1 2) {:a [1 2.5 \"é\"]} nil"}))))
    (checks "*1 is the session's" (and (= 5 (value session "5")) (= 5 (value session "*1"))))
    (checks "a message without session" (= 42 (value client "(* 6 7)")))
    (checks "code as forms" (= [[0 1 2]] (nrepl/response-values (nrepl/message session {:op "eval" :code (nrepl/code (vec (range 3)))}))))
    (checks "streams out and err"
      (let [r (answer session {:op "eval" :code "(println :one) (binding [*out* *err*] (println :two)) (print \"three\")"})]
        (and (= ":one\nthree" (:out r)) (= ":two\n" (:err r)))))
    (checks "output comes before the end"
      (let [msgs (nrepl/message session {:op "eval" :id "streaming" :code "(println \"early\") (loop [] (recur))"})
            early (first msgs)
            stop (answer session {:op "interrupt" :interrupt-id "streaming"})
            last-msg (last (doall msgs))]
        (and (= "early\n" (:out early)) (contains? (:status stop) "done") (some #{"interrupted"} (:status last-msg)))))
    (checks "errors"
      (let [r (answer session {:op "eval" :code "(/ 1 0)"})]
        (and (= "class java.lang.ArithmeticException" (:ex r) (:root-ex r)) (contains? (:status r) "eval-error") (str/includes? (:err r) "Divide by zero"))))
    (checks "*e" (= "Divide by zero" (value session "(ex-message *e)")))
    (checks "namespace-not-found" (= #{"error" "namespace-not-found" "done"} (:status (answer session {:op "eval" :code "1" :ns "nowhere"}))))
    (checks "completions"
      (let [cs (:completions (answer session {:op "completions" :prefix "interl"}))]
        (= [{:candidate "interleave" :ns "clojure.core" :type "function"}] cs)))
    (checks "lookup"
      (let [i (:info (answer session {:op "lookup" :sym "juxt" :ns "user"}))]
        (and (= "juxt" (:name i)) (= "clojure.core" (:ns i)) (str/includes? (:arglists-str i) "[f g]"))))
    (doseq [code ["(loop [] (recur))" "(count (map inc (range)))" "(reduce + (iterate inc 1))"]]
      (checks (str "interrupts " code)
        (let [other (nrepl/client-session client :session id)
              msgs (nrepl/message other {:op "eval" :id (str "endless " code) :code (str "(println :begun) " code)})
              begun (first msgs)
              stop (answer other {:op "interrupt" :interrupt-id (str "endless " code)})
              end (last (doall msgs))]
          (and (= ":begun\n" (:out begun)) (= #{"done"} (:status stop))
               (= #{"interrupted" "done"} (set (:status end)))
               (= 2 (value other "(+ 1 1)"))))))
    (checks "an idle session" (= #{"session-idle" "done"} (:status (answer session {:op "interrupt"}))))
    (checks "loads a file"
      (let [r (answer session {:op "load-file" :file "(ns client.file)\n(defn f\n  [x] (inc x))\n(f 41)" :file-path "client/file.clj" :file-name "file.clj"})]
        (and (= ["42"] (:value r)) (= 8 (value session "(client.file/f 7)")) (= "user" (value session "(str *ns*)"))
             (= 2 (get-in (answer session {:op "lookup" :sym "client.file/f"}) [:info :line])))))
    (checks "stdin"
      (let [msgs (nrepl/message session {:op "eval" :id "reader" :code "(read-line)"})
            need (first msgs)]
        (answer session {:op "stdin" :stdin "typed\n"})
        (and (some #{"need-input"} (:status need)) (= ["typed"] (nrepl/response-values (doall msgs))))))
    (checks "unknown-op" (= #{"error" "unknown-op" "done"} (:status (answer client {:op "no such"}))))
    (checks "unknown-session" (= #{"error" "unknown-session" "done"} (:status (answer client {:op "eval" :code "1" :session "no such"}))))
    (checks "close" (and (contains? (set (:sessions (answer client {:op "ls-sessions"}))) id)
                         (contains? (:status (answer client {:op "close" :session id})) "session-closed")
                         (not (contains? (set (:sessions (answer client {:op "ls-sessions"}))) id))))))

(println (format "%d passed, %d failed" (:passed @counts) (:failed @counts)))
(shutdown-agents)
(System/exit (if (zero? (:failed @counts)) 0 1))
