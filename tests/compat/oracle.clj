;; oracle.clj - real Clojure as a server: one expression a line on stdin, one answer a line on stdout, until the end of input.
;;
;;     clojure tests/compat/oracle.clj [MILLISECONDS-PER-EXPRESSION]
;;
;; Answers: `ok TAB printed`, `err TAB class TAB message`, `timeout`; line ends and tabs inside are written \n \r \t and a
;; backslash \\. What the compiler wraps in a CompilerException is answered as its cause. The line `:names` is answered by
;; all public names of the namespaces that we have too: `NAMESPACE/NAME KIND ARGLISTS`, one a line, then an empty line.
(ns oracle
  (:require [clojure.string :as str]))

;; Only answers go to stdout; what libraries keep as their *out* does not.
(def answers *out*)
(def nowhere (java.io.PrintWriter. (java.io.OutputStreamWriter. (java.io.OutputStream/nullOutputStream))))
(alter-var-root #'*out* (constantly nowhere))
(System/setOut (java.io.PrintStream. (java.io.OutputStream/nullOutputStream)))

(def spaces
  '[clojure.core clojure.string clojure.set clojure.walk clojure.edn clojure.math clojure.data clojure.datafy clojure.instant clojure.pprint
    clojure.repl clojure.stacktrace clojure.template clojure.test clojure.zip])
(binding [*out* nowhere] (apply require spaces))
(def millis (Long/parseLong (or (first *command-line-args*) "4000")))
(def end (Object.))

(defn escape [s]
  (str/escape (str s) {\\ "\\\\" \newline "\\n" \return "\\r" \tab "\\t"}))

;; Host classes that our evaluator knows by their short name.
(def imported
  (map #(Class/forName %)
       ["java.util.UUID" "java.util.Date" "java.util.Base64" "java.util.regex.Pattern" "java.time.Instant" "java.time.Duration"
        "java.time.LocalDate" "java.time.LocalTime" "java.time.LocalDateTime" "java.time.OffsetDateTime" "java.time.ZonedDateTime"
        "java.time.ZoneId" "java.time.ZoneOffset" "java.time.Period" "java.time.Year" "java.time.YearMonth" "java.time.Month"
        "java.time.MonthDay" "java.time.DayOfWeek" "java.time.Clock" "java.time.format.DateTimeFormatter" "java.time.format.DateTimeParseException"
        "java.time.temporal.ChronoUnit" "java.time.temporal.ChronoField" "java.time.temporal.TemporalAdjusters"
        "java.time.DateTimeException" "java.util.NoSuchElementException" "java.util.concurrent.TimeUnit"
        "java.util.concurrent.ThreadLocalRandom" "java.io.IOException" "java.io.FileNotFoundException" "clojure.lang.ExceptionInfo"]))

(def mappings (atom nil)) ; how many a fresh one has

(defn new-ns []
  (let [n (create-ns 'user)]
    (binding [*ns* n]
      (refer 'clojure.core)
      (doseq [c imported] (.importClass ^clojure.lang.Namespace n c))
      (doseq [[a f] '{str clojure.string string clojure.string set clojure.set walk clojure.walk edn clojure.edn}] (alias a f)))
    (reset! mappings (count (ns-map n)))
    n))

(defn clean? [n]
  (and n (empty? (ns-interns n)) (= 5 (count (ns-aliases n))) (= @mappings (count (ns-map n)))))

(defn fresh-ns []
  (if (clean? (find-ns 'user))
    (find-ns 'user)
    (do (remove-ns 'user) (new-ns))))

(defn forms [text]
  (let [r (java.io.PushbackReader. (java.io.StringReader. text))]
    (loop [last nil]
      (let [form (read r false end)]
        (if (identical? form end) last (recur (eval form)))))))

(defn cause [e]
  (if (and (instance? clojure.lang.Compiler$CompilerException e) (.getCause ^Throwable e)) (recur (.getCause ^Throwable e)) e))

(defn answer [text]
  (try
    (binding [*ns* (fresh-ns) *out* nowhere clojure.test/*test-out* nowhere *print-length* nil]
      (str "ok\t" (escape (pr-str (forms text)))))
    (catch ThreadDeath e (throw e))
    (catch Throwable e
      (let [e (cause e)]
        (if (instance? OutOfMemoryError e) "timeout"
            (str "err\t" (.getName (class e)) "\t" (escape (or (.getMessage ^Throwable e) "nil"))))))))

(defn guarded
  "The answer, or `timeout`: then the thread is stopped."
  [text]
  (let [box (promise)
        t (Thread. nil #(deliver box (try (answer text) (catch Throwable _ "timeout"))) "answer" (* 64 1024 1024))]
    (.setDaemon t true)
    (.start t)
    (let [a (deref box millis nil)]
      (or a (do (.stop t) (.join t 1000) "timeout")))))

(defn names []
  (doseq [n spaces [s v] (sort (ns-publics n))]
    (println (str n "/" s) (if (:macro (meta v)) "macro" (if (fn? @v) "fn" "value")) (pr-str (:arglists (meta v)))))
  (println))

(doseq [line (line-seq (java.io.BufferedReader. *in*))]
  (binding [*out* answers]
    (if (= line ":names") (names) (println (guarded line)))
    (flush)))
(shutdown-agents)
