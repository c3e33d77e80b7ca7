;; agent.clj - :agent steps: an objective that a model works towards with tools, in the loop of llm.clj.

(ns breyta.agent)

(def preamble
  "You work on an objective. Use the tools when they help. When you are done, give your final answer without calling a tool.")

(defn prompt
  "What the model is asked.
  (breyta.agent/prompt {:objective \"Sum up.\" :inputs {:n 1}}) ;=> \"Sum up.\\n\\nInputs:\\n{\\\"n\\\":1}\""
  [cfg]
  (if (seq (:inputs cfg))
    (str (:objective cfg) "\n\nInputs:\n" (json/write-str (:inputs cfg)))
    (:objective cfg)))

(def elsewhere [:command :workdir :env :check-every :keep-running :kickoff-timeout :on-timeout :default-value :job-type :max-attempts])

(defn check
  "Throws when the config is none of an agent."
  [id cfg]
  (doseq [k elsewhere]
    (when (contains? cfg k)
      (breyta.step/invalid id (str k " is for :agent steps that work elsewhere: give it :via :ssh or :via :job, or leave it out") nil)))
  (when-not (and (string? (:objective cfg)) (seq (:objective cfg)))
    (breyta.step/invalid id "an :agent step needs :objective, a text that says what is to be reached" nil))
  (doseq [[k ok? must] [[:instructions string? "a string"] [:inputs map? "a map"] [:memory map? "a map such as {:key \"support\"}"]
                        [:cost map? "a map with :max-tokens and :max-cost"] [:evaluate map? "a map such as {:criteria \"..\"}"]
                        [:history sequential? "a vector of messages"] [:follow-up sequential? "a vector of messages"]]]
    (when-not (or (nil? (get cfg k)) (ok? (get cfg k)))
      (breyta.step/invalid id (str k " of an :agent step is " (pr-str (get cfg k)) "; use " must) nil)))
  (doseq [k [:max-tokens :max-cost]]
    (when-not (or (nil? (get (:cost cfg) k)) (and (number? (get (:cost cfg) k)) (pos? (get (:cost cfg) k))))
      (breyta.step/invalid id (str ":cost {" k " ..} is a number above 0") nil)))
  (when (> (count (filter (fn [c] (= \. c)) (name id))) 5)
    (throw (breyta.step/failure id {:type :limit :limit :nesting :message "agents call each other more than 5 deep"}))))

(defn messages
  "The config with what the model is told: a :template gives :system and :prompt, else :instructions and the objective do."
  [cfg]
  (if (:template cfg)
    (update cfg :follow-up (fn [more] (into [{:role :user :content (prompt cfg)}] more)))
    (assoc cfg :system (or (:instructions cfg) preamble) :prompt (prompt cfg))))

;; ---- memory between runs ----

(defn remembered
  "The messages that earlier runs left under :memory {:key ..}."
  [id memory]
  (if memory
    (vec (:value (flow/step :kv (breyta.step/part id "memory") {:operation :get :key (:key memory)})))
    []))

(defn remember
  "Leaves the question and the answer for later runs: the last :max-messages of them, 20 if it says nothing."
  [id cfg earlier answer]
  (when-let [memory (:memory cfg)]
    (let [all (conj earlier {:role :user :content (prompt cfg)} {:role :assistant :content (:content answer)})
          most (or (:max-messages memory) 20)]
      (flow/step :kv (breyta.step/part id "remember")
                 (cond-> {:operation :set :key (:key memory) :value (vec (take-last most all))}
                   (:ttl memory) (assoc :ttl (:ttl memory)))))))

;; ---- judging the answer ----

(def verdict [:map [:pass :boolean] [:reason :string]])

(defn evaluated
  "The answer with :evaluation {:pass :reason}, when :evaluate {:criteria ..} asks a model to judge it. With :required true a failed one
  is an error."
  [id cfg answer]
  (if-let [{:keys [criteria required model]} (:evaluate cfg)]
    (let [text (str "Objective:\n" (:objective cfg) "\n\nAnswer:\n" (:content answer) "\n\nCriteria:\n" criteria
                    "\n\nDoes the answer meet the criteria?")
          judged (flow/step :llm (breyta.step/part id "evaluate")
                            (cond-> (assoc (select-keys cfg [:connection :provider :base-url :auth :deployment :api-version :model :retry
                                                               :timeout])
                                           :prompt text :output {:schema verdict :name "verdict"})
                              model (assoc :model model)))
          verdict (:parsed judged)
          state (breyta.llm/add-taken (breyta.llm/add-taken {} answer) judged)]
      (when (and required (not (:pass verdict)))
        (throw (breyta.step/failure id (breyta.llm/told state {:type :evaluation-failed
                                                               :message (str "the answer does not meet the criteria: " (:reason verdict))
                                                               :evaluation verdict
                                                               :content (:content answer)}))))
      (assoc (breyta.llm/told state answer) :evaluation verdict))
    answer))

(defn work
  "The agent's result."
  [id cfg]
  (let [earlier (remembered id (:memory cfg))
        talk (-> (messages cfg)
                 (dissoc :objective :instructions :inputs :memory :evaluate :output-persist :expect :persist)
                 (assoc :trace (get cfg :trace true)))
        answer (breyta.llm/converse id (if (seq earlier) (update talk :history (fn [h] (into earlier h))) talk))]
    (remember id cfg earlier answer)
    (evaluated id cfg answer)))

(defn run
  "An :agent step."
  [_ id cfg]
  (breyta.llm/skipping cfg (fn []
                             (if (:via cfg) (breyta.remote/check id cfg) (check id cfg))
                             (breyta.llm/kept id (or (:output-persist cfg) (:persist cfg))
                                              (if (:via cfg) (breyta.remote/work id cfg) (work id cfg))))))
