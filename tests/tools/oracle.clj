;; oracle.clj - what real Clojure says of tests/lang: evaluates every `EXPR ;=> VALUE` and `EXPR ;!> kind` line of the files
;; named and prints the ones that answer differently.
;;
;;     clojure tests/tools/oracle.clj tests/lang/*.clj
;;
;; Kinds :limit, :stack and :unsupported are ours, and so is what stands between `;; oracle: off` and `;; oracle: on`.
(ns oracle
  (:require [clojure.string :as str] [clojure.set] [clojure.walk] [clojure.edn] [clojure.math]))

(def marks #";([=!])> ")

(defn split-mark
  "[expr mark value] of a line, cut at its last mark, or nil."
  [line]
  (let [m (re-matcher marks line)]
    (loop [found nil]
      (if (.find m)
        (recur [(subs line 0 (.start m)) (.group m 1) (str/trim (subs line (.end m)))])
        found))))

(defn cases
  "{:line :expr :mark :want} of a file; the runner reads them the same way."
  [path]
  (loop [lines (map-indexed vector (str/split-lines (slurp path))) start nil text "" on true out []]
    (if-let [[i line] (first lines)]
      (let [blank (and (nil? start) (or (str/blank? line) (str/starts-with? (str/triml line) ";")))
            cut (when-not blank (split-mark line))]
        (cond
          blank (recur (rest lines) nil "" (cond (str/includes? line "oracle: off") false (str/includes? line "oracle: on") true :else on) out)
          cut (recur (rest lines) nil "" on
                     (cond-> out on (conj {:line (or start (inc i)) :expr (str text (cut 0)) :mark (cut 1) :want (cut 2)})))
          :else (recur (rest lines) (or start (inc i)) (str text line "\n") on out)))
      out)))

(defn fresh-ns []
  (remove-ns 'user)
  (let [n (create-ns 'user)]
    (binding [*ns* n]
      (refer 'clojure.core)
      (doseq [[a f] '{str clojure.string string clojure.string set clojure.set walk clojure.walk edn clojure.edn}] (alias a f)))
    n))

(defn answer [expr]
  (let [r (java.io.PushbackReader. (java.io.StringReader. expr)) end (Object.)]
    (binding [*ns* (fresh-ns) *out* (java.io.StringWriter.)]
      (try
        (loop [last nil]
          (let [form (read r false end)]
            (if (identical? form end) (pr-str last) (recur (eval form)))))
        (catch Throwable e (str "!" (.getName (class e)) " " (.getMessage e)))))))

(defn same? [got want]
  (or (= got want)
      (try (let [a (read-string got) b (read-string want)] (and (coll? a) (not (sequential? a)) (= a b))) (catch Throwable _ false))))

(defn check [path {:keys [line expr mark want]}]
  (when-not (contains? #{":limit" ":stack" ":unsupported"} want)
    (let [got (answer expr) threw (str/starts-with? got "!")]
      (when-not (if (= mark "!") threw (and (not threw) (same? got want)))
        (println (str path ":" line ": " expr "\n  want " want "\n  got  " got))
        true))))

(let [bad (doall (for [path *command-line-args* c (cases path) :when (check path c)] c))
      n (reduce + (map (comp count cases) *command-line-args*))]
  (println (str (- n (count bad)) " agree, " (count bad) " differ"))
  (shutdown-agents)
  (System/exit (if (seq bad) 1 0)))
