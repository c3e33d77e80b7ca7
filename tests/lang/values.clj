;; format, hash codes, compare, classes, bits; what Clojure 1.11.1 answers
(.hashCode :a) ;=> 1013910569
(.hashCode :a/b) ;=> 1013910665
(.hashCode 'a) ;=> -1640525200
(.hashCode 1.5) ;=> 1073217536
(.hashCode -1) ;=> 0
(.hashCode [1 "a" nil :b]) ;=> 1014957037
(.hashCode {:a 1 "b" 2}) ;=> 1013910664
(.hashCode #{1 2}) ;=> 3
(.hashCode 1/2) ;=> 3
(.hashCode 10N) ;=> 10
(.hashCode 100000000000000000000N) ;=> 1882487352
(.hashCode \a) ;=> 97
(.hashCode true) ;=> 1231
(.hashCode ()) ;=> 1
(.hashCode #uuid "b6883c0a-0342-4007-9966-bc2dfa6b109e") ;=> -691547970
(.hashCode #inst "2020-01-01") ;=> 1583802735
(str (map identity [:a 'b "c" 1.5 nil [1] {:x 1} #{3}])) ;=> "clojure.lang.LazySeq@ad1b4c02"
(format "%5d|%-5d|%05d|%+d|%,d|% d|%(d" 42 42 42 42 1234567 42 -42) ;=> "   42|42   |00042|+42|1,234,567| 42|(42)"
(format "%e %E %.2e" 12345.678 12345.678 0.00012) ;=> "1.234568e+04 1.234568E+04 1.20e-04"
(format "%g %G %.3g" 12345.678 0.00001 1234.5) ;=> "12345.7 1.00000E-05 1.23e+03"
(format "%f %.2f %10.3f %-10.1f| %+.1f %,.2f" 1.5 2.345 3.14159 2.5 1.0 1234567.891) ;=> "1.500000 2.35      3.142 2.5       | +1.0 1,234,567.89"
(format "%s %10s %-10s| %.2s %S" "ab" "ab" "ab" "abc" "abc") ;=> "ab         ab ab        | ab ABC"
(format "%c %C %c" \a \a 98) ;!> argument
(format "%b %B %b %b" true false nil "x") ;=> "true FALSE false true"
(format "%h %H" "abc" "abc") ;=> "17862 17862"
(format "%n%%") ;=> "\n%"
(format "%2$s %1$s %<s" "a" "b") ;=> "b a a"
(format "%tY" 5) ;=> "1970"
(format "%tY-%<tm-%<td %<tH:%<tM:%<tS" #inst "2020-02-03T04:05:06Z") ;=> "2020-02-03 04:05:06"
(format "%tF %<tT %<tj %<tA %<ta %<tB %<tb %<tp %<tI %<tL %<ts %<tQ %<tz %<tZ %<tD %<tR %<tr %<tc %<te %<tk %<tl %<ty %<tC %<tN" #inst "2020-02-03T14:05:06.789Z") ;=> "2020-02-03 14:05:06 034 Monday Mon February Feb pm 02 789 1580738706 1580738706789 +0000 UTC 02/03/20 14:05 02:05:06 PM Mon Feb 03 14:05:06 UTC 2020 3 14 2 20 20 789000000"
(format "%d" 1.5) ;!> argument
(format "%f" 1) ;!> argument
(format "%d" "a") ;!> argument
(format "%d" nil) ;=> "null"
(format "%s" nil) ;=> "null"
(format "%q" 1) ;!> argument
(format "%d") ;!> argument
(format "%-d" 1) ;!> argument
(format "%5" 1) ;!> argument
(format "%.2d" 1) ;!> argument
(format "%c" "a") ;!> argument
(format "%d" 12345678901234567890N) ;!> argument
(format "%,d" 12345678901234567890N) ;!> argument
(format "%x" 12345678901234567890N) ;!> argument
(format "%x" -1) ;=> "ffffffffffffffff"
(format "%.3f" 1.0M) ;=> "1.000"
(format "%s" 1.0M) ;=> "1.0"
(format "%10.2e|" 12345.6789M) ;=> "  1.23e+04|"
(format "%f" 1/3) ;!> argument
(format "%f" 1N) ;!> argument
(format "%08.2f" -3.14159) ;=> "-0003.14"
(format "%+d %+d" 1 -1) ;=> "+1 -1"
(format "%#s" "a") ;!> argument
(format "%s %s" 1) ;!> argument
(format "%1$s %1$s" 1 2) ;=> "1 1"
(format "%0d" 1) ;!> argument
(format "%f %f %f" ##Inf ##-Inf ##NaN) ;=> "Infinity -Infinity NaN"
(format "%5.1f|%5s" ##Inf nil) ;=> "Infinity| null"
(format "%e" 0.0) ;=> "0.000000e+00"
(format "%g" 0.0) ;=> "0.00000"
(format "%g" 100000.0) ;=> "100000"
(format "%g" 1234567.0) ;=> "1.23457e+06"
(format "%.0f %.0f %.0f" 0.5 1.5 2.5) ;=> "1 2 3"
(format "%.1f" 0.25) ;=> "0.3"
(format "%.1f" 0.35) ;=> "0.4"
(format "%s" [1 "a"]) ;=> "[1 \"a\"]"
(format "%s" {:a "b"}) ;=> "{:a \"b\"}"
(format "%-8s|%8s|" :a 'b) ;=> ":a      |       b|"
(format "%d%%" 5) ;=> "5%"
(format "no args") ;=> "no args"
(format nil) ;!> null
(format "%s" \a) ;=> "a"
(format "%o" -8) ;=> "1777777777777777777770"
(format "%(,.2f" -1234.5) ;=> "(1,234.50)"
(String/format "%d-%s" (to-array [1 "a"])) ;=> "1-a"
(clojure.string/join (interpose "," [1 2])) ;=> "1,2"
(= 1 1.0) ;=> false
(== 1 1.0) ;=> true
(= 1 1N) ;=> true
(= 1.0 1.0M) ;=> false
(== 1.0 1.0M) ;=> true
(== 1 "a") ;!> type
(= [1] '(1)) ;=> true
(= #{1} [1]) ;=> false
(compare [1 2] [1 3]) ;=> -1
(compare [1 2] [1]) ;=> 1
(compare nil 1) ;=> -1
(compare 1 nil) ;=> 1
(compare "a" "b") ;=> -1
(compare "a" :a) ;!> type
(compare :a :b) ;=> -1
(compare :a/b :a) ;=> 1
(compare 'a 'a/b) ;=> -1
(compare false true) ;=> -1
(compare \a \c) ;=> -2
(compare 1 1.5) ;=> -1
(compare #{1} #{1}) ;!> type
(compare {} {}) ;=> 0
(compare #inst "2020" #inst "2021") ;=> -1
(compare #uuid "b6883c0a-0342-4007-9966-bc2dfa6b109e" #uuid "00000000-0342-4007-9966-bc2dfa6b109e") ;=> -1
(compare '(1) '(2)) ;!> type
(sort [[2 1] [1 2] [1]]) ;=> ([1] [1 2] [2 1])
(sort > [1 3 2]) ;=> (3 2 1)
(sort-by second < [[1 3] [2 1]]) ;=> ([2 1] [1 3])
(class 1) ;=> java.lang.Long
(class 1N) ;=> clojure.lang.BigInt
(class (biginteger 1)) ;=> java.math.BigInteger
(class 1/2) ;=> clojure.lang.Ratio
(class 1.0) ;=> java.lang.Double
(class 1M) ;=> java.math.BigDecimal
(class \a) ;=> java.lang.Character
(class "a") ;=> java.lang.String
(class :a) ;=> clojure.lang.Keyword
(class 'a) ;=> clojure.lang.Symbol
(class nil) ;=> nil
(class []) ;=> clojure.lang.PersistentVector
(class {}) ;=> clojure.lang.PersistentArrayMap
(class #{}) ;=> clojure.lang.PersistentHashSet
(class ()) ;=> clojure.lang.PersistentList$EmptyList
(class '(1)) ;=> clojure.lang.PersistentList
(class (range 3)) ;=> clojure.lang.LongRange
(class (map inc [1])) ;=> clojure.lang.LazySeq
(class (seq [1])) ;=> clojure.lang.PersistentVector$ChunkedSeq
(class (first {:a 1})) ;=> clojure.lang.MapEntry
(class (keys {:a 1})) ;=> clojure.lang.APersistentMap$KeySeq
(class (vals {:a 1})) ;=> clojure.lang.APersistentMap$ValSeq
(class (seq #{1})) ;=> clojure.lang.APersistentMap$KeySeq
(class (seq "a")) ;=> clojure.lang.StringSeq
(class (cons 1 nil)) ;=> clojure.lang.PersistentList
(class (cons 1 [1])) ;=> clojure.lang.Cons
(class (rest [1])) ;=> clojure.lang.PersistentList$EmptyList
(class (rest '(1 2))) ;=> clojure.lang.PersistentList
(class (repeat 1)) ;=> clojure.lang.Repeat
(class (sorted-map)) ;=> clojure.lang.PersistentTreeMap
(class (sorted-set)) ;=> clojure.lang.PersistentTreeSet
(class (zipmap (range 20) (range 20))) ;=> clojure.lang.PersistentHashMap
(class (into {} (map (fn [x] [x x]) (range 9)))) ;=> clojure.lang.PersistentHashMap
(class (array-map)) ;=> clojure.lang.PersistentArrayMap
(class (hash-map)) ;=> clojure.lang.PersistentArrayMap
(class (hash-map 1 2)) ;=> clojure.lang.PersistentHashMap
(class (transient [])) ;=> clojure.lang.PersistentVector$TransientVector
(class (atom 1)) ;=> clojure.lang.Atom
(class (delay 1)) ;=> clojure.lang.Delay
(class (volatile! 1)) ;=> clojure.lang.Volatile
(class (reduced 1)) ;=> clojure.lang.Reduced
(class #"a") ;=> java.util.regex.Pattern
(class (rseq [1 2])) ;=> clojure.lang.APersistentVector$RSeq
(class (find-ns 'user)) ;=> clojure.lang.Namespace
(class #'inc) ;=> clojure.lang.Var
(class String) ;=> java.lang.Class
(class (ex-info "a" {})) ;=> clojure.lang.ExceptionInfo
(class (random-uuid)) ;=> java.util.UUID
(class #inst "2020") ;=> java.util.Date
(class (lazy-seq nil)) ;=> clojure.lang.LazySeq
(class (re-matcher #"a" "a")) ;=> java.util.regex.Matcher
(class (tagged-literal 'a 1)) ;=> clojure.lang.TaggedLiteral
(instance? Long 1) ;=> true
(instance? Number 1) ;=> true
(instance? Comparable 1) ;=> true
(instance? CharSequence "a") ;=> true
(instance? clojure.lang.IPersistentMap {}) ;=> true
(instance? java.util.Map {}) ;=> true
(instance? java.util.List [1]) ;=> true
(instance? java.util.Collection #{}) ;=> true
(instance? Iterable [1]) ;=> true
(instance? clojure.lang.ISeq '(1)) ;=> true
(instance? clojure.lang.LazySeq (map inc [1])) ;=> true
(instance? clojure.lang.IFn :a) ;=> true
(instance? clojure.lang.Keyword :a) ;=> true
(instance? clojure.lang.Symbol 'a) ;=> true
(instance? clojure.lang.Ratio 1/2) ;=> true
(instance? clojure.lang.BigInt 1N) ;=> true
(instance? java.math.BigDecimal 1M) ;=> true
(instance? BigInteger (biginteger 1)) ;=> true
(instance? Object nil) ;=> false
(instance? Throwable (ex-info "" {})) ;=> true
(instance? clojure.lang.IDeref (atom 1)) ;=> true
(instance? clojure.lang.Named :a) ;=> true
(instance? Boolean true) ;=> true
(instance? Character \a) ;=> true
(instance? java.util.UUID (random-uuid)) ;=> true
(instance? java.util.Date #inst "2020") ;=> true
(instance? clojure.lang.Associative []) ;=> true
(instance? clojure.lang.Sequential []) ;=> true
(instance? clojure.lang.MapEntry (first {:a 1})) ;=> true
(instance? java.util.concurrent.Callable inc) ;=> true
(instance? Runnable inc) ;=> true
(instance? clojure.lang.Atom (atom 1)) ;=> true
(instance? clojure.lang.Var #'inc) ;=> true
(cast Number "a") ;!> type
(bases Long) ;=> (java.lang.Number java.lang.Comparable java.lang.constant.Constable java.lang.constant.ConstantDesc)
(isa? Long Number) ;=> true
(hash-ordered-coll [1 2]) ;=> 156247261
(hash-unordered-coll #{1 2}) ;=> 460223544
(mix-collection-hash 1 2) ;=> 1734656966
(hash-combine 1 2) ;=> -1640531462
(hash nil) ;=> 0
(hash [nil]) ;=> 965192274
(hash 1.0) ;=> 1072693248
(hash -0.0) ;=> 0
(hash 1.0M) ;=> 31
(hash \a) ;=> 97
(hash "a") ;=> 1455541201
(hash true) ;=> 1231
(Class/forName "java.lang.String") ;=> java.lang.String
(.getName String) ;=> "java.lang.String"
(.getSimpleName String) ;=> "String"
(str String) ;=> "class java.lang.String"
(symbol "a" "b") ;=> a/b
(symbol :a/b) ;=> a/b
(symbol #'inc) ;=> clojure.core/inc
(symbol 1) ;!> argument
(keyword 1) ;=> nil
(keyword "a" nil) ;!> null
(keyword nil "a") ;=> :a
(name 1) ;!> type
(namespace "a") ;!> type
(ex-message "a") ;=> nil
(ex-data (Exception. "x")) ;=> nil
(bit-and 5 3 1) ;=> 1
(bit-test 5 2) ;=> true
(bit-shift-left 1 64) ;=> 1
(bit-shift-right -8 1) ;=> -4
(unsigned-bit-shift-right -1 60) ;=> 15
(bit-not 5) ;=> -6
(bit-and 1.5 1) ;!> argument
(unchecked-add 9223372036854775807 1) ;=> -9223372036854775808
(unchecked-int 5000000000) ;=> 705032704
(unchecked-byte 300) ;=> 44
(unchecked-multiply-int 100000 100000) ;=> 1410065408
(unchecked-divide-int 7 2) ;=> 3
(unchecked-char 97) ;=> \a
(unchecked-long 1.9) ;=> 1
(int 5000000000) ;!> arithmetic
(byte 200) ;!> argument
(char 97) ;=> \a
(char -1) ;!> argument
(num 1) ;=> 1
(rationalize 0.1) ;=> 1/10
(numerator 1/2) ;=> 1
(numerator 1) ;!> type
