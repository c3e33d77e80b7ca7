;; zip.clj - clojure.zip: a place in a tree as a value, from which one goes on and changes things. The rules of prelude.clj hold.
;;
;; A location is the vector [node path]; path is nil at the top, :end behind the last node, else {:l left siblings, a vector, :r right
;; siblings, a seq, :pnodes the nodes above, :ppath the path of the location above, :changed? whether the node above is out of date}.

(ns clojure.zip)

(defn zipper
  "The location at the root of a tree. branch?: may a node have children? children: the seq of them; make-node: a node like an old one
  with other children.
  (clojure.zip/node (clojure.zip/zipper vector? seq (fn [_ xs] (vec xs)) [1 2])) ;=> [1 2]"
  [branch? children make-node root]
  (with-meta [root nil]
    {:zip/branch? branch? :zip/children children :zip/make-node make-node}))

(defn seq-zip
  "A zipper of nested seqs.
  (-> (clojure.zip/seq-zip '(1 (2))) clojure.zip/down clojure.zip/node) ;=> 1"
  [root]
  (zipper seq? identity (fn [node children] (with-meta children (meta node))) root))

(defn vector-zip
  "A zipper of nested vectors.
  (-> (clojure.zip/vector-zip [1 [2]]) clojure.zip/down clojure.zip/right clojure.zip/down clojure.zip/node) ;=> 2"
  [root]
  (zipper vector? seq (fn [node children] (with-meta (vec children) (meta node))) root))

(defn xml-zip
  "A zipper of {:tag :attrs :content} maps.
  (-> (clojure.zip/xml-zip {:tag :a :content [\"x\"]}) clojure.zip/down clojure.zip/node) ;=> \"x\""
  [root]
  (zipper (complement string?)
          (comp seq :content)
          (fn [node children] (assoc node :content (and children (apply vector children))))
          root))

(defn node
  "The node at a location.
  (clojure.zip/node (clojure.zip/vector-zip [1])) ;=> [1]"
  [loc]
  (loc 0))

(defn branch?
  "May the node at a location have children?
  (clojure.zip/branch? (clojure.zip/vector-zip [1])) ;=> true"
  [loc]
  ((:zip/branch? (meta loc)) (node loc)))

(defn children
  "The seq of children of the node at a location, which must be a branch.
  (clojure.zip/children (clojure.zip/vector-zip [1 2])) ;=> (1 2)"
  [loc]
  (if (branch? loc)
    ((:zip/children (meta loc)) (node loc))
    (throw (new Exception "called children on a leaf node"))))

(defn make-node
  "A node like `node` with other children."
  [loc node children]
  ((:zip/make-node (meta loc)) node children))

(defn path
  "The vector of nodes that lead to a location.
  (-> (clojure.zip/vector-zip [[1]]) clojure.zip/down clojure.zip/path) ;=> [[[1]]]"
  [loc]
  (:pnodes (loc 1)))

(defn lefts
  "The seq of siblings to the left of a location, nil if there are none.
  (-> (clojure.zip/vector-zip [1 2]) clojure.zip/down clojure.zip/right clojure.zip/lefts) ;=> (1)"
  [loc]
  (seq (:l (loc 1))))

(defn rights
  "The seq of siblings to the right of a location, nil if there are none.
  (-> (clojure.zip/vector-zip [1 2]) clojure.zip/down clojure.zip/rights) ;=> (2)"
  [loc]
  (:r (loc 1)))

(defn down
  "The location of the leftmost child, nil if there is none.
  (-> (clojure.zip/vector-zip [1 2]) clojure.zip/down clojure.zip/node) ;=> 1"
  [loc]
  (when (branch? loc)
    (let [[node path] loc
          [c & more :as cs] (children loc)]
      (when cs
        (with-meta [c {:l []
                       :pnodes (if path (conj (:pnodes path) node) [node])
                       :ppath path
                       :r more}]
          (meta loc))))))

(defn up
  "The location of the node above, changed if anything in it was; nil at the top.
  (-> (clojure.zip/vector-zip [1]) clojure.zip/down clojure.zip/up clojure.zip/node) ;=> [1]"
  [loc]
  (let [[node {:keys [l pnodes ppath r changed?]}] loc]
    (when pnodes
      (let [pnode (peek pnodes)]
        (with-meta (if changed?
                     [(make-node loc pnode (concat l (cons node r)))
                      (and ppath (assoc ppath :changed? true))]
                     [pnode ppath])
          (meta loc))))))

(defn root
  "The root node, with all changes.
  (-> (clojure.zip/vector-zip [1 [2]]) clojure.zip/down (clojure.zip/replace 5) clojure.zip/root) ;=> [5 [2]]"
  [loc]
  (if (= :end (loc 1))
    (node loc)
    (let [p (up loc)]
      (if p (recur p) (node loc)))))

(defn right
  "The location of the sibling to the right, nil if there is none.
  (-> (clojure.zip/vector-zip [1 2]) clojure.zip/down clojure.zip/right clojure.zip/node) ;=> 2"
  [loc]
  (let [[node {[r & more :as rs] :r l :l :as path}] loc]
    (when (and path rs)
      (with-meta [r (assoc path :l (conj l node) :r more)] (meta loc)))))

(defn rightmost
  "The location of the rightmost sibling, or the same.
  (-> (clojure.zip/vector-zip [1 2 3]) clojure.zip/down clojure.zip/rightmost clojure.zip/node) ;=> 3"
  [loc]
  (let [[node {l :l r :r :as path}] loc]
    (if (and path r)
      (with-meta [(last r) (assoc path :l (apply conj l node (butlast r)) :r nil)] (meta loc))
      loc)))

(defn left
  "The location of the sibling to the left, nil if there is none.
  (-> (clojure.zip/vector-zip [1 2]) clojure.zip/down clojure.zip/rightmost clojure.zip/left clojure.zip/node) ;=> 1"
  [loc]
  (let [[node {l :l r :r :as path}] loc]
    (when (and path (seq l))
      (with-meta [(peek l) (assoc path :l (pop l) :r (cons node r))] (meta loc)))))

(defn leftmost
  "The location of the leftmost sibling, or the same.
  (-> (clojure.zip/vector-zip [1 2 3]) clojure.zip/down clojure.zip/rightmost clojure.zip/leftmost clojure.zip/node) ;=> 1"
  [loc]
  (let [[node {l :l r :r :as path}] loc]
    (if (and path (seq l))
      (with-meta [(first l) (assoc path :l [] :r (concat (rest l) [node] r))] (meta loc))
      loc)))

(defn insert-left
  "Puts item to the left of the location, without moving.
  (-> (clojure.zip/vector-zip [1]) clojure.zip/down (clojure.zip/insert-left 0) clojure.zip/root) ;=> [0 1]
  (clojure.zip/insert-left (clojure.zip/vector-zip [1]) 0) ;!> runtime"
  [loc item]
  (let [[node {l :l :as path}] loc]
    (if (nil? path)
      (throw (new Exception "Insert at top"))
      (with-meta [node (assoc path :l (conj l item) :changed? true)] (meta loc)))))

(defn insert-right
  "Puts item to the right of the location, without moving.
  (-> (clojure.zip/vector-zip [1]) clojure.zip/down (clojure.zip/insert-right 2) clojure.zip/root) ;=> [1 2]"
  [loc item]
  (let [[node {r :r :as path}] loc]
    (if (nil? path)
      (throw (new Exception "Insert at top"))
      (with-meta [node (assoc path :r (cons item r) :changed? true)] (meta loc)))))

(defn replace
  "Puts another node in the place of the one at the location, without moving.
  (-> (clojure.zip/vector-zip [1]) clojure.zip/down (clojure.zip/replace 2) clojure.zip/root) ;=> [2]"
  [loc node]
  (let [[_ path] loc]
    (with-meta [node (assoc path :changed? true)] (meta loc))))

(defn edit
  "Puts (f node args...) in the place of the node at the location.
  (-> (clojure.zip/vector-zip [1]) clojure.zip/down (clojure.zip/edit + 10) clojure.zip/root) ;=> [11]"
  [loc f & args]
  (clojure.zip/replace loc (apply f (node loc) args)))

(defn insert-child
  "Puts item in front of the children of the node at the location, without moving.
  (-> (clojure.zip/vector-zip [1]) (clojure.zip/insert-child 0) clojure.zip/root) ;=> [0 1]"
  [loc item]
  (clojure.zip/replace loc (make-node loc (node loc) (cons item (children loc)))))

(defn append-child
  "Puts item behind the children of the node at the location, without moving.
  (-> (clojure.zip/vector-zip [1]) (clojure.zip/append-child 2) clojure.zip/root) ;=> [1 2]"
  [loc item]
  (clojure.zip/replace loc (make-node loc (node loc) (concat (children loc) [item]))))

(defn next
  "The next location depth first; behind the last one a location for which end? is true.
  (->> (clojure.zip/vector-zip [1 [2]]) (iterate clojure.zip/next) (take-while (complement clojure.zip/end?)) (map clojure.zip/node)) ;=> ([1 [2]] 1 [2] 2)"
  [loc]
  (if (= :end (loc 1))
    loc
    (or (and (branch? loc) (down loc))
        (right loc)
        (loop [p loc]
          (if (up p)
            (or (right (up p)) (recur (up p)))
            [(node p) :end])))))

(defn prev
  "The location before, depth first; nil at the root.
  (-> (clojure.zip/vector-zip [1 [2]]) clojure.zip/down clojure.zip/next clojure.zip/next clojure.zip/prev clojure.zip/node) ;=> [2]"
  [loc]
  (if-let [lloc (left loc)]
    (loop [loc lloc]
      (if-let [child (and (branch? loc) (down loc))]
        (recur (rightmost child))
        loc))
    (up loc)))

(defn end?
  "Is the location behind the last node?
  (clojure.zip/end? (clojure.zip/vector-zip [])) ;=> false"
  [loc]
  (= :end (loc 1)))

(defn remove
  "Takes the node at the location away; the location that comes before it, depth first.
  (-> (clojure.zip/vector-zip [1 2]) clojure.zip/down clojure.zip/right clojure.zip/remove clojure.zip/root) ;=> [1]"
  [loc]
  (let [[node {l :l ppath :ppath pnodes :pnodes rs :r :as path}] loc]
    (if (nil? path)
      (throw (new Exception "Remove at top"))
      (if (pos? (count l))
        (loop [loc (with-meta [(peek l) (assoc path :l (pop l) :changed? true)] (meta loc))]
          (if-let [child (and (branch? loc) (down loc))]
            (recur (rightmost child))
            loc))
        (with-meta [(make-node loc (peek pnodes) rs)
                    (and ppath (assoc ppath :changed? true))]
          (meta loc))))))
