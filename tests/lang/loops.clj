;; loop, recur, dotimes, doseq, while, trampoline, letfn, mutual recursion

(loop [i 0 acc 1] (if (< i 10) (recur (inc i) (* acc 2)) acc)) ;=> 1024
(loop [i 0] (if (< i 100000) (recur (inc i)) i)) ;=> 100000
(loop [a 1 b 2 n 0] (if (< n 3) (recur b a (inc n)) [a b])) ;=> [2 1]
(loop [xs (range 50) s 0] (if-let [[x & r] (seq xs)] (recur r (+ s x)) s)) ;=> 1225
(let [a (atom [])] (dotimes [i 3] (dotimes [j 2] (swap! a conj [i j]))) @a) ;=> [[0 0] [0 1] [1 0] [1 1] [2 0] [2 1]]
(let [a (atom 3)] (while (pos? @a) (swap! a dec)) @a) ;=> 0
(let [a (atom [])] (doseq [x (range 3) :when (odd? x) y [:a :b]] (swap! a conj [x y])) @a) ;=> [[1 :a] [1 :b]]
(let [a (atom 0)] (doseq [x (range 1000)] (swap! a + x)) @a) ;=> 499500
(letfn [(ev? [n] (if (zero? n) true (od? (dec n)))) (od? [n] (if (zero? n) false (ev? (dec n))))] [(ev? 10) (ev? 7)]) ;=> [true false]
(letfn [(f [x] (if (> x 3) x (g (inc x)))) (g [x] (f (* 2 x)))] (f 0)) ;=> 6
(letfn [(ev? [n] (if (zero? n) true #(od? (dec n)))) (od? [n] (if (zero? n) false #(ev? (dec n))))] (trampoline ev? 5000)) ;=> true
(let [x 10] (letfn [(f [n] (if (zero? n) x (f (dec n))))] (f 5))) ;=> 10
(letfn [(a [] (b)) (b [] (c)) (c [] :end)] (a)) ;=> :end
(letfn [(a [n] (if (zero? n) [] (conj (b (dec n)) :a))) (b [n] (if (zero? n) [] (conj (a (dec n)) :b)))] (a 3)) ;=> [:a :b :a]
(let [fs (letfn [(f [] g) (g [] f)] [f g])] (identical? (second fs) ((first fs)))) ;=> true
((fn fact [n] (if (< n 2) 1 (*' n (fact (dec n))))) 25) ;=> 15511210043330985984000000N
((fn sum ([xs] (sum xs 0)) ([[x & r] acc] (if x (recur r (+ acc x)) acc))) [1 2 3]) ;=> 6
(defn ack [m n] (cond (zero? m) (inc n) (zero? n) (ack (dec m) 1) :else (ack (dec m) (ack m (dec n)))))
(ack 2 3) ;=> 9
(defn hanoi [n a b c] (if (zero? n) 0 (+ (hanoi (dec n) a c b) 1 (hanoi (dec n) c b a))))
(hanoi 8 :a :b :c) ;=> 255
(defn perms [xs] (if (seq xs) (for [x xs p (perms (remove #{x} xs))] (cons x p)) [()]))
(perms [1 2 3]) ;=> ((1 2 3) (1 3 2) (2 1 3) (2 3 1) (3 1 2) (3 2 1))
(defn qsort [[p & xs]] (if p (concat (qsort (filter #(< % p) xs)) [p] (qsort (remove #(< % p) xs))) []))
(qsort [3 1 4 1 5 9 2 6]) ;=> (1 1 2 3 4 5 6 9)
(defn queens [n] (letfn [(ok? [qs c] (every? (fn [[i q]] (not (or (= q c) (= (Math/abs (- q c)) (inc i))))) (map-indexed vector qs))) (place [k] (if (zero? k) [()] (for [qs (place (dec k)) c (range n) :when (ok? qs c)] (cons c qs))))] (count (place n))))
(queens 5) ;=> 10
(loop [x 1] (let [y (inc x)] (if (> y 5) y (recur y)))) ;=> 6
(loop [[a & r :as all] [3 2 1] n 0] (if a (recur r (+ n (count all))) n)) ;=> 6
(loop [i 0 fs []] (if (< i 3) (recur (inc i) (conj fs #(+ i %))) (map #(% 10) fs))) ;=> (10 11 12)
