;; java.clj - what programs name of java.lang, java.util, java.math and java.net, as far as it is not a C builtin. Methods are the
;; functions of breyta.method, statics those of a namespace with the name of the class, constructors those of breyta.new. The rules
;; of prelude.clj hold.

(ns breyta.java)

(defn object
  "A host object of a class: its text and what it is made of."
  [class text & parts]
  (breyta.host/make :object 0 0 0 (into [text] parts) class))

(defn parts-of
  "What a host object of a class is made of, after its text; nil if x is no such object."
  [class x]
  (when (and (= :object (breyta.host/kind x)) (= class (breyta.host/y x)))
    (rest (breyta.host/x x))))

(defn need-decimal
  "Is x a BigDecimal or integer, for the methods of BigDecimal?"
  [x name n]
  (when-not (or (decimal? x) (integer? x))
    (breyta.host/none name n x)))

(def roundings "Names of the constants of RoundingMode." ["UP" "DOWN" "CEILING" "FLOOR" "HALF_UP" "HALF_DOWN" "HALF_EVEN" "UNNECESSARY"])

(defn rounding
  "A RoundingMode, or the number of a ROUND_ constant, by its name."
  [mode]
  (if (number? mode)
    (roundings mode)
    (str mode)))

(defn context
  "[precision mode-name] of a MathContext."
  [mc]
  (or (parts-of "java.math.MathContext" mc)
      (throw (new ClassCastException (str "class " (.getName (class mc)) " cannot be cast to class java.math.MathContext")))))

(defn in-context
  "(f) with the precision and rounding of a MathContext."
  [mc f]
  (let [[precision mode] (context mc)]
    (binding [*math-context* (breyta.math/context precision (symbol mode))]
      (f))))

(def time-units "Nanoseconds of the constants of TimeUnit." {"NANOSECONDS" 1 "MICROSECONDS" 1000 "MILLISECONDS" 1000000 "SECONDS" 1000000000 "MINUTES" 60000000000 "HOURS" 3600000000000 "DAYS" 86400000000000})

