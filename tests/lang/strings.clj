;; strings, clojure.string, format, regexes

(str 1 nil :a "b" \c 1.0 [1 "x"]) ;=> "1:abc1.0[1 \"x\"]"
(subs "hello" 1 3) ;=> "el"
(subs "abc" 4) ;!> :index
(str/join ", " (map inc [1 2])) ;=> "2, 3"
(str/split "a,b,,c,," #",") ;=> ["a" "b" "" "c"]
(str/split "a,b,c" #"," 2) ;=> ["a" "b,c"]
(str/split-lines "a\nb\r\nc") ;=> ["a" "b" "c"]
(str/replace "hello" "l" "L") ;=> "heLLo"
(str/replace "a1b22" #"\d+" #(str "<" % ">")) ;=> "a<1>b<22>"
(str/replace "2024-01" #"(\d+)-(\d+)" "$2/$1") ;=> "01/2024"
(str/replace "abc" #"(.)(.)" (fn [[_ a b]] (str b a))) ;=> "bac"
(str/replace-first "aaa" "a" "b") ;=> "baa"
(str/upper-case "straße") ;=> "STRASSE"
(str/capitalize "hELLO") ;=> "Hello"
(str/trim " \t x \n") ;=> "x"
[(str/triml "  x ") (str/trimr " x  ") (str/trim-newline "x\r\n")] ;=> ["x " " x" "x"]
[(str/blank? "") (str/blank? " \n") (str/blank? nil) (str/blank? "a")] ;=> [true true true false]
[(str/starts-with? "abc" "ab") (str/ends-with? "abc" "bc") (str/includes? "abc" "b")] ;=> [true true true]
(str/index-of "hello" "l") ;=> 2
(str/last-index-of "hello" "l") ;=> 3
(str/reverse "añb") ;=> "bña"
(str/escape "a<b" {\< "&lt;"}) ;=> "a&lt;b"
(re-find #"(\w)(\d)" "xx a1 b2") ;=> ["a1" "a" "1"]
(re-seq #"\d" "a1b2") ;=> ("1" "2")
(re-matches #"a+" "aaab") ;=> nil
(re-matches #"(a+)(b)?" "aa") ;=> ["aa" "aa" nil]
(let [m (re-matcher #"\d+" "1 22 333")] [(re-find m) (re-find m) (re-find m) (re-find m)]) ;=> ["1" "22" "333" nil]
(map (fn [[_ k v]] [(keyword k) v]) (re-seq #"(\w+)=(\w+)" "a=1 b=2")) ;=> ([:a "1"] [:b "2"])
(re-find #"(?i)ABC" "xabcx") ;=> "abc"
(str #"a\d") ;=> "a\\d"
(re-pattern "[") ;!> :argument
(format "%5.2f|%-5s|%05d|%x|%%" 3.14159 "ab" 42 255) ;=> " 3.14|ab   |00042|ff|%"
(format "%s %S %b %c %e" :a "x" nil \z 12345.678) ;=> ":a X false z 1.234568e+04"
(format "%,d" 1234567) ;=> "1,234,567"
(format "%d" "x") ;!> :argument
(name :a/b) ;=> "b"
(namespace :a/b) ;=> "a"
(keyword "x" "y") ;=> :x/y
(symbol "a" "b") ;=> a/b
(seq "añ") ;=> (\a \ñ)
(apply str (reverse "abc")) ;=> "cba"
(count "日本") ;=> 2
(compare "b" "a") ;=> 1
(parse-long "12x") ;=> nil
(parse-long "-12") ;=> -12
(parse-double "1e3") ;=> 1000.0
(parse-boolean "true") ;=> true
(int \A) ;=> 65
(char 97) ;=> \a
(pr-str "a\"b\\c\n\t") ;=> "\"a\\\"b\\\\c\\n\\t\""
(edn/read-string "{:a [1 2.0 \"x\" #{:b}]}") ;=> {:a [1 2.0 "x" #{:b}]}
(read-string "(+ 1 2)") ;=> (+ 1 2)
(edn/read-string "[1") ;!> :runtime

;; found by comparison with Clojure (tests/compat)
(try (doall (format "%12.2d" 32)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.IllegalFormatPrecisionException "2"]
(try (doall (format "%+s" 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.FormatFlagsConversionMismatchException "Conversion = s, Flags = +"]
(try (doall (format "%-d" 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.MissingFormatWidthException "%-d"]
(try (doall (format "%0,12%" 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.IllegalFormatFlagsException "Flags = '0,'"]
(try (doall (format "%--5d" 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.DuplicateFormatFlagsException "Flags = '-'"]
(try (doall (format "%5n")) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.IllegalFormatWidthException "5"]
(try (doall (format "%,x" 3)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.FormatFlagsConversionMismatchException "Conversion = x, Flags = ,"]
(try (doall (format "%E" 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.IllegalFormatConversionException "e != java.lang.Long"]
(try (doall (format "%(x" 3)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.FormatFlagsConversionMismatchException "Conversion = x, Flags = ("]
(try (doall (format "%d %q")) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.UnknownFormatConversionException "Conversion = 'q'"]
(try (doall (format "%5.")) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.UnknownFormatConversionException "Conversion = '5'"]
(format "%2$s %1$s %s" 1 2) ;=> "2 1 1"
(try (doall (format "%<s" 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.MissingFormatArgumentException "Format specifier '%<s'"]
(try (doall (format "%#s" nil)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.util.FormatFlagsConversionMismatchException "Conversion = s, Flags = #"]
(format "%h %H" "abc" 255) ;=> "17862 FF"
(format "%x %X %o" (biginteger 255) (biginteger -255) (biginteger 8)) ;=> "ff -FF 10"
(try (doall (.charAt "abc" 3)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.StringIndexOutOfBoundsException "String index out of range: 3"]
(try (doall (String/join "," [1])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class java.lang.Long cannot be cast to class java.lang.CharSequence (java.lang.Long and java.lang.CharSequence are in module java.base of loader 'bootstrap')"]
(try (doall (str/escape 5 {})) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class java.lang.Long cannot be cast to class java.lang.CharSequence (java.lang.Long and java.lang.CharSequence are in module java.base of loader 'bootstrap')"]
(re-find #"\sy" "x\r\ny") ;=> "\ny"
(re-seq #"\R|." "a\r\nb") ;=> ("a" "\r\n" "b")
(re-seq #"[&&a]" "a&b") ;=> ("a")
(re-seq #"(?i)\p{Lu}" "aB") ;=> ("a" "B")
(re-seq #"\A?b|$??c" "abc") ;=> ("b" "c")
(re-seq #"\b{2}a" "a ba a") ;=> ("a" "a")
(try (re-pattern "\\k<n>") (catch Exception e (ex-message e))) ;=> "named capturing group <n> does not exist near index 4\n\\k<n>\n    ^"
(try (re-pattern "(?<n>a)(?<n>b)") (catch Exception e (ex-message e))) ;=> "Named capturing group <n> is already defined near index 11\n(?<n>a)(?<n>b)\n           ^"
(read-string "`(-> inc str/join x)") ;=> (clojure.core/seq (clojure.core/concat (clojure.core/list (quote clojure.core/->)) (clojure.core/list (quote clojure.core/inc)) (clojure.core/list (quote clojure.string/join)) (clojure.core/list (quote user/x))))
(try (doall (hash-ordered-coll 5)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class java.lang.Long cannot be cast to class java.lang.Iterable (java.lang.Long and java.lang.Iterable are in module java.base of loader 'bootstrap')"]
(try (doall (hash-unordered-coll "ab")) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class java.lang.String cannot be cast to class java.lang.Iterable (java.lang.String and java.lang.Iterable are in module java.base of loader 'bootstrap')"]
[(re-seq #"(?i)é" "ÀÉé") (re-seq #"(?iu)é" "ÀÉé") (re-seq #"(?i)[aé]+" "AÉéa") (re-seq #"(?i)[^é]" "ÉéE")] ;=> [("é") ("É" "é") ("A" "éa") ("É" "E")]
