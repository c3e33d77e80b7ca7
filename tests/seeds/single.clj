'(let [{:keys [surface mode timeoutSeconds]} (flow/input)
       queued-job (flow/step :job :submit-agent-review
                    {:op :submit
                     :job-type "agent-review"
                     :payload {:surface (or surface "flows-api")
                               :mode (or mode "succeeded")}
                     :metadata {:campaign "agent-review"}})
       final-job (flow/step :job :await-agent-review
                   {:op :await
                    :job-id (:job-id queued-job)
                    :interval "250ms"
                    :timeout (str (long (or timeoutSeconds 60)) "s")})]
   final-job)
