;; remote.clj - :agent steps with :via: a command on another machine, or a job of a worker, that works for long and answers once.
;;
;; :via :ssh   :agent/plan names it, :agent/start kicks the command off (engine_agent.c), :agent/wait waits for its answer, :agent/check looks after it when it
;;             has been silent for long, :agent/stop ends it when nobody waits any more.
;; Either way the result is {:status :result :logs-url :artifacts :progress ..} with the words that jobs have for :status.

(ns breyta.remote)

(def statuses
  {"ok" "succeeded" "success" "succeeded" "completed" "succeeded" "complete" "succeeded" "done" "succeeded"
   "error" "failed" "failure" "failed" "canceled" "cancelled" "timeout" "timed_out" "no-changes" "no_changes"})

(defn status
  "The status of an answer in the words of jobs.
  (mapv breyta.remote/status [{:status \"ok\"} {:status \"parked\"} {:error \"x\"} 5]) ;=> [\"succeeded\" \"parked\" \"failed\" \"succeeded\"]"
  [answer]
  (let [given (when (map? answer) (:status answer))
        word (if (keyword? given) (name given) given)]
    (cond
      (string? word) (get statuses word word)
      (and (map? answer) (or (:error answer) (false? (:ok answer)))) "failed"
      :else "succeeded")))

(defn artifact
  "What an agent says of an artifact, with keys as jobs have them.
  (breyta.remote/artifact {:label \"log\" :resourceUri \"res://a\"}) ;=> {:label \"log\", :resource-uri \"res://a\"}"
  [m]
  (if (map? m)
    (into {} (map (fn [[k v]]
                    [(if (keyword? k) (keyword (clojure.string/lower-case (clojure.string/replace (subs (str k) 1) #"(?<=.)([A-Z])" "-$1"))) k) v])
                  m))
    m))

(defn normal
  "An answer, whatever the agent posted, as the step's result.
  (breyta.remote/normal {:status \"ok\" :result {:answer 42} :logsUrl \"u\"} []) ;=> {:status \"succeeded\", :result {:answer 42}, :logs-url \"u\", :artifacts [], :progress []}
  (breyta.remote/normal {:answer 42} []) ;=> {:status \"succeeded\", :result {:answer 42}, :logs-url nil, :artifacts [], :progress []}"
  [answer progress]
  (let [told? (and (map? answer) (some (fn [k] (contains? answer k)) [:status :result :error]))
        m (if told? answer {})
        files (or (:artifacts m) [])]
    (cond-> {:status (status answer)
             :result (if told? (:result answer) answer)
             :logs-url (or (:logs-url m) (:logsUrl m) (:logs_url m))
             :artifacts (if (sequential? files) (mapv artifact files) files)
             :progress (or progress [])}
      (:error m) (assoc :error (:error m))
      (:exit m) (assoc :exit (:exit m))
      (:logTail m) (assoc :log-tail (:logTail m)))))

(defn check
  "Throws when the config is none of an agent elsewhere."
  [id cfg]
  (when-not (contains? #{:ssh :job} (:via cfg))
    (breyta.step/invalid id (str ":via of an :agent step is " (pr-str (:via cfg)) "; use :ssh or :job") nil))
  (doseq [[k ok? must] [[:connection (fn [x] (or (keyword? x) (string? x))) "the slot of a connection of :type :ssh"]
                        [:command string? "a text: what to run on the other machine"]
                        [:objective string? "a string"] [:inputs map? "a map"] [:env map? "a map such as {\"NAME\" \"value\"}"]
                        [:workdir string? "a folder on the other machine"] [:keep-running boolean? "true or false"]
                        [:job-type (fn [x] (or (keyword? x) (string? x))) "the type of jobs that a worker claims"]
                        [:max-attempts (fn [x] (and (int? x) (pos? x))) "a number above 0"]
                        [:on-timeout #{:fail :continue} ":fail or :continue"]]]
    (when-not (or (nil? (get cfg k)) (ok? (get cfg k)))
      (breyta.step/invalid id (str k " of an :agent step is " (pr-str (get cfg k)) "; use " must) nil)))
  (doseq [k (if (= :ssh (:via cfg)) [:connection :command] [:job-type])]
    (when (nil? (get cfg k))
      (breyta.step/invalid id (str "an :agent step with :via " (:via cfg) " needs " k) nil))))

;; ---- over SSH ----

(def places [:connection :command :workdir :env :inputs :objective :kickoff-timeout])

(defn asked-of
  "The config of a part that asks the other machine for something."
  [cfg op more]
  (merge (select-keys cfg places) {:op op} more))

(defn stop
  "Ends the command and its process group. Where the machine cannot be reached any more, nothing is to be done: nil."
  [id cfg key]
  (flow/step :remote-agent (breyta.step/part id "stop")
             (asked-of cfg :stop {:key key :on-error :skip :retry {:max-attempts 3 :backoff-ms 500}})))

(defn too-late
  "What the step comes to when no answer came in time."
  [id cfg started]
  (let [stopped (when-not (:keep-running cfg) (stop id cfg (:key started)))]
    (if (= :continue (:on-timeout cfg))
      (:default-value cfg)
      (throw (breyta.step/failure id (merge {:type :wait-timeout
                                             :message (str "the agent did not answer in time"
                                                           (cond (:keep-running cfg) "; it goes on (:keep-running)"
                                                                 stopped "; its command was ended"
                                                                 :else "; its machine could not be reached to end it"))}
                                            (select-keys started [:key :pid :log-path])))))))

(defn looked-after
  "What the other machine knows about an agent that has been silent: its final answer, or nil while it works. When nobody there
  supervises it any more, it is attached to again."
  [id cfg started]
  (let [seen (flow/step :remote-agent (breyta.step/part id "check") (asked-of cfg :check {:key (:key started) :on-error :skip}))]
    (cond
      (:answer seen) seen
      (= "absent" (:state seen)) {:answer {:status "failed" :error "the other machine knows nothing of this agent any more"}}
      :else nil)))

(defn secrets
  "The names of the secrets that the command is given: what it says back is cleaned of their values.
  (breyta.remote/secrets {:env {\"A\" \"x\" \"B\" {:secret-ref :b}}}) ;=> [:b]"
  [cfg]
  (vec (keep (fn [[_ v]] (when (map? v) (:secret-ref v))) (:env cfg))))

(defn answer
  "Waits until the agent has answered: {:answer v :progress [..]}, or :breyta/timeout. It is looked after first after :check-ms, then
  after twice as long each time, up to an hour."
  [id cfg started]
  (loop [left (:timeout-ms started)
         slice (:check-ms started)]
    (let [last? (<= left slice)
          got (flow/step :wait (breyta.step/part id "wait")
                         {:key (:key started) :agent (if last? :last :slice) :agent-secrets (not-empty (secrets cfg)) :timeout (str (if last? left slice) "ms")
                          :on-timeout :continue :default-value :breyta/timeout})]
      (cond
        (not= :breyta/timeout got) got
        last? :breyta/timeout
        :else (or (looked-after id cfg started)
                  (recur (- left slice) (min (* 2 slice) (max slice 3600000))))))))

(defn over-ssh
  "The agent's result. Whatever ends this step but an answer ends the command, too: a cancelled run comes by `finally`."
  [id cfg]
  (let [plan (flow/step :remote-agent (breyta.step/part id "plan") (assoc (select-keys cfg [:timeout :check-every :kickoff-timeout]) :op :plan))
        over (atom false)]
    (try
      (let [started (flow/step :remote-agent (breyta.step/part id "start")
                               (asked-of cfg :start (merge {:retry {:max-attempts 3} :key (:key plan)} (select-keys cfg [:retry :title :keep-running]))))
            known (merge plan (select-keys started [:pid :log-path]))
            got (answer id cfg known)]
        (reset! over true)
        (if (= :breyta/timeout got)
          (too-late id cfg known)
          (merge (normal (:answer got) (:progress got)) (select-keys known [:key :pid :log-path]))))
      (finally
        (when-not (or @over (:keep-running cfg))
          (stop id cfg (:key plan)))))))

;; ---- as a job ----

(defn late-job
  "What the step comes to when no worker has ended the job in time."
  [id cfg job]
  (when-not (:keep-running cfg)
    (flow/step :remote-agent (breyta.step/part id "stop") {:op :end-job :job-id (:job-id job) :on-error :skip}))
  (if (= :continue (:on-timeout cfg))
    (:default-value cfg)
    (throw (breyta.step/failure id {:type :wait-timeout
                                    :message (str "no worker has ended the agent's job in time" (if (:keep-running cfg) "; it goes on (:keep-running)" "; it was cancelled"))
                                    :job-id (:job-id job)}))))

(defn ended
  "The job when it is over; nil when that took too long."
  [id cfg job]
  (let [timeout (:timeout cfg "24h")]
    (try
      (flow/step :job (breyta.step/part id "wait") {:op :await :job-id (:job-id job) :timeout (if (number? timeout) (str timeout "s") timeout)})
      (catch clojure.lang.ExceptionInfo e
        (when-not (= :await-timeout (:type (ex-data e)))
          (throw e))))))

(defn over-job
  "The same as a job: its payload has what the command would have, and the worker's answer is the result."
  [id cfg]
  (let [job (flow/step :job (breyta.step/part id "start")
                       (merge {:op :submit :job-type (:job-type cfg) :payload (select-keys cfg [:command :workdir :env :inputs :objective])}
                              (select-keys cfg [:max-attempts :title :keep-running])))
        over (ended id cfg job)
        {:keys [message details]} (:error over)
        progress (:progress over)]
    (if over
      (assoc (normal {:status (:status over) :result (if message (:result details) (:outputs over)) :artifacts (:artifacts over) :error message
                      :exit (:exit details) :logTail (:logTail details) :logs-url (:logs-url (:metadata over))}
                     (when progress [(merge progress (select-keys (:details progress) [:percent]))]))
             :job-id (:job-id job))
      (late-job id cfg job))))

(defn work
  "The agent's result."
  [id cfg]
  (if (= :ssh (:via cfg)) (over-ssh id cfg) (over-job id cfg)))