(defn convert
  "n of a TimeUnit in units of so many nanoseconds."
  [unit n nanos]
  (if-let [own (time-units (str unit))]
    (breyta.time/whole (quot (*' n own) nanos))
    (breyta.host/none "convert" 1 unit)))

(defn as-text
  "Text of a string or bytes, one character a byte."
  [x]
  (if (string? x) x (apply str (map (fn [b] (char (bit-and b 255))) x))))

;; ---- methods ----

(ns breyta.method)

(defn getMostSignificantBits
  "(.getMostSignificantBits uuid)
  (.getMostSignificantBits #uuid \"00000000-0000-0001-0000-000000000002\") ;=> 1"
  [u]
  (if (uuid? u) ((breyta.host/halves u) 0) (breyta.host/none "getMostSignificantBits" 0 u)))
(defn getLeastSignificantBits "(.getLeastSignificantBits uuid)" [u] (if (uuid? u) ((breyta.host/halves u) 1) (breyta.host/none "getLeastSignificantBits" 0 u)))
(defn version "(.version uuid)" [u] (if (uuid? u) (bit-and 15 (bit-shift-right ((breyta.host/halves u) 0) 12)) (breyta.host/none "version" 0 u)))

(defn encodeToString
  "(.encodeToString base64-encoder bytes)
  (.encodeToString (java.util.Base64/getEncoder) (.getBytes \"hello\")) ;=> \"aGVsbG8=\"
  (.encodeToString (.withoutPadding (java.util.Base64/getUrlEncoder)) (.getBytes \"a?>\")) ;=> \"YT8-\""
  [encoder bytes]
  (let [[kind padding] (breyta.java/parts-of "java.util.Base64$Encoder" encoder)
        s (breyta.sandbox/base64-encode bytes)
        s (if (= kind :url) (clojure.string/replace (clojure.string/replace s "+" "-") "/" "_") s)
        s (if (and (= kind :mime) (> (clojure.core/count s) 76)) (clojure.string/join "\r\n" (map (fn [part] (apply str part)) (partition-all 76 s))) s)]
    (case kind
      nil (breyta.host/none "encodeToString" 1 encoder)
      (if padding s (clojure.string/replace s "=" "")))))
(defn encode "(.encode base64-encoder bytes)" [encoder bytes] (.getBytes (encodeToString encoder bytes)))
(defn withoutPadding "(.withoutPadding base64-encoder)" [encoder] (breyta.java/object "java.util.Base64$Encoder" "encoder" (clojure.core/first (breyta.java/parts-of "java.util.Base64$Encoder" encoder)) false))
(defn decode
  "(.decode base64-decoder text)
  (String. (.decode (java.util.Base64/getDecoder) \"aGVsbG8=\")) ;=> \"hello\"
  (.decode (java.util.Base64/getDecoder) \"a\") ;!> argument"
  [decoder x]
  (let [[kind] (breyta.java/parts-of "java.util.Base64$Decoder" decoder)
        s (breyta.java/as-text x)
        s (case kind
            :url (clojure.string/replace (clojure.string/replace s "-" "+") "_" "/")
            :mime (clojure.string/replace s #"[^A-Za-z0-9+/=]" "")
            :basic s
            (breyta.host/none "decode" 1 decoder))
        bare (clojure.string/replace s #"=+$" "")]
    (when-let [bad (re-find #"[^A-Za-z0-9+/]" bare)]
      (throw (new IllegalArgumentException (str "Illegal base64 character " (Long/toHexString (long (clojure.core/first bad)))))))
    (when (= 1 (rem (clojure.core/count bare) 4))
      (throw (new IllegalArgumentException (if (= 1 (clojure.core/count bare))
                                             "Input byte[] should at least have 2 bytes for base64 bytes"
                                             "Last unit does not have enough valid bits"))))
    (breyta.sandbox/base64-decode-bytes (str bare (subs "==" 0 (clojure.core/mod (- (clojure.core/count bare)) 4))))))

(defn divide
  "(.divide x y) (.divide x y mode-or-context) (.divide x y scale mode)
  (.divide 1M 3M 4 java.math.RoundingMode/HALF_UP) ;=> 0.3333M
  (.divide 1M 4M) ;=> 0.25M"
  ([x y]
   (breyta.java/need-decimal x "divide" 1)
   (if (decimal? x) (/ x y) (quot x y)))
  ([x y mode]
   (if (breyta.java/parts-of "java.math.MathContext" mode)
     (breyta.java/in-context mode (fn [] (/ x y)))
     (divide x y (.scale x) mode)))
  ([x y scale mode]
   (breyta.java/need-decimal x "divide" 3)
   (when (zero? y)
     (throw (new ArithmeticException (if (zero? x) "Division undefined" "Division by zero"))))
   (let [q (/ (rationalize x) (rationalize y))
         ten (reduce *' (repeat (clojure.core/abs scale) 10))
         scaled (if (neg? scale) (/ q ten) (* q ten))
         floor (let [n (if (ratio? scaled) (numerator scaled) scaled) d (if (ratio? scaled) (denominator scaled) 1)] (quot (- n (clojure.core/mod n d)) d))
         rest (- scaled floor)
         up (case (breyta.java/rounding mode)
              "UP" (if (zero? rest) floor (if (neg? scaled) floor (inc floor)))
              "DOWN" (if (or (zero? rest) (pos? scaled)) floor (inc floor))
              "CEILING" (if (zero? rest) floor (inc floor))
              "FLOOR" floor
              "UNNECESSARY" (if (zero? rest) floor (throw (new ArithmeticException "Rounding necessary")))
              (let [side (compare rest 1/2)]
                (cond
                  (neg? side) floor
                  (pos? side) (inc floor)
                  :else (case (breyta.java/rounding mode)
                          "HALF_UP" (if (neg? scaled) floor (inc floor))
                          "HALF_DOWN" (if (neg? scaled) (inc floor) floor)
                          "HALF_EVEN" (if (even? floor) floor (inc floor))))))]
     (BigDecimal/valueOf (bigint up) scale))))
(defn remainder "(.remainder x y)" [x y] (breyta.java/need-decimal x "remainder" 1) (rem x y))
(defn mod
  "(.mod big-integer m)"
  [x m]
  (breyta.java/need-decimal x "mod" 1)
  (if (pos? m) (biginteger (clojure.core/mod x m)) (throw (new ArithmeticException "BigInteger: modulus not positive"))))
(defn pow "(.pow x n)" [x n] (breyta.java/need-decimal x "pow" 1) (if (neg? n) (throw (new ArithmeticException (if (decimal? x) "Invalid operation" "Negative exponent"))) (let [r (reduce *' (if (decimal? x) 1M 1) (repeat n x))] (if (decimal? x) r (biginteger r)))))
(defn modPow "(.modPow x n m)" [x n m] (biginteger (loop [b (clojure.core/mod x m), n n, r 1] (if (zero? n) (clojure.core/mod r m) (recur (clojure.core/mod (*' b b) m) (quot n 2) (if (odd? n) (clojure.core/mod (*' r b) m) r))))))
(defn gcd "(.gcd x y)" [x y] (biginteger (loop [a (clojure.core/abs x), b (clojure.core/abs y)] (if (zero? b) a (recur b (rem a b))))))
(defn bitLength "(.bitLength big-integer)" [x] (loop [n (if (neg? x) (-' (inc x)) x), bits 0] (if (zero? n) bits (recur (quot n 2) (inc bits)))))
(defn max "(.max x y)" [x y] (breyta.java/need-decimal x "max" 1) (if (neg? (compare x y)) y x))
(defn min "(.min x y)" [x y] (breyta.java/need-decimal x "min" 1) (if (pos? (compare x y)) y x))
(defn movePointLeft "(.movePointLeft x n)" [x n] (breyta.java/need-decimal x "movePointLeft" 1) (let [s (+ (.scale x) n)] (cond-> (BigDecimal/valueOf (unscaledValue x) s) (neg? s) (.setScale 0))))
(defn movePointRight "(.movePointRight x n)" [x n] (movePointLeft x (- n)))
(defn scaleByPowerOfTen "(.scaleByPowerOfTen x n)" [x n] (BigDecimal/valueOf (unscaledValue x) (- (.scale x) n)))
(defn unscaledValue
  "(.unscaledValue x)
  (.unscaledValue 1.50M) ;=> 150"
  [x]
  (breyta.java/need-decimal x "unscaledValue" 0)
  (biginteger (let [s (.scale x)] (if (neg? s) (/ (rationalize x) (reduce *' (repeat (- s) 10))) (*' (rationalize x) (reduce *' (repeat s 10)))))))
(defn stripTrailingZeros
  "(.stripTrailingZeros x)
  (.stripTrailingZeros 1.500M) ;=> 1.5M"
  [x]
  (breyta.java/need-decimal x "stripTrailingZeros" 0)
  (if (zero? x)
    0M
    (loop [u (unscaledValue x), s (.scale x)]
      (if (zero? (rem u 10)) (recur (quot u 10) (dec s)) (BigDecimal/valueOf u s)))))
(defn toPlainString
  "(.toPlainString x)
  (.toPlainString 1E+5M) ;=> \"100000\""
  [x]
  (breyta.java/need-decimal x "toPlainString" 0)
  (let [s (.scale x)]
    (if (neg? s)
      (str (unscaledValue x) (apply str (repeat (if (zero? x) 0 (- s)) "0")))
      (let [digits (str (clojure.core/abs (unscaledValue x)))
            digits (str (apply str (repeat (- (inc s) (clojure.core/count digits)) "0")) digits)
            point (- (clojure.core/count digits) s)]
        (str (when (neg? x) "-") (subs digits 0 point) (when (pos? s) ".") (subs digits point))))))
(defn toBigInteger "(.toBigInteger x)" [x] (breyta.java/need-decimal x "toBigInteger" 0) (biginteger x))
(defn round
  "(.round x math-context)
  (.round 1.2345M (java.math.MathContext. 3)) ;=> 1.23M"
  [x mc]
  (breyta.java/need-decimal x "round" 1)
  (breyta.java/in-context mc (fn [] (+ x 0M))))
(defn intValueExact "(.intValueExact x)" [x] (let [n (bigint x)] (cond (not= n (rationalize x)) (throw (new ArithmeticException "Rounding necessary")) (<= -2147483648 n 2147483647) (int n) :else (throw (new ArithmeticException "Overflow")))))
(defn longValueExact "(.longValueExact x)" [x] (let [n (bigint x)] (cond (not= n (rationalize x)) (throw (new ArithmeticException "Rounding necessary")) (<= Long/MIN_VALUE n Long/MAX_VALUE) (long n) :else (throw (new ArithmeticException "Overflow")))))
(defn byteValue "(.byteValue x)" [x] (if (number? x) (unchecked-byte x) (breyta.host/none "byteValue" 0 x)))
(defn shortValue "(.shortValue x)" [x] (if (number? x) (unchecked-short x) (breyta.host/none "shortValue" 0 x)))

(defn matcher "(.matcher pattern s)" [re s] (if (instance? java.util.regex.Pattern re) (re-matcher re s) (breyta.host/none "matcher" 1 re)))
(defn find "(.find matcher)" [m] (boolean (re-find m)))
(defn pattern "(.pattern regex)" [re] (if (instance? java.util.regex.Pattern re) (str re) (breyta.host/none "pattern" 0 re)))

(defn getOrDefault "(.getOrDefault map key otherwise)" [m k otherwise] (if (map? m) (clojure.core/get m k otherwise) (breyta.host/none "getOrDefault" 2 m)))
(defn entrySet "(.entrySet map)" [m] (if (map? m) (set (clojure.core/seq m)) (breyta.host/none "entrySet" 0 m)))
(defn keySet "(.keySet map)" [m] (if (map? m) (set (keys m)) (breyta.host/none "keySet" 0 m)))
(defn values "(.values map)" [m] (if (map? m) (vec (vals m)) (breyta.host/none "values" 0 m)))
(defn containsValue "(.containsValue map v)" [m v] (if (map? m) (boolean (some (fn [x] (= x v)) (vals m))) (breyta.host/none "containsValue" 1 m)))
(defn containsAll "(.containsAll coll xs)" [c xs] (every? (set c) xs))
(defn nth "(.nth coll i)" ([c i] (clojure.core/nth c i)) ([c i otherwise] (clojure.core/nth c i otherwise)))
(defn count "(.count coll)" [c] (if (coll? c) (clojure.core/count c) (breyta.host/none "count" 0 c)))
(defn valAt "(.valAt map k)" ([m k] (clojure.core/get m k)) ([m k otherwise] (clojure.core/get m k otherwise)))
(defn entryAt "(.entryAt map k)" [m k] (clojure.core/find m k))
(defn assoc "(.assoc map k v)" [m k v] (clojure.core/assoc m k v))
(defn without "(.without map k)" [m k] (dissoc m k))
(defn cons "(.cons coll x)" [c x] (conj c x))
(defn empty "(.empty coll)" [c] (clojure.core/empty c))
(defn equiv "(.equiv x y)" [x y] (= x y))
(defn seq "(.seq coll)" [c] (clojure.core/seq c))
(defn first "(.first seq)" [s] (clojure.core/first s))
(defn next "(.next seq)" [s] (clojure.core/next s))
(defn more "(.more seq)" [s] (rest s))
(defn peek "(.peek coll)" [c] (clojure.core/peek c))
(defn pop "(.pop coll)" [c] (clojure.core/pop c))
(defn getNamespace "(.getNamespace named)" [x] (if (ident? x) (namespace x) (breyta.host/none "getNamespace" 0 x)))
(defn sym "(.sym keyword)" [k] (if (keyword? k) (symbol k) (breyta.host/none "sym" 0 k)))
(defn meta "(.meta x)" [x] (clojure.core/meta x))
(defn withMeta "(.withMeta x m)" [x m] (with-meta x m))
(defn applyTo "(.applyTo f args)" [f args] (apply f args))
(defn call "(.call f)" [f] (if (ifn? f) (f) (breyta.host/none "call" 0 f)))
(defn run "(.run f)" [f] (if (ifn? f) (do (f) nil) (breyta.host/none "run" 0 f)))
(defn deref "(.deref ref)" [r] (clojure.core/deref r))
(defn before "(.before date date)" [x y] (neg? (compare x y)))
(defn after "(.after date date)" [x y] (pos? (compare x y)))
(defn toMicros "(.toMicros unit n)" [unit n] (breyta.java/convert unit n 1000))
(defn convert "(.convert unit n from)" [unit n from] (breyta.java/convert from n (breyta.java/time-units (str unit))))

;; ---- constructors ----

(ns breyta.new)

(defn MathContext
  "(java.math.MathContext. precision) (java.math.MathContext. precision mode)"
  ([precision] (MathContext precision "HALF_UP"))
  ([precision mode] (breyta.java/object "java.math.MathContext" (str "precision=" precision " roundingMode=" mode) precision (str mode))))
(defn Object "(Object.): equal only to itself" [] (breyta.java/object "java.lang.Object" "java.lang.Object" (atom nil)))
(defn ArrayList "(java.util.ArrayList. coll): a vector" ([] []) ([coll] (if (number? coll) [] (vec coll))))
(defn LinkedList "(java.util.LinkedList. coll): a vector" ([] []) ([coll] (vec coll)))
(defn HashMap "(java.util.HashMap. map): a map" ([] {}) ([m] (if (number? m) {} (into {} m))))
(defn LinkedHashMap "(java.util.LinkedHashMap. map): a map" ([] {}) ([m] (if (number? m) {} (into {} m))))
(defn TreeMap "(java.util.TreeMap. map): a sorted map" ([] (sorted-map)) ([m] (into (sorted-map) m)))
(defn HashSet "(java.util.HashSet. coll): a set" ([] #{}) ([coll] (if (number? coll) #{} (set coll))))

;; ---- statics ----

(ns UUID)
(defn nameUUIDFromBytes
  "The name-based UUID of bytes.
  (java.util.UUID/nameUUIDFromBytes (.getBytes \"abc\")) ;=> #uuid \"90015098-3cd2-3fb0-9696-3f7d28e17f72\""
  [bytes]
  (breyta.sandbox/uuid-from-bytes bytes))

(ns Base64)
(defn getEncoder "The basic encoder." [] (breyta.java/object "java.util.Base64$Encoder" "encoder" :basic true))
(defn getUrlEncoder "The encoder with - and _." [] (breyta.java/object "java.util.Base64$Encoder" "encoder" :url true))
(defn getMimeEncoder "The encoder with lines of 76 characters." [] (breyta.java/object "java.util.Base64$Encoder" "encoder" :mime true))
(defn getDecoder "The basic decoder." [] (breyta.java/object "java.util.Base64$Decoder" "decoder" :basic))
(defn getUrlDecoder "The decoder of - and _." [] (breyta.java/object "java.util.Base64$Decoder" "decoder" :url))
(defn getMimeDecoder "The decoder that passes over what is no base64." [] (breyta.java/object "java.util.Base64$Decoder" "decoder" :mime))

(ns URLEncoder)
(defn encode "Form encoding of UTF-8 text." ([s] (breyta.sandbox/url-encode s)) ([s charset] (breyta.sandbox/url-encode s)))
(ns URLDecoder)
(defn decode "What form encoding stands for." ([s] (breyta.sandbox/url-decode s)) ([s charset] (breyta.sandbox/url-decode s)))

(ns BigDecimal)
(def TEN "10" 10M)
(defn valueOf
  "The BigDecimal of a number, or of an unscaled number and a scale.
  (BigDecimal/valueOf 15 1) ;=> 1.5M"
  ([n] (bigdec n))
  ([n scale] (BigDecimal. (str n "E" (- scale)))))

(ns BigInteger)
(defn valueOf "The BigInteger of a long." [n] (biginteger n))
(def ZERO "0" (biginteger 0))
(def ONE "1" (biginteger 1))
(def TWO "2" (biginteger 2))
(def TEN "10" (biginteger 10))

(ns RoundingMode)
(def UP "Away from zero." (breyta.java/object "java.math.RoundingMode" "UP"))
(def DOWN "Towards zero." (breyta.java/object "java.math.RoundingMode" "DOWN"))
(def CEILING "Up." (breyta.java/object "java.math.RoundingMode" "CEILING"))
(def FLOOR "Down." (breyta.java/object "java.math.RoundingMode" "FLOOR"))
(def HALF_UP "To the nearer, halves away from zero." (breyta.java/object "java.math.RoundingMode" "HALF_UP"))
(def HALF_DOWN "To the nearer, halves towards zero." (breyta.java/object "java.math.RoundingMode" "HALF_DOWN"))
(def HALF_EVEN "To the nearer, halves to the even one." (breyta.java/object "java.math.RoundingMode" "HALF_EVEN"))
(def UNNECESSARY "Throws when it must round." (breyta.java/object "java.math.RoundingMode" "UNNECESSARY"))

(ns MathContext)
(def DECIMAL32 "7 digits." (breyta.new/MathContext 7 "HALF_EVEN"))
(def DECIMAL64 "16 digits." (breyta.new/MathContext 16 "HALF_EVEN"))
(def DECIMAL128 "34 digits." (breyta.new/MathContext 34 "HALF_EVEN"))
(def UNLIMITED "Exact." (breyta.new/MathContext 0 "HALF_UP"))

(ns TimeUnit)
(def NANOSECONDS "1 ns" (breyta.java/object "java.util.concurrent.TimeUnit" "NANOSECONDS"))
(def MICROSECONDS "1000 ns" (breyta.java/object "java.util.concurrent.TimeUnit" "MICROSECONDS"))
(def MILLISECONDS "1/1000 s" (breyta.java/object "java.util.concurrent.TimeUnit" "MILLISECONDS"))
(def SECONDS "1 s" (breyta.java/object "java.util.concurrent.TimeUnit" "SECONDS"))
(def MINUTES "60 s" (breyta.java/object "java.util.concurrent.TimeUnit" "MINUTES"))
(def HOURS "60 minutes" (breyta.java/object "java.util.concurrent.TimeUnit" "HOURS"))
(def DAYS "24 hours" (breyta.java/object "java.util.concurrent.TimeUnit" "DAYS"))

(ns TextStyle)
(def FULL "The whole name." (breyta.java/object "java.time.format.TextStyle" "FULL"))
(def SHORT "Three letters." (breyta.java/object "java.time.format.TextStyle" "SHORT"))
(def NARROW "One letter." (breyta.java/object "java.time.format.TextStyle" "NARROW"))
(ns ResolverStyle)
(def STRICT "No value out of range." (breyta.java/object "java.time.format.ResolverStyle" "STRICT"))
(def SMART "Days behind the end of a month are its last." (breyta.java/object "java.time.format.ResolverStyle" "SMART"))
(def LENIENT "As SMART." (breyta.java/object "java.time.format.ResolverStyle" "LENIENT"))

(ns Locale)
(def ROOT "No locale." (breyta.java/object "java.util.Locale" ""))
(def ENGLISH "en" (breyta.java/object "java.util.Locale" "en"))
(def US "en_US" (breyta.java/object "java.util.Locale" "en_US"))
(def UK "en_GB" (breyta.java/object "java.util.Locale" "en_GB"))

(ns Objects)
(defn equals "Are x and y equal?" [x y] (= x y))
(defn isNull "Is x nil?" [x] (nil? x))
(defn nonNull "Is x not nil?" [x] (some? x))
(defn hashCode "Java's hash code, 0 of nil." [x] (if (nil? x) 0 (.hashCode x)))
(defn requireNonNull "x, or a NullPointerException." ([x] (if (nil? x) (throw (new NullPointerException)) x)) ([x message] (if (nil? x) (throw (new NullPointerException message)) x)))

(ns Collections)
(defn emptyList "An empty vector." [] [])
(defn emptyMap "An empty map." [] {})
(defn emptySet "An empty set." [] #{})
(defn reverse "A vector of the elements in reverse." [coll] (vec (clojure.core/reverse coll)))
(defn max "The greatest element." [coll] (reduce (fn [a b] (if (neg? (compare a b)) b a)) coll))
(defn min "The least element." [coll] (reduce (fn [a b] (if (pos? (compare a b)) b a)) coll))

(ns Date)
(defn from "The #inst of an Instant." [x] (breyta.host/inst (breyta.method/toEpochMilli x)))

(ns System)
(defn lineSeparator "A newline." [] "\n")
(defn identityHashCode "The hash of x." [x] (hash x))

(ns Character)
(defn valueOf "c" [c] c)

(ns Class)
(defn forName
  "The class of a name.
  (Class/forName \"java.lang.String\") ;=> java.lang.String
  (Class/forName \"no.Such\") ;!> runtime"
  [name]
  (let [c (resolve (symbol name))]
    (if (class? c) c (throw (new ClassNotFoundException name)))))

(ns clojure.core)

(defn hash-combine
  "A hash made of two.
  (hash-combine 1 2) ;=> -1640531462"
  [x y]
  (unchecked-int (bit-xor x (unchecked-int (+ (if (nil? y) 0 (.hashCode y)) 0x9e3779b9 (bit-shift-left x 6) (bit-shift-right x 2))))))
