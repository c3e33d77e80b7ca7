;; Writes read_oracle.txt: what Clojure 1.11 reads and prints. Run from this directory:
;;   java -cp /usr/share/java/clojure-1.11.jar:/usr/share/java/spec.alpha.jar:/usr/share/java/core.specs.alpha.jar clojure.main gen_read.clj
;; Lines: MODE <tab> source <tab> ok|err <tab> text or class: message. Backslash escapes \\ \n \t \r in all fields.
;; Modes: S source, E edn, Q value of a syntax-quote, T str, P<length>,<level>,<meta>,<ns maps>,<readably> printed with those.
(require '[clojure.edn :as edn] '[clojure.string :as str])
(defn esc [s] (str/escape (str s) {\\ "\\\\" \newline "\\n" \tab "\\t" \return "\\r"}))
(defn norm [s] (str/replace s #"__\d+" "__N"))
(defn attempt [f] (try ["ok" (norm (f))] (catch Throwable t ["err" (str (.getName (class t)) ": " (.getMessage t))])))
(defn row [mode src f] (println (str/join "\t" (map esc (concat [mode src] (attempt f))))))
(defn rd [s] (binding [*ns* (the-ns 'user) *read-eval* false] (read-string {:read-cond :allow :eof ::eof} s)))
(def both
  ["#{1 1}" "{:a 1 :b}" "##Foo" "##" "##a/b" "##Inf" "[##-Inf ##NaN]" "\\u12345" "\\uD800" "\\o777" "\\o400" "\\" "\\ " "\\\n" "\\o" "\\u" "\\ua" "\\ab" "\\(" "[\\()]"
   "\"\\q\"" "\"\\8\"" "\"\\uzzzz\"" "\"\\ud83d\\ude00\"" "\"\\1234\"" "\"\\u00\"" "\"\\t\\n\\r\\\\\\\"\\b\\f\"" "\"\\400\"" "\"abc" "\"abc\\" "\"\\u00e9\\0\\07\\1\""
   ":" "::" ":a:" "a:" "a::b" ":a/b/c" "a/b/c" "/" "//" "a//" "foo//" ":foo//" "::/" ":1" ":1/a" ":a/1" "1:a" "a/1" "foo/" ":foo/" "/foo" ":/" ":/a" "nil/a" "true" "trueish" "nil" "false"
   "a\\b" "a\"b\"" "a'b" "a#b" "a%b" "a,b" "a;b" "1#" "1\"\"" "+1" "-a" "+a" "-1a" "+" "-" "." ".a" "..." "a..b" "a.b.c/d" "&" "<=>" "*a*" "a|b" "é/日本" ":é" "a😀"
   "[1 2" "(1 2]" "{:a 1 :a 2}" "#{1 2 1}" "{1 2 3}" "[#_]" "(#_a)" "#_ #_ a b c" "#_#_#_1 2 3 4" "#_" ")" "]" "}" "(" "[[1)" "{:a (}"
   "#:a{:b 1 :_/c 2 d 3 e/f 4 \"x\" 5}" "#:a [1]" "#:a {:b 1}" "#:\"a\"{}" "#:a/b{}" "#:a{:b 1 :b 2}" "#:a{:b}" "#:foo" "#:a" "#:a{}"
   "^:a b" "^a b" "^\"s\" b" "^[a] b" "^1 b" "^:a 1" "#^:a b" "^" "^:a" "#^"
   "#inst 1" "#inst \"\"" "#inst \"20x\"" "#uuid \"x\"" "#inst \"2020-02-30\"" "#inst \"2020-13-01\"" "#inst \"2020-01-01T24:00\"" "#inst \"2020-01-01T23:59:60\"" "#inst \"2020-01-01T23:58:60\""
   "#inst \"1500-02-28\"" "#inst \"0001-01-01\"" "#inst \"1582-10-04\"" "#inst \"1582-10-15\"" "#inst \"2020-02-29T01:02:03.004+05:30\"" "#inst \"9999-12-31T23:59:59.999Z\"" "#inst \"1969-12-31T23:59:59.999\""
   "#inst \"2020-01-01T00:00:00.123456789\"" "#inst \"2020-01-01T00:00:00+25:00\"" "#inst \"2020\"" "#inst\"2020-01\"" "#inst \"2020-01-01T01\"" "#inst \"2020-01-01T\"" "#inst \"2020-01-01 00:00\"" "#inst \"2020-01-01T00:00:00.\""
   "#uuid \"0-0-0-0-0\"" "#uuid \"1-2-3-4-5\"" "#uuid \"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6\"" "#uuid \"00000000-0000-0000-0000-0000000000000\"" "#uuid \"\"" "#uuid 1" "#foo/bar 1" "#foo" "#<a>" "#"
   "\u00a0a" "\u2003a" "a\u2003b" "\\tab" "\\return" "\\nul" "\\o12" "\\o8" "\\o1234" "\\u00e9" "\\ud7ff" "\\udfff" "\\é" "\\newline" "\\formfeed" "\\backspace" "\\space" "\\u12G4" "\\spac" "\\a" "[\\a\\b]"
   "01" "08" "0b1" "1e" "1/0" "1N" "1.5N" "1/2N" "0x1FN" "-0.0" "1e400" "1." "1.e5" ".5" "2r101" "37r1" "1r0" "0N" "07N" "0" "-0" "+7" "-9223372036854775808" "-9223372036854775809" "9223372036854775807" "9223372036854775808"
   "99999999999999999999" "0xFF" "-0x10" "0777" "36rZZ" "-2r11" "0.0" "1e3" "0.001" "1.0E-4" "1M" "1e2M" "1.50M" "4/2" "-3/6" "22/7" "123456789012345678" "1234567890123456789" "0.1" "123456.789" "1e10" "1e7" "9999999.0" "12345678.9"
   "9007199254740993.0" "4.9E-324" "1.7976931348623157E308" "3.141592653589793" "100.0" "0.30000000000000004" "5e-5" "1.0000000000000002" "2.2250738585072014E-308" "00.5" "-1.25e-7" "1E5" "1a" "0xG" "2r2" "1/2/3" "1.2.3" "--1" "+-1"
   "[1,2,,3]" "{}" "()" "[]" "#{}" "{nil nil}" "[[][]]" "(list)[]" "{[] 1 {} 2}" "{:a #_1 2}" "[1 ; c\n 2]" "#{3 2 1}" "#{:a \"b\" \\c nil}"
   "{:a 1 :b 2 :c 3 :d 4 :e 5 :f 6 :g 7 :h 8}" "{:a 1 :b 2 :c 3 :d 4 :e 5 :f 6 :g 7 :h 8 :i 9}" "{1 1 1N 2}" "#{1 1.0 1N}" "#{[1] (1)}" "{1 :a \"1\" :b \\1 :c :1 :d 1.0 :e nil :f [1] :g '1 :h 1/2 :i 2M :j}" "" ";x" "  ,, "])
(def source
  ["'" "'a" "@a" "#'a" "'(a b)" "''a" "`" "~a" "~@a" "#()" "#(%)" "#(%3)" "#(%&)" "#(%1 %2 #_%5)" "#(#(%))" "%" "%1" "#(%a)" "#(+ % %2 %&)" "#(do [%] {:a %})" "#(% )" "1'" "'a'"
   "::a" "::a/b" "::user/x" "#::{:a 1}" "#::str{:a 1}" "#: a{}" "#:{:a 1}" "#\"a\\\"b\"" "#\"\\d+[a-z]\"" "#\"\\Qa\"" "#\"" "#\"\\\"" "#\"[\"" "#\"(\"" "#\"*\"" "#\"a)\"" "#\"(a\"" "#\"[a\"" "#\"+a\"" "#\"\\\\\""
   "#?(:clj 1)" "#?(:cljs 1 :default 2)" "[#?(:cljs 1)]" "[#?@(:clj [1 2]) 3]" "#?@(:clj [1])" "[#?@(:clj 1)]" "#?(:clj)" "#?(:cljs #foo 1 :clj 2)" "#?(1 2)" "#?[:clj 1]" "#?" "#?(:else 1)" "[#?(:clj 1 :default 2) '#?@(:clj [a b])]"
   "#1 2" "#\\a 1" "#=(+ 1 2)" "#!foo\n1" "#!foo" "#~a" "#foo.bar 1" "a`b" "a~b" "a@b" "a^b" "[a b ~@c]" "~ a" "@ a" "#' a" "^{:a 1} ^:b c"])
(def edn-only ["'" "'a" "@a" "#'a" "`a" "~a" "a`b" "a~b" "a@b" "a^b" "1'" "1@" "'a'" "#()" "#\"a\"" "#?(:clj 1)" "#=(+ 1 2)" "#!x" "%" "#%" "#1" "::a" "#::{:a 1}" "#foo.bar 1" "(quote a)" "[%1 %&]" "#(inc %)"])
(def templates
  ["`a" "`(a b)" "`(a ~(+ 1 2))" "`[a ~@(list 1 2)]" "`{:a ~(inc 1)}" "`#{x}" "`()" "`x#" "`(let [x# 1] x#)" "`:a" "`1" "`nil" "`true" "`\"s\"" "`\\a" "`(if a (do b))" "`str/join" "`String" "`Foo." "`.foo" "`(.foo ~'x)" "`clojure.core/map" "`map"
   "``a" "``(a ~~(+ 1 2))" "`[~@[1 2] ~@nil 3]" "`(1 ~@[2 3] . &)" "`^{:x ~(+ 1 1)} [a]" "`~(inc 1)" "`~@x" "`[[~'a] (b)]" "`a.b" "`(fn* [a#] (recur a#))" "`(quote a)" "`(var a)" "`(let [~'x 1])"])
(def printed
  ["[1 \"a\\n\" \\b :c d nil true 1.5 2N 3M 1/2]" "{:a/b 1 :a/c 2}" "{:a/b 1 a/c 2}" "{:a/b {:c/d 1}}" "{:a/b 1 :c 2}" "{}" "(1 (2 (3 (4))))" "[1 2 3 4 5]" "#{1 2 3}" "{:a 1 :b 2 :c 3}" "^:m [1 ^{:tag String} x]" "^String x" "^{:a 1 :b 2} {}" "[\\space \\newline \\a \"\\t\"]"
   "#inst \"2020-01-02T03:04:05.006Z\"" "#uuid \"1-2-3-4-5\"" "\"q\\\"b\\\\\"" "##Inf" "[##NaN \"x\"]" "[[[[]]]]" "[()]" "{:k [1 {:z 2}]}" "a/b" ":a/b" "\\a" "nil" "1.0" "1e10" "10N" "1.5M" "2/3" "[1.0 1e10]"])
(binding [*print-namespace-maps* false *out* (java.io.OutputStreamWriter. (java.io.FileOutputStream. "read_oracle.txt") "UTF-8")]
  (doseq [s (concat both source)] (row "S" s #(let [v (rd s)] (if (= v ::eof) "" (pr-str v)))))
  (doseq [s (concat both edn-only)] (row "E" s #(let [v (edn/read-string {:eof ::eof} s)] (if (= v ::eof) "" (pr-str v)))))
  (doseq [s templates] (row "Q" s #(pr-str (rd s))))
  (doseq [s printed]
    (row "T" s #(str (rd s)))
    (doseq [len [nil 0 2] level [nil 0 1 2] [m n r] [[nil nil true] [true true true] [nil nil nil]]]
      (row (str "P" (or len -1) "," (or level -1) "," (if m 1 0) "," (if n 1 0) "," (if r 1 0)) s
           #(binding [*print-length* len *print-level* level *print-meta* m *print-namespace-maps* n *print-readably* r]
              (let [v (rd s)] (with-out-str (pr v)))))))
  (flush))
