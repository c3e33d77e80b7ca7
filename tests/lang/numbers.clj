;; the numeric tower

[(+) (*) (- 5) (/ 2)] ;=> [0 1 -5 1/2]
(+ 9223372036854775807 1) ;!> :arithmetic
(+' 9223372036854775807 1) ;=> 9223372036854775808N
(* 3037000500 3037000500) ;!> :arithmetic
(*' 3037000500 3037000500) ;=> 9223372037000250000N
(inc 9223372036854775807) ;!> :arithmetic
(dec' -9223372036854775808) ;=> -9223372036854775809N
(unchecked-add 9223372036854775807 1) ;=> -9223372036854775808
(/ 6 4) ;=> 3/2
(/ 6 3) ;=> 2
(/ 1 0) ;!> :arithmetic
(/ 1.0 0) ;=> ##Inf
(+ 1/3 2/3) ;=> 1N
(* 2 0.5) ;=> 1.0
(+ 1 2N) ;=> 3N
(+ 1.5M 1) ;=> 2.5M
(+ 1.5M 1.0) ;=> 2.5
(* 1.10M 2) ;=> 2.20M
(/ 1M 3M) ;!> :arithmetic
[(quot -7 2) (rem -7 2) (mod -7 2)] ;=> [-3 -1 1]
[(quot 7.5 2) (rem 7.5 2) (mod -7.5 2)] ;=> [3.0 1.5 0.5]
[(= 1 1.0) (== 1 1.0) (= 1 1N) (= 1.0M 1.00M) (== 1.0M 1.00M)] ;=> [false true true true true]
[(= 1/2 0.5) (== 1/2 0.5)] ;=> [false true]
[(max 1 2.0) (min 1 2.0) (max 3 1)] ;=> [2.0 1 3]
[(bit-and 12 10) (bit-or 12 10) (bit-xor 12 10) (bit-not 5) (bit-shift-left 1 10) (bit-shift-right -8 1)] ;=> [8 14 6 -6 1024 -4]
(unsigned-bit-shift-right -1 60) ;=> 15
[(int 3.9) (long -3.9) (double 1/4) (float 0.5)] ;=> [3 -3 0.25 0.5]
(long 1e30) ;!> :argument
[(Math/abs -5) (Math/pow 2 10) (Math/sqrt 16) (Math/floor -1.5) (Math/round 2.5)] ;=> [5 1024.0 4.0 -2.0 3]
[(numerator 6/4) (denominator 6/4)] ;=> [3 2]
(rationalize 0.25) ;=> 1/4
(bigint 1e20) ;=> 100000000000000000000N
(bigdec 1/4) ;=> 0.25M
(reduce *' (range 1 26)) ;=> 15511210043330985984000000N
(mod 123456789012345678901234567890N 97) ;=> 52N
(hash 1.5) ;=> 1073217536
[(hash 1) (hash 1/2) (hash 10N) (hash 1.5M)] ;=> [1392991556 3 -289985220 466]
[0x1F 017 2r101 36rZ 1e3 1.5e-3] ;=> [31 15 5 35 1000.0 0.0015]
[(zero? 0.0) (pos? 1/2) (neg? -1M) (even? 4N) (odd? 3)] ;=> [true true true true true]
[(integer? 1N) (ratio? 1/2) (decimal? 1M) (float? 1.0) (rational? 1/2) (number? \a)] ;=> [true true true true true false]
(NaN? (- ##Inf ##Inf)) ;=> true
(= ##NaN ##NaN) ;=> false
(< 1 2 3 3) ;=> false
(<= 1 2 3 3) ;=> true
(compare 1 1.0) ;=> 0
(range 0 1 0.25) ;=> (0 0.25 0.5 0.75)
(range 5 0 -2) ;=> (5 3 1)
(rand-int 1) ;=> 0
(Long/MAX_VALUE) ;=> 9223372036854775807
Long/MIN_VALUE ;=> -9223372036854775808
(pos? (System/currentTimeMillis)) ;=> true
(<= (System/nanoTime) (System/nanoTime)) ;=> true
(Long/toString 255 16) ;=> "ff"
(+ 1 nil) ;!> :null
(+ 1 "2") ;!> :type

;; found by comparison with Clojure (tests/compat)
(try (doall (let [[x y] [1.0 0]] (/ x y))) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "Divide by zero"]
(try (doall (apply / [1.0 0.0])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "Divide by zero"]
(try (doall (reduce / [1 0.0])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "Divide by zero"]
(let [[y] [0]] (/ 1.0 y)) ;=> ##Inf
(let [[x] [1]] (/ (double x) 0)) ;=> ##Inf
(let [[x y] [##NaN 0]] (/ x y)) ;=> ##NaN
(let [[x y] [##NaN "a"]] (max x y)) ;=> ##NaN
(try (doall (/ :d 0)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "Divide by zero"]
(try (doall (/ nil 0)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "Divide by zero"]
(try (doall (> "a" :b)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.Keyword cannot be cast to class java.lang.Number (clojure.lang.Keyword is in unnamed module of loader 'app'; java.lang.Number is in module java.base of loader 'bootstrap')"]
(try (doall (< "a" :b)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class java.lang.String cannot be cast to class java.lang.Number (java.lang.String and java.lang.Number are in module java.base of loader 'bootstrap')"]
(try (doall (-' [1] "a")) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class java.lang.String cannot be cast to class java.lang.Number (java.lang.String and java.lang.Number are in module java.base of loader 'bootstrap')"]
(try (doall (max 1/3 1.10M)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "Non-terminating decimal expansion; no exact representable decimal result."]
(try (doall (== 0M -1/3)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "Non-terminating decimal expansion; no exact representable decimal result."]
(== 1/2 0.5M) ;=> true
(try (doall (compare 100M 2/3)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "Non-terminating decimal expansion; no exact representable decimal result."]
(sort [1/2 0.25M]) ;=> (0.25M 1/2)
([1 2 3] 4294967296) ;=> 1
(get [1 2 3] 4294967297) ;=> 2
(get "abc" 1e300) ;=> nil
(try (doall (subvec [1 2] 4294967296)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "integer overflow"]
(try (doall (map int [1e10])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "integer overflow"]
(try (doall (map short [1e300])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.IllegalArgumentException "Value out of range for long: 1.0E300"]
(try (doall (byte 123456789012345678901/7)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.IllegalArgumentException "Value out of range for long: 17636684144620811271"]
(try (doall (unchecked-inc-int :a)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.Keyword cannot be cast to class java.lang.Number (clojure.lang.Keyword is in unnamed module of loader 'app'; java.lang.Number is in module java.base of loader 'bootstrap')"]
(try (doall (unchecked-add-int 4294967297 :c)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ArithmeticException "integer overflow"]
(try (doall (unchecked-int [1])) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class clojure.lang.PersistentVector cannot be cast to class java.lang.Character (clojure.lang.PersistentVector is in unnamed module of loader 'app'; java.lang.Character is in module java.base of loader 'bootstrap')"]
(Double/compare 2.5 ##NaN) ;=> -1
(Double/compare 0.0 -0.0) ;=> 1
[(.intValue 1e300) (.longValue 1e300) (.intValue 4294967297) (.longValue 123456789012345678901234567890N) (.intValue ##NaN)] ;=> [2147483647 9223372036854775807 1 -4362896299872285998 0]
(try (doall (Boolean/parseBoolean 5)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.ClassCastException "class java.lang.Long cannot be cast to class java.lang.String (java.lang.Long and java.lang.String are in module java.base of loader 'bootstrap')"]
(try (doall (Long/parseLong "a" 1)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.NumberFormatException "radix 1 less than Character.MIN_RADIX"]
(try (doall (Double/parseDouble " x ")) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.NumberFormatException "For input string: \"x\""]
[(.hashCode 5) (.hashCode -1) (.hashCode 1.5) (.hashCode 1/3) (.hashCode 1.50M) (.hashCode 12345678901234567890N) (.hashCode \a) (.hashCode true)] ;=> [5 0 1073217536 2 4652 -1436577082 97 1231]
[(.hashCode "abc") (.hashCode :a/b) (.hashCode 'a/b) (.hashCode [1 2 3]) (.hashCode {:a 1}) (.hashCode #{1 2}) (.hashCode '()) (.hashCode (range 3))] ;=> [96354 1013910665 -1640525104 30817 1013910568 3 1 29824]
(try (doall (.setScale 1.5M)) (catch Throwable e [(class e) (ex-message e)])) ;=> [java.lang.IllegalArgumentException "No matching field found: setScale for class java.math.BigDecimal"]
;; single precision: what (float x) makes prints and hashes as a Float, arithmetic gives doubles
[(float 0.3) (float 1e20M) (float 1.4E-45) (float 123456.789M) (float 1/3)] ;=> [0.3 1.0E20 1.4E-45 123456.79 0.33333334]
[(class (float 1)) (float? (float 1)) (double? (float 1)) (class (+ (float 0.1) (float 0.2)))] ;=> [java.lang.Float true false java.lang.Double]
[(= (float 0.5) 0.5) (= (float 0.1) 0.1) (hash (float 0.1)) (.hashCode (float 0.1)) (double (float 0.1))] ;=> [true false 1036831949 1036831949 0.10000000149011612]
[(float 2.8E-45) (float 4.2E-45) (float 9.8E-45) (float 1.1E-44) (float 3.4028234663852886e38) (float 0.001) (float 9.9E-4) (float -0.0) (float 16777216) (float 9999999) (float 1e7) (float 8.41E21) (float 2.0E23)] ;=> [2.8E-45 4.2E-45 9.8E-45 1.1E-44 3.4028235E38 0.001 9.9E-4 -0.0 1.6777216E7 9999999.0 1.0E7 8.41E21 2.0E23]
[(Float/parseFloat "0.1") (Float/valueOf "1.5") (Float. 0.1) (Float/toString 0.1) (class (.floatValue 1)) Float/MAX_VALUE Float/MIN_VALUE (Math/abs (float -0.1))] ;=> [0.1 1.5 0.1 "0.1" java.lang.Float 3.4028235E38 1.4E-45 0.1]
(do (defmulti of-class class) (defmethod of-class Float [x] :f) (defmethod of-class Double [x] :d) [(of-class 1.0) (of-class (float 1))]) ;=> [:d :f]
(do (defprotocol P (p [x])) (extend-protocol P Double (p [x] :d) Float (p [x] :f)) [(p 1.0) (p (float 1)) (p 1.0)]) ;=> [:d :f :d]
[((eval (list 'fn [] (float 0.1)))) (.equals (float 0.5) 0.5) (.equals (float 0.5) (float 0.5))] ;=> [0.1 false true]
[(format "%s %.3f" (float 0.1) (float 0.1)) (vec (float-array [0.1 0.2])) (vector-of :float 0.1)] ;=> ["0.1 0.100" [0.1 0.2] [0.1]]
[(take 3 (range ##NaN)) (str (range 0 1 0.25)) (.intValue (- 1/3 9223372036854775808N))] ;=> [() "(0 0.25 0.5 0.75)" -2147483648]
(try (== nil :a) (catch Exception e (class e))) ;=> java.lang.ClassCastException
[(format "%#2.0e" 10.0) (format "% .2A" 3.5) (String/join "," [nil "a"]) (clojure.string/blank? false)] ;=> ["1.e+01" " 0X1.C0P1" "null,a" true]
[(format "%a" 0.1) (format "%.0a" 1.99) (format "%.3a" -0.1) (format "%a" 4.9E-324) (format "%.2a" 4.9E-324) (format "%.15a" 1.0) (format "%+.1a" 0.0)] ;=> ["0x1.999999999999ap-4" "0x1.0p1" "-0x1.99ap-4" "0x0.0000000000001p-1022" "0x1.00p-1074" "0x1.000000000000000p0" "+0x0.0p0"]
[(with-precision 4 :rounding HALF_DOWN (- -2.82531M -83.781M)) (with-precision 3 (- 1.23456M)) (with-precision 3 (abs -1.23456M)) (with-precision 3 (bigdec 1/3))] ;=> [80.95M -1.23M 1.23M 0.333M]
