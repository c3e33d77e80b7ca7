(ns a.b (:require [c.d :as e]))
(defn ^:private f
  "doc"
  ([x] (f x 1))
  ([{:keys [a b] :as m} & more]
   (let [y# (-> a (+ b))]
     `(do ~@more ~y))))
