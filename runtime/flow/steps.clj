;; steps.clj - steps that are made of steps: packaged steps and named agents, :confirm and :review (see composite.h). Runs in the
;; machine like a flow's own body; every part is a durable step.

(ns breyta.step)

(defn part
  "The id of a part of step id.
  (breyta.step/part :plan \"turn\") ;=> :plan/turn
  (breyta.step/part :plan/tool \"confirm\") ;=> :plan/tool.confirm"
  [id part-name]
  (if-let [outer (namespace id)]
    (keyword outer (str (name id) "." part-name))
    (keyword (name id) part-name)))

(defn failure
  "The exception that a failed step id is: m has :type and :message.
  (:retryable? (ex-data (breyta.step/failure :a {:type :rejected :message \"no\"}))) ;=> false"
  [id m]
  (ex-info (:message m) (merge {:retryable? false :attempt 1} m {:step-id id})))

(defn invalid
  "Throws the validation error of step id. Problems are those of breyta.schema/problems; the first one's path is the error's."
  [id message problems]
  (throw (failure id (cond-> {:type :validation :message message}
                       (seq problems) (assoc :problems problems :path (:path (first problems)))))))

(defn on-error
  "What a failed step id of config cfg comes to: nil with :on-error :skip, else the exception."
  [id cfg m]
  (when-not (= :skip (:on-error cfg))
    (throw (failure id m))))

(defn deep-merge
  "b over a: maps are merged key by key, at any depth; everything else of b replaces what a has, nil too.
  (breyta.step/deep-merge {:a {:x 1 :y 2} :b [1]} {:a {:y 3} :b []}) ;=> {:a {:x 1, :y 3}, :b []}"
  [a b]
  (if (and (map? a) (map? b))
    (reduce-kv (fn [m k v] (assoc m k (if (contains? m k) (deep-merge (get m k) v) v))) a b)
    b))

;; ---- packaged steps and agents ----

(defn plain
  "x without the quote around it.
  (breyta.step/plain '(quote :a)) ;=> :a"
  [x]
  (if (and (seq? x) (= 'quote (first x)) (= 2 (count x))) (second x) x))

(defn function-form?
  "Is x, quoted or not, the form of a function?
  (mapv breyta.step/function-form? ['(fn [x] x) '(quote (fn [x] x)) '(inc 1) :a]) ;=> [true true false false]"
  [x]
  (let [form (plain x)]
    (and (seq? form) (contains? #{'fn 'fn* 'clojure.core/fn} (first form)))))

(defn holds-function?
  "Is there a function form in the data x?
  (breyta.step/holds-function? {:query [{:id '(fn [in] (:id in))}]}) ;=> true"
  [x]
  (cond
    (seq? x) (function-form? x)
    (map? x) (boolean (some holds-function? (vals x)))
    (coll? x) (boolean (some holds-function? x))
    :else false))

(defn computed
  "x with the function forms in it replaced by what they give for the input."
  [x input]
  (cond
    (function-form? x) ((flow/function* x) input)
    (seq? x) (plain x)
    (map? x) (reduce-kv (fn [m k v] (assoc m k (computed v input))) x x)
    (vector? x) (mapv (fn [v] (computed v input)) x)
    :else x))

(defn option-computed
  "The value of an option in :defaults. Options that take code keep it."
  [family k v input]
  (if (= :code (flow/option* family k)) (plain v) (computed v input)))

(defn from-input?
  "Do these :defaults take the input themselves, through a function or a :template?"
  [family defaults]
  (or (contains? defaults :template)
      (boolean (some (fn [[k v]] (and (not= :code (flow/option* family k)) (holds-function? v))) defaults))))

(defn schema-keys
  "The keys that a :map schema names, nil for other schemas.
  (breyta.step/schema-keys [:map {:closed true} [:id :string] [:n {:optional true} :int]]) ;=> #{:id :n}"
  [schema]
  (cond
    (= :map schema) #{}
    (and (vector? schema) (= :map (first schema))) (set (keep (fn [e] (when (vector? e) (first e))) (rest schema)))
    (map? schema) (when-let [props (or (:properties schema) (get schema "properties"))] (set (map keyword (keys props))))
    :else nil))

(defn call-options
  "The common step options (:title :retry :on-error ...) in what a call gives, but those that the input schema names."
  [family schema given]
  (let [own (schema-keys schema)]
    (if (and (= :function family) (nil? schema))
      {}
      (into {} (filter (fn [[k _]] (and (flow/option* :* k) (not (contains? #{:type :template :data} k)) (not (contains? own k)))) given)))))

(defn laid-over
  "The defaults of a step that takes its input as options, with the input over them."
  [type id family defaults schema input]
  (doseq [[k _] input]
    (when-not (flow/option* family k)
      (invalid id (str "the packaged step " type " has no use for the input " (pr-str k) ": it is no option of " family
                       ", and nothing in :defaults takes the input") nil))
    (when-let [own (schema-keys schema)]
      (when-not (contains? own k)
        (invalid id (str "the packaged step " type " does not take " (pr-str k) ": its :input-schema names "
                         (if (seq own) (apply str (interpose ", " (sort (map str own)))) "no keys")) nil))))
  (deep-merge defaults input))

(defn config
  "The config of the step underneath."
  [type id entry input]
  (let [family (:type entry)
        given (:defaults entry)
        defaults (reduce-kv (fn [m k v] (assoc m k (option-computed family k v input))) {} (or given {}))]
    (cond
      (= :function family) (assoc defaults :input (deep-merge (:input defaults) input))
      (contains? given :template) (assoc defaults :data (deep-merge (:data defaults) input))
      (from-input? family given) defaults
      (= :agent family) (let [elsewhere? (or (:via defaults) (:via input)) ; else their options are inputs as any other
                                  option? (fn [[k _]] (and (flow/option* :agent k) (or elsewhere? (not-any? #{k} breyta.agent/elsewhere))))
                              more (into {} (remove option? input))]
                          (cond-> (deep-merge defaults (into {} (filter option? input)))
                            (seq more) (assoc :inputs (deep-merge (:inputs defaults) more))))
      :else (laid-over type id family defaults (:input-schema entry) input))))

(defn entry
  "The declaration of a packaged step or agent: a map with :type, :defaults and, when declared, the schemas."
  [type id]
  (let [[kind declared] (flow/declared* type)]
    (case kind
      :step declared
      :agent {:type :agent
              :input-schema (:input-schema declared)
              :output-schema (:output-schema declared)
              :defaults (merge (dissoc declared :id :type :label :description :input-schema :output-schema :defaults) (:defaults declared))}
      (invalid id (str "the packaged step " type " is not declared: declare it in :steps or :agents") nil))))

(defn check
  "Throws when the value does not fit the schema."
  [type id what schema-key schema value]
  (when-not (nil? schema)
    (let [problems (breyta.schema/problems schema value)]
      (when (seq problems)
        (invalid id (str "the " what " of the packaged step " type " does not fit its " schema-key ": " (breyta.schema/text problems))
                 problems)))))

(defn prepared
  "[family config] of a call."
  [type id given]
  (let [entry (entry type id)
        options (call-options (:type entry) (:input-schema entry) given)
        input (reduce dissoc given (keys options))]
    (check type id "input" ":input-schema" (:input-schema entry) input)
    [(:type entry) (deep-merge (config type id entry input) options)]))

(defn packaged
  "Runs the packaged step or agent of this id."
  [type id given]
  (let [[family config] (prepared type id given)
        value (flow/step family id config)]
    (check type id "result" ":output-schema" (:output-schema (entry type id)) value)
    value))

;; ---- :confirm and :review ----

(defn question
  "What :confirm or :review of step id asks for, as a map; nil when it asks for nothing."
  [kind id x]
  (cond
    (or (nil? x) (false? x)) nil
    (true? x) {}
    (string? x) {:message x}
    (map? x) x
    :else (invalid id (str kind " must be true, a string (the text that is shown) or a map with :title, :message, :fields, :timeout "
                           "and :roles; got " (pr-str x)) nil)))

(defn field-name
  "The key of a field of a question.
  (breyta.step/field-name {:key \"to\" :label \"To\"}) ;=> :to"
  [field]
  (keyword (or (:key field) (:name field))))

(defn answer-problem
  "What is wrong with an approving answer, in words; nil: nothing."
  [fields value]
  (cond
    (empty? fields) nil
    (not (or (nil? value) (map? value))) "the value must be an object with a value for each field"
    :else (or (first (keep (fn [field]
                             (let [k (field-name field)
                                   v (get value k)]
                               (if (nil? v)
                                 (when (:required field) (str "the field " (name k) " is required"))
                                 (when-let [must (flow/field-problem* field v)]
                                   (str "the field " (name k) " must be " must ", got " (pr-str v))))))
                           fields))
              (first (keep (fn [k] (when-not (contains? (set (map field-name fields)) k) (str "there is no field " (name k))))
                           (keys value))))))

(defn asked
  "The config of the :wait in which a person is asked."
  [kind id question shown problem]
  (cond-> (merge {:checkpoint kind}
                 shown
                 (select-keys question [:title :message :fields :timeout :roles :approvals :self-approval :notify])
                 {:on-timeout :continue :default-value :breyta/timeout})
    problem (assoc :problem problem)))

(defn refused
  "The error of a step that a person did not approve."
  [kind answer]
  (if (= :breyta/timeout answer)
    {:type :wait-timeout
     :message (str "nobody answered " kind " of this step in time")
     :checkpoint kind}
    (merge {:type :rejected
            :message (str "a person rejected this step (" kind ")" (when-let [why (:reason answer)] (str ": " why)))
            :checkpoint kind}
           (select-keys answer [:by :reason]))))

(defn ask
  "Asks a person about step id, before it runs (:confirm) or about its result (:review), until the answer can be used. {:approved
  true :value v}, where v has the fields or is the value of the answer, or {:refused error}."
  [kind id question shown]
  (loop [problem nil]
    (let [answer (flow/step :wait (part id (name kind)) (asked kind id question shown problem))
          action (when (map? answer) (keyword (:action answer)))
          value (:value answer)]
      (cond
        (or (= :breyta/timeout answer) (= :reject action)) {:refused (refused kind answer)}
        (not= :approve action) (recur "the answer must have an action: approve or reject")
        :else (if-let [wrong (answer-problem (:fields question) value)]
                (recur wrong)
                {:approved true :given (and (map? answer) (contains? answer :value)) :value value})))))

(defn data-of
  "A config as a person sees it: without the functions in it.
  (breyta.step/data-of {:a 1 :b inc}) ;=> {:a 1}"
  [cfg]
  (into {} (remove (fn [[_ v]] (fn? v)) cfg)))

(defn with-fields
  "The config with the fields that a person filled in: for a :function in its :input."
  [type cfg question answer]
  (cond
    (or (empty? (:fields question)) (empty? (:value answer))) cfg
    (contains? #{:function :code} type) (assoc cfg :input (merge (:input cfg) (:value answer)))
    :else (merge cfg (:value answer))))

(defn reviewed
  "The value of a step after its review."
  [question value answer]
  (cond
    (not (:given answer)) value
    (and (seq (:fields question)) (map? value)) (merge value (:value answer))
    :else (:value answer)))

(defn after-review
  "The value of step id, when a person approves of it."
  [id cfg value]
  (let [question (question :review id (:review cfg))
        answer (if question (ask :review id question {:value value}) {:approved true})]
    (if (:refused answer)
      (on-error id cfg (:refused answer))
      (reviewed question value answer))))

(defn checked
  "Runs a step that has :confirm or :review."
  [type id cfg]
  (let [question (question :confirm id (:confirm cfg))
        step (dissoc cfg :confirm :review)
        answer (if question (ask :confirm id question {:step type :config (data-of step)}) {:approved true})]
    (if (:refused answer)
      (on-error id cfg (:refused answer))
      (after-review id cfg (flow/step type id (with-fields type step question answer))))))
