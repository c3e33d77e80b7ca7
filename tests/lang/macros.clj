;; macros of the user, syntax-quote, hygiene

(do (defmacro unless [c & body] `(if ~c nil (do ~@body))) [(unless false 1 2) (unless true 1)]) ;=> [2 nil]
(do (defmacro my-or [a b] `(let [x# ~a] (if x# x# ~b))) (let [x 5] (my-or nil x))) ;=> 5
(do (defmacro twice [e] `(do ~e ~e)) (let [a (atom 0)] (twice (swap! a inc)) @a)) ;=> 2
(do (defmacro m [& xs] (vec (map inc xs))) (m 1 2 3)) ;=> [2 3 4]
(do (defmacro infix [[a op b]] (list op a b)) (infix (1 + 2))) ;=> 3
(do (defmacro w [binds & body] `(let [~@binds] ~@body)) (w [a 1 b 2] (+ a b))) ;=> 3
(do (defmacro m ([a] [:one a]) ([a & r] [:many a])) [(m 1) (m 1 2)]) ;=> [[:one 1] [:many 1]]
(do (defn helper [x] (* x x)) (defmacro sq [n] (helper n)) (sq 7)) ;=> 49
(do (defmacro rec [n] (if (zero? n) 0 `(+ 1 (rec ~(dec n))))) (rec 5)) ;=> 5
(do (defmacro f* [] `(fn [x#] (inc x#))) ((f*) 1)) ;=> 2
(macroexpand-1 '(when a b c)) ;=> (if a (do b c))
`(a ~(+ 1 2) ~@[4 5]) ;=> (user/a 3 4 5)
`[1 ~@() 2] ;=> [1 2]
`{:a ~(inc 1)} ;=> {:a 2}
`inc ;=> clojure.core/inc
`(if x) ;=> (if user/x)
`:kw ;=> :kw
'(1 ~x) ;=> (1 (clojure.core/unquote x))
(let [x 1] `(~x ~'x)) ;=> (1 x)
(= (first `(x# y#)) (second `(x# y#))) ;=> false
(let [[a b] `(x# x#)] (= a b)) ;=> true
(do (defmacro e [& _] (str &form)) (e 1 2)) ;=> "(e 1 2)"
(do (defmacro locals [] (vec (map name (sort (keys &env))))) (let [a 1 b 2] (locals))) ;=> ["a" "b"]
(unknown-fn 1) ;!> :unresolved
(let [x] x) ;!> :syntax
(let [when (fn [x] [:mine x])] (when 1)) ;=> [:mine 1]

;; class names in a syntax quote
[`a. `Exception. `.foo `String `Math/abs `java.util.Date. `a/b.] ;=> [a. java.lang.Exception. .foo java.lang.String java.lang.Math/abs java.util.Date. a/b.]
(do (defmacro mm [] `(try (throw (Exception. "b")) (catch Exception e# (.getMessage e#)))) (mm)) ;=> "b"
(do (defmacro mm [x] `(when (instance? String ~x) (Math/abs -4))) (mm "a")) ;=> 4
(do (defrecord Foo [a]) (defmacro mm [x] `(Foo. ~x)) (:a (mm 1))) ;=> 1
java.lang.Long/MAX_VALUE ;=> 9223372036854775807
