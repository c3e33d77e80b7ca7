;; llm.clj - :llm steps that are more than one call of the model (composite.h): a structured answer that may be asked for again, and
;; the loop in which a model uses tools. Every call of the model and of a tool is a durable step; what stands between them is the
;; run's continuation. agent.clj stands on it.

(ns breyta.llm)

;; ---- what it took ----

(defn add-usage
  "The sum of two :usage maps.
  (breyta.llm/add-usage {:total-tokens 3} {:total-tokens 4 :input-tokens 1}) ;=> {:total-tokens 7, :input-tokens 1}"
  [a b]
  (merge-with + a b))

(defn add-cost
  "The sum of two :cost maps.
  (breyta.llm/add-cost {:total 1.5 :currency \"USD\"} {:total 1.0 :currency \"USD\"}) ;=> {:total 2.5, :currency \"USD\"}"
  [a b]
  (cond
    (nil? a) b
    (nil? b) a
    :else (merge-with (fn [x y] (if (number? x) (+ x y) y)) a b)))

(defn add-taken
  "State with the :usage and :cost of an answer (or of an error that tells them) added."
  [state answer]
  (-> state
      (update :usage add-usage (:usage answer))
      (update :cost add-cost (:cost answer))))

(defn told
  "An answer with what all of it took."
  [state answer]
  (cond-> answer
    (:usage state) (assoc :usage (:usage state))
    (:cost state) (assoc :cost (:cost state))))

;; ---- structured answers ----

(defn single-shot
  "The config of one call that fails when the answer does not fit, in place of asking again.
  (:output (breyta.llm/single-shot {:output :json})) ;=> {:type :json, :repair false}"
  [cfg]
  (let [output (:output cfg)
        format (:response-format cfg)
        schema (:json-schema cfg)]
    (cond
      (some? schema) (assoc (dissoc cfg :json-schema) :output {:schema schema :repair false})
      (map? output) (assoc cfg :output (assoc output :repair false))
      (some? output) (assoc cfg :output {:type output :repair false})
      (map? format) (assoc cfg :response-format (assoc format :repair false))
      (some? format) (assoc (dissoc cfg :response-format) :output {:type format :repair false})
      :else cfg)))

(defn attempt
  "{:answer a}, or {:invalid error} when the model's answer is not what :output asks for."
  [id cfg]
  (try
    {:answer (flow/step :llm id cfg)}
    (catch clojure.lang.ExceptionInfo e
      (if (= :invalid-output (:type (ex-data e)))
        {:invalid (ex-data e)}
        (throw e)))))

(defn repairable?
  "May asking again help?"
  [invalid]
  (not= :length (:finish-reason invalid)))

(defn repair-messages
  "What the model is told about an answer that cannot be used."
  [invalid]
  [{:role :assistant :content (if (seq (:content invalid)) (:content invalid) "(an empty answer)")}
   {:role :user :content (str "That answer cannot be used. Problems: " (breyta.schema/text (:problems invalid))
                              ". Answer again with the corrected JSON alone.")}])

(defn unusable
  "The exception of step id, whose answer stayed invalid."
  [id state invalid]
  (breyta.step/failure id (told state (dissoc invalid :step-id :attempt))))

(defn structured
  "A call whose answer has to fit: when it does not, the model is told what is wrong and asked once more."
  [id cfg]
  (let [shot (single-shot (dissoc cfg :on-error))
        one (attempt id shot)
        invalid (:invalid one)
        state (add-taken {} (or invalid (:answer one)))]
    (cond
      (nil? invalid) (:answer one)
      (not (repairable? invalid)) (throw (unusable id state invalid))
      :else (let [more (into (vec (:follow-up cfg)) (repair-messages invalid))
                  two (attempt (breyta.step/part id "repair") (assoc shot :follow-up more))
                  state (add-taken state (or (:invalid two) (:answer two)))]
              (if (:invalid two)
                (throw (unusable id state (:invalid two)))
                (assoc (told state (:answer two)) :repaired true))))))

;; ---- tools ----

(def direct
  "The families that are tools by themselves."
  #{:table :search :kv :http :db :notify})

(defn tool-name
  "The name under which a model knows a packaged step.
  (breyta.llm/tool-name :crm/find-user) ;=> \"crm__find-user\""
  [k]
  (let [text (if (namespace k) (str (namespace k) "__" (name k)) (name k))]
    (apply str (take 64 (map (fn [c] (if (re-matches #"[A-Za-z0-9_-]" (str c)) c \_)) text)))))

(defn without-fixed
  "A schema of a family without the options that are fixed.
  (breyta.llm/without-fixed [:map {} [:a {} :int] [:b {} :int]] {:a 1}) ;=> [:map {} [:b {} :int]]"
  [schema fixed]
  (let [fixed (if (:connection fixed) (assoc fixed :url nil) fixed)]
    (into [] (remove (fn [e] (and (vector? e) (contains? fixed (first e)))) schema))))

(defn family-tool
  "The tool that a step family is by itself: x is :table, or {:id :table :with {options that the model cannot change} :name :description
  :on-error}. Its schema is made from the table of the family's options."
  [id x]
  (let [given (if (map? x) x {:id x})
        family (:id given)
        fixed (:with given)
        label (:name given (name family))]
    (when-not (or (nil? fixed) (map? fixed))
      (breyta.step/invalid id (str ":with of the tool " family " is " (pr-str fixed) "; use a map of options of " family) nil))
    (doseq [[k _] fixed]
      (when-not (flow/option* family k)
        (breyta.step/invalid id (str ":with of the tool " family " has " k ", which is no option of " family) nil)))
    (when (and (= :db family) (nil? (:connection fixed)))
      (breyta.step/invalid id "the tool :db needs :with {:connection ..}: a model cannot choose a connection" nil))
    (let [schema (without-fixed (flow/family-schema* family) fixed)]
      {:name label
       :type family
       :with fixed
       :schema schema
       :on-error (:on-error given)
       :definition {:name label
                    :description (or (:description given) (flow/family-doc* family))
                    :parameters (breyta.schema/json schema)}})))

(defn packaged-tool
  "The tool that a packaged step or a named agent is: x is its id, or a map with :id and :name, :description, :on-error."
  [id x]
  (let [given (if (map? x) x {:id x})
        type (:id given)]
    (when-not (qualified-keyword? type)
      (breyta.step/invalid id (str ":tools takes ids of packaged steps and agents such as :crm/find-user, and :available-steps these families, too: "
                                   (apply str (interpose " " (sort direct))) "; got " (pr-str x)
                                   ". Wrap another step in an entry of :steps to give it to a model")
                           nil))
    (breyta.step/entry type id) ; throws when there is none
    (let [[kind declared] (flow/declared* type)
          schema (or (:input-schema declared) (when (= :agent kind) [:map [:task :string]]))
          about (or (:description given) (:description declared) (:label declared))]
      {:name (or (:name given) (tool-name type))
       :type type
       :schema schema
       :on-error (:on-error given)
       :definition (cond-> {:name (or (:name given) (tool-name type))
                            :parameters (if schema (breyta.schema/json schema) {:type "object"})}
                     about (assoc :description about))})))

(defn step-tool
  "The tool of an entry of :available-steps: a family or a packaged step."
  [id x]
  (if (contains? direct (if (map? x) (:id x) x)) (family-tool id x) (packaged-tool id x)))

(defn allowed?
  "Is the tool among those of :allowed, by id or by name?"
  [allowed tool]
  (or (nil? allowed)
      (boolean (some (fn [x] (or (= x (:type tool)) (= (if (keyword? x) (name x) x) (:name tool)))) allowed))))

(defn tools-of
  "The tools that the step runs by itself, by name."
  [id cfg]
  (let [given (:tools cfg)
        given (if (map? given) given {:definitions given})]
    (when (:mcp given)
      (breyta.step/invalid id ":tools {:mcp ..} is not supported; packaged :steps and :agents are" nil))
    (reduce (fn [m tool]
              (when (contains? m (:name tool))
                (breyta.step/invalid id (str "two tools have the name " (:name tool) "; give one of them another with {:id .. :name ..}") nil))
              (if (allowed? (:allowed given) tool) (assoc m (:name tool) tool) m))
            {}
            (concat (map (fn [x] (packaged-tool id x)) (concat (:steps given) (:agents given)))
                    (map (fn [x] (step-tool id x)) (:available-steps cfg))))))

(defn question
  "What a person is asked before the tool is used, by :approval; nil: nobody is."
  [approval tool]
  (let [of (fn [tools] (and (coll? tools) (some (fn [x] (or (= x (:type tool)) (= x (:name tool)))) tools)))]
    (cond
      (or (nil? approval) (false? approval)) nil
      (true? approval) {}
      (map? approval) (when (or (nil? (:tools approval)) (of (:tools approval))) (dissoc approval :tools))
      :else (when (of approval) {}))))

(def result-chars 50000)
(def error-chars 2000)

(defn shortened
  "Text of at most n characters.
  (breyta.llm/shortened 3 \"abcdef\") ;=> \"abc ... (cut, 6 characters in all)\""
  [n text]
  (if (> (count text) n)
    (str (subs text 0 n) " ... (cut, " (count text) " characters in all)")
    text))

(defn use-tool
  "Runs a tool: {:value v} or {:error text}. A person is asked first where :approval says so."
  [id approval tool args]
  (let [part (breyta.step/part id (:name tool))
        question (question approval tool)
        answer (if question
                 (breyta.step/ask :confirm part question {:type (:type tool) :input args})
                 {:approved true})]
    (if (:refused answer)
      {:error (:message (:refused answer))}
      (try
        {:value (flow/step (:type tool) part (merge args (:with tool)))}
        (catch Exception e
          (if (= :fail (:on-error tool))
            (throw e)
            {:error (shortened error-chars (str (ex-message e)))}))))))

(defn answer-call
  "What comes of one call of the model: {:value v} or {:error text}."
  [id cfg tools call]
  (let [tool (get tools (:name call))
        given (:arguments call)
        args (if (and tool (:schema tool)) (breyta.schema/decode (:schema tool) given) given)
        problems (when (and tool (:schema tool)) (breyta.schema/problems (:schema tool) args))]
    (cond
      (nil? tool) {:error (str "there is no tool " (:name call) "; there are " (apply str (interpose ", " (sort (keys tools)))))}
      (:problem call) {:error (:problem call)}
      (not (map? args)) {:error "the arguments must be a JSON object"}
      (seq problems) {:error (shortened error-chars (str "the arguments do not fit the tool's schema: " (breyta.schema/text problems)))}
      :else (use-tool id (:approval cfg) tool args))))

(defn result-text
  "A tool's value as the model reads it."
  [v]
  (shortened result-chars (if (string? v) v (try (json/write-str v) (catch Exception _ (pr-str v))))))

(defn result-message
  "The answer to one call."
  [call outcome]
  (if (contains? outcome :error)
    {:role :tool :tool-call-id (:id call) :content (str "error: " (:error outcome)) :error? true}
    {:role :tool :tool-call-id (:id call) :content (result-text (:value outcome))}))

;; ---- the loop ----

(defn limit
  "The limit k of the config: an integer from 1 to most."
  [id cfg k default most]
  (let [n (get cfg k (when default (min default most)))]
    (when-not (or (nil? n) (and (int? n) (<= 1 n most)))
      (breyta.step/invalid id (str k " is " (pr-str n) "; use an integer from 1 to " most) nil))
    n))

(defn over
  "The exception of step id, which has used up a limit."
  [id state limit n]
  (breyta.step/failure id (merge {:type :limit
                                  :limit limit
                                  :message (str "the model used up " limit " (" n ") before it came to an answer")
                                  :trace (:trace state)}
                                 (select-keys state [:usage :cost]))))

(defn check-caps
  "Throws when what was taken so far has reached a cap of :cost {:max-tokens n :max-cost money}."
  [id cfg state]
  (let [{:keys [max-tokens max-cost]} (:cost cfg)]
    (when (and max-tokens (>= (:total-tokens (:usage state) 0) max-tokens))
      (throw (over id state :max-tokens max-tokens)))
    (when (and max-cost (>= (:total (:cost state) 0) max-cost))
      (throw (over id state :max-cost max-cost)))))

(defn definitions
  "The tools of :definitions that are allowed."
  [given]
  (if (map? given)
    (filterv (fn [d] (allowed? (:allowed given) (update d :name (fn [n] (if (keyword? n) (name n) n))))) (:definitions given))
    (vec given)))

(defn turn-config
  "The config of one turn."
  [cfg tools turn]
  (let [given (:tools cfg)
        definitions (into (definitions given) (map :definition (vals tools)))
        mode (when (map? given) (:mode given))
        base (dissoc (single-shot cfg) :max-iterations :max-tool-calls :max-repeated-tool-calls :available-steps :approval :cost :trace
                     :persist :tools)]
    (cond-> (if (= :skip (:on-error cfg)) (dissoc base :on-error) base)
      (seq definitions) (assoc :tools (cond-> {:definitions definitions}
                                        (and mode (or (= 1 turn) (= :none mode))) (assoc :mode mode))))))

(defn traced
  "The state with one more turn in its trace."
  [state answer outcomes]
  (update state :trace conj
          (cond-> {:turn (inc (count (:trace state))) :content (:content answer)}
            (:usage answer) (assoc :usage (:usage answer))
            (seq outcomes) (assoc :tool-calls (mapv (fn [[call outcome]]
                                                      (cond-> {:name (:name call) :arguments (:arguments call)}
                                                        (:error outcome) (assoc :error (:error outcome))))
                                                    outcomes)))))

(defn call-all
  "[state outcomes] of the calls of one answer, one after another."
  [id cfg limits tools state calls]
  (loop [state state
         calls calls
         outcomes []]
    (if-let [call (first calls)]
      (let [what [(:name call) (:arguments call)]
            state (-> state (update :calls inc) (update :seen update what (fnil inc 0)))]
        (when (> (:calls state) (:calls limits))
          (throw (over id state :max-tool-calls (:calls limits))))
        (when (and (:repeated limits) (> (get (:seen state) what) (:repeated limits)))
          (throw (over id state :max-repeated-tool-calls (:repeated limits))))
        (recur state (rest calls) (conj outcomes [call (answer-call id cfg tools call)])))
      [state outcomes])))

(defn said
  "The state with messages of the conversation added."
  [state messages]
  (update state :said into messages))

(defn finished
  "The result of the loop."
  [cfg state answer]
  (cond-> (assoc (told state answer) :iterations (count (:trace state)) :tool-call-count (:calls state))
    (:trace cfg) (assoc :trace (:trace state))))

(defn foreign?
  "Is there a call of a tool that the flow has to answer itself (:definitions)?"
  [cfg tools calls]
  (let [names (set (map (fn [d] (name (:name d))) (definitions (:tools cfg))))]
    (boolean (some (fn [call] (and (not (contains? tools (:name call))) (contains? names (:name call)))) calls))))

(defn converse
  "The loop: the model is asked, its calls are answered, until it calls nothing more. :follow-up of the config begins the talk."
  [id cfg]
  (let [tools (tools-of id cfg)
        limits {:turns (limit id cfg :max-iterations 20 (flow/limit* "agent-iterations"))
                :calls (limit id cfg :max-tool-calls 100 (flow/limit* "agent-tool-calls"))
                :repeated (limit id cfg :max-repeated-tool-calls nil 100)}]
    (loop [state {:said (vec (:follow-up cfg)) :calls 0 :seen {} :trace [] :turn 1}]
      (when (> (:turn state) (:turns limits))
        (throw (over id state :max-iterations (:turns limits))))
      (check-caps id cfg state)
      (let [turn (assoc (turn-config cfg tools (:turn state)) :follow-up (:said state))
            {:keys [answer invalid]} (attempt (breyta.step/part id "turn") turn)
            state (-> state (add-taken (or answer invalid)) (update :turn inc))
            calls (:tool-calls answer)]
        (cond
          (and invalid (or (:repaired state) (not (repairable? invalid)))) (throw (unusable id state invalid))
          invalid (recur (-> (traced state invalid nil) (assoc :repaired true) (said (repair-messages invalid))))
          (or (empty? calls) (foreign? cfg tools calls)) (finished cfg (traced state answer nil) answer)
          :else (let [[state outcomes] (call-all id cfg limits tools state calls)]
                  (recur (-> (traced state answer outcomes)
                             (said [{:role :assistant :content (:content answer) :tool-calls (vec calls)}])
                             (said (map (fn [[call outcome]] (result-message call outcome)) outcomes))))))))))

(defn kept
  "The result, persisted when the config says so."
  [id persist result]
  (if persist
    (flow/step :function (breyta.step/part id "result") {:code '(fn [result] result) :input result :persist persist})
    result))

(defn skipping
  "The value of f; nil when it fails and the config says :on-error :skip."
  [cfg f]
  (try
    (f)
    (catch clojure.lang.ExceptionInfo e
      (when-not (= :skip (:on-error cfg))
        (throw e)))))

(defn run
  "An :llm step with tools, or with a structured answer."
  [_ id cfg]
  (let [tools (:tools cfg)
        loop? (or (:available-steps cfg) (and (map? tools) (or (:steps tools) (:agents tools) (:mcp tools))))
        step (dissoc cfg :persist)]
    (skipping cfg (fn [] (kept id (:persist cfg) (if loop? (converse id step) (structured id step)))))))
