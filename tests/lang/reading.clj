;; read-string, read and EDN, text streams; what Clojure 1.11.1 answers
(clojure.edn/read-string {:readers {'foo (fn [x] [:foo x])}} "#foo 1") ;=> [:foo 1]
(clojure.edn/read-string {:readers {'foo (fn [x] [:foo x])}} "{:a #foo [#foo 1]}") ;=> {:a [:foo [[:foo 1]]]}
(clojure.edn/read-string {:default (fn [t v] [t v])} "#{#a 1}") ;=> #{[a 1]}
(clojure.edn/read-string {:readers {'inst (fn [x] x)}} "#inst \"2020\"") ;=> "2020"
(clojure.edn/read-string {:readers {'a/b identity}} "#a/b {:x 1}") ;=> {:x 1}
(binding [*data-readers* {'foo inc}] (read-string "#foo 1")) ;=> 2
(binding [*default-data-reader-fn* vector] (read-string "#foo 1")) ;=> [foo 1]
(read-string {:read-cond :allow} "#?(:clj 1 :cljs 2)") ;=> 1
(clojure.edn/read-string "foo/bar") ;=> foo/bar
(clojure.edn/read-string "'a") ;=> 'a
(clojure.edn/read-string "") ;=> nil
(clojure.edn/read-string {:eof 1} "") ;=> 1
(clojure.edn/read-string {} "") ;!> runtime
(clojure.edn/read-string nil) ;=> nil
(read-string "") ;!> runtime
(read-string {:eof 3} "") ;=> 3
(read-string nil) ;!> null
(read-string "1 2") ;=> 1
(with-in-str "(1 2) 3" [(read) (read)]) ;=> [(1 2) 3]
(with-in-str "" (read *in* false :e)) ;=> :e
(with-in-str "a b" (read+string)) ;=> [a "a"]
(with-in-str "a\nb" [(read-line) (read-line) (read-line)]) ;=> ["a" "b" nil]
(line-seq (java.io.BufferedReader. (java.io.StringReader. "a\nb\n"))) ;=> ("a" "b")
(let [sb (StringBuilder. "ab")] (.append sb "c") (.append sb 1) (.insert sb 0 "x") (.reverse sb) [(str sb) (.length sb) (.charAt sb 0) (.indexOf sb "b")]) ;=> ["1cbax" 5 \1 2]
(let [sb (StringBuilder.)] (doseq [i (range 3)] (.append sb i)) (.toString sb)) ;=> "012"
(let [sb (StringBuilder. "abc")] (.deleteCharAt sb 5)) ;!> index
(let [sb (StringBuilder. "abc")] (.setLength sb 1) (.delete sb 0 1) (str sb)) ;=> ""
(let [w (java.io.StringWriter.)] (binding [*out* w] (println "x")) (str w)) ;=> "x\n"
(with-out-str (binding [*err* *out*] (binding [*out* *err*] (println 1)))) ;=> "1\n"
(with-out-str (.write *out* "hi")) ;=> "hi"
(slurp (java.io.StringReader. "abc")) ;=> "abc"
(.readLine (java.io.BufferedReader. (java.io.StringReader. "a\nb"))) ;=> "a"
(map #(.toUpperCase ^String %) ["a"]) ;=> ("A")
((memfn toUpperCase) "a") ;=> "A"
(clojure.instant/read-instant-date "2020-01-01T00:00:00Z") ;=> #inst "2020-01-01T00:00:00.000-00:00"
(munge "a-b?!*") ;=> "a_b_QMARK__BANG__STAR_"
(replicate 2 1) ;=> (1 1)
